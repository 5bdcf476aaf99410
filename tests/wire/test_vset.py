"""Vector sets: V* over a socket, beside a plain model in Python."""
import json
import math
import random
import struct

import pytest

from resp import Bool, Double, Err, NIL_ARRAY, OK, Map, Simple
from server import wait_for

WRONG = Err("WRONGTYPE Operation against a key holding the wrong kind of value")


def fp32(v):
    return struct.pack("<%df" % len(v), *v)


def unit(v):
    size = math.sqrt(sum(x * x for x in v))
    return [x / size for x in v] if size else v


def kept(v, quant):
    """A vector as the set keeps it, but for its length."""
    if quant == "BIN":
        return [1 if x > 0 else -1 for x in v]
    if quant == "Q8":
        most = max(abs(x) for x in v)
        return [round(x / most * 127) for x in v]
    return v


def score(a, b, quant):
    a, b = kept(a, quant), kept(b, quant)
    dot = sum(x * y for x, y in zip(a, b))
    return (1 + dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))) / 2


@pytest.fixture
def few(c):
    for name, v in (("a", [1, 0]), ("b", [0, 1]), ("c", [0.9, 0.1]), ("d", [-1, 0])):
        assert c("VADD", "p", "VALUES", 2, *v, name, "SETATTR", json.dumps({"name": name, "n": len(v) + ord(name)})) == 1
    return c


def test_elements_come_and_go(few):
    c = few
    assert c("VCARD", "p") == 4 and c("VDIM", "p") == 2 and c("TYPE", "p") == Simple("vectorset")
    assert c("VADD", "p", "FP32", fp32([0, 1]), "b") == 0 and c("VCARD", "p") == 4
    assert c("VISMEMBER", "p", "a") == 1 and c("VISMEMBER", "p", "x") == 0
    assert c("VREM", "p", "a") == 1 and c("VREM", "p", "a") == 0 and c("VISMEMBER", "p", "a") == 0
    assert [c("VREM", "p", name) for name in "bcd"] == [1, 1, 1] and c("EXISTS", "p") == 0


def test_what_is_not_there(c):
    assert c("VCARD", "no") == 0 and c("VREM", "no", "a") == 0 and c("VISMEMBER", "no", "a") == 0
    assert c("VSIM", "no", "ELE", "a") == [] and c("VRANDMEMBER", "no", 3) == [] and c("VRANGE", "no", "-", "+") == []
    assert c("VINFO", "no") == NIL_ARRAY or c("VINFO", "no") is None
    for command in (("VEMB", "no", "a"), ("VGETATTR", "no", "a"), ("VLINKS", "no", "a"), ("VRANDMEMBER", "no")):
        assert c(*command) is None
    assert c("VDIM", "no") == Err("ERR key does not exist")
    assert c("VSETATTR", "no", "a", "{}") == 0


def test_errors_are_those_of_redis(few):
    c = few
    invalid = Err("ERR invalid vector specification")
    for bad in (("VALUES", 2, "x", 1, "e"), ("VALUES", 3, 1, "e"), ("VALUES", 0, "e"), ("VALUES", -1, 1, "e"), ("FP32", b"abc", "e"),
                ("FP32", b"", "e"), ("XX", 2, 1), ("VALUES", 2, "nan", 1, "e"), ("VALUES", 2, "inf", 1, "e"),
                ("REDUCE", 5, "VALUES", 2, 1, 1, "e"), ("REDUCE", 0, "VALUES", 2, 1, 1, "e"), ("FP32", fp32([1, math.nan]), "e"),
                ("VALUES", 99999, 1, "e")):
        assert c("VADD", "p", *bad) == invalid, bad
    assert c("VADD", "p", "VALUES", 2, 1, 1) == Err("ERR wrong number of arguments for 'vadd' command")
    assert c("VADD", "p", "VALUES", 2, 1, 1, "e", "MAYBE") == Err("ERR invalid option after element")
    assert c("VADD", "p", "VALUES", 2, 1, 1, "e", "EF", 0) == Err("ERR invalid EF")
    assert c("VADD", "p", "VALUES", 2, 1, 1, "e", "M", 3) == Err("ERR invalid M")
    assert c("VADD", "p", "VALUES", 2, 1, 1, "e", "NOQUANT") == Err("ERR asked quantization mismatch with existing vector set")
    assert c("VADD", "p", "VALUES", 2, 1, 1, "e", "M", 8) == Err("ERR asked M value mismatch with existing vector set")
    assert c("VADD", "p", "VALUES", 3, 1, 1, 1, "e") == Err("ERR Vector dimension mismatch - got 3 but set has 2")
    assert c("VADD", "p", "REDUCE", 2, "VALUES", 2, 1, 1, "e") == Err("ERR cannot add projection to existing set without projection")
    assert c("VSIM", "p", "ELE", "x") == Err("ERR element not found in set")
    assert c("VSIM", "p", "VALUES", 3, 1, 1, 1) == Err("ERR Vector dimension mismatch - got 3 but set has 2")
    assert c("VSIM", "p", "XX", "x") == invalid
    assert c("VSIM", "p", "ELE", "a", "COUNT", 0) == Err("ERR invalid COUNT")
    assert c("VSIM", "p", "ELE", "a", "EF", -1) == Err("ERR invalid EF")
    assert c("VSIM", "p", "ELE", "a", "EPSILON", 0) == Err("ERR invalid EPSILON")
    assert c("VSIM", "p", "ELE", "a", "FILTER-EF", 0) == Err("ERR invalid FILTER-EF")
    assert c("VSIM", "p", "ELE", "a", "MAYBE") == Err("ERR syntax error in VSIM command")
    assert c("VSIM", "p", "ELE", "a", "FILTER", ".a > #") == Err("ERR syntax error in FILTER expression near: #")
    assert c("VSIM", "p", "ELE", "a", "FILTER", "(.a > 1") == Err("ERR syntax error in FILTER expression near: (.a > 1")
    assert c("VRANDMEMBER", "p", "x") == Err("ERR COUNT value is not an integer")
    assert c("VRANGE", "p", "x", "+") == Err("ERR invalid start range format")
    assert c("VRANGE", "p", "-", "x") == Err("ERR invalid end range format")
    assert c("VRANGE", "p", "+", "-") == Err("ERR '-' can only be used as first argument, '+' only as second")
    assert c("VEMB", "p", "a", "MAYBE") == Err("ERR invalid option")
    c("SET", "s", "x")
    for command in (("VADD", "s", "VALUES", 2, 1, 1, "e"), ("VCARD", "s"), ("VSIM", "s", "ELE", "a"), ("VREM", "s", "a"), ("VINFO", "s"),
                    ("VRANGE", "s", "-", "+"), ("VSETATTR", "s", "a", "")):
        assert c(*command) == WRONG
    assert c("GET", "p") == WRONG and c("VCARD", "p") == 4


def test_replies_of_both_protocols(start):
    s = start()
    two, three = s.conn(), s.conn(resp3=True)
    assert two("VADD", "p", "VALUES", 2, 1, 0, "a", "SETATTR", "{}") == 1 and three("VADD", "p", "VALUES", 2, 0, 1, "b") == Bool("t")
    assert three("VISMEMBER", "p", "a") == Bool("t")
    assert two("VSIM", "p", "ELE", "a", "WITHSCORES", "WITHATTRIBS") == [b"a", b"1", b"{}", b"b", b"0.5", None]
    assert three("VSIM", "p", "ELE", "a") == [b"a", b"b"]
    assert three("VSIM", "p", "ELE", "a", "WITHSCORES") == Map([(b"a", Double(1)), (b"b", Double(0.5))])
    assert three("VSIM", "p", "ELE", "a", "WITHSCORES", "WITHATTRIBS") == Map([(b"a", [Double(1), b"{}"]), (b"b", [Double(0.5), None])])
    assert three("VSIM", "p", "ELE", "a", "WITHATTRIBS") == Map([(b"a", b"{}"), (b"b", None)])
    # Layers from the highest to the lowest, which has all elements; how high they reach is random.
    assert three("VLINKS", "p", "a")[-1] == [b"b"] and three("VLINKS", "p", "a", "WITHSCORES")[-1] == Map([(b"b", Double(0.5))])
    assert two("VLINKS", "p", "a", "WITHSCORES")[-1] == [b"b", b"0.5"]
    info = two("VINFO", "p")
    facts = dict(zip(info[::2], info[1::2]))
    assert facts[Simple("quant-type")] == Simple("int8") and facts[Simple("hnsw-m")] == 16 and facts[Simple("size")] == 2
    assert facts[Simple("attributes-count")] == 1 and facts[Simple("vector-dim")] == 2


def test_attributes(few):
    c = few
    assert json.loads(c("VGETATTR", "p", "a"))["name"] == "a"
    assert c("VSETATTR", "p", "a", "not json") == 1 and c("VGETATTR", "p", "a") == b"not json"
    assert c("VSIM", "p", "ELE", "a", "FILTER", ".n > 0") == [b"c", b"b", b"d"]
    assert c("VSETATTR", "p", "a", "") == 1 and c("VGETATTR", "p", "a") is None
    assert c("VSETATTR", "p", "x", "{}") == 0
    assert c("VADD", "p", "VALUES", 2, 1, 0, "b") == 0 and json.loads(c("VGETATTR", "p", "b"))["name"] == "b"
    assert c("VADD", "p", "VALUES", 2, 1, 0, "b", "SETATTR", "") == 0 and c("VGETATTR", "p", "b") is None


def test_vectors_come_back_about_as_they_were(c):
    v = [3.0, -4.0, 0.5, 0.25]
    for quant, close in (("NOQUANT", 1e-6), ("Q8", 0.04)):
        c("VADD", quant, "FP32", fp32(v), "e", quant)
        got = [float(x) for x in c("VEMB", quant, "e")]
        assert all(abs(x - y) <= close for x, y in zip(v, got)), got
    c("VADD", "BIN", "FP32", fp32(v), "e", "BIN")
    assert [float(x) for x in c("VEMB", "BIN", "e")] == [1, -1, 1, 1]
    kind, row, length = c("VEMB", "NOQUANT", "e", "RAW")
    assert kind == Simple("f32") and abs(float(length) - math.sqrt(sum(x * x for x in v))) < 1e-5
    assert all(abs(x - y) < 1e-6 for x, y in zip(struct.unpack("<4f", row), unit(v)))
    kind, row, length, top = c("VEMB", "Q8", "e", "RAW")
    assert kind == Simple("int8") and list(struct.unpack("4b", row)) == kept(v, "Q8") and abs(float(top) - 4 / float(length)) < 1e-6
    kind, row, length = c("VEMB", "BIN", "e", "RAW")
    assert kind == Simple("bin") and struct.unpack("<Q", row)[0] == 0b1101


def test_ranges_and_random_members(c):
    names = ["%03d" % i for i in range(300)]
    for name in random.Random(1).sample(names, 300):
        c("VADD", "r", "VALUES", 2, 1, int(name) + 1, name)
    def texts(x):
        return [n.decode() for n in x]
    assert texts(c("VRANGE", "r", "-", "+")) == names
    assert texts(c("VRANGE", "r", "[010", "(020")) == names[10:20] and texts(c("VRANGE", "r", "(010", "[020")) == names[11:21]
    assert texts(c("VRANGE", "r", "(0100", "+", 2)) == names[11:13] and c("VRANGE", "r", "[5", "[4") == [] and c("VRANGE", "r", "-", "+", 0) == []
    some = texts(c("VRANDMEMBER", "r", 40))
    assert len(set(some)) == 40 and set(some) <= set(names)
    assert sorted(texts(c("VRANDMEMBER", "r", 1000))) == names and sorted(texts(c("VRANDMEMBER", "r", 250)))[0] in names
    assert len(c("VRANDMEMBER", "r", -1000)) == 1000 and c("VRANDMEMBER", "r", 0) == [] and c("VRANDMEMBER", "r").decode() in names
    for name in names[:290]:
        c("VREM", "r", name)
    assert sorted(texts(c("VRANDMEMBER", "r", 20))) == names[290:] and c("VRANDMEMBER", "r").decode() in names[290:]


FILTERS = [
    (".n >= 50", lambda a: a["n"] >= 50), (".n % 3 == 1 and not .flag", lambda a: a["n"] % 3 == 1 and not a["flag"]),
    (".kind in ['x', \"y\"] || .n < 5", lambda a: a["kind"] in "xy" or a["n"] < 5),
    ("(.n + 1) * 2 ** 2 ** 1 / 4 > 60 - .n", lambda a: (a["n"] + 1) > 60 - a["n"]),
    (".kind == 'z' && !(.n > 90)", lambda a: a["kind"] == "z" and not a["n"] > 90),
    ("'q' in .tags", lambda a: "q" in a["tags"]), (".n in [1, 2, 3, -4]", lambda a: a["n"] in (1, 2, 3)),
    (".maybe == null", lambda a: "maybe" in a and a["maybe"] is None), (".maybe > 3", lambda a: (a.get("maybe") or 0) > 3),
    (".flag", lambda a: a["flag"]), ("not not .flag", lambda a: a["flag"]), (".text == 'it\\'s \"é\"'", lambda a: a["text"] == "it's \"é\""),
    (".missing > 1 or 1", lambda a: False), (".object == 1", lambda a: False), (".n-1 == 4", lambda a: False), (".n - 1 == 4", lambda a: a["n"] == 5),
]


@pytest.mark.parametrize("quant", ["Q8", "NOQUANT", "BIN"])
def test_vsim_beside_a_model(c, quant):
    """Every answer is that of looking at all vectors, with a filter and without."""
    r = random.Random(7)
    dim, n, data = 70, 400, {}
    commands = []
    for i in range(n):
        v = [r.gauss(0.2, 1) for _ in range(dim)]
        attr = {"n": r.randrange(100), "flag": r.random() < 0.5, "kind": r.choice("xyz"), "tags": r.sample("pqrs", 2), "object": {"a": 1},
                "text": r.choice(["it's \"é\"", "plain"])}
        if i % 3:
            attr["maybe"] = r.choice([None, 2, 5])
        data["e%d" % i] = (list(struct.unpack("<%df" % dim, fp32(v))), attr)
        commands.append(("VADD", "m", "FP32", fp32(v), "e%d" % i, quant, "SETATTR", json.dumps(attr, ensure_ascii=i % 2 == 0)))
    assert c.pipeline(commands) == [1] * n
    for text, keep in [("", lambda a: True)] + FILTERS:
        q = [r.gauss(0.2, 1) for _ in range(dim)]
        q = list(struct.unpack("<%df" % dim, fp32(q)))
        want = sorted(((score(q, v, quant), name) for name, (v, a) in data.items() if keep(a)), reverse=True)
        args = ("FILTER", text) if text else ()
        got = c("VSIM", "m", "FP32", fp32(q), "WITHSCORES", "COUNT", 15, "FILTER-EF", 1000, *args)
        names, scores = [x.decode() for x in got[::2]], [float(x) for x in got[1::2]]
        assert len(names) == min(15, len(want)), text
        assert all(abs(score(q, data[name][0], quant) - s) < 1e-5 and keep(data[name][1]) for name, s in zip(names, scores)), text
        assert all(abs(s - w) < 1e-5 for s, (w, _) in zip(scores, want)), text
        assert c("VSIM", "m", "FP32", fp32(q), "COUNT", 15, "TRUTH", *args) == got[::2]
        if want:
            far = c("VSIM", "m", "FP32", fp32(q), "COUNT", 400, "EPSILON", 1 - want[0][0] + 0.01, *args)
            assert len(far) == sum(1 for w, _ in want if w >= want[0][0] - 0.01)


def test_reduce_projects_and_survives(start):
    s = start(appendonly="yes")
    c = s.conn()
    r = random.Random(3)
    vectors = {"e%d" % i: [r.gauss(0, 1) for _ in range(64)] for i in range(50)}
    for name, v in vectors.items():
        assert c("VADD", "p", "REDUCE", 16, "VALUES", 64, *v, name, "NOQUANT") == 1
    assert c("VDIM", "p") == 16 and c("VADD", "p", "VALUES", 64, *v, "x", "NOQUANT") == Err("ERR Vector dimension mismatch - got 64 but set has 16")
    assert c("VADD", "p", "REDUCE", 16, "VALUES", 32, *v[:32], "x", "NOQUANT") == Err(
        "ERR Input dimension mismatch for projection - got 32 but projection expects 64")
    assert c("VSIM", "p", "VALUES", 64, *v, "COUNT", 1) == [name.encode()]
    want = [c("VEMB", "p", name) for name in vectors]
    size = math.sqrt(64)
    project = [sum((-x if bin(i & j).count("1") % 2 else x) for j, x in enumerate(v)) / size for i in range(16)]
    assert all(abs(float(x) - y) < 1e-4 for x, y in zip(want[-1], project))
    c("BGREWRITEAOF")
    wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
    s.restart()
    c = s.conn()
    assert [c("VEMB", "p", name) for name in vectors] == want and c("VSIM", "p", "VALUES", 64, *v, "COUNT", 1) == [name.encode()]


def some(c, key, n, dim=24, seed=1, prefix="e"):
    r = random.Random(seed)
    return c.pipeline([("VADD", key, "FP32", fp32([r.gauss(0, 1) for _ in range(dim)]), "%s%d" % (prefix, i), "SETATTR", '{"i":%d}' % i)
                       for i in range(n)])


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_sets_are_there_after_a_restart(start, aof):
    s = start(appendonly=aof, save="3600 1", enable_debug_command="yes")
    c = s.conn()
    some(c, "large", 1500)
    some(c, "small", 30)
    c.pipeline([("VREM", "large", "e%d" % i) for i in range(0, 1500, 7)] + [("VSETATTR", "large", "e1", "{}"), ("PEXPIREAT", "small", 4000000000000)])
    digests = c("DEBUG", "DIGEST-VALUE", "large", "small")
    links, near = c("VLINKS", "large", "e1"), c("VSIM", "large", "ELE", "e1")
    if aof == "no":
        assert c("SAVE") == OK
    s.restart(kill=True)
    c = s.conn()
    assert c("DEBUG", "DIGEST-VALUE", "large", "small") == digests and c("VSIM", "large", "ELE", "e1") == near
    if aof == "no":
        assert [sorted(x) for x in c("VLINKS", "large", "e1")] == [sorted(x) for x in links]
    assert c("PEXPIRETIME", "small") == 4000000000000
    assert c("VADD", "large", "FP32", fp32([1] * 24), "new") == 1 and c("DEBUG", "RELOAD") == OK and c("VISMEMBER", "large", "new") == 1


def test_a_snapshot_is_of_its_moment_while_a_large_set_changes(start):
    """Elements are told before they change; the file holds those of the beginning."""
    s = start(save="", appendonly="no", enable_debug_command="yes")
    c = s.conn()
    some(c, "large", 3000, dim=16)
    want = c("DEBUG", "DIGEST-VALUE", "large")
    c("MULTI")
    c("BGSAVE")
    for i in range(0, 3000, 5):
        c("VREM", "large", "e%d" % i)
        c("VSETATTR", "large", "e%d" % (i + 1), '{"changed":1}')
        c("VADD", "large", "VALUES", 16, *range(16), "e%d" % (i + 2))
    c("EXEC")
    some(c, "large", 200, dim=16, prefix="new")
    wait_for(lambda: c.info("persistence")["rdb_bgsave_in_progress"] == "0")
    s.kill9()
    s.start()
    assert s.conn()("DEBUG", "DIGEST-VALUE", "large") == want


def test_dump_restore_copy_rename(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    some(c, "p", 40)
    payload = c("DUMP", "p")
    assert c("RESTORE", "p2", 0, payload) == OK and c("COPY", "p", "p3") == 1 and c("RENAME", "p3", "p4") == OK
    assert len({tuple([x]) for x in c("DEBUG", "DIGEST-VALUE", "p", "p2", "p4")}) == 1
    for key in ("p2", "p4"):
        assert c("VSIM", key, "ELE", "e1", "COUNT", 40) == c("VSIM", "p", "ELE", "e1", "COUNT", 40)
        assert c("MEMORY", "USAGE", key) > 40 * 24 and c("OBJECT", "ENCODING", key) == b"raw"
    c("VREM", "p4", "e1")
    assert c("VISMEMBER", "p", "e1") == 1 and c("SCAN", 0, "TYPE", "vectorset", "COUNT", 1000)[1] != []
    for cut in range(1, len(payload), 41):
        assert isinstance(c("RESTORE", "x", 0, payload[:cut]), Err)
    assert c("UNLINK", "p", "p2") == 2 and c("EXISTS", "p") == 0


def test_events_and_rights(start):
    s = start(notify_keyspace_events="KEA")
    c, listener = s.conn(), s.conn()
    listener("PSUBSCRIBE", "__keyspace@0__:p")
    c("VADD", "p", "VALUES", 2, 1, 0, "a")
    c("VADD", "p", "VALUES", 2, 1, 0, "a")
    c("VSETATTR", "p", "a", "{}")
    c("VREM", "p", "a")
    assert [listener.read()[3] for _ in range(4)] == [b"vadd", b"vsetattr", b"vrem", b"del"]
    c("ACL", "SETUSER", "reader", "on", "nopass", "~p*", "+@read", "-@write")
    c("VADD", "p", "VALUES", 2, 1, 0, "a")
    c("AUTH", "reader", "x")
    assert c("VCARD", "p") == 1 and c("VSIM", "p", "ELE", "a") == [b"a"] and c("VREM", "p", "a").startswith("NOPERM")
    assert c("VCARD", "q").startswith("NOPERM")


def test_a_large_set_in_scripts_and_transactions(c):
    some(c, "p", 1200, dim=80)
    assert c("EVAL", "return redis.call('VSIM', KEYS[1], 'ELE', 'e1', 'COUNT', 3)", 1, "p")[0] == b"e1"
    c("MULTI")
    c("VADD", "p", "FP32", fp32([1] * 80), "one", "CAS")
    c("VSIM", "p", "ELE", "one", "COUNT", 1)
    assert c("EXEC") == [1, [b"one"]]
    found = c("VSIM", "p", "ELE", "e5", "COUNT", 1200, "EF", 1000000)
    assert len(set(found)) == 1200 and found[0] == b"e5"
