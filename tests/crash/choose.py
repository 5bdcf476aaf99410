"""Which operation comes next: at random, from a seed.

Each is (function of ops.py, its arguments, keys it touches, request). Keys have the kind that the letter in their name
says, most of the time."""
import functools

import documents
import ops
import resp

FAR = 33177117420000  # ms: a time in the far future
DAY = 86400000
SCRIPT = ("redis.call('set',KEYS[1],ARGV[1]) redis.call('rpush',KEYS[2],ARGV[1]) "
          "redis.call('hset',KEYS[3],'e',ARGV[1]) return 1")
XDEL_FIRST = ("local e=redis.call('xrange',KEYS[1],'-','+','COUNT',1) "
              "if e[1] then return redis.call('xdel',KEYS[1],e[1][1]) end return 0")
XACK_FIRST = ("local e=redis.call('xpending',KEYS[1],ARGV[1],'-','+',1) "
              "if e[1] then return redis.call('xack',KEYS[1],ARGV[1],e[1][1]) end return 0")


BINARY = bytes(range(256))
SIZES = [0, 1, 3, 30, 50, 90, 300, 300, 700, 3000]


class Chooser:
    """Random operations of one connection. Each: (function, its arguments, keys it touches, request)."""

    def __init__(self, rng, prefix, own_db, big):
        self.rng, self.prefix, self.own_db, self.big = rng, prefix, own_db, big
        self.n = 0
        self.table = [f for weight, f in self._weights() for _ in range(weight)]

    def _weights(self):
        of_documents = documents.WEIGHTS + ([] if self.own_db else documents.INDEX_WEIGHTS)
        return [(4, self.strings), (2, self.bits), (3, self.numbers), (2, self.msets), (6, self.lists), (6, self.hashes),
                (4, self.sets), (4, self.zsets), (8, self.streams), (2, self.fields), (4, self.generic), (4, self.expiry),
                (3, self.short_lived), (2, self.scripts)] + [(weight, functools.partial(f, self)) for weight, f in of_documents] + (
                    [(1, self.flush)] if self.own_db else [])

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
            (ops.op_set, (k, v), (k,), ("SET", k, v)), (ops.op_set, (k, v), (k,), ("SET", k, v)),
            (ops.op_append, (k, b"%d," % self.n), (k,), ("APPEND", k, b"%d," % self.n)),
            (ops.op_set_keepttl, (k, v), (k,), ("SET", k, v, "KEEPTTL")),
            (ops.op_setnx, (k, v), (k,), ("SETNX", k, v))])

    def bits(self):
        k, at = self.key(b"s"), self.rng.randrange(400)
        if self.rng.random() < 0.5:
            return ops.op_setrange, (k, at, b"%d" % self.n), (k,), ("SETRANGE", k, at, b"%d" % self.n)
        return ops.op_setbit, (k, at, self.n & 1), (k,), ("SETBIT", k, at, self.n & 1)

    def numbers(self):
        k = self.key(b"n")
        return self.rng.choice([(ops.op_incrby, (k, self.n), (k,), ("INCRBY", k, self.n)),
                                (ops.op_incrby, (k, 1), (k,), ("INCR", k)),
                                (ops.op_incrbyfloat, (k + b"f",), (k + b"f",), ("INCRBYFLOAT", k + b"f", "0.25"))])

    def msets(self):
        keys = [self.prefix + b"m%d" % i for i in range(8)]
        pairs = [x for k in keys for x in (k, b"%d" % self.n)]
        return ops.op_mset, pairs, keys, ["MSET"] + pairs

    def lists(self):
        k, k2, v = self.key(b"l"), self.key(b"l"), self.value()
        return self.rng.choice([
            (ops.op_rpush, (k, v, b"%d" % self.n), (k,), ("RPUSH", k, v, b"%d" % self.n)),
            (ops.op_rpush, (k, v), (k,), ("RPUSH", k, v)),
            (ops.op_lpush, (k, v, b"b"), (k,), ("LPUSH", k, v, b"b")),
            (ops.op_ltrim, (k, 12), (k,), ("LTRIM", k, -12, -1)),
            (ops.op_ltrim, (k, 12), (k,), ("LTRIM", k, -12, -1)),
            (ops.op_lpop, (k, 2), (k,), ("LPOP", k, 2)),
            (ops.op_rpop, (k,), (k,), ("RPOP", k)),
            (ops.op_lset, (k, 3, v), (k,), ("LSET", k, 3, v)),
            (ops.op_linsert, (k, b"b", v), (k,), ("LINSERT", k, "BEFORE", "b", v)),
            (ops.op_lrem, (k, b"b"), (k,), ("LREM", k, 0, "b")),
            (ops.op_lmove, (k, k2), (k, k2), ("LMOVE", k, k2, "LEFT", "RIGHT"))])

    def hashes(self):
        k, v, f = self.key(b"h"), self.value(), b"f%d" % self.rng.randrange(8)
        return self.rng.choice([
            (ops.op_hset, (k, f, v), (k,), ("HSET", k, f, v)),
            (ops.op_hset, (k, f, v, b"g", b"%d" % self.n), (k,), ("HSET", k, f, v, "g", self.n)),
            (ops.op_hsetnx, (k, f, v), (k,), ("HSETNX", k, f, v)), (ops.op_hdel, (k, f), (k,), ("HDEL", k, f)),
            (ops.op_hincrby, (k, b"i", self.n), (k,), ("HINCRBY", k, "i", self.n))])

    def fields(self):
        k, f, ms = self.key(b"h"), b"f%d" % self.rng.randrange(8), FAR + self.n
        if self.rng.random() < 0.7:
            return ops.op_hpexpireat, (k, f, ms), (k,), ("HPEXPIREAT", k, ms, "FIELDS", 1, f)
        return ops.op_hpersist, (k, f), (k,), ("HPERSIST", k, "FIELDS", 1, f)

    def sets(self):
        k, k2, to, x = self.key(b"e"), self.key(b"e"), self.key(b"e", 3), b"m%d" % self.rng.randrange(30)
        return self.rng.choice([
            (ops.op_sadd, (k, x, b"%d" % (self.n % 50)), (k,), ("SADD", k, x, self.n % 50)),
            (ops.op_srem, (k, x), (k,), ("SREM", k, x)),
            (ops.op_sadd, (k, b"%d" % (self.n % 50)), (k,), ("SADD", k, self.n % 50)),
            (ops.op_smove, (k, k2, x), (k, k2), ("SMOVE", k, k2, x)),
            (ops.op_sunionstore, (to, k, k2), (to,), ("SUNIONSTORE", to, k, k2))])

    def zsets(self):
        k, x, score = self.key(b"z"), b"m%d" % self.rng.randrange(20), self.n % 1000
        return self.rng.choice([
            (ops.op_zadd, (k, score, x), (k,), ("ZADD", k, score, x)),
            (ops.op_zadd, (k, score, x, 1, b"a"), (k,), ("ZADD", k, score, x, 1, "a")),
            (ops.op_zincrby, (k, self.n, x), (k,), ("ZINCRBY", k, self.n, x)),
            (ops.op_zrem, (k, x), (k,), ("ZREM", k, x)),
            (ops.op_zpopmin, (k,), (k,), ("ZPOPMIN", k)),
            (ops.op_zremrangebyrank, (k, 6), (k,), ("ZREMRANGEBYRANK", k, 0, -7))])

    def streams(self):
        k, g, who = self.key(b"x"), b"g%d" % self.rng.randrange(2), b"c%d" % self.rng.randrange(2)
        add = (ops.op_xadd, (k, self.n, b"%d" % self.n), (k,), ("XADD", k, "%d-1" % self.n, "v", self.n))
        read = (ops.op_xreadgroup, (k, g, who, 2), (k,), ("XREADGROUP", "GROUP", g, who, "COUNT", 2, "STREAMS", k, ">"))
        return self.rng.choice([
            add, add, add, read, read, (ops.op_xtrim, (k, 10), (k,), ("XTRIM", k, "MAXLEN", 10)),
            (ops.op_xgroup_create, (k, g), (k,), ("XGROUP", "CREATE", k, g, 0, "MKSTREAM")),
            (ops.op_xgroup_destroy, (k, g), (k,), ("XGROUP", "DESTROY", k, g)) if self.n % 8 == 0 else read,
            (ops.op_xdel_first, (k,), (k,), ("EVAL", XDEL_FIRST, 1, k)),
            (ops.op_xack_first, (k, g), (k,), ("EVAL", XACK_FIRST, 1, k, g))])

    def generic(self):
        kind = self.rng.choice(b"snlhezxmjvwu")
        a = self.key(bytes([kind]))
        b = self.key(bytes([kind])) if self.rng.random() < 0.9 else self.key(b"snlhezx")
        return self.rng.choice([
            (ops.op_del, (a,), (a,), ("DEL", a)),
            (ops.op_del, (a, b), (a, b), ("UNLINK", a, b)),
            (ops.op_rename, (a, b), (a, b), ("RENAME", a, b)),
            (ops.op_copy, (a, b), (b,), ("COPY", a, b, "REPLACE"))])

    def expiry(self):
        k, ms = self.key(b"snlhezxjvwu"), FAR + self.n
        return self.rng.choice([
            (ops.op_pexpireat, (k, ms), (k,), ("PEXPIREAT", k, ms)), (ops.op_persist, (k,), (k,), ("PERSIST", k)),
            (ops.op_pexpire, (k, DAY), (k,), ("PEXPIRE", k, DAY))])

    def short_lived(self):
        k, v = self.prefix + b"t%d" % self.rng.randrange(8), self.value()
        ms = self.rng.choice([1, 10, 50, 100, 200, 500, 1500, 1000000, 3000000])
        if self.rng.random() < 0.3:
            f = b"f%d" % self.rng.randrange(8)
            h = self.prefix + b"ht"
            return ops.op_hsetex, (h, f, v, ms), (h,), ("HSETEX", h, "PX", ms, "FIELDS", 1, f, v)
        return ops.op_set_px, (k, v, ms), (k,), ("SET", k, v, "PX", ms)

    def scripts(self):
        a, b, c, v = self.key(b"s"), self.key(b"l"), self.key(b"h"), b"%d" % self.n
        return ops.op_script, (a, b, c, v), (a, b, c), ("EVAL", SCRIPT, 3, a, b, c, v)

    def flush(self):
        if self.rng.random() < 0.1:
            return ops.op_flushdb, (), None, ("FLUSHDB",)
        return self.lists()
