/* persist_salvage.c -- a start from files that are damaged: what is whole is loaded, and becomes new files.
 *
 * The order matters: the original is kept first, then everything is read, then a new base (or snapshot) is
 * written, and only its manifest's rename lets the old files go. Whenever that ends, the directory is as it was
 * or is whole. The log gets a new name and new files: what it holds is no longer what its old name stood for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "persistence/aof_load.h"
#include "persistence/aof_set.h"
#include "persistence/file_ops.h"
#include "persistence/generations.h"
#include "persistence/originals.h"
#include "persistence/persist_impl.h"
#include "persistence/report.h"
#include "persistence/why.h"
#include "persistence/write_log.h"
#include "storage/store.h"

static void say(void *ctx, const char *line)
{
    struct persist *p = ctx;

    log_warning(p->env.log, "%s", line);
}

static bool parts_allowed(const struct persist *p)
{
    return p->conf.recover != PERSIST_REPAIR;
}

/* --- the snapshot -------------------------------------------------------------------------------------------- */

/* The snapshot before the newest one takes its place, when it is whole. */
static enum err go_back(struct persist *p, struct report *r, const char *previous, char *why)
{
    uint64_t offset = 0;
    char id[PERSIST_ID + 1] = "";
    enum err e;

    persist_forget_content(p);
    e = persist_load_rdb(p, previous, &offset, id, why);
    if (e != OK) return e;
    if (p->ops->rename(p->ops->ctx, previous, p->rdb_path) != 0 || p->ops->sync_dir(p->ops->ctx, p->conf.dir) != 0)
        return why_put(why, ERR_IO, "%s could not take the place of %s: %s", previous, p->rdb_path, strerror(errno));
    report_line(r, "%s: the snapshot before it has taken its place; what was changed since is lost", p->rdb_path);
    return OK;
}

/* What could be read of the newest becomes the snapshot. */
static enum err keep_part(struct persist *p, struct report *r, char *why)
{
    int generations = p->conf.generations;
    bool ok;

    report_line(r, "%s: %llu keys could be read, and are the data now", p->rdb_path,
                (unsigned long long)p->keys_loaded);
    p->conf.generations = 1; /* the damaged one is no generation */
    ok = persist_save_now(p, false);
    p->conf.generations = generations;
    return ok ? OK : why_put(why, ERR_IO, "The snapshot %s could not be saved", p->rdb_path);
}

static enum err salvage_snapshot(struct persist *p, struct report *r, char *why)
{
    uint64_t offset = 0;
    char id[PERSIST_ID + 1] = "", previous[PATH_MAX], reason[PERSIST_WHY];
    enum err e;

    e = persist_load_rdb(p, p->rdb_path, &offset, id, why);
    if (e != ERR_FORMAT) return e;
    report_bad(r, "%s", why);
    if (generations_previous(p->rdb_path, previous) && p->ops->exists(p->ops->ctx, previous) == 1) {
        e = go_back(p, r, previous, reason);
        if (e == OK || e == ERR_NOT_DONE || e == ERR_IO) return e == OK ? OK : why_put(why, e, "%s", reason);
        report_bad(r, "%s", reason);
    }
    if (!parts_allowed(p))
        return why_put(why, ERR_FORMAT, "%s cannot be read, and there is no whole snapshot before it: --salvage as well "
                       "keeps the keys that can be read", p->rdb_path);
    persist_forget_content(p);
    e = persist_load_rdb(p, p->rdb_path, &offset, id, reason);
    return e == ERR_FORMAT ? keep_part(p, r, why) : why_put(why, e, "%s", reason);
}

/* --- the log --------------------------------------------------------------------------------------------------- */

static enum err read_manifest(struct persist *p, struct report *r, char *why)
{
    bool there = false;
    enum err e = aof_set_read(p->set, &there, why);

    if (e == OK && there) return OK;
    if (e != OK && e != ERR_FORMAT) return e;
    if (e == OK) why_put(why, OK, "%s/%s: there is no manifest", p->conf.dir, p->conf.appenddirname);
    report_bad(r, "%s", why);
    e = aof_set_rebuild(p->set, r);
    return e == OK ? OK : why_put(why, e, "%s/%s: %s", p->conf.dir, p->conf.appenddirname, strerror(errno));
}

static enum err read_log(struct persist *p, struct aof_load *l, struct report *r, const struct manifest *m, char *why)
{
    *l = persist_aof_load_of(p);
    l->mode = AOF_SALVAGE;
    l->report = r;
    l->m = m;
    return persist_run_load(p, l, why);
}

static size_t count_keys(const struct persist *p)
{
    size_t n = 0;

    for (int i = 0; i < p->env.store->conf.databases; i++) n += p->env.store->dbs[i]->n_keys;
    return n;
}

/* Begin anew: from the generation before the base, or from the base as it is. */
static enum err read_again(struct persist *p, struct aof_load *l, struct report *r, bool from_old, char *why)
{
    struct manifest old;
    size_t n_old;
    enum err e;

    aof_load_fini(l);
    *l = (struct aof_load){ 0 };
    persist_forget_content(p);
    if (!from_old) return read_log(p, l, r, NULL, why);
    if (!manifest_fall_back(aof_set_manifest(p->set), &old, &n_old)) return ERR_NOT_DONE;
    e = read_log(p, l, r, &old, why);
    l->m = NULL;
    manifest_fini(&old);
    return e;
}

/* The base is damaged: from the generation before it, if that base is whole; else from what gives more. */
static enum err read_without_base(struct persist *p, struct aof_load *l, struct report *r, char *why)
{
    const struct manifest *m = aof_set_manifest(p->set);
    bool has_old = manifest_previous(m) < m->n;
    size_t keys = count_keys(p);
    enum err e = OK;

    if (has_old) {
        report_line(r, "The base before it:");
        e = read_again(p, l, r, true, why);
        if (e != OK || !l->base_bad) return e;
    }
    if (!parts_allowed(p))
        return why_put(why, ERR_FORMAT, "%s/%s: the base cannot be read, and there is none before it: --salvage as well "
                       "keeps the keys that can be read, and what the log says of them", p->conf.dir,
                       p->conf.appenddirname);
    if (!has_old || count_keys(p) >= keys) return e; /* the store has what gives more */
    report_line(r, "More can be read of the base as it is:");
    return read_again(p, l, r, false, why);
}

/* The log is on, but there is none yet: the snapshot's data becomes its base. */
static enum err begin_log(struct persist *p, struct report *r, char *why)
{
    enum err e = salvage_snapshot(p, r, why);

    return e == OK ? persist_start_aof(p, why) : e;
}

static enum err salvage_log(struct persist *p, struct report *r, char *why)
{
    struct aof_load l = { 0 };
    uint64_t offset;
    bool there = false;
    enum err e = aof_set_read(p->set, &there, why);

    if (e == OK && aof_set_manifest(p->set)->n == 0 && (there || !aof_set_is_orphaned(p->set)))
        return begin_log(p, r, why);
    e = read_manifest(p, r, why);
    if (e != OK) return e;
    e = read_log(p, &l, r, NULL, why);
    if (e == OK && l.base_bad) e = read_without_base(p, &l, r, why);
    offset = l.offset;
    aof_load_fini(&l);
    if (e != OK) return e;
    if (r->refused) report_line(r, "%llu commands could not be applied", (unsigned long long)r->refused);
    write_log_set_history(p->log, write_log_id(p->log), offset);
    e = persist_start_aof(p, why);
    if (e == OK) aof_set_sweep(p->set, false);
    return e;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

enum err persist_salvage(struct persist *p, char *why)
{
    struct report r = { .say = say, .ctx = p };
    char kept[PATH_MAX];
    enum err e;

    if (p->conf.recover == PERSIST_SALVAGE) {
        log_warning(p->env.log, "%s. What is whole is salvaged, as asked for", why);
        e = originals_keep(p->ops, p->conf.dir, p->conf.appenddirname, p->env.store->now_ms, kept, why);
        if (e != OK) return e;
        log_warning(p->env.log, "The original is kept in %s", kept);
    }
    persist_forget_content(p);
    return p->conf.appendonly ? salvage_log(p, &r, why) : salvage_snapshot(p, &r, why);
}
