/* vset_args.c -- see vset_args.h. */
#include "commands/vset_args.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"

static bool parse_blob(struct call *c, size_t at, struct vset_vector *out)
{
    struct str blob;

    if (at + 1 >= c->argc) return false;
    blob = call_arg(c, at + 1);
    if (blob.n < sizeof(float) || blob.n % sizeof(float) != 0 || blob.n / sizeof(float) > VEC_DIM_MAX) return false;
    out->dim = (uint32_t)(blob.n / sizeof(float));
    out->v = call_new(c, float, out->dim);
    memcpy(out->v, blob.p, blob.n);
    out->next = at + 2;
    return true;
}

static bool parse_values(struct call *c, size_t at, struct vset_vector *out)
{
    int64_t n;
    double x;

    if (at + 1 >= c->argc || call_i64(c, at + 1, &n) != OK || n < 1 || n > VEC_DIM_MAX) return false;
    if (c->argc - (at + 2) < (size_t)n) return false;
    out->dim = (uint32_t)n;
    out->v = call_new(c, float, out->dim);
    for (uint32_t i = 0; i < out->dim; i++) {
        if (!num_parse_double(call_arg(c, at + 2 + i), &x)) return false;
        out->v[i] = (float)x;
    }
    out->next = at + 2 + out->dim;
    return true;
}

bool vset_parse_vector(struct call *c, size_t at, bool may_reduce, struct vset_vector *out)
{
    int64_t reduce = 0;
    bool ok;

    *out = (struct vset_vector){ 0 };
    if (may_reduce && call_is(c, at, "REDUCE") && at + 2 < c->argc) {
        if (call_i64(c, at + 1, &reduce) != OK || reduce <= 0) return false;
        at += 2;
    }
    if (call_is(c, at, "FP32")) ok = parse_blob(c, at, out);
    else ok = call_is(c, at, "VALUES") && parse_values(c, at, out);
    if (!ok || reduce > out->dim) return false;
    out->reduce = (uint32_t)reduce;
    for (uint32_t i = 0; i < out->dim; i++) ok = ok && isfinite(out->v[i]);
    return ok;
}

enum err vset_wrong_dim(struct call *c, uint32_t got, uint32_t want)
{
    reply_errorf(c->out, "ERR Vector dimension mismatch - got %u but set has %u", got, want);
    return CALL_REPLIED_ERROR;
}

enum err vset_wrong_input(struct call *c, uint32_t got, uint32_t want)
{
    reply_errorf(c->out, "ERR Input dimension mismatch for projection - got %u but projection expects %u", got, want);
    return CALL_REPLIED_ERROR;
}

enum err vset_look(struct call *c, const struct vset **s, uint32_t *id)
{
    enum err e = vset_read(c->db, call_arg(c, 1), s);

    *id = VSET_NONE;
    if (e == OK) *id = vset_find(*s, call_arg(c, 2));
    else *s = NULL;
    return e == ERR_NO_KEY ? OK : e;
}
