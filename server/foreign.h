/* foreign.h -- who speaks another protocol.
 *
 * A web page can make a browser send HTTP to any port, and lines of its body would be commands here. A client
 * that was told to use TLS sends its hello to the wrong port. Neither is answered: the first request that
 * shows it ends the connection, and nothing behind it runs. POST and Host: are looked for in every request, as
 * Redis does; the rest only where a request is a line of text. */
#ifndef MEMD_SERVER_FOREIGN_H
#define MEMD_SERVER_FOREIGN_H

#include "server/client.h"

/* The bytes in front of c, which are no multibulk, begin a TLS hello. */
bool foreign_tls(const char *p, size_t n);

/* A line of text is the first of an HTTP request. */
bool foreign_http(size_t argc, const struct str *argv);

/* The word of an unknown command is one that HTTP alone has. */
bool foreign_word(struct str word);

/* Close c without a word; a line of the log says why. */
void foreign_close(struct client *c, const char *what);

#endif
