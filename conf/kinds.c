/* kinds.c -- the kinds of one plain value: yes or no, numbers, words, text. */
#include <limits.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/num.h"
#include "conf/args.h"
#include "conf/setting.h"

/* --- yes or no -------------------------------------------------------------------------------- */

static bool bool_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    bool *yes = field;

    (void)s;
    if (str_is(in->args[0], "yes")) {
        *yes = true;
    } else if (str_is(in->args[0], "no")) {
        *yes = false;
    } else {
        buf_add_c(why, "argument must be 'yes' or 'no'");
        return false;
    }
    return true;
}

static void bool_show(const struct setting *s, const void *field, struct buf *out)
{
    (void)s;
    buf_add_c(out, *(const bool *)field ? "yes" : "no");
}

static void bool_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "yes or no");
}

const struct setting_kind kind_bool = {
    .size = sizeof(bool),
    .read = bool_read,
    .show = bool_show,
    .accepts = bool_accepts,
};

/* --- numbers ---------------------------------------------------------------------------------- */

static bool refuse_range(const struct setting *s, struct buf *why)
{
    buf_printf(why,
               s->flags & SETTING_OCTAL ? "argument must be between %llo and %llo inclusive"
                                        : "argument must be between %lld and %lld inclusive",
               (long long)s->min, (long long)s->max);
    return false;
}

static bool parse_octal(struct str t, int64_t *v)
{
    int64_t sum = 0;

    if (t.n == 0 || t.n > 20) return false;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '7') return false;
        sum = sum * 8 + (t.p[i] - '0');
    }
    *v = sum;
    return true;
}

static bool int_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    int64_t v;

    if (s->flags & SETTING_OCTAL) {
        if (!parse_octal(in->args[0], &v)) {
            buf_add_c(why, "argument couldn't be parsed as an octal number");
            return false;
        }
    } else if (!num_parse_i64(in->args[0], &v)) {
        buf_add_c(why, "argument couldn't be parsed into an integer");
        return false;
    }
    if (v < s->min || v > s->max) return refuse_range(s, why);
    *(int64_t *)field = v;
    return true;
}

static void int_show(const struct setting *s, const void *field, struct buf *out)
{
    long long v = *(const int64_t *)field;

    buf_printf(out, s->flags & SETTING_OCTAL ? "%llo" : "%lld", v);
}

static void int_accepts(const struct setting *s, struct buf *out)
{
    bool open_ended = s->max >= INT_MAX;

    buf_printf(out, "%s of %s", s->flags & SETTING_OCTAL ? "an octal number" : "a whole number",
               s->unit != NULL ? s->unit : "");
    if (s->unit == NULL) out->n -= strlen(" of ");
    if (s->flags & SETTING_OCTAL) {
        buf_printf(out, " from %llo to %llo", (long long)s->min, (long long)s->max);
    } else if (!open_ended) {
        buf_printf(out, " from %lld to %lld", (long long)s->min, (long long)s->max);
    } else if (s->min > INT_MIN) {
        buf_printf(out, ", %lld or more", (long long)s->min);
    }
}

const struct setting_kind kind_int = {
    .size = sizeof(int64_t),
    .read = int_read,
    .show = int_show,
    .accepts = int_accepts,
};

/* --- bytes ------------------------------------------------------------------------------------ */

static bool parse_percent(struct str t, int64_t *v)
{
    return t.n > 1 && t.p[t.n - 1] == '%' && num_parse_i64(str_of(t.p, t.n - 1), v) && *v >= 0;
}

static bool bytes_read(const struct setting *s, const struct input *in, void *field,
                       struct buf *why)
{
    bool percent = s->flags & SETTING_PERCENT;
    uint64_t bytes;
    int64_t v;

    if (percent && parse_percent(in->args[0], &v)) {
        if (-v < s->min) {
            buf_printf(why, "percentage argument must be less or equal to %lld",
                       (long long)-s->min);
            return false;
        }
        *(int64_t *)field = -v;
        return true;
    }
    if (!num_parse_bytes(in->args[0], &bytes)) {
        buf_add_c(why, percent ? "argument must be a memory or percent value"
                               : "argument must be a memory value");
        return false;
    }
    if (bytes > (uint64_t)s->max || (int64_t)bytes < s->min) return refuse_range(s, why);
    *(int64_t *)field = (int64_t)bytes;
    return true;
}

static void bytes_show(const struct setting *s, const void *field, struct buf *out)
{
    long long v = *(const int64_t *)field;

    (void)s;
    if (v < 0) {
        buf_printf(out, "%lld%%", -v);
    } else {
        buf_printf(out, "%lld", v);
    }
}

void setting_add_bytes(struct buf *out, uint64_t v)
{
    static const char *const units[] = { "", "kb", "mb", "gb" };
    int unit = 0;

    while (unit < 3 && v != 0 && v % 1024 == 0) {
        v /= 1024;
        unit++;
    }
    buf_printf(out, "%llu%s", (unsigned long long)v, units[unit]);
}

static void bytes_write(const struct setting *s, const void *field, struct buf *out)
{
    int64_t v = *(const int64_t *)field;

    buf_printf(out, "%s ", s->name);
    if (v < 0) {
        bytes_show(s, field, out);
    } else {
        setting_add_bytes(out, (uint64_t)v);
    }
}

static void bytes_accepts(const struct setting *s, struct buf *out)
{
    buf_add_c(out, "a number of bytes, with an optional unit (k kb m mb g gb)");
    if (s->flags & SETTING_PERCENT) buf_add_c(out, ", or a percentage of maxmemory (5%)");
    if (s->min > 0) {
        buf_add_c(out, ", at least ");
        setting_add_bytes(out, (uint64_t)s->min);
    }
}

const struct setting_kind kind_bytes = {
    .size = sizeof(int64_t),
    .read = bytes_read,
    .show = bytes_show,
    .write = bytes_write,
    .accepts = bytes_accepts,
};

/* --- words ------------------------------------------------------------------------------------ */

static const struct word *word_find(const struct word *words, struct str name)
{
    for (const struct word *w = words; w->name != NULL; w++) {
        if (str_is(name, w->name)) return w;
    }
    return NULL;
}

static void word_list(const struct word *words, struct buf *out)
{
    for (const struct word *w = words; w->name != NULL; w++) {
        if (w != words) buf_add_c(out, ", ");
        buf_add_c(out, w->name);
    }
}

static bool words_refuse(const struct setting *s, struct buf *why)
{
    buf_add_c(why, "argument(s) must be one of the following: ");
    word_list(s->words, why);
    return false;
}

static bool word_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    const struct word *w = word_find(s->words, in->args[0]);

    if (w == NULL) return words_refuse(s, why);
    *(int *)field = w->value;
    return true;
}

static void word_show(const struct setting *s, const void *field, struct buf *out)
{
    const struct word *w = s->words;

    while (w->name != NULL && w->value != *(const int *)field) w++;
    ensure(w->name != NULL);
    buf_add_c(out, w->name);
}

static void word_accepts(const struct setting *s, struct buf *out)
{
    buf_add_c(out, "one of ");
    word_list(s->words, out);
}

const struct setting_kind kind_word = {
    .size = sizeof(int),
    .read = word_read,
    .show = word_show,
    .accepts = word_accepts,
};

/* Several words, each a bit; the word for 0 stands alone. */
static bool words_read(const struct setting *s, const struct input *in, void *field,
                       struct buf *why)
{
    int bits = 0;

    if (in->n == 0) return words_refuse(s, why);
    for (size_t i = 0; i < in->n; i++) {
        const struct word *w = word_find(s->words, in->args[i]);

        if (w == NULL) return words_refuse(s, why);
        bits |= w->value;
    }
    *(int *)field = bits;
    return true;
}

static void words_show(const struct setting *s, const void *field, struct buf *out)
{
    int bits = *(const int *)field;
    size_t at = out->n;

    for (const struct word *w = s->words; w->name != NULL; w++) {
        bool chosen = w->value == 0 ? bits == 0 : (bits & w->value) != 0;

        if (!chosen) continue;
        if (out->n > at) buf_add_char(out, ' ');
        buf_add_c(out, w->name);
    }
}

static void words_accepts(const struct setting *s, struct buf *out)
{
    buf_add_c(out, "one or more of ");
    word_list(s->words, out);
}

const struct setting_kind kind_words = {
    .size = sizeof(int),
    .read = words_read,
    .show = words_show,
    .accepts = words_accepts,
};

/* --- text ------------------------------------------------------------------------------------- */

static char *text_dup(struct str s)
{
    char *p = mem_alloc(s.n + 1);

    if (s.n > 0) memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static bool text_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    char **text = field;

    (void)s;
    if (memchr(in->args[0].p, '\0', in->args[0].n) != NULL) {
        buf_add_c(why, "argument must not hold a zero byte");
        return false;
    }
    mem_free(*text);
    *text = text_dup(in->args[0]);
    return true;
}

static void text_show(const struct setting *s, const void *field, struct buf *out)
{
    (void)s;
    buf_add_c(out, *(char *const *)field);
}

static void text_write(const struct setting *s, const void *field, struct buf *out)
{
    buf_printf(out, "%s ", s->name);
    args_quote_if_needed(out, str_c(*(char *const *)field));
}

static void text_copy(void *to, const void *from)
{
    *(char **)to = text_dup(str_c(*(char *const *)from));
}

static void text_fini(void *field)
{
    mem_free(*(char **)field);
    *(char **)field = NULL;
}

static void text_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "one text, in quotes when it has blanks");
}

const struct setting_kind kind_text = {
    .size = sizeof(char *),
    .read = text_read,
    .show = text_show,
    .write = text_write,
    .copy = text_copy,
    .fini = text_fini,
    .accepts = text_accepts,
};
