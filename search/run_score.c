/* run_score.c -- what was found is scored.
 *
 * Each word that the query has is told for the documents that it helped to find: those of the result that are in every AND
 * above it. What it adds is summed, but for DISMAX, where an OR counts as the best of its children. The tree becomes a list of
 * operations on columns (one number for each document found), so that scoring can be left and taken up again: column 0 is
 * the result, and an OR of DISMAX takes two more. */
#include "search/run_impl.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"

enum { HITS_A_STEP = 4096 }; /* between two looks at the clock */

struct plan {
    struct run *run;
    size_t room;
};

static void add_step(struct plan *plan, struct score_step step)
{
    struct run *r = plan->run;

    if (r->n_steps == plan->room) {
        plan->room = plan->room > 0 ? 2 * plan->room : 8;
        r->steps = mem_realloc(r->steps, plan->room * sizeof *r->steps);
    }
    r->steps[r->n_steps++] = step;
    if (step.to >= r->n_columns) r->n_columns = step.to + 1;
}

static void plan_part(struct plan *plan, struct part *p, double weight, uint32_t column);

/* Sums of the children, one at a time, and the largest of them. */
static void plan_best(struct plan *plan, struct part *p, double weight, uint32_t column)
{
    add_step(plan, (struct score_step){ .op = SCORE_CLEAR, .to = column + 1 });
    for (size_t i = 0; i < p->n_children; i++) {
        if (!p->children[i]->has_words) continue;
        add_step(plan, (struct score_step){ .op = SCORE_CLEAR, .to = column + 2 });
        plan_part(plan, p->children[i], weight, column + 2);
        add_step(plan, (struct score_step){ .op = SCORE_MAX, .to = column + 1, .from = column + 2 });
    }
    add_step(plan, (struct score_step){ .op = SCORE_ADD, .to = column, .from = column + 1 });
}

static void plan_part(struct plan *plan, struct part *p, double weight, uint32_t column)
{
    if (!p->has_words || p->q->kind == QUERY_NOT) return;
    weight *= p->q->weight;
    if (p->q->kind == QUERY_TEXT) {
        if (p->scan != NULL) add_step(plan, (struct score_step){ .op = SCORE_HITS, .part = p, .weight = weight, .to = column });
    } else if (p->q->kind == QUERY_OR && plan->run->scorer == SCORE_DISMAX) {
        plan_best(plan, p, weight, column);
    } else {
        for (size_t i = 0; i < p->n_children; i++) plan_part(plan, p->children[i], weight, column);
    }
}

/* The documents for which p's words count: in the result, and in each AND above p (the root's is the result). r->among is
 * them where that is not all of the result. */
static void find_among(struct run *r, const struct part *p)
{
    for (const struct part *up = p->parent; up != NULL && up->parent != NULL; up = up->parent) {
        if (up->q->kind != QUERY_AND) continue;
        if (!r->is_among) docset_copy(&r->among, &r->scores.set);
        r->is_among = true;
        docset_and(&r->among, &up->set);
    }
}

/* --- the operations ---------------------------------------------------------------------------------------------- */

struct telling {
    const struct run *run;
    double weight, average_length;
    uint64_t docs;
    double *column;
    uint32_t df; /* and how rare that is: hits of a word come one behind the other */
    double rarity;
};

static void on_hit(void *ctx, const struct text_hit *h)
{
    struct telling *t = ctx;
    const double *slot = doc_values_at(&t->run->scores, h->doc);

    if (slot == NULL) return;
    if (h->df != t->df) {
        t->df = h->df;
        t->rarity = score_rarity(t->run->scorer, t->docs, h->df);
    }
    t->column[slot - t->run->scores.v] += t->weight * score_word(t->run->scorer, h, t->rarity, t->average_length);
}

/* What words added, as a part of the best score. True: done. */
static bool norm(struct run *r, double *words, int64_t deadline_us)
{
    const struct docset *all = &r->scores.set;
    size_t looked = 0;

    for (uint32_t d = docset_next(all, r->norm_at); d != UINT32_MAX; d = docset_next(all, d + 1)) {
        r->best = fmax(r->best, *doc_values_at(&r->scores, d) * index_score(r->ix, d));
        r->norm_at = d + 1;
        if (++looked % HITS_A_STEP == 0 && clock_mono_us() >= deadline_us) return false;
    }
    for (size_t i = 0; r->best > 0 && i < all->n; i++) words[i] /= r->best;
    return true;
}

/* True: all are told. */
static bool tell_hits(struct run *r, const struct score_step *s, int64_t deadline_us)
{
    struct telling t = { .run = r, .weight = s->weight, .docs = index_docs(r->ix), .column = r->columns[s->to] };
    const struct docset *among;
    struct text_facts facts;

    text_index_facts(index_text(r->ix), &facts);
    t.average_length = facts.average_length;
    t.rarity = score_rarity(r->scorer, t.docs, t.df);
    if (!r->is_telling) find_among(r, s->part);
    r->is_telling = true;
    among = r->is_among ? &r->among : &r->scores.set;
    while (!text_scan_hits_step(s->part->scan, HITS_A_STEP, among, on_hit, &t)) {
        if (clock_mono_us() >= deadline_us) return false;
    }
    r->is_telling = r->is_among = false;
    docset_fini(&r->among);
    return true;
}

static double hamming(struct str a, struct str b)
{
    unsigned bits = 0;

    if (a.n == 0 || a.n != b.n) return 0;
    for (size_t i = 0; i < a.n; i++) bits += (unsigned)__builtin_popcount((unsigned char)(a.p[i] ^ b.p[i]));
    return 1.0 / (bits + 1.0);
}

/* What a document brings along. A query without words finds all alike: what counts then is the document's own score, where the
 * scorer asks for it or everything was asked for. words: what the words have added. */
static double own_score(const struct run *r, uint32_t doc, double words)
{
    bool has_words = r->parts[0].has_words, all = r->parts[0].q->kind == QUERY_ALL;

    switch (r->scorer) {
    case SCORE_DOCSCORE: return index_score(r->ix, doc);
    case SCORE_HAMMING: return hamming(r->payload, index_payload(r->ix, doc));
    case SCORE_DISMAX: return has_words ? words : 1;
    case SCORE_TFIDF: case SCORE_TFIDF_DOCNORM: return (has_words ? words : 1) * index_score(r->ix, doc);
    case SCORE_BM25STD_TANH: return score_bend((has_words ? words : all ? 1 : 0) * index_score(r->ix, doc));
    default: return (has_words ? words : all ? 1 : 0) * index_score(r->ix, doc);
    }
}

/* Only words are counted beforehand: what else there is can be told when it is asked for. */
static bool counts_words(const struct run *r)
{
    return r->want_scores && r->parts[0].has_words && r->scorer != SCORE_DOCSCORE && r->scorer != SCORE_HAMMING;
}

double run_score(const struct run *r, uint32_t doc)
{
    const double *words;

    if (!r->want_scores) return 0;
    if (!counts_words(r)) return own_score(r, doc, 0);
    words = doc_values_at(&r->scores, doc);
    return words ? own_score(r, doc, *words) : 0;
}

bool run_scores_differ(const struct run *r)
{
    return counts_words(r) || (r->want_scores && (r->scorer == SCORE_HAMMING || index_spec(r->ix)->score_field.n > 0));
}

/* Each document is looked up several times, which in a list is a search; bits take memory, and to be counted. */
static bool bits_are_faster(const struct run *r)
{
    return (size_t)r->found.n * 16 > index_all(r->ix)->n / 64;
}

void run_score_begin(struct run *r)
{
    struct plan plan = { .run = r };
    struct docset found = { 0 };

    if (!counts_words(r)) return;
    if (bits_are_faster(r)) docset_make_bits(&r->found, 1);
    docset_copy(&found, &r->found);
    doc_values_init(&r->scores, &found);
    plan_part(&plan, &r->parts[0], 1, 0);
    if (r->scorer == SCORE_BM25STD_NORM) add_step(&plan, (struct score_step){ .op = SCORE_NORM });
    if (r->n_columns == 0) r->n_columns = 1;
    r->columns = mem_zalloc(r->n_columns * sizeof(double *));
    r->columns[0] = r->scores.v;
}

static bool do_step(struct run *r, const struct score_step *s, int64_t deadline_us)
{
    size_t n = r->scores.set.n;
    double *to, *from;

    if (r->columns[s->to] == NULL) r->columns[s->to] = mem_zalloc((n > 0 ? n : 1) * sizeof(double));
    to = r->columns[s->to];
    from = r->columns[s->from];
    switch (s->op) {
    case SCORE_HITS: return tell_hits(r, s, deadline_us);
    case SCORE_NORM: return norm(r, to, deadline_us);
    case SCORE_CLEAR: memset(to, 0, n * sizeof *to); break;
    case SCORE_MAX:
        for (size_t i = 0; i < n; i++) to[i] = fmax(to[i], from[i]);
        break;
    case SCORE_ADD:
        for (size_t i = 0; i < n; i++) to[i] += from[i];
        break;
    }
    return true;
}

bool run_score_step(struct run *r, int64_t deadline_us)
{
    while (r->step_at < r->n_steps) {
        if (!do_step(r, &r->steps[r->step_at], deadline_us)) return false;
        if (++r->step_at < r->n_steps && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

void run_score_fini(struct run *r)
{
    for (size_t i = 1; i < r->n_columns; i++) {
        if (r->columns != NULL) mem_free(r->columns[i]);
    }
    mem_free(r->columns);
    mem_free(r->steps);
    docset_fini(&r->among);
    doc_values_fini(&r->scores);
}
