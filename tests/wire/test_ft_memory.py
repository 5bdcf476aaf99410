"""Memory of indexes: it follows what is there, and stays within maxmemory as keys do."""
import random
import struct

import pytest

from resp import OK, Simple
from server import wait_for

pytestmark = pytest.mark.memd_only


def told(c):
    got = c("FT.INFO", "i")
    return dict(zip(got[::2], got[1::2]))


def index_bytes(c):
    """When all that was written has been read."""
    wait_for(lambda: told(c)[b"indexing"] == 0 and c.info("search")["search_keys_waiting"] == "0", "it is not read")
    return int(c.info("search")["search_used_memory_indexes"])


def test_documents_that_are_overwritten_without_a_pause_take_no_more(c):
    """Words that nobody has any longer are swept as fast as new ones come."""
    docs, rounds = 1500, 9
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "b", "TEXT") == OK
    sizes = []
    for r in range(rounds):
        for at in range(0, docs, 500):
            c.pipeline([("HSET", "d:%d" % k, "b", " ".join("w%dx%dx%d" % (r, k, j) for j in range(16))) for k in range(at, at + 500)])
        sizes.append(index_bytes(c))
    assert max(sizes) < 2.5 * sizes[0], sizes
    assert c("DEBUG", "CHECK") == OK


# --- less of it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm, more", [("FLAT", [6]), ("HNSW", [10, "M", 4, "EF_CONSTRUCTION", 16])])
def test_memory_of_vectors_follows_what_is_there(c, algorithm, more):
    docs, left = 3000, 10
    rng = random.Random(7)
    halves = [struct.pack("<16f", *(rng.uniform(-1, 1) for _ in range(16))) for _ in range(100)]
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "v", "VECTOR", algorithm,
             *more, "TYPE", "FLOAT32", "DIM", 32, "DISTANCE_METRIC", "L2") == OK
    for at in range(0, docs, 1000):
        c.pipeline([("HSET", "d:%d" % k, "v", rng.choice(halves) + rng.choice(halves)) for k in range(at, at + 1000)])
    full = index_bytes(c)
    c.pipeline([("DEL", "d:%d" % k) for k in range(docs) if k % left])
    wait_for(lambda: index_bytes(c) < 0.45 * full, "what was removed is kept: %d bytes of %d" % (index_bytes(c), full))
    assert c("DEBUG", "CHECK") == OK
    v = c("HGET", "d:%d" % (docs - left), "v")
    assert c("FT.SEARCH", "i", "*=>[KNN 1 @v $v AS far]", "PARAMS", 2, "v", v, "DIALECT", 2, "RETURN", 1, "far")[2][1] == b"0"


def test_an_index_of_nothing_takes_nothing(c):
    docs = 5000
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TAG", "n", "NUMERIC", "g", "GEO", "b", "TEXT") == OK
    empty = index_bytes(c)
    for r in range(2):
        c.pipeline([("HSET", "d:%d" % k, "t", "tag%d" % k, "n", k, "g", "1,%d" % (k % 80), "b", "word%d" % k) for k in range(docs)])
        assert index_bytes(c) > 1000000
        c.pipeline([("DEL", "d:%d" % k) for k in range(docs)])
        wait_for(lambda: index_bytes(c) < empty + 100000, "it keeps %d bytes" % index_bytes(c))
    assert c("DEBUG", "CHECK") == OK


def test_numbers_of_documents_that_are_gone_are_those_of_the_next(c):
    docs, left = 6000, 100
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TAG", "n", "NUMERIC", "b", "TEXT") == OK
    for r in range(4):
        keys = range(left, docs) if r else range(docs)
        c.pipeline([("HSET", "d:%d:%d" % (r if k >= left else 0, k), "t", "tag%d" % (k % 7), "n", k, "b", "word%d" % (k % 50)) for k in keys])
        index_bytes(c)
        assert told(c)[b"num_docs"] == docs and told(c)[b"max_doc_id"] == docs and told(c)[b"free_doc_ids"] == 0
        c.pipeline([("DEL", "d:%d:%d" % (r, k)) for k in range(left, docs)])
        wait_for(lambda: told(c)[b"free_doc_ids"] == docs - left, "they are there")
        assert told(c)[b"num_docs"] == left
    assert c("DEBUG", "CHECK") == OK


# --- a limit --------------------------------------------------------------------------------------------------------


def fill(c, docs):
    rng = random.Random(3)
    vectors = [struct.pack("<64f", *(rng.uniform(-1, 1) for _ in range(64))) for _ in range(50)]
    for at in range(0, docs, 1000):
        c.pipeline([("HSET", "d:%d" % k, "t", "tag%d" % k, "v", vectors[k % 50]) for k in range(at, at + 1000)])


CREATE = ["FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TAG", "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 64, "DISTANCE_METRIC", "L2"]


def test_an_index_that_does_not_fit_is_as_large_as_fits_and_goes_on_when_there_is_room(start):
    s = start(enable_debug_command="yes", maxmemory_policy="noeviction")
    c, r = s.conn(), s.conn(resp3=True)
    fill(c, 20000)
    limit = int(c.info("memory")["used_memory"]) + (3 << 20)
    c("CONFIG", "SET", "maxmemory", limit)
    assert c(*CREATE) == OK
    wait_for(lambda: told(c)[b"indexing"] == 0, "the scan does not end")
    facts = told(c)
    assert int(c.info("memory")["used_memory"]) < limit + (2 << 20)
    assert 0.1 < float(facts[b"percent_indexed"]) < 0.9 and 2000 < facts[b"num_docs"] < 18000
    assert facts[b"Index Errors"][2:] == [b"last indexing error", b"Used memory is more than 100 percent of max memory, the scan waits for room",
                                          b"last indexing error key", b"N/A", b"background indexing status", b"OOM failure"]
    assert c("HSET", "d:more", "t", "x").startswith("OOM command not allowed")
    assert c("FT.SEARCH", "i", "*", "LIMIT", 0, 0) == [facts[b"num_docs"]] and c("DEBUG", "CHECK") == OK
    warning = [Simple("Index contains partial data due to an indexing failure caused by insufficient memory")]
    for ask in (("FT.SEARCH", "i", "*"), ("FT.AGGREGATE", "i", "*")):
        assert r(*ask).dict()[Simple("warning")] == warning
    assert s.log().count("not all keys fit into it within maxmemory") == 1

    c("CONFIG", "SET", "maxmemory", 2 * limit)
    wait_for(lambda: told(c)[b"percent_indexed"] == b"1", "it does not go on")
    facts = told(c)
    assert (facts[b"indexing"], facts[b"num_docs"], facts[b"Index Errors"][-1]) == (0, 20000, b"OK")
    assert r("FT.SEARCH", "i", "*").dict()[Simple("warning")] == [] and c("DEBUG", "CHECK") == OK


def test_after_a_start_an_index_is_whole_although_it_is_as_much_as_fits(start):
    """It has been there: that it takes a little more this time leaves nothing out."""
    s = start(enable_debug_command="yes", maxmemory_policy="noeviction")
    c = s.conn()
    assert c(*CREATE) == OK
    fill(c, 10000)
    index_bytes(c)
    used = int(c.info("memory")["used_memory"])
    c("SAVE")
    s.restart(kill=True, maxmemory=used - used // 30)
    c = s.conn()
    assert c("FT.SEARCH", "i", "*", "LIMIT", 0, 0) == [10000]
    assert c("HSET", "d:more", "t", "x").startswith("OOM command not allowed")


def test_an_index_that_was_dropped_goes_before_anything_is_refused_or_evicted(start):
    for policy in ("noeviction", "allkeys-lru"):
        c = start(maxmemory_policy=policy).conn()
        assert c(*CREATE) == OK
        fill(c, 8000)
        c("FT.INFO", "i")
        kept = index_bytes(c)
        assert c("FT.DROPINDEX", "i") == OK and kept > 2 << 20
        c("CONFIG", "SET", "maxmemory", int(c.info("memory")["used_memory"]))
        assert set(c.pipeline([("SET", "s:%d" % k, "x" * 1000) for k in range(kept // 2000)])) == {OK}, policy
        assert c("EXISTS", "d:0") == 1 and c.info("stats")["evicted_keys"] == "0", policy


def test_who_evicts_documents_gets_the_memory_of_their_index_too(start):
    """Other keys push nearly all of them out: neither does the index keep what it had, nor does it take the last of them."""
    c = start(maxmemory_policy="allkeys-random", enable_debug_command="yes").conn()
    assert c(*CREATE) == OK
    fill(c, 12000)
    full = index_bytes(c)
    c("CONFIG", "SET", "maxmemory", int(c.info("memory")["used_memory"]))
    for at in range(0, 40000, 1000):
        c.pipeline([("SET", "s:%d" % k, "x" * 300) for k in range(at, at + 1000)])
    docs = c("FT.SEARCH", "i", "*", "LIMIT", 0, 0)[0]
    assert docs < 9000
    wait_for(lambda: index_bytes(c) < full * (docs / 12000) * 4 / 3 + (1 << 20) + full / 6, "%d of %d bytes for %d of 12000" % (index_bytes(c), full, docs))
    assert c("DEBUG", "CHECK") == OK


def test_who_asks_while_an_index_is_made_again_is_told_so(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    assert c(*CREATE) == OK
    fill(c, 5000)
    got = c.pipeline([("DEBUG", "RELOAD"), ("FT.SEARCH", "i", "*", "TIMEOUT", 1)])
    assert got[0] == OK
    if got[1] != [5000]:
        assert got[1].startswith("Timeout limit was reached: the index is made again out of the keys, as after a start, and "), got[1]
