#!/usr/bin/env python3
"""Everything at once, from a seed: connections send random commands of all kinds, then all must be right.

    tests/crash/storm.py [--seed S] [--seeds N] [--commands N] [--large N] [--sliced N] [--bin build/asan/memd]

Strings to streams, JSON, indexes and questions to them, vector sets, scripts, transactions, waiting, subscriptions, clients that
are killed or break off, settings that change, saves, reloads. Whoever sends does not look at replies. After it DEBUG CHECK
walks all invariants; the digest of all keys and the answers of all indexes are the same after an end and a start, and after
kill -9 and a start (the log is synced by then).

Then as many again (--large) of what takes long (storm_large.py), and (--sliced) of what goes on in slices (storm_sliced.py), each with an
end of some kind in the midst of it."""
import argparse
import os
import random
import re
import ssl
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../wire"), HERE]

import patience  # noqa: E402
import resp  # noqa: E402
import server as srv  # noqa: E402
import storm_large as large  # noqa: E402
import storm_rules as rules  # noqa: E402
import storm_sliced as sliced  # noqa: E402
from grammar import Grammar  # noqa: E402
from test_differential import GRAMMAR  # noqa: E402

# A storm has one end, and something to be about; storm_rules.py has some of these, less often.
LEFT_OUT = re.compile(r"(?m)^.*(SHUTDOWN|MIGRATE|FAILOVER|CLIENT REPLY|SET-ACTIVE-EXPIRE|CONFIG.*RE|DEBUG SLEEP|FLUSHALL|FLUSHDB|SWAPDB|SUBSCRIBE).*$")
N_CLIENTS = 8
BACK = [("maxmemory", "0"), ("maxmemory-policy", "noeviction"), ("maxmemory-clients", "0"), ("appendonly", "yes"), ("appendfsync", "always"),
        ("timeout", "0"), ("client-query-buffer-limit", "1gb"), ("user-limits", ""),
        ("client-output-buffer-limit", "normal 0 0 0 pubsub 32mb 8mb 60")]


class Storm(sliced.SlicedPools, Grammar):
    pass


class Client:
    """Sends, reads whatever comes, and connects anew when it is closed or has been waiting for too long."""

    def __init__(self, server, grammar):
        self.server, self.grammar, self.rng = server, grammar, grammar.rng
        self.sent = []  # of this connection, for who looks for what went wrong
        self.connect()

    def connect(self):
        self.sock = self.server.connect_socket()
        self.unanswered = 0
        self.patience = self.rng.choice(self.grammar.patience)
        self.grammar.newest += 1

    def step(self, n):
        """Send n commands, unless those before them are not answered yet."""
        if self.unanswered > 0:
            self.unanswered += 1
            if self.unanswered > self.patience:
                self.again()
        else:
            self.say(n)
        self.take()

    def say(self, n):
        batch = [self.grammar.command() for _ in range(n)]
        self.sent = (self.sent + batch)[-200:]
        data = b"".join(resp.encode(b) for b in batch)
        r = self.rng.random()
        if r < 0.005:
            data = data[:self.rng.randrange(len(data))]
        elif r < 0.007:
            data += b"*3\r\n$-5\r\n"
        self.unanswered = 1
        try:
            self.sock.settimeout(0.05 + len(data) / 1e7)
            self.sock.sendall(data)
        except OSError:
            self.again()
        if r > 0.99:
            self.again()

    def take(self):
        """What has come, after a moment in which it may."""
        try:
            self.sock.settimeout(0.002)
            while True:
                if not self.sock.recv(1 << 18):
                    raise ConnectionError
                self.unanswered = 0
                self.sock.settimeout(0)
        except (BlockingIOError, TimeoutError, ssl.SSLWantReadError):
            pass
        except OSError:
            self.again()

    def again(self):
        self.sock.close()
        self.connect()


def blow(s, grammar, commands, end=None):
    """Send so many commands; the clients are gone when this returns, and the server has done with them. Or end(s) while they are there."""
    rng = grammar.rng
    clients = [Client(s, grammar) for _ in range(N_CLIENTS)]
    try:
        while commands > 0:
            n = rng.randrange(1, grammar.most)
            c = rng.choice(clients)
            commands -= n if c.unanswered == 0 else 0
            c.step(n)
            assert s.proc.poll() is None
        if end is not None:
            end(s)
    except (AssertionError, OSError):
        print("last of each connection:", [[[w[:60] for w in command] for command in c.sent[-30:]] for c in clients])
        raise
    finally:
        for c in clients:
            c.sock.close()
    # Whoever waited or was paused goes, too.
    srv.wait_for(lambda: asked(s, lambda c: c("CLIENT", "UNPAUSE") == resp.OK and c("DEBUG", "ASIDE-PAUSE", "no") == resp.OK and
                               c.info("clients")["connected_clients"] == "1"))


def small_grammar(seed):
    g = Storm(LEFT_OUT.sub("", GRAMMAR) + rules.COMMANDS, random.Random(seed))
    g.most, g.patience = 24, [12]  # commands at once; turns that a client is left waiting for
    return g


def large_grammar(s, seed):
    g = Storm(rules.COMMANDS + large.COMMANDS, random.Random(seed))
    g.most, g.patience = 6, [12, 12, 300]
    g.vectors = large.vectors(s.conn())
    return g


def sliced_grammar(s, seed):
    g = Storm(sliced.COMMANDS, random.Random(seed))
    g.most, g.patience = 6, [12, 12, 300]
    g.dumps = sliced.payloads(s.conn())
    return g


def end_of(seed):
    """How it ends in the midst of everything."""
    def orderly(s):
        s.stop()
        s.start()

    def killed(s):
        s.restart(kill=True)

    def asked_to(*words):
        def end(s):
            asked(s, lambda c: c(*words))
            if words[0] == "SHUTDOWN":
                srv.wait_for(lambda: s.proc.poll() is not None)
                s.stop()
                s.start()
            srv.wait_for(lambda: asked(s, lambda c: c("PING") == resp.PONG))
        return end

    return random.Random(seed).choice([orderly, killed, asked_to("SHUTDOWN"), asked_to("SHUTDOWN", "NOSAVE", "FORCE"), asked_to("RESTART")])


def asked(s, what):
    """What it says over a connection of its own; None when that is not let in, or killed."""
    try:
        with srv.Conn(s.connect_socket()) as c:
            return what(c)
    except (OSError, EOFError, KeyError, AttributeError):
        return None


def calm(c):
    """Settings as they were, the log complete, and no key or field whose time comes soon."""
    for name, value in BACK:
        assert c("CONFIG", "SET", name, value) == resp.OK, name
    c("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    srv.wait_for(lambda: all(c.info("persistence")[name] == "0" for name in (
        "rdb_bgsave_in_progress", "aof_rewrite_in_progress", "aof_rewrite_scheduled")))
    srv.wait_for(lambda: c.info("persistence")["aof_enabled"] == "1")
    for db in range(16):
        c("SELECT", db)
        for key in c("KEYS", "*"):
            if c("TYPE", key) == resp.Simple("hash"):
                keep_fields(c, key)
            if 0 < c("PTTL", key) < 1000000:
                c("PERSIST", key)
    c("SELECT", 0)


def keep_fields(c, key):
    names = c("HKEYS", key)
    if isinstance(names, list) and names:
        c("HPERSIST", key, "FIELDS", len(names), *names)


def answers(c):
    """What there is, as far as it can be asked: of two servers with the same data the same."""
    out = {}
    for db in range(16):
        c("SELECT", db)
        for key in sorted(c("KEYS", "*")):
            out[db, key] = c("TYPE", key), c("DEBUG", "DIGEST-VALUE", key), c("PEXPIRETIME", key)
        out["keys of %d" % db] = c("DBSIZE")
    c("SELECT", 0)
    out.update(digest=c("DEBUG", "DIGEST"), libraries=c("FUNCTION", "LIST", "WITHCODE"))
    for name in sorted(c("FT._LIST")):
        got = c("FT.SEARCH", name, "*", "NOCONTENT", "LIMIT", 0, 100000)
        assert isinstance(got, list), (name, got)
        out[name] = [got[0]] + sorted(got[1:])
    return out


def compare(before, now, when):
    for name, value in before.items():
        assert now.get(name) == value, (when, name, value, now.get(name), sorted(set(now) - set(before), key=str))


def settled(c):
    """Wait for scans of indexes."""
    for name in c("FT._LIST"):
        srv.wait_for(lambda: dict(zip(*[iter(c("FT.INFO", name))] * 2))[b"indexing"] in (b"0", 0))


def prove(s):
    c = s.conn()
    calm(c)
    settled(c)
    assert c("DEBUG", "CHECK") == resp.OK, c("DEBUG", "CHECK")
    before = answers(c)
    for kill in (False, True):
        s.restart(kill=kill)
        c = s.conn()
        settled(c)
        compare(before, answers(c), "after kill -9" if kill else "after an end")
        assert c("DEBUG", "CHECK") == resp.OK, c("DEBUG", "CHECK")


def run(seed, commands, n_large=0, n_sliced=0, binary=None):
    s = srv.Server(binary=binary, enable_debug_command="yes", appendonly="yes", appendfsync="everysec",
                   namespace=["K* archive expire,delete,overwrite recall read", "L* maxlen 20 archive trim recall read",
                              "B1 archive expire,delete,overwrite"])
    try:
        if commands > 0:
            blow(s, small_grammar(seed), commands)
            prove(s)
        for n, make in ((n_large, large_grammar), (n_sliced, sliced_grammar)):
            if n > 0:
                grammar = make(s, seed)
                blow(s, grammar, n // 2, end_of(seed))
                blow(s, grammar, n // 2)
                prove(s)
        s.stop()
    except BaseException:
        print("seed %d; its log ends with:\n%s" % (seed, s.log()[-8000:]))
        raise
    finally:
        s.destroy()


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--seeds", type=int, default=10)
    a.add_argument("--commands", type=int, default=30000)
    a.add_argument("--large", type=int, default=3000)
    a.add_argument("--sliced", type=int, default=3000)
    a.add_argument("--bin", default=srv.MEMD.path)
    o = a.parse_args()
    patience.PATIENCE = max(patience.PATIENCE, 60)
    for seed in range(o.seed, o.seed + o.seeds):
        run(seed, o.commands, o.large, o.sliced, o.bin)
        print("seed %d: %d, %d and %d commands, all is right" % (seed, o.commands, o.large, o.sliced), flush=True)


if __name__ == "__main__":
    main()
