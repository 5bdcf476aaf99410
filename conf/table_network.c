/* table_network.c -- settings of listening and of clients. */
#include "conf/table.h"

static const char *settle_bind(void *field, bool at_start)
{
    (void)at_start;
    return ((struct conf_list *)field)->n > 16 ? "Too many bind addresses specified." : NULL;
}

const struct setting network_settings[] = {
    { "bind", KIND(kind_list, bind), .initial = "127.0.0.1 -::1",
      .flags = SETTING_MULTI | SETTING_DROP, .settle = settle_bind,
      .accepts = "up to 16 addresses, or \"\"",
      .doc = "Addresses to listen on. A - before an address means that memd starts without it when "
             "this machine does not have it. * stands for all IPv4 addresses, ::* for all IPv6 "
             "ones. The default serves this machine alone; before you add an address that others "
             "can reach, set a password." },
    { "port", INT(port, 0, 65535), .initial = "6379",
      .doc = "TCP port. With 0 memd does not listen on TCP." },
    { "protected-mode", BOOL(protected_mode), .initial = "yes",
      .doc = "While the default user has no password, refuse clients from other machines, whatever "
             "bind says. Turn this off only where a network that you trust does the work of a "
             "password." },
    { "unixsocket", TEXT(unixsocket), .initial = "", .flags = SETTING_IMMUTABLE | SETTING_DROP,
      .example = "/run/memd/memd.sock", .doc = "Path of a Unix socket to listen on as well." },
    { "unixsocketperm", INT(unixsocketperm, 0, 0777), .initial = "0",
      .flags = SETTING_OCTAL, .unit = "mode bits",
      .doc = "Permissions of the Unix socket, in octal: 770, say. 0 leaves them as they are: to the umask." },
    { "tcp-backlog", INT(tcp_backlog, 0, INT_MAX), .initial = "4096",
      .unit = "connections",
      .doc = "Connections that may wait to be accepted. The kernel allows no more than "
             "net.core.somaxconn." },
    { "max-new-connections-per-cycle", INT(max_new_connections_per_cycle, 1, 1000), .initial = "10",
      .unit = "connections",
      .doc = "New connections that are accepted between two rounds of requests, so that a storm of "
             "them does not hold up the clients that are there." },
    { "tcp-keepalive", INT(tcp_keepalive, 0, INT_MAX), .initial = "300", .unit = "seconds",
      .doc = "Probe a silent connection after so many seconds, so that a peer that is gone is "
             "noticed and firewalls keep the connection open. 0: never." },
    { "timeout", INT(timeout, 0, INT_MAX), .initial = "0", .unit = "seconds",
      .doc = "Close a connection that sent nothing for so many seconds. Subscribers and clients "
             "blocked in a command are spared. 0: never." },
    { 0 },
};

const struct setting client_settings[] = {
    { "maxclients", INT(maxclients, 1, UINT_MAX), .initial = "10000", .unit = "clients",
      .doc = "Clients at one time. Those above it get an error and are closed. Each takes a file "
             "descriptor: memd raises its limit at the start, and says so where the system does "
             "not allow it." },
    { "client-query-buffer-limit", BYTES(client_query_buffer_limit, 1024 * 1024, LONG_MAX),
      .initial = "1gb",
      .doc = "A client that has sent more than this without completing a request is closed." },
    { "proto-max-bulk-len", BYTES(proto_max_bulk_len, 1024 * 1024, LONG_MAX), .initial = "512mb",
      .doc = "Size of one argument of a request, and so of one string value." },
    { "client-output-buffer-limit", KIND(kind_limits, client_output_buffer_limit),
      .initial = "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60", .flags = SETTING_MULTI,
      .doc = "What may wait to be sent to a client, by class: normal, replica or pubsub. A client "
             "is closed when it reaches the first number of bytes, or when it stays above the "
             "second for so many seconds. 0: no limit; then while more than 1 MB of replies waits, the "
             "client's next requests wait as well, up to 256 KB of them. Several classes may stand in "
             "one line." },
    { "maxmemory-clients", BYTES(maxmemory_clients, -100, INT64_MAX), .initial = "0",
      .flags = SETTING_PERCENT,
      .doc = "What the buffers of all clients together may take: bytes, or a percentage of "
             "maxmemory as in 5%. Above it the clients with the largest buffers are closed. 0: no "
             "limit but this: while memory is above maxmemory and clients have more than an eighth "
             "of it (and 32 MB), those that do not read their replies or do not finish their "
             "requests are closed, before more keys have to go; above half of it (and 64 MB), those "
             "that have asked for many things at once. Where no key may go these, and those whose "
             "requests are not finished, are closed when memory is a sixteenth above maxmemory and "
             "clients have more than keys leave of it (and 32 MB)." },
    { "tracking-table-max-keys", INT(tracking_table_max_keys, 0, LONG_MAX), .initial = "1000000",
      .unit = "keys",
      .doc = "Keys remembered for clients that cache on their side (CLIENT TRACKING). When there "
             "are more, some clients are told to forget keys that did not change. 0: no limit." },
    { "busy-reply-threshold", INT(busy_reply_threshold, 0, LONG_MAX), .alias = "lua-time-limit",
      .initial = "5000", .unit = "milliseconds",
      .doc = "A script that runs for longer can be killed by other clients, which until then are "
             "answered with BUSY." },
    { 0 },
};
