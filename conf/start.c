/* start.c -- settings from the command line and the environment, and all sources in their order. */
#include <ctype.h>
#include <errno.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/args.h"
#include "conf/file.h"
#include "conf/load.h"
#include "conf/setting.h"

/* --- the command line
 * -------------------------------------------------------------------------------- The options
 * become the lines of a file: --port 7000 --save 60 1 is port "7000" save "60" "1" An argument is a
 * name when it begins with -- and the one before it is not a name that still waits for its value:
 * --proc-title-template --mine is one setting. Only --save can do without a value, which then is
 * "". A name may bring its value along in the same argument: "--port 7000", --port=7000. */

struct options {
    struct buf lines;
    bool waits; /* the last name has no value yet */
    bool stdin_too;
};

static bool is_name(const char *arg)
{
    return arg[0] == '-' && arg[1] == '-';
}

static void add_value(struct options *o, const char *arg)
{
    args_quote(&o->lines, str_c(arg));
    buf_add_char(&o->lines, ' ');
    o->waits = false;
}

static void add_name(struct options *o, const char *arg, const char *next)
{
    size_t n = strcspn(arg, "= \t");

    if (o->lines.n > 0) buf_add_char(&o->lines, '\n');
    if (arg[n] == '=') {
        buf_add(&o->lines, arg + 2, n - 2);
        buf_add_char(&o->lines, ' ');
        add_value(o, arg + n + 1);
        return;
    }
    buf_printf(&o->lines, "%s ", arg + 2);
    o->waits = arg[2 + strcspn(arg + 2, " \t")] == '\0';
    if (str_is(str_c(arg), "--save") && (next == NULL || is_name(next))) {
        buf_add_c(&o->lines, "\"\"");
        o->waits = false;
    }
}

/* From argv[first] on. A lone - at either end asks for the standard input. */
static void options_gather(struct options *o, int argc, char **argv, int first)
{
    for (int i = first; i < argc; i++) {
        bool at_end = i == 1 || i == argc - 1;

        if (at_end && strcmp(argv[i], "-") == 0) {
            o->stdin_too = true;
        } else if (!o->waits && is_name(argv[i])) {
            add_name(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        } else {
            add_value(o, argv[i]);
        }
    }
}

/* As loader_text; the lines have no numbers that a reader could look up. */
static enum err options_load(struct loader *l, const struct options *o)
{
    struct place at = { .name = "command line" };
    struct str text = buf_str(&o->lines);
    enum err e = OK;

    while (e == OK && loader_next_line(&text, &at.text)) e = loader_line(l, &at);
    return e;
}

enum err conf_from_args(struct conf *c, int argc, char **argv, struct conf_error *e)
{
    struct options o = { 0 };
    struct loader l;
    enum err err;

    loader_init(&l, c, e);
    options_gather(&o, argc, argv, 1);
    err = options_load(&l, &o);
    buf_fini(&o.lines);
    loader_fini(&l);
    return err;
}

/* --- the environment -------------------------------------------------------------------------- */

static const struct place environment = { .name = "environment" };

static bool same_name(struct str variable, const char *setting)
{
    size_t n = strlen(setting);

    if (variable.n != n) return false;
    for (size_t i = 0; i < n; i++) {
        char c = setting[i] == '-' ? '_' : (char)toupper((unsigned char)setting[i]);

        if (variable.p[i] != c) return false;
    }
    return true;
}

static const struct setting *setting_of_variable(struct str variable)
{
    size_t n = setting_count();

    for (size_t i = 0; i < n; i++) {
        const struct setting *s = setting_at(i);

        if (s->flags & SETTING_FILE_ONLY) continue;
        if (same_name(variable, s->name)) return s;
        if (s->alias != NULL && same_name(variable, s->alias)) return s;
    }
    return NULL;
}

static bool ends_with(struct str s, struct str end)
{
    return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

/* Container systems tell of a service named memd by MEMD_PORT=tcp://10.0.0.1:6379,
 * MEMD_SERVICE_HOST, MEMD_PORT_6379_TCP_ADDR and the like: none of them is meant as a setting. */
static bool from_service_discovery(struct str name, struct str value)
{
    if (value.n > 6 && memcmp(value.p + 3, "://", 3) == 0) return true;
    return (name.n > 8 && memcmp(name.p, "SERVICE_", 8) == 0) ||
           (name.n > 5 && memcmp(name.p, "PORT_", 5) == 0 &&
            (ends_with(name, STR("_PROTO")) || ends_with(name, STR("_PORT")) ||
             ends_with(name, STR("_ADDR"))));
}

static enum err take(struct conf *c, const struct setting *s, struct str name, struct str value,
                     struct conf_error *e)
{
    struct buf why = { 0 };
    enum err err = OK;

    if (!setting_read_text(s, value, true, setting_field(s, c), &why)) {
        char asked[64];
        size_t n = name.n < sizeof asked ? name.n : sizeof asked - 1;

        memcpy(asked, name.p, n);
        asked[n] = '\0';
        err = conf_error_value(e, &environment, s, asked, value, buf_str(&why));
    }
    buf_fini(&why);
    if (err == OK && (s->flags & SETTING_ACCEPTED)) conf_warn_accepted(c, s, &environment);
    return err;
}

/* Splits "NAME=value"; false when there is no =. */
static bool split_variable(const char *entry, struct str *name, struct str *value)
{
    const char *eq = strchr(entry, '=');

    if (eq == NULL) return false;
    *name = str_of(entry, (size_t)(eq - entry));
    *value = str_c(eq + 1);
    return true;
}

static bool is_password(struct str name)
{
    return str_eq(name, STR("MEMD_PASSWORD")) || str_eq(name, STR("REDIS_PASSWORD")) ||
           str_eq(name, STR("MEMD_PASSWORD_FILE"));
}

static struct str env_get(char **env, const char *wanted)
{
    for (; *env != NULL; env++) {
        struct str name, value;

        if (split_variable(*env, &name, &value) && str_eq(name, str_c(wanted))) return value;
    }
    return str_of("", 0);
}

/* The first line of the file, which must hold something: a secret that went missing must not leave
 * the daemon open to all. */
static enum err take_password_file(struct conf *c, struct str path, struct conf_error *e)
{
    const struct setting *s = setting_find(STR("requirepass"), NULL);
    struct buf text = { 0 };
    struct str rest, line;
    enum err err = conf_file_read(path.p, &text);

    rest = buf_str(&text);
    if (err != OK) {
        err = conf_error_file(e, &environment, path.p, errno);
    } else if (!loader_next_line(&rest, &line) || args_trim(line).n == 0) {
        err = conf_error_line(e, &environment, "the file of MEMD_PASSWORD_FILE holds no password");
    } else {
        err = take(c, s, STR("MEMD_PASSWORD_FILE"), args_trim(line), e);
    }
    buf_fini(&text);
    return err;
}

static enum err take_password(struct conf *c, char **env, struct conf_error *e)
{
    static const char *const names[] = { "REDIS_PASSWORD", "MEMD_PASSWORD" };
    const struct setting *s = setting_find(STR("requirepass"), NULL);
    struct str path = env_get(env, "MEMD_PASSWORD_FILE");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str value = env_get(env, names[i]);
        enum err err = value.n > 0 ? take(c, s, str_c(names[i]), value, e) : OK;

        if (err != OK) return err;
    }
    return path.n > 0 ? take_password_file(c, path, e) : OK;
}

enum err conf_from_env(struct conf *c, char **env, struct conf_error *e)
{
    enum err err = take_password(c, env, e);

    for (; *env != NULL && err == OK; env++) {
        const struct setting *s;
        struct str name, value, rest;

        if (!split_variable(*env, &name, &value)) continue;
        if (name.n <= 5 || memcmp(name.p, "MEMD_", 5) != 0 || is_password(name)) continue;
        rest = str_of(name.p + 5, name.n - 5);
        if (from_service_discovery(rest, value)) continue;
        s = setting_of_variable(rest);
        if (s != NULL) {
            err = take(c, s, name, value, e);
        } else {
            conf_warn(c, "environment: %.*s is no setting and is ignored", (int)name.n, name.p);
        }
    }
    return err;
}

/* --- all of it -------------------------------------------------------------------------------- */

static enum err load_stdin(struct loader *l, int fd)
{
    struct place top = { .name = "standard input" };
    struct buf text = { 0 };
    enum err e = conf_file_read_fd(fd, &text);

    if (e == OK) {
        e = loader_text(l, buf_str(&text), top.name);
    } else {
        e = conf_error_file(l->error, &top, top.name, errno);
    }
    buf_fini(&text);
    return e;
}

enum err conf_load(struct conf *c, const struct conf_start *s, struct conf_error *e)
{
    bool has_file = s->argc > 1 && s->argv[1][0] != '-' && s->argv[1][0] != '\0';
    struct options o = { 0 };
    struct loader l;
    enum err err = OK;

    loader_init(&l, c, e);
    options_gather(&o, s->argc, s->argv, has_file ? 2 : 1);
    if (has_file) err = conf_load_file(c, s->argv[1], e);
    if (err == OK && o.stdin_too) err = load_stdin(&l, s->in);
    if (err == OK && s->env != NULL) err = conf_from_env(c, s->env, e);
    if (err == OK) err = options_load(&l, &o);
    buf_fini(&o.lines);
    loader_fini(&l);
    return err;
}
