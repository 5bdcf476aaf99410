/* aof_report.c -- lines about logs. */
#include "persistence/aof_report.h"

#include <stdio.h>
#include <string.h>

#include "persistence/aof_set.h"
#include "persistence/report.h"

enum { KEY_SHOWN = 40, LINE_MAX_BYTES = 256 };

static unsigned long long U(uint64_t v)
{
    return v;
}

static void add(char *line, size_t *n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void add(char *line, size_t *n, const char *fmt, ...)
{
    va_list ap;
    int more;

    va_start(ap, fmt);
    more = vsnprintf(line + *n, LINE_MAX_BYTES - *n, fmt, ap);
    va_end(ap);
    *n += (size_t)more;
    if (*n >= LINE_MAX_BYTES) *n = LINE_MAX_BYTES - 1;
}

static void add_contents(char *line, size_t *n, const struct aof_load *l, const struct aof_reader *r)
{
    if (r->marked) add(line, n, "%llu batches, ", U(r->batches));
    add(line, n, "%llu commands", U(r->commands));
    if (r->marked) add(line, n, ", log offsets %llu to %llu", U(r->head.start), U(l->offset));
    if (r->last_s) add(line, n, ", times %lld to %lld", (long long)r->first_s, (long long)r->last_s);
}

static void tell_losses(struct aof_load *l)
{
    for (size_t at = 0; at < l->losses.n; at += strlen(l->losses.p + at) + 1)
        report_line(l->report, "%s", l->losses.p + at);
    buf_clear(&l->losses);
}

void aof_report_file(struct aof_load *l, size_t i, const struct aof_reader *r, enum aof_end end)
{
    char path[PATH_MAX], line[LINE_MAX_BYTES];
    size_t n = 0;

    if (!l->report) return;
    aof_load_path(l, i, path);
    add_contents(line, &n, l, r);
    l->report->refused += r->refused;
    if (r->refused) add(line, &n, ", %llu of which could not be applied", U(r->refused));
    if (r->unproven) add(line, &n, ", the last %llu bytes without checksum lines", U(r->unproven));
    if (end == AOF_DAMAGED || end == AOF_SALVAGED) {
        report_bad(l->report, "%s: increment, %llu bytes, %s: DAMAGED at offset %llu: %s", path, U(l->sizes[i]), line,
                   U(r->bad_pos), r->why);
    } else if (end != AOF_TORN) {
        report_line(l->report, "%s: increment, %llu bytes, %s: ok", path, U(l->sizes[i]), line);
    }
    tell_losses(l);
}

void aof_report_base(struct aof_load *l, const struct source *s, const struct aof_reader *r)
{
    char line[LINE_MAX_BYTES];
    size_t n = 0;

    if (!l->report || !r) return; /* whoever reads the RDB part tells of it */
    add_contents(line, &n, l, r);
    report_line(l->report, "%s: base, %llu bytes, %s: ok", s->path, U(s->size), line);
}

void aof_report_torn(struct aof_load *l, size_t i, uint64_t good_pos, const char *reason)
{
    char path[PATH_MAX];

    aof_load_path(l, i, path);
    l->lossy = true;
    if (!l->report) return;
    l->report->n_torn++;
    report_bad(l->report, "%s: increment, %llu bytes, log offset up to %llu: TORN at offset %llu: %s; the %llu bytes "
               "from there on were never durable", path, U(l->sizes[i]), U(l->offset), U(good_pos), reason,
               U(l->sizes[i] - good_pos));
    if (l->mode == AOF_LOOK && i + 1 < l->n)
        report_line(l->report, "    a start drops the %zu increments behind it as well", l->n - i - 1);
}

/* A key in quotes, with what cannot be printed as dots. */
static void add_key(char *line, size_t *n, const char *what, struct str key)
{
    if (!key.p) return;
    add(line, n, ", %s key '", what);
    for (size_t i = 0; i < key.n && i < KEY_SHOWN; i++)
        add(line, n, "%c", key.p[i] >= ' ' && key.p[i] < 0x7f ? key.p[i] : '.');
    add(line, n, "'");
}

void aof_report_loss(struct aof_load *l, const struct aof_loss *x)
{
    char line[LINE_MAX_BYTES];
    size_t n = 0;

    if (!l->report) return;
    l->report->lost_bytes += x->to - x->from;
    if (x->first_seq) l->report->lost_batches += x->last_seq - x->first_seq + 1;
    if (x->first_seq && x->first_seq < x->last_seq)
        add(line, &n, ", batches %llu to %llu", U(x->first_seq), U(x->last_seq));
    else if (x->first_seq) add(line, &n, ", batch %llu", U(x->first_seq));
    add(line, &n, ", log offset %llu to at most %llu", U(x->offset), U(x->offset + (x->to - x->from)));
    add_key(line, &n, "behind", x->before);
    add_key(line, &n, "before", x->after);
    buf_printf(&l->losses, "    lost: bytes %llu to %llu%s", U(x->from), U(x->to), line);
    buf_add_char(&l->losses, 0);
}

void aof_report_gap(struct aof_load *l, size_t i)
{
    char path[PATH_MAX];

    aof_load_path(l, i, path);
    report_bad(l->report, "%s: begins at log offset %llu: what was before it, from at least log offset %llu on, is lost",
               path, U(l->heads[i].start), U(l->offset));
}
