/* test_hash.c -- hashes against a plain array of fields, through all forms and with field TTLs. */
#include "storage/type_hash.h"

#include "base/mem.h"
#include "storage/keys.h"
#include "tests/unit/storage/model_store.h"
#include "tests/unit/unit.h"

/* --- the model -------------------------------------------------------------------------------- */

enum { KEYS = 3, FIELDS = 60, VALUE_MAX = 60 };

struct field {
    bool there;
    int64_t ttl; /* -1: none */
    size_t n;
    char value[VALUE_MAX];
};

struct world {
    struct store *s;
    struct db *db;
    struct rng r;
    struct field f[KEYS][FIELDS];
    char name[FIELDS][24];
    char key[KEYS][4];
    size_t told; /* CHANGE_HEXPIRED heard */
};

static struct str key_name(struct world *w, size_t k)
{
    return str_c(w->key[k]);
}

static struct str field_name(struct world *w, size_t i)
{
    return str_c(w->name[i]);
}

static struct str field_value(const struct field *f)
{
    return str_of(f->value, f->n);
}

/* A field of the model that is due must be there no more when it is told. */
static void hear(void *ctx, const struct change *c)
{
    struct world *w = ctx;
    size_t k, i;

    if (c->kind != CHANGE_HEXPIRED) return;
    w->told++;
    k = (size_t)(c->key.p[1] - '0');
    for (i = 0; i < FIELDS && !str_eq(c->field, field_name(w, i)); i++) continue;
    ck_assert_uint_lt(i, FIELDS);
    ck_assert(w->f[k][i].there && w->f[k][i].ttl >= 0 && w->f[k][i].ttl <= w->s->now_ms);
    w->f[k][i].there = false;
}

static void world_start(struct world *w)
{
    memset(w, 0, sizeof *w);
    unit_rng(&w->r);
    w->s = model_store();
    w->db = w->s->dbs[0];
    store_subscribe(w->s, hear, w);
    for (size_t i = 0; i < FIELDS; i++) {
        if (i % 3 == 0)
            snprintf(w->name[i], sizeof w->name[i], "%zu", i * 1000);
        else
            snprintf(w->name[i], sizeof w->name[i], "field:%zu", i);
    }
    for (size_t k = 0; k < KEYS; k++) snprintf(w->key[k], sizeof w->key[k], "k%zu", k);
}

static bool live(const struct world *w, const struct field *f)
{
    return f->there && (f->ttl < 0 || f->ttl > w->s->now_ms);
}

static size_t live_count(const struct world *w, size_t k)
{
    size_t n = 0;
    for (size_t i = 0; i < FIELDS; i++) n += live(w, &w->f[k][i]);
    return n;
}

/* --- comparing -------------------------------------------------------------------------------- */

/* Some of the fields, from any one on, forwards or backwards. */
static void picks_agree(struct world *w, size_t k, const struct hash *h)
{
    struct hash_pick picks[FIELDS];
    size_t from = rng_below(&w->r, FIELDS), n = rng_below(&w->r, FIELDS + 1), by = rng_below(&w->r, 2) ? 1 : FIELDS - 1;

    for (size_t i = 0; i < n; i++) picks[i].field = field_name(w, (from + i * by) % FIELDS);
    hash_pick(h, picks, n);
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &w->f[k][(from + i * by) % FIELDS];

        ck_assert_int_eq(picks[i].value.p != NULL, live(w, f));
        if (live(w, f)) expect_str(picks[i].value, field_value(f));
    }
}

static void same_fields(struct world *w, size_t k, struct hash *h)
{
    struct hash_iter it;
    char scratch[NUM_TEXT_MAX];
    struct str v;
    size_t n = 0;

    hash_check(h);
    ck_assert_uint_eq(hash_size(h), live_count(w, k));
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *f = &w->f[k][i];
        ck_assert_int_eq(hash_get(h, field_name(w, i), scratch, &v), live(w, f));
        if (live(w, f)) expect_str(v, field_value(f));
    }
    picks_agree(w, k, h);
    hash_iter_start(&it, h);
    while (hash_next(&it)) {
        size_t i = 0;
        while (i < FIELDS && !str_eq(it.field, field_name(w, i))) i++;
        ck_assert(i < FIELDS && live(w, &w->f[k][i]));
        expect_str(it.value, field_value(&w->f[k][i]));
        ck_assert_int_eq(it.ttl, w->f[k][i].ttl);
        n++;
    }
    ck_assert_uint_eq(n, live_count(w, k));
}

static void same(struct world *w, size_t k)
{
    struct hash h;
    enum err e = hash_read(w->db, key_name(w, k), &h);

    if (live_count(w, k) == 0) {
        ck_assert_int_eq(e, ERR_NO_KEY);
        return;
    }
    ck_assert_int_eq(e, OK);
    same_fields(w, k, &h);
}

/* --- steps ------------------------------------------------------------------------------------ */

static struct str random_value(struct world *w, char *buf)
{
    size_t n;

    if (rng_below(&w->r, 2)) return str_of(buf, num_i64(buf, (int64_t)rng_below(&w->r, 100000)));
    n = rng_below(&w->r, 200) == 0 ? VALUE_MAX : rng_below(&w->r, 30);
    for (size_t i = 0; i < n; i++) buf[i] = (char)rng_next(&w->r);
    return str_of(buf, n);
}

static void model_set(struct field *f, struct str v, int64_t ttl)
{
    f->there = true;
    f->ttl = ttl;
    f->n = v.n;
    memcpy(f->value, v.p, v.n);
}

static void step_set(struct world *w, size_t k)
{
    char buf[3][VALUE_MAX];
    struct str pairs[6];
    size_t at[3], n = 1 + rng_below(&w->r, 3), n_new, want = 0;
    struct hash_set opt = { HASH_ALWAYS, HASH_NO_TTL };
    bool none = true, all = true;

    for (size_t i = 0; i < n; i++) {
        at[i] = (at[0] * (i > 0) + i * 7 + rng_below(&w->r, i > 0 ? 1 : FIELDS)) % FIELDS;
        pairs[2 * i] = field_name(w, at[i]);
        pairs[2 * i + 1] = random_value(w, buf[i]);
        bool there = live(w, &w->f[k][at[i]]);
        want += !there;
        none = none && !there;
        all = all && there;
    }
    opt.when = (enum hash_when)rng_below(&w->r, 3);
    if (rng_below(&w->r, 3) == 0) opt.ttl = HASH_KEEP_TTL;
    if (rng_below(&w->r, 3) == 0) opt.ttl = w->s->now_ms + 1 + (int64_t)rng_below(&w->r, 3000);
    enum err e = hash_set(w->db, key_name(w, k), pairs, n, &opt, &n_new);
    if ((opt.when == HASH_IF_NONE_THERE && !none) || (opt.when == HASH_IF_ALL_THERE && !all)) {
        ck_assert_int_eq(e, ERR_NOT_DONE);
        return;
    }
    ck_assert_int_eq(e, OK);
    ck_assert_uint_eq(n_new, want);
    for (size_t i = 0; i < n; i++) {
        struct field *f = &w->f[k][at[i]];
        int64_t ttl = opt.ttl != HASH_KEEP_TTL ? opt.ttl : live(w, f) ? f->ttl : HASH_NO_TTL;
        model_set(f, pairs[2 * i + 1], ttl);
    }
}

static void step_remove(struct world *w, size_t k)
{
    size_t i = rng_below(&w->r, FIELDS), j = rng_below(&w->r, FIELDS), n, want;
    struct str fields[] = { field_name(w, i), field_name(w, j), STR("nowhere") };
    size_t before = live_count(w, k);
    enum err e = hash_remove(w->db, key_name(w, k), fields, 3, &n);

    want = (size_t)live(w, &w->f[k][i]) + (i != j && live(w, &w->f[k][j]));
    if (before == 0) {
        ck_assert_int_eq(e, ERR_NO_KEY);
        return;
    }
    ck_assert_int_eq(e, OK);
    ck_assert_uint_eq(n, want);
    w->f[k][i].there = w->f[k][j].there = false;
}

static void step_incr(struct world *w, size_t k)
{
    size_t i = rng_below(&w->r, FIELDS);
    struct field *f = &w->f[k][i];
    int64_t old = 0, by = (int64_t)rng_below(&w->r, 1000) - 500, out;
    bool there = live(w, f), is_int = !there || num_parse_i64(field_value(f), &old);
    enum err e = hash_incr(w->db, key_name(w, k), field_name(w, i), by, &out);
    char text[NUM_TEXT_MAX];

    if (!is_int) {
        ck_assert_int_eq(e, ERR_HASH_NOT_INT);
        return;
    }
    ck_assert_int_eq(e, OK);
    ck_assert_int_eq(out, old + by);
    model_set(f, str_of(text, num_i64(text, out)), there ? f->ttl : HASH_NO_TTL);
}

static bool met(int64_t old, int64_t at, enum hash_ttl_if cond)
{
    if (cond == HASH_TTL_NX) return old < 0;
    if (cond == HASH_TTL_XX) return old >= 0;
    if (cond == HASH_TTL_GT) return old >= 0 && at > old;
    if (cond == HASH_TTL_LT) return old < 0 || at < old;
    return true;
}

static void step_expire(struct world *w, size_t k)
{
    size_t at[2] = { rng_below(&w->r, FIELDS), rng_below(&w->r, FIELDS) };
    struct str fields[] = { field_name(w, at[0]), field_name(w, at[1]) };
    int64_t at_ms = w->s->now_ms - 20 + (int64_t)rng_below(&w->r, 4000);
    enum hash_ttl_if cond = (enum hash_ttl_if)rng_below(&w->r, 5);
    int8_t result[2];
    bool none = live_count(w, k) == 0;
    enum err e = hash_expire(w->db, key_name(w, k), fields, 2, at_ms, cond, result);

    ck_assert_int_eq(e, none ? ERR_NO_KEY : OK);
    for (size_t i = 0; i < 2 && !none; i++) {
        struct field *f = &w->f[k][at[i]];
        if (!live(w, f)) {
            ck_assert_int_eq(result[i], HASH_NO_FIELD);
        } else if (!met(f->ttl, at_ms, cond)) {
            ck_assert_int_eq(result[i], HASH_TTL_NOT_MET);
        } else if (at_ms <= w->s->now_ms) {
            ck_assert_int_eq(result[i], HASH_TTL_REMOVED);
            f->there = false;
        } else {
            ck_assert_int_eq(result[i], HASH_TTL_DONE);
            f->ttl = at_ms;
        }
    }
}

static void step_persist(struct world *w, size_t k)
{
    size_t i = rng_below(&w->r, FIELDS);
    struct str field = field_name(w, i);
    struct field *f = &w->f[k][i];
    int8_t result = 0;
    bool none = live_count(w, k) == 0;
    enum err e = hash_persist(w->db, key_name(w, k), &field, 1, &result);

    ck_assert_int_eq(e, none ? ERR_NO_KEY : OK);
    if (none) return;
    ck_assert_int_eq(result, !live(w, f)  ? HASH_NO_FIELD
                             : f->ttl < 0 ? HASH_HAS_NO_TTL
                                          : HASH_TTL_DONE);
    f->ttl = HASH_NO_TTL;
}

/* COPY over another hash, RENAME to another name. */
static void step_names(struct world *w, size_t k)
{
    size_t to = (k + 1) % KEYS;
    bool none = live_count(w, k) == 0;

    same(w, k); /* and what is due is gone */
    same(w, to);
    if (rng_below(&w->r, 2)) {
        enum err e = keys_copy(w->db, key_name(w, k), w->db, key_name(w, to), true);
        ck_assert_int_eq(e, none ? ERR_NO_KEY : OK);
        if (!none) memcpy(w->f[to], w->f[k], sizeof w->f[k]);
    } else {
        enum err e = keys_rename(w->db, key_name(w, k), key_name(w, to), false);
        ck_assert_int_eq(e, none ? ERR_NO_SUCH_KEY : OK);
        if (none) return;
        memcpy(w->f[to], w->f[k], sizeof w->f[k]);
        memset(w->f[k], 0, sizeof w->f[k]);
    }
}

static void step(struct world *w)
{
    size_t k = rng_below(&w->r, KEYS);

    switch (rng_below(&w->r, 16)) {
    case 0:
    case 1:
    case 2: step_set(w, k); break;
    case 3:
    case 4:
    case 5: step_remove(w, k); break;
    case 6: step_incr(w, k); break;
    case 7:
    case 8: step_expire(w, k); break;
    case 9: step_persist(w, k); break;
    case 10:
        if (rng_below(&w->r, 20) == 0) step_names(w, k);
        break;
    case 11:
        if (rng_below(&w->r, 40) == 0 && keys_delete(w->db, key_name(w, k), false))
            memset(w->f[k], 0, sizeof w->f[k]);
        break;
    case 12: w->s->now_ms += (int64_t)rng_below(&w->r, 50); break;
    case 13: store_expire_some(w->s, 1 + rng_below(&w->r, 20)); break;
    default: same(w, k);
    }
}

START_TEST(hash_behaves_as_an_array_of_fields)
{
    struct world w;

    world_start(&w);
    for (int i = 0; i < 200000; i++) {
        step(&w);
        if (i % 5000 == 0) store_check(w.s);
    }
    for (size_t k = 0; k < KEYS; k++) same(&w, k);
    ck_assert_uint_gt(w.told, 1000);
    store_free(&w.s);
}
END_TEST

START_TEST(the_clock_alone_removes_fields_in_time)
{
    struct world w;

    world_start(&w);
    for (int round = 0; round < 3000; round++) {
        step_set(&w, rng_below(&w.r, KEYS));
        step_expire(&w, rng_below(&w.r, KEYS));
        if (round % 100 == 0) step_names(&w, rng_below(&w.r, KEYS));
        w.s->now_ms += (int64_t)rng_below(&w.r, 100);
        while (store_expire_some(w.s, 50)) continue;
        for (size_t k = 0; k < KEYS; k++) {
            const struct entry *e = db_peek(w.db, key_name(&w, k));
            ck_assert_int_eq(e != NULL, live_count(&w, k) > 0);
            if (e == NULL) continue;
            struct hash h = hash_of(w.s, e);
            ck_assert_uint_eq(hash_count(&h), live_count(&w, k));
        }
    }
    store_free(&w.s);
}
END_TEST

/* --- single points ---------------------------------------------------------------------------- */

static const char *encoding(struct store *s, const char *key)
{
    return entry_encoding_name(s, db_peek(s->dbs[0], str_c(key)));
}

static void set_one(struct store *s, const char *key, const char *field, struct str value)
{
    size_t n;
    struct str pair[] = { str_c(field), value };
    ck_assert_int_eq(hash_set(s->dbs[0], str_c(key), pair, 1, NULL, &n), OK);
}

START_TEST(hash_grows_from_listpack_to_table)
{
    struct store *s = model_store();
    char name[16], long_value[41] = { 0 };

    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "f%d", i);
        set_one(s, "h", name, STR("v"));
    }
    ck_assert_str_eq(encoding(s, "h"), "listpack");
    set_one(s, "h", "f24", STR("v"));
    ck_assert_str_eq(encoding(s, "h"), "hashtable");

    set_one(s, "g", "f", str_of(long_value, 40));
    ck_assert_str_eq(encoding(s, "g"), "listpack");
    set_one(s, "g", "f", str_of(long_value, 41));
    ck_assert_str_eq(encoding(s, "g"), "hashtable");

    int8_t r;
    set_one(s, "x", "f", STR("v"));
    ck_assert_int_eq(
        hash_expire(s->dbs[0], STR("x"), &STR("f"), 1, s->now_ms + 5, HASH_TTL_ANY, &r), OK);
    ck_assert_str_eq(encoding(s, "x"), "listpackex");
    store_free(&s);
}
END_TEST

START_TEST(values_may_be_very_large)
{
    struct store *s = model_store();
    size_t n = 3 << 20;
    char *big = mem_zalloc(n), scratch[NUM_TEXT_MAX];
    struct hash h;
    struct str v;

    set_one(s, "h", "f", str_of(big, n));
    set_one(s, "h", "g", str_of(big, HASH_INLINE_MAX));
    set_one(s, "h", "g", str_of(big, HASH_INLINE_MAX + 1));
    set_one(s, "h", "g", str_of(big, HASH_INLINE_MAX));
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), OK);
    ck_assert(hash_get(&h, STR("f"), scratch, &v) && str_eq(v, str_of(big, n)));
    ck_assert(hash_get(&h, STR("g"), scratch, &v) && v.n == HASH_INLINE_MAX);
    hash_check(&h);
    ck_assert_uint_gt(db_value_bytes(db_peek(s->dbs[0], STR("h")), 0), n);
    mem_free(big);
    store_free(&s);
}
END_TEST

/* A million due at once: no call does more than it is asked for, and no reader sees one of them. */
START_TEST(many_fields_due_at_once_go_in_slices)
{
    enum { N = 100000 };
    struct store *s = model_store();
    struct hash_set opt = { HASH_ALWAYS, s->now_ms + 10 };
    char name[24], scratch[NUM_TEXT_MAX];
    struct hash h;
    struct str v;
    size_t n;

    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "field:%d", i);
        struct str pair[] = { str_c(name), STR("v") };
        ck_assert_int_eq(hash_set(s->dbs[0], STR("h"), pair, 1, &opt, &n), OK);
    }
    set_one(s, "h", "stays", STR("v"));
    s->now_ms += 10;
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), OK);
    ck_assert_uint_gt(hash_count(&h), N / 2);
    ck_assert_uint_eq(hash_size(&h), 1);
    ck_assert(!hash_get(&h, STR("field:99999"), scratch, &v) &&
              !hash_get(&h, STR("field:0"), scratch, &v));

    size_t before = s->stats.expired_fields;
    ck_assert(store_expire_some(s, 1000));
    ck_assert_uint_le(s->stats.expired_fields - before, 1500);
    while (store_expire_some(s, 1000)) continue;
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), OK);
    ck_assert_uint_eq(hash_count(&h), 1);
    ck_assert_uint_eq(s->stats.expired_fields, N);
    store_free(&s);
}
END_TEST

static void set_due(struct store *s, int db, const char *key, int64_t in_ms)
{
    struct hash_set opt = { HASH_ALWAYS, s->now_ms + in_ms };
    struct str pair[] = { STR("f"), STR("v") };
    size_t n;

    ck_assert_int_eq(hash_set(s->dbs[db], str_c(key), pair, 1, &opt, &n), OK);
}

/* Hashes come and go long before their fields are due: the clock does not keep what is left of them. And it forgets
 * none of those that stay, whatever happens while it is made anew. */
START_TEST(the_clock_forgets_hashes_that_are_gone_and_no_others)
{
    enum { ROUNDS = 200000, STAY = 2000, FAR_MS = 1000 * 1000 * 1000, SOON_MS = 100 * 1000 };
    struct store *s = model_store();
    size_t most = 0;
    char key[32];

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(key, sizeof key, "goes:%d", i % 100);
        set_due(s, 0, key, FAR_MS + i);
        ck_assert(keys_delete(s->dbs[0], str_c(key), false));
        if (i % (ROUNDS / STAY) == 0) {
            snprintf(key, sizeof key, "stays:%d", i);
            set_due(s, i / 100 % 2, key, i % 3 ? SOON_MS : FAR_MS + i);
        }
        if (i % 50 == 0) store_expire_some(s, 100);
        if (i % 777 == 0) store_swap(s, 0, 1);
        if (field_clock_bytes(s) > most) most = field_clock_bytes(s);
    }
    ck_assert_uint_lt(most, 1 << 20); /* all of them would be 1.6 MB of records */
    ck_assert_uint_eq(s->stats.expired_fields, 0);
    s->now_ms += SOON_MS + 1;
    while (store_expire_some(s, 1000)) continue;
    ck_assert_uint_eq(s->stats.expired_fields, STAY * 2 / 3);
    s->now_ms += FAR_MS + ROUNDS;
    while (store_expire_some(s, 1000)) continue;
    ck_assert_uint_eq(s->stats.expired_fields, STAY);
    ck_assert_uint_eq(s->dbs[0]->n_keys + s->dbs[1]->n_keys, 0);
    store_free(&s);
}
END_TEST

START_TEST(nothing_expires_while_loading)
{
    struct store *s = model_store();
    struct hash h;
    size_t n;

    s->loading = true;
    struct hash_set opt = { HASH_ALWAYS, s->now_ms - 1000 };
    struct str pair[] = { STR("f"), STR("v") };
    ck_assert_int_eq(hash_set(s->dbs[0], STR("h"), pair, 1, &opt, &n), OK);
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), OK);
    ck_assert_uint_eq(hash_size(&h), 1);
    s->loading = false;
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), ERR_NO_KEY);
    store_free(&s);
}
END_TEST

START_TEST(a_read_that_meets_a_due_field_is_no_change_of_the_caller)
{
    struct store *s = model_store();
    struct hash h;
    int8_t r;

    set_one(s, "h", "f", STR("v"));
    ck_assert_int_eq(
        hash_expire(s->dbs[0], STR("h"), &STR("f"), 1, s->now_ms + 5, HASH_TTL_ANY, &r), OK);
    s->now_ms += 5;
    uint64_t changes = s->stats.changes, dirty = s->stats.dirty;
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), ERR_NO_KEY);
    ck_assert_ptr_null(db_peek(s->dbs[0], STR("h")));
    ck_assert_uint_eq(s->stats.changes, changes);
    ck_assert_uint_eq(s->stats.dirty, dirty);
    store_free(&s);
}
END_TEST

/* --- drawing ---------------------------------------------------------------------------------- */

struct draws {
    size_t seen[FIELDS];
    size_t n;
};

static bool count_draw(void *ctx, struct str field, struct str value)
{
    struct draws *d = ctx;
    int64_t i = 0;

    ck_assert(num_parse_i64(str_of(field.p + 1, field.n - 1), &i) && i < FIELDS);
    d->seen[i]++;
    d->n++;
    ck_assert_uint_eq(value.n, 1);
    return true;
}

/* Fields f10 to f10 + n - 1; half of them have had a TTL that is over. */
static void draw_from(size_t n, bool with_due)
{
    struct store *s = model_store();
    char name[16];
    struct hash h;
    int8_t r;

    for (size_t i = 10; i < 10 + n; i++) {
        snprintf(name, sizeof name, "f%zu", i);
        set_one(s, "h", name, STR("v"));
        struct str f = str_c(name);
        if (with_due && i % 2)
            ck_assert_int_eq(
                hash_expire(s->dbs[0], STR("h"), &f, 1, s->now_ms + 5, HASH_TTL_ANY, &r), OK);
    }
    h = hash_of(s, db_peek(s->dbs[0], STR("h")));
    if (with_due) h.now_ms = s->now_ms + 5;
    size_t there = with_due ? n / 2 : n;
    for (size_t count = 1; count < there + 3; count++) {
        struct draws d = { .n = 0 }, e = { .n = 0 };
        for (int round = 0; round < 1000; round++) {
            hash_random(&h, count, true, count_draw, &d);
            hash_random(&h, count, false, count_draw, &e);
        }
        size_t each = count < there ? count : there;
        ck_assert_uint_eq(d.n, 1000 * each);
        ck_assert_uint_eq(e.n, 1000 * count);
        for (size_t i = 10; i < 10 + n; i++) {
            double want = with_due && i % 2 ? 0 : 1000.0 * (double)each / (double)there;
            ck_assert_double_eq_tol((double)d.seen[i], want, 200);
            want = with_due && i % 2 ? 0 : 1000.0 * (double)count / (double)there;
            ck_assert_double_eq_tol((double)e.seen[i], want, 200);
        }
    }
    store_free(&s);
}

START_TEST(each_field_is_drawn_as_often_as_any_other)
{
    draw_from(6, false);
    draw_from(6, true);
    draw_from(36, false);
    draw_from(36, true);
}
END_TEST

static void count_scan(void *ctx, struct str field, struct str value)
{
    count_draw(ctx, field, value);
}

START_TEST(scan_sees_every_field)
{
    struct store *s = model_store();
    struct draws d = { .n = 0 };
    struct hash h;
    uint64_t cursor = 0;
    char name[16];

    for (int i = 0; i < FIELDS; i++) {
        snprintf(name, sizeof name, "f%d", i);
        set_one(s, "h", name, STR("v"));
    }
    ck_assert_int_eq(hash_read(s->dbs[0], STR("h"), &h), OK);
    do cursor = hash_scan(&h, cursor, 5, count_scan, &d);
    while (cursor != 0);
    for (int i = 0; i < FIELDS; i++) ck_assert_uint_ge(d.seen[i], 1);
    store_free(&s);
}
END_TEST

UNIT_MAIN("hash", hash_behaves_as_an_array_of_fields, the_clock_alone_removes_fields_in_time,
          hash_grows_from_listpack_to_table, values_may_be_very_large,
          many_fields_due_at_once_go_in_slices, the_clock_forgets_hashes_that_are_gone_and_no_others,
          nothing_expires_while_loading,
          a_read_that_meets_a_due_field_is_no_change_of_the_caller,
          each_field_is_drawn_as_often_as_any_other, scan_sees_every_field)
