/* Aggregations over planted documents: each test says the steps as a client would, and how all rows come out as text. */
#include "search/aggregate.h"

#include <math.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

/* --- documents -------------------------------------------------------------------------------------------------------- */

/* What there is: "city" is known to the index, "price" too; "note" is only in documents. */
struct planted {
    const char *city;
    double price;     /* NaN: none */
    const char *note; /* NULL: none */
};

static const struct planted usual[] = {
    { "oslo", 10, "a" }, { "rome", 5, NULL }, { "oslo", 30, "b,c" }, { "bonn", NAN, "a" }, { "rome", 7.5, "a,b" }, { NULL, 1, NULL },
};

struct world {
    const struct planted *docs;
    uint32_t n, next, gone; /* gone: the document that went meanwhile */
    size_t reads;
};

static bool find(void *ctx, struct aggregate_field *f)
{
    (void)ctx;
    return str_eq(f->path, STR("city")) || str_eq(f->path, STR("price")) || str_eq(f->path, STR("__key"));
}

static uint32_t next(void *ctx)
{
    struct world *w = ctx;

    return w->next < w->n ? w->next++ : UINT32_MAX;
}

static void read_value(void *ctx, uint32_t doc, const struct aggregate_field *f, struct arena *a, struct datum *out)
{
    struct world *w = ctx;
    const struct planted *d = &w->docs[doc];

    w->reads++;
    if (str_eq(f->path, STR("city")) && d->city != NULL) *out = datum_text(str_c(d->city));
    if (str_eq(f->path, STR("price")) && !isnan(d->price)) *out = datum_number(d->price);
    if (str_eq(f->path, STR("note")) && d->note != NULL) *out = datum_text(str_c(d->note));
    if (str_eq(f->path, STR("__key"))) *out = datum_text(arena_printf(a, "doc:%u", doc));
}

static void all(void *ctx, uint32_t doc, void (*fn)(void *arg, struct str name, struct str value), void *arg)
{
    struct world *w = ctx;

    if (w->docs[doc].note != NULL) fn(arg, STR("note"), str_c(w->docs[doc].note));
    if (w->docs[doc].city != NULL) fn(arg, STR("city"), str_c(w->docs[doc].city));
}

static bool alive(void *ctx, uint32_t doc)
{
    return doc != ((struct world *)ctx)->gone;
}

/* A query that has met city and note; a document without a city is none that it met. */
static void terms(void *ctx, uint32_t doc, struct arena *a, struct datum *out)
{
    const struct planted *d = &((struct world *)ctx)->docs[doc];
    struct datum *items = arena_zalloc(a, 2, sizeof *items);
    uint32_t n = 0;

    if (d->city == NULL) return;
    items[n++] = datum_text(str_c(d->city));
    if (d->note != NULL) items[n++] = datum_text(str_c(d->note));
    *out = (struct datum){ DATUM_LIST, n, { .items = items } };
}

/* --- running ------------------------------------------------------------------------------------------------------------ */

static struct aggregate_conf conf(void)
{
    return (struct aggregate_conf){ .hash = { 1, 2 }, .seed = 3, .now_s = 1000, .bytes_max = 64 << 20, .rows_max = 1000000 };
}

/* Words of a line; "..." holds blanks. */
static size_t words_of(const char *line, struct str *out)
{
    size_t n = 0;

    while (*line != '\0') {
        char end = *line == '"' ? '"' : ' ';
        const char *from = end == '"' ? line + 1 : line, *to = strchr(from, end);

        if (to == NULL) to = from + strlen(from);
        out[n++] = str_of(from, (size_t)(to - from));
        line = *to == '\0' ? to : to + 1;
        while (*line == ' ') line++;
    }
    return n;
}

static void say_value(struct buf *out, const struct datum *d)
{
    char text[DATUM_NUMBER_MAX];

    if (d->kind == DATUM_NULL) buf_add_c(out, "nil");
    if (d->kind == DATUM_NUMBER) buf_add(out, text, datum_number_text(text, d->u.number));
    if (d->kind == DATUM_TEXT) buf_add_str(out, d->u.text);
    if (d->kind != DATUM_LIST) return;
    buf_add_char(out, '[');
    for (uint32_t i = 0; i < d->n; i++) {
        if (i > 0) buf_add_char(out, ' ');
        say_value(out, &d->u.items[i]);
    }
    buf_add_char(out, ']');
}

/* "3: city=oslo n=2 | ..." */
static void say_rows(const struct aggregate *g, struct buf *out)
{
    buf_printf(out, "%" PRIu64 ":", aggregate_total(g));
    for (size_t i = 0; i < aggregate_rows(g); i++) {
        struct aggregate_row row = aggregate_row(g, i);

        if (i > 0) buf_add_c(out, " |");
        for (uint32_t c = 0; c < aggregate_columns(g); c++) {
            struct datum d = { .kind = DATUM_NULL };

            if (c < row.n) d = row.values[c];
            if (d.kind == DATUM_NULL && !aggregate_tells_null(g)) continue;
            buf_printf(out, " %.*s=", (int)aggregate_column(g, c).n, aggregate_column(g, c).p);
            say_value(out, &d);
        }
    }
}

static void run_in(struct world *w, const struct aggregate_conf *cf, const char *line, struct buf *out)
{
    struct aggregate_source src = { w, find, next, read_value, all, alive, terms, NULL };
    struct aggregate *g = aggregate_new(cf);
    struct str argv[256];
    size_t argc = words_of(line, argv), at = 0;
    enum aggregate_parsed p = AGGREGATE_STEP;
    enum aggregate_state state;
    struct buf error = { 0 };

    while (at < argc && p == AGGREGATE_STEP) p = aggregate_parse(g, argc, argv, &at, &error);
    ck_assert(p != AGGREGATE_NO_STEP);
    if (p == AGGREGATE_REFUSED || !aggregate_compile(g, &src, &error)) {
        buf_add_str(out, buf_str(&error));
    } else {
        while ((state = aggregate_run(g, 0, &error)) == AGGREGATE_MORE) continue; /* one row at a time */
        if (state == AGGREGATE_FAILED) {
            buf_add_str(out, buf_str(&error));
        } else {
            aggregate_detach(g, false);
            say_rows(g, out);
        }
    }
    buf_fini(&error);
    aggregate_free(&g);
}

static const char *of(const char *line)
{
    static struct buf out;
    struct world w = { usual, sizeof usual / sizeof *usual, 0, UINT32_MAX, 0 };
    struct aggregate_conf cf = conf();

    buf_clear(&out);
    run_in(&w, &cf, line, &out);
    buf_add_char(&out, '\0');
    return out.p;
}

#define IS(line, want) ck_assert_str_eq(of(line), want)

/* --- steps ---------------------------------------------------------------------------------------------------------------- */

START_TEST(without_steps_there_are_rows_of_nothing)
{
    IS("", "6: | | | | |");
    IS("LIMIT 0 2", "6: |");
    IS("LIMIT 0 0", "6:");
    IS("LIMIT 5 9", "6:");
    IS("LOAD 1 @note LIMIT 4 1", "6: note=a,b");
}
END_TEST

START_TEST(load_reads_what_is_there)
{
    IS("LOAD 1 @note LIMIT 0 3", "6: note=a | | note=b,c");
    IS("LOAD 4 @note AS n price LIMIT 0 2", "6: n=a price=10 | price=5");
    IS("LOAD 2 @__key @city LIMIT 5 1", "6: __key=doc:5");
    IS("LOAD 2 @__key @city LIMIT 4 1", "6: __key=doc:4 city=rome");
    IS("LOAD * LIMIT 0 1", "6: note=a city=oslo");
    IS("LOAD * FILTER \"@note == 'a' && @city == 'bonn'\"", "1: note=a city=bonn");
    IS("LOAD 0 LIMIT 0 1", "6:");
    IS("APPLY \"@price * 2\" AS twice LOAD 3 @twice @city @price LIMIT 0 1", "6: price=10 twice=20 city=oslo");
    IS("APPLY 1 AS city LOAD 2 @city note LIMIT 0 1", "6: city=1 note=a");
    IS("LOAD 1 @city APPLY upper(@city) AS city LIMIT 0 1", "6: city=OSLO");
}
END_TEST

START_TEST(words_that_the_query_met_are_a_list_of_each_document)
{
    IS("APPLY matched_terms() AS t LIMIT 0 2", "6: t=[oslo a] | t=[rome]");
    IS("APPLY matched_terms(1) AS t LIMIT 2 1", "6: t=[oslo]");
    IS("FILTER \"!exists(@city)\" APPLY matched_terms() AS t", "1:");
    IS("GROUPBY 1 @city APPLY matched_terms() AS t LIMIT 0 1", "4: city=oslo t=nil"); /* a group is no document */
}
END_TEST

START_TEST(what_the_index_knows_needs_no_load)
{
    IS("APPLY \"@price * 2\" AS twice LIMIT 0 2", "6: price=10 twice=20 | price=5 twice=10");
    IS("FILTER \"@price > 7\" LOAD 1 @city", "3: price=10 city=oslo | price=30 city=oslo | price=7.5 city=rome");
    IS("APPLY @note AS n", "SEARCH_PROP_NOT_FOUND Property `note` not loaded nor in pipeline");
    IS("GROUPBY 1 @note", "SEARCH_PROP_NOT_FOUND No such property `note`");
    IS("SORTBY 1 @note", "SEARCH_PROP_NOT_FOUND Property `note` not loaded nor in schema");
    IS("GROUPBY 0 REDUCE SUM 1 @note", "SEARCH_PROP_NOT_FOUND Property is not present in document or pipeline: `note`");
    IS("LOAD 1 @note GROUPBY 1 @note APPLY @price AS p", "SEARCH_PROP_NOT_FOUND Property `price` not loaded nor in pipeline");
    IS("GROUPBY 1 @city LOAD 1 @price", "SEARCH_PROP_NOT_FOUND Property `price` cannot be loaded behind a GROUPBY");
}
END_TEST

START_TEST(sortby_keeps_ten_or_what_is_said_and_rows_without_the_value_come_last)
{
    IS("SORTBY 2 @price DESC", "6: price=30 | price=10 | price=7.5 | price=5 | price=1 |");
    IS("SORTBY 1 @price MAX 2", "6: price=1 | price=5");
    IS("SORTBY 2 @price ASC LIMIT 1 2", "6: price=5 | price=7.5");
    IS("SORTBY 4 @price ASC MAX 2", "6: price=1 | price=5");
    IS("LIMIT 1 2 SORTBY 2 @price ASC", "6: price=5 | price=7.5");
    IS("LIMIT 0 1 SORTBY 1 @price MAX 2", "6: price=1 | price=5");
    IS("GROUPBY 1 @city REDUCE MAX 1 @price AS p LIMIT 0 1 SORTBY 2 @p DESC", "4: city=oslo p=30");
    IS("LIMIT 0 0 SORTBY 1 @price", "6:");
    IS("SORTBY 4 @city ASC @price DESC LIMIT 0 4",
       "6: city=bonn | city=oslo price=30 | city=oslo price=10 | city=rome price=7.5");
    IS("LOAD 1 @__key SORTBY 1 @city", "6: __key=doc:3 city=bonn | __key=doc:0 city=oslo | __key=doc:2 city=oslo | "
       "__key=doc:1 city=rome | __key=doc:4 city=rome | __key=doc:5");
    IS("SORTBY 1 @price APPLY \"@price+1\" AS p LIMIT 0 1", "6: price=1 p=2");
    IS("SORTBY 1 @price FILTER \"@price > 5\" LIMIT 0 1", "3: price=7.5");
    IS("SORTBY 0 MAX 1", "6:");
    IS("SORTBY 2 @price UP", "SEARCH_PARSE_ARGS MISSING ASC or DESC after sort field (UP)");
    IS("SORTBY 3 @price", "SEARCH_PARSE_ARGS Bad arguments for SORTBY: Expected an argument, but none provided");
    IS("SORTBY x", "SEARCH_PARSE_ARGS Bad arguments for SORTBY: Could not convert argument to expected type");
}
END_TEST

START_TEST(groups_and_what_is_counted_in_them)
{
    IS("GROUPBY 1 @city REDUCE COUNT 0 AS n SORTBY 2 @n DESC", "4: city=oslo n=2 | city=rome n=2 | city=bonn n=1 | city=nil n=1");
    IS("GROUPBY 0 REDUCE COUNT 0", "1: __generated_aliascount=6");
    IS("GROUPBY 0 REDUCE AVG 1 @price", "1: __generated_aliasavgprice=10.7");
    IS("GROUPBY 1 @city REDUCE SUM 1 @price AS s REDUCE MIN 1 @price AS lo REDUCE MAX 1 price AS hi REDUCE AVG 1 @price AS m",
       "4: city=oslo s=40 lo=10 hi=30 m=20 | city=rome s=12.5 lo=5 hi=7.5 m=6.25 | city=bonn s=nan lo=inf hi=-inf m=nan | "
       "city=nil s=1 lo=1 hi=1 m=1");
    IS("GROUPBY 0 REDUCE STDDEV 1 @price AS d REDUCE QUANTILE 2 @price 0.5 AS q REDUCE COUNT_DISTINCT 1 @city AS c "
       "REDUCE COUNT_DISTINCTISH 1 @city AS i", "1: d=11.2893755363 q=7.5 c=3 i=3");
    IS("GROUPBY 0 REDUCE TOLIST 1 @city AS l", "1: l=[oslo rome bonn]");
    IS("GROUPBY 0 REDUCE FIRST_VALUE 1 @city AS a REDUCE FIRST_VALUE 4 @city BY @price DESC AS b REDUCE FIRST_VALUE 3 @city BY @price "
       "AS c", "1: a=oslo b=oslo c=rome");
    IS("GROUPBY 0 REDUCE RANDOM_SAMPLE 2 @city 9 AS l", "1: l=[oslo rome oslo bonn rome]");
    IS("GROUPBY 1 @city REDUCE COUNT 0 AS n FILTER \"@n>1\" APPLY \"upper(@city)\" AS big LIMIT 1 1", "2: city=rome n=2 big=ROME");
    IS("GROUPBY 0", "1:");
    IS("GROUPBY 1 @city GROUPBY 0 REDUCE COUNT 0 AS n", "1: n=4");
    IS("LOAD 1 @note APPLY \"split(@note)\" AS w GROUPBY 1 @w REDUCE COUNT 0 AS n SORTBY 1 @w", "4: w=a n=3 | w=b n=2 | w=c n=1 | w=nil n=2");
}
END_TEST

START_TEST(mistakes_are_told)
{
    IS("GROUPBY 1 city", "SEARCH_PARSE_ARGS Bad arguments for GROUPBY: Unknown property `city`. Did you mean `@city`?");
    IS("GROUPBY 2 @city", "SEARCH_PARSE_ARGS Bad arguments for GROUPBY: Expected an argument, but none provided");
    IS("GROUPBY 1 @city REDUCE NONE 0", "SEARCH_REDUCER_NOT_FOUND No such reducer: NONE");
    IS("GROUPBY 1 @city REDUCE COUNT 1 @city", "SEARCH_ATTR_BAD Count accepts 0 values only");
    IS("GROUPBY 1 @city REDUCE SUM 0", "SEARCH_PARSE_ARGS Missing arguments for SUM");
    IS("GROUPBY 1 @city REDUCE SUM 2 @price x", "SEARCH_PARSE_ARGS Unknown argument `x` at position 1 for SUM");
    IS("GROUPBY 1 @city REDUCE QUANTILE 2 @price 2", "SEARCH_PARSE_ARGS Percentage must be between 0.0 and 1.0");
    IS("GROUPBY 1 @city REDUCE RANDOM_SAMPLE 2 @price 1001", "SEARCH_PARSE_ARGS Sample size too large");
    IS("GROUPBY 1 @city REDUCE COUNT 0 AS city", "SEARCH_FIELD_DUP Property `city` specified more than once");
    IS("APPLY", "SEARCH_PARSE_ARGS Bad arguments for APPLY/FILTER: Expected an argument, but none provided");
    IS("APPLY 1 AS", "SEARCH_PARSE_ARGS AS needs argument");
    IS("APPLY 1+ AS x", "SEARCH_EXPR Syntax error at offset 2 near ''");
    IS("APPLY \"@city + 1\" AS x", "SEARCH_NUMERIC_VALUE_INVALID Could not convert value to a number");
    IS("LIMIT 1", "SEARCH_PARSE_ARGS LIMIT requires two arguments");
    IS("LIMIT a b", "SEARCH_PARSE_ARGS LIMIT needs two numeric arguments");
    IS("LIMIT 1000001 1", "SEARCH_LIMIT_OVER OFFSET exceeds maximum of 1000000");
    IS("LOAD x", "SEARCH_PARSE_ARGS Bad arguments for LOAD: Expected number of fields or `*`");
    IS("LOAD 5 @a", "SEARCH_PARSE_ARGS Bad arguments for LOAD: Expected an argument, but none provided");
    IS("LOAD 99999999999999999999 @a", "SEARCH_PARSE_ARGS Bad arguments for LOAD: Could not convert argument to expected type");
}
END_TEST

START_TEST(a_document_that_goes_meanwhile_is_no_row_and_not_counted)
{
    struct world w = { usual, 3, 0, 1, 0 };
    struct aggregate_conf cf = conf();
    struct buf out = { 0 };

    run_in(&w, &cf, "LOAD 1 @__key", &out);
    expect_str(buf_str(&out), STR("2: __key=doc:0 | __key=doc:2"));
    buf_fini(&out);
}
END_TEST

START_TEST(a_limit_ends_the_reading)
{
    struct world w = { usual, 6, 0, UINT32_MAX, 0 };
    struct aggregate_conf cf = conf();
    struct buf out = { 0 };

    run_in(&w, &cf, "LOAD 1 @note LIMIT 0 2", &out);
    expect_str(buf_str(&out), STR("6: note=a |"));
    ck_assert_uint_eq(w.reads, 3); /* the third row says that the LIMIT has enough */
    buf_fini(&out);
}
END_TEST

/* --- many rows ----------------------------------------------------------------------------------------------------------- */

enum { MANY = 20000 };

static void plant_many(struct planted *docs, struct rng *r)
{
    static char cities[100][8];

    for (size_t i = 0; i < 100; i++) snprintf(cities[i], sizeof cities[i], "c%zu", i);
    for (size_t i = 0; i < MANY; i++)
        docs[i] = (struct planted){ cities[rng_below(r, 100)], rng_below(r, 10) == 0 ? NAN : (double)rng_below(r, 1000), NULL };
}

START_TEST(many_rows_sort_and_group_as_by_hand)
{
    static struct planted docs[MANY];
    struct aggregate_conf cf = conf();
    struct buf out = { 0 }, want = { 0 };
    struct rng r;
    uint64_t n_of[100] = { 0 };
    double sum_of[100] = { 0 };

    unit_rng(&r);
    plant_many(docs, &r);
    for (size_t i = 0; i < MANY; i++) {
        size_t c = (size_t)atoi(docs[i].city + 1);

        n_of[c]++;
        if (!isnan(docs[i].price)) sum_of[c] += docs[i].price;
    }
    run_in(&(struct world){ docs, MANY, 0, UINT32_MAX, 0 }, &cf,
           "GROUPBY 1 @city REDUCE COUNT 0 AS n REDUCE SUM 1 @price AS s APPLY \"to_number(substr(@city, 1, 9))\" AS i SORTBY 1 @i MAX 100",
           &out);
    buf_add_c(&want, "100:");
    for (size_t i = 0; i < 100; i++)
        buf_printf(&want, "%s city=c%zu n=%" PRIu64 " s=%.0f i=%zu", i > 0 ? " |" : "", i, n_of[i], sum_of[i], i);
    expect_str(buf_str(&out), buf_str(&want));

    buf_clear(&out);
    run_in(&(struct world){ docs, MANY, 0, UINT32_MAX, 0 }, &cf, "SORTBY 1 @price MAX 20000 GROUPBY 0 REDUCE TOLIST 1 @price AS l", &out);
    buf_clear(&want);
    buf_add_c(&want, "1: l=[0");
    for (size_t i = 1; i < 1000; i++) buf_printf(&want, " %zu", i); /* with 20,000 of them each of the 1,000 is there */
    buf_add_c(&want, "]");
    expect_str(buf_str(&out), buf_str(&want));
    buf_fini(&out);
    buf_fini(&want);
}
END_TEST

START_TEST(what_takes_too_much_is_refused_with_words)
{
    static struct planted docs[MANY];
    static const char *const lines[] = {
        "LOAD 1 @city", "SORTBY 1 @price MAX 20000", "GROUPBY 2 @city @price", "GROUPBY 0 REDUCE RANDOM_SAMPLE 2 @price 1000",
        "GROUPBY 0 REDUCE QUANTILE 2 @price 0.5", "GROUPBY 0 REDUCE COUNT_DISTINCT 1 @price", "APPLY \"split('a,b,c,d,e,f,g,h')\" AS x",
    };
    struct aggregate_conf cf = conf();
    struct buf out = { 0 };
    struct rng r;

    unit_rng(&r);
    plant_many(docs, &r);
    cf.bytes_max = 10000;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        buf_clear(&out);
        run_in(&(struct world){ docs, MANY, 0, UINT32_MAX, 0 }, &cf, lines[i], &out);
        ck_assert_msg(str_starts(buf_str(&out), STR("SEARCH_LIMIT_OVER The rows of this aggregation take more than 10000 bytes")), "%s: %.*s",
                      lines[i], (int)(out.n < 80 ? out.n : 80), out.p);
    }
    buf_fini(&out);
}
END_TEST

UNIT_MAIN("aggregate", without_steps_there_are_rows_of_nothing, load_reads_what_is_there,
          words_that_the_query_met_are_a_list_of_each_document, what_the_index_knows_needs_no_load,
          sortby_keeps_ten_or_what_is_said_and_rows_without_the_value_come_last, groups_and_what_is_counted_in_them, mistakes_are_told,
          a_document_that_goes_meanwhile_is_no_row_and_not_counted, a_limit_ends_the_reading, many_rows_sort_and_group_as_by_hand,
          what_takes_too_much_is_refused_with_words)
