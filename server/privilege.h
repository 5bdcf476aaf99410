/* privilege.h -- what the process may do, and gives up before it serves anybody.
 *
 * The order, in main.c, before any thread is started (what is given up here is a thread's own, and new threads have what
 * their maker has):
 *   privilege_enter   what only root can do is done: limits, sockets of low ports, pidfile, oom score. Then it becomes
 *                     the user of run-as, for good. Without run-as root stays root, but keeps only the capabilities that
 *                     have to do with its files, ports and limits.
 *   log_open          as that user
 *   sandbox_enter     sandbox.h */
#ifndef MEMD_SERVER_PRIVILEGE_H
#define MEMD_SERVER_PRIVILEGE_H

#include <stdbool.h>

struct conf;
struct inheritance;
struct log;

enum { PRIVILEGE_WHY = 512 };

struct privilege {
    int pidfile;    /* open for writing; -1: none, and pidfile_error is the errno */
    int pidfile_error;
    int oom;        /* /proc/self/oom_score_adj; -1: there is none */
    int oom_at_start;
    bool oom_changed;
    bool is_root;   /* still */
};

/* False: why[PRIVILEGE_WHY] says what could not be done; memd must not start. Sockets go into in (inherit.h). */
bool privilege_enter(struct privilege *p, const struct conf *conf, struct inheritance *in, char *why);

/* Are the user and group of run-as, which is set, known here? False: why[PRIVILEGE_WHY] says what is not. */
bool privilege_knows(const struct conf *conf, char *why);

/* Become the user of run-as, if it is set, for good: for a process that is there to find out what he may do. */
bool privilege_try(const struct conf *conf, char *why);

/* Warnings for the log, which is open only now. */
void privilege_tell(const struct privilege *p, const struct conf *conf, struct log *log);

/* The pidfile: our number into it; at the end, away with it. As in Redis no reason not to start. */
void privilege_write_pid(const struct privilege *p, const struct conf *conf, struct log *log);
void privilege_remove_pid(const struct conf *conf);

/* oom-score-adj and its values, as they are now; off: as it was at the start. False: the kernel refuses, errno. */
bool privilege_oom(struct privilege *p, const struct conf *conf);

/* For RESTART: the score as it was at the start, and what the next life cannot open. */
void privilege_give(struct privilege *p, struct inheritance *in);

void privilege_close(struct privilege *p);

#endif
