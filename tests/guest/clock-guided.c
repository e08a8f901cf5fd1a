/*
 * A TSC that cannot be relied on: its rate is not what the hypervisor was told
 * (it counts 1 GHz here), so the machine's own timer has to keep time right, and
 * does without a step.
 *
 * qemu: -smp 2 -icount shift=3,sleep=off
 * options: clocksource=acpi tsc=unstable tsc_khz=1050000 dom0_max_vcpus=2
 * log: The TSC is guided by acpi
 */
#include "sched.h"
const char test_title[] = "time by another clock than the TSC";

#define PM_TIMER 0x608 /* of this machine's chip set */
#define PM_HZ 3579545

static volatile unsigned stop, stopped;
static volatile uint64_t back;
static volatile unsigned long reads;

static void reader(void)
{
    uint64_t last = 0;

    while (!stop) {
        uint64_t t = time_by(&shared_info->vcpu_info[1].time);

        if (t < last && !back)
            back = last - t;
        last = t;
        reads++;
    }
    stopped = 1;
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

static uint32_t pm_timer(void)
{
    uint32_t v;

    __asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(PM_TIMER));
    return v & 0xffffff;
}

/* ns that system time is wrong by after `ms` of it, in parts in 10^6. */
static long wrong_by(unsigned ms)
{
    uint64_t ns = system_time(), passed = 0;
    uint32_t last = pm_timer(), now;

    while (system_time() - ns < ms * MS) {
        sleep_ms(50);
        now = pm_timer();
        passed += (now - last) & 0xffffff;
        last = now;
    }
    ns = system_time() - ns;
    passed = passed * 1000000000 / PM_HZ;
    return (long)(ns - passed) * 1000000 / (long)passed;
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    long wrong;

    if (!on_xeno())
        skip("tsc_khz= is an option of Xeno's");
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl),
              0);
    if (pm_timer() == 0xffffff)
        error("no timer at port %#x", PM_TIMER);
    expect_eq(shared_info->vcpu_info[0].time.flags & XEN_PVCLOCK_TSC_STABLE_BIT,
              0);
    vcpu_start(1, reader);
    sleep_ms(5000); /* the 24-bit timer wraps meanwhile */
    wrong = wrong_by(2000);
    print("%ld ppm off, %lu readings", wrong, reads);
    expect(wrong < 300 && wrong > -300, "%ld ppm off", wrong);
    stop = 1;
    expect(wait_for(&stopped, 1), "the reader does not end");
    expect(!back, "time went back by %lu ns", back);
}
