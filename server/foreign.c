/* foreign.c -- see foreign.h. */
#include "server/foreign.h"

/* A record of type 22 and version 3.0 to 3.4. No command begins with such a byte. */
bool foreign_tls(const char *p, size_t n)
{
    return n >= 2 && p[0] == 0x16 && p[1] == 0x03 && (n == 2 || (unsigned char)p[2] <= 4);
}

bool foreign_http(size_t argc, const struct str *argv)
{
    /* No command that takes two arguments has such a name. */
    static const char *const methods[] = { "get", "head", "post", "put", "delete", "options", "patch", "connect",
                                           "trace", "propfind", "pri" };

    if (argc != 3 || argv[2].n < 5 || memcmp(argv[2].p, "HTTP/", 5) != 0) return false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (str_is(argv[0], methods[i])) return true;
    }
    return false;
}

bool foreign_word(struct str word)
{
    return str_is(word, "post") || str_is(word, "host:");
}

void foreign_close(struct client *c, const char *what)
{
    c->server->stats.foreign_closed++;
    client_close_soon(c);
    log_limited(c->server->log, LOG_WARNING, "Possible SECURITY ATTACK: client %s sends %s to this port. Connection "
                "closed, nothing was run.", client_peer(c), what);
}
