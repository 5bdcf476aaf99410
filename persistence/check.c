/* check.c -- what kind of file it is, and the loader's own reading of it, with nothing applied. */
#include "persistence/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_read.h"
#include "persistence/report.h"
#include "persistence/why.h"
#include "storage/store.h"

/* More than anybody has: that 'databases' is too small is no damage. */
enum { DATABASES = 1024 };

static const char manifest_end[] = ".manifest";

void check_init(struct check *c, const struct file_ops *ops, struct report *report)
{
    static const struct hash_key key = { 1, 2 };
    struct store_conf conf = { .databases = DATABASES, .list_max_listpack_size = -2,
                               .hash_max_listpack_entries = 128, .hash_max_listpack_value = 64,
                               .set_max_intset_entries = 512, .set_max_listpack_entries = 128,
                               .set_max_listpack_value = 64, .zset_max_listpack_entries = 128,
                               .zset_max_listpack_value = 64, .stream_node_max_bytes = 4096,
                               .stream_node_max_entries = 100, .string_limit = SIZE_MAX / 2 };

    *c = (struct check){ .ops = ops ? ops : &file_ops_system, .report = report };
    c->store = store_new(&conf, &key, 1);
    c->store->loading = true;
}

void check_fini(struct check *c)
{
    store_free(&c->store);
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* --- one file ---------------------------------------------------------------------------------------------- */

enum err check_base(void *check, struct source *s, struct rdb_facts *facts, char *why)
{
    struct check *c = check;
    struct rdb_options opt = { .keep_expired = true, .checksum = true, .only_look = true, .replace = true, .libraries = c->libraries };
    enum err e = rdb_load(&s->in, c->store, &opt, facts);
    char at[128] = "";

    if (e != OK)
        return why_put(why, e, "%s: snapshot, %llu bytes, %llu keys: DAMAGED at offset %llu: %s", s->path,
                       (unsigned long long)s->size, (unsigned long long)facts->keys, (unsigned long long)s->in.bad_at,
                       s->in.why);
    if (facts->has_log_at) snprintf(at, sizeof at, ", log offset %llu", (unsigned long long)facts->log_offset);
    report_line(c->report, "%s: snapshot, RDB version %d, %llu bytes, %llu keys%s: ok", s->path, facts->version,
                (unsigned long long)s->size, (unsigned long long)facts->keys, at);
    return OK;
}

static void lost(void *ctx, const struct aof_loss *x)
{
    struct check *c = ctx;

    c->report->lost_bytes += x->to - x->from;
    report_line(c->report, "    lost: bytes %llu to %llu", (unsigned long long)x->from, (unsigned long long)x->to);
}

/* Commands, alone or behind an RDB part. */
static void check_commands(struct check *c, struct source *s)
{
    struct aof_reader r = { .in = &s->in, .stop_at = UINT64_MAX, .until_s = -1, .salvage = true, .lost = lost,
                            .lost_ctx = c };
    enum aof_end end = aof_read(&r);
    const char *verdict = end == AOF_TORN ? "TORN" : "DAMAGED";

    if (end == AOF_WHOLE)
        report_line(c->report, "%s: log, %llu bytes, %llu batches, %llu commands: ok", s->path,
                    (unsigned long long)s->size, (unsigned long long)r.batches, (unsigned long long)r.commands);
    else
        report_bad(c->report, "%s: log, %llu bytes, %llu batches, %llu commands: %s at offset %llu: %s", s->path,
                   (unsigned long long)s->size, (unsigned long long)r.batches, (unsigned long long)r.commands, verdict,
                   (unsigned long long)r.bad_pos, r.why);
    buf_fini(&r.key);
}

static enum err check_file(struct check *c, const char *path, char *why)
{
    struct rdb_facts facts;
    struct source s;
    enum err e = source_open(&s, c->ops, path, why);

    if (e != OK) return ERR_IO;
    c->found = true;
    if (source_is_rdb(&s)) {
        e = check_base(c, &s, &facts, why);
        s.in.no_crc = true;
        if (e == ERR_FORMAT) {
            report_bad(c->report, "%s", why);
        } else if (e == OK && rdb_in_left(&s.in) > 0) {
            check_commands(c, &s);
        }
    } else if (s.size > 0 && rdb_in_reach(&s.in, 1) && s.in.p[0] != '*' && s.in.p[0] != '#') {
        report_bad(c->report, "%s: %llu bytes: neither a snapshot nor a log: DAMAGED at offset 0", path,
                   (unsigned long long)s.size);
    } else {
        check_commands(c, &s);
    }
    source_close(&s);
    return e == ERR_IO ? e : OK;
}

/* --- a log with a manifest ----------------------------------------------------------------------------------- */

static enum err check_chain(struct check *c, struct aof_set *set, char *why)
{
    struct aof_load l = { .ops = c->ops, .set = set, .mode = AOF_LOOK, .cut_allowed = true, .until_s = -1,
                          .joint = UINT64_MAX, .report = c->report, .ctx = c, .base = check_base };
    enum err e = aof_load_run(&l, why);

    aof_load_fini(&l);
    return e;
}

/* The log of files filename.* in parent/dirname. */
static enum err check_set(struct check *c, const char *parent, const char *dirname, const char *filename, char *why)
{
    struct aof_set *set = aof_set_new(c->ops, NULL, parent, dirname, filename);
    unsigned bad = c->report->n_bad;
    bool there;
    enum err e = aof_set_read(set, &there, why);

    c->found = true;
    if (e == OK && there) {
        report_line(c->report, "%s/%s/%s%s: manifest, %zu files: ok", parent, dirname, filename, manifest_end,
                    aof_set_manifest(set)->n);
    } else if (e == ERR_FORMAT || e == OK) {
        if (e == OK)
            why_put(why, OK, "%s/%s/%s%s: the manifest is missing", parent, dirname, filename, manifest_end);
        report_bad(c->report, "%s: DAMAGED", why);
        e = aof_set_rebuild(set, c->report);
    }
    if (e == OK) e = check_chain(c, set, why);
    if (c->report->n_bad > bad) c->log_bad = true;
    aof_set_free(&set);
    return e;
}

/* --- directories ---------------------------------------------------------------------------------------------- */

static void gather(void *arg, const char *name)
{
    struct buf *names = arg;

    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) buf_add(names, name, strlen(name) + 1);
}

static bool is_dir(struct check *c, const char *path)
{
    struct buf names = { 0 };
    bool is = c->ops->list(c->ops->ctx, path, gather, &names) == 0;

    buf_fini(&names);
    return is;
}

static bool is_snapshot_name(const char *name)
{
    return strncmp(name, "temp-", 5) != 0 && (ends_in(name, ".rdb") || ends_in(name, ".rdb.previous"));
}

/* One name of a data directory. */
static enum err check_name(struct check *c, const char *dir, const char *name, char *why)
{
    unsigned bad = c->report->n_bad;
    char path[PATH_MAX], filename[NAME_MAX + 1];
    enum err e = OK;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return OK;
    if (is_dir(c, path)) {
        if (aof_place_stem(c->ops, path, filename)) e = check_set(c, dir, name, filename, why);
    } else if (is_snapshot_name(name)) {
        e = check_file(c, path, why);
        if (c->report->n_bad > bad && ends_in(name, ".rdb")) c->snapshot_bad = true;
    } else if (ends_in(name, ".aof")) {
        e = check_file(c, path, why);
        if (c->report->n_bad > bad) c->log_bad = true;
    }
    return e;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err check_dir(struct check *c, const char *dir, char *why)
{
    struct buf names = { 0 };
    size_t count = 0, i = 0;
    const char **sorted;
    enum err e = OK;

    if (c->ops->list(c->ops->ctx, dir, gather, &names) != 0)
        return why_put(why, ERR_IO, "%s: %s", dir, strerror(errno));
    for (size_t at = 0; at < names.n; at += strlen(names.p + at) + 1) count++;
    sorted = mem_alloc((count + 1) * sizeof *sorted);
    for (size_t at = 0; at < names.n; at += strlen(names.p + at) + 1) sorted[i++] = names.p + at;
    qsort(sorted, count, sizeof *sorted, by_name);
    for (i = 0; i < count && e == OK; i++) e = check_name(c, dir, sorted[i], why);
    mem_free(sorted);
    buf_fini(&names);
    return e;
}

enum err check_path(struct check *c, const char *path, char *why)
{
    struct aof_place p;
    char dir[PATH_MAX], name[NAME_MAX + 1];

    if (strlen(path) >= PATH_MAX) return why_put(why, ERR_IO, "%s: the path is too long", path);
    if (is_dir(c, path)) {
        if (!aof_place_stem(c->ops, path, p.filename)) return check_dir(c, path, why);
        aof_place_split(path, p.parent, p.dirname);
        return check_set(c, p.parent, p.dirname, p.filename, why);
    }
    if (!ends_in(path, manifest_end)) return check_file(c, path, why);
    aof_place_split(path, dir, name);
    aof_place_split(dir, p.parent, p.dirname);
    name[strlen(name) - strlen(manifest_end)] = 0;
    return check_set(c, p.parent, p.dirname, name, why);
}
