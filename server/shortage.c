/* shortage.c -- see shortage.h. */
#include "server/shortage.h"

#include "base/mem.h"
#include "server/client.h"

enum { RETRY_US = 100000, TELL_US = 10000000 };

static void last_words(void *ctx, size_t n)
{
    struct log *log = ctx;

    log_warning(log, "Out of memory: %zu bytes are not to be had, and the reserve is used up. memd stops here; what was "
                "acknowledged is in the log. Give it more memory, or set maxmemory below what there is.", n);
}

void shortage_open(struct server *s)
{
    mem_on_end(last_words, s->log);
    if (!mem_reserve_fill())
        log_warning(s->log, "There is no memory for a reserve of %d MiB: commands that need memory are refused.",
                    MEM_RESERVE >> 20);
}

/* What is kept only to be faster. */
static void give_back(struct server *s)
{
    clients_drop_spare(s);
    mem_purge();
}

static bool may_tell(struct server *s)
{
    if (s->shortage.told_us != 0 && s->now_us - s->shortage.told_us < TELL_US) return false;
    s->shortage.told_us = s->now_us;
    return true;
}

void shortage_turn(struct server *s)
{
    struct shortage *h = &s->shortage;

    if (h->seen == mem_failures() && s->now_us - h->tried_us < RETRY_US) return;
    h->seen = mem_failures();
    h->tried_us = s->now_us;
    give_back(s);
    if (mem_reserve_fill()) {
        if (h->told || may_tell(s))
            log_warning(s->log, "Memory was refused (%llu times so far) and is there again: the reserve is whole.",
                        (unsigned long long)h->seen);
        h->told = false;
        return;
    }
    if (persist_shed(s->persist)) log_warning(s->log, "Out of memory: the background save is given up.");
    if (h->told) return;
    h->told = true;
    h->told_us = s->now_us;
    log_warning(s->log, "Out of memory: the system refuses more, and a part of the reserve of %d MiB is used. Commands that "
                "need memory are refused until it is whole again. %zu bytes are in use.", MEM_RESERVE >> 20, mem_used());
}

void shortage_close(struct client *c, const char *what)
{
    if (c->flags & (CLIENT_CLOSE_SOON | CLIENT_CLOSED | CLIENT_LOADER)) return;
    c->server->stats.no_memory_closed++;
    log_limited(c->server->log, LOG_WARNING, "Client id=%llu addr=%s closed: there is no memory for %s.", (unsigned long long)c->id,
                client_peer(c), what);
    client_close_soon(c);
}
