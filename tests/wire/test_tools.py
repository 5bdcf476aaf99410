"""memd --check, --repair, --restore-to and --recover=salvage: what is done about damaged files."""
import glob
import hashlib
import os
import shutil
import subprocess

import pytest

import resp
import server as srv

pytestmark = pytest.mark.memd_only

OK = resp.OK


def memd(*args, code=0):
    p = subprocess.run([srv.MEMD.path, *map(str, args)], capture_output=True, text=True, timeout=60,
                       stdin=subprocess.DEVNULL)
    assert p.returncode == code, p.stdout + p.stderr
    for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert word not in p.stderr, p.stderr
    return p.stdout + p.stderr


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return str(path)


def fingerprint(path):
    """All files below path, their content and their times; not the lock, which names a process."""
    out = {}
    for where, _, names in os.walk(path):
        for name in set(names) - {"LOCK"}:
            full = os.path.join(where, name)
            with open(full, "rb") as f:
                out[os.path.relpath(full, path)] = hashlib.sha256(f.read()).hexdigest(), os.stat(full).st_mtime_ns
    return out


def flip(path, at, bit=1):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ bit]))


def flip_in(path, word):
    """Damage an argument; its letters may occur in a checksum's text as well."""
    with open(path, "rb") as f:
        at = f.read().find(b"\r\n%b\r\n" % word)
    assert at >= 0
    flip(path, at + 2)


def increment(directory):
    return sorted(glob.glob(os.path.join(directory, "appendonlydir", "*.incr.aof")))[-1]


def fill(start, data, n=20, **settings):
    """Keys in databases 0 and 3 by turns, so that what is behind a lost batch depends on its SELECT."""
    settings.setdefault("appendonly", "yes")
    s = start(directory=data, **settings)
    c, d = s.conn(), s.conn()
    assert d("SELECT", 3) == OK
    for i in range(n):
        assert c("SET", "a%02d" % i, "x%02d" % i) == OK
        assert d("RPUSH", "list", "e%02d" % i) == i + 1
    s.stop()
    os.unlink(s.log_path)
    return s


def contents(s):
    c, d = s.conn(), s.conn()
    d("SELECT", 3)
    return sorted(c("KEYS", "*")), d("LRANGE", "list", 0, -1)


def kept(data):
    found = glob.glob(data + ".original-*")
    assert len(found) == 1
    return found[0]


def test_a_sound_directory_is_told_file_by_file_and_left_alone(start, data):
    s = fill(start, data, save="3600 1")
    was = fingerprint(data)
    text = memd("--check", data)
    assert "appendonly.aof.manifest: manifest, 2 files: ok" in text
    assert "batches" in text and "log offsets 0 to" in text and "dump.rdb: snapshot, RDB version" in text
    assert "21 keys" in text
    assert "nothing to repair" in memd("--repair", data)
    assert fingerprint(data) == was
    for path in (os.path.join(data, "appendonlydir"), os.path.join(data, "dump.rdb"), increment(data),
                 os.path.join(data, "appendonlydir", "appendonly.aof.manifest")):
        assert "ok" in memd("--check", path)
    assert fingerprint(data) == was
    assert glob.glob(data + ".*") == []
    s.start()
    assert len(contents(s)[1]) == 20


def test_what_is_before_and_behind_the_damage_is_kept(start, data):
    s = fill(start, data)
    flip_in(increment(data), b"x07")
    was = fingerprint(data)
    text = memd("--check", data, code=1)
    assert "DAMAGED at offset" in text and "wrong checksum" in text
    assert "lost: bytes" in text and "before key 'list'" in text
    assert fingerprint(data) == was
    s.start(wait=False)
    assert s.wait_exit() == 1
    assert os.path.basename(increment(data)) in s.log() and "memd --repair " + data in s.log()
    os.unlink(s.log_path)
    assert fingerprint(data) == was
    assert "repaired" in memd("--repair", data)
    assert {k: v[0] for k, v in fingerprint(kept(data)).items()} == {k: v[0] for k, v in was.items()}
    memd("--check", data)
    s.start()
    keys, items = contents(s)
    assert keys == [b"a%02d" % i for i in range(20) if i != 7]
    assert items == [b"e%02d" % i for i in range(20)]
    memd("--check", kept(data), code=1)


def test_zeros_in_a_value_do_not_make_damage_a_torn_end(start, data):
    """The last batch is acknowledged too: a bit that flips in it is told, whatever else it holds."""
    s = start(directory=data, appendonly="yes", appendfsync="always")
    assert s.conn()("SET", "vector", b"x" * 40 + bytes(64) + b"y" * 40) == OK
    s.kill9()
    with open(increment(data), "rb") as f:
        at = f.read().index(b"yyyy")
    flip(increment(data), at)
    s.start(wait=False)
    assert s.wait_exit() == 1
    assert "wrong checksum" in s.log() and "memd --repair " + data in s.log()


def test_a_start_can_salvage(start, data):
    s = fill(start, data)
    flip_in(increment(data), b"e11")
    s.extra_args = ["--recover=salvage"]
    s.start()
    keys, items = contents(s)
    assert keys == [b"a%02d" % i for i in range(20)]
    assert items == [b"e%02d" % i for i in range(20) if i != 11]
    assert "The original is kept in " + kept(data) in s.log()
    assert s.conn()("SET", "later", "1") == OK
    s.kill9()
    s.extra_args = []
    s.start()  # nothing is damaged any more
    assert len(contents(s)[0]) == 21
    memd("--check", kept(data), code=1)


def test_salvaging_changes_nothing_where_nothing_is_damaged(start, data):
    s = fill(start, data)
    before = increment(data)
    s.extra_args = ["--recover", "salvage"]
    s.start()
    assert len(contents(s)[0]) == 20 and increment(data) == before
    assert glob.glob(data + ".original-*") == []


def test_a_torn_tail_is_repaired_too(start, data):
    s = fill(start, data)
    path = increment(data)
    os.truncate(path, os.path.getsize(path) - 5)
    text = memd("--check", data, code=1)
    assert "TORN at offset" in text
    memd("--repair", data)
    assert os.path.getsize(os.path.join(kept(data), "appendonlydir", os.path.basename(path))) > 0
    memd("--check", data)
    s.start()
    assert contents(s) == ([b"a%02d" % i for i in range(20)], [b"e%02d" % i for i in range(19)])


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "gone"])
def test_a_manifest_is_rebuilt_from_the_files(start, data, how):
    s = fill(start, data)
    path = os.path.join(data, "appendonlydir", "appendonly.aof.manifest")
    if how == "flipped":
        flip(path, 20)
    elif how == "gone":
        os.unlink(path)
    else:
        os.truncate(path, 0 if how == "empty" else 30)
    s.start(wait=False)
    assert s.wait_exit() == 1
    assert "appendonly.aof.manifest" in s.log() and "memd --repair" in s.log()
    assert "DAMAGED" in memd("--check", data, code=1)
    memd("--repair", data)
    s.start()
    assert [len(x) for x in contents(s)] == [20, 20]


def test_a_damaged_snapshot_gives_way_to_the_one_before(start, data):
    s = start(directory=data)
    c = s.conn()
    c("SET", "old", "1")
    assert c("SAVE") == OK
    c("SET", "new", "1")
    assert c("SAVE") == OK
    s.stop()
    path = os.path.join(data, "dump.rdb")
    flip(path, os.path.getsize(path) - 12)
    assert "DAMAGED" in memd("--check", data, code=1)
    assert "the snapshot before it" in memd("--repair", data)
    s.start()
    assert s.conn()("KEYS", "*") == [b"old"]
    memd("--check", os.path.join(kept(data), "dump.rdb"), code=1)


def rewrite(c):
    before = int(c.info("persistence")["aof_rewrites"])
    c("BGREWRITEAOF")
    srv.wait_for(lambda: int(c.info("persistence")["aof_rewrites"]) > before)


@pytest.mark.parametrize("newer, older, keys", [
    ("cut", None, 60), ("gone", None, 60), ("cut", "cut", 40), ("gone", "cut", 40), ("gone", "gone", 40)])
def test_a_lost_base_is_made_up_for_by_what_is_left(start, data, newer, older, keys):
    """Three times twenty keys: in the base before, in the increment behind it, in the increment of now."""
    s = start(directory=data, appendonly="yes")
    c = s.conn()
    for part in "abc":
        if part != "a":
            rewrite(c)
        for i in range(20):
            assert c("SET", "%s%02d" % (part, i), "v" * 30) == OK
    s.stop()
    os.unlink(s.log_path)
    bases = sorted(glob.glob(os.path.join(data, "appendonlydir", "*.base.rdb")))
    assert len(bases) == 2
    for path, how in zip(bases, (older, newer)):
        if how == "gone":
            os.unlink(path)
        elif how == "cut":
            os.truncate(path, os.path.getsize(path) // 2)
    memd("--check", data, code=1)
    if older:
        assert "--salvage" in memd("--repair", data, code=1)
    memd("--repair", data, *(["--salvage"] if older else []))
    memd("--check", data)
    s.start()
    found = s.conn()("KEYS", "*")
    assert keys <= len(found) <= 60
    assert all(b"%c%02d" % (part, i) in found for i in range(20) for part in (b"c" if keys < 60 else b"abc"))


def test_part_of_a_snapshot_is_kept_only_if_asked_for(start, data):
    s = start(directory=data, snapshot_generations=1)
    c = s.conn()
    for i in range(100):
        c("SET", "k%d" % i, "v" * 50)
    assert c("SAVE") == OK
    s.stop()
    path = os.path.join(data, "dump.rdb")
    os.truncate(path, os.path.getsize(path) // 2)
    was = fingerprint(data)
    text = memd("--repair", data, code=1)
    assert "--salvage" in text and "NOT repaired" in text
    assert fingerprint(data)["dump.rdb"] == was["dump.rdb"]
    memd("--repair", data, "--salvage")
    memd("--check", data)
    s.start()
    assert 10 < s.conn()("DBSIZE") < 90


def test_a_directory_in_use_is_not_repaired(start, data):
    s = start(directory=data, appendonly="yes")
    s.conn()("SET", "a", "1")
    flip(os.path.join(data, "appendonlydir", "appendonly.aof.manifest"), 20)
    assert "in use by a daemon" in memd("--check", data, code=1)
    assert "in use" in memd("--repair", data, code=1)
    assert glob.glob(data + ".original-*") == []


def test_tools_say_how_they_are_called(tmp_path):
    assert "usage" in memd("--check", code=1)
    assert "usage" in memd("--repair", code=1)
    assert "usage" in memd("--restore-to", "1", code=1)
    assert "No such file" in memd("--check", tmp_path / "nosuch", code=1)
    assert "nothing to check" in memd("--check", tmp_path)


# --- a moment in the past ------------------------------------------------------------------------------------------

def stock_log(data, base=b""):
    """A log as a stock server with aof-timestamp-enabled writes it: a key every ten seconds from 1700000000 on."""
    directory = os.path.join(data, "appendonlydir")
    os.mkdir(directory)
    lines = [b"file appendonly.aof.1.incr.aof seq 1 type i\n"]
    with open(os.path.join(directory, "appendonly.aof.1.incr.aof"), "wb") as f:
        for i in range(10):
            f.write(b"#TS:%d\r\n" % (1700000000 + 10 * i))
            f.write(resp.encode(["SELECT", "0"]) if i == 0 else b"")
            f.write(resp.encode(["SET", "k%d" % i, "v"]))
    with open(os.path.join(directory, "appendonly.aof.manifest"), "wb") as f:
        f.writelines(lines)


@pytest.mark.parametrize("when, keys", [("1700000000", 1), ("1700000009", 1), ("1700000010", 2), ("1700000055000", 6),
                                        ("2023-11-14T22:13:45.9Z", 3), ("2023-11-14T23:13:50+01:00", 4),
                                        ("1800000000", 10)])
def test_a_moment_is_restored(start, data, tmp_path, when, keys):
    stock_log(data)
    was = fingerprint(data)
    target = str(tmp_path / "restored")
    text = memd("--restore-to", when, data, target)
    assert "the last change is of" in text and "(%d)" % (1700000000 + 10 * (keys - 1)) in text
    assert fingerprint(data) == was
    memd("--check", target)
    s = start(directory=target, appendonly="yes")
    assert s.conn()("DBSIZE") == keys
    s.stop()


def test_what_was_restored_is_read_by_a_stock_server(start, stock_binary, data, tmp_path):
    stock_log(data)
    target = str(tmp_path / "restored")
    memd("--restore-to", "1700000045", data, target)
    s = start(binary=stock_binary, directory=target, appendonly="yes")
    assert s.conn()("DBSIZE") == 5


def test_what_cannot_be_restored_is_refused(data, tmp_path):
    target = str(tmp_path / "restored")
    stock_log(data)
    assert "before the first time" in memd("--restore-to", "1699999999", data, target, code=1)
    assert "is no time" in memd("--restore-to", "yesterday", data, target, code=1)
    assert "is no time" in memd("--restore-to", "2023-02-30T00:00:00Z", data, target, code=1)
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").write_text("x")
    assert "not empty" in memd("--restore-to", "1700000045", data, full, code=1)
    shutil.rmtree(os.path.join(data, "appendonlydir"))
    assert "no log" in memd("--restore-to", "1700000000", data, target, code=1)
    assert not os.path.exists(target)


def test_without_times_nothing_can_be_restored(start, data, tmp_path):
    fill(start, data)
    text = memd("--restore-to", "1900000000", data, tmp_path / "restored", code=1)
    assert "aof-timestamp-enabled" in text


def test_our_own_log_is_restored_with_a_name_of_its_own(start, data, tmp_path):
    fill(start, data, aof_timestamp_enabled="yes")
    target = str(tmp_path / "restored")
    memd("--restore-to", "1900000000000", data, target)
    with open(increment(data), "rb") as a, open(increment(target), "rb") as b:
        mine, other = a.read(), b.read()
    assert len(mine) == len(other) and mine[:53] != other[:53]
    s = start(directory=target, appendonly="yes")
    assert [len(x) for x in contents(s)] == [20, 20]
    s.stop()
    # a file of the one log is none of the other's
    shutil.copy(increment(data), increment(target))
    s.start(wait=False)
    assert s.wait_exit() == 1
    assert "another log" in s.log()


def test_a_library_that_cannot_be_loaded_is_found_by_the_check_as_well(start, tmp_path):
    s = start(rdbchecksum="no", rdbcompression="no")
    c = s.conn()
    c("SET", "k", "v")
    assert c("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return redis.call('GET', 'k') end)") == b"l"
    assert c("SAVE") == resp.OK
    path = str(tmp_path / "dump.rdb")
    shutil.copy(s.dir + "/dump.rdb", path)
    assert memd("--check", path).endswith(": ok\n")
    with open(path, "r+b") as f:
        text = f.read().replace(b"register_function", b"register_nothing!")
        f.seek(0)
        f.write(text)
    assert "a library of functions: " in memd("--check", path, code=1)
    data = str(tmp_path / "data")
    os.mkdir(data)
    shutil.copy(path, data)
    assert "snapshot" in memd("--check", data, code=1) and "1 keys: DAMAGED" in memd("--check", data, code=1)
    s = start(directory=data, wait=False)
    assert s.wait_exit() == 1 and "a library of functions: " in s.log()
    os.unlink(s.log_path)
    assert "NOT repaired" in memd("--repair", data, code=1)
    assert "1 keys could be read" in memd("--repair", data, "--salvage")
    assert memd("--check", data).endswith(": ok\n")
    s.start()
    assert s.conn()("GET", "k") == b"v" and s.conn()("FUNCTION", "LIST") == []


def test_a_library_that_cannot_be_loaded_in_a_base_is_had_from_the_log_before_it(start, data):
    """The log that the base was made of is kept, and says all of it, the library among it."""
    s = fill(start, data, rdbchecksum="no", rdbcompression="no")
    s.start()
    c = s.conn()
    good = "#!lua name=%s\nredis.register_function('%s', function() return 1 end)"
    assert c("FUNCTION", "LOAD", good % ("a", "fa")) == b"a" and c("FUNCTION", "LOAD", good % ("b", "fb")) == b"b"
    assert c("BGREWRITEAOF").startswith("Background")
    srv.wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0" and c.info("persistence")["aof_rewrites"] == "1")
    assert c("SET", "later", "v") == OK
    s.stop()
    os.unlink(s.log_path)
    base = glob.glob(os.path.join(data, "appendonlydir", "*.base.rdb"))[0]
    with open(base, "r+b") as f:
        text = f.read()
        f.seek(0)
        f.write(text.replace(b"register_function('fa'", b"register_nothing!('fa'"))
    assert "a library of functions: " in memd("--check", data, code=1)
    memd("--repair", data, "--appendonly", "yes")
    s.start()
    keys, items = contents(s)
    assert len(items) == 20 and b"later" in s.conn()("KEYS", "*")
    assert [row[1] for row in s.conn()("FUNCTION", "LIST")] == [b"a", b"b"]
