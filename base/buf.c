#include "base/buf.h"

#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"

enum { BUF_CAP_MIN = 64 };

void buf_fini(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){ .may_fail = b->may_fail };
}

/* There is no more: let the last bytes be written over, again and again. */
static char *lose(struct buf *b, size_t more)
{
    b->failed = true;
    if (more > b->cap && more > BUF_SMALL) return NULL;
    if (more > b->cap) {
        b->cap = mem_good_size(BUF_SMALL);
        b->p = mem_realloc(b->p, b->cap);
    }
    if (b->cap - b->n < more) b->n = b->cap - more;
    return b->p + b->n;
}

static char *grow_to(struct buf *b, size_t more, size_t cap)
{
    bool sure;
    void *p;

    if (cap < b->n + more) cap = b->n + more;
    cap = mem_good_size(cap);
    sure = !b->may_fail || (cap <= BUF_SURE && !mem_is_scarce());
    if (b->may_fail && cap >= MEM_PASSING) p = mem_try_realloc_passing(b->p, cap);
    else p = sure ? mem_realloc(b->p, cap) : mem_try_realloc(b->p, cap);
    if (UNLIKELY(p == NULL) && sure) p = mem_realloc(b->p, cap);
    if (UNLIKELY(p == NULL)) return lose(b, more);
    b->p = p;
    b->cap = cap;
    return b->p + b->n;
}

char *buf_grow(struct buf *b, size_t more)
{
    if (UNLIKELY(b->failed)) return lose(b, more);
    ensure(more <= PTRDIFF_MAX - b->n);
    return grow_to(b, more, b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap * 2);
}

void buf_grow_within(struct buf *b, size_t more, size_t most)
{
    if (b->cap - b->n >= more || b->failed) return;
    ensure(most <= PTRDIFF_MAX - b->n);
    grow_to(b, more, b->cap * 2 < b->n + most ? b->cap * 2 : b->n + most);
}

void buf_add_c(struct buf *b, const char *s)
{
    buf_add_str(b, str_c(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

/* Most texts fit what is free already; the others are formatted twice. */
void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    char *at = buf_room(b, BUF_CAP_MIN);
    size_t room = b->cap - b->n;

    va_copy(again, ap);
    int n = vsnprintf(at, room, fmt, ap);

    ensure(n >= 0);
    if ((size_t)n >= room) {
        at = buf_room(b, (size_t)n + 1);
        if (at) vsnprintf(at, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (at) b->n += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
    if (UNLIKELY(b->failed)) return;
    ensure(n <= b->n);
    b->n -= n;
    if (n > 0 && b->n > 0) memmove(b->p, b->p + n, b->n);
}

void buf_insert(struct buf *b, size_t at, const void *p, size_t n)
{
    if (UNLIKELY(b->failed)) return;
    ensure(at <= b->n);
    if (n == 0 || buf_room(b, n) == NULL || b->failed) return;
    memmove(b->p + at + n, b->p + at, b->n - at);
    memcpy(b->p + at, p, n);
    b->n += n;
}
