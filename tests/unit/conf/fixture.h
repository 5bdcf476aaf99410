/* fixture.h -- settings from a text, and what became of them, in one line each. */
#ifndef MEMD_TESTS_UNIT_CONF_FIXTURE_H
#define MEMD_TESTS_UNIT_CONF_FIXTURE_H

#include "conf/conf.h"
#include "tests/unit/unit.h"

/* Settings that files, environment and command line of a test go into. Each test runs in a process
 * of its own; set_up and tear_down go around it. */
extern struct conf conf;

void conf_set_up(void);
void conf_tear_down(void);

/* A directory for the files of the test, removed after it, and the path of one in it. */
const char *test_dir(void);
const char *test_path(const char *name);

/* Make a file in it; read one back (valid until the next call). */
const char *test_file(const char *name, const char *content);
struct str test_content(const char *name);

/* Load lines. expect_loads: it must work. refusal: it must not; what is said of it. */
void expect_loads(const char *text);
const char *refusal(const char *text);

/* The value of a setting, as CONFIG GET shows it. */
#define expect_value(name, want) unit_expect_str(__FILE__, __LINE__, value_of(name), str_c(want))
struct str value_of(const char *name);

/* What an error says. */
const char *error_text(const struct conf_error *e);

/* All warnings, one a line. */
const char *warnings(void);

#endif
