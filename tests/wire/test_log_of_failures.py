"""Commands that fail, some of them after a first change, leave a log that is read again: random ones of all kinds, within
transactions and scripts too, and afterwards there is the same data."""
import os
import pathlib
import random

import pytest

import resp
from grammar import Grammar
from server import StartError

COMMANDS = int(os.environ.get("MEMD_LOG_COMMANDS", "6000"))
SEED = int(os.environ.get("MEMD_LOG_SEED", "20261121"))
BATCH = 40

HERE = pathlib.Path(__file__).parent / "grammar"
LINES = "\n".join(f.read_text() for f in sorted(HERE.glob("*.txt")) + sorted(HERE.glob("log/*.txt")))

# Calls a command twice, whatever comes of it, and fails at the end or not.
PCALLS = [b"redis.pcall(unpack(ARGV)); return redis.pcall(unpack(ARGV))",
          b"redis.pcall(unpack(ARGV)); redis.call('SET', 'K0', 'from a script'); return redis.call('LPUSH', 'K0', 'x')"]


class Random(Grammar):
    """With what a stock server does not know."""

    def _J(self):
        return self._key("J")

    def _W(self):
        return self._key("W")

    def _U(self):
        return self._key("U")

    def _any(self):
        return self._key(self.rng.choice("KLHSZTXJWU"))

    def _jpath(self):
        return self.rng.choice([b"$", b"$", b"$", b".", b"$.a", b"$.a", b"$.b", b"$.*", b"$..a", b"$.a.b", b"$.b[0]", b"$.nope", b".a", b"$[", b"", b"$.c.d"])

    def _json(self):
        return self.rng.choice([b'{"a":1,"b":[1,2]}', b'{"a":{"a":"x","b":[]},"b":"text"}', b"1", b"-5", b"1e308", b'"text"', b"[1,2,3]", b"true", b"null", b"{}",
                                b"[]", b"9223372036854775807", b'{"n":1}', b"{", b"", b"nonsense", b'{"a":' * 100 + b"1" + b"}" * 100])

    def _index(self):
        return self.rng.choice([b"i1", b"i2", b"i3"])

    def _alias(self):
        return self.rng.choice([b"x1", b"x2"])

    def _pcalls(self):
        return self.rng.choice(PCALLS)


def changes_data(c):
    """Names of commands that may be in a log, and those about them. Not what forgets all too often or what ends the daemon."""
    return {row[0].upper() for row in c("COMMAND") if resp.Simple("write") in row[2]} | {
        b"MULTI", b"EXEC", b"DISCARD", b"EVAL", b"FCALL", b"FUNCTION", b"SELECT", b"PFCOUNT", b"SCRIPT", b"EVALSHA"}


def beside(c):
    """What is not in the digest."""
    return [c("FT._LIST"), c("FUNCTION", "LIST", "WITHCODE")] + [c(*q) for q in (
        ("FT.DICTDUMP", "x1"), ("FT.DICTDUMP", "x2"), ("FT.SYNDUMP", "i1"), ("FT.SYNDUMP", "i2"), ("FT.SYNDUMP", "x1"))]


def payloads(c):
    """What DUMP gives for a value of each kind."""
    makes = [["SET", "p", "hello"], ["RPUSH", "p", "a", "1"], ["SADD", "p", "1", "2"], ["HSET", "p", "f1", "v1"], ["ZADD", "p", 1, "a"],
             ["XADD", "p", "1-1", "a", "b"], ["JSON.SET", "p", "$", '{"a":1}'], ["VADD", "p", "VALUES", 3, 1, 2, 3, "m1"], ["FT.SUGADD", "p", "word", 1]]
    return [c.pipeline([make, ["DUMP", "p"], ["DEL", "p"]])[1] for make in makes]


@pytest.mark.parametrize("settings", [{}, {"hash_max_listpack_entries": 4, "set_max_intset_entries": 8, "zset_max_listpack_entries": 4,
                                           "list_max_listpack_size": 4}], ids=["plain", "large"])
def test_a_log_of_commands_that_failed_is_read_again(start, settings):
    seed = SEED + len(settings)
    print("seed", seed)
    s = start(appendonly="yes", appendfsync="no", save="", enable_debug_command="yes", **settings)
    rng = random.Random(seed)
    grammar = Random(LINES, rng)
    c = s.conn()
    grammar.payloads = payloads(c)
    allowed = changes_data(c) - {b"FLUSHALL", b"MIGRATE", b"ARCHIVE.RECALL"}
    done = failed = 0
    story = []
    while done < COMMANDS:
        batch = [args for args in (grammar.command() for _ in range(BATCH)) if args and args[0].upper() in allowed]
        replies = c.pipeline(batch)
        done += len(batch)
        failed += sum(isinstance(r, resp.Err) for r in replies)
        story += list(zip(batch, replies))
        if rng.random() < 0.02 or done >= COMMANDS:
            c("DISCARD")
            digest, others = c("DEBUG", "DIGEST"), beside(c)
            how = rng.choice([["a restart"], ["DEBUG", "LOADAOF"], ["DEBUG", "RELOAD"]])
            try:
                if len(how) == 1:
                    s.restart(kill=True)
                else:
                    assert c(*how) == resp.OK
            except StartError as e:
                raise AssertionError("%s\n%s" % (e, "\n".join(map(repr, story[-400:]))))
            c = s.conn()
            assert (c("DEBUG", "DIGEST"), beside(c)) == (digest, others), "other data after %s\n" % how + "\n".join(map(repr, story[-4000:]))
            assert c("DEBUG", "CHECK") == resp.OK
            story = []
    print(done, "commands,", failed, "failed")
    assert failed > COMMANDS // 10


def test_what_was_within_a_limit_once_is_read_again_under_a_lower_one(start):
    s = start(appendonly="yes", enable_debug_command="yes")
    c = s.conn()
    for command in (["SETRANGE", "r", 3000000, "x"], ["SETBIT", "b", 8 * 3000000, 1], ["BITFIELD", "b", "SET", "u8", 25000000, 1],
                    ["BITOP", "NOT", "n", "b"], ["SET", "a", "x" * 900000], ["APPEND", "a", "x" * 900000]):
        assert not isinstance(c(*command), resp.Err)
    digest = c("DEBUG", "DIGEST")
    s.restart(kill=True, proto_max_bulk_len="1mb")
    c = s.conn()
    assert c("DEBUG", "DIGEST") == digest
    assert c("APPEND", "a", "x").startswith("ERR string exceeds maximum allowed size")


def test_a_command_that_cannot_be_applied_is_told_with_its_reason(start):
    s = start(appendonly="yes")
    c = s.conn()
    c("SELECT", 9), c("SET", "k", "v")
    with pytest.raises(StartError, match=r"the command 'SELECT' cannot be applied \(ERR DB index is out of range\): settings are other than"):
        s.restart(kill=True, databases=2)
    s.restart(kill=True, databases=16)
    c = s.conn()
    assert c("SELECT", 9) == resp.OK and c("GET", "k") == b"v"
