/* stream_read.c -- XREAD and XREADGROUP: what is new in some streams, waiting for it when there is none.
 *
 * All that may be wrong is found before anything is delivered. A request that waits is kept with its "$"
 * resolved, so that it asks for what came after it did, however often it runs; ">" needs no such thing,
 * for the group itself remembers how far it is. */
#include "commands/read_job.h"
#include "commands/stream_args.h"
#include "commands/tables.h"

struct source {
    struct str key;
    struct stream_id after;
    bool fresh; /* ">": what the group has not delivered to anybody */
};

struct xread {
    bool by_group;
    struct str group, consumer;
    bool no_ack;
    int64_t timeout_ms; /* -1: does not wait */
    uint64_t count;     /* 0: all */
    size_t streams_at;  /* the first key's argument; n keys, then n ids */
    size_t n;
    struct source *sources;
    struct taken *taken; /* XREADGROUP, one of each source: what the journal tells */
};

/* What one source of XREADGROUP gave. */
struct taken {
    struct stream_read_done done;
    struct stream_deliveries deliveries;
};

/* --- arguments -------------------------------------------------------------------------------- */

static enum err parse_block(struct call *c, size_t i, int64_t *timeout_ms)
{
    int64_t ms;

    if (c->in_script) return call_fail(c, ERR_XREAD_IN_SCRIPT, call_arg(c, 0));
    if (call_i64(c, i, &ms) != OK) return ERR_TIMEOUT_NOT_INT;
    if (ms < 0) return ERR_TIMEOUT_NEGATIVE;
    if (ms > INT64_MAX - c->store->now_ms) return ERR_TIMEOUT_RANGE;
    *timeout_ms = ms;
    return OK;
}

static enum err parse_count(const struct call *c, size_t i, uint64_t *count)
{
    int64_t n;
    enum err e = call_i64(c, i, &n);

    if (e == OK) *count = n > 0 ? (uint64_t)n : 0;
    return e;
}

static enum err parse_streams(struct call *c, size_t i, struct xread *x)
{
    size_t n = c->argc - i;

    if (n % 2 != 0) {
        reply_errorf(c->out, "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%c' must be specified.",
                     c->cmd->name, x->by_group ? '>' : '$');
        return CALL_REPLIED_ERROR;
    }
    x->streams_at = i;
    x->n = n / 2;
    return OK;
}

static enum err parse(struct call *c, struct xread *x)
{
    size_t i = 1;
    enum err e = OK;

    for (; i < c->argc && x->n == 0 && e == OK; i++) {
        size_t more = c->argc - i - 1;
        if (call_is(c, i, "block") && more > 0) {
            e = parse_block(c, ++i, &x->timeout_ms);
        } else if (call_is(c, i, "count") && more > 0) {
            e = parse_count(c, ++i, &x->count);
        } else if (call_is(c, i, "streams") && more > 0) {
            e = parse_streams(c, i + 1, x);
        } else if (call_is(c, i, "group") && more > 1) {
            if (!x->by_group) return call_fail(c, ERR_XREAD_ONLY_GROUP, STR("GROUP"));
            x->group = call_arg(c, ++i);
            x->consumer = call_arg(c, ++i);
        } else if (call_is(c, i, "noack")) {
            if (!x->by_group) return call_fail(c, ERR_XREAD_ONLY_GROUP, STR("NOACK"));
            x->no_ack = true;
        } else {
            return ERR_SYNTAX;
        }
    }
    if (e != OK) return e;
    if (x->n == 0) return ERR_SYNTAX;
    return x->by_group && x->group.p == NULL ? ERR_XREADGROUP_NO_GROUP : OK;
}

/* What "+" asks for: the entry on top alone. */
static struct stream_id below_top(const struct stream *s)
{
    struct stream_id id;

    if (!stream_top(s, &id)) return stream_info(s).last;
    stream_id_prev(&id); /* no entry has the ID 0-0 */
    return id;
}

/* The id of XREAD for a stream, s being NULL when it is not there. */
static enum err parse_after(const struct call *c, size_t i, const struct stream *s, struct source *src)
{
    if (call_is(c, i, ">")) return ERR_XREAD_NEW;
    if (call_is(c, i, "$")) {
        if (s) src->after = stream_info(s).last;
        return OK;
    }
    if (call_is(c, i, "+")) {
        if (s) src->after = below_top(s);
        return OK;
    }
    return stream_arg_id(c, i, &src->after);
}

static enum err parse_group_id(const struct call *c, size_t i, struct source *src)
{
    if (call_is(c, i, "$")) return ERR_XREADGROUP_LAST;
    if (call_is(c, i, "+")) return ERR_XREADGROUP_TOP;
    src->fresh = call_is(c, i, ">");
    return src->fresh ? OK : stream_arg_id(c, i, &src->after);
}

/* Ids, types, groups: from here on nothing can fail. */
static enum err resolve(struct call *c, struct xread *x)
{
    x->sources = call_new(c, struct source, x->n);
    for (size_t i = 0; i < x->n; i++) {
        struct source *src = &x->sources[i];
        size_t id_at = x->streams_at + x->n + i;
        const struct stream *s = NULL;
        enum err e = stream_read(c->db, call_arg(c, x->streams_at + i), &s);

        if (e != OK && e != ERR_NO_KEY) return e;
        src->key = call_arg(c, x->streams_at + i);
        if (x->by_group && (e == ERR_NO_KEY || stream_group(s, x->group) == NULL)) {
            return call_no_group_read(c, src->key, x->group);
        }
        e = x->by_group ? parse_group_id(c, id_at, src) : parse_after(c, id_at, s, src);
        if (e != OK) return e;
    }
    return OK;
}

/* --- replies ---------------------------------------------------------------------------------- */

/* The reply as far as it is written: a map from keys to entries, in RESP2 pairs of them. */
struct answer {
    const struct call *call;
    const struct xread *x;
    struct stream_deliveries *deliveries; /* of the source at work */
    struct str key;
    size_t begin;   /* of the reply */
    size_t n;       /* sources in it */
    size_t entries; /* where those of the source begin */
    uint64_t n_entries;
};

static void reply_head(struct reply *r, size_t n)
{
    if (r->resp == 3) reply_map(r, n);
    else reply_array(r, n);
}

/* Headers are written beforehand where there is but one possible number: then nothing need be moved. */
static void head_of_source(const struct answer *a, struct reply *r)
{
    if (a->x->n == 1) reply_head(r, 1);
    if (r->resp == 2) reply_array(r, 2);
    reply_bulk(r, a->key);
}

static void begin_source(struct answer *a)
{
    struct reply *r = a->call->out;

    head_of_source(a, r);
    a->entries = reply_mark(r);
    a->n_entries = 0;
    a->n++;
}

static void end_source(struct answer *a)
{
    reply_array_at(a->call->out, a->entries, a->n_entries);
}

/* False: there was nothing to reply. */
static bool end_answer(struct answer *a)
{
    struct reply *r = a->call->out;

    if (a->n > 0 && a->x->n > 1) {
        if (r->resp == 3) reply_map_at(r, a->begin, a->n);
        else reply_array_at(r, a->begin, a->n);
    }
    return a->n > 0;
}

/* --- serving ---------------------------------------------------------------------------------- */

/* Of one stream, by one who does not wait: much of it is told in slices. True: that is the reply, and *e the code to return. */
static bool serve_long(struct answer *a, struct call *c, enum err *e)
{
    const struct xread *x = a->x;
    struct stream_id from = x->sources[0].after;
    const struct stream *s;
    struct buf head = { 0 };

    if (x->by_group || x->n != 1 || x->timeout_ms >= 0 || (x->count > 0 && x->count <= READ_LONG_ROWS) || !c->may_block) return false;
    if (stream_read(c->db, a->key, &s) != OK || !stream_id_next(&from) || !stream_is_long_from(s, from)) return false;
    head_of_source(a, &(struct reply){ &head, c->out->resp });
    *e = stream_tell_entries(c, s, from, STREAM_ID_MAX, false, x->count > 0 ? x->count : UINT64_MAX, buf_str(&head));
    buf_fini(&head);
    return true;
}

/* XREAD: what follows `after`. */
static void serve_reader(struct answer *a, const struct source *src)
{
    struct stream_id from = src->after, top;
    const struct stream *s;

    if (stream_read(a->call->db, src->key, &s) != OK) return;
    if (stream_id_cmp(stream_info(s).last, from) <= 0) return; /* as for most who poll */
    if (!stream_top(s, &top) || stream_id_cmp(top, from) <= 0 || !stream_id_next(&from)) return;
    begin_source(a);
    reply_stream_range(a->call->out, s, from, STREAM_ID_MAX, false, a->x->count);
}

static void give_fresh(void *ctx, struct stream_iter *entry)
{
    struct answer *a = ctx;

    if (a->n_entries == 0) begin_source(a);
    a->n_entries++;
    reply_stream_entry(a->call->out, entry);
    if (a->x->no_ack) return;
    stream_deliveries_add(a->call, a->deliveries, &(struct stream_pending){
        .id = entry->id, .consumer = a->x->consumer, .delivered_ms = a->call->store->now_ms, .deliveries = 1 });
}

/* What was delivered and has gone since is told with its id alone. */
static void give_history(void *ctx, const struct stream_pending *p, struct stream_iter *entry)
{
    struct answer *a = ctx;

    a->n_entries++;
    if (entry) {
        reply_stream_entry(a->call->out, entry);
        stream_deliveries_add(a->call, a->deliveries, p);
        return;
    }
    reply_array(a->call->out, 2);
    reply_stream_id(a->call->out, p->id);
    reply_null_array(a->call->out);
}

static void serve_consumer(struct answer *a, const struct source *src, struct taken *t)
{
    const struct xread *x = a->x;
    struct db *db = a->call->db;
    enum err e;

    a->deliveries = &t->deliveries;
    a->n_entries = 0;
    if (src->fresh) {
        e = stream_deliver(db, src->key, x->group, x->consumer, x->count, x->no_ack, give_fresh, a, &t->done);
        if (a->n_entries > 0) end_source(a);
    } else {
        begin_source(a);
        e = stream_history(db, src->key, x->group, x->consumer, src->after, x->count, give_history, a, &t->done);
        end_source(a);
    }
    ensure(e == OK); /* resolve has looked */
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* "$" as it is now. */
static void keep_resolved(struct call *c, const struct xread *x)
{
    struct str *argv = arena_alloc(c->arena, c->argc * sizeof *argv);

    memcpy(argv, c->argv, c->argc * sizeof *argv);
    for (size_t i = 0; i < x->n; i++) {
        size_t at = x->streams_at + x->n + i;
        if (call_is(c, at, "$")) argv[at] = call_stream_id(c, x->sources[i].after);
    }
    c->wait.argc = c->argc;
    c->wait.argv = argv;
}

static enum err wait_for(struct call *c, const struct xread *x)
{
    enum err e;

    if (x->timeout_ms < 0) {
        reply_null_array(c->out);
        return OK;
    }
    e = call_block(c, c->argv + x->streams_at, x->n, VALUE_STREAM, x->timeout_ms, NULL_ARRAY);
    if (e != CALL_BLOCKED) return e;
    c->wait.gone_too = x->by_group;
    if (!x->by_group) keep_resolved(c, x);
    return e;
}

/* --- commands --------------------------------------------------------------------------------- */

static enum err read_streams(struct call *c, struct xread *x)
{
    struct answer a = { .call = c, .x = x, .begin = reply_mark(c->out) };
    enum err e = parse(c, x);

    if (e == OK) e = resolve(c, x);
    if (e != OK) return e;
    if (x->by_group) {
        x->taken = call_new(c, struct taken, x->n);
        c->note = x;
    }
    a.key = x->sources[0].key;
    if (serve_long(&a, c, &e)) return e;
    for (size_t i = 0; i < x->n; i++) {
        a.key = x->sources[i].key;
        if (x->by_group) serve_consumer(&a, &x->sources[i], &x->taken[i]);
        else serve_reader(&a, &x->sources[i]);
    }
    return end_answer(&a) ? OK : wait_for(c, x);
}

static enum err run_xread(struct call *c)
{
    struct xread x = { .timeout_ms = -1 };

    return read_streams(c, &x);
}

static enum err run_xreadgroup(struct call *c)
{
    struct xread *x = call_new(c, struct xread, 1);

    *x = (struct xread){ .timeout_ms = -1, .by_group = true };
    return read_streams(c, x);
}

/* A consumer that was made, where nothing else names it; what it holds now; and how far the group is. */
static void journal_xreadgroup(const struct call *c, struct journal *j)
{
    const struct xread *x = c->note;

    for (size_t i = 0; i < x->n; i++) {
        const struct taken *t = &x->taken[i];
        struct str key = x->sources[i].key;
        if (t->done.made_consumer && t->deliveries.n == 0) journal_consumer(j, key, x->group, x->consumer);
        journal_deliveries(c, j, key, x->group, &t->deliveries, t->done.last);
        if (x->sources[i].fresh && t->done.n > 0) {
            journal_group_id(c, j, key, x->group, t->done.last, t->done.entries_read);
        }
    }
}

/* --- rows ------------------------------------------------------------------------------------- */

#define STREAM_ROW .acl = ACL_STREAM, .group = GROUP_STREAM
#define ARG_COUNT { .name = "count", .type = ARG_T_INTEGER, .token = "COUNT", .flags = ARG_OPTIONAL }
#define ARG_BLOCK { .name = "milliseconds", .type = ARG_T_INTEGER, .token = "BLOCK", .flags = ARG_OPTIONAL }
#define ARG_STREAMS { .name = "streams", .type = ARG_T_BLOCK, .token = "STREAMS", .subs = streams_args }
#define KEYS_OF_STREAMS(from) \
    { { .flags = KEY_RO | KEY_ACCESS, .first = (from), .last = -1, .step = 1, .keyword = "STREAMS", .limit = 2 } }
#define READ_COMPLEXITY "O(N) for N entries given; an XADD that readers wait for serves each of them"

static const struct command_arg streams_args[] = {
    { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE },
    { .name = "id", .type = ARG_T_STRING, .flags = ARG_MULTIPLE },
    { 0 },
};
static const struct command_arg group_args[] = {
    { .name = "group", .type = ARG_T_STRING },
    { .name = "consumer", .type = ARG_T_STRING },
    { 0 },
};

const struct command stream_read_commands[] = {
    { .name = "xread", .run = run_xread, .arity = -4, .flags = CMD_BLOCKING | CMD_READONLY | CMD_MOVABLE_KEYS,
      .keys = KEYS_OF_STREAMS(1), STREAM_ROW, .since = "5.0.0", .complexity = READ_COMPLEXITY,
      .summary = "Gives what is new in some streams, waiting for it when there is nothing.",
      .args = ARGS(ARG_COUNT, ARG_BLOCK, ARG_STREAMS),
      .example = "XADD x 1-0 f v | XREAD COUNT 1 STREAMS x 0 => "
                 "*1\r\n*2\r\n$1\r\nx\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n" },
    { .name = "xreadgroup", .run = run_xreadgroup, .arity = -7,
      .flags = CMD_BLOCKING | CMD_WRITE | CMD_MOVABLE_KEYS, .keys = KEYS_OF_STREAMS(4), STREAM_ROW,
      .journal = journal_xreadgroup, .since = "5.0.0", .complexity = READ_COMPLEXITY,
      .summary = "Gives a consumer what its group has not had yet, or again what is pending for it.",
      .args = ARGS({ .name = "group-block", .type = ARG_T_BLOCK, .token = "GROUP", .subs = group_args }, ARG_COUNT,
                   ARG_BLOCK,
                   { .name = "noack", .type = ARG_T_PURE_TOKEN, .token = "NOACK", .flags = ARG_OPTIONAL },
                   ARG_STREAMS),
      .example = "XGROUP CREATE x g $ MKSTREAM | XADD x 1-0 f v | XREADGROUP GROUP g c STREAMS x > => "
                 "*1\r\n*2\r\n$1\r\nx\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n" },
    { 0 },
};
