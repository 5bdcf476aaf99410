"""Requests made from what the daemon says of its commands (COMMAND, COMMAND DOCS): each form of each command,
with the places at which an argument may be put. A command that is added is tested without a word being added here."""
from resp import Simple

# What a request must not do when others follow it on its connection, or to whoever runs the tests.
LEFT_OUT = {
    "shutdown", "restart",                                          # the end
    "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe",         # replies of another kind
    "monitor", "sync", "psync", "quit", "reset", "client|reply",                                    # another state
    "replicaof", "slaveof", "failover", "migrate", "debug",         # others, and DEBUG's mistakes on purpose
    "multi", "exec", "discard", "watch",                            # which the tests themselves need
}

# Keys that hold one form of each type. What builds them is in fill().
KEYS = {
    "string": [b"string", b"int", b"hll"], "bitmap": [b"string"], "hyperloglog": [b"hll"],
    "list": [b"list", b"biglist"], "set": [b"set", b"intset", b"bigset"], "hash": [b"hash", b"bighash", b"ttlhash"],
    "sorted-set": [b"zset", b"bigzset"], "geo": [b"geo"], "stream": [b"stream"],
}
ALL_KEYS = sorted({k for keys in KEYS.values() for k in keys}) + [b"nokey"]
# Words that a command wants in a place where its documents say no more than that it is a string.
WORDS = {"ID": b"1-1", "id": b"1-1", "start": b"0", "end": b"-1", "min": b"0", "max": b"9", "host": b"127.0.0.1",
         "encoding": b"u8", "lastid": b"1-1", "last-id": b"1-1", "group": b"g", "consumer": b"c"}


class Place:
    """An argument that a form leaves open: what it is called, its kind, and what it is otherwise."""

    def __init__(self, name, kind, value):
        self.name, self.kind, self.value = name, kind, value

    def __repr__(self):
        return "<%s>" % self.name


class Form:
    """One way to write a command. words: bytes and Places."""

    def __init__(self, name, words, flags):
        self.name, self.words, self.flags = name, words, flags

    def places(self, kinds):
        return [i for i, w in enumerate(self.words) if isinstance(w, Place) and w.kind in kinds]

    def request(self, changes=None, key=None):
        """As bytes, with other words at some places, and perhaps one key everywhere."""
        out = []
        for i, w in enumerate(self.words):
            if changes and i in changes:
                out.append(changes[i])
            elif isinstance(w, Place):
                out.append(key if key is not None and w.kind == "key" else w.value)
            else:
                out.append(w)
        return out


def _flags(arg):
    return set(arg.get(b"flags", []))


def _dict(a):
    return a if isinstance(a, dict) else a.dict()


def _leaves(args, path=()):
    """The path to every argument that has no parts."""
    for i, a in enumerate(args):
        a = _dict(a)
        if b"arguments" in a:
            yield from _leaves(a[b"arguments"], path + (i,))
        else:
            yield path + (i,)


def _value(a, group):
    kind, name = a[b"type"].decode(), a[b"name"].decode()
    if kind == "key":
        return Place(name, kind, KEYS.get(group, [b"string"])[0])
    if kind in ("integer", "double"):
        return Place(name, kind, b"1")
    if kind == "unix-time":
        return Place(name, kind, b"4102444800")
    return Place(name, kind, b"*" if kind == "pattern" else WORDS.get(name, b"v"))


def _build(args, path, group):
    """The words of a request that has what must be there and what `path` leads to."""
    out = []
    for i, a in enumerate(args):
        a = _dict(a)
        on_path = bool(path) and path[0] == i
        if Simple("optional") in _flags(a) and not on_path:
            continue
        kind, token = a[b"type"].decode(), a.get(b"token", b"")
        if token:
            out.append(token)
        if kind == "oneof":
            at = path[1] if on_path else 0
            out += _build([a[b"arguments"][at]], (0,) + path[2:] if on_path else (0,), group)
        elif kind == "block":
            out += _build(a[b"arguments"], path[1:] if on_path else (), group)
        elif kind != "pure-token":
            out.append(_value(a, group))
    return out


def forms(c3):
    """Every form of every command: the shortest, and one with each of its options."""
    flags, out = {}, []
    for row in c3("COMMAND"):
        for r in [row] + list(row[9]):
            flags[r[0].decode()] = set(str(f) for f in r[2])
    for name, doc in c3("COMMAND", "DOCS"):
        rows = [(name.decode(), doc.dict())]
        subs = rows[0][1].get(b"subcommands")
        if subs:
            rows = [(n.decode(), d.dict()) for n, d in subs]
        for full, d in rows:
            if full in LEFT_OUT or full.partition("|")[0] in LEFT_OUT:
                continue
            args, seen = d.get(b"arguments", []), set()
            head = [w.upper().encode() for w in full.split("|")]
            for path in [()] + list(_leaves(args)):
                words = head + _build(args, path, d[b"group"].decode())
                if words[-1:] == [b"NO"] and full == "client|kill":
                    continue  # SKIPME NO: its sender is killed too
                if repr(words) not in seen:
                    seen.add(repr(words))
                    out.append(Form(full, words, flags[full]))
    return out


def fill(c):
    """One key of each form of each type, and nothing else."""
    c.pipeline([["SELECT", "0"], ["FLUSHALL"]])
    fill_here(c)


def fill_here(c):
    """The same in the database that is chosen, where none of them is."""
    c.pipeline([
        ["SET", "string", "Hello, world"], ["SET", "int", "41"], ["PFADD", "hll", "a", "b", "c"],
        ["RPUSH", "list", "a", "b", "1"], ["RPUSH", "biglist"] + ["x" * 200 + str(i) for i in range(300)],
        ["SADD", "set", "a", "b", "c"], ["SADD", "intset", "1", "2", "3"], ["SADD", "bigset"] + ["m%d" % i for i in range(600)],
        ["HSET", "hash", "f", "1", "g", "v"], ["HSET", "bighash"] + [w for i in range(600) for w in ("f%d" % i, "v")],
        ["HSET", "ttlhash", "f", "1", "v", "2"], ["HEXPIRE", "ttlhash", "100000", "FIELDS", "1", "f"],
        ["ZADD", "zset", "1", "a", "2", "b", "3", "c"], ["ZADD", "bigzset"] + [w for i in range(600) for w in (str(i), "m%d" % i)],
        ["GEOADD", "geo", "13.361389", "38.115556", "p", "15.087269", "37.502669", "v"],
        ["XADD", "stream", "1-1", "f", "v"], ["XADD", "stream", "2-1", "f", "v"], ["XGROUP", "CREATE", "stream", "g", "0"],
        ["XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "stream", ">"],
    ])
