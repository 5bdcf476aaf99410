"""FT.SYNUPDATE and FT.SYNDUMP: words that stand for each other in queries."""
import pytest

from resp import Err, Map, OK


def found(c, *query):
    return sorted(c("FT.SEARCH", "idx", *query, "NOCONTENT")[1:])


def fill(c):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT") == OK
    for i, text in enumerate(["a red car", "an automobile", "the Café", "coffee houses", "boys", "a child"]):
        c("HSET", "d:%d" % i, "t", text)


def test_a_word_stands_for_all_of_its_groups(c):
    fill(c)
    assert found(c, "car") == [b"d:0"]
    assert c("FT.SYNUPDATE", "idx", "cars", "Car", "automobile") == OK
    assert c("FT.SYNUPDATE", "idx", "g2", "SKIPINITIALSCAN", "cafe", "coffee") == OK
    assert found(c, "car") == found(c, "AUTOMOBILE") == [b"d:0", b"d:1"]
    assert found(c, "cafe") == [b"d:3"]  # accents count
    assert c("FT.SYNUPDATE", "idx", "g2", "CAFÉ") == OK
    assert found(c, "café") == [b"d:2", b"d:3"]
    assert found(c, "automobile", "VERBATIM") == [b"d:1"]
    assert found(c, "automobile red") == [b"d:0"]
    assert c("FT.SYNUPDATE", "idx", "g3", "car", "child") == OK
    assert found(c, "car") == [b"d:0", b"d:1", b"d:5"] and found(c, "child") == [b"d:0", b"d:5"]


def test_they_are_told(c, c3):
    fill(c)
    assert c("FT.SYNDUMP", "idx") == []
    c("FT.SYNUPDATE", "idx", "b", "car", "automobile")
    c("FT.SYNUPDATE", "idx", "a", "car", "car")
    assert c("FT.SYNDUMP", "idx") == [b"automobile", [b"b"], b"car", [b"a", b"b"]]
    assert c3("FT.SYNDUMP", "idx") == Map([(b"automobile", [b"b"]), (b"car", [b"a", b"b"])])


def test_what_is_wrong_is_said(c):
    assert c("FT.SYNUPDATE", "none", "g", "a").startswith("SEARCH_INDEX_NOT_FOUND")
    assert c("FT.SYNDUMP", "none").startswith("SEARCH_INDEX_NOT_FOUND")
    fill(c)
    assert c("FT.SYNUPDATE", "idx", "g", "SKIPINITIALSCAN") == Err("ERR wrong number of arguments for 'ft.synupdate' command")
    assert c("FT.SYNUPDATE", "idx", "g", *map(str, range(8193))) == Err("Maximum synonym terms limit reached")
    for group in range(64):
        assert c("FT.SYNUPDATE", "idx", "g%d" % group, "word") == OK
    assert c("FT.SYNUPDATE", "idx", "one more", "new", "word") == Err("Maximum group IDs per term limit reached")
    assert c("FT.SYNDUMP", "idx")[::2] == [b"word"]


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_they_survive_a_restart_and_go_with_the_index(start, aof):
    s = start(appendonly=aof, save="3600 1")
    c = s.conn()
    fill(c)
    c("FT.SYNUPDATE", "idx", "cars", "car", "automobile")
    for rewrite in (False, True):
        if rewrite:
            assert c("SAVE") == OK
        s.restart(kill=aof == "yes")
        c = s.conn()
        assert found(c, "car") == [b"d:0", b"d:1"]
    assert c("FT.DROPINDEX", "idx") == OK
    fill(c)
    assert c("FT.SYNDUMP", "idx") == [] and found(c, "car") == [b"d:0"]
