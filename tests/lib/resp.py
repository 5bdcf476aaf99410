"""A small RESP2/RESP3 reader and writer of our own.

A client library hides what the tests must see: the exact bytes of a frame, null bulks against null
arrays, simple strings against bulks. Every RESP type has a Python type here that equals nothing else:

    +OK      Simple("OK")        $1 v   b"v"          :1   1            *2 ..  list
    -ERR x   Err("ERR x")        $-1 _  None          *-1  NIL_ARRAY    %1 ..  Map (list of pairs)
    ,1.5     Double("1.5")       #t     Bool("t")     (1   Big("1")     ~1 ..  Set     >1 ..  Push
    =8 txt:  Verbatim(b"..")
"""


class Incomplete(Exception):
    """The buffer ends within a frame."""


class _Text(str):
    """A string that equals only one of its own kind."""

    def __eq__(self, other):
        return type(self) is type(other) and str.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash((type(self).__name__, str(self)))

    def __repr__(self):
        return "%s(%s)" % (type(self).__name__, str.__repr__(self))


class Simple(_Text):
    pass


class Err(_Text):
    pass


class Double(_Text):
    pass


class Bool(_Text):
    pass


class Big(_Text):
    pass


class Verbatim(bytes):
    pass


class _Seq(list):
    def __eq__(self, other):
        return type(self) is type(other) and list.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    def __repr__(self):
        return type(self).__name__ + list.__repr__(self)


class Map(_Seq):
    """Pairs in the order in which they came."""

    def dict(self):
        return {k: v for k, v in self}


class Set(_Seq):
    pass


class Push(_Seq):
    pass


class Attributed(_Seq):
    """[attributes, value]"""


class _NilArray:
    def __repr__(self):
        return "NIL_ARRAY"


NIL_ARRAY = _NilArray()
OK = Simple("OK")
PONG = Simple("PONG")
QUEUED = Simple("QUEUED")


def encode(args):
    """One request."""
    out = [b"*%d\r\n" % len(args)]
    for a in args:
        if isinstance(a, str):
            a = a.encode("utf-8", "surrogateescape")
        elif not isinstance(a, (bytes, bytearray)):
            a = str(a).encode()
        out.append(b"$%d\r\n" % len(a))
        out.append(bytes(a))
        out.append(b"\r\n")
    return b"".join(out)


def _line(buf, at):
    end = buf.find(b"\r\n", at)
    if end < 0:
        raise Incomplete
    return buf[at:end], end + 2


def _items(buf, at, n):
    out = []
    for _ in range(n):
        v, at = decode(buf, at)
        out.append(v)
    return out, at


def decode(buf, at=0):
    """The frame at buf[at] and where the next one begins."""
    if at >= len(buf):
        raise Incomplete
    kind = buf[at]
    line, at = _line(buf, at + 1)
    if kind == 0x24 or kind == 0x3D or kind == 0x21:  # $ = !
        n = int(line)
        if n < 0:
            return None, at
        if len(buf) < at + n + 2:
            raise Incomplete
        body = bytes(buf[at:at + n])
        if buf[at + n:at + n + 2] != b"\r\n":
            raise ValueError("bulk of %d bytes does not end with CRLF" % n)
        at += n + 2
        if kind == 0x24:
            return body, at
        return (Verbatim(body) if kind == 0x3D else Err(body.decode("utf-8", "surrogateescape"))), at
    if kind == 0x3A:  # :
        return int(line), at
    if kind == 0x2B:
        return Simple(line.decode("utf-8", "surrogateescape")), at
    if kind == 0x2D:
        return Err(line.decode("utf-8", "surrogateescape")), at
    if kind == 0x2A:  # *
        n = int(line)
        return (NIL_ARRAY, at) if n < 0 else _items(buf, at, n)
    if kind == 0x5F:  # _
        return None, at
    if kind == 0x2C:
        return Double(line.decode()), at
    if kind == 0x23:
        return Bool(line.decode()), at
    if kind == 0x28:
        return Big(line.decode()), at
    if kind == 0x7E:  # ~
        items, at = _items(buf, at, int(line))
        return Set(items), at
    if kind == 0x3E:  # >
        items, at = _items(buf, at, int(line))
        return Push(items), at
    if kind == 0x25:  # %
        items, at = _items(buf, at, 2 * int(line))
        return Map(zip(items[::2], items[1::2])), at
    if kind == 0x7C:  # |
        items, at = _items(buf, at, 2 * int(line))
        value, at = decode(buf, at)
        return Attributed([Map(zip(items[::2], items[1::2])), value]), at
    raise ValueError("not RESP: %r" % bytes(buf[max(0, at - 40):at + 40]))
