/* ft_spell_cmd.c -- FT.SPELLCHECK: words of a query that no document has, and those of the index or of dictionaries that are like them.
 *
 * A job (ft_job.h), since all words of the index may have to be looked at: one fuzzy scan for each word of the query, and one of each
 * dictionary (by name: it may go meanwhile). */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "search/query.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "server/rows.h"

enum { POSTINGS_A_STEP = 1024, TERMS_A_STEP = 128, WORDS_AT_MOST = 256, DISTANCE_MAX = 4, LIKE_AT_MOST = 1000 };

struct likeness {
    struct str word, folded;
    uint32_t docs;
};

struct checked {
    struct text_word word;
    bool known; /* or passed over */
    struct likeness *like;
    size_t n, cap;
};

/* TERMS INCLUDE or EXCLUDE. */
struct terms {
    struct str dictionary;
    bool exclude;
};

struct spelling {
    struct ft_job job;
    const struct dictionaries *dictionaries;
    struct arena arena;
    struct str query;
    uint8_t distance;
    int dialect;
    struct checked words[WORDS_AT_MOST];
    size_t n;
    struct terms *terms; /* what is passed over first */
    size_t n_terms;
    /* where it is */
    size_t at, terms_at;
    uint32_t term_at;
    bool index_done;        /* for words[at] */
    struct text_scan *scan; /* of words[at] */
    struct docset found;
};

/* --- the query's words --------------------------------------------------------------------------------------------- */

static void add_word(struct spelling *s, struct str word)
{
    if (s->n == WORDS_AT_MOST) return;
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->words[i].word.word, word)) return;
    s->words[s->n++].word = (struct text_word){ .how = TEXT_FUZZY, .word = word, .distance = s->distance, .verbatim = true };
}

static void collect(struct spelling *s, const struct query_node *q)
{
    for (size_t i = 0; q->kind == QUERY_TEXT && i < q->text.n; i++)
        if (q->text.words[i].how == TEXT_WORD) add_word(s, q->text.words[i].word);
    for (size_t i = 0; i < q->n_children; i++) collect(s, q->children[i]);
}

static bool spelling_begin(struct ft_job *j, struct buf *error)
{
    struct spelling *s = (struct spelling *)j;
    struct query_rules rules = { .dialect = s->dialect, .slop = -1, .fields = ~0ULL };
    struct query_node *q = query_parse(&s->arena, j->ix, s->query, &rules, error);

    if (q == NULL) return false;
    collect(s, q);
    query_free(q);
    return true;
}

/* --- at work ---------------------------------------------------------------------------------------------------------- */

/* Those of the index are before the same of a dictionary. */
static int by_word(const void *a, const void *b)
{
    const struct likeness *x = a, *y = b;
    int c = str_cmp(x->folded, y->folded);

    if (c != 0) return c;
    return x->docs != y->docs ? (x->docs > y->docs ? -1 : 1) : str_cmp(x->word, y->word);
}

static int by_docs(const void *a, const void *b)
{
    const struct likeness *x = a, *y = b;

    if (x->docs != y->docs) return x->docs > y->docs ? -1 : 1;
    return str_cmp(x->word, y->word);
}

static void unite(struct checked *c)
{
    size_t n = 0;

    qsort(c->like, c->n, sizeof *c->like, by_word);
    for (size_t i = 0; i < c->n; i++)
        if (n == 0 || !str_eq(c->like[n - 1].folded, c->like[i].folded)) c->like[n++] = c->like[i];
    c->n = n;
}

/* The most frequent of them, in order. More than so many are no help to anybody, and would be put in order in one piece. */
static void keep_best(const struct spelling *s, struct checked *c)
{
    if (c->n > 0 && s->n_terms > 0) unite(c);
    if (c->n > 0) qsort(c->like, c->n, sizeof *c->like, by_docs);
    if (c->n > LIKE_AT_MOST) c->n = LIKE_AT_MOST;
}

static void add_like(struct spelling *s, struct str word, struct str folded, uint32_t docs)
{
    struct checked *c = &s->words[s->at];

    if (c->n == c->cap) {
        c->cap = c->cap == 0 ? 8 : c->cap * 2;
        c->like = mem_realloc(c->like, c->cap * sizeof *c->like);
    }
    c->like[c->n++] = (struct likeness){ arena_dup(&s->arena, word), arena_dup(&s->arena, folded), docs };
    if (c->n == 2 * LIKE_AT_MOST) keep_best(s, c);
}

static void on_indexed(void *ctx, struct str word, uint32_t docs)
{
    struct spelling *s = ctx;

    if (str_eq(word, s->words[s->at].word.word)) s->words[s->at].known = true;
    add_like(s, word, word, docs);
}

static void on_term(void *ctx, struct str word, struct str folded)
{
    struct spelling *s = ctx;

    if (s->terms[s->terms_at].exclude) s->words[s->at].known = true;
    else add_like(s, word, folded, 0);
}

static void end_word(struct spelling *s)
{
    keep_best(s, &s->words[s->at]);
    s->at++;
    s->index_done = false;
    s->terms_at = 0;
    s->term_at = 0;
}

static void step_index(struct spelling *s)
{
    struct text_phrase p = { .words = &s->words[s->at].word, .n = 1, .slop = -1, .fields = ~0ULL, .expansions = SIZE_MAX };

    if (s->scan == NULL) s->scan = text_scan_new(index_text(s->job.ix), &p);
    if (!text_scan_step(s->scan, POSTINGS_A_STEP, &s->found)) return;
    text_scan_words(s->scan, on_indexed, s);
    text_scan_free(&s->scan);
    docset_clear(&s->found);
    s->index_done = true;
}

static void step_terms(struct spelling *s)
{
    const struct terms *t = &s->terms[s->terms_at];
    const struct dictionary *d = dictionaries_find(s->dictionaries, t->dictionary);

    if (d && !dictionary_like(d, &s->term_at, TERMS_A_STEP, s->words[s->at].word.word, t->exclude ? 0 : s->distance, on_term, s)) return;
    s->terms_at++;
    s->term_at = 0;
}

static bool spelling_step(struct ft_job *j, int64_t deadline_us)
{
    struct spelling *s = (struct spelling *)j;

    while (index_text(j->ix) != NULL && s->at < s->n) {
        if (!s->index_done) step_index(s);
        else if (!s->words[s->at].known && s->terms_at < s->n_terms) step_terms(s);
        else end_word(s);
        if (s->at < s->n && clock_mono_us() >= deadline_us) return false;
    }
    return true;
}

/* --- the answer -------------------------------------------------------------------------------------------------------- */

/* Of each word like it in how many of all documents it is, and the word. */
static void reply_likes(const struct checked *c, double docs, struct reply *out)
{
    reply_array(out, c->n);
    for (size_t i = 0; i < c->n; i++) {
        if (out->resp > 2) {
            reply_map(out, 1);
            reply_bulk(out, c->like[i].word);
            reply_double(out, c->like[i].docs / docs);
        } else {
            reply_array(out, 2);
            reply_double(out, c->like[i].docs / docs);
            reply_bulk(out, c->like[i].word);
        }
    }
}

static void spelling_reply(struct ft_job *j, struct reply *out, bool timed_out)
{
    const struct spelling *s = (struct spelling *)j;
    uint32_t docs = index_docs(j->ix);
    size_t wrong = 0;

    if (timed_out) {
        reply_error(out, STR(FT_TIMED_OUT));
        return;
    }
    for (size_t i = 0; i < s->n; i++) wrong += !s->words[i].known;
    if (out->resp > 2) {
        reply_map(out, 1);
        reply_bulk(out, STR("results"));
        reply_map(out, wrong);
    } else {
        reply_array(out, wrong);
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->words[i].known) continue;
        if (out->resp == 2) {
            reply_array(out, 3);
            reply_simple(out, "TERM");
        }
        reply_bulk(out, s->words[i].word.word);
        reply_likes(&s->words[i], docs > 0 ? docs : 1, out);
    }
}

static void spelling_free(struct ft_job *j)
{
    struct spelling *s = (struct spelling *)j;

    for (size_t i = 0; i < s->n; i++) mem_free(s->words[i].like);
    text_scan_free(&s->scan);
    docset_fini(&s->found);
    arena_fini(&s->arena);
    mem_free(s);
}

static size_t spelling_bytes(const struct ft_job *j)
{
    const struct spelling *s = (const struct spelling *)j;

    return sizeof *s + docset_memory(&s->found) + (s->scan ? text_scan_memory(s->scan) : 0);
}

/* --- the command --------------------------------------------------------------------------------------------------------- */

static enum err parse_terms(struct call *c, size_t i, struct spelling *s)
{
    struct terms t = { 0 };

    if (i + 2 >= c->argc) return call_fail_text(c, STR("TERM arg is given but no TERM params comes after"));
    t.exclude = call_is(c, i + 1, "EXCLUDE");
    if (!t.exclude && !call_is(c, i + 1, "INCLUDE")) return call_fail_text(c, STR("bad format, exclude/include operation was not given"));
    t.dictionary = arena_dup(&s->arena, call_arg(c, i + 2));
    if (dictionaries_find(s->dictionaries, t.dictionary) == NULL)
        return call_fail_text(c, arena_printf(c->arena, "Dict does not exist: %.*s", str_shown(t.dictionary),
                                              t.dictionary.p));
    if (t.exclude) memmove(s->terms + 1, s->terms, s->n_terms * sizeof t);
    s->terms[t.exclude ? 0 : s->n_terms] = t;
    s->n_terms++;
    return OK;
}

static enum err parse(struct call *c, struct spelling *s)
{
    int64_t n;

    s->terms = arena_alloc(&s->arena, (c->argc / 3 + 1) * sizeof *s->terms);
    for (size_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "DISTANCE")) {
            if (i + 1 == c->argc || call_i64(c, ++i, &n) != OK || n < 1 || n > DISTANCE_MAX)
                return call_fail_text(c, STR("bad distance given, distance must be a natural number between 1 to 4"));
            s->distance = (uint8_t)n;
        } else if (call_is(c, i, "DIALECT")) {
            if (i + 1 == c->argc || call_i64(c, ++i, &n) != OK || n < 1 || n > 4)
                return call_fail_text(c, STR("DIALECT requires a non negative integer >=1 and <= 4"));
            s->dialect = (int)n;
        } else if (call_is(c, i, "TERMS")) {
            enum err e = parse_terms(c, i, s);
            if (e != OK) return e;
            i += 2;
        } else {
            return call_fail_text(c, arena_printf(c->arena, "Unknown argument `%.*s`", str_shown(c->argv[i]),
                                                  c->argv[i].p));
        }
    }
    return OK;
}

static enum err run_spellcheck(struct call *c)
{
    struct search_index *ix;
    struct spelling *s;
    enum err e = ft_open(c, call_arg(c, 1), &ix);

    if (e != OK) return e;
    s = mem_zalloc(sizeof *s);
    arena_init(&s->arena);
    s->dictionaries = &c->client->server->ft->now.dictionaries;
    s->distance = 1;
    s->dialect = 2;
    s->query = arena_dup(&s->arena, call_arg(c, 2));
    s->job = (struct ft_job){ .ix = ix, .timeout_ms = ft_job_timeout(c->client->server), .begin = spelling_begin, .step = spelling_step,
                              .reply = spelling_reply, .free = spelling_free, .bytes = spelling_bytes };
    e = parse(c, s);
    if (e == OK) return ft_job_run(c, &s->job);
    spelling_free(&s->job);
    return e;
}

/* clang-format off */

const struct command ft_spell_commands[] = {
    { ROW("ft.spellcheck", run_spellcheck, -3, CMD_READONLY, GROUP_SEARCH, "1.4.0", "O(N), N being the words of the index",
          "Tells which words of a query no document has, and which words of the index are like them."),
      .acl = ACL_SEARCH,
      .args = ARGS({ .name = "index" }, { .name = "query" },
                   { .name = "distance", .type = ARG_T_INTEGER, .token = "DISTANCE", .flags = ARG_OPTIONAL },
                   { .name = "terms", .type = ARG_T_BLOCK, .token = "TERMS", .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN, .subs = ARGS(
                       { .name = "inclusion", .type = ARG_T_ONEOF, .subs = ARGS(
                           { .name = "include", .type = ARG_T_PURE_TOKEN, .token = "INCLUDE" },
                           { .name = "exclude", .type = ARG_T_PURE_TOKEN, .token = "EXCLUDE" }) },
                       { .name = "dictionary" }) },
                   { .name = "dialect", .type = ARG_T_INTEGER, .token = "DIALECT", .flags = ARG_OPTIONAL }),
      .example = "FT.CREATE idx SCHEMA title TEXT | HSET doc title hello | FT.SPELLCHECK idx helo => "
                 "*1\r\n*3\r\n+TERM\r\n$4\r\nhelo\r\n*1\r\n*2\r\n$1\r\n1\r\n$5\r\nhello\r\n" },
    { 0 },
};
