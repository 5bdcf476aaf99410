/* metrics_page.c -- see metrics_page.h. */
#include "server/metrics_page.h"

#include "base/mem.h"
#include "server/metrics_impl.h"

static metrics_part *const parts[] = {
    metrics_server, metrics_clients, metrics_traffic, metrics_memory, metrics_keys, metrics_log, metrics_snapshot,
    metrics_archive, metrics_recall, metrics_search, metrics_access, metrics_latency_events, metrics_errors, metrics_calls,
    metrics_failures, metrics_rejections, metrics_durations, metrics_databases, metrics_namespaces,
    metrics_namespace_ttls,
};
enum { PARTS = sizeof parts / sizeof *parts };

struct metrics_page *metrics_page_new(struct server *s, bool open)
{
    struct metrics_page *p = mem_zalloc(sizeof *p);

    p->s = s;
    p->x.open = open;
    facts_memory(s, &p->memory);
    persist_info(s->persist, &p->persist);
    metrics_gather_commands(p);
    metrics_gather_namespaces(p);
    return p;
}

void metrics_page_free(struct metrics_page **p)
{
    metrics_free_namespaces(*p);
    mem_free((*p)->commands);
    buf_fini(&(*p)->x.text);
    mem_free(*p);
    *p = NULL;
}

bool metrics_page_is_late(const struct metrics_page *p)
{
    return clock_mono_us() >= p->until_us;
}

bool metrics_page_write(struct metrics_page *p, int64_t budget_us)
{
    p->until_us = clock_mono_us() + budget_us;
    while (p->part < PARTS) {
        if (!parts[p->part](p)) {
            p->part++;
            p->at = 0;
            if (p->part == PARTS) expo_end(&p->x);
        }
        if (metrics_page_is_late(p)) break;
    }
    return p->part < PARTS;
}

struct buf metrics_page_take(struct metrics_page *p)
{
    struct buf b = p->x.text;

    p->x.text = (struct buf){ 0 };
    return b;
}
