/* metrics_disk.c -- metrics of the log, snapshots, the archive and recalls. */
#include "persistence/archive.h"
#include "server/metrics_impl.h"
#include "server/recall.h"

/* One of several words: a sample for each, 1 for the one that is so. */
static void state(struct exposition *x, const char *name, const char *help, const char *const *words, const char *now)
{
    expo_family(x, EXPO_GAUGE, name, help);
    for (; *words; words++) {
        expo_sample(x, name, "");
        expo_label(x, "state", str_c(*words));
        expo_int(x, strcmp(*words, now) == 0);
    }
}

enum { SYNC_FROM = 4 }; /* 16 us: the lowest bound of a sync's time that is told */

/* --- the log ---------------------------------------------------------------------------------------------- */

bool metrics_log(struct metrics_page *p)
{
    static const char *const states[] = { "off", "starting", "ok", "slow", "full", "failing", NULL };
    const struct persist_info *i = &p->persist;
    struct exposition *x = &p->x;

    expo_gauge(x, "memd_writes_refused", "1 while writes are refused (-MISCONF), as the disk does not take them.",
               persist_refusal(p->s->persist) != NULL);
    state(x, "memd_aof_state", "1 for the state that the log is in.", states, i->aof_enabled ? i->aof_state : "off");
    expo_gauge(x, "memd_aof_size_bytes", "The log's files: base and increments.", (int64_t)i->aof_current_size);
    expo_gauge(x, "memd_aof_base_size_bytes", "The same after the last rewrite.", (int64_t)i->aof_base_size);
    expo_gauge(x, "memd_aof_offset_bytes", "Bytes of effects so far: where the log is.", (int64_t)i->offset);
    expo_gauge(x, "memd_aof_durable_offset_bytes", "Of these, how many are synced.", (int64_t)i->synced_offset);
    expo_family(x, EXPO_HISTOGRAM, "memd_aof_sync_duration_seconds", "How long syncs of the log took.");
    expo_histogram(x, "memd_aof_sync_duration_seconds", NULL, STR(""), SYNC_FROM, PERSIST_SYNC_BUCKETS - 2,
                   i->aof_sync_times.took, PERSIST_SYNC_BUCKETS, i->aof_sync_times.us);
    expo_gauge_seconds(x, "memd_aof_last_sync_duration_seconds", "How long the last sync took.", i->aof_last_fsync_us);
    expo_gauge(x, "memd_aof_last_sync_timestamp_seconds", "When the last sync ended, Unix time; 0: none has.",
               i->aof_last_fsync_time);
    expo_counter(x, "memd_aof_delayed_syncs_total", "How often writers had to wait for a slow disk.",
                 i->aof_delayed_fsync);
    expo_counter(x, "memd_aof_write_errors_total", "Writes and syncs of the log that failed.", i->aof_write_errors);
    expo_gauge(x, "memd_aof_rewrite_in_progress", "1 while the log is rewritten.", i->rewrite_in_progress);
    expo_gauge(x, "memd_aof_last_rewrite_ok", "1 unless the last rewrite failed.", i->last_rewrite_ok);
    expo_counter(x, "memd_aof_rewrites_total", "Rewrites that succeeded.", i->rewrites);
    return false;
}

/* --- snapshots -------------------------------------------------------------------------------------------- */

bool metrics_snapshot(struct metrics_page *p)
{
    const struct persist_info *i = &p->persist;
    struct exposition *x = &p->x;

    expo_gauge(x, "memd_snapshot_changes", "Changes since the last snapshot.", (int64_t)i->changes_since_save);
    expo_gauge(x, "memd_snapshot_in_progress", "1 while a snapshot is made.", i->bgsave_in_progress);
    expo_gauge(x, "memd_snapshot_last_timestamp_seconds", "When the last snapshot was made, or memd was started.",
               i->last_save_time);
    expo_gauge(x, "memd_snapshot_last_duration_seconds", "How long the last one took; -1: there was none.",
               i->last_bgsave_sec);
    expo_gauge(x, "memd_snapshot_last_ok", "1 unless the last snapshot failed.", i->last_bgsave_ok);
    expo_counter(x, "memd_snapshots_total", "Snapshots that succeeded.", i->saves);
    expo_gauge(x, "memd_load_keys", "Keys that were loaded, at the start.", (int64_t)i->keys_loaded);
    expo_gauge(x, "memd_load_bytes", "Bytes that have been loaded, while loading.", (int64_t)i->progress.bytes);
    expo_gauge(x, "memd_load_size_bytes", "Of so many.", (int64_t)i->progress.total_bytes);
    return false;
}

/* --- the archive ------------------------------------------------------------------------------------------ */

static void archive(struct exposition *x, const struct archive_info *i)
{
    static const char *const states[] = { "ok", "slow", "full", "failing", NULL };

    state(x, "memd_archive_state", "1 for the state that the archive is in.", states, i->state);
    expo_gauge(x, "memd_archive_queue_notes", "What has left memory and waits to be committed.", (int64_t)i->queued);
    expo_gauge(x, "memd_archive_queue_bytes", "Its bytes.", (int64_t)i->queued_bytes);
    expo_gauge_seconds(x, "memd_archive_lag_seconds", "Age of the oldest that waits.", i->lag_ms * 1000);
    expo_counter(x, "memd_archive_notes_total", "What was given to the archive.", i->put);
    expo_counter(x, "memd_archive_committed_total", "Of this, what is committed.", i->applied);
    expo_counter(x, "memd_archive_dropped_total", "Of this, what there was no room for.", i->dropped);
    expo_counter(x, "memd_archive_transactions_total", "Transactions of SQLite that wrote.", i->transactions);
    expo_counter(x, "memd_archive_retries_total", "Transactions that failed and were tried again.", i->retries);
    expo_gauge_seconds(x, "memd_archive_last_commit_seconds", "How long the last transaction took.", i->last_commit_us);
    expo_gauge(x, "memd_archive_file_bytes", "Size of the archive's file.", (int64_t)i->file_bytes);
    expo_gauge(x, "memd_archive_wal_bytes", "Size of its write-ahead log.", (int64_t)i->wal_bytes);
    expo_gauge(x, "memd_archive_entries", "Versions of keys in the archive.", (int64_t)i->entries);
    expo_gauge(x, "memd_archive_messages", "Messages in the archive.", (int64_t)i->messages);
    expo_counter(x, "memd_archive_raw_bytes_total", "Values given to the archive.", i->raw_bytes);
    expo_counter(x, "memd_archive_stored_bytes_total", "The same, compressed.", i->stored_bytes);
    expo_counter(x, "memd_archive_retained_away_total", "What was deleted as its time in the archive was over.",
                 i->retained_away);
    expo_counter(x, "memd_archive_questions_total", "Questions to the archive.", i->jobs);
    expo_counter(x, "memd_archive_questions_failed_total", "Of these, those that failed.", i->jobs_failed);
    expo_gauge(x, "memd_archive_filter_ready", "1 when reads of keys that are nowhere need not ask the disk.",
               i->filter_ready);
    expo_gauge(x, "memd_archive_filter_bytes", "Memory of that filter.", (int64_t)i->filter_bytes);
    expo_counter(x, "memd_archive_filter_maybe_total", "Reads that the filter let ask the disk.", i->filter_hits);
    expo_counter(x, "memd_archive_filter_no_total", "Reads that it spared the disk.", i->filter_misses);
}

bool metrics_archive(struct metrics_page *p)
{
    struct archive_info i;

    expo_gauge(&p->x, "memd_archive_open", "1 when something has needed the archive, and it is open.",
               p->s->archive != NULL);
    if (p->s->archive == NULL) return false;
    archive_info(p->s->archive, &i);
    archive(&p->x, &i);
    return false;
}

bool metrics_recall(struct metrics_page *p)
{
    const struct recall_stats *r = recall_stats(p->s->recalls);
    struct exposition *x = &p->x;
    const struct expo_part answers[] = {
        { "found", r->found }, { "missing", r->missing }, { "from_queue", r->from_queue },
        { "cancelled", r->cancelled }, { "timeout", r->timeouts }, { "failed", r->failed },
        { "damaged", r->damaged }, { "refused", r->refused },
    };

    expo_gauge(x, "memd_recall_waiting_requests", "Requests that wait for what left memory.", (int64_t)r->waiting);
    expo_gauge(x, "memd_recall_waiting_keys", "Keys that are on their way back.", (int64_t)r->on_the_way);
    expo_counter(x, "memd_recall_waits_total", "Requests that had to wait.", r->waited);
    expo_parts(x, EXPO_COUNTER, "memd_recalls_total", "Keys that were asked of the archive, by what came of it.",
               "result", answers, sizeof answers / sizeof *answers);
    expo_counter_seconds(x, "memd_recall_seconds_total", "Time from question to answer, all together.",
                         (int64_t)r->us);
    expo_gauge_seconds(x, "memd_recall_max_seconds", "The longest.", (int64_t)r->us_max);
    expo_counter(x, "memd_recall_questions_total", "Questions to the disk for keys.", r->asked);
    return false;
}
