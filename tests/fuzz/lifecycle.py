#!/usr/bin/python3
"""Lives of clients at random: they connect, ask, wait, listen, are paused, killed, evicted, cut off.

    tests/fuzz/lifecycle.py [--seed N] [--rounds N] [--steps N] [--seconds N] [--binary build/asan/memd]

A round starts a server with settings drawn from the seed and takes a number of steps. Each step does
something to one of some dozens of connections, without ever waiting for an answer. At the end of a round
everybody leaves, and then nothing may be left of anybody: no client, no waiter, no watched key, no
subscription, no memory; the data must be sound, and the log free of sanitizer reports. A failing round is
run again with its seed, which is printed.
"""
import argparse
import os
import random
import resource
import select
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "lib"))

import resp  # noqa: E402
import server as srv  # noqa: E402

KEYS = ["a", "b", "c", "l1", "l2", "l3", "h", "s"]
LISTS = ["l1", "l2", "l3"]
CHANNELS = ["ch1", "ch2", "__keyevent@0__:lpop", "__keyspace@0__:l1"]


class Peer:
    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.rest = b""      # what is still to be sent
        self.reads = True    # or it lets its replies pile up
        self.half_closed = False


class Round:
    def __init__(self, seed, steps, binary):
        self.rng = random.Random(seed)
        self.steps = steps
        self.peers = []
        self.server = srv.Server(binary=binary, **self.settings())
        self.last_id = 0
        # In some rounds files cannot grow at times, as on a full disk. (Nor can the log of the server then,
        # so not in all.)
        self.disk_may_fail = self.rng.random() < 0.2
        self.file_limit = resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE)[1]

    # --- settings ---------------------------------------------------------------------------------------

    def settings(self):
        r = self.rng
        out = {"enable_debug_command": "yes", "loglevel": "warning"}
        mode = r.choice(["off", "always", "everysec", "no"])
        if mode != "off":
            out.update(appendonly="yes", appendfsync=mode)
        if r.random() < 0.3:
            out["maxmemory"] = r.choice(["20mb", "60mb"])
            out["maxmemory_policy"] = r.choice(["noeviction", "allkeys-lru", "volatile-ttl"])
        if r.random() < 0.3:
            out["maxmemory_clients"] = r.choice(["2mb", "500kb", "5%"])
        if r.random() < 0.3:
            out["client_output_buffer_limit"] = ["normal 1mb 300kb 1", "pubsub 300kb 100kb 1"]
        if r.random() < 0.2:
            out["client_query_buffer_limit"] = "1mb"
        if r.random() < 0.2:
            out["maxclients"] = 20
        if r.random() < 0.2:
            out["timeout"] = 1
        if r.random() < 0.2:
            out["requirepass"] = "pw"
        if r.random() < 0.3:
            out["notify_keyspace_events"] = "KEA"
        return out

    # --- requests ---------------------------------------------------------------------------------------

    def key(self):
        return self.rng.choice(KEYS)

    def value(self):
        r = self.rng.random()
        n = 1 if r < 0.7 else self.rng.randrange(1000) if r < 0.97 else self.rng.randrange(400000)
        return "v" * n

    def some_id(self):
        return self.rng.randrange(max(1, self.last_id - 60), self.last_id + 3)

    def plain(self):
        r, k = self.rng, self.key()
        return r.choice([
            lambda: ["SET", k, self.value()], lambda: ["GET", k], lambda: ["INCR", k], lambda: ["DEL", k],
            lambda: ["SET", k, "v", "PX", r.randrange(1, 30)], lambda: ["PEXPIRE", k, r.randrange(-1, 30)],
            lambda: ["RPUSH", r.choice(LISTS)] + [self.value() for _ in range(r.randrange(1, 4))],
            lambda: ["LPOP", r.choice(LISTS)], lambda: ["LMOVE", r.choice(LISTS), r.choice(LISTS), "LEFT", "RIGHT"],
            lambda: ["LRANGE", r.choice(LISTS), 0, -1], lambda: ["RENAME", k, r.choice(LISTS)],
            lambda: ["MGET"] + KEYS, lambda: ["HSET", "h", k, "v"], lambda: ["SADD", "s", k, self.value()],
            lambda: ["MSET", "a", "1", "b", self.value()], lambda: ["APPEND", "c", self.value()],
            lambda: ["ECHO", self.value()], lambda: ["PING"], lambda: ["NOSUCH", k], lambda: ["GET"],
            lambda: ["PUBLISH", r.choice(CHANNELS), self.value()], lambda: ["SCAN", 0], lambda: ["RANDOMKEY"],
        ])()

    def waiting(self):
        r = self.rng
        timeout = "0" if r.random() < 0.1 else r.choice(["0.001", "0.01", "0.05"])
        keys = [r.choice(KEYS) if r.random() < 0.1 else r.choice(LISTS) for _ in range(r.randrange(1, 4))]
        return r.choice([
            ["BLPOP"] + keys + [timeout], ["BRPOP"] + keys + [timeout],
            ["BLMOVE", keys[0], r.choice(LISTS), "LEFT", "RIGHT", timeout],
            ["BLMPOP", timeout, len(keys)] + keys + ["LEFT", "COUNT", 2],
        ])

    def own_state(self):
        r = self.rng
        if r.random() < 0.05:
            return r.choice([["QUIT"], ["MONITOR"]])
        return r.choice([
            ["SELECT", r.choice([0, 0, 0, 1, 2])], ["HELLO", 2], ["HELLO", 3], ["HELLO", 3], ["RESET"],
            ["SUBSCRIBE"] + r.sample(CHANNELS, 2), ["PSUBSCRIBE", "ch*", "__key*"], ["SSUBSCRIBE", "ch1"],
            ["UNSUBSCRIBE"], ["UNSUBSCRIBE", "ch1"], ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"], ["RESET"],
            ["MULTI"], ["EXEC"], ["EXEC"], ["DISCARD"], ["WATCH"] + r.sample(KEYS, 2), ["UNWATCH"],
            ["CLIENT", "REPLY", r.choice(["ON", "OFF", "SKIP"])], ["CLIENT", "NO-EVICT", r.choice(["on", "off"])],
            ["CLIENT", "SETNAME", "n%d" % r.randrange(9)], ["CLIENT", "NO-TOUCH", "on"], ["AUTH", "pw"],
        ])

    def about_others(self):
        r, i = self.rng, self.some_id()
        return r.choice([
            ["CLIENT", "KILL", "ID", i], ["CLIENT", "KILL", "ID", i, "SKIPME", "no"],
            ["CLIENT", "KILL", "TYPE", r.choice(["pubsub", "normal"]), "MAXAGE", r.randrange(1, 4)],
            ["CLIENT", "UNBLOCK", i, r.choice(["TIMEOUT", "ERROR"])], ["CLIENT", "LIST"], ["CLIENT", "INFO"],
            ["CLIENT", "PAUSE", r.randrange(1, 20), r.choice(["ALL", "WRITE"])], ["CLIENT", "UNPAUSE"],
            ["INFO", "everything"], ["SLOWLOG", "GET"], ["MEMORY", "STATS"], ["PUBSUB", "CHANNELS"],
            ["COMMAND", "COUNT"], ["LATENCY", "LATEST"],
        ])

    def about_all(self):
        r = self.rng
        return r.choice([
            ["FLUSHALL"], ["FLUSHDB"], ["SWAPDB", 0, r.randrange(3)], ["BGSAVE"], ["BGREWRITEAOF"],
            ["DEBUG", "SLEEP", "0.005"], ["DEBUG", "CHECK"], ["DEBUG", "SET-ACTIVE-EXPIRE", r.randrange(2)],
            ["CONFIG", "SET", "notify-keyspace-events", r.choice(["", "KEA", "KEAmn"])],
            ["CONFIG", "SET", "maxmemory-clients", r.choice(["0", "1mb", "300kb"])],
            ["CONFIG", "SET", "client-output-buffer-limit", r.choice(["pubsub 0 0 0", "pubsub 200kb 0 0"])],
            ["CONFIG", "SET", "maxmemory", r.choice(["0", "30mb"]), "maxmemory-policy",
             r.choice(["noeviction", "allkeys-lfu", "allkeys-random"])],
            ["CONFIG", "SET", "appendonly", r.choice(["yes", "no"])],
            ["CONFIG", "SET", "appendfsync", r.choice(["always", "everysec", "no"])],
            ["CONFIG", "SET", "timeout", r.randrange(2)], ["CONFIG", "SET", "maxclients", r.choice([15, 10000])],
            ["CONFIG", "SET", "requirepass", r.choice(["", "pw"])], ["DEBUG", "RELOAD"],
        ])

    def request(self):
        x = self.rng.random()
        if x < 0.60:
            words = self.plain()
        elif x < 0.70:
            words = self.waiting()
        elif x < 0.88:
            words = self.own_state()
        elif x < 0.98:
            words = self.about_others()
        else:
            words = self.about_all()
        if self.rng.random() < 0.04:
            return " ".join(str(w) for w in words).encode() + b"\r\n"
        return resp.encode(words)

    def transaction(self):
        n = self.rng.randrange(1, 6)
        inner = [self.waiting() if self.rng.random() < 0.2 else self.about_others() if self.rng.random() < 0.1
                 else self.plain() for _ in range(n)]
        return b"".join(resp.encode(w) for w in [["MULTI"]] + inner + [["EXEC"]])

    def nonsense(self):
        r = self.rng
        return r.choice([
            b"*1\r\n$x\r\n", b"*-1\r\n", b"*0\r\n", b"\r\n", b"*3\r\n$3\r\nSET\r\n:1\r\n", b'"unbalanced\r\n',
            b"*2147483648\r\n", b"*100000\r\n", b"*2\r\n$536870912\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n",
            bytes(r.randrange(256) for _ in range(r.randrange(1, 200))), b"*1\r\n$4\r\nPI", b"x" * 70000,
        ])

    # --- steps ------------------------------------------------------------------------------------------

    def connect(self):
        try:
            s = self.server.connect_socket()
        except OSError:
            return
        self.last_id += 1
        if self.rng.random() < 0.2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.peers.append(Peer(s))
        if self.rng.random() < 0.8:
            self.peers[-1].rest = resp.encode(["AUTH", "pw"])

    def limit_files(self, n):
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (n, self.file_limit))

    def drop(self, p, reset=False):
        if reset:
            p.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        p.sock.close()
        self.peers.remove(p)

    def push(self, p):
        """Send what it has, perhaps only a part."""
        if not p.rest or p.half_closed:
            return
        n = len(p.rest)
        if self.rng.random() < 0.15:
            n = self.rng.randrange(1, n + 1)
        try:
            sent = p.sock.send(p.rest[:n])
        except BlockingIOError:
            return
        except OSError:
            self.drop(p)
            return
        p.rest = p.rest[sent:]

    def pull(self, p, most=1 << 16):
        try:
            while True:
                data = p.sock.recv(most)
                if not data:
                    self.drop(p)
                    return
        except BlockingIOError:
            pass
        except OSError:
            self.drop(p)

    def step(self):
        r = self.rng
        if not self.peers or (len(self.peers) < 30 and r.random() < 0.06):
            self.connect()
            return
        if self.disk_may_fail and r.random() < 0.003:
            self.limit_files(r.choice([0, 4096, self.file_limit]))
        p = r.choice(self.peers)
        x = r.random()
        if x < 0.70:
            n = 1 if r.random() < 0.7 else r.randrange(1, 60)
            if len(p.rest) < 1 << 20:
                p.rest += b"".join(self.request() for _ in range(n))
            self.push(p)
        elif x < 0.76:
            p.rest += self.transaction()
            self.push(p)
        elif x < 0.765:
            p.rest += self.nonsense()
            self.push(p)
        elif x < 0.79:
            self.drop(p, reset=r.random() < 0.5)
        elif x < 0.80:
            try:
                p.sock.shutdown(socket.SHUT_WR)
                p.half_closed = True
            except OSError:
                self.drop(p)
        elif x < 0.82:
            p.reads = r.random() < 0.7
        elif x < 0.90:
            self.push(p)
        else:
            wait = r.choice([0, 0, 0.001, 0.003])
            ready = select.select([q.sock for q in self.peers if q.reads], [], [], wait)[0]
            for q in [q for q in self.peers if q.sock in ready]:
                self.pull(q)

    # --- the end of a round -------------------------------------------------------------------------------

    def alive(self):
        assert self.server.proc.poll() is None, "the server died:\n" + self.server.log()[-8000:]

    def join(self):
        """A connection that may ask, whatever state the server was left in."""
        end = time.monotonic() + srv.PATIENCE
        while True:
            self.alive()
            try:
                c = srv.Conn(self.server.connect_socket())
                got = c("PING")
                if isinstance(got, resp.Err) and got.startswith("NOAUTH"):
                    got = c("AUTH", "pw")
                if got in (resp.PONG, resp.OK):
                    return c
            except (OSError, EOFError):
                pass
            assert time.monotonic() < end, "nobody is let in:\n" + self.server.log()[-3000:]
            time.sleep(0.01)

    def settle(self):
        self.alive()
        self.limit_files(self.file_limit)
        for p in list(self.peers):
            self.drop(p)
        c = self.join()
        for name, value in (("maxmemory-clients", "0"), ("timeout", "0"), ("maxmemory", "0"), ("maxclients", "10000")):
            assert c("CONFIG", "SET", name, value) == resp.OK
        assert c("CLIENT", "UNPAUSE") == resp.OK
        srv.wait_for(lambda: c.info("persistence")["aof_last_write_status"] == "ok", "the log does not heal")
        srv.wait_for(lambda: c.info("clients")["connected_clients"] == "1", "clients stay:\n%s" % c("CLIENT", "LIST"))
        got = c.info("clients", "stats", "memory")
        for name in ("blocked_clients", "pubsub_clients", "watching_clients", "clients_in_timeout_table",
                     "total_watched_keys", "total_blocking_keys", "pubsub_channels", "pubsub_patterns",
                     "pubsubshard_channels"):
            assert got[name] == "0", "%s is %s" % (name, got[name])
        assert int(got["mem_clients_normal"]) < 300000, got["mem_clients_normal"]
        assert c("DEBUG", "CHECK") == resp.OK
        c.close()

    def run(self):
        try:
            for n in range(self.steps):
                self.step()
                if n % 50 == 0:
                    self.alive()
            self.settle()
            self.server.stop()
        finally:
            self.server.destroy()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--rounds", type=int, default=10)
    a.add_argument("--steps", type=int, default=3000)
    a.add_argument("--seconds", type=float, default=0, help="go on until they have passed")
    a.add_argument("--binary", default=srv.MEMD.path)
    o = a.parse_args()
    end, seed = time.monotonic() + o.seconds, o.seed
    while seed < o.seed + o.rounds or time.monotonic() < end:
        t0 = time.monotonic()
        try:
            Round(seed, o.steps, os.path.abspath(o.binary)).run()
        except BaseException:
            print("FAILED: --seed %d --rounds 1 --steps %d" % (seed, o.steps), flush=True)
            raise
        print("round %d: %.1f s" % (seed, time.monotonic() - t0), flush=True)
        seed += 1


if __name__ == "__main__":
    main()
