/* fold.h -- small letters of UTF-8: values of TAG fields are compared without regard to case. Accents stay. */
#ifndef MEMD_SEARCH_FOLD_H
#define MEMD_SEARCH_FOLD_H

#include "base/buf.h"

/* Append s in small letters; what is no UTF-8 stays as it is. Room for FOLD_ROOM bytes more is asked for. */
enum { FOLD_ROOM = 8 };
void fold_case(struct str s, struct buf *out);

#endif
