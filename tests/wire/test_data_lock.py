"""One daemon to a data directory (D8)."""
import errno
import os
import subprocess

import pytest

import shim
from resp import OK
from server import MEMD, PATIENCE, Server, StartError

pytestmark = pytest.mark.memd_only


def refused(directory, **more):
    """The log of a daemon that does not start there."""
    with pytest.raises(StartError) as e:
        Server(directory=str(directory), **more).destroy()
    return str(e.value)


@pytest.mark.parametrize("mode", [{}, {"appendonly": "yes"}], ids=["snapshot", "log"])
def test_a_second_daemon_refuses_and_names_the_first(start, mode):
    s = start(save="1000 1000", **mode)
    c = s.conn()
    c("SET", "k", "v")
    before = sorted(os.listdir(s.dir))
    why = refused(s.dir, **mode)
    assert "exit code 1" in why and "is in use by another daemon" in why and s.dir in why
    assert "process %d on this machine" % s.pid in why
    assert sorted(os.listdir(s.dir)) == before, "it has touched nothing"
    assert c("GET", "k") == b"v" and c("SET", "k", "w") == OK


def test_deleting_the_lock_file_lets_nobody_in(start):
    s = start()
    os.unlink(os.path.join(s.dir, "LOCK"))
    why = refused(s.dir)
    assert "is in use by another daemon: process unknown" in why


def test_what_a_killed_daemon_leaves_is_no_obstacle(start):
    s = start(appendonly="yes", appendfsync="always")
    s.conn()("SET", "k", "v")
    s.restart(kill=True)
    lock = os.path.join(s.dir, "LOCK")
    with open(lock) as f:
        assert int(f.readline()) == s.pid
    # Its number may belong to any process now: this one, say, which lives.
    s.kill9()
    with open(lock, "w") as f:
        f.write("%d\n" % os.getpid())
    s.start()
    assert s.conn()("GET", "k") == b"v"
    s.stop()
    with open(lock, "wb") as f:
        f.write(b"\xff" * 4096)
    s.start()
    assert s.conn()("GET", "k") == b"v"


def test_a_refused_start_does_no_harm(start):
    s = start(appendonly="yes")
    s.conn()("SET", "k", "v")
    refused(s.dir, appendonly="yes")
    s.restart()
    assert s.conn()("GET", "k") == b"v"


def faults(tmp_path, *numbers):
    return {"LD_PRELOAD": shim.build("fault_shim"), "FAULT_SHIM": shim.Shared(tmp_path / "faults", *numbers).path,
            "ASAN_OPTIONS": "verify_asan_link_order=0"}


def test_a_file_system_that_cannot_lock_is_refused_in_words(tmp_path):
    why = refused(tmp_path, env=faults(tmp_path, errno.ENOLCK, 0, 0, 0, 0, 0))
    assert "LOCK: No locks available: this file system cannot lock files" in why and "NFS" in why


def test_a_directory_that_cannot_be_locked_itself_will_do(start, tmp_path):
    s = start(env=faults(tmp_path, errno.EBADF, 1, 0, 0, 0, 0))
    assert s.conn()("SET", "k", "v") == OK


def test_a_directory_that_cannot_be_written_is_refused_in_words(tmp_path):
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "LOCK").symlink_to("/nowhere/else")
    assert "LOCK: " in refused(directory), "no link is followed out of the directory"
    (directory / "LOCK").unlink()
    directory.chmod(0o555)
    who = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    # Somebody without rights needs another place for its output, and to be let through to this one.
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_uid == os.getuid() and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o011)
    done = subprocess.run(who + [MEMD.path, "--port", "0", "--dir", str(directory)],
                          capture_output=True, text=True, timeout=PATIENCE, cwd="/")
    assert done.returncode == 1
    assert "%s/LOCK: Permission denied: memd must be able to write in its data directory" % directory in done.stdout


@pytest.mark.parametrize("n", [0, 1, 2])
def test_threads_that_cannot_be_had_are_told_in_words(tmp_path, n):
    why = refused(tmp_path, env=faults(tmp_path, 0, 0, errno.EAGAIN, n, 0, 0), appendonly="yes")
    assert "could not be started: too many processes and threads" in why
    assert [p for p in os.listdir(str(tmp_path)) if p.startswith("dump")] == []
