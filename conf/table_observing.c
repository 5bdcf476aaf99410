/* table_observing.c -- settings of what memd tells of itself and of its keys. */
#include "conf/table.h"

static const char *settle_addresses(void *field, bool at_start)
{
    const struct conf_list *l = field;

    (void)at_start;
    return l->n >= 1 && l->n <= 16 ? NULL : "There must be 1 to 16 addresses.";
}

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
    { "metrics-port", INT(metrics_port, 0, 65535), .initial = "0",
      .doc = "HTTP port with /metrics in Prometheus' format, /healthz (memd is alive) and /readyz "
             "(503 and why, while it loads, cannot write to its disk, or ends). 0: none. 9121 is the "
             "number that tools for Redis use." },
    { "metrics-bind", KIND(kind_list, metrics_bind), .initial = "127.0.0.1",
      .flags = SETTING_MULTI, .settle = settle_addresses, .accepts = "1 to 16 addresses",
      .doc = "Addresses of the HTTP port, written as those of bind. In protected mode and without "
             "metrics-password only clients on this machine may read /metrics, whatever the "
             "address, and have to ask under an address or as localhost (so that no web page can); "
             "/healthz and /readyz are for all who can connect." },
    { "metrics-password", TEXT(metrics_password), .initial = "", .flags = SETTING_SECRET | SETTING_DROP,
      .example = "a-long-random-text",
      .doc = "Whoever reads /metrics has to send this, as \"Authorization: Bearer PASSWORD\": "
             "authorization with credentials_file in prometheus.yml." },
    { "metrics-timeout", INT(metrics_timeout, 1, 3600), .initial = "10", .unit = "seconds",
      .doc = "A request to the HTTP port, from its connection to the last byte of the reply, may "
             "take so long." },
    { "metrics-namespaces", INT(metrics_namespaces, 0, 4096), .initial = "64", .unit = "namespaces",
      .doc = "Namespaces that have metrics of their own: the first so many, in order of their "
             "patterns. Each is some 24 series for whoever collects them." },
    { 0 },
};
