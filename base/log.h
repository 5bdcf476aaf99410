/* log.h -- lines for the operator.
 *
 * One line: "pid:role time level message" as Redis writes it, to a file, stdout or syslog. */
#ifndef MEMD_BASE_LOG_H
#define MEMD_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };

struct log;

/* Open a log. path NULL or "" is stdout; for an unwritable path say so on stderr and return NULL.
 * Free with log_close. */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log **l);

void log_set_level(struct log *l, enum log_level level);

/* Reopen the file by its name (after logrotate moved it). False: kept the old one. */
bool log_reopen(struct log *l);

/* Also send lines to syslog under ident. The facility is given by its name, "user" or "local0" to
 * "local7": syslog.h cannot be included beside this header, both have a LOG_NOTICE. False: there is
 * no such facility and nothing changed. */
bool log_to_syslog(struct log *l, const char *ident, const char *facility);

/* l may be NULL: the line is dropped. Control characters become '?', so that a message is one line;
 * what is longer than about 4 KB is cut. errno is kept. Thread safe. */
void log_line(struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(l, ...) log_line(l, LOG_DEBUG, __VA_ARGS__)
#define log_verbose(l, ...) log_line(l, LOG_VERBOSE, __VA_ARGS__)
#define log_notice(l, ...) log_line(l, LOG_NOTICE, __VA_ARGS__)
#define log_warning(l, ...) log_line(l, LOG_WARNING, __VA_ARGS__)

#endif
