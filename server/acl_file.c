/* acl_file.c -- users in files: the aclfile, and the user lines of memd.conf. See acl.h.
 *
 * A file is loaded into users of its own first: with one line wrong, nothing changes. It is saved beside
 * the old one, which is replaced when the new one is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "conf/args.h"
#include "persistence/file_ops.h"
#include "server/acl_impl.h"

/* --- reading ----------------------------------------------------------------------------------------- */

static bool read_all(const char *path, struct buf *text, struct buf *errors)
{
    FILE *f = fopen(path, "re");
    size_t n = 1;

    while (f && n > 0) {
        n = fread(buf_room(text, 4096), 1, 4096, f);
        buf_used(text, n);
    }
    if (f == NULL || ferror(f)) {
        buf_printf(errors, "Error loading ACLs, opening file '%s': %s", path, strerror(errno));
        if (f) fclose(f);
        return false;
    }
    fclose(f);
    return true;
}

struct line {
    struct acl *users; /* to be filled */
    const char *path;
    int number;
    struct buf *errors;
    struct arena arena;
};

static void load_rules(struct line *l, struct acl_user *u, const struct str *words, size_t n)
{
    struct str *rules;
    size_t n_rules, open;
    bool told = false, unknown;

    if (!acl_join(&l->arena, words, n, &rules, &n_rules, &open)) {
        buf_printf(l->errors, "%s:%d: Unmatched parenthesis in selector definition.", l->path, l->number);
        return;
    }
    for (size_t i = 0; i < n_rules; i++) {
        const char *why = acl_user_rule(l->users, u, args_trim(rules[i]), &unknown);
        /* Names of commands are no secrets; of the rest the first is told, which may have caused the others. */
        if (why && unknown) {
            buf_printf(l->errors, "%s:%d: Error in applying operation '%.*s': %s. ", l->path, l->number,
                       (int)rules[i].n, rules[i].p, why);
        } else if (why && !told) {
            buf_printf(l->errors, "%s:%d: %s. ", l->path, l->number, why);
            told = true;
        }
    }
}

static void load_line(struct line *l, struct str text)
{
    struct acl_user *u;
    struct str *words;
    size_t n;

    text = args_trim(text);
    if (text.n == 0) return;
    args_split_plain(&l->arena, text, &words, &n);
    if (n < 2 || !str_eq(words[0], STR("user"))) {
        buf_printf(l->errors, "%s:%d should start with user keyword followed by the username. ", l->path, l->number);
    } else if (acl_has_blank(words[1])) {
        buf_printf(l->errors, "'%s:%d: username '%.*s' contains invalid characters. ", l->path, l->number,
                   (int)words[1].n, words[1].p);
    } else if (acl_find(l->users, words[1])) {
        buf_printf(l->errors, "WARNING: Duplicate user '%.*s' found on line %d. ", (int)words[1].n, words[1].p,
                   l->number);
    } else {
        u = acl_user_new(l->users, words[1]);
        acl_insert(l->users, u);
        load_rules(l, u, words + 2, n - 2);
    }
}

/* Users without the default one, which the file may bring. */
static struct acl *bare(struct server *s)
{
    struct acl *a = acl_new(s);

    acl_user_free(a->users[0]);
    a->n_users = 0;
    a->standard = NULL;
    return a;
}

bool acl_file_load(struct acl *a, struct buf *errors)
{
    struct line l = { .users = bare(a->server), .path = a->server->conf->aclfile, .errors = errors };
    struct buf text = { 0 };
    bool good;

    arena_init(&l.arena);
    if (read_all(l.path, &text, errors)) {
        struct str left = buf_str(&text);
        while (left.n > 0) {
            const char *end = memchr(left.p, '\n', left.n);
            size_t n = end ? (size_t)(end - left.p) : left.n;
            l.number++;
            load_line(&l, str_of(left.p, n));
            arena_reset(&l.arena);
            left = str_of(left.p + n + (end != NULL), left.n - n - (end != NULL));
        }
        if (errors->n > 0) {
            buf_add_c(errors, "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
        }
    }
    good = errors->n == 0;
    if (good) {
        if (acl_find(l.users, STR("default")) == NULL) {
            struct acl *fresh = acl_new(a->server);
            acl_insert(l.users, fresh->standard);
            fresh->n_users = 0;
            acl_free(&fresh);
        }
        acl_replace(a, l.users);
    } else {
        acl_free(&l.users);
    }
    arena_fini(&l.arena);
    buf_fini(&text);
    return good;
}

/* --- writing ------------------------------------------------------------------------------------------- */

bool acl_file_save(struct acl *a)
{
    const struct file_ops *fs = &file_ops_system;
    const char *path = a->server->conf->aclfile, *step = "Opening temp";
    struct buf text = { 0 }, temp = { 0 };
    bool good = false;
    int fd;

    for (size_t i = 0; i < a->n_users; i++) {
        buf_add_c(&text, "user ");
        buf_add_str(&text, buf_str(&a->users[i]->name));
        buf_add_char(&text, ' ');
        acl_describe_user(a->users[i], &text);
        buf_add_char(&text, '\n');
    }
    buf_printf(&temp, "%s.tmp-%d-%lld", path, (int)a->server->pid, (long long)server_now_ms(a->server));
    buf_add(&temp, "", 1);
    fd = fs->open(fs->ctx, temp.p, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd >= 0) {
        step = "Writing";
        good = file_write_all(fs, fd, text.p, text.n, NULL) == 0;
        if (good) step = "Syncing", good = fs->sync(fs->ctx, fd) == 0;
        fs->close(fs->ctx, fd);
        if (good) step = "Renaming", good = fs->rename(fs->ctx, temp.p, path) == 0;
        if (!good) fs->unlink(fs->ctx, temp.p);
    }
    if (!good) log_warning(a->server->log, "%s ACL file for ACL SAVE: %s", step, strerror(errno));
    buf_fini(&text);
    buf_fini(&temp);
    return good;
}

/* --- memd.conf -------------------------------------------------------------------------------------------- */

static bool load_conf_user(struct acl *a, struct arena *arena, const char *line)
{
    struct log *log = a->server->log;
    struct str *words, *rules;
    size_t n, n_rules, open;
    struct acl_user *u;

    if (!args_split(arena, str_c(line), &words, &n) || n < 1 || !acl_join(arena, words + 1, n - 1, &rules, &n_rules, &open)) {
        log_warning(log, "Unbalanced quotes or parentheses in the rules of a user in the configuration file");
        return false;
    }
    if (acl_has_blank(words[0])) {
        log_warning(log, "Spaces not allowed in ACL usernames");
        return false;
    }
    u = acl_find(a, words[0]);
    if (u && u != a->standard) {
        log_warning(log, "Duplicate user found. A user can only be defined once in config files");
        return false;
    }
    if (u == NULL) {
        u = acl_user_new(a, words[0]);
        acl_insert(a, u);
    } else {
        acl_user_rule(a, u, STR("reset"), NULL);
    }
    for (size_t i = 0; i < n_rules; i++) {
        const char *why = acl_user_rule(a, u, rules[i], NULL);
        /* The rule itself may be a password: only its first letter is told. */
        if (why == NULL) continue;
        log_warning(log, "Error loading ACL rule %zu ('%.1s...') for the user named '%.*s': %s", i + 1, rules[i].p,
                    (int)u->name.n, u->name.p, why);
        return false;
    }
    if (!u->on) {
        log_notice(log, "The user '%.*s' is disabled (there is no 'on' modifier in the user description). Make sure "
                   "this is not a configuration error.", (int)u->name.n, u->name.p);
    }
    return true;
}

bool acl_load_at_start(struct acl *a)
{
    const struct conf *conf = a->server->conf;
    struct buf errors = { 0 };
    struct arena arena;
    bool good = true;

    acl_set_default_password(a, conf->requirepass);
    if (conf->aclfile[0] && conf->user.n > 0) {
        log_warning(a->server->log, "Configuring Redis with users defined in redis.conf and at the same setting an ACL "
                    "file path is invalid. This setup is very likely to lead to configuration errors and security "
                    "holes, please define either an ACL file or declare users directly in your redis.conf, but not "
                    "both.");
        return false;
    }
    arena_init(&arena);
    for (size_t i = 0; good && i < conf->user.n; i++) good = load_conf_user(a, &arena, conf->user.items[i]);
    arena_fini(&arena);
    if (!good) log_warning(a->server->log, "Critical error while loading ACLs. Exiting.");
    if (good && conf->aclfile[0] && !acl_file_load(a, &errors)) {
        log_warning(a->server->log, "Aborting Redis startup because of ACL errors: %.*s", (int)errors.n, errors.p);
        good = false;
    }
    buf_fini(&errors);
    return good;
}

void acl_to_conf(struct acl *a)
{
    struct buf *texts = mem_zalloc(a->n_users * sizeof *texts);
    struct str *lines = mem_zalloc(a->n_users * sizeof *lines);
    size_t n = 0;

    /* With an aclfile, that is where users are kept. */
    for (size_t i = 0; a->server->conf->aclfile[0] == '\0' && i < a->n_users; i++, n++) {
        buf_add_str(&texts[n], buf_str(&a->users[i]->name));
        buf_add_char(&texts[n], ' ');
        acl_describe_user(a->users[i], &texts[n]);
        lines[n] = buf_str(&texts[n]);
    }
    conf_set_users(a->server->conf, lines, n);
    for (size_t i = 0; i < n; i++) buf_fini(&texts[i]);
    mem_free(texts);
    mem_free(lines);
}
