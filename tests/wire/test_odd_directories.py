"""Data directories as other servers, older versions and mishaps leave them: loaded, or refused in clear words."""
import glob
import os
import shutil

import pytest

import resp
import server as srv

pytestmark = pytest.mark.memd_only

OK = resp.OK
PLAIN = resp.encode(["SELECT", "0"]) + resp.encode(["SET", "a", "1"]) + resp.encode(["RPUSH", "l", "x", "y"])


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return str(path)


def put(path, content=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)


def log_dir(data, name="", dirname="appendonlydir"):
    return os.path.join(data, dirname, name)


def put_log(data, manifest, **files):
    put(log_dir(data, "appendonly.aof.manifest"), manifest)
    for name, content in files.items():
        put(log_dir(data, "appendonly.aof.%s" % name.replace("_", ".")), content)


def snapshot_bytes(start, tmp_path, *commands):
    """What SAVE makes of the commands."""
    os.mkdir(str(tmp_path / "other"))
    s = start(directory=str(tmp_path / "other"))
    c = s.conn()
    for command in commands:
        c(*command)
    assert c("SAVE") == OK
    s.stop()
    with open(os.path.join(s.dir, "dump.rdb"), "rb") as f:
        return f.read()


def loads(start, data, keys, **settings):
    """It starts, has so many keys, takes a write, and has that after a kill."""
    s = start(directory=data, appendonly="yes", **settings)
    c = s.conn()
    assert c("DBSIZE") == keys
    assert c("SET", "written", "since") == OK
    s.kill9()
    s.start()
    assert s.conn()("DBSIZE") == keys + 1
    s.stop()
    return s


def refused(start, data, *words, **settings):
    settings.setdefault("appendonly", "yes")
    with pytest.raises(srv.StartError) as e:
        start(directory=data, **settings)
    for word in words:
        assert word in str(e.value), str(e.value)
    return str(e.value)


def test_an_old_single_file_of_commands_is_taken_over(start, data):
    put(os.path.join(data, "appendonly.aof"), PLAIN)
    loads(start, data, 2)
    assert not os.path.exists(os.path.join(data, "appendonly.aof"))
    assert os.path.exists(log_dir(data, "appendonly.aof.manifest"))


def test_an_old_single_file_that_begins_as_a_snapshot_is_taken_over(start, data, tmp_path):
    rdb = snapshot_bytes(start, tmp_path, ("SET", "b", "1"), ("SET", "c", "1"))
    put(os.path.join(data, "appendonly.aof"), rdb + PLAIN)
    loads(start, data, 4)


def test_an_old_single_file_that_is_torn_is_cut(start, data):
    put(os.path.join(data, "appendonly.aof"), PLAIN + b"*3\r\n$3\r\nSET\r\n$1")
    loads(start, data, 2)


def test_an_empty_old_single_file_is_an_empty_log(start, data):
    put(os.path.join(data, "appendonly.aof"))
    loads(start, data, 0)


def test_an_old_single_file_beside_a_log_is_left_alone(start, data):
    put_log(data, b"file appendonly.aof.1.incr.aof seq 1 type i\n", **{"1_incr_aof": PLAIN})
    put(os.path.join(data, "appendonly.aof"), resp.encode(["SET", "old", "1"]))
    loads(start, data, 2)
    assert os.path.exists(os.path.join(data, "appendonly.aof"))


def test_a_base_of_commands_is_read(start, data):
    """As a stock server with aof-use-rdb-preamble no writes it."""
    put_log(data, b"file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
            **{"1_base_aof": PLAIN, "1_incr_aof": resp.encode(["SELECT", "0"]) + resp.encode(["SET", "b", "2"])})
    loads(start, data, 3)


def test_a_stock_servers_directory_is_read_with_history_and_temporaries(start, data):
    put_log(data, b"file appendonly.aof.2.incr.aof seq 2 type h\nfile appendonly.aof.3.incr.aof seq 3 type i\n",
            **{"2_incr_aof": resp.encode(["SET", "gone", "1"]), "3_incr_aof": PLAIN})
    put(log_dir(data, "temp-appendonly.aof.manifest"), b"half a")
    put(log_dir(data, "notes.txt"), b"not ours")
    put(os.path.join(data, "backup.rdb"), b"not ours")
    loads(start, data, 2)
    assert os.path.exists(log_dir(data, "notes.txt")) and os.path.exists(os.path.join(data, "backup.rdb"))
    assert not os.path.exists(log_dir(data, "appendonly.aof.2.incr.aof"))


@pytest.mark.parametrize("manifest", [
    b"file appendonly.aof.1.incr.aof seq 1 type i\r\n",
    b"# by hand\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    b"file appendonly.aof.1.incr.aof seq 1 type i colour blue\n",
    b"type i seq 1 file \"appendonly.aof.1.incr.aof\"\n",
])
def test_manifests_of_other_hands_are_read(start, data, manifest):
    put_log(data, manifest, **{"1_incr_aof": PLAIN})
    loads(start, data, 2)


@pytest.mark.parametrize("manifest, reason", [
    (b"", "it is empty"), (b"file appendonly.aof.1.incr.aof seq 1 type i", "cut short"),
    (b"file ../appendonly.aof seq 1 type i\n", "line 1"), (b"# nothing\n", "no files"),
    (b"file appendonly.aof.1.incr.aof seq 1 type x\n", "type"), (b"\0\0\0\0", "line 1"),
    (b"file appendonly.aof.1.incr.aof seq 1\n", "required"),
])
def test_a_manifest_that_makes_no_sense_is_refused(start, data, manifest, reason):
    put_log(data, manifest, **{"1_incr_aof": PLAIN})
    refused(start, data, "appendonly.aof.manifest", reason, "memd --repair " + data)


def test_a_missing_file_is_named(start, data):
    put_log(data, b"file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n",
            **{"1_incr_aof": PLAIN})
    refused(start, data, "appendonly.aof.2.incr.aof: No such file", "memd --repair")
    put_log(data, b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n")
    refused(start, data, "appendonly.aof.1.base.rdb: No such file", "memd --repair")


def test_empty_files_are_empty(start, data):
    put_log(data, b"file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n",
            **{"1_incr_aof": PLAIN, "2_incr_aof": b""})
    loads(start, data, 2)


@pytest.mark.parametrize("content", [b"", b"RED", b"REDIS", b"REDIS0011", b"GARBAGE" * 10])
def test_a_snapshot_that_is_none_is_refused(start, data, content):
    put(os.path.join(data, "dump.rdb"), content)
    refused(start, data, "dump.rdb: offset", "memd --repair", appendonly="no")


def test_a_snapshot_of_a_later_version_is_told(start, data):
    put(os.path.join(data, "dump.rdb"), b"REDIS0099" + b"\xff" * 20)
    refused(start, data, "RDB version 99", appendonly="no")


def test_the_log_is_off_and_its_directory_is_left_alone(start, data):
    put_log(data, b"nonsense", **{"1_incr_aof": PLAIN})
    s = start(directory=data)
    assert s.conn()("DBSIZE") == 0
    s.stop()
    with open(log_dir(data, "appendonly.aof.manifest"), "rb") as f:
        assert f.read() == b"nonsense"


def test_a_log_that_is_turned_on_begins_with_the_snapshot(start, data, tmp_path):
    put(os.path.join(data, "dump.rdb"), snapshot_bytes(start, tmp_path, ("SET", "b", "1"), ("SET", "c", "1")))
    loads(start, data, 2)


def test_another_name_of_the_directory_is_another_log(start, data):
    s = loads(start, data, 0)
    s.stop()
    s = start(directory=data, appendonly="yes", appenddirname="other")
    assert s.conn()("DBSIZE") == 0
    s.stop()
    assert sorted(os.listdir(data))[1:3] == ["appendonlydir", "other"]
    s = start(directory=data, appendonly="yes")
    assert s.conn()("DBSIZE") == 1


@pytest.mark.parametrize("name", ["appendonlydir", "dump.rdb", "LOCK"])
def test_a_file_for_a_directory_or_the_other_way_round_is_named(start, data, name):
    path = os.path.join(data, name)
    put(path) if name == "appendonlydir" else os.mkdir(path)
    refused(start, data, name, appendonly="yes" if name == "appendonlydir" else "no")


def test_a_directory_that_cannot_be_made_is_named(start, data, tmp_path):
    put(os.path.join(data, "file"))
    s = start(directory=str(tmp_path), dir=os.path.join(data, "file", "dir"), wait=False)
    assert s.wait_exit() == 1
    assert os.path.join(data, "file", "dir") in s.log()


def test_files_of_two_logs_do_not_mix(start, data, tmp_path):
    """Each in its place, under its own name, with sound checksums: and still not one history."""
    other = str(tmp_path / "second")
    os.mkdir(other)
    for directory in (data, other):
        s = start(directory=directory, appendonly="yes")
        assert s.conn()("SET", "k", directory) == OK
        s.stop()
    shutil.copy(glob.glob(log_dir(other, "*.incr.aof"))[0], glob.glob(log_dir(data, "*.incr.aof"))[0])
    refused(start, data, "belongs to the history of another log", "memd --repair")


def test_a_stock_server_and_memd_take_turns(start, stock_binary, data):
    for turn in range(3):
        for binary in (stock_binary, srv.MEMD.path):
            s = start(binary=binary, directory=data, appendonly="yes")
            c = s.conn()
            assert c("RPUSH", "turns", "x") == 2 * turn + (binary != stock_binary) + 1
            if turn == 1:
                assert isinstance(c("BGREWRITEAOF"), str)
                srv.wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0" and
                             c.info("persistence")["aof_rewrite_scheduled"] == "0")
            s.stop()
            os.unlink(s.log_path)
