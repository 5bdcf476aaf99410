/* The examples of all rows are run, and each row has what COMMAND DOCS needs. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

START_TEST(the_example_of_every_row_is_true)
{
    for (int i = 0; command_tables[i]; i++) check_rows(command_tables[i]);
}
END_TEST

UNIT_MAIN_AROUND("rows", harness_open, harness_close, the_example_of_every_row_is_true)
