"""What Spring AI and langchain4j send: vectors as JSON arrays, filters by escaped tags, ranges, aggregates; in raw commands."""
import json

import numpy as np
from redis import Redis

from common import DIMS, PORT, embed, ok, restart

client = Redis(port=PORT, decode_responses=False)
TEXTS = ["a letter about taxes", "a recipe for lentil soup", "notes on taxes and tariffs", "a song about rain"]


def knn(filters, text, k):
    query = "%s=>[KNN %d @embedding $BLOB AS vector_score]" % (filters, k)
    blob = np.array(embed(text), dtype=np.float32).tobytes()
    r = client.execute_command("FT.SEARCH", "spring-ai-index", query, "RETURN", 4, "$.content", "vector_score", "$.country", "$.year",
                               "SORTBY", "vector_score", "ASC", "LIMIT", 0, k, "DIALECT", 2, "PARAMS", 2, "BLOB", blob)
    if isinstance(r, dict):
        return r[b"total_results"], [x[b"id"] for x in r[b"results"]]
    return r[0], r[1::2]


def ask():
    total, found = knn("*", "taxes", 2)
    assert total == 2 and set(found) == {b"embedding:0", b"embedding:2"}
    assert knn("@country:{BG | NL}", "taxes", 4)[1][-1] == b"embedding:1" and knn("@country:{BG | NL}", "taxes", 4)[0] == 3
    assert knn(r"(@country:{UK\-1} @year:[2020 2023])", "rain", 4) == (1, [b"embedding:3"])
    assert knn("-@country:{BG}", "taxes", 1)[1] == [b"embedding:2"]
    blob = np.array(embed(TEXTS[1]), dtype=np.float32).tobytes()
    r = client.execute_command("FT.SEARCH", "spring-ai-index", "@embedding:[VECTOR_RANGE $radius $BLOB]=>{$YIELD_DISTANCE_AS: vector_score}",
                               "PARAMS", 4, "radius", "0.01", "BLOB", blob, "SORTBY", "vector_score", "NOCONTENT", "DIALECT", 2)
    assert (r[b"results"][0][b"id"] if isinstance(r, dict) else r[1]) == b"embedding:1"
    r = client.execute_command("FT.AGGREGATE", "spring-ai-index", "*", "GROUPBY", 1, "@country", "REDUCE", "COUNT", 0, "AS", "count",
                               "SORTBY", 2, "@count", "DESC", "LIMIT", 0, 10)
    rows = [x[b"extra_attributes"] for x in r[b"results"]] if isinstance(r, dict) else [dict(zip(x[::2], x[1::2])) for x in r[1:]]
    assert rows[0] == {b"country": b"NL", b"count": b"2"} and len(rows) == 3


def main():
    client.execute_command(
        "FT.CREATE", "spring-ai-index", "ON", "JSON", "PREFIX", 1, "embedding:", "SCHEMA", "$.content", "AS", "content", "TEXT", "WEIGHT", "1.0",
        "$.embedding", "AS", "embedding", "VECTOR", "HNSW", 6, "DIM", DIMS, "DISTANCE_METRIC", "COSINE", "TYPE", "FLOAT32",
        "$.country", "AS", "country", "TAG", "$.year", "AS", "year", "NUMERIC")
    pipe = client.pipeline(transaction=False)
    for i, (text, country) in enumerate(zip(TEXTS, ("BG", "NL", "NL", "UK-1"))):
        pipe.execute_command("JSON.SET", "embedding:%d" % i, "$", json.dumps(
            {"content": text, "embedding": embed(text), "country": country, "year": 2020 + i}))
    assert all(r in (True, b"OK") for r in pipe.execute())
    ask()
    ok("vectors in JSON")
    assert client.execute_command("JSON.DEL", "embedding:0", "$") == 1
    assert knn("*", "taxes", 1)[1] == [b"embedding:2"]
    client.execute_command("JSON.SET", "embedding:0", "$", json.dumps(
        {"content": TEXTS[0], "embedding": embed(TEXTS[0]), "country": "BG", "year": 2020}))
    ask()
    ok("delete and put back")
    restart()
    ask()
    ok("restart")


main()
