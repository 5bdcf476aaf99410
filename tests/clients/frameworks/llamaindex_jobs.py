"""LlamaIndex: its Redis stores for vectors, documents, indexes, chats and keys."""
from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import ChatMessage
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters
from llama_index.storage.chat_store.redis import RedisChatStore
from llama_index.storage.docstore.redis import RedisDocumentStore
from llama_index.storage.index_store.redis import RedisIndexStore
from llama_index.storage.kvstore.redis import RedisKVStore
from llama_index.vector_stores.redis import RedisVectorStore
from redisvl.schema import IndexSchema

from common import DIMS, PORT, URL, embed, ok, restart


class Bag(BaseEmbedding):
    def _get_text_embedding(self, text):
        return embed(text)

    def _get_query_embedding(self, query):
        return embed(query)

    async def _aget_query_embedding(self, query):
        return embed(query)


def vectors():
    return RedisVectorStore(redis_url=URL, schema=IndexSchema.from_dict({
        "index": {"name": "llama", "prefix": "llama_doc"},
        "fields": [{"name": "id", "type": "tag"}, {"name": "doc_id", "type": "tag"}, {"name": "text", "type": "text"},
                   {"name": "source", "type": "tag"},
                   {"name": "vector", "type": "vector", "attrs": {"dims": DIMS, "algorithm": "hnsw", "distance_metric": "cosine"}}]}))


def ask(index):
    found = index.as_retriever(similarity_top_k=2).retrieve("where do penguins live")
    assert len(found) == 2 and found[0].text == "penguins live in the antarctic" and found[0].score > found[1].score
    only = MetadataFilters(filters=[MetadataFilter(key="source", value="b-2.txt", operator=FilterOperator.EQ)])
    found = index.as_retriever(similarity_top_k=5, filters=only).retrieve("where do penguins live")
    assert [n.metadata["source"] for n in found] == ["b-2.txt"]


def main():
    docstore = RedisDocumentStore.from_host_and_port("127.0.0.1", PORT, namespace="docs")
    context = StorageContext.from_defaults(
        vector_store=vectors(), docstore=docstore, index_store=RedisIndexStore.from_host_and_port("127.0.0.1", PORT, namespace="indexes"))
    documents = [Document(text=t, doc_id="doc-%d" % i, metadata={"source": s}, excluded_embed_metadata_keys=["source"]) for i, (t, s) in enumerate((
        ("penguins live in the antarctic", "a-1.txt"), ("camels live in the desert", "b-2.txt"), ("the moon circles the earth", "c-3.txt")))]
    index = VectorStoreIndex.from_documents(documents, storage_context=context, embed_model=Bag(), store_nodes_override=True)
    ask(index)
    index.delete_ref_doc("doc-2", delete_from_docstore=True)
    assert len(index.as_retriever(similarity_top_k=5).retrieve("the moon")) == 2
    ok("vector store")

    chats = RedisChatStore(redis_url=URL, ttl=600)
    for i in range(4):
        chats.add_message("ada", ChatMessage(role="user" if i % 2 == 0 else "assistant", content="m%d" % i))
    assert [m.content for m in chats.get_messages("ada")] == ["m0", "m1", "m2", "m3"]
    chats.delete_message("ada", 1)
    chats.add_message("ada", ChatMessage(role="user", content="first"), idx=0)
    assert [m.content for m in chats.get_messages("ada")][0] == "first"
    chats.delete_last_message("ada")
    ok("chat store")

    kv = RedisKVStore(redis_uri=URL)
    kv.put_all([("k%d" % i, {"n": i}) for i in range(10)], collection="c", batch_size=4)
    assert kv.get("k3", collection="c") == {"n": 3} and len(kv.get_all(collection="c")) == 10
    assert kv.delete("k3", collection="c") and kv.get("k3", collection="c") is None
    ok("key store")

    restart()
    ask(VectorStoreIndex.from_vector_store(vectors(), embed_model=Bag()))
    assert len(docstore.docs) == 2 and len(kv.get_all(collection="c")) == 9 and len(chats.get_messages("ada")) == 3
    ok("restart")


main()
