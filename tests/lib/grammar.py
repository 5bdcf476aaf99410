"""Random commands from a grammar, one line a command:

    2x SET K V ( NX | XX | GET | EX ttl )*
    LPOS L V ( RANK int )? ( COUNT count )?

2x is a weight (else 1). Words in capitals of two letters or more are literal; the others name pools below. Alternatives stand in
parentheses; ? is at most one, * none to three, + one to three. ANYCOMMAND is a whole other command."""
import hashlib
import itertools
import re

import grammar_scripts as scripts

EDGE_INTS = [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"-9223372036854775809",
             b"18446744073709551615", b"2147483648", b"4294967296", b"99999999999999999999"]
# Of zero bytes one that others do not begin with: a stock SORT ALPHA compares up to it, and leaves open where equals stand.
NONSENSE = [b"", b"foo", b"1.5", b" 1", b"1 ", b"+1", b"01", b"0x10", b"1e3", b"nan", b"inf", b"-", b"\x01\x00", b"\xff\xfe\r\n"]
FLOATS = [b"1.5", b"-2.25", b"0.1", b"3.0e3", b"1e-7", b"100", b"-0", b"0.000001", b"12345678.875", b"5e10"]
VALUES = ([b"%d" % i for i in (0, 1, -1, 5, 10, 127, 128, -129, 255, 256, 4095, 4096, 32768, 65536, 1000000,
                               2147483647, -2147483649)] + FLOATS + NONSENSE + EDGE_INTS +
          [b"a", b"b", b"c", b"abc", b"hello", b"x" * 63, b"y" * 64, b"z" * 65, b"w" * 200, b"a\r\nb", b"q" * 3000,
           "\u00e9\u4e2d".encode()])
# Absolute times are far off and relative ones all differ, so that the moment at which a server reads a
# command never decides what it answers.
FAR_MS = [33177117420123, 4102444800000, 253402300800000, 99999999999999]
# A PXAT in the past leaves a key that counts in DBSIZE until the server happens to remove it, and one
# beyond 2^48 ms has no exact form in memd: neither is here.
BAD_TIMES = [b"0", b"-1", b"foo", b"", b"1.5", b"9223372036854775808", b"-9223372036854775808", b"99999999999999999999"]

NOT_WITHIN = {"AUTH", "HELLO", "RESET", "SHUTDOWN"}
# Settings and values that change nothing which the other commands answer by.
SETTINGS = [(b"maxmemory-samples", [b"5", b"3", b"0"]), (b"lazyfree-lazy-expire", [b"yes", b"no", b"YES", b"1"]),
            (b"slowlog-max-len", [b"128", b"128", b"64"]), (b"latency-monitor-threshold", [b"0"]), (b"active-expire-effort", [b"1", b"10", b"11"]),
            (b"notify-keyspace-events", [b"", b"KEA", b"AKE", b"gxE", b"Kxm", b"n", b"?"]), (b"timeout", [b"0"]), (b"tcp-keepalive", [b"300", b"60"]),
            (b"maxmemory", [b"0", b"foo", b"1zb"]),
            (b"busy-reply-threshold", [b"5000"]), (b"stream-node-max-entries", [b"100"]), (b"appendonly", [b"no", b"foo"]),
            (b"save", [b"", b"900 1", b"900 1 300 10", b"900", b"x y"]), (b"client-output-buffer-limit", [b"normal 0 0 0", b"pubsub 32mb 8mb 60", b"x 1 2 3"]),
            (b"databases", [b"16"]), (b"daemonize", [b"yes"]), (b"lfu-decay-time", [b"1", b"2"]), (b"proto-max-bulk-len", [b"512mb", b"1"]),
            (b"maxclients", [b"10000", b"0"]), (b"acllog-max-len", [b"128"]), (b"tracking-table-max-keys", [b"1000000"])]


class Grammar:
    def __init__(self, lines, rng):
        self.rng = rng
        self.n_ttl = self.n_ids = 0
        self.rules, self.weights = [], []
        for line in lines.strip().split("\n"):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            m = re.match(r"(?:([\d.]+)x )?(.*)", line)
            tree, rest = self._parse(m.group(2).split())
            assert not rest, line
            self.rules.append(tree)
            self.weights.append(float(m.group(1) or 1))
        self.names = sorted(w for w in {t[1][0][0] for t in self.rules if isinstance(t[1][0][0], str)} if w.isupper())
        self.cumulative = list(itertools.accumulate(self.weights))

    # ("seq", items) ("alt", seqs, suffix) "word"
    def _parse(self, tokens, inside=False):
        alts, seq = [], []
        while tokens:
            t, tokens = tokens[0], tokens[1:]
            if t == "(":
                sub, tokens = self._parse(tokens, True)
                seq.append(sub)
            elif t == "|":
                alts.append(seq)
                seq = []
            elif inside and t[0] == ")":
                return ("alt", alts + [seq], t[1:]), tokens
            else:
                seq.append(t)
        return ("alt", alts + [seq], ""), tokens

    def _expand(self, tree, out):
        if isinstance(tree, str):
            pool = getattr(self, "_" + tree, None)
            got = pool() if pool else tree.encode()
            out.extend(got if isinstance(got, list) else [got])
            return
        _, alts, suffix = tree
        n = {"": 1, "?": self.rng.randrange(2), "*": self.rng.choice([0, 0, 1, 1, 2, 3]),
             "+": self.rng.choice([1, 1, 2, 3])}[suffix]
        for _ in range(n):
            for item in self.rng.choice(alts):
                self._expand(item, out)

    def command(self):
        out = []
        self._expand(self.rng.choices(self.rules, cum_weights=self.cumulative)[0], out)
        return out

    def heads(self):
        """The names of commands there are lines for, those of subcommands as "CONFIG SET"."""
        def words(tree):
            if isinstance(tree, str):
                return [tree]
            return [w for seq in tree[1] if seq for w in words(seq[0])]
        out = set()
        for tree in self.rules:
            items = tree[1][0]
            for first in words(items[0]):
                out.add(first)
                if len(items) > 1:
                    out.update(first + " " + w for w in words(items[1]))
        return out

    # --- pools ------------------------------------------------------------------------------------

    def _key(self, kind):
        """Mostly a key that holds what the command wants."""
        kind = kind if self.rng.random() < 0.93 else self.rng.choice("KLHS" if kind == "Y" else "KLHSZTX")
        return b"%s%d" % (kind.encode(), self.rng.randrange(5))

    def _K(self):
        return self._key("K")

    def _L(self):
        return self._key("L")

    def _H(self):
        return self._key("H")

    def _S(self):
        return self._key("S")

    def _P(self):
        """Only what PFADD has made: of bytes that were written into one the servers change, or leave
        alone, different parts."""
        return b"P%d" % self.rng.randrange(5)

    def _hllelem(self):
        return b"%d" % self.rng.randrange(10**self.rng.randrange(1, 6)) if self.rng.random() < 0.9 else self.rng.choice(VALUES)

    def _G(self):
        return b"G%d" % self.rng.randrange(5)

    def _lon(self):
        r = self.rng.random()
        if r < 0.9:
            return b"%.*f" % (self.rng.randrange(1, 9), self.rng.choice([13.4, 13.4, 13.4, 179.5, -179.5]) + self.rng.uniform(-1, 1))
        return self.rng.choice([b"180", b"-180", b"180.5", b"0", b"-0", b"foo", b"nan", b"inf", b"", b"1e300", b"13.361389"])

    def _lat(self):
        """Hardly ever the same place twice: stock servers leave open which of equally distant ones is first."""
        r = self.rng.random()
        if r < 0.95:
            return b"%.*f" % (self.rng.randrange(5, 9), self.rng.choice([52.5, 52.5, 52.5, 52.5, 82, -82]) + self.rng.uniform(-1, 1))
        return self.rng.choice([b"85.05112878", b"-85.05112878"] if r < 0.96 else [b"86", b"foo", b"-inf", b""])

    def _place(self):
        return b"p%d" % self.rng.randrange(40) if self.rng.random() < 0.97 else b"none"

    def _dist(self):
        r = self.rng.random()
        if r < 0.8:
            return b"%d" % self.rng.choice([0, 1, 50, 100, 200, 400, 1000, 5000])
        return self.rng.choice([b"0.5", b"100000", b"1e9", b"inf", b"-1", b"foo", b"nan", b"123.456", b"20000000"])

    def _unit(self):
        return self.rng.choice([b"km"] * 6 + [b"m", b"mi", b"ft", b"KM", b"foo"])

    def _Z(self):
        return self._key("Z")

    def _Y(self):
        return self._key("Y")

    def _zs(self):
        """What sets of sorted sets are made of."""
        return self._key(self.rng.choice("ZZZSY"))

    def _T(self):
        return self._key("T")

    def _newid(self):
        """Mostly above those before it."""
        r = self.rng.random()
        self.n_ids += self.rng.randrange(2)
        if r < 0.5:
            return b"%d-*" % (self.n_ids // 4)
        if r < 0.93:
            return b"%d-%d" % (self.n_ids // 4, self.n_ids)
        return self._xid()

    def _xid(self):
        """Mostly one of the latest, or near it."""
        r = self.rng.random()
        ms = max(0, self.n_ids // 4 - self.rng.randrange(12))
        if r < 0.4:
            return b"%d" % ms
        if r < 0.8:
            return b"%d-%d" % (ms, self.rng.choice([0, 1, 2, self.n_ids - self.rng.randrange(8)]))
        if r < 0.96:
            return self.rng.choice([b"0", b"0-0", b"0-1", b"1"])
        return self.rng.choice(NONSENSE + EDGE_INTS + [b"5-", b"-5", b"1-2-3", b"-", b"+", b"$", b"01-02", b"1-+1"])

    def _xfrom(self):
        r = self.rng.random()
        return b"-" if r < 0.4 else b"(" * (r < 0.55) + self._xid()

    def _xto(self):
        r = self.rng.random()
        return b"+" if r < 0.4 else b"(" * (r < 0.55) + self._xid()

    def _far(self):
        return self.rng.choice([b"0", b"1", b"30", b"100", b"150", b"1000000"])

    def _idle(self):
        return self.rng.choice([b"0", b"0", b"0", b"20000000", b"-1", b"foo"])

    def _group(self):
        return self.rng.choice([b"g", b"g", b"g", b"h", b"nogroup"])

    def _consumer(self):
        return self.rng.choice([b"a", b"b", b"c"])

    def _tinyms(self):
        return self.rng.choice([b"1", b"1", b"-1", b"foo", b"0.5"])

    def _sortable(self):
        return self._key(self.rng.choice("LSZ"))

    def _any(self):
        return self._key(self.rng.choice("KLHSZTX"))

    def _score(self):
        r = self.rng.random()
        if r < 0.6:
            return b"%d" % self.rng.randrange(-9, 10)
        if r < 0.95:
            return self.rng.choice(FLOATS + [b"inf", b"-inf", b"+1", b"1e17", b"123456789012345680", b"0.3"])
        return self.rng.choice(NONSENSE + EDGE_INTS)

    def _bound(self):
        r = self.rng.random()
        return self.rng.choice([b"-inf", b"+inf"]) if r < 0.3 else b"(" * (r < 0.5) + self._score()

    def _lex(self):
        r = self.rng.random()
        if r < 0.4:
            return self.rng.choice([b"-", b"+"])
        return (self.rng.choice([b"[", b"("]) if r < 0.95 else b"") + self._member()

    def _aggregate(self):
        return self.rng.choice([b"SUM", b"MIN", b"max", b"MAX", b"foo"])

    def _pattern(self):
        return self.rng.choice([b"#", b"K*", b"K*", b"H*->f1", b"H*->f2", b"*", b"nope", b"S*", b"H*->", b""])

    def _V(self):
        return self.rng.choice(VALUES)

    def _member(self):
        r = self.rng.random()
        if r < 0.45:
            return b"%d" % self.rng.randrange(-20, 60)
        if r < 0.9:
            return b"m%d" % self.rng.randrange(40)
        return self.rng.choice(VALUES)

    def _elem(self):
        return b"e%d" % self.rng.randrange(6) if self.rng.random() < 0.6 else self.rng.choice(VALUES)

    def _field(self):
        return b"f%d" % self.rng.randrange(12) if self.rng.random() < 0.9 else self.rng.choice(VALUES)

    def _int(self):
        r = self.rng.random()
        if r < 0.75:
            return b"%d" % self.rng.randrange(-12, 13)
        if r < 0.9:
            return b"%d" % self.rng.randrange(-10**6, 10**6)
        return self.rng.choice(EDGE_INTS + NONSENSE)

    def _pick(self):
        return b"%d" % self.rng.randrange(-30, 31) if self.rng.random() < 0.9 else self.rng.choice(
            NONSENSE + [b"-9223372036854775808", b"9223372036854775808"])

    def _count(self):
        return b"%d" % self.rng.randrange(0, 6) if self.rng.random() < 0.9 else self._int()

    def _numkeys(self):
        return self.rng.choice([b"1", b"2", b"2", b"2", b"3", b"0", b"-1", b"foo"])

    def _float(self):
        r = self.rng.random()
        if r < 0.8:
            return self.rng.choice(FLOATS)
        return self.rng.choice(NONSENSE + [b"1e308", b"-1e308", b"+inf", b"-inf"])

    def _offset(self):
        return self.rng.choice([b"0", b"1", b"5", b"10", b"100", b"-1", b"600000000", b"foo", b"9223372036854775807"])

    def _bit(self):
        return self.rng.choice([b"0", b"1"]) if self.rng.random() < 0.95 else self._int()

    def _bitat(self):
        r = self.rng.random()
        if r < 0.9:
            return b"%d" % self.rng.randrange(0, self.rng.choice([16, 80, 2000]))
        return self.rng.choice([b"-1", b"4294967296", b"9223372036854775807", b"9223372036854775808", b"foo", b"", b"#1", b"01"])

    def _bittype(self):
        if self.rng.random() < 0.95:
            return b"%s%d" % (self.rng.choice([b"u", b"i"]), self.rng.choice([1, 2, 4, 5, 7, 8, 13, 16, 31, 32, 33, 62, 63]))
        return self.rng.choice([b"i64", b"u64", b"i65", b"u0", b"i-1", b"8", b"", b"x8", b"I8", b"u", b"i08"])

    def _fieldat(self):
        return b"#%d" % self.rng.randrange(12) if self.rng.random() < 0.4 else self._bitat()

    def _ttl(self):
        if self.rng.random() < 0.15:
            return self.rng.choice(BAD_TIMES)
        self.n_ttl += 1
        return b"%d" % (1000 * (1 + self.n_ttl * 7919 % 1000003))

    def _ttlms(self):
        if self.rng.random() < 0.15:
            return self.rng.choice(BAD_TIMES)
        self.n_ttl += 1
        return b"%d" % (1000000 * (1 + self.n_ttl * 7919 % 1000003))

    def _at(self):
        return b"%d" % (self.rng.choice(FAR_MS) // 1000) if self.rng.random() < 0.85 else self.rng.choice(
            BAD_TIMES + [b"9223372036854775807"])

    def _atms(self):
        return b"%d" % self.rng.choice(FAR_MS) if self.rng.random() < 0.85 else self.rng.choice(BAD_TIMES)

    def _db(self):
        return self.rng.choice([b"0", b"1", b"2", b"2"]) if self.rng.random() < 0.95 else self.rng.choice(
            [b"16", b"-1", b"foo", b"9223372036854775807"])

    def _glob(self):
        return self.rng.choice([b"*", b"K*", b"?1", b"[KL]*", b"*[0-2]", b"f*", b"m1?", b"", b"\\*", b"[^K]?", b"nope", b"[", b"m[5-",
                                b"K0"])

    def _tiny(self):
        return self.rng.choice([b"0.001", b"0.002", b"-1", b"foo", b"nan", b""])

    def _bad(self):
        return self.rng.choice(NONSENSE + EDGE_INTS + [b"-1", b"0"])

    def _ANYCOMMAND(self):
        """Of another line, but none that itself has a command in it."""
        for _ in range(20):
            tree = self.rng.choices(self.rules, cum_weights=self.cumulative)[0]
            if "ANYCOMMAND" not in tree[1][0] and str(tree[1][0][0]) not in NOT_WITHIN:
                break
        out = []
        self._expand(tree, out)
        return out

    def _callscript(self):
        return self.rng.choice(scripts.CALLS)

    def _script(self):
        return self.rng.choice(scripts.SCRIPTS)

    def _roundtrip(self):
        return self.rng.choice(scripts.ROUND_TRIPS)

    def _cachedscript(self):
        return self.rng.choice(scripts.CACHED)

    def _brokenscript(self):
        return self.rng.choice(scripts.BROKEN)

    def _sha(self):
        sha = hashlib.sha1(self.rng.choice(scripts.CACHED)).hexdigest().encode()
        r = self.rng.random()
        return sha if r < 0.8 else sha.upper() if r < 0.9 else self.rng.choice([b"0" * 40, b"", b"foo", sha[:39]])

    def _library(self):
        return self.rng.choice(scripts.LIBRARIES)

    def _badlibrary(self):
        return self.rng.choice(scripts.BAD_LIBRARIES)

    def _library_name(self):
        return self.rng.choice([b"one", b"two", b"three", b"One", b"t*", b"*", b"nope"])

    def _function(self):
        return self.rng.choice([b"f1", b"f2", b"f3", b"f4", b"f5", b"F1", b"nope", b""])

    def _user(self):
        return self.rng.choice([b"alice", b"bob", b"carol"])

    def _category(self):
        return self.rng.choice([b"read", b"write", b"string", b"hash", b"list", b"set", b"keyspace", b"fast", b"dangerous", b"blocking",
                                b"pubsub", b"admin", b"scripting", b"geo", b"transaction", b"nope", b"", b"STREAM"])

    def _commandname(self):
        r = self.rng.random()
        if r < 0.1:
            return self.rng.choice([b"nope", b"", b"config|get", b"client|nope", b"get|x", b"CLIENT|ID", b"object|encoding"])
        return self.rng.choice(self.names).encode()

    def _aclrule(self):
        r = self.rng.random()
        name = self.rng.choice(["get", "set", "client", "client|id", "config|get", "nope", "config|nope", "GET", "select|1", "lpush", "acl|whoami"])
        if r < 0.3:
            return (self.rng.choice("+-") + name).encode()
        if r < 0.45:
            return (self.rng.choice("+-") + "@").encode() + self._category()
        if r < 0.6:
            return self.rng.choice([b"~", b"%R~", b"%W~", b"%RW~", b"&", b"%X~"]) + self.rng.choice([b"*", b"K*", b"L1", b"a[b", b"x"])
        if r < 0.7:
            return self.rng.choice([b">pw", b"<pw", b">", b"#" + b"a1" * 32, b"!" + b"a1" * 32, b"#zz", b"#" + b"A1" * 32])
        if r < 0.8:
            return self.rng.choice([b"(+get ~K*)", b"(-@all +set %W~x)", b"()", b"(on)", b"(+get", b"(+@read &c ~*)", b"( +get )"])
        return self.rng.choice([b"on", b"off", b"nopass", b"resetpass", b"allkeys", b"resetkeys", b"allchannels", b"resetchannels", b"reset", b"allcommands",
                                b"nocommands", b"clearselectors", b"+@all", b"-@all", b"foo", b"", b"sanitize-payload", b"skip-sanitize-payload", b"ON", b"+", b"@"])

    def _setting(self):
        return self.rng.choice([s[0] for s in SETTINGS]) if self.rng.random() < 0.9 else self.rng.choice([b"nope", b"", b"maxmemory-s?mples", b"HZ"])

    def _setting_value(self):
        name, values = self.rng.choice(SETTINGS)
        return [name, self.rng.choice(values) if self.rng.random() < 0.8 else self.rng.choice([b"foo", b"1.5", b"\xff"])]

    payloads = [b""]  # of DUMP; a test fills it

    def _payload(self):
        p = self.rng.choice(self.payloads)
        if self.rng.random() < 0.85:
            return p
        at = self.rng.randrange(len(p) + 1)
        return self.rng.choice([p[:at], p[:at] + b"\x07" + p[at + 1:], p + b"x", b"", b"foo"])

    def _channel(self):
        return self.rng.choice([b"a", b"b", b"c", b"news.a", b"\r\n"])

    def _globchannel(self):
        return self.rng.choice([b"*", b"a", b"news.*", b"[ab]", b"?", b""])

    def _writer(self):
        return b"redis.call('SET',KEYS[1],'x') redis.pcall('INCR',KEYS[2])"

    def _reader(self):
        return b"return {redis.pcall('GET',KEYS[1]),redis.pcall('GET',KEYS[2])}"
