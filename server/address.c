/* address.c -- see address.h. */
#include "server/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

struct address address_of(const struct sockaddr *a)
{
    struct address p = { .family = a->sa_family };

    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a;
        memcpy(p.ip, &in->sin_addr, sizeof in->sin_addr);
        p.port = ntohs(in->sin_port);
    } else if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)a;
        memcpy(p.ip, &in6->sin6_addr, sizeof in6->sin6_addr);
        p.port = ntohs(in6->sin6_port);
    }
    return p;
}

void address_name(const struct address *p, char out[ADDRESS_NAME_MAX])
{
    char ip[INET6_ADDRSTRLEN];

    if ((p->family != AF_INET && p->family != AF_INET6) || !inet_ntop(p->family, p->ip, ip, sizeof ip)) {
        snprintf(out, ADDRESS_NAME_MAX, "?:0");
    } else {
        snprintf(out, ADDRESS_NAME_MAX, p->family == AF_INET ? "%s:%d" : "[%s]:%d", ip, p->port);
    }
}
