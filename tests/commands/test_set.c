/* Commands on sets through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

START_TEST(members_are_added_once_and_removed_with_the_last_goes_the_set)
{
    expect("SADD s a b a", ":2\r\n");
    expect_journal("SADD s a b a");
    expect("SADD s a", ":0\r\n");
    expect_journal("");
    expect("SCARD s", ":2\r\n");
    expect("SISMEMBER s b", ":1\r\n");
    expect("SMISMEMBER s a x b", "*3\r\n:1\r\n:0\r\n:1\r\n");
    expect("SREM s a x", ":1\r\n");
    expect("SREM s b", ":1\r\n");
    ck_assert_str_eq(told(), "srem del");
    expect("SCARD s", ":0\r\n");
    expect("SMEMBERS s", "*0\r\n");
}
END_TEST

START_TEST(a_set_changes_its_form_as_it_grows)
{
    char text[64];

    run_line("SADD s 1 2 3");
    expect("OBJECT ENCODING s", "$6\r\nintset\r\n");
    run_line("SADD s x");
    expect("OBJECT ENCODING s", "$8\r\nlistpack\r\n");
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "SADD s member:%d", i);
        run_line(text);
    }
    expect("OBJECT ENCODING s", "$9\r\nhashtable\r\n");
    expect("SCARD s", ":204\r\n");
    expect("SISMEMBER s 2", ":1\r\n");
    expect("SISMEMBER s member:199", ":1\r\n");
}
END_TEST

START_TEST(what_leaves_by_chance_is_journaled_by_name)
{
    run_line("SADD s only");
    expect("SPOP s", "$4\r\nonly\r\n");
    expect_journal("SREM s only");
    expect("SPOP s", "$-1\r\n");
    expect("SPOP s 3", "*0\r\n");
    expect("SPOP s -1", "-ERR value is out of range, must be positive\r\n");
    expect("SPOP s 1 2", "-ERR syntax error\r\n");
    expect("SRANDMEMBER s", "$-1\r\n");
    expect("SRANDMEMBER s 5", "*0\r\n");
    run_line("SADD s a");
    expect("SRANDMEMBER s -3", "*3\r\n$1\r\na\r\n$1\r\na\r\n$1\r\na\r\n");
    expect("SRANDMEMBER s 3", "*1\r\n$1\r\na\r\n");
    expect("SRANDMEMBER s x", "-ERR value is not an integer or out of range\r\n");
}
END_TEST

START_TEST(algebra_takes_absent_sets_as_empty_and_stores_nothing_for_nothing)
{
    run_line("SADD a 1 2 3");
    run_line("SADD b 2 3 4");
    expect("SINTER a none", "*0\r\n");
    expect("SINTERSTORE d a b", ":2\r\n");
    expect_journal("SINTERSTORE d a b");
    expect("SUNIONSTORE d a b", ":4\r\n");
    expect("SDIFFSTORE d a b", ":1\r\n");
    expect("SMEMBERS d", "*1\r\n$1\r\n1\r\n");
    expect("SDIFFSTORE d a a", ":0\r\n");
    expect("EXISTS d", ":0\r\n");
    expect("SINTERCARD 2 a b LIMIT 1", ":1\r\n");
    expect("SINTERCARD 0 a", "-ERR numkeys should be greater than 0\r\n");
    expect("SINTERCARD 3 a b", "-ERR Number of keys can't be greater than number of args\r\n");
    expect("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative\r\n");
    expect("SINTERCARD 1 a x", "-ERR syntax error\r\n");
    expect("SMOVE a b 1", ":1\r\n");
    expect("SMOVE a b 1", ":0\r\n");
    expect("SCARD b", ":4\r\n");
}
END_TEST

START_TEST(another_type_is_refused_and_left_alone)
{
    static const char *const requests[] = {
        "SADD k a", "SREM k a", "SMOVE k s a", "SISMEMBER k a", "SMISMEMBER k a", "SCARD k", "SMEMBERS k",
        "SPOP k", "SPOP k 2", "SRANDMEMBER k", "SRANDMEMBER k 2", "SSCAN k 0", "SINTER s k", "SUNION s k",
        "SDIFF s k", "SINTERSTORE d k s", "SUNIONSTORE d s k", "SDIFFSTORE d s k", "SINTERCARD 2 s k",
    };

    run_line("SET k v");
    run_line("SADD s a");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        expect_at(__FILE__, __LINE__, requests[i], STR(WRONG));
        expect_journal("");
    }
    expect("GET k", "$1\r\nv\r\n");
    expect("SUNIONSTORE k s", ":1\r\n");
    expect("TYPE k", "+set\r\n");
}
END_TEST

START_TEST(replies_are_sets_in_resp3_and_bytes_are_kept)
{
    harness_resp(3);
    run_line("SADD s \"\\x00\\r\\n\"");
    expect("SMEMBERS s", "~1\r\n$3\r\n\0\r\n\r\n");
    expect("SINTER s s", "~1\r\n$3\r\n\0\r\n\r\n");
    expect("SPOP s 1", "~1\r\n$3\r\n\0\r\n\r\n");
    expect("SRANDMEMBER s", "_\r\n");
    expect("SADD s \"\"", ":1\r\n");
    expect("SISMEMBER s \"\"", ":1\r\n");
    expect("SADD s", "-ERR wrong number of arguments for 'sadd' command\r\n");
}
END_TEST

UNIT_MAIN_AROUND("set commands", harness_open, harness_close,
                 members_are_added_once_and_removed_with_the_last_goes_the_set,
                 a_set_changes_its_form_as_it_grows, what_leaves_by_chance_is_journaled_by_name,
                 algebra_takes_absent_sets_as_empty_and_stores_nothing_for_nothing,
                 another_type_is_refused_and_left_alone,
                 replies_are_sets_in_resp3_and_bytes_are_kept)
