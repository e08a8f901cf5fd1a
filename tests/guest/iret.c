/*
 * The iret hypercall: kernel and user mode, 32-bit code, flags that the guest
 * may and may not set, the fast way back with SYSRET.
 */
#include "guest.h"
const char test_title[] = "iret";

USER_SNIPPET(user_flags, "pushfq; popq %rax; int3");
USER_SNIPPET(user_nop, "nop; nop; int3");
/* 32-bit code: 0x48 is DEC EAX there. */
USER_SNIPPET(user_32, "movl $5,%eax; .byte 0x48; int3");

static void enter(uint64_t cs, uint64_t rflags, struct trap_frame *f)
{
    const uint64_t frame[] = {USER_CODE, cs, rflags, USER_STACK,
                              FLAT_USER_SS | 3};

    memset(f, 0, sizeof(*f));
    run_user_frame(frame, 0, f);
}

static void test_modes(void)
{
    struct trap_frame f;

    RUN_USER(user_32, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.cs & 0xffff, FLAT_USER_CS);
    enter(FLAT_USER_CS32 | 3, 2, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax, 4);
    expect_eq(f.cs & 0xffff, FLAT_USER_CS32);
}

#define IOPL 0x3000
#define NT 0x4000
#define VM 0x20000
#define AC 0x40000

/* What the guest asks for beyond its rights is dropped. */
static void test_flags(void)
{
    struct trap_frame f;

    RUN_USER(user_flags, 0, &f);
    expect_eq(f.rax & 0x200, 0x200);
    enter(FLAT_USER_CS | 3, 2 | IOPL, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax & IOPL, 0);
    enter(FLAT_USER_CS | 3, 2 | VM, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax & VM, 0);
    enter(FLAT_USER_CS | 3, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax & 0x202, 0x202);
    enter(FLAT_USER_CS | 3, 2 | AC | 0x8d5, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax & (AC | 0x8d5), AC | 0x8d5);
    enter(FLAT_USER_CS | 3, ~0UL & ~0x100UL & ~0x10000UL & ~AC, &f);
    expect_eq(f.rax & (IOPL | VM), 0);
}

static void test_step(void)
{
    struct trap_frame f;

    RUN_USER(user_nop, 0, &f);
    enter(FLAT_USER_CS | 3, 0x102, &f);
    expect_eq(f.vector, 1);
    expect_eq(f.rip, USER_CODE + 1);
}

/* SYSRET's way: RCX and R11 are RIP and RFLAGS. */
static void test_sysret(void)
{
    static const uint64_t bad[] = {1UL << 47, 1UL << 63,
                                   HYPERVISOR_VIRT_START};
    struct trap_frame f;

    user_iret_flags = VGCF_in_syscall;
    RUN_USER(user_nop, 7, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rcx, USER_CODE);
    expect_eq(f.rdi, 7);
    expect_eq(f.rsp, USER_STACK);
    /* SYSRET to such an address would fault in ring 0 on some CPUs. */
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        const uint64_t frame[] = {bad[i], FLAT_USER_CS | 3, 2, USER_STACK,
                                  FLAT_USER_SS | 3};

        memset(&f, 0, sizeof(f));
        run_user_frame(frame, 0, &f);
        expect(f.vector == 13 || f.vector == 14, "to %#lx: trap %lu", bad[i],
               f.vector);
        expect_eq(f.rip, bad[i]);
        expect_eq(f.cs & 3, 3);
    }
    user_iret_flags = 0;
    RUN_USER(user_nop, 7, &f);
    expect_eq(f.rcx, 0);
}

/* Odd flag words and selectors with bits above 16 do no harm. */
static void test_odd(void)
{
    struct trap_frame f;

    user_iret_flags = ~(unsigned long)VGCF_in_syscall;
    RUN_USER(user_nop, 0, &f);
    expect_eq(f.vector, 3);
    user_iret_flags = 0;
    enter(0xdead00000000UL | FLAT_USER_CS | 3, 2, &f);
    expect(f.vector == 3 || f.vector == VECTOR_FAILSAFE || f.vector == 13,
           "trap %lu", f.vector);
}

void test_main(void)
{
    test_modes();
    test_flags();
    test_step();
    test_sysret();
    test_odd();
}
