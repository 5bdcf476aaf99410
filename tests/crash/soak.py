#!/usr/bin/env python3
"""Mixed random load for a while, everything going on at once; then nothing may be left.

    tests/crash/soak.py [--minutes N] [--seed S] [--bin build/asan/memd]

Connections send random commands of all types (lib/grammar.py), wait on lists, subscribe, publish,
break off in the middle of requests; keys expire and are evicted, into the archive and back (soak_rules.py);
snapshots and rewrites of the log run; settings and namespaces change; the daemon is stopped, or killed, and
started again. Every few seconds DEBUG CHECK walks all invariants. At the end FLUSHALL must bring
used_memory back to what it was after a first half minute of the same and FLUSHALL (a daemon that has
worked keeps a few spare buffers, which a longer run must not make more of), the sanitizers must
have nothing to say, and the archive's file must hold together."""
import argparse
import os
import random
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../wire")]

import patience  # noqa: E402
import resp  # noqa: E402
import server as srv  # noqa: E402
import soak_rules as rules  # noqa: E402
from grammar import Grammar  # noqa: E402
from test_differential import GRAMMAR  # noqa: E402

MORE = r"""
3x SET big V PX short
4x SET K V PX short
2x PEXPIRE any short
5x SET many V EX ttl
5x SET many long
3x RPUSH many long long long
2x HSET many field long field V
2x SADD many member member member
DEL many many many
2x HPEXPIRE H short FIELDS 2 field field
HEXPIRE H ttl FIELDS 1 field
HPERSIST H FIELDS 1 field
HGETEX H PX short FIELDS 1 field
HSETEX H PX short FIELDS 2 field V field V
HGETDEL H FIELDS 1 field
INFO
INFO everything
MEMORY USAGE any
MEMORY STATS
CLIENT LIST
OBJECT FREQ any
SCAN int COUNT int
HSCAN H int
SSCAN S int COUNT int
DEBUG OBJECT any
SLOWLOG GET 10
LATENCY LATEST
COMMAND DOCS
COMMAND INFO
CONFIG GET *
SUBSCRIBE ch
PSUBSCRIBE ch*
UNSUBSCRIBE
PUNSUBSCRIBE
2x PUBLISH ch long
RESET
HELLO 3
HELLO 2
CLIENT NO-TOUCH ON
CLIENT REPLY ON
"""


class Soak(rules.Pools, Grammar):
    def _short(self):
        return b"%d" % self.rng.randrange(1, 3000)

    def _many(self):
        return b"many:%d" % self.rng.randrange(50000)

    def _big(self):
        return b"big:%d" % self.rng.randrange(20)

    def _long(self):
        return bytes([97 + self.rng.randrange(26)]) * self.rng.choice([10, 100, 700, 2000, 5000, 20000])

    def _pick(self):
        return b"%d" % self.rng.randrange(-30, 31)


SETTINGS = [("maxmemory-policy", p) for p in ("allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl",
                                              "volatile-random", "volatile-lfu")] + [
    ("appendfsync", "always"), ("appendfsync", "everysec"), ("appendfsync", "no"), ("maxmemory", "24mb"), ("maxmemory", "40mb"),
    ("hash-max-listpack-entries", "8"), ("hash-max-listpack-entries", "512"), ("list-max-listpack-size", "4"),
    ("list-max-listpack-size", "-2"), ("notify-keyspace-events", "AKE"), ("notify-keyspace-events", ""),
    ("lazyfree-lazy-user-del", "yes"), ("lazyfree-lazy-user-del", "no"), ("appendonly", "no"), ("appendonly", "yes"),
    ("slowlog-log-slower-than", "0"), ("slowlog-log-slower-than", "10000")] + rules.SETTINGS


class Client:
    def __init__(self, server, grammar):
        self.server, self.grammar, self.rng = server, grammar, grammar.rng
        self.connect()

    def connect(self):
        self.sock = self.server.connect_socket()
        self.sock.setblocking(False)

    def step(self):
        """Send a batch, take in whatever has come; replies are not looked at."""
        try:
            batch = b"".join(resp.encode(self.grammar.command()) for _ in range(self.rng.randrange(1, 60)))
            r = self.rng.random()
            if r < 0.01:
                batch = batch[:self.rng.randrange(len(batch))]
            elif r < 0.012:
                batch += b"*3\r\n$-5\r\n"
            self.sock.setblocking(True)
            self.sock.settimeout(0.05)
            self.sock.sendall(batch)
            self.sock.setblocking(False)
            if r < 0.005:
                raise ConnectionError
            while self.sock.recv(1 << 20):
                pass
            raise ConnectionError
        except (BlockingIOError, TimeoutError):
            if self.rng.random() < 0.002:
                self.again()
        except OSError:
            self.again()

    def again(self):
        self.sock.close()
        self.connect()


class Admin:
    """A connection that survives the daemon."""

    def __init__(self, server):
        self.server, self.conn = server, server.conn()

    def __call__(self, *args):
        return self.conn(*args)

    def info(self, *sections):
        return self.conn.info(*sections)

    def restart(self, kill):
        # A clean end looks for leaks, with whatever is under way: questions, parked clients, a rewrite. What left long ago
        # has to be in the archive: its last snapshot waits for that, and memd does not end without (on a busy machine).
        if not kill:
            self.conn("ARCHIVE.FLUSH", "TIMEOUT", 100000)
        self.server.restart(kill=kill)
        self.conn = self.server.conn()


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--minutes", type=float, default=15)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--bin", default=os.environ.get("MEMD_BIN", os.path.join(srv.ROOT, "build/asan/memd")))
    o = a.parse_args()
    seed = o.seed or int(time.time())
    print("seed %d, %g minutes, %s" % (seed, o.minutes, o.bin), flush=True)
    rng = random.Random(seed)
    patience.PATIENCE = 120
    s = srv.Server(binary=o.bin, appendonly="yes", save="5 1000", maxmemory="32mb", maxmemory_policy="allkeys-lru",
                   enable_debug_command="yes", namespace=rules.NAMESPACES, auto_aof_rewrite_min_size="4mb", client_output_buffer_limit="normal 8mb 0 0")
    admin = Admin(s)
    try:
        cold = empty(admin)
        load(s, admin, rng, 0.5, restarts=False)
        begin = empty(admin)
        print("used_memory: %s after the start, %s after some work" % (cold["used_memory"], begin["used_memory"]))
        load(s, admin, rng, o.minutes)
        end = empty(admin)
        s.stop()  # checks exit code and sanitizer reports
        rules.check_file(os.path.join(s.dir, "archive.db"))
        compare(begin, end)
    except (OSError, EOFError, AssertionError) as e:
        print("seed %d: %r" % (seed, e))
        print(s.log()[-12000:])
        if s.proc:
            print("exit code:", s.proc.poll())
        sys.exit(1)
    finally:
        s.destroy()
    print("clean")


def load(s, admin, rng, minutes, restarts=True):
    # Who watches must not be shut out.
    kind = re.sub(r"(?m)^.*(CLIENT KILL|CLIENT PAUSE|SHUTDOWN).*$", "", GRAMMAR) + rules.COMMANDS
    # Databases that are flushed and swapped all the time have nothing to evict: one phase in five.
    keeping = Soak(re.sub(r"(?m)^.*(FLUSHDB|FLUSHALL|SWAPDB).*$", "", kind) + MORE, rng)
    flushing = Soak(kind + MORE, rng)
    clients = [Client(s, keeping) for _ in range(12)]
    rules.set_rules(admin)
    end, report, check = time.monotonic() + minutes * 60, 0, 0
    restart = time.monotonic() + 60
    while time.monotonic() < end:
        for c in clients:
            c.step()
        now = time.monotonic()
        if now > check:
            check = now + 3
            grammar = flushing if rng.random() < 0.2 else keeping
            for c in clients:
                c.grammar = grammar
            admin(*rng.choice([["BGSAVE"], ["BGREWRITEAOF"], ["MEMORY", "PURGE"], ["MEMORY", "DOCTOR"], ["FLUSHDB", "ASYNC"] if rng.random() < 0.2 else ["PING"],
                               ["SWAPDB", 0, 1], ["CONFIG", "RESETSTAT"], ["SLOWLOG", "RESET"], ["CLIENT", "KILL", "TYPE", "pubsub"]]))
            for _ in range(3):
                admin("CONFIG", "SET", *rng.choice(SETTINGS))
            got = admin("DEBUG", "CHECK")
            assert got == resp.OK, got
            admin("DEBUG", "ARCHIVE-PAUSE", "yes" if rng.random() < 0.1 else "no")
            if rng.random() < 0.2:
                rules.set_rules(admin)
        if restarts and now > restart and end - now > 30:
            restart = now + 60
            admin.restart(kill=rng.random() < 0.5)
            for c in clients:
                c.again()
        if now > report:
            report = now + 30
            i = admin.info("everything")
            print("%4d s left: %s commands, %s keys, %s evicted, %s expired, %s saves, %s rewrites, %s MB; archive %s: %s in it, "
                  "%s waiting, %s recalled, %s timed out" % (
                      end - now, i["total_commands_processed"], admin("DBSIZE"), i["evicted_keys"], i["expired_keys"], i["rdb_saves"],
                      i["aof_rewrites"], int(i["used_memory"]) >> 20, *(i.get("archive_" + name, "?") for name in (
                          "state", "entries", "recalls_waiting", "recalled", "recalls_timed_out"))), flush=True)
    for c in clients:
        c.sock.close()


def empty(admin):
    """Let all go that can go; INFO of what is left."""
    srv.wait_for(lambda: admin.info("clients")["connected_clients"] == "1")
    for setting in (("maxmemory", "0"), ("appendonly", "yes"), ("appendfsync", "everysec"), ("slowlog-log-slower-than", "10000"),
                    ("maxmemory-policy", "allkeys-lru")):
        admin("CONFIG", "SET", *setting)
    rules.reset(admin)
    admin("FLUSHALL", "SYNC")
    admin("FUNCTION", "FLUSH", "SYNC")
    admin("SCRIPT", "FLUSH", "SYNC")
    admin("SLOWLOG", "RESET")
    admin("LATENCY", "RESET")
    admin("ACL", "LOG", "RESET")
    settle(admin)
    admin("MEMORY", "PURGE")  # buffers that wait for clients to come
    left = admin.info("memory")
    admin("CONFIG", "SET", "maxmemory", "32mb")
    return left


def compare(begin, now):
    for field, value in now.items():
        if value.isdigit() and begin[field].isdigit() and int(value) > int(begin[field]) and "peak" not in field:
            print("  %s: %s at the start, %s at the end" % (field, begin[field], value))
    # Spare buffers of the log come and go with its traffic, and so does what the archive's threads keep (samples for a
    # dictionary, up to 4 MB): neither counts for eviction.
    counted = [int(i["used_memory"]) - int(i["mem_not_counted_for_evict"]) for i in (begin, now)]
    left = counted[1] - counted[0]
    assert left < 256 * 1024, "memory is left over: %d bytes" % left


def settle(admin):
    """Wait until nothing runs in the background."""
    for field in ("rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled"):
        srv.wait_for(lambda: admin.info("persistence")[field] == "0")
    srv.wait_for(lambda: admin.info("memory")["lazyfree_pending_objects"] == "0")
    time.sleep(0.5)


if __name__ == "__main__":
    main()
