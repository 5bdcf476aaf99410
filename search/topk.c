/* topk.c -- see topk.h. */
#include "search/topk.h"

#include "base/mem.h"

void topk_init(struct topk *t, size_t k, bool descending, bool descending_ties)
{
    *t = (struct topk){ .k = k, .descending = descending, .descending_ties = descending_ties };
}

void topk_fini(struct topk *t)
{
    for (size_t i = 0; i < t->n && t->n_texts > 0; i++) mem_free((char *)(uintptr_t)t->items[i].text.p);
    mem_free(t->items);
    *t = (struct topk){ .k = 0 };
}

/* Does a come behind b? */
static bool is_behind(const struct topk *t, const struct ranked *a, const struct ranked *b)
{
    int order = 0;

    if (a->kind == RANK_NUMBER && b->kind == RANK_NUMBER) { /* by far most */
        if (a->number < b->number) return t->descending;
        if (a->number > b->number) return !t->descending;
    }
    if (a->kind == RANK_NOTHING || b->kind == RANK_NOTHING) {
        if (a->kind != b->kind) return a->kind == RANK_NOTHING;
    } else if (a->kind != b->kind) {
        order = a->kind == RANK_TEXT ? 1 : -1;
    } else if (a->kind == RANK_TEXT) {
        order = str_cmp(a->text, b->text);
    }
    if (order != 0) return t->descending ? order < 0 : order > 0;
    return t->descending_ties ? a->doc < b->doc : a->doc > b->doc;
}

static void swap(struct ranked *a, struct ranked *b)
{
    struct ranked c = *a;

    *a = *b;
    *b = c;
}

static void sift_up(struct topk *t, size_t i)
{
    while (i > 0 && is_behind(t, &t->items[i], &t->items[(i - 1) / 2])) {
        swap(&t->items[i], &t->items[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void sift_down(struct topk *t, size_t i, size_t n)
{
    for (;;) {
        size_t last = i, left = 2 * i + 1;

        if (left < n && is_behind(t, &t->items[left], &t->items[last])) last = left;
        if (left + 1 < n && is_behind(t, &t->items[left + 1], &t->items[last])) last = left + 1;
        if (last == i) return;
        swap(&t->items[i], &t->items[last]);
        i = last;
    }
}

static struct ranked own(struct topk *t, const struct ranked *r)
{
    struct ranked kept = *r;

    kept.text = (struct str){ NULL, 0 };
    if (r->kind != RANK_TEXT) return kept;
    kept.text = str_of(mem_dup(r->text.n > 0 ? r->text.p : "", r->text.n), r->text.n);
    t->text_bytes += r->text.n;
    t->n_texts++;
    return kept;
}

void topk_expect(struct topk *t, size_t n)
{
    if (t->room > 0) return;
    t->room = n < t->k ? n : t->k;
    if (t->room > 0) t->items = mem_alloc(t->room * sizeof *t->items);
}

void topk_offer(struct topk *t, const struct ranked *r)
{
    if (t->k == 0) return;
    if (t->n < t->k) {
        if (t->n == t->room) {
            t->room = t->room > 0 ? 2 * t->room : 16;
            if (t->room > t->k) t->room = t->k;
            t->items = mem_realloc(t->items, t->room * sizeof *t->items);
        }
        t->items[t->n++] = own(t, r);
        sift_up(t, t->n - 1);
        return;
    }
    if (!is_behind(t, &t->items[0], r)) return;
    t->text_bytes -= t->items[0].text.n;
    mem_free((char *)(uintptr_t)t->items[0].text.p);
    t->items[0] = own(t, r);
    sift_down(t, 0, t->n);
}

bool topk_order(struct topk *t, size_t n)
{
    for (; n > 0 && t->in_order + 1 < t->n; n--) {
        size_t last = t->n - 1 - t->in_order++;

        swap(&t->items[0], &t->items[last]);
        sift_down(t, 0, last);
    }
    return t->in_order + 1 >= t->n;
}
