/* shebang.c -- see shebang.h. */
#include "scripting/shebang.h"

#include "scripting/script_flags.h"

static bool fail(struct buf *why, const char *text, struct str arg)
{
    buf_add_c(why, text);
    buf_add_str(why, arg);
    return false;
}

/* The next word of *rest up to one of the bytes in `ends`, which is taken too. */
static struct str take_word(struct str *rest, const char *ends)
{
    size_t n = 0;
    struct str word;

    while (n < rest->n && strchr(ends, rest->p[n]) == NULL) n++;
    word = str_of(rest->p, n);
    if (n < rest->n) n++;
    *rest = str_of(rest->p + n, rest->n - n);
    return word;
}

/* Names of flags have their case, as script_flag_find's have not. */
static bool flag_of(struct str word, unsigned *flag)
{
#define SCRIPT_FLAG(code, text, bit) \
    if (str_eq(word, STR(text))) { \
        *flag = code; \
        return true; \
    }
    SCRIPT_FLAG_TABLE(SCRIPT_FLAG)
#undef SCRIPT_FLAG
    return false;
}

static bool read_flags(struct shebang *s, struct str list, struct buf *why)
{
    while (list.n > 0) {
        struct str word = take_word(&list, ",");
        unsigned flag;

        if (!flag_of(word, &flag)) return fail(why, "Unexpected flag in script shebang: ", word);
        s->flags |= flag;
    }
    return true;
}

bool shebang_read(struct shebang *s, struct str text, struct buf *why)
{
    const char *end;
    struct str line, word;

    *s = (struct shebang){ .body = text };
    if (text.n < 2 || memcmp(text.p, "#!", 2) != 0) return true;
    end = memchr(text.p, '\n', text.n);
    if (end == NULL) return fail(why, "Invalid script shebang", STR(""));
    line = str_of(text.p, (size_t)(end - text.p));
    s->declared = true;
    s->body = str_of(end, text.n - line.n);
    word = take_word(&line, " \t\r");
    if (!str_eq(word, STR("#!lua"))) return fail(why, "Unexpected engine in script shebang: ", word);
    while (line.n > 0) {
        word = take_word(&line, " \t\r");
        if (word.n == 0) continue;
        if (word.n < 6 || memcmp(word.p, "flags=", 6) != 0) return fail(why, "Unknown lua shebang option: ", word);
        if (!read_flags(s, str_of(word.p + 6, word.n - 6), why)) return false;
    }
    return true;
}
