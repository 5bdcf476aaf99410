"""The unit files: what they promise, and that memd can live with it."""
import ctypes
import os
import re
import shutil
import subprocess
import sys

import pytest

from resp import OK
from server import MEMD, ROOT

pytestmark = pytest.mark.memd_only

DEPLOY = os.path.join(ROOT, "deploy")

# What makes the score; each line is there whether or not there is a systemd to ask.
HARDENED = """NoNewPrivileges=yes CapabilityBoundingSet= AmbientCapabilities= PrivateUsers=yes PrivateTmp=yes PrivateDevices=yes
    DevicePolicy=closed PrivateIPC=yes PrivateMounts=yes ProtectSystem=strict ProtectHome=yes ProtectProc=invisible ProcSubset=pid
    ProtectClock=yes ProtectHostname=yes ProtectKernelLogs=yes ProtectKernelTunables=yes ProtectKernelModules=yes
    ProtectControlGroups=yes RemoveIPC=yes RestrictNamespaces=yes RestrictRealtime=yes RestrictSUIDSGID=yes LockPersonality=yes
    MemoryDenyWriteExecute=yes SystemCallArchitectures=native UMask=0077 Type=notify NotifyAccess=main WatchdogSec=60
    User=memd StateDirectoryMode=0700 LimitCORE=0""".split()


def lines(name):
    with open(os.path.join(DEPLOY, name)) as f:
        return [line.strip() for line in f if line.strip() and not line.startswith("#")]


def test_the_unit_gives_up_what_memd_does_not_need():
    have = lines("memd.service")
    assert [line for line in HARDENED if line not in have] == []
    assert "ExecReload=/bin/sh -c 'kill -HUP $MAINPID'" in have
    assert any(re.match(r"ExecStart=.* --supervised systemd\b", line) for line in have)


def analyze(*args):
    return subprocess.run(["systemd-analyze", "--no-pager", *args], capture_output=True, text=True)


def test_systemd_scores_it_below_two():
    """Where systemd is there to be asked. The list above stands for it elsewhere."""
    if shutil.which("systemd-analyze") is None or "--offline" not in analyze("--help").stdout:
        pytest.skip("no systemd-analyze that can score files: the directives are checked by the test above")
    got = analyze("security", "--offline=true", os.path.join(DEPLOY, "memd.service"))
    score = re.search(r"Overall exposure level for memd.service: ([\d.]+)", got.stdout)
    assert score, got
    assert float(score[1]) <= 1.2, got.stdout
    assert "Unknown" not in got.stderr and "ignoring" not in got.stderr, got.stderr


def test_the_socket_unit_names_what_memd_understands():
    have = lines("memd.socket")
    assert "FileDescriptorName=memd" in have and "SocketMode=0660" in have
    assert {"ListenStream=127.0.0.1:6379", "ListenStream=[::1]:6379"} <= set(have)


# Takes the right to make memory executable from a program, as MemoryDenyWriteExecute does, and proves it.
NO_EXECUTABLE_MEMORY = """
import ctypes, mmap, os, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: sys.exit(77)
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit(78)
except PermissionError:
    os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif("asan" in MEMD.path, reason="the sanitizer makes memory executable itself")
def test_scripts_run_where_no_memory_is_written_and_executed(start):
    denies = subprocess.run([sys.executable, "-c", NO_EXECUTABLE_MEMORY, "/bin/true"]).returncode
    if denies == 77:
        pytest.skip("this kernel cannot deny it by prctl (Linux 6.3 can)")
    assert denies == 0
    s = start(wrapper=[sys.executable, "-c", NO_EXECUTABLE_MEMORY], namespace="a:* archive expire", appendonly="yes")
    c = s.conn()
    loop = "local n = 0 for i = 1, 300000 do n = n + i % 7 end return n"
    assert c("EVAL", loop, 0) == 899998
    assert c("EVAL", "return cjson.encode({1, cmsgpack.unpack(cmsgpack.pack(2)), bit.bor(1, 2), struct.size('I')})", 0) \
        == b"[1,2,3,4]"
    assert c("EVAL", "return tostring(string.gsub(ARGV[1], '%w+', string.upper))", 0, "hello world") == b"HELLO WORLD"
    assert c("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function(k, a) return a[1] end)") == b"l"
    assert c("FCALL", "f", 0, "x") == b"x"
    assert c("SET", "a:1", "v", "PX", 1) == OK
    assert c("RESTART") == OK
