//! The usual jobs through redis-rs.
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{Client, Commands, Connection, RedisResult};
use std::collections::HashMap;
use std::io::BufRead;

fn ok(what: &str) {
    println!("ok {what}");
}

fn open(port: &str, query: &str) -> Connection {
    Client::open(format!("redis://127.0.0.1:{port}/{query}")).unwrap().get_connection().unwrap()
}

fn main() -> RedisResult<()> {
    let port = std::env::args().nth(1).expect("a port");
    let mut c = open(&port, "");
    let _: () = c.set_ex("a", 1, 100)?;
    assert_eq!(c.get::<_, i32>("a")?, 1);
    ok("connect");

    let mut pipe = redis::pipe();
    for _ in 0..1000 {
        pipe.incr("p", 1);
    }
    let replies: Vec<i64> = pipe.query(&mut c)?;
    assert_eq!(*replies.last().unwrap(), 1000);
    ok("pipeline");

    for _ in 0..10 {
        let (n,): (i64,) = redis::transaction(&mut c, &["n"], |con, pipe| {
            let n: Option<i64> = con.get("n")?;
            pipe.set("n", n.unwrap_or(0) + 1).ignore().get("n").query(con)
        })?;
        assert!(n > 0);
    }
    assert_eq!(c.get::<_, i32>("n")?, 10);
    ok("transaction");

    let p = port.clone();
    let waiter = std::thread::spawn(move || open(&p, "").blpop::<_, (String, String)>("q", 20.0).unwrap());
    let _: () = c.rpush("q", "job")?;
    assert_eq!(waiter.join().unwrap().1, "job");
    let _: () = c.zadd_multiple("z", &[(1.5, "a"), (2.0, "b")])?;
    let z: (String, String, f64) = redis::cmd("BZPOPMIN").arg("z").arg(1).query(&mut c)?;
    assert_eq!((z.1.as_str(), z.2), ("a", 1.5));
    ok("blocking pop");

    let mut listener = open(&port, "");
    let mut sub = listener.as_pubsub();
    sub.subscribe("news")?;
    let _: () = c.publish("news", "hello")?;
    assert_eq!(sub.get_message()?.get_payload::<String>()?, "hello");
    ok("pubsub");

    let id: String = c.xadd("events", "*", &[("kind", "login")])?;
    let _: () = c.xgroup_create("events", "g", "0")?;
    let read: StreamReadReply =
        c.xread_options(&["events"], &[">"], &StreamReadOptions::default().group("g", "w").count(10))?;
    assert_eq!(read.keys[0].ids[0].id, id);
    assert_eq!(c.xack::<_, _, _, i32>("events", "g", &[&id])?, 1);
    ok("stream group");

    let script = redis::Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    for i in 1..=3 {
        assert_eq!(script.key("rate").arg(2).invoke::<i32>(&mut c)?, 2 * i);
    }
    ok("script");

    let options = redis::SetOptions::default()
        .conditional_set(redis::ExistenceCheck::NX)
        .with_expiration(redis::SetExpiry::PX(10000));
    assert!(c.set_options::<_, _, Option<String>>("lock", "me", options)?.is_some());
    assert!(c.set_options::<_, _, Option<String>>("lock", "you", options)?.is_none());
    let unlock =
        redis::Script::new("if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0");
    assert_eq!(unlock.key("lock").arg("me").invoke::<i32>(&mut c)?, 1);
    ok("lock");

    let mut three = open(&port, "?protocol=resp3");
    let _: () = three.hset("h", "f", "v")?;
    assert_eq!(three.hgetall::<_, HashMap<String, String>>("h")?["f"], "v");
    assert_eq!(three.zscore::<_, _, f64>("z", "b")?, 2.0);
    ok("resp3");

    println!("restart");
    std::io::stdin().lock().lines().next();
    let mut again = open(&port, "");
    let _: () = again.set("c", 3)?;
    assert_eq!(again.get::<_, i32>("c")?, 3);
    ok("reconnect");
    Ok(())
}
