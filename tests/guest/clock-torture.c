/*
 * Four vCPUs read the clock, all in all ways, while the first bends it and
 * moves them from CPU to CPU: nobody ever reads less than somebody else has
 * read before. Afterwards the clock agrees with the machine's own timer.
 *
 * qemu: -smp 4
 * timeout: 120
 */
#include "domain.h"
#include <xeno/xeno.h>
const char test_title[] = "time never goes back, on any vCPU";

#define READERS 3
#define ROUNDS 200
#define PM_TIMER 0x608 /* of this machine's chip set */
#define PM_HZ 3579545

static volatile uint64_t latest;
static volatile unsigned long reads[READERS + 1];
static volatile unsigned stop, stopped;
static volatile uint64_t back; /* by how much, if it ever did */
static struct vcpu_time_info copy[READERS + 1]; /* registered areas */

static void look(volatile struct vcpu_time_info *t)
{
    uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
    uint64_t time = time_by(t);

    if (time < before && !back)
        back = before - time;
    while (time > before &&
           !__atomic_compare_exchange_n(&latest, &before, time, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static void register_copy(unsigned id)
{
    struct vcpu_register_time_memory_area a = {.addr.v = &copy[id]};

    if (vcpu_op(VCPUOP_register_vcpu_time_memory_area, id, &a))
        error("no area for vCPU %u", id);
}

/* Its own record, its copy; and those of vCPU 0, if that is allowed. */
static void reader(unsigned id)
{
    struct vcpu_info *own = &shared_info->vcpu_info[id];

    register_copy(id);
    while (!stop) {
        look(&own->time);
        look(&copy[id]);
        if (own->time.flags & XEN_PVCLOCK_TSC_STABLE_BIT) {
            look(&shared_info->vcpu_info[0].time);
            look(&copy[0]);
        }
        reads[id]++;
    }
    __atomic_fetch_add(&stopped, 1, __ATOMIC_SEQ_CST);
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

static void reader1(void)
{
    reader(1);
}

static void reader2(void)
{
    reader(2);
}

static void reader3(void)
{
    reader(3);
}

static void pin(unsigned vcpu, unsigned cpu)
{
    struct xen_domctl op = {0};
    uint8_t map = (uint8_t)(1u << cpu);

    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 4;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, &map);
    expect_eq(domctl(XEN_DOMCTL_setvcpuaffinity, 0, &op), 0);
}

static long bend(long rate)
{
    struct xeno_time_op op = {.version = XENO_TIME_VERSION,
                              .cmd = XENO_TIME_set, .rate = rate};

    return hypercall1(__HYPERVISOR_xeno_time_op, &op);
}

static unsigned random_number(void)
{
    static uint64_t x = 20030619;

    x = x * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(x >> 33);
}

static bool all_read(const unsigned long *since)
{
    for (unsigned id = 1; id <= READERS; id++)
        if (reads[id] == since[id])
            return false;
    return true;
}

/* Until each reader has read again: else nothing would have been tried. */
static void let_them_read(void)
{
    unsigned long since[READERS + 1];
    uint64_t end = system_time() + 20000 * MS;

    for (unsigned id = 1; id <= READERS; id++)
        since[id] = reads[id];
    while (!all_read(since) && system_time() < end) {
        look(&shared_info->vcpu_info[0].time);
        look(&copy[0]);
        yield();
    }
    expect(all_read(since), "a reader stands still");
}

static void torture(void)
{
    uint64_t end = system_time() + 15000 * MS;

    for (unsigned i = 0; i < ROUNDS && !back && system_time() < end; i++) {
        expect_eq(bend((long)(random_number() % 200000001) - 100000000), 0);
        pin(1 + random_number() % READERS, random_number() % 4);
        let_them_read();
    }
    expect(!back, "time went back by %lu ns", back);
}

/* ---- the machine's own timer ---- */

static uint32_t pm_timer(void)
{
    uint32_t v;

    __asm__ volatile("inl %w1, %0" : "=a"(v) : "d"(PM_TIMER));
    return v & 0xffffff;
}

struct pair {
    uint64_t ns, blur;
    uint32_t pm;
};

static struct pair read_pair(void)
{
    struct pair best = {.blur = ~0UL};

    for (unsigned i = 0; i < 50; i++) {
        uint64_t t = system_time();
        uint32_t pm = pm_timer();
        uint64_t took = system_time() - t;

        if (took < best.blur)
            best = (struct pair){t + took / 2, took, pm};
    }
    return best;
}

static void test_true(void)
{
    struct pair a = read_pair(), b;
    long want, error;

    if (a.pm == 0xffffff) {
        print("no timer at port %#x", PM_TIMER);
        return;
    }
    delay_ms(1000);
    b = read_pair();
    want = (long)((b.ns - a.ns) / 1000 * PM_HZ / 1000000);
    error = ((long)(b.pm - a.pm) - want) << 40 >> 40; /* 24 bits of it */
    error = (error < 0 ? -error : error) * 1000 / (PM_HZ / 1000000);
    expect(error < (long)((b.ns - a.ns) / 100 + a.blur + b.blur),
           "%ld ns off after %lu ns", error, b.ns - a.ns);
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};

    if (!on_xeno())
        skip("its CPUs' records are set right one by one, with steps");
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl),
              0);
    test_true();
    register_copy(0);
    vcpu_start(1, reader1);
    vcpu_start(2, reader2);
    vcpu_start(3, reader3);
    torture();
    expect_eq(bend(0), 0);
    stop = 1;
    expect(wait_for(&stopped, READERS), "a reader does not end");
    print("%lu, %lu, %lu readings", reads[1], reads[2], reads[3]);
    test_true();
}
