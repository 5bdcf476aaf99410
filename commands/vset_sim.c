/* vset_sim.c -- VSIM: the elements that are most like a vector.
 *
 * A walk through the graph is bounded by EF, FILTER by FILTER-EF (COUNT * 100 unless it is given, as in Redis); sets of up to ALL_MAX
 * elements, and TRUTH, are looked at in full, which sketches make 10 ns an element of (vector/quant.h). What takes longer than a turn
 * goes on in slices (commands/job.h), and others may change the set meanwhile: what is told was in it when the search was over, as far
 * away as it was then, and is still in it when it is told. */
#include "commands/tables.h"
#include "commands/vset_args.h"
#include "commands/vset_filter.h"
#include "commands/vset_job.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/num.h"

enum { EF = 100, EF_MOST = 20000, COUNT = 10, ALL_MAX = 20000, FILTER_COST = 1024 };

struct vsim {
    struct vset_job base;
    const struct vset *s;
    const void *row;          /* what is asked for, packed; of the call */
    int64_t count, ef, filter_ef;
    double epsilon;
    bool scores, attrs, truth;
    struct vset_filter *filter;
    struct arena arena;       /* the filter's */
    struct vec_search *search;
    const struct vec_hit *hits; /* NULL: they are being searched */
    size_t n_hits, at;
    uint32_t *changed;        /* since the search has begun, until it is over */
    size_t n_changed, cap_changed;
    uint64_t *left;           /* bits of ids that have left since it is over; NULL: none */
    size_t n_left;            /* words */
};

/* --- arguments ------------------------------------------------------------------------------------ */

/* A vector to the form of the set; *next is the argument behind it. */
static enum err parse_query(struct call *c, struct vsim *q, size_t *next)
{
    const struct vset *s = q->s;
    struct vset_vector v;
    float *in, length, range;
    void *row;
    uint32_t id;

    *next = 4;
    if (call_is(c, 2, "ELE")) {
        id = vset_find(s, call_arg(c, 3));
        if (id == VSET_NONE) return call_fail_text(c, STR("ERR element not found in set"));
        q->row = vset_row(s, id);
        return OK;
    }
    if (!vset_parse_vector(c, 2, false, &v)) return call_fail_text(c, VSET_INVALID_VECTOR);
    *next = v.next;
    in = v.v;
    if (s->matrix != NULL && v.dim != s->dim) {
        if (v.dim != s->input_dim) return vset_wrong_input(c, v.dim, s->input_dim);
        in = call_new(c, float, s->dim);
        vset_project(s, v.v, in);
        v.dim = s->dim;
    }
    if (v.dim != s->dim) return vset_wrong_dim(c, v.dim, s->dim);
    q->row = row = call_new(c, uint64_t, vset_row_bytes(s) / sizeof(uint64_t) + 1);
    return vset_pack(s, in, row, &length, &range) ? OK : call_fail_text(c, VSET_INVALID_VECTOR);
}

static enum err parse_filter(struct call *c, struct str text, struct vsim *q)
{
    struct str near;

    if (q->filter != NULL) vset_filter_fini(q->filter);
    q->filter = vset_filter_new(&q->arena, arena_dup(&q->arena, text), &near);
    if (q->filter != NULL) return OK;
    reply_errorf(c->out, "ERR syntax error in FILTER expression near: %.*s", (int)(near.n < 4096 ? near.n : 4096), near.p);
    return CALL_REPLIED_ERROR;
}

static enum err parse_number(struct call *c, size_t i, int64_t most, struct str otherwise, int64_t *out)
{
    if (call_i64(c, i, out) == OK && *out > 0 && *out <= most) return OK;
    return call_fail_text(c, otherwise);
}

static enum err parse_option(struct call *c, size_t *i, struct vsim *q)
{
    bool more = *i + 1 < c->argc;

    if (call_is(c, *i, "NOTHREAD")) return OK;
    if (call_is(c, *i, "WITHSCORES")) {
        q->scores = true;
        return OK;
    }
    if (call_is(c, *i, "WITHATTRIBS")) {
        q->attrs = true;
        return OK;
    }
    if (call_is(c, *i, "TRUTH")) {
        q->truth = true;
        return OK;
    }
    if (more && call_is(c, *i, "COUNT")) return parse_number(c, ++*i, INT64_MAX, STR("ERR invalid COUNT"), &q->count);
    if (more && call_is(c, *i, "EF")) return parse_number(c, ++*i, 1000000, STR("ERR invalid EF"), &q->ef);
    if (more && call_is(c, *i, "FILTER-EF")) return parse_number(c, ++*i, INT64_MAX, STR("ERR invalid FILTER-EF"), &q->filter_ef);
    if (more && call_is(c, *i, "FILTER")) return parse_filter(c, call_arg(c, ++*i), q);
    if (more && call_is(c, *i, "EPSILON")) {
        if (num_parse_double(call_arg(c, ++*i), &q->epsilon) && q->epsilon > 0) return OK;
        return call_fail_text(c, STR("ERR invalid EPSILON"));
    }
    return call_fail_text(c, STR("ERR syntax error in VSIM command"));
}

/* --- looking -------------------------------------------------------------------------------------- */

static bool passes(void *ctx, uint32_t id, int64_t *work)
{
    struct vsim *q = ctx;
    struct str attr = vset_attr(q->s, id);

    *work += FILTER_COST + (int64_t)attr.n * 16;
    return vset_filter_passes(q->filter, attr);
}

static void begin(struct vsim *q)
{
    size_t n = vset_count(q->s), k = (uint64_t)q->count < n ? (size_t)q->count : n;
    int64_t ef = q->ef > q->count ? q->ef : q->count;
    struct vec_query query = { .data = str_of(q->row, vset_row_bytes(q->s)), .k = (uint32_t)k,
                               .ef = (uint32_t)(ef < EF_MOST ? ef : EF_MOST) };

    if (q->filter != NULL) {
        query.allows = passes;
        query.ctx = q;
        query.asks = q->filter_ef > 0 ? (uint64_t)q->filter_ef : (uint64_t)(q->count < INT64_MAX / 100 ? q->count : INT64_MAX / 100) * 100;
        query.way = n <= ALL_MAX || query.asks >= n ? VEC_BY_ALL : VEC_BY_GRAPH;
    }
    if (q->truth) query.way = VEC_BY_ALL;
    q->search = vec_search_new(q->s->v, &query);
}

/* Before an element changes or leaves. */
static void changes(struct vset_watch *w, uint32_t id, bool leaves)
{
    struct vsim *q = (struct vsim *)(void *)LINK_OF(w, struct vset_job, watch);

    if (q->hits == NULL) {
        if (q->n_changed == q->cap_changed) {
            q->cap_changed = q->cap_changed == 0 ? 16 : q->cap_changed * 2;
            q->changed = mem_realloc(q->changed, q->cap_changed * sizeof *q->changed);
        }
        q->changed[q->n_changed++] = id;
    } else if (leaves) {
        if (q->left == NULL) {
            q->n_left = q->s->n_items / 64 + 1;
            q->left = mem_zalloc(q->n_left * sizeof *q->left);
        }
        if (id / 64 < q->n_left) q->left[id / 64] |= 1ULL << (id % 64); /* others came later */
    }
}

static bool has_left(const struct vsim *q, uint32_t id)
{
    return q->left != NULL && id / 64 < q->n_left && (q->left[id / 64] >> (id % 64) & 1) != 0;
}

static void tell_hit(struct vsim *q, const struct vec_hit *h)
{
    struct reply out = vset_job_out(&q->base);

    reply_bulk(&out, entry_key(vset_item(q->s, h->id)->name));
    if (out.resp > 2 && q->scores && q->attrs) reply_array(&out, 2);
    if (q->scores) reply_double(&out, 1 - h->distance / 2);
    if (q->attrs && vset_item(q->s, h->id)->attr != NULL) reply_bulk(&out, vset_attr(q->s, h->id));
    else if (q->attrs) reply_null(&out);
    vset_job_told(&q->base);
}

/* --- the job -------------------------------------------------------------------------------------- */

/* True: the search is over. */
static bool search(struct vsim *q, int64_t deadline_us)
{
    while (!vec_search_step(q->search, VEC_WORK_SLICE)) {
        if (deadline_us != INT64_MAX && clock_mono_us() >= deadline_us) return false;
    }
    if (q->n_changed > 0) vec_search_look_again(q->search, q->changed, q->n_changed);
    q->hits = vec_search_hits(q->search, &q->n_hits);
    return true;
}

static bool step(struct job *j, int64_t deadline_us)
{
    struct vsim *q = (struct vsim *)j;
    bool done;

    if (vset_job_pauses(&q->base, INT64_MAX, &done)) return done;
    if (q->search == NULL) begin(q);
    if (q->hits == NULL && !search(q, deadline_us)) return false;
    for (; q->at < q->n_hits && q->hits[q->at].distance / 2 <= q->epsilon; q->at++) {
        if (vset_job_pauses(&q->base, deadline_us, &done)) return done;
        if (!has_left(q, q->hits[q->at].id)) tell_hit(q, &q->hits[q->at]);
    }
    return true;
}

static void reply(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    struct vsim *q = (struct vsim *)j;

    vset_job_reply(&q->base, 1u + q->scores + q->attrs, out->resp > 2 && (q->scores || q->attrs), out, pieces);
}

static void free_job(struct job *j)
{
    struct vsim *q = (struct vsim *)j;

    vec_search_free(&q->search);
    if (q->filter != NULL) vset_filter_fini(q->filter);
    arena_fini(&q->arena);
    mem_free(q->changed);
    mem_free(q->left);
    vset_job_fini(&q->base);
    mem_free(q);
}

static enum err parse(struct call *c, struct vsim *q)
{
    size_t i;
    enum err e = parse_query(c, q, &i);

    if (e != OK) return e;
    for (; e == OK && i < c->argc; i++) e = parse_option(c, &i, q);
    return e;
}

static enum err run_vsim(struct call *c)
{
    const struct vset *s;
    struct vsim *q;
    enum err e = vset_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_NO_KEY) {
        reply_array(c->out, 0);
        return OK;
    }
    if (e != OK) return e;
    q = mem_zalloc(sizeof *q);
    q->base.job = (struct job){ .step = step, .reply = reply, .free = free_job };
    q->base.watch.changes = changes;
    q->s = s;
    q->count = COUNT;
    q->ef = EF;
    q->epsilon = 2;
    arena_init(&q->arena);
    vset_job_init(c, &q->base, s);
    e = parse(c, q);
    if (e == OK) return job_run(c, &q->base.job);
    free_job(&q->base.job);
    return e;
}

#define ARG_TOKEN(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL }
#define ARG_OPTION(n, t, kind) { .name = (n), .type = (kind), .token = (t), .flags = ARG_OPTIONAL }

static const struct command_arg formats[] = {
    { .name = "ele", .type = ARG_T_PURE_TOKEN, .token = "ELE" }, { .name = "fp32", .type = ARG_T_PURE_TOKEN, .token = "FP32" },
    { .name = "values", .type = ARG_T_PURE_TOKEN, .token = "VALUES" }, { 0 },
};

const struct command vset_sim_commands[] = {
    { .name = "vsim", .run = run_vsim, .arity = -4, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(log(N)) where N is the number of elements in the vector set.",
      .summary = "Returns the elements of a vector set that are most like a vector.",
      .args = ARGS(ARG_KEY("key"), { .name = "format", .type = ARG_T_ONEOF, .subs = formats },
                   { .name = "vector_or_element", .type = ARG_T_STRING }, ARG_TOKEN("withscores", "WITHSCORES"),
                   ARG_TOKEN("withattribs", "WITHATTRIBS"), ARG_OPTION("count", "COUNT", ARG_T_INTEGER),
                   ARG_OPTION("max_distance", "EPSILON", ARG_T_DOUBLE), ARG_OPTION("search-exploration-factor", "EF", ARG_T_INTEGER),
                   ARG_OPTION("expression", "FILTER", ARG_T_STRING), ARG_OPTION("max-filtering-effort", "FILTER-EF", ARG_T_INTEGER),
                   ARG_TOKEN("truth", "TRUTH"), ARG_TOKEN("nothread", "NOTHREAD")),
      .example = "VADD v VALUES 2 1 0 a | VADD v VALUES 2 0 1 b | VSIM v VALUES 2 0.9 0.1 COUNT 1 => *1\r\n$1\r\na\r\n" },
    { 0 },
};
