"""Client-side caching: CLIENT TRACKING and its messages."""
import pytest

from resp import Err, OK, PONG, Push, Set
from server import wait_for


def silent(conn):
    """Nothing is on its way: a reply comes with nothing before it."""
    assert conn("PING") in (PONG, [b"pong", b""])
    return True


def invalid(*keys):
    return Push([b"invalidate", list(keys)])


def test_a_key_that_was_read_is_told_once(c3, c):
    assert c3("CLIENT", "TRACKING", "ON") == OK
    c("SET", "a", "1")
    assert silent(c3)  # not read yet
    c3("GET", "a")
    c3("MGET", "b", "c")
    c("SET", "a", "2")
    assert c3.read() == invalid(b"a")
    c("SET", "a", "3")
    assert silent(c3)
    c("LPUSH", "c", "x")
    assert c3.read() == invalid(b"c")
    assert c3("CLIENT", "TRACKING", "OFF") == OK
    c("SET", "b", "1")
    assert silent(c3)


def test_reading_alone_is_tracked_and_the_own_change_follows_the_reply(c3):
    c3("CLIENT", "TRACKING", "ON")
    c3("SET", "a", "1")
    assert silent(c3)
    c3("GET", "a")
    assert c3("SET", "a", "2") == OK
    assert c3.read() == invalid(b"a")
    c3("HSET", "h", "f", "v")
    c3("HGET", "h", "f")
    c3.send("MULTI")
    c3.send("HDEL", "h", "f")
    c3.send("EXEC")
    assert [c3.read() for _ in range(3)][2] == [1]
    assert c3.read() == invalid(b"h")


def test_noloop(c3, c):
    c3("CLIENT", "TRACKING", "ON", "NOLOOP")
    c3("GET", "a")
    c3("SET", "a", "1")
    assert silent(c3)
    c3("GET", "a")
    c("SET", "a", "2")
    assert c3.read() == invalid(b"a")


def test_expiry_and_deletion_are_changes(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c3.pipeline([("MULTI",), ("SET", "a", "1", "PX", "30"), ("SET", "b", "1"), ("MGET", "a", "b"), ("EXEC",)])
    assert c3.read() == invalid(b"a")
    c("DEL", "b")
    assert c3.read() == invalid(b"b")


def test_keys_are_forgotten_when_nobody_tracks_any_more(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c3("MGET", "a", "b", "c")
    c3("CLIENT", "TRACKING", "OFF")
    c("SET", "a", "1")
    assert b"tracking_total_keys:2" in c("INFO", "stats")
    c("FLUSHALL")
    assert b"tracking_total_keys:0" in c("INFO", "stats")
    c3("CLIENT", "TRACKING", "ON")
    c("SET", "b", "1")
    assert silent(c3)


def test_what_a_script_reads_is_tracked_for_its_caller(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c3("EVAL", "redis.call('SET', 'a', 1)", 2, "a", "b")
    c3("EVAL_RO", "redis.call('GET', 'b')", 2, "a", "b")
    c("MSET", "a", "2", "b", "2")
    assert c3.read() == invalid(b"b")
    assert silent(c3)


def test_a_table_that_is_made_smaller_forgets_at_once(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c3("MGET", "a", "b", "c")
    c("CONFIG", "SET", "tracking-table-max-keys", 1)
    try:
        c3.send("MULTI")
        got = [c3.read() for _ in range(3)]
        assert got[2] == OK and all(g[0] == b"invalidate" for g in got[:2])
        c3("DISCARD")
        assert b"tracking_total_keys:1" in c("INFO", "stats")
    finally:
        c("CONFIG", "SET", "tracking-table-max-keys", 1000000)


def test_a_flush_makes_all_invalid(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c("MSET", "a", "1", "b", "2")
    c3("MGET", "a", "b")
    c("FLUSHALL")
    assert c3.read() == Push([b"invalidate", None])
    assert silent(c3)
    assert c("INFO", "stats").count(b"tracking_total_keys:0") == 1


def test_databases_that_change_places_make_all_invalid(c3, c):
    c3("CLIENT", "TRACKING", "ON")
    c3("GET", "a")
    assert c("SWAPDB", "0", "1") == OK
    assert c3.read() == Push([b"invalidate", None])
    assert c("SWAPDB", "0", "1") == OK
    assert c3.read() == Push([b"invalidate", None])


def test_optin(c3, c):
    c3("CLIENT", "TRACKING", "ON", "OPTIN")
    c3("GET", "a")
    c("SET", "a", "1")
    assert silent(c3)
    assert c3("CLIENT", "CACHING", "YES") == OK
    c3("GET", "a")
    c3("GET", "b")
    c("MSET", "a", "2", "b", "2")
    assert c3.read() == invalid(b"a")
    assert silent(c3)


def test_optin_holds_for_a_whole_transaction(c3, c):
    c3("CLIENT", "TRACKING", "ON", "OPTIN")
    c3("CLIENT", "CACHING", "YES")
    for cmd in (["MULTI"], ["GET", "a"], ["GET", "b"], ["EXEC"]):
        c3(*cmd)
    c("SET", "a", "1")
    assert c3.read() == invalid(b"a")
    c("SET", "b", "1")
    assert c3.read() == invalid(b"b")


def test_optout(c3, c):
    c3("CLIENT", "TRACKING", "ON", "OPTOUT")
    c3("CLIENT", "CACHING", "NO")
    c3("GET", "a")
    c3("GET", "b")
    c("MSET", "a", "1", "b", "1")
    assert c3.read() == invalid(b"b")
    assert silent(c3)


def test_broadcast_by_prefix(c3, c):
    assert c3("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "user:", "PREFIX", "item:") == OK
    c("MSET", "user:1", "x", "item:2", "x", "other", "x")
    got = [c3.read(), c3.read()]
    assert sorted(got) == [invalid(b"item:2"), invalid(b"user:1")]
    assert silent(c3)
    # What changes in one turn comes in one message, each name once.
    c.pipeline([["MULTI"], ["SET", "user:1", "a"], ["SET", "user:1", "b"], ["SET", "user:2", "b"], ["EXEC"]])
    msg = c3.read()
    assert type(msg) is Push and sorted(msg[1]) == [b"user:1", b"user:2"]
    # More prefixes are added to those that are there.
    c3("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "z")
    assert c3("CLIENT", "TRACKINGINFO").dict()[b"prefixes"] == [b"item:", b"user:", b"z"]
    c3("CLIENT", "TRACKING", "OFF")
    c("SET", "user:1", "y")
    assert silent(c3)


def test_broadcast_of_everything_without_the_own_changes(c3, c):
    c3("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP")
    c3("SET", "mine", "1")
    assert silent(c3)
    c("SET", "theirs", "1")
    assert c3.read() == invalid(b"theirs")


def test_redirect_to_a_resp2_subscriber(c, c2, server):
    c2_id = c2("CLIENT", "ID")
    c2("SUBSCRIBE", "__redis__:invalidate")
    assert c("CLIENT", "TRACKING", "ON", "REDIRECT", str(c2_id)) == OK
    assert c("CLIENT", "GETREDIR") == c2_id
    c("GET", "a")
    with server.conn() as other:
        other("SET", "a", "1")
        assert c2.read() == [b"message", b"__redis__:invalidate", [b"a"]]
        c("GET", "a")
        other("FLUSHALL")
        assert c2.read() == [b"message", b"__redis__:invalidate", None]
    # Without a subscription there is no way to tell it, and no harm done.
    c2("UNSUBSCRIBE")
    c("GET", "a")
    c("SET", "a", "1")
    assert silent(c2)


def test_a_redirection_that_breaks(c3, c, server):
    with server.conn(resp3=True) as target:
        target_id = target("CLIENT", "ID")
        c3("CLIENT", "TRACKING", "ON", "REDIRECT", str(target_id))
        c3("GET", "a")
        c("SET", "a", "1")
        assert target.read() == invalid(b"a")
        c3("GET", "a")
    wait_for(lambda: b"id=%d " % target_id not in c("CLIENT", "LIST"))
    c("SET", "a", "1")
    assert c3.read() == Push([b"tracking-redir-broken", target_id])
    assert b"broken_redirect" in c3("CLIENT", "TRACKINGINFO").dict()[b"flags"]
    assert b"flags=tR" in c3("CLIENT", "INFO")


def test_the_table_is_bounded(start):
    server = start(tracking_table_max_keys=3)
    with server.conn(resp3=True) as a, server.conn() as b:
        a("CLIENT", "TRACKING", "ON")
        a("MGET", "a", "b", "c")
        a.send("GET", "d")
        assert a.read() is None
        pushed = a.read()
        assert type(pushed) is Push and pushed[1][0] in (b"a", b"b", b"c")
        assert b"tracking_total_keys:3\r\ntracking_total_items:3" in b("INFO", "stats")
        b("CONFIG", "SET", "tracking-table-max-keys", "1")
        told = {a.read()[1][0], a.read()[1][0]}
        assert len(told) == 2
        wait_for(lambda: b"tracking_total_keys:1\r\n" in b("INFO", "stats"))


def test_info_counts_and_reset_ends_it(c3, c):
    c3("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "p")
    assert b"tracking_clients:1\r\n" in c("INFO", "clients")
    assert b"tracking_total_prefixes:1\r\n" in c("INFO", "stats")
    assert b"flags=tB" in c3("CLIENT", "INFO") and b" redir=0 " in c3("CLIENT", "INFO")
    c3("RESET")
    assert b"tracking_clients:0\r\n" in c("INFO", "clients")
    assert b"tracking_total_prefixes:0\r\n" in c("INFO", "stats")
    assert c3("CLIENT", "GETREDIR") == -1


@pytest.mark.parametrize("words, text", [
    (["MAYBE"], "ERR syntax error"),
    (["ON", "NOPE"], "ERR syntax error"),
    (["ON", "REDIRECT"], "ERR syntax error"),
    (["ON", "REDIRECT", "x"], "ERR value is not an integer or out of range"),
    (["ON", "REDIRECT", "999999"], "ERR The client ID you want redirect to does not exist"),
    (["ON", "PREFIX", "a"], "ERR PREFIX option requires BCAST mode to be enabled"),
    (["ON", "BCAST", "OPTIN"], "ERR OPTIN and OPTOUT are not compatible with BCAST"),
    (["ON", "OPTIN", "OPTOUT"], "ERR You can't specify both OPTIN mode and OPTOUT mode"),
    (["ON", "BCAST", "PREFIX", "foo", "PREFIX", "foobar"],
     "ERR Prefix 'foo' overlaps with another provided prefix 'foobar'. Prefixes for a single client must not overlap."),
])
def test_wrong_options(c, words, text):
    assert c("CLIENT", "TRACKING", *words) == Err(text)
    assert c("CLIENT", "TRACKINGINFO") == [b"flags", [b"off"], b"redirect", -1, b"prefixes", []]


def test_modes_are_not_switched_in_flight(c3):
    c3("CLIENT", "TRACKING", "ON", "OPTIN")
    assert c3("CLIENT", "TRACKING", "ON", "BCAST").startswith("ERR You can't switch BCAST mode on/off before")
    assert c3("CLIENT", "TRACKING", "ON", "OPTOUT").startswith("ERR You can't switch OPTIN/OPTOUT mode before")
    assert c3("CLIENT", "CACHING", "NO") == Err(
        "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    c3("CLIENT", "CACHING", "YES")
    assert c3("CLIENT", "TRACKINGINFO").dict()[b"flags"] == Set([b"on", b"optin", b"caching-yes"])
    c3("CLIENT", "TRACKING", "OFF")
    assert c3("CLIENT", "CACHING", "YES").startswith("ERR CLIENT CACHING can be called only when the client")
    c3("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "foo")
    assert c3("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "foobar") == Err(
        "ERR Prefix 'foobar' overlaps with an existing prefix 'foo'. Prefixes for a single client must not overlap.")


def test_many_clients_of_one_key(start):
    server = start()
    conns = [server.conn(resp3=True) for _ in range(40)]
    for conn in conns:
        conn("CLIENT", "TRACKING", "ON")
        conn("GET", "k")
        conn("GET", "k")
    with server.conn() as c:
        assert b"tracking_total_keys:1\r\ntracking_total_items:40\r\n" in c("INFO", "stats")
        conns.pop().close()
        c("SET", "k", "v")
    for conn in conns:
        assert conn.read() == invalid(b"k")
        conn.close()
