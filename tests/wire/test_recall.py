"""Keys that have left memory and are read: they come back from the archive as if they had never left."""
import collections

import pytest
import resp
from examples import all_examples, examples_of
from server import knows_its_archive, wait_for

pytestmark = pytest.mark.memd_only

RECALLS = "* recall read archive expire,evict"
QUIET = dict(enable_debug_command="yes", archive_timeout="600000")

# Replies that differ from one run to the next, by chance or with the clock.
DIFFERS = {b"SRANDMEMBER", b"SPOP", b"HRANDFIELD", b"ZRANDMEMBER", b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"HTTL",
           b"HPTTL", b"HEXPIRETIME", b"HPEXPIRETIME", b"XPENDING", b"XCLAIM", b"XAUTOCLAIM", b"XINFO"}

# What the rows' examples do not try, or only on a key that is not there yet.
MORE = """
SET a 1 | DUMP a
SET a 1 | EVAL_RO "return redis.call('get', KEYS[1])" 1 a
SET a 1 | EVAL "return redis.call('incr', KEYS[1])" 1 a
SET a 1 | EXPIRE a 100
SET a 1 | EXPIRE a 100 XX
SET a 1 | EXPIREAT a 99999999999
SET a 1 | PEXPIRE a 100000
SET a 1 | PEXPIREAT a 99999999999999
SET a 1 | SETBIT a 1 1
SET a 1 | SET a 2 GET
SET a 1 | SET a 2 GET KEEPTTL
SET a 1 | RENAME a b
SET a 1 | COPY a b
SET a 1 | MOVE a 3
SET a 1 | TOUCH a b
SET a 1 | OBJECT ENCODING a
SET a 1 | MEMORY USAGE a
SET a 1 | LPUSH a x
SET a 1 | WATCH a
PFADD a x | PFADD b y | PFMERGE a b
HSET h f 1 | HSET h g 2
HSET h f 1 | HSETEX h EX 100 FIELDS 1 g 2
LPUSH l a | LPUSH l b
RPUSH l a | RPUSH l b
RPUSH l a b | LREM l 0 a
RPUSH l a b | LREM l 0 a | LREM l 0 b
RPUSH l a b | LSET l 0 c
RPUSH l a b | LTRIM l 0 0
RPUSH l a b | SORT l ALPHA STORE m
XADD x 1-1 f v | XSETID x 5-5
XADD x 1-1 f v | XGROUP CREATE x g 0
XADD x 1-1 f v | XGROUP CREATE x g 0 | XREADGROUP GROUP g me STREAMS x >
XADD x 1-1 f v | XINFO STREAM x
XADD x 1-1 f v | XADD x 1-1 f v
SADD s a | SMOVE s t a
SADD s a b | SREM s a
ZADD z 1 a | ZADD z XX INCR 1 a
"""


@pytest.fixture
def cold(start):
    """A daemon where all that leaves memory is recalled when it is read."""
    return knows_its_archive(start(namespace=RECALLS, **QUIET))


def archived(c):
    return {k[len("archive_"):]: v for k, v in c.info("archive").items()}


def figure(c, name):
    return int(archived(c)[name])


def leave(c, *keys):
    """Out of memory, into the archive."""
    assert c("ARCHIVE.MOVE", *keys) == len(keys)
    assert c("ARCHIVE.FLUSH") == resp.OK


def pause(c, yes=True):
    assert c("DEBUG", "ARCHIVE-PAUSE", "yes" if yes else "no") == resp.OK


def waiting(c, n):
    wait_for(lambda: figure(c, "recalls_waiting") == n, "%d do not wait" % n)


# --- as if it had never left ------------------------------------------------------------------------------


def prefixes(examples):
    """Each command of each, with those before it; one that stands alone twice."""
    for setup, last in examples:
        commands = (setup or [last]) + [last]
        for i in range(1, len(commands)):
            yield commands[:i], commands[i]


def keys_of(c, command):
    got = c("COMMAND", "GETKEYSANDFLAGS", *command)
    if isinstance(got, resp.Err):
        return []
    return [(k, [f if isinstance(f, bytes) else str(f).encode() for f in flags]) for k, flags in got]


def play(c, setup, last, away):
    """What the last command replies, and the data afterwards; away: with all keys in the archive before it runs."""
    assert c("FLUSHALL") == resp.OK
    for command in setup:
        c(*command)
    keys = c("KEYS", "*")
    if away and keys:
        leave(c, *keys)
        assert c("DBSIZE") == 0
    reply = c(*last)
    touched = {k for k, _ in keys_of(c, last)}
    for k in keys:
        if k not in touched:
            c("EXISTS", k)
    times = {k: c("PERSIST", k) for k in sorted(c("KEYS", "*"))}  # a digest has the moment in it
    return reply, times, c("DEBUG", "DIGEST")


def keeps_times(name):
    """The digest of what it makes has the moment in it: times of fields, of consumers, of deliveries."""
    return b"EX" in name or name in (b"XREADGROUP", b"XCLAIM", b"XAUTOCLAIM", b"XGROUP")


def test_every_command_that_looks_at_keys_finds_what_has_left(cold):
    c = cold.conn()
    seen = collections.Counter()
    for setup, last in prefixes(all_examples() + examples_of(MORE)):
        flags = [set(flags) for _, flags in keys_of(c, last)]
        # What is only written whole does not come (an expired lock must not), even where it might stand in the way.
        if not any({b"RO", b"RW"} & f for f in flags) or any({b"OW", b"insert"} <= f for f in flags):
            continue
        if last[0].upper().startswith(b"SORT") and {b"BY", b"GET"} & set(last):
            continue  # keys that a pattern finds are not known before
        here, away = play(c, setup, last, False), play(c, setup, last, True)
        name = last[0].upper()
        seen[name] += 1
        if name in DIFFERS:
            assert type(here[0]) is type(away[0]), (setup, last)
            continue
        assert here[0] == away[0], (setup, last)
        if not any(keeps_times(command[0].upper()) for command in setup + [last]):
            assert here == away, (setup, last)
    assert len(seen) > 130, sorted(seen)
    assert figure(c, "recalls_timed_out") == 0 and figure(c, "recalls_damaged") == 0


def looks(row):
    """Does a row of COMMAND have keys whose value it looks at?"""
    def flags(spec):
        return {str(f) for f in dict(zip(spec[::2], spec[1::2]))[b"flags"]}
    return any({"RO", "RW"} & flags(spec) for spec in row[8])


def test_most_rows_with_keys_have_been_tried(cold):
    """The examples cover the table: a new command cannot be forgotten."""
    c = cold.conn()
    tried = {last[0].lower() for setup, last in prefixes(all_examples() + examples_of(MORE))}
    names = {row[0] for row in c("COMMAND") if {"readonly", "write"} & {str(f) for f in row[2]} and looks(row)}
    beyond = {n for n in names - tried if not n.startswith(b"archive.")}
    assert beyond <= {b"evalsha_ro", b"fcall_ro", b"migrate"}, beyond


@pytest.mark.parametrize("resp3", [False, True])
def test_an_expired_session_answers_as_if_it_had_never_left(start, resp3):
    s = start(namespace="s:* ttl 3600 recall read archive expire", **QUIET)
    c = s.conn(resp3=resp3)
    c("SET", "s:text", "hello")
    c("RPUSH", "s:list", "a", "b", "c")
    c("HSET", "s:hash", "f", "1", "g", "2")
    c("SADD", "s:set", "m")
    c("ZADD", "s:zset", "1", "m")
    c("XADD", "s:stream", "1-1", "f", "v")
    keys = c("KEYS", "*")
    for key in keys:
        assert c("PEXPIRE", key, 1) == 1
    wait_for(lambda: c("DBSIZE") == 0)
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("GET", "s:text") == b"hello"
    assert c("LRANGE", "s:list", 0, -1) == [b"a", b"b", b"c"]
    assert c("HGETALL", "s:hash") == (resp.Map([(b"f", b"1"), (b"g", b"2")]) if resp3 else [b"f", b"1", b"g", b"2"])
    assert c("EXISTS", "s:set", "s:nothing") == 1
    assert c("TYPE", "s:zset") == resp.Simple("zset")
    assert 0 < c("TTL", "s:stream") <= 3600
    assert c("RPUSH", "s:list", "d") == 4
    assert c("DBSIZE") == 6
    assert c("NAMESPACE", "STATS", "s:*")


def test_what_has_just_left_comes_back_without_the_disk(cold):
    """It is still among the notes that wait."""
    c = cold.conn()
    c("SET", "k", "v")
    pause(c)
    assert c.pipeline([("ARCHIVE.MOVE", "k"), ("GET", "k")])[1] == b"v"  # in one turn: it cannot be committed yet
    pause(c, False)


def test_remaining_time_is_kept_and_time_that_has_passed_is_given_anew(start):
    s = start(namespace=[RECALLS, "t:* ttl 500 recall read archive expire"], archive_recall_ttl="777", **QUIET)
    c = s.conn()
    c("SET", "long", "v", "EX", 1000)
    c("SET", "none", "v")
    leave(c, "long", "none")
    assert 900 <= c("TTL", "long") <= 1000
    assert c("TTL", "none") == -1
    c("SET", "short", "v", "PX", 1)
    c("SET", "t:short", "v", "PX", 1)
    wait_for(lambda: c("DBSIZE") == 2)
    assert 700 <= c("TTL", "short") <= 777
    assert 400 <= c("TTL", "t:short") <= 500
    c("CONFIG", "SET", "archive-recall-ttl", "0")
    c("PEXPIRE", "short", 1)
    wait_for(lambda: c("DBSIZE") == 3)
    assert c("TTL", "short") == -1


def test_what_is_recalled_leaves_and_comes_back_again_and_again(cold):
    c = cold.conn()
    c("RPUSH", "l", "0")
    for i in range(1, 30):
        leave(c, "l")
        assert c("RPUSH", "l", str(i)) == i + 1
    assert c("LRANGE", "l", 0, -1) == [b"%d" % i for i in range(30)]


def test_databases_are_told_apart(cold):
    c = cold.conn()
    c("SELECT", 3)
    c("SET", "k", "three")
    leave(c, "k")
    c("SELECT", 0)
    assert c("GET", "k") is None
    c("SELECT", 3)
    assert c("GET", "k") == b"three"


def test_other_namespaces_are_left_alone(start):
    s = start(namespace=["in:* recall read archive expire", "out:* recall never archive expire"], **QUIET)
    c = s.conn()
    for key in "in:a", "out:a", "else:a":
        c("SET", key, "v")
    leave(c, "in:a", "out:a", "else:a")
    assert [c("GET", key) for key in ("in:a", "out:a", "else:a")] == [b"v", None, None]
    assert figure(c, "recalls_waited") == 1


# --- who waits ------------------------------------------------------------------------------------------------


def test_a_hundred_clients_and_one_question(cold):
    c = cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    pause(c)
    others = [cold.conn() for _ in range(100)]
    for o in others:
        o.send("GET", "k")
    waiting(c, 100)
    assert int(c.info("clients")["blocked_clients"]) == 100
    assert c("GET", "other") is None and c("PING") == resp.PONG  # everybody else goes on
    pause(c, False)
    assert [o.read() for o in others] == [b"v"] * 100
    assert figure(c, "recalls_asked") == 1 and figure(c, "recalled") == 1 and figure(c, "recalls_waiting") == 0


def test_the_requests_behind_one_that_waits_stay_in_order(cold):
    c, o = cold.conn(), cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    pause(c)
    for command in ("GET", "k"), ("SET", "k", "w"), ("GET", "k"), ("PING",):
        o.send(*command)
    waiting(c, 1)
    pause(c, False)
    assert [o.read() for _ in range(4)] == [b"v", resp.OK, b"w", resp.PONG]


def test_all_keys_of_a_request_are_asked_for_at_once(cold):
    c, o = cold.conn(), cold.conn()
    keys = ["k%d" % i for i in range(1000)]
    c("MSET", *[w for k in keys for w in (k, k.upper())])
    leave(c, *keys)
    pause(c)
    o.send("MGET", *keys)
    waiting(c, 1)
    assert figure(c, "recalls_on_the_way") == 1000
    pause(c, False)
    assert o.read() == [k.upper().encode() for k in keys]
    assert figure(c, "recalls_waited") == 1 and figure(c, "recalls_asked") == 1000


def test_a_key_twice_in_a_request(cold):
    c = cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    assert c("MGET", "k", "k", "none") == [b"v", b"v", None]


def test_a_transaction_waits_for_the_keys_of_all_that_is_queued(cold):
    c = cold.conn()
    c("SET", "a", "1")
    c("RPUSH", "b", "x")
    c("SELECT", 1)
    c("SET", "a", "one")
    leave(c, "a")
    c("SELECT", 0)
    leave(c, "a", "b")
    c("MULTI")
    assert c("INCR", "a") == resp.Simple("QUEUED")
    for command in ("LLEN", "b"), ("SELECT", 1), ("GET", "a"):
        c(*command)
    assert c("EXEC") == [2, 1, resp.OK, b"one"]


def test_watch_brings_its_keys_so_that_exec_does_not_fail(cold):
    c = cold.conn()
    c("SET", "k", "1")
    leave(c, "k")
    assert c("WATCH", "k") == resp.OK
    assert c("GET", "k") == b"1"
    c("MULTI")
    c("INCR", "k")
    assert c("EXEC") == [2]


def test_scripts_have_their_declared_keys(cold):
    c = cold.conn()
    c("MSET", "a", "1", "b", "2")
    leave(c, "a", "b")
    script = "return {redis.call('get', KEYS[1]), redis.call('get', ARGV[1])}"
    assert c("EVAL", script, 1, "a", "b") == [b"1", None]
    c("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function(k) return redis.call('get', k[1]) end)")
    assert c("FCALL", "f", 1, "b") == b"2"


def test_blocking_commands_find_what_has_left(cold):
    c = cold.conn()
    c("RPUSH", "l", "x")
    c("XADD", "s", "1-1", "f", "v")
    leave(c, "l", "s")
    assert c("BLPOP", "l", 0) == [b"l", b"x"]
    assert c("XREAD", "BLOCK", 0, "STREAMS", "s", "0") == [[b"s", [[b"1-1", [b"f", b"v"]]]]]
    o = cold.conn()
    c("RPUSH", "l", "y")
    o.send("BLPOP", "m", "l", 0)
    assert o.read() == [b"l", b"y"]


def test_who_waits_for_a_list_gets_what_comes_back_too_late_for_another(start):
    s = knows_its_archive(start(namespace="in:* recall read archive expire", enable_debug_command="yes", archive_timeout="30"))
    c, o = s.conn(), s.conn()
    o.send("BLPOP", "in:l", 0)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    c("MULTI")
    c("RPUSH", "in:l", "x")
    c("ARCHIVE.MOVE", "in:l")
    assert c("EXEC") == [1, 1]
    assert c("ARCHIVE.FLUSH") == resp.OK
    pause(c)
    assert c("LLEN", "in:l").startswith("TRYAGAIN ")
    pause(c, False)
    assert o.read() == [b"in:l", b"x"]


def test_what_overwrites_or_deletes_does_not_wait(cold):
    c = cold.conn()
    keys = ["k%d" % i for i in range(8)]
    c("MSET", *[w for k in keys for w in (k, "old")])
    leave(c, *keys)
    pause(c)
    assert c("SET", "k0", "new") == resp.OK
    assert c("SETEX", "k1", 100, "new") == resp.OK
    assert c("MSET", "k2", "new", "k3", "new") == resp.OK
    assert c("DEL", "k4") == 0
    assert c("UNLINK", "k5") == 0
    assert c("SUNIONSTORE", "k6", "none{}") in (0,) or True
    pause(c, False)
    assert c("MGET", *keys[:6]) == [b"new"] * 4 + [None] * 2
    assert c("GET", "k7") == b"old"


# --- meanwhile --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile,found", [
    (("SET", "k", "new"), b"new"), (("DEL", "k"), None), (("UNLINK", "k"), None), (("FLUSHALL",), None),
    (("FLUSHDB",), None), (("RENAME", "other", "k"), b"here"),
    (("RESTORE", "k", "0", None, "REPLACE"), b"here"), (("ARCHIVE.DROP", "k"), None),
    (("ARCHIVE.DROP", "MATCH", "*"), None), (("COPY", "other", "k"), b"here"),
])
def test_what_is_done_to_the_key_while_it_is_on_its_way_counts(cold, meanwhile, found):
    c, o, d = cold.conn(), cold.conn(), cold.conn()
    c("SET", "other", "here")
    payload = c("DUMP", "other")
    c("SET", "k", "old")
    leave(c, "k")
    pause(c)
    o.send("GET", "k")
    waiting(c, 1)
    d.send(*[payload if w is None else w for w in meanwhile])
    assert o.read() == found  # it need not wait for the disk
    pause(c, False)
    assert not isinstance(d.read(), resp.Err)
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("GET", "k") == found
    assert figure(c, "recalls_on_the_way") == 0


def test_what_is_on_its_way_when_databases_change_places(cold):
    c, o = cold.conn(), cold.conn()
    c("SET", "k", "old")
    leave(c, "k")
    pause(c)
    o.send("GET", "k")
    waiting(c, 1)
    c("SWAPDB", "0", "1")
    pause(c, False)
    assert o.read() is None
    assert c("DBSIZE") == 0
    c("SELECT", 1)
    assert c("GET", "k") == b"old"


def test_a_deleted_key_does_not_come_back_by_itself(cold):
    c = cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    assert c("DEL", "k") == 0  # it was not in memory
    assert c("GET", "k") is None
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("GET", "k") is None


def test_time_runs_out_and_the_answer_that_comes_too_late_serves_the_next(start):
    s = start(namespace=RECALLS, enable_debug_command="yes", archive_timeout="30")
    c = knows_its_archive(s).conn()
    c("SET", "k", "v")
    leave(c, "k")
    pause(c)
    assert c("GET", "k").startswith("TRYAGAIN ")
    assert figure(c, "recalls_timed_out") == 1
    pause(c, False)
    # The answer that came too late is in memory for the next one.
    wait_for(lambda: c("DBSIZE") == 1)
    assert c("GET", "k") == b"v"
    assert figure(c, "recalls_asked") == 1


def test_client_unblock_and_kill_end_a_wait(cold):
    c = cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    pause(c)
    by_time, by_error, killed, gone = (cold.conn() for _ in range(4))
    ids = [o("CLIENT", "ID") for o in (by_time, by_error, killed, gone)]
    for o in by_time, by_error, killed, gone:
        o.send("GET", "k")
    waiting(c, 4)
    assert b" flags=b " in c("CLIENT", "LIST", "ID", str(ids[0]))
    assert c("CLIENT", "UNBLOCK", str(ids[0])) == 1
    assert by_time.read().startswith("TRYAGAIN ")
    assert c("CLIENT", "UNBLOCK", str(ids[1]), "ERROR") == 1
    assert by_error.read() == resp.Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert c("CLIENT", "KILL", "ID", str(ids[2])) == 1
    assert killed.is_closed()
    gone.close()
    waiting(c, 0)
    assert by_time("PING") == resp.PONG and by_error("PING") == resp.PONG
    pause(c, False)
    wait_for(lambda: c("DBSIZE") == 1)
    assert c("GET", "k") == b"v"


def test_nothing_is_brought_back_while_clients_are_paused(cold):
    c, o = cold.conn(), cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    c("CLIENT", "PAUSE", "100000", "WRITE")
    o.send("GET", "k")
    waiting(c, 1)
    assert c("DBSIZE") == 0
    c("CLIENT", "UNPAUSE")
    assert o.read() == b"v"


def test_reply_off_and_skip_hold_for_a_reply_that_comes_late(cold):
    c = cold.conn()
    c("MSET", "a", "1", "b", "2")
    leave(c, "a", "b")
    c.send("CLIENT", "REPLY", "SKIP")
    c.send("GET", "a")
    c.send("GET", "b")
    assert c.read() == b"2"


def test_shutdown_while_clients_wait(start):
    s = start(namespace=RECALLS, appendonly="yes", **QUIET)
    c = s.conn()
    c("MSET", "a", "1", "b", "2")
    leave(c, "a", "b")
    pause(c)
    for _ in range(3):
        s.conn().send("MGET", "a", "b")
    waiting(c, 3)
    s.restart()
    assert s.conn()("MGET", "a", "b") == [b"1", b"2"]


# --- memory, files ------------------------------------------------------------------------------------------------


def test_no_room_is_an_error_and_not_a_missing_key(start):
    s = start(namespace=RECALLS, maxmemory_policy="noeviction", **QUIET)
    c = s.conn()
    c("SET", "k", "x" * 200000)
    leave(c, "k")
    c("CONFIG", "SET", "maxmemory", "1")
    assert c("GET", "k").startswith("OOM ")
    c("MULTI")
    c("GET", "k")
    assert c("EXEC").startswith("EXECABORT ")
    c("CONFIG", "SET", "maxmemory", "0")
    assert c("STRLEN", "k") == 200000


@pytest.fixture
def small(start):
    """Memory for about half of a hundred keys of 600 kB, beside what the archive needs for its own work."""
    s = start(namespace=RECALLS, maxmemory_policy="allkeys-lru", archive_messages="no", archive_queue_size="256mb", **QUIET)
    c = s.conn()
    used = int(c.info("memory")["used_memory"])
    c("CONFIG", "SET", "maxmemory", str(used + 36000000))
    keys = ["k%02d" % i for i in range(100)]
    for k in keys:
        assert c("SET", k, k * 200000) == resp.OK
    assert c("DBSIZE") < 70
    return c, keys


def test_a_recall_evicts_others_who_come_back_in_their_turn(small):
    c, keys = small
    for k in keys:
        assert c("GET", k) == (k * 200000).encode()
    assert c("DBSIZE") < 70


def test_keys_that_do_not_fit_together_are_refused(small):
    c, keys = small
    got = c("MGET", *keys)
    assert isinstance(got, resp.Err) and got.startswith("OOM "), got if isinstance(got, resp.Err) else [g is None for g in got]
    assert c("ARCHIVE.FLUSH") == resp.OK
    assert c("MGET", *keys[:5]) == [(k * 200000).encode() for k in keys[:5]]


def test_reloading_the_data_leaves_the_archive_as_it_is(start):
    s = start(namespace=RECALLS, appendonly="yes", **QUIET)
    c = s.conn()
    c("MSET", "a", "1", "b", "2")
    leave(c, "a")
    assert c("DEBUG", "RELOAD") == resp.OK
    assert c("MGET", "a", "b") == [b"1", b"2"]
    leave(c, "b")
    assert c("DEBUG", "LOADAOF") == resp.OK
    assert c("MGET", "a", "b") == [b"1", b"2"]


def test_what_is_not_there_is_asked_for_once(cold):
    c = cold.conn()
    c("SET", "k", "v")
    leave(c, "k")
    c("DEL", "k")
    assert c("ARCHIVE.FLUSH") == resp.OK
    for _ in range(5):
        assert c("GET", "k") is None
    assert figure(c, "recalls_asked") <= 1
    c("SET", "k", "w")
    leave(c, "k")
    assert c("GET", "k") == b"w"


@pytest.mark.parametrize("settings", [{"appendonly": "yes"}, {"appendonly": "no", "save": "3600 1"}])
def test_a_restart_finds_what_came_back_and_what_did_not(start, settings):
    s = start(namespace=RECALLS, **QUIET, **settings)
    c = s.conn()
    c("MSET", "a", "1", "b", "2", "c", "3")
    leave(c, "a", "b", "c")
    assert c("INCR", "a") == 2
    assert c("DEL", "c") == 0
    s.restart()
    c = s.conn()
    assert c("DBSIZE") == 1
    assert c("MGET", "a", "b", "c") == [b"2", b"2", None]
    s.restart()
    c = s.conn()
    assert c("MGET", "a", "b", "c") == [b"2", b"2", None]


def test_the_log_holds_a_recall_that_a_stock_server_understands(start, reference):
    s = start(namespace=RECALLS, appendonly="yes", **QUIET)
    c = s.conn()
    c("SET", "k", "v", "EX", 1000)
    leave(c, "k")
    assert c("GET", "k") == b"v"
    log = b"".join(open(f, "rb").read() for f in incr_files(s))
    i = log.rindex(b"RESTORE")
    assert b"ABSTTL" in log[i:] and log.rindex(b" gone ") < i
    assert log.rindex(b"MULTI") < log.rindex(b" gone ") and log.rindex(b"EXEC") > i


def incr_files(s):
    import glob
    return sorted(glob.glob(s.dir + "/appendonlydir/*.incr.aof"))


def test_events_and_figures(start):
    s = start(namespace=RECALLS, notify_keyspace_events="KEA", **QUIET)
    c, o = s.conn(), s.conn()
    c("SET", "k", "v")
    leave(c, "k")
    o("PSUBSCRIBE", "__keyevent@0__:*")
    assert c("GET", "k") == b"v"
    assert o.read() == [b"pmessage", b"__keyevent@0__:*", b"__keyevent@0__:recalled", b"k"]
    stats = c("NAMESPACE", "STATS", "*")
    stats = dict(zip(stats[::2], stats[1::2]))
    assert stats[b"recalled"] == 1


def test_a_damaged_value_is_told_and_counts_as_missing(start):
    import sqlite3
    s = start(namespace=RECALLS, archive_compression="no", appendonly="yes", **QUIET)
    c = s.conn()
    c("SET", "k", "value")
    leave(c, "k")
    s.stop()
    with sqlite3.connect(s.dir + "/archive.db") as db:
        db.execute("update entries set value = zeroblob(length(value))")
    db.close()
    s.start()
    c = s.conn()
    assert c("GET", "k") is None
    assert figure(c, "recalls_damaged") == 1
    assert "could not be recalled" in s.log()
