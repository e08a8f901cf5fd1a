/* The tests; see main.c. */
#ifndef MINIOS_DRIVERS_TESTS_H
#define MINIOS_DRIVERS_TESTS_H

void test_open_refused(void **state);
void test_open_back_end_dead(void **state);
void test_open_little_memory(void **state);
void test_blk_good(void **state);
void test_blk_bad_values(void **state);
void test_blk_not_a_piece(void **state);
void test_blk_read_only(void **state);
void test_blk_many(void **state);
void test_blk_errors(void **state);
void test_blk_hostile(void **state);
void test_blk_goes_away(void **state);
void test_blk_keeps_pages(void **state);
void test_blk_suspend(void **state);
void test_blk_suspend_silent(void **state);
void test_blk_suspend_for_good(void **state);
void test_net_good(void **state);
void test_net_flip(void **state);
void test_net_choice(void **state);
void test_net_bad_mac(void **state);
void test_net_full(void **state);
void test_net_errors(void **state);
void test_net_hostile_receive(void **state);
void test_net_hostile_send(void **state);
void test_net_goes_away(void **state);
void test_net_suspend(void **state);
void test_net_suspend_for_good(void **state);

#endif
