/* nearest.c -- the distance of two names is how many letters are to be added, dropped, or replaced to make one of the
 * other. Two letters, or a quarter of the name, are a slip; more is another word. */
#include "conf/nearest.h"

#include <ctype.h>

#include "conf/setting.h"

enum { NAME_MAX_BYTES = 64 };

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(struct str a, struct str b)
{
    int row[NAME_MAX_BYTES + 1];

    if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES) return NAME_MAX_BYTES;
    for (size_t j = 0; j <= b.n; j++) row[j] = (int)j;
    for (size_t i = 1; i <= a.n; i++) {
        int before = row[0]; /* of the row above, one to the left */

        row[0] = (int)i;
        for (size_t j = 1; j <= b.n; j++) {
            int above = row[j];
            bool same = tolower((unsigned char)a.p[i - 1]) == b.p[j - 1];

            row[j] = least(least(above + 1, row[j - 1] + 1), before + !same);
            before = above;
        }
    }
    return row[b.n];
}

const char *conf_nearest(struct str asked)
{
    int best = asked.n / 4 > 2 ? (int)(asked.n / 4) + 1 : 3; /* one more than is taken */
    const char *found = NULL;

    best = least(best, (int)asked.n); /* nothing is like what shares no letter with it */
    for (size_t i = 0; i < setting_count(); i++) {
        const struct setting *s = setting_at(i);
        const char *names[] = { s->name, s->alias };

        for (int k = 0; k < 2 && !(s->flags & SETTING_HIDDEN); k++) {
            int d = names[k] ? distance(asked, str_c(names[k])) : best;

            if (d >= best) continue;
            best = d;
            found = names[k];
        }
    }
    return found;
}
