/* archive_match.c -- texts against queries, without an index. See archive_match.h. */
#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "persistence/archive_match.h"
#include "text/words.h"

/* --- the tokenizer --------------------------------------------------------------------------------------- */

fts5_api *archive_match_fts5(sqlite3 *db)
{
    fts5_api *api = NULL;
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) != SQLITE_OK) return NULL;
    sqlite3_bind_pointer(st, 1, &api, "fts5_api_ptr", NULL);
    sqlite3_step(st);
    sqlite3_finalize(st);
    return api;
}

static bool open_trigram(struct archive_matcher *m, sqlite3 *db)
{
    fts5_api *api = archive_match_fts5(db);
    void *of = NULL;

    if (api == NULL || api->xFindTokenizer(api, "trigram", &of, &m->api) != SQLITE_OK) return false;
    return m->api.xCreate(of, NULL, 0, &m->tokenizer) == SQLITE_OK;
}

/* A word whole, where text/words.h cut it: FTS5 cuts none. */
static struct str whole_word(struct archive_matcher *m, const struct words *w)
{
    if (w->len <= WORD_MAX) return w->word;
    buf_clear(&m->long_word);
    words_fold(str_of(w->text.p + w->at, w->len), WORDS_AS_FTS5, &m->long_word);
    return buf_str(&m->long_word);
}

/* In words as unicode61 has them, which FT.* uses too (text/words.h); in FTS5's own trigrams. */
static int tokenize(struct archive_matcher *m, void *ctx, int why, struct str text,
                    int (*fn)(void *, int, const char *, int, int, int))
{
    struct words w;
    int e = SQLITE_OK;

    if (text.n > INT32_MAX / 2) text.n = INT32_MAX / 2;
    if (text.n == 0) return SQLITE_OK;
    if (m->tokenizer != NULL) return m->api.xTokenize(m->tokenizer, ctx, why, text.p, (int)text.n, fn);
    words_open_as(&w, text, WORDS_AS_FTS5);
    while (e == SQLITE_OK && words_next(&w)) {
        struct str word = whole_word(m, &w);
        e = fn(ctx, 0, word.p, (int)word.n, (int)w.at, (int)(w.at + w.len));
    }
    return e;
}

/* --- the query ------------------------------------------------------------------------------------------- */

struct compile {
    struct archive_matcher *m;
    size_t offsets[MATCH_TOKENS];
    size_t n; /* tokens so far */
    bool too_many;
};

static int add_token(void *ctx, int flags, const char *p, int n, int from, int to)
{
    struct compile *c = ctx;
    struct archive_matcher *m = c->m;

    (void)from, (void)to;
    if (flags & FTS5_TOKEN_COLOCATED) return SQLITE_OK;
    if (c->n == MATCH_TOKENS) {
        c->too_many = true;
        return SQLITE_DONE;
    }
    c->offsets[c->n] = m->text.n;
    m->tokens[c->n++].n = (size_t)n;
    buf_add(&m->text, p, (size_t)n);
    return SQLITE_OK;
}

static size_t characters(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The tokens of one word: a term, unless there are none. */
static void add_term(struct compile *c, const struct archive_word *w)
{
    struct archive_matcher *m = c->m;
    bool trigram = m->fts == ARCHIVE_FTS_TRIGRAM;
    size_t from = c->n, term = m->n_terms;

    tokenize(m, c, FTS5_TOKENIZE_QUERY, w->text, add_token);
    if (c->n == from || c->too_many) return;
    for (size_t i = from; i < c->n; i++) m->term_of[i] = (uint8_t)term;
    m->first |= 1ULL << from;
    m->last |= 1ULL << (c->n - 1);
    if (w->prefix && !trigram) m->may_prefix |= 1ULL << (c->n - 1);
    m->terms[term] = (struct archive_term){ .group = w->group,
                                            .excluded = w->excluded,
                                            .prefix = w->prefix && !trigram,
                                            .n_tokens = (uint8_t)(c->n - from) };
    *(w->excluded ? &m->unwanted[w->group] : &m->wanted[w->group]) |= 1U << term;
    m->n_terms++;
}

/* A phrase in FTS5's words: the tokens in quotes. They are letters, digits and what is beyond ASCII with unicode61; a
 * quote in one of trigram's is doubled. */
static void put_term(struct archive_matcher *m, const struct archive_word *w, const struct archive_term *t)
{
    buf_add_char(&m->fts5, '"');
    for (size_t i = 0; i < w->text.n; i++) {
        if (w->text.p[i] == '"') buf_add_char(&m->fts5, '"');
        buf_add_char(&m->fts5, w->text.p[i] == '\0' ? ' ' : w->text.p[i]);
    }
    buf_add_c(&m->fts5, t->prefix ? "\" *" : "\"");
}

/* Terms of the group that are excluded, or are not; false: there are none. */
static bool put_terms(struct archive_matcher *m, const struct archive_word *const *words, unsigned group,
                      bool excluded, const char *between)
{
    bool any = false;

    for (size_t i = 0; i < m->n_terms; i++) {
        if (m->terms[i].group != group || m->terms[i].excluded != excluded) continue;
        buf_add_c(&m->fts5, any ? between : "(");
        put_term(m, words[i], &m->terms[i]);
        any = true;
    }
    if (any) buf_add_char(&m->fts5, ')');
    return any;
}

/* words: those of the terms. A group of which nothing is left to look for is left out. */
static void put_query(struct archive_matcher *m, const struct archive_word *const *words)
{
    bool any = false;

    for (unsigned g = 0; g < m->groups; g++) {
        if (m->wanted[g] == 0) continue;
        if (any) buf_add_c(&m->fts5, " OR ");
        any = true;
        buf_add_char(&m->fts5, '(');
        put_terms(m, words, g, false, " AND ");
        if (m->unwanted[g] != 0) {
            buf_add_c(&m->fts5, " NOT ");
            put_terms(m, words, g, true, " OR ");
        }
        buf_add_char(&m->fts5, ')');
    }
    buf_add_char(&m->fts5, '\0');
}

/* The terms stand in the order in which put_query names them: FTS5 numbers its phrases so. */
static void compile_words(struct compile *c, const struct archive_words *words,
                          const struct archive_word **kept)
{
    struct archive_matcher *m = c->m;

    for (unsigned g = 0; g < words->groups; g++) {
        for (int excluded = 0; excluded < 2; excluded++) {
            for (size_t i = 0; i < words->n && !c->too_many; i++) {
                const struct archive_word *w = &words->list[i];
                size_t before = m->n_terms;
                if (w->group != g || w->excluded != (excluded != 0) || characters(w->text) < m->min_word)
                    continue;
                if (w->excluded && m->wanted[g] == 0) continue;
                add_term(c, w);
                if (m->n_terms > before) kept[before] = w;
            }
        }
    }
}

static enum err refuse(const struct archive_matcher *m, const struct compile *c, char why[WORDS_WHY])
{
    if (c->too_many) {
        snprintf(why, WORDS_WHY, "the query is too long: at most %d %s", MATCH_TOKENS,
                 m->fts == ARCHIVE_FTS_TRIGRAM ? "characters, about (archive-fts trigram)"
                                               : "words, those of phrases included");
    } else if (m->fts == ARCHIVE_FTS_TRIGRAM) {
        snprintf(why, WORDS_WHY,
                 "the query has nothing to look for: archive-fts trigram needs three characters in a row");
    } else {
        snprintf(why, WORDS_WHY, "the query has nothing to look for: it has neither letters nor digits");
    }
    return ERR_SYNTAX;
}

enum err archive_matcher_init(struct archive_matcher *m, sqlite3 *db, enum archive_fts fts,
                              const struct archive_words *words, char why[WORDS_WHY])
{
    const struct archive_word *kept[WORDS_MAX];
    struct compile c = { .m = m };
    bool any = false;

    memset(m, 0, sizeof *m);
    m->fts = fts;
    m->groups = words->groups;
    m->min_word = fts == ARCHIVE_FTS_TRIGRAM ? 3 : 1;
    if (fts == ARCHIVE_FTS_TRIGRAM && !open_trigram(m, db)) {
        snprintf(why, WORDS_WHY, "SQLite gives no tokenizer");
        return ERR_OOM;
    }
    m->everything = words->everything;
    if (m->everything) return OK;
    compile_words(&c, words, kept);
    for (unsigned g = 0; g < m->groups; g++) any = any || m->wanted[g] != 0;
    if (c.too_many || !any) return refuse(m, &c, why);
    m->n_tokens = c.n;
    for (size_t i = 0; i < c.n; i++) {
        m->tokens[i].p = m->text.p + c.offsets[i];
        m->by_byte[(unsigned char)m->tokens[i].p[0]] |= 1ULL << i;
    }
    put_query(m, kept);
    return OK;
}

void archive_matcher_fini(struct archive_matcher *m)
{
    if (m->tokenizer != NULL) m->api.xDelete(m->tokenizer);
    m->tokenizer = NULL;
    buf_fini(&m->text);
    buf_fini(&m->fts5);
    buf_fini(&m->long_word);
}

/* --- texts ----------------------------------------------------------------------------------------------- */

/* The tokens of the query that this one is, or begins as. */
static inline uint64_t tokens_like(const struct archive_matcher *m, const char *p, size_t n)
{
    uint64_t left = n > 0 ? m->by_byte[(unsigned char)p[0]] : 0, like = 0;

    for (; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctzll(left);
        size_t want = m->tokens[i].n;
        if (n != want && (n < want || (m->may_prefix >> i & 1) == 0)) continue;
        if (memcmp(p, m->tokens[i].p, want) == 0) like |= 1ULL << i;
    }
    return like;
}

struct scan {
    struct archive_matcher *m;
    struct archive_match *out;
    uint64_t state;
};

static int scan_token(void *ctx, int flags, const char *p, int n, int from, int to)
{
    struct scan *s = ctx;
    const struct archive_matcher *m = s->m;
    uint64_t hits;

    (void)from, (void)to;
    if (flags & FTS5_TOKEN_COLOCATED) return SQLITE_OK;
    s->out->tokens++;
    s->state = (s->state << 1 | m->first) & tokens_like(m, p, (size_t)n);
    for (hits = s->state & m->last; hits != 0; hits &= hits - 1) {
        unsigned term = m->term_of[__builtin_ctzll(hits)];
        s->out->times[term]++;
        s->out->found |= 1U << term;
    }
    return SQLITE_OK;
}

bool archive_match(struct archive_matcher *m, struct str text, struct archive_match *out)
{
    struct scan s = { .m = m, .out = out };

    memset(out, 0, sizeof *out);
    tokenize(m, &s, FTS5_TOKENIZE_DOCUMENT, text, scan_token);
    for (unsigned g = 0; g < m->groups; g++) {
        if (m->wanted[g] != 0 && (out->found & m->wanted[g]) == m->wanted[g] &&
            (out->found & m->unwanted[g]) == 0)
            return true;
    }
    return m->everything;
}

/* --- showing --------------------------------------------------------------------------------------------- */

enum { SHOW_MARKS = 128, SHOW_BEFORE = 160 };

/* Where words of the query stand, joined where they overlap; as many as fit in what is shown. */
struct marks {
    struct archive_matcher *m;
    uint64_t state;
    size_t starts[MATCH_TOKENS]; /* where the last tokens began: a ring */
    size_t n_seen;
    struct {
        size_t from, to;
    } at[SHOW_MARKS];
    size_t n;
    size_t until; /* what stands behind is not shown */
    bool whole;   /* the text is shown whole */
};

static size_t begin_of(const struct marks *s, unsigned last_token)
{
    size_t back = (size_t)s->m->terms[s->m->term_of[last_token]].n_tokens - 1;

    return s->starts[(s->n_seen - 1 - back) % MATCH_TOKENS];
}

static void mark(struct marks *s, size_t from, size_t to)
{
    if (s->n > 0 && from <= s->at[s->n - 1].to) {
        if (from < s->at[s->n - 1].from) s->at[s->n - 1].from = from;
        if (to > s->at[s->n - 1].to) s->at[s->n - 1].to = to;
        return;
    }
    if (s->n == SHOW_MARKS) return;
    s->at[s->n].from = from;
    s->at[s->n++].to = to;
}

static int mark_token(void *ctx, int flags, const char *p, int n, int from, int to)
{
    struct marks *s = ctx;
    const struct archive_matcher *m = s->m;
    uint64_t hits;

    if (flags & FTS5_TOKEN_COLOCATED) return SQLITE_OK;
    if ((size_t)from > s->until) return SQLITE_DONE;
    s->starts[s->n_seen++ % MATCH_TOKENS] = (size_t)from;
    s->state = (s->state << 1 | m->first) & tokens_like(m, p, (size_t)n);
    for (hits = s->state & m->last; hits != 0; hits &= hits - 1) {
        unsigned i = (unsigned)__builtin_ctzll(hits);
        if (m->terms[m->term_of[i]].excluded) continue;
        mark(s, begin_of(s, i), (size_t)to);
        if (!s->whole && s->until == SIZE_MAX) s->until = begin_of(s, i) + SHOW_BYTES;
    }
    return SQLITE_OK;
}

/* The beginning of a character at or before `at`, or at or behind it. */
static size_t character_at(struct str text, size_t at, bool behind)
{
    size_t i = at;

    for (int left = 4; left > 0 && i > 0 && i < text.n && ((unsigned char)text.p[i] & 0xc0) == 0x80; left--) {
        i += behind ? 1 : (size_t)-1;
    }
    return i;
}

/* The same for words: a blank nearby, else a character. */
static size_t word_at(struct str text, size_t at, bool behind)
{
    for (size_t d = 0; d < 24 && d < at && at + d < text.n; d++) {
        size_t i = behind ? at + d : at - d;
        if (text.p[i] == ' ' || text.p[i] == '\n') return behind ? i + 1 : i;
    }
    return character_at(text, at, behind);
}

/* What is shown of a long text: from a little before the first mark. */
static void window(const struct marks *s, struct str text, size_t *from, size_t *to)
{
    *from = 0;
    *to = text.n;
    if (s->whole) return;
    if (s->n > 0 && s->at[0].from > SHOW_BEFORE) *from = word_at(text, s->at[0].from - SHOW_BEFORE, true);
    if (text.n - *from > SHOW_BYTES) *to = word_at(text, *from + SHOW_BYTES, false);
}

void archive_match_show(struct archive_matcher *m, struct str text, struct str begin, struct str end,
                        struct buf *out)
{
    struct marks s = { .m = m, .until = SIZE_MAX, .whole = text.n <= SHOW_BYTES };
    size_t from, to, at;

    tokenize(m, &s, FTS5_TOKENIZE_DOCUMENT, text, mark_token);
    window(&s, text, &from, &to);
    if (from > 0) buf_add_c(out, "\xe2\x80\xa6");
    at = from;
    for (size_t i = 0; i < s.n && s.at[i].from < to; i++) {
        size_t stop = s.at[i].to < to ? s.at[i].to : to;
        if (s.at[i].from < at) continue;
        buf_add(out, text.p + at, s.at[i].from - at);
        buf_add_str(out, begin);
        buf_add(out, text.p + s.at[i].from, stop - s.at[i].from);
        buf_add_str(out, end);
        at = stop;
    }
    buf_add(out, text.p + at, to - at);
    if (to < text.n) buf_add_c(out, "\xe2\x80\xa6");
}
