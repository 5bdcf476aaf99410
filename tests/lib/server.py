"""Start and stop the daemon under test, and connections that see every byte.

MEMD_BIN names the binary (default build/release/memd). It may name a stock redis-server as well: the
suite is written so that the stock server passes what is common to both, which is how the tests
themselves are tested. REDIS_BIN names the stock server that comparisons run against.

MEMD_TEST_TLS=1 gives servers that listen on a port one for TLS besides, and connections are made to that: what a test
says over a socket of its own, or by another program, is in the clear as before, and so are tests marked in_the_clear."""
import contextlib
import functools
import glob
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import patience
import resp
from conn import Conn, parse_info  # noqa: F401 (tests have them from here)
from patience import PATIENCE, wait_for  # noqa: F401
from ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# What a server gives up waiting for by its own clock, which on a busy machine it would: tests about that set it themselves.
PATIENT = {"archive-timeout": 600000, "archive-query-timeout": 600000, "search-timeout": 600000, "tls-handshake-timeout": 600,
           "metrics-timeout": 600}


def _default_bin():
    for path in ("build/release/memd", "build/memd"):
        path = os.path.join(ROOT, path)
        if os.access(path, os.X_OK):
            return path
    return os.path.join(ROOT, "build/release/memd")


class Binary:
    """A server program: its path, whether it is memd, and (for stock servers) its version."""

    def __init__(self, path):
        self.path = path
        try:
            text = subprocess.run([path, "--version"], capture_output=True, text=True,
                                  timeout=PATIENCE).stdout
        except OSError:
            text = ""
        m = re.search(r"(?:Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", text)
        self.is_memd = m is None
        self.version = tuple(int(x) for x in m.groups()) if m else (999, 0, 0)

    @functools.cached_property
    def sanitized(self):
        """Whether it was built under a sanitizer, which has frames, handlers and calls of its own."""
        return subprocess.run(["grep", "-q", "__asan_init\\|__tsan_init", self.path]).returncode == 0


MEMD = Binary(os.path.abspath(os.environ.get("MEMD_BIN") or _default_bin()))


def _stock_server():
    """redis-server, or the same program under the name that Debian's redis-tools alone brings."""
    path = os.environ.get("REDIS_BIN") or shutil.which("redis-server")
    if path:
        return path
    link = os.path.join(ROOT, "build", "redis-server")
    program = shutil.which("redis-check-rdb")
    if program and not os.path.lexists(link):
        os.makedirs(os.path.dirname(link), exist_ok=True)
        os.symlink(program, link)
    return link


REDIS_PATH = _stock_server()


def _has_capability(bit):
    with open("/proc/self/status") as f:
        return bool(int(re.search(r"CapEff:\s*(\w+)", f.read()).group(1), 16) >> bit & 1)


# CAP_SYS_PTRACE: who has it may look into a process that leaves no core. Root in a container has it not.
SEES_PROCESSES = _has_capability(19)


def default_maxclients():
    """10000, or what the descriptors allow: 32 are kept for files and the like."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return "10000" if hard == resource.RLIM_INFINITY else str(min(10000, hard - 32))


def set_and_watch(c, key):
    """WATCH a key that expires soon, and is there when it is watched: on a busy machine it may go between the two.
    Returns how many milliseconds it lives."""
    life_ms = 20
    while c.pipeline([("SET", key, "v", "PX", life_ms), ("WATCH", key), ("EXISTS", key)])[2] == 0:
        c("UNWATCH")
        life_ms *= 2
    return life_ms


def let_pass(c, ms):
    """On the server's clock, without a look at another key than an own one."""
    c("SET", "let-pass", "", "PX", ms)
    wait_for(lambda: c("EXISTS", "let-pass") == 0)


def knows_its_archive(s):
    """Wait until the server has read which keys left: until then it asks the archive for every key that it has not."""
    with s.conn() as c:
        wait_for(lambda: c.info("archive")["archive_filter_ready"] == "1")
    return s


OVER_TLS = os.environ.get("MEMD_TEST_TLS") == "1"
IN_THE_CLEAR = False  # for the test that runs: conftest.py


def argv_of(settings):
    """{'appendonly': 'yes', 'save': ['900 1', '60 5']} as command line options. A list repeats the
    option; spaces separate words as in a configuration file, '' is one empty word."""
    out = []
    for name, value in settings.items():
        for v in value if isinstance(value, (list, tuple)) else [value]:
            out.append("--" + name.replace("_", "-"))
            v = str(v)
            out.extend([v] if v == "" or name in VERBATIM else v.split(" "))
    return out


VERBATIM = ("requirepass", "logfile", "dir", "unixsocket")


class StartError(Exception):
    pass


LIVING = []  # servers with a directory of their own that nobody has destroyed yet


class Server:
    """A running server in a directory of its own."""

    def __init__(self, binary=None, conf=None, args=None, directory=None, env=None, wrapper=(),
                 password=None, wait=True, pass_fds=(), **settings):
        self.binary = os.path.abspath(binary or MEMD.path)
        self.own_dir = directory is None
        self.dir = directory or tempfile.mkdtemp(prefix="memd-test-")
        self.conf_text = conf
        self.extra_args = list(args or [])
        # MEMD_* variables are settings; those of the tests themselves are none.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("MEMD_", "REDIS_"))}
        if "MEMD_PRELOAD" in os.environ:
            self.env.update(LD_PRELOAD=os.environ["MEMD_PRELOAD"], ASAN_OPTIONS="verify_asan_link_order=0")
        if self.binary != MEMD.path:
            self.env["LC_ALL"] = "C"  # SORT ALPHA of a stock server follows the locale; memd compares bytes
        self.env.update(env or {})
        self.wrapper = list(wrapper)
        self.pass_fds = pass_fds
        self.settings = settings
        self.password = password or settings.get("requirepass")
        self.log_path = os.path.join(self.dir, "stdout.log")
        self.unixsocket = settings.get("unixsocket")
        self.proc = None
        self.conns = []
        if self.own_dir:
            LIVING.append(self)
        try:
            self.start(wait)
        except BaseException:
            self.destroy()
            raise

    # --- life -----------------------------------------------------------------------------------

    def command_line(self):
        defaults = {"port": self.port, "dir": self.dir, "save": "", "appendonly": "no"}
        argv = self.wrapper + [self.binary]
        if self.conf_text is not None:
            path = os.path.join(self.dir, "test.conf")
            if not os.path.exists(path):  # a later start finds it as the server rewrote it
                with open(path, "w") as f:
                    f.write(self.conf_text.replace("%DIR%", self.dir))
            argv.append(path)
            defaults = {"port": self.port, "dir": self.dir}
        elif self.binary == MEMD.path and MEMD.is_memd:
            defaults.update((k, v) for k, v in PATIENT.items() if k.replace("-", "_") not in self.settings)
        if not SEES_PROCESSES and self.binary == MEMD.path and MEMD.is_memd:
            defaults["core-dumps"] = "yes"  # else /proc/PID/fd is not for its user, and tests count what is open
        if "LD_PRELOAD" in self.env and MEMD.is_memd and self.binary == MEMD.path:
            defaults["sandbox"] = "no"  # what is loaded before it keeps files of its own, anywhere
        defaults.update(self.settings)
        if self.over_tls:
            import tls
            defaults.update(tls.settings(tls.shared(), tls_port=self.tls_port, tls_session_caching="no"))
        return argv + argv_of(defaults) + self.extra_args

    @property
    def over_tls(self):
        return OVER_TLS and not IN_THE_CLEAR and self.port != 0 and "tls_port" not in self.settings

    def start(self, wait=True):
        """Start it; when another process took the port meanwhile, try the next."""
        for attempt in range(5):
            self.port = int(self.settings.get("port", 0) or free_port())
            if self.settings.get("port") == 0:
                self.port = 0
            if self.over_tls:
                self.tls_port = free_port()
            log = open(self.log_path, "ab")
            self.log_from = log.tell()
            self.proc = subprocess.Popen(self.command_line(), stdout=log, stderr=log, env=self.env,
                                         stdin=subprocess.DEVNULL, cwd=self.dir, pass_fds=self.pass_fds)
            log.close()
            if not wait:
                return self
            try:
                self.wait_ready()
                return self
            except StartError:
                if "in use" not in self.log().lower() or "port" in self.settings or attempt == 4:
                    raise
        return self

    def wait_ready(self):
        end = time.monotonic() + patience.PATIENCE
        while True:
            if self.proc.poll() is not None:
                raise StartError("exit code %d at start:\n%s" % (self.proc.returncode, self.log()))
            try:
                with Conn(self.connect_socket()) as c:
                    got = c("PING")
                    if isinstance(got, resp.Err) and got.startswith("NOAUTH") and self.password:
                        c("AUTH", self.password)  # strangers are not told that it loads
                        got = c("PING")
                    if got == resp.PONG or (isinstance(got, resp.Err) and not got.startswith("LOADING")):
                        return
            except (ConnectionError, EOFError, FileNotFoundError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
                pass  # not yet, or it ends
            if time.monotonic() > end:
                raise StartError("not ready after %g s:\n%s" % (patience.PATIENCE, self.log()))
            time.sleep(0.003)

    def stop(self, sig=signal.SIGTERM):
        """End it in an orderly way; its exit code must be 0 and its log free of sanitizer reports."""
        if self.proc is None:
            return
        proc, self.proc = self.proc, None
        for c in self.conns:
            c.close()
        self.conns = []
        if proc.poll() is None:
            proc.send_signal(sig)
        try:
            code = proc.wait(patience.PATIENCE)
        except subprocess.TimeoutExpired:
            proc.kill()
            proc.wait()
            raise AssertionError("the server did not end after a signal:\n" + self.log()[-3000:])
        self.check_sanitizers()
        assert code == 0, "exit code %d:\n%s" % (code, self.log()[-6000:])

    def check_sanitizers(self):
        text = self.log()
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
            if word in text:
                raise AssertionError("sanitizer report:\n" + text[max(0, text.index(word) - 500):][:8000])

    @contextlib.contextmanager
    def one_turn(self):
        """What is sent within is there before any of it is read, by however many connections it comes: the daemon is stopped meanwhile.
        First it comes to rest, for a turn that had begun would take its part, and who has just connected would not be in; and the
        signal is not heard at once."""
        wait_for(lambda: self.state() == "S", "it does not come to rest")
        os.kill(self.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: self.state() == "T", "it does not stop")
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def kill9(self):
        """As the OOM killer would."""
        if self.proc is not None and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGKILL)
            self.proc.wait()
        self.proc = None
        for c in self.conns:
            c.close()
        self.conns = []

    def wait_exit(self):
        code = self.proc.wait(patience.PATIENCE)
        self.proc = None
        return code

    def restart(self, kill=False, **settings):
        if kill:
            self.kill9()
        else:
            self.stop()
        self.settings.update(settings)
        return self.start()

    def destroy(self):
        self.kill9()
        if self in LIVING:
            LIVING.remove(self)
        if self.own_dir:
            for path in [self.dir] + glob.glob(self.dir + ".original-*"):  # which a repair has kept
                shutil.rmtree(path, ignore_errors=True)

    # --- looking at it ---------------------------------------------------------------------------

    @property
    def pid(self):
        return self.proc.pid

    def log(self):
        """What it has written since it was last started."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_from)
            return f.read().decode("utf-8", "replace")

    def connect_socket(self):
        if self.port == 0:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(patience.PATIENCE)
            s.connect(self.unixsocket)
            return s
        s = socket.create_connection(("127.0.0.1", self.tls_port if self.over_tls else self.port), patience.PATIENCE)
        if self.over_tls:
            import tls
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a request becomes several records
            s = tls.context(tls.shared()).wrap_socket(s, server_hostname="localhost")
        return s

    def conn(self, resp3=False, auth=True):
        c = Conn(self.connect_socket())
        self.conns.append(c)
        if auth and self.password:
            assert c("AUTH", self.password) == resp.OK
        if resp3:
            c("HELLO", "3")
        return c

    def client(self, **kw):
        """A redis-py client."""
        import redis
        if self.over_tls:
            import tls
            kw.update(ssl=True, ssl_ca_certs=tls.shared()["ca.crt"])
        return redis.Redis(host="127.0.0.1", port=self.tls_port if self.over_tls else self.port, password=self.password,
                           socket_timeout=patience.PATIENCE, **kw)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def state(self):
        """Its first thread's, as ps tells it: S sleeps, T is stopped."""
        with open("/proc/%d/stat" % self.pid) as f:
            return f.read().rpartition(")")[2].split()[0]

    def rss(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
