#include "timers_tests.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_order),
        cmocka_unit_test(test_heap_random),
        cmocka_unit_test(test_rtc_known),
        cmocka_unit_test(test_rtc_every_day),
        cmocka_unit_test(test_rtc_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
