/* Each type as rows. */
#include "persistence/archive_explode.h"

#include <math.h>

#include "base/json.h"
#include "persistence/archive_value.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_set.h"
#include "storage/type_stream.h"
#include "storage/type_string.h"
#include "storage/type_zset.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static const struct str k = STR("k");
static struct store *s, *values;
static struct db *db;
static struct buf shown;

static void set_up(void)
{
    s = env_store(1);
    db = s->dbs[0];
    values = archive_values_new(&s->conf);
}

static void tear_down(void)
{
    store_free(&s);
    store_free(&values);
    buf_fini(&shown);
}

static void show_part(const char *before, struct str part)
{
    buf_add_c(&shown, before);
    buf_add_str(&shown, part);
}

static void show_message(void *ctx, const struct archive_message *m)
{
    ck_assert_ptr_null(ctx);
    buf_printf(&shown, "%" PRId64, m->position);
    if (m->id.n > 0) show_part(" id=", m->id);
    if (!isnan(m->score)) buf_printf(&shown, " score=%g", m->score);
    if (m->at_ms >= 0) buf_printf(&shown, " at=%" PRId64, m->at_ms);
    if (m->role.n > 0) show_part(" role=", m->role);
    show_part(m->is_blob ? " blob=" : " ", m->content);
    if (m->metadata.n > 0) {
        ck_assert(json_valid(m->metadata, NULL));
        show_part(" ", m->metadata);
    }
    buf_add_char(&shown, '\n');
}

static void show_field(void *ctx, const struct archive_field *f)
{
    ck_assert_ptr_null(ctx);
    show_part(f->field_is_blob ? "blob " : "", f->field);
    show_part(f->value_is_blob ? "=blob " : "=", f->value);
    if (f->expires_ms >= 0) buf_printf(&shown, " expires=%" PRId64, f->expires_ms);
    buf_add_char(&shown, '\n');
}

/* The way of a departure: dumped, decoded elsewhere, told. */
static void expect_rows(struct str want)
{
    const struct archive_rows rows = { .message = show_message, .field = show_field };
    struct buf payload = { 0 };
    const struct entry *e;

    persist_dump_plain(s, db_peek(db, k), &payload);
    ck_assert_int_eq(archive_value_decode(values, buf_str(&payload), &e), OK);
    buf_fini(&payload);
    buf_clear(&shown);
    archive_explode(values, e, &rows);
    expect_str(buf_str(&shown), want);
}

static void expect_string(struct str value, struct str want)
{
    ck_assert_int_eq(string_set(db, k, value, NULL), OK);
    expect_rows(want);
}

START_TEST(strings_are_text_or_chat_or_bytes)
{
    expect_string(STR("hello"), STR("0 hello\n"));
    expect_string(STR("-12"), STR("0 -12\n"));
    expect_string(STR(""), STR("0 \n"));
    expect_string(STR("gr\xc3\xbc\xc3\x9f"), STR("0 gr\xc3\xbc\xc3\x9f\n"));
    expect_string(STR("\xff\xfe"), STR("0 blob=\xff\xfe\n"));
    expect_string(STR("a\0b"), STR("0 blob=a\0b\n"));
    expect_string(STR("{\"a\": 1}"), STR("0 {\"a\": 1}\n"));
    expect_string(STR("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\",\"ts\":1795255200}]"),
                  STR("0 role=user a\n1 at=1795255200000 role=assistant b {\"ts\":1795255200}\n"));
    expect_string(STR("{\"user\":7,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}"),
                  STR("0 role=user a\n1 {\"user\":7}\n"));
}
END_TEST

START_TEST(elements_of_lists_keep_their_order)
{
    struct str items[] = { STR("{\"type\":\"human\",\"data\":{\"content\":\"hi\"}}"), STR("plain"), STR("17"), STR("\xff"),
        STR("[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\",\"content\":\"y\"}]"), STR("{\"role\":1}"), STR("") };
    uint64_t n;

    ck_assert_int_eq(lists_push(db, k, LIST_RIGHT, items, sizeof items / sizeof *items, false, &n), OK);
    expect_rows(STR("0 role=user hi {\"type\":\"human\"}\n1 plain\n2 17\n3 blob=\xff\n4 role=user x\n5 role=user y\n"
                    "6 {\"role\":1}\n7 \n"));
}
END_TEST

START_TEST(sets_and_sorted_sets_tell_their_members)
{
    struct zitem scored[] = { { STR("b"), 1.5 }, { STR("{\"role\":\"user\",\"content\":\"c\"}"), -INFINITY } };
    struct str member = STR("5");
    struct zadded zadded;
    size_t n;

    ck_assert_int_eq(set_key_add(db, k, &member, 1, &n), OK);
    expect_rows(STR("0 5\n"));
    ck_assert_int_eq(string_set(db, k, STR("x"), NULL), OK);
    struct slot slot;
    ck_assert(db_find_write(db, k, &slot));
    db_remove(&slot, CHANGE_DEL, false);
    ck_assert_int_eq(zset_key_add(db, k, scored, 2, 0, &zadded), OK);
    expect_rows(STR("0 score=-inf role=user c\n1 score=1.5 b\n"));
}
END_TEST

START_TEST(hashes_tell_their_fields)
{
    struct str pairs[] = { STR("f"), STR("v"), STR("n"), STR("12"), STR("\xff"), STR("a\0") };
    struct hash_set opt = { .ttl = 1790000999000 };
    size_t n;

    ck_assert_int_eq(hash_set(db, k, pairs, 3, NULL, &n), OK);
    expect_rows(STR("f=v\nn=12\nblob \xff=blob a\0\n"));
    ck_assert_int_eq(hash_set(db, k, pairs, 1, &opt, &n), OK);
    expect_rows(STR("f=v expires=1790000999000\nn=12\nblob \xff=blob a\0\n"));
}
END_TEST

static void add_entry(uint64_t ms, const struct str *pairs, size_t n)
{
    struct stream_add add = { .id = { ms, 1 }, .how = STREAM_ADD_GIVEN };
    struct stream_added done;

    ck_assert_int_eq(stream_key_add(db, k, &add, pairs, n, &done), OK);
}

START_TEST(entries_of_streams_are_messages_or_objects)
{
    struct str chat[] = { STR("content"), STR("hi"), STR("role"), STR("user"), STR("user_id"), STR("007") };
    struct str other[] = { STR("event"), STR("login \"x\""), STR("n"), STR("1") };
    struct str twice[] = { STR("role"), STR("a"), STR("role"), STR("b"), STR("content"), STR("c") };
    struct str packed[] = { STR("data"), STR("{\"role\":\"assistant\",\"content\":\"yes\",\"ts\":1795255200}") };
    struct str bytes[] = { STR("\xff"), STR("\x01\xfe"), STR("nul"), STR("\0") };
    struct str blob[] = { STR("role"), STR("user"), STR("content"), STR("\xff") };

    add_entry(1000, chat, 3);
    add_entry(2000, other, 2);
    add_entry(3000, twice, 3);
    add_entry(4000, packed, 1);
    add_entry(5000, bytes, 2);
    add_entry(6000, blob, 2);
    add_entry(UINT64_MAX, other, 1);
    expect_rows(STR("0 id=1000-1 at=1000 role=user hi {\"user_id\":\"007\"}\n"
                    "1 id=2000-1 at=2000 {\"event\":\"login \\\"x\\\"\",\"n\":\"1\"}\n"
                    "2 id=3000-1 at=3000 {\"role\":\"a\",\"role\":\"b\",\"content\":\"c\"}\n"
                    "3 id=4000-1 at=1795255200000 role=assistant yes {\"ts\":1795255200}\n"
                    "4 id=5000-1 at=5000 {\"$hex:ff\":{\"$hex\":\"01fe\"},\"nul\":\"\\u0000\"}\n"
                    "5 id=6000-1 at=6000 role=user blob=\xff\n"
                    "6 id=18446744073709551615-1 {\"event\":\"login \\\"x\\\"\"}\n"));
}
END_TEST

UNIT_MAIN_AROUND("archive_explode", set_up, tear_down, strings_are_text_or_chat_or_bytes,
                 elements_of_lists_keep_their_order, sets_and_sorted_sets_tell_their_members, hashes_tell_their_fields,
                 entries_of_streams_are_messages_or_objects)
