"""COMMAND: the table that all else is derived from, as clients read it."""
import pytest

from resp import Err, Map, Simple
from server import MEMD

# Every command and subcommand of the 7.2 surface.
SURFACE = """
acl acl|cat acl|deluser acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|load acl|log acl|save
acl|setuser acl|users acl|whoami append asking auth bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop
bitpos blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin client client|caching client|getname
client|getredir client|help client|id client|info client|kill client|list client|no-evict client|no-touch
client|pause client|reply client|setinfo client|setname client|tracking client|trackinginfo client|unblock
client|unpause cluster cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports
cluster|countkeysinslot cluster|delslots cluster|delslotsrange cluster|failover cluster|flushslots
cluster|forget cluster|getkeysinslot cluster|help cluster|info cluster|keyslot cluster|links cluster|meet
cluster|myid cluster|myshardid cluster|nodes cluster|replicas cluster|replicate cluster|reset cluster|saveconfig
cluster|set-config-epoch cluster|setslot cluster|shards cluster|slaves cluster|slots command command|count
command|docs command|getkeys command|getkeysandflags command|help command|info command|list config config|get
config|help config|resetstat config|rewrite config|set copy dbsize debug decr decrby del discard dump echo eval
eval_ro evalsha evalsha_ro exec exists expire expireat expiretime failover fcall fcall_ro flushall flushdb
function function|delete function|dump function|flush function|help function|kill function|list function|load
function|restore function|stats geoadd geodist geohash geopos georadius georadius_ro georadiusbymember
georadiusbymember_ro geosearch geosearchstore get getbit getdel getex getrange getset hdel hello hexists hget
hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hrandfield hscan hset hsetnx hstrlen hvals incr incrby
incrbyfloat info keys lastsave latency latency|doctor latency|graph latency|help latency|histogram
latency|history latency|latest latency|reset lcs lindex linsert llen lmove lmpop lolwut lpop lpos lpush lpushx
lrange lrem lset ltrim memory memory|doctor memory|help memory|malloc-stats memory|purge memory|stats
memory|usage mget migrate module module|help module|list module|load module|loadex module|unload monitor move
mset msetnx multi object object|encoding object|freq object|help object|idletime object|refcount persist pexpire
pexpireat pexpiretime pfadd pfcount pfdebug pfmerge pfselftest ping psetex psubscribe psync pttl publish pubsub
pubsub|channels pubsub|help pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub punsubscribe
quit randomkey readonly readwrite rename renamenx replconf replicaof reset restore restore-asking role rpop
rpoplpush rpush rpushx sadd save scan scard script script|debug script|exists script|flush script|help
script|kill script|load sdiff sdiffstore select set setbit setex setnx setrange shutdown sinter sintercard
sinterstore sismember slaveof slowlog slowlog|get slowlog|help slowlog|len slowlog|reset smembers smismember
smove sort sort_ro spop spublish srandmember srem sscan ssubscribe strlen subscribe substr sunion sunionstore
sunsubscribe swapdb sync time touch ttl type unlink unsubscribe unwatch wait waitaof watch xack xadd xautoclaim
xclaim xdel xgroup xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|help
xgroup|setid xinfo xinfo|consumers xinfo|groups xinfo|help xinfo|stream xlen xpending xrange xread xreadgroup
xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop
zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex
zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion
zunionstore
""".split()

OWN = "hexpire hexpireat hexpiretime hgetdel hgetex hpersist hpexpire hpexpireat hpexpiretime hpttl hsetex httl".split()


@pytest.mark.since(7, 2)
def test_every_command_of_the_surface_is_there(c):
    names = {n.decode() for n in c("COMMAND", "LIST")}
    assert set(SURFACE) <= names
    if MEMD.is_memd:
        assert set(OWN) <= names


def test_count_is_that_of_the_commands_without_their_subcommands(c):
    assert c("COMMAND", "COUNT") == len(c("COMMAND")) == len([n for n in c("COMMAND", "LIST") if b"|" not in n])


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
        COMMAND GETKEYS FCALL f 0                   => []
        COMMAND GETKEYS FCALL f 2 a                 => []
        COMMAND GETKEYS ZUNION 0 a                  => -ERR Invalid arguments specified for command
        COMMAND GETKEYS CLUSTER KEYSLOT a           => -ERR The command has no key arguments
        COMMAND GETKEYS SPUBLISH ch m               => -ERR The command has no key arguments
        COMMAND GETKEYS RESTORE-ASKING k 0 x        => ["k"]
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
    for module, prefix, some in (("ReJSON", b"json.", b"json.set"), ("search", b"ft.", b"ft.sugadd"), ("vectorset", b"v", b"vsim")):
        names = c("COMMAND", "LIST", "FILTERBY", "MODULE", module)
        assert some in names and all(n.startswith(prefix) for n in names), module
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
        if name in ("quit", "shutdown", "restart", "monitor", "reset", "sync", "psync", "debug") or abs(arity) < 2 or row[9]:
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


def test_a_server_in_no_cluster_says_so(talk):
    talk("""
        CLUSTER INFO       => -ERR This instance has cluster support disabled
        CLUSTER HELP       => -ERR This instance has cluster support disabled
        CLUSTER NODES      => -ERR This instance has cluster support disabled
        CLUSTER KEYSLOT    => -ERR wrong number of arguments for 'cluster|keyslot' command
        CLUSTER NOSUCH     => -ERR unknown subcommand 'NOSUCH'. Try CLUSTER HELP.
        ASKING             => -ERR This instance has cluster support disabled
        READONLY           => -ERR This instance has cluster support disabled
        READWRITE          => -ERR This instance has cluster support disabled
    """)


def test_a_master_without_replicas_says_so(talk):
    talk("""
        REPLICAOF NO ONE         => +OK
        SLAVEOF no one           => +OK
        REPLICAOF host x         => -ERR Invalid master port
        REPLICAOF host 65536     => -ERR Invalid master port
        FAILOVER                 => -ERR FAILOVER requires connected replicas.
        FAILOVER TO host 1 FORCE => -ERR FAILOVER requires connected replicas.
        FAILOVER TO host         => -ERR syntax error
        FAILOVER TO host x       => -ERR value is not an integer or out of range
        FAILOVER TIMEOUT 0       => -ERR FAILOVER timeout must be greater than 0
        FAILOVER ABORT           => -ERR No failover in progress.
        ROLE                     => *
    """)


@pytest.mark.since(7, 2)
def test_modules_cannot_be_loaded(talk, start):
    talk("""
        MODULE LIST        => [["name" "ReJSON" "ver" :20803 "path" "" "args" []] ["name" "search" "ver" :21005 "path" "" "args" []] ["name" "vectorset" "ver" :1 "path" "" "args" []]]
        MODULE LOADEX      => -ERR wrong number of arguments for 'module|loadex' command
        MODULE NOSUCH      => -ERR unknown subcommand 'NOSUCH'. Try MODULE HELP.
    """)
    no = Err("ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it "
             "from a local connection, otherwise you need to set this option in the configuration file, and then "
             "restart the server.")
    guarded = start().conn()
    for request in ("LOAD", "LOADEX", "UNLOAD"):
        assert guarded("MODULE", request, "x") == no
    c = start(enable_module_command="local").conn()
    assert c("MODULE", "LOAD", "/nosuch.so") == Err("ERR Error loading the extension. Please check the server logs.")
    assert c("MODULE", "LOADEX", "/nosuch.so") == Err("ERR Error loading the extension. Please check the server logs.")
    assert c("MODULE", "UNLOAD", "x") == Err("ERR Error unloading module: no such module with that name")


@pytest.mark.since(7, 2)
def test_waitaof_with_the_log_off(talk):
    talk("""
        WAITAOF 0 0 0      => [:0 :0]
        WAITAOF 1 0 0      => -ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.
        WAITAOF 2 0 0      => -ERR value is out of range, value must between 0 and 1
        WAITAOF x 0 0      => -ERR value is not an integer or out of range
        WAITAOF 0 -1 0     => -ERR value is out of range, must be positive
        WAITAOF 0 0 x      => -ERR timeout is not an integer or out of range
        WAITAOF 0 0 -1     => -ERR timeout is negative
        WAITAOF 0 1 1      => [:0 :0]
        MULTI
        WAITAOF 0 1 0
        EXEC               => [[:0 :0]]
    """)


@pytest.mark.since(7, 2)
def test_waitaof_returns_when_the_write_is_synced(start):
    server = start(appendonly="yes", appendfsync="everysec")
    c, d = server.conn(), server.conn()
    assert c("WAITAOF", 1, 0, 0) == [1, 0]
    for i in range(3):
        c("SET", "k", i)
        assert c("WAITAOF", 1, 0, 0) == [1, 0]
    c("SET", "k", "v")
    assert c("WAITAOF", 1, 1, 1)[1] == 0
    d("SET", "k", 1)
    me = d("CLIENT", "ID")
    d.send("WAITAOF", 0, 1, 0)
    while c("CLIENT", "UNBLOCK", me) == 0:
        pass
    assert d.read()[1] == 0
    d.send("WAITAOF", 0, 1, 0)
    while c("CLIENT", "UNBLOCK", me, "ERROR") == 0:
        pass
    assert d.read() == Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
