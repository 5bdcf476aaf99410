"""Sessions that are JSON documents: ARCHIVE.SEARCH finds their messages live and archived in one answer, FT.SEARCH the documents that live."""
import json

import pytest

from resp import OK
from server import Server, wait_for
from test_search import CONF, keys, search

pytestmark = pytest.mark.memd_only


@pytest.fixture
def c():
    server = Server(conf=CONF)
    c = server.conn()
    assert c("FT.CREATE", "sessions", "ON", "JSON", "PREFIX", 1, "s:", "SCHEMA", "$.messages[*].content", "AS", "text", "TEXT", "$.user", "AS",
             "user", "TAG") == OK
    yield c
    server.stop()
    server.destroy()


def session(c, key, *messages, **more):
    document = dict({"messages": [{"role": r, "content": text, **meta} for r, text, meta in messages]}, **more)
    assert c("JSON.SET", key, "$", json.dumps(document, ensure_ascii=False)) == OK


def fill(c):
    for key in ("s:live", "s:gone"):
        session(c, key, ("user", "Is there a Café in Kyōto?", {"n": 1}), ("assistant", "the heron café, near the river", {"n": 2}),
                ("user", "x-ray of my foot", {"n": 3}), user="ann", session_id=key)
    c("DEL", "s:gone")


def found(c, query):
    return c("FT.SEARCH", "sessions", query, "NOCONTENT")[1:]


def test_messages_are_found_live_and_archived(c):
    fill(c)
    got = search(c, "cafe")
    assert got["total"] == 4 and {(r["key"], r["where"], r["role"], r["position"]) for r in got["results"]} == {
        (key, where, role, at) for key, where in (("s:live", "live"), ("s:gone", "archive")) for role, at in (("user", 0), ("assistant", 1))}
    assert {r["type"] for r in got["results"]} == {"json"}
    assert sorted(keys(c, "cafe", "ROLE", "assistant")) == ["s:gone", "s:live"]
    assert [r["content"] for r in search(c, "*", "WHERE", "n", "=", "3")["results"]] == ["x-ray of my foot"] * 2
    assert sorted(keys(c, "ann")) == ["s:gone", "s:live"]  # what stands beside the messages


@pytest.mark.parametrize("ft, archive", [("CAFÉ kyōto", "CAFE kyoto"), ('"x ray"', '"x ray"'), ("her*", "her*"), ("heron -train", "heron -train"),
                                         ("train | heron", "train OR heron"), ("nothing", "nothing")])
def test_both_searches_part_words_alike(c, ft, archive):
    """Accents apart: words of FT.SEARCH have them, those of the archive have none."""
    fill(c)
    live = {r["key"] for r in search(c, archive)["results"] if r["where"] == "live"}
    assert {key.decode() for key in found(c, ft)} == live
    assert live == (set() if ft == "nothing" else {"s:live"})


def test_a_session_is_in_one_place_at_a_time(c):
    session(c, "s:1", ("user", "a heron", {}))
    assert found(c, "heron") == [b"s:1"] and [r["where"] for r in search(c, "heron")["results"]] == ["live"]
    c("JSON.ARRAPPEND", "s:1", "$.messages", '{"role":"assistant","content":"an egret"}')
    assert found(c, "egret") == [b"s:1"] and [r["role"] for r in search(c, "egret")["results"]] == ["assistant"]
    c("PEXPIRE", "s:1", 1)
    wait_for(lambda: c("EXISTS", "s:1") == 0)
    assert found(c, "heron") == [] and found(c, "egret") == []
    assert [(r["where"], r["reason"]) for r in search(c, "heron OR egret")["results"]] == [("archive", "expire")] * 2
    assert c("ARCHIVE.RECALL", "s:1") == 1
    assert found(c, "egret") == [b"s:1"] and [r["where"] for r in search(c, "egret")["results"]] == ["live"]


def test_other_documents_are_texts_as_a_whole(c):
    for key in ("s:live", "s:gone"):
        c("JSON.SET", key, "$", '{"title":"Wetlands","body":"herons and egrets","tags":["bird"]}')
    c("DEL", "s:gone")
    for word in ("wetlands", "egrets", "bird"):
        assert sorted((r["key"], r["where"]) for r in search(c, word)["results"]) == [("s:gone", "archive"), ("s:live", "live")]
