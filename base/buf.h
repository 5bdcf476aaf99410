/* buf.h -- owned bytes that grow.
 *
 * p[0..n) is content, cap what is allocated. A zeroed struct buf is an empty buffer. The owner
 * calls buf_fini. Growth doubles, at least to what is asked for.
 *
 * Growth succeeds or stops the program (mem.h), except in a buffer that may fail: one whose size its reader
 * chooses, such as that of a client's replies. When there is no memory to make it large it is lost: what is
 * added from then on is written anywhere in it, or not at all. Whoever sees `failed` throws it away. */
#ifndef MEMD_BASE_BUF_H
#define MEMD_BASE_BUF_H

#include <stdarg.h>

#include "base/str.h"

struct buf {
    char *p;
    size_t n;
    size_t cap;
    bool may_fail; /* to grow beyond BUF_SURE */
    bool failed;   /* and has: the content is not to be used */
};

/* Up to here every buffer can grow, as long as there is much of the reserve (mem.h); and so much can be added to
 * one that is lost. */
enum { BUF_SURE = 64 * 1024, BUF_SMALL = 4096 };

/* Free the memory; the buffer is empty and usable after, and may fail if it might before. */
void buf_fini(struct buf *b);

/* Grow so that `more` bytes fit behind the content (slow path of buf_room). */
char *buf_grow(struct buf *b, size_t more);

/* The same where it is known that no more than `most` bytes are to come (at least `more`): no room is made for others. */
void buf_grow_within(struct buf *b, size_t more, size_t most);

/* Room for `more` bytes behind the content; the place to write them. buf_used tells how many. NULL: the buffer
 * is lost, and more than BUF_SMALL were asked for. */
static inline char *buf_room(struct buf *b, size_t more)
{
    if (b->cap - b->n < more) return buf_grow(b, more);
    return b->p + b->n;
}

static inline void buf_used(struct buf *b, size_t n)
{
    b->n += n;
}

static inline void buf_add(struct buf *b, const void *p, size_t n)
{
    char *at;

    if (n == 0) return;
    at = buf_room(b, n);
    if (at == NULL) return;
    memcpy(at, p, n);
    b->n += n;
}

static inline void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

static inline void buf_add_char(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->n++;
}

/* Append a C string. */
void buf_add_c(struct buf *b, const char *s);

/* Append formatted text. */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Drop the first n bytes. */
void buf_drop(struct buf *b, size_t n);

/* Insert n bytes before offset `at`. */
void buf_insert(struct buf *b, size_t at, const void *p, size_t n);

static inline void buf_clear(struct buf *b)
{
    b->n = 0;
    b->failed = false;
}

static inline struct str buf_str(const struct buf *b)
{
    return str_of(b->p, b->n);
}

#endif
