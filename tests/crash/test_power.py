"""Power cuts with the real daemon: a shim writes down what it does to its files, and each kill leaves what a disk may
then hold (disk.py). The short form of `make crash`.

    MEMD_CRASH_SEED    the seed (default fixed; 0: from the clock). A failure prints it."""
import os
import time

import pytest

import disk
import power
import resp
import server as srv
from test_kill import SEED

pytestmark = pytest.mark.memd_only
RAM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def cycles():
    made = []

    def new(kind, *args, **more):
        print("seed", SEED)
        made.append(kind(*args, seed=SEED, where=RAM, **more))
        return made[-1]

    yield new
    for c in made:
        c.destroy()


@pytest.mark.parametrize("mode, faults, kinds", [
    ("always", False, ["random", "rewrite", "start", "turn on", "shutdown", "rewrite", "bgsave",
                       "turn on and end", "turn on"]),
    ("always", True, ["random", "rewrite", "random", "random", "start", "shutdown"]),
    ("everysec", False, ["random", "rewrite", "turn on"]),
    ("no", False, ["random", "rewrite"]),
    ("snapshot", False, ["bgsave", "bgsave", "start"])])
def test_a_power_cut_costs_nothing_that_was_promised(cycles, mode, faults, kinds):
    c = cycles(power.PowerCycle, mode, faults=faults)
    c.rounds(kinds)


def test_everysec_loses_at_most_a_second_of_writes_on_a_disk_that_takes_three(cycles):
    c = cycles(power.SlowDiskCycle, syncs=(3000,))
    c.one_round()
    print(c.tally, "longest loss: %.3f s" % c.longest)
    assert c.tally.lost > 0, "the disk was not slow"


def test_the_trace_tells_all_that_happens_to_the_directory(tmp_path):
    """The shim is only worth something when nothing goes past it."""
    data = tmp_path / "data"
    data.mkdir()
    trace = str(tmp_path / "trace")
    d = disk.Disk(str(data))
    s = srv.Server(directory=str(data), wait=False, appendonly="yes", appendfsync="always", enable_debug_command="yes",
                   env=disk.environment(srv.MEMD.path, str(data), trace=trace))
    try:
        s.wait_ready()
        c = s.conn()
        for i in range(50):
            c("HSET", "h", i, "x" * 1000)
        c("BGREWRITEAOF")
        srv.wait_for(lambda: c.info("persistence")["aof_rewrites"] == "1")
        assert c("SAVE") == resp.OK
        c("CONFIG", "SET", "appendonly", "no")
        c("SET", "a", "b")
        c("CONFIG", "SET", "appendonly", "yes")
        srv.wait_for(lambda: c.info("persistence")["aof_rewrites"] == "2")
        c("SET", "a", "c")
        s.stop()
        os.unlink(s.log_path)
        d.replay(trace)
        d.dirs[str(data)].names.pop("stdout.log", None)
        assert d.differences() == []
    finally:
        s.kill9()


def test_the_trace_goes_on_when_the_program_becomes_anew(tmp_path):
    """What it syncs then is there for certain, too."""
    data = tmp_path / "data"
    data.mkdir()
    trace = str(tmp_path / "trace")
    d = disk.Disk(str(data))
    s = srv.Server(directory=str(data), wait=False, appendonly="yes", appendfsync="always",
                   env=disk.environment(srv.MEMD.path, str(data), trace=trace))
    try:
        s.wait_ready()
        c = s.conn()
        run = c.info("server")["run_id"]
        for i in range(50):
            c("SET", "k", i)
        c.send("RESTART")

        def is_anew():
            try:
                return s.conn().info("server")["run_id"] != run
            except (OSError, EOFError, KeyError):
                return False

        srv.wait_for(is_anew)
        assert s.conn()("SET", "k", "anew") == resp.OK
        s.kill9()
        d.replay(trace)
        log = d.dirs[str(data / "appendonlydir")].durable
        name = max(n for n in log if n.endswith(".incr.aof"))
        assert b"anew" in log[name].version([]), "the sync behind it is not seen"
    finally:
        s.destroy()
