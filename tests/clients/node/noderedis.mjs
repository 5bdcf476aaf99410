// The usual jobs through node-redis.
import { createClient } from "redis";
import { assert, end, LIMIT, ok, port, restart, UNLOCK } from "./common.mjs";

const open = async (extra = {}) => {
  const c = createClient({ socket: { port, host: "127.0.0.1", reconnectStrategy: 50 }, ...extra });
  c.on("error", () => {});
  await c.connect();
  return c;
};

const c = await open();
assert.equal(await c.ping(), "PONG");
await c.set("a", "1", { EX: 100 });
assert.equal(await c.get("a"), "1");
ok("connect");

const many = await Promise.all(Array.from({ length: 1000 }, (_, i) => c.incrBy("p", 1).then(Number)));
assert.equal(many.at(-1), 1000);
ok("pipeline");

assert.deepEqual(await c.multi().set("m", "1").incr("m").get("m").exec(), ["OK", 2, "2"]);
const other = await open();
await c.watch("w");
await other.set("w", "x");
await assert.rejects(c.multi().set("w", "y").exec());
ok("transaction");

const popped = other.blPop("q", 20);
await c.rPush("q", "job");
assert.equal((await popped).element, "job");
await c.zAdd("z", [{ score: 1.5, value: "a" }, { score: 2, value: "b" }]);
assert.equal((await other.bzPopMin("z", 1)).value, "a");
ok("blocking pop");

const sub = await open();
const heard = new Promise((resolve) => sub.subscribe("news", resolve));
while ((await c.publish("news", "hello")) === 0);
assert.equal(await heard, "hello");
await sub.close();
ok("pubsub");

const id = await c.xAdd("events", "*", { kind: "login" });
await c.xGroupCreate("events", "g", "0");
const read = await c.xReadGroup("g", "w1", { key: "events", id: ">" }, { COUNT: 10 });
assert.equal(read[0].messages[0].id, id);
assert.equal((await c.xPending("events", "g")).pending, 1);
assert.equal(await c.xAck("events", "g", id), 1);
assert.equal((await c.xInfoStream("events")).length, 1);
ok("stream group");

for (let i = 1; i <= 3; i++) assert.equal(await c.eval(LIMIT, { keys: ["rate"], arguments: ["60000"] }), i);
const sha = await c.scriptLoad("return ARGV[1]");
assert.equal(await c.evalSha(sha, { arguments: ["x"] }), "x");
ok("script");

assert.equal(await c.set("lock", "me", { NX: true, PX: 10000 }), "OK");
assert.equal(await other.set("lock", "you", { NX: true, PX: 10000 }), null);
assert.equal(await c.eval(UNLOCK, { keys: ["lock"], arguments: ["me"] }), 1);
ok("lock");

const three = await open({ RESP: 3 });
await three.hSet("h", { f: "v" });
assert.deepEqual({ ...(await three.hGetAll("h")) }, { f: "v" });
assert.equal(await three.zScore("z", "b"), 2);
await three.close();
ok("resp3");

await restart();
await c.set("c", "3");
assert.equal(await c.get("c"), "3");
ok("reconnect");
await c.close();
await other.close();
end();
