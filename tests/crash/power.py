"""As cycle.py, but with each kill the power fails as well: the directory becomes one that a disk may then hold."""
import os
import time

import resp
import server as srv
from cycle import Cycle, check_a_second
from disk import Disk, environment
from server import StartError

EIO = 5


class PowerCycle(Cycle):
    """syncs: by how many ms they may be delayed. faults: now and then one fails, and what it should have
    written is never written."""

    def __init__(self, mode, seed, syncs=(0, 2, 10), faults=False, **more):
        self.syncs, self.faults = syncs, faults
        self.delay, self.slow_file = 0, ""
        super().__init__(mode, seed, **more)
        if faults:
            self.kinds = ["random", "rewrite", "start", "shutdown", "turn on"]
        self.trace = os.path.join(self.dir, "trace")
        self.disk, self.cuts = None, []

    def live_and_die(self, kind):
        self.sync_ms = self.delay = self.rng.choice(self.syncs)
        super().live_and_die(kind)
        self.delay = 0  # who only looks need not wait

    def start_server(self, wait=True):
        fail = "none"
        if self.faults and self.rng.random() < 0.5:
            fail = "sync:%d:%d:%d" % (self.rng.randrange(1, 60), self.rng.randrange(1, 4), EIO)
        try:
            self.power_on(wait, fail)
        except StartError:
            if fail == "none":
                raise
            self.power_on(wait, "none")  # a disk that fails at the start is a reason not to start

    def power_on(self, wait, fail):
        self.end_of_life()
        self.server.env.update(environment(self.server.binary, self.data, trace=self.trace, fail=fail,
                                           sync_ms=self.delay, slow=self.slow_file))
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

    def turn_log_on(self):
        if self.faults:  # refused while its directory cannot be synced
            srv.wait_for(lambda: self.admin("CONFIG", "SET", "appendonly", "yes") == resp.OK)
        else:
            super().turn_log_on()

    def at_least(self, w):
        if self.mode in ("no", "everysec") and not self.must_survive:  # what is turned off is synced, in any mode
            return 0
        return super().at_least(w)

    def inspect(self, verdicts):
        check_a_second(self, verdicts)


class SlowDiskCycle(PowerCycle):
    """everysec with a disk that takes up to three seconds to sync. Then nobody can have what was acknowledged a
    second ago on the disk, but writers are held back, so that never more than a second's writes are lost."""

    def one_round(self, kind=None):
        super().one_round("random")

    def __init__(self, seed, syncs=(0, 200, 1000, 3000), **more):
        super().__init__("everysec", seed, syncs=syncs, connections=4, **more)
        self.longest, self.slow_file = 0, os.path.join(self.dir, "slow")  # starting may be fast

    def life_random(self, load):
        open(self.slow_file, "w").close()
        self.write(load, time.monotonic() + self.rng.uniform(1.0, 2.5))
        os.unlink(self.slow_file)

    def inspect(self, verdicts):
        self.longest = max(self.longest, check_a_second(self, verdicts))
