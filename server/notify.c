/* notify.c -- see notify.h. */
#include "server/notify.h"

#include "server/pubsub.h"

static void publish(struct server *s, const char *space, int db, struct str about, struct str what)
{
    struct buf channel = { 0 };

    buf_printf(&channel, "__%s@%d__:", space, db);
    buf_add_str(&channel, about);
    pubsub_publish(s, buf_str(&channel), what, false);
    buf_fini(&channel);
}

void notify_on_change(struct server *s, const struct change *ch)
{
    unsigned wanted = s->conf->notify_keyspace_events;
    const char *event = change_name(ch->kind);

    if (event == NULL || !(wanted & conf_notify_bit(change_class(ch->kind))) || s->store->loading) return;
    if (wanted & CONF_NOTIFY_KEYSPACE) publish(s, "keyspace", ch->db, ch->key, str_c(event));
    if (wanted & CONF_NOTIFY_KEYEVENT) publish(s, "keyevent", ch->db, str_c(event), ch->key);
}
