/* ping_tls.h -- memd --ping over TLS. */
#ifndef MEMD_SERVER_PING_TLS_H
#define MEMD_SERVER_PING_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ssl_st;

struct ping_tls {
    bool wanted, insecure;           /* insecure: whoever answers is believed */
    const char *cacert, *cert, *key; /* files; NULL: the system's authorities, no certificate, the key is with it */
};

/* Do the handshake on fd, which blocks. The certificate must be for host. NULL: it has said on stderr why not. */
struct ssl_st *ping_tls_connect(int fd, const char *host, const struct ping_tls *how);

/* As recv and send. What a server says of a certificate after the handshake (TLS 1.3) is told on stderr. */
ssize_t ping_tls_recv(struct ssl_st *ssl, void *p, size_t n);
ssize_t ping_tls_send(struct ssl_st *ssl, const void *p, size_t n);

/* NULL is fine. */
void ping_tls_close(struct ssl_st *ssl);

#endif
