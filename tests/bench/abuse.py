"""What clients who behave wait for while others do not.

Readers come at a fixed rate (paced.c); after a window of peace the abuse begins, in a process of its own that yields to
them, and goes on for another. What counts is the ratio of the two, and what the server takes in memory for it."""
import contextlib
import os
import select
import socket
import subprocess
import sys
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), at) for at in (".", "../lib")]

import server as srv  # noqa: E402
from resp import encode  # noqa: E402
from rig import LOAD_CORE, SERVERS, Paced, pin  # noqa: E402

MEMORY = 256 << 20
MB = 1 << 20


def rows(rig):
    kinds = [kind for kind in KINDS if rig.wanted("abuse " + kind)]
    if kinds:
        rig.title("others' waiting under abuse, to that in peace")
    for kind in kinds:
        got = {name: [waits(rig, name, kind) for _ in range(rig.rounds)] for name in SERVERS}
        ratio = {name: [abuse["p99_us"] / peace["p99_us"] for peace, abuse, _ in got[name]] for name in SERVERS}
        rig.row("abuse %s, p99" % kind, "x", ratio["memd"], ratio["redis"], ("<=", 2.0))
        grown = {name: max(g[2] for g in got[name]) / MB for name in SERVERS}
        rig.row("abuse %s, memory above the data" % kind, "MB", grown["memd"], grown["redis"], None)
        for name in SERVERS:
            print("    %s: p50 %.0f to %.0f, p99 %.0f to %.0f, p99.9 %.0f to %.0f us; %d of %d refused" % ((name,) + tuple(
                w["%s_us" % q] for q in ("p50", "p99", "p999") for w in got[name][-1][:2]) + tuple(
                got[name][-1][1][f] for f in ("errors", "requests"))), flush=True)


def high_water(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def waits(rig, name, kind):
    """(figures in peace, under abuse, bytes of memory that came on top)."""
    seconds = 3 if rig.quick else 8
    s = rig.start(name, maxmemory=MEMORY, maxmemory_policy="allkeys-lru", tcp_backlog=4096)
    try:
        c = s.conn()
        for i in range(100):
            c("SET", "big:%d" % i, b"x" * MB)
        p = Paced(s, LOAD_CORE, first=True, refused=True, conns=50, rate=5000, writes=10, keys=10000)
        time.sleep(1)
        p.window()
        time.sleep(seconds)
        peace = p.window()
        before = high_water(s.pid)
        abuser = subprocess.Popen([sys.executable, "-I", os.path.abspath(__file__), str(s.port), kind],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=pin(LOAD_CORE))
        assert abuser.stdout.readline() == b"ready\n"
        p.window()
        time.sleep(seconds)
        abuse = p.end()
        abuser.stdin.close()
        abuser.wait()
        return peace, abuse, high_water(s.pid) - before
    finally:
        s.destroy()


# --- the abusers: each makes ready, says so, and then does its worst until its input ends ------------------------


def ready():
    print("ready", flush=True)


def goes_on():
    return not select.select([sys.stdin], [], [], 0)[0]


def connect(port, receive=None):
    s = socket.socket()
    if receive:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    s.connect(("127.0.0.1", port))
    s.setblocking(False)
    return s


def give(s, data):
    """Send what goes; how much it was. None: it is closed."""
    try:
        return s.send(data)
    except BlockingIOError:
        return 0
    except OSError:
        return None


class Sender:
    """Gives whole requests, whatever the socket takes at once; one that was thrown out comes again."""

    def __init__(self, port, receive=None, first=b""):
        self.port, self.receive, self.first = port, receive, first
        self.open()

    def open(self):
        self.s = connect(self.port, self.receive)
        self.rest = memoryview(self.first)

    def give(self, data):
        if not self.rest:
            self.rest = memoryview(data)
        n = give(self.s, self.rest)
        if n is None:
            self.s.close()
            self.open()
        else:
            self.rest = self.rest[n:]


def take(s):
    with contextlib.suppress(OSError):
        s.recv(1 << 18)


def at_rate(rate, what):
    began, n = time.monotonic(), 0
    while goes_on():
        while n < (time.monotonic() - began) * rate:
            what(n)
            n += 1
        time.sleep(0.001)


def idle(port):
    conns = [connect(port) for _ in range(10000)]
    ready()
    at_rate(1, lambda n: conns)


def active(port):
    conns = [connect(port) for _ in range(10000)]
    ready()

    def one(n):
        c = conns[n % len(conns)]
        take(c)
        give(c, encode(["GET", "key:%d" % n]))
    at_rate(5000, one)


def storm(port):
    ready()

    def one(_n):
        c = socket.socket()
        c.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            c.connect(("127.0.0.1", port))
        give(c, b"PING\r\n")
        c.close()
    at_rate(5000, one)


def slow_readers(port):
    conns = [Sender(port, 4096) for _ in range(20)]
    request = encode(["GET", "big:1"])
    ready()
    at_rate(2000, lambda n: conns[n % len(conns)].give(request))


def slowloris(port):
    conns = [Sender(port) for _ in range(5000)]
    request = encode(["SET", "slow", "x" * 1000])
    ready()
    at_rate(5000, lambda n: conns[n % len(conns)].give(request[n // len(conns) % len(request):][:1]))


def claims(port):
    conns = [Sender(port, first=b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n") for _ in range(1000)]
    ready()
    at_rate(2000, lambda n: conns[n % len(conns)].give(b"x" * 16384))


def pipeline(port):
    c = Sender(port)
    requests = encode(["GET", "key:1"]) * 1000
    ready()
    while goes_on():
        c.give(requests)
        take(c.s)


def transaction(port):
    c = connect(port)
    c.setblocking(True)
    ready()
    while goes_on():
        c.sendall(encode(["MULTI"]) + encode(["SET", "k", "v"]) * 100000 + encode(["DISCARD"]))
        got = b""
        while not got.endswith(b"+OK\r\n") or len(got) < 10:
            got = got[-10:] + c.recv(1 << 18)


def subscribers(port):
    conns = [Sender(port, 4096, encode(["SUBSCRIBE", "news"])) for _ in range(50)]
    c = Sender(port)
    message = encode(["PUBLISH", "news", "m" * 4096])
    ready()

    def one(n):
        conns[n % len(conns)].give(b"")
        c.give(message)
        take(c.s)
    at_rate(1000, one)


KINDS = {"10k idle": idle, "10k active": active, "storm 5k/s": storm, "slow readers": slow_readers, "slowloris": slowloris,
         "claims of 512 MB": claims, "pipeline": pipeline, "transactions": transaction, "subscribers": subscribers}

if __name__ == "__main__":
    os.nice(10)
    KINDS[sys.argv[2]](int(sys.argv[1]))
