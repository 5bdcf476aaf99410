/* log_syslog.h -- lines of the log to the system's log, over its socket.
 *
 * What syslog(3) says, it says here without ever waiting for long: that function sleeps until whoever reads /dev/log
 * takes a line, and one who hangs would hang the caller with him. Here he is waited for once, LOG_READER_MS; then lines
 * are lost until he takes some again, and he is told how many. He may go and come back: each line looks for him anew. */
#ifndef MEMD_BASE_LOG_SYSLOG_H
#define MEMD_BASE_LOG_SYSLOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/time.h>

#include "base/log.h"

enum { LOG_IDENT_MAX = 128 };

struct log_syslog {
    _Atomic bool on;
    pthread_mutex_t lock; /* of all below */
    const char *path;
    char ident[LOG_IDENT_MAX];
    int facility;
    int fd; /* -1: not connected */
    bool is_stream;
    unsigned lost; /* lines, since he took one */
};

void log_syslog_init(struct log_syslog *s);
void log_syslog_fini(struct log_syslog *s);

/* Lines go to the socket at path (borrowed), under ident (cut at LOG_IDENT_MAX; control characters become '?') and with
 * facility as syslog(3) numbers them. False: nobody is there now, and errno says why; lines go as soon as there is one. */
bool log_syslog_open(struct log_syslog *s, const char *path, const char *ident, int facility);
void log_syslog_close(struct log_syslog *s);

/* One line, if it is open: a text of log_line_message. Thread safe. */
void log_syslog_say(struct log_syslog *s, enum log_level level, const struct timeval *now, int pid, const char *text);

#endif
