/* The request parser: a conversation parsed whole and in pieces gives the same requests.
 *
 * The first byte chooses the limits, the second where the rest is cut. Each piece arrives in a buffer
 * of its own, of just its size; the one before is freed. */
#include "base/buf.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "base/rng.h"
#include "protocol/resp.h"
#include "tests/fuzz/fuzz.h"

static const struct resp_limits limits[] = {
    { 1024 * 1024, 512 * 1024 * 1024, true },
    { 10, 16 * 1024, false },
    { 3, 5, true },
    { UINT32_MAX, UINT64_MAX, true },
};

struct conversation {
    struct resp_parser parser;
    const struct resp_limits *lim;
    size_t at;      /* requests taken so far */
    struct buf log; /* what came of them */
};

static void note(struct buf *log, const struct str *args, size_t n)
{
    buf_add(log, &n, sizeof n);
    for (size_t i = 0; i < n; i++) {
        buf_add(log, &args[i].n, sizeof args[i].n);
        buf_add_str(log, args[i]);
    }
}

/* Requests of in[c->at..end). False: an error ends the conversation. */
static bool take(struct conversation *c, const char *in, size_t end)
{
    size_t from = c->at, n = end - from;
    char *piece = mem_dup(in + from, n);
    enum resp_state st;

    for (;;) {
        size_t used = 0, want = 0;

        st = resp_parse(&c->parser, piece + (c->at - from), end - c->at, c->lim, &used, &want);
        if (st != RESP_REQUEST) {
            ensure(st == RESP_BAD || want > 0);
            break;
        }
        ensure(used > 0 && used <= end - c->at);
        note(&c->log, c->parser.args, c->parser.argc);
        c->at += used;
    }
    if (st == RESP_BAD) buf_add_c(&c->log, c->parser.error);
    mem_free(piece);
    return st == RESP_NEED_MORE;
}

static void whole(struct conversation *c, struct str in)
{
    take(c, in.p, in.n);
}

static void in_pieces(struct conversation *c, struct str in, uint64_t seed)
{
    struct rng r;
    size_t end = 0;
    bool good = true;

    rng_seed(&r, seed);
    while (good && end < in.n) {
        end += rng_below(&r, 1 + rng_below(&r, 40));
        if (end > in.n) end = in.n;
        good = take(c, in.p, end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation a = { 0 }, b = { 0 };
    struct str in;

    if (size < 2) return 0;
    in = str_of(data + 2, size - 2);
    a.lim = b.lim = &limits[data[0] % 4];
    whole(&a, in);
    in_pieces(&b, in, data[1]);
    ensure(str_eq(buf_str(&a.log), buf_str(&b.log)));
    resp_fini(&a.parser);
    resp_fini(&b.parser);
    buf_fini(&a.log);
    buf_fini(&b.log);
    return 0;
}
