/* Keys on their way from the archive, and the requests that wait for them: random lives beside a plain model. */
#include "server/recall_impl.h"

#include "server/server.h"
#include "tests/unit/unit.h"

enum { DATABASES = 3, KEYS = 12, REQUESTS = 40, WANTS = 4 };

static struct server server;
static struct store store;
static struct waiting requests[REQUESTS]; /* client: any address; NULL: not in use */

static void set_up(void)
{
    static const struct hash_key key = { 1, 2 };

    store.hash_key = key;
    server.store = &store;
    server.recalls = recalls_new(DATABASES, &store.hash_key);
}

/* As a client that runs again, or leaves. */
static void finish(struct waiting *w)
{
    for (size_t i = 0; i < w->n; i++) link_remove(&w->stubs[i].of_ticket);
    link_remove(&w->in_ready);
    mem_free(w->stubs);
    *w = (struct waiting){ 0 };
}

static void tear_down(void)
{
    for (int i = 0; i < REQUESTS; i++)
        if (requests[i].client) finish(&requests[i]);
    recalls_free(&server.recalls);
}

static struct str name_of(unsigned key)
{
    static char text[KEYS][8];

    return str_of(text[key], (size_t)snprintf(text[key], sizeof text[key], "key%u", key));
}

/* As recall_park does for a client. */
static void park(struct waiting *w, struct ticket *const *tickets, size_t n)
{
    *w = (struct waiting){ .client = (struct client *)w, .cap = n, .n = n, .n_left = n };
    w->stubs = mem_zalloc((n + 1) * sizeof *w->stubs);
    link_init(&w->in_ready);
    for (size_t i = 0; i < n; i++) {
        w->stubs[i].waiting = w;
        link_init(&w->stubs[i].of_ticket);
        link_add_tail(&tickets[i]->waiters, &w->stubs[i].of_ticket);
    }
}

/* As recall_ask_more does. */
static void ask(struct ticket *k)
{
    link_remove(&k->in_list);
    k->get = archive_get_new(k->db, entry_key(k->e), ARCHIVE_NEWEST_LIVE, 0);
}

static bool is_ready(const struct waiting *w)
{
    return !link_alone(&w->in_ready);
}

/* --- one at a time ------------------------------------------------------------------------------------------------- */

START_TEST(a_key_has_one_ticket_in_each_database)
{
    struct ticket *k = recall_ticket(&server, 0, STR("k"));

    ck_assert_ptr_eq(recall_ticket(&server, 0, STR("k")), k);
    ck_assert_ptr_ne(recall_ticket(&server, 1, STR("k")), k);
    ck_assert_ptr_ne(recall_ticket(&server, 0, STR("l")), k);
    ck_assert_uint_eq(recall_stats(server.recalls)->on_the_way, 3);
    recalls_check(server.recalls);
}
END_TEST

START_TEST(a_request_goes_on_when_the_last_of_its_keys_is_settled)
{
    struct ticket *k[2] = { recall_ticket(&server, 0, STR("a")), recall_ticket(&server, 0, STR("b")) };

    park(&requests[0], k, 2);
    park(&requests[1], k, 1);
    recall_drop_ticket(server.recalls, k[0]);
    ck_assert(!is_ready(&requests[0]) && is_ready(&requests[1]));
    recalls_check(server.recalls);
    recall_drop_ticket(server.recalls, k[1]);
    ck_assert(is_ready(&requests[0]));
    ck_assert_uint_eq(recall_stats(server.recalls)->on_the_way, 0);
}
END_TEST

START_TEST(those_who_wait_learn_why_their_key_does_not_come)
{
    struct ticket *k[2] = { recall_ticket(&server, 0, STR("a")), recall_ticket(&server, 0, STR("b")) };

    park(&requests[0], &k[0], 1);
    park(&requests[1], &k[1], 1);
    recall_release(server.recalls, k[0], "OOM", false);
    ck_assert_str_eq(requests[0].refusal, "OOM");
    ck_assert(!requests[0].gives_up);
    recall_release(server.recalls, k[1], NULL, true);
    ck_assert_ptr_null(requests[1].refusal);
    ck_assert(requests[1].gives_up);
}
END_TEST

START_TEST(a_key_that_is_written_while_it_is_on_its_way_is_not_brought)
{
    struct ticket *k = recall_ticket(&server, 0, STR("k"));

    park(&requests[0], &k, 1);
    ask(k);
    recall_on_change(&server, &(struct change){ .kind = CHANGE_NEW, .db = 0, .key = STR("k") });
    ck_assert(is_ready(&requests[0]) && !requests[0].gives_up);
    ck_assert_ptr_null(k->e); /* its answer finds a ticket without a key */
    ck_assert(atomic_load(&k->get->job.cancelled));
    ck_assert_uint_eq(recall_stats(server.recalls)->cancelled, 1);
    ck_assert_ptr_ne(recall_ticket(&server, 0, STR("k")), k);
    recall_free_ticket(k);
}
END_TEST

START_TEST(what_is_missing_is_known_until_it_comes_to_be)
{
    const struct change made = { .kind = CHANGE_NEW, .db = 1, .key = STR("k") };
    const struct change flushed = { .kind = CHANGE_FLUSH, .db = 2 };

    ck_assert(!recall_is_missing(&server, 1, STR("k")));
    recall_note_missing(&server, 1, STR("k"));
    ck_assert(recall_is_missing(&server, 1, STR("k")));
    ck_assert(!recall_is_missing(&server, 0, STR("k")) && !recall_is_missing(&server, 1, STR("l")));
    recall_on_change(&server, &made);
    ck_assert(!recall_is_missing(&server, 1, STR("k")));
    recall_note_missing(&server, 1, STR("k"));
    recall_on_change(&server, &flushed); /* any: databases may have changed places */
    ck_assert(!recall_is_missing(&server, 1, STR("k")));
}
END_TEST

/* --- all at once ----------------------------------------------------------------------------------------------------- */

struct model {
    struct ticket *tickets[DATABASES][KEYS]; /* NULL: not on its way */
    struct ticket *lost[1000];               /* asked for, and no longer wanted */
    size_t n_lost;
};

static void want_some(struct model *m, struct rng *r)
{
    struct waiting *w = &requests[rng_below(r, REQUESTS)];
    struct ticket *tickets[WANTS];
    size_t n = 1 + rng_below(r, WANTS);

    if (w->client) return;
    for (size_t i = 0; i < n; i++) {
        unsigned db = (unsigned)rng_below(r, DATABASES), key = (unsigned)rng_below(r, KEYS);

        tickets[i] = recall_ticket(&server, (int)db, name_of(key));
        ck_assert(m->tickets[db][key] == NULL || m->tickets[db][key] == tickets[i]);
        m->tickets[db][key] = tickets[i];
    }
    park(w, tickets, n);
}

static void forget(struct model *m, unsigned db, unsigned key)
{
    struct ticket *k = m->tickets[db][key];

    if (k && k->get) m->lost[m->n_lost++] = k;
    m->tickets[db][key] = NULL;
}

static void change_some(struct model *m, struct rng *r, unsigned db, unsigned key)
{
    struct change made = { .kind = CHANGE_NEW, .db = (int)db, .key = name_of(key) };
    struct change flushed = { .kind = CHANGE_FLUSH, .db = (int)db };

    if (rng_below(r, 10) > 0) {
        forget(m, db, key);
        recall_on_change(&server, &made);
        return;
    }
    for (unsigned i = 0; i < KEYS; i++) forget(m, db, i);
    recall_on_change(&server, &flushed);
}

/* The key came, or could not. */
static void settle_some(struct model *m, struct rng *r, unsigned db, unsigned key)
{
    struct ticket *k = m->tickets[db][key];

    if (k == NULL) return;
    entry_free(recall_unlist(server.recalls, k));
    recall_release(server.recalls, k, NULL, rng_below(r, 2));
    recall_free_ticket(k);
    m->tickets[db][key] = NULL;
}

static void compare(const struct model *m)
{
    size_t n = 0;

    for (unsigned db = 0; db < DATABASES; db++)
        for (unsigned key = 0; key < KEYS; key++) n += m->tickets[db][key] != NULL;
    ck_assert_uint_eq(recall_stats(server.recalls)->on_the_way, n);
    recalls_check(server.recalls);
    for (int i = 0; i < REQUESTS; i++) {
        struct waiting *w = &requests[i];
        size_t left = 0;

        if (!w->client) continue;
        for (size_t k = 0; k < w->n; k++) left += !link_alone(&w->stubs[k].of_ticket);
        ck_assert_uint_eq(w->n_left, left);
        ck_assert(is_ready(w) == (left == 0));
        if (left == 0) finish(w);
    }
}

START_TEST(random_lives_are_those_of_the_model)
{
    enum { STEPS = 40000 };
    struct model m = { 0 };
    struct rng r;

    unit_rng(&r);
    for (int i = 0; i < STEPS; i++) {
        unsigned db = (unsigned)rng_below(&r, DATABASES), key = (unsigned)rng_below(&r, KEYS);
        struct ticket *k = m.tickets[db][key];

        switch (rng_below(&r, 6)) {
        case 0: case 1: want_some(&m, &r); break;
        case 2: if (k && !k->get) ask(k); break;
        case 3: settle_some(&m, &r, db, key); break;
        case 4: if (rng_below(&r, 4) == 0) change_some(&m, &r, db, key); break;
        default: /* an answer that nobody waits for */
            if (m.n_lost > 0) recall_free_ticket(m.lost[--m.n_lost]);
        }
        ck_assert_uint_lt(m.n_lost, 900);
        compare(&m);
    }
    while (m.n_lost > 0) recall_free_ticket(m.lost[--m.n_lost]);
    for (unsigned db = 0; db < DATABASES; db++) /* recalls_free has those that stand in lists */
        for (unsigned key = 0; key < KEYS; key++) settle_some(&m, &r, db, key);
}
END_TEST

UNIT_MAIN_AROUND("recall_ticket", set_up, tear_down, a_key_has_one_ticket_in_each_database,
                 a_request_goes_on_when_the_last_of_its_keys_is_settled, those_who_wait_learn_why_their_key_does_not_come,
                 a_key_that_is_written_while_it_is_on_its_way_is_not_brought, what_is_missing_is_known_until_it_comes_to_be,
                 random_lives_are_those_of_the_model)
