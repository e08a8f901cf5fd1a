/*
 * Hypercall physdev_op: interrupts and I/O privilege of the caller.
 * What concerns PCI devices is in physdev_pci.c.
 *
 * Every handler copies its structure once; -EFAULT if that fails, or if the
 * result cannot be written. Operations on the machine itself are the hardware
 * domain's: -EPERM for others.
 */
#include "drivers/physdev.h"

#include "arch/x86/ioapic.h"
#include "arch/x86/irq.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "drivers/msi.h"
#include "event/event.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/rangeset.h"

/* ---- PIRQs ---- */

/* PHYSDEVOP_eoi(irq). -EINVAL: not a PIRQ of the caller's that is mapped. */
static long op_eoi(struct domain *d, vaddr_t arg)
{
    struct physdev_eoi e;

    if (copy_from_guest_va(&e, arg, sizeof(e)))
        return -EFAULT;
    if (e.irq >= NR_PIRQS)
        return -EINVAL;
    return pirq_guest_eoi(d, (int)e.irq);
}

static long set_eoi_map(struct domain *d, vaddr_t arg, bool auto_unmask)
{
    struct physdev_pirq_eoi_gmfn g;

    if (copy_from_guest_va(&g, arg, sizeof(g)))
        return -EFAULT;
    return pirq_set_eoi_map(d, g.gmfn, auto_unmask);
}

/*
 * PHYSDEVOP_pirq_eoi_gmfn_v1(gmfn): the page where bit n says "PIRQ n needs an
 * EOI"; from now on an EOI also unmasks the PIRQ's port. -EBUSY there is one,
 * -EINVAL not a writable page of the caller's, -ENOMEM.
 */
static long op_eoi_gmfn_v1(struct domain *d, vaddr_t arg)
{
    return set_eoi_map(d, arg, true);
}

/* PHYSDEVOP_pirq_eoi_gmfn_v2(gmfn): as v1, but an EOI unmasks nothing. */
static long op_eoi_gmfn_v2(struct domain *d, vaddr_t arg)
{
    return set_eoi_map(d, arg, false);
}

/* PHYSDEVOP_irq_status_query(irq -> flags). -EINVAL: no such PIRQ. */
static long op_irq_status_query(struct domain *d, vaddr_t arg)
{
    struct physdev_irq_status_query q;

    if (copy_from_guest_va(&q, arg, sizeof(q)))
        return -EFAULT;
    if (q.irq >= NR_PIRQS)
        return -EINVAL;
    q.flags = pirq_needs_eoi(d, (int)q.irq) ? XENIRQSTAT_needs_eoi : 0;
    if (pirq_shared(d, (int)q.irq))
        q.flags |= XENIRQSTAT_shared;
    return copy_to_guest_va(arg, &q, sizeof(q)) ? -EFAULT : 0;
}

/*
 * The device of a map request. Types MSI_SEG and MULTI_MSI carry the segment in
 * the upper half of `bus`. A table address makes it MSI-X.
 */
static long map_msi(struct domain *target, struct physdev_map_pirq *m)
{
    uint16_t segment = m->type == MAP_PIRQ_TYPE_MSI ? 0
                                                    : (uint16_t)(m->bus >> 16);
    struct msi_request r = {
        .device = {segment, (uint8_t)m->bus, (uint8_t)m->devfn},
        .msix = m->type != MAP_PIRQ_TYPE_MULTI_MSI && m->table_base != 0,
        .entry = (unsigned)m->entry_nr,
        .table_base = m->table_base,
    };

    if (!current->domain->is_hardware)
        return -EPERM;
    if (m->type == MAP_PIRQ_TYPE_MULTI_MSI) {
        if (m->entry_nr < 1 || m->entry_nr > 32)
            return -EDOM;
        if (m->entry_nr > 1)
            return -EOPNOTSUPP;
    } else if (m->index != -1 || m->entry_nr < 0) {
        return -EINVAL;
    }
    return msi_map(target, &r, &m->pirq);
}

static long map_pirq(struct domain *target, struct physdev_map_pirq *m)
{
    switch (m->type) {
    case MAP_PIRQ_TYPE_GSI:
        return pirq_map_gsi(target, m->index, &m->pirq);
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
    case MAP_PIRQ_TYPE_MULTI_MSI:
        return map_msi(target, m);
    default:
        return -EINVAL;
    }
}

/*
 * PHYSDEVOP_map_pirq(domid, type, index, pirq, bus, devfn, entry_nr,
 * table_base -> pirq): gives the domain a PIRQ for a GSI, an MSI or an MSI-X
 * entry. -ESRCH, -EPERM not the caller and the caller is not privileged, or
 * the caller may not use this GSI or MSIs at all; -EINVAL unknown type or a
 * bad number; several MSIs at once: -EDOM not 1 to 32, -EOPNOTSUPP more than
 * 1 (they would need neighbouring vectors); more: pirq_map_gsi, msi_map.
 */
static long op_map_pirq(struct domain *d, vaddr_t arg)
{
    struct physdev_map_pirq m;
    struct domain *target;
    long rc;

    (void)d;
    if (copy_from_guest_va(&m, arg, sizeof(m)))
        return -EFAULT;
    rc = domain_get_remote(m.domid, &target);
    if (rc)
        return rc;
    rc = map_pirq(target, &m);
    if (!rc && copy_to_guest_va(arg, &m, sizeof(m))) {
        if (m.type != MAP_PIRQ_TYPE_GSI)
            pirq_unmap(target, m.pirq);
        rc = -EFAULT;
    }
    domain_put(target);
    return rc;
}

/*
 * PHYSDEVOP_unmap_pirq(domid, pirq). -ESRCH, -EPERM as map_pirq; -EINVAL not
 * mapped.
 */
static long op_unmap_pirq(struct domain *d, vaddr_t arg)
{
    struct physdev_unmap_pirq u;
    struct domain *target;
    long rc;

    (void)d;
    if (copy_from_guest_va(&u, arg, sizeof(u)))
        return -EFAULT;
    rc = domain_get_remote(u.domid, &target);
    if (rc)
        return rc;
    rc = pirq_unmap(target, u.pirq);
    domain_put(target);
    return rc;
}

/*
 * PHYSDEVOP_get_free_pirq(type -> pirq): reserves a number. -EINVAL neither GSI
 * nor MSI, -ENOSPC, -ENOMEM.
 */
static long op_get_free_pirq(struct domain *d, vaddr_t arg)
{
    struct physdev_get_free_pirq g;
    int n;

    if (copy_from_guest_va(&g, arg, sizeof(g)))
        return -EFAULT;
    if (g.type != MAP_PIRQ_TYPE_GSI && g.type != MAP_PIRQ_TYPE_MSI)
        return -EINVAL;
    n = pirq_get_free(d);
    if (n < 0)
        return n;
    g.pirq = (uint32_t)n;
    return copy_to_guest_va(arg, &g, sizeof(g)) ? -EFAULT : 0;
}

/* ---- interrupt controllers ---- */

/*
 * PHYSDEVOP_setup_gsi(gsi, triggering, polarity): 0 edge, 1 level; 0 active
 * high, 1 low. -EINVAL no such GSI, -EPERM not the caller's, -EEXIST in use
 * and set up in another way.
 */
static long op_setup_gsi(struct domain *d, vaddr_t arg)
{
    struct physdev_setup_gsi s;
    int rc;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    if (!d->is_hardware)
        return -EPERM;
    if (s.gsi < 0 || s.gsi >= (int)nr_gsis)
        return -EINVAL;
    if (!rangeset_contains(d->irq_caps, (unsigned)s.gsi, (unsigned)s.gsi))
        return -EPERM;
    rc = irq_setup_gsi((unsigned)s.gsi, s.triggering ? IRQ_LEVEL : IRQ_EDGE,
                       s.polarity != 0);
    return rc == -EBUSY ? -EEXIST : rc;
}

/*
 * PHYSDEVOP_apic_read(apic_physbase, reg -> value): a register of an I/O APIC.
 * -EPERM; -EINVAL no such I/O APIC or register.
 */
static long op_apic_read(struct domain *d, vaddr_t arg)
{
    struct physdev_apic a;
    int rc;

    if (copy_from_guest_va(&a, arg, sizeof(a)))
        return -EFAULT;
    if (!d->is_hardware)
        return -EPERM;
    rc = ioapic_guest_read(a.apic_physbase, a.reg, &a.value);
    if (rc)
        return rc;
    return copy_to_guest_va(arg, &a, sizeof(a)) ? -EFAULT : 0;
}

/* PHYSDEVOP_apic_write(apic_physbase, reg, value): what of it is done, see
   ioapic.h. Errors as apic_read. */
static long op_apic_write(struct domain *d, vaddr_t arg)
{
    struct physdev_apic a;

    if (copy_from_guest_va(&a, arg, sizeof(a)))
        return -EFAULT;
    if (!d->is_hardware)
        return -EPERM;
    return ioapic_guest_write(a.apic_physbase, a.reg, a.value);
}

/*
 * PHYSDEVOP_alloc_irq_vector(irq -> vector): vectors are the hypervisor's own,
 * the guest gets the number of the irq, which is as good for what it does with
 * it. -EPERM; -EINVAL no such irq.
 */
static long op_alloc_irq_vector(struct domain *d, vaddr_t arg)
{
    struct physdev_irq i;

    if (copy_from_guest_va(&i, arg, sizeof(i)))
        return -EFAULT;
    if (!d->is_hardware)
        return -EPERM;
    if (i.irq >= NR_IRQS_MAX)
        return -EINVAL;
    i.vector = i.irq;
    return copy_to_guest_va(arg, &i, sizeof(i)) ? -EFAULT : 0;
}

/* PHYSDEVOP_free_irq_vector(irq): the counterpart; nothing was taken. */
static long op_free_irq_vector(struct domain *d, vaddr_t arg)
{
    struct physdev_irq i;

    if (copy_from_guest_va(&i, arg, sizeof(i)))
        return -EFAULT;
    if (!d->is_hardware)
        return -EPERM;
    return i.irq < NR_IRQS_MAX ? 0 : -EINVAL;
}

/* ---- I/O privilege of the calling vCPU ---- */

/* PHYSDEVOP_set_iopl(iopl). -EINVAL: above 3. */
static long op_set_iopl(struct domain *d, vaddr_t arg)
{
    struct physdev_set_iopl s;

    (void)d;
    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    if (s.iopl > 3)
        return -EINVAL;
    current->pv.iopl = (uint8_t)s.iopl;
    return 0;
}

/*
 * PHYSDEVOP_set_iobitmap(bitmap, nr_ports): a clear bit allows the port to
 * guest user code. Read when needed, under the guest's own tables. -EINVAL:
 * more than 65536 ports.
 */
static long op_set_iobitmap(struct domain *d, vaddr_t arg)
{
    struct physdev_set_iobitmap s;

    (void)d;
    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    if (s.nr_ports > 65536)
        return -EINVAL;
    current->pv.iobmp = guest_handle_va(s.bitmap, 0);
    current->pv.iobmp_ports = s.nr_ports;
    return 0;
}

/*
 * IRQ_UNMASK_NOTIFY, older than eoi and without an argument: "some PIRQ ports
 * have been unmasked", an EOI for all of those.
 */
static long op_unmask_notify(struct domain *d, vaddr_t arg)
{
    (void)arg;
    pirq_eoi_unmasked(d);
    return 0;
}

/* ---- hypercall ---- */

static physdev_op_fn *const ops[] = {
    [PHYSDEVOP_IRQ_UNMASK_NOTIFY] = op_unmask_notify,
    [PHYSDEVOP_irq_status_query] = op_irq_status_query,
    [PHYSDEVOP_set_iopl] = op_set_iopl,
    [PHYSDEVOP_set_iobitmap] = op_set_iobitmap,
    [PHYSDEVOP_apic_read] = op_apic_read,
    [PHYSDEVOP_apic_write] = op_apic_write,
    [PHYSDEVOP_alloc_irq_vector] = op_alloc_irq_vector,
    [PHYSDEVOP_free_irq_vector] = op_free_irq_vector,
    [PHYSDEVOP_eoi] = op_eoi,
    [PHYSDEVOP_map_pirq] = op_map_pirq,
    [PHYSDEVOP_unmap_pirq] = op_unmap_pirq,
    [PHYSDEVOP_manage_pci_add] = physdev_manage_pci_add,
    [PHYSDEVOP_manage_pci_remove] = physdev_manage_pci_remove,
    [PHYSDEVOP_pirq_eoi_gmfn_v1] = op_eoi_gmfn_v1,
    [PHYSDEVOP_restore_msi] = physdev_restore_msi,
    [PHYSDEVOP_manage_pci_add_ext] = physdev_manage_pci_add_ext,
    [PHYSDEVOP_setup_gsi] = op_setup_gsi,
    [PHYSDEVOP_get_free_pirq] = op_get_free_pirq,
    [PHYSDEVOP_pci_mmcfg_reserved] = physdev_pci_mmcfg_reserved,
    [PHYSDEVOP_pci_device_add] = physdev_pci_device_add,
    [PHYSDEVOP_pci_device_remove] = physdev_pci_device_remove,
    [PHYSDEVOP_restore_msi_ext] = physdev_restore_msi_ext,
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = op_eoi_gmfn_v2,
    [PHYSDEVOP_dbgp_op] = physdev_dbgp,
    [PHYSDEVOP_prepare_msix] = physdev_prepare_msix,
    [PHYSDEVOP_release_msix] = physdev_release_msix,
};

/* physdev_op(cmd, arg). -ENOSYS: unknown cmd. */
static long do_physdev_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                          uint64_t a5, uint64_t a6)
{
    uint32_t op = (uint32_t)cmd;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (op >= ARRAY_SIZE(ops))
        return -ENOSYS;
    op = (uint32_t)nospec_index(op, ARRAY_SIZE(ops));
    if (!ops[op])
        return -ENOSYS;
    return ops[op](current->domain, arg);
}
HYPERCALL(__HYPERVISOR_physdev_op, 2, do_physdev_op);

/*
 * The old form physdev_op(struct physdev_op *): the number comes first in the
 * structure. Knows operations up to free_irq_vector.
 */
static long do_physdev_op_compat(uint64_t arg, uint64_t a2, uint64_t a3,
                                 uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint32_t cmd;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (copy_from_guest_va(&cmd, arg, sizeof(cmd)))
        return -EFAULT;
    if (cmd > PHYSDEVOP_free_irq_vector)
        return -ENOSYS;
    cmd = (uint32_t)nospec_index(cmd, PHYSDEVOP_free_irq_vector + 1);
    if (!ops[cmd])
        return -ENOSYS;
    return ops[cmd](current->domain, arg + offsetof(struct physdev_op, u));
}
HYPERCALL(__HYPERVISOR_physdev_op_compat, 1, do_physdev_op_compat);
