/* resp.c -- see resp.h. The grammar is that of the RESP specification; limits and the texts of errors
 * are those of Redis 7, which clients and test suites match.
 *
 * A request that is complete in the buffer costs one pass over its headers: bytes of arguments are
 * skipped by their length and never read. */
#include "protocol/resp.h"

#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"

void resp_fini(struct resp_parser *p)
{
    mem_free(p->args);
    mem_free(p->inline_copy);
    *p = (struct resp_parser){ 0 };
}

void resp_rewind(struct resp_parser *p)
{
    p->at = 0;
    p->argc = 0;
    p->in_multibulk = p->have_bulk = false;
}

static enum resp_state bad(struct resp_parser *p, const char *text)
{
    snprintf(p->error, sizeof p->error, "Protocol error: %s", text);
    return RESP_BAD;
}

static void add_arg(struct resp_parser *p, const char *at, size_t n)
{
    if (p->argc == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->args = mem_realloc(p->args, p->cap * sizeof *p->args);
    }
    p->args[p->argc++] = str_of(at, n);
}

/* The number of a header line "<c>digits\r\n" at in[at..n). RESP_REQUEST: *v is the number and *next
 * the offset behind the line. */
static enum resp_state header(struct resp_parser *p, const char *in, size_t at, size_t n, int64_t *v,
                              size_t *next, const char *too_long, const char *invalid)
{
    const char *s = in + at + 1, *end = in + n, *q = s;
    int64_t x = 0;

    /* Up to 9 digits: what nearly every header has. */
    while (q < end && q - s < 9 && *q >= '0' && *q <= '9') x = x * 10 + (*q++ - '0');
    if (q > s && end - q >= 2 && q[0] == '\r' && (s[0] != '0' || q - s == 1)) {
        *v = x;
        *next = (size_t)(q + 2 - in);
        return RESP_REQUEST;
    }
    q = s < end ? memchr(s, '\r', (size_t)(end - s)) : NULL;
    if (q == NULL) return (size_t)(end - s) > RESP_MAX_LINE ? bad(p, too_long) : RESP_NEED_MORE;
    if (end - q < 2) return RESP_NEED_MORE;
    if (!num_parse_i64(str_of(s, (size_t)(q - s)), v)) return bad(p, invalid);
    *next = (size_t)(q + 2 - in);
    return RESP_REQUEST;
}

static enum resp_state begin_multibulk(struct resp_parser *p, const char *in, size_t n,
                                       const struct resp_limits *lim)
{
    int64_t count;
    enum resp_state st = header(p, in, 0, n, &count, &p->at, "too big mbulk count string",
                                "invalid multibulk length");

    if (st != RESP_REQUEST) return st;
    if (count > lim->max_args) {
        return bad(p, lim->authenticated ? "invalid multibulk length"
                                         : "unauthenticated multibulk length");
    }
    p->in_multibulk = true;
    p->n_args_left = count > 0 ? (uint32_t)count : 0;
    return RESP_REQUEST;
}

static enum resp_state bulk_header(struct resp_parser *p, const char *in, size_t n,
                                   const struct resp_limits *lim)
{
    int64_t len;
    enum resp_state st;

    if (p->at >= n) return RESP_NEED_MORE;
    if (in[p->at] != '$') {
        char text[32], c = in[p->at];
        snprintf(text, sizeof text, "expected '$', got '%c'", c);
        /* A NUL would end the text early: the client still reads a whole line. */
        return bad(p, text);
    }
    st = header(p, in, p->at, n, &len, &p->at, "too big bulk count string", "invalid bulk length");
    if (st != RESP_REQUEST) return st;
    if (len < 0) return bad(p, "invalid bulk length");
    if ((uint64_t)len > lim->max_bulk) {
        return bad(p, lim->authenticated ? "invalid bulk length" : "unauthenticated bulk length");
    }
    p->bulk = (uint64_t)len;
    p->have_bulk = true;
    return RESP_REQUEST;
}

static enum resp_state multibulk(struct resp_parser *p, const char *in, size_t n,
                                 const struct resp_limits *lim, size_t *used, size_t *want)
{
    enum resp_state st = RESP_REQUEST;

    if (!p->in_multibulk) st = begin_multibulk(p, in, n, lim);
    while (st == RESP_REQUEST && p->n_args_left > 0) {
        if (!p->have_bulk) {
            st = bulk_header(p, in, n, lim);
            if (st != RESP_REQUEST) break;
        }
        if (n - p->at < p->bulk + 2) {
            if (want) *want = p->bulk + 2 - (n - p->at);
            return RESP_NEED_MORE;
        }
        add_arg(p, in + p->at, p->bulk);
        p->at += p->bulk + 2;
        p->have_bulk = false;
        p->n_args_left--;
    }
    if (st == RESP_REQUEST) {
        *used = p->at;
        p->in_multibulk = false;
        p->at = 0;
    }
    return st;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One escape of a double-quoted word at s (behind the backslash); returns the bytes it took. */
static size_t unescape(const char *s, const char *end, char *out)
{
    static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
    const char *f;

    if (end - s >= 3 && s[0] == 'x' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
        *out = (char)(hex(s[1]) << 4 | hex(s[2]));
        return 3;
    }
    f = memchr(from, s[0], sizeof from - 1);
    *out = f ? to[f - from] : s[0];
    return 1;
}

/* One word at *s; false: its quotes do not balance. */
static bool word(const char **s, const char *end, char **out)
{
    const char *p = *s;
    char quote = 0;

    for (; p < end; p++) {
        if (quote == 0) {
            if (blank(*p)) break;
            if (*p == '"' || *p == '\'') quote = *p;
            else *(*out)++ = *p;
        } else if (*p == quote) {
            if (p + 1 < end && !blank(p[1])) return false; /* a closing quote ends the word */
            quote = 0;
            p++;
            break;
        } else if (*p == '\\' && p + 1 < end && (quote == '"' || p[1] == '\'')) {
            if (quote == '"') p += unescape(p + 1, end, (*out)++);
            else *(*out)++ = *++p;
        } else {
            *(*out)++ = *p;
        }
    }
    *s = p;
    return quote == 0;
}

bool resp_split_words(const char *line, size_t n, char *copy, struct str *words, size_t max,
                      size_t *n_words)
{
    const char *s = line, *end = line + n;
    char *out = copy;

    *n_words = 0;
    for (;;) {
        char *start = out;
        while (s < end && blank(*s)) s++;
        if (s == end || *n_words == max) return s == end;
        if (!word(&s, end, &out)) return false;
        words[(*n_words)++] = str_of(start, (size_t)(out - start));
    }
}

static enum resp_state inline_request(struct resp_parser *p, const char *in, size_t n,
                                      const struct resp_limits *lim, size_t *used)
{
    const char *nl = memchr(in + p->at, '\n', n - p->at);
    size_t len, max;

    if (nl == NULL) {
        p->at = n;
        return n > RESP_MAX_LINE ? bad(p, "too big inline request") : RESP_NEED_MORE;
    }
    len = (size_t)(nl - in);
    *used = len + 1;
    p->at = 0;
    if (len > RESP_MAX_LINE) return bad(p, "too big inline request");
    if (len > 0 && in[len - 1] == '\r') len--;

    max = len / 2 + 1;
    if (max > lim->max_args) max = lim->max_args;
    p->inline_copy = mem_realloc(p->inline_copy, len + 1);
    if (p->cap < max) {
        p->cap = max;
        p->args = mem_realloc(p->args, p->cap * sizeof *p->args);
    }
    if (!resp_split_words(in, len, p->inline_copy, p->args, max, &p->argc)) {
        return bad(p, "unbalanced quotes in request");
    }
    return RESP_REQUEST;
}

enum resp_state resp_parse(struct resp_parser *p, const char *in, size_t n,
                           const struct resp_limits *lim, size_t *used, size_t *want)
{
    if (want) *want = 1;
    if (p->at == 0) {
        p->argc = 0;
    } else if (p->base != in) {
        for (size_t i = 0; i < p->argc; i++) p->args[i].p = in + (p->args[i].p - p->base);
    }
    p->base = in;
    if (n == 0) return RESP_NEED_MORE;
    if (in[0] == '*') return multibulk(p, in, n, lim, used, want);
    return inline_request(p, in, n, lim, used);
}
