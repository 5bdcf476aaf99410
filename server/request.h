/* request.h -- requests kept for later: one that waits, or a queue of them.
 *
 * A request is one piece of memory with its arguments. Those of a queue lie side by side in blocks: a queue of a hundred
 * thousand is dropped in some hundred steps, and takes little more than its bytes. What was a secret is wiped when they go. */
#ifndef MEMD_SERVER_REQUEST_H
#define MEMD_SERVER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct command_ref;

struct request {
    struct command_ref *ref;
    size_t argc;
    struct str *argv;
    size_t bytes; /* of all of it */
    char *input;  /* what argv lies in, if not behind it; else NULL */
};

/* A copy of a request. Free it with request_free. */
struct request *request_keep(struct command_ref *ref, size_t argc, const struct str *argv);
void request_free(struct request *r);

/* The same of one that came in *in: where that is large, and nothing lies behind the request, it goes with it, uncopied, and *in
 * is empty. */
struct request *request_keep_input(struct buf *in, struct command_ref *ref, size_t argc, const struct str *argv);

struct request_block;

/* Zeroed: empty. May be moved. */
struct request_queue {
    struct request_block *first, *last;
    size_t n;
    size_t bytes;  /* of memory that it takes */
    bool secrets;  /* some may hold secrets */
};

/* A copy of a request comes behind the others. */
void request_queue_add(struct request_queue *q, struct command_ref *ref, size_t argc, const struct str *argv);

/* The one that has been there longest, NULL: it is empty. It stays until request_queue_pop. */
struct request *request_queue_first(const struct request_queue *q);
void request_queue_pop(struct request_queue *q);

/* Call fn for each, in order. */
void request_queue_each(const struct request_queue *q, void (*fn)(void *ctx, const struct request *r), void *ctx);

/* Forget all of them. */
void request_queue_drop(struct request_queue *q);

#endif
