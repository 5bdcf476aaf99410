"""What goes on in slices between turns, for storm.py: sets, sorted sets, hashes, lists, streams and strings so large that telling, copying,
loading and combining them takes long; draws, sorts, removals; messages that many share; long texts of an index. And whatever becomes of
them meanwhile."""
from storm_large import LargePools

N = 9000
COMMANDS = r"""
90x RESTORE big REPLACE
6x DUMP bany
6x COPY bany bany ( REPLACE )?
2x COPY bany bany DB 1 REPLACE
4x ( SINTER | SUNION | SDIFF ) bs bs
6x ( SINTERSTORE | SUNIONSTORE | SDIFFSTORE ) bs bs bs
SINTERCARD 2 bs bs ( LIMIT 5000 )?
4x ( ZUNION | ZINTER | ZDIFF ) 2 zs2 zs2 ( WITHSCORES )?
6x ( ZUNIONSTORE | ZINTERSTORE | ZDIFFSTORE ) bz 2 zs2 zs2
ZINTERCARD 2 zs2 zs2
3x ZRANGESTORE bz bz ( 0 -1 | 5 8000 REV )
3x ZRANGE bz ( 0 -1 | 100 8000 REV ) ( WITHSCORES )?
4x SORT ( bs | bl | bz ) ( ALPHA | DESC | BY nosort | BY M*->n | GET M*->t | GET # | LIMIT 10 5000 )*
4x SORT ( bs | bl | bz ) ( BY M*->n | ALPHA ) STORE ( bl | bs )
3x SRANDMEMBER bs ( 6000 | -20000 )
3x ZRANDMEMBER bz ( 6000 | -20000 ) ( WITHSCORES )?
3x HRANDFIELD bh ( 6000 | -20000 ) ( WITHVALUES )?
2x SPOP bs ( 5000 | 8990 )
2x ( ZPOPMIN | ZPOPMAX ) bz ( 5000 | 8990 )
ZREMRANGEBYRANK bz ( 5 -5 | 0 4000 )
ZREMRANGEBYSCORE bz 10 7000
LTRIM bl ( 5 -5 | 4000 -1 )
( LPOP | RPOP ) bl 5000
XTRIM be MAXLEN 10
3x ( HGETALL | HKEYS | HVALS ) bh
3x ( SMEMBERS bs | LRANGE bl 0 -1 )
2x ( SMISMEMBER bs n1 n2 n3 | HMGET bh n1 n2 | ZSCORE bz n4 )
3x ( XRANGE be - + | XREVRANGE be + - | XREAD STREAMS be 0 )
2x XPENDING be g - + 5000
2x XREADGROUP GROUP g ( a | b ) COUNT 4000 STREAMS be ( > | 0 )
XCLAIM be g c 0 1-1 2-1 3-1
XAUTOCLAIM be g c 0 0 COUNT 3000
XACK be g 4-1 5-1 6-1
XGROUP DESTROY be g
3x ( GET bt | GETRANGE bt 5 -5 | GETDEL bt | GETEX bt PERSIST )
2x MGET bt bt bt bt
2x ( BITCOUNT bt | BITPOS bt 1 | BITPOS bt 0 )
BITOP ( AND | OR | NOT ) bt bt
2x ( SETBIT bt 40000000 1 | SETRANGE bt 3000000 x | APPEND bt tail | SETRANGE bt 9 y )
( LCS bt bt | STRLEN bt )
( PFCOUNT bt bt | PFMERGE bt bt )
3x ( SADD bs newword | SREM bs n5 n6 | SMOVE bs bs n7 )
3x ( ZADD bz 7 newword | ZREM bz n5 n6 | ZINCRBY bz -400 n9 )
3x ( HSET bh newword x | HDEL bh n5 n6 | HINCRBY bh count 1 )
2x HPEXPIRE bh ( 0 | 5 | 60 | 100000 ) FIELDS 3 n10 n11 n12
3x ( RPUSH bl newword | LSET bl 4000 x | LINSERT bl BEFORE n50 x | LREM bl 1 n60 )
2x ( XADD be * a b | XDEL be 700-1 | XSETID be 99999999-1 )
2x ( DEL | UNLINK ) bany
1x SET bany x
2x RENAME bany bany
MOVE bany 1
2x PEXPIRE bany ( 2 | 20 | 100000 )
PERSIST bany
2x WATCH bany
( MEMORY USAGE bany SAMPLES 0 | OBJECT ENCODING bany | DEBUG OBJECT bany )
( SSCAN bs 0 COUNT 20000 | HSCAN bh 0 COUNT 20000 | ZSCAN bz 0 COUNT 20000 )
0.3x SWAPDB 0 1
0.1x FLUSHALL ( ASYNC | SYNC )?
0.1x FLUSHDB
4x MULTI
8x EXEC
0.4x DISCARD
4x EVAL sliced 3 bs bz bh
2x CLIENT UNBLOCK clientid ( ERROR | TIMEOUT )?
2x CLIENT KILL ID clientid
0.5x CLIENT PAUSE ( 5 | 30 ) ( WRITE | ALL )
CLIENT UNPAUSE
3x SUBSCRIBE ch ch2 word
PSUBSCRIBE ch*
( UNSUBSCRIBE | PUNSUBSCRIBE )
8x PUBLISH ( ch | ch2 ) message
CLIENT REPLY ( ON | OFF | SKIP | SKIP )
2x CLIENT REPLY ON
2x HELLO ( 2 | 3 )
CLIENT NO-EVICT ( on | off )
CLIENT TRACKING on BCAST
CLIENT TRACKING off
3x CONFIG SET squeeze
3x EVAL filling 1 M
4x HSET overwritten n int t longtext
2x HSET overwritten t longtext
2x EXPIRE overwritten ( 0 | 1000 )
2x ( DEL overwritten | RENAME overwritten overwritten | PEXPIRE overwritten 5 )
3x FT.CREATE mx ON HASH PREFIX 1 M SCHEMA g TAG n NUMERIC SORTABLE t TEXT ( PHONETIC dm:en | WITHSUFFIXTRIE )?
0.5x FT.DROPINDEX mx ( DD )?
FT.ALTER mx SCHEMA ADD ( x1 TAG | x2 NUMERIC | x3 TEXT )
2x FT.SYNUPDATE mx small word word ( alpha | beta )
FT.SYNDUMP mx
4x FT.SEARCH mx exact ( NOCONTENT | VERBATIM | LIMIT 0 3000 | WITHSCORES )*
FT.EXPLAIN mx exact
0.6x BGSAVE
0.6x BGREWRITEAOF
0.2x DEBUG RELOAD
0.05x DEBUG LOADAOF
"""

SCRIPTS = [b"return {#redis.pcall('SUNION', KEYS[1], KEYS[1]), redis.pcall('ZUNIONSTORE', KEYS[2], 2, KEYS[2], KEYS[1])}",
           b"redis.pcall('COPY', KEYS[1], KEYS[1] .. 'x', 'REPLACE') return redis.pcall('DEL', KEYS[3])",
           b"redis.pcall('RENAME', KEYS[2], KEYS[2] .. 'y') return #redis.pcall('DUMP', KEYS[3])",
           b"return redis.pcall('SORT', KEYS[1], 'ALPHA', 'STORE', KEYS[3])"]
SQUEEZE = [(b"maxmemory", [b"0", b"0", b"0", b"0", b"48mb"]), (b"maxmemory-clients", [b"0", b"0", b"1mb", b"8mb"]),
           (b"maxmemory-policy", [b"allkeys-lru", b"volatile-ttl", b"allkeys-random", b"noeviction"]),
           (b"client-output-buffer-limit", [b"normal 0 0 0", b"normal 1mb 100kb 1", b"pubsub 200kb 100kb 1", b"pubsub 32mb 8mb 60"]),
           (b"appendfsync", [b"always", b"everysec", b"no"]), (b"lazyfree-lazy-user-del", [b"yes", b"no"]),
           (b"lazyfree-lazy-server-del", [b"yes", b"no"]), (b"replica-lazy-flush", [b"yes", b"no"]), (b"notify-keyspace-events", [b"", b"AKE"])]


def payloads(c):
    """What DUMP says of one of each kind."""
    names = [b"n%d" % i for i in range(N)]
    c("DEL", "k")
    out = {}
    for kind, fill in (
            ("bs", [["SADD", "k", *names]]), ("bz", [["ZADD", "k", *[w for i, n in enumerate(names) for w in (i / 4, n)]]]),
            ("bh", [["HSET", "k", *[w for n in names for w in (n, b"value " + n)]], ["HPEXPIREAT", "k", 9994000000000000, "FIELDS", 300, *names[:300]]]),
            ("bl", [["RPUSH", "k", *names[::-1], b"long" * 5000]]), ("bt", [["SET", "k", b"0123456789abcdef\0\0" * 250000]]),
            ("be", [["XADD", "k", "%d-1" % i, "f", b"value %d" % i + b"x" * 60] for i in range(1, N)] + [["XGROUP", "CREATE", "k", "g", 0],
                    ["XREADGROUP", "GROUP", "g", "a", "COUNT", 5000, "STREAMS", "k", ">"]])):
        c.pipeline(fill)
        out[kind] = c("DUMP", "k")
        c("DEL", "k")
    return out


class SlicedPools(LargePools):
    dumps = None  # kind -> what DUMP says of one

    def _named(self, kind):
        return b"N" + kind.encode() + b"%d" % self.rng.randrange(2)

    def _bs(self):
        return self._named("bs")

    def _bz(self):
        return self._named("bz")

    def _bh(self):
        return self._named("bh")

    def _bl(self):
        return self._named("bl")

    def _be(self):
        return self._named("be")

    def _bt(self):
        return self._named("bt")

    def _zs2(self):
        return self._named(self.rng.choice(["bs", "bz", "bz"]))

    def _bany(self):
        return self._named(self.rng.choice(sorted(self.dumps)))

    def _big(self):
        kind = self.rng.choice(sorted(self.dumps))
        text = self.dumps[kind]
        if self.rng.random() < 0.02:
            at = self.rng.randrange(len(text))
            text = text[:at] + b"\x01" + text[at + 1:]
        return [self._named(kind), self.rng.choice([b"0", b"0", b"0", b"0", b"30", b"100000"]), text]

    def _sliced(self):
        return self.rng.choice(SCRIPTS)

    def _newword(self):
        return b"new%d" % self.rng.randrange(1000)

    def _message(self):
        return b"m" * self.rng.choice([10, 900, 1024, 4000, 70000, 300000])

    def _longtext(self):
        return b" ".join(b"w%d" % self.rng.randrange(100000) for _ in range(self.rng.choice([10, 300, 5000, 40000])))

    def _exact(self):
        return self.rng.choice([b"alpha", b'"alpha beta"', b"@t:(alpha|running) -gamma", b'"w1 w2"', b"w1*", b"%alpha%", b"@n:[5 700] alpha", b"runs",
                                b"@t:(beta) @g:{tag7|tag14}", b"-alpha", b"'x'", b"|".join(b"w%d" % i for i in range(2000))])

    def _squeeze(self):
        name, values = self.rng.choice(SQUEEZE)
        return [name, self.rng.choice(values)]
