"""Users and what they may do."""
import hashlib
import os

import pytest

from resp import Err, Map, OK, QUEUED, Set
from server import wait_for


def sha(password):
    return hashlib.sha256(password.encode()).hexdigest()


@pytest.fixture
def own(start):
    """A server of its own: users outlive a test."""
    return start()


def login(server, user, password, resp3=False):
    conn = server.conn(resp3=resp3)
    assert conn("AUTH", user, password) == OK
    return conn


def test_the_default_user(own):
    with own.conn() as c:
        assert c("ACL", "WHOAMI") == b"default"
        assert c("ACL", "LIST") == [b"user default on nopass sanitize-payload ~* &* +@all"]
        assert c("ACL", "USERS") == [b"default"]
        assert c("AUTH", "default", "anything") == OK
        assert c("AUTH", "x") == Err("ERR AUTH <password> called without any password configured for the default user. "
                                     "Are you sure your configuration is correct?")
        assert c("ACL", "DELUSER", "default") == Err("ERR The 'default' user cannot be removed")


def test_a_user_is_described_by_rules_that_make_it_again(own):
    rules = ["on", ">secret", "#" + sha("other"), "~cache:*", "%R~ro:*", "%W~wo:*", "&news.*", "+@read", "-get",
             "+config|get", "+select|0", "(~x +set)", "(%RW~y &z +@all -flushall)"]
    with own.conn() as c:
        assert c("ACL", "SETUSER", "ada", *rules) == OK
        line = c("ACL", "LIST")[0].decode()
        assert line == ("user ada on sanitize-payload #%s #%s ~cache:* %%R~ro:* %%W~wo:* resetchannels &news.* -@all +@read "
                        "-get +config|get +select|0 (~x resetchannels -@all +set) (~y resetchannels &z +@all -flushall)"
                        % (sha("secret"), sha("other")))
        words = line.split(" ", 2)[2]
        assert c("ACL", "SETUSER", "eve", "reset", *words.split(" ")) == OK
        assert c("ACL", "LIST")[2].decode() == line.replace("ada", "eve")
        with own.conn(resp3=True) as c3:
            user = c3("ACL", "GETUSER", "ada").dict()
        assert user[b"flags"] == Set([b"on", b"sanitize-payload"])
        assert user[b"passwords"] == [sha("secret").encode(), sha("other").encode()]
        assert user[b"commands"] == b"-@all +@read -get +config|get +select|0"
        assert user[b"keys"] == b"~cache:* %R~ro:* %W~wo:*" and user[b"channels"] == b"&news.*"
        assert user[b"selectors"][0] == Map([(b"commands", b"-@all +set"), (b"keys", b"~x"), (b"channels", b"")])
        assert c("ACL", "GETUSER", "nobody") is None


@pytest.mark.parametrize("before, rule, after", [
    ("+@all", "-get", "+@all -get"),
    ("+@all -get", "+get", "+@all +get"),
    ("-@all +config|get +config|set", "+config", "-@all +config"),
    ("-@all +@READ +@read", "+get", "-@all +@read +get"),
    ("+@all -@dangerous", "allcommands", "+@all"),
    ("+@all", "nocommands", "-@all"),
])
def test_command_rules_are_kept_short(own, before, rule, after):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", *before.split(), rule)
        user = c("ACL", "GETUSER", "u")
        assert user[user.index(b"commands") + 1].decode() == after


@pytest.mark.parametrize("rule, text", [
    ("+nope", "Unknown command or category name in ACL"),
    ("+@nope", "Unknown command or category name in ACL"),
    ("+config|nope", "Unknown command or category name in ACL"),
    ("+config|get|x", "Allowing first-arg of a subcommand is not supported"),
    ("+select|", "Syntax error"),
    ("wat", "Syntax error"),
    ("%~x", "Syntax error"),
    ("%RR~x", "Syntax error"),
    ("~a b", "Syntax error"),
    ("#abc", "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"),
    ("<never", "The password you are trying to remove from the user does not exist"),
    ("(+nope)", "Unknown command or category name in ACL"),
])
def test_wrong_rules_change_nothing(own, rule, text):
    with own.conn() as c:
        assert c("ACL", "SETUSER", "u", "on", rule) == Err("ERR Error in ACL SETUSER modifier '%s': %s" % (rule, text))
        assert c("ACL", "GETUSER", "u") is None
        c("ACL", "SETUSER", "v", "~a")
        before = c("ACL", "LIST")
        assert isinstance(c("ACL", "SETUSER", "v", "+@all", "on", rule), Err)
        assert c("ACL", "LIST") == before
        assert c("ACL", "SETUSER", "v", "(+get", "~x") == Err(
            "ERR Unmatched parenthesis in acl selector starting at '(+get'.")
        assert c("ACL", "SETUSER", "a b") == Err("ERR Usernames can't contain spaces or null characters")


def test_patterns_after_all(own):
    with own.conn() as c:
        assert "Try 'resetkeys'" in c("ACL", "SETUSER", "u", "allkeys", "~x")
        assert "Try 'resetchannels'" in c("ACL", "SETUSER", "u", "allchannels", "&x")
        assert c("ACL", "SETUSER", "u", "allkeys", "resetkeys", "~x", "clearselectors") == OK


def test_passwords(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", ">one", ">two", "+ping")
        for password in ("one", "two"):
            login(own, "u", password).close()
        wrong = Err("WRONGPASS invalid username-password pair or user is disabled.")
        with own.conn() as u:
            assert u("AUTH", "u", "three") == wrong
            assert u("AUTH", "nobody", "one") == wrong
            assert u("HELLO", "3", "AUTH", "u", "three") == wrong
            assert u("ACL", "WHOAMI") == b"default"
        c("ACL", "SETUSER", "u", "<one")
        with own.conn() as u:
            assert u("AUTH", "u", "one") == wrong
        c("ACL", "SETUSER", "u", "off")
        with own.conn() as u:
            assert u("AUTH", "u", "two") == wrong
        c("ACL", "SETUSER", "u", "on", "nopass")
        login(own, "u", "whatever").close()
        log = c("ACL", "LOG", "1")[0]
        assert log[log.index(b"reason") + 1] == b"auth" and log[log.index(b"username") + 1] == b"u"


def test_commands_keys_and_channels(own):
    with own.conn() as c:
        c("MSET", "a:1", "1", "b:1", "1")
        c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "-flushall", "~a:*", "%R~ro:*", "%W~wo:*", "&news")
    with login(own, "u", "") as u:
        assert u("ACL", "WHOAMI") == b"u"
        assert u("GET", "a:1") == b"1" and u("GET", "ro:x") is None and u("SET", "wo:x", "1") == OK
        no_key = Err("NOPERM No permissions to access a key")
        for cmd in (["GET", "b:1"], ["GET", "wo:x"], ["SET", "ro:x", "1"], ["MGET", "a:1", "b:1"], ["MSET", "a:1", "x", "b:1", "x"],
                    ["SET", "wo:x", "1", "GET"], ["GETDEL", "wo:x"], ["COPY", "a:1", "ro:x"], ["SUNIONSTORE", "ro:x", "a:2"],
                    ["LMPOP", "2", "a:3", "b:3", "LEFT"], ["SORT", "b:1"], ["XREAD", "STREAMS", "b:1", "0"]):
            assert u(*cmd) == no_key, cmd
        assert u("COPY", "ro:x", "wo:y") == 0 and u("LMPOP", "1", "a:3", "LEFT") is not None
        assert u("EXISTS", "wo:x") == 1  # that it is there is nobody's secret who may touch it
        assert u("FLUSHALL") == Err("NOPERM User u has no permissions to run the 'flushall' command")
        assert u("PUBLISH", "news", "x") == 0
        no_channel = Err("NOPERM No permissions to access a channel")
        assert u("PUBLISH", "other", "x") == no_channel
        assert u("SUBSCRIBE", "news", "other") == no_channel
        assert u("PSUBSCRIBE", "new?") == no_channel
        assert u("SUBSCRIBE", "news") == [b"subscribe", b"news", 1]


def test_sort_by_other_keys_needs_all_of_them(own):
    with own.conn() as c:
        c("RPUSH", "l", "1")
        c("ACL", "SETUSER", "some", "on", "nopass", "+@all", "~l")
        c("ACL", "SETUSER", "all", "on", "nopass", "+@all", "%R~*")
    with login(own, "some", "") as u:
        assert u("SORT", "l") == [b"1"] and u("SORT", "l", "BY", "nosort") == [b"1"]
        assert u("SORT", "l", "BY", "w_*") == Err("ERR BY option of SORT denied due to insufficient ACL permissions.")
        assert u("SORT", "l", "GET", "w_*") == Err("ERR GET option of SORT denied due to insufficient ACL permissions.")
    with login(own, "all", "") as u:
        assert u("SORT_RO", "l", "BY", "w_*", "GET", "w_*") == [None]


@pytest.mark.memd_only
@pytest.mark.parametrize("name", ["by", "get", "limit", "store"])
def test_a_destination_of_sort_that_is_named_like_an_option_hides_no_other(own, name):
    """Keys are found as the command finds them, or the user would be asked about one and write to another."""
    with own.conn() as c:
        c("RPUSH", "l", 2, 1)
        c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "resetkeys", "~l", "~" + name, "~x")
    with login(own, "u", "x") as u:
        assert u("SORT", "l", "STORE", name, "STORE", "other") == Err("NOPERM No permissions to access a key")
        assert u("SORT", "l", "STORE", name, "STORE", "other", "STORE", "x") == 2
        assert u("SORT", "l", "STORE", name) == 2 and u("SORT", "l", "STORE", name, "ALPHA") == 2
        assert u("SORT", "l", "STORE", "other", "STORE", name) == 2
        assert u("COMMAND", "GETKEYS", "SORT", "l", "STORE", name, "STORE", "other") == [b"l", b"other"]
    with own.conn() as c:
        assert c("EXISTS", "other") == 0


def test_selectors_are_tried_one_by_one(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+get", "~r:*", "(+set ~w:*)")
    with login(own, "u", "") as u:
        assert u("SET", "w:1", "x") == OK and u("GET", "r:1") is None
        assert u("SET", "r:1", "x") == Err("NOPERM No permissions to access a key")
        assert u("GET", "w:1") == Err("NOPERM No permissions to access a key")
        assert u("DEL", "w:1") == Err("NOPERM User u has no permissions to run the 'del' command")


def test_subcommands_and_first_arguments(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+client", "-client|kill", "+config|get", "+select|0")
    with login(own, "u", "") as u:
        assert u("CLIENT", "ID") > 0 and u("CONFIG", "GET", "port") and u("SELECT", "0") == OK
        assert u("CLIENT", "KILL", "ID", "1") == Err("NOPERM User u has no permissions to run the 'client|kill' command")
        assert u("CONFIG", "SET", "port", "1") == Err("NOPERM User u has no permissions to run the 'config|set' command")
        assert u("SELECT", "1") == Err("NOPERM User u has no permissions to run the 'select' command")


def test_transactions_are_checked_twice(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*")
        with login(own, "u", "") as u:
            u("MULTI")
            assert u("SET", "a", "1") == QUEUED and u("GET", "a") == QUEUED
            c("ACL", "SETUSER", "u", "-set")
            assert u("EXEC") == [
                Err("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
                    "This command is no longer allowed for the following reason: no permission to execute the command or "
                    "subcommand"), None]
            u("MULTI")
            assert u("SET", "a", "1") == Err("NOPERM User u has no permissions to run the 'set' command")
            assert u("EXEC") == Err("EXECABORT Transaction discarded because of previous errors.")
        log = c("ACL", "LOG")[0]
        assert log[log.index(b"context") + 1] == b"multi" and log[log.index(b"count") + 1] == 2


def test_a_waiting_client_is_checked_again(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*")
        with login(own, "u", "") as u:
            u.send("BLPOP", "l", "0")
            wait_for(lambda: b"blocked_clients:1" in c("INFO", "clients"))
            c("ACL", "SETUSER", "u", "resetkeys")
            c("RPUSH", "l", "x")
            assert u.read() == Err("NOPERM No permissions to access a key")
        assert c("LRANGE", "l", "0", "-1") == [b"x"]


def test_users_that_go_and_channels_that_are_taken_away(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*", "&*")
        u, listener, quiet = login(own, "u", ""), login(own, "u", ""), login(own, "u", "")
        listener("SUBSCRIBE", "news")
        quiet("SUBSCRIBE", "allowed")
        c("ACL", "SETUSER", "u", "resetchannels", "&allowed")
        wait_for(listener.is_closed)
        assert c("PUBLISH", "allowed", "x") == 1 and quiet.read() == [b"message", b"allowed", b"x"]
        assert u("PING") is not None
        assert c("ACL", "DELUSER", "u", "nobody") == 1
        wait_for(u.is_closed)
        wait_for(quiet.is_closed)
        assert c("ACL", "USERS") == [b"default"]


def test_the_log(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "u", "on", "nopass", "+get", "~a")
        with login(own, "u", "") as u:
            u("SET", "a", "1")
            u("GET", "b")
            u("GET", "b")
        first, second = c("ACL", "LOG")
        pairs = dict(zip(first[::2], first[1::2]))
        assert (pairs[b"count"], pairs[b"reason"], pairs[b"context"], pairs[b"object"], pairs[b"username"]) == \
            (2, b"key", b"toplevel", b"b", b"u")
        assert b"user=u" in pairs[b"client-info"] and pairs[b"entry-id"] == 1
        assert second[second.index(b"object") + 1] == b"set"
        assert len(c("ACL", "LOG", "1")) == 1
        assert b"acl_access_denied_cmd:1\r\nacl_access_denied_key:2\r\n" in c("INFO", "stats")
        assert c("ACL", "LOG", "RESET") == OK and c("ACL", "LOG") == []
        assert c("ACL", "LOG", "x") == Err("ERR value is not an integer or out of range")
        c("CONFIG", "SET", "acllog-max-len", "0")
        c("AUTH", "u2", "x")
        assert c("ACL", "LOG") == []


def test_dryrun_cat_genpass(c):
    c("ACL", "SETUSER", "dry", "+get", "~a", "&c", "+publish")
    try:
        assert c("ACL", "DRYRUN", "dry", "GET", "a") == OK
        assert c("ACL", "DRYRUN", "dry", "GET", "b") == b"User dry has no permissions to access the 'b' key"
        assert c("ACL", "DRYRUN", "dry", "SET", "a", "1") == b"User dry has no permissions to run the 'set' command"
        assert c("ACL", "DRYRUN", "dry", "PUBLISH", "d", "1") == b"User dry has no permissions to access the 'd' channel"
        assert c("ACL", "DRYRUN", "dry", "GET") == Err("ERR wrong number of arguments for 'get' command")
        assert c("ACL", "DRYRUN", "dry", "NOPE") == Err("ERR Command 'NOPE' not found")
        assert c("ACL", "DRYRUN", "nobody", "GET", "a") == Err("ERR User 'nobody' not found")
    finally:
        c("ACL", "DELUSER", "dry")
    assert b"keyspace" in c("ACL", "CAT") and b"get" in c("ACL", "CAT", "read") and b"config|set" in c("ACL", "CAT", "admin")
    assert c("ACL", "CAT", "nope") == Err("ERR Unknown category 'nope'")
    assert len(c("ACL", "GENPASS")) == 64 and len(c("ACL", "GENPASS", "5")) == 2 and c("ACL", "GENPASS") != c("ACL", "GENPASS")
    assert isinstance(c("ACL", "GENPASS", "5000"), Err) and isinstance(c("ACL", "GENPASS", "0"), Err)


def test_requirepass_is_the_default_users_password(start):
    server = start(requirepass="one")
    with server.conn(auth=False) as c:
        assert c("PING") == Err("NOAUTH Authentication required.")
        assert c("AUTH", "default", "two").startswith("WRONGPASS")
        assert c("AUTH", "one") == OK
        assert c("ACL", "LIST") == [("user default on sanitize-payload #%s ~* &* +@all" % sha("one")).encode()]
        c("CONFIG", "SET", "requirepass", "two")
        with server.conn(auth=False) as d:
            assert d("AUTH", "one").startswith("WRONGPASS") and d("AUTH", "two") == OK
            assert d("RESET") is not None and d("GET", "x") == Err("NOAUTH Authentication required.")
        c("CONFIG", "SET", "requirepass", "")
        with server.conn(auth=False) as d:
            assert d("PING") is not None


def test_a_default_user_without_rights_leaves_the_door_to_others(own):
    with own.conn() as c:
        c("ACL", "SETUSER", "admin", "on", ">pw", "~*", "&*", "+@all")
        c("ACL", "SETUSER", "default", "off")
    with own.conn() as c:
        assert c("GET", "x") == Err("NOAUTH Authentication required.")
        assert c("AUTH", "admin", "pw") == OK and c("GET", "x") is None
        assert b"user=admin" in c("CLIENT", "INFO")
        assert c("CLIENT", "KILL", "USER", "nobody") == Err("ERR No such user 'nobody'")
        assert c("CLIENT", "KILL", "USER", "default") == 0


def test_an_aclfile(start, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user ada on >pw ~* &* +@all\n\nuser default on nopass ~* &* +@all (+get ~x)\n")
    server = start(aclfile=str(path))
    with login(server, "ada", "pw") as c:
        c("ACL", "SETUSER", "eve", "on", "+ping")
        assert c("ACL", "SAVE") == OK
        saved = path.read_text()
        assert "user eve on sanitize-payload resetchannels -@all +ping\n" in saved and sha("pw") in saved
        assert os.listdir(tmp_path) == ["users.acl"]
        path.write_text("user ada on nopass ~* &* +@all -ping\n")
        assert c("ACL", "LOAD") == OK
        assert c("ACL", "USERS") == [b"ada", b"default"]
        assert c("PING") == Err("NOPERM User ada has no permissions to run the 'ping' command")
        path.write_text("user ada on +nope\nnonsense\nuser bob ~x\nuser bob ~y\n")
        error = c("ACL", "LOAD")
        assert error.startswith("ERR ") and error.endswith(
            "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
        for piece in (":1: ", ":2 should start with user keyword followed by the username. ",
                      "Duplicate user 'bob' found on line 4. "):
            assert piece in error
        assert c("ACL", "USERS") == [b"ada", b"default"]


def test_users_of_the_configuration_survive_a_rewrite(start):
    server = start(conf="user ada on >pw ~a* +@read (+set ~b)\nrequirepass x\n", password="x")
    with server.conn() as c:
        assert c("ACL", "USERS") == [b"ada", b"default"]
        assert c("ACL", "LOAD").startswith("ERR This Redis instance is not configured to use an ACL file.")
        c("ACL", "SETUSER", "eve", "on", "#" + sha("eve"), "~*", "+@all", "-@dangerous")
        assert c("CONFIG", "REWRITE") == OK
        before = c("ACL", "LIST")
    server.restart()
    with server.conn() as c:
        assert c("ACL", "LIST") == before
        assert c("ACL", "WHOAMI") == b"default"


def test_a_bad_user_line_stops_the_start(tmp_path, start):
    from server import StartError
    with pytest.raises(StartError) as e:
        start(conf="user ada on +nope\n")
    assert "Unknown command or category name in ACL" in str(e.value)


def test_no_secret_of_setuser_is_shown(own):
    with own.conn() as c, own.conn() as m:
        c("CONFIG", "SET", "slowlog-log-slower-than", "0")
        c("ACL", "SETUSER", "u", ">hidden")
        text = repr(c("SLOWLOG", "GET", "10"))
        assert "hidden" not in text and "(redacted)" in text
        m("MONITOR")
        c("AUTH", "u", "hidden-too")
        c("PING")
        line = m.read()
        while "PING" not in line:
            assert "hidden" not in line
            line = m.read()
