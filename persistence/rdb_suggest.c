/* rdb_suggest.c -- see rdb_suggest.h. Strings have a zero byte behind them; an empty payload is none. */
#include "persistence/rdb_suggest.h"

#include "base/buf.h"
#include "base/mem.h"
#include "persistence/rdb_format.h"

/* --- writing ------------------------------------------------------------------------------------------------------ */

void rdb_put_suggest_head(struct rdb_out *o, uint64_t count)
{
    rdb_put_len(o, RDB_SUGGEST_ID);
    rdb_put_len(o, RDB_MODULE_UINT);
    rdb_put_len(o, count);
}

static void put_text(struct rdb_out *o, struct str s)
{
    rdb_put_len(o, RDB_MODULE_STRING);
    rdb_put_len(o, s.n + 1);
    buf_add_str(&o->bytes, s);
    rdb_put_byte(o, 0);
}

void rdb_put_suggestion(struct rdb_out *o, const struct suggestion *g)
{
    put_text(o, suggestion_text(g));
    rdb_put_len(o, RDB_MODULE_DOUBLE);
    rdb_put_double(o, (double)g->score);
    put_text(o, suggestion_payload(g));
}

void rdb_put_suggest_end(struct rdb_out *o)
{
    rdb_put_len(o, RDB_MODULE_EOF);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

static bool get_opcode(struct rdb_in *in, uint64_t want)
{
    uint64_t opcode;

    if (!rdb_in_len(in, &opcode)) return false;
    return opcode == want || rdb_in_bad(in, "suggestions have opcode %llu instead of %llu", (unsigned long long)opcode,
                                        (unsigned long long)want);
}

/* Without its zero byte. */
static bool get_text(struct rdb_in *in, struct str *s)
{
    if (!get_opcode(in, RDB_MODULE_STRING) || !rdb_in_str(in, s)) return false;
    if (s->n == 0 || s->p[s->n - 1] != '\0') return rdb_in_bad(in, "a suggestion does not end in a zero byte");
    s->n--;
    return true;
}

bool rdb_get_suggestion(struct rdb_in *in, struct suggestions *d)
{
    char text[SUGGESTION_MAX];
    struct str s, payload;
    uint64_t bits;
    double score;
    size_t n;

    if (!get_text(in, &s)) return false;
    if (s.n == 0 || s.n > sizeof text) return rdb_in_bad(in, "a suggestion has %zu bytes", s.n);
    n = s.n;
    memcpy(text, s.p, n);
    if (!get_opcode(in, RDB_MODULE_DOUBLE) || !rdb_in_u64(in, &bits) || !get_text(in, &payload)) return false;
    memcpy(&score, &bits, sizeof score);
    return suggestions_put(d, str_of(text, n), score, false, payload) || rdb_in_bad(in, "a suggestion is there twice");
}

bool rdb_get_suggest_count(struct rdb_in *in, uint64_t *n)
{
    enum { LEAST = 3 + 9 + 2 }; /* bytes of one */

    if (!get_opcode(in, RDB_MODULE_UINT) || !rdb_in_count(in, LEAST, n)) return false;
    return *n > 0 || rdb_in_bad(in, "a dictionary has no suggestions");
}

bool rdb_get_suggest_end(struct rdb_in *in)
{
    return get_opcode(in, RDB_MODULE_EOF);
}
