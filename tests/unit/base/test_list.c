#include "base/list.h"
#include "tests/unit/unit.h"

struct item {
    int id;
    struct link link;
};

START_TEST(a_new_list_is_empty)
{
    struct link head;

    link_init(&head);
    ck_assert(link_alone(&head));
    LINK_EACH(&head, it) ck_abort_msg("an item in an empty list");
}
END_TEST

START_TEST(items_come_in_the_order_they_were_added)
{
    struct link head;
    struct item items[3] = { { .id = 0 }, { .id = 1 }, { .id = 2 } };
    int n = 0;

    link_init(&head);
    for (int i = 0; i < 3; i++) link_add_tail(&head, &items[i].link);
    LINK_EACH(&head, it) ck_assert_int_eq(LINK_OF(it, struct item, link)->id, n++);
    ck_assert_int_eq(n, 3);
}
END_TEST

START_TEST(a_removed_item_is_alone_and_may_be_removed_again)
{
    struct link head;
    struct item a = { .id = 1 };
    struct item b = { .id = 2 };

    link_init(&head);
    link_add_tail(&head, &a.link);
    link_add_tail(&head, &b.link);
    link_remove(&a.link);
    ck_assert(link_alone(&a.link));
    link_remove(&a.link);
    ck_assert_ptr_eq(head.next, &b.link);
    ck_assert_ptr_eq(head.prev, &b.link);
    link_remove(&b.link);
    ck_assert(link_alone(&head));
}
END_TEST

UNIT_MAIN("list", a_new_list_is_empty, items_come_in_the_order_they_were_added,
          a_removed_item_is_alone_and_may_be_removed_again)
