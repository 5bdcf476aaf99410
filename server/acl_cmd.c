/* acl_cmd.c -- ACL. */
#include "base/rng.h"
#include "server/acl.h"
#include "server/commands.h"
#include "server/rows.h"

static enum err run_setuser(struct call *c)
{
    struct acl *a = c->client->server->acl;
    struct buf why = { 0 };

    if (!acl_name_ok(call_arg(c, 2))) return ERR_ACL_NAME;
    if (!acl_set_user(a, call_arg(c, 2), c->argv + 3, c->argc - 3, &why)) return call_fail_why(c, &why);
    reply_ok(c->out);
    return OK;
}

static enum err run_deluser(struct call *c)
{
    struct acl *a = c->client->server->acl;
    int64_t n = 0;

    for (size_t i = 2; i < c->argc; i++) {
        if (str_eq(call_arg(c, i), STR("default"))) return ERR_ACL_DEFAULT;
    }
    for (size_t i = 2; i < c->argc; i++) {
        struct acl_user *u = acl_find(a, call_arg(c, i));
        if (u == NULL) continue;
        acl_remove(a, u);
        n++;
    }
    reply_int(c->out, n);
    return OK;
}

static void reply_described(struct call *c, const char *name, const struct acl_selector *sel,
                            void (*describe)(const struct acl_selector *sel, struct buf *out))
{
    struct buf text = { 0 };

    describe(sel, &text);
    reply_bulk_c(c->out, name);
    reply_bulk(c->out, buf_str(&text));
    buf_fini(&text);
}

static void reply_selector(struct call *c, const struct acl_selector *sel)
{
    reply_described(c, "commands", sel, acl_describe_commands);
    reply_described(c, "keys", sel, acl_describe_keys);
    reply_described(c, "channels", sel, acl_describe_channels);
}

static enum err run_getuser(struct call *c)
{
    const struct acl_user *u = acl_find(c->client->server->acl, call_arg(c, 2));

    if (u == NULL) {
        reply_null(c->out);
        return OK;
    }
    reply_map(c->out, 6);
    reply_bulk_c(c->out, "flags");
    reply_set(c->out, u->nopass ? 3 : 2);
    reply_bulk_c(c->out, u->enabled ? "on" : "off");
    if (u->nopass) reply_bulk_c(c->out, "nopass");
    reply_bulk_c(c->out, u->skip_sanitize ? "skip-sanitize-payload" : "sanitize-payload");
    reply_bulk_c(c->out, "passwords");
    reply_array(c->out, u->n_passwords);
    for (size_t i = 0; i < u->n_passwords; i++) reply_bulk(c->out, str_of(u->passwords[i], SHA256_TEXT));
    reply_selector(c, u->selectors[0]);
    reply_bulk_c(c->out, "selectors");
    reply_array(c->out, u->n_selectors - 1);
    for (size_t i = 1; i < u->n_selectors; i++) {
        reply_map(c->out, 3);
        reply_selector(c, u->selectors[i]);
    }
    return OK;
}

static enum err run_list(struct call *c)
{
    const struct acl *a = c->client->server->acl;
    struct buf text = { 0 };

    reply_array(c->out, a->n_users);
    for (size_t i = 0; i < a->n_users; i++) {
        buf_clear(&text);
        buf_add_c(&text, "user ");
        buf_add_str(&text, a->users[i]->name);
        buf_add_char(&text, ' ');
        acl_describe(a->users[i], &text);
        reply_bulk(c->out, buf_str(&text));
    }
    buf_fini(&text);
    return OK;
}

static enum err run_users(struct call *c)
{
    const struct acl *a = c->client->server->acl;

    reply_array(c->out, a->n_users);
    for (size_t i = 0; i < a->n_users; i++) reply_bulk(c->out, a->users[i]->name);
    return OK;
}

static enum err run_whoami(struct call *c)
{
    reply_bulk(c->out, c->client->user->name);
    return OK;
}

static enum err run_load(struct call *c)
{
    struct server *s = c->client->server;
    struct buf why = { 0 };

    if (s->conf->aclfile[0] == '\0') return ERR_ACL_NO_FILE;
    if (!acl_load_file(s->acl, &why)) return call_fail_why(c, &why);
    reply_ok(c->out);
    return OK;
}

static enum err run_save(struct call *c)
{
    struct server *s = c->client->server;

    if (s->conf->aclfile[0] == '\0') return ERR_ACL_NO_FILE;
    if (!acl_save_file(s->acl)) return ERR_ACL_SAVE;
    reply_ok(c->out);
    return OK;
}

/* --- categories ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t bit;
} categories[] = {
#define CATEGORY(code, text, place) { text, code },
    ACL_TABLE(CATEGORY)
#undef CATEGORY
};
enum { CATEGORIES = sizeof categories / sizeof *categories };

struct listing {
    struct call *call;
    uint32_t category;
    size_t n;
};

static void list_command(void *ctx, struct command_ref *ref)
{
    struct listing *l = ctx;

    /* A container is in a category by its subcommands alone. */
    if (ref->n_subs > 0 || !(command_categories(ref->cmd) & l->category)) return;
    reply_bulk_c(l->call->out, ref->full_name);
    l->n++;
}

static enum err run_cat(struct call *c)
{
    struct listing l = { .call = c };
    size_t mark = reply_mark(c->out);

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 2) {
        reply_array(c->out, CATEGORIES);
        for (size_t i = 0; i < CATEGORIES; i++) reply_bulk_c(c->out, categories[i].name);
        return OK;
    }
    for (size_t i = 0; i < CATEGORIES; i++) {
        if (call_is(c, 2, categories[i].name)) l.category = categories[i].bit;
    }
    if (l.category == 0) return call_fail(c, ERR_ACL_CATEGORY, call_arg(c, 2));
    registry_each(c->client->server->commands, list_command, &l);
    reply_array_at(c->out, mark, l.n);
    return OK;
}

/* --- the rest ------------------------------------------------------------------------------------- */

static enum err run_genpass(struct call *c)
{
    enum { BITS_MAX = 4096 };
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[BITS_MAX / 8];
    char text[BITS_MAX / 4];
    int64_t bits = 256;

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 3 && call_i64(c, 2, &bits) != OK) return ERR_NOT_INT;
    if (bits <= 0 || bits > BITS_MAX) return ERR_ACL_GENPASS;
    rng_secret(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof text; i++) text[i] = digits[bytes[i / 2] >> (i % 2 * 4) & 15];
    reply_bulk(c->out, str_of(text, (size_t)(bits + 3) / 4));
    return OK;
}

static enum err run_log(struct call *c)
{
    int64_t n = 10;

    if (c->argc > 3) return subcommand_syntax(c);
    if (call_is(c, 2, "reset")) {
        acl_log_reset(c->client->server->acl);
        reply_ok(c->out);
        return OK;
    }
    if (c->argc == 3 && call_i64(c, 2, &n) != OK) return ERR_NOT_INT;
    acl_log_reply(c, n > 0 ? (size_t)n : 0);
    return OK;
}

static enum err run_dryrun(struct call *c)
{
    struct server *s = c->client->server;
    const struct acl_user *u = acl_find(s->acl, call_arg(c, 2));
    const struct str *argv = c->argv + 3;
    size_t argc = c->argc - 3, at;
    struct command_ref *container, *ref;
    struct buf text = { 0 };
    enum acl_verdict v;

    if (u == NULL) return call_fail(c, ERR_ACL_USER, call_arg(c, 2));
    ref = registry_resolve(s->commands, argc, argv, &container);
    if (ref == NULL) return call_fail(c, ERR_ACL_COMMAND, call_arg(c, 3));
    if (!command_arity_ok(ref->cmd, argc)) return call_fail(c, ERR_ARITY, str_c(ref->full_name));
    v = acl_check(s->acl, u, ref, argc, argv, &at);
    if (v == ACL_OK) {
        reply_ok(c->out);
        return OK;
    }
    acl_explain(v, u, ref, argv[at], true, &text);
    reply_bulk(c->out, buf_str(&text));
    buf_fini(&text);
    return OK;
}

static enum err run_help(struct call *c)
{
    static const char *const lines[] = {
        "ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "CAT [<category>]",
        "    List all commands that belong to <category>, or all command categories",
        "    when no category is specified.",
        "DELUSER <username> [<username> ...]",
        "    Delete a list of users.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Returns whether the user can execute the given command without executing the command.",
        "GETUSER <username>",
        "    Get the user's details.",
        "GENPASS [<bits>]",
        "    Generate a secure 256-bit user password. The optional `bits` argument can",
        "    be used to specify a different size.",
        "LIST",
        "    Show users details in config file format.",
        "LOAD",
        "    Reload users from the ACL file.",
        "LOG [<count> | RESET]",
        "    Show the ACL log entries.",
        "SAVE",
        "    Save the current config to the ACL file.",
        "SETUSER <username> <attribute> [<attribute> ...]",
        "    Create or modify a user with the specified attributes.",
        "USERS",
        "    List all the registered usernames.",
        "WHOAMI",
        "    Return the current connection username.",
    };

    REPLY_HELP(c, lines);
    return OK;
}

#define ADMIN (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define ANYONE (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define SUB(n, fn, ar, fl, co, text) ROW(n, fn, ar, fl, GROUP_SERVER, "6.0.0", co, text)

static const struct command acl_subs[] = {
    { SUB("cat", run_cat, -2, ANYONE, "O(1), or O(N) for N commands",
          "Lists the categories, or the commands of one."),
      .args = ARGS({ .name = "category", .flags = ARG_OPTIONAL }) },
    { SUB("deluser", run_deluser, -3, ADMIN, "O(1) for each user", "Deletes users and closes their connections."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
      .args = ARGS({ .name = "username", .flags = ARG_MULTIPLE }) },
    { ROW("dryrun", run_dryrun, -4, ADMIN, GROUP_SERVER, "7.0.0", "O(1)",
          "Tells whether a user may run a request, without running it."),
      .args = ARGS({ .name = "username" }, { .name = "command" },
                   { .name = "arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { SUB("genpass", run_genpass, -2, ANYONE, "O(1)", "Makes a password that nobody can guess."),
      .args = ARGS({ .name = "bits", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }) },
    { SUB("getuser", run_getuser, 3, ADMIN, "O(N), N being the rules", "Describes a user."),
      .history = HISTORY("6.2.0", "The channels.", "7.0.0", "Selectors, and one form for keys and channels."),
      .args = ARGS({ .name = "username" }) },
    { SUB("list", run_list, 2, ADMIN, "O(N) for N users", "Lists all users with their rules.") },
    { SUB("load", run_load, 2, ADMIN, "O(N) for N users", "Reads the users from the aclfile again.") },
    { SUB("log", run_log, -2, ADMIN, "O(N) for N entries", "Lists what was refused."),
      .history = HISTORY("7.2.0", "Each entry has a number and the times of its first and last event."),
      .args = ARGS({ .name = "operation", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "count", .type = ARG_T_INTEGER },
                                  { .name = "reset", .type = ARG_T_PURE_TOKEN, .token = "RESET" }) }) },
    { SUB("save", run_save, 2, ADMIN, "O(N) for N users", "Writes the users to the aclfile."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded") },
    { SUB("setuser", run_setuser, -3, ADMIN, "O(N) for N rules", "Makes or changes a user."),
      .tips = TIPS("request_policy:all_nodes", "response_policy:all_succeeded"),
      .history = HISTORY("6.2.0", "Rules on channels.", "7.0.0", "Selectors, and patterns of keys by what may be done."),
      .args = ARGS({ .name = "username" }, { .name = "rule", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { SUB("users", run_users, 2, ADMIN, "O(N) for N users", "Lists the names of all users.") },
    { SUB("whoami", run_whoami, 2, ANYONE, "O(1)", "Returns the name of the connection's user.") },
    { SUB("help", run_help, 2, CMD_LOADING | CMD_STALE, "O(1)", "Prints what ACL can do.") },
    { 0 },
};

const struct command acl_commands[] = {
    { CONTAINER("acl", GROUP_SERVER, "6.0.0", "About users.", acl_subs) },
    { 0 },
};
