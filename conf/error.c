#include "conf/error.h"

#include <stdio.h>

#include "base/buf.h"
#include "conf/setting.h"

/* A long text is cut, and what is not ASCII text shown as ?, so that it can go to any terminal. */
static void put(char *to, size_t size, struct str from)
{
    size_t n = from.n < size ? from.n : size - 1;

    for (size_t i = 0; i < n; i++) to[i] = from.p[i] >= ' ' && from.p[i] < 127 ? from.p[i] : '?';
    to[n] = '\0';
}

#define PUT(array, from) put(array, sizeof(array), from)

static void start(struct conf_error *e, const struct place *at)
{
    *e = (struct conf_error){ .line = at->line };
    PUT(e->file, str_c(at->name));
    PUT(e->text, at->text);
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
    PUT(e->setting, name);
    PUT(e->reason, STR("Bad directive or wrong number of arguments"));
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
    } else {
        buf_printf(out, ": %s: \"%s\" is not accepted: %s", e->setting, e->value, e->accepted);
    }
    if (e->text[0] != '\0') buf_printf(out, "\n>>> '%s': %s", e->text, e->reason);
}
