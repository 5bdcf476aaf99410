/* restore_to.c -- find the place in the log, and copy what is before it. */
#include "persistence/restore_to.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "persistence/aof_copy.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/check.h"
#include "persistence/file_ops.h"
#include "persistence/rdb_read.h"
#include "persistence/report.h"
#include "persistence/why.h"

struct restore {
    const struct file_ops *ops;
    struct check check;
    struct report quiet;
    char first_bad[PERSIST_WHY]; /* what the log is refused for */
    int64_t until_s;
    struct aof_place place;      /* of the log */
    struct aof_set *set;
    struct aof_load load;
    struct rdb_facts base;
    bool base_is_rdb;            /* and nothing else */
    const char *target;
    char id[PERSIST_ID + 1];     /* of the new log */
};

static const char *time_text(int64_t s, char *out, size_t n)
{
    time_t t = (time_t)s;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, n, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

/* --- looking ------------------------------------------------------------------------------------------------- */

static void note_bad(void *ctx, const char *line)
{
    struct restore *t = ctx;

    if (t->quiet.n_bad == 1 && !t->first_bad[0]) snprintf(t->first_bad, sizeof t->first_bad, "%.400s", line);
}

static enum err read_base(void *ctx, struct source *s, struct rdb_facts *facts, char *why)
{
    struct restore *t = ctx;
    enum err e = check_base(&t->check, s, facts, why);

    t->base = *facts;
    t->base_is_rdb = e == OK && rdb_in_left(&s->in) == 0;
    return e;
}

static enum err look(struct restore *t, char *why)
{
    bool there;
    enum err e;

    t->set = aof_set_new(t->ops, NULL, t->place.parent, t->place.dirname, t->place.filename);
    e = aof_set_read(t->set, &there, why);
    if (e == OK && !there)
        e = why_put(why, ERR_FORMAT, "%s/%s: there is no manifest", t->place.parent, t->place.dirname);
    if (e != OK) return e;
    t->load = (struct aof_load){ .ops = t->ops, .set = t->set, .mode = AOF_LOOK, .cut_allowed = true,
                                 .until_s = t->until_s, .joint = UINT64_MAX, .report = &t->quiet, .ctx = t,
                                 .base = read_base };
    e = aof_load_run(&t->load, why);
    if (e != OK) return e == ERR_NOT_DONE ? ERR_FORMAT : e;
    /* A torn end was never durable; anything else is damage before the moment. */
    if (t->quiet.n_bad > t->quiet.n_torn) return why_put(why, ERR_FORMAT, "%s", t->first_bad);
    return OK;
}

/* Can it be told what was there at that time? */
static enum err judge(const struct restore *t, char *why)
{
    const struct aof_load *l = &t->load;
    char asked[32], other[32];

    time_text(t->until_s, asked, sizeof asked);
    if (t->base.ctime > t->until_s)
        return why_put(why, ERR_FORMAT, "%s lies before the base of the log, which is of %s", asked,
                       time_text(t->base.ctime, other, sizeof other));
    if (l->first_s == 0 && l->until_at == SIZE_MAX)
        return why_put(why, ERR_FORMAT, "The log has no annotations of time (aof-timestamp-enabled yes makes them)");
    if (l->first_s == 0 && (l->commands > 0 || t->base.ctime == 0))
        return why_put(why, ERR_FORMAT, "%s lies before the first time in the log", asked);
    return OK;
}

/* --- copying --------------------------------------------------------------------------------------------------- */

static enum err failed(const char *what, char *why)
{
    return why_put(why, ERR_IO, "%s: %s", what, strerror(errno));
}

static void count(void *arg, const char *name)
{
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) ++*(unsigned *)arg;
}

static enum err make_target(const struct restore *t, char *dir, char *why)
{
    unsigned names = 0;

    if (snprintf(dir, PATH_MAX, "%s/%s", t->target, t->place.dirname) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return failed(t->target, why);
    }
    if (t->ops->exists(t->ops->ctx, t->target) == 1) {
        if (t->ops->list(t->ops->ctx, t->target, count, &names) != 0) return failed(t->target, why);
        if (names > 0) return why_put(why, ERR_NOT_DONE, "%s is not empty", t->target);
    }
    if (t->ops->make_dir(t->ops->ctx, t->target) != 0) return failed(t->target, why);
    return t->ops->make_dir(t->ops->ctx, dir) == 0 ? OK : failed(dir, why);
}

static enum err copy_one(const struct restore *t, const char *dir, const char *name, uint64_t n, bool is_base, char *why)
{
    char from[PATH_MAX], to[PATH_MAX];
    int r;

    aof_set_path(t->set, name, from);
    if (snprintf(to, sizeof to, "%s/%s", dir, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return failed(dir, why);
    }
    r = !is_base ? aof_copy(t->ops, from, to, n, t->id)
        : rdb_copy(t->ops, from, to, t->base_is_rdb ? t->base.log_id : "", t->id);
    return r == 0 ? OK : failed(to, why);
}

static enum err copy_files(const struct restore *t, const char *dir, struct manifest *m, char *why)
{
    const struct aof_load *l = &t->load;
    const struct manifest_file *f = manifest_base(l->m);
    enum err e = OK;

    if (f) {
        e = copy_one(t, dir, f->name, UINT64_MAX, true, why);
        manifest_add_base(m, f->name, f->seq);
    }
    for (size_t i = 0; i < l->n && e == OK; i++) {
        f = manifest_incr(l->m, i);
        if (l->ends[i] == 0) continue; /* nothing of it counts */
        e = copy_one(t, dir, f->name, l->ends[i], false, why);
        manifest_add_incr(m, f->name, f->seq);
    }
    return e;
}

static enum err copy(const struct restore *t, char *why)
{
    char dir[PATH_MAX], name[2 * NAME_MAX];
    struct manifest m = { 0 };
    enum err e = make_target(t, dir, why);

    if (e == OK) e = copy_files(t, dir, &m, why);
    snprintf(name, sizeof name, "%s.manifest", t->place.filename);
    if (e == OK && manifest_write(&m, t->ops, dir, name) != OK) e = failed(dir, why);
    if (e == OK && t->ops->sync_dir(t->ops->ctx, t->target) != 0) e = failed(t->target, why);
    manifest_fini(&m);
    return e;
}

/* What was written is read once more. */
static enum err verify(struct restore *t, char *why)
{
    enum err e;

    t->quiet = (struct report){ .say = note_bad, .ctx = t };
    t->first_bad[0] = 0;
    e = check_path(&t->check, t->target, why);
    return e == OK && t->quiet.n_bad ? why_put(why, ERR_FORMAT, "%s", t->first_bad) : e;
}

static void tell(const struct restore *t, struct report *report)
{
    const struct aof_load *l = &t->load;
    char last[32] = "the base's making", asked[32];

    if (l->last_s) time_text(l->last_s, last, sizeof last);
    report_line(report, "%s: as of %s: the last change is of %s (%lld), log offset %llu", t->target,
                time_text(t->until_s, asked, sizeof asked), last, (long long)l->last_s, (unsigned long long)l->offset);
    if (l->until_at == SIZE_MAX) report_line(report, "The log ends there: nothing in it is of a later time");
    report_line(report, "Start it with --dir %s --appendonly yes", t->target);
}

enum err restore_to(const struct file_ops *ops, const char *dir, const char *target, int64_t wall_ms,
                    struct report *report, char *why)
{
    struct restore t = { .ops = ops, .until_s = wall_ms / 1000, .target = target };
    unsigned char id[PERSIST_ID / 2];
    enum err e;

    if (!aof_place_find(ops, dir, &t.place)) return why_put(why, ERR_FORMAT, "%s: there is no log in it", dir);
    t.quiet = (struct report){ .say = note_bad, .ctx = &t };
    check_init(&t.check, ops, &t.quiet);
    rng_secret(id, sizeof id);
    for (size_t i = 0; i < sizeof id; i++) snprintf(t.id + 2 * i, 3, "%02x", id[i]);
    e = look(&t, why);
    if (e == OK) e = judge(&t, why);
    if (e == OK) e = copy(&t, why);
    if (e == OK) e = verify(&t, why);
    if (e == OK) tell(&t, report);
    aof_load_fini(&t.load);
    aof_set_free(&t.set);
    check_fini(&t.check);
    return e;
}
