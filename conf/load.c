/* load.c -- files of settings. */
#include "conf/load.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/args.h"
#include "conf/file.h"
#include "conf/list.h"
#include "conf/setting.h"

void loader_init(struct loader *l, struct conf *c, struct conf_error *e)
{
    *l = (struct loader){ .conf = c, .error = e };
    arena_init(&l->arena);
}

void loader_fini(struct loader *l)
{
    arena_fini(&l->arena);
}

/* --- warnings --------------------------------------------------------------------------------- */

void conf_warn(struct conf *c, const char *fmt, ...)
{
    struct buf line = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    conf_list_add(&c->warnings, buf_str(&line));
    buf_fini(&line);
}

void conf_warn_accepted(struct conf *c, const struct setting *s, const struct place *at)
{
    static const char says[] = "accepted for compatibility, has no effect";
    struct buf end = { 0 };
    bool known = false;

    buf_printf(&end, ": %s: %s", s->name, says);
    for (size_t i = 0; i < c->warnings.n && !known; i++) {
        struct str w = str_c(c->warnings.items[i]);

        known = w.n >= end.n && memcmp(w.p + w.n - end.n, end.p, end.n) == 0;
    }
    buf_fini(&end);
    if (known) return;
    if (at->line > 0) {
        conf_warn(c, "%s:%u: %s: %s", at->name, at->line, s->name, says);
    } else {
        conf_warn(c, "%s: %s: %s", at->name, s->name, says);
    }
}

/* --- include ---------------------------------------------------------------------------------- */

static enum err include_pattern(struct loader *l, const char *pattern, const struct place *at)
{
    glob_t found;
    enum err e = OK;

    if (glob(pattern, 0, NULL, &found) != 0) return OK; /* an empty conf.d is no error */
    for (size_t i = 0; i < found.gl_pathc && e == OK; i++) {
        e = loader_file(l, found.gl_pathv[i], at);
    }
    globfree(&found);
    return e;
}

static enum err include(struct loader *l, struct str path, const struct place *at)
{
    char *name;
    enum err e;

    if (l->depth == INCLUDE_DEPTH_MAX) {
        return conf_error_line(l->error, at, "too many files include one another: is it a circle?");
    }
    name = arena_alloc(&l->arena, path.n + 1);
    memcpy(name, path.p, path.n);
    name[path.n] = '\0';
    l->depth++;
    e = strpbrk(name, "*?[") != NULL ? include_pattern(l, name, at) : loader_file(l, name, at);
    l->depth--;
    return e;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* --shutdown-on-sigint "nosave now": one argument that holds several. */
static bool holds_several(const struct setting *s, const struct input *in)
{
    return (s->flags & SETTING_MULTI) && in->n == 1 && in->args[0].n > 0;
}

/* The arguments as one text, for an error. */
static enum err refuse(struct loader *l, const struct setting *s, const char *asked,
                       const struct input *in, const struct place *at, struct str reason)
{
    struct buf value = { 0 };
    enum err e;

    for (size_t i = 0; i < in->n; i++) {
        if (i > 0) buf_add_char(&value, ' ');
        buf_add_str(&value, in->args[i]);
    }
    e = conf_error_value(l->error, at, s, asked, buf_str(&value), reason);
    buf_fini(&value);
    return e;
}

/* Lines that somebody above understands better. */
static bool will_do(const struct loader *l, const struct setting *s, const struct input *in, struct buf *why)
{
    if (l->conf->namespace_ok == NULL || setting_value(s, l->conf) != &l->conf->namespaces) return true;
    return l->conf->namespace_ok(in->args, in->n, why);
}

static enum err set(struct loader *l, const struct setting *s, const char *asked, struct input *in,
                    const struct place *at)
{
    struct buf why = { 0 };
    enum err e = OK;
    struct str *args;

    if (holds_several(s, in)) {
        if (!args_split(&l->arena, in->args[0], &args, &in->n)) {
            return conf_error_line(l->error, at, "Unbalanced quotes in configuration line");
        }
        in->args = args;
    }
    if (!will_do(l, s, in, &why) || !setting_read(s, in, setting_field(s, l->conf), &why)) {
        e = refuse(l, s, asked, in, at, buf_str(&why));
    }
    buf_fini(&why);
    if (e == OK && (s->flags & SETTING_ACCEPTED)) conf_warn_accepted(l->conf, s, at);
    return e;
}

enum err loader_line(struct loader *l, const struct place *at)
{
    struct place here = *at;
    struct input in = { .add = true, .at_start = true };
    const struct setting *s;
    const char *asked;
    struct str *args;
    size_t n;

    here.text = args_trim(at->text);
    if (here.text.n == 0 || here.text.p[0] == '#') return OK;
    if (!args_split(&l->arena, here.text, &args, &n)) {
        return conf_error_line(l->error, &here, "Unbalanced quotes in configuration line");
    }
    s = setting_find(args[0], &asked);
    if (s == NULL) return conf_error_unknown(l->error, &here, args[0]);
    in.args = args + 1;
    in.n = n - 1;
    if (s->kind == &kind_include && in.n == 1) return include(l, in.args[0], &here);
    return set(l, s, asked, &in, &here);
}

bool loader_next_line(struct str *text, struct str *line)
{
    const char *end;

    if (text->n == 0) return false;
    end = memchr(text->p, '\n', text->n);
    *line = str_of(text->p, end != NULL ? (size_t)(end - text->p) : text->n);
    text->n -= line->n + (end != NULL);
    text->p += line->n + (end != NULL);
    return true;
}

enum err loader_text(struct loader *l, struct str text, const char *name)
{
    struct place at = { .name = name };

    while (loader_next_line(&text, &at.text)) {
        enum err e;

        at.line++;
        e = loader_line(l, &at);
        if (e != OK && l->errors == NULL) return e;
        if (e == OK) continue;
        conf_error_text(l->error, l->errors);
        buf_add_char(l->errors, '\n');
    }
    return OK;
}

enum err loader_file(struct loader *l, const char *path, const struct place *from)
{
    struct buf text = { 0 };
    enum err e = conf_file_read(path, &text);

    if (e == OK) {
        conf_list_add(&l->conf->files, str_c(path));
        e = loader_text(l, buf_str(&text), path);
    } else {
        e = conf_error_file(l->error, from, path, errno);
    }
    buf_fini(&text);
    return e;
}

/* --- for callers ------------------------------------------------------------------------------ */

enum err conf_load_text(struct conf *c, struct str text, const char *name, struct conf_error *e)
{
    struct loader l;
    enum err err;

    loader_init(&l, c, e);
    err = loader_text(&l, text, name);
    loader_fini(&l);
    return err;
}

static enum err load_file(struct loader *l, const char *path)
{
    struct place top = { .name = path };
    char *real = realpath(path, NULL);
    enum err err = loader_file(l, path, &top);

    if (err == OK && real != NULL) {
        mem_free(l->conf->file);
        l->conf->file = mem_dup(real, strlen(real) + 1);
    }
    free(real);
    return err;
}

enum err conf_load_file(struct conf *c, const char *path, struct conf_error *e)
{
    struct loader l;
    enum err err;

    loader_init(&l, c, e);
    err = load_file(&l, path);
    loader_fini(&l);
    return err;
}

bool conf_check_file(struct conf *c, const char *path, struct buf *report)
{
    struct conf_error error;
    struct loader l;
    size_t from = report->n;
    bool good;

    loader_init(&l, c, &error);
    l.errors = report;
    if (load_file(&l, path) != OK) { /* the file itself */
        conf_error_text(&error, report);
        buf_add_char(report, '\n');
    }
    good = report->n == from;
    for (size_t i = 0; i < c->warnings.n; i++) buf_printf(report, "%s\n", c->warnings.items[i]);
    loader_fini(&l);
    return good;
}
