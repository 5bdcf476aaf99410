/* f_query.c -- the query parser: any bytes are a query or an error, and what is a query can be explained and run. */
#include "tests/fuzz/fuzz.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "search/run.h"

enum { ARGS = 64 };

static struct search_index *make_index(void)
{
    char create[] = "i SCHEMA t TEXT p TEXT NOSTEM g TAG INDEXEMPTY n NUMERIC INDEXMISSING o GEO v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 "
                    "DISTANCE_METRIC L2 h VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 a.b TAG";
    char *rest = create, *word;
    struct str argv[ARGS];
    struct buf error = { 0 };
    size_t argc = 0;

    while ((word = strsep(&rest, " ")) != NULL) argv[argc++] = str_c(word);
    struct index_spec *spec = spec_parse(argc, argv, &error);

    ensure(spec != NULL);
    return index_new(spec);
}

static void fill(struct search_index *ix)
{
    static const char *const names[] = { "t", "p", "g", "n", "o" };
    static const char *const values[] = { "the quick brown fox", "jumps over", "red,blue", "5", "1,2" };
    struct field_value fields[5];
    struct str texts[5];

    for (int i = 0; i < 5; i++) {
        texts[i] = str_c(values[i]);
        fields[i] = (struct field_value){ spec_field(index_spec(ix), str_c(names[i])), &texts[i], 1 };
    }
    ensure(index_put(ix, STR("d1"), &(struct doc_content){ .fields = fields, .n = 5, .score = 1 }));
    ensure(index_put(ix, STR("d2"), &(struct doc_content){ .fields = fields, .n = 3, .score = 1 }));
}

static void run_all(struct search_index *ix, const struct query_node *q)
{
    struct run *r;

    index_hold(ix);
    r = run_new(ix, q, SCORE_BM25STD, true);
    while (!run_step(r, 0)) {}
    ensure(run_found(r)->n <= index_docs(ix));
    run_free(&r);
    index_release(ix);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct search_index *ix;
    static const struct query_param params[] = { { { "b", 1 }, { "\0\0\0\0\0\0\0\0", 8 } }, { { "k", 1 }, { "3", 1 } }, { { "w", 1 }, { "fox", 3 } } };
    struct query_rules rules = { .params = params, .n_params = 3, .dialect = 2, .slop = -1, .fields = ~0ULL };
    struct buf error = { 0 }, text = { 0 };
    struct query_node *q;
    struct arena a;

    if (ix == NULL) {
        mem_init();
        ix = make_index();
        fill(ix);
    }
    if (size > 0 && data[0] < 8) {
        rules.verbatim = data[0] & 1;
        rules.slop = data[0] & 2 ? 1 : -1;
        rules.in_order = data[0] & 4;
    }
    arena_init(&a);
    q = query_parse(&a, ix, str_of(data, size), &rules, &error);
    ensure((q == NULL) == (error.n > 0));
    if (q != NULL) {
        query_explain(q, ix, &text);
        ensure(text.n > 0);
        run_all(ix, q);
    }
    query_free(q);
    arena_fini(&a);
    buf_fini(&error);
    buf_fini(&text);
    return 0;
}
