/* text_terms.c -- words, each there once.
 *
 * Linear hashing: when there are more terms than buckets, one bucket splits in two and the others stay. Growth is never a
 * step that takes long, and a walk over the buckets from the first to the last (text_sweep.c) meets every term, since a term
 * only ever moves to a bucket behind. */
#include "search/text_impl.h"

static inline uint32_t hash_of(const struct text_index *t, struct str word)
{
    return (uint32_t)hash_quick(&t->key, word);
}

/* The bucket of a hash: the low bits, one more of them where the bucket has been split in this round. */
static inline size_t bucket_of(const struct text_index *t, uint32_t hash)
{
    size_t round = (size_t)1 << (63 - __builtin_clzll(t->n_buckets));
    size_t i = hash & (2 * round - 1);

    return i < t->n_buckets ? i : hash & (round - 1);
}

static void split_one(struct text_index *t)
{
    size_t round = (size_t)1 << (63 - __builtin_clzll(t->n_buckets));
    struct term **from, **to;

    pages_reach(&t->buckets, t->n_buckets + 1, 0);
    from = bucket_at(t, t->n_buckets - round);
    to = bucket_at(t, t->n_buckets++);
    while (*from != NULL) {
        struct term *w = *from;
        if (((size_t)w->hash & round) == 0) {
            from = &w->next;
            continue;
        }
        *from = w->next;
        w->next = *to;
        *to = w;
    }
}

static struct term *find(const struct text_index *t, struct str word, uint32_t hash)
{
    struct term *w = *bucket_at(t, bucket_of(t, hash));

    while (w != NULL && (w->hash != hash || !str_eq(term_text(w), word))) w = w->next;
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

static size_t padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static size_t size_of(const struct term *w)
{
    return mem_good_size(sizeof *w + padded(w->n));
}

static struct term *make(struct text_index *t, struct str word, uint32_t hash, uint8_t flags)
{
    struct term *w, **bucket = bucket_at(t, bucket_of(t, hash));

    ensure(word.n <= UINT16_MAX);
    w = mem_zalloc(sizeof *w + padded(word.n));
    memcpy(w->text, word.p, word.n);
    w->n = (uint16_t)word.n;
    w->hash = hash;
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
    if (++t->n_terms > t->n_buckets) split_one(t);
    return w;
}

struct term *term_get(struct text_index *t, struct str word, uint8_t flags)
{
    uint32_t hash = hash_of(t, word);
    struct term *w = find(t, word, hash);

    return w != NULL ? w : make(t, word, hash, flags);
}

/* Both are padded. */
static inline bool is_same(const struct term *w, struct str word)
{
    if (w->n != word.n) return false;
    for (size_t i = 0; i < word.n; i += 8)
        if (memcmp(w->text + i, word.p + i, 8) != 0) return false;
    return true;
}

static inline struct term *find_padded(struct term *w, struct str word, uint32_t hash)
{
    while (w != NULL && (w->hash != hash || !is_same(w, word))) w = w->next;
    return w;
}

void terms_expect(const struct text_index *t, struct text_chunk *c)
{
    c->n_terms = t->n_terms;
    for (size_t i = 0; i < c->n; i++) {
        c->hashes[i] = (uint32_t)hash_quick_padded(&t->key, c->words[i]);
        c->buckets[i] = bucket_at(t, bucket_of(t, c->hashes[i]));
        __builtin_prefetch(c->buckets[i]);
    }
}

void terms_fetch(const struct text_index *t, const struct text_chunk *c)
{
    if (t->n_terms != c->n_terms) return; /* as in terms_get */
    for (size_t i = 0; i < c->n; i++) __builtin_prefetch(*c->buckets[i]);
}

void terms_get(struct text_index *t, const struct text_chunk *c, struct term **terms)
{
    for (size_t i = 0; i < c->n; i++) {
        /* With new terms buckets have split, and moved while they are few. */
        struct term **bucket = t->n_terms == c->n_terms ? c->buckets[i] : bucket_at(t, bucket_of(t, c->hashes[i]));

        terms[i] = find_padded(*bucket, c->words[i], c->hashes[i]);
        if (terms[i] == NULL) terms[i] = make(t, c->words[i], c->hashes[i], 0);
        __builtin_prefetch(terms[i]->stem, 1);
        __builtin_prefetch(terms[i]->postings.last, 1);
    }
}

void term_forget(struct text_index *t, struct term **at)
{
    struct term *w = *at;

    ensure(w->postings.first == NULL && w->users == 0);
    if (w->stem != NULL) w->stem->users--;
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
    struct term *w = term_get(t, word, TERM_STOP);

    t->stop_bits[w->hash / 64 % 8] |= 1ULL << w->hash % 64;
}

bool text_is_stop_word(const struct text_index *t, struct str word)
{
    uint32_t hash = hash_of(t, word);
    const struct term *w;

    if (!(t->stop_bits[hash / 64 % 8] >> hash % 64 & 1)) return false;
    w = find(t, word, hash);
    return w != NULL && (w->flags & TERM_STOP) != 0;
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
