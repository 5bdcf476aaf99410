"""The same random commands to memd and to stock redis-server: the same replies, the same final state.

Replies are compared byte for byte after decoding; what Redis itself leaves open (the order of sets,
random picks, the millisecond at which a relative TTL was read) is normalised by `normal`, and what is
known to differ between the stock version here and 7.2, which memd follows, stands in DIFFERENCES.

    MEMD_DIFF_COMMANDS  commands a session (default 30000)
    MEMD_DIFF_SEED      the seed (default fixed; 0: from the clock). A failure prints it."""
import os
import pathlib
import random
import re
import time

import pytest

import resp
import server as srv
from grammar import Grammar
from resp import Err, Map, Set

COMMANDS = int(os.environ.get("MEMD_DIFF_COMMANDS", "30000"))
SEED = int(os.environ.get("MEMD_DIFF_SEED", "20240607"))
BATCH = 60

# One file a family of commands.
GRAMMAR = "\n".join(f.read_text() for f in sorted((pathlib.Path(__file__).parent / "grammar").glob("*.txt")))

# Never mutated. Of those that take a time: a random small number there would expire a key while the
# test looks on.
FIXED = {b"SET", b"GETEX", b"SETEX", b"PSETEX", b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT", b"BLPOP",
         b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP",
         b"ZRANK", b"ZREVRANK",  # which take an argument more since 7.2
         b"XSETID", b"XREAD", b"XREADGROUP",  # a BLOCK 0 would wait for ever
         b"SPOP",  # without a count it picks at random
         b"PFADD", b"PFMERGE",  # whose keys are theirs alone
         b"COMMAND"}  # whose GETKEYS wants one argument more before 7.2
SORTED = {b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF", b"HKEYS", b"HVALS", b"KEYS", b"SPOP"}
RANDOM_PICKS = {b"ZRANDMEMBER", b"SRANDMEMBER", b"HRANDFIELD", b"RANDOMKEY"}
TTL_MS = {b"TTL": 1000, b"EXPIRETIME": 1000, b"PTTL": 1, b"PEXPIRETIME": 1}


class Near:
    """A time that two servers may read a moment apart."""

    def __init__(self, value, unit):
        self.value, self.slack = value, max(1, 5000 // unit)

    def __eq__(self, other):
        return isinstance(other, Near) and abs(self.value - other.value) <= self.slack

    def __repr__(self):
        return "about %d" % self.value


def sort_key(v):
    return repr(v)


def open_order(args):
    """Does SORT leave open where equals stand, or how a set lies?"""
    words = [a.upper() for a in args[2:]]
    by = [words[i + 1] for i in range(len(words) - 1) if words[i] == b"BY"]
    stores = any(w == b"STORE" and words[i - 1:i] != [b"BY"] for i, w in enumerate(words))
    return not stores and (any(b"*" not in w for w in by) or (b"ALPHA" in words and by))


STREAM_TIMES = {b"idle", b"inactive", b"seen-time", b"active-time"}


def as_map(v):
    """A map of names, in RESP2 a flat list of them and values."""
    pairs = list(v) if isinstance(v, Map) else list(zip(v[::2], v[1::2]))
    return {name: value for name, value in pairs}


def stream_normal(args, reply):
    """Without times and the consumers that have nothing: 7.2 makes those that find nothing to read, too."""
    sub = args[1].upper() if len(args) > 1 else b""
    name = args[0].upper()
    if name == b"XPENDING" and len(args) > 3:
        return [p[:2] + [Near(p[2], 1)] + p[3:] for p in reply]
    if name == b"XGROUP" and sub == b"CREATECONSUMER":
        return "made or there"
    if name == b"XINFO" and sub == b"CONSUMERS":
        return [{k: v for k, v in as_map(c).items() if k not in STREAM_TIMES} for c in reply if as_map(c)[b"pending"]]
    if name == b"XINFO" and sub == b"GROUPS":
        return [{**as_map(g), b"consumers": 0} for g in reply]
    if name == b"XINFO" and sub == b"STREAM" and len(args) > 3:
        full = as_map(reply)
        full[b"groups"] = [group_normal(as_map(g)) for g in full[b"groups"]]
        return full
    return reply


def group_normal(g):
    def consumer(c):
        c = {k: v for k, v in as_map(c).items() if k not in STREAM_TIMES}
        c[b"pending"] = [[p[0], Near(p[1], 1), p[2]] for p in c[b"pending"]]
        return c
    g[b"pending"] = [[p[0], p[1], Near(p[2], 1), p[3]] for p in g[b"pending"]]
    g[b"consumers"] = [consumer(c) for c in g[b"consumers"] if as_map(c)[b"pel-count"]]
    return g


def normal(args, reply):
    """The reply without what Redis leaves open."""
    name = args[0].upper() if args else b""
    if isinstance(reply, Err) or reply is None or reply is resp.NIL_ARRAY:
        return reply
    if name in SORTED and isinstance(reply, list):
        return [type(reply).__name__] + sorted(reply, key=sort_key)
    if name == b"HGETALL":
        pairs = list(reply) if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
        return [type(reply).__name__] + sorted(pairs, key=sort_key)
    if name in (b"SORT", b"SORT_RO") and isinstance(reply, list) and open_order(args):
        return len(reply) if any(a.upper() == b"LIMIT" for a in args) else sorted(reply, key=sort_key)
    if name in (b"SCAN", b"SSCAN", b"HSCAN", b"ZSCAN") and isinstance(reply, list):
        items = reply[1]
        if name in (b"HSCAN", b"ZSCAN"):
            items = list(zip(items[::2], items[1::2]))
        return [reply[0], sorted(items, key=sort_key)]
    if name in (b"XPENDING", b"XINFO", b"XGROUP") and reply != resp.QUEUED:
        return stream_normal(args, reply)
    if name in RANDOM_PICKS:
        return ["%d picks" % len(reply)] if isinstance(reply, list) else "one pick"
    if name in TTL_MS and type(reply) is int and reply >= 0:
        return Near(reply, TTL_MS[name])
    if name == b"OBJECT" and args[1:2] and args[1].upper() == b"IDLETIME":
        return "idle"
    return reply


def refcount(args, ref, got):
    return [a.upper() for a in args[:2]] == [b"OBJECT", b"REFCOUNT"] and type(ref) is int and type(got) is int


def encoding_names(args, ref, got):
    return [a.upper() for a in args[:2]] == [b"OBJECT", b"ENCODING"] and (
        (ref == b"quicklist" and got == b"listpack") or (ref == b"hashtable" and got == b"listpack"))


def lowest_rank(args, ref, got):
    return args[0].upper() == b"LPOS" and b"-9223372036854775808" in args and isinstance(got, Err) and \
        got.startswith("ERR value is out of range, value must between")


def number(v):
    try:
        return float(v)
    except (TypeError, ValueError):
        return None


def same_numbers(ref, got):
    """Equal but for the text of numbers that are equal, at any depth."""
    if isinstance(ref, (list, tuple)) and type(ref) is type(got):
        return len(ref) == len(got) and all(same_numbers(a, b) for a, b in zip(ref, got))
    return ref == got or (type(ref) is type(got) and number(ref) is not None and number(ref) == number(got))


def shortest_scores(args, ref, got):
    return args[0].upper().lstrip(b"B").startswith(b"Z") and same_numbers(normal(args, ref), normal(args, got))


def sorted_by_sort(args, ref, got):
    return [a.upper() for a in args[:2]] == [b"OBJECT", b"ENCODING"] and (ref, got) == (b"skiplist", b"listpack")


def unbalanced(args, ref, got):
    return isinstance(ref, Err) and ref.startswith("ERR Unbalanced ") and isinstance(got, Err) and \
        got.startswith("ERR Unbalanced '")


def reads_the_top(args, ref, got):
    return args[0].upper() in (b"XREAD", b"XREADGROUP") and b"+" in args and isinstance(ref, Err)


# (reason, applies). Each lists only what was seen to differ between stock 7.0.15 and stock 7.2.4.
DIFFERENCES = [
    ("which objects stock servers share depends on how they came about",
     refcount),
    ("7.2 keeps small lists and small sets of text as listpacks, and says so", encoding_names),
    ("7.2 writes a double in the shortest form that reads back as it", shortest_scores),
    ("stock servers give a sorted set its large form when SORT reads it: memd leaves it as it is", sorted_by_sort),
    ("7.2 names the command whose streams are unbalanced in another way", unbalanced),
    ("7.4 knows XREAD's +", reads_the_top),
    ("7.2 refuses the one rank whose opposite is no number", lowest_rank),
]


def same(args, ref, got):
    if normal(args, ref) == normal(args, got):
        return True
    return any(applies(args, ref, got) for _, applies in DIFFERENCES)


class Duel:
    """One connection to each server, and what was said so far."""

    def __init__(self, ref, own, seed, resp3):
        self.ref, self.own = ref.conn(resp3), own.conn(resp3)
        self.seed, self.resp3 = seed, resp3
        self.log = []
        self.queue = None
        self.n_compared = 0

    def run(self, batch):
        data = b"".join(resp.encode(c) for c in batch)
        self.ref.send_raw(data)
        self.own.send_raw(data)
        for args in batch:
            ref = self.ref.read()
            try:
                got = self.own.read()
            except (EOFError, OSError, ValueError) as e:
                raise AssertionError(self.story(args, ref, e))
            self.log.append((args, ref))
            self.compare(args, ref, got)

    def compare(self, args, ref, got):
        self.n_compared += 1
        name = args[0].upper()
        if name == b"EXEC" and self.queue is not None and isinstance(ref, list) and isinstance(got, list):
            if len(ref) != len(got) or len(ref) != len(self.queue):
                raise AssertionError(self.story(args, ref, got))
            for a, r, g in zip(self.queue, ref, got):
                if not same(a, r, g):
                    raise AssertionError(self.story(a, r, g))
        elif not same(args, ref, got):
            raise AssertionError(self.story(args, ref, got))
        if name == b"MULTI" and not isinstance(ref, Err):
            self.queue = []
        elif name in (b"EXEC", b"DISCARD"):
            self.queue = None if not isinstance(ref, Err) or "EXECABORT" in ref else self.queue
        elif ref == resp.QUEUED:
            self.queue.append(args)

    def story(self, args, ref, got):
        keys = {a for a in args[1:] if re.fullmatch(rb"[KLHSZYPGTX]\d", a)}
        told = [(a, r) for a, r in self.log if keys & set(a) or a[0].upper() in (
            b"MULTI", b"EXEC", b"DISCARD", b"SELECT", b"SWAPDB", b"FLUSHDB")][-40:]
        lines = ["seed %d, %s, after %d commands" % (self.seed, "RESP3" if self.resp3 else "RESP2", len(self.log))]
        lines += ["  %s  ->  %.120r" % (" ".join(repr(x)[1:][:60] for x in a), r) for a, r in told]
        lines += ["command    %r" % args, "reference  %r" % (ref,), "memd       %r" % (got,)]
        return "\n".join(lines)

    def finish(self):
        """Leave any transaction, then compare what all keys hold."""
        self.run([[b"DISCARD"], [b"UNWATCH"]])
        for db in range(3):
            self.run([[b"SELECT", b"%d" % db], [b"DBSIZE"], [b"KEYS", b"*"]])
            for key in sorted(self.ref("KEYS", "*")):
                kind = self.ref("TYPE", key)
                read = {"string": [b"GET", key], "list": [b"LRANGE", key, b"0", b"-1"],
                        "set": [b"SMEMBERS", key], "hash": [b"HGETALL", key],
                        "zset": [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"],
                        "stream": [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]}[str(kind)]
                size = {"string": b"STRLEN", "list": b"LLEN", "set": b"SCARD", "hash": b"HLEN",
                        "zset": b"ZCARD", "stream": b"XLEN"}[str(kind)]
                self.run([[b"TYPE", key], read, [size, key], [b"PEXPIRETIME", key], [b"OBJECT", b"ENCODING", key]])


def mutate(rng, args):
    """Now and then a wrong number of arguments or a strange one."""
    if rng.random() > 0.04 or args[0] in FIXED or args[1:2] and args[1][:1] == b"Y":
        return args
    args = list(args)
    r = rng.random()
    if r < 0.3 and len(args) > 1:
        del args[rng.randrange(1, len(args))]
    elif r < 0.6:
        args.insert(rng.randrange(1, len(args) + 1), rng.choice([b"foo", b"", b"-1", b"\xff", b"K0"]))
    elif r < 0.8 and len(args) > 1:
        args[rng.randrange(1, len(args))] = rng.choice([b"", b"foo", b"9223372036854775808", b"\r\n"])
    else:
        args[0] = args[0].lower() if rng.random() < 0.7 else args[0].title()
    return args


@pytest.fixture(scope="module")
def pair():
    if not os.access(srv.REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here")
    settings = {"enable_debug_command": "yes", "hash_max_listpack_entries": 8, "set_max_intset_entries": 16, "zset_max_listpack_entries": 16,
                "hz": 500}
    ref = srv.Server(binary=srv.REDIS_PATH, **settings)
    own = srv.Server(**settings)
    yield ref, own
    ref.destroy()
    try:
        own.stop()
    finally:
        own.destroy()


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
def test_random_commands_have_the_same_replies_and_leave_the_same_data(pair, resp3):
    seed = (SEED or int(time.time())) + resp3
    print("seed", seed)
    rng = random.Random(seed)
    grammar = Grammar(GRAMMAR, rng)
    ref, own = pair
    for s in pair:
        with srv.Conn(s.connect_socket()) as c:
            c("FLUSHALL", "SYNC")
    duel = Duel(ref, own, seed, resp3)
    while duel.n_compared < COMMANDS:
        duel.run([mutate(rng, grammar.command()) for _ in range(BATCH)])
        if rng.random() < 0.005:
            duel.finish()
            if rng.random() < 0.3:
                duel.run([[b"FLUSHALL"]])
    duel.finish()
    print(duel.n_compared, "replies compared")


def test_the_sets_are_compared_as_sets():
    """The comparison itself: order is forgiven where it is open, and nowhere else."""
    assert same([b"SMEMBERS", b"s"], [b"a", b"b"], [b"b", b"a"])
    assert not same([b"SMEMBERS", b"s"], [b"a", b"b"], Set([b"b", b"a"]))
    assert not same([b"LRANGE", b"l", b"0", b"-1"], [b"a", b"b"], [b"b", b"a"])
    assert not same([b"GET", b"k"], None, resp.NIL_ARRAY)
    assert not same([b"GET", b"k"], b"OK", resp.OK)
    assert same([b"PTTL", b"k"], 100000, 99999) and not same([b"PTTL", b"k"], 100000, -1)
