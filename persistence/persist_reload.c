/* persist_reload.c -- the files once more, while the daemon runs: DEBUG RELOAD, DEBUG LOADAOF.
 *
 * What is there is put aside, not freed, until what the files hold has been read: on failure it comes back. */
#include "persistence/aof_set.h"
#include "persistence/persist_impl.h"
#include "persistence/why.h"
#include "persistence/write_log.h"
#include "storage/store.h"

static enum err add_content(struct persist *p, enum err (*load)(struct persist *p, char *why), char *why)
{
    struct store *s = p->env.store;
    bool was_loading = s->loading;
    uint64_t dirty = s->stats.dirty;
    enum err e;

    s->loading = true;
    p->loading = true;
    p->keys_loaded = p->keys_expired = 0;
    p->progress = (struct persist_progress){ .started_us = p->env.mono_us() };
    p->last_progress_us = INT64_MAX; /* nobody else is served meanwhile */
    e = load(p, why);
    p->loading = false;
    s->loading = was_loading;
    p->last_progress_us = 0;
    s->stats.dirty = dirty;
    return e;
}

/* Load into the emptied store; on failure the old content comes back. */
static enum err replace_content(struct persist *p, enum err (*load)(struct persist *p, char *why), char *why)
{
    struct store *s = p->env.store;
    const struct persist_libraries *beside[] = { p->env.libraries, p->env.definitions };
    struct store_aside *old;
    bool was_loading = s->loading;
    enum err e;

    persist_cancel(p);
    s->loading = true; /* nothing has left that anybody was to hear of */
    for (int i = 0; i < 2; i++) /* first: that the store is emptied concerns none of it, and may have to be undone */
        if (beside[i]) beside[i]->put_aside(beside[i]->ctx);
    old = store_put_aside(s);
    e = add_content(p, load, why);
    if (e == OK) store_drop_aside(s, &old);
    else store_take_back(s, &old);
    for (int i = 0; i < 2; i++) {
        if (beside[i] && e == OK) beside[i]->drop_aside(beside[i]->ctx);
        else if (beside[i]) beside[i]->take_back(beside[i]->ctx);
    }
    s->loading = was_loading;
    return e;
}

enum err persist_reload(struct persist *p, unsigned how, char *why)
{
    enum err e;

    persist_cancel(p);
    if (!(how & PERSIST_NO_SAVE) && !persist_save_now(p, false))
        return why_put(why, ERR_IO, "The snapshot %s could not be saved", p->rdb_path);
    p->merging = (how & PERSIST_MERGE) != 0;
    e = how & PERSIST_NO_FLUSH ? add_content(p, persist_read_snapshot, why)
                               : replace_content(p, persist_read_snapshot, why);
    p->merging = false;
    return e;
}

/* With the log off there may be files of a rewrite that was asked for, or of a time when it was on. */
static enum err find_files(struct persist *p, char *why)
{
    const struct manifest *m = aof_set_manifest(p->set);
    bool there = manifest_base(m) || manifest_n_incr(m) > 0;
    enum err e = there ? OK : aof_set_read(p->set, &there, why);

    there = manifest_base(m) || manifest_n_incr(m) > 0;
    if (e == OK && !there) return why_put(why, ERR_NOT_DONE, "there is no AOF");
    return e;
}

enum err persist_load_log(struct persist *p, char *why)
{
    enum err e;

    if (p->turning_on) return why_put(why, ERR_NOT_DONE, "appendonly is being turned on");
    persist_cancel(p);
    if (!write_log_is_on(p->log)) {
        e = find_files(p, why);
        return e == OK ? replace_content(p, persist_read_log, why) : e;
    }
    write_log_turn_end(p->log, p->env.store->now_ms);
    if (!write_log_drain(p->log)) return why_put(why, ERR_IO, "The AOF could not be synced");
    return replace_content(p, persist_read_log, why);
}
