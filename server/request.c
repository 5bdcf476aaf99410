/* request.c -- see request.h. */
#include "server/request.h"

#include <string.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "server/registry.h"
#include "server/secret.h"

/* Headers included. What is larger than 14 KB gets a page from jemalloc that nobody uses and nothing counts, a quarter
 * of 16 KB. */
enum { ALIGN = 16, BLOCK_LEAST = 512, BLOCK_MOST = 14 * 1024 };

/* Blocks become larger with the queue; a request that is larger yet has one of its own. Of the first block those are gone
 * that lie below `at`. */
struct request_block {
    struct request_block *next;
    size_t at, n, cap; /* bytes of data */
    _Alignas(ALIGN) char data[];
};

static size_t bytes_of(size_t argc, const struct str *argv)
{
    size_t bytes = sizeof(struct request) + argc * sizeof(struct str);

    for (size_t i = 0; i < argc; i++) bytes += argv[i].n;
    return bytes;
}

static struct request *put(void *at, size_t bytes, struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct request *r = at;
    char *to;

    *r = (struct request){ .ref = ref, .argc = argc, .argv = (struct str *)(r + 1), .bytes = bytes };
    to = (char *)(r->argv + argc);
    for (size_t i = 0; i < argc; i++) {
        if (argv[i].n > 0) memcpy(to, argv[i].p, argv[i].n);
        r->argv[i] = str_of(to, argv[i].n);
        to += argv[i].n;
    }
    return r;
}

static void wipe(const struct request *r)
{
    secret_wipe(r->ref->cmd, r->argc, r->argv);
}

struct request *request_keep(struct command_ref *ref, size_t argc, const struct str *argv)
{
    size_t bytes = bytes_of(argc, argv);

    return put(mem_alloc(bytes), bytes, ref, argc, argv);
}

struct request *request_keep_input(struct buf *in, struct command_ref *ref, size_t argc, const struct str *argv)
{
    enum { LARGE = 256 * 1024, CRLF = 2 };
    const char *end = argv[argc - 1].p + argv[argc - 1].n + CRLF; /* requests behind it may have been parsed as well (batch.c) */
    size_t bytes = sizeof(struct request) + argc * sizeof *argv;
    struct request *r;

    if (in->n < LARGE || argv[0].p < in->p || end != in->p + in->n) return request_keep(ref, argc, argv);
    r = mem_alloc(bytes);
    *r = (struct request){ .ref = ref, .argc = argc, .argv = (struct str *)(r + 1), .bytes = bytes + in->cap, .input = in->p };
    memcpy(r->argv, argv, argc * sizeof *argv);
    *in = (struct buf){ .may_fail = in->may_fail };
    return r;
}

void request_free(struct request *r)
{
    wipe(r);
    mem_free(r->input);
    mem_free(r);
}

/* --- queues ---------------------------------------------------------------------------------------------- */

static size_t room_of(size_t bytes)
{
    return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct request *request_at(const struct request_block *b, size_t at)
{
    return (struct request *)(uintptr_t)(b->data + at);
}

static void add_block(struct request_queue *q, size_t room)
{
    struct request_block *b;
    size_t bytes = q->last == NULL ? BLOCK_LEAST : (sizeof *b + q->last->cap) * 2;

    if (bytes > BLOCK_MOST) bytes = BLOCK_MOST;
    if (bytes < sizeof *b + room) bytes = sizeof *b + room;
    b = mem_alloc(bytes);
    b->next = NULL;
    b->at = b->n = 0;
    b->cap = bytes - sizeof *b;
    if (q->last) q->last->next = b;
    else q->first = b;
    q->last = b;
    q->bytes += bytes;
}

static void drop_first(struct request_queue *q)
{
    struct request_block *b = q->first;

    q->first = b->next;
    if (q->first == NULL) q->last = NULL;
    q->bytes -= sizeof *b + b->cap;
    mem_free(b);
}

void request_queue_add(struct request_queue *q, struct command_ref *ref, size_t argc, const struct str *argv)
{
    size_t bytes = bytes_of(argc, argv), room = room_of(bytes);

    if (q->last == NULL || q->last->cap - q->last->n < room) add_block(q, room);
    put(q->last->data + q->last->n, bytes, ref, argc, argv);
    q->last->n += room;
    q->n++;
    q->secrets |= secret_possible(ref->cmd);
}

struct request *request_queue_first(const struct request_queue *q)
{
    return q->n > 0 ? request_at(q->first, q->first->at) : NULL;
}

void request_queue_pop(struct request_queue *q)
{
    struct request_block *b = q->first;
    struct request *r;

    ensure(q->n > 0);
    r = request_at(b, b->at);
    wipe(r);
    b->at += room_of(r->bytes);
    q->n--;
    if (b->at == b->n) drop_first(q);
}

void request_queue_each(const struct request_queue *q, void (*fn)(void *ctx, const struct request *r), void *ctx)
{
    for (const struct request_block *b = q->first; b; b = b->next) {
        for (size_t at = b->at; at < b->n; at += room_of(request_at(b, at)->bytes)) fn(ctx, request_at(b, at));
    }
}

static void wipe_one(void *nothing, const struct request *r)
{
    (void)nothing;
    wipe(r);
}

void request_queue_drop(struct request_queue *q)
{
    if (q->secrets) request_queue_each(q, wipe_one, NULL);
    while (q->first) drop_first(q);
    *q = (struct request_queue){ 0 };
}
