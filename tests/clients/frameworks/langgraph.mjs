// @langchain/langgraph-checkpoint-redis: a graph whose state both savers keep, and the store.
import { Annotation, Command, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import { RedisSaver } from "@langchain/langgraph-checkpoint-redis";
import { ShallowRedisSaver } from "@langchain/langgraph-checkpoint-redis/shallow";
import { RedisStore } from "@langchain/langgraph-checkpoint-redis/store";
import { assert, bag, DIMS, end, ok, port, restart } from "../node/common.mjs";

const url = `redis://127.0.0.1:${port}`;
const State = Annotation.Root({
  log: Annotation({ reducer: (a, b) => a.concat(b), default: () => [] }),
  n: Annotation(),
});
const graph = (checkpointer) => new StateGraph(State)
  .addNode("count", (s) => ({ log: [`step ${s.n}`], n: s.n + 1 }))
  .addNode("ask", () => ({ log: [interrupt("go on?")] }))
  .addEdge(START, "count").addEdge("count", "ask").addEdge("ask", END)
  .compile({ checkpointer });
const thread = (id) => ({ configurable: { thread_id: id } });

async function turn(saver, id) {
  const app = graph(saver);
  await app.invoke({ log: ["in"], n: 1 }, thread(id));
  assert.deepEqual((await app.getState(thread(id))).next, ["ask"]);
  assert.deepEqual(await app.invoke(new Command({ resume: "yes" }), thread(id)), { log: ["in", "step 1", "yes"], n: 2 });
  return app;
}

async function all(generator) {
  const out = [];
  for await (const x of generator) out.push(x);
  return out;
}

let saver = await RedisSaver.fromUrl(url, { defaultTTL: 60, refreshOnRead: true });
const app = await turn(saver, "2d931510-d99f-494a-8c67-87feb05e1594");
await turn(saver, "user@example.org");
assert.ok((await all(app.getStateHistory(thread("user@example.org")))).length >= 4);
assert.equal((await all(saver.list(thread("user@example.org"), { limit: 2 }))).length, 2);
ok("checkpoints");

const shallow = await ShallowRedisSaver.fromUrl(url);
await turn(shallow, "shallow-1");
ok("shallow checkpoints");

const open = () => RedisStore.fromConnString(url, { index: { dims: DIMS, embed: bag, distanceType: "cosine", fields: ["text"] } });
let store = await open();
await store.setup();
for (const [i, text] of ["likes green tea", "plays chess on sundays", "was born in lisbon"].entries()) {
  await store.put(["memories", "ada-1"], `m${i}`, { text, kind: "fact" });
}
assert.equal((await store.get(["memories", "ada-1"], "m1")).value.text, "plays chess on sundays");
assert.equal((await store.search(["memories", "ada-1"], { query: "green tea", limit: 2 }))[0].key, "m0");
assert.equal((await store.search(["memories", "ada-1"], { filter: { kind: "fact" } })).length, 3);
await store.delete(["memories", "ada-1"], "m1");
assert.equal(await store.get(["memories", "ada-1"], "m1"), null);
assert.deepEqual(await store.listNamespaces({ prefix: ["memories"] }), [["memories", "ada-1"]]);
ok("store");

await saver.end();
await shallow.end();
await store.close();
await restart();
saver = await RedisSaver.fromUrl(url);
assert.deepEqual((await graph(saver).getState(thread("2d931510-d99f-494a-8c67-87feb05e1594"))).values, { log: ["in", "step 1", "yes"], n: 2 });
await saver.deleteThread("user@example.org");
assert.deepEqual(await all(graph(saver).getStateHistory(thread("user@example.org"))), []);
store = await open();
await store.setup();
assert.equal((await store.search(["memories", "ada-1"], { query: "green tea", limit: 1 }))[0].key, "m0");
ok("restart");
await saver.end();
await store.close();
end();
