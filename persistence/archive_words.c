/* archive_words.c -- queries as people type them. See archive_words.h. */
#include <stdio.h>

#include "persistence/archive_words.h"

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static enum err refuse(char why[WORDS_WHY], const char *text)
{
    snprintf(why, WORDS_WHY, "%s", text);
    return ERR_SYNTAX;
}

/* --- parsing --------------------------------------------------------------------------------------------- */

struct parse {
    struct archive_words *words;
    struct str query;
    size_t at;
    unsigned group;
    bool in_group; /* the group has a word to look for */
    bool exclude;  /* NOT or - stood before what comes */
    char *why;
};

static enum err add(struct parse *p, struct str text, bool prefix)
{
    struct archive_words *w = p->words;

    if (w->n == WORDS_MAX) {
        snprintf(p->why, WORDS_WHY, "a search has at most %d words and phrases", WORDS_MAX);
        return ERR_SYNTAX;
    }
    w->list[w->n++] = (struct archive_word){ .text = text,
                                             .at = (uint32_t)(text.p - p->query.p),
                                             .group = (uint8_t)p->group,
                                             .excluded = p->exclude,
                                             .prefix = prefix };
    p->in_group = p->in_group || !p->exclude;
    p->exclude = false;
    return OK;
}

static bool take_star(struct parse *p)
{
    if (p->at == p->query.n || p->query.p[p->at] != '*') return false;
    p->at++;
    return true;
}

static enum err parse_phrase(struct parse *p)
{
    const char *from = p->query.p + p->at + 1;
    const char *end = memchr(from, '"', p->query.n - p->at - 1);

    if (end == NULL) {
        snprintf(p->why, WORDS_WHY, "the quote at character %zu of the query is not closed", p->at + 1);
        return ERR_SYNTAX;
    }
    p->at = (size_t)(end + 1 - p->query.p);
    if (memchr(from, '\0', (size_t)(end - from)) != NULL)
        return refuse(p->why, "a phrase of the query has a zero byte in it");
    return add(p, str_of(from, (size_t)(end - from)), take_star(p));
}

/* The group is complete: it must look for something. */
static enum err end_group(struct parse *p)
{
    if (p->exclude) return refuse(p->why, "nothing follows NOT in the query");
    if (!p->in_group)
        return refuse(p->why, "the query has nothing to look for: a word that is not excluded is needed");
    p->in_group = false;
    p->group++;
    return OK;
}

static enum err parse_word(struct parse *p)
{
    const char *q = p->query.p;
    size_t from = p->at;
    struct str word;

    while (p->at < p->query.n && !is_blank(q[p->at]) && q[p->at] != '"') p->at++;
    word = str_of(q + from, p->at - from);
    if (str_eq(word, STR("OR"))) return end_group(p);
    if (str_eq(word, STR("AND"))) return OK;
    if (str_eq(word, STR("NOT"))) {
        p->exclude = true;
        return OK;
    }
    if (word.n > 1 && word.p[word.n - 1] == '*') return add(p, str_of(word.p, word.n - 1), true);
    return add(p, word, false);
}

static bool has_minus(const struct parse *p)
{
    return p->query.p[p->at] == '-' && p->at + 1 < p->query.n && !is_blank(p->query.p[p->at + 1]);
}

enum err archive_words_parse(struct archive_words *w, struct str query, char why[WORDS_WHY])
{
    struct parse p = { .words = w, .query = query, .why = why };
    enum err e = OK;

    w->n = 0;
    w->groups = 0;
    w->everything = str_eq(query, STR("*"));
    if (w->everything) return OK;
    if (query.n > WORDS_BYTES_MAX) {
        snprintf(why, WORDS_WHY, "the query is longer than %d bytes", WORDS_BYTES_MAX);
        return ERR_SYNTAX;
    }
    while (e == OK) {
        while (p.at < query.n && is_blank(query.p[p.at])) p.at++;
        if (p.at == query.n) break;
        if (has_minus(&p)) {
            p.exclude = true;
            p.at++;
        }
        e = query.p[p.at] == '"' ? parse_phrase(&p) : parse_word(&p);
    }
    if (e == OK) e = end_group(&p);
    w->groups = p.group;
    return e;
}

/* --- the sieve ------------------------------------------------------------------------------------------- */

enum { SIEVE_BITS = 64 };

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static size_t characters(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* One run of letters: bits from *bit on, at most `most` of them: the beginning of a run is needed where the run is. */
static void add_run(struct archive_sieve *s, struct str run, size_t most, unsigned *bit, unsigned group)
{
    size_t n = run.n < most ? run.n : most;

    if (n == 0 || *bit + n > SIEVE_BITS) return;
    s->first |= 1ULL << *bit;
    for (size_t i = 0; i < n; i++) {
        char c = char_lower(run.p[i]);
        s->step[(unsigned char)c] |= 1ULL << (*bit + i);
        if (c >= 'a' && c <= 'z') s->step[(unsigned char)(c - 32)] |= 1ULL << (*bit + i);
    }
    *bit += (unsigned)n;
    s->last |= 1ULL << (*bit - 1);
    s->need[group] |= 1ULL << (*bit - 1);
}

static void add_word(struct archive_sieve *s, const struct archive_word *w, size_t most, unsigned *bit)
{
    size_t from = 0;

    for (size_t i = 0; i <= w->text.n; i++) {
        if (i < w->text.n && is_letter((unsigned char)w->text.p[i])) continue;
        add_run(s, str_of(w->text.p + from, i - from), most, bit, w->group);
        from = i + 1;
    }
}

void archive_sieve_make(struct archive_sieve *s, const struct archive_words *w, size_t min)
{
    size_t wanted = 0;
    unsigned bit = 0;

    memset(s, 0, sizeof *s);
    s->groups = w->groups;
    for (size_t i = 0; i < w->n; i++) wanted += !w->list[i].excluded;
    for (size_t i = 0; i < w->n; i++) {
        const struct archive_word *word = &w->list[i];
        if (!word->excluded && characters(word->text) >= min) add_word(s, word, SIEVE_BITS / wanted, &bit);
    }
    s->open = w->everything;
    for (unsigned g = 0; g < s->groups; g++) s->open = s->open || s->need[g] == 0;
}

static bool enough(const struct archive_sieve *s, uint64_t seen)
{
    for (unsigned g = 0; g < s->groups; g++) {
        if ((seen & s->need[g]) == s->need[g]) return true;
    }
    return false;
}

/* \uXXXX at p? */
static bool is_escape(const unsigned char *p, const unsigned char *end)
{
    if (end - p < 6 || p[1] != 'u') return false;
    for (int i = 2; i < 6; i++) {
        if (!is_letter(p[i])) return false;
    }
    return true;
}

/* A character that may be any letter, or none. */
static uint64_t any_letter(const struct archive_sieve *s, uint64_t state)
{
    return state | state << 1 | s->first;
}

bool archive_sieve_look(const struct archive_sieve *s, struct archive_sifted *v, struct str piece)
{
    const unsigned char *p = (const unsigned char *)piece.p, *end = p + piece.n;
    uint64_t state = 0, seen = v->seen, late = 0;
    const unsigned char *late_at = end; /* where `late`, the state that an escape leads to, joins */

    if (s->open) return true;
    for (; p < end; p++) {
        uint64_t hit;
        if (p == late_at) {
            state |= late;
            late_at = end;
        }
        if (*p >= 0x80) {
            while (p + 1 < end && (p[1] & 0xc0) == 0x80) p++;
            state = any_letter(s, state);
        } else {
            if (*p == '\\' && is_escape(p, end)) {
                late = any_letter(s, state);
                seen |= late & s->last;
                late_at = p + 6;
            }
            state = (state << 1 | s->first) & s->step[*p];
        }
        hit = state & s->last & ~seen;
        if (hit == 0) continue;
        seen |= hit;
        if (enough(s, seen)) break;
    }
    v->seen = seen;
    return enough(s, seen);
}
