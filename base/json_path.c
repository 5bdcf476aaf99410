/* json_path.c -- see json_path.h: finding.
 *
 * Step by step, each from the list of what the one before has found. Looking for a member or an element passes over
 * the text before it; the bytes passed are counted, so that paths which descend within descents have an end. */
#include "base/json_path.h"

#include "base/json_path_impl.h"
#include "base/mem.h"

enum { WORK_TIMES = 256, WORK_LEAST = 1 << 24 };

void json_matches_fini(struct json_matches *m)
{
    mem_free(m->items);
    *m = (struct json_matches){ 0 };
}

static bool add(struct json_matches *m, struct str name, struct str value)
{
    if (m->n == JSON_MATCHES_MAX) return false;
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 4;
        m->items = mem_realloc(m->items, m->cap * sizeof *m->items);
    }
    m->items[m->n++] = (struct json_match){ value, name };
    return true;
}

static bool works(struct json_search *s, struct str value)
{
    if (s->left < value.n) return false;
    s->left -= value.n;
    return true;
}

/* --- one step from one value --------------------------------------------------------------------------------------- */

static bool find_names(const struct step *step, struct str from, struct json_matches *out)
{
    struct json_walk w;
    struct str name, value;

    if (from.p[0] != '{') return true;
    for (size_t i = 0; i < step->n; i++) {
        json_open(&w, from);
        while (json_next(&w, &name, &value)) {
            if (!str_eq(name, step->names[i])) continue;
            if (!add(out, name, value)) return false;
            break;
        }
    }
    return true;
}

static int64_t length_of(struct str array)
{
    struct json_walk w;
    struct str name, value;
    int64_t n = 0;

    json_open(&w, array);
    while (json_next(&w, &name, &value)) n++;
    return n;
}

static bool find_range(struct str array, int64_t from, int64_t to, int64_t step, struct json_matches *out)
{
    struct json_walk w;
    struct str name, value;

    json_open(&w, array);
    for (int64_t i = 0; i < to && json_next(&w, &name, &value); i++) {
        if (i < from || (i - from) % step != 0) continue;
        if (!add(out, name, value)) return false;
    }
    return true;
}

static bool find_indexes(const struct step *step, struct str from, struct json_matches *out)
{
    int64_t n = -1;

    if (from.p[0] != '[') return true;
    for (size_t i = 0; i < step->n; i++) {
        int64_t at = step->indexes[i];

        if (at < 0) {
            if (n < 0) n = length_of(from);
            at += n;
        }
        if (at >= 0 && at < INT64_MAX && !find_range(from, at, at + 1, 1, out)) return false;
    }
    return true;
}

static int64_t absolute(int64_t at, int64_t n)
{
    if (at < 0) return at + n < 0 ? 0 : at + n;
    return at < n ? at : n;
}

static bool find_slice(const struct step *step, struct str from, struct json_matches *out)
{
    int64_t n;

    if (from.p[0] != '[') return true;
    n = length_of(from);
    return find_range(from, absolute(step->indexes[0], n), absolute(step->indexes[1], n), step->indexes[2], out);
}

static bool find_children(struct json_search *s, const struct step *step, struct str from, struct json_matches *out)
{
    struct json_walk w;
    struct str name, value;

    if (!json_open(&w, from)) return true;
    while (json_next(&w, &name, &value)) {
        if (step->kind == STEP_FILTER && !json_filter_passes(s, step->filter, value)) continue;
        if (!add(out, name, value)) return false;
    }
    return true;
}

static bool find_here(struct json_search *s, const struct step *step, struct str from, struct json_matches *out)
{
    if (!works(s, from)) return false;
    switch (step->kind) {
    case STEP_NAMES: return find_names(step, from, out);
    case STEP_INDEXES: return find_indexes(step, from, out);
    case STEP_SLICE: return find_slice(step, from, out);
    case STEP_ALL:
    case STEP_FILTER: return find_children(s, step, from, out);
    }
    return true;
}

/* From a value and all below it, each before what it holds. As deep as documents are (JSON_DEPTH). */
static bool find_below(struct json_search *s, const struct step *step, struct str from, struct json_matches *out)
{
    struct json_walk w;
    struct str name, value;

    if (!find_here(s, step, from, out)) return false;
    if (!json_open(&w, from)) return true;
    while (json_next(&w, &name, &value)) {
        if ((value.p[0] == '{' || value.p[0] == '[') && !find_below(s, step, value, out)) return false;
    }
    return true;
}

/* --- all steps -------------------------------------------------------------------------------------------------------- */

static bool take_step(struct json_search *s, const struct step *step, const struct json_matches *from,
                      struct json_matches *out)
{
    for (size_t i = 0; i < from->n; i++) {
        struct str value = from->items[i].value;

        if (!(step->descend ? find_below(s, step, value, out) : find_here(s, step, value, out))) return false;
    }
    return true;
}

bool json_steps_find(struct json_search *s, const struct steps *steps, struct str from, struct json_matches *out)
{
    struct json_match first = { from, str_of(NULL, 0) };
    struct json_matches begin = { &first, 1, 1 }, found = { 0 };
    const struct json_matches *list = &begin;
    bool ok = true;

    if (steps->n == 0) return add(out, first.name, from);
    for (size_t i = 0; ok && i + 1 < steps->n && list->n > 0; i++) {
        struct json_matches next = { 0 };

        ok = take_step(s, &steps->items[i], list, &next);
        json_matches_fini(&found);
        found = next;
        list = &found;
    }
    if (ok) ok = take_step(s, &steps->items[steps->n - 1], list, out);
    json_matches_fini(&found);
    return ok;
}

static bool find(const struct json_path *p, size_t n_steps, struct str doc, struct json_matches *out)
{
    size_t work = doc.n > SIZE_MAX / WORK_TIMES ? SIZE_MAX : doc.n * WORK_TIMES;
    struct json_search s = { .doc = doc, .left = work > WORK_LEAST ? work : WORK_LEAST };
    struct steps steps = { p->steps.items, n_steps };
    bool ok = json_steps_find(&s, &steps, doc, out);

    regex_free(&s.regex);
    return ok;
}

bool json_path_find(const struct json_path *p, struct str doc, struct json_matches *out)
{
    return find(p, p->steps.n, doc, out);
}

bool json_path_find_parents(const struct json_path *p, struct str doc, struct json_matches *out)
{
    return p->steps.n == 0 || find(p, p->steps.n - 1, doc, out);
}
