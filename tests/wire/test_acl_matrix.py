"""Two tenants in one store: what a user who may use keys and channels of the form a:* can do to, and learn of, b:*.

Every form of every command is run by tenant A, with keys of B in every place, on two servers that differ in nothing but
that B is there on one of them. If a reply differs, A has learned something; if B's data differs, A has done something.

The rules of TENANT are those that docs/security.md recommends."""
import pytest

import surface
from resp import OK, Err, Push
from server import wait_for

pytestmark = pytest.mark.memd_only

# SCAN, RANDOMKEY, DBSIZE, PUBSUB and figures of memory and of the archive tell of all keys and channels, as they do in
# Redis; who may manage scripts and functions manages everybody's.
TENANT = ["on", "nopass", "resetkeys", "~a:*", "resetchannels", "&a:*", "+@all", "-@admin", "-@dangerous", "-@scripting", "+eval",
          "+eval_ro", "+evalsha", "+evalsha_ro", "+fcall", "+fcall_ro", "-scan", "-randomkey", "-dbsize", "-pubsub",
          "-memory", "+memory|usage", "-archive.stats"]
NO_KEY = Err("NOPERM No permissions to access a key")

# What answers by chance, by the clock, or by who asks.
VARIES = {"acl|genpass", "client|id", "client|info", "client|list", "hello", "time", "lolwut", "spop", "srandmember", "hrandfield",
          "zrandmember", "xadd", "expire", "pexpire", "hexpire", "hpexpire", "memory|usage", "object|freq", "object|idletime", "command", "command|docs", "command|info",
          "archive.versions", "xinfo|consumers", "xinfo|stream", "hpexpiretime",
          "pexpiretime", "expiretime", "ttl", "pttl", "httl", "hpttl", "hexpiretime", "restore", "wait", "waitaof"}


def tenant_of(server):
    c = server.conn()
    assert c("AUTH", "a", "") == OK
    return c


def fill(c, prefix):
    """The keys of tests/lib/surface.py under a prefix."""
    keys = [k for k in surface.ALL_KEYS if k != b"nokey"]
    c("SELECT", "9")
    c.pipeline([["DEL", *keys]])
    surface.fill_here(c)
    c.pipeline([["SELECT", "9"]] + [["COPY", k, prefix + k, "DB", "0", "REPLACE"] for k in keys] + [["FLUSHDB"], ["SELECT", "0"]])


def digest(c, prefix):
    return c("DEBUG", "DIGEST-VALUE", *[prefix + k for k in surface.ALL_KEYS])


@pytest.fixture
def pair(start):
    """(admin, tenant A) of a server where B is, and of one where B is not."""
    out = []
    for with_b in (True, False):
        s = start(enable_debug_command="yes", auth_delay_max=0)
        admin = s.conn()
        assert admin("ACL", "SETUSER", "a", *TENANT) == OK
        if with_b:
            fill(admin, b"b:")
        out.append((admin, tenant_of(s)))
    return out


def variants(form):
    """Requests of this form, and whether a key of B is in one of them where keys are."""
    keys = form.places(("key",))
    mine = {i: b"a:" + form.words[i].value for i in keys}
    if form.name not in ("xread", "xreadgroup"):  # nothing is to expire meanwhile
        mine.update({i: b"100000" for i in form.places(("integer",)) if "seconds" in form.words[i].name})
    yield form.request(mine), False
    for i in keys:
        yield form.request({**mine, i: b"b:" + form.words[i].value}), True
    for i in form.places(("string", "pattern")):
        for value in (b"b:*", b"b:string", b"b:set"):
            yield form.request({**mine, i: value}), False


def test_no_form_of_any_command_reaches_the_other_tenant(pair):
    (admin, a), (other_admin, other_a) = pair
    c3 = admin
    by_command, refused, tried = {}, 0, 0
    c3("HELLO", "3")
    for form in surface.forms(c3):
        by_command.setdefault(form.name, []).append(form)
    c3("HELLO", "2")
    before = digest(admin, b"b:")
    for name, forms in by_command.items():
        for x in (admin, other_admin):
            fill(x, b"a:")
        requests = [v for form in forms for v in variants(form)]
        one, two = ([c.pipeline([r, ["SELECT", "0"], ["CLIENT", "TRACKING", "OFF"]])[0] for r, _ in requests] for c in (a, other_a))
        for (request, foreign), x, y in zip(requests, one, two):
            tried += 1
            assert name in VARIES or x == y, request
            if foreign:
                assert isinstance(x, Err) and x.startswith("NOPERM"), (request, x)
                refused += x == NO_KEY
        assert digest(admin, b"b:") == before, name
    assert tried > 1500 and refused > 200, (tried, refused)


# Keys that are named twice, or in places that only the command itself knows.
TRICKS = [
    ["SORT", "a:list", "STORE", "a:x", "STORE", "b:string"], ["SORT", "a:list", "STORE", "b:string", "STORE", "a:x"],
    ["SORT", "a:list", "BY", "b:*", "GET", "b:*"], ["SORT", "a:list", "ALPHA", "GET", "b:string", "GET", "#"],
    ["SORT_RO", "a:list", "ALPHA", "BY", "b:hash->f"], ["SORT", "a:list", "STORE", "STORE", "STORE", "b:x"],
    ["GEORADIUS", "a:geo", "15", "37", "200", "km", "STORE", "a:x", "STORE", "b:string"],
    ["GEORADIUS", "a:geo", "15", "37", "200", "km", "STORE", "a:x", "STOREDIST", "b:string"],
    ["GEORADIUS", "a:geo", "15", "37", "200", "km", "STORE", "b:string", "STORE", "a:x"],
    ["GEORADIUSBYMEMBER", "a:geo", "p", "500", "km", "STOREDIST", "a:x", "STORE", "b:string"],
    ["GEORADIUSBYMEMBER", "b:geo", "p", "500", "km"], ["GEORADIUS", "b:list", "15", "37", "200", "km", "STORE"],
    ["GEORADIUS", "b:none", "15", "37", "200", "km", "STORE"], ["BLMPOP", "x", "99", "b:list", "LEFT"],
    ["ZUNIONSTORE", "b:x", "9", "a:zset"], ["XREAD", "STREAMS", "b:stream"], ["SORT", "b:list", "STORE"], ["BITOP", "NOT", "b:x"], ["GEOSEARCHSTORE", "b:x", "a:geo", "FROMMEMBER", "p", "BYRADIUS", "9", "km"],
    ["XREAD", "COUNT", "1", "STREAMS", "a:stream", "b:stream", "0", "0"], ["XREAD", "STREAMS", "b:stream", "0"],
    ["XREAD", "STREAMS", "STREAMS", "b:stream", "0", "0"], ["XREAD", "BLOCK", "1", "STREAMS", "a:stream", "b:stream", "$", "$"],
    ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "a:stream", "b:stream", ">", ">"],
    ["XREADGROUP", "GROUP", "STREAMS", "b:stream", "STREAMS", "b:stream", ">"],
    ["EVAL", "return 1", "2", "a:string", "b:string"], ["EVAL", "return redis.call('GET', KEYS[1])", "1", "b:string"],
    ["EVAL", "return redis.call('GET', 'b:string')", "0"], ["EVAL", "return redis.pcall('GET', 'b:string').err", "0"],
    ["EVAL", "return redis.call('EXISTS', ARGV[1])", "1", "a:string", "b:string"],
    ["EVAL", "return redis.call('SET', 'b:string', 'x')", "1", "a:string"], ["EVAL_RO", "return redis.call('GET', 'b:string')", "0"],
    ["EVAL", "return redis.call('SORT', 'a:list', 'BY', 'b:*')", "0"], ["EVAL", "return redis.call('KEYS', '*')", "0"],
    ["EVAL", "return redis.call('DBSIZE')", "0"], ["EVAL", "return redis.acl_check_cmd('GET', 'b:string')", "0"],
    ["EVAL", "return redis.call('PUBLISH', 'b:c', 'x')", "0"],
    ["FCALL", "reads", "1", "b:string"], ["FCALL", "reads", "0", "b:string"], ["FCALL_RO", "reads", "0", "b:string"],
    ["COPY", "a:string", "b:string", "REPLACE"], ["COPY", "b:string", "a:x"], ["COPY", "a:string", "b:x", "DB", "1"],
    ["RENAME", "a:string", "b:string"], ["RENAMENX", "b:string", "a:x"], ["MOVE", "b:string", "1"],
    ["MSET", "a:x", "1", "b:string", "2"], ["MSETNX", "a:x", "1", "b:new", "2"], ["MGET", "a:string", "b:string"],
    ["BITOP", "AND", "b:string", "a:string"], ["BITOP", "AND", "a:x", "b:string"], ["BITOP", "NOT", "a:x", "b:string"],
    ["LMPOP", "2", "a:none", "b:list", "LEFT"], ["ZMPOP", "2", "a:none", "b:zset", "MIN"], ["BLMPOP", "0", "2", "a:none", "b:list", "LEFT"],
    ["BZMPOP", "0", "2", "a:none", "b:zset", "MIN"], ["SINTERCARD", "2", "a:set", "b:set"], ["ZINTERCARD", "2", "a:zset", "b:zset"],
    ["ZUNIONSTORE", "a:x", "2", "a:zset", "b:zset"], ["ZUNIONSTORE", "b:x", "1", "a:zset"], ["ZUNION", "2", "a:zset", "b:zset"],
    ["ZDIFF", "2", "a:zset", "b:zset"], ["ZRANGESTORE", "a:x", "b:zset", "0", "-1"], ["ZINTER", "1", "b:zset"],
    ["SMOVE", "a:set", "b:set", "a"], ["RPOPLPUSH", "b:list", "a:x"], ["LMOVE", "a:list", "b:list", "LEFT", "LEFT"],
    ["BLMOVE", "b:list", "a:x", "LEFT", "LEFT", "1"], ["BRPOPLPUSH", "a:list", "b:list", "1"], ["BLPOP", "a:none", "b:list", "1"],
    ["PFCOUNT", "a:hll", "b:hll"], ["PFMERGE", "b:hll", "a:hll"], ["PFDEBUG", "GETREG", "b:hll"], ["LCS", "a:string", "b:string"],
    ["OBJECT", "ENCODING", "b:string"], ["OBJECT", "REFCOUNT", "b:string"], ["MEMORY", "USAGE", "b:string"], ["DUMP", "b:string"],
    ["RESTORE", "b:new", "0", "x"], ["WATCH", "b:string"], ["EXISTS", "a:x", "b:string"], ["TOUCH", "b:string"], ["UNLINK", "b:string"],
    ["TYPE", "b:string"], ["SUBSTR", "b:string", "0", "1"], ["GETEX", "b:string", "EX", "5"], ["SCAN", "0"], ["KEYS", "b:*"],
    ["KEYS", "*"], ["RANDOMKEY"], ["DBSIZE"], ["FLUSHDB"], ["FLUSHALL"], ["SWAPDB", "0", "1"], ["MONITOR"], ["SLOWLOG", "GET"],
    ["CLIENT", "LIST"], ["CLIENT", "KILL", "ID", "1"], ["CLIENT", "PAUSE", "1"], ["CLIENT", "UNBLOCK", "1"], ["INFO"], ["CONFIG", "GET", "*"],
    ["DEBUG", "OBJECT", "b:string"], ["DEBUG", "DIGEST"], ["ACL", "LIST"], ["ACL", "LOG"], ["ACL", "DRYRUN", "b", "GET", "b:x"],
    ["PUBSUB", "CHANNELS"], ["PUBLISH", "b:c", "x"], ["SPUBLISH", "b:c", "x"], ["SUBSCRIBE", "b:c"], ["SSUBSCRIBE", "b:c"],
    ["PSUBSCRIBE", "*"], ["PSUBSCRIBE", "b:*"], ["PSUBSCRIBE", "a:**"], ["SUBSCRIBE", "__keyspace@0__:b:string"],
    ["PSUBSCRIBE", "__keyspace@*__:a:*"], ["SUBSCRIBE", "__keyevent@0__:set"], ["SCRIPT", "FLUSH"], ["SCRIPT", "KILL"],
    ["FUNCTION", "LIST"], ["FUNCTION", "FLUSH"], ["MIGRATE", "127.0.0.1", "1", "b:string", "0", "10"],
    ["MIGRATE", "127.0.0.1", "1", "", "0", "10", "KEYS", "a:string", "b:string"], ["REPLICAOF", "127.0.0.1", "1"], ["SYNC"],
    ["NAMESPACE", "STATS"], ["NAMESPACE", "SET", "b:*", "max-keys", "1"], ["NAMESPACE", "LIST"], ["AUDIT", "GET"],
    ["ARCHIVE.GET", "b:string"], ["ARCHIVE.MOVE", "b:string"], ["ARCHIVE.DROP", "b:string"], ["ARCHIVE.SQL", "SELECT 1"],
    ["ARCHIVE.HISTORY", "b:string"], ["ARCHIVE.STATS"], ["COMMAND", "GETKEYS", "GET", "b:string"], ["LATENCY", "LATEST"],
]


def test_tricks(pair):
    function = "#!lua name=lib\nredis.register_function{function_name='reads', callback=function(k, a) " \
               "return redis.call('GET', k[1] or a[1]) end, flags={'no-writes'}}"
    (admin, _), (other_admin, _) = pair
    for x in (admin, other_admin):
        fill(x, b"a:")
        assert x("FUNCTION", "LOAD", function) == b"lib"
    before = digest(admin, b"b:")
    for request in TRICKS:
        replies = []
        for (_, c) in pair:
            c("MULTI")
            queued = c(*request)
            replies.append((queued, c("EXEC")))
            replies[-1] += (c(*request),)
            c("UNWATCH")
        assert replies[0] == replies[1], request
        if any("b:" in w for w in request[1:]) and request[0] not in ("COMMAND", "EVAL", "EVAL_RO", "SORT", "SORT_RO", "SCAN"):
            assert isinstance(replies[0][2], Err), (request, replies[0])
        assert digest(admin, b"b:") == before, request
    for _, c in pair:
        assert c("SCAN", "0").startswith("NOPERM") and c("KEYS", "*").startswith("NOPERM")


def test_invalidation_messages_name_no_foreign_key(start):
    s = start()
    admin = s.conn()
    admin("ACL", "SETUSER", "a", *TENANT)
    a = s.conn(resp3=True)
    assert a("AUTH", "a", "") == OK
    assert a("CLIENT", "TRACKING", "ON", "BCAST") == OK
    b = s.conn(resp3=True)
    assert b("AUTH", "a", "") == OK
    assert b("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "b:") == OK
    admin.pipeline([["SET", "b:secret", "1"], ["SET", "a:mine", "1"], ["SET", "b:secret2", "1"]])
    assert a.read() == Push([b"invalidate", [b"a:mine"]])
    admin("SET", "b:secret", "2")
    admin("SET", "a:mine", "2")
    assert a.read() == Push([b"invalidate", [b"a:mine"]])
    assert b("ECHO", "x") == b"x", "it has heard nothing"
    # Who may read all hears of all; who is given more while it listens hears of more.
    admin("ACL", "SETUSER", "a", "%R~b:*")
    admin("SET", "b:secret", "3")
    assert b.read() == Push([b"invalidate", [b"b:secret"]])


def test_events_are_told_by_channels(start):
    s = start(notify_keyspace_events="KEA")
    admin = s.conn()
    admin("ACL", "SETUSER", "a", *TENANT, "&__keyspace@0__:a:*")
    a = tenant_of(s)
    assert isinstance(a("PSUBSCRIBE", "__keyspace@0__:*"), Err)
    assert isinstance(a("SUBSCRIBE", "__keyspace@0__:b:x"), Err)
    assert a("PSUBSCRIBE", "__keyspace@0__:a:*") == [b"psubscribe", b"__keyspace@0__:a:*", 1]
    admin("SET", "b:x", "1")
    admin("SET", "a:x", "1")
    assert a.read() == [b"pmessage", b"__keyspace@0__:a:*", b"__keyspace@0__:a:x", b"set"]


def test_the_archive_keeps_tenants_apart(start):
    s = start(appendonly="yes")
    admin = s.conn()
    admin("ACL", "SETUSER", "a", *TENANT)
    admin("NAMESPACE", "SET", "*", "archive", "delete")
    for t in ("a", "b"):
        admin("SET", t + ":gone", "apple of %s" % t)
        admin("SET", t + ":here", "apple of %s" % t)
        admin("DEL", t + ":gone")
    a = tenant_of(s)
    wait_for(lambda: admin("ARCHIVE.GET", "b:gone") not in (None, []))
    assert a("ARCHIVE.GET", "b:gone") == NO_KEY
    hits = repr(a("ARCHIVE.SEARCH", "apple"))
    assert "b:" not in hits and "of b" not in hits and "a:" in hits
    assert "b:" in repr(admin("ARCHIVE.SEARCH", "apple"))
