/* test_archive_words.c -- queries as people type them; the sieve; texts against queries. */
#include "persistence/archive_match.h"
#include "persistence/archive_sieve.h"
#include "tests/unit/unit.h"

static sqlite3 *db;

static void set_up(void)
{
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
}

static void tear_down(void)
{
    sqlite3_close(db);
}

/* The query as FTS5 reads it, or why it is refused. */
static const char *as_fts5(const char *query, enum archive_fts fts)
{
    static char text[9000];
    struct archive_words w;
    struct archive_matcher m;
    char why[WORDS_WHY];

    if (archive_words_parse(&w, str_c(query), why) != OK) {
        snprintf(text, sizeof text, "! %s", why);
        return text;
    }
    if (archive_matcher_init(&m, db, fts, &w, why) != OK) snprintf(text, sizeof text, "! %s", why);
    else snprintf(text, sizeof text, "%s", m.fts5.p);
    archive_matcher_fini(&m);
    return text;
}

START_TEST(words_are_quoted_and_all_wanted)
{
    ck_assert_str_eq(as_fts5("kyoto hotel", ARCHIVE_FTS_UNICODE), "((\"kyoto\" AND \"hotel\"))");
    ck_assert_str_eq(as_fts5("  a\tAND\nb ", ARCHIVE_FTS_UNICODE), "((\"a\" AND \"b\"))");
    ck_assert_str_eq(as_fts5("content:x NEAR(a b) ^c", ARCHIVE_FTS_UNICODE),
                     "((\"content:x\" AND \"NEAR(a\" AND \"b)\" AND \"^c\"))");
    ck_assert_str_eq(as_fts5("and or not", ARCHIVE_FTS_UNICODE), "((\"and\" AND \"or\" AND \"not\"))");
}
END_TEST

START_TEST(phrases_prefixes_and_exclusions_are_understood)
{
    ck_assert_str_eq(as_fts5("\"late checkout\" kyot*", ARCHIVE_FTS_UNICODE), "((\"late checkout\" AND \"kyot\" *))");
    ck_assert_str_eq(as_fts5("kyoto -train NOT \"by bus\"", ARCHIVE_FTS_UNICODE),
                     "((\"kyoto\") NOT (\"train\" OR \"by bus\"))");
    ck_assert_str_eq(as_fts5("-a b OR c NOT d", ARCHIVE_FTS_UNICODE), "((\"b\") NOT (\"a\")) OR ((\"c\") NOT (\"d\"))");
    ck_assert_str_eq(as_fts5("well-known - x*y", ARCHIVE_FTS_UNICODE), "((\"well-known\" AND \"x*y\"))");
    ck_assert_str_eq(as_fts5("kyot*", ARCHIVE_FTS_TRIGRAM), "((\"kyot\"))");
}
END_TEST

START_TEST(what_the_tokenizer_makes_nothing_of_is_left_out)
{
    ck_assert_str_eq(as_fts5("hello \xe2\x80\x94 world !!!", ARCHIVE_FTS_UNICODE), "((\"hello\" AND \"world\"))");
    ck_assert_str_eq(as_fts5("... OR a", ARCHIVE_FTS_UNICODE), "((\"a\"))");
    ck_assert_str_eq(as_fts5("of the kyoto", ARCHIVE_FTS_TRIGRAM), "((\"the\" AND \"kyoto\"))");
    ck_assert_str_eq(as_fts5("\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", ARCHIVE_FTS_TRIGRAM),
                     "((\"\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd\"))");
}
END_TEST

START_TEST(what_cannot_be_searched_for_is_explained)
{
    char many[400] = "", wide[600] = "\"";

    for (int i = 0; i <= WORDS_MAX; i++) strcat(many, "word ");
    for (int i = 0; i <= MATCH_TOKENS; i++) strcat(wide, "a b c d ");
    strcat(wide, "\"");
    ck_assert_str_eq(as_fts5("a \"b", ARCHIVE_FTS_UNICODE), "! the quote at character 3 of the query is not closed");
    ck_assert_str_eq(as_fts5("", ARCHIVE_FTS_UNICODE),
                     "! the query has nothing to look for: a word that is not excluded is needed");
    ck_assert_str_eq(as_fts5("-a", ARCHIVE_FTS_UNICODE),
                     "! the query has nothing to look for: a word that is not excluded is needed");
    ck_assert_str_eq(as_fts5("a OR", ARCHIVE_FTS_UNICODE),
                     "! the query has nothing to look for: a word that is not excluded is needed");
    ck_assert_str_eq(as_fts5("a NOT", ARCHIVE_FTS_UNICODE), "! nothing follows NOT in the query");
    ck_assert_str_eq(as_fts5("!?", ARCHIVE_FTS_UNICODE),
                     "! the query has nothing to look for: it has neither letters nor digits");
    ck_assert_str_eq(as_fts5("of a", ARCHIVE_FTS_TRIGRAM),
                     "! the query has nothing to look for: archive-fts trigram needs three characters in a row");
    ck_assert_str_eq(as_fts5(many, ARCHIVE_FTS_UNICODE), "! a search has at most 32 words and phrases");
    ck_assert_str_eq(as_fts5(wide, ARCHIVE_FTS_UNICODE),
                     "! the query is too long: at most 64 words, those of phrases included");
}
END_TEST

/* --- against FTS5 itself --------------------------------------------------------------------------------- */

static void run(const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) ck_abort_msg("%s: %s", sql, why);
}

/* Pieces that make trouble: operators, quotes, accents, halves of characters. */
static const char *const pieces[] = {
    "kyoto", "Kyoto", "KYOTO", "caf\xc3\xa9", "cafe", "cafe\xcc\x81", "CAF\xc3\x89", "a", "b", "ab", "OR", "AND", "NOT", "NEAR(",
    "\"", "\"", "*", "-", "(", ")", "{", "}", ":", "^", "+", "'", "\\", "\\u00e9", ".", ",", "\xe6\x9d\xb1\xe4\xba\xac",
    "\xe6\x9d\xb1", "\xff", "\xc3", "\xe2\x80", "\xf0\x9f\x98\x80", "stra\xc3\x9f" "e", "\xc3\x85ngstr\xc3\xb6m", "angstrom", "1", "42", "4.2",
    "content", "rowid", ";", "--", "/*", "\t", "\x01", "x_y", "don't", "\xe2\x84\xaa", "k",
};

static size_t random_text(struct rng *r, char *out, size_t max)
{
    size_t n = 0;

    for (uint64_t left = 1 + rng_below(r, max); left > 0; left--) {
        const char *p = pieces[rng_below(r, sizeof pieces / sizeof *pieces)];
        memcpy(out + n, p, strlen(p));
        n += strlen(p);
        if (rng_below(r, 3) > 0) out[n++] = ' ';
        if (rng_below(r, 40) == 0) out[n++] = (char)(1 + rng_below(r, 255));
    }
    return n;
}

enum { TEXTS = 60 };

/* Whatever is typed, FTS5 takes it without an error, and finds the same texts as the matcher; the sieve lets all
 * of them pass. */
static void compare_with_fts5(enum archive_fts fts, uint64_t queries)
{
    static char texts[TEXTS][1024];
    size_t lengths[TEXTS];
    sqlite3_stmt *put, *ask;
    uint64_t hits = 0, asked = 0, passed = 0;
    struct rng r;

    unit_rng(&r);
    run(fts == ARCHIVE_FTS_TRIGRAM ? "CREATE VIRTUAL TABLE t USING fts5(content, tokenize = 'trigram')"
                                   : "CREATE VIRTUAL TABLE t USING fts5(content, tokenize = 'unicode61 remove_diacritics 2')");
    ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT INTO t (rowid, content) VALUES (?1, ?2)", -1, &put, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT 1 FROM t WHERE t MATCH ?1 AND rowid = ?2", -1, &ask, NULL), SQLITE_OK);
    for (int i = 0; i < TEXTS; i++) {
        lengths[i] = random_text(&r, texts[i], 24);
        sqlite3_bind_int(put, 1, i + 1);
        sqlite3_bind_text(put, 2, texts[i], (int)lengths[i], SQLITE_STATIC);
        ck_assert_int_eq(sqlite3_step(put), SQLITE_DONE);
        sqlite3_reset(put);
    }
    for (uint64_t q = 0; q < queries; q++) {
        char query[512], why[WORDS_WHY];
        size_t n = random_text(&r, query, 5);
        struct archive_words w;
        struct archive_matcher m;
        struct archive_sieve sieve;
        if (archive_words_parse(&w, str_of(query, n), why) != OK) continue;
        archive_sieve_make(&sieve, &w, fts == ARCHIVE_FTS_TRIGRAM ? 3 : 1);
        if (archive_matcher_init(&m, db, fts, &w, why) == OK && !m.everything) {
            asked++;
            for (int i = 0; i < TEXTS; i++) {
                struct archive_match found;
                struct archive_sifted v = { 0 };
                bool here = archive_match(&m, str_of(texts[i], lengths[i]), &found);
                bool pass = archive_sieve_look(&sieve, &v, str_of(texts[i], lengths[i]));
                int code;
                sqlite3_bind_text(ask, 1, m.fts5.p, -1, SQLITE_STATIC);
                sqlite3_bind_int(ask, 2, i + 1);
                code = sqlite3_step(ask);
                if (code != SQLITE_ROW && code != SQLITE_DONE) ck_abort_msg("%s: %s", m.fts5.p, sqlite3_errmsg(db));
                sqlite3_reset(ask);
                if (here != (code == SQLITE_ROW)) {
                    ck_abort_msg("%s: FTS5 %d, matcher %d: %.*s", m.fts5.p, code == SQLITE_ROW, here, (int)lengths[i], texts[i]);
                }
                if (here && !pass) ck_abort_msg("%s: lost by the sieve: %.*s", m.fts5.p, (int)lengths[i], texts[i]);
                hits += here;
                passed += pass;
            }
        }
        archive_matcher_fini(&m);
    }
    sqlite3_finalize(put);
    sqlite3_finalize(ask);
    printf("%" PRIu64 " queries, %" PRIu64 " hits, %" PRIu64 " passed the sieve\n", asked, hits, passed);
    ck_assert_uint_gt(asked, queries / 4);
    ck_assert_uint_gt(hits, queries / 4);
}

START_TEST(fts5_and_the_matcher_agree_on_words)
{
    compare_with_fts5(ARCHIVE_FTS_UNICODE, 1500);
}
END_TEST

START_TEST(fts5_and_the_matcher_agree_on_trigrams)
{
    compare_with_fts5(ARCHIVE_FTS_TRIGRAM, 1000);
}
END_TEST

/* --- the sieve ------------------------------------------------------------------------------------------- */

static bool passes(const char *query, const char *text)
{
    struct archive_words w;
    struct archive_sieve s;
    struct archive_sifted v = { 0 };
    char why[WORDS_WHY];

    ck_assert_int_eq(archive_words_parse(&w, str_c(query), why), OK);
    archive_sieve_make(&s, &w, 1);
    return archive_sieve_look(&s, &v, str_c(text));
}

START_TEST(the_sieve_holds_back_what_lacks_a_word)
{
    ck_assert(passes("kyoto hotel", "a Hotel in KYOTO"));
    ck_assert(!passes("kyoto hotel", "a house in kyoto"));
    ck_assert(passes("kyoto osaka OR hotel", "a hotel"));
    ck_assert(!passes("kyoto -train", "a train"));
    ck_assert(passes("kyoto -train", "a train to kyoto"));
    ck_assert(!passes("abcdefgh", "abcdefg"));
    ck_assert(passes("*", ""));
    ck_assert(passes("\xe6\x9d\xb1\xe4\xba\xac", "nothing"));
}
END_TEST

START_TEST(the_sieve_lets_accents_and_escapes_pass)
{
    ck_assert(passes("cafe", "un caf\xc3\xa9 noir"));
    ck_assert(passes("cafe", "un cafe\xcc\x81 noir"));
    ck_assert(passes("cafe", "{\"content\": \"un caf\\u00e9 noir\"}"));
    ck_assert(passes("caf\xc3\xa9", "un cafe noir"));
    ck_assert(passes("angstrom", "\\u00c5ngstr\\u00f6m"));
    ck_assert(passes("u00e9", "literally u00e9"));
    ck_assert(passes("kyoto", "line\\nkyoto"));
    ck_assert(!passes("cafe", "{\"content\": \"un caf noir\"}"));
}
END_TEST

/* Few letters, so that runs are met often, also across what is not plain. */
static size_t random_piece(struct rng *r, char *out, size_t max)
{
    static const char *const odd[] = { "\xc3\xa9", "\\u00e9", "\\u00E9", "\\n", "\\", "\\u12", "\xcc\x81", "\xff", "\xe6\x9d\xb1", "u" };
    uint64_t one_in = 1 + rng_below(r, 60);
    size_t n = 0, want = rng_below(r, max - 8);

    while (n < want) {
        if (rng_below(r, one_in) == 0) {
            const char *p = odd[rng_below(r, sizeof odd / sizeof *odd)];
            memcpy(out + n, p, strlen(p));
            n += strlen(p);
        } else {
            out[n++] = "abAB e0 .\x11"[rng_below(r, 10)];
        }
    }
    return n;
}

START_TEST(sixteen_bytes_at_once_say_what_byte_by_byte_says)
{
    enum { QUERIES = 4000, VALUES = 8 };
    uint64_t passed = 0, held = 0;
    struct rng r;

    unit_rng(&r);
    for (int q = 0; q < QUERIES; q++) {
        char query[48], why[WORDS_WHY];
        struct archive_words w;
        struct archive_sieve s, slow;
        size_t n = random_piece(&r, query, sizeof query);
        if (archive_words_parse(&w, str_of(query, n), why) != OK) continue;
        archive_sieve_make(&s, &w, 1);
        slow = s;
        slow.n_runs = SIEVE_RUNS + 1;
        for (int i = 0; i < VALUES; i++) {
            struct archive_sifted fast_v = { 0 }, slow_v = { 0 };
            bool fast_passes = false, slow_passes = false;
            for (uint64_t left = 1 + rng_below(&r, 3); left > 0 && !slow_passes; left--) {
                size_t len;
                char text[200], *piece;
                len = random_piece(&r, text, sizeof text);
                piece = mem_dup(text, len); /* its end is the end of an allocation */
                fast_passes = archive_sieve_look(&s, &fast_v, str_of(piece, len));
                slow_passes = archive_sieve_look(&slow, &slow_v, str_of(piece, len));
                if (fast_passes != slow_passes || (!slow_passes && fast_v.seen != slow_v.seen))
                    ck_abort_msg("'%.*s' in '%.*s': %d, byte by byte %d", (int)n, query, (int)len, piece, fast_passes, slow_passes);
                mem_free(piece);
            }
            if (slow_passes) passed++;
            else held++;
        }
    }
    printf("%" PRIu64 " passed, %" PRIu64 " held back\n", passed, held);
    ck_assert_uint_gt(passed, QUERIES / 2);
    ck_assert_uint_gt(held, QUERIES / 2);
}
END_TEST

START_TEST(pieces_of_a_value_do_not_touch_but_add_up)
{
    struct archive_words w;
    struct archive_sieve s;
    struct archive_sifted v = { 0 };
    char why[WORDS_WHY];

    ck_assert_int_eq(archive_words_parse(&w, STR("kyoto hotel"), why), OK);
    archive_sieve_make(&s, &w, 1);
    ck_assert(!archive_sieve_look(&s, &v, STR("kyo")));
    ck_assert(!archive_sieve_look(&s, &v, STR("to hotel")));
    ck_assert(archive_sieve_look(&s, &v, STR("Kyoto")));
}
END_TEST

/* --- showing --------------------------------------------------------------------------------------------- */

static const char *shown(const char *query, const char *text, enum archive_fts fts)
{
    static char out[4096];
    struct archive_words w;
    struct archive_matcher m;
    struct buf b = { .n = 0 };
    char why[WORDS_WHY];

    ck_assert_int_eq(archive_words_parse(&w, str_c(query), why), OK);
    ck_assert_int_eq(archive_matcher_init(&m, db, fts, &w, why), OK);
    archive_match_show(&m, str_c(text), STR("<"), STR(">"), &b);
    ck_assert_uint_lt(b.n, sizeof out);
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    buf_fini(&b);
    archive_matcher_fini(&m);
    return out;
}

START_TEST(words_and_phrases_are_marked_whole)
{
    ck_assert_str_eq(shown("kyoto", "Kyoto, kyoto; kyotos", ARCHIVE_FTS_UNICODE), "<Kyoto>, <kyoto>; kyotos");
    ck_assert_str_eq(shown("kyot*", "Kyoto, kyotos", ARCHIVE_FTS_UNICODE), "<Kyoto>, <kyotos>");
    ck_assert_str_eq(shown("\"late check out\" late", "too late, check out late", ARCHIVE_FTS_UNICODE),
                     "too <late, check out> <late>");
    ck_assert_str_eq(shown("cafe -tea", "caf\xc3\xa9 or tea", ARCHIVE_FTS_UNICODE), "<caf\xc3\xa9> or tea");
    ck_assert_str_eq(shown("yot", "Kyoto yo", ARCHIVE_FTS_TRIGRAM), "K<yot>o yo");
    ck_assert_str_eq(shown("kyoto", "Kyoto", ARCHIVE_FTS_TRIGRAM), "<Kyoto>");
}
END_TEST

START_TEST(of_a_long_text_the_part_around_the_words_is_shown)
{
    static char text[40000];
    const char *out;

    for (size_t i = 0; i + 6 < sizeof text; i += 6) memcpy(text + i, "\xc3\xa9t\xc3\xa9 ", 6);
    memcpy(text + 19998, "kyoto ", 6);
    out = shown("kyoto", text, ARCHIVE_FTS_UNICODE);
    ck_assert_ptr_nonnull(strstr(out, "<kyoto>"));
    ck_assert_uint_lt(strlen(out), SHOW_BYTES + 32);
    ck_assert(strncmp(out, "\xe2\x80\xa6\xc3\xa9t\xc3\xa9", 8) == 0);
    ck_assert_str_eq(out + strlen(out) - 3, "\xe2\x80\xa6");
}
END_TEST

UNIT_MAIN_AROUND("archive_words", set_up, tear_down, words_are_quoted_and_all_wanted,
                 phrases_prefixes_and_exclusions_are_understood, what_the_tokenizer_makes_nothing_of_is_left_out,
                 what_cannot_be_searched_for_is_explained, fts5_and_the_matcher_agree_on_words,
                 fts5_and_the_matcher_agree_on_trigrams, the_sieve_holds_back_what_lacks_a_word,
                 the_sieve_lets_accents_and_escapes_pass, pieces_of_a_value_do_not_touch_but_add_up,
                 sixteen_bytes_at_once_say_what_byte_by_byte_says, words_and_phrases_are_marked_whole,
                 of_a_long_text_the_part_around_the_words_is_shown)
