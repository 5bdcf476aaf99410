/* acl_check.c -- may this request run? See acl.h. */
#include "base/glob.h"
#include "base/mem.h"
#include "server/acl_impl.h"

/* The keys of a request, found once for all selectors. More than fit here are on the heap. */
enum { KEYS_HERE = 32 };
struct keys {
    bool known;
    size_t n;
    struct key_ref *refs, here[KEYS_HERE];
};

static void find_keys(struct keys *k, const struct command *cmd, size_t argc, const struct str *argv)
{
    long n;

    if (k->known) return;
    k->known = true;
    k->refs = k->here;
    n = command_keys(cmd, argc, argv, k->here, KEYS_HERE);
    /* A request whose keys cannot be told is refused by its own handler, which touches none. */
    k->n = n > 0 ? (size_t)n : 0;
    if (k->n <= KEYS_HERE) return;
    k->refs = mem_alloc(k->n * sizeof *k->refs);
    command_keys(cmd, argc, argv, k->refs, k->n);
}

static unsigned access_of(unsigned key_flags)
{
    return (key_flags & KEY_ACCESS ? ACL_READS : 0) |
           (key_flags & (KEY_INSERT | KEY_DELETE | KEY_UPDATE) ? ACL_WRITES : 0);
}

static bool key_allowed(const struct acl_selector *s, struct str key, unsigned access)
{
    if (s->all_keys) return true;
    for (size_t i = 0; i < s->keys.n; i++) {
        const struct acl_text *t = &s->keys.items[i];
        if ((t->tag & access) == access && glob_match(buf_str(&t->text), key, false)) return true;
    }
    return false;
}

/* A pattern to subscribe to must be allowed literally: which channels it matches nobody knows. */
bool acl_channel_allowed(const struct acl_texts *allowed, struct str channel, bool is_pattern)
{
    for (size_t i = 0; i < allowed->n; i++) {
        struct str pattern = buf_str(&allowed->items[i].text);
        if (is_pattern ? str_eq(pattern, channel) : glob_match(pattern, channel, false)) return true;
    }
    return false;
}

static bool command_allowed(const struct acl_selector *s, const struct command_ref *ref, size_t argc,
                            const struct str *argv)
{
    if (s->all_commands || (ref->cmd->flags & CMD_NO_AUTH)) return true;
    if (s->allowed[ref->id / 64] >> ref->id % 64 & 1) return true;
    for (size_t i = 0; argc > 1 && i < s->first_args.n; i++) {
        const struct acl_text *t = &s->first_args.items[i];
        if (t->tag == ref->id && str_ieq(buf_str(&t->text), argv[1])) return true;
    }
    return false;
}

/* The channels of a request are its arguments 1 to *last. */
static bool has_channels(const struct command_ref *ref, size_t argc, size_t *last, bool *is_pattern)
{
    const char *name = ref->cmd->name;

    if (!(ref->cmd->flags & CMD_PUBSUB) || ref->parent) return false;
    *is_pattern = strcmp(name, "psubscribe") == 0;
    *last = argc - 1;
    if (*is_pattern || strcmp(name, "subscribe") == 0 || strcmp(name, "ssubscribe") == 0) return true;
    *last = 1;
    return strcmp(name, "publish") == 0 || strcmp(name, "spublish") == 0;
}

static enum acl_verdict check(const struct acl_selector *s, const struct command_ref *ref, size_t argc,
                              const struct str *argv, struct keys *keys, size_t *at)
{
    size_t last;
    bool is_pattern;

    *at = 0;
    if (!command_allowed(s, ref, argc, argv)) return ACL_NO_COMMAND;
    if (!s->all_keys) find_keys(keys, ref->cmd, argc, argv);
    for (size_t i = 0; !s->all_keys && i < keys->n; i++) {
        *at = keys->refs[i].at;
        if (!key_allowed(s, argv[*at], access_of(keys->refs[i].flags))) return ACL_NO_KEY;
    }
    if (s->all_channels || !has_channels(ref, argc, &last, &is_pattern)) return ACL_ALLOWED;
    for (*at = 1; *at <= last && *at < argc; (*at)++) {
        if (!acl_channel_allowed(&s->channels, argv[*at], is_pattern)) return ACL_NO_CHANNEL;
    }
    return ACL_ALLOWED;
}

enum acl_verdict acl_check(const struct acl_user *u, const struct command_ref *ref, size_t argc,
                           const struct str *argv, size_t *at)
{
    enum acl_verdict worst = ACL_NO_COMMAND;
    struct keys keys = { .known = false };
    size_t here;

    *at = 0;
    if (acl_is_free(u)) return ACL_ALLOWED;
    for (size_t i = 0; i < u->n_selectors && worst != ACL_ALLOWED; i++) {
        enum acl_verdict v = check(&u->selectors[i], ref, argc, argv, &keys, &here);
        if (v == ACL_ALLOWED || v > worst) worst = v, *at = here;
        else if (v == worst && here > *at) *at = here;
    }
    if (keys.known && keys.refs != keys.here) mem_free(keys.refs);
    return worst;
}

static bool reads_all(const struct acl_selector *s)
{
    for (size_t i = 0; i < s->keys.n; i++) {
        if ((s->keys.items[i].tag & ACL_READS) && str_is(buf_str(&s->keys.items[i].text), "*")) return true;
    }
    return s->all_keys;
}

bool acl_reads_all_keys(const struct acl_user *u, const struct command_ref *ref, size_t argc, const struct str *argv)
{
    struct keys keys = { .known = false };
    bool all = acl_is_free(u);
    size_t at;

    for (size_t i = 0; !all && i < u->n_selectors; i++) {
        all = reads_all(&u->selectors[i]) &&
              check(&u->selectors[i], ref, argc, argv, &keys, &at) == ACL_ALLOWED;
    }
    if (keys.known && keys.refs != keys.here) mem_free(keys.refs);
    return all;
}

void acl_refusal_text(const struct acl_user *u, const struct command_ref *ref, enum acl_verdict v, struct str what,
                      bool tell, struct buf *out)
{
    const char *kind = v == ACL_NO_KEY ? "key" : "channel";

    if (v != ACL_NO_COMMAND && !tell) {
        buf_printf(out, "No permissions to access a %s", kind);
        return;
    }
    buf_add_c(out, "User ");
    buf_add_str(out, buf_str(&u->name));
    if (v == ACL_NO_COMMAND) {
        buf_printf(out, " has no permissions to run the '%s' command", ref->full_name);
        return;
    }
    buf_add_c(out, " has no permissions to access the '");
    buf_add_str(out, what);
    buf_printf(out, "' %s", kind);
}

/* What was queued may be refused since: EXEC says so in other words. */
static const char *reason(enum acl_verdict v)
{
    return v == ACL_NO_COMMAND ? "no permission to execute the command or subcommand"
           : v == ACL_NO_KEY ? "no permission to touch the specified keys"
                             : "no permission to access one of the channels used as arguments";
}

const char *acl_refusal_slow(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                             enum acl_context in)
{
    struct buf *text = &c->server->acl->text;
    size_t at;
    enum acl_verdict v = acl_check(c->user, ref, argc, argv, &at);
    bool in_exec = in == ACL_IN_MULTI && !(c->flags & CLIENT_MULTI);

    if (v == ACL_ALLOWED) return NULL;
    acl_log_add(c, v, in, v == ACL_NO_COMMAND ? str_c(ref->full_name) : argv[at], acl_name(c->user));
    buf_clear(text);
    if (in_exec) {
        buf_printf(text, "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC "
                   "call. This command is no longer allowed for the following reason: %s", reason(v));
    } else {
        buf_add_c(text, in == ACL_IN_LUA ? "NOPERM ACL failure in script: " : "NOPERM ");
        acl_refusal_text(c->user, ref, v, argv[at], false, text);
    }
    buf_add(text, "", 1);
    return text->p;
}
