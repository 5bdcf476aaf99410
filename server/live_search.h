/* live_search.h -- the live keys of a search (persistence/archive_search.h).
 *
 * Between a client's question and the archive's answer the keys of the namespaces that archive or recall are walked, in
 * slices of half a millisecond; of those whose bytes may match the payloads go with the question. One search is walked
 * and answered at a time, so that the payloads of many do not add up.
 *
 * What leaves memory during the walk is in the archive by the time that it is asked: it is told which note to wait for when
 * the walk is over. So a session that moves is found in one place or in both, never in neither. */
#ifndef MEMD_SERVER_LIVE_SEARCH_H
#define MEMD_SERVER_LIVE_SEARCH_H

#include "persistence/archive_search.h"
#include "server/server.h"

/* Larger values are left out of the walk, and the reply says so. */
enum { LIVE_VALUE_MAX = 1 << 20 };

/* Walk database db for search, then ask it (archive_wait_later has the client wait for it). */
void live_search_begin(struct server *s, struct archive_search *search, int db);

/* For struct archive_asking: forget the walk, free the search. */
void live_search_free(struct archive_job *j);

/* Between turns (between.h): one goes on. */
void live_searches_turn(struct server *s, int64_t deadline_us);
bool live_searches_are_due(const struct server *s);

/* Ask the archive for the one that has been walked, as soon as that may be. Every turn, after archive_wait_turn. */
void live_searches_ask(struct server *s);

/* Give up what was not asked yet: before the archive is closed. */
void live_search_close(struct server *s);

/* Memory of searches and what they carry: it does not count against maxmemory, or a search would evict. */
size_t live_search_bytes(const struct server *s);

#endif
