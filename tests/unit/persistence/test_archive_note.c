/* Notes as bytes. */
#include "persistence/archive_note.h"

#include "tests/unit/unit.h"

static struct archive_note sample(void)
{
    return (struct archive_note){ .verb = ARCHIVE_OUT, .seq = 17, .db = 3, .reason = ARCHIVE_EVICTED, .at_ms = 1700000000123,
                                  .expires_ms = -1, .flags = ARCHIVE_LIVE, .retain_ms = 86400000, .versions = 5,
                                  .ns = STR("session:*"), .key = STR("session:\n 1\0x") };
}

START_TEST(a_note_is_a_line_and_bytes)
{
    struct buf b = { 0 };
    struct archive_note n = sample();

    archive_note_put(&b, &n);
    buf_add_c(&b, "payload");
    expect_str(buf_str(&b), STR("memd.archive 1 out 17 3 evict 1700000000123 -1 1 86400000 5 9 13\n"
                                "session:*session:\n 1\0xpayload"));
    buf_fini(&b);
}
END_TEST

START_TEST(what_was_put_is_got)
{
    struct buf b = { 0 };

    for (int verb = 0; verb < ARCHIVE_VERBS; verb++) {
        for (int reason = 0; reason < ARCHIVE_REASONS; reason++) {
            struct archive_note n = sample(), got;

            n.verb = (enum archive_verb)verb;
            n.reason = (enum archive_reason)reason;
            n.db = verb - 1;
            n.expires_ms = reason == 0 ? -1 : INT64_MAX;
            n.at_ms = reason == 1 ? INT64_MIN : reason;
            n.seq = reason == 2 ? INT64_MAX : 0;
            buf_clear(&b);
            archive_note_put(&b, &n);
            buf_add_c(&b, "p\n");
            ck_assert(archive_note_is(buf_str(&b)));
            ck_assert(archive_note_get(buf_str(&b), &got));
            ck_assert_int_eq(got.verb, n.verb);
            ck_assert_int_eq(got.reason, n.reason);
            ck_assert_int_eq(got.db, n.db);
            ck_assert_int_eq(got.expires_ms, n.expires_ms);
            ck_assert_int_eq(got.at_ms, n.at_ms);
            ck_assert_uint_eq(got.seq, n.seq);
            ck_assert_uint_eq(got.flags, n.flags);
            ck_assert_int_eq(got.retain_ms, n.retain_ms);
            ck_assert_uint_eq(got.versions, n.versions);
            expect_str(got.ns, n.ns);
            expect_str(got.key, n.key);
            expect_str(got.payload, STR("p\n"));
        }
    }
    buf_fini(&b);
}
END_TEST

START_TEST(what_is_cut_is_no_note_until_the_key_is_whole)
{
    struct archive_note n = sample(), got;
    struct buf b = { 0 };

    archive_note_put(&b, &n);
    for (size_t i = 0; i < b.n; i++) {
        char *cut = mem_dup(b.p, i); /* so that a read beyond it is seen by the sanitizer */

        ck_assert(!archive_note_get(str_of(cut, i), &got));
        mem_free(cut);
    }
    ck_assert(archive_note_get(buf_str(&b), &got));
    ck_assert_uint_eq(got.payload.n, 0);
    buf_fini(&b);
}
END_TEST

START_TEST(damaged_notes_are_refused)
{
    static const char *const bad[] = {
        "", "hello", "memd.archive 1", "memd.archive 2 out 17 3 evict 1 -1 1 0 0 0 1\nk",
        "memd.archive 1 away 17 3 evict 1 -1 1 0 0 0 1\nk", "memd.archive 1 out 017 3 evict 1 -1 1 0 0 0 1\nk",
        "memd.archive 1 out -1 3 evict 1 -1 1 0 0 0 1\nk", "memd.archive 1 out 9223372036854775808 3 evict 1 -1 1 0 0 0 1\nk",
        "memd.archive 1 out 17 -2 evict 1 -1 1 0 0 0 1\nk", "memd.archive 1 out 17 2147483648 evict 1 -1 1 0 0 0 1\nk",
        "memd.archive 1 out 17 3 why 1 -1 1 0 0 0 1\nk", "memd.archive 1 out 17 3 evict x -1 1 0 0 0 1\nk",
        "memd.archive 1 out 17 3 evict 1 -1 4294967296 0 0 0 1\nk", "memd.archive 1 out 17 3 evict 1 -1 1 -1 0 0 1\nk",
        "memd.archive 1 out 17 3 evict 1 -1 1 0 4294967296 0 1\nk", "memd.archive 1 out 17 3 evict 1 -1 1 0 0 0 2\nk",
        "memd.archive 1 out 17 3 evict 1 -1 1 0 0 2 0\nk", "memd.archive 1 out 17 3 evict 1 -1 1 0 0 18446744073709551615 1\nk",
        "memd.archive 1 out 17 3 evict 1 -1 1 0 0 0 18446744073709551615\nk",
        "memd.archive 1 out 17 3 evict 1 -1 1 0 0 1 18446744073709551615\nk", "memd.archive 1 out 17 3 evict 1 -1 1 0 0 0 1 k",
        "memd.archive 1 out 17  3 evict 1 -1 1 0 0 0 1\nk", "memd.archive 1 OUT 17 3 evict 1 -1 1 0 0 0 1\nk",
    };
    struct archive_note n;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!archive_note_get(str_c(bad[i]), &n), "%s", bad[i]);
    }
}
END_TEST

START_TEST(noise_does_no_harm)
{
    struct rng r;
    struct archive_note n = sample(), got;
    struct buf b = { 0 };
    size_t held = 0;

    unit_rng(&r);
    for (int i = 0; i < 20000; i++) {
        char *copy;
        size_t length;

        buf_clear(&b);
        archive_note_put(&b, &n);
        buf_add_c(&b, "payload");
        for (uint64_t k = rng_below(&r, 3); k < 3; k++) b.p[rng_below(&r, b.n)] = (char)rng_next(&r);
        length = rng_below(&r, b.n + 1);
        copy = mem_dup(b.p, length);
        if (archive_note_get(str_of(copy, length), &got)) {
            ck_assert(got.key.p >= copy && got.key.p + got.key.n + got.payload.n <= copy + length);
            ck_assert_uint_lt(got.verb, ARCHIVE_VERBS);
            held++;
        }
        mem_free(copy);
    }
    ck_assert_uint_gt(held, 0);
    buf_fini(&b);
}
END_TEST

UNIT_MAIN("archive_note", a_note_is_a_line_and_bytes, what_was_put_is_got, what_is_cut_is_no_note_until_the_key_is_whole,
          damaged_notes_are_refused, noise_does_no_harm)
