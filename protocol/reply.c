/* reply.c -- see reply.h. */
#include "protocol/reply.h"

#include "base/ensure.h"
#include "base/mem.h"
#include "base/num.h"

/* What a header takes at most. */
enum { HEAD_MAX = 1 + NUM_TEXT_MAX + 2 };

/* "<c><number>\r\n", the header of nearly everything, at p; returns its length. */
static inline size_t put_head(char *p, char c, int64_t n)
{
    size_t len = 2;

    p[0] = c;
    if (n >= 0 && n < 10)
        p[1] = (char)('0' + n);
    else
        len = 1 + num_i64(p + 1, n);
    p[len] = '\r';
    p[len + 1] = '\n';
    return len + 2;
}

static void head(struct reply *r, char c, int64_t n)
{
    buf_used(r->out, put_head(buf_room(r->out, HEAD_MAX), c, n));
}

/* A line of text: nothing in it may end the frame early. */
static void line(struct reply *r, char c, struct str text)
{
    char *p = buf_room(r->out, text.n + 3);

    if (UNLIKELY(p == NULL)) return;
    *p++ = c;
    for (size_t i = 0; i < text.n; i++) {
        bool ends_line = text.p[i] == '\r' || text.p[i] == '\n';
        *p++ = (char)(ends_line ? ' ' : text.p[i]);
    }
    p[0] = '\r';
    p[1] = '\n';
    buf_used(r->out, text.n + 3);
}

void reply_ok(struct reply *r)
{
    buf_add(r->out, "+OK\r\n", 5);
}

void reply_simple(struct reply *r, const char *text)
{
    line(r, '+', str_c(text));
}

static bool ends_line(char c)
{
    return c == '\r' || c == '\n';
}

/* As in Redis: ends of lines around the text are cut, within it they become blanks. */
void reply_error(struct reply *r, struct str text)
{
    while (text.n > 0 && ends_line(text.p[0])) text = str_of(text.p + 1, text.n - 1);
    while (text.n > 0 && ends_line(text.p[text.n - 1])) text.n--;
    line(r, '-', text);
}

void reply_errorf(struct reply *r, const char *fmt, ...)
{
    struct buf b = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    reply_error(r, buf_str(&b));
    buf_fini(&b);
}

void reply_int(struct reply *r, int64_t v)
{
    head(r, ':', v);
}

void reply_bulk(struct reply *r, struct str s)
{
    char *p = buf_room(r->out, HEAD_MAX + s.n + 2);
    size_t at;

    if (UNLIKELY(p == NULL)) return;
    at = put_head(p, '$', (int64_t)s.n);
    if (s.n > 0) memcpy(p + at, s.p, s.n);
    p[at + s.n] = '\r';
    p[at + s.n + 1] = '\n';
    buf_used(r->out, at + s.n + 2);
}

void reply_bulk_c(struct reply *r, const char *s)
{
    reply_bulk(r, str_c(s));
}

void reply_bulk_int(struct reply *r, int64_t v)
{
    char text[NUM_TEXT_MAX];

    reply_bulk(r, str_of(text, num_i64(text, v)));
}

void reply_null(struct reply *r)
{
    if (r->resp == 3)
        buf_add(r->out, "_\r\n", 3);
    else
        buf_add(r->out, "$-1\r\n", 5);
}

void reply_null_array(struct reply *r)
{
    if (r->resp == 3)
        buf_add(r->out, "_\r\n", 3);
    else
        buf_add(r->out, "*-1\r\n", 5);
}

void reply_array(struct reply *r, size_t n)
{
    head(r, '*', (int64_t)n);
}

void reply_map(struct reply *r, size_t pairs)
{
    if (r->resp == 3)
        head(r, '%', (int64_t)pairs);
    else
        head(r, '*', (int64_t)pairs * 2);
}

void reply_set(struct reply *r, size_t n)
{
    head(r, r->resp == 3 ? '~' : '*', (int64_t)n);
}

void reply_push(struct reply *r, size_t n)
{
    head(r, r->resp == 3 ? '>' : '*', (int64_t)n);
}

void reply_attribute(struct reply *r, size_t pairs)
{
    if (r->resp == 3) head(r, '|', (int64_t)pairs);
}

void reply_double(struct reply *r, double v)
{
    char text[NUM_TEXT_MAX];
    size_t n = num_double(text, v);

    if (r->resp == 3)
        line(r, ',', str_of(text, n));
    else
        reply_bulk(r, str_of(text, n));
}

void reply_bool(struct reply *r, bool v)
{
    if (r->resp == 3)
        buf_add(r->out, v ? "#t\r\n" : "#f\r\n", 4);
    else
        head(r, ':', v);
}

void reply_big_number(struct reply *r, struct str digits)
{
    if (r->resp == 3)
        line(r, '(', digits);
    else
        reply_bulk(r, digits);
}

void reply_verbatim(struct reply *r, const char ext[3], struct str s)
{
    if (r->resp != 3) {
        reply_bulk(r, s);
        return;
    }
    head(r, '=', (int64_t)s.n + 4);
    buf_add(r->out, ext, 3);
    buf_add_char(r->out, ':');
    buf_add_str(r->out, s);
    buf_add(r->out, "\r\n", 2);
}

static void put_at(struct reply *r, size_t mark, char c, int64_t n)
{
    char text[HEAD_MAX];

    buf_insert(r->out, mark, text, put_head(text, c, n));
}

void reply_array_at(struct reply *r, size_t mark, size_t n)
{
    put_at(r, mark, '*', (int64_t)n);
}

void reply_map_at(struct reply *r, size_t mark, size_t pairs)
{
    if (r->resp == 3)
        put_at(r, mark, '%', (int64_t)pairs);
    else
        put_at(r, mark, '*', (int64_t)pairs * 2);
}

void reply_set_at(struct reply *r, size_t mark, size_t n)
{
    put_at(r, mark, r->resp == 3 ? '~' : '*', (int64_t)n);
}

static void add_piece(struct reply_pieces *p, struct buf *b)
{
    bool may_fail = b->may_fail;

    if (p->n == p->room) {
        p->room = p->room > 0 ? 2 * p->room : 16;
        p->items = mem_realloc(p->items, p->room * sizeof *p->items);
    }
    p->items[p->n++] = *b;
    *b = (struct buf){ .may_fail = may_fail };
}

void reply_take(struct reply *r, struct reply_pieces *p, struct buf *b)
{
    if (p == NULL) {
        if (!b->failed) buf_add_str(r->out, buf_str(b));
        buf_fini(b);
        return;
    }
    if (r->out->n > 0 && !r->out->failed) add_piece(p, r->out);
    add_piece(p, b);
}

void reply_pieces_fini(struct reply_pieces *p)
{
    for (size_t i = 0; i < p->n; i++) buf_fini(&p->items[i]);
    mem_free(p->items);
    *p = (struct reply_pieces){ 0 };
}
