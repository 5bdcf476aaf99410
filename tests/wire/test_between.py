"""What goes on in slices between turns: each kind has its share, and whoever waits is served between."""
import contextlib

import pytest

from resp import Err, OK, Simple, encode
from server import Server, parse_info, wait_for

pytestmark = pytest.mark.memd_only

KEYS = 100000
CALLS = 40


@pytest.fixture
def s():
    s = Server(enable_debug_command="yes")
    try:
        assert s.conn()("DEBUG", "POPULATE", KEYS) == OK
        yield s
    finally:
        s.destroy()


def slices(reply):
    return {name.decode(): n for name, n, _, _ in reply}


def test_two_kinds_that_are_both_busy_take_turns(s):
    """Each asks at its own end how far the other has come. Both begin in the same turn."""
    walker, deleter = s.conn(), s.conn()
    with s.one_turn():
        for c, call in ((walker, ("KEYS", "*nothing*like*this")), (deleter, ("UNLINK.MATCH", "*nothing*like*this"))):
            for _ in range(CALLS):
                c.send(*call)
            c.send("DEBUG", "BETWEEN")
    assert [walker.read() for _ in range(CALLS)] == [[]] * CALLS
    at_end_of_walks = slices(walker.read())
    assert [deleter.read() for _ in range(CALLS)] == [0] * CALLS
    at_end_of_deleting = slices(deleter.read())
    first = min(at_end_of_walks, at_end_of_deleting, key=lambda n: n["keys-walks"] + n["unlinkings"])
    had = first["keys-walks"], first["unlinkings"]
    assert min(had) > CALLS and max(had) < 4 * min(had), had


def test_others_are_served_between_slices(s):
    walker, other = s.conn(), s.conn()
    with s.one_turn():
        walker.send("KEYS", "*nothing*like*this")
        walker.send("DEBUG", "BETWEEN")
        other.send("PING")
        other.send("DEBUG", "BETWEEN")
    assert other.read() == Simple("PONG")
    seen = slices(other.read())["keys-walks"]
    assert walker.read() == []
    assert slices(walker.read())["keys-walks"] > seen + 2


def test_replies_are_sent_before_all_that_was_asked_for_is_made(s):
    """However many ask at once: their buffers are not all there at the same time."""
    c, clients = s.conn(), [s.conn() for _ in range(31)]
    c("SET", "k", b"v" * 32768)
    before = int(c.info("stats")["total_net_output_bytes"])
    with s.one_turn():
        for asks in clients:
            asks.send("GET", "k")
            asks.send("INFO", "stats")
    sent = []
    for asks in clients:
        assert len(asks.read()) == 32768
        sent.append(int(parse_info(asks.read())["total_net_output_bytes"]) - before)
    assert max(sent) > 65536


def test_every_kind_is_told_by_name(s):
    names = [row[0] for row in s.conn()("DEBUG", "BETWEEN")]
    assert len(set(names)) == len(names) and {b"searches", b"indexing", b"jobs"} <= set(names)


def test_many_clients_are_looked_at_a_few_at_a_time(start):
    """A tenth of them is due at once, ten times a second."""
    s = start(enable_debug_command="yes")
    with contextlib.ExitStack() as idle:
        for _ in range(800):
            idle.enter_context(s.connect_socket())
        c = s.conn()
        wait_for(lambda: slices(c("DEBUG", "BETWEEN"))["clients"] > 0)


def test_the_loop_sleeps_while_indexes_have_nothing_to_do(s):
    """Turns of half a second in which nobody asks: the clock's, and not as many as the processor can make."""
    c = s.conn()
    assert c("FT.CREATE", "idx", "PREFIX", 1, "doc:", "SCHEMA", "t", "TEXT", "n", "NUMERIC") == OK
    c("HSET", "doc:1", "t", "words of a text", "n", 1)
    assert c("FT.SEARCH", "idx", "words")[0] == 1
    asked = [["INFO", "stats"], ["BLPOP", "nothing", 0.5], ["INFO", "stats"]]  # of one piece: however late the last would be sent
    told = c.pipeline(asked)
    before, after = (int(parse_info(told[i])["eventloop_cycles"]) for i in (0, 2))
    assert after - before < 100


def test_one_that_is_unblocked_with_an_error_is_not_run_to_its_end(s):
    """What is asked in one turn finds the walk as it was, and ended without another slice."""
    walker, other = s.conn(), s.conn()
    me = walker("CLIENT", "ID")
    unblock = ["CLIENT", "UNBLOCK", me]
    # in a transaction: one whose requests were slow has them run in small shares
    asked = [["MULTI"], ["DEBUG", "BETWEEN"], unblock, unblock + ["ERROR"], ["DEBUG", "BETWEEN"], ["EXEC"]]
    with s.one_turn():
        for _ in range(CALLS):
            walker.send("KEYS", "*nothing*like*this")
        other.send_raw(b"".join(map(encode, asked)))
    ended = 0
    for n in range(CALLS):
        before, by_timeout, by_error, after = [other.read() for _ in asked][-1] if n == 0 else other.pipeline(asked)[-1]
        assert by_timeout == 0 and slices(before) == slices(after)
        ended += by_error
    replies = [walker.read() for _ in range(CALLS)]
    assert ended > 0 and replies.count(Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")) == ended
    assert replies.count([]) == CALLS - ended
