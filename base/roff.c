/* roff.c -- see roff.h. In roff a line that begins with . or ' is an order, \ begins an escape, and - is a hyphen that
 * may be set as another sign than the one that people type. */
#include "base/roff.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

static void put(struct buf *out, char c)
{
    if (c == '\\') buf_add_c(out, "\\e");
    else if (c == '-') buf_add_c(out, "\\-");
    else if (c == '\'') buf_add_c(out, "\\(aq");
    else if (c == '~') buf_add_c(out, "\\(ti");
    else if (c == '^') buf_add_c(out, "\\(ha");
    else if (c == '`') buf_add_c(out, "\\(ga");
    else buf_add_char(out, c);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) != 0;
}

/* Does the sign at p open a marked word, which a second one ends? */
static bool opens(const char *text, const char *p)
{
    const char *end = strchr(p + 1, *p);

    return (*p == '*' || *p == '_') && (p == text || (!is_word(p[-1]) && p[-1] != *p)) && p[1] != '\0' &&
           p[1] != ' ' && p[1] != *p && end != NULL && end[-1] != ' ' && !is_word(end[1]) && memchr(p, '\n', (size_t)(end - p)) == NULL;
}

/* marked: with words between * and _. */
static void put_text(struct buf *out, const char *text, bool marked)
{
    char open = '\0';

    if (text[0] == '.') buf_add_c(out, "\\&");
    for (const char *p = text; *p != '\0'; p++) {
        if (marked && open == '\0' && opens(text, p)) {
            open = *p;
            buf_add_c(out, open == '*' ? "\\fB" : "\\fI");
        } else if (open != '\0' && *p == open) {
            open = '\0';
            buf_add_c(out, "\\fR");
        } else if (*p == ' ' && p > text && (p[-1] == '.' || p[-1] == ':' || p[-1] == ';') && p[1] != '\0') {
            buf_add_char(out, '\n'); /* sentences begin lines: roff puts the space between them */
            if (p[1] == '.') buf_add_c(out, "\\&");
        } else {
            put(out, *p);
        }
    }
    buf_add_char(out, '\n');
}

void roff_title(struct buf *out, const char *name, int section, const char *date, const char *source, const char *book)
{
    buf_printf(out, ".TH %s %d %s \"%s\" \"%s\"\n", name, section, date, source, book);
    buf_add_c(out, ".nh\n.ad l\n"); /* names of settings are not to be broken */
}

void roff_section(struct buf *out, const char *name)
{
    buf_printf(out, ".SH \"%s\"\n", name);
}

void roff_part(struct buf *out, const char *name)
{
    buf_printf(out, ".SS \"%s\"\n", name);
}

static bool ends_in_heading(const struct buf *out)
{
    size_t at = out->n;

    while (at > 0 && (at == out->n || out->p[at - 1] != '\n')) at--;
    return out->n - at > 2 && memcmp(out->p + at, ".S", 2) == 0;
}

void roff_paragraph(struct buf *out, const char *text)
{
    if (!ends_in_heading(out)) buf_add_c(out, ".PP\n"); /* which makes one of its own */
    put_text(out, text, true);
}

void roff_line(struct buf *out, const char *text)
{
    buf_add_c(out, ".br\n");
    put_text(out, text, true);
}

void roff_item(struct buf *out, const char *tag, const char *text)
{
    buf_add_c(out, ".TP\n");
    put_text(out, tag, true);
    put_text(out, text, false);
}

void roff_more(struct buf *out, const char *text)
{
    buf_add_c(out, ".IP\n");
    put_text(out, text, false);
}

void roff_example(struct buf *out, const char *text)
{
    buf_add_c(out, ends_in_heading(out) ? ".nf\n.RS\n" : ".PP\n.nf\n.RS\n");
    for (const char *p = text; *p != '\0'; p++) {
        if ((p == text || p[-1] == '\n') && *p == '.') buf_add_c(out, "\\&");
        if (*p == '\n') buf_add_char(out, '\n');
        else put(out, *p);
    }
    buf_add_c(out, "\n.RE\n.fi\n");
}
