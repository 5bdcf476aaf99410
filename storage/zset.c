/* zset.c -- the two forms of a sorted set and their changes. See zset.h. */
#include "storage/zset.h"

#include "base/mem.h"
#include "storage/db.h"
#include "storage/zset_pack.h"

static void entry_free_in(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

static struct zset_large *large_new(struct store *s)
{
    struct zset_large *l = mem_zalloc(sizeof *l);

    table_init(&l->table, &s->hash_key);
    return l;
}

static void large_add(struct zset_large *l, uint64_t hash, struct str member, double score)
{
    struct entry *e = zentry_new(member, score);

    if (UNLIKELY(l->cut != NULL)) zset_cut_mark(l->cut, e);
    l->table.load += mem_good_size(entry_bytes(e));
    table_insert(&l->table, hash, e);
    ztree_insert(&l->tree, e);
}

/* --- forms ------------------------------------------------------------------------------------ */

struct zset zset_new(struct store *s, size_t n, size_t longest)
{
    if (n <= s->conf.zset_max_listpack_entries && longest <= s->conf.zset_max_listpack_value)
        return (struct zset){ s, ENC_LISTPACK, listpack_new() };
    return (struct zset){ s, ENC_TREE, large_new(s) };
}

struct zset zset_of(struct store *s, const struct entry *e)
{
    return (struct zset){ s, entry_enc(e), entry_ptr(e) };
}

void zset_free(struct zset *z)
{
    zset_free_value(z->enc, z->ptr);
    z->ptr = NULL;
}

void zset_free_value(enum value_enc enc, void *ptr)
{
    if (enc == ENC_TREE) {
        struct zset_large *l = ptr;
        ztree_fini(&l->tree);
        table_fini(&l->table, entry_free_in, NULL);
    }
    mem_free(ptr);
}

size_t zset_count(const struct zset *z)
{
    if (z->enc == ENC_LISTPACK) return listpack_count(z->ptr) / 2;
    return ((const struct zset_large *)z->ptr)->table.count;
}

static void to_large(struct zset *z)
{
    struct zset_large *l = large_new(z->store);
    struct zset_iter it;

    zset_iter_at(&it, z, 0, false);
    while (zset_next(&it)) large_add(l, table_hash(&l->table, it.member), it.member, it.score);
    zset_free(z);
    z->enc = ENC_TREE;
    z->ptr = l;
}

void zset_expect(struct zset *z, size_t n)
{
    if (z->enc == ENC_LISTPACK && n > z->store->conf.zset_max_listpack_entries) to_large(z);
}

/* --- changing ----------------------------------------------------------------------------------- */

/* The member of e is about to get another score, or to go. */
static inline void before_change(struct zset_large *l, struct entry *e)
{
    if (UNLIKELY(l->cut != NULL)) zset_cut_member(l->cut, e);
}

static bool find_packed(const struct zset *z, struct str member, struct zplace *at)
{
    at->p = zpack_find(z->ptr, member, &at->score);
    at->found = at->p != NULL;
    return at->found;
}

static bool find_in_table(const struct zset_large *l, uint64_t hash, struct str member, struct zplace *at)
{
    at->found = table_look(&l->table, hash, member, &at->ref);
    if (at->found) at->score = zentry_score(at->ref.e);
    return at->found;
}

bool zset_find(const struct zset *z, struct str member, struct zplace *at)
{
    const struct zset_large *l = z->ptr;

    if (z->enc == ENC_LISTPACK) return find_packed(z, member, at);
    return find_in_table(l, table_hash(&l->table, member), member, at);
}

bool zset_find_for(const struct zset *z, struct str member, double score, struct zplace *at)
{
    const struct zset_large *l = z->ptr;
    uint64_t hash;

    if (z->enc == ENC_LISTPACK) return find_packed(z, member, at);
    hash = table_hash(&l->table, member);
    table_prefetch_bucket(&l->table, hash);
    ztree_prefetch(&l->tree, score);
    return find_in_table(l, hash, member, at);
}

static bool fits_listpack(const struct zset *z, size_t member_n)
{
    const struct store_conf *c = &z->store->conf;

    return zset_count(z) < c->zset_max_listpack_entries && member_n <= c->zset_max_listpack_value &&
           listpack_takes(z->ptr, member_n + NUM_TEXT_MAX);
}

void zset_put_at(struct zset *z, struct zplace *at, struct str member, double score)
{
    struct zset_large *l = z->ptr;

    if (at->found && score == at->score) return;
    if (z->enc == ENC_LISTPACK) {
        if (at->found) listpack_delete((unsigned char **)&z->ptr, at->p, 2);
        if (at->found || fits_listpack(z, member.n)) {
            zpack_insert((unsigned char **)&z->ptr, member, score);
            return;
        }
        to_large(z);
        l = z->ptr;
        large_add(l, table_hash(&l->table, member), member, score);
    } else if (at->found) {
        before_change(l, at->ref.e);
        ztree_move(&l->tree, at->ref.e, score);
    } else {
        large_add(l, at->ref.hash, member, score);
    }
}

void zset_remove_at(struct zset *z, struct zplace *at)
{
    struct zset_large *l = z->ptr;

    if (z->enc == ENC_LISTPACK) {
        listpack_delete((unsigned char **)&z->ptr, at->p, 2);
        return;
    }
    before_change(l, at->ref.e);
    l->table.load -= mem_good_size(entry_bytes(at->ref.e));
    ztree_remove(&l->tree, at->ref.e);
    entry_free(table_remove(&l->table, &at->ref));
}

bool zset_put(struct zset *z, struct str member, double score, double *old)
{
    struct zplace at;
    bool there = zset_find(z, member, &at);

    if (there && old != NULL) *old = at.score;
    zset_put_at(z, &at, member, score);
    return !there;
}

bool zset_remove(struct zset *z, struct str member)
{
    struct zplace at;

    if (!zset_find(z, member, &at)) return false;
    zset_remove_at(z, &at);
    return true;
}

/* --- ranges of ranks ------------------------------------------------------------------------------ */

struct removal {
    struct zset_large *l;
    void (*fn)(void *ctx, struct str member, double score);
    void *ctx;
};

static void remove_entry(void *ctx, struct entry *e)
{
    struct removal *r = ctx;
    struct table *t = &r->l->table;
    struct table_ref ref;
    struct str member = entry_key(e);

    before_change(r->l, e);
    if (r->fn != NULL) r->fn(r->ctx, member, zentry_score(e));
    table_look(t, table_hash(t, member), member, &ref);
    t->load -= mem_good_size(entry_bytes(e));
    entry_free(table_remove(t, &ref));
}

void zset_remove_ranks(struct zset *z, size_t from, size_t to,
                       void (*fn)(void *ctx, struct str member, double score), void *ctx)
{
    struct removal r = { z->ptr, fn, ctx };
    struct zset_iter it;

    if (from >= to) return;
    if (z->enc == ENC_TREE) {
        ztree_remove_ranks(&r.l->tree, from, to - from, remove_entry, &r);
        return;
    }
    if (fn != NULL) {
        zset_iter_at(&it, z, from, false);
        for (size_t n = to - from; n > 0 && zset_next(&it); n--) fn(ctx, it.member, it.score);
    }
    listpack_delete((unsigned char **)&z->ptr, listpack_at(z->ptr, 2 * from), 2 * (to - from));
}

/* --- type_ops --------------------------------------------------------------------------------- */

size_t zset_free_effort(enum value_enc enc, const void *ptr)
{
    return enc == ENC_TREE ? ((const struct zset_large *)ptr)->table.count : 1;
}

bool zset_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    struct zset z = { s, ENC_TREE, (void *)(uintptr_t)ptr };
    size_t left = zset_count(&z) - at->n;
    struct zset_large *l = *to;
    struct zset_iter it;

    if (l == NULL) *to = l = large_new(s);
    if (n > left) n = left;
    at->n += n;
    zset_iter_at(&it, &z, at->n - n, false);
    for (; n > 0 && zset_next(&it); n--) large_add(l, table_hash(&l->table, it.member), it.member, it.score);
    return at->n < zset_count(&z);
}

void *zset_dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    void *l = NULL;

    if (enc == ENC_LISTPACK) return listpack_dup(ptr);
    (void)zset_dup_some(s, ptr, &l, &(struct dup_place){ 0 }, SIZE_MAX);
    return l;
}

size_t zset_value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    const struct zset_large *l = ptr;
    struct table_iter it = { 0 };
    size_t sum = 0, n = 0;

    if (enc == ENC_LISTPACK) return mem_good_size(listpack_bytes(ptr));
    if (samples == 0) samples = SIZE_MAX;
    for (struct entry *e; n < samples && (e = table_next(&l->table, &it)) != NULL; n++)
        sum += mem_good_size(entry_bytes(e));
    if (n > 0 && n < l->table.count) sum = (size_t)((double)sum / (double)n * (double)l->table.count);
    return mem_good_size(sizeof *l) + l->table.bytes + l->tree.bytes + sum;
}

size_t zset_weight(enum value_enc enc, const void *ptr)
{
    const struct zset_large *l = ptr;

    if (enc == ENC_LISTPACK) return zset_value_bytes(enc, ptr, 0);
    return mem_good_size(sizeof *l) + l->table.bytes + l->tree.bytes + l->table.load;
}

void zset_check(const struct zset *z)
{
    const struct zset_large *l = z->ptr;

    if (z->enc == ENC_LISTPACK) {
        listpack_check(z->ptr);
        ensure(zpack_sound(z->ptr, SIZE_MAX));
        return;
    }
    table_check(&l->table);
    ztree_check(&l->tree);
    ensure(l->table.count == l->tree.count);
    ensure(zset_weight(z->enc, l) == zset_value_bytes(z->enc, l, 0));
}
