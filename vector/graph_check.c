/* graph_check.c -- what must hold of a graph. */
#include "base/ensure.h"
#include "vector/graph.h"

void graph_check(const struct graph *g)
{
    uint32_t n = 0;
    unsigned highest = 0;

    for (uint32_t slot = 0; slot < rows_end(g->rows); slot++) {
        ensure(graph_has(g, slot) == rows_live(g->rows, slot));
        if (!graph_has(g, slot)) continue;
        n++;

        unsigned level = graph_node(g, slot)->level;

        if (level > highest) highest = level;
        for (unsigned l = 0; l <= level; l++) {
            const struct links *links = graph_links(g, slot, l);

            ensure(links->n <= graph_most(g, l));
            for (uint32_t i = 0; i < links->n; i++) {
                uint32_t to = links->at[i].to;

                ensure(to != slot && graph_has(g, to) && graph_node(g, to)->level >= l);
                ensure(graph_linked(graph_links(g, to, l), slot));
                for (uint32_t j = 0; j < i; j++) ensure(links->at[j].to != to);
            }
            if (l == 0) ensure(links->n > 0 || g->rows->n == 1);
        }
    }
    ensure(n == g->rows->n);
    ensure(n == 0 ? g->entry == ROWS_NONE : graph_node(g, g->entry)->level == highest);
}
