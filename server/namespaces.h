/* namespaces.h -- what the rules of namespaces demand of commands (storage/namespace.h has the rules,
 * server/namespace_rules.h their text).
 *
 * Around each command: before it, quotas (maxkeys, maxmemory, maxvalue); after it, for the keys that it wrote or read,
 * time to live and length. What is done goes to the log as PEXPIREAT, LTRIM, XTRIM in the command's own group, so
 * that whoever loads the log needs no rules: rules are settings, not data. While loading, nothing of this is done.
 *
 * All functions but the first two are to be called only where ns_any; those around a command where some namespace asks for
 * what they do (enum ns_need). */
#ifndef MEMD_SERVER_NAMESPACES_H
#define MEMD_SERVER_NAMESPACES_H

#include "server/client.h"
#include "storage/namespace.h"

struct namespacing;

/* Take the namespace lines of the settings, at start. False: why[PERSIST_WHY] says which line and what. */
bool namespaces_apply_conf(struct server *s, char *why);
void namespaces_close(struct server *s);

/* Give a pattern these rules, or take it away with all its rules; CONFIG REWRITE keeps it. False: why[PERSIST_WHY]
 * says it, and all is as it was. */
bool namespaces_set(struct server *s, struct str pattern, const struct ns_rules *rules, char *why);
bool namespaces_del(struct server *s, struct str pattern);

/* Why a write may not run; NULL: it may. The text may be made in room[256]. May evict within the namespace. */
const char *namespaces_refusal(struct client *c, const struct command *cmd, size_t argc, const struct str *argv,
                               char *room);

/* The store changed: remember the key, to be looked at when the command is over. */
void namespaces_on_change(struct server *s, const struct change *ch);

/* A plain SET whose key gets the namespace's time to live is logged with it, in one command. False: it is not that. */
bool namespaces_log_set(struct client *c, const struct call *call);

/* The command is over: give time to live, renew it, trim. Inside its group of the log, where it has one. argv: the
 * request, whose keys were read (sliding). */
void namespaces_after(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* What the keys that the request has changed ask of the log: bits. The first change of the next one clears them. */
enum { NS_LOG_AS_SET = 1, NS_LOG_ALWAYS = 2, NS_LOG_EVERYSEC = 4, NS_LOG_NO = 8 };
unsigned namespaces_take_durability(struct server *s);

/* What the log is asked for the change's key, of these bits. */
unsigned namespaces_durability(const struct server *s, const struct change *ch);

/* Between turns (between.h): eviction where one has more than its quota, and retagging. */
void namespaces_turn(struct server *s, int64_t deadline_us);
bool namespaces_are_due(const struct server *s);

/* Every turn, while there is one: syncs for durability everysec. */
void namespaces_tend(struct server *s);

/* INFO's lines, and zeroing what counts since the start (CONFIG RESETSTAT); in namespace_cmd.c. */
void namespaces_info(struct server *s, struct buf *out);
void namespaces_reset_stats(struct server *s);

#endif
