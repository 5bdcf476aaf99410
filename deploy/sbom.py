#!/usr/bin/python3
"""What a binary of memd runs with, as an SBOM (CycloneDX 1.4, JSON): its shared libraries and the Debian packages they are from.

    deploy/sbom.py build/release/memd > memd.cdx.json     (or: make sbom)

Ends with 1 where a library is older than the version that has the fixes known when this was written (docs/security-tests.md)."""
import json
import os
import re
import subprocess
import sys

# Of Debian 12. What comes from elsewhere has no such version, and is listed as it is.
AT_LEAST = {
    "libevent-core-2.1-7": "2.1.12-stable-8+deb12u1",
    "libevent-extra-2.1-7": "2.1.12-stable-8+deb12u1",
    "libcjson1": "1.7.15-1+deb12u4",
    "libsqlite3-0": "3.40.1-2+deb12u2",
    "libluajit-5.1-2": "2.1.0~beta3+git20220320+dfsg-4.1+deb12u1",
}
# Linked as an archive: not among the shared libraries.
STATIC = ["lua-cjson-dev"]


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout


def libraries(binary):
    """Paths of the shared libraries that the binary itself asks for, and those that they ask for."""
    return sorted(set(re.findall(r"=> (/\S+)", run("ldd", binary))))


def packages(paths):
    """{path: (package, version)} of those that dpkg knows, and {package: version}. It may know a file without /usr, or by the name behind a link."""
    names = {n: p for p in paths for r in (p, os.path.realpath(p)) for n in (r, re.sub("^/usr", "", r))}
    owners = {}
    for line in run("dpkg", "-S", *names).split("\n"):
        owner, _, name = line.rpartition(": ")
        if name in names:
            owners[names[name]] = owner.partition(",")[0].partition(":")[0]
    versions = dict(line.split(" ", 1) for line in run("dpkg-query", "-W", "-f=${Package} ${Version}\n", *set(owners.values()), *STATIC).splitlines())
    return {path: (owner, versions[owner]) for path, owner in owners.items()}, versions


def component(name, version, path):
    out = {"type": "library", "name": name, "version": version}
    if version:
        out["purl"] = "pkg:deb/debian/%s@%s" % (name, version)
    if path:
        out["properties"] = [{"name": "path", "value": path}]
    return out


def is_older(version, than):
    return subprocess.run(["dpkg", "--compare-versions", version, "lt", than]).returncode == 0


def bill(binary):
    paths = libraries(binary)
    known, versions = packages(paths)
    components = [component(*known.get(path, (os.path.basename(path), "")), path) for path in paths]
    components += [component(name, versions[name], None) for name in STATIC if name in versions]
    version = re.search(r"\d+\.\d+\.\d+", run(binary, "--version"))
    return {"bomFormat": "CycloneDX", "specVersion": "1.4", "version": 1,
            "metadata": {"component": {"type": "application", "name": "memd", "version": version.group() if version else ""}},
            "components": components}


def lacking(components):
    """What to say of those that are older than the fixes."""
    return ["%s %s lacks fixes that %s has" % (c["name"], c["version"], AT_LEAST[c["name"]]) for c in components
            if c["name"] in AT_LEAST and c["version"] and is_older(c["version"], AT_LEAST[c["name"]])]


def main():
    made = bill(sys.argv[1])
    json.dump(made, sys.stdout, indent=2)
    print()
    old = lacking(made["components"])
    for line in old:
        print(line, file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
