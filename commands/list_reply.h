/* list_reply.h -- elements of lists as replies. */
#ifndef MEMD_COMMANDS_LIST_REPLY_H
#define MEMD_COMMANDS_LIST_REPLY_H

#include "commands/command.h"
#include "storage/type_list.h"

/* An array of elements start..stop, which are in the list. */
void reply_list_range(struct reply *r, const struct list *l, uint64_t start, uint64_t stop);

/* An array of n > 0 elements from an end, the outermost first, which is the order of popping. */
void reply_list_end(struct reply *r, const struct list *l, enum list_end end, uint64_t n);

#endif
