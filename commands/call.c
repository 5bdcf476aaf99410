/* call.c -- running one call, and what handlers parse their arguments with. */
#include "commands/command.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>

#include "base/num.h"

bool command_arity_ok(const struct command *cmd, size_t argc)
{
    return cmd->arity >= 0 ? argc == (size_t)cmd->arity : argc >= (size_t)-cmd->arity;
}

void call_reply_error(struct call *c, enum err e)
{
    struct str arg = c->err_arg.p ? c->err_arg : str_c(c->cmd->name);
    const char *text = err_text(e), *hole;

    ensure(text != NULL);
    hole = strstr(text, "%s");
    if (hole == NULL) {
        reply_error(c->out, str_c(text));
        return;
    }
    reply_errorf(c->out, "%.*s%.*s%s", (int)(hole - text), text, (int)(arg.n < 128 ? arg.n : 128),
                 arg.p, hole + 2);
}

enum err call_run(struct call *c)
{
    size_t mark = reply_mark(c->out);
    enum err e = OK;

    if (UNLIKELY(!command_arity_ok(c->cmd, c->argc))) e = ERR_ARITY;
    if (LIKELY(e == OK)) e = c->cmd->run(c);
    if (UNLIKELY(e != OK && e != CALL_BLOCKED && e != CALL_REPLIED_ERROR && e != CALL_COUNTED_ERROR)) {
        reply_undo(c->out, mark);
        call_reply_error(c, e);
    }
    return e;
}

enum err call_fail(struct call *c, enum err e, struct str arg)
{
    c->err_arg = arg;
    return e;
}

enum err call_fail_text(struct call *c, struct str text)
{
    reply_error(c->out, text);
    return CALL_REPLIED_ERROR;
}

enum err call_fail_why(struct call *c, struct buf *why)
{
    struct buf text = { 0 };

    buf_add_c(&text, "ERR ");
    buf_add_str(&text, buf_str(why));
    reply_error(c->out, buf_str(&text));
    buf_fini(&text);
    buf_fini(why);
    return CALL_REPLIED_ERROR;
}

enum err call_i64(const struct call *c, size_t i, int64_t *out)
{
    return num_parse_i64(c->argv[i], out) ? OK : ERR_NOT_INT;
}

enum err call_range(const struct call *c, size_t i, int64_t lo, int64_t hi, enum err otherwise,
                    int64_t *out)
{
    int64_t v;
    enum err e = call_i64(c, i, &v);

    if (e != OK) return e;
    if (v < lo || v > hi) return otherwise;
    *out = v;
    return OK;
}

enum err call_double(const struct call *c, size_t i, double *out)
{
    return num_parse_double(c->argv[i], out) ? OK : ERR_NOT_FLOAT;
}

enum err call_timeout(const struct call *c, size_t i, int64_t *ms)
{
    long double s;
    int64_t from_now;

    if (!num_parse_long_double(c->argv[i], &s)) return ERR_TIMEOUT_NOT_FLOAT;
    s *= 1000;
    if (s > (long double)INT64_MAX) return ERR_TIMEOUT_RANGE;
    s = ceill(s); /* so that less than a millisecond below zero is zero, as in Redis */
    if (s < 0) return ERR_TIMEOUT_NEGATIVE;
    from_now = (int64_t)s;
    if (from_now > INT64_MAX - c->store->now_ms) return ERR_TIMEOUT_RANGE;
    *ms = from_now;
    return OK;
}

enum err call_expire_at(struct call *c, size_t i, struct expire_form form, bool positive_only,
                        int64_t *at_ms)
{
    int64_t v;
    enum err e = call_i64(c, i, &v);
    int64_t base = form.relative ? c->store->now_ms : 0;

    if (e != OK) return e;
    if (positive_only && v <= 0) return ERR_EXPIRE_TIME;
    if (form.seconds && (v > INT64_MAX / 1000 || v < INT64_MIN / 1000)) return ERR_EXPIRE_TIME;
    if (form.seconds) v *= 1000;
    if (v > INT64_MAX - base) return ERR_EXPIRE_TIME;
    *at_ms = v + base;
    return OK;
}

static void reply_timed_out(struct reply *r, enum null_shape shape)
{
    if (shape == NULL_ARRAY)
        reply_null_array(r);
    else
        reply_null(r);
}

enum err call_block(struct call *c, const struct str *keys, size_t n, enum value_type type,
                    int64_t timeout_ms, enum null_shape on_timeout)
{
    if (!c->may_block) {
        reply_timed_out(c->out, on_timeout);
        return OK;
    }
    c->wait = (struct wait){
        .keys = keys, .n_keys = n, .type = type, .timeout_ms = timeout_ms, .on_timeout = on_timeout,
    };
    return CALL_BLOCKED;
}

void reply_help(struct call *c, const char *const *lines, size_t n)
{
    reply_array(c->out, n + 2);
    for (size_t i = 0; i < n; i++) reply_simple(c->out, lines[i]);
    reply_simple(c->out, "HELP");
    reply_simple(c->out, "    Print this help.");
}

enum err subcommand_syntax(struct call *c)
{
    struct str sub = call_arg(c, 1), name = call_arg(c, 0);
    struct str upper = arena_dup(c->arena, name);

    for (size_t i = 0; i < upper.n; i++) ((char *)(uintptr_t)upper.p)[i] = (char)toupper((unsigned char)upper.p[i]);
    reply_errorf(c->out, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %.*s HELP.",
                 (int)(sub.n < 128 ? sub.n : 128), sub.p, (int)upper.n, upper.p);
    return CALL_REPLIED_ERROR;
}

struct str call_num(const struct call *c, int64_t v)
{
    char *p = arena_alloc(c->arena, NUM_TEXT_MAX);

    return str_of(p, num_i64(p, v));
}

uint32_t command_categories(const struct command *cmd)
{
    uint32_t f = cmd->flags, acl = cmd->acl;

    if (f & CMD_WRITE) acl |= ACL_WRITE;
    if ((f & CMD_READONLY) && !(acl & ACL_SCRIPTING)) acl |= ACL_READ;
    if (f & CMD_ADMIN) acl |= ACL_ADMIN | ACL_DANGEROUS;
    if (f & CMD_PUBSUB) acl |= ACL_PUBSUB;
    if (f & CMD_FAST) acl |= ACL_FAST;
    if (!(acl & ACL_FAST)) acl |= ACL_SLOW;
    if (f & CMD_BLOCKING) acl |= ACL_BLOCKING;
    return acl;
}

/* Where the keyword of a specification stands; argc: nowhere. */
static size_t find_keyword(const struct key_spec *s, size_t argc, const struct str *argv)
{
    size_t i, back = (size_t)-s->first;

    if (s->first > 0) {
        for (i = (size_t)s->first; i < argc; i++) {
            if (str_is(argv[i], s->keyword)) return i;
        }
        return argc;
    }
    for (i = argc > back ? argc - back : 0; i > 0; i--) {
        if (str_is(argv[i], s->keyword)) return i;
    }
    return argc;
}

/* Keys of one specification; adds to refs. False: the arguments make no sense. */
static bool spec_keys(const struct key_spec *s, size_t argc, const struct str *argv,
                      struct key_ref *refs, size_t max, size_t *n)
{
    size_t first = (size_t)s->first, last, step = (size_t)s->step;

    ensure((s->first >= 0 || s->keyword) && s->step > 0);
    if (s->first == 0) return true;
    if (s->keyword != NULL) {
        first = find_keyword(s, argc, argv);
        if (first == argc) return true;
        first++;
    }
    if (s->counted) {
        int64_t count;
        if (first >= argc || !num_parse_i64(argv[first], &count)) return false;
        if (count < 1 || (uint64_t)count > argc - first - 1) return false;
        first++;
        last = first + (size_t)count - 1;
    } else if (s->last >= 0) {
        last = first + (size_t)s->last;
    } else {
        size_t back = (size_t)-s->last;
        if (argc < back) return false;
        last = argc - back;
        if (s->limit > 1 && last >= first) last = first + (last - first + 1) / (size_t)s->limit - 1;
    }
    if (first >= argc && !s->counted && s->last != 0) return true;
    if (last >= argc) return false;
    for (size_t i = first; i <= last; i += step) {
        if (s->not_empty && argv[i].n == 0) continue;
        if (*n < max) refs[*n] = (struct key_ref){ (uint32_t)i, s->flags };
        (*n)++;
    }
    return true;
}

/* *whole: all specifications made sense. */
static size_t find_keys(const struct command *cmd, size_t argc, const struct str *argv, struct key_ref *refs, size_t max,
                        bool *whole)
{
    size_t n = 0;

    *whole = true;
    for (int i = 0; i < COMMAND_KEY_SPECS && cmd->keys[i].flags; i++) {
        size_t before = n;
        if ((cmd->keys[i].flags & KEY_NOT_KEY) || spec_keys(&cmd->keys[i], argc, argv, refs, max, &n)) continue;
        *whole = false;
        n = before;
    }
    if (cmd->more_keys) n += cmd->more_keys(argc, argv, n < max ? refs + n : NULL, n < max ? max - n : 0);
    for (size_t i = 0; cmd->key_flags && i < n && i < max; i++) refs[i].flags = cmd->key_flags(argc, argv);
    return n;
}

long command_keys(const struct command *cmd, size_t argc, const struct str *argv,
                  struct key_ref *refs, size_t max)
{
    bool whole;
    size_t n = find_keys(cmd, argc, argv, refs, max, &whole);

    return whole ? (long)n : -1;
}

size_t command_keys_found(const struct command *cmd, size_t argc, const struct str *argv, struct key_ref *refs, size_t max)
{
    bool whole;

    return find_keys(cmd, argc, argv, refs, max, &whole);
}
