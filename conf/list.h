/* list.h -- struct conf_list, a list of texts that owns them. */
#ifndef MEMD_CONF_LIST_H
#define MEMD_CONF_LIST_H

#include "conf/conf.h"

/* Append a copy of text. */
void conf_list_add(struct conf_list *l, struct str text);

/* Free all; the list is empty and usable after. */
void conf_list_fini(struct conf_list *l);

#endif
