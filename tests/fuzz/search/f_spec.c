/* f_spec.c -- definitions of indexes: any arguments of FT.CREATE are one or an error, and one that is said again is the same.
 *
 * Lines of the input are arguments; a byte that is not printable stands for a word that is known. */
#include "base/ensure.h"
#include "base/mem.h"
#include "search/index.h"
#include "tests/fuzz/fuzz.h"

enum { ARGS_MAX = 4096, WORDS_MAX = 256 /* of an input */ };

static const char *const known[] = {
    "ON", "HASH", "JSON", "PREFIX", "0", "1", "2", "6", "10", "SCHEMA", "$.a", "b", "c", "AS", "TAG", "TEXT", "NUMERIC", "GEO", "VECTOR",
    "FLAT", "HNSW", "SVS-VAMANA", "TYPE", "FLOAT32", "FLOAT16", "INT8", "DIM", "DISTANCE_METRIC", "COSINE", "L2", "IP", "M",
    "EF_CONSTRUCTION", "EF_RUNTIME", "EPSILON", "INITIAL_CAP", "BLOCK_SIZE", "SEPARATOR", ",", "CASESENSITIVE", "WITHSUFFIXTRIE",
    "WEIGHT", "NOSTEM", "PHONETIC", "dm:en", "SORTABLE", "UNF", "NOINDEX", "INDEXMISSING", "INDEXEMPTY", "FILTER", "@a > 1", "LANGUAGE",
    "english", "LANGUAGE_FIELD", "SCORE", "0.5", "SCORE_FIELD", "PAYLOAD_FIELD", "STOPWORDS", "SKIPINITIALSCAN", "TEMPORARY",
    "MAXTEXTFIELDS", "NOOFFSETS", "NOHL", "NOFIELDS", "NOFREQS", "INDEXALL", "ENABLE", "-1", "nan", "4294967296", "ADD",
    /* a whole field in a byte, so that definitions are not rare */
    "=a TAG", "=b TEXT", "=c NUMERIC SORTABLE", "=v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    "=i ON HASH PREFIX 1 p: SCHEMA", "=j ON JSON SCHEMA $.t AS t TAG SEPARATOR ;",
};

struct args {
    struct buf text;
    struct str list[ARGS_MAX];
    size_t n;
};

static void add(void *ctx, struct str arg)
{
    struct args *a = ctx;

    if (a->n < ARGS_MAX) a->list[a->n++] = arg;
}

/* "=a TAG": its words. */
static void add_words(struct args *a, const char *text)
{
    size_t n;

    for (text++; *text; text += n + (text[n] == ' ')) {
        n = strcspn(text, " ");
        add(a, str_of(text, n));
    }
}

static void split(struct args *a, const uint8_t *data, size_t size)
{
    for (size_t at = 0, n; at < size && a->n < WORDS_MAX; at += n + 1) {
        n = 0;
        if (data[at] < ' ' || data[at] > 126) {
            const char *word = known[data[at] % (sizeof known / sizeof *known)];
            if (*word == '=') add_words(a, word);
            else add(a, str_c(word));
            continue;
        }
        while (at + n < size && data[at + n] != '\n') n++;
        add(a, str_of(data + at, n));
    }
}

/* What spec_say tells is good for the call alone. */
static void add_copy(void *ctx, struct str arg)
{
    add(ctx, str_of(mem_dup(arg.p, arg.n), arg.n));
}

static void forget(struct args *a)
{
    for (size_t i = 0; i < a->n; i++) mem_free((void *)(uintptr_t)a->list[i].p);
    a->n = 0;
}

/* It is said in parts: FT.CREATE, and FT.ALTER where the next field would be taken for an option of the one before. */
static void say_and_parse(const struct index_spec *s)
{
    struct args *again = mem_zalloc(sizeof *again);
    struct index_spec *same = NULL;
    struct buf error = { 0 };

    for (size_t at = 0; at < s->n_fields; forget(again)) {
        at = spec_say(s, at, add_copy, again);
        ensure(again->n < ARGS_MAX);
        if (same == NULL) same = spec_parse(again->n, again->list, &error);
        else ensure(spec_add(same, again->n - 3, again->list + 3, &error)); /* behind name SCHEMA ADD */
        ensure(same != NULL && error.n == 0);
    }
    ensure(str_eq(same->name, s->name) && spec_same(same, s) && spec_same(s, same));
    spec_free(&same);
    buf_fini(&error);
    mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct args *a = mem_zalloc(sizeof *a);
    size_t first = size > 0 ? data[0] : 0; /* so many arguments are FT.CREATE's, the others FT.ALTER's */
    struct buf error = { 0 };
    struct index_spec *s;

    if (size > 0) split(a, data + 1, size - 1);
    if (a->n == 0) add(a, STR("i"));
    if (first == 0) first = 1;
    if (first > a->n) first = a->n;
    s = spec_parse(first, a->list, &error);
    ensure((s == NULL) == (error.n > 0));
    if (s != NULL) {
        say_and_parse(s);
        ensure(spec_add(s, a->n - first, a->list + first, &error) == (error.n == 0));
        say_and_parse(s);
    }
    spec_free(&s);
    buf_fini(&error);
    mem_free(a);
    return 0;
}
