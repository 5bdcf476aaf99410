/* run.c -- see run.h.
 *
 * Each node of the query has a part. The part at work goes on until its set is known, then its parent takes the set in and
 * goes on with its next child: a walk in postorder that can be left and taken up again anywhere. Of an AND the cheapest
 * children come first, and when nothing is left the others are not asked. A vector is asked last, and only for what the
 * others have left: k are found wherever k are allowed. */
#include "search/run_impl.h"

#include "base/clock.h"
#include "base/mem.h"

enum { POSTINGS_A_STEP = 1024, TAGS_A_STEP = 256 }; /* between two looks at the clock */

/* --- building ---------------------------------------------------------------------------------------------------- */

static void count_nodes(struct run *r, const struct query_node *q)
{
    r->n_parts++;
    r->n_vectors += q->kind == QUERY_VECTOR;
    for (size_t i = 0; i < q->n_children; i++) count_nodes(r, q->children[i]);
}

static int cost(const struct query_node *q)
{
    switch (q->kind) {
    case QUERY_NONE: return 0;
    case QUERY_IDS: return 1;
    case QUERY_TAG: case QUERY_RANGE: case QUERY_GEO: case QUERY_MISSING: case QUERY_EMPTY: return 2;
    case QUERY_OR: return q->field ? 3 : 5;
    case QUERY_TEXT: return 4;
    case QUERY_AND: return 5;
    case QUERY_ALL: return 6;
    case QUERY_NOT: return 7;
    case QUERY_VECTOR: return 8;
    case QUERY_MAYBE: return 9; /* it takes nothing away: what it costs it costs only for scores */
    }
    return 9;
}

/* Children in the order in which they are asked: few kinds of cost, so one pass for each keeps the order within. */
static struct part *build(struct run *r, const struct query_node *q, struct part *parent)
{
    struct part *p = &r->parts[r->n_parts++];
    unsigned costs = 0;
    size_t at = 0;

    p->q = q;
    p->parent = parent;
    p->n_children = q->n_children;
    p->has_words = q->kind == QUERY_TEXT;
    if (q->kind == QUERY_VECTOR) p->vector = mem_zalloc(sizeof *p->vector);
    if (q->n_children == 0) return p;
    p->children = mem_alloc(q->n_children * sizeof(struct part *));
    for (size_t i = 0; i < q->n_children; i++) costs |= 1U << cost(q->children[i]);
    for (int c = 0; at < q->n_children; c++) {
        for (size_t i = 0; (costs >> c & 1) && i < q->n_children; i++) {
            if (cost(q->children[i]) != c) continue;
            p->children[at] = build(r, q->children[i], p);
            p->has_words |= p->children[at++]->has_words;
        }
    }
    return p;
}

struct run *run_new(struct search_index *ix, const struct query_node *q, enum scorer scorer, bool want_scores)
{
    struct run *r = mem_zalloc(sizeof *r);

    r->ix = ix;
    r->scorer = scorer;
    r->want_scores = want_scores;
    r->q = q;
    count_nodes(r, q);
    return r;
}

static void build_all(struct run *r)
{
    r->parts = mem_zalloc(r->n_parts * sizeof *r->parts);
    r->n_parts = 0;
    r->now = build(r, r->q, NULL);
}

void run_set_payload(struct run *r, struct str payload)
{
    r->payload = payload;
}

static void end_tags(struct part *p)
{
    if (p->tags != NULL) tags_walk_fini(p->tags);
    mem_free(p->tags);
    p->tags = NULL;
}

static void free_vector(struct part *p)
{
    vec_search_free(&p->vector->search);
    docset_fini(&p->vector->allowed);
    doc_values_fini(&p->vector->distances);
    mem_free(p->vector);
}

void run_free(struct run **r)
{
    if (*r == NULL) return;
    run_score_fini(*r);
    for (size_t i = 0; (*r)->parts != NULL && i < (*r)->n_parts; i++) {
        struct part *p = &(*r)->parts[i];

        if (p->q->kind == QUERY_TEXT) text_scan_free(&p->scan);
        else if (p->q->kind == QUERY_TAG) end_tags(p);
        else if (p->q->kind == QUERY_VECTOR) free_vector(p);
        docset_fini(&p->set);
        mem_free(p->children);
    }
    docset_fini(&(*r)->found);
    mem_free((*r)->parts);
    mem_free(*r);
    *r = NULL;
}

/* --- leaves ------------------------------------------------------------------------------------------------------ */

static void find_at_once(const struct run *r, struct part *p)
{
    const struct query_node *q = p->q;

    switch (q->kind) {
    case QUERY_ALL: docset_copy(&p->set, index_all(r->ix)); break;
    case QUERY_IDS: docset_copy(&p->set, &q->ids); break;
    case QUERY_MISSING: index_missing(r->ix, q->field, &p->set); break;
    case QUERY_EMPTY: index_empty(r->ix, q->field, &p->set); break;
    default: break;
    }
}

static bool find_tags(struct run *r, struct part *p, int64_t deadline_us)
{
    const struct query_node *q = p->q;

    if (!p->some) {
        p->tags = mem_zalloc(sizeof *p->tags);
        p->some = index_tagged_begin(r->ix, q->field, q->tag, q->how, p->tags);
    }
    if (p->some && q->how != TEXT_WORD) docset_make_bits(&p->set, 1); /* values come in any order */
    while (p->some && !index_tagged_step(r->ix, q->field, p->tags, TAGS_A_STEP, &p->set)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    end_tags(p);
    return true;
}

static bool find_numbers(struct run *r, struct part *p, int64_t deadline_us)
{
    const struct query_node *q = p->q;
    struct number_range range = { q->lo, q->hi, q->lo_open, q->hi_open };

    while (!index_between_step(r->ix, q->field, &range, &p->numbers, &p->set)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static bool find_places(struct run *r, struct part *p, int64_t deadline_us)
{
    const struct query_node *q = p->q;

    while (!index_near_step(r->ix, q->field, (struct place){ q->lon, q->lat }, q->radius_m, &p->places, &p->set)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

static bool find_words(struct run *r, struct part *p, int64_t deadline_us)
{
    if (index_text(r->ix) == NULL) return true; /* no field has words */
    if (p->scan == NULL) p->scan = text_scan_new(index_text(r->ix), &p->q->text);
    while (!text_scan_step(p->scan, POSTINGS_A_STEP, &p->set)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    r->cut |= text_scan_cut(p->scan);
    if (!r->want_scores) text_scan_free(&p->scan);
    return true;
}

/* --- vectors ----------------------------------------------------------------------------------------------------- */

/* What a vector may find: what its child has found, or what its siblings have left. NULL: all. */
static const struct docset *allowance(const struct part *p)
{
    if (p->n_children > 0) return &p->children[0]->set;
    if (p->parent != NULL && p->parent->q->kind == QUERY_AND && p->parent->some) return &p->parent->set;
    return NULL;
}

static bool begin_vector(struct run *r, struct part *p)
{
    const struct docset *allowed = allowance(p);
    struct vec_query q = p->q->near->vec;

    if (!p->q->near->range && q.k == 0) return false;
    if (allowed != NULL) {
        if (allowed->n == 0) return false;
        docset_copy(&p->vector->allowed, allowed);
        docset_make_bits(&p->vector->allowed, 1);
        q.allowed = p->vector->allowed.bits;
        q.n_words = p->vector->allowed.n_words;
    }
    p->vector->search = vec_search_new(index_vectors(r->ix, p->q->field), &q);
    return true;
}

static void keep_distances(struct part *p)
{
    struct vec_part *v = p->vector;
    size_t n;
    const struct vec_hit *hits = vec_search_hits(v->search, &n);
    struct docset set = { 0 };

    docset_make_bits(&set, 1); /* they come in the order of distance: a list would be moved about for each */
    for (size_t i = 0; i < n; i++) docset_add(&set, hits[i].id);
    docset_copy(&p->set, &set);
    doc_values_init(&v->distances, &set);
    for (size_t i = 0; i < n; i++) *doc_values_at(&v->distances, hits[i].id) = hits[i].distance;
    vec_search_free(&v->search);
    docset_fini(&v->allowed);
}

static bool find_nearest(struct run *r, struct part *p, int64_t deadline_us)
{
    if (p->vector->search == NULL && !begin_vector(r, p)) return true;
    while (!vec_search_step(p->vector->search, VEC_WORK_SLICE)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    keep_distances(p);
    return true;
}

/* --- inner nodes ------------------------------------------------------------------------------------------------- */

static void begin_with_all(const struct run *r, struct part *p)
{
    if (p->some) return;
    docset_copy(&p->set, index_all(r->ix));
    p->some = true;
}

static void take_and(const struct run *r, struct part *p, struct part *child)
{
    if (child->q->kind == QUERY_MAYBE) {
        begin_with_all(r, p);
    } else if (child->q->kind == QUERY_NOT) {
        begin_with_all(r, p);
        docset_minus(&p->set, &child->children[0]->set);
        docset_fini(&child->children[0]->set);
    } else if (p->some) {
        docset_and(&p->set, &child->set);
    } else {
        docset_copy(&p->set, &child->set);
        p->some = true;
    }
}

/* Scoring asks of nothing but an AND what it has found: words know it themselves. */
static bool is_done_with(const struct run *r, const struct part *child)
{
    return !r->want_scores || !child->has_words || child->q->kind != QUERY_AND;
}

/* A child is known. */
static void take(const struct run *r, struct part *p, struct part *child)
{
    switch (p->q->kind) {
    case QUERY_AND: take_and(r, p, child); break;
    case QUERY_OR: docset_or(&p->set, &child->set); break;
    default: return; /* NOT, MAYBE and VECTOR look at their child when they end */
    }
    if (is_done_with(r, child)) docset_fini(&child->set);
}

/* An AND does without the set of a NOT, which may be nearly all. */
static void end_signed(const struct run *r, struct part *p)
{
    if (p->parent != NULL && p->parent->q->kind == QUERY_AND) return;
    docset_copy(&p->set, index_all(r->ix));
    if (p->q->kind == QUERY_NOT) docset_minus(&p->set, &p->children[0]->set);
}

/* Does anything depend on the next child? */
static bool wants_next(const struct run *r, const struct part *p)
{
    if (p->at == p->n_children) return false;
    if (p->q->kind == QUERY_AND && p->some && p->set.n == 0) return false;
    return p->q->kind != QUERY_MAYBE || (r->want_scores && p->has_words);
}

/* Go on with p; true: its set is known. */
static bool go_on(struct run *r, struct part *p, int64_t deadline_us)
{
    if (wants_next(r, p)) {
        r->now = p->children[p->at++];
        return false;
    }
    switch (p->q->kind) {
    case QUERY_TEXT: return find_words(r, p, deadline_us);
    case QUERY_TAG: return find_tags(r, p, deadline_us);
    case QUERY_RANGE: return find_numbers(r, p, deadline_us);
    case QUERY_GEO: return find_places(r, p, deadline_us);
    case QUERY_VECTOR: return find_nearest(r, p, deadline_us);
    case QUERY_NOT: case QUERY_MAYBE: end_signed(r, p); break;
    case QUERY_AND: case QUERY_OR: break;
    default: find_at_once(r, p); break;
    }
    return true;
}

static size_t part_memory(const struct part *p)
{
    size_t n = docset_memory(&p->set) + p->n_children * sizeof(struct part *);

    if (p->q->kind == QUERY_TEXT && p->scan != NULL) n += text_scan_memory(p->scan);
    if (p->q->kind == QUERY_VECTOR) n += sizeof *p->vector + docset_memory(&p->vector->allowed) + doc_values_memory(&p->vector->distances);
    return n;
}

/* p changes no more. There may be thousands of parts, whose memory is asked for in every turn. */
static void count_memory(struct run *r, struct part *p)
{
    size_t bytes = part_memory(p);

    r->part_bytes += bytes - p->counted;
    p->counted = bytes;
    if (p->q->kind == QUERY_NOT) count_memory(r, p->children[0]); /* which the one above may have done with */
}

static void end_finding(struct run *r)
{
    r->now = NULL;
    count_memory(r, &r->parts[0]);
    docset_copy(&r->found, &r->parts[0].set);
    run_drop_gone(r);
    run_score_begin(r);
}

bool run_step(struct run *r, int64_t deadline_us)
{
    if (r->parts == NULL) build_all(r); /* of a large query that takes a slice */
    while (r->now != NULL) {
        struct part *p = r->now;

        if (go_on(r, p, deadline_us)) {
            if (p->parent == NULL) {
                end_finding(r);
                continue;
            }
            take(r, p->parent, p);
            count_memory(r, p);
            r->now = p->parent;
        }
        if (clock_mono_us() >= deadline_us) return false;
    }
    if (!r->done) r->done = run_score_step(r, deadline_us);
    return r->done;
}

/* --- what was found ---------------------------------------------------------------------------------------------- */

const struct docset *run_found(const struct run *r)
{
    return &r->found;
}

void run_drop_gone(struct run *r)
{
    docset_and(&r->found, index_all(r->ix));
}

bool run_distance(const struct run *r, struct str name, uint32_t doc, double *out)
{
    for (size_t i = 0; r->n_vectors > 0 && r->parts != NULL && i < r->n_parts; i++) {
        const struct part *p = &r->parts[i];
        const double *v;

        if (p->q->kind != QUERY_VECTOR || !str_eq(p->q->near->distance_as, name) || p->vector->distances.v == NULL) continue;
        v = doc_values_at(&p->vector->distances, doc);
        if (v == NULL) continue;
        *out = *v;
        return true;
    }
    return false;
}

/* Those of KNN, or of ranges, within q; n of the names have been told. How many then. */
static size_t add_distances(const struct query_node *q, bool range, struct str *names, size_t max, size_t n)
{
    if (q->kind == QUERY_VECTOR && q->near->range == range && q->near->distance_as.n > 0) {
        if (n < max) names[n] = q->near->distance_as;
        n++;
    }
    for (size_t i = 0; i < q->n_children; i++) n = add_distances(q->children[i], range, names, max, n);
    return n;
}

size_t run_distances(const struct run *r, struct str *names, size_t max)
{
    if (r->n_vectors == 0) return 0;
    return add_distances(r->q, true, names, max, add_distances(r->q, false, names, max, 0));
}

bool run_is_knn(const struct run *r)
{
    return r->q->kind == QUERY_VECTOR && !r->q->near->range;
}

bool run_cut(const struct run *r)
{
    return r->cut;
}

size_t run_memory(const struct run *r)
{
    size_t n = sizeof *r + r->n_parts * sizeof *r->parts + docset_memory(&r->found) + doc_values_memory(&r->scores) +
               r->n_columns * r->scores.set.n * sizeof(double) + r->part_bytes;

    for (const struct part *p = r->now; p != NULL; p = p->parent) n += part_memory(p) - p->counted;
    return n;
}
