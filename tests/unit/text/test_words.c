#include <libstemmer.h>
#include <sqlite3.h>

#include "base/utf8.h"
#include "tests/unit/unit.h"
#include "text/words.h"

/* --- FTS5's tokenizer, to compare with ------------------------------------------------------------------------- */

struct fts5 {
    sqlite3 *db;
    fts5_tokenizer api;
    Fts5Tokenizer *tokenizer;
};

static void fts5_open(struct fts5 *f)
{
    const char *args[] = { "remove_diacritics", "2" };
    sqlite3_stmt *st;
    fts5_api *api = NULL;
    void *of;

    ck_assert_int_eq(sqlite3_open(":memory:", &f->db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(f->db, "SELECT fts5(?1)", -1, &st, NULL), SQLITE_OK);
    sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(st);
    sqlite3_finalize(st);
    ck_assert_int_eq(api->xFindTokenizer(api, "unicode61", &of, &f->api), SQLITE_OK);
    ck_assert_int_eq(f->api.xCreate(of, args, 2, &f->tokenizer), SQLITE_OK);
}

static void fts5_close(struct fts5 *f)
{
    f->api.xDelete(f->tokenizer);
    sqlite3_close(f->db);
}

static int say(void *ctx, int flags, const char *p, int n, int from, int to)
{
    (void)flags;
    buf_add(ctx, p, (size_t)n);
    buf_printf(ctx, "<%d-%d>", from, to);
    return SQLITE_OK;
}

static void expect_as_fts5(struct fts5 *f, struct str text)
{
    struct buf want = { 0 }, got = { 0 };
    struct words w;

    f->api.xTokenize(f->tokenizer, &want, FTS5_TOKENIZE_DOCUMENT, text.p, (int)text.n, say);
    words_open_as(&w, text, WORDS_AS_FTS5);
    while (words_next(&w)) say(&got, 0, w.word.p, (int)w.word.n, (int)w.at, (int)(w.at + w.len));
    expect_str(buf_str(&got), buf_str(&want));
    buf_fini(&want);
    buf_fini(&got);
}

static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

START_TEST(every_character_is_what_fts5_takes_it_for)
{
    struct fts5 f;
    char text[4096];
    size_t n = 0;

    fts5_open(&f);
    for (uint32_t c = 1; c < 0x110000; c++) { /* at the beginning, within, and at the end of a word; many in one go */
        n += encode(c, text + n);
        text[n++] = 'b';
        n += encode(c, text + n);
        text[n++] = 'B';
        n += encode(c, text + n);
        text[n++] = ' ';
        if (n < sizeof text - 32 && c != 0x10ffff) continue;
        expect_as_fts5(&f, str_of(text, n));
        n = 0;
    }
    fts5_close(&f);
}
END_TEST

START_TEST(texts_of_any_bytes_are_cut_as_fts5_cuts_them)
{
    static const char *const pieces[] = { "a", "B", " ", "_", "\\", "\xc3\xa9", "\xcc\x81", "\xc3", "\x80", "\xe4\xb8\xad",
        "\xf0\x9f\x98\x80", "\xf0", "\xff", "\xed\xa0\x80", "\xf7\xbf\xbf\xbf", "\xe0\x80\x81", "\0", "\xf4\x90\x80\x80",
        "\xfb\xbf\xbf\xbf\xbf\xbf\xbf", "-", "\xc4\xb0", "\xe2\x84\xaa", "\xef\xbf\xbf", "\xce\xa3" };
    struct buf text = { 0 };
    struct rng r;
    struct fts5 f;

    fts5_open(&f);
    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        buf_clear(&text);
        for (uint64_t k = rng_below(&r, 12) + 1; k > 0; k--) {
            const char *piece = pieces[rng_below(&r, sizeof pieces / sizeof *pieces)];
            if (rng_below(&r, 20) == 0) buf_add_char(&text, (char)rng_next(&r));
            else buf_add(&text, piece, *piece == '\0' ? 1 : strlen(piece));
        }
        expect_as_fts5(&f, buf_str(&text));
    }
    buf_fini(&text);
    fts5_close(&f);
}
END_TEST

/* ASCII is read by eight bytes: each byte at each place among them, within letters and digits and alone. */
START_TEST(a_byte_separates_or_not_wherever_it_stands)
{
    static const char around[] = "Za9bYc0dXe1fWg2hVi3j"; /* 20 */
    struct buf text = { 0 };
    struct fts5 f;

    fts5_open(&f);
    for (int byte = 0; byte < 256; byte++) {
        for (size_t before = 0; before <= 10; before++) {
            for (size_t after = 0; after <= 10; after += 5) {
                buf_clear(&text);
                buf_add(&text, around, before);
                buf_add_char(&text, (char)byte);
                buf_add(&text, around + before, after);
                expect_as_fts5(&f, buf_str(&text));
            }
        }
    }
    buf_fini(&text);
    fts5_close(&f);
}
END_TEST

/* --- what differs from FTS5 ---------------------------------------------------------------------------------------- */

static void expect_words(unsigned how, const char *text, const char *want)
{
    struct buf got = { 0 };
    struct words w;

    words_open_as(&w, str_c(text), how);
    while (words_next(&w)) {
        if (got.n > 0) buf_add_char(&got, '|');
        buf_add_str(&got, w.word);
        ck_assert(w.len > 0 && w.at + w.len <= strlen(text));
    }
    expect_str(buf_str(&got), str_c(want));
    buf_fini(&got);
}

START_TEST(underscores_and_what_is_escaped_belong_to_words)
{
    expect_words(0, "user_id=4, Foo_Bar", "user_id|4|foo_bar");
    expect_words(0, "a\\-b c\\ d e\\", "a-b|c d|e");
    expect_words(0, "\\-x \\\\ \\\xc3\x89", "-x|\\|é");
    expect_words(0, "don't e-mail", "don|t|e|mail");
    expect_words(WORDS_AS_FTS5, "user_id a\\-b", "user|id|a|b");
    expect_words(WORDS_AS_FTS5, "Stra\xc3\x9f" "e \xc3\x84rger Vi\xe1\xbb\x87t", "stra\xc3\x9f" "e|arger|viet");
}
END_TEST

/* Names that differ in a character are not the same. */
START_TEST(beyond_ascii_words_are_exact_but_for_case)
{
    expect_words(0, "José JOSÉ Jose\xcc\x81 jose", "josé|josé|jose\xcc\x81|jose");
    expect_words(0, "tom tom❤️ Tom❤ 👩‍👩‍👧 €5 5€ x²", "tom|tom❤️|tom❤|👩‍👩‍👧|€5|5€|x²");
    expect_words(0, "Anne–Marie “hi” 日本。 ジョン・スミス 山田\xe3\x80\x80太郎", "anne–marie|“hi”|日本。|ジョン・スミス|山田\xe3\x80\x80太郎");
    expect_words(0, "a\xc2\xa0" "b a\\–b ❤-❤", "a\xc2\xa0" "b|a–b|❤|❤");
    expect_words(0, "ΣΊΣΥΦΟΣ Σίσυφος STRASSE Straße STRAẞE Привет ԱԲ Ꭰꭰ 𐐀", "σίσυφοσ|σίσυφοσ|strasse|straße|straße|привет|աբ|ᎠᎠ|𐐨");
    expect_words(0, "İstanbul ISTANBUL ıstanbul ŞIK", "İstanbul|istanbul|ıstanbul|şik");
    expect_words(0, "\xff \xc3 a\xe4\xb8 \xed\xa0\x80", "\xed\xb3\xbf|\xed\xb3\x83|a\xed\xb3\xa4\xed\xb2\xb8|"
                    "\xed\xb3\xad\xed\xb2\xa0\xed\xb2\x80");
    expect_words(0, "\xed\xb3\xbf", "\xed\xb3\xbf"); /* bytes that are no UTF-8: each another one, and none is a letter */
}
END_TEST

/* What is not ASCII belongs to words, and no two characters are the same but for case, which is one step: a small letter stays. */
START_TEST(each_character_is_itself_or_its_small_letter)
{
    uint32_t n_folded = 0;

    for (uint32_t c = 0x80; c < 0x110000; c++) {
        char text[8], again[8];
        struct words w;
        size_t n = encode(c, text);
        uint32_t low;

        if (c >= 0xd800 && c < 0xe000) continue;
        words_open(&w, str_of(text, n));
        ck_assert(words_next(&w) && w.at == 0 && w.len == n);
        ck_assert_uint_eq(utf8_take(w.word, &low), w.word.n);
        if (low == c) continue;
        n_folded++;
        n = encode(low, again);
        words_open(&w, str_of(again, n));
        ck_assert(words_next(&w));
        expect_str(w.word, str_of(again, n));
    }
    ck_assert_uint_eq(n_folded, 1428); /* the simple foldings of Unicode 14, but for those of ASCII */
}
END_TEST

START_TEST(chinese_characters_are_words_where_that_is_asked_for)
{
    expect_words(0, "\xe5\x8c\x97\xe4\xba\xac 2008", "\xe5\x8c\x97\xe4\xba\xac|2008");
    expect_words(WORDS_HAN_APART, "北京，“大❤”。José　\u4e2d", "北|京|大|❤|josé|中");
    expect_words(WORDS_HAN_APART, "\xe5\x8c\x97\xe4\xba\xac" "abc\xe5\xa4\xa7", "\xe5\x8c\x97|\xe4\xba\xac|abc|\xe5\xa4\xa7");
}
END_TEST

START_TEST(a_long_word_is_cut_between_characters)
{
    struct buf text = { 0 };
    struct words w;

    buf_add_char(&text, 'a');
    for (int i = 0; i < 1000; i++) buf_add_c(&text, "\xe4\xb8\xad");
    words_open_as(&w, buf_str(&text), WORDS_AS_FTS5);
    ck_assert(words_next(&w));
    ck_assert_uint_eq(w.len, 3001);
    ck_assert(w.word.n <= WORD_MAX && w.word.n > WORD_MAX - 4 && w.word.n % 3 == 1);
    ck_assert(!words_next(&w));
    buf_fini(&text);
}
END_TEST

/* The word that text begins with, copied to out. */
static struct str first_word(struct str text, char out[WORD_MAX])
{
    struct words w;

    words_open(&w, text);
    ck_assert(words_next(&w) && w.len == text.n);
    memcpy(out, w.word.p, w.word.n);
    return str_of(out, w.word.n);
}

/* Long names that begin alike: of each length around the bound one that ends in another letter is another word, the one in capitals the same. */
START_TEST(long_words_stay_apart)
{
    static const char *const ends[] = { "x", "X", "é", "É", "❤", "❤️", "\\x", "\\." };
    static const int same[] = { 0, 0, 1, 1, 2, 3, 0, 4 };
    enum { N = sizeof ends / sizeof *ends };
    struct buf text = { 0 };
    char words[N][WORD_MAX];

    for (size_t n = WORD_MAX - 8; n < 3 * WORD_MAX; n += n > WORD_MAX + 8 ? 97 : 1) {
        struct str got[N];

        for (size_t i = 0; i < N; i++) {
            buf_clear(&text);
            for (size_t k = 0; k < n; k++) buf_add_char(&text, i % 2 ? 'N' : 'n');
            buf_add_c(&text, ends[i]);
            got[i] = first_word(buf_str(&text), words[i]);
            ck_assert(got[i].n <= WORD_MAX && utf8_valid(got[i]) && memcmp(got[i].p, "nnnnnnnn", 8) == 0);
            for (size_t k = 0; k < i; k++) ck_assert_int_eq(str_eq(got[i], got[k]), same[i] == same[k]);
        }
    }
    buf_fini(&text);
}
END_TEST

static void expect_some_as_next(struct str text, size_t n_room, size_t max, unsigned how)
{
    char *exact = mem_dup(text.p, text.n); /* ends where the allocation does: no read behind it */
    uint64_t *room = mem_alloc(n_room);
    struct str words[16], same = str_of(exact, text.n);
    struct words a, b;
    size_t n;

    words_open_as(&a, same, how);
    words_open_as(&b, same, how);
    while ((n = words_some(&a, words, max, (char *)room, n_room)) > 0) {
        for (size_t i = 0; i < n; i++) {
            ck_assert(words_next(&b));
            expect_str(words[i], b.word);
            ck_assert_uint_eq((size_t)(words[i].p - (char *)room) % 8, 0);
            for (size_t k = words[i].n; k % 8 != 0; k++) ck_assert_int_eq(words[i].p[k], 0);
        }
    }
    ck_assert(!words_next(&b));
    mem_free(exact);
    mem_free(room);
}

START_TEST(words_at_once_are_those_one_by_one)
{
    static const char *const parts[] = { "a",  "Bc", "the",    "WORDS",  "seven77", "eight888", "nine99999", "sixteen-letters16",
                                         " ",  " ",  " ",      ", ",     "_",       "\\-",      "\xc3\xa9", "\xe4\xb8\xad",
                                         "\0", "'",  "\xff",   "\xcc\x81", "abcdefghijklmnop" };
    struct buf text = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 30000; i++) {
        size_t n = rng_below(&r, 12);

        buf_clear(&text);
        for (size_t k = 0; k < n; k++) {
            size_t part = rng_below(&r, sizeof parts / sizeof *parts);
            buf_add(&text, parts[part], parts[part][0] ? strlen(parts[part]) : 1);
        }
        if (i % 100 == 0)
            for (size_t k = rng_below(&r, 2000); k > 0; k--) buf_add_char(&text, 'x');
        expect_some_as_next(buf_str(&text), WORDS_ROOM, 1 + rng_below(&r, 16), i % 2 ? 0 : WORDS_HAN_APART);
    }
    buf_fini(&text);
}
END_TEST

/* Texts of any length up to a few times 64 bytes, of few kinds of bytes: words begin and end at every place of 64. */
START_TEST(plain_texts_have_the_same_words)
{
    static const char kinds[] = "aZ09__  .-~@[`{/:Qx";
    char text[400], folded[400 + WORDS_PLAIN_ROOM];
    struct word_span spans[400 / 2 + 1];
    struct words w;
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 20000; i++) {
        size_t n = rng_below(&r, 200), found, at = 0;
        size_t few = 2 + rng_below(&r, sizeof kinds - 2);

        for (size_t k = 0; k < n; k++) text[k] = kinds[rng_below(&r, few)];
        found = words_plain(str_of(text, n), folded, spans);
        ck_assert_uint_ne(found, WORDS_NOT_PLAIN);
        for (words_open(&w, str_of(text, n)); words_next(&w); at++) {
            ck_assert_uint_lt(at, found);
            ck_assert_uint_eq(spans[at].at, w.at);
            expect_str(str_of(folded + spans[at].at, spans[at].n), w.word);
        }
        ck_assert_uint_eq(at, found);
        if (n == 0) continue;
        text[rng_below(&r, n)] = i % 2 ? '\\' : (char)(0x80 + rng_below(&r, 128));
        ck_assert_uint_eq(words_plain(str_of(text, n), folded, spans), WORDS_NOT_PLAIN);
    }
    ck_assert_uint_eq(words_plain(str_of(text, WORDS_PLAIN_MAX + 1), folded, spans), WORDS_NOT_PLAIN);
}
END_TEST

START_TEST(folding_keeps_what_separates)
{
    struct buf out = { 0 };

    words_fold(STR("Caf\xc3\xa9-BAR, *"), WORDS_AS_FTS5, &out);
    expect_str(buf_str(&out), STR("cafe-bar, *"));
    buf_fini(&out);
}
END_TEST

/* --- languages ------------------------------------------------------------------------------------------------------- */

START_TEST(stemmers_are_found_by_name_in_any_case)
{
    struct stemmer *s = stemmer_new(STR("English"));

    expect_str(stemmer_stem(s, STR("running")), STR("run"));
    expect_str(stemmer_stem(s, STR("cities")), STR("citi"));
    stemmer_free(&s);
    ck_assert_ptr_null(s);
    s = stemmer_new(STR("german"));
    expect_str(stemmer_stem(s, STR("hauses")), STR("haus"));
    stemmer_free(&s);
    ck_assert_ptr_null(stemmer_new(STR("klingon")));
    ck_assert_ptr_null(stemmer_new(STR("en")));
    ck_assert(stemmer_knows(STR("RUSSIAN")) && !stemmer_knows(STR("")) && !stemmer_knows(STR("chinese")));
    ck_assert(language_is_known(STR("Chinese")) && !language_is_known(STR("elvish")));
}
END_TEST

/* Snowball itself, which "english" is asked only about some words of: made of endings, and of letters by chance. */
START_TEST(english_words_have_the_stems_of_snowball)
{
    static const char *const parts[] = { "s", "es", "ies", "'s", "ed", "eed", "ing", "ly", "ational", "izer", "ator", "fulness", "iviti", "ous", "able", "ive", "ful",
                                         "ment", "ness", "y", "e", "l", "a", "b", "f", "h", "o", "u", "x", "z", "k", "w", "9", "run", "hop", "general", "'", "é" };
    struct sb_stemmer *snowball = sb_stemmer_new("english", "UTF_8");
    struct stemmer *s = stemmer_new(STR("english"));
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < 100000; i++) {
        char word[128];
        size_t n = 0;
        const sb_symbol *stem;

        for (uint64_t k = 1 + rng_below(&r, 4); k > 0; k--) {
            const char *part = parts[rng_below(&r, sizeof parts / sizeof *parts)];

            memcpy(word + n, part, strlen(part));
            n += strlen(part);
            if (rng_below(&r, 3) == 0) word[n++] = (char)('a' + rng_below(&r, 26));
        }
        stem = sb_stemmer_stem(snowball, (const sb_symbol *)word, (int)n);
        expect_str(stemmer_stem(s, str_of(word, n)), str_of(stem, (size_t)sb_stemmer_length(snowball)));
    }
    sb_stemmer_delete(snowball);
    stemmer_free(&s);
}
END_TEST

START_TEST(the_usual_stop_words_are_33_in_order)
{
    size_t n = 0;

    for (; stop_words_english[n] != NULL; n++)
        if (n > 0) ck_assert_int_lt(strcmp(stop_words_english[n - 1], stop_words_english[n]), 0);
    ck_assert_uint_eq(n, 33);
}
END_TEST

UNIT_MAIN("words", every_character_is_what_fts5_takes_it_for, texts_of_any_bytes_are_cut_as_fts5_cuts_them,
          a_byte_separates_or_not_wherever_it_stands,
          underscores_and_what_is_escaped_belong_to_words,
          beyond_ascii_words_are_exact_but_for_case, each_character_is_itself_or_its_small_letter, long_words_stay_apart, chinese_characters_are_words_where_that_is_asked_for,
          a_long_word_is_cut_between_characters, words_at_once_are_those_one_by_one, plain_texts_have_the_same_words, folding_keeps_what_separates, stemmers_are_found_by_name_in_any_case, english_words_have_the_stems_of_snowball,
          the_usual_stop_words_are_33_in_order)
