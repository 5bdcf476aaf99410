"""What the programs in frameworks share: the port, saying what is done, a restart, and an embedding that needs no model."""
import hashlib
import math
import re
import sys

PORT = int(sys.argv[1])
URL = "redis://127.0.0.1:%d" % PORT
DIMS = 64


def ok(what):
    print("ok " + what, flush=True)


def restart():
    """Have the daemon restarted."""
    print("restart", flush=True)
    sys.stdin.readline()


def _direction(word):
    """A direction for each word, the same in every run."""
    bits = hashlib.sha512(word.encode()).digest()
    return [1.0 if b & 1 else -1.0 for b in bits[:DIMS]]


def embed(text):
    """The sum of the directions of its words, of length 1: texts that share words are near to each other."""
    v = [0.0] * DIMS
    for word in re.findall(r"\w+", text.lower()):
        v = [a + b for a, b in zip(v, _direction(word))]
    length = math.sqrt(sum(x * x for x in v)) or 1.0
    return [x / length for x in v]
