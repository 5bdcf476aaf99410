/* error.h -- filling a struct conf_error. */
#ifndef MEMD_CONF_ERROR_H
#define MEMD_CONF_ERROR_H

#include "conf/conf.h"

/* Where in the input. name is a file's, or "command line"; line 0 is none; text is the line. */
struct place {
    const char *name;
    unsigned line;
    struct str text;
};

/* Whether a text begins with what may be the name of a secret, mistyped perhaps. */
bool conf_looks_secret(struct str text);

/* The line, or the file, makes no sense. Returns ERR_FORMAT. */
enum err conf_error_line(struct conf_error *e, const struct place *at, const char *reason);

/* There is no setting of that name. Returns ERR_FORMAT. */
enum err conf_error_unknown(struct conf_error *e, const struct place *at, struct str name);

/* s does not accept value, for Redis's reason. asked is the name that was used. Returns ERR_FORMAT.
 */
enum err conf_error_value(struct conf_error *e, const struct place *at, const struct setting *s,
                          const char *asked, struct str value, struct str reason);

/* The file cannot be read; number is an errno. Returns ERR_IO. */
enum err conf_error_file(struct conf_error *e, const struct place *at, const char *path,
                         int number);

#endif
