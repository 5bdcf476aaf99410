/* wheel.h -- the expiry index: which hashes are due by a time.
 *
 * A hierarchical timing wheel (Varghese and Lauck 1987) of 8-byte records in packed chunks. A
 * record is part of a key's hash, nothing more: when it fires, its owner looks at the entries that
 * may have that hash (table_candidates) and acts on those whose own TTL has passed, or pushes the
 * record again at their later time. So extending a TTL writes nothing, removing a key writes
 * nothing, shortening a TTL adds a record.
 *
 * A record fires at the first wheel_take at or after its time, never before. Ticks are 1 ms in the
 * nearest level, then 256 ms, 65.5 s and 4.7 h; what is more than 50 days away waits in a list. */
#ifndef MEMD_STORAGE_WHEEL_H
#define MEMD_STORAGE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel;

/* The bits of a hash that a record keeps: those by which a table finds candidates. */
#define WHEEL_HASH_BITS (~(uint64_t)0xffffff00)

/* now_ms: the wheel's start. */
struct wheel *wheel_new(int64_t now_ms);
void wheel_free(struct wheel **w);

/* Make hash due at at_ms; a time that has passed is due at the next wheel_take. */
void wheel_push(struct wheel *w, uint64_t hash, int64_t at_ms);

/* Take up to max records that are due at now_ms (theirs is now_ms or earlier) into out, as
 * hash & WHEEL_HASH_BITS, in no particular order; the number taken. Fewer than max: no more are due,
 * unless wheel_behind. Work per call is bounded: the wheel catches up over several calls after a
 * long sleep. A clock that goes back fires nothing early: what is pushed then is due by the new
 * time, what was there waits until the clock has come up again. */
size_t wheel_take(struct wheel *w, int64_t now_ms, uint64_t *out, size_t max);

/* The last wheel_take stopped before its end, with many far records to be sorted into nearer slots:
 * call again soon, there may be more that are due. */
bool wheel_behind(const struct wheel *w);

/* Records held, and memory in bytes. */
size_t wheel_count(const struct wheel *w);
size_t wheel_bytes(const struct wheel *w);

void wheel_check(const struct wheel *w);

#endif
