"""What one connection does to its keys, and what they must hold afterwards.

A Model is a simple picture of the keys of one connection: key -> [kind, value, expiry]. An operation is a
function on it, and the bytes that ask the server for the same. Expiry is None or an interval (from, to) of
wall clock ms: for a relative time only the interval is known in which the server must have counted from.

    string   bytes                 set      set of members
    list     list of bytes         zset     dict member -> score (int)
    hash     dict field -> [value, expiry]
    stream   Stream            documents, vectors, suggestions and indexes: documents.py

Keys have a kind by their name ("l0" is a list), but RENAME, COPY and SET do not care: then operations fail with
WRONGTYPE, and change nothing, which the model knows too. Keys t0..t7 and the fields of "ht" expire soon:
these are only written whole, so that it does not matter whether they were still there.

Every value holds the number of the operation that made it: a lost, repeated or reordered one shows."""
SLACK = 25  # ms by which the server's idea of now may be behind (it looks at the clock once a turn)


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
    if isinstance(v, (bytes, str)):
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
        if not self.data[key][1] and not isinstance(self.data[key][1], (bytes, str, Stream)):
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
