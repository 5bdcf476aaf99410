/* session.c -- a chat session through hiredis: what a C or C++ service does.
 *
 *     session PORT [PASSWORD]
 *
 * Prints "ok" and exits with 0 when every reply was as expected. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

enum { TURNS = 50, KEEP = 20 };

static void fail(const redisContext *c, const char *what)
{
    fprintf(stderr, "%s: %s\n", what, c && c->err ? c->errstr : "not as expected");
    exit(1);
}

static redisReply *next(redisContext *c, int type, const char *what)
{
    void *r = NULL;

    if (redisGetReply(c, &r) != REDIS_OK || ((redisReply *)r)->type != type) fail(c, what);
    return r;
}

static void expect_int(redisContext *c, long long want, const char *what)
{
    redisReply *r = next(c, REDIS_REPLY_INTEGER, what);

    if (r->integer != want) fail(c, what);
    freeReplyObject(r);
}

static void expect_status(redisContext *c, const char *want, const char *what)
{
    redisReply *r = next(c, REDIS_REPLY_STATUS, what);

    if (strcmp(r->str, want) != 0) fail(c, what);
    freeReplyObject(r);
}

/* One turn: push, trim, expire and read back in one pipeline. */
static void turn(redisContext *c, int i)
{
    char message[2048];
    size_t n = 300 + (size_t)i * 31 % 1700;
    int kept = i + 1 < KEEP ? i + 1 : KEEP;
    redisReply *r;

    memset(message, 'a' + i % 26, n);
    redisAppendCommand(c, "RPUSH %s %b", "session:c", message, n);
    redisAppendCommand(c, "LTRIM session:c %d -1", -KEEP);
    redisAppendCommand(c, "EXPIRE session:c 3600");
    redisAppendCommand(c, "LRANGE session:c 0 -1");
    expect_int(c, i < KEEP ? i + 1 : KEEP + 1, "RPUSH");
    expect_status(c, "OK", "LTRIM");
    expect_int(c, 1, "EXPIRE");
    r = next(c, REDIS_REPLY_ARRAY, "LRANGE");
    if ((int)r->elements != kept) fail(c, "LRANGE: length");
    if (r->element[kept - 1]->len != n || memcmp(r->element[kept - 1]->str, message, n) != 0) {
        fail(c, "LRANGE: last message");
    }
    freeReplyObject(r);
}

static redisReply *command(redisContext *c, int type, const char *text)
{
    redisReply *r = redisCommand(c, text);

    if (r == NULL || r->type != type) fail(c, text);
    return r;
}

int main(int argc, char **argv)
{
    redisContext *c = redisConnect("127.0.0.1", argc > 1 ? atoi(argv[1]) : 6379);
    redisReply *r;

    if (c == NULL || c->err) fail(c, "connect");
    if (argc > 2) {
        r = redisCommand(c, "AUTH %s", argv[2]);
        if (r == NULL || r->type != REDIS_REPLY_STATUS) fail(c, "AUTH");
        freeReplyObject(r);
    }
    freeReplyObject(command(c, REDIS_REPLY_INTEGER, "DEL session:c session:c:meta"));
    for (int i = 0; i < TURNS; i++) turn(c, i);

    freeReplyObject(command(c, REDIS_REPLY_INTEGER, "HSET session:c:meta user ada turns 50"));
    r = command(c, REDIS_REPLY_ARRAY, "HGETALL session:c:meta");
    if (r->elements != 4) fail(c, "HGETALL");
    freeReplyObject(r);
    r = command(c, REDIS_REPLY_NIL, "GET nosuch");
    freeReplyObject(r);
    r = command(c, REDIS_REPLY_ERROR, "INCR session:c");
    if (strncmp(r->str, "WRONGTYPE ", 10) != 0) fail(c, "INCR of a list");
    freeReplyObject(r);
    redisFree(c);
    puts("ok");
    return 0;
}
