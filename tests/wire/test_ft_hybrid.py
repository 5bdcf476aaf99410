"""FT.HYBRID over a socket, against the same by hand from FT.SEARCH's answers."""
import random
import struct

import pytest

from resp import Double, Err, OK, Simple

pytestmark = pytest.mark.memd_only


def vec(*values):
    return struct.pack("<%df" % len(values), *values)


SHOES = [("doc:1", "red shoes", (0, 0), "shoes"), ("doc:2", "red running shoes", (1, 0), "shoes"),
         ("doc:3", "running gear", (0, 1), "gear"), ("doc:4", "blue shoes", (1, 1), "shoes")]
NAMES = [Simple(n) for n in ("total_results", "results", "warnings", "execution_time")]
NEAR = ["PARAMS", 2, "b", vec(1.2, 0.2)]


@pytest.fixture
def shoes(c):
    for name in c("FT._LIST"):
        assert c("FT.DROPINDEX", name) == OK
    assert c("FT.CREATE", "idx", "SCHEMA", "description", "TEXT", "embedding", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2,
             "DISTANCE_METRIC", "L2", "category", "TAG") == OK
    for key, text, v, kind in SHOES:
        c("HSET", key, "description", text, "embedding", vec(*v), "category", kind)
    return c


def ask(c, *args):
    reply = c("FT.HYBRID", "idx", *args)
    assert not isinstance(reply, Err), reply
    assert [reply[i] for i in (0, 2, 4, 6)] == NAMES and reply[5] == []
    return reply[1], [dict(zip((x.decode() for x in r[::2]), (x.decode("latin-1") for x in r[1::2]))) for r in reply[3]]


def test_words_and_neighbours_become_one(shoes):
    total, rows = ask(shoes, "SEARCH", "red", "VSIM", "@embedding", "$b", *NEAR)
    assert total == 4
    # red is in 1 and 2; the nearest are 2, 4, 1, 3
    scores = {r["__key"]: float(r["__score"]) for r in rows}
    text = [k.decode() for k in shoes("FT.SEARCH", "idx", "red", "NOCONTENT")[1:]]
    near = ["doc:2", "doc:4", "doc:1", "doc:3"]
    want = {k: sum(1 / (60 + ranking.index(k) + 1) for ranking in (text, near) if k in ranking) for k in near}
    assert scores == pytest.approx(want, rel=1e-9)
    assert [r["__key"] for r in rows] == sorted(want, key=lambda k: (-want[k], k))


def test_shapes_and_steps(shoes, c3):
    total, rows = ask(shoes, "SEARCH", "red", "VSIM", "@embedding", "$b", "LOAD", 3, "@__key", "@__score", "@description", "SORTBY", 2,
                      "@description", "ASC", *NEAR)
    assert [(r["__key"], r["description"]) for r in rows] == [("doc:4", "blue shoes"), ("doc:2", "red running shoes"), ("doc:1", "red shoes"),
                                                              ("doc:3", "running gear")]
    assert ask(shoes, 2, "SEARCH", "*", "VSIM", "@embedding", "$b", "LOAD", 2, "@__key", "@category", "GROUPBY", 1, "@category", "REDUCE",
               "COUNT", 0, "AS", "count", "SORTBY", 2, "@category", "ASC", *NEAR) == (2, [{"category": "gear", "count": "1"},
                                                                                       {"category": "shoes", "count": "3"}])
    assert [r["length"] for r in ask(shoes, "SEARCH", "*", "VSIM", "@embedding", "$b", "LOAD", 2, "@category", "@description", "APPLY",
                                     "strlen(@category) + strlen(@description)", "AS", "length", "SORTBY", 2, "@length", "ASC", *NEAR)[1]] == [
        "14", "15", "16", "22"]
    reply = c3("FT.HYBRID", "idx", "SEARCH", "blue", "VSIM", "@embedding", "$b", "KNN", 2, "K", 1, "YIELD_SCORE_AS", "near", "LIMIT", 0, 1, *NEAR)
    assert [k for k, _ in reply] == NAMES
    assert reply[0][1] == 2 and isinstance(reply[3][1], (float, Double))
    assert [k for k, _ in reply[1][1][0]] in ([b"__key", b"__score", b"near"], [b"__key", b"__score"])


def test_scores_by_name_filters_and_ranges(shoes):
    _, rows = ask(shoes, "SEARCH", "red", "YIELD_SCORE_AS", "text", "VSIM", "@embedding", "$b", "KNN", 2, "K", 2,
                  "YIELD_SCORE_AS", "near", "COMBINE", "LINEAR", 4, "ALPHA", 0.5, "BETA", 2, "YIELD_SCORE_AS", "both", *NEAR)
    assert {r["__key"] for r in rows} == {"doc:1", "doc:2", "doc:4"}
    for r in rows:
        assert float(r["both"]) == float(r["__score"]) == pytest.approx(0.5 * float(r.get("text", 0)) + 2 * float(r.get("near", 0)), rel=1e-9)
    assert float(next(r for r in rows if r["__key"] == "doc:2")["near"]) == pytest.approx(1 / (1 + 0.08), rel=1e-6)
    assert [r["__key"] for r in ask(shoes, "SEARCH", "nothing", "VSIM", "@embedding", "$b", "RANGE", 2, "RADIUS", 0.7, *NEAR)[1]] == ["doc:2", "doc:4"]
    assert [r["__key"] for r in ask(shoes, "SEARCH", "nothing", "VSIM", "@embedding", "$b", "FILTER", "@category:{gear}", *NEAR)[1]] == ["doc:3"]
    for words in (("FILTER", "@category:{gear}", "POLICY", "BATCHES", "BATCH_SIZE", 5, "KNN", 2, "K", 1), ("FILTER", "@category:{gear}", "POLICY", "ADHOC"),
                  ("YIELD_SCORE_AS", "s", "KNN", 2, "K", 4, "LOAD", 2, "@__key", "@s", "FILTER", "@__key == 'doc:3'")):
        assert [r["__key"] for r in ask(shoes, "SEARCH", "nothing", "VSIM", "@embedding", "$b", *words, *NEAR)[1]] == ["doc:3"], words
    assert [r["__key"] for r in ask(shoes, "SEARCH", "nothing", "VSIM", "@embedding", "$b", "KNN", 2, "K", 1, "FILTER", 3, "@category:{gear}",
                                    "POLICY", "ADHOC", *NEAR)[1]] == ["doc:3"]


@pytest.mark.parametrize("args, text", [
    (["SEARCH", "red", "WHAT", "@embedding", "$b", "x"], "SEARCH_ARG_UNRECOGNIZED Unknown argument `WHAT` in SEARCH"),
    (["SEARCH", "red", "VSIM", "embedding", "$b", "x"], "SEARCH_SYNTAX Missing @ prefix for vector field name"),
    (["SEARCH", "red", "VSIM", "@embedding", "b", "x"], "SEARCH_SYNTAX Invalid vector argument, expected a parameter name starting with $"),
    (["SEARCH", "red", "VSIM", "@none", "$b", *NEAR], "SEARCH_FIELD_NOT_FOUND Unknown field `none`"),
    (["SEARCH", "red", "VSIM", "@embedding", "$b", "KNN", 2, "EF_RUNTIME", 3, *NEAR], "SEARCH_PARSE_ARGS Missing required argument K"),
    (["SEARCH", "red", "VSIM", "@embedding", "$b", "COMBINE", "SUM", *NEAR], "SEARCH_SYNTAX Unknown COMBINE method `SUM`"),
    (["SEARCH", "red", "VSIM", "@embedding", "$b", "COMBINE", "LINEAR", 2, "ALPHA", 1, *NEAR], "SEARCH_SYNTAX Missing value for BETA"),
    (["SEARCH", "red", "VSIM", "@embedding", "$b", "DIALECT", 2, *NEAR],
     "SEARCH_PARSE_ARGS DIALECT is not supported in FT.HYBRID or any of its subqueries"),
    (["SEARCH", "red", "VSIM", "@embedding", "$b", "WHAT", *NEAR], "SEARCH_ARG_UNRECOGNIZED Unknown argument `WHAT` in FT.HYBRID"),
    ([3, "SEARCH", "red", "VSIM", "@embedding", "$b"], "SEARCH_PARSE_ARGS FT.HYBRID currently supports only two subqueries"),
    (["SEARCH", "*=>[KNN 1 @embedding $b]", "VSIM", "@embedding", "$b", *NEAR], "SEARCH_SYNTAX Vector expressions are not allowed in FT.HYBRID SEARCH"),
])
def test_mistakes(shoes, args, text):
    assert shoes("FT.HYBRID", "idx", *args) == Err(text)


def test_a_vector_is_needed(shoes):
    assert isinstance(shoes("FT.HYBRID", "idx", "SEARCH", "red", "VSIM", "@embedding", "$b"), Err)


def test_random_fusions_are_those_made_by_hand(shoes):
    rng = random.Random(42)
    words = ["red", "blue", "fast", "slow", "old"]
    for i in range(300):
        shoes("HSET", f"r:{i}", "description", " ".join(rng.choices(words, k=rng.randrange(1, 8))), "embedding",
              vec(rng.uniform(-2, 2), rng.uniform(-2, 2)), "category", rng.choice("ab"))
    for _ in range(20):
        blob, word, window = vec(rng.uniform(-2, 2), rng.uniform(-2, 2)), rng.choice(words), rng.randrange(1, 40)
        k = rng.randrange(1, 50)
        reply = shoes("FT.SEARCH", "idx", word, "NOCONTENT", "WITHSCORES", "LIMIT", 0, window)[1:]
        text = [(key.decode(), float(score)) for key, score in zip(reply[::2], reply[1::2])]
        reply = shoes("FT.SEARCH", "idx", f"*=>[KNN {min(k, window)} @embedding $b AS d]", "PARAMS", 2, "b", blob, "SORTBY", "d", "RETURN", 1, "d",
                      "LIMIT", 0, 1000)[1:]
        near = [(key.decode(), 1 / (1 + float(fields[1]))) for key, fields in zip(reply[::2], reply[1::2])]
        linear = rng.random() < 0.5
        want = {}
        for weight, ranking in ((0.3, text), (0.7, near)):
            for at, (key, score) in enumerate(ranking):
                want[key] = want.get(key, 0) + (weight * score if linear else 1 / (60 + at + 1))
        total, rows = ask(shoes, "SEARCH", word, "VSIM", "@embedding", "$b", "KNN", 2, "K", k, "COMBINE", "LINEAR" if linear else "RRF", 2,
                          "WINDOW", window, "LIMIT", 0, 1000, "PARAMS", 2, "b", blob)
        assert total == len(want)
        assert {r["__key"]: float(r["__score"]) for r in rows} == pytest.approx(want, rel=1e-6)
        scores = [float(r["__score"]) for r in rows]
        assert scores == sorted(scores, reverse=True)
