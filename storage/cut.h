/* cut.h -- what store.c needs of the snapshot cut; its public face is in store.h. */
#ifndef MEMD_STORAGE_CUT_H
#define MEMD_STORAGE_CUT_H

struct store;

/* A table is about to go as a whole: a snapshot in progress can no longer be finished. */
void cut_break(struct store *s);

#endif
