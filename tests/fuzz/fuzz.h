/* fuzz.h -- a fuzz target, in the form that libFuzzer calls.
 *
 * tests/fuzz/<folder>/f_<name>.c defines the function below: it hands the bytes to one part of memd and
 * stops the program (ensure) when something that must hold does not. Seeds, if there are any, are
 * the files of tests/fuzz/seeds/f_<name>/. The target links what the tests of its folder link.
 *
 * `make fuzz` runs all targets under the sanitizers, with libFuzzer where there is a clang and with
 * driver.c where there is not; `make fuzz-short`, a part of `make test`, runs a fixed number of
 * inputs that are the same every time. */
#ifndef MEMD_TESTS_FUZZ_H
#define MEMD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
