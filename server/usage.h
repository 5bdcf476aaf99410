/* usage.h -- what can stand on memd's command line, for --help and for memd(1). */
#ifndef MEMD_SERVER_USAGE_H
#define MEMD_SERVER_USAGE_H

struct buf;

/* Append the text of --help. */
void usage_help(struct buf *out);

/* Append memd(1) (section 1) or memd.conf(5) (section 5) for man(1). */
void usage_man(struct buf *out, int section);

#endif
