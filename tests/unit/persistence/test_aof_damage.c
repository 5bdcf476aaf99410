/* D4 for logs and manifests: whatever bit flips, wherever a file ends early, whichever sector is lost, comes twice or
 * changes places: loading gives the data, or a clean end in the part that was not synced, or refuses with the
 * place; and a repair then gives a directory that loads, with all that was whole.
 *
 * Each batch of the log here has keys of its own, written once, so that its fate can be told from the data.
 * MEMD_TEST_LONG=1 repairs after each bit that is flipped, not after some. */
#include <limits.h>

#include "persistence/check.h"
#include "persistence/mark.h"
#include "persistence/report.h"
#include "storage/db.h"
#include "tests/unit/persistence/rig.h"

enum { BATCHES = 20, DURABLE = 14, KEYS_MAX = 2, SECTOR = 512 };

/* A flip in one byte of so many is repaired; under the sanitizers, which take their time, each byte is flipped in
 * some of its bits. */
#ifdef __SANITIZE_ADDRESS__
enum { REPAIR_EVERY = 16, BIT_STEP = 4 };
#else
enum { REPAIR_EVERY = 2, BIT_STEP = 1 };
#endif

struct batch {
    uint64_t from, to; /* bytes of the file, with its line */
    int db;
    size_t n_keys;
    char keys[KEYS_MAX][16];
    struct buf dumps[KEYS_MAX];
};

static struct memfs disk, copy;
static struct rig rig;
static struct batch batches[BATCHES];
static struct buf file, manifest, bytes;
static uint64_t durable, end_offset;
static char log_path[PATH_MAX], manifest_path[PATH_MAX];
static bool repair_all;

/* --- the log ------------------------------------------------------------------------------------------------- */

static void effect(struct batch *b, const char *fmt, size_t i, const char *key)
{
    char words[128];

    snprintf(words, sizeof words, fmt, key, i);
    rig_do(&rig, b->db, words);
    snprintf(b->keys[b->n_keys++], sizeof b->keys[0], "%s", key);
}

static void write_batch(size_t i)
{
    static const char *const forms[] = { "SET %s value%zu", "RPUSH %s element%zu", "SADD %s member%zu",
                                         "HSET %s field value%zu", "SETPX %s value%zu 4102444800000" };
    struct batch *b = &batches[i];
    char key[16];

    b->db = i % 3 == 1 ? 3 : 0;
    snprintf(key, sizeof key, "k%zu", i);
    persist_group_begin(rig.p);
    effect(b, forms[i % 5], i, key);
    key[0] = 'm';
    if (i % 4 == 0) effect(b, "RPUSH %s second%zu", i, key);
    persist_group_end(rig.p);
    rig_turn(&rig);
}

static const struct entry *find(const struct batch *b, size_t k)
{
    struct slot s;

    return db_find_write(rig.store->dbs[b->db], str_c(b->keys[k]), &s) ? s.ref.e : NULL;
}

static void note_places(void)
{
    struct mark_head head;
    struct mark_found f;
    const char *end = memchr(file.p, '\n', file.n);
    struct mark_scan s = { .id = head.id, .p = file.p, .n = file.n };
    size_t n = 0;

    ck_assert(end && mark_get_head(str_of(file.p, (size_t)(end + 1 - file.p)), &head));
    while (mark_next(&s, &f)) {
        ck_assert_uint_lt(n, BATCHES);
        batches[n].from = f.from;
        batches[n++].to = f.from + f.b.bytes + f.line_n;
    }
    ck_assert_uint_eq(n, BATCHES);
}

static void set_up(void)
{
    repair_all = getenv("MEMD_TEST_LONG") != NULL;
    memfs_init(&disk);
    rig_init(&rig, &disk);
    ck_assert_int_eq(rig_start(&rig), OK);
    for (size_t i = 0; i < BATCHES; i++) {
        write_batch(i);
        if (i + 1 != DURABLE) continue;
        ck_assert(rig_durable(&rig));
        durable = persist_offset(rig.p);
    }
    end_offset = persist_offset(rig.p);
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; k < batches[i].n_keys; k++)
            persist_dump(rig.store, find(&batches[i], k), &batches[i].dumps[k]);
    rig_kill(&rig);
    snprintf(log_path, sizeof log_path, "%s", memfs_find(&disk, ".1.incr.aof"));
    snprintf(manifest_path, sizeof manifest_path, "%s", memfs_find(&disk, ".manifest"));
    buf_add_str(&file, memfs_get(&disk, log_path));
    buf_add_str(&manifest, memfs_get(&disk, manifest_path));
    note_places();
}

static void tear_down(void)
{
    rig.fs = &disk;
    rig_fini(&rig);
    for (size_t i = 0; i < BATCHES; i++)
        for (size_t k = 0; k < KEYS_MAX; k++) buf_fini(&batches[i].dumps[k]);
    buf_fini(&file);
    buf_fini(&manifest);
    buf_fini(&bytes);
    memfs_fini(&disk);
}

/* --- one state of the files ------------------------------------------------------------------------------------ */

static void restore_bytes(void)
{
    buf_clear(&bytes);
    buf_add_str(&bytes, buf_str(&file));
}

static enum err load(const char *path, struct str content, enum persist_recover how)
{
    memfs_copy(&copy, &disk);
    memfs_put(&copy, path, content);
    rig.fs = &copy;
    rig.conf.recover = how;
    return rig_start(&rig);
}

static void unload(void)
{
    if (rig.p) rig_kill(&rig);
    memfs_fini(&copy);
}

static void say(void *ctx, const char *line)
{
    (void)line;
    ++*(size_t *)ctx;
}

/* Findings of the check of `copy`. */
static unsigned check(void)
{
    char why[PERSIST_WHY];
    size_t lines = 0;
    struct report r = { .say = say, .ctx = &lines };
    struct check c;

    check_init(&c, &copy.ops, &r);
    ck_assert_msg(check_path(&c, rig.dir, why) == OK, "%s", why);
    check_fini(&c);
    ck_assert_uint_ge(lines, 2);
    return r.n_bad;
}

/* Load the state: true when it was taken. */
static bool take(const char *path, struct str content, uint64_t at_least, const char *what, uint64_t at)
{
    enum err e = load(path, content, PERSIST_STRICT);

    if (e == OK)
        ck_assert_msg(rig_where(&rig) >= (int64_t)at_least, "%s at %" PRIu64 ": loaded as log offset %" PRId64
                      ", %" PRIu64 " was durable", what, at, rig_where(&rig), at_least);
    else
        ck_assert_msg(e == ERR_FORMAT && strstr(rig.why, rig.dir) && strstr(rig.why, "memd --repair") &&
                      (strstr(rig.why, "offset ") || strstr(rig.why, "line ") || strstr(rig.why, "No such file")),
                      "%s at %" PRIu64 ": %s", what, at, rig.why);
    unload();
    memfs_copy(&copy, &disk);
    memfs_put(&copy, path, content);
    if (e != OK) ck_assert_msg(check() > 0, "%s at %" PRIu64 ": refused, but not found by the check", what, at);
    memfs_fini(&copy);
    return e == OK;
}

/* How much of the batch is there. */
static size_t count_keys(const struct batch *b, const char *what, uint64_t at)
{
    struct buf now = { 0 };
    size_t n = 0;

    for (size_t k = 0; k < b->n_keys; k++) {
        const struct entry *e = find(b, k);

        if (!e) continue;
        buf_clear(&now);
        persist_dump(rig.store, e, &now);
        ck_assert_msg(str_eq(buf_str(&now), buf_str(&b->dumps[k])), "%s at %" PRIu64 ": %s has another value", what, at,
                      b->keys[k]);
        n++;
    }
    buf_fini(&now);
    ck_assert_msg(n == 0 || n == b->n_keys, "%s at %" PRIu64 ": half a transaction", what, at);
    return n;
}

/* Repair the state: what lies outside [from, to) of the log is whole, and kept. */
static void repair(const char *path, struct str content, uint64_t from, uint64_t to, const char *what, uint64_t at)
{
    size_t keys = 0;
    enum err e = load(path, content, PERSIST_REPAIR_PART);

    ck_assert_msg(e == OK, "%s at %" PRIu64 ": %s", what, at, rig.why);
    for (size_t i = 0; i < BATCHES; i++) {
        const struct batch *b = &batches[i];
        size_t n = count_keys(b, what, at);

        if (b->to <= from || b->from >= to)
            ck_assert_msg(n == b->n_keys, "%s at %" PRIu64 ": batch %zu is lost", what, at, i + 1);
        keys += n;
    }
    ck_assert_uint_eq(rig.store->dbs[0]->n_keys + rig.store->dbs[3]->n_keys, keys);
    rig_kill(&rig);
    ck_assert_msg(check() == 0, "%s at %" PRIu64 ": repaired, but the check finds something", what, at);
    rig.conf.recover = PERSIST_STRICT;
    ck_assert_msg(rig_start(&rig) == OK, "%s at %" PRIu64 ": repaired, but: %s", what, at, rig.why);
    ck_assert_uint_eq(rig.store->dbs[0]->n_keys + rig.store->dbs[3]->n_keys, keys);
    unload();
}

static bool repair_now(size_t i, int bit)
{
    return repair_all || (i % REPAIR_EVERY == 0 && bit == (int)(i / REPAIR_EVERY % 8));
}

/* --- damage ------------------------------------------------------------------------------------------------------ */

START_TEST(no_flipped_bit_of_a_log_changes_the_data)
{
    size_t taken = 0;

    restore_bytes();
    for (size_t i = 0; i < bytes.n; i++) {
        for (int bit = (int)i % BIT_STEP; bit < 8; bit += BIT_STEP) {
            bytes.p[i] ^= (char)(1 << bit);
            taken += take(log_path, buf_str(&bytes), end_offset, "flip", i);
            if (repair_now(i, bit)) repair(log_path, buf_str(&bytes), i, i + 1, "flip", i);
            bytes.p[i] ^= (char)(1 << bit);
        }
    }
    ck_assert_uint_eq(taken, 0);
}
END_TEST

START_TEST(a_log_that_ends_early_loads_to_what_was_durable_or_is_refused)
{
    size_t taken = 0;

    for (size_t n = 0; n < file.n; n++) {
        uint64_t promised = 0;

        /* what a line that is there says is durable */
        for (size_t i = DURABLE; i < BATCHES; i++)
            if (batches[i].to <= n) promised = durable;
        taken += take(log_path, str_of(file.p, n), promised, "end", n);
        repair(log_path, str_of(file.p, n), n, file.n, "end", n);
    }
    ck_assert_uint_eq(taken, file.n);
}
END_TEST

START_TEST(no_lost_sector_of_a_log_changes_the_data)
{
    size_t refused = 0, sectors = file.n / SECTOR;

    for (size_t i = 0; i < sectors; i++) {
        restore_bytes();
        memset(bytes.p + i * SECTOR, 0, SECTOR);
        refused += !take(log_path, buf_str(&bytes), durable, "zeros", i * SECTOR);
        repair(log_path, buf_str(&bytes), i * SECTOR, (i + 1) * SECTOR, "zeros", i * SECTOR);
    }
    /* all but the tail, which a cut may leave so */
    ck_assert_uint_ge(refused, batches[DURABLE].from / SECTOR);
}
END_TEST

START_TEST(no_sector_of_a_log_can_take_the_place_of_another)
{
    size_t sectors = file.n / SECTOR;

    for (size_t i = 0; i < sectors; i++) {
        for (size_t k = 0; k < sectors; k++) {
            if (i == k) continue;
            restore_bytes();
            memcpy(bytes.p + i * SECTOR, file.p + k * SECTOR, SECTOR);
            take(log_path, buf_str(&bytes), durable, "copy", i * SECTOR);
            repair(log_path, buf_str(&bytes), i * SECTOR, (i + 1) * SECTOR, "copy", i * SECTOR);
            if (k < i) continue;
            memcpy(bytes.p + k * SECTOR, file.p + i * SECTOR, SECTOR);
            take(log_path, buf_str(&bytes), durable, "swap", i * SECTOR);
            /* the two are far apart: what is between them is whole */
            if (k == i + 1)
                repair(log_path, buf_str(&bytes), i * SECTOR, (k + 1) * SECTOR, "swap", i * SECTOR);
        }
        /* and one that is there twice */
        restore_bytes();
        buf_clear(&bytes);
        buf_add(&bytes, file.p, (i + 1) * SECTOR);
        buf_add(&bytes, file.p + i * SECTOR, file.n - i * SECTOR);
        take(log_path, buf_str(&bytes), durable, "twice", i * SECTOR);
    }
}
END_TEST

START_TEST(whole_batches_that_changed_places_are_put_in_order)
{
    const struct batch *a = &batches[5], *b = &batches[6];

    restore_bytes();
    memcpy(bytes.p + a->from, file.p + b->from, b->to - b->from);
    memcpy(bytes.p + a->from + (b->to - b->from), file.p + a->from, a->to - a->from);
    ck_assert(!take(log_path, buf_str(&bytes), durable, "places", a->from));
    repair(log_path, buf_str(&bytes), 0, 0, "places", a->from);
}
END_TEST

START_TEST(no_damage_of_a_manifest_changes_the_data)
{
    size_t refused = 0;

    for (size_t i = 0; i < manifest.n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            buf_clear(&bytes);
            buf_add_str(&bytes, buf_str(&manifest));
            bytes.p[i] ^= (char)(1 << bit);
            refused += !take(manifest_path, buf_str(&bytes), end_offset, "manifest: flip", i);
            if (repair_now(i, bit))
                repair(manifest_path, buf_str(&bytes), 0, 0, "manifest: flip", i);
        }
        refused += !take(manifest_path, str_of(manifest.p, i), end_offset, "manifest: end", i);
        repair(manifest_path, str_of(manifest.p, i), 0, 0, "manifest: end", i);
    }
    printf("%zu of %zu states were refused\n", refused, 9 * manifest.n);
    ck_assert_uint_ge(refused, 8 * manifest.n);
}
END_TEST

UNIT_MAIN_AROUND("aof_damage", set_up, tear_down, no_flipped_bit_of_a_log_changes_the_data,
                 a_log_that_ends_early_loads_to_what_was_durable_or_is_refused,
                 no_lost_sector_of_a_log_changes_the_data, no_sector_of_a_log_can_take_the_place_of_another,
                 whole_batches_that_changed_places_are_put_in_order, no_damage_of_a_manifest_changes_the_data)
