/* list.h -- an intrusive doubly linked ring (the Linux kernel's form).
 *
 * A struct link sits inside what is listed; the list itself is a link that heads the ring. */
#ifndef MEMD_BASE_LIST_H
#define MEMD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

/* The struct of type T whose member M is the link l. */
#define LINK_OF(l, T, M) ((T *)((char *)(l)-offsetof(T, M)))

static inline void link_init(struct link *l)
{
    l->prev = l->next = l;
}

/* True for an empty head, and for a link that is in no list. */
static inline bool link_alone(const struct link *l)
{
    return l->next == l;
}

static inline void link_add_tail(struct link *head, struct link *l)
{
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Take l out of its list; harmless when it is in none. */
static inline void link_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    link_init(l);
}

/* Move l, which is in the list, to its end. */
static inline void link_to_tail(struct link *head, struct link *l)
{
    link_remove(l);
    link_add_tail(head, l);
}

#define LINK_EACH(head, it) for (struct link *it = (head)->next; it != (head); it = it->next)

#endif
