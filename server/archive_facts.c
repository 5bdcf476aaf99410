/* archive_facts.c -- see archive_facts.h. */
#include "server/archive_facts.h"

#include "persistence/archive.h"
#include "server/departures.h"
#include "server/recall.h"

/* X(name, expression): of i (struct archive_info) and r (struct recall_stats); numbers. */
#define FACT_TABLE(X) \
    X("queue_notes", i.queued) X("queue_bytes", i.queued_bytes) X("lag_ms", i.lag_ms) \
    X("notes", i.put) X("applied", i.applied) X("dropped", i.dropped) \
    X("entries", i.entries) X("messages", i.messages) X("keys_live", i.keys_live) \
    X("file_bytes", i.file_bytes) X("wal_bytes", i.wal_bytes) \
    X("raw_bytes", i.raw_bytes) X("stored_bytes", i.stored_bytes) X("dictionaries", i.dictionaries) \
    X("retained_away", i.retained_away) \
    X("transactions", i.transactions) X("retries", i.retries) X("last_commit_usec", i.last_commit_us) \
    X("questions", i.jobs) X("questions_failed", i.jobs_failed) \
    X("filter_ready", i.filter_ready) X("filter_keys", i.filter_keys) X("filter_bytes", i.filter_bytes) \
    X("filter_maybe", i.filter_hits) X("filter_no", i.filter_misses) \
    X("recalls_waiting", r.waiting) X("recalls_on_the_way", r.on_the_way) X("recalls_waited", r.waited) \
    X("recalls_asked", r.asked) X("recalled", r.found) X("recalled_from_queue", r.from_queue) \
    X("recalls_missing", r.missing) X("recalls_cancelled", r.cancelled) X("recalls_timed_out", r.timeouts) \
    X("recalls_failed", r.failed) X("recalls_damaged", r.damaged) X("recalls_refused", r.refused) \
    X("recall_usec", r.us) X("recall_usec_max", r.us_max)

static const char *error_of(const struct archive_info *i)
{
    return i->error[0] ? i->error : "none";
}

void archive_facts_info(const struct server *s, struct buf *out)
{
    struct archive_info i;
    struct recall_stats r = *recall_stats(s->recalls);
    const char *why = departures_error(s);

    if (s->archive == NULL) {
        if (why) buf_printf(out, "archive_state:closed\r\narchive_last_error:%s\r\n", why);
        return;
    }
    archive_info(s->archive, &i);
    buf_printf(out, "archive_state:%s\r\narchive_last_error:%s\r\narchive_sqlite:%s\r\n", i.state, error_of(&i), i.sqlite_version);
#define FACT(name, value) buf_printf(out, "archive_" name ":%lld\r\n", (long long)(value));
    FACT_TABLE(FACT)
#undef FACT
}

void archive_facts_reply(const struct server *s, struct reply *out)
{
    struct archive_info i;
    struct recall_stats r = *recall_stats(s->recalls);
    size_t n = 3;

    archive_info(s->archive, &i);
#define FACT(name, value) n++;
    FACT_TABLE(FACT)
#undef FACT
    reply_map(out, n);
    reply_bulk_c(out, "state");
    reply_bulk_c(out, i.state);
    reply_bulk_c(out, "last_error");
    reply_bulk_c(out, error_of(&i));
    reply_bulk_c(out, "sqlite");
    reply_bulk_c(out, i.sqlite_version);
#define FACT(name, value) \
    reply_bulk_c(out, name); \
    reply_int(out, (int64_t)(value));
    FACT_TABLE(FACT)
#undef FACT
}
