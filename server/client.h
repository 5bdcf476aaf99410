/* client.h -- one connection.
 *
 * An idle connection owns this struct and nothing else: its buffers are taken from the server's
 * spare ones when bytes arrive and given back when they are used up. A client is freed only at the end
 * of a turn (client_close marks it), so no pointer to one goes stale within a call.
 *
 * Closing takes a client out of every list and drops what it waits for. Only the loop may do that at
 * once; whatever runs within a call (a message to a slow reader, say) asks for it by client_close_soon,
 * so that nobody who walks a list of clients loses his place. */
#ifndef MEMD_SERVER_CLIENT_H
#define MEMD_SERVER_CLIENT_H

#include "protocol/resp.h"
#include "server/address.h"
#include "server/request.h"
#include "server/server.h"

enum client_flag {
    CLIENT_CLOSED = 1 << 0,        /* in doomed */
    CLIENT_CLOSE_AFTER = 1 << 1,   /* close when the replies are out */
    CLIENT_MULTI = 1 << 2,
    CLIENT_DIRTY_EXEC = 1 << 3,    /* a queued command was refused */
    CLIENT_DIRTY_CAS = 1 << 4,     /* a watched key changed */
    CLIENT_BLOCKED = 1 << 5,
    CLIENT_MONITOR = 1 << 6,
    CLIENT_UNIX = 1 << 7,
    CLIENT_NO_EVICT = 1 << 8,
    CLIENT_NO_TOUCH = 1 << 9,
    CLIENT_REPLY_OFF = 1 << 10,
    CLIENT_REPLY_SKIP_NEXT = 1 << 11,
    CLIENT_REPLY_SKIP = 1 << 12,
    CLIENT_PAUSED = 1 << 13,
    CLIENT_LOADER = 1 << 14,       /* not a connection: replays the log */
    CLIENT_WRITE_ARMED = 1 << 15,  /* the socket was full */
    CLIENT_UNHEARD = 1 << 16,      /* nothing more is read of it: it waits for its password (guess.h) */
    CLIENT_CLOSE_SOON = 1 << 17,   /* in closing: takes no more messages */
    CLIENT_UNRESTRICTED = 1 << 20, /* its user may do everything: no need to ask (acl.h) */
    CLIENT_EOF = 1 << 18,          /* the peer sends no more: what it has sent is answered, then it goes */
    CLIENT_BUSY = 1 << 25,         /* its script runs while others are heard */
    CLIENT_UNREAD = 1 << 26,       /* does not take its replies: its requests wait (client_hold_unread) */
    CLIENT_SCRIPT = 1 << 19,       /* not a connection: stands for a script in what it calls */
};

enum client_class { CLASS_NORMAL, CLASS_REPLICA, CLASS_PUBSUB, CLIENT_CLASSES };

/* What a client has said about the snapshot that it is going to ask for. */
enum sync_want {
    SYNC_EOF = 1,       /* it can take one that ends with a mark */
    SYNC_RDB_ONLY = 2,  /* a snapshot, and nothing after it */
    SYNC_FILTERED = 4,  /* no keys ... */
    SYNC_FUNCTIONS = 8, /* ... but the functions */
};

/* Replies up to byte `end` of what waits may leave when the log is durable up to `offset`; while the log
 * fails: up to `certain` (gate.h); and when it is synced up to `synced`. */
struct reply_gate {
    size_t end;
    uint64_t offset, certain, synced;
};
enum { CLIENT_GATES = 4 };

struct client {
    uint32_t magic;
    uint32_t flags;
    uint64_t id;
    int fd;
    int resp;
    struct server *server;
    struct tls_conn *tls;   /* NULL: it speaks in the clear */
    struct event on_read;
    struct event *on_write; /* made at the first full socket */
    struct link all, in_readable, in_writable, in_doomed, in_gated, in_paused, in_crowd;

    struct buf in;
    size_t in_at;          /* parsed up to here */
    size_t in_want;        /* bytes known to be missing */
    bool in_short;         /* the parser has seen all of it and needs more */
    struct resp_parser parser;
    struct buf out;        /* replies, as they are written */
    struct output_part *parts, *last_part; /* what waits before them (client_buffers.c); NULL: nothing */
    size_t n_parts, parts_n, parts_cap;
    size_t out_at;         /* sent up to here: of the first part, or of out */
    unsigned served;       /* of its share of a turn (batch.c) */
    bool told;             /* it is in server->told */
    int64_t greedy_us;     /* when it last used up a share; 0: not lately */
    int64_t long_us;       /* when it last sent several requests that are long; ... */
    bool often_long;       /* ... and that was a moment after the last time */
    int64_t held_us;       /* since then its replies wait to become more (sending.c); 0: they do not */
    struct reply_gate gates[CLIENT_GATES];
    int n_gates;
    uint64_t sees;         /* replies since the last gate have seen keys written up to there */
    bool sees_all;         /* or anything */
    bool wrote;            /* the request that runs has changed something */
    uint64_t written;      /* the log's offset behind its last change that is to be waited for */
    uint64_t sync_written; /* behind its last one that is to be synced whatever appendfsync says; 0: passed */
    uint64_t last_write;   /* behind its last one at all */
    struct reply reply;

    int db;
    struct acl_user *user;
    bool authenticated;    /* or there was no need to */
    bool counted;          /* among its user's connections (user_limit.h) */
    bool known;            /* it has authenticated once (stranger.h) */
    uint8_t n_asked;       /* requests before that */
    struct command_ref *last_cmd;
    int64_t created_ms, active_ms; /* monotonic */
    int64_t stranger_since_ms;     /* the same */
    int64_t soft_limit_since_ms;   /* output over its soft limit; 0: not */
    uint64_t net_in, net_out, n_commands;
    char *name, *lib_name, *lib_ver; /* NULL: none */
    struct address from;
    char *peer, *local;          /* "ip:port" or the unix path; made when first asked */
    size_t memory;               /* its part of server->client_memory */
    struct link in_size;         /* server->by_size[size] */
    uint8_t size;                /* 0: it is small, or not to be evicted */
    int64_t big_since_ms;        /* that is large; 0: not */
    bool one_reply;              /* what waits to be sent, if it is large, is one reply, not of a transaction */

    struct multi *multi;         /* NULL: no MULTI, nothing watched */
    struct blocked *blocked;     /* NULL: not waiting */
    struct subscriptions *subs;  /* NULL: none */
    uint8_t sync_wants;          /* enum sync_want: what REPLCONF said */
    struct transfer *transfer;   /* NULL: it is sent no snapshot */
    struct tracking *tracking;   /* NULL: it does not track what it reads */
    struct link in_monitors, in_strangers;
};

enum { CLIENT_MAGIC = 0x6d656d63 };

/* What takes less is small: a client that asks and is answered, with buffers of the usual size. */
enum { CLIENT_SMALL = 72 * 1024 };

/* A connection on fd (non-blocking already), registered with the loop. */
struct client *client_new(struct server *s, int fd, const struct address *from, bool is_unix);

/* A client without a connection, which takes requests from the log. Its replies are dropped. */
struct client *client_new_loader(struct server *s);
void client_free_loader(struct server *s);

/* The same for a script. */
struct client *client_new_script(struct server *s);
void client_free_script(struct client **c);

/* Close c: its fd is closed now, the struct freed at the end of the turn. For the loop, and for commands
 * about other clients. */
void client_close(struct client *c);

/* Close c when the call that runs is over. */
void client_close_soon(struct client *c);

/* Close when what was replied so far is out. */
void client_close_after(struct client *c);

/* Close those of client_close_soon. */
void clients_close_due(struct server *s);

/* Free the closed ones. */
void clients_reap(struct server *s);

/* Close the largest clients, while all together use more than maxmemory-clients. And while memory is near
 * maxmemory: those that take or send nothing when clients have more than an eighth of it, those with many replies or
 * requests waiting when they have more than half (or, where no key may go, more than keys leave), and any when they have all of
 * it. Each time a few. True: more of the first have to go, in the next turn. */
bool clients_evict(struct server *s);

/* Before a request of c is refused for memory: the same, and not only a few, once a turn and not for one who has much himself, since
 * what the others have may have grown within this turn. c stays. Not for scripts, whose caller is among the others. False: nothing
 * was tried. */
bool clients_make_way(struct client *c);

/* The replies to c have become many (more than CLIENT_BIG bytes) within a batch: send what goes, and see to the limits. */
enum { CLIENT_BIG = 1 << 20 };
void client_check_big(struct client *c);

/* The same within a transaction, whose replies leave when it is over: who is past a limit is closed then, and
 * what is replied to him from now on takes no memory. */
void client_check_reply(struct client *c);

/* Free buffers that have been to spare for a while: called from time to time. */
void clients_trim_spare(struct server *s);

/* Free all spare buffers, 4 MB at most: when memory is short, and by MEMORY PURGE. */
void clients_drop_spare(struct server *s);

/* NULL: no such client. */
struct client *client_by_id(struct server *s, uint64_t id);

/* c has replies to send: queue it for this turn's write step. */
void client_wants_write(struct client *c);

/* Is c one who asks for much at once, and goes on with that in the next turns? */
static inline bool client_goes_on(const struct client *c)
{
    return c->greedy_us != 0 && !link_alone(&c->in_readable);
}

/* Its socket is full: be called when it takes bytes again, and go on then. */
void client_arm_write(struct client *c);

/* Send of what may leave as much as one flush may; if that is not all, the next turn sends more. */
void client_flush(struct client *c);

/* Bytes of replies that wait to be sent; where they end, counted as out_at is; and what they take. */
static inline size_t client_output_end(const struct client *c)
{
    return c->parts_n + c->out.n;
}
static inline size_t client_unsent(const struct client *c)
{
    return client_output_end(c) - c->out_at;
}
static inline size_t client_output_memory(const struct client *c)
{
    return c->parts_cap + c->out.cap;
}

/* c does not take its replies, if more than CLIENT_BIG bytes of them wait: then no more are made for it, its requests
 * wait in its buffer until half of that is gone. One that goes on sending all the same may be one that reads only when
 * everything is sent: beyond CLIENT_UNREAD_IN bytes its requests run. One whose output has a limit is not held: it is to be
 * closed when it reaches that, as it was asked for. */
enum { CLIENT_UNREAD_IN = 256 * 1024 };
void client_hold_unread(struct client *c);
void client_unhold(struct client *c);

/* Forget what waits to be sent, at once. c is closed. */
void client_drop_output(struct client *c);

/* c is being freed. */
void client_free_buffers(struct client *c);

/* There are bytes left to parse: queue it for the next turn. */
void client_wants_parse(struct client *c);

/* Room to receive into, at least what is known to be missing of a request. NULL: there is no memory for so much. */
char *client_input_room(struct client *c, size_t *n);

/* What little c has sent will lie here for a while: it moves to a buffer of its size. Otherwise thousands who ask at once
 * (more may be read than are run), or who do not go on in a request, would take memory from the keys: a read has room
 * for 32 KiB. */
void client_fit_input(struct client *c);

/* Drop the input that was parsed; gives the buffer back when nothing is left. No argument of a parsed
 * request may be used after. */
void client_used_input(struct client *c);

/* Have a buffer for replies. */
void client_take_buffers(struct client *c);

/* Enforce the output limits of its class: client_close_soon when it is over, or when there was no memory for a reply. */
void client_check_output(struct client *c);

/* Count the buffers of c in server->client_memory. */
void client_count_memory(struct client *c);
size_t client_memory(const struct client *c);

/* What is counted of all clients is the sum over them: their number, their memory, who waits and who looks on. */
void clients_check(const struct server *s);

enum client_class client_class(const struct client *c);

/* True while a password is needed and c has not given it. */
bool client_needs_auth(const struct client *c);

/* Back to the state of a new connection (RESET). */
void client_reset(struct client *c);

/* One line of CLIENT LIST. */
void client_describe(struct client *c, struct buf *out);
const char *client_peer(struct client *c);
const char *client_local(struct client *c);

/* True for a connection from this machine. */
bool client_is_local(struct client *c);

/* Bytes of a reply that are ready, behind what c has: a large buffer is taken as it is. *b is empty after. Not within a request. */
void client_take_output(struct client *c, struct buf *b);

/* Begin and end a message that is not the reply to a request (pub/sub, monitor). NULL: c is about to be
 * closed and gets no more. */
struct reply *client_push_begin(struct client *c);
void client_push_end(struct client *c);

/* Set one of its names; NULL or empty removes it. */
void client_set_text(char **field, struct str text);

struct db *client_db(const struct client *c);

#endif
