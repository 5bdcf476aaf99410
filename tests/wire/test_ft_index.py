"""Indexes of FT.*: definitions, how they follow the keys, what survives. What is in an index is compared with the keys by
DEBUG CHECK, which reads all of them anew."""
import json
import os
import random
import shutil
import struct

import pytest

from resp import Double, Err, Map, OK, Set, Simple
from server import wait_for

MISSING = "SEARCH_INDEX_NOT_FOUND Index not found (no such index, Unknown index name): "


def facts(c, name):
    """FT.INFO of RESP2 as a dict."""
    flat = c("FT.INFO", name)
    return {k.decode(): v for k, v in zip(flat[::2], flat[1::2])}


def docs(c, name):
    return facts(c, name)["num_docs"]


def whole(c, name):
    """Wait for the scan's end."""
    wait_for(lambda: facts(c, name)["indexing"] == 0, "the scan of %s does not end" % name)
    return docs(c, name)


def tags(c, name, field):
    return {t.decode() for t in c("FT.TAGVALS", name, field)}


def create(c, name, *schema, prefix=("doc:",), on="HASH"):
    assert c("FT.CREATE", name, "ON", on, "PREFIX", len(prefix), *prefix, "SCHEMA", *schema) == OK


# --- definitions ---------------------------------------------------------------------------------------------------


def test_a_definition_is_told_in_redisearchs_order(c):
    assert c("FT.CREATE", "idx", "SCHEMA", "title", "TEXT", "WEIGHT", "2", "NOSTEM", "body", "AS", "b", "TEXT", "SORTABLE", "kind", "TAG",
             "SEPARATOR", "|", "CASESENSITIVE", "WITHSUFFIXTRIE", "n", "NUMERIC", "SORTABLE", "at", "GEO", "NOINDEX", "v", "VECTOR", "HNSW",
             "6", "TYPE", "FLOAT32", "DIM", "4", "DISTANCE_METRIC", "COSINE") == OK
    flat = c("FT.INFO", "idx")
    assert flat[0::2][:5] == [b"index_name", b"index_options", b"index_definition", b"attributes", b"num_docs"]
    assert flat[1] == b"idx" and flat[3] == []
    assert flat[5] == [b"key_type", b"HASH", b"prefixes", [b""], b"default_score", b"1", b"indexes_all", b"false"]
    assert flat[7][0] == [b"identifier", b"title", b"attribute", b"title", b"type", b"TEXT", b"WEIGHT", b"2", b"NOSTEM"]
    assert flat[7][1] == [b"identifier", b"body", b"attribute", b"b", b"type", b"TEXT", b"WEIGHT", b"1", b"SORTABLE"]
    assert flat[7][2] == [b"identifier", b"kind", b"attribute", b"kind", b"type", b"TAG", b"SEPARATOR", b"|", b"CASESENSITIVE", b"WITHSUFFIXTRIE"]
    assert flat[7][3] == [b"identifier", b"n", b"attribute", b"n", b"type", b"NUMERIC", b"SORTABLE", b"UNF"]
    assert flat[7][4] == [b"identifier", b"at", b"attribute", b"at", b"type", b"GEO", b"NOINDEX"]
    assert flat[7][5] == [b"identifier", b"v", b"attribute", b"v", b"type", b"VECTOR", b"algorithm", b"HNSW", b"data_type", b"FLOAT32",
                          b"dim", 4, b"distance_metric", b"COSINE", b"M", 16, b"ef_construction", 200, b"ef_runtime", 10]
    names = [k.decode() for k in flat[::2]]
    for name in ("num_terms num_records inverted_sz_mb vector_index_sz_mb offset_vectors_sz_mb doc_table_size_mb sortable_values_size_mb "
                 "key_table_size_mb records_per_doc_avg bytes_per_record_avg offsets_per_term_avg offset_bits_per_record_avg "
                 "hash_indexing_failures total_indexing_time total_inverted_index_blocks indexing percent_indexed number_of_uses gc_stats "
                 "cursor_stats dialect_stats max_doc_id").split() + ["Index Errors", "field statistics"]:
        assert name in names


def test_resp3_has_maps(server):
    with server.conn(resp3=True) as c:
        create(c, "idx", "t", "TAG", "SORTABLE")
        got = c("FT.INFO", "idx")
        assert isinstance(got, Map)
        got = got.dict()
        assert got[b"attributes"][0].dict()[b"flags"] == [b"SORTABLE"]
        assert got[b"index_definition"].dict()[b"default_score"] == Double("1")
        assert isinstance(got[b"dialect_stats"], Map) and got[b"percent_indexed"] == Double("1")
        assert c("FT._LIST") == Set([b"idx"]) and c("FT.TAGVALS", "idx", "t") == Set([])


@pytest.mark.parametrize("args, text", [
    ("SCHEMA", None),
    ("ON HASH PREFIX 1 doc:", "SEARCH_PARSE_ARGS No schema found"),
    ("ON LIST SCHEMA a TAG", "SEARCH_ADD_ARGS Invalid rule type: LIST"),
    ("NOSUCH SCHEMA a TAG", "SEARCH_ARG_UNRECOGNIZED Unknown argument `NOSUCH`"),
    ("SCORE 2 SCHEMA a TAG", "SEARCH_ADD_ARGS Invalid score"),
    ("LANGUAGE klingon SCHEMA a TAG", "SEARCH_ADD_ARGS Invalid language"),
    ("PREFIX 9 a SCHEMA a TAG", "SEARCH_PARSE_ARGS Bad arguments for PREFIX: Expected an argument, but none provided"),
    ("SCHEMA a TAG a TEXT", "SEARCH_VALUE_BAD Duplicate field in schema - a"),
    ("SCHEMA abc def", "SEARCH_PARSE_ARGS Invalid field type for field `abc`"),
    ("SCHEMA a TAG b", "SEARCH_PARSE_ARGS Field `b` does not have a type"),
    ("SCHEMA a TAG SEPARATOR xx", "SEARCH_PARSE_ARGS Tag separator must be a single character. Got `xx`"),
    ("SCHEMA a TAG NOINDEX INDEXMISSING", "SEARCH_PARSE_ARGS 'Field cannot be defined with both `NOINDEX` and `INDEXMISSING`' `a` '"),
    ("SCHEMA v VECTOR TREE 2 DIM 2", "SEARCH_PARSE_ARGS Bad arguments for vector similarity algorithm: No such argument"),
    ("SCHEMA v VECTOR FLAT 4 TYPE FLOAT32 DIM 2",
     "SEARCH_PARSE_ARGS Missing mandatory parameter: cannot create FLAT index without specifying DISTANCE_METRIC argument"),
    ("SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM 0 DISTANCE_METRIC L2",
     "SEARCH_PARSE_ARGS Bad arguments for vector similarity FLAT index `DIM`: Could not convert argument to expected type"),
    ("SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM 99999999999 DISTANCE_METRIC L2",
     "SEARCH_PARSE_ARGS Bad arguments for vector similarity FLAT index `DIM`: Could not convert argument to expected type"),
    ("SCHEMA v VECTOR FLAT 8 TYPE FLOAT32 DIM 2", "SEARCH_PARSE_ARGS Expected 8 parameters but got 4"),
    ("SCHEMA v VECTOR FLAT 2 M 4", "SEARCH_PARSE_ARGS Bad arguments for algorithm FLAT: M"),
    ("ON JSON SCHEMA $[ AS a TAG", "SEARCH_VALUE_BAD Invalid JSONPath '$[' in attribute 'a' in index 'idx'"),
])
def test_what_is_no_definition_is_refused_in_redisearchs_words(c, args, text):
    got = c("FT.CREATE", "idx", *args.split())
    assert got == (Err(text) if text else Err("ERR wrong number of arguments for 'ft.create' command"))
    assert c("FT._LIST") == []


def test_modifiers_may_come_in_any_order_and_what_has_no_use_is_accepted(c):
    assert c("FT.CREATE", "idx", "SCORE", "1.0", "NOOFFSETS", "NOHL", "NOFREQS", "PREFIX", "2", "a:", "b:", "ON", "HASH", "STOPWORDS", "0",
             "SKIPINITIALSCAN", "LANGUAGE", "german", "SCHEMA", "t", "TEXT", "INDEXMISSING", "SORTABLE", "NOSTEM", "PHONETIC", "dm:en", "WEIGHT", "1.0",
             "g", "TAG", "INDEXEMPTY", "SORTABLE", "UNF", "INDEXMISSING", "SEPARATOR", ",", "v", "VECTOR", "flat", "8", "type", "float32", "dim", "2",
             "distance_metric", "l2", "INDEXMISSING", "True", "w", "VECTOR", "SVS-VAMANA", "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", "IP") == OK
    got = facts(c, "idx")
    assert got["index_options"] == [b"NOFREQS", b"NOOFFSETS", b"NOHL"] and got["stopwords_list"] == []
    assert got["index_definition"][4:6] == [b"default_language", b"german"]
    assert b"INDEXMISSING" in got["attributes"][2] and b"SVS-VAMANA" in got["attributes"][3]


def test_names(c):
    create(c, "idx", "t", "TAG")
    assert c("FT.CREATE", "idx", "SCHEMA", "t", "TAG") == Err("Index already exists")
    assert c("FT._CREATEIFNX", "idx", "SCHEMA", "t", "TAG") == OK
    for cmd in (("FT.INFO", "no"), ("FT.DROPINDEX", "no"), ("FT.ALTER", "no", "SCHEMA", "ADD", "x", "TAG"), ("FT.TAGVALS", "no", "x")):
        got = c(*cmd)
        assert got == Err(MISSING + "no")
        assert all(t in got.lower() for t in ("no such index", "unknown index name", "index not found", "search_index_not_found"))
    assert c("FT._DROPINDEXIFX", "no") == OK
    assert c("FT.CREATE", "kept", "PREFIX", 1, "kept:", "SCHEMA", "t", "TAG") == OK and c("HSET", "kept:1", "t", "a") == 1
    assert c("FT.DROPINDEX", "kept", "XX") == Err("SEARCH_ARG_UNRECOGNIZED Unknown argument")
    assert c("FT.DROPINDEX", "kept", "") == OK and c("EXISTS", "kept:1") == 1  # redis-py's word for no DD
    c("SELECT", 1)
    assert c("FT.CREATE", "other", "SCHEMA", "t", "TAG") == Err("Cannot create index on db != 0")
    c("SELECT", 0)
    assert c("FT.DROPINDEX", "idx") == OK and c("FT._LIST") == []


def test_aliases(c):
    create(c, "one", "t", "TAG")
    create(c, "two", "u", "TAG")
    assert c("FT.ALIASADD", "a", "one") == OK and facts(c, "a")["index_name"] == b"one"
    assert c("FT.ALIASADD", "a", "two") == Err("SEARCH_INDEX_EXISTS Alias already exists")
    assert c("FT.ALIASADD", "b", "a").startswith("SEARCH_INDEX_NOT_FOUND Unknown index name (or name is an alias itself)")
    assert c("FT.ALIASADD", "two", "one") == Err("SEARCH_ALIAS_CONFLICT Alias conflicts with an existing index name")
    assert c("FT.ALIASUPDATE", "a", "two") == OK and facts(c, "a")["index_name"] == b"two"
    assert c("FT.ALIASLIST", "two") == [b"a"] and c("FT.ALIASLIST", "one") == []
    assert c("FT.ALIASDEL", "a") == OK and c("FT.ALIASDEL", "a") == Err("ERR Alias does not exist")
    assert c("FT.ALIASADD", "a", "one") == OK and c("FT.DROPINDEX", "a") == OK and c("FT._LIST") == [b"two"]
    assert c("FT.INFO", "a") == Err(MISSING + "a")


def test_alter_adds_fields_and_reads_the_keys_again(c):
    c("HSET", "doc:1", "t", "x", "u", "y,z")
    create(c, "idx", "t", "TAG")
    assert whole(c, "idx") == 1 and c("FT.TAGVALS", "idx", "u") == Err("SEARCH_ATTR_BAD No such field")
    assert c("FT.ALTER", "idx", "SCHEMA", "ADD", "u", "TAG", "n", "NUMERIC") == OK
    assert whole(c, "idx") == 1 and tags(c, "idx", "u") == {"y", "z"}
    assert c("FT.ALTER", "idx", "SCHEMA", "ADD", "u", "TAG") == Err("SEARCH_VALUE_BAD Duplicate field in schema - u")
    assert c("FT._ALTERIFNX", "idx", "SCHEMA", "ADD", "u", "TAG") == OK
    assert c("FT.ALTER", "idx", "SCHEMA", "DROP", "u", "TAG") == Err("ERR Unknown action passed to ALTER SCHEMA")
    assert c("DEBUG", "CHECK") == OK


def test_info_counts_open_cursors(c):
    create(c, "idx", "t", "TAG")
    c.pipeline([("HSET", "doc:%d" % i, "t", "a") for i in range(10)])
    stats = lambda: {k: v for k, v in zip(facts(c, "idx")["cursor_stats"][::2], facts(c, "idx")["cursor_stats"][1::2])}
    assert stats()[b"index_total"] == 0 and stats()[b"index_capacity"] == 128
    rows, cursor = c("FT.AGGREGATE", "idx", "*", "LOAD", 1, "@t", "WITHCURSOR", "COUNT", 2)
    assert cursor and stats()[b"index_total"] == stats()[b"global_total"] == 1
    c("FT.CURSOR", "DEL", "idx", cursor)
    assert stats()[b"index_total"] == 0


def test_config_knows_redisearchs_names(start):
    s = start(search_timeout=5000)
    c = s.conn()
    assert c("FT.CONFIG", "GET", "TIMEOUT") == [[b"TIMEOUT", b"5000"]]
    assert c("FT.CONFIG", "SET", "timeout", "100") == OK and c("CONFIG", "GET", "search-timeout") == [b"search-timeout", b"100"]
    assert c("FT.CONFIG", "SET", "ON_TIMEOUT", "RETURN") == OK and c("FT.CONFIG", "GET", "ON_TIMEOUT") == [[b"ON_TIMEOUT", b"return"]]
    assert c("FT.CONFIG", "SET", "DEFAULT_DIALECT", "3") == OK and c("FT.CONFIG", "SET", "DEFAULT_DIALECT", "7").startswith("ERR")
    assert c("FT.CONFIG", "SET", "MAXSEARCHRESULTS", "unlimited") == OK
    assert c("FT.CONFIG", "SET", "MINPREFIX", "3") == OK and c("FT.CONFIG", "GET", "MINPREFIX") == [[b"MINPREFIX", b"3"]]
    assert c("FT.CONFIG", "SET", "NOSUCH", "1") == Err("SEARCH_OPTION_INVALID Invalid option") and c("FT.CONFIG", "GET", "NOSUCH") == []
    assert len(c("FT.CONFIG", "GET", "*")) > 30 and c("FT.CONFIG", "GET", "EXTLOAD") == [[b"EXTLOAD", None]]
    assert c("FT.CONFIG", "HELP", "TIMEOUT") == [[b"TIMEOUT", b"Description", b"Query (search) timeout", b"Value", b"100"]]
    with s.conn(resp3=True) as r:
        assert r("FT.CONFIG", "GET", "TIMEOUT") == Map([(b"TIMEOUT", b"100")])


# --- following the keys --------------------------------------------------------------------------------------------


def test_every_way_a_key_changes(c):
    create(c, "idx", "t", "TAG", "n", "NUMERIC", "b", "TEXT")
    seen = lambda: tags(c, "idx", "t")
    c("HSET", "doc:1", "t", "a,b", "n", 1, "b", "some words")
    assert docs(c, "idx") == 1 and seen() == {"a", "b"}
    c("HSET", "other:1", "t", "no")
    c("HSET", "doc:1", "t", "b,c")
    assert seen() == {"b", "c"}
    c("HINCRBY", "doc:1", "n", 5)
    c("HDEL", "doc:1", "t")
    assert seen() == set() and docs(c, "idx") == 1
    c("RENAME", "other:1", "doc:2")
    assert seen() == {"no"} and docs(c, "idx") == 2
    c("RENAME", "doc:2", "other:1")
    assert seen() == set() and docs(c, "idx") == 1
    c("COPY", "other:1", "doc:3")
    assert seen() == {"no"}
    c("MOVE", "doc:3", 1)
    assert docs(c, "idx") == 1
    dump = c("DUMP", "other:1")
    c("RESTORE", "doc:4", 0, dump)
    assert seen() == {"no"}
    c("SET", "doc:4", "a string")
    assert docs(c, "idx") == 1
    c("HSET", "doc:5", "t", "ttl")
    c("PEXPIRE", "doc:5", 1)
    wait_for(lambda: docs(c, "idx") == 1)
    assert c.pipeline([("MULTI",), ("HSET", "doc:6", "t", "m"), ("FT.TAGVALS", "idx", "t"), ("EXEC",)])[-1] == [1, [b"m"]]
    assert c("EVAL", "redis.call('HSET', KEYS[1], 't', 's') return redis.call('FT.TAGVALS', 'idx', 't')", 1, "doc:7") == [b"m", b"s"]
    c("UNLINK", "doc:6")
    assert seen() == {"s"}
    assert c("DEBUG", "CHECK") == OK
    c("SWAPDB", 0, 1)
    assert whole(c, "idx") == 1 and seen() == {"no"}
    c("FLUSHDB")
    assert docs(c, "idx") == 0 and c("FT._LIST") == [b"idx"]
    assert c("DEBUG", "CHECK") == OK


def test_who_cannot_wait_is_told_that_an_index_is_made_again(c):
    """As after a start. A part of what there is would be told as all of it."""
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    search = ("FT.SEARCH", "idx", "*", "NOCONTENT")
    got = c.pipeline([("MULTI",), ("SWAPDB", 0, 1), ("SWAPDB", 0, 1), search, ("FT.INFO", "idx"), ("EXEC",)])[-1]
    assert "made again out of the keys" in got[2] and "transactions and scripts" in got[2], got
    told = dict(zip(got[3][::2], got[3][1::2]))
    assert told[b"num_docs"] == 0 and told[b"indexing"] == 1 and told[b"percent_indexed"] != b"1"
    assert c(*search) == [1, b"doc:1"]
    assert c.pipeline([("MULTI",), search, ("EXEC",)])[-1] == [[1, b"doc:1"]]


def test_info_counts_every_write_before_it(c):
    """However long it takes to index them."""
    create(c, "idx", "t", "TEXT")
    keys = ["doc:%d" % i for i in range(40)]
    writes = [("HSET", key, "t", " ".join("w%d" % i for i in range(12000))) for key in keys]
    c.pipeline(writes)
    told = facts(c, "idx")
    assert (told["num_docs"], told["indexing"], told["percent_indexed"]) == (40, 0, b"1")
    c("DEL", *keys)
    told = c.pipeline([("MULTI",), *writes, ("FT.INFO", "idx"), ("EXEC",)])[-1][-1]
    assert told[told.index(b"num_docs") + 1] == 40


def test_fields_that_expire_leave(c):
    create(c, "idx", "t", "TAG", "u", "TAG")
    c("HSET", "doc:1", "t", "a", "u", "b")
    assert tags(c, "idx", "t") == {"a"}
    c("HPEXPIRE", "doc:1", 1, "FIELDS", 1, "t")
    wait_for(lambda: tags(c, "idx", "t") == set())
    assert tags(c, "idx", "u") == {"b"} and docs(c, "idx") == 1


def test_values_of_json(c):
    create(c, "j", "$.tags", "AS", "tags", "TAG", "$.on", "AS", "on", "TAG", "$.n", "AS", "n", "NUMERIC", "$.text", "AS", "text", "TEXT", "$.v", "AS", "v",
           "VECTOR", "FLAT", "6", "TYPE", "FLOAT32", "DIM", "3", "DISTANCE_METRIC", "L2", "$.meta.*", "AS", "meta", "TAG", "$.at", "AS", "at", "GEO", on="JSON")
    good = {"tags": ["A, b", "c"], "on": True, "n": [1, 2.5], "text": ["one two", "three"], "v": [1, 2, 3], "meta": {"x": "m", "y": "n"}, "at": "13.4,52.5"}
    c("JSON.SET", "doc:1", "$", json.dumps(good))
    assert docs(c, "j") == 1 and tags(c, "j", "tags") == {"a, b", "c"} and tags(c, "j", "on") == {"true"} and tags(c, "j", "meta") == {"m", "n"}
    assert facts(c, "j")["num_terms"] >= 3
    c("JSON.SET", "doc:1", "$.tags[1]", '"d"')
    assert tags(c, "j", "tags") == {"a, b", "d"}
    c("JSON.SET", "doc:1", "$.n", "null")
    assert docs(c, "j") == 1
    for path, value, kind in (("$.v", "[1,2]", "Invalid vector"), ("$.v", "[1,2,1e400]", "Invalid vector"), ("$.n", '"x"', "String type can not represent NUMERIC"),
                              ("$.text", "{}", "Object type can not represent TEXT"), ("$.at", '"here"', "Invalid geo string")):
        before = facts(c, "j")["hash_indexing_failures"]
        c("JSON.SET", "doc:1", path, value)
        assert docs(c, "j") == 0
        got = facts(c, "j")
        assert got["hash_indexing_failures"] == before + 1
        errors = dict(zip(got["Index Errors"][::2], got["Index Errors"][1::2]))
        assert kind in errors[b"last indexing error"].decode() and errors[b"last indexing error key"] == b"doc:1"
        fields = {f[3].decode(): dict(zip(f[5][::2], f[5][1::2])) for f in got["field statistics"]}
        assert fields[path[2:]][b"last indexing error"] == errors[b"last indexing error"] and fields[path[2:]][b"last indexing error key"] == b"doc:1"
        assert sum(f[b"indexing failures"] for f in fields.values()) == before + 1 and fields["tags"][b"last indexing error"] == b"N/A"
        c("JSON.SET", "doc:1", "$", json.dumps(good))
        assert docs(c, "j") == 1
    c("JSON.DEL", "doc:1")
    assert docs(c, "j") == 0 and c("DEBUG", "CHECK") == OK


def test_a_hash_with_a_wrong_value_is_not_in_the_index(c):
    create(c, "idx", "n", "NUMERIC", "v", "VECTOR", "FLAT", "6", "TYPE", "FLOAT32", "DIM", "2", "DISTANCE_METRIC", "L2")
    c("HSET", "doc:1", "n", "1", "v", struct.pack("<2f", 1, 2))
    assert docs(c, "idx") == 1
    for field, value in (("n", "abc"), ("v", "short"), ("v", struct.pack("<2f", float("nan"), 1))):
        c("HSET", "doc:1", field, value)
        assert docs(c, "idx") == 0, (field, value)
        c("HSET", "doc:1", "n", "1", "v", struct.pack("<2f", 1, 2))
        assert docs(c, "idx") == 1
    assert facts(c, "idx")["hash_indexing_failures"] == 3


def test_a_filter_decides(c):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "FILTER", "@age > 17", "SCHEMA", "age", "NUMERIC", "t", "TAG") == OK
    c("HSET", "doc:1", "age", 20, "t", "a")
    c("HSET", "doc:2", "age", 10, "t", "b")
    assert docs(c, "idx") == 1 and tags(c, "idx", "t") == {"a"}
    c("HSET", "doc:2", "age", 18)
    c("HSET", "doc:1", "age", 1)
    assert tags(c, "idx", "t") == {"b"} and c("DEBUG", "CHECK") == OK
    assert c("FT.CREATE", "bad", "FILTER", "@age >", "SCHEMA", "age", "NUMERIC").startswith(("SEARCH", "ERR", "Syntax"))


@pytest.mark.parametrize("filter, kept", [
    ("@a == @b", ["doc:3"]), ("@a != @b", ["doc:4"]), ("@a != 5", ["doc:5"]), ("@a > 1", ["doc:3", "doc:4"]), ("@a == NULL", ["doc:1", "doc:2"]),
    ("!exists(@a)", ["doc:1", "doc:2"]),
])
def test_a_filter_compares_nothing_with_what_is_not_there_or_no_number(c, filter, kept):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "FILTER", filter, "SCHEMA", "a", "TEXT", "b", "NUMERIC") == OK
    for key, doc in enumerate([{"x": 1}, {"b": 5}, {"a": 5, "b": 5}, {"a": 5, "b": 6}, {"a": "hello"}], 1):
        c("HSET", f"doc:{key}", *(w for pair in doc.items() for w in pair))
    assert sorted(k.decode() for k in c("FT.SEARCH", "idx", "*", "NOCONTENT")[1:]) == kept


def test_a_key_belongs_to_all_indexes_whose_prefix_it_has(c):
    create(c, "all", "t", "TAG", prefix=("",))
    create(c, "a", "t", "TAG", prefix=("a:",))
    create(c, "ab", "t", "TAG", prefix=("a:b:", "c:", "a:b:c:"))
    for key in ("a:1", "a:b:1", "a:b:c:1", "c:1", "d:1", "a", ""):
        c("HSET", key, "t", "x")
    assert [docs(c, n) for n in ("all", "a", "ab")] == [7, 3, 3] and c("DEBUG", "CHECK") == OK


def test_an_index_over_keys_that_are_there_is_made_in_slices(c):
    n = 20000
    c.pipeline([("HSET", "doc:%d" % i, "t", "t%d" % (i % 50), "n", i) for i in range(n)])
    c.pipeline([("SET", "x:%d" % i, "v") for i in range(1000)])
    create(c, "idx", "t", "TAG", "n", "NUMERIC")
    c.pipeline([("HSET", "doc:%d" % i, "t", "late") for i in range(0, n, 7)] + [("DEL", "doc:%d" % i) for i in range(0, n, 11)])
    assert 0 <= float(facts(c, "idx")["percent_indexed"]) <= 1
    assert whole(c, "idx") == n - len(range(0, n, 11)) and float(facts(c, "idx")["percent_indexed"]) == 1
    assert len(tags(c, "idx", "t")) == 51 and c("DEBUG", "CHECK") == OK


def test_writers_wait_while_indexing_is_slower(c, c2):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "SCHEMA", "t", "TAG", "v", "VECTOR", "HNSW", 6, "TYPE", "FLOAT32", "DIM", 32, "DISTANCE_METRIC", "L2") == OK
    rng = random.Random(3)
    blobs = [struct.pack("<32f", *(rng.uniform(-1, 1) for _ in range(32))) for _ in range(3000)]
    for i, blob in enumerate(blobs):
        c.send("HSET", "doc:%d" % i, "t", "a", "v", blob)
    c2("PING")  # others are served meanwhile
    assert [c.read() for _ in blobs] == [2] * len(blobs)
    assert c("EVAL", "for i = 1, 1500 do redis.call('HSET', 'doc:' .. i, 't', 'b') end return redis.call('FT.TAGVALS', 'idx', 't')", 0) == [b"a", b"b"]
    got = c.pipeline([("MULTI",)] + [("HSET", "doc:%d" % i, "t", "c") for i in range(1200)] + [("FT.TAGVALS", "idx", "t"), ("EXEC",)])[-1]
    assert got[-1] == [b"a", b"b", b"c"] and docs(c, "idx") == len(blobs) and c("DEBUG", "CHECK") == OK


def test_no_row_is_of_a_document_that_has_expired(c):
    create(c, "idx", "until", "NUMERIC", "t", "TAG")
    rng = random.Random(11)
    rows = 0
    for i in range(60):
        now = c("TIME")
        now = int(now[0]) * 1000 + int(now[1]) // 1000
        ends = [now + rng.randrange(1, 60) for _ in range(100)]
        commands = [x for k, end in enumerate(ends) for x in (("HSET", "doc:%d:%d" % (i, k), "until", end, "t", "a"), ("PEXPIREAT", "doc:%d:%d" % (i, k), end))]
        c.pipeline(commands)
        for _ in range(3):
            s, us = c("TIME")  # and the search in a later turn: TIME tells the moment, what has expired goes by the turn's clock
            found = c("FT.SEARCH", "idx", "@t:{a}", "LIMIT", 0, 100000, "RETURN", 1, "until")
            before = int(s) * 1000 + int(us) // 1000
            assert found[0] == (len(found) - 1) // 2
            assert all(int(row[1]) >= before for row in found[2::2])
            rows += found[0]
    assert rows > 1000


# --- what goes, and what stays ---------------------------------------------------------------------------------------


def test_a_dropped_index_is_taken_back_without_a_scan(c):
    c.pipeline([("HSET", "doc:%d" % i, "t", "a") for i in range(3000)])
    create(c, "idx", "t", "TAG")
    assert whole(c, "idx") == 3000
    read = lambda: int(c.info("search")["search_documents_read"])
    before = read()
    assert c("FT.DROPINDEX", "idx") == OK
    c("HSET", "doc:new", "t", "fed")
    create(c, "idx", "t", "TAG")
    assert facts(c, "idx")["indexing"] == 0 and docs(c, "idx") == 3001 and tags(c, "idx", "t") == {"a", "fed"}
    assert read() <= before + 1
    assert c("FT.DROPINDEX", "idx") == OK
    create(c, "idx", "t", "TAG", "u", "TAG")  # another one
    assert whole(c, "idx") == 3001 and read() > before + 3000


def test_dd_deletes_the_documents_and_nothing_else(c):
    c.pipeline([("HSET", "doc:%d" % i, "t", "a") for i in range(5000)] + [("SET", "doc:s", "v"), ("HSET", "other", "t", "a")])
    create(c, "idx", "t", "TAG")
    assert whole(c, "idx") == 5000
    assert c("FT.DROPINDEX", "idx", "dd") == OK
    assert c("DBSIZE") == 2 and c("FT._LIST") == []
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    assert c("FT.DROPINDEX", "idx", "XX") == Err("SEARCH_ARG_UNRECOGNIZED Unknown argument")
    assert c.pipeline([("MULTI",), ("FT.DROP", "idx"), ("EXISTS", "doc:1"), ("EXEC",)])[-1] == [OK, 0]
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    assert c("FT.DROP", "idx", "KEEPDOCS") == OK and c("EXISTS", "doc:1") == 1
    create(c, "idx", "t", "TAG")
    assert c("FT.DROP", "idx", "") == OK and c("EXISTS", "doc:1") == 0  # dropindex(delete_documents=True) of redis-py 4


def test_a_temporary_index_goes_when_nobody_asks(c):
    assert c("FT.CREATE", "tmp", "PREFIX", 1, "doc:", "TEMPORARY", 1, "SCHEMA", "t", "TAG") == OK
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    assert c("FT._LIST") == [b"idx", b"tmp"]
    wait_for(lambda: c("FT._LIST") == [b"idx"])
    wait_for(lambda: c("DBSIZE") == 0)
    assert docs(c, "idx") == 0
    assert c("FT.CREATE", "tmp", "TEMPORARY", 0, "SCHEMA", "t", "TAG").startswith("SEARCH_PARSE_ARGS")


def test_after_flushall_the_definition_is_there_and_may_be_made_anew(c):
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    assert docs(c, "idx") == 1
    c("FLUSHALL")
    assert docs(c, "idx") == 0
    c("HSET", "doc:1", "t", "b")
    assert tags(c, "idx", "t") == {"b"}
    c("FLUSHALL")
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "SCHEMA", "u", "TAG") == OK  # as on Redis, which forgets it
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "SCHEMA", "u", "TAG") == Err("Index already exists")


def test_users_ask_only_what_they_may_read(start):
    s = start()
    c = s.conn()
    create(c, "idx", "t", "TAG", prefix=("doc:", "note:"))
    create(c, "all", "t", "TAG", prefix=("",))
    for name, patterns, may, may_all in (("a", "~*", 1, 1), ("b", "~doc:* ~n*", 1, 0), ("c", "~doc:*", 0, 0), ("d", "%R~doc:* %R~note:*", 1, 0),
                                         ("e", "%W~*", 0, 0), ("f", "~doc:1* ~note:*", 0, 0)):
        assert c("ACL", "SETUSER", name, "on", "nopass", "+@all", *patterns.split()) == OK
        with s.conn() as u:
            assert u("AUTH", name, "x") == OK
            for index, allowed in (("idx", may), ("all", may_all)):
                got = u("FT.INFO", index)
                assert (got == Err("NOPERM User does not have the required permissions to query the index")) == (not allowed), (name, index)
    assert b"ft.create" in [x.split(b"|")[0] for x in c("ACL", "CAT", "search")]


def test_a_subcommand_alone_may_be_allowed(start):
    s = start()
    c = s.conn()
    create(c, "idx", "t", "TAG")
    c.pipeline([("HSET", "doc:%d" % i, "t", "a") for i in range(3)])
    cursor = c("FT.AGGREGATE", "idx", "*", "WITHCURSOR", "COUNT", 1, "LOAD", 1, "@__key")[1]
    for name, rules in ("reads", "~doc:* +ft.cursor|read"), ("stranger", "~other:* +ft.cursor|read"), ("deletes", "~doc:* +ft.cursor|del"):
        assert c("ACL", "SETUSER", name, "on", "nopass", *rules.split()) == OK
    with s.conn() as u:
        u("AUTH", "reads", "x")
        assert u("FT.CURSOR", "READ", "idx", cursor)[0][1:] == [[b"__key", b"doc:1"]]
        assert u("FT.CURSOR", "DEL", "idx", cursor) == Err("NOPERM User reads has no permissions to run the 'ft.cursor|del' command")
        u("AUTH", "stranger", "x")
        assert u("FT.CURSOR", "READ", "idx", cursor) == Err("NOPERM User does not have the required permissions to query the index")
        u("AUTH", "deletes", "x")
        assert u("FT.CURSOR", "DEL", "idx", cursor) == OK


def test_documents_go_with_an_index_only_for_users_who_may_write_them(start):
    s = start()
    c = s.conn()
    no = Err("NOPERM User does not have the required permissions to delete the documents of the index")
    create(c, "idx", "t", "TAG", prefix=("doc:",))
    assert c("FT.CREATE", "brief", "PREFIX", 1, "doc:", "TEMPORARY", 1000, "SCHEMA", "t", "TAG") == OK
    c("HSET", "doc:1", "t", "x")
    assert c("ACL", "SETUSER", "reads", "on", "nopass", "+@all", "%R~doc:*", "~own:*") == OK
    with s.conn() as u:
        u("AUTH", "reads", "x")
        assert u("FT.DROPINDEX", "idx", "DD") == no and u("FT.DROPINDEX", "brief") == no
        for prefixes in (["doc:"], ["own:", "doc:1"], [""]):
            made = u("FT.CREATE", "evil", "PREFIX", len(prefixes), *prefixes, "TEMPORARY", 1, "SCHEMA", "t", "TAG")
            assert made == no, prefixes
        assert u("FT.CREATE", "mine", "PREFIX", 1, "own:", "TEMPORARY", 1000, "SCHEMA", "t", "TAG") == OK
        assert u("FT.DROPINDEX", "idx") == OK and u("FT.DROPINDEX", "mine") == OK
        assert c("FLUSHALL") == OK and c("HSET", "doc:1", "t", "x") == 1
        assert c("FT.CREATE", "all", "SCHEMA", "t", "TAG") == OK and c("FLUSHALL") == OK
        # What was emptied is made anew by those alone who may ask it.
        assert u("FT.CREATE", "all", "PREFIX", 1, "own:", "SCHEMA", "t", "TAG").startswith("NOPERM")
        c("HSET", "doc:1", "t", "x")
    assert c("FT.DROPINDEX", "brief") == OK and c("EXISTS", "doc:1") == 0


def test_memory_is_counted_and_given_back(start):
    s = start()
    c = s.conn()
    before = int(c.info("memory")["used_memory"])
    c.pipeline([("HSET", "doc:%d" % i, "t", "tag%d" % i, "n", i, "b", "words of document %d" % i) for i in range(5000)])
    plain = int(c.info("memory")["used_memory"])
    create(c, "idx", "t", "TAG", "n", "NUMERIC", "b", "TEXT")
    whole(c, "idx")
    told = int(c.info("search")["search_used_memory_indexes"])
    with_index = int(c.info("memory")["used_memory"])
    assert plain > before and told > 200000 and abs((with_index - plain) - told) < told / 3, (plain, with_index, told)
    c("FLUSHALL")
    wait_for(lambda: int(c.info("memory")["used_memory"]) < before + 300000)


# --- files -----------------------------------------------------------------------------------------------------------


def fill(c, rng, n=300):
    create(c, "h", "t", "TAG", "n", "NUMERIC", "b", "TEXT", "g", "GEO")
    create(c, "j", "$.t", "AS", "t", "TAG", "$.n", "AS", "n", "NUMERIC", on="JSON", prefix=("j:",))
    assert c("FT.ALIASADD", "al", "h") == OK
    c.pipeline([("HSET", "doc:%d" % i, "t", "a%d,b" % rng.randrange(20), "n", rng.random(), "b", "word%d and more" % rng.randrange(40)) for i in range(n)])
    c.pipeline([("JSON.SET", "j:%d" % i, "$", '{"t":["x%d"],"n":%d}' % (rng.randrange(9), i)) for i in range(n)])


@pytest.mark.parametrize("mode", ["aof", "rewritten", "rdb", "reload", "loadaof"])
def test_indexes_survive(start, mode):
    s = start(appendonly="no" if mode == "rdb" else "yes", enable_debug_command="yes")
    c = s.conn()
    fill(c, random.Random(7))
    shown = {n: (docs(c, n), tags(c, n, "t"), facts(c, n)["num_records"]) for n in ("h", "j")}
    c("FT.DROPINDEX", "h")
    create(c, "h", "t", "TAG", "n", "NUMERIC", "b", "TEXT", "g", "GEO")
    c("FT.ALIASADD", "al", "h")
    if mode == "rewritten":
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    if mode == "rdb":
        assert c("SAVE") == OK
    if mode in ("reload", "loadaof"):
        assert c("DEBUG", mode.upper()) == OK
    else:
        s.restart(kill=mode != "rdb")
        c = s.conn()
    assert set(c("FT._LIST")) == {b"h", b"j"} and facts(c, "al")["index_name"] == b"h"
    for n in ("h", "j"):
        whole(c, n)
        assert (docs(c, n), tags(c, n, "t"), facts(c, n)["num_records"]) == shown[n]
    assert c("DEBUG", "CHECK") == OK
    c("HSET", "doc:0", "t", "after")
    assert "after" in tags(c, "h", "t")


def test_a_stock_server_loads_the_snapshot(start, stock_binary):
    """It skips what it does not know: the definitions are in auxiliary fields."""
    s = start(appendonly="no")
    c = s.conn()
    create(c, "idx", "t", "TAG")
    c("HSET", "doc:1", "t", "a")
    assert c("SAVE") == OK
    shutil.copy(os.path.join(s.dir, "dump.rdb"), os.path.join(s.dir, "copy.rdb"))
    stock = start(binary=stock_binary, dir=s.dir, dbfilename="copy.rdb")
    assert stock.conn()("HGETALL", "doc:1") == [b"t", b"a"]


def test_what_was_acknowledged_of_indexes_survives_kill_9(start):
    rng = random.Random(5)
    s = start(appendonly="yes", appendfsync="always", enable_debug_command="yes")
    there = {}
    for round_ in range(5):
        c = s.conn()
        for name in ("a", "b", "c"):
            if name in there and rng.random() < 0.5:
                assert c("FT.DROPINDEX", name) == OK
                del there[name]
            elif name not in there:
                there[name] = rng.choice(("t", "u"))
                create(c, name, there[name], "TAG", "b", "TEXT", "n", "NUMERIC")
        c.pipeline([("HSET", "doc:%d" % rng.randrange(200), "t", rng.choice("xyz"), "u", rng.choice("xyz"), "b", "some words", "n", i) for i in range(200)])
        for i in range(300):
            c.send(*rng.choice((("HSET", "doc:%d" % rng.randrange(200), "t", "late", "n", i), ("DEL", "doc:%d" % rng.randrange(200)),
                                ("RENAME", "doc:%d" % rng.randrange(200), "doc:%d" % rng.randrange(200)))))
        s.restart(kill=True)
        c = s.conn()
        assert {n.decode() for n in c("FT._LIST")} == set(there)
        for name, field in there.items():
            assert [a[1].decode() for a in facts(c, name)["attributes"]] == [field, "b", "n"]
            whole(c, name)
        assert c("DEBUG", "CHECK") == OK


def test_a_dropped_index_that_is_not_taken_back_need_not_be_what_the_keys_say(start):
    c = start(enable_debug_command="yes").conn()
    assert c("FT.CREATE", "i", "SCHEMA", "t", "TAG") == OK
    c.pipeline([("SELECT", 1), ("HSET", "doc", "t", "a"), ("SELECT", 0)])
    assert c.pipeline([("FT.DROPINDEX", "i"), ("SWAPDB", 0, 1), ("DEBUG", "CHECK")]) == [OK, OK, OK]


# --- at random -------------------------------------------------------------------------------------------------------


def vector(rng):
    return struct.pack("<4f", *(rng.uniform(-1, 1) for _ in range(4)))


def some_command(rng):
    key, other = ("%s%d" % (rng.choice(("doc:", "doc:", "j:", "x:")), rng.randrange(25)) for _ in range(2))
    odd = rng.random() < 0.1
    value = {"t": ",".join(rng.choice("abcdeXYZ ") for _ in range(rng.randrange(4))), "n": "nope" if odd else rng.choice((str(rng.randrange(50)), "1.5")),
             "b": " ".join(rng.choice(("alpha", "beta", "Gamma", "running", "the", "")) for _ in range(rng.randrange(6))),
             "v": b"bad" if odd else vector(rng), "g": "%d,%d" % (rng.randrange(-180, 180), rng.randrange(-85, 85))}
    tree = {"t": [rng.choice("abc") for _ in range(rng.randrange(3))], "n": "x" if odd else rng.choice((rng.randrange(9), [1, 2], None)), "b": [value["b"]],
            "v": [1, 2, 3, rng.random()]}
    fields = rng.sample(sorted(value), rng.randrange(1, 4))
    usual = (("HSET", key, *[x for f in fields for x in (f, value[f])]), ("JSON.SET", key, "$", json.dumps(tree)), ("JSON.SET", key, "$.t", json.dumps(tree["t"])))
    others = (("JSON.DEL", key, "$.n"), ("JSON.MERGE", key, "$", json.dumps({"n": 3, "b": None})), ("HDEL", key, *fields), ("HINCRBY", key, "n", 3), ("DEL", key),
              ("UNLINK", key, other), ("RENAME", key, other), ("COPY", key, other, "REPLACE"), ("PEXPIRE", key, rng.choice((1, 5, 100000))), ("PERSIST", key),
              ("HPEXPIRE", key, rng.choice((1, 100000)), "FIELDS", 1, fields[0]), ("SET", key, "s"), ("MOVE", key, 1), ("RPUSH", key, "l"), ("GETDEL", key),
              ("HSETEX", key, "PX", 3, "FIELDS", 1, "t", "gone"), ("FT.SEARCH", rng.choice("hj"), "alpha | @t:{a}", "NOCONTENT"))
    # These make all anew, and with it what went wrong before.
    rare = (("SWAPDB", 0, 1), ("FLUSHDB",), ("FT.DROPINDEX", "h"), ("FT.CREATE", "h", *DEFINITION), ("FT.CREATE", "h", *DEFINITION),
            ("FT.ALTER", "h", "SCHEMA", "ADD", "extra%d" % rng.randrange(3), "TAG"))
    return rng.choice(usual if rng.random() < 0.5 else rare if rng.random() < 0.02 else others)


DEFINITION = ("PREFIX", 1, "doc:", "SCHEMA", "t", "TAG", "INDEXEMPTY", "INDEXMISSING", "n", "NUMERIC", "b", "TEXT", "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32",
              "DIM", 4, "DISTANCE_METRIC", "L2", "g", "GEO")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_indexes_are_what_the_keys_say_whatever_happens(start, seed):
    rng = random.Random(seed)
    s = start(appendonly="yes", appendfsync="no", enable_debug_command="yes")
    c = s.conn()
    print("seed", seed)
    assert c("FT.CREATE", "h", *DEFINITION) == OK
    assert c("FT.CREATE", "j", "ON", "JSON", "PREFIX", 2, "j:", "doc:1", "SCHEMA", "$.t", "AS", "t", "TAG", "$.n", "AS", "n", "NUMERIC", "INDEXMISSING", "$.b", "AS", "b",
             "TEXT", "$.v", "AS", "v", "VECTOR", "HNSW", 6, "TYPE", "FLOAT32", "DIM", 4, "DISTANCE_METRIC", "COSINE") == OK
    for step in range(120):
        commands = [some_command(rng) for _ in range(rng.randrange(1, 30))]
        if rng.random() < 0.3:
            commands = [("MULTI",)] + commands + [("EXEC",)]
        c.pipeline(commands)
        if rng.random() < 0.3:
            c("FT.INFO", "j")
        got = c("DEBUG", "CHECK")
        assert got == OK, (seed, step, got, commands)
        if step % 40 == 39:
            s.restart(kill=rng.random() < 0.5) if rng.random() < 0.7 else c("DEBUG", "RELOAD")
            c = s.conn()
            for name in ("h", "j"):
                if name.encode() in c("FT._LIST"):
                    whole(c, name)
            got = c("DEBUG", "CHECK")
            assert got == OK, (seed, step, "restart", got)


def test_eviction_takes_documents_out_of_the_index(start):
    s = start(maxmemory_policy="allkeys-lru", enable_debug_command="yes")
    c = s.conn()
    create(c, "idx", "t", "TAG", "b", "TEXT")
    c("CONFIG", "SET", "maxmemory", int(c.info("memory")["used_memory"]) + 3000000)
    for part in range(10):
        c.pipeline([("HSET", "doc:%d" % i, "t", "t%d" % i, "b", "word%d " % i * 20) for i in range(part * 1000, part * 1000 + 1000)])
    assert int(c.info("stats")["evicted_keys"]) > 100
    flat, keys = c.pipeline([("MULTI",), ("FT.INFO", "idx"), ("DBSIZE",), ("EXEC",)])[-1]  # nothing is evicted in between
    assert dict(zip(flat[::2], flat[1::2]))[b"num_docs"] == keys and c("DEBUG", "CHECK") == OK


def test_a_string_that_replaces_a_document_byte_for_byte_takes_it_out(c):
    create(c, "j", "$.a", "AS", "a", "NUMERIC", prefix=("j:",), on="JSON")
    assert c("JSON.SET", "j:1", "$", '{"a":1}') == OK
    assert whole(c, "j") == 1
    assert c("SET", "j:1", "seven b") == OK
    assert c("FT.SEARCH", "j", "*") == [0]
    assert c("DEBUG", "CHECK") == OK


def test_a_long_text_is_indexed_in_slices_and_found_at_once(server):
    """Whoever searches waits; who goes, or changes, in the midst of it is as it is by then."""
    with server.conn() as c, server.conn() as other:
        create(c, "idx", "t", "TEXT", "n", "NUMERIC")
        text = " ".join("new%d" % i for i in range(60000))
        c("HSET", "doc:1", "t", text, "n", 1)
        assert other("PING") == Simple("PONG")
        assert c("FT.SEARCH", "idx", "new59999 new0", "NOCONTENT") == [1, b"doc:1"]
        assert c("FT.SEARCH", "idx", "@n:[1 1]", "NOCONTENT") == [1, b"doc:1"]
        c("HSET", "doc:2", "t", text.replace("new", "old"))
        c("DEL", "doc:2")
        assert c("FT.SEARCH", "idx", "old5", "NOCONTENT") == [0]
        c("HSET", "doc:3", "t", text.replace("new", "mid"))
        c("HSET", "doc:3", "t", "short")
        assert c("FT.SEARCH", "idx", "mid5|short", "NOCONTENT") == [1, b"doc:3"]
        c.pipeline([("HSET", "doc:4", "t", text.replace("new", "x")), ("MULTI",), ("FT.SEARCH", "idx", "x59999", "NOCONTENT"), ("HSET", "doc:5", "t", "x59999"),
                    ("FT.SEARCH", "idx", "x59999", "LIMIT", 0, 0)])
        assert c("EXEC") == [[1, b"doc:4"], 1, [2]]
        assert c("DEBUG", "CHECK") == OK
        c("HSET", "doc:6", "t", text.replace("new", "y"))
        assert c("FLUSHALL") == OK
        assert c("FT.SEARCH", "idx", "y5", "LIMIT", 0, 0) == [0]
        c("HSET", "doc:7", "t", text.replace("new", "z"))
        assert c("FT.DROPINDEX", "idx") == OK
        create(c, "idx2", "t", "TEXT")
        wait_for(lambda: c("FT.SEARCH", "idx2", "z5 z59999", "LIMIT", 0, 0) == [1])
        c("FT.DROPINDEX", "idx2")
        assert c("DEBUG", "CHECK") == OK
