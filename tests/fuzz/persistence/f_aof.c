/* A file of the log: any bytes, and files of ours with sound checksums around any commands, whole or damaged in one
 * place. Read as a start does, and salvaged: nothing is applied that is not proven, nothing whole is left out. */
#include <string.h>

#include "base/buf.h"
#include "base/crc.h"
#include "base/mem.h"
#include "persistence/aof_read.h"
#include "tests/fuzz/fuzz.h"

static const char id[] = "0123456789abcdef0123456789abcdef01234567";

enum { SEPARATOR = 0xff, BATCHES_MAX = 64 };

/* What reading came to. */
struct outcome {
    enum aof_end end;
    uint64_t commands, batches, good_pos, losses, refused;
    bool marked;
    uint64_t sum; /* of what was applied, in its order */
};

static enum err apply(void *ctx, size_t argc, const struct str *argv, struct str *why)
{
    struct outcome *o = ctx;

    ensure(argc > 0);
    for (size_t i = 0; i < argc; i++) o->sum = o->sum * 31 + crc32c(0, argv[i].p, argv[i].n);
    if (argv[0].n > 0 && argv[0].p[0] == 'x') {
        if (argc > 1) *why = argv[1];
        return ERR_FORMAT;
    }
    return OK;
}

static void lost(void *ctx, const struct aof_loss *x)
{
    struct outcome *o = ctx;

    ensure(x->from < x->to && x->first_seq <= x->last_seq);
    o->losses++;
}

static struct outcome read_file(struct str file, bool salvage, bool is_look)
{
    struct outcome o = { 0 };
    struct rdb_in in;
    struct aof_reader r = { .in = &in, .stop_at = UINT64_MAX, .until_s = -1, .salvage = salvage, .id = id,
                            .apply = is_look ? NULL : apply, .apply_ctx = &o, .lost = lost, .lost_ctx = &o };

    rdb_in_bytes(&in, file);
    o.end = aof_read(&r);
    o.marked = r.marked;
    o.commands = r.commands;
    o.batches = r.batches;
    o.good_pos = r.good_pos;
    o.refused = r.refused;
    ensure(r.good_pos <= file.n);
    ensure(o.end == AOF_WHOLE || r.why[0]);
    buf_fini(&r.key);
    rdb_in_fini(&in);
    return o;
}

/* Our own file around the input: what stands between separators are batches. */
static void build(struct buf *out, struct str in)
{
    struct mark_head head = { .start = 100 };
    char line[MARK_MAX];
    uint64_t n = 0;

    memcpy(head.id, id, sizeof id);
    buf_add(out, line, mark_put_head(line, &head));
    while (in.n > 0 && n < BATCHES_MAX) {
        const char *end = memchr(in.p, SEPARATOR, in.n);
        size_t part = end ? (size_t)(end - in.p) : in.n;
        struct mark_batch b = { .seq = ++n, .bytes = part, .db = (int)(n % 4) };

        buf_add(out, in.p, part);
        buf_add(out, line, mark_put_batch(line, &b, crc32c(mark_seed(id, &b), in.p, part)));
        in = str_of(in.p + part + (end != NULL), in.n - part - (end != NULL));
    }
}

static void compare(struct str file)
{
    struct outcome strict = read_file(file, false, false), all = read_file(file, true, false);
    struct outcome look = read_file(file, true, true);

    ensure(look.sum == 0);
    ensure(strict.end != AOF_SALVAGED && all.end != AOF_STOPPED);
    /* (What looks like a stock server's may turn out to be ours, once the log's id is known.) */
    if (strict.end == AOF_WHOLE && strict.marked)
        ensure(all.end == AOF_WHOLE && all.sum == strict.sum && look.end == AOF_WHOLE);
    if (strict.marked) ensure(all.commands + 1 >= strict.commands); /* one may be refused */
    if (all.end == AOF_WHOLE) ensure(all.losses == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf file = { 0 };
    struct str rest;

    if (size < 3) return 0;
    rest = str_of(data + 3, size - 3);
    if (data[0] % 3 == 0) {
        compare(rest);
        return 0;
    }
    build(&file, rest);
    if (data[0] % 3 == 2) {
        size_t at = (data[1] << 8 | data[2]) % file.n;

        file.p[at] = (char)(file.p[at] ^ (1 << data[0] % 8));
    }
    compare(buf_str(&file));
    buf_fini(&file);
    return 0;
}
