/*
 * mini-os's front ends against back ends of ours: good ones, dead ones and
 * those that lie. Whatever they do, the front end says so and lets go of all
 * that it had.
 */
#include "minios_drivers/world.h"

#include "minios_drivers/tests.h"

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_refused),
        cmocka_unit_test(test_open_back_end_dead),
        cmocka_unit_test(test_open_little_memory),
        cmocka_unit_test(test_blk_good),
        cmocka_unit_test(test_blk_bad_values),
        cmocka_unit_test(test_blk_not_a_piece),
        cmocka_unit_test(test_blk_read_only),
        cmocka_unit_test(test_blk_many),
        cmocka_unit_test(test_blk_errors),
        cmocka_unit_test(test_blk_hostile),
        cmocka_unit_test(test_blk_goes_away),
        cmocka_unit_test(test_blk_keeps_pages),
        cmocka_unit_test(test_blk_suspend),
        cmocka_unit_test(test_blk_suspend_silent),
        cmocka_unit_test(test_blk_suspend_for_good),
        cmocka_unit_test(test_net_good),
        cmocka_unit_test(test_net_flip),
        cmocka_unit_test(test_net_choice),
        cmocka_unit_test(test_net_bad_mac),
        cmocka_unit_test(test_net_full),
        cmocka_unit_test(test_net_errors),
        cmocka_unit_test(test_net_hostile_receive),
        cmocka_unit_test(test_net_hostile_send),
        cmocka_unit_test(test_net_goes_away),
        cmocka_unit_test(test_net_suspend),
        cmocka_unit_test(test_net_suspend_for_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
