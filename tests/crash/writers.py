"""Connections that write as fast as they may, and remember what was acknowledged when.

Each alone writes the keys of its prefix. Every fifth item is a transaction that also increments g and appends
"connection:number" to a list, both shared by all: the order in which transactions were executed. Four connections
live in a database of their own, which they sometimes flush."""
import select
import time

import ops
import resp
from choose import Chooser

DEPTHS = [1, 1000] + [10] * 4 + [1, 1, 3, 3, 30, 30, 100, 100, 5, 5]
OWN_DB_FROM = 12  # connections from here on
TX_SHARE = 0.2
DEADLINE = 60     # s that anything may take before the server is given up
REFUSED = (b"-MISCONF", b"-EXECABORT")
UNEXPECTED = (b"-OOM", b"-LOADING", b"-NOSCRIPT", b"-ERR unknown", b"-ERR wrong number")


def wall_ms():
    return int(time.time() * 1000)


class Item:
    """Operations that were asked for together: one, or those of a transaction."""
    __slots__ = ("n", "ops", "tx", "replies", "sent", "acked", "sent_mono", "acked_mono")

    def apply(self, model, never):
        t = (self.sent, self.acked or never)
        for f, args, _ in self.ops:
            try:
                f(model, t, *args)
            except ops.Wrong:
                pass

    def refuse(self):
        """It was not executed, and the client was told."""
        self.ops, self.tx = [], False

    def keys(self):
        """Those that it touches; None: all."""
        out = []
        for _, _, keys in self.ops:
            if keys is None:
                return None
            out += keys
        return out


class Writer:
    def __init__(self, number, rng):
        self.number, self.rng = number, rng
        self.prefix = b"o:%d:" % number
        self.db = number - OWN_DB_FROM + 1 if number >= OWN_DB_FROM else 0
        self.depth = DEPTHS[number]
        self.chooser = Chooser(rng, self.prefix, self.db > 0, big=number in (3, 13))
        self.model = ops.Model()
        self.items, self.n_acked, self.sock = [], 0, None
        select_0, select_own = resp.encode(["SELECT", 0]), resp.encode(["SELECT", self.db])
        self.around = (resp.encode(["MULTI"]), select_0 if self.db else b"", select_own if self.db else b"", resp.encode(["EXEC"]))

    def connect(self, server):
        self.items, self.n_acked = [], 0
        self.buf, self.out = bytearray(), b""
        self.sock = server.connect_socket()
        if self.db:
            self.sock.sendall(resp.encode(["SELECT", self.db]))
            assert self.sock.recv(100) == b"+OK\r\n"
        self.sock.setblocking(False)

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def new_item(self, out):
        item = Item()
        item.tx = self.rng.random() < TX_SHARE
        item.acked = item.acked_mono = None
        if item.tx:
            chosen = [self.chooser.choose() for _ in range(self.rng.randrange(1, 4))]
            first, before, after, last = self.around
            item.n = self.chooser.n
            out.append(first)
            out += [c[3] for c in chosen]
            out += [before, b"*2\r\n$4\r\nINCR\r\n$1\r\ng\r\n",
                    resp.encode(["RPUSH", "witness", "%d:%d" % (self.number, item.n)]), after, last]
            item.replies = 4 + len(chosen) + (2 if self.db else 0)
        else:
            chosen = [self.chooser.choose()]
            item.n = self.chooser.n
            out.append(chosen[0][3])
            item.replies = 1
        item.ops = [c[:3] for c in chosen]
        return item

    def send(self):
        """Fill the pipeline. False: the connection is gone."""
        if not self.out:
            out, fresh = [], []
            room = self.depth - (len(self.items) - self.n_acked)
            # Deep pipelines are filled when they are half empty: one connection shall not starve the others.
            if room <= 0 or (room < self.depth // 2 and self.depth > 3):
                return True
            size = 0
            while len(fresh) < min(room, 200) and size < 1 << 20:
                fresh.append(self.new_item(out))
                size += len(out[-1])
            now, mono = wall_ms(), time.monotonic()
            for item in fresh:
                item.sent, item.sent_mono = now, mono
            self.items += fresh
            self.out = b"".join(out)
        try:
            n = self.sock.send(self.out)
            self.out = self.out[n:]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def receive(self):
        """Take in what has come. False: the connection is gone."""
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        buf = self.buf
        buf += data
        at, now, mono = 0, wall_ms(), time.monotonic()
        items, n = self.items, self.n_acked
        while n < len(items):
            item = items[n]
            try:
                while item.replies:
                    end = skip_reply(buf, at)
                    if buf[at] == 0x2D and buf.startswith(REFUSED, at):
                        item.refuse()
                    at = end
                    item.replies -= 1
            except resp.Incomplete:
                break
            item.acked, item.acked_mono = now, mono
            n += 1
        self.n_acked = n
        del buf[:at]
        return True


def skip_reply(buf, at):
    """Where the reply that begins at `at` ends."""
    end = buf.find(b"\r\n", at)
    if end < 0:
        raise resp.Incomplete
    kind = buf[at]
    if kind == 0x2B or kind == 0x3A or kind == 0x2D:  # + : -
        if kind == 0x2D and buf.startswith(UNEXPECTED, at):
            raise AssertionError("an operation got %s" % bytes(buf[at:end]))
        return end + 2
    n = int(buf[at + 1:end])
    if kind == 0x24:
        if n < 0:
            return end + 2
        if len(buf) < end + n + 4:
            raise resp.Incomplete
        return end + n + 4
    at = end + 2
    for _ in range(max(n, 0)):
        at = skip_reply(buf, at)
    return at


class Load:
    """All writers of a server, and an administrator's connection beside them."""

    def __init__(self, server, writers):
        self.writers = writers
        self.poll = select.epoll()
        self.by_fd = {}
        for w in writers:
            w.connect(server)
            self.by_fd[w.sock.fileno()] = w
            self.poll.register(w.sock.fileno(), select.EPOLLIN)

    def run(self, until, stop=lambda: False):
        """Write until that (monotonic) time, or until stop() says so. False: the server went away."""
        for w in self.writers:
            if not w.send():
                return False
        while not stop():
            left = until - time.monotonic()
            if left <= 0:
                return True
            for fd, _ in self.poll.poll(min(left, 0.005)):
                w = self.by_fd[fd]
                if not w.receive() or not w.send():
                    return False
            for w in self.writers:
                if w.out and not w.send():
                    return False
        return True

    def drain(self):
        """Wait for all replies that are due; no new requests."""
        end = time.monotonic() + DEADLINE
        while any(w.n_acked < len(w.items) for w in self.writers):
            assert time.monotonic() < end, "replies are missing"
            for w in self.writers:
                if w.out:
                    assert w.send(), "the server closed a connection"
            for fd, _ in self.poll.poll(0.02):
                assert self.by_fd[fd].receive(), "the server closed a connection"

    def close(self):
        for w in self.writers:
            w.close()
        self.poll.close()

    def after_death(self):
        """Read what had left the server before it died."""
        for w in self.writers:
            w.sock.setblocking(True)
            w.sock.settimeout(DEADLINE)
            while w.receive():
                pass
        self.close()
