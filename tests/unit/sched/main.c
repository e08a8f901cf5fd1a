#include "sched/sim.h"

int main(void)
{
    return run_rr_tests() + run_place_tests();
}
