"""The program: options, errors of configuration, log, signals, exit codes."""
import os
import re
import signal
import socket
import subprocess

import pytest

import server as srv
from resp import Err, OK, PONG
from server import MEMD, PATIENCE, wait_for

pytestmark = pytest.mark.memd_only


def run(*args, stdin="", env=None, cwd=None):
    return subprocess.run([MEMD.path, *args], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          env={**{k: v for k, v in os.environ.items() if not k.startswith("MEMD_")}, **(env or {})}, cwd=cwd)


def test_help_and_version():
    for option in ("--help", "-h"):
        p = run(option)
        assert p.returncode == 0 and "--check-config" in p.stdout and "--port" in p.stdout
    for option in ("--version", "-v"):
        p = run(option)
        assert p.returncode == 0 and re.search(r"memd v=\d+\.\d+\.\d+", p.stdout)


def test_the_start_line_says_all(start):
    s = start(maxmemory="100mb", maxmemory_policy="allkeys-lru", appendonly="yes", appendfsync="always")
    line = [l for l in s.log().splitlines() if "started" in l][0]
    for word in ("memd ", str(s.port), s.dir, "always", "104857600", "allkeys-lru"):
        assert word in line, (word, line)
    assert re.match(r"\d+:M \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* ", line)


def broken(tmp_path, text):
    f = tmp_path / "broken.conf"
    f.write_text(text)
    return run(str(f), cwd=str(tmp_path))


@pytest.mark.parametrize("line, setting, value, accepted", [
    ("maxmemory 2xb", "maxmemory", "2xb", "bytes"),
    ("port 99999", "port", "99999", "65535"),
    ("appendfsync sometimes", "appendfsync", "sometimes", "everysec"),
    ("maxmemory-policy best", "maxmemory-policy", "best", "allkeys-lru"),
    ("appendonly maybe", "appendonly", "maybe", "yes"),
    ("save 900", "save", "900", "seconds"),
    ("databases 0", "databases", "0", "1"),
])
def test_errors_name_file_line_setting_value_and_what_is_accepted(tmp_path, line, setting, value, accepted):
    p = broken(tmp_path, "# fine\nport 7000\n%s\n" % line)
    assert p.returncode == 1
    said = p.stderr + p.stdout
    for word in ("broken.conf:3", setting, '"%s"' % value, accepted):
        assert word in said, (word, said)


def test_an_unknown_setting_is_an_error(tmp_path):
    p = broken(tmp_path, "port 7000\nmaxmemroy 1gb\n")
    assert p.returncode == 1 and "broken.conf:2" in p.stderr and "maxmemroy" in p.stderr
    p = run("--maxmemroy", "1gb")
    assert p.returncode == 1 and "maxmemroy" in p.stderr and "command line" in p.stderr


def test_unbalanced_quotes_and_missing_files(tmp_path):
    p = broken(tmp_path, 'dir "half\n')
    assert p.returncode == 1 and "broken.conf:1" in p.stderr
    p = run(str(tmp_path / "nosuch.conf"))
    assert p.returncode == 1 and "nosuch.conf" in p.stderr
    p = broken(tmp_path, "include %s/nosuch-either.conf\n" % tmp_path)
    assert p.returncode == 1 and "nosuch-either.conf" in p.stderr


def test_check_config(tmp_path):
    good = tmp_path / "good.conf"
    good.write_text("port 7000\nmaxmemory 1gb\nsave 900 1\n")
    assert run("--check-config", str(good)).returncode == 0
    bad = tmp_path / "bad.conf"
    bad.write_text("port 7000\nmaxmemory lots\n")
    p = run("--check-config", str(bad))
    assert p.returncode == 1 and "bad.conf:2" in p.stderr and "lots" in p.stderr
    assert run("--check-config", str(tmp_path / "nosuch")).returncode == 1


def test_the_shipped_memd_conf_is_complete_and_is_the_default(start):
    path = os.path.join(srv.ROOT, "memd.conf")
    assert run("--check-config", path).returncode == 0
    with open(path) as f:
        text = f.read()
    s = start()
    c = s.conn()
    named = set(re.findall(r"^#? ?([a-z][a-z0-9-]+)(?: |$)", text, re.M))
    for setting in ("bind", "port", "unixsocket", "maxmemory", "maxmemory-policy", "save", "appendonly", "appendfsync", "dir",
                    "requirepass", "databases", "timeout", "tcp-keepalive", "maxclients", "loglevel", "logfile",
                    "slowlog-log-slower-than", "slowlog-max-len", "list-max-listpack-size", "protected-mode",
                    "client-output-buffer-limit", "client-query-buffer-limit", "proto-max-bulk-len", "hz"):
        assert setting in named, setting
        assert c("CONFIG", "GET", setting) != []


def test_settings_of_redis_without_meaning_here_are_accepted_with_one_line_each(start):
    s = start(conf="activedefrag yes\nio-threads 4\nrdb-del-sync-files no\nport 0\n", loglevel="notice")
    log = s.log()
    for name in ("io-threads",):
        assert len([l for l in log.splitlines() if name in l]) == 1, log
    assert s.conn()("PING") == PONG


def test_a_stock_redis_conf_works(start):
    conf = "/etc/redis/redis.conf"
    if not os.access(conf, os.R_OK):
        pytest.skip("no redis.conf here")
    with open(conf) as f:
        text = f.read()
    text = "\n".join(l for l in text.split("\n") if not re.match(r"(daemonize|supervised|pidfile|logfile|dir|include) ", l))
    s = start(conf=text)
    assert s.conn()("PING") == PONG


def test_environment_variables_set_the_usual_settings(start):
    s = start(env={"MEMD_MAXMEMORY": "64mb", "MEMD_MAXMEMORY_POLICY": "allkeys-lru", "REDIS_PASSWORD": "from-env"}, password="from-env")
    c = s.conn()
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"67108864"]
    assert c("CONFIG", "GET", "maxmemory-policy") == [b"maxmemory-policy", b"allkeys-lru"]
    assert s.conn(auth=False)("PING") == Err("NOAUTH Authentication required.")


def test_the_command_line_overrules_the_file(start):
    s = start(conf="maxmemory 1gb\ntimeout 5\n", maxmemory="2gb")
    c = s.conn()
    assert c("CONFIG", "GET", "maxmemory", "timeout") in (
        [b"maxmemory", b"2147483648", b"timeout", b"5"], [b"timeout", b"5", b"maxmemory", b"2147483648"])


def test_ping_asks_a_running_daemon(start):
    s = start(requirepass="pw")
    assert run("--ping", "--port", str(s.port), env={"MEMD_PASSWORD": "pw"}).returncode == 0
    assert run("--ping", "--port", str(srv.free_port())).returncode != 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start, sig):
    s = start(save="900 1")
    c = s.conn()
    c("SET", "k", "v")
    os.kill(s.pid, sig)
    assert s.wait_exit() == 0
    assert c.read_to_end() == b""
    s.start()
    assert s.conn()("GET", "k") == b"v"


def test_a_signal_while_a_client_floods(start):
    s = start(appendonly="yes")
    c = s.conn()
    c.sock.settimeout(0.5)
    try:
        for i in range(200):
            c.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n%04d\r\n" % i * 100)
            if i == 100:
                os.kill(s.pid, signal.SIGTERM)
    except OSError:
        pass
    assert s.wait_exit() == 0


def test_sighup_reopens_the_log(start, tmp_path):
    log = tmp_path / "memd.log"
    s = start(logfile=str(log))
    assert s.conn()("PING") == PONG
    log.rename(tmp_path / "memd.log.1")
    os.kill(s.pid, signal.SIGHUP)
    wait_for(log.exists)
    s.conn()("CONFIG", "SET", "loglevel", "debug")
    assert s.conn()("PING") == PONG
    s.stop()
    assert "bye" in log.read_text() and "bye" not in (tmp_path / "memd.log.1").read_text()


def test_pidfile(start, tmp_path):
    pid = tmp_path / "memd.pid"
    s = start(pidfile=str(pid))
    assert int(pid.read_text()) == s.pid
    s.stop()
    assert not pid.exists()


def test_a_second_daemon_on_the_same_directory_is_refused(start):
    s = start(appendonly="yes")
    second = srv.Server(directory=s.dir, appendonly="yes", wait=False)
    try:
        assert second.wait_exit() == 1
    finally:
        second.destroy()
    assert s.conn()("SET", "k", "v") == OK


def test_a_port_in_use_and_a_bad_directory_end_it_with_one(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        p = run("--port", str(s.getsockname()[1]), "--save", "", cwd=str(tmp_path))
        assert p.returncode == 1 and "in use" in (p.stdout + p.stderr)
    (tmp_path / "file").write_text("no directory")
    p = run("--port", str(srv.free_port()), "--dir", str(tmp_path / "file"))
    assert p.returncode == 1 and str(tmp_path / "file") in (p.stdout + p.stderr)


def test_the_log_keeps_no_secrets(start):
    s = start(requirepass="canary-secret", loglevel="debug")
    c = s.conn()
    c("CONFIG", "SET", "requirepass", "canary-secret-2")
    c("AUTH", "canary-wrong")
    assert "canary" not in s.log()
    s.password = "canary-secret-2"
