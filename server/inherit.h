/* inherit.h -- descriptors that were open before memd began.
 *
 * Two give us some:
 *   a supervisor   that listens for us (memd.socket), in systemd's way (sd_listen_fds): LISTEN_PID is our process,
 *                  LISTEN_FDS says how many there are from 3 on, LISTEN_FDNAMES names them, with colons between.
 *                  Any name will do; "tls" is a socket that speaks TLS.
 *   memd itself    before RESTART (restart.h): MEMD_INHERIT is our process, then name=descriptor, with colons
 *                  between. They stay at their numbers, so that nothing has to be undone when execve fails.
 * What nobody takes is closed before clients are served. */
#ifndef MEMD_SERVER_INHERIT_H
#define MEMD_SERVER_INHERIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct log;

#define INHERIT_TCP "memd-tcp"
#define INHERIT_UNIX "memd-unix"
#define INHERIT_LOCK "memd-lock"         /* the data directory's file LOCK, locked */
#define INHERIT_LOCK_DIR "memd-lock-dir" /* and the directory itself */
#define INHERIT_OOM "memd-oom"           /* /proc/self/oom_score_adj: a sandbox does not let it be opened for writing */
#define INHERIT_PASSED "memd-passed"     /* a socket that a supervisor had given us */
#define INHERIT_PASSED_TLS "memd-passed-tls"

enum { INHERIT_MAX = 64 };

struct inherited {
    int fd; /* -1: taken */
    char name[64];
};

struct inheritance {
    struct inherited items[INHERIT_MAX];
    size_t n;
    bool restarted; /* they come of memd itself: this start is the second half of a RESTART */
};

/* Look what there is, mark each descriptor close-on-exec, and take these variables out of env, whose other entries
 * stay in their order. Variables for another process, or that make no sense, give nothing. */
void inherit_open(struct inheritance *in, char **env);

/* Close what was not taken. */
void inherit_close(struct inheritance *in);

/* A listening stream socket of this family and address, named exactly so: it is the caller's now. -1: none. The length
 * tells an address that is a path. */
int inherit_listener(struct inheritance *in, const char *name, const struct sockaddr *a, socklen_t n);

/* Close memd's own TCP sockets of this family and port that nobody has taken: one that listens on all addresses keeps
 * single ones from being bound, and the other way round. */
void inherit_drop(struct inheritance *in, const struct sockaddr *a);

/* The next listening stream socket that is not memd's own: the caller's now, switched to non-blocking. *family and *tls
 * say what it is. -1: no more. What is no such socket is closed, with a line in the log. */
int inherit_foreign(struct inheritance *in, struct log *log, int *family, bool *tls);

/* The descriptor of this name, the caller's now. -1: none. */
int inherit_named(struct inheritance *in, const char *name);

/* Give one to the program that this one is about to become, under this name: it belongs to in now. */
void inherit_give(struct inheritance *in, int fd, const char *name);

/* Before execve: let what was given survive it, and put the variable that tells of it into out[INHERIT_ENV]. */
enum { INHERIT_ENV = 96 * INHERIT_MAX };
void inherit_pass(const struct inheritance *in, char *out);

/* execve has failed: nothing is passed on, and all is there to be taken again. */
void inherit_keep(struct inheritance *in);

#endif
