"""How long ARCHIVE.SEARCH takes: over archived messages, over live sessions, and what others wait meanwhile.

    python3 tests/bench/search.py [archived sessions] [live sessions]

Sessions have 20 messages of about 60 words out of 20,000, whose frequencies are those of natural texts (Zipf)."""
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from server import Server, wait_for  # noqa: E402

CONF = """
port 0
appendonly no
save ""
archive-query-timeout 60000
namespace gone:* archive delete
namespace live:* recall read
"""
WORDS = ["w%d" % i for i in range(20000)]
WEIGHTS = [1 / (i + 1) for i in range(len(WORDS))]
QUERIES = [("a rare word", "w15000"), ("a word of 1 in 20 messages", "w90"), ("of every second", "w5"), ("of nearly all", "w0"),
           ("two words", "w90 w200"), ("a phrase", '"w1 w2"'), ("a prefix", "w150*"), ("none", "nothing")]


def fill(conn, prefix, n, texts):
    rng = random.Random(n)
    for at in range(0, n, 200):
        conn.pipeline([("RPUSH", "%s:%d" % (prefix, i),
                        *[json.dumps({"role": rng.choice(("user", "assistant")), "content": rng.choice(texts)})
                          for _ in range(20)]) for i in range(at, min(at + 200, n))])


def ask(conn, query, *more):
    took = []
    for _ in range(5):
        t = time.perf_counter()
        got = conn("ARCHIVE.SEARCH", query, *more)
        took.append(time.perf_counter() - t)
    return sorted(took)[2] * 1e3, got[1], got[3]


def pings(conn, stop, out):
    while not stop.is_set():
        t = time.perf_counter()
        conn("PING")
        out.append(time.perf_counter() - t)


def main():
    archived, live = (int(x) for x in (sys.argv[1:] + ["5000", "10000"][len(sys.argv) - 1:]))
    rng = random.Random(1)
    texts = [" ".join(rng.choices(WORDS, WEIGHTS, k=60)) for _ in range(20000)]
    server = Server(conf=CONF)
    try:
        conn = server.conn()
        conn.sock.settimeout(300)
        fill(conn, "gone", archived, texts)
        for at in range(0, archived, 100):
            conn("DEL", *["gone:%d" % i for i in range(at, min(at + 100, archived))])
        ask(conn, "nothing")
        print("%d archived messages" % (archived * 20))
        for name, query in QUERIES:
            print("  %-28s %9.2f ms  total %d partial %d" % (name, *ask(conn, query, "MATCH", "gone:*")))
        print("  %-28s %9.2f ms  total %d partial %d" % ("of nearly all, in one session", *ask(conn, "w0", "MATCH", "gone:7")))
        fill(conn, "live", live, texts)
        print("%d live sessions, %d messages" % (live, live * 20))
        for name, query in QUERIES:
            print("  %-28s %9.2f ms  total %d partial %d" % (name, *ask(conn, query, "MATCH", "live:*")))
        out, stop = [], threading.Event()
        other = server.conn()
        t = threading.Thread(target=pings, args=(other, stop, out))
        t.start()
        for _ in range(3):
            ask(conn, "w15000")
        stop.set()
        t.join()
        out.sort()
        print("PING meanwhile: p50 %.3f ms, p99 %.3f, p99.9 %.3f, max %.3f"
              % tuple(out[min(len(out) - 1, int(len(out) * q))] * 1e3 for q in (.5, .99, .999, 1)))
    finally:
        server.stop()
        server.destroy()


if __name__ == "__main__":
    main()
