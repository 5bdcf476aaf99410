/* tables.h -- the commands about clients and the server, by file. */
#ifndef MEMD_SERVER_TABLES_H
#define MEMD_SERVER_TABLES_H

#include "commands/command.h"

/* Ends with NULL; each table ends with a zeroed row. */
extern const struct command *const server_tables[];

#endif
