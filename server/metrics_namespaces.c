/* metrics_namespaces.c -- metrics by database and by namespace.
 *
 * Each namespace is a label, and a series for each of its figures in whoever collects them: so no more than
 * metrics-namespaces of them are told, in order of their patterns, and how many there are besides. */
#include "base/mem.h"
#include "server/metrics_impl.h"

enum { BETWEEN_LOOKS = 16 };

/* --- databases -------------------------------------------------------------------------------------------- */

static void by_database(struct metrics_page *p, const char *name, const char *help, bool expires)
{
    const struct store *st = p->s->store;
    char number[16];

    expo_family(&p->x, EXPO_GAUGE, name, help);
    for (int i = 0; i < st->conf.databases; i++) {
        const struct db *db = st->dbs[i];
        if (db == NULL || db->n_keys == 0) continue;
        snprintf(number, sizeof number, "%d", i);
        expo_sample(&p->x, name, "");
        expo_label(&p->x, "db", str_c(number));
        expo_uint(&p->x, expires ? db->n_expires : db->n_keys);
    }
}

bool metrics_databases(struct metrics_page *p)
{
    by_database(p, "memd_db_keys", "Keys, by database that has any.", false);
    by_database(p, "memd_db_expiring_keys", "Keys with a time to live, by database.", true);
    return false;
}

/* --- namespaces ------------------------------------------------------------------------------------------- */

static void copy(void *ctx, struct namespace *ns)
{
    struct metrics_page *p = ctx;
    struct ns_copy *c;

    if (p->n_namespaces == (size_t)p->s->conf->metrics_namespaces) return;
    c = &p->namespaces[p->n_namespaces++];
    *c = (struct ns_copy){ mem_alloc(ns->pattern_n + 1), ns->stats, ns->rules.maxkeys, ns->rules.maxmemory };
    memcpy(c->pattern, ns->pattern, ns->pattern_n + 1);
}

void metrics_gather_namespaces(struct metrics_page *p)
{
    size_t n = ns_any(p->s->store) ? ns_count(p->s->store) : 0, most = (size_t)p->s->conf->metrics_namespaces;

    if (n > most) n = most;
    if (n == 0) return;
    p->namespaces = mem_alloc(n * sizeof *p->namespaces);
    ns_each(p->s->store, copy, p);
}

void metrics_free_namespaces(struct metrics_page *p)
{
    for (size_t i = 0; i < p->n_namespaces; i++) mem_free(p->namespaces[i].pattern);
    mem_free(p->namespaces);
}

/* A row is a family. */
static const struct {
    const char *name;
    enum expo_type type;
    size_t at; /* of the figure in struct ns_copy */
    const char *help;
} figures[] = {
#define STAT(f) offsetof(struct ns_copy, stats.f)
    { "memd_namespace_keys", EXPO_GAUGE, STAT(keys), "Keys, by namespace." },
    { "memd_namespace_bytes", EXPO_GAUGE, STAT(bytes), "Memory of keys and values, by namespace." },
    { "memd_namespace_expiring_keys", EXPO_GAUGE, STAT(expires), "Keys with a time to live, by namespace." },
    { "memd_namespace_max_keys", EXPO_GAUGE, offsetof(struct ns_copy, maxkeys), "Quota of keys; 0: none." },
    { "memd_namespace_max_bytes", EXPO_GAUGE, offsetof(struct ns_copy, maxmemory), "Quota of bytes; 0: none." },
    { "memd_namespace_hits_total", EXPO_COUNTER, STAT(hits), "Reads that found their key, by namespace." },
    { "memd_namespace_misses_total", EXPO_COUNTER, STAT(misses), "Reads that found none, by namespace." },
    { "memd_namespace_expired_keys_total", EXPO_COUNTER, STAT(expired), "Keys whose time to live was over." },
    { "memd_namespace_evicted_keys_total", EXPO_COUNTER, STAT(evicted), "Keys that were evicted." },
    { "memd_namespace_trimmed_total", EXPO_COUNTER, STAT(trimmed), "Elements that were cut off by maxlen." },
    { "memd_namespace_archived_total", EXPO_COUNTER, STAT(archived), "What was given to the archive." },
    { "memd_namespace_recalled_keys_total", EXPO_COUNTER, STAT(recalled), "Keys brought back from the archive." },
    { "memd_namespace_dropped_total", EXPO_COUNTER, STAT(dropped), "What the archive had no room for." },
    { "memd_namespace_refused_writes_total", EXPO_COUNTER, STAT(refused), "Writes refused by a quota." },
#undef STAT
};
enum { FIGURES = sizeof figures / sizeof *figures };

/* p->at counts samples of all families in a row. */
bool metrics_namespaces(struct metrics_page *p)
{
    size_t total = ns_any(p->s->store) ? ns_count(p->s->store) : 0;

    if (p->at == 0) {
        expo_gauge(&p->x, "memd_namespaces", "Namespaces with rules.", (int64_t)total);
        expo_gauge(&p->x, "memd_namespaces_told", "Of these, those that have metrics (metrics-namespaces).",
                   (int64_t)p->n_namespaces);
    }
    while (p->n_namespaces > 0 && p->at < FIGURES * p->n_namespaces) {
        size_t f = p->at / p->n_namespaces, i = p->at % p->n_namespaces;

        if (i == 0) expo_family(&p->x, figures[f].type, figures[f].name, figures[f].help);
        expo_sample(&p->x, figures[f].name, "");
        expo_label(&p->x, "namespace", str_c(p->namespaces[i].pattern));
        expo_uint(&p->x, *(const uint64_t *)(const void *)((const char *)&p->namespaces[i] + figures[f].at));
        p->at++;
        if (p->at % BETWEEN_LOOKS == 0 && metrics_page_is_late(p)) return true;
    }
    return false;
}

/* Not a histogram: there is no sum of these times, and buckets are not added up. */
bool metrics_namespace_ttls(struct metrics_page *p)
{
    static const char name[] = "memd_namespace_ttls_set_total";
    static const char *const bounds[NS_TTL_BUCKETS] = {
        "1", "10", "60", "600", "3600", "21600", "86400", "604800", "2592000", "+Inf",
    };

    if (p->n_namespaces > 0 && p->at == 0) {
        expo_family(&p->x, EXPO_COUNTER, name, "Times to live that were set, by namespace and their size: at most "
                                              "up_to seconds, and more than the bound before.");
    }
    while (p->at < p->n_namespaces) {
        const struct ns_copy *c = &p->namespaces[p->at++];

        for (int i = 0; i < NS_TTL_BUCKETS; i++) {
            expo_sample(&p->x, name, "");
            expo_label(&p->x, "namespace", str_c(c->pattern));
            expo_label(&p->x, "up_to", str_c(bounds[i]));
            expo_uint(&p->x, c->stats.ttl[i]);
        }
        if (metrics_page_is_late(p)) return p->at < p->n_namespaces;
    }
    return false;
}
