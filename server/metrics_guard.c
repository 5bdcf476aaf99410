/* metrics_guard.c -- see metrics_guard.h. */
#include "server/metrics_guard.h"

#include <arpa/inet.h>
#include <event2/http.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "server/listen.h"

static bool is_password(const char *sent, const char *password)
{
    size_t n = strlen(sent), have = strlen(password);
    unsigned differs = n != have;

    for (size_t i = 0; i < n; i++) differs |= (unsigned char)sent[i] ^ (unsigned char)password[have ? i % have : 0];
    return differs == 0;
}

static bool knows_password(struct evhttp_request *r, const char *password)
{
    static const char scheme[] = "Bearer ";
    const char *sent = evhttp_find_header(evhttp_request_get_input_headers(r), "Authorization");

    return sent != NULL && strncasecmp(sent, scheme, sizeof scheme - 1) == 0 &&
           is_password(sent + sizeof scheme - 1, password);
}

static bool is_local(struct evhttp_request *r)
{
    const struct sockaddr *from = evhttp_connection_get_addr(evhttp_request_get_connection(r));

    return from != NULL && listen_is_loopback(from);
}

/* 127.0.0.1 or [::1], without a port. */
static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char v6[INET6_ADDRSTRLEN];
    size_t n = strlen(host);

    if (host[0] != '[') return inet_pton(AF_INET, host, address) == 1;
    if (host[n - 1] != ']' || n - 2 >= sizeof v6) return false;
    memcpy(v6, host + 1, n - 2);
    v6[n - 2] = '\0';
    return inet_pton(AF_INET6, v6, address) == 1;
}

/* No browser leaves the name out. */
static bool is_our_name(struct evhttp_request *r)
{
    const char *host = evhttp_request_get_host(r); /* of the URI or the header, without the port */

    return host == NULL || host[0] == '\0' || strcasecmp(host, "localhost") == 0 || is_address(host);
}

enum metrics_guard metrics_guard(const struct conf *conf, struct evhttp_request *r)
{
    if (conf->metrics_password[0]) return knows_password(r, conf->metrics_password) ? METRICS_ADMIT : METRICS_WRONG_PASSWORD;
    if (!conf->protected_mode) return METRICS_ADMIT;
    if (!is_local(r)) return METRICS_OTHER_MACHINE;
    return is_our_name(r) ? METRICS_ADMIT : METRICS_OTHER_NAME;
}
