/*
 * Processor topology. An APIC identifier is package | core | thread, each in a
 * bit field whose width CPUID tells: leaf 0x1f or 0xb (Intel SDM vol. 3, 9.9),
 * on AMD 0x80000008 and 0x8000001e, on old Intel CPUs 1 and 4.
 */
#include "arch/x86/topology.h"

#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "lib/bitops.h"

static unsigned thread_bits, core_bits; /* core_bits: of core and thread */
static struct cpu_topology topologies[MAX_CPUS];

/* Bits needed to number n things. */
static unsigned bits_for(unsigned n)
{
    return n <= 1 ? 0 : highest_bit(n - 1) + 1;
}

/* Leaf 0x1f or 0xb: levels with the width up to and including each. */
static bool from_extended_leaf(uint32_t leaf)
{
    if (cpu_features.max_leaf < leaf || cpuid(leaf, 0).b == 0)
        return false;
    for (unsigned level = 0; level < 8; level++) {
        struct cpuid_regs r = cpuid(leaf, level);
        unsigned type = (r.c >> 8) & 0xff;
        if (type == 0)
            break;
        if (type == 1)
            thread_bits = r.a & 31;
        core_bits = r.a & 31;
    }
    return true;
}

static bool from_amd(void)
{
    uint32_t c;

    if (!cpu_features.vendor_amd || cpu_features.max_ext_leaf < 0x80000008)
        return false;
    c = cpuid(0x80000008, 0).c;
    core_bits = (c >> 12) & 15;
    if (core_bits == 0)
        core_bits = bits_for((c & 0xff) + 1);
    if (cpu_features.max_ext_leaf >= 0x8000001e && cpu_features.family >= 0x17)
        thread_bits = bits_for(((cpuid(0x8000001e, 0).b >> 8) & 0xff) + 1);
    return true;
}

static void from_leaf_4(void)
{
    struct cpuid_regs r = cpuid(1, 0);
    unsigned logical = r.d & (1u << 28) ? (r.b >> 16) & 0xff : 1;
    unsigned cores = 1;

    if (cpu_features.max_leaf >= 4)
        cores = (cpuid(4, 0).a >> 26) + 1;
    core_bits = bits_for(logical);
    thread_bits = logical > cores ? bits_for(logical / cores) : 0;
}

void __init topology_init(void)
{
    if (!from_extended_leaf(0x1f) && !from_extended_leaf(0xb) && !from_amd())
        from_leaf_4();
    if (core_bits < thread_bits)
        core_bits = thread_bits;
}

struct cpu_topology topology_of_apic_id(uint32_t id)
{
    return (struct cpu_topology){
        .thread = id & ((1u << thread_bits) - 1),
        .core = (id & ((1u << core_bits) - 1)) >> thread_bits,
        .package = id >> core_bits,
    };
}

void topology_set(unsigned cpu, uint32_t apic_id)
{
    topologies[cpu] = topology_of_apic_id(apic_id);
}

const struct cpu_topology *cpu_topology(unsigned cpu)
{
    return &topologies[cpu];
}

cpumask_t cpu_package_mates(unsigned cpu)
{
    cpumask_t mask = 0;
    unsigned other;

    for_each_cpu(other, cpu_present_map)
        if (topologies[other].package == topologies[cpu].package)
            mask |= CPUMASK(other);
    return mask;
}

cpumask_t cpu_siblings(unsigned cpu)
{
    cpumask_t mates = cpu_package_mates(cpu), mask = 0;
    unsigned other;

    for_each_cpu(other, mates)
        if (topologies[other].core == topologies[cpu].core)
            mask |= CPUMASK(other);
    return mask;
}

unsigned topology_threads_per_core(void)
{
    unsigned cpu, most = 1;

    for_each_cpu(cpu, cpu_present_map)
        most = max(most, count_bits(cpu_siblings(cpu)));
    return most;
}

/* Each core is counted by its lowest CPU. */
static unsigned cores_among(cpumask_t mates)
{
    unsigned cpu, cores = 0;

    for_each_cpu(cpu, mates)
        cores += lowest_bit(cpu_siblings(cpu)) == cpu;
    return cores;
}

unsigned topology_cores_per_package(void)
{
    unsigned cpu, most = 1;

    for_each_cpu(cpu, cpu_present_map)
        most = max(most, cores_among(cpu_package_mates(cpu)));
    return most;
}
