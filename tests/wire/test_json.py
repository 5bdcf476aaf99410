"""Documents: JSON.* over a socket, both dialects of paths, both protocols."""
import json
import random

import pytest

import server as srv
from resp import Bool, Double, Err, NIL_ARRAY, OK, Map, Simple, encode
from server import wait_for

NO_KEY = Err("ERR could not perform this operation on a key that doesn't exist")
WRONG = Err("WRONGTYPE Operation against a key holding the wrong kind of value")
DOC = {"user": {"id": 7, "name": "Zoë"}, "tags": ["a", "b"], "n": 1.5, "deep": [{"x": 1}, {"x": [2, 3]}], "ok": True, "none": None}
TEXT = json.dumps(DOC, ensure_ascii=False, separators=(",", ":"))


@pytest.fixture
def doc(c):
    assert c("JSON.SET", "doc", "$", json.dumps(DOC)) == OK
    return c


def get(c, *args):
    return json.loads(c("JSON.GET", *args))


def test_a_document_comes_back_as_it_was_but_for_its_spaces(doc):
    assert doc("JSON.GET", "doc").decode() == TEXT
    assert doc("JSON.GET", "doc", ".").decode() == TEXT
    assert doc("JSON.GET", "doc", "$").decode() == "[%s]" % TEXT
    assert doc("TYPE", "doc") == Simple("ReJSON-RL")
    assert doc("JSON.GET", "nothing") is None


@pytest.mark.parametrize("text", ["12345678901234567890123", "1e400", "-0", "1.0", "9007199254740993", "0.1", "1E+2", "[1.50]", "\"\\u0000\""])
def test_numbers_and_strings_keep_their_text(c, text):
    assert c("JSON.SET", "n", "$", text) == OK
    assert c("JSON.GET", "n").decode() == text


def test_set_makes_changes_and_refuses(doc):
    assert doc("JSON.SET", "doc", "$.user.id", "8") == OK and get(doc, "doc", "$.user.id") == [8]
    assert doc("JSON.SET", "doc", "$.user.mail", '"m"') == OK and get(doc, "doc", ".user.mail") == "m"
    assert doc("JSON.SET", "doc", "$.user.mail", '"x"', "NX") is None
    assert doc("JSON.SET", "doc", "$.user.phone", '"x"', "XX") is None
    assert doc("JSON.SET", "doc", "$", "1", "NX") is None and doc("JSON.SET", "new", "$", "1", "XX") is None
    assert doc("JSON.SET", "doc", "$.no.such.path", "1") is None
    assert doc("JSON.SET", "doc", "$..x", "0") == OK and get(doc, "doc", "$.deep") == [[{"x": 0}, {"x": 0}]]
    assert doc("JSON.SET", "doc", "$.tags[9]", "1") == Err("ERR array index out of range")
    assert doc("JSON.SET", "doc", "$.*.new", "1") == Err("ERR wrong static path")
    assert doc("JSON.SET", "other", "$.a", "1") == Err("ERR new objects must be created at the root")
    assert doc("JSON.SET", "doc", "$", "{bad}") == Err("ERR key must be a string at line 1 column 2")
    assert doc("JSON.SET", "doc", "$", "1", "MAYBE") == Err("ERR syntax error")
    assert doc("JSON.SET", "doc", "$[", "1").startswith("ERR Error occurred on position")
    assert doc("SET", "s", "x") == OK and doc("JSON.SET", "s", "$", "1") == WRONG and doc("JSON.GET", "s") == WRONG
    assert doc("GET", "doc") == WRONG and doc("APPEND", "doc", "x") == WRONG
    assert doc("SET", "doc", "plain") == OK and doc("GET", "doc") == b"plain"


def test_a_ttl_stays_when_a_document_changes(c):
    c("JSON.SET", "d", "$", "{}")
    c("PEXPIREAT", "d", 4000000000000)
    for words in (["JSON.SET", "d", "$.a", "1"], ["JSON.SET", "d", "$", '{"a":1}'], ["JSON.NUMINCRBY", "d", "$.a", 1],
                  ["JSON.SET", "d", "$.long", json.dumps("x" * 10000)], ["JSON.DEL", "d", "$.long"]):
        c(*words)
        assert c("PEXPIRETIME", "d") == 4000000000000, words


@pytest.mark.parametrize("write", [["SET", "d", "abcd"], ["SET", "d", "abcd", "KEEPTTL"], ["MSET", "d", "abcd"], ["BITOP", "OR", "d", "four"]])
@pytest.mark.parametrize("ttl", [None, 100])
def test_a_string_of_the_same_length_takes_a_documents_place(c, write, ttl):
    c("SET", "four", "abcd")
    c("JSON.SET", "d", "$", "1234")
    if ttl: c("EXPIRE", "d", ttl)
    c(*write)
    assert (c("TYPE", "d"), c("GET", "d")) == (Simple("string"), b"abcd")
    assert c("JSON.GET", "d") == WRONG


def test_get_of_several_paths_and_printed(doc):
    assert get(doc, "doc", "$.user.id", "$.n") == {"$.user.id": [7], "$.n": [1.5]}
    assert get(doc, "doc", ".user.id", ".n") == {".user.id": 7, ".n": 1.5}
    assert get(doc, "doc", ".user.id", "$.n") == {".user.id": [7], "$.n": [1.5]}
    assert doc("JSON.GET", "doc", ".nope") == Err("ERR Path does not exist")
    assert doc("JSON.GET", "doc", "$.nope") == b"[]"
    assert doc("JSON.GET", "doc", "NOESCAPE", "$.n") == b"[1.5]"
    assert doc("JSON.GET", "doc", "INDENT", "  ", "NEWLINE", "\n", "SPACE", " ", ".user") == '{\n  "id": 7,\n  "name": "Zoë"\n}'.encode()
    assert doc("JSON.GET", "doc", "FORMAT", "STRING", ".n") == Err("ERR FORMAT argument is not supported on RESP2")


def test_mget_mset(c):
    assert c("JSON.MSET", "a", "$", '{"v":1}', "b", "$", '{"v":2}') == OK
    c("SET", "s", "x")
    assert c("JSON.MGET", "a", "b", "nothing", "s", "$.v") == [b"[1]", b"[2]", None, None]
    assert c("JSON.MGET", "a", "b", ".v") == [b"1", b"2"]
    assert c("JSON.MGET", "a", ".w") == [None]
    assert c("JSON.MSET", "a", "$.v", "5", "new", "$.x", "1") == Err("ERR new objects must be created at the root")
    assert c("JSON.MSET", "a", "$.v", "5", "s", "$", "1") == WRONG
    assert c("JSON.MSET", "a", "$.v", "5", "b", "$", "{") .startswith("ERR EOF")
    assert c("JSON.GET", "a", "$.v") == b"[1]", "all or nothing"
    assert c("JSON.MSET", "a", "$") == Err("ERR wrong number of arguments for 'json.mset' command")


def test_del(doc):
    assert doc("JSON.DEL", "doc", "$.tags[0]") == 1 and get(doc, "doc", ".tags") == ["b"]
    assert doc("JSON.DEL", "doc", "$..x") == 2 and get(doc, "doc", ".deep") == [{}, {}]
    assert doc("JSON.DEL", "doc", "$.nope") == 0
    assert doc("JSON.DEL", "doc", "$.user", ) == 1
    assert doc("JSON.DEL", "doc", "$.*") == 5 and doc("EXISTS", "doc") == 0
    doc("JSON.SET", "doc", "$", "[1,2,3]")
    assert doc("JSON.FORGET", "doc", "$[0,1]") == 2 and doc("JSON.GET", "doc") == b"[3]"
    assert doc("JSON.DEL", "doc") == 1 and doc("JSON.DEL", "doc") == 0


def test_types_and_lengths(doc):
    assert doc("JSON.TYPE", "doc", "$.*") == [b"object", b"array", b"number", b"array", b"boolean", b"null"]
    assert doc("JSON.TYPE", "doc", ".user.id") == b"integer" and doc("JSON.TYPE", "doc") == b"object"
    assert doc("JSON.TYPE", "doc", ".nope") is None and doc("JSON.TYPE", "nothing") is None
    assert doc("JSON.STRLEN", "doc", "$.user.*") == [None, 4] and doc("JSON.STRLEN", "doc", ".user.name") == 4
    assert doc("JSON.STRLEN", "doc", ".n") == Err("WRONGTYPE wrong type of path value - expected string")
    assert doc("JSON.STRLEN", "nothing") is None and doc("JSON.STRLEN", "nothing", "$") == NO_KEY
    assert doc("JSON.ARRLEN", "doc", "$.*") == [None, 2, None, 2, None, None] and doc("JSON.ARRLEN", "doc", ".tags") == 2
    assert doc("JSON.ARRLEN", "doc", ".n") == Err("ERR Path does not exist or not an array")
    assert doc("JSON.OBJLEN", "doc", "$.*")[:2] == [2, None] and doc("JSON.OBJLEN", "doc") == 6
    assert doc("JSON.OBJKEYS", "doc", ".user") == [b"id", b"name"]
    assert doc("JSON.OBJKEYS", "doc", "$.*")[0] == [b"id", b"name"]
    assert doc("JSON.RESP", "doc", ".deep") == [Simple("["), [Simple("{"), b"x", 1], [Simple("{"), b"x", [Simple("["), 2, 3]]]
    assert doc("JSON.RESP", "doc", "$.ok") == [Simple("true")]
    assert doc("JSON.DEBUG", "MEMORY", "doc") == doc("MEMORY", "USAGE", "doc", "SAMPLES", 0) and doc("JSON.DEBUG", "MEMORY", "doc", "$.tags") == [9]
    assert doc("JSON.DEBUG", "NONE") == Err("ERR unknown subcommand - try `JSON.DEBUG HELP`")


def test_numbers(c, c3):
    c("JSON.SET", "d", "$", '{"a":1,"b":"x","c":{"a":2.5}}')
    assert c("JSON.NUMINCRBY", "d", "$..a", 2) == b"[3,4.5]"
    assert c("JSON.NUMINCRBY", "d", "$.*", 1) == b"[4,null,null]"
    assert c("JSON.NUMINCRBY", "d", ".a", "0.5") == b"4.5"
    assert c("JSON.NUMMULTBY", "d", "$.a", 2) == b"[9.0]"
    assert c("JSON.NUMINCRBY", "d", ".b", 1) == Err("ERR Path does not exist or does not contains a number")
    assert c("JSON.NUMINCRBY", "d", ".a", "x").startswith("ERR expected value")
    assert c("JSON.NUMINCRBY", "nothing", "$", 1) == NO_KEY
    c("JSON.SET", "big", "$", "9223372036854775807")
    assert c("JSON.NUMINCRBY", "big", "$", 1) == b"[9223372036854776000.0]"
    c("JSON.SET", "big", "$", "1e308")
    assert c("JSON.NUMMULTBY", "big", "$", 100) == Err("ERR result is not a number")
    assert c("JSON.GET", "big") == b"1e308"
    assert c3("JSON.NUMINCRBY", "d", "$..a", 1) == [Double("10"), Double("5.5")]
    assert c3("JSON.TYPE", "d", "$.b") == [[b"string"]] and c3("JSON.TYPE", "d", ".b") == [b"string"]


def test_strings_booleans_clear(c):
    c("JSON.SET", "d", "$", '{"a":"x","b":{"a":1},"t":true}')
    assert c("JSON.STRAPPEND", "d", "$..a", '"yé"') == [4, None] and c("JSON.GET", "d", ".a").decode() == '"xyé"'
    assert c("JSON.STRAPPEND", "d", ".a", '"\\n"') == 5
    assert c("JSON.STRAPPEND", "d", ".t", '"x"') == Err("ERR Path does not exist or not a string")
    assert c("JSON.TOGGLE", "d", "$.t") == [0] and c("JSON.TOGGLE", "d", ".t") == b"true" and c("JSON.TOGGLE", "d", "$.a") == [None]
    assert c("JSON.CLEAR", "d", "$.*") == 1 and get(c, "d") == {"a": "xyé\n", "b": {}, "t": True}
    assert c("JSON.CLEAR", "d") == 1 and c("JSON.GET", "d") == b"{}" and c("JSON.CLEAR", "d", ".nope") == 0
    assert c("JSON.CLEAR", "nothing") == NO_KEY


def test_arrays(c):
    c("JSON.SET", "d", "$", '{"a":[1],"b":{"a":[]},"c":0}')
    assert c("JSON.ARRAPPEND", "d", "$..a", '"x"', "[2]") == [3, 2]
    assert c("JSON.ARRAPPEND", "d", ".a", "null") == 4 and get(c, "d", ".a") == [1, "x", [2], None]
    assert c("JSON.ARRINSERT", "d", "$.a", 1, "7", "8") == [6] and get(c, "d", ".a") == [1, 7, 8, "x", [2], None]
    assert c("JSON.ARRINSERT", "d", "$.a", -1, "9") == [7] and c("JSON.ARRINSERT", "d", "$.a", 8, "9") == Err("ERR index out of bounds")
    assert c("JSON.ARRINDEX", "d", "$.a", '"x"') == [3] and c("JSON.ARRINDEX", "d", ".a", "8", 3) == -1
    assert c("JSON.ARRINDEX", "d", "$.*", "7", 0, -1) == [1, None, None]
    assert c("JSON.ARRPOP", "d", "$.a") == [b"null"] and c("JSON.ARRPOP", "d", ".a", 0) == b"1" and c("JSON.ARRPOP", "d", ".a", -99) == b"7"
    assert get(c, "d", ".a") == [8, "x", [2], 9]
    assert c("JSON.ARRTRIM", "d", "$.*", 1, 2) == [2, None, None] and get(c, "d", ".a") == ["x", [2]]
    assert c("JSON.ARRTRIM", "d", ".a", 5, 9) == 0 and c("JSON.ARRPOP", "d", "$.a") == [None]
    assert c("JSON.ARRAPPEND", "d", ".c", "1") == Err("ERR Path does not exist or not an array")


def test_merge(c):
    """Examples of RFC 7396, appendix A."""
    rows = [('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'), ('{"a":"b"}', '{"a":null}', "{}"),
            ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'), ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'), ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
            ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'), ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
            ('["a","b"]', '["c","d"]', '["c","d"]'), ('{"a":"b"}', '["c"]', '["c"]'), ('{"a":"foo"}', "null", "null"), ('{"a":"foo"}', '"bar"', '"bar"'),
            ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'), ("[1,2]", '{"a":"b","c":null}', '{"a":"b"}'), ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}')]
    for target, patch, want in rows:
        c("JSON.SET", "d", "$", target)
        assert c("JSON.MERGE", "d", "$", patch) == OK
        assert c("JSON.GET", "d").decode() == want, (target, patch)
    c("JSON.SET", "d", "$", '{"a":{"x":1}}')
    assert c("JSON.MERGE", "d", "$.a", '{"y":2}') == OK and c("JSON.MERGE", "d", "$.b", '{"z":null,"q":3}') == OK
    assert c("JSON.GET", "d") == b'{"a":{"x":1,"y":2},"b":{"q":3}}'
    assert c("JSON.MERGE", "new", "$", '{"has_writes":true}') == OK and c("JSON.GET", "new") == b'{"has_writes":true}'


def test_events_and_transactions(server):
    c, sub = server.conn(), server.conn()
    c("CONFIG", "SET", "notify-keyspace-events", "KEA")
    try:
        sub("PSUBSCRIBE", "__keyevent@0__:*")
        c("WATCH", "d")
        server.conn()("JSON.SET", "d", "$", '{"a":[1]}')
        c("MULTI")
        c("PING")
        assert c("EXEC") == NIL_ARRAY
        c("JSON.ARRAPPEND", "d", "$.a", "2")
        c("JSON.DEL", "d", "$.a")
        names = [sub.read()[2].decode().split(":")[1] for _ in range(4)]
        assert names == ["json.set", "json.arrappend", "json.del", "del"]
    finally:
        c("CONFIG", "SET", "notify-keyspace-events", "")


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_documents_survive_a_restart(start, aof):
    s = start(appendonly=aof, save="3600 1")
    c = s.conn()
    big = json.dumps({"text": "x" * 3000000, "n": 1})
    c("JSON.SET", "big", "$", big)
    c("JSON.SET", "d", "$", TEXT)
    c("JSON.NUMINCRBY", "d", "$.n", 1)
    c("JSON.SET", "e", "$", "5", )
    c("PEXPIREAT", "e", 4000000000000)
    s.restart(kill=aof == "yes")
    c = s.conn()
    assert c("JSON.GET", "d", ".n") == b"2.5" and c("JSON.GET", "d", "$..x") == b"[1,[2,3]]"
    assert c("JSON.GET", "big").decode() == json.dumps(json.loads(big), separators=(",", ":"))
    assert c("PEXPIRETIME", "e") == 4000000000000


def test_dump_restore_copy_rename(c):
    c("JSON.SET", "d", "$", TEXT)
    payload = c("DUMP", "d")
    assert c("RESTORE", "d2", 0, payload) == OK and c("JSON.GET", "d2").decode() == TEXT
    assert c("COPY", "d", "d3") == 1 and c("RENAME", "d3", "d4") == OK and c("JSON.GET", "d4").decode() == TEXT
    assert c("DEBUG", "DIGEST-VALUE", "d", "d2") == [c("DEBUG", "DIGEST-VALUE", "d")[0]] * 2
    assert c("MEMORY", "USAGE", "d") > len(TEXT) and c("OBJECT", "ENCODING", "d") == b"raw"
    assert c("SCAN", 0, "TYPE", "ReJSON-RL", "COUNT", 1000)[1] != []
    for cut in range(1, len(payload), 7):
        assert isinstance(c("RESTORE", "x", 0, payload[:cut]), Err)


def test_scripts_and_rights(start):
    s = start()
    c = s.conn()
    assert c("EVAL", "return redis.call('JSON.SET', KEYS[1], '$', ARGV[1])", 1, "d", '{"a":1}') == OK
    assert c("EVAL", "return redis.call('JSON.GET', KEYS[1], '$.a')", 1, "d") == b"[1]"
    assert c("EVAL", "return redis.call('TYPE', KEYS[1]).ok", 1, "d") == b"ReJSON-RL"
    c("ACL", "SETUSER", "reader", "on", "nopass", "~d", "+@json", "-@write")
    c("AUTH", "reader", "x")
    assert c("JSON.GET", "d") == b'{"a":1}'
    assert c("JSON.SET", "d", "$", "1").startswith("NOPERM")


def test_a_document_that_expired_comes_back(start):
    s = start(namespace=["d:* archive expire,evict,delete recall read"], enable_debug_command="yes")
    c = s.conn()
    messages = [{"role": "user", "content": "where is the lighthouse"}, {"role": "assistant", "content": "at the cape"}]
    c("JSON.SET", "d:1", "$", json.dumps({"messages": messages}))
    c("PEXPIRE", "d:1", 1)
    wait_for(lambda: int(c.info("stats")["expired_keys"]) == 1)
    assert c("ARCHIVE.FLUSH") == OK
    assert b"d:1" in str(c("ARCHIVE.SEARCH", "lighthouse")).encode()
    assert get(c, "d:1", "$.messages[1].content") == ["at the cape"]


def model_set(doc, path, value):
    at = doc
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value


def test_random_changes_against_python(c):
    """The same edits to a document here and there."""
    r = random.Random(5)

    def value(depth):
        kind = r.randrange(7 if depth else 4)
        if kind < 4:
            return [r.randrange(-5, 100), "s\"\\\n%dé" % r.randrange(9), None, r.random() < 0.5][kind]
        if kind < 5:
            return [value(depth - 1) for _ in range(r.randrange(4))]
        return {"k%d" % r.randrange(6): value(depth - 1) for _ in range(r.randrange(5))}

    def paths(v, at=()):
        yield at
        for k, x in (v.items() if isinstance(v, dict) else enumerate(v) if isinstance(v, list) else ()):
            yield from paths(x, at + (k,))

    def text(path):
        return "$" + "".join("[%d]" % p if isinstance(p, int) else '["%s"]' % p for p in path)

    for _ in range(40):
        doc = {"k0": value(3), "k1": value(3)}
        c("JSON.SET", "m", "$", json.dumps(doc))
        for _ in range(20):
            path = r.choice([p for p in paths(doc) if p] or [("k0",)])
            if path == ("k0",) and "k0" not in doc:
                break
            old = doc
            for p in path:
                old = old[p]
            if isinstance(old, list) and r.random() < 0.5:
                new = value(1)
                assert c("JSON.ARRAPPEND", "m", text(path), json.dumps(new)) == [len(old) + 1]
                old.append(new)
            elif isinstance(old, bool):
                assert c("JSON.TOGGLE", "m", text(path)) == [int(not old)]
                model_set(doc, path, not old)
            elif isinstance(old, int):
                assert c("JSON.NUMINCRBY", "m", text(path), 3) == b"[%d]" % (old + 3)
                model_set(doc, path, old + 3)
            elif r.random() < 0.3 and len(doc) > 1:
                assert c("JSON.DEL", "m", text(path)) == 1
                at = doc
                for p in path[:-1]:
                    at = at[p]
                del at[path[-1]]
            else:
                new = value(2)
                assert c("JSON.SET", "m", text(path), json.dumps(new)) == OK
                model_set(doc, path, new)
            assert get(c, "m") == doc


def test_filters_by_regular_expression(c):
    assert c("JSON.SET", "d", "$", '{"rows":[{"n":"alpha"},{"n":"beta"},{"n":"alphabet"},{"n":7}],"want":"^alpha$"}') == OK
    assert c("JSON.GET", "d", '$.rows[?(@.n =~ "^alpha")].n') == b'["alpha","alphabet"]'
    assert c("JSON.GET", "d", "$.rows[?(@.n =~ $.want)].n") == b'["alpha"]'
    assert c("JSON.GET", "d", '$.rows[?(@.n =~ "(")].n') == b"[]"
    assert c("JSON.SET", "d", '$.rows[?(@.n =~ "bet")].n', '"seen"') == OK
    assert c("JSON.GET", "d", "$.rows[*].n") == b'["alpha","seen","seen",7]'


# --- what cannot be read again is not made ------------------------------------------------------------------------------

OBJECTS, ARRAYS = '{"a":' * 100 + "{}" + "}" * 100, "[" * 100 + "]" * 100
TOO_DEEP = Err("ERR recursion limit exceeded: a document has at most 128 arrays and objects in each other")


@pytest.mark.parametrize("document, command", [
    (ARRAYS, ("JSON.SET", "$" + "[0]" * 99, "[" * 30 + "]" * 30)),
    (ARRAYS, ("JSON.ARRAPPEND", "$" + "[0]" * 99, "1", "[" * 29 + "]" * 29)),
    (ARRAYS, ("JSON.ARRINSERT", "$" + "[0]" * 99, 0, "[" * 29 + "]" * 29)),
    (OBJECTS, ("JSON.SET", "$" + ".a" * 100 + ".b", '{"b":' * 28 + "1" + "}" * 28)),
    (OBJECTS, ("JSON.MERGE", "$" + ".a" * 100, '{"b":' * 29 + "1" + "}" * 29)),
    (OBJECTS, ("JSON.MSET", "$" + ".a" * 100, '{"b":' * 29 + "1" + "}" * 29)),
])
def test_parts_make_no_document_deeper_than_one_that_comes_whole(start, document, command):
    """Snapshots and logs would not be read again."""
    s = start(appendonly="yes")
    c = s.conn()
    name, path, *values = command
    less = [v.replace('{"b":', "", 1).replace("[", "", 1)[:-1] if "b" in str(v) or "[[" in str(v) else v for v in values]
    assert c("JSON.SET", "k", "$", document) == OK
    assert c(name, "k", path, *values) == TOO_DEEP
    assert c("JSON.GET", "k") == document.encode()
    assert not isinstance(c(name, "k", path, *less), Err)
    deep = c("JSON.GET", "k")
    assert c("JSON.SET", "again", "$", deep) == OK and c("SAVE") == OK
    s.restart()
    assert s.conn()("JSON.GET", "k") == deep


def test_mset_that_fails_late_is_in_the_log_as_far_as_it_went(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("JSON.SET", "deep", "$", ARRAYS)
    assert c("JSON.MSET", "first", "$", "1", "deep", "$" + "[0]" * 99, ARRAYS, "last", "$", "1") == TOO_DEEP
    there = [c("JSON.GET", k) for k in ("first", "deep", "last")]
    assert there == [b"1", ARRAYS.encode(), None]
    s.restart()
    assert [s.conn()("JSON.GET", k) for k in ("first", "deep", "last")] == there
