#include "commands/random_reply.h"

#include "storage/sample.h"

enum { AT_A_TIME = 16 };

static void look_at_some(struct draw_job *j, struct reply *out)
{
    for (size_t i = 0; i < AT_A_TIME && j->left > 0; i++) {
        bool take = sample_take(j->rng, j->left, j->among--);

        j->look(j, take, out);
        j->left -= take;
    }
}

static void draw_some(struct draw_job *j, struct reply *out)
{
    size_t n = j->left < AT_A_TIME ? j->left : AT_A_TIME;

    j->draw(j, n, out);
    j->left -= n;
}

static bool next(struct read_job *of, struct reply *out)
{
    struct draw_job *j = (struct draw_job *)of;
    size_t before = out->out->n;

    if (j->left == 0) return false;
    if (j->among > 0) look_at_some(j, out);
    else draw_some(j, out);
    j->n_bytes += out->out->n - before;
    if (j->n_bytes <= RANDOM_REPLY_MAX) return true;
    of->told.error = ERR_OUT_OF_RANGE;
    return false;
}

static void head(const struct read_job *of, struct reply *out, size_t n)
{
    const struct draw_job *j = (const struct draw_job *)of;

    (void)n;
    reply_array(out, j->pairs && out->resp == 2 ? 2 * j->wanted : j->wanted);
}

enum err draw_job_run(struct call *c, struct draw_job *j, size_t n, size_t among, bool pairs, const void *object)
{
    j->among = among;
    j->rng = &c->store->rng;
    j->wanted = j->left = n;
    j->pairs = pairs;
    j->base.next = next;
    j->base.head = head;
    return read_job_run(c, &j->base, object);
}
