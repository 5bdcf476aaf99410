/* audit.h -- who did what: requests told to the archive's audit log, where a namespace asks for it
 * (persistence/archive_audit.h has the table). */
#ifndef MEMD_SERVER_AUDIT_H
#define MEMD_SERVER_AUDIT_H

#include "server/client.h"

/* A request has run. One record for each namespace that it touched keys of, if that namespace audits reads or
 * writes, as the command is one or the other; one without a namespace for an administrator's command, if any
 * namespace audits these. What a script or a transaction runs is told command by command, in the name of who sent
 * it. Within the command's group of the log, so that an effect and its record come or go together. */
void audit_request(struct client *asker, int db, const struct command_ref *ref, size_t argc, const struct str *argv, bool failed);

#endif
