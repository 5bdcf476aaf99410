"""langchain-redis: vector stores, chat history, both caches."""
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import Generation
from langchain_redis import RedisCache, RedisChatMessageHistory, RedisConfig, RedisSemanticCache, RedisVectorStore
from redis import Redis
from redisvl.query.filter import Num, Tag

from common import PORT, URL, embed, ok, restart


class Bag(Embeddings):
    def embed_documents(self, texts):
        return [embed(t) for t in texts]

    def embed_query(self, text):
        return embed(text)


def store(storage, existing=False):
    return RedisVectorStore(Bag(), RedisConfig(
        index_name="docs-" + storage, redis_url=URL, storage_type=storage, from_existing=existing,
        metadata_schema=[{"name": "source", "type": "tag"}, {"name": "page", "type": "numeric"}]))


def ask(vectors):
    found = vectors.similarity_search_with_score("cats sleep all day", k=2)
    assert found[0][0].page_content == "cats sleep most of the day" and found[0][1] < found[1][1]
    only = vectors.similarity_search("cats sleep", k=5, filter=Tag("source") == "file://b-2.pdf")
    assert [d.metadata["source"] for d in only] == ["file://b-2.pdf"]
    assert len(vectors.similarity_search("cats", k=5, filter=Num("page") >= 2)) == 2
    assert len(vectors.max_marginal_relevance_search("cats sleep all day", k=2, fetch_k=3)) == 2


def main():
    client = Redis(port=PORT, decode_responses=True)
    for storage in ("hash", "json"):
        vectors = store(storage)
        ids = vectors.add_documents([
            Document("cats sleep most of the day", metadata={"source": "file://a-1.pdf", "page": 1}),
            Document("dogs run in the park", metadata={"source": "file://b-2.pdf", "page": 2}),
            Document("birds sing at dawn", metadata={"source": "c", "page": 3}),
            Document("to be removed", metadata={"source": "d", "page": 4})])
        assert len(vectors.get_by_ids(ids[:2])) == 2
        assert vectors.delete(ids[3:])
        ask(vectors)
    ok("vector store")

    session = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    history = RedisChatMessageHistory(session, redis_client=client, ttl=600)
    history.add_messages([HumanMessage("where is the station?"), AIMessage("behind the old market")])
    history.add_message(HumanMessage("thanks"))
    assert [m.content for m in history.messages] == ["where is the station?", "behind the old market", "thanks"]
    assert len(history) == 3 and history.search_messages("market")[0]["content"] == "behind the old market"
    other = RedisChatMessageHistory("another", redis_client=client)
    other.add_message(HumanMessage("not theirs"))
    assert len(history.messages) == 3 and len(other.messages) == 1
    other.clear()
    assert other.messages == [] and len(history.messages) == 3
    ok("chat history")

    cache = RedisCache(redis_url=URL, ttl=600)
    cache.update("p", "llm", [Generation(text="answer")])
    assert cache.lookup("p", "llm")[0].text == "answer" and cache.lookup("p", "other") is None
    near = RedisSemanticCache(Bag(), redis_url=URL, distance_threshold=0.2)
    near.update("what is two plus two", "llm", [Generation(text="four")])
    assert near.lookup("what is two plus two", "llm")[0].text == "four" and near.lookup("who is there", "llm") is None
    ok("caches")

    restart()
    for storage in ("hash", "json"):
        ask(store(storage, existing=True))
    assert [m.content for m in RedisChatMessageHistory(session, redis_client=client).messages][-1] == "thanks"
    assert near.lookup("what is two plus two", "llm")[0].text == "four"
    near.clear()
    assert near.lookup("what is two plus two", "llm") is None
    ok("restart")


main()
