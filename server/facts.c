/* facts.c -- see facts.h. */
#include "server/facts.h"

#include <stdio.h>
#include <unistd.h>

#include "server/client.h"
#include "server/restart.h"

static size_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long total, resident = 0;

    if (f == NULL) return 0;
    if (fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

size_t facts_table_bytes(const struct server *s, int db)
{
    const struct db *d = s->store->dbs[db];
    size_t n = 0;

    for (int i = 0; d && i < STORE_SHARDS; i++) {
        n += d->shards[i].keys.bytes;
        if (d->shards[i].wheel) n += wheel_bytes(d->shards[i].wheel);
    }
    return n;
}

void facts_memory(struct server *s, struct facts_memory *m)
{
    struct persist_info p;

    *m = (struct facts_memory){ .used = mem_used(), .startup = s->startup_memory, .rss = resident_bytes() };
    persist_info(s->persist, &p);
    m->aof_buffer = p.aof_buffer_bytes;
    if (m->used > s->stats.peak_memory) {
        s->stats.peak_memory = m->used;
        s->stats.peak_time = server_now_ms(s) / 1000;
    }
    m->peak = s->stats.peak_memory;
    m->system = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    mem_stats(&m->allocator);
    server_note_beside(s, m->allocator.beside);
    m->counted = server_used_memory(s);
    for (int i = 0; i < s->store->conf.databases; i++) {
        m->tables += facts_table_bytes(s, i);
        m->keys += s->store->dbs[i] ? s->store->dbs[i]->n_keys : 0;
    }
    m->clients = s->client_memory;
    m->persistence = persist_buffer_bytes(s->persist);
    m->archive = server_uncounted_memory(s) - m->persistence;
    m->overhead = m->startup + m->tables + m->clients + m->persistence + m->archive;
    if (m->overhead > m->used) m->overhead = m->used;
    m->dataset = m->used - m->overhead;
}

const char *facts_executable(const struct server *s)
{
    return s->origin ? origin_program(s->origin) : "";
}

const char *facts_allocator(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return "libc";
#else
    return "jemalloc-5.3.0";
#endif
}

size_t facts_timeouts(const struct server *s)
{
    size_t n = 0;

    LINK_EACH(&s->timeouts, l) n++;
    return n;
}

size_t facts_watched_keys(const struct server *s)
{
    size_t n = 0;

    for (int i = 0; i < s->store->conf.databases; i++) n += s->watched[i].count;
    return n;
}

int64_t facts_mean_ttl(const struct server *s, int db)
{
    enum { SAMPLES = 64 };
    struct db *d = s->store->dbs[db];
    int64_t sum = 0, n = 0;

    for (int i = 0; i < SAMPLES && d->n_expires > 0; i++) {
        const struct entry *e = db_random(d);
        if (e == NULL || !entry_expires(e)) continue;
        sum += entry_expire_at(e) - server_now_ms(s);
        n++;
    }
    return n ? sum / n : 0;
}
