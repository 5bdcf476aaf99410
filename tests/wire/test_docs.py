"""What is written down is what the daemon says."""
import importlib.util
import os
import re

import pytest

import server as srv

pytestmark = pytest.mark.memd_only


def load(path):
    spec = importlib.util.spec_from_file_location("module", os.path.join(srv.ROOT, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_docs_commands_md_is_current(c3):
    with open(os.path.join(srv.ROOT, "docs/commands.md")) as f:
        assert f.read() == load("docs/make_commands.py").document(c3), "run docs/make_commands.py > docs/commands.md"


def test_files_that_the_documents_name_exist():
    for doc in ("README.md", "docs/architecture.md", "docs/archive.md", "docs/compatibility.md", "docs/indexes.md", "docs/metrics.md", "docs/search.md",
                "docs/tls.md"):
        with open(os.path.join(srv.ROOT, doc)) as f:
            text = f.read()
        for link in re.findall(r"\]\(([^)#]+)\)", text):
            if "://" not in link:
                assert os.path.exists(os.path.join(srv.ROOT, os.path.dirname(doc), link)), (doc, link)


def test_the_readme_has_the_two_commands_and_ci_runs_the_second():
    with open(os.path.join(srv.ROOT, "README.md")) as f:
        text = f.read()
    assert "./memd-up" in text and "./memd-test" in text
    with open(os.path.join(srv.ROOT, ".ci/run")) as f:
        assert "./memd-test" in f.read()
