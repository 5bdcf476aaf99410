"""What takes long, for storm.py: documents of megabytes, which are worked on aside; large vector sets, thousands of keys and documents of
an index, which are gone through in slices. And whatever may become of them meanwhile."""
import json

from storm_rules import Pools

COMMANDS = r"""
16x JSON.SET BJ $ large
2x JSON.SET BJ within json ( NX | XX )?
JSON.SET BJ ( $.deep | $.more | .items[7] ) large ( NX | XX )?
JSON.MSET BJ $ large BJ $.a json J $ object
6x JSON.GET BJ ( within )*
JSON.MGET BJ BJ J within
3x JSON.NUMINCRBY BJ within 1
JSON.NUMMULTBY BJ $..n 2
JSON.STRAPPEND BJ $..s "x"
2x JSON.ARRAPPEND BJ within 1 json
JSON.ARRINSERT BJ within 0 json
JSON.ARRPOP BJ within
JSON.STRAPPEND BJ .t "x"
JSON.ARRTRIM BJ within 1 50
JSON.TOGGLE BJ within
JSON.CLEAR BJ within
JSON.MERGE BJ within json
JSON.MERGE BJ $ large
2x JSON.DEL BJ within
0.3x JSON.DEL BJ
( JSON.RESP | JSON.OBJKEYS | JSON.OBJLEN | JSON.TYPE | JSON.ARRLEN | JSON.STRLEN ) BJ within
JSON.DEBUG MEMORY BJ within
JSON.ARRINDEX BJ within 3
0.3x SET BJ x
0.7x ( DEL | UNLINK ) ( BJ | VL )
RENAME ( BJ BJ | VL VL | BJ J )
2x COPY ( BJ BJ | VL VL | VL VL DB 1 ) ( REPLACE )?
0.2x MOVE BJ 1
0.7x PEXPIRE ( BJ | VL ) ( 0 | 3 | 40 | 100000 )
PERSIST BJ
2x DUMP ( BJ | VL )
OBJECT ENCODING BJ
MEMORY USAGE ( BJ | VL )
WATCH ( BJ | VL | J )
7x RESTORE VL 0 vectors REPLACE
3x VADD VL FP32 blob name Q8 EF 4 ( SETATTR json )? M 4
2x VREM VL name
VSETATTR VL name json
4x VSIM VL ( FP32 blob | ELE name ) COUNT ( 10 | 3000 ) ( TRUTH | WITHSCORES | WITHATTRIBS )* ( FILTER filter )?
2x VRANGE VL - + ( 3000 )?
2x VRANDMEMBER VL ( 2500 | -4000 )
( VINFO | VCARD ) VL
4x EVAL filling 1 M
2x UNLINK.MATCH ( M* | M*7 | M1* ) COUNT ( 100 | 700 | 100000 )
0.1x UNLINK.MATCH * COUNT 100000
KEYS ( M* | *7 | M1* )
SCAN 0 MATCH M* COUNT 1000
5x FT.CREATE mx ON HASH PREFIX 1 M SCHEMA g TAG n NUMERIC ( SORTABLE )? t TEXT v VECTOR ( FLAT | HNSW ) 6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2
4x FT.CREATE bx ON JSON PREFIX 1 B SCHEMA $.items[*].name AS g TAG $.n AS n NUMERIC $.t AS t TEXT
0.4x FT.DROPINDEX ( mx | bx ) ( DD )?
2x FT.TAGVALS ( mx | bx ) g
FT.ALTER ( mx | bx ) SCHEMA ADD ( x1 TAG | x2 NUMERIC | x3 TEXT )
3x FT.SEARCH ( mx | bx | mx ) question searchopt
FT.SEARCH mx * LIMIT 0 2000
FT.SEARCH mx knn NOCONTENT PARAMS 2 b blob DIALECT 2
FT.HYBRID mx SEARCH question VSIM @v $b LIMIT 0 500 PARAMS 2 b blob
2x HSET overwritten n int v blob
3x FT.AGGREGATE mx question stages ( WITHCURSOR COUNT 100 MAXIDLE 300 )?
FT.AGGREGATE mx * LOAD 1 @g GROUPBY 1 @g REDUCE COUNT 0 WITHCURSOR COUNT 50
FT.CURSOR ( READ | DEL ) mx small
0.6x BGSAVE
0.6x BGREWRITEAOF
0.2x DEBUG RELOAD
0.05x DEBUG LOADAOF
0.07x FLUSHALL ( ASYNC )?
0.5x DEBUG ASIDE-PAUSE yes
1.5x DEBUG ASIDE-PAUSE no
0.4x CLIENT PAUSE 30 ( WRITE | ALL )
0.6x CLIENT UNPAUSE
2x CLIENT UNBLOCK clientid ( ERROR | TIMEOUT )?
1.5x CLIENT KILL ID clientid
2x MULTI
5x EXEC
2x EVAL longwork 2 BJ VL
CONFIG SET maxmemory ( 0 | 0 | 48mb | 96mb )
"""

SCRIPTS = [b"redis.pcall('JSON.NUMINCRBY', KEYS[1], '$..n', '1') return #redis.pcall('JSON.GET', KEYS[1])",
           b"return {redis.pcall('VSIM', KEYS[2], 'ELE', 'e1', 'COUNT', 3000, 'TRUTH'), redis.pcall('DEL', KEYS[1])}",
           b"redis.pcall('COPY', KEYS[2], KEYS[2] .. 'x', 'REPLACE') return redis.pcall('JSON.SET', KEYS[1], '$.a', '[1]')"]
FILLING = (b"for i = 1, 1500 do redis.pcall('HSET', KEYS[1] .. i, 'g', 'tag' .. i * 7 % 1100, 'n', i, 't', 'alpha beta ' .. i,"
           b" 'v', struct.pack('<ffff', i % 13, i % 7, i % 29, 1)) end")
SIZES = [40_000] * 4 + [300_000] * 4 + [1_200_000] * 2 + [6_000_000]


def document(n, rng):
    """About n bytes of it."""
    items = [{"id": i, "name": "name %d" % rng.randrange(10000), "n": i, "s": "x\\\"\n[", "list": [1, "a", {"a": None}], "x": {"a": True}}
             for i in range(n // 90)]
    return json.dumps({"t": "alpha beta", "n": n, "a": 1, "list": list(range(50)), "items": items, "deep": {"a": {"a": 3}}}).encode()


def vectors(c):
    """What DUMP says of a set of so many elements that much about it goes on in slices."""
    for at in range(0, 4000, 1000):
        c.pipeline([("VADD", "V", "VALUES", 4, i % 101 - 50, i % 89 - 44, i % 97 - 48, 1, "n%d" % i, "EF", 4, "M", 4) for i in range(at, at + 1000)])
    text = c("DUMP", "V")
    c("DEL", "V")
    return text


class LargePools(Pools):
    vectors = b""  # what DUMP says of a large set; a storm fills it
    texts = None
    newest = 0     # clients that have connected

    def _BJ(self):
        return b"B%d" % self.rng.randrange(3)

    def _VL(self):
        return b"V%d" % self.rng.randrange(2)

    def _M(self):
        return b"M"

    def _large(self):
        if self.texts is None:
            self.texts = [document(n, self.rng) for n in SIZES]
        text = self.rng.choice(self.texts)
        return text if self.rng.random() < 0.95 else text[:-self.rng.randrange(1, 1000)]

    def _within(self):
        return self.rng.choice([b"$..n", b"$.items", b"$.items[*].list", b"$.items[3:90].x", b"$..*", b"$..a", b".", b"$.items[?(@.n>100)].name",
                                b"$.items[-1].s", b"$.list", b"$..list", b"$.deep", b".items[7]", b"$.none"])

    def _vectors(self):
        return self.vectors

    def _overwritten(self):
        return b"M%d" % self.rng.randrange(1500)

    def _knn(self):
        return self.rng.choice([b"*=>[KNN 700 @v $b]", b"@n:[100 900]=>[KNN 50 @v $b]", b"@v:[VECTOR_RANGE 9 $b]"])

    def _filling(self):
        return FILLING

    def _longwork(self):
        return self.rng.choice(SCRIPTS)

    def _clientid(self):
        """One of the last few."""
        return b"%d" % max(1, self.newest - self.rng.randrange(-3, 12))
