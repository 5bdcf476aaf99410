/* times.c -- see times.h. */
#include "server/times.h"

#include <stdlib.h>

#include "server/server.h"

void times_open(struct server *s)
{
    wall_init(&s->wall, clock_wall_us(), clock_boot_us());
    s->now_us = clock_mono_us();
    s->store->now_ms = s->wall.now_us / 1000;
}

static unsigned long long keys_with_ttl(const struct server *s)
{
    unsigned long long n = 0;

    for (int i = 0; i < s->store->conf.databases; i++) {
        if (s->store->dbs[i]) n += s->store->dbs[i]->n_expires;
    }
    return n;
}

static void tell(struct server *s, enum wall_event what)
{
    const struct wall *w = &s->wall;
    long long ms = llabs(w->ahead_us) / 1000;
    const char *where = w->ahead_us > 0 ? "ahead of" : "behind";

    if (what == WALL_TOGETHER) {
        log_notice(s->log, "The system's clock and memd's time agree again.");
    } else if (w->told_us == 0) {
        log_warning(s->log, "The system's clock has jumped: it was %lld.%03lld s %s memd's time, which follows it "
                    "(follow-clock-jumps yes). %llu keys have a time to live.", ms / 1000, ms % 1000, where,
                    keys_with_ttl(s));
    } else {
        log_warning(s->log, "The system's clock has jumped: it is %lld.%03lld s %s memd's time, which goes on as "
                    "before: keys keep the time that they have left. But the next start begins with the system's "
                    "clock: if that stays as it is, the %llu keys with a time to live %s then. If the new time is "
                    "right, CONFIG SET follow-clock-jumps yes takes it over now.", ms / 1000, ms % 1000, where,
                    keys_with_ttl(s), w->ahead_us > 0 ? "will be so much older" : "will have so much longer to live");
    }
}

void times_look(struct server *s)
{
    enum wall_event what;

    s->now_us = clock_mono_us();
    what = wall_look(&s->wall, clock_wall_us(), clock_boot_us(), s->conf->follow_clock_jumps);
    s->store->now_ms = s->wall.now_us / 1000;
    if (UNLIKELY(what != WALL_QUIET)) tell(s, what);
}

int64_t times_wall_us(const struct server *s)
{
    return wall_at(&s->wall, clock_boot_us());
}
