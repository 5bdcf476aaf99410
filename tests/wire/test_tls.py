"""TLS: who gets in, what goes through, and what a stranger can do to those who are in."""
import errno
import os
import re
import resource
import select
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import resp
import tls
from resp import OK, PONG, Err
from server import MEMD, PATIENCE, ROOT, StartError, free_port, wait_for

pytestmark = pytest.mark.memd_only

if shutil.which("openssl") is None:
    pytest.skip("no openssl program to make certificates with", allow_module_level=True)

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13], ids=["1.2", "1.3"])


@pytest.fixture(scope="module")
def files():
    return tls.shared()


@pytest.fixture
def serve(start, files):
    """serve(tls_auth_clients="yes", ...): a server with a plain port as well; server.tls_port is the other."""
    def serve(name="server", **more):
        port = free_port()
        s = start(**tls.settings(files, name, tls_port=port, **more))
        s.tls_port = port
        return s
    return serve


def descriptors(s):
    return len(os.listdir("/proc/%d/fd" % s.pid))


def settled(s, plain):
    """Its descriptors while `plain` is its only client."""
    wait_for(lambda: plain.info("clients")["connected_clients"] == "1")
    return descriptors(s)


def end_of(sock):
    """What comes until the server closes; a reset is an end too, after bytes that it did not want."""
    out = b""
    try:
        while True:
            data = sock.recv(65536)
            if not data:
                return out
            out += data
    except ConnectionResetError:
        return out


def refused(port, ctx):
    """The handshake fails, or (TLS 1.3: the client is done before it is judged) what comes after it."""
    try:
        with tls.connect(port, ctx) as c:
            c("PING")
    except (ssl.SSLError, ConnectionError, EOFError) as e:
        return str(e) or "closed"
    return None


# --- clients that people use ---------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="no redis-cli here")
def test_redis_cli_speaks_to_it(serve, files):
    s = serve(tls_auth_clients="yes")

    def cli(*args):
        return subprocess.run(["redis-cli", "-h", "localhost", "-p", str(s.tls_port), "--tls", *args], capture_output=True,
                              text=True, timeout=PATIENCE)
    ours = ["--cacert", files["ca.crt"], "--cert", files["client.crt"], "--key", files["client.key"]]
    assert cli(*ours, "ping").stdout == "PONG\n"
    assert cli(*ours, "--sni", "other.name", "ping").stdout == "PONG\n"
    assert cli(*ours, "-3", "hset", "h", "f", "v").stdout == "1\n"
    assert "PONG" not in cli("--cacert", files["ca.crt"], "ping").stdout  # brings no certificate
    assert "PONG" not in cli("--cacert", files["other-ca.crt"], *ours[2:], "ping").stdout  # does not trust ours


def test_redis_py_checks_the_certificate_and_the_name(serve, files):
    import redis
    s = serve()

    def client(**kw):
        return redis.Redis(**{"host": "localhost", "port": s.tls_port, "ssl": True, "ssl_cert_reqs": "required",
                              "ssl_ca_certs": files["ca.crt"], "ssl_check_hostname": True, "socket_timeout": PATIENCE, **kw})
    r = client()
    assert r.ping() and r.set("k", b"v" * 100000) and r.get("k") == b"v" * 100000
    pipe = r.pipeline(transaction=False)
    for i in range(2000):
        pipe.incr("n")
    assert pipe.execute() == list(range(1, 2001))
    assert client(host="127.0.0.1").ping()
    for wrong in {"ssl_ca_certs": files["other-ca.crt"]}, {"ssl_ca_certs": files["client.crt"]}:
        with pytest.raises(redis.ConnectionError):
            client(**wrong).ping()
    # The certificate that is shown is for another name.
    named = serve("client")
    with pytest.raises(redis.ConnectionError):
        client(port=named.tls_port).ping()


def test_hiredis_ssl_speaks_to_it(serve, files, tmp_path):
    """hiredis 1.x alone; Debian 12 has an older one as a library, but redis-cli has a newer one inside."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hiredis_ssl", "hiredis"], capture_output=True, text=True)
    if flags.returncode != 0:
        pytest.skip("no hiredis with SSL here (pkg-config hiredis_ssl): redis-cli --tls stands for it")
    program = str(tmp_path / "hiredis_tls")
    subprocess.run(["gcc", "-o", program, os.path.join(ROOT, "tests/clients/hiredis_tls.c"), *flags.stdout.split(), "-lssl", "-lcrypto"],
                   check=True)
    s = serve(tls_auth_clients="yes")
    p = subprocess.run([program, str(s.tls_port), files["ca.crt"], files["client.crt"], files["client.key"]],
                       capture_output=True, text=True, timeout=PATIENCE)
    assert p.stdout == "ok\n", p.stderr


# --- who gets in ---------------------------------------------------------------------------------------------

@BOTH
@pytest.mark.parametrize("mode, good, none, bad", [("no", True, True, True), ("optional", True, True, False), ("yes", True, False, False)])
def test_certificates_of_clients(serve, files, mode, good, none, bad, version):
    s = serve(tls_auth_clients=mode)

    def gets_in(name):
        return refused(s.tls_port, tls.context(files, name, version)) is None
    assert gets_in("client") == good
    assert gets_in(None) == none
    for name in "stranger", "expired", "selfsigned":
        assert gets_in(name) == bad, name
    with tls.connect(s.tls_port, tls.context(files, "client", version)) as c:
        assert c("PING") == PONG


def test_versions_and_ciphers_are_those_of_the_settings(serve, files):
    s = serve()
    plain = s.conn()
    config = lambda *pairs: plain("CONFIG", "SET", *pairs)  # noqa: E731

    def cipher(version, ciphers=None):
        ctx = tls.context(files, version=version)
        if ciphers:
            ctx.set_ciphers(ciphers)
        with tls.connect(s.tls_port, ctx) as c:
            assert c("PING") == PONG
            return c.sock.cipher()[0]
    assert "GCM" in cipher(V12) and "GCM" in cipher(V13)
    assert refused(s.tls_port, old_client(files))
    with pytest.raises(ssl.SSLError):  # no forward secrecy, no authenticated encryption
        cipher(V12, "AES128-SHA256:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256")
    assert config("tls-protocols", "tlsv1.3") == OK
    assert refused(s.tls_port, tls.context(files, version=V12)) and cipher(V13)
    assert config("tls-protocols", "TLSv1.2") == OK
    assert refused(s.tls_port, tls.context(files, version=V13)) and cipher(V12)
    assert config("tls-protocols", "", "tls-ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305", "tls-ciphersuites",
                  "TLS_CHACHA20_POLY1305_SHA256") == OK
    assert cipher(V12) == "ECDHE-ECDSA-CHACHA20-POLY1305" and cipher(V13) == "TLS_CHACHA20_POLY1305_SHA256"
    assert config("tls-ciphersuites", "", "tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256") == OK
    theirs = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    assert cipher(V12, theirs) == "ECDHE-ECDSA-AES128-GCM-SHA256"
    assert config("tls-prefer-server-ciphers", "yes") == OK
    assert cipher(V12, theirs) == "ECDHE-ECDSA-AES256-GCM-SHA384"
    # DHE takes an RSA key here.
    assert config("tls-cert-file", files["rsa.crt"], "tls-key-file", files["rsa.key"], "tls-ciphers", "",
                  "tls-dh-params-file", files["dh.pem"]) == OK
    assert cipher(V12, "DHE-RSA-AES128-GCM-SHA256") == "DHE-RSA-AES128-GCM-SHA256"


def old_client(files):
    import warnings
    ctx = tls.context(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ctx.set_ciphers("ALL:@SECLEVEL=0")
        ctx.minimum_version, ctx.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return ctx


def test_a_user_named_by_a_certificate_has_no_more_connections_than_he_may(serve, files):
    s = serve(tls_auth_clients="optional", tls_auth_clients_user="CN", user_limits="alice 0 1")
    assert s.conn()("ACL", "SETUSER", "alice", "on", "+@all", "~*") == OK
    with tls.connect(s.tls_port, tls.context(files, "client")) as first:
        assert first("ACL", "WHOAMI") == b"alice"
        with tls.connect(s.tls_port, tls.context(files, "client")) as second:
            assert second.read() == Err("LIMIT This user has as many connections as it may have")
            assert second.is_closed()
        assert first("PING") == PONG and s.conn().info("stats")["user_limit_refused_connections"] == "1"


def test_a_certificate_names_a_user(serve, files):
    s = serve(tls_auth_clients="optional", tls_auth_clients_user="CN", requirepass="secret")
    admin = s.conn()
    for rule in ("alice", "on", "+@all", "~a:*"), ("bob", "off", "+@all"), ("evil", "on", "+@all"):
        assert admin("ACL", "SETUSER", *rule) == OK

    def who(name):
        with tls.connect(s.tls_port, tls.context(files, name)) as c:
            got = c("ACL", "WHOAMI")
            return got.decode() if isinstance(got, bytes) else got.split()[0]
    assert who("client") == "alice"
    assert who(None) == "NOAUTH"
    assert [who(name) for name in ("bob", "nobody", "nul", "two")] == ["NOAUTH"] * 4  # off, unknown, no name, which?
    assert admin.info("stats")["acl_access_denied_tls_cert"] == "4"
    entries = [dict(zip(e[::2], e[1::2])) for e in admin("ACL", "LOG")]
    assert {(e[b"reason"], e[b"username"]) for e in entries} >= {(b"tls-cert", b"bob"), (b"tls-cert", b"alice\0evil")}
    with tls.connect(s.tls_port, tls.context(files, "client")) as c:
        assert isinstance(c("GET", "b:1"), Err) and c("GET", "a:1") is None
        assert c("RESET") == resp.Simple("RESET") and c("GET", "a:1").startswith("NOAUTH")
        assert c("AUTH", "secret") == OK  # a password counts as ever
        assert c("ACL", "WHOAMI") == b"default"
    with tls.connect(s.tls_port, tls.context(files, "client")) as c:
        assert admin("ACL", "DELUSER", "alice") == 1
        assert c.is_closed()
    assert who("client") == "NOAUTH"
    assert admin("ACL", "SETUSER", "alice", "on", "+@all") == OK
    assert admin("CONFIG", "SET", "tls-auth-clients-user", "URI") == OK  # the first is not a user
    assert who("client") == "alice" and who("bob") == "NOAUTH"
    assert admin("CONFIG", "SET", "tls-auth-clients-user", "off") == OK
    assert who("client") == "NOAUTH"


# --- what goes through ---------------------------------------------------------------------------------------

@BOTH
def test_large_values_go_both_ways(serve, files, version):
    s = serve()
    with tls.connect(s.tls_port, tls.context(files, version=version)) as c:
        size = (64 if version == V13 else 8) << 20
        value = os.urandom(1 << 20) * (size >> 20)
        assert c("SET", "k", value) == OK
        assert c("GET", "k") == value
        assert c("STRLEN", "k") == size


@BOTH
def test_what_openssl_holds_is_read_without_the_socket(serve, files, version):
    """Many records come in one piece: after the first read the socket is empty, and only OpenSSL has more."""
    s = serve()
    sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
    r = tls.Records(tls.context(files, version=version))
    r.shake(sock, sock.sendall)
    # One record for each request; and requests that begin in one record and end in the next.
    requests = [resp.encode(["ECHO", "x" * (i % 700)]) for i in range(600)]
    replies = b"".join(b"$%d\r\n%s\r\n" % (i % 700, b"x" * (i % 700)) for i in range(600))
    sock.sendall(b"".join(map(r.say, requests)))
    assert r.hear(sock, len(replies)) == replies
    stream = b"".join(requests)
    sock.sendall(b"".join(r.say(stream[i:i + 1000]) for i in range(0, len(stream), 1000)))
    assert r.hear(sock, len(replies)) == replies
    sock.sendall(r.say(stream[:-1]))
    sock.sendall(r.say(stream[-1:]))
    assert r.hear(sock, len(replies)) == replies
    sock.close()


@BOTH
def test_pipelines_longer_than_a_record(serve, files, version):
    s = serve()
    with tls.connect(s.tls_port, tls.context(files, version=version)) as c:
        n = 20000
        c.send_raw(b"".join(resp.encode(["SET", "k%d" % (i % 100), i]) + resp.encode(["GET", "k%d" % (i % 100)]) for i in range(n)))
        assert [c.read() for _ in range(2 * n)] == [x for i in range(n) for x in (OK, b"%d" % i)]


@BOTH
def test_replies_that_wait_for_their_reader(serve, files, version):
    """They are in parts, and requests wait for them; no record is made twice, nor of other bytes than it began with."""
    s = serve()
    plain = s.conn()
    value = os.urandom(900000)
    plain("SET", "big", value)
    with tls.connect(s.tls_port, tls.context(files, version=version)) as c:
        c.send_raw((resp.encode(["GET", "big"]) + resp.encode(["INCR", "n"])) * 30)
        wait_for(lambda: int(plain.info("stats")["client_unread_held"]) >= 1)
        for i in range(30):
            assert c.read() == value and c.read() == i + 1


def test_a_handshake_and_the_first_request_in_one_piece(serve, files):
    """What follows the handshake is in OpenSSL's hands when the client comes to be."""
    s = serve()
    sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
    r = tls.Records(tls.context(files, version=V13))
    sock.sendall(r.hello())
    flights = []
    r.shake(sock, flights.append)  # the last flight of TLS 1.3 is ours: it leaves together with requests
    sock.sendall(b"".join(flights) + r.say(resp.encode(["PING"])) + r.say(resp.encode(["ECHO", "a"])))
    assert r.hear(sock, 14) == b"+PONG\r\n$1\r\na\r\n"
    sock.close()


def test_messages_monitors_and_waiting(serve, files):
    s = serve()
    ctx = tls.context(files)
    plain = s.conn()
    with tls.connect(s.tls_port, ctx) as sub, tls.connect(s.tls_port, ctx) as mon, tls.connect(s.tls_port, ctx) as pop:
        assert sub("SUBSCRIBE", "ch") == [b"subscribe", b"ch", 1]
        assert mon("MONITOR") == OK
        pop.send("BLPOP", "list", "0")
        wait_for(lambda: plain.info("clients")["blocked_clients"] == "1")
        assert plain("PUBLISH", "ch", "m" * 50000) == 1
        assert sub.read() == [b"message", b"ch", b"m" * 50000]
        assert plain("RPUSH", "list", "a") == 1
        assert pop.read() == [b"list", b"a"]
        seen = [mon.read() for _ in range(3)]
        assert '"BLPOP" "list" "0"' in seen[0] or any('"PUBLISH"' in x for x in seen)
        with tls.connect(s.tls_port, ctx) as cache:
            cache("HELLO", "3")
            assert cache("CLIENT", "TRACKING", "on") == OK and cache("GET", "k") is None
            plain("SET", "k", "v")
            assert cache.read() == resp.Push([b"invalidate", [b"k"]])


def test_a_client_that_waits_goes_on_with_what_was_sent_behind(serve, files):
    s = serve()
    plain = s.conn()
    with tls.connect(s.tls_port, tls.context(files)) as c:
        behind = [["ECHO", "y" * 100] for _ in range(2000)]
        c.send_raw(resp.encode(["BLPOP", "list", "0"]) + b"".join(map(resp.encode, behind)))
        wait_for(lambda: plain.info("clients")["blocked_clients"] == "1")
        plain("RPUSH", "list", "a")
        assert c.read() == [b"list", b"a"]
        assert [c.read() for _ in behind] == [b"y" * 100] * 2000


@BOTH
def test_good_byes(serve, files, version):
    s = serve()
    ctx = tls.context(files, version=version)
    with tls.connect(s.tls_port, ctx) as c:  # theirs: an end that is not torn off
        assert c("QUIT") == OK
        assert c.sock.recv(1) == b""
    sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
    r = tls.Records(ctx)
    r.shake(sock, sock.sendall)
    data = r.say(resp.encode(["ECHO", "z" * 100000]))
    with pytest.raises(ssl.SSLWantReadError):
        r.tls.unwrap()  # ours, with a request before it: that is answered, and then comes theirs
    sock.sendall(data + r.taken())
    wire = end_of(sock)
    records = []
    while wire:
        n = int.from_bytes(wire[3:5], "big")
        records.append((wire[0], n))
        wire = wire[5 + n:]
    assert sum(n for _, n in records) > 100000
    assert records[-1] == ((21, 26) if version == V12 else (23, 19)), "no good-bye at the end"
    sock.close()
    # No good-bye at all, and a reset.
    for linger in None, b"\1\0\0\0\0\0\0\0":
        c = tls.connect(s.tls_port, ctx)
        assert c("PING") == PONG
        if linger:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        c.close()
    plain = s.conn()
    wait_for(lambda: plain.info("clients")["connected_clients"] == "1")


def test_new_keys_in_the_middle(serve, files):
    """openssl's program asks for new keys of both sides, and goes on; in TLS 1.2 a new handshake is refused."""
    s = serve()
    for version, ask, answer in ("-tls1_3", "K\n", "KEYUPDATE"), ("-tls1_2", "R\n", "RENEGOTIATING"):
        p = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % s.tls_port, "-CAfile", files["ca.crt"], version],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = ""

        def until(what):
            nonlocal text
            while what not in text:
                assert select.select([p.stdout], [], [], PATIENCE)[0], text
                data = os.read(p.stdout.fileno(), 65536)
                assert data, text
                text += data.decode(errors="replace")
            text = text.split(what, 1)[1]
        try:
            until("Verify return code: 0")
            for word in "one", "two", "three":
                os.write(p.stdin.fileno(), b"ECHO %s\r\n" % word.encode())
                until("$%d\r\n%s" % (len(word), word) if version == "-tls1_3" else word)
                os.write(p.stdin.fileno(), ask.encode())
                until(answer)
                if version == "-tls1_2":
                    until("no renegotiation")
                    break
        finally:
            p.kill()
            p.wait()
            p.stdin.close()
            p.stdout.close()
    assert s.conn()("PING") == PONG


# --- sessions ------------------------------------------------------------------------------------------------

@BOTH
def test_sessions_are_resumed(serve, files, version):
    s = serve(tls_auth_clients="optional", tls_auth_clients_user="CN")
    s.conn()("ACL", "SETUSER", "alice", "on", "+@all", "~*")
    ctx = tls.context(files, "client", version)

    def again(session):
        with tls.connect(s.tls_port, ctx, session) as c:
            assert c("ACL", "WHOAMI") == b"alice"  # the certificate is remembered with the session
            reused, session = c.sock.session_reused, c.sock.session
            c.sock.unwrap()
            return reused, session
    reused, session = again(None)
    assert not reused
    reused, session = again(session)
    assert reused
    assert s.conn().info("stats")["tls_handshakes_resumed"] == "1"
    assert s.conn()("CONFIG", "SET", "tls-cert-file", files["server.crt"]) == OK  # another context
    reused, session = again(session)
    assert not reused
    assert s.conn()("CONFIG", "SET", "tls-session-caching", "no") == OK
    assert not again(again(None)[1])[0]


# --- strangers -----------------------------------------------------------------------------------------------

def test_in_the_clear_on_the_port_of_tls(serve):
    s = serve()
    plain = s.conn()
    for data in b"*1\r\n$8\r\nFLUSHALL\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\xff\xff" + b"\1" * 1000:
        with socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) as sock:
            sock.sendall(data)
            assert b"+OK" not in end_of(sock)
    assert "cmdstat_flushall" not in plain.info("commandstats")
    assert plain.info("stats")["tls_handshakes_failed"] == "4"
    assert re.findall(r"TLS handshake with 127\.0\.0\.1:\d+ failed: (.*)", s.log())[1] == "http request"


def test_a_handshake_byte_by_byte(serve, files):
    s = serve(tls_auth_clients="yes")
    for version in V12, V13:
        sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        r = tls.Records(tls.context(files, "client", version))

        def drip(data):
            for i in range(len(data)):
                sock.sendall(data[i:i + 1])
        r.shake(sock, drip)
        drip(r.say(resp.encode(["PING"])))
        assert r.hear(sock, 7) == b"+PONG\r\n"
        sock.close()


@BOTH
def test_a_handshake_that_ends_at_any_byte(serve, files, version):
    s = serve()
    plain = s.conn()
    before = settled(s, plain)
    hello = tls.Records(tls.context(files, version=version)).hello()
    for n in range(len(hello) + 1):
        with socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) as sock:
            sock.sendall(hello[:n])
    wait_for(lambda: descriptors(s) == before, "descriptors are lost")
    wait_for(lambda: plain.info("stats")["tls_handshakes_failed"] == str(len(hello) + 1))
    assert plain.info("clients")["connected_clients"] == "1"
    for i in range(0, len(hello), 7):  # and with one byte turned: some of that is another hello, but nothing breaks
        with socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) as sock:
            sock.sendall(hello[:i] + bytes([hello[i] ^ 0xff]) + hello[i + 1:])
            sock.shutdown(socket.SHUT_WR)
            end_of(sock)
    wait_for(lambda: descriptors(s) == before)


def test_a_handshake_that_is_not_begun_in_earnest_costs_little(serve, files):
    """OpenSSL has 80 KB for one. A stranger does not get them for a byte, nor for a hello that does not come to its end."""
    s = serve()
    plain = s.conn()
    context = tls.context(files)
    with tls.connect(s.tls_port, context) as c:  # what is needed once
        assert c("PING") == PONG
    before, n = int(plain.info("memory")["used_memory"]), 300
    pairs = [(socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE), tls.Records(context)) for _ in range(n)]
    hellos = [r.hello() for _, r in pairs]
    for begin, end in ((0, 1), (1, 5), (5, -1)):
        for (sock, _), hello in zip(pairs, hellos):
            sock.sendall(hello[begin:end])
        with tls.connect(s.tls_port, context) as c:  # its steps stood in line behind theirs
            assert c("PING") == PONG
        assert (int(plain.info("memory")["used_memory"]) - before) / n < 2048
    for (sock, r), hello in zip(pairs[:20], hellos):
        sock.sendall(hello[-1:])
        r.shake(sock, sock.sendall)
        sock.sendall(r.say(resp.encode(["PING"])))
        assert r.hear(sock, 7) == b"+PONG\r\n"
    for sock, _ in pairs:
        sock.close()


def test_handshakes_that_do_not_go_on_are_bounded(serve, files):
    """Each has sent a whole hello, for which OpenSSL has 46 KB. Some begin, and the others wait for them; who is in earnest
    gets in when the first have had their second."""
    s = serve()
    plain = s.conn()
    context = tls.context(files)
    with tls.connect(s.tls_port, context) as c:
        assert c("PING") == PONG
    before, n, most = int(plain.info("memory")["used_memory"]), 400, 128
    socks = [socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) for _ in range(n)]
    with s.one_turn():
        for sock in socks:
            sock.sendall(tls.Records(context).hello())
    wait_for(lambda: int(plain.info("stats")["tls_handshakes_held"]) >= n - 2 * most)
    assert int(plain.info("memory")["used_memory"]) - before < most * 80 * 1024 + n * 2048
    assert "TLS handshakes are under way" in s.log()
    wait_for(lambda: refused(s.tls_port, context) is None)  # one who is not quick gives way himself
    for sock in socks:
        sock.close()
    wait_for(lambda: plain.info("clients")["connected_clients"] == "1")
    with tls.connect(s.tls_port, context) as c:
        assert c("PING") == PONG


def test_a_handshake_has_a_time_limit(serve, files):
    s = serve()
    plain = s.conn()
    hello = tls.Records(tls.context(files)).hello()
    with tls.connect(s.tls_port, tls.context(files)) as c:
        socks = [socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) for _ in range(3)]
        for sock, data in zip(socks, (b"", hello[:100], hello)):
            sock.sendall(data)
        assert plain("CONFIG", "SET", "tls-handshake-timeout", 1) == OK
        for sock in socks:
            end_of(sock)
            sock.close()
        assert c("PING") == PONG  # who is in has all the time of the world
    assert plain.info("stats")["tls_handshakes_timed_out"] == "3"
    assert "it took too long" in s.log()


def test_handshakes_count_as_clients_and_give_way(serve, files):
    s = serve(maxclients="10")
    plain = s.conn()
    before = settled(s, plain)
    socks = [socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE) for _ in range(12)]
    wait_for(lambda: descriptors(s) == before + 9)
    # The oldest go when they have had a second, so that who is quick gets in.
    wait_for(lambda: refused(s.tls_port, tls.context(files)) is None)
    assert descriptors(s) <= before + 9
    stats = plain.info("stats")
    assert int(stats["rejected_connections"]) >= 3 and int(stats["tls_handshakes_timed_out"]) >= 1
    assert "there are maxclients (10) connections" in s.log()  # no reply can say it
    for sock in socks:
        sock.close()


def test_many_handshakes_at_once(serve, files):
    s = serve()
    ctx = tls.context(files)
    plain = s.conn()
    waiting, n = [], 120  # no more than may be under way: else the oldest would give way after a second
    for _ in range(n):
        sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
        r = tls.Records(ctx)
        sock.sendall(r.hello())
        waiting.append((sock, r))
    assert plain("PING") == PONG
    for sock, r in waiting:
        r.shake(sock, sock.sendall)
        sock.sendall(r.say(resp.encode(["PING"])))
    for sock, r in waiting:
        assert r.hear(sock, 7) == b"+PONG\r\n"
    assert plain.info("clients")["connected_clients"] == str(n + 1)
    for sock, _ in waiting:
        sock.close()
    wait_for(lambda: plain.info("clients")["connected_clients"] == "1")


@BOTH
def test_damaged_records_end_the_connection(serve, files, version):
    s = serve()
    for at in 0, 3, 5, -1:
        sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
        r = tls.Records(tls.context(files, version=version))
        r.shake(sock, sock.sendall)
        good, bad = r.say(resp.encode(["SET", "good", "1"])), bytearray(r.say(resp.encode(["SET", "bad", "1"])))
        bad[at] ^= 0x55
        sock.sendall(good + bytes(bad) + b"x" * 20000)
        end_of(sock)
        sock.close()
        plain = s.conn()
        assert plain("DEL", "good") == 1 and plain("EXISTS", "bad") == 0
        wait_for(lambda: plain.info("clients")["connected_clients"] == "1")
        plain.close()


def test_clients_that_are_killed_while_much_is_under_way(serve, files):
    """Replies that the peer does not take, bytes that OpenSSL holds, a blocked call: each at the moment of the kill."""
    s = serve()
    plain = s.conn()
    plain("SET", "big", "v" * (1 << 20))
    before = settled(s, plain)
    for round in range(3):
        socks = []
        for i in range(20):
            sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
            r = tls.Records(tls.context(files, version=(V12, V13)[i % 2]))
            r.shake(sock, sock.sendall)
            sock.setblocking(False)
            first = [resp.encode(["GET", "big"]), resp.encode(["BLPOP", "l", "0"]), resp.encode(["SUBSCRIBE", "c"]), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$90000000\r\n"][i % 4]
            data = r.say(first) + b"".join(r.say(resp.encode(["GET", "big"])) for _ in range(10))
            try:
                sock.send(data)
            except BlockingIOError:
                pass
            socks.append(sock)
        wait_for(lambda: len(plain("CLIENT", "LIST", "TYPE", "normal").splitlines()) + len(plain("CLIENT", "LIST", "TYPE", "pubsub").splitlines()) >= 21)
        plain.pipeline([["PUBLISH", "c", "x" * 100000], ["RPUSH", "l", "1"],
                        ["MULTI"], ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"], ["CLIENT", "KILL", "TYPE", "pubsub"], ["EXEC"]])
        wait_for(lambda: descriptors(s) == before)
        for sock in socks:
            sock.close()
    assert plain("PING") == PONG


def test_a_reader_that_is_slow_gets_everything(serve, files):
    s = serve()
    plain = s.conn()
    value = bytes(range(256)) * (1 << 15)
    plain("SET", "k", value)
    for version in V12, V13:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(PATIENCE)
        sock.connect(("127.0.0.1", s.tls_port))
        r = tls.Records(tls.context(files, version=version))
        r.shake(sock, sock.sendall)
        sock.sendall(r.say(resp.encode(["GET", "k"])))
        wait_for(lambda: re.search(r"events=rw", plain("CLIENT", "LIST").decode()))
        # More comes behind what is stuck, from another side: the record that is under way stays the same.
        sock.sendall(r.say(resp.encode(["CLIENT", "ID"])))
        head = b"$%d\r\n" % len(value)
        assert r.hear(sock, len(head) + len(value) + 2) == head + value + b"\r\n"
        assert r.hear(sock, 1) == b":"
        sock.close()


# --- settings ------------------------------------------------------------------------------------------------

def shown(port, files):
    with tls.connect(port, tls.context(files)) as c:
        assert c("PING") == PONG
        return ssl.DER_cert_to_PEM_cert(c.sock.getpeercert(True)).strip()


def pem(files, name):
    with open(files[name + ".crt"]) as f:
        return f.read().strip()


def test_renewed_certificates_are_taken_without_closing_anybody(serve, files, tmp_path):
    cert, key = str(tmp_path / "m.crt"), str(tmp_path / "m.key")

    def put(name):
        for end, path in (".crt", cert), (".key", key):
            shutil.copy(files[name + end], path + ".new")
            os.rename(path + ".new", path)
    put("server")
    s = serve(tls_cert_file=cert, tls_key_file=key)
    plain, old = s.conn(), tls.connect(s.tls_port, tls.context(files))
    assert old("SET", "k", "v") == OK and shown(s.tls_port, files) == pem(files, "server")
    put("renewed")
    assert shown(s.tls_port, files) == pem(files, "server")  # not before it is told
    assert plain("CONFIG", "SET", "tls-cert-file", cert) == OK  # the same names: other files
    assert shown(s.tls_port, files) == pem(files, "renewed")
    put("rsa")
    s.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: "TLS certificates read again" in s.log())
    assert "reopened" not in s.log()  # the log has no file
    assert shown(s.tls_port, files) == pem(files, "rsa")
    # Broken ones change nothing.
    with open(cert, "w") as f:
        f.write("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    s.proc.send_signal(signal.SIGHUP)
    wait_for(lambda: "keeping the old ones" in s.log())
    assert shown(s.tls_port, files) == pem(files, "rsa")
    os.remove(key)
    got = plain("CONFIG", "SET", "tls-key-file", key)
    assert got == Err("ERR CONFIG SET failed (possibly related to argument 'tls-key-file') - Unable to update TLS "
                      "configuration. Check server logs.")
    assert shown(s.tls_port, files) == pem(files, "rsa")
    assert old("GET", "k") == b"v"
    old.close()


def test_signals_to_the_very_end_do_no_harm(serve, files):
    """SIGHUP while it frees what the certificates are in; and many of them make few readings."""
    s = serve(enable_debug_command="yes", save="3600 1000000")
    c = tls.connect(s.tls_port, tls.context(files))
    c("DEBUG", "POPULATE", 20000)
    for _ in range(300):
        s.proc.send_signal(signal.SIGHUP)
        assert c("PING") == PONG
    wait_for(lambda: "TLS certificates read again" in s.log())
    assert s.log().count("TLS certificates read again") < 250
    s.proc.send_signal(signal.SIGTERM)
    while s.proc.poll() is None:
        s.proc.send_signal(signal.SIGHUP)
    assert s.wait_exit() == 0
    c.close()


def test_settings_change_together_or_not_at_all(serve, files):
    s = serve()
    plain = s.conn()

    def setting(name):
        return plain("CONFIG", "GET", name)[1].decode()
    wrong = [("tls-cert-file", files["renewed.crt"]),  # not with that key
             ("tls-key-file", files["renewed.key"]), ("tls-cert-file", "/nowhere"), ("tls-ca-cert-file", files["server.key"]),
             ("tls-protocols", "TLSv1.2 SSLv3"), ("tls-protocols", "TLSv1.1 TLSv1.3"), ("tls-ciphers", "nothing"),
             ("tls-ciphersuites", "nothing"), ("tls-dh-params-file", files["ca.crt"]), ("tls-key-file", files["server.pass.key"]),
             ("tls-ca-cert-dir", "/nowhere")]
    for name, value in wrong:
        was = setting(name)
        got = plain("CONFIG", "SET", "maxmemory", "123456789", name, value)
        assert isinstance(got, Err) and "'%s') - Unable to update TLS configuration" % name in got, (name, got)
        assert setting(name) == was and setting("maxmemory") == "0"
    got = plain("CONFIG", "SET", "tls-ca-cert-file", "", "tls-auth-clients", "yes")  # who may sign?
    assert isinstance(got, Err)
    assert shown(s.tls_port, files) == pem(files, "server")
    # A port that is taken takes back the certificate as well.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        got = plain("CONFIG", "SET", "tls-cert-file", files["renewed.crt"], "tls-key-file", files["renewed.key"],
                    "tls-port", taken.getsockname()[1])
        assert "Unable to listen on this port" in got
    assert shown(s.tls_port, files) == pem(files, "server")
    assert plain("CONFIG", "SET", "tls-cert-file", files["renewed.crt"], "tls-key-file", files["renewed.key"]) == OK
    assert shown(s.tls_port, files) == pem(files, "renewed")
    assert plain("CONFIG", "SET", "tls-key-file-pass", "secret pass", "tls-key-file", files["server.pass.key"],
                 "tls-cert-file", files["server.crt"]) == OK
    assert shown(s.tls_port, files) == pem(files, "server")
    assert "secret pass" not in s.log()


def test_the_port_moves_and_comes_and_goes(serve, files):
    s = serve()
    plain, old = s.conn(), tls.connect(s.tls_port, tls.context(files))
    assert plain.info("server")["listener1"] == "name=tls,bind=127.0.0.1,bind=-::1,port=%d" % s.tls_port
    other = free_port()
    assert plain("CONFIG", "SET", "tls-port", other) == OK
    assert shown(other, files) == pem(files, "server")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
    assert plain("CONFIG", "SET", "tls-port", 0) == OK
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", other), PATIENCE)
    assert old("PING") == PONG and "listener1" not in plain.info("server")
    # Without a port nobody asks what the files are; with one somebody does.
    assert plain("CONFIG", "SET", "tls-cert-file", "/nowhere") == OK
    assert "Unable to update TLS" in plain("CONFIG", "SET", "tls-port", other)
    assert plain("CONFIG", "SET", "tls-port", other, "tls-cert-file", files["server.crt"]) == OK
    assert plain("CONFIG", "SET", "port", 0, "proc-title-template", "{title} {tls-port}") == OK
    with tls.connect(other, tls.context(files)) as c:
        info = c.info("server")
        assert info["listener0"].startswith("name=tls") and info["tcp_port"] == str(other)
        with open("/proc/%d/cmdline" % s.pid) as f:
            assert f.read().rstrip("\0") == "memd %d" % other


@pytest.mark.parametrize("wrong, says", [
    ({"tls_cert_file": ""}, "tls-port needs tls-cert-file"),
    ({"tls_key_file": ""}, "tls-port needs tls-key-file"),
    ({"tls_cert_file": "/nowhere.crt"}, "tls-cert-file /nowhere.crt: No such file or directory"),
    ({"tls_auth_clients": "yes", "tls_ca_cert_file": ""}, "neither tls-ca-cert-file nor tls-ca-cert-dir"),
    ({"tls_protocols": "TLSv9"}, "TLSv9 is none of TLSv1"),
])
def test_what_it_cannot_start_with_is_said(start, files, tmp_path, wrong, says):
    with pytest.raises(StartError) as e:
        start(**tls.settings(files, tls_port=free_port(), **wrong))
    assert says in str(e.value) and "Failed to configure TLS" in str(e.value)
    conf = tmp_path / "memd.conf"
    conf.write_text("".join("%s %s\n" % (k.replace("_", "-"), v or '""') for k, v in tls.settings(files, tls_port=1, **wrong).items()))
    p = subprocess.run([MEMD.path, "--check-config", str(conf)], capture_output=True, text=True, timeout=PATIENCE)
    assert p.returncode == 1 and says in p.stdout + p.stderr


def test_ping_asks_over_tls(serve, files):
    s = serve(tls_auth_clients="yes")

    def ping(*args):
        return subprocess.run([MEMD.path, "--ping", "--host", "localhost", "--port", str(s.tls_port), "--tls", *args],
                              capture_output=True, text=True, timeout=PATIENCE, env={})
    ours = ["--cert", files["client.crt"], "--key", files["client.key"]]
    p = ping("--cacert", files["ca.crt"], *ours)
    assert (p.returncode, p.stdout) == (0, "PONG\n")
    assert ping("--insecure", *ours).returncode == 0
    for wrong in ["--cacert", files["other-ca.crt"], *ours], ["--cacert", files["ca.crt"]], ours:
        p = ping(*wrong)
        assert p.returncode == 1 and p.stdout == "" and "memd --ping: " in p.stderr, (wrong, p.stderr)


def test_what_is_sent_behind_a_password_that_waits_is_not_read_yet(serve, files):
    """After guesses a password waits for its turn. Records that OpenSSL has taken already stay with it: a stranger may send
    only so much, and one that has its requests behind its password would be closed for them."""
    s = serve(requirepass="pw", auth_delay_max=60000)
    known, ctx = s.conn(), tls.context(files)
    with s.conn(auth=False) as c:
        for _ in range(6):
            assert str(c("AUTH", "wrong")).startswith("WRONGPASS")
    sock = socket.create_connection(("127.0.0.1", s.tls_port), PATIENCE)
    r = tls.Records(ctx)
    r.shake(sock, sock.sendall)
    sock.sendall(r.say(resp.encode(["AUTH", "pw"]) + resp.encode(["APPEND", "k", "x" * 500]) * 400))
    wait_for(lambda: known.info("stats")["auth_waiting"] == "1")
    assert r.hear(sock, 5) == b"+OK\r\n"
    wait_for(lambda: known("STRLEN", "k") == 200000)
    sock.close()
