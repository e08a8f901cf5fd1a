/*
 * Privileged instructions of the guest's kernel and of its user mode fault or
 * do nothing: the address space, the interrupt flag and the hypervisor's MSRs
 * stay as they were.
 */
#include "guest.h"
const char test_title[] = "privileged instructions fault or have no effect";

/* Every one of these raises #GP or #UD in user mode. */
#define INSTRUCTIONS(X)                                                        \
    X(write_cr3, "movl $0x1000,%eax; movq %rax,%cr3")                          \
    X(read_cr3, "movq %cr3,%rax")                                              \
    X(write_cr0, "movl $0x80010033,%eax; movq %rax,%cr0")                      \
    X(read_cr0, "movq %cr0,%rax")                                              \
    X(write_cr4, "xorl %eax,%eax; movq %rax,%cr4")                             \
    X(write_cr8, "xorl %eax,%eax; movq %rax,%cr8")                             \
    X(write_dr7, "xorl %eax,%eax; movq %rax,%dr7")                             \
    X(cli, "cli")                                                              \
    X(sti, "sti")                                                              \
    X(hlt, "hlt")                                                              \
    X(clts, "clts")                                                            \
    X(invd, "invd")                                                            \
    X(wbinvd, "wbinvd")                                                        \
    X(invlpg, "invlpg (%rsp)")                                                 \
    X(lgdt, "pushq $0; pushq $0; lgdt (%rsp)")                                 \
    X(lidt, "pushq $0; pushq $0; lidt (%rsp)")                                 \
    X(lldt, "xorl %eax,%eax; lldt %ax")                                        \
    X(ltr, "movl $0xe040,%eax; ltr %ax")                                       \
    X(lmsw, "movl $1,%eax; lmsw %ax")                                          \
    X(rdmsr_lstar, "movl $0xc0000082,%ecx; rdmsr")                             \
    X(wrmsr_lstar, "movl $0xc0000082,%ecx; xorl %eax,%eax; cdq; wrmsr")        \
    X(wrmsr_gs, "movl $0xc0000101,%ecx; xorl %eax,%eax; cdq; wrmsr")           \
    X(swapgs, "swapgs")                                                        \
    X(sysret, "sysretq")                                                       \
    X(sysexit, "sysexitq")                                                     \
    X(xsetbv, "xorl %ecx,%ecx; movl $1,%eax; xorl %edx,%edx; xsetbv")          \
    X(in_pic, "inb $0x20,%al")                                                 \
    X(out_pic, "outb %al,$0x20")                                               \
    X(out_reset, "movw $0xcf9,%dx; movb $6,%al; outb %al,%dx")                 \
    X(insb, "movw $0x60,%dx; subq $64,%rsp; movq %rsp,%rdi; insb")             \
    X(monitor, "xorl %ecx,%ecx; xorl %edx,%edx; movq %rsp,%rax; monitor")      \
    X(mwait, "xorl %ecx,%ecx; xorl %eax,%eax; mwait")                          \
    X(vmcall, "vmcall")                                                        \
    X(vmmcall, "vmmcall")

#define SNIPPET(name, text) USER_SNIPPET(user_##name, text);
INSTRUCTIONS(SNIPPET)

static const struct {
    const char *name, *code, *end;
} user_list[] = {
#define ROW(name, text) {#name, user_##name, user_##name##_end},
    INSTRUCTIONS(ROW)};

static void test_user(void)
{
    struct trap_frame f;

    for (unsigned i = 0; i < ARRAY_SIZE(user_list); i++) {
        run_user(user_list[i].code,
                 (size_t)(user_list[i].end - user_list[i].code), 0, &f);
        if (f.vector != 13 && f.vector != 6)
            failure("user mode: %s: trap %lu, not #GP", user_list[i].name,
                    f.vector);
        else if (f.vector == 13 && f.error_code)
            failure("user mode: %s: error code %#lx", user_list[i].name,
                    f.error_code);
    }
}

/* The guest's kernel: these must fault ... */
#define KERNEL_FAULTS(X)                                                       \
    X(bogus_cr3, "movq $0x123456789000,%%rax; movq %%rax,%%cr3")               \
    X(frame0_cr3, "xorl %%eax,%%eax; movq %%rax,%%cr3")                        \
    X(paging_off, "movl $0x11,%%eax; movq %%rax,%%cr0")                        \
    X(lgdt, "pushq $0; pushq $0; lgdt (%%rsp)")                                \
    X(lidt, "pushq $0; pushq $0; lidt (%%rsp)")                                \
    X(lldt, "xorl %%eax,%%eax; lldt %%ax")                                     \
    X(ltr, "movl $0xe040,%%eax; ltr %%ax")                                     \
    X(swapgs, "swapgs")                                                        \
    X(sysret, "sysretq")                                                       \
    X(sysexit, "sysexitq")                                                     \
    X(in_pic, "inb $0x20,%%al")                                                \
    X(out_pic, "outb %%al,$0x20")                                              \
    X(out_reset, "movw $0xcf9,%%dx; movb $6,%%al; outb %%al,%%dx")             \
    X(vmcall, "vmcall")                                                        \
    X(hlt, "hlt")                                                              \
    X(invd, "invd")                                                            \
    X(invlpg, "invlpg (%%rsp)")                                                \
    X(invlpg_bad, "movq $1,%%rax; shlq $63,%%rax; invlpg (%%rax)")             \
    X(read_cr8, "movq %%cr8,%%rax")                                            \
    X(write_cr8, "xorl %%eax,%%eax; movq %%rax,%%cr8")                         \
    X(monitor, "xorl %%ecx,%%ecx; xorl %%edx,%%edx; movq %%rsp,%%rax; monitor")
/* ... and these may as well be ignored. */
#define KERNEL_EITHER(X)                                                       \
    X(cli, "cli")                                                              \
    X(sti, "sti")                                                              \
    X(lmsw, "movl $0x31,%%eax; lmsw %%ax")                                     \
    X(clear_cr4, "xorl %%eax,%%eax; movq %%rax,%%cr4")                         \
    X(wp_off, "movl $0x80000033,%%eax; movq %%rax,%%cr0")                      \
    X(wrmsr_lstar, "movl $0xc0000082,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")     \
    X(wrmsr_star, "movl $0xc0000081,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")      \
    X(wrmsr_efer, "movl $0xc0000080,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")      \
    X(wrmsr_sysenter, "movl $0x176,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")       \
    X(wrmsr_apic, "movl $0x1b,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")            \
    X(wrmsr_pat, "movl $0x277,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")            \
    X(wrmsr_unknown, "movl $0x12345,%%ecx; xorl %%eax,%%eax; cdq; wrmsr")      \
    X(popf, "pushq $0x3002; popfq")                                            \
    X(xsetbv_bad, "xorl %%ecx,%%ecx; xorl %%eax,%%eax; cdq; xsetbv")

#define FUNCTION(name, text)                                                   \
    static long kernel_##name(long arg)                                        \
    {                                                                          \
        __asm__ volatile("pushq %%rbp; movq %%rsp,%%rbp\n" text                \
                         "\nmovq %%rbp,%%rsp; popq %%rbp"                      \
                         :                                                     \
                         :                                                     \
                         : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "memory", \
                           "cc");                                              \
        return arg;                                                            \
    }
KERNEL_FAULTS(FUNCTION)
KERNEL_EITHER(FUNCTION)

static const struct kernel_case {
    const char *name;
    long (*fn)(long);
    bool must_fault;
} kernel_list[] = {
#define FAULTS(name, text) {#name, kernel_##name, true},
#define EITHER(name, text) {#name, kernel_##name, false},
    KERNEL_FAULTS(FAULTS) KERNEL_EITHER(EITHER)};

static long read_cr3(long arg)
{
    unsigned long cr3;

    (void)arg;
    __asm__ volatile("movq %%cr3,%0" : "=r"(cr3));
    return (long)cr3;
}

static unsigned long read_flags(void)
{
    unsigned long flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags));
    return flags;
}

static void check_unharmed(const char *name, uint8_t mask)
{
    struct trap_frame f;

    if ((read_flags() & 0x3200) != 0x200)
        failure("kernel: %s: RFLAGS is %#lx", name, read_flags());
    if (shared_info->vcpu_info[0].evtchn_upcall_mask != mask)
        failure("kernel: %s changed the event mask", name);
    if (hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0) <= 0)
        failure("kernel: %s: hypercalls no longer work", name);
    /* SYSCALL from user mode needs STAR, LSTAR and EFER intact. */
    RUN_USER(user_sysret, 0, &f);
    if (f.vector != 13)
        failure("kernel: %s: user mode no longer works", name);
}

static void test_kernel(void)
{
    uint8_t mask = shared_info->vcpu_info[0].evtchn_upcall_mask;
    long cr3 = run_guarded(read_cr3, 0);

    for (unsigned i = 0; i < ARRAY_SIZE(kernel_list); i++) {
        const struct kernel_case *c = &kernel_list[i];

        run_guarded(c->fn, 0);
        if (last_trap.count && last_trap.vector != 13 && last_trap.vector != 6)
            failure("kernel: %s: trap %lu", c->name, last_trap.vector);
        if (c->must_fault && !last_trap.count)
            failure("kernel: %s did not fault", c->name);
        check_unharmed(c->name, mask);
    }
    expect_eq(run_guarded(read_cr3, 0), cr3);
}

/* What a kernel reads of CR3 and of CR0 is its own, not the hardware's. */
static void test_reads(void)
{
    expect_eq(run_guarded(read_cr3, 0), kernel_l4_mfn() << 12);
    expect_eq(last_trap.count, 0);
}

void test_main(void)
{
    test_user();
    test_reads();
    test_kernel();
}
