/* Unit tests: pins of grants, handles of mappings. */
#include "grant/t.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grant_rules),
        cmocka_unit_test(test_second_pin),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_guest_changes_entry),
        cmocka_unit_test(test_pin_limit),
        cmocka_unit_test(test_swap),
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_active_random),
        cmocka_unit_test(test_active_explore),
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_handle_limits),
        cmocka_unit_test(test_claim_next),
        cmocka_unit_test(test_handles_random),
        cmocka_unit_test(test_handles_explore),
    };

    return cmocka_run_group_tests_name("grants", tests, NULL, NULL);
}
