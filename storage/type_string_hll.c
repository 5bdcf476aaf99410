/* type_string_hll.c -- PFADD, PFCOUNT, PFMERGE on (database, key).
 *
 * A dense one is changed where it lies. A sparse one, 3000 bytes at most unless told otherwise, is
 * changed as a copy and put back: its length changes with nearly every register. */
#include "storage/type_string_hll.h"

#include "base/mem.h"

/* Look up for changing. ERR_NO_KEY: s is ready for string_put_raw. The bytes may lie in scratch
 * (NUM_TEXT_MAX), but then they are none that pass. */
static enum err find(struct db *db, struct str key, struct slot *s, struct str *bytes)
{
    char scratch[NUM_TEXT_MAX];
    enum err e = db_find_type(db, key, VALUE_STRING, s);

    if (e != OK) return e;
    if (entry_enc(s->ref.e) == ENC_INT) return ERR_NOT_HLL;
    *bytes = string_bytes(s->ref.e, scratch);
    return hll_is(*bytes) ? OK : ERR_NOT_HLL;
}

enum err string_pf_read(struct db *db, struct str key, struct str *bytes)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry;
    enum err e = db_read_type(db, key, VALUE_STRING, &entry);

    if (e != OK) return e;
    if (entry_enc(entry) == ENC_INT) return ERR_NOT_HLL;
    *bytes = string_bytes(entry, scratch);
    return hll_is(*bytes) ? OK : ERR_NOT_HLL;
}

/* --- adding ----------------------------------------------------------------------------------- */

static bool add_dense(struct slot *s, const struct str *elements, size_t n)
{
    size_t len;
    char *p = string_writable(s, 0, &len);
    unsigned index, count;
    bool changed = false;

    string_will_write(s, 0, len);
    for (size_t i = 0; i < n; i++) {
        index = hll_hash(elements[i], &count);
        changed |= hll_dense_raise(p, index, count);
    }
    if (changed) hll_forget_cached(p);
    return changed;
}

static enum err add_copy(struct hll *h, const struct str *elements, size_t n, bool *changed)
{
    unsigned index, count;
    enum err e = OK;

    for (size_t i = 0; i < n && e == OK; i++) {
        index = hll_hash(elements[i], &count);
        e = hll_raise(h, index, count, changed);
    }
    return e;
}

enum err string_pfadd(struct db *db, struct str key, const struct str *elements, size_t n, bool *changed)
{
    size_t sparse_max = db->store->conf.hll_sparse_max_bytes;
    struct str old;
    struct slot s;
    enum err e = find(db, key, &s, &old);

    *changed = false;
    if (e != OK && e != ERR_NO_KEY) return e;
    if (e == OK && hll_is_dense(old)) {
        *changed = add_dense(&s, elements, n);
    } else {
        struct hll h;

        if (e == OK) hll_init_copy(&h, old, sparse_max);
        else hll_init(&h, sparse_max);
        if (e == ERR_NO_KEY) {
            *changed = true;
            hll_forget_cached(h.bytes.p);
        }
        e = add_copy(&h, elements, n, changed);
        if (e == OK && *changed) string_put_raw(&s, buf_str(&h.bytes), true);
        hll_fini(&h);
    }
    if (e == OK && *changed) db_tell(&s, CHANGE_PFADD);
    return e;
}

/* --- counting --------------------------------------------------------------------------------- */

static void write_count(struct db *db, struct str key, uint64_t count)
{
    struct slot s;
    size_t len;
    char *p;

    if (!db_find_write(db, key, &s)) return;
    p = string_writable(&s, 0, &len);
    string_will_write(&s, 0, len);
    hll_put_cached(p, count);
    db_tell(&s, CHANGE_QUIET);
}

enum err string_pfcount(struct db *db, struct str key, uint64_t *count)
{
    struct str bytes;
    enum err e = string_pf_read(db, key, &bytes);

    if (e == ERR_NO_KEY) {
        *count = 0;
        return OK;
    }
    if (e != OK || hll_cached(bytes, count)) return e;
    e = hll_count(bytes, count);
    if (e == OK) write_count(db, key, *count);
    return e;
}

/* The greatest of each register of n keys; *dense when one of them is in that form. */
static enum err merge_keys(struct db *db, const struct str *keys, size_t n, uint8_t *registers, bool *dense)
{
    struct str bytes;

    *dense = false;
    for (size_t i = 0; i < n; i++) {
        enum err e = string_pf_read(db, keys[i], &bytes);

        if (e == ERR_NO_KEY) continue;
        if (e == OK && hll_is_dense(bytes)) *dense = true;
        if (e == OK) e = hll_merge(registers, bytes);
        if (e != OK) return e;
    }
    return OK;
}

enum err string_pfcount_union(struct db *db, const struct str *keys, size_t n, uint64_t *count)
{
    uint8_t registers[HLL_REGISTERS] = { 0 };
    bool dense;
    enum err e = merge_keys(db, keys, n, registers, &dense);

    if (e == OK) *count = hll_estimate(registers);
    return e;
}

/* --- merging ---------------------------------------------------------------------------------- */

enum err string_pfmerge(struct db *db, const struct str *keys, size_t n)
{
    size_t sparse_max = db->store->conf.hll_sparse_max_bytes;
    uint8_t registers[HLL_REGISTERS] = { 0 };
    bool dense, changed;
    struct str old;
    struct slot s;
    struct hll h;
    enum err e = merge_keys(db, keys, n, registers, &dense);

    if (e != OK) return e;
    e = find(db, keys[0], &s, &old);
    if (e == OK) hll_init_copy(&h, old, sparse_max);
    else hll_init(&h, sparse_max);
    e = dense ? hll_to_dense(&h) : OK;
    for (unsigned i = 0; i < HLL_REGISTERS && e == OK; i++) {
        if (registers[i] > 0) e = hll_raise(&h, i, registers[i], &changed);
    }
    if (e == OK) {
        hll_forget_cached(h.bytes.p);
        string_put_raw(&s, buf_str(&h.bytes), true);
        db_tell(&s, CHANGE_PFADD);
    }
    hll_fini(&h);
    return e;
}

enum err string_pf_to_dense(struct db *db, struct str key, bool *changed)
{
    struct str old;
    struct slot s;
    struct hll h;
    enum err e = find(db, key, &s, &old);

    *changed = false;
    if (e != OK || hll_is_dense(old)) return e;
    hll_init_copy(&h, old, 0);
    e = hll_to_dense(&h);
    if (e == OK) {
        *changed = true;
        string_put_raw(&s, buf_str(&h.bytes), true);
        db_tell(&s, CHANGE_QUIET);
    }
    hll_fini(&h);
    return e;
}
