/* Random operations against a model that is too simple to be wrong: an array of slots, one for
 * each of a few hundred key names in two databases. */
#include "storage/cut_piece.h"
#include "storage/evict.h"
#include "storage/keys.h"
#include "storage/type_string.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

enum { DBS = 2, NAMES = 300, VALUE_MAX = 40000 };

struct cell {
    bool there;
    int64_t expire_ms; /* -1: none */
    struct buf val;
};

struct model {
    struct store *s;
    struct rng rng;
    struct cell cells[DBS][NAMES];
    struct buf scratch;
    size_t told_new, told_gone; /* by the store's changes */
    int64_t balance[DBS];       /* keys, counted from changes alone */
};

static struct str name_of(int i, char *out)
{
    /* Some names are long, one is empty. */
    if (i == 0) return STR("");
    int n = snprintf(out, 400, "key:%d", i);
    if (i % 50 == 1) {
        memset(out + n, 'k', 300);
        n += 300;
    }
    return str_of(out, (size_t)n);
}

static void count(void *ctx, const struct change *c)
{
    struct model *m = ctx;

    ck_assert_int_lt(c->db, DBS);
    switch (c->kind) {
    case CHANGE_NEW:
        m->balance[c->db]++;
        ck_assert(c->e != NULL);
        break;
    case CHANGE_DEL:
    case CHANGE_EXPIRED:
    case CHANGE_EVICTED:
    case CHANGE_RENAME_FROM:
    case CHANGE_MOVE_FROM:
        m->balance[c->db]--;
        expect_str(entry_key(c->e), c->key);
        break;
    case CHANGE_FLUSH: m->balance[c->db] = 0; break;
    case CHANGE_SWAP: {
        int64_t t = m->balance[c->db];
        m->balance[c->db] = m->balance[c->db2];
        m->balance[c->db2] = t;
        break;
    }
    default: break;
    }
}

static void model_open(struct model *m)
{
    memset(m, 0, sizeof *m);
    unit_rng(&m->rng);
    m->s = env_store(7);
    store_subscribe(m->s, count, m);
}

static void model_close(struct model *m)
{
    for (int d = 0; d < DBS; d++)
        for (int i = 0; i < NAMES; i++) buf_fini(&m->cells[d][i].val);
    buf_fini(&m->scratch);
    store_free(&m->s);
}

static struct cell *cell_at(struct model *m, int d, int i)
{
    struct cell *c = &m->cells[d][i];

    if (c->there && c->expire_ms >= 0 && c->expire_ms <= m->s->now_ms) c->there = false;
    return c;
}

static void cell_set(struct cell *c, struct str val, int64_t expire_ms)
{
    struct buf b = { 0 };

    buf_add_str(&b, val);
    buf_fini(&c->val);
    *c = (struct cell){ true, expire_ms, b };
}

static struct str random_value(struct model *m)
{
    static const size_t sizes[] = {
        0, 1, 5, 20, 45, 64, 120, 130, 700, 1100, 5000, 17000, VALUE_MAX
    };
    uint64_t kind = rng_below(&m->rng, 10);

    if (kind < 3) {
        buf_clear(&m->scratch);
        buf_printf(&m->scratch, "%" PRId64, (int64_t)rng_next(&m->rng) >> rng_below(&m->rng, 60));
        return buf_str(&m->scratch);
    }
    size_t max = sizes[rng_below(&m->rng, kind < 9 ? 8 : 13)];
    return unit_random_bytes(&m->rng, &m->scratch, rng_below(&m->rng, max + 1), 3);
}

static int64_t random_time(struct model *m)
{
    static const int64_t spans[] = { 1, 10, 300, 5000, 100000, 10000000 };
    return m->s->now_ms + 1 + (int64_t)rng_below(&m->rng, (uint64_t)spans[rng_below(&m->rng, 6)]);
}

static void check_cell(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    char name[400], scratch[NUM_TEXT_MAX];
    const struct entry *e;
    enum err err = db_read_type(m->s->dbs[d], name_of(i, name), VALUE_STRING, &e);

    ck_assert_int_eq(err, c->there ? OK : ERR_NO_KEY);
    if (!c->there) return;
    expect_str(string_bytes(e, scratch), buf_str(&c->val));
    ck_assert_int_eq(entry_expire_at(e), c->expire_ms);
}

static void do_set(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    struct string_set how = { .expire_ms = -1 };
    struct str val = random_value(m);
    char name[400];
    enum err want = OK;

    if (rng_below(&m->rng, 3) == 0) how.expire_ms = random_time(m);
    how.flags = (unsigned)rng_below(&m->rng, 8);
    if ((how.flags & 3) == 3) how.flags = 0;
    if ((how.flags & STRING_KEEP_TTL) && how.expire_ms >= 0)
        how.flags &= ~(unsigned)STRING_KEEP_TTL;
    if ((how.flags & STRING_IF_NEW) && c->there) want = ERR_NOT_DONE;
    if ((how.flags & STRING_IF_THERE) && !c->there) want = ERR_NOT_DONE;
    ck_assert_int_eq(string_set(m->s->dbs[d], name_of(i, name), val, &how), want);
    if (want != OK) return;
    int64_t at = how.flags & STRING_KEEP_TTL && c->there ? c->expire_ms : how.expire_ms;
    cell_set(c, val, at);
}

static void do_append(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    struct str val = random_value(m);
    char name[400];
    size_t n;

    ck_assert_int_eq(string_append(m->s->dbs[d], name_of(i, name), val, &n), OK);
    if (!c->there)
        cell_set(c, val, -1);
    else
        buf_add_str(&c->val, val);
    ck_assert_uint_eq(n, c->val.n);
    if (c->val.n > VALUE_MAX) { /* or the test takes for ever */
        ck_assert_int_eq(string_set(m->s->dbs[d], name_of(i, name), STR("short"), NULL), OK);
        cell_set(c, STR("short"), -1);
    }
}

static void do_setrange(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    struct str val = random_value(m);
    size_t at = rng_below(&m->rng, 2000), n, want;
    char name[400];

    ck_assert_int_eq(string_setrange(m->s->dbs[d], name_of(i, name), at, val, &n), OK);
    if (val.n > 0) {
        if (!c->there) cell_set(c, STR(""), -1);
        want = at + val.n > c->val.n ? at + val.n : c->val.n;
        memset(buf_room(&c->val, want - c->val.n + 1), 0, want - c->val.n);
        c->val.n = want;
        memcpy(c->val.p + at, val.p, val.n);
    }
    ck_assert_uint_eq(n, c->there ? c->val.n : 0);
}

static void do_incr(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    int64_t by = (int64_t)rng_next(&m->rng) >> rng_below(&m->rng, 64), v = 0, sum, out;
    char name[400], text[NUM_TEXT_MAX];
    enum err want = OK;

    if (c->there && !num_parse_i64(buf_str(&c->val), &v))
        want = ERR_NOT_INT;
    else if (__builtin_add_overflow(v, by, &sum))
        want = ERR_OVERFLOW;
    ck_assert_int_eq(string_incr(m->s->dbs[d], name_of(i, name), by, &out), want);
    if (want != OK) return;
    ck_assert_int_eq(out, sum);
    cell_set(c, str_of(text, num_i64(text, sum)), c->there ? c->expire_ms : -1);
}

static void do_expire(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    int64_t at = rng_below(&m->rng, 20) == 0 ? m->s->now_ms : random_time(m);
    unsigned cond = (unsigned)rng_below(&m->rng, 16);
    bool has = c->there && c->expire_ms >= 0, met, removed = false;
    char name[400];
    enum err want;

    met = !((cond & EXPIRE_NX) && has) && !((cond & EXPIRE_XX) && !has) &&
          !((cond & EXPIRE_GT) && (!has || at <= c->expire_ms)) &&
          !((cond & EXPIRE_LT) && has && at >= c->expire_ms);
    want = !c->there ? ERR_NO_KEY : met ? OK : ERR_NOT_DONE;
    ck_assert_int_eq(keys_expire(m->s->dbs[d], name_of(i, name), at, cond, &removed), want);
    if (want != OK) return;
    ck_assert_int_eq(removed, at <= m->s->now_ms);
    c->expire_ms = at;
}

static void do_persist(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    enum err want = !c->there ? ERR_NO_KEY : c->expire_ms < 0 ? ERR_NOT_DONE : OK;
    char name[400];

    ck_assert_int_eq(keys_persist(m->s->dbs[d], name_of(i, name)), want);
    c->expire_ms = -1;
}

static void do_delete(struct model *m, int d, int i)
{
    struct cell *c = cell_at(m, d, i);
    char name[400];

    ck_assert_int_eq(keys_delete(m->s->dbs[d], name_of(i, name), true), c->there);
    c->there = false;
}

static void do_rename(struct model *m, int d, int i, int k)
{
    struct cell *a = cell_at(m, d, i), *b = cell_at(m, d, k);
    bool nx = rng_below(&m->rng, 2);
    char from[400], to[400];
    enum err want = !a->there ? ERR_NO_SUCH_KEY : nx && b->there ? ERR_NOT_DONE : OK;

    if (a->there && a == b) want = nx ? ERR_NOT_DONE : OK;
    ck_assert_int_eq(keys_rename(m->s->dbs[d], name_of(i, from), name_of(k, to), nx), want);
    if (want != OK || a == b) return;
    m->balance[d] -= b->there; /* what gives way to another of its name is not told */
    cell_set(b, buf_str(&a->val), a->expire_ms);
    a->there = false;
}

static void do_copy(struct model *m, int d, int i, int d2, int k)
{
    struct cell *a = cell_at(m, d, i), *b = cell_at(m, d2, k);
    bool replace = rng_below(&m->rng, 2);
    char from[400], to[400];
    enum err want = !a->there ? ERR_NO_KEY : b->there && !replace ? ERR_NOT_DONE : OK;

    if (a == b) return;
    ck_assert_int_eq(
        keys_copy(m->s->dbs[d], name_of(i, from), m->s->dbs[d2], name_of(k, to), replace), want);
    if (want != OK) return;
    m->balance[d2] -= b->there;
    cell_set(b, buf_str(&a->val), a->expire_ms);
}

static void do_move(struct model *m, int d, int i)
{
    struct cell *a = cell_at(m, d, i), *b = cell_at(m, 1 - d, i);
    char name[400];
    enum err want = !a->there ? ERR_NO_KEY : b->there ? ERR_NOT_DONE : OK;

    ck_assert_int_eq(keys_move(m->s->dbs[d], name_of(i, name), m->s->dbs[1 - d]), want);
    if (want != OK) return;
    cell_set(b, buf_str(&a->val), a->expire_ms);
    a->there = false;
}

static size_t count_there(struct model *m, int d)
{
    size_t n = 0;

    for (int i = 0; i < NAMES; i++) n += cell_at(m, d, i)->there;
    return n;
}

/* Everything that is due leaves memory in one round, and nothing else does. */
static void do_pass_time(struct model *m)
{
    static const int64_t steps[] = { 1, 7, 100, 1000, 60000, 5000000 };

    m->s->now_ms += (int64_t)rng_below(&m->rng, (uint64_t)steps[rng_below(&m->rng, 6)]) + 1;
    while (store_expire_some(m->s, 1 + rng_below(&m->rng, 100))) {
    }
    for (int d = 0; d < DBS; d++) ck_assert_uint_eq(m->s->dbs[d]->n_keys, count_there(m, d));
}

static void do_flush(struct model *m, int d)
{
    store_flush(m->s, d);
    for (int i = 0; i < NAMES; i++) m->cells[d][i].there = false;
}

static void do_swap(struct model *m)
{
    struct cell t[NAMES];

    store_swap(m->s, 0, 1);
    memcpy(t, m->cells[0], sizeof t);
    memcpy(m->cells[0], m->cells[1], sizeof t);
    memcpy(m->cells[1], t, sizeof t);
}

static void step(struct model *m)
{
    int d = (int)rng_below(&m->rng, DBS), i = (int)rng_below(&m->rng, NAMES);
    uint64_t what = rng_below(&m->rng, 1000);

    if (what < 300)
        do_set(m, d, i);
    else if (what < 350)
        do_append(m, d, i);
    else if (what < 400)
        do_setrange(m, d, i);
    else if (what < 450)
        do_incr(m, d, i);
    else if (what < 550)
        do_expire(m, d, i);
    else if (what < 570)
        do_persist(m, d, i);
    else if (what < 650)
        do_delete(m, d, i);
    else if (what < 700)
        do_rename(m, d, i, (int)rng_below(&m->rng, NAMES));
    else if (what < 750)
        do_copy(m, d, i, (int)rng_below(&m->rng, DBS), (int)rng_below(&m->rng, NAMES));
    else if (what < 780)
        do_move(m, d, i);
    else if (what < 790)
        do_pass_time(m);
    else if (what < 791 && rng_below(&m->rng, 10) == 0)
        do_flush(m, d);
    else if (what < 792)
        do_swap(m);
    else
        check_cell(m, d, i);
}

static void check_all(struct model *m)
{
    while (store_expire_some(m->s, 1000)) {
    }
    for (int d = 0; d < DBS; d++) {
        for (int i = 0; i < NAMES; i++) check_cell(m, d, i);
        ck_assert_uint_eq(m->s->dbs[d]->n_keys, count_there(m, d));
        ck_assert_int_eq(m->balance[d], (int64_t)count_there(m, d));
    }
    store_check(m->s);
}

START_TEST(the_store_does_what_the_model_does)
{
    struct model *m = mem_alloc(sizeof *m);

    model_open(m);
    for (int n = 0; n < 250000; n++) {
        step(m);
        if (n % 10000 == 0) check_all(m);
    }
    check_all(m);
    model_close(m);
    mem_free(m);
}
END_TEST

/* --- the snapshot cut ------------------------------------------------------------------------- */

struct dump {
    struct model *m;
    struct cell (*before)[NAMES];
    int seen[DBS][NAMES];
    size_t n;
};

static void dump_one(void *ctx, int db, struct entry *e)
{
    struct dump *d = ctx;
    struct str key = entry_key(e);
    char scratch[NUM_TEXT_MAX];
    int i = 0;

    char text[16] = { 0 };

    memcpy(text, key.p, key.n < sizeof text ? key.n : sizeof text - 1);
    if (key.n > 0) ck_assert_int_eq(sscanf(text, "key:%d", &i), 1);
    ck_assert_int_eq(d->seen[db][i]++, 0);
    ck_assert(d->before[db][i].there);
    expect_str(string_bytes(e, scratch), buf_str(&d->before[db][i].val));
    ck_assert_int_eq(entry_expire_at(e), d->before[db][i].expire_ms);
    d->n++;
}

static void copy_cells(struct model *m, struct cell to[DBS][NAMES])
{
    for (int d = 0; d < DBS; d++) {
        for (int i = 0; i < NAMES; i++) {
            const struct cell *c = cell_at(m, d, i);
            to[d][i] = (struct cell){ c->there, c->expire_ms, { 0 } };
            if (c->there) buf_add_str(&to[d][i].val, buf_str(&c->val));
        }
    }
}

/* A number of steps without those that break a cut. */
static void work(struct model *m, size_t n)
{
    while (n-- > 0) {
        struct rng before = m->rng;
        (void)rng_below(&before, DBS), (void)rng_below(&before, NAMES);
        uint64_t what = rng_below(&before, 1000);
        if (what < 790 || what >= 792)
            step(m);
        else
            m->rng = before;
    }
}

START_TEST(a_cut_is_the_store_at_its_start)
{
    struct model *m = mem_alloc(sizeof *m);
    struct cell(*before)[NAMES] = mem_zalloc(DBS * sizeof *before);
    struct dump *d = mem_alloc(sizeof *d);

    model_open(m);
    for (int round = 0; round < 60; round++) {
        struct store_cut *cut;
        size_t want = 0;

        work(m, 2000);
        m->s->now_ms += 5; /* some keys have expired, unseen */
        copy_cells(m, before);
        for (int k = 0; k < DBS; k++) want += count_there(m, k);
        *d = (struct dump){ .m = m, .before = before };
        cut = store_cut_begin(m->s, &(struct cut_sink){ .entry = dump_one, .ctx = d });
        while (store_cut_step(cut)) work(m, rng_below(&m->rng, 30));
        ck_assert(!store_cut_broken(cut));
        ck_assert_uint_eq(d->n, want);
        store_cut_end(m->s, &cut);
        for (int k = 0; k < DBS * NAMES; k++) buf_fini(&before[k / NAMES][k % NAMES].val);
    }
    check_all(m);
    model_close(m);
    mem_free(m);
    mem_free(before);
    mem_free(d);
}
END_TEST

static void ignore(void *ctx, int db, struct entry *e)
{
    (void)ctx, (void)db, (void)e;
}

START_TEST(flush_and_swap_break_a_cut)
{
    struct model *m = mem_alloc(sizeof *m);
    struct store_cut *cut;

    model_open(m);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++) do_set(m, 0, (int)rng_below(&m->rng, NAMES));
        cut = store_cut_begin(m->s, &(struct cut_sink){ .entry = ignore });
        ck_assert(store_cut_step(cut));
        if (round == 0)
            do_flush(m, 0);
        else
            do_swap(m);
        ck_assert(store_cut_broken(cut));
        ck_assert(!store_cut_step(cut));
        store_cut_end(m->s, &cut);
        check_all(m);
    }
    cut = store_cut_begin(m->s, &(struct cut_sink){ .entry = ignore });
    while (store_cut_step(cut)) {
    }
    do_flush(m, 1); /* all is dumped: nothing to break */
    ck_assert(!store_cut_broken(cut));
    store_cut_end(m->s, &cut);
    cut = store_cut_begin(m->s, &(struct cut_sink){ .entry = ignore });
    store_cut_end(m->s, &cut); /* given up */
    model_close(m);
    mem_free(m);
}
END_TEST

UNIT_MAIN("store model", the_store_does_what_the_model_does, a_cut_is_the_store_at_its_start,
          flush_and_swap_break_a_cut)
