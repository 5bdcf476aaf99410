/* mark.c -- writing and reading the checksum lines. */
#include "persistence/mark.h"

#include "base/crc.h"
#include "base/num.h"

/* How often the bytes that are searched may be checksummed, all in all, before the search is given up. */
enum { WORK_TIMES = 16, WORK_LEAST = 64 << 20 };

static const char head_word[] = "#memd log 1 ";
static const char batch_word[] = "#memd batch ";

static size_t put_text(char *out, size_t at, const char *s, size_t n)
{
    memcpy(out + at, s, n);
    return at + n;
}

static size_t put_num(char *out, size_t at, uint64_t v)
{
    at += num_u64(out + at, v);
    out[at++] = ' ';
    return at;
}

/* The 8 digits of crc and the line end; out[at - 1] is the blank before them. */
static size_t put_crc(char *out, size_t at, uint32_t crc)
{
    for (int shift = 28; shift >= 0; shift -= 4) out[at++] = "0123456789abcdef"[crc >> shift & 15];
    return put_text(out, at, "\r\n", 2);
}

size_t mark_put_head(char *out, const struct mark_head *h)
{
    size_t at = put_text(out, 0, head_word, sizeof head_word - 1);

    at = put_text(out, at, h->id, MARK_ID);
    out[at++] = ' ';
    at = put_num(out, at, h->start);
    at = put_num(out, at, h->skip);
    return put_crc(out, at, crc32c(0, out, at - 1));
}

size_t mark_put_batch(char *out, const struct mark_batch *b, uint32_t crc)
{
    size_t at = put_text(out, 0, batch_word, sizeof batch_word - 1);

    at = put_num(out, at, b->seq);
    at = put_num(out, at, b->bytes);
    at = put_num(out, at, b->durable);
    at = put_num(out, at, (uint64_t)b->db);
    return put_crc(out, at, crc32c(crc, out, at - 1));
}

bool mark_is_ours(struct str line)
{
    return line.n >= 6 && memcmp(line.p, head_word, 6) == 0;
}

static bool get_word(struct str line, size_t *at, const char *word, size_t n)
{
    if (line.n - *at < n || memcmp(line.p + *at, word, n) != 0) return false;
    *at += n;
    return true;
}

/* A canonical number and the blank behind it. */
static bool get_num(struct str line, size_t *at, uint64_t *v)
{
    const char *from = line.p + *at;
    const char *blank = memchr(from, ' ', line.n - *at);

    if (!blank || !num_parse_u64(str_of(from, (size_t)(blank - from)), v)) return false;
    *at += (size_t)(blank - from) + 1;
    return true;
}

/* What is left is a crc and the line end. */
static bool get_crc(struct str line, size_t at, uint32_t *crc)
{
    uint32_t v = 0;

    if (line.n - at != 10 || line.p[at + 8] != '\r' || line.p[at + 9] != '\n') return false;
    for (size_t i = at; i < at + 8; i++) {
        char c = line.p[i];

        if (c >= '0' && c <= '9') v = v << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f') v = v << 4 | (uint32_t)(c - 'a' + 10);
        else return false;
    }
    *crc = v;
    return true;
}

bool mark_get_head(struct str line, struct mark_head *h)
{
    size_t at = 0;
    uint32_t crc;

    if (line.n > MARK_MAX || !get_word(line, &at, head_word, sizeof head_word - 1)) return false;
    if (line.n - at < MARK_ID + 1 || line.p[at + MARK_ID] != ' ') return false;
    memcpy(h->id, line.p + at, MARK_ID);
    h->id[MARK_ID] = 0;
    at += MARK_ID + 1;
    if (!get_num(line, &at, &h->start) || !get_num(line, &at, &h->skip)) return false;
    return get_crc(line, at, &crc) && crc == crc32c(0, line.p, at - 1);
}

bool mark_get_batch(struct str line, struct mark_batch *b)
{
    size_t at = 0;
    uint64_t db;

    if (line.n > MARK_MAX || !get_word(line, &at, batch_word, sizeof batch_word - 1)) return false;
    if (!get_num(line, &at, &b->seq) || !get_num(line, &at, &b->bytes)) return false;
    if (!get_num(line, &at, &b->durable)) return false;
    b->db = -1;
    if (get_num(line, &at, &db)) {
        if (db > INT32_MAX) return false;
        b->db = (int)db;
    }
    b->crc_at = at - 1;
    return get_crc(line, at, &b->crc);
}

bool mark_crc_ok(struct str line, const struct mark_batch *b, uint32_t crc)
{
    return crc32c(crc, line.p, b->crc_at) == b->crc;
}

uint32_t mark_seed(const char *id, const struct mark_batch *b)
{
    return b->db < 0 ? 0 : crc32c(0, id, MARK_ID);
}

static bool proves(struct mark_scan *s, uint64_t at, struct str line, const struct mark_batch *b)
{
    if (b->bytes > at || (b->db >= 0 && !s->id)) return false;
    s->work += b->bytes;
    if (s->work / WORK_TIMES > s->n + WORK_LEAST) return false;
    return mark_crc_ok(line, b, crc32c(mark_seed(s->id, b), s->p + (at - b->bytes), b->bytes));
}

bool mark_next(struct mark_scan *s, struct mark_found *f)
{
    while (s->at < s->n) {
        const char *hit = memmem(s->p + s->at, s->n - s->at, batch_word, sizeof batch_word - 1), *end;
        uint64_t at, most;

        if (!hit) return false;
        at = (uint64_t)(hit - s->p);
        s->at = at + 1;
        most = s->n - at < MARK_MAX ? s->n - at : MARK_MAX;
        end = memchr(hit, '\n', most);
        if (!end) continue;
        f->line_n = (uint64_t)(end - hit) + 1;
        if (!mark_get_batch(str_of(hit, f->line_n), &f->b)) continue;
        if (!proves(s, at, str_of(hit, f->line_n), &f->b)) continue;
        f->from = at - f->b.bytes;
        return true;
    }
    return false;
}
