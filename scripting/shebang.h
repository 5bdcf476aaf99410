/* shebang.h -- the first line of a script: "#!lua flags=no-writes,allow-oom". */
#ifndef MEMD_SCRIPTING_SHEBANG_H
#define MEMD_SCRIPTING_SHEBANG_H

#include "base/buf.h"
#include "base/ensure.h"

struct shebang {
    bool declared;   /* there is such a line */
    unsigned flags;  /* enum script_flag */
    struct str body; /* from the end of that line on, so that lines keep their numbers */
};

/* Read what text begins with; on failure why gets the text of the error, without code word. */
bool MUST_USE shebang_read(struct shebang *s, struct str text, struct buf *why);

#endif
