"""After a crash: is what the server holds what it may hold?

For each connection there must be one j between the last item that must have survived and the last that was sent, so
that its keys equal the model after item j, and the shared list names exactly its transactions up to j. The list
as a whole is the order of all transactions; g counts it."""
import time

import documents
import ops
import resp
from writers import wall_ms

READ_SLACK = 30  # ms: the server looks at the clock once a turn


class Violation(AssertionError):
    pass


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


def stream_of(info):
    """XINFO STREAM key FULL COUNT 0 -> ops.Stream"""
    def number(i):
        a, b = i.split(b"-")
        return int(a), int(b)

    info = pairs(info)
    s = ops.Stream()
    s.entries = {number(i): fields[1] for i, fields in info[b"entries"]}
    s.last, s.deleted = number(info[b"last-generated-id"]), number(info[b"max-deleted-entry-id"])
    s.added = info[b"entries-added"]
    for g in map(pairs, info[b"groups"]):
        pending = {number(i): (who, n) for i, who, _, n in g[b"pending"]}
        s.groups[g[b"name"]] = [number(g[b"last-delivered-id"]), pending]
    return s


READS = {"string": lambda k: ["GET", k], "list": lambda k: ["LRANGE", k, 0, -1], "set": lambda k: ["SMEMBERS", k],
         "zset": lambda k: ["ZRANGE", k, 0, -1, "WITHSCORES"], "hash": lambda k: ["HGETALL", k],
         "stream": lambda k: ["XINFO", "STREAM", k, "FULL", "COUNT", 0], **documents.READS}
VALUES = {"string": lambda v: v, "list": lambda v: v, "set": set, "zset": lambda v: {m: int(s) for m, s in pairs(v).items()},
          "hash": lambda v: {f: [x, -1] for f, x in pairs(v).items()}, "stream": stream_of, **documents.VALUES}


def read_db(c, db):
    """All keys of a database: key -> [kind, value, expiry ms or -1]. A key that expires meanwhile is left out."""
    c("SELECT", db)
    keys = c("KEYS", "*")
    head = c.pipeline([cmd for k in keys for cmd in (["TYPE", k], ["PEXPIRETIME", k])])
    kinds = [(k, str(t), x) for k, t, x in zip(keys, head[::2], head[1::2]) if t != resp.Simple("none")]
    values = c.pipeline([READS[t](k) for k, t, _ in kinds])
    out = {}
    for (k, t, x), v in zip(kinds, values):
        if isinstance(v, resp.Err) or v is None or v == []:
            continue
        out[k] = [t, VALUES[t](v), x]
    for k, v in documents.read_vectors(c, [k for k, e in out.items() if e[0] == "vectorset"]).items():
        out[k][1] = v
    hashes = [(k, list(e[1])) for k, e in out.items() if e[0] == "hash"]
    ttls = c.pipeline([["HPEXPIRETIME", k, "FIELDS", len(fields)] + fields for k, fields in hashes])
    for (k, fields), times in zip(hashes, ttls):
        for f, x in zip(fields, times):
            if x == -2:  # expired since
                del out[k][1][f]
            else:
                out[k][1][f][1] = x
        if not out[k][1]:
            del out[k]
    return out


class Found:
    """What the server holds, and between which times (wall ms) it was read."""

    def __init__(self, server, dbs, prefixes):
        with server.conn() as c:
            self.begun = wall_ms() - READ_SLACK
            self.dbs = {db: read_db(c, db) for db in dbs}
            self.dbs[0].update(documents.read_indexes(c))
            self.dbs[0].update(documents.read_dictionaries(c, [p + b"~d" for p in prefixes]))
            self.ended = wall_ms() + READ_SLACK
            c("SELECT", 0)
            documents.check_searches(c, self.dbs[0])
        shared = self.dbs[0]
        self.witness = [tuple(map(int, x.split(b":"))) for x in shared.pop(b"witness", [0, []])[1]]
        self.g = int(shared.pop(b"g", [0, b"0"])[1])

    def of(self, w):
        """A writer's part."""
        return {k: e for k, e in self.dbs[w.db].items() if k.startswith(w.prefix)}

    def strangers(self, writers):
        return [k for keys in self.dbs.values() for k in keys if not any(k.startswith(w.prefix) for w in writers)]

    # --- one key against the model ------------------------------------------------------------------------------

    def may_be_gone(self, x):
        return x is not None and x[0] <= self.ended

    def same_expiry(self, x, found):
        if x is None:
            return found == -1
        return x[0] <= found <= x[1] and found >= self.begun

    def same_fields(self, model, found):
        if any(f not in model for f in found):
            return False
        for f, (v, x) in model.items():
            if f not in found:
                if not self.may_be_gone(x):
                    return False
            elif found[f][0] != v or not self.same_expiry(x, found[f][1]):
                return False
        return True

    def same(self, e, f):
        """Does the model's entry e (or None) allow the server's f (or None)?"""
        if e is None:
            return f is None
        kind, v, x = e
        if f is None:
            return self.may_be_gone(x) or (kind == "hash" and all(self.may_be_gone(fx) for _, fx in v.values()))
        if f[0] != kind or not self.same_expiry(x, f[2]):
            return False
        return self.same_fields(v, f[1]) if kind == "hash" else v == f[1]


def interval(x):
    return None if x == -1 else (x, x)


def model_of(found):
    """A model that holds what was found."""
    m = ops.Model()
    for k, (kind, v, x) in found.items():
        if kind == "hash":
            v = {f: [y, interval(fx)] for f, (y, fx) in v.items()}
        m.data[k] = [kind, v, interval(x)]
    return m


class Verdict:
    """How much of a writer's items survived: the first `least` of them, or up to `most`, which leave the same state."""

    def __init__(self, w, least, most):
        self.lost = max(0, w.n_acked - most)
        self.last_sent = w.items[least - 1].sent_mono if least else 0
        self.first_lost_acked = w.items[most].acked_mono if most < w.n_acked else None


def short(v):
    """A value in few words: some are of many megabytes."""
    if isinstance(v, bytes) and len(v) > 60:
        return "%r... (%d bytes)" % (v[:50], len(v))
    if isinstance(v, (list, tuple)):
        return "[%s]" % ", ".join(map(short, v))
    if isinstance(v, dict):
        return "{%s}" % ", ".join("%r: %s" % (k, short(x)) for k, x in v.items())
    return repr(v)


def show(model, found, keys):
    return "\n".join("    %s\n      model %.600s\n      found %.600s" % (k, short(model.get(k)), short(found.get(k)))
                     for k in sorted(keys)[:4])


def settle(w, found, at_least, witness):
    """Find the j; the writer goes on from there. at_least: items that must have survived."""
    mine = found.of(w)
    m, never = w.model, found.ended
    for item in w.items[:at_least]:
        item.apply(m, never)
    seen = [n for number, n in witness if number == w.number]
    want = [item.n for item in w.items[:at_least] if item.tx]
    wrong = {k for k in set(m.data) | set(mine) if not found.same(m.data.get(k), mine.get(k))}
    at_first = show(m.data, mine, wrong) or "    transactions: %r, expected %r" % (seen[-5:], want[-5:])
    least = most = None
    for j in range(at_least, len(w.items) + 1):
        if not wrong and want == seen:
            least, most = j if least is None else least, j
        if j == len(w.items) or len(want) > len(seen):
            break
        item = w.items[j]
        item.apply(m, never)
        if item.tx:
            want.append(item.n)
        keys = item.keys()
        for k in (set(m.data) | set(mine) if keys is None else keys):
            if found.same(m.data.get(k), mine.get(k)):
                wrong.discard(k)
            else:
                wrong.add(k)
        if keys is None:
            wrong &= set(m.data) | set(mine)
    if least is None:
        raise Violation("connection %d: no state between item %d (the last that must be there) and %d (the last sent; %d "
                        "acknowledged) is what was recovered. Against the first:\n%s\n  last that must be there: %r" % (
                            w.number, at_least, len(w.items), w.n_acked, at_first, [
                                (o[0].__name__,) + tuple(str(a)[:30] for a in o[1])
                                for i in w.items[max(0, at_least - 4):at_least] for o in i.ops]))
    w.model = model_of(mine)
    return Verdict(w, least, most)


def check_order(verdicts):
    """What was recovered is a prefix: nothing that was sent after something lost had been acknowledged."""
    lost = [v.first_lost_acked for v in verdicts if v.first_lost_acked is not None]
    if lost:
        late = max(v.last_sent for v in verdicts)
        if late > min(lost):
            raise Violation("an item was recovered that was sent %.1f ms after one that was lost had been acknowledged" % (
                1000 * (late - min(lost))))


def check(server, writers, at_least, base):
    """All of it. at_least(w): items of w that must have survived. base: (g, witness) as they were before.
    Returns the new base, and the verdicts."""
    found = Found(server, sorted({w.db for w in writers} | {0}), [w.prefix for w in writers if w.db == 0])
    g, witness = base
    if found.witness[:len(witness)] != witness:
        raise Violation("the list of transactions has lost its beginning: %r" % found.witness[:5])
    fresh = found.witness[len(witness):]
    if found.g != g + len(fresh):
        raise Violation("g is %d, but %d transactions were recovered on top of %d" % (found.g, len(fresh), g))
    strangers = found.strangers(writers)
    if strangers:
        raise Violation("keys that nobody wrote: %r" % strangers[:5])
    verdicts = [settle(w, found, at_least(w), fresh) for w in writers]
    check_order(verdicts)
    return (found.g, found.witness), verdicts
