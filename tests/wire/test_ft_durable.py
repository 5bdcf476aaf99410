"""What of indexes survives: definitions of all kinds, in the log, in its base, in snapshots. And what ends them: FT.DROPINDEX DD
beside loading, scans and queues."""
import glob
import os
import random
import shutil
import struct

import resp
from resp import Err, OK
from server import wait_for

CREATE = ["FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TAG"]


def fill(c, n, at_once=2000):
    for i in range(0, n, at_once):
        c.pipeline([["HSET", "d:%d" % k, "t", "x%d" % k] for k in range(i, min(n, i + at_once))])


def test_dd_deletes_what_was_written_a_moment_before(c):
    replies = c.pipeline([CREATE] + [["HSET", "d:%d" % i, "t", "x"] for i in range(50)] + [["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]])
    assert replies[-2:] == [OK, 0]
    c.pipeline([CREATE, ["MULTI"], ["HSET", "d:1", "t", "x"], ["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]])
    assert c("EXEC") == [1, OK, 0]


def test_dd_deletes_what_the_scan_has_yet_to_find(start):
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    fill(c, 20000)
    assert c.pipeline([CREATE, ["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]]) == [OK, OK, 0]
    fill(c, 20000)
    c(*CREATE)
    s.restart(kill=True)
    c = s.conn()
    assert c.pipeline([["FT.DROPINDEX", "i", "DD"], ["DBSIZE"]]) == [OK, 0], "the scan after a start"
    fill(c, 20000)
    told, left = c.pipeline([CREATE, ["MULTI"], ["FT.DROPINDEX", "i", "DD"], ["EXEC"], ["DBSIZE"]])[-2:]  # in the turn in which the scan begins
    assert "within a transaction" in told[0] and left == 20000, "who cannot wait is told"
    assert c("FT.DROPINDEX", "i", "DD") == OK
    s.restart(kill=True)
    assert s.conn()("DBSIZE") == 0


def test_what_came_after_a_temporary_index_was_dropped_stays(start):
    """Reading the log drops it again, and deletes nothing."""
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    c(*CREATE[:5], "TEMPORARY", 1000, *CREATE[5:])
    fill(c, 10)
    assert c("FT.DROPINDEX", "i") == OK
    assert c("DBSIZE") == 0, "documents of a temporary index go with it"
    fill(c, 10)
    s.restart(kill=True)
    c = s.conn()
    assert (c("DBSIZE"), c("FT._LIST")) == (10, [])
    assert c("DEBUG", "CHECK") == OK and c("DBSIZE") == 10


def test_who_waits_for_dd_hears_of_it_when_data_is_loaded_anew(start):
    s = start(enable_debug_command="yes")
    c, d = s.conn(), s.conn()
    c(*CREATE)
    fill(c, 60000, 10000)
    c.send("FT.DROPINDEX", "i", "DD")
    wait_for(lambda: d("FT._LIST") == [])
    left = d.pipeline([["DEBUG", "RELOAD"], ["DBSIZE"]])
    assert left[0] == OK
    said = c.read()
    assert said == OK and left[1] == 0 or said == Err(
        "ERR Data was loaded anew before all documents of the index were deleted: some may be left") and left[1] > 0
    c.close()
    assert d("PING") == resp.Simple("PONG") and d("DBSIZE") == left[1]


def beside_the_keys(c):
    return [c("FT._LIST"), c("FT.DICTDUMP", "names"), c("FT.SYNDUMP", "i"), c("FT.SEARCH", "alias", "@t:{x3}", "NOCONTENT"), c("FCALL", "f", 0)]


def test_a_load_that_fails_leaves_all_that_is_beside_the_keys_as_it_was(start):
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    for command in (CREATE + ["w", "TEXT"], ["FT.ALIASADD", "alias", "i"], ["FT.SYNUPDATE", "i", "g", "boat", "ship"],
                    ["FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 'yes' end)"]):
        assert not isinstance(c(*command), Err)
    assert c("FT.DICTADD", "names", "Lisbon", "Porto") == 2
    fill(c, 10)
    want = beside_the_keys(c)
    assert want[3] == [1, b"d:3"]
    assert c("DEBUG", "LOADAOF") == OK and beside_the_keys(c) == want
    with open(glob.glob(s.dir + "/appendonlydir/*.incr.aof")[-1], "r+b") as log:
        log.seek(-40, os.SEEK_END)
        log.write(b"?")
    assert "Error trying to load the AOF" in c("DEBUG", "LOADAOF")
    assert beside_the_keys(c) == want
    assert c("FT.CREATE", "i", "SCHEMA", "t", "TAG") == Err("Index already exists"), "the index counts as emptied"
    assert c("DEBUG", "CHECK") == OK


def test_a_large_dictionary_is_merged_with_itself(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    words = ["word%d" % i for i in range(65536)]
    for i in range(0, len(words), 8192):
        assert c("FT.DICTADD", "names", *words[i:i + 8192]) == 8192
    assert c("DEBUG", "RELOAD", "NOFLUSH", "MERGE") == OK
    assert len(c("FT.DICTDUMP", "names")) == len(words) and "too many words" not in s.log()


# --- definitions ------------------------------------------------------------------------------------------------------

NAMES = ["weight", "SORTABLE", "UNF", "NoIndex", "SEPARATOR", "INDEXEMPTY", "PHONETIC", "AS", "TAG", "SCHEMA", "$.a", b"x\r\ny", b"\xff", "l" * 300]
VECTORS = [["FLAT", 6], ["HNSW", 6], ["HNSW", 10, "M", 40, "EF_CONSTRUCTION", 55], ["HNSW", 10, "EF_RUNTIME", 77, "EPSILON", "0.123"],
           ["SVS-VAMANA", 8, "CONSTRUCTION_WINDOW_SIZE", 30]]
OF_TYPE = {
    "TAG": [[], ["SEPARATOR", ";"], ["SEPARATOR", b"\0"], ["CASESENSITIVE", "WITHSUFFIXTRIE"], ["INDEXEMPTY"]],
    "TEXT": [[], ["WEIGHT", "0.3"], ["WEIGHT", "1e-7", "NOSTEM"], ["PHONETIC", "dm:en"], ["WITHSUFFIXTRIE", "INDEXEMPTY"]],
    "NUMERIC": [[]], "GEO": [[]]}
RULES = [
    [[], ["ON", "HASH"], ["ON", "JSON"]], [[], ["PREFIX", 1, ""], ["PREFIX", 2, "a", b"b\r\n"], ["PREFIX", 2, "SCHEMA", "x"]],
    [[], ["FILTER", "@a > 17"]], [[], ["LANGUAGE", "german"], ["LANGUAGE", "none"]], [[], ["LANGUAGE_FIELD", "l"]],
    [[], ["SCORE", "0.25"], ["SCORE", "0"]], [[], ["SCORE_FIELD", "s"]], [[], ["PAYLOAD_FIELD", "p"]],
    [[], ["STOPWORDS", 0], ["STOPWORDS", 2, "the", "x y"]],
    [[], ["MAXTEXTFIELDS"], ["NOOFFSETS"], ["NOHL", "NOFREQS"], ["NOFIELDS"], ["TEMPORARY", 1000], ["INDEXALL", "ENABLE"]]]


def random_field(rng):
    words = [rng.choice(NAMES)] + (["AS", rng.choice(NAMES)] if rng.random() < 0.4 else [])
    kind = rng.choice(["VECTOR", *OF_TYPE])
    if kind == "VECTOR":
        name, n, *more = rng.choice(VECTORS)
        return words + ["VECTOR", name, n, "TYPE", "FLOAT32", "DIM", 3, "DISTANCE_METRIC", "L2"] + more
    return words + [kind] + rng.choice(OF_TYPE[kind]) + rng.choice([[], ["SORTABLE"], ["SORTABLE", "UNF"], ["NOINDEX"], ["INDEXMISSING"]])


def definitions(c):
    out = {}
    for name in c("FT._LIST"):
        flat = c("FT.INFO", name)
        told = dict(zip(flat[::2], flat[1::2]))
        out[name] = [told.get(k) for k in (b"index_options", b"index_definition", b"attributes", b"stopwords_list")] + [
            c("FT.SYNDUMP", name), c("FT.ALIASLIST", name)]
    return out


def test_any_definition_that_was_taken_is_read_again(start):
    """Also with fields that are called like options: FT.ALTER adds them where FT.CREATE cannot have them."""
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    rng = random.Random(20)
    taken = altered = 0
    for i in range(500):
        rules = [r for choice in rng.sample(RULES, len(RULES)) for r in rng.choice(choice)]
        name = b"i\r\n%d" % i
        if c("FT.CREATE", name, *rules, "SCHEMA", *random_field(rng), *random_field(rng)) != OK:
            continue
        taken += 1
        for _ in range(3):
            altered += c("FT.ALTER", name, "SCHEMA", "ADD", *random_field(rng)) == OK
        c("FT.SYNUPDATE", name, b"g\r\n", rng.choice(NAMES), "")
        c("FT.ALIASADD", b"alias\0%d" % i, name)
    assert taken > 100 and altered > 100, (taken, altered)
    want = definitions(c)
    assert c("DEBUG", "CHECK") == OK
    s.restart(kill=True)
    c = s.conn()
    assert definitions(c) == want, "from the log"
    assert c("DEBUG", "RELOAD") == OK and definitions(c) == want, "from a snapshot"
    before = int(c.info("persistence")["aof_rewrites"])
    c("BGREWRITEAOF")
    wait_for(lambda: int(c.info("persistence")["aof_rewrites"]) > before)
    s.restart(kill=True)
    assert definitions(s.conn()) == want, "from the log's base"


def test_as_many_stop_words_as_one_may_give_are_read_again(c):
    words = ["w%d" % i for i in range(1 << 16)]
    assert c("FT.CREATE", "i", "STOPWORDS", len(words), *words, "SCHEMA", "t", "TEXT") == OK
    assert c("DEBUG", "RELOAD") == OK
    assert len(dict(zip(*[iter(c("FT.INFO", "i"))] * 2))[b"stopwords_list"]) == len(words)


def test_a_definition_that_cannot_be_read_keeps_no_key_back(start):
    """As a later version may write it. (A file that is damaged is refused: its checksum tells.)"""
    s = start(enable_debug_command="yes", rdbcompression="no", rdbchecksum="no")
    c = s.conn()
    c("FT.CREATE", "bad", "SCHEMA", "t", "TAG")
    c("FT.CREATE", "good", "NOHL", "SCHEMA", "t", "TAG")
    c("FT.ALIASADD", "of-bad", "bad")
    fill(c, 100)
    c("SAVE")
    path = os.path.join(s.dir, "dump.rdb")
    with open(path, "rb") as f:
        data = f.read()
    rng = random.Random(7)
    at, end = data.index(b"FT.CREATE"), data.index(b"of-bad")
    for _ in range(100):
        part = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            part[rng.randrange(at, end)] = rng.randrange(256)
        with open(path, "wb") as f:
            f.write(part)
        c("DEBUG", "RELOAD", "NOSAVE")  # what was a length may make a file that is refused
        assert c("DBSIZE") == 100
    with open(path, "wb") as f:
        f.write(data.replace(b"SCHEMA", b"NOVELTY"[:6], 1))
    s.restart(kill=True)
    c = s.conn()
    assert c("DBSIZE") == 100 and c("FT._LIST") == [b"good"] and c("FT.SEARCH", "good", "*", "LIMIT", 0, 0) == [100]
    assert "cannot be taken: SEARCH_ARG_UNRECOGNIZED Unknown argument `NOVELT`. It is LEFT OUT" in s.log()
    assert "an alias of no index" in s.log()


def test_the_name_of_an_index_whose_keys_were_flushed_may_be_taken_after_a_start_too(start):
    s = start(enable_debug_command="yes")
    c = s.conn()
    c("FT.CREATE", "i", "SCHEMA", "a", "TAG")
    c("FT.CREATE", "k", "SCHEMA", "a", "TAG")
    c("FT.ALIASADD", "al", "i")
    c("FLUSHALL")
    assert c("FT.CREATE", "k", "SCHEMA", "b", "TAG") == OK
    c("SAVE")
    s.restart(kill=True)
    c = s.conn()
    assert c("FT.ALIASLIST", "i") == [b"al"]
    assert c("FT.CREATE", "k", "SCHEMA", "c", "TAG") == Err("Index already exists")
    assert c("FT.CREATE", "i", "SCHEMA", "c", "TAG") == OK
    assert c("DEBUG", "RELOAD") == OK
    assert [f[1] for f in definitions(c)[b"i"][2]] == [b"c"]
    assert c("FT.CREATE", "i", "SCHEMA", "d", "TAG") == Err("Index already exists")


def test_a_stock_server_reads_a_snapshot_with_definitions_and_gives_the_keys_back(start, reference):
    s = start(enable_debug_command="yes")
    c = s.conn()
    c(*CREATE)
    c("FT.ALIASADD", "alias", "i")
    c("FT.DICTADD", "words", "one", "two")
    fill(c, 100)
    assert c("SAVE") == OK
    want = c("DEBUG", "DIGEST")
    reference.stop()
    shutil.copy(os.path.join(s.dir, "dump.rdb"), reference.dir)
    reference.start()
    r = reference.conn()
    assert r("DBSIZE") == 100 and r("SAVE") == OK
    s.kill9()
    shutil.copy(os.path.join(reference.dir, "dump.rdb"), s.dir)
    s.start()
    c = s.conn()
    assert c("DEBUG", "DIGEST") == want and c("FT._LIST") == [], "definitions it has skipped"
    assert c(*CREATE) == OK
    wait_for(lambda: c("FT.SEARCH", "i", "*", "LIMIT", 0, 0) == [100])


# --- the archive ------------------------------------------------------------------------------------------------------

VECTOR = struct.pack("<2f", 1, 0)
READS = {"d:h": ["HGETALL", "d:h"], "d:j": ["JSON.GET", "d:j"], "d:v": ["VSIM", "d:v", "VALUES", 2, 1, 0, "WITHATTRIBS"],
         "d:u": ["FT.SUGGET", "d:u", "s", "WITHSCORES", "WITHPAYLOADS"]}


def archived_documents(c):
    """Two indexes, and a key of each kind that search knows. -> what reading them tells."""
    c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT", "n", "NUMERIC", "v", "VECTOR", "FLAT", 6, "TYPE", "FLOAT32", "DIM", 2,
      "DISTANCE_METRIC", "L2")
    c("FT.CREATE", "k", "ON", "JSON", "PREFIX", 1, "d:", "SCHEMA", "$.t", "AS", "t", "TAG")
    c("HSET", "d:h", "t", "a word", "n", 5, "v", VECTOR)
    c("JSON.SET", "d:j", "$", '{"t":"x y","big":12345678901234567890,"e":1.50}')
    for i in range(20):
        c("VADD", "d:v", "VALUES", 2, 1, i, "m%d" % i, "SETATTR", '{"n":%d}' % i)
    c("FT.SUGADD", "d:u", "suggestion", 3, "PAYLOAD", "p")
    return {k: c(*q) for k, q in READS.items()}


def found(c):
    return [c("FT.SEARCH", "i", q, "NOCONTENT", *more)[1:] for q, *more in (
        ["word"], ["@n:[5 5]"], ["*=>[KNN 1 @v $v]", "PARAMS", 2, "v", VECTOR, "DIALECT", 2])] + [
        c("FT.SEARCH", "k", r"@t:{x\ y}", "NOCONTENT")[1:]]


def test_what_has_left_for_the_archive_is_out_of_its_index_and_in_it_again_when_it_comes_back(start):
    s = start(appendonly="yes", enable_debug_command="yes", archive_file="archive.db",
              namespace="d:* recall read archive expire,evict ttl 1000")
    c = s.conn()
    want = archived_documents(c)
    there, gone = [[b"d:h"]] * 3 + [[b"d:j"]], [[]] * 4
    for how in ("alive", "killed", "rewritten"):
        assert found(c) == there
        c.pipeline([["PEXPIRE", k, 1] for k in READS])
        wait_for(lambda: c("DBSIZE") == 0, "nothing expires")
        assert found(c) == gone
        if how != "alive":
            if how == "rewritten":
                before = int(c.info("persistence")["aof_rewrites"])
                c("BGREWRITEAOF")
                wait_for(lambda: int(c.info("persistence")["aof_rewrites"]) > before)
            s.restart(kill=True)
            c = s.conn()
            assert found(c) == gone
        assert {k: c(*q) for k, q in READS.items()} == want, how
        assert found(c) == there, how
        assert c("DEBUG", "CHECK") == OK
    s.restart(kill=True)
    c = s.conn()
    assert found(c) == there and {k: c(*q) for k, q in READS.items()} == want
