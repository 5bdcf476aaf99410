/* secret.c -- see secret.h. */
#include "server/secret.h"

bool secret_argument(const struct command *cmd, size_t argc, const struct str *argv, size_t i)
{
    if (i == 0) return false;
    if (str_is(argv[0], "auth")) return true;
    if (str_is(argv[0], "hello")) {
        for (size_t k = 2; k < i && k < argc; k++) {
            if (str_is(argv[k], "auth") && i <= k + 2) return true;
        }
    }
    if (str_is(argv[0], "config") && strcmp(cmd->name, "set") == 0 && i >= 3 && i % 2 == 1) {
        return str_is(argv[i - 1], "requirepass") || str_is(argv[i - 1], "masterauth");
    }
    return false;
}
