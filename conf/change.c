/* change.c -- CONFIG SET: several settings at once, or none.
 *
 * Each old value is set aside before the new one is read into its field. Whatever fails later, the
 * old values are moved back, so that nothing but the fields themselves was ever different. */
#include "base/buf.h"
#include "base/mem.h"
#include "conf/list.h"
#include "conf/setting.h"

struct change {
    const struct setting *s;
    const char *name; /* the one of its names that was used */
    struct str value;
    union conf_value old;
};

/* The reply "CONFIG SET failed ...". why may be empty. */
static enum err failed(struct buf *error, struct str name, struct str why)
{
    buf_printf(error, "ERR CONFIG SET failed (possibly related to argument '%.*s')", (int)name.n,
               name.p);
    if (why.n > 0) buf_printf(error, " - %.*s", (int)why.n, why.p);
    return ERR_FORMAT;
}

/* --- finding the settings --------------------------------------------------------------------- */

static bool may_change(const struct conf *c, const struct setting *s, const struct conf_change *how,
                       const char **why)
{
    bool allowed = c->enable_protected_configs == CONF_GUARD_YES ||
                   (c->enable_protected_configs == CONF_GUARD_LOCAL && how->is_local);

    if (s->flags & SETTING_IMMUTABLE) {
        *why = "can't set immutable config";
        return false;
    }
    *why = "can't set protected config";
    return !(s->flags & SETTING_PROTECTED) || allowed;
}

static bool seen_before(const struct change *list, size_t n, const struct setting *s)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].s == s) return true;
    }
    return false;
}

static enum err find_all(const struct conf *c, const struct str *pairs, struct change *list,
                         size_t n, const struct conf_change *how, struct buf *error)
{
    for (size_t i = 0; i < n; i++) {
        struct str asked = pairs[2 * i];
        struct change *ch = &list[i];
        const char *why;

        ch->s = setting_find(asked, &ch->name);
        ch->value = pairs[2 * i + 1];
        if (ch->s == NULL || (ch->s->flags & SETTING_FILE_ONLY)) {
            buf_printf(error, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                       (int)asked.n, asked.p);
            return ERR_FORMAT;
        }
        if (!may_change(c, ch->s, how, &why)) return failed(error, asked, str_c(why));
        if ((ch->s->flags & SETTING_SECRET) && str_eq(ch->value, STR(CONF_REDACTED))) {
            return failed(error, asked, STR("this is what CONFIG GET shows in the place of a secret"));
        }
        if (how->is_loading && (ch->s->flags & SETTING_WAITS)) {
            buf_add_c(error, "LOADING Redis is loading the dataset in memory");
            return ERR_FORMAT;
        }
        if (seen_before(list, i, ch->s)) return failed(error, asked, STR("duplicate parameter"));
    }
    return OK;
}

/* --- changing them ---------------------------------------------------------------------------- */

static void put_back(struct conf *c, struct change *list, size_t n)
{
    while (n > 0) {
        struct change *ch = &list[--n];

        setting_fini(ch->s, setting_field(ch->s, c));
        memcpy(setting_field(ch->s, c), &ch->old, ch->s->kind->size);
    }
}

static enum err read_all(struct conf *c, struct change *list, size_t n, struct buf *error)
{
    struct buf why = { 0 };
    enum err e = OK;

    for (size_t i = 0; i < n && e == OK; i++) {
        struct change *ch = &list[i];
        void *field = setting_field(ch->s, c);

        memcpy(&ch->old, field, ch->s->kind->size);
        setting_copy(ch->s, field, &ch->old);
        if (setting_read_text(ch->s, ch->value, false, field, &why)) continue;
        put_back(c, list, i + 1);
        e = failed(error, str_c(ch->name), buf_str(&why));
    }
    buf_fini(&why);
    return e;
}

static enum err apply_all(struct conf *c, struct change *list, size_t n,
                          const struct conf_change *how, struct buf *error)
{
    const struct setting **changed = mem_alloc(n * sizeof(struct setting *));
    struct conf_refusal r = { 0 };
    size_t n_changed = 0;
    enum err e = OK;

    for (size_t i = 0; i < n; i++) {
        const struct setting *s = list[i].s;

        if ((s->flags & SETTING_VOLATILE) || !setting_same(s, &list[i].old, setting_value(s, c))) changed[n_changed++] = s;
    }
    if (how->apply != NULL && n_changed > 0 && !how->apply(how->ctx, changed, n_changed, &r)) {
        struct conf_refusal ignored = { 0 };

        put_back(c, list, n);
        (void)how->apply(how->ctx, changed, n_changed, &ignored);
        e = failed(error, str_c((r.setting != NULL ? r.setting : changed[0])->name), str_c(r.why));
    }
    mem_free(changed);
    return e;
}

enum err conf_set(struct conf *c, const struct str *pairs, size_t n, const struct conf_change *how,
                  struct buf *error)
{
    struct change *list = mem_zalloc((n + 1) * sizeof *list);
    enum err e = find_all(c, pairs, list, n, how, error);

    if (e == OK) e = read_all(c, list, n, error);
    if (e == OK) e = apply_all(c, list, n, how, error);
    for (size_t i = 0; i < n && e == OK; i++) setting_fini(list[i].s, &list[i].old);
    mem_free(list);
    return e;
}

bool conf_changed(const struct setting *const *changed, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(changed[i]->name, name) == 0) return true;
    }
    return false;
}
