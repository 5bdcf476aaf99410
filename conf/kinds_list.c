/* kinds_list.c -- the kinds that hold a list of texts: addresses, lines kept for others, pairs. */
#include "base/buf.h"
#include "base/mem.h"
#include "conf/args.h"
#include "conf/list.h"
#include "conf/setting.h"

void conf_list_add(struct conf_list *l, struct str text)
{
    char *p = mem_alloc(text.n + 1);

    if (text.n > 0) memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    l->items = mem_realloc(l->items, (l->n + 1) * sizeof *l->items);
    l->items[l->n++] = p;
}

void conf_list_fini(struct conf_list *l)
{
    for (size_t i = 0; i < l->n; i++) mem_free(l->items[i]);
    mem_free(l->items);
    *l = (struct conf_list){ 0 };
}

static void list_copy(void *to, const void *from)
{
    const struct conf_list *l = from;
    struct conf_list *copy = to;

    *copy = (struct conf_list){ 0 };
    for (size_t i = 0; i < l->n; i++) conf_list_add(copy, str_c(l->items[i]));
}

static void kind_list_fini(void *field)
{
    conf_list_fini(field);
}

/* --- one line of several texts; a single "" is none ------------------------------------------- */

static bool list_read(const struct setting *s, const struct input *in, void *field, struct buf *why)
{
    struct conf_list *l = field;
    size_t n = in->n == 1 && in->args[0].n == 0 ? 0 : in->n;

    (void)s, (void)why;
    conf_list_fini(l);
    for (size_t i = 0; i < n; i++) conf_list_add(l, in->args[i]);
    return true;
}

static void list_show(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_list *l = field;

    (void)s;
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0) buf_add_char(out, ' ');
        buf_add_c(out, l->items[i]);
    }
}

/* An argument that stands alone is read as if it held several, and its own quotes go: it gets others around them. */
static void write_only(const char *item, struct buf *out)
{
    struct buf inner = { 0 };

    args_quote_if_needed(&inner, str_c(item));
    args_quote_if_needed(out, buf_str(&inner));
    buf_fini(&inner);
}

static void list_write(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_list *l = field;

    buf_add_c(out, s->name);
    for (size_t i = 0; i < l->n; i++) {
        buf_add_char(out, ' ');
        if (l->n == 1 && (s->flags & SETTING_MULTI)) write_only(l->items[i], out);
        else args_quote_if_needed(out, str_c(l->items[i]));
    }
    if (l->n == 0) buf_add_c(out, " \"\"");
}

static void list_accepts(const struct setting *s, struct buf *out)
{
    (void)s;
    buf_add_c(out, "texts parted by blanks, or \"\"");
}

const struct setting_kind kind_list = {
    .size = sizeof(struct conf_list),
    .read = list_read,
    .show = list_show,
    .write = list_write,
    .copy = list_copy,
    .fini = kind_list_fini,
    .accepts = list_accepts,
};

/* --- a line for each item, kept as it is for somebody who knows more -------------------------- */

static bool lines_read(const struct setting *s, const struct input *in, void *field,
                       struct buf *why)
{
    struct buf line = { 0 };

    (void)s;
    if (in->n == 0) {
        buf_add_c(why, "wrong number of arguments");
        return false;
    }
    for (size_t i = 0; i < in->n; i++) {
        if (i > 0) buf_add_char(&line, ' ');
        args_quote_if_needed(&line, in->args[i]);
    }
    if (!in->add) conf_list_fini(field);
    conf_list_add(field, buf_str(&line));
    buf_fini(&line);
    return true;
}

static void lines_show(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_list *l = field;

    (void)s;
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0) buf_add_char(out, '\n');
        buf_add_c(out, l->items[i]);
    }
}

static void lines_write(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_list *l = field;

    for (size_t i = 0; i < l->n; i++) {
        buf_printf(out, i > 0 ? "\n%s %s" : "%s %s", s->name, l->items[i]);
    }
}

const struct setting_kind kind_lines = {
    .size = sizeof(struct conf_list),
    .read = lines_read,
    .show = lines_show,
    .write = lines_write,
    .copy = list_copy,
    .fini = kind_list_fini,
    .accepts = list_accepts,
};

/* --- a line for each pair --------------------------------------------------------------------- */

static bool pairs_read(const struct setting *s, const struct input *in, void *field,
                       struct buf *why)
{
    (void)s;
    if (in->n != 2) {
        buf_add_c(why, "wrong number of arguments");
        return false;
    }
    if (!in->add) conf_list_fini(field);
    conf_list_add(field, in->args[0]);
    conf_list_add(field, in->args[1]);
    return true;
}

static void pairs_write(const struct setting *s, const void *field, struct buf *out)
{
    const struct conf_list *l = field;

    for (size_t i = 0; i + 1 < l->n; i += 2) {
        buf_printf(out, i > 0 ? "\n%s " : "%s ", s->name);
        args_quote_if_needed(out, str_c(l->items[i]));
        buf_add_char(out, ' ');
        args_quote_if_needed(out, str_c(l->items[i + 1]));
    }
}

const struct setting_kind kind_pairs = {
    .size = sizeof(struct conf_list),
    .read = pairs_read,
    .show = lines_show,
    .write = pairs_write,
    .copy = list_copy,
    .fini = kind_list_fini,
    .accepts = list_accepts,
};

/* --- include: read by the loader, holds nothing ----------------------------------------------- */

static bool include_read(const struct setting *s, const struct input *in, void *field,
                         struct buf *why)
{
    (void)s, (void)in, (void)field, (void)why;
    return true;
}

static void include_show(const struct setting *s, const void *field, struct buf *out)
{
    (void)s, (void)field, (void)out;
}

const struct setting_kind kind_include = {
    .read = include_read,
    .show = include_show,
    .write = include_show,
    .accepts = list_accepts,
};
