#!/usr/bin/env python3
"""Print docs/commands.md from what a running memd says of its commands (COMMAND DOCS).

    docs/make_commands.py > docs/commands.md

Starts build/release/memd (or MEMD_BIN) by itself. A test compares the file with this output."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/lib"))

import server as srv  # noqa: E402
from resp import Simple  # noqa: E402

GROUPS = ["string", "list", "hash", "set", "sorted-set", "stream", "bitmap", "hyperloglog", "geo", "generic", "transactions",
          "pubsub", "scripting", "json", "search", "suggestion", "vector_set", "archive", "connection", "server", "cluster"]
TITLES = {"generic": "Keys of any type", "pubsub": "Publish and subscribe", "string": "Strings", "list": "Lists", "hash": "Hashes",
          "set": "Sets", "transactions": "Transactions", "connection": "Connections", "server": "Server",
          "archive": "The archive", "json": "Documents", "search": "Search", "suggestion": "Suggestions",
          "vector_set": "Vector sets"}

HEAD = """# Commands

Every command of memd, as `COMMAND DOCS` of the running daemon tells them. Written by `docs/make_commands.py`.
The column *since* is the version of Redis that brought the command; what memd does is what Redis 7.2 does, with the commands for
fields that expire (`HEXPIRE` and its kin) from later versions.
"""


def syntax(args):
    return " ".join(one(a.dict()) for a in args)


def one(a):
    kind, token, flags = a[b"type"].decode(), a.get(b"token", b"").decode(), set(a.get(b"flags", []))
    subs = a.get(b"arguments", [])
    if kind == "pure-token":
        text = token
    elif kind == "oneof":
        text = " | ".join(one(s.dict()) for s in subs)
        optional = Simple("optional") in flags
        text = text if optional or len(subs) == 1 else "<" + text + ">"
    elif kind == "block":
        text = syntax(subs)
    else:
        text = a.get(b"display_text", a[b"name"]).decode()
    if token and kind != "pure-token":
        text = token + " " + text
    if Simple("multiple") in flags:
        text += " [" + text + " ...]"
    if Simple("optional") in flags:
        text = "[" + text + "]"
    return text


def row(name, d):
    form = " ".join(x for x in (name.upper().replace("|", " "), syntax(d.get(b"arguments", []))) if x)
    cells = ["`%s`" % form.replace("|", "\\|"), d[b"summary"].decode(), d[b"since"].decode(), d[b"complexity"].decode()]
    return "| " + " | ".join(c.replace("\n", " ") for c in cells) + " |"


def rows(name, d):
    subs = d.get(b"subcommands", [])
    if not subs:
        return [row(name, d)]
    return [row(sub.decode(), doc.dict()) for sub, doc in sorted(subs)]


def document(conn):
    groups = {}
    for name, doc in sorted(conn("COMMAND", "DOCS")):
        groups.setdefault(doc.dict()[b"group"].decode(), []).extend(rows(name.decode(), doc.dict()))
    out = [HEAD]
    for group in GROUPS:
        if group in groups:
            out.append("## %s\n\n| command | what it does | since | complexity |\n| --- | --- | --- | --- |" %
                       TITLES.get(group, group.replace("-", " ").capitalize()))
            out.append("\n".join(groups[group]) + "\n")
    return "\n".join(out)


def main():
    s = srv.Server()
    try:
        print(document(s.conn(resp3=True)), end="")
    finally:
        s.destroy()


if __name__ == "__main__":
    main()
