"""What a word is. FT.SEARCH and both halves of ARCHIVE.SEARCH split texts in one way, but for what is beyond ASCII: the archive folds accents
away and parts words at all punctuation, as FTS5 does, and FT.SEARCH takes words as they are, but for case, as RediSearch does."""
import re

import pytest

import server as srv
from resp import OK
from server import wait_for

TEXTS = [
    "Kyoto hotel, late check-out", "naïve café Straße Ångström", "NAÏVE cafe\u0301", "北京大学 2008", "Привет, мир", "a-b-c don't e.mail@host.example",
    "😀 smile €5 µs", "हिंदी भाषा", "Σίσυφος ΣΊΣΥΦΟΣ", "İstanbul ISTANBUL ıstanbul", "Việt Nam viet", "Ångström ＡＢ", "서울 ひらがな",
    "x\u0301y z\u0327", "שלום مرحبا", "Ünïcödé ÅÄÖ", "1,234.56 3x7", "ﬁne ﬀ", "tab\tnew\nline", "Œuvre œuvre",
]
WORDS = ["kyoto", "CHECK", "out", "naive", "NAÏVE", "cafe", "café", "strasse", "straße", "angstrom", "北京大学", "2008", "привет", "МИР", "c",
         "don", "t", "host", "smile", "5", "us", "µs", "हिंदी", "σίσυφοσ", "ΣΊΣΥΦΟΣ", "istanbul", "ıstanbul", "İSTANBUL", "viet", "việt", "ＡＢ", "서울",
         "ひらがな", "xy", "z", "שלום", "مرحبا", "unicode", "aao", "234", "3x7", "ﬁne", "fine", "ﬀ", "line", "œuvre", "oeuvre", "nowhere"]


@pytest.fixture(scope="module")
def filled():
    """All texts twice: live, and in the archive alone."""
    s = srv.Server(namespace=["* archive evict"])
    c = s.conn()
    assert c("FT.CREATE", "texts", "PREFIX", 1, "live:", "STOPWORDS", 0, "SCHEMA", "content", "TEXT", "NOSTEM") == OK
    for i, text in enumerate(TEXTS):
        c("HSET", "live:%d" % i, "content", text)
        c("HSET", "old:%d" % i, "content", text)
        c("ARCHIVE.MOVE", "old:%d" % i)
    wait_for(lambda: c("EXISTS", *["old:%d" % i for i in range(len(TEXTS))]) == 0)
    assert c("ARCHIVE.FLUSH") == OK
    yield c
    s.stop()
    s.destroy()


def hits(c, word):
    """What ARCHIVE.SEARCH finds live, and what it finds in the archive."""
    keys = [hit[1] for hit in c("ARCHIVE.SEARCH", word, "LIMIT", 0, 100)[5]]
    return ({k for k in keys if k.startswith(b"live:")}, {k.replace(b"old:", b"live:") for k in keys if k.startswith(b"old:")})


def found(c, word):
    total, *keys = c("FT.SEARCH", "texts", word, "NOCONTENT", "VERBATIM", "LIMIT", 0, 100)
    assert total == len(keys)
    return set(keys)


def words_of(text):
    """A model of FT's words: ASCII's blanks and punctuation part them."""
    return re.findall(r"[A-Za-z0-9_\x80-\U0010ffff]+", text)


def small(word):
    """Simple case folding."""
    return "".join(f if len(f := ch.casefold()) == 1 else ch.lower() if len(ch.lower()) == 1 else ch for ch in word)


@pytest.mark.parametrize("word", WORDS)
def test_the_archive_finds_the_same_live_and_archived(filled, word):
    live, old = hits(filled, word)
    assert live == old and found(filled, word) <= live


@pytest.mark.parametrize("word", WORDS)
def test_words_are_exact_but_for_case(filled, word):
    want = {b"live:%d" % i for i, text in enumerate(TEXTS) if small(word) in map(small, words_of(text))}
    assert found(filled, word) == want


def test_most_words_are_found(filled):
    assert sum(len(hits(filled, w)[0]) > 0 for w in WORDS) >= len(WORDS) - 5
    assert sum(len(found(filled, w)) > 0 for w in WORDS) >= len(WORDS) // 2
