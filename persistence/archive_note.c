#include "persistence/archive_note.h"

#include "base/buf.h"
#include "base/num.h"

enum { NUMBERS = 10, HEAD_ROOM = 16 + NUMBERS * (NUM_TEXT_MAX + 1) };

static const struct str magic = { "memd.archive 1 ", 15 };

static const char *const verb_names[ARCHIVE_VERBS] = {
#define ARCHIVE_VERB(code, name) [code] = name,
    ARCHIVE_VERB_TABLE(ARCHIVE_VERB)
#undef ARCHIVE_VERB
};

const char *const archive_reason_names[ARCHIVE_REASONS] = {
#define ARCHIVE_REASON(code, name) [code] = name,
    ARCHIVE_REASON_TABLE(ARCHIVE_REASON)
#undef ARCHIVE_REASON
};

static void put_unsigned(struct buf *out, uint64_t v, char end)
{
    char *p = buf_room(out, NUM_TEXT_MAX + 1);
    size_t n = num_u64(p, v);

    p[n] = end;
    buf_used(out, n + 1);
}

static void put_signed(struct buf *out, int64_t v)
{
    char *p = buf_room(out, NUM_TEXT_MAX + 1);
    size_t n = num_i64(p, v);

    p[n] = ' ';
    buf_used(out, n + 1);
}

void archive_note_put(struct buf *out, const struct archive_note *n)
{
    buf_room(out, magic.n + HEAD_ROOM + n->ns.n + n->key.n);
    buf_add_str(out, magic);
    buf_add_c(out, verb_names[n->verb]);
    buf_add_char(out, ' ');
    put_unsigned(out, n->seq, ' ');
    put_signed(out, n->db);
    buf_add_c(out, archive_reason_names[n->reason]);
    buf_add_char(out, ' ');
    put_signed(out, n->at_ms);
    put_signed(out, n->expires_ms);
    put_unsigned(out, n->flags, ' ');
    put_signed(out, n->retain_ms);
    put_unsigned(out, n->versions, ' ');
    put_unsigned(out, n->ns.n, ' ');
    put_unsigned(out, n->key.n, '\n');
    buf_add_str(out, n->ns);
    buf_add_str(out, n->key);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

/* What is left of a note; `ok` says whether all so far was as it should be. */
struct source {
    struct str s;
    bool ok;
};

/* The bytes up to `end`, which is passed over. */
static struct str take_word(struct source *in, char end)
{
    size_t most = in->s.n < NUM_TEXT_MAX ? in->s.n : NUM_TEXT_MAX;
    const char *at = most > 0 ? memchr(in->s.p, end, most) : NULL;
    struct str word = { 0 };

    if (at == NULL) {
        in->ok = false;
        return word;
    }
    word = str_of(in->s.p, (size_t)(at - in->s.p));
    in->s = str_of(at + 1, in->s.n - word.n - 1);
    return word;
}

static int64_t take_signed(struct source *in, int64_t min, int64_t max)
{
    int64_t v = 0;

    if (!num_parse_i64(take_word(in, ' '), &v) || v < min || v > max) in->ok = false;
    return v;
}

static uint64_t take_unsigned(struct source *in, char end, uint64_t max)
{
    uint64_t v = 0;

    if (!num_parse_u64(take_word(in, end), &v) || v > max) in->ok = false;
    return v;
}

static unsigned take_name(struct source *in, const char *const *names, unsigned n)
{
    struct str word = take_word(in, ' ');

    for (unsigned i = 0; i < n; i++) {
        if (str_eq(word, str_c(names[i]))) return i;
    }
    in->ok = false;
    return 0;
}

static struct str take_bytes(struct source *in, uint64_t n)
{
    struct str bytes = { "", 0 };

    if (!in->ok || n > in->s.n) {
        in->ok = false;
        return bytes;
    }
    if (n > 0) bytes = str_of(in->s.p, (size_t)n);
    in->s = str_of(in->s.p + n, in->s.n - (size_t)n);
    return bytes;
}

bool archive_note_is(struct str bytes)
{
    return str_starts(bytes, magic);
}

bool archive_note_get(struct str bytes, struct archive_note *n)
{
    struct source in = { bytes, true };
    struct archive_note got = { 0 };
    uint64_t n_ns, n_key;

    if (!archive_note_is(bytes)) return false;
    in.s = str_of(bytes.p + magic.n, bytes.n - magic.n);
    got.verb = (enum archive_verb)take_name(&in, verb_names, ARCHIVE_VERBS);
    got.seq = take_unsigned(&in, ' ', INT64_MAX);
    got.db = (int)take_signed(&in, -1, INT32_MAX);
    got.reason = (enum archive_reason)take_name(&in, archive_reason_names, ARCHIVE_REASONS);
    got.at_ms = take_signed(&in, INT64_MIN, INT64_MAX);
    got.expires_ms = take_signed(&in, INT64_MIN, INT64_MAX);
    got.flags = (unsigned)take_unsigned(&in, ' ', UINT32_MAX);
    got.retain_ms = take_signed(&in, 0, INT64_MAX);
    got.versions = (uint32_t)take_unsigned(&in, ' ', UINT32_MAX);
    n_ns = take_unsigned(&in, ' ', SIZE_MAX);
    n_key = take_unsigned(&in, '\n', SIZE_MAX);
    got.ns = take_bytes(&in, n_ns);
    got.key = take_bytes(&in, n_key);
    got.payload = in.s;
    if (in.ok) *n = got;
    return in.ok;
}
