/*
 * Configuration space as dom0 reaches it, through ports 0xcf8-0xcff.
 *
 * dom0 drives the hardware, so nearly everything goes through as it is. Only
 * the hypervisor's own affairs are kept back:
 *
 *   MSI      address, data and mask are never dom0's to write. The enable bit
 *            can be cleared always, and set while there is a message that the
 *            hypervisor wrote. More than one vector is not offered.
 *   MSI-X    enable and mask-all are dom0's (entries come up masked); where
 *            the table is cannot be written by anyone.
 *
 * What dom0 writes elsewhere in such a capability is dropped. This keeps an
 * honest kernel from undoing what the hypervisor did. It is not a wall against
 * dom0: without an IOMMU a device that dom0 drives can write any message by
 * DMA, and dom0 may map MSI-X tables and the ECAM window like any other device
 * memory. dom0 is part of what must be trusted (docs/event-channels.md).
 *
 * The address port is a variable here, so that dom0's pairs of accesses and the
 * hypervisor's own do not mix. dom0 has one view for all of its vCPUs and
 * keeps them apart itself, as on real hardware.
 */
#include "arch/x86/cpu.h"
#include "drivers/msi.h"
#include "drivers/pci.h"

#define CONF_ADDRESS 0xcf8
#define RESET_CONTROL 0xcf9
#define CONF_DATA 0xcfc
#define CONF_ENABLE 0x80000000u

static uint32_t conf_address;

/* The function and register that an access to the data port means. */
static bool decode(unsigned port, unsigned bytes, struct pci_address *a,
                   unsigned *reg)
{
    uint32_t v = READ_ONCE(conf_address);

    *a = (struct pci_address){.bus = (uint8_t)(v >> 16),
                              .devfn = (uint8_t)(v >> 8)};
    *reg = (v & 0xfc) | (port & 3);
    return port >= CONF_DATA && (v & CONF_ENABLE) && *reg % bytes == 0;
}

uint32_t pci_conf_guest_read(unsigned port, unsigned bytes)
{
    uint32_t none = 0xffffffffu >> (32 - 8 * bytes);
    struct pci_address a;
    unsigned reg;

    if (port == CONF_ADDRESS && bytes == 4)
        return READ_ONCE(conf_address);
    if (port == RESET_CONTROL && bytes == 1)
        return inb(RESET_CONTROL);
    return decode(port, bytes, &a, &reg) ? pci_read(a, reg, bytes) : none;
}

/* Bytes of the MSI capability, whose control word is `control`. */
static unsigned msi_length(unsigned control)
{
    return 10 + (control & MSI_CONTROL_64 ? 4 : 0) +
           (control & MSI_CONTROL_MASKABLE ? 10 : 0);
}

/* Bits of the upper half of the first word that dom0 may change. */
static uint32_t msi_control_bits(const struct pci_device *dev, uint32_t val)
{
    if ((val >> 16 & MSI_CONTROL_ENABLE) && !msi_programmed(dev))
        return 0;
    return MSI_CONTROL_ENABLE << 16;
}

/*
 * Is the word at `reg` (4-aligned) kept back? Then *bits are those that dom0
 * may change, given that it writes val.
 */
static bool kept_back(const struct pci_device *dev, unsigned reg, uint32_t val,
                      uint32_t *bits)
{
    unsigned control;

    if (dev->msi && reg == dev->msi) {
        *bits = msi_control_bits(dev, val);
        return true;
    }
    if (dev->msix && reg == dev->msix) {
        *bits = (MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK_ALL) << 16;
        return true;
    }
    *bits = 0;
    if (dev->msi && reg > dev->msi && reg < dev->msi + 24u) {
        control = pci_read(dev->address, dev->msi + MSI_CONTROL, 2);
        return reg < dev->msi + msi_length(control);
    }
    return dev->msix && reg > dev->msix && reg < dev->msix + 12u;
}

static void filtered_write(struct pci_address a, unsigned reg, unsigned bytes,
                           uint32_t val)
{
    struct pci_device *dev = reg >= 0x40 ? pci_device_get(a) : NULL;
    unsigned word = reg & ~3u, shift = 8 * (reg & 3);
    uint32_t written = val << shift, bits, old;
    uint32_t lanes = (0xffffffffu >> (32 - 8 * bytes)) << shift;

    if (dev && kept_back(dev, word, written, &bits)) {
        bits &= lanes;
        if (!bits)
            return;
        old = pci_read(a, word, 4);
        val = ((old & ~bits) | (written & bits)) >> shift;
    }
    pci_write(a, reg, bytes, val);
}

void pci_conf_guest_write(unsigned port, unsigned bytes, uint32_t val)
{
    struct pci_address a;
    unsigned reg;

    if (port == CONF_ADDRESS && bytes == 4)
        WRITE_ONCE(conf_address, val);
    else if (port == RESET_CONTROL && bytes == 1)
        outb((uint8_t)val, RESET_CONTROL);
    else if (decode(port, bytes, &a, &reg))
        filtered_write(a, reg, bytes, val);
}
