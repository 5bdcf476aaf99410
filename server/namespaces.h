/* namespaces.h -- what the rules of namespaces demand of commands (storage/namespace.h has the rules).
 *
 * Around each command: before it, quotas (maxkeys, maxmemory, maxvalue); after it, for the keys that it wrote or read,
 * time to live and length. What is done goes to the log as PEXPIREAT, LTRIM, XTRIM in the command's own group. */
#ifndef MEMD_SERVER_NAMESPACES_H
#define MEMD_SERVER_NAMESPACES_H

#include "server/client.h"

/* Take the namespace lines of the settings; at start and when they change. */
bool namespaces_apply_conf(struct server *s, char *why);

/* Why a write may not run; NULL: it may. The text may be made in room[256]. May evict within the namespace. */
const char *namespaces_refusal(struct client *c, const struct command *cmd, size_t argc, const struct str *argv, char *room);

/* The store changed: remember the key, to be looked at when the command is over. */
void namespaces_on_change(struct server *s, const struct change *ch);

/* The command is over: give time to live, renew it, trim. Inside its group of the log. argv: the request, whose keys
 * were read (sliding). */
void namespaces_after(struct client *c, const struct command *cmd, size_t argc, const struct str *argv);

/* Slices of work in the background: retagging. True: there is more. */
bool namespaces_turn(struct server *s);

#endif
