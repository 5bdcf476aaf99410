"""FT.AGGREGATE and FT.CURSOR over a socket."""
import struct

import pytest

from resp import Err, Map, OK, Simple
from server import wait_for

pytestmark = pytest.mark.memd_only

ITEMS = [
    ("i:1", "pen", "office,blue", 3, "b", 1700000000, (1, 0)),
    ("i:2", "desk", "office", 250, "a", 1700086400, (0, 1)),
    ("i:3", "lamp", "home", 40, "c", 1700172800, (0.75, 0.25)),
    ("i:4", "chair", "office,home", 120, "a", 1700259200, (0.5, 0.5)),
]


@pytest.fixture
def items(c):
    for name in c("FT._LIST"):
        assert c("FT.DROPINDEX", name) == OK
    assert c("FT.CREATE", "ix", "PREFIX", 1, "i:", "SCHEMA", "name", "TEXT", "kind", "TAG", "price", "NUMERIC", "SORTABLE", "ts", "NUMERIC",
             "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2") == OK
    for key, name, kind, price, shelf, ts, v in ITEMS:
        c("HSET", key, "name", name, "kind", kind, "price", price, "shelf", shelf, "ts", ts, "v", vec(*v))
    return c


def vec(*values):
    return struct.pack("<%df" % len(values), *values)


def rows(reply):
    assert not isinstance(reply, Err), reply
    return reply[0], [dict(zip((x.decode() for x in r[::2]), (x.decode("latin-1") if isinstance(x, bytes) else x for x in r[1::2])))
                      for r in reply[1:]]


def ask(c, *args):
    return rows(c("FT.AGGREGATE", "ix", *args))


def test_groups_counts_and_sorts(items):
    assert ask(items, "*", "GROUPBY", 1, "@kind", "REDUCE", "COUNT", 0, "AS", "n", "REDUCE", "SUM", 1, "@price", "AS", "sum",
               "SORTBY", 4, "@n", "DESC", "@kind", "ASC") == (4, [
                   {"kind": "home", "n": "1", "sum": "40"}, {"kind": "office", "n": "1", "sum": "250"},
                   {"kind": "office,blue", "n": "1", "sum": "3"}, {"kind": "office,home", "n": "1", "sum": "120"}])
    assert ask(items, "@kind:{office}", "GROUPBY", 0, "REDUCE", "AVG", 1, "@price") == (1, [{"__generated_aliasavgprice": "124.333333333"}])
    assert ask(items, "*", "LOAD", 1, "@shelf", "GROUPBY", 1, "@shelf", "REDUCE", "COUNT", 0, "AS", "n", "FILTER", "@n>1") == (
        1, [{"shelf": "a", "n": "2"}])


def test_hyperloglogs_are_those_of_pfadd_and_are_merged(items):
    c = items
    kinds = {"office": ["pen", "desk"], "home": ["lamp"], "garden": ["lamp", "desk"]}
    for n, (kind, names) in enumerate(kinds.items()):
        for name in names:
            c("HSET", f"i:{kind}:{name}", "name", name, "kind", kind, "price", n)
    total, *got = c("FT.AGGREGATE", "ix", "@price:[0 2]", "GROUPBY", 1, "@kind", "REDUCE", "HLL", 1, "@name", "AS", "h")
    counters = {row[1].decode(): row[3] for row in got}
    assert total == 3 and counters.keys() == kinds.keys()
    for kind, names in kinds.items():
        c("PFADD", "pf", *names)
        assert c("GET", "pf") == counters[kind]
        c("DEL", "pf")
        c("SET", f"i:counter:{kind}", counters[kind])
        c("HSET", f"i:{kind}", "price", 99, "h", counters[kind])
    assert c("PFCOUNT", *[f"i:counter:{kind}" for kind in kinds]) == 3
    c("HSET", "i:none", "price", 99, "h", "HYLL is not enough")
    assert ask(c, "@price:[99 99]", "LOAD", 1, "@h", "GROUPBY", 0, "REDUCE", "HLL_SUM", 1, "@h", "AS", "n") == (1, [{"n": "3"}])
    assert ask(c, "@price:[0 2]", "GROUPBY", 1, "@kind", "REDUCE", "HLL", 1, "@name", "AS", "h", "GROUPBY", 0, "REDUCE", "HLL_SUM", 1, "@h", "AS",
               "n") == (1, [{"n": "3"}])
    assert str(c("FT.AGGREGATE", "ix", "*", "GROUPBY", 0, "REDUCE", "HLL", 0)) == "SEARCH_PARSE_ARGS Missing arguments for HLL"


def test_a_sortable_text_stands_for_what_it_is_sorted_by_but_where_load_asks_for_it(items):
    c = items
    assert c("FT.CREATE", "s", "PREFIX", 1, "s:", "SCHEMA", "b", "TAG", "SORTABLE", "u", "TAG", "SORTABLE", "UNF", "t", "TEXT", "SORTABLE", "p",
             "TAG") == OK
    for key, value in enumerate(["Sony", "SONY", "\u00c9mile", "acme"]):
        c("HSET", f"s:{key}", "b", value, "u", value, "t", value, "p", value)
    assert rows(c("FT.AGGREGATE", "s", "*", "GROUPBY", 1, "@b", "REDUCE", "COUNT", 0, "AS", "n", "SORTBY", 1, "@b")) == (
        3, [{"b": "acme", "n": "1"}, {"b": "sony", "n": "2"}, {"b": "\u00c3\u00a9mile", "n": "1"}])
    assert rows(c("FT.AGGREGATE", "s", "*", "FILTER", "@t == 'sony'", "GROUPBY", 2, "@u", "@p", "SORTBY", 1, "@u"))[1] == [
        {"u": "SONY", "p": "SONY"}, {"u": "Sony", "p": "Sony"}]
    for load in (["LOAD", 1, "@b"], ["LOAD", "*"]):
        assert rows(c("FT.AGGREGATE", "s", "@b:{sony}", *load, "GROUPBY", 1, "@b", "SORTBY", 1, "@b"))[1] == [{"b": "SONY"}, {"b": "Sony"}]


def test_loads_computes_and_limits(items):
    assert ask(items, "*", "LOAD", 2, "@__key", "name", "SORTBY", 2, "@price", "DESC", "LIMIT", 0, 2) == (4, [
        {"__key": "i:2", "name": "desk", "price": "250"}, {"__key": "i:4", "name": "chair", "price": "120"}])
    assert ask(items, "@price:[0 50]", "LOAD", "*", "APPLY", "format('%s-%s', upper(@name), @shelf)", "AS", "label", "SORTBY", 1, "@label")[1][
        0]["label"] == "LAMP-c"
    assert ask(items, "*", "APPLY", "dayofweek(@ts)", "AS", "day", "GROUPBY", 1, "@day", "REDUCE", "TOLIST", 1, "@name", "AS", "names",
               "SORTBY", 1, "@day", "MAX", 1) == (4, [{"day": "2", "names": [b"pen"]}])
    assert ask(items, "*", "LIMIT", 0, 0) == (4, [])
    assert ask(items, "desk | lamp", "ADDSCORES", "LOAD", 1, "@name", "SORTBY", 2, "@__score", "DESC")[0] == 2
    assert ask(items, "desk", "APPLY", "@__score > 0", "AS", "yes")[1][0]["yes"] == "1"


def test_knn_with_a_boost_for_what_is_recent(items):
    """The question of agent-memory-server: the nearest, weighed by age."""
    now = 1700259200 + 86400
    total, got = ask(items, "(@kind:{office | home})=>[KNN 3 @v $vec AS vector_distance]",
                     "PARAMS", 2, "vec", vec(1, 0), "LOAD", 3, "@__key", "@name", "@ts",
                     "APPLY", "1-(@vector_distance/2)", "AS", "sim",
                     "APPLY", f"max(0, ({now} - @ts)/86400)", "AS", "days",
                     "APPLY", "pow(2, -@days/7.0)", "AS", "freshness",
                     "APPLY", "0.8*@sim+0.2*@freshness", "AS", "boosted",
                     "SORTBY", 2, "@boosted", "DESC", "MAX", 3, "DIALECT", 2)
    assert total == 3
    assert [r["__key"] for r in got] == ["i:1", "i:3", "i:4"]
    assert float(got[0]["vector_distance"]) == 0 and got[0]["days"] == "4"
    for r in got:
        days = (now - int(r["ts"])) / 86400
        want = 0.8 * (1 - float(r["vector_distance"]) / 2) + 0.2 * 2 ** (-days / 7)
        assert abs(float(r["boosted"]) - want) < 1e-9
    # decay() says the same in one word; without steps the nearest comes first.
    _, same = ask(items, "*=>[KNN 3 @v $vec AS d]", "PARAMS", 2, "vec", vec(1, 0),
                  "APPLY", f"decay(@ts, 604800, {now})", "AS", "fresh")
    assert [float(r["d"]) for r in same] == [0, 0.125, 0.5]
    assert abs(float(same[0]["fresh"]) - 2 ** (-4 / 7)) < 1e-9


def test_router_query_of_redisvl(items):
    total, got = ask(items, "@v:[VECTOR_RANGE 1 $vec]=>{$YIELD_DISTANCE_AS: vector_distance}", "LOAD", 1, "shelf", "PARAMS", 2, "vec", vec(1, 0),
                     "DIALECT", 2, "GROUPBY", 1, "@shelf", "REDUCE", "MIN", 1, "vector_distance", "AS", "distance", "SORTBY", 1, "@distance",
                     "MAX", 10, "APPLY", "@shelf", "AS", "route_name",
                     "FILTER", "(@route_name == 'b' && @distance < 0.5) || (@route_name == 'c' && @distance < 0.1)")
    assert got == [{"shelf": "b", "distance": "0", "route_name": "b"}]


def test_shapes_in_resp3(items, c3):
    reply = c3("FT.AGGREGATE", "ix", "*", "GROUPBY", 1, "@kind", "REDUCE", "COUNT", 0, "AS", "n", "LIMIT", 0, 1)
    assert reply == Map([
        (Simple("attributes"), []), (Simple("format"), Simple("STRING")),
        (Simple("results"), [Map([(Simple("extra_attributes"), Map([(b"kind", b"office,blue"), (b"n", b"1")])), (Simple("values"), [])])]),
        (Simple("total_results"), 4), (Simple("warning"), [])])


@pytest.mark.parametrize("args, text", [
    (["*", "WHAT"], "SEARCH_PARSE_ARGS Unknown argument `WHAT` at position 1 for <main>"),
    (["*", "GROUPBY", "1", "@none"], "SEARCH_PROP_NOT_FOUND No such property `none`"),
    (["*", "APPLY", "@none", "AS", "x"], "SEARCH_PROP_NOT_FOUND Property `none` not loaded nor in pipeline"),
    (["*", "APPLY", "foo(1)", "AS", "x"], "SEARCH_EXPR Unknown function name 'foo'"),
    (["*", "APPLY", "@name + 1", "AS", "x"], "SEARCH_NUMERIC_VALUE_INVALID Could not convert value to a number"),
    (["*", "SORTBY", "1", "@none"], "SEARCH_PROP_NOT_FOUND Property `none` not loaded nor in schema"),
    (["*", "WITHCURSOR", "COUNT", "0"], "SEARCH_PARSE_ARGS Bad arguments for COUNT: Value is outside acceptable bounds"),
    (["*=>[KNN 1 @v $v AS price]", "PARAMS", "2", "v", "12345678"], "SEARCH_INDEX_EXISTS Property `price` already exists in schema"),
])
def test_mistakes(items, args, text):
    assert items("FT.AGGREGATE", "ix", *args) == Err(text)


def test_no_index(items):
    assert "no such index" in str(items("FT.AGGREGATE", "none", "*"))
    assert "no such index" in str(items("FT.CURSOR", "READ", "none", 1))


def test_matched_terms_are_the_words_of_the_query_that_a_document_has(c):
    assert c("FT.CREATE", "mt", "PREFIX", 1, "m:", "SCHEMA", "t", "TEXT", "u", "TEXT", "n", "NUMERIC") == OK
    for key, t, u in ("m:1", "Hello big world", "x"), ("m:2", "help is near", "hello"), ("m:3", "the runner ran, running", ""):
        c("HSET", key, "t", t, "u", u, "n", 1)

    def terms(query, call="matched_terms()", *more):
        rows = c("FT.AGGREGATE", "mt", query, "LOAD", 1, "@__key", "APPLY", call, "AS", "m", "SORTBY", 1, "@__key", *more)[1:]
        return {row[1].decode(): row[3] if len(row) > 3 else None for row in rows}
    assert terms("hello") == {"m:1": [b"hello"], "m:2": [b"hello"]}
    assert terms("hello | near | -big") == {"m:1": [b"hello"], "m:2": [b"near", b"hello"], "m:3": []}
    assert terms("hel*") == {"m:1": [b"hello"], "m:2": [b"help", b"hello"]}
    assert terms("@t:(hello | world)") == {"m:1": [b"hello", b"world"]}
    assert terms("run") == {"m:3": [b"run"]}
    assert terms("(hello | world | near)", "matched_terms(1)") == {"m:1": [b"hello"], "m:2": [b"near"]}
    assert terms("@n:[1 1]") == {"m:1": [], "m:2": [], "m:3": []}
    got = c("FT.AGGREGATE", "mt", "hello | near", "APPLY", "matched_terms()", "AS", "m", "GROUPBY", 1, "@m", "REDUCE", "COUNT", 0, "AS", "n", "APPLY",
             "matched_terms()", "AS", "none", "SORTBY", 1, "@m")
    assert got[1:] == [[b"m", b"hello", b"n", b"2", b"none", None], [b"m", b"near", b"n", b"1", b"none", None]]


# --- cursors ------------------------------------------------------------------------------------------------------------------

def fill(c, n):
    c.pipeline([["HSET", f"i:n{i:04}", "name", f"n{i}", "price", i + 1000] for i in range(n)])


def test_a_cursor_reads_all_rows_once(items):
    fill(items, 250)
    (total, got), cid = reply_of(items("FT.AGGREGATE", "ix", "*", "LOAD", 1, "@__key", "WITHCURSOR", "COUNT", 100))
    assert total == 254 and len(got) == 100 and cid != 0
    sizes = []
    while cid:
        (total, more), cid = reply_of(items("FT.CURSOR", "READ", "ix", cid, *([] if sizes else ["COUNT", 120])))
        sizes.append(len(more))
        got += more
    assert sizes == [120, 34] and total == 254
    assert len({r["__key"] for r in got}) == 254
    assert reply_of(items("FT.AGGREGATE", "ix", "*", "WITHCURSOR"))[1] == 0


def reply_of(reply):
    assert not isinstance(reply, Err), reply
    return rows(reply[0]), reply[1]


def test_a_cursor_hands_out_nothing_that_is_gone(items):
    fill(items, 30)
    (_, got), cid = reply_of(items("FT.AGGREGATE", "ix", "*", "LOAD", 1, "@__key", "SORTBY", 1, "@__key", "MAX", 100, "WITHCURSOR", "COUNT", 4))
    assert [r["__key"] for r in got] == ["i:1", "i:2", "i:3", "i:4"]
    items("DEL", "i:n0000", "i:n0002")
    items("PEXPIRE", "i:n0003", 1)
    wait_for(lambda: items("EXISTS", "i:n0003") == 0)
    (_, got), cid = reply_of(items("FT.CURSOR", "READ", "ix", cid))
    assert [r["__key"] for r in got] == ["i:n0001", "i:n0004", "i:n0005", "i:n0006"] and cid
    items("FLUSHALL")
    reply = items("FT.CURSOR", "READ", "ix", cid, "COUNT", 100)
    assert isinstance(reply, Err) or reply_of(reply) == ((34, []), 0)


def test_cursors_are_closed(items):
    def open_one(*more):
        return reply_of(items("FT.AGGREGATE", "ix", "*", "WITHCURSOR", "COUNT", 1, *more))[1]

    cid = open_one()
    assert items("FT.CURSOR", "DEL", "ix", cid) == OK
    assert items("FT.CURSOR", "DEL", "ix", cid) == Err(f"SEARCH_CURSOR_NOT_FOUND Cursor does not exist, id: {cid}")
    assert items("FT.CURSOR", "READ", "ix", cid) == Err(f"SEARCH_CURSOR_NOT_FOUND Cursor not found, id: {cid}")
    assert items("FT.CURSOR", "READ", "ix", "x") == Err("SEARCH_PARSE_ARGS Bad cursor ID")
    cid = open_one("MAXIDLE", 1)
    wait_for(lambda: isinstance(items("FT.CURSOR", "READ", "ix", cid), Err))
    cid = open_one()
    assert items("FT.DROPINDEX", "ix") == OK
    assert isinstance(items("FT.CURSOR", "READ", "ix", cid), Err)


def test_a_cursor_is_of_the_index_that_it_was_opened_over(start):
    """Not of one that is made in the same turn, and lies in memory where the other was."""
    c = start(search_keep_dropped=0).conn()
    for i in range(20):
        c("HSET", f"i:{i}", "n", i)
    create = ("FT.CREATE", "ix", "PREFIX", 1, "i:", "SCHEMA", "n", "NUMERIC")
    assert c(*create) == OK
    for _ in range(10):
        cid = reply_of(c("FT.AGGREGATE", "ix", "*", "LOAD", 1, "@n", "WITHCURSOR", "COUNT", 1))[1]
        got = c.pipeline([("FT.DROPINDEX", "ix"), create, ("FT.CURSOR", "READ", "ix", cid)])
        assert got == [OK, OK, Err(f"SEARCH_CURSOR_NOT_FOUND Cursor not found, id: {cid}")]


def test_there_is_a_bound_on_cursors_and_on_rows(start):
    s = start(search_cursors=2, search_aggregate_memory="64kb")
    c = s.conn()
    assert c("FT.CREATE", "ix", "PREFIX", 1, "i:", "SCHEMA", "name", "TEXT", "price", "NUMERIC") == OK
    fill(c, 2000)
    open_one = ["FT.AGGREGATE", "ix", "*", "LIMIT", 0, 10, "LOAD", 1, "@__key", "WITHCURSOR", "COUNT", 1]
    ids = [reply_of(c(*open_one))[1] for _ in range(2)]
    assert str(c(*open_one)).startswith("SEARCH_CURSOR_ALLOC_FAILED INDEX_CURSOR_LIMIT of the index has been reached")
    assert c("FT.CURSOR", "DEL", "ix", ids[0]) == OK
    assert reply_of(c(*open_one))[1] != 0
    assert "search-aggregate-memory" in str(c("FT.AGGREGATE", "ix", "*", "LOAD", "*"))
    assert rows(c("FT.AGGREGATE", "ix", "*", "GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n"))[1] == [{"n": "2000"}]


def test_in_a_transaction_and_in_a_script(items):
    items("MULTI")
    items("HSET", "i:5", "price", 1)
    items("FT.AGGREGATE", "ix", "*", "GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n")
    assert items("EXEC")[1] == [1, [b"n", b"5"]]
    assert items("EVAL", "return redis.call('FT.AGGREGATE', 'ix', '*', 'GROUPBY', '0', 'REDUCE', 'COUNT', '0', 'AS', 'n')", 0) == [
        1, [b"n", b"5"]]


def test_json_documents(items):
    assert items("FT.CREATE", "jx", "ON", "JSON", "PREFIX", 1, "j:", "SCHEMA", "$.user", "AS", "user", "TAG", "$.n", "AS", "n", "NUMERIC") == OK
    for i in range(6):
        items("JSON.SET", f"j:{i}", "$", '{"user":"u%d","n":%d,"note":{"text":"t%d"}}' % (i % 2, i, i))
    assert rows(items("FT.AGGREGATE", "jx", "*", "GROUPBY", 1, "@user", "REDUCE", "SUM", 1, "@n", "AS", "s", "SORTBY", 1, "@user")) == (
        2, [{"user": "u0", "s": "6"}, {"user": "u1", "s": "9"}])
    assert rows(items("FT.AGGREGATE", "jx", "@n:[5 5]", "LOAD", 3, "$.note.text", "AS", "text")) == (1, [{"text": "t5"}])


def test_null_in_a_document_is_no_value(items):
    c = items
    assert c("FT.CREATE", "jx", "ON", "JSON", "PREFIX", 1, "j:", "SCHEMA", "$.n", "AS", "n", "NUMERIC", "$.t", "AS", "t", "TAG", "$.s", "AS", "s", "TEXT") == OK
    for i, doc in enumerate(['{"n":1,"t":"a","s":"b"}', '{"n":null,"t":null,"s":null}', '{"n":[],"t":"c","s":"d"}', '{"n":[null,4]}']):
        c("JSON.SET", f"j:{i}", "$", doc)
    got = rows(c("FT.AGGREGATE", "jx", "*", "LOAD", 1, "@__key", "APPLY", "@n+1", "AS", "m", "SORTBY", 4, "@m", "DESC", "@__key", "ASC"))
    assert [r.pop("__key") for r in got[1]] == ["j:3", "j:0", "j:1", "j:2"]
    assert [r.get("m") for r in got[1]] == ["5", "2", None, None]
    assert rows(c("FT.AGGREGATE", "jx", "*", "GROUPBY", 1, "@t", "REDUCE", "COUNT", 0, "AS", "n", "SORTBY", 1, "@t"))[1] == [
        {"t": "a", "n": "1"}, {"t": "c", "n": "1"}, {"t": None, "n": "2"}]
    assert rows(c("FT.AGGREGATE", "jx", "*", "LOAD", 1, "@__key", "FILTER", "!exists(@s)", "SORTBY", 1, "@__key"))[1] == [
        {"__key": "j:1"}, {"__key": "j:3"}]
    for field in "ts":
        assert [k for k in c("FT.SEARCH", "jx", "*", "SORTBY", field, "DESC", "NOCONTENT")[1:3]] == [b"j:2", b"j:0"]
    assert c("FT.SEARCH", "jx", "*", "SORTBY", "s", "LIMIT", 2, 1)[1:] == [b"j:1", [b"s", None, b"$", b'{"n":null,"t":null,"s":null}']]
    assert c("FT.SEARCH", "jx", "*", "INKEYS", 1, "j:1", "RETURN", 4, "n", "t", "$.s", "$.none") == [1, b"j:1", [b"n", None, b"t", None, b"$.s", None]]
    assert c("FT.SEARCH", "jx", "*", "INKEYS", 1, "j:1", "RETURN", 1, "n", "DIALECT", 3) == [1, b"j:1", [b"n", b"[null]"]]


@pytest.fixture
def many(c):
    """6,000 groups of two documents each."""
    for name in c("FT._LIST"):
        assert c("FT.DROPINDEX", name) == OK
    assert c("FT.CREATE", "ix", "PREFIX", 1, "m:", "SCHEMA", "g", "NUMERIC") == OK
    c.pipeline([("HSET", "m:%d" % n, "g", n % 6000, "text", "x" * 300) for n in range(12000)])
    return c


def test_thousands_of_groups_each_with_its_rows(server, many):
    by_group = ["FT.AGGREGATE", "ix", "*", "GROUPBY", 1, "@g", "REDUCE", "COUNT", 0, "AS", "n"]
    total, *got = many(*by_group)
    assert total == 6000 and sorted(int(r[1]) for r in got) == list(range(6000)) and {r[3] for r in got} == {b"2"}
    assert many.pipeline([("MULTI",), by_group, ("EXEC",)])[2] == [[6000, *got]]
    three = {str(k): v for k, v in server.conn(resp3=True)(*by_group)}
    assert three["total_results"] == 6000 and len(three["results"]) == 6000


def test_rows_of_documents_that_go_while_they_are_written_stay_out(server, many):
    other, gone = server.conn(), set()
    for n in range(0, 12000, 2400):
        many.send("FT.AGGREGATE", "ix", "*", "LOAD", 2, "@__key", "@text", "LIMIT", 0, 20000)
        went = {b"m:%d" % k for k in range(n, n + 300)}
        other("DEL", *went)
        total, *got = many.read()
        keys = {r[r.index(b"__key") + 1] for r in got}
        assert total == len(got) == len(keys) and not gone & keys
        gone |= went


def test_a_read_of_a_cursor_has_its_bound(many):
    reply, cursor = many("FT.AGGREGATE", "ix", "*", "LOAD", 1, "@text", "WITHCURSOR", "COUNT", 1000000)
    reads, n = 1, len(reply) - 1
    while cursor:
        reply, cursor = many("FT.CURSOR", "READ", "ix", cursor)
        reads, n = reads + 1, n + len(reply) - 1
    assert n == 12000 and 3 < reads < 8


def test_long_lists_are_told_in_parts(items, c3):
    c = items
    assert c("FT.CREATE", "l", "PREFIX", 1, "l:", "SCHEMA", "n", "NUMERIC", "g", "TAG") == OK
    c.pipeline([("HSET", "l:%d" % i, "n", i, "g", "ab"[i % 2]) for i in range(5000)])
    ask = ("FT.AGGREGATE", "l", "*", "GROUPBY", 1, "@g", "REDUCE", "TOLIST", 1, "@n", "AS", "list", "REDUCE", "COUNT", 0, "AS", "n", "SORTBY", 1, "@g")
    total, *got = c(*ask)
    assert total == 2 and [(row[0], row[1], row[2], row[4], row[5]) for row in got] == [
        (b"g", b"a", b"list", b"n", b"2500"), (b"g", b"b", b"list", b"n", b"2500")]
    assert sorted(map(int, got[0][3])) == list(range(0, 5000, 2)) and sorted(map(int, got[1][3])) == list(range(1, 5000, 2))
    same = [row.dict() for row in c3(*ask).dict()[Simple("results")]]
    assert [dict(row[Simple("extra_attributes")])[b"list"] for row in same] == [got[0][3], got[1][3]]
    assert c(*ask, "WITHCURSOR", "COUNT", 1)[0] == [2, got[0]]
