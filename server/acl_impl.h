/* acl_impl.h -- what the files of acl.h share. */
#ifndef MEMD_SERVER_ACL_IMPL_H
#define MEMD_SERVER_ACL_IMPL_H

#include "base/sha256.h"
#include "server/acl.h"

/* Ids of commands are below this; the last bit says that commands to come are allowed too: +@all. */
enum { ACL_COMMANDS = 1024, ACL_FUTURE = ACL_COMMANDS - 1 };

enum acl_access { ACL_READS = 1, ACL_WRITES = 2 };

/* Texts with a number each: passwords (0), key patterns (enum acl_access), channel patterns (0), and
 * allowed first arguments (the command's id). Owned. */
struct acl_text {
    struct buf text;
    unsigned tag;
};
struct acl_texts {
    struct acl_text *items;
    size_t n;
};

struct acl_selector {
    bool all_commands, all_keys, all_channels;
    uint64_t allowed[ACL_COMMANDS / 64];
    struct acl_texts keys, channels, first_args;
    struct buf rules; /* "+get -@admin": since +@all or -@all */
};

struct acl_user {
    bool free; /* may do everything: first, see acl_is_free */
    bool on, nopass, skip_sanitize;
    struct buf name;
    struct acl_texts passwords; /* SHA256_HEX letters each */
    struct acl_selector *selectors; /* the first is the root */
    size_t n_selectors;
};

struct acl_entry;

struct acl {
    struct server *server;
    struct acl_user **users; /* by name */
    size_t n_users;
    struct acl_user *standard; /* "default" */
    struct buf text; /* of the last refusal */
    struct link log; /* newest first */
    size_t n_log;
    int64_t next_entry;
};

/* --- acl_rules.c */

/* A new user without any permission, in no list. */
struct acl_user *acl_user_new(const struct acl *a, struct str name);
void acl_user_free(struct acl_user *u);

/* dst gets what src may do; names stay. */
void acl_user_copy(struct acl_user *dst, const struct acl_user *src);

/* Apply one rule. NULL, or why not, in Redis's words; then *unknown (may be NULL) says whether it was for a
 * command or category that does not exist. A selector in parentheses that is wrong leaves no trace. */
const char *acl_user_rule(const struct acl *a, struct acl_user *u, struct str rule, bool *unknown);

/* Rules of one selector may come as several words, "(" in one and ")" in a later: joined into *out (from the
 * arena). False: *open is the word whose parenthesis is never closed. */
bool acl_join(struct arena *arena, const struct str *words, size_t n, struct str **out, size_t *n_out, size_t *open);

/* Append the parts of a description. */
void acl_describe_commands(const struct acl_selector *s, struct buf *out);
void acl_describe_keys(const struct acl_selector *s, struct buf *out);
void acl_describe_channels(const struct acl_selector *s, struct buf *out);
void acl_describe_user(const struct acl_user *u, struct buf *out);

/* Is there a blank or a NUL? Not allowed in names and patterns. */
bool acl_has_blank(struct str s);

/* The bit of a category's name; 0: none. */
uint32_t acl_category(struct str name);

/* --- acl.c */

/* Put u among the users. There must be none of its name. */
void acl_insert(struct acl *a, struct acl_user *u);

/* Remove a user and close its clients. */
void acl_remove(struct acl *a, struct acl_user *u);

/* Replace all users by those of `fresh`; clients of users that are gone are closed. fresh is freed. */
void acl_replace(struct acl *a, struct acl *fresh);

/* u is about to become like `next`: close subscribers who lose a channel. */
void acl_close_subscribers(struct acl *a, const struct acl_user *u, const struct acl_user *next);

/* --- acl_check.c */
bool acl_channel_allowed(const struct acl_texts *allowed, struct str channel, bool is_pattern);
void acl_refusal_text(const struct acl_user *u, const struct command_ref *ref, enum acl_verdict v, struct str what,
                      bool tell, struct buf *out);

/* --- acl_log.c */
void acl_log_add(struct client *c, enum acl_verdict v, enum acl_context in, struct str object, struct str name);
void acl_log_reset(struct acl *a);
void acl_log_reply(struct acl *a, struct call *c, size_t max);

/* --- acl_file.c: append errors to *errors; false when there are any, and nothing is changed then. */
bool acl_file_load(struct acl *a, struct buf *errors);
bool acl_file_save(struct acl *a);

#endif
