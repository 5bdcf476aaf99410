/* vset_show.c -- vector sets: what lies in them. */
#include "commands/tables.h"
#include "commands/vset_args.h"

static const char *quant_name(const struct vset *s)
{
    static const char *const names[] = { [VSET_F32] = "f32", [VSET_Q8] = "int8", [VSET_BIN] = "bin" };

    return names[s->quant];
}

/* --- VEMB ----------------------------------------------------------------------------------------- */

static void reply_row(struct call *c, const struct vset *s, uint32_t id)
{
    const struct vset_item *it = vset_item(s, id);

    reply_array(c->out, s->quant == VSET_Q8 ? 4 : 3);
    reply_simple(c->out, quant_name(s));
    reply_bulk(c->out, str_of(vset_row(s, id), vset_row_bytes(s)));
    reply_double(c->out, (double)it->length);
    if (s->quant == VSET_Q8) reply_double(c->out, (double)it->range);
}

static enum err run_vemb(struct call *c)
{
    const struct vset *s;
    uint32_t id;
    bool raw = false;
    float *v;
    enum err e;

    for (size_t i = 3; i < c->argc; i++) {
        if (!call_is(c, i, "RAW")) return call_fail_text(c, STR("ERR invalid option"));
        raw = true;
    }
    e = vset_look(c, &s, &id);
    if (e != OK) return e;
    if (id == VSET_NONE) {
        reply_null(c->out);
    } else if (raw) {
        reply_row(c, s, id);
    } else {
        v = call_new(c, float, s->dim);
        vset_unpack(s, id, v);
        reply_array(c->out, s->dim);
        for (uint32_t i = 0; i < s->dim; i++) reply_double(c->out, (double)v[i]);
    }
    return OK;
}

/* --- VLINKS --------------------------------------------------------------------------------------- */

static void reply_links(struct call *c, const struct vset *s, uint32_t id, unsigned level, bool scores)
{
    struct vec_hit *links = call_new(c, struct vec_hit, 2 * s->m);
    size_t n = vec_index_links(s->v, id, level, links, 2 * s->m);

    if (scores) reply_map(c->out, n);
    else reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        reply_bulk(c->out, entry_key(vset_item(s, links[i].id)->name));
        if (scores) reply_double(c->out, (double)(float)(1 - links[i].distance / 2));
    }
}

static enum err run_vlinks(struct call *c)
{
    const struct vset *s;
    uint32_t id;
    enum err e;

    if (c->argc > 4 || (c->argc == 4 && !call_is(c, 3, "WITHSCORES"))) return call_fail(c, ERR_ARITY, STR("vlinks"));
    e = vset_look(c, &s, &id);
    if (e != OK) return e;
    if (id == VSET_NONE) {
        reply_null(c->out);
        return OK;
    }
    reply_array(c->out, vec_index_level(s->v, id) + 1);
    for (unsigned l = vec_index_level(s->v, id) + 1; l-- > 0;) reply_links(c, s, id, l, c->argc == 4);
    return OK;
}

/* --- VINFO ---------------------------------------------------------------------------------------- */

static void reply_fact(struct call *c, const char *name, uint64_t v)
{
    reply_simple(c->out, name);
    reply_int(c->out, (int64_t)v);
}

static enum err run_vinfo(struct call *c)
{
    const struct vset *s;
    enum err e = vset_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_NO_KEY) {
        reply_null_array(c->out);
        return OK;
    }
    if (e != OK) return e;
    reply_map(c->out, 9);
    reply_simple(c->out, "quant-type");
    reply_simple(c->out, quant_name(s));
    reply_fact(c, "hnsw-m", s->m);
    reply_fact(c, "vector-dim", s->dim);
    reply_fact(c, "projection-input-dim", s->input_dim);
    reply_fact(c, "size", vset_count(s));
    reply_fact(c, "max-level", vec_index_highest(s->v));
    reply_fact(c, "attributes-count", s->n_attrs);
    reply_fact(c, "vset-uid", s->uid);
    reply_fact(c, "hnsw-max-node-uid", s->n_items);
    return OK;
}

/* --- rows ----------------------------------------------------------------------------------------- */

#define ARG_ELEMENT { .name = "element", .type = ARG_T_STRING }

const struct command vset_show_commands[] = {
    { .name = "vemb", .run = run_vemb, .arity = -3, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(D) where D is the number of dimensions.",
      .summary = "Returns the vector of an element, about as it was given.",
      .args = ARGS(ARG_KEY("key"), ARG_ELEMENT, { .name = "raw", .type = ARG_T_PURE_TOKEN, .token = "RAW", .flags = ARG_OPTIONAL }),
      .example = "VADD v VALUES 2 0 2 a NOQUANT | VEMB v a => *2\r\n$1\r\n0\r\n$1\r\n2\r\n" },
    { .name = "vlinks", .run = run_vlinks, .arity = -3, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)",
      .summary = "Returns the neighbours of an element in each layer of the graph, the highest first.",
      .args = ARGS(ARG_KEY("key"), ARG_ELEMENT,
                   { .name = "withscores", .type = ARG_T_PURE_TOKEN, .token = "WITHSCORES", .flags = ARG_OPTIONAL }),
      .example = "VLINKS nothing a => $-1\r\n" },
    { .name = "vinfo", .run = run_vinfo, .arity = 2, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)", .summary = "Returns facts about a vector set.",
      .args = ARGS(ARG_KEY("key")), .example = "VINFO nothing => *-1\r\n" },
    { 0 },
};
