"""Ports of 127.0.0.1 for the servers of tests, which nobody takes between their choice and their use."""
import collections
import contextlib
import fcntl
import itertools
import os
import random
import socket
import tempfile

KEPT = 512  # chosen last: so many of a run are in use or about to be


def _ports():
    """In turn those below what the system gives to connections: none of ours takes one between its choice and its use."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first, end = 10000, int(f.read().split()[0])
    if end < 2 * first:
        return itertools.repeat(0)  # no room there: let the system choose
    at = random.randrange(first, end)
    return itertools.cycle([*range(at, end), *range(first, at)])


class _Marks:
    """What this run of tests has chosen, for others on this machine to see: a lock on a byte of a file for each port."""

    def __init__(self):
        self.fd = os.open(os.path.join(tempfile.gettempdir(), "memd-test-ports-%d" % os.getuid()), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.ours = collections.deque()

    def take(self, port):
        """OSError: another run has it."""
        fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        self.ours.append(port)
        if len(self.ours) > KEPT:
            fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, self.ours.popleft())


PORTS, MARKS = _ports(), _Marks()


def free_port():
    """A port that nobody has now, another one each time."""
    for port in PORTS:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            port = s.getsockname()[1]
            MARKS.take(port)
            return port
