/* query_text.c -- the parts of a query that are words.
 *
 * Words of a query are split as those of documents are (text/words.h). A word that has escapes is searched for as it is
 * and, since documents do not keep what parts words, as the words that it is made of, side by side. */
#include "search/query_impl.h"

enum { PHRASE_MAX = 256 }; /* words */

static struct query_node *text_node(struct parser *p, uint64_t fields, const struct text_word *words, size_t n)
{
    struct query_node *node = parser_node(p, QUERY_TEXT);
    struct text_word *kept = arena_alloc(p->arena, n * sizeof *kept);

    memcpy(kept, words, n * sizeof *kept);
    node->text = (struct text_phrase){ .words = kept, .n = n, .slop = -1, .fields = fields, .language = p->rules->language };
    return node;
}

static bool is_stop_word(const struct parser *p, struct str word)
{
    const struct text_index *t = index_text(p->ix);

    return t != NULL && !p->rules->no_stop_words && text_is_stop_word(t, word);
}

/* In Chinese characters are words of their own (text_scan.c): of punctuation alone nothing would be left to look for. */
static bool is_nothing(const struct parser *p, struct str word)
{
    struct words w;

    if (!str_is_word(p->rules->language.n > 0 ? p->rules->language : p->spec->language, "chinese")) return false;
    words_open_as(&w, word, WORDS_HAN_APART);
    return !words_next(&w);
}

/* The words of text, folded, at most PHRASE_MAX of them; stop words stay out where drop says so. *dropped: any did. */
static size_t split(struct parser *p, struct str text, bool drop, bool *dropped, struct text_word *out)
{
    struct words w;
    size_t n = 0;

    *dropped = false;
    words_open(&w, text);
    while (words_next(&w)) {
        if (is_nothing(p, w.word)) continue;
        if (drop && is_stop_word(p, w.word)) {
            *dropped = true;
            continue;
        }
        if (n == PHRASE_MAX) {
            parser_fail(p, "More than %d words in one phrase", PHRASE_MAX);
            return 0;
        }
        out[n++] = (struct text_word){ .how = TEXT_WORD, .word = arena_dup(p->arena, w.word), .verbatim = p->rules->verbatim };
    }
    return n;
}

static struct query_node *phrase(struct parser *p, uint64_t fields, const struct text_word *words, size_t n)
{
    struct query_node *node = text_node(p, fields, words, n);

    node->text.slop = n > 1 ? 0 : -1;
    node->text.in_order = n > 1;
    node->exact = true;
    return node;
}

static struct query_node *either(struct parser *p, struct query_node *a, struct query_node *b)
{
    struct query_node *node = parser_node(p, QUERY_OR);

    parser_add(p, node, a);
    parser_add(p, node, b);
    return node;
}

/* --- plain ------------------------------------------------------------------------------------------------------- */

/* All of the words, anywhere. */
static struct query_node *all_words(struct parser *p, uint64_t fields, const struct text_word *words, size_t n)
{
    struct query_node *all;

    if (n == 0) return NULL;
    if (n == 1) return text_node(p, fields, words, 1);
    all = parser_node(p, QUERY_AND);
    for (size_t i = 0; i < n; i++) parser_add(p, all, text_node(p, fields, &words[i], 1));
    return all;
}

static struct query_node *plain(struct parser *p, uint64_t fields, struct str text)
{
    struct text_word words[PHRASE_MAX], parts[PHRASE_MAX];
    bool dropped;
    size_t n = split(p, text, true, &dropped, words), n_parts;
    struct query_node *node = all_words(p, fields, words, n);

    if (node == NULL || memchr(text.p, '\\', text.n) == NULL) return node;
    n_parts = split(p, parser_unescape(p, text), true, &dropped, parts);
    return n_parts > 1 ? either(p, node, phrase(p, fields, parts, n_parts)) : node;
}

/* "": the documents with an empty text in one of the fields. */
static struct query_node *empty_text(struct parser *p, uint64_t fields)
{
    const struct index_spec *spec = index_spec(p->ix);
    struct query_node *node = NULL, *one;

    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct field_spec *f = &spec->fields[i];

        if (f->type != FIELD_TEXT || !f->index_empty || f->no_index || !(fields >> f->text_field & 1)) continue;
        one = parser_node(p, QUERY_EMPTY);
        one->field = f;
        node = node == NULL ? one : either(p, node, one);
    }
    if (node != NULL || fields == p->rules->fields) return node ? node : parser_node(p, QUERY_NONE);
    return parser_fail(p, "Use `INDEXEMPTY` in field creation in order to index and query for empty strings");
}

static struct query_node *quoted(struct parser *p, uint64_t fields, struct str text)
{
    struct text_word words[PHRASE_MAX];
    bool dropped;
    size_t n = split(p, text, true, &dropped, words);

    if (text.n == 0) return empty_text(p, fields);
    if (n == 0) return dropped ? NULL : parser_node(p, QUERY_NONE);
    for (size_t i = 0; i < n; i++) words[i].verbatim = true;
    return phrase(p, fields, words, n);
}

/* --- parts of words ---------------------------------------------------------------------------------------------- */

static struct query_node *one(struct parser *p, uint64_t fields, enum text_match how, struct str text, uint8_t distance)
{
    struct buf folded = { 0 };
    struct text_word word = { .how = how, .distance = distance, .verbatim = true };

    words_fold(text, 0, &folded);
    word.word = arena_dup(p->arena, buf_str(&folded));
    buf_fini(&folded);
    return word.word.n > 0 ? text_node(p, fields, &word, 1) : parser_node(p, QUERY_NONE);
}

/* Where the first word of text begins and the last one ends. */
static void extent(struct str text, size_t *from, size_t *to)
{
    struct words w;

    *from = *to = 0;
    words_open(&w, text);
    if (words_next(&w)) *from = w.at;
    do *to = w.at + w.len;
    while (words_next(&w));
}

/* text is several words (alone: or one beside something that parts words), the outer ones of which are not whole: but where something
 * that parts words, a dash say, ends them. NULL: it is not. */
static struct query_node *open_phrase(struct parser *p, uint64_t fields, enum text_match how, struct str text, bool alone)
{
    struct text_word words[PHRASE_MAX];
    size_t n, from, to, kept = 0;
    bool dropped;

    n = split(p, text, false, &dropped, words);
    extent(text, &from, &to);
    if (n < (alone ? 1 : 2) || (n == 1 && to - from == text.n)) return NULL;
    if ((how == TEXT_PREFIX || how == TEXT_INFIX) && to == text.n) words[n - 1].how = TEXT_PREFIX;
    if ((how == TEXT_SUFFIX || how == TEXT_INFIX) && from == 0) words[0].how = TEXT_SUFFIX;
    for (size_t i = 0; i < n; i++) { /* documents do not have their stop words */
        words[i].verbatim = true;
        if (words[i].how != TEXT_WORD || !is_stop_word(p, words[i].word)) words[kept++] = words[i];
    }
    return kept > 0 ? phrase(p, fields, words, kept) : NULL;
}

/* A long word is in the index by its beginning and a digest (text/words.h): by more than that it is found itself, if no other that begins
 * so. NULL: text is no such word. */
static struct query_node *long_word(struct parser *p, uint64_t fields, struct str text)
{
    struct text_word word = { .how = TEXT_WORD, .verbatim = true };
    struct words w;

    words_open(&w, text);
    if (text.n <= WORD_MAX || !words_next(&w) || w.len < text.n) return NULL;
    word.word = arena_dup(p->arena, w.word);
    return text_node(p, fields, &word, 1);
}

static struct query_node *affix(struct parser *p, uint64_t fields, const struct token *t)
{
    struct str text = t->text;
    struct query_node *node, *parts;

    if (t->is_param && !parser_param(p, t->text, &text)) return NULL;
    if (t->how == TEXT_WILDCARD) return one(p, fields, t->how, text, 0);
    node = one(p, fields, t->how, t->is_param ? text : parser_unescape(p, text), 0);
    parts = open_phrase(p, fields, t->how, text, true); /* of documents with the same escapes */
    if (parts) node = either(p, node, parts);
    if (t->how == TEXT_PREFIX && (parts = long_word(p, fields, text)) != NULL) node = either(p, node, parts);
    if (t->is_param || memchr(text.p, '\\', text.n) == NULL) return node;
    parts = open_phrase(p, fields, t->how, parser_unescape(p, text), false);
    return parts ? either(p, node, parts) : node;
}

/* %word%, %%word%%, %%%word%%%: so many edits. */
static struct query_node *fuzzy(struct parser *p, uint64_t fields)
{
    uint8_t n = 0;
    struct str text;

    for (; lex_is(&p->lex, '%'); n++) {
        if (n == 3) return parser_fail_here(p);
        lex_next(&p->lex);
    }
    text = p->lex.token.text;
    if (p->lex.token.kind == TOKEN_PARAM) {
        if (!parser_param(p, text, &text)) return NULL;
    } else if (p->lex.token.kind == TOKEN_WORD) {
        text = parser_unescape(p, text);
    } else {
        return parser_fail_here(p);
    }
    lex_next(&p->lex);
    for (uint8_t i = 0; i < n; i++) {
        if (!lex_is(&p->lex, '%')) return parser_fail_here(p);
        lex_next(&p->lex);
    }
    return one(p, fields, TEXT_FUZZY, text, n);
}

struct query_node *parse_text(struct parser *p, uint64_t fields)
{
    struct token t = p->lex.token;
    struct str value;

    fields &= p->rules->fields;
    if (t.kind == TOKEN_SIGN) return fuzzy(p, fields);
    lex_next(&p->lex);
    switch (t.kind) {
    case TOKEN_AFFIX: return affix(p, fields, &t);
    case TOKEN_QUOTED: return quoted(p, fields, t.text);
    case TOKEN_PARAM:
        if (!parser_param(p, t.text, &value)) return NULL;
        return value.n > 0 ? plain(p, fields, value) : empty_text(p, fields);
    default: return plain(p, fields, t.text);
    }
}

/* --- nearness ---------------------------------------------------------------------------------------------------- */

static bool is_one_word(const struct query_node *n, uint64_t fields)
{
    return n->kind == QUERY_TEXT && n->text.n == 1 && n->text.fields == fields && n->weight == 1 && n->sound == SOUND_AS_ABOVE;
}

void parser_bring_near(struct parser *p, struct query_node *node, int slop, bool in_order)
{
    struct text_word words[PHRASE_MAX];
    struct query_node *first = NULL, *near;
    size_t n = 0, kept = 0;

    for (size_t i = 0; i < node->n_children && n < PHRASE_MAX; i++) {
        struct query_node *c = node->children[i];

        if (first == NULL && c->kind == QUERY_TEXT && c->text.n == 1) first = c;
        if (first != NULL && is_one_word(c, first->text.fields)) words[n++] = c->text.words[0];
    }
    if (n < 2) return;
    near = text_node(p, first->text.fields, words, n);
    near->text.slop = slop;
    near->text.in_order = in_order;
    for (size_t i = 0, used = 0; i < node->n_children; i++) {
        struct query_node *c = node->children[i];

        if (is_one_word(c, first->text.fields) && used < n) {
            if (used++ == 0) node->children[kept++] = near;
        } else {
            node->children[kept++] = c;
        }
    }
    node->n_children = kept;
}

/* --- sound ------------------------------------------------------------------------------------------------------- */

static uint64_t phonetic_fields(const struct index_spec *s)
{
    uint64_t fields = 0;

    for (size_t i = 0; i < s->n_fields; i++) {
        const struct field_spec *f = &s->fields[i];

        if (f->type == FIELD_TEXT && !f->no_index && f->phonetic.n > 0) fields |= 1ULL << f->text_field;
    }
    return fields;
}

static void mute(struct parser *p, struct text_phrase *text)
{
    struct text_word *words = arena_alloc(p->arena, text->n * sizeof *words);

    memcpy(words, text->words, text->n * sizeof *words);
    for (size_t i = 0; i < text->n; i++) words[i].no_sound = true;
    text->words = words;
}

/* sound: as it was said above. The fields that words within node are looked for in. */
static uint64_t set_sound(struct parser *p, struct query_node *node, enum query_sound sound, uint64_t phonetic)
{
    uint64_t fields = node->kind == QUERY_TEXT ? node->text.fields : 0;

    if (node->sound != SOUND_AS_ABOVE) sound = node->sound;
    if (node->kind == QUERY_TEXT && sound == SOUND_OFF) mute(p, &node->text);
    for (size_t i = 0; i < node->n_children; i++) fields |= set_sound(p, node->children[i], sound, phonetic);
    if (node->sound != SOUND_AS_ABOVE && fields != 0 && (fields & phonetic) == 0) parser_fail(p, "field does not support phonetics");
    return fields;
}

void parser_set_sounds(struct parser *p, struct query_node *root)
{
    set_sound(p, root, SOUND_AS_ABOVE, phonetic_fields(p->spec));
}
