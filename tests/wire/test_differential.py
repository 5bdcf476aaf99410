"""The same random commands to memd and to stock redis-server: the same replies, the same final state.

Replies are compared byte for byte after decoding; what Redis itself leaves open (the order of sets,
random picks, the millisecond at which a relative TTL was read) is normalised by `normal`, and what is
known to differ stands in DIFFERENCES: between the stock version and 7.2, which memd follows, or by decision.

    MEMD_DIFF_COMMANDS   commands a protocol (default 60000: 120,000 in all). The long form:
                         make differential COMMANDS=3000000 SEED=0
    MEMD_DIFF_SEED       the seed (default fixed; 0: from the clock). It is printed.
    MEMD_DIFF_REFERENCE  the stock server to compare with (default REDIS_BIN, or the one in the path). What
                         7.2 does otherwise than 7.0 is excused with a 7.0 alone."""
import os
import pathlib
import random
import re
import time

import pytest

import grammar_scripts as scripts
import resp
import server as srv
from grammar import Grammar
from resp import Err, Map, Set

COMMANDS = int(os.environ.get("MEMD_DIFF_COMMANDS", "60000"))
SEED = int(os.environ.get("MEMD_DIFF_SEED", "20240607"))
REFERENCE = srv.Binary(os.environ.get("MEMD_DIFF_REFERENCE") or srv.REDIS_PATH)
BATCH = 60

# One file a family of commands.
GRAMMAR = "\n".join(f.read_text() for f in sorted((pathlib.Path(__file__).parent / "grammar").glob("*.txt")))

# Of what comes unasked: subscriptions, invalidations. "b" is done by another connection.
SESSIONS = (pathlib.Path(__file__).parent / "grammar" / "sessions" / "push.txt").read_text()

# Never mutated. Of those that take a time: a random small number there would expire a key while the
# test looks on.
FIXED = {b"SET", b"GETEX", b"SETEX", b"PSETEX", b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT", b"BLPOP",
         b"BRPOP", b"BLMOVE", b"BRPOPLPUSH", b"BLMPOP", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP",
         b"ZRANK", b"ZREVRANK",  # which take an argument more since 7.2
         b"XSETID", b"XREAD", b"XREADGROUP",  # a BLOCK 0 would wait for ever
         b"SPOP",  # without a count it picks at random
         b"PFADD", b"PFMERGE",  # whose keys are theirs alone
         b"SHUTDOWN", b"REPLICAOF", b"SLAVEOF", b"SCRIPT", b"FAILOVER", b"CLIENT", b"CONFIG", b"DEBUG", b"WAIT", b"WAITAOF",
         b"MIGRATE", b"HELLO", b"RESTORE",  # which might stop a server, or make it wait
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
        return reply if not all(type(p) is list for p in reply) else [p[:2] + [Near(p[2], 1)] + p[3:] for p in reply]
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


# Subcommands that tell of the server, in its own words or numbers: the kind of the reply alone is compared.
OWN_WORDS = {b"CLIENT INFO", b"CLIENT LIST", b"CLIENT ID", b"ACL GENPASS", b"LATENCY DOCTOR", b"MEMORY DOCTOR", b"MEMORY STATS",
             b"MEMORY USAGE", b"DEBUG OBJECT", b"DEBUG HTSTATS-KEY", b"DEBUG LISTPACK", b"DEBUG QUICKLIST",
             b"DEBUG SDSLEN", b"DEBUG DIGEST", b"DEBUG DIGEST-VALUE", b"DEBUG JMAP", b"DEBUG STRUCTSIZE", b"COMMAND COUNT", b"COMMAND DOCS", b"FUNCTION DUMP",
             b"LATENCY GRAPH", b"LATENCY HISTOGRAM", b"SLOWLOG LEN"}
OWN_WORDS_WHOLE = {b"INFO", b"LASTSAVE", b"TIME", b"LOLWUT", b"ROLE", b"DUMP", b"COMMAND"}


def inner(args):
    """Where the request begins that a script of grammar.ANYCOMMAND runs."""
    return 3 if args[0].upper() in (b"EVAL", b"EVAL_RO") and args[1:2] and args[1] in scripts.CALLS and args[2:3] == [b"0"] else 0


def plain(reply):
    """As a script turns it round: what is a map or a set in RESP3 is a list."""
    return list(reply) if isinstance(reply, list) else reply


def server_normal(name, sub, args, reply):
    """Of what a server tells about itself: without its own words, addresses and times."""
    both = name + b" " + sub
    if sub == b"HELP" or both in OWN_WORDS or name in OWN_WORDS_WHOLE and (name != b"COMMAND" or len(args) == 1):
        return type(reply).__name__
    if both == b"MEMORY MALLOC-STATS":
        return "what the allocator says"
    if name == b"HELLO":
        return {k: v for k, v in as_map(reply).items() if k not in (b"version", b"id", b"modules")}
    if both == b"CONFIG GET":
        return [type(reply).__name__, as_map(reply)]
    if both == b"SLOWLOG GET":
        return [[type(e).__name__, [type(x).__name__ for x in e]] for e in reply[:3]]
    if both in (b"ACL CAT", b"ACL USERS", b"ACL LIST", b"COMMAND LIST"):
        return sorted((v for v in reply if not newer(v)), key=sort_key)
    if both == b"ACL LOG":
        return type(reply).__name__
    if both == b"FUNCTION LIST":
        return sorted((sorted_pairs(e) for e in reply), key=sort_key)
    if both == b"FUNCTION STATS":
        return type(reply).__name__
    if both == b"COMMAND INFO":
        return [row and [row[0], row[1], sorted(row[2], key=sort_key)] + row[3:6] + [sorted(row[6], key=sort_key)] for row in reply]
    return reply


def sorted_pairs(e):
    out = as_map(e)
    if b"functions" in out:
        out[b"functions"] = sorted((sorted_pairs(f) for f in out[b"functions"]), key=sort_key)
    if b"flags" in out:
        out[b"flags"] = sorted(out[b"flags"], key=sort_key)
    return out


def newer(name):
    """A name of COMMAND LIST that the reference cannot know."""
    return name in (b"archive", b"json", b"search") or name.upper().decode() in LEFT_OUT or name.upper().split(b"|")[0].decode() in LEFT_OUT or name.lower().startswith((b"debug|", b"ft."))


def normal(args, reply):
    """The reply without what Redis leaves open."""
    name = args[0].upper() if args else b""
    if isinstance(reply, Err) or reply is None or reply is resp.NIL_ARRAY or reply == resp.QUEUED:
        return reply
    if inner(args):
        args, reply = args[inner(args):], plain(reply)
        name = args[0].upper() if args else b""
    reply = server_normal(name, args[1].upper() if len(args) > 1 else b"", args, reply)
    if reply is None or not isinstance(reply, (list, int, bytes, str)):
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


def of_7_2(args, ref, got):
    """What 7.0 does not know."""
    return isinstance(ref, Err) and re.match("ERR (unknown (sub)?command|Unknown (sub)?command)", ref) is not None


def scanned_scores(args, ref, got):
    return args[0].upper() == b"ZSCAN" and same_numbers(normal(args, ref), normal(args, got))


def sign_of_zero(args, ref, got):
    return re.sub(r"(?<=')-0(?=')", "0", repr(normal(args, ref))) == re.sub(r"(?<=')-0(?=')", "0", repr(normal(args, got)))


def debug_rows(args, ref, got):
    if [a.upper() for a in args[:2]] in ([b"DEBUG", b"LISTPACK"], [b"DEBUG", b"QUICKLIST"]) and "NOPERM" not in str(ref):
        return "ncoded object" in str(ref) or "ncoded object" in str(got)
    if args[0].upper() == b"DEBUG" and "not allowed from script" in str(ref):
        return isinstance(got, Err)
    return "'debug'" in str(ref) and "'debug|" in str(got)


def denied(args, ref, got):
    return isinstance(ref, Err) and isinstance(got, Err) and "NOPERM" in ref and "NOPERM" in got


def script_errors(args, ref, got):
    """LuaJIT's words where a script's own fault, not a command, is told: which function, which line."""
    if not (isinstance(ref, Err) and isinstance(got, Err) and ("script" in got or "function" in got)):
        return False
    if ("attempt to" in ref and "attempt to" in got) or ("ACL failure" in ref and "read-only scripts" in got):
        return True
    a, b = (re.sub(r"(user_(script|function):)\d+: |to '[^']*'|@user_(script|function):\d+", "", t) for t in (ref, got))
    return a == b


def users_of_7_0(args, ref, got):
    return args[0].upper() == b"ACL" and args[1].upper() in (b"LIST", b"GETUSER", b"DRYRUN")


def scripts_of_7_0(args, ref, got):
    """What a script may not call is told before or after other faults."""
    return isinstance(ref, Err) and isinstance(got, Err) and (
        args[0].upper() in (b"EVAL", b"EVAL_RO") or
        ref.startswith(("ERR This Redis command is not allowed from script", "ERR The user executing the script")))


def numbers_in_scripts(args, ref, got):
    return args[0].upper() in (b"EVAL", b"EVAL_RO", b"ECHO", b"FCALL") and same_numbers(ref, got)


def form_of_small_sets(args, ref, got):
    return [a.upper() for a in args[:2]] == [b"DEBUG", b"HTSTATS-KEY"] and isinstance(got, Err) and "using an hash table" in got


def stale_range_error(args, ref, got):
    return b"SORT" in args[0].upper() and ref == Err("ERR One or more scores can't be converted into double")


def trailing_space(args, ref, got):
    return isinstance(ref, Err) and isinstance(got, Err) and ref.rstrip() == got.rstrip()


def keys_that_lack(args, ref, got):
    """A second spec of keys with nothing in it hides those of the first."""
    return b"PFMERGE" in [a.upper() for a in args[:4]] and args[0].upper() in (b"COMMAND", b"ACL")


NEW_IN_7_2 = {b"WAITAOF", b"CLIENT SETINFO", b"CLIENT NO-TOUCH", b"CLUSTER MYSHARDID"}


def key_and_keys(args, ref, got):
    return [a.upper() for a in args[:3]] in ([b"COMMAND", b"GETKEYS", b"MIGRATE"], [b"COMMAND", b"GETKEYSANDFLAGS", b"MIGRATE"]) \
        and isinstance(ref, Err)


def last_of_two_stores(args, ref, got):
    words = [a.upper() for a in args]
    return words[0] == b"COMMAND" and words[2:3] in ([b"GEORADIUS"], [b"GEORADIUSBYMEMBER"]) and isinstance(got, list) and \
        max(words.count(b"STORE"), words.count(b"STOREDIST")) > 1 and normal(args, ref) == normal(args, got[:-1])


def format_up_to_nul(args, ref, got):
    return b"string.format" in b"".join(args[1:2]) and isinstance(ref, bytes) and isinstance(got, bytes) and b"\0" in got and \
        ref.startswith(got.split(b"\0")[0])


def name_before_error(args, ref, got):
    """The name that an earlier HELLO gave before it failed."""
    return [a.upper() for a in args[:2]] == [b"CLIENT", b"GETNAME"] and got is None


def known(args, version):
    """What both servers understand. 7.0 refuses some with errors of its own, in a transaction at once."""
    words = [a.upper() for a in args]
    if version >= (7, 2) and b"LSET" in words and any(re.fullmatch(rb"-?\d{10,}", a) for a in args):
        return False  # in a small list 7.2 takes the index modulo 2^32
    pairs = [b" ".join(p) for p in zip(words, words[1:])]
    if words[:1] and words[0][:4] in (b"EVAL", b"FCAL") and any(b"\n" in a for a in args[2:]):
        return False  # stock servers write some errors of scripts with the line ends in them
    if version < (7, 2) and words[:1] and words[0][:4] in (b"EVAL", b"ACL") and any(
            re.search(rb"\bB[LRZ](POP|MOVE|MPOP)|^ZRANK$|^ZREVRANK$|^WAIT$", a) for a in words[1:]):
        return False  # 7.2 lets scripts call what blocks
    if version < (7, 2) and words[:1] and words[0] in (b"AUTH", b"HELLO") and {b"ALICE", b"BOB", b"CAROL"} & set(words):
        return False  # who may do what when a rule was wrong
    return version >= (7, 2) or not (NEW_IN_7_2 & set(words + pairs) or pairs and pairs[-1][:7] == b"GETKEYS"
                                     or len(pairs) > 1 and pairs[-2][:15] == b"COMMAND GETKEYS")


def rows(args, ref, got):
    return [a.upper() for a in args[:2]] == [b"COMMAND", b"INFO"]


# (reason, the version of stock Redis from which on it is no excuse, applies). With a version, each lists
# only what was seen to differ between stock 7.0.15 and stock 7.2.4.
EVER = (999,)
DIFFERENCES = [
    ("which objects stock servers share depends on how they came about",
     EVER, refcount),
    ("7.2 keeps small lists and small sets of text as listpacks, and says so", (7, 2), encoding_names),
    ("7.2 writes a double in the shortest form that reads back as it", (7, 2), shortest_scores),
    ("stock servers give a sorted set its large form when SORT reads it: memd leaves it as it is", EVER, sorted_by_sort),
    ("7.2 names the command whose streams are unbalanced in another way", (7, 2), unbalanced),
    ("7.4 knows XREAD's +", EVER, reads_the_top),
    ("7.2 refuses the one rank whose opposite is no number", (7, 2), lowest_rank),
    ("commands and options of 7.2", (7, 2), of_7_2),
    ("7.2 names the user who may not", (7, 2), denied),
    ("ZSCAN writes scores as everything else does", EVER, scanned_scores),
    ("a score that is zero keeps its sign in one form of a stock sorted set, and not in the other", EVER, sign_of_zero),
    ("DEBUG's subcommands are rows of memd's table", EVER, debug_rows),
    ("a tail call hides the line and the name of a function in LuaJIT", EVER, script_errors),
    ("users of 7.2 keep their rules, and refusals name them", (7, 2), users_of_7_0),
    ("scripts of 7.0 have other words for some faults", (7, 2), scripts_of_7_0),
    ("7.2 makes 1e+8 of a script's 100000000, which INCR then refuses", EVER, numbers_in_scripts),
    ("where a stock server has a hash table memd may have a listpack, and says so", EVER, form_of_small_sets),
    ("a stock SORT may see that an earlier number was out of range", EVER, stale_range_error),
    ("line ends at the end of an error are cut in 7.2", (7, 2), trailing_space),
    ("a stock server finds no key at all in PFMERGE without sources", EVER, keys_that_lack),
    ("a stock server finds no key at all in MIGRATE with both a key and KEYS", EVER, key_and_keys),
    ("of several STORE a stock server names the first, and obeys the last", EVER, last_of_two_stores),
    ("%s of a stock server's Lua ends at a zero byte", EVER, format_up_to_nul),
    ("a HELLO of 7.0 that fails has set the name already", (7, 2), name_before_error),
    ("the rows of 7.2 have other flags and tips", (7, 2), rows),
]


def same(args, ref, got, version=(7, 2)):
    if normal(args, ref) == normal(args, got):
        return True
    args = args[inner(args):] or args
    return any(version < until and applies(args, ref, got) for _, until, applies in DIFFERENCES)


class Duel:
    """One connection to each server, and what was said so far."""

    def __init__(self, ref, own, seed, resp3):
        self.ref, self.own = ref.conn(resp3), own.conn(resp3)
        self.seed, self.resp3 = seed, resp3
        self.log = []
        self.queue = None
        self.n_compared = 0
        self.version = REFERENCE.version

    def run(self, batch):
        """Some commands at once. Those that may refuse a password go alone and in no transaction: 7.2 forgets
        that reply when another one waits to be sent."""
        at = 0
        for i, args in enumerate(batch):
            if args[0].upper() in (b"AUTH", b"HELLO"):
                self.run_at_once(batch[at:i])
                if self.queue is None:
                    self.run_at_once([args])
                at = i + 1
        self.run_at_once(batch[at:])

    def run_at_once(self, batch):
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
                if not same(a, r, g, self.version):
                    raise AssertionError(self.story(a, r, g))
        elif not same(args, ref, got, self.version):
            raise AssertionError(self.story(args, ref, got))
        if name == b"MULTI" and not isinstance(ref, Err):
            self.queue = []
        elif name in (b"EXEC", b"DISCARD"):
            self.queue = None if not isinstance(ref, Err) or "EXECABORT" in ref else self.queue
        elif name == b"RESET" and ref == resp.Simple("RESET"):
            self.queue = None
        elif ref == resp.QUEUED:
            self.queue.append(args)

    def reset(self):
        """The default user, no transaction and the protocol of this session, whatever was before."""
        self.run([[b"RESET"]] + [[b"HELLO", b"3"]] * self.resp3)

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
        self.reset()
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


def payloads(ref):
    """What DUMP gives for one value of each kind."""
    with srv.Conn(ref.connect_socket()) as c:
        for key, make in [("s", "SET s hello"), ("i", "SET i 12345"), ("z", "SET z " + 100 * "z"), ("l", "RPUSH l a 1 bb"), ("t", "SADD t 1 2 3"),
                          ("u", "SADD u a b"), ("h", "HSET h f1 v1 f2 2"), ("y", "ZADD y 1 a 2.5 b -3 c")]:
            c(*make.split())
        out = [c("DUMP", k) for k in "sizltuhy"]
        c("FLUSHALL")
    return out


# Commands of the table without a line in the grammar.
NOT_IN_7_2 = "7.2 does not have it"
OURS = "memd's own"
LEFT_OUT = {
    **{"ARCHIVE." + name: OURS for name in
       "DROP FLUSH GET HELP LIST MOVE PUT RECALL SEARCH SQL STATS VERSIONS".split()},
    **{"JSON." + name: "a stock server has no JSON: tests/wire/test_json.py" for name in
       "ARRAPPEND ARRINDEX ARRINSERT ARRLEN ARRPOP ARRTRIM CLEAR DEBUG DEL FORGET GET MERGE MGET MSET NUMINCRBY NUMMULTBY OBJKEYS "
       "OBJLEN RESP SET STRAPPEND STRLEN TOGGLE TYPE".split()},
    **{"V" + name: "a stock server has no vector sets: tests/wire/test_vset.py" for name in
       "ADD CARD DIM EMB GETATTR INFO ISMEMBER LINKS RANDMEMBER RANGE REM SETATTR SIM".split()},
    "MODULE LIST": "names what a stock server does not have",
    "AUDIT.VERIFY": OURS, "RESTART": OURS, "UNLINK.MATCH": OURS,
    **{"NAMESPACE" + name: OURS for name in ("", " SET", " GET", " DEL", " LIST", " STATS", " HELP")},
    **{name: NOT_IN_7_2 for name in
       "DELEX DELIFEQ HEXPIRE HEXPIREAT HEXPIRETIME HGETDEL HGETEX HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HSETEX HTTL".split()},
    "BGSAVE": "what it answers depends on whether another is under way",
    "BGREWRITEAOF": "what it answers depends on whether another is under way",
    "MONITOR": "has no end: tests/wire/test_server.py",
    "QUIT": "closes the connection: tests/wire/test_connection.py",
    "SCRIPT DEBUG": "answers otherwise in a pipeline: tests/wire/test_scripting.py",
    "PFSELFTEST": "takes seconds in a stock server",
    "SYNC": "is for a replica", "PSYNC": "is for a replica", "REPLCONF": "is for a replica",
}


def test_every_command_has_a_line_in_the_grammar_or_a_reason(pair):
    with srv.Conn(pair[1].connect_socket()) as c:
        names = {n.decode().upper().replace("|", " ") for n in c("COMMAND", "LIST")}
    there = Grammar(GRAMMAR, random.Random(1)).heads()
    sessions = Grammar(SESSIONS, random.Random(1)).heads()
    # DEBUG's stop the server, load files or are memd's own: tests/wire/test_debug.py has those without a line. A stock server
    # has no FT.*: tests/wire/test_ft_*.py.
    names = {n for n in names if not n.startswith(("DEBUG ", "FT."))}
    assert sorted(names - there - sessions - set(LEFT_OUT)) == []
    assert sorted(set(LEFT_OUT) & (there | sessions)) == []


# Which part of COMMANDS, appendonly, and more settings: as it comes, and where all that leaves memory is archived.
ARCHIVING = {"namespace": "* archive expire,evict,delete,overwrite,trim recall never", "archive_messages": "no"}
PARTS = {"plain": (1, "no", {}), "archive": (8, "yes", ARCHIVING)}


@pytest.fixture(scope="module", params=list(PARTS))
def pair(request):
    if not os.access(REFERENCE.path, os.X_OK):
        pytest.skip("no redis-server here")
    share, log, more = PARTS[request.param]
    settings = {"enable_debug_command": "yes", "hash_max_listpack_entries": 8, "set_max_intset_entries": 16, "zset_max_listpack_entries": 16,
                "hz": 500, "save": "", "appendonly": log, "slowlog_log_slower_than": -1}
    ref = srv.Server(binary=REFERENCE.path, **settings)
    own = srv.Server(**settings, **more)
    own.share, own.logs = share, log == "yes"
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
            c("FUNCTION", "FLUSH"), c("ACL", "DELUSER", "alice", "bob", "carol")
            for script in scripts.CACHED:
                c("SCRIPT", "LOAD", script)
    duel = Duel(ref, own, seed, resp3)
    grammar.payloads = payloads(ref)
    while duel.n_compared < COMMANDS // own.share:
        batch = [mutate(rng, grammar.command()) for _ in range(BATCH)]
        duel.run([args for args in batch if known(args, REFERENCE.version) and not (own.logs and b"appendonly" in args)])
        if rng.random() < 0.1 or any(args[0].upper() in (b"AUTH", b"HELLO", b"RESET") for args in batch):
            duel.reset()
        if rng.random() < 0.005:
            duel.finish()
            if rng.random() < 0.3:
                duel.run([[b"FLUSHALL"]])
    duel.finish()
    print(duel.n_compared, "replies compared")
    if own.logs:
        with srv.Conn(own.connect_socket()) as c:
            assert c("ARCHIVE.FLUSH") == resp.OK
            reasons = c("ARCHIVE.SQL", "select distinct reason from entries where reason <> 'expire' order by 1")
            assert as_map(reasons)[b"rows"] == [[b"delete"], [b"overwrite"], [b"trim"]], reasons


def test_the_sets_are_compared_as_sets():
    """The comparison itself: order is forgiven where it is open, and nowhere else."""
    assert same([b"SMEMBERS", b"s"], [b"a", b"b"], [b"b", b"a"])
    assert not same([b"SMEMBERS", b"s"], [b"a", b"b"], Set([b"b", b"a"]))
    assert not same([b"LRANGE", b"l", b"0", b"-1"], [b"a", b"b"], [b"b", b"a"])
    assert not same([b"GET", b"k"], None, resp.NIL_ARRAY)
    assert not same([b"GET", b"k"], b"OK", resp.OK)
    assert same([b"PTTL", b"k"], 100000, 99999) and not same([b"PTTL", b"k"], 100000, -1)


class Session:
    """What one connection is told while another one works: frames between marks, in the order in which they come."""

    def __init__(self, server, resp3):
        self.a, self.b = server.conn(resp3), server.conn()
        self.n_marks = 0

    def mark(self):
        """All that came to the first connection up to here."""
        self.n_marks += 1
        mark = b"mark %d" % self.n_marks
        self.a.send("PING", mark)
        out = []
        while True:
            got = self.a.read()
            if got == mark or isinstance(got, list) and got[-1:] == [mark]:
                return out
            out.append(got)

    def do(self, args):
        if args[0] == b"OTHER":
            told = self.b(*args[1:])
            return [told] + self.mark() + self.mark()
        self.a.send(*args)
        return self.mark() + self.mark()


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
def test_subscriptions_and_tracking_tell_the_same(pair, resp3):
    seed = (SEED or int(time.time())) + resp3
    print("seed", seed)
    rng = random.Random(seed)
    grammar = Grammar(SESSIONS, rng)
    for _ in range(max(20 // pair[1].share, COMMANDS // 2000 // pair[1].share)):
        ref, own = [Session(s, resp3) for s in pair]
        for s in (ref, own):
            s.b("FLUSHALL"), s.b("CONFIG", "SET", "notify-keyspace-events", "")
        log = []
        for _ in range(40):
            args = grammar.command()
            log.append(args)
            r, g = ref.do(args), own.do(args)
            assert session_normal(args, r) == session_normal(args, g), "seed %d\n%s" % (seed, "\n".join(map(repr, log)))
        for s in (ref, own):
            s.a.close(), s.b.close()


def session_normal(args, told):
    """Which of several channels is left first is open, and so is which of several patterns is served first,
    and the order of keys that one broadcast names."""
    if args[0] == b"HELLO":
        return [normal(args, t) if isinstance(t, list) and not isinstance(t, resp.Push) else t for t in told]
    if args[0] in (b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE", b"RESET"):
        return [t if not isinstance(t, list) else [type(t).__name__, t[0], t[2:]] for t in told]
    told = [resp.Push([t[0], sorted(t[1])]) if isinstance(t, resp.Push) and t[0] == b"invalidate" and t[1] else t for t in told]
    if b"PUBLISH" in args[:2]:
        return sorted(told, key=sort_key)
    return told
