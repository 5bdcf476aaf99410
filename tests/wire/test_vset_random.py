"""Random commands on vector sets beside a model, with all that must hold checked (DEBUG CHECK walks each set and its graph)."""
import random
import struct

import pytest

from resp import Err, OK

DIM = 12
KEYS = ["a", "b", "c"]


class Model:
    """Which elements each key has, with their attributes."""

    def __init__(self, c, r, quant):
        self.c, self.r, self.quant, self.sets = c, r, quant, {}

    def vector(self):
        return struct.pack("<%df" % DIM, *(self.r.gauss(0, 1) for _ in range(DIM)))

    def name(self):
        return b"e%d" % self.r.randrange(150)

    def key(self):
        return self.r.choice(KEYS)

    def vadd(self):
        key, name = self.key(), self.name()
        attr = self.r.choice([None, b"", b'{"n":%d}' % self.r.randrange(9)])
        more = [] if attr is None else ["SETATTR", attr]
        have = self.sets.setdefault(key, {})
        assert self.c("VADD", key, "FP32", self.vector(), name, self.quant, "M", 5, "EF", 20, *more) == (name not in have)
        have[name] = (have.get(name) if attr is None else attr) or None

    def vrem(self):
        key, name = self.key(), self.name()
        have = self.sets.get(key, {})
        assert self.c("VREM", key, name) == (name in have)
        have.pop(name, None)
        if not have:
            self.sets.pop(key, None)

    def vsetattr(self):
        key, name, attr = self.key(), self.name(), self.r.choice([b"", b'{"m":1}'])
        have = self.sets.get(key, {})
        assert self.c("VSETATTR", key, name, attr) == (name in have)
        if name in have:
            have[name] = attr or None

    def forget(self):
        key = self.key()
        assert self.c(*self.r.choice([("DEL", key), ("PEXPIREAT", key, 1), ("UNLINK", key)])) == (key in self.sets)
        self.sets.pop(key, None)

    def copy(self):
        a, b = self.r.sample(KEYS, 2)
        if a not in self.sets:
            return
        how = self.r.choice(["COPY", "RENAME", "RESTORE"])
        if how == "RENAME":
            assert self.c("RENAME", a, b) == OK
            self.sets[b] = self.sets.pop(a)
            return
        if how == "COPY":
            assert self.c("COPY", a, b, "REPLACE") == 1
        else:
            assert self.c("RESTORE", b, 0, self.c("DUMP", a), "REPLACE") == OK
        self.sets[b] = dict(self.sets[a])

    def vsim(self):
        key = self.key()
        have = self.sets.get(key, {})
        got = self.c("VSIM", key, "FP32", self.vector(), "COUNT", 200, "TRUTH")
        assert sorted(got) == sorted(have)
        if have:
            name = self.r.choice(sorted(have))
            near = self.c("VSIM", key, "ELE", name, "COUNT", 5, "FILTER", ".n >= 4")
            assert all(have[x] and have[x].startswith(b'{"n":') for x in near)

    def look(self):
        for key in KEYS:
            have = self.sets.get(key, {})
            assert self.c("VCARD", key) == len(have) and self.c("VRANGE", key, "-", "+") == sorted(have)
            for name in sorted(have):
                assert self.c("VGETATTR", key, name) == have[name]


@pytest.mark.parametrize("quant", ["NOQUANT", "Q8", "BIN"])
def test_random_commands(start, quant):
    print("seed 11")
    s = start(appendonly="yes", enable_debug_command="yes", appendfsync="no")
    m = Model(s.conn(), random.Random(11), quant)
    steps = [m.vadd] * 60 + [m.vrem] * 25 + [m.vsetattr] * 6 + [m.vsim] * 6 + [m.copy] * 2 + [m.forget]
    for step in range(2400):
        m.r.choice(steps)()
        if step % 150 == 0:
            assert m.c("DEBUG", "CHECK") == OK
            m.look()
    s.restart(kill=True)
    m.c = s.conn()
    assert m.c("DEBUG", "CHECK") == OK
    m.look()
    assert m.c("SET", "a", "x") == OK and m.c("VCARD", "a") == Err("WRONGTYPE Operation against a key holding the wrong kind of value")
