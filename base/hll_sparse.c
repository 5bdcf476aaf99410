/* hll_sparse.c -- the runs of a sparse HyperLogLog.
 *
 * The same additions give the same bytes as in Redis: a run is split around the register that rises,
 * and then the few runs around it are joined where they hold the same and are short enough together.
 * How a sequence of runs comes to look is part of the format in so far as two servers' DUMPs are
 * compared, so nothing cleverer is done. */
#include "base/hll_impl.h"

enum {
    ZERO_MOST = 64,     /* registers in a run of one byte */
    VAL_MOST = 4,
    VAL_VALUE_MOST = 32 /* greater ones only the dense form holds */
};

bool hll_run_at(struct str s, size_t at, struct hll_run *r)
{
    unsigned b = (unsigned char)s.p[at];

    if (b & 0x80) {
        *r = (struct hll_run){ HLL_VAL, 1, (b & 3) + 1, (b >> 2 & 31) + 1 };
    } else if (b & 0x40) {
        if (at + 1 >= s.n) return false;
        *r = (struct hll_run){ HLL_XZERO, 2, ((b & 63) << 8 | (unsigned char)s.p[at + 1]) + 1, 0 };
    } else {
        *r = (struct hll_run){ HLL_ZERO, 1, b + 1, 0 };
    }
    return true;
}

static char val_byte(unsigned value, unsigned n)
{
    return (char)(0x80 | (value - 1) << 2 | (n - 1));
}

/* Write a run of n registers of value; no bytes for no registers. */
static size_t put_run(char *p, unsigned value, unsigned n)
{
    if (n == 0) return 0;
    if (value > 0) {
        p[0] = val_byte(value, n);
        return 1;
    }
    if (n <= ZERO_MOST) {
        p[0] = (char)(n - 1);
        return 1;
    }
    p[0] = (char)(0x40 | (n - 1) >> 8);
    p[1] = (char)(n - 1);
    return 2;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* The run that holds a register, and the two before it, as far back as the search began. */
struct place {
    size_t at, prev_at, before_at; /* equal where there is none before */
    unsigned first, prev_first, before_first;
    struct hll_run run;
};

static enum err find(const struct hll *h, unsigned index, struct place *p)
{
    struct str s = buf_str(&h->bytes);
    bool hinted = h->hint_at > 0 && index >= h->hint_min;

    p->at = p->prev_at = p->before_at = hinted ? h->hint_at : HLL_HEADER;
    p->first = p->prev_first = p->before_first = hinted ? h->hint_first : 0;
    for (;;) {
        if (p->at >= s.n || !hll_run_at(s, p->at, &p->run)) return ERR_HLL_CORRUPT;
        if (index < p->first + p->run.n) return OK;
        p->before_at = p->prev_at;
        p->before_first = p->prev_first;
        p->prev_at = p->at;
        p->prev_first = p->first;
        p->at += p->run.bytes;
        p->first += p->run.n;
    }
}

/* Begin the next search two runs before this one: what is about to happen here reaches back by one. A
 * register of that very run would be found without the run before it, and so is searched for from the
 * start. */
static void leave_hint(struct hll *h, const struct place *p)
{
    h->hint_at = p->before_at;
    h->hint_first = p->before_first;
    if (p->before_at == HLL_HEADER)
        h->hint_min = 0;
    else
        h->hint_min = p->before_at == p->prev_at ? p->first : p->prev_first;
}

/* --- changing --------------------------------------------------------------------------------- */

/* Join neighbours among five runs from offset `at` on. */
static void join(struct buf *b, size_t at)
{
    struct hll_run r, next;

    for (int left = 5; left > 0 && at < b->n; left--) {
        if (!hll_run_at(buf_str(b), at, &r)) return;
        if (r.kind == HLL_VAL && at + 1 < b->n && hll_run_at(buf_str(b), at + 1, &next) &&
            next.kind == HLL_VAL && next.value == r.value && r.n + next.n <= VAL_MOST) {
            b->p[at] = val_byte(r.value, r.n + next.n);
            memmove(b->p + at + 1, b->p + at + 2, b->n - at - 2);
            b->n--;
        } else {
            at += r.bytes;
        }
    }
}

static enum err turn_dense(struct hll *h, unsigned index, unsigned count, bool *changed)
{
    enum err e = hll_to_dense(h);

    if (e == OK) *changed = hll_dense_raise(h->bytes.p, index, count);
    return e;
}

enum err hll_sparse_raise(struct hll *h, unsigned index, unsigned count, bool *changed)
{
    struct buf *b = &h->bytes;
    struct place at;
    char seq[5];
    size_t n;
    enum err e;

    if (count > VAL_VALUE_MOST) return turn_dense(h, index, count, changed);
    e = find(h, index, &at);
    if (e != OK) return e;
    if (at.run.value >= count) return OK;
    n = put_run(seq, at.run.value, index - at.first);
    n += put_run(seq + n, count, 1);
    n += put_run(seq + n, at.run.value, at.first + at.run.n - 1 - index);
    if (n > at.run.bytes && b->n + n - at.run.bytes > h->sparse_max)
        return turn_dense(h, index, count, changed);
    if (n > at.run.bytes) {
        buf_insert(b, at.at + at.run.bytes, seq, n - at.run.bytes);
    } else if (n < at.run.bytes) {
        memmove(b->p + at.at + n, b->p + at.at + at.run.bytes, b->n - at.at - at.run.bytes);
        b->n -= at.run.bytes - n;
    }
    memcpy(b->p + at.at, seq, n);
    join(b, at.prev_at);
    leave_hint(h, &at);
    *changed = true;
    return OK;
}

void hll_describe(struct str s, struct buf *out)
{
    static const char kinds[] = { [HLL_ZERO] = 'z', [HLL_XZERO] = 'Z', [HLL_VAL] = 'v' };
    struct hll_run r;

    for (size_t at = HLL_HEADER; at < s.n && hll_run_at(s, at, &r); at += r.bytes) {
        if (at > HLL_HEADER) buf_add_char(out, ' ');
        if (r.kind == HLL_VAL)
            buf_printf(out, "v:%u,%u", r.value, r.n);
        else
            buf_printf(out, "%c:%u", kinds[r.kind], r.n);
    }
}
