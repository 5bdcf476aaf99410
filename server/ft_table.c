#include "server/ft_table.h"

#include "base/clock.h"
#include "server/ft_expand.h"

static void reply_number(struct reply *out, double v, bool expand)
{
    char text[DATUM_NUMBER_MAX];
    struct str s = str_of(text, datum_number_text(text, v));

    if (expand) ft_expand(out, s);
    else reply_bulk(out, s);
}

static void reply_value(struct reply *out, const struct datum *d, bool expand)
{
    switch (d->kind) {
    case DATUM_NULL: reply_null(out); break;
    case DATUM_NUMBER: reply_number(out, d->u.number, expand); break;
    case DATUM_TEXT:
        if (d->n > 0) ft_expand(out, d->u.text);
        else reply_bulk(out, d->u.text);
        break;
    case DATUM_LIST:
        reply_array(out, d->n);
        for (uint32_t i = 0; i < d->n; i++) reply_value(out, &d->u.items[i], expand);
        break;
    }
}

void ft_table_row(const struct ft_table *t, struct reply *out, size_t i)
{
    static const struct datum null = { .kind = DATUM_NULL };
    struct aggregate_row row = aggregate_row(t->g, i);
    size_t mark = reply_mark(out), n = 0;

    for (size_t c = 0; c < aggregate_columns(t->g); c++) {
        const struct datum *d = c < row.n ? &row.values[c] : &null;

        if (d->kind == DATUM_NULL && !aggregate_tells_null(t->g)) continue;
        reply_bulk(out, aggregate_column(t->g, c));
        reply_value(out, d, aggregate_expands(t->g));
        n++;
    }
    reply_map_at(out, mark, n);
}

static bool is_there(const struct ft_table *t, size_t i)
{
    return t->keys == NULL || aggregate_row(t->g, i).doc == UINT32_MAX || index_find(t->ix, t->keys[i]) != UINT32_MAX;
}

static void write_row(const struct ft_table *t, struct reply *out, size_t i)
{
    if (out->resp < 3) {
        ft_table_row(t, out, i);
        return;
    }
    reply_map(out, 2);
    reply_simple(out, "extra_attributes");
    ft_table_row(t, out, i);
    reply_simple(out, "values");
    reply_array(out, 0);
}

/* How many were written. */
static size_t reply_rows(const struct ft_table *t, struct reply *out, size_t *at, size_t max)
{
    size_t n = 0, from = out->out->n;

    if (max > FT_TABLE_ROWS) max = FT_TABLE_ROWS;
    for (; *at < aggregate_rows(t->g) && n < max && out->out->n < from + FT_TABLE_BYTES; ++*at) {
        if (!is_there(t, *at)) continue;
        n++;
        write_row(t, out, *at);
    }
    return n;
}

void ft_results_begin(struct reply *out, bool expand)
{
    reply_map(out, 5);
    reply_simple(out, "attributes");
    reply_array(out, 0);
    reply_simple(out, "format");
    reply_simple(out, expand ? "EXPAND" : "STRING");
    reply_simple(out, "results");
}

void ft_results_end(struct reply *out, int64_t total, const char *warning)
{
    reply_simple(out, "total_results");
    reply_int(out, total);
    reply_simple(out, "warning");
    reply_array(out, warning != NULL);
    if (warning != NULL) reply_simple(out, warning);
}

void ft_table_reply(const struct ft_table *t, struct reply *out, size_t *at, size_t max, const char *warning)
{
    size_t mark = reply_mark(out), n;

    if (out->resp < 3) {
        reply_int(out, (int64_t)aggregate_total(t->g));
        n = reply_rows(t, out, at, max);
        reply_array_at(out, mark, 1 + n);
        return;
    }
    ft_results_begin(out, aggregate_expands(t->g));
    mark = reply_mark(out);
    n = reply_rows(t, out, at, max);
    reply_array_at(out, mark, n);
    ft_results_end(out, (int64_t)aggregate_total(t->g), warning);
}

/* --- rows with long lists, which are written in parts -------------------------------------------------------------- */

enum { LONG_LIST = 1000 };

static bool is_long(const struct aggregate_row *row)
{
    for (size_t c = 0; c < row->n; c++)
        if (row->values[c].kind == DATUM_LIST && row->values[c].n > LONG_LIST) return true;
    return false;
}

static bool is_told(const struct ft_table *t, const struct aggregate_row *row, size_t column)
{
    return aggregate_tells_null(t->g) || (column < row->n && row->values[column].kind != DATUM_NULL);
}

static void begin_long(const struct ft_table *t, struct reply *out, const struct aggregate_row *row)
{
    size_t n = 0;

    for (size_t c = 0; c < aggregate_columns(t->g); c++) n += is_told(t, row, c);
    if (out->resp >= 3) {
        reply_map(out, 2);
        reply_simple(out, "extra_attributes");
    }
    reply_map(out, n);
}

/* Values of a list, from at->item on; true: all of them are written. */
static bool write_items(const struct ft_table *t, struct reply *out, const struct datum *d, struct ft_table_at *at, int64_t deadline_us)
{
    if (at->item == 0) reply_array(out, d->n);
    while (at->item < d->n) {
        reply_value(out, &d->u.items[at->item++], aggregate_expands(t->g));
        if (at->item % LONG_LIST == 0 && clock_mono_us() >= deadline_us) return false;
    }
    at->item = 0;
    return true;
}

static bool write_long(const struct ft_table *t, struct reply *out, const struct aggregate_row *row, struct ft_table_at *at, int64_t deadline_us)
{
    static const struct datum null = { .kind = DATUM_NULL };

    if (!at->within) begin_long(t, out, row);
    at->within = true;
    for (; at->column < aggregate_columns(t->g); at->column++) {
        const struct datum *d = at->column < row->n ? &row->values[at->column] : &null;

        if (!is_told(t, row, at->column)) continue;
        if (at->item == 0) reply_bulk(out, aggregate_column(t->g, at->column));
        if (d->kind != DATUM_LIST) reply_value(out, d, aggregate_expands(t->g));
        else if (!write_items(t, out, d, at, deadline_us)) return false;
    }
    if (out->resp >= 3) {
        reply_simple(out, "values");
        reply_array(out, 0);
    }
    return true;
}

bool ft_table_write(const struct ft_table *t, struct ft_pieces *rows, int resp, struct ft_table_at *at, int64_t deadline_us)
{
    while (at->row < aggregate_rows(t->g)) {
        struct aggregate_row row = aggregate_row(t->g, at->row);

        if (at->within || row.doc == UINT32_MAX || index_alive(t->ix, row.doc)) {
            struct reply out = { at->within ? ft_pieces_going_on(rows) : ft_pieces_room(rows, t->ix), resp };

            if (!is_long(&row)) write_row(t, &out, at->row);
            else if (!write_long(t, &out, &row, at, deadline_us)) return false;
            ft_pieces_row(rows, row.doc);
        }
        *at = (struct ft_table_at){ .row = at->row + 1 };
        if (clock_mono_us() >= deadline_us) break;
    }
    return at->row == aggregate_rows(t->g);
}

void ft_table_reply_written(const struct ft_table *t, struct ft_pieces *rows, struct reply *out, struct reply_pieces *pieces,
                            const char *warning)
{
    size_t n = ft_pieces_settle(rows, t->ix);

    if (out->resp < 3) {
        reply_array(out, 1 + n);
        reply_int(out, (int64_t)aggregate_total(t->g));
        ft_pieces_reply(rows, out, pieces);
        return;
    }
    ft_results_begin(out, aggregate_expands(t->g));
    reply_array(out, n);
    ft_pieces_reply(rows, out, pieces);
    ft_results_end(out, (int64_t)aggregate_total(t->g), warning);
}
