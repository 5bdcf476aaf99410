"""One analysis of text: FT.SEARCH and both halves of ARCHIVE.SEARCH find the same by the same words, in texts that are hard to split
and to fold."""
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


@pytest.mark.parametrize("word", WORDS)
def test_all_searches_find_the_same_texts(filled, word):
    total, *found = filled("FT.SEARCH", "texts", word, "NOCONTENT", "VERBATIM", "LIMIT", 0, 100)
    hits = filled("ARCHIVE.SEARCH", word, "LIMIT", 0, 100)[5]
    keys = {hit[1] for hit in hits}
    assert total == len(found) and {k for k in keys if k.startswith(b"live:")} == set(found)
    assert {k.replace(b"old:", b"live:") for k in keys if k.startswith(b"old:")} == set(found)


def test_most_words_are_found(filled):
    assert sum(filled("FT.SEARCH", "texts", w, "NOCONTENT", "VERBATIM")[0] > 0 for w in WORDS) >= len(WORDS) - 5
