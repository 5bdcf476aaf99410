"""/metrics: Prometheus' format to the letter, INFO's figures, and names that stay."""
import os
import random
import socket
import sys

import pytest

import exposition
from exposition import Metrics, fetch
from resp import OK, PONG, Err
from server import PATIENCE, ROOT, free_port, wait_for

pytestmark = pytest.mark.memd_only

SEED = int(os.environ.get("MEMD_TEST_SEED", "20261121"))


@pytest.fixture
def s(start):
    s = start(metrics_port=free_port(), appendonly="yes", latency_monitor_threshold="1", enable_debug_command="yes")
    s.metrics_port = s.settings["metrics_port"]
    return s


@pytest.fixture
def c(s):
    return s.conn()


def read_all(sock):
    sock.settimeout(PATIENCE)
    return b"".join(iter(lambda: sock.recv(1 << 18), b""))


def in_use(c):
    """Something of everything that has metrics."""
    assert c("NAMESPACE", "SET", "chat:*", "ttl", "3600", "archive", "expire", "recall", "read", "maxkeys", "50") == OK
    for i in range(5):
        c("RPUSH", "chat:%d" % i, "hello", "there")
    c("PEXPIRE", "chat:0", 1)
    wait_for(lambda: c.info("stats")["expired_keys"] == "1")
    c("ARCHIVE.FLUSH")
    assert c("LRANGE", "chat:0", 0, -1) == [b"hello", b"there"]
    c("SET", "a", "1", "EX", "100")
    c("GET", "a"), c("GET", "nothing"), c("INCR", "chat:1"), c("NOSUCH"), c("GET"), c("EVAL", "return 1", 0)
    c("DEBUG", "SLEEP", "0.01")
    c("SELECT", 3), c("SET", "b", "2"), c("SELECT", 0)


def test_the_format_is_what_prometheus_wants(s, c):
    in_use(c)
    m = Metrics(s.metrics_port)
    assert m.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert len(m.families) > 130 and all(name.startswith("memd_") for name in m.families)
    for f in m.families.values():
        assert f.help.endswith(".") and "_ms" not in f.name and "usec" not in f.name, f.name
        assert f.samples or f.name.startswith("memd_latency_event"), f.name
    assert m("memd_build_info", version="0.1.0", redis_version="7.2.0") == 1


def test_openmetrics_is_spoken_to_who_asks_for_it(s, c):
    in_use(c)
    for accept in ["application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                   "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text"]:
        status, headers, body = fetch(s.metrics_port, headers={"Accept": accept})
        assert status == 200
        assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        families = exposition.parse(body, open_metrics=True)
        assert families["memd_keyspace_hits"].samples["memd_keyspace_hits_total", ()] >= 1
    assert fetch(s.metrics_port, headers={"Accept": "text/html"})[1]["Content-Type"].startswith("text/plain")


def test_the_reader_of_prometheus_takes_both(s, c):
    """The second opinion, where Debian's python3-prometheus-client is there."""
    parser = pytest.importorskip("prometheus_client.parser", reason="python3-prometheus-client is not here")
    openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser")
    in_use(c)
    assert c("NAMESPACE", "SET", b'q"\\\xff*', "maxkeys", 7) == OK
    text = fetch(s.metrics_port)[2].decode()
    got = {f.name: f for f in parser.text_string_to_metric_families(text)}
    assert got["memd_commands"].type == "counter"
    assert got["memd_command_duration_seconds"].type == "histogram"
    limits = {x.labels["namespace"]: x.value for x in got["memd_namespace_max_keys"].samples}
    assert limits == {"chat:*": 50, 'q"\\\\xff*': 7}
    text = fetch(s.metrics_port, headers={"Accept": "application/openmetrics-text"})[2].decode()
    assert len(list(openmetrics.text_string_to_metric_families(text))) == len(got)


def test_values_are_those_of_info(s, c):
    in_use(c)
    info = c.info("everything")
    m = Metrics(s.metrics_port)
    same = {
        "memd_connections_total": "total_connections_received", "memd_keyspace_hits_total": "keyspace_hits",
        "memd_keyspace_misses_total": "keyspace_misses", "memd_expired_keys_total": "expired_keys",
        "memd_evicted_keys_total": "evicted_keys", "memd_error_replies_total": "total_error_replies",
        "memd_clients_max": "maxclients", "memd_memory_max_bytes": "maxmemory",
        "memd_memory_system_bytes": "total_system_memory", "memd_pubsub_channels": "pubsub_channels",
        "memd_aof_offset_bytes": "aof_offset", "memd_snapshot_changes": "rdb_changes_since_last_save",
        "memd_snapshot_last_timestamp_seconds": "rdb_last_save_time", "memd_archive_notes_total": "archive_notes",
        "memd_archive_committed_total": "archive_applied", "memd_archive_entries": "archive_entries",
        "memd_recall_waits_total": "archive_recalls_waited", "memd_tracking_keys": "tracking_total_keys",
        "memd_aof_write_errors_total": "aof_write_errors",
    }
    for metric, field in same.items():
        assert m(metric) == float(info[field]), metric
    # INFO itself was one command more
    assert m("memd_commands_processed_total") == int(info["total_commands_processed"]) + 1
    kinds = m.by("memd_memory_bytes", "kind")
    assert set(kinds) == {"dataset", "tables", "clients", "persistence", "archive", "startup"}
    assert sum(kinds.values()) == m("memd_memory_used_bytes")
    assert abs(m("memd_memory_used_bytes") - int(info["used_memory"])) < 1 << 20
    assert m("memd_clients", **{"class": "normal"}) == int(info["connected_clients"])
    assert m.by("memd_db_keys", "db") == {"0": 6, "3": 1} and m("memd_keys") == 7
    assert m.by("memd_db_expiring_keys", "db") == {"0": 6, "3": 0}
    assert m("memd_aof_sync_duration_seconds_count") >= int(info["aof_syncs"])
    assert m("memd_aof_state", state="ok") == 1 and m("memd_aof_state", state="failing") == 0
    assert m("memd_archive_state", state="ok") == 1 and m("memd_recalls_total", result="found") + \
        m("memd_recalls_total", result="from_queue") == 1


def test_commands_and_errors_are_those_of_info(s, c):
    in_use(c)
    for _ in range(40):
        c("SET", "a", "x")
    c("INCR", "a")
    info = c.info("commandstats", "errorstats")
    m = Metrics(s.metrics_port)
    calls, failed = m.by("memd_commands_total", "cmd"), m.by("memd_command_failures_total", "cmd")
    rejected = m.by("memd_command_rejections_total", "cmd")
    sums = {dict(labels)["cmd"]: v for (name, labels), v in
            m.families["memd_command_duration_seconds"].samples.items() if name.endswith("_sum")}
    told = [k[len("cmdstat_"):] for k in info if k.startswith("cmdstat_")]
    assert set(calls) == set(told) | {"info"} and "nosuch" not in calls
    for name in set(told) - {"info"}:
        st = dict(x.split("=") for x in info["cmdstat_" + name].split(","))
        assert (calls[name], failed[name], rejected[name]) == \
            (int(st["calls"]), int(st["failed_calls"]), int(st["rejected_calls"])), name
        if int(st["calls"]) > 0:
            assert sums[name] == pytest.approx(int(st["usec"]) / 1e6), name
    assert failed["incr"] == 2 and rejected["get"] == 1 and calls["set"] == 42
    errors = {k[len("errorstat_"):]: int(v.split("=")[1]) for k, v in info.items() if k.startswith("errorstat_")}
    assert m.by("memd_errors_total", "code") == errors and errors["WRONGTYPE"] == 1


def test_the_histogram_is_that_of_latency_histogram(s, c):
    for _ in range(50):
        c("SET", "a", "x")
    c("DEBUG", "SLEEP", "0.02")
    m = Metrics(s.metrics_port)
    family = m.families["memd_command_duration_seconds"].samples
    histograms = c("LATENCY", "HISTOGRAM", "set", "debug")
    assert len(histograms) == 4
    for cmd, told in zip(histograms[::2], histograms[1::2]):
        cmd = cmd.decode()
        buckets = {int(1e6 * float(dict(labels)["le"]) + 0.5): v for (n, labels), v in family.items()
                   if n.endswith("_bucket") and labels[0] == ("cmd", cmd) and dict(labels)["le"] != "+Inf"}
        assert len(buckets) == 21, cmd
        for bound, count in zip(told[3][::2], told[3][1::2]):
            assert buckets[bound] == count, (cmd, bound)
        assert m("memd_command_duration_seconds_count", cmd=cmd) == told[1]
    assert m("memd_command_duration_seconds_bucket", cmd="set", le="1.048576") == 50
    assert m("memd_command_duration_seconds_bucket", cmd=cmd, le="0.016384") == 0
    assert c("CONFIG", "SET", "latency-tracking", "no") == OK
    assert "memd_command_duration_seconds" not in Metrics(s.metrics_port).families


def test_latency_events_and_the_slow_log_are_told(s, c):
    c("CONFIG", "SET", "slowlog-log-slower-than", "5000")
    c("DEBUG", "SLEEP", "0.02")
    m = Metrics(s.metrics_port)
    assert m("memd_latency_event_last_seconds", event="command") >= 0.02
    assert m("memd_latency_event_max_seconds", event="command") >= 0.02
    assert m("memd_slowlog_entries") == 1 and m("memd_slow_commands_total") == 1
    c("SLOWLOG", "RESET")
    m = Metrics(s.metrics_port)
    assert m("memd_slowlog_entries") == 0 and m("memd_slow_commands_total") == 1


NASTY = [b'say "x"*', b"back\\slash*", b"end\\", b"\xff\xfe*", "grüße:*".encode(), b"{le=\"1\"} 5*"]


def test_patterns_of_namespaces_are_escaped(s, c):
    for i, pattern in enumerate(NASTY):
        assert c("NAMESPACE", "SET", pattern, "maxkeys", i + 1) == OK
    m = Metrics(s.metrics_port)
    got = {v: k for k, v in m.by("memd_namespace_max_keys", "namespace").items()}
    assert m("memd_namespaces") == len(NASTY) == len(got)
    for i, pattern in enumerate(NASTY):
        try:
            want = pattern.decode()
        except UnicodeDecodeError:
            want = "\\xff\\xfe*"
        assert got[i + 1] == want, (pattern, got)


def test_namespaces_are_told_up_to_a_bound(s, c):
    for i in range(20):
        assert c("NAMESPACE", "SET", "t%02d:*" % i, "maxkeys", 100) == OK
    c("SET", "t03:a", "x"), c("GET", "t03:a"), c("GET", "t03:b"), c("EXPIRE", "t03:a", 30)
    m = Metrics(s.metrics_port)
    assert m("memd_namespaces_told") == 20
    stats = c("NAMESPACE", "STATS", "t03:*")
    stats = dict(zip(stats[::2], stats[1::2]))
    for field, metric in [(b"keys", "keys"), (b"bytes", "bytes"), (b"hits", "hits_total"), (b"misses", "misses_total"),
                          (b"expires", "expiring_keys")]:
        assert m("memd_namespace_" + metric, namespace="t03:*") == stats[field] > 0, field
    assert m("memd_namespace_ttls_set_total", namespace="t03:*", up_to="60") == 1
    assert c("CONFIG", "SET", "metrics-namespaces", 5) == OK
    m = Metrics(s.metrics_port)
    assert m("memd_namespaces") == 20 and m("memd_namespaces_told") == 5
    assert sorted(m.by("memd_namespace_keys", "namespace")) == ["t%02d:*" % i for i in range(5)]
    assert c("CONFIG", "SET", "metrics-namespaces", 0) == OK
    assert "memd_namespace_keys" not in Metrics(s.metrics_port).families


def test_counters_never_fall(s, c):
    """Random commands of many kinds; what is told before is a lower bound of what is told after."""
    rng = random.Random(SEED)
    print("seed", SEED)
    c("NAMESPACE", "SET", "k1*", "ttl", "1", "archive", "expire,delete,overwrite", "recall", "read", "maxkeys", "5",
      "policy", "allkeys-lru")
    known = {}
    for _ in range(25):
        for _ in range(60):
            k = "k%d" % rng.randrange(40)
            c(*rng.choice([("SET", k, "v"), ("GET", k), ("DEL", k), ("SET", k, "v", "PX", rng.randrange(1, 30)),
                           ("LPUSH", k, "x"), ("EXPIRE", k, 1), ("HSET", k, "f", "v"), ("NONSENSE",), ("GET",),
                           ("PUBLISH", "c", "m"), ("EVAL", "return redis.call('get', KEYS[1])", 1, k),
                           ("FLUSHDB",) if rng.random() < 0.05 else ("PING",), ("SELECT", rng.randrange(2))]))
        now = Metrics(s.metrics_port).counters()
        for key, value in known.items():
            assert now.get(key, -1) >= value, (key, value, now.get(key))
        known = now
    assert c("CONFIG", "RESETSTAT") == OK
    m = Metrics(s.metrics_port)
    assert m("memd_keyspace_hits_total") == 0 and set(m.by("memd_commands_total", "cmd")) == {"config|resetstat"}


def test_a_long_page_comes_whole_and_more_of_them_at_once(s, c):
    """It is written in slices, between which everything may change."""
    for name in c("COMMAND", "LIST"):
        if name.decode() not in ("shutdown", "restart", "quit", "monitor", "subscribe", "psubscribe", "ssubscribe",
                                 "sync", "psync", "reset", "auth", "hello", "failover", "debug", "multi"):
            c(name)
    assert c("CONFIG", "SET", "metrics-namespaces", 500) == OK
    c.pipeline([("NAMESPACE", "SET", "tenant%04d:*" % i, "maxkeys", 100) for i in range(500)])
    socks = [socket.create_connection(("127.0.0.1", s.metrics_port)) for _ in range(4)]
    for sock in socks:
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    for i in range(500):  # rules go and commands come to be while pages are written
        c("NAMESPACE", "DEL", "tenant%04d:*" % i)
        c("SET" if i % 2 else "GET", "tenant%04d:a" % i, "x")
    for sock in socks:
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ") or head.startswith(b"HTTP/1.0 200 "), head
        m = exposition.parse(body)
        assert len(m["memd_command_rejections_total"].samples) > 200
        told = m["memd_namespaces_told"].samples["memd_namespaces_told", ()]
        assert len(m.get("memd_namespace_keys", m["memd_namespaces_told"]).samples) in (told, 1)
        sock.close()
    assert c("PING") == PONG


def test_the_port_moves_while_memd_runs(s, c):
    old, new = s.metrics_port, free_port()
    assert fetch(old, "/healthz")[0] == 200
    assert c("CONFIG", "SET", "metrics-port", new) == OK
    assert fetch(new, "/healthz")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        fetch(old, "/healthz")
    got = c("CONFIG", "SET", "metrics-port", s.port)
    assert isinstance(got, Err) and "Unable to listen there" in got
    assert fetch(new, "/healthz")[0] == 200, "it is as it was"
    assert c("CONFIG", "SET", "metrics-port", 0) == OK
    with pytest.raises(ConnectionRefusedError):
        fetch(new, "/healthz")
    assert c("CONFIG", "SET", "metrics-port", new, "metrics-bind", "127.0.0.1 -::1") == OK
    assert fetch(new, "/metrics")[0] == 200


def test_there_is_no_port_unless_one_is_set(server):
    conn = server.conn()
    assert conn("CONFIG", "GET", "metrics-port") == [b"metrics-port", b"0"]
    assert conn("CONFIG", "GET", "metrics-bind") == [b"metrics-bind", b"127.0.0.1"]


def test_the_documents_table_is_what_is_told():
    """`make docs` writes it anew."""
    sys.path.insert(0, os.path.join(ROOT, "docs"))
    try:
        import make_metrics
    finally:
        sys.path.pop(0)
    with open(make_metrics.PATH) as f:
        assert f.read() == make_metrics.text()
