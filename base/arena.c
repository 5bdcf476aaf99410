/* arena.c -- blocks in a list, the newest first.
 *
 * The head is always of the standard size; what is too large for a corner of it gets a block of its
 * own behind the head, so that the room in the head is not lost. A reset keeps the head only. Under
 * AddressSanitizer all that is not taken is poisoned, so that a use after the request is found. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region(p, n)
#define UNPOISON(p, n) __asan_unpoison_memory_region(p, n)
#else
#define POISON(p, n) ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

enum { BLOCK_BYTES = 16 * 1024, ALONE_BYTES = BLOCK_BYTES / 4, ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* of this block, header included */
    _Alignas(16) char data[];
};

static struct arena_block *block_new(size_t bytes, struct arena_block *next)
{
    struct arena_block *b = mem_alloc(bytes);

    b->next = next;
    b->bytes = bytes;
    POISON(b->data, bytes - sizeof *b);
    return b;
}

static void block_free(struct arena_block *b)
{
    UNPOISON(b->data, b->bytes - sizeof *b);
    mem_free(b);
}

static void use_head(struct arena *a)
{
    a->at = a->blocks->data;
    a->end = (char *)a->blocks + a->blocks->bytes;
}

static void free_behind(struct arena_block *b)
{
    while (b->next != NULL) {
        struct arena_block *gone = b->next;

        b->next = gone->next;
        block_free(gone);
    }
}

void arena_init(struct arena *a)
{
    *a = (struct arena){ 0 };
}

void arena_fini(struct arena *a)
{
    if (a->blocks != NULL) {
        free_behind(a->blocks);
        block_free(a->blocks);
    }
    arena_init(a);
}

void arena_reset(struct arena *a)
{
    if (a->blocks == NULL) return;
    free_behind(a->blocks);
    use_head(a);
    POISON(a->at, (size_t)(a->end - a->at));
}

static void *take(struct arena *a, size_t n)
{
    char *p = a->at;

    a->at += (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    UNPOISON(p, n);
    return p;
}

static void *take_slow(struct arena *a, size_t n)
{
    ensure(n <= PTRDIFF_MAX - sizeof(struct arena_block));
    if (a->blocks == NULL || n <= ALONE_BYTES) {
        a->blocks = block_new(BLOCK_BYTES, a->blocks);
        use_head(a);
    }
    if (n <= ALONE_BYTES) return take(a, n);
    struct arena_block *alone = block_new(sizeof *alone + n, a->blocks->next);

    a->blocks->next = alone;
    UNPOISON(alone->data, n);
    return alone->data;
}

void *arena_alloc(struct arena *a, size_t n)
{
    /* Both ends are aligned, so what is left is too, and rounding n up cannot pass the end. */
    if (LIKELY(n <= (size_t)(a->end - a->at) && a->at != NULL)) return take(a, n);
    return take_slow(a, n);
}

void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
    size_t n;

    ensure(!__builtin_mul_overflow(count, size, &n));
    return memset(arena_alloc(a, n), 0, n);
}

struct str arena_dup(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n);

    if (s.n > 0) memcpy(p, s.p, s.n);
    return str_of(p, s.n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_list again;

    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);

    ensure(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1);

    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return str_of(p, (size_t)n);
}
