/* stream_args.c -- see stream_args.h. */
#include "commands/stream_args.h"

/* --- ids ------------------------------------------------------------------------------------- */

enum err stream_arg_id(const struct call *c, size_t i, struct stream_id *id)
{
    return stream_id_parse(call_arg(c, i), 0, 0, id, NULL) ? OK : ERR_STREAM_ID;
}

enum err stream_arg_ids(const struct call *c, size_t i, size_t n, const struct stream_id **ids)
{
    struct stream_id *got = arena_alloc(c->arena, n * sizeof *got);

    for (size_t k = 0; k < n; k++) {
        enum err e = stream_arg_id(c, i + k, &got[k]);
        if (e != OK) return e;
    }
    *ids = got;
    return OK;
}

/* "(" and the id after it. */
static bool excludes(struct str *s)
{
    if (s->n < 2 || s->p[0] != '(') return false;
    *s = str_of(s->p + 1, s->n - 1);
    return true;
}

/* One end of a range; `step` goes to the neighbour of one that is left out. */
static enum err range_end(struct str s, uint64_t missing_seq, bool (*step)(struct stream_id *id), enum err no_step,
                          struct stream_id *id)
{
    if (!excludes(&s)) return stream_id_parse(s, missing_seq, STREAM_ID_ENDS, id, NULL) ? OK : ERR_STREAM_ID;
    if (!stream_id_parse(s, missing_seq, 0, id, NULL)) return ERR_STREAM_ID;
    return step(id) ? OK : no_step;
}

enum err stream_arg_start(const struct call *c, size_t i, struct stream_id *id)
{
    return range_end(call_arg(c, i), 0, stream_id_next, ERR_RANGE_START, id);
}

enum err stream_arg_end(const struct call *c, size_t i, struct stream_id *id)
{
    return range_end(call_arg(c, i), UINT64_MAX, stream_id_prev, ERR_RANGE_END, id);
}

struct str call_stream_id(const struct call *c, struct stream_id id)
{
    return stream_id_text(id, arena_alloc(c->arena, STREAM_ID_TEXT_MAX));
}

/* --- groups ---------------------------------------------------------------------------------- */

enum err call_no_group(struct call *c, struct str key, struct str group)
{
    reply_errorf(c->out, "NOGROUP No such key '%.*s' or consumer group '%.*s'", (int)key.n, key.p, (int)group.n,
                 group.p);
    return CALL_REPLIED_ERROR;
}

enum err call_no_group_read(struct call *c, struct str key, struct str group)
{
    reply_errorf(c->out, "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP option",
                 (int)key.n, key.p, (int)group.n, group.p);
    return CALL_REPLIED_ERROR;
}

enum err call_no_group_for(struct call *c, struct str key, struct str group)
{
    reply_errorf(c->out, "NOGROUP No such consumer group '%.*s' for key name '%.*s'", (int)group.n, group.p, (int)key.n,
                 key.p);
    return CALL_REPLIED_ERROR;
}

void stream_deliveries_add(const struct call *c, struct stream_deliveries *d, const struct stream_pending *p)
{
    enum { FIRST = 8 };
    struct stream_pending *more;
    struct str before = d->n > 0 ? d->list[d->n - 1].consumer : STR("");

    if (d->n == d->cap) {
        more = arena_alloc(c->arena, (d->cap ? d->cap * 2 : FIRST) * sizeof *more);
        if (d->n > 0) memcpy(more, d->list, d->n * sizeof *more);
        d->list = more;
        d->cap = d->cap ? d->cap * 2 : FIRST;
    }
    d->list[d->n] = *p;
    d->list[d->n].consumer = str_eq(before, p->consumer) ? before : arena_dup(c->arena, p->consumer);
    d->n++;
}

/* How many from the i-th on differ in their ids alone. */
static size_t alike(const struct stream_deliveries *d, size_t i)
{
    const struct stream_pending *a = &d->list[i], *b = a + 1, *end = d->list + d->n;

    while (b < end && b->consumer.p == a->consumer.p && b->delivered_ms == a->delivered_ms &&
           b->deliveries == a->deliveries) {
        b++;
    }
    return (size_t)(b - a);
}

void journal_deliveries(const struct call *c, struct journal *j, struct str key, struct str group,
                        const struct stream_deliveries *d, struct stream_id last)
{
    enum { AROUND = 13, BEFORE = 5 };
    struct str *argv = arena_alloc(c->arena, (AROUND + d->n) * sizeof *argv);

    for (size_t i = 0, n; i < d->n; i += n) {
        const struct stream_pending *p = &d->list[i];
        const struct str begin[BEFORE] = { STR("XCLAIM"), key, group, p->consumer, STR("0") };
        const struct str end[AROUND - BEFORE] = {
            STR("TIME"), call_num(c, p->delivered_ms), STR("RETRYCOUNT"), call_num(c, (int64_t)p->deliveries),
            STR("FORCE"), STR("JUSTID"), STR("LASTID"), call_stream_id(c, last),
        };
        n = alike(d, i);
        memcpy(argv, begin, sizeof begin);
        for (size_t k = 0; k < n; k++) argv[BEFORE + k] = call_stream_id(c, p[k].id);
        memcpy(argv + BEFORE + n, end, sizeof end);
        journal_add(j, AROUND + n, argv);
    }
}

void journal_group_id(const struct call *c, struct journal *j, struct str key, struct str group, struct stream_id last,
                      int64_t entries_read)
{
    journal_cmd(j, STR("XGROUP"), STR("SETID"), key, group, call_stream_id(c, last), STR("ENTRIESREAD"),
                call_num(c, entries_read));
}

void journal_consumer(struct journal *j, struct str key, struct str group, struct str consumer)
{
    journal_cmd(j, STR("XGROUP"), STR("CREATECONSUMER"), key, group, consumer);
}

/* --- trimming -------------------------------------------------------------------------------- */

static enum err parse_threshold(const struct call *c, size_t i, struct stream_trim *t)
{
    int64_t n;
    enum err e;

    if (t->by == STREAM_TRIM_MINID) return stream_arg_id(c, i, &t->min_id);
    e = call_range(c, i, 0, INT64_MAX, ERR_TRIM_MAXLEN, &n);
    if (e == OK) t->max_len = (uint64_t)n;
    return e;
}

/* [=|~] threshold behind the word at *i. An operator that nothing follows is taken for the threshold. */
static enum err parse_trim(const struct call *c, size_t *i, enum stream_trim_by by, struct stream_trim_args *t)
{
    size_t at = *i + 1;
    enum err e;

    if (t->given) return ERR_TRIM_TWICE;
    t->trim.by = by;
    t->trim.whole_blocks = at + 1 < c->argc && call_is(c, at, "~");
    if (at + 1 < c->argc && (call_is(c, at, "~") || call_is(c, at, "="))) at++;
    e = parse_threshold(c, at, &t->trim);
    if (e != OK) return e;
    t->given = true;
    t->threshold_at = *i = at;
    return OK;
}

static enum err parse_limit(const struct call *c, size_t *i, struct stream_trim_args *t)
{
    int64_t n;
    enum err e = call_range(c, *i + 1, 0, INT64_MAX, ERR_TRIM_LIMIT, &n);

    if (e != OK) return e;
    t->trim.limit = (uint64_t)n;
    t->limit_given = true;
    t->limit_at = *i;
    (*i)++;
    return OK;
}

enum err stream_trim_option(const struct call *c, size_t *i, struct stream_trim_args *t, bool *taken)
{
    *taken = *i + 1 < c->argc;
    if (*taken && call_is(c, *i, "maxlen")) return parse_trim(c, i, STREAM_TRIM_MAXLEN, t);
    if (*taken && call_is(c, *i, "minid")) return parse_trim(c, i, STREAM_TRIM_MINID, t);
    if (*taken && call_is(c, *i, "limit")) return parse_limit(c, i, t);
    *taken = false;
    return OK;
}

enum err stream_trim_finish(const struct call *c, struct stream_trim_args *t)
{
    if (t->trim.limit > 0 && !t->given) return ERR_TRIM_LIMIT_ALONE;
    /* What a log holds was exact when it was written: stock servers write a LIMIT there that has had
     * its effect already. */
    if (c->store->loading) t->trim.limit = 0;
    else if (t->limit_given && !t->trim.whole_blocks) return ERR_TRIM_LIMIT_EXACT;
    else if (!t->limit_given && t->trim.whole_blocks) t->trim.limit = stream_trim_limit(c->store);
    return OK;
}

void stream_trim_exact(const struct call *c, const struct stream_trim_args *t, const struct stream_trimmed *done,
                       struct str *argv, size_t *argc)
{
    if (!t->given || !t->trim.whole_blocks) return;
    argv[t->threshold_at - 1] = STR("=");
    argv[t->threshold_at] = t->trim.by == STREAM_TRIM_MAXLEN ? call_num(c, (int64_t)done->length)
                                                             : call_stream_id(c, done->floor);
    if (!t->limit_given) return;
    *argc -= 2;
    memmove(argv + t->limit_at, argv + t->limit_at + 2, (*argc - t->limit_at) * sizeof *argv);
}

/* --- replies --------------------------------------------------------------------------------- */

void reply_stream_id(struct reply *r, struct stream_id id)
{
    char text[STREAM_ID_TEXT_MAX];

    reply_bulk(r, stream_id_text(id, text));
}

void reply_stream_entry(struct reply *r, struct stream_iter *it)
{
    struct str field, value;

    reply_array(r, 2);
    reply_stream_id(r, it->id);
    reply_array(r, 2 * it->n_fields);
    while (stream_field(it, &field, &value)) {
        reply_bulk(r, field);
        reply_bulk(r, value);
    }
}

void reply_stream_range(struct reply *r, const struct stream *s, struct stream_id from, struct stream_id to, bool down,
                        uint64_t count)
{
    size_t mark = reply_mark(r), n = 0;
    struct stream_iter it;

    stream_iter_start(&it, s, from, to, down);
    while ((count == 0 || n < count) && stream_next(&it)) {
        reply_stream_entry(r, &it);
        n++;
    }
    reply_array_at(r, mark, n);
}
