#include "sched/sim.h"

int main(void)
{
    return run_rr_tests() + run_place_tests() + run_runq_tests() +
           run_bvt_tests() + run_atropos_tests() + run_admit_tests();
}
