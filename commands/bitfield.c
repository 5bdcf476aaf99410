/* bitfield.c -- BITFIELD: numbers of any width within a string. */
#include "commands/bits.h"

#include "commands/tables.h"
#include "storage/type_string_bits.h"

/* i1 to i64, u1 to u63: replies have no unsigned 64-bit number. */
static enum err parse_type(struct str s, struct bits_field *f)
{
    int64_t width;

    if (s.n < 2 || (s.p[0] != 'i' && s.p[0] != 'u')) return ERR_BITFIELD_TYPE;
    f->is_signed = s.p[0] == 'i';
    if (!num_parse_i64(str_of(s.p + 1, s.n - 1), &width)) return ERR_BITFIELD_TYPE;
    if (width < 1 || width > (f->is_signed ? 64 : 63)) return ERR_BITFIELD_TYPE;
    f->width = (uint8_t)width;
    return OK;
}

/* A position in bits, or with '#' in numbers of this width. */
static enum err parse_offset(const struct call *c, struct str s, struct bits_field *f)
{
    int64_t v;

    if (s.n == 0 || s.p[0] != '#') return bits_offset(c, s, &f->at);
    if (!num_parse_i64(str_of(s.p + 1, s.n - 1), &v)) return ERR_BIT_OFFSET;
    if (__builtin_mul_overflow(v, (int64_t)f->width, &v) || v < 0) return ERR_BIT_OFFSET;
    if ((uint64_t)v >> 3 >= store_string_limit(c->store)) return ERR_BIT_OFFSET;
    f->at = (uint64_t)v;
    return OK;
}

static bool parse_overflow(struct str s, enum bits_overflow *how)
{
    if (str_is(s, "WRAP"))
        *how = BITS_WRAP;
    else if (str_is(s, "SAT"))
        *how = BITS_SATURATE;
    else if (str_is(s, "FAIL"))
        *how = BITS_FAIL;
    else
        return false;
    return true;
}

/* The step that begins with the word at *i: type, offset and, where it writes, a number. *i becomes
 * what follows. */
static enum err parse_step(const struct call *c, size_t *i, struct bits_step *step)
{
    size_t left = c->argc - *i - 1;
    enum err e;

    if (call_is(c, *i, "GET") && left >= 2)
        step->kind = BITS_STEP_GET;
    else if (call_is(c, *i, "SET") && left >= 3)
        step->kind = BITS_STEP_SET;
    else if (call_is(c, *i, "INCRBY") && left >= 3)
        step->kind = BITS_STEP_ADD;
    else
        return ERR_SYNTAX;
    e = parse_type(call_arg(c, *i + 1), &step->field);
    if (e == OK) e = parse_offset(c, call_arg(c, *i + 2), &step->field);
    if (e == OK && step->kind != BITS_STEP_GET) e = call_i64(c, *i + 3, &step->value);
    *i += step->kind == BITS_STEP_GET ? 3 : 4;
    return e;
}

static enum err parse_steps(const struct call *c, struct bits_step *steps, size_t *n)
{
    enum bits_overflow how = BITS_WRAP;

    *n = 0;
    for (size_t i = 2; i < c->argc;) {
        if (call_is(c, i, "OVERFLOW") && i + 1 < c->argc) {
            if (!parse_overflow(call_arg(c, i + 1), &how)) return ERR_BITFIELD_OVERFLOW;
            i += 2;
        } else {
            enum err e = parse_step(c, &i, &steps[*n]);

            if (e != OK) return e;
            steps[(*n)++].overflow = how;
        }
    }
    return OK;
}

static enum err bitfield(struct call *c, bool read_only)
{
    struct bits_step *steps = call_new(c, struct bits_step, c->argc);
    size_t n;
    enum err e = parse_steps(c, steps, &n);

    if (e != OK) return e;
    for (size_t i = 0; read_only && i < n; i++) {
        if (steps[i].kind != BITS_STEP_GET) return ERR_BITFIELD_RO;
    }
    e = string_bitfield(c->db, call_arg(c, 1), steps, n);
    if (e != OK) return e;
    reply_array(c->out, n);
    for (size_t i = 0; i < n; i++) {
        if (steps[i].failed)
            reply_null(c->out);
        else
            reply_int(c->out, steps[i].result);
    }
    return OK;
}

static enum err run_bitfield(struct call *c)
{
    return bitfield(c, false);
}

static enum err run_bitfield_ro(struct call *c)
{
    return bitfield(c, true);
}

/* Reading alone asks for less. */
static uint16_t bitfield_key_flags(size_t argc, const struct str *argv)
{
    for (size_t i = 2; i < argc;) {
        if (str_is(argv[i], "GET"))
            i += 3;
        else if (str_is(argv[i], "OVERFLOW"))
            i += 2;
        else
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_RO | KEY_ACCESS;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

#define ENCODING_AND_OFFSET \
    { .name = "encoding", .type = ARG_T_STRING }, { .name = "offset", .type = ARG_T_INTEGER }

static const struct command_arg get_args[] = { ENCODING_AND_OFFSET, { 0 } };
static const struct command_arg set_args[] = {
    ENCODING_AND_OFFSET, { .name = "value", .type = ARG_T_INTEGER }, { 0 },
};
static const struct command_arg incrby_args[] = {
    ENCODING_AND_OFFSET, { .name = "increment", .type = ARG_T_INTEGER }, { 0 },
};
static const struct command_arg overflow_args[] = {
    { .name = "wrap", .type = ARG_T_PURE_TOKEN, .token = "WRAP" },
    { .name = "sat", .type = ARG_T_PURE_TOKEN, .token = "SAT" },
    { .name = "fail", .type = ARG_T_PURE_TOKEN, .token = "FAIL" },
    { 0 },
};
static const struct command_arg change_args[] = {
    { .name = "set-block", .type = ARG_T_BLOCK, .token = "SET", .subs = set_args },
    { .name = "incrby-block", .type = ARG_T_BLOCK, .token = "INCRBY", .subs = incrby_args },
    { 0 },
};
static const struct command_arg write_args[] = {
    { .name = "overflow-block", .type = ARG_T_ONEOF, .token = "OVERFLOW", .flags = ARG_OPTIONAL,
      .subs = overflow_args },
    { .name = "write-operation", .type = ARG_T_ONEOF, .subs = change_args },
    { 0 },
};
static const struct command_arg operation_args[] = {
    { .name = "get-block", .type = ARG_T_BLOCK, .token = "GET", .subs = get_args },
    { .name = "write", .type = ARG_T_BLOCK, .subs = write_args },
    { 0 },
};

const struct command bitfield_commands[] = {
    { .name = "bitfield", .run = run_bitfield, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM,
      .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS) },
      .key_flags = bitfield_key_flags, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "3.2.0", .complexity = "O(1) for each step",
      .summary = "Reads, writes and adds to integers of any width at any bit of a string.",
      .args = ARGS(ARG_KEY("key"), { .name = "operation", .type = ARG_T_ONEOF,
                                     .flags = ARG_OPTIONAL | ARG_MULTIPLE, .subs = operation_args }),
      .example = "BITFIELD a SET u8 0 200 INCRBY u8 0 100 => *2\r\n:0\r\n:44\r\n" },
    { .name = "bitfield_ro", .run = run_bitfield_ro, .arity = -2, .flags = CMD_READONLY | CMD_FAST,
      .keys = { KEY_AT(1, KEY_RO | KEY_ACCESS) }, .acl = ACL_BITMAP, .group = GROUP_BITMAP,
      .since = "6.0.0", .complexity = "O(1) for each step",
      .summary = "Reads integers of any width at any bit of a string.",
      .args = ARGS(ARG_KEY("key"), { .name = "get-block", .type = ARG_T_BLOCK, .token = "GET",
                                     .flags = ARG_OPTIONAL | ARG_MULTIPLE | ARG_MULTIPLE_TOKEN,
                                     .subs = get_args }),
      .example = "SET a a | BITFIELD_RO a GET i8 0 => *1\r\n:97\r\n" },
    { 0 },
};
