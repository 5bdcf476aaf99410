/* hash_fields.h -- what commands on some fields and their TTLs have in common:
 * FIELDS n field ..., times, and what became of each field. */
#ifndef MEMD_COMMANDS_HASH_FIELDS_H
#define MEMD_COMMANDS_HASH_FIELDS_H

#include "commands/command.h"

struct fields {
    const struct str *at;
    size_t n;
};

/* ERR_WRONG_TYPE when the key holds no hash: that is told before any argument is looked at. */
enum err MUST_USE fields_check_type(struct call *c);

/* FIELDS n field ... from argument i to the end; not_positive is the error of a bad n. */
enum err MUST_USE fields_take(const struct call *c, size_t i, enum err not_positive, struct fields *f);

/* Argument i as a wall clock ms: ERR_NOT_INT, ERR_EXPIRE_NEGATIVE, ERR_EXPIRE_TIME. */
enum err MUST_USE fields_time(const struct call *c, size_t i, struct expire_form form, int64_t *at_ms);

/* What was done, for reply and journal. */
struct fields_note {
    struct fields fields;
    int8_t *result; /* enum hash_ttl_result of each; HASH_NO_FIELD at first */
    int64_t at_ms;
};

/* A note, which also becomes c->note. */
struct fields_note *fields_note(struct call *c, struct fields f, int64_t at_ms);

/* Write to the journal: words, FIELDS n when counted, and those fields of c->note whose result is
 * `which`; nothing when there are none. */
void fields_journal(const struct call *c, struct journal *j, const struct str *words, size_t n_words,
                    bool counted, int which);

/* What setting the TTL came to: HPEXPIREAT, and HDEL for those whose time had passed. */
void fields_journal_expire(const struct call *c, struct journal *j);

#endif
