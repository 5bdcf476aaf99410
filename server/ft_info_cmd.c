/* ft_info_cmd.c -- FT.INFO, in the order and with the names of RediSearch: clients read some of it by position. */
#include <math.h>

#include "base/mem.h"
#include "search/spec_impl.h"
#include "server/commands.h"
#include "server/ft_cursor.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "server/rows.h"

/* --- pairs ------------------------------------------------------------------------------------------------------ */

struct telling {
    struct reply *out;
    bool resp3;
    size_t n; /* pairs so far */
};

static void key(struct telling *t, const char *name)
{
    reply_bulk_c(t->out, name);
    t->n++;
}

static void text(struct telling *t, const char *name, struct str value)
{
    key(t, name);
    reply_bulk(t->out, value);
}

static void whole(struct telling *t, const char *name, uint64_t v)
{
    key(t, name);
    reply_int(t->out, (int64_t)v);
}

static void real(struct telling *t, const char *name, double v)
{
    key(t, name);
    reply_double(t->out, v);
}

static void megabytes(struct telling *t, const char *name, size_t bytes)
{
    real(t, name, (double)bytes / (1 << 20));
}

/* a / b, which is no number when there is nothing. */
static void ratio(struct telling *t, const char *name, double a, double b)
{
    real(t, name, b > 0 ? a / b : (double)NAN);
}

/* --- the definition --------------------------------------------------------------------------------------------- */

static void options(struct telling *t, const struct index_spec *s)
{
    const char *words[] = { s->no_freqs ? "NOFREQS" : NULL, s->no_fields ? "NOFIELDS" : NULL, s->no_offsets ? "NOOFFSETS" : NULL,
                            s->no_highlight || s->no_offsets ? "NOHL" : NULL, s->max_text_fields ? "MAXTEXTFIELDS" : NULL };
    size_t n = 0;

    for (int i = 0; i < 5; i++) n += words[i] != NULL;
    key(t, "index_options");
    reply_array(t->out, n);
    for (int i = 0; i < 5; i++)
        if (words[i]) reply_bulk_c(t->out, words[i]);
}

static void definition(struct telling *t, const struct index_spec *s)
{
    struct telling d = { t->out, t->resp3, 0 };
    size_t mark;

    key(t, "index_definition");
    mark = reply_mark(t->out);
    text(&d, "key_type", s->on_json ? STR("JSON") : STR("HASH"));
    key(&d, "prefixes");
    reply_array(t->out, s->n_prefixes);
    for (size_t i = 0; i < s->n_prefixes; i++) reply_bulk(t->out, s->prefixes[i]);
    if (s->filter.n) text(&d, "filter", s->filter);
    if (s->language.n && !str_is(s->language, "english")) text(&d, "default_language", s->language);
    if (s->language_field.n) text(&d, "language_field", s->language_field);
    real(&d, "default_score", s->score);
    if (s->score_field.n) text(&d, "score_field", s->score_field);
    if (s->payload_field.n) text(&d, "payload_field", s->payload_field);
    text(&d, "indexes_all", s->index_all ? STR("true") : STR("false"));
    reply_map_at(t->out, mark, d.n);
}

static void vector_facts(struct telling *a, const struct field_spec *f)
{
    text(a, "algorithm", str_c(spec_vec_algorithm(f)));
    text(a, "data_type", str_c(spec_vec_type(f->vec.type)));
    whole(a, "dim", f->vec.dim);
    text(a, "distance_metric", str_c(spec_vec_metric(f->vec.metric)));
    if (f->vec.algorithm == VEC_FLAT) return;
    whole(a, f->svs ? "graph_max_degree" : "M", f->svs ? 2 * f->vec.m : f->vec.m);
    whole(a, f->svs ? "construction_window_size" : "ef_construction", f->vec.ef_construction);
    if (!f->svs) whole(a, "ef_runtime", f->vec.ef_runtime);
}

/* A word behind the pairs; RESP3 has them in a list of their own. */
static void flag(struct reply *out, bool is, const char *word, size_t *n)
{
    if (!is) return;
    reply_bulk_c(out, word);
    ++*n;
}

static void attribute(struct telling *t, const struct field_spec *f)
{
    static const char *const types[] = { [FIELD_TAG] = "TAG", [FIELD_TEXT] = "TEXT", [FIELD_NUMERIC] = "NUMERIC", [FIELD_GEO] = "GEO",
                                         [FIELD_VECTOR] = "VECTOR" };
    struct telling a = { t->out, t->resp3, 0 };
    size_t mark = reply_mark(t->out), flags_at, n = 0;

    text(&a, "identifier", f->identifier);
    text(&a, "attribute", f->name);
    text(&a, "type", str_c(types[f->type]));
    if (f->type == FIELD_TEXT) real(&a, "WEIGHT", f->weight);
    if (f->type == FIELD_TAG) text(&a, "SEPARATOR", str_of(&f->separator, f->separator != 0));
    if (f->type == FIELD_VECTOR) vector_facts(&a, f);
    if (t->resp3) key(&a, "flags");
    flags_at = reply_mark(t->out);
    flag(t->out, f->case_sensitive, "CASESENSITIVE", &n);
    flag(t->out, f->sortable, "SORTABLE", &n);
    flag(t->out, f->sortable && f->unf, "UNF", &n);
    flag(t->out, f->no_stem, "NOSTEM", &n);
    flag(t->out, f->no_index, "NOINDEX", &n);
    flag(t->out, f->suffixes, "WITHSUFFIXTRIE", &n);
    flag(t->out, f->index_empty, "INDEXEMPTY", &n);
    flag(t->out, f->index_missing, "INDEXMISSING", &n);
    if (t->resp3) {
        reply_array_at(t->out, flags_at, n);
        reply_map_at(t->out, mark, a.n);
    } else {
        reply_array_at(t->out, mark, 2 * a.n + n);
    }
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

static void sizes(struct telling *t, const struct index_facts *f, uint64_t failures)
{
    whole(t, "num_docs", f->docs);
    whole(t, "max_doc_id", f->max_doc);
    whole(t, "free_doc_ids", f->max_doc - f->docs); /* the next documents get these */
    whole(t, "num_terms", f->terms);
    whole(t, "num_records", f->records);
    megabytes(t, "inverted_sz_mb", f->inverted);
    megabytes(t, "vector_index_sz_mb", f->vectors);
    whole(t, "total_inverted_index_blocks", f->terms);
    megabytes(t, "offset_vectors_sz_mb", f->offsets);
    megabytes(t, "doc_table_size_mb", f->doc_table);
    megabytes(t, "sortable_values_size_mb", f->sortable);
    megabytes(t, "key_table_size_mb", f->keys);
    megabytes(t, "tag_overhead_sz_mb", f->tags);
    megabytes(t, "text_overhead_sz_mb", f->text);
    megabytes(t, "total_index_memory_sz_mb", f->memory);
    megabytes(t, "geoshapes_sz_mb", 0);
    ratio(t, "records_per_doc_avg", (double)f->records, (double)f->docs);
    ratio(t, "bytes_per_record_avg", (double)f->inverted, (double)f->records);
    ratio(t, "offsets_per_term_avg", (double)f->offsets, (double)f->records);
    ratio(t, "offset_bits_per_record_avg", 8 * (double)f->offsets, (double)f->records);
    whole(t, "hash_indexing_failures", failures);
}

/* A map of so many zeros: what memd has no such thing of. */
static void zeros(struct telling *t, const char *name, const char *const *names, size_t n)
{
    key(t, name);
    reply_map(t->out, n);
    for (size_t i = 0; i < n; i++) {
        reply_bulk_c(t->out, names[i]);
        reply_int(t->out, 0);
    }
}

static void cursors(struct telling *t, const struct server *s, const struct search_index *ix)
{
    size_t all = ft_cursors_count(s->ft_cursors, NULL);
    struct telling c = { t->out, t->resp3, 0 };
    size_t mark;

    key(t, "cursor_stats");
    mark = reply_mark(t->out);
    whole(&c, "global_idle", all);
    whole(&c, "global_total", all);
    whole(&c, "index_capacity", (uint64_t)s->conf->search_cursors);
    whole(&c, "index_total", ft_cursors_count(s->ft_cursors, ix));
    reply_map_at(t->out, mark, c.n);
}

static void statistics(struct telling *t)
{
    static const char *const gc[] = { "bytes_collected", "total_ms_run", "total_cycles", "average_cycle_time_ms", "last_run_time_ms",
                                      "gc_numeric_trees_missed", "gc_blocks_denied" };

    zeros(t, "gc_stats", gc, sizeof gc / sizeof *gc);
}

/* scan: how that of the whole index goes; NULL: of a field none is told. */
static void errors(struct telling *t, const char *name, struct index_trouble e, const char *scan)
{
    key(t, name);
    reply_map(t->out, scan ? 4 : 3);
    reply_bulk_c(t->out, "indexing failures");
    reply_int(t->out, (int64_t)e.n);
    reply_bulk_c(t->out, "last indexing error");
    reply_bulk(t->out, e.n ? e.text : STR("N/A"));
    reply_bulk_c(t->out, "last indexing error key");
    reply_bulk(t->out, e.n ? e.key : STR("N/A"));
    if (scan == NULL) return;
    reply_bulk_c(t->out, "background indexing status");
    reply_bulk_c(t->out, scan);
}

/* That of the index, or that its scan waits for memory. */
static struct index_trouble trouble_of(const struct ft_index *x)
{
    struct index_trouble e = index_trouble(x->ix, NULL);

    if (!x->starved) return e;
    e.n++;
    e.text = STR("Used memory is more than 100 percent of max memory, the scan waits for room");
    e.key = STR("N/A");
    return e;
}

static void field_statistics(struct telling *t, const struct search_index *ix)
{
    const struct index_spec *s = index_spec(ix);

    key(t, "field statistics");
    reply_array(t->out, s->n_fields);
    for (size_t i = 0; i < s->n_fields; i++) {
        struct telling a = { t->out, t->resp3, 0 };
        size_t mark = reply_mark(t->out);

        text(&a, "identifier", s->fields[i].identifier);
        text(&a, "attribute", s->fields[i].name);
        errors(&a, "Index Errors", index_trouble(ix, &s->fields[i]), NULL);
        reply_map_at(t->out, mark, a.n);
    }
}

static void dialects(struct telling *t)
{
    static const char *const names[] = { "dialect_1", "dialect_2", "dialect_3", "dialect_4" };

    zeros(t, "dialect_stats", names, 4);
}

/* How much of what is to be indexed is. */
static double progress(const struct ft *f, const struct ft_index *x, const struct index_facts *facts)
{
    double waiting = (double)ft_queue_count(&x->queue);

    return x->scanning || waiting == 0 ? ft_scanned(f, x) : (double)facts->docs / ((double)facts->docs + waiting);
}

/* FT.INFO is a job (ft_job.h), so that it counts every write before it. It tells of a scan and does not wait for it. */
struct info {
    struct ft_job job;
    struct ft *ft;
};

static bool info_begin(struct ft_job *j, struct buf *error)
{
    (void)j;
    (void)error;
    return true;
}

static bool info_step(struct ft_job *j, int64_t deadline_us)
{
    (void)j;
    (void)deadline_us;
    return true;
}

static void info_reply(struct ft_job *j, struct reply *out, bool timed_out)
{
    struct ft *f = ((struct info *)j)->ft;
    const struct ft_index *x = ft_owner(f, j->ix);
    const struct index_spec *s = index_spec(j->ix);
    struct telling t = { out, out->resp >= 3, 0 };
    struct index_facts facts;
    size_t mark = reply_mark(out);

    (void)timed_out; /* then `indexing` says so */
    index_facts(x->ix, &facts);
    text(&t, "index_name", s->name);
    options(&t, s);
    definition(&t, s);
    key(&t, "attributes");
    reply_array(t.out, s->n_fields);
    for (size_t i = 0; i < s->n_fields; i++) attribute(&t, &s->fields[i]);
    sizes(&t, &facts, index_trouble(x->ix, NULL).n);
    real(&t, "total_indexing_time", (double)x->feed_us / 1000);
    whole(&t, "indexing", x->scanning ? !x->starved : ft_queue_count(&x->queue) > 0);
    real(&t, "percent_indexed", progress(f, x, &facts));
    whole(&t, "number_of_uses", facts.uses);
    whole(&t, "number_of_admin_ops", x->admin_uses);
    whole(&t, "cleaning", 0);
    statistics(&t);
    cursors(&t, f->server, x->ix);
    if (s->own_stop_words) {
        key(&t, "stopwords_list");
        reply_array(t.out, s->n_stop_words);
        for (size_t i = 0; i < s->n_stop_words; i++) reply_bulk(t.out, s->stop_words[i]);
    }
    dialects(&t);
    errors(&t, "Index Errors", trouble_of(x), x->starved ? "OOM failure" : "OK");
    field_statistics(&t, x->ix);
    reply_map_at(out, mark, t.n);
}

static void info_free(struct ft_job *j)
{
    mem_free(j);
}

static size_t info_bytes(const struct ft_job *j)
{
    (void)j;
    return sizeof(struct info);
}

static enum err run_info(struct call *c)
{
    struct ft_index *x;
    struct info *i;
    enum err e = ft_open_index(c, call_arg(c, 1), &x);

    if (e != OK) return e;
    i = mem_alloc(sizeof *i);
    i->ft = c->client->server->ft;
    i->job = (struct ft_job){ .ix = x->ix, .timeout_ms = ft_job_timeout(c->client->server), .of_any = true, .begin = info_begin,
                              .step = info_step, .reply = info_reply, .free = info_free, .bytes = info_bytes };
    return ft_job_run(c, &i->job);
}

const struct command ft_info_commands[] = {
    { ROW("ft.info", run_info, -2, CMD_READONLY, GROUP_SEARCH, "1.0.0", "O(F), F being the fields",
          "Tells the definition, the size and the progress of an index."), .acl = ACL_SEARCH,
      .args = ARGS({ .name = "index" }) },
    { 0 },
};

/* --- INFO search ------------------------------------------------------------------------------------------------ */

static void add(struct ft_totals *t, const struct ft_index *x)
{
    const struct index_spec *s = index_spec(x->ix);
    struct index_facts f;

    index_facts(x->ix, &f);
    t->docs += f.docs;
    t->failures += index_trouble(x->ix, NULL).n;
    t->memory += f.memory + ft_queue_bytes(&x->queue);
    t->scanning += x->scanning && !x->starved;
    t->us += x->feed_us;
    for (size_t i = 0; i < s->n_fields; i++) t->fields[s->fields[i].type]++;
}

void ft_totals(const struct server *s, struct ft_totals *t)
{
    const struct ft_registry *r = &s->ft->now;

    *t = (struct ft_totals){ .indexes = r->n, .aliases = r->n_aliases, .waiting = ft_waiting_keys(s->ft) };
    for (size_t i = 0; i < r->n; i++) add(t, r->indexes[i]);
    for (size_t i = 0; i < r->n_kept; i++) t->kept += index_memory(r->kept[i]->ix) + ft_queue_bytes(&r->kept[i]->queue);
}

void ft_info(struct server *s, struct buf *b)
{
    struct ft_totals t;

    if (!s->ft_any) return;
    ft_totals(s, &t);
    buf_printf(b, "search_number_of_indexes:%zu\r\nsearch_number_of_aliases:%zu\r\nsearch_number_of_documents:%zu\r\n", t.indexes, t.aliases, t.docs);
    buf_printf(b, "search_fields_tag:%zu\r\nsearch_fields_text:%zu\r\nsearch_fields_numeric:%zu\r\nsearch_fields_geo:%zu\r\nsearch_fields_vector:%zu\r\n",
               t.fields[FIELD_TAG], t.fields[FIELD_TEXT], t.fields[FIELD_NUMERIC], t.fields[FIELD_GEO], t.fields[FIELD_VECTOR]);
    buf_printf(b, "search_used_memory_indexes:%zu\r\nsearch_used_memory_kept:%zu\r\nsearch_total_indexing_time_ms:%lld\r\n", t.memory + t.kept, t.kept,
               (long long)(t.us / 1000));
    buf_printf(b, "search_number_of_active_indexes_indexing:%zu\r\nsearch_keys_waiting:%zu\r\nsearch_documents_read:%llu\r\n"
                  "search_errors_indexing_failures:%llu\r\n",
               t.scanning, t.waiting, (unsigned long long)s->ft->fed, (unsigned long long)t.failures);
}
