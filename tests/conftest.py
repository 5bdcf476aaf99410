"""What all tests over a socket share: a server to talk to, connections, and the reference server."""
import os
import shutil
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import dialogue  # noqa: E402
import server as srv  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "since(major, minor): stock servers older than this lack it")
    config.addinivalue_line("markers", "in_the_clear(why): without TLS in make wire-tls, too")
    config.addinivalue_line("markers", "memd_only: about memd, not about the protocol")


def pytest_collection_modifyitems(items):
    for item in items:
        if srv.MEMD.is_memd:
            continue
        if item.get_closest_marker("memd_only"):
            item.add_marker(pytest.mark.skip(reason="memd only"))
        for mark in item.iter_markers("since"):
            if srv.MEMD.version < mark.args:
                item.add_marker(pytest.mark.skip(reason="this stock server is too old"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    mark = item.get_closest_marker("in_the_clear")
    srv.IN_THE_CLEAR = mark is not None
    assert mark is None or mark.args, "say why it is in the clear"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.has_failed = getattr(item, "has_failed", False) or report.failed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    """pytest keeps the directories of three runs, here a hundred megabytes each: those of failures are enough."""
    yield
    path = getattr(item, "funcargs", {}).get("tmp_path")
    if path and not item.has_failed:
        shutil.rmtree(path, ignore_errors=True)


def pytest_sessionfinish(session):
    """A server that nobody has destroyed goes, with its directory; when nothing else has failed, that fails."""
    left = list(srv.LIVING)
    for s in left:
        sys.stderr.write("\nA server in %s is left behind: %s\n" % (s.dir, s.settings))
        s.destroy()
    if left and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def shared_server():
    s = srv.Server(enable_debug_command="yes", loglevel="verbose")
    yield s
    try:
        s.stop()
    finally:
        s.destroy()


@pytest.fixture
def server(shared_server):
    """The server that most tests use: running, empty, with default settings. A test that changes a
    setting starts its own (`start`)."""
    if shared_server.proc.poll() is not None:
        shared_server.start()
    with srv.Conn(shared_server.connect_socket()) as c:
        c("FLUSHALL", "SYNC")
        for index in c("FT._LIST") if srv.MEMD.is_memd else []:
            c("FT.DROPINDEX", index)
    yield shared_server
    for c in shared_server.conns:
        c.close()
    shared_server.conns = []
    assert shared_server.proc.poll() is None, "the server died:\n" + shared_server.log()[-6000:]


@pytest.fixture
def c(server):
    """A connection to it."""
    return server.conn()


@pytest.fixture
def c2(server):
    return server.conn()


@pytest.fixture
def c3(server):
    """A connection that speaks RESP3."""
    return server.conn(resp3=True)


@pytest.fixture
def talk(c):
    """Hold a dialogue (see dialogue.py) over a connection."""
    return lambda script, conn=None: dialogue.talk(conn or c, script)


@pytest.fixture
def r(server):
    """A redis-py client."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def start():
    """start(appendonly="yes", ...): a server of the test's own."""
    running = []

    def start(**settings):
        s = srv.Server(**settings)
        running.append(s)
        return s

    yield start
    failed = None
    for s in running:
        try:
            s.stop()
        except AssertionError as e:
            failed = e
        finally:
            s.destroy()
    if failed:
        raise failed


@pytest.fixture
def stock_binary():
    """The program of the stock server, or skip."""
    if not os.access(srv.REDIS_PATH, os.X_OK):
        pytest.skip("no redis-server here")
    return srv.REDIS_PATH


@pytest.fixture
def reference(stock_binary):
    """A stock server that runs, or skip."""
    s = srv.Server(binary=stock_binary, enable_debug_command="yes")
    yield s
    s.destroy()
