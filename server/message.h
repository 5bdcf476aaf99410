/* message.h -- one message that many clients are sent.
 *
 * Its bytes are as they leave, and lie there once: each client who is to have it holds a reference until it is sent. To fifty who
 * do not read, a message of 4 KB was 200 KB to be copied into pages that were touched for that. Another thread may drop a
 * reference (client_drop_output). */
#ifndef MEMD_SERVER_MESSAGE_H
#define MEMD_SERVER_MESSAGE_H

#include "base/buf.h"

struct client;
struct message;

/* Shorter ones are copied: a piece of what a client waits for takes some 50 bytes, and is sent for itself. */
enum { MESSAGE_SHARED = 1024 };

/* Take the bytes of b, which is empty then. The caller has the first reference. */
struct message *message_take(struct buf *b);

/* Another reference. */
struct message *message_hold(struct message *m);

/* Give one up; *m is NULL then. The last one frees it. */
void message_drop(struct message **m);

struct str message_bytes(const struct message *m);

/* c is sent m, behind all that it waits for: as client_push_begin and client_push_end do. Within a request of another client: outside
 * of any, and where c's own reply may be half written, it is false, and c needs a copy. */
bool client_push_message(struct client *c, struct message *m);

#endif
