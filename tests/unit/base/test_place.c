#include "base/place.h"
#include "tests/unit/unit.h"

static struct str name_at(const void *list, size_t i)
{
    return ((const struct str *)list)[i];
}

START_TEST(what_is_there_is_found_and_what_is_not_would_keep_the_order)
{
    static const struct str all[] = { STR(""), STR("\0"), STR("B"), STR("a"), STR("a\0"), STR("aa"), STR("ab"), STR("b"),
        STR("\xff") };
    size_t end = sizeof all / sizeof *all;
    bool found;

    for (size_t n = 0; n <= end; n++) {
        for (size_t i = 0; i < end; i++) {
            size_t at = place_of(all, n, name_at, all[i], &found);

            ck_assert_uint_eq(at, i < n ? i : n);
            ck_assert_int_eq(found, i < n);
        }
    }
    ck_assert_uint_eq(place_of(all, end, name_at, STR("A"), &found), 2);
    ck_assert(!found);
    ck_assert_uint_eq(place_of(all, end, name_at, STR("a\1"), &found), 5);
    ck_assert(!found);
    ck_assert_uint_eq(place_of(NULL, 0, name_at, STR("a"), &found), 0);
    ck_assert(!found);
}
END_TEST

UNIT_MAIN("place", what_is_there_is_found_and_what_is_not_would_keep_the_order)
