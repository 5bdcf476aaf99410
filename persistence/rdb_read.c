/* rdb_read.c -- a whole RDB file, opcode by opcode; DUMP payloads. */
#include "persistence/rdb_read.h"

#include <endian.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/crc.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/planted.h"
#include "persistence/persist.h"
#include "persistence/rdb_format.h"
#include "persistence/rdb_value.h"
#include "persistence/rdb_write.h"
#include "storage/db.h"
#include "storage/evict.h"
#include "storage/namespace.h"

enum { DUMP_FOOTER = 10 }; /* version u16, CRC64 */

static const uint64_t EXPIRE_LAST = ((uint64_t)1 << 48) - 1;

/* What opcodes have said about the key to come. */
struct reader {
    struct rdb_in *in;
    struct store *s;
    const struct rdb_options *opt;
    struct rdb_facts *facts;
    struct db *db;
    int64_t expire_ms;
    int64_t idle_s;      /* -1: not said */
    int freq;            /* -1: not said */
    struct buf key;
    bool functions_seen;
    bool given_up;
    struct {
        uint64_t at;         /* behind the first that cannot be loaded; 0: none */
        char why[PERSIST_WHY];
    } bad_library;
};

static bool read_header(struct rdb_in *in, struct rdb_facts *facts)
{
    struct str s;
    int64_t v;

    if (!rdb_in_raw(in, 9, &s)) return false;
    if (memcmp(s.p, "VALKEY", 6) == 0)
        return rdb_in_bad(in, "an RDB file of Valkey 9 or later (version %.3s), which cannot be read", s.p + 6);
    if (memcmp(s.p, "REDIS", 5) != 0) return rdb_in_bad(in, "this is no RDB file");
    /* "0010" is no canonical number */
    for (int i = 5; i < 9; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return rdb_in_bad(in, "the version is no number");
    v = (s.p[5] - '0') * 1000 + (s.p[6] - '0') * 100 + (s.p[7] - '0') * 10 + (s.p[8] - '0');
    if (v < 1 || v > RDB_VERSION_READ)
        return rdb_in_bad(in, "RDB version %d, versions 1 to %d can be read", (int)v, RDB_VERSION_READ);
    facts->version = (int)v;
    return true;
}

/* Of a file that is sound it is one that another version wrote. Keys are worth more than an index, which can be made again. */
static void read_definition(struct reader *r, struct str text)
{
    const struct persist_libraries *d = r->opt ? r->opt->definitions : NULL;
    char why[PERSIST_WHY];

    if (d == NULL || d->load(d->ctx, text, r->opt->replace, why)) return;
    log_warning(r->opt->log, "The RDB file holds a definition of an index that cannot be taken: %.200s. It is LEFT OUT: make the index again "
                "with FT.CREATE", why);
}

static bool read_aux(struct reader *r)
{
    struct rdb_in *in = r->in;
    struct str v;
    int64_t n;

    if (!rdb_in_str(in, &v)) return false;
    buf_clear(&r->key);
    buf_add_str(&r->key, v);
    if (!rdb_in_str(in, &v)) return false;
    if (str_eq(buf_str(&r->key), STR("repl-id")) && v.n == PERSIST_ID) {
        memcpy(r->facts->log_id, v.p, PERSIST_ID);
    } else if (str_eq(buf_str(&r->key), STR("repl-offset")) && num_parse_i64(v, &n) && n >= 0) {
        r->facts->log_offset = (uint64_t)n;
        r->facts->has_log_at = r->facts->log_id[0] != 0;
    } else if (str_eq(buf_str(&r->key), STR("ctime")) && num_parse_i64(v, &n)) {
        r->facts->ctime = n;
    } else if (str_eq(buf_str(&r->key), str_c(RDB_AUX_DEFINITION))) {
        read_definition(r, v);
    }
    return true;
}

static bool select_db(struct reader *r)
{
    uint64_t n;

    if (!rdb_in_len(r->in, &n)) return false;
    if (n >= (uint64_t)r->s->conf.databases)
        return rdb_in_bad(r->in, "database %llu, but there are %d ('databases')", (unsigned long long)n,
                          r->s->conf.databases);
    r->db = r->s->dbs[n];
    return true;
}

/* Opcodes with nothing of use to us. */
static bool skip_lens(struct rdb_in *in, int n)
{
    uint64_t ignored;

    while (n-- > 0)
        if (!rdb_in_len(in, &ignored)) return false;
    return true;
}

/* One that cannot be loaded makes the file bad, but what follows it is as it was written: all keys do, and whoever salvages wants them. */
static bool read_library(struct reader *r)
{
    char why[PERSIST_WHY];
    struct str text;

    if (!rdb_in_str(r->in, &text)) return false;
    if (r->opt->libraries) {
        if (r->opt->libraries->load(r->opt->libraries->ctx, text, r->opt->replace, why) || r->bad_library.at > 0) return true;
        r->bad_library.at = rdb_in_at(r->in);
        snprintf(r->bad_library.why, sizeof r->bad_library.why, "%s", why);
        return true;
    }
    if (!r->functions_seen) log_warning(r->opt->log, "The RDB file holds functions: they are left out");
    r->functions_seen = true;
    return true;
}

static void add(struct reader *r, struct entry *e)
{
    struct slot slot;
    bool there;

    if (r->opt->only_look) {
        db_drop_value(r->s, e, false);
        entry_free(e);
        r->facts->keys++;
        return;
    }
    there = db_find_write(r->db, entry_key(e), &slot);

    if (there && r->opt->replace) {
        db_replace(&slot, false);
        there = db_find_write(r->db, entry_key(e), &slot);
    }
    if (there) {
        rdb_in_bad(r->in, "the key occurs twice");
        db_drop_value(r->s, e, false);
        entry_free(e);
        return;
    }
    db_add(&slot, e);
    if (r->idle_s >= 0 && !evict_is_lfu(r->s->conf.policy)) evict_set_idle(r->s, slot.ref.e, r->idle_s * 1000);
    if (r->freq >= 0 && evict_is_lfu(r->s->conf.policy)) evict_set_freq(r->s, slot.ref.e, (unsigned)r->freq);
    r->facts->keys++;
}

/* Say in which key it happened. */
static void name_key(struct reader *r)
{
    char was[sizeof r->in->why];
    int n = r->key.n > 40 ? 40 : (int)r->key.n;
    char shown[41];

    for (int i = 0; i < n; i++) {
        unsigned char c = (unsigned char)r->key.p[i];
        shown[i] = c >= ' ' && c < 0x7f ? (char)c : '.';
    }
    shown[n] = 0;
    memcpy(was, r->in->why, sizeof was);
    snprintf(r->in->why, sizeof r->in->why, "key '%s' of database %d: %.100s", shown, r->db->id, was);
}

/* By which clock keys are expired while loading. */
static int64_t clock_ms(const struct reader *r)
{
    return r->s->now_ms + (PLANTED(BUG_CLOCK_AT_LOAD) ? 3600 * 1000 : 0);
}

/* Will a checksum vouch for what is read now? Not when the file's writer made none, which is seen at its end. */
static bool is_summed(const struct reader *r)
{
    return r->opt->checksum && r->facts->version >= RDB_VERSION_SUM;
}

/* Is the key at hand to be left out? What is to be archived expires as a departure, when all is loaded. */
static bool has_expired(const struct reader *r)
{
    const struct namespace *ns;

    if (r->opt->keep_expired || r->expire_ms < 0 || r->expire_ms > clock_ms(r)) return false;
    if (LIKELY(!ns_any(r->s))) return true;
    ns = ns_of_key(r->s, buf_str(&r->key));
    return ns == NULL || !(ns->rules.archive & NS_EXPIRE);
}

static bool read_key(struct reader *r, unsigned type)
{
    struct rdb_in *in = r->in;
    struct entry *e = NULL;
    struct str key;

    if (type > RDB_TYPE_MAX || type == 8) return rdb_in_bad(in, "unknown type or opcode %u", type);
    if (!rdb_in_str(in, &key)) return false;
    buf_clear(&r->key);
    buf_add_str(&r->key, key);
    if (!rdb_get_value(in, r->s, type, buf_str(&r->key), r->expire_ms, !is_summed(r), &e)) {
        name_key(r);
        return false;
    }
    if (e && has_expired(r)) {
        db_drop_value(r->s, e, false);
        entry_free(e);
        r->facts->expired++;
    } else if (e) {
        add(r, e);
        if (in->err != OK) {
            name_key(r);
            return false;
        }
    }
    r->expire_ms = -1;
    r->idle_s = -1;
    r->freq = -1;
    if (!r->opt->progress || r->opt->progress(r->opt->ctx, rdb_in_at(in), r->facts->keys)) return true;
    r->given_up = true;
    return false;
}

static bool read_expire(struct reader *r, bool seconds)
{
    uint64_t v;
    uint32_t sec;

    if (seconds) {
        if (!rdb_in_u32(r->in, &sec)) return false;
        v = (uint64_t)sec * 1000;
    } else if (!rdb_in_u64(r->in, &v)) {
        return false;
    }
    /* A time before 1970 is long past; one beyond 48 bits, which stock servers take, becomes the last one, as when
     * a client sets it (entry.h). */
    if ((int64_t)v < 0) v = 0;
    r->expire_ms = (int64_t)(v < EXPIRE_LAST ? v : EXPIRE_LAST);
    return true;
}

/* One opcode or key; *more is false at the end of the file. */
static bool read_step(struct reader *r, bool *more)
{
    struct rdb_in *in = r->in;
    unsigned op, v;
    uint64_t n;

    if (!rdb_in_byte(in, &op)) return false;
    if (r->facts->version < RDB_VERSION_SUM && op > RDB_HASH_ZIPLIST && op < RDB_OP_EXPIRE_MS)
        return rdb_in_bad(in, "type or opcode %u is newer than the file's version, %d", op, r->facts->version);
    switch (op) {
    case RDB_OP_EOF: *more = false; return true;
    case RDB_OP_AUX: return read_aux(r);
    case RDB_OP_SELECTDB: return select_db(r);
    case RDB_OP_RESIZEDB: return skip_lens(in, 2);
    case RDB_OP_SLOT_INFO: return skip_lens(in, 3);
    case RDB_OP_EXPIRE: return read_expire(r, true);
    case RDB_OP_EXPIRE_MS: return read_expire(r, false);
    case RDB_OP_FUNCTION2: return read_library(r);
    case RDB_OP_FUNCTION_PRE: return rdb_in_bad(in, "functions of a release candidate of Redis 7");
    case RDB_OP_MODULE_AUX: return rdb_in_len(in, &n) && rdb_bad_module(in, n);
    case RDB_OP_IDLE:
        if (!rdb_in_len(in, &n)) return false;
        r->idle_s = n > INT32_MAX ? INT32_MAX : (int64_t)n;
        return true;
    case RDB_OP_FREQ:
        if (!rdb_in_byte(in, &v)) return false;
        r->freq = (int)v;
        return true;
    default: return read_key(r, op);
    }
}

/* The CRC64 behind the end: files of version 5 and later; 0 when the writer made none. */
static bool read_checksum(struct reader *r)
{
    uint64_t have = rdb_in_crc(r->in), want;

    if (r->facts->version < RDB_VERSION_SUM) return true;
    if (!rdb_in_u64(r->in, &want)) return false;
    if (!is_summed(r) || want == 0 || want == have) return true;
    return rdb_in_bad(r->in, "wrong checksum: the file is damaged");
}

/* All has been read: is it all there? */
static bool has_libraries(struct reader *r)
{
    if (LIKELY(r->bad_library.at == 0)) return true;
    rdb_in_bad(r->in, "a library of functions: %.140s", r->bad_library.why);
    r->in->bad_at = r->bad_library.at;
    return false;
}

enum err rdb_load(struct rdb_in *in, struct store *s, const struct rdb_options *opt,
                  struct rdb_facts *facts)
{
    struct reader r = { .in = in, .s = s, .opt = opt, .facts = facts, .db = s->dbs[0],
                        .expire_ms = -1, .idle_s = -1, .freq = -1 };
    bool more = true, ok;

    *facts = (struct rdb_facts){ 0 };
    ok = read_header(in, facts);
    while (ok && more) ok = read_step(&r, &more);
    if (ok) ok = read_checksum(&r) && has_libraries(&r);
    buf_fini(&r.key);
    if (ok) return OK;
    return r.given_up ? ERR_NOT_DONE : in->err;
}

void rdb_peek(struct rdb_in *in, struct rdb_facts *facts)
{
    struct reader r = { .in = in, .facts = facts };
    unsigned op = RDB_OP_AUX;

    *facts = (struct rdb_facts){ 0 };
    if (!read_header(in, facts)) return;
    while (op == RDB_OP_AUX && rdb_in_byte(in, &op))
        if (op == RDB_OP_AUX && !read_aux(&r)) break;
    buf_fini(&r.key);
}

/* --- DUMP and RESTORE -------------------------------------------------------------------------------- */

bool rdb_payload_version(struct str payload, struct str *body)
{
    uint16_t version;

    if (payload.n < DUMP_FOOTER) return false;
    memcpy(&version, payload.p + payload.n - DUMP_FOOTER, sizeof version);
    if (le16toh(version) > RDB_VERSION_READ) return false;
    *body = str_of(payload.p, payload.n - DUMP_FOOTER);
    return true;
}

bool rdb_payload_crc_is(struct str payload, uint64_t crc)
{
    uint64_t want;

    memcpy(&want, payload.p + payload.n - sizeof want, sizeof want);
    return le64toh(want) == crc;
}

bool rdb_payload_body(struct str payload, struct str *body)
{
    return rdb_payload_version(payload, body) && rdb_payload_crc_is(payload, crc64(0, payload.p, payload.n - RDB_PAYLOAD_CRC));
}

void rdb_payload_end(struct buf *out, size_t from, int version)
{
    uint16_t v = htole16((uint16_t)version);
    uint64_t crc;

    buf_add(out, &v, sizeof v);
    crc = htole64(crc64(0, out->p + from, out->n - from));
    buf_add(out, &crc, sizeof crc);
}

static void dump(const struct store *s, const struct entry *e, bool compress, struct buf *out)
{
    struct rdb_out o = { .compress = compress };
    struct buf scratch = { 0 };
    size_t from = out->n;
    int version;

    rdb_put_type(&o, s, e);
    version = (unsigned char)o.bytes.p[0] == RDB_HASH_FIELDS ? RDB_VERSION_FIELDS : RDB_VERSION_PLAIN;
    rdb_put_value(&o, s, e);
    rdb_finish(&o, out, &scratch);
    rdb_payload_end(out, from, version);
    rdb_out_fini(&o);
    buf_fini(&scratch);
}

void persist_dump(const struct store *s, const struct entry *e, struct buf *out)
{
    dump(s, e, true, out);
}

void persist_dump_plain(const struct store *s, const struct entry *e, struct buf *out)
{
    dump(s, e, false, out);
}

enum err persist_restore(struct store *s, struct str key, struct str payload, int64_t expire_ms,
                         struct entry **out)
{
    struct rdb_in in;
    struct entry *e = NULL;
    struct str body;
    unsigned type;
    bool ok;

    if (!rdb_payload_body(payload, &body) || body.n == 0) return ERR_NOT_DONE;
    rdb_in_bytes(&in, body);
    ok = rdb_in_byte(&in, &type) && rdb_get_value(&in, s, type, key, expire_ms, true, &e) && e;
    if (ok && rdb_in_left(&in) > 0) {
        db_drop_value(s, e, false);
        entry_free(e);
        ok = false;
    }
    rdb_in_fini(&in);
    if (!ok) return ERR_FORMAT;
    *out = e;
    return OK;
}
