/* vm.h -- a Lua state that runs scripts, and the `redis` that they talk to.
 *
 * What a script can reach is a closed world: the globals below, of which none can be changed, `redis`, and
 * its own locals. There is no way to files, to other states or to the machine; only text is compiled.
 *
 *   assert collectgarbage coroutine error getfenv getmetatable ipairs load loadstring next pairs pcall
 *   rawequal rawget rawset select setfenv setmetatable tonumber tostring type unpack xpcall _G _VERSION
 *   bit cjson cmsgpack math os.clock string struct table redis server
 *
 * Whoever runs a script is the host: it runs commands, writes the log, and says when to stop. LuaJIT is
 * used as an interpreter: hooks do not fire in compiled code.
 *
 * Memory is counted by base/mem.h and bounded (VM_BYTES_MAX): what is too much is an error of the script.
 * So is what would need too much of the machine's stack. */
#ifndef MEMD_SCRIPTING_VM_H
#define MEMD_SCRIPTING_VM_H

#include <luajit-2.1/lua.h>

#include "base/ensure.h"
#include "protocol/reply.h"

struct vm;

/* The most that a state may hold. */
#define VM_BYTES_MAX ((size_t)1 << 30)

struct vm_host {
    void *ctx;
    const char *version; /* "7.2.0" */
    /* Run a command: out gets its reply, whole, in that version of RESP. */
    void (*call)(void *ctx, size_t argc, const struct str *argv, int resp, struct buf *out);
    /* Asked from time to time while a script runs; true: it is to stop. */
    bool (*stop)(void *ctx);
    /* Level as in redis.LOG_DEBUG (0) to redis.LOG_WARNING (3). */
    void (*log)(void *ctx, int level, struct str text);
    /* May the user run the command? False when there is no such command. */
    bool (*may_run)(void *ctx, size_t argc, const struct str *argv, bool *may);
};

struct vm *vm_new(const struct vm_host *host);
void vm_free(struct vm **vm);

lua_State *vm_state(const struct vm *vm);
/* Compile text (never byte code); `chunk` names it in errors ("@user_script"). On success *ref keeps the
 * function, as long as the state lives; else why gets the compiler's message. */
bool MUST_USE vm_compile(struct vm *vm, struct str text, const char *chunk, int *ref, struct buf *why);
void vm_push(struct vm *vm, int ref);

size_t vm_bytes(const struct vm *vm);
void vm_collect(struct vm *vm);

/* Hold the state to VM_BYTES_MAX, or no longer. For whoever runs something in it by himself, protected:
 * what is refused is an error of Lua. Afterwards what was left behind is collected. */
void vm_bound(struct vm *vm, bool on);

/* A run. The function on top of the stack is called with tables of keys and args. */
struct vm_run {
    const char *name; /* of the script, for errors */
    size_t n_keys, n_args;
    const struct str *keys, *args;
};

/* Call the function that vm_state's stack ends with, and take it away; out gets the reply. Returns false
 * when that is an error. */
bool vm_run(struct vm *vm, const struct vm_run *run, struct reply *out);

/* The same without arguments: the tables are the globals KEYS and ARGV. */
bool vm_run_with_globals(struct vm *vm, const struct vm_run *run, struct reply *out);

/* Was the error of the last run one that a command gave, and was counted for it? */
bool vm_failed_by_command(const struct vm *vm);

#endif
