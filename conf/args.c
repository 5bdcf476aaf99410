#include "conf/args.h"

#include <ctype.h>

#include "base/buf.h"
#include "base/num.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char escaped(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'b': return '\b';
    case 'a': return '\a';
    default: return c;
    }
}

/* What stands at in[0..n), behind the opening quote, up to the closing one: appended to word[*len].
 * Returns the bytes used, the closing quote included, or 0 when there is none. */
static size_t take_double(const char *in, size_t n, char *word, size_t *len)
{
    for (size_t i = 0; i < n; i++) {
        if (in[i] == '"') return i + 1;
        if (in[i] != '\\' || i + 1 == n) {
            word[(*len)++] = in[i];
        } else if (in[i + 1] == 'x' && i + 3 < n && num_hex_digit(in[i + 2]) >= 0 &&
                   num_hex_digit(in[i + 3]) >= 0) {
            word[(*len)++] = (char)(num_hex_digit(in[i + 2]) * 16 + num_hex_digit(in[i + 3]));
            i += 3;
        } else {
            word[(*len)++] = escaped(in[++i]);
        }
    }
    return 0;
}

static size_t take_single(const char *in, size_t n, char *word, size_t *len)
{
    for (size_t i = 0; i < n; i++) {
        if (in[i] == '\'') return i + 1;
        if (in[i] == '\\' && i + 1 < n && in[i + 1] == '\'') i++;
        word[(*len)++] = in[i];
    }
    return 0;
}

/* The word that begins at in[0]; 0 when its quotes do not match. */
static size_t take_word(const char *in, size_t n, char *word, size_t *len)
{
    size_t i = 0;

    while (i < n && !is_blank(in[i])) {
        size_t used;

        if (in[i] != '"' && in[i] != '\'') {
            word[(*len)++] = in[i++];
            continue;
        }
        used = in[i] == '"' ? take_double(in + i + 1, n - i - 1, word, len)
                            : take_single(in + i + 1, n - i - 1, word, len);
        if (used == 0) return 0;
        i += 1 + used;
        if (i < n && !is_blank(in[i])) return 0;
    }
    return i;
}

bool args_split(struct arena *a, struct str line, struct str **argv, size_t *n)
{
    /* A word is no longer than its source, and each but the last costs a blank. */
    char *word = arena_alloc(a, line.n + 1);
    struct str *words = arena_zalloc(a, line.n / 2 + 1, sizeof *words);
    size_t count = 0, i = 0;

    for (;;) {
        size_t used, len = 0;

        while (i < line.n && is_blank(line.p[i])) i++;
        if (i == line.n) break;
        used = take_word(line.p + i, line.n - i, word, &len);
        if (used == 0) return false;
        words[count++] = str_of(word, len);
        word += len;
        i += used;
    }
    *argv = words;
    *n = count;
    return true;
}

void args_split_plain(struct arena *a, struct str text, struct str **argv, size_t *n)
{
    struct str *words = arena_zalloc(a, text.n / 2 + 1, sizeof *words);
    size_t count = 0, i = 0;

    for (;;) {
        size_t from;

        while (i < text.n && is_blank(text.p[i])) i++;
        if (i == text.n) break;
        from = i;
        while (i < text.n && !is_blank(text.p[i])) i++;
        words[count++] = str_of(text.p + from, i - from);
    }
    *argv = words;
    *n = count;
}

void args_quote(struct buf *out, struct str s)
{
    static const char from[] = "\n\r\t\b\a\"\\";
    static const char to[] = "nrtba\"\\";

    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] == '\0' ? NULL : strchr(from, s.p[i]);

        if (at != NULL) {
            buf_add_char(out, '\\');
            buf_add_char(out, to[at - from]);
        } else if (isprint((unsigned char)s.p[i])) {
            buf_add_char(out, s.p[i]);
        } else {
            buf_printf(out, "\\x%02x", (unsigned char)s.p[i]);
        }
    }
    buf_add_char(out, '"');
}

void args_quote_if_needed(struct buf *out, struct str s)
{
    bool bare = s.n > 0 && s.p[0] != '#';

    for (size_t i = 0; i < s.n && bare; i++) {
        bare = isgraph((unsigned char)s.p[i]) && s.p[i] != '"' && s.p[i] != '\'';
    }
    if (bare) {
        buf_add_str(out, s);
    } else {
        args_quote(out, s);
    }
}

struct str args_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1])) s.n--;
    return s;
}
