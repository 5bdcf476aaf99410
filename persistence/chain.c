/* chain.c -- a stream of bytes in equal chunks. */
#include "persistence/chain.h"

#include "base/buf.h"
#include "base/ensure.h"
#include "base/mem.h"

void chain_init(struct chain *c, uint64_t offset)
{
    *c = (struct chain){ .end = offset };
}

static void free_all(struct chunk *k)
{
    while (k) {
        struct chunk *next = k->next;

        mem_free(k);
        k = next;
    }
}

void chain_fini(struct chain *c)
{
    free_all(c->first);
    free_all(c->spare);
    chain_init(c, c->end);
}

static void link_chunk(struct chain *c)
{
    struct chunk *k = c->spare;

    if (k) {
        c->spare = k->next;
        c->n_spare--;
    } else {
        k = mem_alloc(sizeof *k);
    }
    k->next = NULL;
    k->start = c->end;
    if (c->last) c->last->next = k;
    else c->first = k;
    c->last = k;
    c->n_chunks++;
}

char *chain_room(struct chain *c, size_t want, size_t *n)
{
    size_t room;

    if (!c->last || c->end == c->last->start + CHAIN_CHUNK) link_chunk(c);
    room = (size_t)(c->last->start + CHAIN_CHUNK - c->end);
    *n = want < room ? want : room;
    return c->last->p + (c->end - c->last->start);
}

void chain_add(struct chain *c, const void *p, size_t n)
{
    const char *from = p;

    while (n) {
        size_t part;
        char *to = chain_room(c, n, &part);

        memcpy(to, from, part);
        chain_used(c, part);
        from += part;
        n -= part;
    }
}

static void spare_chunk(struct chain *c, struct chunk *k)
{
    c->n_chunks--;
    if (c->resumed == k) c->resumed = NULL;
    if (c->n_spare >= CHAIN_SPARE_MAX) {
        mem_free(k);
        return;
    }
    k->next = c->spare;
    c->spare = k;
    c->n_spare++;
}

void chain_rewind(struct chain *c, uint64_t at, struct buf *out)
{
    struct chain_at from = chain_find(c, at);
    struct chunk *last = (struct chunk *)(uintptr_t)from.chunk, *k = last ? last->next : NULL;
    struct str s;

    while ((s = chain_next(&from, c->end)).n) buf_add_str(out, s);
    while (k) {
        struct chunk *next = k->next;

        spare_chunk(c, k);
        k = next;
    }
    if (last) {
        last->next = NULL;
        c->last = last;
    }
    c->end = at;
}

void chain_drop(struct chain *c, uint64_t kept)
{
    while (c->first && c->first != c->last && c->first->start + CHAIN_CHUNK <= kept) {
        struct chunk *k = c->first;

        c->first = k->next;
        spare_chunk(c, k);
    }
    /* The last one is used again from its start when all of it is written: no new one is needed then. */
    if (c->first && c->first == c->last && kept == c->end) c->first->start = c->end;
}

static struct chunk *find_from(struct chunk *k, uint64_t at)
{
    while (k && at >= k->start + CHAIN_CHUNK) k = k->next;
    ensure(!k || at >= k->start);
    return k;
}

struct chain_at chain_find(const struct chain *c, uint64_t at)
{
    return (struct chain_at){ find_from(c->first, at), at };
}

struct chain_at chain_resume(struct chain *c, uint64_t at)
{
    bool known = c->resumed && c->resumed->start <= at;

    c->resumed = find_from(known ? c->resumed : c->first, at);
    return (struct chain_at){ c->resumed, at };
}

struct str chain_next(struct chain_at *a, uint64_t to)
{
    const char *p;
    size_t n, room;

    if (a->at >= to) return str_of(NULL, 0);
    if (a->at == a->chunk->start + CHAIN_CHUNK) a->chunk = a->chunk->next;
    p = a->chunk->p + (a->at - a->chunk->start);
    room = (size_t)(a->chunk->start + CHAIN_CHUNK - a->at);
    n = to - a->at < room ? (size_t)(to - a->at) : room;
    a->at += n;
    return str_of(p, n);
}

size_t chain_bytes(const struct chain *c)
{
    return (c->n_chunks + c->n_spare) * sizeof(struct chunk);
}
