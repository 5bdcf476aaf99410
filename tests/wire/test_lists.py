"""Lists, without waiting."""
import random

from resp import Err, OK


def test_push_and_pop_at_both_ends(talk):
    talk("""
        RPUSH l a b c                   => :3
        LPUSH l z y                     => :5
        LRANGE l 0 -1                   => ["y" "z" "a" "b" "c"]
        LPOP l                          => "y"
        RPOP l                          => "c"
        LLEN l                          => :3
        LPOP l 2                        => ["z" "a"]
        RPOP l 10                       => ["b"]
        LPOP l                          => nil
        LPOP l 1                        => nil*
        RPUSH l a
        LPOP l 0                        => []
        LPOP l -1                       => -ERR value is out of range, must be positive
        LPOP l foo                      => -ERR value is out of range, must be positive
        LPOP nokey 0                    => nil*
        LLEN nokey                      => :0
        LPUSHX nokey a                  => :0
        RPUSHX nokey a                  => :0
        LPUSHX l b c                    => :3
        RPUSHX l d                      => :4
        LRANGE l 0 -1                   => ["c" "b" "a" "d"]
        RPUSH l                         => -ERR wrong number of arguments for 'rpush' command
        LPOP l 1 2                      => -ERR wrong number of arguments for 'lpop' command
    """)


def test_ranges_and_indexes(talk):
    talk("""
        RPUSH l a b c d e
        LRANGE l 0 0                    => ["a"]
        LRANGE l 1 3                    => ["b" "c" "d"]
        LRANGE l -3 -2                  => ["c" "d"]
        LRANGE l -100 100               => ["a" "b" "c" "d" "e"]
        LRANGE l 3 1                    => []
        LRANGE l 5 10                   => []
        LRANGE nokey 0 -1               => []
        LRANGE l a b                    => -ERR value is not an integer or out of range
        LINDEX l 0                      => "a"
        LINDEX l -1                     => "e"
        LINDEX l 5                      => nil
        LINDEX l -6                     => nil
        LINDEX nokey 0                  => nil
        LINDEX l foo                    => -ERR value is not an integer or out of range
        LSET l 1 B                      => +OK
        LSET l -1 E                     => +OK
        LRANGE l 0 -1                   => ["a" "B" "c" "d" "E"]
        LSET l 5 x                      => -ERR index out of range
        LSET nokey 0 x                  => -ERR no such key
        LSET l foo x                    => -ERR value is not an integer or out of range
    """)


def test_trim(talk):
    talk("""
        RPUSH l a b c d e
        LTRIM l 1 -2                    => +OK
        LRANGE l 0 -1                   => ["b" "c" "d"]
        LTRIM l 0 -1                    => +OK
        LTRIM l -2 -1                   => +OK
        LRANGE l 0 -1                   => ["c" "d"]
        LTRIM l 0 100                   => +OK
        LLEN l                          => :2
        LTRIM l 2 1                     => +OK
        EXISTS l                        => :0
        LTRIM nokey 0 1                 => +OK
        LTRIM nokey a 1                 => -ERR value is not an integer or out of range
    """)


def test_insert_and_remove(talk):
    talk("""
        RPUSH l a b a c a
        LINSERT l BEFORE b X            => :6
        LINSERT l after b Y             => :7
        LINSERT l BEFORE nope Z         => :-1
        LINSERT nokey BEFORE a Z        => :0
        LINSERT l AT a Z                => -ERR syntax error
        LRANGE l 0 -1                   => ["a" "X" "b" "Y" "a" "c" "a"]
        LREM l 1 a                      => :1
        LREM l -1 a                     => :1
        LRANGE l 0 -1                   => ["X" "b" "Y" "a" "c"]
        LREM l 0 nope                   => :0
        LREM nokey 0 a                  => :0
        LREM l foo a                    => -ERR value is not an integer or out of range
        RPUSH n 1 2 1 1
        LREM n -2 1                     => :2
        LRANGE n 0 -1                   => ["1" "2"]
    """)


def test_lpos(talk):
    talk("""
        RPUSH l a b c 1 2 3 c c
        LPOS l a                        => :0
        LPOS l c                        => :2
        LPOS l c RANK 2                 => :6
        LPOS l c RANK -1                => :7
        LPOS l c COUNT 2                => [:2 :6]
        LPOS l c COUNT 0                => [:2 :6 :7]
        LPOS l c COUNT 2 RANK -1        => [:7 :6]
        LPOS l c COUNT 0 MAXLEN 1       => []
        LPOS l c COUNT 0 MAXLEN 3       => [:2]
        LPOS l c COUNT 0 RANK -1 MAXLEN 2 => [:7 :6]
        LPOS l nope                     => nil
        LPOS l nope COUNT 1             => []
        LPOS nokey a                    => nil
        LPOS nokey a COUNT 1            => []
        LPOS l c RANK 0                 => -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        LPOS l c COUNT -1               => -ERR COUNT can't be negative
        LPOS l c MAXLEN -1              => -ERR MAXLEN can't be negative
        LPOS l c FOO 1                  => -ERR syntax error
        LPOS l c RANK                   => -ERR syntax error
        LPOS l c RANK 10                => nil
        LPOS l 2                        => :4
    """)


def test_moves(talk):
    talk("""
        RPUSH a 1 2 3
        LMOVE a b LEFT RIGHT            => "1"
        LMOVE a b RIGHT LEFT            => "3"
        LRANGE b 0 -1                   => ["3" "1"]
        LMOVE a a LEFT RIGHT            => "2"
        RPOPLPUSH b b                   => "1"
        LRANGE b 0 -1                   => ["1" "3"]
        RPOPLPUSH a b                   => "2"
        EXISTS a                        => :0
        LMOVE nokey b LEFT LEFT         => nil
        RPOPLPUSH nokey b               => nil
        LMOVE b c UP LEFT               => -ERR syntax error
        SET s v
        LMOVE b s LEFT LEFT             => -WRONGTYPE Operation against a key holding the wrong kind of value
        LMOVE nokey s LEFT LEFT         => nil
        LRANGE b 0 -1                   => ["2" "1" "3"]
    """)


def test_lmpop(talk):
    talk("""
        RPUSH b 1 2 3 4
        LMPOP 2 a b LEFT                => ["b" ["1"]]
        LMPOP 2 a b RIGHT COUNT 2       => ["b" ["4" "3"]]
        LMPOP 1 b LEFT COUNT 100        => ["b" ["2"]]
        LMPOP 1 b LEFT                  => nil*
        LMPOP 0 b LEFT                  => -ERR numkeys should be greater than 0
        LMPOP foo b LEFT                => -ERR numkeys should be greater than 0
        LMPOP 1 b UP                    => -ERR syntax error
        LMPOP 2 b LEFT                  => -ERR syntax error
        LMPOP 1 b LEFT COUNT 0          => -ERR count should be greater than 0
        LMPOP 1 b LEFT COUNT 1 COUNT 1  => -ERR syntax error
        LMPOP 1 b LEFT FOO              => -ERR syntax error
    """)


def test_a_chat_history_stays_bounded(c):
    """The job: RPUSH a message, LTRIM to the last 20, EXPIRE, LRANGE all, in one pipeline."""
    history = []
    for i in range(300):
        message = ("%04d " % i).encode() + b"x" * (300 + i * 37 % 1700)
        history = (history + [message])[-20:]
        got = c.pipeline([["RPUSH", "s", message], ["LTRIM", "s", -20, -1], ["EXPIRE", "s", 3600],
                          ["LRANGE", "s", 0, -1], ["LLEN", "s"]])
        assert got[1:3] == [OK, 1] and got[3] == history and got[4] == len(history)


def test_a_large_list_is_a_sequence(c):
    """Random operations at any place, against a Python list."""
    rng = random.Random(7)
    model = []
    for step in range(4000):
        op = rng.randrange(12)
        v = (b"%d" % rng.randrange(1000)) * rng.choice([1, 1, 1, 3, 40])
        i = rng.randrange(-len(model) - 2, len(model) + 2)
        if op < 4:
            n = rng.randrange(1, 20)
            assert c("RPUSH", "l", *[v] * n) == len(model) + n
            model += [v] * n
        elif op < 6:
            assert c("LPUSH", "l", v) == len(model) + 1
            model.insert(0, v)
        elif op == 6:
            assert c("LPOP", "l") == (model.pop(0) if model else None)
        elif op == 7:
            assert c("RPOP", "l") == (model.pop() if model else None)
        elif op == 8 and model:
            ok = -len(model) <= i < len(model)
            assert c("LSET", "l", i, v) == (OK if ok else Err("ERR index out of range"))
            if ok:
                model[i] = v
        elif op == 9 and model:
            pivot = rng.choice(model)
            assert c("LINSERT", "l", "BEFORE", pivot, v) == len(model) + 1
            model.insert(model.index(pivot), v)
        elif op == 10 and model:
            gone = rng.choice(model)
            count = rng.choice([1, -1])
            assert c("LREM", "l", count, gone) == 1
            at = model.index(gone) if count > 0 else len(model) - 1 - model[::-1].index(gone)
            del model[at]
        else:
            ok = -len(model) <= i < len(model)
            assert c("LINDEX", "l", i) == (model[i] if ok else None)
        if step % 100 == 0:
            assert c("LRANGE", "l", 0, -1) == model
        if len(model) > 3000:
            c("LTRIM", "l", 1000, -1001)
            model = model[1000:-1000]
    assert c("LRANGE", "l", 0, -1) == model


def test_elements_of_all_sizes_share_a_list(c):
    sizes = [0, 1, 63, 64, 127, 128, 4095, 4096, 8191, 8192, 8193, 20000, 70000, 1 << 20]
    values = [bytes([i + 65]) * n for i, n in enumerate(sizes)]
    c("RPUSH", "l", *values)
    c("LPUSH", "l", *values)
    both = values[::-1] + values
    assert c("LRANGE", "l", 0, -1) == both
    assert [c("LINDEX", "l", i) for i in range(len(both))] == both
    assert c("LPOS", "l", values[-1]) == 0
    assert c("LPOP", "l", len(values)) == both[:len(values)]
    assert c("LRANGE", "l", 0, -1) == values


def test_numbers_in_lists_come_back_as_they_were_written(c):
    values = [b"0", b"-0", b"00", b"1", b"-1", b"127", b"128", b"-128", b"-129", b"4095", b"4096", b"32767", b"32768",
              b"8388607", b"8388608", b"2147483647", b"2147483648", b"9223372036854775807", b"9223372036854775808",
              b"-9223372036854775808", b"1.5", b"1e5", b"+1", b" 1", b"1 ", b"0x1"]
    c("RPUSH", "l", *values)
    assert c("LRANGE", "l", 0, -1) == values
    for i, v in enumerate(values):
        assert c("LPOS", "l", v) == values.index(v) and c("LINDEX", "l", i) == v
