"""Namespaces and the archive for soak.py: rules that come and go over its keys, commands that ask the archive,
settings of it, and what its file has to be like when all is over."""
import sqlite3

# At the start, so that every key has rules. They change from then on.
NAMESPACES = [
    "* archive expire,evict,delete,overwrite,trim recall read versions 20",
    "many:* archive expire,evict recall read policy allkeys-lru maxkeys 20000 ttl 30 jitter 10 retain 60",
    "many:1* archive expire,evict,delete recall read maxmemory 2mb policy allkeys-random ttl 20 sliding yes versions 2 durability no",
    "big:* archive expire,overwrite,trim recall read maxlen 50 reserve 1mb audit-log writes",
    "L* archive trim,delete,evict recall read maxlen 20 audit-log admin,writes,reads durability always",
    "H* archive expire,evict,overwrite recall read ttl 5 sliding yes versions 3 retain 10",
    "X* archive trim,evict,expire recall read maxlen 30 maxvalue 64kb",
]

COMMANDS = r"""
6x RPUSH many message message message
2x SET many talk
2x XADD X * role user content words
HSET many field words field words
4x GET many
4x LRANGE many int -1
2x EXISTS many many many
3x MGET many many many
ARCHIVE.PUT any
2x ARCHIVE.PUT many many
2x ARCHIVE.MOVE any
4x ARCHIVE.MOVE many many many
3x ARCHIVE.GET any ( VERSION small | AT far )?
2x ARCHIVE.GET many
2x ARCHIVE.RECALL any ( VERSION small | AT far )? ( REPLACE )? ( TTL short )?
ARCHIVE.RECALL many REPLACE
2x ARCHIVE.VERSIONS any ( BEFORE small )? ( COUNT small )?
ARCHIVE.LIST ( MATCH scope )? ( COUNT small )?
0.5x ARCHIVE.SEARCH words ( MATCH scope )? ( ROLE role )? ( LIMIT 0 small )? ( HIGHLIGHT )?
0.2x ARCHIVE.SEARCH words WHERE n > small
0.5x ARCHIVE.SQL query
0.1x ARCHIVE.SQL endless
ARCHIVE.STATS
0.5x ARCHIVE.FLUSH TIMEOUT short
0.3x ARCHIVE.DROP any
0.05x ARCHIVE.DROP MATCH scope
0.2x NAMESPACE SET scope rule
0.2x NAMESPACE SET scope rule rule rule
0.1x NAMESPACE DEL scope
NAMESPACE GET scope
NAMESPACE LIST
NAMESPACE STATS
0.1x AUDIT.VERIFY
"""

QUERIES = [b"select count(*) from entries", b"select key, role, content from messages join entries on entries.id = entry limit 50",
           b"select * from sessions limit 20", b"select * from applied", b"select no such thing",
           b"select namespace, reason, count(*), sum(size) from entries group by 1, 2", b"select * from audit order by id desc limit 10",
           b"select count(*) from messages_fts where messages_fts match 'alpha'", b"select zeroblob(9000000)"]
SCOPES = [b"*", b"many:*", b"many:1*", b"many:2*", b"many:33*", b"big:*", b"K*", b"L*", b"H*", b"S*", b"Z*", b"X*", b"K[01]", b"*1", b""]
RULES = [("ttl", ["0", "1", "5", "60", "300ms"]), ("jitter", ["0", "10", "100"]), ("sliding", ["yes", "no"]), ("maxlen", ["0", "1", "10", "100"]),
         ("maxkeys", ["0", "2", "1000", "20000"]), ("maxmemory", ["0", "64kb", "1mb", "8mb"]), ("maxvalue", ["0", "1kb", "64kb"]),
         ("policy", ["noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "volatile-random"]),
         ("reserve", ["0", "1mb", "16mb"]), ("archive", ["none", "expire", "evict,expire", "delete", "overwrite,trim",
                                                         "expire,evict,delete,overwrite,trim"]),
         ("recall", ["never", "read", "read", "read"]), ("retain", ["0", "1", "10", "1d"]), ("versions", ["0", "1", "5"]),
         ("durability", ["always", "everysec", "no", "as-set"]), ("audit-log", ["none", "admin", "writes,reads", "admin,writes,reads"]),
         ("nonsense", ["1"])]

SETTINGS = [("archive-queue-size", "1mb"), ("archive-queue-size", "64mb"), ("archive-on-full", "refuse"), ("archive-on-full", "drop"),
            ("archive-max-value", "1kb"), ("archive-max-value", "32mb"), ("archive-compression", "yes"), ("archive-compression", "no"),
            ("archive-messages", "yes"), ("archive-messages", "no"), ("archive-max-size", "0"), ("archive-max-size", "16mb"),
            ("archive-timeout", "1"), ("archive-timeout", "50"), ("archive-timeout", "1000"), ("archive-timeout", "20000"),
            ("archive-recall-ttl", "0"), ("archive-recall-ttl", "2"), ("archive-query-timeout", "1"), ("archive-query-timeout", "100"),
            ("archive-query-timeout", "2000"), ("archive-query-rows", "3"), ("archive-query-rows", "10000")]


class Pools:
    """Words of the grammar above; a Grammar besides."""

    def _message(self):
        r = self.rng
        return b'{"role": "%s", "content": "%s", "n": %d}' % (r.choice([b"user", b"assistant", b"tool"]), self._words(), r.randrange(100))

    def _talk(self):
        return b"[%s]" % b", ".join(self._message() for _ in range(self.rng.randrange(1, 8)))

    def _words(self):
        return b" ".join(self.rng.choice([b"alpha", b"beta", b"gamma", b"refund", b"caf\xc3\xa9", b"\xff\xfe", b"NEAR", b'"x'])
                         for _ in range(self.rng.randrange(1, 12)))

    def _small(self):
        return b"%d" % self.rng.randrange(8)

    def _role(self):
        return self.rng.choice([b"user", b"assistant", b"nobody"])

    def _query(self):
        return self.rng.choice(QUERIES)

    def _endless(self):
        return b"with recursive r(n) as (select 1 union all select n + 1 from r) select max(n) from r"

    def _scope(self):
        return self.rng.choice(SCOPES)

    def _rule(self):
        name, values = self.rng.choice(RULES)
        return [name.encode(), self.rng.choice(values).encode()]


def reset(admin):
    """The rules of the start, an archive that has nothing to do and little in it."""
    admin("DEBUG", "ARCHIVE-PAUSE", "no")
    for name, value in (("archive-queue-size", "64mb"), ("archive-on-full", "drop"), ("archive-max-size", "0"), ("archive-timeout", "1000"),
                        ("archive-query-timeout", "5000"), ("archive-max-value", "32mb")):
        admin("CONFIG", "SET", name, value)
    for row in admin("NAMESPACE", "LIST"):
        admin("NAMESPACE", "DEL", row[0] if isinstance(row, list) else row)
    flushed = admin("ARCHIVE.FLUSH")
    assert not isinstance(flushed, Exception), flushed
    dropped = admin("ARCHIVE.DROP", "MATCH", "*")
    assert isinstance(dropped, int), dropped


def set_rules(admin):
    for line in NAMESPACES:
        got = admin("NAMESPACE", "SET", *line.split())
        assert not isinstance(got, Exception), (line, got)


def check_file(path):
    """What holds for an archive whose daemon has ended, whatever was done with it."""
    db = sqlite3.connect(path)
    db.text_factory = bytes

    def rows(sql):
        return db.execute(sql).fetchall()

    def none(sql):
        assert rows(sql) == [], (sql, rows(sql)[:5])

    assert rows("pragma integrity_check") == [(b"ok",)], rows("pragma integrity_check")[:5]
    none("select db, key, count(*) from entries where live group by db, key having count(*) > 1")
    none("select db, key, version, count(*) from entries group by db, key, version having count(*) > 1")
    none("select id from messages where entry not in (select id from entries)")
    none("select id from fields where entry not in (select id from entries)")
    none("select id from entries where dict <> 0 and dict not in (select id from dictionaries)")
    meta = dict(rows("select name, value from meta"))
    for name in (b"entries", b"messages", b"fields"):
        assert int(meta[name]) == rows("select count(*) from " + name.decode())[0][0], (name, meta)
    assert int(meta[b"live"]) == rows("select count(*) from entries where live")[0][0], meta
    for table in ("messages_fts", "fields_fts"):
        # The index in itself: what is no UTF-8 has a row and is left out of it, on purpose.
        db.execute("insert into %s(%s) values ('integrity-check')" % (table, table))
    audit = rows("select count(*), max(id) from audit")[0]
    assert audit[1] is None or audit[0] == audit[1], audit
    db.close()
