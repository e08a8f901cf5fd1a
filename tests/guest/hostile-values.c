/*
 * Single hostile values, each of which has once brought a hypervisor of this
 * ABI down or made it talk: a sweep that must end with both sides alive.
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "single hostile values";

/* ---- polling of ports that nobody has opened ---- */

static void test_poll(void)
{
    evtchn_port_t port;
    struct sched_poll poll = {.nr_ports = 1, .timeout = 1};

    set_xen_guest_handle(poll.ports, &port);
    for (port = 0; port < 5000; port++)
        expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll),
                  -EINVAL);
    for (port = 4096; port; port <<= 1)
        expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll),
                  -EINVAL);
    port = ~0u;
    expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -EINVAL);
}

/* ---- memory flags: every node, every address width ---- */

static void test_mem_flags(void)
{
    xen_pfn_t frame;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    unsigned granted = 0;

    set_xen_guest_handle(r.extent_start, &frame);
    for (unsigned flags = 0; flags < 0x10000; flags += 0x55) {
        r.mem_flags = flags;
        if (hypercall2(__HYPERVISOR_memory_op, XENMEM_increase_reservation,
                       &r) != 1)
            continue;
        granted++;
        r.mem_flags = 0;
        expect_eq(hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_decrease_reservation, &r),
                  1);
    }
    for (unsigned bit = 16; bit < 32; bit++) {
        r.mem_flags = 1u << bit;
        r.extent_order = 255;
        expect_eq(hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_increase_reservation, &r),
                  0);
        r.extent_order = 0;
    }
    print("%u of the flags' values were granted", granted);
}

/* ---- cache_flush of what is not RAM of a domain ---- */

static void test_cache_flush(void)
{
    struct gnttab_cache_flush f = {.length = PAGE_SIZE,
                                   .op = GNTTAB_CACHE_INVAL |
                                         GNTTAB_CACHE_CLEAN};

    for (uint64_t a = 0; a < 1UL << 20; a += PAGE_SIZE) {
        f.a.dev_bus_addr = a;
        hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, &f, 1);
    }
    for (unsigned bit = 20; bit < 64; bit++) {
        f.a.dev_bus_addr = 1UL << bit;
        hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, &f, 1);
    }
}

/* ---- lengths that are negative as a signed number ---- */

static void test_console(void)
{
    static const char text[] = "not to be seen\n";
    static const unsigned long lengths[] = {1UL << 31, 0xffffffffUL,
                                            0x80000010UL, ~0UL};

    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
        for (unsigned cmd = CONSOLEIO_write; cmd <= CONSOLEIO_read; cmd++)
            expect(hypercall3(__HYPERVISOR_console_io, cmd, lengths[i],
                              cmd == CONSOLEIO_write
                                  ? (const char *)HYPERVISOR_VIRT_START
                                  : text) <= 0,
                   "console_io %u of %#lx bytes", cmd, lengths[i]);
}

/* ---- what follows the end of a string ---- */

static void expect_clear(const char *what, const char *s, size_t size)
{
    for (size_t i = strlen(s); i < size; i++)
        if (s[i]) {
            failure("%s: byte %zu is %#x", what, i, (unsigned char)s[i]);
            return;
        }
}

static void test_strings(void)
{
    static union {
        xen_extraversion_t extra;
        xen_compile_info_t info;
        xen_changeset_info_t changes;
        xen_capabilities_info_t caps;
    } u;

    memset(&u, 0x5a, sizeof(u));
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, &u), 0);
    expect_clear("extraversion", u.extra, sizeof(u.extra));
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_compile_info, &u), 0);
    expect_clear("compiler", u.info.compiler, sizeof(u.info.compiler));
    expect_clear("compile_by", u.info.compile_by, sizeof(u.info.compile_by));
    expect_clear("compile_domain", u.info.compile_domain,
                 sizeof(u.info.compile_domain));
    expect_clear("compile_date", u.info.compile_date,
                 sizeof(u.info.compile_date));
    if (!on_xeno()) /* which clears what is behind these, too */
        memset(&u, 0, sizeof(u));
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_changeset, &u), 0);
    expect_clear("changeset", u.changes, sizeof(u.changes));
    if (!on_xeno())
        memset(&u, 0, sizeof(u));
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_capabilities, &u), 0);
    expect_clear("capabilities", u.caps, sizeof(u.caps));
}

/* ---- MSRs: all of them; addresses that are not canonical ---- */

static uint64_t msr_value;

static long rdmsr(long n)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"((uint32_t)n));
    msr_value = (uint64_t)hi << 32 | lo;
    return 0;
}

static long wrmsr(long n)
{
    __asm__ volatile("wrmsr"
                     :
                     : "a"((uint32_t)msr_value),
                       "d"((uint32_t)(msr_value >> 32)), "c"((uint32_t)n));
    return 0;
}

static void test_msrs(void)
{
    static const uint32_t bases[] = {0xc0000100, 0xc0000101, 0xc0000102};
    static const uint32_t ranges[] = {0, 0x40000000, 0xc0000000, 0xc0010000};

    for (unsigned r = 0; r < ARRAY_SIZE(ranges); r++)
        for (uint32_t i = 0; i < 0x400; i++) {
            run_guarded(rdmsr, (long)(ranges[r] + i));
            expect(!last_trap.count || last_trap.vector == 13, "RDMSR %#x: %lu",
                   ranges[r] + i, last_trap.vector);
        }
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        msr_value = 1UL << 63;
        run_guarded(wrmsr, (long)bases[i]);
        expect_eq(last_trap.vector, 13);
        msr_value = 1UL << 47;
        run_guarded(wrmsr, (long)bases[i]);
        expect_eq(last_trap.vector, 13);
    }
    /* Branch traces into memory, as if there were any. */
    for (msr_value = 0x40; msr_value <= 0x1c0; msr_value += 0x40)
        run_guarded(wrmsr, 0x1d9);
    msr_value = 0;
    run_guarded(rdmsr, 0x1d9);
    expect_eq(msr_value & 0x1c0, 0);
}

/* ---- addresses for a TLB flush ---- */

static void test_flush(void)
{
    static const unsigned long addresses[] = {
        1UL << 63, 1UL << 47, HYPERVISOR_VIRT_START, ~0UL << 47, ~0UL};

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++)
        for (unsigned long f = 0; f < 4; f++)
            for (unsigned long all = 0; all <= UVMF_ALL; all += UVMF_ALL)
                (void)update_va(addresses[i], 0, f | all);
    expect(update_va(1UL << 63, 0, UVMF_INVLPG | UVMF_ALL) < 0,
           "an address that is not canonical was mapped");
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_poll();
    test_mem_flags();
    test_cache_flush();
    test_console();
    test_strings();
    test_msrs();
    test_flush();
}
