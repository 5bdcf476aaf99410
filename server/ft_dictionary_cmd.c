/* ft_dictionary_cmd.c -- FT.DICTADD, FT.DICTDEL and FT.DICTDUMP: words that FT.SPELLCHECK suggests too, or passes over. */
#include <stdlib.h>

#include "search/dictionary.h"
#include "server/commands.h"
#include "server/ft_impl.h"
#include "server/rows.h"
#include "text/words.h"

static void end_change(struct call *c, int64_t n)
{
    ft_note_any(c->client->server->ft);
    c->store->stats.changes += (uint64_t)n;
    c->store->stats.dirty += (uint64_t)n;
    reply_int(c->out, n);
}

/* Nothing is added when one of the words cannot be. */
static enum err run_add(struct call *c)
{
    struct dictionaries *ds = &c->client->server->ft->now.dictionaries;
    struct dictionary *d = dictionaries_find(ds, call_arg(c, 1));
    int64_t n = 0;

    if ((d ? d->words.n : 0) + (c->argc - 2) > DICTIONARY_WORDS_MAX)
        return call_fail_text(c, arena_printf(c->arena, "A dictionary has at most %d terms: put some of them into another one", DICTIONARY_WORDS_MAX));
    for (size_t i = 2; i < c->argc; i++) {
        if (c->argv[i].n > 0 && c->argv[i].n <= WORD_MAX) continue;
        return call_fail_text(c, arena_printf(c->arena, "A term of a dictionary is 1 to %d bytes long", WORD_MAX));
    }
    d = dictionaries_open(ds, call_arg(c, 1));
    if (d == NULL) return call_fail_text(c, arena_printf(c->arena, "There are %d dictionaries already, which is the most: delete one", DICTIONARIES_MAX));
    for (size_t i = 2; i < c->argc; i++) n += dictionary_add(d, c->argv[i]);
    end_change(c, n);
    return OK;
}

static enum err run_del(struct call *c)
{
    int64_t n = 0;

    for (size_t i = 2; i < c->argc; i++) n += dictionaries_remove(&c->client->server->ft->now.dictionaries, call_arg(c, 1), c->argv[i]);
    end_change(c, n);
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err run_dump(struct call *c)
{
    const struct dictionary *d = dictionaries_find(&c->client->server->ft->now.dictionaries, call_arg(c, 1));
    struct str *words;
    size_t n = 0;

    reply_set(c->out, d ? d->words.n : 0);
    if (d == NULL) return OK;
    words = arena_alloc(c->arena, d->words.n * sizeof *words);
    for (uint32_t i = 0; i < d->words.end; i++)
        if (names_get(&d->words, i).p) words[n++] = names_get(&d->words, i);
    qsort(words, n, sizeof *words, by_text);
    for (size_t i = 0; i < n; i++) reply_bulk(c->out, words[i]);
    return OK;
}

/* clang-format off */

static const struct command_arg dict_terms[] = { { .name = "dict" }, { .name = "term", .flags = ARG_MULTIPLE }, { 0 } };

const struct command ft_dictionary_commands[] = {
    { ROW("ft.dictadd", run_add, -3, CMD_WRITE | CMD_DENYOOM, GROUP_SEARCH, "1.4.0", "O(N), N being the terms given",
          "Puts terms into a dictionary for FT.SPELLCHECK."),
      .acl = ACL_SEARCH, .args = dict_terms, .example = "FT.DICTADD names Lisbon Porto => :2\r\n" },
    { ROW("ft.dictdel", run_del, -3, CMD_WRITE, GROUP_SEARCH, "1.4.0", "O(N), N being the terms given",
          "Takes terms out of a dictionary."),
      .acl = ACL_SEARCH, .args = dict_terms, .example = "FT.DICTADD names Lisbon | FT.DICTDEL names Lisbon Porto => :1\r\n" },
    { ROW("ft.dictdump", run_dump, 2, CMD_READONLY, GROUP_SEARCH, "1.4.0", "O(N log(N)), N being the terms of the dictionary",
          "Tells the terms of a dictionary, in order."),
      .acl = ACL_SEARCH, .args = ARGS({ .name = "dict" }),
      .example = "FT.DICTADD names Porto Lisbon | FT.DICTDUMP names => *2\r\n$6\r\nLisbon\r\n$5\r\nPorto\r\n" },
    { 0 },
};
