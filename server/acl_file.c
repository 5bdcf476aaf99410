/* acl_file.c -- users of the configuration and of the aclfile: see acl.h. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/resp.h"
#include "server/acl.h"

/* --- all users ------------------------------------------------------------------------------------ */

static struct acl_user *new_default(struct acl *a)
{
    static const struct str rules[] = { STR("on"), STR("nopass"), STR("~*"), STR("&*"), STR("+@all") };
    struct acl_user *u = acl_user_new(a, STR("default"));

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *why = acl_apply(a, u, rules[i]);
        ensure(why == NULL);
    }
    return u;
}

struct acl *acl_new(struct server *s)
{
    struct acl *a = mem_zalloc(sizeof *a);

    a->server = s;
    link_init(&a->log);
    a->default_user = new_default(a);
    acl_add(a, a->default_user);
    return a;
}

static void free_users(struct acl *a)
{
    for (size_t i = 0; i < a->n_users; i++) acl_user_free(a->users[i]);
    mem_free(a->users);
    a->users = NULL;
    a->n_users = 0;
}

void acl_free(struct acl **a)
{
    if (*a == NULL) return;
    acl_log_reset(*a);
    free_users(*a);
    mem_free(*a);
    *a = NULL;
}

/* --- lines ---------------------------------------------------------------------------------------- */

/* The words of a line, in `copy` (n + 1 bytes). */
static size_t split(struct str line, char *copy, struct str *words)
{
    size_t n = 0;

    for (size_t at = 0; at < line.n;) {
        size_t from;
        while (at < line.n && strchr(" \t\r", line.p[at])) at++;
        from = at;
        while (at < line.n && !strchr(" \t\r", line.p[at])) at++;
        if (at == from) continue;
        memcpy(copy + from, line.p + from, at - from);
        words[n++] = str_of(copy + from, at - from);
    }
    return n;
}

/* Make a user of its name and rules. A selector's words are put together again by acl_apply_all. */
static bool make_user(struct acl *a, const struct str *words, size_t n, struct buf *why)
{
    struct acl_user *u;

    if (!acl_name_ok(words[0])) {
        buf_add_c(why, "Spaces not allowed in ACL usernames");
        return false;
    }
    if (acl_find(a, words[0]) && !str_eq(words[0], STR("default"))) {
        buf_add_c(why, "Duplicate user found. A user can only be defined once in config files");
        return false;
    }
    u = acl_find(a, words[0]);
    if (u == NULL) {
        u = acl_user_new(a, words[0]);
        acl_add(a, u);
    } else if (acl_apply(a, u, STR("reset")) != NULL) {
        return false;
    }
    return acl_apply_all(a, u, words + 1, n - 1, why);
}

/* --- the configuration ---------------------------------------------------------------------------- */

static bool load_line(struct acl *a, const char *line, struct buf *why)
{
    size_t n = strlen(line);
    char *copy = mem_alloc(n + 1);
    struct str *words = mem_alloc((n / 2 + 2) * sizeof *words);
    struct acl_user *u;
    size_t n_words = 0;
    bool ok = resp_split_words(line, n, copy, words, n / 2 + 2, &n_words) && n_words > 0 &&
              make_user(a, words, n_words, why);

    if (ok && (u = acl_find(a, words[0])) != NULL && !u->enabled) {
        log_notice(a->server->log, "The user '%.*s' is disabled (there is no 'on' modifier in the user description). "
                   "Make sure this is not a configuration error.", (int)words[0].n, words[0].p);
    }
    mem_free(copy);
    mem_free(words);
    return ok;
}

bool acl_password_is_void(const struct acl *a)
{
    return a->server->conf->requirepass[0] != '\0' && a->default_user->enabled && a->default_user->nopass;
}

bool acl_load_at_start(struct acl *a, struct buf *why)
{
    const struct conf *conf = a->server->conf;

    acl_set_default_password(a, conf->requirepass);
    if (conf->aclfile[0] != '\0' && conf->user.n > 0) {
        buf_add_c(why, "Configuring memd with users defined in the configuration and at the same setting an ACL file "
                  "path is invalid. This setup is very likely to lead to configuration errors and security holes, "
                  "please define either an ACL file or declare users directly in the configuration, but not both.");
        return false;
    }
    for (size_t i = 0; i < conf->user.n; i++) {
        if (!load_line(a, conf->user.items[i], why)) return false;
    }
    return conf->aclfile[0] == '\0' || acl_load_file(a, why);
}

/* --- the aclfile ---------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct buf *text, struct buf *why)
{
    FILE *f = fopen(path, "r");
    size_t n;

    if (f == NULL) {
        buf_printf(why, "Error loading ACLs, opening file '%s': %s", path, strerror(errno));
        return false;
    }
    while ((n = fread(buf_room(text, 4096), 1, 4096, f)) > 0) buf_used(text, n);
    fclose(f);
    return true;
}

/* One line of the file into `to`; what is wrong with it is added to `errors`. */
static void load_file_line(struct acl *to, const char *path, int number, struct str line, struct buf *errors)
{
    char *copy = mem_alloc(line.n + 1);
    struct str *words = mem_alloc((line.n / 2 + 2) * sizeof *words);
    size_t n = split(line, copy, words);
    struct buf why = { 0 };

    if (n == 0) {
        /* an empty line */
    } else if (!str_eq(words[0], STR("user")) || n < 2) {
        buf_printf(errors, "%s:%d should start with user keyword followed by the username. ", path, number);
    } else if (acl_find(to, words[1])) {
        buf_printf(errors, "WARNING: Duplicate user '%.*s' found on line %d. ", (int)words[1].n, words[1].p, number);
    } else if (!make_user(to, words + 1, n - 1, &why)) {
        buf_printf(errors, "%s:%d: %.*s. ", path, number, (int)why.n, why.p);
    }
    buf_fini(&why);
    mem_free(copy);
    mem_free(words);
}

/* The users of `from` are those of a from now on. Who is in both keeps his connections. */
static void take_users(struct acl *a, struct acl *from)
{
    for (size_t i = a->n_users; i-- > 0;) {
        struct acl_user *u = a->users[i], *new = acl_find(from, u->name);
        if (new) {
            acl_user_swap(u, new);
            acl_changed(a, u);
        } else if (u == a->default_user) {
            struct acl_user *plain = new_default(a);
            acl_user_swap(u, plain);
            acl_user_free(plain);
            acl_changed(a, u);
        } else {
            acl_remove(a, u);
        }
    }
    for (size_t i = 0; i < from->n_users; i++) {
        struct acl_user *u = from->users[i];
        if (acl_find(a, u->name)) acl_user_free(u);
        else acl_add(a, u);
    }
    mem_free(from->users);
    from->users = NULL;
    from->n_users = 0;
}

/* The aclfile's path: one that is not absolute begins in the data directory. Ended by a NUL. */
static void add_path(const struct acl *a, struct buf *path)
{
    const struct conf *conf = a->server->conf;

    if (conf->aclfile[0] != '/') buf_printf(path, "%s/", conf->dir);
    buf_add_c(path, conf->aclfile);
    buf_add(path, "", 1);
}

static bool load_file(struct acl *a, const char *path, struct buf *why)
{
    struct acl tried = { .server = a->server };
    struct buf text = { 0 };
    int number = 0;

    if (!read_file(path, &text, why)) {
        buf_fini(&text);
        return false;
    }
    for (struct str left = buf_str(&text); left.n > 0;) {
        const char *end = memchr(left.p, '\n', left.n);
        size_t n = end ? (size_t)(end - left.p) : left.n;
        load_file_line(&tried, path, ++number, str_of(left.p, n), why);
        left = end ? str_of(end + 1, left.n - n - 1) : str_of(left.p + n, 0);
    }
    buf_fini(&text);
    if (why->n > 0) {
        buf_add_c(why, "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
        free_users(&tried);
        return false;
    }
    take_users(a, &tried);
    return true;
}

bool acl_load_file(struct acl *a, struct buf *why)
{
    struct buf path = { 0 };
    bool ok;

    add_path(a, &path);
    ok = load_file(a, path.p, why);
    buf_fini(&path);
    return ok;
}

static bool sync_folder(const char *path)
{
    char *copy = mem_dup(path, strlen(path) + 1);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) close(fd);
    mem_free(copy);
    return ok;
}

static bool write_synced(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0;

    while (ok && text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) continue;
        ok = n > 0;
        if (ok) text = str_of(text.p + n, text.n - (size_t)n);
    }
    ok = ok && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0) ok = false;
    return ok;
}

bool acl_save_file(const struct acl *a)
{
    struct buf text = { 0 }, path = { 0 }, temp = { 0 };
    bool ok;

    for (size_t i = 0; i < a->n_users; i++) {
        buf_add_c(&text, "user ");
        buf_add_str(&text, a->users[i]->name);
        buf_add_char(&text, ' ');
        acl_describe(a->users[i], &text);
        buf_add_char(&text, '\n');
    }
    add_path(a, &path);
    buf_printf(&temp, "%s.tmp-%d", path.p, (int)getpid());
    buf_add(&temp, "", 1);
    ok = write_synced(temp.p, buf_str(&text)) && rename(temp.p, path.p) == 0 && sync_folder(path.p);
    if (!ok) {
        log_warning(a->server->log, "Saving users to %s failed: %s", path.p, strerror(errno));
        unlink(temp.p);
    }
    buf_fini(&text);
    buf_fini(&path);
    buf_fini(&temp);
    return ok;
}

void acl_to_conf(const struct acl *a, struct conf_list *lines)
{
    for (size_t i = 0; i < lines->n; i++) mem_free(lines->items[i]);
    lines->n = 0;
    if (a->server->conf->aclfile[0] != '\0') return;
    lines->items = mem_realloc(lines->items, a->n_users * sizeof *lines->items);
    for (size_t i = 0; i < a->n_users; i++) {
        struct buf line = { 0 };
        buf_add_str(&line, a->users[i]->name);
        buf_add_char(&line, ' ');
        acl_describe(a->users[i], &line);
        buf_add(&line, "", 1);
        lines->items[lines->n++] = mem_dup(line.p, line.n);
        buf_fini(&line);
    }
}
