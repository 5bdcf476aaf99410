// A job queue, BullMQ: streams, sorted sets, blocking pops and long scripts.
import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { assert, end, ok, port, restart } from "./common.mjs";

const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null, retryStrategy: () => 50 };
const queue = new Queue("mail", { connection });
const events = new QueueEvents("mail", { connection });
const quiet = (x) => x.on("error", () => {});
[queue, events].forEach(quiet);
await events.waitUntilReady();

const done = [];
const worker = new Worker("mail", async (job) => { done.push(job.data.n); return job.data.n * 2; }, { connection, concurrency: 4 });
quiet(worker);
const jobs = await queue.addBulk(Array.from({ length: 50 }, (_, n) => ({ name: "send", data: { n } })));
const results = await Promise.all(jobs.map((j) => j.waitUntilFinished(events)));
assert.deepEqual(results.sort((a, b) => a - b), Array.from({ length: 50 }, (_, n) => n * 2));
assert.equal((await queue.getJobCounts()).completed, 50);
ok("queue");

const late = await queue.add("later", { n: 100 }, { delay: 100, priority: 3, attempts: 2 });
assert.equal(await late.waitUntilFinished(events), 200);
ok("delayed");

await queue.upsertJobScheduler("tick", { every: 50, limit: 3 }, { name: "tick", data: { n: 7 } });
while (done.filter((n) => n === 7).length < 3) await new Promise((resolve) => worker.once("completed", resolve));
ok("repeat");

const flow = new FlowProducer({ connection });
quiet(flow);
const tree = await flow.add({ name: "parent", queueName: "mail", data: { n: 1 }, children: [
  { name: "child", queueName: "mail", data: { n: 2 } }, { name: "child", queueName: "mail", data: { n: 3 } }] });
assert.equal(await tree.job.waitUntilFinished(events), 2);
assert.deepEqual(Object.values(await tree.job.getChildrenValues()).sort(), [4, 6]);
ok("flow");

await restart();
const back = await queue.add("again", { n: 21 });
while (!(await queue.getJob(back.id)).finishedOn) await new Promise((resolve) => setTimeout(resolve, 20));
assert.equal((await queue.getJob(back.id)).returnvalue, 42);
ok("restart");
await Promise.all([worker.close(), events.close(), queue.close(), flow.close()]);
end();
