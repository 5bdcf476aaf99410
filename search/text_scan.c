/* text_scan.c -- a word or a phrase looked for, in steps. See text_index.h.
 *
 * First each word of the query becomes the words that it stands for (text_expand.c). Then their lists are read, each from its
 * beginning to its end, which also tells how many living documents have each word. For several words the rows that have all
 * of them are left; and where it matters how near they are, these are read once more for the positions, some hundred rows at
 * a time. */
#include <stdlib.h>

#include "search/text_impl.h"

/* One word's lists are read one by one, so that its expansions cost what they hold; those of words near to each other are all
 * open at once. */
enum { EXPANSIONS_OF_ONE = 131072, EXPANSIONS = 200, BATCH = 256, AT_ONCE = 64 /* entries that are read */ };

enum stage { EXPAND, READ, NEAR, TELL, DONE };

struct slot {
    struct text_word word;
    struct expansion *expansion;
    struct choices choices;
    struct places places;    /* of a batch */
    struct cursor *cursors;  /* NEAR: of each choice, where it is */
};

struct text_scan {
    const struct text_index *t;
    struct slot *slots;
    size_t n;
    int slop;
    bool in_order;
    uint64_t fields;
    uint8_t language;
    size_t max;
    bool cut;               /* a word had as many as that */

    enum stage stage;
    size_t slot, choice;
    struct cursor cursor;
    bool reading;           /* cursor is of that choice */
    struct docset rows;     /* that have all words so far */
    struct docset of_slot;
    uint32_t next_row;
    struct places *groups;  /* NEAR: of a row and field, by slot */
    size_t *at;

    struct docset matched;  /* documents, where it is not the words alone that tell */

    /* text_scan_hits */
    bool telling;
    size_t hit_slot, hit_choice;
    struct docset hit_rows; /* of the documents asked about, once it is needed */
    bool hit_rows_known;
    struct cursor hit_cursor;
    bool hit_reading;
    bool few;               /* documents, against the word's: only blocks that have rows of them are read */
    uint32_t hit_from;      /* then: the rows below have been read */
};

/* --- making -------------------------------------------------------------------------------------------------------------- */

static void add_slot(struct text_scan *s, const struct text_word *w, struct str text)
{
    if ((s->n & (s->n - 1)) == 0) s->slots = mem_realloc(s->slots, (s->n == 0 ? 1 : s->n * 2) * sizeof *s->slots);
    s->slots[s->n] = (struct slot){ .word = *w };
    s->slots[s->n++].word.word = text;
}

/* In Chinese a run of characters is a phrase of them. */
static void add_word(struct text_scan *s, const struct text_word *w)
{
    struct words each;
    size_t from = s->n;

    if (s->language < LANGUAGES_MAX && s->t->languages[s->language].han_apart && w->how == TEXT_WORD) {
        words_open_as(&each, w->word, WORDS_HAN_APART);
        while (words_next(&each)) add_slot(s, w, str_of(w->word.p + each.at, each.len));
        if (s->n > from) return;
    }
    add_slot(s, w, w->word);
}

struct text_scan *text_scan_new(struct text_index *t, const struct text_phrase *p)
{
    struct text_scan *s = mem_zalloc(sizeof *s);

    s->t = t;
    s->slop = p->slop;
    s->in_order = p->in_order;
    s->fields = p->fields;
    s->language = p->language.n > 0 ? language_get(t, p->language) : t->language;
    s->max = p->expansions > 0 ? p->expansions : p->n == 1 ? EXPANSIONS_OF_ONE : EXPANSIONS;
    for (size_t i = 0; i < p->n; i++) add_word(s, &p->words[i]);
    if (p->n == 1 && s->n > 1) s->slop = 0, s->in_order = true;
    if (s->n == 0) s->stage = DONE;
    return s;
}

void text_scan_free(struct text_scan **scan)
{
    struct text_scan *s = *scan;

    if (s == NULL) return;
    for (size_t i = 0; i < s->n; i++) {
        expansion_free(&s->slots[i].expansion);
        mem_free(s->slots[i].choices.list);
        mem_free(s->slots[i].places.list);
        mem_free(s->slots[i].cursors);
    }
    mem_free(s->slots);
    mem_free(s->groups);
    mem_free(s->at);
    docset_fini(&s->rows);
    docset_fini(&s->of_slot);
    docset_fini(&s->matched);
    docset_fini(&s->hit_rows);
    mem_free(s);
    *scan = NULL;
}

size_t text_scan_memory(const struct text_scan *s)
{
    size_t n = sizeof *s + s->n * (sizeof *s->slots + sizeof *s->groups) + docset_memory(&s->rows) +
               docset_memory(&s->of_slot) + docset_memory(&s->matched) + docset_memory(&s->hit_rows);

    for (size_t i = 0; i < s->n; i++)
        n += s->slots[i].choices.cap * (sizeof(struct choice) + sizeof(struct cursor)) +
             s->slots[i].places.cap * sizeof(struct place);
    return n;
}

bool text_scan_cut(const struct text_scan *s)
{
    return s->cut;
}

/* --- expansion and reading --------------------------------------------------------------------------------------------------- */

static bool expand(struct text_scan *s, size_t *budget)
{
    for (; s->slot < s->n; s->slot++) {
        struct slot *x = &s->slots[s->slot];
        if (x->expansion == NULL) x->expansion = expansion_new(s->t, &x->word, s->fields, s->language, s->max);
        if (!expansion_step(x->expansion, budget, &x->choices)) return false;
        expansion_free(&x->expansion);
        s->cut |= x->choices.n >= s->max;
    }
    s->slot = 0;
    return true;
}

/* Of entries: one more than the budget has, so that each step gets on. */
static size_t at_once(size_t budget)
{
    return budget < AT_ONCE ? budget + 1 : AT_ONCE;
}

static bool take_from(size_t *budget, size_t n)
{
    if (n > *budget) return false;
    *budget -= n;
    return true;
}

/* One list, to its end. */
static bool read_choice(struct text_scan *s, struct choice *c, size_t *budget, struct docset *found)
{
    struct posting got[AT_ONCE];
    size_t n;

    if (!s->reading) cursor_open(&s->cursor, s->t, c->term);
    s->reading = true;
    while ((n = cursor_read(&s->cursor, 0, got, at_once(*budget))) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (got[i].doc == UINT32_MAX) continue;
            c->df++;
            if (got[i].fields & c->fields) docset_add(s->n == 1 ? found : &s->of_slot, s->n == 1 ? got[i].doc : got[i].row);
        }
        if (!take_from(budget, n)) return false;
    }
    s->reading = false;
    return true;
}

static void narrow(struct text_scan *s)
{
    if (s->slot == 0) {
        docset_fini(&s->rows);
        s->rows = s->of_slot;
        memset(&s->of_slot, 0, sizeof s->of_slot);
        return;
    }
    docset_and(&s->rows, &s->of_slot);
    docset_clear(&s->of_slot);
}

static bool read_lists(struct text_scan *s, size_t *budget, struct docset *found)
{
    for (; s->slot < s->n; s->slot++, s->choice = 0) {
        struct slot *x = &s->slots[s->slot];
        for (; s->choice < x->choices.n; s->choice++)
            if (!read_choice(s, &x->choices.list[s->choice], budget, found)) return false;
        if (s->n > 1) narrow(s);
        if (s->n > 1 && s->rows.n == 0) break;
    }
    return true;
}

/* --- nearness -------------------------------------------------------------------------------------------------------------------- */

static void open_cursors(struct text_scan *s)
{
    s->groups = mem_zalloc(s->n * sizeof *s->groups);
    s->at = mem_zalloc(s->n * sizeof *s->at);
    for (size_t i = 0; i < s->n; i++) {
        struct slot *x = &s->slots[i];
        x->cursors = mem_alloc((x->choices.n + 1) * sizeof *x->cursors);
        for (size_t k = 0; k < x->choices.n; k++) cursor_open(&x->cursors[k], s->t, x->choices.list[k].term);
    }
}

/* The places of one list in rows lo to hi of those that are left. The entries that were read. */
static size_t gather(const struct text_scan *s, struct cursor *c, uint64_t fields, uint32_t lo, uint32_t hi, struct places *places)
{
    size_t read = 0;

    cursor_skip(c, lo);
    while (true) {
        struct cursor before = *c;
        size_t n = places->n;
        if (!cursor_next(c, fields, places)) return read;
        read++;
        if (c->row != NO_ROW && c->row > hi) {
            *c = before;
            places->n = n;
            return read;
        }
        if (c->doc == UINT32_MAX || !docset_has(&s->rows, c->row)) places->n = n;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    if (x->field != y->field) return x->field < y->field ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static bool is_before(const struct place *p, const struct place *at)
{
    return p->row < at->row || (p->row == at->row && p->field < at->field);
}

static bool is_with(const struct place *p, const struct place *at)
{
    return p->row == at->row && p->field == at->field;
}

/* Places are sorted; those of each slot at the row and field of `at`, from where the last group ended. */
static void group(const struct text_scan *s, const struct place *at)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct places *all = &s->slots[i].places;
        struct place *from = s->groups[i].list, *end = all->list + all->n;
        struct place *p = from == NULL ? all->list : from + s->groups[i].n;

        while (p < end && is_before(p, at)) p++;
        s->groups[i].list = p;
        while (p < end && is_with(p, at)) p++;
        s->groups[i].n = (size_t)(p - s->groups[i].list);
    }
}

static void match_batch(struct text_scan *s, struct docset *found)
{
    const struct places *first = &s->slots[0].places;

    for (size_t i = 0; i < s->n; i++) s->groups[i] = (struct places){ 0 };
    for (size_t k = 0; k < first->n; k += s->groups[0].n) {
        uint32_t doc = *doc_at(view_of(s->t), first->list[k].row);
        group(s, &first->list[k]);
        if (doc == UINT32_MAX || !places_are_near(s->groups, s->n, s->at, s->slop, s->in_order)) continue;
        docset_add(&s->matched, doc);
        docset_add(found, doc);
    }
}

static bool near(struct text_scan *s, size_t *budget, struct docset *found)
{
    if (s->groups == NULL) open_cursors(s);
    while (s->next_row != UINT32_MAX) {
        uint32_t lo = docset_next(&s->rows, s->next_row), hi = lo;
        size_t read = BATCH;

        if (lo == UINT32_MAX) break;
        if (*budget == 0) return false;
        for (uint32_t r = lo; r != UINT32_MAX && read > 0; r = docset_next(&s->rows, r + 1), read--) hi = r;
        read = 0;
        for (size_t i = 0; i < s->n; i++) {
            struct slot *x = &s->slots[i];
            x->places.n = 0;
            for (size_t k = 0; k < x->choices.n; k++)
                read += gather(s, &x->cursors[k], x->choices.list[k].fields, lo, hi, &x->places);
            if (x->choices.n > 1 && x->places.n > 0) qsort(x->places.list, x->places.n, sizeof *x->places.list, by_place);
        }
        match_batch(s, found);
        *budget -= read < *budget ? read : *budget;
        s->next_row = hi + 1;
    }
    return true;
}

static bool tell(struct text_scan *s, size_t *budget, struct docset *found)
{
    for (; (s->next_row = docset_next(&s->rows, s->next_row)) != UINT32_MAX; s->next_row++) {
        uint32_t doc;
        if (*budget == 0) return false;
        --*budget;
        doc = *doc_at(view_of(s->t), s->next_row);
        if (doc == UINT32_MAX) continue;
        docset_add(&s->matched, doc);
        docset_add(found, doc);
    }
    return true;
}

bool text_scan_step(struct text_scan *s, size_t budget, struct docset *found)
{
    if (s->stage == EXPAND && expand(s, &budget)) s->stage = READ;
    if (s->stage == READ && read_lists(s, &budget, found)) {
        bool places_matter = !s->t->no_offsets && (s->slop >= 0 || s->in_order);
        s->stage = s->n == 1 ? DONE : places_matter ? NEAR : TELL;
    }
    if (s->stage == NEAR && near(s, &budget, found)) s->stage = DONE;
    if (s->stage == TELL && tell(s, &budget, found)) s->stage = DONE;
    return s->stage == DONE;
}

void text_scan_words(const struct text_scan *s, void (*fn)(void *ctx, struct str word, uint32_t docs), void *ctx)
{
    for (size_t i = 0; s->n == 1 && i < s->slots[0].choices.n; i++) {
        const struct choice *c = &s->slots[0].choices.list[i];
        if (c->df > 0 && !(c->term->flags & TERM_NO_WORD)) fn(ctx, term_text(c->term), c->df);
    }
}

/* --- hits -------------------------------------------------------------------------------------------------------------------- */

static void begin_hits(struct text_scan *s)
{
    s->telling = true;
    s->hit_slot = s->hit_choice = 0;
    s->hit_reading = s->hit_rows_known = false;
    docset_clear(&s->hit_rows);
}

static void find_hit_rows(struct text_scan *s, const struct docset *among)
{
    const struct numbering *view = view_of(s->t);

    if (s->hit_rows_known) return;
    s->hit_rows_known = true;
    for (uint32_t d = docset_next(among, 0); d != UINT32_MAX; d = docset_next(among, d + 1)) {
        uint32_t row = row_of(view, d);
        if (row != NO_ROW) docset_add(&s->hit_rows, row);
    }
}

static void open_hits(struct text_scan *s, const struct choice *c, const struct docset *among)
{
    cursor_open(&s->hit_cursor, s->t, c->term);
    s->hit_reading = true;
    s->hit_from = 0;
    s->few = among->n < c->df / 16;
    if (s->few) find_hit_rows(s, among);
}

/* False: where documents are few, none of them is behind. */
static bool skip_to_hits(struct text_scan *s)
{
    uint32_t next = s->few ? docset_next(&s->hit_rows, s->hit_from) : 0;

    if (next == UINT32_MAX) return false;
    cursor_skip(&s->hit_cursor, next);
    return true;
}

static void tell_hit(const struct text_scan *s, const struct choice *c, const struct posting *p, const struct docset *among,
                     void (*fn)(void *ctx, const struct text_hit *h), void *ctx)
{
    const struct row *row;

    if (p->doc == UINT32_MAX || (p->fields & c->fields) == 0 || !docset_has(among, p->doc)) return;
    if (s->n > 1 && !docset_has(&s->matched, p->doc)) return;
    row = row_at(view_of(s->t), p->row);
    fn(ctx, &(struct text_hit){ .doc = p->doc, .tf = p->tf, .df = c->df, .length = row->length, .max_tf = row->max_tf });
}

static bool tell_choice(struct text_scan *s, const struct choice *c, size_t *budget, const struct docset *among,
                        void (*fn)(void *ctx, const struct text_hit *h), void *ctx)
{
    struct posting got[AT_ONCE];
    size_t n;

    if (!s->hit_reading) open_hits(s, c, among);
    while (skip_to_hits(s) && (n = cursor_read(&s->hit_cursor, c->fields, got, at_once(*budget))) > 0) {
        for (size_t i = 0; i < n; i++) {
            tell_hit(s, c, &got[i], among, fn, ctx);
            if (got[i].row != NO_ROW) s->hit_from = got[i].row + 1;
        }
        if (!take_from(budget, n)) return false;
    }
    s->hit_reading = false;
    return true;
}

bool text_scan_hits_step(struct text_scan *s, size_t budget, const struct docset *among,
                         void (*fn)(void *ctx, const struct text_hit *h), void *ctx)
{
    if (s->n > 1 && s->matched.n == 0) return true;
    if (!s->telling) begin_hits(s);
    for (; s->hit_slot < s->n; s->hit_slot++, s->hit_choice = 0)
        for (; s->hit_choice < s->slots[s->hit_slot].choices.n; s->hit_choice++)
            if (!tell_choice(s, &s->slots[s->hit_slot].choices.list[s->hit_choice], &budget, among, fn, ctx)) return false;
    s->telling = false;
    return true;
}

void text_scan_hits(struct text_scan *s, const struct docset *among, void (*fn)(void *ctx, const struct text_hit *h), void *ctx)
{
    while (!text_scan_hits_step(s, SIZE_MAX, among, fn, ctx)) continue;
}
