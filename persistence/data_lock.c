#include "persistence/data_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "persistence/why.h"

/* Who holds the lock: three lines. The number alone says nothing when directories are shared between
 * machines. */
struct holder {
    char pid[24], host[HOST_NAME_MAX + 1], boot[40];
};

static void take_line(const char **at, char *to, size_t room)
{
    size_t n = strcspn(*at, "\n");

    if (n >= room) n = room - 1;
    memcpy(to, *at, n);
    to[n] = '\0';
    *at += strcspn(*at, "\n");
    if (**at == '\n') (*at)++;
}

/* What fd holds, as a text in out[room]. */
static void read_text(int fd, char *out, size_t room)
{
    size_t at = 0;
    ssize_t n = 1;

    while (n != 0 && at < room - 1) {
        n = pread(fd, out + at, room - 1 - at, (off_t)at);
        if (n < 0 && errno != EINTR) break;
        if (n > 0) at += (size_t)n;
    }
    out[at] = '\0';
}

static void read_boot_id(char *id, size_t room)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    id[0] = '\0';
    if (fd >= 0) read_text(fd, id, room);
    id[strcspn(id, "\n")] = '\0';
    if (fd >= 0) close(fd);
}

static void describe_us(struct holder *h)
{
    *h = (struct holder){ 0 };
    snprintf(h->pid, sizeof h->pid, "%ld", (long)getpid());
    if (gethostname(h->host, sizeof h->host - 1) != 0) strcpy(h->host, "unknown");
    read_boot_id(h->boot, sizeof h->boot);
}

static void read_holder(int fd, struct holder *h)
{
    char text[sizeof *h + 1];
    const char *at = text;

    *h = (struct holder){ 0 };
    read_text(fd, text, sizeof text);
    take_line(&at, h->pid, sizeof h->pid);
    take_line(&at, h->host, sizeof h->host);
    take_line(&at, h->boot, sizeof h->boot);
}

/* That it cannot be written is no reason not to start: the lock holds all the same. */
static void write_holder(int fd)
{
    struct holder us;
    char text[sizeof us + 4];
    ssize_t done;
    int n, at = 0;

    describe_us(&us);
    n = snprintf(text, sizeof text, "%s\n%s\n%s\n", us.pid, us.host, us.boot);
    if (ftruncate(fd, 0) != 0) return;
    while (at < n) {
        done = pwrite(fd, text + at, (size_t)(n - at), at);
        if (done == 0 || (done < 0 && errno != EINTR)) return;
        if (done > 0) at += (int)done;
    }
}

static enum err refuse_second(const struct data_lock *l, const char *dir, char *why)
{
    struct holder other, us;

    read_holder(l->file, &other);
    describe_us(&us);
    if (other.pid[0] == '\0') strcpy(other.pid, "unknown");
    if (other.boot[0] == '\0' || strcmp(other.boot, us.boot) == 0) strcpy(other.host, "this machine");
    return why_put(why, ERR_NOT_DONE, "The data directory %s is in use by another daemon: process %s on %s holds "
                   "%s/LOCK. Stop that one first, or give this one a directory of its own (dir)", dir, other.pid,
                   other.host, dir);
}

static enum err cannot_lock(const char *dir, int error, char *why)
{
    if (error == ENOLCK || error == EOPNOTSUPP || error == ENOSYS || error == EINVAL) {
        return why_put(why, ERR_IO, "%s/LOCK: %s: this file system cannot lock files, so a second daemon on it would "
                       "not be noticed. Mount it with locks (NFS: without nolock, and with its lock service "
                       "running), or choose another directory (dir)", dir, strerror(error));
    }
    return why_put(why, ERR_IO, "%s/LOCK: %s", dir, strerror(error));
}

static enum err cannot_open(const char *dir, int error, char *why)
{
    if (error == EROFS || error == EACCES || error == EPERM) {
        return why_put(why, ERR_IO, "%s/LOCK: %s: memd must be able to write in its data directory. Change its owner "
                       "or its mount, or choose another (dir)", dir, strerror(error));
    }
    return why_put(why, ERR_IO, "%s/LOCK: %s", dir, strerror(error));
}

static int lock(int fd)
{
    int r;

    do {
        r = flock(fd, LOCK_EX | LOCK_NB);
    } while (r != 0 && errno == EINTR);
    return r;
}

static enum err take(struct data_lock *l, const char *dir, const char *path, char *why)
{
    l->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (l->file == -1) return cannot_open(dir, errno, why);
    if (lock(l->file) != 0) return errno == EWOULDBLOCK ? refuse_second(l, dir, why) : cannot_lock(dir, errno, why);
    /* Not every file system locks directories: then the file has to do. */
    l->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir != -1 && lock(l->dir) != 0 && errno == EWOULDBLOCK) return refuse_second(l, dir, why);
    write_holder(l->file);
    return OK;
}

/* Was it a process of this machine that is no more? */
static bool holder_is_gone(const struct data_lock *l)
{
    struct holder other, us;
    char *end;
    long pid;

    read_holder(l->file, &other);
    describe_us(&us);
    pid = strtol(other.pid, &end, 10);
    if (end == other.pid || *end != '\0' || pid <= 0 || pid > INT_MAX) return false;
    return strcmp(other.boot, us.boot) == 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A process that was killed while it started another one (RESTART) leaves its descriptors to that until it executes its
 * program: for this moment the lock is held by nobody. */
static enum err take_from_the_dead(struct data_lock *l, const char *dir, const char *path, char *why)
{
    enum { PATIENCE_US = 10000000, LOOK_US = 2000 };
    int64_t until = clock_mono_us() + PATIENCE_US;
    enum err e;

    while ((e = take(l, dir, path, why)) == ERR_NOT_DONE && holder_is_gone(l) && clock_mono_us() < until) {
        data_lock_release(l);
        usleep(LOOK_US);
    }
    return e;
}

static bool is_same(int fd, const char *path)
{
    struct stat a, b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Locking what is locked by the same open file is no conflict. */
static bool keep(const struct data_lock *held, const char *dir, const char *path)
{
    if (held->file == -1 || !is_same(held->file, path) || lock(held->file) != 0) return false;
    return held->dir == -1 || (is_same(held->dir, dir) && lock(held->dir) == 0);
}

enum err data_lock_take(struct data_lock *l, const struct data_lock *held, const char *dir, char *why)
{
    char path[PATH_MAX];
    enum err e;

    *l = held ? *held : (struct data_lock){ -1, -1 };
    if (snprintf(path, sizeof path, "%s/LOCK", dir) >= (int)sizeof path) {
        data_lock_release(l);
        return why_put(why, ERR_IO, "%s: %s", dir, strerror(ENAMETOOLONG));
    }
    if (held && keep(held, dir, path)) {
        write_holder(l->file);
        return OK;
    }
    data_lock_release(l); /* of another directory, or of one that has been replaced */
    e = take_from_the_dead(l, dir, path, why);
    if (e != OK) data_lock_release(l);
    return e;
}

void data_lock_copy(const struct data_lock *l, struct data_lock *to)
{
    to->file = l->file == -1 ? -1 : fcntl(l->file, F_DUPFD_CLOEXEC, 0);
    to->dir = l->dir == -1 ? -1 : fcntl(l->dir, F_DUPFD_CLOEXEC, 0);
}

void data_lock_release(struct data_lock *l)
{
    if (l->file != -1) close(l->file);
    if (l->dir != -1) close(l->dir);
    *l = (struct data_lock){ -1, -1 };
}
