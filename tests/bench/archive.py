"""What the archive costs those who never wait for it, and how long those wait who do.

Readers of hot keys come at a fixed rate while another client writes sessions into a daemon that is full, at a fixed rate
too: each pushes an old one out. Once what is pushed out is gone, once it goes to the archive."""
import os
import subprocess
import sys
import time
from statistics import median

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), at) for at in (".", "../lib")]

import resp  # noqa: E402
import server as srv  # noqa: E402
from rig import LOAD_CORE, SERVER_CORE, Paced  # noqa: E402

MEMORY = 64 << 20
PADDING = "an old clock in the hall strikes a quarter to nine and nobody has ever set it right since the flood %d "


def rows(rig):
    """With and without in turn, so that what else the machine does falls on both; of each figure the median counts."""
    if not rig.wanted("archive"):
        return
    rig.title("the archive at work, 64 MB")
    for name, wrapper in (("two cores", ()), ("on one core", ("taskset", "-c", str(SERVER_CORE)))):
        got = {"none": [], "expire,evict": []}
        for _ in range(max(3, rig.rounds)):
            for archive in got:
                got[archive].append(waits(rig, wrapper, archive))
        plain, busy = got["none"], got["expire,evict"]
        for q in ("p50", "p99", "p999", "max"):
            rig.row("archive, reads %s, %s" % (name, q), "us", of(busy, q + "_us"), None, None)
            rig.row("    without", "us", of(plain, q + "_us"), None, None)
        rig.row("archive, p99.9 to that without", "x", median(of(busy, "p999_us")) / median(of(plain, "p999_us")), None, ("<=", 1.5))
        rig.row("archive, reactor waits for a core", "ms/s", of(busy, "kept_ms"), None, None)
        rig.row("    without", "ms/s", of(plain, "kept_ms"), None, None)
        print("    %d and %d evicted, %d archived; load of the machine %.1f" % (
            median(of(plain, "evicted")), median(of(busy, "evicted")), median(of(busy, "archived")), os.getloadavg()[0]), flush=True)


def of(rounds, name):
    return [r[name] for r in rounds]


def kept_ns(pid):
    """How long the reactor could have run and did not, as the kernel counts it."""
    with open("/proc/%d/task/%d/schedstat" % (pid, pid)) as f:
        return int(f.read().split()[1])


def session(i):
    return [b"SET", b"session:%d" % i, ("".join(PADDING % (i * 31 + k) for k in range(40))).encode()]


def feed(port, seconds, rate):
    """Sessions at a rate, in a process of its own."""
    c = srv.Conn(srv.socket.create_connection(("127.0.0.1", port)))
    began = time.monotonic()
    n = refused = 0
    while time.monotonic() - began < seconds:
        due = int((time.monotonic() - began) * rate)
        for got in c.pipeline([session(i) for i in range(n, min(due, n + 50))]):
            refused += isinstance(got, resp.Err)
        n = min(due, n + 50)
        if n >= due:
            time.sleep(0.002)
    print(n, refused)


def waits(rig, wrapper, archive):
    """A paced load's figures while the feeder is at work."""
    seconds, rate = (3, 1000) if rig.quick else (10, 1000)
    s = srv.Server(binary=srv.MEMD.path, wrapper=list(wrapper), appendonly="yes", appendfsync="everysec", maxmemory=MEMORY,
                   maxmemory_policy="allkeys-lru", namespace=["session:* archive %s recall read" % archive])
    try:
        c = s.conn()
        for i in range(0, 12000, 100):
            c.pipeline([session(-i - k) for k in range(1, 101)])
        feeder = subprocess.Popen([sys.executable, "-I", os.path.abspath(__file__), str(s.port), str(seconds + 2), str(rate)],
                                  stdout=subprocess.PIPE, text=True)
        p = Paced(s, LOAD_CORE, conns=50, rate=5000, writes=0, keys=1000)
        time.sleep(1)
        p.window()
        before, kept = c.info("stats", "archive"), kept_ns(s.pid)
        time.sleep(seconds)
        kept = kept_ns(s.pid) - kept
        got = p.end()
        got["kept_ms"] = kept / 1e6 / seconds
        after = c.info("stats", "archive")
        sent, refused = map(int, feeder.communicate()[0].split())
        assert refused == 0, "%d of %d sessions were refused: the rate is too high for this machine" % (refused, sent)
        got["evicted"] = int(after["evicted_keys"]) - int(before["evicted_keys"])
        got["archived"] = int(after.get("archive_applied", 0)) - int(before.get("archive_applied", 0))
        return got
    finally:
        s.destroy()


if __name__ == "__main__":
    feed(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
