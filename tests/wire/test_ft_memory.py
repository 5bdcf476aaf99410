"""Memory of indexes: it follows what is there, and stays within maxmemory as keys do."""
import pytest

from resp import OK

pytestmark = pytest.mark.memd_only


def index_bytes(c):
    c("FT.INFO", "i")  # what waits is read before
    return int(c.info("search")["search_used_memory_indexes"])


def test_documents_that_are_overwritten_without_a_pause_take_no_more(c):
    """Words that nobody has any longer are swept as fast as new ones come."""
    docs, rounds = 2000, 12
    assert c("FT.CREATE", "i", "PREFIX", 1, "d:", "SCHEMA", "b", "TEXT") == OK
    sizes = []
    for r in range(rounds):
        for at in range(0, docs, 500):
            c.pipeline([("HSET", "d:%d" % k, "b", " ".join("w%dx%dx%d" % (r, k, j) for j in range(16))) for k in range(at, at + 500)])
        sizes.append(index_bytes(c))
    assert max(sizes) < 2.5 * sizes[0], sizes
    assert c("DEBUG", "CHECK") == OK
