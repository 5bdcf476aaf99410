"""RedisVL: indexes over hashes and JSON, every kind of query, caches, histories, a router."""
import warnings

import numpy as np
from redis import Redis
from redisvl.extensions.cache.embeddings import EmbeddingsCache
from redisvl.extensions.cache.llm import SemanticCache
from redisvl.extensions.message_history import MessageHistory, SemanticMessageHistory
from redisvl.extensions.router import Route, SemanticRouter
from redisvl.index import SearchIndex
from redisvl.query import CountQuery, FilterQuery, TextQuery, VectorQuery, VectorRangeQuery
from redisvl.query.filter import Geo, GeoRadius, Num, Tag, Text
from redisvl.utils.vectorize import CustomVectorizer

from common import DIMS, PORT, embed, ok, restart

warnings.simplefilter("ignore")
client = Redis(port=PORT)
vectorizer = CustomVectorizer(embed=embed, embed_many=lambda texts, **_: [embed(t) for t in texts])

DOCS = [
    {"id": "1", "user": "ada-lovelace@example.org", "job": "engineer", "age": 36, "bio": "writes programs for the analytical engine",
     "place": "-0.1276,51.5072"},
    {"id": "2", "user": "grace hopper", "job": "admiral", "age": 85, "bio": "invented the compiler and found a moth",
     "place": "-77.0369,38.9072"},
    {"id": "3", "user": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "job": "engineer", "age": 41, "bio": "breaks codes and programs machines",
     "place": "-0.7346,51.9970"},
]


def schema(name, storage, algorithm):
    at = (lambda f: {"path": "$." + f}) if storage == "json" else (lambda f: {})
    return {
        "index": {"name": name, "prefix": name + ":", "storage_type": storage},
        "fields": [
            {"name": "user", "type": "tag", **at("user")}, {"name": "job", "type": "tag", **at("job")},
            {"name": "age", "type": "numeric", "attrs": {"sortable": True}, **at("age")},
            {"name": "bio", "type": "text", **at("bio")}, {"name": "place", "type": "geo", **at("place")},
            {"name": "vec", "type": "vector", **at("vec"), "attrs": {
                "dims": DIMS, "algorithm": algorithm, "distance_metric": "cosine", "datatype": "float32"}},
        ],
    }


def ids(rows):
    return [r["id"].rsplit(":", 1)[-1] for r in rows]


def ask(index):
    """All kinds of queries; what they find is known."""
    near = embed("programs for an engine")
    rows = index.query(VectorQuery(near, "vec", ["user", "age"], num_results=2))
    assert ids(rows)[0] == "1" and len(rows) == 2 and float(rows[0]["vector_distance"]) < float(rows[1]["vector_distance"])
    young = index.query(VectorQuery(near, "vec", ["user"], filter_expression=(Tag("job") == "engineer") & (Num("age") > 36)))
    assert ids(young) == ["3"] and young[0]["user"] == DOCS[2]["user"]
    assert ids(index.query(VectorRangeQuery(near, "vec", ["user"], distance_threshold=0.7)))[0] == "1"
    for user in DOCS:
        assert ids(index.query(FilterQuery(Tag("user") == user["user"], ["user"]))) == [user["id"]]
    assert index.query(CountQuery(Tag("job") == ["engineer", "admiral"])) == 3
    assert index.query(CountQuery(Tag("job") != "engineer")) == 1
    assert ids(index.query(FilterQuery("*", ["age"], sort_by="age"))) == ["1", "3", "2"]
    assert ids(index.query(FilterQuery(Num("age").between(40, 50), ["age"]))) == ["3"]
    assert ids(index.query(FilterQuery(Text("bio") % "compil*", ["bio"]))) == ["2"]
    assert ids(index.query(FilterQuery(Geo("place") == GeoRadius(-0.12, 51.5, 10, "km"), ["place"]))) == ["1"]
    assert ids(index.query(TextQuery("a program that writes", "bio", return_fields=["bio"], stopwords=None)))[0] == "1"
    assert sum(len(page) for page in index.paginate(FilterQuery("*", ["user"]), page_size=2)) == 3
    info = index.info()
    assert int(info["num_docs"]) == 3 and int(info["hash_indexing_failures"]) == 0


def main():
    indexes = []
    for storage in ("hash", "json"):
        for algorithm in ("flat", "hnsw"):
            index = SearchIndex.from_dict(schema("%s-%s" % (storage, algorithm), storage, algorithm), redis_client=client)
            index.create(overwrite=True)
            assert index.exists() and index.name in index.listall()
            as_stored = (lambda v: np.array(v, dtype=np.float32).tobytes()) if storage == "hash" else (lambda v: v)
            index.load([dict(d, vec=as_stored(embed(d["bio"]))) for d in DOCS], id_field="id")
            ask(index)
            again = SearchIndex.from_existing(index.name, redis_client=client)
            assert [f for f in again.schema.fields] == [f for f in index.schema.fields]
            indexes.append(index)
    ok("queries")

    cache = SemanticCache(name="answers", distance_threshold=0.2, ttl=600, vectorizer=vectorizer, redis_client=client,
                          filterable_fields=[{"name": "tenant", "type": "tag"}])
    key = cache.store("what is the capital of france", "Paris", filters={"tenant": "a-b"}, metadata={"model": "m"})
    assert cache.check("what is the capital of france")[0]["response"] == "Paris" and 0 < client.ttl(key) <= 600
    assert cache.check("the capital of france is what", filter_expression=Tag("tenant") == "a-b")[0]["metadata"] == {"model": "m"}
    assert cache.check("what is the capital of france", filter_expression=Tag("tenant") == "c-d") == []
    assert cache.check("how do I bake bread") == []
    embeddings = EmbeddingsCache(name="embeddings", redis_client=client)
    embeddings.set(content="hello", model_name="bag", embedding=embed("hello"))
    assert np.allclose(embeddings.get(content="hello", model_name="bag")["embedding"], embed("hello"))
    ok("caches")

    history = MessageHistory(name="chat", session_tag="2024-05-01/ada", redis_client=client)
    for i in range(6):
        history.add_message({"role": "user" if i % 2 == 0 else "llm", "content": "message %d" % i})
    assert [m["content"] for m in history.get_recent(top_k=3)] == ["message 3", "message 4", "message 5"]
    assert [m["content"] for m in history.get_recent(top_k=9, role="llm")] == ["message 1", "message 3", "message 5"]
    history.drop()
    assert history.count() == 5
    told = SemanticMessageHistory(name="told", vectorizer=vectorizer, redis_client=client, distance_threshold=0.5)
    told.store("which fruits are red", "apples and cherries are red fruits")
    told.store("who wrote hamlet", "shakespeare wrote hamlet")
    assert told.get_relevant("who wrote hamlet")[0]["content"] == "who wrote hamlet"
    ok("histories")

    router = SemanticRouter(name="router", vectorizer=vectorizer, redis_client=client, routes=[
        Route(name="greeting", references=["hello there", "good morning"], distance_threshold=0.5),
        Route(name="farewell", references=["goodbye for now", "see you later"], distance_threshold=0.5)])
    assert router("hello there").name == "greeting" and router("see you later").name == "farewell"
    assert router("quantum chromodynamics lattice").name is None
    assert [m.name for m in router.route_many("goodbye for now", max_k=2)][0] == "farewell"
    ok("router")

    restart()
    for index in indexes:
        ask(index)
    assert cache.check("what is the capital of france")[0]["response"] == "Paris" and router("good morning").name == "greeting"
    for index in indexes:
        index.delete(drop=True)
        assert not index.exists() and not client.keys(index.name + ":*")
    ok("restart")


main()
