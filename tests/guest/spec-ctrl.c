/*
 * Defences on the way in and out: forced on, though this processor offers no
 * means of its own, they keep the guest's registers. The MSRs for a guest's own
 * defences are there as far as CPUID says.
 *
 * options: spec-ctrl=rsb,md-clear,bhb-entry,bti-thunk=lfence
 * log: thunk LFENCE, others: RSB BHB-entry VERW
 */
#include "guest.h"
const char test_title[] = "speculation control";

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD 0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define PREFIX "ud2a; .ascii \"xen\"; "

static uint32_t cpuid_d(uint32_t leaf, uint32_t *b)
{
    uint32_t a, c = 0, d;

    __asm__ volatile(PREFIX "cpuid"
                     : "=a"(a), "=b"(*b), "+c"(c), "=d"(d) : "0"(leaf));
    return d;
}

static volatile unsigned faults;

static bool on_fault(struct trap_frame *f)
{
    if (f->vector != 13)
        return false;
    faults++;
    f->rip += 2; /* RDMSR, WRMSR */
    return true;
}

static bool can_read(uint32_t msr)
{
    unsigned before = faults;
    uint32_t lo = 0, hi = 0;

    __asm__ volatile("rdmsr" : "+a"(lo), "+d"(hi) : "c"(msr));
    return faults == before;
}

static bool can_write(uint32_t msr, uint64_t v)
{
    unsigned before = faults;

    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v),
                     "d"((uint32_t)(v >> 32)));
    return faults == before;
}

static void test_msrs(void)
{
    uint32_t e8, d, b;
    bool ibrs, ibpb;

    d = cpuid_d(7, &b);
    cpuid_d(0x80000008, &e8);
    ibrs = (d >> 26 & 1) || (e8 >> 14 & 1);
    ibpb = (d >> 26 & 1) || (e8 >> 12 & 1);
    trap_hook = on_fault;
    expect(can_read(MSR_SPEC_CTRL) == ibrs, "SPEC_CTRL, read: %d", !ibrs);
    expect(can_write(MSR_SPEC_CTRL, 0) == ibrs, "SPEC_CTRL, write: %d", !ibrs);
    expect(!can_write(MSR_SPEC_CTRL, 1UL << 40), "SPEC_CTRL takes bit 40");
    expect(!can_write(MSR_SPEC_CTRL, 1UL << 10), "SPEC_CTRL takes BHI_DIS_S");
    expect(can_write(MSR_PRED_CMD, 1) == ibpb, "PRED_CMD: %d", !ibpb);
    expect(!can_write(MSR_PRED_CMD, 2), "PRED_CMD takes bit 1");
    expect(!can_read(MSR_PRED_CMD), "PRED_CMD can be read");
    expect(can_read(MSR_ARCH_CAPABILITIES) == (d >> 29 & 1),
           "ARCH_CAPABILITIES");
    expect(!can_write(MSR_ARCH_CAPABILITIES, 0), "ARCH_CAPABILITIES written");
    trap_hook = NULL;
}

/*
 * A hypercall and a trap with a number in each register that must survive:
 * how many did not.
 */
#define TRY(instruction, call)                                                 \
    ({                                                                         \
        uint64_t bad_, nr_ = (call);                                           \
        __asm__ volatile("pushq %%rbp\n\t"                                     \
                         "movq $0x1bad, %%rbp\n\t"                             \
                         "movq $0x2bad, %%rbx\n\t"                             \
                         "movq $0x3bad, %%r12\n\t"                             \
                         "movq $0x4bad, %%r13\n\t"                             \
                         "movq $0x5bad, %%r14\n\t"                             \
                         "movq $0x6bad, %%r15\n\t"                             \
                         "movq $0x7bad, %%rdx\n\t"                             \
                         "movq $0x8bad, %%r8\n\t"                              \
                         "movq $0x9bad, %%r9\n\t"                              \
                         "movq $0xabad, %%r10\n\t" instruction "\n\t"          \
                         "subq $0x1bad, %%rbp\n\t"                             \
                         "subq $0x2bad, %%rbx\n\t"                             \
                         "subq $0x3bad, %%r12\n\t"                             \
                         "subq $0x4bad, %%r13\n\t"                             \
                         "subq $0x5bad, %%r14\n\t"                             \
                         "subq $0x6bad, %%r15\n\t"                             \
                         "subq $0x7bad, %%rdx\n\t"                             \
                         "subq $0x8bad, %%r8\n\t"                              \
                         "subq $0x9bad, %%r9\n\t"                              \
                         "subq $0xabad, %%r10\n\t"                             \
                         "orq %%rbp, %%rbx\n\t"                                \
                         "orq %%r12, %%rbx\n\t"                                \
                         "orq %%r13, %%rbx\n\t"                                \
                         "orq %%r14, %%rbx\n\t"                                \
                         "orq %%r15, %%rbx\n\t"                                \
                         "orq %%rdx, %%rbx\n\t"                                \
                         "orq %%r8, %%rbx\n\t"                                 \
                         "orq %%r9, %%rbx\n\t"                                 \
                         "orq %%r10, %%rbx\n\t"                                \
                         "popq %%rbp"                                          \
                         : "=&b"(bad_), "+a"(nr_)                              \
                         : "D"(0), "S"(0)                                      \
                         : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12",      \
                           "r13", "r14", "r15", "memory");                     \
        bad_;                                                                  \
    })

static void test_registers(void)
{
    for (unsigned i = 0; i < 1000; i++) {
        expect_eq(TRY("syscall", __HYPERVISOR_xen_version), 0);
        expect_eq(TRY("syscall", 63), 0); /* no such hypercall */
    }
    trap_hook = on_fault;
    for (unsigned i = 0; i < 100; i++)
        expect_eq(TRY("movl $0x99, %%ecx; rdmsr; movq $0x7bad, %%rdx", 0), 0);
    trap_hook = NULL;
}

void test_main(void)
{
    test_msrs();
    test_registers();
}
