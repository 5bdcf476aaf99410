/* man.c -- memd.conf(5), from the table. */
#include "base/buf.h"
#include "base/roff.h"
#include "conf/setting.h"

static void one_text(struct buf *b)
{
    buf_add_char(b, '\0');
}

/* "maxmemory", and what it takes: a tag of words alone, since what the values look like is better said below. */
static void put_setting(struct buf *out, const struct setting *s)
{
    struct buf tag = { 0 }, more = { 0 };
    union conf_value initial;
    size_t at;

    buf_printf(&tag, "*%s*", s->name);
    if (s->alias != NULL) buf_printf(&tag, ", *%s*", s->alias);
    one_text(&tag);
    roff_item(out, tag.p, s->doc);

    buf_add_c(&more, "Takes: ");
    setting_accepts(s, &more);
    buf_add_c(&more, ". Default: ");
    at = more.n;
    setting_init(s, &initial);
    setting_show(s, &initial, &more);
    setting_fini(s, &initial);
    if (more.n == at) buf_add_c(&more, s->flags & SETTING_FILE_ONLY ? "no line" : "empty");
    buf_add_char(&more, '.');
    if (s->example != NULL) buf_printf(&more, " Example: %s %s.", s->name, s->example);
    if (s->flags & SETTING_FILE_ONLY) buf_add_c(&more, " CONFIG does not know it.");
    else if (s->flags & SETTING_IMMUTABLE) buf_add_c(&more, " It cannot be changed while memd runs.");
    else if (s->flags & SETTING_PROTECTED) buf_add_c(&more, " It can be changed where enable-protected-configs says so.");
    one_text(&more);
    roff_more(out, more.p);
    buf_fini(&tag);
    buf_fini(&more);
}

static void put_accepted(struct buf *out, const struct setting *rows)
{
    struct buf names = { 0 };

    roff_section(out, "SETTINGS OF REDIS WITHOUT EFFECT");
    buf_add_c(&names, "These are taken from a file that was made for Redis, and shown and changed by CONFIG GET and SET, "
                      "but memd does nothing with them: ");
    for (const struct setting *s = rows; s->name != NULL; s++) {
        if (!(s->flags & SETTING_HIDDEN)) buf_printf(&names, "%s%s", s == rows ? "" : ", ", s->name);
    }
    buf_add_char(&names, '.');
    one_text(&names);
    roff_paragraph(out, names.p);
    buf_fini(&names);
}

void conf_print_man(struct buf *out, const char *version, const char *date)
{
    const struct setting_group *g = setting_groups;
    struct buf source = { 0 };

    buf_printf(&source, "memd %s", version);
    one_text(&source);
    roff_title(out, "MEMD.CONF", 5, date, source.p, "Settings of memd");
    buf_fini(&source);
    roff_section(out, "NAME");
    buf_add_c(out, "memd.conf \\- settings of memd, the memory of AI agents\n");
    roff_section(out, "SYNOPSIS");
    roff_paragraph(out, "*/etc/memd/memd.conf*");
    roff_section(out, "DESCRIPTION");
    roff_paragraph(out, "A line holds the name of a setting and its values, which stand in quotes when they contain blanks: "
                        "\"\\n\" is a line feed there and \"\\x07\" any byte. Lines that begin with # are comments. Names "
                        "are known in any case. When a setting stands there twice, the later one counts.");
    roff_paragraph(out, "The environment overrules the file, with _ for - and in capitals (MEMD_MAXMEMORY=2gb), and the "
                        "command line overrules both (--maxmemory 2gb).");
    roff_paragraph(out, "Bytes may have a unit: 1k is 1000, 1kb is 1024, and so on with m, mb, g, gb, in any case.");
    roff_paragraph(out, "*memd --check-config* _file_ says all that is wrong with a file. *CONFIG SET* changes settings "
                        "while memd runs, and *CONFIG REWRITE* writes them to the file, in which comments and order stay.");
    roff_section(out, "SETTINGS");
    for (; g->title != NULL; g++) {
        roff_part(out, g->title);
        for (const struct setting *s = g->rows; s->name != NULL; s++) {
            if (!(s->flags & SETTING_HIDDEN)) put_setting(out, s);
        }
    }
    put_accepted(out, g->rows);
    roff_section(out, "EXAMPLE");
    roff_example(out, "maxmemory 2gb\nmaxmemory-policy allkeys-lru\nappendonly yes\nrequirepass \"a long random text\"");
    roff_section(out, "SEE ALSO");
    roff_paragraph(out, "*memd*(1), *redis-cli*(1)");
}
