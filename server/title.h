/* title.h -- what ps and top show: set-proc-title. */
#ifndef MEMD_SERVER_TITLE_H
#define MEMD_SERVER_TITLE_H

#include <stddef.h>

struct buf;
struct conf;

/* The memory in which the kernel looks for the command line. */
struct title {
    char *at;
    size_t n;
};

/* Take over the memory of argv and env, which is in one piece. Returns a copy of env to be used from
 * then on, which lives as long as the process; argv must not be used after title_show. */
char **title_take(struct title *t, int argc, char **argv, char **env);

/* Show what the settings say, if set-proc-title is on. */
void title_show(const struct title *t, const struct conf *c);

/* Append proc-title-template with its variables replaced, and without blanks at the end. */
void title_text(const struct conf *c, struct buf *out);

#endif
