// What the programs here have in common.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import readline from "node:readline";

export { assert };
export const port = Number(process.argv[2]);
export const ok = (what) => console.log("ok " + what);

const lines = readline.createInterface({ input: process.stdin });

// Have the daemon restarted; resolves when it is back.
export function restart() {
  const back = new Promise((resolve) => lines.once("line", resolve));
  console.log("restart");
  return back;
}

export function end() {
  lines.close();
  process.stdin.destroy();
}

export const LIMIT = `local n = redis.call('INCR', KEYS[1])
  if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return n`;
export const UNLOCK = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`;

// An embedding that needs no model: the sum of the directions of a text's words, so that texts which share words are near to each other.
export const DIMS = 64;
function embed(text) {
  const v = new Array(DIMS).fill(0);
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    const bits = createHash("sha512").update(word).digest();
    for (let i = 0; i < DIMS; i++) v[i] += bits[i] & 1 ? 1 : -1;
  }
  const length = Math.hypot(...v) || 1;
  return v.map((x) => x / length);
}
export const bag = {
  embedQuery: async (text) => embed(text),
  embedDocuments: async (texts) => texts.map(embed),
};
