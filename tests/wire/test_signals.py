"""Signals at any time: an orderly end when one asks for it, nothing when none does (D9)."""
import errno
import os
import resource
import signal
import threading
import time

import pytest

import shim
from resp import Err, OK, PONG, encode
from server import wait_for

pytestmark = pytest.mark.memd_only

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}
ENDLESS = "while true do end"


def term(s, sig=signal.SIGTERM):
    os.kill(s.pid, sig)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
@pytest.mark.parametrize("mode", [ALWAYS, {"appendonly": "yes", "appendfsync": "everysec"},
                                  {"appendonly": "yes", "appendfsync": "no"}, {"save": "3600 100000"}],
                         ids=["always", "everysec", "no", "snapshot"])
def test_the_end_saves_all_that_was_acknowledged(start, mode, sig):
    s = start(**mode)
    c, d, waiter, sub, multi = s.conn(), s.conn(), s.conn(), s.conn(), s.conn()
    waiter.send("BLPOP", "nothing", 0)
    sub("SUBSCRIBE", "ch")
    multi("MULTI")
    multi("SET", "in-multi", 1)
    c.send_raw(b"".join(encode(["SET", "k%d" % i, "v" * 100]) for i in range(5000)))
    d.send_raw(b"".join(encode(["RPUSH", "l", i]) for i in range(5000)))
    assert c.read() == OK and d.read() == 1
    term(s, sig)
    term(s, sig)
    n, m = 1 + c.read_to_end().count(b"+OK\r\n"), 1 + d.read_to_end().count(b":")
    assert waiter.is_closed() and sub.is_closed() and multi.is_closed()
    assert s.wait_exit() == 0
    s.start()
    c = s.conn()
    assert c("EXISTS", *["k%d" % i for i in range(n)]) == n and c("LLEN", "l") >= m
    assert c("EXISTS", "in-multi") == 0


def states(s, name):
    """Of threads of that name."""
    stats = [open("/proc/%d/task/%s/stat" % (s.pid, t)).read() for t in os.listdir("/proc/%d/task" % s.pid)]
    return [stat.rsplit(")", 1)[1].split()[0] for stat in stats if "(%s)" % name in stat]


@pytest.mark.parametrize("before", [0, 300])
@pytest.mark.parametrize("how", ["SHUTDOWN", "RESTART"])
def test_what_is_not_saved_by_the_end_is_not_acknowledged(start, how, before):
    """A command that went on aside was taken back in the turn in which all had been saved; so it was when the end was asked for
    by one who sends so much that he has more than the first part of a turn."""
    s = start(enable_debug_command="yes")
    c, d = s.conn(), s.conn()
    assert c("JSON.SET", "k", "$", '{"n":[1],"z":"%s"}' % ("z" * 2000)) == OK
    assert d("DEBUG", "ASIDE-PAUSE", "yes") == OK
    c.send("JSON.NUMINCRBY", "k", "$..n..*", 1)
    wait_for(lambda: d.info("clients")["blocked_clients"] == "1")
    wait_for(lambda: "S" in states(s, "memd-aside"))  # it has come to its end, and waits to be taken back
    d.send_raw(b"PING\r\n" * before + encode(["DEBUG", "ASIDE-PAUSE", "no"]) + encode([how, "SAVE"]))
    try:
        said = c.read()
    except (OSError, EOFError):
        said = None
    if how == "SHUTDOWN":
        assert s.proc.wait() == 0
        s.start()
    assert s.conn()("JSON.GET", "k", "$.n[0]") == (b"[1]" if said is None else b"[2]")


def test_signals_all_the_way_to_the_end_do_not_change_how_it_ends(start):
    """A second, third ... SIGTERM, SIGINT, SIGHUP while it saves and frees: the exit code is that of an orderly end."""
    s = start(enable_debug_command="yes", save="3600 1000000")
    c = s.conn()
    c("DEBUG", "POPULATE", 100000)
    c("SET", "k", "v")
    signals = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGPIPE]
    term(s)
    sent = 0
    while s.proc.poll() is None:
        s.proc.send_signal(signals[sent % len(signals)])
        sent += 1
    assert s.wait_exit() == 0 and sent > 0
    s.start()
    assert s.conn()("DBSIZE") == 100001


def test_a_storm_of_signals_disturbs_nobody(start):
    s = start(**ALWAYS)
    c = s.conn()
    stop = threading.Event()

    def storm():
        while not stop.is_set():
            for sig in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGURG, signal.SIGCONT, signal.SIGWINCH):
                os.kill(s.pid, sig)

    t = threading.Thread(target=storm)
    t.start()
    try:
        for i in range(300):
            assert c("SET", "k%d" % i, "v" * 1000) == OK
        assert c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
        assert c("SAVE") == OK
    finally:
        stop.set()
        t.join()
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 300


@pytest.mark.parametrize("mode", [ALWAYS, {"save": "3600 100000"}], ids=["log", "snapshot"])
def test_an_end_while_loading_leaves_the_files_as_they_are(start, mode):
    s = start(enable_debug_command="yes", **mode)
    c = s.conn()
    assert c("DEBUG", "POPULATE", 1000000) == OK
    if "save" not in mode:
        c("BGREWRITEAOF")
        wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0" and c("SET", "k", "v"))
    s.stop()
    before = contents_of(s.dir)
    s.start(wait=False)
    wait_for(lambda: "load" in s.log().lower())
    term(s)
    term(s)
    assert s.wait_exit() == 0
    assert contents_of(s.dir) == before
    s.start()
    assert s.conn()("DBSIZE") >= 1000000


def contents_of(directory):
    found = {}
    for at, _, names in os.walk(directory):
        for name in names:
            if name not in ("LOCK", "stdout.log"):
                with open(os.path.join(at, name), "rb") as f:
                    found[os.path.join(at, name)] = hash(f.read())
    return found


@pytest.mark.parametrize("what", ["BGSAVE", "BGREWRITEAOF"])
def test_an_end_while_saving_is_orderly(start, what):
    s = start(enable_debug_command="yes", **ALWAYS)
    c = s.conn()
    assert c("DEBUG", "POPULATE", 300000) == OK
    c("BGREWRITEAOF")
    wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    c("SET", "k", "v")
    c.send(what)
    c.read()
    term(s)
    assert s.wait_exit() == 0
    assert not [n for _, _, names in os.walk(s.dir) for n in names if "temp" in n], "no temporary file is left"
    s.start()
    assert s.conn()("DBSIZE") == 300001


def test_a_script_that_has_written_nothing_is_stopped(start):
    s = start(busy_reply_threshold=1, **ALWAYS)
    c, d = s.conn(), s.conn()
    d("SET", "k", "v")
    c.send("EVAL", ENDLESS, 0)
    wait_for(lambda: str(d("PING")).startswith("BUSY"))
    term(s)
    assert s.wait_exit() == 0
    assert "it has written nothing" in s.log()
    s.start()
    assert s.conn()("GET", "k") == b"v"


def test_a_script_that_has_written_comes_to_its_end_first(start):
    """Else half of what it does would be found after the next start."""
    s = start(busy_reply_threshold=1, **ALWAYS)
    c, d = s.conn(), s.conn()
    c.send("EVAL", "redis.call('set', 'a', 1) local n = tonumber(ARGV[1]) for i = 1, n do end "
           "for i = 1, 1000 do redis.call('rpush', 'l', i) end redis.call('set', 'b', 1)", 0, 300000000)
    wait_for(lambda: str(d("PING")).startswith("BUSY"))
    term(s)
    term(s)
    assert s.wait_exit() == 0
    assert "the end waits for it" in s.log()
    s.start()
    c = s.conn()
    assert c("MGET", "a", "b") == [b"1", b"1"] and c("LLEN", "l") == 1000


def test_what_cannot_be_saved_holds_up_the_end(start, tmp_path):
    """As in Redis: SIGTERM does not throw away what a snapshot could not take; the next one may succeed."""
    directory = tmp_path / "data"
    s = start(dir=str(directory), save="3600 100000")
    c = s.conn()
    c("SET", "k", "v")
    away = tmp_path / "away"
    directory.rename(away)
    term(s)
    wait_for(lambda: "Errors trying to shut down" in s.log())
    assert c("GET", "k") == b"v"
    away.rename(directory)
    term(s)
    assert s.wait_exit() == 0
    s.start()
    assert s.conn()("GET", "k") == b"v"


def test_stopped_and_continued_it_goes_on(start):
    s = start(appendonly="yes", appendfsync="everysec")
    c, waiter = s.conn(), s.conn()
    waiter.send("BLPOP", "l", 0)
    c("SET", "k", "v", "PX", 30)
    with s.one_turn():
        time.sleep(0.05)  # longer than the key lives
        c.send("GET", "k")
    assert c.read() is None
    c("RPUSH", "l", "v")
    assert waiter.read() == [b"l", b"v"]
    assert c("WAITAOF", 1, 0, 0) == [1, 0]


def set_descriptors(s, n):
    was = resource.prlimit(s.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(s.pid, resource.RLIMIT_NOFILE, (n, was[1]))
    return was[0]


def test_out_of_descriptors_saving_fails_and_heals(start):
    """Snapshot and rewrite cannot open files: told as failures, the log goes on, and later it works again."""
    s = start(save="3600 100000", **ALWAYS)
    c = s.conn()
    c("SET", "k", "v")
    was = set_descriptors(s, max(int(n) for n in os.listdir("/proc/%d/fd" % s.pid)) + 1)
    assert isinstance(c("SAVE"), Err)
    c("BGREWRITEAOF")
    wait_for(lambda: c.info("persistence")["aof_last_bgrewrite_status"] == "err")
    assert "Too many open files" in s.log()
    assert s.log().count("Too many open files") < 20, "it does not try again and again"
    set_descriptors(s, was)
    assert c("SAVE") == OK
    assert c("SET", "k", "w") == OK
    c("BGREWRITEAOF")
    wait_for(lambda: c.info("persistence")["aof_last_bgrewrite_status"] == "ok")
    s.restart(kill=True)
    assert s.conn()("GET", "k") == b"w"


@pytest.mark.in_the_clear("errors of accepting would be errors of a handshake")
def test_errors_of_accepting_do_not_stop_it(start, tmp_path):
    """ECONNABORTED, EPROTO, EINTR ... are one connection's trouble; no memory and no descriptors make it wait."""
    faults = shim.Shared(tmp_path / "faults", 0, 0, 0, 0, 0, 0)
    s = start(env={"LD_PRELOAD": shim.build("fault_shim"), "FAULT_SHIM": faults.path,
                   "ASAN_OPTIONS": "verify_asan_link_order=0"})
    c = s.conn()
    assert c("PING") == PONG  # it is in
    for e in (errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        faults[4] = e
        with s.conn(auth=False) as late:
            late.send("PING")
            assert c("PING") == PONG
            faults[4] = 0
            assert late.read() == PONG
