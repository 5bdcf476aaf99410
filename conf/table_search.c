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
      .doc = "The largest offset and the largest count in LIMIT of FT.SEARCH." },
    { 0 },
};
