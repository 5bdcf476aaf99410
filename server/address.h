/* address.h -- where a connection comes from, noted when it was accepted. Of one that the other side has reset the kernel
 * does not tell any more; what it had sent is still there, and is run. */
#ifndef MEMD_SERVER_ADDRESS_H
#define MEMD_SERVER_ADDRESS_H

#include <stdint.h>

struct sockaddr;

struct address {
    uint16_t family; /* AF_INET, AF_INET6, AF_UNIX; 0: from nowhere */
    uint16_t port;
    uint8_t ip[16];  /* the first four for AF_INET */
};

enum { ADDRESS_NAME_MAX = 64 };

struct address address_of(const struct sockaddr *a);

/* "ip:port", "[ip]:port" for IPv6; "?:0" for any other. */
void address_name(const struct address *p, char out[ADDRESS_NAME_MAX]);

#endif
