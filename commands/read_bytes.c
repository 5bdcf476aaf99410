#include "commands/read_bytes.h"

#include "base/mem.h"

enum { CHUNK = 64 * 1024 };

struct bytes_job {
    struct read_job base;
    struct str left;
    size_t n;
};

static void head(const struct read_job *j, struct reply *out, size_t n)
{
    (void)n;
    buf_printf(out->out, "$%zu\r\n", ((const struct bytes_job *)j)->n);
}

static bool next(struct read_job *j, struct reply *out)
{
    struct bytes_job *b = (struct bytes_job *)j;
    size_t n = b->left.n < CHUNK ? b->left.n : CHUNK;

    if (n == 0) return false;
    reply_raw(out, b->left.p, n);
    b->left = str_of(b->left.p + n, b->left.n - n);
    if (b->left.n == 0) reply_raw(out, "\r\n", 2);
    return true;
}

enum err read_bytes(struct call *c, const struct entry *e, struct str bytes)
{
    struct bytes_job *b = mem_zalloc(sizeof *b);

    ensure(bytes.n > 0);
    b->base.next = next;
    b->base.head = head;
    b->left = bytes;
    b->n = bytes.n;
    return read_job_run(c, &b->base, entry_ptr(e));
}
