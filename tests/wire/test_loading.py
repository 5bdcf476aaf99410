"""What a daemon does while it loads: key-load-delay makes that last as long as a test needs."""
import os
import re
import signal

import pytest

import faulty_disk as d
import resp
import server as srv
from server import wait_for

pytestmark = pytest.mark.memd_only

OK, Err = resp.OK, resp.Err
LOADING = Err("LOADING Redis is loading the dataset in memory")
KEYS = 400


@pytest.fixture(params=["snapshot", "log"])
def loading(start, request, tmp_path):
    """A server that has begun to load KEYS keys, and would go on for seconds; and its directory as it was."""
    data = tmp_path / "data"
    data.mkdir()
    s = start(directory=str(data), appendonly="yes" if request.param == "log" else "no", requirepass="secret")
    c = s.conn()
    for i in range(KEYS):  # one by one: each is a batch of the log, behind which clients are answered
        assert c("SET", "k%d" % i, "v") == OK
    assert request.param == "log" or c("SAVE") == OK
    s.kill9()
    s.settings["key_load_delay"] = 20000
    s.was = contents(s)
    s.start(wait=False)

    def loads():
        try:
            with s.conn() as c:
                return c("GET", "k0") == LOADING
        except OSError:
            return False

    wait_for(loads)
    return s


def contents(s):
    out = {}
    for where, _, names in os.walk(s.dir):
        for name in set(names) - {"LOCK", "stdout.log"}:
            with open(os.path.join(where, name), "rb") as f:
                out[os.path.relpath(f.name, s.dir)] = f.read()
    return out


def test_what_redis_lets_through_while_loading_is_let_through(loading):
    c = loading.conn()
    assert c("GET", "k0") == LOADING and c("SET", "a", "b") == LOADING and c("PING") == LOADING
    assert c("DBSIZE") == LOADING and c("KEYS", "*") == LOADING and c("BGSAVE") == LOADING
    assert b"proto" in c("HELLO", 2, "AUTH", "default", "secret")
    assert c("AUTH", "secret") == OK and c("SELECT", 1) == OK and c("CLIENT", "SETNAME", "x") == OK
    assert c("CONFIG", "GET", "port") == [b"port", b"%d" % loading.port]
    assert loading.conn()("SUBSCRIBE", "news") == [b"subscribe", b"news", 1]
    assert c("MULTI") == OK and c("DISCARD") == OK
    info = c.info("persistence")
    assert info["loading"] == "1" and info["async_loading"] == "0"


def test_progress_is_told(loading):
    c = loading.conn()

    def some_loaded():
        return int(c.info("persistence")["loading_loaded_bytes"]) > 0

    wait_for(some_loaded)
    info = c.info("persistence")
    assert 0 < int(info["loading_loaded_bytes"]) < int(info["loading_total_bytes"])
    assert 0 < float(info["loading_loaded_perc"]) < 100
    assert int(info["loading_start_time"]) > 1700000000 and int(info["loading_eta_seconds"]) >= 0
    assert int(info["loading_total_bytes"]) > KEYS * 5
    # a line each second
    found = wait_for(lambda: re.findall(r"Loading: (\d+) keys, (\d+) bytes, (\d+)%, about", loading.log())[1:])
    assert 0 < int(found[-1][0]) < KEYS and 0 < int(found[-1][1]) < int(info["loading_total_bytes"])


@pytest.mark.parametrize("how", ["SIGTERM", "SHUTDOWN", "SHUTDOWN SAVE", "twice"])
def test_an_end_while_loading_is_clean_and_changes_nothing(loading, how):
    if how.startswith("SHUTDOWN"):
        c = loading.conn()
        c.send(*how.split())
        assert c.is_closed()
    else:
        loading.proc.send_signal(signal.SIGTERM)
        if how == "twice":
            loading.proc.send_signal(signal.SIGTERM)
    assert loading.wait_exit() == 0
    assert contents(loading) == loading.was
    loading.settings["key_load_delay"] = 0
    loading.start()
    assert loading.conn()("DBSIZE") == KEYS


def test_the_delay_can_be_a_fraction(start, tmp_path):
    s = start(directory=str(tmp_path), appendonly="yes", key_load_delay=-10)
    c = s.conn()
    for i in range(50):
        c("SET", "k%d" % i, "v")
    s.restart()
    assert s.conn()("DBSIZE") == 50


# --- a disk that does not come to an end --------------------------------------------------------------------------------

@pytest.fixture
def disk(tmp_path):
    on = d.Disk(tmp_path)
    yield on
    on.heal()


def hold(disk, *places):
    """The disk holds the calls at the first of places; when one is there, those at the second in its stead, and so on. -> a function
    that comes back when one is at the last, and how many there have been there by then."""
    def reached(place, n):
        wait_for(lambda: disk.calls(*place) > n, "nobody came to %s, %s" % place)

    before = disk.calls(*places[0])
    disk.slow(*places[0], d.ALWAYS)

    def come():
        n = before
        for place, following in zip(places, places[1:]):
            reached(place, n)
            n = disk.calls(*following)
            disk.slow(*following, d.ALWAYS)
            disk.slow(*place, 0)
        reached(places[-1], n)
        return n + 1
    return come


def answers_that_it_loads(s):
    def answered():
        try:
            c = s.conn()
            return c("PING") == LOADING and c
        except OSError:  # it does not listen yet
            return None

    c = wait_for(answered)
    assert c("GET", "k") == LOADING and c.info("persistence")["loading"] == "1"


SYNC_OF_LOG, WRITE_OF_LOG = (d.SYNC, d.LOG), (d.WRITE, d.LOG)
LONG = "v" * 1000 * 1000  # several parts of what is written again


@pytest.mark.parametrize("places", [[SYNC_OF_LOG], [WRITE_OF_LOG], [WRITE_OF_LOG, SYNC_OF_LOG]],
                         ids=["the log is synced", "its end is written again", "and synced"])
def test_a_start_that_waits_for_the_disk_says_that_it_loads(start, disk, places):
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    assert s.conn()("SET", "k", LONG) == OK
    s.kill9()
    held = hold(disk, *places)
    s.start(wait=False)
    n = held()
    answers_that_it_loads(s)
    assert disk.calls(*places[-1]) == n  # still the same one
    disk.heal()
    s.wait_ready()
    assert s.conn()("GET", "k") == LONG.encode()


def test_a_start_that_makes_the_first_base_of_a_log_says_that_it_loads(start, disk):
    s = start(env=disk.env, appendonly="no")
    assert s.conn()("SET", "k", "v") == OK and s.conn()("SAVE") == OK
    s.kill9()
    s.settings["appendonly"] = "yes"
    held = hold(disk, (d.SYNC, d.SNAPSHOT))
    s.start(wait=False)
    n = held()
    answers_that_it_loads(s)
    assert disk.calls(d.SYNC, d.SNAPSHOT) == n
    disk.heal()
    s.wait_ready()
    assert s.conn()("GET", "k") == b"v"


def niceness(pid, name):
    """Of the daemon's thread that is called so."""
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, task)) as f:
            if f.read().strip() == name:
                return os.getpriority(os.PRIO_PROCESS, int(task))
    return None


@pytest.mark.skipif(os.getpriority(os.PRIO_PROCESS, 0) >= 10, reason="all of this gives way already")
def test_the_thread_that_saves_gives_way_to_nobody_while_a_start_waits_for_it(start, disk):
    """On a busy machine it would have a thousandth of a core, and the start would last as long."""
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    assert s.conn()("SET", "k", LONG) == OK
    wait_for(lambda: niceness(s.pid, "memd-save") == 10)
    s.kill9()
    held = hold(disk, SYNC_OF_LOG)
    s.start(wait=False)
    held()
    assert niceness(s.pid, "memd-save") == os.getpriority(os.PRIO_PROCESS, s.pid)
    disk.heal()
    s.wait_ready()
    wait_for(lambda: niceness(s.pid, "memd-save") == 10)


def test_an_end_while_a_log_is_written_again_does_not_wait_for_all_of_it(start, disk):
    s = start(env=disk.env, appendonly="yes", appendfsync="everysec")
    assert s.conn()("SET", "k", LONG) == OK
    s.kill9()
    was = contents(s)
    held = hold(disk, WRITE_OF_LOG)
    s.start(wait=False)
    n = held()
    answers_that_it_loads(s)
    s.proc.send_signal(signal.SIGTERM)
    wait_for(lambda: "User requested shutdown" in s.log())
    disk.heal()
    assert s.wait_exit() == 0
    assert disk.calls(*WRITE_OF_LOG) == n and contents(s) == was
    s.start()
    assert s.conn()("GET", "k") == LONG.encode()
