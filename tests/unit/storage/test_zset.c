/* test_zset.c -- sorted sets against a plain array of scores, through both forms. */
#include "storage/type_zset.h"

#include <math.h>

#include "base/mem.h"
#include "storage/digest.h"
#include "tests/unit/storage/model_store.h"
#include "tests/unit/unit.h"

/* --- the model -------------------------------------------------------------------------------- */

enum { KEYS = 4, MEMBERS = 120 };

/* The last member is long, some are integers. */
struct world {
    struct store *s;
    struct db *db;
    struct rng r;
    bool in[KEYS][MEMBERS];
    double score[KEYS][MEMBERS];
    char name[MEMBERS][64];
    char key[KEYS][4];
    size_t order[MEMBERS], n; /* of the key that was sorted last */
};

static struct str member(struct world *w, size_t i)
{
    return str_c(w->name[i]);
}

static struct str key_name(struct world *w, size_t k)
{
    return str_c(w->key[k]);
}

static void world_start(struct world *w)
{
    memset(w, 0, sizeof *w);
    unit_rng(&w->r);
    w->s = model_store();
    w->db = w->s->dbs[0];
    for (size_t i = 0; i < MEMBERS; i++)
        snprintf(w->name[i], sizeof w->name[i], i % 3 ? "m%zu" : "%zu", i);
    memset(w->name[MEMBERS - 1], 'x', 50);
    for (size_t k = 0; k < KEYS; k++) snprintf(w->key[k], sizeof w->key[k], "k%zu", k);
}

static bool goes_before(struct world *w, size_t k, size_t a, size_t b)
{
    double x = w->score[k][a], y = w->score[k][b];
    return x != y ? x < y : str_cmp(member(w, a), member(w, b)) < 0;
}

static void sort(struct world *w, size_t k)
{
    w->n = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        size_t at = w->n;

        if (!w->in[k][i]) continue;
        for (; at > 0 && goes_before(w, k, i, w->order[at - 1]); at--) w->order[at] = w->order[at - 1];
        w->order[at] = i;
        w->n++;
    }
}

/* Many are equal, some are endless, some are no integers. */
static double random_score(struct world *w)
{
    double few = (double)rng_below(&w->r, 6) - 2;

    switch (rng_below(&w->r, 12)) {
    case 0: return INFINITY;
    case 1: return -INFINITY;
    case 2: return rng_unit(&w->r) * 10 - 5;
    case 3: return -0.0;
    case 4: return few * 1e18;
    default: return few;
    }
}

static void same(struct world *w, size_t k)
{
    struct zset z;
    struct zset_iter it;
    enum err e = zset_read(w->db, key_name(w, k), &z);
    size_t from, rank;
    double score;

    sort(w, k);
    ck_assert_int_eq(e, w->n == 0 ? ERR_NO_KEY : OK);
    if (e != OK) return;
    zset_check(&z);
    ck_assert_uint_eq(zset_count(&z), w->n);
    from = rng_below(&w->r, w->n);
    zset_iter_at(&it, &z, from, false);
    for (size_t i = from; i < w->n; i++) {
        ck_assert(zset_next(&it));
        expect_str(it.member, member(w, w->order[i]));
        ck_assert(it.score == w->score[k][w->order[i]]);
    }
    ck_assert(!zset_next(&it));
    zset_iter_at(&it, &z, from, true);
    for (size_t i = from + 1; i-- > 0;) {
        ck_assert(zset_next(&it));
        expect_str(it.member, member(w, w->order[i]));
    }
    ck_assert(!zset_next(&it));
    for (size_t i = 0; i < w->n; i++) {
        ck_assert(zset_rank(&z, member(w, w->order[i]), &rank, &score));
        ck_assert_uint_eq(rank, i);
        ck_assert(score == w->score[k][w->order[i]]);
    }
    for (size_t i = 0; i < MEMBERS; i++)
        ck_assert_int_eq(zset_score(&z, member(w, i), &score), w->in[k][i]);
}

/* --- steps ------------------------------------------------------------------------------------ */

static size_t pick(struct world *w)
{
    return rng_below(&w->r, rng_below(&w->r, 300) == 0 ? MEMBERS : rng_below(&w->r, 60) == 0 ? 119 : 22);
}

/* What ZADD does, told once more. */
static void add_to_model(struct world *w, size_t k, size_t i, double score, unsigned flags,
                         struct zadded *done)
{
    bool there = w->in[k][i];
    double old = w->score[k][i];

    if (flags & (there ? ZADD_NX : ZADD_XX)) return;
    if (there && flags & ZADD_INCR) score += old;
    if (there && ((flags & ZADD_GT && !(score > old)) || (flags & ZADD_LT && !(score < old)))) return;
    w->in[k][i] = true;
    w->score[k][i] = score;
    done->added += !there;
    done->updated += there && score != old;
    done->processed++;
    done->score = score;
}

static void step_add(struct world *w, size_t k)
{
    static const unsigned choices[] = { 0,       0,       0,       ZADD_NX, ZADD_XX,
                                        ZADD_GT, ZADD_LT, ZADD_GT | ZADD_XX };
    unsigned flags = choices[rng_below(&w->r, 8)];
    size_t n = 1 + rng_below(&w->r, 3);
    struct zadded done, want = { 0 };
    struct zitem items[3];

    for (size_t i = 0; i < n; i++) {
        size_t at = pick(w);
        items[i] = (struct zitem){ member(w, at), random_score(w) };
        add_to_model(w, k, at, items[i].score, flags, &want);
    }
    ck_assert_int_eq(zset_key_add(w->db, key_name(w, k), items, n, flags, &done), OK);
    ck_assert_uint_eq(done.added, want.added);
    ck_assert_uint_eq(done.updated, want.updated);
    ck_assert_uint_eq(done.processed, want.processed);
    if (done.processed) ck_assert(done.score == want.score);
}

static void step_increase(struct world *w, size_t k)
{
    size_t at = pick(w);
    struct zitem item = { member(w, at), random_score(w) };
    bool nan = w->in[k][at] && isnan(w->score[k][at] + item.score);
    struct zadded done, want = { 0 };

    if (!nan) add_to_model(w, k, at, item.score, ZADD_INCR, &want);
    ck_assert_int_eq(zset_key_add(w->db, key_name(w, k), &item, 1, ZADD_INCR, &done),
                     nan ? ERR_SCORE_NAN : OK);
    if (!nan) ck_assert(done.score == want.score);
}

static void step_remove(struct world *w, size_t k)
{
    size_t i = pick(w), j = rng_below(&w->r, MEMBERS), removed, want;
    struct str m[] = { member(w, i), member(w, j) };
    enum err e = zset_key_remove(w->db, key_name(w, k), m, 2, &removed);

    sort(w, k);
    ck_assert_int_eq(e, w->n == 0 ? ERR_NO_KEY : OK);
    want = (size_t)w->in[k][i] + (i != j && w->in[k][j]);
    w->in[k][i] = w->in[k][j] = false;
    if (e == OK) ck_assert_uint_eq(removed, want);
}

struct pops {
    struct world *w;
    size_t k, n;
    bool highest;
};

static void popped(void *ctx, struct str m, double score)
{
    struct pops *p = ctx;
    size_t i = p->w->order[p->highest ? p->w->n - 1 - p->n : p->n];

    expect_str(m, member(p->w, i));
    ck_assert(score == p->w->score[p->k][i]);
    p->w->in[p->k][i] = false;
    p->n++;
}

static void step_pop(struct world *w, size_t k)
{
    struct pops p = { w, k, 0, rng_below(&w->r, 2) };
    size_t n = rng_below(&w->r, 30) ? rng_below(&w->r, 4) : 1000;
    enum err e;

    sort(w, k);
    e = zset_key_pop(w->db, key_name(w, k), p.highest, n, popped, &p);
    ck_assert_int_eq(e, w->n == 0 ? ERR_NO_KEY : OK);
    ck_assert_uint_eq(p.n, n < w->n ? n : w->n);
}

static void remove_range(struct world *w, size_t k, struct zrange r)
{
    ck_assert_int_eq(zset_key_remove_ranks(w->db, key_name(w, k), r, CHANGE_ZREMRANGEBYRANK), OK);
    for (size_t i = r.from; i < r.to; i++) w->in[k][w->order[i]] = false;
}

static void step_range(struct world *w, size_t k)
{
    struct zrange_score r = { random_score(w), random_score(w), rng_below(&w->r, 2),
                              rng_below(&w->r, 2) };
    size_t n = 0, first = SIZE_MAX;
    struct zrange got;
    struct zset z;

    sort(w, k);
    if (zset_read(w->db, key_name(w, k), &z) != OK) return;
    for (size_t i = 0; i < w->n; i++) {
        double s = w->score[k][w->order[i]];
        if (r.min_open ? s <= r.min : s < r.min) continue;
        if (r.max_open ? s >= r.max : s > r.max) continue;
        if (n++ == 0) first = i;
    }
    got = zset_range_score(&z, &r);
    ck_assert_uint_eq(got.to - got.from, n);
    if (n) ck_assert_uint_eq(got.from, first);
    if (n < 6 || rng_below(&w->r, 10) == 0) remove_range(w, k, got);
}

static bool within(struct world *w, const struct zrange_lex *r, size_t i)
{
    int low = str_cmp(member(w, i), r->min), high = str_cmp(member(w, i), r->max);

    if (r->min_kind == ZLEX_HIGHEST || r->max_kind == ZLEX_LOWEST) return false;
    if (r->min_kind != ZLEX_LOWEST && (low < 0 || (low == 0 && r->min_kind == ZLEX_OPEN))) return false;
    return r->max_kind == ZLEX_HIGHEST || high < 0 || (high == 0 && r->max_kind == ZLEX_CLOSED);
}

/* All scores are made equal first. */
static void step_names(struct world *w, size_t k)
{
    struct zrange_lex r = { member(w, pick(w)), member(w, pick(w)),
                            (enum zlex_bound)rng_below(&w->r, 4), (enum zlex_bound)rng_below(&w->r, 4) };
    size_t n = 0, first = SIZE_MAX;
    struct zrange got;
    struct zset z;

    for (size_t i = 0; i < MEMBERS; i++) {
        struct zitem item = { member(w, i), 1 };
        struct zadded done;

        if (!w->in[k][i]) continue;
        ck_assert_int_eq(zset_key_add(w->db, key_name(w, k), &item, 1, 0, &done), OK);
        w->score[k][i] = 1;
    }
    sort(w, k);
    if (zset_read(w->db, key_name(w, k), &z) != OK) return;
    for (size_t i = 0; i < w->n; i++) {
        if (within(w, &r, w->order[i]) && n++ == 0) first = i;
    }
    got = zset_range_lex(&z, &r);
    ck_assert_uint_eq(got.to - got.from, n);
    if (n) ck_assert_uint_eq(got.from, first);
}

static void step_store(struct world *w, size_t k)
{
    struct zset z = zset_new(w->s, 0, 0);
    size_t n = rng_below(&w->r, 3) ? rng_below(&w->r, 40) : 0;

    memset(w->in[k], 0, sizeof w->in[k]);
    for (size_t i = 0; i < n; i++) {
        size_t at = pick(w);
        double old, score = random_score(w);

        ck_assert_int_eq(zset_put(&z, member(w, at), score, &old), !w->in[k][at]);
        if (w->in[k][at]) ck_assert(old == w->score[k][at]);
        w->in[k][at] = true;
        w->score[k][at] = score;
    }
    sort(w, k);
    ck_assert_uint_eq(zset_key_store_take(w->db, key_name(w, k), &z, CHANGE_ZUNIONSTORE), w->n);
}

static void step(struct world *w)
{
    size_t k = rng_below(&w->r, KEYS);

    switch (rng_below(&w->r, 20)) {
    case 0:
    case 1: step_increase(w, k); break;
    case 2:
    case 3: step_remove(w, k); break;
    case 4: step_pop(w, k); break;
    case 5: step_range(w, k); break;
    case 6: if (rng_below(&w->r, 4) == 0) step_names(w, k); break;
    case 7: if (rng_below(&w->r, 20) == 0) step_store(w, k); break;
    case 8:
    case 9: same(w, k); break;
    default: step_add(w, k);
    }
}

START_TEST(a_sorted_set_behaves_as_an_array_of_scores)
{
    static struct world w;
    size_t forms[2] = { 0 };

    world_start(&w);
    for (int i = 0; i < 150000; i++) {
        const struct entry *e;

        step(&w);
        if (i % 10000 == 0) store_check(w.s);
        e = db_peek(w.db, STR("k1"));
        if (e != NULL) forms[entry_enc(e) == ENC_TREE]++;
    }
    ck_assert_uint_gt(forms[0], 5000);
    ck_assert_uint_gt(forms[1], 5000);
    for (size_t k = 0; k < KEYS; k++) same(&w, k);
    store_free(&w.s);
}
END_TEST

/* --- single points ---------------------------------------------------------------------------- */

static void add_one(struct store *s, const char *key, const char *m, double score)
{
    struct zitem item = { str_c(m), score };
    struct zadded done;

    ck_assert_int_eq(zset_key_add(s->dbs[0], str_c(key), &item, 1, 0, &done), OK);
}

static void add_many(struct store *s, const char *key, int n)
{
    char name[32];

    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "m%d", i);
        add_one(s, key, name, i / 2);
    }
}

static const char *encoding(struct store *s, const char *key)
{
    return entry_encoding_name(s, db_peek(s->dbs[0], str_c(key)));
}

START_TEST(a_sorted_set_takes_the_form_that_its_members_need)
{
    struct store *s = model_store();
    struct zitem items[25];
    struct zadded done;
    char name[64];

    add_many(s, "z", 24);
    ck_assert_str_eq(encoding(s, "z"), "listpack");
    add_one(s, "z", "m3", 77);
    ck_assert_str_eq(encoding(s, "z"), "listpack");
    add_one(s, "z", "one more", 1);
    ck_assert_str_eq(encoding(s, "z"), "skiplist");

    memset(name, 'x', 41);
    name[41] = 0;
    add_one(s, "long", "m", 1);
    add_one(s, "long", name + 1, 1);
    ck_assert_str_eq(encoding(s, "long"), "listpack");
    add_one(s, "long", name, 1);
    ck_assert_str_eq(encoding(s, "long"), "skiplist");

    for (int i = 0; i < 25; i++) items[i] = (struct zitem){ STR("same"), i };
    ck_assert_int_eq(zset_key_add(s->dbs[0], STR("many"), items, 25, 0, &done), OK);
    ck_assert_str_eq(encoding(s, "many"), "skiplist");
    store_free(&s);
}
END_TEST

START_TEST(changes_that_change_nothing_are_not_told)
{
    struct store *s = model_store();
    struct zitem item = { STR("a"), 1 };
    struct zadded done;
    uint64_t before;

    ck_assert_int_eq(zset_key_add(s->dbs[0], STR("z"), &item, 1, ZADD_XX, &done), OK);
    ck_assert_ptr_null(db_peek(s->dbs[0], STR("z")));
    ck_assert_uint_eq(s->stats.changes, 0);
    add_one(s, "z", "a", 1);
    before = s->stats.changes;
    add_one(s, "z", "a", 1);
    ck_assert_int_eq(zset_key_add(s->dbs[0], STR("z"), &item, 1, ZADD_GT, &done), OK);
    ck_assert_uint_eq(done.processed, 0);
    ck_assert_int_eq(zset_key_remove_ranks(s->dbs[0], STR("z"), (struct zrange){ 0, 0 },
                                           CHANGE_ZREMRANGEBYRANK), OK);
    ck_assert_uint_eq(s->stats.changes, before);
    store_free(&s);
}
END_TEST

START_TEST(a_copy_is_equal_and_apart)
{
    struct store *s = model_store();

    for (int n = 10; n <= 3000; n *= 300) {
        struct digest a, b;
        const struct entry *e;
        struct zset copy, z;

        add_many(s, "z", n);
        e = db_peek(s->dbs[0], STR("z"));
        z = zset_of(s, e);
        copy = (struct zset){ s, z.enc, zset_dup_value(s, z.enc, z.ptr) };
        zset_check(&copy);
        digest_store(s, &a);
        zset_key_store_take(s->dbs[0], STR("z"), &copy, CHANGE_SET);
        digest_store(s, &b);
        ck_assert_mem_eq(&a, &b, sizeof a);
        add_one(s, "z", "m1", 0.5);
        digest_store(s, &b);
        ck_assert_mem_ne(&a, &b, sizeof a);
    }
    store_free(&s);
}
END_TEST

struct draws {
    size_t seen[100], n;
};

static bool count_draw(void *ctx, struct str m, double score)
{
    struct draws *d = ctx;
    int64_t i = 0;

    ck_assert(num_parse_i64(str_of(m.p + 1, m.n - 1), &i) && i < 100);
    ck_assert(score == (double)(i / 2));
    d->seen[i]++;
    d->n++;
    return true;
}

static void draw_from(size_t n)
{
    struct store *s = model_store();
    struct zset z;

    add_many(s, "z", (int)n);
    ck_assert_int_eq(zset_read(s->dbs[0], STR("z"), &z), OK);
    for (size_t c = 1; c < n + 3; c++) {
        struct draws d = { .n = 0 }, e = { .n = 0 };
        size_t each = c < n ? c : n;

        for (int round = 0; round < 1000; round++) {
            zset_random(&z, c, true, count_draw, &d);
            zset_random(&z, c, false, count_draw, &e);
        }
        ck_assert_uint_eq(d.n, 1000 * each);
        ck_assert_uint_eq(e.n, 1000 * c);
        for (size_t i = 0; i < n; i++) {
            ck_assert_double_eq_tol((double)d.seen[i], 1000.0 * (double)each / (double)n, 200);
            ck_assert_double_eq_tol((double)e.seen[i], 1000.0 * (double)c / (double)n, 200);
        }
    }
    store_free(&s);
}

START_TEST(each_member_is_drawn_as_often_as_any_other)
{
    draw_from(6);
    draw_from(36);
}
END_TEST

static void count_scan(void *ctx, struct str m, double score)
{
    count_draw(ctx, m, score);
}

START_TEST(scan_sees_every_member)
{
    struct store *s = model_store();

    for (int n = 20; n <= 90; n += 70) {
        struct draws d = { .n = 0 };
        struct zset z;
        uint64_t cursor = 0;

        add_many(s, "z", n);
        ck_assert_int_eq(zset_read(s->dbs[0], STR("z"), &z), OK);
        do cursor = zset_scan(&z, cursor, 5, count_scan, &d);
        while (cursor != 0);
        for (int i = 0; i < n; i++) ck_assert_uint_ge(d.seen[i], 1);
    }
    store_free(&s);
}
END_TEST

START_TEST(memory_usage_is_what_was_allocated)
{
    struct store *s = model_store();
    size_t before = mem_used(), used, told;

    add_many(s, "z", 50000);
    used = mem_used() - before;
    told = db_value_bytes(db_peek(s->dbs[0], STR("z")), 0);
    ck_assert_double_eq_tol((double)told, (double)used, (double)used / 50);
    told = db_value_bytes(db_peek(s->dbs[0], STR("z")), 5);
    ck_assert_double_eq_tol((double)told, (double)used, (double)used / 10);
    store_free(&s);
}
END_TEST

UNIT_MAIN("zset", a_sorted_set_behaves_as_an_array_of_scores,
          a_sorted_set_takes_the_form_that_its_members_need, changes_that_change_nothing_are_not_told,
          a_copy_is_equal_and_apart, each_member_is_drawn_as_often_as_any_other, scan_sees_every_member,
          memory_usage_is_what_was_allocated)
