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

/* Slots for arguments, and with them bytes of inline text, that a parser keeps between requests: one
 * huge MSET must not cost its connection megabytes for ever. A line of 2 KB has fewer words. */
enum { ARGS_KEPT = 1024, ARGS_FIRST = 8, ARGS_SURE = 4096 };

/* What no configuration takes is called invalid even before authentication: as Redis does it, with
 * its default for the longest argument. */
enum { ABSURD_ARGS = INT32_MAX, ABSURD_BULK = 512 * 1024 * 1024 };

/* A line with a length: "*3" or "$5". */
struct length_line {
    const char *too_long, *invalid, *unauthenticated;
    int64_t absurd;
};

static const struct length_line args_line = { "too big mbulk count string",
                                              "invalid multibulk length",
                                              "unauthenticated multibulk length", ABSURD_ARGS };
static const struct length_line bulk_line = { "too big bulk count string", "invalid bulk length",
                                              "unauthenticated bulk length", ABSURD_BULK };

static void free_memory(struct resp_parser *p)
{
    mem_free(p->args);
    mem_free(p->inline_copy);
    p->args = NULL;
    p->inline_copy = NULL;
    p->argc = p->cap = 0;
}

void resp_fini(struct resp_parser *p)
{
    free_memory(p);
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

/* Room for n arguments. False: there is no memory for so many. */
static bool room_for_args(struct resp_parser *p, size_t n)
{
    bool many = n > ARGS_SURE;
    void *args;

    if (n <= p->cap) return true;
    args = many ? mem_try_realloc(p->args, n * sizeof *p->args) : mem_realloc(p->args, n * sizeof *p->args);
    if (UNLIKELY(args == NULL)) return false;
    p->cap = n;
    p->args = args;
    return true;
}

static bool add_arg(struct resp_parser *p, const char *at, size_t n)
{
    if (UNLIKELY(p->argc == p->cap) && !room_for_args(p, p->cap ? p->cap * 2 : ARGS_FIRST)) return false;
    p->args[p->argc++] = str_of(at, n);
    return true;
}

/* The line at p->at, whatever is in it. Like Redis we look for the CR, and take any byte for the LF.
 * Only what a line may have is searched, so that a line in pieces and a whole one fare the same. */
static enum resp_state any_length(struct resp_parser *p, const char *in, size_t n,
                                  const struct length_line *line, int64_t *v)
{
    const char *s = in + p->at;
    size_t left = n - p->at;
    const char *cr = memchr(s, '\r', left <= RESP_MAX_LINE ? left : RESP_MAX_LINE + 1);

    if (cr == NULL) return left > RESP_MAX_LINE ? bad(p, line->too_long) : RESP_NEED_MORE;
    if (in + n - cr < 2) return RESP_NEED_MORE;
    if (!num_parse_i64(str_of(s + 1, (size_t)(cr - s) - 1), v)) return bad(p, line->invalid);
    p->at += (size_t)(cr - s) + 2;
    return RESP_REQUEST;
}

/* The number of the line at p->at. RESP_REQUEST: p->at is behind the line. */
static inline enum resp_state length(struct resp_parser *p, const char *in, size_t n,
                                     const struct length_line *line, int64_t *v)
{
    const char *s = in + p->at + 1, *end = in + n, *q = s;
    int64_t x = 0;

    /* Up to 9 digits: what nearly every line has. */
    while (q < end && q - s < 9 && *q >= '0' && *q <= '9') x = x * 10 + (*q++ - '0');
    if (LIKELY(q > s && end - q >= 2 && *q == '\r' && (*s != '0' || q - s == 1))) {
        *v = x;
        p->at = (size_t)(q + 2 - in);
        return RESP_REQUEST;
    }
    return any_length(p, in, n, line, v);
}

static enum resp_state over_limit(struct resp_parser *p, const struct length_line *line, int64_t v,
                                  const struct resp_limits *lim)
{
    return bad(p, lim->authenticated || v > line->absurd ? line->invalid : line->unauthenticated);
}

static enum resp_state begin_multibulk(struct resp_parser *p, const char *in, size_t n,
                                       const struct resp_limits *lim)
{
    int64_t count;
    enum resp_state st = length(p, in, n, &args_line, &count);

    if (st != RESP_REQUEST) return st;
    if (count > lim->max_args) {
        p->at = 0;
        return over_limit(p, &args_line, count, lim);
    }
    p->in_multibulk = true;
    p->n_args_left = count > 0 ? (uint32_t)count : 0;
    return RESP_REQUEST;
}

static enum resp_state not_a_bulk(struct resp_parser *p, char c)
{
    char text[32];

    /* The text is a C string: a NUL would cut it. CR and LF become blanks in the reply. */
    snprintf(text, sizeof text, "expected '$', got '%c'", c != '\0' ? c : ' ');
    return bad(p, text);
}

static inline enum resp_state begin_bulk(struct resp_parser *p, const char *in, size_t n,
                                         const struct resp_limits *lim)
{
    size_t start = p->at;
    int64_t len;
    enum resp_state st;

    if (start == n) return RESP_NEED_MORE;
    if (in[start] != '$') return not_a_bulk(p, in[start]);
    st = length(p, in, n, &bulk_line, &len);
    if (st != RESP_REQUEST) return st;
    if (len < 0 || (uint64_t)len > lim->max_bulk) {
        p->at = start; /* asked again, the answer is the same */
        return len < 0 ? bad(p, bulk_line.invalid) : over_limit(p, &bulk_line, len, lim);
    }
    p->bulk = (uint64_t)len;
    p->have_bulk = true;
    return RESP_REQUEST;
}

/* The number and CR LF of a header whose first byte is before s: what nearly every one looks like, up to 8
 * digits without a leading zero. Returns the byte behind it; NULL: look at it slowly. */
static inline const char *plain_header(const char *s, const char *end, size_t *v)
{
    const char *last = end - s > 8 ? s + 8 : end;
    size_t x, d;

    if (s == end || (x = (size_t)(*s - '0')) > 9) return NULL;
    s++;
    while (s < last && (d = (size_t)(*s - '0')) <= 9) {
        if (x == 0) return NULL;
        x = x * 10 + d;
        s++;
    }
    if (end - s < 2 || *s != '\r') return NULL;
    *v = x;
    return s + 2;
}

/* A request that is whole and plain, which nearly all are. False: nothing has changed, and the careful
 * way finds out what is the matter. */
static inline bool whole_request(struct resp_parser *p, const char *in, size_t n,
                                 const struct resp_limits *lim, size_t *used)
{
    enum { ARG_BYTES_MIN = 6 }; /* $0 CR LF CR LF */
    const char *end = in + n, *s;
    size_t count, len;
    struct str *arg;

    s = plain_header(in + 1, end, &count);
    if (s == NULL || count > lim->max_args || count > n / ARG_BYTES_MIN) return false;
    if (UNLIKELY(count > p->cap) && !room_for_args(p, count < ARGS_FIRST ? ARGS_FIRST : count)) return false;
    arg = p->args;
    for (size_t i = 0; i < count; i++, arg++) {
        if (s == end || *s != '$') return false;
        s = plain_header(s + 1, end, &len);
        if (s == NULL || len > lim->max_bulk || (size_t)(end - s) < len + 2) return false;
        *arg = str_of(s, len);
        s += len + 2;
    }
    p->argc = count;
    *used = (size_t)(s - in);
    return true;
}

static enum resp_state multibulk(struct resp_parser *p, const char *in, size_t n,
                                 const struct resp_limits *lim, size_t *used, size_t *want)
{
    enum resp_state st = RESP_REQUEST;

    if (p->at == 0 && whole_request(p, in, n, lim, used)) return RESP_REQUEST;
    if (!p->in_multibulk) st = begin_multibulk(p, in, n, lim);
    while (st == RESP_REQUEST && p->n_args_left > 0) {
        if (!p->have_bulk) {
            st = begin_bulk(p, in, n, lim);
            if (st != RESP_REQUEST) break;
        }
        if (n - p->at < p->bulk + 2) {
            if (want) *want = p->bulk + 2 - (n - p->at);
            return RESP_NEED_MORE;
        }
        if (UNLIKELY(!add_arg(p, in + p->at, p->bulk))) return bad(p, "out of memory");
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

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Redis skips every blank between words, but a vertical tab or form feed does not end one. */
static bool ends_word(char c)
{
    return blank(c) && c != '\v' && c != '\f';
}

/* One escape of a double-quoted word at s (behind the backslash); returns the bytes it took. */
static size_t unescape(const char *s, const char *end, char *out)
{
    static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
    const char *f;

    if (end - s >= 3 && s[0] == 'x' && num_hex_digit(s[1]) >= 0 && num_hex_digit(s[2]) >= 0) {
        *out = (char)(num_hex_digit(s[1]) << 4 | num_hex_digit(s[2]));
        return 3;
    }
    f = memchr(from, s[0], sizeof from - 1);
    *out = *s;
    if (f != NULL) *out = to[f - from];
    return 1;
}

/* One word at *s; false: its quotes do not balance. */
static bool word(const char **s, const char *end, char **out)
{
    const char *p = *s;
    char quote = 0;

    for (; p < end; p++) {
        if (quote == 0) {
            if (ends_word(*p)) break;
            if (*p == '"' || *p == '\'')
                quote = *p;
            else
                *(*out)++ = *p;
        } else if (*p == quote) {
            if (p + 1 < end && !blank(p[1])) return false; /* a closing quote ends the word */
            quote = 0;
            p++;
            break;
        } else if (*p == '\\' && p + 1 < end && (quote == '"' || p[1] == '\'')) {
            if (quote == '"')
                p += unescape(p + 1, end, (*out)++);
            else
                *(*out)++ = *++p;
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
    const char *s = line, *end;
    char *out = copy;

    *n_words = 0;
    if (n == 0) return true; /* line may be NULL */
    end = line + n;
    for (;;) {
        char *start = out;
        while (s < end && blank(*s)) s++;
        if (s == end || *n_words == max) return s == end;
        if (!word(&s, end, &out)) return false;
        words[(*n_words)++] = str_of(start, (size_t)(out - start));
    }
}

/* A line is short, so its words are limited by its length alone: not by max_args. */
static enum resp_state inline_request(struct resp_parser *p, const char *in, size_t n,
                                      const struct resp_limits *lim, size_t *used)
{
    const char *nl = memchr(in + p->at, '\n', n - p->at);
    size_t len = nl ? (size_t)(nl - in) : n;
    size_t max, longest = lim->authenticated ? RESP_MAX_LINE : RESP_MAX_STRANGE_LINE;

    p->at = nl ? 0 : n;
    if (len > longest) return bad(p, "too big inline request");
    if (nl == NULL) return RESP_NEED_MORE;

    if (len > 0 && in[len - 1] == '\r') len--;
    max = len / 2 + 1;
    if (!room_for_args(p, max)) return bad(p, "out of memory");
    p->inline_copy = mem_realloc(p->inline_copy, len + 1);
    if (!resp_split_words(in, len, p->inline_copy, p->args, max, &p->argc)) {
        p->argc = 0;
        return bad(p, "unbalanced quotes in request");
    }
    *used = (size_t)(nl - in) + 1;
    return RESP_REQUEST;
}

/* The buffer was freed, maybe: only the distance to its start is sure, so no pointers are subtracted. */
static void follow_buffer(struct resp_parser *p, const char *in)
{
    for (size_t i = 0; i < p->argc; i++) {
        p->args[i].p = in + ((uintptr_t)p->args[i].p - (uintptr_t)p->base);
    }
}

enum resp_state resp_parse(struct resp_parser *p, const char *in, size_t n,
                           const struct resp_limits *lim, size_t *used, size_t *want)
{
    ensure(p->at <= n);
    if (want) *want = 1;
    if (p->at == 0) {
        p->argc = 0;
        if (UNLIKELY(p->cap > ARGS_KEPT)) free_memory(p);
    } else if (p->base != in) {
        follow_buffer(p, in);
    }
    p->base = in;
    if (n == 0) return RESP_NEED_MORE;
    if (in[0] == '*') return multibulk(p, in, n, lim, used, want);
    return inline_request(p, in, n, lim, used);
}
