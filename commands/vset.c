/* vset.c -- vector sets: what changes them, and what asks for one thing of them. */
#include "commands/vset_args.h"

#include "base/mem.h"
#include "commands/tables.h"

/* --- VADD ----------------------------------------------------------------------------------------- */

struct vadd {
    struct vset_vector vector;
    struct str name, attr;
    bool has_attr;
    enum vset_quant quant;
    int64_t ef, m;
};

static enum err parse_vadd(struct call *c, struct vadd *a)
{
    *a = (struct vadd){ .quant = VSET_Q8, .ef = VSET_EF, .m = VSET_M };
    if (!vset_parse_vector(c, 2, true, &a->vector)) return call_fail_text(c, VSET_INVALID_VECTOR);
    if (a->vector.next >= c->argc) return call_fail(c, ERR_ARITY, STR("vadd"));
    a->name = call_arg(c, a->vector.next);
    for (size_t i = a->vector.next + 1; i < c->argc; i++) {
        bool more = i + 1 < c->argc;

        if (call_is(c, i, "CAS")) continue; /* nothing runs beside the reactor that it could be held against */
        if (call_is(c, i, "NOQUANT")) {
            a->quant = VSET_F32;
        } else if (call_is(c, i, "BIN")) {
            a->quant = VSET_BIN;
        } else if (call_is(c, i, "Q8")) {
            a->quant = VSET_Q8;
        } else if (call_is(c, i, "EF") && more) {
            if (call_i64(c, ++i, &a->ef) != OK || a->ef <= 0 || a->ef > 1000000) return call_fail_text(c, STR("ERR invalid EF"));
        } else if (call_is(c, i, "M") && more) {
            if (call_i64(c, ++i, &a->m) != OK || a->m < VSET_M_MIN || a->m > VSET_M_MAX) return call_fail_text(c, STR("ERR invalid M"));
        } else if (call_is(c, i, "SETATTR") && more) {
            a->attr = call_arg(c, ++i);
            a->has_attr = true;
        } else {
            return call_fail_text(c, STR("ERR invalid option after element"));
        }
    }
    return OK;
}

static enum err suits(struct call *c, const struct vadd *a, const struct vset *s)
{
    const struct vset_vector *v = &a->vector;

    if (s->quant != a->quant) return call_fail_text(c, STR("ERR asked quantization mismatch with existing vector set"));
    if (s->m != a->m) return call_fail_text(c, STR("ERR asked M value mismatch with existing vector set"));
    if (s->dim != (s->matrix != NULL ? v->reduce : v->dim)) return vset_wrong_dim(c, v->dim, s->dim);
    if (v->reduce > 0 && s->matrix == NULL) {
        return call_fail_text(c, STR("ERR cannot add projection to existing set without projection"));
    }
    if (s->matrix != NULL && v->dim != s->input_dim) return vset_wrong_input(c, v->dim, s->input_dim);
    return OK;
}

static enum err make_set(struct call *c, const struct vadd *a, struct vset **s)
{
    const struct vset_vector *v = &a->vector;

    if ((size_t)v->reduce * v->dim * sizeof(float) > VSET_MATRIX_MAX) {
        return call_fail_text(c, STR("ERR REDUCE would need a matrix of more than 64 MB: give vectors of fewer dimensions"));
    }
    if (!mem_can((size_t)v->reduce * v->dim * sizeof(float))) return ERR_OOM;
    *s = vset_new(c->store, a->quant, v->reduce > 0 ? v->reduce : v->dim, (uint32_t)a->m, v->reduce > 0 ? v->dim : 0);
    return OK;
}

static enum vset_put put(struct call *c, const struct vadd *a, struct vset *s)
{
    float *in = a->vector.v;

    if (s->matrix != NULL) {
        in = call_new(c, float, s->dim);
        vset_project(s, a->vector.v, in);
    }
    return vset_put(s, a->name, in, (uint32_t)a->ef, a->has_attr ? &a->attr : NULL);
}

static enum err run_vadd(struct call *c)
{
    struct slot slot;
    struct vset *s = NULL;
    struct vadd a;
    enum vset_put done;
    enum err e = parse_vadd(c, &a);
    bool is_new;

    if (e != OK) return e;
    e = vset_find_write(c->db, call_arg(c, 1), &slot, &s);
    is_new = e == ERR_NO_KEY;
    if (is_new) e = make_set(c, &a, &s);
    else if (e == OK) e = suits(c, &a, s);
    if (e != OK) return e;
    done = put(c, &a, s);
    if (done == VSET_REFUSED) {
        if (is_new) vset_free(&s);
        return mem_is_short() ? ERR_OOM : call_fail_text(c, VSET_INVALID_VECTOR);
    }
    if (is_new) vset_key_add(&slot, s);
    if (done != VSET_SAME) db_tell(&slot, CHANGE_VADD);
    reply_bool(c->out, done == VSET_ADDED);
    return OK;
}

/* --- elements ------------------------------------------------------------------------------------- */

static enum err run_vrem(struct call *c)
{
    enum err e = vset_key_remove(c->db, call_arg(c, 1), call_arg(c, 2));

    if (e != OK && e != ERR_NO_KEY && e != ERR_NOT_DONE) return e;
    reply_bool(c->out, e == OK);
    return OK;
}

static enum err run_vsetattr(struct call *c)
{
    struct slot slot;
    struct vset *s;
    uint32_t id = VSET_NONE;
    enum err e = vset_find_write(c->db, call_arg(c, 1), &slot, &s);

    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK) id = vset_find(s, call_arg(c, 2));
    if (id != VSET_NONE && !str_eq(vset_attr(s, id), call_arg(c, 3))) {
        vset_set_attr(s, call_arg(c, 2), call_arg(c, 3));
        db_tell(&slot, CHANGE_VSETATTR);
    }
    reply_bool(c->out, id != VSET_NONE);
    return OK;
}

static enum err run_vgetattr(struct call *c)
{
    const struct vset *s;
    uint32_t id;
    enum err e = vset_look(c, &s, &id);

    if (e != OK) return e;
    if (id == VSET_NONE || vset_item(s, id)->attr == NULL) reply_null(c->out);
    else reply_bulk(c->out, vset_attr(s, id));
    return OK;
}

static enum err run_vismember(struct call *c)
{
    const struct vset *s;
    uint32_t id;
    enum err e = vset_look(c, &s, &id);

    if (e == OK) reply_bool(c->out, id != VSET_NONE);
    return e;
}

static enum err run_vcard(struct call *c)
{
    const struct vset *s;
    enum err e = vset_read(c->db, call_arg(c, 1), &s);

    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, e == OK ? (int64_t)vset_count(s) : 0);
    return OK;
}

static enum err run_vdim(struct call *c)
{
    const struct vset *s;
    enum err e = vset_read(c->db, call_arg(c, 1), &s);

    if (e == ERR_NO_KEY) return call_fail_text(c, STR("ERR key does not exist"));
    if (e == OK) reply_int(c->out, s->dim);
    return e;
}

/* --- rows ----------------------------------------------------------------------------------------- */

#define ARG_ELEMENT { .name = "element", .type = ARG_T_STRING }
#define ARG_TOKEN(n, t) { .name = (n), .type = ARG_T_PURE_TOKEN, .token = (t), .flags = ARG_OPTIONAL }

static const struct command_arg formats[] = {
    { .name = "fp32", .type = ARG_T_PURE_TOKEN, .token = "FP32" },
    { .name = "values", .type = ARG_T_PURE_TOKEN, .token = "VALUES" }, { 0 },
};
static const struct command_arg quantizations[] = {
    { .name = "noquant", .type = ARG_T_PURE_TOKEN, .token = "NOQUANT" }, { .name = "bin", .type = ARG_T_PURE_TOKEN, .token = "BIN" },
    { .name = "q8", .type = ARG_T_PURE_TOKEN, .token = "Q8" }, { 0 },
};

const struct command vset_commands[] = {
    { .name = "vadd", .run = run_vadd, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE | KEY_INSERT) }, .group = GROUP_VECTOR_SET, .since = "8.0.0",
      .complexity = "O(log(N)) where N is the number of elements in the vector set.",
      .summary = "Adds an element with a vector to a vector set, or gives it another vector.",
      .args = ARGS(ARG_KEY("key"), { .name = "reduce", .type = ARG_T_BLOCK, .token = "REDUCE", .flags = ARG_OPTIONAL,
                                     .subs = ARGS({ .name = "dim", .type = ARG_T_INTEGER }) },
                   { .name = "format", .type = ARG_T_ONEOF, .subs = formats }, { .name = "vector", .type = ARG_T_STRING }, ARG_ELEMENT,
                   ARG_TOKEN("cas", "CAS"),
                   { .name = "quant_type", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = quantizations },
                   { .name = "build-exploration-factor", .type = ARG_T_INTEGER, .token = "EF", .flags = ARG_OPTIONAL },
                   { .name = "attributes", .type = ARG_T_STRING, .token = "SETATTR", .flags = ARG_OPTIONAL },
                   { .name = "numlinks", .type = ARG_T_INTEGER, .token = "M", .flags = ARG_OPTIONAL }),
      .example = "VADD v VALUES 2 1 0 a | VADD v VALUES 2 0 1 b SETATTR '{\"year\":1984}' | VCARD v => :2\r\n" },
    { .name = "vrem", .run = run_vrem, .arity = 3, .flags = CMD_WRITE, .keys = { KEY_AT(1, KEY_RW | KEY_DELETE) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(log(N)) where N is the number of elements in the vector set.",
      .summary = "Removes an element from a vector set.", .args = ARGS(ARG_KEY("key"), ARG_ELEMENT),
      .example = "VADD v VALUES 2 1 0 a | VREM v a => :1\r\n" },
    { .name = "vsetattr", .run = run_vsetattr, .arity = 4, .flags = CMD_WRITE | CMD_FAST, .keys = { KEY_AT(1, KEY_RW | KEY_UPDATE) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)",
      .summary = "Sets the attributes of an element, as JSON, or removes them.",
      .args = ARGS(ARG_KEY("key"), ARG_ELEMENT, { .name = "json", .type = ARG_T_STRING }),
      .example = "VADD v VALUES 2 1 0 a | VSETATTR v a '{\"year\":1984}' => :1\r\n" },
    { .name = "vgetattr", .run = run_vgetattr, .arity = 3, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)", .summary = "Returns the attributes of an element.",
      .args = ARGS(ARG_KEY("key"), ARG_ELEMENT),
      .example = "VADD v VALUES 2 1 0 a SETATTR '{\"n\":1}' | VGETATTR v a => $7\r\n{\"n\":1}\r\n" },
    { .name = "vismember", .run = run_vismember, .arity = 3, .flags = CMD_READONLY, .keys = { KEY_AT(1, KEY_RO) },
      .group = GROUP_VECTOR_SET, .since = "8.2.0", .complexity = "O(1)", .summary = "Tells whether an element is in a vector set.",
      .args = ARGS(ARG_KEY("key"), ARG_ELEMENT), .example = "VADD v VALUES 2 1 0 a | VISMEMBER v a => :1\r\n" },
    { .name = "vcard", .run = run_vcard, .arity = 2, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)", .summary = "Returns the number of elements in a vector set.",
      .args = ARGS(ARG_KEY("key")), .example = "VADD v VALUES 2 1 0 a | VCARD v => :1\r\n" },
    { .name = "vdim", .run = run_vdim, .arity = 2, .flags = CMD_READONLY | CMD_FAST, .keys = { KEY_AT(1, KEY_RO) },
      .group = GROUP_VECTOR_SET, .since = "8.0.0", .complexity = "O(1)",
      .summary = "Returns the number of dimensions of the vectors in a vector set.", .args = ARGS(ARG_KEY("key")),
      .example = "VADD v VALUES 3 1 0 0 a | VDIM v => :3\r\n" },
    { 0 },
};
