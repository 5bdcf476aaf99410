/* tools.h -- memd --check, --repair and --restore-to: what is done to files without serving them. The arguments are
 * those behind the option; the result is the exit code, 0 when all is well. */
#ifndef MEMD_SERVER_TOOLS_H
#define MEMD_SERVER_TOOLS_H

/* FILE|DIR: 1 when something is damaged or torn. */
int tools_check(int argc, char **argv);

/* DIR [--salvage] and what memd itself takes: 0 when DIR loads now. */
int tools_repair(int argc, char **argv, char **env);

/* TIME DIR NEWDIR */
int tools_restore(int argc, char **argv);

#endif
