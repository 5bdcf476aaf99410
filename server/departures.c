/* departures.c -- from changes to notes. See departures.h; archive_life.c opens and closes the archive. */
#include "server/departures.h"

#include "base/mem.h"
#include "base/num.h"
#include "server/client.h"
#include "server/departing.h"
#include "server/recall.h"
#include "storage/namespace.h"

/* --- notes ---------------------------------------------------------------------------------------------------- */

/* The namespace's rules of this moment go with it: the archive knows no rules. */
static struct archive_note note_of(struct server *s, enum archive_verb verb, int db, struct str key,
                                   const struct namespace *ns)
{
    struct archive_note n = { .verb = verb, .db = db, .at_ms = s->store->now_ms, .expires_ms = -1, .key = key,
                              .ns = STR("") };

    if (!ns) return n;
    n.ns = str_c(ns->pattern);
    n.retain_ms = ns->rules.retain_ms;
    n.versions = ns->rules.versions;
    return n;
}

/* Queue it, and append it to the log: the caller's group is open, or there is nothing else that belongs to it. */
static uint64_t put(struct server *s, const struct archive_note *n, struct buf *payload)
{
    struct str argv[2] = { STR("ECHO") };
    struct archive_note told = *n;

    archive_put(s->archive, &told, payload, &argv[1]);
    persist_append(s->persist, n->db < 0 ? 0 : n->db, 2, argv);
    s->departing->noted = true;
    return archive_last_seq(s->archive);
}

uint64_t departures_tell(struct server *s, const struct archive_note *n)
{
    struct archive_note told = *n;
    struct buf payload = { 0 };
    const char *why;

    if (departures_archive(s, &why) == NULL) return 0;
    if (told.at_ms == 0) told.at_ms = s->store->now_ms;
    buf_add_str(&payload, n->payload);
    return put(s, &told, &payload);
}

/* --- values ---------------------------------------------------------------------------------------------------- */

static void count_dropped(struct server *s, struct namespace *ns)
{
    if (ns) ns->stats.dropped++;
    if (s->archive) archive_dropped(s->archive, 1);
}

/* Memory may be several times what DUMP makes of it: only what is far beyond the limit is not even tried. */
static bool is_far_too_large(const struct server *s, const struct entry *e)
{
    enum { PACKED = 8 };

    return db_weight(e) / PACKED > s->conf->archive_max_value;
}

/* A version of the key with this payload, which is taken over. False: it is not archived. Where nothing may be lost
 * departures_may_leave or departures_refusal has been asked, and what comes all the same (a write finds a key that has
 * expired; a script removes many) is taken beyond the queue's size. */
static bool out(struct server *s, struct archive_note *n, struct namespace *ns, struct buf *payload)
{
    bool fits = payload->n <= s->conf->archive_max_value, must = s->conf->archive_on_full == CONF_ON_FULL_REFUSE;

    if (fits && (must || archive_has_room(s->archive, payload->n))) {
        put(s, n, payload);
        if (ns) ns->stats.archived++;
        return true;
    }
    count_dropped(s, ns);
    buf_fini(payload);
    return false;
}

static bool out_value(struct server *s, const struct db *db, const struct entry *e, enum archive_reason reason,
                      unsigned flags)
{
    struct namespace *ns = ns_of(s->store, e);
    struct archive_note n = note_of(s, ARCHIVE_OUT, db->id, entry_key(e), ns);
    struct buf payload = { 0 };
    const char *why;

    if (departures_archive(s, &why) == NULL || is_far_too_large(s, e)) {
        count_dropped(s, ns);
        return false;
    }
    n.reason = reason;
    n.flags = flags;
    n.expires_ms = entry_expire_at(e);
    persist_dump_plain(s->store, e, &payload);
    return out(s, &n, ns, &payload);
}

bool departures_put(struct server *s, int db, const struct entry *e, bool live)
{
    bool done = out_value(s, s->store->dbs[db], e, ARCHIVE_ASKED, live ? ARCHIVE_LIVE : 0);

    if (done && live) s->departing->moved = e;
    return done;
}

/* --- what the store tells ---------------------------------------------------------------------------------------- */

static bool wants(const struct server *s, const struct entry *e, unsigned how)
{
    const struct namespace *ns;

    if (LIKELY(!ns_needs(s->store, how))) return false;
    ns = ns_of(s->store, e);
    return ns && (ns->rules.archive & how);
}

/* No version of the key that is in the archive is to come back by itself. Of keys without a namespace none does, and
 * while the archive cannot tell what it has there would be a note for each key that is made. */
static void gone(struct server *s, int db, struct str key)
{
    struct archive_note n = note_of(s, ARCHIVE_GONE, db, key, NULL);
    struct buf none = { 0 };

    recall_cancel(s, db, key);
    if (!s->archive || !archive_may_have(s->archive, db, key)) return;
    if (!archive_is_sure(s->archive) && ns_of_key(s->store, key) == NULL) return;
    put(s, &n, &none);
}

/* A value that its last element has left is none. (A string may be empty.) */
static bool is_emptied(const struct server *s, const struct entry *e)
{
    return entry_type(e) != VALUE_STRING && type_ops[entry_type(e)]->count(s->store, e) == 0;
}

static void on_deleted(struct server *s, const struct change *ch)
{
    if (ch->e == s->departing->moved) { /* ARCHIVE.MOVE: it is told already */
        s->departing->moved = NULL;
        return;
    }
    gone(s, ch->db, ch->key);
    if (wants(s, ch->e, NS_DELETE) && !is_emptied(s, ch->e))
        out_value(s, s->store->dbs[ch->db], ch->e, ARCHIVE_DELETED, 0);
}

static void on_flushed(struct server *s, int db)
{
    struct archive_note n = note_of(s, ARCHIVE_FLUSHED, db, STR(""), NULL);
    struct buf none = { 0 };

    if (s->archive) put(s, &n, &none);
}

static void on_swapped(struct server *s, int a, int b)
{
    struct archive_note n = note_of(s, ARCHIVE_SWAPPED, a, STR(""), NULL);
    struct buf other = { 0 };

    if (!s->archive) return;
    buf_printf(&other, "%d", b);
    put(s, &n, &other);
}

void departures_on_change(struct server *s, const struct change *ch)
{
    struct db *db = s->store->dbs[ch->db];

    if (UNLIKELY(s->store->loading)) return;
    switch (ch->kind) {
    case CHANGE_EXPIRED:
        if (wants(s, ch->e, NS_EXPIRE)) out_value(s, db, ch->e, ARCHIVE_EXPIRED, ARCHIVE_LIVE);
        break;
    case CHANGE_EVICTED:
        if (wants(s, ch->e, NS_EVICT)) out_value(s, db, ch->e, ARCHIVE_EVICTED, ARCHIVE_LIVE);
        break;
    case CHANGE_DEL: on_deleted(s, ch); break;
    case CHANGE_NEW:
    case CHANGE_RENAME_FROM:
    case CHANGE_MOVE_FROM: gone(s, ch->db, ch->key); break;
    case CHANGE_FLUSH: on_flushed(s, ch->db); break;
    case CHANGE_SWAP: on_swapped(s, ch->db, ch->db2); break;
    default: break;
    }
}

static void on_overwritten(void *ctx, const struct db *db, const struct entry *e)
{
    struct server *s = ctx;

    if (!s->store->loading && wants(s, e, NS_OVERWRITE)) out_value(s, db, e, ARCHIVE_OVERWRITTEN, 0);
}

static void on_trimmed(void *ctx, const struct db *db, const struct entry *e, bool from_end, uint64_t n)
{
    struct server *s = ctx;
    struct namespace *ns;
    struct archive_note note;
    struct buf payload = { 0 };
    const char *why;

    if (s->store->loading || n == 0 || !wants(s, e, NS_TRIM)) return;
    ns = ns_of(s->store, e);
    note = note_of(s, ARCHIVE_OUT, db->id, entry_key(e), ns);
    note.reason = ARCHIVE_TRIMMED;
    if (departures_archive(s, &why) == NULL || !departing_part(s, e, from_end, n, &payload)) count_dropped(s, ns);
    else out(s, &note, ns, &payload);
}

/* --- may it? ------------------------------------------------------------------------------------------------------- */

/* The archive takes nothing now, and nothing may be lost. */
static bool refuses(struct server *s, size_t bytes)
{
    const char *why;

    if (s->conf->archive_on_full == CONF_ON_FULL_DROP) return false;
    return departures_archive(s, &why) == NULL || !archive_has_room(s->archive, bytes);
}

bool departures_are_slow(const struct server *s)
{
    enum { SOME = 64 * 1024 };

    if (s->archive == NULL || s->conf->archive_on_full == CONF_ON_FULL_DROP) return false;
    return UNLIKELY(!archive_has_room(s->archive, SOME)) && !archive_is_failing(s->archive);
}

bool departures_may_leave(struct server *s, const struct entry *e, unsigned how)
{
    if (!wants(s, e, how) || is_far_too_large(s, e)) return true;
    return !refuses(s, db_weight(e));
}

static bool may_leave(void *ctx, const struct db *db, const struct entry *e, bool expired)
{
    (void)db;
    return departures_may_leave(ctx, e, expired ? NS_EXPIRE : NS_EVICT);
}

const char *departures_refusal(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    enum { REMOVALS = NS_DELETE | NS_OVERWRITE | NS_TRIM };
    struct server *s = c->server;
    struct key_ref *refs;
    long n;

    if (LIKELY(!ns_needs(s->store, REMOVALS))) return NULL;
    if (!(cmd->flags & CMD_WRITE) || LIKELY(!refuses(s, 0))) return NULL;
    refs = arena_alloc(&s->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) {
        const struct namespace *ns = ns_of_key(s->store, argv[refs[i].at]);

        if (ns && (ns->rules.archive & REMOVALS))
            return "OOM the archive takes nothing now, and archive-on-full is refuse (INFO archive says more)";
    }
    return NULL;
}

/* Key flags by which a command that has succeeded leaves no old value. Some only overwrite what is there, or what
 * is not (SET XX, MSETNX); those that store a result remove the key when that is empty. */
static unsigned replaced_keys(const struct command *cmd)
{
    switch (cmd->group) {
    case GROUP_SET: case GROUP_SORTED_SET: case GROUP_GEO: case GROUP_BITMAP: return KEY_RM | KEY_OW;
    default: return KEY_RM;
    }
}

void departures_after(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    unsigned flags = replaced_keys(cmd);
    struct server *s = c->server;
    struct key_ref *refs;
    struct db *db = client_db(c);
    long n;

    if (!((cmd->keys[0].flags | cmd->keys[1].flags) & flags)) return;
    refs = arena_alloc(&s->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) {
        struct str key = argv[refs[i].at];

        if ((refs[i].flags & flags) && archive_may_have(s->archive, db->id, key) && !db_peek(db, key))
            gone(s, db->id, key);
    }
}

/* --- the hooks ------------------------------------------------------------------------------------------------------- */

void departing_hook(struct server *s)
{
    s->departing->hooks = (struct departures){ .ctx = s, .overwritten = on_overwritten, .trimmed = on_trimmed,
                                              .may_leave = may_leave };
    s->store->departures = &s->departing->hooks;
}
