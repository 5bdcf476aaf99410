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

struct target {
    const char *host, *port, *path, *password;
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

/* Send the requests and read one line for each; the last is the answer to PING. */
static int ask(int fd, const char *password)
{
    struct timeval limit = { 5, 0 };
    struct buf out = { 0 };
    char in[512];
    size_t n = 0, lines = 0, want = password ? 2 : 1;
    int code = 1;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (password) buf_printf(&out, "*2\r\n$4\r\nAUTH\r\n$%zu\r\n%s\r\n", strlen(password), password);
    buf_add_c(&out, "*1\r\n$4\r\nPING\r\n");
    if (send(fd, out.p, out.n, MSG_NOSIGNAL) == (ssize_t)out.n) {
        while (lines < want && n + 1 < sizeof in) {
            ssize_t got = recv(fd, in + n, 1, 0);
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

int ping_main(int argc, char **argv, char **env)
{
    char room[1024];
    struct target t = { "127.0.0.1", env_of(env, "MEMD_PORT"), env_of(env, "MEMD_UNIXSOCKET"),
                        password_of(env, room, sizeof room) };
    int fd, code;

    if (t.port == NULL) t.port = "6379";
    for (int i = 0; i < argc; i += 2) {
        if (i + 1 >= argc) {
            fprintf(stderr, "memd --ping: %s needs a value\n", argv[i]);
            return 1;
        }
        if (strcmp(argv[i], "--host") == 0) t.host = argv[i + 1], t.path = NULL;
        else if (strcmp(argv[i], "--port") == 0) t.port = argv[i + 1], t.path = NULL;
        else if (strcmp(argv[i], "--unixsocket") == 0) t.path = argv[i + 1];
        else if (strcmp(argv[i], "--password") == 0) t.password = argv[i + 1];
        else {
            fprintf(stderr, "memd --ping: %s is not known; --host, --port, --unixsocket, --password are\n",
                    argv[i]);
            return 1;
        }
    }
    fd = t.path ? connect_unix(t.path) : connect_tcp(t.host, t.port);
    if (fd < 0) {
        fprintf(stderr, "memd --ping: cannot connect to %s\n", t.path ? t.path : t.host);
        return 1;
    }
    code = ask(fd, t.password);
    close(fd);
    return code;
}
