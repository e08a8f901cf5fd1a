#include "boot_tests.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_e820_known),
        cmocka_unit_test(test_e820_random),
        cmocka_unit_test(test_e820_full),
        cmocka_unit_test(test_e820_options),
        cmocka_unit_test(test_mb1),
        cmocka_unit_test(test_mb1_bad),
        cmocka_unit_test(test_mb2),
        cmocka_unit_test(test_mb2_efi),
        cmocka_unit_test(test_mb2_bad),
        cmocka_unit_test(test_mb_limits),
        cmocka_unit_test(test_skip_name),
        cmocka_unit_test(test_log_ring),
        cmocka_unit_test(test_log_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
