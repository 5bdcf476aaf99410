/* log_line.h -- how a line of the log is spelled.
 *
 *     legacy   4711:M 21 Nov 2026 10:00:00.123 * Ready            as Redis writes it
 *     logfmt   pid=4711 role=primary timestamp="..." level=notice message="Ready"
 *     json     {"time":"2026-11-21T10:00:00.123+01:00","level":"notice","pid":4711,"role":"primary","message":"Ready"}
 *
 * A message may quote what a client sent, any byte at all. In the first two, control characters become '?', so that
 * nobody forges a line or drives a terminal; in JSON they are escaped, and a byte that is not UTF-8 is U+FFFD. */
#ifndef MEMD_BASE_LOG_LINE_H
#define MEMD_BASE_LOG_LINE_H

#include <sys/time.h>

#include "base/log.h"
#include "base/str.h"

/* A line is no longer than what a pipe takes in one piece (PIPE_BUF). */
enum { LOG_MESSAGE_MAX = 4096, LOG_LINE_MAX = 4096 };

struct log_record {
    enum log_level level;
    enum log_format format;
    enum log_stamp stamp; /* in JSON the legacy one is ISO 8601 too */
    struct timeval now;
    int pid;
    struct str message;
};

/* Write the line with its newline; a message that is too long for it is cut. Returns its length. */
size_t log_line_put(char line[LOG_LINE_MAX], const struct log_record *r);

/* The message alone, control characters as '?', NUL-terminated and cut where needed. */
void log_line_message(char text[LOG_MESSAGE_MAX], struct str message);

#endif
