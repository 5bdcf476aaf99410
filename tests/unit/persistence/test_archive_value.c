/* Payloads decoded for the archive, and replied as the commands of their types do. */
#include "persistence/archive_value.h"

#include <pthread.h>

#include "persistence/persist.h"
#include "protocol/reply.h"
#include "storage/db.h"
#include "storage/digest.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_zset.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static struct store *s, *values;
static struct buf payload, text;

static void set_up(void)
{
    s = env_store(1);
    values = archive_values_new(&s->conf);
}

static void tear_down(void)
{
    store_free(&s);
    store_free(&values);
    buf_fini(&payload);
    buf_fini(&text);
}

static const struct entry *decode(struct str key)
{
    const struct entry *e = NULL;

    buf_clear(&payload);
    persist_dump_plain(s, db_peek(s->dbs[0], key), &payload);
    ck_assert_int_eq(archive_value_decode(values, buf_str(&payload), &e), OK);
    return e;
}

static struct str reply(const struct entry *e, int resp)
{
    struct reply r = { .out = &text, .resp = resp };

    buf_clear(&text);
    archive_value_reply(values, e, &r);
    return buf_str(&text);
}

static void expect_reply(const char *key, const char *type, const char *resp2, const char *resp3)
{
    const struct entry *e = decode(str_c(key));

    ck_assert_str_eq(archive_value_type(e), type);
    expect_str(reply(e, 2), str_c(resp2));
    expect_str(reply(e, 3), str_c(resp3));
}

START_TEST(each_type_is_told_as_its_own_command_reads_it)
{
    struct db *db = s->dbs[0];
    struct str items[] = { STR("one"), STR("2") };
    struct zitem scored[] = { { STR("b"), 1.5 }, { STR("a"), -3 } };
    struct zadded zadded;
    uint64_t count;
    size_t n;

    ck_assert_int_eq(string_set(db, STR("n"), STR("-17"), NULL), OK);
    ck_assert_int_eq(lists_push(db, STR("l"), LIST_RIGHT, items, 2, false, &count), OK);
    ck_assert_int_eq(set_key_add(db, STR("s"), items, 1, &n), OK);
    ck_assert_int_eq(hash_set(db, STR("h"), items, 1, NULL, &n), OK);
    ck_assert_int_eq(zset_key_add(db, STR("z"), scored, 2, 0, &zadded), OK);
    expect_reply("n", "string", "$3\r\n-17\r\n", "$3\r\n-17\r\n");
    expect_reply("l", "list", "*2\r\n$3\r\none\r\n$1\r\n2\r\n", "*2\r\n$3\r\none\r\n$1\r\n2\r\n");
    expect_reply("s", "set", "*1\r\n$3\r\none\r\n", "~1\r\n$3\r\none\r\n");
    expect_reply("h", "hash", "*2\r\n$3\r\none\r\n$1\r\n2\r\n", "%1\r\n$3\r\none\r\n$1\r\n2\r\n");
    expect_reply("z", "zset", "*4\r\n$1\r\na\r\n$2\r\n-3\r\n$1\r\nb\r\n$3\r\n1.5\r\n",
                 "*2\r\n*2\r\n$1\r\na\r\n,-3\r\n*2\r\n$1\r\nb\r\n,1.5\r\n");
}
END_TEST

START_TEST(a_stream_is_told_entry_by_entry)
{
    struct stream_add add = { .id = { 5, 1 }, .how = STREAM_ADD_GIVEN };
    struct str pairs[] = { STR("f"), STR("v"), STR("f"), STR("w") };
    struct stream_added done;
    const char *want = "*1\r\n*2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nf\r\n$1\r\nv\r\n$1\r\nf\r\n$1\r\nw\r\n";

    ck_assert_int_eq(stream_key_add(s->dbs[0], STR("x"), &add, pairs, 2, &done), OK);
    expect_reply("x", "stream", want, want);
}
END_TEST

/* Fields that have expired since were there when the value left. */
START_TEST(a_hash_keeps_the_fields_that_it_had)
{
    struct str pairs[] = { STR("f"), STR("v") };
    struct hash_set opt = { .ttl = s->now_ms + 10 };
    const struct entry *e;
    size_t n;

    for (int i = 0; i < 3; i++) { /* no clock of fields may go on growing in the scratch store */
        ck_assert_int_eq(hash_set(s->dbs[0], STR("h"), pairs, 1, &opt, &n), OK);
        e = decode(STR("h"));
        expect_str(reply(e, 2), STR("*2\r\n$1\r\nf\r\n$1\r\nv\r\n"));
    }
    store_check(s);
}
END_TEST

START_TEST(what_is_no_payload_is_refused_and_the_store_goes_on)
{
    const struct entry *e = NULL;
    size_t n;

    ck_assert_int_eq(string_set(s->dbs[0], STR("k"), STR("some text of some length"), NULL), OK);
    e = decode(STR("k"));
    n = payload.n;
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(archive_value_decode(values, str_of(payload.p, i), &e), ERR_FORMAT);
        payload.p[i] ^= 1;
        ck_assert_int_eq(archive_value_decode(values, buf_str(&payload), &e), ERR_FORMAT);
        payload.p[i] ^= 1;
    }
    ck_assert_int_eq(archive_value_decode(values, (struct str){ NULL, 0 }, &e), ERR_FORMAT);
    ck_assert_int_eq(archive_value_decode(values, buf_str(&payload), &e), OK);
    expect_str(reply(e, 2), STR("$24\r\nsome text of some length\r\n"));
}
END_TEST

/* As the archive does: each thread with a store of its own, nothing shared but the payload. */
static void *decode_often(void *arg)
{
    const struct buf *p = arg;
    struct store *own;
    const struct entry *e;
    struct digest first = { 0 }, now;

    mem_thread_enter();
    own = archive_values_new(&s->conf);
    for (int i = 0; i < 300; i++) {
        ensure(archive_value_decode(own, buf_str(p), &e) == OK);
        digest_value(own, e, &now);
        if (i == 0) first = now;
        ensure(memcmp(&first, &now, sizeof now) == 0);
    }
    store_free(&own);
    mem_thread_leave();
    return NULL;
}

START_TEST(threads_decode_beside_each_other)
{
    struct str pairs[200][2];
    char names[200][2][16];
    pthread_t threads[3];
    size_t n;

    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 2; k++)
            pairs[i][k] = str_of(names[i][k], (size_t)snprintf(names[i][k], sizeof names[i][k], "%c%d", 'a' + k, i));
    }
    ck_assert_int_eq(hash_set(s->dbs[0], STR("h"), &pairs[0][0], 200, NULL, &n), OK);
    decode(STR("h"));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, decode_often, &payload), 0);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

UNIT_MAIN_AROUND("archive_value", set_up, tear_down, each_type_is_told_as_its_own_command_reads_it,
                 a_stream_is_told_entry_by_entry, a_hash_keeps_the_fields_that_it_had,
                 what_is_no_payload_is_refused_and_the_store_goes_on, threads_decode_beside_each_other)
