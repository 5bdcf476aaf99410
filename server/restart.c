#include "server/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "persistence/data_lock.h"
#include "server/check_config.h"
#include "server/check_listen.h"
#include "server/inherit.h"
#include "server/listen.h"
#include "server/privilege.h"
#include "server/server.h"
#include "server/supervise.h"

enum { CHECK_MS = 20000 }; /* of a program that hangs: on a busy machine a good one may take some seconds */

struct origin {
    char program[PATH_MAX];
    char **argv, **env;
    size_t n_argv, n_env;
};

/* --- what we were started with ------------------------------------------------------------------------- */

/* With room for so many more, and a NULL. */
static char **copy(char **from, size_t more, size_t *n)
{
    char **to;

    for (*n = 0; from[*n]; (*n)++) { }
    to = mem_zalloc((*n + more + 1) * sizeof *to);
    for (size_t i = 0; i < *n; i++) to[i] = mem_dup(from[i], strlen(from[i]) + 1);
    return to;
}

struct origin *origin_new(char **argv, char **env)
{
    struct origin *o = mem_zalloc(sizeof *o);
    ssize_t n = readlink("/proc/self/exe", o->program, sizeof o->program - 1);

    o->program[n > 0 ? n : 0] = '\0';
    o->argv = copy(argv, 0, &o->n_argv);
    o->env = copy(env, 1, &o->n_env); /* for what is inherited */
    return o;
}

static void free_all(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++) mem_free(list[i]);
    mem_free(list);
}

void origin_free(struct origin **op)
{
    struct origin *o = *op;

    free_all(o->argv, o->n_argv);
    free_all(o->env, o->n_env);
    mem_free(o);
    *op = NULL;
}

const char *origin_program(const struct origin *o)
{
    return o->program;
}

/* Settings that came through a pipe are gone. */
static bool read_stdin(const struct origin *o)
{
    return (o->n_argv > 1 && strcmp(o->argv[1], "-") == 0) || (o->n_argv > 1 && strcmp(o->argv[o->n_argv - 1], "-") == 0);
}

/* --- the new program's answer -------------------------------------------------------------------------- */

/* Could the data be written? Asked by writing: a sandbox refuses what the permissions would allow. */
bool restart_would_start(const struct conf *conf, const char *ports)
{
    const char *from = conf->file[0] ? conf->file : "memd";
    struct buf report = { 0 };
    char why[PRIVILEGE_WHY];
    struct stat st;
    bool good = check_listen(conf, from, ports, &report), is_user = privilege_try(conf, why);
    int fd;

    if (!is_user) buf_printf(&report, "%s: %s\n", from, why);
    good &= is_user;
    good &= check_settings(conf, &report);

    if (!good) fprintf(stderr, "%.*s", (int)report.n, report.p);
    buf_fini(&report);
    if (!good) return false;
    if (stat(conf->dir, &st) != 0 && errno == ENOENT) return true; /* it will be made */
    fd = open(conf->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
        fprintf(stderr, "memd: dir: %s: %s\n", conf->dir, strerror(errno));
        return false;
    }
    if (fd >= 0) close(fd);
    return true;
}

/* --- asking the new program ---------------------------------------------------------------------------- */

/* All that the child says, till it closes its end. False: it takes too long. */
static bool listen_to(int fd, char *out, size_t room)
{
    int64_t until = clock_mono_us() / 1000 + CHECK_MS;
    size_t at = 0;

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = until - clock_mono_us() / 1000;
        char rest[256];
        ssize_t n;

        if (left <= 0) return false;
        if (poll(&p, 1, (int)left) <= 0) continue;
        n = at < room - 1 ? read(fd, out + at, room - 1 - at) : read(fd, rest, sizeof rest);
        if (n == 0) break;
        if (n > 0 && at < room - 1) at += (size_t)n;
    }
    out[at] = '\0';
    return true;
}

/* The child begins as any program does: signals at their defaults and none blocked, but those that `systemctl kill` and
 * reload send to all processes of a service: the child would die of what was for us. */
static int spawn(const struct origin *o, char *check, int say, pid_t *child)
{
    static const int ours[] = { SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ, SIGTERM, SIGINT, SIGHUP };
    char **args = mem_zalloc((o->n_argv + 2) * sizeof *args);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t blocked, defaults;
    int error;

    args[0] = o->argv[0];
    args[1] = check;
    for (size_t i = 1; i < o->n_argv; i++) args[i + 1] = o->argv[i];
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaddset(&blocked, SIGHUP);
    sigemptyset(&defaults);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) sigaddset(&defaults, ours[i]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, say, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, say, STDERR_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &blocked);
    posix_spawnattr_setsigdefault(&attr, &defaults);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn(child, o->program, &files, &attr, args, o->env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    mem_free(args);
    return error;
}

/* Its last words, as one line. */
static void quote(char *said, char *why)
{
    size_t n = strlen(said);

    while (n > 0 && (unsigned char)said[n - 1] <= ' ') said[--n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)said[i] < ' ') said[i] = ' ';
    }
    snprintf(why, RESTART_WHY, "%.400s", n ? said : "it gave no reason");
}

static bool ask(const struct server *s, char *why)
{
    const struct origin *o = s->origin;
    int ends[2], status = 0, error;
    struct buf check = { 0 };
    char said[RESTART_WHY];
    pid_t child;
    bool heard;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(why, RESTART_WHY, "pipe: %s", strerror(errno));
        return false;
    }
    buf_add_c(&check, RESTART_CHECK);
    listen_ports(s, &check);
    buf_add_char(&check, '\0');
    error = spawn(o, check.p, ends[1], &child);
    buf_fini(&check);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        snprintf(why, RESTART_WHY, "%.300s cannot be run: %s", o->program, strerror(error));
        return false;
    }
    heard = listen_to(ends[0], said, sizeof said);
    close(ends[0]);
    if (!heard) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) { }
    if (!heard) snprintf(why, RESTART_WHY, "%.300s did not answer in %d seconds", o->program, CHECK_MS / 1000);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) quote(said, why);
    else return true;
    return false;
}

static bool may_begin(const struct server *s, char *why)
{
    const char *no = NULL;

    if (s->origin == NULL || origin_program(s->origin)[0] == '\0') no = "the path of the program is not known";
    else if (!s->conf->restart_in_place) no = "restart-in-place is no";
    else if (s->store->loading) no = "the data is being loaded";
    else if (read_stdin(s->origin)) no = "settings were read from the standard input, and cannot be read again";
    if (no) snprintf(why, RESTART_WHY, "%s", no);
    return no == NULL;
}

/* --- the steps ----------------------------------------------------------------------------------------- */

bool restart_begin(struct server *s, int save, bool force, char *why)
{
    if (s->stopping) return true;
    if (!may_begin(s, why) || !ask(s, why)) {
        log_warning(s->log, "Not restarted: %s", why);
        return false;
    }
    log_notice(s->log, "Restarting in place: %s", origin_program(s->origin));
    supervise_reloading(s->supervise, clock_mono_us());
    s->restarting = true;
    if (server_shutdown(s, save, force)) return true;
    s->restarting = false;
    snprintf(why, RESTART_WHY, "what memd holds could not be saved: the log says why");
    return false;
}

static void give(struct inheritance *in, int fd, const char *name)
{
    if (fd != -1) inherit_give(in, fd, name);
}

void restart_give(const struct server *s, struct inheritance *in)
{
    struct data_lock lock;

    listen_give(s, in);
    persist_lock_copy(s->persist, &lock);
    give(in, lock.file, INHERIT_LOCK);
    give(in, lock.dir, INHERIT_LOCK_DIR);
}

void restart_now(const struct origin *o, struct inheritance *in, char *why)
{
    char *text = mem_alloc(INHERIT_ENV);

    inherit_pass(in, text);
    o->env[o->n_env] = text;
    execve(o->program, o->argv, o->env);
    snprintf(why, RESTART_WHY, "%.300s: %s", o->program, strerror(errno));
    o->env[o->n_env] = NULL;
    mem_free(text);
    inherit_keep(in);
}
