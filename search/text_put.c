/* text_put.c -- documents to rows: words that are heard, found and written down. See text_index.h.
 *
 * Words lie all over memory: a bucket, a term, its stem, and the ends of both lists. So those of several documents are heard
 * first, and then each step is done for all of them before the next one, which finds in the cache what the step before
 * asked for. A document with more words than are heard at once goes through the same steps piece by piece. */
#include <math.h>

#include "search/text_impl.h"

enum { VALUE_GAP = 100 }; /* positions between two values of a field: no phrase spans both */

/* --- what a document has ------------------------------------------------------------------------------------------ */

static uint32_t add_occurrence(struct text_index *t, uint8_t field, uint32_t position)
{
    if (t->n_occurrences == t->cap_occurrences) {
        t->cap_occurrences = t->cap_occurrences == 0 ? 32 : t->cap_occurrences * 2;
        t->occurrences = mem_realloc(t->occurrences, t->cap_occurrences * sizeof *t->occurrences);
    }
    t->occurrences[t->n_occurrences] = (struct occurrence){ .position = position, .field = field };
    return (uint32_t)t->n_occurrences++;
}

static void meet_again(struct text_index *t, struct met *m, uint8_t field, uint32_t position)
{
    uint32_t i;

    if (m->n == 1) m->first = m->last = add_occurrence(t, m->field, m->position);
    i = add_occurrence(t, field, position);
    t->occurrences[m->last].next = i;
    m->last = i;
    m->n++;
    m->tf += t->weights[(m->term->flags & TERM_STEM) != 0][field];
}

static void grow_met(struct text_index *t)
{
    t->cap_met = t->cap_met == 0 ? 32 : t->cap_met * 2;
    t->met = mem_realloc(t->met, t->cap_met * sizeof *t->met);
}

static inline void meet(struct text_index *t, struct term *w, uint8_t field, uint32_t position)
{
    if (w->met < t->n_met && t->met[w->met].term == w) {
        meet_again(t, &t->met[w->met], field, position);
        return;
    }
    if (t->n_met == t->cap_met) grow_met(t);
    w->met = (uint32_t)t->n_met;
    t->met[t->n_met++] = (struct met){ .term = w, .n = 1, .position = position, .field = field,
                                       .tf = t->weights[(w->flags & TERM_STEM) != 0][field] };
}

/* Room for one large document is not kept. */
static void tidy(struct text_index *t)
{
    enum { KEEP = 16 * 1024 };

    if (t->cap_occurrences > KEEP) {
        mem_free(t->occurrences);
        t->occurrences = NULL;
        t->cap_occurrences = 0;
    }
    if (t->cap_met > KEEP) {
        mem_free(t->met);
        t->met = NULL;
        t->cap_met = 0;
    }
    if (t->entry.cap > KEEP) buf_fini(&t->entry);
}

static void meet_sound(struct text_index *t, const struct term *w, uint8_t field, uint32_t position)
{
    struct term_sound room;
    struct str sound = w->n >= SOUND_MIN ? term_sound(term_text(w), &room) : STR("");

    if (sound.n > 0) meet(t, term_get(t, sound, TERM_SOUND), field, position);
}

/* The words heard, from `first` on, n of them, which are of one document, and are found. Stems come behind all words: whether a word
 * has one is known then, for several of them, without a branch that nobody foresees. */
static void meet_words(struct text_index *t, size_t first, size_t n, uint8_t language)
{
    struct term *stems[WORDS_AT_ONCE];
    uint16_t of[WORDS_AT_ONCE];
    size_t n_stems = 0;

    for (size_t i = first; i < first + n; i++) {
        const struct heard_word *h = &t->heard->words[i];
        struct term *word = t->heard->terms[i];

        meet(t, word, h->field, h->position);
        stems[n_stems] = h->no_stem ? NULL : term_stem(t, word, language);
        of[n_stems] = (uint16_t)i;
        n_stems += stems[n_stems] != NULL;
        if (UNLIKELY(h->phonetic)) meet_sound(t, word, h->field, h->position);
    }
    for (size_t i = 0; i < n_stems; i++) meet(t, stems[i], t->heard->words[of[i]].field, t->heard->words[of[i]].position);
}

static uint32_t fresh_of(const struct text_index *t, const struct heard_row *r)
{
    return t->sweep == SWEEP_LISTS ? fresh_row(t, r->row) : NO_ROW;
}

/* What has been met is all of the row, and is to be written. */
static void begin_row(struct text_index *t, const struct heard_row *r)
{
    uint32_t fresh = fresh_of(t, r);
    struct row *row = row_at(&t->now, r->row);
    double max_tf = 0;

    for (size_t i = 0; i < t->n_met; i++)
        if (t->met[i].tf > max_tf) max_tf = t->met[i].tf;
    row->length = (uint32_t)r->length;
    row->max_tf = (uint32_t)max_tf;
    if (fresh != NO_ROW) *row_at(&t->fresh, fresh) = *row;
    t->total_length += row->length;
}

static void end_row(struct text_index *t)
{
    text_sweep_owes(t, t->n_met);
    t->n_occurrences = t->n_met = 0;
}

static void write_row(struct text_index *t, const struct heard_row *r)
{
    begin_row(t, r);
    postings_add_some(t, r->row, fresh_of(t, r), 0, t->n_met);
    end_row(t);
}

/* --- what has been heard ------------------------------------------------------------------------------------------ */

/* Of words that have a stem, which is known: where its next entry goes. */
static void fetch_stems(const struct text_index *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (t->heard->terms[i]->stem != NULL) postings_fetch(&t->heard->terms[i]->stem->postings);
}

/* Write the rows of all documents that have been heard; so many words are done with. */
static size_t write_rows(struct text_index *t)
{
    struct heard *h = t->heard;
    size_t first = 0, all = 0;

    for (size_t i = 0; i < h->n_rows; i++) all += h->rows[i].n_words;
    terms_get(t, 0, all);
    fetch_stems(t, all);
    for (size_t i = 0; i < h->n_rows; i++) {
        const struct heard_row *r = &h->rows[i];

        if (*doc_at(&t->now, r->row) == r->doc) { /* else it is gone since */
            meet_words(t, first, r->n_words, r->language);
            write_row(t, r);
        }
        first += r->n_words;
    }
    h->n_rows = 0;
    return all;
}

void text_index_flush(struct text_index *t)
{
    if (t->heard == NULL) return;
    (void)write_rows(t);
    mem_free(t->heard);
    t->heard = NULL;
}

/* Is there room for a document of a few words? */
static bool is_filled(const struct heard *h)
{
    return h->n_rows == ROWS_AT_ONCE || h->n_words > WORDS_AT_ONCE / 4 * 3 || h->used > sizeof h->room / 4 * 3;
}

static void begin_hearing(struct text_index *t)
{
    if (t->heard != NULL && is_filled(t->heard)) text_index_flush(t);
    if (t->heard != NULL) return;
    t->heard = mem_alloc(sizeof *t->heard);
    t->heard->n_rows = t->heard->n_words = t->heard->used = 0;
}

/* --- documents ---------------------------------------------------------------------------------------------------- */

/* A document that is being heard. */
struct hearing {
    struct text_index *t;
    struct heard_row *row; /* behind those that have been heard: where it stays */
    bool is_long; /* what came before is met already */
};

/* Its words are met: there is room for more. Documents that were heard before are written first, since rows ascend in lists. */
static void drain(struct hearing *d)
{
    struct text_index *t = d->t;
    struct heard *h = t->heard;
    size_t before = write_rows(t);

    memmove(h->words, h->words + before, d->row->n_words * sizeof *h->words);
    terms_get(t, 0, d->row->n_words);
    fetch_stems(t, d->row->n_words);
    meet_words(t, 0, d->row->n_words, d->row->language);
    h->n_words = h->used = d->row->n_words = 0;
    d->is_long = true;
}

/* What becomes of a word of the value at hand; like: of its position, and as all words of the value are. False: of a stop word nothing.
 * How long the word is decides no branch, unless it is long. */
static inline bool hear_word(const struct text_index *t, struct heard_word *w, const struct heard_word *like, const char *p, size_t n)
{
    static const uint64_t some[9] = { 0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX };
    uint64_t a = load_64(p) & some[n < 8 ? n : 8], b = load_64(p + 8) & some[n < 8 ? 0 : n < 16 ? n - 8 : 8];
    uint32_t hash = (uint32_t)(LIKELY(n <= 16) ? hash_pair(&t->key, a, b, n) : hash_quick_long(&t->key, str_of(p, n)));

    if (UNLIKELY(term_may_stop(t, hash)) && term_is_stop(t, str_of(p, n), hash)) return false;
    *w = *like;
    w->begins[0] = a;
    w->begins[1] = b;
    w->text = p;
    w->hash = hash;
    w->n = (uint16_t)n;
    term_expect(t, hash);
    return true;
}

static inline struct heard_word word_like(const struct text_value *v, uint32_t position)
{
    return (struct heard_word){ .position = position, .field = v->field, .no_stem = v->no_stem, .phonetic = v->phonetic };
}

/* The words of a plain text; false: it is another, or there is no room. */
static bool hear_plain(struct text_index *t, const struct text_value *v, uint32_t *position)
{
    struct heard *h = t->heard;
    struct word_span spans[WORDS_PLAIN_MAX / 2 + 1];
    struct heard_word like = word_like(v, *position), *w = h->words + h->n_words;
    char *folded = (char *)h->room + h->used;
    size_t n;

    if (v->text.n > WORDS_PLAIN_MAX || sizeof h->room - h->used < v->text.n + WORDS_PLAIN_ROOM) return false;
    n = words_plain(v->text, folded, spans);
    if (n == WORDS_NOT_PLAIN || n > WORDS_AT_ONCE - h->n_words) return false;
    for (size_t i = 0; i < n; i++) {
        if (UNLIKELY(spans[i].n > WORD_MAX)) return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool is_heard = hear_word(t, w, &like, folded + spans[i].at, spans[i].n);

        w += is_heard;
        like.position += is_heard;
    }
    *position = like.position;
    h->n_words = (size_t)(w - h->words);
    h->used += (v->text.n + WORDS_PLAIN_ROOM) & ~(size_t)7;
    return true;
}

enum { SOME = 16 };

static bool has_room(const struct heard *h)
{
    return WORDS_AT_ONCE - h->n_words >= SOME && sizeof h->room - h->used >= WORDS_ROOM + 16;
}

/* The next words of a value, for which there is room; false: there are no more. */
static bool hear_some(struct hearing *d, const struct text_value *v, struct words *walk, uint32_t *position)
{
    struct heard *h = d->t->heard;
    struct str words[SOME];
    size_t before = h->n_words, n = words_some(walk, words, SOME, (char *)h->room + h->used, WORDS_ROOM);

    if (n == 0) return false;
    h->used = (size_t)(words[n - 1].p + (words[n - 1].n + 7) / 8 * 8 - (const char *)h->room);
    for (size_t i = 0; i < n; i++) {
        struct heard_word like = word_like(v, *position);
        bool is_heard = hear_word(d->t, &h->words[h->n_words], &like, words[i].p, words[i].n);

        h->n_words += is_heard;
        *position += is_heard;
    }
    d->row->n_words += h->n_words - before;
    return true;
}

static void hear_any(struct hearing *d, const struct text_value *v, unsigned how, uint32_t *position)
{
    struct words walk;

    words_open_as(&walk, v->text, how);
    do {
        if (!has_room(d->t->heard)) drain(d);
    } while (hear_some(d, v, &walk, position));
}

static unsigned how_of(const struct text_index *t, uint8_t language)
{
    return language < LANGUAGES_MAX && t->languages[language].han_apart ? WORDS_HAN_APART : 0;
}

/* One more value, whose words stand from `position` on; the position behind them. */
static uint32_t hear_value(struct hearing *d, const struct text_value *v, uint32_t position)
{
    struct text_index *t = d->t;
    uint32_t from = position;
    size_t before = t->heard->n_words;

    if (hear_plain(t, v, &position)) d->row->n_words += t->heard->n_words - before;
    else hear_any(d, v, how_of(t, d->row->language), &position);
    d->row->length += v->weight * (position - from);
    return position;
}

/* A stem counts a fifth of a word, and not less than a word of weight 1, as in RediSearch. */
static void set_weight(struct text_index *t, uint8_t field, double weight)
{
    t->weights[0][field] = weight;
    t->weights[1][field] = weight <= 1 ? weight : weight < 10 ? 1 : floor(weight / 5);
}

/* All words of a document. Values of a field stand behind each other, fields in their order: so postings want them. */
static void hear_all(struct hearing *d, const struct text_value *values, size_t n)
{
    struct text_index *t = d->t;
    uint64_t left = 0;

    for (size_t i = 0; i < n; i++) left |= 1ULL << values[i].field;
    for (; left != 0; left &= left - 1) {
        uint8_t field = (uint8_t)__builtin_ctzll(left);
        uint32_t position = 0;

        for (size_t i = 0; i < n; i++) {
            if (values[i].field != field) continue;
            set_weight(t, field, values[i].weight);
            if (values[i].no_stem) t->no_stem_fields |= 1ULL << field;
            if (values[i].phonetic) t->phonetic_fields |= 1ULL << field;
            position = hear_value(d, &values[i], position) + VALUE_GAP;
        }
    }
}

/* --- long documents ------------------------------------------------------------------------------------------------- */

/* One that is put in steps: its words are met some at a time, and when all are, its postings are written some at a time. Its row has
 * been added before: no other is, and nothing is swept, until it is done. */
struct text_later {
    struct hearing d;
    struct heard_row row;
    struct text_value *values; /* with copies of their texts, in the order of fields */
    size_t n, bytes;
    size_t at;                 /* the value at hand */
    bool is_open;              /* walk is in it */
    uint32_t position, from;
    struct words walk;
    bool writes;
    size_t written;            /* of t->met */
};

static void put_later(struct hearing *d, const struct text_value *values, size_t n)
{
    struct text_later *l = mem_zalloc(sizeof *l);
    uint64_t left = 0;
    char *to;

    l->row = *d->row;
    l->d = (struct hearing){ .t = d->t, .row = &l->row };
    for (size_t i = 0; i < n; i++) {
        l->bytes += sizeof *values + values[i].text.n;
        left |= 1ULL << values[i].field;
    }
    l->values = mem_alloc(l->bytes);
    to = (char *)(l->values + n);
    for (; left != 0; left &= left - 1) {
        for (size_t i = 0; i < n; i++) {
            if (values[i].field != __builtin_ctzll(left)) continue;
            l->values[l->n] = values[i];
            if (values[i].text.n > 0) memcpy(to, values[i].text.p, values[i].text.n);
            l->values[l->n++].text.p = to;
            to += values[i].text.n;
        }
    }
    d->t->later = l;
}

void text_drop_later(struct text_index *t)
{
    if (t->later == NULL) return;
    t->n_occurrences = t->n_met = 0;
    mem_free(t->later->values);
    mem_free(t->later);
    t->later = NULL;
}

size_t text_later_memory(const struct text_index *t)
{
    return t->later == NULL ? 0 : mem_good_size(sizeof *t->later) + mem_good_size(t->later->bytes);
}

bool text_index_is_going_on(const struct text_index *t)
{
    return t->later != NULL;
}

static void open_later(struct text_index *t, struct text_later *l)
{
    const struct text_value *v = &l->values[l->at];

    set_weight(t, v->field, v->weight);
    if (v->no_stem) t->no_stem_fields |= 1ULL << v->field;
    if (v->phonetic) t->phonetic_fields |= 1ULL << v->field;
    l->position = l->at > 0 && l->values[l->at - 1].field == v->field ? l->position + VALUE_GAP : 0;
    l->from = l->position;
    words_open_as(&l->walk, v->text, how_of(t, l->row.language));
    l->is_open = true;
}

/* As many words as are met at once; false: there are no more. */
static bool hear_later(struct text_index *t, struct text_later *l)
{
    begin_hearing(t);
    while (l->at < l->n && has_room(t->heard)) {
        const struct text_value *v = &l->values[l->at];

        if (!l->is_open) open_later(t, l);
        if (hear_some(&l->d, v, &l->walk, &l->position)) continue;
        l->row.length += v->weight * (l->position - l->from);
        l->is_open = false;
        l->at++;
    }
    drain(&l->d);
    text_index_flush(t);
    return l->at < l->n;
}

bool text_index_go_on(struct text_index *t)
{
    struct text_later *l = t->later;
    size_t n;

    if (l == NULL) return true;
    if (*doc_at(&t->now, l->row.row) != l->row.doc) { /* it is gone since */
        text_drop_later(t);
        tidy(t);
        return true;
    }
    if (!l->writes) {
        if (hear_later(t, l)) return false;
        begin_row(t, &l->row);
        l->writes = true;
        return false;
    }
    n = t->n_met - l->written < WORDS_AT_ONCE ? t->n_met - l->written : WORDS_AT_ONCE;
    postings_add_some(t, l->row.row, fresh_of(t, &l->row), l->written, n);
    l->written += n;
    if (l->written < t->n_met) return false;
    end_row(t);
    text_drop_later(t);
    tidy(t);
    return true;
}

static uint64_t hash_of(const struct text_index *t, const struct text_value *values, size_t n, uint8_t language)
{
    enum { ODD = 0x9e3779b1 };
    uint64_t h = language, weight;

    for (size_t i = 0; i < n; i++) {
        memcpy(&weight, &values[i].weight, sizeof weight);
        h = h * ODD + hash_quick(&t->key, values[i].text); /* who writes texts cannot know the hash of one */
        h = (h ^ weight) * ODD + values[i].field * 4 + values[i].phonetic * 2 + values[i].no_stem;
    }
    return h;
}

/* The first TEXT_DOCUMENT_MAX bytes; *n becomes how many values are left. */
static struct text_value *cut_values(const struct text_value *values, size_t *n)
{
    struct text_value *cut = mem_alloc(*n * sizeof *cut);
    size_t left = TEXT_DOCUMENT_MAX, kept = 0;

    for (size_t i = 0; i < *n && left > 0; i++) {
        cut[kept] = values[i];
        if (cut[kept].text.n > left) cut[kept].text.n = left;
        left -= cut[kept++].text.n;
    }
    *n = kept;
    return cut;
}

void text_index_take(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language)
{
    struct hearing d = { .t = t };
    uint8_t spoken = language.n > 0 ? language_get(t, language) : t->language;
    uint32_t at = row_of(&t->now, doc);
    struct text_value *cut = NULL;
    size_t bytes = 0;
    uint64_t hash;

    while (UNLIKELY(!text_index_go_on(t))) continue;
    for (size_t i = 0; i < n; i++) bytes += values[i].text.n;
    if (UNLIKELY(bytes > TEXT_DOCUMENT_MAX)) values = cut = cut_values(values, &n);
    hash = hash_of(t, values, n, spoken);
    if (at != NO_ROW && n > 0 && row_at(&t->now, at)->hash == hash) n = 0;
    else if (at != NO_ROW) text_remove_row(t, doc);
    if (n > 0) {
        if (bytes > TEXT_LONG) text_index_flush(t);
        begin_hearing(t);
        d.row = &t->heard->rows[t->heard->n_rows];
        *d.row = (struct heard_row){ .row = text_add_row(t, doc), .doc = doc, .language = spoken };
        row_at(&t->now, d.row->row)->hash = hash;
        if (bytes > TEXT_LONG) put_later(&d, values, n); /* text_index_go_on does the rest */
        else hear_all(&d, values, n);
        if (d.is_long) {
            drain(&d);
            write_row(t, d.row);
            tidy(t);
        } else if (t->later == NULL) {
            t->heard->n_rows++;
        }
    }
    mem_free(cut);
}

void text_index_put(struct text_index *t, uint32_t doc, const struct text_value *values, size_t n, struct str language)
{
    text_index_take(t, doc, values, n, language);
    text_index_flush(t);
    while (!text_index_go_on(t)) continue;
}
