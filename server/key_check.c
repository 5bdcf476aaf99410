/* key_check.c -- see key_check.h. */
#include "server/key_check.h"

#ifdef STORE_TELLS_LOOKUPS

#include <stdio.h>

#include "base/ensure.h"
#include "base/mem.h"

/* Commands that are about all keys, or about those that others name. An administrator's command may look anywhere. */
static bool looks_anywhere(const struct command *cmd, size_t argc, const struct str *argv)
{
    static const char *const names[] = { "scan", "keys", "unlink.match", "randomkey", "dbsize", "flushdb", "flushall", "swapdb", "exec",
                                         "archive.search", "archive.list", "archive.query", "archive.sql" };

    if ((cmd->flags & CMD_ADMIN) || cmd->group == GROUP_SCRIPTING || cmd->group == GROUP_SERVER || cmd->group == GROUP_SEARCH) return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(cmd->name, names[i]) == 0) return true;
    }
    /* BY and GET: dispatch has asked whether the user may read all keys. */
    for (size_t i = 2; strncmp(cmd->name, "sort", 4) == 0 && i < argc; i++) {
        if (str_is(argv[i], "by") || str_is(argv[i], "get")) return true;
    }
    return false;
}

static bool names(const struct key_check *k, struct str key)
{
    struct key_ref *refs = mem_alloc((k->argc + 1) * sizeof *refs);
    size_t n = command_keys_found(k->cmd, k->argc, k->argv, refs, k->argc);
    bool found = false;

    for (size_t i = 0; i < n && i < k->argc && !found; i++) found = str_eq(k->argv[refs[i].at], key);
    mem_free(refs);
    return found;
}

static void on_lookup(void *ctx, struct str key)
{
    enum { ARGS_MAX = 512 }; /* each lookup goes through all of them */
    struct server *s = ctx;
    const struct key_check *k = s->key_check;

    /* What listens to changes has its own reasons. */
    if (k == NULL || k->argc > ARGS_MAX || s->telling_change) return;
    if (looks_anywhere(k->cmd, k->argc, k->argv) || names(k, key)) return;
    fprintf(stderr, "%s looks up '%.*s', which is none of its keys\n", k->cmd->name, (int)key.n, key.p);
    ensure(!"a handler keeps to the keys of its row");
}

void key_check_begin(struct server *s, struct key_check *k, const struct command *cmd, size_t argc,
                     const struct str *argv)
{
    *k = (struct key_check){ cmd, argc, argv, s->key_check };
    s->key_check = k;
    s->store->on_lookup = on_lookup;
    s->store->on_lookup_ctx = s;
}

void key_check_end(struct server *s, struct key_check *k)
{
    s->key_check = k->outer;
}

#else

typedef int key_check_is_for_sanitized_builds;

#endif
