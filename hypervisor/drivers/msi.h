/*
 * Message-signalled interrupts of devices, programmed on behalf of dom0.
 *
 * A guest never chooses a message: it asks for a PIRQ, and the hypervisor
 * writes address and data. What dom0 may still write to the capabilities is
 * said in pci_guest.c. Not from interrupts.
 */
#ifndef DRIVERS_MSI_H
#define DRIVERS_MSI_H

#include "core/domain.h"
#include "drivers/pci.h"

struct msi_request {
    struct pci_address device;
    bool msix;
    unsigned entry;     /* MSI-X: index into the table */
    paddr_t table_base; /* MSI-X of a virtual function: its memory BAR */
};

/*
 * Gives d a PIRQ for the device's MSI or one entry of its MSI-X table. *pirq
 * as in pirq_map_msi. pirq_unmap takes it back. Errors, besides that
 * function's: -ENODEV no such function or capability, -EINVAL no such entry or
 * no place for the table that a device may have, -EEXIST in use, -ENXIO memory
 * decoding is off.
 */
int msi_map(struct domain *d, const struct msi_request *r, int *pirq);

/* Writes everything anew after the device lost it. -ENODEV, -ENXIO. */
int msi_restore(struct pci_device *dev);
/*
 * The BARs of a device with MSI-X won't change from now on / may change.
 * -ENODEV no MSI-X; prepare: as msi_map; release: -EBUSY entries in use.
 */
int msix_prepare(struct pci_device *dev);
int msix_release(struct pci_device *dev);
/* The device goes. -EBUSY: uses MSIs. */
int msi_forget(struct pci_device *dev);
/* Has the MSI (not MSI-X) a message that the hypervisor wrote? */
bool msi_programmed(const struct pci_device *dev);

#endif
