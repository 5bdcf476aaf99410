"""Lines of the log that go to syslog: a socket of the test's own stands in the place of /dev/log."""
import json
import os
import re
import socket

import pytest

import shim
from resp import OK, PONG
from server import PATIENCE, wait_for

pytestmark = pytest.mark.memd_only

LINE = re.compile(rb"<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^\[]*)\[(\d+)\]: (.*)", re.S)


class Reader:
    def __init__(self, folder):
        self.path = os.path.join(str(folder), "log")
        self.listen()

    def listen(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.settimeout(PATIENCE)

    def leave(self):
        self.sock.close()
        os.unlink(self.path)

    def next(self):
        """(facility, severity, ident, pid, message)"""
        code, ident, pid, message = LINE.fullmatch(self.sock.recv(65536)).groups()
        return int(code) >> 3, int(code) & 7, ident, int(pid), message

    def until(self, message):
        while True:
            got = self.next()
            if got[4] == message:
                return got


@pytest.fixture
def reader(tmp_path):
    r = Reader(tmp_path)
    yield r
    r.sock.close()


def launch(start, reader, **more):
    return start(env={"LD_PRELOAD": shim.build("syslog_shim"), "SYSLOG_SHIM": reader.path, "ASAN_OPTIONS": "verify_asan_link_order=0"},
                 syslog_enabled="yes", syslog_ident="memd-7", syslog_facility="local3", enable_debug_command="yes", **more)


def test_lines_have_their_severity_ident_and_facility_whatever_the_form_of_the_log(start, reader):
    s = launch(start, reader, log_format="json")
    assert reader.until(b"Ready to accept connections") == (19, 5, b"memd-7", s.pid, b"Ready to accept connections")
    c = s.conn()
    assert c("DEBUG", "LOG", "a %s\r\nb \"q\"") == OK
    assert reader.until(b"DEBUG LOG: a %s??b \"q\"")[:3] == (19, 4, b"memd-7")
    assert json.loads(s.log().splitlines()[-1])["message"] == "DEBUG LOG: a %s\r\nb \"q\""
    assert c("CONFIG", "SET", "syslog-ident", "other", "syslog-facility", "user", "log-format", "legacy") == OK
    assert c("DEBUG", "LOG", "x") == OK
    assert reader.until(b"DEBUG LOG: x")[:3] == (1, 4, b"other")
    assert c("CONFIG", "SET", "syslog-enabled", "no") == OK
    assert c("DEBUG", "LOG", "y") == OK and c("CONFIG", "SET", "syslog-enabled", "yes") == OK and c("DEBUG", "LOG", "z") == OK
    assert reader.next()[4] == b"DEBUG LOG: z"


def test_a_reader_that_hangs_stops_nobody(start, reader):
    s = launch(start, reader)
    c = s.conn()
    reader.until(b"Ready to accept connections")
    for i in range(3000):
        assert c("DEBUG", "LOG", "%d %s" % (i, "x" * 1000)) == OK
    assert c("PING") == PONG and s.log().count("DEBUG LOG") == 3000
    wait_for(lambda: b"lines of the log were lost" in (c("DEBUG", "LOG", "and on"), reader.next()[4])[1])


def test_a_reader_may_go_and_another_come(start, reader):
    reader.leave()
    s = launch(start, reader)
    c = s.conn()
    assert "Can't reach syslog at /dev/log: No such file or directory." in s.log()
    for i in range(2):
        reader.listen()
        assert c("DEBUG", "LOG", "there") == OK
        assert b"lines of the log were lost" in reader.next()[4]
        assert reader.next()[4] == b"DEBUG LOG: there"
        reader.leave()
        assert c("DEBUG", "LOG", "gone") == OK
