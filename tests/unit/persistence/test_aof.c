/* What an AOF holds comes back, as far as it is whole: prefixes, damage, other servers' files. */
#include "storage/type_string.h"
#include "tests/unit/persistence/rig.h"

static struct memfs disk, copy;
static struct rig rig;

/* A short history on `disk`, one batch for every few effects. */
static void make_history(size_t n, uint64_t seed)
{
    struct rng g;

    rng_seed(&g, seed);
    memfs_init(&disk);
    rig_init(&rig, &disk);
    ck_assert_int_eq(rig_start(&rig), OK);
    while (n) {
        size_t some = 1 + (size_t)rng_below(&g, 4);

        if (some > n) some = n;
        rig_random(&rig, &g, some);
        rig_turn(&rig);
        n -= some;
    }
    rig_kill(&rig);
}

static struct str incr_of(struct memfs *fs)
{
    return memfs_get(fs, memfs_find(fs, ".1.incr.aof"));
}

/* Load a copy of the disk whose increment is `content`. */
static enum err load_with(struct str content)
{
    enum err e;

    memfs_copy(&copy, &disk);
    memfs_put(&copy, memfs_find(&copy, ".1.incr.aof"), content);
    rig.fs = &copy;
    e = rig_start(&rig);
    return e;
}

static void unload(void)
{
    if (rig.p) rig_kill(&rig);
    memfs_fini(&copy);
}

static void end(void)
{
    rig_fini(&rig);
    memfs_fini(&disk);
}

START_TEST(what_was_appended_is_there_after_a_kill)
{
    make_history(300, 1);
    rig.fs = &disk;
    ck_assert_int_eq(rig_start(&rig), OK);
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
    ck_assert_uint_eq(persist_offset(rig.p), rig.marks[rig.n_marks - 1].offset);
    end();
}
END_TEST

static bool ends_in_mark(struct str s)
{
    size_t at = s.n;

    if (s.n < 2 || s.p[s.n - 1] != '\n') return false;
    while (at > 1 && s.p[at - 2] != '\n') at--;
    return s.n - at > 12 && memcmp(s.p + at - 1, "#memd batch ", 12) == 0;
}

START_TEST(every_prefix_of_a_log_loads_to_a_prefix_of_the_history)
{
    struct str all;
    int64_t last = -1;

    make_history(60, 2);
    all = incr_of(&disk);
    for (size_t n = 0; n <= all.n; n++) {
        int64_t at;

        ck_assert_msg(load_with(str_of(all.p, n)) == OK, "%zu: %s", n, rig.why);
        at = rig_where(&rig);
        /* never behind the last whole batch; whole commands behind it may have been taken or not */
        ck_assert_msg(at >= last, "cut to %zu bytes: at %" PRId64 " after %" PRId64, n, at, last);
        if (ends_in_mark(str_of(all.p, n))) last = at;
        unload();
    }
    ck_assert_int_eq(last, (int64_t)rig.marks[rig.n_marks - 1].offset);
    end();
}
END_TEST

START_TEST(after_a_cut_back_the_log_goes_on)
{
    struct rng g;
    struct str all;

    unit_rng(&g);
    make_history(30, 3);
    all = incr_of(&disk);
    for (int i = 0; i < 40; i++) {
        struct digest d, now;

        ck_assert_int_eq(load_with(str_of(all.p, (size_t)rng_below(&g, all.n))), OK);
        rig_random(&rig, &g, 20);
        rig_turn(&rig);
        d = rig_digest(&rig);
        rig_kill(&rig);
        ck_assert_int_eq(rig_start(&rig), OK);
        now = rig_digest(&rig);
        ck_assert_mem_eq(&d, &now, sizeof d);
        unload();
    }
    end();
}
END_TEST

START_TEST(no_altered_bit_is_loaded)
{
    struct rng g;
    struct buf b = { 0 };
    size_t refused = 0;

    unit_rng(&g);
    make_history(40, 4);
    buf_add_str(&b, incr_of(&disk));
    for (size_t i = 0; i < b.n; i++) {
        char bit = (char)(1 << rng_below(&g, 8));
        enum err e;

        b.p[i] ^= bit;
        e = load_with(buf_str(&b));
        if (e == OK)
            ck_assert_msg(rig_where(&rig) == (int64_t)rig.marks[rig.n_marks - 1].offset,
                          "byte %zu of %zu, bit %02x, was loaded as something else", i, b.n, (unsigned char)bit);
        else
            ck_assert_msg(strstr(rig.why, "offset") || strstr(rig.why, "history"), "%s", rig.why);
        refused += e != OK;
        unload();
        b.p[i] ^= bit;
    }
    ck_assert_uint_gt(refused, b.n * 9 / 10);
    buf_fini(&b);
    end();
}
END_TEST

START_TEST(zeros_at_the_end_are_a_torn_tail)
{
    struct buf b = { 0 };
    size_t n;

    make_history(60, 5);
    buf_add_str(&b, incr_of(&disk));
    n = b.n;
    /* The file has its new length, its last sectors never came. */
    memset(b.p + n / 512 * 512 - 512, 0, n - (n / 512 * 512 - 512));
    ck_assert_msg(load_with(buf_str(&b)) == OK, "%s", rig.why);
    ck_assert_int_gt(rig_where(&rig), 0);
    unload();
    buf_clear(&b);
    buf_add_str(&b, incr_of(&disk));
    memset(buf_room(&b, 2000), 0, 2000);
    buf_used(&b, 2000);
    ck_assert_msg(load_with(buf_str(&b)) == OK, "%s", rig.why);
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[rig.n_marks - 1].offset);
    unload();
    buf_fini(&b);
    end();
}
END_TEST

START_TEST(a_hole_in_what_was_durable_is_damage)
{
    struct buf b = { 0 };

    make_history(20, 6);
    rig.fs = &disk;
    ck_assert_int_eq(rig_start(&rig), OK);
    ck_assert(rig_durable(&rig));
    rig_do(&rig, 0, "SET later 1");
    rig_turn(&rig);
    rig_kill(&rig);
    buf_add_str(&b, incr_of(&disk));
    memset(b.p + 512, 0, 512);
    ck_assert_int_eq(load_with(buf_str(&b)), ERR_FORMAT);
    ck_assert_msg(strstr(rig.why, "damaged"), "%s", rig.why);
    unload();
    buf_fini(&b);
    end();
}
END_TEST

/* The end of batch i of the file, with its line. */
static size_t end_of_batch(struct str s, size_t i)
{
    const char *at = s.p, *end = s.p + s.n;

    for (size_t k = 0; k <= i; k++) {
        at = memmem(at, (size_t)(end - at), "#memd batch ", 12);
        ck_assert_ptr_nonnull(at);
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    }
    return (size_t)(at - s.p);
}

/* Bytes [from, to) never came, less than a sector; all behind them did. */
static void load_with_hole(size_t from, size_t to, size_t batches)
{
    struct buf b = { 0 };

    buf_add_str(&b, incr_of(&disk));
    memset(b.p + from, 0, to - from);
    ck_assert_msg(load_with(buf_str(&b)) == OK, "%zu to %zu: %s", from, to, rig.why);
    ck_assert_int_eq(rig_where(&rig), (int64_t)rig.marks[batches].offset);
    unload();
    buf_fini(&b);
}

static void make_short_history(const struct str *values, size_t n)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    ck_assert_int_eq(rig_start(&rig), OK);
    for (size_t i = 0; i < n; i++) {
        struct str argv[3] = { str_c("SET"), str_c("key"), values[i] };

        ck_assert_int_eq(string_set(rig.store->dbs[0], argv[1], argv[2], NULL), OK);
        persist_append(rig.p, 0, 3, argv);
        rig_mark(&rig);
        rig_turn(&rig);
    }
}

START_TEST(a_hole_within_a_sector_that_takes_a_batch_s_beginning_or_end_is_a_torn_tail)
{
    struct str values[4] = { STR("one"), STR("two, of which a part was there before"), STR("three"), STR("four") };
    size_t ends[4];

    make_short_history(values, 4);
    rig_kill(&rig);
    for (size_t i = 0; i < 4; i++) ends[i] = end_of_batch(incr_of(&disk), i);
    ck_assert_uint_lt(ends[3], 512);
    load_with_hole(0, ends[0], 0);
    load_with_hole(ends[0], ends[1], 1);
    load_with_hole(ends[0], ends[1] + 10, 1);
    load_with_hole(ends[0], ends[2], 1);
    load_with_hole(ends[0] + 40, ends[1], 1);
    load_with_hole(ends[0] + 40, ends[2], 1);
    end();
}
END_TEST

/* Also where a bit that flips makes a value shorter, so that it seems to be followed by zeros. */
START_TEST(zeros_in_values_do_not_make_a_torn_tail_of_an_altered_bit)
{
    static const char zeros[99];
    struct str values[3] = { { zeros, 9 }, { zeros, 64 }, { zeros, 99 } };
    struct buf b = { 0 };

    make_short_history(values, 3);
    rig_kill(&rig);
    buf_add_str(&b, incr_of(&disk));
    for (size_t i = 0; i < b.n * 8; i++) {
        b.p[i / 8] ^= (char)(1 << i % 8);
        if (load_with(buf_str(&b)) == OK)
            ck_assert_msg(rig_where(&rig) == (int64_t)rig.marks[3].offset, "bit %zu of byte %zu", i % 8, i / 8);
        unload();
        b.p[i / 8] ^= (char)(1 << i % 8);
    }
    buf_fini(&b);
    end();
}
END_TEST

START_TEST(with_load_truncated_off_a_torn_tail_is_refused)
{
    struct str all;

    make_history(10, 7);
    rig.conf.aof_load_truncated = false;
    all = incr_of(&disk);
    ck_assert_int_eq(load_with(str_of(all.p, all.n - 3)), ERR_FORMAT);
    ck_assert(strstr(rig.why, "aof-load-truncated"));
    unload();
    end();
}
END_TEST

/* --- other servers' files ----------------------------------------------------------------------------- */

static const char plain[] = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nset\r\n$1\r\na\r\n$1\r\n1\r\n"
                            "#TS:1700000000\r\n*1\r\n$5\r\nMULTI\r\n*3\r\n$5\r\nrpush\r\n$1\r\nl\r\n$1\r\nx\r\n"
                            "*3\r\n$5\r\nrpush\r\n$1\r\nl\r\n$1\r\ny\r\n*1\r\n$4\r\nEXEC\r\n"
                            "*3\r\n$3\r\nset\r\n$1\r\nb\r\n$1\r\n2\r\n";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", rig.dir, name);
    return path;
}

static size_t keys(void)
{
    return rig.store->dbs[0]->n_keys;
}

START_TEST(a_stock_servers_log_loads_and_the_next_increment_is_ours)
{
    for (size_t n = 0; n < sizeof plain; n++) {
        size_t had;

        memfs_init(&disk);
        rig_init(&rig, &disk);
        memfs_put(&disk, path_of("appendonlydir/appendonly.aof.manifest"),
                  STR("file appendonly.aof.1.incr.aof seq 1 type i\n"));
        memfs_put(&disk, path_of("appendonlydir/appendonly.aof.1.incr.aof"), str_of(plain, n));
        ck_assert_msg(rig_start(&rig) == OK, "%zu: %s", n, rig.why);
        had = keys();
        if (n + 1 == sizeof plain) ck_assert_uint_eq(had, 3);
        rig_do(&rig, 0, "SET c 3");
        rig_turn(&rig);
        rig_kill(&rig);
        ck_assert_msg(rig_start(&rig) == OK, "%zu: %s", n, rig.why);
        ck_assert_uint_eq(keys(), had + 1);
        end();
    }
}
END_TEST

START_TEST(a_stock_server_may_go_on_in_our_file)
{
    struct buf b = { 0 };
    size_t had;

    make_history(30, 8);
    buf_add_str(&b, incr_of(&disk));
    buf_add(&b, plain, sizeof plain - 1);
    ck_assert_msg(load_with(buf_str(&b)) == OK, "%s", rig.why);
    had = keys();
    rig_do(&rig, 0, "SET d 4");
    rig_turn(&rig);
    rig_kill(&rig);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_uint_eq(keys(), had + 1);
    unload();
    buf_fini(&b);
    end();
}
END_TEST

START_TEST(an_old_single_file_is_taken_over)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    memfs_put(&disk, path_of("appendonly.aof"), str_of(plain, sizeof plain - 1));
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_uint_eq(keys(), 3);
    ck_assert_ptr_null(memfs_get(&disk, path_of("appendonly.aof")).p);
    rig_do(&rig, 0, "SET c 3");
    rig_turn(&rig);
    rig_kill(&rig);
    ck_assert_msg(rig_start(&rig) == OK, "%s", rig.why);
    ck_assert_uint_eq(keys(), 4);
    end();
}
END_TEST

START_TEST(a_command_that_is_unknown_is_named)
{
    memfs_init(&disk);
    rig_init(&rig, &disk);
    memfs_put(&disk, path_of("appendonly.aof"), STR("*2\r\n$4\r\nFROB\r\n$1\r\na\r\n"));
    ck_assert_int_eq(rig_start(&rig), ERR_FORMAT);
    ck_assert_msg(strstr(rig.why, "FROB"), "%s", rig.why);
    end();
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    make_history(5, 9);
    rig.fs = &disk;
    for (size_t i = 0; i < disk.n_names; i++)
        if (strstr(disk.names[i].path, ".base.rdb")) disk.names[i].file = NULL;
    ck_assert_int_eq(rig_start(&rig), ERR_FORMAT);
    ck_assert_msg(strstr(rig.why, "base.rdb"), "%s", rig.why);
    end();
}
END_TEST

START_TEST(random_bytes_as_a_log_do_no_harm)
{
    struct rng g;
    struct buf b = { 0 };
    struct str all;

    unit_rng(&g);
    make_history(30, 10);
    all = incr_of(&disk);
    for (int i = 0; i < 3000; i++) {
        size_t changes = 1 + (size_t)rng_below(&g, 8);

        buf_clear(&b);
        /* half of them without our first line, so that nothing is protected by checksums */
        if (rng_below(&g, 2)) buf_add(&b, plain, sizeof plain - 1);
        else buf_add_str(&b, all);
        for (; changes; changes--) {
            size_t at = (size_t)rng_below(&g, b.n);

            if (rng_below(&g, 2)) b.p[at] = (char)rng_next(&g);
            else b.p[at] = "0123456789*$\r\n#-"[rng_below(&g, 16)];
        }
        if (load_with(buf_str(&b)) == OK) store_check(rig.store);
        unload();
    }
    buf_fini(&b);
    end();
}
END_TEST

UNIT_MAIN("aof", what_was_appended_is_there_after_a_kill, every_prefix_of_a_log_loads_to_a_prefix_of_the_history,
          after_a_cut_back_the_log_goes_on, no_altered_bit_is_loaded, zeros_at_the_end_are_a_torn_tail,
          a_hole_in_what_was_durable_is_damage,
          a_hole_within_a_sector_that_takes_a_batch_s_beginning_or_end_is_a_torn_tail,
          zeros_in_values_do_not_make_a_torn_tail_of_an_altered_bit, with_load_truncated_off_a_torn_tail_is_refused,
          a_stock_servers_log_loads_and_the_next_increment_is_ours, a_stock_server_may_go_on_in_our_file,
          an_old_single_file_is_taken_over, a_command_that_is_unknown_is_named, a_missing_file_is_named,
          random_bytes_as_a_log_do_no_harm)
