/*
 * A burner's share of its processor, second by second: as it sees it by the
 * time stamp counter's gaps, and as the hypervisor accounts for it. For as
 * many seconds as the argument says, or for ever.
 */
#include <apps.h>
#include <xen-guest.h>
#include <xen/vcpu.h>

#define GAP_NS 100000 /* we were away for longer */

/* What the hypervisor has let us run, in ns; 0 on the bare machine. */
static u64 run_time(void)
{
    struct vcpu_runstate_info info;

    if (!xen_start_info() ||
        hypercall(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, this_cpu(),
                  (u64)&info, 0))
        return 0;
    return info.time[RUNSTATE_running];
}

/* Burns a second; gives what it had of that, by the counter. */
static u64 burn(u64 *wall)
{
    u64 begin = time_ns(), last = begin, now = begin, had = 0;

    for (; now - begin < 1000000000UL; last = now) {
        now = time_ns();
        if (now - last < GAP_NS)
            had += now - last;
    }
    *wall = now - begin;
    return had;
}

void app_spin(void)
{
    u64 limit = strtoul(argument(), NULL, 0), second, had, ran, wall;

    for (second = 1; !limit || second <= limit; second++) {
        ran = run_time();
        had = burn(&wall);
        print("spin: second %lu, %lu%% of it ran", second, had * 100 / wall);
        if (xen_start_info())
            print(", %lu%% by the hypervisor", (run_time() - ran) * 100 / wall);
        print("\n");
    }
}
