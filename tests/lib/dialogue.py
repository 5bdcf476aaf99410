"""Dialogues: a conversation with the server written as it would be read.

    SET k "Hello World"        => +OK
    GETRANGE k 0 4             => "Hello"
    LRANGE l 0 -1              => ["a" "b" :1 nil [ ]]
    SMEMBERS s                 => {"a" "b"}             in any order
    HGETALL h                  => %{"f" "v"}            pairs in any order (RESP2: flat array; RESP3: map)
    SMEMBERS s                 => ~{"a"}                RESP3 set
    PTTL k                     => :1..1000              an integer within bounds
    RANDOMKEY                  => *                     anything but an error
    GET nokey                  => nil                   null bulk (RESP3: null); nil* is the null array
    INCR l                     => -WRONGTYPE Operation against a key holding the wrong kind of value

Words are split as redis-cli does: quotes, \\n, \\x00. A line without => must succeed."""
import re

from resp import NIL_ARRAY, Bool, Double, Err, Map, Push, Set, Simple

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|%\{|~\{|>\[|[][{}]|[^\s\][{}]+)')


def unescape(text):
    out = bytearray()
    i = 0
    data = text.encode()
    plain = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("a"): 7, ord("b"): 8}
    while i < len(data):
        if data[i] == 0x5C and i + 1 < len(data):
            if data[i + 1] == ord("x"):
                out.append(int(data[i + 2:i + 4], 16))
                i += 4
                continue
            out.append(plain.get(data[i + 1], data[i + 1]))
            i += 2
            continue
        out.append(data[i])
        i += 1
    return bytes(out)


def words(text):
    out = []
    for m in re.finditer(r'"((?:[^"\\]|\\.)*)"|(\S+)', text):
        out.append(unescape(m.group(1)) if m.group(1) is not None else m.group(2).encode())
    return out


class Any:
    def __eq__(self, other):
        return not isinstance(other, Err)

    def __repr__(self):
        return "*"


class Between:
    def __init__(self, lo, hi):
        self.lo, self.hi = lo, hi

    def __eq__(self, other):
        return type(other) is int and self.lo <= other <= self.hi

    def __repr__(self):
        return ":%d..%d" % (self.lo, self.hi)


class Unordered:
    def __init__(self, items, kinds):
        self.items, self.kinds = items, kinds

    def __eq__(self, other):
        return type(other) in self.kinds and sorted(map(repr, self.items)) == sorted(map(repr, other))

    def __repr__(self):
        return "{%s}" % " ".join(map(repr, self.items))


class Pairs:
    """A map; its keys in any order, its values as expected."""

    def __init__(self, items):
        self.pairs = list(zip(items[::2], items[1::2]))

    def __eq__(self, other):
        if type(other) is list:
            other = list(zip(other[::2], other[1::2]))
        elif type(other) is not Map:
            return False
        key = lambda p: repr(p[0])
        mine, theirs = sorted(self.pairs, key=key), sorted(other, key=key)
        return len(mine) == len(theirs) and all(
            a[0] == b[0] and a[1] == b[1] for a, b in zip(mine, theirs))

    def __repr__(self):
        return "%%{%r}" % self.pairs


def parse_expected(text):
    text = text.strip()
    if text.startswith("+"):
        return Simple(text[1:])
    if text.startswith("-"):
        return Err(text[1:])
    tokens = _TOKEN.findall(text)
    value, rest = _parse(tokens)
    if rest:
        raise ValueError("left over in %r: %r" % (text, rest))
    return value


def _sequence(tokens, close):
    out = []
    while tokens[0] != close:
        v, tokens = _parse(tokens)
        out.append(v)
    return out, tokens[1:]


def _parse(tokens):
    t, rest = tokens[0], tokens[1:]
    if t == "[":
        return _sequence(rest, "]")
    if t == ">[":
        v, rest = _sequence(rest, "]")
        return Push(v), rest
    if t == "{":
        v, rest = _sequence(rest, "}")
        return Unordered(v, (list, Set)), rest
    if t == "~{":
        v, rest = _sequence(rest, "}")
        return Unordered(v, (Set,)), rest
    if t == "%{":
        v, rest = _sequence(rest, "}")
        return Pairs(v), rest
    if t.startswith('"'):
        return unescape(t[1:-1]), rest
    if t == "nil":
        return None, rest
    if t == "nil*":
        return NIL_ARRAY, rest
    if t == "*":
        return Any(), rest
    if t.startswith(":"):
        lo, dots, hi = t[1:].partition("..")
        return (Between(int(lo), int(hi)) if dots else int(lo)), rest
    if t.startswith(","):
        return Double(t[1:]), rest
    if t in ("#t", "#f"):
        return Bool(t[1:]), rest
    if t.startswith("+"):
        return Simple(t[1:]), rest
    raise ValueError("what is %r?" % t)


def same(expected, got):
    """Equality that lets the wildcards sit on the left at any depth, and keeps list kinds apart."""
    if type(expected) in (list, Push):
        return type(got) is type(expected) and len(got) == len(expected) and all(
            same(e, g) for e, g in zip(expected, got))
    if isinstance(expected, (Any, Between, Unordered, Pairs)):
        return expected == got
    return type(expected) is type(got) and expected == got


def talk(conn, script):
    """Hold the dialogue over conn."""
    for number, line in enumerate(script.split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        command, arrow, expected = line.partition(" => ")
        got = conn(*words(command))
        if not arrow:
            assert not isinstance(got, Err), "line %d: %s\n  said     %r" % (number, line, got)
            continue
        want = parse_expected(expected)
        assert same(want, got), "line %d: %s\n  expected %r\n  got      %r" % (number, command, want, got)
