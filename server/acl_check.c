/* acl_check.c -- may this user do that? See acl.h. */
#include "base/glob.h"
#include "base/mem.h"
#include "server/acl.h"
#include "server/pubsub.h"
#include "server/stranger.h"

/* --- keys ----------------------------------------------------------------------------------------- */

/* What a command does with a key, in the terms of patterns. */
static unsigned access_of(unsigned key_flags)
{
    return (key_flags & KEY_ACCESS ? ACL_READ_KEY : 0) |
           (key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE) ? ACL_WRITE_KEY : 0);
}

static bool key_allowed(const struct acl_selector *sel, struct str key, unsigned access)
{
    for (size_t i = 0; i < sel->keys.n; i++) {
        const struct acl_pattern *p = &sel->keys.items[i];
        if ((p->access & access) == access && glob_match(p->text, key, false)) return true;
    }
    return false;
}

/* --- channels ------------------------------------------------------------------------------------- */

/* Where a command names channels. Leaving one needs no permission. */
static const struct channel_command {
    const char *name;
    bool all, pattern; /* all arguments, else the first; they are patterns */
} channel_commands[] = {
    { "publish", false, false },  { "spublish", false, false }, { "subscribe", true, false },
    { "ssubscribe", true, false }, { "psubscribe", true, true },
};

static const struct channel_command *channels_of(const struct command *cmd)
{
    if (!(cmd->flags & CMD_PUBSUB)) return NULL;
    for (size_t i = 0; i < sizeof channel_commands / sizeof *channel_commands; i++) {
        if (strcmp(cmd->name, channel_commands[i].name) == 0) return &channel_commands[i];
    }
    return NULL;
}

/* A pattern to listen to must be one of the user's, to the letter: what it matches is not known. */
static bool channel_allowed(const struct acl_patterns *channels, struct str name, bool is_pattern)
{
    for (size_t i = 0; i < channels->n; i++) {
        struct str p = channels->items[i].text;
        if (is_pattern ? str_eq(p, name) : glob_match(p, name, false)) return true;
    }
    return false;
}

/* --- requests ------------------------------------------------------------------------------------- */

/* The request's keys, found once for all selectors. */
struct keys {
    struct key_ref *refs;
    long n; /* -1: not yet looked for */
};

static void find_keys(struct acl *a, struct keys *k, const struct command *cmd, size_t argc, const struct str *argv)
{
    if (k->n >= 0) return;
    k->refs = arena_alloc(&a->server->arena, argc * sizeof *k->refs);
    k->n = (long)command_keys_found(cmd, argc, argv, k->refs, argc);
    if (k->n > (long)argc) k->n = (long)argc;
}

static bool command_allowed(const struct acl_selector *sel, const struct command_ref *ref, size_t argc,
                            const struct str *argv)
{
    if (sel->all_commands || (ref->cmd->flags & CMD_NO_AUTH) || acl_selector_command(sel, ref->id)) return true;
    for (size_t i = 0; i < sel->n_first_args; i++) {
        const struct acl_first_arg *f = &sel->first_args[i];
        size_t at = ref->parent ? 2 : 1;
        if (f->command == ref->id && argc > at && str_ieq(argv[at], f->arg)) return true;
    }
    return false;
}

static enum acl_verdict check_selector(struct acl *a, const struct acl_selector *sel, const struct command_ref *ref,
                                       size_t argc, const struct str *argv, struct keys *k, size_t *at)
{
    const struct channel_command *ch;

    if (!command_allowed(sel, ref, argc, argv)) return ACL_NO_COMMAND;
    if (!sel->all_keys) {
        find_keys(a, k, ref->cmd, argc, argv);
        for (long i = 0; i < k->n; i++) {
            if (k->refs[i].flags & KEY_NOT_KEY) continue;
            *at = k->refs[i].at;
            if (!key_allowed(sel, argv[*at], access_of(k->refs[i].flags))) return ACL_NO_KEY;
        }
    }
    if (!sel->all_channels && (ch = channels_of(ref->cmd)) != NULL) {
        size_t end = ch->all ? argc : 2;
        for (*at = 1; *at < end && *at < argc; ++*at) {
            if (!channel_allowed(&sel->channels, argv[*at], ch->pattern)) return ACL_NO_CHANNEL;
        }
    }
    return ACL_OK;
}

/* Of several refusals the one that came furthest is told. */
enum acl_verdict acl_check(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc,
                           const struct str *argv, size_t *at)
{
    enum acl_verdict worst = ACL_NO_COMMAND;
    struct keys k = { NULL, -1 };

    *at = 0;
    for (size_t i = 0; i < u->n_selectors; i++) {
        size_t where = 0;
        enum acl_verdict v = check_selector(a, u->selectors[i], ref, argc, argv, &k, &where);
        if (v == ACL_OK) return ACL_OK;
        if (v < worst || (v == worst && where <= *at)) continue;
        worst = v;
        *at = where;
    }
    return worst;
}

bool acl_reads_all_keys(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc,
                        const struct str *argv)
{
    struct keys k = { NULL, -1 };
    size_t at;

    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_selector *sel = u->selectors[i];
        bool all = sel->all_keys;
        for (size_t p = 0; p < sel->keys.n; p++) {
            all = all || ((sel->keys.items[p].access & ACL_READ_KEY) && str_eq(sel->keys.items[p].text, STR("*")));
        }
        if (all && check_selector(a, sel, ref, argc, argv, &k, &at) == ACL_OK) return true;
    }
    return false;
}

bool acl_may_read(const struct acl_user *u, struct str key)
{
    for (size_t i = 0; i < u->n_selectors; i++) {
        if (u->selectors[i]->all_keys || key_allowed(u->selectors[i], key, ACL_READ_KEY)) return true;
    }
    return false;
}

void acl_each_pattern(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc, const struct str *argv,
                      unsigned access, void (*fn)(void *ctx, struct str pattern), void *ctx)
{
    struct keys k = { NULL, -1 };
    size_t at;

    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_selector *sel = u->selectors[i];
        if (check_selector(a, sel, ref, argc, argv, &k, &at) != ACL_OK) continue;
        if (sel->all_keys) fn(ctx, STR("*"));
        for (size_t p = 0; p < sel->keys.n; p++) {
            if ((sel->keys.items[p].access & access) == access) fn(ctx, sel->keys.items[p].text);
        }
    }
}

void acl_explain(enum acl_verdict v, const struct acl_user *u, const struct command_ref *ref, struct str what,
                 bool verbose, struct buf *out)
{
    const char *kind = v == ACL_NO_KEY ? "key" : "channel";

    if (v == ACL_NO_COMMAND || verbose) {
        buf_add_c(out, "User ");
        buf_add_str(out, u->name);
        buf_add_c(out, " has no permissions to ");
    }
    if (v == ACL_NO_COMMAND) {
        buf_printf(out, "run the '%s' command", ref->full_name);
    } else if (verbose) {
        buf_add_c(out, "access the '");
        buf_add_str(out, what);
        buf_printf(out, "' %s", kind);
    } else {
        buf_printf(out, "No permissions to access a %s", kind);
    }
}

bool acl_allows_slow(struct client *c, const struct command_ref *ref, size_t argc, const struct str *argv,
                     const char *context, struct buf *text)
{
    struct acl *a = c->server->acl;
    enum acl_verdict v;
    size_t at;

    v = acl_check(a, c->user, ref, argc, argv, &at);
    if (v == ACL_OK) return true;
    acl_log_add(c, v, context, c->user->name, v == ACL_NO_COMMAND ? str_c(ref->full_name) : argv[at]);
    acl_explain(v, c->user, ref, argv[at], false, text);
    return false;
}

/* --- who a client is ------------------------------------------------------------------------------ */

/* Every byte of every digest is looked at, whichever is the right one. */
bool acl_password_ok(const struct acl_user *u, struct str password)
{
    char given[SHA256_TEXT];
    bool any = false;

    sha256_hex(password, given);
    for (size_t i = 0; i < u->n_passwords; i++) {
        unsigned char differs = 0;
        for (size_t k = 0; k < SHA256_TEXT; k++) differs |= (unsigned char)(given[k] ^ u->passwords[i][k]);
        any |= differs == 0;
    }
    return u->enabled && (any || u->nopass);
}

static bool may_do_all(const struct acl_user *u)
{
    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_selector *sel = u->selectors[i];
        if (sel->all_commands && sel->all_keys && sel->all_channels) return true;
    }
    return false;
}

void acl_become(struct client *c, struct acl_user *u)
{
    user_limit_leave(c);
    c->user = u;
    c->flags = may_do_all(u) ? c->flags | CLIENT_UNRESTRICTED : c->flags & ~(uint32_t)CLIENT_UNRESTRICTED;
    if (c->authenticated) user_limit_enter(c);
}

void acl_admit(struct client *c, struct acl_user *u)
{
    c->authenticated = c->known = true;
    acl_become(c, u);
    stranger_end(c);
}

void acl_start(struct client *c)
{
    struct acl_user *u = c->server->acl->default_user;

    c->authenticated = u->enabled && u->nopass;
    acl_become(c, u);
    stranger_begin(c);
}

/* --- a user whose rules changed ------------------------------------------------------------------- */

struct listening {
    const struct acl_patterns *channels; /* of all selectors */
    bool is_pattern;
};

static bool is_forbidden(void *ctx, struct str name)
{
    const struct listening *l = ctx;

    return !channel_allowed(l->channels, name, l->is_pattern);
}

static bool hears_too_much(const struct client *c, const struct acl_patterns *channels)
{
    struct listening plain = { channels, false }, patterns = { channels, true };

    return pubsub_any(c, 'c', is_forbidden, &plain) || pubsub_any(c, 's', is_forbidden, &plain) ||
           pubsub_any(c, 'p', is_forbidden, &patterns);
}

/* The channels of all selectors, borrowed from them; false: all there are. */
static bool all_channels_of(const struct acl_user *u, struct acl_patterns *out)
{
    *out = (struct acl_patterns){ 0 };
    for (size_t i = 0; i < u->n_selectors; i++) {
        const struct acl_patterns *p = &u->selectors[i]->channels;
        if (u->selectors[i]->all_channels) return false;
        out->items = mem_realloc(out->items, (out->n + p->n + 1) * sizeof *out->items);
        if (p->n > 0) memcpy(out->items + out->n, p->items, p->n * sizeof *p->items);
        out->n += p->n;
    }
    return true;
}

void acl_changed(struct acl *a, struct acl_user *u)
{
    struct acl_patterns channels;
    bool some = all_channels_of(u, &channels);

    LINK_EACH(&a->server->clients, l) {
        struct client *c = LINK_OF(l, struct client, all);
        if (c->user != u) continue;
        acl_become(c, u);
        if (!some || !hears_too_much(c, &channels)) continue;
        if (c == a->server->current) client_close_after(c); /* its own reply still has to leave */
        else client_close_soon(c);
    }
    mem_free(channels.items);
}
