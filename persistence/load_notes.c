/* load_notes.c -- see load_notes.h. */
#include "persistence/load_notes.h"

#include <string.h>

#include "persistence/archive_note.h"
#include "persistence/persist.h"

bool load_notes_are(const struct load_notes *n, size_t argc, const struct str *argv)
{
    return n->archive != NULL && argc == 2 && archive_note_is(argv[1]) && str_is_word(argv[0], "echo");
}

static enum err hand_over(const struct load_notes *n, struct str note)
{
    return n->archive->replay(n->archive->ctx, note) ? OK : ERR_FORMAT;
}

enum err load_notes_take(struct load_notes *n, struct str note)
{
    if (!n->in_group) return hand_over(n, note);
    buf_add(&n->held, &note.n, sizeof note.n);
    buf_add_str(&n->held, note);
    return OK;
}

static enum err hand_over_held(struct load_notes *n)
{
    enum err e = OK;

    for (size_t at = 0; at < n->held.n && e == OK;) {
        size_t length;

        memcpy(&length, n->held.p + at, sizeof length);
        at += sizeof length;
        e = hand_over(n, str_of(n->held.p + at, length));
        at += length;
    }
    return e;
}

/* A group may have held values of many MB: its room is not kept for the next. */
static void end_group(struct load_notes *n)
{
    n->in_group = false;
    buf_fini(&n->held);
}

enum err load_notes_applied(struct load_notes *n, struct str command)
{
    enum err e = OK;

    if (str_is(command, "multi")) {
        end_group(n); /* one before it may have been refused, where a damaged log is salvaged */
        n->in_group = true;
    } else if (n->in_group && str_is(command, "exec")) {
        e = hand_over_held(n);
        end_group(n);
    } else if (n->in_group && str_is(command, "discard")) {
        end_group(n);
    }
    return e;
}

void load_notes_fini(struct load_notes *n)
{
    end_group(n);
}
