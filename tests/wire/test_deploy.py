"""What is beside memd in deploy/ and the compose files: dashboards and alerts ask for metrics that there are, with labels
that these have; the compose files are as careful as they say."""
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

from exposition import Metrics
from resp import OK
from server import ROOT, free_port, wait_for

pytestmark = pytest.mark.memd_only
yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")

DASHBOARD = os.path.join(ROOT, "deploy/grafana/memd.json")
ALERTS = os.path.join(ROOT, "deploy/prometheus/alerts.yml")
SELECTOR = re.compile(r"\b(memd_\w+)(?:\{([^}]*)\})?")


def load(name):
    with open(os.path.join(ROOT, name)) as f:
        return yaml.safe_load(f)


def dashboard():
    with open(DASHBOARD) as f:
        return json.load(f)


def panel_expressions():
    return [(p["title"], t["expr"]) for p in dashboard()["panels"] for t in p.get("targets", [])]


def alerts():
    return [r for g in load(ALERTS)["groups"] for r in g["rules"]]


@pytest.fixture(scope="module")
def labels_of():
    """{name of a sample: its labels}, of a daemon in which everything is in use."""
    from server import Server
    s = Server(metrics_port=free_port(), appendonly="yes", latency_monitor_threshold="1", enable_debug_command="yes")
    try:
        c = s.conn()
        assert c("NAMESPACE", "SET", "a*", "ttl", "100", "archive", "expire", "recall", "read") == OK
        c("SET", "a", "1"), c("GET", "b"), c("NOSUCH"), c("DEBUG", "SLEEP", "0.01")
        wait_for(lambda: c.info("archive"))
        out = {}
        for f in Metrics(s.settings["metrics_port"]).families.values():
            for (name, labels), _ in f.samples.items():
                out.setdefault(name, set()).update(k for k, _ in labels)
        return out
    finally:
        s.stop()
        s.destroy()


def check(expression, labels_of):
    names = SELECTOR.findall(expression)
    assert names or expression.startswith("up{"), expression
    allowed = {"job", "instance"}
    for name, matchers in names:
        assert name in labels_of, "%s is no metric of memd: %s" % (name, expression)
        allowed |= labels_of[name]
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= labels_of[name] | {"job", "instance"}, (name, used, expression)
        if name.endswith("_total") or name.endswith(("_bucket", "_sum", "_count")):
            at = expression.index(name)
            assert re.search(r"(rate|increase)\($", expression[:at]), "a counter as it is: " + expression
    for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        assert {x.strip() for x in group.split(",")} <= allowed, expression


def test_the_dashboard_asks_for_metrics_that_there_are(labels_of):
    found = panel_expressions()
    assert len(found) > 60
    for _, expression in found:
        check(expression.replace("$__rate_interval", "1m"), labels_of)
        assert '{job=~"$job", instance=~"$instance"' in expression
    for v in dashboard()["templating"]["list"]:
        if v["type"] == "query":
            assert SELECTOR.search(v["query"]["query"]).group(1) in labels_of


def test_the_dashboard_is_one_that_grafana_lays_out():
    d = dashboard()
    assert d["title"] == d["uid"] == "memd" and d["schemaVersion"] >= 36
    taken, ids = set(), set()
    for p in d["panels"]:
        g = p["gridPos"]
        assert p["id"] not in ids and g["x"] + g["w"] <= 24, p["title"]
        ids.add(p["id"])
        for x in range(g["x"], g["x"] + g["w"]):
            for y in range(g["y"], g["y"] + g["h"]):
                assert (x, y) not in taken, p["title"]
                taken.add((x, y))
        if p["type"] != "row":
            assert p["fieldConfig"]["defaults"]["unit"] and p["datasource"]["uid"] == "${datasource}"
            for t in p["targets"]:
                for label in re.findall(r"\{\{(\w+)\}\}", t["legendFormat"]):
                    assert label == "instance" or re.search(r"\b%s\b" % label, t["expr"]) or "latency_event" in t["expr"] \
                        or "namespace" in t["expr"], t


def test_the_alerts_ask_for_metrics_that_there_are(labels_of):
    rules = alerts()
    assert len(rules) >= 15 and len({r["alert"] for r in rules}) == len(rules)
    for r in rules:
        check(r["expr"], labels_of)
        assert r["labels"]["severity"] in ("critical", "warning", "info")
        assert "{{ $labels.instance }}" in r["annotations"]["summary"] and r["annotations"]["description"].endswith(".")


def test_prometheus_takes_the_rules_and_the_dashboards_expressions(tmp_path):
    """By promtool (Debian's prometheus), where it is."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    rules = [{"record": "panel:%d" % i, "expr": e.replace("$__rate_interval", "1m")}
             for i, (_, e) in enumerate(panel_expressions())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    for args in [["rules", ALERTS], ["rules", str(path)],
                 ["config", "--syntax-only", os.path.join(ROOT, "deploy/prometheus/prometheus.yml")]]:
        p = subprocess.run(["promtool", "check"] + args, capture_output=True, text=True)
        assert p.returncode == 0, p.stdout + p.stderr


# --- compose ----------------------------------------------------------------------------------------------------


def services():
    merged = {}
    for name in ["docker-compose.yml", "docker-compose.monitoring.yml"]:
        for service, body in load(name)["services"].items():
            merged.setdefault(service, {}).update(body)
    return merged


def test_each_service_has_bounds_and_no_more_rights_than_it_needs():
    for name, s in services().items():
        for key in ["mem_limit", "cpus", "pids_limit", "restart"]:
            assert s.get(key), (name, key)
        assert s["cap_drop"] == ["ALL"] and s["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in s and "cap_add" not in s and s.get("network_mode") is None, name
        assert s["read_only"] is True and s["tmpfs"], name
        for port in s.get("ports", []):
            assert port.startswith("127.0.0.1:"), "for this machine alone: " + port
        for dependency, how in s.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}, (name, dependency)


def test_no_password_is_written_down():
    for name in ["docker-compose.yml", "docker-compose.monitoring.yml"]:
        for service, s in load(name)["services"].items():
            for key, value in s.get("environment", {}).items():
                if "PASSWORD" in key:
                    assert re.fullmatch(r"\$\{\w+(:\?choose a password|:-)\}", value), (service, key)


def test_prometheus_finds_the_password_where_its_settings_say(tmp_path):
    """Its entrypoint puts it there, for itself alone, and takes it from the environment of what it becomes."""
    path = load("deploy/prometheus/prometheus.yml")["scrape_configs"][0]["authorization"]["credentials_file"]
    s = load("docker-compose.monitoring.yml")["services"]["prometheus"]
    assert any(t.startswith(os.path.dirname(path) + ":") for t in s["tmpfs"])
    shell, c, script, name = s["entrypoint"]
    stand_in = tmp_path / "prometheus"
    stand_in.write_text("#!/bin/sh\necho \"$# $1 [$METRICS_PASSWORD]\"\n")
    stand_in.chmod(0o755)
    script = script.replace("$$", "$").replace(path, str(tmp_path / "password")).replace("/bin/prometheus", str(stand_in))
    done = subprocess.run([shell, c, script, name, *s["command"]], capture_output=True, text=True, env={"METRICS_PASSWORD": "a $b%s\\n"})
    assert done.stdout == "%d %s []\n" % (len(s["command"]), s["command"][0])
    assert (tmp_path / "password").read_text() == "a $b%s\\n" and (tmp_path / "password").stat().st_mode & 0o777 == 0o600


def test_files_and_volumes_that_are_mounted_are_there():
    for name in ["docker-compose.yml", "docker-compose.monitoring.yml"]:
        compose = load(name)
        for s in compose["services"].values():
            for volume in s.get("volumes", []):
                source = volume.split(":")[0]
                assert source in compose["volumes"] if source[0] != "." else os.path.exists(os.path.join(ROOT, source)), volume
    for path in glob.glob(os.path.join(ROOT, "deploy/grafana/provisioning/*/*.yml")):
        assert load(path)["apiVersion"] == 1


def test_memd_starts_as_its_service_says(start):
    """With what docker-compose.yml gives it, on another port."""
    s = load("docker-compose.yml")["services"]["memd"]
    env = {k: v for k, v in s["environment"].items() if not v.startswith("${")}
    port = free_port()
    server = start(env=dict(env, REDIS_PASSWORD="x", MEMD_METRICS_PASSWORD="y", MEMD_METRICS_PORT=str(port)),
                   args=s["command"], password="x", appendonly="yes")
    c = server.conn()
    assert c("CONFIG", "GET", "maxmemory") == [b"maxmemory", b"1073741824"]
    assert sorted(c("NAMESPACE", "LIST")[::2]) == [b"rag:chat:*", b"rag:doc:*"]
    assert Metrics(port, Authorization="Bearer y")("memd_config_info", maxmemory_policy="allkeys-lru", appendonly="yes",
                                                   appendfsync="everysec") == 1
    limits = load("docker-compose.yml")["services"]["memd"]
    assert int(limits["mem_limit"][:-1]) << 20 >= 1.4 * (1 << 30)
    assert limits["ulimits"]["nofile"]["soft"] >= 10000 + 64 and limits["stop_grace_period"] == "60s"
