/* dump_payload.h -- a payload of DUMP that grows while its job goes on (commands/job.h). */
#ifndef MEMD_SERVER_DUMP_PAYLOAD_H
#define MEMD_SERVER_DUMP_PAYLOAD_H

#include "commands/job_rows.h"
#include "persistence/rdb_write.h"

/* Zeroed but for bytes.compress. */
struct dump_payload {
    struct rdb_out bytes; /* not yet in the reply: what writes the value adds to it */
    struct buf scratch;
    uint64_t crc;
    size_t n;             /* bytes in the reply */
};

void dump_payload_fini(struct dump_payload *p);

/* What has been put down goes to the reply when it is much. True: it has. */
bool dump_payload_told(struct dump_payload *p, struct job_rows *told);

/* The rest, the version, and the checksum of all before it; then what ends a bulk of RESP. */
void dump_payload_end(struct dump_payload *p, struct job_rows *told, int version);

/* The reply, behind its head. */
void dump_payload_reply(struct dump_payload *p, struct job_rows *told, struct reply *out, struct reply_pieces *pieces);

#endif
