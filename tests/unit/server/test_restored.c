/* Values that RESTORE has taken although somebody had been at them: payloads of each form of each type, with every byte changed in
 * turn and every end cut off, under a checksum that fits. Each is refused, or is a value that every command of its type can be run
 * on: that answers with one frame, and leaves a store that is sound. */
#include "commands/command.h"
#include "persistence/persist.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_read.h"
#include "storage/db.h"
#include "tests/unit/unit.h"

static const struct hash_key hash_key = { 1, 2 };
static const struct str k = STR("k");

/* What makes a value, and what is run on it: requests of the words between blanks, ended by NULL. */
struct form {
    const char *name;
    enum command_group groups[4]; /* whose commands must all be among the requests; ended by GENERIC */
    const char *const *made_by, *const *asked;
};

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static const char *const on_strings[] = {
    "GET k", "STRLEN k", "GETRANGE k 0 -1", "SUBSTR k 1 3", "MGET k k", "LCS k k IDX", "GETEX k EX 100", "INCR k", "INCRBY k 3",
    "INCRBYFLOAT k 0.5", "DECR k", "DECRBY k 2", "APPEND k xyz", "SETRANGE k 7 abc", "GETSET k 12", "SET k v GET", "SETNX k v",
    "SETEX k 100 v", "PSETEX k 100000 v", "MSET k v", "MSETNX k v k w", "DELIFEQ k v", "DELEX k IFNE v", "GETDEL k", "BITCOUNT k", "BITPOS k 1", "GETBIT k 9",
    "SETBIT k 99 1", "BITFIELD k INCRBY u8 3 9", "BITFIELD_RO k GET i13 1", "BITOP NOT k k", "PFCOUNT k", "PFADD k a b", "PFMERGE k k",
    "PFDEBUG GETREG k", "PFDEBUG DECODE k", "PFDEBUG TODENSE k", NULL
};
static const char *const on_lists[] = {
    "LRANGE k 0 -1", "LLEN k", "LINDEX k -1", "LPOS k 1 COUNT 0", "SORT k ALPHA", "SORT_RO k", "LPUSH k a 1", "RPUSH k b -70000",
    "LPUSHX k c", "RPUSHX k d", "LSET k 0 other", "LINSERT k BEFORE other x", "LREM k 0 x", "LTRIM k 0 -2", "LMOVE k k LEFT RIGHT",
    "RPOPLPUSH k k", "BLMOVE k k LEFT RIGHT 1", "BRPOPLPUSH k k 1", "LPOP k", "RPOP k 2", "LMPOP 1 k LEFT COUNT 2", "BLMPOP 1 1 k RIGHT",
    "BLPOP k 1", "BRPOP k 1", NULL
};
static const char *const on_sets[] = {
    "SMEMBERS k", "SCARD k", "SISMEMBER k 2", "SMISMEMBER k a 2", "SSCAN k 0 COUNT 100", "SRANDMEMBER k 3", "SRANDMEMBER k -9", "SINTER k k",
    "SUNION k k", "SDIFF k k", "SINTERCARD 1 k", "SORT k ALPHA", "SINTERSTORE k k k", "SUNIONSTORE k k", "SADD k new 77", "SREM k a 2",
    "SMOVE k k new", "SPOP k", "SPOP k 2", "SDIFFSTORE k k nokey", NULL
};
static const char *const on_hashes[] = {
    "HGETALL k", "HKEYS k", "HVALS k", "HLEN k", "HGET k f", "HMGET k f g", "HEXISTS k f", "HSTRLEN k f", "HSCAN k 0 COUNT 100",
    "HRANDFIELD k 3 WITHVALUES", "HRANDFIELD k -9", "HTTL k FIELDS 1 f", "HPTTL k FIELDS 1 f", "HEXPIRETIME k FIELDS 1 f",
    "HPEXPIRETIME k FIELDS 1 f", "HSET k f 1 n v", "HSETNX k q 1", "HMSET k f 5", "HINCRBY k n2 3", "HINCRBYFLOAT k n3 1.5",
    "HEXPIRE k 100 FIELDS 1 f", "HPEXPIRE k 100000 FIELDS 1 n", "HEXPIREAT k 4102444800 FIELDS 1 f", "HPEXPIREAT k 4102444800000 FIELDS 1 f",
    "HPERSIST k FIELDS 1 f", "HGETEX k EX 100 FIELDS 1 f", "HSETEX k EX 100 FIELDS 1 g v", "HGETDEL k FIELDS 1 g", "HDEL k f n", NULL
};
static const char *const on_zsets[] = {
    "ZRANGE k 0 -1 WITHSCORES", "ZREVRANGE k 0 -1", "ZRANGEBYSCORE k -inf +inf", "ZREVRANGEBYSCORE k +inf -inf", "ZRANGEBYLEX k - +",
    "ZREVRANGEBYLEX k + -", "ZCARD k", "ZCOUNT k -inf +inf", "ZLEXCOUNT k - +", "ZRANK k b", "ZREVRANK k b", "ZSCORE k b", "ZMSCORE k a b",
    "ZSCAN k 0 COUNT 100", "ZRANDMEMBER k 3 WITHSCORES", "ZRANDMEMBER k -9", "ZINTER 2 k k", "ZUNION 2 k k", "ZDIFF 2 k nokey", "ZINTERCARD 1 k",
    "SORT k ALPHA", "GEOPOS k a b", "GEODIST k a b", "GEOHASH k a b", "GEOSEARCH k FROMLONLAT 1 1 BYRADIUS 22000 km ASC WITHDIST",
    "GEORADIUS k 1 1 22000 km", "GEORADIUS_RO k 1 1 22000 km", "GEORADIUSBYMEMBER k a 22000 km", "GEORADIUSBYMEMBER_RO k a 22000 km",
    "GEOSEARCHSTORE k2 k FROMLONLAT 1 1 BYBOX 9000 9000 km", "ZRANGESTORE k k 0 -1", "ZADD k 1.5 new 7 b", "ZINCRBY k 3 b", "GEOADD k 2 2 p",
    "ZUNIONSTORE k 2 k k", "ZINTERSTORE k 1 k", "ZREM k a new", "ZPOPMIN k", "ZPOPMAX k 2", "ZMPOP 1 k MIN", "BZPOPMIN k 1", "BZPOPMAX k 1",
    "BZMPOP 1 1 k MAX", "ZREMRANGEBYRANK k 0 0", "ZREMRANGEBYLEX k [a [a", "ZREMRANGEBYSCORE k 5 5", "ZDIFFSTORE k 2 k nokey", NULL
};
static const char *const on_streams[] = {
    "XRANGE k - +", "XREVRANGE k + -", "XLEN k", "XREAD STREAMS k 0", "XINFO STREAM k", "XINFO STREAM k FULL COUNT 0", "XINFO GROUPS k",
    "XINFO CONSUMERS k g", "XPENDING k g", "XPENDING k g - + 10", "XPENDING k g IDLE 0 - + 10 c", "XADD k * f v g w", "XADD k MAXLEN 3 * f v",
    "XREADGROUP GROUP g c COUNT 2 STREAMS k >", "XREADGROUP GROUP g d STREAMS k 0", "XCLAIM k g d 0 1-1 2-1", "XCLAIM k g d 0 9-9 FORCE",
    "XAUTOCLAIM k g c 0 0", "XACK k g 1-1 2-1", "XDEL k 1-1", "XTRIM k MAXLEN 1", "XTRIM k MINID ~ 2-1", "XSETID k 99999999999999-1", "XGROUP CREATECONSUMER k g x",
    "XGROUP DELCONSUMER k g c", "XGROUP SETID k g 0", "XGROUP CREATE k h $", "XREADGROUP GROUP h c STREAMS k >", "XGROUP DESTROY k g", NULL
};
static const char *const on_vsets[] = {
    "VCARD k", "VDIM k", "VINFO k", "VISMEMBER k a", "VEMB k a", "VEMB k b RAW", "VGETATTR k a", "VLINKS k a WITHSCORES", "VRANDMEMBER k 3",
    "VRANDMEMBER k -9", "VRANGE k - +", "VSIM k ELE b COUNT 3 WITHSCORES WITHATTRIBS", "VSIM k VALUES 2 1 2 TRUTH", "VSETATTR k b {\"n\":2}",
    "VADD k VALUES 2 3 -1 new", "VADD k VALUES 2 1 1 a", "VREM k b", "VREM k new", "VSIM k ELE a", NULL
};
static const char *const on_keys[] = {
    "TYPE k", "EXISTS k k", "TTL k", "PTTL k", "EXPIRETIME k", "PEXPIRETIME k", "TOUCH k", "OBJECT ENCODING k", "OBJECT IDLETIME k",
    "OBJECT REFCOUNT k", "RANDOMKEY", "KEYS *", "SCAN 0 MATCH * COUNT 10", "DBSIZE", "PERSIST k", "EXPIRE k 100", "PEXPIRE k 100000",
    "EXPIREAT k 4102444800", "PEXPIREAT k 4102444800000", "COPY k k3 REPLACE", "RENAME k k4", "RENAMENX k4 k", "MOVE k3 1", "UNLINK k3", "DEL k4 k", NULL
};

static const struct form forms[] = {
    { "string", { GROUP_STRING, GROUP_BITMAP, GROUP_HYPERLOGLOG }, WORDS("SET k Hello,_world"), on_strings },
    { "int", { GROUP_STRING }, WORDS("SET k 1234567"), on_strings },
    { "hll", { GROUP_STRING }, WORDS("PFADD k a b c d e f g"), on_strings },
    { "list", { GROUP_LIST }, WORDS("RPUSH k a 12 -70000 longer_than_that"), on_lists },
    { "nodes", { GROUP_LIST }, WORDS("RPUSH k a b c d e f 1 2 3 400 50000 6000000 7000000000 x y z"), on_lists },
    { "intset", { GROUP_SET }, WORDS("SADD k 1 2 70000 8589934592"), on_sets },
    { "setpack", { GROUP_SET }, WORDS("SADD k a 2 ccc"), on_sets },
    { "set", { GROUP_SET }, WORDS("SADD k a 2 ccc dddd e f g h i"), on_sets },
    { "hashpack", { GROUP_HASH }, WORDS("HSET k f 1 g text"), on_hashes },
    { "hash", { GROUP_HASH }, WORDS("HSET k f 1 g text h 3 i 4 j 5 k 6"), on_hashes },
    { "fieldpack", { GROUP_HASH }, WORDS("HSET k f 1 g text", "HPEXPIRE k 100000 FIELDS 1 f"), on_hashes },
    { "fields", { GROUP_HASH }, WORDS("HSET k f 1 g text h 3 i 4 j 5 k 6", "HPEXPIRE k 100000 FIELDS 2 f g"), on_hashes },
    { "zsetpack", { GROUP_SORTED_SET, GROUP_GEO }, WORDS("ZADD k 1 a 2.5 b -3e10 c"), on_zsets },
    { "zset", { GROUP_SORTED_SET }, WORDS("ZADD k 1 a 2.5 b -3e10 c 4 d 5 e 6 f"), on_zsets },
    { "geo", { GROUP_SORTED_SET }, WORDS("GEOADD k 13.361389 38.115556 a 15.087269 37.502669 b"), on_zsets },
    { "stream", { GROUP_STREAM }, WORDS("XADD k 1-1 f v g w", "XADD k 2-1 f x g y", "XADD k 3-1 other field"), on_streams },
    { "group", { GROUP_STREAM },
      WORDS("XADD k 1-1 f v", "XADD k 2-1 f x", "XADD k 3-1 f y", "XDEL k 2-1", "XGROUP CREATE k g 0", "XREADGROUP GROUP g c STREAMS k >", "XACK k g 3-1"),
      on_streams },
    { "vset", { GROUP_VECTOR_SET }, WORDS("VADD k VALUES 2 1 2 a SETATTR {\"n\":1}", "VADD k VALUES 2 2 1 b", "VADD k VALUES 2 -1 1 c"), on_vsets },
};
enum { N_FORMS = sizeof forms / sizeof *forms };

/* --- a store to do it in ----------------------------------------------------------------------------------------- */

static struct store *s;
static struct arena arena;
static struct buf out;

static void set_up(void)
{
    struct store_conf conf = {
        .databases = 2, .maxmemory_samples = 5, .lfu_log_factor = 10, .lfu_decay_time = 1, .list_max_listpack_size = 4,
        .hash_max_listpack_entries = 4, .hash_max_listpack_value = 16, .set_max_intset_entries = 4, .set_max_listpack_entries = 4,
        .set_max_listpack_value = 16, .zset_max_listpack_entries = 4, .zset_max_listpack_value = 16, .string_limit = 1u << 20,
        .hll_sparse_max_bytes = 3000, .stream_node_max_bytes = 256, .stream_node_max_entries = 2,
    };

    s = store_new(&conf, &hash_key, 42);
    s->now_ms = 1790000000000;
    arena_init(&arena);
}

static void tear_down(void)
{
    store_free(&s);
    arena_fini(&arena);
    buf_fini(&out);
}

static const struct command *row_of(const struct command *table, struct str name)
{
    for (; table && table->name; table++) {
        if (str_is(name, table->name)) return table;
    }
    return NULL;
}

static const struct command *row_named(struct str name)
{
    const struct command *row = NULL;

    for (int t = 0; command_tables[t] && row == NULL; t++) row = row_of(command_tables[t], name);
    return row;
}

/* The end of the frame at p; NULL when it is none. */
static const char *frame_end(const char *p, const char *end)
{
    const char *eol = p && p < end ? memchr(p, '\r', (size_t)(end - p)) : NULL;
    long long n;

    if (eol == NULL || end - eol < 2 || eol[1] != '\n') return NULL;
    n = strtoll(p + 1, NULL, 10);
    if (*p == '$') return n < 0 ? eol + 2 : end - eol >= n + 4 ? eol + 4 + n : NULL;
    if (*p != '*') return strchr("+-:", *p) ? eol + 2 : NULL;
    for (p = eol + 2; n > 0 && p; n--) p = frame_end(p, end);
    return p;
}

static void run(const char *request)
{
    struct str argv[24];
    size_t argc = 0;
    struct reply reply = { &out, 2 };
    struct call c = { .argv = argv, .out = &reply, .store = s, .db = s->dbs[0], .arena = &arena };

    for (const char *p = request, *end; *p; p = end + (*end == ' ')) {
        end = strchrnul(p, ' ');
        argv[argc++] = str_of(p, (size_t)(end - p));
    }
    c.argc = argc;
    c.cmd = row_named(argv[0]);
    if (c.cmd && c.cmd->subs) c.cmd = row_of(c.cmd->subs, argv[1]);
    ck_assert_msg(c.cmd, "no such command: %s", request);
    buf_clear(&out);
    ck_assert_msg(call_run(&c) != CALL_BLOCKED, "%s", request);
    ck_assert_msg(frame_end(out.p, out.p + out.n) == out.p + out.n, "%s: %.*s", request, (int)out.n, out.p);
    arena_reset(&arena);
}

static void empty(void)
{
    for (int i = 0; i < s->conf.databases; i++) store_flush(s, i);
}

static void payload_of(const struct form *f, struct buf *payload)
{
    empty();
    for (const char *const *line = f->made_by; *line; line++) run(*line);
    persist_dump(s, db_peek(s->dbs[0], k), payload);
    payload->n -= 10; /* without version and checksum */
}

/* --- what is restored ---------------------------------------------------------------------------------------------- */

/* The value under the key; false: refused. In memory of just its size, so that a sanitizer sees a byte too many. */
static bool restore(struct str value)
{
    struct buf b = { 0 };
    struct entry *e = NULL;
    struct slot slot;
    char *copy;
    enum err err;

    empty();
    buf_add_str(&b, value);
    rdb_payload_end(&b, 0, RDB_VERSION_READ);
    copy = mem_dup(b.p, b.n);
    err = persist_restore(s, k, str_of(copy, b.n), -1, &e);
    mem_free(copy);
    buf_fini(&b);
    ck_assert(err == OK || err == ERR_FORMAT || err == ERR_NOT_DONE);
    if (err != OK || e == NULL) return false;
    ck_assert(!db_find_write(s->dbs[0], k, &slot));
    db_add(&slot, e);
    store_check(s);
    return true;
}

/* The requests of the value's own type: damage may have made it another. */
static const char *const *asked_of(const struct entry *e)
{
    switch (entry_type(e)) {
    case VALUE_LIST: return on_lists;
    case VALUE_SET: return on_sets;
    case VALUE_HASH: return on_hashes;
    case VALUE_ZSET: return on_zsets;
    case VALUE_STREAM: return on_streams;
    default: return on_strings;
    }
}

/* All of them, one behind the other, beginning with another one each time: so each finds the value as it came. */
static void ask(struct str value, size_t first)
{
    const char *const *asked;
    size_t n = 0;

    if (!restore(value)) return;
    asked = asked_of(db_peek(s->dbs[0], k));
    while (asked[n]) n++;
    for (size_t i = 0; i < n; i++) {
        run(asked[(first + i) % n]);
        store_check(s);
    }
    if (!restore(value)) ck_abort_msg("taken once and then refused");
    for (const char *const *line = on_keys; *line; line++) run(*line);
    store_check(s);
}

START_TEST(every_form_can_be_worked_on)
{
    for (int i = 0; i < N_FORMS; i++) {
        struct buf payload = { 0 };

        payload_of(&forms[i], &payload);
        ck_assert_msg(restore(buf_str(&payload)), "%s", forms[i].name);
        for (size_t n = 0; forms[i].asked[n]; n++) ask(buf_str(&payload), n);
        buf_fini(&payload);
    }
}
END_TEST

/* With another bit, with its complement, at the ends of what a byte can say, and one more or less. */
static void change_byte(struct buf *payload, size_t at, size_t *turn)
{
    static const uint8_t values[] = { 0x00, 0x7f, 0x80, 0xff, 0xf0, 0xc3 };
    uint8_t was = (uint8_t)payload->p[at];

    for (int i = 0; i < 17; i++) {
        uint8_t now = i < 8 ? was ^ (uint8_t)(1 << i) : i < 14 ? values[i - 8] : i == 14 ? (uint8_t)~was : (uint8_t)(was + i * 2 - 31);
        if (now == was) continue;
        payload->p[at] = (char)now;
        ask(buf_str(payload), (*turn)++);
    }
    payload->p[at] = (char)was;
}

START_TEST(whatever_byte_has_changed_it_is_refused_or_can_be_worked_on)
{
    struct buf payload = { 0 };
    size_t turn = 0;

    payload_of(&forms[_i], &payload);
    for (size_t at = 0; at < payload.n; at++) change_byte(&payload, at, &turn);
    buf_fini(&payload);
}
END_TEST

START_TEST(whatever_is_missing_or_too_much_it_is_refused_or_can_be_worked_on)
{
    struct buf payload = { 0 };

    payload_of(&forms[_i], &payload);
    for (size_t n = 0; n < payload.n; n++) ask(str_of(payload.p, n), n);
    for (size_t n = 1; n < payload.n; n++) { /* one byte taken out of the middle; one said twice */
        struct buf other = { 0 };

        buf_add(&other, payload.p, n);
        buf_add(&other, payload.p + n + 1, payload.n - n - 1);
        ask(buf_str(&other), n);
        buf_clear(&other);
        buf_add(&other, payload.p, n);
        buf_add(&other, payload.p + n - 1, payload.n - n + 1);
        ask(buf_str(&other), n);
        buf_fini(&other);
    }
    buf_fini(&payload);
}
END_TEST

/* --- nothing is forgotten -------------------------------------------------------------------------------------------- */

static bool is_asked(const struct command *row, const struct command *sub, const char *const *asked)
{
    for (; *asked; asked++) {
        size_t n = strlen(row->name);

        if (strncasecmp(*asked, row->name, n) != 0 || (*asked)[n] != ' ') continue;
        if (sub == NULL || strncasecmp(*asked + n + 1, sub->name, strlen(sub->name)) == 0) return true;
    }
    return false;
}

static bool has_key(const struct command *row)
{
    return row->keys[0].flags != 0 && !(row->keys[0].flags & KEY_NOT_KEY);
}

START_TEST(every_command_of_each_type_is_among_the_requests)
{
    for (int i = 0; i < N_FORMS; i++) {
        for (int g = 0; forms[i].groups[g] != GROUP_GENERIC; g++) {
            for (int t = 0; command_tables[t]; t++) {
                for (const struct command *c = command_tables[t]; c->name; c++) {
                    if (c->group != forms[i].groups[g]) continue;
                    if (c->run && has_key(c)) ck_assert_msg(is_asked(c, NULL, forms[i].asked), "%s", c->name);
                    for (const struct command *sub = c->subs; sub && sub->name; sub++) {
                        if (has_key(sub)) ck_assert_msg(is_asked(c, sub, forms[i].asked), "%s %s", c->name, sub->name);
                    }
                }
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("restored");
    TCase *tcase = tcase_create("restored");
    SRunner *runner = srunner_create(suite);
    int failed;

    mem_init();
    tcase_set_timeout(tcase, UNIT_TIMEOUT_S);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_form_can_be_worked_on);
    tcase_add_test(tcase, every_command_of_each_type_is_among_the_requests);
    tcase_add_loop_test(tcase, whatever_byte_has_changed_it_is_refused_or_can_be_worked_on, 0, N_FORMS);
    tcase_add_loop_test(tcase, whatever_is_missing_or_too_much_it_is_refused_or_can_be_worked_on, 0, N_FORMS);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
