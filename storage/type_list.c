/* type_list.c -- lists: LPUSH, LPOP, LTRIM and their like on (database, key). */
#include "storage/type_list.h"

#include "base/mem.h"
#include "storage/cut.h"

/* --- looking up ------------------------------------------------------------------------------ */

enum err lists_read(struct db *db, struct str key, const struct list **l)
{
    const struct entry *e;
    enum err err = db_read_type(db, key, VALUE_LIST, &e);

    if (err == OK) *l = entry_ptr(e);
    return err;
}

/* As lists_read, to be changed. */
static enum err find(struct db *db, struct str key, struct slot *s, struct list **l)
{
    enum err err = db_find_type(db, key, VALUE_LIST, s);

    if (err == OK) *l = entry_ptr(s->ref.e);
    return err;
}

/* A new list at the key of s, which is absent. */
static struct list *make(struct slot *s)
{
    struct entry *e = entry_new_ptr(VALUE_LIST, ENC_LIST, s->key, -1);
    struct list *l = list_new();

    entry_set_ptr(e, l);
    db_add(s, e);
    return l;
}

bool lists_range(int64_t *start, int64_t *stop, uint64_t n)
{
    int64_t count = (int64_t)n;

    if (*start < 0) *start += count;
    if (*stop < 0) *stop += count;
    if (*start < 0) *start = 0;
    if (*start > *stop || *start >= count) return false;
    if (*stop >= count) *stop = count - 1;
    return true;
}

bool lists_index(int64_t index, uint64_t n, uint64_t *at)
{
    if (index < 0) index += (int64_t)n;
    if (index < 0 || (uint64_t)index >= n) return false;
    *at = (uint64_t)index;
    return true;
}

/* --- changing -------------------------------------------------------------------------------- */

static int fill_of(const struct slot *s)
{
    return s->db->store->conf.list_max_listpack_size;
}

static void push(struct slot *s, struct list *l, enum list_end end, struct str v)
{
    struct cut_value *cut = end == LIST_LEFT ? cut_value_of(s->db->store, l) : NULL;

    if (UNLIKELY(cut != NULL)) cut_list_push_left(cut, 1);
    list_push(l, end, v);
}

static void drop(struct slot *s, struct list *l, enum list_end end, uint64_t n)
{
    struct cut_value *cut = cut_value_of(s->db->store, l);

    if (n == 0 || (UNLIKELY(cut != NULL) && cut_list_drop(cut, end, n))) return;
    list_drop(l, end, n);
}

static void pop(struct slot *s, struct list *l, enum list_end end, void (*give)(void *ctx, struct str v),
                void *ctx)
{
    struct cut_value *cut = cut_value_of(s->db->store, l);

    if (UNLIKELY(cut != NULL)) cut_list_will_pop(cut, end);
    list_pop(l, end, give, ctx);
}

/* Tell an event that stands for n changed elements, as Redis counts them. */
static void tell(struct slot *s, enum change_kind kind, uint64_t n)
{
    db_tell(s, kind);
    s->db->store->stats.dirty += n - 1;
}

/* Elements were removed, which was told: remove the key with the last of them. */
static void removed(struct slot *s, struct list *l)
{
    if (UNLIKELY(list_count(l) == 0)) {
        db_remove(s, CHANGE_DEL, false);
        s->db->store->stats.dirty--;
    } else {
        list_did_shrink(l, fill_of(s));
    }
}

enum err lists_push(struct db *db, struct str key, enum list_end end, const struct str *v, size_t n,
                    bool if_there, uint64_t *count)
{
    size_t bytes = 0;
    struct list *l;
    struct slot s;
    enum err err = find(db, key, &s, &l);

    if (err == ERR_WRONG_TYPE || (err == ERR_NO_KEY && if_there)) return err;
    if (err == ERR_NO_KEY) l = make(&s);
    for (size_t i = 0; i < n; i++) bytes += v[i].n;
    list_will_grow(l, fill_of(&s), bytes, n);
    for (size_t i = 0; i < n; i++) push(&s, l, end, v[i]);
    *count = list_count(l);
    tell(&s, end == LIST_LEFT ? CHANGE_LPUSH : CHANGE_RPUSH, n);
    return OK;
}

enum err lists_pop(struct db *db, struct str key, enum list_end end, uint64_t count,
                   void (*give)(void *ctx, const struct list *l, uint64_t n), void *ctx)
{
    struct list *l;
    struct slot s;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    if (count > list_count(l)) count = list_count(l);
    give(ctx, l, count);
    drop(&s, l, end, count);
    tell(&s, end == LIST_LEFT ? CHANGE_LPOP : CHANGE_RPOP, count);
    removed(&s, l);
    return OK;
}

enum err lists_pop_one(struct db *db, struct str key, enum list_end end,
                       void (*give)(void *ctx, struct str v), void *ctx)
{
    struct list *l;
    struct slot s;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    pop(&s, l, end, give, ctx);
    db_tell(&s, end == LIST_LEFT ? CHANGE_LPOP : CHANGE_RPOP);
    removed(&s, l);
    return OK;
}

enum err lists_set(struct db *db, struct str key, int64_t index, struct str v)
{
    uint64_t at;
    struct list *l;
    struct slot s;
    struct cut_value *cut;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    if (!lists_index(index, list_count(l), &at)) return ERR_INDEX_RANGE;
    list_will_grow(l, fill_of(&s), v.n, 1);
    cut = cut_value_of(db->store, l);
    if (UNLIKELY(cut != NULL)) cut_list_set(cut, at);
    list_set(l, at, v);
    db_tell(&s, CHANGE_LSET);
    list_did_shrink(l, fill_of(&s));
    return OK;
}

static bool find_first(const struct list *l, struct str v, uint64_t *at)
{
    struct list_iter it;

    list_iter_at(&it, l, 0, LIST_RIGHT);
    for (uint64_t i = 0; list_next(&it); i++) {
        if (!list_iter_is(&it, v)) continue;
        *at = i;
        return true;
    }
    return false;
}

enum err lists_insert(struct db *db, struct str key, struct str pivot, bool after, struct str v,
                      uint64_t *count)
{
    uint64_t at;
    struct list *l;
    struct slot s;
    struct cut_value *cut;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    list_will_grow(l, fill_of(&s), v.n, 1);
    if (!find_first(l, pivot, &at)) return ERR_NOT_DONE;
    at += after;
    cut = cut_value_of(db->store, l);
    if (UNLIKELY(cut != NULL)) cut_list_insert(cut, at);
    list_insert(l, at, v);
    *count = list_count(l);
    db_tell(&s, CHANGE_LINSERT);
    return OK;
}

enum err lists_remove(struct db *db, struct str key, int64_t count, struct str v, uint64_t *n)
{
    uint64_t max = count < 0 ? -(uint64_t)count : (uint64_t)count;
    enum list_end from = count < 0 ? LIST_RIGHT : LIST_LEFT;
    struct list *l;
    struct slot s;
    struct cut_value *cut;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    cut = cut_value_of(db->store, l);
    if (UNLIKELY(cut != NULL)) cut_list_remove(cut, v, max, from);
    *n = list_remove(l, v, max, from);
    if (*n == 0) return OK;
    tell(&s, CHANGE_LREM, *n);
    removed(&s, l);
    return OK;
}

enum err lists_trim(struct db *db, struct str key, int64_t start, int64_t stop)
{
    uint64_t n;
    struct list *l;
    struct slot s;
    enum err err = find(db, key, &s, &l);

    if (err != OK) return err;
    n = list_count(l);
    if (lists_range(&start, &stop, n)) {
        db_trimming(&s, true, n - 1 - (uint64_t)stop);
        db_trimming(&s, false, (uint64_t)start);
        drop(&s, l, LIST_RIGHT, n - 1 - (uint64_t)stop);
        drop(&s, l, LIST_LEFT, (uint64_t)start);
    } else {
        db_trimming(&s, false, n);
        drop(&s, l, LIST_LEFT, n);
    }
    n -= list_count(l);
    tell(&s, CHANGE_LTRIM, n);
    if (n == 0) {
        s.db->store->stats.changes--; /* an event, as in Redis, but nothing for the log */
    } else {
        removed(&s, l);
    }
    return OK;
}

/* --- storing a whole list --------------------------------------------------------------------- */

uint64_t lists_store_take(struct db *db, struct str key, struct list **l, enum change_kind kind)
{
    uint64_t n = list_count(*l);
    struct entry *e;
    struct slot s;
    bool there = db_find_write(db, key, &s);

    if (n == 0) {
        if (there) db_remove(&s, CHANGE_DEL, db->store->conf.lazy_server_del);
        list_free(l);
        return 0;
    }
    list_settle_name(*l, fill_of(&s));
    if (there) {
        db_give_value(&s, VALUE_LIST, ENC_LIST, *l);
    } else {
        e = entry_new_ptr(VALUE_LIST, ENC_LIST, key, -1);
        entry_set_ptr(e, *l);
        db_add(&s, e);
    }
    *l = NULL;
    tell(&s, kind, n);
    return n;
}

/* --- moving from list to list ---------------------------------------------------------------- */

/* An element on its way to another list. */
struct carry {
    struct slot *slot; /* of `into` */
    struct list *into;
    enum list_end end;
    int fill;
    void (*give)(void *ctx, struct str v);
    void *ctx;
};

static void carry_over(void *ctx, struct str v)
{
    struct carry *c = ctx;

    c->give(c->ctx, v);
    list_will_grow(c->into, c->fill, v.n, 1);
    push(c->slot, c->into, c->end, v);
}

static void append(void *ctx, struct str v)
{
    buf_add_str(ctx, v);
}

/* Within one list the element is copied first, for the push may move its bytes. */
static void rotate(struct list *l, enum list_end from, struct carry *c)
{
    struct buf copy = { 0 };

    pop(c->slot, l, from, append, &copy);
    carry_over(c, buf_str(&copy));
    buf_fini(&copy);
}

static void tell_moved(struct slot *s, enum list_end from, struct slot *d, enum list_end to)
{
    db_tell(d, to == LIST_LEFT ? CHANGE_LPUSH : CHANGE_RPUSH);
    db_tell(s, from == LIST_LEFT ? CHANGE_LPOP : CHANGE_RPOP);
    s->db->store->stats.dirty--; /* two events, one change */
}

enum err lists_move(struct db *db, struct str src, enum list_end from, struct str dst,
                    enum list_end to, void (*give)(void *ctx, struct str v), void *ctx)
{
    struct slot s, d;
    struct carry c = { .slot = &d, .end = to, .give = give, .ctx = ctx };
    struct list *l;
    enum err err = find(db, src, &s, &l), dst_err;

    if (err != OK) return err;
    dst_err = find(db, dst, &d, &c.into);
    if (dst_err == ERR_WRONG_TYPE) return dst_err;
    if (dst_err == ERR_NO_KEY) c.into = make(&d);
    c.fill = fill_of(&d);
    if (l == c.into) {
        rotate(l, from, &c);
    } else {
        pop(&s, l, from, carry_over, &c);
    }
    tell_moved(&s, from, &d, to);
    /* Making dst, or finding that it had expired, may have moved src's place in the table. */
    if (list_count(l) == 0) db_find_write(db, src, &s);
    removed(&s, l);
    return OK;
}

/* --- searching ------------------------------------------------------------------------------- */

uint64_t lists_find(const struct list *l, const struct lists_search *s,
                    void (*fn)(void *ctx, uint64_t index), void *ctx)
{
    bool right = s->rank > 0;
    uint64_t skip = (right ? (uint64_t)s->rank : -(uint64_t)s->rank) - 1, found = 0;
    uint64_t n = list_count(l);
    struct list_iter it;

    list_iter_at(&it, l, right ? 0 : n - 1, right ? LIST_RIGHT : LIST_LEFT);
    for (uint64_t i = 0; (s->maxlen == 0 || i < s->maxlen) && list_next(&it); i++) {
        if (!list_iter_is(&it, s->v)) continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        fn(ctx, right ? i : n - 1 - i);
        if (++found == s->count) break;
    }
    return found;
}

/* --- the row of the type --------------------------------------------------------------------- */

static void free_value(enum value_enc enc, void *ptr)
{
    struct list *l = ptr;

    (void)enc;
    list_free(&l);
}

static size_t free_effort(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return list_free_effort(ptr);
}

static void *dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    (void)s, (void)enc;
    return list_dup(ptr);
}

static bool dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    enum { A_BLOCK = 8 /* elements */ };

    (void)s, (void)at;
    if (*to == NULL) *to = list_new();
    return list_dup_some(ptr, *to, n / A_BLOCK);
}

static size_t value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    (void)enc, (void)samples;
    return list_bytes(ptr);
}

static size_t weight(enum value_enc enc, const void *ptr)
{
    (void)enc;
    return list_weight(ptr);
}

static const char *encoding_name(const struct store *s, const struct entry *e)
{
    (void)s;
    return list_encoding_name(entry_ptr(e));
}

static uint64_t count_of(const struct store *s, const struct entry *e)
{
    (void)s;
    return list_count(entry_ptr(e));
}

const struct type_ops list_type_ops = { free_value, free_effort, dup_value, dup_some, value_bytes,
                                        encoding_name, count_of, weight, NULL };
