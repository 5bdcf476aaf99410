"""Load and abuse: clients by the thousand, and those that take without end. Each time the daemon stays within its
memory, others are served, and who is refused is told so, or the log is. What others wait for is bounded by counts here: so
many clients are read before the first are answered, so many requests of one run before the others have their replies, so much
is evicted for one turn. (How fast they are served meanwhile: tests/bench/abuse.py.)

Beside these: half-open peers and descriptors that run out (test_limits.py), who sends slowly before it has authenticated
(test_strangers.py), slow readers and queries without end by their limits (test_limits.py, test_server_review.py)."""
import contextlib
import resource
import select
import socket

import pytest

import server as srv
from resp import Err, OK, PONG, QUEUED, encode
from server import Conn, wait_for
from shim import Clock

MB = 1 << 20
TOLD_IN_A_TURN = 8  # messages that are sent to others


def used(c):
    return int(c.info("memory")["used_memory"])


def peak(s):
    """The most that it has had resident."""
    with open("/proc/%d/status" % s.pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def stat(c, name):
    return int(c.info("stats")[name])


def push(conn, data):
    """Send what the other side takes; it may close meanwhile."""
    with contextlib.suppress(OSError):
        conn.send_raw(data)


def lazy(s, receive=4096):
    """A connection whose owner reads nothing, with little room in the kernel."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.connect(("127.0.0.1", s.port))
    c = Conn(sock)
    s.conns.append(c)
    return c


@pytest.fixture(autouse=True)
def descriptors():
    """As many as the system lets us have: what is usual is a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384 if hard == resource.RLIM_INFINITY else min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def many(n):
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(n, soft - 200)


# --- many -----------------------------------------------------------------------------------------------


@pytest.mark.in_the_clear("the bound is for memory of a connection without TLS")
def test_thousands_of_idle_connections_cost_little(start):
    s = start(maxclients=20000)
    c = s.conn()
    before, n = used(c), many(5000)
    idle = [s.conn() for _ in range(n)]
    assert [x("PING") for x in (idle[0], idle[-1])] == [PONG, PONG]
    assert (used(c) - before) / n < 1400
    assert int(c.info("clients")["connected_clients"]) == n + 1
    for x in idle:
        x.close()
    wait_for(lambda: int(c.info("clients")["connected_clients"]) == 1)
    wait_for(lambda: used(c) < before + n * 64 + MB)


def test_thousands_of_active_connections_are_all_answered(start):
    s = start(maxclients=20000)
    conns = [s.conn() for _ in range(many(3000))]
    for i, c in enumerate(conns):
        c.send("SET", "k:%d" % i, i)
        c.send("GET", "k:%d" % i)
    for i, c in enumerate(conns):
        assert c.read() == OK and c.read() == b"%d" % i


def test_buffers_of_thousands_who_ask_at_once_take_nothing_from_the_keys(start):
    """All are read before any is run: a buffer for each would fill the memory that is left."""
    s = start(maxclients=20000)
    c = s.conn()
    conns = [s.conn() for _ in range(many(2000))]
    for turn in range(3):  # libevent asks for more at a time when there was more
        if turn == 2:
            assert c("CONFIG", "SET", "maxmemory", used(c) + 12 * MB) == OK
        with s.one_turn():
            for i, x in enumerate(conns):
                x.send("SET", "k:%d" % i, "v")
        assert {x.read() for x in conns} == {OK}


def test_buffers_of_thousands_who_wait_while_large_replies_are_made_take_nothing_from_the_keys(start):
    """Each turn reads from 256, and has made its share of replies when a dozen have run."""
    s = start(maxclients=20000)
    c, value = s.conn(), b"v" * 20000
    assert c("RPUSH", "one", value) == 1
    conns = [s.conn() for _ in range(many(2000))]
    assert c("CONFIG", "SET", "maxmemory", used(c) + 16 * MB) == OK
    with s.one_turn():
        for x in conns:
            x.send("RPOPLPUSH", "one", "one")
    assert {x.read() for x in conns} == {value}


def test_the_first_of_a_thousand_are_answered_before_the_last_are_read(start):
    """All are ready at once: one who has come before them waits for a turn of 256, not for all of them."""
    s = start(maxclients=20000)
    c, n = s.conn(), many(1500)
    conns = [s.conn() for _ in range(n)]
    for k in range(4):  # libevent asks for more at a time when there was more
        before = stat(c, "eventloop_cycles")
        with s.one_turn():
            for x in conns:
                x.send("INCR", "n")
        assert sorted(x.read() for x in conns) == list(range(k * n + 1, (k + 1) * n + 1))
    assert stat(c, "eventloop_cycles") - before >= n // 256


def test_who_was_put_off_to_the_next_turns_may_be_killed_before(start):
    """All have been told ready, 256 are read from: the first of them ends some of the rest."""
    s = start(maxclients=20000, enable_debug_command="yes")
    c = s.conn()
    assert c("ACL", "SETUSER", "late", "on", ">pw", "+@all") == OK
    conns = [s.conn() for _ in range(many(900))]
    late = conns[-100:]
    assert {x("AUTH", "late", "pw") for x in late} == {OK}
    for k in range(4):  # libevent asks for more at a time when there was more
        with s.one_turn():
            # A second request of his would wait where the first has ended his share.
            conns[0].send(*(["PING"] if k < 3 else ["CLIENT", "KILL", "USER", "late"]))
            for x in conns[1:]:
                x.send("PING")
        assert conns[0].read() == (PONG if k < 3 else 100)
        assert all(x.read() == PONG for x in (conns[1:] if k < 3 else conns[1:-100]))
    assert all(x.read_to_end() == b"" for x in late)
    assert int(c.info("clients")["connected_clients"]) == 1 + len(conns) - 100
    assert c("DEBUG", "CHECK") == OK


def test_a_storm_of_connections(start):
    """All at once, more than may be: each is served, or told why not."""
    s = start(maxclients=500)
    n = many(1500)
    socks = []
    for _ in range(n):
        sock = socket.socket()
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", s.port))
        socks.append(sock)
    served = refused = 0
    keep = []
    for sock in socks:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        poll.poll(srv.PATIENCE * 1000)
        c = Conn(sock)
        keep.append(c)
        try:
            got = c("PING")
        except (ConnectionError, EOFError):
            got = None  # refused, and closed before the request came: the reply is lost with it
        if got == PONG:
            served += 1
        else:
            assert got in (None, Err("ERR max number of clients reached"))
            refused += 1
    assert served == 500 and refused == n - 500
    assert stat(keep[0], "rejected_connections") == refused
    for c in keep:
        c.close()
    wait_for(lambda: alone(s))


def alone(s):
    """A new client is served, and is the only one."""
    with Conn(s.connect_socket()) as c:
        got = c("INFO", "clients")
    return not isinstance(got, Err) and srv.parse_info(got)["connected_clients"] == "1"


# --- those that send without end ------------------------------------------------------------------------------


def test_a_claim_of_bytes_is_not_memory(start):
    s = start()
    c = s.conn()
    before = used(c)
    claims = [s.conn() for _ in range(many(1000))]
    for x in claims:
        x.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx")
    wait_for(lambda: c("CLIENT", "LIST").count(b"qbuf=") > len(claims))
    assert used(c) - before < 40 * MB
    too_much = s.conn()
    assert too_much.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870913\r\n") is None
    assert too_much.read() == Err("ERR Protocol error: invalid bulk length")
    assert too_much.is_closed()
    assert c("EXISTS", "k") == 0


def test_claims_that_are_being_filled_cost_nobody_his_keys(start):
    """Those go that lack most; one who is about to finish may."""
    s = start(maxmemory="128mb", maxmemory_policy="allkeys-lru", enable_debug_command="yes")
    c, modest = s.conn(), s.conn()
    for i in range(50):
        assert c("SET", "mine:%d" % i, b"m" * 1000000) == OK
    value = b"v" * (20 * MB)
    request = encode(["SET", "modest", value])
    modest.send_raw(request[:-1000])
    claim = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + b"x" * MB
    claims = [s.conn() for _ in range(150)]
    for x in claims:
        push(x, claim)
        assert used(c) < 128 * MB
    wait_for(lambda: stat(c, "evicted_clients") >= 50)
    assert c("DBSIZE") == 50 and stat(c, "evicted_keys") == 0
    modest.send_raw(request[-1000:])
    assert modest.read() == OK  # a key now, beside which claims may have half the memory, too: others may go for it
    assert s.log().count("Evicting client") >= 1
    assert c("DEBUG", "CHECK") == OK


def test_where_no_key_may_go_clients_have_what_is_left(start):
    """Beside keys that give way they may have half of the memory. These do not, and memory is to stay where it is."""
    s = start(maxmemory="64mb")
    c = s.conn()
    for i in range(56):
        assert c("SET", "mine:%d" % i, b"m" * 1000000) == OK
    for _ in range(100):
        push(s.conn(), b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + b"x" * MB)
        assert used(c) < (64 + 4 + 32 + 8) * MB  # a sixteenth more, what clients have in any case, and those that are about to go
    wait_for(lambda: stat(c, "evicted_clients") >= 40)
    assert c("DBSIZE") == 56


def test_a_claim_of_arguments_is_not_memory(start):
    s = start()
    c = s.conn()
    before = used(c)
    claims = [s.conn() for _ in range(200)]
    for x in claims:
        x.send_raw(b"*1048576\r\n$3\r\nDEL\r\n")
    assert used(c) - before < 10 * MB
    x = s.conn()
    x.send_raw(b"*2147483648\r\n")
    assert x.read() == Err("ERR Protocol error: invalid multibulk length")


def test_bytes_one_by_one(start):
    """Requests that come a byte at a time on many connections hold nobody up, and are answered in the end."""
    s = start()
    c = s.conn()
    before = used(c)
    slow = [s.conn() for _ in range(100)]
    request = encode(["SET", "slow", "value"])
    for i in range(len(request)):
        for x in slow:
            x.send_raw(request[i:i + 1])
        assert c("INCR", "others") == i + 1
    assert [x.read() for x in slow] == [OK] * len(slow)
    assert used(c) - before < 4 * MB


def test_requests_that_are_not_finished_take_no_more_than_their_bytes(start):
    s = start(maxclients=20000)
    c, n = s.conn(), many(2000)
    slow = [s.conn() for _ in range(n)]
    request = encode(["SET", "slow", "value"])
    before = used(c)
    for piece in (request[:1], request[1:9]):
        for x in slow:
            x.send_raw(piece)
        wait_for(lambda: c("CLIENT", "LIST").count(b" qbuf=%d " % (9 if len(piece) == 8 else 1)) == n)
    assert (used(c) - before) / n < 4096
    for x in slow:
        x.send_raw(request[9:])
    assert {x.read() for x in slow} == {OK}


@pytest.mark.in_the_clear("the bound is for memory of a connection without TLS")
def test_a_request_that_is_left_behind_others_takes_no_more_than_its_bytes(start):
    """It is read together with them, into a buffer that is far too large for it."""
    s = start()
    c = s.conn()
    before, n = used(c), 200
    conns = [s.conn() for _ in range(n)]
    for x in conns:
        x.send_raw(encode(["PING"]) * 3 + encode(["SET", "k", "v" * 100])[:50])
        assert [x.read() for _ in range(3)] == [PONG] * 3
    wait_for(lambda: used(c) < before + n * 8 * 1024)
    for x in conns:
        x.send_raw(encode(["SET", "k", "v" * 100])[50:])
        assert x.read() == OK
    assert c("GET", "k") == b"v" * 100


def test_bytes_one_by_one_before_authentication(start):
    s = start(requirepass="pw")
    c = s.conn()
    slow = [s.conn(auth=False) for _ in range(100)]
    request = encode(["AUTH", "pw"]) + encode(["PING"])
    for i in range(len(request)):
        for x in slow:
            x.send_raw(request[i:i + 1])
        assert c("INCR", "others") == i + 1
    for x in slow:
        assert x.read() == OK and x.read() == PONG


def test_a_hundred_thousand_pipelined_requests(start):
    """As a client does that sends all and then reads: nothing is dropped, and the memory comes back."""
    s = start()
    c, x = s.conn(), s.conn()
    before, n = used(c), 100000
    x.send_raw(encode(["INCR", "n"]) * n)
    for i in range(n):
        assert x.read_frame() == b":%d\r\n" % (i + 1)
    wait_for(lambda: used(c) < before + 2 * MB)


def test_thousands_of_long_requests_run_in_order_and_once(start):
    """Of those that are parsed together few find time to run; the others are parsed again."""
    s = start()
    c, x, n = s.conn(), s.conn(), 3000
    names = ["key:%d" % i for i in range(30)]
    push = [encode(["RPUSH", "log", i] + names) for i in range(n)]
    for i in range(0, n, 100):
        x.send_raw(b"".join(push[i:i + 100]))
        assert c("PING") == PONG
    assert [x.read() for _ in range(n)] == [31 * (i + 1) for i in range(n)]
    assert c("LRANGE", "log", 0, -1)[::31] == [b"%d" % i for i in range(n)]


def test_a_large_transaction(start):
    s = start()
    c, x = s.conn(), s.conn()
    before, n = used(c), 50000
    x.send_raw(encode(["MULTI"]) + encode(["RPUSH", "l", "v"]) * n)
    assert x.read() == OK
    for _ in range(n):
        assert x.read() == QUEUED
    assert used(c) - before > n * 40, "the queue counts"
    assert x("EXEC") == list(range(1, n + 1))
    assert c("DEL", "l") == 1
    wait_for(lambda: used(c) < before + 2 * MB)


def test_queued_requests_of_all_sizes_run_in_order(start):
    s = start(enable_debug_command="yes")
    c, x = s.conn(), s.conn()
    before = used(c)
    sizes = [0, 1, 100, 400, 500, 65000, 65400, 70000, 3] * 20 + [300000, 7] + [10] * 3000
    x.send_raw(encode(["MULTI"]) + b"".join(encode(["RPUSH", "l", b"%d-" % i + b"v" * n]) for i, n in enumerate(sizes)))
    assert [x.read() for _ in range(len(sizes) + 1)] == [OK] + [QUEUED] * len(sizes)
    assert sum(sizes) < used(c) - before < sum(sizes) * 1.6 + len(sizes) * 150
    assert x("EXEC") == list(range(1, len(sizes) + 1))
    got = c("LRANGE", "l", 0, -1)
    assert [v.split(b"-")[0] for v in got] == [b"%d" % i for i in range(len(sizes))]
    assert [len(v.split(b"-")[1]) for v in got] == sizes
    assert c("DEBUG", "CHECK") == OK


def test_transactions_that_are_queued_and_discarded_cost_nobody_his_keys(start):
    s = start(maxmemory="40mb", maxmemory_policy="allkeys-lru")
    c, x, n = s.conn(), s.conn(), 100000
    for i in range(20):
        assert c("SET", "mine:%d" % i, b"m" * MB) == OK
    for _ in range(8):
        x.send_raw(encode(["MULTI"]) + encode(["SET", "k", "v"]) * n + encode(["DISCARD"]))
        assert x.read() == OK
        for _ in range(n):
            assert x.read_frame() == b"+QUEUED\r\n"
        assert x.read() == OK
    assert c("DBSIZE") == 20 and stat(c, "evicted_keys") == 0


def test_a_transaction_that_never_ends_meets_the_limit(start):
    """What is queued counts, the queue is refused when memory is full, and what others have stays."""
    s = start(maxmemory="80mb")
    c, x = s.conn(), s.conn()
    assert c("SET", "mine", "m" * 1000) == OK
    assert x("CLIENT", "NO-EVICT", "ON") == OK  # otherwise some bytes decide whether it is refused or has to go
    assert x("MULTI") == OK
    value = "v" * 100000
    for _ in range(1000):
        told = x("SET", "k", value)
        if told != QUEUED:
            break
    assert told == Err("OOM command not allowed when used memory > 'maxmemory'.")
    assert x("EXEC").startswith("EXECABORT Transaction discarded because of")
    assert c("GET", "mine") == b"m" * 1000
    assert c("SET", "more", "x") == OK


@pytest.mark.parametrize("read", [1, 4 * MB])
def test_one_who_queues_without_end_keeps_nobody_from_writing(start, read):
    """Nothing can be evicted but him. That his last request is not finished makes him no more than it takes, nor that he has read a large
    value before."""
    s = start(maxmemory="140mb")
    c, x = s.conn(), s.conn()
    request = encode(["SET", "k", "v" * 10000])
    assert c("SET", "mine", "m" * read) == OK and x("GET", "mine") == b"m" * read and x("MULTI") == OK
    with contextlib.suppress(OSError, EOFError):  # he is closed
        for _ in range(300):
            x.send_raw(request * 100 + request[:5000])
            for _ in range(100):
                x.read()
            assert c("SET", "mine", "n") == OK
            x.send_raw(request[5000:])
            x.read()
    assert "Evicting client" in s.log()
    assert c("GET", "mine") == b"n"


def test_queued_requests_are_no_larger_for_the_system_than_for_us(start):
    """The allocator gives a page nobody uses to what is larger than it likes: memory was a quarter more than was counted."""
    s = start()
    c, x, n = s.conn(), s.conn(), 4000
    before, was = used(c), int(c.info("memory")["allocator_active"])
    x.send_raw(encode(["MULTI"]) + encode(["SET", "k", "v" * 10000]) * n)
    assert [x.read() for _ in range(n + 1)] == [OK] + [QUEUED] * n
    assert int(c.info("memory")["allocator_active"]) - was < (used(c) - before) * 1.12


@pytest.mark.parametrize("queued", [False, True])
def test_pages_beside_large_blocks_count_against_the_limit(start, queued):
    """The allocator gives a page on top to each block that is large: of 16 KB it was a quarter that nobody counted."""
    s = start(maxmemory="64mb")
    c, x = s.conn(), s.conn()
    if queued:
        assert x("CLIENT", "NO-EVICT", "ON") == OK and x("MULTI") == OK
    for i in range(5000):
        told = x("SET", "k%d" % i, b"v" * 16000)
        if isinstance(told, Err):
            break
    assert told == Err("OOM command not allowed when used memory > 'maxmemory'.")
    m = {k: int(v) for k, v in c.info("memory").items() if v.isdigit()}
    assert m["allocator_active"] < 64 * MB * 1.1
    assert m["mem_counted_for_evict"] + m["mem_not_counted_for_evict"] == m["used_memory"] + m["mem_beside_blocks"]
    assert 63 * MB < m["mem_counted_for_evict"] < 66 * MB


def test_watches_and_channels_count_and_go_with_their_client(start):
    s = start()
    c = s.conn()
    before, n = used(c), 20000
    for words in (["WATCH"], ["SUBSCRIBE"], ["PSUBSCRIBE"]):
        x = s.conn()
        x.send(*words + ["%s-%08d" % (words[0], i) for i in range(n)])
        if words[0] == "WATCH":
            assert x.read() == OK
        else:
            for _ in range(n):
                x.read_frame()
        mem = [line for line in c("CLIENT", "LIST").decode().splitlines() if "cmd=" + words[0].lower() in line]
        total = int(dict(p.split("=", 1) for p in mem[0].split(" "))["tot-mem"])
        assert total > n * 40, mem
        x.close()
        wait_for(lambda: used(c) < before + MB)


# --- those that do not read ------------------------------------------------------------------------------------


def test_subscribers_that_stop_reading_are_closed(start):
    s = start(client_output_buffer_limit="pubsub 1mb 0 0")
    c = s.conn()
    before = used(c)
    dead, live = [lazy(s) for _ in range(10)], s.conn()
    for x in dead + [live]:
        x("SUBSCRIBE", "news")
    for i in range(100):
        c("PUBLISH", "news", b"%0100000d" % i)
        assert live.read() == [b"message", b"news", b"%0100000d" % i]
    assert c("PUBLISH", "news", "end") == 1
    assert stat(c, "client_output_buffer_limit_disconnections") == 10
    assert s.log().count("closed for overcoming of output buffer limits") == 10
    wait_for(lambda: used(c) < before + 2 * MB)


def test_clients_that_have_too_much_together_go_a_few_in_each_turn(start):
    """Those with the most first; and of thousands that have little each, none is looked for among all of them."""
    s = start(maxclients=20000, enable_debug_command="yes")
    c = s.conn()
    assert c("CLIENT", "NO-EVICT", "ON") == OK

    def queue(n, size):
        conns = [s.conn() for _ in range(n)]
        for x in conns:
            x.send_raw(encode(["MULTI"]) + encode(["SET", "k", "v" * size]))
        for x in conns:
            assert x.read() == OK and x.read() == QUEUED
        return conns, held()

    def held():
        return int(c.info("memory")["mem_clients_normal"])

    def lower(limit):
        cycles, gone = stat(c, "eventloop_cycles"), stat(c, "evicted_clients")
        assert c("CONFIG", "SET", "maxmemory-clients", limit) == OK
        wait_for(lambda: held() <= limit)
        gone = stat(c, "evicted_clients") - gone
        assert stat(c, "eventloop_cycles") - cycles >= gone // 8
        assert c("DEBUG", "CHECK") == OK
        return gone

    small, of_small = queue(600, 2000)  # and with the large ones less than 1024, which is what most users may open
    large, of_all = queue(200, 200000)
    assert 80 <= lower(of_all - 100 * 200000) <= 105
    assert [x("DISCARD") for x in small[::100]] == [OK] * 6
    assert 180 < lower(of_small // 2) < 600
    assert all(x.is_closed() for x in large)


def test_who_does_not_read_costs_nobody_his_keys(start):
    """A cache at its limit, and a client that asks and asks and reads nothing: it goes, not the keys."""
    s = start(maxmemory="128mb", maxmemory_policy="allkeys-lru")
    c = s.conn()
    for i in range(100):
        assert c("SET", "big:%d" % i, b"x" * 950000) == OK
    kept = c("DBSIZE")
    thief = lazy(s)
    push(thief, b"".join(encode(["GET", "big:%d" % (i % 100)]) for i in range(20000)))
    wait_for(lambda: stat(c, "evicted_clients") == 1)
    wait_for(lambda: used(c) < 128 * MB)  # a thread frees what he had
    assert c("DBSIZE") >= kept * 6 // 10  # clients may have half of the memory before they go
    assert "Evicting client" in s.log()
    assert thief.is_closed()


def test_nothing_is_made_for_one_who_does_not_read(start):
    """Its requests wait until it reads; then all come, in order."""
    s = start(enable_debug_command="yes")
    c = s.conn()
    for k in "ab":
        c("SET", k, k.encode() * 900000)
    before, n, x = used(c), 60, lazy(s)
    x.send_raw(b"".join(encode(["GET", "ab"[i % 2]]) + encode(["INCR", "n"]) for i in range(n)))
    wait_for(lambda: stat(c, "client_unread_held") >= 1)
    assert used(c) < before + 8 * MB, "54 MB were asked for"
    assert int(c("GET", "n")) < n // 4
    me = next(line for line in c("CLIENT", "LIST").decode().splitlines() if "cmd=client" not in line)
    me = dict(p.split("=", 1) for p in me.split(" "))
    assert int(me["oll"]) >= 1 and 500000 < int(me["omem"]) <= int(me["tot-mem"]) < 8 * MB and "w" in me["events"], me
    assert c("DEBUG", "CHECK") == OK
    for i in range(n):
        assert x.read() == b"ab"[i % 2:i % 2 + 1] * 900000
        assert x.read() == i + 1
    wait_for(lambda: used(c) < before + MB)
    x.close()


def test_one_who_has_said_all_and_reads_then_gets_all(start):
    """It closes its side with requests that still wait for it to read."""
    s = start()
    c = s.conn()
    c("SET", "big", b"x" * 900000)
    x = lazy(s)
    x.send_raw(encode(["GET", "big"]) * 30 + encode(["INCR", "n"]))
    x.sock.shutdown(socket.SHUT_WR)
    wait_for(lambda: stat(c, "client_unread_held") >= 1)
    assert x.read_to_end() == (b"$900000\r\n" + b"x" * 900000 + b"\r\n") * 30 + b":1\r\n"


@pytest.mark.parametrize("settings", [{}, {"appendonly": "yes", "appendfsync": "always"}], ids=["memory", "always"])
def test_one_who_reads_only_when_all_is_sent_is_not_held_for_ever(start, settings):
    """If its requests were held until it reads, they would pile up, up to the limit at which it is closed."""
    s = start(client_query_buffer_limit="2mb", enable_debug_command="yes", **settings)
    c = s.conn()
    c("SET", "big", b"x" * 400000)
    x, value, n = lazy(s, 65536), b"v" * 200000, 100
    for i in range(n):
        x.send_raw(encode(["SET", "k%d" % (i % 5), value + b"%d" % i]) + encode(["GET", "big"]))
    for _ in range(n):
        assert x.read() == OK
        assert x.read() == b"x" * 400000
    assert c("GET", "k4") == value + b"99"
    assert c("DEBUG", "CHECK") == OK


def test_messages_wait_in_parts_and_come_in_order(start):
    s = start(client_output_buffer_limit="pubsub 0 0 0", enable_debug_command="yes")
    c, slow = s.conn(), lazy(s)
    before = used(c)
    slow("SUBSCRIBE", "news")
    for i in range(1000):
        c("PUBLISH", "news", b"%010000d" % i)
    me = next(line for line in c("CLIENT", "LIST", "TYPE", "pubsub").decode().splitlines())
    me = dict(p.split("=", 1) for p in me.split(" "))
    assert int(me["oll"]) > 50 and 5 * MB < int(me["omem"]) < 20 * MB, me
    assert c("DEBUG", "CHECK") == OK
    assert [slow.read() for _ in range(1000)] == [[b"message", b"news", b"%010000d" % i] for i in range(1000)]
    wait_for(lambda: used(c) < before + MB)
    slow("PING")
    slow.close()


def test_a_message_lies_in_memory_once_for_all_who_do_not_read(start):
    """In each of the four forms that they are sent it in. Each is told what it has waiting all the same, has all of it in order when it
    reads, and what one leaves others have."""
    s = start(client_output_buffer_limit="pubsub 0 0 0", enable_debug_command="yes")
    c, readers = s.conn(), [lazy(s) for _ in range(20)]
    for x in readers[::2]:
        x("HELLO", 3)
    for x in readers[:15]:
        x("SUBSCRIBE", "news")
    for x in readers[15:]:
        x("PSUBSCRIBE", "n*")
    before, n = used(c), 300
    for i in range(n):
        assert c("PUBLISH", "news", b"%020000d" % i) == 20
        assert c("PUBLISH", "news", b"%d" % i) == 20
    assert used(c) - before < 4 * n * 20000 + 4 * MB, "twenty times as much"
    waiting = [dict(p.split("=", 1) for p in line.split(" ")) for line in c("CLIENT", "LIST", "TYPE", "pubsub").decode().splitlines()]
    assert all(int(x["omem"]) > MB for x in waiting), waiting
    for x in readers[::5]:
        x.sock.close()
    assert c("DEBUG", "CHECK") == OK
    for x in readers:
        if x in readers[::5]:
            continue
        for i in range(n):
            assert x.read()[-1] == b"%020000d" % i
            assert x.read()[-1] == b"%d" % i
    wait_for(lambda: used(c) < before + 2 * MB)
    assert c("DEBUG", "CHECK") == OK


def test_one_message_among_replies(start):
    """Who listens asks as well, and publishes itself: all comes in its order, however it is kept."""
    s = start(enable_debug_command="yes")
    a, b, c = s.conn(resp3=True), s.conn(resp3=True), s.conn()
    large = b"m" * 5000
    for x in (a, b):
        x("SUBSCRIBE", "news")
    say = ["EVAL", "return redis.call('PUBLISH', 'news', ARGV[1])", "0", large + b"!"]
    for _ in range(50):
        b.send("ECHO", "before")
        a.send_raw(b"".join(map(encode, [["PUBLISH", "news", large], ["ECHO", "x"], say])))
        got = [a.read() for _ in range(5)]
        assert [x[2] if isinstance(x, list) else x for x in got] == [2, large, b"x", 2, large + b"!"]
        b.send("ECHO", "after")
        got = [b.read() for _ in range(4)]
        assert got.index(b"before") < got.index(b"after")
        assert [x[2] for x in got if isinstance(x, list)] == [large, large + b"!"]
    assert c("DEBUG", "CHECK") == OK


def test_a_turn_is_shared(start):
    """One request waits for the share of one who has sent a thousand, not for all of them. (A pause lets both be there.)"""
    s = start()
    c, many_at_once, one = s.conn(), s.conn(), s.conn()
    c("CLIENT", "PAUSE", 60000, "WRITE")
    many_at_once.send_raw(encode(["RPUSH", "log", "a"]) * 1000)
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    one.send("RPUSH", "log", "b")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "2")
    c("CLIENT", "UNPAUSE")
    assert one.read() <= 256 + 32
    assert [many_at_once.read() for _ in range(1000)][-1] == 1001


def test_others_have_their_replies_before_one_goes_on_who_wants_much(start):
    """It closes the other one's connection behind its first share, in the turn in which both are served."""
    s = start()
    c, greedy, one = s.conn(), s.conn(), s.conn()
    c("CLIENT", "PAUSE", 60000, "WRITE")
    greedy.send_raw(encode(["INCR", "n"]) * 300 + encode(["CLIENT", "KILL", "ID", one("CLIENT", "ID")]))
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    one.send("INCR", "m")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "2")
    c("CLIENT", "UNPAUSE")
    assert one.read() == 1
    assert [greedy.read() for _ in range(301)] == list(range(1, 301)) + [1]
    assert one.is_closed()


def held_back(c, greedy, requests):
    """Send them while nobody may write: they are all there when the pause ends."""
    c("CLIENT", "PAUSE", 60000, "WRITE")
    greedy.send_raw(b"".join(map(encode, requests)))
    wait_for(lambda: c.info("clients")["blocked_clients"] == "1")
    c("CLIENT", "UNPAUSE")


def test_a_share_is_small_while_there_are_others(start, tmp_path):
    """The second share is sixty-four requests, or a few more: what it tells first is sent before the hundred and seventh closes its
    reader. (There are others for a millisecond after one of their requests, which lasts as long as the test needs.)"""
    clock = Clock(tmp_path)
    s = start(env=clock.env)
    c, greedy, reader = s.conn(), s.conn(), s.conn()
    i = reader("CLIENT", "ID")
    reader("SUBSCRIBE", "news")
    first = 256 - 32  # those that were parsed when the first of them was held count
    with clock.stands_still():
        held_back(c, greedy, [["INCR", "n"]] * first + [["PUBLISH", "news", "here"]] * 40 + [["INCR", "n"]] * 66 + [["CLIENT", "KILL", "ID", i]])
        assert reader.read() == [b"message", b"news", b"here"]
        assert reader.is_closed()
        assert [greedy.read() for _ in range(first)] == list(range(1, first + 1))
        assert [greedy.read() for _ in range(40)] == [1] * 40
        assert [greedy.read() for _ in range(67)] == list(range(first + 1, first + 67)) + [1]


def test_a_script_within_a_share_lets_others_in(start):
    """The share is over long before, but theirs is not."""
    s = start(busy_reply_threshold="10")
    c, greedy = s.conn(), s.conn()
    held_back(c, greedy, [["INCR", "n"]] * 262 + [["EVAL", "while true do end", "0"]])
    wait_for(lambda: isinstance(c("GET", "n"), Err))
    assert c("SCRIPT", "KILL") == OK
    assert isinstance([greedy.read() for _ in range(263)][-1], Err)
    assert c("GET", "n") == b"262"


def test_a_message_to_many_is_sent_to_a_few_in_each_turn(start):
    """The publisher's next share, a turn later or some, closes all who listen: only the first have had it. How many turns it is depends
    on how long they take, so he asks for their number."""
    s = start()
    c, greedy, readers = s.conn(), s.conn(), [s.conn() for _ in range(400)]
    for x in readers:
        x("SUBSCRIBE", "news")
    cycles = ["INFO", "stats"]
    held_back(c, greedy, [["PUBLISH", "news", "here"], cycles] + [["INCR", "n"]] * 260 + [cycles, ["CLIENT", "KILL", "TYPE", "pubsub"]])
    published, first, *counts, last, killed = [greedy.read() for _ in range(264)]
    assert [published, *counts, killed] == [400, *range(1, 261), 400]
    first, last = (int(srv.parse_info(x)["eventloop_cycles"]) for x in (first, last))
    told = sum(b"here" in x.read_to_end() for x in readers)
    assert told <= TOLD_IN_A_TURN * (last + 1 - first)


def test_who_listens_and_asks_has_his_reply_in_its_turn(start):
    """A message that waits to be sent holds up no reply behind it, and what comes is in order."""
    s = start()
    c, greedy, readers = s.conn(), s.conn(), [s.conn(resp3=True) for _ in range(100)]
    for x in readers:
        x("SUBSCRIBE", "news")
    last, n = readers[-1], 200
    for k in range(n):
        last.send("ECHO", "%d" % k)
        c("PUBLISH", "news", "%d" % k)
    got = [last.read() for _ in range(2 * n)]
    assert [x for x in got if isinstance(x, bytes)] == [b"%d" % k for k in range(n)]
    assert [x[2] for x in got if not isinstance(x, bytes)] == [b"%d" % k for k in range(n)]
    for x in readers[:-1]:
        assert [x.read()[2] for _ in range(n)] == [b"%d" % k for k in range(n)]


def test_what_waits_to_be_sent_is_sent_at_the_end(start):
    """Of one who asked for much replies wait to become more, and messages for their turn; the last turn sends all."""
    s = start()
    greedy, readers, n = s.conn(), [s.conn() for _ in range(100)], 5000
    for x in readers:
        x("SUBSCRIBE", "news")
    push(greedy, encode(["INCR", "n"]) * n + encode(["PUBLISH", "news", "end"]) + encode(["SHUTDOWN", "NOSAVE"]))
    assert greedy.read_to_end() == b"".join(b":%d\r\n" % (k + 1) for k in range(n)) + b":100\r\n"
    assert {x.read_to_end() for x in readers} == {b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nend\r\n"}


def test_a_turn_evicts_so_much_and_no_more(start):
    """A limit that was lowered is reached in slices, not by each request of a turn anew."""
    s = start(enable_debug_command="yes", maxmemory_policy="allkeys-lru")
    c, n = s.conn(), 200000
    assert c("DEBUG", "POPULATE", n) == OK
    c.send_raw(encode(["CONFIG", "SET", "maxmemory", 8 * MB]) + encode(["PING"]) * 200 + encode(["DBSIZE"]))
    assert c.read() == OK
    assert [c.read() for _ in range(200)] == [PONG] * 200
    assert c.read() > n * 8 // 10
    wait_for(lambda: stat(c, "current_eviction_exceeded_time") == 0)
    assert c("DBSIZE") < n * 8 // 10


def test_who_asks_for_large_replies_has_a_small_share(start):
    """Each of ten asks for a hundred large replies at once: of each one comes, and whoever has come meanwhile is next."""
    s = start()
    c, one = s.conn(), s.conn()
    c("SET", "big", b"x" * 400000)
    c("CLIENT", "PAUSE", 60000, "WRITE")
    greedy = [s.conn() for _ in range(10)]
    for i, x in enumerate(greedy):
        x.send_raw(encode(["INCR", "n"]) + (encode(["GET", "big"]) + encode(["INCR", "n"])) * 5)
        wait_for(lambda i=i: c.info("clients")["blocked_clients"] == str(i + 1))
    one.send("INCR", "n")
    wait_for(lambda: c.info("clients")["blocked_clients"] == "11")
    c("CLIENT", "UNPAUSE")
    assert one.read() <= 15  # two turns may be needed for the first of each, and in each one goes on
    for x in greedy:
        assert x.read() <= 15
        got = [x.read() for _ in range(10)]
        assert got[::2] == [b"x" * 400000] * 5 and got[1::2] == sorted(got[1::2])
    assert c("GET", "n") == b"61"


def test_replies_of_a_transaction_are_bounded(start):
    s = start(maxmemory="100mb")
    c, x = s.conn(), lazy(s)
    assert c("SET", "big", b"x" * (8 * MB)) == OK
    before = peak(s)
    x.send_raw(encode(["MULTI"]) + encode(["GET", "big"]) * 100 + encode(["SET", "after", "done"]) + encode(["EXEC"]))
    wait_for(lambda: c("GET", "after") == b"done")
    assert peak(s) < before + 400 * MB, "800 MB were asked for"
    wait_for(lambda: stat(c, "client_output_buffer_limit_disconnections") == 1)
    assert "replies of its transaction" in s.log()
    wait_for(lambda: used(c) < 100 * MB)


def all_or_slow(s, c, value):
    """The reply is the value. On a machine that is so busy that it stands still for a second, or takes ten, its reader may be closed for
    that, and for that alone."""
    try:
        assert c.read() == value
    except (EOFError, ConnectionError):
        pass
    closed = [line for line in s.log().splitlines() if "Evicting client" in line]
    assert [line for line in closed if "(it is slow" not in line] == []


def filled(s, value):
    with s.conn() as c:
        assert c("CLIENT", "NO-EVICT", "ON") == OK  # whatever time it takes
        assert c("SET", "big", value) == OK


def test_a_value_of_most_of_the_memory_can_be_read(start):
    """One large reply is no abuse."""
    s = start(maxmemory="100mb")
    value = b"x" * (70 * MB)
    filled(s, value)
    c = s.conn()
    c.send("GET", "big")
    all_or_slow(s, c, value)


def test_a_value_of_most_of_the_memory_can_be_read_while_others_are_slow(start):
    """It is made in slices, between which clients that have much are looked for."""
    s = start(maxmemory="100mb", enable_debug_command="yes")
    c, slow = s.conn(), s.conn()
    value = b"x" * (92 * MB)
    filled(s, value)
    with s.one_turn():
        slow.send_raw(encode(["DEBUG", "SLEEP", "0.04"]) * 60)
        c.send("GET", "big")
    all_or_slow(s, c, value)
    assert [slow.read() for _ in range(60)] == [OK] * 60


@pytest.mark.parametrize("request_", [["GET", "big"], ["LRANGE", "big list", 0, -1], ["HGETALL", "big hash"]], ids=["string", "list", "hash"])
def test_where_no_key_may_go_many_may_read_a_large_value_at_once(start, request_):
    """Each takes his one reply. Memory is full, and is not the readers' fault."""
    s = start(maxmemory="100mb")
    c, part = s.conn(), b"x" * 10000
    assert c("SET", "big", part * 500) == OK
    for i in range(500):
        c.send("RPUSH", "big list", part)
        c.send("HSET", "big hash", i, part)
    assert [c.read() for _ in range(1000)] == [n for i in range(500) for n in (i + 1, 1)]
    value, n = c(*request_), 0
    while c("SET", "k%d" % n, b"y" * 100000) == OK:
        n += 1
    readers = [s.conn() for _ in range(24)]
    with s.one_turn():
        for x in readers:
            x.send(*request_)
    for x in readers:
        all_or_slow(s, x, value)


def test_a_monitor_that_stops_reading_is_closed(start):
    s = start(client_output_buffer_limit="pubsub 1mb 0 0")
    c, m = s.conn(), lazy(s)
    assert m("MONITOR") == OK
    for _ in range(200):
        c("SET", "k", b"x" * 100000)
    assert m.is_closed()
    assert stat(c, "client_output_buffer_limit_disconnections") == 1


@pytest.mark.parametrize("at", [1, 5, 17, 30])
def test_connections_cut_within_a_request_leave_nothing(start, at):
    s = start()
    c = s.conn()
    before = used(c)
    request = encode(["SET", "k", "x" * 100])
    for _ in range(200):
        with Conn(s.connect_socket()) as x:
            x.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, not an end
            x.send_raw(request[:at])
    wait_for(lambda: c.info("clients")["connected_clients"] == "1")
    wait_for(lambda: used(c) < before + MB)  # buffers to spare are kept for a while
    assert c("EXISTS", "k") == 0
