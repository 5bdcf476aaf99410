/* server_conf.h -- settings in the words of the parts below, and put to work: for server*.c alone. What others call,
 * when settings change, is in server.h. */
#ifndef MEMD_SERVER_SERVER_CONF_H
#define MEMD_SERVER_SERVER_CONF_H

#include "server/server.h"

/* What the store and persistence need of the settings. The texts of the latter are borrowed from c. */
struct store_conf server_store_conf(const struct conf *c);
struct persist_conf server_persist_conf(const struct conf *c);

/* Raise the limit of open files to what maxclients needs; where the system does not allow that, maxclients is lowered, and
 * the log told. */
void server_limit_clients(struct server *s);

/* CONFIG SET of pairs (config_cmd.c): replies, and gives the code for a handler to return. */
enum err server_config_set(struct call *c, const struct str *pairs, size_t n);

/* Put those settings to work of which nothing can fail. */
void server_apply_plain(struct server *s);

#endif
