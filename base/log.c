/* log.c -- a line is one write, so that lines of several threads do not mix and no lock is needed.
 * The file is reopened under the same descriptor, for the same reason. */
#include <syslog.h>

/* syslog.h has its own LOG_DEBUG, LOG_NOTICE and LOG_WARNING: keep the values, free the names. */
enum {
    SYSLOG_DEBUG = LOG_DEBUG,
    SYSLOG_INFO = LOG_INFO,
    SYSLOG_NOTICE = LOG_NOTICE,
    SYSLOG_WARNING = LOG_WARNING,
};
#undef LOG_DEBUG
#undef LOG_NOTICE
#undef LOG_WARNING

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINE_MAX_BYTES = 4096, OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC };

struct log {
    int fd;
    char *path;        /* NULL for stdout */
    _Atomic int level; /* of enum log_level */
    _Atomic bool to_syslog;
    char *ident; /* openlog keeps the pointer */
};

struct log *log_open(const char *path, enum log_level level)
{
    bool to_stdout = path == NULL || path[0] == '\0';
    int fd = to_stdout ? STDOUT_FILENO : open(path, OPEN_FLAGS, 0644);

    if (fd < 0) {
        fprintf(stderr, "Can't open the log file %s: %s\n", path, strerror(errno));
        return NULL;
    }
    struct log *l = mem_zalloc(sizeof *l);

    l->fd = fd;
    l->path = to_stdout ? NULL : mem_dup(path, strlen(path) + 1);
    l->level = level;
    return l;
}

void log_close(struct log **l)
{
    struct log *log = *l;

    if (log == NULL) return;
    if (log->path != NULL) close(log->fd);
    if (log->to_syslog) closelog();
    mem_free(log->path);
    mem_free(log->ident);
    mem_free(log);
    *l = NULL;
}

void log_set_level(struct log *l, enum log_level level)
{
    l->level = level;
}

bool log_reopen(struct log *l)
{
    if (l->path == NULL) return true;
    int fd = open(l->path, OPEN_FLAGS, 0644);

    if (fd < 0) return false;
    bool moved = dup3(fd, l->fd, O_CLOEXEC) >= 0;

    close(fd);
    return moved;
}

bool log_to_syslog(struct log *l, const char *ident, const char *facility)
{
    static const struct {
        const char *name;
        int code;
    } known[] = {
        { "user", LOG_USER },     { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
        { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
        { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(known[i].name, facility) != 0) continue;
        l->to_syslog = false;
        mem_free(l->ident);
        l->ident = mem_dup(ident, strlen(ident) + 1);
        openlog(l->ident, LOG_PID | LOG_NDELAY | LOG_NOWAIT, known[i].code);
        l->to_syslog = true;
        return true;
    }
    return false;
}

/* "pid:role day month year time.ms level ", its length. */
static size_t put_head(char *line, size_t room, enum log_level level)
{
    struct timeval now;
    struct tm tm;
    char date[64];

    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &tm);
    strftime(date, sizeof date, "%d %b %Y %H:%M:%S", &tm);
    return (size_t)snprintf(line, room, "%d:M %s.%03d %c ", (int)getpid(), date,
                            (int)(now.tv_usec / 1000), ".-*#"[level]);
}

/* A message may quote what a client sent: without this it could forge lines or drive a terminal. */
static void blunt(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f) p[i] = '?';
    }
}

static void send_line(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return; /* there is nobody to tell */
        p += done;
        n -= (size_t)done;
    }
}

void log_line(struct log *l, enum log_level level, const char *fmt, ...)
{
    static const int priorities[] = { SYSLOG_DEBUG, SYSLOG_INFO, SYSLOG_NOTICE, SYSLOG_WARNING };
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (l == NULL || (int)level < l->level || level >= LOG_NOTHING) return;
    int error = errno; /* a log line must not disturb its caller */
    size_t head = put_head(line, sizeof line, level);
    size_t room = sizeof line - head - 1; /* for the newline */

    va_start(ap, fmt);
    int n = vsnprintf(line + head, room, fmt, ap);

    va_end(ap);
    if (n < 0) n = 0;
    if ((size_t)n >= room) n = (int)room - 1;
    blunt(line + head, (size_t)n);
    if (l->to_syslog) syslog(priorities[level], "%s", line + head);
    line[head + (size_t)n] = '\n';
    send_line(l->fd, line, head + (size_t)n + 1);
    errno = error;
}
