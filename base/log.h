/* log.h -- lines for the operator.
 *
 * A line goes to a file or stdout in one of three forms (log_line.h), and to syslog if asked for. A log that cannot
 * be written, as on a full disk or to a pipe that nobody reads, loses lines and stops nobody. */
#ifndef MEMD_BASE_LOG_H
#define MEMD_BASE_LOG_H

#include <stdbool.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_VERBOSE, LOG_NOTICE, LOG_WARNING, LOG_NOTHING };
enum log_format { LOG_FORMAT_LEGACY, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum log_stamp { LOG_STAMP_LEGACY, LOG_STAMP_ISO8601, LOG_STAMP_MILLISECONDS };

/* So long is one who reads lines from a pipe or a socket waited for, once; then they are lost. */
enum { LOG_READER_MS = 100 };

struct log;

/* Open a log. path NULL or "" is stdout; for an unwritable path say so on stderr and return NULL.
 * Free with log_close. */
struct log *log_open(const char *path, enum log_level level);
void log_close(struct log **l);

void log_set_level(struct log *l, enum log_level level);
void log_set_format(struct log *l, enum log_format format, enum log_stamp stamp);

/* Whether lines go to a file that has a name: not to standard output. */
bool log_has_file(const struct log *l);

/* Reopen the file by its name (after logrotate moved it). False: kept the old one. */
bool log_reopen(struct log *l);

/* Go on in another file, or on stdout ("" or NULL). False, and errno says why: kept the old one. */
bool log_move(struct log *l, const char *path);

/* Also send lines to syslog, whose socket is at path ("/dev/log"; borrowed), under ident; facility is a number as
 * syslog(3) has it, whose header cannot be included beside this one: both have a LOG_NOTICE. Whether anybody listens
 * there is looked after with each line; when nobody does now, a line says so. */
void log_to_syslog(struct log *l, const char *path, const char *ident, int facility);
void log_leave_syslog(struct log *l);

/* l may be NULL: the line is dropped. What is longer than about 4 KB is cut, and no message can make more than one
 * line. errno is kept. Thread safe. */
void log_line(struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Keys and the like in lines: when they are hidden, log_shown returns a word in their place. Thread safe. */
void log_hide_data(struct log *l, bool hide);
struct str log_shown(const struct log *l, struct str data);

/* The same for what strangers can cause as often as they like: of lines with one fmt (a string literal, told apart by
 * its address) LOG_LIMIT are written a second; how many were left out is told later. */
void log_limited(struct log *l, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum { LOG_LIMIT = 10 };

/* Tell what log_limited has left out in seconds that are over. For a cron, about once a second. */
void log_tend(struct log *l);

/* Where lines go, and whether as JSON: for one who may not call any of these, in a signal's handler. -1 for no log. */
int log_fd(const struct log *l);
bool log_is_json(const struct log *l);

#define log_debug(l, ...) log_line(l, LOG_DEBUG, __VA_ARGS__)
#define log_verbose(l, ...) log_line(l, LOG_VERBOSE, __VA_ARGS__)
#define log_notice(l, ...) log_line(l, LOG_NOTICE, __VA_ARGS__)
#define log_warning(l, ...) log_line(l, LOG_WARNING, __VA_ARGS__)

#endif
