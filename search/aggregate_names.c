/* aggregate_names.c -- which column a name is.
 *
 * Before the first GROUPBY a name that no step made is looked up in the source: what the index knows is loaded right before the step
 * that names it. With LOAD * every name may be there. */
#include "search/aggregate_impl.h"

struct columns *columns_new(struct aggregate *g)
{
    struct columns *c = arena_zalloc(&g->arena, 1, sizeof *c);

    c->names = arena_alloc(&g->arena, AGGREGATE_COLUMNS_MAX * sizeof *c->names);
    c->computed = arena_zalloc(&g->arena, AGGREGATE_COLUMNS_MAX, sizeof *c->computed);
    c->loaded = arena_zalloc(&g->arena, AGGREGATE_COLUMNS_MAX, sizeof *c->loaded);
    return c;
}

uint32_t column_find(const struct columns *c, struct str name)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (str_eq(c->names[i], name)) return i;
    return NO_COLUMN;
}

uint32_t column_add(struct columns *c, struct str name)
{
    if (c->n == AGGREGATE_COLUMNS_MAX) return NO_COLUMN;
    c->names[c->n] = name;
    return c->n++;
}

/* The steps as they are built anew, with loads between. */
struct naming {
    struct aggregate *g;
    struct columns *columns;
    struct step *steps;
    size_t n;
    struct aggregate_field *needed; /* by the step at hand, to be loaded before it */
    uint32_t n_needed;
    struct buf *error;
};

static bool refuse(struct naming *m, const char *before, struct str name, const char *behind)
{
    buf_printf(m->error, "SEARCH_PROP_NOT_FOUND %s `%.*s`%s", before, (int)name.n, name.p, behind);
    return false;
}

static bool too_many(struct naming *m)
{
    buf_printf(m->error, "SEARCH_LIMIT_OVER There are more than %d columns", AGGREGATE_COLUMNS_MAX);
    return false;
}

/* A column for name, to be written. */
static bool column_for(struct naming *m, struct str name, uint32_t *out)
{
    *out = column_find(m->columns, name);
    if (*out == NO_COLUMN) *out = column_add(m->columns, name);
    return *out != NO_COLUMN || too_many(m);
}

/* The column of a name that is read. False without an error: there is none. */
static bool column_of(struct naming *m, struct str name, uint32_t *out)
{
    struct aggregate_field f = { .path = name, .name = name, .implied = !m->g->load_all };

    *out = column_find(m->columns, name);
    if (*out != NO_COLUMN) return true;
    if (m->columns != m->g->first) return false;
    if (!m->g->source->find(m->g->source->ctx, &f)) {
        if (!m->g->load_all) return false;
        return column_for(m, name, out); /* null in all rows, or it comes with the document */
    }
    if (!column_for(m, name, out)) return false;
    f.column = *out;
    m->columns->loaded[*out] = &m->needed[m->n_needed];
    m->needed[m->n_needed++] = f;
    return true;
}

/* What was computed before stays, as in RediSearch: clients load all that they want to see, and their own results with it. */
static bool name_load(struct naming *m, struct step *s)
{
    uint32_t n = s->n_fields;

    s->n_fields = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct aggregate_field *f = &s->fields[s->n_fields];

        *f = s->fields[i];
        if (m->columns != m->g->first) return refuse(m, "Property", f->path, " cannot be loaded behind a GROUPBY");
        m->g->source->find(m->g->source->ctx, f);
        if (!column_for(m, f->name, &f->column)) return false;
        if (m->columns->computed[f->column]) continue;
        m->columns->loaded[f->column] = f;
        s->n_fields++;
    }
    return true;
}

static bool name_expr(struct naming *m, struct step *s)
{
    size_t n = expr_names(s->expr);

    s->expr_columns = arena_zalloc(&m->g->arena, n + 1, sizeof *s->expr_columns);
    for (size_t i = 0; i < n; i++)
        if (!column_of(m, expr_name(s->expr, i), &s->expr_columns[i]))
            return m->error->n == 0 && refuse(m, "Property", expr_name(s->expr, i), " not loaded nor in pipeline");
    if (s->kind == STEP_FILTER) return true;
    if (!column_for(m, s->as, &s->column)) return false;
    m->columns->computed[s->column] = true;
    return true;
}

static bool name_sort(struct naming *m, struct step *s)
{
    for (uint32_t i = 0; i < s->n_keys; i++)
        if (!column_of(m, s->keys[i].name, &s->keys[i].column))
            return m->error->n == 0 && refuse(m, "Property", s->keys[i].name, " not loaded nor in schema");
    return true;
}

/* A column of the rows of groups. */
static bool name_out(struct naming *m, struct step *s, struct str name)
{
    if (column_find(s->out, name) == NO_COLUMN) return column_add(s->out, name) != NO_COLUMN || too_many(m);
    buf_printf(m->error, "SEARCH_FIELD_DUP Property `%.*s` specified more than once", (int)name.n, name.p);
    return false;
}

static bool name_group(struct naming *m, struct step *s)
{
    s->out = columns_new(m->g);
    for (uint32_t i = 0; i < s->n_keys; i++) {
        if (!column_of(m, s->keys[i].name, &s->keys[i].column))
            return m->error->n == 0 && refuse(m, "No such property", s->keys[i].name, "");
        if (!name_out(m, s, s->keys[i].name)) return false;
    }
    for (uint32_t i = 0; i < s->n_reducers; i++) {
        struct reducer *r = &s->reducers[i];

        if (r->field.n > 0 && !column_of(m, r->field, &r->column))
            return m->error->n == 0 && refuse(m, "Property is not present in document or pipeline:", r->field, "");
        if (r->by_field.n > 0 && !column_of(m, r->by_field, &r->by_column))
            return m->error->n == 0 && refuse(m, "Property is not present in document or pipeline:", r->by_field, "");
        if (!name_out(m, s, s->aliases[i])) return false;
    }
    m->columns = s->out;
    return true;
}

/* How many names it reads at most. */
static size_t names_of(const struct step *s)
{
    return s->n_keys + 2 * s->n_reducers + (s->expr != NULL ? expr_names(s->expr) : 0);
}

static bool name_step(struct naming *m, struct step *s)
{
    switch (s->kind) {
    case STEP_LOAD: return name_load(m, s);
    case STEP_LOAD_ALL: return m->columns == m->g->first || refuse(m, "Property", STR("*"), " cannot be loaded behind a GROUPBY");
    case STEP_APPLY: case STEP_FILTER: return name_expr(m, s);
    case STEP_SORT: return name_sort(m, s);
    case STEP_GROUP: return name_group(m, s);
    case STEP_LIMIT: break;
    }
    return true;
}

static void load_before(struct naming *m)
{
    struct step *load = &m->steps[m->n++];

    *load = (struct step){ .kind = STEP_LOAD, .columns = m->g->first, .n_fields = m->n_needed };
    load->fields = m->needed;
    m->n_needed = 0;
}

bool aggregate_compile(struct aggregate *g, const struct aggregate_source *src, struct buf *error)
{
    struct naming m = { .g = g, .columns = g->first, .error = error };

    g->source = src;
    m.steps = arena_zalloc(&g->arena, 2 * g->n_steps + 1, sizeof *m.steps);
    for (uint32_t i = 0; i < g->n_always; i++) src->find(src->ctx, &g->always[i]);
    for (size_t i = 0; i < g->n_steps; i++) {
        struct columns *in = m.columns;

        m.needed = arena_zalloc(&g->arena, names_of(&g->steps[i]), sizeof *m.needed);
        if (!name_step(&m, &g->steps[i])) return false;
        if (m.n_needed > 0) load_before(&m);
        m.steps[m.n] = g->steps[i];
        m.steps[m.n++].columns = in;
    }
    g->steps = m.steps;
    g->n_steps = m.n;
    g->last = m.columns;
    return true;
}
