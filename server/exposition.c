/* exposition.c -- see exposition.h. */
#include "server/exposition.h"

#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "base/utf8.h"

void expo_family(struct exposition *x, enum expo_type type, const char *name, const char *help)
{
    static const char *const words[] = { "gauge", "counter", "histogram" };
    size_t n = strlen(name);

    if (x->open && type == EXPO_COUNTER) n -= sizeof "_total" - 1;
    buf_printf(&x->text, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)n, name, help, (int)n, name, words[type]);
}

void expo_sample(struct exposition *x, const char *name, const char *suffix)
{
    buf_add_c(&x->text, name);
    buf_add_c(&x->text, suffix);
    x->has_labels = false;
}

static void add_escaped(struct buf *b, struct str s)
{
    static const char digits[] = "0123456789abcdef";
    bool valid = utf8_valid(s);

    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c == '\n') {
            buf_add_c(b, "\\n");
        } else if (c == '\\' || c == '"') {
            buf_add_char(b, '\\');
            buf_add_char(b, (char)c);
        } else if ((c >= 0x80 && !valid) || c < 0x20 || c == 0x7f) { /* a backslash has to be escaped itself */
            buf_add_c(b, "\\\\x");
            buf_add_char(b, digits[c >> 4]);
            buf_add_char(b, digits[c & 15]);
        } else {
            buf_add_char(b, (char)c);
        }
    }
}

void expo_label(struct exposition *x, const char *label, struct str value)
{
    buf_add_char(&x->text, x->has_labels ? ',' : '{');
    buf_add_c(&x->text, label);
    buf_add_c(&x->text, "=\"");
    add_escaped(&x->text, value);
    buf_add_char(&x->text, '"');
    x->has_labels = true;
}

static void add_value(struct exposition *x, const char *text, size_t n)
{
    if (x->has_labels) buf_add_char(&x->text, '}');
    buf_add_char(&x->text, ' ');
    buf_add(&x->text, text, n);
    buf_add_char(&x->text, '\n');
}

void expo_uint(struct exposition *x, uint64_t v)
{
    char text[NUM_TEXT_MAX];

    add_value(x, text, num_u64(text, v));
}

void expo_int(struct exposition *x, int64_t v)
{
    char text[NUM_TEXT_MAX];

    add_value(x, text, num_i64(text, v));
}

void expo_seconds(struct exposition *x, int64_t us)
{
    char text[NUM_TEXT_MAX];

    add_value(x, text, num_double(text, (double)us / 1000000));
}

static void histogram_sample(struct exposition *x, const char *name, const char *suffix, const char *label,
                             struct str value)
{
    expo_sample(x, name, suffix);
    if (label) expo_label(x, label, value);
}

void expo_histogram(struct exposition *x, const char *name, const char *label, struct str value, int from, int upto,
                    const uint64_t *counts, int n, uint64_t sum_us)
{
    static const char *const bounds[] = {
        "1e-06", "2e-06", "4e-06", "8e-06", "1.6e-05", "3.2e-05", "6.4e-05", "0.000128", "0.000256", "0.000512",
        "0.001024", "0.002048", "0.004096", "0.008192", "0.016384", "0.032768", "0.065536", "0.131072", "0.262144",
        "0.524288", "1.048576", "2.097152", "4.194304", "8.388608",
    };
    uint64_t sum = 0;

    ensure(upto < (int)(sizeof bounds / sizeof *bounds));
    for (int i = 0; i < n; i++) {
        sum += counts[i];
        if (i < from || i > upto) continue;
        histogram_sample(x, name, "_bucket", label, value);
        expo_label(x, "le", str_c(bounds[i]));
        expo_uint(x, sum);
    }
    histogram_sample(x, name, "_bucket", label, value);
    expo_label(x, "le", STR("+Inf"));
    expo_uint(x, sum);
    histogram_sample(x, name, "_sum", label, value);
    expo_seconds(x, (int64_t)sum_us);
    histogram_sample(x, name, "_count", label, value);
    expo_uint(x, sum);
}

void expo_gauge(struct exposition *x, const char *name, const char *help, int64_t v)
{
    expo_family(x, EXPO_GAUGE, name, help);
    expo_sample(x, name, "");
    expo_int(x, v);
}

void expo_counter(struct exposition *x, const char *name, const char *help, uint64_t v)
{
    expo_family(x, EXPO_COUNTER, name, help);
    expo_sample(x, name, "");
    expo_uint(x, v);
}

void expo_gauge_seconds(struct exposition *x, const char *name, const char *help, int64_t us)
{
    expo_family(x, EXPO_GAUGE, name, help);
    expo_sample(x, name, "");
    expo_seconds(x, us);
}

void expo_counter_seconds(struct exposition *x, const char *name, const char *help, int64_t us)
{
    expo_family(x, EXPO_COUNTER, name, help);
    expo_sample(x, name, "");
    expo_seconds(x, us);
}

void expo_parts(struct exposition *x, enum expo_type type, const char *name, const char *help, const char *label,
                const struct expo_part *parts, size_t n)
{
    expo_family(x, type, name, help);
    for (size_t i = 0; i < n; i++) {
        expo_sample(x, name, "");
        expo_label(x, label, str_c(parts[i].value));
        expo_uint(x, parts[i].n);
    }
}

void expo_end(struct exposition *x)
{
    if (x->open) buf_add_c(&x->text, "# EOF\n");
}
