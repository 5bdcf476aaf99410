"""Secrets with a mark in them go every way into the daemon; then all that comes out is looked through.

Where a secret may be is said as well: in the file that CONFIG REWRITE writes, which nobody else may read, and in
the text of a script, which is what SLOWLOG and MONITOR are there to show."""
import glob
import hashlib
import os
import re
import subprocess

import pytest

import server as srv
from resp import OK, Err
from server import StartError, wait_for

pytestmark = pytest.mark.memd_only

MARK = "c4n4ry"


class Canaries:
    """Passwords that say which way they came."""

    def __init__(self):
        self.n = 0

    def __call__(self, way):
        self.n += 1
        return "%s-%s-%d" % (MARK, way, self.n)


def flat(reply):
    if isinstance(reply, (list, tuple, set)):
        return "\n".join(flat(x) for x in reply)
    if isinstance(reply, dict):
        return "\n".join(flat(k) + " " + flat(v) for k, v in reply.items())
    return reply.decode("latin1") if isinstance(reply, bytes) else str(reply)


def found(text):
    """The marks in a text, for a message that says which way leaks."""
    return sorted(set(re.findall(MARK + r"-[\w-]*", text)))


def files_of(s):
    out = {}
    for path in glob.glob(s.dir + "/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                out[os.path.relpath(path, s.dir)] = f.read().decode("latin1")
    return out


OUTPUTS = [["SLOWLOG", "GET", "-1"], ["ACL", "LOG"], ["ACL", "LIST"], ["ACL", "GETUSER", "u"], ["ACL", "USERS"],
           ["CLIENT", "LIST"], ["INFO", "everything"], ["CONFIG", "GET", "*"], ["LATENCY", "LATEST"],
           ["MEMORY", "STATS"], ["COMMAND", "LIST"], ["FUNCTION", "LIST"], ["AUDIT", "GET"]]


def test_no_secret_comes_out(start, tmp_path):
    secret = Canaries()
    first = secret("requirepass")
    s = start(appendonly="yes", loglevel="debug", slowlog_log_slower_than=0, slowlog_max_len=10000, requirepass=first,
              auth_delay_max=0, enable_debug_command="yes", acllog_max_len=1000, unixsocket=str(tmp_path / "s"))
    c, m = s.conn(), s.conn()
    assert m("MONITOR") == OK
    c("NAMESPACE", "SET", "a:*", "audit", "all", "archive", "evicted")
    stranger = s.conn(auth=False)
    for request in [
        ["AUTH", secret("auth")], ["AUTH", "ada", secret("auth2")], ["AUTH", "a", "b", secret("auth3")],
        ["HELLO", "3", "AUTH", "default", secret("hello")],
        ["HELLO", "3", "SETNAME", "n", "AUTH", "default", secret("hello-late")],
        ["auth", secret("lower")], ["GET", secret("get")],
    ]:
        assert not flat(stranger(*request)).startswith("OK")
    stranger.send_raw(("AUTH %s\r\n" % secret("inline")).encode())
    stranger.read()
    stranger.send_raw(('AUTH "%s\r\n' % secret("unbalanced")).encode())
    stranger.read_to_end()
    too_long = s.conn(auth=False)
    too_long.send_raw(b"*2\r\n$4\r\nAUTH\r\n$99999\r\n" + (secret("too-long") * 10).encode())
    too_long.read_to_end()

    kept = secret("setuser")
    sha = hashlib.sha256(secret("hashed").encode()).hexdigest()
    for request in [
        ["ACL", "SETUSER", "u", "on", ">" + kept, "+@all", "~*"], ["ACL", "SETUSER", "u", "#" + sha],
        ["ACL", "SETUSER", "u", ">" + secret("other")], ["ACL", "SETUSER", "u", ">" + secret("bad"), "+nosuch"],
        ["ACL", "SETUSER", "u", "<" + secret("gone")], ["ACL", "SETUSER", "u", "!" + secret("gone-hash")],
        ["ACL", "SETUSER", "u", secret("unsigned")], ["AUTH", "u", kept],
        ["CONFIG", "SET", "masterauth", secret("masterauth"), "masteruser", secret("masteruser")],
        ["CONFIG", "SET", "tls-key-file-pass", secret("keypass")],
        ["CONFIG", "SET", "metrics-password", secret("metrics")],
        ["CONFIG", "SET", "tls-client-key-file-pass", secret("clientkeypass")],
        ["CONFIG", "SET", "maxclients", "100", "requirepass", secret("second"), "nosuch", "1"],
        ["CONFIG", "SET", "requirepas", secret("mistyped")],
        ["CONFIG", "SET", "requirepass", secret("third")],
        ["MIGRATE", "127.0.0.1", "1", "a:k", "0", "10", "AUTH", secret("migrate")],
        ["MIGRATE", "127.0.0.1", "1", "", "0", "10", "COPY", "AUTH2", "u", secret("migrate2"), "KEYS", "a:k", "b"],
        ["SET", "a:k", "v"],
        ["MIGRATE", "127.0.0.1", "1", "a:k", "0", "10", "REPLACE", "AUTH", secret("migrate3")],
        ["MULTI"], ["AUTH", secret("in-multi")], ["CONFIG", "SET", "masterauth", secret("multi-config")],
        ["ACL", "SETUSER", "v", ">" + secret("multi-acl")], ["EXEC"],
        ["MULTI"], ["AUTH", secret("dropped")], ["DISCARD"],
        ["CONFIG", "RESETSTAT"], ["BGREWRITEAOF"], ["SAVE"], ["SET", "k", "v"],
    ]:
        flat(c(*request))
    c.send_raw(("AUTH u %s\r\n" % kept).encode())
    assert c.read() == OK
    assert c("DEBUG", "SLEEP", "0") == OK

    for request in OUTPUTS:
        # CONFIG GET * is asked for by who may; what a user's hash is, is no secret to him.
        assert found(flat(c(*request))) == [], request
    assert c("CONFIG", "GET", "requirepass") == [b"requirepass", b"(redacted)"]
    assert c("CONFIG", "GET", "tls-key-file-pass") == [b"tls-key-file-pass", b"(redacted)"]
    seen = []
    c("ECHO", "the-end")
    while not seen or "the-end" not in seen[-1]:
        seen.append(flat(m.read()))
    assert found("\n".join(seen)) == []
    assert any("(redacted)" in line for line in seen)
    assert found(s.log()) == []
    with open("/proc/%d/cmdline" % s.proc.pid) as f:
        assert found(f.read()) == [], "ps would show it"
    s.stop()
    for name, text in files_of(s).items():
        assert found(text) == [], name


def test_what_config_get_shows_is_not_set_again(c):
    assert c("CONFIG", "GET", "requirepass") == [b"requirepass", b""]
    assert c("CONFIG", "SET", "masterauth", "(redacted)") == Err(
        "ERR CONFIG SET failed (possibly related to argument 'masterauth') - this is what CONFIG GET shows in the "
        "place of a secret")


def test_config_rewrite_writes_secrets_where_nobody_else_reads(start):
    s = start(conf="requirepass first-one\nuser ada on >ada-one +@all\n", password="first-one")
    path = os.path.join(s.dir, "test.conf")
    os.chmod(path, 0o600)
    c = s.conn()
    assert c("CONFIG", "SET", "requirepass", "next one") == OK and c("CONFIG", "REWRITE") == OK
    with open(path) as f:
        text = f.read()
    assert 'requirepass "next one"' in text and "ada-one" not in text and "#" in text
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", [
    "requirepass {} too many", "requirepass \"{}", "requirepas {}", "require-password={}", "masterauth {} x",
    "user ada on <{}", "user ada on >{} +nosuch", "user ada on #{}", "user ada on > {}", "user ada on \">{}",
    "user ada >{}\nuser ada >{}", "tls-key-file-pass {} x", "passwd: {}", "maxmemory 1zb # {}-not-a-secret",
])
def test_a_bad_line_of_the_configuration_is_not_quoted_with_its_secret(line, tmp_path):
    path = tmp_path / "memd.conf"
    path.write_text("port 0\nunixsocket %s/s\ndir %s\n%s\n" % (tmp_path, tmp_path, line.replace("{}", MARK + "-conf")))
    for argv in ([srv.MEMD.path, str(path)], [srv.MEMD.path, "--check-config", str(path)]):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=srv.PATIENCE)
        said = done.stdout + done.stderr
        if "not-a-secret" not in line:
            assert found(said) == [], said
        if "user" not in line or "--check-config" not in argv:
            assert done.returncode != 0 and said


@pytest.mark.parametrize("args, env", [
    (["--requirepass", "{}", "too", "many"], {}),
    (["--requirepas", "{}"], {}),
    (["--user", "ada", "on", "<{}"], {}),
    ([], {"MEMD_REQUIREPAS": "{}"}),
    (["--maxmemory", "x"], {"MEMD_PASSWORD": "{}", "REDIS_PASSWORD": "{}"}),
    (["--maxmemory", "x"], {"MEMD_MASTERAUTH": "{}"}),
])
def test_options_and_the_environment_are_not_quoted_either(args, env, tmp_path):
    fill = lambda text: text.replace("{}", MARK + "-args")  # noqa: E731
    done = subprocess.run([srv.MEMD.path, "--port", "0", "--dir", str(tmp_path), *map(fill, args)], capture_output=True,
                          text=True, timeout=srv.PATIENCE, env=dict(os.environ, **{k: fill(v) for k, v in env.items()}))
    assert done.returncode != 0
    assert found(done.stdout + done.stderr) == []


def test_an_aclfile_is_not_quoted(start, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user ada on >%s-acl +nosuch\nuser bob on <%s-gone\nuser eve on #%s-hash\n" % (MARK, MARK, MARK))
    with pytest.raises(StartError) as e:
        start(aclfile=str(path))
    assert "+nosuch" in str(e.value) and found(str(e.value)) == []
    good = tmp_path / "good.acl"
    good.write_text("user default on nopass ~* &* +@all\n")
    s = start(aclfile=str(good))
    good.write_text(path.read_text())
    c = s.conn()
    reply = c("ACL", "LOAD")
    assert isinstance(reply, Err) and found(reply) == [] and found(s.log()) == []


def test_passwords_do_not_stay_in_memory(start):
    """Buffers are used again by other clients: what was a password is overwritten when it has been looked at."""
    s = start(slowlog_log_slower_than=0)
    c = s.conn()
    secret = "%s-in-memory-%s" % (MARK, "x" * 40)
    c("ACL", "SETUSER", "u", "on", ">" + secret, "+@all", "~*")
    c.send_raw(("ACL SETUSER u >%s\r\n" % secret).encode())
    c.read()
    for _ in range(3):
        assert c("AUTH", "u", secret) == OK
        assert c.pipeline([["MULTI"], ["AUTH", "u", secret], ["EXEC"]])[-1] == [OK]
    c.send_raw(("AUTH u %s\r\n" % secret).encode())
    assert c.read() == OK
    assert c("HELLO", "3", "AUTH", "u", secret)
    assert c("PING")
    needle, hits = secret[1:].encode(), 0
    try:
        maps, mem = open("/proc/%d/maps" % s.proc.pid), open("/proc/%d/mem" % s.proc.pid, "rb", 0)
    except PermissionError:
        return  # a process that may not be dumped: the kernel shows its memory to root alone
    with maps, mem:
        for line in maps:
            where, rights, rest = line.split(None, 2)
            if "rw" not in rights or "[v" in rest:
                continue
            lo, hi = (int(x, 16) for x in where.split("-"))
            if hi - lo > 1 << 30:  # the shadow of AddressSanitizer
                continue
            try:
                mem.seek(lo)
                hits += mem.read(hi - lo).count(needle)
            except (OSError, ValueError):
                continue
    assert hits == 0
