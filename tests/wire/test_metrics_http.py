"""The HTTP port: health in each state of memd, who may read, and strangers who mean no good."""
import errno
import http.client
import os
import random
import resource
import socket
import threading
import time

import pytest

import faulty_disk as d
from exposition import Metrics, fetch
from resp import OK, Err
from server import PATIENCE, StartError, free_port, parse_info, wait_for

pytestmark = pytest.mark.memd_only

SEED = int(os.environ.get("MEMD_TEST_SEED", "20261121"))
VISITORS, QUEUE = 16, 8


def started(start, **settings):
    """When another process took the port meanwhile, try the next: as Server does for the port of Redis."""
    for attempt in range(5):
        port = free_port()
        try:
            s = start(metrics_port=port, **settings)
        except StartError as e:
            if "in use" not in str(e) or attempt == 4:
                raise
            continue
        s.metrics_port = port
        return s


def readiness(s):
    status, _, body = fetch(s.metrics_port, "/readyz")
    return status, body.decode().strip()


def connect(s, host="127.0.0.1"):
    sock = socket.create_connection((host, s.metrics_port), PATIENCE)
    sock.settimeout(PATIENCE)
    return sock


def read_all(sock):
    out = b""
    try:
        while True:
            got = sock.recv(1 << 16)
            if not got:
                return out
            out += got
    except ConnectionResetError:
        return out


def say(s, data):
    """What is answered to bytes, until it is closed."""
    with connect(s) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_all(sock)


# --- health -----------------------------------------------------------------------------------------------------


def test_a_daemon_that_serves_is_alive_and_ready(start):
    s = started(start)
    for path in ["/healthz", "/readyz", "/readyz?verbose=1"]:
        status, headers, body = fetch(s.metrics_port, path)
        assert (status, body) == (200, b"ok\n") and headers["Content-Type"] == "text/plain; charset=utf-8", path
        assert headers["Connection"] == "close" and headers["Cache-Control"] == "no-store"


def test_while_it_loads_it_is_alive_but_not_ready(start):
    s = started(start, appendonly="yes")
    c = s.conn()
    for i in range(400):  # one by one: each is a batch of the log, behind which others are answered
        c("SET", "k%d" % i, "v")
    s.kill9()
    s.settings["key_load_delay"] = 10000
    s.start(wait=False)

    def loads():
        try:
            return fetch(s.metrics_port, "/readyz")[0] == 503
        except OSError:
            return False

    wait_for(loads)
    status, why = readiness(s)
    assert status == 503 and why.startswith("loading: ") and why.endswith(" bytes")
    assert fetch(s.metrics_port, "/healthz")[0] == 200
    m = Metrics(s.metrics_port)
    assert m("memd_loading") == 1 and 0 < m("memd_load_size_bytes")
    s.conn().send("SHUTDOWN", "NOSAVE")
    assert s.wait_exit() == 0


def test_while_the_disk_refuses_writes_it_is_not_ready(start, tmp_path):
    disk = d.Disk(tmp_path)
    s = started(start, appendonly="yes", appendfsync="always", env=disk.env)
    c = s.conn()
    assert c("SET", "a", "1") == OK and readiness(s) == (200, "ok")
    disk.fail(d.SYNC, d.LOG, errno.EIO)
    c.send("SET", "a", "2")
    wait_for(lambda: readiness(s)[0] == 503)
    assert readiness(s)[1] == "MISCONF Errors writing to the AOF file: " + os.strerror(errno.EIO)
    assert fetch(s.metrics_port, "/healthz")[0] == 200
    m = Metrics(s.metrics_port)
    assert m("memd_writes_refused") == 1 and m("memd_aof_state", state="failing") == 1
    assert m("memd_aof_write_errors_total") >= 1
    disk.heal()
    assert c.read() == OK
    wait_for(lambda: readiness(s) == (200, "ok"))
    assert Metrics(s.metrics_port)("memd_writes_refused") == 0


def test_while_a_script_is_busy_it_is_alive_but_not_ready(start):
    s = started(start, busy_reply_threshold="10")
    c, other = s.conn(), s.conn()
    c.send("EVAL", "while true do end", 0)
    wait_for(lambda: readiness(s)[0] == 503)
    assert readiness(s)[1].startswith("BUSY Redis is busy running a script.")
    assert fetch(s.metrics_port, "/healthz")[0] == 200
    assert Metrics(s.metrics_port)("memd_script_busy") == 1
    assert other("SCRIPT", "KILL") == OK
    assert "killed" in str(c.read())
    assert readiness(s) == (200, "ok")


def test_nobody_hears_from_one_that_hangs_or_has_ended(start):
    s = started(start)
    with s.one_turn(), pytest.raises(TimeoutError):
        fetch(s.metrics_port, "/healthz", timeout=0.2)
    assert fetch(s.metrics_port, "/healthz")[0] == 200
    port = s.metrics_port
    s.stop()
    with pytest.raises(ConnectionRefusedError):
        fetch(port, "/healthz")


# --- who may ----------------------------------------------------------------------------------------------------


def bearer(s, header):
    return fetch(s.metrics_port, headers={} if header is None else {"Authorization": header})[0]


def test_with_a_password_metrics_are_for_those_who_know_it(start):
    s = started(start, metrics_password="open-sesame")
    for wrong in [None, "", "Bearer", "Bearer ", "Bearer open-sesam", "Bearer open-sesame2", "Basic open-sesame",
                  "open-sesame", "Bearer  open-sesame", "Bearer OPEN-SESAME"]:
        assert bearer(s, wrong) == 401, wrong
    assert bearer(s, "Bearer open-sesame") == 200 and bearer(s, "bearer open-sesame") == 200
    status, headers, body = fetch(s.metrics_port)
    assert "Metrics were asked for without the right password: addr=127.0.0.1" in s.log() and "sesam" not in s.log()
    assert headers["WWW-Authenticate"] == 'Bearer realm="memd"' and b"memd_" not in body and b"sesame" not in body
    assert fetch(s.metrics_port, "/healthz")[0] == 200 and readiness(s)[0] == 200
    c = s.conn()
    assert c("CONFIG", "SET", "metrics-password", "other") == OK
    assert bearer(s, "Bearer open-sesame") == 401 and bearer(s, "Bearer other") == 200
    assert c("CONFIG", "SET", "metrics-password", "") == OK
    assert bearer(s, None) == 200


def test_guessing_the_password_takes_long(start):
    """Answers to wrong passwords come no sooner than a tenth of a second later, sixteen at a time; health does not wait."""
    s = started(start, metrics_password="open-sesame")
    began = time.monotonic()
    socks = [connect(s) for _ in range(VISITORS - 4)]
    for sock in socks:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n")
    assert fetch(s.metrics_port, "/healthz")[0] == 200 and bearer(s, "Bearer open-sesame") == 200
    for sock in socks:
        assert read_all(sock).startswith(b"HTTP/1.1 401 ")
        sock.close()
    assert time.monotonic() - began >= 0.1
    # some wait when the port is closed, and when memd ends
    sock = connect(s)
    sock.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    wait_for(lambda: s.log().count("without the right password") >= 1)
    assert s.conn()("CONFIG", "SET", "metrics-port", 0) == OK
    assert b" 200 " not in read_all(sock)
    sock.close()


def own_address():
    """An address of this machine that is not a loopback one; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
            return probe.getsockname()[0]
        except OSError:
            return None


def test_protected_mode_keeps_metrics_from_other_machines(start):
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    s = started(start, metrics_bind="0.0.0.0")

    def ask(path="/metrics", password=None):
        with connect(s, address) as sock:
            extra = "Authorization: Bearer %s\r\n" % password if password else ""
            sock.sendall(("GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, extra)).encode())
            return read_all(sock)

    assert ask().startswith(b"HTTP/1.1 403 ") and b"memd_keys" not in ask()
    assert ask("/healthz").startswith(b"HTTP/1.1 200 ") and ask("/readyz").startswith(b"HTTP/1.1 200 ")
    assert fetch(s.metrics_port)[0] == 200
    c = s.conn()
    c("CONFIG", "SET", "metrics-password", "secret")
    assert ask().startswith(b"HTTP/1.1 401 ") and ask(password="secret").startswith(b"HTTP/1.1 200 ")
    c("CONFIG", "SET", "metrics-password", "", "protected-mode", "no")
    assert ask().startswith(b"HTTP/1.1 200 ")


OUR_NAMES = ["127.0.0.1", "127.0.0.1:%d", "localhost", "LOCALHOST:%d", "[::1]", "[::1]:%d", "192.0.2.7:80", "[2001:db8::7]"]
OTHER_NAMES = ["evil.example", "evil.example:%d", "127.0.0.1.evil.example", "localhost.evil.example:%d", "evil.localhost.example",
               "2130706433", "0x7f.1", "[evil.example]", "[::1", "[]", "[", "::1", "127.0.0.1:%d:%d", "[" + 200 * "1" + "]", 300 * "a"]


def test_a_page_that_gives_our_address_a_name_of_its_own_reads_nothing(start):
    """DNS rebinding: the browser on this machine connects to loopback, and says the page's name."""
    s = started(start)
    c = s.conn()

    def ask(name, path="/metrics", password=""):
        host = "Host: %s\r\n" % name.replace("%d", str(s.metrics_port)) if name else ""
        return say(s, ("GET %s HTTP/1.1\r\n%s%s\r\n" % (path, host, password)).encode())

    for name in OUR_NAMES:
        assert ask(name).startswith(b"HTTP/1.1 200 "), name
    for name in OTHER_NAMES:
        got = ask(name)
        assert got.startswith(b"HTTP/1.1 403 ") and b"localhost" in got and b"memd_keys" not in got, (name, got[:200])
        assert ask(name, "/healthz").startswith(b"HTTP/1.1 200 "), name
    assert "maybe by a web page: addr=127.0.0.1" in s.log()
    assert say(s, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")  # no browser's
    assert b" 403 " in say(s, b"GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    c("CONFIG", "SET", "metrics-password", "secret")  # which the page does not know
    assert ask("prometheus.example", password="Authorization: Bearer secret\r\n").startswith(b"HTTP/1.1 200 ")
    c("CONFIG", "SET", "metrics-password", "", "protected-mode", "no")
    assert ask("prometheus.example").startswith(b"HTTP/1.1 200 ")


# --- requests that are none of ours -----------------------------------------------------------------------------


def test_other_paths_and_methods_are_refused(start):
    s = started(start)
    for path in ["/", "/metric", "/metrics/", "//metrics", "/../metrics", "/%6detrics", "/healthz/x", "/" + 4000 * "a",
                 "/%00", "/?x=/metrics"]:
        assert fetch(s.metrics_port, path)[0] == 404, path
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]:
        status, headers, _ = fetch(s.metrics_port, "/metrics", method)
        assert status == 405 and headers["Allow"] == "GET, HEAD", method
    status, headers, body = fetch(s.metrics_port, "/metrics", "HEAD")
    assert status == 200 and body == b""
    assert say(s, b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1 413 " in say(s, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    assert b" 200 " not in say(s, b"FLY /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 OK" in say(s, b"GET /healthz HTTP/1.0\r\n\r\n")
    # one request for each connection
    assert say(s, 3 * b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").count(b"HTTP/1.1 200") == 1


def garbage(rng):
    good = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"
    kind = rng.randrange(6)
    if kind == 0:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 300))) + b"\r\n\r\n"
    if kind == 1:
        out = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            out[rng.randrange(len(out))] = rng.randrange(256)
        return bytes(out)
    if kind == 2:
        return b"*1\r\n$4\r\nPING\r\n" + b"SET a b\r\n" * rng.randrange(9)
    if kind == 3:
        return b"GET /metrics HTTP/%d.%d\r\n" % (rng.randrange(99999), rng.randrange(9)) + b"A: b\r\n" * rng.randrange(200) + b"\r\n"
    if kind == 4:
        return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % rng.choice([0, 5, 1 << 31, (1 << 64) - 1]) + b"x" * 9
    return b"GET " + rng.choice([b"", b"http://", b"http://[::1", b"*", b"/%", b"/%zz", b"/\x00", b"\xff" * 50]) + \
        b" HTTP/1.1\r\n" + rng.choice([b": x\r\n", b" y\r\n", b"Host\r\n", b"Content-Length: -1\r\n", b"\x00: \r\n"]) + b"\r\n"


def serves_in_time(s):
    """With a second for a request, one of our own may come too late."""
    try:
        return fetch(s.metrics_port, "/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def test_garbage_is_answered_with_an_error_or_the_end(start):
    """And memd lives, under the sanitizers too."""
    s = started(start, metrics_timeout="1")
    rng = random.Random(SEED)
    print("seed", SEED)
    for _ in range(300):
        data = garbage(rng)
        with connect(s) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            got = read_all(sock)
        assert got == b"" or got.startswith(b"HTTP/"), (data, got[:80])
    wait_for(lambda: serves_in_time(s))
    assert s.conn()("DBSIZE") == 0


def test_headers_have_a_bound(start):
    s = started(start)
    before = s.rss()
    for data in [b"GET /metrics HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(100000)),
                 b"GET /metrics HTTP/1.1\r\nX: " + b"y" * (8 << 20), b"GET /" + b"y" * (8 << 20)]:
        got = say(s, data)
        assert got == b"" or got.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ")), got[:60]
    assert s.rss() - before < 8 << 20
    assert fetch(s.metrics_port)[0] == 200


def test_one_who_sends_slowly_or_nothing_is_let_go(start):
    """However the bytes come: a connection has metrics-timeout, and not that from each byte on."""
    s = started(start, metrics_timeout="1")
    silent, drip = connect(s), connect(s)
    ended = threading.Event()

    def send_drops():
        try:
            while not ended.wait(0.05):
                drip.sendall(b"x")
        except OSError:
            pass

    t = threading.Thread(target=send_drops)
    t.start()
    try:
        assert read_all(silent) == b""
        assert read_all(drip) == b""
    finally:
        ended.set()
        t.join()
    # and one who asks, and does not read the answer
    deaf = connect(s)
    deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    silent.close(), drip.close()
    wait_for(lambda: serves_in_time(s))
    deaf.close()


def descriptors(s):
    return len(os.listdir("/proc/%d/fd" % s.pid))


def test_many_visitors_take_few_descriptors_and_go(start):
    s = started(start, metrics_timeout="60")
    c = s.conn()
    c("PING")
    before = descriptors(s)
    crowd = []
    for i in range(VISITORS):
        crowd.append(connect(s))
        wait_for(lambda: descriptors(s) == before + i + 1)
    for _ in range(50):  # the kernel keeps some of these waiting, and has others try again
        sock = socket.socket()
        sock.setblocking(False)
        assert sock.connect_ex(("127.0.0.1", s.metrics_port)) in (0, errno.EINPROGRESS)
        crowd.append(sock)
    for _ in range(20):
        c("PING")
    assert descriptors(s) <= before + VISITORS + QUEUE + 1
    assert int(c.info("clients")["connected_clients"]) == 1
    # they say nothing, and so go when their time is over; who comes later is served
    assert c("CONFIG", "SET", "metrics-timeout", 1) == OK
    for sock in crowd[:VISITORS]:
        assert read_all(sock) == b""
    for sock in crowd:
        sock.close()
    wait_for(lambda: serves_in_time(s))
    wait_for(lambda: descriptors(s) == before)


def test_without_descriptors_it_waits_and_does_not_spin(start):
    s = started(start)
    c = s.conn()
    c("PING")
    have = resource.prlimit(s.pid, resource.RLIMIT_NOFILE)
    highest = max(int(fd) for fd in os.listdir("/proc/%d/fd" % s.pid))
    resource.prlimit(s.pid, resource.RLIMIT_NOFILE, (highest + 1, have[1]))
    sock = connect(s)
    sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
    wait_for(lambda: "Accepting a connection to the metrics port: Too many open files" in s.log())
    told = c.pipeline([["INFO", "stats"], ["BLPOP", "nothing", 0.2], ["INFO", "stats"]])
    before, after = (int(parse_info(told[i])["eventloop_cycles"]) for i in (0, 2))
    assert after < before + 200
    resource.prlimit(s.pid, resource.RLIMIT_NOFILE, have)
    assert b"200 OK" in read_all(sock)
    sock.close()


def test_the_port_is_there_again_after_a_restart_in_place(start):
    s = started(start, appendonly="yes")
    c = s.conn()
    assert c("SET", "a", "1") == OK
    before = Metrics(s.metrics_port)("memd_start_time_seconds")
    c.send("RESTART")

    def restarted():
        try:
            return Metrics(s.metrics_port)("memd_start_time_seconds") > before
        except OSError:
            return False

    wait_for(restarted)
    wait_for(lambda: readiness(s) == (200, "ok"))
    assert Metrics(s.metrics_port)("memd_keys") == 1


def test_an_address_that_is_taken_is_an_error_at_start(start):
    s = started(start)
    from server import Server, StartError
    with pytest.raises(StartError) as e:
        Server(metrics_port=s.metrics_port, port=free_port())
    assert "Could not create server TCP listening socket 127.0.0.1:%d" % s.metrics_port in str(e.value)
    assert isinstance(s.conn()("CONFIG", "SET", "metrics-bind", ""), Err)
