/* tools.c -- checking, repairing and restoring files from the command line. */
#include "server/tools.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "persistence/check.h"
#include "persistence/file_ops.h"
#include "persistence/originals.h"
#include "persistence/persist.h"
#include "persistence/report.h"
#include "persistence/restore_to.h"
#include "server/function.h"
#include "server/setup.h"

enum { DATABASES = 1024 }; /* more than anybody has */

static void say(void *ctx, const char *line)
{
    (void)ctx;
    puts(line);
}

static int usage(const char *text)
{
    fprintf(stderr, "usage: memd %s\n", text);
    return 1;
}

/* --- checking ------------------------------------------------------------------------------------------------ */

/* A daemon at work changes the files while they are read. */
static void note_lock(const char *dir)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof path, "%s/LOCK", dir) >= (int)sizeof path) return;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1) return;
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        printf("%s is in use by a daemon: what it writes meanwhile may look torn\n", dir);
    close(fd);
}

/* Loading would refuse what has a library that cannot be loaded. */
static bool try_library(void *functions, struct str text, bool replace, char *why)
{
    enum { TIMEOUT_MS = 5000 };
    struct buf said = { 0 };
    struct str name;
    bool ok = functions_load(functions, text, replace, TIMEOUT_MS, &name, &said);

    if (!ok) snprintf(why, PERSIST_WHY, "%.*s", (int)said.n, said.p);
    buf_fini(&said);
    return ok;
}

/* False: something could not be read. */
static bool check(const char *path, struct check *found, struct report *r)
{
    struct check c;
    struct functions *f = functions_new_apart();
    struct persist_libraries libraries = { .ctx = f, .load = try_library };
    char why[PERSIST_WHY];
    enum err e;

    *r = (struct report){ .say = say };
    check_init(&c, NULL, r);
    c.libraries = &libraries;
    e = check_path(&c, path, why);
    if (e != OK) fprintf(stderr, "%s\n", why);
    check_fini(&c);
    c.libraries = NULL;
    *found = c;
    functions_free(&f);
    return e == OK;
}

int tools_check(int argc, char **argv)
{
    struct check found;
    struct report r;

    if (argc != 1) return usage("--check FILE|DIR");
    note_lock(argv[0]);
    if (!check(argv[0], &found, &r)) return 1;
    if (!found.found) printf("%s: there is nothing to check\n", argv[0]);
    if (r.n_bad) printf("%s: NOT as it was written: %u findings. `memd --repair DIR` keeps the original and mends it\n",
                        argv[0], r.n_bad);
    return r.n_bad ? 1 : 0;
}

/* --- repairing ----------------------------------------------------------------------------------------------- */

static void set_text(char **field, const char *text)
{
    mem_free(*field);
    *field = mem_dup(text, strlen(text) + 1);
}

/* The settings that a repair runs with: those given, but nothing is served and nothing else is saved. */
static bool repair_settings(struct conf *c, int argc, char **argv, char **env, const char *dir)
{
    struct conf_start start = { argc, argv, env, STDIN_FILENO };
    struct conf_error e;
    struct buf text = { 0 };

    if (conf_load(c, &start, &e) != OK) {
        conf_error_text(&e, &text);
        fprintf(stderr, "memd: %.*s\n", (int)text.n, text.p);
        buf_fini(&text);
        return false;
    }
    set_text(&c->dir, dir);
    c->save.n = 0;
    c->maxmemory = 0;
    c->aclfile[0] = 0;
    c->loglevel = LOG_WARNING;
    if (c->databases < DATABASES) c->databases = DATABASES;
    return true;
}

/* The log, or the snapshot, with a server that nobody can reach. */
static bool repair_part(struct conf *c, bool is_log, struct log *log, bool *kept)
{
    char where[PATH_MAX], why[PERSIST_WHY];
    struct server s;
    bool ok;

    c->appendonly = is_log;
    ok = server_open(&s, c, log, &(struct server_outside){ 0 });
    if (ok && !*kept) {
        ok = originals_keep(&file_ops_system, c->dir, c->appenddirname, clock_wall_ms(), where, why) == OK;
        if (ok) printf("The original is kept in %s\n", where);
        else fprintf(stderr, "Nothing has been changed: the original could not be kept: %s\n", why);
        *kept = ok;
    }
    fflush(stdout);
    ok = ok && server_load(&s);
    server_close(&s);
    return ok;
}

static bool repair(struct conf *c, const struct check *found)
{
    struct log *log = log_open(NULL, LOG_WARNING);
    bool kept = false, ok = log != NULL;

    if (ok && found->log_bad) ok = repair_part(c, true, log, &kept);
    if (ok && found->snapshot_bad) ok = repair_part(c, false, log, &kept);
    log_close(&log);
    return ok;
}

/* argv without `word`; true: it was there. */
static bool take_word(int *argc, char **argv, const char *word)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], word) != 0) continue;
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
        (*argc)--;
        return true;
    }
    return false;
}

int tools_repair(int argc, char **argv, char **env)
{
    const char *dir = argc ? argv[0] : NULL;
    struct check found, after;
    struct report r;
    struct conf c;
    bool part, ok;

    if (!dir) return usage("--repair DIR [--salvage] [/path/to/memd.conf] [--setting value ...]");
    part = take_word(&argc, argv, "--salvage");
    if (!check(dir, &found, &r)) return 1;
    if (!found.log_bad && !found.snapshot_bad) {
        printf("%s: there is nothing to repair\n", dir);
        return 0;
    }
    umask(077);
    conf_init(&c);
    ok = repair_settings(&c, argc, argv, env, dir); /* argv[0] stands for the program's name */
    c.recover = part ? CONF_RECOVER_REPAIR_PART : CONF_RECOVER_REPAIR;
    ok = ok && repair(&c, &found);
    conf_fini(&c);
    fflush(stdout);
    if (ok) ok = check(dir, &after, &r) && !after.log_bad && !after.snapshot_bad;
    printf(ok ? "%s: repaired\n" : "%s: NOT repaired\n", dir);
    return ok ? 0 : 1;
}

/* --- restoring ----------------------------------------------------------------------------------------------- */

int tools_restore(int argc, char **argv)
{
    struct report r = { .say = say };
    char why[PERSIST_WHY];
    int64_t wall_ms;

    if (argc != 3) return usage("--restore-to TIME DIR NEWDIR");
    if (!restore_parse_time(str_c(argv[0]), &wall_ms)) {
        fprintf(stderr, "'%s' is no time: 2026-11-21T10:00:00Z, or Unix time in seconds or milliseconds\n", argv[0]);
        return 1;
    }
    umask(077);
    if (restore_to(&file_ops_system, argv[1], argv[2], wall_ms, &r, why) == OK) return 0;
    fprintf(stderr, "%s\n", why);
    return 1;
}
