"""FT.SPELLCHECK: words that no document has, and those that are like them."""
import pytest

from resp import Double, Err, Map, OK, Set, Simple
from server import wait_for

TERM = Simple("TERM")


@pytest.fixture
def texts(c):
    c("FT.CREATE", "idx", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT", "n", "NUMERIC")
    for i, text in enumerate(["hello world", "hallo there", "hello again", "running words", "the help"]):
        c("HSET", "d:%d" % i, "t", text, "n", i)
    return c


def test_words_like_it_come_with_how_many_documents_have_them(texts, c3):
    assert texts("FT.SPELLCHECK", "idx", "hllo wrld again") == [
        [TERM, b"hllo", [[b"0.4", b"hello"], [b"0.2", b"hallo"]]], [TERM, b"wrld", [[b"0.2", b"world"]]]]
    assert texts("FT.SPELLCHECK", "idx", "wrd", "DISTANCE", 2) == [[TERM, b"wrd", [[b"0.2", b"words"], [b"0.2", b"world"]]]]
    assert c3("FT.SPELLCHECK", "idx", "HELQ") == Map([(b"results", Map([(b"helq", [Map([(b"help", Double(0.2))])])]))])


def test_what_is_known_or_like_nothing(texts):
    assert texts("FT.SPELLCHECK", "idx", "hello @n:[1 2] (help|again)") == []
    assert texts("FT.SPELLCHECK", "idx", "xyzzy") == [[TERM, b"xyzzy", []]]
    texts("DEL", "d:4")
    assert texts("FT.SPELLCHECK", "idx", "help") == [[TERM, b"help", []]]
    assert texts("FT.SPELLCHECK", "idx", "-helo") == [[TERM, b"helo", [[b"0.5", b"hello"]]]]


@pytest.mark.parametrize("words, error", [
    ("DISTANCE 5", "bad distance given, distance must be a natural number between 1 to 4"),
    ("DISTANCE", "bad distance given, distance must be a natural number between 1 to 4"),
    ("TERMS INCLUDE names", "Dict does not exist: names"), ("TERMS EXCLUDE", "TERM arg is given but no TERM params comes after"),
    ("TERMS OTHER names", "bad format, exclude/include operation was not given"), ("WHAT", "Unknown argument `WHAT`"),
])
def test_what_is_wrong_is_said(texts, words, error):
    assert texts("FT.SPELLCHECK", "idx", "word", *words.split()) == Err(error)
    assert texts("FT.SPELLCHECK", "none", "word").startswith("SEARCH_INDEX_NOT_FOUND")
    assert isinstance(texts("FT.SPELLCHECK", "idx", "(a"), Err)


def test_dictionaries_keep_words_as_they_came(c, c3):
    assert c("FT.DICTADD", "names", "Porto", "Lisbon", "lisbon", "Porto") == 3
    assert c("FT.DICTADD", "names", "Porto") == 0
    assert c("FT.DICTDUMP", "names") == [b"Lisbon", b"Porto", b"lisbon"]
    assert c3("FT.DICTDUMP", "names") == Set([b"Lisbon", b"Porto", b"lisbon"])
    assert c("FT.DICTDEL", "names", "Porto", "porto", "lisbon", "Porto") == 2
    assert c("FT.DICTDEL", "none", "a") == 0 and c("FT.DICTDUMP", "none") == []
    assert c("FT.DICTDEL", "names", "Lisbon") == 1 and c("FT.DICTDUMP", "names") == []
    assert c("FT.DICTADD", "names", "a", "") == Err("A term of a dictionary is 1 to 512 bytes long")
    assert c("FT.DICTADD", "names", "a", "b" * 513) == Err("A term of a dictionary is 1 to 512 bytes long")
    assert c("FT.DICTDUMP", "names") == []


def test_how_many_words_and_dictionaries_there_may_be(c):
    for i in range(16):
        assert c("FT.DICTADD", "d", *range(i * 4096, (i + 1) * 4096)) == 4096
    assert c("FT.DICTADD", "d", "more") == Err("A dictionary has at most 65536 terms: put some of them into another one")
    assert c.pipeline([("FT.DICTADD", "d%d" % i, "a") for i in range(1023)]) == [1] * 1023
    assert c("FT.DICTADD", "more", "a").startswith("There are 1024 dictionaries")
    assert len(c("FT.DICTDUMP", "d")) == 65536


def test_words_of_dictionaries_are_suggested_or_passed_over(texts):
    texts("FT.DICTADD", "more", "Hellas", "HELLO", "Wörld", "far")
    texts("FT.DICTADD", "own", "Helq", "hella")
    assert texts("FT.SPELLCHECK", "idx", "hella", "TERMS", "INCLUDE", "more") == [
        [TERM, b"hella", [[b"0.4", b"hello"], [b"0", b"Hellas"]]]]
    assert texts("FT.SPELLCHECK", "idx", "wurld", "terms", "include", "more") == [
        [TERM, b"wurld", [[b"0.2", b"world"], [b"0", "Wörld".encode()]]]]
    assert texts("FT.SPELLCHECK", "idx", "WÖRLDS", "terms", "include", "more") == [[TERM, "wörlds".encode(), [[b"0", "Wörld".encode()]]]]
    assert texts("FT.SPELLCHECK", "idx", "helq hellaz", "TERMS", "EXCLUDE", "own", "TERMS", "INCLUDE", "more") == [
        [TERM, b"hellaz", [[b"0", b"Hellas"]]]]
    assert texts("FT.SPELLCHECK", "idx", "helq hella", "TERMS", "INCLUDE", "more", "TERMS", "EXCLUDE", "own") == []
    texts("FT.DICTADD", "large", *("hell%05d" % i for i in range(20000)))
    assert texts("FT.SPELLCHECK", "idx", "hell19999x", "TERMS", "INCLUDE", "large") == [[TERM, b"hell19999x", [[b"0", b"hell19999"]]]]


def test_a_large_dictionary_is_told_in_order(c):
    words = [b"%d" % (i * 7919 % 20011) for i in range(20011)]
    assert c("FT.DICTADD", "d", *words) == 20011
    assert c("FT.DICTDUMP", "d") == sorted(words)
    c("MULTI")
    c("FT.DICTDUMP", "d")
    c("FT.DICTDEL", "d", *words[10:])
    assert c("EXEC") == [sorted(words), 20001]
    assert c("FT.DICTDUMP", "d") == sorted(words[:10])


@pytest.mark.parametrize("aof", ["yes", "no"])
def test_dictionaries_survive_a_restart(start, aof):
    s = start(appendonly=aof, save="3600 1")
    c = s.conn()
    words = [b"w%04d" % i for i in range(2500)]
    c("FT.DICTADD", "d", *words)
    c("FT.DICTADD", "gone", "a", "b")
    c("FT.DICTDEL", "gone", "a", "b")
    for rewrite in (False, True):
        if rewrite:
            assert c("SAVE") == OK
            if aof == "yes":
                c("BGREWRITEAOF")
                wait_for(lambda: c.info("persistence")["aof_rewrite_in_progress"] == "0")
        s.restart(kill=aof == "yes")
        c = s.conn()
        assert c("FT.DICTDUMP", "d") == words and c("FT.DICTDUMP", "gone") == []
    c("FLUSHALL")
    s.restart(kill=aof == "yes")
    assert s.conn()("FT.DICTDUMP", "d") == []


def test_of_many_words_like_one_the_most_frequent_are_told(c):
    assert c("FT.CREATE", "idx", "PREFIX", 1, "d:", "SCHEMA", "t", "TEXT", "NOSTEM") == OK
    for i in range(3000):
        c("HSET", "d:%d" % i, "t", "w%04d" % i)
    c("HSET", "d:more", "t", "w2999 w2998")
    reply = c("FT.SPELLCHECK", "idx", "wxxxx", "DISTANCE", 4)
    assert len(reply) == 1 and len(reply[0][2]) == 1000
    assert [word for _, word in reply[0][2][:4]] == [b"w2998", b"w2999", b"w0000", b"w0001"]
