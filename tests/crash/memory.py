"""Memory, the long form: what a full daemon takes beside maxmemory, and the kernel's OOM killer.

    make memory [SECONDS=60] [ROUNDS=5] [SEED=n]

The first part fills a daemon far beyond maxmemory with values of all types and sizes, while clients that never
read hold replies, and samples its resident memory. The second part runs it in a control group that is too
small: the kernel kills it, and everything acknowledged must be there after the restart."""
import argparse
import os
import random
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from resp import OK, encode  # noqa: E402
from server import Conn, Server  # noqa: E402

MB = 1 << 20
FIXED_MB = 48  # of the program (14, empty), and what clients' buffers left that is not given back yet
PEOPLE = 6


def size(r):
    """Bytes, as many orders of magnitude as there are, small ones more often."""
    return int(16 * 2 ** (r.random() ** 2 * 13))


def command(r):
    k = r.randrange(200000)
    v = os.urandom(8) * (size(r) // 8 + 1)
    kind = r.randrange(20)
    if kind < 9:
        return ("SET", "k%d" % k, v, "EX", r.randrange(1, 10000)) if k % 3 == 0 else ("SET", "k%d" % k, v)
    if kind < 11:
        return "HSET", "h%d" % (k % 5000), "f%d" % r.randrange(500), v[:2000]
    if kind < 13:
        return "RPUSH", "l%d" % (k % 5000), v[:2000]
    if kind < 14:
        return "LTRIM", "l%d" % (k % 5000), -20, -1
    if kind < 15:
        return "ZADD", "z%d" % (k % 500), r.random(), "m%d" % r.randrange(5000)
    if kind < 16:
        return "SADD", "s%d" % (k % 500), "m%d" % r.randrange(5000)
    if kind < 17:
        return ("APPEND", "k%d" % k, v[:500])
    if kind < 18:
        return "XADD", "x%d" % (k % 500), "MAXLEN", "~", 100, "*", "f", v[:300]
    if kind < 19:
        return "GET", "k%d" % k
    return "UNLINK", "k%d" % k, "h%d" % (k % 5000)


def write(s, seed, stop):
    r = random.Random(seed)
    with s.conn() as c:
        while not stop.is_set():
            c.pipeline([command(r) for _ in range(100)])


def hoard(s, stop):
    """Ask for much and read nothing, until thrown out; then again."""
    while not stop.is_set():
        with socket.socket() as k:
            k.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            k.connect(("127.0.0.1", s.port))
            k.settimeout(1)
            try:
                for _ in range(50):
                    k.sendall(encode(["GET", "hoard"]) * 20)
                    time.sleep(0.02)
            except OSError:
                pass
            stop.wait(0.5)


def bound(seconds, seed, maxmemory_mb=200):
    s = Server(maxmemory="%dmb" % maxmemory_mb, maxmemory_policy="allkeys-lru", maxmemory_clients="10%",
               maxclients=200, enable_debug_command="yes")
    c = s.conn()
    empty = s.rss()
    c("SET", "hoard", b"x" * 100000)
    stop = threading.Event()
    threads = [threading.Thread(target=write, args=(s, seed + i, stop)) for i in range(PEOPLE)]
    threads += [threading.Thread(target=hoard, args=(s, stop)) for _ in range(10)]
    for t in threads:
        t.start()
    worst = worst_used = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)
        if s.rss() > worst:
            worst, at_worst = s.rss(), c.info("memory")
        worst_used = max(worst_used, int(c.info("memory")["used_memory"]))
    stop.set()
    for t in threads:
        t.join()
    evicted = c.info("stats")["evicted_keys"]
    print("maxmemory %d MB: %s keys evicted; resident at most %.1f MB, that is %.3f x maxmemory (%.3f x without the "
          "%.1f MB of an empty one); used_memory at most %.1f MB" % (
              maxmemory_mb, evicted, worst / MB, worst / MB / maxmemory_mb, (worst - empty) / MB / maxmemory_mb,
              empty / MB, worst_used / MB))
    s.stop()
    s.destroy()
    print("  then: " + ", ".join("%s %s" % (k, at_worst[k]) for k in ("used_memory", "allocator_allocated", "allocator_active",
          "allocator_resident", "allocator_muzzy", "mem_clients_normal") if k in at_worst))
    assert int(evicted) > 1000, "it was never full"
    assert worst <= maxmemory_mb * MB * 1.10 + FIXED_MB * MB, "more than maxmemory x 1.10 + %d MB" % FIXED_MB


# --- the OOM killer ---------------------------------------------------------------------------------------------


def make_group(limit):
    """A control group with so little memory; None: not possible here."""
    name = "memd-test-%d" % os.getpid()
    for top, key, swap in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
                           ("/sys/fs/cgroup", "memory.max", "memory.swap.max")):
        path = os.path.join(top, name)
        try:
            os.mkdir(path)
            with open(os.path.join(path, key), "w") as f:
                f.write(str(limit))
        except OSError:
            if os.path.isdir(path):
                os.rmdir(path)
            continue
        try:
            with open(os.path.join(path, swap), "w") as f:
                f.write(str(limit) if "memsw" in swap else "0")
        except OSError:
            pass  # no swap is counted here
        return path
    return None


def killed(group, seed, fsync):
    r = random.Random(seed)
    s = Server(appendonly="yes", appendfsync=fsync, wrapper=["sh", "-c", 'echo $$ > %s/cgroup.procs; exec "$0" "$@"' % group])
    acknowledged, sent = 0, 0
    c = Conn(s.connect_socket())
    try:
        while True:
            n = r.randrange(1, 50)
            c.send_raw(b"".join(encode(["SET", "k%d" % (sent + i), b"v" * 20000]) for i in range(n)))
            sent += n
            for _ in range(n):
                assert c.read() == OK
                acknowledged += 1
    except (EOFError, ConnectionError):
        pass
    code = s.proc.wait(30)
    assert code == -signal.SIGKILL, "it ended with %d: %s" % (code, s.log()[-2000:])
    s.proc, s.wrapper, s.conns = None, [], []
    s.start()
    c = s.conn()
    found = c("DBSIZE")
    assert acknowledged <= found <= sent, (acknowledged, found, sent)
    for i in range(0, acknowledged, 500):
        keys = ["k%d" % k for k in range(i, min(i + 500, acknowledged))]
        assert c("EXISTS", *keys) == len(keys)
    s.stop()
    s.destroy()
    return acknowledged


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--maxmemory-mb", type=int, default=200)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    seed = a.seed or random.randrange(1, 1 << 30)
    print("SEED=%d" % seed, flush=True)
    bound(a.seconds, seed, a.maxmemory_mb)
    group = make_group(64 * MB)
    if group is None:
        print("no control group can be made here: the OOM killer was not tried")
        return
    try:
        for i in range(a.rounds):
            fsync = ("always", "everysec")[i % 2]
            n = killed(group, seed + i, fsync)
            print("killed by the kernel at 64 MB, appendfsync %s: %d writes acknowledged, none lost" % (fsync, n), flush=True)
    finally:
        os.rmdir(group)


if __name__ == "__main__":
    main()
