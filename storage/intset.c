/* intset.c -- see intset.h. Binary search; adding beyond either end needs no search. */
#include "storage/intset.h"

#include "base/ensure.h"
#include "base/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "intsets are read in place");

static uint32_t width_of(int64_t v)
{
    if (v >= INT16_MIN && v <= INT16_MAX) return 2;
    return v >= INT32_MIN && v <= INT32_MAX ? 4 : 8;
}

static int64_t read_at(const char *at, uint32_t width, uint32_t i)
{
    const char *p = at + (size_t)i * width;
    int16_t v2;
    int32_t v4;
    int64_t v8;

    switch (width) {
    case 2: memcpy(&v2, p, 2); return v2;
    case 4: memcpy(&v4, p, 4); return v4;
    default: memcpy(&v8, p, 8); return v8;
    }
}

static void write_at(struct intset *s, uint32_t i, int64_t v)
{
    memcpy(s->at + (size_t)i * s->width, &v, s->width); /* the low bytes come first */
}

int64_t intset_get(const struct intset *s, uint32_t i)
{
    ensure(i < s->count);
    return read_at(s->at, s->width, i);
}

/* The position of v, or where it would be. */
static bool find(const struct intset *s, int64_t v, uint32_t *at)
{
    uint32_t lo = 0, hi = s->count;

    if (hi > 0 && v > read_at(s->at, s->width, hi - 1)) lo = hi;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (read_at(s->at, s->width, mid) < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    *at = lo;
    return lo < s->count && read_at(s->at, s->width, lo) == v;
}

bool intset_has(const struct intset *s, int64_t v)
{
    uint32_t at;
    return width_of(v) <= s->width && find(s, v, &at);
}

static size_t room_for(uint32_t width, uint32_t count)
{
    return mem_good_size(sizeof(struct intset) + (size_t)width * count);
}

/* Give *sp room for count integers of width; the content is not touched. */
static struct intset *resize(struct intset **sp, uint32_t width, uint32_t count)
{
    size_t room = room_for(width, count);

    if (room != room_for((*sp)->width, (*sp)->count)) *sp = mem_realloc(*sp, room);
    return *sp;
}

/* Make all integers as wide as v needs, from the last to the first as they move up, and put v at
 * the end where it belongs: being wider than all, it lies beyond all. */
static void widen_and_add(struct intset **sp, int64_t v)
{
    uint32_t old = (*sp)->width, shift = v < 0;
    struct intset *s = resize(sp, width_of(v), (*sp)->count + 1);

    s->width = width_of(v);
    for (uint32_t i = s->count; i-- > 0;) write_at(s, i + shift, read_at(s->at, old, i));
    write_at(s, shift ? 0 : s->count, v);
    s->count++;
}

bool intset_add(struct intset **sp, int64_t v)
{
    struct intset *s = *sp;
    uint32_t at;

    if (width_of(v) > s->width) {
        widen_and_add(sp, v);
        return true;
    }
    if (find(s, v, &at)) return false;
    s = resize(sp, s->width, s->count + 1);
    memmove(s->at + (size_t)(at + 1) * s->width, s->at + (size_t)at * s->width,
            (size_t)(s->count - at) * s->width);
    write_at(s, at, v);
    s->count++;
    return true;
}

bool intset_remove(struct intset **sp, int64_t v)
{
    struct intset *s = *sp;
    uint32_t at;

    if (width_of(v) > s->width || !find(s, v, &at)) return false;
    memmove(s->at + (size_t)at * s->width, s->at + (size_t)(at + 1) * s->width,
            (size_t)(s->count - at - 1) * s->width);
    s = resize(sp, s->width, s->count - 1);
    s->count--;
    return true;
}

struct intset *intset_new(void)
{
    struct intset *s = mem_alloc(room_for(2, 0));

    s->width = 2;
    s->count = 0;
    return s;
}

void intset_free(struct intset **s)
{
    mem_free(*s);
    *s = NULL;
}

struct intset *intset_dup(const struct intset *s)
{
    size_t n = intset_bytes(s);
    return memcpy(mem_alloc(mem_good_size(n)), s, n);
}

static bool valid(struct str b)
{
    struct intset head;
    const char *at = b.p + sizeof head;

    if (b.n < sizeof head) return false;
    memcpy(&head, b.p, sizeof head);
    if (head.width != 2 && head.width != 4 && head.width != 8) return false;
    if (b.n - sizeof head != (size_t)head.width * head.count) return false;
    for (uint32_t i = 1; i < head.count; i++)
        if (read_at(at, head.width, i - 1) >= read_at(at, head.width, i)) return false;
    return true;
}

struct intset *intset_from(struct str b)
{
    if (!valid(b)) return NULL;
    return memcpy(mem_alloc(mem_good_size(b.n)), b.p, b.n);
}

void intset_check(const struct intset *s)
{
    ensure(valid(str_of(s, intset_bytes(s))));
    ensure(mem_usable(s) >= intset_bytes(s));
}
