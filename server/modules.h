/* modules.h -- what is a module elsewhere and a part of memd: clients look for it before they use its commands. */
#ifndef MEMD_SERVER_MODULES_H
#define MEMD_SERVER_MODULES_H

#include "commands/command.h"

struct module {
    const char *name;
    int version;
    uint32_t groups;  /* of commands that are its: bit by enum command_group */
};

enum { N_MODULES = 3 };
extern const struct module modules[N_MODULES];

/* Is cmd one of the module of that name, as elsewhere? */
bool modules_has(struct str module, const struct command *cmd);

/* As MODULE LIST and HELLO tell them. */
void modules_reply(struct reply *out);

#endif
