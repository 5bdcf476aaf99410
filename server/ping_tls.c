/* ping_tls.c -- see ping_tls.h. */
#include "server/ping_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

/* Why it failed, in words. */
static void complain(SSL *ssl, const char *what)
{
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    const char *reason = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : ERR_reason_error_string(ERR_peek_error());

    fprintf(stderr, "memd --ping: %s: %s\n", what, reason ? reason : "no answer");
    ERR_clear_error();
}

static bool use_files(SSL_CTX *ctx, const struct ping_tls *how)
{
    if (how->insecure) return true;
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (how->cacert) return SSL_CTX_load_verify_file(ctx, how->cacert) == 1;
    return SSL_CTX_set_default_verify_paths(ctx) == 1;
}

static bool use_certificate(SSL_CTX *ctx, const struct ping_tls *how)
{
    if (how->cert == NULL) return true;
    return SSL_CTX_use_certificate_chain_file(ctx, how->cert) == 1 &&
           SSL_CTX_use_PrivateKey_file(ctx, how->key ? how->key : how->cert, SSL_FILETYPE_PEM) == 1;
}

/* An address is compared with the certificate's addresses, a name with its names. */
static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char ip[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

SSL *ping_tls_connect(int fd, const char *host, const struct ping_tls *how)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;

    if (ctx == NULL || !use_files(ctx, how)) {
        complain(NULL, how->cacert ? how->cacert : "the system's certificates");
    } else if (!use_certificate(ctx, how)) {
        complain(NULL, how->cert);
    } else if ((ssl = SSL_new(ctx)) == NULL || !expect_host(ssl, host) || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1) {
        complain(ssl, host);
        SSL_free(ssl);
        ssl = NULL;
    }
    SSL_CTX_free(ctx); /* the connection has its own hold on it */
    return ssl;
}

ssize_t ping_tls_recv(SSL *ssl, void *p, size_t n)
{
    int got = SSL_read(ssl, p, (int)n);

    if (got <= 0 && ERR_peek_error()) complain(ssl, "TLS");
    return got;
}

ssize_t ping_tls_send(SSL *ssl, const void *p, size_t n)
{
    return SSL_write(ssl, p, (int)n);
}

void ping_tls_close(SSL *ssl)
{
    if (ssl == NULL) return;
    SSL_shutdown(ssl);
    SSL_free(ssl);
}
