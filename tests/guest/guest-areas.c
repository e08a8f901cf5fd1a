/*
 * What the hypervisor keeps writing for a vCPU where the guest asked for it:
 * vcpu_info, the second copy of the time, runstates - also when the vCPU is
 * switched in while in user mode, where the kernel's pages are not mapped.
 *
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
const char test_title[] = "registered vcpu_info, time and runstate areas";

static struct vcpu_runstate_info *runstate;
static struct vcpu_time_info *time_copy;

static long register_runstate(void *p)
{
    struct vcpu_register_runstate_memory_area a = {.addr.p = (uint64_t)p};

    return vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a);
}

static long register_time(void *p)
{
    struct vcpu_register_time_memory_area a = {.addr.p = (uint64_t)p};

    return vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &a);
}

static uint64_t blocked_time(void)
{
    struct vcpu_runstate_info r = {0};

    vcpu_op(VCPUOP_get_runstate_info, 0, &r);
    return r.time[RUNSTATE_blocked];
}

/* On a busy machine the time may be over before the call: then again. */
static void sleep_ms(unsigned ms)
{
    uint64_t before = blocked_time();

    for (unsigned i = 0; i < 100 && blocked_time() == before; i++) {
        struct sched_poll p = {.timeout = system_time() + ms * MS};

        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
    }
}

static uint64_t sum(const struct vcpu_runstate_info *r)
{
    return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

static void test_runstate(void)
{
    struct vcpu_runstate_info before, r;
    uint64_t t;

    expect_eq(register_runstate((void *)HYPERVISOR_VIRT_START), -EFAULT);
    expect_eq(register_runstate((void *)0x10), 0); /* not mapped yet */
    expect_eq(register_runstate(runstate), 0);
    expect_eq(runstate->state, RUNSTATE_running);
    before = *runstate;
    sleep_ms(50);
    expect_eq(runstate->state, RUNSTATE_running);
    t = runstate->time[RUNSTATE_blocked] - before.time[RUNSTATE_blocked];
    expect(t && t <= sum(runstate) - sum(&before),
           "blocked for %lu ns", t);
    expect(runstate->state_entry_time >= before.state_entry_time + 45 * MS,
           "entered at %lu, then %lu", before.state_entry_time,
           runstate->state_entry_time);
    /* The sum follows system time. */
    t = (sum(runstate) - sum(&before)) -
        (runstate->state_entry_time - before.state_entry_time);
    expect_eq(t, 0);
    expect_eq(vcpu_op(VCPUOP_get_runstate_info, 0, &r), 0);
    expect(sum(&r) >= sum(runstate), "time goes back");
    expect_eq(vcpu_op(VCPUOP_get_runstate_info, 0, (void *)0x10), -EFAULT);
}

/* With the assist the mark is set during the update, and gone after it. */
static void test_update_flag(void)
{
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                         VMASST_TYPE_runstate_update_flag), 0);
    runstate->state_entry_time = 0;
    sleep_ms(5);
    expect(runstate->state_entry_time, "not written");
    expect(!(runstate->state_entry_time & XEN_RUNSTATE_UPDATE),
           "the mark is still there");
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable,
                         VMASST_TYPE_runstate_update_flag), 0);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 31),
              -EINVAL);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, 64),
              -EINVAL);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, ~0U),
              -EINVAL);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, 2,
                         VMASST_TYPE_runstate_update_flag), -ENOSYS);
}

static void test_time_copy(void)
{
    const struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;

    expect_eq(register_time((void *)HYPERVISOR_VIRT_START), -EFAULT);
    expect_eq(register_time(time_copy), 0);
    sleep_ms(1);
    expect_eq(time_copy->version & 1, 0);
    expect_eq(time_copy->tsc_timestamp, t->tsc_timestamp);
    expect_eq(time_copy->system_time, t->system_time);
    expect_eq(time_copy->tsc_to_system_mul, t->tsc_to_system_mul);
    expect_eq(time_copy->tsc_shift, t->tsc_shift);
}

/* A page that is not mapped (any more) harms nobody. */
static void test_unmapped(void)
{
    unsigned char *page = alloc_page();

    expect_eq(register_runstate(page), 0);
    expect_eq(update_va((unsigned long)page, 0, UVMF_INVLPG), 0);
    sleep_ms(2);
    expect_eq(register_runstate(runstate), 0);
    runstate->state_entry_time = 0;
    sleep_ms(2);
    expect(runstate->state_entry_time, "not written any more");
    expect_eq(register_runstate(NULL), 0);
    runstate->state_entry_time = 0;
    sleep_ms(2);
    expect_eq(runstate->state_entry_time, 0);
    expect_eq(register_runstate(runstate), 0);
}

/*
 * Switched out and in during user mode: a second vCPU on the same CPU takes
 * it for its time slices. The area must be right when the kernel is entered.
 */
USER_SNIPPET(spin, "mov $200000000, %ecx\n1: dec %ecx\n jnz 1b\n ud2\n");

static volatile unsigned other_runs;

static void other(void)
{
    for (;;)
        other_runs = other_runs + 1;
}

static void test_user_mode(void)
{
    struct trap_frame out;
    struct vcpu_runstate_info before, r;

    vcpu_start(1, other);
    sleep_ms(1);
    before = *runstate;
    RUN_USER(spin, 0, &out);
    r = *runstate;
    expect(other_runs, "the second vCPU did not run");
    expect(r.state_entry_time >= before.state_entry_time,
           "runstate went back from %lu to %lu", before.state_entry_time,
           r.state_entry_time);
    if (r.time[RUNSTATE_runnable] != before.time[RUNSTATE_runnable])
        print("waited %lu ms for the CPU",
              (r.time[RUNSTATE_runnable] - before.time[RUNSTATE_runnable]) /
                  MS);
    /* Both say the same, unless the other vCPU ran in between. */
    for (unsigned i = 0; i < 20; i++) {
        r = *runstate;
        expect_eq(vcpu_op(VCPUOP_get_runstate_info, 0, &before), 0);
        if (before.time[RUNSTATE_runnable] == r.time[RUNSTATE_runnable])
            break;
    }
    expect_eq(before.time[RUNSTATE_runnable], r.time[RUNSTATE_runnable]);
    vcpu_op(VCPUOP_down, 1, NULL);
}

static long register_info(unsigned id, unsigned long mfn, unsigned offset)
{
    struct vcpu_register_vcpu_info i = {.mfn = mfn, .offset = offset};

    return vcpu_op(VCPUOP_register_vcpu_info, id, &i);
}

static void test_vcpu_info(void)
{
    unsigned char *page = alloc_page();
    struct vcpu_info *info = (struct vcpu_info *)(page + 64);
    unsigned long mfn = virt_to_mfn(page);

    expect_eq(vcpu_op(VCPUOP_register_vcpu_info, 0, (void *)0x10), -EFAULT);
    expect_eq(register_info(0, mfn, PAGE_SIZE), -ENXIO);
    expect_eq(register_info(0, mfn, PAGE_SIZE - 56), -ENXIO);
    expect_eq(register_info(0, mfn, 3), -ENXIO);
    expect_eq(register_info(0, 1UL << 40, 0), -EINVAL);
    expect_eq(register_info(0, ~0UL, 0), -EINVAL);
    expect_eq(register_info(0, kernel_l4_mfn(), 0), -EINVAL);
    expect_eq(register_info(17, mfn, 64), -ENOENT);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    expect_eq(register_info(0, mfn, 64), 0);
    expect_eq(register_info(0, mfn, 128), -EINVAL);
    /* Nothing may be lost: all is pending; the mask was taken along. */
    expect_eq(info->evtchn_upcall_pending, 1);
    expect_eq(info->evtchn_pending_sel, ~0UL);
    expect_eq(info->evtchn_upcall_mask, 1);
    expect_eq(info->time.version & 1, 0);
    expect(info->time.tsc_to_system_mul, "no time in the new place");
    /* The frame stays writable: it cannot become a table. */
    set_readonly(page);
    expect(mmuext1(MMUEXT_PIN_L1_TABLE, mfn) < 0,
           "vcpu_info's frame became a page table");
    set_writable(page);
}

void test_main(void)
{
    unsigned char *page = alloc_page();

    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    runstate = (struct vcpu_runstate_info *)page;
    time_copy = (struct vcpu_time_info *)(page + 256);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_runstate();
    test_update_flag();
    test_time_copy();
    test_unmapped();
    test_user_mode();
    test_vcpu_info();
}
