/* table_observing.c -- settings of what memd tells of itself and of its keys. */
#include "conf/table.h"

const struct setting observing_settings[] = {
    { "slowlog-log-slower-than", INT(slowlog_log_slower_than, -1, INT64_MAX), .initial = "10000",
      .unit = "microseconds",
      .doc = "A command that takes longer goes into SLOWLOG. 0: all of them; -1: none." },
    { "slowlog-max-len", INT(slowlog_max_len, 0, LONG_MAX), .initial = "128", .unit = "entries",
      .doc = "Commands that SLOWLOG remembers." },
    { "latency-monitor-threshold", INT(latency_monitor_threshold, 0, INT64_MAX), .initial = "0",
      .unit = "milliseconds", .doc = "LATENCY records what takes at least so long. 0: nothing." },
    { "latency-tracking", BOOL(latency_tracking), .initial = "yes",
      .doc = "Keep a histogram of the time of each command, for INFO latencystats and LATENCY "
             "HISTOGRAM." },
    { "latency-tracking-info-percentiles",
      KIND(kind_percentiles, latency_tracking_info_percentiles), .initial = "50 99 99.9",
      .flags = SETTING_MULTI, .doc = "The percentiles that INFO latencystats shows." },
    { "notify-keyspace-events", KIND(kind_events, notify_keyspace_events), .initial = "",
      .doc = "Publish what happens to keys. K: on channels named by key (__keyspace@0__:key); E: "
             "on channels named by event (__keyevent@0__:del); at least one of the two, and the "
             "kinds of events: g commands of all types, such as DEL and EXPIRE; $ strings; l "
             "lists; s sets; h hashes; z sorted sets; t streams; d modules; x expired; e evicted; "
             "A all of these; n new keys; m reads that found no key. Empty: nothing." },
    { 0 },
};
