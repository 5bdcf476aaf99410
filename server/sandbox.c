#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/conf.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* from the third version on */
#endif

/* The first version cannot move a file to another directory. */
enum { LEAST_VERSION = 2, WITH_TRUNCATE = 3 };

enum {
    CHANGE_FILE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE,
    CHANGE_DIR = LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |
                 LANDLOCK_ACCESS_FS_REFER,
    NEVER = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO,
    READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    EXECUTE = LANDLOCK_ACCESS_FS_EXECUTE,
    OF_FILES = CHANGE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | EXECUTE
};

struct rules {
    int fd;
    uint64_t handled; /* what is forbidden unless a rule allows it */
};

/* --- rules --------------------------------------------------------------------------------------------- */

/* Allow this for path and all below it. What is not there needs no rule. */
static void allow(const struct rules *r, const char *path, uint64_t what)
{
    struct landlock_path_beneath_attr rule = { .allowed_access = what & r->handled };
    struct stat st;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return;
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode)) rule.allowed_access &= OF_FILES;
    if (rule.allowed_access != 0 &&
        syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0) {
        /* then it stays forbidden, and whoever needs it will hear so */
    }
    close(rule.parent_fd);
}

static void allow_parent(const struct rules *r, const char *path, uint64_t what)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof copy, "%s", path) < (int)sizeof copy) allow(r, dirname(copy), what);
}

/* The directory that a file is in, by the name that is given for it and by where that leads to in the end. A device is
 * meant itself: who logs to /dev/null shall not change others. */
static void allow_around(const struct rules *r, const char *path, uint64_t what)
{
    char *real;
    struct stat st;

    if (path[0] == '\0') return;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISSOCK(st.st_mode)) {
        allow(r, path, what);
        return;
    }
    allow_parent(r, path, what);
    real = realpath(path, NULL);
    if (real != NULL) allow_parent(r, real, what);
    free(real);
}

/* --- what memd needs ----------------------------------------------------------------------------------- */

/* A data directory that is not there is made here: afterwards its parent cannot be written to. */
static void make_dir(const char *dir)
{
    char parent[PATH_MAX];
    int fd;

    if (mkdir(dir, 0755) != 0 || snprintf(parent, sizeof parent, "%s", dir) >= (int)sizeof parent) return;
    fd = open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    if (fsync(fd) != 0) { /* as on file systems that cannot */ }
    close(fd);
}

/* Parts of the data directory may be links to other places. */
static void allow_data(const struct rules *r, const struct conf *conf)
{
    const char *const names[] = { conf->dbfilename, conf->appenddirname, conf->archive_file };
    char path[PATH_MAX];

    make_dir(conf->dir);
    allow(r, conf->dir, CHANGE_FILE | CHANGE_DIR | READ);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *real;
        struct stat st;

        if (names[i][0] == '\0' || snprintf(path, sizeof path, "%s/%s", conf->dir, names[i]) >= (int)sizeof path) continue;
        if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode) || (real = realpath(path, NULL)) == NULL) continue;
        if (stat(real, &st) == 0 && S_ISDIR(st.st_mode)) allow(r, real, CHANGE_FILE | CHANGE_DIR | READ);
        else allow_parent(r, real, CHANGE_FILE | CHANGE_DIR | READ);
        free(real);
    }
    if (conf->recover != CONF_RECOVER_NO) allow_parent(r, conf->dir, CHANGE_FILE | CHANGE_DIR | READ); /* originals beside */
}

static void allow_changes(const struct rules *r, const struct conf *conf)
{
    const char *const files[] = { conf->logfile, conf->pidfile, conf->unixsocket, conf->aclfile, conf->file };

    allow_data(r, conf);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        allow_around(r, files[i], CHANGE_FILE | CHANGE_DIR | READ);
    allow(r, "/dev/null", CHANGE_FILE | READ);
}

static const char *variable(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=') return *env + n + 1;
    }
    return "";
}

static void allow_reading(const struct rules *r, const struct conf *conf, char *const *env)
{
    static const char *const system[] = {
        "/usr/lib", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.preload", "/usr/share/zoneinfo",
        "/etc/localtime", "/etc/ssl", "/usr/share/ca-certificates", "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf",
        "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/passwd", "/etc/group", "/run/systemd/resolve", "/proc",
        "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm", "/dev/urandom", "/dev/random",
    };
    const char *const files[] = { conf->tls_cert_file, conf->tls_key_file, conf->tls_ca_cert_file,
                                  conf->tls_dh_params_file, variable(env, "MEMD_PASSWORD_FILE") };

    for (size_t i = 0; i < sizeof system / sizeof *system; i++) allow(r, system[i], READ);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) allow_around(r, files[i], READ);
    for (size_t i = 0; i < conf->files.n; i++) allow_around(r, conf->files.items[i], READ);
    allow(r, conf->tls_ca_cert_dir, READ);
    allow(r, variable(env, "CREDENTIALS_DIRECTORY"), READ);
}

/* An upgrade puts a new file in the place of the old one: a rule for the file itself would not hold for that. The
 * program's interpreter is one that loads its libraries. */
static void allow_restart(const struct rules *r, const char *program)
{
    static const char *const loaders[] = { "/lib64", "/lib", "/usr/lib64", "/usr/lib" };

    if (program[0] == '\0') return;
    allow_parent(r, program, EXECUTE | READ);
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++) allow(r, loaders[i], EXECUTE | READ);
}

/* --- entering ------------------------------------------------------------------------------------------ */

/* Why it stays off; NULL: nothing is against it. */
static const char *objection(long version)
{
#ifdef __SANITIZE_ADDRESS__
    return "this is an instrumented build"; /* its tool named here would read as a finding of it */
#endif
    if (version < 0) return errno == EOPNOTSUPP ? "Landlock is switched off in this kernel" : "this kernel has no Landlock";
    if (version < LEAST_VERSION) return "this kernel's Landlock is too old (Linux 5.19 is needed)";
    return NULL;
}

static bool restrict_files(const struct conf *conf, char *const *env, const char *program, long version)
{
    struct rules r = { .handled = CHANGE_FILE | CHANGE_DIR | NEVER | EXECUTE };
    bool ok;

    if (conf->sandbox == CONF_SANDBOX_YES) r.handled |= READ;
    if (version < WITH_TRUNCATE) r.handled &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    r.fd = (int)syscall(SYS_landlock_create_ruleset, &(struct landlock_ruleset_attr){ .handled_access_fs = r.handled },
                        sizeof(struct landlock_ruleset_attr), 0);
    if (r.fd < 0) return false;
    allow_changes(&r, conf);
    allow_reading(&r, conf, env);
    if (conf->restart_in_place) allow_restart(&r, program);
    ok = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, r.fd, 0) == 0;
    close(r.fd);
    return ok || errno == E2BIG; /* sixteen lives lie within one another: those of before hold */
}

bool sandbox_enter(const struct conf *conf, char *const *env, const char *program, struct log *log)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    const char *no;

    if (conf->sandbox == CONF_SANDBOX_NO) return true;
    no = objection(version);
    if (no == NULL && !restrict_files(conf, env, program, version)) no = strerror(errno);
    if (no == NULL) {
        setenv("SQLITE_TMPDIR", conf->dir, 0); /* where the archive's long statements put what they may have to undo */
        log_verbose(log, "In a sandbox: files can be changed only where memd keeps its own.");
        return true;
    }
    if (conf->sandbox == CONF_SANDBOX_AUTO) {
        log_verbose(log, "Without a sandbox: %s.", no);
        return true;
    }
    log_warning(log, "sandbox yes: %s. Choose auto or no.", no);
    return false;
}
