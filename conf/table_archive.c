/* table_archive.c -- settings of the archive, and of namespaces. */
#include "conf/table.h"

static const char *settle_archive_file(void *field, bool at_start)
{
    (void)at_start;
    return strchr(*(char **)field, '/') != NULL ? "archive-file can't be a path, just a filename" : NULL;
}

static const struct word on_full_words[] = {
    { "refuse", CONF_ON_FULL_REFUSE },
    { "drop", CONF_ON_FULL_DROP },
    { 0 },
};

static const struct word on_timeout_words[] = {
    { "error", CONF_ON_TIMEOUT_ERROR },
    { "miss", CONF_ON_TIMEOUT_MISS },
    { 0 },
};

static const struct word fts_words[] = {
    { "unicode61", CONF_FTS_UNICODE },
    { "trigram", CONF_FTS_TRIGRAM },
    { "none", CONF_FTS_NONE },
    { 0 },
};

const struct setting archive_settings[] = {
    { "namespace", KIND(kind_lines, namespaces), .flags = SETTING_MULTI | SETTING_FILE_ONLY | SETTING_DROP,
      .example = "session:* ttl 3600 sliding yes archive expire,evict,trim recall read",
      .accepts = "a pattern of keys, and options with their values",
      .doc = "Rules for the keys that match a pattern; one line for each. Of several that match, the one with "
             "the longest beginning before its first wildcard has the key. Options: ttl SECONDS [jitter PERCENT], sliding "
             "yes|no, maxlen N, maxkeys N, maxmemory BYTES, maxvalue BYTES, policy NAME, reserve BYTES, archive "
             "expire,evict,delete,overwrite,trim|none, recall never|read, retain DURATION (30d, 12h ...), versions N, "
             "durability always|everysec|no, audit-log admin,writes,reads|none. docs/namespaces.md explains them. At run "
             "time: NAMESPACE SET." },
    { "archive-file", TEXT(archive_file), .initial = "archive.db", .flags = SETTING_IMMUTABLE,
      .settle = settle_archive_file, .accepts = "the name of a file, without a directory; empty: no archive",
      .doc = "Name of the archive in dir, an SQLite file: what leaves memory goes there, as the archive options "
             "of namespaces have it. It is made when something first needs it." },
    { "archive-queue-size", BYTES(archive_queue_size, 1 << 20, INT64_MAX), .initial = "64mb",
      .doc = "Memory for what has left the data and is not yet in the archive." },
    { "archive-on-full", WORD(archive_on_full, on_full_words), .initial = "refuse",
      .doc = "When that is full, or the archive's disk fails. refuse: what is to be archived stays in memory, and writes "
             "that need its place are refused. drop: it goes without being archived, and is counted." },
    { "archive-max-value", BYTES(archive_max_value, 1024, INT64_MAX), .initial = "32mb",
      .doc = "Larger values leave without being archived, and are counted." },
    { "archive-compression", BOOL(archive_compression), .initial = "yes",
      .doc = "Compress values in the archive with zstd, and with dictionaries trained on them." },
    { "archive-messages", BOOL(archive_messages), .initial = "yes",
      .doc = "Also keep each element and field as a row of its own, readable and searchable in SQL. no: values "
             "alone, in a third of the space." },
    { "archive-fts", WORD(archive_fts, fts_words), .initial = "unicode61", .flags = SETTING_IMMUTABLE,
      .doc = "How a new archive's texts are split for ARCHIVE.SEARCH: unicode61 into words, without diacritics; trigram into "
             "any three characters, for parts of words and languages without blanks, at three times the space; none." },
    { "archive-max-size", BYTES(archive_max_size, 0, INT64_MAX), .initial = "0",
      .doc = "When the file is larger, the oldest entries are removed. 0: no limit." },
    { "archive-timeout", INT(archive_timeout, 1, INT_MAX), .initial = "1000", .unit = "milliseconds",
      .doc = "A command whose key has to come from the archive waits so long." },
    { "archive-on-timeout", WORD(archive_on_timeout, on_timeout_words), .initial = "error",
      .doc = "What a read answers when that time is over or the archive's file cannot be read. error: TRYAGAIN, since nobody "
             "knows whether there is such a key. miss: as if there were none, as a cache would. Commands that change a "
             "value get the error in either case." },
    { "archive-recall-ttl", INT(archive_recall_ttl, 0, INT_MAX), .initial = "3600", .unit = "seconds",
      .doc = "Time to live of what comes back after its own has passed, where the namespace has no ttl. 0: none." },
    { "archive-query-timeout", INT(archive_query_timeout, 1, INT_MAX), .initial = "5000", .unit = "milliseconds",
      .doc = "ARCHIVE.SEARCH, ARCHIVE.SQL and the like are ended after so long." },
    { "archive-query-rows", INT(archive_query_rows, 1, INT_MAX), .initial = "10000", .unit = "rows",
      .doc = "And give at most so many rows." },
    { 0 },
};
