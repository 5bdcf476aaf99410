/* tables.h -- the tables that the files of this folder define; each ends with a zeroed row. */
#ifndef MEMD_COMMANDS_TABLES_H
#define MEMD_COMMANDS_TABLES_H

#include "commands/command.h"

#endif
