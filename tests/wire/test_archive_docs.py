"""docs/archive.md: the tables are those of the file, and each query in it runs, beside memd and through ARCHIVE.SQL."""
import ctypes
import os
import random
import re
import sqlite3

import pytest

import server as srv
from resp import Err, OK

pytestmark = pytest.mark.memd_only

with open(os.path.join(srv.ROOT, "docs/archive.md")) as f:
    TEXT = f.read()
QUERIES = re.findall(r"```sql\n(.*?);\n```", TEXT, re.S)

CONF = """
port 0
appendonly yes
namespace chat:* archive expire,evict,delete,trim recall read
namespace profile:* archive delete,overwrite audit-log writes
namespace customer:* archive delete
"""
WORDS = [w.strip(".,:;()`") for w in TEXT.split() if w.isascii()]


def prose(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n)).replace('"', "'").replace("\\", "/")


@pytest.fixture(scope="module")
def s():
    s = srv.Server(conf=CONF)
    c, rng = s.conn(), random.Random(1)
    c("RPUSH", "chat:1", '{"role":"user","content":"I want a refund","user_id":"u42"}',
      '{"type":"ai","data":{"content":"For which order?"}}', "plain text")
    c("HSET", "customer:1", "email", "ada@example.org", "name", "Ada")
    c("SET", "profile:1", "one")
    c("SET", "profile:1", "two")
    c("SET", "customer:2", prose(rng, 10) * 20)  # compressed, and too few of these for a dictionary
    c("DEL", "chat:1", "customer:1", "customer:2", "profile:1")
    keys = ["chat:m%d" % i for i in range(2200)]  # enough for a dictionary
    c.pipeline([("SET", k, '{"role":"user","content":"%s"}' % prose(rng, 20)) for k in keys])
    c.pipeline([("DEL", k) for k in keys])
    assert c("ARCHIVE.FLUSH") == OK
    yield s
    s.stop()
    s.destroy()


@pytest.fixture
def db(s):
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(s.dir, "archive.db"), uri=True)
    yield db
    db.close()


def test_there_are_queries():
    assert len(QUERIES) >= 10


@pytest.mark.parametrize("sql", QUERIES, ids=range(1, len(QUERIES) + 1))
def test_each_query_finds_something_beside_memd_and_through_it(s, db, sql):
    rows = db.execute(sql).fetchall()
    assert rows
    with s.conn(resp3=True) as c:
        reply = c("ARCHIVE.SQL", sql)
    assert not isinstance(reply, Err), reply
    assert len(dict(reply)[b"rows"]) == len(rows)


def documented():
    """Tables and their columns: in a section of their own, or named in the first column."""
    found = {}
    for title, body in re.findall(r"^### ([^\n]*)\n(.*?)(?=^##)", TEXT, re.M | re.S):
        for row in re.findall(r"^\| `(\w+)` \|(?: `(\w+)` \|)?", body, re.M):
            table, column = row if row[1] else (title, row[0])
            found.setdefault(table, []).append(column)
    return found


def test_the_tables_and_columns_are_those_of_the_file(db):
    names = [n for n, in db.execute("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'"
                                    " and name not glob '*_fts_*'")]
    assert documented() == {n: [c for c, in db.execute("select name from pragma_table_info(?)", (n,))] for n in names}
    views = {n for n, in db.execute("select name from sqlite_schema where type = 'view'")}
    assert views == {"latest", "sessions"}
    assert db.execute("pragma user_version").fetchone() == (1,)


def test_the_settings_that_it_names_exist(s):
    with s.conn() as c:
        for name in set(re.findall(r"`(archive-[a-z-]+)", TEXT)):
            assert c("CONFIG", "GET", name) != [], name


def test_the_figures_that_it_names_exist(s):
    with s.conn() as c:
        assert set(re.findall(r"`(archive_[a-z_]+)`", TEXT)) <= set(c.info("archive"))


def expand(db, row):
    """As the document says: zstd alone, with the row's dictionary."""
    zstd = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_createDCtx", "ZSTD_decompress_usingDict"):
        getattr(zstd, name).restype = ctypes.c_void_p if "create" in name else ctypes.c_size_t
    zstd.ZSTD_decompress_usingDict.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                                               ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    zstd.ZSTD_freeDCtx.argtypes = [ctypes.c_void_p]
    codec, dictionary, size, value = row
    if codec == 0:
        return value
    data = db.execute("select data from dictionaries where id = ?", (dictionary,)).fetchone()[0] if dictionary else b""
    out, ctx = ctypes.create_string_buffer(size), zstd.ZSTD_createDCtx()
    n = zstd.ZSTD_decompress_usingDict(ctx, out, size, value, len(value), data, len(data))
    zstd.ZSTD_freeDCtx(ctx)
    assert n == size
    return out.raw


@pytest.mark.parametrize("codec, with_dictionary", [(0, False), (1, False), (1, True)])
def test_a_value_can_be_had_without_memd(s, db, codec, with_dictionary):
    key, *row = db.execute("select key, codec, dict, size, value from entries where codec = ? and (dict > 0) = ? "
                           "order by id desc", (codec, with_dictionary)).fetchone()
    with s.conn() as c:
        assert c("RESTORE", "copy", "0", expand(db, row), "REPLACE") == OK
        kind = c("TYPE", "copy")
        got = c("LRANGE", "copy", "0", "-1") if kind == b"list" else \
            c("HGETALL", "copy") if kind == b"hash" else c("GET", "copy")
        assert got == c("ARCHIVE.GET", key)


def test_a_backup_while_memd_writes_is_whole(s, db, tmp_path):
    """A copy that a write overtakes begins anew by itself: so it is overtaken a few times only."""
    steps = []

    def meanwhile(c):
        if len(steps) < 3:
            assert c("ARCHIVE.PUT", "profile:9") == 1 and c("ARCHIVE.FLUSH") == OK
        steps.append(1)

    with s.conn() as c, sqlite3.connect(tmp_path / "copy.db") as copy:
        c("SET", "profile:9", "x")
        n, = db.execute("select count(*) from entries").fetchone()
        db.backup(copy, pages=8, progress=lambda *_: meanwhile(c))
        assert len(steps) > 3
        assert copy.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert copy.execute("select count(*) from entries").fetchone() == (n + 3,)
        assert copy.execute("select count(*) from messages_fts where messages_fts match 'refund'").fetchone()[0] >= 1
