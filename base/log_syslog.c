#include "base/log_syslog.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log_line.h"

enum { RECORD_MAX = LOG_MESSAGE_MAX + LOG_IDENT_MAX + 64 };

void log_syslog_init(struct log_syslog *s)
{
    *s = (struct log_syslog){ .fd = -1 };
    pthread_mutex_init(&s->lock, NULL);
}

void log_syslog_fini(struct log_syslog *s)
{
    log_syslog_close(s);
    pthread_mutex_destroy(&s->lock);
}

/* --- the socket ------------------------------------------------------------------------------------------ */

static void part(struct log_syslog *s)
{
    int error = errno;

    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
    errno = error;
}

static bool connect_as(struct log_syslog *s, int type)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    if (strlen(s->path) >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(to.sun_path, s->path, strlen(s->path));
    s->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    s->is_stream = type == SOCK_STREAM;
    if (s->fd >= 0 && connect(s->fd, (struct sockaddr *)&to, sizeof to) == 0) return true;
    part(s);
    return false;
}

/* Nearly all take datagrams. */
static bool reach(struct log_syslog *s)
{
    return s->fd >= 0 || connect_as(s, SOCK_DGRAM) || (errno == EPROTOTYPE && connect_as(s, SOCK_STREAM));
}

/* Whether it was taken. When who was there has gone, there may be another by now. Records of a stream end with a NUL. */
static bool pass(struct log_syslog *s, const char *record, size_t n)
{
    for (int attempt = 0; attempt < 2 && reach(s); attempt++) {
        size_t all = n + (s->is_stream ? 1 : 0);
        ssize_t done = send(s->fd, record, all, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (done == (ssize_t)all) return true;
        if (done < 0 && errno == EAGAIN) return false;
        part(s);
    }
    return false;
}

static bool pass_in_time(struct log_syslog *s, const char *record, size_t n)
{
    if (pass(s, record, n)) return true;
    if (s->fd < 0 || s->lost > 0) return false;
    struct pollfd p = { .fd = s->fd, .events = POLLOUT };

    return poll(&p, 1, LOG_READER_MS) > 0 && pass(s, record, n);
}

/* --- lines ----------------------------------------------------------------------------------------------- */

static size_t put_record(const struct log_syslog *s, char record[RECORD_MAX], enum log_level level,
                         const struct timeval *now, int pid, const char *text)
{
    static const int severities[] = { [LOG_DEBUG] = 7, [LOG_VERBOSE] = 6, [LOG_NOTICE] = 5, [LOG_WARNING] = 4 };
    struct tm tm;
    char when[32];
    int n;

    localtime_r(&now->tv_sec, &tm);
    strftime(when, sizeof when, "%b %e %H:%M:%S", &tm);
    n = snprintf(record, RECORD_MAX, "<%d>%s %s[%d]: %s", s->facility | severities[level], when, s->ident, pid, text);
    return n < RECORD_MAX ? (size_t)n : RECORD_MAX - 1;
}

/* Those that were lost are told before the next that is taken. */
static bool told_lost(struct log_syslog *s, const struct timeval *now, int pid)
{
    char text[80], record[RECORD_MAX];

    if (s->lost == 0) return true;
    snprintf(text, sizeof text, "(%u lines of the log were lost: syslog did not take them)", s->lost);
    if (!pass(s, record, put_record(s, record, LOG_WARNING, now, pid, text))) return false;
    s->lost = 0;
    return true;
}

void log_syslog_say(struct log_syslog *s, enum log_level level, const struct timeval *now, int pid, const char *text)
{
    char record[RECORD_MAX];

    if (!atomic_load(&s->on)) return;
    pthread_mutex_lock(&s->lock);
    if (!told_lost(s, now, pid) || !pass_in_time(s, record, put_record(s, record, level, now, pid, text))) s->lost++;
    pthread_mutex_unlock(&s->lock);
}

/* --- on and off ------------------------------------------------------------------------------------------ */

bool log_syslog_open(struct log_syslog *s, const char *path, const char *ident, int facility)
{
    char shown[LOG_MESSAGE_MAX];
    bool there;

    pthread_mutex_lock(&s->lock);
    s->path = path;
    log_line_message(shown, str_of(ident, strlen(ident)));
    snprintf(s->ident, sizeof s->ident, "%.*s", LOG_IDENT_MAX - 1, shown);
    s->facility = facility;
    there = reach(s);
    atomic_store(&s->on, true);
    pthread_mutex_unlock(&s->lock);
    return there;
}

void log_syslog_close(struct log_syslog *s)
{
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->on, false);
    part(s);
    s->lost = 0;
    pthread_mutex_unlock(&s->lock);
}
