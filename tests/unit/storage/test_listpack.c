/* test_listpack.c -- listpacks against an array of strings, and against damaged bytes. */
#include "storage/listpack.h"

#include "base/mem.h"
#include "tests/unit/unit.h"

/* --- the model: an array of copies ------------------------------------------------------------ */

enum { MODEL_MAX = 400 };

struct model {
    struct str at[MODEL_MAX];
    size_t n;
};

static struct str copy(struct str s)
{
    return str_of(mem_dup(s.n > 0 ? s.p : "", s.n), s.n);
}

static void model_insert(struct model *m, size_t i, struct str s)
{
    memmove(&m->at[i + 1], &m->at[i], (m->n - i) * sizeof m->at[0]);
    m->at[i] = copy(s);
    m->n++;
}

static void model_delete(struct model *m, size_t i)
{
    mem_free((void *)(uintptr_t)m->at[i].p);
    memmove(&m->at[i], &m->at[i + 1], (m->n - i - 1) * sizeof m->at[0]);
    m->n--;
}

static size_t model_find(const struct model *m, struct str s, size_t skip)
{
    size_t i = 0;
    while (i < m->n && !str_eq(m->at[i], s)) i += skip + 1;
    return i < m->n ? i : m->n;
}

/* A text of any kind that a listpack treats in its own way. */
static struct str random_text(struct rng *r, char *buf)
{
    static const char *const odd[] = { "",
                                       "0",
                                       "-0",
                                       "01",
                                       "+1",
                                       "-",
                                       "127",
                                       "128",
                                       "-4096",
                                       "4095",
                                       "4096",
                                       "-4097",
                                       "32767",
                                       "-32768",
                                       "8388607",
                                       "-8388608",
                                       "2147483647",
                                       "-2147483649",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "9223372036854775808" };
    size_t n;

    switch (rng_below(r, 6)) {
    case 0: return str_c(odd[rng_below(r, sizeof odd / sizeof odd[0])]);
    case 1: return str_of(buf, num_i64(buf, (int64_t)rng_next(r) >> rng_below(r, 64)));
    case 2: return str_of(buf, (size_t)sprintf(buf, "field:%u", (unsigned)rng_below(r, 300)));
    case 3: n = rng_below(r, 20); break;
    case 4: n = rng_below(r, 70); break;
    default: n = rng_below(r, 50) == 0 ? rng_below(r, 20000) : rng_below(r, 200); break;
    }
    for (size_t i = 0; i < n; i++) buf[i] = (char)rng_next(r);
    return str_of(buf, n);
}

static void same(const unsigned char *lp, const struct model *m)
{
    char scratch[NUM_TEXT_MAX];
    const unsigned char *p = listpack_first(lp);

    listpack_check(lp);
    ck_assert_uint_eq(listpack_count(lp), m->n);
    for (size_t i = 0; i < m->n; i++, p = listpack_next(p)) {
        ck_assert(p != NULL && str_eq(listpack_str(p, scratch), m->at[i]));
        ck_assert_ptr_eq(p, listpack_at(lp, i));
    }
    ck_assert_ptr_null(p);
    p = listpack_last(lp);
    for (size_t i = m->n; i-- > 0; p = listpack_prev(lp, p))
        ck_assert(p != NULL && str_eq(listpack_str(p, scratch), m->at[i]));
    ck_assert_ptr_null(p);
}

static void step(unsigned char **lp, struct model *m, struct rng *r, char *buf)
{
    struct str s = random_text(r, buf);
    size_t i = m->n > 0 ? rng_below(r, m->n) : 0;
    const unsigned char *p;

    switch (rng_below(r, m->n > MODEL_MAX - 10 ? 3 : 8)) {
    case 0:
    case 1:
    case 2:
        if (m->n == 0) return;
        size_t n = 1 + (rng_below(r, 4) == 0 ? rng_below(r, 5) : 0);
        p = listpack_delete(lp, listpack_at(*lp, i), n);
        while (n-- > 0 && i < m->n) model_delete(m, i);
        ck_assert_ptr_eq(p, listpack_at(*lp, i));
        return;
    case 3:
        if (m->n == 0) return;
        p = listpack_replace(lp, listpack_at(*lp, i), s);
        ck_assert(listpack_equal(p, s));
        model_delete(m, i);
        model_insert(m, i, s);
        return;
    case 4:
        p = listpack_append(lp, s);
        ck_assert(listpack_equal(p, s));
        model_insert(m, m->n, s);
        return;
    case 5:
        p = listpack_insert(lp, listpack_at(*lp, i), (struct str[]){ s, STR("x"), s }, 3);
        ck_assert_ptr_eq(p, listpack_at(*lp, i));
        model_insert(m, i, s);
        model_insert(m, i, STR("x"));
        model_insert(m, i, s);
        return;
    case 6:
        listpack_insert_int(lp, listpack_at(*lp, i), (int64_t)i - 3);
        model_insert(m, i, str_of(buf, num_i64(buf, (int64_t)i - 3)));
        return;
    default: {
        size_t skip = rng_below(r, 3);
        if (skip > 0 && m->n % (skip + 1) != 0) skip = 0;
        size_t at = model_find(m, s, skip);
        p = listpack_find(listpack_first(*lp), s, (unsigned)skip);
        ck_assert_ptr_eq(p, at < m->n ? listpack_at(*lp, at) : NULL);
        return;
    }
    }
}

START_TEST(listpack_behaves_as_an_array_of_strings)
{
    static char buf[20000];
    struct model m = { .n = 0 };
    struct rng r;
    unsigned char *lp = listpack_new();

    unit_rng(&r);
    for (int i = 0; i < 200000; i++) {
        step(&lp, &m, &r, buf);
        if (i % 256 == 0) same(lp, &m);
    }
    same(lp, &m);
    while (m.n > 0) model_delete(&m, 0);
    listpack_free(&lp);
}
END_TEST

START_TEST(listpack_bytes_are_those_of_redis)
{
    /* As redis-server 7 writes them: a 6-bit string, a 7-bit integer, a 13-bit, a 16-bit one. */
    static const unsigned char want[] = { 20, 0, 0,    0,    4, 0,    0x82, 'h',  'i', 3,
                                          5,  1, 0xDF, 0xFF, 2, 0xF1, 0x00, 0x10, 3,   0xFF };
    unsigned char *lp = listpack_new();

    listpack_insert(&lp, NULL, (struct str[]){ STR("hi"), STR("5"), STR("-1"), STR("4096") }, 4);
    ck_assert_uint_eq(listpack_bytes(lp), sizeof want);
    ck_assert_mem_eq(lp, want, sizeof want);
    listpack_free(&lp);
}
END_TEST

START_TEST(listpack_counts_beyond_65534_by_walking)
{
    unsigned char *lp = listpack_new();

    for (int i = 0; i < 65600; i++) listpack_insert_int(&lp, NULL, i & 63);
    ck_assert_uint_eq(listpack_count(lp), 65600);
    listpack_check(lp);
    listpack_delete(&lp, listpack_at(lp, 1), 1000);
    ck_assert_uint_eq(listpack_count(lp), 64600);
    listpack_check(lp);
    listpack_free(&lp);
}
END_TEST

START_TEST(listpack_back_lengths_hold_at_their_borders)
{
    static const size_t sizes[] = { 0,     62,    63,    64,      124,     125,    126,
                                    127,   128,   4094,  4095,    4096,    16376,  16377,
                                    16378, 16379, 16380, 2097140, 2097146, 2097150 };
    char *big = mem_zalloc(2097200);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *lp = listpack_new();
        listpack_append(&lp, STR("a"));
        listpack_append(&lp, str_of(big, sizes[i]));
        listpack_append(&lp, STR("b"));
        listpack_check(lp);
        ck_assert(listpack_equal(listpack_prev(lp, listpack_last(lp)), str_of(big, sizes[i])));
        ck_assert(listpack_equal(listpack_first(lp), STR("a")));
        listpack_free(&lp);
    }
    mem_free(big);
}
END_TEST

/* Read all there is both ways: under ASan a wrong length would show. */
static void read_all(const unsigned char *lp)
{
    char scratch[NUM_TEXT_MAX];
    size_t n = 0;

    for (const unsigned char *p = listpack_first(lp); p != NULL; p = listpack_next(p))
        n += listpack_str(p, scratch).n;
    for (const unsigned char *p = listpack_last(lp); p != NULL; p = listpack_prev(lp, p))
        n -= listpack_str(p, scratch).n;
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(listpack_count(lp), listpack_count(lp));
}

START_TEST(listpack_from_damaged_bytes_is_refused_or_safe)
{
    static char buf[20000];
    struct rng r;
    size_t taken = 0;

    unit_rng(&r);
    for (int round = 0; round < 60000; round++) {
        unsigned char *lp = listpack_new(), *out;
        size_t n = rng_below(&r, 6), len;
        for (size_t i = 0; i < n; i++) {
            struct str s = random_text(&r, buf);
            listpack_append(&lp, str_of(s.p, s.n % 100));
        }
        len = listpack_bytes(lp);
        unsigned char *bad = mem_alloc(len); /* exact, so that a byte too far is seen */
        memcpy(bad, lp, len);
        for (size_t i = 1 + rng_below(&r, 3); i > 0; i--)
            bad[rng_below(&r, len)] = (unsigned char)rng_next(&r);
        if (rng_below(&r, 4) == 0) {
            len = rng_below(&r, len + 1);
            if (len >= 4 && rng_below(&r, 2) == 0) memcpy(bad, &(uint32_t){ (uint32_t)len }, 4);
            bad = mem_realloc(bad, len > 0 ? len : 1);
        }
        out = listpack_from(str_of(bad, len));
        if (out != NULL) {
            read_all(out);
            taken++;
        }
        listpack_free(&out);
        mem_free(bad);
        listpack_free(&lp);
    }
    ck_assert_uint_gt(taken, 0);
}
END_TEST

UNIT_MAIN("listpack", listpack_behaves_as_an_array_of_strings, listpack_bytes_are_those_of_redis,
          listpack_counts_beyond_65534_by_walking, listpack_back_lengths_hold_at_their_borders,
          listpack_from_damaged_bytes_is_refused_or_safe)
