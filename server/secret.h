/* secret.h -- which arguments are never shown in MONITOR, SLOWLOG or a log, and do not stay in buffers. */
#ifndef MEMD_SERVER_SECRET_H
#define MEMD_SERVER_SECRET_H

#include "commands/command.h"

/* True when argument i of a request holds a password or may do so. */
bool secret_argument(const struct command *cmd, size_t argc, const struct str *argv, size_t i);

/* False when no argument of cmd can. */
bool secret_possible(const struct command *cmd);

/* Commands without one of these flags have none, but for MIGRATE. */
enum { SECRET_FLAGS = CMD_NO_AUTH | CMD_ADMIN };

/* Overwrite those arguments. */
void secret_wipe(const struct command *cmd, size_t argc, const struct str *argv);

#endif
