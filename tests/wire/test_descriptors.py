"""Files, sockets and descriptors: who may open them, who inherits them, and what a link in their place does."""
import os
import stat
import threading

import pytest
import resp
import server as srv
from server import wait_for

pytestmark = pytest.mark.memd_only

O_CLOEXEC = 0o2000000


def umask_none(**more):
    return {"wrapper": ["sh", "-c", 'umask 0 && exec "$@"', "sh"], **more}


def flags_of(pid):
    """What each descriptor is, and its flags."""
    out = {}
    for fd in os.listdir("/proc/%d/fdinfo" % pid):
        try:
            with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
                out[int(fd)] = (os.readlink("/proc/%d/fd/%s" % (pid, fd)), int(f.read().split("flags:")[1].split()[0], 8))
        except OSError:
            pass  # closed meanwhile
    return out


def test_every_descriptor_is_closed_by_exec(start, tmp_path):
    """What memd starts, or what takes its place, gets none of its connections and files."""
    s = start(appendonly="yes", unixsocket=str(tmp_path / "s.sock"), logfile=str(tmp_path / "log"), enable_debug_command="yes",
              aof_timestamp_enabled="yes")
    c = s.conn()
    c("NAMESPACE", "SET", "a:*", "archive", "del")
    c("SET", "a:1", "v")
    c("DEL", "a:1")
    c("ARCHIVE.FLUSH")
    c("ARCHIVE.SQL", "SELECT 1")
    c("BGREWRITEAOF")
    c("SAVE")
    got = flags_of(s.pid)
    assert len(got) > 8
    inherited = {fd: what for fd, what in got.items() if fd > 2 and not what[1] & O_CLOEXEC}
    assert not inherited


def test_files_are_their_owners_alone_whatever_the_umask(start):
    s = start(**umask_none(appendonly="yes"))
    c = s.conn()
    c("NAMESPACE", "SET", "a:*", "archive", "del")
    c("SET", "a:1", "v")
    c("DEL", "a:1")
    c("ARCHIVE.FLUSH")
    assert c("SAVE") == resp.OK
    seen = 0
    for folder, _, names in os.walk(s.dir):
        for name in names:
            path = os.path.join(folder, name)
            seen += path != s.log_path
            assert path == s.log_path or not stat.S_IMODE(os.stat(path).st_mode) & 0o077, path
    assert seen >= 5


def test_the_unix_socket_never_has_another_mode_than_it_is_to_have(tmp_path):
    """CVE-2023-45145: it was open to all between bind and chmod. Looked at again and again while servers start."""
    path = tmp_path / "s.sock"
    modes, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            try:
                modes.add(stat.S_IMODE(os.stat(path).st_mode))
            except FileNotFoundError:
                pass

    t = threading.Thread(target=look)
    t.start()
    try:
        for _ in range(10):
            s = srv.Server(**umask_none(unixsocket=str(path), unixsocketperm="700", loglevel="warning"))
            modes.add(stat.S_IMODE(os.stat(path).st_mode))
            s.stop()
            s.destroy()
    finally:
        stop.set()
        t.join()
    assert modes == {0o700}


@pytest.mark.parametrize("how", ["SAVE", "BGSAVE", "BGREWRITEAOF", "ACL SAVE"])
def test_a_link_in_the_place_of_a_new_file_is_not_followed(start, tmp_path, how):
    """Whoever may write to the directory must not have memd write elsewhere for him."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    aclfile = tmp_path / "users.acl"
    aclfile.write_text("user default on nopass ~* &* +@all\n")
    s = start(appendonly="yes", aclfile=str(aclfile))
    c = s.conn()
    c("SET", "k", "v")
    for name in ("temp-%d.rdb", "temp-rewriteaof-%d.aof", "temp-rewriteaof-bg-%d.aof", "appendonlydir/temp-%d.rdb"):
        os.symlink(victim, os.path.join(s.dir, name % s.pid))
    for i in range(1, 5):
        for name in ("appendonly.aof.%d.incr.aof", "appendonly.aof.%d.base.rdb", "temp-appendonly.aof.manifest", "temp_appendonly.aof.manifest"):
            path = os.path.join(s.dir, "appendonlydir", name % i if "%" in name else name)
            if not os.path.lexists(path):
                os.symlink(victim, path)
    if not os.path.lexists("%s.tmp-%d" % (aclfile, s.pid)):
        os.symlink(victim, "%s.tmp-%d" % (aclfile, s.pid))
    c(*how.split())
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0" and c.info("persistence")["aof_rewrite_in_progress"] == "0")
    assert c("SET", "k", "w") == resp.OK
    assert victim.read_text() == "untouched"


def test_the_table_of_descriptors_has_room_for_all_clients_from_the_start(start):
    """The kernel makes it larger when it is full, and whoever opens one more in a process with threads waits for that, with all others."""
    def has_room(s):
        with open("/proc/%d/status" % s.pid) as f:
            size = next(int(line.split()[1]) for line in f if line.startswith("FDSize:"))
        return size >= int(c("CONFIG", "GET", "maxclients")[1])

    s = start(maxclients=300)
    c = s.conn()
    assert has_room(s)
    assert c("CONFIG", "SET", "maxclients", 600) == resp.OK
    assert has_room(s)
