"""Libraries for LD_PRELOAD, built when they are first needed, memory shared with them, and a clock."""
import contextlib
import mmap
import os
import struct
import subprocess
import tempfile
import time

from server import ROOT


def build(name):
    """tests/lib/NAME.c as a shared library; its path."""
    source = os.path.join(ROOT, "tests", "lib", name + ".c")
    folder = os.path.join(ROOT, "build", "shim")
    if set(folder) & set(" :"):  # which LD_PRELOAD takes for the end of a name
        folder = os.path.join(tempfile.gettempdir(), "memd-shim-%d" % os.getuid())
    out = os.path.join(folder, name + ".so")
    if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(source):
        os.makedirs(os.path.dirname(out), exist_ok=True)
        part = "%s.%d" % (out, os.getpid())
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o", part, source, "-ldl"], check=True)
        os.rename(part, out)
    return out


class Shared:
    """Signed 64-bit numbers in a file that a library maps: shared[i]."""

    def __init__(self, path, *numbers):
        self.path = str(path)
        with open(self.path, "wb") as f:
            f.write(struct.pack("<%dq" % len(numbers), *numbers))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def __getitem__(self, i):
        return struct.unpack_from("<q", self.map, i * 8)[0]

    def __setitem__(self, i, n):
        struct.pack_into("<q", self.map, i * 8, n)


class Clock:
    """The system's clock as a daemon with this env sees it."""

    def __init__(self, tmp_path, ahead_s=0):
        self.numbers = Shared(tmp_path / "clock", int(ahead_s * 1e9), 1, 0, 0)
        # AddressSanitizer's library has to come first; there it is found again by the next run of ld.so.
        self.env = {"LD_PRELOAD": build("clock_shim"), "CLOCK_SHIM": self.numbers.path, "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def set(self, ahead_s):
        self.numbers[0] = int(ahead_s * 1e9)

    def set_to(self, unix_s):
        self.set(unix_s - time.time())

    def run_at(self, times):
        self.numbers[2] = time.time_ns()
        self.numbers[1] = times

    @contextlib.contextmanager
    def stands_still(self):
        """The monotonic one: no time passes for the daemon, whatever the machine does meanwhile."""
        self.numbers[3] = 1
        try:
            yield
        finally:
            self.numbers[3] = 0
