#include "search/aggregate.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "search/aggregate_impl.h"

struct aggregate *aggregate_new(const struct aggregate_conf *conf)
{
    struct aggregate *g = mem_zalloc(sizeof *g);

    g->conf = *conf;
    arena_init(&g->arena);
    arena_init(&g->keep);
    arena_init(&g->scratch);
    g->world.hash = conf->hash;
    rng_seed(&g->world.rng, conf->seed);
    g->steps = arena_zalloc(&g->arena, AGGREGATE_STEPS_MAX, sizeof *g->steps);
    g->always = arena_zalloc(&g->arena, AGGREGATE_ALWAYS_MAX, sizeof *g->always);
    g->first = g->last = columns_new(g);
    return g;
}

void aggregate_set_expand(struct aggregate *g)
{
    g->expands = true;
}

bool aggregate_expands(const struct aggregate *g)
{
    return g->expands;
}

static void steps_fini(struct aggregate *g)
{
    for (size_t i = 0; i < g->n_steps; i++) {
        if (g->steps[i].kind == STEP_GROUP) group_fini(&g->steps[i]);
        if (g->steps[i].kind == STEP_SORT) sort_fini(&g->steps[i]);
    }
    g->n_steps = 0;
}

void aggregate_free(struct aggregate **at)
{
    struct aggregate *g = *at;

    *at = NULL;
    if (g == NULL) return;
    steps_fini(g);
    arena_fini(&g->arena);
    arena_fini(&g->keep);
    arena_fini(&g->scratch);
    for (size_t i = 0; i < g->n_chunks; i++) mem_free(g->rows[i]);
    mem_free(g->rows);
    mem_free(g->row.values);
    mem_free(g);
}

bool aggregate_add_column(struct aggregate *g, struct str name, struct buf *error)
{
    struct aggregate_field *f = &g->always[g->n_always];

    if (g->n_always == AGGREGATE_ALWAYS_MAX) {
        buf_printf(error, "SEARCH_LIMIT_OVER There are more than %d distances", AGGREGATE_ALWAYS_MAX - 1);
        return false;
    }
    if (column_find(g->first, name) != NO_COLUMN) {
        buf_printf(error, "SEARCH_FIELD_DUP Property `%.*s` specified more than once", (int)name.n, name.p);
        return false;
    }
    f->path = f->name = arena_dup(&g->arena, name);
    f->column = column_add(g->first, f->name);
    g->n_always++;
    return true;
}

void row_widen(struct passing *row, uint32_t n)
{
    if (n > row->cap || row->values == NULL) { /* rows without columns are copied, too */
        row->cap = n < 16 ? 16 : 2 * n;
        row->values = mem_realloc(row->values, row->cap * sizeof *row->values);
    }
    for (; row->n < n; row->n++) row->values[row->n] = (struct datum){ .kind = DATUM_NULL };
}

bool aggregate_count(struct aggregate *g, size_t bytes)
{
    g->bytes += bytes;
    if (g->bytes <= g->conf.bytes_max) return true;
    buf_printf(g->error, "SEARCH_LIMIT_OVER The rows of this aggregation take more than %zu bytes: group, filter or LIMIT earlier, or "
               "raise search-aggregate-memory", g->conf.bytes_max);
    return false;
}

/* --- steps that pass rows on -------------------------------------------------------------------------------------------- */

static void put(struct aggregate *g, uint32_t column, struct datum d)
{
    row_widen(&g->row, column + 1);
    g->row.values[column] = d;
}

static void read_field(struct aggregate *g, const struct aggregate_field *f)
{
    struct datum d = { .kind = DATUM_NULL };

    g->source->read(g->source->ctx, g->row.doc, f, &g->scratch, &d);
    put(g, f->column, d);
}

/* LOAD *: a name that is new becomes a column, as long as there is room for one. */
static void take_loaded(void *arg, struct str name, struct str value)
{
    struct aggregate *g = arg;
    uint32_t column = column_find(g->first, name);

    if (column == NO_COLUMN && g->first->n < AGGREGATE_COLUMNS_MAX) column = column_add(g->first, arena_dup(&g->arena, name));
    if (column == NO_COLUMN || (column < g->row.n && g->row.values[column].kind != DATUM_NULL)) return;
    put(g, column, datum_text(arena_dup(&g->scratch, value)));
}

struct evaluating {
    struct aggregate *g;
    const struct step *s;
};

static void get_value(void *ctx, size_t name, struct datum *out)
{
    const struct evaluating *e = ctx;
    uint32_t column = e->s->expr_columns[name];

    if (column < e->g->row.n) *out = e->g->row.values[column];
}

static void get_terms(void *ctx, struct datum *out)
{
    const struct evaluating *e = ctx;
    const struct aggregate_source *src = e->g->source;

    if (src && src->terms && e->g->row.doc != UINT32_MAX) src->terms(src->ctx, e->g->row.doc, &e->g->scratch, out);
}

static bool evaluate(struct aggregate *g, const struct step *s, struct datum *out)
{
    struct evaluating e = { g, s };
    struct expr_row row = { .ctx = &e, .get = get_value, .terms = get_terms, .now_s = g->conf.now_s, .arena = &g->scratch };

    return expr_eval(s->expr, &row, out, g->error);
}

static struct aggregate_row *row_at(const struct aggregate *g, size_t i)
{
    return &g->rows[i / ROW_CHUNK][i % ROW_CHUNK];
}

static void add_chunk(struct aggregate *g)
{
    if (g->n_chunks == g->cap_chunks) {
        g->cap_chunks = g->cap_chunks > 0 ? 2 * g->cap_chunks : 4;
        g->rows = mem_realloc(g->rows, g->cap_chunks * sizeof *g->rows);
    }
    g->rows[g->n_chunks++] = mem_alloc(ROW_CHUNK * sizeof **g->rows);
}

/* Each value that came out of the document, as all that is at its path. */
static void expand(struct aggregate *g)
{
    const struct aggregate_field document = { .path = STR("$"), .name = STR("$") };

    for (uint32_t c = 0; c < g->row.n; c++) {
        const struct aggregate_field *f = g->first->loaded[c];

        if (f == NULL && str_eq(g->first->names[c], document.name)) f = &document; /* LOAD * */
        if (f == NULL || g->first->computed[c] || g->row.values[c].kind == DATUM_NULL) continue;
        g->source->expand(g->source->ctx, g->row.doc, f, &g->scratch, &g->row.values[c]);
    }
}

static bool output(struct aggregate *g)
{
    size_t bytes = sizeof **g->rows;
    struct aggregate_row *row;

    if (g->n_rows == g->conf.rows_max) return true;
    if (g->n_rows % ROW_CHUNK == 0) add_chunk(g);
    if (g->expands && g->row.doc != UINT32_MAX) expand(g);
    row = row_at(g, g->n_rows++);
    row->values = datum_keep(g->row.values, g->row.n, &g->keep, &bytes);
    row->n = g->row.n;
    row->doc = g->row.doc;
    return aggregate_count(g, bytes);
}

/* A LIMIT has what it wants. Rows that are still to come cannot change anything, unless a FILTER before it is to count them. */
static void note_full(struct aggregate *g, const struct step *limit)
{
    for (const struct step *s = &g->steps[g->feeding]; s < limit; s++)
        if (s->kind == STEP_FILTER) return;
    g->full = true;
}

/* The row on its way through the steps from i on, until one keeps it or lets it fall. False: g->error is set. */
static bool pass(struct aggregate *g, size_t i)
{
    struct datum d;

    for (; i < g->n_steps; i++) {
        struct step *s = &g->steps[i];

        switch (s->kind) {
        case STEP_LOAD:
            for (uint32_t k = 0; k < s->n_fields; k++) read_field(g, &s->fields[k]);
            break;
        case STEP_LOAD_ALL: g->source->all(g->source->ctx, g->row.doc, take_loaded, g); break;
        case STEP_APPLY:
            if (!evaluate(g, s, &d)) return false;
            put(g, s->column, d);
            break;
        case STEP_FILTER:
            if (!evaluate(g, s, &d)) return false;
            if (datum_true(&d)) break;
            g->total--;
            return true;
        case STEP_LIMIT:
            if (++s->seen > s->offset + s->count) note_full(g, s);
            if (s->seen <= s->offset || s->seen > s->offset + s->count) return true;
            break;
        case STEP_SORT: return sort_take(g, s, &g->row);
        case STEP_GROUP: return group_take(g, s, &g->row);
        }
    }
    return output(g);
}

/* --- where rows come from -------------------------------------------------------------------------------------------- */

/* One document. False: there are no more. */
static bool feed_document(struct aggregate *g, bool *good)
{
    uint32_t doc = g->source->next(g->source->ctx);

    if (doc == UINT32_MAX) return false;
    g->total++;
    if (g->full) return true;
    g->row.n = 0;
    g->row.doc = doc;
    for (uint32_t i = 0; i < g->n_always; i++) read_field(g, &g->always[i]);
    *good = pass(g, 0);
    return true;
}

/* One row of the step that kept it. False: there are no more, or no more are wanted. */
static bool feed_kept(struct aggregate *g, struct step *s, bool *good)
{
    if (g->full) return false;
    if (!(s->kind == STEP_GROUP ? group_give(g, s) : sort_give(g, s))) return false;
    *good = pass(g, g->feeding);
    return true;
}

/* On to the next step that keeps rows. False: there is none. */
static bool feed_from_next(struct aggregate *g)
{
    size_t i = g->feeding;
    struct step *s;

    while (i < g->n_steps && g->steps[i].kind != STEP_SORT && g->steps[i].kind != STEP_GROUP) i++;
    if (i == g->n_steps) return false;
    s = &g->steps[i];
    g->feeding = i + 1;
    g->full = false;
    g->draining = s->kind == STEP_SORT;
    s->next = s->kind == STEP_SORT ? s->n_heap : 0;
    s->next_group = s->first_group;
    if (s->kind == STEP_GROUP) g->total = s->n_groups;
    return true;
}

/* One row, or one move of a SORTBY's heap. False: nothing is left to do. */
static bool feed(struct aggregate *g, bool *good)
{
    struct step *s = g->feeding > 0 ? &g->steps[g->feeding - 1] : NULL;

    if (g->draining) {
        g->draining = sort_drain(s);
        return true;
    }
    if (s == NULL ? feed_document(g, good) : feed_kept(g, s, good)) return true;
    return feed_from_next(g);
}

enum aggregate_state aggregate_run(struct aggregate *g, int64_t deadline_us, struct buf *error)
{
    bool good = true;

    g->error = error;
    do {
        arena_reset(&g->scratch);
        if (!feed(g, &good)) return AGGREGATE_DONE;
        if (!good) return AGGREGATE_FAILED;
    } while (clock_mono_us() < deadline_us);
    return AGGREGATE_MORE;
}

/* --- what came out ------------------------------------------------------------------------------------------------------ */

void aggregate_detach(struct aggregate *g, bool none_gone)
{
    size_t n = none_gone ? g->n_rows : 0;

    for (size_t i = 0; i < g->n_rows && !none_gone; i++) {
        struct aggregate_row *row = row_at(g, i);

        if (row->doc != UINT32_MAX && !g->source->alive(g->source->ctx, row->doc)) g->total--;
        else *row_at(g, n++) = *row;
    }
    g->n_rows = n;
    g->source = NULL;
}

size_t aggregate_rows(const struct aggregate *g)
{
    return g->n_rows;
}

struct aggregate_row aggregate_row(const struct aggregate *g, size_t i)
{
    return *row_at(g, i);
}

uint64_t aggregate_total(const struct aggregate *g)
{
    return g->total;
}

size_t aggregate_columns(const struct aggregate *g)
{
    return g->last->n;
}

struct str aggregate_column(const struct aggregate *g, size_t i)
{
    return g->last->names[i];
}

bool aggregate_tells_null(const struct aggregate *g)
{
    return g->last != g->first;
}

size_t aggregate_memory(const struct aggregate *g)
{
    return sizeof *g + g->bytes + AGGREGATE_STEPS_MAX * sizeof *g->steps;
}
