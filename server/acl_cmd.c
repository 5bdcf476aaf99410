/* acl_cmd.c -- ACL. */
#include "base/num.h"
#include "server/acl_impl.h"
#include "server/rows.h"

static struct acl *users_of(struct call *c)
{
    return c->client->server->acl;
}

/* --- changing ---------------------------------------------------------------------------------------- */

/* All rules are applied to a copy first: they hold together or not at all. */
static enum err run_setuser(struct call *c)
{
    struct acl *a = users_of(c);
    struct str name = call_arg(c, 2), *rules;
    size_t n, open, i;
    struct acl_user *u, *next;
    const char *why = NULL;

    if (acl_has_blank(name)) return ERR_ACL_NAME;
    if (!acl_join(c->arena, c->argv + 3, c->argc - 3, &rules, &n, &open)) {
        return call_fail(c, ERR_ACL_PARENTHESIS, call_arg(c, 3 + open));
    }
    u = acl_find(a, name);
    next = acl_user_new(a, name);
    if (u) acl_user_copy(next, u);
    for (i = 0; why == NULL && i < n; i++) why = acl_user_rule(a, next, rules[i], NULL);
    if (why) {
        acl_user_free(next);
        reply_errorf(c->out, "ERR Error in ACL SETUSER modifier '%.*s': %s", (int)rules[i - 1].n, rules[i - 1].p, why);
        return CALL_REPLIED_ERROR;
    }
    if (u) {
        acl_close_subscribers(a, u, next);
        acl_user_copy(u, next);
        acl_user_free(next);
    } else {
        acl_insert(a, next);
    }
    reply_ok(c->out);
    return OK;
}

static enum err run_deluser(struct call *c)
{
    struct acl *a = users_of(c);
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

static enum err run_load(struct call *c)
{
    struct buf errors = { 0 };
    enum err e = OK;

    if (c->client->server->conf->aclfile[0] == '\0') return ERR_ACL_NO_FILE;
    if (acl_file_load(users_of(c), &errors)) {
        reply_ok(c->out);
    } else {
        reply_errorf(c->out, "ERR %.*s", (int)errors.n, errors.p);
        e = CALL_REPLIED_ERROR;
    }
    buf_fini(&errors);
    return e;
}

static enum err run_save(struct call *c)
{
    if (c->client->server->conf->aclfile[0] == '\0') return ERR_ACL_NO_FILE;
    if (!acl_file_save(users_of(c))) return ERR_ACL_SAVE;
    reply_ok(c->out);
    return OK;
}

/* --- asking ------------------------------------------------------------------------------------------ */

static void reply_part(struct reply *r, const char *name, const struct acl_selector *s,
                       void (*describe)(const struct acl_selector *s, struct buf *out))
{
    struct buf text = { 0 };

    describe(s, &text);
    reply_bulk_c(r, name);
    reply_bulk(r, buf_str(&text));
    buf_fini(&text);
}

static void reply_selector(struct reply *r, const struct acl_selector *s)
{
    reply_part(r, "commands", s, acl_describe_commands);
    reply_part(r, "keys", s, acl_describe_keys);
    reply_part(r, "channels", s, acl_describe_channels);
}

static enum err run_getuser(struct call *c)
{
    const struct acl_user *u = acl_find(users_of(c), call_arg(c, 2));

    if (u == NULL) {
        reply_null(c->out);
        return OK;
    }
    reply_map(c->out, 6);
    reply_bulk_c(c->out, "flags");
    reply_set(c->out, u->nopass ? 3 : 2);
    reply_bulk_c(c->out, u->on ? "on" : "off");
    if (u->nopass) reply_bulk_c(c->out, "nopass");
    reply_bulk_c(c->out, u->skip_sanitize ? "skip-sanitize-payload" : "sanitize-payload");
    reply_bulk_c(c->out, "passwords");
    reply_array(c->out, u->passwords.n);
    for (size_t i = 0; i < u->passwords.n; i++) reply_bulk(c->out, buf_str(&u->passwords.items[i].text));
    reply_selector(c->out, &u->selectors[0]);
    reply_bulk_c(c->out, "selectors");
    reply_array(c->out, u->n_selectors - 1);
    for (size_t i = 1; i < u->n_selectors; i++) {
        reply_map(c->out, 3);
        reply_selector(c->out, &u->selectors[i]);
    }
    return OK;
}

static enum err run_users(struct call *c)
{
    const struct acl *a = users_of(c);

    reply_array(c->out, a->n_users);
    for (size_t i = 0; i < a->n_users; i++) reply_bulk(c->out, buf_str(&a->users[i]->name));
    return OK;
}

static enum err run_list(struct call *c)
{
    const struct acl *a = users_of(c);
    struct buf line = { 0 };

    reply_array(c->out, a->n_users);
    for (size_t i = 0; i < a->n_users; i++) {
        buf_clear(&line);
        buf_add_c(&line, "user ");
        buf_add_str(&line, buf_str(&a->users[i]->name));
        buf_add_char(&line, ' ');
        acl_describe_user(a->users[i], &line);
        reply_bulk(c->out, buf_str(&line));
    }
    buf_fini(&line);
    return OK;
}

static enum err run_whoami(struct call *c)
{
    reply_bulk(c->out, acl_name(c->client->user));
    return OK;
}

static size_t reply_category(struct call *c, const struct command_ref *ref, uint32_t bit)
{
    size_t n = 0;

    if (command_categories(ref->cmd) & bit) reply_bulk_c(c->out, ref->full_name), n++;
    for (size_t i = 0; i < ref->n_subs; i++) n += reply_category(c, &ref->subs[i], bit);
    return n;
}

static enum err run_cat(struct call *c)
{
    const struct registry *r = c->client->server->commands;
    size_t mark = reply_mark(c->out), n = 0;
    uint32_t bit;

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 2) {
#define NAME(code, name, bit) reply_bulk_c(c->out, name), n++;
        ACL_TABLE(NAME)
#undef NAME
    } else {
        bit = acl_category(call_arg(c, 2));
        if (bit == 0) return call_fail(c, ERR_ACL_CATEGORY, call_arg(c, 2));
        for (size_t i = 0; i < registry_count_own(r); i++) n += reply_category(c, registry_at(r, i), bit);
    }
    reply_array_at(c->out, mark, n);
    return OK;
}

static enum err run_genpass(struct call *c)
{
    enum { BITS_MAX = 4096 };
    unsigned char bytes[BITS_MAX / 8];
    char text[BITS_MAX / 4];
    int64_t bits = 256;
    size_t n;

    if (c->argc > 3) return subcommand_syntax(c);
    if (c->argc == 3 && call_i64(c, 2, &bits) != OK) return ERR_NOT_INT;
    if (bits <= 0 || bits > BITS_MAX) return ERR_ACL_BITS;
    n = (size_t)(bits + 3) / 4;
    rng_secret(bytes, (n + 1) / 2);
    for (size_t i = 0; i < n; i++) text[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 4 : 0) & 15];
    reply_bulk(c->out, str_of(text, n));
    return OK;
}

static enum err run_log(struct call *c)
{
    int64_t n = 10;

    if (c->argc > 3) return subcommand_syntax(c);
    if (call_is(c, 2, "reset")) {
        acl_log_reset(users_of(c));
        reply_ok(c->out);
        return OK;
    }
    if (c->argc == 3 && call_i64(c, 2, &n) != OK) return ERR_NOT_INT;
    acl_log_reply(users_of(c), c, n > 0 ? (size_t)n : 0);
    return OK;
}

static enum err run_dryrun(struct call *c)
{
    const struct acl_user *u = acl_find(users_of(c), call_arg(c, 2));
    const struct str *argv = c->argv + 3;
    size_t argc = c->argc - 3, at;
    struct command_ref *container, *ref;
    struct buf text = { 0 };
    enum acl_verdict v;

    if (u == NULL) return call_fail(c, ERR_ACL_NO_USER, call_arg(c, 2));
    ref = registry_resolve(c->client->server->commands, argc, argv, &container);
    if (ref == NULL) return call_fail(c, ERR_ACL_NO_COMMAND, argv[0]);
    if (!command_arity_ok(ref->cmd, argc)) return call_fail(c, ERR_ARITY, str_c(ref->full_name));
    v = acl_check(u, ref, argc, argv, &at);
    if (v == ACL_ALLOWED) {
        reply_ok(c->out);
        return OK;
    }
    acl_refusal_text(u, ref, v, argv[at], true, &text);
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

/* --- rows -------------------------------------------------------------------------------------------- */

#define HERE (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define SUB(n, fn, ar, fl, si, co, text) ROW(n, fn, ar, fl, GROUP_SERVER, si, co, text)
#define USERNAME { .name = "username" }

static const char *const everywhere[] = { "request_policy:all_nodes", "response_policy:all_succeeded", NULL };
static const char *const setuser_history[] = {
    "6.2.0", "Patterns of channels.", "7.0.0", "Selectors, and keys to read or to write only.", NULL };
static const char *const getuser_history[] = {
    "6.2.0", "Patterns of channels.", "7.0.0", "Selectors; keys and channels as rules instead of lists.", NULL };
static const char *const log_history[] = { "7.2.0", "An entry's id, when it was made and when last changed.", NULL };

static const struct command acl_subs[] = {
    { SUB("cat", run_cat, -2, HERE, "6.0.0", "O(1)", "Lists the categories, or the commands of one."),
      .args = ARGS({ .name = "category", .flags = ARG_OPTIONAL }) },
    { SUB("deluser", run_deluser, -3, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the connections",
          "Removes users, and closes their connections."),
      .tips = everywhere, .args = ARGS({ .name = "username", .flags = ARG_MULTIPLE }) },
    { SUB("dryrun", run_dryrun, -4, HERE | CMD_ADMIN, "7.0.0", "O(1)", "Tells whether a user may run a command."),
      .args = ARGS(USERNAME, { .name = "command" }, { .name = "arg", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { SUB("genpass", run_genpass, -2, HERE, "6.0.0", "O(1)", "Makes a password nobody can guess."),
      .args = ARGS({ .name = "bits", .type = ARG_T_INTEGER, .flags = ARG_OPTIONAL }) },
    { SUB("getuser", run_getuser, 3, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the user's rules",
          "Tells what a user may do."),
      .history = getuser_history, .args = ARGS(USERNAME) },
    { SUB("list", run_list, 2, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the users", "Lists users with their rules.") },
    { SUB("load", run_load, 2, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the users", "Reads the aclfile again.") },
    { SUB("log", run_log, -2, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the entries shown",
          "Lists what was refused lately."),
      .history = log_history,
      .args = ARGS({ .name = "operation", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL,
                     .subs = ARGS({ .name = "count", .type = ARG_T_INTEGER },
                                  { .name = "reset", .type = ARG_T_PURE_TOKEN, .token = "RESET" }) }) },
    { SUB("save", run_save, 2, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the users", "Writes the aclfile."),
      .tips = everywhere },
    { SUB("setuser", run_setuser, -3, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the rules given",
          "Makes a user, or changes what it may do."),
      .history = setuser_history, .tips = everywhere,
      .args = ARGS(USERNAME, { .name = "rule", .flags = ARG_OPTIONAL | ARG_MULTIPLE }) },
    { SUB("users", run_users, 2, HERE | CMD_ADMIN, "6.0.0", "O(N), N being the users", "Lists the names of users.") },
    { SUB("whoami", run_whoami, 2, HERE, "6.0.0", "O(1)", "Tells the connection's user.") },
    { SUB("help", run_help, 2, CMD_LOADING | CMD_STALE, "6.0.0", "O(1)", "Prints what ACL can do.") },
    { 0 },
};

const struct command acl_commands[] = {
    { CONTAINER("acl", GROUP_SERVER, "6.0.0", "About users and what they may do.", acl_subs) },
    { 0 },
};
