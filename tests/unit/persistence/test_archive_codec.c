/* Values compressed and expanded; dictionaries trained, stored, found again. */
#include "persistence/archive_codec.h"

#include "base/clock.h"
#include "persistence/archive_value.h"
#include "persistence/persist.h"
#include "storage/db.h"
#include "storage/type_list.h"
#include "tests/unit/persistence/chat_text.h"
#include "tests/unit/storage/store_env.h"
#include "tests/unit/unit.h"

static sqlite3 *db;
static struct archive_codec *c;
static struct chat_text chat;
static struct buf in, out, back;

static void run(const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) ck_abort_msg("%s: %s", sql, error);
}

static void set_up(void)
{
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    run("CREATE TABLE dictionaries(id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, created_at INTEGER NOT NULL,"
        " data BLOB NOT NULL)");
    c = archive_codec_new(db);
    chat_text_init(&chat, 1);
}

static void tear_down(void)
{
    archive_codec_free(&c);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    buf_fini(&in);
    buf_fini(&out);
    buf_fini(&back);
}

static int64_t dictionaries(void)
{
    sqlite3_stmt *st;
    int64_t n;

    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM dictionaries", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return n;
}

/* One of `in` there and back, with whichever codec; the dictionary that it took. */
static int64_t there_and_back(struct str ns, struct archive_codec *reader, enum archive_coding *coding)
{
    int64_t dict;

    buf_clear(&out);
    buf_clear(&back);
    archive_compress(c, ns, buf_str(&in), &out, coding, &dict);
    ck_assert_int_eq(archive_expand(reader, *coding, dict, buf_str(&out), in.n, &back), OK);
    ck_assert(str_eq(buf_str(&back), buf_str(&in)));
    return dict;
}

static void message(unsigned i)
{
    buf_clear(&in);
    chat_text_message(&chat, &in, i, 200 + rng_below(&chat.rng, 400), true);
}

/* Samples until there is a dictionary. */
static void learn(struct str ns, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        message(i);
        ck_assert_int_eq(archive_learn(c, ns, buf_str(&in)), OK);
    }
}

START_TEST(what_does_not_pay_is_left_as_it_is)
{
    enum archive_coding coding;

    buf_add_c(&in, "short");
    ck_assert_int_eq(there_and_back(STR(""), c, &coding), 0);
    ck_assert_int_eq(coding, ARCHIVE_PLAIN);
    buf_clear(&in);
    ck_assert_int_eq(there_and_back(STR(""), c, &coding), 0);
    for (int i = 0; i < 500; i++) {
        uint64_t v = rng_next(&chat.rng);

        buf_add(&in, &v, sizeof v);
    }
    ck_assert_int_eq(there_and_back(STR(""), c, &coding), 0);
    ck_assert_int_eq(coding, ARCHIVE_PLAIN);
    expect_str(buf_str(&out), buf_str(&in));
    buf_clear(&in);
    for (int i = 0; i < 500; i++) buf_add_c(&in, "again and ");
    there_and_back(STR(""), c, &coding);
    ck_assert_int_eq(coding, ARCHIVE_ZSTD);
    ck_assert_uint_lt(out.n, 60);
}
END_TEST

START_TEST(values_of_all_lengths_come_back)
{
    enum archive_coding coding;

    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    ck_assert_int_eq(dictionaries(), 1);
    for (size_t n = 0; n < 3 << 20; n = n < 300 ? n + 1 : n * 3) {
        buf_clear(&in);
        chat_text_prose(&chat, &in, n);
        in.n = n;
        there_and_back(STR("chat:*"), c, &coding);
        there_and_back(STR("other:*"), c, &coding);
    }
}
END_TEST

START_TEST(another_connection_finds_the_dictionary)
{
    struct archive_codec *reader, *later;
    enum archive_coding coding;
    int64_t dict;

    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    reader = archive_codec_new(db);
    message(0);
    dict = there_and_back(STR("chat:*"), reader, &coding);
    ck_assert_int_eq(dict, 1);
    message(1);
    ck_assert_int_eq(there_and_back(STR("other:*"), reader, &coding), 0);
    archive_codec_free(&reader);
    /* the next start: no second dictionary is trained */
    archive_codec_free(&c);
    c = archive_codec_new(db);
    learn(STR("chat:*"), ARCHIVE_SAMPLES + 10);
    ck_assert_int_eq(dictionaries(), 1);
    message(2);
    ck_assert_int_eq(there_and_back(STR("chat:*"), c, &coding), 1);
    later = archive_codec_new(db);
    ck_assert_int_eq(there_and_back(STR("chat:*"), later, &coding), 1);
    archive_codec_free(&later);
}
END_TEST

/* The number of a dictionary that was rolled back is given to the next one: nothing may be written with the first. */
START_TEST(a_dictionary_of_a_transaction_that_failed_is_forgotten)
{
    enum archive_coding coding;

    run("BEGIN");
    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    message(0);
    ck_assert_int_eq(there_and_back(STR("chat:*"), c, &coding), 1);
    run("ROLLBACK");
    ck_assert_int_eq(dictionaries(), 0);
    message(1);
    ck_assert_int_eq(there_and_back(STR("chat:*"), c, &coding), 0);
    run("BEGIN");
    learn(STR("other:*"), ARCHIVE_SAMPLES);
    run("COMMIT");
    ck_assert_int_eq(dictionaries(), 1);
    message(2);
    ck_assert_int_eq(there_and_back(STR("chat:*"), c, &coding), 0);
    ck_assert_int_eq(there_and_back(STR("other:*"), c, &coding), 1);
}
END_TEST

START_TEST(noise_is_not_learnt)
{
    for (unsigned i = 0; i < ARCHIVE_SAMPLES + 5; i++) {
        buf_clear(&in);
        for (int k = 0; k < 20; k++) {
            uint64_t v = rng_next(&chat.rng);

            buf_add(&in, &v, sizeof v);
        }
        ck_assert_int_eq(archive_learn(c, STR("noise"), buf_str(&in)), OK);
    }
    ck_assert_int_eq(dictionaries(), 0);
}
END_TEST

/* More than are known at a time: those that had given way are found again by their row. */
START_TEST(a_namespace_that_was_forgotten_has_its_dictionary)
{
    enum archive_coding coding;
    char name[16];

    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    for (unsigned i = 0; i < 3000; i++) {
        message(i);
        ck_assert_int_eq(archive_learn(c, str_of(name, (size_t)snprintf(name, sizeof name, "ns%u:*", i)), buf_str(&in)), OK);
    }
    message(0);
    ck_assert_int_eq(there_and_back(STR("chat:*"), c, &coding), 1);
    ck_assert_int_eq(archive_learn(c, STR("chat:*"), buf_str(&in)), OK);
    ck_assert_int_eq(dictionaries(), 1);
}
END_TEST

START_TEST(many_namespaces_share_the_room_for_samples)
{
    char name[16];
    size_t before = mem_used();

    for (unsigned i = 0; i < 30000; i++) {
        struct str ns = str_of(name, (size_t)snprintf(name, sizeof name, "ns%u:*", i % 40));

        message(i);
        ck_assert_int_eq(archive_learn(c, ns, buf_str(&in)), OK);
        ck_assert_uint_lt(mem_used() - before, (size_t)24 << 20);
    }
    ck_assert_int_ge(dictionaries(), 5);
}
END_TEST

START_TEST(a_table_that_cannot_be_written_is_told)
{
    enum archive_coding coding;

    run("PRAGMA query_only = 1");
    learn(STR("chat:*"), ARCHIVE_SAMPLES - 1);
    message(0);
    ck_assert_int_eq(archive_learn(c, STR("chat:*"), buf_str(&in)), ERR_IO);
    there_and_back(STR("chat:*"), c, &coding);
    run("PRAGMA query_only = 0");
    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    ck_assert_int_eq(dictionaries(), 1);
}
END_TEST

START_TEST(damage_is_told_and_nothing_is_left_behind)
{
    enum archive_coding coding;
    int64_t dict;

    learn(STR("chat:*"), ARCHIVE_SAMPLES);
    message(0);
    dict = there_and_back(STR("chat:*"), c, &coding);
    buf_clear(&back);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict + 1, buf_str(&out), in.n, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, -1, buf_str(&out), in.n, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict, buf_str(&out), in.n - 1, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict, buf_str(&out), in.n + 1, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_PLAIN, 0, buf_str(&out), in.n, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, (enum archive_coding)7, 0, buf_str(&out), out.n, &back), ERR_FORMAT);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict, buf_str(&out), UINT64_MAX, &back), ERR_OOM);
    for (size_t i = 0; i < out.n; i++) {
        ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict, str_of(out.p, i), in.n, &back), ERR_FORMAT);
        out.p[i] ^= (char)0xff; /* without a checksum bytes may change: the payload has its own */
        (void)!archive_expand(c, ARCHIVE_ZSTD, dict, buf_str(&out), in.n, &back);
        buf_clear(&back);
        out.p[i] ^= (char)0xff;
    }
    ck_assert_uint_eq(back.n, 0);
    ck_assert_int_eq(archive_expand(c, ARCHIVE_ZSTD, dict, buf_str(&out), in.n, &back), OK);
}
END_TEST

/* --- what it saves ---------------------------------------------------------------------------------------------- */

/* A session of 20 messages as DUMP has it. */
static void session(struct store *s, unsigned id, bool plain)
{
    struct buf items = { 0 };
    struct str v[20];
    size_t at[21];
    uint64_t n;
    struct slot slot;

    for (unsigned i = 0; i < 20; i++) {
        at[i] = items.n;
        chat_text_message(&chat, &items, i, i % 2 ? 100 + rng_below(&chat.rng, 600) : 20 + rng_below(&chat.rng, 120), id % 2);
    }
    at[20] = items.n;
    for (unsigned i = 0; i < 20; i++) v[i] = str_of(items.p + at[i], at[i + 1] - at[i]);
    ck_assert_int_eq(lists_push(s->dbs[0], STR("k"), LIST_RIGHT, v, 20, false, &n), OK);
    buf_clear(&in);
    if (plain) persist_dump_plain(s, db_peek(s->dbs[0], STR("k")), &in);
    else persist_dump(s, db_peek(s->dbs[0], STR("k")), &in);
    ck_assert(db_find_write(s->dbs[0], STR("k"), &slot));
    db_remove(&slot, CHANGE_DEL, false);
    buf_fini(&items);
}

START_TEST(sessions_take_about_a_third)
{
    struct store *s = env_store(1);
    enum archive_coding coding;
    uint64_t raw = 0, stored = 0, there_us = 0, back_us = 0, from;
    unsigned n = 0;
    int64_t dict;

    from = clock_mono_us();
    do {
        session(s, n, true);
        ck_assert_int_eq(archive_learn(c, STR("chat:*"), buf_str(&in)), OK);
    } while (++n < ARCHIVE_SAMPLES && dictionaries() == 0);
    printf("trained on %u sessions after %" PRIu64 " us\n", n, (uint64_t)clock_mono_us() - from);
    ck_assert_int_eq(dictionaries(), 1);
    for (unsigned i = 0; i < 500; i++) {
        session(s, i, true);
        buf_clear(&out);
        buf_clear(&back);
        from = clock_mono_us();
        archive_compress(c, STR("chat:*"), buf_str(&in), &out, &coding, &dict);
        there_us += clock_mono_us() - from;
        from = clock_mono_us();
        ck_assert_int_eq(archive_expand(c, coding, dict, buf_str(&out), in.n, &back), OK);
        back_us += clock_mono_us() - from;
        ck_assert(str_eq(buf_str(&back), buf_str(&in)));
        raw += in.n;
        stored += out.n;
    }
    printf("%" PRIu64 " bytes a session, %.3f of that stored; %.1f us to compress, %.1f us to expand\n", raw / 500,
           (double)stored / (double)raw, (double)there_us / 500, (double)back_us / 500);
    fflush(stdout);
    ck_assert_uint_lt(stored * 100, raw * 36);
    store_free(&s);
}
END_TEST

UNIT_MAIN_AROUND("archive_codec", set_up, tear_down, what_does_not_pay_is_left_as_it_is, values_of_all_lengths_come_back,
                 another_connection_finds_the_dictionary, a_dictionary_of_a_transaction_that_failed_is_forgotten,
                 noise_is_not_learnt, a_namespace_that_was_forgotten_has_its_dictionary,
                 many_namespaces_share_the_room_for_samples, a_table_that_cannot_be_written_is_told,
                 damage_is_told_and_nothing_is_left_behind, sessions_take_about_a_third)
