#include "search/datum.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"

bool datum_true(const struct datum *d)
{
    switch (d->kind) {
    case DATUM_NUMBER: return d->u.number != 0;
    case DATUM_TEXT: return d->u.text.n > 0;
    case DATUM_LIST: return d->n > 0;
    case DATUM_NULL: break;
    }
    return false;
}

bool datum_to_number(const struct datum *d, double *out)
{
    if (d->kind == DATUM_NUMBER) {
        *out = d->u.number;
        return true;
    }
    return d->kind == DATUM_TEXT && num_parse_double(d->u.text, out);
}

size_t datum_number_text(char *out, double x)
{
    if (isnan(x)) return (size_t)snprintf(out, DATUM_NUMBER_MAX, "nan"); /* never "-nan" */
    if (fabs(x) < 9e18 && (double)(int64_t)x == x) return num_i64(out, (int64_t)x);
    return (size_t)snprintf(out, DATUM_NUMBER_MAX, "%.12g", x);
}

struct str datum_as_text(const struct datum *d, struct arena *a)
{
    char *text;

    switch (d->kind) {
    case DATUM_TEXT: return d->u.text;
    case DATUM_LIST: return d->n > 0 ? datum_as_text(&d->u.items[0], a) : STR("");
    case DATUM_NULL: return STR("");
    case DATUM_NUMBER: break;
    }
    text = arena_alloc(a, DATUM_NUMBER_MAX);
    return str_of(text, datum_number_text(text, d->u.number));
}

static int compare_numbers(double a, double b)
{
    return a > b ? 1 : a < b ? -1 : 0;
}

/* One number, one text: as numbers where the text says one, else as text. */
static int compare_mixed(double number, struct str text)
{
    char own[DATUM_NUMBER_MAX];
    double x;

    if (num_parse_double(text, &x)) return compare_numbers(number, x);
    return str_cmp(str_of(own, datum_number_text(own, number)), text);
}

int datum_compare(const struct datum *a, const struct datum *b)
{
    if (a->kind == DATUM_LIST && a->n > 0) a = &a->u.items[0];
    if (b->kind == DATUM_LIST && b->n > 0) b = &b->u.items[0];
    if (a->kind == DATUM_NULL || b->kind == DATUM_NULL) return (a->kind != DATUM_NULL) - (b->kind != DATUM_NULL);
    if (a->kind == DATUM_LIST || b->kind == DATUM_LIST) return (a->kind != DATUM_LIST) - (b->kind != DATUM_LIST);
    if (a->kind == DATUM_NUMBER && b->kind == DATUM_NUMBER) return compare_numbers(a->u.number, b->u.number);
    if (a->kind == DATUM_NUMBER) return compare_mixed(a->u.number, b->u.text);
    if (b->kind == DATUM_NUMBER) return -compare_mixed(b->u.number, a->u.text);
    return str_cmp(a->u.text, b->u.text);
}

bool datum_equal(const struct datum *a, const struct datum *b)
{
    if (a->kind == DATUM_NUMBER && b->kind == DATUM_NUMBER) return a->u.number == b->u.number;
    return datum_compare(a, b) == 0;
}

static uint64_t hash_number(double x, const struct hash_key *k)
{
    if (x == 0) x = 0; /* -0.0 too */
    return hash_bytes(k, str_of(&x, sizeof x)) + 1;
}

uint64_t datum_hash(const struct datum *d, const struct hash_key *k)
{
    uint64_t h = 0;

    switch (d->kind) {
    case DATUM_NULL: return k->k0;
    case DATUM_NUMBER: return hash_number(d->u.number, k);
    case DATUM_TEXT: return hash_bytes(k, d->u.text);
    case DATUM_LIST: break;
    }
    for (uint32_t i = 0; i < d->n; i++) h = h * 31 + datum_hash(&d->u.items[i], k);
    return h + 2;
}

struct datum datum_keep(const struct datum *d, struct arena *a)
{
    struct datum copy = *d;
    struct datum *items;

    if (d->kind == DATUM_TEXT) copy.u.text = arena_dup(a, d->u.text);
    if (d->kind != DATUM_LIST) return copy;
    items = arena_zalloc(a, d->n, sizeof *items);
    for (uint32_t i = 0; i < d->n; i++) {
        items[i] = d->u.items[i];
        if (items[i].kind == DATUM_TEXT) items[i].u.text = arena_dup(a, items[i].u.text);
    }
    copy.u.items = items;
    return copy;
}

size_t datum_bytes(const struct datum *d)
{
    size_t bytes = sizeof *d;

    if (d->kind == DATUM_TEXT) bytes += d->u.text.n;
    if (d->kind == DATUM_LIST)
        for (uint32_t i = 0; i < d->n; i++) bytes += datum_bytes(&d->u.items[i]);
    return bytes;
}
