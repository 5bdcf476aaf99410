"""The planted mistakes are still there to be found (`make crash-selftest` builds and hunts them)."""
import os
import re
import subprocess

import pytest

import selftest
from server import ROOT

pytestmark = pytest.mark.memd_only


def test_each_mistake_has_its_place_in_the_code_and_somebody_who_hunts_it():
    with open(os.path.join(ROOT, "base/planted.h")) as f:
        names = set(re.findall(r"\b(BUG_[A-Z_]+),?\s+/\*", f.read()))
    found = subprocess.run(["grep", "-rhoE", r"PLANTED\(BUG_[A-Z_]+\)", "--include=*.c", "base", "persistence", "server",
                            "storage"], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    assert names == set(re.findall(r"BUG_[A-Z_]+", found))
    assert names == {bug.upper().replace("-", "_") for bug, _ in selftest.FINDERS}
