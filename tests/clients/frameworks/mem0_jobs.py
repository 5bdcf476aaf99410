"""mem0: its Redis store, by itself and below a Memory that keeps what it is told without a model."""
import logging
import os
import tempfile
from functools import reduce
from operator import and_

os.environ.update(MEM0_TELEMETRY="False", OPENAI_API_KEY="none", MEM0_DIR=tempfile.mkdtemp())
logging.disable(logging.WARNING)

import numpy as np  # noqa: E402
from mem0 import Memory  # noqa: E402
from mem0.embeddings.base import EmbeddingBase  # noqa: E402
from mem0.utils.factory import EmbedderFactory  # noqa: E402
from mem0.vector_stores.redis import MemoryResult, RedisDB  # noqa: E402
from redisvl.query import TextQuery  # noqa: E402
from redisvl.query.filter import Tag  # noqa: E402

from common import DIMS, URL, embed, ok, restart  # noqa: E402


class Store(RedisDB):
    def keyword_search(self, query, top_k=5, filters=None):
        """As RedisDB's, without its list of stop words, which is to be had from the network alone."""
        rules = [Tag(k) == v for k, v in (filters or {}).items() if v is not None]
        words = TextQuery(query, "memory", filter_expression=reduce(and_, rules) if rules else None, num_results=top_k, stopwords=None,
                          return_fields=["memory_id", "hash", "user_id", "memory", "metadata", "created_at"])
        return [MemoryResult(r["memory_id"], {"data": r["memory"], "hash": r["hash"], "user_id": r["user_id"]}, float(r["score"]))
                for r in self.index.query(words)]


class Bag(EmbeddingBase):
    def embed(self, text, memory_action=None):
        return embed(text)


EmbedderFactory.create = staticmethod(lambda *args: Bag())
RedisDB.keyword_search = Store.keyword_search


def memory():
    return Memory.from_config({
        "vector_store": {"provider": "redis", "config": {
            "redis_url": URL, "collection_name": "mem0", "embedding_model_dims": DIMS}},
        "history_db_path": os.path.join(os.environ["MEM0_DIR"], "history.db")})


def main():
    store = Store(URL, "plain", DIMS)
    ids = ["0b7d4f3e-1111-4a6b-9d2e-%012d" % i for i in range(20)]
    store.insert([embed("fact number %d" % i) for i in range(20)],
                 [{"data": "fact number %d" % i, "user_id": "user-%d@x.org" % (i % 2), "hash": "h%d" % i, "kind": "k%d" % i} for i in range(20)], ids)
    assert store.search("", np.array(embed("fact number 7")), top_k=3)[0].id == ids[7]
    only = store.search("", np.array(embed("fact number 7")), top_k=20, filters={"user_id": "user-0@x.org"})
    assert len(only) == 10 and all(m.payload["user_id"] == "user-0@x.org" for m in only)
    assert store.keyword_search("number 13", filters={"user_id": "user-1@x.org"})[0].id == ids[13]
    assert store.get(ids[3]).payload["kind"] == "k3"
    store.update(ids[3], np.array(embed("something else entirely")), {"data": "something else entirely", "user_id": "user-1@x.org"})
    assert store.search("", np.array(embed("something else entirely")), top_k=1)[0].id == ids[3]
    store.delete(ids[4])
    assert ids[4] not in {m.id for m in store.list(top_k=100)[0]}
    assert "plain" in store.list_cols() and int(store.col_info("plain")["num_docs"]) == 19
    ok("store")

    m = memory()
    for text in ("I live in Lisbon", "my cat is called Tom", "I drink green tea"):
        assert m.add(text, user_id="ada", infer=False)["results"]
    m.add("I live in Oslo", user_id="bob", infer=False)
    found = m.search("what is my cat called", filters={"user_id": "ada"})["results"]
    assert found[0]["memory"] == "my cat is called Tom" and all(r["user_id"] == "ada" for r in found)
    cat = found[0]["id"]
    m.update(cat, "my cat is called Jerry")
    assert m.get(cat)["memory"] == "my cat is called Jerry" and len(m.history(cat)) == 2
    assert len(m.get_all(filters={"user_id": "ada"})["results"]) == 3
    m.delete(cat)
    assert len(m.get_all(filters={"user_id": "ada"})["results"]) == 2
    ok("memory")

    restart()
    m = memory()
    assert {r["memory"] for r in m.get_all(filters={"user_id": "ada"})["results"]} == {"I live in Lisbon", "I drink green tea"}
    m.delete_all(user_id="ada")
    assert m.get_all(filters={"user_id": "ada"})["results"] == [] and len(m.get_all(filters={"user_id": "bob"})["results"]) == 1
    ok("restart")


main()
