/* check_config.h -- memd --check-config: would memd start with this file? */
#ifndef MEMD_SERVER_CHECK_CONFIG_H
#define MEMD_SERVER_CHECK_CONFIG_H

#include <stdbool.h>

struct buf;
struct conf;

/* Append all that is wrong with the file, a line each, with what would do (the settings, and the files and users that
 * they name), and what is right but may not be meant, with "warning:"; in the end a line that says whether it is good,
 * which is returned. Nothing is opened for writing, and nothing is made. */
bool check_config(const char *path, struct buf *report);

/* The same for what settings name that are loaded already, from wherever they came; without where they say to listen
 * (check_listen.h), and without the line in the end. */
bool check_settings(const struct conf *conf, struct buf *report);

#endif
