/* reference.c -- see reference.h. */
#include "tests/unit/protocol/reference.h"

#include <errno.h>

#include "tests/unit/protocol/feed.h"
#include "tests/unit/unit.h"

/* --- words of a line ------------------------------------------------------------------------ */

struct words {
    struct str *at; /* each an allocation of its own */
    size_t n;
};

static void words_add(struct words *w, struct str word)
{
    w->at = mem_realloc(w->at, (w->n + 1) * sizeof *w->at);
    w->at[w->n++] = str_of(mem_dup(word.p, word.n), word.n);
}

static void words_fini(struct words *w)
{
    for (size_t i = 0; i < w->n; i++) mem_free((void *)(uintptr_t)w->at[i].p);
    mem_free(w->at);
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* The byte that the escape behind a backslash stands for; *n is its length. */
static char escaped(struct str rest, size_t *n)
{
    static const char hex[] = "0123456789abcdefABCDEF";

    *n = 1;
    if (rest.n >= 3 && rest.p[0] == 'x' && is_one_of(rest.p[1], hex) && is_one_of(rest.p[2], hex)) {
        char digits[3] = { rest.p[1], rest.p[2], '\0' };

        *n = 3;
        return (char)strtol(digits, NULL, 16);
    }
    switch (rest.p[0]) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return rest.p[0];
    }
}

/* One flat switch over where we are: a state a case. */
static bool split(struct str line, struct words *w)
{
    enum { BETWEEN, PLAIN, DOUBLE, SINGLE, CLOSED } state = BETWEEN;
    struct buf word = { 0 };

    for (size_t i = 0; i < line.n; i++) {
        char c = line.p[i];
        struct str rest = str_of(line.p + i + 1, line.n - i - 1);
        size_t n;

        if (state == BETWEEN && !is_one_of(c, " \t\n\v\f\r")) state = PLAIN;
        switch (state) {
        case BETWEEN: break;
        case PLAIN:
            if (c == '"') {
                state = DOUBLE;
            } else if (c == '\'') {
                state = SINGLE;
            } else if (is_one_of(c, " \t\n\r")) {
                words_add(w, buf_str(&word));
                buf_clear(&word);
                state = BETWEEN;
            } else {
                buf_add_char(&word, c);
            }
            break;
        case DOUBLE:
            if (c == '"') {
                state = CLOSED;
            } else if (c == '\\' && rest.n > 0) {
                buf_add_char(&word, escaped(rest, &n));
                i += n;
            } else {
                buf_add_char(&word, c);
            }
            break;
        case SINGLE:
            if (c == '\'') {
                state = CLOSED;
            } else if (c == '\\' && rest.n > 0 && rest.p[0] == '\'') {
                buf_add_char(&word, '\'');
                i++;
            } else {
                buf_add_char(&word, c);
            }
            break;
        case CLOSED:
            if (!is_one_of(c, " \t\n\v\f\r")) {
                buf_fini(&word);
                return false;
            }
            words_add(w, buf_str(&word));
            buf_clear(&word);
            state = BETWEEN;
            break;
        }
    }
    if (state == PLAIN || state == CLOSED) words_add(w, buf_str(&word));
    buf_fini(&word);
    return state != DOUBLE && state != SINGLE;
}

bool reference_words(struct str line, struct buf *transcript)
{
    struct words w = { 0 };
    bool balanced = split(line, &w);

    if (balanced) feed_note_request(transcript, w.at, w.n);
    words_fini(&w);
    return balanced;
}

/* --- requests ------------------------------------------------------------------------------- */

/* What a function made of the bytes at *in: it took them, needs more, or has noted an error. */
enum outcome { TAKEN, MORE, WRONG };

static enum outcome wrong(struct buf *transcript, const char *text)
{
    struct buf error = { 0 };

    buf_printf(&error, "Protocol error: %s", text);
    buf_add_char(&error, '\0');
    feed_note_error(transcript, error.p);
    buf_fini(&error);
    return WRONG;
}

static void skip(struct str *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

/* A number is what prints as the text it was read from. */
static bool canonical(struct str digits, long long *v)
{
    struct buf text = { 0 }, again = { 0 };
    bool same;

    buf_add_str(&text, digits);
    buf_add_char(&text, '\0');
    errno = 0;
    *v = strtoll(text.p, NULL, 10);
    buf_printf(&again, "%lld", *v);
    same = errno == 0 && str_eq(buf_str(&again), digits);
    buf_fini(&text);
    buf_fini(&again);
    return same;
}

static enum outcome length(struct str *in, const char *too_long, const char *invalid, long long *v,
                           struct buf *transcript)
{
    for (size_t i = 0; i < in->n && i <= RESP_MAX_LINE; i++) {
        if (in->p[i] != '\r') continue;
        if (i + 1 == in->n) return MORE;
        if (!canonical(str_of(in->p + 1, i - 1), v)) return wrong(transcript, invalid);
        skip(in, i + 2);
        return TAKEN;
    }
    return in->n > RESP_MAX_LINE ? wrong(transcript, too_long) : MORE;
}

static enum outcome argument(struct str *in, const struct resp_limits *lim, struct words *args,
                             struct buf *transcript)
{
    char text[] = "expected '$', got '?'";
    long long n;
    enum outcome o;

    if (in->n == 0) return MORE;
    if (in->p[0] != '$') {
        *strchr(text, '?') = in->p[0] ? in->p[0] : ' ';
        return wrong(transcript, text);
    }
    o = length(in, "too big bulk count string", "invalid bulk length", &n, transcript);
    if (o != TAKEN) return o;
    if (n < 0 || n > 512 * 1024 * 1024) return wrong(transcript, "invalid bulk length");
    if ((unsigned long long)n > lim->max_bulk) {
        return wrong(transcript,
                     lim->authenticated ? "invalid bulk length" : "unauthenticated bulk length");
    }
    if (in->n < (size_t)n + 2) return MORE;
    words_add(args, str_of(in->p, (size_t)n));
    skip(in, (size_t)n + 2);
    return TAKEN;
}

static enum outcome multibulk(struct str *in, const struct resp_limits *lim, struct buf *transcript)
{
    struct words args = { 0 };
    long long n;
    enum outcome o =
        length(in, "too big mbulk count string", "invalid multibulk length", &n, transcript);

    if (o != TAKEN) return o;
    if (n > INT32_MAX) return wrong(transcript, "invalid multibulk length");
    if (n > lim->max_args) {
        return wrong(transcript, lim->authenticated ? "invalid multibulk length"
                                                    : "unauthenticated multibulk length");
    }
    for (; n > 0 && o == TAKEN; n--) o = argument(in, lim, &args, transcript);
    if (o == TAKEN) feed_note_request(transcript, args.at, args.n);
    words_fini(&args);
    return o;
}

static enum outcome one_line(struct str *in, struct buf *transcript)
{
    struct str line = *in;
    const char *lf = memchr(in->p, '\n', in->n);

    if (lf != NULL) line.n = (size_t)(lf - in->p);
    if (line.n > RESP_MAX_LINE) return wrong(transcript, "too big inline request");
    if (lf == NULL) return MORE;
    skip(in, line.n + 1);
    if (line.n > 0 && line.p[line.n - 1] == '\r') line.n--;
    if (reference_words(line, transcript)) return TAKEN;
    return wrong(transcript, "unbalanced quotes in request");
}

void reference_transcript(struct str in, const struct resp_limits *lim, struct buf *transcript)
{
    enum outcome o = TAKEN;

    buf_clear(transcript);
    while (in.n > 0 && o == TAKEN) {
        o = in.p[0] == '*' ? multibulk(&in, lim, transcript) : one_line(&in, transcript);
    }
    if (o == MORE) feed_note_more(transcript);
}
