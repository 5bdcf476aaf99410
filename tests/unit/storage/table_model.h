/* table_model.h -- a table beside an array that says what must be in it.
 *
 * Keys are numbered; each entry holds an integer that no other ever held, so that a test can tell
 * versions of a key apart. */
#ifndef MEMD_TESTS_TABLE_MODEL_H
#define MEMD_TESTS_TABLE_MODEL_H

#include "storage/table.h"

enum { MODEL_KEYS = 40000 };

struct model {
    struct hash_key hash_key;
    struct table t;
    size_t n;
    int64_t last_value;
    struct entry *e[MODEL_KEYS]; /* NULL: not there */
};

/* On the heap; the table is empty. */
struct model *model_new(void);
void model_free(struct model *m);

/* The key of id, in buf of 32 bytes: longer than 255 for none, of different lengths for all. */
struct str model_key(unsigned id, char buf[32]);
unsigned model_id(const struct entry *e);
uint64_t model_hash(const struct model *m, unsigned id);
struct table_ref model_find(const struct model *m, unsigned id);

/* One change each, of table and array. model_put inserts or replaces, model_change writes into the
 * entry, model_del removes if there. */
void model_put(struct model *m, unsigned id);
void model_change(struct model *m, unsigned id);
void model_del(struct model *m, unsigned id);

/* Random changes of keys below n_keys, of which put_percent put and the rest delete, mostly. */
void model_churn(struct model *m, struct rng *r, unsigned n_keys, unsigned put_percent);

/* Table and array are the same; table_check. */
void model_check(const struct model *m);

#endif
