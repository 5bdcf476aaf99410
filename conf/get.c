/* get.c -- CONFIG GET. */
#include "base/buf.h"
#include "base/glob.h"
#include "conf/error.h"
#include "conf/setting.h"

static bool has_wildcard(struct str pattern)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (strchr("*?[", pattern.p[i]) != NULL && pattern.p[i] != '\0') return true;
    }
    return false;
}

/* The name to reply with, or one without bytes. A plain name is told as it was asked for, which for
 * a hidden setting is the only way. */
static struct str matched(const struct setting *s, const char *name, const struct str *patterns,
                          size_t n)
{
    bool quiet = (s->flags & SETTING_HIDDEN) || (name == s->alias && (s->flags & SETTING_QUIET_ALIAS));

    for (size_t i = 0; i < n; i++) {
        if (!has_wildcard(patterns[i])) {
            if (str_is(patterns[i], name)) return patterns[i];
        } else if (!quiet && glob_match(patterns[i], str_c(name), true)) {
            return str_c(name);
        }
    }
    return str_of("", 0);
}

size_t conf_get(const struct conf *c, const struct str *patterns, size_t n,
                void (*each)(void *ctx, struct str name, struct str value), void *ctx)
{
    struct buf value = { 0 };
    size_t count = setting_count(), found = 0;

    for (size_t i = 0; i < count; i++) {
        const struct setting *s = setting_at(i);
        const char *names[] = { s->name, s->alias };

        if (s->flags & SETTING_FILE_ONLY) continue;
        for (int k = 0; k < 2 && names[k] != NULL; k++) {
            struct str name = matched(s, names[k], patterns, n);

            if (name.n == 0) continue;
            found++;
            if (each == NULL) continue;
            buf_clear(&value);
            setting_show(s, setting_value(s, c), &value);
            each(ctx, name, (s->flags & SETTING_SECRET) && value.n > 0 ? STR(CONF_REDACTED) : buf_str(&value));
        }
    }
    buf_fini(&value);
    return found;
}

void conf_value(const struct conf *c, const char *name, struct buf *out)
{
    const struct setting *s = setting_find(str_c(name), NULL);

    ensure(s != NULL);
    setting_show(s, setting_value(s, c), out);
}

bool conf_is_secret(struct str name)
{
    const struct setting *s = setting_find(name, NULL);

    return s != NULL ? (s->flags & SETTING_SECRET) != 0 : conf_looks_secret(name);
}
