/* print.c -- the documented memd.conf, from the table. */
#include "base/buf.h"
#include "conf/setting.h"

enum { WIDTH = 88 };

/* Comment lines, broken at blanks. */
static void comment(struct buf *out, const char *text)
{
    while (*text != '\0') {
        size_t n = strlen(text), line = n;

        if (n > WIDTH - 2) {
            line = WIDTH - 2;
            while (line > 0 && text[line] != ' ') line--;
        }
        buf_printf(out, "# %.*s\n", (int)line, text);
        text += line;
        while (*text == ' ') text++;
    }
}

static void title(struct buf *out, const char *text)
{
    size_t at = out->n;

    buf_printf(out, "\n# --- %s ", text);
    while (out->n - at <= WIDTH) buf_add_char(out, '-');
    buf_add_char(out, '\n');
}

static void print_setting(struct buf *out, const struct setting *s)
{
    union conf_value initial;

    buf_add_char(out, '\n');
    comment(out, s->doc);
    if (s->example != NULL) {
        buf_printf(out, "# %s %s\n", s->name, s->example);
    } else if (s->flags & SETTING_ALWAYS) {
        buf_printf(out, "%s %s\n", s->name, s->initial);
    } else {
        setting_init(s, &initial);
        setting_write(s, &initial, out);
        setting_fini(s, &initial);
        buf_add_char(out, '\n');
    }
}

static void print_accepted(struct buf *out, const struct setting *rows)
{
    struct buf names = { 0 };

    title(out, "Settings of Redis without effect");
    buf_add_char(out, '\n');
    comment(out, "These are taken from a file that was made for Redis, and shown and changed by "
                 "CONFIG GET and SET, but memd does nothing with them:");
    for (const struct setting *s = rows; s->name != NULL; s++) {
        if (s->flags & SETTING_HIDDEN) continue;
        if (names.n > 0) buf_add_c(&names, ", ");
        buf_add_c(&names, s->name);
    }
    buf_add_c(&names, ".");
    buf_add_char(&names, '\0');
    comment(out, names.p);
    buf_fini(&names);
}

void conf_print(struct buf *out)
{
    const struct setting_group *g = setting_groups;

    buf_add_c(out, "# memd.conf -- the settings of memd, with their defaults.\n#\n");
    comment(out, "Start with `memd memd.conf`. A line holds a name and its values, which stand in "
                 "quotes when they contain blanks: \"\\n\" is a line feed there and \"\\x07\" any "
                 "byte. Lines that begin with # are comments. When a setting stands here twice, "
                 "the later one counts.");
    buf_add_c(out, "#\n");
    comment(out, "The environment overrules this file, with _ for - and in capitals "
                 "(MEMD_MAXMEMORY=2gb), and the command line overrules both (--maxmemory 2gb).");
    buf_add_c(out, "#\n");
    comment(out, "Bytes may have a unit: 1k is 1000, 1kb is 1024, and so on with m, mb, g, gb, in "
                 "any case.");
    for (; g->title != NULL; g++) {
        title(out, g->title);
        for (const struct setting *s = g->rows; s->name != NULL; s++) {
            if (!(s->flags & SETTING_HIDDEN)) print_setting(out, s);
        }
    }
    print_accepted(out, g->rows);
}
