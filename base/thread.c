#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int thread_start(pthread_t *t, void *(*fn)(void *arg), void *arg)
{
    sigset_t all, was;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    error = pthread_create(t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    return error;
}

const char *thread_why(int error)
{
    if (error == EAGAIN) {
        return "too many processes and threads, or too little memory. memd needs four of its own, and four more with an "
               "archive: see ulimit -u, TasksMax= of systemd, pids.max of the control group";
    }
    return strerror(error);
}

/* What sched_setattr(2) takes. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* All of it is a thread's own. */
void thread_give_way(void)
{
    enum { NICE = 10, SLICE_NS = 100000000 };
    struct scheduling a = { .size = sizeof a, .policy = SCHED_OTHER, .nice = NICE, .runtime = SLICE_NS };

    if (syscall(SYS_sched_setattr, 0, &a, 0) != 0) { /* then they share evenly */ }
}
