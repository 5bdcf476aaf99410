// The usual jobs through go-redis.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func ok(what string) { fmt.Println("ok " + what) }

func must(good bool, what string, err error) {
	if err != nil || !good {
		fmt.Fprintln(os.Stderr, what, err)
		os.Exit(1)
	}
}

func open(protocol int) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Args[1], Protocol: protocol, MaxRetries: 50,
		MinRetryBackoff: 20 * time.Millisecond, MaxRetryBackoff: 100 * time.Millisecond})
}

func main() {
	c := open(2)
	must(true, "set", c.Set(ctx, "a", "1", time.Minute).Err())
	a, err := c.Get(ctx, "a").Result()
	must(a == "1", "get", err)
	ok("connect")

	p := c.Pipeline()
	for i := 0; i < 1000; i++ {
		p.Incr(ctx, "p")
	}
	_, err = p.Exec(ctx)
	n, _ := c.Get(ctx, "p").Int()
	must(n == 1000, "pipeline", err)
	ok("pipeline")

	add := func(tx *redis.Tx) error {
		n, err := tx.Get(ctx, "n").Int()
		if err != nil && err != redis.Nil {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "n", n+1, 0); return nil })
		return err
	}
	done := make(chan error)
	for w := 0; w < 4; w++ {
		go func() {
			for i := 0; i < 10; {
				err := c.Watch(ctx, add, "n")
				if err == nil {
					i++
				} else if err != redis.TxFailedErr {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for w := 0; w < 4; w++ {
		must(true, "transaction", <-done)
	}
	n, err = c.Get(ctx, "n").Int()
	must(n == 40, "transaction", err)
	ok("transaction")

	popped := make(chan []string)
	go func() { v, _ := c.BLPop(ctx, 20*time.Second, "q").Result(); popped <- v }()
	c.RPush(ctx, "q", "job")
	v := <-popped
	must(len(v) == 2 && v[1] == "job", "blpop", nil)
	c.ZAdd(ctx, "z", redis.Z{Score: 1.5, Member: "a"}, redis.Z{Score: 2, Member: "b"})
	z, err := c.BZPopMin(ctx, time.Second, "z").Result()
	must(err == nil && z.Member == "a" && z.Score == 1.5, "bzpopmin", err)
	ok("blocking pop")

	sub := c.Subscribe(ctx, "news")
	_, err = sub.Receive(ctx)
	must(true, "subscribe", err)
	c.Publish(ctx, "news", "hello")
	m, err := sub.ReceiveMessage(ctx)
	must(err == nil && m.Payload == "hello", "message", err)
	sub.Close()
	ok("pubsub")

	id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: "events", Values: []string{"kind", "login"}}).Result()
	must(true, "xadd", err)
	must(true, "group", c.XGroupCreate(ctx, "events", "g", "0").Err())
	got, err := c.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "w", Streams: []string{"events", ">"}}).Result()
	must(err == nil && got[0].Messages[0].ID == id, "xreadgroup", err)
	pending, err := c.XPending(ctx, "events", "g").Result()
	must(err == nil && pending.Count == 1, "xpending", err)
	info, err := c.XInfoStream(ctx, "events").Result()
	must(err == nil && info.Length == 1, "xinfo", err)
	acked, err := c.XAck(ctx, "events", "g", id).Result()
	must(acked == 1, "xack", err)
	ok("stream group")

	limit := redis.NewScript("local n = redis.call('INCR', KEYS[1]) return {n, ARGV[1]}")
	for i := int64(1); i <= 3; i++ {
		r, err := limit.Run(ctx, c, []string{"rate"}, "x").Slice()
		must(err == nil && r[0] == i && r[1] == "x", "script", err)
	}
	ok("script")

	held, err := c.SetNX(ctx, "lock", "me", 10*time.Second).Result()
	must(held, "lock", err)
	held, err = c.SetNX(ctx, "lock", "you", 10*time.Second).Result()
	must(!held, "lock", err)
	r, err := c.Eval(ctx, "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0",
		[]string{"lock"}, "me").Int()
	must(r == 1, "unlock", err)
	ok("lock")

	three := open(3)
	three.HSet(ctx, "h", "f", "v")
	h, err := three.HGetAll(ctx, "h").Result()
	must(err == nil && h["f"] == "v", "hgetall", err)
	s, err := three.ZScore(ctx, "z", "b").Result()
	must(s == 2, "zscore", err)
	ok("resp3")

	fmt.Println("restart")
	bufio.NewReader(os.Stdin).ReadString('\n')
	must(true, "set after restart", three.Set(ctx, "c", "3", 0).Err())
	b, err := c.Get(ctx, "c").Result()
	must(b == "3", "get after restart", err)
	ok("reconnect")
}
