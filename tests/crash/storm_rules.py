"""Documents, indexes, JSON, vector sets and suggestions for storm.py: commands (lib/grammar.py) and their pools."""
import struct

COMMANDS = r"""
6x HSET doc hfields
2x HSET doc hfields hfields
2x HDEL doc hname
HINCRBYFLOAT doc n int
3x DEL ( doc | J )
2x EXPIRE ( doc | J ) ( 0 | 1000 )
RENAME doc doc
COPY doc doc REPLACE
RESTORE doc 0 payload REPLACE
5x JSON.SET J $ object
2x JSON.SET J path json ( NX | XX )?
2x JSON.MSET J $ object J path json
2x JSON.MERGE J path json
3x JSON.GET J ( path )*
JSON.MGET J J path
JSON.NUMINCRBY J path int
JSON.NUMMULTBY J path 1.5
JSON.STRAPPEND J path "x"
JSON.STRLEN J path
JSON.TOGGLE J path
JSON.CLEAR J ( path )?
2x JSON.ARRAPPEND J path json ( json )*
JSON.ARRINSERT J path int json
JSON.ARRINDEX J path json
JSON.ARRPOP J ( path ( int )? )?
JSON.ARRTRIM J path int int
( JSON.ARRLEN | JSON.OBJKEYS | JSON.OBJLEN | JSON.TYPE | JSON.RESP ) J ( path )?
2x JSON.DEL J ( path )?
JSON.DEBUG MEMORY J
3x FT.CREATE ix hashschema
3x FT.CREATE jx jsonschema
0.6x FT.DROPINDEX index
0.3x FT.DROPINDEX index DD
FT.ALTER ( ix ) SCHEMA ADD ( extra TEXT | more TAG | o2 NUMERIC SORTABLE )
0.5x FT.ALIASADD alias index
0.5x FT.ALIASUPDATE alias index
0.5x FT.ALIASDEL alias
8x FT.SEARCH index question searchopt
5x FT.AGGREGATE index question stages
2x FT.AGGREGATE index question stages WITHCURSOR COUNT 2 MAXIDLE 300
2x FT.CURSOR ( READ | READ | DEL ) index small
2x FT.HYBRID index SEARCH question VSIM @v $b ( LIMIT 0 small )? PARAMS 2 b blob
FT.PROFILE index SEARCH QUERY question
FT.EXPLAIN index question
FT.INFO index
FT.TAGVALS index g
FT.SPELLCHECK index question
FT.SYNUPDATE index small word word
FT.SYNDUMP index
FT._LIST
( FT.DICTADD | FT.DICTDEL ) dict word word
FT.DICTDUMP dict
2x FT.SUGADD U word int ( INCR | PAYLOAD word )*
FT.SUGGET U word ( FUZZY | WITHSCORES | MAX small )*
FT.SUGDEL U word
FT.SUGLEN U
6x VADD W FP32 blob name ( CAS )? ( Q8 | Q8 | NOQUANT | BIN )? ( SETATTR json )?
2x VREM W name
3x VSIM W ( FP32 blob | ELE name ) ( COUNT small | WITHSCORES | WITHATTRIBS | TRUTH | FILTER filter )*
VSETATTR W name json
( VGETATTR | VEMB | VLINKS | VISMEMBER ) W name
VRANDMEMBER W int
( VCARD | VDIM | VINFO ) W
VRANGE W - + small
3x BLPOP L L long
2x BLMOVE L L LEFT RIGHT long
2x BZPOPMIN Z long
2x XREAD BLOCK 200 STREAMS X $
XREADGROUP GROUP g a BLOCK 200 STREAMS X >
SUBSCRIBE ch word
0.5x PSUBSCRIBE ch*
0.3x SSUBSCRIBE ch
4x UNSUBSCRIBE
4x PUNSUBSCRIBE
2x SUNSUBSCRIBE
5x PUBLISH ch word
4x MULTI
8x EXEC
4x RESET
CLIENT TRACKING on
CLIENT TRACKING on BCAST PREFIX D
CLIENT TRACKING off
0.2x CLIENT KILL TYPE ( normal | pubsub ) SKIPME ( yes | no )
0.3x CLIENT PAUSE 20 ( WRITE | ALL )
0.5x CLIENT UNPAUSE
CLIENT UNBLOCK small
0.2x DEBUG RELOAD
0.1x DEBUG LOADAOF
0.3x BGSAVE
0.3x BGREWRITEAOF
0.03x SWAPDB 0 1
0.03x FLUSHALL ( ASYNC )?
0.05x FLUSHDB
2x CONFIG SET change
2x HELLO 3
HELLO 2
4x EVAL unseen 2 doc J word
"""

# What the daemon does with them must leave nothing wrong; the end of a storm sets them all back.
CHANGES = [(b"maxmemory", [b"0", b"0", b"6mb", b"12mb"]), (b"maxmemory-policy", [b"allkeys-lru", b"volatile-ttl", b"allkeys-random", b"noeviction"]),
           (b"maxmemory-clients", [b"0", b"1mb"]), (b"appendfsync", [b"always", b"everysec", b"no"]), (b"appendonly", [b"yes", b"yes", b"yes", b"no"]),
           (b"hash-max-listpack-entries", [b"4", b"512"]), (b"list-max-listpack-size", [b"4", b"-2"]), (b"set-max-listpack-entries", [b"3", b"128"]),
           (b"zset-max-listpack-entries", [b"3", b"128"]), (b"stream-node-max-entries", [b"3", b"100"]), (b"notify-keyspace-events", [b"", b"AKE"]),
           (b"lazyfree-lazy-user-del", [b"yes", b"no"]), (b"slowlog-log-slower-than", [b"0", b"10000"]), (b"user-limits", [b"", b"* 100000 0"]),
           (b"timeout", [b"0", b"5"]), (b"tracking-table-max-keys", [b"10", b"1000000"]), (b"client-query-buffer-limit", [b"1mb", b"1gb"])]

SCRIPTS = [b"redis.call('HSET', KEYS[1], 't', ARGV[1]) return redis.call('FT.SEARCH', 'ix0', ARGV[1])",
           b"redis.call('JSON.SET', KEYS[2], '$', '{\"t\":\"' .. ARGV[1] .. '\"}') return redis.pcall('FT.SEARCH', 'jx0', '*', 'NOCONTENT')",
           b"redis.call('DEL', KEYS[1]) redis.call('HSET', KEYS[1], 'g', ARGV[1]) return redis.call('DEL', KEYS[2])",
           b"return redis.pcall('FT.DROPINDEX', 'ix1', 'DD')"]

WORDS = [b"alpha", b"beta", b"gamma", b"running", b"runs", b"orrery", b"gears", b"caf\xc3\xa9", b"x", b"the", b"\xff\xfe", b"a\x00b"]


class Pools:
    """Words of the grammar above; a Grammar besides."""

    def _pickof(self, *of):
        return self.rng.choice(of)

    def _doc(self):
        return b"D%d" % self.rng.randrange(40)

    def _J(self):
        return b"J%d" % self.rng.randrange(20)

    def _U(self):
        return b"U%d" % self.rng.randrange(3)

    def _W(self):
        return b"W%d" % self.rng.randrange(4)

    def _ix(self):
        return b"ix%d" % self.rng.randrange(3)

    def _jx(self):
        return b"jx%d" % self.rng.randrange(2)

    def _alias(self):
        return b"alias%d" % self.rng.randrange(2)

    def _index(self):
        return self._pickof(self._ix, self._ix, self._jx, self._alias)()

    def _dict(self):
        return b"dict%d" % self.rng.randrange(2)

    def _name(self):
        return b"e%d" % self.rng.randrange(60)

    def _small(self):
        return b"%d" % self.rng.randrange(8)

    def _long(self):
        return self._pickof(b"0.1", b"0.3", b"0")

    def _word(self):
        return self.rng.choice(WORDS)

    def _words(self):
        return b" ".join(self._word() for _ in range(self.rng.randrange(1, 9)))

    def _blob(self):
        n = 4 if self.rng.random() < 0.97 else 3
        return struct.pack("<%df" % n, *(self.rng.choice([self.rng.uniform(-1, 1), float(self.rng.randrange(3))]) for _ in range(n)))

    def _place(self):
        return b"%.4f,%.4f" % (self.rng.uniform(-180, 180), self.rng.uniform(-85, 85))

    def _hname(self):
        return self._pickof(b"t", b"g", b"n", b"loc", b"v", b"extra")

    def _hfields(self):
        values = {b"t": self._words, b"g": lambda: b",".join(self._word() for _ in range(3)), b"n": lambda: b"%d" % self.rng.randrange(-50, 50),
                  b"loc": self._place, b"v": self._blob, b"extra": self._words}
        out = []
        for name in self.rng.sample(sorted(values), self.rng.randrange(1, 5)):
            out += [name, values[name]() if self.rng.random() < 0.97 else b"nonsense"]
        return out

    def _hashschema(self):
        return [b"ON", b"HASH", b"PREFIX", b"1", self._pickof(b"D", b"D1", b"")] + self._schema("")

    def _jsonschema(self):
        return [b"ON", b"JSON", b"PREFIX", b"1", self._pickof(b"J", b"J1")] + self._schema("$.")

    def _schema(self, root):
        def field(name, *words):
            return ([root + name, "AS", name] if root else [name]) + list(words)

        vector = self._pickof(["FLAT", "6"], ["HNSW", "6"]) + ["TYPE", "FLOAT32", "DIM", "4", "DISTANCE_METRIC", self._pickof("L2", "COSINE", "IP")]
        all_ = [field("t", "TEXT", *self._pickof([], ["NOSTEM"], ["SORTABLE"], ["WITHSUFFIXTRIE"], ["WEIGHT", "2"])),
                field("g", "TAG", *self._pickof([], ["SORTABLE"], ["SEPARATOR", ","])), field("n", "NUMERIC", *self._pickof([], ["SORTABLE"])),
                field("loc", "GEO"), field("v", "VECTOR", *vector)]
        picked = self.rng.sample(all_, self.rng.randrange(1, 6))
        return [w.encode() for w in ["SCHEMA"] + [w for f in picked for w in f]]

    def _question(self):
        r = self.rng.random()
        if r < 0.2:
            return b"*"
        if r < 0.35:
            return self._words()
        return self._pickof(b"@t:(alpha|beta) -gamma", b"@g:{alpha|beta}", b"@n:[-10 20]", b"@n:[(0 inf] @t:al*", b"@loc:[0 0 4000 km]", b"run*", b"%alpha%",
                            b"\"alpha beta\"", b"~orrery gears", b"-@g:{x}", b"@t:alpha => {$weight: 3}", b"@nosuch:x", b"(", b"@t:w'*a*'",
                            b"*=>[KNN 3 @v $b]")

    def _searchopt(self):
        out = []
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            out += self._pickof([b"NOCONTENT"], [b"WITHSCORES"], [b"LIMIT", self._small(), self._small()], [b"RETURN", b"2", b"t", b"n"],
                                [b"SORTBY", b"n", b"DESC"], [b"SORTBY", b"t"], [b"VERBATIM"], [b"HIGHLIGHT"], [b"SUMMARIZE"], [b"SLOP", b"2"], [b"TIMEOUT", b"1"])
        return out + [b"PARAMS", b"2", b"b", self._blob(), b"DIALECT", b"2"]

    def _stages(self):
        out = []
        for _ in range(self.rng.choice([0, 1, 2, 3])):
            out += self._pickof([b"LOAD", b"*"], [b"LOAD", b"2", b"@t", b"@n"], [b"APPLY", b"@n * 2", b"AS", b"m"], [b"FILTER", b"@n > 0"],
                                [b"GROUPBY", b"1", b"@g", b"REDUCE", b"COUNT", b"0", b"AS", b"c"], [b"SORTBY", b"2", b"@n", b"DESC"],
                                [b"GROUPBY", b"0", b"REDUCE", b"TOLIST", b"1", b"@t"], [b"LIMIT", b"0", self._small()])
        return out + [b"PARAMS", b"2", b"b", self._blob(), b"DIALECT", b"2"]

    def _path(self):
        return self._pickof(b"$", b".", b"$.t", b"$.n", b"$.list", b"$.list[0]", b"$.deep.a", b"$..a", b"$.*", b"$.list[?(@>1)]", b".t", b"$.nosuch", b"$[")

    def _json(self):
        return self._pickof(b"1", b"-2.5", b"true", b"null", b'"alpha beta"', b"[1,2,3]", b'{"a":1}', b'[{"a":[1]},"x"]', b'"\\u00e9"', b"{", b"[" * 200)

    def _object(self):
        r = self.rng
        return (b'{"t":"%s","g":"%s","n":%d,"loc":"%s","v":[%s],"list":[1,2,3,"x"],"deep":{"a":{"a":%d}}}' % (
            r.choice([b"alpha beta", b"gamma", b"running orrery"]), r.choice([b"x", b"alpha", b"beta"]), r.randrange(-50, 50), self._place(),
            b",".join(b"%.3f" % r.uniform(-1, 1) for _ in range(r.choice([4, 4, 4, 4, 3]))), r.randrange(10)))

    def _filter(self):
        return self._pickof(b".a > 0", b".a == 1 and .a < 5", b"'x' in .list", b"not .nosuch", b"(")

    def _change(self):
        name, values = self.rng.choice(CHANGES)
        return [name, self.rng.choice(values)]

    def _unseen(self):
        return [self.rng.choice(SCRIPTS)]
