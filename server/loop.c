/* loop.c -- see loop.h. */
#include "server/loop.h"

#include <limits.h>
#include <sys/timerfd.h>

#include "base/mem.h"
#include "server/archive_wait.h"
#include "server/batch.h"
#include "server/block.h"
#include "server/client.h"
#include "server/cron.h"
#include "server/departures.h"
#include "server/latency.h"
#include "server/live_search.h"
#include "server/namespaces.h"
#include "server/recall.h"
#include "server/script_run.h"
#include "server/shortage.h"
#include "server/supervise.h"
#include "server/ticks.h"
#include "server/times.h"
#include "server/tls.h"
#include "server/tracking.h"
#include "server/transfer.h"

enum {
    EXPIRE_SLICE = 64, /* expiry records between two looks at the clock */
    SLICE_US = 1000,
    SAVE_SHARE = 16,     /* a save takes one part in so many of a busy loop's time, ... */
    SAVE_SLICE_US = 50,  /* ... and not less than this at once; so much when requests come but none waits */
    NAP_US = 50,         /* between such slices */
    QUIET_US = 100000    /* without a request: a save may take longer slices */
};

/* --- time ---------------------------------------------------------------------------------------------- */

void loop_refresh_time(struct server *s)
{
    if (UNLIKELY(s->units > 0)) {
        s->time_passed = true;
        return;
    }
    times_look(s);
}

void loop_unit_begin(struct server *s)
{
    if (s->units++ == 0) s->unit_us = 0;
}

void loop_unit_end(struct server *s)
{
    if (--s->units > 0 || LIKELY(!s->time_passed)) return;
    s->time_passed = false;
    loop_refresh_time(s);
}

/* --- the turn ------------------------------------------------------------------------------------------ */

/* Receive from those who are ready (loop_on_ready), or wait until somebody is. */
static void receive(struct server *s, int flags)
{
    s->turn_reads = s->stats.reads;
    if (LIKELY(link_alone(&s->readable))) s->worked_off_reads = s->stats.reads;
    if (UNLIKELY(!link_alone(&s->crowd))) {
        if (loop_read_crowd(s)) return;
        flags |= EVLOOP_NONBLOCK;
    }
    event_base_loop(s->base, flags);
}

/* Remove what is due, for a slice of time. True: more is due. Where nothing may leave it stays, and is out of indexes. */
bool loop_expire(struct server *s)
{
    bool stays = s->store->keep_expired || s->cron_paused || s->pause_until_ms != 0, more;
    int64_t from, now;

    if (s->store->loading || s->store->now_ms == s->last_expire_ms) return false;
    if (UNLIKELY(stays) && !s->ft_any) return false;
    from = clock_mono_us(); /* the turn may have taken long: its own time is no measure */
    do {
        more = stays ? store_tell_overdue(s->store, EXPIRE_SLICE) : store_expire_some(s->store, EXPIRE_SLICE);
        now = clock_mono_us();
    } while (more && now < from + SLICE_US);
    s->stats.expire_us += (uint64_t)(now - from);
    s->stats.expire_slices_full += more;
    latency_add(s->latency, "expire-cycle", (now - from) / 1000);
    if (!more) s->last_expire_ms = s->store->now_ms;
    return more;
}

static void resume_paused(struct server *s, unsigned most)
{
    for (; most > 0 && !link_alone(&s->paused); most--) {
        struct client *c = LINK_OF(s->paused.next, struct client, in_paused);
        batch_unpause(c);
        client_wants_parse(c);
    }
}

/* Do those who are held wait for nothing else than room? When the disk fails who waits for it goes on, and is told so. */
static bool waits_for_room_alone(const struct server *s)
{
    if (s->pause_until_ms != 0 || s->ft_full) return false;
    return !persist_must_wait(s->persist) || persist_is_failing(s->persist);
}

bool loop_owes_room(const struct client *c)
{
    return UNLIKELY(c->flags & CLIENT_PAUSED) && waits_for_room_alone(c->server);
}

/* Are there any who the disk alone, or what waits to be indexed or evicted, held back, and need not wait longer? */
static bool may_resume(const struct server *s)
{
    return UNLIKELY(!link_alone(&s->paused)) && s->memory_excess == 0 && waits_for_room_alone(s);
}

/* Who was held back may try again when a pause ends, or when the disk has caught up; who still may not
 * is held again. */
static void check_pause(struct server *s)
{
    enum { FEW = 64 }; /* of those who wait for room: the first of them may take it all */

    if (LIKELY(s->pause_until_ms == 0 && link_alone(&s->paused))) return;
    if (s->pause_until_ms != 0) {
        if (server_mono_ms(s) < s->pause_until_ms) return;
        server_unpause(s);
        resume_paused(s, UINT_MAX);
    } else if (may_resume(s)) {
        resume_paused(s, FEW);
    }
}

/* What a save may take of this turn; 0: nothing. While commands run it earns its share. When none waits,
 * one that comes during the slice waits for its end. */
static int64_t save_budget(struct server *s, bool ran)
{
    int64_t us = (s->now_us - s->save_us) / SAVE_SHARE + s->save_earned_us;

    s->save_us = s->now_us;
    if (!ran) {
        s->save_earned_us = 0;
        return s->now_us - s->ran_us < QUIET_US ? SAVE_SLICE_US : SLICE_US;
    }
    s->ran_us = s->now_us;
    s->save_earned_us = us < SAVE_SLICE_US ? us : 0;
    return us < SAVE_SLICE_US ? 0 : us < SLICE_US ? us : SLICE_US;
}

/* Sleep a moment, or until something comes. A loop that only asked whether something has come would use up
 * its share of the processor, and wait for its turn like others when it is needed. */
static void nap(struct server *s)
{
    struct itimerspec t = { .it_value.tv_nsec = NAP_US * 1000 };

    timerfd_settime(s->nap_fd, 0, &t, NULL);
}

static void ask_for_sync(struct server *s)
{
    s->wants_sync = false;
    persist_sync_soon(s->persist);
}

/* What the archive has answered becomes replies; what waits to be asked of it is asked. */
static void turn_of_archive(struct server *s)
{
    archive_wait_turn(s);
    live_searches_ask(s);
    recalls_tend(s);
    if (UNLIKELY(!link_alone(&s->ready))) block_serve(s);
}

/* Hear of the archive's threads what they have done. True: that is to be answered at once. */
static bool collect_archive(struct server *s)
{
    bool none = link_alone(&s->archive_answered);

    departures_turn(s);
    return none && !link_alone(&s->archive_answered);
}

/* All that was to run has run: the log takes what changed. Replies may be sent then. */
static void end_running(struct server *s)
{
    tracking_turn_end(s);
    clients_close_due(s);
    persist_turn_end(s->persist);
    if (UNLIKELY(s->wants_sync)) ask_for_sync(s);
}

/* All is saved: what ran before that is answered, and nobody is told of what would come after it. */
static bool last_turn(struct server *s)
{
    end_running(s);
    loop_send(s);
    return false;
}

/* The others have their replies: one who asks for much goes on, and is sent his in a later turn. True: that was so, and a whole
 * turn is to follow. */
static bool turn_of_greedy(struct server *s)
{
    if (LIKELY(!batch_has_more(s)) || s->stopping) return false;
    batch_run_more(s);
    if (UNLIKELY(s->stopping)) return last_turn(s);
    if (UNLIKELY(!link_alone(&s->ready))) block_serve(s);
    end_running(s);
    return true;
}

/* The others have their replies: what goes on in slices goes on. True: what that answers or changes is to be seen to in the turn that
 * follows, or there is more of it. */
static bool turn_of_slices(struct server *s)
{
    uint64_t changes = s->store->stats.changes;
    bool outward = between_turn(&s->between, s);

    if (UNLIKELY(!link_alone(&s->ready))) block_serve(s); /* what came of it may be what somebody waits for */
    return outward || s->store->stats.changes != changes || between_is_due(&s->between, s);
}

/* One turn after libevent's. True: there is more to do, so do not wait. */
static bool turn(struct server *s)
{
    bool more, saves, tls_more;
    uint64_t from = ticks_now(), to, commands = s->stats.commands;

    s->turns++;
    s->turn_sent = 0;
    atomic_exchange(&s->woken, false); /* before anything is looked at */
    loop_refresh_time(s);
    s->reads_wait = persist_reads_wait(s->persist);
    if (UNLIKELY(mem_is_short())) shortage_turn(s);
    check_pause(s);
    tls_more = UNLIKELY(tls_is_due(s)) && tls_turn(s);
    batch_run(s);
    if (UNLIKELY(script_wants_shutdown(s->script))) server_shutdown(s, 0, true);
    if (UNLIKELY(s->signal_later != 0)) cron_signal_waited(s);
    if (UNLIKELY(s->stopping)) return last_turn(s);
    block_expire(s);
    more = loop_expire(s);
    more |= cron_turn(s);
    if (UNLIKELY(!link_alone(&s->ready))) block_serve(s);
    more |= transfers_turn(s);
    if (UNLIKELY(ns_any(s->store))) namespaces_tend(s);
    if (UNLIKELY(!link_alone(&s->syncing))) block_serve_synced(s);
    if (UNLIKELY(s->archive != NULL)) turn_of_archive(s);
    end_running(s);
    if (UNLIKELY(s->archive != NULL)) more |= collect_archive(s);
    loop_send(s);
    more |= turn_of_greedy(s);
    if (UNLIKELY(s->stopping)) return false;
    more |= clients_evict(s);
    saves = persist_turn(s->persist, save_budget(s, s->stats.commands != commands));
    if (UNLIKELY(between_is_due(&s->between, s))) more |= turn_of_slices(s);
    more |= may_resume(s) || s->memory_excess > 0; /* the disk may have caught up just now, and those who went on be held anew */
    clients_reap(s);
    loop_hurry_tick(s);
    to = ticks_now();
    if (LIKELY(to > from)) s->turn_ticks += to - from;
    more |= tls_more;
    more |= !link_alone(&s->readable) || !link_alone(&s->writable) || !link_alone(&s->told) || !link_alone(&s->had_share);
    if (UNLIKELY(saves && !more)) nap(s);
    return more;
}

/* Say so before looking, and helpers look after they have spoken (loop_wake): one of the two sees the other. */
static bool may_sleep(struct server *s)
{
    atomic_store(&s->asleep, true);
    return !atomic_load(&s->woken);
}

void loop_run(struct server *s)
{
    bool more = false;

    while (!s->stopping) {
        bool wait = !more && may_sleep(s);
        receive(s, EVLOOP_ONCE | (wait ? 0 : EVLOOP_NONBLOCK));
        atomic_store(&s->asleep, false);
        if (!s->stopping) more = turn(s); /* a signal may have come, and all be saved */
    }
    loop_send(s); /* what was to be sent in later turns */
}

void loop_turn_loading(struct server *s)
{
    receive(s, EVLOOP_NONBLOCK);
    s->turn_sent = 0;
    s->now_us = clock_mono_us();
    if (UNLIKELY(tls_is_due(s))) tls_turn(s);
    batch_run(s);
    if (batch_has_more(s)) batch_run_more(s);
    cron_turn(s);
    if (cron_clients_are_due(s)) cron_clients_turn(s, s->now_us);
    clients_close_due(s);
    loop_send(s);
    clients_reap(s);
}

/* --- while a script is busy ----------------------------------------------------------------------------- */

/* What belongs to the call that runs and must not be touched by others' calls. */
struct busy_saved {
    struct arena arena, batch;
    struct buf late;
    struct client *current;
};

void loop_busy_begin(struct server *s, struct client *caller)
{
    s->busy_saved = mem_alloc(sizeof *s->busy_saved);
    batch_give_back(s);
    caller->flags |= CLIENT_BUSY;
    if (caller->fd < 0) return;
    link_remove(&caller->in_readable);
    link_remove(&caller->in_writable);
    event_del(&caller->on_read);
    if (caller->flags & CLIENT_WRITE_ARMED) event_del(caller->on_write);
}

void loop_busy_turn(struct server *s)
{
    struct busy_saved *b = s->busy_saved;

    *b = (struct busy_saved){ s->arena, s->batch, s->late, s->current };
    arena_init(&s->arena);
    arena_init(&s->batch);
    s->late = (struct buf){ .may_fail = true };
    s->current = NULL;
    receive(s, EVLOOP_NONBLOCK);
    s->turn_sent = 0;
    s->now_us = clock_mono_us();
    if (UNLIKELY(tls_is_due(s))) tls_turn(s);
    supervise_beat(s->supervise, s->now_us);
    batch_run(s);
    if (batch_has_more(s)) batch_run_more(s);
    clients_close_due(s);
    loop_send(s);
    arena_fini(&s->arena);
    arena_fini(&s->batch);
    buf_fini(&s->late);
    s->arena = b->arena;
    s->batch = b->batch;
    s->late = b->late;
    s->current = b->current;
}

void loop_busy_end(struct server *s, struct client *caller)
{
    mem_free(s->busy_saved);
    s->busy_saved = NULL;
    caller->flags &= ~(uint32_t)CLIENT_BUSY;
    loop_refresh_time(s);
    if (caller->fd < 0 || (caller->flags & CLIENT_CLOSED)) return;
    event_add(&caller->on_read, NULL);
    if (caller->flags & CLIENT_WRITE_ARMED) event_add(caller->on_write, NULL);
    client_wants_write(caller);
    client_wants_parse(caller);
}
