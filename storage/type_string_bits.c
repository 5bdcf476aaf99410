/* type_string_bits.c -- SETBIT, BITOP, BITFIELD on (database, key). */
#include "storage/type_string_bits.h"

#include "base/mem.h"

/* The string at key, made when absent, with room for bit `last`: its bytes and their number. grown
 * says whether it is longer than before. */
static enum err open_string(struct db *db, struct str key, uint64_t last, struct slot *s,
                            unsigned char **p, bool *grown)
{
    enum err e = db_find_type(db, key, VALUE_STRING, s);
    size_t n, old;

    if (e != OK && e != ERR_NO_KEY) return e;
    if (!string_can_grow(s, (last >> 3) + 1)) return ERR_OOM;
    if (e == ERR_NO_KEY) string_put_raw(s, str_of("", 0), false);
    if (e == ERR_NO_KEY) db_find_write(db, key, s);
    old = string_length(s->ref.e);
    *p = (unsigned char *)string_writable(s, (last >> 3) + 1, &n);
    *grown = n > old;
    return OK;
}

enum err string_setbit(struct db *db, struct str key, uint64_t at, bool on, bool *old)
{
    unsigned char *p, bit = (unsigned char)(0x80 >> (at & 7));
    struct slot s;
    bool grown;
    enum err e = open_string(db, key, at, &s, &p, &grown);

    if (e != OK) return e;
    p += at >> 3;
    *old = (*p & bit) != 0;
    if (*old == on && !grown) return OK;
    string_will_write(&s, at >> 3, (at >> 3) + 1);
    *p = (unsigned char)(on ? *p | bit : *p & ~bit);
    db_tell(&s, CHANGE_SETBIT);
    return OK;
}

/* --- combining -------------------------------------------------------------------------------- */

/* The sources' bytes. Integers have none of their own: theirs are written to scratch, NUM_TEXT_MAX
 * for each source. */
static enum err read_sources(struct db *db, const struct str *keys, size_t n, struct str *src,
                             char *scratch, size_t *longest)
{
    *longest = 0;
    for (size_t i = 0; i < n; i++) {
        const struct entry *entry;
        enum err e = db_read_type(db, keys[i], VALUE_STRING, &entry);

        if (e == ERR_WRONG_TYPE) return e;
        src[i] = e == OK ? string_bytes(entry, scratch + i * NUM_TEXT_MAX) : str_of("", 0);
        if (src[i].n > *longest) *longest = src[i].n;
    }
    return OK;
}

static void put_result(struct db *db, struct str dest, struct str val)
{
    struct slot s;
    bool there = db_find_write(db, dest, &s);

    if (val.n > 0) {
        string_put_raw(&s, val, false);
        db_tell(&s, CHANGE_SET);
    } else if (there) {
        db_remove(&s, CHANGE_DEL, db->store->conf.lazy_server_del);
    }
}

enum err string_bitop(struct db *db, enum bits_op op, struct str dest, const struct str *keys, size_t n,
                      size_t *len)
{
    /* Reading a key may expire it, which moves no other value: the slices stay good until dest is
     * written. */
    struct str *src = mem_alloc(n * sizeof *src);
    char *scratch = mem_alloc(n * NUM_TEXT_MAX);
    enum err e = read_sources(db, keys, n, src, scratch, len);

    if (e == OK && !mem_can(2 * *len)) e = ERR_OOM; /* the result, and the value that it becomes */
    if (e == OK) {
        unsigned char *out = mem_alloc(*len > 0 ? *len : 1);

        bits_combine(op, out, *len, src, n);
        put_result(db, dest, str_of(out, *len));
        mem_free(out);
    }
    mem_free(scratch);
    mem_free(src);
    return e;
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Run one step that writes; true when it changed the number. */
static bool write_field(const struct slot *s, unsigned char *p, size_t n, struct bits_step *step)
{
    uint64_t last = step->field.at + step->field.width - 1;
    int64_t old = bits_get(str_of(p, n), &step->field), v;

    if (step->kind == BITS_STEP_ADD)
        step->failed = !bits_add(&step->field, step->overflow, old, step->value, &v);
    else
        step->failed = !bits_fit(&step->field, step->overflow, step->value, &v);
    if (step->failed) return false;
    step->result = step->kind == BITS_STEP_ADD ? v : old;
    if (v == old) return false;
    string_will_write(s, step->field.at >> 3, (last >> 3) + 1);
    bits_put(p, &step->field, v);
    return true;
}

static enum err only_read(struct db *db, struct str key, struct bits_step *steps, size_t n)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry;
    struct str val = str_of("", 0);
    enum err e = db_read_type(db, key, VALUE_STRING, &entry);

    if (e == ERR_WRONG_TYPE) return e;
    if (e == OK) val = string_bytes(entry, scratch);
    for (size_t i = 0; i < n; i++) steps[i].result = bits_get(val, &steps[i].field);
    return OK;
}

enum err string_bitfield(struct db *db, struct str key, struct bits_step *steps, size_t n)
{
    uint64_t last = 0;
    bool writes = false, grown;
    size_t changes = 0, len;
    unsigned char *p;
    struct slot s;
    enum err e;

    for (size_t i = 0; i < n; i++) {
        uint64_t end = steps[i].field.at + steps[i].field.width - 1;

        if (steps[i].kind == BITS_STEP_GET) continue;
        writes = true;
        if (end > last) last = end;
    }
    if (!writes) return only_read(db, key, steps, n);
    e = open_string(db, key, last, &s, &p, &grown);
    if (e != OK) return e;
    len = string_length(s.ref.e);
    for (size_t i = 0; i < n; i++) {
        if (steps[i].kind == BITS_STEP_GET)
            steps[i].result = bits_get(str_of(p, len), &steps[i].field);
        else
            changes += write_field(&s, p, len, &steps[i]);
    }
    if (changes > 0 || grown) db_tell(&s, CHANGE_SETBIT);
    if (changes > 1) db->store->stats.dirty += changes - 1;
    return OK;
}
