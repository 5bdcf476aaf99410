/* sandbox.h -- memd keeps to its own files: Landlock, by the kernel, for good and for all that it executes.
 *
 * What memd changes while it runs is in the directories of its data, log, pidfile, Unix socket, users and settings. In
 * all of the rest it can create, change, remove and execute nothing, whoever it runs as; with `sandbox yes` neither can it
 * read anything there, but what libraries need (names, time zones, certificates). Files that are open already, and the
 * network, are not affected. Programs can be executed only for RESTART: those that lie where memd's own does.
 *
 * `sandbox auto` stays off where the kernel cannot do it, and under AddressSanitizer, which writes and executes as it
 * likes. */
#ifndef MEMD_SERVER_SANDBOX_H
#define MEMD_SERVER_SANDBOX_H

#include <stdbool.h>

struct conf;
struct log;

/* Before any thread is started. env names files too (MEMD_PASSWORD_FILE, CREDENTIALS_DIRECTORY); program is what RESTART
 * executes. False: sandbox is yes and cannot be had: it is in the log why. */
bool sandbox_enter(const struct conf *conf, char *const *env, const char *program, struct log *log);

#endif
