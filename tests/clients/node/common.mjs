// What the programs here have in common.
import assert from "node:assert/strict";
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
