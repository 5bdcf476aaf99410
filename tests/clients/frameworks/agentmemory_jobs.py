"""redis/agent-memory-server, whole, through its HTTP interface: working memory, long-term memory, ranking by age on the server.

What would ask a model is left out (extraction of topics and names); embeddings are the bag of words."""
import os

from common import DIMS, URL, embed, ok, restart

os.environ.update(REDIS_URL=URL, DISABLE_AUTH="true", USE_DOCKET="false", LONG_TERM_MEMORY="true", OPENAI_API_KEY="none", LOG_LEVEL="ERROR",
                  ENABLE_TOPIC_EXTRACTION="false", ENABLE_NER="false", ENABLE_DISCRETE_MEMORY_EXTRACTION="false",
                  REDISVL_VECTOR_DIMENSIONS=str(DIMS), LITELLM_LOCAL_MODEL_COST_MAP="True")

import tiktoken  # noqa: E402


class Words:
    """Counts words in place of tokens: the tables of tokens are to be had from the network alone."""

    def encode(self, text, **_):
        return list(range(len(text.split())))


tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *_: Words()

from agent_memory_server import long_term_memory  # noqa: E402
from agent_memory_server.config import MODEL_CONFIGS, settings  # noqa: E402
from agent_memory_server.llm import LLMClient  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

MODEL_CONFIGS[settings.embedding_model].embedding_dimensions = DIMS


class Bag:
    dimensions = DIMS

    def embed_documents(self, texts):
        return [embed(t) for t in texts]

    def embed_query(self, text):
        return embed(text)

    async def aembed_documents(self, texts):
        return self.embed_documents(texts)

    async def aembed_query(self, text):
        return embed(text)


LLMClient.create_embeddings = staticmethod(lambda *a, **kw: Bag())

from agent_memory_server.main import app  # noqa: E402

MEMORIES = [
    ("m1", "the user likes hiking in the alps", "ada@example.org", ["sports", "travel"]),
    ("m2", "the user is allergic to peanuts", "ada@example.org", ["health"]),
    ("m3", "the user likes hiking by the sea", "bob-7", ["sports"]),
]


def search(http, text, **more):
    r = http.post("/v1/long-term-memory/search", json={"text": text, "limit": 10, **more})
    assert r.status_code == 200, r.text
    return r.json()["memories"]


def ask(http):
    found = search(http, "the user likes hiking in the alps")
    assert [m["id"] for m in found][0] == "m1" and len(found) == 3
    mine = search(http, "hiking", user_id={"eq": "ada@example.org"})
    assert {m["id"] for m in mine} == {"m1", "m2"}
    assert [m["id"] for m in search(http, "hiking", topics={"any": ["health"]})] == ["m2"]
    ranked = search(http, "the user likes hiking in the alps", server_side_recency=True, recency_boost=True)
    assert ranked and ranked[0]["id"] == "m1"


def main():
    with TestClient(app, raise_server_exceptions=False) as http:
        assert http.get("/v1/health").status_code == 200
        session = "c7c9a3a4-session"
        body = {"session_id": session, "namespace": "tests", "user_id": "ada@example.org", "memories": [],
                "messages": [{"role": "user", "content": "hello %d" % i} for i in range(5)]}
        assert http.put("/v1/working-memory/%s" % session, json=body).status_code == 200
        got = http.get("/v1/working-memory/%s" % session, params={"namespace": "tests", "user_id": "ada@example.org"}).json()
        assert [m["content"] for m in got["messages"]] == ["hello %d" % i for i in range(5)]
        listed = http.get("/v1/working-memory/", params={"namespace": "tests"}).json()
        assert listed["sessions"] == [session] and listed["total"] == 1
        ok("working memory")

        r = http.post("/v1/long-term-memory/", json={"deduplicate": False, "memories": [
            {"id": i, "text": t, "user_id": u, "topics": topics, "memory_type": "semantic"} for i, t, u, topics in MEMORIES]})
        assert r.status_code == 200, r.text
        ask(http)
        assert http.get("/v1/long-term-memory/m2").json()["text"] == MEMORIES[1][1]
        assert http.patch("/v1/long-term-memory/m3", json={"text": "the user likes sailing"}).status_code == 200
        assert http.delete("/v1/long-term-memory", params={"memory_ids": ["m3"]}).status_code == 200
        assert len(search(http, "the user")) == 2
        r = http.post("/v1/long-term-memory/", json={"deduplicate": False, "memories": [
            {"id": i, "text": t, "user_id": u, "topics": topics, "memory_type": "semantic"} for i, t, u, topics in MEMORIES[2:]]})
        assert r.status_code == 200, r.text
        ok("long-term memory")

        restart()
        # Its pool notices what is broken when it is used.
        while http.get("/v1/working-memory/", params={"namespace": "tests"}).status_code != 200:
            pass
        ask(http)
        listed = http.get("/v1/working-memory/", params={"namespace": "tests"}).json()
        assert listed["sessions"] == [session]
        assert http.delete("/v1/working-memory/%s" % session, params={"namespace": "tests", "user_id": "ada@example.org"}).status_code == 200
        ok("restart")


assert long_term_memory
main()
