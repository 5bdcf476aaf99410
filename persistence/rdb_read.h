/* rdb_read.h -- RDB files and DUMP payloads into entries. */
#ifndef MEMD_PERSISTENCE_RDB_READ_H
#define MEMD_PERSISTENCE_RDB_READ_H

#include "persistence/rdb_in.h"

struct log;
struct persist_libraries;
struct store;

/* What a file says about itself, and what was found. */
struct rdb_facts {
    int version;
    bool has_log_at;      /* the aux fields repl-id and repl-offset were there */
    char log_id[41];
    uint64_t log_offset;
    int64_t ctime;
    uint64_t keys, expired; /* loaded; left out as they had expired */
};

struct rdb_options {
    bool keep_expired; /* the file is the base of a log, whose effects count on every key */
    bool checksum;     /* verify the CRC when the file has one */
    struct log *log;
    /* Called after each key; false gives up: ERR_NOT_DONE. May be NULL. */
    bool (*progress)(void *ctx, uint64_t bytes, uint64_t keys);
    void *ctx;
    const struct persist_libraries *libraries; /* NULL: they are left out */
    const struct persist_libraries *definitions; /* the same */
    bool replace;      /* keys and libraries may be there, and are replaced */
    bool only_look;    /* each key is let go of as soon as it has been read */
};

/* Load a whole RDB file into s, up to and with its checksum; what follows (an AOF's tail) is left in
 * `in`. On error in->why and in->bad_at say what is wrong and where. Unless opt->replace keys must
 * not be in s yet. A library that cannot be loaded is an error behind the end: all that can be read is in s. */
enum err MUST_USE rdb_load(struct rdb_in *in, struct store *s, const struct rdb_options *opt,
                           struct rdb_facts *facts);

/* What a file says about itself before its first key; *facts stays empty where that cannot be read. */
void rdb_peek(struct rdb_in *in, struct rdb_facts *facts);

/* --- payloads --------------------------------------------------------------------------------------------- */

/* The same in steps: the version first, and the checksum, which is looked at last, from what was counted out of all before it. */
bool MUST_USE rdb_payload_version(struct str payload, struct str *body);
bool MUST_USE rdb_payload_crc_is(struct str payload, uint64_t crc);
enum { RDB_PAYLOAD_CRC = 8 /* bytes at its end */ };

/* What stands before version and checksum; false: they are wrong. */
bool MUST_USE rdb_payload_body(struct str payload, struct str *body);

/* Append the version, and the checksum of what out holds from `from` on. */
void rdb_payload_end(struct buf *out, size_t from, int version);

#endif
