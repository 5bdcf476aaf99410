/* lcs.c -- LCS: the longest common subsequence of two strings.
 *
 * The textbook table: len[i][j] is the length for the first i bytes of a and the first j of b.
 * Going back from its last corner gives the subsequence, and the ranges that it consists of.
 * Which of several longest ones is found is part of the protocol: among equal lengths the way
 * back shortens b first. */
#include "base/mem.h"
#include "commands/tables.h"
#include "storage/type_string.h"

struct lcs {
    struct str a, b;
    uint32_t *len; /* (a.n + 1) rows of b.n + 1 */
    bool want_len, want_idx, with_match_len;
    int64_t min_match;
};

static uint32_t *cell(const struct lcs *l, size_t i, size_t j)
{
    return &l->len[i * (l->b.n + 1) + j];
}

static void fill(struct lcs *l)
{
    memset(l->len, 0, (l->b.n + 1) * sizeof l->len[0]);
    for (size_t i = 1; i <= l->a.n; i++) {
        uint32_t *row = cell(l, i, 0), *above = cell(l, i - 1, 0);

        row[0] = 0;
        for (size_t j = 1; j <= l->b.n; j++) {
            if (l->a.p[i - 1] == l->b.p[j - 1])
                row[j] = above[j - 1] + 1;
            else
                row[j] = above[j] > row[j - 1] ? above[j] : row[j - 1];
        }
    }
}

/* --- arguments -------------------------------------------------------------------------------- */

static enum err parse(struct call *c, struct lcs *l)
{
    for (size_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "IDX"))
            l->want_idx = true;
        else if (call_is(c, i, "LEN"))
            l->want_len = true;
        else if (call_is(c, i, "WITHMATCHLEN"))
            l->with_match_len = true;
        else if (call_is(c, i, "MINMATCHLEN") && i + 1 < c->argc) {
            enum err e = call_i64(c, ++i, &l->min_match);
            if (e != OK) return e;
        } else
            return ERR_SYNTAX;
    }
    return l->want_len && l->want_idx ? ERR_LCS_BOTH : OK;
}

/* No key counts as an empty string. */
static bool read_string(struct call *c, size_t i, struct str *out)
{
    const struct entry *e = db_read(c->db, call_arg(c, i));

    *out = STR("");
    if (!e) return true;
    if (entry_type(e) != VALUE_STRING) return false;
    *out = string_bytes(e, arena_alloc(c->arena, NUM_TEXT_MAX));
    return true;
}

/* The table is memory that a client asks for: it must fit the limit on a single argument. */
static enum err reserve(const struct call *c, struct lcs *l)
{
    uint64_t cells = (uint64_t)(l->a.n + 1) * (l->b.n + 1);

    if (l->a.n >= UINT32_MAX - 1 || l->b.n >= UINT32_MAX - 1) return ERR_LCS_LONG;
    if (cells > c->store->conf.string_limit / sizeof l->len[0]) return ERR_LCS_MEMORY;
    l->len = mem_try_alloc(cells * sizeof l->len[0]);
    return l->len ? OK : ERR_LCS_MEMORY;
}

/* --- replies ---------------------------------------------------------------------------------- */

static void reply_range(struct reply *r, size_t first, size_t last)
{
    reply_array(r, 2);
    reply_int(r, (int64_t)first);
    reply_int(r, (int64_t)last);
}

/* A run of n equal bytes that begin at i of a and j of b; false: too short to be told. */
static bool reply_match(struct reply *r, const struct lcs *l, size_t i, size_t j, size_t n)
{
    if ((int64_t)n < l->min_match) return false;
    reply_array(r, l->with_match_len ? 3 : 2);
    reply_range(r, i, i + n - 1);
    reply_range(r, j, j + n - 1);
    if (l->with_match_len) reply_int(r, (int64_t)n);
    return true;
}

/* Go back one step that matches nothing. */
static void step_back(const struct lcs *l, size_t *i, size_t *j)
{
    if (*cell(l, *i - 1, *j) > *cell(l, *i, *j - 1))
        --*i;
    else
        --*j;
}

static void reply_matches(struct reply *r, const struct lcs *l)
{
    size_t i = l->a.n, j = l->b.n, n_matches = 0, mark;

    reply_map(r, 2);
    reply_bulk(r, STR("matches"));
    mark = reply_mark(r);
    while (i > 0 && j > 0) {
        size_t n = 0;

        for (; i > 0 && j > 0 && l->a.p[i - 1] == l->b.p[j - 1]; i--, j--) n++;
        if (n > 0)
            n_matches += reply_match(r, l, i, j, n);
        else
            step_back(l, &i, &j);
    }
    reply_array_at(r, mark, n_matches);
    reply_bulk(r, STR("len"));
    reply_int(r, *cell(l, l->a.n, l->b.n));
}

static void reply_subsequence(struct call *c, const struct lcs *l)
{
    size_t i = l->a.n, j = l->b.n, n = *cell(l, i, j), at = n;
    char *out = arena_alloc(c->arena, n + 1);

    while (at > 0) {
        if (l->a.p[i - 1] == l->b.p[j - 1]) {
            out[--at] = l->a.p[i - 1];
            i--, j--;
        } else {
            step_back(l, &i, &j);
        }
    }
    reply_bulk(c->out, str_of(out, n));
}

static enum err run_lcs(struct call *c)
{
    struct lcs l = { 0 };
    bool strings = read_string(c, 1, &l.a);
    enum err e;

    if (!read_string(c, 2, &l.b) || !strings) return ERR_LCS_TYPE;
    e = parse(c, &l);
    if (e == OK) e = reserve(c, &l);
    if (e != OK) return e;
    fill(&l);
    if (l.want_idx)
        reply_matches(c->out, &l);
    else if (l.want_len)
        reply_int(c->out, *cell(&l, l.a.n, l.b.n));
    else
        reply_subsequence(c, &l);
    mem_free(l.len);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

const struct command lcs_commands[] = {
    { .name = "lcs", .run = run_lcs, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEYS_FROM(1, 1, 1, KEY_RO | KEY_ACCESS) }, .acl = ACL_STRING, .group = GROUP_STRING,
      .since = "7.0.0", .complexity = "O(N*M) for strings of N and M bytes",
      .summary = "Gives the longest common subsequence of two strings, its length or its place.",
      .args = ARGS(ARG_KEY("key1"), ARG_KEY("key2"),
                   { .name = "len", .type = ARG_T_PURE_TOKEN, .token = "LEN",
                     .flags = ARG_OPTIONAL },
                   { .name = "idx", .type = ARG_T_PURE_TOKEN, .token = "IDX",
                     .flags = ARG_OPTIONAL },
                   { .name = "min-match-len", .type = ARG_T_INTEGER, .token = "MINMATCHLEN",
                     .flags = ARG_OPTIONAL },
                   { .name = "withmatchlen", .type = ARG_T_PURE_TOKEN, .token = "WITHMATCHLEN",
                     .flags = ARG_OPTIONAL }),
      .example = "MSET a ohmytext b mynewtext | LCS a b => $6\r\nmytext\r\n" },
    { 0 },
};
