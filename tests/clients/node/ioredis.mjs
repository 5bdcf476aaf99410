// The usual jobs through ioredis.
import { Redis } from "ioredis";
import { assert, end, LIMIT, ok, port, restart, UNLOCK } from "./common.mjs";

const open = (extra = {}) => {
  const c = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50, maxRetriesPerRequest: null, ...extra });
  c.on("error", () => {});
  return c;
};

const c = open();
assert.equal(await c.ping(), "PONG");
await c.set("a", "1", "EX", 100);
assert.equal(await c.get("a"), "1");
ok("connect");

const p = c.pipeline();
for (let i = 0; i < 1000; i++) p.incr("p");
const replies = await p.exec();
assert.deepEqual(replies.at(-1), [null, 1000]);
ok("pipeline");

assert.deepEqual(await c.multi().set("m", "1").incr("m").get("m").exec(), [[null, "OK"], [null, 2], [null, "2"]]);
const other = open();
await c.watch("w");
await other.set("w", "x");
assert.equal(await c.multi().set("w", "y").exec(), null);
ok("transaction");

const popped = other.blpop("q", 20);
await c.rpush("q", "job");
assert.deepEqual(await popped, ["q", "job"]);
await c.zadd("z", 1.5, "a", 2, "b");
assert.deepEqual(await other.bzpopmin("z", 1), ["z", "a", "1.5"]);
ok("blocking pop");

const sub = open();
await sub.subscribe("news");
const heard = new Promise((resolve) => sub.on("message", (_, m) => resolve(m)));
assert.equal(await c.publish("news", "hello"), 1);
assert.equal(await heard, "hello");
sub.disconnect();
ok("pubsub");

const id = await c.xadd("events", "*", "kind", "login");
await c.xgroup("CREATE", "events", "g", "0");
assert.deepEqual(await c.xreadgroup("GROUP", "g", "w1", "COUNT", 10, "STREAMS", "events", ">"), [
  ["events", [[id, ["kind", "login"]]]],
]);
assert.equal((await c.xpending("events", "g"))[0], 1);
assert.equal(await c.xack("events", "g", id), 1);
ok("stream group");

c.defineCommand("limit", { numberOfKeys: 1, lua: LIMIT });
for (let i = 1; i <= 3; i++) assert.equal(await c.limit("rate", 60000), i);
ok("script");

assert.equal(await c.set("lock", "me", "PX", 10000, "NX"), "OK");
assert.equal(await other.set("lock", "you", "PX", 10000, "NX"), null);
assert.equal(await c.eval(UNLOCK, 1, "lock", "me"), 1);
ok("lock");

// ioredis speaks RESP2 alone; HELLO is a command like any other to it.
assert.ok(Array.isArray(await c.call("HELLO", "2")));
ok("resp3");

await restart();
await c.set("c", "3");
assert.equal(await c.get("c"), "3");
ok("reconnect");
c.disconnect();
other.disconnect();
end();
