"""The audit log: who did what, chained by hashes."""
import hashlib
import os
import sqlite3

import pytest
from resp import OK, Err

AUDITED = ["acct:* audit-log writes", "vault:* audit-log reads,writes", "root:* audit-log admin"]


@pytest.fixture
def s(start):
    return start(appendonly="yes", namespace=AUDITED)


def rows(s, c, columns="user, db, namespace, command, keys, status"):
    """What the log holds, once all that was told so far is in it."""
    assert not isinstance(c("ARCHIVE.FLUSH"), Err)
    with sqlite3.connect("file:%s?mode=ro" % os.path.join(s.dir, "archive.db"), uri=True) as db:
        return db.execute("SELECT %s FROM audit ORDER BY id" % columns).fetchall()


def verify(c, *options):
    got = c("AUDIT.VERIFY", *options)
    return {got[i].decode(): got[i + 1] for i in range(0, len(got), 2)}


def test_writes_reads_and_administration_are_told_where_they_are_asked_for(s):
    c = s.conn()
    assert c("ACL", "SETUSER", "ada", "on", ">pw", "~*", "+@all") == OK
    c("SET", "acct:1", "10"), c("GET", "acct:1"), c("SET", "other", "x")
    c("MSET", "acct:2", "a", "vault:1", "b", "vault:2", "c"), c("GET", "vault:1")
    ada = s.conn()
    assert ada("AUTH", "ada", "pw") == OK and ada("SELECT", "3") == OK
    ada("LPUSH", "acct:1", "x"), ada("INCR", "vault:n"), ada("LPUSH", "vault:n", "wrong type")
    assert ada("EVAL", "return redis.call('DEL', KEYS[1])", 1, "acct:1") == 1
    got = rows(s, c)
    assert got == [
        ("default", 0, "", "acl|setuser", "[]", "ok"),
        ("default", 0, "acct:*", "set", '["acct:1"]', "ok"),
        ("default", 0, "acct:*", "mset", '["acct:2"]', "ok"),
        ("default", 0, "vault:*", "mset", '["vault:1", "vault:2"]', "ok"),
        ("default", 0, "vault:*", "get", '["vault:1"]', "ok"),
        ("ada", 3, "acct:*", "lpush", '["acct:1"]', "ok"),
        ("ada", 3, "vault:*", "incr", '["vault:n"]', "ok"),
        ("ada", 3, "vault:*", "lpush", '["vault:n"]', "error"),
        ("ada", 3, "acct:*", "del", '["acct:1"]', "ok"),
    ]
    assert verify(c) == {"ok": 1, "checked": 9, "first": 1, "last": 9, "broken": 0, "reason": b""}


def test_hashes_tell_the_values_apart_and_secrets_have_none(s):
    c = s.conn()
    c("SET", "acct:1", "10"), c("SET", "acct:1", "10"), c("SET", "acct:1", "11"), c("CONFIG", "SET", "requirepass", "")
    a, b, other, secret = [h for h, in rows(s, c, "value_hash")]
    assert a == b == hashlib.sha256(b"6:acct:1,2:10,").hexdigest() and other != a and secret == ""


def test_keys_are_told_as_json_whatever_their_bytes(s):
    c = s.conn()
    c("SET", b'acct:"\\\n\xff\xc3\xa9', "1"), c("SET", b"acct:" + b"k" * 2000, "1")
    one, long = [k for k, in rows(s, c, "keys")]
    assert one == '["acct:\\"\\\\\\u000a\\u00ff\\u00c3\\u00a9"]' and long == '["acct:%s..."]' % ("k" * 507)


def test_the_chain_can_be_followed_by_anybody(s):
    c = s.conn()
    for i in range(5):
        c("SET", "acct:%d" % i, "v")
    columns = "id, at, user, address, db, namespace, command, keys, value_hash, status, previous, hash"
    before = ""
    for row in rows(s, c, columns):
        assert row[10] == before
        told = b"".join(b"%d:%s," % (len(str(x).encode()), str(x).encode()) for x in row[:11])
        before = hashlib.sha256(told).hexdigest()
        assert row[11] == before


@pytest.mark.parametrize("change, broken, reason", [
    ("UPDATE audit SET command = 'get' WHERE id = 3", 3, b"it was changed: its hash is another"),
    ("DELETE FROM audit WHERE id = 3", 3, b"rows are missing"),
    ("DELETE FROM audit WHERE id = 1", 1, b"rows are missing at the beginning"),
    ("DELETE FROM audit WHERE id >= 4", 4, b"rows are missing at the end"),
    ("UPDATE audit SET at = at + 1, hash = 'x' WHERE id = 5", 5, b"it was changed: its hash is another"),
])
def test_a_log_that_was_tampered_with_does_not_verify(s, change, broken, reason):
    c = s.conn()
    for i in range(5):
        c("SET", "acct:%d" % i, "v")
    rows(s, c)
    s.stop()
    with sqlite3.connect(os.path.join(s.dir, "archive.db")) as db:
        db.execute(change)
    db.close()
    s.start()
    got = verify(s.conn())
    assert (got["ok"], got["broken"], got["reason"]) == (0, broken, reason)


def test_a_part_of_the_log_is_verified(s):
    c = s.conn()
    for i in range(10):
        c("SET", "acct:%d" % i, "v")
    assert verify(c, "FROM", 3, "COUNT", 4) == {"ok": 1, "checked": 4, "first": 3, "last": 6, "broken": 0, "reason": b""}
    assert c("AUDIT.VERIFY", "FROM") == Err("ERR syntax error") and c("AUDIT.VERIFY", "COUNT", "x") == Err(
        "ERR value is not an integer or out of range")


def test_records_come_exactly_once_across_kills(s):
    c = s.conn()
    for i in range(30):
        assert c("SET", "acct:%d" % i, "v") == OK
        if i % 10 == 9:
            s.restart(kill=True)
            c = s.conn()
    assert [k for k, in rows(s, c, "keys")] == ['["acct:%d"]' % i for i in range(30)]
    assert verify(c)["ok"] == 1


def test_it_is_off_by_default(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SET", "a", "1"), c("CONFIG", "SET", "hz", "20")
    assert verify(c)["checked"] == 0 and not rows(s, c)
