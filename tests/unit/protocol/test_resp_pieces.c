/* The same bytes, however they arrive, mean the same: recorded and random conversations. */
#include "tests/unit/protocol/feed.h"
#include "tests/unit/protocol/reference.h"
#include "tests/unit/unit.h"

#define RECORDED \
    "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" \
    "*5\r\n$3\r\nSET\r\n$9\r\nsession:1\r\n$12\r\n{\"turn\": 12}\r\n$2\r\nEX\r\n$4\r\n3600\r\n" \
    "*0\r\n" \
    "SET \"a key\" 'a value' \r\n" \
    "\r\n" \
    "*3\r\n$5\r\nRPUSH\r\n$9\r\nsession:1\r\n$0\r\n\r\n" \
    "*-1\r\n" \
    "PING\n" \
    "*2\r\n$3\r\nGET\r\n$20\r\n*1\r\n$4\r\nPING\r\n\0\0\0\0\0\0\r\n" \
    "*1\r\n$4\r\nQUIT\r\n"

START_TEST(a_recorded_conversation_may_be_cut_anywhere)
{
    expect_parsed(RECORDED, "5:HELLO 1:3\n"
                            "3:SET 9:session:1 12:{\"turn\": 12} 2:EX 4:3600\n"
                            "\n"
                            "3:SET 5:a key 7:a value\n"
                            "\n"
                            "5:RPUSH 9:session:1 0:\n"
                            "\n"
                            "4:PING\n"
                            "3:GET 20:*1\r\n$4\r\nPING\r\n\0\0\0\0\0\0\n"
                            "4:QUIT\n");
}
END_TEST

START_TEST(a_recorded_conversation_may_be_cut_at_any_two_places)
{
    struct str in = STR(RECORDED);
    struct buf want = { 0 }, got = { 0 };

    reference_transcript(in, &feed_after_auth, &want);
    for (size_t a = 0; a < in.n; a += 3) {
        for (size_t b = a; b < in.n; b += 3) {
            size_t ends[] = { a, b };
            feed_pieces(in, &feed_after_auth, ends, 2, &got);
            expect_str(buf_str(&got), buf_str(&want));
        }
    }
    buf_fini(&want);
    buf_fini(&got);
}
END_TEST

/* n bytes of `fill` between two texts, parsed whole and in pieces. */
static void expect_long(const char *before, char fill, size_t n, const char *after,
                        const char *want)
{
    struct buf in = { 0 }, reference = { 0 };

    buf_add_c(&in, before);
    memset(buf_room(&in, n), fill, n);
    buf_used(&in, n);
    buf_add_c(&in, after);
    reference_transcript(buf_str(&in), &feed_after_auth, &reference);
    if (want != NULL) expect_str(buf_str(&reference), str_c(want));
    feed_expect(__FILE__, __LINE__, buf_str(&in), &feed_after_auth, buf_str(&reference));
    buf_fini(&in);
    buf_fini(&reference);
}

START_TEST(a_line_is_too_long_by_one_byte)
{
    expect_long("", 'x', RESP_MAX_LINE, "", "...");
    expect_long("", 'x', RESP_MAX_LINE + 1, "", "-Protocol error: too big inline request\n");
    expect_long("", 'x', RESP_MAX_LINE, "\n", NULL);
    expect_long("", 'x', RESP_MAX_LINE - 1, "\r\n", NULL);
    expect_long("", 'x', RESP_MAX_LINE, "\r\n", "-Protocol error: too big inline request\n");
    expect_long("", ' ', RESP_MAX_LINE, "\n", "\n");
    expect_long("PING\r\n", 'x', RESP_MAX_LINE + 1, "",
                "4:PING\n-Protocol error: too big inline request\n");
}
END_TEST

START_TEST(a_line_with_a_length_is_too_long_by_one_byte)
{
    expect_long("*", '1', RESP_MAX_LINE - 1, "", "...");
    expect_long("*", '1', RESP_MAX_LINE, "", "-Protocol error: too big mbulk count string\n");
    expect_long("*", '1', RESP_MAX_LINE - 1, "\r\n", "-Protocol error: invalid multibulk length\n");
    expect_long("*", '1', RESP_MAX_LINE, "\r\n", "-Protocol error: too big mbulk count string\n");
    expect_long("*1\r\n$", '1', RESP_MAX_LINE - 1, "", "...");
    expect_long("*1\r\n$", '1', RESP_MAX_LINE, "", "-Protocol error: too big bulk count string\n");
    expect_long("*1\r\n$", '1', RESP_MAX_LINE - 1, "\r\n",
                "-Protocol error: invalid bulk length\n");
}
END_TEST

START_TEST(a_long_argument_arrives_in_pieces)
{
    expect_long("*2\r\n$3\r\nSET\r\n$200000\r\n", 'v', 200000, "\r\nPING\r\n", NULL);
    expect_long("*2\r\n$3\r\nSET\r\n$200000\r\n", '\r', 200000, "\r\n*1\r\n$1\r\nx\r\n", NULL);
}
END_TEST

/* Every byte of a request goes through a buffer of its own: slices of earlier arguments follow. */
START_TEST(slices_follow_a_buffer_that_moves)
{
    struct buf in = { 0 };
    struct resp_parser p = { 0 };
    size_t used;

    buf_add_c(&in, "*20\r\n");
    for (int i = 0; i < 20; i++) buf_printf(&in, "$3\r\na%02d\r\n", i);
    for (size_t n = 0; n < in.n; n++) {
        ck_assert_int_eq(resp_parse(&p, feed_guarded(in.p, n), n, &feed_after_auth, &used, NULL),
                         RESP_NEED_MORE);
    }
    ck_assert_int_eq(resp_parse(&p, feed_guarded(in.p, in.n), in.n, &feed_after_auth, &used, NULL),
                     RESP_REQUEST);
    ck_assert_uint_eq(p.argc, 20);
    for (int i = 0; i < 20; i++) {
        char want[8];

        snprintf(want, sizeof want, "a%02d", i);
        expect_str(p.args[i], str_c(want));
    }
    resp_fini(&p);
    buf_fini(&in);
}
END_TEST

/* --- random conversations --------------------------------------------------------------------- */

static void add_random_request(struct rng *r, struct buf *b)
{
    static const char *const lines[] = { "PING\r\n",      "SET 'a b' \"\\x41\\n\"\r\n",
                                         "\r\n",          "a\\'b\n",
                                         "GET \"k\"\r\n", "*0\r\n",
                                         "*-1\r\n",       "'\\''\n" };
    size_t n = rng_below(r, 4);

    if (rng_below(r, 3) == 0) {
        buf_add_c(b, lines[rng_below(r, sizeof lines / sizeof *lines)]);
        return;
    }
    buf_printf(b, "*%zu\r\n", n);
    for (size_t i = 0; i < n; i++) {
        size_t len = rng_below(r, 12);

        buf_printf(b, "$%zu\r\n", len);
        for (size_t k = 0; k < len; k++) buf_add_char(b, (char)('a' + rng_below(r, 26)));
        buf_add_c(b, "\r\n");
    }
}

/* Bytes that mean something, and now and then one that does not. */
static char random_byte(struct rng *r)
{
    static const char telling[] = "*$\r\n\r\n 0123456789-+\"'\\x\0\v\t";

    return rng_below(r, 8) ? telling[rng_below(r, sizeof telling)] : (char)rng_below(r, 256);
}

static void mutate(struct rng *r, struct buf *b)
{
    size_t at = rng_below(r, b->n + 1), n = rng_below(r, b->n - at + 1);
    char c = random_byte(r);

    if (n > 8) n = 8;
    switch (rng_below(r, 4)) {
    case 0:
        if (at < b->n) b->p[at] = c;
        break;
    case 1: buf_insert(b, at, &c, 1); break;
    case 2: /* take n bytes out */
        if (n > 0) memmove(b->p + at, b->p + at + n, b->n - at - n);
        b->n -= n;
        break;
    default: b->n = at; /* an end too early */
    }
}

static void make_conversation(struct rng *r, struct buf *b)
{
    buf_clear(b);
    for (uint64_t n = rng_below(r, 4); n > 0; n--) add_random_request(r, b);
    for (uint64_t n = rng_below(r, 4); n > 0; n--) mutate(r, b);
}

/* Sorted offsets at which the conversation is cut. */
static size_t cut(struct rng *r, size_t n, size_t *ends, size_t max)
{
    size_t n_ends = 0;

    for (size_t at = 0; n_ends < max; ends[n_ends++] = at) {
        at += rng_below(r, n / 3 + 2);
        if (at > n) break;
    }
    return n_ends;
}

START_TEST(random_conversations_mean_what_the_reference_says)
{
    enum { CONVERSATIONS = 120000, CUTS = 16 };
    struct buf in = { 0 }, want = { 0 }, got = { 0 };
    size_t ends[CUTS], n_good = 0, n_bad = 0;
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < CONVERSATIONS; i++) {
        const struct resp_limits *lim = rng_below(&r, 4) ? &feed_after_auth : &feed_before_auth;

        make_conversation(&r, &in);
        reference_transcript(buf_str(&in), lim, &want);
        feed_pieces(buf_str(&in), lim, NULL, 0, &got);
        expect_str(buf_str(&got), buf_str(&want));
        feed_pieces(buf_str(&in), lim, ends, cut(&r, in.n, ends, CUTS), &got);
        expect_str(buf_str(&got), buf_str(&want));
        if (memchr(want.p, '-', want.n) != NULL)
            n_bad++;
        else
            n_good++;
    }
    /* The mixture is worth something only when both happen often. */
    ck_assert_uint_gt(n_good, CONVERSATIONS / 10);
    ck_assert_uint_gt(n_bad, CONVERSATIONS / 10);
    buf_fini(&in);
    buf_fini(&want);
    buf_fini(&got);
}
END_TEST

START_TEST(random_lines_have_the_words_that_the_reference_says)
{
    static const char kinds[] = "ab \t\r\v\"\"''\\\\x4fn\0";
    enum { LINES = 200000, LENGTH = 16 };
    struct buf want = { 0 }, got = { 0 };
    struct str words[LENGTH / 2 + 1];
    char line[LENGTH], copy[LENGTH + 1];
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < LINES; i++) {
        size_t n = rng_below(&r, LENGTH + 1), n_words;

        for (size_t k = 0; k < n; k++) line[k] = kinds[rng_below(&r, sizeof kinds)];
        buf_clear(&want);
        buf_clear(&got);
        bool good = reference_words(str_of(line, n), &want);

        ck_assert_int_eq(resp_split_words(line, n, copy, words, n / 2 + 1, &n_words), good);
        if (good) feed_note_request(&got, words, n_words);
        expect_str(buf_str(&got), buf_str(&want));
    }
    buf_fini(&want);
    buf_fini(&got);
}
END_TEST

UNIT_MAIN("resp_pieces", a_recorded_conversation_may_be_cut_anywhere,
          a_recorded_conversation_may_be_cut_at_any_two_places, a_line_is_too_long_by_one_byte,
          a_line_with_a_length_is_too_long_by_one_byte, a_long_argument_arrives_in_pieces,
          slices_follow_a_buffer_that_moves, random_conversations_mean_what_the_reference_says,
          random_lines_have_the_words_that_the_reference_says)
