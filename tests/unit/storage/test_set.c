/* test_set.c -- sets against a plain array of flags, through all forms; and set algebra. */
#include "storage/type_set.h"

#include "base/mem.h"
#include "storage/set_algebra.h"
#include "tests/unit/storage/model_store.h"
#include "tests/unit/unit.h"

/* --- the model -------------------------------------------------------------------------------- */

enum { KEYS = 4, MEMBERS = 80 };

/* Members 0 to 49 are integers, the others are not, the last one is long. */
struct world {
    struct store *s;
    struct db *db;
    struct rng r;
    bool in[KEYS][MEMBERS];
    char name[MEMBERS][64];
    char key[KEYS][4];
};

static struct str member(struct world *w, size_t i)
{
    return str_c(w->name[i]);
}

static size_t index_of(struct world *w, struct str m)
{
    size_t i = 0;
    while (i < MEMBERS && !str_eq(m, member(w, i))) i++;
    ck_assert_uint_lt(i, MEMBERS);
    return i;
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
    for (size_t i = 0; i < MEMBERS; i++) {
        if (i < 50)
            snprintf(w->name[i], sizeof w->name[i], "%lld",
                     i % 7 == 0 ? (long long)(i + 1) << 40 : (long long)i - 20);
        else
            snprintf(w->name[i], sizeof w->name[i], "%0*zu", i == MEMBERS - 1 ? 50 : 10, i);
    }
    for (size_t k = 0; k < KEYS; k++) snprintf(w->key[k], sizeof w->key[k], "k%zu", k);
}

static size_t count(const struct world *w, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < MEMBERS; i++) n += w->in[k][i];
    return n;
}

static void same(struct world *w, size_t k)
{
    struct set s;
    struct set_iter it;
    char scratch[NUM_TEXT_MAX];
    size_t n = 0;
    enum err e = set_read(w->db, key_name(w, k), &s);

    if (count(w, k) == 0) {
        ck_assert_int_eq(e, ERR_NO_KEY);
        return;
    }
    ck_assert_int_eq(e, OK);
    set_check(&s);
    ck_assert_uint_eq(set_count(&s), count(w, k));
    for (size_t i = 0; i < MEMBERS; i++) ck_assert_int_eq(set_has(&s, member(w, i)), w->in[k][i]);
    set_iter_start(&it, &s);
    for (; set_next(&it); n++) ck_assert(w->in[k][index_of(w, set_text(&it.item, scratch))]);
    ck_assert_uint_eq(n, count(w, k));
}

/* --- steps ------------------------------------------------------------------------------------ */

static size_t pick(struct world *w)
{
    return rng_below(&w->r, rng_below(&w->r, 30) == 0   ? MEMBERS
                            : rng_below(&w->r, 10) == 0 ? MEMBERS - 1
                                                        : 50);
}

static void step_add(struct world *w, size_t k)
{
    size_t at[3] = { pick(w), pick(w), pick(w) }, n = 1 + rng_below(&w->r, 3), added, want = 0;
    struct str m[3];

    for (size_t i = 0; i < n; i++) {
        m[i] = member(w, at[i]);
        want += !w->in[k][at[i]];
        w->in[k][at[i]] = true;
    }
    ck_assert_int_eq(set_key_add(w->db, key_name(w, k), m, n, &added), OK);
    ck_assert_uint_eq(added, want);
}

static void step_remove(struct world *w, size_t k)
{
    size_t i = pick(w), j = rng_below(&w->r, MEMBERS), removed, want;
    struct str m[] = { member(w, i), member(w, j) };
    bool none = count(w, k) == 0;

    want = (size_t)w->in[k][i] + (i != j && w->in[k][j]);
    w->in[k][i] = w->in[k][j] = false;
    ck_assert_int_eq(set_key_remove(w->db, key_name(w, k), m, 2, &removed), none ? ERR_NO_KEY : OK);
    if (!none) ck_assert_uint_eq(removed, want);
}

struct pops {
    struct world *w;
    size_t k, n;
};

static void popped(void *ctx, struct str m)
{
    struct pops *p = ctx;
    size_t i = index_of(p->w, m);

    ck_assert(p->w->in[p->k][i]);
    p->w->in[p->k][i] = false;
    p->n++;
}

static void step_pop(struct world *w, size_t k)
{
    struct pops p = { w, k, 0 };
    size_t n = rng_below(&w->r, 4), there = count(w, k);
    enum err e;

    if (rng_below(&w->r, 50) == 0) n = 1000;
    e = set_key_pop(w->db, key_name(w, k), n, popped, &p);
    ck_assert_int_eq(e, there == 0 ? ERR_NO_KEY : OK);
    ck_assert_uint_eq(p.n, n < there ? n : there);
}

static void step_move(struct world *w, size_t k)
{
    size_t to = rng_below(&w->r, KEYS), i = pick(w);
    bool none = count(w, k) == 0;
    enum err e = set_key_move(w->db, key_name(w, k), key_name(w, to), member(w, i));

    ck_assert_int_eq(e, none ? ERR_NO_KEY : w->in[k][i] ? OK : ERR_NOT_DONE);
    if (e != OK) return;
    w->in[k][i] = false;
    w->in[to][i] = true;
}

/* --- algebra ---------------------------------------------------------------------------------- */

struct found {
    struct world *w;
    bool in[MEMBERS];
};

static void note(struct found *f, const struct listpack_item *m)
{
    char scratch[NUM_TEXT_MAX];
    size_t i = index_of(f->w, set_text(m, scratch));

    ck_assert(!f->in[i]);
    f->in[i] = true;
}

static bool wanted(struct world *w, int op, const size_t *keys, size_t n, size_t i)
{
    bool in = w->in[keys[0]][i];

    for (size_t k = 1; k < n; k++) {
        if (op == 0) in = in && w->in[keys[k]][i];
        if (op == 1) in = in || w->in[keys[k]][i];
        if (op == 2) in = in && !w->in[keys[k]][i];
    }
    return in;
}

static void step_algebra(struct world *w)
{
    static const enum set_operation ops[] = { SET_INTERSECT, SET_UNITE, SET_SUBTRACT };
    struct set_algebra a;
    struct listpack_item items[SET_FOUND];
    struct set sets[8], result;
    struct str names[8];
    size_t keys[8], n = 1 + rng_below(&w->r, rng_below(&w->r, 4) ? 3 : 8),
                    to = rng_below(&w->r, KEYS), total = 0;
    int op = (int)rng_below(&w->r, 3);
    struct found f = { .w = w };
    bool want[MEMBERS];

    for (size_t i = 0; i < n; i++) {
        keys[i] = rng_below(&w->r, KEYS);
        names[i] = key_name(w, keys[i]);
    }
    ck_assert_int_eq(set_read_all(w->db, names, n, sets), OK);
    set_algebra_begin(&a, ops[op], sets, n);
    while (!set_algebra_done(&a)) {
        size_t k = set_algebra_step(&a, 1 + rng_below(&w->r, 50), items);
        for (size_t i = 0; i < k; i++) note(&f, &items[i]);
    }
    set_algebra_end(&a);
    for (size_t i = 0; i < MEMBERS; i++) {
        want[i] = wanted(w, op, keys, n, i);
        total += want[i];
        ck_assert_int_eq(f.in[i], want[i]);
    }
    if (rng_below(&w->r, 8)) return;
    result = set_result(w->s);
    ck_assert_int_eq(set_read_all(w->db, names, n, sets), OK);
    set_algebra_begin(&a, ops[op], sets, n);
    while (!set_algebra_done(&a)) {
        size_t k = set_algebra_step(&a, 1 + rng_below(&w->r, 50), items);
        for (size_t i = 0; i < k; i++) set_add_item(&result, &items[i]);
    }
    set_algebra_end(&a);
    set_check(&result);
    ck_assert_uint_eq(set_key_store_take(w->db, key_name(w, to), &result, CHANGE_SUNIONSTORE),
                      total);
    memcpy(w->in[to], want, sizeof want);
    same(w, to);
}

static void step(struct world *w)
{
    size_t k = rng_below(&w->r, KEYS);

    switch (rng_below(&w->r, 12)) {
    case 0:
    case 1:
    case 2:
    case 3: step_add(w, k); break;
    case 4:
    case 5: step_remove(w, k); break;
    case 6: step_pop(w, k); break;
    case 7: step_move(w, k); break;
    case 8: step_algebra(w); break;
    default: same(w, k);
    }
}

START_TEST(set_behaves_as_an_array_of_flags)
{
    struct world w;

    world_start(&w);
    for (int i = 0; i < 200000; i++) {
        step(&w);
        if (i % 10000 == 0) store_check(w.s);
    }
    for (size_t k = 0; k < KEYS; k++) same(&w, k);
    store_free(&w.s);
}
END_TEST

/* --- single points ---------------------------------------------------------------------------- */

static void add_one(struct store *s, const char *key, const char *m)
{
    size_t n;
    struct str one = str_c(m);
    ck_assert_int_eq(set_key_add(s->dbs[0], str_c(key), &one, 1, &n), OK);
}

static const char *encoding(struct store *s, const char *key)
{
    return entry_encoding_name(s, db_peek(s->dbs[0], str_c(key)));
}

START_TEST(set_takes_the_form_that_its_members_need)
{
    struct store *s = model_store();
    char name[64];

    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "%d", i);
        add_one(s, "ints", name);
    }
    ck_assert_str_eq(encoding(s, "ints"), "intset");
    add_one(s, "ints", "30");
    ck_assert_str_eq(encoding(s, "ints"), "hashtable");

    add_one(s, "mixed", "1");
    ck_assert_str_eq(encoding(s, "mixed"), "intset");
    add_one(s, "mixed", "a");
    ck_assert_str_eq(encoding(s, "mixed"), "listpack");
    for (int i = 2; i < 24; i++) {
        snprintf(name, sizeof name, "%d", i);
        add_one(s, "mixed", name);
    }
    ck_assert_str_eq(encoding(s, "mixed"), "listpack");
    add_one(s, "mixed", "99");
    ck_assert_str_eq(encoding(s, "mixed"), "hashtable");

    memset(name, 'x', 41);
    name[41] = 0;
    add_one(s, "long", name);
    ck_assert_str_eq(encoding(s, "long"), "hashtable");
    store_free(&s);
}
END_TEST

START_TEST(storing_takes_the_place_of_any_value_and_its_ttl)
{
    struct store *s = model_store();
    struct set r = set_result(s);
    struct slot slot;
    char big[2000] = { 0 };

    db_find_write(s->dbs[0], STR("k"), &slot);
    db_add(&slot, entry_new_raw(VALUE_STRING, STR("k"), str_of(big, sizeof big), s->now_ms + 100));
    set_add(&r, STR("m"));
    ck_assert_uint_eq(set_key_store_take(s->dbs[0], STR("k"), &r, CHANGE_SINTERSTORE), 1);
    ck_assert_int_eq(entry_expire_at(db_peek(s->dbs[0], STR("k"))), -1);
    store_check(s);
    r = set_result(s);
    ck_assert_uint_eq(set_key_store_take(s->dbs[0], STR("k"), &r, CHANGE_SINTERSTORE), 0);
    ck_assert_ptr_null(db_peek(s->dbs[0], STR("k")));
    store_check(s);
    store_free(&s);
}
END_TEST

struct draws {
    size_t seen[100], n;
};

static bool count_draw(void *ctx, struct str m)
{
    struct draws *d = ctx;
    size_t from = m.p[0] == 'm';
    int64_t i = 0;

    ck_assert(num_parse_i64(str_of(m.p + from, m.n - from), &i) && i < 100);
    d->seen[i]++;
    d->n++;
    return true;
}

static void draw_from(const char *form, size_t n)
{
    struct store *s = model_store();
    struct set set;
    char name[16];

    for (size_t i = 10; i < 10 + n; i++) {
        snprintf(name, sizeof name, form, i);
        add_one(s, "s", name);
    }
    ck_assert_int_eq(set_read(s->dbs[0], STR("s"), &set), OK);
    for (size_t c = 1; c < n + 3; c++) {
        struct draws d = { .n = 0 }, e = { .n = 0 };
        for (int round = 0; round < 1000; round++) {
            set_random(&set, c, true, count_draw, &d);
            set_random(&set, c, false, count_draw, &e);
        }
        size_t each = c < n ? c : n;
        ck_assert_uint_eq(d.n, 1000 * each);
        ck_assert_uint_eq(e.n, 1000 * c);
        for (size_t i = 10; i < 10 + n; i++) {
            ck_assert_double_eq_tol((double)d.seen[i], 1000.0 * (double)each / (double)n, 200);
            ck_assert_double_eq_tol((double)e.seen[i], 1000.0 * (double)c / (double)n, 200);
        }
    }
    store_free(&s);
}

START_TEST(each_member_is_drawn_as_often_as_any_other)
{
    draw_from("%zu", 6);
    draw_from("m%zu", 6);
    draw_from("m%zu", 36);
}
END_TEST

static void count_scan(void *ctx, struct str m)
{
    count_draw(ctx, m);
}

START_TEST(scan_sees_every_member)
{
    struct store *s = model_store();
    struct draws d = { .n = 0 };
    struct set set;
    uint64_t cursor = 0;
    char name[16];

    for (int i = 0; i < 90; i++) {
        snprintf(name, sizeof name, "m%d", i);
        add_one(s, "s", name);
    }
    ck_assert_int_eq(set_read(s->dbs[0], STR("s"), &set), OK);
    do cursor = set_scan(&set, cursor, 5, count_scan, &d);
    while (cursor != 0);
    for (int i = 0; i < 90; i++) ck_assert_uint_ge(d.seen[i], 1);
    store_free(&s);
}
END_TEST

UNIT_MAIN("set", set_behaves_as_an_array_of_flags, set_takes_the_form_that_its_members_need,
          storing_takes_the_place_of_any_value_and_its_ttl,
          each_member_is_drawn_as_often_as_any_other, scan_sees_every_member)
