#include "tests/unit/search/query_rig.h"

#include <stdarg.h>

struct search_index *rig_index(const char *create)
{
    char *text = strdup(create), *rest = text, *word;
    struct str argv[128];
    struct buf error = { 0 };
    struct index_spec *spec;
    size_t argc = 0;

    while ((word = strsep(&rest, " ")) != NULL) argv[argc++] = str_c(word);
    spec = spec_parse(argc, argv, &error);
    ck_assert_msg(spec != NULL, "%.*s", (int)error.n, error.p);
    free(text);
    return index_new(spec);
}

struct search_index *rig_default(void)
{
    return rig_index("i SCHEMA title TEXT body TEXT plain TEXT NOSTEM tags TAG e TAG INDEXEMPTY n NUMERIC m NUMERIC place GEO "
                     "v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 h VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2 "
                     "a.b-c TAG gone TAG INDEXMISSING");
}

const char *rig_explain(struct search_index *ix, const char *query, ...)
{
    static char out[65536];
    struct query_param params[8];
    struct query_rules rules = { .dialect = 2, .slop = -1, .fields = ~0ULL, .params = params };
    struct buf text = { 0 }, error = { 0 };
    struct query_node *q;
    struct arena a;
    const char *name;
    va_list ap;

    va_start(ap, query);
    while ((name = va_arg(ap, const char *)) != NULL) {
        params[rules.n_params++] = (struct query_param){ str_c(name), str_c(va_arg(ap, const char *)) };
    }
    va_end(ap);
    arena_init(&a);
    q = query_parse(&a, ix, str_c(query), &rules, &error);
    if (q != NULL) query_explain(q, ix, &text);
    else buf_printf(&text, "!%.*s", (int)error.n, error.p);
    ck_assert(q != NULL || error.n > 0);
    query_free(q);
    snprintf(out, sizeof out, "%.*s", (int)text.n, text.p);
    buf_fini(&text);
    buf_fini(&error);
    arena_fini(&a);
    return out;
}
