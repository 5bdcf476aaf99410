/* libraries.h -- the versions of the libraries that this process runs with: those that were found when it started, not
 * those that it was built with. */
#ifndef MEMD_SERVER_LIBRARIES_H
#define MEMD_SERVER_LIBRARIES_H

struct buf;

/* Append "libevent=2.1.12-stable,sqlite=3.40.1,...": one line, in no more than 256 bytes. */
void libraries_describe(struct buf *b);

#endif
