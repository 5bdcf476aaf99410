/* hyperloglog.c -- PFADD, PFCOUNT, PFMERGE, and what looks inside: PFDEBUG, PFSELFTEST. */
#include <math.h>

#include "commands/tables.h"
#include "storage/type_string_hll.h"

static enum err run_pfadd(struct call *c)
{
    bool changed;
    enum err e = string_pfadd(c->db, call_arg(c, 1), c->argv + 2, c->argc - 2, &changed);

    if (e == OK) reply_int(c->out, changed);
    return e;
}

static enum err run_pfcount(struct call *c)
{
    uint64_t count = 0;
    enum err e;

    if (c->argc == 2)
        e = string_pfcount(c->db, call_arg(c, 1), &count);
    else
        e = string_pfcount_union(c->db, c->argv + 1, c->argc - 1, &count);
    if (e == OK) reply_int(c->out, (int64_t)count);
    return e;
}

static enum err run_pfmerge(struct call *c)
{
    enum err e = string_pfmerge(c->db, c->argv + 1, c->argc - 1);

    if (e == OK) reply_ok(c->out);
    return e;
}

/* --- PFDEBUG ---------------------------------------------------------------------------------- */

/* As in Redis, looking at the registers makes the value dense. */
static enum err debug_getreg(struct call *c, struct str bytes)
{
    bool changed;
    enum err e = string_pf_to_dense(c->db, call_arg(c, 2), &changed);

    if (e == OK) e = string_pf_read(c->db, call_arg(c, 2), &bytes);
    if (e != OK) return e;
    reply_array(c->out, HLL_REGISTERS);
    for (unsigned i = 0; i < HLL_REGISTERS; i++) reply_int(c->out, hll_dense_get(bytes.p, i));
    return OK;
}

static enum err debug_decode(struct call *c, struct str bytes)
{
    struct buf text = { 0 };

    if (hll_is_dense(bytes)) return ERR_HLL_NOT_SPARSE;
    hll_describe(bytes, &text);
    reply_bulk(c->out, buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err debug_encoding(struct call *c, struct str bytes)
{
    reply_simple(c->out, hll_is_dense(bytes) ? "dense" : "sparse");
    return OK;
}

static enum err debug_todense(struct call *c, struct str bytes)
{
    bool changed;
    enum err e = string_pf_to_dense(c->db, call_arg(c, 2), &changed);

    (void)bytes;
    if (e == OK) reply_int(c->out, changed);
    return e;
}

static enum err run_pfdebug(struct call *c)
{
    static const struct {
        const char *word;
        enum err (*run)(struct call *c, struct str bytes);
    } subs[] = { { "GETREG", debug_getreg },
                 { "DECODE", debug_decode },
                 { "ENCODING", debug_encoding },
                 { "TODENSE", debug_todense } };
    struct str bytes;
    enum err e = string_pf_read(c->db, call_arg(c, 2), &bytes);

    if (e != OK) return e == ERR_NO_KEY ? ERR_HLL_NO_KEY : e;
    for (size_t i = 0; i < sizeof subs / sizeof *subs; i++) {
        if (call_is(c, 1, subs[i].word)) return subs[i].run(c, bytes);
    }
    return call_fail(c, ERR_PFDEBUG_SUB, call_arg(c, 1));
}

/* --- PFSELFTEST ------------------------------------------------------------------------------- */

/* Both forms of n different elements count the same, and that is near n: within six standard errors,
 * by which no seed is unlucky. */
static bool counts_well(struct call *c, struct hll *sparse, struct hll *dense, int64_t n)
{
    const double standard_error = 1.04 / 128;
    uint64_t a = 0, b = 0;
    int64_t off, may;

    if (hll_count(buf_str(&sparse->bytes), &a) != OK || hll_count(buf_str(&dense->bytes), &b) != OK ||
        a != b) {
        reply_error(c->out, STR("ERR TESTFAILED dense/sparse disagree"));
        return false;
    }
    off = n - (int64_t)a;
    if (off < 0) off = -off;
    may = n == 10 ? 1 : (int64_t)ceil(standard_error * 6 * (double)n);
    if (off <= may) return true;
    reply_errorf(c->out, "ERR TESTFAILED Too big error. card:%lld abserr:%lld", (long long)n, (long long)off);
    return false;
}

/* Redis goes on to ten million elements, which takes seconds; nobody could be served meanwhile. */
static enum err run_pfselftest(struct call *c)
{
    enum { MOST = 100000 };
    struct hll sparse, dense;
    uint64_t seed = rng_next(&c->store->rng), element;
    int64_t next = 1;
    bool good = true, changed;
    enum err e;

    hll_init(&sparse, c->store->conf.hll_sparse_max_bytes);
    hll_init(&dense, 0);
    e = hll_to_dense(&dense);
    for (int64_t i = 1; e == OK && good && i <= MOST; i++) {
        unsigned index, count;

        element = (uint64_t)i ^ seed;
        index = hll_hash(str_of(&element, sizeof element), &count);
        e = hll_raise(&dense, index, count, &changed);
        if (e == OK) e = hll_raise(&sparse, index, count, &changed);
        if (i != next) continue;
        if (e == OK) good = counts_well(c, &sparse, &dense, i);
        next *= 10;
    }
    hll_fini(&sparse);
    hll_fini(&dense);
    if (e != OK) return e;
    if (!good) return CALL_REPLIED_ERROR;
    reply_ok(c->out);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define KEYS_ARG(n, spec, f) { .name = n, .type = ARG_T_KEY, .flags = (f), .key_spec = (spec) }

const struct command hyperloglog_commands[] = {
    { .name = "pfadd", .run = run_pfadd, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_INSERT) }, .acl = ACL_HYPERLOGLOG, .group = GROUP_HYPERLOGLOG,
      .since = "2.8.9", .complexity = "O(1) for each element",
      .summary = "Adds elements to a HyperLogLog, which is made when it is not there.",
      .args = ARGS(ARG_KEY("key"), { .name = "element", .type = ARG_T_STRING,
                                     .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .example = "PFADD h a b | PFADD h a => :0\r\n" },
    { .name = "pfcount", .run = run_pfcount, .arity = -2, .flags = CMD_READONLY | CMD_MAY_REPLICATE,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RW | KEY_ACCESS) }, .acl = ACL_HYPERLOGLOG,
      .group = GROUP_HYPERLOGLOG, .since = "2.8.9",
      .complexity = "O(1) for one key whose count is known; O(N) for N keys, some microseconds each",
      .summary = "Gives about how many different elements were added, to all of the keys together.",
      .args = ARGS(KEYS_ARG("key", 0, ARG_MULTIPLE)),
      .example = "PFADD h a b a | PFCOUNT h => :2\r\n" },
    { .name = "pfmerge", .run = run_pfmerge, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_INSERT), KEYS_FROM(2, -1, 1, KEY_RO | KEY_ACCESS) },
      .acl = ACL_HYPERLOGLOG, .group = GROUP_HYPERLOGLOG, .since = "2.8.9",
      .complexity = "O(N) for N keys",
      .summary = "Merges HyperLogLogs into the first one.",
      .args = ARGS(ARG_KEY("destkey"), KEYS_ARG("sourcekey", 1, ARG_OPTIONAL | ARG_MULTIPLE)),
      .example = "PFADD a x | PFADD b y | PFMERGE a b | PFCOUNT a => :2\r\n" },
    { .name = "pfdebug", .run = run_pfdebug, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_ADMIN | CMD_SYSTEM,
      .keys = { KEY_AT(2, KEY_RW | KEY_ACCESS) }, .acl = ACL_HYPERLOGLOG, .group = GROUP_HYPERLOGLOG,
      .since = "2.8.9", .complexity = "N/A",
      .summary = "Looks inside a HyperLogLog: GETREG, DECODE, ENCODING, TODENSE.",
      .args = ARGS({ .name = "subcommand", .type = ARG_T_STRING }, ARG_KEY("key")),
      .example = "PFADD h a | PFDEBUG ENCODING h => +sparse\r\n" },
    { .name = "pfselftest", .run = run_pfselftest, .arity = 1, .flags = CMD_ADMIN | CMD_SYSTEM,
      .acl = ACL_HYPERLOGLOG, .group = GROUP_HYPERLOGLOG, .since = "2.8.9", .complexity = "N/A",
      .summary = "Checks that HyperLogLogs count well.", .example = "PFSELFTEST => +OK\r\n" },
    { 0 },
};
