"""Commands about the server: INFO and all that shows what it does."""
import time

import pytest

from resp import Err, OK, Simple
from server import wait_for


def test_info_has_the_fields_that_tools_read(c):
    info = c.info()
    for field in """
        redis_version redis_git_sha1 redis_mode os arch_bits multiplexing_api gcc_version process_id run_id tcp_port
        server_time_usec uptime_in_seconds uptime_in_days hz configured_hz lru_clock executable config_file
        connected_clients cluster_connections maxclients client_recent_max_input_buffer
        client_recent_max_output_buffer blocked_clients tracking_clients clients_in_timeout_table
        used_memory used_memory_human used_memory_rss used_memory_peak used_memory_peak_human used_memory_peak_perc
        used_memory_overhead used_memory_startup used_memory_dataset used_memory_dataset_perc allocator_allocated
        allocator_active allocator_resident total_system_memory used_memory_lua maxmemory maxmemory_human
        maxmemory_policy mem_fragmentation_ratio mem_fragmentation_bytes mem_clients_normal mem_aof_buffer mem_allocator
        active_defrag_running lazyfree_pending_objects lazyfreed_objects
        loading rdb_changes_since_last_save rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status
        rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves rdb_last_cow_size rdb_last_load_keys_expired
        rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress aof_rewrite_scheduled aof_last_rewrite_time_sec
        aof_current_rewrite_time_sec aof_last_bgrewrite_status aof_rewrites aof_last_write_status
        total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
        total_net_output_bytes instantaneous_input_kbps instantaneous_output_kbps rejected_connections sync_full
        expired_keys evicted_keys keyspace_hits keyspace_misses pubsub_channels pubsub_patterns latest_fork_usec
        total_error_replies unexpected_error_replies total_reads_processed total_writes_processed
        role connected_slaves master_failover_state master_replid master_repl_offset second_repl_offset
        repl_backlog_active repl_backlog_size used_cpu_sys used_cpu_user cluster_enabled
    """.split():
        assert field in info, field
    assert info["role"] == "master" and info["redis_mode"] == "standalone"


def test_info_sections(c):
    text = c("INFO", "server").decode()
    assert text.startswith("# Server\r\n") and "# Clients" not in text
    text = c("INFO", "clients", "memory").decode()
    assert "# Clients" in text and "# Memory" in text and "# Server" not in text
    every = c("INFO", "everything").decode()
    for name in ("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Commandstats",
                 "Errorstats", "Cluster", "Keyspace"):
        assert "# %s\r\n" % name in every, name
    assert "# Commandstats" not in c("INFO").decode()
    assert "# Commandstats" in c("INFO", "all").decode()
    assert c("INFO", "nosuch") == b""


def test_info_tells_the_truth(c, server):
    c("CONFIG", "RESETSTAT")
    c("SET", "k", "v")
    c("GET", "k")
    c("GET", "nokey")
    c("NOSUCH")
    c("LPUSH", "k", "x")
    c.pipeline([["SET", "e%d" % i, "v", "EX", "1000"] for i in range(10)])
    info = c.info("everything")
    assert info["keyspace_hits"] == "1" and info["keyspace_misses"] == "1"
    assert info["db0"].startswith("keys=11,expires=10,avg_ttl=")
    assert info["cmdstat_set"].startswith("calls=11,usec=") and "rejected_calls=0,failed_calls=0" in info["cmdstat_set"]
    assert "failed_calls=1" in info["cmdstat_lpush"]
    assert info["errorstat_WRONGTYPE"] == "count=1"
    assert int(info["total_error_replies"]) == 2
    assert int(info["process_id"]) == server.pid and info["tcp_port"] == str(server.port)
    assert int(info["used_memory"]) > 0


def test_what_is_resident_is_told(start):
    """Pages come and go by themselves: what counts is a value much larger than those."""
    s = start()
    c = s.conn()
    assert c("SET", "large", b"x" * (64 << 20)) == OK
    wait_for(lambda: abs(int(c.info("memory")["used_memory_rss"]) - s.rss()) < 16 << 20)
    assert s.rss() > 64 << 20


def test_used_memory_follows_the_data(start):
    c = start().conn()
    c("PING")
    before = int(c.info("memory")["used_memory"])
    c.pipeline([["SET", "key:%d" % i, "x" * 1000] for i in range(5000)])
    full = int(c.info("memory")["used_memory"])
    assert 5000 * 1000 < full - before < 5000 * 1400
    c("FLUSHALL", "SYNC")
    wait_for(lambda: int(c.info("memory")["used_memory"]) - before < 300000)


def test_memory_usage(c):
    c("SET", "k", "x" * 1000)
    assert 1000 < c("MEMORY", "USAGE", "k") < 1300
    c("RPUSH", "l", *["y" * 100] * 1000)
    assert 100000 < c("MEMORY", "USAGE", "l", "SAMPLES", 0) < 140000
    c("HSET", "h", *[x for i in range(1000) for x in ("f%d" % i, "v" * 100)])
    assert 100000 < c("MEMORY", "USAGE", "h") < 300000
    assert c("MEMORY", "USAGE", "nokey") is None
    assert c("MEMORY", "USAGE", "k", "SAMPLES", "-1") == Err("ERR syntax error")
    assert c("MEMORY", "USAGE", "k", "FOO") == Err("ERR syntax error")


def test_memory_stats_doctor_purge(c, c3):
    stats = c3("MEMORY", "STATS").dict()
    for field in (b"peak.allocated", b"total.allocated", b"startup.allocated", b"clients.normal", b"aof.buffer",
                  b"overhead.total", b"keys.count", b"dataset.bytes", b"fragmentation"):
        assert field in stats, field
    assert len(c("MEMORY", "DOCTOR")) > 10
    assert c("MEMORY", "PURGE") == OK
    assert isinstance(c("MEMORY", "HELP"), list)
    assert c("MEMORY", "FOO") == Err("ERR unknown subcommand 'FOO'. Try MEMORY HELP.")


def test_slowlog(start):
    s = start(slowlog_log_slower_than=0, slowlog_max_len=10)
    c = s.conn()
    c("CLIENT", "SETNAME", "me")
    c("SLOWLOG", "RESET")
    c("SET", "k", "x" * 500)
    entries = c("SLOWLOG", "GET")
    e = [x for x in entries if x[3][0] == b"SET"][0]
    assert e[3][2] == b"x" * 128 + b"... (372 more bytes)"
    assert e[5] == b"me" and e[4].startswith(b"127.0.0.1:") and e[2] >= 0 and abs(e[1] - time.time()) < 60
    for i in range(40):
        c("GET", "k%d" % i)
    assert c("SLOWLOG", "LEN") == 10
    c("EVAL", "redis.call('PING')", 0)
    script, inner = c("SLOWLOG", "GET", 2)
    assert script[3][0] == b"EVAL" and inner[3] == [b"PING"] and inner[4:] == script[4:]
    assert len(c("SLOWLOG", "GET", 3)) == 3
    assert len(c("SLOWLOG", "GET", -1)) == 10
    c("MSET", *range(100))
    e = [x for x in c("SLOWLOG", "GET") if x[3][0] == b"MSET"][0]
    assert len(e[3]) == 32 and e[3][31] == b"... (70 more arguments)"
    assert c("SLOWLOG", "RESET") == OK
    c("CONFIG", "SET", "slowlog-log-slower-than", -1)
    c("SLOWLOG", "RESET")
    c("PING")
    assert c("SLOWLOG", "LEN") == 0
    assert c("SLOWLOG", "GET", "-2") == Err("ERR count should be greater than or equal to -1")
    assert isinstance(c("SLOWLOG", "HELP"), list)


def test_the_slowlog_keeps_no_secrets(start):
    s = start(slowlog_log_slower_than=0)
    c = s.conn()
    c("CONFIG", "SET", "requirepass", "canary-secret")
    c("AUTH", "canary-secret")
    c("HELLO", "3", "AUTH", "default", "canary-secret")
    text = repr(c("SLOWLOG", "GET", -1))
    assert "canary-secret" not in text
    s.password = "canary-secret"


def test_monitor(c, c2, server):
    m = server.conn()
    assert m("MONITOR") == OK
    c("SET", "k", b"a b\r\n\"\xff")
    c("SELECT", 3)
    c("GET", "k")
    c("AUTH", "canary")
    line = m.read()
    assert isinstance(line, Simple)
    assert line.endswith('[0 127.0.0.1:%d] "SET" "k" "a b\\r\\n\\"\\xff"' % c.sock.getsockname()[1]), line
    assert m.read().endswith('"SELECT" "3"')
    assert '[3 127.0.0.1:' in m.read()
    c("PING")
    rest = m.read()
    assert "canary" not in rest
    m.send("QUIT")
    m.read_to_end()
    assert c2("PING")


def test_monitor_shows_commands_of_transactions(c, server):
    m = server.conn()
    m("MONITOR")
    c("MULTI")
    c("SET", "k", "v")
    c("EXEC")
    got = [m.read().split("] ")[1] for _ in range(3)]
    assert sorted(got) == ['"EXEC"', '"MULTI"', '"SET" "k" "v"']


def test_latency(start):
    s = start(latency_monitor_threshold=1, enable_debug_command="yes")
    c = s.conn()
    c("DEBUG", "SLEEP", "0.02")
    latest = c("LATENCY", "LATEST")
    assert [e[0] for e in latest] == [b"command"] and latest[0][2] >= 20 and latest[0][3] >= 20
    history = c("LATENCY", "HISTORY", "command")
    assert history and history[-1][1] >= 20
    assert b"command" in c("LATENCY", "DOCTOR")
    graph = c("LATENCY", "GRAPH", "command").split(b"\n")
    worst = b"%d ms" % latest[0][3]
    assert graph[0] == b"command - high " + worst + b", low " + worst + b" (all time high " + worst + b")"
    assert graph[1] == b"-" * 80
    assert graph[2:6] == [b" ", b" ", b" ", b"_"] and graph[6] == b"" and graph[8] == b"s"
    assert c("LATENCY", "RESET") == 1
    assert c("LATENCY", "LATEST") == []
    assert isinstance(c("LATENCY", "HELP"), list)
    assert c("LATENCY", "HISTORY", "nosuch") == []


def test_latency_histogram(c3):
    c3("CONFIG", "RESETSTAT")
    for _ in range(10):
        c3("SET", "k", "v")
    h = c3("LATENCY", "HISTOGRAM", "set").dict()[b"set"].dict()
    assert h[b"calls"] == 10 and sum(n for _, n in h[b"histogram_usec"][-1:]) == 10


def test_dbsize_time_lastsave(c):
    assert c("DBSIZE") == 0
    c("MSET", "a", 1, "b", 2)
    assert c("DBSIZE") == 2
    assert abs(c("LASTSAVE") - time.time()) < 86400


def test_debug_is_behind_a_setting(start):
    s = start(enable_debug_command="no")
    got = s.conn()("DEBUG", "SLEEP", "0")
    assert isinstance(got, Err) and got.startswith("ERR DEBUG command not allowed.")


def test_debug_object_and_friends(c):
    c("SET", "k", "v")
    assert "encoding:embstr" in c("DEBUG", "OBJECT", "k") and "serializedlength:" in c("DEBUG", "OBJECT", "k")
    assert c("DEBUG", "OBJECT", "nokey") == Err("ERR no such key")
    d1 = c("DEBUG", "DIGEST")
    c("SET", "k2", "v")
    d2 = c("DEBUG", "DIGEST")
    c("DEL", "k2")
    assert c("DEBUG", "DIGEST") == d1 != d2
    t0 = time.monotonic()
    assert c("DEBUG", "SLEEP", "0.02") == OK
    assert time.monotonic() - t0 >= 0.018
    assert c("DEBUG", "RELOAD") == OK
    assert c("GET", "k") == b"v"


@pytest.mark.memd_only
def test_debug_check_finds_nothing(c):
    c.pipeline([["SET", "k%d" % i, "v" * (i % 100)] for i in range(3000)])
    c.pipeline([["RPUSH", "l%d" % (i % 10), "v" * (i % 300)] for i in range(3000)])
    c.pipeline([["HSET", "h%d" % (i % 3), "f%d" % i, "v"] for i in range(3000)])
    c.pipeline([["SADD", "s%d" % (i % 3), i] for i in range(3000)])
    assert c("DEBUG", "CHECK") == OK


def test_role_and_replicas(c):
    role, offset, replicas = c("ROLE")
    assert role == b"master" and type(offset) is int and replicas == []
    assert c.info("replication")["connected_slaves"] == "0"


def test_shutdown_nosave(start):
    s = start(save="900 1")
    c = s.conn()
    c("SET", "k", "v")
    c.send("SHUTDOWN", "NOSAVE")
    assert c.read_to_end() == b""
    assert s.wait_exit() == 0


def test_shutdown_save_keeps_the_data(start):
    s = start()
    c = s.conn()
    c("SET", "k", "v")
    c.send("SHUTDOWN", "SAVE")
    assert c.read_to_end() == b"" and s.wait_exit() == 0
    s.start()
    assert s.conn()("GET", "k") == b"v"


def test_shutdown_options(talk):
    talk("""
        SHUTDOWN FOO                    => -ERR syntax error
        SHUTDOWN SAVE NOSAVE            => -ERR syntax error
        SHUTDOWN ABORT                  => -ERR No shutdown in progress.
    """)
