"""Libraries for LD_PRELOAD, built when they are first needed, and memory shared with them."""
import mmap
import os
import struct
import subprocess
import tempfile

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
