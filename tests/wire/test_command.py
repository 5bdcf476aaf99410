"""COMMAND: the table that all else is derived from, as clients read it."""
import pytest

from resp import Err, Map, Simple
from server import MEMD

IMPLEMENTED = """
append auth bgrewriteaof bgsave blmove blmpop blpop brpop brpoplpush client command config copy dbsize debug decr
decrby del discard echo exec exists expire expireat expiretime flushall flushdb get getdel getex getrange getset hdel
hello hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals incr
incrby incrbyfloat info keys lastsave latency lcs lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx lrange
lrem lset ltrim memory mget monitor move mset msetnx multi object persist pexpire pexpireat pexpiretime ping psetex
psubscribe pttl publish pubsub punsubscribe quit randomkey rename renamenx reset role rpop rpoplpush rpush rpushx sadd
save scan scard sdiff sdiffstore select set setex setnx setrange shutdown sinter sintercard sinterstore sismember
slowlog smembers smismember smove spop spublish srandmember srem sscan ssubscribe strlen subscribe substr sunion
sunionstore sunsubscribe swapdb time touch ttl type unlink unsubscribe unwatch watch
""".split()
OWN = "hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat hpexpiretime hpttl hsetex httl".split()


def test_every_command_of_the_issue_is_there(c):
    names = {n.decode() for n in c("COMMAND", "LIST")}
    assert set(IMPLEMENTED) <= names
    assert c("COMMAND", "COUNT") == len([n for n in names if b"|" not in n.encode()])
    if MEMD.is_memd:
        assert set(OWN) <= names


def test_command_info_of_get_and_set(c):
    get, nope, set_ = c("COMMAND", "INFO", "get", "nosuch", "SET")
    assert nope is None or repr(nope) == "NIL_ARRAY"
    assert get[:2] == [b"get", 2] and sorted(get[2]) == [Simple("fast"), Simple("readonly")]
    assert get[3:6] == [1, 1, 1]
    assert {Simple("@read"), Simple("@string"), Simple("@fast")} <= set(get[6])
    assert set_[:2] == [b"set", -3] and {Simple("write"), Simple("denyoom")} <= set(set_[2])
    assert set_[3:6] == [1, 1, 1]


def test_key_specs(c, c3):
    spec = c3("COMMAND", "INFO", "getset")[0][8][0].dict()
    assert {Simple("RW"), Simple("access"), Simple("update")} <= set(spec[b"flags"])
    assert spec[b"begin_search"].dict()[b"spec"].dict() == {b"index": 1}
    find = spec[b"find_keys"].dict()
    assert find[b"type"] == b"range"
    assert find[b"spec"].dict() == {b"lastkey": 0, b"keystep": 1, b"limit": 0}
    lmpop = c3("COMMAND", "INFO", "lmpop")[0][8][0].dict()
    assert lmpop[b"find_keys"].dict()[b"type"] == b"keynum"
    assert lmpop[b"find_keys"].dict()[b"spec"].dict() == {b"keynumidx": 0, b"firstkey": 1, b"keystep": 1}


def test_subcommands_are_listed(c):
    info = c("COMMAND", "INFO", "config")[0]
    subs = {s[0] for s in info[9]}
    assert {b"config|get", b"config|set", b"config|rewrite", b"config|resetstat"} <= subs
    assert c("COMMAND", "INFO", "config|get")[0][0] == b"config|get"


def test_getkeys(talk):
    talk("""
        COMMAND GETKEYS SET k v                     => ["k"]
        COMMAND GETKEYS MGET a b c                  => ["a" "b" "c"]
        COMMAND GETKEYS MSET a 1 b 2                => ["a" "b"]
        COMMAND GETKEYS LMPOP 2 a b LEFT            => ["a" "b"]
        COMMAND GETKEYS BLMPOP 0 2 a b LEFT         => ["a" "b"]
        COMMAND GETKEYS BLPOP a b 0                 => ["a" "b"]
        COMMAND GETKEYS SINTERCARD 2 a b LIMIT 1    => ["a" "b"]
        COMMAND GETKEYS OBJECT ENCODING k           => ["k"]
        COMMAND GETKEYS RENAME a b                  => ["a" "b"]
        COMMAND GETKEYS PING x                      => -ERR The command has no key arguments
        COMMAND GETKEYS NOSUCH a                    => -ERR Invalid command specified
        COMMAND GETKEYS GET a b                     => -ERR Invalid number of arguments specified for command
        COMMAND GETKEYS LMPOP foo a LEFT            => -ERR Invalid arguments specified for command
        COMMAND FOO                                 => -ERR unknown subcommand 'FOO'. Try COMMAND HELP.
    """)


def test_getkeysandflags(c):
    got = c("COMMAND", "GETKEYSANDFLAGS", "LMOVE", "a", "b", "LEFT", "LEFT")
    assert [k for k, _ in got] == [b"a", b"b"]
    assert {Simple("RW"), Simple("access"), Simple("delete")} == set(got[0][1])
    assert {Simple("RW"), Simple("insert")} == set(got[1][1])


def test_list_filters(c):
    assert {n for n in c("COMMAND", "LIST", "FILTERBY", "PATTERN", "hs*")} >= {b"hset", b"hscan", b"hstrlen"}
    fast = c("COMMAND", "LIST", "FILTERBY", "ACLCAT", "hash")
    assert b"hget" in fast and b"get" not in fast
    assert c("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch") == []
    assert c("COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch") == []
    assert c("COMMAND", "LIST", "FILTERBY", "FOO", "x") == Err("ERR syntax error")


def test_docs(c, c3):
    docs = c3("COMMAND", "DOCS", "set", "config|get")
    assert isinstance(docs, Map)
    d = docs.dict()[b"set"].dict()
    assert d[b"group"] == b"string" and d[b"since"] == b"1.0.0" and d[b"summary"] and d[b"complexity"] == b"O(1)"
    args = [a.dict() for a in d[b"arguments"]]
    assert args[0][b"name"] == b"key" and args[0][b"type"] == b"key" and args[0][b"key_spec_index"] == 0
    assert args[1][b"name"] == b"value" and args[1][b"type"] == b"string"
    cond = [a for a in args if a[b"name"] == b"condition"][0]
    assert cond[b"type"] == b"oneof" and Simple("optional") in cond[b"flags"]
    assert {b"NX", b"XX"} <= {a.dict()[b"token"] for a in cond[b"arguments"]}
    assert b"config|get" in docs.dict()
    assert c("COMMAND", "DOCS", "nosuch") == []
    flat = c("COMMAND", "DOCS", "get")
    assert flat[0] == b"get" and flat[1][0] == b"summary"


@pytest.mark.memd_only
def test_every_command_has_words(c3):
    for name, doc in c3("COMMAND", "DOCS"):
        d = doc.dict()
        for key in (b"summary", b"since", b"group", b"complexity"):
            assert d.get(key), (name, key)
        for sub, sdoc in d.get(b"subcommands", []):
            assert sdoc.dict().get(b"summary"), sub


def test_every_command_checks_its_arity(c):
    """Too few arguments are refused with the command's own name, for every row of the table."""
    for row in c("COMMAND"):
        name, arity = row[0].decode(), row[1]
        if name in ("quit", "shutdown", "monitor", "reset", "sync", "psync", "debug") or abs(arity) < 2 or row[9]:
            continue
        got = c(name, *["x"] * (abs(arity) - 2))
        assert got == Err("ERR wrong number of arguments for '%s' command" % name), name
        if arity > 0 and name != "client":
            got = c(name, *["x"] * arity)
            assert got == Err("ERR wrong number of arguments for '%s' command" % name), name


@pytest.mark.skipif(not MEMD.is_memd, reason="compares memd with stock")
def test_rows_agree_with_the_stock_server(c3, reference):
    """Arity, flags, positions, categories and key specifications as stock Redis tells them, where it
    has the command."""
    ref = reference.conn(resp3=True)
    mine = {row[0]: row for row in c3("COMMAND")}
    bad = []
    for row in ref("COMMAND"):
        own = mine.get(row[0])
        if own is None or row[0] in DIFFERENT:
            continue
        for what, at in (("arity", 1), ("first", 3), ("last", 4), ("step", 5)):
            if row[at] != own[at]:
                bad.append("%s %s: %r, stock %r" % (row[0].decode(), what, own[at], row[at]))
        for what, at in (("flags", 2), ("categories", 6)):
            if set(row[at]) - GONE_IN_7_2 != set(own[at]) - GONE_IN_7_2:
                bad.append("%s %s: %s, stock %s" % (row[0].decode(), what, sorted(own[at]), sorted(row[at])))
        if len(row[8]) != len(own[8]):
            bad.append("%s: %d key specs, stock %d" % (row[0].decode(), len(own[8]), len(row[8])))
        else:
            for a, b in zip(own[8], row[8]):
                a, b = dict(a.dict()), dict(b.dict())
                for d in (a, b):
                    d.pop(b"notes", None)
                    d[b"flags"] = set(d[b"flags"])
                if repr(sorted(a.items(), key=repr)) != repr(sorted(b.items(), key=repr)):
                    if {k: (v if k == b"flags" else repr(v)) for k, v in a.items()} != \
                            {k: (v if k == b"flags" else repr(v)) for k, v in b.items()}:
                        bad.append("%s key spec: %r, stock %r" % (row[0].decode(), a, b))
    assert not bad, "\n".join(bad)


# Commands whose subcommands or flags are of another version here.
DIFFERENT = {b"command", b"client", b"debug", b"quit",
             b"zrank", b"zrevrank"}  # which take one argument more since 7.2
# Until 7.0 commands that wait could not run in scripts.
GONE_IN_7_2 = {Simple("noscript")}
