"""maxmemory: what is given up, and what is not."""
import random

import pytest

from resp import Err, OK, encode
from server import MEMD

OOM = Err("OOM command not allowed when used memory > 'maxmemory'.")
POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]


@pytest.fixture
def tight(start):
    """tight(policy, room): a server that has room for about so many bytes of data."""
    def tight(policy, room=4 << 20):
        s = start(maxmemory_policy=policy)
        c = s.conn()
        used = int(c.info("memory")["used_memory"])
        assert c("CONFIG", "SET", "maxmemory", used + room) == OK
        return c
    return tight


def test_noeviction_refuses_what_grows_and_serves_the_rest(tight):
    c = tight("noeviction")
    n = 0
    while c("SET", "k%d" % n, "x" * 1000) == OK:
        n += 1
        assert n < 10000
    assert c("SET", "more", "x" * 1000) == OOM
    assert c("RPUSH", "l", "x" * 1000) == OOM
    assert c("GET", "k0") == b"x" * 1000
    assert c("DEL", *["k%d" % i for i in range(500)]) == 500
    assert c("LPOP", "nokey") is None
    assert c("SET", "more", "x") == OK
    assert n > 2000 and int(c.info("stats")["evicted_keys"]) == 0


@pytest.mark.parametrize("policy", POLICIES + (["allkeys-lrm", "volatile-lrm"] if MEMD.is_memd else []))
def test_each_policy_keeps_within_the_limit(tight, policy):
    c = tight(policy)
    limit = int(c("CONFIG", "GET", "maxmemory")[1])
    for at in range(0, 20000, 100):
        got = c.pipeline([["SET", "k%d" % i, "x" * 500, "EX", 100000 + i] for i in range(at, at + 100)])
        assert set(got) == {OK}
    info = c.info("everything")
    assert int(info["used_memory"]) <= limit * 1.05 + 200000
    # Keys of the same reply: before the next request another one may go.
    keys = int(info["db0"].split(",")[0].partition("=")[2])
    assert int(info["evicted_keys"]) > 5000 and keys + int(info["evicted_keys"]) == 20000


@pytest.mark.parametrize("policy", [p for p in POLICIES if p.startswith("volatile")])
def test_volatile_policies_touch_no_key_without_ttl(tight, policy):
    c = tight(policy)
    c.pipeline([["SET", "stay%d" % i, "x" * 500] for i in range(2000)])
    c.pipeline([["SET", "v%d" % i, "x" * 500, "EX", 10000 + i] for i in range(20000)])
    assert c("EXISTS", *["stay%d" % i for i in range(2000)]) == 2000
    c.pipeline([["DEL"] + ["v%d" % i for i in range(20000)]])
    last = OK
    for i in range(20000):
        last = c("SET", "w%d" % i, "x" * 500)
        if last != OK:
            break
    assert last == OOM, "with nothing volatile left writes are refused"


def test_volatile_ttl_gives_up_the_soonest(tight):
    c = tight("volatile-ttl")
    for i in range(0, 12000, 100):
        c.pipeline([["SET", "k%05d" % j, "x" * 500, "EX", 1000 + j] for j in range(i, i + 100)])
    left = sorted(int(k[1:]) for k in c("KEYS", "*"))
    gone_late = sum(1 for i in range(11000, 12000) if i not in set(left))
    assert gone_late < 150, "%d of the last to expire were given up" % gone_late
    assert len([k for k in left if k < 2000]) < 600


def zipf_hits(c, n_keys, n_ops, seed):
    rng = random.Random(seed)
    weights = [1 / (i + 1) for i in range(n_keys)]
    keys = rng.choices(range(n_keys), weights, k=n_ops)
    hits = 0
    for at in range(0, n_ops, 200):
        batch = keys[at:at + 200]
        got = c.pipeline([["GET", "key:%06d" % k] for k in batch])
        hits += sum(g is not None for g in got)
        missing = [k for k, g in zip(batch, got) if g is None]
        if missing:
            c.pipeline([["SET", "key:%06d" % k, "x" * 200] for k in missing])
    return hits / n_ops


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_what_is_used_often_stays(tight, policy):
    """Under Zipf the hit ratio is far above that of random choice."""
    c = tight(policy, room=1 << 18)
    assert zipf_hits(c, 20000, 40000, 1) > 0.58  # 0.64 to 0.66; at random 0.52 to 0.55


def test_big_values_make_room_for_themselves(tight):
    c = tight("allkeys-lru", room=8 << 20)
    c.pipeline([["SET", "k%d" % i, "x" * 1000] for i in range(5000)])
    assert c("SET", "big", "x" * (3 << 20)) == OK
    assert c("RPUSH", "l", *["x" * 1000] * 1000) == 1000


def test_evictions_are_announced_and_logged(start):
    s = start(maxmemory_policy="allkeys-random", notify_keyspace_events="Ee")
    ear, c = s.conn(), s.conn()
    ear("PSUBSCRIBE", "*")
    used = int(c.info("memory")["used_memory"])
    c("CONFIG", "SET", "maxmemory", used + (1 << 20))
    for i in range(4000):
        c("SET", "k%d" % i, "x" * 500)
    assert ear.read()[2] == b"__keyevent@0__:evicted"


def test_lowering_the_limit_evicts_at_once(tight):
    c = tight("allkeys-lru")
    c.pipeline([["SET", "k%d" % i, "x" * 500] for i in range(5000)])
    before = c("DBSIZE")
    used = int(c.info("memory")["used_memory"])
    c("CONFIG", "SET", "maxmemory", used - (1 << 20))
    c("SET", "one", "more")
    for _ in range(1000):
        if c("DBSIZE") < before - 1000:
            break
    assert c("DBSIZE") < before - 1000


def test_client_buffers_count_against_the_limit(tight):
    """A reader that does not read costs keys, not memory beyond the limit."""
    c = tight("allkeys-lru", room=12 << 20)
    c.pipeline([["SET", "k%d" % i, "x" * 1000] for i in range(3000)])
    assert c("SET", "huge", "y" * (1 << 20)) == OK
    assert c("GET", "huge") == b"y" * (1 << 20)


def test_maxmemory_clients_closes_the_greediest(start):
    s = start(maxmemory_clients="4mb")
    c, greedy = s.conn(), s.conn()
    c("SET", "k", "x" * 1000000)
    try:
        greedy.send_raw(encode(["GET", "k"]) * 20000)  # a few would wait until the first are taken
    except OSError:
        pass
    assert greedy.is_closed()
    assert c("PING")
