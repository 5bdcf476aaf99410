/* list_name.c -- would Redis call it a listpack or a quicklist?
 *
 * Redis measures the listpack's bytes. A frame is never smaller than the listpack entry of the same
 * element, so while the frames are under the limit there is nothing to do. Beyond that the entries
 * are measured once, and again when the frames have grown by what was free in the listpack then
 * (name_at): a few walks in a list's life. */
#include "base/num.h"
#include "storage/list_block.h"

enum { LISTPACK_FRAME = 7, LISTPACK_SAFE = 8192, NAME_UNIT = 64 };

static size_t int_entry(int64_t v)
{
    if (v >= 0 && v <= 127) return 1;
    if (v >= -4096 && v <= 4095) return 2;
    if (v >= INT16_MIN && v <= INT16_MAX) return 3;
    if (v >= -8388608 && v <= 8388607) return 4;
    if (v >= INT32_MIN && v <= INT32_MAX) return 5;
    return 9;
}

/* Bytes of v's listpack entry: header, content, and its own length for walking back. */
static size_t listpack_entry(struct str v)
{
    int64_t i;
    size_t n;

    if (v.n <= 20 && num_parse_i64(v, &i)) return int_entry(i) + 1;
    n = v.n + (v.n < 64 ? 1 : v.n < 4096 ? 2 : 5);
    return n + (n < 128 ? 1 : n < 16383 ? 2 : n < 2097151 ? 3 : n < 268435455 ? 4 : 5);
}

static size_t listpack_bytes(const struct list *l)
{
    struct buf scratch = { 0 };
    struct list_iter it;
    size_t sum = LISTPACK_FRAME;

    list_iter_at(&it, l, 0, LIST_RIGHT);
    while (list_next(&it)) sum += listpack_entry(list_iter_get(&it, &scratch));
    buf_fini(&scratch);
    return sum;
}

/* The limits in force for a fill: either bytes or elements. */
static size_t limit_bytes(int fill)
{
    int level = fill < -5 ? 5 : -fill;
    return fill >= 0 ? LISTPACK_SAFE : (size_t)2048 << level;
}

static uint64_t limit_count(int fill)
{
    if (fill < 0) return UINT64_MAX;
    return fill == 0 ? 1 : (uint64_t)fill;
}

void list_will_grow(struct list *l, int fill, size_t bytes, uint64_t n)
{
    size_t limit = limit_bytes(fill), now, at;

    if (l->quick) return;
    if (fill >= 0 && l->count + n > limit_count(fill)) {
        l->quick = 1;
        return;
    }
    if (l->bytes + LISTPACK_FRAME + bytes <= limit) return;
    if (l->bytes + bytes <= (uint64_t)l->name_at * NAME_UNIT) return;
    now = l->bytes > 64 * limit ? SIZE_MAX / 2 : listpack_bytes(l);
    if (bytes > limit || now + bytes > limit) {
        l->quick = 1;
        return;
    }
    at = (l->bytes + limit - now) / NAME_UNIT;
    l->name_at = (at < 65535 ? at : 65535) & 65535;
}

void list_did_shrink(struct list *l, int fill)
{
    size_t half = limit_bytes(fill) / 2;

    if (!l->quick) return;
    if (fill >= 0) {
        if (l->count <= limit_count(fill) / 2) l->quick = 0;
        return;
    }
    if (l->bytes + LISTPACK_FRAME <= half ||
        (l->count <= 128 && l->bytes <= 4 * half && listpack_bytes(l) <= half)) {
        l->quick = 0;
        l->name_at = 0;
    }
}

void list_settle_name(struct list *l, int fill)
{
    l->quick = 0;
    l->name_at = 0;
    list_will_grow(l, fill, 0, 0);
}

const char *list_encoding_name(const struct list *l)
{
    return l->quick ? "quicklist" : "listpack";
}
