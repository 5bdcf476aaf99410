/* cron.c -- see cron.h. */
#include "server/cron.h"

#include <signal.h>

#include "base/mem.h"
#include "server/client.h"
#include "server/crash_report.h"
#include "server/dispatch.h"
#include "server/ft_cursor.h"
#include "server/guess.h"
#include "server/keysizes.h"
#include "server/lazy.h"
#include "server/listen.h"
#include "server/restart.h"
#include "server/script_run.h"
#include "server/stranger.h"
#include "server/supervise.h"
#include "server/tls.h"
#include "server/tracking.h"
#include "server/transfer.h"
#include "storage/key_order.h"

enum {
    CRON_MS = 100,
    STILL_MS = 1000,
    LOOK_AT = 64 /* clients of a turn: each of 10,000 is a few cache misses, and a thousand at once 300 us */
};

void rate_sample(struct rate *r, uint64_t total, int64_t ms)
{
    if (ms <= 0) return;
    r->sample[r->at] = (total - r->last) * 1000 / (uint64_t)ms;
    r->last = total;
    r->at = (r->at + 1) % OPS_SAMPLES;
}

uint64_t rate_per_second(const struct rate *r)
{
    uint64_t sum = 0;

    for (int i = 0; i < OPS_SAMPLES; i++) sum += r->sample[i];
    return sum / OPS_SAMPLES;
}

/* Idle clients go after `timeout` seconds; those that wait or listen stay. */
static void look_at_client(struct server *s, struct client *c)
{
    int64_t now_ms = server_mono_ms(s), limit_ms = s->conf->timeout * 1000;

    client_check_output(c);
    if (now_ms - c->active_ms >= STILL_MS) client_fit_input(c); /* of a request whose rest does not come */
    client_count_memory(c);
    if (limit_ms == 0 || c->subs || c->transfer || (c->flags & (CLIENT_BLOCKED | CLIENT_PAUSED | CLIENT_MONITOR))) return;
    if (now_ms - c->active_ms > limit_ms) {
        log_verbose(s->log, "Closing idle client");
        client_close(c);
    }
}

bool cron_clients_are_due(const struct server *s)
{
    return s->n_to_look_at > 0;
}

void cron_clients_turn(struct server *s, int64_t deadline_us)
{
    (void)deadline_us;
    for (int i = 0; i < LOOK_AT && s->n_to_look_at > 0; i++) {
        struct client *c;

        s->n_to_look_at--;
        if (link_alone(&s->clients)) continue;
        c = LINK_OF(s->clients.next, struct client, all);
        link_to_tail(&s->clients, &c->all);
        look_at_client(s, c);
    }
}

static void note_peak(struct server *s)
{
    size_t used = mem_used();

    if (used > s->stats.peak_memory) {
        s->stats.peak_memory = used;
        s->stats.peak_time = server_now_ms(s) / 1000;
    }
}

static void purge(void *nothing)
{
    (void)nothing;
    mem_purge();
}

/* maxmemory is a limit on what is used, but what people mean is what is resident: that should not be more than a tenth
 * beyond it. Two things come on top. Pages that were freed stay for a while, to be used again: buffers that come and
 * go would make a third of maxmemory of them. And pages that are used in part: where there are many, as many bytes
 * twice over count as used, so that others are filled up or become empty; but no more than a sixteenth of maxmemory:
 * after many deletions pages stay that nothing could free at once, and evicting all would not help. */
static void bound_resident(struct server *s)
{
    enum { FREED_SLACK = 4 << 20, PARTIAL_SLACK = 6 << 20 };
    uint64_t limit = s->store->conf.maxmemory, most = limit + limit / 25 + PARTIAL_SLACK;
    struct mem_stats m;

    s->partial_bytes = 0;
    if (limit == 0) return;
    mem_stats(&m);
    server_note_beside(s, m.beside);
    if (m.active > most) s->partial_bytes = 2 * (m.active - most) < limit / 16 ? 2 * (m.active - most) : limit / 16;
    if (m.resident > limit && m.resident - m.active > limit / 32 + FREED_SLACK && lazy_pending(s->lazy) == 0)
        lazy_defer(s->lazy, purge, NULL);
}

/* SIGHUP. Once for all that have come: signals can come faster than a file is opened. */
static void reload(struct server *s)
{
    s->reload = false;
    supervise_reloading(s->supervise, clock_mono_us());
    if (log_has_file(s->log)) {
        if (log_reopen(s->log)) log_notice(s->log, "Log file reopened.");
        else log_warning(s->log, "The log file could not be reopened, keeping the old one.");
    }
    tls_reload_soon(s);
    supervise_ready(s->supervise);
}

bool cron_turn(struct server *s)
{
    int64_t passed_ms = (s->now_us - s->last_cron_us) / 1000;

    if (passed_ms >= CRON_MS && !s->cron_paused) {
        s->last_cron_us = s->now_us;
        supervise_beat(s->supervise, s->now_us);
        rate_sample(&s->ops, s->stats.commands, passed_ms);
        rate_sample(&s->net_in, s->stats.net_in, passed_ms);
        rate_sample(&s->net_out, s->stats.net_out, passed_ms);
        rate_sample(&s->cycles, s->turns, passed_ms);
        rate_sample(&s->cycle_us, server_turns_us(s), passed_ms);
        crash_report_alive(s);
        note_peak(s);
        bound_resident(s);
        listen_resume(s);
        s->n_to_look_at = s->n_clients / 10 + 5; /* everybody about once a second */
        cron_clients_turn(s, s->now_us);
        strangers_tend(s);
        guesses_tend(s);
        if (UNLIKELY(s->reload)) reload(s);
        tls_tend(s);
        clients_trim_spare(s);
        tracking_shrink(s);
        keysizes_tend(s);
        if (s->now_us - s->last_tend_us >= 1000000) {
            s->last_tend_us = s->now_us;
            log_tend(s->log);
            transfers_tend(s);
            key_order_tend(s->store);
            ft_cursors_tend(s);
        }
        s->evicting = s->store->conf.policy != EVICT_NONE || s->memory_excess > 0;
    }
    /* When nobody writes, nobody else evicts: a limit that was lowered is reached in slices. */
    if (UNLIKELY(s->evicting)) s->evicting = dispatch_make_room(s) == MEMORY_EVICTING;
    return s->evicting;
}

void cron_signal_waited(struct server *s)
{
    int sig = s->signal_later;

    s->signal_later = 0;
    cron_signal(s, sig);
}

/* A script is not disturbed: it comes to its end first. One that asks to end meanwhile is heard instead. */
static void restart_by_signal(struct server *s)
{
    char why[RESTART_WHY];

    if (s->stopping || s->signal_later != 0) return;
    if (script_busy(s->script) != NULL) {
        s->signal_later = SIGUSR2;
        return;
    }
    if (!restart_begin(s, -1, false, why)) { /* the log says why */ }
}

void cron_signal(struct server *s, int sig)
{
    int how, save;

    if (sig == SIGHUP) {
        s->reload = true;
        return;
    }
    if (sig == SIGUSR2) {
        restart_by_signal(s);
        return;
    }
    if (s->stopping) {
        s->signal_later = sig; /* for the one that begins anew, if one does */
        return;
    }
    log_warning(s->log, "Received %s scheduling shutdown...", sig == SIGTERM ? "SIGTERM" : "SIGINT");
    if (!script_give_way(s->script)) { /* what it has done so far is not whole */
        s->signal_later = sig;
        return;
    }
    how = sig == SIGTERM ? s->conf->shutdown_on_sigterm : s->conf->shutdown_on_sigint;
    save = how & CONF_SHUTDOWN_SAVE ? 1 : how & CONF_SHUTDOWN_NOSAVE ? 0 : -1;
    server_shutdown(s, save, (how & CONF_SHUTDOWN_FORCE) != 0);
}
