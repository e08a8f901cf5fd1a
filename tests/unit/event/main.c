/* Room event on a small fake machine: delivery, operations, interrupts. */
#include "event/world.h"

#define GROUP(name)                                                            \
    _cmocka_run_group_tests(#name, name##_tests, name##_tests_num, NULL, NULL)

int main(void)
{
    return GROUP(two_level) + GROUP(ops) + GROUP(fifo) + GROUP(fifo_race) +
           GROUP(pirq);
}
