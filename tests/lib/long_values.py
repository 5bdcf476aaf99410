"""What the tests of large values (test_long_*.py) share: a server for all of a file, started with its SETTINGS, and requests of others that come
while one is in the midst of its own. Import the fixtures by name."""
import select

import pytest

from server import Server, wait_for


@pytest.fixture(scope="module")
def server(request):
    s = Server(enable_debug_command="yes", **request.module.SETTINGS)
    yield s
    s.destroy()


@pytest.fixture
def c(server):
    c = server.conn()
    yield c
    c("CONFIG", "SET", "maxmemory", 0)


def is_begun(conn, other, id):
    """Parked, or answered already."""
    return select.select([conn.sock], [], [], 0)[0] or b" flags=b" in other("CLIENT", "LIST", "ID", id)


def begin(server, c, *command):
    """Who asked for command, and is parked or answered."""
    conn = server.conn()
    id = conn("CLIENT", "ID")
    conn.send(*command)
    wait_for(lambda: is_begun(conn, c, id))
    return conn


def amid(server, c, command, *other, conn=None):
    """Who asked for command, behind whose first slice another request came, and the reply to that: the daemon finds them in one
    turn, in this order."""
    conn = conn or server.conn()
    with server.one_turn():
        conn.send(*command)
        c.send(*other)
    return conn, c.read()
