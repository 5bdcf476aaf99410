#include "server/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "conf/conf.h"

enum { MORE_TIME_US = 60000000, BETWEEN_PROGRESS_US = 1000000 };

struct supervise {
    enum conf_supervised kind; /* what it turned out to be, never AUTO */
    int fd;                    /* -1: there is nobody to tell */
    struct sockaddr_un to;
    socklen_t to_n;
    int64_t every_us; /* between two signs of life; 0: nobody waits for them */
    int64_t beat_us, progress_us;
    bool was_ready;
};

static const char *variable(char **env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=') return *env + n + 1;
    }
    return NULL;
}

/* A path, or @ and a name that is in no directory. */
static bool take_address(struct supervise *s, const char *text)
{
    size_t n = strlen(text);

    if ((text[0] != '/' && text[0] != '@') || n < 2 || n >= sizeof s->to.sun_path) return false;
    s->to.sun_family = AF_UNIX;
    memcpy(s->to.sun_path, text, n);
    if (text[0] == '@') s->to.sun_path[0] = '\0';
    s->to_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (text[0] == '/'));
    return true;
}

/* WATCHDOG_PID, when it is there, says whose signs of life are meant. */
static void take_watchdog(struct supervise *s, char **env)
{
    const char *period = variable(env, "WATCHDOG_USEC"), *process = variable(env, "WATCHDOG_PID");
    int64_t us, pid;

    if (process && (!num_parse_i64(str_c(process), &pid) || pid != getpid())) return;
    if (period && num_parse_i64(str_c(period), &us) && us > 0) s->every_us = us / 2;
}

static void tell(struct supervise *s, const char *text)
{
    if (!s || s->fd < 0) return;
    if (sendto(s->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&s->to, s->to_n) < 0) {
        /* It is gone or does not read. Nothing depends on its hearing this. */
    }
}

static void begin_systemd(struct supervise *s, char **env, struct log *log)
{
    const char *address = variable(env, "NOTIFY_SOCKET");

    if (!address) {
        log_warning(log, "supervised: there is no NOTIFY_SOCKET in the environment: nobody is told when memd is ready "
                         "(systemd: Type=notify)");
        return;
    }
    if (!take_address(s, address)) {
        log_warning(log, "supervised: NOTIFY_SOCKET is no address of a socket: %s", address);
        return;
    }
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0) {
        log_warning(log, "supervised: %s", strerror(errno));
        return;
    }
    s->kind = CONF_SUPERVISED_SYSTEMD;
    take_watchdog(s, env);
}

static void begin_upstart(struct supervise *s, char **env, struct log *log)
{
    if (!variable(env, "UPSTART_JOB")) {
        log_warning(log, "supervised: there is no UPSTART_JOB in the environment");
        return;
    }
    s->kind = CONF_SUPERVISED_UPSTART;
}

struct supervise *supervise_new(const struct conf *conf, char **env, struct log *log)
{
    struct supervise *s = mem_zalloc(sizeof *s);
    enum conf_supervised how = conf->supervised;

    s->fd = -1;
    if (how == CONF_SUPERVISED_AUTO) {
        if (variable(env, "UPSTART_JOB")) how = CONF_SUPERVISED_UPSTART;
        else how = variable(env, "NOTIFY_SOCKET") ? CONF_SUPERVISED_SYSTEMD : CONF_SUPERVISED_NO;
    }
    if (how == CONF_SUPERVISED_SYSTEMD) begin_systemd(s, env, log);
    if (how == CONF_SUPERVISED_UPSTART) begin_upstart(s, env, log);
    supervise_status(s, "Starting");
    return s;
}

void supervise_free(struct supervise **sp)
{
    struct supervise *s = *sp;

    if (!s) return;
    if (s->fd >= 0) close(s->fd);
    mem_free(s);
    *sp = NULL;
}

const char *supervise_name(const struct supervise *s)
{
    static const char *const names[] = {
        [CONF_SUPERVISED_NO] = "no", [CONF_SUPERVISED_UPSTART] = "upstart", [CONF_SUPERVISED_SYSTEMD] = "systemd",
    };

    return names[s ? s->kind : CONF_SUPERVISED_NO];
}

void supervise_status(struct supervise *s, const char *fmt, ...)
{
    char text[160] = "STATUS=";
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text + strlen(text), sizeof text - strlen(text), fmt, ap);
    va_end(ap);
    tell(s, text);
}

/* upstart waits until the process stops itself, and continues it. */
void supervise_ready(struct supervise *s)
{
    char text[256];

    snprintf(text, sizeof text, "READY=1\nMAINPID=%d\nSTATUS=Ready to accept connections", (int)getpid());
    tell(s, text);
    if (!s) return;
    if (s->kind == CONF_SUPERVISED_UPSTART && !s->was_ready) raise(SIGSTOP);
    s->was_ready = true;
}

void supervise_stopping(struct supervise *s)
{
    tell(s, "STOPPING=1\nSTATUS=Ending");
}

void supervise_reloading(struct supervise *s, int64_t mono_us)
{
    char text[128];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading", (long long)mono_us);
    tell(s, text);
}

void supervise_beat(struct supervise *s, int64_t mono_us)
{
    if (!s || s->every_us == 0 || mono_us - s->beat_us < s->every_us) return;
    s->beat_us = mono_us;
    tell(s, "WATCHDOG=1");
}

void supervise_progress(struct supervise *s, const char *what, int percent, int64_t mono_us)
{
    char text[192], done[16] = "";

    supervise_beat(s, mono_us);
    if (!s || s->fd < 0 || mono_us - s->progress_us < BETWEEN_PROGRESS_US) return;
    s->progress_us = mono_us;
    if (percent >= 0) snprintf(done, sizeof done, " %d%%", percent);
    snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%d\nSTATUS=%s%s", MORE_TIME_US, what, done);
    tell(s, text);
}
