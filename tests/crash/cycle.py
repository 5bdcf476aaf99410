"""Write, kill, start, check: over and over, on one data directory."""
import os
import random
import shutil
import tempfile
import time

import resp
import server as srv
from oracle import Violation, check
from writers import DEPTHS, Load, Writer

AOF = {"appendonly": "yes", "auto_aof_rewrite_min_size": "256kb", "auto_aof_rewrite_percentage": "50"}
MODES = {
    "always": dict(AOF, appendfsync="always"),
    "everysec": dict(AOF, appendfsync="everysec"),
    "no": dict(AOF, appendfsync="no"),
    "snapshot": {"appendonly": "no"},
}
KINDS = ["random", "random", "bgsave", "rewrite", "start", "shutdown", "turn on", "turn on and end", "reload", "become anew"]
SNAPSHOT_KINDS = ["random", "bgsave", "bgsave", "start", "reload", "shutdown", "become anew"]


class Tally:
    def __init__(self):
        self.kills = self.acked = self.sent = self.lost = self.broken = 0
        self.kinds = {}

    def add(self, other):
        for name in ("kills", "acked", "sent", "lost", "broken"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for k, n in other.kinds.items():
            self.kinds[k] = self.kinds.get(k, 0) + n

    def __str__(self):
        return "%d kills, %d requests sent, %d acknowledged; %d lost, where no promise was made" % (
            self.kills, self.sent, self.acked, self.lost)


def check_a_second(c, verdicts):
    """everysec: the time from the first write that was lost to the last that was executed. When an item was sent is
    known, and that it was executed later: the figure is never too large."""
    lost = [v.first_lost_acked for v in verdicts if v.first_lost_acked is not None]
    if not lost or c.mode != "everysec" or c.must_survive:  # the last: what must survive is known
        return 0
    seconds = max(w.items[w.n_acked - 1].sent_mono for w in c.writers if w.n_acked) - min(lost)
    assert seconds <= 1.0, "%.3f s of writes were lost" % seconds
    return seconds


class Cycle:
    """One data directory and its writers. Everything random comes from the seed."""
    faults = False  # of the disk: power.py

    def __init__(self, mode, seed, binary=None, where=None, connections=len(DEPTHS), data=None,
                 **settings):
        self.mode, self.seed = mode, seed
        self.kinds = SNAPSHOT_KINDS if mode == "snapshot" else KINDS
        self.rng = random.Random("%s %s" % (mode, seed))
        self.dir = tempfile.mkdtemp(prefix="memd-crash-", dir=where)
        self.data = data or os.path.join(self.dir, "data")
        os.makedirs(self.data, exist_ok=True)
        self.writers = [Writer(i, random.Random(self.rng.getrandbits(64))) for i in range(connections)]
        self.base = (0, [])
        self.tally = Tally()
        self.round = 0
        self.server = srv.Server(binary=binary, directory=self.data, wait=False, enable_debug_command="yes",
                                 **dict(MODES[mode], **settings))
        self.server.kill9()
        os.unlink(self.server.log_path)
        self.server.log_path = os.path.join(self.dir, "log")
        self.survive = [0] * connections  # snapshots: items that a finished one holds

    def destroy(self):
        self.server.destroy()
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- a round -------------------------------------------------------------------------------------------------

    def one_round(self, kind=None):
        """Raises Violation, with all that is needed to see it again."""
        kind = kind or self.rng.choice(self.kinds)
        self.round += 1
        try:
            self.live_and_die(kind)
            self.judge()
        except AssertionError as e:
            raise Violation("mode %s, seed %s, round %d (%s): %s\nfiles: %s\nlog:\n%s" % (
                self.mode, self.seed, self.round, kind, e, sorted(os.listdir(self.data)), self.server.log()[-1500:]))
        self.tally.kills += 1
        self.tally.kinds[kind] = self.tally.kinds.get(kind, 0) + 1

    def rounds(self, kinds):
        """And one more, should nothing have been acknowledged in them: on a busy machine short lives may end before."""
        for kind in kinds:
            self.one_round(kind)
        if self.tally.acked == 0:
            self.one_round("until one is acknowledged")
        print(self.tally)
        assert self.tally.acked > 0

    def start_server(self, wait=True):
        self.server.start(wait)
        if wait and not self.is_ours():
            self.kill_server()
            self.start_server()

    def is_ours(self):
        """Several of these at once may choose the same port: then what answers is somebody else's."""
        try:
            with self.server.conn() as c:
                return c.info("server")["process_id"] == str(self.server.pid)
        except OSError:
            return False

    def kill_server(self):
        self.server.kill9()

    def live_and_die(self, kind):
        self.start_server()
        self.forget_witness()
        self.survive = [0] * len(self.writers)
        load = Load(self.server, self.writers)
        self.admin = self.server.conn()
        self.must_survive, self.all_saved = None, False
        try:
            getattr(self, "life_" + kind.replace(" ", "_"))(load)
        finally:
            ended = self.server.proc.poll() == 0  # by itself: then all is on the disk, in any mode
            self.killed = time.monotonic()
            self.kill_server()
            load.after_death()
            if ended or self.all_saved:
                self.must_survive = [w.n_acked for w in self.writers]
        if kind == "start":
            self.kill_at_start()
        self.tally.sent += sum(len(w.items) for w in self.writers)
        self.tally.acked += sum(w.n_acked for w in self.writers)

    def some_time(self, least=0.005, most=0.12):
        return time.monotonic() + self.rng.uniform(least, most)

    def write(self, load, until, gone_is_fine=False, stop=lambda: False):
        ok = load.run(until, stop)
        assert ok or gone_is_fine, "the server closed a connection"
        return ok

    def life_random(self, load):
        self.write(load, self.some_time())

    def life_until_one_is_acknowledged(self, load):
        self.write(load, time.monotonic() + srv.PATIENCE, stop=lambda: any(w.n_acked for w in self.writers))

    def life_bgsave(self, load):
        """Kill around a snapshot; sometimes only when it is known to be there."""
        self.write(load, self.some_time(0.005, 0.05))
        acked = [w.n_acked for w in self.writers]
        saves = int(self.admin.info("persistence")["rdb_saves"])
        self.admin("BGSAVE")
        if self.rng.random() < 0.5:
            self.write(load, self.some_time(0, 0.02))
            return
        self.write(load, time.monotonic() + srv.PATIENCE,
                   stop=lambda: int(self.admin.info("persistence")["rdb_saves"]) > saves)
        self.survive = acked
        self.write(load, self.some_time(0, 0.02))

    def life_rewrite(self, load):
        self.write(load, self.some_time(0.005, 0.05))
        self.admin("BGREWRITEAOF")
        self.write(load, self.some_time(0, 0.02))

    def life_reload(self, load):
        """All data put aside and read from the files again, while others write."""
        self.write(load, self.some_time(0.005, 0.05))
        acked = [w.n_acked for w in self.writers]
        how = self.rng.choice(["RELOAD", "LOADAOF"]) if self.mode != "snapshot" else "RELOAD"
        assert self.admin("DEBUG", how) == resp.OK
        if self.mode == "snapshot":
            self.survive = acked
        self.write(load, self.some_time(0, 0.02))

    def life_start(self, load):
        self.write(load, self.some_time())

    def kill_at_start(self):
        for _ in range(self.rng.randrange(1, 4)):
            self.start_server(wait=False)
            time.sleep(self.rng.uniform(0, 0.03))
            self.kill_server()

    def life_shutdown(self, load):
        self.write(load, self.some_time(0.005, 0.05))
        self.admin.send("SHUTDOWN", *self.to_save())
        if self.rng.random() < 0.5 or self.faults:  # which may refuse it
            self.write(load, self.some_time(0, 0.01), gone_is_fine=True)
        else:
            assert not self.write(load, time.monotonic() + srv.PATIENCE, gone_is_fine=True), "it does not end"
            assert self.server.proc.wait(srv.PATIENCE) == 0

    def to_save(self):
        """Without a log the end saves when it is told to."""
        return ["SAVE"] if self.mode == "snapshot" else []

    def life_become_anew(self, load):
        """RESTART: the program executes itself; a kill then meets the one, the other, or nothing that serves."""
        self.write(load, self.some_time(0.005, 0.05))
        self.admin.send("RESTART", *self.to_save())
        self.all_saved = not self.write(load, self.some_time(0, 0.05), gone_is_fine=True)
        time.sleep(self.rng.uniform(0, 0.05))

    def life_turn_on(self, load):
        """What was acknowledged before the log was turned off must survive in any case, all else from when INFO no
        longer says that the first base is being made: a count of rewrites may mean one of the log turned off."""
        acked = self.turn_off_and_on(load)
        if self.rng.random() < 0.5:
            self.must_survive = acked
        else:
            self.write(load, time.monotonic() + srv.PATIENCE,
                       stop=lambda: self.admin.info("persistence")["aof_state"] != "starting")
            self.write(load, self.some_time(0, 0.02))

    def life_turn_on_and_end(self, load):
        """An end that was waited for keeps everything, also while the first base is being made."""
        acked = self.turn_off_and_on(load)
        self.admin.send("SHUTDOWN", *self.rng.choice([[], ["SAVE"], ["NOSAVE"]]))
        until = self.some_time(0, 0.02) if self.rng.random() < 0.5 else time.monotonic() + srv.PATIENCE
        if self.write(load, until, gone_is_fine=True):
            self.must_survive = acked
        else:
            assert self.server.proc.wait(srv.PATIENCE) == 0

    def turn_off_and_on(self, load):
        """The log, perhaps twice, perhaps while it is being rewritten. Returns what was acknowledged before."""
        self.write(load, self.some_time(0.005, 0.03))
        if self.rng.random() < 0.5:
            self.admin("BGREWRITEAOF")
            self.write(load, self.some_time(0, 0.03))
        acked = [w.n_acked for w in self.writers]
        for _ in range(self.rng.randrange(1, 3)):
            self.admin("CONFIG", "SET", "appendonly", "no")
            self.write(load, self.some_time(0, 0.02))
            self.turn_log_on()
            self.write(load, self.some_time(0, 0.02))
        return acked

    def turn_log_on(self):
        assert self.admin("CONFIG", "SET", "appendonly", "yes") == resp.OK

    # --- after it ---------------------------------------------------------------------------------------------------

    def at_least(self, w):
        """Items of w that must have survived."""
        if self.must_survive:
            return self.must_survive[w.number]
        return self.survive[w.number] if self.mode == "snapshot" else w.n_acked

    def judge(self):
        self.start_server()
        self.base, verdicts = check(self.server, self.writers, self.at_least, self.base)
        self.tally.lost += sum(v.lost for v in verdicts)
        self.inspect(verdicts)
        self.kill_server()

    def inspect(self, verdicts):
        """For those who have more to ask."""

    def forget_witness(self):
        """So that it does not grow for ever."""
        if len(self.base[1]) > 2000:
            with self.server.conn() as c:
                c("DEL", "witness")
                if self.mode == "snapshot":
                    assert c("SAVE") == resp.OK
                else:
                    assert c("WAITAOF", 1, 0, 0)[0] == 1
            self.base = (self.base[0], [])
