#include "server/check_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/acl.h"
#include "server/check_listen.h"
#include "server/namespace_rules.h"
#include "server/privilege.h"
#include "server/server.h"
#include "server/tls.h"

struct check {
    const char *path;
    struct conf conf;
    struct buf *report;
    bool good;
};

static void begin(struct check *k, const char *setting, bool is_error)
{
    buf_printf(k->report, "%s: %s%s: ", k->path, is_error ? "" : "warning: ", setting);
    k->good &= !is_error;
}

/* --- files that settings name ---------------------------------------------------------------------------- */

/* The directory that a file is in. */
static void parent(const char *path, struct buf *out)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) buf_add_c(out, ".");
    else if (slash == path) buf_add_c(out, "/");
    else buf_add(out, path, (size_t)(slash - path));
    buf_add_char(out, '\0');
}

static bool is_directory(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0) return false;
    errno = ENOTDIR;
    return S_ISDIR(st.st_mode);
}

/* Can files be made where this one is to be? */
static void check_place(struct check *k, const char *setting, const char *path, bool is_error)
{
    struct buf dir = { 0 };

    parent(path, &dir);
    if (!is_directory(dir.p) || access(dir.p, W_OK | X_OK) != 0) {
        begin(k, setting, is_error);
        buf_printf(k->report, "%s cannot be made: %s: %s\n", path, dir.p, strerror(errno));
    }
    buf_fini(&dir);
}

static void check_dir(struct check *k)
{
    const char *dir = k->conf.dir;

    if (access(dir, F_OK) != 0 && errno == ENOENT) {
        check_place(k, "dir", dir, true); /* memd makes it */
    } else if (!is_directory(dir) || access(dir, R_OK | W_OK | X_OK) != 0) {
        begin(k, "dir", true);
        buf_printf(k->report, "%s cannot be used: %s\n", dir, strerror(errno));
    }
}

static void check_paths(struct check *k)
{
    const struct conf *c = &k->conf;

    check_dir(k);
    if (c->logfile[0] != '\0' && access(c->logfile, F_OK) != 0) {
        check_place(k, "logfile", c->logfile, true);
    } else if (c->logfile[0] != '\0' && (is_directory(c->logfile) || access(c->logfile, W_OK) != 0)) {
        begin(k, "logfile", true);
        buf_printf(k->report, "%s cannot be written\n", c->logfile);
    }
    if (c->pidfile[0] != '\0') check_place(k, "pidfile", c->pidfile, false);
    if (c->unixsocket[0] == '\0') return;
    check_place(k, "unixsocket", c->unixsocket, true);
    if (strlen(c->unixsocket) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        begin(k, "unixsocket", true);
        buf_printf(k->report, "the path is too long: %s\n", c->unixsocket);
    }
}

/* --- who may come, and how ------------------------------------------------------------------------------- */

/* Commands by their new names, and the users whose rules may name them. */
static void check_users(struct check *k)
{
    struct server s = { .conf = &k->conf, .commands = registry_new() };
    const struct conf_list *renamed = &k->conf.rename_command;
    struct buf why = { 0 };

    link_init(&s.clients);
    for (size_t i = 0; i + 1 < renamed->n; i += 2) {
        if (registry_rename(s.commands, renamed->items[i], renamed->items[i + 1]) == OK) continue;
        begin(k, "rename-command", true);
        buf_printf(k->report, "%s cannot become \"%s\": there is no such command, or one of that name\n", renamed->items[i],
                   renamed->items[i + 1]);
    }
    s.acl = acl_new(&s);
    if (!acl_load_at_start(s.acl, &why)) {
        begin(k, k->conf.aclfile[0] ? "aclfile" : "user", true);
        buf_printf(k->report, "%.*s\n", (int)why.n, why.n ? why.p : "");
    } else if (acl_password_is_void(s.acl)) {
        begin(k, "requirepass", false);
        buf_printf(k->report, "it has no effect: %s, and there the user default needs no password\n",
                   k->conf.aclfile[0] ? "users are those of the aclfile" : "there are lines of users");
    }
    acl_free(&s.acl);
    registry_free(&s.commands);
    buf_fini(&why);
}

static void check_run_as(struct check *k)
{
    char why[PRIVILEGE_WHY];

    if (k->conf.run_as[0] == '\0' || privilege_knows(&k->conf, why)) return;
    buf_printf(k->report, "%s: %s\n", k->path, why);
    k->good = false;
}

static void check_tls(struct check *k)
{
    char why[TLS_WHY];

    if (tls_would_work(&k->conf, why)) return;
    begin(k, "tls-port", true);
    buf_printf(k->report, "%s\n", why);
}

/* Is that an address that only this machine reaches? */
static bool is_loopback(const char *address)
{
    if (address[0] == '-') address++;
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0;
}

/* The first setting that should be read by memd alone; NULL: there is none. */
static const char *first_secret(const struct conf *c)
{
    if (c->requirepass[0] != '\0') return "requirepass";
    if (c->user.n > 0) return "user";
    if (c->metrics_password[0] != '\0') return "metrics-password";
    return c->tls_key_file_pass[0] != '\0' ? "tls-key-file-pass" : NULL;
}

static void check_exposure(struct check *k)
{
    const struct conf *c = &k->conf;
    const char *secret = first_secret(c);
    bool open = false;
    struct stat st;

    for (size_t i = 0; i < c->bind.n; i++) open |= !is_loopback(c->bind.items[i]);
    if (open && !c->protected_mode && c->requirepass[0] == '\0' && c->user.n == 0 && c->aclfile[0] == '\0' &&
        (c->port != 0 || c->tls_port != 0)) {
        begin(k, "protected-mode", false);
        buf_add_c(k->report, "it is off and there is no password: whoever reaches this machine may do everything\n");
    }
    if (secret && stat(k->path, &st) == 0 && (st.st_mode & S_IROTH)) {
        begin(k, secret, false);
        buf_add_c(k->report, "everybody on this machine may read the file (chmod o-r)\n");
    }
}

/* --- all of it ------------------------------------------------------------------------------------------- */

bool check_settings(const struct conf *conf, struct buf *report)
{
    struct check k = { .path = conf->file[0] ? conf->file : "memd", .conf = *conf, .report = report, .good = true };

    check_paths(&k);
    check_users(&k);
    check_tls(&k);
    return k.good;
}

bool check_config(const char *path, struct buf *report)
{
    struct check k = { .path = path, .report = report };

    conf_init(&k.conf);
    k.conf.namespace_ok = namespace_line_ok;
    k.good = conf_check_file(&k.conf, path, report);
    if (k.conf.file[0] != '\0') { /* it could be read: the rest can be told, too */
        k.good &= check_listen(&k.conf, path, NULL, report);
        check_run_as(&k);
        check_paths(&k);
        check_users(&k);
        check_tls(&k);
        check_exposure(&k);
    }
    buf_printf(report, k.good ? "%s is good\n" : "%s: memd would not start with it\n", path);
    conf_fini(&k.conf);
    return k.good;
}
