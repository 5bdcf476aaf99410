/* stream_claim.c -- XPENDING, XCLAIM and XAUTOCLAIM: what consumers have been given and are not done with,
 * and taking it over from one who does not come back. */
#include "base/mem.h"
#include "commands/read_job.h"
#include "commands/stream_args.h"
#include "commands/tables.h"

/* --- XPENDING --------------------------------------------------------------------------------- */

struct xpending {
    int64_t min_idle_ms;
    struct stream_id from, to;
    uint64_t count;
    size_t consumer_at; /* its argument; 0: of all */
};

/* [IDLE ms] start end count [consumer] from argument 3 on. */
static enum err parse_xpending(const struct call *c, struct xpending *x)
{
    enum { PLAIN = 6, ALL = 9 };
    size_t at = 3;
    int64_t count;
    enum err e = OK;

    if (c->argc < PLAIN || c->argc > ALL) return ERR_SYNTAX;
    if (call_is(c, at, "idle")) {
        e = call_i64(c, at + 1, &x->min_idle_ms);
        at += 2;
        if (e == OK && c->argc < at + 3) e = ERR_SYNTAX;
    }
    if (e == OK) e = call_i64(c, at + 2, &count);
    if (e == OK) e = stream_arg_start(c, at, &x->from);
    if (e == OK) e = stream_arg_end(c, at + 1, &x->to);
    if (e != OK) return e;
    x->count = count > 0 ? (uint64_t)count : 0;
    if (at + 3 < c->argc) x->consumer_at = at + 3;
    return OK;
}

/* How many are pending, between which ids, and for whom. */
static void reply_summary(struct reply *r, const struct stream_group *g, const struct stream_group_info *info)
{
    struct stream_id low, high;
    size_t mark, n = 0;

    reply_array(r, 4);
    reply_int(r, (int64_t)info->pending);
    if (!stream_pending_ends(g, &low, &high)) {
        reply_null(r);
        reply_null(r);
        reply_null_array(r);
        return;
    }
    reply_stream_id(r, low);
    reply_stream_id(r, high);
    mark = reply_mark(r);
    for (size_t i = 0; i < info->consumers; i++) {
        struct stream_consumer_info k = stream_consumer_info(stream_consumer_at(g, i));
        if (k.pending == 0) continue;
        reply_array(r, 2);
        reply_bulk(r, k.name);
        reply_bulk_int(r, (int64_t)k.pending);
        n++;
    }
    reply_array_at(r, mark, n);
}

/* A walk over what is pending. */
struct walk {
    struct read_job base;
    struct stream_pending_iter it;
    int64_t min_idle_ms, now_ms;
    uint64_t n, most; /* told */
};

static bool tell_next(struct walk *w, struct reply *r)
{
    int64_t idle;

    if (w->n == w->most || !stream_pending_next(&w->it)) return false;
    idle = w->now_ms - w->it.now.delivered_ms;
    if (w->min_idle_ms != 0 && idle < w->min_idle_ms) return true;
    reply_array(r, 4);
    reply_stream_id(r, w->it.now.id);
    reply_bulk(r, w->it.now.consumer);
    reply_int(r, idle > 0 ? idle : 0);
    reply_int(r, (int64_t)w->it.now.deliveries);
    w->n++;
    return true;
}

static bool next_pending(struct read_job *j, struct reply *out)
{
    return tell_next((struct walk *)j, out);
}

static void head_of_pending(const struct read_job *j, struct reply *out, size_t looked_at)
{
    (void)looked_at;
    reply_array(out, ((const struct walk *)j)->n);
}

static void start(struct walk *w, const struct call *c, const struct stream_group *g, const struct stream_consumer *consumer,
                  const struct xpending *x)
{
    w->min_idle_ms = x->min_idle_ms;
    w->now_ms = c->store->now_ms;
    w->n = 0;
    w->most = x->count;
    stream_pending_start(&w->it, g, consumer, x->from, x->to);
}

static enum err tell_in_slices(struct call *c, const struct stream *s, const struct stream_group *g, const struct stream_consumer *consumer,
                               const struct xpending *x)
{
    struct walk *w = mem_zalloc(sizeof *w);

    w->base.next = next_pending;
    w->base.head = head_of_pending;
    start(w, c, g, consumer, x);
    return read_job_run(c, &w->base, s);
}

static enum err reply_each(struct call *c, const struct stream *s, const struct stream_group *g, const struct xpending *x)
{
    const struct stream_consumer *consumer = NULL;
    size_t mark = reply_mark(c->out);
    struct walk w;

    if (x->consumer_at > 0) {
        consumer = stream_consumer(g, call_arg(c, x->consumer_at));
        if (consumer == NULL) {
            reply_array(c->out, 0);
            return OK;
        }
    }
    /* who looks for what is idle may look at all of it */
    if ((x->count > READ_LONG_ROWS || x->min_idle_ms != 0) && read_is_long(c, stream_group_info(s, g).pending, 0))
        return tell_in_slices(c, s, g, consumer, x);
    start(&w, c, g, consumer, x);
    while (tell_next(&w, c->out)) { }
    reply_array_at(c->out, mark, w.n);
    return OK;
}

/* The group of arguments 1 and 2. */
static enum err open_group(struct call *c, const struct stream **s, const struct stream_group **g)
{
    enum err e = stream_read(c->db, call_arg(c, 1), s);

    if (e == OK) {
        *g = stream_group(*s, call_arg(c, 2));
        if (*g != NULL) return OK;
    }
    return e == ERR_WRONG_TYPE ? e : call_no_group(c, call_arg(c, 1), call_arg(c, 2));
}

static enum err run_xpending(struct call *c)
{
    struct xpending x = { 0 };
    const struct stream *s;
    const struct stream_group *g;
    struct stream_group_info info;
    enum err e = c->argc == 3 ? OK : parse_xpending(c, &x);

    if (e == OK) e = open_group(c, &s, &g);
    if (e != OK) return e;
    if (c->argc > 3) return reply_each(c, s, g, &x);
    info = stream_group_info(s, g);
    reply_summary(c->out, g, &info);
    return OK;
}

/* --- claiming --------------------------------------------------------------------------------- */

struct claiming {
    const struct call *call;
    struct reply *out; /* where the claimed go */
    bool just_id;
    struct stream_deliveries told, gone; /* all of them for the journal; those without an entry for XAUTOCLAIM */
    struct stream_claim_done done;
};

static void claimed(void *ctx, const struct stream_pending *p, struct stream_iter *entry)
{
    struct claiming *k = ctx;

    stream_deliveries_add(k->call, &k->told, p);
    if (entry == NULL) stream_deliveries_add(k->call, &k->gone, p);
    else if (k->just_id) reply_stream_id(k->out, p->id);
    else reply_stream_entry(k->out, entry);
}

static void journal_claims(const struct call *c, struct journal *j)
{
    const struct claiming *k = c->note;
    struct str key = call_arg(c, 1), group = call_arg(c, 2);

    if (k->done.made_consumer && k->done.n == 0) journal_consumer(j, key, group, call_arg(c, 3));
    journal_deliveries(c, j, key, group, &k->told, k->done.last);
    if (k->done.raised && k->told.n == 0) {
        journal_group_id(c, j, key, group, k->done.last, k->done.entries_read);
    }
}

static enum err parse_min_idle(struct call *c, const char *command, int64_t *ms)
{
    if (call_i64(c, 4, ms) == OK) return OK;
    return call_fail(c, ERR_MIN_IDLE, str_c(command));
}

static enum err option_number(struct call *c, size_t i, const char *option, int64_t *out)
{
    if (call_i64(c, i, out) == OK) return OK;
    return call_fail(c, ERR_XCLAIM_ARGUMENT, str_c(option));
}

static enum err unrecognized(struct call *c, struct str option)
{
    reply_errorf(c->out, "ERR Unrecognized XCLAIM option '%.*s'", (int)option.n, option.p);
    return CALL_REPLIED_ERROR;
}

static enum err parse_claim_options(struct call *c, size_t i, struct stream_claim *how)
{
    enum err e = OK;

    for (; i < c->argc && e == OK; i++) {
        bool more = i + 1 < c->argc;
        if (call_is(c, i, "force")) {
            how->force = true;
        } else if (call_is(c, i, "justid")) {
            how->just_id = true;
        } else if (call_is(c, i, "idle") && more) {
            e = option_number(c, ++i, "IDLE", &how->delivered_ms);
            if (e != OK) break;
            if (__builtin_sub_overflow(c->store->now_ms, how->delivered_ms, &how->delivered_ms)) how->delivered_ms = -1;
        } else if (call_is(c, i, "time") && more) {
            e = option_number(c, ++i, "TIME", &how->delivered_ms);
        } else if (call_is(c, i, "retrycount") && more) {
            e = option_number(c, ++i, "RETRYCOUNT", &how->deliveries);
        } else if (call_is(c, i, "lastid") && more) {
            e = stream_arg_id(c, ++i, &how->last);
        } else {
            return unrecognized(c, call_arg(c, i));
        }
    }
    if (how->deliveries < 0) how->deliveries = -1;
    return e;
}

/* Ids from argument 5 on; what is none begins the options. */
static enum err parse_claim(struct call *c, struct stream_id *ids, size_t *n, struct stream_claim *how)
{
    enum err e = parse_min_idle(c, "XCLAIM", &how->min_idle_ms);

    if (e != OK) return e;
    for (*n = 0; 5 + *n < c->argc; (*n)++) {
        if (stream_arg_id(c, 5 + *n, &ids[*n]) != OK) break;
    }
    return parse_claim_options(c, 5 + *n, how);
}

static enum err run_xclaim(struct call *c)
{
    struct claiming *k = call_new(c, struct claiming, 1);
    struct stream_id *ids = call_new(c, struct stream_id, c->argc);
    struct stream_claim how = { .delivered_ms = -1, .deliveries = -1 };
    const struct stream *s;
    const struct stream_group *g;
    size_t n, mark = reply_mark(c->out);
    enum err e = open_group(c, &s, &g);

    if (e == OK) e = parse_claim(c, ids, &n, &how);
    if (e != OK) return e;
    k->call = c;
    k->out = c->out;
    k->just_id = how.just_id;
    c->note = k;
    e = stream_claim(c->db, call_arg(c, 1), call_arg(c, 2), call_arg(c, 3), ids, n, &how, claimed, k, &k->done);
    if (e == OK) reply_array_at(c->out, mark, k->done.n);
    return e;
}

/* [COUNT n] [JUSTID] from argument 6 on. */
static enum err parse_autoclaim(const struct call *c, int64_t *count, bool *just_id)
{
    enum { SHARE = 16 }; /* Redis keeps room for the ids: a count whose room cannot be is refused */

    for (size_t i = 6; i < c->argc; i++) {
        if (call_is(c, i, "justid")) {
            *just_id = true;
        } else if (call_is(c, i, "count") && i + 1 < c->argc) {
            if (call_range(c, ++i, 1, INT64_MAX / SHARE, ERR_XAUTOCLAIM_COUNT, count) != OK) return ERR_XAUTOCLAIM_COUNT;
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

/* Where to go on, what was claimed, and what had gone. */
static void reply_autoclaim(struct reply *r, const struct claiming *k, const struct buf *entries)
{
    reply_array(r, 3);
    reply_stream_id(r, k->done.next);
    reply_array(r, k->done.n);
    reply_raw(r, entries->p, entries->n);
    reply_array(r, k->gone.n);
    for (size_t i = 0; i < k->gone.n; i++) reply_stream_id(r, k->gone.list[i].id);
}

static enum err run_xautoclaim(struct call *c)
{
    enum { USUAL_COUNT = 100 };
    struct claiming *k = call_new(c, struct claiming, 1);
    struct buf entries = { 0 };
    struct reply aside = { &entries, c->out->resp };
    int64_t min_idle_ms, count = USUAL_COUNT;
    struct stream_id from;
    enum err e = parse_min_idle(c, "XAUTOCLAIM", &min_idle_ms);

    if (e == OK) e = stream_arg_start(c, 5, &from);
    if (e == OK) e = parse_autoclaim(c, &count, &k->just_id);
    if (e != OK) return e;
    k->call = c;
    k->out = &aside;
    c->note = k;
    e = stream_autoclaim(c->db, call_arg(c, 1), call_arg(c, 2), call_arg(c, 3), from, (uint64_t)count, min_idle_ms,
                         k->just_id, claimed, k, &k->done);
    if (e == OK) reply_autoclaim(c->out, k, &entries);
    buf_fini(&entries);
    if (e == ERR_NO_KEY || e == ERR_NO_GROUP) return call_no_group(c, call_arg(c, 1), call_arg(c, 2));
    return e;
}

/* --- rows ------------------------------------------------------------------------------------- */

static const char *const any_output[] = { "nondeterministic_output", NULL };
static const char *const xpending_history[] = {
    "6.2.0", "Takes `IDLE`, and the ends of a range can be left out of it.", NULL };
static const char *const xautoclaim_history[] = {
    "7.0.0", "Also gives the IDs that are no longer pending since their entry has gone.", NULL };

#define STREAM_ROW .acl = ACL_STREAM, .group = GROUP_STREAM
#define ARG_STRING(n) { .name = (n), .type = ARG_T_STRING }
#define ARG_NUMBER(n, t) { .name = (n), .type = ARG_T_INTEGER, .token = (t), .flags = ARG_OPTIONAL }
#define ARG_WORD(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL }
#define PENDING_EXAMPLE "XGROUP CREATE x g $ MKSTREAM | XADD x 1-0 f v | XREADGROUP GROUP g a STREAMS x > | "

static const struct command_arg filter_args[] = {
    { .name = "min-idle-time", .type = ARG_T_INTEGER, .token = "IDLE", .flags = ARG_OPTIONAL, .since = "6.2.0" },
    ARG_STRING("start"),
    ARG_STRING("end"),
    { .name = "count", .type = ARG_T_INTEGER },
    { .name = "consumer", .type = ARG_T_STRING, .flags = ARG_OPTIONAL },
    { 0 },
};

const struct command stream_claim_commands[] = {
    { .name = "xpending", .run = run_xpending, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, STREAM_ROW, .since = "5.0.0",
      .complexity = "O(N) for N entries looked at, or for N consumers when no range is given",
      .history = xpending_history, .tips = any_output,
      .summary = "Tells what is pending in a group: how much for whom, or each entry of a range.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"),
                   { .name = "filters", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL, .subs = filter_args }),
      .example = PENDING_EXAMPLE "XPENDING x g => "
                 "*4\r\n:1\r\n$3\r\n1-0\r\n$3\r\n1-0\r\n*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n" },
    { .name = "xclaim", .run = run_xclaim, .arity = -6, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) }, STREAM_ROW, .journal = journal_claims, .since = "5.0.0",
      .complexity = "O(log(N)) for each ID, for N entries pending in the group", .tips = any_output,
      .summary = "Makes a consumer the one for whom entries are pending.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_STRING("consumer"), ARG_STRING("min-idle-time"),
                   { .name = "id", .type = ARG_T_STRING, .flags = ARG_MULTIPLE }, ARG_NUMBER("ms", "IDLE"),
                   { .name = "unix-time-milliseconds", .type = ARG_T_UNIX_TIME, .token = "TIME",
                     .flags = ARG_OPTIONAL },
                   ARG_NUMBER("count", "RETRYCOUNT"), ARG_WORD("force", "FORCE"), ARG_WORD("justid", "JUSTID"),
                   { .name = "lastid", .type = ARG_T_STRING, .token = "LASTID", .flags = ARG_OPTIONAL }),
      .example = PENDING_EXAMPLE "XCLAIM x g b 0 1-0 2-0 JUSTID => *1\r\n$3\r\n1-0\r\n" },
    { .name = "xautoclaim", .run = run_xautoclaim, .arity = -6, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) }, STREAM_ROW, .journal = journal_claims, .since = "6.2.0",
      .complexity = "O(1) when COUNT is small", .history = xautoclaim_history, .tips = any_output,
      .summary = "As XCLAIM, for what has been pending for long: from an ID on, some at a time.",
      .args = ARGS(ARG_KEY("key"), ARG_STRING("group"), ARG_STRING("consumer"), ARG_STRING("min-idle-time"),
                   ARG_STRING("start"), ARG_NUMBER("count", "COUNT"), ARG_WORD("justid", "JUSTID")),
      .example = PENDING_EXAMPLE "XAUTOCLAIM x g b 0 - JUSTID => "
                 "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n1-0\r\n*0\r\n" },
    { 0 },
};
