#include "spec_tests.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_guest_view),
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_bad_words),
        cmocka_unit_test(test_l1tf_words),
        cmocka_unit_test(test_tsx_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
