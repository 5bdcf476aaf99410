/* D4 for snapshots and payloads: any single bit that flips, and any end that is missing, is detected; where
 * nothing is checked, or a checksum has been made to fit, what comes out is sound or refused, and small. */
#include <sys/resource.h>

#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "storage/db.h"
#include "storage/digest.h"
#include "tests/unit/persistence/forms.h"
#include "tests/unit/persistence/rig.h"

enum { MEMORY_MAX = 64 << 20 }; /* what files and payloads of a few KB may make memd ask for */

static const struct hash_key key = { 1, 2 };
static struct store *s;
static struct buf file;
static struct rdb_in in;

static struct store_conf settings(void)
{
    return (struct store_conf){ .databases = 4, .list_max_listpack_size = -2, .hash_max_listpack_entries = 128,
                                .hash_max_listpack_value = 64, .set_max_intset_entries = 512,
                                .set_max_listpack_entries = 128, .set_max_listpack_value = 64,
                                .zset_max_listpack_entries = 128, .zset_max_listpack_value = 64,
                                .stream_node_max_bytes = 4096, .stream_node_max_entries = 100,
                                .string_limit = 1 << 29 };
}

static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit lim;
    unsigned long pages;
    FILE *f = fopen("/proc/self/statm", "r");

    ck_assert(f != NULL && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &lim), 0);
    lim.rlim_cur = pages * 4096 + MEMORY_MAX;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &lim), 0);
#endif
}

static void set_up(void)
{
    struct store_conf c = settings();

    s = store_new(&c, &key, 1);
    s->now_ms = 1000000;
    s->loading = true;
    limit_memory();
}

static void tear_down(void)
{
    store_free(&s);
    buf_fini(&file);
}

static void flush(void)
{
    for (int i = 0; i < s->conf.databases; i++) store_flush(s, i);
}

/* Bytes in an allocation of just their size, so that a sanitizer sees a read beyond. */
static enum err load(struct str bytes, bool checksum)
{
    struct rdb_options opt = { .checksum = checksum };
    struct rdb_facts facts;
    char *copy = mem_dup(bytes.p, bytes.n);
    enum err e;

    flush();
    rdb_in_bytes(&in, str_of(copy, bytes.n));
    e = rdb_load(&in, s, &opt, &facts);
    rdb_in_fini(&in);
    mem_free(copy);
    ck_assert(e == OK || (e == ERR_FORMAT && in.why[0]));
    return e;
}

/* The same data as memd itself writes it. */
static void own_file(bool compress)
{
    struct memfs disk;
    struct rig rig;
    char path[128];

    memfs_init(&disk);
    rig_init(&rig, &disk);
    rig.conf.appendonly = false;
    rig.conf.rdb_compression = compress;
    forms_file(&file, 13);
    snprintf(path, sizeof path, "%s/dump.rdb", rig.dir);
    memfs_put(&disk, path, buf_str(&file));
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_int_eq(persist_save(rig.p, PERSIST_SAVE), PERSIST_DONE);
    buf_clear(&file);
    buf_add_str(&file, memfs_get(&disk, path));
    rig_fini(&rig);
    memfs_fini(&disk);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* Each bit of the file in turn. How many went unnoticed: the values are the same then. */
static int flips_unnoticed(void)
{
    struct digest want, got;
    int n = 0;

    ck_assert_msg(load(buf_str(&file), true) == OK, "%s", in.why);
    digest_store(s, &want);
    for (size_t bit = 0; bit < file.n * 8; bit++) {
        file.p[bit / 8] ^= (char)(1 << bit % 8);
        if (load(buf_str(&file), true) == OK) {
            digest_store(s, &got);
            ck_assert_msg(memcmp(&got, &want, sizeof got) == 0, "bit %zu", bit);
            n++;
        }
        file.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    return n;
}

START_TEST(no_bit_of_a_snapshot_flips_unnoticed)
{
    for (int compress = 0; compress < 2; compress++) {
        own_file(compress);
        ck_assert_int_eq(flips_unnoticed(), 0);
    }
}
END_TEST

START_TEST(no_bit_of_another_servers_file_flips_unnoticed)
{
    for (int version = 7; version <= 13; version++) {
        forms_file(&file, version);
        ck_assert_int_eq(flips_unnoticed(), 0);
    }
    /* A digit that makes it version 4 or less takes the checksum with it; the values are as they were. */
    for (int version = 5; version <= 6; version++) {
        forms_file(&file, version);
        ck_assert_int_le(flips_unnoticed(), 2);
    }
}
END_TEST

START_TEST(no_end_is_missing_unnoticed)
{
    for (int version = 1; version <= 14; version++) {
        if (version == 14) own_file(true);
        else forms_file(&file, version);
        for (size_t n = 0; n < file.n; n++) ck_assert_int_eq(load(str_of(file.p, n), true), ERR_FORMAT);
        for (size_t n = 0; n < file.n; n++) ck_assert_int_eq(load(str_of(file.p, n), false), ERR_FORMAT);
    }
}
END_TEST

static void expect_sound(struct str bytes)
{
    struct digest d;

    if (load(bytes, false) != OK) return;
    store_check(s);
    digest_store(s, &d); /* reads all of it */
}

START_TEST(without_checksums_what_loads_is_sound)
{
    forms_file(&file, 13);
    for (int own = 0; own < 2; own++) {
        if (own) own_file(true);
        for (size_t bit = 0; bit < file.n * 8; bit++) {
            file.p[bit / 8] ^= (char)(1 << bit % 8);
            expect_sound(buf_str(&file));
            file.p[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}
END_TEST

/* Bytes that mean something somewhere: ends, forms of lengths, sizes. */
static char telling(struct rng *g)
{
    static const unsigned char bytes[] = { 0, 1, 0x7f, 0x80, 0x81, 0x82, 0xc0, 0xc2, 0xc3, 0xf0, 0xf1, 0xf4,
                                           0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff };

    return (char)(rng_below(g, 2) ? bytes[rng_below(g, sizeof bytes)] : rng_below(g, 256));
}

START_TEST(without_checksums_what_loads_of_random_changes_is_sound)
{
    struct buf bad = { 0 };
    struct rng g;

    unit_rng(&g);
    forms_file(&file, 13);
    for (int i = 0; i < 20000; i++) {
        buf_clear(&bad);
        buf_add_str(&bad, buf_str(&file));
        for (uint64_t n = 1 + rng_below(&g, 4); n > 0; n--) bad.p[rng_below(&g, bad.n)] = telling(&g);
        expect_sound(buf_str(&bad));
    }
    buf_fini(&bad);
}
END_TEST

/* --- payloads --------------------------------------------------------------------------------------------------- */

static enum err restore(struct str payload, struct entry **e)
{
    char *copy = mem_dup(payload.p, payload.n);
    enum err err = persist_restore(s, STR("k"), str_of(copy, payload.n), -1, e);

    mem_free(copy);
    return err;
}

static void drop(struct entry *e)
{
    db_drop_value(s, e, false);
    entry_free(e);
}

/* What was accepted is sound, and comes back the same from a payload of ours. */
static void expect_fixpoint(struct entry *e)
{
    struct digest a, b;
    struct buf out = { 0 };
    struct entry *again;
    struct slot slot;

    digest_value(s, e, &a);
    ck_assert(!db_find_write(s->dbs[0], STR("k"), &slot));
    db_add(&slot, e);
    store_check(s);
    persist_dump(s, db_peek(s->dbs[0], STR("k")), &out);
    ck_assert_int_eq(restore(buf_str(&out), &again), OK);
    digest_value(s, again, &b);
    ck_assert_mem_eq(&a, &b, sizeof a);
    drop(again);
    store_flush(s, 0);
    buf_fini(&out);
}

static bool try_body(struct str body)
{
    struct buf payload = { 0 };
    struct entry *e;
    enum err err;

    buf_add_str(&payload, body);
    rdb_payload_end(&payload, 0, RDB_VERSION_READ);
    err = restore(buf_str(&payload), &e);
    buf_fini(&payload);
    ck_assert(err == OK || err == ERR_FORMAT || (body.n == 0 && err == ERR_NOT_DONE));
    if (err == OK) expect_fixpoint(e);
    return err == OK;
}

/* Call fn with the payload of each key of the file of all forms. */
static void each_payload(void (*fn)(struct buf *payload))
{
    static const char *const keys[] = { "zipmap", "listzl", "intset", "zsetzl", "hashzl", "quick", "zset2", "stream",
                                        "hashlp", "zsetlp", "quick2", "stream2", "setlp", "stream3", "fieldspre",
                                        "fields", "fieldslp" };
    static const char *const first[] = { "string", "int", "packed", "list", "set", "zset", "hash" };
    struct buf all[24] = { { 0 } };
    size_t n = 0;

    forms_file(&file, 13);
    ck_assert_int_eq(load(buf_str(&file), true), OK);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        persist_dump(s, db_peek(s->dbs[3], str_c(keys[i])), &all[n++]);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        persist_dump(s, db_peek(s->dbs[0], str_c(first[i])), &all[n++]);
    flush();
    while (n--) {
        fn(&all[n]);
        buf_fini(&all[n]);
    }
}

static void flip_payload(struct buf *p)
{
    struct entry *e;

    for (size_t bit = 0; bit < p->n * 8; bit++) {
        p->p[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(restore(buf_str(p), &e), ERR_NOT_DONE);
        p->p[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < p->n; n++) ck_assert_int_eq(restore(str_of(p->p, n), &e), ERR_NOT_DONE);
    ck_assert_int_eq(restore(buf_str(p), &e), OK);
    drop(e);
}

START_TEST(no_bit_of_a_payload_flips_unnoticed)
{
    each_payload(flip_payload);
}
END_TEST

static void flip_body(struct buf *p)
{
    size_t n = p->n - 10;

    for (size_t bit = 0; bit < n * 8; bit++) {
        p->p[bit / 8] ^= (char)(1 << bit % 8);
        try_body(str_of(p->p, n));
        p->p[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t k = 0; k < n; k++) ck_assert(!try_body(str_of(p->p, k)));
}

START_TEST(a_payload_whose_checksum_was_made_to_fit_is_sound_or_refused)
{
    each_payload(flip_body);
}
END_TEST

static struct rng body_rng;

static void change_body(struct buf *p)
{
    struct buf bad = { 0 };

    for (int i = 0; i < 1000; i++) {
        buf_clear(&bad);
        buf_add(&bad, p->p, p->n - 10);
        for (uint64_t n = 1 + rng_below(&body_rng, 4); n > 0; n--)
            bad.p[rng_below(&body_rng, bad.n)] = telling(&body_rng);
        try_body(buf_str(&bad));
    }
    buf_fini(&bad);
}

START_TEST(a_payload_with_random_changes_is_sound_or_refused)
{
    unit_rng(&body_rng);
    each_payload(change_body);
}
END_TEST

/* The bodies of old servers' payloads, as they lie in their files: types that memd writes no more. */
START_TEST(old_forms_in_payloads_are_sound_or_refused)
{
    struct buf v = { 0 };
    struct rng g;

    unit_rng(&g);
    for (int form = 0; form < 6; form++) {
        size_t n;

        buf_clear(&v);
        switch (form) {
        case 0:
            buf_add_char(&v, RDB_HASH_ZIPMAP);
            forms_zipmap(&v, FORMS_SPARE, "f v g *254");
            break;
        case 1:
            buf_add_char(&v, RDB_LIST_ZIPLIST);
            forms_ziplist(&v, 0, "a #1 #-300 #70000 *100");
            break;
        case 2:
            buf_add_char(&v, RDB_ZSET_ZIPLIST);
            forms_ziplist(&v, FORMS_LONG_PREV, "a #1 b 2.5");
            break;
        case 3:
            buf_add_char(&v, RDB_LIST_QUICKLIST);
            forms_len(&v, 2);
            forms_ziplist(&v, 0, "a #1");
            forms_ziplist(&v, 0, "b");
            break;
        case 4:
            buf_add_char(&v, RDB_SET_LISTPACK);
            forms_listpack(&v, "b #7 a #-4000 *70");
            break;
        default:
            buf_add_char(&v, RDB_HASH_LISTPACK_EX);
            forms_u64(&v, 4000000000123);
            forms_listpack(&v, "f v #4000000000123 g w #0");
        }
        ck_assert(try_body(buf_str(&v)));
        n = v.n;
        buf_add(&v, "0123456789", 10); /* in the place of version and checksum */
        flip_body(&v);
        v.n = n + 10;
        body_rng = g;
        change_body(&v);
    }
    buf_fini(&v);
}
END_TEST

UNIT_MAIN_AROUND("damage", set_up, tear_down, no_bit_of_a_snapshot_flips_unnoticed,
                 no_bit_of_another_servers_file_flips_unnoticed, no_end_is_missing_unnoticed,
                 without_checksums_what_loads_is_sound, without_checksums_what_loads_of_random_changes_is_sound,
                 no_bit_of_a_payload_flips_unnoticed, a_payload_whose_checksum_was_made_to_fit_is_sound_or_refused,
                 a_payload_with_random_changes_is_sound_or_refused, old_forms_in_payloads_are_sound_or_refused)
