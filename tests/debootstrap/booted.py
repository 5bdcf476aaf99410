"""A system of its own (prove.Root) that is booted: its systemd is the first process of namespaces made for it.

    with Booted(root) as b:
        b.systemctl("start", "memd")

Root and unshare(1) are all it takes. The network is the machine's, so that tests can connect. What systemd makes of
control groups lies in a group of its own, which goes with it. Where a machine has no second version of control groups
(cgroup2) mounted, it cannot be done, and can_boot() says so."""
import os
import shlex
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))

import server as srv  # noqa: E402

GROUP = "memd-proof"
CONSOLE = "tmp/console"

# In the new namespaces. The root becomes a mount of its own: systemd makes namespaces for services below it.
SETUP = r"""
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t cgroup2 cgroup2 sys/fs/cgroup
: > tmp/console
mount --bind tmp/console dev/console
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
    --unit=multi-user.target --show-status=no --log-target=journal
"""


def cgroup2():
    with open("/proc/mounts") as f:
        return next((m.split()[1] for m in f if m.split()[2] == "cgroup2"), None)


def can_boot():
    return cgroup2() is not None and os.access(cgroup2(), os.W_OK)


class Booted:
    def __init__(self, root):
        self.root = root
        self.group = os.path.join(cgroup2(), GROUP)
        self.outer = self.first = None

    def __enter__(self):
        os.makedirs(self.group, exist_ok=True)
        enter = "echo $$ > %s/cgroup.procs && exec unshare --cgroup --mount --pid --uts --ipc --fork --kill-child sh -c %s" % (
            shlex.quote(self.group), shlex.quote(SETUP))
        self.outer = subprocess.Popen(["sh", "-c", enter], env=dict(os.environ, ROOT=self.root.dir), stdin=subprocess.DEVNULL)
        try:
            srv.wait_for(self.is_up, "systemd does not come up", 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.first:
            os.kill(self.first, signal.SIGKILL)  # and with it all that it has started
        self.outer.kill()
        self.outer.wait()
        srv.wait_for(lambda: self.remove_groups(), "control groups are left", 20)

    def remove_groups(self):
        for path, _, _ in os.walk(self.group, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                pass
        return not os.path.exists(self.group)

    def is_up(self):
        assert self.outer.poll() is None, "the namespaces could not be made"
        if not self.first:
            with open("/proc/%d/task/%d/children" % (self.outer.pid, self.outer.pid)) as f:
                pids = f.read().split()
            self.first = int(pids[0]) if pids else None
        return self.first and self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def run(self, *argv, check=True):
        """A command within."""
        got = subprocess.run(["nsenter", "--target", str(self.first), "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--"] + list(argv),
                             capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and got.returncode != 0:
            raise AssertionError("%s: %s%s" % (" ".join(argv), got.stdout, got.stderr))
        return got

    def systemctl(self, *argv):
        try:
            return self.run("systemctl", "--no-pager", *argv).stdout
        except AssertionError:
            print(self.run("journalctl", "--no-pager", "-n", "40", check=False).stdout)
            raise

    def of(self, unit, name):
        return self.systemctl("show", "--property", name, "--value", unit).strip()

    def status_of(self, unit):
        """What the kernel says of its main process: /proc/PID/status."""
        text = self.run("cat", "/proc/%s/status" % self.of(unit, "MainPID")).stdout
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
