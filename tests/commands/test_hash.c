/* Commands on hashes through their rows, and the TTLs of fields. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

START_TEST(fields_are_set_read_and_removed_with_the_last_goes_the_hash)
{
    expect("HSET h a 1 b 2", ":2\r\n");
    expect("HSET h a 3", ":0\r\n");
    expect("HSETNX h a 4", ":0\r\n");
    expect_journal("");
    expect("HMGET h a x b", "*3\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n");
    expect("HGETALL h", "*4\r\n$1\r\na\r\n$1\r\n3\r\n$1\r\nb\r\n$1\r\n2\r\n");
    expect("HSTRLEN h a", ":1\r\n");
    expect("HDEL h a x", ":1\r\n");
    expect("HDEL h b", ":1\r\n");
    ck_assert_str_eq(told(), "hdel del");
    expect("HLEN h", ":0\r\n");
    expect("HSET h a", "-ERR wrong number of arguments for 'hset' command\r\n");
}
END_TEST

START_TEST(numbers_in_fields_are_added_to_and_guarded)
{
    expect("HINCRBY h n 5", ":5\r\n");
    expect("HINCRBY h n 9223372036854775807", "-ERR increment or decrement would overflow\r\n");
    expect("HINCRBYFLOAT h n 0.5", "$3\r\n5.5\r\n");
    expect_journal("HSET h n 5.5");
    expect("HINCRBY h n 1", "-ERR hash value is not an integer\r\n");
    expect("HINCRBYFLOAT h n nan", "-ERR value is not a valid float\r\n");
    run_line("HSET h t text");
    expect("HINCRBYFLOAT h t 1", "-ERR hash value is not a float\r\n");
    expect("HGET h t", "$4\r\ntext\r\n");
}
END_TEST

START_TEST(a_field_ends_at_its_time_and_a_read_never_sees_it_after)
{
    run_line("HSET h a 1 b 2");
    expect("HPEXPIRE h 100 FIELDS 2 a x", "*2\r\n:1\r\n:-2\r\n");
    expect("HPTTL h FIELDS 2 a b", "*2\r\n:100\r\n:-1\r\n");
    harness_advance(99);
    expect("HGET h a", "$1\r\n1\r\n");
    harness_advance(1);
    expect("HGET h a", "$-1\r\n");
    expect("HLEN h", ":1\r\n");
    expect("HGETALL h", "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    expect("HEXPIRE h 10 FIELDS 1 b", "*1\r\n:1\r\n");
    expect("HPERSIST h FIELDS 1 b", "*1\r\n:1\r\n");
    harness_advance(20000);
    expect("HGET h b", "$1\r\n2\r\n");
}
END_TEST

START_TEST(times_are_journaled_absolute)
{
    char text[80];

    run_line("HSET h a 1");
    run_line("HEXPIRE h 10 FIELDS 1 a");
    snprintf(text, sizeof text, "HPEXPIREAT h %lld FIELDS 1 a", (long long)harness_now() + 10000);
    expect_journal(text);
    expect("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0\r\n");
    expect("HEXPIRE h 10 FIELDS 2 a",
           "-ERR The `numfields` parameter must match the number of arguments\r\n");
    expect("HTTL none FIELDS 1 a", "*1\r\n:-2\r\n");
}
END_TEST

START_TEST(another_type_is_refused_and_left_alone)
{
    static const char *const requests[] = {
        "HSET k a 1", "HSETNX k a 1", "HMSET k a 1", "HGET k a", "HMGET k a", "HDEL k a", "HINCRBY k a 1",
        "HINCRBYFLOAT k a 1", "HEXISTS k a", "HSTRLEN k a", "HLEN k", "HGETALL k", "HKEYS k", "HVALS k",
        "HSCAN k 0", "HRANDFIELD k", "HEXPIRE k 1 FIELDS 1 a", "HTTL k FIELDS 1 a", "HPERSIST k FIELDS 1 a",
        "HGETDEL k FIELDS 1 a", "HGETEX k FIELDS 1 a", "HSETEX k FIELDS 1 a 1",
    };

    run_line("SET k v");
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        expect_at(__FILE__, __LINE__, requests[i], STR(WRONG));
        expect_journal("");
    }
    expect("GET k", "$1\r\nv\r\n");
}
END_TEST

START_TEST(replies_are_maps_in_resp3_and_bytes_are_kept)
{
    harness_resp(3);
    run_line("HSET h \"\\x00\" \"\"");
    expect("HGETALL h", "%1\r\n$1\r\n\0\r\n$0\r\n\r\n");
    expect("HRANDFIELD h 1 WITHVALUES", "*1\r\n*2\r\n$1\r\n\0\r\n$0\r\n\r\n");
    expect("HGET h x", "_\r\n");
}
END_TEST

UNIT_MAIN_AROUND("hash commands", harness_open, harness_close,
                 fields_are_set_read_and_removed_with_the_last_goes_the_hash,
                 numbers_in_fields_are_added_to_and_guarded,
                 a_field_ends_at_its_time_and_a_read_never_sees_it_after, times_are_journaled_absolute,
                 another_type_is_refused_and_left_alone, replies_are_maps_in_resp3_and_bytes_are_kept)
