/* restore_time.c -- moments as people write them. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/num.h"
#include "persistence/restore_to.h"

enum { TEXT_MAX = 64 };

/* Above this a number is milliseconds: 1e11 s is the year 5138. */
static const int64_t seconds_max = INT64_C(100000000000);

/* "Z", "+01:00", "-0130": seconds east of Greenwich. */
static bool parse_zone(const char *p, int64_t *east_s)
{
    int sign = *p == '-' ? -1 : 1, d[4], n = 0;

    if ((*p == 'Z' || *p == 'z') && p[1] == 0) {
        *east_s = 0;
        return true;
    }
    if (*p != '+' && *p != '-') return false;
    for (p++; *p; p++) {
        if (*p == ':' && n == 2) continue;
        if (n == 4 || !isdigit((unsigned char)*p)) return false;
        d[n++] = *p - '0';
    }
    if (n != 4 || d[2] > 5) return false;
    *east_s = sign * ((d[0] * 10 + d[1]) * 3600 + (d[2] * 10 + d[3]) * 60);
    return true;
}

static bool parse_iso(const char *text, int64_t *wall_ms)
{
    struct tm tm = { 0 };
    const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0, unit = 100, east_s;
    int hour = tm.tm_hour, min = tm.tm_min, day = tm.tm_mday;
    time_t t;

    if (!p) return false;
    if (*p == '.') {
        if (!isdigit((unsigned char)*++p)) return false;
        for (; isdigit((unsigned char)*p); p++, unit /= 10) ms += unit * (*p - '0');
    }
    if (!parse_zone(p, &east_s)) return false;
    t = timegm(&tm);
    /* timegm takes the 31st of June for the 1st of July */
    if (tm.tm_mday != day || tm.tm_hour != hour || tm.tm_min != min) return false;
    *wall_ms = ((int64_t)t - east_s) * 1000 + ms;
    return *wall_ms >= 0;
}

bool restore_parse_time(struct str s, int64_t *wall_ms)
{
    char text[TEXT_MAX];
    int64_t n;

    if (num_parse_i64(s, &n)) {
        if (n < 0) return false;
        *wall_ms = n < seconds_max ? n * 1000 : n;
        return true;
    }
    if (s.n >= sizeof text) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return strlen(text) == s.n && parse_iso(text, wall_ms);
}
