#include "server/check_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "server/listen.h"

/* An address and a port, and the setting that wants them. */
struct place {
    const char *setting, *address;
    struct sockaddr_storage a;
    socklen_t n;
    int port;
};

struct check {
    const char *path, *ours;
    struct buf *report;
    struct place *wanted;
    size_t n_wanted;
    bool good;
};

static void begin(struct check *k, const char *setting)
{
    buf_printf(k->report, "%s: %s: ", k->path, setting);
    k->good = false;
}

/* Is the word among those of a list with commas? */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word), len;

    for (; list && *list; list += len + (list[len] == ',')) {
        len = strcspn(list, ",");
        if (len == n && memcmp(list, word, n) == 0) return true;
    }
    return false;
}

static bool is_ours(const struct check *k, int port)
{
    char word[16];

    snprintf(word, sizeof word, "%d", port);
    return has_word(k->ours, word);
}

static bool is_any(const struct sockaddr_storage *a)
{
    const void *at = a;

    if (a->ss_family == AF_INET) return ((const struct sockaddr_in *)at)->sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)at)->sin6_addr);
}

/* Of two that want the same port, all addresses and a single one exclude each other, too. */
static bool collide(const struct place *p, const struct place *q)
{
    if (p->port != q->port || p->a.ss_family != q->a.ss_family) return false;
    return is_any(&p->a) || is_any(&q->a) || (p->n == q->n && memcmp(&p->a, &q->a, p->n) == 0);
}

static void want(struct check *k, const struct place *p)
{
    for (size_t i = 0; i < k->n_wanted; i++) {
        if (!collide(p, &k->wanted[i])) continue;
        begin(k, p->setting);
        buf_printf(k->report, "%s port %d is wanted by %s as well\n", p->address, p->port, k->wanted[i].setting);
        return;
    }
    if (k->ours && !is_ours(k, p->port) && !listen_could(&p->a, p->n, p->port)) {
        begin(k, p->setting);
        buf_printf(k->report, "%s port %d: %s\n", p->address, p->port, strerror(errno));
        return;
    }
    k->wanted[k->n_wanted++] = *p;
}

/* False: the address cannot be had, which is told unless it is optional. */
static bool find(struct check *k, const char *setting, const char *address, struct place *p)
{
    bool optional = address[0] == '-';
    int rc = listen_find(address, &p->a, &p->n);

    p->address = address + optional;
    if (rc == 0 && listen_could(&p->a, p->n, 0)) return true;
    if (optional) return false;
    begin(k, setting);
    buf_printf(k->report, "%s: %s\n", address, rc ? gai_strerror(rc) : strerror(errno));
    return false;
}

static void check_addresses(struct check *k, const char *setting, const struct conf_list *at, const struct place *ports, size_t n)
{
    struct place p = { 0 };
    size_t open = 0;

    for (size_t i = 0; i < n; i++) open += ports[i].port != 0;
    for (size_t i = 0; open && i < at->n; i++) {
        if (!find(k, setting, at->items[i], &p)) continue;
        for (size_t j = 0; j < n; j++) {
            p.setting = ports[j].setting;
            p.port = ports[j].port;
            if (p.port != 0) want(k, &p);
        }
    }
}

/* All addresses for clients have been looked at, and nothing was wrong with any. */
static void check_is_somewhere(struct check *k, const struct conf *c)
{
    bool has_port = c->port != 0 || c->tls_port != 0;

    if (k->n_wanted > 0 || c->unixsocket[0] != '\0') return;
    begin(k, has_port ? "bind" : "port");
    buf_printf(k->report, "memd would not listen anywhere: %s, and there is no unixsocket\n",
               !has_port ? "port and tls-port are 0" : c->bind.n > 0 ? "none of the optional addresses is there" : "there is no address");
}

/* What a daemon that is gone has left is taken away at the start, but nothing else. */
static void check_unix(struct check *k, const char *path)
{
    struct stat st;

    if (path[0] == '\0' || lstat(path, &st) != 0 || S_ISSOCK(st.st_mode)) return;
    begin(k, "unixsocket");
    buf_printf(k->report, "%s is there, and no socket\n", path);
}

bool check_listen(const struct conf *conf, const char *path, const char *ours, struct buf *report)
{
    struct check k = { .path = path, .ours = ours, .report = report, .good = true };
    const struct place of_clients[] = {
        { .setting = "port", .port = has_word(ours, LISTEN_PASSED) ? 0 : (int)conf->port },
        { .setting = "tls-port", .port = has_word(ours, LISTEN_PASSED_TLS) ? 0 : (int)conf->tls_port },
    };
    const struct place of_metrics = { .setting = "metrics-port", .port = (int)conf->metrics_port };

    k.wanted = mem_zalloc((2 * conf->bind.n + conf->metrics_bind.n + 1) * sizeof *k.wanted);
    check_addresses(&k, "bind", &conf->bind, of_clients, 2);
    if (k.good && ours == NULL) check_is_somewhere(&k, conf);
    check_addresses(&k, "metrics-bind", &conf->metrics_bind, &of_metrics, 1);
    check_unix(&k, conf->unixsocket);
    mem_free(k.wanted);
    return k.good;
}
