/* The operations of physdev_op that live in a file of their own. */
#ifndef DRIVERS_PHYSDEV_H
#define DRIVERS_PHYSDEV_H

#include "core/domain.h"
#include <xen/physdev.h>

/* d: the caller; arg: guest address of the operation's structure. */
typedef long physdev_op_fn(struct domain *d, vaddr_t arg);

/* physdev_pci.c */
physdev_op_fn physdev_manage_pci_add, physdev_manage_pci_add_ext,
    physdev_manage_pci_remove, physdev_pci_device_add,
    physdev_pci_device_remove, physdev_restore_msi, physdev_restore_msi_ext,
    physdev_pci_mmcfg_reserved, physdev_prepare_msix, physdev_release_msix,
    physdev_dbgp;

#endif
