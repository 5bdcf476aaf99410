/* loop_open.c -- what makes the loop turn besides sockets: its tick, helpers that wake it, signals. See loop.h. */
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/cron.h"
#include "server/loop.h"

enum {
    TICK_BUSY_MS = 10, /* while something has a deadline */
    TICK_IDLE_MS = 100
};

/* --- the tick ---------------------------------------------------------------------------------------------- */

static void arm_tick(struct server *s, int ms)
{
    struct timeval tv = { 0, ms * 1000 };

    s->tick_ms = ms;
    event_add(&s->tick, &tv);
}

static bool has_deadlines(const struct server *s)
{
    if (!link_alone(&s->timeouts) || s->pause_until_ms != 0) return true;
    for (int i = 0; i < s->store->conf.databases; i++) {
        if (s->store->dbs[i] && s->store->dbs[i]->n_expires > 0) return true;
    }
    return s->store->stats.expired_fields > 0 || s->store->fields != NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;

    (void)fd;
    (void)what;
    arm_tick(s, has_deadlines(s) ? TICK_BUSY_MS : TICK_IDLE_MS);
}

void loop_hurry_tick(struct server *s)
{
    if (LIKELY(s->tick_ms <= TICK_BUSY_MS)) return;
    if (link_alone(&s->timeouts) && s->pause_until_ms == 0) return;
    arm_tick(s, TICK_BUSY_MS);
}

/* --- wakes -------------------------------------------------------------------------------------------------- */

/* The eventfd of loop_wake, and the timer of a nap. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    uint64_t n;

    (void)what;
    (void)arg;
    if (read(fd, &n, sizeof n) < 0) { /* another wake came in between, or a new nap has begun */ }
}

void loop_wake(void *server)
{
    struct server *s = server;
    uint64_t one = 1;

    /* One that is busy looks before it sleeps: no call for it. */
    if (atomic_exchange(&s->woken, true) || !atomic_load(&s->asleep)) return;
    if (write(s->wake_fd, &one, sizeof one) < 0) { /* the counter is full: it is awake */ }
}

/* --- signals ------------------------------------------------------------------------------------------------ */

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
    (void)what;
    cron_signal(arg, (int)sig);
}

static void change_signals(int how)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    sigprocmask(how, &ends, NULL);
}

/* --- beginning and end -------------------------------------------------------------------------------------- */

void loop_open(struct server *s)
{
    struct event_config *cfg;

    event_set_mem_functions(mem_alloc, mem_realloc, mem_free); /* its errors for want of memory nobody could handle */
    cfg = event_config_new();
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    s->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    ensure(s->base != NULL);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ensure(s->wake_fd >= 0);
    event_assign(&s->wake, s->base, s->wake_fd, EV_READ | EV_PERSIST, on_wake, s);
    event_add(&s->wake, NULL);
    s->nap_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ensure(s->nap_fd >= 0);
    event_assign(&s->nap, s->base, s->nap_fd, EV_READ | EV_PERSIST, on_wake, s);
    event_add(&s->nap, NULL);
    event_assign(&s->tick, s->base, -1, 0, on_tick, s);
    arm_tick(s, TICK_BUSY_MS);
    evsignal_assign(&s->on_term, s->base, SIGTERM, on_signal, s);
    evsignal_assign(&s->on_int, s->base, SIGINT, on_signal, s);
    evsignal_assign(&s->on_hup, s->base, SIGHUP, on_signal, s);
    event_add(&s->on_term, NULL);
    event_add(&s->on_int, NULL);
    event_add(&s->on_hup, NULL);
    if (s->conf->restart_in_place) {
        evsignal_assign(&s->on_usr2, s->base, SIGUSR2, on_signal, s);
        event_add(&s->on_usr2, NULL);
    }
    change_signals(SIG_UNBLOCK); /* those that came during a RESTART are heard now */
}

void loop_close(struct server *s)
{
    /* Those that come from now on change nothing any more: without a handler they would kill, and the exit code would
     * tell of an end that was not orderly. */
    change_signals(SIG_BLOCK);
    event_base_loop(s->base, EVLOOP_NONBLOCK); /* there is nobody left; but a signal may have come */
    if (s->restarting && s->signal_later != 0) raise(s->signal_later); /* the program that begins will hear it */
    event_del(&s->wake);
    event_del(&s->nap);
    event_del(&s->tick);
    event_del(&s->on_term);
    event_del(&s->on_int);
    event_del(&s->on_hup);
    if (s->conf->restart_in_place) event_del(&s->on_usr2);
    close(s->wake_fd);
    close(s->nap_fd);
    event_base_free(s->base);
}
