/* namespaces.c -- see namespaces.h; namespace_quota.c has what comes before a command.
 *
 * Time to live. A write that leaves a key without one gives it the namespace's, but for PERSIST, whose point it is
 * to have none; that holds until the next write. A time that the command itself has set (SET EX, EXPIRE, RESTORE,
 * also one that KEEPTTL kept or RENAME brought along) is left alone.
 *
 * Sliding. Any other write, and any read of the value, moves the end to ttl from now, if that is later. In memory
 * that is exact. In the log it would be a line for each read: so the log knows the end rounded up to a grid of a
 * 32nd of ttl, at least a second, and gets a line only when that has changed. After a restart a key may so live
 * longer by a part of the grid. No event is told of it: to WATCH and to those who cache, nothing has changed.
 *
 * Jitter is taken from the key's hash: keys written together end apart, and renewing one does not move it to and
 * fro. */
#include "server/namespaces.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"
#include "conf/args.h"
#include "conf/list.h"
#include "server/departures.h"
#include "server/namespace_impl.h"
#include "server/namespace_rules.h"
#include "storage/type_list.h"
#include "storage/type_stream.h"

/* --- rules ----------------------------------------------------------------------------------------------- */

static struct namespacing *get(struct server *s)
{
    if (s->namespacing == NULL) s->namespacing = mem_zalloc(sizeof *s->namespacing);
    return s->namespacing;
}

static enum err take(struct server *s, struct str pattern, const struct ns_rules *rules, char *why)
{
    enum err e = ns_set(s->store, pattern, rules);

    if (e == OK && rules->durability == NS_DURABLE_ALWAYS && !s->conf->appendonly) {
        log_warning(s->log, "namespace %.*s: durability always needs appendonly yes: there is no log to wait for",
                    (int)pattern.n, pattern.p);
    }
    if (e == OK) get(s);
    else if (e != ERR_NOT_DONE) snprintf(why, PERSIST_WHY, "a pattern has 1 to %d bytes", NS_PATTERN_MAX);
    else snprintf(why, PERSIST_WHY, "there are %d namespaces already, which is the limit", NS_MAX);
    return e;
}

static bool take_line(struct server *s, struct arena *a, const char *line, char *why)
{
    struct ns_rules rules = { 0 };
    struct buf text = { 0 };
    struct str *words;
    size_t n;
    bool ok = args_split(a, str_c(line), &words, &n);

    if (!ok) buf_add_c(&text, "the quotes do not match");
    else ok = namespace_line_ok(words, n, &text) && namespace_rules_read(&rules, words + 1, n - 1, &text);
    if (!ok) {
        snprintf(why, PERSIST_WHY, "namespace %.128s: %.*s", line, (int)text.n, text.p);
    } else {
        if (ns_by_pattern(s->store, words[0]) != NULL) {
            log_warning(s->log, "namespace %.*s is given twice: the last line counts", (int)words[0].n, words[0].p);
        }
        ok = take(s, words[0], &rules, why) == OK;
    }
    buf_fini(&text);
    return ok;
}

bool namespaces_apply_conf(struct server *s, char *why)
{
    const struct conf_list *lines = &s->conf->namespaces;
    struct arena a;
    bool ok = true;

    arena_init(&a);
    for (size_t i = 0; i < lines->n && ok; i++) ok = take_line(s, &a, lines->items[i], why);
    arena_fini(&a);
    return ok;
}

void namespaces_close(struct server *s)
{
    struct namespacing *w = s->namespacing;

    if (w == NULL) return;
    buf_fini(&w->keys);
    mem_free(w->touched);
    mem_free(w->demands);
    mem_free(w);
    s->namespacing = NULL;
}

/* --- the settings, as CONFIG REWRITE will write them ----------------------------------------------------- */

static bool line_has(struct arena *a, const char *line, struct str pattern)
{
    struct str *words;
    size_t n;

    return args_split(a, str_c(line), &words, &n) && n > 0 && str_eq(words[0], pattern);
}

/* The lines of other patterns stay as somebody wrote them. NULL: there is to be none. */
static void replace_line(struct server *s, struct str pattern, const struct buf *line)
{
    struct conf_list *l = &s->conf->namespaces, new = { 0 };
    bool placed = line == NULL;
    struct arena a;

    arena_init(&a);
    for (size_t i = 0; i < l->n; i++) {
        if (!line_has(&a, l->items[i], pattern)) conf_list_add(&new, str_c(l->items[i]));
        else if (!placed) conf_list_add(&new, buf_str(line));
        else continue;
        placed |= line_has(&a, l->items[i], pattern);
    }
    if (!placed) conf_list_add(&new, buf_str(line));
    arena_fini(&a);
    conf_list_fini(l);
    *l = new;
}

bool namespaces_set(struct server *s, struct str pattern, const struct ns_rules *rules, char *why)
{
    struct buf line = { 0 };
    const char *text;
    size_t n;

    if ((rules->archive != 0 || rules->audit != 0) && departures_archive(s, &text) == NULL) {
        snprintf(why, PERSIST_WHY, "%s", text + strlen("ERR "));
        return false;
    }
    if (take(s, pattern, rules, why) != OK) return false;
    args_quote_if_needed(&line, pattern);
    buf_add_char(&line, ' ');
    n = line.n;
    namespace_rules_show(rules, &line);
    if (line.n == n) line.n--;
    replace_line(s, pattern, &line);
    buf_fini(&line);
    return true;
}

bool namespaces_del(struct server *s, struct str pattern)
{
    if (!ns_del(s->store, pattern)) return false;
    replace_line(s, pattern, NULL);
    return true;
}

/* --- what a command has touched -------------------------------------------------------------------------- */

/* What the change means for the key's time and length; 0: nothing. */
static unsigned meaning(const struct change *ch)
{
    switch (ch->kind) {
    case CHANGE_DEL: case CHANGE_EXPIRED: case CHANGE_EVICTED: case CHANGE_HEXPIRED: case CHANGE_RENAME_FROM:
    case CHANGE_MOVE_FROM: case CHANGE_FLUSH: case CHANGE_SWAP: case CHANGE_MISS: case CHANGE_NEW: return 0;
    case CHANGE_SET: case CHANGE_RESTORE: case CHANGE_COPY_TO: case CHANGE_RENAME_TO: case CHANGE_MOVE_TO:
    case CHANGE_EXPIRE: return TOUCHED | TOUCHED_OWN_TIME;
    case CHANGE_PERSIST: return TOUCHED | TOUCHED_OWN_TIME | TOUCHED_FOR_EVER;
    case CHANGE_LPUSH: return TOUCHED | TOUCHED_LEFT;
    default: return TOUCHED;
    }
}

static void remember(struct namespacing *w, const struct change *ch, unsigned how)
{
    struct touched *last = w->n_touched > 0 ? &w->touched[w->n_touched - 1] : NULL;

    if (last && last->db == ch->db && str_eq(str_of(w->keys.p + last->at, last->n), ch->key)) {
        /* The end that was pushed at last is the one that stays. */
        if (ch->kind == CHANGE_LPUSH || ch->kind == CHANGE_RPUSH) last->how &= ~(unsigned)TOUCHED_LEFT;
        last->how |= how;
        return;
    }
    if (w->n_touched == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 8;
        w->touched = mem_realloc(w->touched, w->cap * sizeof *w->touched);
    }
    w->touched[w->n_touched++] = (struct touched){ w->keys.n, ch->key.n, ch->db, how };
    buf_add_str(&w->keys, ch->key);
}

static void forget_touched(struct namespacing *w)
{
    enum { KEEP = 1024 };

    w->n_touched = 0;
    buf_clear(&w->keys);
    if (LIKELY(w->cap <= KEEP && w->keys.cap <= 64 * KEEP)) return;
    buf_fini(&w->keys);
    mem_free(w->touched);
    w->touched = NULL;
    w->cap = 0;
}

unsigned namespaces_durability(const struct server *s, const struct change *ch)
{
    static const unsigned asks[] = {
        [NS_DURABLE_AS_SET] = NS_LOG_AS_SET, [NS_DURABLE_ALWAYS] = NS_LOG_ALWAYS,
        [NS_DURABLE_EVERYSEC] = NS_LOG_EVERYSEC, [NS_DURABLE_NO] = NS_LOG_NO,
    };
    const struct namespace *ns = ch->e ? ns_of(s->store, ch->e) : NULL;

    if (ch->kind == CHANGE_FLUSH || ch->kind == CHANGE_SWAP) return NS_LOG_AS_SET | NS_LOG_ALWAYS; /* keys of all */
    return ns ? asks[ns->rules.durability] : NS_LOG_AS_SET;
}

unsigned namespaces_take_durability(struct server *s)
{
    struct namespacing *w = s->namespacing;
    unsigned asks = w->durability;

    w->durability = 0;
    if ((asks & NS_LOG_EVERYSEC) && s->conf->appendfsync == CONF_FSYNC_NO && w->sync_due_us == 0) {
        w->sync_due_us = s->now_us + 1000000;
    }
    return asks;
}

static bool is_own_doing(enum change_kind k)
{
    return k == CHANGE_EXPIRED || k == CHANGE_EVICTED || k == CHANGE_HEXPIRED || k == CHANGE_MISS || k == CHANGE_NEW;
}

void namespaces_on_change(struct server *s, const struct change *ch)
{
    struct namespacing *w = s->namespacing;
    const struct namespace *ns;
    unsigned how;

    if (s->current == NULL || s->store->loading || (s->current->flags & CLIENT_LOADER)) return;
    if (ns_needs(s->store, NS_NEEDS_DURABILITY) && !is_own_doing(ch->kind)) w->durability |= namespaces_durability(s, ch);
    if (w->settling || !ns_needs(s->store, NS_NEEDS_TTL | NS_NEEDS_MAXLEN) || ch->e == NULL || ch->e->ns == 0) return;
    how = meaning(ch);
    if (how == 0) return;
    ns = ns_of(s->store, ch->e);
    if (ns != NULL && (ns->rules.ttl_ms > 0 || ns->rules.maxlen > 0)) remember(w, ch, how);
}

/* --- time to live ---------------------------------------------------------------------------------------- */

static int64_t due_at(const struct server *s, const struct ns_rules *r, uint64_t hash)
{
    enum { STEPS = 1024 };
    int64_t at = s->store->now_ms + r->ttl_ms, most;

    if (r->jitter_percent == 0) return at;
    most = r->ttl_ms / 100 * r->jitter_percent + r->ttl_ms % 100 * r->jitter_percent / 100;
    at -= most / STEPS * (int64_t)(hash >> 32 & (STEPS - 1)) + most % STEPS * (int64_t)(hash >> 32 & (STEPS - 1)) / STEPS;
    return at > s->store->now_ms ? at : s->store->now_ms + 1;
}

/* What the log knows of a time that slides. */
static int64_t on_grid(const struct ns_rules *r, int64_t at)
{
    int64_t step = r->ttl_ms / 32 > 1000 ? r->ttl_ms / 32 : 1000;

    return r->sliding ? (at + step - 1) / step * step : at;
}

static void log_time(struct server *s, int db, struct str key, int64_t at_ms)
{
    char text[NUM_TEXT_MAX];
    struct str argv[] = { STR("PEXPIREAT"), key, { text, num_i64(text, at_ms) } };

    persist_append(s->persist, db, 3, argv);
}

/* While the log cannot be written, readers must not make what waits for it longer. */
static bool may_log_reads(const struct server *s)
{
    return !persist_is_failing(s->persist) && persist_growth_refusal(s->persist) == NULL;
}

static void renew(struct server *s, struct slot *slot, const struct ns_rules *r, bool read)
{
    int64_t old = entry_expire_at(slot->ref.e), at = due_at(s, r, slot->ref.hash);

    if (at <= old) return;
    db_set_expire(slot, at);
    if (on_grid(r, at) == on_grid(r, old) || (read && !may_log_reads(s))) return;
    s->store->stats.dirty++;
    log_time(s, slot->db->id, slot->key, on_grid(r, at));
}

/* The first one; returned is what the log is to know of it. */
static int64_t begin_time(struct server *s, struct slot *slot, const struct ns_rules *r)
{
    int64_t at = due_at(s, r, slot->ref.hash);

    db_set_expire(slot, at);
    db_tell(slot, CHANGE_EXPIRE);
    return on_grid(r, at);
}

static void give_time(struct server *s, struct slot *slot, const struct ns_rules *r, unsigned how)
{
    if (r->ttl_ms == 0) return;
    if (!entry_expires(slot->ref.e)) {
        if (!(how & TOUCHED_FOR_EVER)) log_time(s, slot->db->id, slot->key, begin_time(s, slot, r));
    } else if (r->sliding && !(how & TOUCHED_OWN_TIME)) {
        renew(s, slot, r, false);
    }
}

static bool find_touched(struct server *s, const struct touched *t, struct slot *slot)
{
    bool no_touch = s->store->no_touch, found;

    s->store->no_touch = true; /* looking a key up once more is no use of it */
    found = db_find_write(s->store->dbs[t->db], str_of(s->namespacing->keys.p + t->at, t->n), slot);
    s->store->no_touch = no_touch;
    return found;
}

bool namespaces_log_set(struct client *c, const struct call *call)
{
    struct server *s = c->server;
    struct namespacing *w = s->namespacing;
    struct touched *t = w->touched;
    const struct namespace *ns;
    struct slot slot;
    char text[NUM_TEXT_MAX];

    if (w->n_touched != 1 || call->argc != 3 || strcmp(call->cmd->name, "set") != 0) return false;
    if (!find_touched(s, t, &slot) || entry_expires(slot.ref.e)) return false;
    ns = ns_of(s->store, slot.ref.e);
    if (ns == NULL || ns->rules.ttl_ms == 0) return false;
    w->settling = true;
    persist_append(s->persist, t->db, 5, (const struct str[]){
        STR("SET"), call->argv[1], call->argv[2], STR("PXAT"),
        { text, num_i64(text, begin_time(s, &slot, &ns->rules)) } });
    w->settling = false;
    t->how |= TOUCHED_OWN_TIME;
    return true;
}

/* --- length ---------------------------------------------------------------------------------------------- */

/* The newest stay: those at the end where it was pushed. */
static void trim_list(struct server *s, const struct slot *slot, uint64_t max, bool left)
{
    int64_t from = left ? 0 : -(int64_t)max, to = left ? (int64_t)max - 1 : -1;
    char start[NUM_TEXT_MAX], stop[NUM_TEXT_MAX];
    struct str argv[] = { STR("LTRIM"), slot->key, { start, num_i64(start, from) }, { stop, num_i64(stop, to) } };

    if (list_count(lists_of(slot->ref.e)) <= max || lists_trim(slot->db, slot->key, from, to) != OK) return;
    persist_append(s->persist, slot->db->id, 4, argv);
}

static void trim_stream(struct server *s, const struct slot *slot, uint64_t max)
{
    struct stream_trim how = { .by = STREAM_TRIM_MAXLEN, .max_len = max };
    struct stream_trimmed done = { 0 };
    char text[NUM_TEXT_MAX];
    struct str argv[] = { STR("XTRIM"), slot->key, STR("MAXLEN"), STR("="), { text, num_u64(text, max) } };

    if (stream_key_trim(slot->db, slot->key, &how, &done) != OK || done.removed == 0) return;
    persist_append(s->persist, slot->db->id, 5, argv);
}

static void trim(struct server *s, const struct slot *slot, uint64_t max, unsigned how)
{
    enum value_type type = entry_type(slot->ref.e);

    if (type == VALUE_LIST) trim_list(s, slot, max, how & TOUCHED_LEFT);
    else if (type == VALUE_STREAM) trim_stream(s, slot, max);
}

/* --- after a command ------------------------------------------------------------------------------------- */

static void settle(struct server *s, const struct touched *t)
{
    const struct namespace *ns;
    struct slot slot;

    if (!find_touched(s, t, &slot) || (ns = ns_of(s->store, slot.ref.e)) == NULL) return;
    if (ns->rules.maxlen > 0) {
        trim(s, &slot, ns->rules.maxlen, t->how);
        if (!find_touched(s, t, &slot)) return; /* it may have moved */
    }
    give_time(s, &slot, &ns->rules, t->how);
}

/* Commands that look at what a key holds, not at the key. */
static bool uses_values(const struct command *cmd)
{
    if (!(cmd->flags & (CMD_READONLY | CMD_WRITE))) return false;
    if (cmd->group == GROUP_SERVER || cmd->group == GROUP_SCRIPTING) return false;
    return cmd->group != GROUP_GENERIC || strcmp(cmd->name, "touch") == 0 || strcmp(cmd->name, "sort") == 0 ||
           strcmp(cmd->name, "sort_ro") == 0;
}

static void renew_read(struct server *s, struct db *db, struct str key)
{
    const struct entry *e = db_peek(db, key);
    const struct namespace *ns;
    struct slot slot;

    if (e == NULL || e->ns == 0 || !entry_expires(e)) return;
    ns = ns_of(s->store, e);
    if (ns == NULL || !ns->rules.sliding) return;
    if (due_at(s, &ns->rules, db_hash(db, key)) <= entry_expire_at(e)) return;
    if (db_find_write(db, key, &slot)) renew(s, &slot, &ns->rules, true);
}

/* The keys that were read; those that were written have been settled. */
static void renew_reads(struct client *c, const struct command *cmd, size_t argc, const struct str *argv, bool wrote)
{
    struct server *s = c->server;
    struct key_ref *refs;
    long n;

    if (!uses_values(cmd) || s->store->no_touch || s->pause_until_ms != 0) return;
    s->store->no_touch = true; /* looking the keys up once more is no use of them */
    refs = arena_alloc(&s->arena, argc * sizeof *refs);
    n = command_keys(cmd, argc, argv, refs, argc);
    for (long i = 0; i < n && i < (long)argc; i++) {
        if ((refs[i].flags & KEY_RO) || (!wrote && (refs[i].flags & KEY_RW))) renew_read(s, client_db(c), argv[refs[i].at]);
    }
    s->store->no_touch = false;
}

void namespaces_after(struct client *c, const struct command *cmd, size_t argc, const struct str *argv)
{
    struct server *s = c->server;
    struct namespacing *w = s->namespacing;
    bool wrote = w->n_touched > 0;

    if (c->flags & CLIENT_LOADER) return;
    if (ns_needs(s->store, NS_NEEDS_SLIDING)) renew_reads(c, cmd, argc, argv, wrote);
    if (!wrote) return;
    w->settling = true;
    for (size_t i = 0; i < w->n_touched; i++) settle(s, &w->touched[i]);
    w->settling = false;
    forget_touched(w);
}

/* --- in the background ----------------------------------------------------------------------------------- */

void namespaces_tend(struct server *s)
{
    struct namespacing *w = s->namespacing;

    if (w->sync_due_us == 0 || s->now_us < w->sync_due_us) return;
    w->sync_due_us = 0;
    persist_sync_soon(s->persist);
}

bool namespaces_are_due(const struct server *s)
{
    if (LIKELY(!ns_any(s->store)) || s->store->loading) return false;
    return namespaces_to_shrink(s) || ns_is_retagging(s->store);
}

void namespaces_turn(struct server *s, int64_t deadline_us)
{
    enum { SLICE = 128 };

    if (namespaces_to_shrink(s)) namespaces_shrink(s, deadline_us);
    while (ns_is_retagging(s->store)) {
        ns_retag_some(s->store, SLICE);
        if (clock_mono_us() >= deadline_us) return;
    }
}
