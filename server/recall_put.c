/* recall_put.c -- see recall_put.h. */
#include "server/recall_put.h"

#include "base/mem.h"
#include "base/num.h"
#include "server/dispatch.h"
#include "storage/db.h"
#include "storage/namespace.h"

static int64_t ttl_of(struct server *s, const struct namespace *ns)
{
    int64_t ttl = ns->rules.ttl_ms, most = ttl / 100 * ns->rules.jitter_percent;

    return most > 0 ? ttl - (int64_t)rng_below(&s->store->rng, (uint64_t)most) : ttl;
}

int64_t recall_expires_at(struct server *s, struct str key, int64_t expires_ms)
{
    const struct namespace *ns = ns_of_key(s->store, key);
    int64_t now = server_now_ms(s);

    if (expires_ms > now) return expires_ms;
    if (ns != NULL && ns->rules.ttl_ms > 0) return now + ttl_of(s, ns);
    if (expires_ms < 0 || s->conf->archive_recall_ttl == 0) return -1;
    return now + s->conf->archive_recall_ttl * 1000;
}

static bool has_quota(const struct namespace *ns)
{
    return ns->rules.maxkeys > 0 || ns->rules.maxmemory > 0;
}

const char *recall_refusal(struct server *s, struct str key, size_t bytes)
{
    enum { BUDGET_US = 500 };
    struct namespace *ns = ns_of_key(s->store, key);
    const char *why = dispatch_write_refusal(s, CMD_WRITE | CMD_DENYOOM);

    if (UNLIKELY(why != NULL)) return why;
    if (UNLIKELY(!mem_can(2 * bytes)) || dispatch_make_room(s) == MEMORY_OUT) return err_text(ERR_OOM);
    if (ns != NULL && has_quota(ns) && !ns_make_room(s->store, ns, 1, bytes, BUDGET_US)) {
        return "OOM namespace: no room to bring the key back from the archive within maxkeys and maxmemory.";
    }
    return NULL;
}

static void log_time(struct server *s, int db, struct str key, int64_t at_ms)
{
    char num[NUM_TEXT_MAX];
    struct str argv[3] = { STR("PEXPIREAT"), key, { num, num_i64(num, at_ms) } };

    if (at_ms < 0) argv[0] = STR("PERSIST");
    persist_append(s->persist, db, at_ms < 0 ? 2 : 3, argv);
}

bool recall_keep(struct server *s, int db, struct str key, const char **refusal)
{
    struct slot slot;
    int64_t at_ms;

    if (LIKELY(!db_find_kept(s->store->dbs[db], key, &slot))) return false;
    *refusal = dispatch_write_refusal(s, CMD_WRITE);
    if (*refusal != NULL) return true;
    at_ms = recall_expires_at(s, key, entry_expire_at(slot.ref.e));
    db_set_expire(&slot, at_ms);
    db_tell(&slot, CHANGE_RECALLED);
    log_time(s, db, key, at_ms);
    return true;
}

static void log_restore(struct server *s, int db, struct str key, struct str payload, int64_t at_ms, bool replace)
{
    char num[NUM_TEXT_MAX];
    struct str argv[6] = { STR("RESTORE"), key, STR("0"), payload };
    size_t n = 4;

    if (at_ms >= 0) {
        argv[2] = str_of(num, num_i64(num, at_ms));
        argv[n++] = STR("ABSTTL");
    }
    if (replace) argv[n++] = STR("REPLACE");
    persist_append(s->persist, db, n, argv);
}

enum err recall_put(struct server *s, int db, struct str key, struct str payload, int64_t expires_at)
{
    struct namespace *ns;
    struct entry *made;
    struct slot slot;
    bool replace;
    enum err e = persist_restore(s->store, key, payload, expires_at, &made);

    if (e != OK) return e == ERR_NOT_DONE ? ERR_DUMP_PAYLOAD : ERR_DUMP_FORMAT;
    persist_group_begin(s->persist);
    replace = db_find_write(s->store->dbs[db], key, &slot);
    if (replace) db_replace(&slot, s->store->conf.lazy_server_del);
    db_add(&slot, made);
    db_tell(&slot, CHANGE_RECALLED);
    log_restore(s, db, key, payload, expires_at, replace);
    persist_group_end(s->persist);
    ns = ns_of_key(s->store, key);
    if (ns != NULL) ns->stats.recalled++;
    return OK;
}
