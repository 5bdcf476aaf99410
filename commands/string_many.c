/* string_many.c -- several strings at once: MGET, MSET, MSETNX. */
#include "commands/read_many.h"
#include "commands/tables.h"
#include "storage/type_string.h"

/* Call fn for every step-th argument from first on, the memory of a batch of keys on its way while
 * the one before is worked on. Returns the argument at which fn returned false, or how many there are. */
static size_t each_key(struct call *c, size_t first, size_t step,
                       bool (*fn)(struct call *c, size_t i))
{
    uint64_t hashes[DB_BATCH];

    for (size_t i = first; i < c->argc;) {
        size_t left = (c->argc - i + step - 1) / step;
        size_t n = left < DB_BATCH ? left : DB_BATCH;

        db_prefetch(c->db, c->argv + i, step, n, hashes);
        for (size_t k = 0; k < n; k++, i += step) {
            db_memo(c->db, call_arg(c, i), hashes[k]);
            if (!fn(c, i)) {
                db_forget(c->db);
                return i;
            }
        }
    }
    db_forget(c->db);
    return c->argc;
}

/* False: that is much, and it has not been told. */
static bool mget_one(struct call *c, size_t i)
{
    const struct entry *e = db_read(c->db, call_arg(c, i));
    char scratch[NUM_TEXT_MAX];

    if (e && entry_type(e) == VALUE_STRING) {
        struct str text = string_bytes(e, scratch);

        if (read_bytes_is_long(c, c->out->out->n + text.n) && entry_enc(e) == ENC_BLOB) return false;
        reply_bulk(c->out, text);
    } else {
        reply_null(c->out);
    }
    return true;
}

static enum err run_mget(struct call *c)
{
    size_t mark = reply_mark(c->out), i;

    reply_array(c->out, c->argc - 1);
    i = each_key(c, 1, 1, mget_one);
    return i < c->argc ? read_many(c, mark, i) : OK;
}

static bool mset_one(struct call *c, size_t i)
{
    (void)!string_set(c->db, call_arg(c, i), call_arg(c, i + 1), NULL); /* plainly: cannot fail */
    return true;
}

static enum err run_mset(struct call *c)
{
    if (c->argc % 2 == 0) return ERR_ARITY;
    each_key(c, 1, 2, mset_one);
    reply_ok(c->out);
    return OK;
}

static enum err run_msetnx(struct call *c)
{
    if (c->argc % 2 == 0) return ERR_ARITY;
    for (size_t i = 1; i < c->argc; i += 2) {
        if (!db_peek(c->db, call_arg(c, i))) continue;
        reply_int(c->out, 0);
        return OK;
    }
    each_key(c, 1, 2, mset_one);
    reply_int(c->out, 1);
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const struct command_arg pair_args[] = {
    ARG_KEY("key"),
    { .name = "value", .type = ARG_T_STRING },
    { 0 },
};

static const char *const mget_tips[] = { "request_policy:multi_shard", NULL };
static const char *const mset_tips[] = { "request_policy:multi_shard",
                                         "response_policy:all_succeeded", NULL };

const struct command string_many_commands[] = {
    { .name = "mget", .run = run_mget, .arity = -2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEYS_FROM(1, -1, 1, KEY_RO | KEY_ACCESS) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.0", .complexity = "O(N) for N keys",
      .summary = "Gives the strings at several keys, null for those that hold none.",
      .tips = mget_tips,
      .args = ARGS({ .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE }),
      .example = "SET a 1 | MGET a b => *2\r\n$1\r\n1\r\n$-1\r\n" },
    { .name = "mset", .run = run_mset, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEYS_FROM(1, -1, 2, KEY_OW | KEY_UPDATE) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.1", .complexity = "O(N) for N keys",
      .summary = "Sets several keys to strings at once.",
      .tips = mset_tips,
      .args = ARGS({ .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
      .subs = pair_args }),
      .example = "MSET a 1 b 2 | MGET a b => *2\r\n$1\r\n1\r\n$1\r\n2\r\n" },
    { .name = "msetnx", .run = run_msetnx, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEYS_FROM(1, -1, 2, KEY_OW | KEY_INSERT) }, .acl = ACL_STRING,
      .group = GROUP_STRING,
      .since = "1.0.1", .complexity = "O(N) for N keys",
      .summary = "Sets several keys to strings at once, or none if one of them exists.",
      .args = ARGS({ .name = "data", .type = ARG_T_BLOCK, .flags = ARG_MULTIPLE,
      .subs = pair_args }),
      .example = "SET a 1 | MSETNX a 2 b 2 => :0\r\n" },
    { 0 },
};
