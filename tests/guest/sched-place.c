/*
 * Where new domains go on two packages of one core with two threads each: to
 * different packages first; and the second threads taken out of use, and back.
 * Checklist rows 18, 97.
 *
 * qemu: -smp 4,sockets=2,cores=1,threads=2
 * options: dom0_max_vcpus=1
 */
#include "sched.h"
const char test_title[] = "packages first";

#define CHILDREN 7

static struct child child[CHILDREN];
static xen_sysctl_cputopo_t place[4];

static void read_topology(void)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.u.cputopoinfo.num_cpus = 4;
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, place);
    expect_eq(sysctl(XEN_SYSCTL_cputopoinfo, &op), 0);
    expect_eq(op.u.cputopoinfo.num_cpus, 4);
    expect_eq(place[0].socket, place[1].socket);
    expect_eq(place[2].socket, place[3].socket);
    expect(place[0].socket != place[2].socket, "there is but one package");
}

static unsigned cpu_of(unsigned id)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    expect_eq(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    return op.u.getvcpuinfo.cpu;
}

static long smt(unsigned how)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.u.cpu_hotplug.op = how;
    return sysctl(XEN_SYSCTL_cpu_hotplug, &op);
}

static void expect_cpus(unsigned n)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    expect_eq(sysctl(XEN_SYSCTL_physinfo, &op), 0);
    expect_eq(op.u.physinfo.nr_cpus, n);
    expect_eq(op.u.physinfo.threads_per_core, 2);
}

/* All domains are on the first threads then. */
static void test_smt(void)
{
    expect_eq(smt(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE), 0);
    expect_cpus(2);
    for (unsigned i = 0; i < CHILDREN; i++)
        expect_eq(cpu_of(child[i].id) % 2, 0);
    expect_eq(smt(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE), 0);
    expect_eq(smt(XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE), 0);
    expect_cpus(4);
}

void test_main(void)
{
    unsigned on_cpu[4] = {0}, on_package[2] = {0};

    read_topology();
    on_cpu[cpu_of(0)]++;
    on_package[cpu_of(0) / 2]++;
    for (unsigned i = 0; i < CHILDREN; i++) {
        unsigned cpu;

        child_new(&child[i]);
        cpu = cpu_of(child[i].id);
        on_cpu[cpu]++;
        on_package[cpu / 2]++;
        /* After each: packages, then threads differ by one at most. */
        expect(on_package[0] <= on_package[1] + 1 &&
                   on_package[1] <= on_package[0] + 1,
               "%u and %u on the packages", on_package[0], on_package[1]);
        for (unsigned p = 0; p < 4; p += 2)
            expect(on_cpu[p] <= on_cpu[p + 1] + 1 &&
                       on_cpu[p + 1] <= on_cpu[p] + 1,
                   "%u and %u on the threads", on_cpu[p], on_cpu[p + 1]);
    }
    test_smt();
    for (unsigned i = 0; i < CHILDREN; i++)
        child_destroy(&child[i]);
}
