#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { READ_STEP = 16 * 1024 };

enum err conf_file_read_fd(int fd, struct buf *out)
{
    for (;;) {
        ssize_t n = read(fd, buf_room(out, READ_STEP), READ_STEP);

        if (n == 0) return OK;
        if (n > 0) buf_used(out, (size_t)n);
        if (n < 0 && errno != EINTR) return ERR_IO;
    }
}

enum err conf_file_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), kept;
    enum err e;

    if (fd < 0) return ERR_IO;
    e = conf_file_read_fd(fd, out);
    kept = errno;
    close(fd);
    errno = kept;
    return e;
}

static enum err write_all(int fd, struct str s)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return ERR_IO;
        s.p += n;
        s.n -= (size_t)n;
    }
    return OK;
}

/* The mode and owner of the file that this one replaces. A new one may come to hold a password. */
static enum err take_after(int fd, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) return errno == ENOENT ? OK : ERR_IO;
    if (fchown(fd, st.st_uid, st.st_gid) != 0 && errno != EPERM) return ERR_IO;
    return fchmod(fd, st.st_mode & 07777) == 0 ? OK : ERR_IO;
}

/* A name is durable only with its directory. */
static enum err sync_dir_of(const char *path)
{
    char copy[PATH_MAX];
    int fd, rc;

    snprintf(copy, sizeof copy, "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ERR_IO;
    rc = fsync(fd);
    close(fd);
    return rc == 0 ? OK : ERR_IO;
}

enum err conf_file_replace(const char *path, struct str content)
{
    char real[PATH_MAX], tmp[PATH_MAX];
    int fd, kept;
    enum err e;

    if (realpath(path, real) == NULL) snprintf(real, sizeof real, "%s", path);
    if (snprintf(tmp, sizeof tmp, "%s.XXXXXX", real) >= (int)sizeof tmp) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0) return ERR_IO;
    e = write_all(fd, content);
    if (e == OK) e = take_after(fd, real);
    if (e == OK && fsync(fd) != 0) e = ERR_IO;
    if (e == OK && rename(tmp, real) != 0) e = ERR_IO; /* the old file stays until here */
    kept = errno;
    close(fd);
    if (e != OK) unlink(tmp);
    errno = kept;
    return e == OK ? sync_dir_of(real) : e;
}
