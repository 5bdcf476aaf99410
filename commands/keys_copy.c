/* keys_copy.c -- keys to other places: COPY and MOVE.
 *
 * A large value is copied in slices (commands/job.h), and the copy is the value as it is when it is put in its place: the log tells COPY
 * there. Who changes what is being copied has it begin again, TRIES times; vector sets are followed. */
#include "commands/read_job.h"
#include "commands/tables.h"
#include "storage/keys.h"
#include "storage/type_vset.h"
#include "storage/value_copy.h"

#include "base/clock.h"
#include "base/mem.h"

enum { VECTORS_AT_ONCE = 256 /* half a millisecond */, TRIES = 3 };

/* Argument i as a database. */
static enum err database(const struct call *c, size_t i, struct db **db)
{
    int64_t id;
    enum err e = call_range(c, i, INT32_MIN, INT32_MAX, ERR_INT_RANGE, &id);

    if (e != OK) return e;
    if (id < 0 || id >= c->store->conf.databases) return ERR_DB_INDEX;
    *db = c->store->dbs[id];
    return OK;
}

/* 1 for OK, 0 when there was nothing to do it with or the target exists. */
static enum err reply_done(struct call *c, enum err e)
{
    if (e != OK && e != ERR_NO_KEY && e != ERR_NOT_DONE) return e;
    reply_int(c->out, e == OK);
    return OK;
}

/* --- COPY ----------------------------------------------------------------------------------------- */

struct copying {
    struct str from, to;
    struct db *dst;
    bool replace;
};

static enum err parse(const struct call *c, struct copying *o)
{
    *o = (struct copying){ .from = call_arg(c, 1), .to = call_arg(c, 2), .dst = c->db };
    for (size_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "REPLACE")) {
            o->replace = true;
        } else if (call_is(c, i, "DB") && i + 1 < c->argc) {
            enum err e = database(c, ++i, &o->dst);
            if (e != OK) return e;
        } else {
            return ERR_SYNTAX;
        }
    }
    return o->dst == c->db && str_eq(o->from, o->to) ? ERR_SAME_OBJECT : OK;
}

/* --- in slices ------------------------------------------------------------------------------------ */

struct copy_job {
    struct job job;
    struct value_copy *copy;
};

static enum err copy(struct call *c, const struct copying *o);

static bool step(struct job *j, int64_t deadline_us)
{
    struct copy_job *k = (struct copy_job *)j;

    do {
        if (value_copy_step(k->copy)) {
            j->again = value_copy_of(k->copy) == NULL;
            return true;
        }
    } while (clock_mono_us() < deadline_us);
    return false;
}

static enum err finish(struct call *c, struct job *j)
{
    struct copy_job *k = (struct copy_job *)j;
    struct copying o;
    const struct entry *from;
    enum value_type type;
    enum value_enc enc;
    void *made;
    enum err e = parse(c, &o);

    if (e != OK) return e;
    /* Changed, or under another name by now? Then what is there under this one is to be copied, if anything is. */
    from = db_peek(c->db, o.from);
    if (from == NULL || !entry_points(from) || entry_ptr(from) != value_copy_of(k->copy)) return copy(c, &o);
    type = entry_type(from);
    enc = entry_enc(from);
    made = value_copy_take(k->copy);
    if (made == NULL) return ERR_OOM;
    e = keys_copy_made(c->db, o.from, o.dst, o.to, o.replace, &made);
    if (made != NULL) db_discard(c->store, type, enc, made, true);
    return reply_done(c, e);
}

static size_t bytes(const struct job *j)
{
    return sizeof(struct copy_job) + value_copy_bytes(((const struct copy_job *)j)->copy);
}

static void free_job(struct job *j)
{
    struct copy_job *k = (struct copy_job *)j;

    value_copy_free(&k->copy);
    mem_free(k);
}

static enum err copy_in_slices(struct call *c, const struct entry *e)
{
    struct copy_job *k;

    if (!mem_can(type_ops[entry_type(e)]->weight(entry_enc(e), entry_ptr(e)))) return ERR_OOM;
    k = mem_zalloc(sizeof *k);
    k->job = (struct job){ .step = step, .finish = finish, .bytes = bytes, .free = free_job };
    if (entry_type(e) != VALUE_VSET) k->job.tries = TRIES;
    k->copy = value_copy_new(c->store, e);
    return job_run(c, &k->job);
}

static bool is_long(const struct call *c, const struct entry *e)
{
    const struct type_ops *t = type_ops[entry_type(e)];

    if (!c->may_block || !entry_points(e)) return false;
    if (entry_type(e) == VALUE_VSET) return vset_count(entry_ptr(e)) > VECTORS_AT_ONCE;
    return value_is_large(e) && t->dup_some != NULL &&
           read_is_long(c, t->free_effort(entry_enc(e), entry_ptr(e)), t->weight(entry_enc(e), entry_ptr(e)));
}

static enum err copy(struct call *c, const struct copying *o)
{
    const struct entry *e = c->may_block ? db_read(c->db, o->from) : NULL;

    if (e != NULL && is_long(c, e)) {
        if (!o->replace && db_look(o->dst, o->to)) return reply_done(c, ERR_NOT_DONE);
        return copy_in_slices(c, db_peek(c->db, o->from));
    }
    return reply_done(c, keys_copy(c->db, o->from, o->dst, o->to, o->replace));
}

static enum err run_copy(struct call *c)
{
    struct copying o;
    enum err e;

    if (job_done(c, &e)) return e;
    e = parse(c, &o);
    return e == OK ? copy(c, &o) : e;
}

/* --- MOVE ----------------------------------------------------------------------------------------- */

static enum err run_move(struct call *c)
{
    struct db *dst;
    enum err e = database(c, 2, &dst);

    if (e != OK) return e;
    if (dst == c->db) return ERR_SAME_OBJECT;
    return reply_done(c, keys_move(c->db, call_arg(c, 1), dst));
}

/* --- rows ----------------------------------------------------------------------------------------- */

/* clang-format off */

const struct command keys_copy_commands[] = {
    { .name = "copy", .run = run_copy, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AT(2, KEY_OW | KEY_UPDATE) },
      .acl = ACL_KEYSPACE, .group = GROUP_GENERIC, .since = "6.2.0",
      .complexity = "O(N) for a value of N elements, O(1) for a string",
      .summary = "Copies the value of a key, and its time to live, to another key.",
      .args = ARGS({ .name = "source", .type = ARG_T_KEY },
                   { .name = "destination", .type = ARG_T_KEY, .key_spec = 1 },
                   { .name = "destination-db", .type = ARG_T_INTEGER, .token = "DB",
                     .flags = ARG_OPTIONAL },
                   { .name = "replace", .type = ARG_T_PURE_TOKEN, .token = "REPLACE",
                     .flags = ARG_OPTIONAL }),
      .example = "SET a 1 | COPY a b => :1\r\n" },
    { .name = "move", .run = run_move, .arity = 3, .flags = CMD_WRITE | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_KEYSPACE,
      .group = GROUP_GENERIC,
      .since = "1.0.0", .complexity = "O(1)", .summary = "Moves a key to another database.",
      .args = ARGS(ARG_KEY("key"), { .name = "db", .type = ARG_T_INTEGER }),
      .example = "SET a 1 | MOVE a 1 => :1\r\n" },
    { 0 },
};
