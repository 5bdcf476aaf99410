#include "storage/name_order.h"

#include "tests/unit/unit.h"

/* The same set by hand: an array in order. */
enum { MODEL_MAX = 4000 };
struct model {
    struct str at[MODEL_MAX];
    size_t n;
};

static size_t place(const struct model *m, struct str name)
{
    size_t i = 0;

    while (i < m->n && str_cmp(m->at[i], name) < 0) i++;
    return i;
}

static bool model_has(const struct model *m, struct str name)
{
    size_t i = place(m, name);

    return i < m->n && str_eq(m->at[i], name);
}

static void model_add(struct model *m, struct str name)
{
    size_t i = place(m, name);
    char *p = mem_alloc(name.n + 1);

    memcpy(p, name.p, name.n);
    memmove(m->at + i + 1, m->at + i, (m->n++ - i) * sizeof *m->at);
    m->at[i] = str_of(p, name.n);
}

static void model_remove(struct model *m, struct str name)
{
    size_t i = place(m, name);

    mem_free((void *)(uintptr_t)m->at[i].p);
    memmove(m->at + i, m->at + i + 1, (--m->n - i) * sizeof *m->at);
}

static void compare(const struct name_order *o, const struct model *m, struct str from, bool behind)
{
    size_t i = place(m, from);
    struct name_walk w;

    if (behind && i < m->n && str_eq(m->at[i], from)) i++;
    name_walk_begin(&w, o, from, behind);
    for (; name_walk_next(&w); i++) {
        ck_assert_uint_lt(i, m->n);
        expect_str(w.name, m->at[i]);
    }
    ck_assert_uint_eq(i, m->n);
}

/* A name: like others in its first bytes, sometimes very long, with any bytes. */
static struct str some_name(struct rng *r, struct buf *b)
{
    size_t n = rng_below(r, 40) == 0 ? rng_below(r, NAME_ORDER_NAME_MAX + 1) : rng_below(r, 24);

    buf_clear(b);
    for (size_t i = 0; i < n; i++) buf_add_char(b, rng_below(r, 8) == 0 ? (char)rng_below(r, 256) : (char)('a' + rng_below(r, 2)));
    return buf_str(b);
}

START_TEST(random_names_come_and_go_as_in_an_array)
{
    static struct model m;
    struct name_order o = { 0 };
    struct buf b = { 0 };
    struct rng r;

    unit_rng(&r);
    for (size_t step = 0; step < 30000; step++) {
        struct str name = some_name(&r, &b);
        bool there = model_has(&m, name), grow = step % 10000 < 6000; /* up, then down */

        if (rng_below(&r, 10) < (grow ? 8u : 3u)) {
            if (m.n == MODEL_MAX && !there) continue;
            ck_assert(name_order_add(&o, name) == !there);
            if (!there) model_add(&m, name);
        } else {
            if (m.n > 0 && rng_below(&r, 2) == 0) {
                name = m.at[rng_below(&r, m.n)];
                buf_clear(&b);
                buf_add_str(&b, name);
                name = buf_str(&b);
                there = true;
            }
            ck_assert(name_order_remove(&o, name) == there);
            if (there) model_remove(&m, name);
        }
        ck_assert(name_order_has(&o, name) == model_has(&m, name));
        ck_assert_uint_eq(o.count, m.n);
        if (step % 500 == 0) {
            name_order_check(&o);
            compare(&o, &m, some_name(&r, &b), step % 1000 == 0);
        }
    }
    name_order_fini(&o);
    ck_assert_uint_eq(o.bytes, 0);
    for (size_t i = 0; i < m.n; i++) mem_free((void *)(uintptr_t)m.at[i].p);
    buf_fini(&b);
}
END_TEST

START_TEST(it_can_be_emptied_and_filled_again)
{
    struct name_order o = { 0 };
    char text[32];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "k:%d", i * 7919 % 20000);
            ck_assert(name_order_add(&o, str_c(text)));
        }
        name_order_check(&o);
        for (int i = 0; i < 20000; i++) {
            snprintf(text, sizeof text, "k:%d", i * 7907 % 20000);
            ck_assert(name_order_remove(&o, str_c(text)));
        }
        name_order_check(&o);
        ck_assert_uint_eq(o.count, 0);
        ck_assert_uint_eq(o.n_chunks, 0);
    }
    name_order_fini(&o);
}
END_TEST

START_TEST(names_of_threads_and_checkpoints_take_little)
{
    struct name_order o = { 0 };
    struct rng r;
    char text[128];
    size_t raw = 0;

    unit_rng(&r);
    for (int t = 0; t < 1000; t++) {
        uint64_t thread = rng_next(&r);

        for (int i = 0; i < 20; i++) {
            int n = snprintf(text, sizeof text, "checkpoint:%016" PRIx64 ":__empty__:1ef%05x-%012" PRIx64, thread, (unsigned)i, rng_next(&r) >> 16);

            raw += (size_t)n;
            ck_assert(name_order_add(&o, str_of(text, (size_t)n)));
        }
    }
    printf("%.1f bytes a name of %.1f\n", (double)o.bytes / (double)o.count, (double)raw / (double)o.count);
    ck_assert_uint_lt(o.bytes, raw * 7 / 10);
    name_order_fini(&o);
}
END_TEST

UNIT_MAIN("name_order", random_names_come_and_go_as_in_an_array, it_can_be_emptied_and_filled_again,
          names_of_threads_and_checkpoints_take_little)
