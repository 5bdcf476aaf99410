/* harness.h -- commands through their rows, without a server.
 *
 * expect("GETDEL k", "$1\r\nv\r\n") runs one request on a store of its own and compares the bytes of
 * the reply. Requests are split as inline ones ("a b" and \x00 work). harness_open is the set-up of
 * each test case, harness_close its end, which also checks the store's invariants. */
#ifndef MEMD_TESTS_COMMANDS_HARNESS_H
#define MEMD_TESTS_COMMANDS_HARNESS_H

#include "commands/command.h"

void harness_open(void);
void harness_close(void);

/* Choose the protocol of replies (2 after harness_open). */
void harness_resp(int resp);

/* The store's clock; harness_open sets it to some day of 2026. */
int64_t harness_now(void);
void harness_advance(int64_t ms);

struct store *harness_store(void);

/* As if a script called (not after harness_open). */
void harness_in_script(bool in_script);

/* What a server would do; NULL after harness_open: nothing waits. */
void harness_host(const struct call_host *host);

/* Choose the database (0 after harness_open). */
void harness_select(int db);

/* Run a request; the bytes of its reply, valid until the next one. "" when the call blocked. */
struct str run_line(const char *request);
struct str run_args(size_t argc, const struct str *argv);

/* Run and compare; the failure prints request, expected and got. The reply may hold NULs when its
 * length is given. */
#define expect(request, reply) expect_at(__FILE__, __LINE__, (request), STR(reply))
void expect_at(const char *file, int line, const char *request, struct str reply);

/* What the last request wrote to the journal, as "SET k v PXAT 1 | DEL k"; "" when it changed nothing. */
const char *journaled(void);
#define expect_journal(text) expect_journal_at(__FILE__, __LINE__, (text))
void expect_journal_at(const char *file, int line, const char *text);

/* Names of the changes that the last request told: "new lpush" ... */
const char *told(void);

/* Run the example of one row (not of its subcommands') on an empty store, and compare; nothing without one. */
void check_example(const struct command *row);

/* Run the example of every row of a table, and check that it has what a row must have. */
void check_rows(const struct command *table);

#endif
