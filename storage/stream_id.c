/* stream_id.c -- IDs of stream entries, as text and in order. */
#include <errno.h>
#include <stdlib.h>

#include "storage/stream.h"

bool stream_id_next(struct stream_id *id)
{
    if (id->seq == UINT64_MAX) {
        if (id->ms == UINT64_MAX) return false;
        id->ms++;
        id->seq = 0;
    } else {
        id->seq++;
    }
    return true;
}

bool stream_id_prev(struct stream_id *id)
{
    if (id->seq == 0) {
        if (id->ms == 0) return false;
        id->ms--;
        id->seq = UINT64_MAX;
    } else {
        id->seq--;
    }
    return true;
}

struct str stream_id_text(struct stream_id id, char out[STREAM_ID_TEXT_MAX])
{
    size_t n = num_u64(out, id.ms);

    out[n++] = '-';
    n += num_u64(out + n, id.seq);
    return str_of(out, n);
}

enum { ID_TEXT_MAX = 127 }; /* longer ones Redis does not look at */

/* Digits alone, of a number that fits: what every sane ID consists of. */
static bool parse_digits(struct str s, uint64_t *v)
{
    uint64_t n = 0;

    if (s.n == 0 || s.n > 19) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        n = n * 10 + (uint64_t)(s.p[i] - '0');
    }
    *v = n;
    return true;
}

/* One half. Redis falls back on strtoull, and with it accepts a sign, leading blanks and zeros, and wraps
 * what is negative; only the canonical text of a negative number is refused. */
static bool parse_half(struct str s, uint64_t *v)
{
    char text[ID_TEXT_MAX + 1];
    int64_t negative;
    char *end;

    if (parse_digits(s, v)) return true;
    if (s.n == 0 || s.n > ID_TEXT_MAX || num_parse_i64(s, &negative)) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    errno = 0;
    *v = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == 0;
}

/* What a C string of these bytes would be. */
static struct str up_to_nul(struct str s)
{
    const char *nul = s.n > 0 ? memchr(s.p, 0, s.n) : NULL;

    return nul != NULL ? str_of(s.p, (size_t)(nul - s.p)) : s;
}

bool stream_id_parse(struct str text, uint64_t missing_seq, unsigned forms, struct stream_id *id,
                     bool *any_seq)
{
    const char *dash;
    struct stream_id got = { 0, missing_seq };
    struct str seq;

    if (text.n > ID_TEXT_MAX) return false;
    text = up_to_nul(text);
    if (any_seq != NULL) *any_seq = false;
    if (text.n == 1 && (text.p[0] == '-' || text.p[0] == '+')) {
        if (!(forms & STREAM_ID_ENDS)) return false;
        *id = text.p[0] == '-' ? STREAM_ID_MIN : STREAM_ID_MAX;
        return true;
    }
    dash = text.n > 0 ? memchr(text.p, '-', text.n) : NULL;
    if (dash == NULL) {
        if (!parse_half(text, &got.ms)) return false;
        *id = got;
        return true;
    }
    if (!parse_half(str_of(text.p, (size_t)(dash - text.p)), &got.ms)) return false;
    seq = str_of(dash + 1, text.n - (size_t)(dash + 1 - text.p));
    if ((forms & STREAM_ID_ANY_SEQ) && seq.n == 1 && seq.p[0] == '*') {
        got.seq = 0;
        if (any_seq != NULL) *any_seq = true;
    } else if (!parse_half(seq, &got.seq)) {
        return false;
    }
    *id = got;
    return true;
}
