/* Words of a line: quoted again in any way, they come back as they were. */
#include "base/buf.h"
#include "base/ensure.h"
#include "base/mem.h"
#include "protocol/resp.h"
#include "tests/fuzz/fuzz.h"

struct words {
    char *copy;
    struct str *at;
    size_t n;
};

static bool split(struct str line, struct words *w)
{
    size_t max = line.n / 2 + 1;
    bool good;

    w->copy = mem_alloc(line.n + 1);
    w->at = mem_alloc(max * sizeof *w->at);
    good = resp_split_words(line.p, line.n, w->copy, w->at, max, &w->n);
    ensure(w->n <= max);
    return good;
}

static void words_fini(struct words *w)
{
    mem_free(w->copy);
    mem_free(w->at);
}

/* Words lie in the copy one behind the other. */
static void check_place(const struct words *w, size_t n)
{
    const char *at = w->copy;

    for (size_t i = 0; i < w->n; i++) {
        ensure(w->at[i].p >= at);
        at = w->at[i].p + w->at[i].n;
    }
    ensure(at <= w->copy + n);
}

static void quote(struct buf *b, struct str word, unsigned way)
{
    if (way == 0) {
        buf_add_char(b, '"');
        for (size_t i = 0; i < word.n; i++) buf_printf(b, "\\x%02x", (unsigned char)word.p[i]);
        buf_add_char(b, '"');
        return;
    }
    buf_add_char(b, '"');
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '"' || word.p[i] == '\\') buf_add_char(b, '\\');
        buf_add_char(b, word.p[i]);
    }
    buf_add_char(b, '"');
}

static void check_quoted(const struct words *w, unsigned way)
{
    struct buf line = { 0 };
    struct words again;

    for (size_t i = 0; i < w->n; i++) {
        quote(&line, w->at[i], way);
        buf_add_char(&line, ' ');
    }
    ensure(split(buf_str(&line), &again));
    ensure(again.n == w->n);
    for (size_t i = 0; i < w->n; i++) ensure(str_eq(again.at[i], w->at[i]));
    words_fini(&again);
    buf_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct words w;

    if (split(str_of(data, size), &w)) {
        check_place(&w, size);
        check_quoted(&w, 0);
        check_quoted(&w, 1);
    }
    words_fini(&w);
    return 0;
}
