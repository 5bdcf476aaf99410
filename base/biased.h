/* biased.h -- a lock that costs one thread next to nothing.
 *
 * The owner, which takes it all the time, says that it is inside and looks whether somebody else wants in: two words of
 * memory, no atomic operation. The others take a mutex among themselves, say that they want in, and make sure by a call of the
 * kernel (membarrier) that the owner sees it, or that they see the owner: some microseconds, which those pay who come
 * rarely. Where the kernel has no such call the owner pays a fence. */
#ifndef MEMD_BASE_BIASED_H
#define MEMD_BASE_BIASED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct biased {
    pthread_mutex_t others;
    _Atomic bool wanted; /* by the one that has `others` */
    _Atomic bool inside; /* the owner is */
    bool fenced;         /* there is no membarrier: the owner makes the fence itself */
};

#define BIASED_INITIALIZER { .others = PTHREAD_MUTEX_INITIALIZER, .fenced = true }

/* Once, by the owner, before there are other threads. Not needed for it to work, but for it to be cheap. */
void biased_init(struct biased *b);

/* The owner alone, and briefly: nothing in between may wait for another thread. */
static inline void biased_leave(struct biased *b)
{
    atomic_store_explicit(&b->inside, false, memory_order_release);
}
void biased_enter_slowly(struct biased *b);
static inline void biased_enter(struct biased *b)
{
    if (b->fenced) atomic_store(&b->inside, true);
    else atomic_store_explicit(&b->inside, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst); /* the compiler keeps the order, membarrier sees to the processor */
    if (__builtin_expect(atomic_load(&b->wanted), false)) biased_enter_slowly(b);
}

/* Everybody else; one at a time, and never while the owner is inside. */
void biased_lock(struct biased *b);
void biased_unlock(struct biased *b);

#endif
