"""The examples do what they say: each demonstrates itself against a daemon, through stock redis-py."""
import importlib
import os
import sys

import pytest
import server as srv

EXAMPLES = os.path.join(srv.ROOT, "examples")


@pytest.fixture
def examples(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    names = ("memd_archive", "sessions", "agents", "memory", "entries", "knowledge")
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", ["sessions", "agents", "memory", "entries", "knowledge"])
@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_an_example_holds_what_it_asserts(start, examples, name, appendonly):
    s = start(appendonly=appendonly)
    for _ in range(2):  # also where it has been before
        examples(name).demo(s.client())
