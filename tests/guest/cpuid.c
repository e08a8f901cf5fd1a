/*
 * CPUID as a guest sees it: by the prefix of the ABI, and natively where the
 * hypervisor can trap it; the hypervisor's leaves; features that a guest in
 * ring 3 cannot have are not shown.
 */
#include "guest.h"
#include <xen/arch-x86/cpuid.h>
const char test_title[] = "CPUID";

struct regs {
    uint32_t a, b, c, d;
};

#define PREFIX "ud2a; .ascii \"xen\"; "

static struct regs cpuid(uint32_t leaf, uint32_t sub)
{
    struct regs r;

    __asm__ volatile(PREFIX "cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "a"(leaf), "c"(sub));
    return r;
}

static uint32_t find_base(void)
{
    for (uint32_t base = 0x40000000; base < 0x40010000; base += 0x100) {
        struct regs r = cpuid(base, 0);

        if (r.b == XEN_CPUID_SIGNATURE_EBX && r.c == XEN_CPUID_SIGNATURE_ECX &&
            r.d == XEN_CPUID_SIGNATURE_EDX)
            return base;
    }
    return 0;
}

static void test_leaves(void)
{
    uint32_t base = find_base();
    struct regs r;

    if (!base) {
        failure("no hypervisor leaves");
        return;
    }
    expect(cpuid(base, 0).a >= base + 2, "highest leaf %#x",
           cpuid(base, 0).a);
    r = cpuid(base + 1, 0);
    expect_eq(r.a, hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0));
}

static void test_features(void)
{
    struct regs r = cpuid(1, 0), x = cpuid(0x80000001, 0);

    expect(r.d & 1, "no FPU");
    expect(r.d >> 26 & 1, "no SSE2");
    expect(r.c >> 31 & 1, "no sign of a hypervisor");
    expect(!(r.c >> 5 & 1), "VMX is shown");
    expect(!(r.c >> 6 & 1), "SMX is shown");
    expect(!(r.c >> 17 & 1), "PCID is shown");
    expect(!(r.d >> 12 & 1) || !on_xeno(), "MTRR is shown");
    expect(!(r.d >> 3 & 1), "PSE is shown");
    expect(!(r.d >> 13 & 1), "PGE is shown");
    expect(x.d >> 29 & 1, "no long mode");
    expect(x.d >> 11 & 1, "no SYSCALL");
    expect(x.d >> 20 & 1, "no NX");
    expect(!(x.d >> 26 & 1), "1 GiB pages are shown");
    expect(!(x.c >> 2 & 1), "SVM is shown");
    r = cpuid(7, 0);
    expect(!(r.b >> 7 & 1), "SMEP is shown");
    expect(!(r.b >> 20 & 1), "SMAP is shown");
    expect(!(r.b >> 10 & 1), "INVPCID is shown");
}

/* XSAVE: what is shown can be used; its sizes agree. */
static void test_xsave(void)
{
    struct regs r = cpuid(1, 0), d0, d1;
    uint32_t lo, hi;

    if (!(r.c >> 26 & 1))
        return;
    d0 = cpuid(0xd, 0);
    d1 = cpuid(0xd, 1);
    expect(d0.a & 3, "XCR0 mask %#x", d0.a);
    expect(d0.c >= 576 && d0.b >= 576, "sizes %u %u", d0.b, d0.c);
    expect(!(d1.a & 8), "XSAVES is shown");
    if (!(r.c >> 27 & 1))
        return;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    expect((lo & ~d0.a) == 0, "XCR0 %#x, mask %#x", lo, d0.a);
}

/* Subleaves and leaves beyond the end. */
static void test_range(void)
{
    uint32_t top = cpuid(0, 0).a, ext = cpuid(0x80000000, 0).a;

    expect(top >= 1 && top < 0x100, "highest leaf %#x", top);
    expect(ext >= 0x80000008 && ext < 0x80000100, "highest leaf %#x", ext);
    cpuid(0x7fffffff, 5);
    cpuid(~0u, ~0u);
    for (unsigned sub = 0; sub < 70; sub++)
        cpuid(0xd, sub);
}

/* The prefix in user mode. */
USER_SNIPPET(user_cpuid,
             "xorl %eax,%eax; xorl %ecx,%ecx; ud2a; .ascii \"xen\"; cpuid; "
             "int3");
USER_SNIPPET(user_broken, "ud2a; .ascii \"xem\"; cpuid; int3");

static void test_user(void)
{
    struct trap_frame f;
    struct regs r = cpuid(0, 0);

    RUN_USER(user_cpuid, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq((uint32_t)f.rbx, r.b);
    RUN_USER(user_broken, 0, &f);
    expect_eq(f.vector, 6);
    expect_eq(f.rip, USER_CODE);
}

void test_main(void)
{
    test_leaves();
    test_features();
    test_xsave();
    test_range();
    test_user();
}
