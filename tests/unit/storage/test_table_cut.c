/* test_table_cut.c -- a cut tells the table of one moment, each entry once, as it was. */
#include "base/ensure.h"
#include "tests/unit/storage/table_model.h"
#include "tests/unit/unit.h"

struct snapshot {
    const struct model *m;
    int64_t want[MODEL_KEYS]; /* the value at the cut; 0: none */
    unsigned char told[MODEL_KEYS];
    size_t n;
};

static void dump(void *ctx, struct entry *e)
{
    struct snapshot *s = ctx;
    unsigned id = model_id(e);

    ensure(s->told[id]++ ==
           0); /* not ck_assert: that takes longer than all the rest in such loops */
    ensure(entry_int(e) == s->want[id]);
    s->n++;
}

static void begin(struct model *m, struct snapshot *s, struct table_cut *cut, uint32_t epoch)
{
    memset(s, 0, sizeof *s);
    s->m = m;
    for (unsigned id = 0; id < MODEL_KEYS; id++) s->want[id] = m->e[id] ? entry_int(m->e[id]) : 0;
    s->n = 0;
    *cut = (struct table_cut){ .epoch = epoch, .dump = dump, .ctx = s };
    table_cut_begin(&m->t, cut);
}

static void finish(struct model *m, const struct snapshot *s)
{
    while (table_cut_step(&m->t)) {
    }
    ck_assert(!table_cut_step(&m->t));
    table_cut_end(&m->t);
    for (unsigned id = 0; id < MODEL_KEYS; id++) ensure(s->told[id] == (s->want[id] != 0));
}

static struct snapshot snapshot;

START_TEST(a_cut_of_a_table_at_rest_tells_all)
{
    struct model *m = model_new();
    struct table_cut cut;
    uint32_t epoch = 0;

    begin(m, &snapshot, &cut, ++epoch);
    finish(m, &snapshot);
    for (unsigned size = 1; size <= 20000; size = size * 2 + 1) {
        for (unsigned id = 0; id < size; id++) model_put(m, id);
        begin(m, &snapshot, &cut, ++epoch);
        finish(m, &snapshot);
        ck_assert_uint_eq(snapshot.n, m->n);
    }
    model_free(m);
}
END_TEST

START_TEST(a_key_is_told_as_it_was_before_its_first_change)
{
    struct model *m = model_new();
    struct table_cut cut;

    for (unsigned id = 0; id < 4; id++) model_put(m, id);
    begin(m, &snapshot, &cut, 7);
    model_put(m, 0);
    model_change(m, 1);
    model_change(m, 1);
    model_del(m, 2);
    ck_assert(snapshot.told[0] && snapshot.told[1] && snapshot.told[2]);
    model_put(m, 2);
    model_put(m, 5);
    finish(m, &snapshot);
    ck_assert_uint_eq(snapshot.n, 4);
    model_free(m);
}
END_TEST

/* Cut again and again while keys come, change and go; the walker takes `steps` per change. */
static void churn_and_cut(unsigned n_keys, unsigned changes, unsigned changes_per_step, int cuts)
{
    struct model *m = model_new();
    struct table_cut cut;
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < cuts; i++) {
        unsigned put_percent = i % 3 == 0 ? 90 : i % 3 == 1 ? 50 : 10;

        begin(m, &snapshot, &cut, (uint32_t)i + 1);
        for (unsigned k = 0; k < changes; k++) {
            model_churn(m, &r, n_keys, put_percent);
            if (changes_per_step == 0 || k % changes_per_step == 0) table_cut_step(&m->t);
        }
        table_check(&m->t);
        finish(m, &snapshot);
        for (unsigned k = 0; k < changes / 4; k++) model_churn(m, &r, n_keys, put_percent);
        if (i % 10 == 0) model_check(m);
    }
    model_free(m);
}

START_TEST(a_cut_holds_while_a_large_table_churns)
{
    churn_and_cut(MODEL_KEYS, 20000, 20, 9);
    churn_and_cut(MODEL_KEYS, 20000, 1, 9);
}
END_TEST

START_TEST(a_cut_holds_while_a_table_grows_by_splits)
{
    for (unsigned per_step = 1; per_step < 300; per_step *= 6) {
        struct model *m = model_new();
        struct table_cut cut;

        for (unsigned id = 0; id < 2000; id++) model_put(m, id);
        begin(m, &snapshot, &cut, per_step);
        for (unsigned id = 2000; id < MODEL_KEYS; id++) {
            model_put(m, id);
            model_put(m, id / 2);
            if (id % per_step == 0) table_cut_step(&m->t);
        }
        finish(m, &snapshot);
        ck_assert_uint_eq(snapshot.n, 2000);
        model_check(m);
        model_free(m);
    }
}
END_TEST

START_TEST(a_cut_holds_while_a_small_table_churns)
{
    churn_and_cut(9, 60, 2, 300);
    churn_and_cut(20, 60, 2, 300);
    churn_and_cut(50, 100, 3, 300);
    churn_and_cut(300, 400, 7, 200);
    churn_and_cut(1200, 1500, 15, 100);
}
END_TEST

START_TEST(a_cut_holds_when_a_table_of_any_size_grows_just_after_it)
{
    struct model *m = model_new();
    struct table_cut cut;

    for (unsigned n = 0; n < 1800; n += 3) {
        begin(m, &snapshot, &cut, n + 1);
        if (n % 2) table_cut_step(&m->t);
        for (unsigned id = n; id < n + 3; id++) model_put(m, id);
        finish(m, &snapshot);
        ensure(snapshot.n == n);
    }
    model_check(m);
    model_free(m);
}
END_TEST

START_TEST(a_cut_may_end_before_it_is_done)
{
    struct model *m = model_new();
    struct table_cut cut;

    for (unsigned id = 0; id < 5000; id++) model_put(m, id);
    begin(m, &snapshot, &cut, 1);
    for (int i = 0; i < 100; i++) table_cut_step(&m->t);
    table_cut_end(&m->t);
    begin(m, &snapshot, &cut, 2);
    finish(m, &snapshot);
    model_free(m);
}
END_TEST

START_TEST(a_table_emptied_during_a_cut_may_fill_again)
{
    struct model *m = model_new();
    struct table_cut cut;

    for (unsigned id = 0; id < 5000; id++) model_put(m, id);
    begin(m, &snapshot, &cut, 1);
    for (int i = 0; i < 100; i++) table_cut_step(&m->t);
    for (unsigned id = 0; id < 5000; id++) model_del(m, id);
    for (unsigned id = 0; id < 9000; id++) model_put(m, id);
    finish(m, &snapshot);
    ck_assert_uint_eq(snapshot.n, 5000);
    model_check(m);
    model_free(m);
}
END_TEST

UNIT_MAIN("table_cut", a_cut_of_a_table_at_rest_tells_all,
          a_key_is_told_as_it_was_before_its_first_change, a_cut_holds_while_a_large_table_churns,
          a_cut_holds_while_a_table_grows_by_splits, a_cut_holds_while_a_small_table_churns,
          a_cut_holds_when_a_table_of_any_size_grows_just_after_it, a_cut_may_end_before_it_is_done,
          a_table_emptied_during_a_cut_may_fill_again)
