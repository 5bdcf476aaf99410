/* data_lock.h -- one daemon to a data directory.
 *
 * The lock is the system's (flock), so it goes with the process, however that ends: a file LOCK that is
 * left behind hinders nobody, and neither does another process that has the same number now. Two things
 * are locked: the file LOCK, which says in words who holds it, and the directory itself, so that deleting
 * the file lets no second daemon in. */
#ifndef MEMD_PERSISTENCE_DATA_LOCK_H
#define MEMD_PERSISTENCE_DATA_LOCK_H

#include "base/ensure.h"
#include "base/err.h"

struct data_lock {
    int file, dir; /* descriptors, -1: none */
};

/* held: a lock that this process has already, of before it became this program (RESTART), or NULL. Its descriptors are
 * ours from now on: kept when they lock this directory, closed else.
 * Waits for ten seconds at most, for the machine may be busy, where the process that LOCK names is no more, and what it began still holds it.
 * ERR_NOT_DONE: somebody else has it; ERR_IO: it cannot be had. Nothing is held then, and why[PERSIST_WHY]
 * says who or what is the matter. */
enum err MUST_USE data_lock_take(struct data_lock *l, const struct data_lock *held, const char *dir, char *why);

/* Hold it twice: it stays until both are released. */
void data_lock_copy(const struct data_lock *l, struct data_lock *to);

void data_lock_release(struct data_lock *l);

#endif
