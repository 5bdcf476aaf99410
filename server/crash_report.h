/* crash_report.h -- what the server adds to the report of a crash (base/crash.h): how long it ran, memory, the
 * client and the command that ran, and the names of those before. */
#ifndef MEMD_SERVER_CRASH_REPORT_H
#define MEMD_SERVER_CRASH_REPORT_H

struct server;

/* As crash-log-enabled and watchdog-period say now: at the start, and when they have changed. */
void crash_report_apply_conf(struct server *s);

/* The reactor is alive: the watchdog's time begins anew. For the cron. */
void crash_report_alive(struct server *s);

/* s is about to be taken down, and tells no more. */
void crash_report_leave(struct server *s);

#endif
