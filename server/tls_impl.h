/* tls_impl.h -- what the files of tls.h share; nobody else includes it. */
#ifndef MEMD_SERVER_TLS_IMPL_H
#define MEMD_SERVER_TLS_IMPL_H

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/ensure.h"
#include "base/list.h"
#include "server/tls.h"

struct tls {
    SSL_CTX *context, *prepared; /* NULL: none */
    BIO_METHOD *sockets;
    struct link greeted;         /* tls_handshake.c, oldest first */
    size_t n_greeted;
    struct link begun, held;     /* of those: handshakes that OpenSSL has, oldest first; that wait until it has fewer */
    size_t n_begun;
    struct tls_stats stats;
};

/* The connection of a client. */
struct tls_conn {
    SSL *ssl;
    struct client *client;
    struct link in_pending;
    bool is_broken;         /* nothing can be said any more */
    bool reads_wait;        /* reading must wait until the socket takes bytes (an answer to a key update) */
    bool writes_wait;       /* and the other way round */
};

/* A socket as OpenSSL sees it; the method is freed by BIO_meth_free. */
BIO_METHOD *tls_bio_method(void);
bool MUST_USE tls_bio_set(SSL *ssl, const BIO_METHOD *method, int fd);

/* The certificate of a peer whose handshake is done: make c the user it names, if the settings say so. */
void tls_user_of_certificate(struct client *c, SSL *ssl);

/* OpenSSL's reason for the last failure, for people; empties its queue of errors. */
void tls_reason(char *out, size_t n);

/* The files anew. */
void tls_reload(struct server *s);

/* Read the connections of which OpenSSL holds bytes. True: it still does. */
bool tls_read_pending(struct server *s);

/* Make c speak over ssl, which is taken. */
void tls_attach(struct client *c, SSL *ssl);

#endif
