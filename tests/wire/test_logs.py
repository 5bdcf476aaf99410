"""The log: its forms, changing them while it runs, and what strangers can write into it."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

import server as srv
from resp import Err, OK, PONG
from server import MEMD, wait_for

pytestmark = pytest.mark.memd_only

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


def lines_with(path, word):
    with open(path, "rb") as f:
        return [line for line in f.read().decode("utf-8", "replace").splitlines() if word in line]


def test_json_lines_from_start_to_end(start, tmp_path):
    path = tmp_path / "memd.log"
    s = start(logfile=str(path), log_format="json", loglevel="debug", enable_debug_command="yes")
    c = s.conn()
    nasty = b'"quoted"\\ \r\n{"forged": 1}\xff\xc3\xa9\x00'
    assert c("DEBUG", "LOG", nasty) == OK
    pid = s.pid
    s.stop()
    with open(path, "rb") as f:
        lines = f.read().split(b"\n")
    assert lines.pop() == b""
    told = [json.loads(line.decode("utf-8")) for line in lines]  # strictly UTF-8, an object each
    for t in told:
        assert list(t) == ["time", "level", "pid", "role", "message"] and t["pid"] == pid
        assert re.fullmatch(ISO, t["time"]) and t["level"] in ("debug", "info", "notice", "warning")
    said = [t for t in told if "DEBUG LOG" in t["message"]]
    assert len(said) == 1 and '"quoted"\\ \r\n{"forged": 1}\ufffd\xe9' in said[0]["message"]
    assert "bye" in told[-1]["message"]


def test_logfmt_and_stamps_change_while_it_runs(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    assert c("CONFIG", "SET", "log-format", "logfmt", "log-timestamp-format", "iso8601") == OK
    c("DEBUG", "LOG", 'a"b')
    assert re.search(r'^pid=%d role=primary timestamp="%s" level=warning message="DEBUG LOG: a\\"b"$' % (s.pid, ISO), s.log(), re.M)
    assert c("CONFIG", "SET", "log-format", "text", "log-timestamp-format", "milliseconds") == OK
    assert c("CONFIG", "GET", "log-format") == [b"log-format", b"legacy"]
    c("DEBUG", "LOG", "again")
    assert re.search(r"^%d:M \d{13} # DEBUG LOG: again$" % s.pid, s.log(), re.M)
    got = c("CONFIG", "SET", "log-format", "xml")
    assert isinstance(got, Err) and "legacy, text, logfmt, json" in got


def test_the_file_can_change_where_that_is_allowed(start, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    c = start(logfile=str(tmp_path / "x")).conn()
    got = c("CONFIG", "SET", "logfile", str(second))
    assert isinstance(got, Err) and "protected" in got and not second.exists()
    s = start(logfile=str(first), enable_protected_configs="yes", enable_debug_command="yes")
    c = s.conn()
    got = c("CONFIG", "SET", "timeout", "77", "logfile", str(tmp_path / "nosuch" / "log"))
    assert isinstance(got, Err) and "'logfile'" in got and "No such file" in got
    assert c("CONFIG", "GET", "timeout", "logfile") in ([b"logfile", str(first).encode(), b"timeout", b"0"],
                                                        [b"timeout", b"0", b"logfile", str(first).encode()])
    assert c("CONFIG", "SET", "logfile", str(second)) == OK
    c("DEBUG", "LOG", "where am I")
    assert lines_with(second, "where am I") and not lines_with(first, "where am I")
    second.rename(tmp_path / "moved")
    os.kill(s.pid, signal.SIGHUP)
    wait_for(second.exists)
    assert c("CONFIG", "SET", "logfile", "") == OK
    c("DEBUG", "LOG", "on stdout")
    with open(os.path.join(s.dir, "stdout.log")) as f:
        assert "on stdout" in f.read()
    assert not lines_with(second, "on stdout")


def test_a_change_that_fails_later_takes_the_log_back(start, tmp_path):
    s = start(logfile=str(tmp_path / "first"), enable_protected_configs="yes", enable_debug_command="yes")
    c = s.conn()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        got = c("CONFIG", "SET", "logfile", str(tmp_path / "second"), "log-format", "json", "port", taken.getsockname()[1])
    assert isinstance(got, Err) and "'port'" in got
    c("DEBUG", "LOG", "still here")
    assert re.match(r"\d+:M ", lines_with(tmp_path / "first", "still here")[0])


def test_a_log_that_cannot_be_written_stops_nobody(start):
    s = start(logfile="/dev/full", loglevel="debug", appendonly="yes")
    c = s.conn()
    for i in range(50):
        assert s.conn()("SET", "k%d" % i, "v") == OK
    os.kill(s.pid, signal.SIGHUP)
    assert c("PING") == PONG and c("DBSIZE") == 50
    s.stop()


def test_strangers_cannot_fill_the_disk_with_lines(start, tmp_path):
    """Each connection that speaks HTTP is told in the log; of a thousand, ten a second are, and then how many more."""
    path = tmp_path / "log"
    s = start(logfile=str(path))
    for _ in range(300):
        with s.conn(auth=False) as c:
            c.send_raw(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
            c.read_to_end()
    seconds = {line.split(".")[0] for line in lines_with(path, "SECURITY ATTACK")}
    assert len([line for line in lines_with(path, "# Possible SECURITY ATTACK")]) <= 10 * (len(seconds) + 1)
    s.stop()
    left_out = sum(int(re.search(r"(\d+) more lines like", line).group(1)) for line in lines_with(path, "more lines like"))
    assert left_out + len(lines_with(path, "# Possible SECURITY ATTACK")) == 300


def test_a_log_that_nobody_reads_any_more_holds_up_nobody(tmp_path):
    """As a container's log driver or a journal that hangs: 400 KB of lines into a pipe of 64 KB."""
    port = srv.free_port()
    p = subprocess.Popen([MEMD.path, "--port", str(port), "--dir", str(tmp_path), "--enable-debug-command", "yes", "--save", ""],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        seen = b""
        while b"Ready to accept" not in seen:
            seen += os.read(p.stdout.fileno(), 4096)
        with socket.create_connection(("127.0.0.1", port)) as sock:
            c = srv.Conn(sock)
            for _ in range(400):
                assert c("DEBUG", "LOG", "x" * 1000) == OK
            while b"x" * 1000 not in seen[-70000:]:
                seen += os.read(p.stdout.fileno(), 65536)
            assert c("DEBUG", "LOG", "again") == OK
            while b"DEBUG LOG: again" not in seen:
                seen += os.read(p.stdout.fileno(), 65536)
        lost = int(re.search(rb"\((\d+) lines of the log were lost", seen).group(1))
        assert lost + seen.count(b"DEBUG LOG: xxx") == 400
        p.terminate()
        assert b"bye bye" in p.stdout.read() and p.wait(srv.PATIENCE) == 0
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
