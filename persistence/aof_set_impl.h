/* aof_set_impl.h -- struct aof_set, for aof_set.c and aof_sweep.c alone. */
#ifndef MEMD_PERSISTENCE_AOF_SET_IMPL_H
#define MEMD_PERSISTENCE_AOF_SET_IMPL_H

#include <pthread.h>

#include "persistence/aof_set.h"

struct aof_set {
    const struct file_ops *ops;
    struct log *log;
    char *parent, *dir, *filename, *manifest_name;
    pthread_mutex_t lock;
    struct manifest m;
    uint64_t base_offset; /* of the base committed last */
};

/* Sequence numbers up to these are never given again. */
void aof_set_pass(struct aof_set *s, uint64_t incr_seq, uint64_t base_seq);

/* Delete a file of the directory; not to be able to is told. */
void aof_set_unlink(struct aof_set *s, const char *name);

/* Delete the history, but for the previous generation when that is to be kept, and forget it: in this order, so
 * that a crash leaves no file that nobody knows of. Not to be able to is no failure of what went before. */
void aof_set_clean(struct aof_set *s, bool keep);

#endif
