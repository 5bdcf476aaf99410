"""Under a supervisor: what it is told, the sockets it passes (systemd's protocols)."""
import os
import signal
import socket
import time

import pytest

from resp import OK, PONG, Err, encode
from server import Conn, MEMD, PATIENCE, Server, StartError, wait_for
from supervisor import Supervisor, passing

pytestmark = pytest.mark.memd_only


@pytest.fixture
def told(tmp_path):
    s = Supervisor(tmp_path)
    yield s
    s.close()


def listening(path=None):
    s = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    s.bind(path or ("127.0.0.1", 0))
    s.listen(64)
    return s


# --- what it is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["systemd", "auto"])
@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_it_is_told_of_the_start_and_the_end(start, tmp_path, how, abstract):
    told = Supervisor(tmp_path, abstract)
    s = start(supervised=how, env=told.env)
    seen = told.until("READY")
    assert seen[0] == {"STATUS": "Starting"}
    assert seen[-1]["READY"] == "1" and seen[-1]["MAINPID"] == str(s.pid)
    assert s.conn().info("server")["process_supervised"] == "systemd"
    s.stop()
    seen = told.until("STOPPING", "1")
    assert {"STATUS": "Saving before the end"} in seen
    told.close()


def test_ready_is_said_when_the_data_is_there(start, told):
    s = start(save="3600 100000")
    s.conn().pipeline([("SET", "k%d" % i, "v") for i in range(400)])
    s.stop()
    s.settings.update(supervised="systemd", key_load_delay=100000)
    s.env.update(told.env)
    s.start(wait=False)
    loading = told.until("EXTEND_TIMEOUT_USEC")[-1]
    assert loading["STATUS"].startswith("Loading ") and int(loading["EXTEND_TIMEOUT_USEC"]) > 1000000
    with Conn(s.connect_socket()) as c:
        assert isinstance(c("DBSIZE"), Err), "it loads still"
        assert c("CONFIG", "SET", "key-load-delay", 0) == OK
        told.until("READY")
        assert c("DBSIZE") == 400


def test_a_reload_is_told_with_its_time(start, told):
    s = start(supervised="systemd", env=told.env)
    told.until("READY")
    before = time.clock_gettime(time.CLOCK_MONOTONIC)
    os.kill(s.pid, signal.SIGHUP)
    reload = told.until("RELOADING", "1")[-1]
    assert before <= int(reload["MONOTONIC_USEC"]) / 1e6 <= time.clock_gettime(time.CLOCK_MONOTONIC)
    told.until("READY", "1")


def test_the_watchdog_hears_a_reactor_that_turns_and_none_that_hangs(start, told):
    s = start(supervised="systemd", env=dict(told.env, WATCHDOG_USEC="400000"), enable_debug_command="yes")
    told.until("READY")
    c = s.conn()
    for _ in range(3):
        told.until("WATCHDOG", "1")
    assert c("DEBUG", "SLEEP", 0.5) == OK
    told.until("WATCHDOG", "1")
    # It must come from the reactor: a thread of its own would go on telling that all is well.
    c.send_raw(encode(["DEBUG", "LOG", "it hangs"]) + encode(["DEBUG", "SLEEP", 1000]))
    wait_for(lambda: "it hangs" in s.log())
    told.drop()
    time.sleep(1.4)
    assert len(told.drop()) <= 1, "seven are due; one turn may have come between the two requests"
    s.kill9()


def test_the_watchdog_of_another_process_is_not_served(start, told):
    s = start(supervised="systemd", env=dict(told.env, WATCHDOG_USEC="1000", WATCHDOG_PID="1"))
    told.until("READY")
    c = s.conn()
    c("DEBUG", "SLEEP", 0)
    turns = int(c.info("stats").get("eventloop_cycles", 0))
    wait_for(lambda: int(c.info("stats").get("eventloop_cycles", 0)) > turns + 5)
    os.kill(s.pid, signal.SIGHUP)
    assert "WATCHDOG" not in [k for m in told.until("RELOADING") for k in m]


def test_a_busy_script_is_no_hang(start, told):
    s = start(supervised="systemd", env=dict(told.env, WATCHDOG_USEC="200000"), busy_reply_threshold=10)
    told.until("READY")
    c, d = s.conn(), s.conn()
    c.send("EVAL", "while true do end", 0)
    wait_for(lambda: isinstance(d("GET", "x"), Err))
    for _ in range(3):
        told.until("WATCHDOG", "1")
    assert d("SCRIPT", "KILL") == OK
    assert isinstance(c.read(), Err)


def test_a_failed_shutdown_is_not_told_as_an_end(start, told):
    s = start(supervised="systemd", env=told.env)
    told.until("READY")
    c = s.conn()
    c("SET", "k", "v")
    os.mkdir(os.path.join(s.dir, "dump.rdb"))
    assert isinstance(c("SHUTDOWN", "SAVE"), Err)
    assert all("STOPPING" not in m for m in told.until("READY"))
    assert c("GET", "k") == b"v"
    os.rmdir(os.path.join(s.dir, "dump.rdb"))


@pytest.mark.parametrize("env, says", [({}, "there is no NOTIFY_SOCKET"), ({"NOTIFY_SOCKET": "no/path"}, "is no address"),
                                       ({"NOTIFY_SOCKET": "/" + "x" * 200}, "is no address")])
def test_nobody_to_tell_is_no_reason_not_to_start(start, env, says):
    s = start(supervised="systemd", env=env)
    assert s.conn()("PING") == PONG
    assert says in s.log()
    assert s.conn().info("server")["process_supervised"] == "no"


def test_without_supervision_nothing_is_told(start, told):
    s = start(env=told.env)
    s.stop()
    told.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        told.next()


# --- sockets it passes -----------------------------------------------------------------------------------------


@pytest.mark.in_the_clear("the sockets that are passed are in the clear")
def test_passed_sockets_are_listened_on_instead_of_those_of_the_settings(start, tmp_path):
    tcp, local = listening(), listening(str(tmp_path / "passed.sock"))
    with tcp.dup() as early:  # it waits in the queue while nobody serves
        port = early.getsockname()[1]
        waiting = Conn(socket.create_connection(("127.0.0.1", port)))
        waiting.send("PING")
        s = Server(wait=False, **passing(("memd.socket", tcp), ("local", local)))
    try:
        assert waiting.read() == PONG
        with Conn(socket.socket(socket.AF_UNIX)) as c:
            c.sock.connect(str(tmp_path / "passed.sock"))
            assert c("SET", "k", "v") == OK
        with pytest.raises(ConnectionError):
            s.connect_socket()  # the port of the settings
        assert "Listening on sockets that were passed" in s.log()
        s.stop()
    finally:
        s.destroy()
    assert os.path.exists(tmp_path / "passed.sock"), "it is not ours to remove"
    for x in (tcp, local, waiting):
        x.close()


def test_what_is_no_listening_socket_is_closed_and_named(start, tmp_path):
    tcp, pair = listening(), socket.socketpair()
    with open(tmp_path / "file", "w") as f:
        s = Server(wait=False, **passing(("a file", f), ("a pair", pair[0]), ("good", tcp)))
        pair[0].close()
        pair[1].settimeout(PATIENCE)
        try:
            with Conn(socket.create_connection(("127.0.0.1", tcp.getsockname()[1]))) as c:
                assert c("PING") == PONG
            assert pair[1].recv(1) == b"", "closed"
            assert '"a file" that was passed is not a socket' in s.log() and '"a pair" that was' in s.log()
            s.stop()
        finally:
            s.destroy()


@pytest.mark.parametrize("env", [{"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "x", "LISTEN_FDS": "1"},
                                 {"LISTEN_FDS": "3"}, {"MEMD_INHERIT": "1:memd-tcp=0"}, {"MEMD_INHERIT": ":::"},
                                 {"LISTEN_PID": "2", "LISTEN_FDS": "99999999999999999999"}])
def test_variables_that_mean_nobody_or_nothing_are_ignored(start, env):
    s = start(env=env)
    assert s.conn()("PING") == PONG
