/* script_run.h -- the host of scripts: what redis.call does, and what may be done while one runs.
 *
 * Commands of a script go through the same rows and the same log as those of clients; a client of its own
 * stands for the script, with the database and the rights of the caller. What a script writes is one
 * group of the log. One script runs at a time, as scripts cannot call scripts. */
#ifndef MEMD_SERVER_SCRIPT_RUN_H
#define MEMD_SERVER_SCRIPT_RUN_H

#include "scripting/vm.h"
#include "server/client.h"

struct script_run;

/* The host's side of a state; lives as long as the server. */
struct script_run *script_run_new(struct server *s);
void script_run_free(struct script_run **r);
struct vm_host script_run_host(struct script_run *r);

/* What is run, and how. */
struct script_job {
    const char *name;    /* NUL-terminated: of the function, or the script's digest */
    unsigned flags;      /* enum script_flag */
    bool declared;       /* it said its flags; else anything goes (EVAL without a first line) */
    bool read_only;      /* called by a command that only reads */
    bool is_eval;        /* a script of EVAL; else a function */
    size_t n_keys, n_args;
    const struct str *keys, *args;
};

/* Run the function on top of vm's stack (which is taken away) for the call c, and reply. The code for the handler to
 * return. */
enum err script_run(struct script_run *r, struct vm *vm, const struct script_job *job, struct call *c);

/* May a script with such flags run at all now? Else the error is replied. */
enum err MUST_USE script_may_run(struct script_run *r, const struct script_job *job, struct call *c);

/* The flags of a request's command, which for EVAL, EVALSHA and FCALL are those that what they run gives
 * itself: a pause of writes lets a script run that says it writes nothing. */
uint32_t script_command_flags(struct server *s, const struct command *cmd, size_t argc, const struct str *argv);

/* Has a script run for longer than busy-reply-threshold? NULL: no; else what other clients are told. */
const char *script_busy(const struct script_run *r);

/* SHUTDOWN NOSAVE while it is busy: stop it, then the daemon. */
void script_stop_all(struct script_run *r);
bool script_wants_shutdown(const struct script_run *r);

/* A signal asks for the end: true when no script runs. One that has written nothing is stopped, another has
 * to come to its end. */
bool script_give_way(struct script_run *r);

/* What runs; false: nothing. */
struct script_running {
    const char *name;
    bool is_eval;
    int64_t ms;              /* since it began */
    const struct call *call; /* of the caller */
};
bool script_running(const struct script_run *r, struct script_running *out);

/* SCRIPT KILL and FUNCTION KILL: reply, and let what runs be stopped. */
enum err script_kill(struct script_run *r, bool eval, struct call *c);

#endif
