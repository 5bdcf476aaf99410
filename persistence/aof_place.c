/* aof_place.c -- where a log is, when nobody says it. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"

static const char manifest_end[] = ".manifest";

/* What the names in a directory say. */
struct stem {
    char by_manifest[NAME_MAX + 1], by_file[NAME_MAX + 1];
};

static void look_at_name(void *arg, const char *name)
{
    struct stem *s = arg;
    size_t n = strlen(name), m = sizeof manifest_end - 1;
    const char *end = aof_set_stem(name);

    if (n > NAME_MAX) return;
    if (n > m && strcmp(name + n - m, manifest_end) == 0 && strncmp(name, "temp-", 5) != 0)
        snprintf(s->by_manifest, sizeof s->by_manifest, "%.*s", (int)(n - m), name);
    if (end) snprintf(s->by_file, sizeof s->by_file, "%.*s", (int)(end - name), name);
}

bool aof_place_stem(const struct file_ops *ops, const char *dir, char *filename)
{
    struct stem s = { 0 };
    const char *stem = s.by_manifest;

    if (ops->list(ops->ctx, dir, look_at_name, &s) != 0) return false;
    if (!stem[0]) stem = s.by_file;
    memcpy(filename, stem, NAME_MAX + 1);
    return stem[0] != 0;
}

void aof_place_split(const char *path, char *parent, char *name)
{
    size_t n = strlen(path), at;

    while (n > 1 && path[n - 1] == '/') n--;
    for (at = n; at > 0 && path[at - 1] != '/'; at--) {}
    snprintf(name, NAME_MAX + 1, "%.*s", (int)(n - at), path + at);
    if (at > 1) at--; /* the slash, but for the root's */
    if (at > 0) snprintf(parent, PATH_MAX, "%.*s", (int)at, path);
    else snprintf(parent, PATH_MAX, ".");
}

static void gather(void *arg, const char *name)
{
    struct buf *names = arg;

    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) buf_add(names, name, strlen(name) + 1);
}

bool aof_place_find(const struct file_ops *ops, const char *dir, struct aof_place *p)
{
    struct buf names = { 0 };
    char path[PATH_MAX];
    bool found = false;

    if (aof_place_stem(ops, dir, p->filename)) {
        aof_place_split(dir, p->parent, p->dirname);
        return true;
    }
    if (ops->list(ops->ctx, dir, gather, &names) != 0) return false;
    for (size_t at = 0; at < names.n && !found; at += strlen(names.p + at) + 1) {
        if (snprintf(path, sizeof path, "%s/%s", dir, names.p + at) >= PATH_MAX) continue;
        if (!aof_place_stem(ops, path, p->filename)) continue;
        aof_place_split(path, p->parent, p->dirname);
        found = true;
    }
    buf_fini(&names);
    return found;
}
