"""docs/security-tests.md names tests that exist, and forgets no flaw of its list."""
import os
import re

import pytest
import server as srv

pytestmark = pytest.mark.memd_only

DOCUMENT = "docs/security-tests.md"
NAMED = re.compile(r"`(tests/[\w/.]+\.(?:py|c))(?:::(\w+))?`")


def text():
    with open(os.path.join(srv.ROOT, DOCUMENT)) as f:
        return f.read()


def has(path, name):
    full = os.path.join(srv.ROOT, path)
    if not os.path.exists(full):
        return False
    with open(full) as f:
        source = f.read()
    return name is None or re.search(r"^def %s\(|START_TEST\(%s\)" % (name, name), source, re.M) is not None


def rows():
    """The cells of each line of each table, without heads."""
    for line in text().split("\n"):
        if line.startswith("| ") and not line.startswith(("| ---", "| flaw |", "| test |", "| item |")):
            yield [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_every_test_that_is_named_exists():
    named = NAMED.findall(text())
    assert len(named) > 200
    assert [n for n in named if not has(n[0], n[1] or None)] == []


def test_every_line_names_a_test_or_says_why_there_is_none():
    table = list(rows())
    assert len(table) > 150
    for cells in table:
        assert NAMED.search(" ".join(cells)) or re.search(r"Cannot apply: \w|Not so: \w|`make ", " ".join(cells)), cells


def test_every_flaw_of_the_list_has_its_line():
    listed = re.findall(r"CVE-\d+-\d+", text().split("## The list", 1)[1].split("\n## ", 1)[0])
    assert len(listed) == len(set(listed)) >= 95
    lines = {cells[0] for cells in rows()}
    assert [i for i in listed if i not in lines] == []
    assert [i for i in lines if i.startswith("CVE-") and i not in listed] == []
