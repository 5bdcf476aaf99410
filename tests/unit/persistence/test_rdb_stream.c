/* test_rdb_stream.c -- streams to RDB bytes and back, in all their versions, and what is refused. */
#include "persistence/rdb_stream.h"

#include "persistence/rdb_format.h"
#include "storage/stream_edit.h"
#include "tests/unit/unit.h"

static const struct store_conf conf = { .stream_node_max_bytes = 4096, .stream_node_max_entries = 3 };

static struct stream_id id_of(uint64_t ms)
{
    return (struct stream_id){ ms, ms % 3 };
}

/* Ten entries in four blocks, one of them deleted, two groups; two entries of one are pending. */
static struct stream *sample(void)
{
    struct stream *s = stream_new();
    struct stream_group *g;
    struct stream_consumer *c;
    const struct str pairs[] = { STR("name"), STR("a text"), STR("n"), STR("12345") };

    for (uint64_t ms = 1; ms <= 10; ms++)
        ck_assert_int_eq(stream_append(s, &conf, id_of(ms), pairs, 1 + ms % 2), OK);
    ck_assert(stream_delete(s, id_of(2)));
    g = stream_make_group(s, STR("workers"), id_of(4), 3);
    c = stream_make_consumer(g, STR("alice"), 1000);
    c->active_ms = 900;
    stream_make_consumer(g, STR("bob"), 2000);
    stream_give(g, c, id_of(3))->delivered_ms = 500;
    stream_give(g, c, id_of(4))->deliveries = 7;
    stream_make_group(s, STR("idle"), STREAM_ID_MIN, STREAM_READ_UNKNOWN);
    return s;
}

static bool read_back(unsigned type, struct str bytes, struct stream **s, char *why)
{
    struct rdb_in in;
    bool ok;

    rdb_in_bytes(&in, bytes);
    ok = rdb_get_stream(&in, type, s);
    if (!ok) memcpy(why, in.why, sizeof in.why);
    rdb_in_fini(&in);
    return ok;
}

static void put_sample(struct rdb_out *o)
{
    struct stream *s = sample();

    rdb_put_stream(o, s);
    stream_free(&s);
}

START_TEST(a_stream_reads_back_as_it_was)
{
    struct rdb_out o = { 0 }, again = { 0 };
    struct stream *s;
    char why[192];

    put_sample(&o);
    ck_assert(read_back(RDB_STREAM_2, buf_str(&o.bytes), &s, why));
    stream_check(s);
    ck_assert_uint_eq(stream_info(s).length, 9);
    ck_assert_uint_eq(stream_info(s).blocks, 4);
    ck_assert_uint_eq(stream_info(s).max_deleted.ms, 2);
    const struct stream_group *g = stream_group(s, STR("workers"));
    struct stream_consumer_info c = stream_consumer_info(stream_consumer(g, STR("alice")));
    ck_assert_int_eq(c.seen_ms, 1000);
    ck_assert_int_eq(c.active_ms, 1000); /* not in this version */
    ck_assert_uint_eq(c.pending, 2);
    ck_assert_int_eq(stream_group_info(s, stream_group(s, STR("idle"))).entries_read, STREAM_READ_UNKNOWN);
    rdb_put_stream(&again, s);
    expect_str(buf_str(&again.bytes), buf_str(&o.bytes));
    stream_free(&s);
    rdb_out_fini(&o);
    rdb_out_fini(&again);
}
END_TEST

/* An empty stream's figures and one group with one consumer, written by hand. */
static void put_by_hand(struct rdb_out *o, unsigned type)
{
    uint64_t seen = 77, active = 55;

    rdb_put_len(o, 0);          /* blocks */
    rdb_put_len(o, 0);          /* length */
    rdb_put_len(o, 9);
    rdb_put_len(o, 1);          /* last */
    if (type != RDB_STREAM) {
        for (int i = 0; i < 4; i++) rdb_put_len(o, 0); /* first, max_deleted */
        rdb_put_len(o, 30);     /* added */
    }
    rdb_put_len(o, 1);
    rdb_put_str(o, STR("g"));
    rdb_put_len(o, 5);
    rdb_put_len(o, 0);
    if (type != RDB_STREAM) rdb_put_len(o, 12);
    rdb_put_len(o, 0);          /* pending */
    rdb_put_len(o, 1);
    rdb_put_str(o, STR("c"));
    buf_add(&o->bytes, &seen, 8);
    if (type == RDB_STREAM_3) buf_add(&o->bytes, &active, 8);
    rdb_put_len(o, 0);
}

START_TEST(all_versions_are_read)
{
    static const struct {
        unsigned type;
        int64_t read, active;
        uint64_t added;
    } versions[] = { { RDB_STREAM, 0, 77, 0 }, { RDB_STREAM_2, 12, 77, 30 }, { RDB_STREAM_3, 12, 55, 30 } };

    for (size_t i = 0; i < 3; i++) {
        struct rdb_out o = { 0 };
        struct stream *s;
        char why[192];

        put_by_hand(&o, versions[i].type);
        ck_assert(read_back(versions[i].type, buf_str(&o.bytes), &s, why));
        const struct stream_group *g = stream_group(s, STR("g"));
        ck_assert_uint_eq(stream_info(s).added, versions[i].added);
        ck_assert_uint_eq(stream_info(s).last.ms, 9);
        ck_assert_int_eq(stream_group_info(s, g).entries_read, versions[i].read);
        ck_assert_int_eq(stream_consumer_info(stream_consumer_at(g, 0)).active_ms, versions[i].active);
        stream_free(&s);
        rdb_out_fini(&o);
    }
}
END_TEST

START_TEST(a_stream_cut_short_is_refused)
{
    struct rdb_out o = { 0 };
    struct stream *s;
    char why[192];

    put_sample(&o);
    for (size_t n = 0; n < o.bytes.n; n++) {
        void *exact = mem_dup(o.bytes.p, n); /* the sanitizer sees a byte too far */
        ck_assert(!read_back(RDB_STREAM_2, str_of(exact, n), &s, why));
        mem_free(exact);
    }
    rdb_out_fini(&o);
}
END_TEST

START_TEST(a_stream_with_an_altered_byte_is_sound_or_refused)
{
    struct rdb_out o = { 0 };
    struct stream *s;
    char why[192];
    size_t refused = 0;

    put_sample(&o);
    for (size_t i = 0; i < o.bytes.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            o.bytes.p[i] ^= (char)(1 << bit);
            if (read_back(RDB_STREAM_2, buf_str(&o.bytes), &s, why)) {
                stream_check(s);
                stream_free(&s);
            } else {
                refused++;
                ck_assert_uint_gt(strlen(why), 0);
            }
            o.bytes.p[i] ^= (char)(1 << bit);
        }
    }
    ck_assert_uint_gt(refused, 0);
    rdb_out_fini(&o);
}
END_TEST

UNIT_MAIN("rdb_stream", a_stream_reads_back_as_it_was, all_versions_are_read, a_stream_cut_short_is_refused,
          a_stream_with_an_altered_byte_is_sound_or_refused)
