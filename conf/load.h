/* load.h -- lines of settings into a struct conf: what files, command line and rewriting share. */
#ifndef MEMD_CONF_LOAD_H
#define MEMD_CONF_LOAD_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/error.h"

enum { INCLUDE_DEPTH_MAX = 16 };

struct loader {
    struct conf *conf;
    struct conf_error *error;
    struct arena arena; /* words of the lines */
    int depth;          /* of include */
    struct buf *errors; /* where the errors of all lines go, one a line; NULL: the first ends it */
};

void loader_init(struct loader *l, struct conf *c, struct conf_error *e);
void loader_fini(struct loader *l);

/* Take one line: nothing, a comment, or a setting with its arguments. */
enum err MUST_USE loader_line(struct loader *l, const struct place *at);

/* Take all lines of text. With `errors`, what is wrong with one is added there and the next is taken; OK in the end. */
enum err MUST_USE loader_text(struct loader *l, struct str text, const char *name);

/* Take a file; `from` is the line to blame when it cannot be read. */
enum err MUST_USE loader_file(struct loader *l, const char *path, const struct place *from);

/* Cut the next line, without its end, off *text. False: there is none. */
bool loader_next_line(struct str *text, struct str *line);

/* Remember a line for the log. */
void conf_warn(struct conf *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Remember, once for each setting, that it has no effect. */
void conf_warn_accepted(struct conf *c, const struct setting *s, const struct place *at);

#endif
