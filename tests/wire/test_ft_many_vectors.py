"""JSON documents with several vectors in a field: each is found once, by its nearest."""
import json
import random
import struct

import pytest

from resp import OK

ALGORITHMS = ["FLAT", "HNSW"]


def fp32(v):
    return struct.pack("<%df" % len(v), *v)


def create(c, path, algorithm="FLAT", dim=2):
    assert c("FT.CREATE", "idx", "ON", "JSON", "PREFIX", 1, "d:", "SCHEMA", path, "AS", "v", "VECTOR", algorithm, 6, "TYPE", "FLOAT32",
             "DIM", dim, "DISTANCE_METRIC", "L2", "$.user", "AS", "user", "TAG") == OK


def nearest(c, v, k=10, what="*"):
    got = c("FT.SEARCH", "idx", "%s=>[KNN %d @v $q AS score]" % (what, k), "PARAMS", 2, "q", fp32(v), "SORTBY", "score", "RETURN", 1, "score",
            "LIMIT", 0, 100, "DIALECT", 2)
    assert got[0] == len(got) // 2
    return [(key.decode(), float(fields[1])) for key, fields in zip(got[1::2], got[2::2])]


def put(c, key, vectors, **more):
    assert c("JSON.SET", key, "$", json.dumps({"chunks": [{"text": "t%d" % i, "v": v} for i, v in enumerate(vectors)], **more})) == OK


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_nearest_of_a_document_counts(c, algorithm):
    create(c, "$.chunks[*].v", algorithm)
    put(c, "d:a", [[0, 0], [5, 5], [9, 9]], user="ann")
    put(c, "d:b", [[1, 0]], user="bob")
    put(c, "d:c", [None, [9, 8], None], user="ann")
    put(c, "d:d", [], user="ann")
    assert nearest(c, [0, 0]) == [("d:a", 0), ("d:b", 1), ("d:c", 145)]
    assert nearest(c, [9, 9], 2) == [("d:a", 0), ("d:c", 1)]
    assert nearest(c, [9, 9], 1, "@user:{bob}") == [("d:b", 145)]
    got = c("FT.SEARCH", "idx", "@v:[VECTOR_RANGE 2 $q]=>{$YIELD_DISTANCE_AS: d}", "PARAMS", 2, "q", fp32([9, 9]), "SORTBY", "d", "NOCONTENT")
    assert got == [2, b"d:a", b"d:c"]
    put(c, "d:a", [[5, 5], [4, 4]], user="ann")
    assert nearest(c, [9, 9], 2) == [("d:c", 1), ("d:a", 32)]
    c("JSON.SET", "d:a", "$.chunks[0].v", "[8,8]")
    assert nearest(c, [9, 9], 2) == [("d:c", 1), ("d:a", 2)]
    c("DEL", "d:c")
    assert nearest(c, [9, 9]) == [("d:a", 2), ("d:b", 145)] and c("DEBUG", "CHECK") == OK


def test_an_array_of_arrays_is_several_too(c):
    create(c, "$.v")
    c("JSON.SET", "d:a", "$", '{"v":[[0,0],null,[3,3]]}')
    c("JSON.SET", "d:b", "$", '{"v":[1,1]}')
    c("JSON.SET", "d:null", "$", '{"v":null}')
    assert nearest(c, [3, 3]) == [("d:a", 0), ("d:b", 8)]
    for wrong in ('[[0,0],[1]]', '[[0,0],1]', '[0,[1,1]]', '[[[0,0]]]', '[[0,0],"x"]', '"x"', '[]', '[1,2,3]', '[[1,1e99]]'):
        c("JSON.SET", "d:a", "$", '{"v":%s}' % wrong)
        assert nearest(c, [3, 3]) == [("d:b", 8)], wrong
        c("JSON.SET", "d:a", "$", '{"v":[[0,0],null,[3,3]]}')
    assert len(nearest(c, [3, 3])) == 2 and c("DEBUG", "CHECK") == OK


@pytest.mark.parametrize("algorithm, most", [("FLAT", 4096), ("HNSW", 256)])
def test_how_many_there_may_be(c, algorithm, most):
    create(c, "$.v", algorithm)
    for n, found in ((most, 1), (most + 1, 0)):
        c("JSON.SET", "d:a", "$", json.dumps({"v": [[i, i] for i in range(n)]}))
        assert len(nearest(c, [3, 3])) == found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_beside_a_model(start, algorithm):
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    r = random.Random(5)
    create(c, "$.chunks[*].v", algorithm, 8)
    data = {}
    for i in range(400):
        key = "d:%d" % r.randrange(120)
        if r.random() < 0.2:
            c("DEL", key)
            data.pop(key, None)
            continue
        data[key] = [[r.gauss(0, 1) for _ in range(8)] for _ in range(r.randrange(1, 6))], r.choice(["ann", "bob"])
        put(c, key, data[key][0], user=data[key][1])

    def check(c):
        for what, keep in (("*", "annbob"), ("@user:{ann}", "ann")):
            q = [r.gauss(0, 1) for _ in range(8)]
            want = sorted((min(sum((a - b) ** 2 for a, b in zip(q, v)) for v in vectors), key) for key, (vectors, user) in data.items()
                          if user in keep)[:10]
            got = nearest(c, q, 10, what)
            assert [key for key, _ in got] == [key for _, key in want]
            assert all(abs(d - w) < 1e-3 for (_, d), (w, _) in zip(got, want))

    for _ in range(10):
        check(c)
    assert c("DEBUG", "CHECK") == OK
    s.restart(kill=True)
    check(s.conn())
