#include "port_table/common.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh_table),
        cmocka_unit_test(test_bind_kinds),
        cmocka_unit_test(test_virq_rules),
        cmocka_unit_test(test_interdomain),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_interdomain_refused),
        cmocka_unit_test(test_close_refused),
        cmocka_unit_test(test_set_vcpu_rules),
        cmocka_unit_test(test_priority_rules),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_lowest_first),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_next_used),
        cmocka_unit_test(test_reuse_is_clean),
        cmocka_unit_test(test_random_against_model),
        cmocka_unit_test(test_explore),
        cmocka_unit_test(test_senders_race),
    };
    return cmocka_run_group_tests_name("port_table", tests, NULL, NULL);
}
