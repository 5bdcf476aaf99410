/* dispatch_refuse.c -- requests that do not run, and errors counted by their code. */
#include <stdio.h>
#include <string.h>

#include "server/dispatch.h"
#include "server/foreign.h"
#include "server/multi.h"

enum { ERROR_WORD_MAX = 64, ERROR_KINDS_MAX = 128 };

void dispatch_count_error(struct server *s, const struct buf *out, size_t mark)
{
    const char *p = out->p + mark + 1, *end = out->p + out->n, *q = p;
    struct table_ref r;
    struct str word;
    uint64_t h;

    if (out->n <= mark || out->p[mark] != '-') return;
    s->stats.errors++;
    while (q < end && *q != ' ' && *q != '\r' && q - p < ERROR_WORD_MAX) q++;
    /* A single word is no code. */
    word = q < end && *q == ' ' ? str_of(p, (size_t)(q - p)) : STR("ERR");
    h = table_hash(&s->errorstats, word);
    r = table_find(&s->errorstats, h, word);
    if (r.e) entry_set_int(r.e, entry_int(r.e) + 1);
    else if (s->errorstats.count < ERROR_KINDS_MAX) table_insert(&s->errorstats, h, entry_new_int(word, 1, -1));
}

void dispatch_refuse(struct client *c, struct command_ref *ref, const char *text)
{
    size_t mark = reply_mark(&c->reply);

    if (ref) ref->stats.rejected++;
    if (ref && multi_is_exec(ref->cmd)) {
        multi_discard(c);
        reply_errorf(&c->reply, "EXECABORT Transaction discarded because of: %s",
                     strncmp(text, "ERR ", 4) == 0 ? text + 4 : text);
    } else {
        if (c->flags & CLIENT_MULTI) c->flags |= CLIENT_DIRTY_EXEC;
        reply_error(&c->reply, str_c(text));
    }
    dispatch_count_error(c->server, c->reply.out, mark);
}

static struct str shortened(struct str s, size_t max)
{
    return str_of(s.p, s.n < max ? s.n : max);
}

void dispatch_refuse_unknown(struct client *c, struct command_ref *container, size_t argc, const struct str *argv)
{
    struct buf text = { 0 };

    if (foreign_word(argv[0])) {
        foreign_close(c, "HTTP");
        return;
    }
    if (container) {
        struct str sub = shortened(argv[1], 128);
        buf_printf(&text, "ERR unknown subcommand '%.*s'. Try ", (int)sub.n, sub.p);
        for (const char *n = container->name; *n; n++) {
            buf_add_char(&text, (char)(*n >= 'a' && *n <= 'z' ? *n - 32 : *n));
        }
        buf_add_c(&text, " HELP.");
    } else {
        struct str name = shortened(argv[0], 128);
        size_t from;
        buf_printf(&text, "ERR unknown command '%.*s', with args beginning with: ", (int)name.n, name.p);
        from = text.n;
        for (size_t i = 1; i < argc && text.n - from < 128; i++) {
            struct str a = shortened(argv[i], 128 - (text.n - from));
            buf_printf(&text, "'%.*s' ", (int)a.n, a.p);
        }
    }
    buf_add(&text, "", 1);
    dispatch_refuse(c, NULL, text.p);
    buf_fini(&text);
}
