/*
 * physdev_op on PCI devices. All are the hardware domain's alone: -EPERM for
 * others. -EFAULT if the structure cannot be read.
 */
#include "drivers/physdev.h"

#include "arch/x86/usercopy.h"
#include "drivers/msi.h"
#include "drivers/pci.h"
#include "lib/errno.h"

/* Copies the structure and checks the caller: the first step of all. */
#define GET_ARGS(d, x, arg)                                                    \
    (copy_from_guest_va(&(x), (arg), sizeof(x)) ? -EFAULT                      \
     : !(d)->is_hardware                        ? -EPERM                       \
                                                : 0)

/* ---- devices come and go ---- */

/* PHYSDEVOP_manage_pci_add(bus, devfn). -ENODEV: no such function. */
long physdev_manage_pci_add(struct domain *d, vaddr_t arg)
{
    struct physdev_manage_pci m;
    int rc = GET_ARGS(d, m, arg);

    if (rc)
        return rc;
    return pci_device_add((struct pci_address){0, m.bus, m.devfn}, false, 0, 0);
}

/* PHYSDEVOP_manage_pci_remove(bus, devfn). -ENODEV unknown, -EBUSY has MSIs. */
long physdev_manage_pci_remove(struct domain *d, vaddr_t arg)
{
    struct physdev_manage_pci m;
    int rc = GET_ARGS(d, m, arg);

    if (rc)
        return rc;
    return pci_device_remove((struct pci_address){0, m.bus, m.devfn});
}

/*
 * PHYSDEVOP_manage_pci_add_ext(bus, devfn, is_extfn, is_virtfn, physfn).
 * -EINVAL a flag is neither 0 nor 1, -ENODEV no such function.
 */
long physdev_manage_pci_add_ext(struct domain *d, vaddr_t arg)
{
    struct physdev_manage_pci_ext m;
    int rc = GET_ARGS(d, m, arg);

    if (rc)
        return rc;
    if (m.is_extfn > 1 || m.is_virtfn > 1)
        return -EINVAL;
    return pci_device_add((struct pci_address){0, m.bus, m.devfn}, m.is_virtfn,
                          m.physfn.bus, m.physfn.devfn);
}

/*
 * PHYSDEVOP_pci_device_add(seg, bus, devfn, flags, physfn, optarr). The
 * proximity domain in optarr is of no interest here. -EINVAL unknown flags,
 * -ENODEV no such function.
 */
long physdev_pci_device_add(struct domain *d, vaddr_t arg)
{
    struct physdev_pci_device_add a;
    int rc = GET_ARGS(d, a, arg);

    if (rc)
        return rc;
    if (a.flags & ~(XEN_PCI_DEV_EXTFN | XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_PXM))
        return -EINVAL;
    return pci_device_add((struct pci_address){a.seg, a.bus, a.devfn},
                          a.flags & XEN_PCI_DEV_VIRTFN, a.physfn.bus,
                          a.physfn.devfn);
}

static int get_address(struct domain *d, vaddr_t arg, struct pci_address *a)
{
    struct physdev_pci_device p;
    int rc = GET_ARGS(d, p, arg);

    if (!rc)
        *a = (struct pci_address){p.seg, p.bus, p.devfn};
    return rc;
}

/* PHYSDEVOP_pci_device_remove(seg, bus, devfn). -ENODEV, -EBUSY has MSIs. */
long physdev_pci_device_remove(struct domain *d, vaddr_t arg)
{
    struct pci_address a;
    int rc = get_address(d, arg, &a);

    return rc ? rc : pci_device_remove(a);
}

/* ---- MSIs ---- */

static long restore(struct pci_address a)
{
    struct pci_device *dev = pci_device_get(a);

    return dev ? msi_restore(dev) : -ENODEV;
}

/*
 * PHYSDEVOP_restore_msi(bus, devfn): writes the device's messages again and
 * enables them. -ENODEV; -ENXIO MSI-X and memory decoding is off.
 */
long physdev_restore_msi(struct domain *d, vaddr_t arg)
{
    struct physdev_restore_msi r;
    int rc = GET_ARGS(d, r, arg);

    return rc ? rc : restore((struct pci_address){0, r.bus, r.devfn});
}

/* PHYSDEVOP_restore_msi_ext(seg, bus, devfn): as restore_msi. */
long physdev_restore_msi_ext(struct domain *d, vaddr_t arg)
{
    struct pci_address a;
    int rc = get_address(d, arg, &a);

    return rc ? rc : restore(a);
}

/*
 * PHYSDEVOP_prepare_msix(seg, bus, devfn): the BARs are final. -ENODEV no such
 * function or it has no MSI-X, -EINVAL its table cannot be where it is said to
 * be, -ENXIO memory decoding is off, -ENOMEM.
 */
long physdev_prepare_msix(struct domain *d, vaddr_t arg)
{
    struct pci_address a;
    struct pci_device *dev;
    int rc = get_address(d, arg, &a);

    if (rc)
        return rc;
    dev = pci_device_get(a);
    return dev ? msix_prepare(dev) : -ENODEV;
}

/*
 * PHYSDEVOP_release_msix(seg, bus, devfn): the BARs may change. -ENODEV as
 * above, -EBUSY entries are in use.
 */
long physdev_release_msix(struct domain *d, vaddr_t arg)
{
    struct pci_address a;
    struct pci_device *dev;
    int rc = get_address(d, arg, &a);

    if (rc)
        return rc;
    dev = pci_device_get(a);
    return dev ? msix_release(dev) : -ENODEV;
}

/* ---- the rest ---- */

/*
 * PHYSDEVOP_pci_mmcfg_reserved(address, segment, start_bus, end_bus, flags).
 * -ENODEV the MCFG table has no such window, -EINVAL unknown flags or buses the
 * wrong way round.
 */
long physdev_pci_mmcfg_reserved(struct domain *d, vaddr_t arg)
{
    struct physdev_pci_mmcfg_reserved m;
    int rc = GET_ARGS(d, m, arg);

    if (rc)
        return rc;
    if (m.flags & ~XEN_PCI_MMCFG_RESERVED)
        return -EINVAL;
    return pci_ecam_reserved(m.address, m.segment, m.start_bus, m.end_bus,
                             m.flags & XEN_PCI_MMCFG_RESERVED);
}

/*
 * PHYSDEVOP_dbgp_op(op, bus): the USB debug port is about to be reset. The
 * hypervisor uses none, so there is nothing to do. -EINVAL unknown op or bus.
 */
long physdev_dbgp(struct domain *d, vaddr_t arg)
{
    struct physdev_dbgp_op o;
    int rc = GET_ARGS(d, o, arg);

    if (rc)
        return rc;
    if (o.op != PHYSDEVOP_DBGP_RESET_PREPARE &&
        o.op != PHYSDEVOP_DBGP_RESET_DONE)
        return -EINVAL;
    return o.bus <= PHYSDEVOP_DBGP_BUS_PCI ? 0 : -EINVAL;
}
