"""The binary itself: how it was built, what it is linked with, and its tools given what does not fit."""
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import server as srv

pytestmark = pytest.mark.memd_only

RELEASE = os.path.join(srv.ROOT, "build/release/memd")
BINARY = RELEASE if os.access(RELEASE, os.X_OK) else srv.MEMD.path


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, BINARY], capture_output=True, text=True, check=True).stdout


def makefile():
    with open(os.path.join(srv.ROOT, "Makefile")) as f:
        return f.read()


@pytest.mark.skipif(srv.Binary(BINARY).sanitized, reason="about the release build, which is not here")
def test_it_is_built_hard_to_turn():
    head, segments, dynamic, symbols, notes = (readelf(o) for o in ("-h", "-l", "-d", "--dyn-syms", "-n"))
    assert "DYN (Position-Independent Executable" in head
    assert "GNU_RELRO" in segments and "BIND_NOW" in dynamic and "NOW" in dynamic, "tables of addresses are read-only"
    stack = re.search(r"GNU_STACK .* (R\w*) ", segments)
    assert stack and "E" not in stack.group(1), "the stack is not run"
    assert not re.search(r"LOAD .* RWE ", segments)
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert "__stack_chk_fail" in symbols
    assert len(re.findall(r"__\w+_chk@", symbols)) >= 5, "lengths are checked where the compiler knows them"
    assert "dlopen" not in symbols, "nothing is loaded later"


def test_the_flags_are_there():
    """What leaves no trace that can be told from chance."""
    release = re.search(r"^CFLAGS_release\s*:=(.*(?:\\\n.*)*)", makefile(), re.M).group(1)
    for flag in ("-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection", "-fPIE"):
        assert flag in release, flag
    assert "-Wvla" in makefile() and "-Werror" in makefile()


def test_no_frame_is_large():
    """The compiler refuses one of more than 20 KiB (the registers of a HyperLogLog are 16)."""
    found = re.search(r"-Wframe-larger-than=(\d+)", makefile())
    assert found and int(found.group(1)) <= 20480


def test_libraries_are_those_with_the_fixes(server):
    """Packages of Debian are not older than the fixes, or sbom.py names those that are: a machine without updates has
    them, and is no flaw of memd; elsewhere the versions are at least those."""
    spec = importlib.util.spec_from_file_location("sbom", os.path.join(srv.ROOT, "deploy/sbom.py"))
    sbom = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    made = subprocess.run([sys.executable, spec.origin, BINARY], capture_output=True, text=True)
    components = json.loads(made.stdout)["components"]
    names = {c["name"] for c in components}
    assert any("libevent" in n for n in names) and any("sqlite" in n for n in names) and any("ssl" in n for n in names)
    with server.conn() as c:
        linked = dict(w.split("=") for w in c.info("server")["linked_libraries"].split(","))
    number = {k: tuple(int(n) for n in re.findall(r"\d+", v)[:3]) for k, v in linked.items()}
    assert number["libevent"] >= (2, 1, 12) and number["sqlite"] >= (3, 40, 1) and number["cjson"] >= (1, 7, 15)
    assert number["openssl"] >= (3, 0, 0) and "zstd" in number
    fixed = [(name, at_least, version) for name, at_least in sbom.AT_LEAST.items()
             for version in (at_least, at_least.rpartition("+")[0])]
    lacking = sbom.lacking([{"name": name, "version": version} for name, _, version in fixed])
    if shutil.which("dpkg"):
        assert lacking == ["%s %s lacks fixes that %s has" % (name, version, at_least)
                           for name, at_least, version in fixed if version != at_least]
    assert made.stderr.splitlines() == sbom.lacking(components) and made.returncode == (made.stderr != "")
    if made.returncode:
        pytest.skip("updates of Debian are missing here: " + "; ".join(made.stderr.splitlines()))


def test_of_cjson_little_more_than_the_parser_is_used():
    """Its known flaws but two lie in functions that change a document, and in pointers; those two are in the text of messages:
    tests/unit/persistence/test_archive_chat.c and tests/fuzz/persistence/f_explode.c."""
    used = set(re.findall(r"cJSON\w+", readelf("--dyn-syms")))
    assert used and not [n for n in used if re.search("Insert|Set|Add|Replace|Detach|Utils|Pointer|Print|Create|Minify|Duplicate", n)]


LONG = "x" * 100000


@pytest.mark.parametrize("argv", [
    ["--check", "/" + LONG], ["--check-config", "/" + LONG], ["--repair", "/" + LONG], ["--restore-to", "2026-01-01T00:00:00Z", "/" + LONG, "/" + LONG],
    ["--ping", "--host", LONG, "--port", "1"], ["--ping", "--unixsocket", "/" + LONG], ["--ping", "--port", LONG], ["/" + LONG], ["--dir", "/" + LONG],
    ["--unixsocket", "/" + LONG, "--port", "0"], ["--" + LONG, "x"], ["--aclfile", LONG], ["--logfile", LONG], ["--restore-to", LONG, "a", "b"],
    ["--print-man", LONG], ["--check", "/tmp/" + "a/" * 40000], ["--include", LONG]], ids=lambda a: " ".join(w[:14] for w in a))
def test_tools_bear_long_paths(tmp_path, argv):
    """CVE-2025-27151, CVE-2018-12326, CVE-2019-15026: a path or a name that is longer than any buffer."""
    done = subprocess.run([srv.MEMD.path] + argv, capture_output=True, text=True, errors="replace", cwd=tmp_path, timeout=srv.PATIENCE,
                          stdin=subprocess.DEVNULL)
    assert done.returncode in (1, 2), (done.returncode, done.stdout[-500:], done.stderr[-500:])
    assert "Sanitizer" not in done.stderr
