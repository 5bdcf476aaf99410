/* Aggregations: whatever the arguments, they are refused with words, or run over any rows without harm and within their bounds.
 *
 * Arguments are separated by NUL bytes; the first byte of the input chooses the documents. */
#include "base/ensure.h"
#include "search/aggregate.h"
#include "tests/fuzz/fuzz.h"

enum { DOCS = 9, ROWS_MAX = 50, BYTES_MAX = 256 * 1024, ARGS_MAX = 128 };

struct world {
    uint8_t which;
    uint32_t next;
};

static bool find(void *ctx, struct aggregate_field *f)
{
    (void)ctx;
    return f->path.n == 1; /* fields of one letter need no LOAD */
}

static uint32_t next(void *ctx)
{
    struct world *w = ctx;

    return w->next < DOCS ? w->next++ : UINT32_MAX;
}

static void read_value(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out)
{
    static const char *const texts[] = { "x", "", "a,b", "12.5", "%s" };
    unsigned seed = ((struct world *)ctx)->which + doc * 7 + (f->path.n > 0 ? (unsigned char)f->path.p[0] : 0);

    (void)a;
    if (seed % 4 == 0) *out = datum_number((double)(seed % 5) - 2);
    if (seed % 4 == 1) *out = datum_text(str_c(texts[seed % 5]));
    if (seed % 4 == 2) *out = datum_number(1e308 * seed);
}

static void all(void *ctx, uint32_t doc, void (*fn)(void *arg, struct str name, struct str value), void *arg)
{
    (void)ctx;
    fn(arg, STR("a"), STR("1"));
    if (doc % 2 == 0) fn(arg, STR("zz"), STR("a,b"));
}

static bool alive(void *ctx, uint32_t doc)
{
    return doc != ((struct world *)ctx)->which % DOCS;
}

static void terms(void *ctx, uint32_t doc, struct arena *a, struct datum *out)
{
    struct datum *items = arena_zalloc(a, DOCS, sizeof *items);

    (void)ctx;
    for (uint32_t i = 0; i < doc; i++) items[i] = datum_text(STR("x"));
    if (doc > 0) *out = (struct datum){ DATUM_LIST, doc, { .items = items } };
}

static void run(struct aggregate *g, struct buf *error)
{
    enum aggregate_state state;

    while ((state = aggregate_run(g, 0, error)) == AGGREGATE_MORE) continue;
    ensure((state == AGGREGATE_FAILED) == (error->n > 0));
    if (state == AGGREGATE_FAILED) return;
    aggregate_detach(g, false);
    ensure(aggregate_rows(g) <= ROWS_MAX);
    for (size_t i = 0; i < aggregate_rows(g); i++) ensure(aggregate_row(g, i).n <= aggregate_columns(g));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct aggregate_conf conf = { .hash = { 1, 2 }, .now_s = 1, .bytes_max = BYTES_MAX, .rows_max = ROWS_MAX };
    struct world w = { size > 0 ? data[0] : 0, 0 };
    struct aggregate_source src = { &w, find, next, read_value, all, alive, terms, NULL };
    struct str argv[ARGS_MAX];
    size_t argc = 0, at = 0, from = 1;
    enum aggregate_parsed p = AGGREGATE_STEP;
    struct buf error = { 0 };
    struct aggregate *g;

    for (size_t i = 1; i <= size && argc < ARGS_MAX; i++) {
        if (i < size && data[i] != 0) continue;
        argv[argc++] = str_of(data + from, i - from);
        from = i + 1;
    }
    g = aggregate_new(&conf);
    while (at < argc && p == AGGREGATE_STEP) p = aggregate_parse(g, argc, argv, &at, &error);
    ensure((p == AGGREGATE_REFUSED) == (error.n > 0));
    if (p != AGGREGATE_REFUSED && aggregate_compile(g, &src, &error)) run(g, &error);
    else ensure(p == AGGREGATE_NO_STEP || error.n > 0);
    buf_fini(&error);
    aggregate_free(&g);
    return 0;
}
