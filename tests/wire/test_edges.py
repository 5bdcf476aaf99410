"""Every number of every command at the edges of what a number can be; every command on every type of key, on one key twice,
with an argument too few and one too many. What must come is a reply, and afterwards the data must be sound, the memory where it
was, and the daemon alive. Under the sanitizers nothing may be said.

The requests follow from the commands' own documents (tests/lib/surface.py)."""
import pytest
import resp
import server as srv
import surface

pytestmark = pytest.mark.memd_only

EDGES = [str(n).encode() for n in (
    -2**63, -2**63 + 1, -2**31 - 1, -1, 0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 2**53, 2**53 + 1,
    2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30)] + [b"1e400", b"", b" 1", b"0x1", b"nan", b"inf", b"-inf", b"-0", b"1.5"]
NUMBERS = ("integer", "double", "unix-time", "string")
MB = 1 << 20


@pytest.fixture(scope="module")
def edges():
    s = srv.Server(enable_debug_command="yes", proto_max_bulk_len="1mb", archive_query_timeout="200", busy_reply_threshold="0", auth_delay_max="0",
                   loglevel="warning")
    try:
        yield s
        s.stop()
    finally:
        s.destroy()


@pytest.fixture
def c(edges):
    conn = edges.conn(resp3=True)
    surface.fill(conn)
    return conn


def wrapped(form, request):
    """What would wait does not within a transaction; there a pause is over before anybody notices."""
    if "blocking" in form.flags or form.name in ("client|pause", "wait", "waitaof"):
        return [[b"MULTI"], request, [b"CLIENT", b"UNPAUSE"], [b"EXEC"]]
    if form.name == "select":
        return [request, [b"SELECT", b"0"]]
    return [request]


def say(c, *request):
    """The reply, whatever else is pushed before it."""
    c.send(*request)
    return replies(c, 1)[0]


def replies(c, n):
    got = []
    while len(got) < n:
        reply = c.read()
        if not isinstance(reply, resp.Push):
            got.append(reply)
    return got


def told(cases):
    return b"; ".join(b" ".join(w[:40] for w in request) for _, request in cases[-3:])


def ask(edges, c, name, cases):
    """Run them all, in one piece: each has as many replies as requests, and leaves the data sound."""
    requests = [r for form, request in cases for r in wrapped(form, request)]
    try:
        c.send_raw(b"".join(resp.encode(r) for r in requests))
        replies(c, len(requests))
        assert say(c, "CLIENT", "TRACKING", "OFF") == resp.OK
        assert say(c, "DEBUG", "CHECK") == resp.OK, name
    except (EOFError, OSError) as e:
        raise AssertionError("%s, like %r: %r\n%s" % (name, told(cases), e, edges.log()[-6000:]))
    assert edges.proc.poll() is None, edges.log()[-6000:]


def by_command(forms):
    out = {}
    for f in forms:
        out.setdefault(f.name, []).append(f)
    return out


def numbers_of(form):
    """Requests with each number at each edge, one at a time. A string may be a number too: some edges for it."""
    for at in form.places(NUMBERS):
        for edge in EDGES[::3] if form.words[at].kind == "string" else EDGES:
            yield form.request({at: edge})


def test_every_number_of_every_command_at_every_edge(edges, c):
    """CVE-2021-32761, 2022-35977, 2023-22458 and their kin."""
    n = 0
    for name, forms in by_command(surface.forms(c)).items():
        cases = [(f, r) for f in forms for r in numbers_of(f)]
        n += len(cases)
        if not cases:
            continue
        before = int(c.info("memory")["used_memory"])
        assert c("CONFIG", "RESETSTAT") == resp.OK
        ask(edges, c, name, cases)
        memory = c.info("memory")
        assert int(memory["used_memory_peak"]) - before < 48 * MB, (name, memory["used_memory_peak"], before)
        surface.fill(c)
    assert n > 5000


def spoilt(form):
    """As it is, on each key for all of its keys; and with each argument left out, said twice, or empty."""
    keys = surface.ALL_KEYS if form.places(("key",)) else [None]
    for key in keys:
        yield form.request(key=key)
    whole = form.request()
    head = 2 if "|" in form.name else 1
    for at in range(head, len(whole)):
        yield whole[:at] + whole[at + 1:]
        yield whole[:at] + [whole[at]] + whole[at:]
        yield form.request({at: b""})
    yield whole + whole[head:]


def test_every_command_on_every_type_with_keys_said_twice_and_arguments_missing(edges, c):
    """CVE-2023-28425, 2023-28856, 2021-32625 and their kin."""
    n = 0
    for name, forms in by_command(surface.forms(c)).items():
        cases = [(f, r) for f in forms for r in spoilt(f)]
        n += len(cases)
        ask(edges, c, name, cases)
        surface.fill(c)
    assert n > 8000


# What would have the tests' server listen elsewhere, or the tests lose their way in.
NOT_SET = {"port", "tls-port", "metrics-port", "bind", "requirepass", "enable-debug-command", "maxclients", "timeout", "auth-timeout"}


def test_every_setting_at_every_edge(edges, c):
    """CVE-2016-8339, redis 15390. Each is refused or taken; then it is as it was."""
    settings = dict(zip(*[iter(flat(c("CONFIG", "GET", "*")))] * 2))
    values = EDGES + [b"1gb", b"-1gb", b"9223372036854775807gb", b"18014398509481984kb", b"1zb", b"x", b"nosuch 0 0 0", b"normal 1 2",
                      b"normal -1 -1 -1", b"pubsub 9223372036854775808 1 1", b"\xff\xfe", b"a\r\nb", b"y" * 5000]
    assert c("CLIENT", "NO-EVICT", "on") == resp.OK  # maxmemory-clients of one byte
    n = 0
    for name, was in settings.items():
        if name.decode() in NOT_SET or name.startswith((b"tls-", b"log", b"syslog")):
            continue
        for value in values:
            reply = say(c, "CONFIG", "SET", name, value)
            assert reply == resp.OK or isinstance(reply, resp.Err), (name, value, reply)
            if reply == resp.OK:
                n += 1
                assert say(c, "CONFIG", "SET", name, was) == resp.OK, (name, value, was)
    assert n > 100
    assert say(c, "DEBUG", "CHECK") == resp.OK
    assert dict(zip(*[iter(flat(c("CONFIG", "GET", "*")))] * 2)) == settings


def flat(reply):
    return [w for pair in reply for w in pair] if isinstance(reply, resp.Map) else reply


FORGED = b"x\r\n+OK\r\n$1\r\n\0y\n\r-ERR z\r\n"
LINES = (resp.Err, resp.Simple, resp.Double, resp.Big)


def lines_of(reply):
    """Every part of a reply that is a line, and so must not have another in it."""
    if isinstance(reply, list):
        for part in reply:
            yield from lines_of(list(part) if isinstance(part, tuple) else part)
    elif isinstance(reply, LINES):
        yield reply


def test_whatever_bytes_are_sent_one_request_has_one_reply(edges, c):
    """CVE-2025-67733: lines of a reply that its sender had written. Each argument of each command in turn, and its name."""
    for name, forms in by_command(surface.forms(c)).items():
        n_head = 2 if "|" in name else 1
        cases = [f.request({at: FORGED}) for f in forms for at in range(n_head, len(f.words))]
        whole = forms[0].request()
        cases += [[whole[0] + FORGED] + whole[1:], [whole[0], FORGED] + whole[1:], whole + [FORGED] * 3]
        for request in cases:
            head = [[b"MULTI"], request, [b"DISCARD"]] if "blocking" in forms[0].flags else [request]
            c.send_raw(b"".join(resp.encode(r) for r in head) + resp.encode(["CLIENT", "TRACKING", "OFF"]) + resp.encode(["ECHO", "end"]))
            got = replies(c, len(head) + 2)
            assert got[-2:] == [resp.OK, b"end"], (request, got)
            for line in lines_of(got):
                assert not set(str(line)) & set("\r\n"), (request, line)
    surface.fill(c)
