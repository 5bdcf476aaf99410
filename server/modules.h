/* modules.h -- what is a module elsewhere and a part of memd: the versions that clients ask for. */
#ifndef MEMD_SERVER_MODULES_H
#define MEMD_SERVER_MODULES_H

enum { MODULE_JSON_VERSION = 20803 }; /* ReJSON 2.8.3: it has MERGE and MSET */

#endif
