#include "server/inherit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"

enum { FIRST = 3 };

/* --- what comes in ------------------------------------------------------------------------------------- */

/* The value of a variable, which leaves env; NULL: there is none. */
static const char *take_variable(char **env, const char *name)
{
    size_t n = strlen(name);
    const char *value = NULL;
    char **to = env;

    for (char **from = env; *from; from++) {
        if (strncmp(*from, name, n) == 0 && (*from)[n] == '=') value = *from + n + 1;
        else *to++ = *from;
    }
    *to = NULL;
    return value;
}

static bool is_own(struct str name)
{
    static const char *const own[] = { INHERIT_TCP, INHERIT_UNIX, INHERIT_LOCK, INHERIT_LOCK_DIR, INHERIT_OOM,
                                       INHERIT_PASSED, INHERIT_PASSED_TLS };

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (str_eq(name, str_c(own[i]))) return true;
    }
    return false;
}

static bool is_count(const char *text, int64_t least, int64_t most, int64_t *out)
{
    return text && num_parse_i64(str_c(text), out) && *out >= least && *out <= most;
}

static void add(struct inheritance *in, int fd, const char *name, size_t n)
{
    struct inherited *i = &in->items[in->n++];

    if (n >= sizeof i->name) n = sizeof i->name - 1;
    i->fd = fd;
    memcpy(i->name, name, n);
    i->name[n] = '\0';
}

/* fd may be anything that the environment says. */
static void add_checked(struct inheritance *in, int fd, const char *name, size_t n)
{
    if (in->n < INHERIT_MAX && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) add(in, fd, name, n);
}

static void open_supervisors(struct inheritance *in, char **env)
{
    const char *pid = take_variable(env, "LISTEN_PID"), *fds = take_variable(env, "LISTEN_FDS");
    const char *names = take_variable(env, "LISTEN_FDNAMES");
    int64_t process, n;

    if (!is_count(pid, 1, INT32_MAX, &process) || process != getpid() || !is_count(fds, 1, INHERIT_MAX, &n)) return;
    for (int fd = FIRST; fd < FIRST + n; fd++) {
        const char *name = names ? names : "unknown";
        size_t len = strcspn(name, ":");

        if (names) names = names[len] == ':' ? names + len + 1 : NULL;
        if (!is_own(str_of(name, len))) add_checked(in, fd, name, len);
    }
}

static void open_own(struct inheritance *in, char **env)
{
    const char *at = take_variable(env, "MEMD_INHERIT");
    int64_t process, fd;
    size_t n, name;

    if (!at || !num_parse_i64(str_of(at, strcspn(at, ":")), &process) || process != getpid()) return;
    in->restarted = true;
    while (*(at += strcspn(at, ":")) == ':') {
        n = strcspn(++at, ":");
        name = strcspn(at, "=");
        if (name < n && num_parse_i64(str_of(at + name + 1, n - name - 1), &fd) && fd >= FIRST && fd <= INT32_MAX)
            add_checked(in, (int)fd, at, name);
    }
}

void inherit_open(struct inheritance *in, char **env)
{
    *in = (struct inheritance){ 0 };
    open_supervisors(in, env);
    open_own(in, env);
}

void inherit_close(struct inheritance *in)
{
    for (size_t i = 0; i < in->n; i++) {
        if (in->items[i].fd >= 0) close(in->items[i].fd);
    }
    in->n = 0;
}

static int take(struct inherited *i)
{
    int fd = i->fd;

    i->fd = -1;
    return fd;
}

static bool listens(int fd)
{
    int type = 0, accepts = 0;
    socklen_t n = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_STREAM) return false;
    n = sizeof accepts;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) == 0 && accepts;
}

/* The parts of an address that are not for the kernel's own use. */
static bool same_address(int fd, const struct sockaddr *a, socklen_t n)
{
    struct sockaddr_storage is = { 0 };
    socklen_t is_n = sizeof is;

    if (getsockname(fd, (struct sockaddr *)&is, &is_n) != 0 || is.ss_family != a->sa_family) return false;
    if (a->sa_family == AF_UNIX) {
        return strcmp(((const struct sockaddr_un *)(const void *)&is)->sun_path,
                      ((const struct sockaddr_un *)(const void *)a)->sun_path) == 0;
    }
    return is_n == n && memcmp(&is, a, n) == 0;
}

int inherit_listener(struct inheritance *in, const char *name, const struct sockaddr *a, socklen_t n)
{
    for (size_t i = 0; i < in->n; i++) {
        struct inherited *item = &in->items[i];

        if (item->fd >= 0 && strcmp(item->name, name) == 0 && listens(item->fd) && same_address(item->fd, a, n))
            return take(item);
    }
    return -1;
}

static in_port_t port_of(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) return ((const struct sockaddr_in *)(const void *)a)->sin_port;
    return a->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)(const void *)a)->sin6_port : 0;
}

void inherit_drop(struct inheritance *in, const struct sockaddr *a)
{
    for (size_t i = 0; i < in->n; i++) {
        struct inherited *item = &in->items[i];
        struct sockaddr_storage is = { 0 };
        socklen_t n = sizeof is;

        if (item->fd < 0 || strcmp(item->name, INHERIT_TCP) != 0) continue;
        if (getsockname(item->fd, (struct sockaddr *)&is, &n) != 0 || is.ss_family != a->sa_family) continue;
        if (port_of((const struct sockaddr *)&is) == port_of(a)) close(take(item));
    }
}

static int family_of(int fd)
{
    int family = AF_UNSPEC;
    socklen_t n = sizeof family;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) != 0) return AF_UNSPEC;
    return family == AF_INET || family == AF_INET6 || family == AF_UNIX ? family : AF_UNSPEC;
}

/* Those that a supervisor gave us before a RESTART are its still. */
static bool is_foreign(const char *name)
{
    return !is_own(str_c(name)) || strcmp(name, INHERIT_PASSED) == 0 || strcmp(name, INHERIT_PASSED_TLS) == 0;
}

int inherit_foreign(struct inheritance *in, struct log *log, int *family, bool *tls)
{
    for (size_t i = 0; i < in->n; i++) {
        struct inherited *item = &in->items[i];
        int fd, flags;

        if (item->fd < 0 || !is_foreign(item->name)) continue;
        fd = take(item);
        *family = family_of(fd);
        *tls = strcmp(item->name, "tls") == 0 || strcmp(item->name, INHERIT_PASSED_TLS) == 0;
        flags = fcntl(fd, F_GETFL);
        if (listens(fd) && *family != AF_UNSPEC && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) return fd;
        log_warning(log, "The descriptor \"%s\" that was passed is not a socket that listens for streams: it is closed.",
                    item->name);
        close(fd);
    }
    return -1;
}

int inherit_named(struct inheritance *in, const char *name)
{
    for (size_t i = 0; i < in->n; i++) {
        if (in->items[i].fd >= 0 && strcmp(in->items[i].name, name) == 0) return take(&in->items[i]);
    }
    return -1;
}

/* --- what goes out ------------------------------------------------------------------------------------- */

void inherit_give(struct inheritance *in, int fd, const char *name)
{
    if (in->n < INHERIT_MAX) add(in, fd, name, strlen(name));
    else close(fd);
}

void inherit_pass(const struct inheritance *in, char *out)
{
    int at = snprintf(out, INHERIT_ENV, "MEMD_INHERIT=%d", (int)getpid());

    for (size_t i = 0; i < in->n; i++) {
        if (in->items[i].fd < 0 || fcntl(in->items[i].fd, F_SETFD, 0) != 0) continue;
        at += snprintf(out + at, (size_t)(INHERIT_ENV - at), ":%s=%d", in->items[i].name, in->items[i].fd);
    }
}

void inherit_keep(struct inheritance *in)
{
    in->restarted = true;
    for (size_t i = 0; i < in->n; i++) {
        if (in->items[i].fd >= 0) fcntl(in->items[i].fd, F_SETFD, FD_CLOEXEC);
    }
}
