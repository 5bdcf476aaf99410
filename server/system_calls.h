/* system_calls.h -- system calls that memd never makes are refused: seccomp, for good and for all that it executes.
 *
 * A list of what is refused, not of what is allowed: libraries change what they call from version to version, and an
 * upgrade of one of them shall not stop a database. What is on it lets one process look into another, changes the system
 * (mounts, modules, clock, name), opens doors that kernels had their holes behind (bpf, io_uring, userfaultfd, keys ...),
 * or makes other sockets than IP and Unix. systemd's SystemCallFilter= (deploy/memd.service) is the stricter list beside it.
 *
 * The kernel keeps a bit for each call whose answer never depends on its arguments: reading and writing cost nothing. */
#ifndef MEMD_SERVER_SYSTEM_CALLS_H
#define MEMD_SERVER_SYSTEM_CALLS_H

#include <stdbool.h>

struct conf;
struct log;

/* As system-calls says; before any thread is started. again: after a RESTART, where the filter of before holds. What
 * cannot be had is told in the log, and is no reason not to start. */
void system_calls_limit(const struct conf *conf, bool again, struct log *log);

#endif
