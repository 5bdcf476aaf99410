/* Expressions: whatever their text, they are refused with words or compiled, and then evaluated over any row without harm.
 *
 * The first byte chooses what the fields hold. */
#include "base/ensure.h"
#include "search/expr.h"
#include "tests/fuzz/fuzz.h"

static const struct datum items[] = {
    { DATUM_TEXT, 0, { .text = { "x", 1 } } },
    { DATUM_NUMBER, 0, { .number = 2 } },
};

static const struct datum values[] = {
    { .kind = DATUM_NULL },
    { DATUM_NUMBER, 0, { .number = -1.5 } },
    { DATUM_NUMBER, 0, { .number = 1e308 } },
    { DATUM_TEXT, 0, { .text = { "1700000000", 10 } } },
    { DATUM_TEXT, 0, { .text = { "", 0 } } },
    { DATUM_TEXT, 0, { .text = { "%s,a b%", 7 } } },
    { DATUM_LIST, 2, { .items = items } },
    { DATUM_LIST, 0, { .items = items } },
};

static void get(void *ctx, size_t name, struct datum *out)
{
    *out = values[(name + *(const uint8_t *)ctx) % (sizeof values / sizeof *values)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct buf error = { 0 };
    struct expr_row row = { .get = get, .now_s = 1e9, .arena = &a };
    uint8_t which;
    struct expr *e;
    struct datum d;

    if (size < 1) return 0;
    which = data[0];
    row.ctx = &which;
    arena_init(&a);
    e = expr_parse(&a, str_of(data + 1, size - 1), &error);
    ensure((e == NULL) == (error.n > 0));
    for (size_t i = 0; e != NULL && i < expr_names(e); i++) ensure(expr_name(e, i).n > 0);
    if (e != NULL) {
        bool done = expr_eval(e, &row, &d, &error);

        ensure(done == (error.n == 0));
        if (done) ensure(datum_as_text(&d, &a).n <= EXPR_TEXT_MAX);
        if (done) ensure(datum_equal(&d, &d) || d.kind == DATUM_NUMBER || d.kind == DATUM_LIST);
    }
    buf_fini(&error);
    arena_fini(&a);
    return 0;
}
