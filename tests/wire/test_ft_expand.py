"""FORMAT EXPAND: documents of JSON as values of RESP3."""
import json
import struct

import pytest

from resp import Double, Err, Map, OK, Simple

pytestmark = pytest.mark.memd_only

DOCS = [
    {"arr": [1.0, 2.5, 3.14], "num": 1, "str": "fo\"o é\n", "sub": {"s": False}, "none": [], "empty": {}, "big": 9007199254740993, "at": [1, 0]},
    {"arr": [3, 4, None], "num": 2, "str": "bar", "sub": {"s": True, "deep": [[{"a": None}], []]}, "huge": 1e300, "at": [0, 1]},
]


@pytest.fixture
def docs(c, c3):
    assert c("FT.CREATE", "idx", "ON", "JSON", "SCHEMA", "$.arr", "AS", "arr", "NUMERIC", "$.num", "AS", "num", "NUMERIC", "$.str", "AS", "str", "TEXT",
             "$..arr[*]", "AS", "multi", "NUMERIC", "$.at", "AS", "at", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "L2") == OK
    for i, doc in enumerate(DOCS):
        assert c("JSON.SET", "d:%d" % i, "$", json.dumps(doc)) == OK
    return c3


def plain(x):
    """A reply as JSON would have it."""
    if isinstance(x, Map):
        return {plain(k): plain(v) for k, v in x}
    if isinstance(x, list):
        return [plain(v) for v in x]
    if isinstance(x, Double):
        return float(x)
    return x.decode() if isinstance(x, bytes) else str(x) if isinstance(x, Simple) else x


def rows(reply, form="EXPAND"):
    reply = plain(reply)
    assert reply["format"] == form, reply
    return [row["extra_attributes"] for row in reply["results"]]


def test_documents_come_as_they_are(docs):
    assert rows(docs("FT.SEARCH", "idx", "*", "SORTBY", "num", "FORMAT", "EXPAND")) == [
        {"num": [1], "$": [DOCS[0]]}, {"num": [2], "$": [DOCS[1]]}]
    assert rows(docs("FT.SEARCH", "idx", "@num:[2 2]", "FORMAT", "expand", "DIALECT", 3)) == [{"$": [DOCS[1]]}]
    assert [list(r) for r in rows(docs("FT.SEARCH", "idx", "*", "FORMAT", "STRING", "SORTBY", "num"), "STRING")] == [["num", "$"]] * 2
    value = docs("FT.SEARCH", "idx", "@num:[1 1]", "FORMAT", "EXPAND", "RETURN", 1, "$.big")
    assert rows(value) == [{"$.big": [9007199254740993]}]


def test_each_value_is_all_that_its_path_finds(docs):
    fields = ["$.arr[?(@>2)]", "str", "multi", "arr", "nothing", "$.nothing", "$.sub.s", "num"]
    assert rows(docs("FT.SEARCH", "idx", "*", "SORTBY", "num", "FORMAT", "EXPAND", "RETURN", len(fields), *fields)) == [
        {"$.arr[?(@>2)]": [2.5, 3.14], "str": ["fo\"o é\n"], "multi": [1, 2.5, 3.14], "arr": [[1, 2.5, 3.14]], "$.nothing": [], "$.sub.s": [0], "num": [1]},
        {"$.arr[?(@>2)]": [3, 4], "str": ["bar"], "multi": [3, 4, None], "arr": [[3, 4, None]], "$.nothing": [], "$.sub.s": [1], "num": [2]}]
    near = ["(*)=>[KNN 2 @at $v AS far]", "PARAMS", 2, "v", struct.pack("<2f", 1, 0), "SORTBY", "far", "FORMAT", "EXPAND"]
    assert rows(docs("FT.SEARCH", "idx", *near, "RETURN", 3, "far", "__key", "num")) == [
        {"far": 0, "__key": "d:0", "num": [1]}, {"far": 2, "__key": "d:1", "num": [2]}]
    assert rows(docs("FT.SEARCH", "idx", *near)) == [{"far": 0, "$": [DOCS[0]]}, {"far": 2, "$": [DOCS[1]]}]


def test_rows_of_aggregations_too(docs, c):
    def ask(*args):
        return rows(docs("FT.AGGREGATE", "idx", *args, "FORMAT", "EXPAND"))

    assert ask("*", "LOAD", "*", "SORTBY", 2, "@num", "DESC") == [{"num": [2], "$": [DOCS[1]]}, {"num": [1], "$": [DOCS[0]]}]
    assert ask("*", "LOAD", 6, "@$.arr[?(@>2)]", "@str", "@arr", "@nothing", "@__key", "@multi", "SORTBY", 2, "@str", "DESC") == [
        {"$.arr[?(@>2)]": [2.5, 3.14], "str": ["fo\"o é\n"], "arr": [[1, 2.5, 3.14]], "__key": "d:0", "multi": [1, 2.5, 3.14]},
        {"$.arr[?(@>2)]": [3, 4], "str": ["bar"], "arr": [[3, 4, None]], "__key": "d:1", "multi": [3, 4, None]}]
    # what steps compute with is one value, as ever; what they compute is a number or a text
    assert ask("*", "LOAD", 3, "@num", "AS", "n", "FILTER", "@num > 1", "APPLY", "@num / 4", "AS", "q", "APPLY", "upper(@str)", "AS", "u") == [
        {"n": [2], "num": [2], "q": 0.5, "str": ["bar"], "u": "BAR"}]
    assert ask("@num:[1 1]", "LOAD", 1, "@num", "APPLY", "@num + 1", "AS", "num") == [{"num": 2}]
    assert ask("*", "GROUPBY", 1, "@num", "REDUCE", "COUNT", 0, "AS", "c", "REDUCE", "TOLIST", 1, "@str", "AS", "l", "SORTBY", 2, "@num", "DESC") == [
        {"num": 2, "c": 1, "l": ["bar"]}, {"num": 1, "c": 1, "l": ["fo\"o é\n"]}]
    assert rows(docs("FT.AGGREGATE", "idx", "@num:[2 2]", "LOAD", 2, "@num", "@arr", "FORMAT", "STRING"), "STRING") == [{"num": "2", "arr": "3"}]
    # a cursor's rows are those of the moment when it was opened
    reply, cursor = docs("FT.AGGREGATE", "idx", "*", "LOAD", 2, "@str", "@num", "SORTBY", 2, "@num", "ASC", "WITHCURSOR", "COUNT", 1, "FORMAT", "EXPAND")
    c("JSON.SET", "d:1", "$.str", '"other"')
    more, last = docs("FT.CURSOR", "READ", "idx", cursor)
    assert rows(reply) + rows(more) == [{"str": ["fo\"o é\n"], "num": [1]}, {"str": ["bar"], "num": [2]}]
    assert docs("FT.HYBRID", "idx", "SEARCH", "bar", "VSIM", "@at", "$v", "PARAMS", 2, "v", struct.pack("<2f", 1, 0), "FORMAT", "EXPAND") == Err(
        "SEARCH_PARSE_ARGS FORMAT EXPAND is not supported by FT.HYBRID")


def test_what_is_large_comes_as_text(docs, c):
    large = json.dumps({"num": 3, "t": "x" * (1 << 20)}, separators=(",", ":"))
    c("JSON.SET", "d:3", "$", large)
    assert rows(docs("FT.SEARCH", "idx", "@num:[3 3]", "FORMAT", "EXPAND")) == [{"$": "[%s]" % large}]
    nested = "[" * 120 + "]" * 120
    c("JSON.SET", "d:3", "$", '{"num": 3, "t": %s}' % nested)
    assert rows(docs("FT.SEARCH", "idx", "@num:[3 3]", "FORMAT", "EXPAND")) == [{"$": [{"num": 3, "t": json.loads(nested)}]}]


def test_who_cannot_have_it_is_told_why(docs, c):
    assert c("FT.CREATE", "hashes", "PREFIX", 1, "h:", "SCHEMA", "t", "TEXT") == OK
    for command in ("FT.SEARCH", "FT.AGGREGATE"):
        assert docs(command, "idx", "*", "FORMAT") == Err("Need an argument for FORMAT")
        assert docs(command, "idx", "*", "FORMAT", "XPAND") == Err("FORMAT XPAND is not supported")
        assert docs(command, "hashes", "*", "FORMAT", "EXPAND") == Err("EXPAND format is only supported with JSON")
        for order in (["FORMAT", "EXPAND", "DIALECT", 2], ["DIALECT", 2, "FORMAT", "EXPAND"]):
            assert docs(command, "idx", "*", *order) == Err("EXPAND format requires dialect 3 or greater")
        for index in ("idx", "hashes"):
            assert c(command, index, "*", "FORMAT", "EXPAND") == Err("EXPAND format is only supported with RESP3")
