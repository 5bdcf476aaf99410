/* metrics_process.c -- metrics of the process, its clients, memory, traffic and keys. */
#include <sys/resource.h>

#include "base/mem.h"
#include "scripting/vm.h"
#include "persistence/archive.h"
#include "server/acl.h"
#include "server/block.h"
#include "server/function.h"
#include "server/guess.h"
#include "server/latency.h"
#include "server/lazy.h"
#include "server/metrics_impl.h"
#include "server/script_run.h"
#include "server/scripts.h"
#include "server/slowlog.h"
#include "server/stranger.h"
#include "server/tls.h"
#include "server/tracking.h"

/* --- the process ------------------------------------------------------------------------------------------ */

static int64_t micros(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static void label_of_setting(struct metrics_page *p, const char *label, const char *setting)
{
    struct buf value = { 0 };

    conf_value(p->s->conf, setting, &value);
    expo_label(&p->x, label, buf_str(&value));
    buf_fini(&value);
}

static void cpu(struct metrics_page *p)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    expo_family(&p->x, EXPO_COUNTER, "memd_cpu_seconds_total", "Processor time of all threads, by mode.");
    expo_sample(&p->x, "memd_cpu_seconds_total", "");
    expo_label(&p->x, "mode", STR("user"));
    expo_seconds(&p->x, micros(use.ru_utime));
    expo_sample(&p->x, "memd_cpu_seconds_total", "");
    expo_label(&p->x, "mode", STR("system"));
    expo_seconds(&p->x, micros(use.ru_stime));
    getrusage(RUSAGE_THREAD, &use);
    expo_counter_seconds(&p->x, "memd_cpu_reactor_seconds_total",
                         "Processor time of the thread that runs commands.",
                         micros(use.ru_utime) + micros(use.ru_stime));
}

bool metrics_server(struct metrics_page *p)
{
    struct server *s = p->s;
    struct exposition *x = &p->x;

    expo_family(x, EXPO_GAUGE, "memd_build_info", "1; its labels say which version this is.");
    expo_sample(x, "memd_build_info", "");
    expo_label(x, "version", STR(MEMD_VERSION));
    expo_label(x, "redis_version", STR(MEMD_REDIS_VERSION));
    expo_int(x, 1);
    expo_family(x, EXPO_GAUGE, "memd_config_info", "1; its labels are settings that say how memd is run.");
    expo_sample(x, "memd_config_info", "");
    label_of_setting(p, "maxmemory_policy", "maxmemory-policy");
    label_of_setting(p, "appendonly", "appendonly");
    label_of_setting(p, "appendfsync", "appendfsync");
    expo_int(x, 1);
    expo_gauge_seconds(x, "memd_start_time_seconds", "When memd was started, Unix time.", s->started_ms * 1000);
    expo_gauge_seconds(x, "memd_uptime_seconds", "How long memd has been running.", s->now_us - s->started_us);
    expo_gauge(x, "memd_loading", "1 while the data is loaded.", s->store->loading);
    expo_gauge(x, "memd_script_busy", "1 while a script runs for longer than busy-reply-threshold.",
               script_busy(s->script) != NULL);
    cpu(p);
    expo_counter(x, "memd_loop_turns_total", "Turns of the event loop.", s->turns);
    expo_counter_seconds(x, "memd_loop_seconds_total", "Time spent in turns of the loop, waiting not counted.",
                         (int64_t)server_turns_us(s));
    expo_counter_seconds(x, "memd_loop_command_seconds_total", "Of this, time spent in commands.",
                         (int64_t)s->command_us);
    expo_counter(x, "memd_clock_jumps_total", "Jumps of the system's clock that were noticed.", s->wall.jumps);
    return false;
}

/* --- clients ---------------------------------------------------------------------------------------------- */

bool metrics_clients(struct metrics_page *p)
{
    struct server *s = p->s;
    struct exposition *x = &p->x;
    const struct server_stats *v = &s->stats;
    const struct expo_part classes[] = { { "normal", s->n_clients - s->n_pubsub }, { "pubsub", s->n_pubsub } };
    const struct expo_part closed[] = {
        { "query_limit", v->query_limit_closed }, { "output_limit", v->output_limit_closed },
        { "no_memory", v->no_memory_closed }, { "evicted", v->evicted_clients },
        { "foreign_protocol", v->foreign_closed }, { "unauthenticated_excess", s->strangers.closed_excess },
        { "unauthenticated_late", s->strangers.closed_late }, { "unauthenticated_crowd", s->strangers.closed_crowd },
    };

    expo_parts(x, EXPO_GAUGE, "memd_clients", "Connected clients, by class.", "class", classes,
               sizeof classes / sizeof *classes);
    expo_gauge(x, "memd_clients_max", "The setting maxclients.", (int64_t)s->conf->maxclients);
    expo_gauge(x, "memd_clients_blocked", "Clients that wait, for keys or for a pause to end.",
               (int64_t)(s->n_blocked + s->n_paused));
    expo_gauge(x, "memd_clients_watching", "Clients that WATCH keys.", (int64_t)s->n_watching);
    expo_gauge(x, "memd_clients_tracking", "Clients that cache on their side (CLIENT TRACKING).",
               (int64_t)tracking_clients(s));
    expo_gauge(x, "memd_clients_monitoring", "Clients in MONITOR.", (int64_t)s->n_monitors);
    expo_gauge(x, "memd_clients_unauthenticated", "Clients that have yet to give a password.",
               (int64_t)strangers_count(s));
    expo_counter(x, "memd_connections_total", "Connections that were accepted.", v->connections);
    expo_counter(x, "memd_connections_rejected_total", "Connections refused by maxclients or protected mode.",
                 v->rejected);
    expo_parts(x, EXPO_COUNTER, "memd_clients_closed_total", "Clients closed by memd, by reason.",
               "reason", closed, sizeof closed / sizeof *closed);
    expo_gauge(x, "memd_blocking_keys", "Keys that somebody waits for.", (int64_t)block_keys(s));
    expo_gauge(x, "memd_watched_keys", "Keys that somebody watches.", (int64_t)facts_watched_keys(s));
    return false;
}

/* --- traffic ---------------------------------------------------------------------------------------------- */

bool metrics_traffic(struct metrics_page *p)
{
    struct server *s = p->s;
    struct exposition *x = &p->x;

    expo_counter(x, "memd_commands_processed_total", "Commands, all together.", s->stats.commands);
    expo_counter(x, "memd_net_input_bytes_total", "Bytes received.", s->stats.net_in);
    expo_counter(x, "memd_net_output_bytes_total", "Bytes sent.", s->stats.net_out);
    expo_counter(x, "memd_net_reads_total", "Reads of sockets.", s->stats.reads);
    expo_counter(x, "memd_net_writes_total", "Writes to sockets.", s->stats.writes);
    expo_gauge(x, "memd_pubsub_channels", "Channels with subscribers.", (int64_t)s->channels.count);
    expo_gauge(x, "memd_pubsub_patterns", "Patterns with subscribers.", (int64_t)s->patterns.count);
    expo_gauge(x, "memd_pubsub_shard_channels", "Shard channels with subscribers.", (int64_t)s->shard_channels.count);
    expo_gauge(x, "memd_tracking_keys", "Keys remembered for clients that cache.", (int64_t)tracking_keys(s));
    expo_gauge(x, "memd_tracking_items", "The same, counted once for each client.", (int64_t)tracking_items(s));
    expo_gauge(x, "memd_tracking_prefixes", "Prefixes followed with BCAST.", (int64_t)tracking_prefixes(s));
    expo_gauge(x, "memd_slowlog_entries", "Requests in SLOWLOG.", (int64_t)slowlog_length(s->slowlog));
    expo_counter(x, "memd_slow_commands_total", "Requests that were slow enough for SLOWLOG.",
                 slowlog_total(s->slowlog));
    return false;
}

/* --- memory ----------------------------------------------------------------------------------------------- */

/* Kinds that make up memd_memory_used_bytes, as INFO has them. */
static void memory_kinds(struct metrics_page *p)
{
    const struct facts_memory *m = &p->memory;
    const struct expo_part kinds[] = {
        { "dataset", m->dataset }, { "tables", m->tables }, { "clients", m->clients },
        { "persistence", m->persistence }, { "archive", m->archive }, { "startup", m->startup },
    };

    expo_parts(&p->x, EXPO_GAUGE, "memd_memory_bytes", "What memory is used for, by kind: together used_bytes.",
               "kind", kinds, sizeof kinds / sizeof *kinds);
}

/* Parts of that, which are told apart since each has a bound of its own. */
static void memory_parts(struct metrics_page *p)
{
    struct server *s = p->s;
    struct functions_memory f = functions_memory(s->functions);
    const struct expo_part parts[] = {
        { "aof_buffer", p->persist.aof_buffer_bytes }, { "snapshot_buffer", p->persist.snapshot_buffer_bytes },
        { "lua_scripts", vm_bytes(scripts_vm(s->scripts)) }, { "lua_functions", f.state },
        { "scripts", scripts_bytes(s->scripts) }, { "functions", f.own },
        { "archive_queue", s->archive ? archive_buffer_bytes(s->archive) : 0 },
        { "archive_writer", s->archive ? archive_writer_bytes(s->archive) : 0 },
        { "archive_caches", s->archive ? archive_cache_bytes(s->archive) : 0 },
    };

    expo_parts(&p->x, EXPO_GAUGE, "memd_memory_part_bytes", "Single parts of the memory used.",
               "part", parts, sizeof parts / sizeof *parts);
}

bool metrics_memory(struct metrics_page *p)
{
    const struct facts_memory *m = &p->memory;
    struct exposition *x = &p->x;

    expo_gauge(x, "memd_memory_used_bytes", "Memory that memd has allocated.", (int64_t)m->used);
    expo_gauge(x, "memd_memory_counted_bytes", "What counts against maxmemory.",
               (int64_t)m->counted);
    expo_gauge(x, "memd_memory_max_bytes", "The setting maxmemory; 0: no limit.", (int64_t)p->s->conf->maxmemory);
    expo_gauge(x, "memd_memory_peak_bytes", "The most that was used at once.", (int64_t)m->peak);
    expo_gauge(x, "memd_memory_rss_bytes", "Memory that the system holds for memd.", (int64_t)m->rss);
    expo_gauge(x, "memd_memory_active_bytes", "Allocator: pages in use.", (int64_t)m->allocator.active);
    expo_gauge(x, "memd_memory_resident_bytes", "Allocator: pages that are resident.", (int64_t)m->allocator.resident);
    expo_gauge(x, "memd_memory_system_bytes", "Memory of the machine.", (int64_t)m->system);
    memory_kinds(p);
    memory_parts(p);
    expo_gauge(x, "memd_memory_short", "1 while the system refuses memory and commands that need some get -OOM.",
               mem_is_short());
    expo_counter(x, "memd_memory_refusals_total", "How often the system has refused memory.", mem_failures());
    expo_gauge(x, "memd_lazyfree_pending", "Large values that wait to be freed.", (int64_t)lazy_pending(p->s->lazy));
    return false;
}

/* --- keys ------------------------------------------------------------------------------------------------- */

bool metrics_keys(struct metrics_page *p)
{
    const struct server *s = p->s;
    const struct store_stats *st = &s->store->stats;
    const struct server_stats *v = &s->stats;
    struct exposition *x = &p->x;
    int64_t over_us = s->over_memory_since_us ? s->now_us - s->over_memory_since_us : 0;

    expo_gauge(x, "memd_keys", "Keys of all databases.", (int64_t)p->memory.keys);
    expo_counter(x, "memd_keyspace_hits_total", "Reads that found their key.", st->hits - v->hits_base);
    expo_counter(x, "memd_keyspace_misses_total", "Reads that found none.", st->misses - v->misses_base);
    expo_counter(x, "memd_expired_keys_total", "Keys whose time to live was over.", st->expired - v->expired_base);
    expo_counter(x, "memd_expired_fields_total", "Fields of hashes whose time to live was over.",
                 st->expired_fields - v->expired_fields_base);
    expo_counter(x, "memd_evicted_keys_total", "Keys that were evicted.", st->evicted - v->evicted_base);
    expo_counter_seconds(x, "memd_expire_seconds_total", "Time spent on removing what is due.", (int64_t)v->expire_us);
    expo_counter_seconds(x, "memd_over_maxmemory_seconds_total", "Time above maxmemory although evicting.",
                         (int64_t)v->over_memory_us + over_us);
    return false;
}

/* --- access ----------------------------------------------------------------------------------------------- */

static void handshakes(struct metrics_page *p)
{
    const struct tls_stats *t = tls_stats(p->s);
    const struct expo_part results[] = {
        { "full", t->handshakes - t->resumed }, { "resumed", t->resumed }, { "failed", t->failed },
        { "timeout", t->timed_out },
    };

    expo_parts(&p->x, EXPO_COUNTER, "memd_tls_handshakes_total", "TLS handshakes, by what came of them.",
               "result", results, sizeof results / sizeof *results);
}

bool metrics_access(struct metrics_page *p)
{
    const struct acl *a = p->s->acl;
    const struct guess_facts g = guess_facts(p->s);
    const struct expo_part denied[] = {
        { "auth", a->denied_auth }, { "command", a->denied_commands }, { "key", a->denied_keys },
        { "channel", a->denied_channels }, { "tls_cert", tls_stats(p->s)->no_user },
    };
    const struct expo_part refused[] = {
        { "requests", p->s->user_limits.refused_requests }, { "connections", p->s->user_limits.refused_connections },
    };

    expo_parts(&p->x, EXPO_COUNTER, "memd_acl_denied_total",
               "What was refused, by reason; auth: names and passwords that were wrong.", "reason", denied, sizeof denied / sizeof *denied);
    expo_parts(&p->x, EXPO_COUNTER, "memd_user_limit_refused_total", "What user-limits has refused, by kind.", "kind",
               refused, sizeof refused / sizeof *refused);
    expo_counter(&p->x, "memd_auth_delayed_total", "Attempts to authenticate that had to wait, after failures.",
                 g.delayed);
    expo_gauge(&p->x, "memd_auth_waiting", "Attempts to authenticate that wait now.", (int64_t)g.waiting);
    expo_gauge(&p->x, "memd_auth_slowed_addresses", "Addresses whose next attempt would wait.", (int64_t)g.slowed);
    handshakes(p);
    return false;
}

/* --- latency events --------------------------------------------------------------------------------------- */

static void last_time(void *ctx, const char *event, int64_t last_ms, int64_t max_ms)
{
    struct exposition *x = ctx;

    (void)max_ms;
    expo_sample(x, "memd_latency_event_last_seconds", "");
    expo_label(x, "event", str_c(event));
    expo_seconds(x, last_ms * 1000);
}

static void longest_time(void *ctx, const char *event, int64_t last_ms, int64_t max_ms)
{
    struct exposition *x = ctx;

    (void)last_ms;
    expo_sample(x, "memd_latency_event_max_seconds", "");
    expo_label(x, "event", str_c(event));
    expo_seconds(x, max_ms * 1000);
}

bool metrics_latency_events(struct metrics_page *p)
{
    expo_family(&p->x, EXPO_GAUGE, "memd_latency_event_last_seconds",
                "How long an event of LATENCY LATEST took the last time (with latency-monitor-threshold).");
    latency_each(p->s->latency, last_time, &p->x);
    expo_family(&p->x, EXPO_GAUGE, "memd_latency_event_max_seconds", "The same, the longest time.");
    latency_each(p->s->latency, longest_time, &p->x);
    return false;
}
