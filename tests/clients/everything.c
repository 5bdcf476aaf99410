/* everything.c -- the usual jobs through hiredis, the library under most C and C++ services.
 *
 *     everything PORT */
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int port;

static void fail(const char *what, const redisContext *c)
{
    fprintf(stderr, "%s: %s\n", what, c && c->err ? c->errstr : "not as expected");
    exit(1);
}

static redisContext *open_one(void)
{
    redisContext *c = redisConnect("127.0.0.1", port);

    if (c == NULL || c->err) fail("connect", c);
    return c;
}

static void ok(const char *what)
{
    printf("ok %s\n", what);
    fflush(stdout);
}

/* The reply must be there and of this type. */
static redisReply *checked(redisContext *c, redisReply *r, int type, const char *what)
{
    if (r == NULL || r->type != type) {
        if (r && r->str) fprintf(stderr, "%s\n", r->str);
        fail(what, c);
    }
    return r;
}

static void expect_str(redisContext *c, redisReply *r, const char *want)
{
    if (r == NULL || r->str == NULL || strcmp(r->str, want) != 0) fail(want, c);
    freeReplyObject(r);
}

static void expect_int(redisContext *c, redisReply *r, long long want, const char *what)
{
    if (checked(c, r, REDIS_REPLY_INTEGER, what)->integer != want) fail(what, c);
    freeReplyObject(r);
}

static void pipeline(redisContext *c)
{
    redisReply *r = NULL;

    for (int i = 0; i < 1000; i++) redisAppendCommand(c, "INCR p");
    for (int i = 0; i < 1000; i++) {
        if (redisGetReply(c, (void **)&r) != REDIS_OK) fail("pipeline", c);
        expect_int(c, r, i + 1, "pipeline");
    }
    ok("pipeline");
}

static void transaction(redisContext *c, redisContext *other)
{
    redisReply *r;

    expect_str(c, redisCommand(c, "MULTI"), "OK");
    expect_str(c, redisCommand(c, "SET m 1"), "QUEUED");
    expect_str(c, redisCommand(c, "INCR m"), "QUEUED");
    r = checked(c, redisCommand(c, "EXEC"), REDIS_REPLY_ARRAY, "exec");
    if (r->elements != 2 || r->element[1]->integer != 2) fail("exec", c);
    freeReplyObject(r);
    expect_str(c, redisCommand(c, "WATCH w"), "OK");
    expect_str(other, redisCommand(other, "SET w x"), "OK");
    expect_str(c, redisCommand(c, "MULTI"), "OK");
    expect_str(c, redisCommand(c, "SET w y"), "QUEUED");
    freeReplyObject(checked(c, redisCommand(c, "EXEC"), REDIS_REPLY_NIL, "watched"));
    ok("transaction");
}

static void *push_later(void *arg)
{
    redisContext *c = open_one();
    redisReply *r;
    int waiting = 0;

    while (!waiting) {
        r = redisCommand(c, "INFO clients");
        waiting = r && strstr(r->str, "blocked_clients:1\r\n") != NULL;
        freeReplyObject(r);
    }
    expect_int(c, redisCommand(c, "RPUSH q job"), 1, "rpush");
    redisFree(c);
    return arg;
}

static void blocking_pop(redisContext *c)
{
    pthread_t t;
    redisReply *r;

    pthread_create(&t, NULL, push_later, NULL);
    r = checked(c, redisCommand(c, "BLPOP nothing q 20"), REDIS_REPLY_ARRAY, "blpop");
    if (strcmp(r->element[0]->str, "q") != 0 || strcmp(r->element[1]->str, "job") != 0) fail("blpop", c);
    freeReplyObject(r);
    pthread_join(t, NULL);
    expect_int(c, redisCommand(c, "ZADD z 1.5 a 2 b"), 2, "zadd");
    r = checked(c, redisCommand(c, "BZPOPMIN z 1"), REDIS_REPLY_ARRAY, "bzpopmin");
    if (strcmp(r->element[2]->str, "1.5") != 0) fail("bzpopmin", c);
    freeReplyObject(r);
    ok("blocking pop");
}

static void pubsub(redisContext *c, redisContext *listener)
{
    redisReply *r;

    freeReplyObject(checked(listener, redisCommand(listener, "SUBSCRIBE news"), REDIS_REPLY_ARRAY, "subscribe"));
    expect_int(c, redisCommand(c, "PUBLISH news %b", "a\0b", (size_t)3), 1, "publish");
    if (redisGetReply(listener, (void **)&r) != REDIS_OK || r->elements != 3 || r->element[2]->len != 3) {
        fail("message", listener);
    }
    freeReplyObject(r);
    freeReplyObject(checked(listener, redisCommand(listener, "UNSUBSCRIBE"), REDIS_REPLY_ARRAY, "unsubscribe"));
    ok("pubsub");
}

static void stream_group(redisContext *c)
{
    redisReply *r;
    char id[64];

    r = checked(c, redisCommand(c, "XADD events * kind login"), REDIS_REPLY_STRING, "xadd");
    snprintf(id, sizeof id, "%s", r->str);
    freeReplyObject(r);
    expect_str(c, redisCommand(c, "XGROUP CREATE events g 0"), "OK");
    r = checked(c, redisCommand(c, "XREADGROUP GROUP g w STREAMS events >"), REDIS_REPLY_ARRAY, "xreadgroup");
    if (strcmp(r->element[0]->element[1]->element[0]->element[0]->str, id) != 0) fail("xreadgroup", c);
    freeReplyObject(r);
    expect_int(c, redisCommand(c, "XACK events g %s", id), 1, "xack");
    ok("stream group");
}

static void script_and_lock(redisContext *c)
{
    static const char unlock[] =
        "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

    for (int i = 1; i <= 3; i++) {
        expect_int(c, redisCommand(c, "EVAL %s 1 rate", "return redis.call('INCR', KEYS[1])"), i, "script");
    }
    ok("script");
    expect_str(c, redisCommand(c, "SET lock me NX PX 10000"), "OK");
    freeReplyObject(checked(c, redisCommand(c, "SET lock you NX PX 10000"), REDIS_REPLY_NIL, "locked"));
    expect_int(c, redisCommand(c, "EVAL %s 1 lock you", unlock), 0, "not the owner");
    expect_int(c, redisCommand(c, "EVAL %s 1 lock me", unlock), 1, "unlock");
    ok("lock");
}

/* Debian's hiredis knows RESP2 alone; HELLO is a command like any other to it. */
static void hello(redisContext *c)
{
    redisReply *r = checked(c, redisCommand(c, "HELLO 2"), REDIS_REPLY_ARRAY, "hello");

    if (r->elements != 14 || strcmp(r->element[0]->str, "server") != 0) fail("hello", c);
    freeReplyObject(r);
    ok("resp3");
}

static void reconnect(redisContext *c)
{
    char line[64];
    redisReply *r;

    printf("restart\n");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) fail("no answer", NULL);
    r = redisCommand(c, "SET c 3");
    if (r != NULL && r->type != REDIS_REPLY_ERROR) fail("the connection should have ended", c);
    freeReplyObject(r);
    if (redisReconnect(c) != REDIS_OK) fail("reconnect", c);
    expect_str(c, redisCommand(c, "SET c 3"), "OK");
    expect_str(c, redisCommand(c, "GET c"), "3");
    ok("reconnect");
}

int main(int argc, char **argv)
{
    redisContext *c, *other;

    if (argc != 2) return 2;
    port = atoi(argv[1]);
    c = open_one();
    other = open_one();
    expect_str(c, redisCommand(c, "SET a %b EX 100", "1", (size_t)1), "OK");
    expect_str(c, redisCommand(c, "GET a"), "1");
    ok("connect");
    pipeline(c);
    transaction(c, other);
    blocking_pop(c);
    pubsub(c, other);
    stream_group(c);
    script_and_lock(c);
    hello(c);
    reconnect(c);
    redisFree(c);
    redisFree(other);
    return 0;
}
