/* test_archive_search.c -- ARCHIVE.SEARCH on a reader, without threads: what is found, in which order, what is shown. */
#include <math.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "persistence/archive_reader.h"
#include "persistence/archive_schema.h"
#include "persistence/archive_search.h"
#include "persistence/persist.h"
#include "storage/store.h"
#include "storage/type_hash.h"
#include "storage/type_list.h"
#include "storage/type_string.h"
#include "tests/unit/unit.h"

static char directory[64], path[80];
static sqlite3 *db;
static struct archive_reader *reader;
static struct store *live;
static const struct hash_key hash_key = { 1, 2 };

static const struct store_conf store_conf = {
    .databases = 1, .list_max_listpack_size = 128, .hash_max_listpack_entries = 128, .hash_max_listpack_value = 64,
    .set_max_intset_entries = 512, .set_max_listpack_entries = 128, .set_max_listpack_value = 64,
    .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64, .stream_node_max_bytes = 4096,
    .stream_node_max_entries = 100, .string_limit = 512 << 20, .hll_sparse_max_bytes = 3000,
};

static void make_archive(enum archive_fts fts)
{
    const struct archive_conf conf = { .path = path, .fts = fts };
    const struct archive_reader_conf reading = { .path = path, .values = &store_conf, .mono_us = clock_mono_us };
    char why[ARCHIVE_WHY];

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    if (archive_schema_open(db, &conf, why) != OK) ck_abort_msg("%s", why);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL), SQLITE_OK);
    if (archive_reader_open(&reader, &reading, why) != OK) ck_abort_msg("%s", why);
}

static void set_up(void)
{
    unit_dir(directory);
    snprintf(path, sizeof path, "%s/archive.db", directory);
    live = store_new(&store_conf, &hash_key, 1);
    live->now_ms = 5000;
}

static void tear_down(void)
{
    static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
    char file[96];

    archive_reader_close(&reader);
    sqlite3_close(db);
    store_free(&live);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(file, sizeof file, "%s%s", path, ends[i]);
        unlink(file);
    }
    rmdir(directory);
}

/* --- what is in the archive ------------------------------------------------------------------------------ */

static void run(const char *fmt, ...)
{
    char *sql, *why = NULL;
    va_list ap;

    va_start(ap, fmt);
    sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) ck_abort_msg("%s: %s", sql, why);
    sqlite3_free(sql);
}

/* A version of a key, archived at 1000 + its number. */
static int64_t put_entry(const char *key, const char *type, const char *reason)
{
    run("INSERT INTO entries (db, key, namespace, type, reason, seq, version, archived_at, live, size, codec, dict, value, "
        "versions) SELECT 0, %Q, 'ns:*', %Q, %Q, 0, coalesce(max(version), 0) + 1, 0, 0, 0, 0, 0, x'', 0 FROM entries "
        "WHERE key = %Q", key, type, reason, key);
    run("UPDATE entries SET archived_at = 1000 + id WHERE id = %lld", sqlite3_last_insert_rowid(db));
    return sqlite3_last_insert_rowid(db);
}

static void put_message(int64_t entry, const char *role, const char *content, const char *metadata)
{
    run("INSERT INTO messages (entry, position, role, content, metadata) SELECT %lld, count(*), %Q, %Q, %Q FROM messages "
        "WHERE entry = %lld", entry, role, content, metadata, entry);
}

static void put_field(int64_t entry, const char *field, const char *value)
{
    run("INSERT INTO fields (entry, field, value) VALUES (%lld, %Q, %Q)", entry, field, value);
}

/* A session of one message. */
static void put(const char *key, const char *content)
{
    put_message(put_entry(key, "list", "expire"), "user", content, NULL);
}

/* --- asking ---------------------------------------------------------------------------------------------- */

static struct archive_search_ask ask_of(const char *query)
{
    return (struct archive_search_ask){ .query = str_c(query), .since_ms = INT64_MIN, .until_ms = INT64_MAX, .count = 100,
                                        .resp = 2, .now_ms = 5000, .hash = hash_key };
}

static struct archive_search *make(const struct archive_search_ask *ask)
{
    struct archive_search *s = NULL;
    char why[ARCHIVE_SEARCH_WHY];

    if (archive_search_new(&s, ask, why) != OK) ck_abort_msg("%.*s: %s", (int)ask->query.n, ask->query.p, why);
    return s;
}

/* All live keys that pass the sieve, strings and lists, go with the question. */
static void add_live_entry(void *ctx, const struct entry *e)
{
    struct archive_search *s = ctx;
    struct buf payload = { .n = 0 };

    if (!archive_search_wants(s, entry_key(e))) return;
    persist_dump_plain(live, e, &payload);
    ck_assert(archive_search_add(s, STR("live:*"), entry_key(e), &payload));
}

static void add_live(struct archive_search *s)
{
    uint64_t cursor = 0;

    do cursor = db_scan(live->dbs[0], cursor, 1000, add_live_entry, s);
    while (cursor != 0);
}

/* A reply as text: [a, b, ...], numbers and strings as they are. */
static const char *flatten(const char *p, struct buf *out)
{
    long n = strtol(p + 1, NULL, 10);
    const char *line = strchr(p, '\n') + 1;

    switch (*p) {
    case '*':
        buf_add_char(out, '[');
        for (long i = 0; i < n; i++) {
            if (i > 0) buf_add_c(out, ", ");
            line = flatten(line, out);
        }
        buf_add_char(out, ']');
        return line;
    case '$':
        if (n < 0) {
            buf_add_c(out, "nil");
            return line;
        }
        buf_add(out, line, (size_t)n);
        return line + n + 2;
    default:
        buf_add(out, *p == '-' ? p : p + 1, (size_t)(line - 2 - p - (*p != '-')));
        return line;
    }
}

static char answer_text[1 << 20];

/* Run s and free it. */
static const char *answer(struct archive_search *s, int64_t query_ms)
{
    struct archive_job *j = archive_search_job(s);
    struct buf out = { .n = 0 };
    struct str reply;

    archive_reader_run(reader, j, query_ms, 10000);
    reply = archive_question_reply(j);
    buf_add_str(&out, reply);
    buf_add_char(&out, '\0');
    {
        struct buf text = { .n = 0 };
        const char *end = flatten(out.p, &text);
        ck_assert_uint_eq((size_t)(end - out.p), reply.n);
        ck_assert_uint_lt(text.n, sizeof answer_text);
        memcpy(answer_text, text.p, text.n);
        answer_text[text.n] = '\0';
        buf_fini(&text);
    }
    buf_fini(&out);
    archive_question_free(j);
    return answer_text;
}

static bool begins(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) == 0) return true;
    printf("%s\n", text);
    return false;
}

/* "<a><n>", good for a few calls. */
static const char *with_number(const char *a, int n)
{
    static char texts[4][64];
    static unsigned next;
    char *out = texts[next++ % 4];

    snprintf(out, sizeof texts[0], "%s%d", a, n);
    return out;
}

/* The values of one name in all results, joined: "key" gives "a b". */
static const char *column(const char *text, const char *name)
{
    static char out[1 << 16];
    char look[64];
    size_t n = 0;

    snprintf(look, sizeof look, "%s, ", name);
    out[0] = '\0';
    for (const char *p = strstr(text, "results, "); (p = strstr(p, look)) != NULL;) {
        size_t len;
        if (p[-1] != ' ' && p[-1] != '[') {
            p++;
            continue;
        }
        p += strlen(look);
        len = strcspn(p, ",]");
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", n > 0 ? " " : "", (int)len, p);
    }
    return out;
}

static const char *keys_for(const struct archive_search_ask *ask)
{
    struct archive_search *s = make(ask);

    add_live(s);
    return column(answer(s, 5000), "key");
}

static const char *keys(const char *query)
{
    struct archive_search_ask ask = ask_of(query);

    return keys_for(&ask);
}

static const char *keys_where(const char *query, const char *name, const char *op, const char *value)
{
    struct archive_search_ask ask = ask_of(query);
    struct archive_search *s = make(&ask);
    char why[ARCHIVE_SEARCH_WHY];

    if (archive_search_where(s, str_c(name), str_c(op), str_c(value), why) != OK) {
        archive_question_free(archive_search_job(s));
        snprintf(answer_text, sizeof answer_text, "! %s", why);
        return answer_text;
    }
    add_live(s);
    return column(answer(s, 5000), "key");
}

static void push_live(const char *key, const char *text)
{
    const struct str v = str_c(text);
    uint64_t n;

    ck_assert_int_eq(lists_push(live->dbs[0], str_c(key), LIST_RIGHT, &v, 1, false, &n), OK);
}

/* --- words ------------------------------------------------------------------------------------------------ */

START_TEST(sessions_are_found_by_a_word_wherever_they_are)
{
    make_archive(ARCHIVE_FTS_UNICODE);
    put("s:1", "A hotel in Kyoto");
    put("s:2", "a house in Osaka");
    push_live("s:3", "{\"role\":\"user\",\"content\":\"the train to kyoto\"}");
    push_live("s:4", "nothing of that");
    ck_assert_str_eq(keys("osaka"), "s:2");
    ck_assert_str_eq(keys("train"), "s:3");
    ck_assert_str_eq(keys("kyoto hotel"), "s:1");
    ck_assert_str_eq(keys("kyoto -hotel"), "s:3");
    ck_assert_str_eq(keys("osaka OR train"), "s:3 s:2");
    ck_assert_str_eq(keys("nowhere"), "");
    ck_assert_str_eq(keys("hous*"), "s:2");
    ck_assert_str_eq(keys("\"in osaka\""), "s:2");
    ck_assert_str_eq(keys("\"osaka in\""), "");
}
END_TEST

START_TEST(accents_and_case_do_not_matter)
{
    make_archive(ARCHIVE_FTS_UNICODE);
    put("s:1", "un caf\xc3\xa9 noir");
    push_live("s:2", "UN CAFE\xcc\x81 BLANC");
    push_live("s:3", "{\"role\":\"user\",\"content\":\"caf\\u00c9\"}");
    ck_assert_str_eq(keys("cafe noir"), "s:1");
    ck_assert_str_eq(keys("CAF\xc3\x89 blanc"), "s:2");
    ck_assert_str_eq(keys("cafe -noir -blanc"), "s:3");
}
END_TEST

START_TEST(trigrams_find_parts_of_words)
{
    make_archive(ARCHIVE_FTS_TRIGRAM);
    put("s:1", "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\xe3\x81\xae\xe3\x83\x9b\xe3\x83\x86\xe3\x83\xab");
    push_live("s:2", "unbelievable");
    ck_assert_str_eq(keys("liev"), "s:2");
    ck_assert_str_eq(keys("\xe3\x83\x9b\xe3\x83\x86\xe3\x83\xab"), "s:1");
    ck_assert_str_eq(answer(make(&(struct archive_search_ask){ .query = STR("li"), .resp = 2, .count = 1 }), 5000),
                     "-ERR archive: the query has nothing to look for: archive-fts trigram needs three characters in a row");
}
END_TEST

START_TEST(an_archive_without_an_index_says_so)
{
    struct archive_search_ask ask = ask_of("word");

    make_archive(ARCHIVE_FTS_NONE);
    ck_assert_str_eq(answer(make(&ask), 5000),
                     "-ERR archive: it has no full-text index, for archive-fts was none when it was made");
}
END_TEST

/* --- order ------------------------------------------------------------------------------------------------ */

START_TEST(rare_words_and_short_texts_come_first)
{
    make_archive(ARCHIVE_FTS_UNICODE);
    for (int i = 0; i < 20; i++) put("noise", with_number("common words number ", i));
    put("long", "rare common and many other words that nobody has asked for, on and on and on it goes");
    put("short", "rare common");
    put("twice", "rare rare common");
    ck_assert_str_eq(keys("rare"), "twice short long");
    ck_assert(begins(keys("rare OR common"), "twice short "));
}
END_TEST

/* The same texts have the same score in memory and in the archive: the order is that of one collection. */
START_TEST(live_and_archived_texts_are_ranked_together)
{
    make_archive(ARCHIVE_FTS_UNICODE);
    for (int i = 0; i < 10; i++) {
        char key[16], text[64] = "rare";
        for (int j = 0; j < i; j++) strcat(text, " pad");
        snprintf(key, sizeof key, "k%d", i);
        if (i % 2 == 0) put(key, text);
        else push_live(key, text);
    }
    ck_assert_str_eq(keys("rare"), "k0 k1 k2 k3 k4 k5 k6 k7 k8 k9");
    put("same", "even");
    push_live("same2", "even");
    ck_assert_str_eq(keys("even"), "same2 same");
}
END_TEST

START_TEST(pages_follow_each_other_without_gaps)
{
    struct archive_search_ask ask = ask_of("word");
    char all[2000], pages[2000] = "";

    make_archive(ARCHIVE_FTS_UNICODE);
    for (int i = 0; i < 37; i++) put(with_number("k", i), i % 3 == 0 ? "word word" : "word");
    strcpy(all, keys("word"));
    ask.count = 5;
    for (ask.offset = 0; ask.offset < 45; ask.offset += 5) {
        const char *page = keys_for(&ask);
        if (pages[0] != '\0' && page[0] != '\0') strcat(pages, " ");
        strcat(pages, page);
        ck_assert(begins(answer_text, "[total, 37, partial, 0, "));
    }
    ck_assert_str_eq(pages, all);
    ask.offset = 0;
    ask.count = 0;
    ck_assert_str_eq(answer(make(&ask), 5000), "[total, 37, partial, 0, results, []]");
    ask.offset = 9999;
    ask.count = 2;
    ck_assert_str_eq(answer(make(&ask), 5000), "-ERR archive: LIMIT reaches beyond the 10000 rows of archive-query-rows");
}
END_TEST

START_TEST(a_text_of_several_versions_is_found_once_in_the_newest)
{
    int64_t e;

    make_archive(ARCHIVE_FTS_UNICODE);
    e = put_entry("s", "list", "expire");
    put_message(e, "user", "old word", NULL);
    put_message(e, "user", "word of both", NULL);
    e = put_entry("s", "list", "expire");
    put_message(e, "user", "word of both", NULL);
    put_message(e, "user", "word again", NULL);
    put_message(e, "user", "word again", NULL);
    push_live("s", "{\"role\":\"user\",\"content\":\"word of both\"}");
    push_live("t", "{\"role\":\"user\",\"content\":\"word of both\"}");
    ck_assert_str_eq(keys("both"), "s t");
    ck_assert_str_eq(column(answer_text, "where"), "live live");
    ck_assert_str_eq(keys("old"), "s");
    ck_assert_str_eq(column(answer_text, "version"), "1");
    ck_assert_str_eq(keys("again"), "s s");
    ck_assert_str_eq(column(answer_text, "position"), "1 2");
}
END_TEST

/* --- conditions ------------------------------------------------------------------------------------------- */

START_TEST(roles_keys_times_and_databases_narrow_it)
{
    struct archive_search_ask ask = ask_of("word");
    int64_t e;

    make_archive(ARCHIVE_FTS_UNICODE);
    e = put_entry("a:1", "list", "expire"); /* archived at 1001 */
    put_message(e, "user", "word", NULL);
    put_message(e, "assistant", "word too", NULL);
    run("UPDATE messages SET at = 70 WHERE role = 'assistant'");
    put("a:2", "word");                     /* at 1002 */
    put("b:1", "word");                     /* at 1003 */
    push_live("a:3", "word");               /* at 5000 */
    put("c:1", "word");
    run("UPDATE entries SET db = 3 WHERE key = 'c:1'");
    ask.role = STR("Assistant");
    ck_assert_str_eq(keys_for(&ask), "a:1");
    ask = ask_of("word");
    ask.match = STR("a:*");
    ck_assert_str_eq(keys_for(&ask), "a:3 a:2 a:1 a:1");
    ask.match = STR("?:1");
    ck_assert_str_eq(keys_for(&ask), "b:1 a:1 a:1");
    ask = ask_of("word");
    ask.since_ms = 1002;
    ask.until_ms = 1003;
    ck_assert_str_eq(keys_for(&ask), "b:1 a:2");
    ask.since_ms = INT64_MIN;
    ask.until_ms = 100;
    ck_assert_str_eq(keys_for(&ask), "a:1");
    ask = ask_of("word");
    ask.since_ms = 5000;
    ck_assert_str_eq(keys_for(&ask), "a:3");
    ask = ask_of("word");
    ask.db = 3;
    ck_assert_str_eq(column(answer(make(&ask), 5000), "key"), "c:1");
}
END_TEST

/* A beginning of keys that few entries have is looked for among their rows alone: nothing else is found, nothing lost. */
START_TEST(a_narrow_pattern_finds_the_same)
{
    static const char *const patterns[] = { "k7", "k7*", "k1?", "k[12]", "k*", "*7", "\xff*", "k\\7", "nothing", "k299", "\xc3\xbf*" };
    struct archive_search_ask ask = ask_of("word");

    make_archive(ARCHIVE_FTS_UNICODE);
    run("BEGIN");
    for (int i = 0; i < 600; i++) put(with_number("k", i % 300), with_number("word ", i));
    for (int i = 0; i < 300; i++) put_field(put_entry(with_number("k", i), "hash", "expire"), "f", with_number("word f", i));
    run("INSERT INTO entries (db, key, namespace, type, reason, seq, version, archived_at, live, size, codec, dict, value, "
        "versions) VALUES (0, x'ff01', '', 'list', 'expire', 0, 1, 1000, 0, 0, 0, 0, x'', 0)");
    put_message(sqlite3_last_insert_rowid(db), "user", "word of bytes", NULL);
    put("\xc3\xbf.", "word of text");
    run("COMMIT");
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        static const char *const queries[] = { "word", "*" };
        for (size_t q = 0; q < 2; q++) {
            char all[64], some[64], wide[32];
            ask.query = str_c(queries[q]);
            ask.match = str_c(patterns[i]);
            snprintf(some, sizeof some, "%.40s", answer(make(&ask), 60000));
            snprintf(wide, sizeof wide, "[%c]%s", patterns[i][0], patterns[i] + 1); /* the same, without a beginning */
            ask.match = patterns[i][0] == '*' ? str_c(patterns[i]) : str_c(wide);
            snprintf(all, sizeof all, "%.40s", answer(make(&ask), 60000));
            ck_assert_str_eq(strtok(some, "r"), strtok(all, "r"));
        }
    }
    ask = ask_of("word");
    ask.match = STR("k7");
    ck_assert(begins(answer(make(&ask), 60000), "[total, 3, partial, 0,"));
    ask.match = STR("\xff*");
    ck_assert(begins(answer(make(&ask), 60000), "[total, 1, partial, 0,"));
}
END_TEST

START_TEST(metadata_is_compared_by_path)
{
    make_archive(ARCHIVE_FTS_UNICODE);
    put_message(put_entry("k1", "list", "expire"), "user", "word",
                "{\"user\":{\"name\":\"ann\",\"age\":30},\"tags\":[\"a\",\"b\"],\"ok\":true}");
    put_message(put_entry("k2", "list", "expire"), "user", "word",
                "{\"user\":{\"name\":\"bob\",\"age\":4},\"tags\":[],\"ok\":false,\"code\":\"07\"}");
    put_message(put_entry("k3", "list", "expire"), "user", "word", "not json");
    put_message(put_entry("k4", "list", "expire"), "user", "word", NULL);
    push_live("k5", "{\"role\":\"user\",\"content\":\"word\",\"user\":{\"name\":\"cy\",\"age\":7.5}}");
    ck_assert_str_eq(keys_where("word", "user.name", "=", "ann"), "k1");
    ck_assert_str_eq(keys_where("word", "$.user.name", "!=", "ann"), "k5 k2");
    ck_assert_str_eq(keys_where("word", "user.age", ">", "5"), "k5 k1");
    ck_assert_str_eq(keys_where("word", "user.age", "<=", "4.0"), "k2");
    ck_assert_str_eq(keys_where("word", "user.age", "=", "30.0"), "k1");
    ck_assert_str_eq(keys_where("word", "user.name", "in", "bob,cy"), "k5 k2");
    ck_assert_str_eq(keys_where("word", "user.name", "glob", "[ab]*"), "k2 k1");
    ck_assert_str_eq(keys_where("word", "tags", "=", "b"), "k1");
    ck_assert_str_eq(keys_where("word", "tags[0]", "=", "b"), "");
    ck_assert_str_eq(keys_where("word", "tags[1]", "=", "b"), "k1");
    ck_assert_str_eq(keys_where("word", "ok", "=", "true"), "k1");
    ck_assert_str_eq(keys_where("word", "code", "=", "7"), "");
    ck_assert_str_eq(keys_where("word", "code", ">", "6"), "k2");
    ck_assert_str_eq(keys_where("word", "user", "=", "ann"), "");
    ck_assert_str_eq(keys_where("*", "user.age", ">=", "4"), "k5 k2 k1");
}
END_TEST

START_TEST(fields_of_hashes_are_found_and_compared)
{
    const struct str pairs[] = { STR("text"), STR("live word"), STR("user"), STR("cy"), STR("n"), STR("12") };
    size_t n_new;
    int64_t e;

    make_archive(ARCHIVE_FTS_UNICODE);
    e = put_entry("h1", "hash", "evict");
    put_field(e, "text", "a word");
    put_field(e, "user", "ann");
    put_field(e, "n", "9");
    put_field(e, "metadata", "{\"kind\":\"fact\",\"user\":\"x\"}");
    e = put_entry("h2", "hash", "evict");
    put_field(e, "text", "a word");
    put_field(e, "user", "bob");
    put_field(e, "a.b", "dotted");
    ck_assert_int_eq(hash_set(live->dbs[0], STR("h3"), pairs, 3, NULL, &n_new), OK);
    ck_assert_str_eq(keys("word"), "h3 h2 h1");
    ck_assert_str_eq(column(answer_text, "field"), "text text text");
    ck_assert_str_eq(keys_where("word", "user", "=", "ann"), "h1");
    ck_assert_str_eq(keys_where("word", "user", "IN", "bob,cy"), "h3 h2");
    ck_assert_str_eq(keys_where("word", "n", ">", "10"), "h3");
    ck_assert_str_eq(keys_where("word", "metadata.kind", "=", "fact"), "h1");
    ck_assert_str_eq(keys_where("word", "a.b", "=", "dotted"), "h2");
    ck_assert_str_eq(keys_where("word", "nothing", "!=", "x"), "");
}
END_TEST

START_TEST(conditions_that_make_no_sense_are_explained)
{
    static const char *const paths[] = { "", "a..b", "a.", ".a", "a\"b", "a[", "a[x]", "a[]", "a]", "[12345678901]" };

    make_archive(ARCHIVE_FTS_UNICODE);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ck_assert_str_eq(keys_where("word", paths[i], "=", "x"),
                         "! a path of WHERE is names with dots between, or [index]: user.name, tags[0]");
    }
    ck_assert_str_eq(keys_where("word", "a", "~", "x"), "! WHERE wants one of = != < <= > >= IN GLOB between path and value");
}
END_TEST

START_TEST(only_what_may_be_read_is_found)
{
    struct archive_search_ask ask = ask_of("word");
    struct archive_search *s;

    make_archive(ARCHIVE_FTS_UNICODE);
    put("a:1", "word");
    put("b:1", "word");
    put("c:1", "word");
    s = make(&ask);
    archive_search_restrict(s);
    ck_assert(!archive_search_wants(s, STR("a:1")));
    ck_assert_str_eq(answer(s, 5000), "[total, 0, partial, 0, results, []]");
    s = make(&ask);
    archive_search_restrict(s);
    archive_search_readable(s, STR("a:*"));
    archive_search_readable(s, STR("?:1x"));
    archive_search_readable(s, STR("c:?"));
    ck_assert_str_eq(column(answer(s, 5000), "key"), "c:1 a:1");
    ck_assert(begins(answer_text, "[total, 2,"));
}
END_TEST

/* --- the reply -------------------------------------------------------------------------------------------- */

START_TEST(a_result_says_what_and_where_it_is)
{
    struct archive_search_ask ask = ask_of("kyoto");
    int64_t e;

    make_archive(ARCHIVE_FTS_UNICODE);
    e = put_entry("s:1", "list", "expire");
    put_message(e, NULL, "nothing", NULL);
    put_message(e, "user", "to Kyoto, please", "{\"x\":1}");
    ask.highlight = true;
    ck_assert(begins(answer(make(&ask), 5000),
                     "[total, 1, partial, 0, results, [[key, s:1, db, 0, namespace, ns:*, where, archive, type, list, "
                      "reason, expire, entry, 1, version, 1, position, 1, id, nil, role, user, content, to <b>Kyoto</b>, please, "
                      "metadata, {\"x\":1}, at, 1001, member_score, nil, score, "));
    push_live("t:1", "kyoto");
    ask.match = STR("t:*");
    {
        struct archive_search *s = make(&ask);
        add_live(s);
        ck_assert(begins(answer(s, 5000),
                         "[total, 1, partial, 0, results, [[key, t:1, db, 0, namespace, live:*, where, live, type, list, "
                          "reason, nil, entry, nil, version, nil, position, 0, id, nil, role, nil, content, <b>kyoto</b>, "
                          "metadata, nil, at, 5000, member_score, nil, score, "));
    }
}
END_TEST

START_TEST(a_search_whose_time_is_up_gives_what_it_has)
{
    struct archive_search_ask ask = ask_of("word");
    const char *text;

    make_archive(ARCHIVE_FTS_UNICODE);
    run("INSERT INTO entries (id, db, key, namespace, type, reason, seq, version, archived_at, live, size, codec, dict, value, "
        "versions) VALUES (1, 0, 'k', '', 'list', 'expire', 0, 1, 1000, 0, 0, 0, 0, x'', 0)");
    run("BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000) "
        "INSERT INTO messages (entry, position, content) SELECT 1, i, 'word ' || i FROM n; COMMIT");
    text = answer(make(&ask), 0);
    ck_assert_msg(strstr(text, "partial, 1") != NULL || strstr(text, "archive-query-timeout") != NULL, "%.100s", text);
    text = answer(make(&ask), 60000);
    ck_assert(begins(text, "[total, 50000, partial, 0,"));
}
END_TEST

START_TEST(payloads_that_are_too_many_or_broken_make_it_partial)
{
    struct archive_search_ask ask = ask_of("word");
    struct archive_search *s = make(&ask);
    struct buf payload = { .n = 0 };

    make_archive(ARCHIVE_FTS_UNICODE);
    buf_add_c(&payload, "no payload");
    ck_assert(archive_search_add(s, STR(""), STR("k"), &payload));
    buf_room(&payload, ARCHIVE_SEARCH_LIVE_BYTES + 1);
    payload.n = ARCHIVE_SEARCH_LIVE_BYTES;
    ck_assert(!archive_search_add(s, STR(""), STR("l"), &payload));
    ck_assert_str_eq(answer(s, 5000), "[total, 0, partial, 1, results, []]");
}
END_TEST

/* --- at random -------------------------------------------------------------------------------------------- */

/* Texts out of a few words, archived and live: what a search finds is what reading them all finds. */
START_TEST(random_queries_find_what_reading_everything_finds)
{
    static const char *const words[] = { "ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen" };
    enum { TEXTS = 300, WORDS = sizeof words / sizeof *words };
    unsigned has[TEXTS] = { 0 };
    struct rng r;

    unit_rng(&r);
    make_archive(ARCHIVE_FTS_UNICODE);
    for (int i = 0; i < TEXTS; i++) {
        char key[16], text[256] = "";
        snprintf(key, sizeof key, "k%d", i);
        for (uint64_t n = 1 + rng_below(&r, 8); n > 0; n--) {
            uint64_t w = rng_below(&r, WORDS);
            strcat(strcat(text, words[w]), " ");
            has[i] |= 1U << w;
        }
        if (i % 3 == 0) push_live(key, text);
        else put(key, text);
    }
    for (int round = 0; round < 200; round++) {
        char query[256] = "", *found;
        unsigned want[2] = { 0, 0 }, without[2] = { 0, 0 };
        int groups = 1 + (int)rng_below(&r, 2), expected = 0, got = 0;
        struct archive_search_ask ask;
        struct archive_search *s;
        for (int g = 0; g < groups; g++) {
            if (g > 0) strcat(query, "OR ");
            for (uint64_t n = 1 + rng_below(&r, 3); n > 0; n--) {
                uint64_t w = rng_below(&r, WORDS);
                bool no = want[g] != 0 && rng_below(&r, 3) == 0;
                strcat(strcat(strcat(query, no ? "-" : ""), words[w]), " ");
                *(no ? &without[g] : &want[g]) |= 1U << w;
            }
        }
        ask = ask_of(query);
        ask.count = TEXTS;
        s = make(&ask);
        add_live(s);
        found = strdup(column(answer(s, 5000), "key"));
        for (char *k = strtok(found, " "); k != NULL; k = strtok(NULL, " ")) {
            int i = atoi(k + 1);
            bool match = false;
            for (int g = 0; g < groups; g++) match = match || ((has[i] & want[g]) == want[g] && (has[i] & without[g]) == 0);
            if (!match) ck_abort_msg("%s: %s does not match", query, k);
            got++;
        }
        free(found);
        for (int i = 0; i < TEXTS; i++) {
            bool match = false;
            for (int g = 0; g < groups; g++) match = match || ((has[i] & want[g]) == want[g] && (has[i] & without[g]) == 0);
            expected += match;
        }
        if (got != expected) ck_abort_msg("%s: %d found, %d match", query, got, expected);
    }
}
END_TEST

/* Whatever bytes a client sends, the answer is a reply, and never words of SQLite's. */
START_TEST(noise_never_becomes_an_error_of_sqlite)
{
    struct rng r;
    uint64_t asked = 0;

    unit_rng(&r);
    make_archive(ARCHIVE_FTS_UNICODE);
    for (int i = 0; i < 50; i++) put("k", "some words \"quoted\" (in) brackets AND OR NOT NEAR ^ caret * star");
    for (int round = 0; round < 3000; round++) {
        static const char alphabet[] = "ab \"*()-^:+{}NOTANDOR'\\;\x01\xc3\xa9\xff";
        char query[40];
        struct archive_search_ask ask = ask_of("");
        struct archive_search *s;
        char why[ARCHIVE_SEARCH_WHY];
        ask.query.p = query;
        ask.query.n = rng_below(&r, sizeof query);
        for (size_t i = 0; i < ask.query.n; i++) query[i] = alphabet[rng_below(&r, sizeof alphabet)];
        ask.count = 1;
        if (archive_search_new(&s, &ask, why) != OK) continue;
        asked++;
        answer(s, 5000);
        if (answer_text[0] == '-' && strstr(answer_text, "the query has nothing") == NULL) {
            ck_abort_msg("%.*s: %s", (int)ask.query.n, query, answer_text);
        }
    }
    ck_assert_uint_gt(asked, 500);
}
END_TEST

UNIT_MAIN_AROUND("archive_search", set_up, tear_down, sessions_are_found_by_a_word_wherever_they_are,
                 accents_and_case_do_not_matter, trigrams_find_parts_of_words, an_archive_without_an_index_says_so,
                 rare_words_and_short_texts_come_first, live_and_archived_texts_are_ranked_together,
                 pages_follow_each_other_without_gaps, a_text_of_several_versions_is_found_once_in_the_newest,
                 roles_keys_times_and_databases_narrow_it, a_narrow_pattern_finds_the_same, metadata_is_compared_by_path,
                 fields_of_hashes_are_found_and_compared, conditions_that_make_no_sense_are_explained,
                 only_what_may_be_read_is_found, a_result_says_what_and_where_it_is,
                 a_search_whose_time_is_up_gives_what_it_has, payloads_that_are_too_many_or_broken_make_it_partial,
                 random_queries_find_what_reading_everything_finds, noise_never_becomes_an_error_of_sqlite)
