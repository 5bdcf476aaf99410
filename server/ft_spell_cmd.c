/* ft_spell_cmd.c -- FT.SPELLCHECK: words of a query that no document has, and those of the index that are like them.
 *
 * A job (ft_job.h), since all words of the index may have to be looked at: one fuzzy scan for each word of the query. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "search/query.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/ft_job.h"
#include "server/rows.h"

enum { POSTINGS_A_STEP = 1024, WORDS_AT_MOST = 256, DISTANCE_MAX = 4 };

struct likeness {
    struct str word;
    uint32_t docs;
};

struct checked {
    struct text_word word;
    bool known;
    struct likeness *like;
    size_t n, cap;
};

struct spelling {
    struct ft_job job;
    struct arena arena;
    struct str query;
    uint8_t distance;
    int dialect;
    struct checked words[WORDS_AT_MOST];
    size_t n, at;
    struct text_scan *scan; /* of words[at] */
    struct docset found;
};

/* --- the query's words --------------------------------------------------------------------------------------------- */

static void add_word(struct spelling *s, struct str word)
{
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(s->words[i].word.word, word)) return;
    if (s->n == WORDS_AT_MOST) return;
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

static void keep(void *ctx, struct str word, uint32_t docs)
{
    struct spelling *s = ctx;
    struct checked *c = &s->words[s->at];

    if (str_eq(word, c->word.word)) c->known = true;
    if (c->n == c->cap) {
        c->cap = c->cap == 0 ? 8 : c->cap * 2;
        c->like = mem_realloc(c->like, c->cap * sizeof *c->like);
    }
    c->like[c->n++] = (struct likeness){ arena_dup(&s->arena, word), docs };
}

static int by_docs(const void *a, const void *b)
{
    const struct likeness *x = a, *y = b;

    if (x->docs != y->docs) return x->docs > y->docs ? -1 : 1;
    return str_cmp(x->word, y->word);
}

static void end_word(struct spelling *s)
{
    struct checked *c = &s->words[s->at];

    text_scan_words(s->scan, keep, s);
    if (c->n > 1) qsort(c->like, c->n, sizeof *c->like, by_docs);
    text_scan_free(&s->scan);
    docset_clear(&s->found);
    s->at++;
}

static bool spelling_step(struct ft_job *j, int64_t deadline_us)
{
    struct spelling *s = (struct spelling *)j;

    while (index_text(j->ix) != NULL && s->at < s->n) {
        struct text_phrase p = { .words = &s->words[s->at].word, .n = 1, .slop = -1, .fields = ~0ULL, .expansions = SIZE_MAX };
        if (s->scan == NULL) s->scan = text_scan_new(index_text(j->ix), &p);
        if (text_scan_step(s->scan, POSTINGS_A_STEP, &s->found)) end_word(s);
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

static enum err parse(struct call *c, struct spelling *s)
{
    int64_t n;

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
            if (i + 2 >= c->argc) return call_fail_text(c, STR("TERM arg is given but no TERM params comes after"));
            return call_fail_text(c, arena_printf(c->arena, "Dict does not exist: %.*s",
                                                  (int)(c->argv[i + 2].n < 128 ? c->argv[i + 2].n : 128), c->argv[i + 2].p));
        } else {
            return call_fail_text(c, arena_printf(c->arena, "Unknown argument `%.*s`", (int)(c->argv[i].n < 128 ? c->argv[i].n : 128),
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
                   { .name = "dialect", .type = ARG_T_INTEGER, .token = "DIALECT", .flags = ARG_OPTIONAL }),
      .example = "FT.CREATE idx SCHEMA title TEXT | HSET doc title hello | FT.SPELLCHECK idx helo => "
                 "*1\r\n*3\r\n+TERM\r\n$4\r\nhelo\r\n*1\r\n*2\r\n$1\r\n1\r\n$5\r\nhello\r\n" },
    { 0 },
};
