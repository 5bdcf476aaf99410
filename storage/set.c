/* set.c -- the three forms of a set and how one turns into the next. See set.h. */
#include "storage/set.h"

#include "base/mem.h"
#include "storage/db.h"

static void entry_free_in(void *ctx, struct entry *e)
{
    (void)ctx;
    entry_free(e);
}

static void insert(struct table *t, uint64_t hash, struct str m)
{
    struct entry *e = entry_new_none(m);

    t->load += mem_good_size(entry_bytes(e));
    table_insert(t, hash, e);
}

static struct table *table_new(struct store *s)
{
    struct table *t = mem_zalloc(sizeof *t);

    table_init(t, &s->hash_key);
    return t;
}

/* --- forms ------------------------------------------------------------------------------------ */

static size_t intset_limit(const struct store *s)
{
    enum { INTSET_MAX = 1 << 30 };
    return s->conf.set_max_intset_entries < INTSET_MAX ? s->conf.set_max_intset_entries
                                                       : INTSET_MAX;
}

struct set set_new(struct store *s, struct str first, size_t n)
{
    int64_t v;

    if (n <= s->conf.set_max_intset_entries && listpack_is_int(first, &v))
        return (struct set){ s, ENC_INTSET, intset_new() };
    if (n <= s->conf.set_max_listpack_entries)
        return (struct set){ s, ENC_LISTPACK, listpack_new() };
    return (struct set){ s, ENC_TABLE, table_new(s) };
}

struct set set_of(struct store *s, const struct entry *e)
{
    return (struct set){ s, entry_enc(e), entry_ptr(e) };
}

void set_free(struct set *s)
{
    set_free_value(s->enc, s->ptr);
    s->ptr = NULL;
}

void set_free_value(enum value_enc enc, void *ptr)
{
    if (enc == ENC_TABLE) table_fini(ptr, entry_free_in, NULL);
    mem_free(ptr);
}

size_t set_count(const struct set *s)
{
    switch (s->enc) {
    case ENC_INTSET: return ((const struct intset *)s->ptr)->count;
    case ENC_LISTPACK: return listpack_count(s->ptr);
    default: return ((const struct table *)s->ptr)->count;
    }
}

static void become(struct set *s, enum value_enc enc, void *ptr)
{
    set_free_value(s->enc, s->ptr);
    s->enc = enc;
    s->ptr = ptr;
}

static void to_table(struct set *s)
{
    struct table *t = table_new(s->store);
    struct set_iter it;
    char scratch[NUM_TEXT_MAX];

    set_iter_start(&it, s);
    while (set_next(&it)) {
        struct str m = set_text(&it.item, scratch);
        insert(t, table_hash(t, m), m);
    }
    become(s, ENC_TABLE, t);
}

static void to_listpack(struct set *s)
{
    unsigned char *lp = listpack_new();
    struct set_iter it;

    set_iter_start(&it, s);
    while (set_next(&it)) listpack_insert_int(&lp, NULL, it.item.v);
    become(s, ENC_LISTPACK, lp);
}

void set_expect(struct set *s, size_t n)
{
    const struct store_conf *c = &s->store->conf;

    if (s->enc == ENC_LISTPACK && n > c->set_max_listpack_entries) to_table(s);
    if (s->enc == ENC_INTSET && n > c->set_max_intset_entries) to_table(s);
}

/* --- finding ---------------------------------------------------------------------------------- */

static bool table_has(const struct table *t, struct str m)
{
    return table_find(t, table_hash(t, m), m).e != NULL;
}

bool set_has(const struct set *s, struct str m)
{
    int64_t v;

    switch (s->enc) {
    case ENC_INTSET: return listpack_is_int(m, &v) && intset_has(s->ptr, v);
    case ENC_LISTPACK: return listpack_find(listpack_first(s->ptr), m, 0) != NULL;
    default: return table_has(s->ptr, m);
    }
}

bool set_has_item(const struct set *s, const struct listpack_item *m)
{
    char scratch[NUM_TEXT_MAX];

    if (m->p == NULL && s->enc == ENC_INTSET) return intset_has(s->ptr, m->v);
    return set_has(s, set_text(m, scratch));
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool add_int(struct set *s, int64_t v)
{
    if (!intset_add((struct intset **)&s->ptr, v)) return false;
    if (set_count(s) > intset_limit(s->store)) to_table(s);
    return true;
}

static bool add_to_table(struct set *s, struct str m)
{
    struct table *t = s->ptr;
    uint64_t hash = table_hash(t, m);

    if (table_find(t, hash, m).e != NULL) return false;
    insert(t, hash, m);
    return true;
}

static bool fits_listpack(const struct set *s, size_t text_n)
{
    const struct store_conf *c = &s->store->conf;
    return set_count(s) < c->set_max_listpack_entries && text_n <= c->set_max_listpack_value;
}

static bool add_to_listpack(struct set *s, struct str m)
{
    if (listpack_find(listpack_first(s->ptr), m, 0) != NULL) return false;
    if (!fits_listpack(s, m.n) || !listpack_takes(s->ptr, m.n)) {
        to_table(s);
        return add_to_table(s, m);
    }
    listpack_append((unsigned char **)&s->ptr, m);
    return true;
}

/* The longest text among the members of an intset: its first or its last. */
static size_t longest(const struct intset *s)
{
    char scratch[NUM_TEXT_MAX];
    size_t first, last;

    if (s->count == 0) return 0;
    first = num_i64(scratch, intset_get(s, 0));
    last = num_i64(scratch, intset_get(s, s->count - 1));
    return first > last ? first : last;
}

/* A member that is no integer comes to an intset. */
static void leave_intset(struct set *s, struct str m)
{
    size_t n = longest(s->ptr);

    if (fits_listpack(s, m.n > n ? m.n : n))
        to_listpack(s);
    else
        to_table(s);
}

bool set_add(struct set *s, struct str m)
{
    int64_t v;

    if (s->enc == ENC_TABLE) return add_to_table(s, m);
    if (s->enc == ENC_INTSET) {
        if (listpack_is_int(m, &v)) return add_int(s, v);
        leave_intset(s, m);
        if (s->enc == ENC_TABLE) return add_to_table(s, m);
    }
    return add_to_listpack(s, m);
}

bool set_add_item(struct set *s, const struct listpack_item *m)
{
    char scratch[NUM_TEXT_MAX];

    if (m->p == NULL && s->enc == ENC_INTSET) return add_int(s, m->v);
    return set_add(s, set_text(m, scratch));
}

/* --- removing --------------------------------------------------------------------------------- */

static bool remove_from_table(struct table *t, struct str m)
{
    struct table_ref r = table_find(t, table_hash(t, m), m);

    if (r.e == NULL) return false;
    t->load -= mem_good_size(entry_bytes(r.e));
    entry_free(table_remove(t, &r));
    return true;
}

static bool remove_from_listpack(unsigned char **lp, struct str m)
{
    const unsigned char *p = listpack_find(listpack_first(*lp), m, 0);

    if (p == NULL) return false;
    listpack_delete(lp, p, 1);
    return true;
}

bool set_remove(struct set *s, struct str m)
{
    int64_t v;

    switch (s->enc) {
    case ENC_INTSET: return listpack_is_int(m, &v) && intset_remove((struct intset **)&s->ptr, v);
    case ENC_LISTPACK: return remove_from_listpack((unsigned char **)&s->ptr, m);
    default: return remove_from_table(s->ptr, m);
    }
}

static void pop_int(struct set *s, struct buf *text)
{
    const struct intset *is = s->ptr;
    int64_t v = intset_get(is, (uint32_t)rng_below(&s->store->rng, is->count));

    text->n += num_i64(buf_room(text, NUM_TEXT_MAX), v);
    intset_remove((struct intset **)&s->ptr, v);
}

static void pop_packed(struct set *s, struct buf *text)
{
    const unsigned char *p = listpack_at(s->ptr, rng_below(&s->store->rng, listpack_count(s->ptr)));
    char scratch[NUM_TEXT_MAX];

    buf_add_str(text, listpack_str(p, scratch));
    listpack_delete((unsigned char **)&s->ptr, p, 1);
}

void set_pop(struct set *s, struct buf *text)
{
    struct str m;

    if (s->enc == ENC_INTSET) {
        pop_int(s, text);
    } else if (s->enc == ENC_LISTPACK) {
        pop_packed(s, text);
    } else {
        m = entry_key(table_random_fair(s->ptr, &s->store->rng));
        buf_add_str(text, m);
        remove_from_table(s->ptr, m);
    }
}

/* --- type_ops --------------------------------------------------------------------------------- */

size_t set_free_effort(enum value_enc enc, const void *ptr)
{
    return enc == ENC_TABLE ? ((const struct table *)ptr)->count : 1;
}

bool set_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    struct entry *e = NULL;

    if (*to == NULL) *to = table_new(s);
    for (; n > 0 && (e = table_next(ptr, &at->table)) != NULL; n--) insert(*to, table_hash(*to, entry_key(e)), entry_key(e));
    return e != NULL;
}

void *set_dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    void *t = NULL;

    if (enc == ENC_INTSET) return intset_dup(ptr);
    if (enc == ENC_LISTPACK) return listpack_dup(ptr);
    (void)set_dup_some(s, ptr, &t, &(struct dup_place){ 0 }, SIZE_MAX);
    return t;
}

size_t set_value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    const struct table *t = ptr;
    struct table_iter it = { 0 };
    size_t sum = 0, n = 0;

    if (enc == ENC_INTSET) return mem_good_size(intset_bytes(ptr));
    if (enc == ENC_LISTPACK) return mem_good_size(listpack_bytes(ptr));
    if (samples == 0) samples = SIZE_MAX;
    for (struct entry *e; n < samples && (e = table_next(t, &it)) != NULL; n++)
        sum += mem_good_size(entry_bytes(e));
    if (n > 0 && n < t->count) sum = (size_t)((double)sum / (double)n * (double)t->count);
    return mem_good_size(sizeof *t) + t->bytes + sum;
}

size_t set_weight(enum value_enc enc, const void *ptr)
{
    const struct table *t = ptr;

    return enc == ENC_TABLE ? mem_good_size(sizeof *t) + t->bytes + t->load : set_value_bytes(enc, ptr, 0);
}

void set_check(const struct set *s)
{
    switch (s->enc) {
    case ENC_INTSET: intset_check(s->ptr); break;
    case ENC_LISTPACK: listpack_check(s->ptr); break;
    default: table_check(s->ptr);
    }
    ensure(set_weight(s->enc, s->ptr) == set_value_bytes(s->enc, s->ptr, 0));
}
