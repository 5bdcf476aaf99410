"""What every figure needs: servers on one core, the generators, and the table's rows."""
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))

import server as srv  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
TOOLS = {name: os.path.join(srv.ROOT, "build/bench", name) for name in ("load", "paced", "abuser")}
KEYS = 1000000
SERVERS = ("memd", "redis")


def build_tools():
    for name, path in TOOLS.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-o", path, os.path.join(HERE, name + ".c"), "-lm", "-pthread"],
                       check=True)


def pin(core):
    return lambda: os.sched_setaffinity(0, {core})


def words(argv, options):
    return [str(a) for a in argv] + [str(x) for pair in options.items() for x in pair]


def figures(text):
    return {k: float(v) for k, v in (line.split() for line in text.splitlines())}


def busy_ns(pid):
    """Processor time of all threads, user and system. schedstat counts ns where stat counts ticks."""
    total = 0
    try:
        for tid in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
                total += int(f.read().split()[0])
        return total
    except FileNotFoundError:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 10 ** 9 // os.sysconf("SC_CLK_TCK")


def pss_bytes(pid):
    """Memory of a process and its children, each page counted once."""
    total = 0
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        pids = [pid] + [int(p) for p in f.read().split()]
    for p in pids:
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass  # the child has just ended
    return total


def pin_first(core):
    """On that core before the others there, where that is allowed: what it waits for is the server then, and not the generators beside it."""
    def do():
        os.sched_setaffinity(0, {core})
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            pass
    return do


def go_first(pid):
    """The first thread of a server comes before all else on its core, where that is allowed; its others, which would starve
    behind it, run on any."""
    try:
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return
    for tid in map(int, os.listdir("/proc/%d/task" % pid)):
        if tid != pid:
            os.sched_setaffinity(tid, CORES)


def before_neighbours():
    """What runs in this session, servers among it, has more of the processor than other sessions, where that is allowed."""
    try:
        with open("/proc/self/autogroup", "w") as f:
            f.write("-20")
    except OSError:
        pass


class Paced:
    """A load whose requests come on time, whatever the server does (paced.c). refused: it may refuse some. first: before others on its
    core; not for a load that never rests (rate 0)."""

    def __init__(self, server, core, refused=False, first=False, **options):
        self.refused = refused
        self.p = subprocess.Popen(words([TOOLS["paced"], server.port], options), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True, preexec_fn=(pin_first if first else pin)(core))

    def _read(self):
        text = ""
        while True:
            line = self.p.stdout.readline()
            assert line, "the load has ended: exit code %s" % self.p.wait()
            if line == "\n":
                break
            text += line
        got = figures(text)
        assert self.refused or got["errors"] == 0, "%d requests were refused" % got["errors"]
        return got

    def window(self):
        """End the window; its figures."""
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return self._read()

    def end(self):
        self.p.stdin.close()
        got = self._read()
        self.p.wait()
        return got


class Rig:
    def __init__(self, options):
        self.quick, self.rounds, self.only = options.quick, options.rounds, options.only
        self.rows = []

    # --- tools ------------------------------------------------------------------------------------

    def start(self, name, **settings):
        settings.setdefault("protected_mode", "no")
        settings.setdefault("maxclients", 20000)
        return srv.Server(binary=srv.MEMD.path if name == "memd" else srv.REDIS_PATH,
                          wrapper=["taskset", "-c", str(SERVER_CORE)], **settings)

    def load(self, server, work, **options):
        return figures(subprocess.run(words([TOOLS["load"], server.port, work], options), check=True,
                                      capture_output=True, text=True, preexec_fn=pin(LOAD_CORE)).stdout)

    def probe(self, server, **options):
        """A probe in the background: its figures are what reading them gives."""
        p = subprocess.Popen(words([TOOLS["load"], server.port, "probe"], options), stdout=subprocess.PIPE, text=True,
                             preexec_fn=pin(LOAD_CORE))
        return lambda: figures(p.communicate()[0])

    def cpu_us(self, server, n, work, **options):
        """Processor time of one operation, in us."""
        before = busy_ns(server.pid)
        self.load(server, work, n=n, **options)
        return (busy_ns(server.pid) - before) / n / 1000

    # --- the table --------------------------------------------------------------------------------

    def wanted(self, name):
        return not self.only or self.only in name

    def title(self, text):
        print("\n%-38s %-8s %11s %11s %8s  %s" % (text, "unit", "memd", "redis", "ratio", "target"), flush=True)

    def row(self, name, unit, memd, redis, target):
        """memd, redis: a figure, or those of several rounds, whose median counts; redis None: not asked.
        target: ("x", 0.4) at most 0.4 of redis; (">=x", 2) at least twice redis; ("<=", 1.06), (">=", 0.9)
        absolute."""
        spread = ""
        if isinstance(memd, list):
            if len(memd) > 1:
                spread = "  (%s)" % " to ".join(self.shown(v) for v in (min(memd), max(memd)))
            memd = statistics.median(memd)
        if isinstance(redis, list):
            redis = statistics.median(redis)
        ratio = memd / redis if redis else float("nan")
        met = ""
        if target:
            kind, bound = target
            met = {"x": ratio <= bound, "<=": memd <= bound, ">=": memd >= bound, ">=x": ratio >= bound}[kind]
            met = "%s %s" % ({"x": "<= %.2f x", "<=": "<= %.2f", ">=": ">= %.2f", ">=x": ">= %.2f x"}[kind] % bound,
                             "met" if met else "MISSED")
        self.rows.append({"name": name, "unit": unit, "memd": memd, "redis": redis, "ratio": ratio, "target": met})
        print("%-38s %-8s %11s %11s %8s  %s%s" % (name, unit, self.shown(memd), "-" if redis is None else self.shown(redis),
                                                  "-" if redis is None else "%.2f" % ratio, met, spread), flush=True)

    @staticmethod
    def shown(v):
        return "%.*f" % (3 if abs(v) < 100 else 0, v)
