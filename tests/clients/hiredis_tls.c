/* hiredis_tls.c -- hiredis with its SSL context: a large value, and a long pipeline.
 *
 *     hiredis_tls PORT CA CERTIFICATE KEY */
#include <hiredis/hiredis.h>
#include <hiredis/hiredis_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 5000000, REQUESTS = 50000 };

static void check(int good, const char *what, const redisContext *c)
{
    if (good) return;
    fprintf(stderr, "%s: %s\n", what, c ? c->errstr : "not as expected");
    exit(1);
}

int main(int argc, char **argv)
{
    redisSSLContextError e;
    redisSSLContext *ssl;
    redisContext *c;
    redisReply *r;
    char *value = malloc(SIZE);

    check(argc == 5 && value, "usage", NULL);
    redisInitOpenSSL();
    ssl = redisCreateSSLContext(argv[2], NULL, argv[3], argv[4], "localhost", &e);
    check(ssl != NULL, redisSSLContextGetError(e), NULL);
    c = redisConnect("127.0.0.1", atoi(argv[1]));
    check(c && !c->err, "connect", c);
    check(redisInitiateSSLWithContext(c, ssl) == REDIS_OK, "handshake", c);
    memset(value, 'x', SIZE);
    r = redisCommand(c, "SET k %b", value, (size_t)SIZE);
    check(r && r->type == REDIS_REPLY_STATUS, "SET", c);
    freeReplyObject(r);
    r = redisCommand(c, "GET k");
    check(r && r->len == SIZE && memcmp(r->str, value, SIZE) == 0, "GET", c);
    freeReplyObject(r);
    for (int i = 0; i < REQUESTS; i++) redisAppendCommand(c, "INCR n");
    for (int i = 1; i <= REQUESTS; i++) {
        check(redisGetReply(c, (void **)&r) == REDIS_OK && r->integer == i, "INCR", c);
        freeReplyObject(r);
    }
    redisFree(c);
    redisFreeSSLContext(ssl);
    free(value);
    puts("ok");
    return 0;
}
