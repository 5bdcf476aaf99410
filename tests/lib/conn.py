"""A connection that sees every byte."""
import select
import socket

import patience
import resp


class Conn:
    """One connection. Calling it sends a request and returns the decoded reply."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(patience.PATIENCE)
        self.buf = bytearray()

    def __call__(self, *args):
        self.send(*args)
        return self.read()

    def send(self, *args):
        self.sock.sendall(resp.encode(args))

    def send_raw(self, data):
        self.sock.sendall(data)

    def read(self):
        return self.read_both()[0]

    def read_frame(self):
        """The next frame as bytes, exactly as they came."""
        return self.read_both()[1]

    def raw(self, *args):
        self.send(*args)
        return self.read_frame()

    def read_both(self):
        while True:
            try:
                value, end = resp.decode(self.buf)
            except resp.Incomplete:
                self._more()
                continue
            frame = bytes(self.buf[:end])
            del self.buf[:end]
            return value, frame

    def read_exact(self, n):
        while len(self.buf) < n:
            self._more()
        out = bytes(self.buf[:n])
        del self.buf[:n]
        return out

    def read_to_end(self):
        """All bytes until the server closes the connection."""
        try:
            while True:
                self._more()
        except (ConnectionError, EOFError):
            pass
        out = bytes(self.buf)
        self.buf.clear()
        return out

    def _more(self):
        """A byte at least. Decoding begins anew each time: of a large reply all that is there is taken, up to as much again."""
        enough = 2 * len(self.buf) if len(self.buf) > 1 << 16 else 0
        self._take()
        while len(self.buf) < enough and self._has_more():
            self._take()

    def _has_more(self):
        if getattr(self.sock, "pending", int)():
            return True
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLRDHUP)
        return [event for _, event in poll.poll(0)] == [select.POLLIN]  # no end, and nothing that is wrong

    def _take(self):
        data = self.sock.recv(1 << 18)
        if not data:
            raise EOFError("the server closed the connection; unread: %r" % bytes(self.buf[:200]))
        self.buf += data

    def pipeline(self, commands):
        """Send all in one piece, read one reply each."""
        self.sock.sendall(b"".join(resp.encode(c) for c in commands))
        return [self.read() for _ in commands]

    def is_closed(self):
        """Whether the server closed it (waits for that)."""
        try:
            self.read_to_end()
            return True
        except socket.timeout:
            return False

    def nothing_unread(self):
        """True when no byte waits here. A PING first makes this a fact about order, not time."""
        token = "sync-%d" % id(self)
        return self("PING", token) in (token.encode(), [b"pong", token.encode()]) and not self.buf

    def info(self, *sections):
        return parse_info(self("INFO", *sections))

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def parse_info(text):
    out = {}
    for line in text.decode().split("\r\n"):
        if line and not line.startswith("#"):
            k, _, v = line.partition(":")
            out[k] = v
    return out
