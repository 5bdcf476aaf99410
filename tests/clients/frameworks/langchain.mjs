// @langchain/redis: both vector stores, chat history, cache.
import { createClient } from "redis";
import { Document } from "@langchain/core/documents";
import { HumanMessage, AIMessage } from "@langchain/core/messages";
import { FluentRedisVectorStore, Num, RedisCache, RedisChatMessageHistory, RedisVectorStore, Tag } from "@langchain/redis";
import { assert, bag, end, ok, port, restart } from "../node/common.mjs";

const client = createClient({ url: `redis://127.0.0.1:${port}` });
client.on("error", () => {});
await client.connect();

const docs = [
  new Document({ pageContent: "whales are mammals of the sea", metadata: { source: "a-1.pdf", page: 1 } }),
  new Document({ pageContent: "trains run on rails", metadata: { source: "b@2.pdf", page: 2 } }),
  new Document({ pageContent: "whales sing long songs", metadata: { source: "c", page: 3 } }),
];

const plain = () => new RedisVectorStore(bag, {
  redisClient: client, indexName: "plain",
  customSchema: { source: { type: "TAG" }, page: { type: "NUMERIC" } } });
const fluent = () => new FluentRedisVectorStore(bag, {
  redisClient: client, indexName: "fluent",
  customSchema: [{ name: "source", type: "tag" }, { name: "page", type: "numeric" }] });

async function ask() {
  const found = await plain().similaritySearchWithScore("whales are mammals", 2);
  assert.equal(found[0][0].pageContent, "whales are mammals of the sea");
  assert.ok(found.length === 2 && found[0][1] < found[1][1]);
  const tagged = await plain().similaritySearchVectorWithScoreAndMetadata(await bag.embedQuery("whales"), 5, { source: "b@2.pdf" });
  assert.deepEqual(tagged.map(([d]) => d.metadata.source), ["b@2.pdf"]);
  const some = await fluent().similaritySearch("whales", 5, Num("page").gte(2).and(Tag("source").ne("b@2.pdf")));
  assert.deepEqual(some.map((d) => d.pageContent), ["whales sing long songs"]);
}

for (const store of [plain(), fluent()]) {
  assert.ok(!(await (store.checkIndexExists?.() ?? false)));
  await store.addDocuments(docs);
}
await ask();
ok("vector stores");

const history = () => new RedisChatMessageHistory({ sessionId: "s-1", sessionTTL: 600, client });
await history().addMessage(new HumanMessage("hello"));
await history().addMessage(new AIMessage("good day"));
assert.deepEqual((await history().getMessages()).map((m) => m.content), ["hello", "good day"]);
const cache = new RedisCache(client);
await cache.update("p", "llm", [{ text: "answer" }]);
assert.equal((await cache.lookup("p", "llm"))[0].text, "answer");
ok("history and cache");

await restart();
await ask();
assert.equal((await history().getMessages()).length, 2);
assert.ok(await plain().dropIndex(true));
assert.deepEqual(await client.keys("doc:plain:*"), []);
ok("restart");
await client.disconnect();
end();
