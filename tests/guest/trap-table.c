/*
 * set_trap_table: all 256 vectors, the rule of the gate's DPL for INT n, and
 * the flag that masks events. Checklist row 45.
 */
#include "guest.h"
const char test_title[] = "set_trap_table: 256 vectors, DPL, event mask";

/* 256 entry stubs of 32 bytes. */
extern char stubs[];
__asm__(".text; .balign 32; stubs: vector = 0\n"
        ".rept 256\n"
        ".balign 32\n"
        "popq %rcx; popq %r11; pushq $0\n"
        "pushq $vector; jmp trap_common\n"
        "vector = vector + 1\n"
        ".endr\n");

#define HAS_ERROR(v) ((v) < 32 && (0x227d00u >> (v) & 1))

static long set_gate(unsigned v, unsigned flags)
{
    struct trap_info t[2] = {{(uint8_t)v, (uint8_t)flags, FLAT_KERNEL_CS,
                              (unsigned long)stubs + v * 32UL}};

    if (v == 13)
        t[0].address = (unsigned long)trap_13;
    return hypercall1(__HYPERVISOR_set_trap_table, t);
}

/*
 * Some emulators give INT n the error code of INT 2n (QEMU before 8.0). A
 * hypervisor that knows the vector by the error code then sees vector 2n, so
 * that the odd ones cannot be tried.
 */
static bool doubled;

static bool user_int(unsigned v, struct trap_frame *f)
{
    const unsigned char code[] = {0xcd,
                                  (unsigned char)(doubled ? v / 2 : v)};
    /* These have gates of their own in the hardware's table. */
    bool direct = v == 3 || v == 4 || v == 128 || v == 6 || v == 8;

    if (doubled && (v % 2 || direct))
        return false;
    run_user(code, sizeof(code), 0, f);
    return true;
}

/* Allowed: the gate's vector, and RIP after the instruction. */
static void test_allowed(void)
{
    struct trap_frame f;

    for (unsigned v = 0; v < 256; v++) {
        if (HAS_ERROR(v))
            continue;
        expect_eq(set_gate(v, 3), 0);
        if (!user_int(v, &f))
            continue;
        if (f.vector != v || f.rip != USER_CODE + 2 || f.error_code)
            failure("int %u, DPL 3: vector %lu, error code %#lx, rip %#lx", v,
                    f.vector, f.error_code, f.rip);
    }
}

/*
 * Denied: #GP at the instruction, with the gate's index. Breakpoint and
 * overflow are exceptions, which the gate's DPL does not hold back.
 */
static void test_denied(unsigned dpl)
{
    struct trap_frame f;

    for (unsigned v = 0; v < 256; v++) {
        if ((HAS_ERROR(v) && v != 13) || v == 3 || v == 4)
            continue;
        expect_eq(set_gate(v, dpl), 0);
        if (!user_int(v, &f))
            continue;
        if (f.vector != 13 || f.error_code != v * 8 + 2 || f.rip != USER_CODE)
            failure("int %u, DPL %u: vector %lu, error code %#lx, rip %#lx", v,
                    dpl, f.vector, f.error_code, f.rip);
    }
}

/* A kernel may raise its own gates up to DPL 1. */
static volatile unsigned seen;
static bool count_it(struct trap_frame *f)
{
    if (f->vector < 32)
        return false;
    seen = (unsigned)f->vector;
    return true;
}

/* Vector 0x52, also where INT 2n is seen for n. */
static long int_0x52(long arg)
{
    if (doubled)
        __asm__ volatile("int $0x29" ::: "memory");
    else
        __asm__ volatile("int $0x52" ::: "memory");
    return arg;
}

static void test_kernel(void)
{
    trap_hook = count_it;
    for (unsigned dpl = 1; dpl < 4; dpl++) {
        seen = 0;
        set_gate(0x52, dpl);
        expect_eq(run_guarded(int_0x52, 7), 7);
        expect_eq(seen, 0x52);
    }
    trap_hook = NULL;
}

/* Gates with flag 4 mask events; iret restores the mask from RFLAGS.IF. */
static volatile unsigned mask_seen;
static bool note_mask(struct trap_frame *f)
{
    mask_seen = shared_info->vcpu_info[0].evtchn_upcall_mask;
    return f->vector == 0x52 && !(f->cs & 3);
}

static void test_mask(void)
{
    volatile uint8_t *mask = &shared_info->vcpu_info[0].evtchn_upcall_mask;

    trap_hook = note_mask;
    for (unsigned flag = 0; flag <= 4; flag += 4) {
        set_gate(0x52, 3 | flag);
        *mask = 0;
        int_0x52(0);
        expect_eq(mask_seen, flag ? 1 : 0);
        expect_eq(*mask, 0);
        *mask = 1;
        int_0x52(0);
        expect_eq(mask_seen, 1);
        expect_eq(*mask, 1);
    }
    trap_hook = NULL;
}

static void test_bad(void)
{
    struct trap_info t[2] = {
        {0x53, 3, FLAT_KERNEL_CS, 0x8000000000000000UL}};

    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, t), -EINVAL);
    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, 0x10), -EFAULT);
    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, HYPERVISOR_VIRT_START),
              -EFAULT);
}

static void find_doubling(void)
{
    struct trap_frame f;

    set_gate(0x21, 0);
    user_int(0x21, &f);
    doubled = f.vector == 13 && f.error_code == 0x21 * 16 + 2;
    if (doubled)
        print("INT n gives the error code of INT 2n here");
}

void test_main(void)
{
    find_doubling();
    test_allowed();
    test_denied(0);
    test_denied(1);
    test_denied(2);
    test_kernel();
    test_mask();
    test_bad();
}
