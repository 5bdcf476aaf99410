"""CONFIG REWRITE: what is written loads as what was set, and whatever fails, the old file is there, whole."""
import os
import random
import re
import resource
import shutil
import socket
import stat
import subprocess

import pytest

from resp import Err, OK, PONG
from server import MEMD

pytestmark = pytest.mark.memd_only

# What moves the server away from the test, or ends it.
LEFT_ALONE = {"port", "bind", "dir", "unixsocket", "tls-port", "maxclients", "requirepass", "logfile", "appendonly", "save",
              "rdb-key-save-delay", "key-load-delay", "watchdog-period", "masterauth", "protected-mode", "min-replicas-to-write",
              "timeout", "metrics-port", "hz", "maxmemory-clients", "maxmemory", "client-output-buffer-limit"}
TEXTS = ["", "a", "two words", 'qu"ote', "back\\slash", "tab\tand\nline", "\x01\xff\xc3\xa9", "# no comment", "'single'", " edge "]


@pytest.fixture
def start_at(start, tmp_path):
    """A server whose file is a link to `path`: what it writes else is elsewhere."""
    def start_one(path, **settings):
        home = tmp_path / "home"
        home.mkdir()
        (home / "test.conf").symlink_to(path)
        return start(conf="", directory=str(home), **settings)
    return start_one


def settings_of(c):
    got = c("CONFIG", "GET", "*")
    return dict(zip(got[::2], got[1::2]))


def candidates(r, old):
    """Values that a setting might take, judging by the one it has."""
    if old in (b"yes", b"no"):
        return [r.choice(["yes", "no"])]
    if re.fullmatch(rb"-?\d+", old):
        return [str(r.choice([0, 1, 2, 7, 100, 5000, 1 << 21, 1 << 30, int(old) + 1]))]
    return [r.choice(TEXTS), old]


def change_some(c, r, n):
    names = sorted(k.decode() for k in settings_of(c) if k.decode() not in LEFT_ALONE)
    changed = 0
    for name in r.sample(names, n):
        for value in candidates(r, settings_of(c)[name.encode()]):
            value = value if isinstance(value, bytes) else value.encode("latin-1")
            got = c("CONFIG", "SET", name, value)
            if isinstance(got, Err) and "must be one of" in got:
                words = got.split(": ")[-1].split(", ")
                got = c("CONFIG", "SET", name, r.choice(words))
            if got == OK:
                changed += 1
                break
    return changed


@pytest.mark.in_the_clear("its file would have the settings of TLS, too")
@pytest.mark.parametrize("seed", range(6))
def test_what_was_rewritten_loads_as_what_was_set(start, tmp_path, seed):
    print("seed", seed)
    r = random.Random(seed)
    (tmp_path / "more.conf").write_text("lfu-decay-time 7\nslowlog-max-len 9\n")
    lines = ["# a comment %d" % i for i in range(5)] + ["maxmemory 1gb", "MaxMemory 2gb", "include %s/more.conf" % tmp_path,
                                                        "slave-priority 50", "# above hz", "latency-tracking yes", "",
                                                        "proc-title-template '{title} x'", "list-max-listpack-size 64"]
    r.shuffle(lines)
    s = start(conf="\n".join(lines) + "\n")
    path = os.path.join(s.dir, "test.conf")
    for _ in range(3):
        c = s.conn()
        assert change_some(c, r, 25) > 5
        before = settings_of(c)
        assert c("CONFIG", "REWRITE") == OK
        with open(path, encoding="latin-1") as f:
            now = f.read().split("\n")
        comments = [line for line in lines if line.startswith("#") or line.startswith("include")]
        assert [line for line in now if line in comments] == comments, "comments and includes are in their places"
        assert (tmp_path / "more.conf").read_text() == "lfu-decay-time 7\nslowlog-max-len 9\n"
        given = s.settings
        s.stop()
        s.settings = {}
        s.start()
        s.settings = given
        after = settings_of(s.conn())
        differing = {k: (before[k], after.get(k)) for k in before if k != b"port" and before[k] != after.get(k)}
        assert not differing
        check = subprocess.run([MEMD.path, "--check-config", path], capture_output=True, text=True)
        assert check.returncode == 0, check.stderr


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(start_at, tmp_path):
    real = tmp_path / "etc" / "real.conf"
    real.parent.mkdir()
    real.write_text("# mine\ntimeout 5\n")
    real.chmod(0o640)
    s = start_at(real)
    c = s.conn()
    assert c("CONFIG", "SET", "timeout", 77) == OK and c("CONFIG", "REWRITE") == OK
    assert os.path.islink(os.path.join(s.dir, "test.conf")) and "timeout 77" in real.read_text() and real.read_text().startswith("# mine\n")
    assert stat.S_IMODE(os.stat(real).st_mode) == 0o640
    assert sorted(os.listdir(real.parent)) == ["real.conf"], "no temporary file is left"


def test_a_file_that_goes_missing_is_made_again_for_its_owner_alone(start):
    s = start(conf="timeout 5\n")
    path = os.path.join(s.dir, "test.conf")
    os.unlink(path)
    c = s.conn()
    assert c("CONFIG", "REWRITE") == OK
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_disk_without_room_leaves_the_old_file(start_at, tmp_path):
    """A limit on the size of files stands for it: the write stops half-way."""
    etc = tmp_path / "etc"
    etc.mkdir()
    path = etc / "memd.conf"
    old = "# mine\ntimeout 5\n" + "# %s\n" % ("x" * 70) * 100
    path.write_text(old)
    s = start_at(path)
    c = s.conn()
    assert c("CONFIG", "SET", "timeout", 77) == OK
    was = resource.prlimit(s.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    assert c("CONFIG", "REWRITE") == Err("ERR Rewriting config file: File too large")
    assert path.read_text() == old and os.listdir(etc) == ["memd.conf"]
    resource.prlimit(s.pid, resource.RLIMIT_FSIZE, was)
    assert c("CONFIG", "REWRITE") == OK and "timeout 77" in path.read_text()


def test_a_directory_that_may_not_be_written_is_told(start_at, tmp_path):
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("as root it takes setpriv")
    top = tmp_path / "etc"
    top.mkdir()
    path = top / "memd.conf"
    path.write_text("timeout 5\n")
    before = path.read_text()
    # Without the right to pass permissions by, root is held to them as everybody is.
    wrapper = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"] \
        if os.geteuid() == 0 else []
    s = start_at(path, wrapper=wrapper)
    top.chmod(0o500)
    try:
        c = s.conn()
        assert c("CONFIG", "SET", "timeout", 77) == OK
        assert c("CONFIG", "REWRITE") == Err("ERR Rewriting config file: Permission denied")
        assert path.read_text() == before and c("CONFIG", "GET", "timeout") == [b"timeout", b"77"]
    finally:
        top.chmod(0o700)
    assert c("CONFIG", "REWRITE") == OK and "timeout 77" in path.read_text()


def test_settings_that_redis_fixes_at_the_start_change_while_it_runs(start, tmp_path):
    sock = tmp_path / "sock"
    s = start(unixsocket=str(sock), unixsocketperm="700")
    c = s.conn()
    assert stat.S_IMODE(os.stat(sock).st_mode) == 0o700
    assert c("CONFIG", "SET", "unixsocketperm", "770", "tcp-backlog", 1, "disable-thp", "yes") == OK
    assert stat.S_IMODE(os.stat(sock).st_mode) == 0o770
    with open("/proc/%d/status" % s.pid) as f:
        assert re.search(r"^THP_enabled:\t0$", f.read(), re.M)
    with open("/proc/net/tcp") as f:  # of a listening socket the receive queue is shown, and by ss its limit
        assert any(":%04X 00000000:0000 0A" % s.port in line for line in f)
    if shutil.which("ss"):
        shown = subprocess.run(["ss", "-Hltn", "sport = :%d" % s.port], capture_output=True, text=True).stdout.split()
        assert shown[2] == "1", shown
    assert c("CONFIG", "SET", "disable-thp", "no") == OK


def test_one_that_fails_takes_all_others_back(start):
    """Whatever the others have done already: at the end CONFIG GET and the server are as before."""
    s = start(enable_protected_configs="yes", appendonly="no")
    c = s.conn()
    before = settings_of(c)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        got = c("CONFIG", "SET", "maxmemory", "100mb", "requirepass", "pw", "loglevel", "debug", "appendonly", "yes",
                "maxclients", 50, "hash-max-listpack-entries", 1, "crash-log-enabled", "no", "port", taken.getsockname()[1])
    assert isinstance(got, Err) and "'port'" in got
    assert settings_of(c) == before
    assert s.conn(auth=False)("PING") == PONG
    c("HSET", "h", "a", 1, "b", 2)
    assert c("OBJECT", "ENCODING", "h") == b"listpack" and c.info("persistence")["aof_enabled"] == "0"
