#include "search/datum.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
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

/* Bytes of what d points to. */
static size_t bytes_below(const struct datum *d)
{
    size_t bytes = 0;

    if (d->kind == DATUM_TEXT) return d->u.text.n;
    if (d->kind != DATUM_LIST) return 0;
    for (uint32_t i = 0; i < d->n; i++) bytes += sizeof *d + bytes_below(&d->u.items[i]);
    return bytes;
}

/* n values to `to`, their texts to *room, which moves on. */
static void copy_flat(struct datum *to, const struct datum *from, size_t n, char **room)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from[i];
        if (from[i].kind != DATUM_TEXT) continue;
        to[i].u.text.p = *room;
        memcpy(*room, from[i].u.text.p, from[i].u.text.n);
        *room += from[i].u.text.n;
    }
}

struct datum *datum_keep(const struct datum *d, size_t n, struct arena *a, size_t *bytes)
{
    size_t total = n * sizeof *d, n_items = 0;
    struct datum *copy, *items;
    char *room;

    for (size_t i = 0; i < n; i++) {
        total += bytes_below(&d[i]);
        if (d[i].kind == DATUM_LIST) n_items += d[i].n;
    }
    copy = a != NULL ? arena_alloc(a, total + 1) : mem_alloc(total + 1);
    items = copy + n; /* values, items of lists, texts */
    room = (char *)(items + n_items);
    copy_flat(copy, d, n, &room);
    for (size_t i = 0; i < n; i++) {
        if (d[i].kind != DATUM_LIST) continue;
        copy_flat(items, d[i].u.items, d[i].n, &room);
        copy[i].u.items = items;
        items += d[i].n;
    }
    if (bytes != NULL) *bytes += total;
    return copy;
}
