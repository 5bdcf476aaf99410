/* Commands on places through their rows. */
#include "tests/commands/harness.h"
#include "tests/unit/unit.h"

#define WRONG "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
#define SYNTAX "-ERR syntax error\r\n"
#define SICILY "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"

START_TEST(places_are_members_of_a_sorted_set)
{
    expect(SICILY, ":2\r\n");
    ck_assert_str_eq(told(), "new zadd");
    expect_journal(SICILY);
    expect(SICILY, ":0\r\n");
    expect_journal("");
    expect("GEOADD g NX 1 1 Palermo", ":0\r\n");
    expect("GEOADD g XX CH 1 1 Palermo 2 2 other", ":1\r\n");
    expect("GEOADD g CH 3 3 x 1 1 Palermo", ":1\r\n");
    expect("TYPE g", "+zset\r\n");
    expect("GEOPOS g none", "*1\r\n*-1\r\n");
    expect("GEOPOS none a b", "*2\r\n*-1\r\n*-1\r\n");
    expect("GEOHASH none a", "*1\r\n$-1\r\n");
    expect("GEODIST g Palermo none", "$-1\r\n");
    expect("GEODIST none a b", "$-1\r\n");
}
END_TEST

START_TEST(what_is_not_on_the_map_is_refused_and_nothing_changes)
{
    run_line("RPUSH l a");
    expect("GEOADD l 1 1 a", WRONG);
    expect("GEOPOS l a", WRONG);
    expect("GEODIST l a b", WRONG);
    expect("GEOHASH l a", WRONG);
    expect("GEOSEARCH l FROMLONLAT x 1 BYRADIUS 1 m", WRONG);
    expect("GEOADD g 1 1 a 181 0 b", "-ERR invalid longitude,latitude pair 181.000000,0.000000\r\n");
    expect("GEOADD g 1 86 b", "-ERR invalid longitude,latitude pair 1.000000,86.000000\r\n");
    expect("GEOADD g 1 x b", "-ERR value is not a valid float\r\n");
    expect("GEOADD g 1 1", "-ERR wrong number of arguments for 'geoadd' command\r\n");
    expect("GEOADD g 1 1 a 2", SYNTAX);
    expect("GEOADD g NX XX 1 1 a", SYNTAX);
    expect("GEOADD g CH CH CH", SYNTAX);
    expect("EXISTS g", ":0\r\n");
    expect("GEODIST g a b yards", "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n");
    expect("GEODIST g a b m m", SYNTAX);
}
END_TEST

START_TEST(a_search_gives_what_is_asked_for)
{
    run_line(SICILY);
    expect("GEORADIUS g 15 37 200 km ASC", "*2\r\n$7\r\nCatania\r\n$7\r\nPalermo\r\n");
    expect("GEORADIUS g 15 37 200 km DESC COUNT 1", "*1\r\n$7\r\nPalermo\r\n");
    expect("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km WITHDIST WITHHASH WITHCOORD COUNT 1",
           "*1\r\n*4\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n:3479447370796909\r\n*2\r\n$20\r\n15.08726745843887329\r\n"
           "$20\r\n37.50266842333162032\r\n");
    expect("GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m", "*1\r\n$7\r\nPalermo\r\n");
    expect("GEOSEARCH none FROMMEMBER x BYRADIUS 1 m", "*0\r\n");
    expect("GEORADIUSBYMEMBER none x foo bar", "*0\r\n");
    harness_resp(3);
    expect("GEOPOS g Palermo none", "*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n");
    expect("GEODIST g Palermo Catania", "$11\r\n166274.1516\r\n");
}
END_TEST

START_TEST(options_of_a_search_are_checked)
{
    run_line(SICILY);
    expect("GEOSEARCH g FROMMEMBER x BYRADIUS 1 m", "-ERR could not decode requested zset member\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS x m", "-ERR need numeric radius\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS -1 m", "-ERR radius cannot be negative\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYBOX x 1 m", "-ERR need numeric width\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 x m", "-ERR need numeric height\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 -1 m", "-ERR height or width cannot be negative\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", SYNTAX);
    expect("GEOSEARCH g FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m", SYNTAX);
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0", "-ERR COUNT must be > 0\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m ANY", "-ERR the ANY argument requires COUNT argument\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 ASC ASC ASC", "-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH\r\n");
    expect("geosearch g BYRADIUS 1 m ASC ASC", "-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch\r\n");
    expect("GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST", SYNTAX);
    expect("GEORADIUS_RO g 1 1 1 m STORE d", SYNTAX);
    expect("GEORADIUS g 1 1 1 m STORE d WITHDIST",
           "-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options\r\n");
    expect("GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 m WITHDIST",
           "-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options\r\n");
}
END_TEST

START_TEST(a_result_is_stored_in_the_place_of_what_was_there)
{
    run_line(SICILY);
    run_line("SET d x");
    expect("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km", ":2\r\n");
    ck_assert_str_eq(told(), "geosearchstore");
    expect("GEODIST d Palermo Catania km", "$8\r\n166.2742\r\n");
    expect("GEORADIUS g 15 37 100 km STOREDIST d", ":1\r\n");
    ck_assert_str_eq(told(), "georadiusstore");
    expect("GEORADIUS g 15 37 1 m STORE d", ":0\r\n");
    ck_assert_str_eq(told(), "del");
    expect("EXISTS d", ":0\r\n");
    run_line("SET d x");
    expect("GEOSEARCHSTORE d none FROMLONLAT 15 37 BYRADIUS 200 km", ":0\r\n");
    expect("EXISTS d", ":0\r\n");
    expect("GEOSEARCHSTORE g g FROMLONLAT 15 37 BYRADIUS 100 km", ":1\r\n");
    expect("GEOPOS g Palermo", "*1\r\n*-1\r\n");
}
END_TEST

UNIT_MAIN_AROUND("geo", harness_open, harness_close, places_are_members_of_a_sorted_set,
                 what_is_not_on_the_map_is_refused_and_nothing_changes, a_search_gives_what_is_asked_for,
                 options_of_a_search_are_checked, a_result_is_stored_in_the_place_of_what_was_there)
