/* guess.h -- those who guess passwords are made to wait.
 *
 * Failed AUTH and HELLO are counted by source address, an IPv6 address by its /64, which is what one customer has.
 * The first five cost nothing: people mistype, and programs are started with yesterday's password. From then on
 * each attempt from that address waits before it is looked at, 100 ms and twice as long after each failure, up to
 * auth-delay-max; others do not notice. Right and wrong wait alike: if only failures were slow, no
 * answer at once would be an answer. A success forgives all, and every ten seconds forgive one.
 *
 * Attempts that wait stand in line, each for its delay behind the one before, whatever connections they come by: ten
 * connections guess no faster than one. The line is ten seconds long (or auth-delay-max): who comes when it is full waits
 * that long together with others, so that nobody who shares an address with a guesser is kept out for good.
 *
 * Addresses of this machine are no exception: behind a tunnel or a proxy everybody seems to be here. A Unix
 * socket is one: its permissions say who may try.
 *
 * The table is of fixed size (32 KiB). When a place in it is needed, the address with the fewest failures in that
 * row loses its own. */
#ifndef MEMD_SERVER_GUESS_H
#define MEMD_SERVER_GUESS_H

#include "server/client.h"

struct guesses;

struct guesses *guesses_new(void);
void guesses_free(struct guesses **g);

/* An attempt of the client of call c. OK: look at it. CALL_BLOCKED: it waits, and its request runs again when it has;
 * return that. ERR_AUTH_LATER: it would have to wait and cannot, within a transaction. */
enum err guess_may_try(struct call *c);

/* It was wrong, or right. */
void guess_failed(struct client *c);
void guess_right(struct client *c);

/* Let those try who have waited long enough: called ten times a second. */
void guesses_tend(struct server *s);

/* Attempts that had to wait so far; those that wait now; addresses whose next one would. */
struct guess_facts {
    uint64_t delayed;
    size_t waiting, slowed;
};
struct guess_facts guess_facts(const struct server *s);

/* Lines of INFO stats. */
void guesses_info(const struct server *s, struct buf *b);

/* For tests: how long an attempt waits after n failures, in ms, when max is auth-delay-max. */
int64_t guess_delay_ms(uint32_t n, int64_t max);

/* And until when one waits that comes now, with this delay, when the one before it waits until `last`. */
int64_t guess_until_ms(int64_t now, int64_t last, int64_t delay, int64_t max);

#endif
