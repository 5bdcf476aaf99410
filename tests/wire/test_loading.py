"""What a daemon does while it loads: key-load-delay makes that last as long as a test needs."""
import os
import re
import signal

import pytest

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
