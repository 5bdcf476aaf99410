/* table_persist.c -- settings of snapshots, the append-only file, and replicas. */
#include "conf/table.h"

/* A name within dir must not lead out of it. */
static bool is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

static const char *settle_dbfilename(void *field, bool at_start)
{
    (void)at_start;
    return is_path(*(char **)field) ? "dbfilename can't be a path, just a filename" : NULL;
}

static const char *settle_appendfilename(void *field, bool at_start)
{
    const char *name = *(char **)field;

    (void)at_start;
    if (name[0] == '\0') return "appendfilename can't be empty";
    return is_path(name) ? "appendfilename can't be a path, just a filename" : NULL;
}

static const char *settle_appenddirname(void *field, bool at_start)
{
    const char *name = *(char **)field;

    (void)at_start;
    if (name[0] == '\0') return "appenddirname can't be empty";
    return is_path(name) ? "appenddirname can't be a path, just a dirname" : NULL;
}

static const struct word fsync_words[] = {
    { "everysec", CONF_FSYNC_EVERYSEC },
    { "always", CONF_FSYNC_ALWAYS },
    { "no", CONF_FSYNC_NO },
    { 0 },
};

static const struct word recover_words[] = {
    { "no", CONF_RECOVER_NO },
    { "salvage", CONF_RECOVER_SALVAGE },
    { 0 },
};

const struct setting snapshot_settings[] = {
    { "save", KIND(kind_save, save), .initial = "3600 1 300 100 60 10000", .flags = SETTING_MULTI,
      .doc = "When to write a snapshot: pairs of seconds and changes. \"3600 1\" means: an hour "
             "after the last snapshot, if anything has changed. One line may hold several pairs, "
             "and several lines add up. save \"\" turns automatic snapshots off." },
    { "dbfilename", TEXT(dbfilename), .initial = "dump.rdb", .flags = SETTING_PROTECTED,
      .settle = settle_dbfilename, .accepts = "the name of a file, without a directory",
      .doc = "Name of the snapshot in dir. Redis can read the file, and memd reads those of "
             "Redis." },
    { "rdbcompression", BOOL(rdbcompression), .initial = "yes",
      .doc = "Compress longer strings in snapshots: a smaller file for some processor time. Strings of "
             "more than 1 MiB, which are saved in pieces, are not compressed." },
    { "rdbchecksum", BOOL(rdbchecksum), .initial = "yes", .flags = SETTING_IMMUTABLE,
      .doc = "End snapshots with a checksum, and verify it when one is loaded." },
    { "snapshot-generations", INT(snapshot_generations, 1, 2), .initial = "2",
      .doc = "How many snapshots are kept. 2: the one before the newest stays beside it "
             "(dump.rdb.previous), for the day on which the newest turns out to be damaged: memd then "
             "refuses to start and names the command that goes back. Likewise the log keeps, until its "
             "next rewrite, the files that the last one replaced: should the newest base be damaged, "
             "all data is read from those and the log since. That takes up to twice the disk space. "
             "1: only the newest." },
    { "stop-writes-on-bgsave-error", BOOL(stop_writes_on_bgsave_error), .initial = "yes",
      .doc = "Refuse writes while automatic snapshots fail, so that a full disk is noticed before "
             "much is lost." },
    { "rdb-key-save-delay", INT(rdb_key_save_delay, INT_MIN, INT_MAX), .initial = "0",
      .flags = SETTING_HIDDEN, .unit = "microseconds",
      .doc = "For tests: wait after each key of a snapshot; negative: once in so many keys." },
    { "key-load-delay", INT(key_load_delay, INT_MIN, INT_MAX), .initial = "0",
      .flags = SETTING_HIDDEN, .unit = "microseconds",
      .doc = "For tests: wait after each key that is loaded; negative: once in so many keys." },
    { 0 },
};

const struct setting aof_settings[] = {
    { "appendonly", BOOL(appendonly), .initial = "no", .flags = SETTING_WAITS,
      .doc = "Write each change to a log before it is answered, and rebuild the data from it at "
             "the start. Turned on while memd runs, it can be counted on once aof_state in INFO is no "
             "longer starting." },
    { "appendfsync", WORD(appendfsync, fsync_words), .initial = "everysec",
      .doc = "When the log is forced to the disk. always: before the reply, so that what was "
             "acknowledged survives a power cut; everysec: at most one second is lost then; no: "
             "when the system likes." },
    { "appendfilename", TEXT(appendfilename), .initial = "appendonly.aof",
      .flags = SETTING_IMMUTABLE, .settle = settle_appendfilename,
      .accepts = "the name of a file, without a directory",
      .doc = "What the names of the log's files begin with." },
    { "appenddirname", TEXT(appenddirname), .initial = "appendonlydir", .flags = SETTING_IMMUTABLE,
      .settle = settle_appenddirname, .accepts = "the name of a directory, without a path",
      .doc = "Directory in dir that holds them." },
    { "auto-aof-rewrite-percentage", INT(auto_aof_rewrite_percentage, 0, INT_MAX), .initial = "100",
      .unit = "percent",
      .doc = "Rewrite the log when it has grown by so much since the last time. 0: only when "
             "asked to." },
    { "auto-aof-rewrite-min-size", BYTES(auto_aof_rewrite_min_size, 0, INT64_MAX),
      .initial = "64mb", .doc = "But not while it is smaller than this." },
    { "no-appendfsync-on-rewrite", BOOL(no_appendfsync_on_rewrite), .initial = "no",
      .doc = "While a snapshot or a rewrite keeps the disk busy, do not force the log to it: what "
             "is written in that time can be lost in a power cut." },
    { "aof-load-truncated", BOOL(aof_load_truncated), .initial = "yes",
      .doc = "When the log ends in the middle of a change, as after a power cut, cut that off, "
             "log it and start. no: refuse to start." },
    { "recover", WORD(recover, recover_words), .initial = "no", .flags = SETTING_IMMUTABLE,
      .doc = "What to do when files are damaged: no: refuse to start. salvage: keep the original in a "
             "directory beside dir, load all that is whole, and start. Meant for the command line, "
             "--recover=salvage, once; memd --check DIR and memd --repair DIR do it without starting." },
    { "aof-use-rdb-preamble", BOOL(aof_use_rdb_preamble), .initial = "yes",
      .doc = "Begin a rewritten log with a snapshot, which is smaller and loads faster." },
    { "aof-timestamp-enabled", BOOL(aof_timestamp_enabled), .initial = "no",
      .doc = "Note the time in the log now and then, so that it can be cut back to a moment." },
    { 0 },
};

const struct setting replica_settings[] = {
    { "min-replicas-to-write", INT(min_replicas_to_write, 0, INT_MAX),
      .alias = "min-slaves-to-write", .initial = "0", .unit = "replicas",
      .doc = "Refuse writes unless so many replicas..." },
    { "min-replicas-max-lag", INT(min_replicas_max_lag, 0, INT_MAX), .alias = "min-slaves-max-lag",
      .initial = "10", .unit = "seconds", .doc = "... were heard of within so many seconds." },
    { 0 },
};
