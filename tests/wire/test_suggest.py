"""Suggestions: FT.SUGADD and its kin over a socket, and their dictionaries as values like any other."""
import math
import struct

import pytest

from resp import Double, Err, OK, Simple
from server import wait_for

WRONG = Err("WRONGTYPE Operation against a key holding the wrong kind of value")


def round_float(x):
    return struct.unpack("f", struct.pack("f", x))[0]


@pytest.fixture
def cities(c):
    for n, (name, score) in enumerate([("Kyoto", 1), ("Kyiv", 3), ("kyoto station", 10), ("Osaka", 2), ("Kýrenia", 0.5)]):
        assert c("FT.SUGADD", "cities", name, score) == n + 1
    return c


def test_suggestions_come_best_first_in_any_case_and_without_accents(cities):
    found = cities("FT.SUGGET", "cities", "KY", "WITHSCORES")
    assert found[::2] == ["kyoto station".encode(), b"Kyiv", b"Kyoto", "Kýrenia".encode()]
    want = [10 / math.sqrt(12), 3 / math.sqrt(3), 1 / math.sqrt(4), 0.5 / math.sqrt(6)]
    assert [float(s) for s in found[1::2]] == pytest.approx(want, rel=1e-6)
    assert cities("FT.SUGGET", "cities", "ky", "MAX", 1) == [b"kyoto station"]
    assert cities("FT.SUGGET", "cities", "nara") == []
    assert cities("FT.SUGGET", "none", "ky") is None


def test_the_very_text_is_the_best(c):
    c("FT.SUGADD", "k", "hello", 1)
    c("FT.SUGADD", "k", "hello world", 1000)
    assert c("FT.SUGGET", "k", "hello", "WITHSCORES")[:2] == [b"hello", b"2147483648"]


def test_fuzzy_finds_what_is_one_letter_off(cities):
    assert cities("FT.SUGGET", "cities", "kxot") == []
    assert cities("FT.SUGGET", "cities", "kyxto", "FUZZY") == [b"kyoto station", b"Kyoto"]
    assert cities("FT.SUGGET", "cities", "oska", "FUZZY") == [b"Osaka"]
    assert cities("FT.SUGGET", "cities", "kyoto", "FUZZY", "TRIM") == [b"kyoto station", b"Kyoto"]


def test_scores_and_payloads_are_replaced_or_added_to(c):
    assert c("FT.SUGADD", "k", "word", 2, "PAYLOAD", "one") == 1
    assert c("FT.SUGADD", "k", "word", 3, "INCR") == 1
    score = 5 / math.sqrt(3)
    assert c("FT.SUGGET", "k", "wo", "WITHSCORES", "WITHPAYLOADS") == [b"word", b"%s" % repr(round_float(score)).encode(), b"one"]
    assert c("FT.SUGADD", "k", "word", 1, "PAYLOAD", "two") == 1
    assert c("FT.SUGADD", "k", "wort", 4) == 2
    assert c("FT.SUGGET", "k", "wo", "WITHPAYLOADS") == [b"wort", None, b"word", b"two"]


def test_scores_are_numbers_in_resp3(c3):
    c3("FT.SUGADD", "k", "ab", 1)
    assert c3("FT.SUGGET", "k", "a", "WITHSCORES") == [b"ab", Double(round_float(1 / math.sqrt(2)))]


def test_what_is_removed_is_gone_and_an_empty_dictionary_too(cities):
    assert cities("FT.SUGDEL", "cities", "kyoto") == 0  # the text itself, in its case
    assert cities("FT.SUGDEL", "cities", "Kyoto") == 1
    assert cities("FT.SUGLEN", "cities") == 4
    for name in ("Kyiv", "kyoto station", "Osaka", "Kýrenia"):
        assert cities("FT.SUGDEL", "cities", name) == 1
    assert cities("EXISTS", "cities") == 0
    assert cities("FT.SUGLEN", "cities") == 0 and cities("FT.SUGDEL", "cities", "Osaka") == 0


@pytest.mark.parametrize("words, error", [
    ("FT.SUGADD k a", "ERR wrong number of arguments for 'ft.sugadd' command"),
    ("FT.SUGADD k a x", "ERR invalid score"),
    ("FT.SUGADD k a nan", "ERR invalid score"),
    ("FT.SUGADD k a inf", "ERR invalid score"),
    ("FT.SUGADD k a -inf", "ERR invalid score"),
    ("FT.SUGADD k a 1 WHAT", "Unknown argument `WHAT`"),
    ("FT.SUGADD k a 1 PAYLOAD", "Invalid payload: Expected an argument, but none provided"),
    ("FT.SUGGET k a MAX 0", "MAX: Value is outside acceptable bounds"),
    ("FT.SUGGET k a MAX", "MAX: Expected an argument, but none provided"),
    ("FT.SUGGET k a WHAT", "Unrecognized argument: WHAT"),
    ("FT.SUGGET k " + 200 * "a", "Invalid query length"),
])
def test_what_is_wrong_is_said(c, words, error):
    assert c(*words.split()) == Err(error)


def test_other_types_are_other_types(cities):
    cities("SET", "s", "x")
    for request in (("FT.SUGADD", "s", "a", 1), ("FT.SUGGET", "s", "a"), ("FT.SUGDEL", "s", "a"), ("FT.SUGLEN", "s"), ("GET", "cities")):
        assert cities(*request) == WRONG
    assert cities("TYPE", "cities") == Simple("trietype0")
    assert cities("SCAN", 0, "TYPE", "trietype0") == [b"0", [b"cities"]]


def test_texts_that_are_too_long_or_empty_are_not_added(c):
    assert c("FT.SUGADD", "k", "x" * 513, 1) == 0
    assert c("FT.SUGADD", "k", "", 1) == 0
    assert c("EXISTS", "k") == 0
    assert c("FT.SUGADD", "k", "x" * 512, 1) == 1


def state(c, key):
    return c("FT.SUGLEN", key), c("FT.SUGGET", key, "", "MAX", 10000, "WITHSCORES", "WITHPAYLOADS")


def test_a_dictionary_is_dumped_copied_renamed_and_weighed(cities):
    cities("FT.SUGADD", "cities", "Nara", 7, "PAYLOAD", b"\0\r\n")
    before = state(cities, "cities")
    dump = cities("DUMP", "cities")
    assert cities("RESTORE", "back", 0, dump) == OK
    assert cities("COPY", "cities", "copy") == 1
    cities("FT.SUGADD", "copy", "more", 1)
    assert cities("RENAME", "cities", "cities2") == OK
    assert state(cities, "back") == state(cities, "cities2") == before
    assert cities("FT.SUGLEN", "copy") == before[0] + 1
    assert cities("MEMORY", "USAGE", "back") > 500
    assert cities("OBJECT", "ENCODING", "back") == b"raw"
    broken = bytearray(dump)
    broken[12] ^= 0x55
    assert cities("RESTORE", "bad", 0, bytes(broken)) == Err("ERR DUMP payload version or checksum are wrong")


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_dictionaries_survive_a_restart_large_ones_too(start, aof):
    s = start(appendonly=aof, save="3600 1", enable_debug_command="yes")
    c = s.conn()
    for i in range(3000):
        c("FT.SUGADD", "large", "word %d" % i, i % 97, "PAYLOAD", str(i))
    c("FT.SUGADD", "small", "one", 1.5)
    c("FT.SUGADD", "small", "one", 2, "INCR")
    c("FT.SUGADD", "small", "two", 2)
    c("FT.SUGDEL", "small", "two")
    before = state(c, "large"), state(c, "small")
    s.restart(kill=aof == "yes")
    c = s.conn()
    assert (state(c, "large"), state(c, "small")) == before
    assert c("SAVE") == OK  # behind a large one, told in pieces
    s.restart()
    assert (state(s.conn(), "large"), state(s.conn(), "small")) == before


def test_no_more_than_2000_are_told_at_once(c):
    c.pipeline([("FT.SUGADD", "many", "word %d" % i, i + 1) for i in range(2100)])
    for how in (), ("FUZZY",):
        reply = c("FT.SUGGET", "many", "word", "MAX", 100000, *how)
        assert len(reply) == 2000 and reply[0] == b"word 2099"


def test_changes_are_told(server):
    c, sub = server.conn(), server.conn()
    c("CONFIG", "SET", "notify-keyspace-events", "KEA")
    try:
        sub("PSUBSCRIBE", "__keyevent@0__:*")
        c("FT.SUGADD", "k", "a", 1)
        c("FT.SUGDEL", "k", "a")
        assert [sub.read()[2].decode().split(":")[1] for _ in range(3)] == ["sugadd", "sugdel", "del"]
    finally:
        c("CONFIG", "SET", "notify-keyspace-events", "")


def test_an_expired_dictionary_is_in_the_archive(start):
    s = start(namespace=["d:* archive expire,evict,delete recall read"])
    c = s.conn()
    c("FT.SUGADD", "d:1", "lighthouse keeper", 2, "PAYLOAD", "p")
    c("PEXPIRE", "d:1", 1)
    wait_for(lambda: int(c.info("stats")["expired_keys"]) == 1)
    assert c("ARCHIVE.FLUSH") == OK
    assert b"d:1" in str(c("ARCHIVE.SEARCH", "lighthouse")).encode()
    assert c("FT.SUGGET", "d:1", "light", "WITHPAYLOADS") == [b"lighthouse keeper", b"p"]


def test_rights(start):
    c = start().conn()
    c("FT.SUGADD", "k", "a", 1)
    c("ACL", "SETUSER", "reader", "on", "nopass", "~k", "+@search", "-@write")
    c("AUTH", "reader", "x")
    assert c("FT.SUGGET", "k", "a") == [b"a"]
    assert c("FT.SUGADD", "k", "b", 1).startswith("NOPERM") and c("FT.SUGLEN", "other").startswith("NOPERM")
