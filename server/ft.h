/* ft.h -- the indexes of FT.*: which there are, and how they follow the keys.
 *
 * Database 0 is indexed, as in RediSearch. The store's changes name the keys (one look at the prefixes each; none while there is no
 * index). A key that goes leaves its indexes at once. One that changes waits in a queue, at most FT_DIRTY_MAX long, and is
 * read and indexed between turns, or before anybody searches: a search sees every write before it. */
#ifndef MEMD_SERVER_FT_H
#define MEMD_SERVER_FT_H

#include "search/index.h"
#include "server/server.h"

enum { FT_DIRTY_MAX = 1024 };

struct ft;
struct ft *ft_new(struct server *s);
void ft_free(struct ft **f);

/* The index of that name or alias; else the code to return: SEARCH_INDEX_NOT_FOUND ..., or NOPERM where the client's user
 * may not read all keys of its prefixes. Counts a use. */
enum err MUST_USE ft_open(struct call *c, struct str name, struct search_index **ix);

/* Bring ix up to date for a search that begins now: what has expired goes, the queue is worked off. False: searches that go
 * on hold it; ask again next turn (ft_finish has them run to the end now: for transactions and scripts). */
bool ft_ready(struct ft *f, struct search_index *ix);

/* How documents are read. */
const struct doc_reader *ft_reader(struct ft *f);

/* Between turns: the queue, scans, sweeps. */
void ft_turn(struct server *s);
bool ft_is_due(const struct server *s);

size_t ft_bytes(const struct server *s);

#endif
