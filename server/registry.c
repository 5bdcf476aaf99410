/* registry.c -- see registry.h. Open addressing over the names, a few hundred rows.
 *
 * A name is three words: its first bytes in lower case, zeros, and in the last byte its length. So a look-up
 * is a few operations on words, without a loop over letters. */
#include "server/registry.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "server/tables.h"

enum { NAME_WORDS = 3, NAME_BYTES = 8 * NAME_WORDS - 1 };

struct name {
    uint64_t w[NAME_WORDS];
};

struct place {
    struct name name;
    struct command_ref *ref; /* NULL: empty */
};

struct registry {
    struct command_ref *rows; /* top-level, by their own names; then those that were taken away */
    size_t n_rows, n_all;
    unsigned n_ids;
    struct place *slots;
    size_t mask;
};

/* The eight bytes of w with A-Z as a-z. */
static inline uint64_t lower(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t low = w & 0x7f * ones;
    uint64_t from_a = low + (0x80 - 'A') * ones, above_z = low + (0x7f - 'Z') * ones;

    return w | (from_a & ~above_z & ~w & 0x80 * ones) >> 2;
}

/* The n <= 8 bytes at p in lower case, zeros behind. By loads that overlap: bytes gathered in memory and
 * read back as a word would have to wait for each other. */
static inline uint64_t word_at(const char *p, size_t n)
{
    uint64_t w = 0;
    uint32_t first, last;

    if (n == 8) {
        memcpy(&w, p, sizeof w);
        w = le64toh(w);
    } else if (n >= 4) {
        memcpy(&first, p, sizeof first);
        memcpy(&last, p + n - sizeof last, sizeof last);
        w = le32toh(first) | (uint64_t)le32toh(last) << 8 * (n - sizeof last);
    } else if (n > 0) {
        w = (unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 * (n / 2) |
            (uint64_t)(unsigned char)p[n - 1] << 8 * (n - 1);
    }
    return lower(w);
}

/* What is longer than the words (rename-command may make it) is not told by them alone. */
static inline struct name name_of(struct str s)
{
    size_t n = s.n < NAME_BYTES ? s.n : NAME_BYTES;
    struct name name = { { word_at(s.p, n < 8 ? n : 8), 0, 0 } };

    if (UNLIKELY(n > 8)) name.w[1] = word_at(s.p + 8, n < 16 ? n - 8 : 8);
    if (UNLIKELY(n > 16)) name.w[2] = word_at(s.p + 16, n - 16);
    name.w[NAME_WORDS - 1] |= (uint64_t)(s.n <= NAME_BYTES ? s.n : 255) << 56;
    return name;
}

static inline bool name_is(const struct name *a, const struct name *b)
{
    return a->w[0] == b->w[0] && a->w[1] == b->w[1] && a->w[2] == b->w[2];
}

/* Names are ours, so nobody can flood the table. */
static inline size_t name_hash(const struct name *n)
{
    uint64_t h = n->w[0] * 0x9e3779b97f4a7c15 ^ n->w[1] * 0xc2b2ae3d27d4eb4f ^ n->w[2];

    return (size_t)(h * 0x9e3779b97f4a7c15 >> 40);
}

static size_t table_length(const struct command *t)
{
    size_t n = 0;

    while (t[n].name) n++;
    return n;
}

/* Index of the first key when it is always at the same place. */
static int fixed_first_key(const struct command *cmd)
{
    const struct key_spec *k = &cmd->keys[0];

    if (k->flags == 0 || (k->flags & KEY_NOT_KEY) || k->keyword) return 0;
    return k->counted ? k->first + 1 : k->first;
}

static void fill(struct command_ref *r, const struct command *cmd, struct command_ref *parent)
{
    const char *prefix = parent ? parent->cmd->name : "";

    *r = (struct command_ref){ .cmd = cmd, .name = cmd->name, .parent = parent, .first_key = fixed_first_key(cmd) };
    snprintf(r->full_name, sizeof r->full_name, "%.15s%s%.31s", prefix, parent ? "|" : "", cmd->name);
    if (cmd->subs == NULL) return;
    r->n_subs = table_length(cmd->subs);
    r->subs = mem_alloc(r->n_subs * sizeof *r->subs);
    for (size_t i = 0; i < r->n_subs; i++) fill(&r->subs[i], &cmd->subs[i], r);
}

static int by_name(const void *a, const void *b)
{
    const struct command_ref *x = a, *y = b;

    return strcmp(x->cmd->name, y->cmd->name);
}

static void index_rows(struct registry *r)
{
    memset(r->slots, 0, (r->mask + 1) * sizeof(*r->slots));
    for (size_t i = 0; i < r->n_rows; i++) {
        struct name name = name_of(str_c(r->rows[i].name));
        size_t at = name_hash(&name) & r->mask;
        while (r->slots[at].ref) at = (at + 1) & r->mask;
        r->slots[at] = (struct place){ name, &r->rows[i] };
    }
}

static void make_slots(struct registry *r)
{
    size_t size = 64;

    while (size < r->n_rows * 4) size *= 2;
    r->mask = size - 1;
    r->slots = mem_alloc(size * sizeof(*r->slots));
    index_rows(r);
}

unsigned registry_ids(const struct registry *r)
{
    return r->n_ids;
}

void registry_each(struct registry *r, void (*fn)(void *ctx, struct command_ref *ref), void *ctx)
{
    for (size_t i = 0; i < r->n_all; i++) {
        fn(ctx, &r->rows[i]);
        for (size_t k = 0; k < r->rows[i].n_subs; k++) fn(ctx, &r->rows[i].subs[k]);
    }
}

static void number(void *ctx, struct command_ref *ref)
{
    struct registry *r = ctx;

    ref->id = r->n_ids++;
}

struct registry *registry_new(void)
{
    const struct command *const *lists[] = { command_tables, server_tables };
    struct registry *r = mem_zalloc(sizeof *r);

    for (int l = 0; l < 2; l++) {
        for (int i = 0; lists[l][i]; i++) r->n_rows += table_length(lists[l][i]);
    }
    r->rows = mem_alloc((r->n_rows + 1) * sizeof *r->rows);
    r->n_rows = 0;
    for (int l = 0; l < 2; l++) {
        for (int i = 0; lists[l][i]; i++) {
            for (const struct command *c = lists[l][i]; c->name; c++) {
                r->rows[r->n_rows++] = (struct command_ref){ .cmd = c };
            }
        }
    }
    qsort(r->rows, r->n_rows, sizeof *r->rows, by_name);
    r->n_all = r->n_rows;
    for (size_t i = 0; i < r->n_rows; i++) fill(&r->rows[i], r->rows[i].cmd, NULL);
    make_slots(r);
    registry_each(r, number, r);
    return r;
}

/* Put row i behind all that clients can call. */
static void take_away(struct registry *r, size_t i)
{
    struct command_ref gone = r->rows[i];

    memmove(&r->rows[i], &r->rows[i + 1], (r->n_all - i - 1) * sizeof *r->rows);
    r->rows[r->n_all - 1] = gone;
    r->n_rows--;
    for (i = 0; i < r->n_all; i++) {
        for (size_t k = 0; k < r->rows[i].n_subs; k++) r->rows[i].subs[k].parent = &r->rows[i];
    }
}

enum err registry_rename(struct registry *r, const char *from, const char *to)
{
    struct command_ref *ref = registry_find(r, str_c(from));

    if (ref == NULL) return ERR_NO_KEY;
    if (to[0] != '\0' && registry_find(r, str_c(to)) != NULL) return ERR_NOT_DONE;
    if (to[0] == '\0') take_away(r, (size_t)(ref - r->rows));
    else ref->name = to;
    index_rows(r);
    return OK;
}

void registry_free(struct registry **r)
{
    for (size_t i = 0; i < (*r)->n_all; i++) mem_free((*r)->rows[i].subs);
    mem_free((*r)->rows);
    mem_free((*r)->slots);
    mem_free(*r);
    *r = NULL;
}

struct command_ref *registry_find(const struct registry *r, struct str name)
{
    struct name want = name_of(name);
    size_t at = name_hash(&want) & r->mask;

    for (; r->slots[at].ref; at = (at + 1) & r->mask) {
        if (!name_is(&r->slots[at].name, &want)) continue;
        if (LIKELY(name.n <= NAME_BYTES) || str_is(name, r->slots[at].ref->name)) return r->slots[at].ref;
    }
    return NULL;
}

static struct command_ref *find_sub(const struct command_ref *ref, struct str name)
{
    for (size_t i = 0; i < ref->n_subs; i++) {
        if (str_is(name, ref->subs[i].cmd->name)) return &ref->subs[i];
    }
    return NULL;
}

struct command_ref *registry_find_own(const struct registry *r, struct str name)
{
    struct command_ref *ref = registry_find(r, name);

    if (ref && str_is(name, ref->cmd->name)) return ref;
    for (size_t i = 0; i < r->n_all; i++) {
        if (str_is(name, r->rows[i].cmd->name)) return &r->rows[i];
    }
    return ref;
}

struct command_ref *registry_resolve(const struct registry *r, size_t argc, const struct str *argv,
                                     struct command_ref **container)
{
    struct command_ref *ref = registry_find(r, argv[0]);

    *container = NULL;
    if (ref == NULL || ref->n_subs == 0 || argc < 2) return ref;
    *container = ref;
    return find_sub(ref, argv[1]);
}

struct command_ref *registry_resolve_own(const struct registry *r, size_t argc, const struct str *argv)
{
    struct command_ref *ref = registry_find_own(r, argv[0]);

    return ref == NULL || ref->n_subs == 0 || argc < 2 ? ref : find_sub(ref, argv[1]);
}

struct command_ref *registry_find_full(const struct registry *r, struct str name)
{
    const char *bar = memchr(name.p, '|', name.n);
    struct command_ref *ref;

    if (bar == NULL) return registry_find(r, name);
    ref = registry_find(r, str_of(name.p, (size_t)(bar - name.p)));
    return ref ? find_sub(ref, str_of(bar + 1, (size_t)(name.p + name.n - bar - 1))) : NULL;
}

size_t registry_count(const struct registry *r)
{
    return r->n_rows;
}

struct command_ref *registry_at(const struct registry *r, size_t i)
{
    return &r->rows[i];
}

static void reset(struct command_ref *ref)
{
    ref->stats = (struct command_stats){ 0 };
    for (size_t i = 0; i < ref->n_subs; i++) reset(&ref->subs[i]);
}

void registry_reset_stats(struct registry *r)
{
    for (size_t i = 0; i < r->n_rows; i++) reset(&r->rows[i]);
}
