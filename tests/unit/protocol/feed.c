/* feed.c -- see feed.h. */
#include "tests/unit/protocol/feed.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/num.h"
#include "tests/unit/unit.h"

enum { LIMIT_ARGS = 1024 * 1024, LIMIT_BULK = 512 * 1024 * 1024 };

const struct resp_limits feed_before_auth = { 10, 16 * 1024, false };
const struct resp_limits feed_after_auth = { LIMIT_ARGS, LIMIT_BULK, true };

static char *area_new(void)
{
    char *p =
        mmap(NULL, FEED_MAX + (size_t)getpagesize(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert(p != MAP_FAILED);
    return p;
}

const char *feed_guarded(const char *p, size_t n)
{
    static char *areas[2];
    static int turn;
    char *to;

    ck_assert_uint_le(n, FEED_MAX);
    if (areas[0] == NULL) {
        areas[0] = area_new();
        areas[1] = area_new();
    }
    ck_assert_int_eq(mprotect(areas[turn], FEED_MAX, PROT_NONE), 0);
    turn = !turn;
    ck_assert_int_eq(mprotect(areas[turn], FEED_MAX, PROT_READ | PROT_WRITE), 0);
    to = areas[turn] + FEED_MAX - n;
    if (n > 0) memcpy(to, p, n);
    return to;
}

void feed_note_request(struct buf *transcript, const struct str *args, size_t n)
{
    char text[NUM_TEXT_MAX];

    for (size_t i = 0; i < n; i++) {
        if (i > 0) buf_add_char(transcript, ' ');
        buf_add(transcript, text, num_u64(text, args[i].n));
        buf_add_char(transcript, ':');
        buf_add_str(transcript, args[i]);
    }
    buf_add_char(transcript, '\n');
}

void feed_note_error(struct buf *transcript, const char *text)
{
    buf_add_char(transcript, '-');
    buf_add_c(transcript, text);
    buf_add_char(transcript, '\n');
}

void feed_note_more(struct buf *transcript)
{
    buf_add_c(transcript, "...");
}

/* Where a conversation stands. */
struct feed {
    struct resp_parser parser;
    const struct resp_limits *lim;
    size_t at;       /* requests taken so far */
    size_t promised; /* the request that begins at `at` does not end before this */
    struct buf *transcript;
};

/* Parse in[f->at..end). False: an error ends the conversation. */
static bool feed_piece(struct feed *f, struct str in, size_t end)
{
    const char *base = feed_guarded(in.p + f->at, end - f->at);
    size_t from = f->at;

    for (;;) {
        size_t used, want;
        enum resp_state st =
            resp_parse(&f->parser, base + (f->at - from), end - f->at, f->lim, &used, &want);

        if (st == RESP_BAD) {
            feed_note_error(f->transcript, f->parser.error);
            return false;
        }
        if (st == RESP_NEED_MORE) {
            ck_assert_uint_ge(want, 1);
            if (end + want > f->promised) f->promised = end + want;
            return true;
        }
        ck_assert_uint_ge(used, 1);
        f->at += used;
        ck_assert_uint_ge(f->at, f->promised);
        ck_assert_uint_le(f->at, end);
        feed_note_request(f->transcript, f->parser.args, f->parser.argc);
    }
}

void feed_pieces(struct str in, const struct resp_limits *lim, const size_t *ends, size_t n_ends,
                 struct buf *transcript)
{
    struct feed f = { .lim = lim, .transcript = transcript };
    bool good = true;

    buf_clear(transcript);
    for (size_t i = 0; i < n_ends && good; i++) good = feed_piece(&f, in, ends[i]);
    if (good) good = feed_piece(&f, in, in.n);
    if (good && f.at < in.n) feed_note_more(transcript);
    resp_fini(&f.parser);
}

/* Every offset of a short conversation, some of a long one. */
static size_t step(size_t n)
{
    return n <= 2000 ? 1 : n / 50;
}

void feed_expect(const char *file, int line, struct str in, const struct resp_limits *lim,
                 struct str want)
{
    struct buf got = { 0 };
    size_t *ends = mem_alloc((in.n + 1) * sizeof *ends);
    size_t n_ends = 0;

    feed_pieces(in, lim, NULL, 0, &got);
    unit_expect_str(file, line, buf_str(&got), want);
    for (size_t cut = 0; cut < in.n; cut += step(in.n)) {
        feed_pieces(in, lim, &cut, 1, &got);
        unit_expect_str(file, line, buf_str(&got), want);
        ends[n_ends++] = cut;
    }
    feed_pieces(in, lim, ends, n_ends, &got);
    unit_expect_str(file, line, buf_str(&got), want);
    mem_free(ends);
    buf_fini(&got);
}
