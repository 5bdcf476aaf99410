/* socket.h -- recv and send without libc's wrappers.
 *
 * Those two are cancellation points: in a process with threads each call pays for entering and leaving
 * one, 2 to 3 % of an unpipelined request. No thread of memd is ever cancelled. */
#ifndef MEMD_SERVER_SOCKET_H
#define MEMD_SERVER_SOCKET_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline ssize_t socket_recv(int fd, void *p, size_t n)
{
    return syscall(SYS_recvfrom, fd, p, n, 0, NULL, NULL);
}

static inline ssize_t socket_send(int fd, const void *p, size_t n)
{
    return syscall(SYS_sendto, fd, p, n, MSG_NOSIGNAL, NULL, 0);
}

/* What lies in several places. */
static inline ssize_t socket_send_parts(int fd, const struct msghdr *parts)
{
    return syscall(SYS_sendmsg, fd, parts, MSG_NOSIGNAL);
}

#endif
