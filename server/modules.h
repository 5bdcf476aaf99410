/* modules.h -- what is a module elsewhere and a part of memd: clients look for it before they use its commands. */
#ifndef MEMD_SERVER_MODULES_H
#define MEMD_SERVER_MODULES_H

#include "commands/command.h"

struct module {
    const char *name;
    int version;
};

enum { N_MODULES = 3 };
extern const struct module modules[N_MODULES];

/* As MODULE LIST and HELLO tell them. */
void modules_reply(struct reply *out);

#endif
