/* Hypercalls by themselves. */
#include "micro.h"

static long version(void)
{
    /* 4.17: a positive number. */
    return hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0) < 0;
}

#define MAX_CALLS 32
static struct multicall_entry calls[MAX_CALLS];

static bool fill_calls(void)
{
    for (unsigned i = 0; i < MAX_CALLS; i++) {
        calls[i].op = __HYPERVISOR_xen_version;
        calls[i].args[0] = XENVER_version;
        calls[i].args[1] = 0;
    }
    return true;
}

static long multicall_1(void)
{
    return hypercall2(__HYPERVISOR_multicall, calls, 1);
}

static long multicall_8(void)
{
    return hypercall2(__HYPERVISOR_multicall, calls, 8);
}

static long multicall_32(void)
{
    return hypercall2(__HYPERVISOR_multicall, calls, 32);
}

static long unknown(void)
{
    return hypercall0(62) != -ENOSYS;
}

static long stack_switch(void)
{
    static char stack[4096];

    return hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
                      stack + sizeof(stack));
}

static long taskswitch(void)
{
    long ret = hypercall1(__HYPERVISOR_fpu_taskswitch, 1);

    return ret ? ret : hypercall1(__HYPERVISOR_fpu_taskswitch, 0);
}

static long segment_fs(void)
{
    return hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_FS, 0x12345000);
}

static long segment_gs_user(void)
{
    return hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER,
                      0x12345000);
}

static long segment_gs_sel(void)
{
    return hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0);
}

static void clear_bases(void)
{
    hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_FS, 0);
    hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0);
}

static long set_debugreg(void)
{
    return hypercall2(__HYPERVISOR_set_debugreg, 0, 0x1000);
}

static long get_debugreg(void)
{
    return hypercall1(__HYPERVISOR_get_debugreg, 0) != 0x1000;
}

static long yield(void)
{
    return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static long is_up(void)
{
    return vcpu_op(VCPUOP_is_up, 0, NULL) != 1;
}

static uint64_t later;

static bool set_later(void)
{
    later = system_time() + 1000000 * MS;
    return true;
}

static long set_timer(void)
{
    return hypercall1(__HYPERVISOR_set_timer_op, later);
}

static long stop_timer(void)
{
    return hypercall1(__HYPERVISOR_set_timer_op, 0);
}

static void stop_timer_now(void)
{
    stop_timer();
}

static void set_timer_now(void)
{
    set_timer();
}

static long console_write(void)
{
    return hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, 1, ".");
}

static void console_newline(void)
{
    hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, 1, "\n");
}

#define DESC(dpl) (0x00cf93000000ffffUL | (uint64_t)(dpl) << 45)
static uint64_t *gdt;

static bool make_gdt(void)
{
    unsigned long mfn;

    gdt = alloc_table();
    mfn = virt_to_mfn(gdt);
    return hypercall2(__HYPERVISOR_set_gdt, &mfn, 512) == 0;
}

static long update_descriptor(void)
{
    return hypercall2(__HYPERVISOR_update_descriptor,
                      (virt_to_mfn(gdt) << 12) + 4 * 8, DESC(3));
}

const struct bench call_benches[] = {
    {.name = "hypercall_null", .op = version},
    {.name = "hypercall_unknown", .op = unknown},
    {.name = "multicall_1", .op = multicall_1, .setup = fill_calls},
    {.name = "multicall_8", .op = multicall_8, .setup = fill_calls, .units = 8},
    {.name = "multicall_32",
     .op = multicall_32,
     .setup = fill_calls,
     .units = 32},
    {.name = "iret", .op = iret_op},
    {.name = "stack_switch", .op = stack_switch},
    {.name = "fpu_taskswitch", .op = taskswitch, .units = 2},
    {.name = "set_segment_base_fs", .op = segment_fs},
    {.name = "set_segment_base_gs_user", .op = segment_gs_user},
    {.name = "set_segment_base_gs_sel",
     .op = segment_gs_sel,
     .done = clear_bases},
    {.name = "set_debugreg", .op = set_debugreg},
    {.name = "get_debugreg", .op = get_debugreg},
    {.name = "update_descriptor",
     .op = update_descriptor,
     .setup = make_gdt},
    {.name = "vcpu_is_up", .op = is_up},
    {.name = "sched_yield", .op = yield},
    {.name = "set_timer_op",
     .op = set_timer,
     .setup = set_later,
     .pre = stop_timer_now,
     .done = stop_timer_now},
    {.name = "set_timer_op_again",
     .op = set_timer,
     .setup = set_later,
     .done = stop_timer_now},
    {.name = "set_timer_op_stop",
     .op = stop_timer,
     .setup = set_later,
     .pre = set_timer_now},
    {.name = "console_write_1",
     .op = console_write,
     .done = console_newline,
     .rounds = 33},
    {.name = NULL},
};
