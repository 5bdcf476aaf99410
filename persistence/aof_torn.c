/* aof_torn.c -- a file stops making sense: was it cut short, or has something in it changed? */
#include <string.h>

#include "persistence/aof_impl.h"

enum { SECTOR = 512, MANY = 16 };

/* A sector's first part may have come with an earlier write, so it need not be zeros in full. */
bool aof_has_hole(struct rdb_in *in)
{
    uint64_t pos = rdb_in_at(in), left = rdb_in_left(in), at = 0;

    if (left == 0 || !rdb_in_reach(in, left)) return false;
    while (at < left) {
        uint64_t n = SECTOR - (pos + at) % SECTOR;

        if (n > left - at) n = left - at;
        at += n;
        if (in->p[at - 1] == 0) return true;
    }
    return false;
}

static bool are_zeros(const unsigned char *p)
{
    static const unsigned char zeros[MANY];

    return memcmp(p, zeros, MANY) == 0;
}

/* What a failed sync has lost may begin and end within a sector, for what is written next brings the rest of it. Told
 * by zeros where no value can be, and which no flipped bit makes: at the beginning of a batch, or instead of the line
 * that ends one, before another that is whole. */
static bool has_lost_ends(const struct aof_reader *r)
{
    struct rdb_in *in = r->in;
    struct mark_scan s = { .id = r->head.id };
    struct mark_found f;

    if (rdb_in_left(in) < MANY || !rdb_in_reach(in, rdb_in_left(in))) return false;
    if (are_zeros(in->p)) return true;
    s.p = (const char *)in->p;
    s.n = rdb_in_left(in);
    while (mark_next(&s, &f))
        if (f.b.seq > r->batches + 1 && f.from >= MANY && are_zeros(in->p + f.from - MANY)) return true;
    return false;
}

/* The line of ours that ends the input, if one does. */
static bool ends_with_mark(struct rdb_in *in, struct mark_batch *b)
{
    uint64_t left = rdb_in_left(in), from;

    if (!rdb_in_reach(in, left)) return false;
    from = left > MARK_MAX ? left - MARK_MAX : 0;
    for (uint64_t i = from; i < left; i++)
        if (in->p[i] == '#' && mark_get_batch(str_of(in->p + i, left - i), b)) return true;
    return false;
}

/* The input ends in a line of ours without its newline, in full length: the newline is there, but altered. */
static bool ends_with_altered_newline(struct rdb_in *in)
{
    char line[MARK_MAX];
    uint64_t left = rdb_in_left(in), from;
    struct mark_batch b;

    if (!rdb_in_reach(in, left)) return false;
    from = left > MARK_MAX ? left - MARK_MAX : 0;
    memcpy(line, in->p + from, left - from);
    if (left == from) return false;
    line[left - from - 1] = '\n';
    for (uint64_t i = from; i < left; i++)
        if (in->p[i] == '#' && mark_get_batch(str_of(line + (i - from), left - i), &b)) return true;
    return false;
}

bool aof_claims_durable(struct rdb_in *in, const char *id, uint64_t offset)
{
    struct mark_scan s = { .id = id };
    struct mark_found f;

    /* The rest of the file is brought into memory: it is the exception, and usually short. */
    if (!rdb_in_reach(in, rdb_in_left(in))) return false;
    s.p = (const char *)in->p;
    s.n = rdb_in_left(in);
    while (mark_next(&s, &f))
        if (f.b.durable > offset) return true;
    return false;
}

enum aof_end aof_bad(struct aof_reader *r, enum aof_end end, const char *what)
{
    r->bad_pos = rdb_in_at(r->in);
    if (what != r->why) memccpy(r->why, what, 0, sizeof r->why - 1);
    return end;
}

enum aof_end aof_judge(struct aof_reader *r, enum item last, const char *what)
{
    struct mark_batch b;
    bool full = ends_with_mark(r->in, &b) || ends_with_altered_newline(r->in);
    bool hole = aof_has_hole(r->in) || has_lost_ends(r);
    enum aof_end end = aof_bad(r, AOF_TORN, what);

    if (r->in->err != OK) return aof_bad(r, AOF_DAMAGED, r->in->why);
    if (full && !hole) end = AOF_DAMAGED;
    if (!full && !hole && last != ITEM_SHORT && last != ITEM_END) end = AOF_DAMAGED;
    if (aof_claims_durable(r->in, r->head.id, r->offset)) end = AOF_DAMAGED;
    return end;
}
