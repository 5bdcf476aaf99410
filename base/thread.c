#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
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

enum { NICE = 10, NICE_RIGHT = 20 - NICE /* as RLIMIT_NICE counts */, SLICE_NS = 100000000 };

/* All of it is a thread's own. False: refused (a filter of system calls); it goes on as it was. */
static bool schedule(int id, uint32_t policy)
{
    struct scheduling a = { .size = sizeof a, .policy = policy, .nice = NICE, .runtime = SLICE_NS };

    return syscall(SYS_sched_setattr, id, &a, 0) == 0;
}

void thread_give_way(void)
{
    schedule(0, SCHED_OTHER);
}

void thread_prepare(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NICE, &r) != 0 || r.rlim_cur >= NICE_RIGHT) return;
    if (r.rlim_max < NICE_RIGHT) r.rlim_max = NICE_RIGHT;
    r.rlim_cur = NICE_RIGHT;
    if (setrlimit(RLIMIT_NICE, &r) != 0) { /* thread_stand_back looks */ }
}

int thread_id(void)
{
    return (int)syscall(SYS_gettid);
}

bool thread_stand_back(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NICE, &r) != 0 || r.rlim_cur < NICE_RIGHT) return false;
    return schedule(0, SCHED_IDLE);
}

void thread_come_forward(int id)
{
    schedule(id, SCHED_OTHER);
}
