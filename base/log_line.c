#include "base/log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

/* The end of a line that is being written. What does not fit is left out, whole characters at a time. */
struct pen {
    char *p, *end;
};

static void put(struct pen *w, const char *p, size_t n)
{
    if ((size_t)(w->end - w->p) < n) {
        w->end = w->p; /* nothing more: a shorter piece behind a gap would be a lie */
        return;
    }
    memcpy(w->p, p, n);
    w->p += n;
}

/* --- time ---------------------------------------------------------------------------------------------- */

/* Hours and minutes from UTC, as in +01:30. */
static size_t put_zone(char *out, size_t room, long seconds)
{
    char sign = seconds < 0 ? '-' : '+';
    long minutes = (seconds < 0 ? -seconds : seconds) / 60;

    return (size_t)snprintf(out, room, "%c%02ld:%02ld", sign, minutes / 60 % 100, minutes % 60);
}

static size_t put_stamp(char *out, size_t room, const struct timeval *now, enum log_stamp stamp)
{
    int ms = (int)(now->tv_usec / 1000);
    struct tm tm;
    size_t n;

    if (stamp == LOG_STAMP_MILLISECONDS)
        return (size_t)snprintf(out, room, "%lld", (long long)now->tv_sec * 1000 + ms);
    localtime_r(&now->tv_sec, &tm);
    n = strftime(out, room, stamp == LOG_STAMP_ISO8601 ? "%Y-%m-%dT%H:%M:%S" : "%d %b %Y %H:%M:%S", &tm);
    n += (size_t)snprintf(out + n, room - n, ".%03d", ms);
    return stamp == LOG_STAMP_ISO8601 ? n + put_zone(out + n, room - n, tm.tm_gmtoff) : n;
}

/* --- messages ------------------------------------------------------------------------------------------ */

static bool is_control(unsigned char c)
{
    return (c < ' ' && c != '\t') || c == 0x7f;
}

void log_line_message(char text[LOG_MESSAGE_MAX], struct str message)
{
    size_t n = message.n < LOG_MESSAGE_MAX - 1 ? message.n : LOG_MESSAGE_MAX - 1;

    for (size_t i = 0; i < n; i++) text[i] = is_control((unsigned char)message.p[i]) ? '?' : message.p[i];
    text[n] = '\0';
}

static void put_plain(struct pen *w, struct str m, bool quoted)
{
    for (size_t i = 0; i < m.n && w->p < w->end; i++) {
        char c = is_control((unsigned char)m.p[i]) ? '?' : m.p[i];

        if (quoted && (c == '"' || c == '\\')) put(w, c == '"' ? "\\\"" : "\\\\", 2);
        else put(w, &c, 1);
    }
}

/* Bytes of the character at p, 0 when they are none. */
static size_t character(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++) {
        if (utf8_valid(str_of(p, n))) return n;
    }
    return 0;
}

static void put_json(struct pen *w, struct str m)
{
    for (size_t i = 0; i < m.n && w->p < w->end;) {
        unsigned char c = (unsigned char)m.p[i];
        size_t n = character(m.p + i, m.n - i);
        char escape[8];

        if (c == '"' || c == '\\') put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", c));
        else if (c == '\n') put(w, "\\n", 2);
        else if (c == '\t') put(w, "\\t", 2);
        else if (c < ' ' || c == 0x7f) put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        else if (n == 0) put(w, "\\ufffd", 6);
        else put(w, m.p + i, n);
        i += n ? n : 1;
    }
}

/* --- lines --------------------------------------------------------------------------------------------- */

/* Behind the message: what ends its line. */
static const char *const tails[] = {
    [LOG_FORMAT_LEGACY] = "\n", [LOG_FORMAT_LOGFMT] = "\"\n", [LOG_FORMAT_JSON] = "\"}\n",
};

/* What stands before the message. */
static size_t put_head(char *line, size_t room, const struct log_record *r)
{
    static const char *const levels[] = { "debug", "info", "notice", "warning" };
    bool json = r->format == LOG_FORMAT_JSON;
    enum log_stamp stamp = json && r->stamp == LOG_STAMP_LEGACY ? LOG_STAMP_ISO8601 : r->stamp;
    const char *quote = json && stamp == LOG_STAMP_MILLISECONDS ? "" : "\"";
    char when[64];

    put_stamp(when, sizeof when, &r->now, stamp);
    if (json) {
        return (size_t)snprintf(line, room,
                                "{\"time\":%s%s%s,\"level\":\"%s\",\"pid\":%d,\"role\":\"primary\",\"message\":\"",
                                quote, when, quote, levels[r->level], r->pid);
    }
    if (r->format == LOG_FORMAT_LOGFMT) {
        return (size_t)snprintf(line, room, "pid=%d role=primary timestamp=\"%s\" level=%s message=\"", r->pid, when,
                                levels[r->level]);
    }
    return (size_t)snprintf(line, room, "%d:M %s %c ", r->pid, when, ".-*#"[r->level]);
}

size_t log_line_put(char line[LOG_LINE_MAX], const struct log_record *r)
{
    size_t head = put_head(line, LOG_LINE_MAX, r), n = strlen(tails[r->format]);
    struct pen w = { line + head, line + LOG_LINE_MAX - n };

    if (r->format == LOG_FORMAT_JSON) put_json(&w, r->message);
    else put_plain(&w, r->message, r->format == LOG_FORMAT_LOGFMT);
    memcpy(w.p, tails[r->format], n);
    return (size_t)(w.p - line) + n;
}
