/* wheel.h -- the expiry index: which hashes are due by a time.
 *
 * A hierarchical timing wheel (Varghese and Lauck 1987) of 8-byte records in packed chunks. A record
 * is the key's hash, nothing more: when it fires, its owner looks at the entries with that hash and
 * acts on those whose own TTL has passed, or pushes the record again at their later time. So
 * extending a TTL writes nothing, removing a key writes nothing, shortening a TTL adds a record.
 *
 * Ticks are 1 ms in the nearest level (256 slots), then 256 ms, 65.5 s, 4.7 h, and an overflow list
 * beyond; a record falls one level at a time as its time comes near. */
#ifndef MEMD_STORAGE_WHEEL_H
#define MEMD_STORAGE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wheel;

/* now_ms: the wheel's start. */
struct wheel *wheel_new(int64_t now_ms);
void wheel_free(struct wheel **w);

/* Make hash due at at_ms; a time that has passed is due at the next wheel_take. */
void wheel_push(struct wheel *w, uint64_t hash, int64_t at_ms);

/* Take up to max records that are due at now_ms into out; the number taken. Fewer than max: no more
 * are due. Work per call is bounded by max plus the slots passed; the wheel catches up over several
 * calls after a long sleep. A clock that went back moves nothing. */
size_t wheel_take(struct wheel *w, int64_t now_ms, uint64_t *out, size_t max);

/* Records held, and memory in bytes. */
size_t wheel_count(const struct wheel *w);
size_t wheel_bytes(const struct wheel *w);

void wheel_check(const struct wheel *w);

#endif
