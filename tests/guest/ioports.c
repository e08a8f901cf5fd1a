/*
 * I/O ports: by IOPL and by bitmap, as PHYSDEVOP_set_iopl and set_iobitmap
 * say; the hypervisor's own ports never.
 *
 * never: UNHEARD-OF
 */
#include "guest.h"
const char test_title[] = "I/O ports";

static long in_byte(long port)
{
    uint8_t v;

    __asm__ volatile("inb %w1,%0" : "=a"(v) : "d"(port));
    return v;
}

static long in_long(long port)
{
    uint32_t v;

    __asm__ volatile("inl %w1,%0" : "=a"(v) : "d"(port));
    return v;
}

static long out_byte(long port)
{
    __asm__ volatile("outb %b0,%w1" ::"a"(0), "d"(port));
    return 0;
}

USER_SNIPPET(user_in, "movl %edi,%edx; inb %dx,%al; int3");

static unsigned long user_trap(unsigned port)
{
    struct trap_frame f;

    RUN_USER(user_in, port, &f);
    return f.vector;
}

static long set_iopl(unsigned iopl)
{
    struct physdev_set_iopl s = {.iopl = iopl};

    return hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s);
}

#define POST 0x80 /* harmless */
#define PIC 0x20  /* the hypervisor's */
#define COM1 0x3fd

static void test_none(void)
{
    run_guarded(in_byte, POST);
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.error_code, 0);
    expect_eq(user_trap(POST), 13);
}

static void test_iopl(void)
{
    expect_eq(set_iopl(1), 0);
    run_guarded(in_byte, POST);
    expect_eq(last_trap.count, 0);
    expect_eq(user_trap(POST), 13);
    /* The hypervisor's ports give all ones, or fault. */
    expect(run_guarded(in_byte, PIC) == 0xff || last_trap.count,
           "the interrupt controller was read");
    expect(run_guarded(in_byte, 0x40) == 0xff || last_trap.count,
           "the timer was read");
    run_guarded(out_byte, 0x21);
    run_guarded(out_byte, PIC);
    expect(run_guarded(in_byte, COM1) == 0xff || last_trap.count,
           "the serial console was read");
    expect_eq(set_iopl(3), 0);
    expect_eq(user_trap(POST), 3);
    expect_eq(set_iopl(0), 0);
    expect_eq(user_trap(POST), 13);
    expect_eq(set_iopl(4), -EINVAL);
}

/* ---- CLI and STI: by I/O privilege, and without an effect ---- */

USER_SNIPPET(user_cli, "cli; sti; int3");

static long cli_sti(long arg)
{
    __asm__ volatile("cli; sti");
    return arg;
}

static void expect_rights(bool kernel, bool user)
{
    struct trap_frame f;

    run_guarded(cli_sti, 0);
    expect_eq(last_trap.vector, kernel ? -1 : 13);
    run_guarded(out_byte, POST);
    expect_eq(last_trap.vector, kernel ? -1 : 13);
    RUN_USER(user_cli, 0, &f);
    expect_eq(f.vector, user ? 3 : 13);
    expect_eq(user_trap(POST), user ? 3 : 13);
}

static long assist(unsigned cmd)
{
    return hypercall2(__HYPERVISOR_vm_assist, cmd,
                      VMASST_TYPE_architectural_iopl);
}

static void test_rights(void)
{
    for (unsigned iopl = 0; iopl < 4; iopl++) {
        expect_eq(set_iopl(iopl), 0);
        expect_rights(iopl > 0, iopl == 3);
    }
    /* With this the kernel is ring 0; iret loads what user mode has. */
    expect_eq(assist(VMASST_CMD_enable), 0);
    expect_eq(set_iopl(0), 0);
    expect_rights(true, false);
    expect_eq(assist(VMASST_CMD_disable), 0);
    expect_eq(set_iopl(0), 0);
    expect_rights(false, false);
}

/* Its serial port is the console that this is read from. */
static void test_console(void)
{
    const char *text = "UNHEARD-OF\n";

    expect_eq(set_iopl(1), 0);
    for (; *text; text++) {
        __asm__ volatile("outb %b0,%w1" ::"a"(*text), "d"(0x3f8));
        delay_ms(1);
    }
    expect_eq(set_iopl(0), 0);
}

USER_SNIPPET(user_in2, "movl %edi,%edx; inw %dx,%ax; int3");
USER_SNIPPET(user_in4, "movl %edi,%edx; inl %dx,%eax; int3");

/* Each port of an access must be allowed, also those of the next byte. */
static void test_wide(void)
{
    struct trap_frame f;

    RUN_USER(user_in2, POST - 1, &f);
    expect_eq(f.vector, 13);
    RUN_USER(user_in2, POST, &f);
    expect_eq(f.vector, 13);
    RUN_USER(user_in4, POST - 3, &f);
    expect_eq(f.vector, 13);
    RUN_USER(user_in4, POST, &f);
    expect_eq(f.vector, 13);
}

static void test_bitmap(void)
{
    static uint8_t map[8192];
    struct physdev_set_iobitmap b = {.nr_ports = 0x100};

    memset(map, 0xff, sizeof(map));
    map[POST / 8] &= (uint8_t) ~(1u << POST % 8);
    set_xen_guest_handle(b.bitmap, map);
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &b),
              0);
    expect_eq(user_trap(POST), 3);
    expect_eq(user_trap(POST + 1), 13);
    expect_eq(user_trap(0x1234), 13);
    test_wide();
    b.nr_ports = 65537;
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &b),
              -EINVAL);
    b.nr_ports = 0;
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, &b),
              0);
    expect_eq(user_trap(POST), 13);
}

/* PCI configuration: the host bridge can be read, 4 bytes at 0xcf8/0xcfc. */
static void test_pci(void)
{
    long id;

    set_iopl(1);
    __asm__ volatile("outl %0,%w1" ::"a"(0x80000000u), "d"(0xcf8));
    expect_eq((uint32_t)run_guarded(in_long, 0xcf8), 0x80000000u);
    id = run_guarded(in_long, 0xcfc);
    expect_eq(last_trap.count, 0);
    expect((id & 0xffff) == 0x8086, "host bridge %#lx", (unsigned long)id);
    expect_eq(run_guarded(in_byte, 0xcfd), id >> 8 & 0xff);
    set_iopl(0);
}

void test_main(void)
{
    test_none();
    test_iopl();
    test_rights();
    test_console();
    test_bitmap();
    test_pci();
}
