"""Who guesses passwords waits; nobody else does."""
import socket
import struct

import pytest

import resp
from resp import OK, PONG, Err
from server import Conn, wait_for

pytestmark = pytest.mark.memd_only

WRONG = Err("WRONGPASS invalid username-password pair or user is disabled.")


def stat(c, name):
    return int(c.info("stats")[name])


def fail(c, n):
    for _ in range(n):
        assert c("AUTH", "wrong") == WRONG


def from_address(s, host):
    """A connection from another address of this machine: all of 127/8 is here."""
    k = socket.socket()
    k.bind((host, 0))
    k.connect(("127.0.0.1", s.port))
    return Conn(k)


@pytest.fixture
def slow(start):
    """So slow that what waits is certain to wait while the test looks."""
    return start(requirepass="pw", auth_delay_max=60000)


def test_five_mistakes_cost_nothing(slow):
    known, c = slow.conn(), slow.conn(auth=False)
    fail(c, 5)
    assert c("AUTH", "pw") == OK
    assert stat(known, "auth_delayed") == 0
    fail(slow.conn(auth=False), 5)  # a success has forgiven them
    assert stat(known, "auth_delayed") == 0


def test_hanging_up_is_no_way_around(slow):
    """What was sent before a reset is run after it, when the kernel cannot tell any more where it came from."""
    known = slow.conn()
    with slow.one_turn():
        for _ in range(20):
            k = socket.create_connection(("127.0.0.1", slow.port))
            k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            k.sendall(resp.encode(["AUTH", "wrong"]))
            k.close()
    wait_for(lambda: known.info("clients")["connected_clients"] == "1")
    assert stat(known, "acl_access_denied_auth") == 20
    assert stat(known, "auth_delayed") == 14
    assert "Failed authentication of a client at 127.0.0.1:" in slow.log() and "?:0" not in slow.log()


def test_the_sixth_waits_right_or_wrong_and_nobody_else_does(slow):
    known, c = slow.conn(), slow.conn(auth=False)
    fail(c, 5)
    fail(slow.conn(auth=False), 1)  # another connection, the same address: the last that is answered at once
    assert stat(known, "auth_slowed_addresses") == 1
    wrong, right, hello = (slow.conn(auth=False) for _ in range(3))
    wrong.send("AUTH", "wrong")
    right.send("AUTH", "pw")
    hello.send("HELLO", "3", "AUTH", "nobody", "x")
    wait_for(lambda: stat(known, "auth_delayed") == 3)
    elsewhere = from_address(slow, "127.0.0.9")
    assert elsewhere("AUTH", "pw") == OK and elsewhere("PING") == PONG
    assert known("PING") == PONG
    assert wrong.read() == WRONG and hello.read() == WRONG and right.read() == OK
    wait_for(lambda: stat(known, "auth_waiting") == 0)


def test_what_is_sent_behind_a_password_that_waits_is_not_lost(slow):
    fail(slow.conn(auth=False), 6)
    c = slow.conn(auth=False)
    replies = c.pipeline([["AUTH", "pw"]] + [["APPEND", "k", "x" * 500]] * 500 + [["STRLEN", "k"]])
    assert replies[0] == OK and replies[-1] == 250000


def test_one_that_waits_can_go_and_can_be_closed(slow):
    known = slow.conn()
    fail(slow.conn(auth=False), 6)
    gone, killed = slow.conn(auth=False), slow.conn(auth=False)
    gone.send("AUTH", "wrong")
    killed.send("AUTH", "wrong")
    wait_for(lambda: stat(known, "auth_delayed") == 2)
    name = "%s:%d" % killed.sock.getsockname()
    assert known("CLIENT", "KILL", "ADDR", name) == 1
    assert killed.read_to_end() == b""
    gone.close()
    wait_for(lambda: stat(known, "auth_waiting") == 0)
    assert known("PING") == PONG


def test_client_unblock_ends_the_waiting(slow):
    known = slow.conn()
    fail(slow.conn(auth=False), 6)
    crowd = [slow.conn(auth=False) for _ in range(10)]
    for c in crowd:  # they wait one behind the other for a tenth of a second each, and have failed then: the next wait for a minute
        c.send("AUTH", "wrong")
    assert [c.read() for c in crowd] == [WRONG] * 10
    one, two = slow.conn(auth=False), slow.conn(auth=False)
    one.send("AUTH", "pw")
    two.send("AUTH", "wrong")
    wait_for(lambda: stat(known, "auth_waiting") == 2)

    def id_of(c):  # who has not authenticated cannot ask for his own
        addr = " addr=127.0.0.1:%d " % c.sock.getsockname()[1]
        return next(line.split()[0][3:] for line in known("CLIENT", "LIST").decode().split("\n") if addr in line)

    assert known("CLIENT", "UNBLOCK", id_of(two), "ERROR") == 1
    assert two.read() == Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert known("CLIENT", "UNBLOCK", id_of(one)) == 1
    assert one.read() == OK


def test_a_transaction_cannot_wait(slow):
    known = slow.conn()
    assert known.pipeline([["MULTI"]] + [["AUTH", "guess%d" % i] for i in range(8)] + [["EXEC"]])[-1] == \
        [WRONG] * 6 + [Err("ERR Too many failed authentications from this address: the next one has to wait, and "
                           "cannot do so within a transaction")] * 2


def test_the_delay_can_be_turned_off(start):
    s = start(requirepass="pw", auth_delay_max=0)
    c = s.conn(auth=False)
    fail(c, 30)
    assert c("AUTH", "pw") == OK and stat(c, "auth_delayed") == 0


def test_a_unix_socket_is_not_counted(start, tmp_path):
    path = str(tmp_path / "s")
    s = start(requirepass="pw", unixsocket=path, auth_delay_max=60000)
    k = socket.socket(socket.AF_UNIX)
    k.connect(path)
    c = Conn(k)
    fail(c, 20)
    assert c("AUTH", "pw") == OK and stat(c, "auth_delayed") == 0


def test_the_table_is_bounded(start):
    """More addresses than it has places for: each is served, and memory does not grow with them."""
    s = start(requirepass="pw", auth_delay_max=60000, acllog_max_len=1)
    known = s.conn()
    for part in range(2):
        for i in range(700):
            c = from_address(s, "127.%d.%d.%d" % (1 + part, 1 + i // 250, 1 + i % 250))
            assert c("AUTH", "wrong") == WRONG
            c.close()
        if part == 0:
            before = int(known.info("memory")["used_memory"])
    assert int(known.info("memory")["used_memory"]) - before < 256 * 1024
    assert stat(known, "auth_slowed_addresses") == 0


def test_the_log_is_not_flooded_and_names_no_user(start):
    s = start(requirepass="pw", auth_delay_max=0, acllog_max_len=10)
    c = s.conn(auth=False)
    for i in range(90):
        assert c("AUTH", "name-%d" % i, "secret-%d" % i) == WRONG
    lines = [line for line in s.log().split("\n") if "Failed authentication" in line]
    assert 1 <= len(lines) <= 30 and "name-" not in s.log() and "secret-" not in s.log()
    assert len(s.conn()("ACL", "LOG")) == 10
