"""What is shut from the start: settings that name files, DEBUG and MODULE, and commands that were renamed or taken away."""
import os
import re

import pytest

import server as srv
from resp import OK, QUEUED, Err
from server import wait_for

pytestmark = pytest.mark.memd_only

# As in Redis 7.2; and whatever else names a file that memd writes, or opens the doors below.
IMMUTABLE = ["aclfile", "appenddirname", "appendfilename", "archive-file", "daemonize", "databases", "enable-debug-command",
             "enable-module-command", "enable-protected-configs", "pidfile", "unixsocket", "run-as"]
PROTECTED = {"dir": "/", "dbfilename": "x.rdb", "logfile": "/nowhere/x.log"}


def refused(name, why):
    return Err("ERR CONFIG SET failed (possibly related to argument '%s') - %s" % (name, why))


def test_settings_that_name_files_cannot_be_set(start):
    s = start(enable_protected_configs="no")
    c = s.conn()
    for name in IMMUTABLE:
        value = c("CONFIG", "GET", name)
        assert value[:1] == [name.encode()], name
        assert c("CONFIG", "SET", name, value[1]) == refused(name, "can't set immutable config"), name
    for name, value in PROTECTED.items():
        before = c("CONFIG", "GET", name)
        assert c("CONFIG", "SET", name, value) == refused(name, "can't set protected config"), name
        assert c("CONFIG", "SET", "timeout", "5", name, value) == refused(name, "can't set protected config"), name
        assert c("CONFIG", "GET", name) == before and c("CONFIG", "GET", "timeout") == [b"timeout", b"0"]


@pytest.mark.parametrize("who", ["yes", "local"])
def test_who_may_set_protected_settings_is_a_setting(start, who):
    s = start(enable_protected_configs=who)
    c = s.conn()  # from this machine
    assert c("CONFIG", "SET", "dbfilename", "other.rdb", "logfile", s.dir + "/other.log") == OK
    assert c("SAVE") == OK and os.path.exists(s.dir + "/other.rdb") and os.path.exists(s.dir + "/other.log")
    # A name with a path in it would leave the directory.
    for name in ("../x.rdb", "/tmp/x.rdb", "a/b"):
        assert isinstance(c("CONFIG", "SET", "dbfilename", name), Err)


@pytest.mark.parametrize("command, setting", [("DEBUG", "debug"), ("MODULE", "module")])
def test_debug_and_module_are_shut(start, command, setting):
    text = Err("ERR %s command not allowed. If the enable-%s-command option is set to \"local\", you can run it from a local "
               "connection, otherwise you need to set this option in the configuration file, and then restart the "
               "server." % (command, setting))
    request = [command, "SLEEP", "0"] if command == "DEBUG" else [command, "LOAD", "x"]
    c = start().conn()
    assert c(*request) == text
    assert c("MULTI") == OK and c(*request) == text and c("EXEC").startswith("EXECABORT")
    assert "not allowed" in c("EVAL", "return redis.pcall('%s', unpack(ARGV)).err" % command, "0", *request[1:]).decode()
    for who in ("local", "yes"):
        assert start(**{"enable_%s_command" % setting: who}).conn()(*request) != text


RENAMED = "rename-command FLUSHALL \"\"\nrename-command SET put-%s\nrename-command CONFIG \"\"\nrename-command ACL door\nappendonly yes\n"


def test_commands_that_were_renamed_or_taken_away(start):
    name = "PUT-k3y"
    s = start(conf=RENAMED % "k3y")
    c = s.conn()
    for request in (["FLUSHALL"], ["SET", "k", "v"], ["CONFIG", "GET", "*"], ["ACL", "WHOAMI"]):
        assert c(*request).startswith("ERR unknown command '%s'" % request[0])
        assert c("COMMAND", "INFO", request[0]) == [None]
    assert c(name, "k", "1") == OK and c(name.lower(), "k", "2", "EX", "1000") == OK
    assert c("COMMAND", "GETKEYS", name, "k", "v") == [b"k"]
    assert c("MULTI") == OK and c("SET", "k", "v").startswith("ERR unknown command") and c("EXEC").startswith("EXECABORT")
    assert c("MULTI") == OK and c(name, "k", "3") == QUEUED and c("EXEC") == [OK]
    assert c("EVAL", "return redis.pcall('SET', 'k', 'v').err", "0").startswith(b"ERR Unknown Redis command")
    assert c("EVAL", "return redis.call(ARGV[1], 'k', '4')", "0", name) == OK
    # Rules name a command as every server does.
    assert c("DOOR", "SETUSER", "u", "on", "nopass", "~*", "+get", "+set") == OK
    u = s.conn()
    assert u("AUTH", "u", "x") == OK and u(name, "k", "5") == OK and u("GET", "k") == b"5"
    assert u("DEL", "k").startswith("NOPERM")
    # The log has the names that every server knows.
    s.kill9()
    s.start()
    assert s.conn()("GET", "k") == b"5"


def test_a_rename_that_cannot_be_stops_the_start(start):
    from server import StartError
    for line in ("rename-command NOSUCH x", "rename-command GET SET"):
        with pytest.raises(StartError) as e:
            start(conf=line + "\n")
        assert "rename-command" in str(e.value)


def test_protected_mode_is_on_by_default(start):
    s = start(bind="* -::*")
    assert s.conn()("CONFIG", "GET", "protected-mode") == [b"protected-mode", b"yes"]
    assert wait_for(lambda: s.conn()("PING"))


def document(name):
    with open(os.path.join(srv.ROOT, name), encoding="utf-8") as f:
        return f.read()


@pytest.mark.in_the_clear("with TLS some settings are not the defaults")
def test_the_table_of_defaults_in_security_md_is_true(start, tmp_path):
    s = start()
    c = s.conn()
    rows = re.findall(r"^\| `([a-z-]+)` \| (?:`([^`]*)`|none) \|", document("SECURITY.md"), re.M)
    assert len(rows) >= 12
    for name, value in rows:
        if name == "core-dumps" and not srv.SEES_PROCESSES:
            continue  # lib/server.py has set it
        want = "127.0.0.1" if name == "bind" and c("CONFIG", "GET", "bind")[1] == b"127.0.0.1" else value
        assert c("CONFIG", "GET", name) == [name.encode(), want.encode()], name
    for word in ("bind", "protected-mode"):
        assert "\n%s %s\n" % (word, dict(rows)[word]) in document("memd.conf")
    c("SET", "k", "v")
    c("SAVE")
    assert os.stat(s.dir + "/dump.rdb").st_mode & 0o777 == 0o600


def test_the_rules_for_tenants_are_those_of_the_test():
    import test_acl_matrix
    line = re.search(r"^    user a on >PASSWORD (.*)$", document("docs/security.md"), re.M).group(1)
    assert line.split() == test_acl_matrix.TENANT[2:]


@pytest.mark.parametrize("name", ["SECURITY.md", "docs/security.md"])
def test_files_that_it_names_are_there(name):
    text = document(name)
    for path in re.findall(r"\]\(([^)]+)\)", text) + [p for p in re.findall(r"`((?:server|storage|base|tests)/[^`]+)`", text)]:
        here = os.path.join(srv.ROOT, os.path.dirname(name) if "](" + path in text else "", path)
        assert os.path.exists(here), path
