/*
 * PCI: access to configuration space, and the devices that are known.
 *
 * A function is named by segment, bus and devfn (device * 8 + function).
 * Registers below 256 of segment 0 are reached through ports 0xcf8/0xcfc, all
 * others through the memory-mapped window (ECAM) that the MCFG table describes
 * once dom0 has confirmed that it lies in reserved memory (PHYSDEVOP
 * pci_mmcfg_reserved). Without one, they read as all ones.
 *
 * A device is never freed, so pointers to it stay valid: one that is removed is
 * only marked so, and looked at afresh when something is added in its place.
 * Its msi fields are msi.c's, under the lock there.
 *
 * What dom0 may write is decided in pci_guest.c.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include "lib/list.h"
#include "lib/types.h"
#include "pv/ioport.h"

struct pci_address {
    uint16_t segment;
    uint8_t bus, devfn;
};
#define PCI_FMT "%04x:%02x:%02x.%u"
#define PCI_ARGS(a)                                                            \
    (a).segment, (a).bus, (unsigned)(a).devfn >> 3, (a).devfn & 7u

#define PCI_VENDOR 0x00
#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_STATUS 0x06
#define PCI_STATUS_CAPS 0x0010u
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_CAP_POINTER 0x34
#define PCI_CAP_MSI 0x05
#define PCI_CAP_MSIX 0x11

/* MSI capability: offsets and bits of the control word (PCI 3.0, 6.8.1). */
#define MSI_CONTROL 2
#define MSI_CONTROL_ENABLE 0x0001u
#define MSI_CONTROL_VECTORS 0x0070u
#define MSI_CONTROL_64 0x0080u
#define MSI_CONTROL_MASKABLE 0x0100u
/* MSI-X capability (6.8.2). */
#define MSIX_CONTROL 2
#define MSIX_CONTROL_SIZE 0x07ffu
#define MSIX_CONTROL_MASK_ALL 0x4000u
#define MSIX_CONTROL_ENABLE 0x8000u
#define MSIX_TABLE 4

struct msi_desc;

struct pci_device {
    struct list_head list;
    struct pci_address address;
    bool announced;      /* by PHYSDEVOP_pci_device_add or the like */
    bool virtual_fn;     /* of the physical function below */
    uint8_t pf_bus, pf_devfn;
    uint8_t msi, msix;   /* offset of the capability, 0 = none */
    struct msi_desc *msi_desc; /* the one MSI in use, or NULL */
    /* MSI-X */
    uint16_t msix_vectors;        /* size of the table */
    uint16_t msix_used;           /* entries in use */
    struct msi_desc **msix_desc;  /* one for each entry; NULL: none was used */
    paddr_t msix_table_pa;        /* where the table was when it was mapped */
    volatile uint32_t *msix_table; /* four words an entry, or NULL */
};

/* bytes: 1, 2 or 4, reg aligned to it. All ones: no such function. */
uint32_t pci_read(struct pci_address a, unsigned reg, unsigned bytes);
void pci_write(struct pci_address a, unsigned reg, unsigned bytes,
               uint32_t val);
/* Offset of the first capability with this id, or 0. */
unsigned pci_find_capability(struct pci_address a, uint8_t id);

/* The function, if it exists in hardware; NULL: it doesn't, or no memory. */
struct pci_device *pci_device_get(struct pci_address a);
/*
 * dom0 tells of a function / says that it is gone. -ENODEV: there is none
 * (known), -EBUSY: still has MSIs.
 */
int pci_device_add(struct pci_address a, bool virtual_fn, uint8_t pf_bus,
                   uint8_t pf_devfn);
int pci_device_remove(struct pci_address a);

/*
 * dom0 says that an ECAM window is (not) in reserved memory. -ENODEV: the MCFG
 * has no such window; -EINVAL: the bus range is upside down.
 */
int pci_ecam_reserved(uint64_t address, uint16_t segment, uint8_t first_bus,
                      uint8_t last_bus, bool reserved);

#endif
