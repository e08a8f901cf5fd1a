/*
 * What frameworks for test kernels rely on, seen from both layouts: a kernel
 * in the lower half whose user mode shares its tables, and one in the upper
 * half with tables apart.
 *
 * options: dom0_max_vcpus=1
 */
#include "guest.h"
const char test_title[] = "the environment of a test framework";

/* ---- start of day ---- */

static void test_start(void)
{
    const struct start_info *si = start_info;
    unsigned long console = si->console.domU.mfn, pfn;

    expect(!memcmp(si->magic, "xen-3.0-x86_64", 14), "magic");
    expect_eq(si->shared_info & 4095, 0);
    expect_eq(si->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN),
              SIF_PRIVILEGED | SIF_INITDOMAIN);
    expect_eq(si->mod_start, 0);
    expect_eq(si->mod_len, 0);
    expect_eq(si->store_mfn, 0);
    expect_eq(si->cmd_line[0], 0);
    for (unsigned long p = 0; p < 64; p++)
        expect_eq(machine_to_phys_mapping[pfn_to_mfn(p)], p);
    /* A kernel may take it for the console's ring and look that up. */
    pfn = machine_to_phys_mapping[console & 0xffff];
    expect(pfn >= si->nr_pages || pfn_to_mfn(pfn) == (console & 0xffff),
           "M2P of frame %#lx", console);
    expect(hypercall_page[0] != (char)0xc3 && hypercall_page[0], "no stubs");
}

/* ---- control registers ---- */

static long read_cr(long n)
{
    unsigned long v;

    switch (n) {
    case 0:
        __asm__ volatile("movq %%cr0,%0" : "=r"(v));
        break;
    case 3:
        __asm__ volatile("movq %%cr3,%0" : "=r"(v));
        break;
    default:
        __asm__ volatile("movq %%cr4,%0" : "=r"(v));
        break;
    }
    return (long)v;
}

static void test_cr(void)
{
    expect_eq(run_guarded(read_cr, 3), kernel_l4_mfn() << 12);
    expect_eq(run_guarded(read_cr, 0) & 0x80000001, 0x80000001);
    expect_eq(run_guarded(read_cr, 4) & 0x10620, 0x620);
}

/* ---- exceptions, and the prefix that forces emulation ---- */

static long at(long code)
{
    ((void (*)(void))code)();
    return 0;
}

/* Code that ends in ret: must trap with this vector, so many bytes in. */
static void expect_trap(const char *code, long vector, unsigned offset)
{
    expect_eq(run_guarded(at, (long)code), -1);
    expect_eq(last_trap.vector, vector);
    expect_eq(last_trap.error_code, 0);
    expect_eq(last_trap.rip, (unsigned long)code + offset);
}

#define CODE(name, text)                                                       \
    extern const char name[];                                                  \
    __asm__(".pushsection .text\n" #name ": " text "; ret\n.popsection\n")
CODE(code_int3, "int3");
CODE(code_ud2, "ud2");
CODE(code_div, "xorl %ecx,%ecx; divl %ecx");
CODE(code_forced_mov, "ud2; .ascii \"xen\"; movl $1,%eax");
CODE(code_forced_ud2, "ud2; .ascii \"xen\"; ud2");
CODE(code_forced_hlt, "ud2; .ascii \"xen\"; hlt");
CODE(code_forced_cpuid, "pushq %rbx; xorl %eax,%eax; ud2; .ascii \"xen\";"
                        "cpuid; popq %rbx");

static void test_exceptions(void)
{
    expect_trap(code_int3, 3, 1);
    expect_trap(code_ud2, 6, 0);
    expect_trap(code_div, 0, 2);
    expect_trap(code_forced_mov, 6, 0);
    expect_trap(code_forced_ud2, 6, 0);
    expect_trap(code_forced_hlt, 6, 0);
    expect_eq(run_guarded(at, (long)code_forced_cpuid), 0);
}

/* ---- user mode ---- */

USER_SNIPPET(user_int80, "pushq $7; popq %rax; int $0x80");
USER_SNIPPET(user_syscall, "movl $8,%eax; syscall");
USER_SNIPPET(user_cli, "cli");
USER_SNIPPET(user_read, "movq (%rdi),%rax; int $0x80");

static void test_user(void)
{
    static const uint64_t secret = 0x1122334455667788;
    struct trap_frame f;

    for (unsigned i = 0; i < 3; i++) {
        RUN_USER(user_int80, 0, &f);
        expect_eq(f.vector, 128);
        expect_eq(f.rax, 7);
        expect_eq(f.rip, USER_CODE + 5);
        expect_eq(f.rsp, USER_STACK);
        RUN_USER(user_syscall, 0, &f);
        expect_eq(f.vector, VECTOR_SYSCALL);
        expect_eq(f.rax, 8);
        RUN_USER(user_cli, 0, &f);
        expect_eq(f.vector, 13);
    }
    RUN_USER(user_read, &secret, &f);
#ifdef LOW /* the same tables: and user pages, as all of a guest's are */
    expect_eq(f.vector, 128);
    expect_eq(f.rax, secret);
#else
    expect_eq(f.vector, 14);
#endif
    expect_eq(f.cs & 3, 3);
}

/* An entry of the trap table that is not set: #GP, as a CPU says it. */
static void test_no_gate(void)
{
    struct trap_info gates[32];
    struct trap_frame f;
    unsigned n = 0;

    for (const struct trap_info *t = trap_gates; t->address; t++)
        if (t->vector != 128)
            gates[n++] = *t;
    memset(&gates[n], 0, sizeof(gates[n]));
    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, NULL), 0);
    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, gates), 0);
    RUN_USER(user_int80, 0, &f);
    expect_eq(f.vector, 13);
    expect_eq(f.error_code, 128 << 3 | 2);
    expect_eq(f.rip, USER_CODE + 3);
    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, trap_gates), 0);
    RUN_USER(user_int80, 0, &f);
    expect_eq(f.vector, 128);
}

/*
 * A call gate in a page that an LDT at address 0 would reach. There is no LDT,
 * so it must not be used, neither by user mode nor by the kernel.
 */
#define GATE_SELECTOR 0x1007
USER_SNIPPET(user_gate, "subq $16,%rsp; movl $0x1007,8(%rsp);"
                        "movl $0,4(%rsp); lcall *4(%rsp); ud2");

static void test_gate(void)
{
    uint64_t *gate = pfn_to_virt(1);
    unsigned long target = (unsigned long)code_int3;
    struct trap_frame f;

    gate[0] = (target & 0xffff) | (uint64_t)FLAT_KERNEL_CS << 16 |
              0xecUL << 40 | (target >> 16 & 0xffff) << 48;
    gate[1] = target >> 32;
    expect_eq(set_readonly(gate), 0);
    RUN_USER(user_gate, 0, &f);
    expect_eq(f.vector, 13);
    expect_eq(f.error_code, GATE_SELECTOR & ~3);
    expect_eq(set_writable(gate), 0);
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_start();
    test_cr();
    test_exceptions();
    test_user();
    test_no_gate();
    test_gate();
}
