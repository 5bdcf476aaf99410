/* between.c -- see between.h. */
#include "server/between.h"

#include "base/clock.h"
#include "base/err.h"
#include "server/aside.h"
#include "server/cron.h"
#include "server/ft.h"
#include "server/ft_job.h"
#include "server/jobs.h"
#include "server/keys_walk.h"
#include "server/latency.h"
#include "server/live_search.h"
#include "server/namespaces.h"
#include "server/recall.h"
#include "server/unlink_match.h"
#include "storage/key_order.h"

void between_init(struct between *b, const struct between_kind *kinds, size_t n, int64_t (*clock_us)(void))
{
    ensure(n <= BETWEEN_KINDS_MAX);
    *b = (struct between){ .kinds = kinds, .n = n, .clock_us = clock_us };
}

static bool any_is_due(const struct between *b, const struct server *s)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->kinds[i].is_due(s)) return true;
    return false;
}

bool between_is_due(const struct between *b, const struct server *s)
{
    if (UNLIKELY(b->may_be_due == NULL || b->may_be_due(s))) return any_is_due(b, s);
#ifdef __SANITIZE_ADDRESS__
    ensure(!any_is_due(b, s));
#endif
    return false;
}

/* Returns the time at its end. */
static int64_t give_slice(struct between *b, struct server *s, size_t i, int64_t from)
{
    int64_t now, us;

    b->kinds[i].turn(s, b->deadline_us);
    now = b->clock_us();
    us = now - from;
    b->spent[i].turns++;
    b->spent[i].us += (uint64_t)us;
    if (us > b->spent[i].us_max) b->spent[i].us_max = us;
    if (b->tell) b->tell(s, b->kinds[i].name, us);
    return now;
}

bool between_turn(struct between *b, struct server *s)
{
    int64_t now = b->clock_us();
    size_t first = b->first;
    bool ran = false, outward = false;

    b->deadline_us = now + BETWEEN_US;
    for (size_t n = 0; n < b->n; n++) {
        size_t i = (first + n) % b->n;

        if (!b->kinds[i].is_due(s)) continue;
        if (ran && now >= b->deadline_us) break;
        now = give_slice(b, s, i, now);
        if (!ran) b->first = (i + 1) % b->n;
        ran = true;
        outward |= !b->kinds[i].inward;
    }
    return outward;
}

/* --- memd's ------------------------------------------------------------------------------------------------------ */

static bool keys_to_order(const struct server *s)
{
    return s->store->order != NULL && key_order_is_due(s->store);
}

/* Keys that somebody asks for by prefix. */
static void order_keys(struct server *s, int64_t deadline_us)
{
    enum { BUCKETS = 8 }; /* between two looks at the clock */

    while (key_order_step(s->store, BUCKETS) && clock_mono_us() < deadline_us) {}
}

/* clang-format off */

static const struct between_kind kinds[] = {
    { "searches",          ft_jobs_are_due,       ft_jobs_turn, false },
    { "indexing",          ft_is_due,             ft_turn, true },
    { "index-alterations", ft_alters_are_due,     ft_alters_turn, false },
    { "jobs",              jobs_are_due,          jobs_turn, false },
    { "keys-walks",        keys_walks_are_due,    keys_walks_turn, false },
    { "unlinkings",        unlinkings_are_due,    unlinkings_turn, false },
    { "asides",            asides_are_due,        asides_turn, false },
    { "key-order",         keys_to_order,         order_keys, false },
    { "namespaces",        namespaces_are_due,    namespaces_turn, false },
    { "live-searches",     live_searches_are_due, live_searches_turn, false },
    { "recalls",           recalls_are_due,       recalls_turn, false },
    { "clients",           cron_clients_are_due,  cron_clients_turn, false },
};

/* clang-format on */

/* Asked in every turn: whether anybody has ever used what a kind is for, or waits for it. */
static bool may_be_due(const struct server *s)
{
    bool waited_for = !link_alone(&s->ft_jobs) || !link_alone(&s->ft_alters) || !link_alone(&s->jobs) || !link_alone(&s->jobs_held) ||
                      !link_alone(&s->keys_walks) || !link_alone(&s->unlinkings) || s->n_to_look_at > 0;

    return waited_for || s->ft_any || s->asides != NULL || s->store->order != NULL || ns_any(s->store) || s->archive != NULL;
}

static void tell_latency(struct server *s, const char *name, int64_t us)
{
    if (UNLIKELY(us >= 1000)) latency_add(s->latency, name, us / 1000);
}

void between_init_of_server(struct between *b)
{
    between_init(b, kinds, sizeof kinds / sizeof *kinds, clock_mono_us);
    b->may_be_due = may_be_due;
    b->tell = tell_latency;
}
