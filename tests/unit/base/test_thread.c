/* Threads that give way, stand back and come forward: what the kernel says of them. */
#include <linux/capability.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/thread.h"
#include "tests/unit/unit.h"

struct worker {
    pthread_t thread;
    sem_t ready, go;
    bool stands_back;
    int id;
    bool without_right;
};

/* Does the calling thread have CAP_SYS_NICE? It may give it up, alone of all threads. */
static bool has_capability(bool give_up)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
    bool has;

    ck_assert_int_eq(syscall(SYS_capget, &head, caps), 0);
    has = (caps[0].effective & 1U << CAP_SYS_NICE) != 0;
    if (!give_up || !has) return has;
    caps[0].effective &= ~(1U << CAP_SYS_NICE);
    ck_assert_int_eq(syscall(SYS_capset, &head, caps), 0);
    return false;
}

static void *run(void *arg)
{
    struct worker *w = arg;

    thread_give_way();
    if (w->without_right) has_capability(true);
    w->id = thread_id();
    w->stands_back = thread_stand_back();
    sem_post(&w->ready);
    sem_wait(&w->go);
    return NULL;
}

static void start(struct worker *w)
{
    sem_init(&w->ready, 0, 0);
    sem_init(&w->go, 0, 0);
    ck_assert_int_eq(thread_start(&w->thread, "memd-test", run, w), 0);
    sem_wait(&w->ready);
}

static void end(struct worker *w)
{
    sem_post(&w->go);
    pthread_join(w->thread, NULL);
}

/* The right to come forward, as far as this process may have it. */
static void set_right(rlim_t nice)
{
    struct rlimit r;

    ck_assert_int_eq(getrlimit(RLIMIT_NICE, &r), 0);
    r.rlim_cur = nice;
    ck_assert_int_eq(setrlimit(RLIMIT_NICE, &r), 0);
}

START_TEST(without_the_right_to_come_forward_a_thread_does_not_stand_back)
{
    struct worker w = { .without_right = true };

    set_right(0);
    start(&w);
    ck_assert(!w.stands_back);
    ck_assert_int_eq(sched_getscheduler(w.id), SCHED_OTHER);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)w.id), 10);
    end(&w);
}
END_TEST

START_TEST(with_it_a_thread_stands_back_and_anybody_calls_it_forward)
{
    struct worker w = { 0 };
    struct rlimit r;

    thread_prepare();
    ck_assert_int_eq(getrlimit(RLIMIT_NICE, &r), 0);
    start(&w);
    ck_assert_int_eq(w.stands_back, r.rlim_cur >= 10 || has_capability(false));
    ck_assert_int_eq(sched_getscheduler(w.id), w.stands_back ? SCHED_IDLE : SCHED_OTHER);
    thread_come_forward(w.id);
    ck_assert_int_eq(sched_getscheduler(w.id), SCHED_OTHER);
    ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)w.id), 10);
    end(&w);
    if (!w.stands_back) printf("not tried: this process has neither CAP_SYS_NICE nor RLIMIT_NICE 10, so threads do not stand back\n");
}
END_TEST

START_TEST(others_are_left_as_they_were)
{
    struct worker w = { 0 };

    thread_prepare();
    start(&w);
    ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
    end(&w);
}
END_TEST

struct holder {
    pthread_mutex_t lock;
    sem_t held;
    int id;
};

/* Gives the lock up when it has been called forward, and not before. */
static void *hold(void *arg)
{
    struct holder *h = arg;

    pthread_mutex_lock(&h->lock);
    h->id = thread_id();
    if (!thread_stand_back()) h->id = 0;
    sem_post(&h->held);
    while (sched_getscheduler(0) == SCHED_IDLE) usleep(1000);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

START_TEST(who_holds_a_lock_and_stands_back_is_called_forward)
{
    struct holder h = { .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t t;

    thread_prepare();
    sem_init(&h.held, 0, 0);
    ck_assert_int_eq(thread_start(&t, "memd-test", hold, &h), 0);
    sem_wait(&h.held);
    ck_assert(thread_lock_against(&h.lock, h.id) || h.id == 0);
    pthread_mutex_unlock(&h.lock);
    pthread_join(t, NULL);
    ck_assert(!thread_lock_against(&h.lock, 0)); /* nobody has it */
    pthread_mutex_unlock(&h.lock);
}
END_TEST

UNIT_MAIN("thread", without_the_right_to_come_forward_a_thread_does_not_stand_back,
          with_it_a_thread_stands_back_and_anybody_calls_it_forward, others_are_left_as_they_were,
          who_holds_a_lock_and_stands_back_is_called_forward)
