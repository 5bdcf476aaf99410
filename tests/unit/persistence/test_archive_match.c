/* Words of live texts against FTS5's index: both parts of a search of the archive must agree on every one. */
#include "persistence/archive_match.h"
#include "tests/unit/unit.h"
#include "text/words.h"

static const char *const texts[] = {
    "Kyoto hotel, late check-out", "na\xc3\xafve caf\xc3\xa9 Stra\xc3\x9f" "e \xc3\x85ngstr\xc3\xb6m", "NA\xc3\x8fVE cafe\xcc\x81",
    "\xe5\x8c\x97\xe4\xba\xac\xe5\xa4\xa7\xe5\xad\xa6 2008", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, \xd0\xbc\xd0\xb8\xd1\x80",
    "user_id=42 a-b-c don't e.mail@host.example", "\xf0\x9f\x98\x80 smile \xe2\x82\xac" "5 \xc2\xb5s", "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\x82\xe0\xa4\xa6\xe0\xa5\x80",
    "\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82 \xce\xa3\xce\x8a\xce\xa3\xce\xa5\xce\xa6\xce\x9f\xce\xa3", "\xc4\xb0stanbul ISTANBUL \xc4\xb1stanbul",
    "Vi\xe1\xbb\x87t Nam viet", "\xe2\x84\xabngstr\xc3\xb6m \xef\xbc\xa1\xef\xbc\xa2", "back\\slash under_score", "broken \xc3 utf \xe4\xb8 8\xff",
    "\xec\x84\x9c\xec\x9a\xb8 \xe3\x81\xb2\xe3\x82\x89\xe3\x81\x8c\xe3\x81\xaa", "x\xcc\x81y z\xcc\xa7", "", "...", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7",
};
enum { TEXTS = sizeof texts / sizeof *texts };

static sqlite3 *db;

static void run(const char *sql)
{
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void fill(struct str long_text)
{
    sqlite3_stmt *st;

    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    run("CREATE VIRTUAL TABLE t USING fts5(content, tokenize = 'unicode61 remove_diacritics 2')");
    ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT INTO t(rowid, content) VALUES (?1, ?2)", -1, &st, NULL), SQLITE_OK);
    for (int i = 0; i <= TEXTS; i++) {
        struct str text = i < TEXTS ? str_c(texts[i]) : long_text;
        sqlite3_bind_int(st, 1, i);
        sqlite3_bind_text(st, 2, text.p, (int)text.n, SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
}

/* Texts that match, as bits: from the index, and read one by one. */
static void expect_both_agree(struct str query, struct str long_text)
{
    char why[WORDS_WHY];
    struct archive_words words;
    struct archive_matcher m;
    struct archive_match match;
    sqlite3_stmt *st;
    uint64_t indexed = 0, read = 0;

    ck_assert_int_eq(archive_words_parse(&words, query, why), OK);
    ck_assert_int_eq(archive_matcher_init(&m, db, ARCHIVE_FTS_UNICODE, &words, why), OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT rowid FROM t WHERE t MATCH ?1", -1, &st, NULL), SQLITE_OK);
    sqlite3_bind_text(st, 1, m.fts5.p, -1, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW) indexed |= 1ULL << sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    for (int i = 0; i <= TEXTS; i++)
        if (archive_match(&m, i < TEXTS ? str_c(texts[i]) : long_text, &match)) read |= 1ULL << i;
    if (indexed != read) ck_abort_msg("\"%.*s\": index %llx, read %llx", (int)query.n, query.p, (unsigned long long)indexed, (unsigned long long)read);
    ck_assert(read != 0);
    archive_matcher_fini(&m);
}

START_TEST(what_is_read_matches_what_is_indexed)
{
    struct buf text = { 0 }, query = { 0 };
    struct words w;

    for (int i = 0; i < 300; i++) buf_add_c(&text, "\xe4\xb8\xad"); /* one word of 900 bytes, one that differs at its end */
    buf_add_char(&text, ' ');
    for (int i = 0; i < 300; i++) buf_add_c(&text, i < 299 ? "\xe4\xb8\xad" : "\xe5\xa4\xa7");
    buf_add_c(&text, " tail");
    fill(buf_str(&text));
    for (int i = 0; i <= TEXTS; i++) {
        struct str from = i < TEXTS ? str_c(texts[i]) : buf_str(&text);
        words_open_as(&w, from, WORDS_AS_FTS5);
        while (words_next(&w)) { /* as it stands there, and its beginning */
            expect_both_agree(str_of(from.p + w.at, w.len), buf_str(&text));
            buf_clear(&query);
            buf_add(&query, from.p + w.at, word_char_size(str_of(from.p + w.at, w.len)));
            buf_add_char(&query, '*');
            expect_both_agree(buf_str(&query), buf_str(&text));
        }
    }
    expect_both_agree(STR("\"late check\""), buf_str(&text));
    expect_both_agree(STR("CAFE -kyoto"), buf_str(&text));
    buf_clear(&query);
    buf_printf(&query, "kyoto OR \"%.*s tail\"", 900, text.p); /* the other is before the tail */
    expect_both_agree(buf_str(&query), buf_str(&text));
    sqlite3_close(db);
    buf_fini(&text);
    buf_fini(&query);
}
END_TEST

UNIT_MAIN("archive_match", what_is_read_matches_what_is_indexed)
