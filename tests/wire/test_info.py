"""INFO: its sections and the names in them, as monitoring tools look for them; INFO keysizes; DEBUG PAUSE-CRON."""
import pytest

from resp import Err
from server import wait_for

# Names of 7.2 that depend on nothing.
FIELDS = {
    "Server": """redis_version redis_git_sha1 redis_git_dirty redis_build_id redis_mode os arch_bits monotonic_clock
        multiplexing_api atomicvar_api gcc_version process_id process_supervised run_id tcp_port server_time_usec
        uptime_in_seconds uptime_in_days hz configured_hz lru_clock executable config_file io_threads_active listener0""",
    "Clients": """connected_clients cluster_connections maxclients client_recent_max_input_buffer
        client_recent_max_output_buffer blocked_clients tracking_clients clients_in_timeout_table total_blocking_keys
        total_blocking_keys_on_nokey""",
    "Memory": """used_memory used_memory_human used_memory_rss used_memory_rss_human used_memory_peak
        used_memory_peak_human used_memory_peak_perc used_memory_overhead used_memory_startup used_memory_dataset
        used_memory_dataset_perc allocator_allocated allocator_active allocator_resident total_system_memory
        total_system_memory_human used_memory_lua used_memory_vm_eval used_memory_lua_human used_memory_scripts_eval
        number_of_cached_scripts number_of_functions number_of_libraries used_memory_vm_functions used_memory_vm_total
        used_memory_vm_total_human used_memory_functions used_memory_scripts used_memory_scripts_human maxmemory
        maxmemory_human maxmemory_policy allocator_frag_ratio allocator_frag_bytes allocator_rss_ratio
        allocator_rss_bytes rss_overhead_ratio rss_overhead_bytes mem_fragmentation_ratio mem_fragmentation_bytes
        mem_not_counted_for_evict mem_replication_backlog mem_total_replication_buffers mem_clients_slaves
        mem_clients_normal mem_cluster_links mem_aof_buffer mem_allocator active_defrag_running
        lazyfree_pending_objects lazyfreed_objects""",
    "Persistence": """loading async_loading current_cow_peak current_cow_size current_cow_size_age current_fork_perc
        current_save_keys_processed current_save_keys_total save_piece_max_bytes save_walk_max_bytes
        rdb_changes_since_last_save rdb_bgsave_in_progress
        rdb_last_save_time rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_current_bgsave_time_sec rdb_saves
        rdb_last_cow_size rdb_last_load_keys_expired rdb_last_load_keys_loaded aof_enabled aof_rewrite_in_progress
        aof_rewrite_scheduled aof_last_rewrite_time_sec aof_current_rewrite_time_sec aof_last_bgrewrite_status
        aof_rewrites aof_last_write_status aof_last_cow_size module_fork_in_progress module_fork_last_cow_size""",
    "Stats": """total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
        total_net_output_bytes total_net_repl_input_bytes total_net_repl_output_bytes instantaneous_input_kbps
        instantaneous_output_kbps instantaneous_input_repl_kbps instantaneous_output_repl_kbps rejected_connections
        sync_full sync_partial_ok sync_partial_err expired_keys expired_stale_perc expired_time_cap_reached_count
        expire_cycle_cpu_milliseconds evicted_keys evicted_clients total_eviction_exceeded_time
        current_eviction_exceeded_time keyspace_hits keyspace_misses pubsub_channels pubsub_patterns
        pubsubshard_channels latest_fork_usec total_forks migrate_cached_sockets slave_expires_tracked_keys
        active_defrag_hits active_defrag_misses active_defrag_key_hits active_defrag_key_misses
        total_active_defrag_time current_active_defrag_time tracking_total_keys tracking_total_items
        tracking_total_prefixes unexpected_error_replies total_error_replies dump_payload_sanitizations
        total_reads_processed total_writes_processed io_threaded_reads_processed io_threaded_writes_processed
        reply_buffer_shrinks reply_buffer_expands eventloop_cycles eventloop_duration_sum eventloop_duration_cmd_sum
        instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec acl_access_denied_auth
        acl_access_denied_cmd acl_access_denied_key acl_access_denied_channel""",
    "Replication": """role connected_slaves master_failover_state master_replid master_replid2 master_repl_offset
        second_repl_offset repl_backlog_active repl_backlog_size repl_backlog_first_byte_offset repl_backlog_histlen""",
    "CPU": """used_cpu_sys used_cpu_user used_cpu_sys_children used_cpu_user_children used_cpu_sys_main_thread
        used_cpu_user_main_thread""",
    "Modules": "", "Errorstats": "", "Cluster": "cluster_enabled", "Keyspace": "",
}


def sections(text):
    out = {}
    for line in text.decode().split("\r\n"):
        if line.startswith("# "):
            now = out.setdefault(line[2:], {})
        elif line:
            name, _, value = line.partition(":")
            now[name] = value
    return out


@pytest.mark.since(7, 2)
def test_sections_and_names(c):
    got = sections(c("INFO"))
    assert list(got) == list(FIELDS)
    for section, names in FIELDS.items():
        assert [n for n in names.split() if n not in got[section]] == [], section
    everything = ["Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Commandstats",
                  "Errorstats", "Latencystats", "Cluster", "Keyspace"]
    for word in ("all", "everything"):
        assert [s for s in sections(c("INFO", word)) if s != "Keysizes"] == everything
    assert list(sections(c("INFO", "clients", "SERVER", "server"))) == ["Server", "Clients"]
    assert c("INFO", "nosuch") == b""


@pytest.mark.since(7, 2)
def test_listeners(start, tmp_path):
    s = start(bind="127.0.0.1 127.0.0.2", unixsocket=str(tmp_path / "sock"))
    info = s.conn().info("server")
    assert info["listener0"] == "name=tcp,bind=127.0.0.1,bind=127.0.0.2,port=%d" % s.port
    assert info["listener1"] == "name=unix,bind=%s" % (tmp_path / "sock")


@pytest.mark.since(7, 2)
def test_the_loop_counts_its_time(c):
    before = c.info("stats")
    c("DEBUG", "SLEEP", "0.01")
    after = c.info("stats")
    assert int(after["eventloop_cycles"]) > int(before["eventloop_cycles"])
    for name in ("eventloop_duration_sum", "eventloop_duration_cmd_sum"):
        assert int(after[name]) - int(before[name]) >= 10000, name


def keysizes(c):
    out = {}
    for line in c("INFO", "keysizes").decode().split("\r\n"):
        if line and not line.startswith("#"):
            name, _, values = line.partition(":")
            out[name] = dict(v.split("=") for v in values.split(","))
    return out


@pytest.mark.memd_only
def test_keysizes_of_few_keys_are_exact(c):
    assert c("INFO", "keysizes") == b"# Keysizes\r\n"
    c.pipeline([("SET", "s%d" % n, "x" * n) for n in (0, 1, 2, 3, 4, 7, 8, 1023, 1024, 2047, 2048)])
    c("SET", "i", 123456)
    c("RPUSH", "l", *range(5))
    c("SADD", "t", *range(600))
    c("ZADD", "z", 1, "a", 2, "b")
    c("HSET", "h", "f", "v")
    c("XADD", "x", "*", "f", "v")
    c("SELECT", 3)
    c("SADD", "t", "a", "b", "c")
    assert keysizes(c) == {
        "db0_distrib_strings_sizes": {"0": "1", "1": "1", "2": "2", "4": "3", "8": "1", "512": "1", "1K": "2", "2K": "1"},
        "db0_distrib_lists_items": {"4": "1"}, "db0_distrib_sets_items": {"512": "1"},
        "db0_distrib_zsets_items": {"2": "1"}, "db0_distrib_hashes_items": {"1": "1"},
        "db3_distrib_sets_items": {"2": "1"},
    }
    c("FLUSHALL")
    assert keysizes(c) == {}


@pytest.mark.memd_only
def test_keysizes_of_many_keys_are_those_of_the_last_walk(c):
    c("DEBUG", "POPULATE", 100000, "k", 100)
    c("RPUSH", "l", 1)
    want = {"db0_distrib_strings_sizes": {"64": "100000"}, "db0_distrib_lists_items": {"1": "1"}}
    wait_for(lambda: keysizes(c) == want)


@pytest.mark.memd_only
def test_pause_cron(c):
    assert c("DEBUG", "PAUSE-CRON", "x") == Err("ERR value is not an integer or out of range")
    c("DEBUG", "PAUSE-CRON", 1)
    c("SET", "k", "v", "PX", 100)

    def now_ms():
        s, us = c("TIME")
        return int(s) * 1000 + int(us) // 1000

    due = now_ms() + 100
    wait_for(lambda: now_ms() > due)
    assert c("DBSIZE") == 1
    c("DEBUG", "PAUSE-CRON", 0)
    wait_for(lambda: c("DBSIZE") == 0)
