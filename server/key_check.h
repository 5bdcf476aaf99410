/* key_check.h -- keys that a handler looks up are keys that were checked.
 *
 * ACL rules, WATCH, cluster slots and tracking all take a request's keys from its row (command_keys); the handler
 * parses the request on its own. Where the two differ a user reaches keys that nobody has asked about. In builds
 * under AddressSanitizer the store tells of each lookup by name, and one of a key that the row does not name is a
 * bug: memd stops. In other builds there is nothing of this. */
#ifndef MEMD_SERVER_KEY_CHECK_H
#define MEMD_SERVER_KEY_CHECK_H

#include "server/server.h"

#ifdef STORE_TELLS_LOOKUPS

/* The call that runs, on the stack of dispatch_call. */
struct key_check {
    const struct command *cmd;
    size_t argc;
    const struct str *argv;
    struct key_check *outer; /* of the script or EXEC that it is a part of */
};

void key_check_begin(struct server *s, struct key_check *k, const struct command *cmd, size_t argc,
                     const struct str *argv);
void key_check_end(struct server *s, struct key_check *k);

#else

struct key_check {
    char nothing;
};
#define key_check_begin(s, k, cmd, argc, argv) ((void)(k))
#define key_check_end(s, k) ((void)(k))

#endif

#endif
