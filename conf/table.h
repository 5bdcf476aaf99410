/* table.h -- the table of settings: one array of rows for each section of memd.conf, and the macros
 * that its rows are written with.
 *
 * A row reads: name, kind with field and range, then what is particular. Each macro checks at
 * compile time that the field has the size that its kind writes. */
#ifndef MEMD_CONF_TABLE_H
#define MEMD_CONF_TABLE_H

#include <limits.h>
#include <stddef.h>

#include "conf/setting.h"

extern const struct setting network_settings[], tls_settings[], client_settings[], general_settings[];
extern const struct setting security_settings[], memory_settings[], snapshot_settings[];
extern const struct setting aof_settings[], archive_settings[], search_settings[], replica_settings[], type_settings[];
extern const struct setting observing_settings[], privilege_settings[], accepted_settings[];

#define FIELD(f, bytes) \
    .at = offsetof(struct conf, f) + \
          0 * sizeof(struct { \
              _Static_assert(sizeof(((struct conf *)0)->f) == (bytes), #f); \
              int x; \
          })

#define BOOL(f) .kind = &kind_bool, FIELD(f, sizeof(bool))
#define INT(f, lo, hi) .kind = &kind_int, FIELD(f, sizeof(int64_t)), .min = (lo), .max = (hi)
#define BYTES(f, lo, hi) .kind = &kind_bytes, FIELD(f, sizeof(int64_t)), .min = (lo), .max = (hi)
#define WORD(f, list) .kind = &kind_word, FIELD(f, sizeof(int)), .words = (list)
#define WORDS(f, list) .kind = &kind_words, FIELD(f, sizeof(int)), .words = (list)
#define TEXT(f) .kind = &kind_text, FIELD(f, sizeof(char *))
#define KIND(k, f) .kind = &(k), FIELD(f, sizeof(((struct conf *)0)->f))

#endif
