/* hash.c -- the three forms of a hash and how one turns into the next. See hash.h. */
#include "storage/hash.h"

#include "base/mem.h"
#include "storage/db.h"

/* --- fields as entries ------------------------------------------------------------------------ */

static struct blob *blob_of(struct str s)
{
    size_t cap = mem_good_size(sizeof(struct blob) + s.n) - sizeof(struct blob);
    struct blob *b = mem_alloc(sizeof *b + cap);

    b->n = s.n;
    b->cap = cap;
    memcpy(b->p, s.p, s.n);
    return b;
}

static struct entry *field_new(struct str field, struct str value, int64_t ttl)
{
    struct entry *e;

    if (value.n <= HASH_INLINE_MAX) return entry_new_raw(VALUE_STRING, field, value, ttl);
    e = entry_new_ptr(VALUE_STRING, ENC_BLOB, field, ttl);
    entry_set_ptr(e, blob_of(value));
    return e;
}

/* Its memory, value and all. */
static size_t field_bytes(const struct entry *e)
{
    size_t n = mem_good_size(entry_bytes(e));

    if (entry_enc(e) == ENC_BLOB) n += sizeof(struct blob) + ((struct blob *)entry_ptr(e))->cap;
    return n;
}

static void field_free(void *ctx, struct entry *e)
{
    (void)ctx;
    if (entry_enc(e) == ENC_BLOB) mem_free(entry_ptr(e));
    entry_free(e);
}

struct str hash_field_value(const struct entry *e)
{
    const struct blob *b;

    if (entry_enc(e) == ENC_RAW) return entry_raw(e);
    b = entry_ptr(e);
    return str_of(b->p, b->n);
}

static struct entry *field_set_value(struct entry *e, struct str value)
{
    struct blob *old = entry_enc(e) == ENC_BLOB ? entry_ptr(e) : NULL;

    if (value.n > HASH_INLINE_MAX)
        e = entry_turn_ptr(e, ENC_BLOB, blob_of(value));
    else
        e = entry_set_raw(e, value);
    mem_free(old);
    return e;
}

/* --- forms ------------------------------------------------------------------------------------ */

static int64_t store_time(const struct store *s)
{
    return s->loading ? -1 : s->now_ms;
}

struct hash hash_new(struct store *s)
{
    return (struct hash){ s, ENC_LISTPACK, listpack_new(), store_time(s) };
}

struct hash hash_of(struct store *s, const struct entry *e)
{
    return (struct hash){ s, entry_enc(e), entry_ptr(e), store_time(s) };
}

void hash_free(struct hash *h)
{
    hash_free_value(h->enc, h->ptr);
    h->ptr = NULL;
}

void hash_free_value(enum value_enc enc, void *ptr)
{
    if (enc == ENC_TABLE) {
        struct hash_large *l = ptr;
        table_fini(&l->table, field_free, NULL);
        due_fini(&l->due);
    } else if (enc == ENC_LISTPACK_EX) {
        struct hash_small *s = ptr;
        listpack_free(&s->lp);
    }
    mem_free(ptr);
}

/* The listpack of a small form, and its elements a field. */
static unsigned char **pack_of(struct hash *h)
{
    if (h->enc == ENC_LISTPACK) return (unsigned char **)&h->ptr;
    return &((struct hash_small *)h->ptr)->lp;
}

static const unsigned char *pack(const struct hash *h)
{
    if (h->enc == ENC_LISTPACK) return h->ptr;
    return ((const struct hash_small *)h->ptr)->lp;
}

static unsigned stride(const struct hash *h)
{
    return h->enc == ENC_LISTPACK ? 2 : 3;
}

size_t hash_count(const struct hash *h)
{
    if (h->enc == ENC_TABLE) return ((const struct hash_large *)h->ptr)->table.count;
    return listpack_count(pack(h)) / stride(h);
}

static int64_t small_ttl(const unsigned char *value)
{
    int64_t ttl = listpack_get(listpack_next(value)).v;
    return ttl > 0 ? ttl : HASH_NO_TTL;
}

/* Give a small hash room for TTLs. */
static void to_small_ex(struct hash *h)
{
    struct hash_small *s = mem_alloc(sizeof *s);
    unsigned char *lp = h->ptr;
    const unsigned char *p = listpack_first(lp);

    while (p != NULL) {
        const unsigned char *behind_value = listpack_next(listpack_next(p));
        p = listpack_next(listpack_insert_int(&lp, behind_value, 0));
    }
    *s = (struct hash_small){ HASH_NEVER, lp };
    h->enc = ENC_LISTPACK_EX;
    h->ptr = s;
}

static void add_to_large(struct hash_large *l, uint64_t hash, struct str field, struct str value,
                         int64_t ttl)
{
    struct entry *e = field_new(field, value, ttl);

    l->table.load += field_bytes(e);
    table_insert(&l->table, hash, e);
    if (ttl < 0) return;
    due_add(&l->due, e, ttl);
    if (ttl < l->due_at) l->due_at = ttl;
}

static void to_large(struct hash *h)
{
    struct hash_large *l = mem_zalloc(sizeof *l);
    char scratch[2][NUM_TEXT_MAX];
    const unsigned char *p = listpack_first(pack(h));

    table_init(&l->table, &h->store->hash_key);
    l->due_at = hash_due_at(h);
    while (p != NULL) {
        struct str field = listpack_str(p, scratch[0]), value;
        p = listpack_next(p);
        value = listpack_str(p, scratch[1]);
        int64_t ttl = h->enc == ENC_LISTPACK ? HASH_NO_TTL : small_ttl(p);
        add_to_large(l, table_hash(&l->table, field), field, value, ttl);
        if (h->enc == ENC_LISTPACK_EX) p = listpack_next(p);
        p = listpack_next(p);
    }
    hash_free_value(h->enc, h->ptr);
    h->enc = ENC_TABLE;
    h->ptr = l;
}

/* --- due -------------------------------------------------------------------------------------- */

int64_t hash_due_at(const struct hash *h)
{
    if (h->enc == ENC_LISTPACK) return HASH_NEVER;
    if (h->enc == ENC_LISTPACK_EX) return ((const struct hash_small *)h->ptr)->due_at;
    return ((const struct hash_large *)h->ptr)->due_at;
}

static void set_due(struct hash *h, int64_t at)
{
    if (h->enc == ENC_LISTPACK_EX) ((struct hash_small *)h->ptr)->due_at = at;
    if (h->enc == ENC_TABLE) ((struct hash_large *)h->ptr)->due_at = at;
}

/* A field of a small hash that is due by now; NULL: none is, and *first is the earliest TTL. */
static const unsigned char *small_find_due(const struct hash *h, int64_t now, int64_t *first)
{
    *first = HASH_NEVER;
    for (const unsigned char *p = listpack_first(pack(h)); p != NULL;) {
        const unsigned char *value = listpack_next(p);
        int64_t ttl = small_ttl(value);
        if (ttl >= 0 && ttl <= now) return p;
        if (ttl >= 0 && ttl < *first) *first = ttl;
        p = listpack_next(listpack_next(value));
    }
    return NULL;
}

static bool small_drop_due(struct hash *h, struct buf *name)
{
    struct hash_place at = { 0 };
    char scratch[NUM_TEXT_MAX];
    int64_t first;

    at.p = small_find_due(h, h->now_ms, &first);
    if (at.p == NULL) {
        set_due(h, first);
        return false;
    }
    buf_add_str(name, listpack_str(at.p, scratch));
    hash_drop(h, &at);
    return true;
}

static bool large_drop_due(struct hash *h, struct buf *name)
{
    struct hash_large *l = h->ptr;
    struct hash_place at = { 0 };
    const struct entry *first;

    l->due_at = due_first_at(&l->due);
    if (l->due_at > h->now_ms) return false;
    first = due_first(&l->due);
    ensure(first != NULL); /* something is due */
    buf_add_str(name, entry_key(first));
    ensure(hash_find(h, buf_str(name), &at));
    hash_drop(h, &at);
    return true;
}

bool hash_drop_due(struct hash *h, struct buf *name)
{
    if (hash_due_at(h) > h->now_ms) return false;
    buf_clear(name);
    return h->enc == ENC_TABLE ? large_drop_due(h, name) : small_drop_due(h, name);
}

/* --- finding and changing --------------------------------------------------------------------- */

bool hash_find(const struct hash *h, struct str field, struct hash_place *at)
{
    if (h->enc == ENC_TABLE) {
        const struct table *t = &((const struct hash_large *)h->ptr)->table;
        at->ref = table_find(t, table_hash(t, field), field);
        return at->ref.e != NULL;
    }
    at->p = listpack_find(listpack_first(pack(h)), field, stride(h) - 1);
    return at->p != NULL;
}

struct str hash_value_at(const struct hash *h, const struct hash_place *at,
                         char scratch[NUM_TEXT_MAX])
{
    if (h->enc == ENC_TABLE) return hash_field_value(at->ref.e);
    return listpack_str(listpack_next(at->p), scratch);
}

int64_t hash_ttl_at(const struct hash *h, const struct hash_place *at)
{
    if (h->enc == ENC_TABLE) return entry_expire_at(at->ref.e);
    return h->enc == ENC_LISTPACK ? HASH_NO_TTL : small_ttl(listpack_next(at->p));
}

/* Whether a small hash may take these. `more` fields are to come. */
static bool fits_small(const struct hash *h, struct str field, struct str value, size_t more)
{
    const struct store_conf *c = &h->store->conf;

    if (field.n > c->hash_max_listpack_value || value.n > c->hash_max_listpack_value) return false;
    if (more > 0 && hash_count(h) + more > c->hash_max_listpack_entries) return false;
    return listpack_takes(pack(h), field.n + value.n);
}

static void note_due(struct hash *h, int64_t ttl)
{
    if (ttl >= 0 && ttl < hash_due_at(h)) set_due(h, ttl);
}

void hash_add(struct hash *h, struct hash_place *at, struct str field, struct str value,
              int64_t ttl)
{
    if (h->enc == ENC_TABLE) {
        add_to_large(h->ptr, at->ref.hash, field, value, ttl);
        return;
    }
    if (!fits_small(h, field, value, 1)) {
        to_large(h);
        struct hash_large *l = h->ptr;
        add_to_large(l, table_hash(&l->table, field), field, value, ttl);
        return;
    }
    if (ttl >= 0 && h->enc == ENC_LISTPACK) to_small_ex(h);
    listpack_insert(pack_of(h), NULL, (struct str[]){ field, value }, 2);
    if (h->enc == ENC_LISTPACK_EX) listpack_insert_int(pack_of(h), NULL, ttl > 0 ? ttl : 0);
    note_due(h, ttl);
}

/* Give e, which may have moved from the place that r still shows, the TTL ttl. */
static struct entry *large_set_ttl(struct hash_large *l, struct entry *e, int64_t ttl)
{
    bool had = entry_expires(e);

    if (ttl < 0) {
        if (!had) return e;
        due_remove(&l->due, e);
        return entry_set_expire(e, -1);
    }
    e = entry_set_expire(e, ttl);
    if (had)
        due_change(&l->due, e, ttl);
    else
        due_add(&l->due, e, ttl);
    if (ttl < l->due_at) l->due_at = ttl;
    return e;
}

static void large_put(struct hash_large *l, struct table_ref *r, struct str value, int64_t ttl)
{
    struct entry *e = r->e;
    bool had = entry_expires(e);
    size_t place = had ? due_place(e) : 0;

    table_ref_before_change(&l->table, r);
    l->table.load -= field_bytes(e);
    e = field_set_value(e, value);
    if (had) due_moved(&l->due, place, e);
    if (ttl != HASH_KEEP_TTL) e = large_set_ttl(l, e, ttl);
    l->table.load += field_bytes(e);
    if (e != r->e) table_ref_set(&l->table, r, e);
}

void hash_put(struct hash *h, struct hash_place *at, struct str field, struct str value,
              int64_t ttl)
{
    const unsigned char *p;

    if (h->enc != ENC_TABLE && !fits_small(h, field, value, 0)) {
        to_large(h);
        ensure(hash_find(h, field, at));
    }
    if (h->enc == ENC_TABLE) {
        large_put(h->ptr, &at->ref, value, ttl);
        return;
    }
    p = listpack_replace(pack_of(h), listpack_next(at->p), value);
    if (ttl == HASH_KEEP_TTL || (ttl < 0 && h->enc == ENC_LISTPACK)) return;
    if (h->enc == ENC_LISTPACK) {
        to_small_ex(h);
        ensure(hash_find(h, field, at));
        p = listpack_next(at->p);
    }
    p = listpack_next(p);
    if (listpack_get(p).v != (ttl > 0 ? ttl : 0))
        listpack_replace_int(pack_of(h), p, ttl > 0 ? ttl : 0);
    note_due(h, ttl);
}

void hash_set_ttl(struct hash *h, struct hash_place *at, struct str field, int64_t ttl)
{
    if (h->enc == ENC_TABLE) {
        struct hash_large *l = h->ptr;
        struct entry *e;

        table_ref_before_change(&l->table, &at->ref);
        l->table.load -= field_bytes(at->ref.e);
        e = large_set_ttl(l, at->ref.e, ttl);
        l->table.load += field_bytes(e);
        if (e != at->ref.e) table_ref_set(&l->table, &at->ref, e);
        return;
    }
    if (h->enc == ENC_LISTPACK) {
        if (ttl < 0) return;
        to_small_ex(h);
        ensure(hash_find(h, field, at));
    }
    const unsigned char *p = listpack_next(listpack_next(at->p));
    listpack_replace_int(pack_of(h), p, ttl > 0 ? ttl : 0);
    note_due(h, ttl);
}

void hash_drop(struct hash *h, struct hash_place *at)
{
    if (h->enc == ENC_TABLE) {
        struct hash_large *l = h->ptr;

        ensure(at->ref.e != NULL);
        l->table.load -= field_bytes(at->ref.e);
        if (entry_expires(at->ref.e)) due_remove(&l->due, at->ref.e);
        field_free(NULL, table_remove(&l->table, &at->ref));
        return;
    }
    listpack_delete(pack_of(h), at->p, stride(h));
}

/* --- type_ops --------------------------------------------------------------------------------- */

size_t hash_free_effort(enum value_enc enc, const void *ptr)
{
    return enc == ENC_TABLE ? ((const struct hash_large *)ptr)->table.count : 1;
}

bool hash_dup_some(struct store *s, const void *ptr, void **to, struct dup_place *at, size_t n)
{
    const struct hash_large *from = ptr;
    struct hash_large *l = *to;
    struct entry *e = NULL;

    if (l == NULL) {
        *to = l = mem_zalloc(sizeof *l);
        table_init(&l->table, &s->hash_key);
        l->due_at = HASH_NEVER;
    }
    for (; n > 0 && (e = table_next(&from->table, &at->table)) != NULL; n--) {
        struct str field = entry_key(e);
        add_to_large(l, table_hash(&l->table, field), field, hash_field_value(e), entry_expire_at(e));
    }
    return e != NULL;
}

void *hash_dup_value(struct store *s, enum value_enc enc, const void *ptr)
{
    const struct hash_small *from = ptr;
    struct hash_small *to;

    if (enc == ENC_TABLE) {
        void *large = NULL;

        (void)hash_dup_some(s, ptr, &large, &(struct dup_place){ 0 }, SIZE_MAX);
        return large;
    }
    if (enc == ENC_LISTPACK) return listpack_dup(ptr);
    to = mem_alloc(sizeof *to);
    *to = (struct hash_small){ from->due_at, listpack_dup(from->lp) };
    return to;
}

static size_t large_bytes(const struct hash_large *l)
{
    return mem_good_size(sizeof *l) + l->table.bytes + l->due.cap * sizeof l->due.heap[0];
}

size_t hash_value_bytes(enum value_enc enc, const void *ptr, size_t samples)
{
    const struct hash_large *l = ptr;
    const struct hash_small *s = ptr;
    struct table_iter it = { 0 };
    size_t sum = 0, n = 0;

    if (enc == ENC_LISTPACK) return mem_good_size(listpack_bytes(ptr));
    if (enc == ENC_LISTPACK_EX) return sizeof *s + mem_good_size(listpack_bytes(s->lp));
    if (samples == 0) samples = SIZE_MAX;
    for (struct entry *e; n < samples && (e = table_next(&l->table, &it)) != NULL; n++)
        sum += field_bytes(e);
    if (n > 0 && n < l->table.count)
        sum = (size_t)((double)sum / (double)n * (double)l->table.count);
    return large_bytes(l) + sum;
}

size_t hash_weight(enum value_enc enc, const void *ptr)
{
    const struct hash_large *l = ptr;

    return enc == ENC_TABLE ? large_bytes(l) + l->table.load : hash_value_bytes(enc, ptr, 0);
}

static void check_large(const struct hash_large *l)
{
    struct table_iter it = { 0 };
    size_t n_ttl = 0;

    table_check(&l->table);
    due_check(&l->due);
    for (struct entry *e; (e = table_next(&l->table, &it)) != NULL;) n_ttl += entry_expires(e);
    ensure(n_ttl == l->due.n);
    ensure(l->due_at <= due_first_at(&l->due));
    ensure(hash_weight(ENC_TABLE, l) == hash_value_bytes(ENC_TABLE, l, 0));
}

void hash_check(const struct hash *h)
{
    int64_t first;

    if (h->enc == ENC_TABLE) {
        check_large(h->ptr);
        return;
    }
    listpack_check(pack(h));
    ensure(listpack_count(pack(h)) % stride(h) == 0);
    if (h->enc != ENC_LISTPACK_EX) return;
    ensure(small_find_due(h, -1, &first) == NULL);
    ensure(hash_due_at(h) <= first);
}
