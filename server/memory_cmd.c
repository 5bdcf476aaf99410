/* memory_cmd.c -- MEMORY. */
#include <stdio.h>

#include "server/client.h"
#include "server/commands.h"
#include "server/facts.h"
#include "server/ft.h"
#include "server/function.h"
#include "server/scripts.h"
#include "server/rows.h"

static enum err run_usage(struct call *c)
{
    const struct entry *e;
    int64_t samples = 5;

    for (size_t i = 3; i < c->argc; i += 2) {
        enum err bad;
        if (!call_is(c, i, "samples") || i + 1 >= c->argc) return ERR_SYNTAX;
        bad = call_range(c, i + 1, 0, INT64_MAX, ERR_SYNTAX, &samples);
        if (bad != OK) return bad;
    }
    e = db_peek(c->db, call_arg(c, 2));
    if (e == NULL) reply_null(c->out);
    else reply_int(c->out, (int64_t)db_value_bytes(e, (size_t)samples));
    return OK;
}

static void pair(struct call *c, const char *name, size_t value, size_t *n)
{
    reply_bulk_c(c->out, name);
    reply_int(c->out, (int64_t)value);
    (*n)++;
}

static void pair_ratio(struct call *c, const char *name, size_t a, size_t b, size_t *n)
{
    reply_bulk_c(c->out, name);
    reply_double(c->out, b ? (double)a / (double)b : 0);
    (*n)++;
}

static enum err run_stats(struct call *c)
{
    struct server *s = c->client->server;
    size_t mark = reply_mark(c->out), n = 0, base;
    struct facts_memory m;

    facts_memory(s, &m);
    base = m.used > m.startup ? m.used - m.startup : 0;
    pair(c, "peak.allocated", m.peak, &n);
    pair(c, "total.allocated", m.used, &n);
    pair(c, "startup.allocated", m.startup, &n);
    pair(c, "replication.backlog", 0, &n);
    pair(c, "clients.slaves", 0, &n);
    pair(c, "clients.normal", s->client_memory, &n);
    pair(c, "cluster.links", 0, &n);
    pair(c, "aof.buffer", m.aof_buffer, &n);
    pair(c, "lua.caches", scripts_bytes(s->scripts), &n);
    pair(c, "functions.caches", functions_memory(s->functions).own, &n);
    if (s->ft_any) pair(c, "search.indexes", ft_bytes(s), &n);
    for (int i = 0; i < s->store->conf.databases; i++) {
        char name[32];
        if (s->store->dbs[i] == NULL || s->store->dbs[i]->n_keys == 0) continue;
        snprintf(name, sizeof name, "db.%d", i);
        reply_bulk_c(c->out, name);
        reply_map(c->out, 3);
        reply_bulk_c(c->out, "overhead.hashtable.main");
        reply_int(c->out, (int64_t)facts_table_bytes(s, i));
        reply_bulk_c(c->out, "overhead.hashtable.expires");
        reply_int(c->out, 0);
        reply_bulk_c(c->out, "overhead.hashtable.slot-to-keys");
        reply_int(c->out, 0);
        n++;
    }
    pair(c, "overhead.total", m.overhead, &n);
    pair(c, "keys.count", m.keys, &n);
    pair(c, "keys.bytes-per-key", m.keys ? base / m.keys : 0, &n);
    pair(c, "dataset.bytes", m.dataset, &n);
    pair_ratio(c, "dataset.percentage", m.dataset * 100, base, &n);
    pair_ratio(c, "peak.percentage", m.used * 100, m.peak, &n);
    pair(c, "allocator.allocated", m.allocator.allocated, &n);
    pair(c, "allocator.active", m.allocator.active, &n);
    pair(c, "allocator.resident", m.allocator.resident, &n);
    pair(c, "allocator.muzzy", m.allocator.muzzy, &n);
    pair_ratio(c, "allocator-fragmentation.ratio", m.allocator.active, m.allocator.allocated, &n);
    pair(c, "allocator-fragmentation.bytes", m.allocator.active - m.allocator.allocated, &n);
    pair_ratio(c, "allocator-rss.ratio", m.allocator.resident, m.allocator.active, &n);
    pair(c, "allocator-rss.bytes", m.allocator.resident - m.allocator.active, &n);
    pair_ratio(c, "rss-overhead.ratio", m.rss, m.allocator.resident, &n);
    pair(c, "rss-overhead.bytes", m.rss - m.allocator.resident, &n);
    pair_ratio(c, "fragmentation", m.rss, m.used, &n);
    pair(c, "fragmentation.bytes", m.rss - m.used, &n);
    reply_map_at(c->out, mark, n);
    return OK;
}

static enum err run_doctor(struct call *c)
{
    struct server *s = c->client->server;
    struct facts_memory m;
    struct buf text = { 0 };

    facts_memory(s, &m);
    if (m.used < 5 * 1024 * 1024) {
        buf_add_c(&text, "Hi Sam, this instance is empty or is using very little memory, my issue detector can't "
                         "be used in these conditions. Please, leave for your mission on Earth and fill it with "
                         "some data. The new Sam and I will be back to our programming as soon as I finished "
                         "rebooting.\n");
    } else {
        bool calm = true;
        if (m.peak > m.used + m.used / 2) {
            buf_printf(&text, " * Peak memory: %zu bytes were in use once, %zu are now: the difference may still be "
                              "held by the process.\n", m.peak, m.used);
            calm = false;
        }
        if (m.rss > m.used + m.used * 2 / 5) {
            buf_printf(&text, " * Fragmentation: the process holds %zu bytes for %zu in use; MEMORY PURGE gives "
                              "unused pages back.\n", m.rss, m.used);
            calm = false;
        }
        if (s->n_clients > 0 && s->client_memory / s->n_clients > 200 * 1024) {
            buf_add_c(&text, " * Client buffers: more than 200 KB a client; look for slow readers.\n");
            calm = false;
        }
        if (calm) buf_add_c(&text, "Hi Sam, I can't find any memory issue in your instance. I can only account for "
                                   "what occurs on this base.\n");
    }
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err run_purge(struct call *c)
{
    clients_drop_spare(c->client->server);
    mem_purge();
    reply_ok(c->out);
    return OK;
}

static enum err run_malloc_stats(struct call *c)
{
    struct mem_stats m;
    struct buf text = { 0 };

    mem_stats(&m);
    buf_printf(&text, "%s\nallocated %zu\nactive %zu\nresident %zu\nretained %zu\nmuzzy %zu\n", facts_allocator(),
               m.allocated, m.active, m.resident, m.retained, m.muzzy);
    reply_verbatim(c->out, "txt", buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DOCTOR",
        "    Return memory problems reports.",
        "MALLOC-STATS",
        "    Return internal statistics report from the memory allocator.",
        "PURGE",
        "    Attempt to purge dirty pages for reclamation by the allocator.",
        "STATS",
        "    Return information about the memory usage of the server.",
        "USAGE <key> [SAMPLES <count>]",
        "    Return memory in bytes used by <key> and its value. Nested values are",
        "    sampled up to <count> times (default: 5, 0 means sample all).",
    };

    REPLY_HELP(c, lines);
    return OK;
}

static const struct command memory_subs[] = {
    { ROW("usage", run_usage, -3, CMD_READONLY, GROUP_SERVER, "4.0.0", "O(N), N being the elements looked at",
          "Returns the memory that a key takes."),
      .keys = { KEY_AT(2, KEY_RO) },
      .args = ARGS(ARG_KEY("key"),
                   { .name = "count", .type = ARG_T_INTEGER, .token = "SAMPLES", .flags = ARG_OPTIONAL }) },
    { ROW("stats", run_stats, 2, 0, GROUP_SERVER, "4.0.0", "O(1)", "Returns figures about memory."),
      .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special") },
    { ROW("doctor", run_doctor, 2, 0, GROUP_SERVER, "4.0.0", "O(1)", "Reports on memory in words."),
      .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special") },
    { ROW("purge", run_purge, 2, 0, GROUP_SERVER, "4.0.0", "Depends on how much is unused",
          "Gives unused memory back to the system."),
      .tips = TIPS("request_policy:all_shards", "response_policy:all_succeeded") },
    { ROW("malloc-stats", run_malloc_stats, 2, 0, GROUP_SERVER, "4.0.0", "O(1)", "Returns the allocator's figures."),
      .tips = TIPS("nondeterministic_output", "request_policy:all_shards", "response_policy:special") },
    { ROW("help", run_help, 2, CMD_LOADING | CMD_STALE, GROUP_SERVER, "4.0.0", "O(1)", "Prints what MEMORY can do.") },
    { 0 },
};

const struct command memory_commands[] = {
    { CONTAINER("memory", GROUP_SERVER, "4.0.0", "About memory.", memory_subs) },
    { 0 },
};
