"""Random commands to two daemons: one keeps its keys, from the other they leave at random moments, to be recalled by
the commands that read them. Replies and data are the same.

    MEMD_RECALL_COMMANDS  how many (default 12000)
    MEMD_RECALL_SEED      the seed (default fixed). It is printed."""
import os
import pathlib
import random

import pytest
import resp
from grammar import Grammar
from test_differential import normal, sign_of_zero

pytestmark = pytest.mark.memd_only

COMMANDS = int(os.environ.get("MEMD_RECALL_COMMANDS", "12000"))
SEED = int(os.environ.get("MEMD_RECALL_SEED", "20261121"))
BATCH = 6
FAMILIES = ["bits", "geo", "hash", "hll", "keys", "list", "set", "sort", "stream", "string", "zset"]
GRAMMAR = "\n".join((pathlib.Path(__file__).parent / "grammar" / (f + ".txt")).read_text() for f in FAMILIES)

# What looks at keys that it does not read, or at all of them: before it everything comes back.
WHOLE = {b"SETNX", b"MSETNX", b"RENAMENX", b"COPY", b"DEL", b"UNLINK", b"DELEX", b"DELIFEQ", b"MSETEX", b"KEYS", b"SCAN", b"DBSIZE",
         b"RANDOMKEY", b"FLUSHDB", b"FLUSHALL", b"SWAPDB", b"MOVE", b"RESTORE", b"SELECT", b"SORT", b"SORT_RO", b"SET"}
# How a value lies in memory, and when it was last used.
SKIPPED = {b"OBJECT", b"MEMORY", b"DEBUG", b"SCAN", b"HSCAN", b"SSCAN", b"ZSCAN", b"TOUCH", b"MULTI", b"EXEC", b"DISCARD", b"WATCH"}
CONDITIONS = {b"NX", b"XX", b"IFEQ", b"IFNE", b"KEEPTTL"}


def is_skipped(args):
    words = [a.upper() for a in args]
    # Of two destinations the last counts, and the first is the one that the row's key specifications find.
    return words[0] in SKIPPED or sum(w in (b"STORE", b"STOREDIST") for w in words) > 1


def needs_all(args):
    name = args[0].upper()
    if name == b"SET":
        return bool(CONDITIONS & {a.upper() for a in args[3:]})
    return name in WHOLE


def bring_back(c, keys):
    if keys:
        c("EXISTS", *keys)
        keys.clear()


def test_random_commands_find_what_has_left(start):
    rng = random.Random(SEED)
    print("seed %d, %d commands" % (SEED, COMMANDS))
    grammar = Grammar(GRAMMAR, rng)
    stays = start(enable_debug_command="yes").conn()
    leaves = start(namespace="* recall read archive expire,evict", archive_timeout="600000", enable_debug_command="yes",
                   archive_messages="no").conn()
    away, n_moved, done = set(), 0, 0
    while done < COMMANDS:
        batch = [args for args in (grammar.command() for _ in range(BATCH)) if not is_skipped(args)]
        if any(needs_all(args) for args in batch):
            bring_back(leaves, away)
        elif rng.random() < 0.5:
            keys = [k for k in leaves("KEYS", "*") if rng.random() < 0.5]
            n_moved += leaves("ARCHIVE.MOVE", *keys) if keys else 0
            away.update(keys)
            if rng.random() < 0.2:
                assert leaves("ARCHIVE.FLUSH") == resp.OK
        for args, a, b in zip(batch, stays.pipeline(batch), leaves.pipeline(batch)):
            assert normal(args, a) == normal(args, b) or sign_of_zero(args, a, b), (args, a, b, away)
        done += len(batch)
    bring_back(leaves, away)
    names = stays("KEYS", "*")
    assert sorted(names) == sorted(leaves("KEYS", "*"))
    for key in names:
        if stays("TYPE", key) != resp.Simple("stream"):  # whose digest has times of delivery in it
            stays("PERSIST", key), leaves("PERSIST", key)
            assert stays("DEBUG", "DIGEST-VALUE", key) == leaves("DEBUG", "DIGEST-VALUE", key), key
    assert n_moved > COMMANDS // 20
    figures = leaves.info("archive")
    assert int(figures["archive_recalled"]) > n_moved // 4
    assert figures["archive_recalls_timed_out"] == figures["archive_recalls_damaged"] == "0"
