/* Round robin: all the same, one after the other. */
#include "machine.h"

static void equal_shares(void)
{
    struct machine *m = machine_new(&rr_scheduler, SIM_CPUS, 1600);

    for (unsigned i = 0; i < 1600; i++)
        sim_start(m, i, i % SIM_CPUS, 0, 0);
    sim_run(m, SECONDS(3600));
    for (unsigned i = 0; i < 1600; i++) {
        REQUIRE(m->vcpu[i].ran >= SECONDS(36) - MILLISECS(10) &&
                    m->vcpu[i].ran <= SECONDS(36) + MILLISECS(10),
                "vCPU %u ran for %lu ms", i,
                (unsigned long)m->vcpu[i].ran / 1000000);
        REQUIRE(m->vcpu[i].max_wait <= MILLISECS(990), "vCPU %u waited", i);
    }
    machine_free(m);
}

const struct scenario rr_scenarios[] = {
    {"rr: 1600 vCPUs have equal shares, in turns", equal_shares},
    {NULL, NULL},
};
