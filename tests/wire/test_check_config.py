"""memd --check-config: all that is wrong with a file at once, and that it agrees with what a start does."""
import os
import stat
import subprocess

import pytest

import server as srv
from server import MEMD, PATIENCE

pytestmark = pytest.mark.memd_only


def run(*args, cwd=None):
    return subprocess.run([MEMD.path, *args], capture_output=True, text=True, timeout=PATIENCE, cwd=cwd,
                          env={k: v for k, v in os.environ.items() if not k.startswith("MEMD_")})


def check(tmp_path, text, name="memd.conf", mode=0o600):
    f = tmp_path / name
    f.write_text(text)
    f.chmod(mode)
    p = run("--check-config", str(f), cwd=str(tmp_path))
    assert (p.returncode, bool(p.stderr)) in ((0, False), (1, True))
    return p.returncode, p.stdout + p.stderr


def test_all_errors_are_told_with_their_lines(tmp_path):
    (tmp_path / "more.conf").write_text("# here too\nhz fast\n")
    code, said = check(tmp_path, "port x\n# fine\nmaxmemroy 1gb\ninclude %s/more.conf\nsave 900\nuser a <nopass-canary on\n"
                       "dir %s/a/b/c\n" % (tmp_path, tmp_path))
    assert code == 1
    for words in ("memd.conf:1: port:", "memd.conf:3: maxmemroy: there is no such setting, is maxmemory meant?",
                  "more.conf:2: hz:", "memd.conf:5: save:", "dir: %s/a/b/c cannot be made" % tmp_path, "user: ",
                  "memd would not start with it"):
        assert words in said, (words, said)
    assert "is good" not in said and "canary" not in said


BAD = {
    "dir that is a file": "dir {top}/file\n",
    "log nowhere": "logfile {top}/nosuch/log\n",
    "log that is a directory": "logfile {top}\n",
    "socket nowhere": "unixsocket {top}/nosuch/sock\n",
    "socket too long": "unixsocket {top}/" + 120 * "x" + "\n",
    "no aclfile": "aclfile {top}/nosuch\n",
    "bad aclfile": "aclfile {top}/file\n",
    "users twice": "aclfile {top}/users\nuser a on nopass ~* +@all\n",
    "bad user": "user a on +@nosuch\n",
    "rename of nothing": "rename-command nosuch x\n",
    "rename to what is there": "rename-command get set\n",
    "tls without certificate": "tls-port {port}\n",
    "tls with a bad certificate": "tls-port {port}\ntls-cert-file {top}/file\ntls-key-file {top}/file\n",
    "nowhere to listen": "port 0\n",
    "an address of another machine": "bind 203.0.113.7\n",
    "no address": "bind no..where\n",
    "no address at all": "bind \"\"\n",
    "none of the optional addresses": "bind -203.0.113.7\n",
    "metrics elsewhere": "metrics-port {port}\nmetrics-bind 203.0.113.7\n",
    "a port for two": "port {port}\nmetrics-port {port}\n",
    "an address twice": "bind 127.0.0.1 127.0.0.1\n",
    "a file in the place of the socket": "unixsocket {top}/file\n",
    "a user of no name": "run-as no-such-user-here\n",
    "a group of no name": "run-as root:no-such-group-here\n",
    "bad namespace": "namespace x: nosuch 1\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_it_refuses_would_not_start(tmp_path, text):
    (tmp_path / "file").write_text("no users\n")
    (tmp_path / "users").write_text("user b on nopass ~* +@all\n")
    text = text.format(top=tmp_path, port=srv.free_port())
    code, said = check(tmp_path, text)
    assert code == 1, said
    before = "" if text.startswith("port") else "port %d\n" % srv.free_port()
    (tmp_path / "memd.conf").write_text(before + "save \"\"\n" + text)
    assert run(str(tmp_path / "memd.conf"), cwd=str(tmp_path)).returncode == 1


def test_what_is_right_but_may_not_be_meant_is_a_warning(tmp_path):
    code, said = check(tmp_path, "protected-mode no\nbind 0.0.0.0\n")
    assert code == 0 and "warning: protected-mode" in said and "is good" in said
    code, said = check(tmp_path, "requirepass canary-pw\n", mode=0o644)
    assert code == 0 and "warning: requirepass" in said and "canary" not in said
    code, said = check(tmp_path, "metrics-password canary-pw\n", mode=0o644)
    assert code == 0 and "warning: metrics-password: everybody on this machine may read the file" in said and "canary" not in said
    code, said = check(tmp_path, "requirepass canary-pw\nbind 0.0.0.0\npidfile /nosuch/pid\n")
    assert code == 0 and "warning: pidfile" in said and said.count("warning") == 1


def test_a_password_that_users_make_void_is_a_warning(tmp_path):
    users = tmp_path / "users"
    for text, void in (("", True), ("user default on nopass ~* &* +@all\n", True), ("user default off\n", False),
                       ("user default on >other ~* &* +@all\n", False)):
        users.write_text(text)
        code, said = check(tmp_path, "requirepass canary-pw\naclfile %s\n" % users)
        assert code == 0 and ("requirepass: it has no effect" in said) is void and "canary" not in said, text
    code, said = check(tmp_path, "requirepass canary-pw\nuser default on nopass ~* &* +@all\n")
    assert code == 0 and "requirepass: it has no effect: there are lines of users" in said


def test_nothing_is_made_and_nothing_is_changed(tmp_path):
    (tmp_path / "users").write_text("user b on nopass ~* +@all\n")
    code, said = check(tmp_path, "dir %s/data\nlogfile %s/log\npidfile %s/pid\nunixsocket %s/sock\naclfile %s/users\n"
                       % (5 * (tmp_path,)))
    assert code == 0, said
    assert sorted(os.listdir(tmp_path)) == ["memd.conf", "users"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_an_error(tmp_path):
    (tmp_path / "dir").mkdir(mode=0o500)
    code, said = check(tmp_path, "dir %s/dir\n" % tmp_path)
    assert code == 1 and "dir cannot be used: Permission denied" in said
    assert stat.S_IMODE(os.stat(tmp_path / "dir").st_mode) == 0o500


def test_a_missing_file_and_a_missing_name(tmp_path):
    p = run("--check-config", str(tmp_path / "nosuch"))
    assert p.returncode == 1 and "nosuch cannot be read: No such file" in p.stderr
    assert run("--check-config").returncode == 1
