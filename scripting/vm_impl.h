/* vm_impl.h -- for vm*.c alone. */
#ifndef MEMD_SCRIPTING_VM_IMPL_H
#define MEMD_SCRIPTING_VM_IMPL_H

#include "scripting/lua_steps.h"
#include "scripting/vm.h"

struct vm {
    struct vm_host host;
    lua_State *L;
    const struct vm_run *run; /* NULL: nothing runs */
    int resp;                 /* of what redis.call answers */
    bool calling;             /* within host.call */
    struct buf words;         /* of the command that runs */
    struct buf reply;         /* of the command that ran last */
    uint64_t random;          /* state of math.random */
    struct lua_steps steps;   /* of functions of C that can be stopped */
    size_t bytes;             /* held by the state */
    const char *stack;        /* the machine's stack where the run began */
    size_t stack_max;         /* how much of it a run may use */
    bool globals;             /* the run finds keys and arguments in KEYS and ARGV */
    bool counted;             /* the error of this run is a command's */
    unsigned runs;            /* since the last step of the collector */
    bool bounded;             /* VM_BYTES_MAX holds: what runs is protected */
    size_t kept;              /* bytes after it last ran through */
    struct reply *out;        /* of the run */
    struct vm_refs {          /* what each run needs, in the registry: made once */
        int on_error, call_protected, globals, keys, argv;
    } refs;
};

/* vm_sandbox.c: make the globals, `redis` being on top of the stack (it is taken away). */
void vm_sandbox(struct vm *vm);

/* vm_seal.c: seal the table on top: what stands there instead shows what it holds and takes nothing; with `strict`,
 * what it does not hold is an error. */
void vm_seal(lua_State *L, bool strict);

/* Is the value at index sealed? */
bool vm_is_sealed(lua_State *L, int index);

/* Raise the error of who writes to a seal. */
int vm_refuse_write(lua_State *L);

/* Push what getmetatable shows of a seal: an empty table that takes nothing, and shows none itself. */
void vm_push_metatable_shown(lua_State *L);

/* Put in the place of a function of a library, if there is one, a function that has the old one as its upvalue 1. */
void vm_wrap(lua_State *L, const char *library, const char *name, lua_CFunction with);

/* In such a function: call the old one with all that is on the stack, and return what it returns. */
int vm_call_wrapped(lua_State *L);

/* vm_json.c: make the global `cjson`. */
void vm_open_cjson(lua_State *L);

/* vm_api.c: push `redis`. */
void vm_push_redis(struct vm *vm);

/* The vm of a state, from its registry. */
struct vm *vm_by_state(lua_State *L);

/* The vm of a function that has it as its upvalue. */
struct vm *vm_of(lua_State *L);

/* Push {err = ...}: text as it is when it begins with '-' (left out), else behind "ERR ". */
void vm_push_error(lua_State *L, struct str text);

/* vm_value.c: push what a reply says; errors may be raised (no room). */
void vm_push_reply(lua_State *L, struct str reply);

/* Write the value on top as a reply, and take it away. resp: what the script chose. */
void vm_write_value(lua_State *L, int resp, struct reply *out);

#endif
