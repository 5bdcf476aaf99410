"""FT.SEARCH and its relatives over a socket: options, shapes of replies, errors, long searches."""
import math
import struct

import pytest

import resp

from resp import Double, Err, Map, OK, Simple
from server import wait_for

pytestmark = pytest.mark.memd_only


@pytest.fixture
def ft(c):
    for name in c("FT._LIST"):
        assert c("FT.DROPINDEX", name) == OK
    return c


def vec(*values):
    return struct.pack("<%df" % len(values), *values)


BOOKS = [
    ("b:1", "Dune", "the desert planet of the fremen", "scifi,classic", 1965, "1,1", (1, 0)),
    ("b:2", "Emma", "a planet of manners", "classic", 1815, "1.001,1", (0, 1)),
    ("b:3", "Ubik", "running out of time", "scifi", 1969, "50,50", (0.75, 0.25)),
    ("b:4", "Ivanhoe", "knights running in the desert", "classic,history", 1819, "2,2", (0.5, 0.5)),
]


@pytest.fixture
def books(ft):
    assert ft("FT.CREATE", "i", "PREFIX", 1, "b:", "SCHEMA", "title", "TEXT", "SORTABLE", "about", "TEXT", "kind", "TAG", "year", "NUMERIC",
              "SORTABLE", "at", "GEO", "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2") == OK
    for key, title, about, kind, year, at, v in BOOKS:
        ft("HSET", key, "title", title, "about", about, "kind", kind, "year", year, "at", at, "v", vec(*v))
    return ft


def keys(c, *args):
    reply = c("FT.SEARCH", "i", *args, "NOCONTENT")
    assert not isinstance(reply, Err), reply
    assert len(reply) - 1 <= reply[0]
    return sorted(k.decode() for k in reply[1:])


def order(c, *args):
    return [k.decode() for k in c("FT.SEARCH", "i", *args, "NOCONTENT")[1:]]


def search(c, *args):
    return c("FT.SEARCH", "i", *args)


@pytest.mark.parametrize("query, want", [
    ("*", "1234"), ("desert", "14"), ("desert planet", "1"), ("desert | manners", "124"), ("-desert", "23"), ("@title:dune", "1"),
    ("@title|about:emma", "2"), ("@kind:{scifi}", "13"), ("@kind:{sci*}", "13"), ("@kind:{*ic}", "124"), ("@kind:{history|scifi}", "134"),
    ("@kind:{classic} @kind:{scifi}", "1"), ("@year:[1815 1819]", "24"), ("@year:[(1815 +inf]", "134"), ("@year>=1965", "13"),
    ("@year==1815 | @year!=1969", "124"), ("run", "34"), ("\"run\"", ""), ("\"running out\"", "3"), ("\"out running\"", ""), ("plan*", "12"),
    ("*sert", "14"), ("*lane*", "12"), ("w'p?an*'", "12"), ("%desrt%", "14"), ("%%dsrt%%", "14"), ("@at:[1 1 1 km]", "12"),
    ("@at:[1 1 200 km]", "124"), ("(desert|time) @year:[1960 1970]", "13"), ("the", ""), ("nosuch", ""), ("~desert", "1234"),
    ("desert AND planet", "1"), ("'@kind:{scifi}'", "13"), ("", ""), ("planet -(@title:emma)", "1"), ("@about:(desert planet|running)", "134"),
])
def test_queries(books, query, want):
    assert keys(books, query) == ["b:" + n for n in want]
    assert books("FT.SEARCH", "i", query, "LIMIT", 0, 0) == [len(want)]


def test_whatever_clients_escape_is_itself(ft):
    assert ft("FT.CREATE", "i", "PREFIX", 1, "e:", "SCHEMA", "g", "TAG", "SEPARATOR", ";", "t", "TEXT") == OK
    signs = [chr(c) for c in range(33, 127) if not chr(c).isalnum() and chr(c) != ";"] + [" ", "\u00e9", "\u4e2d"]
    for n, sign in enumerate(signs):
        ft("HSET", f"e:{n}", "g", f"one{sign}two", "t", f"one\\{sign}two" if sign != " " else "")
    for n, sign in enumerate(signs):
        for query in (f"@g:{{one\\{sign}two}}", f"@g:{{one\\{sign}*}}", f"@g:{{*\\{sign}two}}", f"@g:{{*ne\\{sign}t*}}"):
            assert keys(ft, query) == [f"e:{n}"], query
        if sign == " ":
            continue
        for query in (f"@t:(one\\{sign}two)", f"@t:(one\\{sign}*)", f"@t:(*\\{sign}two)"):
            assert f"e:{n}" in keys(ft, query), query


def test_a_row_has_its_key_and_its_fields(books):
    row = ["title", "Emma", "about", "a planet of manners", "kind", "classic", "year", "1815", "at", "1.001,1", "v", vec(0, 1)]
    want = [x if isinstance(x, bytes) else x.encode() for x in row]
    reply = search(books, "manners")
    assert reply[:2] == [1, b"b:2"] and sorted(zip(reply[2][::2], reply[2][1::2])) == sorted(zip(want[::2], want[1::2]))
    assert search(books, "manners", "NOCONTENT") == [1, b"b:2"]
    assert search(books, "manners", "RETURN", 0) == [1, b"b:2"]
    assert search(books, "manners", "RETURN", 2, "title", "nothing") == [1, b"b:2", [b"title", b"Emma"]]
    assert search(books, "manners", "RETURN", 4, "title", "AS", "name", "year") == [1, b"b:2", [b"name", b"Emma", b"year", b"1815"]]
    assert search(books, "manners", "SORTBY", "year", "RETURN", 1, "__key") == [1, b"b:2", [b"__key", b"b:2"]]


def test_resp3_is_a_map(books, server):
    c = server.conn(resp3=True)
    reply = search(c, "manners", "RETURN", 1, "title", "WITHSCORES")
    assert isinstance(reply, Map)
    got = {str(k): v for k, v in reply}
    assert sorted(got) == ["attributes", "format", "results", "total_results", "warning"]
    assert got["total_results"] == 1 and got["warning"] == [] and got["attributes"] == [] and got["format"] == Simple("STRING")
    row = {str(k): v for k, v in got["results"][0]}
    assert row["id"] == b"b:2" and row["extra_attributes"] == Map([(b"title", b"Emma")]) and row["values"] == []
    assert isinstance(row["score"], Double) and float(row["score"]) > 0
    bare = {str(k): v for k, v in search(c, "*", "NOCONTENT")}
    assert [sorted(str(k) for k, _ in r) for r in bare["results"]] == [["id", "values"]] * 4
    assert {str(k): v for k, v in search(c, "*", "LIMIT", 0, 0)}["results"] == []


def test_options_come_in_any_order(books):
    params = ["PARAMS", 2, "from", 1900]
    for args in (["DIALECT", 2, "LIMIT", 0, 1, "SORTBY", "year", "DESC", *params], [*params, "SORTBY", "year", "DESC", "LIMIT", 0, 1, "DIALECT", 2],
                 ["LIMIT", 0, 1, *params, "VERBATIM", "TIMEOUT", 1000, "SORTBY", "year", "DESC", "WITHCOUNT", "INORDER", "DIALECT", 3]):
        assert search(books, "@year:[$from inf]", "NOCONTENT", *args) == [2, b"b:3"]


def test_sorting(books):
    assert order(books, "*", "SORTBY", "year") == ["b:2", "b:4", "b:1", "b:3"]
    assert order(books, "*", "SORTBY", "year", "DESC") == ["b:3", "b:1", "b:4", "b:2"]
    assert order(books, "*", "SORTBY", "title", "ASC") == ["b:1", "b:2", "b:4", "b:3"]
    assert order(books, "*", "SORTBY", "kind", "DESC", "LIMIT", 0, 2) == ["b:1", "b:3"][::1]
    assert order(books, "*", "SORTBY", "__key", "DESC") == ["b:4", "b:3", "b:2", "b:1"]
    assert search(books, "*", "SORTBY", "nope") == Err("Property `nope` not loaded nor in schema")
    assert order(books, "*", "SORTBY", "year", "LIMIT", 1, 2) == ["b:4", "b:1"]
    books("HDEL", "b:3", "year")
    for direction in ("ASC", "DESC"):
        assert order(books, "*", "SORTBY", "year", direction)[-1] == "b:3"
    assert search(books, "emma", "SORTBY", "year", "WITHSORTKEYS", "NOCONTENT") == [1, b"b:2", b"#1815"]
    assert search(books, "emma", "SORTBY", "title", "WITHSORTKEYS", "NOCONTENT") == [1, b"b:2", b"$emma"]
    assert search(books, "emma", "WITHSORTKEYS", "NOCONTENT") == [1, b"b:2", None]
    first = search(books, "emma", "SORTBY", "year")[2]
    assert first[:2] == [b"year", b"1815"] and first.count(b"year") == 1


def test_scores(books):
    one, both = search(books, "desert", "WITHSCORES", "NOCONTENT"), search(books, "desert|fremen", "WITHSCORES", "NOCONTENT")
    score = dict(zip(both[1::2], map(float, both[2::2])))
    assert one[0] == both[0] == 2 and both[1] == b"b:1" and score[b"b:1"] > score[b"b:4"] > 0
    heavy = search(books, "desert|fremen=>{$weight: 10}", "WITHSCORES", "NOCONTENT")
    assert float(heavy[2]) > score[b"b:1"]
    assert float(search(books, "desert", "SCORER", "DOCSCORE", "WITHSCORES", "NOCONTENT")[2]) == 1
    plain, bent, part = (search(books, "desert|fremen", "SCORER", s, "WITHSCORES", "NOCONTENT") for s in ("BM25STD", "BM25STD.TANH", "bm25std.norm"))
    assert plain[1::2] == bent[1::2] == part[1::2] and float(part[2]) == 1
    assert float(part[4]) == pytest.approx(float(plain[4]) / float(plain[2])) and float(bent[4]) == pytest.approx(math.tanh(float(plain[4]) / 4))
    assert search(books, "desert", "SCORER", "nope") == Err("No such scorer nope")
    explained = search(books, "desert", "WITHSCORES", "EXPLAINSCORE", "NOCONTENT")
    assert float(explained[2][0]) == float(one[2]) and len(explained[2]) == 2
    assert search(books, "desert", "EXPLAINSCORE") == Err("EXPLAINSCORE must be accompanied with WITHSCORES")


def test_filters_beside_the_query(books):
    assert keys(books, "*", "FILTER", "year", 1815, 1820) == ["b:2", "b:4"]
    assert keys(books, "*", "FILTER", "year", "(1815", "+inf", "FILTER", "year", "-inf", 1965) == ["b:1", "b:4"]
    assert keys(books, "*", "GEOFILTER", "at", 1, 1, 1, "km") == ["b:1", "b:2"]
    assert keys(books, "desert", "INKEYS", 3, "b:1", "b:2", "none") == ["b:1"]
    assert keys(books, "desert", "INKEYS", 0) == []
    assert keys(books, "dune|desert", "INFIELDS", 1, "title") == ["b:1"]
    assert search(books, "*", "FILTER", "nope", 1, 2) == Err("Unknown Field 'nope'")
    assert search(books, "*", "FILTER", "kind", 1, 2) == Err("Field is not a numeric field, field: kind")
    assert search(books, "*", "FILTER", "year", "x", 2) == Err("Bad lower range: x")
    assert search(books, "*", "FILTER", "year", 1) == Err("FILTER requires 3 arguments")
    assert search(books, "*", "GEOFILTER", "at", 1, 1, 1, "parsec") == Err("Unknown distance unit parsec")


def test_near_words(books):
    assert keys(books, "desert fremen", "SLOP", 0) == []
    assert keys(books, "desert fremen", "SLOP", 1) == ["b:1"]  # "planet": the others between are stop words
    assert keys(books, "fremen desert", "SLOP", 5, "INORDER") == []
    assert keys(books, "desert fremen", "INORDER") == ["b:1"]
    assert keys(books, "@about:(desert fremen)=>{$slop: 0}") == [] and keys(books, "@about:(desert fremen)=>{$slop: 2; $inorder: true}") == ["b:1"]


def test_verbatim_and_stop_words(books):
    assert keys(books, "planets") == ["b:1", "b:2"] and keys(books, "planets", "VERBATIM") == []
    assert keys(books, "the planet") == ["b:1", "b:2"] and keys(books, "the planet", "NOSTOPWORDS") == []
    assert search(books, "x", "LANGUAGE", "klingon") == Err("No such language")
    assert keys(books, "planets", "LANGUAGE", "english") == ["b:1", "b:2"]


def test_the_beginning_of_what_is_more_than_a_word(ft):
    """Stop words within, and what needs no escape in a query, since it parts no words: frameworks escape ASCII alone."""
    assert ft("FT.CREATE", "i", "PREFIX", 1, "n:", "SCHEMA", "t", "TEXT") == OK
    texts = ("trip to the beach", "O’Brien at home", "你好，世界", "users\\.José\\ 🎉", "users\\.José\\ 🎉fan", "users\\.O’Brien\\-x")
    for i, text in enumerate(texts):
        ft("HSET", f"n:{i}", "t", text)
    for query, found in (('"trip to the bea"*', [0]), ('"to the bea"*', [0]), ("trip\\ to\\ the\\ b*", [0]), ('"trip to the x"*', []), ("O’Brie*", [1]),
                         ("*’Brien", [1]), ("“trip*", []), ("brien*", []), ("你好，世*", [2]), ("users\\.josé\\ 🎉*", [3, 4]), ("users\\.josé\\ 🎉f*", [4]),
                         ("users\\.O’Bri*", [5]), ("users\\.O’Brien\\-*", [5]), ("users\\.O*", [5]), ("users\\.jo🎉*", [])):
        assert keys(ft, query) == [f"n:{i}" for i in found], query


def test_a_prefix_stands_for_all_words_or_says_that_it_does_not(ft, c3):
    assert ft("FT.CREATE", "i", "PREFIX", 1, "w:", "SCHEMA", "t", "TEXT") == OK
    for i in range(300):
        ft("HSET", f"w:{i}", "t", f"word{i} end")
    for query in ("word*", "*ord*", "w'w?rd*'", "word* end"):
        assert ft("FT.SEARCH", "i", query, "LIMIT", 0, 0) == [300], query
        assert c3("FT.SEARCH", "i", query, "LIMIT", 0, 0).dict()[Simple("warning")] == [], query
    near = c3("FT.SEARCH", "i", "(word* end)=>{$slop: 0; $inorder: true}", "LIMIT", 0, 0).dict()
    assert near[Simple("total_results")] == 200 and near[Simple("warning")] == [Simple("Max prefix expansions limit was reached")]
    near = c3("FT.AGGREGATE", "i", "(word* end)=>{$slop: 0; $inorder: true}").dict()
    assert near[Simple("total_results")] == 200 and near[Simple("warning")] == [Simple("Max prefix expansions limit was reached")]


def test_empty_texts_are_found_where_they_are_indexed(ft, c3):
    ft("FT.CREATE", "i", "PREFIX", 1, "e:", "SCHEMA", "a", "TEXT", "INDEXEMPTY", "b", "TEXT", "INDEXEMPTY", "c", "TEXT", "n", "NUMERIC")
    for key, a, b, c in ("e:1", "", "word", ""), ("e:2", "word", "", "word"), ("e:3", "word", "word", ""), ("e:4", " ", ".", ""):
        ft("HSET", key, "a", a, "b", b, "c", c, "n", 1)
    for query, want in {'@a:""': "1", '@a:("")': "1", '@b:("")': "2", '@a|b:""': "12", '""': "12", '-@a:""': "234", '@a:("" | word)': "123", '@a:"" @b:word': "1",
                        '@a:"" word': "1", '@a:$p': "1", '@n:[1 1] -(@a|b:"")': "34", '@a:""=>{$weight: 2}': "1"}.items():
        assert keys(ft, query, "PARAMS", 2, "p", "") == ["e:" + x for x in want], query
    assert keys(ft, '""', "INFIELDS", 1, "b") == ["e:2"]
    assert search(ft, '@c:""') == Err("Use `INDEXEMPTY` in field creation in order to index and query for empty strings")
    ft("HSET", "e:1", "a", "word"), ft("DEL", "e:2"), ft("HSET", "e:5", "b", "")
    assert keys(ft, '""') == ["e:5"] and ft("FT.EXPLAIN", "i", '@a|b:""') == b'UNION {\n  @a:""\n  @b:""\n}\n'


def test_the_nearest(books):
    blob = ["PARAMS", 2, "b", vec(1, 0)]
    reply = search(books, "*=>[KNN 2 @v $b]", *blob, "RETURN", 1, "__v_score", "DIALECT", 2)
    assert reply == [2, b"b:1", [b"__v_score", b"0"], b"b:3", [b"__v_score", b"0.125"]]
    assert order(books, "*=>[KNN 3 @v $b AS d]", *blob, "SORTBY", "d", "DESC") == ["b:4", "b:3", "b:1"]
    assert order(books, "(@kind:{classic})=>[KNN 2 @v $b AS d]", *blob) == ["b:1", "b:4"]
    assert order(books, "@year:[1800 1900]=>[KNN 10 @v $b]", *blob) == ["b:4", "b:2"]
    assert order(books, "*=>[KNN $k @v $b]", "PARAMS", 4, "k", 1, "b", vec(0, 1)) == ["b:2"]
    assert order(books, "*=>[KNN 2 @v $b]", *blob, "FILTER", "year", 1800, 1900) == ["b:4", "b:2"]
    assert order(books, "*=>[KNN 4 @v $b]", *blob, "LIMIT", 1, 2) == ["b:3", "b:4"]
    assert order(books, "*=>[KNN 3 @v $b]", *blob, "SORTBY", "year") == ["b:4", "b:1", "b:3"]
    row = search(books, "*=>[KNN 1 @v $b AS d]", *blob)[2]
    assert row[:2] == [b"d", b"0"] and b"title" in row
    assert search(books, "*=>[KNN 0 @v $b]", *blob) == [0]
    assert keys(books, "@v:[VECTOR_RANGE 0.2 $b]", *blob) == ["b:1", "b:3"]
    assert search(books, "@v:[VECTOR_RANGE 0.2 $b]=>{$YIELD_DISTANCE_AS: d} @kind:{classic}", *blob, "RETURN", 1, "d") == [1, b"b:1", [b"d", b"0"]]
    assert search(books, "*=>[KNN 2 @v $b]", "PARAMS", 2, "b", b"1234") == Err(
        "Error parsing vector similarity query: query vector blob size (4) does not match index's expected size (8).")


def test_marks(books):
    assert search(books, "manners", "RETURN", 1, "about", "HIGHLIGHT") == [1, b"b:2", [b"about", b"a planet of <b>manners</b>"]]
    assert search(books, "manners", "RETURN", 1, "about", "HIGHLIGHT", "FIELDS", 1, "about", "TAGS", "[", "]")[2] == [b"about", b"a planet of [manners]"]
    assert search(books, "manners", "RETURN", 1, "about", "HIGHLIGHT", "FIELDS", 1, "title")[2] == [b"about", b"a planet of manners"]
    assert b"manners" in search(books, "manners", "RETURN", 1, "about", "SUMMARIZE", "FRAGS", 1, "LEN", 2)[2][1]
    assert search(books, "manners", "HIGHLIGHT", "TAGS", "x") == Err("Bad arguments for HIGHLIGHT")


@pytest.mark.parametrize("args, text", [
    (["*", "LIMIT", 0], "LIMIT requires two arguments"),
    (["*", "LIMIT", "a", 1], "LIMIT needs two numeric arguments"),
    (["*", "LIMIT", 0, 1000001], "LIMIT exceeds maximum of 1000000"),
    (["*", "LIMIT", 1000001, 10], "OFFSET exceeds maximum of 1000000"),
    (["*", "DIALECT", 9], "DIALECT requires a non negative integer >=1 and <= 4"),
    (["*", "DIALECT"], "Need an argument for DIALECT"),
    (["*", "TIMEOUT", -1], "TIMEOUT requires a non negative integer"),
    (["*", "PARAMS", 1, "a"], "Parameters must be specified in PARAM VALUE pairs"),
    (["*", "PARAMS", 4, "a", 1, "a", 2], "Duplicate parameter `a`"),
    (["*", "PARAMS", 4, "a", 1], "Bad arguments for PARAMS: Expected an argument, but none provided"),
    (["*", "RETURN", 3, "a", "AS"], "Bad arguments for RETURN: Expected an argument, but none provided"),
    (["*", "RETURN", 2, "a", "AS"], "RETURN path AS name - must be accompanied with NAME"),
    (["*", "SORTBY"], "Bad SORTBY arguments"),
    (["*", "SORTBY", "year", "SORTBY", "year"], "Multiple SORTBY steps are not allowed"),
    (["*", "BOGUS"], "Unknown argument `BOGUS` at position 1 for <main>"),
    (["@nope:{a}"], "Unknown field at offset 0 near nope"),
    (["foo ("], "Syntax error at offset 4 near foo"),
    (["@year:[$a 2]"], "No such parameter `a`"),
])
def test_errors(books, args, text):
    assert search(books, *args) == Err(text)


def test_no_index(ft):
    want = Err("SEARCH_INDEX_NOT_FOUND Index not found (no such index, Unknown index name): i")
    for command in ("FT.SEARCH", "FT.EXPLAIN", "FT.EXPLAINCLI"):
        assert ft(command, "i", "*") == want
    assert ft("FT.PROFILE", "i", "SEARCH", "QUERY", "*") == want


def test_an_index_without_words(ft):
    assert ft("FT.CREATE", "i", "SCHEMA", "g", "TAG") == OK and ft("HSET", "k", "g", "a") == 1
    for query in ("word", '"two words"', "pre*", "%fuzzy%", "~word @g:{b}"):
        assert search(ft, query, "WITHSCORES", "HIGHLIGHT") == [0]
    assert search(ft, "@g:{a} ~word", "HIGHLIGHT") == [1, b"k", [b"g", b"a"]]


def test_documents_of_json(ft, server):
    assert ft("FT.CREATE", "i", "ON", "JSON", "SCHEMA", "$.n", "AS", "n", "NUMERIC", "$.t[*]", "AS", "t", "TAG", "$.v", "AS", "v", "VECTOR", "FLAT", 6,
              "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2") == OK
    assert ft("JSON.SET", "d", "$", '{"n":5,"t":["a","b"],"v":[1,0]}') == OK
    assert search(ft, "@t:{b}") == [1, b"d", [b"$", b'{"n":5,"t":["a","b"],"v":[1,0]}']]
    assert search(ft, "@n:[5 5]", "RETURN", 1, "n") == [1, b"d", [b"n", b"5"]]
    assert search(ft, "@n:[5 5]", "RETURN", 3, "$.n", "AS", "x") == [1, b"d", [b"x", b"5"]]
    assert search(ft, "@n:[5 5]", "RETURN", 2, "$.n", "$.t", "DIALECT", 3) == [1, b"d", [b"$.n", b"[5]", b"$.t", b'[["a","b"]]']]
    assert search(ft, "*", "SORTBY", "n")[2][:3] == [b"n", b"5", b"$"]
    assert search(ft, "*=>[KNN 1 @v $b]", "PARAMS", 2, "b", vec(1, 0))[2][:3] == [b"__v_score", b"0", b"$"]
    assert search(ft, "*", "DIALECT", 3)[2][1].startswith(b'[{"n"')


def test_a_key_that_goes_or_changes_is_seen_at_once(books):
    books("DEL", "b:1")
    books("RENAME", "b:3", "elsewhere")
    books("HSET", "b:4", "about", "nothing")
    assert keys(books, "desert") == [] and keys(books, "*") == ["b:2", "b:4"]
    books("PEXPIRE", "b:2", 1)
    wait_for(lambda: books("EXISTS", "b:2") == 0)
    assert search(books, "*", "NOCONTENT") == [1, b"b:4"]
    books("FLUSHALL")
    assert search(books, "*") == [0]


def test_explain_and_profile(books, server):
    assert books("FT.EXPLAIN", "i", "@year:[1 2]") == b"NUMERIC {1.000000 <= @year <= 2.000000}\n"
    assert books("FT.EXPLAINCLI", "i", "@kind:{a}") == [b"TAG:@kind {", b"  a", b"}", b""]
    assert books("FT.EXPLAIN", "i", "(") == Err("Syntax error at offset 0 near ")
    results, profile = books("FT.PROFILE", "i", "SEARCH", "QUERY", "desert", "NOCONTENT")
    assert results[0] == 2 and sorted(results[1:]) == [b"b:1", b"b:4"] and [str(x[0]) for x in profile] == [
        "Total profile time", "Parsing time", "Pipeline time", "Iterators profile", "Result processors profile"]
    results, profile = books("FT.PROFILE", "i", "AGGREGATE", "QUERY", "*", "GROUPBY", 0, "REDUCE", "COUNT", 0, "AS", "n")
    assert results[1:] == [[b"n", b"4"]] and len(profile) == 3
    assert books("FT.PROFILE", "i", "SEARCH", "QUERY", "(") == Err("Syntax error at offset 0 near ")
    assert books("FT.PROFILE", "i", "NOTHING", "QUERY", "*") == Err("No `SEARCH`, `AGGREGATE`, or `HYBRID` provided")
    names = [str(k) for k, _ in server.conn(resp3=True)("FT.PROFILE", "i", "SEARCH", "LIMITED", "QUERY", "desert")]
    assert names == ["Results", "Profile"]


# --- searches that take longer than a turn ----------------------------------------------------------------------------

MANY = 30000


@pytest.fixture
def many(ft):
    """So many documents that a search sorted by a field without a column takes several turns."""
    assert ft("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT", "n", "NUMERIC") == OK
    for at in range(0, MANY, 5000):
        ft.pipeline([["HSET", "d:%d" % n, "t", "word w%d" % n, "n", n] for n in range(at, at + 5000)])
    return ft


LONG = ["word", "SORTBY", "t", "LIMIT", 0, 3, "NOCONTENT"]


def test_long_searches_let_others_go_first(many, server):
    """Each counts himself when he has been answered: the quick one comes before the last of them."""
    slow, quick = [server.conn() for _ in range(12)], server.conn()
    with server.one_turn():
        for c in slow:
            c.send("FT.SEARCH", "i", *LONG)
            c.send("INCR", "answered")
        quick.send("INCR", "answered")
    assert quick.read() <= len(slow)
    assert [c.read()[0] for c in slow] == [MANY] * len(slow)
    assert max(c.read() for c in slow) == len(slow) + 1


def test_what_goes_during_a_search_is_not_in_its_answer(many, server):
    slow = server.conn()
    gone = ["d:%d" % n for n in range(0, MANY, 3)]
    slow.send("FT.SEARCH", "i", "word", "SORTBY", "t", "LIMIT", 0, MANY, "NOCONTENT")
    many("DEL", *gone)
    reply = slow.read()
    assert reply[0] == len(reply) - 1
    assert reply[0] in (MANY, MANY - len(gone))
    if reply[0] < MANY:
        assert not set(gone) & {k.decode() for k in reply[1:]}
    assert many("FT.SEARCH", "i", "word", "LIMIT", 0, 0) == [MANY - len(gone)]


def test_several_searches_at_once(many, server):
    conns = [server.conn() for _ in range(8)]
    for n, c in enumerate(conns):
        c.send("FT.SEARCH", "i", "word @n:[%d inf]" % (n * 100), "SORTBY", "t", "LIMIT", 0, 2, "NOCONTENT")
    many("HSET", "d:0", "t", "changed")
    many("HSET", "new", "t", "word")
    for n, c in enumerate(conns):
        assert c.read()[0] in (MANY - n * 100, MANY - n * 100 - (n == 0))
    assert many("FT.SEARCH", "i", "changed", "NOCONTENT") == [1, b"d:0"]


def test_in_a_transaction_and_in_a_script_a_search_runs_to_its_end(many, server):
    slow = server.conn()
    slow.send("FT.SEARCH", "i", *LONG)
    many("MULTI")
    many("HSET", "d:5", "t", "other")
    many("FT.SEARCH", "i", *LONG)
    many("FT.SEARCH", "i", "other", "NOCONTENT")
    assert many("EXEC")[1:] == [[MANY - 1, b"d:0", b"d:1", b"d:10"], [1, b"d:5"]]
    assert slow.read()[0] in (MANY, MANY - 1)
    assert many("EVAL", "return redis.call('FT.SEARCH', 'i', 'word', 'SORTBY', 't', 'LIMIT', 0, 1, 'NOCONTENT')", 0) == [MANY - 1, b"d:0"]


def test_a_client_that_waits_may_leave_be_killed_or_unblocked(many, server):
    for end in ("close", "kill", "unblock"):
        slow = server.conn()
        me = slow("CLIENT", "ID")
        for _ in range(6):
            slow.send("FT.SEARCH", "i", *LONG)
        if end == "close":
            slow.close()
        elif end == "kill":
            many("CLIENT", "KILL", "ID", me)
        elif many("CLIENT", "UNBLOCK", me, "ERROR") == 1:
            replies = [slow.read() for _ in range(6)]
            assert Err("UNBLOCKED client unblocked via CLIENT UNBLOCK") in replies
        assert many("FT.SEARCH", "i", "w7", "NOCONTENT") == [1, b"d:7"]
    assert many("FT.SEARCH", "i", *LONG) == [MANY, b"d:0", b"d:1", b"d:10"]


def test_time_is_bounded(many, server):
    assert many("CONFIG", "SET", "search-on-timeout", "fail") == OK
    many("MULTI")
    many("FT.SEARCH", "i", *LONG, "TIMEOUT", 1)
    assert many("EXEC") == [Err("Timeout limit was reached")]
    assert many("FT.SEARCH", "i", *LONG, "TIMEOUT", 1) == Err("Timeout limit was reached")
    assert many("CONFIG", "SET", "search-on-timeout", "return") == OK
    three = server.conn(resp3=True)
    assert {str(k): v for k, v in three("FT.SEARCH", "i", *LONG, "TIMEOUT", 1)}["warning"] == [Simple("Timeout limit was reached")]
    assert many("CONFIG", "SET", "search-on-timeout", "fail") == OK
    assert many("FT.SEARCH", "i", *LONG, "TIMEOUT", 0)[0] == MANY


def test_an_index_that_is_dropped_or_emptied_ends_its_searches(many, server):
    for command in (["FLUSHALL"], ["FT.DROPINDEX", "i"]):
        slow = server.conn()
        slow.send("FT.SEARCH", "i", *LONG)
        assert many(*command) == OK
        reply = slow.read()
        assert isinstance(reply, Err) or reply[0] in (0, MANY)
    assert many("FT.SEARCH", "i", "*").startswith("SEARCH_INDEX_NOT_FOUND")


def test_an_index_that_is_altered_ends_its_searches_before(many, server):
    slow = server.conn()
    slow.send("FT.SEARCH", "i", *LONG)
    assert many("FT.ALTER", "i", "SCHEMA", "ADD", "g", "TAG") == OK
    assert slow.read()[0] == MANY
    assert many("HSET", "d:1", "g", "x") == 1
    assert many("FT.SEARCH", "i", "@g:{x}", "NOCONTENT") == [1, b"d:1"]


def test_who_alters_waits_for_searches_and_can_be_woken_and_killed(many, server):
    slow, alters = server.conn(), [server.conn() for _ in range(4)]
    for _ in range(30):
        slow.send("FT.SEARCH", "i", *LONG)
    for n, c in enumerate(alters):
        c.send("FT.ALTER", "i", "SCHEMA", "ADD", "f%d" % n, "TAG")
    assert many("FT.SEARCH", "i", "w7", "NOCONTENT") == [1, b"d:7"]
    assert [c.read() for c in alters] == [OK] * 4
    for how in ("UNBLOCK", "KILL"):
        waiting = server.conn()
        me = waiting("CLIENT", "ID")
        waiting.send("FT.ALTER", "i", "SCHEMA", "ADD", how, "TAG")
        many("CLIENT", *(("UNBLOCK", me) if how == "UNBLOCK" else ("KILL", "ID", me)))
        if how == "UNBLOCK":
            assert waiting.read() in (OK, Err("ERR The index is in use by a query, and has not been altered"))
    assert [len(slow.read()) for _ in range(30)] == [4] * 30
    slow.send("FT.SEARCH", "i", *LONG)
    assert many.pipeline([("MULTI",), ("FT.ALTER", "i", "SCHEMA", "ADD", "g", "TAG"), ("EXEC",)])[2] == [OK]
    assert many("HSET", "d:1", "g", "x", "f3", "y") == 2
    assert many("FT.SEARCH", "i", "@g:{x} @f3:{y}", "NOCONTENT") == [1, b"d:1"]
    assert slow.read()[0] == MANY
    slow.send("FT.SEARCH", "i", *LONG)
    alters[0].send("FT.ALTER", "i", "SCHEMA", "ADD", "late", "TAG")
    assert many("FT.DROPINDEX", "i") == OK
    reply = alters[0].read()
    assert reply == OK or reply.startswith("SEARCH_INDEX_NOT_FOUND")


def test_a_server_stops_in_the_middle_of_a_search(many, start):
    s = start()
    c, slow = s.conn(), s.conn()
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT") == OK
    c.pipeline([["HSET", "d:%d" % n, "t", "word w%d" % n] for n in range(20000)])
    slow.send("FT.SEARCH", "i", *LONG)
    s.stop()


def test_the_memory_of_results_is_bounded(start):
    s = start(search_results_memory="1mb")
    c = s.conn()
    c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "n", "NUMERIC", "t", "TAG", "SORTABLE")
    c.pipeline([("HSET", "d:%d" % n, "n", n, "t", "%04d" % n + "x" * 1000) for n in range(2000)])
    refused = ("SEARCH_LIMIT_OVER The results of this search take more than 1048576 bytes: ask for fewer (LIMIT), or for less of each "
               "(NOCONTENT, RETURN), or raise search-results-memory")
    assert c("FT.SEARCH", "i", "*", "LIMIT", 0, 2000) == Err(refused)
    assert c("FT.SEARCH", "i", "*", "SORTBY", "t", "NOCONTENT", "LIMIT", 0, 2000) == Err(refused)   # what they are sorted by
    assert c.pipeline([("MULTI",), ("FT.SEARCH", "i", "*", "LIMIT", 0, 2000), ("EXEC",)])[2] == [Err(refused)]
    assert len(c("FT.SEARCH", "i", "*", "LIMIT", 0, 500)) == 1001
    assert len(c("FT.SEARCH", "i", "*", "SORTBY", "n", "NOCONTENT", "LIMIT", 0, 2000)) == 2001
    assert c("CONFIG", "SET", "search-results-memory", "10mb") == OK
    assert len(c("FT.SEARCH", "i", "*", "LIMIT", 0, 2000)) == 4001


# --- large replies, which go out in pieces -------------------------------------------------------------------------------

@pytest.fixture
def large(ft):
    assert ft("FT.CREATE", "i", "PREFIX", 1, "l:", "SCHEMA", "n", "NUMERIC") == OK
    ft.pipeline([("HSET", "l:%d" % n, "n", n, "body", b"%04d" % n * 300) for n in range(3000)])
    return ft


def test_a_large_reply_is_whole_however_it_comes(server, large):
    ask = ("FT.SEARCH", "i", "*", "SORTBY", "n", "LIMIT", 0, 3000)
    rows = [x for n in range(3000) for x in (b"l:%d" % n, [b"n", b"%d" % n, b"body", b"%04d" % n * 300])]
    assert large(*ask) == [3000, *rows]
    large.send_raw(b"".join(resp.encode(a) for a in [("CLIENT", "REPLY", "SKIP"), ask, ("PING",), ask, ("ECHO", "end")]))
    assert large.read() == Simple("PONG")  # nothing of the one whose reply was not wanted
    assert large.read() == [3000, *rows]
    assert large.read() == b"end"
    assert large.pipeline([("MULTI",), ask, ("EXEC",)])[2] == [[3000, *rows]]
    three = server.conn(resp3=True)
    reply = {str(k): v for k, v in three(*ask)}
    assert (reply["total_results"], len(reply["results"])) == (3000, 3000)
    assert {str(k): v for k, v in reply["results"][2999]}["extra_attributes"].dict() == {b"n": b"2999", b"body": b"2999" * 300}


def test_rows_that_go_while_others_are_written_leave_a_whole_reply(server, large):
    other, gone = server.conn(), set()
    for n in range(0, 3000, 150):
        large.send("FT.SEARCH", "i", "*", "SORTBY", "n", "LIMIT", 0, 3000)
        went = {b"l:%d" % k for k in range(n, n + 75)}
        other("DEL", *went)
        total, *rows = large.read()
        shown = rows[::2]
        assert total == len(shown) and not gone & set(shown)
        assert all(row[3] == b"%04d" % int(row[1]) * 300 and key == b"l:" + row[1] for key, row in zip(shown, rows[1::2]))
        gone |= went


def test_a_long_query_goes_on_in_slices(ft):
    """Parsed, explained and run between turns; what it says is what a short one does."""
    assert ft("FT.CREATE", "i", "PREFIX", 1, "l:", "SCHEMA", "t", "TEXT", "g", "TAG", "n", "NUMERIC") == OK
    for i in range(3):
        ft("HSET", f"l:{i}", "t", f"w{i * 700} common", "g", f"w{i * 700}", "n", i)
    words = ["w%d" % i for i in range(16000)]
    assert keys(ft, "|".join(words)) == ["l:0", "l:1", "l:2"] and keys(ft, "@g:{%s}" % "|".join(words[1:])) == ["l:1", "l:2"]
    assert keys(ft, " ".join(["common"] * 8000 + ["w1400"])) == ["l:2"]
    lines = ft("FT.EXPLAINCLI", "i", "|".join(words))
    assert ft("FT.EXPLAIN", "i", "|".join(words)) == b"\n".join(lines) and len(lines) == 16000 * 4 + 3
    assert lines[:6] == ft("FT.EXPLAINCLI", "i", "|".join(words[:2]))[:6]
    assert ft("FT.EXPLAIN", "i", "(%s)" % "|".join(words)).count(b"+w") == 16000
    assert ft("FT.EXPLAIN", "i", "(" + "|".join(words)).startswith("Syntax error")
    assert ft("FT.EXPLAIN", "i", "|".join(words * 3)) == Err("The query has more than 32768 parts. Ask in several queries.")
    assert ft("FT.SEARCH", "i", "|".join(words * 3)) == Err("The query has more than 32768 parts. Ask in several queries.")
    ft("MULTI")
    ft("FT.EXPLAIN", "i", "|".join(words))
    assert ft("EXEC") == [b"\n".join(lines)]


def test_a_document_has_so_many_tags(ft):
    assert ft("FT.CREATE", "i", "PREFIX", 1, "m:", "SCHEMA", "g", "TAG") == OK
    ft("HSET", "m:1", "g", ",".join("t%d" % i for i in range(16384)))
    ft("HSET", "m:2", "g", ",".join("t%d" % i for i in range(16385)))
    ft("HSET", "m:3", "g", "x" * 100000)
    assert keys(ft, "@g:{t16383}") == ["m:1"] and ft("FT.SEARCH", "i", "*", "LIMIT", 0, 0) == [2]
    info = ft("FT.INFO", "i")
    assert info[info.index(b"hash_indexing_failures") + 1] == 1
    ft("HSET", "m:2", "g", "t1")
    assert keys(ft, "@g:{t1}") == ["m:1", "m:2"]
