/* Commands on bits through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define BAD_OFFSET "-ERR bit offset is not an integer or out of range\r\n"
#define BAD_TYPE \
    "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n"

START_TEST(a_bit_that_does_not_change_is_no_change)
{
    expect("SETBIT k 7 0", ":0\r\n"); /* the string grows: that is one */
    expect_journal("SETBIT k 7 0");
    ck_assert_str_eq(told(), "new setbit");
    expect("SETBIT k 7 0", ":0\r\n");
    expect_journal("");
    ck_assert_str_eq(told(), "");
    expect("SETBIT k 7 1", ":0\r\n");
    ck_assert_str_eq(told(), "setbit");
    expect("SETBIT k 7 1", ":1\r\n");
    expect_journal("");
    expect("SETBIT k 20 0", ":0\r\n");
    expect("GET k", "$3\r\n\x01\x00\x00\r\n");
    expect("GETBIT k 7", ":1\r\n");
    expect("GETBIT k 4000000000", ":0\r\n");
    expect("GETBIT none 1", ":0\r\n");
}
END_TEST

START_TEST(bits_of_an_integer_are_those_of_its_text_and_its_time_to_live_stays)
{
    run_line("SET k 1 EX 100");
    expect("GETBIT k 7", ":1\r\n");
    expect("SETBIT k 6 1", ":0\r\n");
    expect("GET k", "$1\r\n3\r\n");
    expect("TTL k", ":100\r\n");
    expect("OBJECT ENCODING k", "$3\r\nraw\r\n");
    expect("INCR k", ":4\r\n");
}
END_TEST

START_TEST(positions_and_bits_are_checked)
{
    run_line("RPUSH l a");
    expect("SETBIT l 0 1", WRONG);
    expect("GETBIT l 0", WRONG);
    expect("BITCOUNT l", WRONG);
    expect("BITPOS l 0", WRONG);
    expect("BITOP AND d l", WRONG);
    expect("BITFIELD l GET u8 0", WRONG);
    expect("BITFIELD l SET u8 0 1", WRONG);
    expect("SETBIT k -1 0", BAD_OFFSET);
    expect("SETBIT k x 0", BAD_OFFSET);
    expect("SETBIT k 4294967296 0", BAD_OFFSET);
    expect("GETBIT k 9223372036854775808", BAD_OFFSET);
    expect("SETBIT k 0 2", "-ERR bit is not an integer or out of range\r\n");
    expect("SETBIT k 0 x", "-ERR bit is not an integer or out of range\r\n");
    expect("EXISTS k", ":0\r\n");
}
END_TEST

START_TEST(counting_takes_ranges_of_bytes_and_of_bits)
{
    run_line("SET k foobar");
    expect("BITCOUNT k", ":26\r\n");
    expect("BITCOUNT k 0 0", ":4\r\n");
    expect("BITCOUNT k 1 1 BYTE", ":6\r\n");
    expect("BITCOUNT k 5 30 BIT", ":17\r\n");
    expect("BITCOUNT k -2 -1", ":7\r\n");
    expect("BITCOUNT k 4 2", ":0\r\n");
    expect("BITCOUNT k -1 -2", ":0\r\n");
    expect("BITCOUNT k 100 200", ":0\r\n");
    expect("BITCOUNT k -100 200", ":26\r\n");
    expect("BITCOUNT k 0", "-ERR syntax error\r\n");
    expect("BITCOUNT k 0 1 X", "-ERR syntax error\r\n");
    expect("BITCOUNT k 0 1 BIT 2", "-ERR syntax error\r\n");
    expect("BITCOUNT k x 1", "-ERR value is not an integer or out of range\r\n");
    expect("BITCOUNT none x", ":0\r\n");
    run_line("SET k \"\"");
    expect("BITCOUNT k", ":0\r\n");
    expect("BITCOUNT k 0 -1", ":0\r\n");
}
END_TEST

START_TEST(a_clear_bit_is_found_after_the_end_only_when_no_end_was_given)
{
    run_line("SET k \"\\xff\\xf0\\x00\"");
    expect("BITPOS k 0", ":12\r\n");
    expect("BITPOS k 1 2", ":-1\r\n");
    expect("BITPOS k 1 1 -1", ":8\r\n");
    expect("BITPOS k 1 7 15 BIT", ":7\r\n");
    run_line("SET k \"\\xff\\xff\"");
    expect("BITPOS k 0", ":16\r\n");
    expect("BITPOS k 0 1", ":16\r\n");
    expect("BITPOS k 0 0 -1", ":-1\r\n");
    expect("BITPOS k 0 2", ":-1\r\n");
    expect("BITPOS none 0", ":0\r\n");
    expect("BITPOS none 1", ":-1\r\n");
    expect("BITPOS k 2", "-ERR The bit argument must be 1 or 0.\r\n");
    expect("BITPOS k x", "-ERR value is not an integer or out of range\r\n");
    expect("BITPOS k 1 0 1 x", "-ERR syntax error\r\n");
    expect("BITPOS k 1 x 1 x", "-ERR value is not an integer or out of range\r\n");
    expect("BITPOS k 1 0 1 BIT x", "-ERR syntax error\r\n");
    run_line("SET k \"\"");
    expect("BITPOS k 0", ":-1\r\n");
}
END_TEST

START_TEST(combining_stores_the_result_or_removes_the_destination)
{
    run_line("SET a \"\\xf0\\x0f\"");
    run_line("SET b \"\\xff\"");
    run_line("SET d x EX 100");
    expect("BITOP AND d a b", ":2\r\n");
    expect_journal("BITOP AND d a b");
    ck_assert_str_eq(told(), "set");
    expect("GET d", "$2\r\n\xf0\x00\r\n");
    expect("TTL d", ":-1\r\n");
    expect("BITOP OR d a b none", ":2\r\n");
    expect("GET d", "$2\r\n\xff\x0f\r\n");
    expect("BITOP XOR d a b", ":2\r\n");
    expect("GET d", "$2\r\n\x0f\x0f\r\n");
    expect("BITOP NOT d d", ":2\r\n");
    expect("GET d", "$2\r\n\xf0\xf0\r\n");
    expect("BITOP DIFF d a b", ":2\r\n");
    expect("GET d", "$2\r\n\x00\x0f\r\n");
    expect("BITOP ONE d a b", ":2\r\n");
    expect("BITOP OR d none", ":0\r\n");
    ck_assert_str_eq(told(), "del");
    expect("EXISTS d", ":0\r\n");
    expect("BITOP OR d none", ":0\r\n");
    expect_journal("");
    expect("BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key.\r\n");
    expect("BITOP NAND d a b", "-ERR syntax error\r\n");
    expect("BITOP diff d a", "-ERR BITOP diff must be called with at least two source keys.\r\n");
    run_line("RPUSH l a");
    expect("BITOP OR l a", ":2\r\n"); /* whatever the destination held */
    expect("OBJECT ENCODING l", "$3\r\nraw\r\n");
    run_line("SET n 12");
    expect("BITOP AND n n n", ":2\r\n");
    expect("OBJECT ENCODING n", "$3\r\nraw\r\n");
    expect("INCR n", ":13\r\n");
}
END_TEST

START_TEST(fields_are_read_written_and_added_to_in_order)
{
    expect("BITFIELD k", "*0\r\n");
    expect("BITFIELD k GET u8 0", "*1\r\n:0\r\n");
    expect("EXISTS k", ":0\r\n");
    expect("BITFIELD k SET i8 0 -1 GET u4 0 INCRBY u4 #1 1", "*3\r\n:0\r\n:15\r\n:0\r\n");
    expect_journal("BITFIELD k SET i8 0 -1 GET u4 0 INCRBY u4 #1 1");
    ck_assert_str_eq(told(), "new setbit");
    expect("BITFIELD k GET u8 0", "*1\r\n:240\r\n");
    expect_journal("");
    expect("BITFIELD k OVERFLOW SAT INCRBY u8 0 100 OVERFLOW FAIL INCRBY u8 0 1 SET u8 0 300",
           "*3\r\n:255\r\n$-1\r\n$-1\r\n");
    expect("BITFIELD k OVERFLOW FAIL INCRBY u8 0 1", "*1\r\n$-1\r\n");
    expect_journal("");
    expect("BITFIELD k SET u8 0 255", "*1\r\n:255\r\n");
    expect_journal("");
    expect("BITFIELD k INCRBY u8 0 2", "*1\r\n:1\r\n");
    expect("BITFIELD k SET i64 1 -9223372036854775808 GET i64 1", "*2\r\n:144115188075855872\r\n:-9223372036854775808\r\n");
    expect("STRLEN k", ":9\r\n");
    expect("BITFIELD_RO k GET i64 1 GET u1 0", "*2\r\n:-9223372036854775808\r\n:0\r\n");
}
END_TEST

START_TEST(a_field_command_is_checked_as_a_whole_before_it_changes_anything)
{
    expect("BITFIELD k SET u8 0 1 GET u64 0", BAD_TYPE);
    expect("BITFIELD k SET u8 0 1 GET i65 0", BAD_TYPE);
    expect("BITFIELD k GET u0 0", BAD_TYPE);
    expect("BITFIELD k GET 8 0", BAD_TYPE);
    expect("BITFIELD k GET \"\" 0", BAD_TYPE);
    expect("BITFIELD k GET u8 -1", BAD_OFFSET);
    expect("BITFIELD k GET u8 #x", BAD_OFFSET);
    expect("BITFIELD k GET u8 #-1", BAD_OFFSET);
    expect("BITFIELD k GET u8 #9223372036854775807", BAD_OFFSET);
    expect("BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range\r\n");
    expect("BITFIELD k SET u8 0", "-ERR syntax error\r\n");
    expect("BITFIELD k SET u8 0 1 OVERFLOW", "-ERR syntax error\r\n");
    expect("BITFIELD k SET u8 0 1 OVERFLOW x", "-ERR Invalid OVERFLOW type specified\r\n");
    expect("BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand\r\n");
    expect("EXISTS k", ":0\r\n");
}
END_TEST

UNIT_MAIN_AROUND("bits", harness_open, harness_close, a_bit_that_does_not_change_is_no_change,
                 bits_of_an_integer_are_those_of_its_text_and_its_time_to_live_stays,
                 positions_and_bits_are_checked, counting_takes_ranges_of_bytes_and_of_bits,
                 a_clear_bit_is_found_after_the_end_only_when_no_end_was_given,
                 combining_stores_the_result_or_removes_the_destination,
                 fields_are_read_written_and_added_to_in_order,
                 a_field_command_is_checked_as_a_whole_before_it_changes_anything)
