"""What durability costs: throughput with the AOF, what a save does to those who ask meanwhile, memory, and
the time until a restarted server answers.

The server, all its threads and children, has core 0. Where "on one core" is said, the load has it too."""
import subprocess
import time

from rig import KEYS, LOAD_CORE, SERVER_CORE, SERVERS, Paced, busy_ns, pss_bytes

IDLE_SECONDS = 3
CONNS = 50


def rows(rig):
    if any(rig.wanted(part) for part in ("durable", "saving", "save memory", "burst", "loading")):
        noise(rig)
    throughput(rig)
    saving(rig)
    save_memory(rig)
    burst(rig)
    loading(rig)


# --- the machine ----------------------------------------------------------------------------------------

def noise(rig):
    """How long an idle memd makes a paced load wait here: below that nothing can be measured."""
    s = rig.start("memd")
    try:
        p = Paced(s, LOAD_CORE, conns=CONNS, rate=10000)
        time.sleep(1)
        p.window()
        time.sleep(2)
        got = p.end()
        with open("/proc/loadavg") as f:
            load = f.read().split()[0]
        print("machine: an idle server's p99.9 is %.0f us, its slowest reply %.0f us; load average %s"
              % (got["p999_us"], got["max_us"], load), flush=True)
    finally:
        s.destroy()


# --- the log --------------------------------------------------------------------------------------------

def throughput(rig):
    if not rig.wanted("durable"):
        return
    rig.title("SET, %d connections" % CONNS)
    modes = {"off": {}, "everysec": {"appendonly": "yes", "appendfsync": "everysec"},
             "always": {"appendonly": "yes", "appendfsync": "always"}}
    servers = {(name, mode): rig.start(name, auto_aof_rewrite_percentage=0, **settings)
               for name in SERVERS for mode, settings in modes.items()}
    try:
        for pipeline, n, least in ((1, 100000, 0.75), (16, 800000, 0.85)):
            n = n // 4 if rig.quick else n
            rate = {key: [] for key in servers}
            for _ in range(rig.rounds):
                for key in servers:
                    got = rig.load(servers[key], "set", n=n, conns=CONNS, keys=KEYS, pipeline=pipeline)
                    rate[key].append(got["operations"] / got["seconds"])
            shares = {key: [a / b for a, b in zip(rate[key], rate[key[0], "off"])] for key in rate}
            for mode in ("always", "everysec"):
                rig.row("%s, pipeline %d" % (mode, pipeline), "op/s", rate["memd", mode], rate["redis", mode],
                        (">=x", 2.0) if mode == "always" else None)
                rig.row("%s, pipeline %d, of AOF off" % (mode, pipeline), "x", shares["memd", mode], shares["redis", mode],
                        (">=", least if mode == "always" else 0.9))
    finally:
        for s in servers.values():
            s.destroy()


# --- a save -----------------------------------------------------------------------------------------------

def save_keys(rig):
    return KEYS if rig.quick else 5 * KEYS


def filled(rig, name, keys):
    """A server with so many keys, that has come to rest."""
    s = rig.start(name)
    rig.load(s, "fill", keys=keys, pipeline=100)
    return s


def save(server, meanwhile=None):
    """Save in the background, and see it through; how long it took."""
    c, began = server.conn(), time.monotonic()
    c("BGSAVE")
    while c.info("persistence")["rdb_bgsave_in_progress"] == "1":
        if meanwhile:
            meanwhile()
        time.sleep(0.02)
    assert c.info("persistence")["rdb_last_bgsave_status"] == "ok"
    c.close()
    return time.monotonic() - began


def windows(server, core, **options):
    """The load's figures without and with a save."""
    p = Paced(server, core, conns=CONNS, **options)
    time.sleep(1)
    p.window()
    time.sleep(IDLE_SECONDS)
    idle = p.window()
    save(server)
    busy = p.window()
    p.end()
    return idle, busy


def saving(rig):
    if not rig.wanted("saving"):
        return
    keys = save_keys(rig)
    got = {}
    for _ in range(rig.rounds):
        for name in SERVERS:
            s = filled(rig, name, keys)
            try:
                for case, core, rate in (("one core", SERVER_CORE, 20000), ("two cores", LOAD_CORE, 20000),
                                         ("throughput", LOAD_CORE, 0)):
                    idle, busy = windows(s, core, rate=rate, keys=keys)
                    got.setdefault((case, name), []).append((idle, busy))
            finally:
                s.destroy()

    def each(case, figure):
        return [[figure(idle, busy) for idle, busy in got[case, name]] for name in SERVERS]

    rig.title("while %d keys are saved" % keys)
    for case, says in (("one core", "load and server on one core"), ("two cores", "load on another core")):
        idle = each(case, lambda idle, busy: idle["p999_us"])
        rig.row("p99.9 of 20,000 a second, idle", "us", *idle, None)
        rig.row("  " + says + ", saving", "us", *each(case, lambda idle, busy: busy["p999_us"]),
                ("<=", 10000) if case == "one core" else None)
        rig.row("  saving / idle", "x", *each(case, lambda idle, busy: busy["p999_us"] / idle["p999_us"]), ("<=", 2.0))
        rig.row("  slowest reply, saving", "us", *each(case, lambda idle, busy: busy["max_us"]), ("x", 1.0))
        rig.row("  the save takes", "s", *each(case, lambda idle, busy: busy["seconds"]), None)
    rig.row("throughput lost, half SET half GET", "%", *each("throughput", lambda idle, busy: 100 - 100 * (
        busy["requests"] / busy["seconds"]) / (idle["requests"] / idle["seconds"])), ("<=", 15.0))
    rig.row("  the save takes", "s", *each("throughput", lambda idle, busy: busy["seconds"]), None)


def save_memory(rig):
    if not rig.wanted("save memory"):
        return
    keys, more = save_keys(rig), {name: [] for name in SERVERS}
    for name in SERVERS:
        s = rig.start(name)
        try:
            empty = pss_bytes(s.pid)
            rig.load(s, "fill", keys=keys, pipeline=100)
            p = Paced(s, LOAD_CORE, conns=CONNS, rate=0, writes=100, keys=keys)
            time.sleep(2)
            before, peak = pss_bytes(s.pid), [0]

            def look():
                peak[0] = max(peak[0], pss_bytes(s.pid))

            save(s, look)
            p.end()
            more[name].append(100 * (peak[0] - before) / (before - empty))
        finally:
            s.destroy()
    rig.title("memory of a save")
    rig.row("peak above the data set, all SET", "%", more["memd"], more["redis"], ("<=", 5.0))


# --- expiry ---------------------------------------------------------------------------------------------

def burst(rig):
    """A million keys, all due within two seconds; most of their memory is back when nine tenths are."""
    if not rig.wanted("burst"):
        return
    keys, first_ms, spread_ms = KEYS // 4 if rig.quick else KEYS, 4000, 2000
    worst, back = {name: [] for name in SERVERS}, {name: [] for name in SERVERS}
    for _ in range(rig.rounds):
        for name in SERVERS:
            s = rig.start(name)
            try:
                s.conn()("PING")
                empty, began = s.rss(), time.monotonic()
                rig.load(s, "fill", keys=keys, pipeline=100, px=first_ms, spread=spread_ms)
                grown = s.rss() - empty
                last = time.monotonic() + (first_ms + spread_ms) / 1000
                assert time.monotonic() - began < first_ms / 1000, "filling took longer than the keys live"
                answer = rig.probe(s, seconds=(first_ms + spread_ms) // 1000 + 1, every=200)
                while s.rss() - empty > grown / 10 and time.monotonic() < last + 15:
                    time.sleep(0.01)
                back[name].append(time.monotonic() - last)
                worst[name].append(answer()["max_us"])
                assert s.conn()("DBSIZE") == 0 or name == "redis"
            finally:
                s.destroy()
    rig.title("%d keys expire within 2 s" % keys)
    rig.row("slowest reply meanwhile", "us", worst["memd"], worst["redis"], ("<=", 5000.0))
    rig.row("nine tenths of the memory back after", "s", back["memd"], back["redis"], ("<=", 0.5))


# --- loading --------------------------------------------------------------------------------------------

def loading(rig):
    if not rig.wanted("loading"):
        return
    keys = KEYS // 2 if rig.quick else 2 * KEYS
    rig.title("restart with %d keys" % keys)
    for what, settings in (("snapshot", {}), ("AOF", {"appendonly": "yes", "auto_aof_rewrite_percentage": 0})):
        wall, cpu = {name: [] for name in SERVERS}, {name: [] for name in SERVERS}
        servers = {name: rig.start(name, **settings) for name in SERVERS}
        try:
            for s in servers.values():
                rig.load(s, "fill", keys=keys, pipeline=100)
                if what == "snapshot":
                    s.conn()("SAVE")
                s.stop()
                subprocess.run(["sync", "-f", s.dir], check=True)
            for _ in range(rig.rounds):
                for name, s in servers.items():
                    began = time.monotonic()
                    s.start()
                    wall[name].append(keys / (time.monotonic() - began))
                    cpu[name].append(busy_ns(s.pid) / keys / 1000)
                    assert s.conn()("DBSIZE") == keys
                    s.stop()
        finally:
            for s in servers.values():
                s.destroy()
        rig.row("from %s, until it answers" % what, "keys/s", wall["memd"], wall["redis"], (">=x", 2.0))
        rig.row("from %s, processor time a key" % what, "us", cpu["memd"], cpu["redis"], ("x", 0.5))
