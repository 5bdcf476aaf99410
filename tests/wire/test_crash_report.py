"""What memd says when it crashes: enough to find the fault, and nothing that clients sent."""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from resp import Err, OK
from server import MEMD, wait_for

CANARY = "canary-9f3a"


pytestmark = [pytest.mark.memd_only, pytest.mark.skipif(MEMD.sanitized, reason="a sanitizer reports crashes itself")]


def end(s, *command):
    """The exit status after the command."""
    c = s.conn()
    c.send(*command)
    c.read_to_end()
    return s.wait_exit()


def test_a_crash_report_holds_what_is_needed_and_no_secrets(start, tmp_path):
    path = tmp_path / "memd.log"
    s = start(logfile=str(path), appendonly="yes", appendfsync="always", enable_debug_command="yes", requirepass=CANARY)
    c = s.conn()
    assert c("SET", CANARY + "-key", CANARY + "-value") == OK
    assert c("EVAL", "return '%s' .. ARGV[1]" % CANARY, 0, CANARY)
    assert c("CLIENT", "SETNAME", CANARY) == OK
    c("NOSUCH-" + CANARY)
    c("HSET", "h", CANARY * 100, CANARY)
    s.password = CANARY
    assert end(s, "DEBUG", "SEGFAULT") == -signal.SIGSEGV
    text = path.read_text()
    report = text[text.index("=== MEMD BUG REPORT START"):]
    for words in ("crashed by signal: 11 (SIGSEGV)", "in the reactor (memd)", "Accessing address: 0x", "dispatch_call+0x",
                  "VmRSS:", "uptime_in_seconds:", "cmd=debug|segfault", "REPORT END"):
        assert words in report, words
    assert re.search(r"^Build: [0-9a-f]{40}$", report, re.M)
    assert re.search(r"^Last commands: .*\bauth set eval client\|setname hset auth debug\|segfault$", report, re.M), report
    assert re.search(r"^  r12=", report, re.M) or "aarch64" in os.uname().machine
    assert "canary" not in text and CANARY not in s.log()
    assert report in s.log(), "standard error has it too"
    advice = re.search(r"^  (addr2line -pfie .*)$", report, re.M).group(1)
    if shutil.which("addr2line"):
        told = subprocess.run(advice.replace(s.binary, shlex.quote(s.binary)), shell=True, capture_output=True, text=True, check=True).stdout
        assert told.splitlines()[0].startswith("run_segfault at "), told
    s.start()
    assert s.conn()("GET", CANARY + "-key") == (CANARY + "-value").encode()


@pytest.mark.parametrize("how, words", [("ASSERT", "Assertion failed: server/debug_cmd.c:"), ("PANIC", "SIGABRT"), ("OOM", "SIGABRT")])
def test_ends_on_purpose_are_reported(start, how, words):
    s = start(enable_debug_command="yes")
    assert end(s, "DEBUG", how) == -signal.SIGABRT
    assert words in s.log() and "REPORT END" in s.log() and s.log().count("REPORT START") == 1


def test_in_a_log_of_json_the_report_is_json(start, tmp_path):
    path = tmp_path / "memd.log"
    s = start(logfile=str(path), log_format="json", enable_debug_command="yes")
    end(s, "DEBUG", "SEGFAULT")
    told = [json.loads(line)["message"] for line in path.read_text().splitlines()]
    assert any("REPORT END" in m for m in told) and any(m.startswith("  #3 memd+0x") for m in told)


def test_it_can_be_turned_off_and_on(start):
    s = start(enable_debug_command="yes", crash_log_enabled="no")
    assert end(s, "DEBUG", "SEGFAULT") == -signal.SIGSEGV
    assert "REPORT" not in s.log()
    for first, then, reports in (("no", "yes", 1), ("yes", "no", 0)):
        s = start(enable_debug_command="yes", crash_log_enabled=first)
        assert s.conn()("CONFIG", "SET", "crash-log-enabled", then) == OK
        assert end(s, "DEBUG", "SEGFAULT") == -signal.SIGSEGV
        assert s.log().count("REPORT START") == reports


def test_a_signal_from_outside_names_its_sender(start):
    """systemd's watchdog ends a service that hangs by SIGABRT: then the report says where it hung."""
    s = start(enable_debug_command="yes")
    s.conn().send("EVAL", "while true do end", 0)
    os.kill(s.pid, signal.SIGABRT)
    assert s.wait_exit() == -signal.SIGABRT
    assert "It was sent by process %d" % os.getpid() in s.log() and "in the reactor" in s.log()


def test_a_crash_in_a_transaction_and_in_a_script_leaves_half_of_neither(start):
    s = start(enable_debug_command="yes", appendonly="yes", appendfsync="always")
    c = s.conn()
    c("SET", "before", 1)
    for command in (("MULTI",), ("SET", "a", 1), ("DEBUG", "SEGFAULT"), ("SET", "b", 1)):
        assert not isinstance(c(*command), Err)
    c.send("EXEC")
    c.read_to_end()
    assert s.wait_exit() == -signal.SIGSEGV
    assert re.search(r"^Last commands: .*\bset debug\|segfault$", s.log(), re.M)
    s.start()
    assert s.conn()("EXISTS", "before", "a", "b") == 1


def test_the_watchdog_says_where_a_slow_command_is(start):
    s = start(enable_debug_command="yes", busy_reply_threshold=100)
    c = s.conn()
    assert c("CONFIG", "GET", "watchdog-period") == [b"watchdog-period", b"0"]
    assert c("CONFIG", "SET", "watchdog-period", 1) == OK
    c.send("EVAL", "redis.call('set', 'k', 'v') while redis.call('time')[1] < ARGV[1] do end", 0, 0)
    c.read()
    c.send("EVAL", "while true do end", 0)
    wait_for(lambda: "WATCHDOG TIMER EXPIRED" in s.log())
    wait_for(lambda: "--- it goes on ---" in s.log())
    d = s.conn()
    assert d("SCRIPT", "KILL") == OK
    assert isinstance(c.read(), Err)
    assert re.search(r"WATCHDOG(.*\n)+?.*(\+0x|0x)", s.log()) and "cmd=eval" in s.log()
    assert c("CONFIG", "SET", "watchdog-period", 0) == OK
    n = s.log().count("WATCHDOG")
    c("DEBUG", "SLEEP", "0.3")
    assert s.log().count("WATCHDOG") == n
    s.stop()
