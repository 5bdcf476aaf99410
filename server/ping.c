/* ping.c -- see ping.h. Blocking sockets: this is a program of its own. */
#include "server/ping.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/ping_tls.h"

struct target {
    const char *host, *port, *path, *password;
    struct ping_tls tls;
};

static int connect_unix(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) return -1;
    if (strlen(path) < sizeof a.sun_path) {
        strcpy(a.sun_path, path);
        if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    }
    close(fd);
    return -1;
}

static int connect_tcp(const char *host, const char *port)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    struct timeval limit = { 5, 0 };
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &list) != 0) return -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* connect's as well */
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* Over ssl, or NULL: in the clear. */
static ssize_t say(int fd, struct ssl_st *ssl, const char *p, size_t n)
{
    return ssl ? ping_tls_send(ssl, p, n) : send(fd, p, n, MSG_NOSIGNAL);
}

static ssize_t hear(int fd, struct ssl_st *ssl, char *p, size_t n)
{
    return ssl ? ping_tls_recv(ssl, p, n) : recv(fd, p, n, 0);
}

/* Send the requests and read one line for each; the last is the answer to PING. */
static int ask(int fd, struct ssl_st *ssl, const char *password)
{
    struct buf out = { 0 };
    char in[512];
    size_t n = 0, lines = 0, want = password ? 2 : 1;
    int code = 1;

    if (password) buf_printf(&out, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password), password);
    buf_add_c(&out, "*1\r\n$4\r\nPING\r\n");
    if (say(fd, ssl, out.p, out.n) == (ssize_t)out.n) {
        while (lines < want && n + 1 < sizeof in) {
            ssize_t got = hear(fd, ssl, in + n, 1);
            if (got <= 0) break;
            if (in[n++] == '\n' && ++lines < want) n = 0;
        }
        in[n] = '\0';
        if (lines == want && strncmp(in, "+PONG", 5) == 0) code = 0;
        in[strcspn(in, "\r\n")] = '\0';
        if (code) fprintf(stderr, "memd --ping: %s\n", n ? in : "no answer");
        else puts("PONG");
    }
    buf_fini(&out);
    return code;
}

static const char *env_of(char **env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++) {
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && (*env)[n + 1]) return *env + n + 1;
    }
    return NULL;
}

/* The first line of the file that MEMD_PASSWORD_FILE names. */
static const char *password_of(char **env, char *room, size_t n)
{
    const char *path = env_of(env, "MEMD_PASSWORD_FILE"), *p = env_of(env, "MEMD_PASSWORD");
    FILE *f = path ? fopen(path, "r") : NULL;

    if (f) {
        bool got = fgets(room, (int)n, f) != NULL;
        fclose(f);
        if (got) {
            room[strcspn(room, "\r\n")] = '\0';
            return room;
        }
    }
    if (p == NULL) p = env_of(env, "MEMD_REQUIREPASS");
    return p ? p : env_of(env, "REDIS_PASSWORD");
}

/* Take an option. 0: there is none such; else how many words it takes. */
static int option(struct target *t, const char *name, const char *value)
{
    const struct { const char *name; const char **to; } with_value[] = {
        { "--host", &t->host }, { "--port", &t->port }, { "--unixsocket", &t->path }, { "--password", &t->password },
        { "--cacert", &t->tls.cacert }, { "--cert", &t->tls.cert }, { "--key", &t->tls.key },
    };

    if (strcmp(name, "--tls") == 0) return t->tls.wanted = true, 1;
    if (strcmp(name, "--insecure") == 0) return t->tls.insecure = true, 1;
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++) {
        if (strcmp(name, with_value[i].name) != 0) continue;
        *with_value[i].to = value;
        if (value && i < 2) t->path = NULL; /* a host or a port, so no path of the environment's */
        return 2;
    }
    return 0;
}

static bool read_options(struct target *t, int argc, char **argv)
{
    for (int i = 0, n; i < argc; i += n) {
        n = option(t, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (n == 0) {
            fprintf(stderr, "memd --ping: %s is not known; --host, --port, --unixsocket, --password, --tls, --cacert, --cert, "
                            "--key, --insecure are\n", argv[i]);
            return false;
        }
        if (n == 2 && i + 1 == argc) {
            fprintf(stderr, "memd --ping: %s needs a value\n", argv[i]);
            return false;
        }
    }
    return true;
}

int ping_main(int argc, char **argv, char **env)
{
    char room[1024];
    struct target t = { "127.0.0.1", NULL, env_of(env, "MEMD_UNIXSOCKET"), password_of(env, room, sizeof room), { 0 } };
    struct timeval limit = { 5, 0 };
    struct ssl_st *ssl = NULL;
    int fd, code = 1;

    if (!read_options(&t, argc, argv)) return 1;
    if (t.port == NULL) t.port = env_of(env, t.tls.wanted ? "MEMD_TLS_PORT" : "MEMD_PORT");
    if (t.port == NULL) t.port = "6379";
    fd = t.path ? connect_unix(t.path) : connect_tcp(t.host, t.port);
    if (fd < 0) {
        fprintf(stderr, "memd --ping: cannot connect to %s\n", t.path ? t.path : t.host);
        return 1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (t.tls.wanted) ssl = ping_tls_connect(fd, t.host, &t.tls);
    if (ssl || !t.tls.wanted) code = ask(fd, ssl, t.password);
    ping_tls_close(ssl);
    close(fd);
    return code;
}
