/* title.c -- see title.h. There is no system call for it: the text goes where the arguments were. */
#include "server/title.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"

static char **copy_env(char **env, size_t n)
{
    size_t bytes = (n + 1) * sizeof *env;
    char **copy, *at;

    for (size_t i = 0; i < n; i++) bytes += strlen(env[i]) + 1;
    copy = mem_alloc(bytes);
    at = (char *)(copy + n + 1);
    for (size_t i = 0; i < n; i++) {
        copy[i] = at;
        at = stpcpy(at, env[i]) + 1;
    }
    copy[n] = NULL;
    return copy;
}

char **title_take(struct title *t, int argc, char **argv, char **env)
{
    size_t n = 0;

    *t = (struct title){ argc > 0 ? argv[0] : NULL, 0 };
    for (int i = 0; i < argc && argv[i] == t->at + t->n; i++) t->n += strlen(argv[i]) + 1;
    for (; env[n]; n++) {
        if (t->at && env[n] == t->at + t->n) t->n += strlen(env[n]) + 1;
    }
    return copy_env(env, n);
}

static void add_address(const struct conf *c, struct buf *out)
{
    const char *address = c->bind.n > 0 ? c->bind.items[0] : "*";
    int64_t port = c->port ? c->port : c->tls_port;

    if (port == 0) buf_add_c(out, c->unixsocket);
    else buf_printf(out, "%s:%lld", address, (long long)port);
}

static void add_variable(const struct conf *c, struct str name, struct buf *out)
{
    if (str_eq(name, STR("title"))) buf_add_c(out, "memd");
    else if (str_eq(name, STR("listen-addr"))) add_address(c, out);
    else if (str_eq(name, STR("port"))) buf_printf(out, "%lld", (long long)c->port);
    else if (str_eq(name, STR("tls-port"))) buf_printf(out, "%lld", (long long)c->tls_port);
    else if (str_eq(name, STR("unixsocket"))) buf_add_c(out, c->unixsocket);
    else if (str_eq(name, STR("config-file"))) buf_add_c(out, c->file);
    /* server-mode: nothing, memd is neither a cluster's node nor a sentinel. */
}

void title_text(const struct conf *c, struct buf *out)
{
    const char *p = c->proc_title_template;

    while (*p) {
        const char *end = strchr(p, '}');
        if (p[0] == '{' && p[1] != '{' && end) {
            add_variable(c, str_of(p + 1, (size_t)(end - p) - 1), out);
            p = end + 1;
        } else {
            p += p[0] == '{' && p[1] == '{'; /* two stand for one */
            buf_add_char(out, *p++);
        }
    }
    while (out->n > 0 && out->p[out->n - 1] == ' ') out->n--;
}

void title_show(const struct title *t, const struct conf *c)
{
    struct buf text = { 0 };

    if (!c->set_proc_title || t->n < 2) return;
    title_text(c, &text);
    if (text.n > t->n - 1) text.n = t->n - 1;
    memset(t->at, 0, t->n);
    if (text.n > 0) memcpy(t->at, text.p, text.n);
    buf_fini(&text);
}
