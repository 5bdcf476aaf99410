/* command.h -- a command is one row, one function, one test.
 *
 * The row holds all that is known before a command runs: dispatch's checks, COMMAND and its relatives,
 * ACL, docs/commands.md and the tests' coverage list are derived from it. The function parses its
 * arguments, calls the store, replies, and returns a code: it knows no client, no socket, no encoding
 * and no error text. Changes are told by the store; what the write log gets is the request itself, or
 * what the row's `journal` function makes of it.
 *
 *     static enum err run_getdel(struct call *c)
 *     {
 *         ...
 *     }
 *
 *     { .name = "getdel", .run = run_getdel, .arity = 2, .flags = CMD_WRITE | CMD_FAST,
 *       .keys = { KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE) }, .acl = ACL_STRING,
 *       .group = GROUP_STRING, .journal = journal_as_del, .since = "6.2.0", .complexity = "O(1)",
 *       .summary = "Returns a string and removes its key.",
 *       .args = ARGS(ARG_KEY("key")),
 *       .example = "SET a 1 | GETDEL a => $1\r\n1\r\n" }, */
#ifndef MEMD_COMMANDS_COMMAND_H
#define MEMD_COMMANDS_COMMAND_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ensure.h"
#include "protocol/reply.h"
#include "storage/db.h"
#include "storage/store.h"

/* --- the row -------------------------------------------------------------------------------- */

/* Names as COMMAND INFO prints them. */
#define COMMAND_FLAG_TABLE(X) \
    X(CMD_WRITE, "write", 0) \
    X(CMD_READONLY, "readonly", 1) \
    X(CMD_DENYOOM, "denyoom", 2) \
    X(CMD_ADMIN, "admin", 3) \
    X(CMD_PUBSUB, "pubsub", 4) \
    X(CMD_NOSCRIPT, "noscript", 5) \
    X(CMD_BLOCKING, "blocking", 6) \
    X(CMD_LOADING, "loading", 7) \
    X(CMD_STALE, "stale", 8) \
    X(CMD_SKIP_MONITOR, "skip_monitor", 9) \
    X(CMD_SKIP_SLOWLOG, "skip_slowlog", 10) \
    X(CMD_FAST, "fast", 11) \
    X(CMD_NO_AUTH, "no_auth", 12) \
    X(CMD_MAY_REPLICATE, "may_replicate", 13) \
    X(CMD_MOVABLE_KEYS, "movablekeys", 14) \
    X(CMD_NO_MULTI, "no_multi", 15) \
    X(CMD_ALLOW_BUSY, "allow_busy", 16) \
    X(CMD_NO_ASYNC_LOADING, "no_async_loading", 17) \
    X(CMD_NO_MANDATORY_KEYS, "no_mandatory_keys", 18) \
    X(CMD_PROTECTED, "protected", 19) \
    X(CMD_TOUCHES_ARBITRARY_KEYS, "touches_arbitrary_keys", 20) \
    X(CMD_ASKING, "asking", 21)

enum command_flag {
#define COMMAND_FLAG(code, name, bit) code = 1 << bit,
    COMMAND_FLAG_TABLE(COMMAND_FLAG)
#undef COMMAND_FLAG
    /* Ours alone, never printed: */
    CMD_SYSTEM = 1 << 27,         /* COMMAND DOCS says that people have no use for it ("syscmd") */
    CMD_NO_MULTI_QUEUE = 1 << 28, /* runs at once within MULTI (QUIT, RESET) */
    CMD_IN_PUBSUB = 1 << 29       /* a RESP2 subscriber may send it */
};

/* Write, read, admin, fast, slow, dangerous ... categories follow from the flags as in Redis
 * (command_categories); a row names the rest. */
#define ACL_TABLE(X) \
    X(ACL_KEYSPACE, "keyspace", 0) \
    X(ACL_READ, "read", 1) \
    X(ACL_WRITE, "write", 2) \
    X(ACL_SET, "set", 3) \
    X(ACL_SORTEDSET, "sortedset", 4) \
    X(ACL_LIST, "list", 5) \
    X(ACL_HASH, "hash", 6) \
    X(ACL_STRING, "string", 7) \
    X(ACL_BITMAP, "bitmap", 8) \
    X(ACL_HYPERLOGLOG, "hyperloglog", 9) \
    X(ACL_GEO, "geo", 10) \
    X(ACL_STREAM, "stream", 11) \
    X(ACL_PUBSUB, "pubsub", 12) \
    X(ACL_ADMIN, "admin", 13) \
    X(ACL_FAST, "fast", 14) \
    X(ACL_SLOW, "slow", 15) \
    X(ACL_BLOCKING, "blocking", 16) \
    X(ACL_DANGEROUS, "dangerous", 17) \
    X(ACL_CONNECTION, "connection", 18) \
    X(ACL_TRANSACTION, "transaction", 19) \
    X(ACL_SCRIPTING, "scripting", 20) \
    X(ACL_ARCHIVE, "archive", 21) \
    X(ACL_JSON, "json", 22) \
    X(ACL_SEARCH, "search", 23)

enum acl_category {
#define ACL_CATEGORY(code, name, bit) code = 1 << bit,
    ACL_TABLE(ACL_CATEGORY)
#undef ACL_CATEGORY
};

#define GROUP_TABLE(X) \
    X(GROUP_GENERIC, "generic") X(GROUP_STRING, "string") X(GROUP_LIST, "list") X(GROUP_SET, "set") \
    X(GROUP_SORTED_SET, "sorted-set") X(GROUP_HASH, "hash") X(GROUP_PUBSUB, "pubsub") \
    X(GROUP_TRANSACTIONS, "transactions") X(GROUP_CONNECTION, "connection") X(GROUP_SERVER, "server") \
    X(GROUP_SCRIPTING, "scripting") X(GROUP_HYPERLOGLOG, "hyperloglog") X(GROUP_CLUSTER, "cluster") \
    X(GROUP_GEO, "geo") X(GROUP_STREAM, "stream") X(GROUP_BITMAP, "bitmap") X(GROUP_ARCHIVE, "archive") \
    X(GROUP_JSON, "json") X(GROUP_SEARCH, "search") X(GROUP_SUGGESTION, "suggestion") X(GROUP_VECTOR_SET, "vector_set")

enum command_group {
#define GROUP_CODE(code, name) code,
    GROUP_TABLE(GROUP_CODE)
#undef GROUP_CODE
};

/* Flags of a key specification, as COMMAND INFO prints them. */
enum key_flag {
    KEY_RO = 1, KEY_RW = 2, KEY_OW = 4, KEY_RM = 8,
    KEY_ACCESS = 16, KEY_UPDATE = 32, KEY_INSERT = 64, KEY_DELETE = 128,
    KEY_NOT_KEY = 256, KEY_INCOMPLETE = 512, KEY_VARIABLE_FLAGS = 1024
};

/* Where keys stand among the arguments (argv[0] is the command). flags == 0 ends the list. */
struct key_spec {
    uint16_t flags;
    int8_t first;         /* index of the first key; for KEYS_COUNTED the index of numkeys; 0: no
                             rule says where (KEYS_UNKNOWN), the row's more_keys may */
    int8_t last;          /* relative to first; -1 the last argument, -2 the one before ...; 0 one key */
    int8_t step;
    bool counted;         /* argv[first] holds the number of keys, which follow it */
    const char *keyword;  /* begin_search by keyword (e.g. STREAMS, from argument `first` on, or from that
                             many before the end backwards), else NULL */
    int8_t limit;         /* with last == -1: divide the rest by it (XREAD: 2) */
    bool not_empty;       /* an empty argument there is no key (MIGRATE) */
};
#define KEY_AT(i, f) { .flags = (f), .first = (i), .last = 0, .step = 1 }
#define KEYS_FROM(i, l, s, f) { .flags = (f), .first = (i), .last = (l), .step = (s) }
#define KEYS_COUNTED(i, f) { .flags = (f), .first = (i), .last = 0, .step = 1, .counted = true }
#define KEYS_UNKNOWN(f) { .flags = (f), .step = 1 }
enum { COMMAND_KEY_SPECS = 4 };

/* An argument, for COMMAND DOCS. A table of them ends with a zeroed one. */
enum arg_type {
    ARG_T_STRING, ARG_T_INTEGER, ARG_T_DOUBLE, ARG_T_KEY, ARG_T_PATTERN, ARG_T_UNIX_TIME,
    ARG_T_PURE_TOKEN, ARG_T_ONEOF, ARG_T_BLOCK
};
enum arg_flag { ARG_OPTIONAL = 1, ARG_MULTIPLE = 2, ARG_MULTIPLE_TOKEN = 4 };
struct command_arg {
    const char *name;
    enum arg_type type;
    const char *token; /* NULL: none */
    unsigned flags;
    const char *since;
    const struct command_arg *subs; /* ONEOF and BLOCK */
    int8_t key_spec;   /* ARG_T_KEY: index of its key spec; others: of one but the first, or 0 */
    const char *display; /* how a line of usage names it; NULL: by its name */
    const char *deprecated_since;
};
#define ARGS(...) (const struct command_arg[]){ __VA_ARGS__, { 0 } }
#define ARG_KEY(n) { .name = (n), .type = ARG_T_KEY }

/* A row's lists of tips and of history. */
#define TIPS(...) (const char *const[]){ __VA_ARGS__, NULL }
#define HISTORY(...) (const char *const[]){ __VA_ARGS__, NULL }

struct call;
struct journal;
struct key_ref;

struct command {
    const char *name; /* lower case; a subcommand's own name */
    enum err (*run)(struct call *c); /* NULL for a container with subs */
    /* What run does, by the documents of the call alone (commands/json_docs.h), on any thread. NULL: it cannot go aside. */
    enum err (*aside)(struct call *c);
    int8_t arity; /* counts the command (and subcommand) name; negative: at least */
    uint32_t flags;
    uint32_t acl;
    enum command_group group;
    struct key_spec keys[COMMAND_KEY_SPECS];
    /* With KEY_VARIABLE_FLAGS: the flags of this request's keys, as its options have it. */
    uint16_t (*key_flags)(size_t argc, const struct str *argv);
    /* Keys that no specification finds (SORT's STORE): written to refs[0..max); how many there are. */
    size_t (*more_keys)(size_t argc, const struct str *argv, struct key_ref *refs, size_t max);
    /* Write to the log what this call did, as deterministic commands: called only when it changed
     * something. NULL: the request as it came. */
    void (*journal)(const struct call *c, struct journal *j);
    const struct command *subs; /* rows of subcommands, ended by a zeroed one */
    const char *since, *complexity, *summary;
    const char *deprecated_since, *replaced_by;
    const char *const *history; /* pairs version, text; ended by NULL */
    const struct command_arg *args;
    const char *const *tips;    /* COMMAND TIPS, ended by NULL */
    /* Run by the tests on an empty database: "SET a 1 | GET a => $1\r\n1\r\n". Commands are
     * separated by " | "; what follows " => " is the reply of the last. Arguments are split by
     * blanks, with quotes as in inline requests. Required of every command on keys. */
    const char *example;
};

/* --- a call --------------------------------------------------------------------------------- */

/* What is replied when the time is up: a null, or what the request replies when it may not wait. */
enum null_shape { NULL_BULK, NULL_ARRAY, NULL_ASK_AGAIN };

struct parking;

/* What a handler that wants to wait asks for. */
struct wait {
    const struct str *keys;
    size_t n_keys;
    enum value_type type;
    int64_t timeout_ms; /* from now; 0: for ever */
    enum null_shape on_timeout;
    bool gone_too;      /* run again also when a key is gone or has come to hold another type */
    bool for_sync;      /* run again when more of the log has been synced (WAITAOF) */
    /* The request that runs again, where that is not the one that came: XREAD's "$" means what was last
     * when it came. argv == NULL: as it came. */
    size_t argc;
    const struct str *argv;
    /* Something else than keys is waited for (server/block.h says how). NULL: keys. */
    const struct parking *parking;
    void *parked;
};

struct job;
struct json_docs;

/* What a server does for calls that may wait. */
struct call_host {
    /* KEYS over very many. */
    enum err (*walk_keys)(struct call *c);
    /* A job goes on for a little at once, and then its client is parked: the code to return. Takes it (commands/job.h). */
    enum err (*go_on)(struct call *c, struct job *j);
    /* The job that this request, which runs again, has waited for; NULL: none. It is freed when the wait ends. */
    struct job *(*waited)(const struct call *c);
    /* A handler has returned CALL_ASIDE: let cmd->aside run elsewhere. */
    enum err (*go_aside)(struct call *c);
    /* Has this request been aside? Then *e is what became of it; else false: its handler is to run. NULL: never. */
    bool (*been_aside)(struct call *c, enum err *e);
    struct json_docs *docs; /* this is aside, with these documents; else NULL */
};

struct call {
    const struct command *cmd;
    size_t argc;
    const struct str *argv; /* borrowed; valid while the call runs */
    struct reply *out;
    struct store *store;
    struct db *db;
    struct arena *arena;
    struct str err_arg;  /* stands for %s in the text of the returned code */
    bool may_block;      /* false within MULTI, scripts and while loading */
    bool in_script;      /* a script calls: XREAD and XREADGROUP refuse BLOCK there */
    struct wait wait;    /* filled by call_block */
    /* May the caller read any key, not only those that the request names? NULL: yes. */
    bool (*reads_all_keys)(const struct call *c);
    const struct call_host *host; /* NULL: none, and nothing waits */
    void *note;          /* what the handler leaves for its journal function (from the arena) */
    struct client *client; /* for the commands in server/ alone */
};

static inline struct str call_arg(const struct call *c, size_t i)
{
    return c->argv[i];
}

/* Parse argument i; on failure the code to return (ERR_NOT_INT, ERR_NOT_FLOAT ...). */
enum err MUST_USE call_i64(const struct call *c, size_t i, int64_t *out);
enum err MUST_USE call_double(const struct call *c, size_t i, double *out);

/* As call_i64, and lo <= value <= hi, else `otherwise`. */
enum err MUST_USE call_range(const struct call *c, size_t i, int64_t lo, int64_t hi, enum err otherwise,
                             int64_t *out);

/* True when argument i is there and is `word`, case ignored. */
static inline bool call_is(const struct call *c, size_t i, const char *word)
{
    return i < c->argc && str_is(c->argv[i], word);
}

/* A blocking command's timeout in seconds (fractions allowed) as ms: ERR_TIMEOUT_NOT_FLOAT,
 * ERR_TIMEOUT_NEGATIVE, out of range as Redis says it. */
enum err MUST_USE call_timeout(const struct call *c, size_t i, int64_t *ms);

/* How an expiry option is given: unit of the number and whether it counts from now. */
struct expire_form {
    bool seconds;
    bool relative;
};

/* Argument i as an absolute wall clock ms by form. ERR_NOT_INT, or ERR_EXPIRE_TIME (err_arg set to
 * the command's name) for zero, negative (when positive_only) or overflowing values, as Redis. */
enum err MUST_USE call_expire_at(struct call *c, size_t i, struct expire_form form, bool positive_only,
                                 int64_t *at_ms);

/* Wait until one of n keys holds a value of type, then run again from the start; after timeout_ms reply
 * a null of the given shape. Where waiting is not allowed the null is replied at once. Returns the code
 * for the handler to return. keys point into argv or the arena. With CALL_BLOCKED the handler may still
 * set the other fields of c->wait. */
enum err MUST_USE call_block(struct call *c, const struct str *keys, size_t n, enum value_type type,
                             int64_t timeout_ms, enum null_shape on_timeout);

/* Return e with its %s argument: `return call_fail(c, ERR_ARITY, str_c("get"))`. */
enum err MUST_USE call_fail(struct call *c, enum err e, struct str arg);

/* For a text that is made as it goes, so that no row of ERR_TABLE has it: reply it as an error. The code to
 * return. */
enum err MUST_USE call_fail_text(struct call *c, struct str text);

/* The same for what a lower part has to say: "ERR " and why, which is freed. */
enum err MUST_USE call_fail_why(struct call *c, struct buf *why);

/* Refuse a subcommand for its number of arguments, in Redis's words. The code to return. */
enum err subcommand_syntax(struct call *c);

/* Reply the lines of a HELP, whose first is "NAME <subcommand> ...", and HELP itself at the end. */
void reply_help(struct call *c, const char *const *lines, size_t n);

#define REPLY_HELP(c, lines) reply_help((c), (lines), sizeof(lines) / sizeof *(lines))

/* n values for a reply or the store from the arena. */
#define call_new(c, type, n) ((type *)arena_zalloc((c)->arena, (n), sizeof(type)))

/* --- journal forms -------------------------------------------------------------------------- */

struct journal {
    void (*add)(void *ctx, size_t argc, const struct str *argv);
    void *ctx;
};

static inline void journal_add(struct journal *j, size_t argc, const struct str *argv)
{
    j->add(j->ctx, argc, argv);
}

/* journal_cmd(j, STR("DEL"), key): one command of the given arguments. */
#define journal_cmd(j, ...) \
    journal_add((j), sizeof((struct str[]){ __VA_ARGS__ }) / sizeof(struct str), \
                (const struct str[]){ __VA_ARGS__ })

/* A number as an argument, from the arena. */
struct str call_num(const struct call *c, int64_t v);

/* --- tables ---------------------------------------------------------------------------------- */

/* All tables of commands on keys; each ends with a zeroed row, the list with NULL. */
extern const struct command *const command_tables[];

/* Categories of a row: named ones and those that follow from its flags. */
uint32_t command_categories(const struct command *cmd);

/* Where the one key of such a command stands, whatever its arguments; 0: it may have others, or none. */
static inline size_t command_lone_key(const struct command *cmd)
{
    const struct key_spec *k = &cmd->keys[0];
    bool fixed = k->flags != 0 && !(k->flags & (KEY_NOT_KEY | KEY_VARIABLE_FLAGS)) && k->last == 0 && !k->counted && !k->keyword;

    return fixed && cmd->keys[1].flags == 0 && !cmd->more_keys ? (size_t)k->first : 0;
}

/* The keys of a request: index into argv of each, in order, written to at[0..max); the number found
 * (may exceed max), or -1 when numkeys or the syntax makes no sense. */
struct key_ref {
    uint32_t at;
    uint16_t flags;
};
long command_keys(const struct command *cmd, size_t argc, const struct str *argv, struct key_ref *refs,
                  size_t max);

/* The same, leaving out specifications that make no sense: what may be looked up before the handler has noticed. */
size_t command_keys_found(const struct command *cmd, size_t argc, const struct str *argv, struct key_ref *refs,
                          size_t max);

/* Run one call: arity, handler, error reply. The reply holds exactly one frame (or CALL_BLOCKED came
 * back, and none). Returns OK, CALL_BLOCKED, or the error that was replied. */
enum err call_run(struct call *c);

/* Append the error reply for code e. */
void call_reply_error(struct call *c, enum err e);

/* True when argc suits the row. */
bool command_arity_ok(const struct command *cmd, size_t argc);

#endif
