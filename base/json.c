/* json.c -- a scanner without recursion: what is open is one bit each. See json.h. */
#include "base/json.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/json_scan.h"
#include "base/num.h"
#include "base/utf8.h"

struct scan {
    const char *p, *end;
    unsigned __int128 objects; /* bit i: what was opened i-th is an object, else an array */
    unsigned depth;
    struct json_facts facts;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && is_space(*p)) p++;
    return p;
}

/* --- validity --------------------------------------------------------------------------------------------- */

/* Behind a backslash. */
static bool scan_escape(struct scan *s)
{
    unsigned v = 0;

    if (s->p == s->end) return false;
    switch (*s->p++) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't': return true;
    case 'u': break;
    default: return false;
    }
    if (s->end - s->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        int digit = num_hex_digit(*s->p++);

        if (digit < 0) return false;
        v = v << 4 | (unsigned)digit;
    }
    if (v == 0) s->facts.has_nul = true;
    return true;
}

static bool scan_string(struct scan *s)
{
    if (s->p == s->end || *s->p != '"') return false;
    for (s->p++;;) {
        s->p = json_scan_plain(s->p, s->end);
        if (s->p == s->end) return false;
        if (*s->p == '"') break;
        if (*s->p++ != '\\' || !scan_escape(s)) return false;
    }
    s->p++;
    return true;
}

static bool scan_digits(struct scan *s)
{
    const char *from = s->p;

    while (s->p < s->end && is_digit(*s->p)) s->p++;
    return s->p > from;
}

static bool scan_number(struct scan *s)
{
    if (*s->p == '-') s->p++;
    if (s->p < s->end && *s->p == '0') s->p++;
    else if (!scan_digits(s)) return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s)) return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
        if (!scan_digits(s)) return false;
    }
    return true;
}

static bool scan_word(struct scan *s, struct str word)
{
    if ((size_t)(s->end - s->p) < word.n || memcmp(s->p, word.p, word.n) != 0) return false;
    s->p += word.n;
    return true;
}

static bool scan_scalar(struct scan *s)
{
    switch (*s->p) {
    case '"': return scan_string(s);
    case 't': return scan_word(s, STR("true"));
    case 'f': return scan_word(s, STR("false"));
    case 'n': return scan_word(s, STR("null"));
    default: return (*s->p == '-' || is_digit(*s->p)) && scan_number(s);
    }
}

/* A member's name and its colon. */
static bool scan_name(struct scan *s)
{
    s->p = skip_space(s->p, s->end);
    if (!scan_string(s)) return false;
    s->p = skip_space(s->p, s->end);
    return s->p < s->end && *s->p++ == ':';
}

/* At '{' or '['. *empty: it has been closed again. Else a value comes next. */
static bool scan_open(struct scan *s, bool *empty)
{
    bool object = *s->p++ == '{';

    if (s->depth == JSON_DEPTH) return false;
    s->p = skip_space(s->p, s->end);
    *empty = s->p < s->end && *s->p == (object ? '}' : ']');
    if (*empty) {
        s->p++;
        return true;
    }
    s->objects = s->objects << 1 | object;
    s->depth++;
    return !object || scan_name(s);
}

/* Behind a value: what closes, up to where the next value begins. *done: all is closed. */
static bool scan_close(struct scan *s, bool *done)
{
    for (;;) {
        bool object = s->objects & 1;
        char c;

        s->p = skip_space(s->p, s->end);
        *done = s->depth == 0;
        if (*done) return s->p == s->end;
        if (s->p == s->end) return false;
        c = *s->p++;
        if (c == ',') return !object || scan_name(s);
        if (c != (object ? '}' : ']')) return false;
        s->objects >>= 1;
        s->depth--;
    }
}

bool json_valid(struct str text, struct json_facts *facts)
{
    struct scan s = { .p = text.p, .end = text.p + text.n };
    bool done = false;

    if (!utf8_valid(text)) return false;
    while (!done) {
        bool ended = true;

        s.p = skip_space(s.p, s.end);
        if (s.p == s.end) return false;
        s.facts.values++;
        if (*s.p == '{' || *s.p == '[') {
            if (!scan_open(&s, &ended)) return false;
        } else if (!scan_scalar(&s)) {
            return false;
        }
        if (ended && !scan_close(&s, &done)) return false;
    }
    if (facts) *facts = s.facts;
    return true;
}

/* --- walking a valid text ----------------------------------------------------------------------------------- */

static const char *value_end(const char *p, const char *end)
{
    if (p == end) return p;
    if (*p == '"') return json_scan_string(p, end);
    if (*p == '{' || *p == '[') return json_scan_container(p, end);
    while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p)) p++;
    return p;
}

bool json_too_deep(struct str text)
{
    const char *p = text.p, *end = text.p + text.n;
    unsigned depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = json_scan_string(p, end);
            continue;
        }
        if ((*p == '{' || *p == '[') && ++depth > JSON_DEPTH) return true;
        if (*p == '}' || *p == ']') depth--;
        p++;
    }
    return false;
}

bool json_open(struct json_walk *w, struct str text)
{
    w->end = text.p + text.n;
    w->p = skip_space(text.p, w->end);
    if (w->p == w->end || (*w->p != '{' && *w->p != '[')) return false;
    w->object = *w->p++ == '{';
    return true;
}

bool json_next(struct json_walk *w, struct str *name, struct str *value)
{
    const char *p = skip_space(w->p, w->end), *from;

    if (p < w->end && *p == ',') p = skip_space(p + 1, w->end);
    if (p == w->end || *p == '}' || *p == ']') return false;
    *name = (struct str){ p, 0 };
    if (w->object) {
        from = p;
        p = json_scan_string(p, w->end);
        *name = str_of(from, (size_t)(p - from));
        p = skip_space(p, w->end);
        if (p < w->end) p = skip_space(p + 1, w->end); /* the colon */
    }
    from = p;
    p = value_end(p, w->end);
    *value = str_of(from, (size_t)(p - from));
    w->p = p;
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------ */

void json_put_escaped(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"': buf_add_c(out, "\\\""); break;
    case '\\': buf_add_c(out, "\\\\"); break;
    case '\b': buf_add_c(out, "\\b"); break;
    case '\f': buf_add_c(out, "\\f"); break;
    case '\n': buf_add_c(out, "\\n"); break;
    case '\r': buf_add_c(out, "\\r"); break;
    case '\t': buf_add_c(out, "\\t"); break;
    default: buf_printf(out, "\\u%04x", c);
    }
}

void json_quote(struct buf *out, struct str s)
{
    size_t from = 0;

    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c >= ' ' && c != '"' && c != '\\') continue;
        buf_add(out, s.p + from, i - from);
        json_put_escaped(out, c);
        from = i + 1;
    }
    if (s.n > from) buf_add(out, s.p + from, s.n - from);
    buf_add_char(out, '"');
}
