/* rows.h -- what the rows of commands about clients and the server have in common. */
#ifndef MEMD_SERVER_ROWS_H
#define MEMD_SERVER_ROWS_H

#include "commands/command.h"

/* The leading fields of a row. */
#define ROW(n, fn, ar, fl, gr, si, co, text) \
    .name = (n), .run = (fn), .arity = (ar), .flags = (fl), .group = (gr), .since = (si), \
    .complexity = (co), .summary = (text)

/* A container of subcommands. */
#define CONTAINER(n, gr, si, text, rows) \
    .name = (n), .arity = -2, .group = (gr), .since = (si), \
    .complexity = "Depends on the subcommand", .summary = (text), .subs = (rows)

#endif
