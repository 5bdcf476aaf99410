"""Users: rules, AUTH, what is refused, its log, the aclfile."""
import hashlib

import pytest

from resp import Err, OK
from server import wait_for

NOPERM_KEY = Err("NOPERM No permissions to access a key")
NOPERM_CHANNEL = Err("NOPERM No permissions to access a channel")


def user(c, *rules):
    assert c("ACL", "SETUSER", "u", "reset", "on", "nopass", *rules) == OK


def noperm(command):
    return Err("NOPERM User u has no permissions to run the '%s' command" % command)


@pytest.fixture(autouse=True)
def nobody_stays(server):
    yield
    with_all = server.conn()
    for name in with_all("ACL", "USERS"):
        if name != b"default":
            with_all("ACL", "DELUSER", name)


def as_pairs(reply):
    return dict(zip(reply[::2], reply[1::2]))


def test_the_default_user(c):
    assert c("ACL", "WHOAMI") == b"default"
    assert c("ACL", "USERS") == [b"default"]
    assert c("ACL", "LIST") == [b"user default on nopass sanitize-payload ~* &* +@all"]


@pytest.mark.parametrize("rules, line", [
    (["+get", "+@read", "-get"], "off sanitize-payload resetchannels -@all +@read -get"),
    (["+@all", "-config", "+config|get"], "off sanitize-payload resetchannels +@all -config +config|get"),
    (["+config|get", "+config"], "off sanitize-payload resetchannels -@all +config"),
    (["~a", "%R~b", "%W~c", "%RW~d", "%R~a"], "off sanitize-payload ~a %R~b %W~c ~d resetchannels -@all"),
    (["&a", "&b", "&a", "+select|0"], "off sanitize-payload resetchannels &a &b -@all +select|0"),
    (["(+get ~x)", "(%R~y", "+@all)"], "off sanitize-payload resetchannels -@all (~x resetchannels -@all +get) "
                                       "(%R~y resetchannels +@all)"),
    (["allkeys", "allchannels", "allcommands", "on", "nopass"], "on nopass sanitize-payload ~* &* +@all"),
    (["(+get)", "clearselectors", "skip-sanitize-payload"], "off skip-sanitize-payload resetchannels -@all"),
])
def test_rules_are_printed_as_they_are_read(c, rules, line):
    assert c("ACL", "SETUSER", "u", *rules) == OK
    assert c("ACL", "LIST")[1] == b"user u " + line.encode()


@pytest.mark.parametrize("rule, why", [
    ("+nothing", "Unknown command or category name in ACL"), ("+@nothing", "Unknown command or category name in ACL"),
    ("nonsense", "Syntax error"), ("%~a", "Syntax error"), ("%R", "Syntax error"), ("%", "Syntax error"),
    ("%RR~a", "Syntax error"), ("~a b", "Syntax error"), ("+select|", "Syntax error"), ("(((", None),
    ("(+nothing)", "Unknown command or category name in ACL"), ("((+get))", "Syntax error"),
    ("+config|get|x", "Allowing first-arg of a subcommand is not supported"),
    ("<absent", "The password you are trying to remove from the user does not exist"),
    ("#abc", "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"),
])
def test_rules_that_make_no_sense_change_nothing(c, rule, why):
    r = c("ACL", "SETUSER", "u", "on", rule)
    assert isinstance(r, Err)
    assert r == Err("ERR Error in ACL SETUSER modifier '%s': %s" % (rule, why) if why else
                 "ERR Unmatched parenthesis in acl selector starting at '%s'." % rule)
    assert c("ACL", "USERS") == [b"default"]


def test_passwords(c, server):
    hashed = hashlib.sha256(b"two").hexdigest()
    c("ACL", "SETUSER", "u", "on", ">one", "#" + hashed, "+@all", "~*")
    d = server.conn()
    assert d("AUTH", "u", "bad") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    assert d("AUTH", "u", "one") == OK
    assert d("AUTH", "u", "two") == OK
    assert d("ACL", "WHOAMI") == b"u"
    assert b" user=u " in d("CLIENT", "INFO")
    d("RESET")
    assert d("ACL", "WHOAMI") == b"default"
    assert c("ACL", "SETUSER", "u", "<one", "!" + hashed) == OK
    assert isinstance(d("AUTH", "u", "one"), Err)
    assert d("HELLO", "2", "AUTH", "u", "two") == Err("WRONGPASS invalid username-password pair or user is disabled.")
    c("ACL", "SETUSER", "u", "nopass", "off")
    assert isinstance(d("AUTH", "u", "x"), Err)


def test_commands_keys_and_channels(c, server):
    user(c, "+@read", "+set", "+publish", "+psubscribe", "-mget", "%R~r:*", "~a:*", "&chan*")
    d = server.conn()
    d("AUTH", "u", "x")
    assert d("GET", "a:1") is None
    assert d("GET", "r:1") is None
    assert d("SET", "a:1", "v") == OK
    assert d("SET", "r:1", "v") == NOPERM_KEY
    assert d("GET", "z") == NOPERM_KEY
    assert d("MGET", "a:1") == noperm("mget")
    assert d("CONFIG", "GET", "x") == noperm("config|get")
    assert d("SET", "a:1", "w", "GET") == b"v"
    assert d("PUBLISH", "channel", "m") == 0
    assert d("PUBLISH", "other", "m") == NOPERM_CHANNEL
    assert d("PSUBSCRIBE", "chan1*") == NOPERM_CHANNEL  # literal
    assert d("PSUBSCRIBE", "chan*")[0] == b"psubscribe"


def test_set_with_get_reads_too(c, server):
    user(c, "+set", "%W~*")
    d = server.conn()
    d("AUTH", "u", "x")
    assert d("SET", "k", "v") == OK
    assert d("SET", "k", "v", "GET") == NOPERM_KEY


def test_one_selector_must_allow_all_of_it(c):
    user(c, "+get", "~a", "(+set ~b)", "(+mget ~a ~b)")
    dry = lambda *args: c("ACL", "DRYRUN", "u", *args)
    assert dry("GET", "a") == OK
    assert dry("SET", "b", "1") == OK
    assert dry("MGET", "a", "b") == OK
    assert dry("GET", "b") == b"User u has no permissions to access the 'b' key"
    assert dry("SET", "a", "1") == b"User u has no permissions to access the 'a' key"
    assert dry("DEL", "a") == b"User u has no permissions to run the 'del' command"
    assert dry("NOTHING") == Err("ERR Command 'NOTHING' not found")
    assert dry("GET") == Err("ERR wrong number of arguments for 'get' command")
    assert c("ACL", "DRYRUN", "nobody", "GET", "a") == Err("ERR User 'nobody' not found")


def test_a_first_argument(c):
    user(c, "+select|0", "~*")
    assert c("ACL", "DRYRUN", "u", "SELECT", "0") == OK
    assert c("ACL", "DRYRUN", "u", "SELECT", "1") == b"User u has no permissions to run the 'select' command"


def test_sort_by_other_keys_wants_all_keys(c, server):
    user(c, "+sort", "~l")
    d = server.conn()
    d("AUTH", "u", "x")
    c("RPUSH", "l", "2", "1")
    assert d("SORT", "l") == [b"1", b"2"]
    assert d("SORT", "l", "BY", "w_*") == Err("ERR BY option of SORT denied due to insufficient ACL permissions")
    assert d("SORT", "l", "GET", "w_*") == Err("ERR GET option of SORT denied due to insufficient ACL permissions")
    c("ACL", "SETUSER", "u", "%R~*")
    assert d("SORT", "l", "BY", "w_*") == [b"1", b"2"]


def test_transactions_are_checked_when_queued_and_when_run(c, server):
    user(c, "+@all", "~a")
    d = server.conn()
    d("AUTH", "u", "x")
    d("MULTI")
    assert d("GET", "b") == NOPERM_KEY
    assert d("EXEC") == Err("EXECABORT Transaction discarded because of previous errors.")
    d("MULTI")
    d("GET", "a")
    c("ACL", "SETUSER", "u", "-get")
    assert d("EXEC") == [Err("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
                         "call. This command is no longer allowed for the following reason: no permission to execute "
                         "the command or subcommand")]


def test_waiting_clients_are_checked_when_served(c, server):
    user(c, "+@all", "~a")
    d = server.conn()
    d("AUTH", "u", "x")
    d.send("BLPOP", "a", "0")
    assert wait_for(lambda: b"blocked_clients:1" in c("INFO", "clients"))
    c("ACL", "SETUSER", "u", "resetkeys")
    c("RPUSH", "a", "x")
    assert d.read() == NOPERM_KEY
    assert c("LLEN", "a") == 1


def test_clients_of_users_who_are_gone(c, server):
    user(c, "+@all", "~*")
    d = server.conn()
    d("AUTH", "u", "x")
    assert c("ACL", "DELUSER", "u", "nobody") == 1
    with pytest.raises((EOFError, ConnectionError)):
        d("PING")
    assert c("ACL", "DELUSER", "default") == Err("ERR The 'default' user cannot be removed")


def test_one_who_removes_himself_hears_of_it(c, server):
    user(c, "+@all", "~*")
    d = server.conn()
    d("AUTH", "u", "x")
    assert d("ACL", "DELUSER", "u") == 1
    with pytest.raises((EOFError, ConnectionError)):
        d("PING")


def test_subscribers_who_lose_a_channel_are_closed(c, server):
    user(c, "+@all", "~*", "&a", "&b")
    d, e = server.conn(), server.conn()
    for x, name in ((d, "a"), (e, "b")):
        x("AUTH", "u", "x")
        x("SUBSCRIBE", name)
    c("ACL", "SETUSER", "u", "resetchannels", "&b")
    with pytest.raises((EOFError, ConnectionError)):
        d("PING")
    assert e("PING") == [b"pong", b""]


def test_the_log(c, server):
    c("ACL", "LOG", "RESET")
    c("CONFIG", "RESETSTAT")
    user(c, "+get", "~a")
    d = server.conn()
    d("AUTH", "u", "x")
    d("GET", "b")
    d("GET", "b")
    d("SET", "a", "1")
    c("AUTH", "nobody", "secret")
    entries = [as_pairs(e) for e in c("ACL", "LOG")]
    assert [(e[b"reason"], e[b"object"], e[b"username"], e[b"count"], e[b"context"]) for e in entries] == [
        (b"auth", b"AUTH", b"nobody", 1, b"toplevel"), (b"command", b"set", b"u", 1, b"toplevel"),
        (b"key", b"b", b"u", 2, b"toplevel")]
    assert b"cmd=set" in entries[1][b"client-info"]
    assert len(c("ACL", "LOG", "1")) == 1
    info = c("INFO", "stats")
    for line in (b"acl_access_denied_auth:1", b"acl_access_denied_cmd:1", b"acl_access_denied_key:2"):
        assert line in info
    assert c("ACL", "LOG", "RESET") == OK
    assert c("ACL", "LOG") == []


def test_categories_and_genpass(c):
    assert b"keyspace" in c("ACL", "CAT")
    assert b"acl|setuser" in c("ACL", "CAT", "admin")
    assert c("ACL", "CAT", "foo") == Err("ERR Unknown category 'foo'")
    assert len(c("ACL", "GENPASS")) == 64
    assert len(c("ACL", "GENPASS", "5")) == 2
    assert isinstance(c("ACL", "GENPASS", "0"), Err)
    assert isinstance(c("ACL", "GENPASS", "4097"), Err)


def test_getuser(c):
    assert c("ACL", "GETUSER", "u") is None
    user(c, "+get", "~a", "%R~b", "&c", "(+set ~d)")
    assert as_pairs(c("ACL", "GETUSER", "u")) == {
        b"flags": [b"on", b"nopass", b"sanitize-payload"], b"passwords": [], b"commands": b"-@all +get",
        b"keys": b"~a %R~b", b"channels": b"&c",
        b"selectors": [[b"commands", b"-@all +set", b"keys", b"~d", b"channels", b""]]}


def test_scripts_run_as_who_called_them(c, server):
    c("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function(k, a) "
                          "return redis.call('GET', a[1]) end)")
    user(c, "+fcall", "+get", "~a")
    d = server.conn()
    d("AUTH", "u", "x")
    assert d("FCALL", "f", "0", "a") is None
    assert "ACL failure in script: No permissions to access a key" in d("FCALL", "f", "0", "b")
    assert as_pairs(c("ACL", "LOG", "1")[0])[b"context"] == b"lua"
