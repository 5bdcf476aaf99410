/* cut_string.c -- a large string in pieces: bytes in order, and copies of the chunks that are written over
 * before their turn. What is appended was not there; and a string never gets shorter in place. */
#include "storage/cut_impl.h"

#include "base/mem.h"

static bool is_large(const struct store_cut *c, const struct entry *e)
{
    return entry_enc(e) == ENC_BLOB && ((const struct blob *)entry_ptr(e))->n > c->large_bytes;
}

static void begin(struct cut_value *v)
{
    v->string.n = ((const struct blob *)v->object)->n;
}

static size_t chunk_bytes(const struct cut_value *v, size_t i)
{
    size_t chunk = cut_step_bytes(v->cut), left = v->string.n - i * chunk;

    return left < chunk ? left : chunk;
}

static bool step(struct cut_value *v)
{
    struct cut_string_state *s = &v->string;
    size_t i = s->at / cut_step_bytes(v->cut), n = chunk_bytes(v, i);
    char *kept = s->kept != NULL ? s->kept[i] : NULL;
    const struct blob *b = v->object;

    cut_tell(v, &(struct cut_piece){ .kind = CUT_BYTES, .bytes = str_of(kept != NULL ? kept : b->p + s->at, n) });
    s->at += n;
    if (kept != NULL) {
        s->kept[i] = NULL;
        mem_free(kept);
        cut_keeps_no_more(v, n);
    }
    return s->at < s->n;
}

void cut_string_write(struct cut_value *v, size_t from, size_t to)
{
    struct cut_string_state *s = &v->string;
    size_t chunk = cut_step_bytes(v->cut);
    const struct blob *b = v->object;

    if (from < s->at) from = s->at;
    if (to > s->n) to = s->n;
    if (from >= to) return;
    if (s->kept == NULL) s->kept = mem_zalloc((s->n + chunk - 1) / chunk * sizeof *s->kept);
    for (size_t i = from / chunk; i * chunk < to; i++) {
        size_t n = chunk_bytes(v, i);

        if (s->kept[i] != NULL) continue;
        s->kept[i] = mem_dup(b->p + i * chunk, n);
        cut_keeps(v, n);
    }
}

static void end(struct cut_value *v)
{
    struct cut_string_state *s = &v->string;
    size_t chunk = cut_step_bytes(v->cut);

    for (size_t i = 0; s->kept != NULL && i * chunk < s->n; i++) mem_free(s->kept[i]);
    mem_free(s->kept);
}

const struct cut_kind cut_string = { is_large, begin, step, end };
