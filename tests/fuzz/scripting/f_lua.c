/* Scripts from outside: whatever they are, they end in a reply, and the world they ran in is as it was.
 *
 * The bytes of the input are a script of their own when they begin with a printable one; else they choose
 * a script piece by piece, and numbers that follow from them go on when they are used up. Commands are
 * answered by a host that knows a few replies of each kind. After each script another one looks at
 * everything that scripts can reach: its answer must always be the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "scripting/vm.h"
#include "tests/fuzz/fuzz.h"

enum { SCRIPTS = 3, DEPTH = 5, ASKED_MAX = 0, BYTES_MAX = 64 << 20 };

/* --- choices --------------------------------------------------------------------------------------- */

struct input {
    const uint8_t *p, *end;
    struct rng rest;
};

static unsigned below(struct input *in, unsigned n)
{
    unsigned v = in->p < in->end ? *in->p++ : (unsigned)rng_below(&in->rest, 256);

    return v % n;
}

#define PICK(in, list) (list)[below((in), sizeof(list) / sizeof *(list))]

/* --- a script ---------------------------------------------------------------------------------------- */

static const char *const literals[] = {
    "nil", "true", "false", "0", "1", "-1", "2.5", "1e15", "0/0", "1/0", "''", "'a'", "'%s%d%q'", "'\\0\\255'", "'[1,{}]'",
    "{}", "{1,2,3}", "{a=1}", "{ok='fine'}", "{err='ERR bad'}", "{double=1.5}", "{map={a=1}}", "{set={a=true}}",
    "{big_number='123'}", "{verbatim_string={format='txt',string='x'}}", "KEYS", "ARGV", "a", "b", "c", "_G", "100000",
};

static const char *const functions[] = {
    "tostring", "tonumber", "type", "next", "pairs", "ipairs", "select", "unpack", "rawget", "rawset", "rawequal",
    "setmetatable", "getmetatable", "pcall", "xpcall", "error", "assert", "load", "loadstring", "getfenv", "setfenv",
    "collectgarbage", "string.rep", "string.format", "string.gsub", "string.find", "string.match", "string.gmatch",
    "string.byte", "string.char", "string.sub", "string.upper", "string.len", "string.reverse", "string.dump",
    "table.insert", "table.remove", "table.concat", "table.sort", "table.maxn", "table.foreach", "math.floor",
    "math.random", "math.randomseed", "math.max", "bit.band", "bit.tohex", "bit.lshift", "cjson.encode", "cjson.decode",
    "cjson.encode_sparse_array", "cjson.encode_max_depth", "cjson.decode_max_depth", "cjson.encode_keep_buffer",
    "cmsgpack.pack", "cmsgpack.unpack", "cmsgpack.unpack_limit", "struct.pack", "struct.unpack", "struct.size",
    "redis.call", "redis.pcall", "redis.error_reply", "redis.status_reply", "redis.sha1hex", "redis.log",
    "redis.setresp", "redis.set_repl", "redis.acl_check_cmd", "redis.register_function", "redis.breakpoint",
    "redis.debug", "redis.replicate_commands", "coroutine.wrap", "coroutine.create", "coroutine.resume",
    "coroutine.yield", "coroutine.status", "os.clock", "print", "require", "debug.getinfo", "io.open",
};

static const char *const operators[] = { "+", "-", "*", "/", "%", "^", "..", "==", "~=", "<", "<=", "and", "or" };

static const char *const commands[] = { "'get','k'", "'hgetall','k'", "'nope'", "'incr','k'", "'ping'", "" };

static void expression(struct input *in, struct buf *out, int depth);

static void arguments(struct input *in, struct buf *out, int depth)
{
    unsigned n = below(in, 4);

    for (unsigned i = 0; i < n; i++) {
        if (i > 0) buf_add_c(out, ", ");
        expression(in, out, depth);
    }
}

static void expression(struct input *in, struct buf *out, int depth)
{
    switch (depth <= 0 ? 0 : below(in, 10)) {
    case 0:
    case 1: buf_add_c(out, PICK(in, literals)); break;
    case 2:
    case 3:
        buf_add_c(out, PICK(in, functions));
        buf_add_char(out, '(');
        arguments(in, out, depth - 1);
        buf_add_char(out, ')');
        break;
    case 4:
        buf_printf(out, "redis.%s(%s)", below(in, 2) ? "call" : "pcall", PICK(in, commands));
        break;
    case 5:
        buf_add_char(out, '(');
        expression(in, out, depth - 1);
        buf_printf(out, " %s ", PICK(in, operators));
        expression(in, out, depth - 1);
        buf_add_char(out, ')');
        break;
    case 6:
        buf_add_c(out, "{");
        arguments(in, out, depth - 1);
        buf_add_c(out, "}");
        break;
    case 7:
        buf_add_c(out, "(function(...) return ");
        expression(in, out, depth - 1);
        buf_add_c(out, " end)");
        break;
    case 8: buf_add_c(out, PICK(in, functions)); break;
    default:
        buf_add_c(out, "setmetatable({}, {__index = ");
        expression(in, out, depth - 1);
        buf_add_c(out, ", __newindex = ");
        expression(in, out, depth - 1);
        buf_add_c(out, ", __tostring = ");
        expression(in, out, depth - 1);
        buf_add_c(out, ", __len = a, __gc = b, __call = c})");
    }
}

static void statement(struct input *in, struct buf *out, int depth)
{
    static const char *const names[] = { "a", "b", "c" };
    static const char *const targets[] = {
        "a", "x", "_G.x", "string.rep", "getmetatable('').__index", "redis.call", "KEYS[1]", "a.x", "a[1]", "math.pi",
        "cjson.null", "_G", "a.a",
    };

    switch (below(in, 8)) {
    case 0:
    case 1:
        buf_printf(out, "%s = ", PICK(in, names));
        expression(in, out, depth);
        break;
    case 2:
        buf_printf(out, "%s = ", PICK(in, targets));
        expression(in, out, depth);
        break;
    case 3:
        buf_add_c(out, "for i = 1, 20 do ");
        if (depth > 0) statement(in, out, depth - 1);
        buf_add_c(out, " end");
        break;
    case 4:
        buf_add_c(out, "while true do ");
        if (depth > 0) statement(in, out, depth - 1);
        buf_add_c(out, " end");
        break;
    case 5:
        buf_add_c(out, "pcall(function() ");
        if (depth > 0) statement(in, out, depth - 1);
        buf_add_c(out, " end)");
        break;
    default:
        buf_add_c(out, "local _ = ");
        expression(in, out, depth);
    }
    buf_add_c(out, "\n");
}

static void script(struct input *in, struct buf *out)
{
    unsigned n = 1 + below(in, 6);

    buf_add_c(out, "local a, b, c = {}, 'text', 3\n");
    while (n-- > 0) statement(in, out, DEPTH);
    buf_add_c(out, "return ");
    expression(in, out, DEPTH);
}

/* --- the host ----------------------------------------------------------------------------------------- */

struct host {
    struct vm *vm;
    struct input *in;
    int asked;
};

static void host_call(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out)
{
    static const char *const replies[] = {
        "+OK\r\n", "-ERR no\r\n", "-WRONGTYPE no such luck\r\n", ":7\r\n", "$3\r\na\0b\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n",
        "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "*2\r\n+x\r\n-ERR within\r\n",
    };
    static const char *const newer[] = {
        "_\r\n", "#t\r\n", ",1.5\r\n", ",inf\r\n", "(123456789012345678901234567890\r\n", "=5\r\ntxt:x\r\n",
        "%1\r\n$1\r\na\r\n:1\r\n", "~2\r\n:1\r\n:2\r\n", "%0\r\n",
    };
    struct host *h = ctx;

    (void)argc;
    (void)argv;
    if (resp == 3 && below(h->in, 2)) buf_add_c(out, PICK(h->in, newer));
    else if (below(h->in, 8) == 0) buf_add(out, "$3\r\na\0b\r\n", 9);
    else buf_add_c(out, replies[below(h->in, 4)]);
}

static bool host_stop(void *ctx)
{
    struct host *h = ctx;

    return ++h->asked > ASKED_MAX || vm_bytes(h->vm) > BYTES_MAX;
}

static void host_log(void *ctx, int level, struct str text)
{
    (void)ctx;
    (void)text;
    ensure(level >= 0 && level <= 3);
}

static bool host_may_run(void *ctx, size_t argc, const struct str *argv, bool *may)
{
    (void)ctx;
    *may = argc > 1;
    return argv[0].n < 5;
}

/* --- running ------------------------------------------------------------------------------------------ */

static const char census[] =
    "local seen, lines = {}, {}\n"
    "local function look(name, t, depth)\n"
    "  if seen[t] or depth > 3 then return end\n"
    "  seen[t] = true\n"
    "  for k, v in pairs(t) do\n"
    "    lines[#lines + 1] = name .. '.' .. tostring(k) .. ' ' .. type(v)\n"
    "    if type(v) == 'table' then look(name .. '.' .. tostring(k), v, depth + 1) end\n"
    "  end\n"
    "end\n"
    "look('G', _G, 0)\n"
    "table.sort(lines)\n"
    "return table.concat(lines, '\\n') .. tostring(rawequal(('').rep, string.rep)) .. tostring(#KEYS) .. #ARGV";

static bool run(struct vm *vm, struct str text, struct buf *out)
{
    const struct str keys[] = { STR("k1"), STR("k2") }, args[] = { STR("a\0b") };
    struct vm_run how = { "name", 2, 1, keys, args };
    struct reply reply = { out, 2 };
    struct buf why = { 0 };
    int ref;
    bool ok = vm_compile(vm, text, "@user_script", &ref, &why);

    buf_clear(out);
    if (ok) {
        vm_push(vm, ref);
        vm_run_with_globals(vm, &how, &reply);
        ensure(out->n >= 3);
    } else {
        ensure(why.n > 0);
    }
    ensure(lua_gettop(vm_state(vm)) == 0);
    buf_fini(&why);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { .p = data, .end = data + size };
    struct host host = { .in = &in };
    struct vm_host how = { &host, "7.2.0", host_call, host_stop, host_log, host_may_run };
    struct buf text = { 0 }, out = { 0 }, before = { 0 };
    bool ok;

    rng_seed(&in.rest, hash_bytes(&(struct hash_key){ 5, 6 }, str_of(data, size)));
    host.vm = vm_new(&how);
    ok = run(host.vm, str_c(census), &before);
    ensure(ok && before.p[0] == '$' && before.n > 500);
    for (int i = 0; i < SCRIPTS; i++) {
        buf_clear(&text);
        if (i == 0 && size > 0 && data[0] > ' ' && data[0] < 127) buf_add(&text, data, size);
        else script(&in, &text);
        if (getenv("MEMD_FUZZ_TRACE")) fprintf(stderr, "--\n%.*s\n", (int)text.n, text.p);
        host.asked = 0;
        run(host.vm, buf_str(&text), &out);
        host.asked = -1000; /* this one has all the time it needs */
        ok = run(host.vm, str_c(census), &out);
        ensure(ok && str_eq(buf_str(&out), buf_str(&before)) && "a script has changed what others see");
    }
    vm_free(&host.vm);
    buf_fini(&text);
    buf_fini(&out);
    buf_fini(&before);
    return 0;
}
