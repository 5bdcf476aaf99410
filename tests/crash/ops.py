"""What one connection does to its keys, and what they must hold afterwards.

A Model is a simple picture of the keys of one connection: key -> [kind, value, expiry]. An operation is a
function on it, and the bytes that ask the server for the same. Expiry is None or an interval (from, to) of
wall clock ms: for a relative time only the interval is known in which the server must have counted from.

    string   bytes                 set      set of members
    list     list of bytes         zset     dict member -> score (int)
    hash     dict field -> [value, expiry]
    stream   Stream

Keys have a kind by their name ("l0" is a list), but RENAME, COPY and SET do not care: then operations fail with
WRONGTYPE, and change nothing, which the model knows too. Keys t0..t7 and the fields of "ht" expire soon:
these are only written whole, so that it does not matter whether they were still there.

Every value holds the number of the operation that made it: a lost, repeated or reordered one shows."""
import resp

FAR = 33177117420000  # ms: a time in the far future
SLACK = 25            # ms by which the server's idea of now may be behind (it looks at the clock once a turn)
DAY = 86400000


class Wrong(Exception):
    """The command fails and changes nothing."""


class Stream:
    def __init__(self):
        self.entries, self.last, self.added, self.deleted, self.groups = {}, (0, 0), 0, (0, 0), {}

    def copy(self):
        s = Stream()
        s.entries, s.last, s.added, s.deleted = dict(self.entries), self.last, self.added, self.deleted
        s.groups = {g: [last, dict(pel)] for g, (last, pel) in self.groups.items()}
        return s

    def __eq__(self, other):
        return isinstance(other, Stream) and self.__dict__ == other.__dict__

    def __repr__(self):
        return "Stream%r" % (self.__dict__,)


def copy_of(kind, v):
    if kind == "string":
        return v
    if kind == "hash":
        return {f: list(x) for f, x in v.items()}
    return v.copy()


class Model:
    def __init__(self):
        self.data = {}

    def get(self, key, kind, make=None):
        """The value, made when absent (and make is given); Wrong when it is of another kind."""
        e = self.data.get(key)
        if e is None:
            if make is None:
                raise Wrong
            e = self.data[key] = [kind, make(), None]
        elif e[0] != kind:
            raise Wrong
        return e[1]

    def drop_empty(self, key):
        if not self.data[key][1] and not isinstance(self.data[key][1], (bytes, Stream)):
            del self.data[key]


# --- operations: functions of (model, times, arguments); times = (sent, acknowledged), wall ms ---------------


def op_set(m, t, k, v):
    m.data[k] = ["string", v, None]


def op_set_keepttl(m, t, k, v):
    old = m.data.get(k)
    m.data[k] = ["string", v, old[2] if old else None]


def op_set_px(m, t, k, v, ms):
    m.data[k] = ["string", v, (t[0] + ms - SLACK, t[1] + ms + 2)]


def op_setnx(m, t, k, v):
    if k not in m.data:
        m.data[k] = ["string", v, None]


def op_mset(m, t, *pairs):
    for k, v in zip(pairs[::2], pairs[1::2]):
        m.data[k] = ["string", v, None]


def op_append(m, t, k, v):
    old = m.data.get(k)
    if old is None:
        m.data[k] = ["string", v, None]
    elif old[0] == "string":
        old[1] += v


def op_setrange(m, t, k, at, v):
    old = m.data.get(k)
    if old is not None and old[0] != "string":
        return
    if not v:
        return
    s = old[1] if old else b""
    s = s[:at] + b"\0" * (at - len(s)) + v + s[at + len(v):]
    if old:
        old[1] = s
    else:
        m.data[k] = ["string", s, None]


def op_setbit(m, t, k, bit, on):
    old = m.data.get(k)
    if old is not None and old[0] != "string":
        return
    s = bytearray(old[1] if old else b"")
    s.extend(b"\0" * (bit // 8 + 1 - len(s)))
    s[bit // 8] = s[bit // 8] & ~(0x80 >> bit % 8) | (0x80 >> bit % 8) * on
    if old:
        old[1] = bytes(s)
    else:
        m.data[k] = ["string", bytes(s), None]


def is_number(v):
    return v.lstrip(b"-").isdigit() and len(v) < 18 and b"%d" % int(v) == v


def op_incrby(m, t, k, by):
    old = m.data.get(k)
    if old is None:
        m.data[k] = ["string", b"%d" % by, None]
    elif old[0] == "string" and is_number(old[1]):
        old[1] = b"%d" % (int(old[1]) + by)


def op_incrbyfloat(m, t, k):
    """By a quarter: exact in every representation."""
    old = m.data.get(k)
    if old is None:
        m.data[k] = ["string", b"0.25", None]
    elif old[0] == "string":
        try:
            old[1] = b"%.17g" % (float(old[1]) + 0.25)
        except ValueError:
            pass


def op_rpush(m, t, k, *v):
    m.get(k, "list", list).extend(v)


def op_lpush(m, t, k, *v):
    m.get(k, "list", list)[:0] = v[::-1]


def op_ltrim(m, t, k, last):
    m.get(k, "list")[:-last] = []
    m.drop_empty(k)


def op_lpop(m, t, k, n):
    del m.get(k, "list")[:n]
    m.drop_empty(k)


def op_rpop(m, t, k):
    m.get(k, "list").pop()
    m.drop_empty(k)


def op_lset(m, t, k, i, v):
    values = m.get(k, "list")
    if i >= len(values):
        raise Wrong
    values[i] = v


def op_linsert(m, t, k, pivot, v):
    values = m.get(k, "list")
    if pivot not in values:
        raise Wrong
    values.insert(values.index(pivot), v)


def op_lrem(m, t, k, v):
    values = m.get(k, "list")
    values[:] = [x for x in values if x != v]
    m.drop_empty(k)


def op_lmove(m, t, a, b):
    """LMOVE a b LEFT RIGHT"""
    source = m.get(a, "list")
    m.get(b, "list", list if a != b else None).append(source[0])
    del m.data[a][1][0]
    m.drop_empty(a)


def op_hset(m, t, k, *pairs):
    h = m.get(k, "hash", dict)
    for f, v in zip(pairs[::2], pairs[1::2]):
        h[f] = [v, None]


def op_hsetnx(m, t, k, f, v):
    h = m.get(k, "hash", dict)
    if f not in h:
        h[f] = [v, None]


def op_hdel(m, t, k, f):
    m.get(k, "hash").pop(f, None)
    m.drop_empty(k)


def op_hincrby(m, t, k, f, by):
    e = m.data.get(k)
    if e is None or (e[0] == "hash" and f not in e[1]):
        m.get(k, "hash", dict)[f] = [b"%d" % by, None]
    elif e[0] != "hash" or not is_number(e[1][f][0]):
        raise Wrong
    else:
        e[1][f][0] = b"%d" % (int(e[1][f][0]) + by)


def op_hpexpireat(m, t, k, f, ms):
    h = m.get(k, "hash")
    if f in h:
        h[f][1] = (ms, ms)


def op_hpersist(m, t, k, f):
    h = m.get(k, "hash")
    if f in h:
        h[f][1] = None


def op_hsetex(m, t, k, f, v, ms):
    m.get(k, "hash", dict)[f] = [v, (t[0] + ms - SLACK, t[1] + ms + 2)]


def op_sadd(m, t, k, *members):
    m.get(k, "set", set).update(members)


def op_srem(m, t, k, member):
    m.get(k, "set").discard(member)
    m.drop_empty(k)


def op_smove(m, t, a, b, member):
    source = m.get(a, "set")
    if b in m.data and m.data[b][0] != "set":
        raise Wrong
    if member in source and a != b:
        source.discard(member)
        m.get(b, "set", set).add(member)
        m.drop_empty(a)


def op_sunionstore(m, t, to, a, b):
    sources = [m.data[k] for k in (a, b) if k in m.data]
    if any(e[0] != "set" for e in sources):
        raise Wrong
    union = set().union(*(e[1] for e in sources))
    m.data.pop(to, None)
    if union:
        m.data[to] = ["set", union, None]


def op_zadd(m, t, k, *pairs):
    z = m.get(k, "zset", dict)
    for score, member in zip(pairs[::2], pairs[1::2]):
        z[member] = score


def op_zincrby(m, t, k, by, member):
    z = m.get(k, "zset", dict)
    z[member] = z.get(member, 0) + by


def op_zrem(m, t, k, member):
    m.get(k, "zset").pop(member, None)
    m.drop_empty(k)


def op_zpopmin(m, t, k):
    z = m.get(k, "zset")
    del z[min(z, key=lambda x: (z[x], x))]
    m.drop_empty(k)


def op_zremrangebyrank(m, t, k, keep):
    """All but the `keep` highest."""
    z = m.get(k, "zset")
    for member in sorted(z, key=lambda x: (z[x], x))[:-keep]:
        del z[member]
    m.drop_empty(k)


def op_xadd(m, t, k, n, v):
    s = m.get(k, "stream", Stream)
    if (n, 1) <= s.last:
        raise Wrong
    s.entries[n, 1] = v
    s.last = (n, 1)
    s.added += 1


def op_xdel_first(m, t, k):
    """EVAL: XDEL of the first entry."""
    s = m.get(k, "stream")
    if s.entries:
        i = next(iter(s.entries))
        del s.entries[i]
        s.deleted = max(s.deleted, i)


def op_xtrim(m, t, k, n):
    s = m.get(k, "stream")
    for i in list(s.entries)[:max(0, len(s.entries) - n)]:
        del s.entries[i]


def op_xgroup_create(m, t, k, g):
    s = m.get(k, "stream", Stream)
    if g in s.groups:
        raise Wrong
    s.groups[g] = [(0, 0), {}]


def op_xgroup_destroy(m, t, k, g):
    m.get(k, "stream").groups.pop(g, None)


def op_xreadgroup(m, t, k, g, consumer, count):
    s = m.get(k, "stream")
    if g not in s.groups:
        raise Wrong
    group = s.groups[g]
    for i in [i for i in s.entries if i > group[0]][:count]:
        group[0] = i
        group[1][i] = (consumer, 1)


def op_xack_first(m, t, k, g):
    """EVAL: XACK of the group's first pending entry."""
    s = m.get(k, "stream")
    if g in s.groups and s.groups[g][1]:
        del s.groups[g][1][min(s.groups[g][1])]


def op_del(m, t, *keys):
    for k in keys:
        m.data.pop(k, None)


def op_rename(m, t, a, b):
    if a in m.data:
        m.data[b] = m.data.pop(a)


def op_copy(m, t, a, b):
    if a in m.data and a != b:
        kind, v, x = m.data[a]
        m.data[b] = [kind, copy_of(kind, v), x]


def op_pexpireat(m, t, k, ms):
    if k in m.data:
        m.data[k][2] = (ms, ms)


def op_pexpire(m, t, k, ms):
    if k in m.data:
        m.data[k][2] = (t[0] + ms - SLACK, t[1] + ms + 2)


def op_persist(m, t, k):
    if k in m.data:
        m.data[k][2] = None


def op_flushdb(m, t):
    m.data.clear()


def op_script(m, t, a, b, c, v):
    """EVAL: SET a, RPUSH b, HSET c; the first that fails ends it, what came before stays."""
    op_set(m, t, a, v)
    op_rpush(m, t, b, v)
    op_hset(m, t, c, b"e", v)


SCRIPT = ("redis.call('set',KEYS[1],ARGV[1]) redis.call('rpush',KEYS[2],ARGV[1]) "
          "redis.call('hset',KEYS[3],'e',ARGV[1]) return 1")
XDEL_FIRST = ("local e=redis.call('xrange',KEYS[1],'-','+','COUNT',1) "
              "if e[1] then return redis.call('xdel',KEYS[1],e[1][1]) end return 0")
XACK_FIRST = ("local e=redis.call('xpending',KEYS[1],ARGV[1],'-','+',1) "
              "if e[1] then return redis.call('xack',KEYS[1],ARGV[1],e[1][1]) end return 0")


# --- choosing ----------------------------------------------------------------------------------------------------

BINARY = bytes(range(256))
SIZES = [0, 1, 3, 30, 50, 90, 300, 300, 700, 3000]


class Chooser:
    """Random operations of one connection. Each: (function, its arguments, keys it touches, request)."""

    def __init__(self, rng, prefix, own_db, big):
        self.rng, self.prefix, self.own_db, self.big = rng, prefix, own_db, big
        self.n = 0
        self.table = [f for weight, f in self._weights() for _ in range(weight)]

    def _weights(self):
        return [(4, self.strings), (2, self.bits), (3, self.numbers), (2, self.msets), (6, self.lists), (6, self.hashes),
                (4, self.sets), (4, self.zsets), (8, self.streams), (2, self.fields), (4, self.generic), (4, self.expiry),
                (3, self.short_lived), (2, self.scripts)] + ([(1, self.flush)] if self.own_db else [])

    def key(self, kinds, count=2):
        r = self.rng.random()
        return self.prefix + b"%c%d" % (kinds[int(r * len(kinds))], int(r * 7919) % count)

    def value(self):
        rng = self.rng
        r = rng.random()
        if self.big and r < 0.004:
            return (b"%d:" % self.n + rng.randbytes(1021)) * rng.randrange(1024, 16 * 1024)
        if r < 0.05:
            return b"%d" % self.n
        n = SIZES[int(r * 997) % len(SIZES)]
        if r < 0.2:
            return b"%d:" % self.n + BINARY[self.n % 200:][:n]
        return b"%d:" % self.n + b"x" * n if r > 0.08 else b""

    def choose(self):
        self.n += 1
        f, args, keys, request = self.rng.choice(self.table)()
        return f, args, keys, resp.encode(request)

    def strings(self):
        k, v = self.key(b"s"), self.value()
        return self.rng.choice([
            (op_set, (k, v), (k,), ("SET", k, v)), (op_set, (k, v), (k,), ("SET", k, v)),
            (op_append, (k, b"%d," % self.n), (k,), ("APPEND", k, b"%d," % self.n)),
            (op_set_keepttl, (k, v), (k,), ("SET", k, v, "KEEPTTL")), (op_setnx, (k, v), (k,), ("SETNX", k, v))])

    def bits(self):
        k, at = self.key(b"s"), self.rng.randrange(400)
        if self.rng.random() < 0.5:
            return op_setrange, (k, at, b"%d" % self.n), (k,), ("SETRANGE", k, at, b"%d" % self.n)
        return op_setbit, (k, at, self.n & 1), (k,), ("SETBIT", k, at, self.n & 1)

    def numbers(self):
        k = self.key(b"n")
        return self.rng.choice([(op_incrby, (k, self.n), (k,), ("INCRBY", k, self.n)), (op_incrby, (k, 1), (k,), ("INCR", k)),
                                (op_incrbyfloat, (k + b"f",), (k + b"f",), ("INCRBYFLOAT", k + b"f", "0.25"))])

    def msets(self):
        keys = [self.prefix + b"m%d" % i for i in range(8)]
        pairs = [x for k in keys for x in (k, b"%d" % self.n)]
        return op_mset, pairs, keys, ["MSET"] + pairs

    def lists(self):
        k, k2, v = self.key(b"l"), self.key(b"l"), self.value()
        return self.rng.choice([
            (op_rpush, (k, v, b"%d" % self.n), (k,), ("RPUSH", k, v, b"%d" % self.n)), (op_rpush, (k, v), (k,), ("RPUSH", k, v)),
            (op_lpush, (k, v, b"b"), (k,), ("LPUSH", k, v, b"b")), (op_ltrim, (k, 12), (k,), ("LTRIM", k, -12, -1)),
            (op_ltrim, (k, 12), (k,), ("LTRIM", k, -12, -1)), (op_lpop, (k, 2), (k,), ("LPOP", k, 2)), (op_rpop, (k,), (k,), ("RPOP", k)),
            (op_lset, (k, 3, v), (k,), ("LSET", k, 3, v)), (op_linsert, (k, b"b", v), (k,), ("LINSERT", k, "BEFORE", "b", v)),
            (op_lrem, (k, b"b"), (k,), ("LREM", k, 0, "b")), (op_lmove, (k, k2), (k, k2), ("LMOVE", k, k2, "LEFT", "RIGHT"))])

    def hashes(self):
        k, v, f = self.key(b"h"), self.value(), b"f%d" % self.rng.randrange(8)
        return self.rng.choice([
            (op_hset, (k, f, v), (k,), ("HSET", k, f, v)), (op_hset, (k, f, v, b"g", b"%d" % self.n), (k,), ("HSET", k, f, v, "g", self.n)),
            (op_hsetnx, (k, f, v), (k,), ("HSETNX", k, f, v)), (op_hdel, (k, f), (k,), ("HDEL", k, f)),
            (op_hincrby, (k, b"i", self.n), (k,), ("HINCRBY", k, "i", self.n))])

    def fields(self):
        k, f, ms = self.key(b"h"), b"f%d" % self.rng.randrange(8), FAR + self.n
        if self.rng.random() < 0.7:
            return op_hpexpireat, (k, f, ms), (k,), ("HPEXPIREAT", k, ms, "FIELDS", 1, f)
        return op_hpersist, (k, f), (k,), ("HPERSIST", k, "FIELDS", 1, f)

    def sets(self):
        k, k2, to, x = self.key(b"e"), self.key(b"e"), self.key(b"e", 3), b"m%d" % self.rng.randrange(30)
        return self.rng.choice([
            (op_sadd, (k, x, b"%d" % (self.n % 50)), (k,), ("SADD", k, x, self.n % 50)), (op_srem, (k, x), (k,), ("SREM", k, x)),
            (op_sadd, (k, b"%d" % (self.n % 50)), (k,), ("SADD", k, self.n % 50)),
            (op_smove, (k, k2, x), (k, k2), ("SMOVE", k, k2, x)), (op_sunionstore, (to, k, k2), (to,), ("SUNIONSTORE", to, k, k2))])

    def zsets(self):
        k, x, score = self.key(b"z"), b"m%d" % self.rng.randrange(20), self.n % 1000
        return self.rng.choice([
            (op_zadd, (k, score, x), (k,), ("ZADD", k, score, x)), (op_zadd, (k, score, x, 1, b"a"), (k,), ("ZADD", k, score, x, 1, "a")),
            (op_zincrby, (k, self.n, x), (k,), ("ZINCRBY", k, self.n, x)), (op_zrem, (k, x), (k,), ("ZREM", k, x)),
            (op_zpopmin, (k,), (k,), ("ZPOPMIN", k)), (op_zremrangebyrank, (k, 6), (k,), ("ZREMRANGEBYRANK", k, 0, -7))])

    def streams(self):
        k, g, who = self.key(b"x"), b"g%d" % self.rng.randrange(2), b"c%d" % self.rng.randrange(2)
        add = (op_xadd, (k, self.n, b"%d" % self.n), (k,), ("XADD", k, "%d-1" % self.n, "v", self.n))
        read = (op_xreadgroup, (k, g, who, 2), (k,), ("XREADGROUP", "GROUP", g, who, "COUNT", 2, "STREAMS", k, ">"))
        return self.rng.choice([
            add, add, add, read, read, (op_xtrim, (k, 10), (k,), ("XTRIM", k, "MAXLEN", 10)),
            (op_xgroup_create, (k, g), (k,), ("XGROUP", "CREATE", k, g, 0, "MKSTREAM")),
            (op_xgroup_destroy, (k, g), (k,), ("XGROUP", "DESTROY", k, g)) if self.n % 8 == 0 else read,
            (op_xdel_first, (k,), (k,), ("EVAL", XDEL_FIRST, 1, k)), (op_xack_first, (k, g), (k,), ("EVAL", XACK_FIRST, 1, k, g))])

    def generic(self):
        kind = self.rng.choice(b"snlhezxm")
        a = self.key(bytes([kind]))
        b = self.key(bytes([kind])) if self.rng.random() < 0.9 else self.key(b"snlhezx")
        return self.rng.choice([
            (op_del, (a,), (a,), ("DEL", a)), (op_del, (a, b), (a, b), ("UNLINK", a, b)), (op_rename, (a, b), (a, b), ("RENAME", a, b)),
            (op_copy, (a, b), (b,), ("COPY", a, b, "REPLACE"))])

    def expiry(self):
        k, ms = self.key(b"snlhezx"), FAR + self.n
        return self.rng.choice([
            (op_pexpireat, (k, ms), (k,), ("PEXPIREAT", k, ms)), (op_persist, (k,), (k,), ("PERSIST", k)),
            (op_pexpire, (k, DAY), (k,), ("PEXPIRE", k, DAY))])

    def short_lived(self):
        k, v = self.prefix + b"t%d" % self.rng.randrange(8), self.value()
        ms = self.rng.choice([1, 10, 50, 100, 200, 500, 1500, 1000000, 3000000])
        if self.rng.random() < 0.3:
            f = b"f%d" % self.rng.randrange(8)
            return op_hsetex, (self.prefix + b"ht", f, v, ms), (self.prefix + b"ht",), ("HSETEX", self.prefix + b"ht", "PX", ms, "FIELDS", 1, f, v)
        return op_set_px, (k, v, ms), (k,), ("SET", k, v, "PX", ms)

    def scripts(self):
        a, b, c, v = self.key(b"s"), self.key(b"l"), self.key(b"h"), b"%d" % self.n
        return op_script, (a, b, c, v), (a, b, c), ("EVAL", SCRIPT, 3, a, b, c, v)

    def flush(self):
        if self.rng.random() < 0.1:
            return op_flushdb, (), None, ("FLUSHDB",)
        return self.lists()
