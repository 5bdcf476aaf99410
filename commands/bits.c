/* bits.c -- strings as bitmaps: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP. */
#include "commands/bits.h"

#include "base/mem.h"
#include "commands/read_bytes.h"
#include "commands/tables.h"
#include "storage/type_string_bits.h"

enum err bits_offset(const struct call *c, struct str text, uint64_t *at)
{
    int64_t v;

    if (!num_parse_i64(text, &v) || v < 0) return ERR_BIT_OFFSET;
    if ((uint64_t)v >> 3 >= store_string_limit(c->store)) return ERR_BIT_OFFSET;
    *at = (uint64_t)v;
    return OK;
}

static enum err run_setbit(struct call *c)
{
    uint64_t at;
    int64_t on;
    bool old;
    enum err e = bits_offset(c, call_arg(c, 2), &at);

    if (e != OK) return e;
    if (call_i64(c, 3, &on) != OK || (on != 0 && on != 1)) return ERR_BIT;
    e = string_setbit(c->db, call_arg(c, 1), at, on == 1, &old);
    if (e == OK) reply_int(c->out, old);
    return e;
}

static enum err run_getbit(struct call *c)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry;
    uint64_t at;
    enum err e = bits_offset(c, call_arg(c, 2), &at);

    if (e == OK) e = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &entry);
    if (e != OK && e != ERR_NO_KEY) return e;
    reply_int(c->out, e == OK && bits_test(string_bytes(entry, scratch), at));
    return OK;
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* The last argument of a range: BIT or BYTE. */
static enum err parse_unit(const struct call *c, size_t i, bool *in_bits)
{
    if (call_is(c, i, "BIT"))
        *in_bits = true;
    else if (call_is(c, i, "BYTE"))
        *in_bits = false;
    else
        return ERR_SYNTAX;
    return OK;
}

/* first..last of size units, negative ones from the end, cut to what there is; as bits. false: that is
 * nothing. */
static bool cut_range(int64_t first, int64_t last, size_t bytes, bool in_bits, uint64_t *from, uint64_t *to)
{
    int64_t size = in_bits ? (int64_t)bytes * 8 : (int64_t)bytes;

    if (first < 0) first = first + size < 0 ? 0 : first + size;
    if (last < 0) last = last + size < 0 ? 0 : last + size;
    if (last >= size) last = size - 1;
    if (first > last) return false;
    *from = (uint64_t)first * (in_bits ? 1 : 8);
    *to = in_bits ? (uint64_t)last : (uint64_t)last * 8 + 7;
    return true;
}

/* Bits of a long string, looked at in slices. */
struct look {
    struct read_job base;
    struct str val;
    uint64_t at, to;     /* bits at..to are still to be looked at; at > to: none */
    bool finds, bit;     /* the first of this value; else those that are set are counted */
    int64_t result;      /* -1: not found; instead of which: */
    int64_t not_found;
};

static bool look_on(struct read_job *j, struct reply *out)
{
    enum { BITS = 8 * 16 * 1024 };
    struct look *l = (struct look *)j;
    uint64_t from = l->at, to;

    (void)out;
    if (from > l->to || (l->finds && l->result >= 0)) return false;
    to = l->to - from < BITS ? l->to : from + BITS - 1;
    if (l->finds) l->result = bits_find(l->val, from, to, l->bit);
    else l->result += (int64_t)bits_count(l->val, from, to);
    l->at = to + 1;
    return true;
}

static void head_of_look(const struct read_job *j, struct reply *out, size_t n)
{
    const struct look *l = (const struct look *)j;

    (void)n;
    reply_int(out, l->finds && l->result < 0 ? l->not_found : l->result);
}

static enum err look_in_slices(struct call *c, const struct entry *e, const struct look *what)
{
    struct look *l = mem_zalloc(sizeof *l);

    *l = *what;
    l->base.next = look_on;
    l->base.head = head_of_look;
    return read_job_run(c, &l->base, entry_ptr(e));
}

static bool is_long(const struct call *c, uint64_t from, uint64_t to)
{
    return read_bytes_is_long(c, (size_t)((to - from) / 8));
}

/* An absent key is 0 however wrong the range is written: so does Redis 7. */
static enum err run_bitcount(struct call *c)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry;
    int64_t first = 0, last = -1;
    bool in_bits = false;
    uint64_t from, to;
    struct str val;
    enum err e = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &entry);

    if (e == ERR_NO_KEY) reply_int(c->out, 0);
    if (e != OK) return e == ERR_NO_KEY ? OK : e;
    if (c->argc == 3 || c->argc > 5) return ERR_SYNTAX;
    val = string_bytes(entry, scratch);
    if (c->argc > 3) {
        e = call_i64(c, 2, &first);
        if (e == OK) e = call_i64(c, 3, &last);
        if (e != OK) return e;
        if (first < 0 && last < 0 && first > last) {
            reply_int(c->out, 0);
            return OK;
        }
    }
    if (c->argc == 5) e = parse_unit(c, 4, &in_bits);
    if (e != OK) return e;
    if (!cut_range(first, last, val.n, in_bits, &from, &to)) {
        reply_int(c->out, 0);
        return OK;
    }
    if (is_long(c, from, to)) return look_in_slices(c, entry, &(struct look){ .val = val, .at = from, .to = to });
    reply_int(c->out, (int64_t)bits_count(val, from, to));
    return OK;
}

/* Arguments are looked at in Redis's order, which shows where several are wrong. */
static enum err bitpos_range(const struct call *c, int64_t *first, int64_t *last, bool *in_bits)
{
    enum err e = OK;

    if (c->argc > 6) return ERR_SYNTAX;
    if (c->argc > 3) e = call_i64(c, 3, first);
    if (e == OK && c->argc == 6) e = parse_unit(c, 5, in_bits);
    if (e == OK && c->argc > 4) e = call_i64(c, 4, last);
    return e;
}

static enum err run_bitpos(struct call *c)
{
    char scratch[NUM_TEXT_MAX];
    const struct entry *entry;
    int64_t bit, first = 0, last = -1, at, not_found;
    bool in_bits = false;
    uint64_t from, to;
    struct str val;
    enum err e = call_i64(c, 2, &bit);

    if (e != OK) return e;
    if (bit != 0 && bit != 1) return ERR_BIT_ARG;
    e = db_read_type(c->db, call_arg(c, 1), VALUE_STRING, &entry);
    if (e == ERR_NO_KEY) reply_int(c->out, bit ? -1 : 0); /* zeros without end */
    if (e != OK) return e == ERR_NO_KEY ? OK : e;
    e = bitpos_range(c, &first, &last, &in_bits);
    if (e != OK) return e;
    val = string_bytes(entry, scratch);
    if (!cut_range(first, last, val.n, in_bits, &from, &to)) {
        reply_int(c->out, -1);
        return OK;
    }
    /* Without an end zeros follow the string; with one the question is about that range. */
    not_found = bit == 0 && c->argc < 5 ? (int64_t)val.n * 8 : -1;
    if (is_long(c, from, to))
        return look_in_slices(c, entry, &(struct look){ .val = val, .at = from, .to = to, .finds = true, .bit = bit == 1, .result = -1,
                                                        .not_found = not_found });
    at = bits_find(val, from, to, bit == 1);
    reply_int(c->out, at < 0 ? not_found : at);
    return OK;
}

/* --- BITOP ------------------------------------------------------------------------------------ */

static const struct {
    const char *word;
    enum bits_op op;
} operations[] = {
    { "AND", BITS_AND }, { "OR", BITS_OR }, { "XOR", BITS_XOR }, { "NOT", BITS_NOT },
    { "DIFF", BITS_DIFF }, { "DIFF1", BITS_DIFF1 }, { "ANDOR", BITS_ANDOR }, { "ONE", BITS_ONE },
};

static bool parse_operation(struct str word, enum bits_op *op)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (!str_is(word, operations[i].word)) continue;
        *op = operations[i].op;
        return true;
    }
    return false;
}

static enum err run_bitop(struct call *c)
{
    size_t n = c->argc - 3, len;
    enum bits_op op;
    enum err e;

    if (!parse_operation(call_arg(c, 1), &op)) return ERR_SYNTAX;
    if (op == BITS_NOT && n != 1) return ERR_BITOP_NOT;
    if ((op == BITS_DIFF || op == BITS_DIFF1 || op == BITS_ANDOR) && n < 2)
        return call_fail(c, ERR_BITOP_TWO, call_arg(c, 1));
    e = string_bitop(c->db, op, call_arg(c, 2), c->argv + 3, n, &len);
    if (e == OK) reply_int(c->out, (int64_t)len);
    return e;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const struct command_arg unit_args[] = {
    { .name = "byte", .type = ARG_T_PURE_TOKEN, .token = "BYTE" },
    { .name = "bit", .type = ARG_T_PURE_TOKEN, .token = "BIT" },
    { 0 },
};
#define UNIT \
    { .name = "unit", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .since = "7.0.0", .subs = unit_args }

static const struct command_arg count_range_args[] = {
    { .name = "start", .type = ARG_T_INTEGER },
    { .name = "end", .type = ARG_T_INTEGER },
    UNIT,
    { 0 },
};

static const struct command_arg end_args[] = {
    { .name = "end", .type = ARG_T_INTEGER },
    UNIT,
    { 0 },
};

static const struct command_arg find_range_args[] = {
    { .name = "start", .type = ARG_T_INTEGER },
    { .name = "end-unit-block", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL, .subs = end_args },
    { 0 },
};

static const struct command_arg operation_args[] = {
    { .name = "and", .type = ARG_T_PURE_TOKEN, .token = "AND" },
    { .name = "or", .type = ARG_T_PURE_TOKEN, .token = "OR" },
    { .name = "xor", .type = ARG_T_PURE_TOKEN, .token = "XOR" },
    { .name = "not", .type = ARG_T_PURE_TOKEN, .token = "NOT" },
    { .name = "diff", .type = ARG_T_PURE_TOKEN, .token = "DIFF", .since = "8.2.0" },
    { .name = "diff1", .type = ARG_T_PURE_TOKEN, .token = "DIFF1", .since = "8.2.0" },
    { .name = "andor", .type = ARG_T_PURE_TOKEN, .token = "ANDOR", .since = "8.2.0" },
    { .name = "one", .type = ARG_T_PURE_TOKEN, .token = "ONE", .since = "8.2.0" },
    { 0 },
};

static const char *const unit_history[] = {
    "7.0.0", "Counts positions in bytes or in bits: `BYTE`, `BIT`.", NULL
};
static const char *const bitop_history[] = { "8.2.0", "Has `DIFF`, `DIFF1`, `ANDOR` and `ONE`.", NULL };

const struct command bits_commands[] = {
    { .name = "setbit", .run = run_setbit, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE) }, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "2.2.0", .complexity = "O(1)",
      .summary = "Sets or clears one bit of a string, which grows as needed; gives what the bit was.",
      .args = ARGS(ARG_KEY("key"), { .name = "offset", .type = ARG_T_INTEGER },
                   { .name = "value", .type = ARG_T_INTEGER }),
      .example = "SETBIT a 1 1 | GET a => $1\r\n@\r\n" },
    { .name = "getbit", .run = run_getbit, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "2.2.0", .complexity = "O(1)",
      .summary = "Gives one bit of a string; what lies beyond its end is 0.",
      .args = ARGS(ARG_KEY("key"), { .name = "offset", .type = ARG_T_INTEGER }),
      .example = "SET a @ | GETBIT a 1 => :1\r\n" },
    { .name = "bitcount", .run = run_bitcount, .arity = -2, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "2.6.0", .complexity = "O(N) for N bytes", .history = unit_history,
      .summary = "Counts the bits that are set in a string or in a part of it.",
      .args = ARGS(ARG_KEY("key"), { .name = "range", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL,
                                     .subs = count_range_args }),
      .example = "SET a abc | BITCOUNT a 1 -1 => :7\r\n" },
    { .name = "bitpos", .run = run_bitpos, .arity = -3, .flags = CMD_READONLY,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "2.8.7", .complexity = "O(N) for N bytes", .history = unit_history,
      .summary = "Finds the first bit that is set, or clear, in a string or in a part of it.",
      .args = ARGS(ARG_KEY("key"), { .name = "bit", .type = ARG_T_INTEGER },
                   { .name = "range", .type = ARG_T_BLOCK, .flags = ARG_OPTIONAL, .subs = find_range_args }),
      .example = "SET a \"\\x00\\x0f\" | BITPOS a 1 => :12\r\n" },
    { .name = "bitop", .run = run_bitop, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(2, KEY_OW | KEY_UPDATE), KEYS_FROM(3, -1, 1, KEY_RO | KEY_ACCESS) },
      .acl = ACL_BITMAP, .group = GROUP_BITMAP, .since = "2.6.0",
      .complexity = "O(N) for N bytes in all sources", .history = bitop_history,
      .summary = "Combines strings bit by bit and stores the result; gives its length.",
      .args = ARGS({ .name = "operation", .type = ARG_T_ONEOF, .subs = operation_args },
                   { .name = "destkey", .type = ARG_T_KEY },
                   { .name = "key", .type = ARG_T_KEY, .flags = ARG_MULTIPLE, .key_spec = 1 }),
      .example = "MSET a abc b aXc | BITOP AND d a b => :3\r\n" },
    { 0 },
};
