/* vset_list.c -- vector sets: names of elements, random ones (VRANDMEMBER) and in their order (VRANGE).
 *
 * Very many are told in slices (commands/job.h), while others may change the set. An element that is there throughout is told once by
 * VRANGE; one that leaves and comes again meanwhile may be told twice by VRANDMEMBER. */
#include "commands/random_reply.h"
#include "commands/tables.h"
#include "commands/vset_args.h"
#include "commands/vset_job.h"

#include "base/mem.h"

enum { MISSES = 1000 };

/* --- VRANDMEMBER ---------------------------------------------------------------------------------- */

struct lottery {
    struct vset_job base;
    struct rng *rng;
    size_t left;      /* to be told */
    uint64_t *seen;   /* distinct, few of all: bits of ids that were told */
    uint32_t *ids;    /* distinct, many of all: those from `at` on have not been told */
    size_t n_ids, at; /* n_ids: of seen words */
    int misses;       /* in a row */
};

static void tell_name(struct vset_job *j, uint32_t id)
{
    struct reply out = vset_job_out(j);

    reply_bulk(&out, entry_key(vset_item(j->s, id)->name));
    vset_job_told(j);
}

/* One of all, which was not told yet. */
static bool see(struct lottery *l, uint32_t id)
{
    if (l->seen == NULL || id / 64 >= l->n_ids) return l->seen == NULL; /* ids beyond came later */
    if (l->seen[id / 64] >> (id % 64) & 1) return false;
    l->seen[id / 64] |= 1ULL << (id % 64);
    return true;
}

/* The ids are shuffled as far as they are told. */
static void tell_shuffled(struct lottery *l)
{
    const struct vset *s = l->base.s;
    size_t at = l->at + rng_below(l->rng, l->n_ids - l->at);
    uint32_t id = l->ids[at];

    l->ids[at] = l->ids[l->at++];
    if (vset_item(s, id)->name != NULL) tell_name(&l->base, id);
}

static void tell_random(struct lottery *l)
{
    uint32_t id = vset_random(l->base.s, l->rng);

    l->misses++;
    if (!see(l, id)) return;
    l->misses = 0;
    tell_name(&l->base, id);
}

static bool has_more(const struct lottery *l)
{
    if (l->base.told.n >= l->left) return false;
    if (l->ids != NULL) return l->at < l->n_ids;
    return l->misses < MISSES; /* most of those that were there have left */
}

static bool step_lottery(struct job *j, int64_t deadline_us)
{
    struct lottery *l = (struct lottery *)j;
    bool done;

    if (vset_job_pauses(&l->base, INT64_MAX, &done)) return done;
    while (has_more(l)) {
        if (l->ids != NULL) tell_shuffled(l);
        else tell_random(l);
        if (vset_job_pauses(&l->base, deadline_us, &done)) return done;
    }
    return true;
}

static void reply_names(struct job *j, struct reply *out, struct reply_pieces *pieces)
{
    vset_job_reply((struct vset_job *)j, 1, false, out, pieces);
}

static void free_lottery(struct job *j)
{
    struct lottery *l = (struct lottery *)j;

    vset_job_fini(&l->base);
    mem_free(l->seen);
    mem_free(l->ids);
    mem_free(l);
}

/* n of all, none twice: where that is few, by trying; else by shuffling all as far as needed. */
static void be_distinct(struct lottery *l, const struct vset *s)
{
    if (l->left < vset_count(s) / 3) {
        l->n_ids = s->n_items / 64 + 1;
        l->seen = mem_zalloc(l->n_ids * sizeof *l->seen);
        return;
    }
    l->ids = mem_alloc(vset_count(s) * sizeof *l->ids);
    for (uint32_t id = 0; id < s->n_items; id++) {
        if (vset_item(s, id)->name != NULL) l->ids[l->n_ids++] = id;
    }
}

static enum err run_vrandmember(struct call *c)
{
    const struct vset *s;
    struct lottery *l;
    int64_t count = 1;
    size_t n;
    enum err e;

    if (c->argc > 3) return call_fail(c, ERR_ARITY, STR("vrandmember"));
    if (c->argc == 3 && (call_i64(c, 2, &count) != OK || count == INT64_MIN)) {
        return call_fail_text(c, STR("ERR COUNT value is not an integer"));
    }
    e = vset_read(c->db, call_arg(c, 1), &s);
    if (e != OK && e != ERR_NO_KEY) return e;
    if (c->argc == 2) {
        if (e == ERR_NO_KEY) reply_null(c->out);
        else reply_bulk(c->out, entry_key(vset_item(s, vset_random(s, &c->store->rng))->name));
        return OK;
    }
    n = e == ERR_NO_KEY ? 0 : (size_t)(count < 0 ? -count : count);
    if (n > 0 && count > 0 && n > vset_count(s)) n = vset_count(s);
    if (n > RANDOM_ITEMS_MAX) return ERR_OUT_OF_RANGE;
    if (n == 0) {
        reply_array(c->out, 0);
        return OK;
    }
    l = mem_zalloc(sizeof *l);
    l->base.job = (struct job){ .step = step_lottery, .reply = reply_names, .free = free_lottery };
    l->rng = &c->store->rng;
    l->left = n;
    if (count > 0) be_distinct(l, s);
    vset_job_init(c, &l->base, s);
    return job_run(c, &l->base.job);
}

/* --- VRANGE --------------------------------------------------------------------------------------- */

struct end {
    bool lowest, highest, closed;
    struct str name;
};

static bool parse_end(struct str s, struct end *out)
{
    *out = (struct end){ .lowest = str_eq(s, STR("-")), .highest = str_eq(s, STR("+")) };
    if (out->lowest || out->highest) return true;
    if (s.n < 2 || (s.p[0] != '[' && s.p[0] != '(')) return false;
    out->closed = s.p[0] == '[';
    out->name = str_of(s.p + 1, s.n - 1);
    return true;
}

/* The names of a range in slices: the next begins behind the last that was told, whatever came and went meanwhile. */
struct vrange {
    struct vset_job base;
    struct end from, to;
    struct buf texts[2];  /* of from, which becomes the last that was told, and of to */
    uint64_t most;
};

static void keep_end(struct end *end, struct buf *text)
{
    buf_clear(text);
    buf_add_str(text, end->name);
    end->name = buf_str(text);
}

static bool step_range(struct job *j, int64_t deadline_us)
{
    struct vrange *r = (struct vrange *)j;
    const struct vset *s = r->base.s;
    size_t first, last;
    struct str name = STR("");
    bool done;

    if (vset_job_pauses(&r->base, INT64_MAX, &done)) return done;
    first = r->from.lowest ? 0 : vset_rank(s, r->from.name, !r->from.closed);
    last = r->to.highest ? vset_count(s) : vset_rank(s, r->to.name, r->to.closed);
    for (; first < last && r->base.told.n < r->most; first++) {
        struct reply out = vset_job_out(&r->base);

        name = vset_name_at(s, first);
        reply_bulk(&out, name);
        vset_job_told(&r->base);
        if (!vset_job_pauses(&r->base, deadline_us, &done)) continue;
        r->from = (struct end){ .name = name };
        keep_end(&r->from, &r->texts[0]);
        return false;
    }
    r->most = r->base.told.n;
    return true;
}

static void free_range(struct job *j)
{
    struct vrange *r = (struct vrange *)j;

    vset_job_fini(&r->base);
    buf_fini(&r->texts[0]);
    buf_fini(&r->texts[1]);
    mem_free(r);
}

static enum err run_vrange(struct call *c)
{
    const struct vset *s;
    struct vrange *r;
    struct end from, to;
    int64_t count = -1;
    enum err e;

    if (c->argc > 5) return call_fail(c, ERR_ARITY, STR("vrange"));
    if (c->argc == 5 && call_i64(c, 4, &count) != OK) return call_fail_text(c, STR("ERR invalid COUNT value"));
    if (!parse_end(call_arg(c, 2), &from)) return call_fail_text(c, STR("ERR invalid start range format"));
    if (!parse_end(call_arg(c, 3), &to)) return call_fail_text(c, STR("ERR invalid end range format"));
    if (from.highest || to.lowest) return call_fail_text(c, STR("ERR '-' can only be used as first argument, '+' only as second"));
    e = vset_read(c->db, call_arg(c, 1), &s);
    if (e == ERR_NO_KEY) {
        reply_array(c->out, 0);
        return OK;
    }
    if (e != OK) return e;
    r = mem_zalloc(sizeof *r);
    r->base.job = (struct job){ .step = step_range, .reply = reply_names, .free = free_range };
    r->from = from;
    r->to = to;
    keep_end(&r->from, &r->texts[0]);
    keep_end(&r->to, &r->texts[1]);
    r->most = count >= 0 ? (uint64_t)count : UINT64_MAX;
    vset_job_init(c, &r->base, s);
    return job_run(c, &r->base.job);
}

/* --- rows ----------------------------------------------------------------------------------------- */

const struct command vset_list_commands[] = {
    { .name = "vrandmember", .run = run_vrandmember, .arity = -2, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(N) where N is the absolute value of count.",
      .summary = "Returns one or several random elements of a vector set.",
      .args = ARGS(ARG_KEY("key"), { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }),
      .tips = TIPS("nondeterministic_output"), .example = "VADD v VALUES 2 1 0 a | VRANDMEMBER v => $1\r\na\r\n" },
    { .name = "vrange", .run = run_vrange, .arity = -4, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.4.0",
      .complexity = "O(M*log(N)) where N is the number of elements in the vector set and M the number of those returned.",
      .summary = "Returns the elements whose names are within a range, in their order.",
      .args = ARGS(ARG_KEY("key"), { .name = "start", .type = ARG_T_STRING }, { .name = "end", .type = ARG_T_STRING },
                   { .name = "count", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }),
      .example = "VADD v VALUES 2 1 0 a | VADD v VALUES 2 0 1 b | VRANGE v [b + => *1\r\n$1\r\nb\r\n" },
    { 0 },
};
