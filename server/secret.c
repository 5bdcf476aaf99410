/* secret.c -- see secret.h. */
#include "server/secret.h"

#include "conf/conf.h"

bool secret_argument(const struct command *cmd, size_t argc, const struct str *argv, size_t i)
{
    if (i == 0) return false;
    if (strcmp(cmd->name, "auth") == 0) return true;
    if (strcmp(cmd->name, "setuser") == 0) return i >= 2;
    if (strcmp(cmd->name, "hello") == 0) {
        for (size_t k = 2; k < i && k < argc; k++) {
            if (str_is(argv[k], "auth") && i <= k + 2) return true;
        }
    }
    if (strcmp(cmd->name, "migrate") == 0) {
        for (size_t k = 6; k < i && k < argc && !str_is(argv[k], "keys"); k++) {
            if ((str_is(argv[k], "auth") && i == k + 1) || (str_is(argv[k], "auth2") && i <= k + 2)) return true;
        }
    }
    /* CONFIG SET: the only command of this name about the server. */
    if (strcmp(cmd->name, "set") == 0 && cmd->group == GROUP_SERVER && i >= 3 && i % 2 == 1) {
        return conf_is_secret(argv[i - 1]);
    }
    return false;
}

bool secret_possible(const struct command *cmd)
{
    return (cmd->flags & SECRET_FLAGS) || (cmd->group == GROUP_GENERIC && strcmp(cmd->name, "migrate") == 0);
}

void secret_wipe(const struct command *cmd, size_t argc, const struct str *argv)
{
    if (LIKELY(!(cmd->flags & SECRET_FLAGS) && cmd->group != GROUP_GENERIC)) return;
    for (size_t i = argc; i-- > 1;) { /* from behind: the words before an argument tell what it is */
        if (secret_argument(cmd, argc, argv, i)) explicit_bzero((char *)(uintptr_t)argv[i].p, argv[i].n);
    }
}
