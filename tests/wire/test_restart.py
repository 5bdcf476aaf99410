"""RESTART: the program begins anew and nobody who connects is refused."""
import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import resp
from resp import Err, OK, PONG
from server import Conn, MEMD, PATIENCE, Server, free_port, wait_for
from supervisor import Supervisor, passing

pytestmark = pytest.mark.memd_only

MODES = {"always": {"appendonly": "yes", "appendfsync": "always"},
         "everysec": {"appendonly": "yes", "appendfsync": "everysec"},
         "snapshot": {"save": "3600 1000000"}}


def run_id_by(connect, password=None):
    """Of the server that answers now; None while none does."""
    try:
        with Conn(connect()) as c:
            if password:
                c("AUTH", password)
            got = c("INFO", "server")
            return None if isinstance(got, Err) else got.split(b"run_id:")[1][:40]
    except (OSError, EOFError):
        return None


def run_id(s):
    return run_id_by(s.connect_socket, s.password)


def restarted(s, was):
    """Wait for the new life; nothing may have been refused on the way."""
    return wait_for(lambda: run_id(s) not in (None, was))


def restart(s, *words):
    was = run_id(s)
    c = s.conn()
    assert c("RESTART", *words) == OK
    assert c.is_closed()
    restarted(s, was)


class Storm(threading.Thread):
    """Connects without a pause, asks, and notes what it was told. A refused connection is one note too many."""

    def __init__(self, connect):
        super().__init__()
        self.connect, self.over = connect, threading.Event()
        self.refused, self.answered, self.waited = [], 0, 0.0

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                with self.connect() as sock:
                    sock.settimeout(PATIENCE)
                    sock.sendall(b"PING\r\n")
                    got = sock.recv(100)
            except (ConnectionRefusedError, FileNotFoundError, TimeoutError) as e:
                self.refused.append(e)
                continue
            except ConnectionError:
                continue  # it was in when the old one went, as at any end
            self.answered += got.startswith((b"+PONG", b"-LOADING"))
            self.waited = max(self.waited, time.monotonic() - began)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def local(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(path)
    return s


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_nobody_is_refused_and_nothing_is_lost(start, tmp_path, mode):
    path = str(tmp_path / "s")
    s = start(unixsocket=path, **mode)
    pid, c = s.pid, s.conn()
    for i in range(3):
        with Storm(s.connect_socket) as tcp, Storm(lambda: local(path)) as unix:
            assert c("SET", "k%d" % i, "v" * 1000) == OK
            wait_for(lambda: tcp.answered and unix.answered)
            restart(s)
            before = tcp.answered, unix.answered
            wait_for(lambda: tcp.answered > before[0] and unix.answered > before[1])
        assert not tcp.refused and not unix.refused
        c = s.conn()
        assert [c("GET", "k%d" % n) for n in range(i + 1)] == [b"v" * 1000] * (i + 1)
        assert c.info("server")["process_id"] == str(pid) and s.proc.poll() is None
    assert s.log().count("Restarting in place") == 3
    assert len([n for n in os.listdir("/proc/%d/fd" % pid)]) < 40, "each life closes what it opened"


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_long_load_is_told_to_those_who_connect_meanwhile(start, mode):
    """The new program answers while it loads, for as long as that takes: nobody is refused, nobody waits for the end."""
    s = start(conf="timeout 7\n", **mode)
    c = s.conn()
    for i in range(100):  # one by one: each is a batch of the log, behind which clients are answered
        assert c("SET", "k%d" % i, "v") == OK
    with open(os.path.join(s.dir, "test.conf"), "a") as f:
        f.write("\nkey-load-delay 100000\n")  # ten seconds, if nobody cut it short
    with Storm(s.connect_socket) as storm:
        assert c("RESTART") == OK
        seen = wait_for(lambda: says_loading(s))
        n = storm.answered
        wait_for(lambda: storm.answered > n + 10)
        assert says_loading(s)
        assert "load" in seen("RESTART").lower()
        assert seen("CONFIG", "SET", "key-load-delay", "0") == OK
        wait_for(lambda: not says_loading(s))
    assert not storm.refused
    assert s.conn()("DBSIZE") == 100


def says_loading(s):
    """A connection to a server that loads, or None."""
    try:
        c = s.conn()
        return c if str(c("GET", "k0")).startswith("LOADING") else None
    except (OSError, EOFError):
        return None


def test_waiting_clients_are_let_go_and_what_they_wrote_is_there(start):
    s = start(**MODES["always"])
    waiter, sub, multi, c = s.conn(), s.conn(), s.conn(), s.conn()
    waiter.send("BLPOP", "nothing", 0)
    sub("SUBSCRIBE", "ch")
    multi("MULTI")
    multi("SET", "in-multi", 1)
    c.send_raw(b"".join(resp.encode(["SET", "k%d" % i, "v"]) for i in range(2000)))
    assert c.read() == OK
    was = run_id(s)
    with s.conn() as r:
        assert r("RESTART") == OK
    n = 1 + c.read_to_end().count(b"+OK")
    assert waiter.is_closed() and sub.is_closed() and multi.is_closed()
    restarted(s, was)
    c = s.conn()
    assert c("EXISTS", *["k%d" % i for i in range(n)]) == n and c("EXISTS", "in-multi") == 0


def test_the_directory_stays_locked_throughout(start):
    """A second daemon that tries all the time gets in at no moment."""
    s = start(**MODES["snapshot"])
    with open(os.path.join(s.dir, "LOCK")) as f:
        import fcntl

        def try_it():
            with open(os.path.join(s.dir, "LOCK")) as mine:
                try:
                    fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                except BlockingIOError:
                    return False

        got, over = [], threading.Event()

        def all_the_time():
            while not over.is_set():
                got.append(try_it())

        t = threading.Thread(target=all_the_time)
        t.start()
        try:
            for _ in range(5):
                restart(s)
        finally:
            over.set()
            t.join()
        assert got and not any(got)
        assert int(f.readline()) == s.pid


def test_settings_are_those_of_the_file_and_the_arguments(start):
    s = start(conf="maxmemory 50mb\ntimeout 7\n", loglevel="verbose")
    c = s.conn()
    c("CONFIG", "SET", "maxmemory", "60mb", "hz", "20")
    path = os.path.join(s.dir, "test.conf")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("timeout 7", "timeout 8"))
    restart(s)
    c = s.conn()
    got = [c("CONFIG", "GET", n)[1] for n in ("maxmemory", "hz", "timeout", "loglevel")]
    assert got == [b"52428800", b"10", b"8", b"verbose"]
    c("CONFIG", "SET", "maxmemory", "60mb")
    assert c("CONFIG", "REWRITE") == OK
    restart(s)
    assert s.conn()("CONFIG", "GET", "maxmemory")[1] == b"62914560"


def test_settings_that_would_not_start_leave_it_serving(start):
    s = start(conf="maxmemory 50mb\n")
    c, waiter = s.conn(), s.conn()
    waiter.send("BLPOP", "l", 0)
    path = os.path.join(s.dir, "test.conf")
    with open(path, "a") as f:
        f.write("\nmaxmemory nonsense\n")
    was = run_id(s)
    got = c("RESTART")
    assert isinstance(got, Err) and got.startswith("ERR Not restarted: ")
    assert "test.conf:3: maxmemory: \"nonsense\" is not accepted" in got
    assert "Not restarted: " in s.log()
    os.kill(s.pid, signal.SIGUSR2)
    wait_for(lambda: s.log().count("Not restarted: ") == 2)
    assert run_id(s) == was
    c("RPUSH", "l", "x")
    assert waiter.read() == [b"l", b"x"], "nobody was disturbed"


def own_binary(tmp_path):
    path = str(tmp_path / "memd")
    shutil.copy(MEMD.path, path)
    return path


def test_the_program_that_lies_there_now_is_what_begins(start, tmp_path):
    """An upgrade: the file is replaced by another one, as packages do it."""
    path = own_binary(tmp_path)
    s = start(binary=path, core_dumps="yes")  # else /proc/PID/exe is root's to see
    s.conn()("SET", "k", "v")
    shutil.copy(MEMD.path, path + ".new")
    os.rename(path + ".new", path)
    new = os.stat(path).st_ino
    assert os.stat("/proc/%d/exe" % s.pid).st_ino != new
    restart(s, "SAVE")
    assert os.stat("/proc/%d/exe" % s.pid).st_ino == new
    c = s.conn()
    assert c("GET", "k") == b"v" and c.info("server")["executable"] == path


@pytest.mark.parametrize("what", ["missing", "not executable", "not a program", "fails", "hangs"])
def test_a_program_that_cannot_be_run_leaves_the_old_one_serving(start, tmp_path, what):
    path = own_binary(tmp_path)
    s = start(binary=path, sandbox="no")  # which would not let it execute a shell
    c, was = s.conn(), run_id(s)
    os.unlink(path)
    if what != "missing":
        with open(path, "w") as f:
            f.write({"fails": "#!/bin/sh\necho it is broken; exit 3\n", "hangs": "#!/bin/sh\nexec sleep 600\n"}.get(what, "x"))
        os.chmod(path, 0o600 if what == "not executable" else 0o700)
    got = c("RESTART", "SAVE")
    assert isinstance(got, Err) and got.startswith("ERR Not restarted: "), got
    says = {"missing": "No such file", "not executable": "Permission denied", "not a program": "Exec format error",
            "fails": "it is broken", "hangs": "did not answer in 20 seconds"}[what]
    assert says in got
    assert run_id(s) == was and c("PING") == PONG


def test_a_program_that_is_gone_in_the_last_moment_leaves_the_old_one_serving(start, tmp_path):
    """It answers the question well, and cannot be run after that: the old one loads its data again, and serves on."""
    path = own_binary(tmp_path)
    s = start(binary=path, sandbox="no", **MODES["always"])
    c, was = s.conn(), run_id(s)
    assert c("SET", "k", "v") == OK
    os.unlink(path)
    with open(path, "w") as f:
        f.write("#!/bin/sh\nrm %s; exit 0\n" % path)
    os.chmod(path, 0o700)
    with Storm(s.connect_socket) as storm:
        wait_for(lambda: storm.answered)
        restart(s)
    assert not storm.refused
    assert "this one goes on" in s.log() and run_id(s) != was
    c = s.conn()
    assert c("GET", "k") == b"v" and c("SET", "k", "w") == OK
    shutil.copy(MEMD.path, path + ".new")
    os.rename(path + ".new", path)
    restart(s)
    assert s.conn()("GET", "k") == b"w", "and it can be restarted again"


def test_what_cannot_be_saved_is_not_left(start):
    s = start(**MODES["snapshot"])
    c = s.conn()
    c("SET", "k", "v")
    os.mkdir(os.path.join(s.dir, "dump.rdb"))
    got = c("RESTART")
    assert isinstance(got, Err) and "could not be saved" in got
    assert c("GET", "k") == b"v"
    os.rmdir(os.path.join(s.dir, "dump.rdb"))
    restart(s)
    assert s.conn()("GET", "k") == b"v"


def test_nosave_and_words_that_make_no_sense(start):
    s = start(save="3600 100000")
    c = s.conn()
    for words in (["NOW"], ["SAVE", "NOSAVE"], ["x"]):
        assert c("RESTART", *words) == Err("ERR syntax error")
    c("SET", "k", "v")
    restart(s, "NOSAVE")
    assert s.conn()("EXISTS", "k") == 0


def test_a_signal_asks_for_it_as_well(start):
    s = start(**MODES["everysec"])
    s.conn()("SET", "k", "v")
    was = run_id(s)
    os.kill(s.pid, signal.SIGUSR2)
    restarted(s, was)
    assert s.conn()("GET", "k") == b"v"


def test_it_can_be_forbidden(start):
    s = start(restart_in_place="no")
    c, was = s.conn(), run_id(s)
    assert c("RESTART") == Err("ERR Not restarted: restart-in-place is no")
    os.kill(s.pid, signal.SIGUSR2)
    assert c("PING") == PONG and run_id(s) == was


def test_settings_from_a_pipe_cannot_be_read_again(tmp_path):
    path = str(tmp_path / "s")
    proc = subprocess.Popen([MEMD.path, "-", "--port", "0", "--unixsocket", path, "--dir", str(tmp_path)],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        proc.stdin.write(b"requirepass x\n")
        proc.stdin.close()
        wait_for(lambda: os.path.exists(path))
        with Conn(local(path)) as c:
            assert c("AUTH", "x") == OK
            assert "standard input" in c("RESTART")
    finally:
        proc.terminate()
        assert proc.wait(PATIENCE) == 0


def test_an_end_that_is_asked_for_meanwhile_comes(start):
    """SIGTERM at any moment of a restart ends it: by the old program or by the new one, and with exit code 0."""
    for delay in (0, 0.002, 0.005, 0.01, 0.02):
        s = start(**MODES["always"])
        s.conn()("SET", "k", "v")
        os.kill(s.pid, signal.SIGUSR2)
        threading.Event().wait(delay)
        os.kill(s.pid, signal.SIGTERM)
        assert s.wait_exit() == 0
        s.start()
        assert s.conn()("GET", "k") == b"v"


def test_the_pidfile_and_the_supervisor_go_with_it(start, tmp_path):
    told = Supervisor(tmp_path)
    pidfile = str(tmp_path / "pid")
    s = start(supervised="systemd", env=told.env, pidfile=pidfile)
    told.until("READY")
    restart(s)
    seen = told.until("RELOADING", "1") + told.until("READY", "1")
    assert seen[-1]["MAINPID"] == str(s.pid) and not any("STOPPING" in m for m in seen)
    with open(pidfile) as f:
        assert int(f.read()) == s.pid
    s.stop()
    assert not os.path.exists(pidfile)
    told.close()


def test_sockets_of_the_supervisor_stay_its_own(tmp_path):
    tcp = socket.socket()
    tcp.bind(("127.0.0.1", 0))
    tcp.listen(64)
    s = Server(wait=False, **passing(("memd.socket", tcp)))
    s.port = tcp.getsockname()[1]
    try:
        s.wait_ready()
        for _ in range(2):
            with Storm(s.connect_socket) as storm:
                restart(s)
            assert not storm.refused
        s.stop()
    finally:
        s.destroy()
        tcp.close()


@contextlib.contextmanager
def told_by_its_file_alone(tmp_path, text):
    """Without a word on the command line: what the file says then holds."""
    path = tmp_path / "alone.conf"
    path.write_text("dir %s\nsave \"\"\n" % tmp_path + text)
    with open(tmp_path / "alone.log", "w") as log:
        proc = subprocess.Popen([MEMD.path, str(path)], stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: "Ready to accept" in (tmp_path / "alone.log").read_text())
        yield path
        assert proc.poll() is None
    finally:
        proc.terminate()
        assert proc.wait(PATIENCE) == 0


def reach(port):
    return socket.create_connection(("127.0.0.1", port))


def at(port):
    return Conn(reach(port))


def test_a_moved_port_moves_with_the_settings(tmp_path):
    """The port of the file has changed: the new one is opened, the old one is closed."""
    old, new = free_port(), free_port()
    with told_by_its_file_alone(tmp_path, "port %d\n" % old) as path:
        path.write_text(path.read_text() + "port %d\n" % new)
        with at(old) as c:
            assert c("RESTART") == OK
        wait_for(lambda: can_connect(new))
        assert not can_connect(old)


@pytest.mark.parametrize("before,after", [("127.0.0.1", "*"), ("*", "127.0.0.1"), ("127.0.0.1 127.0.0.2", "0.0.0.0")])
def test_wider_and_narrower_addresses_take_the_place_of_those_before(tmp_path, before, after):
    """What listens on all addresses and what does on one cannot be open at once."""
    port = free_port()
    with told_by_its_file_alone(tmp_path, "port %d\nbind %s\n" % (port, before)) as path:
        path.write_text(path.read_text() + "bind %s\n" % after)
        was = run_id_by(lambda: reach(port))
        with at(port) as c:
            assert c("RESTART") == OK
        wait_for(lambda: run_id_by(lambda: reach(port)) not in (None, was))
        with at(port) as c:
            assert c("CONFIG", "GET", "bind")[1] == after.encode()


NOWHERE = {
    "an address of another machine": ("bind 203.0.113.7\n", "bind: 203.0.113.7: Cannot assign requested address"),
    "no address": ("bind no..where\n", "bind: no..where: "),
    "metrics elsewhere": ("metrics-port {free}\nmetrics-bind 203.0.113.7\n", "metrics-bind: 203.0.113.7: "),
    "a port for two": ("metrics-port {own}\n", "metrics-port: 127.0.0.1 port {own} is wanted by port as well"),
    "a port for two, once for all addresses": ("bind *\nmetrics-port {own}\n", "is wanted by port as well"),
    "a port of others": ("port {taken}\n", "port: 127.0.0.1 port {taken}: Address already in use"),
    "a metrics port of others": ("metrics-port {taken}\n", "metrics-port: 127.0.0.1 port {taken}: Address already in use"),
    "a file in the place of the socket": ("unixsocket {dir}/alone.conf\n", "unixsocket: {dir}/alone.conf is there, and no socket"),
    "a user of no name": ("run-as no-such-user-here\n", 'run-as: there is no user "no-such-user-here"'),
}


@pytest.mark.parametrize("what", NOWHERE)
def test_where_it_could_not_listen_is_found_before(tmp_path, what):
    port = free_port()
    with socket.socket() as others, told_by_its_file_alone(tmp_path, "port %d\nbind 127.0.0.1\n" % port) as path:
        others.bind(("127.0.0.1", 0))
        others.listen()
        text, says = (t.format(free=free_port(), own=port, taken=others.getsockname()[1], dir=tmp_path) for t in NOWHERE[what])
        path.write_text(path.read_text() + text)
        with at(port) as c:
            got = c("RESTART")
            assert isinstance(got, Err) and says in got, got
            assert c("PING") == PONG, "it goes on"
        assert can_connect(port)


def test_addresses_that_may_be_missing_are_no_reason_not_to_begin(tmp_path):
    port, metrics = free_port(), free_port()
    with told_by_its_file_alone(tmp_path, "port %d\nmetrics-port %d\n" % (port, metrics)) as path:
        path.write_text(path.read_text() + "bind 127.0.0.1 -203.0.113.7 -no..where\n")
        with at(port) as c:
            assert c("RESTART") == OK, "its own ports are no reason either"
        wait_for(lambda: can_connect(port) and can_connect(metrics))


def can_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except ConnectionRefusedError:
        return False


def test_the_unix_socket_keeps_its_mode(start, tmp_path):
    path = str(tmp_path / "s")
    s = start(unixsocket=path, unixsocketperm="700")
    inode = os.stat(path).st_ino
    restart(s)
    st = os.stat(path)
    assert st.st_ino == inode and stat.S_IMODE(st.st_mode) == 0o700
    s.stop()
    assert not os.path.exists(path)


def test_the_archive_goes_with_it(start):
    s = start(namespace="s:* recall read archive expire", **MODES["always"])
    c = s.conn()
    for i in range(200):
        c("RPUSH", "s:%d" % i, *["message %d" % n for n in range(5)])
    c.pipeline([("PEXPIRE", "s:%d" % i, 1) for i in range(100)])
    wait_for(lambda: c("DBSIZE") == 100)
    restart(s)
    c = s.conn()
    assert c("EXISTS", *["s:%d" % i for i in range(100, 200)]) == 100
    wait_for(lambda: all(c("LRANGE", "s:%d" % i, 0, -1) == [b"message %d" % n for n in range(5)] for i in (0, 50, 99)))


def test_users_and_renames_hold_for_it(start):
    s = start(conf='user low on nopass ~* +@all -@dangerous\nrename-command SHUTDOWN ""\n')
    c = s.conn()
    assert c("AUTH", "low", "x") == OK
    assert c("RESTART").startswith("NOPERM")
    c = s.conn()
    c("MULTI")
    assert isinstance(c("RESTART"), Err)
    assert s.conn()("EVAL", "return redis.call('restart')", 0).startswith("ERR")


def test_over_tls(start):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make certificates with")
    import tls
    files, port = tls.shared(), free_port()
    s = start(**tls.settings(files, "server", tls_port=port, tls_auth_clients="no"))
    context = tls.context(files)

    def connect():
        raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
        return context.wrap_socket(raw, server_hostname="localhost")

    with Storm(connect) as storm:
        wait_for(lambda: storm.answered)
        for _ in range(2):
            restart(s)
            n = storm.answered
            wait_for(lambda: storm.answered > n)
    assert not storm.refused
    # A certificate that is no good any more is found before anything is let go.
    was = run_id(s)
    broken = os.path.join(s.dir, "broken.pem")
    shutil.copy(s.settings["tls_cert_file"], broken)
    s.stop()
    s.settings["tls_cert_file"] = broken
    s.start()
    was = run_id(s)
    with open(broken, "w") as f:
        f.write("nonsense")
    assert "tls-cert-file" in s.conn()("RESTART")
    assert run_id(s) == was


def test_a_passed_socket_of_the_name_tls_speaks_tls():
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program to make certificates with")
    import tls
    files, plain, secure = tls.shared(), listening(), listening()
    port = secure.getsockname()[1]
    s = Server(wait=False, **passing(("plain", plain), ("tls", secure)),
               **tls.settings(files, "server", tls_port=1, tls_auth_clients="no"))
    s.port = plain.getsockname()[1]
    try:
        s.wait_ready()
        for _ in range(2):
            with tls.context(files).wrap_socket(socket.create_connection(("127.0.0.1", port), PATIENCE),
                                                server_hostname="localhost") as sock:
                assert Conn(sock)("PING") == PONG
            restart(s)
        s.stop()
    finally:
        s.destroy()
        plain.close()
        secure.close()


@pytest.mark.in_the_clear("about the absence of TLS")
def test_a_passed_socket_for_tls_without_tls_is_closed(start):
    plain, secure = listening(), listening()
    s = Server(wait=False, **passing(("plain", plain), ("tls", secure)))
    s.port = plain.getsockname()[1]
    try:
        s.wait_ready()
        assert 'A socket for TLS was passed ("tls"), but TLS is off' in s.log()
        s.stop()
    finally:
        s.destroy()


def listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(64)
    return s


def test_users_that_would_not_load_are_found_before(start):
    s = start(aclfile="users.acl", wrapper=["sh", "-c", ': > users.acl; exec "$@"', "sh"])
    with open(os.path.join(s.dir, "users.acl"), "w") as f:
        f.write("user x on +nonsense\n")
    got, was = s.conn()("RESTART"), run_id(s)
    assert got.startswith("ERR Not restarted: ") and "nonsense" in got, got
    assert run_id(s) == was
