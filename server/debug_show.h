/* debug_show.h -- the parts of DEBUG that look and change nothing. */
#ifndef MEMD_SERVER_DEBUG_SHOW_H
#define MEMD_SERVER_DEBUG_SHOW_H

#include "commands/command.h"

enum err debug_object(struct call *c);
enum err debug_jmap(struct call *c);
enum err debug_protocol(struct call *c);
enum err debug_htstats(struct call *c);
enum err debug_htstats_key(struct call *c);
enum err debug_listpack(struct call *c);
enum err debug_quicklist(struct call *c);
enum err debug_sdslen(struct call *c);
enum err debug_structsize(struct call *c);
enum err debug_between(struct call *c);

#endif
