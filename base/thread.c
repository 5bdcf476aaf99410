#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

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
        return "too many processes and threads, or too little memory. memd needs four of its own: see ulimit -u, "
               "TasksMax= of systemd, pids.max of the control group";
    }
    return strerror(error);
}
