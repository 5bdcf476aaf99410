/* test_stream_model.c -- streams and their groups against plain arrays: random operations. */
#include "storage/type_stream.h"

#include "storage/digest.h"
#include "storage/keys.h"
#include "storage/stream_edit.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 60000, FIELDS = 3, GROUPS = 3, CONSUMERS = 4, PENDING = ENTRIES };

struct m_entry {
    struct stream_id id;
    bool there;
    uint8_t n, names;    /* pairs, and which set of names they have */
    uint32_t value;      /* of the first pair; the next ones are one more */
};

struct m_pending {
    bool there;
    uint8_t consumer;
    int64_t delivered_ms;
    uint64_t deliveries;
};

struct m_group {
    bool there;
    struct stream_id last;
    bool consumer[CONSUMERS];
    struct m_pending pending[ENTRIES]; /* of entry i */
};

struct world {
    struct store *s;
    struct db *db;
    struct rng r;
    struct m_entry e[ENTRIES];
    size_t n, live;
    struct stream_id last, max_deleted;
    struct m_group g[GROUPS];
};

static struct world *w;
static const struct str key = { "st", 2 };
static const char *const names[][FIELDS] = { { "a", "bb", "100" }, { "a", "bb", "ccc" }, { "-7", "", "x" } };
static const char *const group_names[GROUPS] = { "g1", "another", "" };
static const char *const consumer_names[CONSUMERS] = { "alice", "bob", "b", "7" };

static void *world_start(void)
{
    w = mem_zalloc(sizeof *w);
    unit_rng(&w->r);
    w->s = env_store(7);
    w->s->conf.stream_node_max_entries = 5;
    w->db = w->s->dbs[0];
    return w;
}

static void world_end(void)
{
    store_free(&w->s);
    mem_free(w);
}

/* --- the model -------------------------------------------------------------------------------- */

/* The first entry, there or not, whose ID is at or above id. */
static size_t at_or_above(struct stream_id id)
{
    size_t lo = 0, hi = w->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (stream_id_cmp(w->e[mid].id, id) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static bool find(struct stream_id id, size_t *i)
{
    *i = at_or_above(id);
    return *i < w->n && stream_id_cmp(w->e[*i].id, id) == 0;
}

static struct str value_text(const struct m_entry *e, size_t i, struct buf *b)
{
    unsigned v = (unsigned)(e->value + i);

    buf_clear(b);
    if (v % 5 == 0)
        buf_printf(b, "%u", v);
    else
        for (int n = v % 997 == 1 ? 300 : 1; n > 0; n--) buf_printf(b, "v\xff%u", v);
    return buf_str(b);
}

/* Some ID: of an entry that was, or near one. */
static struct stream_id some_id(void)
{
    struct stream_id id;

    if (w->n == 0) return STREAM_ID_MIN;
    /* mostly among the younger, which are there */
    size_t back = rng_below(&w->r, rng_below(&w->r, 3) ? 60 : w->n);
    id = w->e[w->n - 1 - (back < w->n ? back : 0)].id;
    if (rng_below(&w->r, 4) == 0) id.seq += rng_below(&w->r, 3);
    return id;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void expect_entry(struct stream_iter *it, const struct m_entry *e)
{
    struct buf b = { 0 };
    struct str field, value;
    size_t n = 0;

    ck_assert(stream_id_cmp(it->id, e->id) == 0);
    ck_assert_uint_eq(it->n_fields, e->n);
    if (rng_below(&w->r, 3) == 0) n = e->n; /* leave the fields unread */
    for (; n < e->n; n++) {
        ck_assert(stream_field(it, &field, &value));
        expect_str(field, str_c(names[e->names][n]));
        expect_str(value, value_text(e, n, &b));
    }
    buf_fini(&b);
}

static void check_range(const struct stream *s, struct stream_id from, struct stream_id to, bool down,
                        size_t max)
{
    struct stream_iter it;
    size_t i = at_or_above(from), end = at_or_above(to);

    if (end < w->n && stream_id_cmp(w->e[end].id, to) == 0) end++;
    stream_iter_start(&it, s, from, to, down);
    while (max-- > 0) {
        size_t at;

        if (down) {
            while (end > i && !w->e[end - 1].there) end--;
            at = end > i ? --end : ENTRIES;
        } else {
            while (i < end && !w->e[i].there) i++;
            at = i < end ? i++ : ENTRIES;
        }
        ck_assert(stream_next(&it) == (at < ENTRIES));
        if (at == ENTRIES) return;
        expect_entry(&it, &w->e[at]);
    }
}

static void check_group(const struct stream *s, size_t g)
{
    const struct m_group *m = &w->g[g];
    const struct stream_group *found = stream_group(s, str_c(group_names[g]));
    struct stream_pending_iter it;
    size_t per[CONSUMERS] = { 0 }, all = 0;

    ck_assert((found != NULL) == m->there);
    if (found == NULL) return;
    struct stream_group_info info = stream_group_info(s, found);
    ck_assert(stream_id_cmp(info.last, m->last) == 0);
    stream_pending_start(&it, found, NULL, STREAM_ID_MIN, STREAM_ID_MAX);
    for (size_t i = 0; i < w->n; i++) {
        const struct m_pending *p = &m->pending[i];
        if (!p->there) continue;
        ck_assert(stream_pending_next(&it));
        ck_assert(stream_id_cmp(it.now.id, w->e[i].id) == 0);
        expect_str(it.now.consumer, str_c(consumer_names[p->consumer]));
        ck_assert_int_eq(it.now.delivered_ms, p->delivered_ms);
        ck_assert_uint_eq(it.now.deliveries, p->deliveries);
        per[p->consumer]++;
        all++;
    }
    ck_assert(!stream_pending_next(&it));
    ck_assert_uint_eq(info.pending, all);
    for (size_t c = 0; c < CONSUMERS; c++) {
        const struct stream_consumer *sc = stream_consumer(found, str_c(consumer_names[c]));
        ck_assert((sc != NULL) == m->consumer[c]);
        if (sc != NULL) ck_assert_uint_eq(stream_consumer_info(sc).pending, per[c]);
    }
}

static void check(void)
{
    const struct stream *s;
    struct stream_id top;
    size_t last = w->n;

    if (stream_read(w->db, key, &s) != OK) {
        ck_assert_uint_eq(w->n, 0);
        return;
    }
    stream_check(s);
    struct stream_info info = stream_info(s);
    ck_assert_uint_eq(info.length, w->live);
    ck_assert_uint_eq(info.added, w->n);
    ck_assert(stream_id_cmp(info.last, w->last) == 0);
    ck_assert(stream_id_cmp(info.max_deleted, w->max_deleted) == 0);
    check_range(s, STREAM_ID_MIN, STREAM_ID_MAX, false, SIZE_MAX);
    check_range(s, STREAM_ID_MIN, STREAM_ID_MAX, true, SIZE_MAX);
    while (last > 0 && !w->e[last - 1].there) last--;
    ck_assert(stream_top(s, &top) == (last > 0));
    if (last > 0) ck_assert(stream_id_cmp(top, w->e[last - 1].id) == 0);
    for (size_t g = 0; g < GROUPS; g++) check_group(s, g);
}

/* --- entries ---------------------------------------------------------------------------------- */

static size_t first_live(void)
{
    static size_t from;

    if (from > w->n) from = 0;
    while (from < w->n && !w->e[from].there) from++;
    return from;
}

static void model_trimmed(const struct stream_trim *t, const struct stream_trimmed *done)
{
    uint64_t n = 0;
    size_t i = first_live(), before = w->live;

    for (; n < done->removed; i++) {
        if (!w->e[i].there) continue;
        if (t->by == STREAM_TRIM_MINID) ck_assert(stream_id_cmp(w->e[i].id, t->min_id) < 0);
        w->e[i].there = false;
        w->live--;
        n++;
    }
    ck_assert_uint_eq(done->length, w->live);
    i = first_live();
    ck_assert(stream_id_cmp(done->floor, i < w->n ? w->e[i].id : STREAM_ID_MAX) == 0);
    if (t->by == STREAM_TRIM_MAXLEN && before > t->max_len) ck_assert_uint_ge(done->length, t->max_len);
    if (t->limit > 0) ck_assert_uint_le(done->removed, t->limit);
    if (t->whole_blocks || t->limit > 0) return;
    if (t->by == STREAM_TRIM_MAXLEN) ck_assert_uint_le(done->length, t->max_len);
    else if (i < w->n) ck_assert(stream_id_cmp(w->e[i].id, t->min_id) >= 0);
}

static struct stream_trim some_trim(void)
{
    struct stream_trim t = { .by = rng_below(&w->r, 2) ? STREAM_TRIM_MAXLEN : STREAM_TRIM_MINID };

    /* Mostly a little at the head, now and then nearly all. */
    t.max_len = w->live > 1500 ? w->live - rng_below(&w->r, 40) : rng_below(&w->r, 300) == 0 ? 0 : 2000;
    t.min_id = rng_below(&w->r, 300) == 0 ? some_id() : STREAM_ID_MIN;
    if (w->n > 2500 && rng_below(&w->r, 2)) t.min_id = w->e[w->n - 2000 - rng_below(&w->r, 500)].id;
    t.whole_blocks = rng_below(&w->r, 2);
    if (t.whole_blocks && rng_below(&w->r, 2)) t.limit = rng_below(&w->r, 20);
    return t;
}

static void op_add(void)
{
    struct m_entry *e = &w->e[w->n];
    struct stream_add add = { .how = (enum stream_add_id)rng_below(&w->r, 3) };
    struct stream_added done;
    struct stream_trim t = some_trim();
    struct buf b[FIELDS] = { { 0 } };
    struct str pairs[2 * FIELDS];
    enum err got;
    bool smaller = false;

    if (w->n == ENTRIES) return;
    e->n = (uint8_t)(1 + rng_below(&w->r, FIELDS));
    e->names = (uint8_t)(rng_below(&w->r, 8) ? 0 : rng_below(&w->r, 3));
    if (rng_below(&w->r, 4)) e->n = 2;
    e->value = (uint32_t)rng_below(&w->r, 100000);
    for (size_t i = 0; i < e->n; i++) {
        pairs[2 * i] = str_c(names[e->names][i]);
        pairs[2 * i + 1] = value_text(e, i, &b[i]);
    }
    if (add.how != STREAM_ADD_AUTO) {
        add.id = (struct stream_id){ w->last.ms + rng_below(&w->r, 3), rng_below(&w->r, 300) };
        if (add.how == STREAM_ADD_AUTO_SEQ && rng_below(&w->r, 10) == 0 && w->last.ms > 0)
            add.id.ms = w->last.ms - 1;
        smaller = add.how == STREAM_ADD_GIVEN ? stream_id_cmp(add.id, w->last) <= 0 : add.id.ms < w->last.ms;
    }
    if (rng_below(&w->r, 10) == 0) add.trim = &t;
    got = stream_key_add(w->db, key, &add, pairs, e->n, &done);
    if (add.how == STREAM_ADD_GIVEN && stream_id_is_zero(add.id)) {
        ck_assert_int_eq(got, ERR_XADD_ZERO);
    } else if (smaller) {
        ck_assert_int_eq(got, ERR_XADD_SMALLER);
    } else {
        ck_assert_int_eq(got, OK);
        ck_assert(stream_id_cmp(done.id, w->last) > 0);
        if (add.how == STREAM_ADD_GIVEN) ck_assert(stream_id_cmp(done.id, add.id) == 0);
        e->id = w->last = done.id;
        e->there = true;
        w->n++;
        w->live++;
        if (add.trim != NULL) model_trimmed(add.trim, &done.trim);
    }
    for (size_t i = 0; i < FIELDS; i++) buf_fini(&b[i]);
}

static void op_trim(void)
{
    struct stream_trim t = some_trim();
    struct stream_trimmed done;

    if (stream_key_trim(w->db, key, &t, &done) == OK) model_trimmed(&t, &done);
}

static void op_delete(void)
{
    struct stream_id ids[5];
    uint64_t deleted, want = 0;
    size_t n = 1 + rng_below(&w->r, 5), i;

    for (size_t k = 0; k < n; k++) {
        ids[k] = some_id();
        if (!find(ids[k], &i) || !w->e[i].there) continue;
        w->e[i].there = false;
        w->live--;
        want++;
        if (stream_id_cmp(ids[k], w->max_deleted) > 0) w->max_deleted = ids[k];
    }
    if (stream_key_delete(w->db, key, ids, n, &deleted) == OK) ck_assert_uint_eq(deleted, want);
}

static void op_range(void)
{
    const struct stream *s;
    struct stream_id from = some_id(), to = rng_below(&w->r, 3) ? STREAM_ID_MAX : some_id();
    struct stream_iter it;
    size_t i;

    if (stream_read(w->db, key, &s) != OK) return;
    check_range(s, from, to, rng_below(&w->r, 2), 30);
    bool there = find(from, &i) && w->e[i].there;
    ck_assert(stream_find(&it, s, from) == there);
    if (there) expect_entry(&it, &w->e[i]);
}

/* --- groups ----------------------------------------------------------------------------------- */

static size_t g_now, c_now;
static struct str group(void)
{
    return str_c(group_names[g_now]);
}

static struct str consumer(void)
{
    return str_c(consumer_names[c_now]);
}

static bool usable(enum err e)
{
    if (w->n == 0 && e == ERR_NO_KEY) return false;
    ck_assert_int_eq(e, w->g[g_now].there ? OK : ERR_NO_GROUP);
    return e == OK;
}

static void op_group(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_id id = some_id();
    bool to_last = rng_below(&w->r, 2), made;
    uint64_t pending, want = 0;
    enum err e;

    switch (rng_below(&w->r, 40)) {
    case 0:
        if (usable(stream_group_destroy(w->db, key, group()))) memset(m, 0, sizeof *m);
        break;
    case 1: case 2:
        if (usable(stream_group_set_id(w->db, key, group(), to_last ? NULL : &id, -1)))
            m->last = to_last ? w->last : id;
        break;
    case 3:
        if (!usable(stream_consumer_delete(w->db, key, group(), consumer(), &pending))) break;
        for (size_t i = 0; i < w->n; i++) {
            if (!m->pending[i].there || m->pending[i].consumer != c_now) continue;
            m->pending[i].there = false;
            want++;
        }
        ck_assert_uint_eq(pending, want);
        m->consumer[c_now] = false;
        break;
    case 4: case 5:
        if (!usable(stream_consumer_create(w->db, key, group(), consumer(), &made))) break;
        ck_assert(made == !m->consumer[c_now]);
        m->consumer[c_now] = true;
        break;
    default:
        e = stream_group_create(w->db, key, group(), to_last ? NULL : &id, -1, false);
        if (w->n == 0 && e == ERR_NO_KEY) break;
        ck_assert_int_eq(e, m->there ? ERR_GROUP_EXISTS : OK);
        if (e != OK) break;
        m->there = true;
        m->last = to_last ? w->last : id;
    }
}

static void told_new(void *ctx, struct stream_iter *it)
{
    struct m_group *m = &w->g[g_now];
    size_t *i = ctx, at;

    ck_assert(find(it->id, &at));
    while (*i < at) ck_assert(!w->e[(*i)++].there);
    ck_assert(w->e[at].there);
    expect_entry(it, &w->e[at]);
    m->last = it->id;
    *i = at + 1;
}

static void op_deliver(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_id after = m->last;
    struct stream_read_done done;
    uint64_t count = rng_below(&w->r, 12);
    bool no_ack = rng_below(&w->r, 5) == 0, some = stream_id_next(&after);
    size_t i = at_or_above(after), from = i;

    if (!usable(stream_deliver(w->db, key, group(), consumer(), count, no_ack, told_new, &i, &done))) return;
    ck_assert(some);
    ck_assert(done.made_consumer == !m->consumer[c_now]);
    m->consumer[c_now] = true;
    ck_assert(stream_id_cmp(done.last, m->last) == 0);
    if (count == 0 || done.n < count)
        while (i < w->n) ck_assert(!w->e[i++].there);
    for (; !no_ack && from < i; from++) {
        if (!w->e[from].there || stream_id_cmp(w->e[from].id, m->last) > 0) continue;
        m->pending[from] = (struct m_pending){ true, (uint8_t)c_now, w->s->now_ms, 1 };
    }
}

static void told_pending(void *ctx, const struct stream_pending *p, struct stream_iter *it)
{
    size_t i;

    (void)ctx;
    ck_assert(find(p->id, &i));
    ck_assert((it != NULL) == w->e[i].there);
    if (it != NULL) expect_entry(it, &w->e[i]);
}

static void op_history(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_id after = some_id();
    struct stream_read_done done;
    uint64_t count = rng_below(&w->r, 20), n = 0;

    if (!usable(stream_history(w->db, key, group(), consumer(), after, count, told_pending, NULL, &done)))
        return;
    m->consumer[c_now] = true;
    for (size_t i = at_or_above(after); i < w->n && (count == 0 || n < count); i++) {
        struct m_pending *p = &m->pending[i];
        if (!p->there || p->consumer != c_now || stream_id_cmp(w->e[i].id, after) == 0) continue;
        n++;
        if (!w->e[i].there) continue;
        p->deliveries++;
        p->delivered_ms = w->s->now_ms;
    }
    ck_assert_uint_eq(done.n, n);
}

static void op_ack(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_id ids[8];
    uint64_t acked, want = 0;
    size_t n = 1 + rng_below(&w->r, 8), i;

    for (size_t k = 0; k < n; k++) ids[k] = some_id();
    if (!usable(stream_ack(w->db, key, group(), ids, n, &acked))) return;
    for (size_t k = 0; k < n; k++) {
        if (!find(ids[k], &i)) continue;
        want += m->pending[i].there;
        m->pending[i].there = false;
    }
    ck_assert_uint_eq(acked, want);
}

/* What a claim makes of entry i; true when it counts. */
static bool model_claim(struct m_group *m, size_t i, const struct stream_claim *how)
{
    struct m_pending *p = &m->pending[i];
    bool was = p->there;

    if (!was && (!how->force || !w->e[i].there)) return false;
    if (!w->e[i].there) {
        p->there = false;
        return true;
    }
    if (was && how->min_idle_ms > 0 && w->s->now_ms - p->delivered_ms < how->min_idle_ms) return false;
    if (!was) *p = (struct m_pending){ .there = true, .deliveries = 1 };
    p->consumer = (uint8_t)c_now;
    p->delivered_ms = how->delivered_ms;
    if (p->delivered_ms < 0 || p->delivered_ms > w->s->now_ms) p->delivered_ms = w->s->now_ms;
    p->deliveries = how->deliveries >= 0 ? (uint64_t)how->deliveries : p->deliveries + !how->just_id;
    return true;
}

static struct stream_claim some_claim(void)
{
    return (struct stream_claim){
        .min_idle_ms = rng_below(&w->r, 2) ? (int64_t)rng_below(&w->r, 50) : 0,
        .delivered_ms = rng_below(&w->r, 2) ? -1 : w->s->now_ms - 20 + (int64_t)rng_below(&w->r, 30),
        .deliveries = rng_below(&w->r, 4) ? -1 : (int64_t)rng_below(&w->r, 9),
        .just_id = rng_below(&w->r, 2), .force = rng_below(&w->r, 2),
        .last = rng_below(&w->r, 10) ? STREAM_ID_MIN : some_id(),
    };
}

static void op_claim(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_claim how = some_claim();
    struct stream_claim_done done;
    struct stream_id ids[6];
    size_t n = 1 + rng_below(&w->r, 6), i, want = 0;

    for (size_t k = 0; k < n; k++) ids[k] = some_id();
    if (!usable(stream_claim(w->db, key, group(), consumer(), ids, n, &how, told_pending, NULL, &done)))
        return;
    m->consumer[c_now] = true;
    if (stream_id_cmp(how.last, m->last) > 0) m->last = how.last;
    for (size_t k = 0; k < n; k++)
        if (find(ids[k], &i)) want += model_claim(m, i, &how);
    ck_assert_uint_eq(done.n + done.gone, want);
    ck_assert(stream_id_cmp(done.last, m->last) == 0);
}

static void op_autoclaim(void)
{
    struct m_group *m = &w->g[g_now];
    struct stream_claim how = { .min_idle_ms = (int64_t)rng_below(&w->r, 60), .delivered_ms = -1,
                                .deliveries = -1, .just_id = rng_below(&w->r, 2) };
    struct stream_id from = rng_below(&w->r, 2) ? STREAM_ID_MIN : some_id();
    struct stream_claim_done done;
    uint64_t count = 1 + rng_below(&w->r, 5), looks = 10 * count;
    size_t i = at_or_above(from);

    if (!usable(stream_autoclaim(w->db, key, group(), consumer(), from, count, how.min_idle_ms, how.just_id,
                                 told_pending, NULL, &done)))
        return;
    m->consumer[c_now] = true;
    for (; i < w->n && looks > 0 && count > 0; i++) {
        if (!m->pending[i].there) continue;
        looks--;
        count -= model_claim(m, i, &how);
    }
    while (i < w->n && !m->pending[i].there) i++;
    ck_assert(stream_id_cmp(done.next, i < w->n ? w->e[i].id : STREAM_ID_MIN) == 0);
}

/* COPY holds the same; the copy goes at once. */
static void op_copy(void)
{
    struct digest a, b;
    struct slot slot;

    if (keys_copy(w->db, key, w->db, str_c("copy"), false) != OK) return;
    digest_value(w->s, db_peek(w->db, key), &a);
    digest_value(w->s, db_peek(w->db, str_c("copy")), &b);
    ck_assert_mem_eq(&a, &b, sizeof a);
    stream_check(entry_ptr(db_peek(w->db, str_c("copy"))));
    ck_assert_uint_gt(db_value_bytes(db_peek(w->db, key), 0), 0);
    ck_assert(db_find_write(w->db, str_c("copy"), &slot));
    db_remove(&slot, CHANGE_DEL, true);
}

static void run(size_t steps, size_t checks)
{
    static void (*const ops[])(void) = {
        op_add, op_add, op_add, op_add, op_add, op_add, op_trim, op_delete, op_range, op_group,
        op_deliver, op_deliver, op_deliver, op_history, op_ack, op_ack, op_claim, op_autoclaim,
    };

    for (size_t i = 1; i <= steps; i++) {
        g_now = rng_below(&w->r, GROUPS);
        c_now = rng_below(&w->r, CONSUMERS);
        w->s->now_ms += (int64_t)rng_below(&w->r, 3);
        ops[rng_below(&w->r, sizeof ops / sizeof *ops)]();
        if (i % checks != 0) continue;
        check();
        op_copy();
        w->s->conf.stream_node_max_entries = rng_below(&w->r, 3) ? 1 + rng_below(&w->r, 150) : 0;
        w->s->conf.stream_node_max_bytes = rng_below(&w->r, 2) ? 200 + rng_below(&w->r, 4000) : 0;
    }
}

START_TEST(a_stream_is_as_an_array_of_entries)
{
    world_start();
    run(20000, 50);
    run(100000, 1000);
    ck_assert_uint_gt(w->n, 20000);
    world_end();
}
END_TEST

UNIT_MAIN("stream_model", a_stream_is_as_an_array_of_entries)
