/* ft.h -- the indexes of FT.*: which there are, and how they follow the keys.
 *
 * Database 0 is indexed, as in RediSearch. The store's changes name the keys (one look at the prefixes each; none while there is no
 * index). A key that goes leaves its indexes at once. One that changes waits in a queue, at most FT_DIRTY_MAX long, and is
 * read and indexed between turns, between requests when many wait, or before anybody searches: a search sees every write before it. */
#ifndef MEMD_SERVER_FT_H
#define MEMD_SERVER_FT_H

#include "search/index.h"
#include "server/block.h"
#include "server/server.h"

enum { FT_DIRTY_MAX = 1024, FT_LEAVING_MAX = 256 * 1024 };

struct ft;
struct ft *ft_new(struct server *s);
void ft_free(struct ft **f);

/* The index of that name or alias; else the code to return: SEARCH_INDEX_NOT_FOUND ..., or NOPERM where the client's user
 * may not read all keys of its prefixes. Counts a use. */
enum err MUST_USE ft_open(struct call *c, struct str name, struct search_index **ix);

/* Bring ix up to date for a search that begins now: what has expired goes, the queue is worked off. False: searches that go
 * on hold it, or, where it is to be whole, it is made again; ask again next turn (ft_finish has them run to the end now: for
 * transactions and scripts). */
bool ft_ready(struct ft *f, struct search_index *ix, bool whole);

/* The same at once, whatever it takes, but for the scan after a start: for transactions and scripts. Searches that hold ix are
 * to be ended before (ft_jobs_finish). */
void ft_finish(struct ft *f, struct search_index *ix);

/* What persistence is given to save and load definitions. Lives as long as f. */
const struct persist_libraries *ft_keeper(const struct ft *f);

/* All has been loaded. */
void ft_loaded(struct server *s);

/* The number of ix, which no other index ever gets; 0: there is none at this address. */
uint64_t ft_serial(const struct ft *f, const struct search_index *ix);

/* Is the index of this serial number in use? */
bool ft_is_index(const struct ft *f, uint64_t serial);

/* Between turns (between.h): an FT.ALTER that waits goes on once no search holds its index. */
void ft_alters_turn(struct server *s, int64_t deadline_us);
bool ft_alters_are_due(const struct server *s);

/* How documents are read. */
const struct doc_reader *ft_reader(struct ft *f);

/* The store changed; only while server->ft_any. */
void ft_on_change(struct server *s, const struct change *ch);

/* The store's on_overdue: who has expired and must not leave memory yet leaves its indexes. */
void ft_on_overdue(void *server, const struct db *db, const struct entry *e);

/* Why searches do not find all that they should, as clients are told; NULL: they do. */
const char *ft_partial(const struct ft *f, const struct search_index *ix);

/* How much of ix has been read again (0..1) where searches wait for its end, as after a start; -1: they do not. */
double ft_remade(const struct ft *f, const struct search_index *ix);

/* Memory is short: indexes that were dropped are kept no longer. */
void ft_forget_dropped(struct server *s);

/* Between requests of a turn: queues that have enough to do it well, while what was written is still near. */
void ft_feed_ripe(struct server *s);

/* Between turns (between.h): the queue, scans, sweeps. */
void ft_turn(struct server *s, int64_t deadline_us);
bool ft_is_due(const struct server *s);

/* INFO search. */
void ft_info(struct server *s, struct buf *b);

/* Is each index what the keys say? Slow. False: *why says what is not so. Indexes that are still scanned or held by a search
 * are left out. */
bool ft_check(struct server *s, struct buf *why);

size_t ft_bytes(const struct server *s);

#endif
