/* namespace_ledger.h -- what databases tell the namespaces of their keys. For db.c, store.c and evict.c alone.
 *
 * All are called only where there are namespaces (store->namespaces), or of entries that have one (entry->ns). */
#ifndef MEMD_STORAGE_NAMESPACE_LEDGER_H
#define MEMD_STORAGE_NAMESPACE_LEDGER_H

#include "storage/db.h"
#include "storage/namespace.h"

/* e, new and under this hash in db: find its namespace, count it. */
void ns_note_add(struct db *db, uint64_t hash, struct entry *e);

/* e is about to be changed. */
void ns_note_write(struct db *db, const struct entry *e);

/* `to` has taken the place of e, which may be freed already. */
void ns_note_moved(const struct db *db, const struct entry *e, const struct entry *to);

/* n more keys with a time to live, or -1; e has got one, or another. */
void ns_note_expires(struct db *db, const struct entry *e, int n);
void ns_note_ttl(const struct db *db, const struct entry *e);

/* e leaves the table of db, whole. */
void ns_note_remove(struct db *db, uint64_t hash, const struct entry *e);
void ns_note_gone(const struct db *db, const struct entry *e, enum change_kind kind);

void ns_note_hit(const struct store *s, const struct entry *e);
void ns_note_trimmed(const struct store *s, const struct entry *e, uint64_t n);
void ns_note_miss(const struct store *s, struct str key);

/* The content of db is about to go: for good, or aside, from where ns_content_back brings it. */
void ns_content_gone(struct db *db);
void ns_content_aside(struct db *db);
void ns_content_back(struct db *db);
void ns_shares_free(struct db *db);

/* Two databases are about to exchange their content, shares included. */
void ns_content_swap(struct store *s);

/* Contents that are aside have keys with numbers; one more, one less. */
void ns_aside(struct store *s, int n);

/* Keys (those with a TTL) that eviction for others' sake leaves alone now, since their namespaces hold no more
 * than their reserve. */
size_t ns_reserved_keys(const struct store *s, bool only_ttl);

void ns_free(struct store *s);
void ns_check(const struct store *s);

#endif
