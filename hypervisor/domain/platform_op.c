/*
 * platform_op: what dom0 tells and asks about the machine.
 *
 * Checks, in order: the structure can be read (-EFAULT), interface version
 * (-EACCES), privilege (-EPERM); then those of each command. -ENOSYS: unknown,
 * or a service that Xeno does not have (frequency control, microcode, MTRRs,
 * firmware's runtime services).
 */
#include "arch/x86/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/smp.h"
#include "arch/x86/timer.h"
#include "arch/x86/usercopy.h"
#include "domain/domctl.h"
#include "domain/efi_info.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include <xen/platform.h>

/* An older form of settime64, no longer defined by its plain name. */
static long op_settime32(const struct xenpf_settime32 *t)
{
    settime(t->secs, t->nsecs, t->system_time);
    return 0;
}

/* -EINVAL: the field that must be 0 isn't. More ns than a second has: added. */
static long op_settime64(const struct xenpf_settime64 *t)
{
    if (t->mbz)
        return -EINVAL;
    settime(t->secs, t->nsecs, t->system_time);
    return 0;
}

/*
 * The BIOS was not asked for disks, monitor and shift keys: -ESRCH, as if
 * there were none.
 */
static long op_firmware_info(struct xenpf_firmware_info *f)
{
    switch (f->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
    case XEN_FW_KBD_SHIFT_FLAGS:
        return -ESRCH;
    case XEN_FW_EFI_INFO:
        return efi_get_info(f->index, &f->u.efi_info);
    default:
        return -EINVAL;
    }
}

/* -EINVAL: flags or state that we don't know; -ENODEV no such registers. */
static long op_enter_sleep(const struct xenpf_enter_acpi_sleep *s)
{
    if (s->flags)
        return -EINVAL;
    printk(XENLOG_INFO "Domain 0 enters ACPI state S%u\n", s->sleep_state);
    if (DEBUG_BUILD)
        audit_run();
    return acpi_enter_sleep(s->val_a, s->val_b, s->sleep_state);
}

static s_time_t idle_time(unsigned cpu)
{
    struct vcpu_runstate_info r;

    vcpu_runstate_get(dom_idle.vcpu[cpu], &r);
    return r.time[RUNSTATE_running];
}

/* One byte of the CPU map. */
static long idle_times_of_8(struct xenpf_getidletime *g, unsigned first)
{
    vaddr_t map = (vaddr_t)g->cpumap_bitmap.p + first / 8;
    vaddr_t times = (vaddr_t)g->idletime.p;
    uint8_t want, have = 0;

    if (copy_from_guest_va(&want, map, 1))
        return -EFAULT;
    for (unsigned i = 0; i < 8 && first + i < g->cpumap_nr_cpus; i++) {
        unsigned cpu = first + i;
        s_time_t t = 0;

        if (!(want & 1u << i))
            continue;
        if (cpu < MAX_CPUS && (cpu_online_map & CPUMASK(cpu))) {
            have |= (uint8_t)(1u << i);
            t = idle_time(cpu);
        }
        if (copy_to_guest_va(times + cpu * sizeof(t), &t, sizeof(t)))
            return -EFAULT;
    }
    return copy_to_guest_va(map, &have, 1) ? -EFAULT : 0;
}

/* -EINVAL for a map larger than any machine's. */
static long op_getidletime(struct xenpf_getidletime *g)
{
    if (g->cpumap_nr_cpus > 4096)
        return -EINVAL;
    g->now = now();
    for (unsigned cpu = 0; cpu < g->cpumap_nr_cpus; cpu += 8) {
        long rc = idle_times_of_8(g, cpu);
        if (rc)
            return rc;
    }
    return 0;
}

static long op_get_cpuinfo(struct xenpf_pcpuinfo *p)
{
    uint32_t cpu = p->xen_cpuid;

    p->max_present = nr_cpus_known() - 1;
    p->flags = XEN_PCPU_FLAGS_INVALID;
    p->apic_id = p->acpi_id = 0;
    if (cpu < nr_cpus_known()) {
        p->flags = cpu_online_map & CPUMASK(cpu) ? XEN_PCPU_FLAGS_ONLINE : 0;
        p->apic_id = cpu_apic_id(cpu);
        p->acpi_id = cpu_acpi_id(cpu);
    }
    return 0;
}

/* All CPUs of the machine are alike. */
static long op_get_cpu_version(struct xenpf_pcpu_version *p)
{
    uint32_t cpu = p->xen_cpuid;

    memset(p, 0, sizeof(*p));
    p->xen_cpuid = cpu;
    p->max_present = nr_cpus_known() - 1;
    if (cpu < nr_cpus_known() && (cpu_online_map & CPUMASK(cpu))) {
        memcpy(p->vendor_id, cpu_features.vendor, sizeof(p->vendor_id));
        p->family = cpu_features.family;
        p->model = cpu_features.model;
        p->stepping = cpu_features.stepping;
    }
    return 0;
}

/* It is no error if it is so already. CPU 0 stays: -EOPNOTSUPP. */
static long op_cpu_online(const struct xenpf_cpu_ol *o, bool wanted)
{
    int rc;

    if (!o->cpuid && !wanted)
        return -EOPNOTSUPP;
    rc = cpu_set_online(o->cpuid, wanted);
    return rc == -EEXIST ? 0 : rc;
}

static long platform_op(struct xen_platform_op *op)
{
    switch (op->cmd) {
    case XENPF_settime32:
        return op_settime32(&op->u.settime32);
    case XENPF_settime64:
        return op_settime64(&op->u.settime64);
    case XENPF_firmware_info:
        return op_firmware_info(&op->u.firmware_info);
    case XENPF_enter_acpi_sleep:
        return op_enter_sleep(&op->u.enter_acpi_sleep);
    case XENPF_getidletime:
        return op_getidletime(&op->u.getidletime);
    case XENPF_get_cpuinfo:
        return op_get_cpuinfo(&op->u.pcpu_info);
    case XENPF_get_cpu_version:
        return op_get_cpu_version(&op->u.pcpu_version);
    case XENPF_cpu_online:
    case XENPF_cpu_offline:
        return op_cpu_online(&op->u.cpu_ol, op->cmd == XENPF_cpu_online);
    default:
        return -ENOSYS;
    }
}

static long do_platform_op(uint64_t arg, uint64_t a2, uint64_t a3, uint64_t a4,
                           uint64_t a5, uint64_t a6)
{
    struct xen_platform_op op;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return -EACCES;
    if (!current->domain->is_privileged)
        return -EPERM;
    rc = platform_op(&op);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_platform_op, 1, arg);
    if (!rc && copy_to_guest_va(arg, &op, sizeof(op)))
        return -EFAULT;
    return rc;
}
HYPERCALL(__HYPERVISOR_platform_op, 1, do_platform_op);
