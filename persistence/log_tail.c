/* log_tail.c -- with everysec: a power cut costs nothing that was acknowledged more than a second before.
 *
 * A reply leaves when its bytes are written, provided that the sync which covers them can be expected to end
 * within that second:
 *
 *   - A sync begins when the oldest unsynced byte is half a second old. The thread sees to that by itself
 *     (sync_due): the reactor may be busy with one long command.
 *   - A disk whose syncs lately took longer than FORESEEN_US, or which has been at one for as long, is slow.
 *     Then replies to writes wait for their sync, as with always, and one sync follows the other, until a
 *     few have been fast again.
 *   - When the oldest unsynced byte is nearly a second old all the same, writers are held back before they run.
 *
 * Reads wait for none of this. No clairvoyance: when a fast disk hangs from one sync to the next, what was
 * acknowledged between the sync before and FORESEEN_US into the one that hangs (0.85 s at most) is at risk
 * until it ends; nothing more is acknowledged meanwhile. */
#include "persistence/log_tail.h"

#include "base/log.h"
#include "persistence/log_thread.h"

enum { SYNC_AGE_US = 500 * 1000, FORESEEN_US = 350 * 1000, WAIT_AGE_US = 950 * 1000, TELL_US = 10 * 1000 * 1000 };

/* The same for the tail's size: it is kept in memory until it is synced. */
enum { SYNC_TAIL = 32 << 20 };

/* When the oldest unsynced byte was written, or earlier; 0: there is none. */
static void look_back(struct write_log *w, int64_t now, uint64_t durable, uint64_t tail)
{
    if (tail == 0) {
        w->unsynced_since = 0;
    } else if (w->unsynced_since == 0) {
        w->unsynced_since = now;
    } else if (durable != w->durable_seen) {
        /* what is left was appended after that sync began */
        int64_t began = atomic_load(&w->sync_began);

        if (began > w->unsynced_since) w->unsynced_since = began;
    }
    w->durable_seen = durable;
}

static bool is_slow(const struct write_log *w, int64_t now)
{
    int64_t since = atomic_load(&w->sync_runs_since);

    return atomic_load(&w->expected_us) > FORESEEN_US || (since != 0 && now - since > FORESEEN_US);
}

/* Once for each time that writers wait, but not many times a minute. */
static void tell(struct write_log *w, int64_t now)
{
    int64_t since = atomic_load(&w->sync_runs_since), us = atomic_load(&w->expected_us);

    w->delayed++;
    if (w->told_us != 0 && now - w->told_us < TELL_US) return;
    w->told_us = now;
    if (since != 0 && now - since > us) us = now - since;
    log_warning(w->env.log, "The AOF's disk is slow (a sync takes %lld ms or more): writers wait for it, "
                "readers do not", (long long)(us / 1000));
}

void log_tail_watch(struct write_log *w, int64_t now)
{
    uint64_t durable = atomic_load_explicit(&w->durable, memory_order_acquire);
    uint64_t held = durable > w->released ? durable : w->released, tail = w->chain.end - held;
    bool slow = false;

    if (durable < w->sync_asked) log_thread_want_sync(w);
    if (w->mode == PERSIST_NO && !w->thread_owns) {
        w->must_wait = w->is_slow = false;
        return;
    }
    look_back(w, now, durable, tail);
    w->must_wait = tail >= LOG_TAIL_MOST;
    if (w->mode == PERSIST_EVERYSEC) {
        int64_t age = tail ? now - w->unsynced_since : 0;

        slow = tail && (age >= WAIT_AGE_US || is_slow(w, now));
        if (age >= WAIT_AGE_US) w->must_wait = true;
        if (tail && (slow || age >= SYNC_AGE_US || tail >= SYNC_TAIL)) log_thread_want_sync(w);
        if (!slow && !w->thread_owns) w->acked = w->written;
    }
    if ((slow || w->must_wait) && !w->is_slow) tell(w, now);
    w->is_slow = slow || w->must_wait;
}

bool log_tail_written(struct write_log *w, int64_t now)
{
    if (w->mode != PERSIST_EVERYSEC || w->sync_due != 0) return false;
    w->sync_due = now + SYNC_AGE_US;
    return true;
}

void log_tail_synced(struct write_log *w, int64_t began, uint64_t upto)
{
    int64_t expected = atomic_load(&w->expected_us);

    expected -= expected / 4;
    atomic_store(&w->expected_us, w->last_sync_us > expected ? w->last_sync_us : expected);
    w->sync_due = w->mode == PERSIST_EVERYSEC && w->written > upto ? began + SYNC_AGE_US : 0;
}
