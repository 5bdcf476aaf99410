/* file.h -- reading a file whole, and replacing one in a single step. */
#ifndef MEMD_CONF_FILE_H
#define MEMD_CONF_FILE_H

#include "base/ensure.h"
#include "base/err.h"
#include "base/str.h"

struct buf;

/* Append the content of the file (of what fd reads, up to its end) to out. ERR_IO: see errno. */
enum err MUST_USE conf_file_read(const char *path, struct buf *out);
enum err MUST_USE conf_file_read_fd(int fd, struct buf *out);

/* Let the file hold content. It is written beside the old one, brought to the disk, and then takes
 * its name, with its mode and, where we may, its owner; a symbolic link is followed. Until then the
 * old one stays. ERR_IO: see errno; the old file is as it was, unless all that failed is
 * to bring the new name to the disk. */
enum err MUST_USE conf_file_replace(const char *path, struct str content);

#endif
