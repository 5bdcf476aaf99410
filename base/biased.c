#include "base/biased.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ensure.h"

static bool barrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

void biased_init(struct biased *b)
{
    b->fenced = !barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

/* It steps back, since it may be waited for, and queues with the others: who has the mutex and wants nothing is alone. */
void biased_enter_slowly(struct biased *b)
{
    biased_leave(b);
    pthread_mutex_lock(&b->others);
    atomic_store(&b->inside, true);
    pthread_mutex_unlock(&b->others);
}

void biased_lock(struct biased *b)
{
    pthread_mutex_lock(&b->others);
    atomic_store(&b->wanted, true);
    if (!b->fenced) ensure(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
    while (atomic_load(&b->inside)) sched_yield();
}

void biased_unlock(struct biased *b)
{
    atomic_store_explicit(&b->wanted, false, memory_order_release);
    pthread_mutex_unlock(&b->others);
}
