#include "conf/error.h"

#include <stdio.h>

#include "base/buf.h"
#include "conf/nearest.h"
#include "conf/setting.h"

/* A long text is cut, and what is not ASCII text shown as ?, so that it can go to any terminal. */
static void put(char *to, size_t size, struct str from)
{
    size_t n = from.n < size ? from.n : size - 1;

    for (size_t i = 0; i < n; i++) to[i] = from.p[i] >= ' ' && from.p[i] < 127 ? from.p[i] : '?';
    to[n] = '\0';
}

#define PUT(array, from) put(array, sizeof(array), from)

/* Of the first word the part that a name may have: up to a blank, or to = or : or a quote. */
static struct str first_name(struct str text)
{
    size_t n = 0;

    while (n < text.n && (memchr("-_", text.p[n], 2) != NULL || (unsigned char)((text.p[n] | 32) - 'a') < 26)) n++;
    return str_of(text.p, n);
}

bool conf_looks_secret(struct str text)
{
    static const char *const parts[] = { "pas", "pwd", "auth", "secret", "user", "key", "token" };
    struct str name = first_name(text);
    char lower[64];
    size_t n = name.n < sizeof lower ? name.n : sizeof lower - 1;

    for (size_t i = 0; i < n; i++) lower[i] = (char)(name.p[i] | 32);
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(lower, parts[i]) != NULL) return true;
    }
    return false;
}

/* A line that may hold a secret is shown as its name alone. */
static struct str shown(struct str text)
{
    struct str bare = text;

    while (bare.n > 0 && bare.p[0] == '-') bare = str_of(bare.p + 1, bare.n - 1); /* an option */
    return conf_looks_secret(bare) ? first_name(text) : text;
}

static void start(struct conf_error *e, const struct place *at)
{
    *e = (struct conf_error){ .line = at->line };
    PUT(e->file, str_c(at->name));
    PUT(e->text, shown(at->text));
}

enum err conf_error_line(struct conf_error *e, const struct place *at, const char *reason)
{
    start(e, at);
    PUT(e->reason, str_c(reason));
    return ERR_FORMAT;
}

enum err conf_error_unknown(struct conf_error *e, const struct place *at, struct str name)
{
    start(e, at);
    PUT(e->setting, shown(name));
    PUT(e->reason, STR("Bad directive or wrong number of arguments"));
    if (conf_nearest(name)) PUT(e->nearest, str_c(conf_nearest(name)));
    return ERR_FORMAT;
}

enum err conf_error_value(struct conf_error *e, const struct place *at, const struct setting *s,
                          const char *asked, struct str value, struct str reason)
{
    bool secret = s->flags & SETTING_SECRET;
    struct buf accepted = { 0 };

    start(e, at);
    setting_accepts(s, &accepted);
    PUT(e->setting, str_c(asked));
    PUT(e->value, secret ? STR("(secret)") : value);
    if (secret) PUT(e->text, str_c(asked));
    PUT(e->accepted, buf_str(&accepted));
    PUT(e->reason, reason);
    buf_fini(&accepted);
    return ERR_FORMAT;
}

enum err conf_error_file(struct conf_error *e, const struct place *at, const char *path, int number)
{
    start(e, at);
    snprintf(e->reason, sizeof e->reason, "%.200s cannot be read: %s", path, strerror(number));
    return ERR_IO;
}

void conf_error_text(const struct conf_error *e, struct buf *out)
{
    buf_add_c(out, e->file);
    if (e->line > 0) buf_printf(out, ":%u", e->line);
    if (e->setting[0] == '\0') {
        buf_printf(out, ": %s", e->reason);
    } else if (e->accepted[0] == '\0') {
        buf_printf(out, ": %s: there is no such setting", e->setting);
        if (e->nearest[0] != '\0') buf_printf(out, ", is %s meant?", e->nearest);
    } else {
        buf_printf(out, ": %s: \"%s\" is not accepted: %s", e->setting, e->value, e->accepted);
    }
    if (e->text[0] != '\0') buf_printf(out, "\n>>> '%s': %s", e->text, e->reason);
}
