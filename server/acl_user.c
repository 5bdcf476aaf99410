/* acl_user.c -- users and selectors: see acl.h. */
#include "base/ensure.h"
#include "base/mem.h"
#include "base/place.h"
#include "server/acl.h"

static struct str own(struct str s)
{
    return str_of(mem_dup(s.p, s.n), s.n);
}

static void disown(struct str s)
{
    mem_free((char *)(uintptr_t)s.p);
}

/* --- selectors ------------------------------------------------------------------------------------ */

struct acl_selector *acl_selector_new(const struct acl *a)
{
    struct acl_selector *sel = mem_zalloc(sizeof *sel);

    sel->all_channels = a->server->conf->acl_pubsub_default == CONF_CHANNELS_ALL;
    sel->n_words = (registry_ids(a->server->commands) + 63) / 64;
    sel->commands = mem_zalloc(sel->n_words * sizeof *sel->commands);
    return sel;
}

static void free_patterns(struct acl_patterns *p)
{
    for (size_t i = 0; i < p->n; i++) disown(p->items[i].text);
    mem_free(p->items);
    *p = (struct acl_patterns){ 0 };
}

void acl_selector_free(struct acl_selector *sel)
{
    for (size_t i = 0; i < sel->n_first_args; i++) disown(sel->first_args[i].arg);
    mem_free(sel->first_args);
    mem_free(sel->commands);
    buf_fini(&sel->rules);
    free_patterns(&sel->keys);
    free_patterns(&sel->channels);
    mem_free(sel);
}

static struct acl_patterns copy_patterns(const struct acl_patterns *p)
{
    struct acl_patterns to = { mem_zalloc((p->n + 1) * sizeof *to.items), p->n };

    for (size_t i = 0; i < p->n; i++) {
        to.items[i] = (struct acl_pattern){ own(p->items[i].text), p->items[i].access };
    }
    return to;
}

static struct acl_selector *copy_selector(const struct acl_selector *from)
{
    struct acl_selector *to = mem_dup(from, sizeof *from);

    to->commands = mem_dup(from->commands, from->n_words * sizeof *from->commands);
    to->first_args = mem_zalloc((from->n_first_args + 1) * sizeof *to->first_args);
    for (size_t i = 0; i < from->n_first_args; i++) {
        to->first_args[i] = (struct acl_first_arg){ from->first_args[i].command, own(from->first_args[i].arg) };
    }
    to->rules = (struct buf){ 0 };
    buf_add_str(&to->rules, buf_str(&from->rules));
    to->keys = copy_patterns(&from->keys);
    to->channels = copy_patterns(&from->channels);
    return to;
}

bool acl_selector_command(const struct acl_selector *sel, unsigned id)
{
    return id / 64 < sel->n_words && (sel->commands[id / 64] >> id % 64 & 1);
}

/* --- users ---------------------------------------------------------------------------------------- */

struct acl_user *acl_user_new(const struct acl *a, struct str name)
{
    struct acl_user *u = mem_zalloc(sizeof *u);

    u->name = own(name);
    u->selectors = mem_alloc(sizeof *u->selectors);
    u->selectors[u->n_selectors++] = acl_selector_new(a);
    return u;
}

void acl_user_free(struct acl_user *u)
{
    for (size_t i = 0; i < u->n_selectors; i++) acl_selector_free(u->selectors[i]);
    mem_free(u->selectors);
    mem_free(u->passwords);
    disown(u->name);
    mem_free(u);
}

struct acl_user *acl_user_copy(const struct acl_user *u)
{
    struct acl_user *to = mem_dup(u, sizeof *u);

    to->name = own(u->name);
    to->passwords = mem_dup(u->passwords, u->n_passwords * sizeof *u->passwords);
    to->selectors = mem_alloc(u->n_selectors * sizeof *u->selectors);
    for (size_t i = 0; i < u->n_selectors; i++) to->selectors[i] = copy_selector(u->selectors[i]);
    return to;
}

void acl_user_swap(struct acl_user *a, struct acl_user *b)
{
    struct acl_user was = *a;

    *a = *b;
    a->name = was.name;
    a->load = was.load;
    was.name = b->name;
    was.load = b->load;
    *b = was;
}

static struct str name_at(const void *list, size_t i)
{
    struct acl_user *const *all = list;

    return all[i]->name;
}

static size_t place(const struct acl *a, struct str name, bool *found)
{
    return place_of(a->users, a->n_users, name_at, name, found);
}

struct acl_user *acl_find(const struct acl *a, struct str name)
{
    bool found;
    size_t at = place(a, name, &found);

    return found ? a->users[at] : NULL;
}

void acl_add(struct acl *a, struct acl_user *u)
{
    bool found;
    size_t at = place(a, u->name, &found);

    ensure(!found);
    a->users = mem_realloc(a->users, (a->n_users + 1) * sizeof *a->users);
    memmove(a->users + at + 1, a->users + at, (a->n_users++ - at) * sizeof *a->users);
    a->users[at] = u;
}

void acl_remove(struct acl *a, struct acl_user *u)
{
    struct server *s = a->server;
    bool found;
    size_t at = place(a, u->name, &found);

    ensure(found);

    LINK_EACH(&s->clients, l) {
        struct client *c = LINK_OF(l, struct client, all);
        if (c->user != u) continue;
        acl_become(c, a->default_user);
        c->authenticated = false;
        if (c == s->current) client_close_after(c); /* its own reply still has to leave */
        else client_close_soon(c);
    }
    memmove(a->users + at, a->users + at + 1, (--a->n_users - at) * sizeof *a->users);
    acl_user_free(u);
}

/* --- describing ----------------------------------------------------------------------------------- */

static void space(struct buf *out, size_t from)
{
    if (out->n > from) buf_add_char(out, ' ');
}

void acl_describe_keys(const struct acl_selector *sel, struct buf *out)
{
    static const char *const signs[] = { "", "%R~", "%W~", "~" };
    size_t from = out->n;

    if (sel->all_keys) buf_add_c(out, "~*");
    for (size_t i = 0; i < sel->keys.n; i++) {
        space(out, from);
        buf_add_c(out, signs[sel->keys.items[i].access]);
        buf_add_str(out, sel->keys.items[i].text);
    }
}

void acl_describe_channels(const struct acl_selector *sel, struct buf *out)
{
    size_t from = out->n;

    if (sel->all_channels) buf_add_c(out, "&*");
    for (size_t i = 0; i < sel->channels.n; i++) {
        space(out, from);
        buf_add_char(out, '&');
        buf_add_str(out, sel->channels.items[i].text);
    }
}

void acl_describe_commands(const struct acl_selector *sel, struct buf *out)
{
    buf_add_c(out, sel->from_all ? "+@all" : "-@all");
    if (sel->rules.n == 0) return;
    buf_add_char(out, ' ');
    buf_add_str(out, buf_str(&sel->rules));
}

static void describe_selector(const struct acl_selector *sel, struct buf *out)
{
    size_t from = out->n;

    acl_describe_keys(sel, out);
    space(out, from);
    if (!sel->all_channels) buf_add_c(out, sel->channels.n > 0 ? "resetchannels " : "resetchannels");
    acl_describe_channels(sel, out);
    buf_add_char(out, ' ');
    acl_describe_commands(sel, out);
}

void acl_describe(const struct acl_user *u, struct buf *out)
{
    buf_add_c(out, u->enabled ? "on " : "off ");
    if (u->nopass) buf_add_c(out, "nopass ");
    buf_add_c(out, u->skip_sanitize ? "skip-sanitize-payload " : "sanitize-payload ");
    for (size_t i = 0; i < u->n_passwords; i++) {
        buf_add_char(out, '#');
        buf_add(out, u->passwords[i], SHA256_TEXT);
        buf_add_char(out, ' ');
    }
    describe_selector(u->selectors[0], out);
    for (size_t i = 1; i < u->n_selectors; i++) {
        buf_add_c(out, " (");
        describe_selector(u->selectors[i], out);
        buf_add_char(out, ')');
    }
}
