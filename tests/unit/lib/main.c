#include "lib_tests.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_param_values),
        cmocka_unit_test(test_param_bad),
        cmocka_unit_test(test_param_named),
        cmocka_unit_test(test_param_line),
        cmocka_unit_test(test_rangeset_known),
        cmocka_unit_test(test_rangeset_random),
        cmocka_unit_test(test_rangeset_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
