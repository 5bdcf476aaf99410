"""As cycle.py, but with each kill the power fails as well: the directory becomes one that a disk may then hold."""
import os
import time

from cycle import Cycle
from disk import Disk, environment

EIO = 5
KINDS = ["random", "random", "bgsave", "rewrite", "start", "shutdown", "turn on"]


class PowerCycle(Cycle):
    """syncs: by how many ms they may be delayed. faults: now and then one fails, and what it should have
    written is never written."""

    def __init__(self, mode, seed, syncs=(0, 2, 10), faults=False, **more):
        self.syncs, self.faults = syncs, faults
        super().__init__(mode, seed, **more)
        self.trace = os.path.join(self.dir, "trace")
        self.disk, self.cuts = None, []

    def start_server(self, wait=True):
        self.end_of_life()
        fail = "sync:%d:%d:%d" % (self.rng.randrange(1, 40), self.rng.randrange(1, 4), EIO) if self.faults and self.rng.random() < 0.5 else ""
        self.server.env.update(environment(self.server.binary, self.data, trace=self.trace, fail=fail or "none",
                                           sync_ms=self.rng.choice(self.syncs)))
        self.disk = Disk(self.data)
        super().start_server(wait)

    def kill_server(self):
        super().kill_server()
        self.end_of_life()

    def end_of_life(self):
        """The power fails."""
        if self.disk is None:
            return
        if os.path.exists(self.trace):
            self.disk.replay(self.trace)
            os.unlink(self.trace)
            self.cuts = (self.cuts + [self.disk.cut(self.rng)])[-4:]
        self.disk = None

    def at_least(self, w):
        least = super().at_least(w)
        if self.mode == "no":
            return 0
        if self.mode == "everysec":
            limit = self.killed - 1.0
            return min(least, sum(1 for i in w.items[:w.n_acked] if i.acked_mono <= limit))
        return least


class SlowDiskCycle(PowerCycle):
    """everysec with a disk that takes up to three seconds: lives long enough for that to matter."""

    def __init__(self, seed, **more):
        super().__init__("everysec", seed, syncs=(0, 300, 1000, 3000), connections=4, **more)

    def some_time(self, least=0, most=0):
        return time.monotonic() + self.rng.uniform(1.0, 2.5)
