/* log.c -- a line is one write, so that lines of several threads do not mix and no lock is needed.
 * The file is reopened under the same descriptor, for the same reason. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/log_line.h"
#include "base/log_syslog.h"
#include "base/mem.h"

enum { OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, CROWDS = 16 };

/* Lines of one kind in one second (log_limited). */
struct crowd {
    const char *fmt;
    int64_t second;
    unsigned n, left_out;
};

struct log {
    int fd;
    char *path;        /* NULL for stdout */
    _Atomic int level; /* of enum log_level */
    _Atomic int format, stamp; /* of their enums */
    _Atomic bool torn;         /* the last line was written in part */
    _Atomic bool read_by;      /* somebody reads what is written (a pipe, the journal's socket), and may stop to */
    _Atomic unsigned lost;     /* lines, since he did */
    _Atomic bool hides_data;
    struct log_syslog syslog;
    pthread_mutex_t crowds_lock;
    struct crowd crowds[CROWDS];
};

/* A descriptor for path; stdout, too, gets one of its own. */
static int open_at(const char *path)
{
    if (path == NULL || path[0] == '\0') return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return open(path, OPEN_FLAGS, 0644);
}

static bool is_read_by(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static char *path_of(const char *path)
{
    return path == NULL || path[0] == '\0' ? NULL : mem_dup(path, strlen(path) + 1);
}

struct log *log_open(const char *path, enum log_level level)
{
    int fd = open_at(path);

    if (fd < 0) {
        fprintf(stderr, "Can't open the log file %s: %s\n", path && path[0] ? path : "(stdout)", strerror(errno));
        return NULL;
    }
    struct log *l = mem_zalloc(sizeof *l);

    l->fd = fd;
    l->path = path_of(path);
    l->level = level;
    l->read_by = is_read_by(fd);
    log_syslog_init(&l->syslog);
    pthread_mutex_init(&l->crowds_lock, NULL);
    return l;
}

void log_set_level(struct log *l, enum log_level level)
{
    l->level = level;
}

void log_set_format(struct log *l, enum log_format format, enum log_stamp stamp)
{
    l->format = format;
    l->stamp = stamp;
}

void log_hide_data(struct log *l, bool hide)
{
    atomic_store(&l->hides_data, hide);
}

struct str log_shown(const struct log *l, struct str data)
{
    return l != NULL && atomic_load(&l->hides_data) ? STR("(hidden)") : data;
}

/* Other threads write meanwhile: the descriptor stays, what it stands for changes. */
static bool point_at(struct log *l, const char *path)
{
    int fd = open_at(path);

    if (fd < 0) return false;
    bool moved = dup3(fd, l->fd, O_CLOEXEC) >= 0;

    if (moved) l->read_by = is_read_by(fd);
    close(fd);
    return moved;
}

bool log_has_file(const struct log *l)
{
    return l->path != NULL;
}

bool log_reopen(struct log *l)
{
    return l->path == NULL || point_at(l, l->path);
}

bool log_move(struct log *l, const char *path)
{
    char *was = l->path;

    if (!point_at(l, path)) return false;
    l->path = path_of(path);
    mem_free(was);
    return true;
}

int log_fd(const struct log *l)
{
    return l ? l->fd : -1;
}

bool log_is_json(const struct log *l)
{
    return l != NULL && l->format == LOG_FORMAT_JSON;
}

void log_leave_syslog(struct log *l)
{
    log_syslog_close(&l->syslog);
}

void log_to_syslog(struct log *l, const char *path, const char *ident, int facility)
{
    if (log_syslog_open(&l->syslog, path, ident, facility)) return;
    log_warning(l, "Can't reach syslog at %s: %s. Lines go there as soon as it can be reached.", path, strerror(errno));
}

/* Whoever reads the log may be stopped or hang: memd must not hang with him. He is waited for once, and then looked
 * after before each line. A pipe that says it has room takes PIPE_BUF bytes without waiting; no line is longer. */
static bool has_room(struct log *l)
{
    struct pollfd p = { .fd = l->fd, .events = POLLOUT };
    char text[80];
    unsigned lost;
    int n;

    if (poll(&p, 1, l->lost ? 0 : LOG_READER_MS) == 0) {
        l->lost++;
        return false;
    }
    lost = atomic_exchange(&l->lost, 0);
    n = snprintf(text, sizeof text, "(%u lines of the log were lost: nobody read them)\n", lost);
    if (lost > 0 && write(l->fd, text, (size_t)n) != n) l->lost = lost;
    return true;
}

/* A line that was cut off by a full disk must not swallow the next one. */
static void send_line(struct log *l, const char *p, size_t n)
{
    bool torn = atomic_exchange(&l->torn, false);
    size_t from = n;

    if (l->read_by && !has_room(l)) {
        l->torn = torn;
        return;
    }

    if (torn && write(l->fd, "\n", 1) != 1) {
        l->torn = true;
        return;
    }
    while (n > 0) {
        ssize_t done = write(l->fd, p, n);

        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) break; /* there is nobody to tell */
        p += done;
        n -= (size_t)done;
    }
    if (n > 0 && n < from) l->torn = true;
}

static void write_line(struct log *l, enum log_level level, struct str message)
{
    struct log_record r = { .level = level, .format = l->format, .stamp = l->stamp, .pid = (int)getpid(),
                            .message = message };
    char line[LOG_LINE_MAX];

    gettimeofday(&r.now, NULL);
    send_line(l, line, log_line_put(line, &r));
    if (!atomic_load(&l->syslog.on)) return;
    log_line_message(line, message);
    log_syslog_say(&l->syslog, level, &r.now, r.pid, line);
}

static void format_line(struct log *l, enum log_level level, const char *fmt, va_list ap)
{
    char message[LOG_MESSAGE_MAX];
    int n = vsnprintf(message, sizeof message, fmt, ap);

    if (n < 0) n = 0;
    if ((size_t)n >= sizeof message) n = (int)sizeof message - 1;
    write_line(l, level, str_of(message, (size_t)n));
}

static bool is_wanted(const struct log *l, enum log_level level)
{
    return l != NULL && (int)level >= l->level && level < LOG_NOTHING;
}

void log_line(struct log *l, enum log_level level, const char *fmt, ...)
{
    int error = errno; /* a log line must not disturb its caller */
    va_list ap;

    if (!is_wanted(l, level)) return;
    va_start(ap, fmt);
    format_line(l, level, fmt, ap);
    va_end(ap);
    errno = error;
}

/* --- lines that strangers can cause ---------------------------------------------------------------------- */

/* The place of fmt, or of one that has nothing to tell any more: those who come too late are not limited. */
static struct crowd *crowd_of(struct log *l, const char *fmt, int64_t now_s)
{
    struct crowd *free = NULL;

    for (size_t i = 0; i < CROWDS; i++) {
        struct crowd *c = &l->crowds[i];

        if (c->fmt == fmt) return c;
        if (c->left_out == 0 && c->second != now_s) free = c;
    }
    if (free) *free = (struct crowd){ .fmt = fmt };
    return free;
}

/* fmt as people read it: with three dots where something is put in. */
static void show_format(const char *fmt, char *to, size_t size)
{
    size_t n = 0;

    while (*fmt != '\0' && n + sizeof "..." <= size) {
        if (*fmt != '%') {
            to[n++] = *fmt++;
            continue;
        }
        fmt += 1 + strspn(fmt + 1, "-+ #.*0123456789hljzt");
        for (const char *put = *fmt == '%' ? "%" : "..."; *put != '\0'; put++) to[n++] = *put;
        if (*fmt != '\0') fmt++;
    }
    to[n] = '\0';
}

static void tell_left_out(struct log *l, struct crowd *c)
{
    char text[160], shown[84];
    int n;

    if (c->left_out == 0) return;
    show_format(c->fmt, shown, sizeof shown);
    n = snprintf(text, sizeof text, "%u more lines like \"%s\" were left out.", c->left_out, shown);
    c->left_out = 0;
    write_line(l, LOG_WARNING, str_of(text, (size_t)n));
}

/* Is there room for one more of fmt in this second? */
static bool may_come(struct log *l, const char *fmt, int64_t now_s)
{
    struct crowd *c = crowd_of(l, fmt, now_s);

    if (c == NULL) return true;
    if (c->second != now_s) {
        tell_left_out(l, c);
        c->second = now_s;
        c->n = 0;
    }
    if (c->n++ < LOG_LIMIT) return true;
    c->left_out++;
    return false;
}

void log_limited(struct log *l, enum log_level level, const char *fmt, ...)
{
    int error = errno;
    va_list ap;
    bool may;

    if (!is_wanted(l, level)) return;
    pthread_mutex_lock(&l->crowds_lock);
    may = may_come(l, fmt, (int64_t)time(NULL));
    pthread_mutex_unlock(&l->crowds_lock);
    va_start(ap, fmt);
    if (may) format_line(l, level, fmt, ap);
    va_end(ap);
    errno = error;
}

void log_tend(struct log *l)
{
    int64_t now_s = (int64_t)time(NULL);

    if (l == NULL) return;
    pthread_mutex_lock(&l->crowds_lock);
    for (size_t i = 0; i < CROWDS; i++) {
        if (l->crowds[i].second != now_s) tell_left_out(l, &l->crowds[i]);
    }
    pthread_mutex_unlock(&l->crowds_lock);
}

/* --- the end --------------------------------------------------------------------------------------------- */

void log_close(struct log **l)
{
    struct log *log = *l;

    if (log == NULL) return;
    for (size_t i = 0; i < CROWDS; i++) tell_left_out(log, &log->crowds[i]);
    close(log->fd);
    log_syslog_fini(&log->syslog);
    mem_free(log->path);
    pthread_mutex_destroy(&log->crowds_lock);
    mem_free(log);
    *l = NULL;
}
