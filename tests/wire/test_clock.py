"""What the daemon does when somebody sets the system's clock (D12)."""
import math
import time

import pytest

from resp import OK
from server import wait_for
from shim import Clock

pytestmark = pytest.mark.memd_only

HOUR, DAY = 3600, 86400
YEARS = 3652 * DAY
JUMPS = [HOUR, -HOUR, YEARS, -YEARS]
IDS = ["an-hour-ahead", "an-hour-back", "ten-years-ahead", "ten-years-back"]


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


def clock_of(c):
    info = c.info("server")
    return int(info["system_clock_ahead_ms"]), int(info["system_clock_jumps"])


def unix_ms(c):
    s, us = c("TIME")
    return int(s) * 1000 + int(us) // 1000


@pytest.mark.parametrize("jump", JUMPS, ids=IDS)
def test_a_jump_of_the_clock_expires_and_revives_nothing(start, clock, jump):
    s = start(env=clock.env, appendonly="yes", appendfsync="always")
    c = s.conn()
    c("SET", "long", "v", "PX", 500000)
    c("HSET", "h", "f", "v")
    c("HPEXPIRE", "h", 500000, "FIELDS", 1, "f")
    c("SET", "short", "v", "PX", 1)
    wait_for(lambda: c("EXISTS", "short") == 0)
    before = unix_ms(c)
    clock.set(jump)
    wait_for(lambda: clock_of(c)[1] == 1)
    assert abs(clock_of(c)[0] - jump * 1000) < 60000
    assert 400000 < c("PTTL", "long") <= 500000
    assert 400000 < c("HPTTL", "h", "FIELDS", 1, "f")[0] <= 500000
    assert c("EXISTS", "short") == 0
    assert 0 <= unix_ms(c) - before < 60000, "the daemon's time goes on as before"
    # What lives for a moment only goes at its time all the same.
    c("SET", "k", "v", "PX", 1)
    wait_for(lambda: c("DBSIZE") == 2)
    assert s.log().count("The system's clock has jumped") == 1
    assert ("ahead of" if jump > 0 else "behind") in s.log() and "the 1 keys with a time to live" in s.log()
    clock.set(0)
    wait_for(lambda: "agree again" in s.log())
    assert 400000 < c("PTTL", "long") <= 500000


def test_a_jump_is_taken_over_when_that_is_asked_for(start, clock):
    s = start(env=clock.env)
    c = s.conn()
    c("SET", "day", "v", "EX", 2 * DAY)
    c("SET", "hour", "v", "EX", HOUR // 2)
    clock.set(DAY)
    wait_for(lambda: clock_of(c)[1] == 1)
    assert c("DBSIZE") == 2
    assert c("CONFIG", "SET", "follow-clock-jumps", "yes") == OK
    wait_for(lambda: c("DBSIZE") == 1)
    assert abs(clock_of(c)[0]) < 1000
    assert DAY - 100 < c("TTL", "day") <= DAY
    assert "which follows it" in s.log()
    clock.set(0)  # and back, at once
    wait_for(lambda: c("TTL", "day") > DAY)
    assert c("TTL", "day") <= 2 * DAY


@pytest.mark.parametrize("ahead", [5, -5])
def test_a_small_difference_is_made_up_for_little_by_little(start, clock, ahead):
    s = start(env=clock.env)
    c = s.conn()
    c("SET", "k", "v", "EX", 1000)
    clock.set(ahead)
    first = wait_for(lambda: next((ms for ms, _ in [clock_of(c)] if ms * ahead > 500), None))
    last = unix_ms(c)

    def follows():
        nonlocal last
        now = unix_ms(c)
        assert now >= last, "time never goes back"
        last = now
        return abs(clock_of(c)[0]) < abs(first) - 20

    wait_for(follows)
    assert clock_of(c)[1] == 0 and "jumped" not in s.log()
    assert 900 < c("TTL", "k") <= 1000


@pytest.mark.parametrize("start_at", [1, 2 ** 31 - 5, 2 ** 32 + 5, 9223372036 - 4000], ids=["1970", "2038", "2106", "2262"])
def test_any_year_will_do(start, tmp_path, start_at):
    clock = Clock(tmp_path, start_at - time.time())
    s = start(env=clock.env, appendonly="yes")
    c = s.conn()
    assert abs(unix_ms(c) // 1000 - start_at) < 60
    c("SET", "k", "v", "EX", 1000)
    c("SET", "gone", "v", "PX", 1)
    assert int(str(c("XADD", "x", "*", "a", 1).decode()).split("-")[0]) // 1000 - start_at < 60
    wait_for(lambda: c("DBSIZE") == 2)
    assert 900 < c("TTL", "k") <= 1000
    assert c("EXPIREAT", "k", start_at + 500) == 1
    assert c("SAVE") == OK and abs(c("LASTSAVE") - start_at) < 60
    s.restart(kill=True)
    c = s.conn()
    assert 430 < c("TTL", "k") <= 500 and c("XLEN", "x") == 1


def test_a_clock_that_runs_a_thousand_times_too_fast(start, clock):
    s = start(env=clock.env)
    c = s.conn()
    c("SET", "k", "v", "EX", 1000)
    clock.run_at(1000)
    wait_for(lambda: clock_of(c)[0] > 600000)  # ten minutes: a little more than half a second
    assert 900 < c("TTL", "k") <= 1000
    ahead_ms, jumps = clock_of(c)
    # Told are the first four minutes, at least one apart, and then what is larger by a quarter each time.
    assert 1 <= jumps <= 5 + math.log(ahead_ms / 240000, 1.25), "it does not fill the log"


def test_clients_that_wait_and_their_times_do_not_notice(start, clock):
    s = start(env=clock.env)
    c, waiter, late = s.conn(), s.conn(), s.conn()
    waiter.send("BLPOP", "list", 0)
    late.send("BLPOP", "other", 1000)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "2")
    first = c("XADD", "x", "*", "a", 1)
    for jump in (-YEARS, YEARS):
        jumps = clock_of(c)[1]
        clock.set(jump)
        wait_for(lambda: clock_of(c)[1] == jumps + 1)
    assert c.info("clients")["blocked_clients"] == "2", "no timeout has passed"
    assert c("RPUSH", "list", "v") == 1 and waiter.read() == [b"list", b"v"]
    second = c("XADD", "x", "*", "a", 2)
    assert int(second.split(b"-")[0]) - int(first.split(b"-")[0]) < 60000
    assert c("CONFIG", "SET", "slowlog-log-slower-than", 0) == OK
    c("PING")
    entries = c("SLOWLOG", "GET", 10)
    assert all(abs(e[1] - unix_ms(c) // 1000) < 60 for e in entries)
    assert [e[0] for e in entries] == sorted((e[0] for e in entries), reverse=True)


def test_everysec_and_save_rules_go_on_through_a_jump(start, clock):
    s = start(env=clock.env, appendonly="yes", appendfsync="everysec", save="1 1")
    c = s.conn()
    saved = c("LASTSAVE")
    clock.set(-YEARS)
    wait_for(lambda: clock_of(c)[1] == 1)
    c("SET", "k", "v")
    wait_for(lambda: c("LASTSAVE") > saved and c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    assert c("LASTSAVE") - saved < 60
    assert c("WAITAOF", 1, 0, 0) == [1, 0]


def test_after_a_restart_the_systems_clock_counts_and_a_file_of_the_future_is_told(start, clock):
    s = start(env=clock.env)
    c = s.conn()
    c("SET", "k", "v", "EX", 1000)
    c("SET", "stays", "v")
    assert c("SAVE") == OK
    s.stop()
    clock.set(-400 * DAY)
    s.start()
    c = s.conn()
    assert "was written 400 days later than it is now" in s.log() or "was written 399 days later" in s.log()
    assert 400 * DAY < c("TTL", "k") <= 400 * DAY + 1000
    s.stop()
    clock.set(YEARS)
    s.start()
    assert s.conn()("KEYS", "*") == [b"stays"]
    assert "later than it is now" not in s.log()
