/* aof_look.c -- commands and lines of a log, one at a time. */
#include "persistence/aof_look.h"

#include <string.h>

#include "base/num.h"
#include "persistence/mark.h"

enum { LINE_MAX_BYTES = 1024 }; /* of an annotation; stock servers read no more */

void look_start(struct look *l, struct rdb_in *in)
{
    *l = (struct look){ .in = in };
    l->limits = (struct resp_limits){ .max_args = INT32_MAX, .max_bulk = UINT64_MAX / 2,
                                      .authenticated = true };
}

static enum item look_line(struct look *l, uint64_t at, uint64_t *n)
{
    struct rdb_in *in = l->in;
    uint64_t len = 0;

    while (len < LINE_MAX_BYTES) {
        const unsigned char *from, *end;
        uint64_t have;

        if (!rdb_in_reach(in, at + len + 1)) return ITEM_SHORT;
        have = (uint64_t)(in->end - in->p) - at;
        if (have > LINE_MAX_BYTES) have = LINE_MAX_BYTES;
        from = in->p + at;
        end = memchr(from + len, '\n', have - len);
        len = end ? (uint64_t)(end - from) + 1 : have;
        if (!end) continue;
        *n = len;
        return mark_is_ours(str_of(from, len)) ? ITEM_MARK : ITEM_NOTE;
    }
    return ITEM_BAD;
}

/* A command: parser.args are slices of the window until it next moves. */
static enum item look_command(struct look *l, uint64_t at, uint64_t *n)
{
    struct rdb_in *in = l->in;

    for (;;) {
        uint64_t have = (uint64_t)(in->end - in->p) - at;
        size_t used, want = 1;

        switch (resp_parse(&l->parser, (const char *)in->p + at, have, &l->limits, &used, &want)) {
        case RESP_REQUEST:
            *n = used;
            return l->parser.argc > 0 ? ITEM_COMMAND : ITEM_BAD;
        case RESP_BAD:
            return ITEM_BAD;
        default:
            if (want > rdb_in_left(in) || !rdb_in_reach(in, at + have + want)) return ITEM_SHORT;
        }
    }
}

enum item look_at(struct look *l, uint64_t at, uint64_t *n)
{
    if (!rdb_in_reach(l->in, at + 1)) return ITEM_END;
    if (l->in->p[at] == '#') return look_line(l, at, n);
    return l->in->p[at] == '*' ? look_command(l, at, n) : ITEM_BAD;
}

void look_again(struct look *l)
{
    resp_fini(&l->parser);
    l->parser = (struct resp_parser){ 0 };
}

bool look_is(const struct look *l, const char *word)
{
    return l->parser.argc > 0 && str_is(l->parser.args[0], word);
}

void look_end(struct look *l)
{
    resp_fini(&l->parser);
}

int64_t look_stamp(const struct look *l, uint64_t at, uint64_t n)
{
    const char *p = (const char *)l->in->p + at;
    uint64_t s;

    if (n < 6 || memcmp(p, "#TS:", 4) != 0 || p[n - 2] != '\r') return -1;
    return num_parse_u64(str_of(p + 4, n - 6), &s) && s <= INT64_MAX / 1000 ? (int64_t)s : -1;
}
