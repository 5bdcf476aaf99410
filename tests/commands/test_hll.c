/* Commands on HyperLogLogs through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define NOT_ONE "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"
#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define CORRUPT "-INVALIDOBJ Corrupted HLL object detected\r\n"

START_TEST(adding_says_whether_it_changed_anything)
{
    expect("PFADD h", ":1\r\n");
    ck_assert_str_eq(told(), "new pfadd");
    expect_journal("PFADD h");
    expect("PFADD h", ":0\r\n");
    expect_journal("");
    expect("PFADD h a b c", ":1\r\n");
    ck_assert_str_eq(told(), "pfadd");
    expect("PFADD h b c a", ":0\r\n");
    ck_assert_str_eq(told(), "");
    expect("PFCOUNT h", ":3\r\n");
    expect("OBJECT ENCODING h", "$3\r\nraw\r\n");
}
END_TEST

START_TEST(a_count_is_kept_with_the_value_and_that_is_a_change)
{
    uint64_t changes;

    run_line("PFADD h a b");
    changes = harness_store()->stats.changes;
    expect("PFCOUNT h", ":2\r\n");
    ck_assert_str_eq(told(), ""); /* no event is told of it */
    ck_assert_uint_eq(harness_store()->stats.changes, changes + 1);
    expect("PFCOUNT h", ":2\r\n");
    expect("PFCOUNT h none", ":2\r\n");
    ck_assert_uint_eq(harness_store()->stats.changes, changes + 1);
    expect("PFCOUNT none", ":0\r\n");
}
END_TEST

START_TEST(merging_keeps_the_greatest_of_each_register_and_the_time_to_live)
{
    run_line("PFADD a 1 2 3");
    run_line("PFADD b 3 4 5");
    run_line("PFADD d 6");
    run_line("EXPIRE d 100");
    expect("PFMERGE d a b none", "+OK\r\n");
    ck_assert_str_eq(told(), "pfadd");
    expect("PFCOUNT d", ":6\r\n");
    expect("TTL d", ":100\r\n");
    expect("PFCOUNT a b", ":5\r\n");
    expect("PFMERGE e", "+OK\r\n");
    expect("PFCOUNT e", ":0\r\n");
    run_line("PFDEBUG TODENSE a");
    run_line("PFMERGE f a");
    expect("PFDEBUG ENCODING f", "+dense\r\n");
    expect("PFCOUNT f", ":3\r\n");
}
END_TEST

START_TEST(debugging_shows_runs_and_registers)
{
    run_line("PFADD h a");
    expect("PFDEBUG ENCODING h", "+sparse\r\n");
    expect("PFDEBUG decode h", "$20\r\nZ:12711 v:2,1 Z:3672\r\n");
    expect("PFDEBUG TODENSE h", ":1\r\n");
    expect("PFDEBUG TODENSE h", ":0\r\n");
    expect("PFDEBUG DECODE h", "-ERR HLL encoding is not sparse\r\n");
    expect("PFDEBUG ENCODING none", "-ERR The specified key does not exist\r\n");
    expect("PFDEBUG x h", "-ERR Unknown PFDEBUG subcommand 'x'\r\n");
    ck_assert(run_line("PFDEBUG GETREG h").n > 16384 * 4);
    expect("PFSELFTEST", "+OK\r\n");
}
END_TEST

START_TEST(other_strings_and_corrupt_ones_are_refused)
{
    run_line("SET s hello");
    run_line("SET n 12");
    run_line("RPUSH l a");
    run_line("SET bad \"HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\"");
    expect("PFADD s a", NOT_ONE);
    expect("PFADD n a", NOT_ONE);
    expect("PFADD l a", WRONG);
    expect("PFCOUNT s", NOT_ONE);
    expect("PFCOUNT none n", NOT_ONE);
    expect("PFCOUNT none l", WRONG);
    expect("PFMERGE d s", NOT_ONE);
    expect("PFMERGE l none", WRONG);
    expect("PFDEBUG ENCODING n", NOT_ONE);
    expect("PFCOUNT bad", CORRUPT);
    expect("PFCOUNT bad none", CORRUPT);
    expect("PFADD bad a", CORRUPT);
    expect("PFMERGE d bad", CORRUPT);
    expect("PFDEBUG GETREG bad", CORRUPT);
    expect("PFDEBUG TODENSE bad", CORRUPT);
    expect("PFDEBUG DECODE bad", "$0\r\n\r\n");
    expect("EXISTS d", ":0\r\n");
}
END_TEST

START_TEST(the_sparse_form_ends_where_the_setting_says)
{
    harness_store()->conf.hll_sparse_max_bytes = 22;
    run_line("PFADD h a");
    expect("PFDEBUG ENCODING h", "+sparse\r\n");
    run_line("PFADD h b");
    expect("PFDEBUG ENCODING h", "+dense\r\n");
    expect("PFCOUNT h", ":2\r\n");
}
END_TEST

UNIT_MAIN_AROUND("hll", harness_open, harness_close, adding_says_whether_it_changed_anything,
                 a_count_is_kept_with_the_value_and_that_is_a_change,
                 merging_keeps_the_greatest_of_each_register_and_the_time_to_live,
                 debugging_shows_runs_and_registers, other_strings_and_corrupt_ones_are_refused,
                 the_sparse_form_ends_where_the_setting_says)
