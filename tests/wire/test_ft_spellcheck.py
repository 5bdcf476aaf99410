"""FT.SPELLCHECK: words that no document has, and those that are like them."""
import pytest

from resp import Double, Err, Map, Simple

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
    ("TERMS INCLUDE names", "Dict does not exist: names"), ("WHAT", "Unknown argument `WHAT`"),
])
def test_what_is_wrong_is_said(texts, words, error):
    assert texts("FT.SPELLCHECK", "idx", "word", *words.split()) == Err(error)
    assert texts("FT.SPELLCHECK", "none", "word").startswith("SEARCH_INDEX_NOT_FOUND")
    assert isinstance(texts("FT.SPELLCHECK", "idx", "(a"), Err)
