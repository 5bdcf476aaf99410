"""What clients who behave wait for while others do not.

Those who behave do what an application does: turns of a thousand chat sessions (paced.c), at random times, so many that they take
about a third of the server's processor. Among themselves they wait for each other a little, and that is the peace to which the
abuse is compared: "turns". With few clients on a server that is idle otherwise nobody ever waits ("few" below it: GET and SET at
even distances): there any abuse that keeps the server busy at all is many times the peace, though it is less than what "turns"
wait in peace; so that ratio is printed, and has no bound.

The abuser (abuser.c) begins and ends again and again. Each time is compared to the peace before it, by medians over short windows,
and the median of these ratios counts: so what the machine does besides hurts both, and what it does now and then does not count. All of
this session comes before others', as far as that is allowed; and on their processors the server's first thread and those who behave
come before all else, the abuser too. But not a server that is given no rest (UNENDING): the kernel's own thread for what the network
brings would wait behind it for tens of milliseconds, and is what would be measured. For those two the machine has to be idle otherwise.

A machine of which others have a part stands still for a millisecond or two now and then, and with it the server, the load, or both: a
virtual one when its host has given it all that it may have in that tenth of a second. A server that is busy for a half of the time
has then as long a queue as under the worst abuse. So the load looks on both processors for times in which whoever comes first there
did not run (paced.c, stood_us), whatever the server does, and of several windows those count in which that was least, in peace and under
abuse alike. How many were left out is told, and how many of those that count were not quiet.

Beside p99 there is what the server takes in memory for the abuse, and how many requests of those who behave it refused."""
import statistics
import subprocess
import time

from rig import LOAD_CORE, SERVER_CORE, SERVERS, TOOLS, Paced, before_neighbours, go_first, pin

MB = 1 << 20
MEMORY = 256 * MB
SESSIONS, MESSAGE, KEPT = 1000, 1000, 20
BEHAVED = 50
SETTLE, WINDOW = 0.3, 0.2  # seconds: who comes or goes does so at once; 4,000 turns
QUIET_US, TRIES = 500, 6  # so long it may stand still in a quiet window: 10 turns of the 40 beyond p99; windows for one that counts
LOADS = {"turns": {"rate": 20000, "random": 1, "turns": SESSIONS, "size": MESSAGE}, "few": {"rate": 5000, "writes": 10}}

# what it is called in abuser.c, and settings
KINDS = {
    "10k idle": ("idle", {}), "10k active": ("active", {}), "storm 5k/s": ("storm", {}),
    "storm on a full house": ("full", {"maxclients": BEHAVED + 61}), "half-open peers": ("half", {}),
    "slow readers": ("readers", {}), "slowloris": ("slow", {}), "slowloris, strangers": ("slow", {"requirepass": "secret"}),
    "claims of 512 MB": ("claims", {}), "pipeline": ("pipeline", {}), "transactions": ("transaction", {}),
    "subscribers": ("subscribers", {}),
}


UNENDING = {"pipeline", "transactions"}


def rows(rig):
    kinds = [kind for kind in KINDS if rig.wanted("abuse " + kind)]
    if kinds:
        before_neighbours()
        rig.title("others' waiting under abuse, to that in peace")
    for kind in kinds:
        for load in LOADS:
            got = {name: windows(rig, name, kind, load) for name in SERVERS}
            ratio = {name: [abuse["p99_us"] / peace["p99_us"] for peace, abuse in got[name][0]] for name in SERVERS}
            rig.row("abuse %s, p99 of %s" % (kind, load), "x", ratio["memd"], ratio["redis"], ("<=", 2.0) if load == "turns" else None)
            if load == "turns":
                rig.row("abuse %s, memory on top" % kind, "MB", got["memd"][1] / MB, got["redis"][1] / MB, None)
            for name in SERVERS:
                tell(name, *got[name])


def tell(name, pairs, _grown, acts):
    def median(i, what):
        return statistics.median(pair[i][what] for pair in pairs)

    def counts(what):
        return "%d and %d" % tuple(sum(pair[i][what] for pair in pairs) for i in (0, 1))

    print("    %-5s %s us; sent late, p99 %.0f to %.0f us; %d refused; %d acts a second" % (
        name, ", ".join("%s %.0f to %.0f" % (q, median(0, q + "_us"), median(1, q + "_us")) for q in ("p50", "p99", "p999")),
        median(0, "late_p99_us"), median(1, "late_p99_us"), sum(abuse["errors"] for _, abuse in pairs), acts))
    print("          windows left out, in peace and under abuse: %s; not quiet of those that count: %s" % (
        counts("left_out"), counts("not_quiet")), flush=True)


def quietest(window, n):
    """Medians over the n windows, of many, in which the machine stood still least."""
    got = []
    while sum(w["stood_us"] <= QUIET_US for w in got) < n and len(got) < TRIES * n:
        time.sleep(WINDOW)
        got.append(window())
    best = sorted(got, key=lambda w: w["stood_us"])[:n]
    return dict({what: statistics.median(w[what] for w in best) for what in best[0]}, left_out=len(got) - n,
                not_quiet=sum(w["stood_us"] > QUIET_US for w in best))


def high_water(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


class Abuser:
    def __init__(self, port, kind):
        self.p = subprocess.Popen([TOOLS["abuser"], str(port), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  preexec_fn=pin(LOAD_CORE))

    def turn(self):
        """Begin or end; how often it acted."""
        self.p.stdin.write("\n")
        self.p.stdin.flush()
        return int((self.p.stdout.readline().split() + [0])[1])

    def end(self):
        self.p.stdin.close()
        self.p.wait()


def fill(c):
    for i in range(100):
        c("SET", "big:%d" % i, b"x" * MB)
    for i in range(SESSIONS):
        c("RPUSH", "chat:%08d" % i, *[b"m" * MESSAGE] * KEPT)


def windows(rig, name, kind, load):
    """Pairs of figures in peace and under abuse, bytes of memory that came on top, the abuser's actions a second."""
    n, parts = (3, 4) if rig.quick else (5, 8)
    word, settings = KINDS[kind]
    pairs, acts, seconds = [], 0, 0
    s = rig.start(name, maxmemory=MEMORY, maxmemory_policy="allkeys-lru", tcp_backlog=4096, **settings)
    try:
        fill(s.conn())
        if kind not in UNENDING:
            go_first(s.pid)
        options = {"auth": settings["requirepass"]} if "requirepass" in settings else {}
        behaved = Paced(s, LOAD_CORE, first=True, refused=True, conns=BEHAVED, keys=10000, watch=SERVER_CORE, **options,
                       **LOADS[load])
        abuser = Abuser(s.port, word)

        def look():
            time.sleep(SETTLE)
            behaved.window()
            return quietest(behaved.window, parts)

        before = 0
        for _ in range(n):
            peace = look()
            before = before or high_water(s.pid)
            abuser.turn()
            began = time.monotonic()
            pairs.append((peace, look()))
            acts += abuser.turn()
            seconds += time.monotonic() - began
        abuser.end()
        behaved.end()
        return pairs, high_water(s.pid) - before, acts / seconds
    finally:
        s.destroy()
