/* info.c -- INFO: one function a section, in Redis's order and with its field names. A field whose value
 * memd does not know is left out, never made up; fields about replicas and scripts tell that there are
 * none. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/acl.h"
#include "server/archive_facts.h"
#include "server/block.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/cron.h"
#include "server/facts.h"
#include "server/guess.h"
#include "scripting/vm.h"
#include "server/function.h"
#include "server/scripts.h"
#include "server/keysizes.h"
#include "server/libraries.h"
#include "server/lazy.h"
#include "server/ft.h"
#include "server/modules.h"
#include "server/namespaces.h"
#include "server/rows.h"
#include "server/supervise.h"
#include "server/times.h"
#include "server/stranger.h"
#include "server/tls.h"
#include "server/tracking.h"

#define U(x) ((unsigned long long)(x))
#define I(x) ((long long)(x))

/* --- server, clients ---------------------------------------------------------------------------------- */

static void tcp_listener(const struct conf *conf, int n, const char *name, int64_t port, struct buf *b)
{
    buf_printf(b, "listener%d:name=%s", n, name);
    for (size_t i = 0; i < conf->bind.n; i++) buf_printf(b, ",bind=%s", conf->bind.items[i]);
    buf_printf(b, ",port=%lld\r\n", I(port));
}

/* Where connections are taken. */
static void listeners(const struct server *s, struct buf *b)
{
    const struct conf *conf = s->conf;
    int n = 0;

    if (conf->port != 0) tcp_listener(conf, n++, "tcp", conf->port, b);
    if (conf->unixsocket[0]) buf_printf(b, "listener%d:name=unix,bind=%s\r\n", n++, conf->unixsocket);
    if (conf->tls_port != 0) tcp_listener(conf, n, "tls", conf->tls_port, b);
}

static void section_server(struct server *s, struct buf *b)
{
    struct utsname u;
    int64_t up = (s->now_us - s->started_us) / 1000000;

    uname(&u);
    buf_printf(b, "redis_version:%s\r\nmemd_version:%s\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\n",
               MEMD_REDIS_VERSION, MEMD_VERSION);
    buf_printf(b, "redis_build_id:0\r\nredis_mode:standalone\r\nos:%s %s %s\r\narch_bits:%zu\r\n", u.sysname,
               u.release, u.machine, sizeof(void *) * 8);
    buf_printf(b, "monotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:%s\r\natomicvar_api:c11-builtin\r\n"
                  "gcc_version:%d.%d.%d\r\n",
               event_base_get_method(s->base), __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
    buf_printf(b, "process_id:%d\r\nprocess_supervised:%s\r\nrun_id:%s\r\ntcp_port:%lld\r\n", (int)s->pid,
               supervise_name(s->supervise), s->run_id, I(s->conf->port ? s->conf->port : s->conf->tls_port));
    buf_printf(b, "server_time_usec:%lld\r\nuptime_in_seconds:%lld\r\nuptime_in_days:%lld\r\n",
               I(times_wall_us(s)), I(up), I(up / 86400));
    buf_printf(b, "system_clock_ahead_ms:%lld\r\nsystem_clock_jumps:%llu\r\n", I(s->wall.ahead_us / 1000),
               U(s->wall.jumps));
    buf_printf(b, "hz:%lld\r\nconfigured_hz:%lld\r\nlru_clock:%lld\r\nexecutable:%s\r\nconfig_file:%s\r\n"
                  "io_threads_active:0\r\n",
               I(s->conf->hz), I(s->conf->hz), I(server_now_ms(s) / 1000 & 0xffffff), facts_executable(s),
               s->conf->file);
    buf_add_c(b, "linked_libraries:");
    libraries_describe(b);
    buf_add_c(b, "\r\n");
    listeners(s, b);
}

static void section_clients(struct server *s, struct buf *b)
{
    size_t in_max = 0, out_max = 0;

    LINK_EACH(&s->clients, l) {
        struct client *c = LINK_OF(l, struct client, all);
        if (c->in.cap > in_max) in_max = c->in.cap;
        if (client_output_memory(c) > out_max) out_max = client_output_memory(c);
    }
    buf_printf(b,
               "connected_clients:%zu\r\ncluster_connections:0\r\nmaxclients:%llu\r\n"
               "client_recent_max_input_buffer:%zu\r\nclient_recent_max_output_buffer:%zu\r\n"
               "blocked_clients:%zu\r\ntracking_clients:%zu\r\npubsub_clients:%zu\r\n"
               "watching_clients:%zu\r\nclients_in_timeout_table:%zu\r\ntotal_watched_keys:%zu\r\n"
               "total_blocking_keys:%zu\r\ntotal_blocking_keys_on_nokey:%zu\r\n",
               s->n_clients, U(s->conf->maxclients), in_max, out_max, s->n_blocked + s->n_paused,
               tracking_clients(s), s->n_pubsub, s->n_watching, facts_timeouts(s), facts_watched_keys(s),
               block_keys(s), block_keys_gone_too(s));
    strangers_info_clients(s, b);
}

/* --- memory ------------------------------------------------------------------------------------------- */

static void human(struct buf *b, const char *name, size_t n)
{
    static const char units[] = "BKMGT";
    double v = (double)n;
    int u = 0;

    while (v >= 1024 && units[u + 1]) v /= 1024, u++;
    if (u == 0) buf_printf(b, "%s:%zuB\r\n", name, n);
    else buf_printf(b, "%s:%.2f%c\r\n", name, v, units[u]);
}

static double ratio(size_t a, size_t b)
{
    return b ? (double)a / (double)b : 0;
}

/* The states that run scripts, and what is kept beside them. */
static void scripts(struct server *s, struct buf *b)
{
    const struct library_set *set = functions_set(s->functions);
    struct functions_memory m = functions_memory(s->functions);

    size_t vm = vm_bytes(scripts_vm(s->scripts)), own = scripts_bytes(s->scripts);

    buf_printf(b, "used_memory_lua:%zu\r\nused_memory_vm_eval:%zu\r\n", vm, vm);
    human(b, "used_memory_lua_human", vm);
    buf_printf(b, "used_memory_scripts_eval:%zu\r\nnumber_of_cached_scripts:%zu\r\n", own, scripts_count(s->scripts));
    buf_printf(b, "number_of_functions:%zu\r\nnumber_of_libraries:%zu\r\nused_memory_vm_functions:%zu\r\n"
                  "used_memory_vm_total:%zu\r\n",
               set->n_functions, set->n_libraries, m.state, m.state + vm);
    human(b, "used_memory_vm_total_human", m.state + vm);
    buf_printf(b, "used_memory_functions:%zu\r\nused_memory_scripts:%zu\r\n", m.own, m.own + own);
    human(b, "used_memory_scripts_human", m.own + own);
}

static void section_memory(struct server *s, struct buf *b)
{
    struct facts_memory m;
    struct buf policy = { 0 };

    facts_memory(s, &m);
    conf_value(s->conf, "maxmemory-policy", &policy);
    buf_printf(b, "used_memory:%zu\r\n", m.used);
    human(b, "used_memory_human", m.used);
    buf_printf(b, "used_memory_rss:%zu\r\n", m.rss);
    human(b, "used_memory_rss_human", m.rss);
    buf_printf(b, "used_memory_peak:%zu\r\n", m.peak);
    human(b, "used_memory_peak_human", m.peak);
    buf_printf(b, "used_memory_peak_perc:%.2f%%\r\nused_memory_overhead:%zu\r\nused_memory_startup:%zu\r\n"
                  "used_memory_dataset:%zu\r\nused_memory_dataset_perc:%.2f%%\r\n",
               ratio(m.used, m.peak) * 100, m.overhead, m.startup, m.dataset,
               ratio(m.dataset, m.used > m.startup ? m.used - m.startup : 0) * 100);
    buf_printf(b, "allocator_allocated:%zu\r\nallocator_active:%zu\r\nallocator_resident:%zu\r\n"
                  "allocator_muzzy:%zu\r\n",
               m.allocator.allocated, m.allocator.active, m.allocator.resident, m.allocator.muzzy);
    buf_printf(b, "total_system_memory:%zu\r\n", m.system);
    human(b, "total_system_memory_human", m.system);
    scripts(s, b);
    buf_printf(b, "maxmemory:%llu\r\n", U(s->conf->maxmemory));
    human(b, "maxmemory_human", s->conf->maxmemory);
    buf_printf(b, "maxmemory_policy:%.*s\r\n", (int)policy.n, policy.p);
    buf_printf(b, "allocator_frag_ratio:%.2f\r\nallocator_frag_bytes:%zu\r\nallocator_rss_ratio:%.2f\r\n"
                  "allocator_rss_bytes:%lld\r\nrss_overhead_ratio:%.2f\r\nrss_overhead_bytes:%lld\r\n"
                  "mem_fragmentation_ratio:%.2f\r\nmem_fragmentation_bytes:%lld\r\n",
               ratio(m.allocator.active, m.allocator.allocated), m.allocator.active - m.allocator.allocated,
               ratio(m.allocator.resident, m.allocator.active),
               I(m.allocator.resident) - I(m.allocator.active), ratio(m.rss, m.allocator.resident),
               I(m.rss) - I(m.allocator.resident), ratio(m.rss, m.used), I(m.rss) - I(m.used));
    buf_printf(b, "mem_reserve_whole:%d\r\nmem_refused_by_system:%llu\r\n", !mem_is_short(), U(mem_failures()));
    buf_printf(b, "mem_counted_for_evict:%zu\r\nmem_beside_blocks:%zu\r\n", m.counted, m.allocator.beside);
    buf_printf(b, "mem_not_counted_for_evict:%zu\r\nmem_replication_backlog:0\r\n"
                  "mem_total_replication_buffers:0\r\nmem_clients_slaves:0\r\nmem_clients_normal:%zu\r\n"
                  "mem_cluster_links:0\r\nmem_aof_buffer:%zu\r\nmem_allocator:%s\r\n"
                  "active_defrag_running:0\r\nlazyfree_pending_objects:%lu\r\nlazyfreed_objects:%llu\r\n",
               server_uncounted_memory(s), s->client_memory, m.aof_buffer, facts_allocator(),
               lazy_pending(s->lazy), U(s->store->stats.lazy_freed - s->stats.lazy_freed_base));
    buf_fini(&policy);
}

/* --- persistence -------------------------------------------------------------------------------------- */

static void section_persistence(struct server *s, struct buf *b)
{
    struct persist_info p;

    persist_info(s->persist, &p);
    buf_printf(b,
               "loading:%d\r\nasync_loading:0\r\ncurrent_cow_peak:0\r\ncurrent_cow_size:0\r\n"
               "current_cow_size_age:0\r\ncurrent_fork_perc:0.00\r\ncurrent_save_keys_processed:%llu\r\n"
               "current_save_keys_total:%llu\r\nsave_piece_max_bytes:%llu\r\nsave_walk_max_bytes:%llu\r\n",
               p.loading, U(p.save_keys_processed), U(p.save_keys_total), U(p.save_piece_max),
               U(p.save_walk_max));
    buf_printf(b,
               "rdb_changes_since_last_save:%llu\r\nrdb_bgsave_in_progress:%d\r\nrdb_last_save_time:%lld\r\n"
               "rdb_last_bgsave_status:%s\r\nrdb_last_bgsave_time_sec:%lld\r\nrdb_current_bgsave_time_sec:%lld\r\n"
               "rdb_saves:%llu\r\nrdb_last_cow_size:0\r\nrdb_last_load_keys_expired:%llu\r\n"
               "rdb_last_load_keys_loaded:%llu\r\n",
               U(p.changes_since_save), p.bgsave_in_progress, I(p.last_save_time),
               p.last_bgsave_ok ? "ok" : "err", I(p.last_bgsave_sec), I(p.current_bgsave_sec), U(p.saves),
               U(p.keys_expired_at_load), U(p.keys_loaded));
    buf_printf(b,
               "aof_enabled:%d\r\naof_rewrite_in_progress:%d\r\naof_rewrite_scheduled:%d\r\n"
               "aof_last_rewrite_time_sec:%lld\r\naof_current_rewrite_time_sec:%lld\r\n"
               "aof_last_bgrewrite_status:%s\r\naof_rewrites:%llu\r\naof_rewrites_consecutive_failures:%d\r\n"
               "aof_last_write_status:%s\r\naof_last_cow_size:0\r\nmodule_fork_in_progress:0\r\n"
               "module_fork_last_cow_size:0\r\n",
               p.aof_enabled, p.rewrite_in_progress, p.rewrite_scheduled, I(p.last_rewrite_sec),
               I(p.current_rewrite_sec), p.last_rewrite_ok ? "ok" : "err", U(p.rewrites), !p.last_rewrite_ok,
               p.last_write_ok ? "ok" : "err");
    if (p.aof_enabled) {
        buf_printf(b,
                   "aof_current_size:%llu\r\naof_base_size:%llu\r\naof_pending_rewrite:0\r\n"
                   "aof_buffer_length:%llu\r\naof_pending_bio_fsync:%d\r\naof_delayed_fsync:%llu\r\n"
                   "aof_syncs:%llu\r\naof_write_errors:%llu\r\naof_files_reopened:%llu\r\n"
                   "aof_state:%s\r\naof_last_error:%s\r\naof_last_fsync_time:%lld\r\naof_last_fsync_usec:%lld\r\naof_offset:%llu\r\naof_written_offset:%llu\r\n"
                   "aof_durable_offset:%llu\r\n",
                   U(p.aof_current_size), U(p.aof_base_size), U(p.aof_buffer_bytes), p.aof_fsync_pending,
                   U(p.aof_delayed_fsync), U(p.aof_syncs), U(p.aof_write_errors), U(p.aof_files_reopened),
                   p.aof_state, p.aof_last_error, I(p.aof_last_fsync_time), I(p.aof_last_fsync_us), U(p.offset), U(p.written_offset), U(p.synced_offset));
    }
    if (p.loading) {
        int64_t spent = (s->now_us - p.progress.started_us) / 1000000;
        double part = ratio(p.progress.bytes, p.progress.total_bytes);
        buf_printf(b,
                   "loading_start_time:%lld\r\nloading_total_bytes:%llu\r\nloading_rdb_used_mem:0\r\n"
                   "loading_loaded_bytes:%llu\r\nloading_loaded_perc:%.2f\r\nloading_eta_seconds:%lld\r\n",
                   I(s->started_ms / 1000), U(p.progress.total_bytes), U(p.progress.bytes), part * 100,
                   part > 0 ? I((double)spent * (1 - part) / part) : 1LL);
    }
}

/* --- stats -------------------------------------------------------------------------------------------- */

static void section_stats(struct server *s, struct buf *b)
{
    const struct tls_stats *tls = tls_stats(s);
    const struct store_stats *st = &s->store->stats;
    const struct server_stats *v = &s->stats;
    uint64_t cycles = rate_per_second(&s->cycles);
    uint64_t over_us = s->over_memory_since_us ? (uint64_t)(s->now_us - s->over_memory_since_us) : 0;

    buf_printf(b,
               "total_connections_received:%llu\r\ntotal_commands_processed:%llu\r\n"
               "instantaneous_ops_per_sec:%llu\r\ntotal_net_input_bytes:%llu\r\ntotal_net_output_bytes:%llu\r\n"
               "total_net_repl_input_bytes:0\r\ntotal_net_repl_output_bytes:0\r\n"
               "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n"
               "instantaneous_input_repl_kbps:0.00\r\ninstantaneous_output_repl_kbps:0.00\r\n",
               U(v->connections), U(v->commands), U(rate_per_second(&s->ops)), U(v->net_in), U(v->net_out),
               (double)rate_per_second(&s->net_in) / 1024, (double)rate_per_second(&s->net_out) / 1024);
    buf_printf(b,
               "rejected_connections:%llu\r\nsync_full:0\r\nsync_partial_ok:0\r\nsync_partial_err:0\r\n"
               "expired_keys:%llu\r\nexpired_subkeys:%llu\r\nexpired_stale_perc:0.00\r\n"
               "expired_time_cap_reached_count:%llu\r\nexpire_cycle_cpu_milliseconds:%llu\r\n"
               "evicted_keys:%llu\r\nevicted_clients:%llu\r\ntotal_eviction_exceeded_time:%llu\r\n"
               "current_eviction_exceeded_time:%llu\r\nkeyspace_hits:%llu\r\nkeyspace_misses:%llu\r\n",
               U(v->rejected), U(st->expired - v->expired_base), U(st->expired_fields - v->expired_fields_base),
               U(v->expire_slices_full), U(v->expire_us / 1000), U(st->evicted - v->evicted_base),
               U(v->evicted_clients), U((v->over_memory_us + over_us) / 1000), U(over_us / 1000),
               U(st->hits - v->hits_base), U(st->misses - v->misses_base));
    buf_printf(b,
               "pubsub_channels:%zu\r\npubsub_patterns:%zu\r\npubsubshard_channels:%zu\r\n"
               "latest_fork_usec:0\r\ntotal_forks:0\r\nmigrate_cached_sockets:0\r\n"
               "slave_expires_tracked_keys:0\r\nactive_defrag_hits:0\r\nactive_defrag_misses:0\r\n"
               "active_defrag_key_hits:0\r\nactive_defrag_key_misses:0\r\ntotal_active_defrag_time:0\r\n"
               "current_active_defrag_time:0\r\ntracking_total_keys:%zu\r\ntracking_total_items:%zu\r\n"
               "tracking_total_prefixes:%zu\r\nunexpected_error_replies:0\r\ntotal_error_replies:%llu\r\n"
               "dump_payload_sanitizations:0\r\ntotal_reads_processed:%llu\r\ntotal_writes_processed:%llu\r\n"
               "io_threaded_reads_processed:0\r\nio_threaded_writes_processed:0\r\n"
               "reply_buffer_shrinks:0\r\nreply_buffer_expands:0\r\neventloop_cycles:%llu\r\n"
               "eventloop_duration_sum:%llu\r\neventloop_duration_cmd_sum:%llu\r\n"
               "instantaneous_eventloop_cycles_per_sec:%llu\r\ninstantaneous_eventloop_duration_usec:%llu\r\n"
               "client_query_buffer_limit_disconnections:%llu\r\n"
               "client_output_buffer_limit_disconnections:%llu\r\nclient_no_memory_disconnections:%llu\r\n"
               "client_unread_held:%llu\r\nacl_access_denied_auth:%llu\r\n"
               "acl_access_denied_cmd:%llu\r\nacl_access_denied_key:%llu\r\nacl_access_denied_channel:%llu\r\n"
               "acl_access_denied_tls_cert:%llu\r\ntls_handshakes:%llu\r\ntls_handshakes_resumed:%llu\r\n"
               "tls_handshakes_failed:%llu\r\ntls_handshakes_timed_out:%llu\r\ntls_handshakes_held:%llu\r\n",
               s->channels.count, s->patterns.count, s->shard_channels.count, tracking_keys(s),
               tracking_items(s), tracking_prefixes(s), U(v->errors), U(v->reads),
               U(v->writes), U(s->turns), U(server_turns_us(s)), U(s->command_us), U(cycles),
               U(cycles ? rate_per_second(&s->cycle_us) / cycles : 0), U(v->query_limit_closed), U(v->output_limit_closed), U(v->no_memory_closed), U(v->unread_held),
               U(s->acl->denied_auth),
               U(s->acl->denied_commands), U(s->acl->denied_keys), U(s->acl->denied_channels), U(tls->no_user),
               U(tls->handshakes), U(tls->resumed), U(tls->failed), U(tls->timed_out), U(tls->held));
    strangers_info_stats(s, b);
    guesses_info(s, b);
    user_limits_info(s, b);
    buf_printf(b, "foreign_protocol_closed:%llu\r\n", U(v->foreign_closed));
}

static void section_replication(struct server *s, struct buf *b)
{
    buf_printf(b,
               "role:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_replid:%s\r\n"
               "master_replid2:0000000000000000000000000000000000000000\r\nmaster_repl_offset:%llu\r\n"
               "second_repl_offset:-1\r\nrepl_backlog_active:0\r\nrepl_backlog_size:0\r\n"
               "repl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n",
               persist_log_id(s->persist), U(persist_offset(s->persist)));
}

static void section_cpu(struct server *s, struct buf *b)
{
    struct rusage self, children, thread;

    (void)s;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    getrusage(RUSAGE_THREAD, &thread);
    buf_printf(b,
               "used_cpu_sys:%ld.%06ld\r\nused_cpu_user:%ld.%06ld\r\nused_cpu_sys_children:%ld.%06ld\r\n"
               "used_cpu_user_children:%ld.%06ld\r\nused_cpu_sys_main_thread:%ld.%06ld\r\n"
               "used_cpu_user_main_thread:%ld.%06ld\r\n",
               self.ru_stime.tv_sec, (long)self.ru_stime.tv_usec, self.ru_utime.tv_sec,
               (long)self.ru_utime.tv_usec, children.ru_stime.tv_sec, (long)children.ru_stime.tv_usec,
               children.ru_utime.tv_sec, (long)children.ru_utime.tv_usec, thread.ru_stime.tv_sec,
               (long)thread.ru_stime.tv_usec, thread.ru_utime.tv_sec, (long)thread.ru_utime.tv_usec);
}

static void section_modules(struct server *s, struct buf *b)
{
    (void)s;
    for (size_t i = 0; i < N_MODULES; i++)
        buf_printf(b, "module:name=%s,ver=%d,api=1,filters=0,usedby=[],using=[],options=[handle-io-errors]\r\n", modules[i].name,
                   modules[i].version);
}

static void command_line(const struct command_ref *r, struct buf *b)
{
    const struct command_stats *st = &r->stats;

    if (st->calls || st->rejected || st->failed) {
        buf_printf(b, "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu\r\n",
                   r->full_name, U(st->calls), U(st->us),
                   st->calls ? (double)st->us / (double)st->calls : 0.0, U(st->rejected), U(st->failed));
    }
    for (size_t i = 0; i < r->n_subs; i++) command_line(&r->subs[i], b);
}

static void section_commandstats(struct server *s, struct buf *b)
{
    for (size_t i = 0; i < registry_count(s->commands); i++) command_line(registry_at(s->commands, i), b);
}

static void section_errorstats(struct server *s, struct buf *b)
{
    struct table_iter it = { 0 };
    struct entry *e;

    while ((e = table_next(&s->errorstats, &it)) != NULL) {
        struct str word = entry_key(e);
        buf_printf(b, "errorstat_%.*s:count=%lld\r\n", (int)word.n, word.p, I(entry_int(e)));
    }
}

/* The upper bound of the bucket in which the given part of the calls is reached. */
static int64_t percentile(const struct command_stats *st, double percent)
{
    double want = (double)st->calls * percent / 100;
    uint64_t sum = 0;

    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        sum += st->histogram[i];
        if (sum > 0 && (double)sum >= want) return (int64_t)1 << i;
    }
    return 0;
}

static void latency_line(struct server *s, const struct command_ref *r, struct buf *b)
{
    const struct conf_numbers *p = &s->conf->latency_tracking_info_percentiles;

    if (r->stats.calls > 0) {
        buf_printf(b, "latency_percentiles_usec_%s:", r->full_name);
        for (size_t i = 0; i < p->n; i++) {
            buf_printf(b, "%sp%.10g=%lld.000", i ? "," : "", p->items[i], I(percentile(&r->stats, p->items[i])));
        }
        buf_add_c(b, "\r\n");
    }
    for (size_t i = 0; i < r->n_subs; i++) latency_line(s, &r->subs[i], b);
}

static void section_latencystats(struct server *s, struct buf *b)
{
    if (!s->conf->latency_tracking) return;
    for (size_t i = 0; i < registry_count(s->commands); i++) latency_line(s, registry_at(s->commands, i), b);
}

static void section_cluster(struct server *s, struct buf *b)
{
    (void)s;
    buf_add_c(b, "cluster_enabled:0\r\n");
}

static void section_keysizes(struct server *s, struct buf *b)
{
    keysizes_print(s, b);
}

static void section_archive(struct server *s, struct buf *b)
{
    archive_facts_info(s, b);
}

static void section_keyspace(struct server *s, struct buf *b)
{
    for (int i = 0; i < s->store->conf.databases; i++) {
        const struct db *db = s->store->dbs[i];
        if (db == NULL || db->n_keys == 0) continue;
        buf_printf(b, "db%d:keys=%zu,expires=%zu,avg_ttl=%lld,subexpiry=0\r\n", i, db->n_keys, db->n_expires,
                   I(facts_mean_ttl(s, i)));
    }
}

/* --- the command -------------------------------------------------------------------------------------- */

static const struct section {
    const char *name, *title;
    void (*print)(struct server *s, struct buf *b);
    enum { BY_DEFAULT, IF_ANY, WITH_ALL, BY_NAME } when; /* IF_ANY: by default, unless empty; BY_NAME alone: it takes time */
} sections[] = {
    { "server", "Server", section_server, BY_DEFAULT },
    { "clients", "Clients", section_clients, BY_DEFAULT },
    { "memory", "Memory", section_memory, BY_DEFAULT },
    { "persistence", "Persistence", section_persistence, BY_DEFAULT },
    { "stats", "Stats", section_stats, BY_DEFAULT },
    { "replication", "Replication", section_replication, BY_DEFAULT },
    { "cpu", "CPU", section_cpu, BY_DEFAULT },
    { "modules", "Modules", section_modules, BY_DEFAULT },
    { "commandstats", "Commandstats", section_commandstats, WITH_ALL },
    { "errorstats", "Errorstats", section_errorstats, BY_DEFAULT },
    { "latencystats", "Latencystats", section_latencystats, WITH_ALL },
    { "cluster", "Cluster", section_cluster, BY_DEFAULT },
    { "keyspace", "Keyspace", section_keyspace, BY_DEFAULT },
    { "namespaces", "Namespaces", namespaces_info, IF_ANY },
    { "archive", "Archive", section_archive, IF_ANY },
    { "search", "Search", ft_info, IF_ANY },
    { "keysizes", "Keysizes", section_keysizes, BY_NAME },
};
enum { SECTIONS = sizeof sections / sizeof *sections };

static bool wants(const struct call *c, const struct section *sec)
{
    bool usual = sec->when == BY_DEFAULT || sec->when == IF_ANY;

    if (c->argc == 1) return usual;
    for (size_t i = 1; i < c->argc; i++) {
        if (call_is(c, i, sec->name)) return true;
        if (sec->when != BY_NAME && (call_is(c, i, "all") || call_is(c, i, "everything"))) return true;
        if (call_is(c, i, "default") && usual) return true;
    }
    return false;
}

static enum err run_info(struct call *c)
{
    struct server *s = c->client->server;
    struct buf text = { 0 };

    for (int i = 0; i < SECTIONS; i++) {
        size_t mark = text.n, from;
        if (!wants(c, &sections[i])) continue;
        buf_printf(&text, "%s# %s\r\n", text.n ? "\r\n" : "", sections[i].title);
        from = text.n;
        sections[i].print(s, &text);
        if (sections[i].when == IF_ANY && text.n == from) text.n = mark;
    }
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

const struct command info_commands[] = {
    { ROW("info", run_info, -1, CMD_LOADING | CMD_STALE, GROUP_SERVER, "1.0.0", "O(1)",
          "Returns facts and statistics, by section."),
      .acl = ACL_DANGEROUS,
      .args = ARGS({ .name = "section", .flags = ARG_OPTIONAL | ARG_MULTIPLE }),
      .history = HISTORY("7.0.0", "Several sections."),
      .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special") },
    { 0 },
};
