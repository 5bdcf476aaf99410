"""TLS beside redis-server's: the generator is redis-benchmark --tls, as load.c speaks in the clear.

"new session" is a connection with a full handshake and one PING; the rest is the processor time of one operation on
connections that stand. "idle" is what one more connection takes of memory."""
import shutil
import socket
import statistics
import subprocess

import tls
from rig import LOAD_CORE, SERVERS, busy_ns, pin, pss_bytes, srv

CONNS = 50
ROWS = [("get", 1, 100000), ("get", 16, 400000), ("get", 100, 800000),
        ("set", 1, 100000), ("set", 16, 400000), ("set", 100, 800000)]


def rows(run):
    names = ["tls %s %d" % (w, p) for w, p, _ in ROWS] + ["tls get of 64 KiB", "tls new session", "tls idle"]
    if not any(run.wanted(n) for n in names):
        return
    if not shutil.which("redis-benchmark") or not shutil.which("openssl"):
        print("\nTLS: left out, there is no redis-benchmark or no openssl here")
        return
    run.title("TLS")
    files = tls.shared()
    ports, servers = {}, {}
    try:
        for name in SERVERS:
            ports[name] = srv.free_port()
            servers[name] = run.start(name, **tls.settings(files, tls_port=ports[name]))
        for work, pipeline, n in ROWS:
            if run.wanted("tls %s %d" % (work, pipeline)):
                speed(run, servers, ports, files, "tls %s %d" % (work, pipeline), n, ["-t", work, "-P", pipeline, "-r", 100000])
        if run.wanted("tls get of 64 KiB"):
            for s in servers.values():
                s.conn()("SET", "large", "x" * 65536)
            speed(run, servers, ports, files, "tls get of 64 KiB", 40000, ["GET", "large"])
        if run.wanted("tls new session"):
            speed(run, servers, ports, files, "tls new session", 4000, ["-k", 0, "-t", "ping_mbulk"])
        if run.wanted("tls idle"):
            idle = {name: idle_bytes(servers[name], ports[name], files) for name in SERVERS}
            run.row("tls idle", "KiB", idle["memd"] / 1024, idle["redis"] / 1024, None)
    finally:
        for s in servers.values():
            s.destroy()


def speed(run, servers, ports, files, name, n, work):
    n = n // 4 if run.quick else n
    took = {s: [] for s in servers}
    for _ in range(run.rounds):
        for s in servers:
            before = busy_ns(servers[s].pid)
            subprocess.run([str(x) for x in ["redis-benchmark", "-q", "-h", "localhost", "-p", ports[s], "--tls", "--cacert",
                                             files["ca.crt"], "-c", CONNS, "-n", n, *work]],
                           check=True, capture_output=True, preexec_fn=pin(LOAD_CORE))
            took[s].append((busy_ns(servers[s].pid) - before) / n / 1000)
    run.row(name, "us", took["memd"], took["redis"], None)


def idle_bytes(server, port, files, n=1000):
    ctx = tls.context(files)
    conns, sizes = [], []
    for part in range(3):
        for _ in range(n):
            c = ctx.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
            c.sendall(b"PING\r\n")
            assert c.recv(100) == b"+PONG\r\n"
            conns.append(c)
        sizes.append(pss_bytes(server.pid))
    for c in conns:
        c.close()
    return statistics.mean(b - a for a, b in zip(sizes, sizes[1:])) / n
