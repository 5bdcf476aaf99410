#include "persistence/manifest.h"

#include <errno.h>

#include "tests/unit/persistence/memfs.h"
#include "tests/unit/unit.h"

static enum err parse(struct manifest *m, const char *text)
{
    int line;
    const char *reason;

    *m = (struct manifest){ 0 };
    return manifest_parse(m, str_c(text), &line, &reason);
}

static void expect_text(const struct manifest *m, const char *want)
{
    struct buf b = { 0 };

    manifest_format(m, &b);
    ck_assert_uint_eq(b.n, strlen("#memd manifest 01234567\n") + strlen(want));
    expect_str(str_of(b.p, 15), STR("#memd manifest "));
    expect_str(str_of(b.p + b.n - strlen(want), strlen(want)), str_c(want));
    buf_fini(&b);
}

START_TEST(what_redis_writes_is_read_and_written_the_same)
{
    static const char text[] = "file appendonly.aof.2.base.rdb seq 2 type b\n"
                               "file appendonly.aof.1.incr.aof seq 1 type h\n"
                               "file appendonly.aof.4.incr.aof seq 4 type i\n"
                               "file appendonly.aof.5.incr.aof seq 5 type i\n";
    struct manifest m;

    ck_assert_int_eq(parse(&m, text), OK);
    ck_assert_str_eq(manifest_base(&m)->name, "appendonly.aof.2.base.rdb");
    ck_assert_uint_eq(manifest_n_incr(&m), 2);
    ck_assert_uint_eq(manifest_incr(&m, 1)->seq, 5);
    expect_text(&m, text);
    manifest_fini(&m);
}
END_TEST

START_TEST(names_with_blanks_are_quoted)
{
    struct manifest m = { 0 }, back;
    struct buf b = { 0 };
    int line;
    const char *reason;

    manifest_add_base(&m, "my \"file\" \xc3\xa4.1.base.rdb", 1);
    manifest_add_incr(&m, "plain", 1);
    manifest_format(&m, &b);
    back = (struct manifest){ 0 };
    ck_assert_int_eq(manifest_parse(&back, buf_str(&b), &line, &reason), OK);
    ck_assert_str_eq(manifest_base(&back)->name, "my \"file\" \xc3\xa4.1.base.rdb");
    manifest_fini(&m);
    manifest_fini(&back);
    buf_fini(&b);
}
END_TEST

START_TEST(a_name_may_be_as_long_as_a_file_name_and_of_any_bytes)
{
    struct manifest m = { 0 }, back = { 0 };
    struct buf b = { 0 };
    char name[257];
    int line;
    const char *reason;

    for (size_t i = 0; i < sizeof name; i++) name[i] = "\x01\xff\n"[i % 3];
    name[255] = 0;
    manifest_add_base(&m, name, UINT64_MAX);
    manifest_format(&m, &b);
    ck_assert_int_eq(manifest_parse(&back, buf_str(&b), &line, &reason), OK);
    ck_assert_str_eq(manifest_base(&back)->name, name);
    manifest_fini(&m);
    manifest_fini(&back);
    name[255] = 'x';
    name[256] = 0;
    manifest_add_base(&m, name, 1);
    buf_clear(&b);
    manifest_format(&m, &b);
    ck_assert_int_eq(manifest_parse(&back, buf_str(&b), &line, &reason), ERR_FORMAT);
    ck_assert_str_eq(reason, "a file name that is none");
    manifest_fini(&m);
    buf_fini(&b);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    static const char *const bad[] = {
        "", "\n", "file a seq 1 type i", "file a seq 1\n", "file a seq 0 type i\n", "file a seq x type i\n",
        "file ../a seq 1 type i\n", "file . seq 1 type i\n", "file a seq 1 type x\n",
        "file a seq 1 type b\nfile b seq 2 type b\n", "file a seq 2 type i\nfile b seq 2 type i\n",
        "file \"a seq 1 type i\n", "file a seq 1 type i\n\nfile b seq 2 type i\n", "file a seq 1 type\n",
        "file a seq 1 type b\nfile a seq 1 type h\n",
    };
    struct manifest m;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(parse(&m, bad[i]) == ERR_FORMAT, "%s", bad[i]);
        ck_assert_uint_eq(m.n, 0);
    }
    ck_assert_int_eq(parse(&m, "# a comment\nfile a seq 1 type i colour blue\n"), OK);
    manifest_fini(&m);
}
END_TEST

/* A base alone, and the history that a crash has left beside it: its names are taken. */
START_TEST(history_counts_among_the_numbers_that_were_given)
{
    struct manifest m;

    ck_assert_int_eq(parse(&m, "file appendonly.aof.5.base.rdb seq 5 type b\n"
                               "file appendonly.aof.6.base.rdb seq 6 type h\n"
                               "file appendonly.aof.7.incr.aof seq 7 type h\n"), OK);
    ck_assert_uint_eq(m.incr_seq, 7);
    ck_assert_uint_eq(m.base_seq, 6);
    manifest_fini(&m);
    ck_assert_int_eq(parse(&m, "file a.5.base.rdb seq 5 type b\nfile a.9.incr.aof seq 9 type h\n"
                               "file a.7.incr.aof seq 7 type i\nfile a.8.incr.aof seq 8 type i\n"), OK);
    ck_assert_uint_eq(m.incr_seq, 9);
    manifest_fini(&m);
}
END_TEST

START_TEST(no_altered_bit_changes_what_it_says)
{
    struct manifest m = { 0 }, back;
    struct buf b = { 0 }, again = { 0 };
    int line;
    const char *reason;

    manifest_add_base(&m, "appendonly.aof.1.base.rdb", 1);
    manifest_add_incr(&m, "appendonly.aof.1.incr.aof", 1);
    manifest_format(&m, &b);
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        b.p[bit / 8] ^= (char)(1 << bit % 8);
        back = (struct manifest){ 0 };
        if (manifest_parse(&back, buf_str(&b), &line, &reason) == OK) {
            struct buf was = { 0 };

            buf_clear(&again);
            manifest_format(&back, &again);
            manifest_format(&m, &was);
            expect_str(buf_str(&again), buf_str(&was)); /* the flip was in what does not count */
            buf_fini(&was);
        }
        manifest_fini(&back);
        b.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    manifest_fini(&m);
    buf_fini(&b);
    buf_fini(&again);
}
END_TEST

START_TEST(a_new_base_makes_history_of_what_was)
{
    struct manifest m = { 0 };

    manifest_add_base(&m, "b1", 1);
    manifest_add_incr(&m, "i1", 1);
    manifest_add_incr(&m, "i2", 2);
    manifest_add_base(&m, "b2", 2);
    manifest_retire(&m, 2);
    expect_text(&m, "file b2 seq 2 type b\nfile b1 seq 1 type h\nfile i1 seq 1 type h\nfile i2 seq 2 type i\n");
    manifest_forget(&m, m.n);
    expect_text(&m, "file b2 seq 2 type b\nfile i2 seq 2 type i\n");
    manifest_add_incr(&m, "i3", 3);
    manifest_drop_after(&m, 2);
    expect_text(&m, "file b2 seq 2 type b\nfile i2 seq 2 type i\n");
    ck_assert_uint_eq(m.incr_seq, 3);
    manifest_fini(&m);
}
END_TEST

START_TEST(whatever_fails_the_old_or_the_new_one_is_there)
{
    static struct memfs fs;
    struct manifest a = { 0 }, b = { 0 };
    struct buf ta = { 0 }, tb = { 0 };

    manifest_add_incr(&a, "one", 1);
    manifest_add_incr(&b, "two", 2);
    manifest_format(&a, &ta);
    manifest_format(&b, &tb);
    for (uint64_t n = 1;; n++) {
        struct str now;
        enum err e;

        memfs_init(&fs);
        ck_assert_int_eq(manifest_write(&a, &fs.ops, "/d", "m"), OK);
        fs.fail_from = fs.fail_to = fs.n_ops + n;
        fs.fail_errno = EIO;
        e = manifest_write(&b, &fs.ops, "/d", "m");
        memfs_cut(&fs, NULL);
        now = memfs_get(&fs, "/d/m");
        ck_assert(str_eq(now, buf_str(&ta)) || str_eq(now, buf_str(&tb)));
        if (e == OK) expect_str(now, buf_str(&tb));
        else expect_str(now, buf_str(&ta));
        memfs_fini(&fs);
        if (e == OK) break;
        ck_assert_uint_lt(n, 100);
    }
    manifest_fini(&a);
    manifest_fini(&b);
    buf_fini(&ta);
    buf_fini(&tb);
}
END_TEST

UNIT_MAIN("manifest", what_redis_writes_is_read_and_written_the_same, a_name_may_be_as_long_as_a_file_name_and_of_any_bytes,
          names_with_blanks_are_quoted,
          what_makes_no_sense_is_refused, history_counts_among_the_numbers_that_were_given,
          no_altered_bit_changes_what_it_says,
          a_new_base_makes_history_of_what_was, whatever_fails_the_old_or_the_new_one_is_there)
