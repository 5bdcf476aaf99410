/* acl.h -- users, and what each may do.
 *
 * A user has passwords (as SHA-256), and one or more selectors: sets of commands, key patterns and channel
 * patterns. A request may run when one selector allows all of it. The first selector, the root, always
 * exists; the others stand in parentheses in the rules.
 *
 * Commands are a bitmap over the registry's ids, renamed or not. What was said of commands is kept as text
 * beside it, each command or category at most once and in the order given: that is how LIST prints it.
 *
 *     acl.c        the users, AUTH, what happens to the clients of a changed user
 *     acl_rules.c  one rule to a user, and a user back to rules
 *     acl_check.c  may this request run?
 *     acl_log.c    what was refused         acl_file.c  the aclfile, the lines of memd.conf
 *     acl_cmd.c    ACL */
#ifndef MEMD_SERVER_ACL_H
#define MEMD_SERVER_ACL_H

#include "server/client.h"

struct acl;
struct acl_user;

/* In the order in which they count: of several selectors that refuse, the last of these is told. */
enum acl_verdict { ACL_ALLOWED, ACL_NO_COMMAND, ACL_NO_KEY, ACL_NO_CHANNEL, ACL_NO_AUTH };
enum acl_context { ACL_IN_TOPLEVEL, ACL_IN_MULTI, ACL_IN_LUA };

/* All users: `default` alone, who may do everything without a password. */
struct acl *acl_new(struct server *s);
void acl_free(struct acl **a);

/* --- users ---------------------------------------------------------------------------------------- */

/* NULL: there is none. */
struct acl_user *acl_find(struct acl *a, struct str name);
struct acl_user *acl_default(struct acl *a);
struct str acl_name(const struct acl_user *u);

/* Does `default` want a password (or is it off)? */
bool acl_default_is_closed(const struct acl *a);

/* Does it want none, on or off? */
bool acl_default_has_no_password(const struct acl *a);

/* requirepass: the password of `default`, "" for none. */
void acl_set_default_password(struct acl *a, const char *password);

/* A new connection, or RESET: the default user, authenticated when that needs no password. */
void acl_begin(struct client *c);

/* AUTH. False: no such user, off, or not its password; that is in the log then. call names the command. */
bool acl_login(struct client *c, struct str name, struct str password, struct str command);

/* --- at the start, and files ------------------------------------------------------------------------ */

/* Users of memd.conf's lines or of the aclfile. False: the log says why, and memd must not start. */
bool acl_load_at_start(struct acl *a);

/* Put the users into the settings, for CONFIG REWRITE. */
void acl_to_conf(struct acl *a);

/* --- checks ------------------------------------------------------------------------------------------ */

/* The part of acl_refusal and acl_check for users who may not do everything. */
const char *acl_refusal_slow(struct client *c, struct command_ref *ref, size_t argc, const struct str *argv,
                             enum acl_context in);
enum acl_verdict acl_check(const struct acl_user *u, const struct command_ref *ref, size_t argc,
                           const struct str *argv, size_t *at);

/* May u do everything? The first byte of the user, so that asking costs one load. */
static inline bool acl_is_free(const struct acl_user *u)
{
    return u == NULL || *(const bool *)u;
}

/* Why c may not run this; NULL: it may. A refusal is counted and logged; its text ("NOPERM ...") is valid
 * until the next. In scripts (ACL_IN_LUA) the text is what redis.call raises. */
static inline const char *acl_refusal(struct client *c, struct command_ref *ref, size_t argc,
                                      const struct str *argv, enum acl_context in)
{
    return LIKELY(acl_is_free(c->user)) ? NULL : acl_refusal_slow(c, ref, argc, argv, in);
}

/* May u run this, and read every key? For patterns that name keys (SORT BY, GET). */
bool acl_reads_all_keys(const struct acl_user *u, const struct command_ref *ref, size_t argc, const struct str *argv);

extern const struct command acl_commands[]; /* acl_cmd.c */

#endif
