"""Vector sets that are large: what takes long goes on in slices, between the requests of others, who may change the set meanwhile."""
import pytest

from resp import Err, OK, Push, Simple
from server import Server, wait_for

pytestmark = pytest.mark.memd_only

N = 12000
NAMES = [b"n%05d" % i for i in range(N)]


def vector(i):
    return [i % 101 - 50, i % 89 - 44, i % 97 - 48, i % 7 + 1]


def add(key, i, name=None):
    return ("VADD", key, "VALUES", 4, *vector(i), name or NAMES[i], "BIN" if key == b"bin" else "Q8", "EF", 4, "M", 4)


@pytest.fixture(scope="module")
def running():
    """A server, and the set v as a payload."""
    s = Server(enable_debug_command="yes")
    try:
        c = s.conn()
        for at in range(0, N, 1000):
            assert c.pipeline([add(b"v", i) for i in range(at, at + 1000)]) == [1] * 1000
        yield s, c("DUMP", "v")
    finally:
        s.destroy()


@pytest.fixture
def server(running):
    """It has v and nothing else, whatever the test before has left."""
    s, v = running
    with s.conn() as c:
        assert c.pipeline([("CLIENT", "UNPAUSE"), ("FLUSHALL", "SYNC"), ("RESTORE", "v", 0, v)]) == [OK] * 3
    return s


@pytest.fixture
def c(server):
    return server.conn()


def turns(c):
    return int(c.info("stats")["eventloop_cycles"])


def in_slices(c, *request):
    """Its reply. One turn reads it, one answers the question how many there were: what is done at once takes two."""
    before = turns(c)
    reply = c(*request)
    assert turns(c) - before > 2
    return reply


def truth(key=b"v", n=N, *more):
    return ("VSIM", key, "VALUES", 4, 1, 2, 3, 4, "COUNT", n, "TRUTH", *more)


def pairs(reply):
    return dict(zip(reply[::2], map(float, reply[1::2])))


def test_all_elements_are_told_in_order_over_many_turns(c):
    reply = in_slices(c, *truth(b"v", N, "WITHSCORES"))
    scores = [float(x) for x in reply[1::2]]
    assert sorted(reply[::2]) == NAMES and scores == sorted(scores, reverse=True)
    assert c("VRANGE", "v", "-", "+") == NAMES
    assert c("VRANGE", "v", b"(n00100", b"[n11000", 9000) == NAMES[101:9101]
    assert sorted(c("VRANDMEMBER", "v", N)) == NAMES
    few = c("VRANDMEMBER", "v", 3000)
    assert len(few) == len(set(few)) == 3000
    assert len(in_slices(c, "VRANDMEMBER", "v", -100000)) == 100000


def test_where_nobody_waits_it_is_done_at_once(c):
    replies = c.pipeline([("MULTI",), truth(), ("VRANGE", "v", "-", "+"), ("VRANDMEMBER", "v", N), ("EXEC",)])[-1]
    assert [sorted(x) for x in replies] == [NAMES] * 3
    assert c("EVAL", "return #redis.call('VSIM', KEYS[1], 'ELE', 'n00001', 'COUNT', 9000, 'TRUTH')", 1, "v") == 9000


def test_requests_behind_it_wait_for_its_reply(c):
    replies = c.pipeline([("SET", "x", 1), truth(b"v", 5000), ("DEL", "x"), ("VRANGE", "v", "-", "+"), ("GET", "x")])
    assert replies[0] == OK and len(replies[1]) == 5000 and replies[2:] == [1, NAMES, None]
    c.send("CLIENT", "REPLY", "SKIP")
    c.send(*truth())
    assert c("PING") == Simple("PONG")


@pytest.mark.parametrize("filtered", [False, True])
def test_what_stays_is_told_and_what_left_is_not(server, c, filtered):
    other = server.conn()
    passing = NAMES
    if filtered:
        passing = NAMES[::2]
        other.pipeline([("VSETATTR", "v", name, '{"n":%d}' % (i % 2)) for i, name in enumerate(NAMES)])
    more = ("FILTER", ".n == 0", "FILTER-EF", 10 * N) if filtered else ()
    for n in range(4):
        gone, moved = NAMES[n * 100:n * 100 + 50], range(n * 100 + 50, n * 100 + 100)
        c.send(*truth(b"v", N + 1000, "WITHSCORES", *more))
        other.pipeline([("VREM", "v", name) for name in gone])
        other.pipeline([add(b"v", i, b"new%d" % i) for i in range(50)])
        other.pipeline([add(b"v", N - i, NAMES[i]) for i in moved])
        other.pipeline([("VSETATTR", "v", b"new%d" % i, '{"n":0}') for i in range(0, 50, 2)])
        reply = c.read()
        found = pairs(reply)
        scores = [float(x) for x in reply[1::2]]
        assert len(found) * 2 == len(reply) and scores == sorted(scores, reverse=True)
        left = set(passing) - set(gone)
        assert left <= set(found)
        assert set(found) - set(NAMES) <= {b"new%d" % i for i in range(50)}
        after = pairs(c(*truth(b"v", N + 1000, "WITHSCORES", *more)))
        assert set(after) - left <= {b"new%d" % i for i in range(0, 50, 2 if filtered else 1)}
        assert all(abs(found[name] - after[name]) < 1e-9 for name in left - {NAMES[i] for i in moved})
        other.pipeline([("VREM", "v", b"new%d" % i) for i in range(50)])
        other.pipeline([add(b"v", i) for i in range(n * 100, n * 100 + 100)])
        if filtered:
            other.pipeline([("VSETATTR", "v", NAMES[i], '{"n":%d}' % (i % 2)) for i in range(n * 100, n * 100 + 100)])
    assert c("DEBUG", "CHECK") == OK


def test_names_in_order_are_told_once_whatever_comes_and_goes(server, c):
    other = server.conn()
    for n in range(3):
        for request in ("VRANGE", "v", "-", "+"), ("VRANDMEMBER", "v", 11000), ("VRANDMEMBER", "v", 100):
            c.send(*request)
            other.pipeline([("VREM", "v", name) for name in NAMES[::40]])
            other.pipeline([add(b"v", i) for i in range(0, N, 40)])
            reply = c.read()
            if request[0] == "VRANGE":
                assert reply == sorted(set(reply)) and set(NAMES) - set(NAMES[::40]) <= set(reply) <= set(NAMES)
            else:
                assert 0 < len(reply) <= request[2] and set(reply) <= set(NAMES)


def rebuild(c, dump):
    c("DEL", "w", "x", "y")
    assert c("RESTORE", "w", 0, dump, "REPLACE") == OK


def test_a_set_that_goes_is_searched_anew(server, c):
    other = server.conn()
    dump = c("DUMP", "v")
    ends = [([("DEL", "w")], []), ([("UNLINK", "w"), ("VADD", "w", "VALUES", 2, 1, 1, "a")], "dim"), ([("SET", "w", 1)], "type"),
            ([("PEXPIREAT", "w", 1)], []), ([("RENAME", "w", "x")], []), ([("COPY", "z", "w", "REPLACE")], [b"only"]),
            ([("FLUSHDB",)], []), ([("SWAPDB", 0, 5), ("SWAPDB", 5, 0)], []), ([("MOVE", "w", 3)], [])]
    c("VADD", "z", "VALUES", 4, 1, 1, 1, 1, "only")
    for requests, then in ends:
        rebuild(other, dump)
        if requests[0][0] == "FLUSHDB":
            keep = c("DUMP", "v")
        c.send(*truth(b"w"))
        other.pipeline(requests)
        reply = c.read()
        if isinstance(reply, Err):
            assert ("dimension mismatch" if then == "dim" else "WRONGTYPE") in str(reply)
        else:
            assert reply in ([], then) or sorted(reply) == NAMES
        if requests[0][0] == "FLUSHDB":
            assert c("RESTORE", "v", 0, keep) == OK
            c("VADD", "z", "VALUES", 4, 1, 1, 1, 1, "only")
        other.pipeline([("DEL", "w", "x"), ("SELECT", 3), ("DEL", "w"), ("SELECT", 0)])


def test_one_who_waits_can_be_woken_and_killed(server, c):
    other = server.conn()
    for how in "TIMEOUT", "KILL", "ERROR":
        me = c("CLIENT", "ID")
        for _ in range(30):
            c.send(*truth())
        wait_for(lambda: int(other.info("clients")["blocked_clients"]) == 1)
        if how == "KILL":
            assert other("CLIENT", "KILL", "ID", me) == 1
            wait_for(lambda: int(other.info("clients")["blocked_clients"]) == 0)
            c = server.conn()
            continue
        other("CLIENT", "UNBLOCK", me, how)
        replies = [c.read() for _ in range(30)]
        assert sum(isinstance(r, Err) for r in replies) <= (how == "ERROR")
        assert all(isinstance(r, Err) or sorted(r) == NAMES for r in replies)


def test_a_cache_hears_of_what_it_was_told_in_slices(server, c):
    other = server.conn()
    c("HELLO", 3)
    c("CLIENT", "TRACKING", "ON")
    assert len(c(*truth())) == N
    other("VSETATTR", "v", NAMES[0], "{}")
    assert c.read() == Push([b"invalidate", [b"v"]])


def content(c, key):
    names = c("VRANGE", key, "-", "+")
    return names, c.pipeline([("VEMB", key, n, "RAW") for n in names[::7]]), c.pipeline([("VGETATTR", key, n) for n in names])


STAY = [name for i, name in enumerate(NAMES) if i % 60 > 2]  # whatever the others do


def of_some(c, key):
    """What a few of those that stay are, to the bit."""
    return c.pipeline([x for n in STAY[::37] for x in (("VEMB", key, n, "RAW"), ("VGETATTR", key, n))])


def links(c, key):
    return [[sorted(layer) for layer in c("VLINKS", key, n)] for n in NAMES[::37]]


def change(other, n):
    """Of each kind, to 600 elements."""
    other.pipeline([("VREM", "v", name) for name in NAMES[::60]])
    other.pipeline([add(b"v", i, b"new%d" % i) for i in range(100)] + [("VSETATTR", "v", name, "[%d]" % n) for name in NAMES[1::60]])
    other.pipeline([add(b"v", N - i, NAMES[i]) for i in range(2, N, 60)])


def test_a_copy_is_the_set_as_it_is_when_it_is_put_in_its_place(server, c):
    """Here what is so at any moment; tests/unit/storage/test_vset_copy.c changes the set between chosen steps, and knows each link."""
    other = server.conn()
    for n in range(3):
        c.send("COPY", "v", "copy", "REPLACE")
        change(other, n)
        assert c.read() == 1
        here = set(c("VRANGE", "copy", "-", "+"))
        assert set(NAMES) - set(NAMES[::60]) <= here <= set(NAMES) | {b"new%d" % i for i in range(100)}
        assert of_some(c, "copy") == of_some(c, "v")
        assert set(c.pipeline([("VGETATTR", "copy", name) for name in NAMES[1::60]])) <= {None, b"[%d]" % n, b"[%d]" % (n - 1)}
        assert {len(c("VEMB", "copy", name)) for name in here} == {4}
        other.pipeline([("VREM", "v", b"new%d" % i) for i in range(100)])
        other.pipeline([add(b"v", i) for i in range(0, N, 60)] + [add(b"v", i) for i in range(2, N, 60)])
    assert c("DEBUG", "CHECK") == OK
    assert in_slices(c, "COPY", "v", "copy", "REPLACE") == 1 and c("COPY", "v", "copy") == 0
    assert links(c, "copy") == links(c, "v")
    assert c.pipeline([("MULTI",), ("COPY", "v", "copy", "DB", 4), ("EXEC",), ("SELECT", 4), ("VCARD", "copy"), ("DEL", "copy"),
                       ("SELECT", 0)])[2:] == [[1], OK, N, 1, OK]
    assert content(c, "v")[0] == NAMES


def test_a_copy_of_what_goes_or_comes_meanwhile(server, c):
    other = server.conn()
    c("COPY", "v", "kept", "REPLACE")
    for requests, answers, then in [([("DEL", "v")], {0, 1}, {0, N}), ([("RENAME", "v", "w")], {0, 1}, {0, N}),
                                    ([("SET", "v", 1)], {0, 1}, None), ([("VADD", "copy", "VALUES", 1, 1, "one")], {0, 1}, {1, N}),
                                    ([("FLUSHALL",), ("VADD", "v", "VALUES", 1, 1, "one")], {0, 1}, {1, N, 0})]:
        if requests[0][0] == "FLUSHALL":
            keep = c("DUMP", "kept")
        c("DEL", "copy", "w", "v")
        assert c("COPY", "kept", "v") == 1
        c.send("COPY", "v", "copy")
        other.pipeline(requests)
        assert c.read() in answers
        if then is not None:
            assert c("VCARD", "copy") in then
        assert c("DEBUG", "CHECK") == OK
        if requests[0][0] == "FLUSHALL":
            assert c("RESTORE", "kept", 0, keep) == OK
    c("DEL", "v", "copy")
    me = c("CLIENT", "ID")
    c.send("COPY", "kept", "v")
    assert other("CLIENT", "KILL", "ID", me) == 1
    wait_for(lambda: int(other.info("clients")["blocked_clients"]) == 0)
    other("CLIENT", "PAUSE", 60000, "WRITE")
    c = server.conn()
    c.send("COPY", "kept", "v", "REPLACE")
    assert other.pipeline([("EXISTS", "kept"), ("CLIENT", "UNPAUSE")]) == [1, OK]
    assert c.read() == 1 and content(c, "v") == content(c, "kept")


def test_a_payload_is_the_set_as_it_was_when_it_was_asked_for(server, c):
    other = server.conn()
    c.pipeline([("VSETATTR", "v", name, "[%d]" % i) for i, name in enumerate(NAMES)])
    assert c("COPY", "v", "kept") == 1
    was = content(c, "v")
    dump = in_slices(c, "DUMP", "v")
    assert c.pipeline([("MULTI",), ("DUMP", "v"), ("EXEC",)])[2] == [dump]
    assert c("RESTORE", "w", 0, dump) == OK and content(c, "w") == was
    assert links(c, "w") == links(c, "v")
    for n in range(3):
        c.send("DUMP", "v")
        change(other, n)
        dump = c.read()
        assert c("RESTORE", "w", 0, dump, "REPLACE") == OK and c("DEBUG", "CHECK") == OK
        here = set(c("VRANGE", "w", "-", "+"))
        assert set(NAMES) - set(NAMES[::60]) <= here and N - 200 <= len(here) <= N
        assert of_some(c, "w") == of_some(c, "v")
        c.pipeline([("DEL", "v"), ("COPY", "kept", "v")])
    c.send("DUMP", "v")
    other("DEL", "v")
    dump = c.read()
    assert dump is None or c("RESTORE", "v", 0, dump) == OK and content(c, "v") == was


def test_what_the_log_says_of_a_copy_is_what_it_was():
    s = Server(appendonly="yes")
    try:
        c, other = s.conn(), s.conn()
        for at in range(0, 3000, 1000):
            c.pipeline([add(b"v", i) for i in range(at, at + 1000)])
        c.send("COPY", "v", "copy")
        for at in range(0, 3000, 300):
            other.pipeline([("VREM", "v", name) for name in NAMES[at:3000:40]] + [("VSETATTR", "v", name, "7") for name in NAMES[at + 1:3000:40]])
            other.pipeline([add(b"v", i, b"new%d" % (at + i)) for i in range(20)] + [add(b"v", 5000 - i, NAMES[i]) for i in range(at + 2, 3000, 40)])
        assert c.read() == 1
        was = content(c, "v"), content(c, "copy")
        s.restart()
        c = s.conn()
        assert (content(c, "v"), content(c, "copy")) == was
    finally:
        s.destroy()


def test_more_links_than_serve_anything_are_not_made(server, c):
    c.pipeline([("VADD", "many", "VALUES", 4, *vector(i), NAMES[i], "M", 4096, "EF", 1000000) for i in range(600)])
    info = c("VINFO", "many")
    assert dict(zip(map(str, info[::2]), info[1::2]))["hnsw-m"] == 4096 and len(c("VLINKS", "many", NAMES[3])[-1]) <= 512
    assert c("RESTORE", "again", 0, c("DUMP", "many")) == OK and c("DEBUG", "CHECK") == OK
    assert c("VSIM", "again", "ELE", NAMES[3], "COUNT", 1) == c("VSIM", "many", "ELE", NAMES[3], "COUNT", 1, "TRUTH")
    c("DEL", "many", "again")
