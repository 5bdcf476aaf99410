"""Bytes: what the parser takes, at which byte it can stop and go on, and what it answers to nonsense."""
import random
import threading

import pytest

from resp import Err, OK, PONG, encode


def closing_error(server, data):
    c = server.conn()
    try:
        c.send_raw(data)
    except OSError:
        pass  # it may have closed already
    return c.read_to_end()


@pytest.mark.parametrize("data, text", [
    (b"*foo\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*2147483648\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*9223372036854775808\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1 2\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", b"-ERR Protocol error: expected '$', got 'f'\r\n"),
    (b"*1\r\nPING\r\n", b"-ERR Protocol error: expected '$', got 'P'\r\n"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$blabla\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*2\r\n$3\r\nGET\r\n$99999999999999999999\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b'SET k "unbalanced\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b'SET k "a"b\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"*" + b"1" * 70000, b"-ERR Protocol error: too big mbulk count string\r\n"),
    (b"*1\r\n$" + b"1" * 70000, b"-ERR Protocol error: too big bulk count string\r\n"),
    (b"x" * 70000, b"-ERR Protocol error: too big inline request\r\n"),
])
def test_protocol_errors_are_told_and_end_the_connection(server, data, text):
    assert closing_error(server, data) == text


def test_what_came_before_the_error_is_answered(server, c):
    assert closing_error(server, encode(["SET", "k", "v"]) + b"*x\r\n") == (
        b"+OK\r\n-ERR Protocol error: invalid multibulk length\r\n")
    assert c("GET", "k") == b"v"


def test_empty_requests_are_passed_over(c):
    c.send_raw(b"\r\n*0\r\n\r\n*-1\r\n*-10\r\n  \r\n" + encode(["PING"]))
    assert c.read() == PONG
    assert c.nothing_unread()


def test_inline_commands(c):
    def inline(line):
        c.send_raw(line)
        return c.read()

    assert inline(b"PING\r\n") == PONG
    assert inline(b"PING\n") == PONG
    assert inline(b"SET k hello\r\n") == OK
    assert inline(b"  GET   k \r\n") == b"hello"
    assert inline(b'SET k "a b\\x41\\n\\"c"\r\n') == OK
    assert c("GET", "k") == b'a bA\n"c'
    assert inline(b"SET k 'it\\'s \\n'\r\n") == OK
    assert c("GET", "k") == b"it's \\n"
    assert inline(b'SET k ""\r\n') == OK
    assert c("GET", "k") == b""
    assert inline(b"set\tk\tv\r\n") == OK
    assert inline(b"SET " + b"k" * 30000 + b" v\r\n") == OK


def test_inline_and_multibulk_mix_in_a_pipeline(c):
    c.send_raw(b"SET a 1\r\n" + encode(["INCR", "a"]) + b"INCR a\r\n" + encode(["GET", "a"]))
    assert [c.read() for _ in range(4)] == [OK, 2, 3, b"3"]


def test_http_is_refused(server, c):
    """A browser that is made to talk to the port runs nothing."""
    got = closing_error(server, b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET k v\r\n")
    assert b"OK" not in got
    got = closing_error(server, b"GET / HTTP/1.1\r\nHost: x\r\nSET k v\r\n")
    assert b"OK" not in got
    assert c("EXISTS", "k") == 0


CONVERSATION = [
    (encode(["SET", "k", b"a\r\nb\x00"]), b"+OK\r\n"),
    (encode(["GET", "k"]), b"$5\r\na\r\nb\x00\r\n"),
    (b"PING\r\n", b"+PONG\r\n"),
    (b"\r\n", b""),
    (b"*0\r\n", b""),
    (encode(["APPEND", "k", ""]), b":5\r\n"),
    (b'SET k "x y"\r\n', b"+OK\r\n"),
    (encode(["MGET", "k", "nokey"]), b"*2\r\n$3\r\nx y\r\n$-1\r\n"),
    (encode(["MULTI"]), b"+OK\r\n"),
    (encode(["INCR", "n"]), b"+QUEUED\r\n"),
    (encode(["EXEC"]), b"*1\r\n:1\r\n"),
    (encode(["NOSUCH"]), b"-ERR unknown command 'NOSUCH', with args beginning with: \r\n"),
    (encode(["DEL", "n", "k"]), b":2\r\n"),
    (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
]


def test_a_conversation_split_at_every_offset_is_the_same(server, c):
    data = b"".join(q for q, _ in CONVERSATION)
    want = b"".join(a for _, a in CONVERSATION)
    token = c("CLIENT", "ID")
    for at in range(1, len(data)):
        c.send_raw(data[:at])
        c.send_raw(data[at:])
        assert c.read_exact(len(want)) == want, at
    assert c("CLIENT", "ID") == token


def test_a_conversation_byte_by_byte(server):
    c, other = server.conn(), server.conn()
    data = b"".join(q for q, _ in CONVERSATION)
    want = b"".join(a for _, a in CONVERSATION)
    for i in range(len(data)):
        c.send_raw(data[i:i + 1])
        other("PING")  # a turn of the loop between any two bytes
    assert c.read_exact(len(want)) == want


def test_splits_that_the_server_certainly_sees(server):
    """As above at every offset, with a full turn of the server between the parts."""
    other = server.conn()
    data = b"".join(q for q, _ in CONVERSATION)
    want = b"".join(a for _, a in CONVERSATION)
    c = server.conn()
    for at in range(1, len(data)):
        c.send_raw(data[:at])
        other("PING")
        c.send_raw(data[at:])
        assert c.read_exact(len(want)) == want, at


def test_a_deep_pipeline_answers_all_in_order(c):
    n = 20000
    assert c.pipeline([["INCR", "n"]] * n) == list(range(1, n + 1))


@pytest.mark.in_the_clear("ssl of Python cannot send and receive in two threads at once")
def test_a_pipeline_larger_than_any_buffer(c):
    value = bytes(range(256)) * 256
    n = 300
    data = b"".join(encode(["SET", "k%d" % i, value]) + encode(["GET", "k%d" % i]) for i in range(n))
    writer = threading.Thread(target=lambda: c.send_raw(data))
    writer.start()
    for i in range(n):
        assert c.read() == OK
        assert c.read() == value
    writer.join()


@pytest.mark.parametrize("n_args", [2, 1000, 1023, 1024, 1025, 100000, 1024 * 1024 - 1])
def test_many_arguments(c, n_args):
    got = c("DEL", *(["x"] * (n_args - 1)))
    assert got == 0


@pytest.mark.parametrize("size", [32767, 32768, 32769, 65536, 1 << 20, 16 << 20])
def test_big_arguments_arrive_in_pieces(server, size):
    c, other = server.conn(), server.conn()
    value = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    data = encode(["SET", "k", value]) + encode(["GET", "k"]) + encode(["STRLEN", "k"])
    rng = random.Random(size)
    at = 0
    while at < len(data):
        n = rng.choice([1, 100, 16384, 32768, 40000, 1 << 19])
        c.send_raw(data[at:at + n])
        at += n
        if size < 100000:
            other("PING")
    assert c.read() == OK
    assert c.read() == value
    assert c.read() == size


def test_proto_max_bulk_len_is_kept(start):
    s = start(proto_max_bulk_len="1mb")
    c = s.conn()
    assert c("SET", "k", "x" * (1 << 20)) == OK
    assert c("APPEND", "k", "y") == Err("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    assert c("SETRANGE", "k", 1 << 20, "y") == Err("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
    c.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1048577\r\n")
    assert c.read_to_end() == b"-ERR Protocol error: invalid bulk length\r\n"


def test_a_stranger_gets_little_before_authentication(start):
    s = start(requirepass="pw")
    def stranger(data):
        c = s.conn(auth=False)
        c.send_raw(data)
        return c.read_to_end()

    assert stranger(b"*11\r\n") == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
    assert stranger(b"*2\r\n$4\r\nAUTH\r\n$16385\r\n") == b"-ERR Protocol error: unauthenticated bulk length\r\n"
    c = s.conn()
    assert c("DEL", *["x"] * 100) == 0
    assert c("SET", "k", "x" * 20000) == OK


def test_a_request_may_have_more_than_a_million_arguments(c):
    c.send("DEL", *["k"] * 1100000)
    assert c.read() == 0


def test_replies_of_each_kind_in_both_protocols(c, c3):
    c("RPUSH", "l", "a")
    c("HSET", "h", "f", "1")
    c("SADD", "s", "a")
    both = [
        (["GET", "nokey"], b"$-1\r\n", b"_\r\n"),
        (["LPOP", "nokey", "1"], b"*-1\r\n", b"_\r\n"),
        (["HGETALL", "h"], b"*2\r\n$1\r\nf\r\n$1\r\n1\r\n", b"%1\r\n$1\r\nf\r\n$1\r\n1\r\n"),
        (["SMEMBERS", "s"], b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
        (["INCRBYFLOAT", "x", "0"], b"$1\r\n0\r\n", b"$1\r\n0\r\n"),
        (["EXISTS", "l"], b":1\r\n", b":1\r\n"),
        (["CONFIG", "GET", "port"], None, None),
    ]
    for command, two, three in both:
        if two is not None:
            assert c.raw(*command) == two
            assert c3.raw(*command) == three
    assert c3.raw("CONFIG", "GET", "nosuch") == b"%0\r\n"
    assert c.raw("CONFIG", "GET", "nosuch") == b"*0\r\n"


def test_debug_protocol_shows_every_resp3_type(c, c3):
    kinds = {"string": b"$11\r\nHello World\r\n", "integer": b":12345\r\n", "null": b"_\r\n",
             "array": b"*3\r\n:0\r\n:1\r\n:2\r\n", "set": b"~3\r\n:0\r\n:1\r\n:2\r\n",
             "map": b"%3\r\n:0\r\n#f\r\n:1\r\n#t\r\n:2\r\n#f\r\n", "bignum": b"(1234567999999999999999999999999999999\r\n",
             "true": b"#t\r\n", "false": b"#f\r\n", "verbatim": b"=29\r\ntxt:This is a verbatim\nstring\r\n",
             "double": b",3.141\r\n"}
    for kind, frame in kinds.items():
        assert c3.raw("DEBUG", "PROTOCOL", kind) == frame, kind
    assert c.raw("DEBUG", "PROTOCOL", "double") == b"$5\r\n3.141\r\n"
    assert c.raw("DEBUG", "PROTOCOL", "map") == b"*6\r\n:0\r\n:0\r\n:1\r\n:1\r\n:2\r\n:0\r\n"


def test_random_bytes_neither_crash_nor_hang_it(server):
    """Noise, noise that begins like a request, and requests with one byte changed."""
    rng = random.Random(11)
    for round_ in range(300):
        kind = round_ % 3
        if kind == 0:
            data = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 400)))
        elif kind == 1:
            data = b"*%d\r\n$%d\r\n" % (rng.randrange(-2, 40), rng.randrange(-2, 40)) + bytes(
                rng.choice(b"$*\r\n0123456789abc ") for _ in range(rng.randrange(200)))
        else:
            data = bytearray(b"".join(q for q, _ in CONVERSATION))
            data[rng.randrange(len(data))] = rng.randrange(256)
        c = server.conn()
        try:
            c.send_raw(bytes(data))
            c.send_raw(b"\r\nPING\r\n")
        except OSError:
            pass
        c.close()
    assert server.conn()("PING") == PONG


def test_error_texts_cannot_forge_a_frame(c):
    for name in (b"a\r\n+OK\r\n", b"x\ny", b"\r\n"):
        c.send(name, b"b\r\n:1\r\n")
        got = c.read()
        assert isinstance(got, Err)
        assert c("ECHO", "after") == b"after"
