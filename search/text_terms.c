/* text_terms.c -- words, each there once.
 *
 * Linear hashing: when there are more terms than buckets, one bucket splits in two and the others stay. Growth is never a
 * step that takes long, and a walk over the buckets from the first to the last (text_sweep.c) meets every term, since a term
 * only ever moves to a bucket behind. */
#include "search/text_impl.h"

/* Few words share a bucket: to go through one is a miss for each word that is another. */
enum { BUCKETS_A_TERM = 2 };

static inline uint32_t hash_of(const struct text_index *t, struct str word)
{
    return (uint32_t)hash_quick(&t->key, word);
}

static void split_one(struct text_index *t)
{
    size_t round = (t->bucket_mask + 1) / 2;
    struct term **from, **to;

    pages_reach(&t->buckets, t->n_buckets + 1, 0);
    from = bucket_at(t, t->n_buckets - round);
    to = bucket_at(t, t->n_buckets++);
    while (*from != NULL) {
        struct term *w = *from;
        if ((hash_of(t, term_text(w)) & round) == 0) {
            from = &w->next;
            continue;
        }
        *from = w->next;
        w->next = *to;
        *to = w;
    }
    if (t->n_buckets > t->bucket_mask) t->bucket_mask = 2 * t->bucket_mask + 1;
}

static struct term *find(const struct text_index *t, struct str word, uint32_t hash)
{
    struct term *w = *bucket_at(t, term_bucket(t, hash));

    while (w != NULL && !str_eq(term_text(w), word)) w = w->next;
    return w;
}

struct term *term_find(const struct text_index *t, struct str word)
{
    return find(t, word, hash_of(t, word));
}

/* Where characters of the word begin behind its first. */
static void each_ending(struct order *o, struct term *w, void (*fn)(struct order *, struct term *, size_t))
{
    for (size_t at = 0; at < w->n; at++)
        if (((unsigned char)w->text[at] & 0xc0) != 0x80) fn(o, w, at);
}

static size_t size_for(size_t n)
{
    return sizeof(struct term) + (n > TERM_TEXT ? n : TERM_TEXT);
}

static size_t size_of(const struct term *w)
{
    return mem_good_size(size_for(w->n));
}

static struct term *make(struct text_index *t, struct str word, uint32_t hash, uint8_t flags)
{
    struct term *w, **bucket = bucket_at(t, term_bucket(t, hash));

    ensure(word.n <= UINT16_MAX);
    w = mem_zalloc(size_for(word.n));
    memcpy(w->text, word.p, word.n);
    w->n = (uint16_t)word.n;
    w->flags = flags;
    w->next = *bucket;
    *bucket = w;
    t->memory += size_of(w);
    if (flags == 0) {
        t->n_words++;
        order_add(&t->order, w, 0);
        if (t->suffixes) each_ending(&t->endings, w, order_add);
        text_sweep_owes_word(t, w);
    }
    t->n_terms++;
    while (BUCKETS_A_TERM * t->n_terms > t->n_buckets) split_one(t);
    return w;
}

struct term *term_get(struct text_index *t, struct str word, uint8_t flags)
{
    uint32_t hash = hash_of(t, word);
    struct term *w = find(t, word, hash);

    return w != NULL ? w : make(t, word, hash, flags);
}

static inline bool is_same(const struct term *w, const struct heard_word *h)
{
    uint64_t begins[2];

    memcpy(begins, w->text, sizeof begins);
    if (((begins[0] ^ h->begins[0]) | (begins[1] ^ h->begins[1]) | (uint64_t)(w->n ^ h->n)) != 0) return false;
    return LIKELY(h->n <= TERM_TEXT) || memcmp(w->text + TERM_TEXT, h->text + TERM_TEXT, h->n - TERM_TEXT) == 0;
}

static inline struct term *find_heard(struct term *w, const struct heard_word *h)
{
    while (w != NULL && !is_same(w, h)) w = w->next;
    return w;
}

/* Where the next term's entries go. */
static inline struct term *found(struct term *w)
{
    if (w->stem != NULL) __builtin_prefetch(w->stem, 1);
    postings_fetch(&w->postings);
    return w;
}

void terms_get(struct text_index *t, size_t first, size_t n)
{
    const struct heard_word *h = t->heard->words + first;
    struct term **terms = t->heard->terms + first;
    size_t known = t->n_terms;

    for (size_t i = 0; i < n; i++) {
        terms[i] = *bucket_at(t, term_bucket(t, h[i].hash));
        __builtin_prefetch(terms[i], 1);
    }
    for (size_t i = 0; i < n; i++) {
        /* With new terms buckets have others. */
        struct term *w = find_heard(LIKELY(t->n_terms == known) ? terms[i] : *bucket_at(t, term_bucket(t, h[i].hash)), &h[i]);

        terms[i] = found(w != NULL ? w : make(t, str_of(h[i].text, h[i].n), h[i].hash, 0));
    }
}

void term_forget(struct text_index *t, struct term **at)
{
    struct term *w = *at;

    ensure(w->postings.first == NULL && ((w->flags & TERM_STEM) == 0 || w->users == 0));
    if ((w->flags & TERM_STEM) == 0 && w->stem != NULL) w->stem->users--;
    if ((w->flags & (TERM_NO_WORD | TERM_STOP)) == 0) {
        t->n_words--;
        order_remove(&t->order, w, 0);
        if (t->suffixes) each_ending(&t->endings, w, order_remove);
    }
    t->n_terms--;
    t->memory -= size_of(w);
    *at = w->next;
    mem_free(w);
}

/* --- stop words ------------------------------------------------------------------------------------------------------ */

void term_stop(struct text_index *t, struct str word)
{
    uint32_t hash = hash_of(t, word);

    (void)term_get(t, word, TERM_STOP);
    t->stop_bits[hash / 64 % 64] |= 1ULL << hash % 64;
}

bool term_is_stop(const struct text_index *t, struct str word, uint32_t hash)
{
    const struct term *w = term_may_stop(t, hash) ? find(t, word, hash) : NULL;

    return w != NULL && (w->flags & TERM_STOP) != 0;
}

bool text_is_stop_word(const struct text_index *t, struct str word)
{
    return term_is_stop(t, word, hash_of(t, word));
}

/* --- sounds ---------------------------------------------------------------------------------------------------------- */

struct str term_sound(struct str word, struct term_sound *room)
{
    size_t n = phonetic_code(word, room->bytes + 1);

    room->bytes[0] = SOUND_MARK;
    return str_of(room->bytes, n > 0 ? n + 1 : 0);
}

/* --- languages and stems --------------------------------------------------------------------------------------------- */

uint8_t language_get(struct text_index *t, struct str name)
{
    struct language *l;

    for (uint8_t i = 0; i < t->n_languages; i++)
        if (str_ieq(t->languages[i].name, name)) return i;
    if (t->n_languages == LANGUAGES_MAX || !language_is_known(name)) return LANGUAGES_MAX;
    l = &t->languages[t->n_languages];
    l->name = str_of(mem_dup(name.p, name.n), name.n);
    l->stemmer = stemmer_new(name);
    l->han_apart = str_is_word(name, "chinese");
    t->memory += mem_good_size(name.n);
    return t->n_languages++;
}

enum { STEM_MIN = 4 }; /* bytes: shorter words are their own stems, as in RediSearch */

static struct term *make_stem(struct text_index *t, struct stemmer *s, struct term *w)
{
    struct str stem;

    if (w->n < STEM_MIN) return NULL;
    stem = stemmer_stem(s, term_text(w));
    if (str_eq(stem, term_text(w)) || stem.n == 0) return NULL;
    buf_clear(&t->stem);
    buf_add_char(&t->stem, STEM_MARK);
    buf_add_str(&t->stem, stem);
    return term_get(t, buf_str(&t->stem), TERM_STEM);
}

/* The first language that asks is remembered: an index rarely has words in two. */
struct term *term_find_stem(struct text_index *t, struct term *w, uint8_t language)
{
    struct stemmer *s = language < LANGUAGES_MAX ? t->languages[language].stemmer : NULL;
    struct term *stem;

    if (s == NULL) return NULL;
    stem = make_stem(t, s, w);
    if (w->flags & TERM_STEMMED) return stem;
    w->flags |= TERM_STEMMED;
    w->language = language;
    w->stem = stem;
    if (stem != NULL) stem->users++;
    return stem;
}
