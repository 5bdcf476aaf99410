"""A supervisor as systemd is one: it hears what a service tells, and listens for it."""
import os
import select
import socket
import sys

from server import PATIENCE

# Puts what it was passed at 3, 4, ... and becomes the service, as LISTEN_PID wants it.
_PASS = """
import fcntl, os, sys
fds = [int(f) for f in sys.argv[1].split(",")]
high = [fcntl.fcntl(f, fcntl.F_DUPFD_CLOEXEC, 200) for f in fds]  # none may lie where another has to go
for f in fds: os.close(f)
for i, f in enumerate(high): os.dup2(f, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


def passing(*sockets):
    """Settings of a Server that is passed these (name, socket)."""
    fds = [s.fileno() for _, s in sockets]
    names = ":".join(name for name, _ in sockets)
    return {"pass_fds": fds, "wrapper": [sys.executable, "-c", _PASS, ",".join(map(str, fds)), names]}


class Supervisor:
    """The socket that NOTIFY_SOCKET names. Messages are dicts, in their order."""

    def __init__(self, directory, abstract=False):
        name = os.path.join(str(directory), "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(PATIENCE)
        self.sock.bind("\0" + name if abstract else name)
        self.env = {"NOTIFY_SOCKET": ("@" if abstract else "") + name}

    def next(self):
        text = self.sock.recv(4096).decode()
        return dict(line.split("=", 1) for line in text.split("\n") if line)

    def until(self, key, value=None):
        """All messages up to the one that says so."""
        seen = []
        while True:
            seen.append(self.next())
            if key in seen[-1] and value in (None, seen[-1][key]):
                return seen

    def drop(self):
        """All messages that are there, without waiting for any."""
        seen = []
        while select.select([self.sock], [], [], 0)[0]:
            seen.append(self.next())
        return seen

    def close(self):
        self.sock.close()
