/* server.h -- the daemon's state: one struct, owned by the reactor thread.
 *
 * Everything that lives as long as the process is here and is passed down; nothing is global. The
 * parts are told apart by file:
 *   server.c    building it from its settings, and taking it down (server_conf.c: settings put to work)
 *   loop.c      the turn: read, execute, write; loop_open.c: timers, signals
 *   between.c   what goes on in slices between turns
 *   batch.c     parsing requests and running them, many at a time
 *   listen.c    listening sockets, accepting
 *   client.c    a connection: life (client_buffers.c: bytes in and out, client_limit.c: limits, client_words.c:
 *               CLIENT LIST)
 *   dispatch.c  from a request to its handler: checks, log, statistics (dispatch_change.c: what follows from a change)
 *   multi.c     MULTI, WATCH      block.c  waiting for keys      pubsub.c  channels
 *   and files of commands about clients and the server: *_cmd.c */
#ifndef MEMD_SERVER_SERVER_H
#define MEMD_SERVER_SERVER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/wall.h"
#include "commands/command.h"
#include "conf/conf.h"
#include "persistence/persist.h"
#include "server/between.h"
#include "server/registry.h"

#define MEMD_VERSION "0.1.0"
#define MEMD_RELEASED "2026-11-21" /* the date that its manual pages bear */
/* What clients are told in redis_version: the surface that memd speaks. */
#define MEMD_REDIS_VERSION "7.2.0"

struct archive;
struct archive_job;
struct client;
struct command_ref;
struct departing;
struct ft;
struct functions;
struct ft_cursors;
struct guesses;
struct script_run;
struct scripts;
struct setting;
struct key_check;
struct keysizes;
struct lazy;
struct slowlog;
struct latency;
struct listener;
struct metrics;
struct namespacing;
struct title;
struct tracking_table;
struct acl;
struct archive;
struct inheritance;
struct recalls;
struct origin;
struct privilege;
struct supervise;

/* Counters of INFO stats; CONFIG RESETSTAT zeroes them. */
struct server_stats {
    uint64_t connections, rejected, commands, net_in, net_out, evicted_clients;
    uint64_t query_limit_closed, output_limit_closed, errors, reads, writes;
    uint64_t expired_base, evicted_base, hits_base, misses_base; /* store counters at the last reset */
    uint64_t expired_fields_base, lazy_freed_base;
    uint64_t expire_us, expire_slices_full; /* spent on removing what is due; slices that ended early */
    uint64_t no_memory_closed;              /* clients closed as there was no memory for a reply or request */
    uint64_t foreign_closed;                /* who spoke another protocol */
    uint64_t unread_held;                   /* times that one's requests waited until it took its replies */
    uint64_t over_memory_us;                /* above maxmemory although evicting */
    size_t peak_memory;
    int64_t peak_time;
    size_t peak_clients;
};

enum { OPS_SAMPLES = 16, RECENT_COMMANDS = 16 };

/* A rate per second from samples of a counter. */
struct rate {
    uint64_t last, sample[OPS_SAMPLES];
    int at;
};

/* shortage.c: the system has refused memory. */
struct shortage {
    uint64_t seen;              /* refusals, when last looked at */
    int64_t tried_us, told_us;  /* when the reserve was last asked for, and the log told; monotonic */
    bool told;                  /* that it lasts */
};

/* user_limit.c */
struct user_limits {
    bool any;
    uint64_t version; /* of the setting */
    uint64_t refused_requests, refused_connections;
};

/* stranger.c: who has yet to authenticate, longest first. */
struct strangers {
    struct link list;
    size_t n;
    int64_t open_ms; /* until then no password was needed; monotonic */
    uint64_t closed_excess, closed_late, closed_crowd;
};

/* Lists of clients by size; the first is not used (client_limit.c). */
enum { CLIENT_SIZES = 16 };

struct server {
    struct conf *conf;
    struct store *store;
    struct persist *persist;
    struct log *log;
    struct registry *commands;
    char run_id[41];
    int64_t started_us, started_ms; /* monotonic us, wall ms */
    pid_t pid;

    /* loop.c */
    struct event_base *base;
    struct event tick, wake, nap, on_term, on_int, on_hup, on_usr2;
    int wake_fd, nap_fd;
    _Atomic bool asleep;        /* in libevent, without anything to do: only wake_fd ends that */
    _Atomic bool woken;         /* a helper has something for the turn to see */
    int64_t now_us;             /* monotonic, of this turn */
    struct wall wall;           /* times.c: the store's time, and where the system's clock is */
    int units;                  /* scripts and EXECs that run: time stands still for them (loop_unit_begin) */
    bool time_passed;           /* and is to be read anew after them */
    int64_t unit_us;            /* what TIME tells in them, wall clock; 0: nobody has asked */
    int64_t last_expire_ms, last_cron_us, last_tend_us, last_progress_us;
    int tick_ms;                /* when the tick comes, counted from when it was armed */
    int64_t save_us;            /* when a save last had its part of a turn, what it has earned since, ... */
    int64_t save_earned_us;
    int64_t ran_us;             /* ... and when a command last ran */
    uint64_t turns;
    uint64_t evict_turn;        /* in which keys were last evicted, and us that are left of it for that */
    int64_t evict_us;
    uint64_t turn_reads;        /* stats.reads when receiving for this turn began, ... */
    uint64_t worked_off_reads;  /* ... and when all that had been read was last worked off */
    uint64_t turn_ticks;        /* spent in turns, in units of ticks_now */
    uint64_t command_us;        /* and in commands */
    bool cron_paused;           /* DEBUG PAUSE-CRON */
    struct link readable;       /* clients with bytes to parse */
    struct link had_share;      /* those that have had their share; both by client.in_readable */
    struct gates *gates;        /* gate.c */
    bool reads_wait;            /* persist_reads_wait, looked at in each turn: it is asked for each command */
    bool telling_change;        /* messages that are written now come of a change */
    int64_t others_us;          /* when requests last ran that were not one of theirs */
    uint64_t share_ends;        /* in ticks, of the share that runs; UINT64_MAX: none does (batch.c) */
    struct link writable;       /* clients with replies to send */
    struct link told;           /* and those with nothing but messages; both by client.in_writable */
    struct link gated;          /* clients whose replies wait for the log */
    uint64_t released;          /* the log's durable offset when those were last looked at */
    uint64_t released_synced;   /* and its synced one */
    bool wants_sync;            /* of this turn's writes */
    struct namespacing *namespacing; /* namespaces.c; NULL: there was never a namespace */
    bool log_failing;           /* since then; replies of those who did not write leave */
    struct link closing;        /* clients to be closed when the call that runs is over */
    struct link doomed;         /* closed clients, freed at the end of the turn */
    struct arena arena;         /* of the call that runs */
    struct arena batch;         /* of the requests parsed together */
    struct buf spare[64];       /* buffers of idle connections, to be used again */
    int n_spare, n_spare_low;   /* and the fewest there were since the last trim */
    bool stopping;              /* the loop is to end */
    bool restarting;            /* and the program begins anew (restart.h) */
    int signal_later;           /* that asks to end, and waits for a script; 0: none */
    bool skip_checksum;         /* of RESTORE's payloads: DEBUG, for tests */
    int exit_code;

    /* listen.c */
    struct listener *listeners;
    bool accept_paused;         /* out of descriptors: the cron resumes */
    struct tls *tls;            /* tls.h */
    bool reload;                /* SIGHUP: open the log file anew, and ... */
    bool tls_reload;            /* ... read the certificates anew */
    struct link tls_steps;      /* handshakes whose next step can be done */
    struct link tls_pending;    /* clients' connections of which OpenSSL holds bytes */

    /* client.c */
    struct link clients;
    struct table by_id;         /* id (8 bytes) -> client */
    size_t n_clients, n_blocked, n_gone_too, n_paused, n_monitors, n_pubsub, n_watching;
    uint64_t next_client_id;
    size_t client_memory;       /* buffers of all clients */
    size_t n_to_look_at;        /* clients, before the next time of the cron */
    struct link by_size[CLIENT_SIZES]; /* those that may be evicted and are not small, by what they have (client_limit.c) */
    size_t heavy;               /* of this turn's work: large replies, counted in requests (batch.c) */
    size_t made;                /* bytes of replies that wait for the end of this turn's running (batch.c) */
    size_t turn_sent;           /* bytes of replies, since this turn began */
    int64_t looked_ms;          /* for clients that have too much, in vain (client_limit.c) */
    int64_t looked_slow_ms;     /* for slow ones, last */
    uint64_t made_way;          /* the turn in which that was done for a request that would have been refused */
    struct strangers strangers;
    struct user_limits user_limits;
    struct guesses *guesses;    /* guess.c */
    struct link timeouts;       /* blocked clients with a deadline, soonest first */
    struct link monitors;
    int64_t pause_until_ms;     /* CLIENT PAUSE: monotonic, 0 when not paused */
    bool pause_all;             /* else only writes */
    struct link paused;         /* clients that hold a request back */
    struct link crowd;          /* those that are ready, of whom there were too many for one turn (receive.c) */

    /* dispatch.c */
    struct client *current;     /* whose call runs */
    struct key_check *key_check; /* and what it may look up (builds for tests) */
    size_t partial_bytes;       /* counted for pages that are used in part (cron.c) */
    size_t beside;              /* pages beside large blocks (mem_beside), when last asked for ... */
    uint64_t beside_moved;      /* ... which was then (mem_thread_moved) */
    bool evicting;              /* cron.c: slice by slice, until memory is below its limit */
    int64_t over_memory_since_us; /* above maxmemory since then; 0: not */
    size_t memory_excess;       /* so far above that who brings much waits until eviction has come after; 0: nobody does */
    double us_per_tick;         /* of ticks_now */
    uint64_t slow_ticks;        /* a request that takes more is slow: 100 us (batch.c) */
    uint64_t ticks;             /* when the last call of the batch ended; 0: not within a batch */
    struct client *loader;      /* replays the log */
    struct reply push;          /* of the message that is being written */
    struct buf late;            /* messages for the current client, which follow its reply */
    struct server_stats stats;
    struct rate ops, net_in, net_out, cycles, cycle_us;
    struct table errorstats;    /* code word -> count (ENC_INT) */

    /* multi.c, block.c, pubsub.c */
    struct table *watched;      /* per database: key -> struct watched_key */
    struct table *waiting;      /* per database: key -> struct waiting_key */
    struct link transfers;      /* clients that are sent a snapshot, or wait for one */
    bool exporting;             /* one is in the making for them */
    struct link syncing;        /* clients that wait for the log to be synced */
    uint64_t synced;            /* the log's synced offset when those were last looked at */
    struct link ready;          /* keys that have a value somebody waits for */
    struct waiting_key *serving; /* the key whose waiters are being served, else NULL */
    struct table channels, patterns, shard_channels; /* name -> struct channel */

    struct ft *ft;              /* ft.c: indexes of FT.* */
    bool ft_any;                /* there is one */
    bool ft_full;               /* too much waits to be indexed: writers wait */
    bool ft_more;               /* the next turn has something to index */

    struct recalls *recalls;    /* recall.c: reads that wait for what left memory */
    struct archive_job *archive_held[2]; /* DEBUG ARCHIVE-PAUSE: what keeps the readers busy */
    struct link archive_answered, archive_applying; /* archive_wait.c: clients whose answer has come; who wait for a commit */
    struct link live_searches;  /* live_search.c: searches, from their question to their answer */

    struct between between;     /* what goes on between turns, all of the following among it */
    struct ft_cursors *ft_cursors;
    struct link jobs;           /* jobs.c: calls that go on, whose turn comes next first */
    struct link jobs_held;      /* those that are done, and run again when no pause holds them back */
    struct link keys_walks;     /* keys_walk.c: KEYS that go on, whose turn comes next first */
    struct link ft_alters;      /* ft_alter.c: FT.ALTER that waits for searches */
    struct link unlinkings;     /* unlink_match_cmd.c: UNLINK.MATCH, likewise */
    struct asides *asides;      /* aside.c: commands on a thread of their own; NULL: there were none yet */
    bool asides_paused;         /* DEBUG ASIDE-PAUSE */
    struct link ft_jobs;        /* ft_job.c: searches that go on, whose turn comes next first */

    struct script_run *script;
    struct scripts *scripts;
    bool scripts_run_all;       /* DEBUG SET-DISABLE-DENY-SCRIPTS: also commands that are not for them */
    struct busy_saved *busy_saved; /* loop.c: a script runs and others are heard meanwhile; NULL: not */
    struct batched *batched;    /* batch.c: what is parsed and has not run yet */
    int n_batched;
    struct functions *functions;
    struct acl *acl;
    struct tracking_table *tracking;
    struct slowlog *slowlog;
    struct latency *latency;
    struct keysizes *keysizes;
    struct lazy *lazy;          /* frees large values on a thread */
    struct shortage shortage;
    struct command_ref *recent[RECENT_COMMANDS]; /* a ring of what ran last, for a crash report; recent_at: the oldest */
    unsigned recent_at;
    int64_t watchdog_ms;        /* 0: off */
    struct archive *archive;    /* departures.h: NULL until something needs it */
    struct departing *departing;
    struct metrics *metrics;    /* metrics.c; NULL: there is no HTTP port */
    size_t startup_memory;      /* used before any data was loaded */
    const struct title *title;  /* where ps looks; NULL: left alone */
    struct supervise *supervise;    /* who is told how we are; NULL: nobody */
    struct privilege *privilege;    /* privilege.h; NULL: a tool's */
    const struct origin *origin;    /* what memd was started with; NULL: not known */
    struct inheritance *inherited;  /* descriptors of before; NULL: none */
};

/* Wall clock of this turn. */
static inline int64_t server_now_ms(const struct server *s)
{
    return s->store->now_ms;
}

/* Monotonic clock of this turn: for all that has to do with clients, so that a jump of the wall clock
 * closes nobody and ends no waiting. */
static inline int64_t server_mono_ms(const struct server *s)
{
    return s->now_us / 1000;
}

/* Time spent in turns of the loop, waiting and receiving not counted. */
static inline uint64_t server_turns_us(const struct server *s)
{
    return (uint64_t)((double)s->turn_ticks * s->us_per_tick);
}

/* Bytes that count against maxmemory: all but those of the log's buffers and of the archive, which are the other; and the pages
 * beside large blocks.
 * server_note_beside: so many these are now. */
size_t server_used_memory(const struct server *s);
void server_note_beside(struct server *s, size_t bytes);
size_t server_uncounted_memory(const struct server *s);

/* CLIENT PAUSE: hold requests back, all or those that write, until a monotonic time; nothing expires and
 * nothing is evicted meanwhile. A pause is never weakened by a later one. */
void server_pause(struct server *s, int64_t until_ms, bool all);
void server_unpause(struct server *s);

/* Put changed settings to work (CONFIG SET). False: not possible, why[PERSIST_WHY] says it, and *blame is
 * the setting that could not be had, if one alone. */
bool server_apply_conf(struct server *s, const struct setting *const *changed, size_t n, const char **blame,
                       char *why);

/* Level, format and syslog of the log as the settings say; its file stays. */
void server_apply_log(const struct conf *c, struct log *log);

/* DEBUG, MODULE: allowed by enable-debug-command or enable-module-command for this client. */
bool server_allows_protected(struct client *c, bool module);

/* Begin an orderly stop. save: -1 as the save rules say, 0 no, 1 yes. False: something could not be
 * saved (the log says what) and memd goes on, unless force. */
bool server_shutdown(struct server *s, int save, bool force);

#endif
