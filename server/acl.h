/* acl.h -- users: who may run which commands on which keys and channels.
 *
 * A user has passwords (as SHA-256 digests) and selectors; the first selector is the user's own
 * rules, others stand in parentheses. A request is allowed when one selector allows all of it: the
 * command, its keys and its channels. Rules are those of ACL SETUSER in Redis 7.2, and a user
 * described (ACL LIST) is a line of rules that makes the same user again.
 *
 *   acl_user.c   users and selectors: making, copying, describing
 *   acl_rule.c   rules to users
 *   acl_check.c  may this user do that?
 *   acl_log.c    what was refused (ACL LOG)
 *   acl_file.c   users of the configuration and of the aclfile
 *   acl_cmd.c    ACL
 *
 * A client whose user may do everything has CLIENT_UNRESTRICTED, so that it is asked nothing more. */
#ifndef MEMD_SERVER_ACL_H
#define MEMD_SERVER_ACL_H

#include "base/sha256.h"
#include "server/client.h"
#include "server/user_limit.h"

enum { ACL_READ_KEY = 1, ACL_WRITE_KEY = 2, ACL_ANY_KEY = 3 };

struct acl_pattern {
    struct str text;  /* owned */
    unsigned access;  /* ACL_READ_KEY, ACL_WRITE_KEY; 0 for channels */
};

struct acl_patterns {
    struct acl_pattern *items;
    size_t n;
};

/* "+select|0": a command that is allowed with this first argument alone. */
struct acl_first_arg {
    unsigned command;
    struct str arg; /* owned */
};

struct acl_selector {
    bool all_commands, all_keys, all_channels;
    bool from_all;              /* its rules begin with +@all, though some were taken away since */
    uint64_t *commands;         /* bitmap by command_ref.id */
    size_t n_words;
    struct acl_first_arg *first_args;
    size_t n_first_args;
    struct buf rules;           /* of commands and categories since +@all or -@all, "+get -@admin" */
    struct acl_patterns keys, channels;
};

struct acl_user {
    struct str name; /* owned */
    bool enabled, nopass, skip_sanitize;
    char (*passwords)[SHA256_TEXT];
    size_t n_passwords;
    struct acl_selector **selectors; /* at least one */
    size_t n_selectors;
    struct user_load load;
};

struct acl {
    struct server *server;
    struct acl_user **users; /* by name */
    size_t n_users;
    struct acl_user *default_user;
    struct link log;         /* newest first */
    size_t n_log;
    uint64_t next_log_id;
    uint64_t denied_commands, denied_keys, denied_channels, denied_auth;
};

struct acl *acl_new(struct server *s);
void acl_free(struct acl **a);

/* --- users ---------------------------------------------------------------------------------------- */

/* A user that may do nothing, as ACL SETUSER makes one; not yet known to `a`. */
struct acl_user *acl_user_new(const struct acl *a, struct str name);
void acl_user_free(struct acl_user *u);

/* A copy of the same name. */
struct acl_user *acl_user_copy(const struct acl_user *u);

/* Exchange all but the names, and what their clients do. */
void acl_user_swap(struct acl_user *a, struct acl_user *b);

struct acl_selector *acl_selector_new(const struct acl *a);
void acl_selector_free(struct acl_selector *sel);
bool acl_selector_command(const struct acl_selector *sel, unsigned id);

struct acl_user *acl_find(const struct acl *a, struct str name);
void acl_add(struct acl *a, struct acl_user *u);

/* Forget a user, who is freed; its clients are closed. */
void acl_remove(struct acl *a, struct acl_user *u);

/* The rules that make u again, as ACL LIST prints them behind "user NAME ". */
void acl_describe(const struct acl_user *u, struct buf *out);
void acl_describe_keys(const struct acl_selector *sel, struct buf *out);
void acl_describe_channels(const struct acl_selector *sel, struct buf *out);
void acl_describe_commands(const struct acl_selector *sel, struct buf *out);

/* --- rules ---------------------------------------------------------------------------------------- */

/* Apply one rule to u; on failure the text of the error, and u may be used no more. */
const char *MUST_USE acl_apply(const struct acl *a, struct acl_user *u, struct str rule);

/* Apply n rules, of which selectors may be split at blanks ("(+get", "~a)"). On failure u is as it was
 * and why gets the error as Redis words it, but for passwords, which it does not name: it goes to the log. */
bool MUST_USE acl_apply_all(struct acl *a, struct acl_user *u, const struct str *rules, size_t n, struct buf *why);

/* ACL SETUSER: make or change a user, all rules or none; its clients feel it at once. */
bool MUST_USE acl_set_user(struct acl *a, struct str name, const struct str *rules, size_t n, struct buf *why);

/* The default user's password is the setting requirepass; "" takes the need for one away. */
void acl_set_default_password(struct acl *a, const char *password);

/* A name: no blanks and no NUL. */
bool acl_name_ok(struct str name);

/* --- checks --------------------------------------------------------------------------------------- */

enum acl_verdict { ACL_OK, ACL_NO_COMMAND, ACL_NO_KEY, ACL_NO_CHANNEL, ACL_NO_AUTH, ACL_NO_CERT };

/* May u run this request? *at: index of the argument that is refused. */
enum acl_verdict acl_check(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc,
                           const struct str *argv, size_t *at);

/* The same for c, which is logged when it may not, and *text (freed by the caller) says why, without a code
 * word. context: "toplevel", "multi", "lua". Clients that may do everything are told so at once. */
bool acl_allows_slow(struct client *c, const struct command_ref *ref, size_t argc, const struct str *argv,
                     const char *context, struct buf *text);
static inline bool acl_allows(struct client *c, const struct command_ref *ref, size_t argc, const struct str *argv,
                              const char *context, struct buf *text)
{
    if (LIKELY(c->flags & (CLIENT_UNRESTRICTED | CLIENT_LOADER))) return true;
    return acl_allows_slow(c, ref, argc, argv, context, text);
}

/* Tell the patterns of keys that u may read (ACL_READ_KEY) or write, or both, by a selector that allows this request. */
void acl_each_pattern(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc, const struct str *argv,
                      unsigned access, void (*fn)(void *ctx, struct str pattern), void *ctx);

/* May u, with a selector that allows this request, read every key? SORT's BY and GET need it. */
bool acl_reads_all_keys(struct acl *a, const struct acl_user *u, const struct command_ref *ref, size_t argc,
                        const struct str *argv);

/* May u read this key by any of its selectors? */
bool acl_may_read(const struct acl_user *u, struct str key);

/* What is said of a refusal; verbose names the key or channel (ACL DRYRUN). */
void acl_explain(enum acl_verdict v, const struct acl_user *u, const struct command_ref *ref, struct str what,
                 bool verbose, struct buf *out);

/* True for the right password of a user who is on. Takes the same time for any password. */
bool acl_password_ok(const struct acl_user *u, struct str password);

/* c is u from now on. */
void acl_become(struct client *c, struct acl_user *u);

/* c has shown that it is u, by a password or a certificate. */
void acl_admit(struct client *c, struct acl_user *u);

/* c is new, or has sent RESET. */
void acl_start(struct client *c);

/* The rules of u have changed: its clients get the fast flag or lose it, and those are closed who listen to
 * what they no longer may. */
void acl_changed(struct acl *a, struct acl_user *u);

/* --- log ------------------------------------------------------------------------------------------ */

void acl_log_add(struct client *c, enum acl_verdict reason, const char *context, struct str user, struct str object);
void acl_log_reset(struct acl *a);
void acl_log_trim(struct acl *a, size_t max);
/* Reply the newest n entries. */
void acl_log_reply(struct call *c, size_t n);

/* --- files ---------------------------------------------------------------------------------------- */

/* Users of the configuration or of the aclfile, at start. False: why says it. */
bool MUST_USE acl_load_at_start(struct acl *a, struct buf *why);

/* Is requirepass set, and the user default needs no password all the same? So say the users of an aclfile, which stand in
 * the place of requirepass whether they name default or not, or a line `user default`. */
bool acl_password_is_void(const struct acl *a);

/* The aclfile anew, whole or not at all. */
bool MUST_USE acl_load_file(struct acl *a, struct buf *why);

/* Write all users to the aclfile: a temporary file, synced and renamed. */
bool MUST_USE acl_save_file(const struct acl *a);

/* The users as lines of the configuration, in the place of those that are in `lines` (CONFIG REWRITE). None
 * when there is an aclfile. */
void acl_to_conf(const struct acl *a, struct conf_list *lines);

#endif
