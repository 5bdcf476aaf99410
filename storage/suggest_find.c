/* suggest_find.c -- the best suggestions for what has been typed so far. See suggest.h. */
#include <limits.h>
#include <math.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "storage/suggest.h"
#include "text/words.h"

struct suggest_search {
    const struct suggestions *s;
    struct str prefix;       /* as given, and folded */
    struct str folded;
    struct buf fold;         /* it lies here */
    enum { EXACT, FUZZY, DONE } phase;
    bool fuzzy;
    size_t i, k;             /* the leaf and the item that are next */
    unsigned *row;           /* FUZZY: room for two rows of distance() */
    size_t characters;       /* of folded */
    struct suggest_hit *hits; /* a heap, the worst in front */
    size_t n, max;
    uint32_t order;
};

static struct str behind(struct str s, size_t n)
{
    return str_of(s.p + n, s.n - n);
}

uint32_t suggest_characters(struct str s)
{
    uint32_t n = 0;

    for (; s.n > 0; n++) s = behind(s, word_char_size(s));
    return n;
}

/* --- scores ----------------------------------------------------------------------------------------------------------- */

static bool is_full(const struct suggest_search *x)
{
    return x->n == x->max;
}

static bool worse(const struct suggest_hit *a, const struct suggest_hit *b)
{
    return a->score != b->score ? a->score < b->score : a->order > b->order;
}

/* Let what is at i of the first n sink to where it belongs. */
static void sink(struct suggest_hit *hits, size_t n, size_t i)
{
    struct suggest_hit hit = hits[i];

    for (size_t down; (down = 2 * i + 1) < n; i = down) {
        if (down + 1 < n && worse(&hits[down + 1], &hits[down])) down++;
        if (!worse(&hits[down], &hit)) break;
        hits[i] = hits[down];
    }
    hits[i] = hit;
}

static void keep(struct suggest_search *x, const struct suggestion *g, float score)
{
    struct suggest_hit hit = { g, score, x->order++ };
    size_t i = x->n;

    if (is_full(x)) {
        if (!(score > x->hits[0].score)) return;
        x->hits[0] = hit;
        sink(x->hits, x->n, 0);
        return;
    }
    for (x->n++; i > 0 && worse(&hit, &x->hits[(i - 1) / 2]); i = (i - 1) / 2) x->hits[i] = x->hits[(i - 1) / 2];
    x->hits[i] = hit;
}

/* The heap becomes a list, best first. */
static void put_in_order(struct suggest_search *x)
{
    for (size_t n = x->n; n-- > 1;) {
        struct suggest_hit worst = x->hits[0];

        x->hits[0] = x->hits[n];
        x->hits[n] = worst;
        sink(x->hits, n, 0);
    }
}

/* Whether nothing of the leaf can be among the best, if it is no better than factor times its own score. What is longer than the
 * prefix counts less; scores below zero get better by that. Not so for the very text that was asked for. */
static bool is_hopeless(const struct suggest_search *x, const struct suggest_leaf *l, double factor)
{
    size_t typed = x->prefix.n, longer = l->shortest > typed ? l->shortest - typed : 0;

    /* a grain more, since scores are rounded more than once */
    return is_full(x) && fmaxf(l->best, 0) * factor / sqrt(1.0 + (double)longer) * 1.00001 <= x->hits[0].score;
}

/* The very text that was asked for counts as the largest number; each edit costs a factor of e squared; and what is longer
 * than the prefix (in bytes, as RediSearch has it) is divided by the root of how much. */
static void rate(struct suggest_search *x, const struct suggestion *g, unsigned edits)
{
    struct str text = suggestion_text(g);
    size_t n = suggest_characters(text), typed = x->prefix.n;
    float score = str_eq(text, x->folded) ? (float)INT_MAX : g->score;

    if (edits > 0) score = (float)(score * exp(-2.0 * edits));
    score = (float)(score / sqrt(1.0 + (double)(n >= typed ? n - typed : typed - n)));
    keep(x, g, score);
}

/* --- exact: one range ------------------------------------------------------------------------------------------------- */

/* False: that was the last. */
static bool find_exact(struct suggest_search *x, size_t n)
{
    const struct suggestions *s = x->s;

    for (; x->i < s->n; x->i++, x->k = 0) {
        const struct suggest_leaf *l = s->leaf[x->i];
        struct str from = suggestion_folded(l->item[0]), to = suggestion_folded(l->item[l->n - 1]);

        if (n == 0) return true;
        /* The very text that was asked for may be behind others that are folded to it. */
        if (x->k == 0 && is_hopeless(x, l, 1) && str_starts(to, x->folded) && !str_eq(from, x->folded)) {
            n--;
            continue;
        }
        for (; x->k < l->n; x->k++) {
            if (!str_starts(suggestion_folded(l->item[x->k]), x->folded)) return false;
            if (n-- == 0) return true;
            rate(x, l->item[x->k], 0);
        }
    }
    return false;
}

/* --- fuzzy: all that are not known to be too far --------------------------------------------------------------------- */

enum { EDITS = 1 };

/* The fewest edits between the prefix and a beginning of text; more than EDITS: none is near. *dead: so many bytes of it are enough
 * to know that of all that begin so; 0: longer ones may be near. row: room for two rows. */
static unsigned distance(const struct suggest_search *x, struct str text, unsigned *row, size_t *dead)
{
    unsigned *above = row + x->characters + 1, best = x->characters <= EDITS ? (unsigned)x->characters : EDITS + 1;
    struct str left = text;

    for (size_t j = 0; j <= x->characters; j++) row[j] = (unsigned)j;
    for (unsigned depth = 1; left.n > 0; depth++) {
        size_t n = word_char_size(left), j = 1;
        unsigned least = depth;

        memcpy(above, row, (x->characters + 1) * sizeof *row);
        row[0] = depth;
        for (struct str want = x->folded; want.n > 0; j++) {
            size_t m = word_char_size(want);
            unsigned d = above[j - 1] + (m != n || memcmp(want.p, left.p, n) != 0);
            if (above[j] + 1 < d) d = above[j] + 1;
            if (row[j - 1] + 1 < d) d = row[j - 1] + 1;
            row[j] = d;
            if (d < least) least = d;
            want = behind(want, m);
        }
        left = behind(left, n);
        if (row[x->characters] < best) best = row[x->characters];
        if (least > EDITS) *dead = text.n - left.n;
        if (best == 0 || least > EDITS) return best;
    }
    return best;
}

/* Those that begin with the prefix itself have been found. False: that was the last. */
static bool find_fuzzy(struct suggest_search *x, size_t n)
{
    const struct suggestions *s = x->s;
    double factor = exp(-2.0);

    while (x->i < s->n) {
        const struct suggestion *g = s->leaf[x->i]->item[x->k];

        if (n-- == 0) return true;
        if (x->k == 0 && is_hopeless(x, s->leaf[x->i], factor)) {
            x->i++;
            continue;
        }
        char up[3 * SUGGESTION_MAX];
        size_t dead = 0;
        unsigned edits = distance(x, suggestion_folded(g), x->row, &dead);

        if (edits > 0 && edits <= EDITS) rate(x, g, edits);
        if (edits <= EDITS || dead == 0) {
            x->k++;
        } else { /* on behind all that begin so */
            ensure(dead < sizeof up);
            memcpy(up, g->bytes, dead);
            while (dead > 0 && (unsigned char)up[dead - 1] == 0xff) dead--;
            if (dead == 0) return false;
            up[dead - 1] = (char)((unsigned char)up[dead - 1] + 1);
            suggestions_place(s, str_of(up, dead), STR(""), &x->i, &x->k);
        }
        if (x->k == s->leaf[x->i]->n) {
            x->k = 0;
            x->i++;
        }
    }
    return false;
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

struct suggest_search *suggest_search_new(const struct suggestions *s, struct str prefix, bool fuzzy, size_t max)
{
    struct suggest_search *x = mem_zalloc(sizeof *x);

    *x = (struct suggest_search){ .s = s, .prefix = prefix, .fuzzy = fuzzy, .max = max };
    if (max == 0 || s->n == 0) {
        x->phase = DONE;
        return x;
    }
    words_fold(prefix, WORDS_AS_FTS5, &x->fold);
    x->folded = buf_str(&x->fold);
    x->characters = suggest_characters(x->folded);
    x->hits = mem_alloc(max * sizeof *x->hits);
    suggestions_place(s, x->folded, STR(""), &x->i, &x->k);
    return x;
}

static void begin_fuzzy(struct suggest_search *x)
{
    x->phase = FUZZY;
    x->i = x->k = 0;
    x->row = mem_alloc(2 * (x->characters + 1) * sizeof *x->row);
}

bool suggest_search_step(struct suggest_search *x, size_t n)
{
    if (x->phase == EXACT && find_exact(x, n)) return false;
    if (x->phase == EXACT && x->fuzzy) begin_fuzzy(x);
    if (x->phase == FUZZY && find_fuzzy(x, n)) return false;
    if (x->phase != DONE) put_in_order(x);
    x->phase = DONE;
    return true;
}

const struct suggest_hit *suggest_search_hits(const struct suggest_search *x, size_t *n)
{
    *n = x->n;
    return x->hits;
}

void suggest_search_free(struct suggest_search *x)
{
    buf_fini(&x->fold);
    mem_free(x->row);
    mem_free(x->hits);
    mem_free(x);
}

size_t suggest_search_bytes(const struct suggest_search *x)
{
    return sizeof *x + x->fold.cap + x->max * sizeof *x->hits;
}
