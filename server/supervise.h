/* supervise.h -- telling the one that started memd how it is: systemd's notify protocol, or upstart's stop.
 *
 * One datagram of lines NAME=VALUE to the socket that NOTIFY_SOCKET names. What cannot be told is dropped: a
 * supervisor that does not listen is no reason to stop. With `supervised no`, or for NULL, all of this does nothing.
 *
 * The watchdog: while the reactor turns it says so, twice in each period that the supervisor gives (WATCHDOG_USEC).
 * One that hangs says nothing, and is killed and started again by the supervisor. */
#ifndef MEMD_SERVER_SUPERVISE_H
#define MEMD_SERVER_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct log;
struct supervise;

/* As `supervised` says; env gives the addresses. upstart: the process stops here until it is continued. Never NULL. */
struct supervise *supervise_new(const struct conf *conf, char **env, struct log *log);
void supervise_free(struct supervise **s);

/* What INFO calls process_supervised: no, systemd or upstart. */
const char *supervise_name(const struct supervise *s);

/* What goes on, for `systemctl status`. */
void supervise_status(struct supervise *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void supervise_ready(struct supervise *s);
void supervise_stopping(struct supervise *s);
/* Settings or files are being read again, from now until supervise_ready. */
void supervise_reloading(struct supervise *s, int64_t mono_us);

/* The reactor is alive. Cheap: to be called as often as convenient, with the monotonic time. */
void supervise_beat(struct supervise *s, int64_t mono_us);

/* The same from a start or an end that takes long: also asks for more time. percent -1: not known. At most one
 * datagram a second. */
void supervise_progress(struct supervise *s, const char *what, int percent, int64_t mono_us);

#endif
