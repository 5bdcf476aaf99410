/* table_search.c -- settings of FT.*: indexes and queries. */
#include "conf/table.h"

static const struct word on_timeout_words[] = {
    { "fail", CONF_SEARCH_FAIL },
    { "return", CONF_SEARCH_RETURN },
    { 0 },
};

const struct setting search_settings[] = {
    { "search-timeout", INT(search_timeout, 0, INT_MAX), .initial = "5000", .unit = "milliseconds",
      .doc = "FT.SEARCH, FT.AGGREGATE and the like are ended after so long, where they bring no TIMEOUT. 0: never. Others are "
             "served meanwhile, but in transactions and scripts, where a query runs to its end at once." },
    { "search-on-timeout", WORD(search_on_timeout, on_timeout_words), .initial = "fail",
      .doc = "What is answered then. fail: an error. return: what there is so far, which may be nothing, as Redis does; in "
             "RESP3 with a warning, in RESP2 without." },
    { "search-max-results", INT(search_max_results, 1, INT_MAX), .initial = "1000000", .unit = "rows",
      .doc = "The largest offset and the largest count in LIMIT of FT.SEARCH, and the most rows of an aggregation." },
    { "search-results-memory", BYTES(search_results_memory, 1024, LONG_MAX), .initial = "512mb",
      .doc = "What the results of one FT.SEARCH may take: the values that they are sorted by, and the reply. One that needs more is "
             "refused; a smaller LIMIT, NOCONTENT or RETURN help." },
    { "search-aggregate-memory", BYTES(search_aggregate_memory, 1024, LONG_MAX), .initial = "128mb",
      .doc = "What the rows and groups of one FT.AGGREGATE or FT.HYBRID may take, and what all cursors may hold together. One that "
             "needs more is refused." },
    { "search-cursor-max-idle", INT(search_cursor_max_idle, 1, INT_MAX), .initial = "300000", .unit = "milliseconds",
      .doc = "A cursor of FT.AGGREGATE that nobody reads from for so long is closed. MAXIDLE may ask for less, not for more." },
    { "search-cursors", INT(search_cursors, 1, 1000000), .initial = "128",
      .doc = "Cursors that an index may have open." },
    { "search-default-dialect", INT(search_default_dialect, 1, 4), .initial = "2",
      .doc = "The dialect of queries that name none." },
    { "search-keep-dropped", INT(search_keep_dropped, 0, INT_MAX / 1000), .initial = "60", .unit = "seconds",
      .doc = "How long FT.DROPINDEX keeps an index aside, fed with changes as before, so that FT.CREATE of the same name and "
             "definition takes it back without reading the keys. It is thrown away earlier when memory is short. 0: at once." },
    { 0 },
};
