/* tls_bio.c -- OpenSSL's way to sockets and to memory: see tls_impl.h.
 *
 * Its own way to a socket goes through libc's read and write, which cost about a twentieth of an unpipelined request
 * more (socket.h says why). Its own way to memory knows nothing of the reserve, so that a connection would break when
 * the system refuses a few bytes. */
#include <errno.h>

#include "base/mem.h"
#include "server/tls_impl.h"

/* --- memory ---------------------------------------------------------------------------------------------- */

enum { SURE = 64 * 1024 }; /* OpenSSL's buffers are smaller; what is larger was chosen by a peer or a file */

static void *allocate(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n <= SURE ? mem_alloc(n) : mem_try_alloc(n);
}

static void *reallocate(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    if (n > 0) return n <= SURE ? mem_realloc(p, n) : mem_try_realloc(p, n);
    mem_free(p);
    return NULL;
}

static void release(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    mem_free(p);
}

void tls_use_mem(void)
{
    int ok = CRYPTO_set_mem_functions(allocate, reallocate, release);

    ensure(ok == 1); /* it refuses once it has allocated: this is called too late */
}

/* --- sockets --------------------------------------------------------------------------------------------- */

static int fd_of(BIO *b)
{
    return (int)(intptr_t)BIO_get_data(b);
}

/* What OpenSSL is to make of n, the answer of a call. */
static int outcome(ssize_t n, BIO *b, int direction)
{
    BIO_clear_retry_flags(b);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_flags(b, direction | BIO_FLAGS_SHOULD_RETRY);
    if (n == 0 && direction == BIO_FLAGS_READ) BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    return (int)n;
}

static int take(BIO *b, char *p, int n)
{
    return outcome(socket_recv(fd_of(b), p, (size_t)n), b, BIO_FLAGS_READ);
}

static int give(BIO *b, const char *p, int n)
{
    return outcome(socket_send(fd_of(b), p, (size_t)n), b, BIO_FLAGS_WRITE);
}

static long control(BIO *b, int what, long n, void *p)
{
    (void)n;
    (void)p;
    if (what == BIO_CTRL_EOF) return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
    return what == BIO_CTRL_FLUSH; /* nothing is kept back; all else is unknown here */
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memd");

    ensure(m != NULL);
    BIO_meth_set_read(m, take);
    BIO_meth_set_write(m, give);
    BIO_meth_set_ctrl(m, control);
    return m;
}

bool tls_bio_set(SSL *ssl, const BIO_METHOD *method, int fd)
{
    BIO *b = BIO_new(method);

    if (b == NULL) return false;
    BIO_set_data(b, (void *)(intptr_t)fd);
    BIO_set_init(b, 1);
    SSL_set_bio(ssl, b, b);
    return true;
}
