#!/usr/bin/env python3
"""Print docs/metrics.md with its table anew: start a memd (MEMD_BIN), use everything once, and list what it tells.

What is above the table is written by people and stays."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from exposition import Metrics  # noqa: E402
from server import Server, free_port, wait_for  # noqa: E402

PATH = os.path.join(ROOT, "docs/metrics.md")
TITLE = "## All metrics\n"


def families():
    s = Server(metrics_port=free_port(), appendonly="yes", latency_monitor_threshold="1", enable_debug_command="yes")
    try:
        c = s.conn()
        c("NAMESPACE", "SET", "a*", "ttl", "100", "archive", "expire", "recall", "read")
        c("SET", "a", "1"), c("NOSUCH"), c("DEBUG", "SLEEP", "0.01")
        wait_for(lambda: c.info("archive"))
        return list(Metrics(s.settings["metrics_port"]).families.values())
    finally:
        s.stop()
        s.destroy()


def row(f):
    labels = dict.fromkeys(k for _, labels in f.samples for k, _ in labels if k != "le")
    return "| `%s` | %s | %s | %s |\n" % (f.name, f.type, ", ".join("`%s`" % x for x in labels), f.help.replace("|", "\\|"))


def text():
    with open(PATH) as f:
        head = f.read().partition(TITLE)[0]
    return head + TITLE + "\n| name | type | labels | |\n| --- | --- | --- | --- |\n" + "".join(map(row, families()))


if __name__ == "__main__":
    sys.stdout.write(text())
