/* tables.c -- every table of commands on keys. A new file of commands adds its line here. */
#include "commands/tables.h"

const struct command *const command_tables[] = {
    NULL,
};
