/* aof_report.h -- how a log's files are told of; for aof_load.c. Nothing is told without a report. */
#ifndef MEMD_PERSISTENCE_AOF_REPORT_H
#define MEMD_PERSISTENCE_AOF_REPORT_H

#include "persistence/aof_load.h"

/* Increment i has been read by r, which ended so. */
void aof_report_file(struct aof_load *l, size_t i, const struct aof_reader *r, enum aof_end end);

/* A base that is sound; r read its commands, NULL: it has none. */
void aof_report_base(struct aof_load *l, const struct source *s, const struct aof_reader *r);

/* Increment i is torn at good_pos. */
void aof_report_torn(struct aof_load *l, size_t i, uint64_t good_pos, const char *reason);

/* A part of the file being read is lost. */
void aof_report_loss(struct aof_load *l, const struct aof_loss *x);

/* What the log held between its end so far and the beginning of increment i is missing. */
void aof_report_gap(struct aof_load *l, size_t i);

#endif
