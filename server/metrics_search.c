/* metrics_search.c -- metrics of the indexes of FT.*, all together. */
#include "server/ft_impl.h"
#include "server/metrics_impl.h"

bool metrics_search(struct metrics_page *p)
{
    struct ft_totals t;
    struct exposition *x = &p->x;

    ft_totals(p->s, &t);
    expo_gauge(x, "memd_search_indexes", "Indexes of FT.CREATE.", (int64_t)t.indexes);
    if (!p->s->ft_any) return false;
    expo_gauge(x, "memd_search_documents", "Documents in them; one that is in several counts for each.", (int64_t)t.docs);
    expo_gauge(x, "memd_search_memory_bytes", "Memory of indexes, those included that were dropped and are kept for a while.", (int64_t)(t.memory + t.kept));
    expo_gauge(x, "memd_search_scanning_indexes", "Indexes that are being made out of keys that were there before.", (int64_t)t.scanning);
    expo_gauge(x, "memd_search_waiting_keys", "Keys that changed and wait to be indexed.", (int64_t)t.waiting);
    expo_counter(x, "memd_search_documents_read_total", "Documents read to be indexed.", p->s->ft->fed);
    expo_counter(x, "memd_search_failures_total", "Documents that could not be indexed, of indexes that are there now.", t.failures);
    expo_counter_seconds(x, "memd_search_indexing_seconds_total", "Time spent on indexing, of indexes that are there now.", t.us);
    return false;
}
