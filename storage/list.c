/* list.c -- lists: making, freeing, and work at the two ends. The form is told in list.h, its
 * invariants in list_block.h. */
#include "storage/list_block.h"

struct list *list_new(void)
{
    return mem_zalloc(sizeof(struct list));
}

void list_free(struct list **l)
{
    if (*l == NULL) return;
    list_clear(*l);
    mem_free_sized(*l, sizeof **l);
    *l = NULL;
}

bool list_dup_some(const struct list *l, struct list *to, size_t n)
{
    size_t from = to->n_blocks, left = l->n_blocks - from;
    const struct block *b = list_blocks(l);
    struct block *copy;

    if (n > left) n = left;
    copy = n > 0 ? list_dir_open(to, from, n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct block *of = &b[from + i];
        size_t cap = mem_good_size(of->n);

        copy[i] = *of;
        block_set_p(&copy[i], memcpy(mem_alloc(cap), list_data(l, of, from + i), of->n));
        list_mem(to, cap, 0);
        list_set_cap(to, cap);
    }
    to->count = l->count;
    to->bytes = l->bytes;
    to->quick = l->quick;
    to->name_at = l->name_at;
    return n < left;
}

struct list *list_dup(const struct list *l)
{
    struct list *to = list_new();

    (void)list_dup_some(l, to, SIZE_MAX);
    return to;
}

uint64_t list_count(const struct list *l)
{
    return l->count;
}

uint64_t list_frames(const struct list *l)
{
    return l->bytes;
}

size_t list_bytes(const struct list *l)
{
    const struct block *b = list_blocks(l);
    size_t sum = mem_usable(l) + list_dir_bytes(l);

    for (size_t i = 0; i < l->n_blocks; i++) sum += mem_usable(block_p(&b[i]));
    return sum;
}

size_t list_weight(const struct list *l)
{
    size_t n = mem_usable(l) + list_dir_bytes(l);

    if (l->n_blocks == 1) return n + mem_usable(block_p(&l->one));
    return l->n_blocks > 1 ? n + list_dir_head(l)->mem : n;
}

size_t list_free_effort(const struct list *l)
{
    return l->n_blocks + 1;
}

void frame_copy(char *to, const struct frame *f, size_t from, size_t n)
{
    char head[LIST_HEADER_MAX];
    size_t end = from + n, value_end = f->head_n + f->v.n, k;

    if (from < f->head_n) {
        frame_head(head, f);
        k = (end < f->head_n ? end : f->head_n) - from;
        memcpy(to, head + from, k);
        to += k;
        from += k;
    }
    if (from < end && from < value_end) {
        k = (end < value_end ? end : value_end) - from;
        memcpy(to, f->v.p + (from - f->head_n), k);
        to += k;
        from += k;
    }
    for (; from < end; from++) *to++ = from == value_end ? '\r' : '\n';
}

/* --- pushing --------------------------------------------------------------------------------- */

/* Bytes to have ready beyond what is needed now: some part of the list's size, so that a long list
 * seldom reallocates and a short one wastes little; not more than 12 such frames need, so that
 * blocks of small elements do not come to hold many. */
static size_t room_ahead(const struct list *l, size_t frame)
{
    size_t part = l->bytes / 128, frames = 12 * frame;
    return part < frames ? part : frames;
}

/* The size to give to block b at an end, which is to take as much of a frame as it can. */
static size_t grown_cap(const struct list *l, const struct block *b, size_t frame, size_t limit)
{
    size_t need = b->n + frame, ahead = room_ahead(l, frame);

    if (ahead < b->n / 8) ahead = b->n / 8;
    if (need < b->n + ahead) need = b->n + ahead;
    return mem_good_size(need < limit ? need : limit);
}

static void grow_tail(struct list *l, size_t frame, size_t limit)
{
    size_t i = l->n_blocks - 1, cap;
    struct block *b = list_blocks(l) + i;

    if (b->n_starts >= LIST_BLOCK_STARTS || b->n >= limit) return;
    cap = grown_cap(l, b, frame, limit);
    if (cap > l->tail_cap) {
        list_block_move(l, i, cap, 0);
    } else if (i == 0 && l->head_start > 0) {
        memmove(block_p(b), block_p(b) + l->head_start, b->n);
        l->head_start = 0;
    }
}

static size_t tail_room(const struct list *l)
{
    size_t i = l->n_blocks;
    if (i == 0) return 0;
    return l->tail_cap - list_blocks(l)[i - 1].n - (i == 1 ? l->head_start : 0);
}

static void add_tail(struct list *l, size_t left, size_t frame, size_t limit)
{
    size_t ahead = room_ahead(l, frame), cap;
    struct block *b;

    if (left < ahead) left = ahead;
    cap = mem_good_size(left < limit ? left : limit);
    b = list_dir_open(l, l->n_blocks, 1);
    *b = (struct block){ 0 };
    block_set_p(b, mem_alloc(cap));
    list_mem(l, cap, 0);
    list_set_cap(l, cap);
}

static void push_right_slow(struct list *l, const struct frame *f)
{
    size_t limit = list_block_limit(l, f->size), at = 0, room, take;
    struct block *b;

    if (l->n_blocks > 0) grow_tail(l, f->size, limit);
    while (at < f->size) {
        room = tail_room(l);
        if (room == 0 || (at == 0 && room < f->head_n)) {
            add_tail(l, f->size - at, f->size, limit);
            room = tail_room(l);
        }
        b = list_blocks(l) + l->n_blocks - 1;
        if (at == 0 && b->n_starts++ == 0) b->first = b->n;
        take = f->size - at < room ? f->size - at : room;
        frame_copy(list_data(l, b, l->n_blocks - 1) + b->n, f, at, take);
        b->n = (uint16_t)(b->n + take);
        at += take;
    }
}

static void push_right(struct list *l, const struct frame *f)
{
    size_t n = l->n_blocks, used;
    struct block *b = list_blocks(l) + n - 1;

    if (LIKELY(n > 0)) {
        used = b->n + (n == 1 ? l->head_start : 0u);
        if (LIKELY(used + f->size <= l->tail_cap)) {
            frame_put(block_p(b) + used, f);
            if (b->n_starts++ == 0) b->first = b->n;
            b->n = (uint16_t)(b->n + f->size);
            return;
        }
    }
    push_right_slow(l, f);
}

/* Give block 0 room before its content. */
static void grow_head(struct list *l, size_t frame, size_t limit)
{
    struct block *b = list_blocks(l);
    size_t cap, have;

    if (b->n_starts >= LIST_BLOCK_STARTS || b->n >= limit) return;
    cap = grown_cap(l, b, frame, limit);
    have = l->n_blocks == 1 ? l->tail_cap : mem_usable(block_p(b));
    if (cap > have) {
        list_block_move(l, 0, cap, cap - b->n);
    } else if (have <= LIST_BLOCK_MAX) {
        memmove(block_p(b) + have - b->n, list_data(l, b, 0), b->n);
        list_set_start(l, have - b->n);
    }
}

/* Put the end of the frame, as much as there is room for, before the content of block 0. Returns
 * how much of its beginning is left to place. */
static size_t fill_head(struct list *l, const struct frame *f)
{
    struct block *b = list_blocks(l);
    size_t room = l->head_start, take = room < f->size ? room : f->size;
    size_t left = f->size - take, start = room - take;

    if (left > 0 && left < f->head_n) { /* the header must stay whole */
        left = f->head_n;
        take = f->size - left;
    }
    if (left > 0) { /* block 0 will be an inner one: close the gap at its front */
        if (take < room) memmove(block_p(b) + take, block_p(b) + room, b->n);
        start = 0;
    }
    frame_copy(block_p(b) + start, f, left, take);
    b->n = (uint16_t)(b->n + take);
    b->first = (uint16_t)take;
    list_set_start(l, start);
    if (left == 0) {
        b->n_starts++;
        b->first = 0;
    }
    return left;
}

/* A new block 0 for the last bytes of the first `left` ones of the frame. Returns what is left. */
static size_t add_head(struct list *l, const struct frame *f, size_t left, size_t limit)
{
    size_t ahead = room_ahead(l, f->size), take = left, cap, start;
    struct block *b;

    if (left > limit) {
        take = left - limit < f->head_n ? limit - f->head_n : limit;
        cap = limit;
    } else {
        cap = left < ahead ? ahead : left;
        cap = mem_good_size(cap < limit ? cap : limit);
    }
    left -= take;
    start = left > 0 ? 0 : cap - take;
    b = list_dir_open(l, 0, 1);
    *b = (struct block){ .n = (uint16_t)take, .n_starts = left == 0 };
    block_set_p(b, mem_alloc(cap));
    list_mem(l, cap, 0);
    frame_copy(block_p(b) + start, f, left, take);
    list_set_start(l, start);
    if (l->n_blocks == 1) list_set_cap(l, cap);
    return left;
}

static void push_left(struct list *l, const struct frame *f)
{
    size_t limit, left = f->size, start = l->head_start;
    struct block *b;

    if (LIKELY(start >= f->size)) {
        b = list_blocks(l);
        start -= f->size;
        list_set_start(l, start);
        frame_put(block_p(b) + start, f);
        b->n = (uint16_t)(b->n + f->size);
        b->n_starts++;
        return;
    }
    limit = list_block_limit(l, f->size);
    if (l->n_blocks > 0) {
        grow_head(l, f->size, limit);
        left = fill_head(l, f);
    }
    while (left > 0) left = add_head(l, f, left, limit);
}

void list_push(struct list *l, enum list_end end, struct str v)
{
    struct frame f = frame_of(v);

    if (end == LIST_RIGHT) {
        push_right(l, &f);
    } else {
        push_left(l, &f);
    }
    list_more(l, 1, f.size);
}

/* --- dropping -------------------------------------------------------------------------------- */

static void free_blocks(struct list *l, size_t i, size_t k)
{
    struct block *b = list_blocks(l) + i;

    for (size_t j = 0; j < k; j++) {
        size_t mem = mem_usable(block_p(&b[j]));

        list_less(l, 0, b[j].n);
        list_mem(l, 0, mem);
        mem_free_sized(block_p(&b[j]), mem);
    }
    list_dir_close(l, i, k);
}

/* Remove the n elements before `to`. */
static void cut_left(struct list *l, struct list_pos to, uint64_t n)
{
    struct block *b;

    if (to.block > 0) {
        free_blocks(l, 0, to.block);
        list_set_start(l, 0);
    }
    b = list_blocks(l);
    list_set_start(l, l->head_start + to.off);
    b->n = (uint16_t)(b->n - to.off);
    b->n_starts = (uint16_t)(b->n_starts - to.nth);
    b->first = 0;
    list_less(l, n, to.off);
    list_block_fit(l, 0);
}

/* Remove the last n elements, which begin at `from`. */
static void cut_right(struct list *l, struct list_pos from, uint64_t n)
{
    size_t last = from.block, old = l->n_blocks - 1;
    struct block *b = list_blocks(l) + last;

    list_less(l, n, b->n - from.off);
    b->n_starts = (uint16_t)from.nth;
    b->n = (uint16_t)from.off;
    if (b->n_starts == 0) b->first = 0;
    if (b->n == 0) last--; /* never block 0: elements are left */
    if (last != old) {
        free_blocks(l, last + 1, old - last);
        list_tail_changed(l);
    }
    list_block_fit(l, last);
}

void list_drop(struct list *l, enum list_end end, uint64_t n)
{
    ensure(n <= l->count);
    if (n == 0) return;
    if (n == l->count) {
        list_clear(l);
    } else if (end == LIST_LEFT) {
        cut_left(l, list_find(l, n), n);
    } else {
        cut_right(l, list_find(l, l->count - n), n);
    }
}

/* The first element when another begins in its block: so it lies in one piece, and the next is
 * known. */
static void pop_first(struct list *l, struct block *b, void (*give)(void *ctx, struct str v),
                      void *ctx)
{
    const char *p = list_data(l, b, 0);
    size_t n, head = frame_read(p, &n), size = head + n + LIST_TRAILER;

    give(ctx, str_of(p + head, n));
    b->n = (uint16_t)(b->n - size);
    b->n_starts--;
    list_set_start(l, l->head_start + size);
    list_less(l, 1, size);
    if (l->head_start > 64) list_block_fit(l, 0);
}

void list_pop(struct list *l, enum list_end end, void (*give)(void *ctx, struct str v), void *ctx)
{
    struct list_pos at = { 0 };
    struct buf scratch = { 0 };
    struct block *b = list_blocks(l);

    ensure(l->count > 0);
    if (end == LIST_LEFT && b->n_starts > 1) {
        pop_first(l, b, give, ctx);
        return;
    }
    if (end == LIST_RIGHT) at = list_find(l, l->count - 1);
    give(ctx, list_get_at(l, at, &scratch));
    if (UNLIKELY(scratch.p != NULL)) buf_fini(&scratch);
    if (l->count == 1) {
        list_clear(l);
    } else if (end == LIST_LEFT) {
        cut_left(l, list_ahead(l, at, 1), 1);
    } else {
        cut_right(l, at, 1);
    }
}

void list_trim(struct list *l, uint64_t start, uint64_t stop)
{
    ensure(start <= stop && stop < l->count);
    list_drop(l, LIST_RIGHT, l->count - 1 - stop);
    list_drop(l, LIST_LEFT, start);
}
