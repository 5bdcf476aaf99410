/* Commands on lists, through their rows. */
#include "commands/tables.h"
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG_TYPE "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define NOT_INT "-ERR value is not an integer or out of range\r\n"
#define NULL_BULK_2 "$-1\r\n"
#define NULL_ARRAY_2 "*-1\r\n"

/* --- pushing --------------------------------------------------------------------------------- */

START_TEST(pushes_add_in_order_and_give_the_length)
{
    expect("LPUSH k a", ":1\r\n");
    ck_assert_str_eq(told(), "new lpush");
    expect_journal("LPUSH k a");
    expect("RPUSH k b c", ":3\r\n");
    ck_assert_str_eq(told(), "rpush");
    expect("LPUSH k x y", ":5\r\n");
    expect("LRANGE k 0 -1", "*5\r\n$1\r\ny\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect("LPUSH k", "-ERR wrong number of arguments for 'lpush' command\r\n");
}
END_TEST

START_TEST(pushx_wants_the_list)
{
    expect("LPUSHX k a", ":0\r\n");
    expect("RPUSHX k a", ":0\r\n");
    expect_journal("");
    expect("EXISTS k", ":0\r\n");
    expect("RPUSH k a", ":1\r\n");
    expect("LPUSHX k x y", ":3\r\n");
    expect("RPUSHX k z", ":4\r\n");
    expect("LRANGE k 0 -1", "*4\r\n$1\r\ny\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\nz\r\n");
}
END_TEST

START_TEST(any_bytes_and_empty_elements_come_back)
{
    expect("RPUSH k \"\" \"a\\r\\nb\" \"\\x00\"", ":3\r\n");
    expect("LRANGE k 0 -1", "*3\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$1\r\n\0\r\n");
    expect("LPOS k \"\\x00\"", ":2\r\n");
    expect("LREM k 0 \"\"", ":1\r\n");
    expect("LPOP k", "$4\r\na\r\nb\r\n");
}
END_TEST

/* --- popping --------------------------------------------------------------------------------- */

START_TEST(pop_takes_one_and_removes_the_empty_key)
{
    expect("RPUSH k a b", ":2\r\n");
    expect("RPOP k", "$1\r\nb\r\n");
    ck_assert_str_eq(told(), "rpop");
    expect("LPOP k", "$1\r\na\r\n");
    ck_assert_str_eq(told(), "lpop del");
    expect_journal("LPOP k");
    expect("LPOP k", NULL_BULK_2);
    expect_journal("");
    expect("EXISTS k", ":0\r\n");
    harness_resp(3);
    expect("LPOP k", "_\r\n");
}
END_TEST

START_TEST(pop_with_a_count_gives_an_array)
{
    expect("LPOP k 1", NULL_ARRAY_2);
    expect("LPOP k 0", NULL_ARRAY_2);
    expect("RPUSH k a b c d e", ":5\r\n");
    expect("LPOP k 0", "*0\r\n");
    expect_journal("");
    expect("LPOP k 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    expect("RPOP k 2", "*2\r\n$1\r\ne\r\n$1\r\nd\r\n");
    expect("RPOP k 99", "*1\r\n$1\r\nc\r\n");
    ck_assert_str_eq(told(), "rpop del");
    harness_resp(3);
    expect("RPOP k 99", "_\r\n");
}
END_TEST

START_TEST(pop_refuses_other_counts)
{
    expect("LPOP k -1", "-ERR value is out of range, must be positive\r\n");
    expect("RPOP k x", "-ERR value is out of range, must be positive\r\n");
    expect("LPOP k 1 2", "-ERR wrong number of arguments for 'lpop' command\r\n");
    expect("RPOP", "-ERR wrong number of arguments for 'rpop' command\r\n");
}
END_TEST

/* --- reading --------------------------------------------------------------------------------- */

START_TEST(llen_counts)
{
    expect("LLEN k", ":0\r\n");
    expect("RPUSH k a b", ":2\r\n");
    expect("LLEN k", ":2\r\n");
}
END_TEST

START_TEST(lrange_cuts_its_bounds)
{
    expect("LRANGE k 0 -1", "*0\r\n");
    expect("RPUSH k a b c", ":3\r\n");
    expect("LRANGE k 1 1", "*1\r\n$1\r\nb\r\n");
    expect("LRANGE k -100 100", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect("LRANGE k -2 -1", "*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect("LRANGE k 2 1", "*0\r\n");
    expect("LRANGE k 3 9", "*0\r\n");
    expect("LRANGE k 0 -4", "*0\r\n");
    expect("LRANGE k -9223372036854775808 9223372036854775807",
           "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect("LRANGE k 9223372036854775808 1", NOT_INT);
    expect("LRANGE k 0 x", NOT_INT);
    expect("LRANGE none x 0", NOT_INT);
}
END_TEST

START_TEST(lindex_counts_from_both_ends)
{
    expect("RPUSH k a b c", ":3\r\n");
    expect("LINDEX k 0", "$1\r\na\r\n");
    expect("LINDEX k -1", "$1\r\nc\r\n");
    expect("LINDEX k 3", NULL_BULK_2);
    expect("LINDEX k -4", NULL_BULK_2);
    expect("LINDEX k x", NOT_INT);
    expect("LINDEX none x", NULL_BULK_2);
    harness_resp(3);
    expect("LINDEX k 3", "_\r\n");
}
END_TEST

START_TEST(lpos_finds_by_rank_count_and_maxlen)
{
    expect("RPUSH k a b c 1 2 3 c c", ":8\r\n");
    expect("LPOS k c", ":2\r\n");
    expect("LPOS k c RANK 2", ":6\r\n");
    expect("LPOS k c RANK -1", ":7\r\n");
    expect("LPOS k c COUNT 2", "*2\r\n:2\r\n:6\r\n");
    expect("LPOS k c COUNT 0", "*3\r\n:2\r\n:6\r\n:7\r\n");
    expect("LPOS k c RANK -1 COUNT 2", "*2\r\n:7\r\n:6\r\n");
    expect("LPOS k c rank 2 count 0 maxlen 7", "*1\r\n:6\r\n");
    expect("LPOS k c MAXLEN 2", NULL_BULK_2);
    expect("LPOS k c MAXLEN 2 COUNT 0", "*0\r\n");
    expect("LPOS k x", NULL_BULK_2);
    expect("LPOS k x COUNT 3", "*0\r\n");
    expect("LPOS none x COUNT 3", "*0\r\n");
    expect("LPOS none x", NULL_BULK_2);
    harness_resp(3);
    expect("LPOS k x", "_\r\n");
}
END_TEST

START_TEST(lpos_says_what_is_wrong)
{
    expect("LPOS k c RANK 0",
           "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or "
           "use negative to start from the end of the list\r\n");
    expect("LPOS k c RANK x", NOT_INT);
    expect("LPOS k c RANK -9223372036854775808",
           "-ERR value is out of range, value must between -9223372036854775807 and "
           "9223372036854775807\r\n");
    expect("LPOS k c COUNT -1", "-ERR COUNT can't be negative\r\n");
    expect("LPOS k c COUNT x", "-ERR COUNT can't be negative\r\n");
    expect("LPOS k c MAXLEN -1", "-ERR MAXLEN can't be negative\r\n");
    expect("LPOS k c COUNT", "-ERR syntax error\r\n");
    expect("LPOS k c LIMIT 1", "-ERR syntax error\r\n");
    expect("LPOS k", "-ERR wrong number of arguments for 'lpos' command\r\n");
}
END_TEST

/* --- changing -------------------------------------------------------------------------------- */

START_TEST(lset_replaces)
{
    expect("RPUSH k a b c", ":3\r\n");
    expect("LSET k 1 longer", "+OK\r\n");
    ck_assert_str_eq(told(), "lset");
    expect("LSET k -1 z", "+OK\r\n");
    expect("LRANGE k 0 -1", "*3\r\n$1\r\na\r\n$6\r\nlonger\r\n$1\r\nz\r\n");
    expect("LSET k 3 x", "-ERR index out of range\r\n");
    expect("LSET k -4 x", "-ERR index out of range\r\n");
    expect("LSET k x x", NOT_INT);
    expect("LSET none 0 x", "-ERR no such key\r\n");
    expect("LSET none x x", "-ERR no such key\r\n");
    expect_journal("");
}
END_TEST

START_TEST(linsert_puts_beside_the_pivot)
{
    expect("LINSERT k BEFORE a b", ":0\r\n");
    expect("RPUSH k a c a", ":3\r\n");
    expect("LINSERT k after a b", ":4\r\n");
    ck_assert_str_eq(told(), "linsert");
    expect("LINSERT k BEFORE a x", ":5\r\n");
    expect("LINSERT k BEFORE none x", ":-1\r\n");
    expect_journal("");
    expect("LRANGE k 0 -1", "*5\r\n$1\r\nx\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\na\r\n");
    expect("LINSERT k NEAR a x", "-ERR syntax error\r\n");
}
END_TEST

START_TEST(lrem_removes_from_either_end)
{
    expect("LREM k 0 a", ":0\r\n");
    expect("RPUSH k a b a c a", ":5\r\n");
    expect("LREM k -1 a", ":1\r\n");
    ck_assert_str_eq(told(), "lrem");
    expect("LRANGE k 0 -1", "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n");
    expect("LREM k 1 a", ":1\r\n");
    expect("LREM k 5 none", ":0\r\n");
    expect_journal("");
    expect("LREM k x a", NOT_INT);
    expect("RPUSH one a a", ":2\r\n");
    expect("LREM one 0 a", ":2\r\n");
    ck_assert_str_eq(told(), "lrem del");
}
END_TEST

START_TEST(ltrim_keeps_a_range)
{
    expect("LTRIM k 0 1", "+OK\r\n");
    expect("RPUSH k a b c d e", ":5\r\n");
    expect("LTRIM k 1 -2", "+OK\r\n");
    expect_journal("LTRIM k 1 -2");
    expect("LRANGE k 0 -1", "*3\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n");
    expect("LTRIM k -20 -1", "+OK\r\n");
    ck_assert_str_eq(told(), "ltrim");
    expect_journal("");
    expect("LTRIM k 5 9", "+OK\r\n");
    ck_assert_str_eq(told(), "ltrim del");
    expect("EXISTS k", ":0\r\n");
    expect("LTRIM k 1 x", NOT_INT);
}
END_TEST

START_TEST(a_chat_history_keeps_its_last_messages)
{
    char request[600];

    for (int i = 0; i < 300; i++) {
        snprintf(request, sizeof request, "RPUSH k %0300d", i);
        run_line(request);
        run_line("LTRIM k -20 -1");
    }
    expect("LLEN k", ":20\r\n");
    snprintf(request, sizeof request, "$300\r\n%0300d\r\n", 299);
    expect_str(run_line("LINDEX k -1"), str_c(request));
    snprintf(request, sizeof request, "*1\r\n$300\r\n%0300d\r\n", 280);
    expect_str(run_line("LRANGE k 0 0"), str_c(request));
    ck_assert_uint_eq(run_line("LRANGE k 0 -1").n, 5 + 20 * 308);
}
END_TEST

START_TEST(large_elements_come_back)
{
    enum { N = 3 * 1000 * 1000 };
    struct str request[] = { STR("RPUSH"), STR("k"), STR("before"), STR(""), STR("after") };
    char *p = mem_alloc(N);
    struct str reply;

    for (size_t i = 0; i < N; i++) p[i] = (char)(i * 31 >> 4);
    request[3] = str_of(p, N);
    expect_str(run_args(5, request), STR(":3\r\n"));
    reply = run_line("LINDEX k 1");
    expect_str(str_of(reply.p + 10, N), str_of(p, N));
    ck_assert_uint_eq(run_line("LRANGE k 0 -1").n, 4 + 12 + 12 + N + 11);
    ck_assert_uint_eq(run_line("RPOP k 2").n, 4 + 12 + N + 11);
    expect("LRANGE k 0 -1", "*1\r\n$6\r\nbefore\r\n");
    mem_free(p);
}
END_TEST

START_TEST(encodings_are_named_as_in_redis)
{
    char request[9000];

    expect("RPUSH k a", ":1\r\n");
    expect("OBJECT ENCODING k", "$8\r\nlistpack\r\n");
    memset(request, 'x', sizeof request);
    memcpy(request, "RPUSH k ", 8);
    request[sizeof request - 1] = '\0';
    expect(request, ":2\r\n");
    expect("OBJECT ENCODING k", "$9\r\nquicklist\r\n");
    run_line("RPOP k");
    expect("OBJECT ENCODING k", "$8\r\nlistpack\r\n");
}
END_TEST

/* --- moving ---------------------------------------------------------------------------------- */

START_TEST(lmove_takes_and_puts_at_any_end)
{
    expect("RPUSH k a b c", ":3\r\n");
    expect("LMOVE k d LEFT RIGHT", "$1\r\na\r\n");
    ck_assert_str_eq(told(), "new rpush lpop");
    expect_journal("LMOVE k d LEFT RIGHT");
    expect("LMOVE k d right left", "$1\r\nc\r\n");
    expect("LRANGE d 0 -1", "*2\r\n$1\r\nc\r\n$1\r\na\r\n");
    expect("LMOVE k d LEFT LEFT", "$1\r\nb\r\n");
    ck_assert_str_eq(told(), "lpush lpop del");
    expect("LMOVE k d LEFT LEFT", NULL_BULK_2);
    expect("LMOVE d d LEFT RIGHT", "$1\r\nb\r\n");
    expect("LRANGE d 0 -1", "*3\r\n$1\r\nc\r\n$1\r\na\r\n$1\r\nb\r\n");
    expect("RPOPLPUSH d d", "$1\r\nb\r\n");
    ck_assert_str_eq(told(), "lpush rpop");
    expect("RPOPLPUSH none d", NULL_BULK_2);
    expect("LMOVE d d UP LEFT", "-ERR syntax error\r\n");
    expect("LMOVE d d LEFT DOWN", "-ERR syntax error\r\n");
    harness_resp(3);
    expect("RPOPLPUSH none d", "_\r\n");
}
END_TEST

START_TEST(a_list_of_one_may_be_moved_onto_itself)
{
    expect("RPUSH k a", ":1\r\n");
    expect("LMOVE k k LEFT RIGHT", "$1\r\na\r\n");
    ck_assert_str_eq(told(), "rpush lpop");
    expect("LRANGE k 0 -1", "*1\r\n$1\r\na\r\n");
}
END_TEST

START_TEST(lmpop_takes_from_the_first_list_there_is)
{
    expect("LMPOP 2 k d LEFT", NULL_ARRAY_2);
    expect("RPUSH d a b c d", ":4\r\n");
    expect("LMPOP 2 k d LEFT", "*2\r\n$1\r\nd\r\n*1\r\n$1\r\na\r\n");
    expect_journal("LPOP d 1");
    expect("LMPOP 2 k d right count 2", "*2\r\n$1\r\nd\r\n*2\r\n$1\r\nd\r\n$1\r\nc\r\n");
    expect_journal("RPOP d 2");
    expect("LMPOP 1 d LEFT COUNT 10", "*2\r\n$1\r\nd\r\n*1\r\n$1\r\nb\r\n");
    ck_assert_str_eq(told(), "lpop del");
    expect_journal("LPOP d 1");
    harness_resp(3);
    expect("LMPOP 2 k d LEFT", "_\r\n");
}
END_TEST

START_TEST(lmpop_says_what_is_wrong)
{
    expect("LMPOP 0 k LEFT", "-ERR numkeys should be greater than 0\r\n");
    expect("LMPOP x k LEFT", "-ERR numkeys should be greater than 0\r\n");
    expect("LMPOP 2 k LEFT", "-ERR syntax error\r\n");
    expect("LMPOP 9223372036854775807 k LEFT", "-ERR syntax error\r\n");
    expect("LMPOP 1 k UP", "-ERR syntax error\r\n");
    expect("LMPOP 1 k LEFT COUNT", "-ERR syntax error\r\n");
    expect("LMPOP 1 k LEFT COUNT 0", "-ERR count should be greater than 0\r\n");
    expect("LMPOP 1 k LEFT COUNT x", "-ERR count should be greater than 0\r\n");
    expect("LMPOP 1 k LEFT COUNT 1 COUNT 2", "-ERR syntax error\r\n");
    expect("LMPOP 1 k LEFT LIMIT 2", "-ERR syntax error\r\n");
    expect("BLMPOP 0 0 k LEFT", "-ERR numkeys should be greater than 0\r\n");
    expect("BLMPOP x 1 k LEFT", "-ERR timeout is not a float or out of range\r\n");
}
END_TEST

/* --- waiting --------------------------------------------------------------------------------- */

START_TEST(blocking_forms_take_at_once_what_is_there)
{
    expect("RPUSH k a b c d e f", ":6\r\n");
    expect("BLPOP none k 0", "*2\r\n$1\r\nk\r\n$1\r\na\r\n");
    expect_journal("LPOP k");
    expect("BRPOP none k 0.1", "*2\r\n$1\r\nk\r\n$1\r\nf\r\n");
    expect_journal("RPOP k");
    expect("BLMOVE k d LEFT RIGHT 0", "$1\r\nb\r\n");
    expect_journal("LMOVE k d LEFT RIGHT");
    expect("BRPOPLPUSH k d 0", "$1\r\ne\r\n");
    expect_journal("RPOPLPUSH k d");
    expect("BLMPOP 0 2 none k LEFT COUNT 5", "*2\r\n$1\r\nk\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n");
    ck_assert_str_eq(told(), "lpop del");
    expect_journal("LPOP k 2");
}
END_TEST

START_TEST(blocking_forms_wait_for_what_is_not)
{
    expect("BLPOP a b 0", "");
    expect("BRPOP a b 1.5", "");
    expect("BLMOVE a b LEFT LEFT 0", "");
    expect("BRPOPLPUSH a b 0", "");
    expect("BLMPOP 1 2 a b LEFT", "");
}
END_TEST

START_TEST(timeouts_are_seconds)
{
    expect("BLPOP a x", "-ERR timeout is not a float or out of range\r\n");
    expect("BLPOP a -1", "-ERR timeout is negative\r\n");
    expect("BRPOP a 99999999999999999999", "-ERR timeout is out of range\r\n");
    expect("BLMOVE a b LEFT LEFT nan", "-ERR timeout is not a float or out of range\r\n");
    expect("BRPOPLPUSH a b -0.1", "-ERR timeout is negative\r\n");
    expect("BLPOP a -0.0001", "");
    expect("BLMOVE a b LEFT UP x", "-ERR syntax error\r\n");
}
END_TEST

/* --- all together ---------------------------------------------------------------------------- */

START_TEST(another_type_is_refused)
{
    static const char *const requests[] = { "LPUSH s a",
                                            "RPUSH s a",
                                            "LPUSHX s a",
                                            "RPUSHX s a",
                                            "LPOP s",
                                            "RPOP s",
                                            "LPOP s 1",
                                            "LPOP s 0",
                                            "LLEN s",
                                            "LRANGE s 0 1",
                                            "LINDEX s 0",
                                            "LINDEX s x",
                                            "LPOS s a",
                                            "LSET s 0 a",
                                            "LSET s x a",
                                            "LINSERT s BEFORE a b",
                                            "LREM s 0 a",
                                            "LTRIM s 0 1",
                                            "LMOVE s l LEFT LEFT",
                                            "LMOVE l s LEFT LEFT",
                                            "RPOPLPUSH s l",
                                            "RPOPLPUSH l s",
                                            "LMPOP 2 none s LEFT",
                                            "BLPOP none s 0",
                                            "BRPOP s 0",
                                            "BLMOVE s l LEFT LEFT 0",
                                            "BLMOVE l s LEFT LEFT 0",
                                            "BRPOPLPUSH s l 0",
                                            "BLMPOP 0 1 s LEFT",
                                            NULL };

    expect("SET s text", "+OK\r\n");
    expect("RPUSH l a", ":1\r\n");
    for (int i = 0; requests[i] != NULL; i++) {
        expect_at(__FILE__, __LINE__, requests[i], STR(WRONG_TYPE));
        expect_journal("");
    }
    expect("LMOVE none s LEFT LEFT", NULL_BULK_2);
    expect("LRANGE l 0 -1", "*1\r\n$1\r\na\r\n");
}
END_TEST

START_TEST(an_expired_list_is_not_there)
{
    expect("RPUSH k a", ":1\r\n");
    expect("PEXPIRE k 10", ":1\r\n");
    expect("RPUSH d b", ":1\r\n");
    harness_advance(11);
    expect("LMOVE d k LEFT LEFT", "$1\r\nb\r\n");
    expect("LRANGE k 0 -1", "*1\r\n$1\r\nb\r\n");
    expect("EXISTS d", ":0\r\n");
    expect("TTL k", ":-1\r\n");
}
END_TEST

START_TEST(rows_are_complete_and_their_examples_hold)
{
    check_rows(list_commands);
    check_rows(list_blocking_commands);
}
END_TEST

UNIT_MAIN_AROUND("list commands", harness_open, harness_close,
                 pushes_add_in_order_and_give_the_length, pushx_wants_the_list,
                 any_bytes_and_empty_elements_come_back, pop_takes_one_and_removes_the_empty_key,
                 pop_with_a_count_gives_an_array, pop_refuses_other_counts, llen_counts,
                 lrange_cuts_its_bounds, lindex_counts_from_both_ends,
                 lpos_finds_by_rank_count_and_maxlen, lpos_says_what_is_wrong, lset_replaces,
                 linsert_puts_beside_the_pivot, lrem_removes_from_either_end, ltrim_keeps_a_range,
                 a_chat_history_keeps_its_last_messages, large_elements_come_back,
                 encodings_are_named_as_in_redis, lmove_takes_and_puts_at_any_end,
                 a_list_of_one_may_be_moved_onto_itself, lmpop_takes_from_the_first_list_there_is,
                 lmpop_says_what_is_wrong, blocking_forms_take_at_once_what_is_there,
                 blocking_forms_wait_for_what_is_not, timeouts_are_seconds, another_type_is_refused,
                 an_expired_list_is_not_there, rows_are_complete_and_their_examples_hold)
