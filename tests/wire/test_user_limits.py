"""Limits of one user: requests a second, connections. Others notice nothing, and rules in Redis's form stay as they are."""
import pytest

from resp import OK, PONG, QUEUED, Err
from server import wait_for

pytestmark = pytest.mark.memd_only


def stat(c, name):
    return int(c.info("stats")[name])


@pytest.fixture
def own(start):
    s = start(user_limits="a 10 2 * 0 3", auth_delay_max=0)
    c = s.conn()
    for name in ("a", "b"):
        assert c("ACL", "SETUSER", name, "on", ">pw", "~*", "&*", "+@all") == OK
    return s, c


def login(s, name):
    c = s.conn()
    return c, c("AUTH", name, "pw")


def limited(n):
    return Err("LIMIT This user may make %d requests a second. Try again in the next." % n)


def test_requests_beyond_the_limit_are_not_run(own):
    s, admin = own
    a, _ = login(s, "a")
    replies = a.pipeline([["INCR", "n"]] * 200)  # in one second, or a few on a slow machine
    done = [r for r in replies if isinstance(r, int)]
    assert 10 <= len(done) < 100 and set(replies) - set(done) == {limited(10)}
    assert admin("GET", "n") == b"%d" % len(done)
    assert stat(admin, "user_limit_refused_requests") == 200 - len(done)
    assert admin.info("errorstats")["errorstat_LIMIT"] == "count=%d" % (200 - len(done))
    # The next second is his again; whoever has no limit never waits.
    assert wait_for(lambda: a("PING") == PONG)
    b, _ = login(s, "b")
    assert b.pipeline([["PING"]] * 200) == [PONG] * 200


def test_all_connections_of_a_user_share_its_limit(own):
    s, _ = own
    one, two = login(s, "a")[0], login(s, "a")[0]
    replies = [c("PING") for _ in range(60) for c in (one, two)]
    assert replies.count(PONG) < 60 and replies.count(limited(10)) > 30


def test_a_transaction_that_is_cut_does_not_run(own):
    s, admin = own
    a, _ = login(s, "a")
    replies = a.pipeline([["MULTI"]] + [["INCR", "n"]] * 40 + [["EXEC"]])
    assert replies[0] == OK and replies[1] == QUEUED and limited(10) in replies
    assert admin("EXISTS", "n") == 0
    assert wait_for(lambda: a("PING") in (PONG, QUEUED))


def test_connections_beyond_the_limit_cannot_authenticate(own):
    s, admin = own
    full = Err("LIMIT This user has as many connections as it may have")
    conns = [login(s, "a") for _ in range(3)]
    assert [r for _, r in conns] == [OK, OK, full]
    third = conns[2][0]
    assert third("HELLO", "3", "AUTH", "a", "pw") == full
    assert third("ACL", "WHOAMI") == b"default"
    assert conns[0][0]("AUTH", "a", "pw") == OK, "who is in may say so again"
    conns[0][0].close()
    assert wait_for(lambda: third("AUTH", "a", "pw") == OK)
    assert conns[1][0]("RESET") and login(s, "a")[1] == OK
    assert [login(s, "b")[1] for _ in range(4)] == [OK, OK, OK, full]  # the limit of *
    assert stat(admin, "user_limit_refused_connections") >= 3


def test_limits_change_while_it_runs(own):
    s, admin = own
    b, _ = login(s, "b")
    assert admin("CONFIG", "SET", "user-limits", "b 5 0") == OK
    assert admin("CONFIG", "GET", "user-limits") == [b"user-limits", b"b 5 0"]
    assert limited(5) in b.pipeline([["PING"]] * 50)
    assert admin("ACL", "SETUSER", "b", "-set") == OK  # the user is made anew, its count goes on
    assert limited(5) in b.pipeline([["PING"]] * 50)
    assert admin("CONFIG", "SET", "user-limits", "") == OK
    assert b.pipeline([["PING"]] * 50) == [PONG] * 50
    for wrong in ("b", "b 1", "b x 1", "b 1 1 c", "b -1 0"):
        assert isinstance(admin("CONFIG", "SET", "user-limits", wrong), Err), wrong
    # Rules say nothing of it.
    assert "user-limits" not in repr(admin("ACL", "LIST")) and admin("ACL", "DELUSER", "b") == 1
    assert b.is_closed()


def test_a_limited_user_still_authenticates_and_scripts_count_once(own):
    s, admin = own
    a, _ = login(s, "a")
    a.pipeline([["PING"]] * 50)
    assert a("AUTH", "a", "pw") == OK
    assert wait_for(lambda: a("EVAL", "for i = 1, 100 do redis.call('INCR', 'e') end return 1", "1", "e") == 1)
    assert admin("GET", "e") == b"100"
