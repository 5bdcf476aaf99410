#include "base/thread.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

void thread_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static struct timespec from_now(int64_t us)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(us % 1000000) * 1000;
    t.tv_sec += us / 1000000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

bool thread_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t us)
{
    struct timespec until = from_now(us);

    return pthread_cond_timedwait(c, lock, &until) != ETIMEDOUT;
}

/* --- a stack for signals --------------------------------------------------------------------------------- */

enum { SIGNAL_STACK = 64 << 10, GUARD = 4096 }; /* what lies below it is not to be overrun */

static void *signal_stack_new(void)
{
    char *p = mmap(NULL, SIGNAL_STACK + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t st = { .ss_sp = p + GUARD, .ss_size = SIGNAL_STACK };

    if (p == MAP_FAILED) return NULL; /* then there is none */
    mprotect(p, GUARD, PROT_NONE);
    sigaltstack(&st, NULL);
    return p;
}

static void signal_stack_free(void *p)
{
    stack_t none = { .ss_flags = SS_DISABLE };

    if (p == NULL) return;
    sigaltstack(&none, NULL);
    munmap(p, SIGNAL_STACK + GUARD);
}

void thread_signal_stack(void)
{
    stack_t st;

    if (sigaltstack(NULL, &st) == 0 && (st.ss_flags & SS_DISABLE)) signal_stack_new();
}

/* --- starting ---------------------------------------------------------------------------------------------- */

struct start {
    void *(*fn)(void *arg);
    void *arg;
    const char *name;
};

static void *run(void *p)
{
    struct start s = *(struct start *)p;
    void *stack, *result;

    mem_free(p);
    pthread_setname_np(pthread_self(), s.name);
    stack = signal_stack_new();
    result = s.fn(s.arg);
    signal_stack_free(stack);
    return result;
}

/* Whatever ulimit -s says: LZF alone keeps half a megabyte there, and SQLite what a statement nests. What is not
 * used costs addresses only. */
enum { STACK_BYTES = 2 << 20 };

int thread_start(pthread_t *t, const char *name, void *(*fn)(void *arg), void *arg)
{
    struct start *s = mem_alloc(sizeof *s);
    static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }; /* else it would die without a word */
    sigset_t others, was;
    pthread_attr_t attr;
    int error;

    *s = (struct start){ fn, arg, name };
    sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&others, own[i]);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &others, &was);
    error = pthread_create(t, &attr, run, s);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    pthread_attr_destroy(&attr);
    if (error != 0) mem_free(s);
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

enum { NICE = 10, NICE_RIGHT = 20 - NICE /* as RLIMIT_NICE counts */, SLICE_NS = 100000000, COME_US = 1000 };

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

static bool may_come_forward(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    struct rlimit r;

    if (getrlimit(RLIMIT_NICE, &r) == 0 && r.rlim_cur >= NICE_RIGHT) return true;
    return syscall(SYS_capget, &head, caps) == 0 && (caps[0].effective & 1U << CAP_SYS_NICE) != 0;
}

bool thread_stand_back(void)
{
    if (!may_come_forward()) return false;
    return schedule(0, SCHED_IDLE);
}

void thread_come_forward(int id)
{
    schedule(id, SCHED_OTHER);
}

bool thread_lock_against(pthread_mutex_t *lock, int id)
{
    struct timespec until;

    if (pthread_mutex_trylock(lock) == 0) return false;
    do {
        thread_come_forward(id); /* again each time: it may have stood back since */
        until = from_now(COME_US);
    } while (pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until) != 0);
    return true;
}
