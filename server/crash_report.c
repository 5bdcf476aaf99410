#include "server/crash_report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crash.h"
#include "server/client.h"

enum { WATCHDOG_MIN_MS = 200 }; /* twice the cron's period */

/* Lines of /proc/self/status that begin with Vm or Threads, a few of them. */
static void put_memory(struct crash_pen *p)
{
    static const char *const wanted[] = { "VmPeak:", "VmRSS:", "VmHWM:", "VmSwap:", "Threads:" };
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            if (strncmp(line, wanted[i], strlen(wanted[i])) != 0) continue;
            crash_put(p, "  ");
            for (char *c = line; *c; c++) {
                if (*c == '\t') *c = ' ';
            }
            crash_line(p, line);
        }
    }
}

static void put_fact(struct crash_pen *p, const char *name, uint64_t value)
{
    crash_put(p, name);
    crash_put_u64(p, value);
}

static void put_server(struct crash_pen *p, const struct server *s)
{
    put_fact(p, "  uptime_in_seconds:", (uint64_t)(clock_mono_us() - s->started_us) / 1000000);
    put_fact(p, " connected_clients:", s->n_clients);
    put_fact(p, " commands:", s->stats.commands);
    put_fact(p, " peak_memory:", s->stats.peak_memory);
    put_fact(p, " maxmemory:", s->conf->maxmemory);
    crash_put(p, s->store->loading ? " loading:1" : " loading:0");
    crash_put(p, s->conf->appendonly ? " aof:1" : " aof:0");
    crash_end_line(p);
}

static void put_client(struct crash_pen *p, const struct client *c)
{
    if (c == NULL) {
        crash_line(p, "  no command was running");
        return;
    }
    put_fact(p, "  id=", c->id);
    put_fact(p, " db=", (uint64_t)c->db);
    put_fact(p, " resp=", (uint64_t)c->resp);
    crash_put(p, " cmd=");
    crash_line(p, c->last_cmd ? c->last_cmd->full_name : "?");
}

/* Newest last. */
static void put_recent(struct crash_pen *p, const struct server *s)
{
    for (unsigned i = 0; i < RECENT_COMMANDS; i++) {
        const struct command_ref *ref = s->recent[(s->recent_at + i) % RECENT_COMMANDS];

        if (ref == NULL) continue;
        crash_put(p, " ");
        crash_put(p, ref->full_name);
    }
    crash_end_line(p);
}

static void more(void *ctx, struct crash_pen *p)
{
    const struct server *s = ctx;

    crash_line(p, "Memory:");
    put_memory(p);
    crash_line(p, "Server:");
    put_server(p, s);
    crash_line(p, "Client:");
    put_client(p, s->current);
    crash_put(p, "Last commands:");
    put_recent(p, s);
}

void crash_report_apply_conf(struct server *s)
{
    crash_tell_more(more, s);
    if (s->conf->crash_log_enabled) crash_open(s->log, MEMD_VERSION);
    else crash_close();
    s->watchdog_ms = s->conf->watchdog_period;
    if (s->watchdog_ms > 0 && s->watchdog_ms < WATCHDOG_MIN_MS) s->watchdog_ms = WATCHDOG_MIN_MS;
    crash_watch(s->watchdog_ms);
}

void crash_report_alive(struct server *s)
{
    if (s->watchdog_ms > 0) crash_watch(s->watchdog_ms);
}

void crash_report_leave(struct server *s)
{
    (void)s;
    crash_watch(0);
    crash_tell_more(NULL, NULL);
}
