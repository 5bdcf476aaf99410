"""Places."""
import random

from resp import OK


def test_places_and_distances(talk):
    talk("""
        GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania    => :2
        GEODIST g Palermo Catania                   => "166274.1516"
        GEODIST g Palermo Catania km                => "166.2742"
        GEODIST g Palermo Catania MI                => "103.3182"
        GEOHASH g Palermo Catania none              => ["sqc8b49rny0" "sqdtr74hyu0" nil]
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC                    => ["Catania" "Palermo"]
        GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km WITHDIST COUNT 1 DESC  => [["Palermo" "190.4424"]]
        GEORADIUSBYMEMBER g Palermo 100 km WITHHASH => [["Palermo" :3479099956230698]]
        GEOADD g 200 0 x                            => -ERR invalid longitude,latitude pair 200.000000,0.000000
    """)


def test_through_redis_py(server):
    r = server.client(decode_responses=True)
    assert r.geoadd("g", (2.349, 48.864, "paris", -0.127, 51.507, "london")) == 2
    assert 340 < r.geodist("g", "paris", "london", "km") < 345
    lon, lat = r.geopos("g", "paris")[0]
    assert abs(lon - 2.349) < 1e-5 and abs(lat - 48.864) < 1e-5
    assert r.geosearch("g", longitude=0.5, latitude=51, radius=200, unit="km") == ["london"]
    assert r.geosearchstore("d", "g", member="paris", width=1000, height=1000, unit="km", storedist=True) == 2


def test_a_search_finds_what_looking_at_all_finds(start):
    server = start(appendonly="yes")
    c, rng = server.conn(), random.Random(5)
    for first in range(0, 5000, 100):
        c("GEOADD", "g", *(x for i in range(100) for x in (rng.uniform(-20, 20), rng.uniform(-60, 60), "m%d" % (first + i))))
    for _ in range(100):
        lon, lat, radius = rng.uniform(-15, 15), rng.uniform(-55, 55), rng.choice([10, 100, 500, 2000])
        c("GEOADD", "g", lon, lat, "here")
        all_of = {b"m%d" % i for i in range(5000)}
        want = {m for m, d in ((m, float(c("GEODIST", "g", m, "here", "km"))) for m in rng.sample(sorted(all_of), 60))
                if d <= radius - 0.001}
        found = c("GEOSEARCH", "g", "FROMMEMBER", "here", "BYRADIUS", radius, "km", "ASC", "WITHDIST")
        assert want <= {m for m, _ in found}
        distances = [float(d) for _, d in found]
        assert distances == sorted(distances) and distances[0] == 0 and distances[-1] <= radius
    digest = c("DEBUG", "DIGEST")
    server.stop()
    server.start()
    assert server.conn()("DEBUG", "DIGEST") == digest


def test_events_of_stored_results(server, c):
    assert c("CONFIG", "SET", "notify-keyspace-events", "KEA") == OK
    try:
        sub = server.conn()
        sub("PSUBSCRIBE", "__keyevent@*__:*")
        c("GEOADD", "g", 1, 1, "a")
        c("GEOSEARCHSTORE", "d", "g", "FROMMEMBER", "a", "BYRADIUS", 1, "m")
        c("GEORADIUS", "g", 1, 1, 1, "m", "STORE", "e")
        c("GEORADIUS", "g", 5, 5, 1, "m", "STORE", "e")
        assert [sub.read()[2].decode().split(":")[1] for _ in range(4)] == ["zadd", "geosearchstore", "georadiusstore", "del"]
    finally:
        c("CONFIG", "SET", "notify-keyspace-events", "")
