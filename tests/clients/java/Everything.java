import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPooled;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XReadGroupParams;

/** The usual jobs through Jedis. */
public class Everything {
    static int port;

    static void ok(String what) {
        System.out.println("ok " + what);
        System.out.flush();
    }

    static void must(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
    }

    static Jedis open() {
        return new Jedis("127.0.0.1", port);
    }

    public static void main(String[] args) throws Exception {
        port = Integer.parseInt(args[0]);
        Jedis c = open();
        c.set("a", "1", SetParams.setParams().ex(100));
        must(c.get("a").equals("1"), "get");
        ok("connect");

        var p = c.pipelined();
        Response<Long> last = null;
        for (int i = 0; i < 1000; i++) last = p.incr("p");
        p.sync();
        must(last.get() == 1000, "pipeline");
        ok("pipeline");

        Transaction t = c.multi();
        t.set("m", "1");
        t.incr("m");
        must(t.exec().equals(List.of("OK", 2L)), "exec");
        c.watch("w");
        try (Jedis other = open()) {
            other.set("w", "x");
        }
        t = c.multi();
        t.set("w", "y");
        must(t.exec() == null, "watch");
        ok("transaction");

        var popped = CompletableFuture.supplyAsync(() -> {
            try (Jedis other = open()) {
                return other.blpop(20, "q");
            }
        });
        c.rpush("q", "job");
        must(popped.get().equals(List.of("q", "job")), "blpop");
        c.zadd("z", Map.of("a", 1.5, "b", 2.0));
        must(c.bzpopmin(1, "z").getValue().getScore() == 1.5, "bzpopmin");
        ok("blocking pop");

        var heard = new CompletableFuture<String>();
        Thread listener = new Thread(() -> {
            try (Jedis other = open()) {
                other.subscribe(new JedisPubSub() {
                    @Override
                    public void onSubscribe(String channel, int n) {
                        try (Jedis speaker = open()) {
                            speaker.publish("news", "hello");
                        }
                    }

                    @Override
                    public void onMessage(String channel, String message) {
                        heard.complete(message);
                        unsubscribe();
                    }
                }, "news");
            }
        });
        listener.start();
        must(heard.get().equals("hello"), "pubsub");
        listener.join();
        ok("pubsub");

        StreamEntryID id = c.xadd("events", StreamEntryID.NEW_ENTRY, Map.of("kind", "login"));
        c.xgroupCreate("events", "g", new StreamEntryID(0, 0), false);
        var read = c.xreadGroup("g", "w", XReadGroupParams.xReadGroupParams().count(10),
            Map.of("events", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY));
        must(read.get(0).getValue().get(0).getID().equals(id), "xreadgroup");
        must(c.xpending("events", "g").getTotal() == 1, "xpending");
        must(c.xack("events", "g", id) == 1, "xack");
        must(c.xinfoStream("events").getLength() == 1, "xinfo");
        ok("stream group");

        String sha = c.scriptLoad("return redis.call('INCRBY', KEYS[1], ARGV[1])");
        must(c.evalsha(sha, 1, "rate", "2").equals(2L) && c.evalsha(sha, 1, "rate", "2").equals(4L), "script");
        ok("script");

        must("OK".equals(c.set("lock", "me", SetParams.setParams().nx().px(10000))), "lock");
        must(c.set("lock", "you", SetParams.setParams().nx().px(10000)) == null, "locked");
        must(c.eval("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0", 1,
            "lock", "me").equals(1L), "unlock");
        ok("lock");

        try (Jedis three = new Jedis(new HostAndPort("127.0.0.1", port),
                DefaultJedisClientConfig.builder().protocol(RedisProtocol.RESP3).build())) {
            three.hset("h", "f", "v");
            must(three.hgetAll("h").equals(Map.of("f", "v")), "hgetall");
            must(three.zscore("z", "b") == 2.0, "zscore");
        }
        ok("resp3");

        try (JedisPooled pool = new JedisPooled("127.0.0.1", port)) {
            pool.set("b", "2");
            System.out.println("restart");
            System.out.flush();
            new BufferedReader(new InputStreamReader(System.in)).readLine();
            for (int i = 0; ; i++) {
                try {
                    pool.set("c", "3");
                    break;
                } catch (redis.clients.jedis.exceptions.JedisConnectionException e) {
                    must(i < 10, "reconnect"); // one for each connection that the pool still holds
                }
            }
            must(pool.get("c").equals("3"), "after restart");
        }
        ok("reconnect");
    }
}
