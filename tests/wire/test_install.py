"""make install and uninstall, the manual pages, the parts of the package that can be looked at without building it."""
import os
import re
import shutil
import stat
import subprocess

import pytest

import server as srv
from server import MEMD

pytestmark = pytest.mark.memd_only


def out_of(*argv, **kw):
    return subprocess.run(argv, capture_output=True, text=True, check=True, **kw).stdout


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    where = tmp_path_factory.mktemp("man")
    found = {}
    for section in ("1", "5"):
        found[section] = where / ("memd.%s" % section)
        found[section].write_text(out_of(MEMD.path, "--print-man", section))
    return found


def plain(page):
    """What a reader sees of a page's source."""
    return page.read_text().replace("\\-", "-").replace("\\fB", "").replace("\\fR", "").replace("\\fI", "").replace("\\e", "\\")


def test_the_pages_have_all_sections_and_all_names(pages):
    one, five = plain(pages["1"]), plain(pages["5"])
    assert re.findall(r'^\.SH "(.*)"$', one, re.M) == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SIGNALS", "ENVIRONMENT",
                                                       "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"]
    for option in set(re.findall(r"^ +memd (--[a-z-]+)", out_of(MEMD.path, "--help").partition("Every setting")[0], re.M)):
        assert re.search(r"^%s\b" % option, one, re.M), option
    conf = out_of(MEMD.path, "--print-config")
    for name in re.findall(r"^([a-z][a-z0-9-]*) ", conf, re.M):
        assert re.search(r"^\.TP\n%s(,|$)" % name, five, re.M), name
    assert 'Default:\n6379.' in five and "tls-cluster" in five


@pytest.mark.parametrize("section", ["1", "5"])
def test_the_pages_are_good_roff(pages, section):
    """As far as the programs are there; that no line is an unknown order is looked at in any case."""
    text = pages[section].read_text()
    orders = set(re.findall(r"^[.'](\S*)", text, re.M))
    assert orders <= {"TH", "SH", "SS", "PP", "TP", "IP", "nf", "fi", "RS", "RE", "br", "nh", "ad"}, orders
    assert not re.search(r"\\(?!fB|fI|fR|-|e|&|\((aq|ti|ha|ga))", text)
    if shutil.which("man"):
        p = subprocess.run(["man", "--warnings", "-l", str(pages[section])], capture_output=True, text=True,
                           env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
        assert p.returncode == 0 and p.stderr == "", p.stderr
    if shutil.which("mandoc"):
        p = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(pages[section])], capture_output=True, text=True)
        assert p.returncode == 0, p.stdout


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def make(tmp_path):
    """make with DESTDIR, for the binary under test. The tree's own, so that nothing is built."""
    mode = os.path.basename(os.path.dirname(MEMD.path))
    if os.path.dirname(os.path.dirname(MEMD.path)) != os.path.join(srv.ROOT, "build"):
        pytest.skip("the binary under test is not of this tree")

    def run(target, **variables):
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "DESTDIR", "PREFIX", "T")}
        return out_of("make", "-s", "-o", "build/%s/memd" % mode, target, "MODE=" + mode, "DESTDIR=%s" % (tmp_path / "root"),
                      *["%s=%s" % kv for kv in variables.items()], cwd=srv.ROOT, env=env)

    return run


def tree(top):
    return sorted(os.path.relpath(os.path.join(at, n), top) for at, _, names in os.walk(top) for n in names)


def test_install_and_uninstall(make, tmp_path):
    root = tmp_path / "root"
    make("install", PREFIX="/opt/memd")
    there = tree(root)
    for path in ("opt/memd/bin/memd", "etc/memd/memd.conf", "opt/memd/share/man/man1/memd.1", "opt/memd/share/man/man5/memd.conf.5",
                 "opt/memd/lib/systemd/system/memd.service", "opt/memd/lib/sysusers.d/memd.conf", "opt/memd/share/doc/memd/README.md",
                 "opt/memd/share/bash-completion/completions/memd", "opt/memd/share/memd/alerts.yml"):
        assert path in there, path
    assert mode_of(root / "etc/memd/memd.conf") == 0o640 and mode_of(root / "opt/memd/bin/memd") == 0o755
    assert "ExecStart=/opt/memd/bin/memd" in (root / "opt/memd/lib/systemd/system/memd.service").read_text()
    assert out_of(str(root / "opt/memd/bin/memd"), "--version") == out_of(MEMD.path, "--version")
    (root / "etc/memd/memd.conf").write_text("port 7000\n")
    make("install", PREFIX="/opt/memd")
    assert (root / "etc/memd/memd.conf").read_text() == "port 7000\n", "settings that are there stay"
    make("uninstall", PREFIX="/opt/memd")
    assert tree(root) == ["etc/memd/memd.conf"]


def test_completion_knows_options_and_settings():
    script = 'source "$1"; COMP_WORDS=("$2" "$3"); COMP_CWORD=1; _memd "$2"; printf "%s\\n" "${COMPREPLY[@]}"'
    path = os.path.join(srv.ROOT, "deploy/memd.completion")
    if not shutil.which("bash"):
        pytest.skip("no bash here")

    def complete(word):
        turkish = {**os.environ, "LC_ALL": "tr_TR.UTF-8"}  # the letters from a to z are others there
        return set(out_of("bash", "-c", script, "bash", path, MEMD.path, word, env=turkish).split())

    assert complete("--check") == {"--check", "--check-config"}
    assert {"--maxmemory", "--maxmemory-policy"} <= complete("--maxm")


def read(path):
    with open(os.path.join(srv.ROOT, path)) as f:
        return f.read()


def test_the_package_asks_for_what_the_build_needs_and_has_its_version():
    """memd-up, Dockerfile and the package's Build-Depends name the same libraries."""
    libraries = set(re.findall(r"\b(?:lib|lua-)\S*-dev\b", re.search(r"^need_packages (.*)$", read("memd-up"), re.M).group(1)))
    wanted = set(re.split(r",\s*", re.search(r"^Build-Depends: (.*(?:\n .*)*)", read("deploy/debian/control"), re.M).group(1)))
    assert libraries - {"libc6-dev"} == wanted - {"debhelper-compat (= 13)"}
    assert libraries <= set(re.findall(r"\S+-dev\b", read("Dockerfile")))
    version = re.search(r"v=(\S+)", out_of(MEMD.path, "--version")).group(1)
    assert read("deploy/debian/changelog").startswith("memd (%s-" % version)


@pytest.mark.parametrize("name", ["postinst", "postrm"])
def test_maintainer_scripts_are_good_shell(name):
    subprocess.run(["sh", "-n", os.path.join(srv.ROOT, "deploy/debian", name)], check=True)
    assert "#DEBHELPER#" in read("deploy/debian/" + name) and "\nset -e\n" in read("deploy/debian/" + name)
