/* acl.c -- the users; see acl.h. */
#include "server/acl.h"

#include "base/mem.h"
#include "server/acl_impl.h"
#include "server/pubsub.h"

static struct acl_user *new_default(const struct acl *a)
{
    static const char *const rules[] = { "+@all", "~*", "&*", "on", "nopass" };
    struct acl_user *u = acl_user_new(a, STR("default"));

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) acl_user_rule(a, u, str_c(rules[i]), NULL);
    return u;
}

struct acl *acl_new(struct server *s)
{
    struct acl *a = mem_zalloc(sizeof *a);

    a->server = s;
    link_init(&a->log);
    a->standard = new_default(a);
    acl_insert(a, a->standard);
    return a;
}

void acl_free(struct acl **a)
{
    acl_log_reset(*a);
    for (size_t i = 0; i < (*a)->n_users; i++) acl_user_free((*a)->users[i]);
    mem_free((*a)->users);
    buf_fini(&(*a)->text);
    mem_free(*a);
    *a = NULL;
}

/* Where a user of that name is, or would be. */
static size_t place_of(const struct acl *a, struct str name, bool *found)
{
    size_t from = 0, to = a->n_users;

    *found = false;
    while (from < to) {
        size_t mid = (from + to) / 2;
        int order = str_cmp(buf_str(&a->users[mid]->name), name);
        if (order == 0) *found = true;
        if (order < 0) from = mid + 1;
        else to = mid;
    }
    return from;
}

struct acl_user *acl_find(struct acl *a, struct str name)
{
    bool found;
    size_t at = place_of(a, name, &found);

    return found ? a->users[at] : NULL;
}

struct acl_user *acl_default(struct acl *a)
{
    return a->standard;
}

struct str acl_name(const struct acl_user *u)
{
    return u ? buf_str(&u->name) : STR("default");
}

bool acl_default_is_closed(const struct acl *a)
{
    return !a->standard->nopass || !a->standard->on;
}

bool acl_default_has_no_password(const struct acl *a)
{
    return a->standard->nopass;
}

void acl_insert(struct acl *a, struct acl_user *u)
{
    bool found;
    size_t at = place_of(a, buf_str(&u->name), &found);

    ensure(!found);
    a->users = mem_realloc(a->users, (a->n_users + 1) * sizeof *a->users);
    memmove(&a->users[at + 1], &a->users[at], (a->n_users - at) * sizeof *a->users);
    a->users[at] = u;
    a->n_users++;
}

/* --- clients of users -------------------------------------------------------------------------------- */

/* Its own reply still has to leave. */
static void close_client(struct client *c)
{
    if (c == c->server->current) client_close_after(c);
    else client_close(c);
}

static void close_clients_of(struct acl *a, const struct acl_user *u)
{
    struct link *l = a->server->clients.next;

    while (l != &a->server->clients) {
        struct client *c = LINK_OF(l, struct client, all);
        l = l->next;
        if (c->user != u) continue;
        c->user = a->standard; /* until it is gone, nobody in particular */
        c->authenticated = false;
        close_client(c);
    }
}

void acl_remove(struct acl *a, struct acl_user *u)
{
    bool found;
    size_t at = place_of(a, buf_str(&u->name), &found);

    ensure(found && u != a->standard);
    a->n_users--;
    memmove(&a->users[at], &a->users[at + 1], (a->n_users - at) * sizeof *a->users);
    close_clients_of(a, u);
    acl_user_free(u);
}

/* The default user's struct stays the same one: clients point at it. */
void acl_replace(struct acl *a, struct acl *fresh)
{
    struct acl_user *u = acl_find(fresh, STR("default"));

    acl_user_copy(a->standard, u);
    for (size_t i = a->n_users; i-- > 0;) {
        if (a->users[i] != a->standard) acl_remove(a, a->users[i]);
    }
    for (size_t i = 0; i < fresh->n_users; i++) {
        if (fresh->users[i] == u) acl_user_free(u);
        else acl_insert(a, fresh->users[i]);
    }
    fresh->n_users = 0;
    acl_free(&fresh);
}

static bool has_channel(void *ctx, struct str name, bool is_pattern)
{
    const struct acl_user *u = ctx;

    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_selector *s = &u->selectors[i];
        if (s->all_channels || acl_channel_allowed(&s->channels, name, is_pattern)) return true;
    }
    return false;
}

void acl_close_subscribers(struct acl *a, const struct acl_user *u, const struct acl_user *next)
{
    struct link *l = a->server->clients.next;

    while (a->server->n_pubsub > 0 && l != &a->server->clients) {
        struct client *c = LINK_OF(l, struct client, all);
        l = l->next;
        if (c->user == u && !pubsub_all(c, has_channel, (void *)(uintptr_t)next)) close_client(c);
    }
}

/* --- AUTH -------------------------------------------------------------------------------------------- */

void acl_set_default_password(struct acl *a, const char *password)
{
    struct buf rule = { 0 };

    acl_user_rule(a, a->standard, STR("resetpass"), NULL);
    buf_add_c(&rule, password[0] ? ">" : "nopass");
    buf_add_c(&rule, password);
    acl_user_rule(a, a->standard, buf_str(&rule), NULL);
    buf_fini(&rule);
}

void acl_begin(struct client *c)
{
    c->user = c->server->acl->standard;
    c->authenticated = !acl_default_is_closed(c->server->acl);
}

/* All passwords are compared, each to its end: time tells nothing. */
static bool password_fits(const struct acl_user *u, struct str password)
{
    char hash[SHA256_HEX];
    bool fits = false;

    if (u->nopass) return true;
    sha256_hex(password, hash);
    for (size_t i = 0; i < u->passwords.n; i++) fits |= sha256_same(hash, u->passwords.items[i].text.p, SHA256_HEX);
    return fits;
}

bool acl_login(struct client *c, struct str name, struct str password, struct str command)
{
    struct acl_user *u = acl_find(c->server->acl, name);

    if (u == NULL || !u->on || !password_fits(u, password)) {
        acl_log_add(c, ACL_NO_AUTH, c->flags & CLIENT_MULTI ? ACL_IN_MULTI : ACL_IN_TOPLEVEL, command, name);
        return false;
    }
    c->user = u;
    c->authenticated = true;
    return true;
}
