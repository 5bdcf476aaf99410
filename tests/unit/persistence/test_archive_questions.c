/* Questions about versions of a key, and the list of keys. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/glob.h"
#include "persistence/archive_get.h"
#include "persistence/archive_list.h"
#include "persistence/archive_schema.h"
#include "tests/unit/persistence/reader_rig.h"

static struct reader_rig g;
static struct buf payload, out, scratch;

static void set_up(void)
{
    reader_rig_init(&g);
}

static void tear_down(void)
{
    reader_rig_fini(&g);
    buf_fini(&payload);
    buf_fini(&out);
    buf_fini(&scratch);
}

static void insert(const char *key, int64_t version, const char *reason, int64_t at, bool live,
                   const char *text)
{
    struct archive_row row = {
        .key = str_c(key), .version = version, .reason = reason, .at = at, .expires = -1, .live = live
    };

    row.payload = reader_rig_payload(&g, &payload, str_c(text));
    reader_rig_insert(&g, &row);
}

static void expect_get(const char *key, enum archive_which which, int64_t number, const char *want)
{
    buf_clear(&scratch);
    if (want == NULL) buf_add_c(&scratch, "$-1\r\n");
    else buf_printf(&scratch, "$%zu\r\n%s\r\n", strlen(want), want);
    expect_str(reader_rig_ask(&g, archive_get_question(0, str_c(key), which, number, 2), &out),
               buf_str(&scratch));
}

static void expect_has(struct str text, const char *part)
{
    ck_assert_msg(memmem(text.p, text.n, part, strlen(part)) != NULL, "no \"%s\" in \"%.*s\"", part,
                  (int)text.n, text.p);
}

/* --- versions -------------------------------------------------------------------------------------------- */

START_TEST(the_newest_version_is_what_get_finds_and_what_was_trimmed_is_found_by_number_alone)
{
    insert("k", 1, "expire", 100, false, "one");
    insert("k", 2, "delete", 200, false, "two");
    insert("k", 3, "trim", 300, false, "cut");
    insert("other", 1, "expire", 100, true, "x");
    expect_get("k", ARCHIVE_NEWEST, 0, "two");
    expect_get("k", ARCHIVE_VERSION_NUMBER, 1, "one");
    expect_get("k", ARCHIVE_VERSION_NUMBER, 3, "cut");
    expect_get("k", ARCHIVE_VERSION_NUMBER, 4, NULL);
    expect_get("k", ARCHIVE_VERSION_NUMBER, INT64_MAX, NULL);
    expect_get("k", ARCHIVE_VERSION_NUMBER, INT64_MIN, NULL);
    expect_get("k", ARCHIVE_NEWEST_LIVE, 0, NULL);
    expect_get("other", ARCHIVE_NEWEST_LIVE, 0, "x");
    expect_get("", ARCHIVE_NEWEST, 0, NULL);
}
END_TEST

START_TEST(at_a_moment_it_is_the_version_that_had_left_last_or_the_one_that_was_written_over_next)
{
    insert("left", 1, "expire", 100, false, "one");
    insert("left", 2, "trim", 150, false, "cut");
    insert("left", 3, "evict", 200, true, "two");
    expect_get("left", ARCHIVE_AT_MS, 99, "one"); /* it was in memory, as it left later */
    expect_get("left", ARCHIVE_AT_MS, 100, "one");
    expect_get("left", ARCHIVE_AT_MS, 199, "one");
    expect_get("left", ARCHIVE_AT_MS, 200, "two");
    expect_get("left", ARCHIVE_AT_MS, INT64_MAX, "two");
    insert("kept", 1, "overwrite", 100, false, "a");
    insert("kept", 4, "overwrite", 200, false, "b");
    insert("kept", 9, "expire", 300, true, "c");
    expect_get("kept", ARCHIVE_AT_MS, INT64_MIN, "a");
    expect_get("kept", ARCHIVE_AT_MS, 99, "a");
    expect_get("kept", ARCHIVE_AT_MS, 100, "b");
    expect_get("kept", ARCHIVE_AT_MS, 199, "b");
    expect_get("kept", ARCHIVE_AT_MS, 200, "c");
    expect_get("kept", ARCHIVE_AT_MS, 300, "c");
    insert("now", 1, "overwrite", 100, false, "a");
    expect_get("now", ARCHIVE_AT_MS, 100, NULL); /* what took its place is in memory still */
    expect_get("nothing", ARCHIVE_AT_MS, 100, NULL);
}
END_TEST

/* Versions with gaps and equal times, against a walk over all of them. */
START_TEST(the_search_for_a_moment_finds_what_a_walk_finds)
{
    enum { VERSIONS = 60 };
    struct rng rng;

    unit_rng(&rng);
    for (int round = 0; round < 20; round++) {
        int64_t numbers[VERSIONS], times[VERSIONS], number = 0, at = 0;
        char key[32], text[VERSIONS][32];

        snprintf(key, sizeof key, "key%d", round);
        for (int i = 0; i < VERSIONS; i++) {
            numbers[i] = number += 1 + (int64_t)rng_below(&rng, 5);
            times[i] = at += (int64_t)rng_below(&rng, 3);
            snprintf(text[i], sizeof text[i], "value %d", i);
            insert(key, numbers[i], "expire", times[i], false, text[i]);
        }
        for (int64_t ms = 0; ms <= at; ms++) {
            int last = -1;

            for (int i = 0; i < VERSIONS; i++)
                if (times[i] <= ms) last = i;
            expect_get(key, ARCHIVE_AT_MS, ms, text[last < 0 ? 0 : last]);
        }
    }
}
END_TEST

START_TEST(a_recall_has_the_payload_and_what_the_key_was)
{
    struct archive_row row = { .db = 3,
                               .key = STR("k\0\xff"),
                               .version = 7,
                               .reason = "evict",
                               .at = 500,
                               .expires = 900,
                               .live = true };
    struct archive_get *get;

    row.payload = reader_rig_payload(&g, &payload, STR("value"));
    reader_rig_insert(&g, &row);
    get = archive_get_new(3, STR("k\0\xff"), ARCHIVE_NEWEST_LIVE, 0);
    archive_reader_run(g.reader, &get->job, 1000, 10);
    ck_assert_int_eq(get->result, OK);
    expect_str(buf_str(&get->out), row.payload);
    ck_assert_int_eq(get->version, 7);
    ck_assert_int_eq(get->archived_at, 500);
    ck_assert_int_eq(get->expires_at, 900);
    ck_assert_int_eq(get->reason, ARCHIVE_EVICTED);
    ck_assert(get->live && !get->job.failed);
    archive_get_free(&get);
    get = archive_get_new(0, STR("k\0\xff"), ARCHIVE_NEWEST_LIVE, 0);
    archive_reader_run(g.reader, &get->job, 1000, 10);
    ck_assert_int_eq(get->result, ERR_NO_KEY);
    ck_assert(!get->job.failed);
    archive_get_free(&get);
}
END_TEST

START_TEST(a_damaged_value_is_an_error_that_names_its_version)
{
    struct archive_row row = { .key = STR("k"),
                               .version = 7,
                               .reason = "evict",
                               .at = 500,
                               .expires = -1,
                               .live = true,
                               .payload = STR("no payload") };
    struct archive_get *get = archive_get_new(0, STR("k"), ARCHIVE_NEWEST_LIVE, 0);

    reader_rig_insert(&g, &row);
    expect_str(reader_rig_ask(&g, archive_get_question(0, STR("k"), ARCHIVE_NEWEST, 0, 2), &out),
               STR("-ERR archive: version 7 of the key is damaged and cannot be read\r\n"));
    reader_rig_sql(&g, "UPDATE entries SET size = 99");
    archive_reader_run(g.reader, &get->job, 1000, 10);
    ck_assert_int_eq(get->result, ERR_FORMAT);
    ck_assert(get->job.failed);
    ck_assert_uint_eq(get->out.n, 0);
    archive_get_free(&get);
    reader_rig_sql(&g, "UPDATE entries SET size = -1, codec = 7");
    expect_has(reader_rig_ask(&g, archive_get_question(0, STR("k"), ARCHIVE_NEWEST, 0, 2), &out),
               "is damaged");
}
END_TEST

START_TEST(versions_are_told_from_the_newest_on_page_by_page)
{
    insert("k", 1, "expire", 100, false, "one");
    insert("k", 2, "overwrite", 200, false, "two");
    insert("k", 5, "trim", 300, false, "five");
    expect_str(reader_rig_ask(&g, archive_versions_question(0, STR("k"), 0, 1, 3), &out),
               STR("*1\r\n%8\r\n$7\r\nversion\r\n:5\r\n$4\r\ntype\r\n$6\r\nstring\r\n$6\r\nreason\r\n$"
                   "4\r\ntrim\r\n$11\r\narchived_at\r\n"
                   ":300\r\n$10\r\nexpires_at\r\n:-1\r\n$4\r\nlive\r\n:0\r\n$4\r\nsize\r\n:16\r\n$"
                   "9\r\nnamespace\r\n$9\r\nsession:*\r\n"));
    reader_rig_ask(&g, archive_versions_question(0, STR("k"), 5, 100, 2), &out);
    expect_has(buf_str(&out), "*2\r\n*16\r\n$7\r\nversion\r\n:2\r\n");
    expect_has(buf_str(&out), "$7\r\nversion\r\n:1\r\n");
    expect_str(reader_rig_ask(&g, archive_versions_question(0, STR("none"), 0, 100, 2), &out), STR("*0\r\n"));
    g.query_rows = 2;
    ck_assert_int_eq(reader_rig_ask(&g, archive_versions_question(0, STR("k"), 0, 100, 2), &out).p[1], '2');
}
END_TEST

/* --- lists ----------------------------------------------------------------------------------------------- */

/* The keys of a list, each followed by a blank, in `scratch`; the cursor in *cursor. */
static size_t list(struct archive_list_args args, struct buf *cursor)
{
    struct str reply = reader_rig_ask(&g, archive_list_question(&args, 3), &out);
    const char *p = reply.p, *end = p + reply.n;
    size_t n = 0, size;

    ck_assert_msg(str_starts(reply, STR("*2\r\n$")), "%.*s", (int)reply.n, reply.p);
    size = strtoul(p + 5, (char **)&p, 10);
    buf_clear(cursor);
    buf_add(cursor, p + 2, size);
    p += 2 + size;
    for (;;) {
        p = memmem(p, (size_t)(end - p), "$3\r\nkey\r\n$", 10);
        if (p == NULL) return n;
        size = strtoul(p + 10, (char **)&p, 10);
        buf_add(&scratch, p + 2, size);
        buf_add_char(&scratch, ' ');
        p += 2 + size;
        n++;
    }
}

static size_t list_all(struct archive_list_args args)
{
    struct buf cursor = { 0 };
    size_t n = 0;

    buf_clear(&scratch);
    buf_add_c(&cursor, "0");
    do {
        struct buf next = { 0 };

        args.cursor = buf_str(&cursor);
        ck_assert(archive_list_cursor_ok(args.cursor));
        n += list(args, &next);
        buf_fini(&cursor);
        cursor = next;
    } while (!str_eq(buf_str(&cursor), STR("0")));
    buf_fini(&cursor);
    return n;
}

static struct archive_list_args all(int64_t count)
{
    return (struct archive_list_args){ .since = INT64_MIN, .until = INT64_MAX, .count = count };
}

START_TEST(a_list_tells_each_key_once_texts_first)
{
    struct archive_row row = { .reason = "expire", .expires = -1, .payload = STR("x") };
    static const struct str keys[] = { { "b", 1 }, { "\xff\xfe", 2 }, { "a", 1 },
                                       { "", 0 },  { "a\0", 2 },      { "\xc3\xa4", 2 } };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        for (row.version = 1; row.version <= 3; row.version++) {
            row.key = keys[i];
            reader_rig_insert(&g, &row);
        }
    }
    row.db = 1;
    row.key = STR("of another database");
    reader_rig_insert(&g, &row);
    for (int64_t count = 1; count < 8; count++) {
        ck_assert_uint_eq(list_all(all(count)), 6);
        expect_str(buf_str(&scratch), STR(" a b \xc3\xa4 a\0 \xff\xfe "));
    }
}
END_TEST

START_TEST(patterns_and_times_choose_among_keys)
{
    struct archive_row row = { .version = 1, .reason = "expire", .expires = -1, .payload = STR("x") };
    struct archive_list_args args = all(100);

    static const char *const keys[] = { "user:1", "user:2",    "user:10", "user",
                                        "users",  "user:\xff", "uses",    "v" };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        row.key = str_c(keys[i]);
        row.at = 100 * (int64_t)(i + 1);
        reader_rig_insert(&g, &row);
    }
    args.match = STR("user:*");
    list_all(args);
    expect_str(buf_str(&scratch), STR("user:1 user:10 user:2 user:\xff "));
    args.match = STR("user:?");
    list_all(args);
    expect_str(buf_str(&scratch), STR("user:1 user:2 user:\xff "));
    args.match = STR("*s");
    list_all(args);
    expect_str(buf_str(&scratch), STR("users uses "));
    args.match = STR("user");
    list_all(args);
    expect_str(buf_str(&scratch), STR("user "));
    args.match = STR("");
    ck_assert_uint_eq(list_all(args), 0);
    args.match = STR("\xff*");
    ck_assert_uint_eq(list_all(args), 0);
    args.match = (struct str){ 0 };
    args.since = 200;
    args.until = 400;
    list_all(args);
    expect_str(buf_str(&scratch), STR("user user:10 user:2 "));
}
END_TEST

/* Random keys out of few bytes, texts and blobs, random patterns: what a walk over all of them with glob finds. */
START_TEST(any_pattern_finds_what_glob_finds)
{
    enum { KEYS = 300 };
    static const char bytes[] = "ab:\xc3\xa4\xff\x7f";
    static const char patterns[] = "ab:*?[]\\\xc3\xa4\xff\x7f*";
    struct archive_row row = { .version = 1, .reason = "expire", .expires = -1, .payload = STR("x") };
    char keys[KEYS][8];
    size_t sizes[KEYS];
    struct rng rng;

    unit_rng(&rng);
    reader_rig_sql(&g, "BEGIN");
    for (int i = 0; i < KEYS; i++) {
        sizes[i] = rng_below(&rng, 7);
        for (size_t at = 0; at < sizes[i]; at++) keys[i][at] = bytes[rng_below(&rng, sizeof bytes - 1)];
        row.key = str_of(keys[i], sizes[i]);
        row.version = i + 1;
        reader_rig_insert(&g, &row);
        for (int k = 0; k < i; k++)
            if (str_eq(str_of(keys[k], sizes[k]), row.key)) sizes[k] = SIZE_MAX; /* counts once */
    }
    reader_rig_sql(&g, "COMMIT");
    for (int round = 0; round < 300; round++) {
        char pattern[8];
        struct archive_list_args args = all(1 + (int64_t)rng_below(&rng, 40));
        size_t n = rng_below(&rng, 6), want = 0;

        for (size_t at = 0; at < n; at++) pattern[at] = patterns[rng_below(&rng, sizeof patterns - 1)];
        args.match = str_of(pattern, n);
        for (int i = 0; i < KEYS; i++)
            want += sizes[i] != SIZE_MAX && glob_match(args.match, str_of(keys[i], sizes[i]), false);
        ck_assert_msg(list_all(args) == want, "round %d: \"%.*s\"", round, (int)n, pattern);
    }
}
END_TEST

/* Rows by the hundred thousand: what a call looks at does not grow with them. SQLite counts the steps of its machine. */
static void fill(int rows)
{
    char sql[1024];

    snprintf(sql, sizeof sql,
             "INSERT INTO entries(db, key, namespace, type, reason, seq, version, archived_at, live, size, "
             "codec, dict, value, versions) "
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "SELECT 0, 'key:' || (i / 5), 'ns', 'string', CASE WHEN i %% 5 THEN 'trim' ELSE 'expire' END, "
             "i, i %% 5 + 1, i, "
             "0, 1, 0, 0, 'x', 0 FROM n",
             rows);
    reader_rig_sql(&g, sql);
}

static int looks; /* of the progress handler: each is 64 steps */

static int64_t counting_clock(void)
{
    looks++;
    return 1;
}

static int cost(struct archive_question *q)
{
    looks = 0;
    reader_rig_ask(&g, q, &out);
    return looks;
}

START_TEST(what_a_question_costs_does_not_grow_with_the_archive)
{
    struct archive_list_args args = all(10);
    int before[4], after[4];

    g.reader->mono_us = counting_clock;
    fill(1000);
    for (int round = 0; round < 2; round++) {
        int *to = round == 0 ? before : after;

        args.cursor = STR("0");
        args.match = STR("key:1*");
        to[0] = cost(archive_list_question(&args, 2));
        args.match = STR("*no such*");
        to[1] = cost(archive_list_question(&args, 2));
        to[2] = cost(archive_versions_question(0, STR("key:17"), 0, 10, 2));
        to[3] = cost(archive_get_question(0, STR("key:17"), ARCHIVE_AT_MS, 88, 2));
        if (round == 0) reader_rig_sql(&g, "DELETE FROM entries");
        if (round == 0) fill(300000);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_msg(after[i] <= 8 * before[i] + 10, "%d: %d, then %d", i, before[i], after[i]);
    ck_assert_int_le(after[1], 2000);
}
END_TEST

/* The statements that the reader has kept, after every kind of question. */
START_TEST(all_goes_by_an_index)
{
    struct archive_list_args args = all(10);
    int n = 0;

    fill(100);
    args.cursor = STR("0");
    for (int which = ARCHIVE_NEWEST_LIVE; which <= ARCHIVE_AT_MS; which++)
        reader_rig_ask(&g, archive_get_question(0, STR("key:17"), (enum archive_which)which, 88, 2), &out);
    reader_rig_ask(&g, archive_versions_question(0, STR("key:17"), 0, 10, 2), &out);
    list_all(args);
    args.count = 3;
    list_all(args);
    args.match = STR("key:1*");
    list_all(args);
    for (int i = 0; i < g.reader->n_kept; i++) {
        const char *sql = g.reader->kept[i].sql;

        if (strncmp(sql, "SELECT", 6) != 0) continue;
        n++;
        reader_rig_plan(&g, sql, &out);
        ck_assert_msg(str_starts(buf_str(&out), STR("SEARCH entries USING ")), "%s: %.*s", sql, (int)out.n,
                      out.p);
        ck_assert_msg(memmem(out.p, out.n, "B-TREE", 6) == NULL, "%s: %.*s", sql, (int)out.n, out.p);
    }
    ck_assert_int_ge(n, 11);
}
END_TEST

START_TEST(a_payload_that_is_not_in_the_file_yet_is_told_as_well)
{
    struct str p = reader_rig_payload(&g, &payload, STR("waits"));

    expect_str(reader_rig_ask(&g, archive_get_pending(p, 2), &out), STR("$5\r\nwaits\r\n"));
    ck_assert(str_starts(reader_rig_ask(&g, archive_get_pending(STR("no payload"), 3), &out),
                         STR("-ERR archive: ")));
}
END_TEST

/* --- damage ---------------------------------------------------------------------------------------------- */

static void expect_reply(struct archive_question *q)
{
    struct str got = reader_rig_ask(&g, q, &out);

    ck_assert_uint_gt(got.n, 3);
    ck_assert_msg(strchr("*$-%~:", got.p[0]) != NULL && str_eq(str_of(got.p + got.n - 2, 2), STR("\r\n")),
                  "%.*s", (int)got.n, got.p);
}

/* Bytes of the file are changed at random: whatever is asked, there is a reply, and mostly an error. */
START_TEST(a_damaged_file_is_answered_from)
{
    enum { ROUNDS = 150 };
    struct archive_list_args args = all(50);
    struct rng rng;
    struct stat st;
    char key[32], *whole;
    int fd, errors = 0;

    unit_rng(&rng);
    reader_rig_sql(&g, "BEGIN");
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "key:%d", i / 3);
        insert(key, i % 3 + 1, i % 2 ? "expire" : "overwrite", i, false,
               "some text that is not all too short, so that there are pages");
    }
    reader_rig_sql(&g, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
    fd = open(g.path, O_RDWR);
    ck_assert_int_eq(fstat(fd, &st), 0);
    whole = malloc((size_t)st.st_size);
    ck_assert_int_eq(pread(fd, whole, (size_t)st.st_size, 0), st.st_size);
    args.cursor = STR("0");
    for (int round = 0; round < ROUNDS; round++) {
        struct archive_reader_conf conf = { .path = g.path,
                                            .values = &g.store->conf,
                                            .mono_us = reader_rig_clock };

        for (int i = 0; i < 40; i++) {
            char c = (char)rng_below(&rng, 256);

            ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)(100 + rng_below(&rng, (uint64_t)st.st_size - 100))),
                             1);
        }
        archive_reader_close(&g.reader);
        if (archive_reader_open(&g.reader, &conf, g.why) == OK) {
            for (int i = 0; i < 20; i++) {
                snprintf(key, sizeof key, "key:%d", (int)rng_below(&rng, 170));
                expect_reply(
                    archive_get_question(0, str_c(key), (enum archive_which)rng_below(&rng, 4), 2, 2));
                errors += out.p[0] == '-';
                expect_reply(archive_versions_question(0, str_c(key), 0, 100, 2));
            }
            expect_reply(archive_list_question(&args, 2));
            errors += out.p[0] == '-';
        } else {
            ck_assert_ptr_null(g.reader);
            errors++;
        }
        ck_assert_int_eq(pwrite(fd, whole, (size_t)st.st_size, 0), st.st_size);
    }
    ck_assert_int_gt(errors, ROUNDS / 4);
    close(fd);
    free(whole);
}
END_TEST

UNIT_MAIN_AROUND("archive questions", set_up, tear_down,
                 the_newest_version_is_what_get_finds_and_what_was_trimmed_is_found_by_number_alone,
                 at_a_moment_it_is_the_version_that_had_left_last_or_the_one_that_was_written_over_next,
                 the_search_for_a_moment_finds_what_a_walk_finds,
                 a_recall_has_the_payload_and_what_the_key_was,
                 a_damaged_value_is_an_error_that_names_its_version,
                 versions_are_told_from_the_newest_on_page_by_page, a_list_tells_each_key_once_texts_first,
                 patterns_and_times_choose_among_keys, any_pattern_finds_what_glob_finds,
                 what_a_question_costs_does_not_grow_with_the_archive, all_goes_by_an_index,
                 a_payload_that_is_not_in_the_file_yet_is_told_as_well, a_damaged_file_is_answered_from)
