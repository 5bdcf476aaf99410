/* registry.h -- all commands by name, with their counters.
 *
 * Built once at start from commands/ and from the tables of server/. A row's counters (calls, time,
 * failures, latency histogram) live here, since rows are constant. */
#ifndef MEMD_SERVER_REGISTRY_H
#define MEMD_SERVER_REGISTRY_H

#include "commands/command.h"

enum { LATENCY_BUCKETS = 31 }; /* powers of two of microseconds */

struct command_stats {
    uint64_t calls, us, rejected, failed;
    uint64_t histogram[LATENCY_BUCKETS]; /* calls that took at most 2^i us */
};

/* A row in place: its parent (for a subcommand) and its counters. */
struct command_ref {
    const struct command *cmd;
    const char *name;           /* what clients call it: cmd->name unless it was renamed */
    struct command_ref *parent; /* NULL: a top-level command */
    struct command_ref *subs;
    size_t n_subs;
    char full_name[48];         /* "config|get" */
    unsigned id;                /* below registry_ids: for bitmaps of commands */
    int first_key;              /* index of the first key where that is fixed, else 0 */
    struct command_stats stats;
};

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry **r);

/* Let clients call a command by another name (rename-command), or with "" not at all. `to` must live as
 * long as r. ERR_NO_KEY: there is no command `from`; ERR_NOT_DONE: there is one `to` already. */
enum err MUST_USE registry_rename(struct registry *r, const char *from, const char *to);

/* By name, case ignored; NULL: no such command. */
struct command_ref *registry_find(const struct registry *r, struct str name);

/* By the name it had before it was renamed or taken away: what the log knows it by. */
struct command_ref *registry_find_own(const struct registry *r, struct str name);

/* The row that a request means: its subcommand when the first word is a container. *container is set
 * when the word is known but the subcommand is not. */
struct command_ref *registry_resolve(const struct registry *r, size_t argc, const struct str *argv,
                                     struct command_ref **container);

/* The same of a request of the log. */
struct command_ref *registry_resolve_own(const struct registry *r, size_t argc, const struct str *argv);

/* By full name as ACL and COMMAND know it: "get", "config|get". */
struct command_ref *registry_find_full(const struct registry *r, struct str name);

/* Top-level commands, in the order of their names. */
size_t registry_count(const struct registry *r);
struct command_ref *registry_at(const struct registry *r, size_t i);

/* All commands and subcommands, also those that clients cannot call any more, by their ids. */
unsigned registry_ids(const struct registry *r);
void registry_each(struct registry *r, void (*fn)(void *ctx, struct command_ref *ref), void *ctx);

/* Zero all counters. */
void registry_reset_stats(struct registry *r);

static inline void command_stats_add(struct command_stats *st, int64_t us, bool failed)
{
    int bucket = us <= 1 ? 0 : 64 - __builtin_clzll((uint64_t)us - 1);

    st->calls++;
    st->us += (uint64_t)us;
    st->failed += failed;
    st->histogram[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

#endif
