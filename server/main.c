/* main.c -- the command line, and the order of starting. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/mem.h"
#include "base/thread.h"
#include "server/check_config.h"
#include "server/inherit.h"
#include "server/listen.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "server/namespace_rules.h"
#include "server/ping.h"
#include "server/privilege.h"
#include "server/restart.h"
#include "server/sandbox.h"
#include "server/setup.h"
#include "server/supervise.h"
#include "server/system_calls.h"
#include "server/title.h"
#include "server/tls.h"
#include "server/tools.h"
#include "server/usage.h"

extern char **environ;

static void print_version(void)
{
    printf("memd v=%s redis=%s bits=%zu\n", MEMD_VERSION, MEMD_REDIS_VERSION, sizeof(void *) * 8);
}

static bool load_settings(struct conf *conf, int argc, char **argv)
{
    struct conf_start start = { argc, argv, environ, STDIN_FILENO };
    struct conf_error e;
    struct buf text = { 0 };

    if (conf_load(conf, &start, &e) == OK) return true;
    conf_error_text(&e, &text);
    fprintf(stderr, "memd: %.*s\n", (int)text.n, text.p);
    buf_fini(&text);
    return false;
}

/* What RESTART asks before it lets go: would memd start with these arguments? */
static int check_start(const char *ports, int argc, char **argv)
{
    struct conf conf;
    bool good;

    conf_init(&conf);
    conf.namespace_ok = namespace_line_ok;
    good = load_settings(&conf, argc, argv) && restart_would_start(&conf, ports);
    conf_fini(&conf);
    return good ? 0 : 1;
}

/* True: an option that is not about running was given, and *code is how to exit. */
static bool handled_alone(int argc, char **argv, int *code)
{
    struct buf out = { 0 };
    const char *first = argc > 1 ? argv[1] : "";

    *code = 0;
    if (argc >= 2 && (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)) {
        usage_help(&out);
        fwrite(out.p, 1, out.n, stdout);
    } else if (argc >= 2 && (strcmp(first, "--version") == 0 || strcmp(first, "-v") == 0)) {
        print_version();
    } else if (argc == 2 && strcmp(first, "--print-config") == 0) {
        conf_print(&out);
        fwrite(out.p, 1, out.n, stdout);
    } else if (argc == 3 && strcmp(first, "--print-man") == 0 && (strcmp(argv[2], "1") == 0 || strcmp(argv[2], "5") == 0)) {
        usage_man(&out, argv[2][0] - '0');
        fwrite(out.p, 1, out.n, stdout);
    } else if (argc == 3 && strcmp(first, "--check-config") == 0) {
        bool good = check_config(argv[2], &out);
        fwrite(out.p, 1, out.n, good ? stdout : stderr);
        *code = good ? 0 : 1;
    } else if (argc == 2 && strcmp(first, "--check-config") == 0) {
        fputs("memd --check-config needs the name of a file\n", stderr);
        *code = 1;
    } else if (argc >= 2 && strncmp(first, RESTART_CHECK, strlen(RESTART_CHECK)) == 0) {
        *code = check_start(first + strlen(RESTART_CHECK), argc - 1, argv + 1);
    } else if (argc >= 2 && strcmp(first, "--ping") == 0) {
        *code = ping_main(argc - 2, argv + 2, environ);
    } else if (argc >= 2 && strcmp(first, "--check") == 0) {
        *code = tools_check(argc - 2, argv + 2);
    } else if (argc >= 2 && strcmp(first, "--repair") == 0) {
        *code = tools_repair(argc - 2, argv + 2, environ);
    } else if (argc >= 2 && strcmp(first, "--restore-to") == 0) {
        *code = tools_restore(argc - 2, argv + 2);
    } else {
        return false;
    }
    buf_fini(&out);
    return true;
}

/* False: this is the parent, or there is no child; *code is how to exit. */
static bool into_background(int *code)
{
    pid_t child = fork();
    int fd;

    *code = child < 0;
    if (child < 0) fprintf(stderr, "memd: cannot go to the background: %s\n", strerror(errno));
    if (child != 0) return false;
    setsid();
    fd = open("/dev/null", O_RDWR);
    if (fd >= 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        if (fd > STDERR_FILENO) close(fd);
    }
    return true;
}

static void say_hello(const struct server *s)
{
    const struct conf *c = s->conf;
    struct buf policy = { 0 }, sync = { 0 }, save = { 0 };
    char limit[64], tls[48] = "";

    conf_value(c, "maxmemory-policy", &policy);
    conf_value(c, "appendfsync", &sync);
    conf_value(c, "save", &save);
    buf_add(&policy, "", 1);
    buf_add(&sync, "", 1);
    buf_add(&save, "", 1);
    if (c->maxmemory) snprintf(limit, sizeof limit, "%llu bytes, %s", (unsigned long long)c->maxmemory, policy.p);
    else snprintf(limit, sizeof limit, "none");
    if (c->tls_port) snprintf(tls, sizeof tls, ", TLS port %lld", (long long)c->tls_port);
    log_notice(s->log, "memd %s started: port %lld%s, data directory %s, persistence %s%s%s%s%s, memory limit %s",
               MEMD_VERSION, (long long)c->port, tls, c->dir, c->appendonly ? "AOF fsync " : "",
               c->appendonly ? sync.p : "", c->appendonly && c->save.n ? " + " : "",
               c->save.n ? "snapshots " : c->appendonly ? "" : "off", c->save.n ? save.p : "", limit);
    for (size_t i = 0; i < c->warnings.n; i++) log_warning(s->log, "%s", c->warnings.items[i]);
    buf_fini(&policy);
    buf_fini(&sync);
    buf_fini(&save);
}

/* One life of the server. True: it is to begin anew, and this program could not be replaced. */
static bool serve(struct conf *conf, struct log *log, const struct server_outside *outside, int *code)
{
    struct server s;
    char why[RESTART_WHY];

    *code = 1;
    if (server_open(&s, conf, log, outside) && listen_open(&s) && metrics_open(&s)) {
        title_show(outside->title, conf);
        privilege_write_pid(outside->privilege, conf, log);
        say_hello(&s);
        if (server_load(&s)) {
            if (!s.stopping) {
                log_notice(log, "Ready to accept connections");
                supervise_ready(s.supervise);
                loop_run(&s);
            }
            *code = s.exit_code;
        }
        if (!s.restarting) privilege_remove_pid(conf);
    }
    if (s.restarting) {
        restart_give(&s, outside->inherited);
        privilege_give(outside->privilege, outside->inherited);
    }
    server_close(&s);
    if (!s.restarting) {
        log_notice(log, *code == 0 ? "memd is now ready to exit, bye bye..." : "memd could not start.");
        return false;
    }
    restart_now(outside->origin, outside->inherited, why);
    log_warning(log, "The new program could not be run, and this one goes on: %s", why);
    return true;
}

/* All that is done with the settings. */
static int run(struct conf *conf, struct server_outside *outside)
{
    struct privilege *privilege = outside->privilege;
    char why[PRIVILEGE_WHY];
    struct log *log;
    int code;

    umask(077);
    if (!privilege_enter(privilege, conf, outside->inherited, why)) {
        fprintf(stderr, "memd: %s\n", why);
        return 1;
    }
    if (conf->daemonize && !outside->inherited->restarted && !into_background(&code)) return code;
    log = log_open(conf->logfile, conf->loglevel);
    if (log == NULL) return 1; /* it has said why */
    server_apply_log(conf, log);
    privilege_tell(privilege, conf, log);
    outside->supervise = supervise_new(conf, environ, log);
    code = 1;
    system_calls_limit(conf, outside->inherited->restarted, log);
    if (sandbox_enter(conf, environ, origin_program(outside->origin), log)) {
        while (serve(conf, log, outside, &code)) { }
    }
    supervise_free(&outside->supervise);
    privilege_close(privilege);
    crash_close();
    log_close(&log);
    return code;
}

int main(int argc, char **argv)
{
    struct conf conf;
    struct title title;
    struct inheritance inherited;
    struct privilege privilege;
    struct server_outside outside = { .title = &title, .inherited = &inherited, .privilege = &privilege };
    struct origin *origin;
    int code;

    mem_init();
    tls_use_mem();
    thread_prepare();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN); /* memd has no use for them, and dying of one would be a poor answer */
    signal(SIGUSR2, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like a full disk */
    if (handled_alone(argc, argv, &code)) return code;
    inherit_open(&inherited, environ);
    conf_init(&conf);
    conf.namespace_ok = namespace_line_ok;
    code = 1;
    if (load_settings(&conf, argc, argv)) {
        outside.origin = origin = origin_new(argv, environ);
        environ = title_take(&title, argc, argv, environ);
        code = run(&conf, &outside);
        origin_free(&origin);
    }
    inherit_close(&inherited);
    conf_fini(&conf);
    return code;
}
