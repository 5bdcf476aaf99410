"""What memd gives up: root, capabilities, core files, other files than its own."""
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile

import pytest

from resp import Err, OK, PONG
from server import Conn, MEMD, PATIENCE, Server, StartError, free_port, wait_for

pytestmark = [pytest.mark.memd_only, pytest.mark.in_the_clear("certificates of tests are for who made them alone")]

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can give root up")
ASAN = "/build/asan/" in MEMD.path  # not in the name of a directory above
NOBODY = pwd.getpwnam("nobody")


def landlock():
    """The version that this kernel has, 0: none."""
    import ctypes
    return max(0, ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))


sandboxed = pytest.mark.skipif(ASAN or landlock() < 2, reason="this kernel has no Landlock, or the build is for ASan")


def status(s):
    with open("/proc/%d/status" % s.pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def threads(s):
    """The status of each thread: what is given up must be given up by all."""
    for t in os.listdir("/proc/%d/task" % s.pid):
        with open("/proc/%d/task/%s/status" % (s.pid, t)) as f:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@pytest.fixture
def theirs():
    """A directory that belongs to nobody, and that nobody can reach: what pytest makes is for its own user alone."""
    with tempfile.TemporaryDirectory(prefix="memd-test-") as path:
        os.chmod(path, 0o711)
        data = os.path.join(path, "data")
        os.mkdir(data)
        os.chown(data, NOBODY.pw_uid, NOBODY.pw_gid)
        yield data


# --- users and capabilities ---------------------------------------------------------------------------------


@as_root
@pytest.mark.parametrize("who", ["nobody", "nobody:nogroup", "%d:%d" % (NOBODY.pw_uid, NOBODY.pw_gid)])
def test_root_is_given_up_for_good(theirs, start, who):
    s = start(run_as=who, directory=theirs, appendonly="yes")
    c = s.conn()
    assert c("SET", "k", "v") == OK and c("BGREWRITEAOF")
    for t in threads(s):
        assert t["Uid"].split() == [str(NOBODY.pw_uid)] * 4 and t["Gid"].split() == [str(NOBODY.pw_gid)] * 4
        assert set(t["Groups"].split()) <= {str(NOBODY.pw_gid)}
        assert all(int(t[n], 16) == 0 for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")), t
        assert t["NoNewPrivs"] == "1"
    assert "runs as root" not in s.log()
    for name in ("LOCK", "appendonlydir"):
        st = os.stat(os.path.join(theirs, name))
        assert st.st_uid == NOBODY.pw_uid
    pid = s.pid
    assert c("RESTART") == OK
    wait_for(lambda: can_ping(s))
    assert s.conn()("GET", "k") == b"v" and status(s)["Uid"].split()[0] == str(NOBODY.pw_uid) and s.pid == pid


def can_ping(s):
    try:
        with Conn(s.connect_socket()) as c:
            return c("PING") == PONG
    except (OSError, EOFError):
        return False


@as_root
def test_what_needs_root_is_done_before(theirs, start, tmp_path):
    """A low port, of an address that is not there as well, a pidfile where only root may make files, a limit of open files
    above the hard one."""
    port = next(p for p in range(1000, 1023) if is_free(p))
    run = tmp_path / "run"
    run.mkdir()
    s = start(run_as="nobody", directory=theirs, port=port, pidfile=str(run / "pid"), maxclients=5000,
              bind="127.0.0.1 -2001:db8::1",  # of examples: no machine has it
              wrapper=["prlimit", "--nofile=1000:1000"])
    with open("/proc/self/status") as f:  # in some containers root has no say in limits
        may_raise = int(re.search(r"CapEff:\s*(\w+)", f.read())[1], 16) >> 24 & 1
    assert s.conn()("CONFIG", "GET", "maxclients")[1] == (b"5000" if may_raise else b"968")
    assert status(s)["Uid"].split()[0] == str(NOBODY.pw_uid)
    assert int((run / "pid").read_text()) == s.pid
    assert s.conn()("RESTART") == OK, "the low port is kept, which it could not open again"
    wait_for(lambda: can_ping(s))


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


@as_root
def test_no_file_changes_its_owner(theirs):
    """A data directory of root's is not taken over: it says what to do."""
    os.chown(theirs, 0, 0)
    os.chmod(theirs, 0o700)
    with pytest.raises(StartError) as e:
        Server(run_as="nobody", directory=theirs).destroy()
    assert "Permission denied" in str(e.value)
    assert os.stat(theirs).st_uid == 0


@pytest.mark.parametrize("who, says", [("no-such-user-here", "there is no user"), ("nobody:no-such-group", "there is no group"),
                                       (":x", "is not accepted"), ("x" * 100, "is not accepted")])
def test_who_cannot_be_found_is_named(who, says):
    with pytest.raises(StartError) as e:
        Server(run_as=who).destroy()
    assert "run-as: " in str(e.value) and says in str(e.value)


@pytest.mark.skipif(ROOT, reason="as root it can")
def test_only_root_becomes_somebody_else():
    with pytest.raises(StartError) as e:
        Server(run_as="root").destroy()
    assert "only root can become another user" in str(e.value)


@as_root
def test_root_that_stays_keeps_what_it_needs_and_says_so(start):
    s = start()
    assert "memd runs as root" in s.log()
    keeps = {0, 1, 2, 3, 10, 23, 24}  # chown, dac_override, dac_read_search, fowner, net_bind_service, sys_nice, sys_resource
    for t in threads(s):
        have = {n for n in range(64) if int(t["CapEff"], 16) >> n & 1}
        assert have <= keeps and {n for n in range(64) if int(t["CapBnd"], 16) >> n & 1} <= keeps
        assert t["NoNewPrivs"] == "1"


@pytest.mark.skipif(ASAN, reason="leaks are looked for from outside")
def test_cores_are_not_written_unless_asked_for(start):
    s = start(core_dumps="no")
    with open("/proc/%d/limits" % s.pid) as f:
        assert re.search(r"Max core file size +0 +0 ", f.read())
    if ROOT:
        assert os.stat("/proc/%d/environ" % s.pid).st_uid == 0
    else:
        with pytest.raises(PermissionError):
            open("/proc/%d/environ" % s.pid).read()
    s = start(core_dumps="yes")
    with open("/proc/%d/environ" % s.pid) as f:
        f.read()


@as_root
@pytest.mark.skipif(ASAN, reason="leaks are looked for from outside")
def test_another_process_of_the_user_cannot_look_into_it(theirs, start):
    def peek(s):
        code = ("import os; os.setgroups([]); os.setresgid(*[%d] * 3); os.setresuid(*[%d] * 3);"
                "open('/proc/%d/environ', 'rb').read()" % (NOBODY.pw_gid, NOBODY.pw_uid, s.pid))
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr
    s = start(run_as="nobody", directory=theirs, core_dumps="no")
    assert "PermissionError" in peek(s)
    s.stop()
    s.settings["core_dumps"] = "yes"
    s.start()
    assert peek(s) == ""


def test_files_are_for_their_owner_alone(start):
    s = start(appendonly="yes", namespace="a:* archive expire", save="3600 100000", logfile="memd.log",
              pidfile="memd.pid", aclfile="users.acl", wrapper=["sh", "-c", 'umask 0; : > users.acl; exec "$@"', "sh"])
    c = s.conn()
    c("SET", "k", "v")
    c("SET", "a:1", "v", "PX", 1)
    wait_for(lambda: c("DBSIZE") == 1)
    assert c("SAVE") == OK and c("ACL", "SAVE") == OK
    seen = 0
    for where, _, names in os.walk(s.dir):
        assert where == s.dir or stat.S_IMODE(os.stat(where).st_mode) & 0o077 == 0, where
        for name in names:
            if name == "stdout.log":
                continue
            seen += 1
            assert stat.S_IMODE(os.stat(os.path.join(where, name)).st_mode) & 0o077 == 0, name
    assert seen >= 7


# --- the killer's score -------------------------------------------------------------------------------------


def score(s):
    with open("/proc/%d/oom_score_adj" % s.pid) as f:
        return int(f.read())


def test_oom_score_adj(start):
    with open("/proc/self/oom_score_adj") as f:
        base = int(f.read())
    s = start(oom_score_adj="relative", oom_score_adj_values="100 200 300")
    c = s.conn()
    assert score(s) == min(1000, base + 100)
    assert c("CONFIG", "SET", "oom-score-adj-values", "150 200 800") == OK
    assert score(s) == min(1000, base + 150)
    assert c("CONFIG", "SET", "oom-score-adj", "absolute") == OK and score(s) == 150
    assert c("CONFIG", "SET", "oom-score-adj-values", "2000 200 800") == OK and score(s) == 1000
    assert c("CONFIG", "SET", "oom-score-adj", "no") == OK and score(s) == base
    s.restart(oom_score_adj="relative", oom_score_adj_values="10 10 10")
    assert s.conn()("RESTART") == OK
    wait_for(lambda: can_ping(s))
    assert score(s) == base + 10, "the start of the second life is that of the first"


@as_root
def test_a_score_that_is_refused_changes_nothing(theirs, start):
    s = start(run_as="nobody", directory=theirs)
    c = s.conn()
    was = score(s)
    got = c("CONFIG", "SET", "maxmemory", "1gb", "oom-score-adj", "absolute", "oom-score-adj-values", "-500 0 0")
    assert isinstance(got, Err) and "Failed to apply new oom_score_adj configuration, check server logs." in got
    assert score(s) == was and c("CONFIG", "GET", "maxmemory")[1] == b"0"
    assert c("CONFIG", "GET", "oom-score-adj")[1] == b"no"


# --- the sandbox --------------------------------------------------------------------------------------------


@sandboxed
@pytest.mark.parametrize("how", ["auto", "yes"])
def test_all_that_memd_does_is_done_in_the_sandbox(start, tmp_path, how):
    for name in ("log", "run", "etc"):
        (tmp_path / name).mkdir()
    (tmp_path / "etc" / "users").write_text("")
    conf = tmp_path / "etc" / "memd.conf"
    conf.write_text("include %s/etc/more.conf\nsandbox %s\n" % (tmp_path, how))
    (tmp_path / "etc" / "more.conf").write_text("hz 20\n")
    s = start(args=[], appendonly="yes", save="3600 100000", namespace="a:* archive expire recall read", loglevel="verbose",
              logfile=str(tmp_path / "log" / "l"), pidfile=str(tmp_path / "run" / "pid"), aclfile=str(tmp_path / "etc" / "users"),
              unixsocket=str(tmp_path / "run" / "sock"), wrapper=[*run_with(str(conf))])
    c = s.conn()
    log = (tmp_path / "log" / "l").read_text
    assert "In a sandbox" in log()
    for _ in range(2):
        assert c("SET", "k", "v") == OK and c("SET", "a:1", "v", "PX", 1) == OK
        wait_for(lambda: c("DBSIZE") == 1)
        assert c("SAVE") == OK and c("ACL", "SAVE") == OK and c("CONFIG", "REWRITE") == OK
        n = int(c.info("persistence").get("aof_rewrites", 0))
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
        assert c.info("persistence")["aof_last_bgrewrite_status"] == "ok"
        wait_for(lambda: c("GET", "a:1") == b"v")
        c("DEL", "a:1")
        os.rename(tmp_path / "log" / "l", tmp_path / "log" / "l.1")
        os.kill(s.pid, signal.SIGHUP)
        wait_for(lambda: os.path.exists(tmp_path / "log" / "l") and "reopened" in log())
        assert c("RESTART") == OK
        wait_for(lambda: can_ping(s))
        c = s.conn()
    assert c("CONFIG", "GET", "hz")[1] == b"20"
    s.stop()
    assert not (tmp_path / "run" / "pid").exists() and not (tmp_path / "run" / "sock").exists()


def run_with(conf):
    """A wrapper: the program's first argument becomes this file."""
    return ["sh", "-c", 'f="$1"; p="$2"; shift 2; exec "$p" "$f" "$@"', "sh", conf]


@sandboxed
def test_other_directories_cannot_be_written_to(start, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    s = start(logfile="memd.log", enable_protected_configs="yes")
    c = s.conn()
    got = c("CONFIG", "SET", "logfile", str(other / "log"))
    assert isinstance(got, Err) and "Can't open the log file: Permission denied" in got
    assert os.listdir(other) == []
    assert c("CONFIG", "SET", "logfile", os.path.join(s.dir, "another.log")) == OK


@sandboxed
def test_more_restarts_than_the_kernel_has_layers(start):
    s = start(loglevel="verbose")
    for i in range(18):
        assert s.conn()("RESTART") == OK
        wait_for(lambda: s.log().count("In a sandbox") == i + 2 and can_ping(s))


@sandboxed
@pytest.mark.parametrize("sandbox", ["auto", "yes"])
def test_nothing_can_be_executed_but_what_lies_beside_it(tmp_path, sandbox):
    """Asked of the kernel, in a process that has gone the way memd goes: the check of RESTART executes the program."""
    import shutil
    home = tmp_path / "bin"
    home.mkdir()
    path = str(home / "memd")
    shutil.copy(MEMD.path, path)
    s = Server(binary=path, sandbox=sandbox)
    try:
        os.rename(path, tmp_path / "elsewhere")
        os.symlink(str(tmp_path / "elsewhere"), path)
        got = s.conn()("RESTART")
        assert isinstance(got, Err) and "cannot be run: Permission denied" in got
        os.unlink(path)
        shutil.copy(MEMD.path, path)
        assert s.conn()("RESTART") == OK
        wait_for(lambda: can_ping(s))
        s.stop()
    finally:
        s.destroy()


def test_a_sandbox_can_be_left_out(start):
    s = start(sandbox="no", loglevel="verbose")
    assert "sandbox" not in s.log()
    s = start(loglevel="verbose")
    assert ("In a sandbox" if landlock() >= 2 and not ASAN else "Without a sandbox") in s.log()


# --- system calls -------------------------------------------------------------------------------------------


def test_calls_that_memd_never_makes_are_filtered_in_all_threads(start):
    s = start()
    assert [t["Seccomp"] for t in threads(s)] == ["0" if ASAN else "2"] * len(os.listdir("/proc/%d/task" % s.pid))
    filters = status(s).get("Seccomp_filters")
    for _ in range(3):
        assert s.conn()("RESTART") == OK
        wait_for(lambda: can_ping(s))
    assert status(s).get("Seccomp_filters") == filters, "they do not pile up"
    s = start(system_calls="all")
    assert status(s)["Seccomp"] == "0"


# In the place of memd after a RESTART: what is executed has the same filter. It says what each call has come to.
PROBE = r"""
import ctypes, errno, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    return 0 if libc.syscall(number, *args) >= 0 else ctypes.get_errno()
x86 = {"ptrace": 101, "bpf": 321, "io_uring_setup": 425, "unshare": 272, "userfaultfd": 323, "keyctl": 250, "perf_event_open": 298}
arm = {"ptrace": 117, "bpf": 280, "io_uring_setup": 425, "unshare": 97, "userfaultfd": 282, "keyctl": 219, "perf_event_open": 241}
import platform
for name, number in (x86 if platform.machine() == "x86_64" else arm).items():
    print(name, errno.errorcode.get(call(number, 0, 0, 0, 0, 0), 0))
for name, family in (("packet", 17), ("alg", 38), ("vsock", 40), ("unix", 1), ("inet", 2)):
    try:
        socket.socket(family, socket.SOCK_STREAM if family in (1, 2, 40) else socket.SOCK_RAW).close()
        print(name, 0)
    except OSError as e:
        print(name, errno.errorcode[e.errno])
sys.exit(1)
"""


@pytest.mark.skipif(ASAN, reason="without a filter: leaks are looked for by ptrace")
@pytest.mark.parametrize("how", ["refuse", "all"])
def test_what_is_executed_cannot_make_them_either(tmp_path, how):
    import shutil
    path, probe = str(tmp_path / "memd"), tmp_path / "probe.py"
    shutil.copy(MEMD.path, path)
    probe.write_text(PROBE)
    s = Server(binary=path, sandbox="no", system_calls=how)
    try:
        os.unlink(path)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n%s %s | tr '\\n' ','; exit 1\n" % (sys.executable, probe))
        os.chmod(path, 0o700)
        got = s.conn()("RESTART")
        assert got.startswith("ERR Not restarted: ")
        told = dict(word.split(" ") for word in got[len("ERR Not restarted: "):].strip(",").split(","))
        assert told["unix"] == told["inet"] == "0"
        if how == "refuse":
            assert {told[n] for n in ("ptrace", "bpf", "io_uring_setup", "unshare", "userfaultfd", "keyctl")} == {"EPERM"}, told
            assert {told[n] for n in ("packet", "alg", "vsock")} == {"EAFNOSUPPORT"}, told
        else:
            assert told["unshare"] == "0" and told["alg"] != "EAFNOSUPPORT" or told["keyctl"] != "EPERM", told
        s.stop()
    finally:
        s.destroy()
