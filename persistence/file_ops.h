/* file_ops.h -- every operation that persistence does on files, as a table.
 *
 * The table is handed in, so that a test can fail operation n, cut a write short, or record what a
 * power cut would have left. Each function returns as its system call does, with -1 and errno on
 * error. Helper threads use the table as well as the reactor. ctx is the table's own. */
#ifndef MEMD_PERSISTENCE_FILE_OPS_H
#define MEMD_PERSISTENCE_FILE_OPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct iovec;

struct file_ops {
    void *ctx;
    int (*open)(void *ctx, const char *path, int flags); /* O_CLOEXEC and mode 0644 are added */
    int (*close)(void *ctx, int fd);
    ssize_t (*read)(void *ctx, int fd, void *p, size_t n);
    ssize_t (*writev)(void *ctx, int fd, const struct iovec *v, int n);
    int (*sync)(void *ctx, int fd);                 /* fdatasync */
    int (*truncate)(void *ctx, int fd, int64_t n);
    int64_t (*size)(void *ctx, int fd);
    int (*seek)(void *ctx, int fd, int64_t at);     /* what is read or written next; files that are not appended to */
    void (*uncache)(void *ctx, int fd, int64_t from); /* read from the disk, from that byte on; may be NULL */
    int (*allocate)(void *ctx, int fd, int64_t n);  /* n bytes from the start are the file's; its size stays */
    int (*rename)(void *ctx, const char *from, const char *to);
    int (*link)(void *ctx, const char *from, const char *to); /* a second name */
    int (*unlink)(void *ctx, const char *path);
    int (*make_dir)(void *ctx, const char *path);   /* one that exists is no error */
    int (*sync_dir)(void *ctx, const char *path);   /* make the names in it durable */
    int (*exists)(void *ctx, const char *path);     /* 1, 0, or -1 */
    /* Tell the names in a directory; what fn does to the files is its own affair. */
    int (*list)(void *ctx, const char *path, void (*fn)(void *arg, const char *name), void *arg);
};

/* The real ones. */
extern const struct file_ops file_ops_system;

/* What is read of a file that has been synced comes from the disk, not from memory, where that can be had. */
void file_uncache(const struct file_ops *ops, int fd, int64_t from);

/* Write all of p[0..n), going on after short writes and EINTR: 0, or -1 and errno. *done (may be NULL)
 * gets what was written either way. */
int file_write_all(const struct file_ops *ops, int fd, const void *p, size_t n, size_t *done);

#endif
