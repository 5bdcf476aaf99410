/* json_canon.c -- see json_canon.h.
 *
 * One pass without recursion. Beside the stack of what is open there is one of names: those of the members of each
 * open object, so that names that come twice are noticed when it closes. */
#include "base/json_canon.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/utf8.h"

enum { FEW = 12 }; /* names are compared each with each */

struct name {
    size_t at; /* in out, of its first quote */
    size_t n;
};

struct level {
    size_t start; /* in out, of its bracket */
    size_t names; /* those before its own */
    bool object;
};

struct canon {
    const char *p, *begin, *end;
    struct buf *out;
    struct name *names;
    size_t n_names, cap_names;
    struct level *levels; /* JSON_DEPTH of them */
    unsigned depth;
    const char *what; /* NULL: nothing is wrong */
};

static bool wrong(struct canon *c, const char *what)
{
    c->what = what;
    return false;
}

static void skip_space(struct canon *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r')) c->p++;
}

/* --- strings ------------------------------------------------------------------------------------------------ */

/* Four digits behind \u. */
static bool scan_hex(struct canon *c, uint32_t *v)
{
    *v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = c->p < c->end ? num_hex_digit(*c->p) : -1;

        if (digit < 0) return wrong(c, c->p < c->end ? "invalid escape" : "EOF while parsing a string");
        *v = *v << 4 | (uint32_t)digit;
        c->p++;
    }
    return true;
}

static bool scan_unicode(struct canon *c)
{
    uint32_t v, low;

    if (!scan_hex(c, &v)) return false;
    if (v >= 0xDC00 && v < 0xE000) return wrong(c, "lone trailing surrogate in hex escape");
    if (v >= 0xD800 && v < 0xDC00) {
        if (c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u') return wrong(c, "lone leading surrogate in hex escape");
        c->p += 2;
        if (!scan_hex(c, &low)) return false;
        if (low < 0xDC00 || low >= 0xE000) return wrong(c, "lone leading surrogate in hex escape");
        v = 0x10000 + ((v - 0xD800) << 10) + (low - 0xDC00);
    }
    if (v < ' ' || v == '"' || v == '\\') {
        json_put_escaped(c->out, (unsigned char)v);
    } else {
        buf_used(c->out, utf8_put(v, buf_room(c->out, 4)));
    }
    return true;
}

/* Behind a backslash. */
static bool scan_escape(struct canon *c)
{
    if (c->p == c->end) return wrong(c, "EOF while parsing a string");
    switch (*c->p++) {
    case '"': buf_add_c(c->out, "\\\""); return true;
    case '\\': buf_add_c(c->out, "\\\\"); return true;
    case '/': buf_add_char(c->out, '/'); return true;
    case 'b': buf_add_c(c->out, "\\b"); return true;
    case 'f': buf_add_c(c->out, "\\f"); return true;
    case 'n': buf_add_c(c->out, "\\n"); return true;
    case 'r': buf_add_c(c->out, "\\r"); return true;
    case 't': buf_add_c(c->out, "\\t"); return true;
    case 'u': return scan_unicode(c);
    default: c->p--; return wrong(c, "invalid escape");
    }
}

/* At the first quote. */
static bool scan_string(struct canon *c)
{
    buf_add_char(c->out, '"');
    c->p++;
    for (;;) {
        const char *from = c->p;

        c->p = json_scan_plain(c->p, c->end);
        buf_add(c->out, from, (size_t)(c->p - from));
        if (c->p == c->end) return wrong(c, "EOF while parsing a string");
        if (*c->p == '"') break;
        if (*c->p != '\\') return wrong(c, "control character (\\u0000-\\u001F) found while parsing a string");
        c->p++;
        if (!scan_escape(c)) return false;
    }
    c->p++;
    buf_add_char(c->out, '"');
    return true;
}

void json_unquote(struct str text, struct buf *out)
{
    const char *p = text.p + 1, *end = text.p + text.n - 1;

    while (p < end) {
        const char *from = p;

        while (p < end && *p != '\\') p++;
        buf_add(out, from, (size_t)(p - from));
        if (p == end) break;
        switch (p[1]) {
        case 'b': buf_add_char(out, '\b'); break;
        case 'f': buf_add_char(out, '\f'); break;
        case 'n': buf_add_char(out, '\n'); break;
        case 'r': buf_add_char(out, '\r'); break;
        case 't': buf_add_char(out, '\t'); break;
        case 'u': /* \u00xx */
            buf_add_char(out, (char)(num_hex_digit(p[4]) << 4 | num_hex_digit(p[5])));
            p += 4;
            break;
        default: buf_add_char(out, p[1]);
        }
        p += 2;
    }
}

/* --- other scalars -------------------------------------------------------------------------------------------- */

static bool scan_digits(struct canon *c)
{
    const char *from = c->p;

    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') c->p++;
    if (c->p > from) return true;
    return wrong(c, c->p < c->end ? "invalid number" : "EOF while parsing a value");
}

static bool scan_number(struct canon *c)
{
    const char *from = c->p;

    if (*c->p == '-') c->p++;
    if (c->p < c->end && *c->p == '0') {
        c->p++;
        if (c->p < c->end && *c->p >= '0' && *c->p <= '9') return wrong(c, "invalid number");
    } else if (!scan_digits(c)) {
        return false;
    }
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!scan_digits(c)) return false;
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-')) c->p++;
        if (!scan_digits(c)) return false;
    }
    buf_add(c->out, from, (size_t)(c->p - from));
    return true;
}

static bool scan_word(struct canon *c, struct str word)
{
    size_t left = (size_t)(c->end - c->p), n = 0;

    while (n < word.n && n < left && c->p[n] == word.p[n]) n++;
    if (n < word.n) {
        c->p += n;
        return wrong(c, n == left ? "EOF while parsing a value" : "expected ident");
    }
    buf_add_str(c->out, word);
    c->p += word.n;
    return true;
}

static bool scan_scalar(struct canon *c)
{
    switch (*c->p) {
    case '"': return scan_string(c);
    case 't': return scan_word(c, STR("true"));
    case 'f': return scan_word(c, STR("false"));
    case 'n': return scan_word(c, STR("null"));
    default: break;
    }
    if (*c->p == '-' || (*c->p >= '0' && *c->p <= '9')) return scan_number(c);
    return wrong(c, "expected value");
}

/* --- names that come twice -------------------------------------------------------------------------------------- */

static void push_name(struct canon *c, size_t at)
{
    if (c->n_names == c->cap_names) {
        c->cap_names = c->cap_names ? c->cap_names * 2 : 16;
        c->names = mem_realloc(c->names, c->cap_names * sizeof *c->names);
    }
    c->names[c->n_names++] = (struct name){ at, c->out->n - at };
}

struct sorted {
    struct str name;
    size_t index;
};

static int compare(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    int order = str_cmp(x->name, y->name);

    return order ? order : x->index < y->index ? -1 : 1;
}

static struct str name_of(const struct canon *c, size_t i)
{
    return str_of(c->out->p + c->names[i].at, c->names[i].n);
}

static bool few_are_unique(const struct canon *c, size_t from)
{
    for (size_t i = from; i < c->n_names; i++) {
        for (size_t k = i + 1; k < c->n_names; k++) {
            if (str_eq(name_of(c, i), name_of(c, k))) return false;
        }
    }
    return true;
}

static struct sorted *sort_names(const struct canon *c, size_t from, size_t n)
{
    struct sorted *s = mem_alloc(n * sizeof *s);

    for (size_t i = 0; i < n; i++) s[i] = (struct sorted){ name_of(c, from + i), i };
    qsort(s, n, sizeof *s, compare);
    return s;
}

/* Where the value of member i ends: before the comma and the next name, or before the bracket. */
static struct str value_of(const struct canon *c, size_t i)
{
    size_t from = c->names[i].at + c->names[i].n + 1;
    size_t to = i + 1 < c->n_names ? c->names[i + 1].at - 1 : c->out->n;

    return str_of(c->out->p + from, to - from);
}

/* Write the members once each, by their names in order. */
static void drop_doubles(struct canon *c, struct sorted *s, size_t from, size_t n)
{
    size_t *value = mem_alloc(n * sizeof *value), start = c->levels[c->depth - 1].start;
    struct buf once = { 0 };

    for (size_t i = 0; i < n; i++) value[i] = SIZE_MAX;
    for (size_t i = 0; i < n;) {
        size_t first = s[i].index, last = first;

        while (++i < n && str_eq(s[i].name, s[i - 1].name)) last = s[i].index;
        value[first] = last;
    }
    for (size_t i = 0; i < n; i++) {
        if (value[i] == SIZE_MAX) continue;
        buf_add_char(&once, once.n > 0 ? ',' : '{');
        buf_add_str(&once, name_of(c, from + i));
        buf_add_char(&once, ':');
        buf_add_str(&once, value_of(c, from + value[i]));
    }
    c->out->n = start;
    buf_add_str(c->out, buf_str(&once));
    buf_fini(&once);
    mem_free(value);
}

/* An object is about to be closed: each of its names is to stand there once. */
static void make_unique(struct canon *c)
{
    size_t from = c->levels[c->depth - 1].names, n = c->n_names - from;
    struct sorted *s;
    bool unique = true;

    if (c->out->failed || (n <= FEW && few_are_unique(c, from))) return;
    s = sort_names(c, from, n);
    for (size_t i = 1; i < n; i++) unique &= !str_eq(s[i].name, s[i - 1].name);
    if (!unique) drop_doubles(c, s, from, n);
    mem_free(s);
}

/* --- what opens and closes ---------------------------------------------------------------------------------------- */

/* A member's name and its colon. */
static bool scan_name(struct canon *c)
{
    size_t at = c->out->n;

    skip_space(c);
    if (c->p == c->end) return wrong(c, "EOF while parsing an object");
    if (*c->p != '"') return wrong(c, "key must be a string");
    if (!scan_string(c)) return false;
    push_name(c, at);
    skip_space(c);
    if (c->p == c->end) return wrong(c, "EOF while parsing an object");
    if (*c->p != ':') return wrong(c, "expected `:`");
    c->p++;
    buf_add_char(c->out, ':');
    return true;
}

static void close_level(struct canon *c)
{
    bool object = c->levels[c->depth - 1].object;

    if (object) make_unique(c);
    buf_add_char(c->out, object ? '}' : ']');
    c->depth--;
    c->n_names = c->levels[c->depth].names;
    c->p++;
}

/* At '{' or '['. *closed: it is empty. Else a value comes next. */
static bool open_level(struct canon *c, bool *closed)
{
    bool object = *c->p == '{';

    if (c->depth == JSON_DEPTH) return wrong(c, "recursion limit exceeded");
    c->levels[c->depth++] = (struct level){ c->out->n, c->n_names, object };
    buf_add_char(c->out, *c->p++);
    skip_space(c);
    if (c->p == c->end) return wrong(c, object ? "EOF while parsing an object" : "EOF while parsing a list");
    *closed = *c->p == (object ? '}' : ']');
    if (*closed) {
        close_level(c);
        return true;
    }
    return !object || scan_name(c);
}

/* Behind a value: what closes, up to where the next value begins. *done: all is closed. */
static bool after_value(struct canon *c, bool *done)
{
    for (;;) {
        bool object;

        skip_space(c);
        *done = c->depth == 0;
        if (*done) return c->p == c->end || wrong(c, "trailing characters");
        object = c->levels[c->depth - 1].object;
        if (c->p == c->end) return wrong(c, object ? "EOF while parsing an object" : "EOF while parsing a list");
        if (*c->p == ',') {
            c->p++;
            buf_add_char(c->out, ',');
            return !object || scan_name(c);
        }
        if (*c->p != (object ? '}' : ']')) return wrong(c, object ? "expected `,` or `}`" : "expected `,` or `]`");
        close_level(c);
    }
}

static bool scan_document(struct canon *c)
{
    bool done = false;

    while (!done) {
        bool ended = true;

        skip_space(c);
        if (c->p == c->end) return wrong(c, "EOF while parsing a value");
        if (*c->p == '{' || *c->p == '[') {
            if (!open_level(c, &ended)) return false;
        } else if (!scan_scalar(c)) {
            return false;
        }
        if (ended && !after_value(c, &done)) return false;
    }
    return true;
}

static struct json_error tell(const struct canon *c)
{
    struct json_error e = { c->what, 1, 1 };

    for (const char *p = c->begin; p < c->p; p++) {
        e.column++;
        if (*p == '\n') {
            e.line++;
            e.column = 1;
        }
    }
    return e;
}

bool json_canon(struct str text, struct buf *out, struct json_error *why)
{
    struct level levels[JSON_DEPTH];
    struct canon c = { .p = text.p, .begin = text.p, .end = text.p + text.n, .out = out, .levels = levels };
    size_t before = out->n;
    bool ok = utf8_valid(text) ? scan_document(&c) : wrong(&c, "invalid UTF-8");

    if (ok && out->failed) ok = wrong(&c, "out of memory");
    if (!ok) {
        out->n = before;
        *why = tell(&c);
    }
    mem_free(c.names);
    return ok;
}
