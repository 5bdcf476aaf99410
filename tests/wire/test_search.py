"""ARCHIVE.SEARCH: messages of archived and live sessions by their words."""
import json
import os
import random
import re
import shlex
import sqlite3
import unicodedata

import pytest

from resp import Bool, Double, Err, Map, OK, PONG
from server import ROOT, Server, wait_for

pytestmark = pytest.mark.memd_only

CONF = """
port 0
enable-debug-command yes
appendonly no
save ""
archive-timeout 600000
archive-query-timeout 600000
namespace s:* archive expire,evict,delete,trim
namespace keep:* recall read
namespace len:* maxlen 3 archive trim
"""


@pytest.fixture
def s():
    server = Server(conf=CONF)
    yield server
    server.stop()
    server.destroy()


@pytest.fixture
def c(s):
    return s.conn()


def chat(role, content, **metadata):
    return json.dumps(dict({"role": role, "content": content}, **metadata))


def plain(value):
    """Bytes as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value


def as_dict(value):
    if isinstance(value, Map):
        return {plain(k): v for k, v in value}
    assert isinstance(value, list) and len(value) % 2 == 0, value
    return {plain(value[i]): value[i + 1] for i in range(0, len(value), 2)}


def search(conn, *args):
    reply = conn("ARCHIVE.SEARCH", *args)
    assert not isinstance(reply, Err), reply
    top = as_dict(reply)
    top["results"] = [{k: plain(v) for k, v in as_dict(r).items()} for r in top["results"]]
    assert set(top) == {"total", "partial", "results"}
    return top


def keys(conn, *args):
    return [r["key"] for r in search(conn, *args)["results"]]


def gone(conn, *names):
    wait_for(lambda: conn("EXISTS", *names) == 0)


# --- where sessions are ---------------------------------------------------------------------------------------------

def test_expired_deleted_trimmed_and_live_sessions_are_found_by_a_word(c):
    c("RPUSH", "s:expired", chat("user", "the quick heron"))
    c("PEXPIRE", "s:expired", "1")
    c("RPUSH", "s:deleted", chat("user", "the slow heron"))
    c("DEL", "s:deleted")
    c("RPUSH", "s:live", chat("user", "a heron that lives"))
    c("RPUSH", "len:1", *[chat("user", "heron %d" % i) for i in range(5)])
    c("RPUSH", "other", chat("user", "a heron of nobody's"))
    gone(c, "s:expired")
    found = search(c, "heron", "LIMIT", "0", "100")
    assert found["total"] == 8 and not found["partial"]
    assert {(r["key"], r["where"], r["reason"]) for r in found["results"]} == {
        ("s:expired", "archive", "expire"), ("s:deleted", "archive", "delete"), ("s:live", "live", None),
        ("len:1", "archive", "trim"), ("len:1", "live", None)}
    assert sorted(r["content"] for r in found["results"] if r["where"] == "archive" and r["key"] == "len:1") == [
        "heron 0", "heron 1"]
    assert keys(c, "heron", "MATCH", "s:*") == keys(c, "heron -0 -1 -2 -3 -4")


def test_evicted_sessions_are_found(s, c):
    for i in range(2000):
        c("RPUSH", "s:%d" % i, chat("user", "word%d and some more to fill the memory up with %s" % (i, "x" * 400)))
    c("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    limit = int(c.info("memory")["used_memory"])

    def squeeze():  # what counts against the limit is less than what is used
        nonlocal limit
        limit -= 16 << 10
        c("CONFIG", "SET", "maxmemory", str(limit))
        return int(c.info("stats")["evicted_keys"]) > 600  # of 54 that are looked for some are among them

    wait_for(squeeze)
    c("CONFIG", "SET", "maxmemory", "0")
    where = set()
    for i in range(0, 2000, 37):
        r = search(c, "word%d" % i)
        assert [x["key"] for x in r["results"]] == ["s:%d" % i], i
        where.add(r["results"][0]["where"])
    assert where == {"live", "archive"}


def test_after_a_restart_the_same_is_found(start):
    server = start(appendonly="yes", namespace="s:* archive expire,delete recall read")
    conn = server.conn()
    for i in range(20):
        conn("RPUSH", "s:%d" % i, chat("user", "common and w%d" % i))
    conn("DEL", *["s:%d" % i for i in range(0, 20, 2)])
    before = search(conn, "common", "LIMIT", "0", "50")
    assert before["total"] == 20
    server.restart(kill=False)
    conn = server.conn()
    after = search(conn, "common", "LIMIT", "0", "50")
    assert sorted((r["key"], r["where"]) for r in after["results"]) == \
        sorted((r["key"], r["where"]) for r in before["results"])


def test_every_type_that_lives_is_searched(c):
    c("SET", "s:string", "a heron in a string")
    c("SET", "s:json", json.dumps([{"role": "user", "content": "a heron in JSON"}, {"role": "user", "content": "no bird"}]))
    c("RPUSH", "s:list", "x", "a heron in a list")
    c("SADD", "s:set", "y", "a heron in a set")
    c("ZADD", "s:zset", "4.5", "a heron in a zset")
    c("HSET", "s:hash", "f", "a heron in a hash", "g", "z")
    c("XADD", "s:stream", "7-1", "role", "user", "content", "a heron in a stream")
    live = search(c, "heron", "LIMIT", "0", "20")["results"]
    assert {r["key"] for r in live} == {"s:" + t for t in "string json list set zset hash stream".split()}
    c("DEL", *[r["key"] for r in live])
    archived = search(c, "heron", "LIMIT", "0", "20")["results"]
    told = ("key", "type", "position", "id", "role", "field", "content", "metadata", "member_score", "score")
    assert sorted(repr([r.get(k) for k in told]) for r in live) == sorted(repr([r.get(k) for k in told]) for r in archived)
    by_type = {r["type"]: r for r in archived if r["key"] != "s:json"}
    assert by_type["hash"]["field"] == "f"
    assert by_type["stream"]["id"] == "7-1" and by_type["stream"]["at"] == 7 and by_type["stream"]["role"] == "user"
    assert float(by_type["zset"]["member_score"]) == 4.5 and by_type["list"]["position"] == 1


# --- what is asked --------------------------------------------------------------------------------------------------

def both(c, key, *messages):
    """A session in memory, and the same archived."""
    c("RPUSH", "s:live:" + key, *messages)
    c("RPUSH", "s:gone:" + key, *messages)
    c("DEL", "s:gone:" + key)


def test_phrases_prefixes_and_exclusions(c):
    both(c, "1", chat("user", "late checkout at the hotel"))
    both(c, "2", chat("user", "checkout is late"))
    want = lambda *which: {"s:%s:%s" % (p, w) for p in ("live", "gone") for w in which}
    assert set(keys(c, "late checkout")) == want("1", "2")
    assert set(keys(c, '"late checkout"')) == want("1")
    assert set(keys(c, "check*")) == want("1", "2")
    assert set(keys(c, "late -hotel")) == want("2")
    assert set(keys(c, "late NOT hotel")) == want("2")
    assert set(keys(c, "hotel OR is")) == want("1", "2")
    assert set(keys(c, "LATE Checkout!")) == want("1", "2")
    assert keys(c, "hot") == []
    assert keys(c, "near(late checkout)") == []
    assert len(keys(c, "*")) == 4


def test_roles_times_and_keys(c):
    both(c, "1", chat("user", "heron"), chat("assistant", "heron"))
    c("XADD", "s:stream", "1000-0", "role", "tool", "content", "heron")
    assert {r["role"] for r in search(c, "heron")["results"]} == {"user", "assistant", "tool"}
    assert {(r["key"], r["position"]) for r in search(c, "heron", "ROLE", "ASSISTANT")["results"]} == {
        ("s:live:1", 1), ("s:gone:1", 1)}
    assert keys(c, "heron", "UNTIL", "1000") == ["s:stream"] == keys(c, "heron", "SINCE", "1000", "UNTIL", "1000")
    assert "s:stream" not in keys(c, "heron", "SINCE", "1001") and len(keys(c, "heron", "SINCE", "1001")) == 4
    assert keys(c, "heron", "SINCE", "1001", "UNTIL", "1002") == []
    assert set(keys(c, "heron", "MATCH", "*gone*")) == {"s:gone:1"}
    assert keys(c, "heron", "MATCH", "[") == []


def test_metadata_and_fields(c):
    both(c, "1", chat("user", "heron", user={"name": "ann", "tags": ["a", "b"]}, n=9))
    both(c, "2", chat("user", "heron", user={"name": "bob", "tags": []}, n=10))
    c("HSET", "s:h", "text", "heron", "n", "11", "meta", json.dumps({"user": {"name": "cy"}}))
    at = lambda *w: {k.split(":", 1)[1].split(":")[-1] for k in keys(c, "heron", *w)}
    assert at("WHERE", "user.name", "=", "ann") == {"1"}
    assert at("WHERE", "user.name", "!=", "ann") == {"2"}
    assert at("WHERE", "user.tags", "=", "b") == {"1"}
    assert at("WHERE", "n", ">=", "10") == {"2", "h"}
    assert at("WHERE", "n", "<", "10") == {"1"}
    assert at("WHERE", "meta.user.name", "GLOB", "c?") == {"h"}
    assert at("WHERE", "n", ">", "8", "WHERE", "user.name", "IN", "ann,cy") == {"1"}
    assert at("WHERE", "nowhere", "=", "1") == set()


def test_highlights_mark_the_words(c):
    both(c, "1", chat("user", "un café à Kyōto, <i>cafe</i>"))
    for r in search(c, "cafe kyoto", "HIGHLIGHT")["results"]:
        assert r["content"] == "un <b>café</b> à <b>Kyōto</b>, <i><b>cafe</b></i>"
    for r in search(c, "cafe kyoto")["results"]:
        assert r["content"] == "un café à Kyōto, <i>cafe</i>"


def test_of_long_documents_the_part_with_the_words_is_shown(c):
    words = " ".join("filler%d" % (i % 977) for i in range(40000))
    text = words + " the hidden heron stands here " + words
    c("SET", "s:gone", text)
    c("DEL", "s:gone")
    c("SET", "s:live", text)
    got = search(c, "heron", "HIGHLIGHT")
    assert {r["key"] for r in got["results"]} == {"s:live", "s:gone"} and not got["partial"]
    for r in got["results"]:
        assert len(r["content"]) < 1200 and "hidden <b>heron</b> stands" in r["content"]
    c("SET", "s:larger", text * 3)
    assert search(c, "heron")["partial"]
    c("DEL", "s:larger")
    got = search(c, "heron")
    assert "s:larger" in {r["key"] for r in got["results"]} and not got["partial"]


def test_limit_pages_through_without_gaps(c):
    for i in range(60):
        both(c, str(i), chat("user", "heron " * (1 + i % 3)))
    everything = [(r["key"], r["score"]) for r in search(c, "heron", "LIMIT", "0", "1000")["results"]]
    assert len(everything) == 120 and len(set(everything)) == 120
    assert [s for _, s in everything] == sorted((s for _, s in everything), key=float, reverse=True)
    pages = []
    for offset in range(0, 130, 7):
        r = search(c, "heron", "LIMIT", str(offset), "7")
        assert r["total"] == 120
        pages += [(x["key"], x["score"]) for x in r["results"]]
    assert pages == everything
    assert len(search(c, "heron")["results"]) == 10
    assert search(c, "heron", "LIMIT", "0", "0")["results"] == []


def test_resp3_has_maps(s):
    conn = s.conn(resp3=True)
    conn("RPUSH", "s:1", chat("user", "heron"))
    reply = conn("ARCHIVE.SEARCH", "heron")
    assert isinstance(reply, Map)
    top = as_dict(reply)
    assert top["partial"] == Bool("f") and top["total"] == 1 and isinstance(top["results"][0], Map)
    assert isinstance(as_dict(top["results"][0])["score"], Double)


def test_a_text_of_several_versions_is_found_once(c):
    c("RPUSH", "s:1", chat("user", "heron one"))
    for i in range(3):
        c("PEXPIRE", "s:1", "1")
        gone(c, "s:1")
        c("RPUSH", "s:1", chat("user", "heron one"), chat("user", "turn%d" % i))
    assert [(r["key"], r["where"]) for r in search(c, "heron")["results"]] == [("s:1", "live")]
    assert [r["where"] for r in search(c, "turn0 OR turn1")["results"]] == ["archive", "archive"]


def test_only_the_selected_database_is_searched(c):
    both(c, "1", chat("user", "heron"))
    c("SELECT", "1")
    assert keys(c, "heron") == []
    c("RPUSH", "s:1", chat("user", "heron"))
    assert [(r["key"], r["db"]) for r in search(c, "heron")["results"]] == [("s:1", 1)]
    c("DEL", "s:1")
    assert [(r["key"], r["db"]) for r in search(c, "heron")["results"]] == [("s:1", 1)]


# --- bad questions --------------------------------------------------------------------------------------------------

def test_bad_arguments_are_refused(c):
    for args, want in [
        ((), "wrong number of arguments"),
        (("a", "MATCH"), "syntax error"), (("a", "WHERE", "a", "="), "syntax error"), (("a", "LIMIT", "1"), "syntax error"),
        (("a", "NONSENSE"), "syntax error"), (("a", "ROLE"), "syntax error"),
        (("a", "SINCE", "x"), "not an integer"), (("a", "UNTIL", "1.5"), "not an integer"),
        (("a", "SINCE", "99999999999999999999"), "not an integer"), (("a", "UNTIL", "nan"), "not an integer"),
        (("a", "LIMIT", "-1", "5"), "out of range"), (("a", "LIMIT", "0", "x"), "not an integer"),
        (("a", "LIMIT", "9999", "9999"), "archive-query-rows"),
        (("", ), "nothing to look for"), (("-a", ), "not excluded"), (('a "b', ), "quote at character 3"),
        (("a" * 5000, ), "longer than 4096"), (("a " * 50, ), "at most 32"), (("!!!", ), "neither letters nor digits"),
        (("a", "WHERE", "a..b", "=", "1"), "names with dots"), (("a", "WHERE", "a", "like", "1"), "one of = !="),
        (("a", *("WHERE", "a", "=", "1") * 17), "at most 16"),
    ]:
        reply = c("ARCHIVE.SEARCH", *args)
        assert isinstance(reply, Err) and want in reply, (args, reply)


def test_it_waits_neither_in_transactions_nor_in_scripts(c):
    c("MULTI")
    assert isinstance(c("ARCHIVE.SEARCH", "a"), Err)
    c("DISCARD")
    assert isinstance(c("EVAL", "return redis.call('ARCHIVE.SEARCH', 'a')", "0"), Err)


def test_random_bytes_are_a_query_or_refused_in_words(c):
    rng = random.Random(20260101)
    c("RPUSH", "s:1", *[chat("user", w) for w in ("a b c", "AND OR NOT", "NEAR", "é")])
    c("DEL", "s:1")
    alphabet = [b"a", b"b", b" ", b'"', b"*", b"(", b")", b"-", b"^", b":", b"+", b"{", b"NOT", b"OR", b"AND", b"NEAR(", b"'",
                b"\\", b"\0", b"\xff", b"\xc3", b"\xc3\xa9", b";", b"\r\n"]
    for _ in range(600):
        query = b"".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))
        reply = c("ARCHIVE.SEARCH", query, "WHERE", b"x" + query[:3], "=", query)
        if isinstance(reply, Err):
            assert re.search("query|path of WHERE", reply), (query, reply)


def test_an_archive_without_an_index(start):
    conn = start(namespace="s:* archive delete", archive_fts="none").conn()
    reply = conn("ARCHIVE.SEARCH", "a")
    assert isinstance(reply, Err) and "archive-fts was none" in reply


def test_trigrams_find_parts_of_words(start):
    conn = start(namespace="s:* archive delete", archive_fts="trigram").conn()
    conn("SET", "s:1", "京都のホテルを探す")
    conn("SET", "s:2", "unbelievable")
    conn("DEL", "s:1")
    assert keys(conn, "ホテル") == ["s:1"]
    assert keys(conn, "eliev") == ["s:2"]
    assert isinstance(conn("ARCHIVE.SEARCH", "ホ"), Err)


# --- users ----------------------------------------------------------------------------------------------------------

def test_users_find_what_they_may_read(s, c):
    both(c, "ann:1", chat("user", "heron"))
    both(c, "bob:1", chat("user", "heron"))
    c("ACL", "SETUSER", "ann", "on", "nopass", "+@archive", "~s:*:ann:*", "%W~s:*:bob:*", "resetchannels")
    c("ACL", "SETUSER", "none", "on", "nopass", "+archive.search")
    c("ACL", "SETUSER", "out", "on", "nopass", "+get", "~*")
    ann = s.conn()
    ann("AUTH", "ann", "x")
    found = search(ann, "heron")
    assert sorted(r["key"] for r in found["results"]) == ["s:gone:ann:1", "s:live:ann:1"] and found["total"] == 2
    nobody = s.conn()
    nobody("AUTH", "none", "x")
    assert search(nobody, "heron")["total"] == 0
    out = s.conn()
    out("AUTH", "out", "x")
    assert out("ARCHIVE.SEARCH", "heron").startswith("NOPERM")


# --- while others go on ---------------------------------------------------------------------------------------------

def test_searches_while_sessions_come_and_go_lose_none(s, c):
    """Each session is in memory or in the archive at any moment: a search finds it."""
    writer = s.conn()
    n = 300
    writer.pipeline([("RPUSH", "s:%d" % i, chat("user", "heron number%d" % i)) for i in range(n)])
    rng = random.Random(20260101)
    left = list(range(n))
    rng.shuffle(left)
    for _ in range(15):
        batch, left = left[:20], left[20:]
        c.send("ARCHIVE.SEARCH", "heron", "LIMIT", "0", "1000")
        writer.pipeline([("DEL", "s:%d" % i) for i in batch])
        top = as_dict(c.read())
        found = {plain(as_dict(r)["key"]) for r in top["results"]}
        assert len(found) == n and top["total"] == n, sorted(set("s:%d" % i for i in range(n)) - found)


def test_a_search_evicts_nothing(s, c):
    writer = s.conn()
    c.pipeline([("RPUSH", "s:%d" % i, chat("user", "heron " + "x" * 2000)) for i in range(5000)])
    c("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    c("CONFIG", "SET", "maxmemory", str(int(c.info("memory")["used_memory"]) + (5 << 20)))
    for _ in range(5):
        c.send("ARCHIVE.SEARCH", "heron")
        writer.pipeline([("SET", "other%d" % i, "1") for i in range(200)])
        assert as_dict(c.read())["total"] == 5000
    assert c.info("stats")["evicted_keys"] == "0"


def test_a_client_that_leaves_takes_its_search_along(s, c):
    c.pipeline([("RPUSH", "s:%d" % i, chat("user", "heron %d" % i)) for i in range(2000)])
    for _ in range(5):
        conn = s.conn()
        conn.send("ARCHIVE.SEARCH", "heron")
        conn.close()
    conn = s.conn()
    me = conn("CLIENT", "ID")
    conn.send("ARCHIVE.SEARCH", "heron")
    c("CLIENT", "KILL", "ID", str(me))
    assert search(c, "heron")["total"] == 2000
    assert c("DEBUG", "CHECK") == OK


def test_a_disk_that_fails_makes_answers_partial_and_nobody_waits(s, c):
    both(c, "1", chat("user", "heron"))
    assert search(c, "heron")["total"] == 2
    other = sqlite3.connect(os.path.join(s.dir, "archive.db"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # the archive's writer can write no more
    c("RPUSH", "s:gone:2", chat("user", "heron"))
    c("DEL", "s:gone:2")
    found = search(c, "heron")
    assert found["partial"] == 1 and {r["key"] for r in found["results"]} == {"s:live:1", "s:gone:1"}
    assert c("PING") == PONG
    other.execute("ROLLBACK")
    wait_for(lambda: search(c, "heron")["total"] == 3)
    assert not search(c, "heron")["partial"]


def test_who_waits_can_be_told_to_stop_and_stops_by_itself(s, c):
    both(c, "1", chat("user", "heron"))
    assert search(c, "heron")["total"] == 2
    c("DEBUG", "ARCHIVE-PAUSE", "yes")
    conn = s.conn()
    me = str(conn("CLIENT", "ID"))
    conn.send("ARCHIVE.SEARCH", "heron")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    assert c("CLIENT", "UNBLOCK", me, "ERROR") == 1
    assert conn.read().startswith("UNBLOCKED")
    c("CONFIG", "SET", "archive-query-timeout", "50")
    reply = conn("ARCHIVE.SEARCH", "heron")
    assert isinstance(reply, Err) and "no answer within 50 milliseconds" in reply
    c("CONFIG", "SET", "archive-query-timeout", "600000")
    conn.send("ARCHIVE.SEARCH", "heron")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    c("DEBUG", "ARCHIVE-PAUSE", "no")
    assert as_dict(conn.read())["total"] == 2


def test_after_a_kill_each_session_is_found_once(start):
    server = start(appendonly="yes", appendfsync="always", namespace="s:* archive expire,delete recall read")
    conn = server.conn()
    conn.pipeline([("RPUSH", "s:%d" % i, chat("user", "heron w%d" % i)) for i in range(100)])
    conn.pipeline([("DEL", "s:%d" % i) for i in range(0, 100, 2)])
    server.restart(kill=True)
    found = search(server.conn(), "heron", "LIMIT", "0", "1000")
    assert sorted((r["key"], r["where"]) for r in found["results"]) == sorted(
        ("s:%d" % i, "live" if i % 2 else "archive") for i in range(100))


def test_many_searches_at_once_are_all_answered(s, c):
    c.pipeline([("RPUSH", "s:%d" % i, chat("user", "heron %d" % i)) for i in range(500)])
    conns = [s.conn() for _ in range(30)]
    for conn in conns:
        conn.send("ARCHIVE.SEARCH", "heron", "LIMIT", "0", "1")
    for conn in conns:
        assert as_dict(conn.read())["total"] == 500


# --- against reading everything -------------------------------------------------------------------------------------

def words_of(text):
    text = "".join(ch for ch in unicodedata.normalize("NFD", text) if not unicodedata.combining(ch))
    return re.findall(r"\w+", text.replace("_", " ").lower())


VOCABULARY = ["ant", "bee", "Cat", "DOG", "élk", "fox", "gnü", "hen", "ibis", "42", "naïve", "jay's", "x-ray"]


def test_random_queries_find_what_reading_everything_finds(c):
    rng = random.Random(20260101)
    texts = {}
    commands, deletes = [], []
    for i in range(400):
        text = " ".join(rng.choice(VOCABULARY) for _ in range(1 + rng.randrange(9)))
        key = "s:%d" % i
        texts[key] = words_of(text)
        form = rng.randrange(4)
        if form == 0:
            commands.append(("RPUSH", key, chat("user", text)))
        elif form == 1:
            commands.append(("SET", key, text))
        elif form == 2:
            commands.append(("HSET", key, "f", text))
        else:
            commands.append(("RPUSH", key, json.dumps({"role": "user", "content": text}, ensure_ascii=False)))
        if rng.random() < 0.6:
            deletes.append(key)
    c.pipeline(commands)
    c("DEL", *deletes)

    def has(doc, term):
        words = words_of(term)
        if term.endswith("*"):
            return any(d.startswith(words[0]) for d in doc)
        return any(doc[i:i + len(words)] == words for i in range(len(doc)))

    for _ in range(150):
        groups = []
        for _ in range(1 + rng.randrange(2)):
            terms = []
            for j in range(1 + rng.randrange(3)):
                kind = rng.randrange(5)
                word = rng.choice(VOCABULARY)
                if kind == 0:
                    word = '"%s %s"' % (word, rng.choice(VOCABULARY))
                elif kind == 1:
                    word = words_of(word)[0][:2] + "*"
                terms.append(("-" if j > 0 and rng.random() < 0.3 else "", word))
            groups.append(terms)
        query = " OR ".join(" ".join(no + w for no, w in g) for g in groups)
        expected = {k for k, doc in texts.items()
                    if any(all(has(doc, w) != bool(no) for no, w in g) for g in groups)}
        found = search(c, query, "LIMIT", "0", "1000")
        assert {r["key"] for r in found["results"]} == expected, query
        assert found["total"] == len(expected)


def test_the_searches_that_the_document_shows_are_answered(c):
    with open(os.path.join(ROOT, "docs/search.md")) as f:
        shown = re.findall(r"^ARCHIVE\.SEARCH .*$", f.read(), re.M)
    assert len(shown) >= 5
    c("RPUSH", "s:1", chat("user", "late checkout, and kyoto"))
    for line in shown:
        assert as_dict(c(*shlex.split(line)))["partial"] == 0, line
    assert keys(c, *shlex.split(shown[0])[1:]) == ["s:1"]
