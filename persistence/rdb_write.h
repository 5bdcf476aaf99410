/* rdb_write.h -- entries to RDB bytes.
 *
 * The reactor serialises; compressing and checksumming, which cost more, are done by the snapshot's thread.
 * So a string that is worth compressing is put down as its bare bytes and its place is noted as a span;
 * rdb_finish then makes file bytes of it: length or LZF form, and the bytes between spans as they are. */
#ifndef MEMD_PERSISTENCE_RDB_WRITE_H
#define MEMD_PERSISTENCE_RDB_WRITE_H

#include <stdint.h>

#include "base/buf.h"

struct entry;
struct store;

struct rdb_span {
    size_t at, n;
};

struct rdb_out {
    struct buf bytes;
    struct rdb_span *spans; /* ascending, apart */
    size_t n_spans, cap_spans;
    bool compress;          /* note strings as spans */
    int64_t at_ms;          /* fields of hashes that were due by then are left out; 0: that are due by now */
    bool has_field_ttls;    /* a hash was put down that only RDB_VERSION_FIELDS can hold */
};

void rdb_out_fini(struct rdb_out *o);
void rdb_out_clear(struct rdb_out *o);

void rdb_put_byte(struct rdb_out *o, unsigned v);
void rdb_put_len(struct rdb_out *o, uint64_t n);
void rdb_put_str(struct rdb_out *o, struct str s);
void rdb_put_bytes(struct rdb_out *o, struct str s); /* that are no integer's text */
void rdb_put_u64(struct rdb_out *o, uint64_t v);
void rdb_put_double(struct rdb_out *o, double v);

/* A file's first bytes and one of its aux fields. */
void rdb_put_header(struct rdb_out *o, int version);
void rdb_put_aux(struct rdb_out *o, const char *name, struct str value);

/* A library of functions. */
void rdb_put_library(struct rdb_out *o, struct str text);

/* (rdb_walk.c) The type byte of e's value, which is returned, and the value. */
unsigned rdb_put_type(struct rdb_out *o, const struct store *s, const struct entry *e);
void rdb_put_value(struct rdb_out *o, const struct store *s, const struct entry *e);

/* Expiry, clock (as the eviction policy has use for), type, which is returned, and key. */
unsigned rdb_put_head(struct rdb_out *o, const struct store *s, const struct entry *e);

/* What stands before the text of a document, and behind every module's value. */
void rdb_put_json_head(struct rdb_out *o);
void rdb_put_module_end(struct rdb_out *o);

/* A field's TTL (-1: none) in a hash of which none is earlier than `first`. */
void rdb_put_field_ttl(struct rdb_out *o, int64_t ttl, int64_t first);

/* The head and the value. False: nothing was put down,
 * as the value is an empty one (a hash whose fields are all due). */
bool rdb_put_entry(struct rdb_out *o, const struct store *s, const struct entry *e);

/* Append the file bytes of o to `to`. scratch is for compressing. */
void rdb_finish(const struct rdb_out *o, struct buf *to, struct buf *scratch);

#endif
