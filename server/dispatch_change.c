/* dispatch_change.c -- what the store tells of each change, to the log and all who listen. */
#include "server/block.h"
#include "server/departures.h"
#include "server/dispatch.h"
#include "server/ft.h"
#include "server/gate.h"
#include "server/multi.h"
#include "server/namespaces.h"
#include "server/notify.h"
#include "server/recall.h"
#include "server/tracking.h"
#include "storage/namespace.h"

static void log_removal(struct server *s, const struct change *ch)
{
    const struct str del[] = { STR("DEL"), ch->key };
    const struct str unlink[] = { STR("UNLINK"), ch->key };
    const struct str hdel[] = { STR("HDEL"), ch->key, ch->field };

    if (s->store->loading) return;
    if (ch->kind == CHANGE_HEXPIRED) persist_append(s->persist, ch->db, 3, hdel);
    else if (ch->kind == CHANGE_EXPIRED) persist_append(s->persist, ch->db, 2, s->store->conf.lazy_expire ? unlink : del);
    else persist_append(s->persist, ch->db, 2, s->store->conf.lazy_evict ? unlink : del);
}

/* What leaves is noted in one group with its leaving. */
static void on_removal(struct server *s, const struct change *ch)
{
    persist_group_begin(s->persist);
    if (UNLIKELY(s->archive != NULL || ns_needs(s->store, NS_NEEDS_ARCHIVE))) departures_on_change(s, ch);
    log_removal(s, ch);
    persist_group_end(s->persist);
}

static void on_change(void *ctx, const struct change *ch)
{
    struct server *s = ctx;

    if (UNLIKELY(s->reads_wait)) gate_changed(s, ch);
    if (UNLIKELY(ns_needs(s->store, NS_NEEDS_ON_CHANGE))) namespaces_on_change(s, ch);
    s->telling_change = true;
    if (ch->kind == CHANGE_EXPIRED || ch->kind == CHANGE_EVICTED || ch->kind == CHANGE_HEXPIRED) {
        on_removal(s, ch);
    } else if (UNLIKELY(s->archive != NULL || ns_needs(s->store, NS_NEEDS_ARCHIVE))) {
        departures_on_change(s, ch);
    }
    if (UNLIKELY(s->archive != NULL)) recall_on_change(s, ch);
    if (UNLIKELY(s->ft_any)) ft_on_change(s, ch);
    if (UNLIKELY(s->n_watching > 0)) multi_on_change(s, ch);
    if (UNLIKELY(tracking_listens(s))) tracking_on_change(s, ch);
    if (UNLIKELY(s->n_blocked > 0)) block_on_change(s, ch);
    if (UNLIKELY(s->conf->notify_keyspace_events != 0)) notify_on_change(s, ch);
    s->telling_change = false;
}

void dispatch_subscribe(struct server *s)
{
    store_subscribe(s->store, on_change, s);
}
