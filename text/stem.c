/* stem.c -- languages: Snowball's stemmers, and stop words. See words.h. */
#include <libstemmer.h>

#include "base/mem.h"
#include "text/words.h"

enum { LANGUAGE_MAX = 32 };

struct stemmer {
    struct sb_stemmer *snowball;
    bool is_english;
};

/* In small letters, ended by NUL. False: longer than any name. */
static bool lower_name(struct str language, char out[LANGUAGE_MAX])
{
    if (language.n >= LANGUAGE_MAX) return false;
    for (size_t i = 0; i < language.n; i++) out[i] = char_lower(language.p[i]);
    out[language.n] = '\0';
    return true;
}

/* Names of languages alone: not the codes that libstemmer knows as well. */
bool stemmer_knows(struct str language)
{
    char name[LANGUAGE_MAX];

    if (!lower_name(language, name)) return false;
    for (const char **l = sb_stemmer_list(); *l != NULL; l++)
        if (strcmp(*l, name) == 0) return true;
    return false;
}

bool language_is_known(struct str language)
{
    return stemmer_knows(language) || str_is_word(language, "chinese") || str_is_word(language, "none");
}

struct stemmer *stemmer_new(struct str language)
{
    char name[LANGUAGE_MAX];
    struct sb_stemmer *snowball;
    struct stemmer *s;

    if (!stemmer_knows(language) || !lower_name(language, name)) return NULL;
    snowball = sb_stemmer_new(name, "UTF_8");
    if (snowball == NULL) return NULL;
    s = mem_alloc(sizeof *s);
    s->snowball = snowball;
    s->is_english = strcmp(name, "english") == 0;
    return s;
}

void stemmer_free(struct stemmer **s)
{
    if (*s == NULL) return;
    sb_stemmer_delete((*s)->snowball);
    mem_free(*s);
    *s = NULL;
}

/* No ending that Snowball takes off an English word, or puts in place of one, is behind these letters: such words are their own
 * stems, which takes two thousand instructions to find out otherwise. */
static bool is_bare(struct str word)
{
    static const char last[] = "abfhjkopquvwxz0123456789";

    return word.n > 0 && word.p[0] != '\'' && memchr(last, word.p[word.n - 1], sizeof last - 1) != NULL;
}

struct str stemmer_stem(struct stemmer *s, struct str word)
{
    const sb_symbol *stem;

    if (s->is_english && is_bare(word)) return word;
    stem = sb_stemmer_stem(s->snowball, (const sb_symbol *)word.p, (int)word.n);

    if (stem == NULL) return word; /* no memory: the word is its own stem */
    return str_of(stem, (size_t)sb_stemmer_length(s->snowball));
}

const char *const stop_words_english[] = {
    "a",    "an",    "and",   "are",   "as",    "at",   "be",   "but", "by",  "for",  "if",
    "in",   "into",  "is",    "it",    "no",    "not",  "of",   "on",  "or",  "such", "that",
    "the",  "their", "then",  "there", "these", "they", "this", "to",  "was", "will", "with", NULL,
};
