/* test_rdb_zset.c -- sorted sets in all forms of RDB values: there and back, and what is refused. */
#include <math.h>

#include "persistence/rdb_format.h"
#include "persistence/rdb_value.h"
#include "persistence/rdb_write.h"
#include "storage/type_zset.h"
#include "tests/unit/storage/model_store.h"
#include "tests/unit/unit.h"

/* The value made of bytes; NULL: refused, or none. */
static struct entry *parse(struct store *s, unsigned type, struct str bytes, bool thorough)
{
    struct entry *e = NULL;
    struct rdb_in in;
    bool ok;

    rdb_in_bytes(&in, bytes);
    ok = rdb_get_value(&in, s, type, STR("z"), -1, thorough, &e);
    ck_assert(ok || in.err == ERR_FORMAT);
    if (ok) ck_assert_uint_eq(rdb_in_left(&in), 0);
    rdb_in_fini(&in);
    return ok ? e : NULL;
}

static void drop(struct entry *e)
{
    db_free_value(e);
    entry_free(e);
}

/* "a=1 b=2.5" */
static void expect_zset(struct store *s, struct entry *e, const char *want)
{
    struct buf got = { 0 };
    struct zset_iter it;
    struct zset z;

    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(entry_type(e), VALUE_ZSET);
    z = zset_of(s, e);
    zset_check(&z);
    zset_iter_at(&it, &z, 0, false);
    while (zset_next(&it)) {
        if (got.n > 0) buf_add_char(&got, ' ');
        buf_add_str(&got, it.member);
        buf_add_char(&got, '=');
        got.n += num_double(buf_room(&got, NUM_TEXT_MAX), it.score);
    }
    expect_str(buf_str(&got), str_c(want));
    buf_fini(&got);
}

static void accepted(unsigned type, struct str bytes, const char *want)
{
    struct store *s = model_store();

    for (int thorough = 0; thorough < 2; thorough++) {
        struct entry *e = parse(s, type, bytes, thorough);
        expect_zset(s, e, want);
        drop(e);
    }
    for (size_t n = 0; n < bytes.n; n++) ck_assert_ptr_null(parse(s, type, str_of(bytes.p, n), true));
    store_free(&s);
}

static void refused(unsigned type, struct str bytes)
{
    struct store *s = model_store();

    ck_assert_ptr_null(parse(s, type, bytes, true));
    ck_assert_ptr_null(parse(s, type, bytes, false));
    store_free(&s);
}

/* --- forms of Redis ---------------------------------------------------------------------------------- */

START_TEST(scores_as_text_are_read)
{
    accepted(RDB_ZSET, STR("\x04\x01""b\x03""2.5\x01""a\x04""-1e3\x01""c\xfe\x01""d\xff"),
             "d=-inf a=-1000 b=2.5 c=inf");
    refused(RDB_ZSET, STR("\x01\x01""a\xfd"));
    refused(RDB_ZSET, STR("\x01\x01""a\x03""nan"));
    refused(RDB_ZSET, STR("\x01\x01""a\x03""2.x"));
    refused(RDB_ZSET, STR("\x01\x01""a\x00"));
    refused(RDB_ZSET, STR("\x02\x01""a\x01""1\x01""a\x01""2"));
}
END_TEST

START_TEST(binary_scores_are_read)
{
    accepted(RDB_ZSET_2, STR("\x02\x01""b\0\0\0\0\0\0\x04\x40\x01""a\0\0\0\0\0\0\xf0\xbf"), "a=-1 b=2.5");
    accepted(RDB_ZSET_2, STR("\x01\xc0\x05\0\0\0\0\0\0\xf0\xff"), "5=-inf");
    refused(RDB_ZSET_2, STR("\x01\x01""a\0\0\0\0\0\0\xf8\x7f"));
    refused(RDB_ZSET_2, STR("\x02\x01""a\0\0\0\0\0\0\xf0\xbf\x01""a\0\0\0\0\0\0\xf0\x3f"));
    refused(RDB_ZSET_2, STR("\x84\xff\xff\xff\xff\x01""a\0\0\0\0\0\0\xf0\x3f"));
}
END_TEST

/* A string of the elements given, ended by NULL, as a listpack. */
static struct str packed(struct buf *b, const char *const *elements)
{
    unsigned char *lp = listpack_new();

    while (*elements != NULL) listpack_append(&lp, str_c(*elements++));
    buf_clear(b);
    buf_add_char(b, (char)listpack_bytes(lp));
    ck_assert_uint_lt(listpack_bytes(lp), 64);
    buf_add(b, lp, listpack_bytes(lp));
    listpack_free(&lp);
    return buf_str(b);
}

#define PACKED(b, ...) packed(b, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(listpacks_are_read_in_order_or_not)
{
    struct buf b = { 0 };

    accepted(RDB_ZSET_LISTPACK, PACKED(&b, "a", "-1", "7", "2.5", "c", "2.5", "d", "inf"),
             "a=-1 7=2.5 c=2.5 d=inf");
    accepted(RDB_ZSET_LISTPACK, PACKED(&b, "d", "4", "c", "2.5", "7", "2.5", "a", "-inf"),
             "a=-inf 7=2.5 c=2.5 d=4");
    refused(RDB_ZSET_LISTPACK, PACKED(&b, "a", "1", "b"));
    refused(RDB_ZSET_LISTPACK, PACKED(&b, "a", "1", "b", "nan"));
    refused(RDB_ZSET_LISTPACK, PACKED(&b, "a", "one"));
    refused(RDB_ZSET_LISTPACK, PACKED(&b, "a", "1", "a", "1"));
    refused(RDB_ZSET_LISTPACK, PACKED(&b, "b", "2", "a", "1", "b", "3"));
    buf_fini(&b);
}
END_TEST

START_TEST(a_member_that_occurs_twice_in_order_is_found_when_looked_for)
{
    struct store *s = model_store();
    struct buf b = { 0 };

    ck_assert_ptr_null(parse(s, RDB_ZSET_LISTPACK, PACKED(&b, "a", "1", "b", "2", "a", "3"), true));
    buf_fini(&b);
    store_free(&s);
}
END_TEST

START_TEST(ziplists_are_read)
{
    /* a 1, b 2.5: bytes, tail, count, entries, end */
    accepted(RDB_ZSET_ZIPLIST,
             STR("\x18\x18\0\0\0\x12\0\0\0\x04\0\0\x01""a\x03\xf2\x02\x01""b\x03\x03""2.5\xff"), "a=1 b=2.5");
    refused(RDB_ZSET_ZIPLIST, STR("\x11\x11\0\0\0\x0d\0\0\0\x02\0\0\x01""a\x03\x01""x\xff"));
    refused(RDB_ZSET_ZIPLIST, STR("\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01""a\xff"));
}
END_TEST

/* --- there and back ------------------------------------------------------------------------------------ */

static struct entry *make(struct store *s, size_t n, double step)
{
    struct zset z = zset_new(s, 0, 0);

    for (size_t i = 0; i < n; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, i % 4 ? "m%zu" : "%zu", i);
        zset_put(&z, str_of(name, (size_t)len), (double)(i % 100) * step, NULL);
    }
    zset_put(&z, STR("low"), -(double)INFINITY, NULL);
    zset_put(&z, STR("high"), (double)INFINITY, NULL);
    return zset_entry_take(&z, STR("z"), -1);
}

static void expect_same(struct store *s, struct entry *a, struct entry *b)
{
    struct zset x = zset_of(s, a), y = zset_of(s, b);
    struct zset_iter i, j;

    zset_check(&y);
    ck_assert_int_eq(x.enc, y.enc);
    ck_assert_uint_eq(zset_count(&x), zset_count(&y));
    zset_iter_at(&i, &x, 0, false);
    zset_iter_at(&j, &y, 0, false);
    while (zset_next(&i) && zset_next(&j)) {
        expect_str(i.member, j.member);
        ck_assert(i.score == j.score);
    }
}

START_TEST(what_is_written_is_read_back)
{
    static const size_t sizes[] = { 0, 20, 30, 5000 };
    struct store *s = model_store();

    for (size_t i = 0; i < 8; i++) {
        struct entry *e = make(s, sizes[i / 2], i % 2 ? 1 : 0.1), *back;
        struct rdb_out o = { 0 };
        unsigned type;

        rdb_put_type(&o, s, e);
        type = (unsigned char)o.bytes.p[0];
        ck_assert_uint_eq(type, entry_enc(e) == ENC_TREE ? RDB_ZSET_2 : RDB_ZSET_LISTPACK);
        rdb_out_clear(&o);
        rdb_put_value(&o, s, e);
        for (int thorough = 0; thorough < 2; thorough++) {
            back = parse(s, type, buf_str(&o.bytes), thorough);
            expect_same(s, e, back);
            drop(back);
        }
        rdb_out_fini(&o);
        drop(e);
    }
    store_free(&s);
}
END_TEST

UNIT_MAIN("rdb_zset", scores_as_text_are_read, binary_scores_are_read, listpacks_are_read_in_order_or_not,
          a_member_that_occurs_twice_in_order_is_found_when_looked_for, ziplists_are_read,
          what_is_written_is_read_back)
