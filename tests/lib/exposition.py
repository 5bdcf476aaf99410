"""A strict reader of Prometheus' text format 0.0.4 and of OpenMetrics 1.0, and of memd's HTTP port.

Stricter than Prometheus itself: every sample belongs to the family that was begun last, every family has HELP and TYPE,
no family and no series comes twice, values are numbers, histograms have all they need and only rise."""
import http.client
import re

from server import PATIENCE

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(r"(%s)(?:\{(.*)\})? (\S+)$" % NAME)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
UNITS = re.compile(r"_(seconds|bytes|ratio|total|info)(_total)?$")


class Malformed(Exception):
    pass


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type, self.samples = name, help_text, None, {}


def unescape(text):
    return re.sub(r'\\["\\n]', lambda m: ESCAPES[m.group()], text)


def labels_of(text):
    out, at = [], 0
    while at < len(text):
        m = LABEL.match(text, at)
        if not m:
            raise Malformed("labels: " + text)
        out.append((m.group(1), unescape(m.group(2))))
        at = m.end()
        if m.group(3) == "," and at == len(text):
            raise Malformed("a comma at the end: " + text)
    if len({k for k, _ in out}) != len(out):
        raise Malformed("a label twice: " + text)
    return tuple(out)


def suffixes(family, open_metrics):
    if family.type == "histogram":
        return ("_bucket", "_sum", "_count")
    return ("_total",) if open_metrics and family.type == "counter" else ("",)


def parse(body, open_metrics=False):
    """{family's name: Family}; samples by (name, labels)."""
    text = body.decode("utf-8")
    if not text.endswith("\n"):
        raise Malformed("no newline at the end")
    lines = text[:-1].split("\n")
    if open_metrics and lines.pop() != "# EOF":
        raise Malformed("no # EOF")
    families, now = {}, None
    for line in lines:
        if line.startswith("# HELP "):
            name, _, help_text = line[7:].partition(" ")
            if not re.fullmatch(NAME, name) or name in families or not help_text:
                raise Malformed(line)
            now = families[name] = Family(name, help_text)
        elif line.startswith("# TYPE "):
            name, _, kind = line[7:].partition(" ")
            if now is None or name != now.name or now.type or kind not in ("gauge", "counter", "histogram"):
                raise Malformed(line)
            now.type = kind
        else:
            m = SAMPLE.match(line)
            if not m or now is None or now.type is None:
                raise Malformed(line)
            name, labels = m.group(1), labels_of(m.group(2) or "")
            if m.group(2) == "" or name not in [now.name + s for s in suffixes(now, open_metrics)]:
                raise Malformed(line)
            if (name, labels) in now.samples:
                raise Malformed("twice: " + line)
            now.samples[name, labels] = float(m.group(3))
    for f in families.values():
        check_family(f, open_metrics)
    return families


def check_family(f, open_metrics):
    if f.type is None:
        raise Malformed("no type: " + f.name)
    if f.type == "counter":
        if not open_metrics and not f.name.endswith("_total"):
            raise Malformed("a counter's name ends in _total: " + f.name)
        if any(v < 0 for v in f.samples.values()):
            raise Malformed("a counter below 0: " + f.name)
    elif f.name.endswith("_total"):
        raise Malformed("only a counter's name ends in _total: " + f.name)
    if f.type == "histogram":
        check_histogram(f)


def check_histogram(f):
    rows = {}
    for (name, labels), value in f.samples.items():
        rest = tuple(x for x in labels if x[0] != "le")
        row = rows.setdefault(rest, {"buckets": []})
        if name.endswith("_bucket"):
            row["buckets"].append((dict(labels)["le"], value))
        else:
            row[name[len(f.name):]] = value
    for rest, row in rows.items():
        bounds = [float(le) for le, _ in row["buckets"]]
        counts = [n for _, n in row["buckets"]]
        if bounds != sorted(set(bounds)) or counts != sorted(counts) or row["buckets"][-1][0] != "+Inf":
            raise Malformed("buckets of %s%r" % (f.name, rest))
        if row["_count"] != counts[-1] or row["_sum"] < 0:
            raise Malformed("sum and count of %s%r" % (f.name, rest))


def fetch(port, path="/metrics", method="GET", headers=None, timeout=PATIENCE):
    """(status, headers, body) of one request."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, headers=headers or {})
        r = c.getresponse()
        return r.status, r.headers, r.read()
    finally:
        c.close()


class Metrics:
    """What /metrics says, to be asked by name and labels."""

    def __init__(self, port, **headers):
        status, self.headers, body = fetch(port, headers=headers)
        assert status == 200, (status, body)
        self.families = parse(body)

    def __call__(self, sample, **labels):
        for f in self.families.values():
            if (sample, tuple(labels.items())) in f.samples:
                return f.samples[sample, tuple(labels.items())]
        raise KeyError((sample, labels))

    def by(self, family, label):
        """{value of the label: value}"""
        return {dict(labels)[label]: v for (_, labels), v in self.families[family].samples.items()}

    def counters(self):
        return {key: v for f in self.families.values() if f.type != "gauge" for key, v in f.samples.items()}
