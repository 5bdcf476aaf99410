/* manifest.c -- the list of the AOF's files: text form, changes, durable replacement. */
#include "persistence/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/crc.h"
#include "base/mem.h"
#include "base/num.h"
#include "persistence/file_ops.h"

enum {
    LINE_MAX_BYTES = 2048, /* a name of NAME_MAX bytes, each written as four, fits */
    NAME_MAX_BYTES = 255
};

static const char sum_word[] = "#memd manifest ";

void manifest_fini(struct manifest *m)
{
    for (size_t i = 0; i < m->n; i++) mem_free(m->files[i].name);
    mem_free(m->files);
    *m = (struct manifest){ 0 };
}

/* Bases and increments are told apart by name alone, once they are history. */
static bool is_incr_name(const char *name)
{
    struct str s = str_c(name), end = STR(".incr.aof");

    return s.n >= end.n && str_eq(str_of(s.p + s.n - end.n, end.n), end);
}

static void insert(struct manifest *m, size_t at, struct str name, uint64_t seq, char type)
{
    struct manifest_file *f;
    uint64_t *last;

    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->files = mem_realloc(m->files, m->cap * sizeof *m->files);
    }
    f = m->files + at;
    memmove(f + 1, f, (m->n - at) * sizeof *f);
    m->n++;
    f->name = mem_alloc(name.n + 1);
    memcpy(f->name, name.p, name.n);
    f->name[name.n] = 0;
    f->seq = seq;
    f->type = type;
    /* History counts as well: its files are there, and a new one must not get a name of theirs. */
    last = type == 'i' || (type == 'h' && is_incr_name(f->name)) ? &m->incr_seq : &m->base_seq;
    if (seq > *last) *last = seq;
}

void manifest_copy(struct manifest *to, const struct manifest *from)
{
    *to = (struct manifest){ 0 };
    for (size_t i = 0; i < from->n; i++)
        insert(to, i, str_c(from->files[i].name), from->files[i].seq, from->files[i].type);
    to->base_seq = from->base_seq;
    to->incr_seq = from->incr_seq;
}

const struct manifest_file *manifest_base(const struct manifest *m)
{
    return m->n && m->files[0].type == 'b' ? &m->files[0] : NULL;
}

/* Where the increments begin: they stand last. */
static size_t incr_at(const struct manifest *m)
{
    size_t i = m->n;

    while (i && m->files[i - 1].type == 'i') i--;
    return i;
}

size_t manifest_n_incr(const struct manifest *m)
{
    return m->n - incr_at(m);
}

const struct manifest_file *manifest_incr(const struct manifest *m, size_t i)
{
    return &m->files[incr_at(m) + i];
}

void manifest_add_base(struct manifest *m, const char *name, uint64_t seq)
{
    if (manifest_base(m)) {
        struct manifest_file old = m->files[0];
        size_t last = incr_at(m) - 1;

        old.type = 'h';
        memmove(m->files, m->files + 1, last * sizeof old);
        m->files[last] = old;
    }
    insert(m, 0, str_c(name), seq, 'b');
}

void manifest_add_incr(struct manifest *m, const char *name, uint64_t seq)
{
    insert(m, m->n, str_c(name), seq, 'i');
}

void manifest_retire(struct manifest *m, uint64_t seq)
{
    for (size_t i = incr_at(m); i < m->n && m->files[i].seq < seq; i++) m->files[i].type = 'h';
}

void manifest_drop_after(struct manifest *m, uint64_t seq)
{
    while (m->n && m->files[m->n - 1].type == 'i' && m->files[m->n - 1].seq > seq)
        mem_free(m->files[--m->n].name);
}

size_t manifest_previous(const struct manifest *m)
{
    size_t at = m->n;

    for (size_t i = 0; i < m->n; i++)
        if (m->files[i].type == 'h' && !is_incr_name(m->files[i].name)) at = i;
    return at;
}

void manifest_forget(struct manifest *m, size_t end)
{
    size_t to = 0;

    for (size_t i = 0; i < m->n; i++) {
        if (i < end && m->files[i].type == 'h') mem_free(m->files[i].name);
        else m->files[to++] = m->files[i];
    }
    m->n = to;
}

bool manifest_fall_back(const struct manifest *m, struct manifest *out, size_t *n_old)
{
    size_t at = manifest_previous(m), incrs = incr_at(m);

    if (at == m->n) return false;
    for (size_t i = at + 2; i < m->n; i++)
        if (m->files[i].seq <= m->files[i - 1].seq) return false; /* another server's history */
    *out = (struct manifest){ 0 };
    *n_old = incrs - at - 1;
    insert(out, 0, str_c(m->files[at].name), m->files[at].seq, 'b');
    for (size_t i = at + 1; i < m->n; i++) insert(out, out->n, str_c(m->files[i].name), m->files[i].seq, 'i');
    out->base_seq = m->base_seq;
    out->incr_seq = m->incr_seq;
    return true;
}

/* --- text ----------------------------------------------------------------------------------------- */

static bool plain_char(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\';
}

static void add_name(struct buf *out, struct str name)
{
    bool plain = name.n > 0;

    for (size_t i = 0; i < name.n; i++) plain = plain && plain_char((unsigned char)name.p[i]);
    if (plain) {
        buf_add_str(out, name);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (c == ' ' || plain_char(c) || c == '\'') buf_add_char(out, (char)c);
        else if (c == '"' || c == '\\') buf_printf(out, "\\%c", c);
        else buf_printf(out, "\\x%02x", c);
    }
    buf_add_char(out, '"');
}

void manifest_format(const struct manifest *m, struct buf *out)
{
    struct buf lines = { 0 };

    for (size_t i = 0; i < m->n; i++) {
        const struct manifest_file *f = &m->files[i];

        buf_add_c(&lines, "file ");
        add_name(&lines, str_c(f->name));
        buf_printf(&lines, " seq %llu type %c\n", (unsigned long long)f->seq, f->type);
    }
    buf_printf(out, "%s%08x\n", sum_word, crc32c(0, lines.p, lines.n));
    buf_add_str(out, buf_str(&lines));
    buf_fini(&lines);
}

/* One word from *at on, unquoted into out; false at a broken quote. An empty result with *at at the end
 * means that there was none. */
static bool next_word(struct str line, size_t *at, char *out, size_t *n)
{
    char quote = 0;

    *n = 0;
    while (*at < line.n && (line.p[*at] == ' ' || line.p[*at] == '\t')) (*at)++;
    if (*at < line.n && (line.p[*at] == '"' || line.p[*at] == '\'')) quote = line.p[(*at)++];
    while (*at < line.n) {
        char c = line.p[(*at)++];

        if (quote ? c == quote : c == ' ' || c == '\t') {
            return !quote || *at == line.n || line.p[*at] == ' ' || line.p[*at] == '\t';
        }
        if (quote == '"' && c == '\\' && *at < line.n) {
            c = line.p[(*at)++];
            if (c == 'x' && line.n - *at >= 2 && num_hex_digit(line.p[*at]) >= 0 && num_hex_digit(line.p[*at + 1]) >= 0) {
                c = (char)(num_hex_digit(line.p[*at]) << 4 | num_hex_digit(line.p[*at + 1]));
                *at += 2;
            } else if (c == 'n') c = '\n';
            else if (c == 'r') c = '\r';
            else if (c == 't') c = '\t';
        }
        out[(*n)++] = c;
    }
    return !quote;
}

static bool good_name(struct str name)
{
    if (name.n == 0 || name.n > NAME_MAX_BYTES || memchr(name.p, '/', name.n) || memchr(name.p, 0, name.n)) return false;
    return !str_eq(name, STR(".")) && !str_eq(name, STR(".."));
}

static const char *parse_line(struct manifest *m, struct str line)
{
    char word[LINE_MAX_BYTES], name[LINE_MAX_BYTES];
    size_t at = 0, n, name_n = 0;
    uint64_t seq = 0;
    char type = 0;
    int words = 0;

    for (;;) {
        char key;

        if (!next_word(line, &at, word, &n)) return "unbalanced quotes";
        if (n == 0) break;
        key = str_is(str_of(word, n), "file") ? 'f' : str_is(str_of(word, n), "seq") ? 's'
            : str_is(str_of(word, n), "type") ? 't' : '?';
        if (!next_word(line, &at, word, &n) || n == 0) return "a word without its value";
        words++;
        if (key == 'f') memcpy(name, word, name_n = n);
        if (key == 's' && !num_parse_u64(str_of(word, n), &seq)) return "seq is no number";
        if (key == 't') type = n == 1 ? word[0] : '?';
    }
    if (words < 3 || name_n == 0 || seq == 0 || type == 0) return "file, seq and type are required";
    if (!good_name(str_of(name, name_n))) return "a file name that is none";
    switch (type) {
    case 'b':
        if (manifest_base(m)) return "two base files";
        insert(m, 0, str_of(name, name_n), seq, 'b');
        return NULL;
    case 'h':
        insert(m, incr_at(m), str_of(name, name_n), seq, 'h');
        return NULL;
    case 'i':
        if (m->n && m->files[m->n - 1].type == 'i' && seq <= m->files[m->n - 1].seq) return "seq of increments must rise";
        insert(m, m->n, str_of(name, name_n), seq, 'i');
        return NULL;
    default:
        return "type must be b, h or i";
    }
}

static int by_name(const void *a, const void *b)
{
    const struct manifest_file *x = *(const struct manifest_file *const *)a, *y = *(const struct manifest_file *const *)b;

    return strcmp(x->name, y->name);
}

/* History is deleted: it must not be what counts under the same name. */
static bool names_differ(const struct manifest *m)
{
    const struct manifest_file **sorted = mem_alloc((m->n + 1) * sizeof(struct manifest_file *));
    bool differ = true;

    for (size_t i = 0; i < m->n; i++) sorted[i] = &m->files[i];
    qsort(sorted, m->n, sizeof *sorted, by_name);
    for (size_t i = 1; i < m->n && differ; i++) differ = strcmp(sorted[i - 1]->name, sorted[i]->name) != 0;
    mem_free(sorted);
    return differ;
}

static bool has_sum(struct str text)
{
    return text.n >= sizeof sum_word - 1 && memcmp(text.p, sum_word, sizeof sum_word - 1) == 0;
}

/* Is the text what its first line says? It is the first, so that a text that has lost its end still has it. */
static bool sum_ok(struct str text)
{
    size_t word = sizeof sum_word - 1, line = word + 9;
    char want[16];

    if (!has_sum(text)) return true; /* another server's manifest */
    if (text.n < line) return false;
    snprintf(want, sizeof want, "%08x\n", crc32c(0, text.p + line, text.n - line));
    return memcmp(want, text.p + word, 9) == 0;
}

enum err manifest_parse(struct manifest *m, struct str text, int *line, const char **reason)
{
    size_t at = 0;

    *line = 0;
    *reason = NULL;
    if (text.n == 0) *reason = "it is empty";
    if (!sum_ok(text)) *reason = "its checksum is wrong";
    while (at < text.n && !*reason) {
        const char *from = text.p + at, *end = memchr(from, '\n', text.n - at);
        size_t n = end ? (size_t)(end - from) : text.n - at;

        ++*line;
        at += n + 1;
        if (n && from[0] == '#') continue;
        while (n && (from[n - 1] == '\r' || from[n - 1] == ' ' || from[n - 1] == '\t')) n--;
        if (!end) *reason = "the last line is cut short";
        else if (n >= LINE_MAX_BYTES) *reason = "a line is too long";
        else if (n == 0) *reason = "an empty line";
        else *reason = parse_line(m, str_of(from, n));
    }
    if (!*reason && !names_differ(m)) *reason = "a file that occurs twice";
    /* Only memd, which begins so, writes one of no files. */
    if (!*reason && m->n == 0 && !has_sum(text)) *reason = "it names no files";
    if (!*reason) return OK;
    manifest_fini(m);
    return ERR_FORMAT;
}

/* --- disk ------------------------------------------------------------------------------------------- */

enum err manifest_write(const struct manifest *m, const struct file_ops *ops, const char *dir,
                        const char *name)
{
    char tmp[PATH_MAX], path[PATH_MAX];
    struct buf text = { 0 };
    int fd, r, saved;

    if (snprintf(tmp, sizeof tmp, "%s/temp-%s", dir, name) >= PATH_MAX ||
        snprintf(path, sizeof path, "%s/%s", dir, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    fd = ops->open(ops->ctx, tmp, O_WRONLY | O_CREAT | O_TRUNC);
    if (fd == -1) return ERR_IO;
    manifest_format(m, &text);
    r = file_write_all(ops, fd, text.p, text.n, NULL);
    buf_fini(&text);
    if (r == 0) r = ops->sync(ops->ctx, fd);
    saved = errno;
    if (ops->close(ops->ctx, fd) != 0 && r == 0) {
        r = -1;
        saved = errno;
    }
    errno = saved;
    if (r == 0) r = ops->rename(ops->ctx, tmp, path);
    if (r == 0) return ops->sync_dir(ops->ctx, dir) == 0 ? OK : ERR_IO;
    saved = errno;
    ops->unlink(ops->ctx, tmp);
    errno = saved;
    return ERR_IO;
}
