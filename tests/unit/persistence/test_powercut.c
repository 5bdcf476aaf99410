/* Power cuts: whatever a disk may legally hold after a cut at any place of a history, it loads, to a prefix of
 * the history that has all that had been promised by then (D1, D2, D3); and so again after a second cut.
 *
 * MEMD_POWERCUT_STATES=n goes on with other histories until n states have been loaded (make powercut);
 * MEMD_TEST_SEED chooses them. */
#include "tests/unit/persistence/histories.h"
#include "tests/unit/persistence/trial.h"

/* --- histories ------------------------------------------------------------------------------------------- */

/* Play h and try the states of its disk; false: a promise was broken. */
static bool prove(const struct history *h, uint64_t seed, struct crash_plan plan, size_t again_every,
                  struct crash_count *count, const struct mistake *mistake)
{
    static struct memfs disk;
    static struct rig rig;
    struct trace trace;
    struct trial t = { .rig = &rig, .trace = &trace, .again_every = again_every, .count = count, .name = h->name,
                       .quiet = mistake->name != NULL };
    bool ok;

    rng_seed(&t.rng, seed);
    plan.rng = &t.rng;
    plan.first.appendonly = h->appendonly;
    history_play(h, &rig, &disk, &trace, seed, mistake);
    ok = crash_states_each(&trace, &plan, trial_state, &t, count);
    if (!t.quiet)
        printf("%s: %zu operations, %zu places, %zu states so far, %zu second lives\n", h->name, trace.n,
               count->places, count->states, t.n_again);
    trace_fini(&trace);
    memfs_fini(&disk);
    rig_fini(&rig);
    return ok;
}

/* All histories once; the number of those that broke a promise. */
static size_t prove_all(struct rng *g, struct crash_plan plan, size_t again_every, struct crash_count *count)
{
    static const struct mistake none;
    size_t bad = 0;

    for (const struct history *h = histories; h->name; h++) {
        uint64_t seed = rng_next(g);
        bool ok = prove(h, seed, plan, again_every, count, &none);

        if (!ok) printf("BROKEN: %s, seed %" PRIu64 "\n", h->name, seed);
        bad += !ok;
    }
    return bad;
}

START_TEST(each_state_that_a_cut_can_leave_loads_with_all_that_was_promised)
{
    struct crash_plan plan = { .sector = 512, .pairs = 12, .tears = 8, .samples = 4, .every = 1 };
    struct crash_count count = { 0 };
    struct rng g;

    unit_rng(&g);
    ck_assert_uint_eq(prove_all(&g, plan, 60, &count), 0);
    ck_assert_uint_gt(count.states, 20000);
}
END_TEST

START_TEST(the_long_form_goes_on_until_it_has_seen_as_many_states_as_it_was_asked_for)
{
    const char *want = getenv("MEMD_POWERCUT_STATES");
    size_t states = want ? strtoull(want, NULL, 10) : 500, bad = 0;
    struct crash_count count = { 0 };
    struct rng g;

    unit_rng(&g);
    rng_next(&g);
    for (size_t round = 0; count.states < states && bad == 0; round++) {
        struct crash_plan plan = { .sector = round % 2 ? 512 : 4096, .pairs = want ? 40 : 1, .tears = want ? 64 : 1,
                                   .samples = want ? 20 : 1, .every = want ? 1 : 20 };

        bad = prove_all(&g, plan, 50, &count);
    }
    printf("%zu states at %zu places\n", count.states, count.places);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

/* --- the tests themselves ---------------------------------------------------------------------------------- */

static const struct mistake mistakes[] = {
    { "increments are not synced", "incr.aof", false, false },
    { "a base is not synced", "temp-appendonly.aof.base", false, false },
    { "the manifest is not synced", "appendonly.aof.manifest", false, false },
    { "snapshots are not synced", "temp-", false, false },
    { "names are not synced", "syncdir", false, false },
    { "a failed sync is taken for a good one", NULL, true, false },
    { "replies leave before the sync", NULL, false, true },
    { 0 },
};

/* Some history shows each mistake: a generator that finds nothing would prove nothing. */
START_TEST(each_planted_mistake_is_found)
{
    struct crash_plan plan = { .sector = 512, .pairs = 2, .tears = 1, .samples = 1, .every = 1 };
    struct rng g;

    unit_rng(&g);
    for (const struct mistake *m = mistakes; m->name; m++) {
        struct crash_count count = { 0 };
        const struct history *h = histories;
        int rounds = 1;

        /* An error is drawn: it may hit something else than a sync. */
        while (prove(h, rng_next(&g), plan, 0, &count, m)) {
            h++;
            if (h->name) continue;
            ck_assert_msg(rounds++ < 10, "%s: not found in %zu states", m->name, count.states);
            h = histories;
        }
        printf("%s: found in \"%s\" after %zu states\n", m->name, h->name, count.states);
    }
}
END_TEST

UNIT_MAIN("powercut", each_state_that_a_cut_can_leave_loads_with_all_that_was_promised,
          the_long_form_goes_on_until_it_has_seen_as_many_states_as_it_was_asked_for,
          each_planted_mistake_is_found)
