#include "base/err.h"

#include <stddef.h>

static const char *const texts[ERR_COUNT] = {
#define ERR_TEXT(code, text) [code] = text,
    ERR_TABLE(ERR_TEXT)
#undef ERR_TEXT
};

const char *err_text(enum err e)
{
    return (unsigned)e < ERR_COUNT ? texts[e] : NULL;
}
