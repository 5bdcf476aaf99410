/* migrate_cmd.c -- MIGRATE: keys to another server, as DUMP payloads through its RESTORE.
 *
 * The reactor waits for the other server, as in Redis: the keys must not change between the moment at
 * which they are serialized and the one at which they are removed here. All of it, connecting, sending
 * and reading, has the one timeout of the request, so that nobody waits longer than he asked for (Redis
 * allows that much for each step). A connection is made for each request and closed after it; a host
 * that is a name costs what the system's resolver takes. A key is removed when the other server has
 * confirmed it, whatever becomes of the others, and the log gets a DEL of just those. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/num.h"
#include "persistence/persist.h"
#include "server/client.h"
#include "server/commands.h"
#include "server/loop.h"
#include "server/rows.h"
#include "server/socket.h"
#include "storage/keys.h"

/* --- the request ------------------------------------------------------------------------------ */

struct migrate {
    bool copy, replace;
    struct str user, password; /* p NULL: not given */
    int64_t db, timeout_ms;
    const struct str *keys; /* those that are there; in the arena */
    size_t n;
    struct str *moved;      /* those that were removed here */
    size_t n_moved;
};

static enum err parse_options(struct call *c, struct migrate *m, size_t *first_key, size_t *n_keys)
{
    *first_key = 3;
    *n_keys = 1;
    for (size_t i = 6; i < c->argc; i++) {
        size_t left = c->argc - 1 - i;

        if (call_is(c, i, "COPY")) {
            m->copy = true;
        } else if (call_is(c, i, "REPLACE")) {
            m->replace = true;
        } else if (call_is(c, i, "AUTH") && left >= 1) {
            m->password = call_arg(c, ++i);
        } else if (call_is(c, i, "AUTH2") && left >= 2) {
            m->user = call_arg(c, ++i);
            m->password = call_arg(c, ++i);
        } else if (call_is(c, i, "KEYS")) {
            if (call_arg(c, 3).n != 0) return ERR_MIGRATE_KEYS;
            *first_key = i + 1;
            *n_keys = left;
            return OK;
        } else {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

static enum err parse(struct call *c, struct migrate *m)
{
    enum { TIMEOUT_MS = 1000 };
    size_t first, n;
    struct str *keys;
    enum err e = parse_options(c, m, &first, &n);

    if (e == OK) e = call_i64(c, 5, &m->timeout_ms);
    if (e == OK) e = call_i64(c, 4, &m->db);
    if (e != OK) return e;
    if (m->timeout_ms <= 0) m->timeout_ms = TIMEOUT_MS;
    keys = call_new(c, struct str, n);
    for (size_t i = first; i < first + n; i++) {
        if (db_read(c->db, call_arg(c, i))) keys[m->n++] = call_arg(c, i);
    }
    m->keys = keys;
    m->moved = call_new(c, struct str, m->n);
    return OK;
}

/* --- what is sent ------------------------------------------------------------------------------ */

static void add_count(struct buf *b, size_t n)
{
    buf_printf(b, "*%zu\r\n", n);
}

static void add_bulk(struct buf *b, struct str s)
{
    buf_printf(b, "$%zu\r\n", s.n);
    buf_add_str(b, s);
    buf_add(b, "\r\n", 2);
}

static void add_int(struct buf *b, int64_t v)
{
    char text[NUM_TEXT_MAX];

    add_bulk(b, str_of(text, num_i64(text, v)));
}

static void add_restore(const struct call *c, const struct migrate *m, struct str key, struct buf *out)
{
    const struct entry *e = db_peek(c->db, key);
    int64_t at = entry_expire_at(e), ttl = at < 0 ? 0 : at - c->store->now_ms;
    struct buf payload = { 0 };

    if (at >= 0 && ttl < 1) ttl = 1;
    persist_dump(c->store, e, &payload);
    add_count(out, m->replace ? 5 : 4);
    add_bulk(out, STR("RESTORE"));
    add_bulk(out, key);
    add_int(out, ttl);
    add_bulk(out, buf_str(&payload));
    if (m->replace) add_bulk(out, STR("REPLACE"));
    buf_fini(&payload);
}

static void add_all(const struct call *c, const struct migrate *m, struct buf *out)
{
    if (m->password.p) {
        add_count(out, m->user.p ? 3 : 2);
        add_bulk(out, STR("AUTH"));
        if (m->user.p) add_bulk(out, m->user);
        add_bulk(out, m->password);
    }
    add_count(out, 2);
    add_bulk(out, STR("SELECT"));
    add_int(out, m->db);
    for (size_t i = 0; i < m->n; i++) add_restore(c, m, m->keys[i], out);
}

/* --- the other server -------------------------------------------------------------------------- */

enum { TIMEOUT_MOST = 1 << 30 }; /* ms: twelve days */

struct peer {
    int fd;
    int64_t deadline_us; /* monotonic */
    char in[4096];
    size_t at, n;
};

/* Wait until the socket can be written to or has something to read; false: time is up. */
static bool await(const struct peer *p, short what)
{
    struct pollfd f = { .fd = p->fd, .events = what };

    for (;;) {
        int64_t left = p->deadline_us - clock_mono_us();
        int n = left <= 0 ? 0 : poll(&f, 1, (int)(left / 1000) + 1);

        if (n > 0) return true;
        if (n == 0 || errno != EINTR) return false;
    }
}

/* The connection that was begun is there. */
static bool is_connected(const struct peer *p)
{
    int error = 0;
    socklen_t n = sizeof error;

    return await(p, POLLOUT) && getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

static bool connect_to(struct peer *p, const struct addrinfo *to)
{
    int yes = 1;

    p->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0) return false;
    if (connect(p->fd, to->ai_addr, to->ai_addrlen) == 0 ||
        (errno == EINPROGRESS && is_connected(p))) {
        setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        return true;
    }
    close(p->fd);
    p->fd = -1;
    return false;
}

static bool peer_open(struct peer *p, const char *host, const char *port, int64_t timeout_ms)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
    bool open = false;

    p->fd = -1;
    p->at = p->n = 0;
    p->deadline_us = clock_mono_us() + (timeout_ms < TIMEOUT_MOST ? timeout_ms : TIMEOUT_MOST) * 1000;
    if (getaddrinfo(host, port, &hints, &list) != 0) return false;
    for (const struct addrinfo *a = list; a && !open; a = a->ai_next) open = connect_to(p, a);
    freeaddrinfo(list);
    return open;
}

static bool peer_send(const struct peer *p, struct str s)
{
    while (s.n > 0) {
        ssize_t n = socket_send(p->fd, s.p, s.n);

        if (n > 0) {
            s = str_of(s.p + n, s.n - (size_t)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            if (!await(p, POLLOUT)) return false;
        } else {
            return false;
        }
    }
    return true;
}

/* The next byte; -1: the connection is lost or time is up. */
static int peer_byte(struct peer *p)
{
    while (p->at == p->n) {
        ssize_t n = await(p, POLLIN) ? socket_recv(p->fd, p->in, sizeof p->in) : 0;

        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n <= 0) return -1;
        p->at = 0;
        p->n = (size_t)n;
    }
    return (unsigned char)p->in[p->at++];
}

/* Its next line, as text without the line's end. What does not fit is dropped. */
static bool peer_line(struct peer *p, char *line, size_t room)
{
    size_t n = 0;
    int b;

    while ((b = peer_byte(p)) != '\n') {
        if (b < 0) return false;
        if (n + 1 < room) line[n++] = (char)b;
    }
    if (n > 0 && line[n - 1] == '\r') n--;
    line[n] = '\0';
    return true;
}

/* Its next reply, +OK or an error. What answers otherwise is no server of this kind, and has no key of ours. */
static bool peer_reply(struct peer *p, char *line, size_t room)
{
    return peer_line(p, line, room) && (line[0] == '+' || line[0] == '-');
}

/* --- doing it ---------------------------------------------------------------------------------- */

/* Read what the other server says of each key, and remove those that it has. Its first error is replied,
 * after the others were read. */
static enum err read_replies(struct call *c, struct migrate *m, struct peer *p)
{
    enum { LINE = 1024 };
    char line[LINE], head[LINE] = "", error[LINE] = "";

    for (int i = m->password.p ? 0 : 1; i < 2; i++) { /* AUTH, SELECT */
        if (!peer_reply(p, line, sizeof line)) return ERR_MIGRATE_READ;
        if (line[0] == '-' && head[0] == '\0') memcpy(head, line, sizeof head);
    }
    for (size_t i = 0; i < m->n; i++) {
        if (!peer_reply(p, line, sizeof line)) {
            if (error[0] == '\0') return ERR_MIGRATE_READ;
            break;
        }
        if (head[0] != '\0' || line[0] == '-') {
            if (error[0] == '\0') memcpy(error, head[0] != '\0' ? head : line, sizeof error);
        } else if (!m->copy && keys_delete(c->db, m->keys[i], c->store->conf.lazy_server_del)) {
            m->moved[m->n_moved++] = m->keys[i];
        }
    }
    if (error[0] == '\0') return OK;
    reply_errorf(c->out, "ERR Target instance replied with error: %s", error + 1);
    return CALL_REPLIED_ERROR;
}

/* Argument i, a name of no more than some hundred bytes, as a C string. */
static const char *text_of(struct call *c, size_t i)
{
    enum { NAME_MOST = 1024 };
    struct str s = call_arg(c, i);

    return arena_printf(c->arena, "%.*s", (int)(s.n < NAME_MOST ? s.n : NAME_MOST), s.p).p;
}

static enum err transfer(struct call *c, struct migrate *m)
{
    const char *host = text_of(c, 1);
    struct str port = arena_printf(c->arena, "%d", atoi(text_of(c, 2)));
    struct peer p;
    struct buf out = { 0 };
    enum err e = OK;

    if (!peer_open(&p, host, port.p, m->timeout_ms)) return ERR_MIGRATE_CONNECT;
    add_all(c, m, &out);
    if (!peer_send(&p, buf_str(&out))) e = ERR_MIGRATE_WRITE;
    buf_fini(&out);
    if (e == OK) e = read_replies(c, m, &p);
    close(p.fd);
    return e;
}

static enum err run_migrate(struct call *c)
{
    struct migrate *m = call_new(c, struct migrate, 1);
    enum err e = parse(c, m);

    c->note = m;
    if (e != OK) return e;
    if (m->n == 0) {
        reply_simple(c->out, "NOKEY");
        return OK;
    }
    e = transfer(c, m);
    loop_refresh_time(c->client->server);
    if (e == OK) reply_ok(c->out);
    return e;
}

static void journal_migrate(const struct call *c, struct journal *j)
{
    const struct migrate *m = c->note;
    struct str *argv = call_new(c, struct str, m->n_moved + 1);

    argv[0] = STR("DEL");
    if (m->n_moved > 0) memcpy(argv + 1, m->moved, m->n_moved * sizeof *argv);
    if (m->n_moved > 0) journal_add(j, m->n_moved + 1, argv);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* clang-format off */

static const struct command_arg key_args[] = {
    { .name = "key", .type = ARG_T_KEY },
    { .name = "empty-string", .type = ARG_T_PURE_TOKEN, .token = "" },
    { 0 },
};
static const struct command_arg auth2_args[] = {
    { .name = "username", .type = ARG_T_STRING }, { .name = "password", .type = ARG_T_STRING }, { 0 },
};
static const struct command_arg auth_args[] = {
    { .name = "auth", .type = ARG_T_STRING, .token = "AUTH", .display = "password", .since = "4.0.7" },
    { .name = "auth2", .type = ARG_T_BLOCK, .token = "AUTH2", .since = "6.0.0", .subs = auth2_args },
    { 0 },
};
static const char *const migrate_tips[] = { "nondeterministic_output", NULL };
static const char *const migrate_history[] = {
    "3.0.0", "Has the options `COPY` and `REPLACE`.", "3.0.6", "Has the option `KEYS`.",
    "4.0.7", "Has the option `AUTH`.", "6.0.0", "Has the option `AUTH2`.", NULL
};

const struct command migrate_commands[] = {
    { ROW("migrate", run_migrate, -6, CMD_WRITE, GROUP_GENERIC, "2.6.0",
          "That of DUMP, DEL, and RESTORE at the other server, and O(N) for N bytes sent",
          "Moves keys to another server, or copies them there."),
      .keys = { { .flags = KEY_RW | KEY_ACCESS | KEY_DELETE, .first = 3, .step = 1, .not_empty = true },
                { .flags = KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE, .first = -2, .last = -1,
                  .step = 1, .keyword = "KEYS" } },
      .acl = ACL_KEYSPACE | ACL_DANGEROUS, .journal = journal_migrate, .tips = migrate_tips,
      .history = migrate_history,
      .args = ARGS({ .name = "host", .type = ARG_T_STRING }, { .name = "port", .type = ARG_T_INTEGER },
                   { .name = "key-selector", .type = ARG_T_ONEOF, .subs = key_args },
                   { .name = "destination-db", .type = ARG_T_INTEGER },
                   { .name = "timeout", .type = ARG_T_INTEGER },
                   { .name = "copy", .type = ARG_T_PURE_TOKEN, .token = "COPY", .flags = ARG_OPTIONAL,
                     .since = "3.0.0" },
                   { .name = "replace", .type = ARG_T_PURE_TOKEN, .token = "REPLACE", .flags = ARG_OPTIONAL,
                     .since = "3.0.0" },
                   { .name = "authentication", .type = ARG_T_ONEOF, .flags = ARG_OPTIONAL, .subs = auth_args },
                   { .name = "keys", .type = ARG_T_KEY, .token = "KEYS", .key_spec = 1, .display = "key",
                     .flags = ARG_OPTIONAL | ARG_MULTIPLE, .since = "3.0.6" }),
      .example = "MIGRATE 127.0.0.1 1 none 0 100 => +NOKEY\r\n" },
    { 0 },
};
