/* geo.h -- what the commands on places share. */
#ifndef MEMD_COMMANDS_GEO_H
#define MEMD_COMMANDS_GEO_H

#include "commands/command.h"
#include "storage/geo.h"

/* Arguments i and i + 1 as longitude and latitude. ERR_NOT_FLOAT, or CALL_REPLIED_ERROR for what is not
 * on the map. */
enum err MUST_USE geo_parse_point(struct call *c, size_t i, struct geo_point *p);

/* Metres in the unit that argument i names. ERR_GEO_UNIT. */
enum err MUST_USE geo_parse_unit(const struct call *c, size_t i, double *metres);

/* A distance with four digits after the point; a place as two numbers of 17. */
void geo_reply_distance(struct reply *r, double v);
void geo_reply_point(struct reply *r, struct geo_point p);

/* Words of the units, for COMMAND DOCS. */
extern const struct command_arg geo_unit_args[];

#endif
