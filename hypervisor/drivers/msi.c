/*
 * MSI and MSI-X; see msi.h.
 *
 * An MSI's address and data are in configuration space; MSI-X entries are in a
 * table in one of the device's memory BARs, which is mapped here. The table is
 * looked for where the hardware says; only a virtual function, whose own BARs
 * read as zero, is taken at dom0's word. Either must be memory that the calling
 * domain could map itself and that is not RAM.
 *
 * The device's own mask bits stay open while a message is programmed: holding
 * back is irq.c's work, which loses nothing.
 *
 * Enable bits are dom0's to set, once there is a message (pci_guest.c).
 */
#include "drivers/msi.h"

#include "arch/x86/boot.h"
#include "arch/x86/irq.h"
#include "event/event.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/rangeset.h"
#include "lib/spinlock.h"
#include "mm/frame.h"

struct msi_desc {
    struct pci_device *dev;
    bool msix;
    unsigned entry;
    uint64_t address; /* the message that is in the device */
    uint32_t data;
};

static struct msi_desc *msi_of_irq[NR_IRQS_MAX];
/* All descriptors, and the msi fields of all devices. */
static spinlock_t msi_lock = SPINLOCK_INIT(LOCK_ANY);

/* Offsets in the MSI capability; they depend on its control word. */
static unsigned msi_data_reg(const struct pci_device *dev, unsigned control)
{
    return dev->msi + (control & MSI_CONTROL_64 ? 12 : 8);
}

static unsigned msi_control(const struct pci_device *dev)
{
    return pci_read(dev->address, dev->msi + MSI_CONTROL, 2);
}

static void set_msi_control(const struct pci_device *dev, unsigned control)
{
    pci_write(dev->address, dev->msi + MSI_CONTROL, 2, control);
}

/* ---- writing messages; msi_lock held ---- */

static void write_msi(const struct msi_desc *m)
{
    const struct pci_device *dev = m->dev;
    unsigned control = msi_control(dev), data = msi_data_reg(dev, control);
    uint32_t mask;

    pci_write(dev->address, dev->msi + 4, 4, (uint32_t)m->address);
    if (control & MSI_CONTROL_64)
        pci_write(dev->address, dev->msi + 8, 4, (uint32_t)(m->address >> 32));
    pci_write(dev->address, data, 2, m->data & 0xffff);
    if (control & MSI_CONTROL_MASKABLE) {
        mask = pci_read(dev->address, data + 4, 4);
        pci_write(dev->address, data + 4, 4, mask & ~1u);
    }
}

static void write_msix(const struct msi_desc *m)
{
    volatile uint32_t *e = m->dev->msix_table + 4 * m->entry;

    e[3] |= 1; /* masked while it changes */
    e[0] = (uint32_t)m->address;
    e[1] = (uint32_t)(m->address >> 32);
    e[2] = m->data;
    e[3] &= ~1u;
    (void)e[3]; /* the writes have arrived */
}

static bool memory_decoded(const struct pci_device *dev)
{
    return pci_read(dev->address, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

static void write_message(const struct msi_desc *m)
{
    if (!m->msix)
        write_msi(m);
    else if (memory_decoded(m->dev))
        write_msix(m);
}

static void silence(const struct msi_desc *m)
{
    if (!m->msix)
        set_msi_control(m->dev, msi_control(m->dev) & ~MSI_CONTROL_ENABLE);
    else if (memory_decoded(m->dev))
        m->dev->msix_table[4 * m->entry + 3] |= 1;
}

/* ---- the MSI-X table ---- */

static bool may_be_device_memory(const struct domain *d, paddr_t start,
                                 size_t bytes)
{
    uint64_t first = start >> PAGE_SHIFT;
    uint64_t last = (start + bytes - 1) >> PAGE_SHIFT;

    if (!start || last < first ||
        !rangeset_contains(d->iomem_caps, first, last))
        return false;
    for (uint64_t m = first; m <= last; m++)
        if (mfn_valid(mfn(m)))
            return false;
    return true;
}

/* Physical address of a memory BAR, 0 if it is none. */
static paddr_t bar_address(const struct pci_device *dev, unsigned bar)
{
    uint32_t lo = pci_read(dev->address, PCI_BAR0 + 4 * bar, 4);
    paddr_t pa = lo & ~0xfu;

    if (lo & 1)
        return 0; /* I/O ports */
    if ((lo & 6) == 4 && bar < 5)
        pa |= (paddr_t)pci_read(dev->address, PCI_BAR0 + 4 * bar + 4, 4) << 32;
    return pa;
}

/* Maps the table if it isn't, or has moved. */
static int map_table(const struct domain *d, struct pci_device *dev,
                     paddr_t table_base)
{
    uint32_t where = pci_read(dev->address, dev->msix + MSIX_TABLE, 4);
    unsigned bar = where & 7;
    size_t bytes = dev->msix_vectors * 16u;
    paddr_t pa;

    if (bar > 5)
        return -EINVAL;
    if (!memory_decoded(dev))
        return -ENXIO;
    pa = dev->virtual_fn ? table_base & ~0xfUL : bar_address(dev, bar);
    if (!pa)
        return -EINVAL;
    pa += where & ~7u;
    if (dev->msix_table && dev->msix_table_pa == pa)
        return 0;
    if (dev->msix_used)
        return -EBUSY;
    if (!may_be_device_memory(d, pa, bytes))
        return -EINVAL;
    dev->msix_table = ioremap(pa, bytes);
    dev->msix_table_pa = pa;
    return dev->msix_table ? 0 : -ENOMEM;
}

/* ---- use ---- */

/* Where the descriptor of a request goes; what must be there is made. */
static int find_slot(const struct domain *d, struct pci_device *dev,
                     const struct msi_request *r, struct msi_desc ***slot)
{
    int rc;

    if (!r->msix) {
        if (!dev->msi)
            return -ENODEV;
        *slot = &dev->msi_desc;
    } else {
        if (!dev->msix)
            return -ENODEV;
        if (r->entry >= dev->msix_vectors)
            return -EINVAL;
        rc = map_table(d, dev, r->table_base);
        if (rc)
            return rc;
        if (!dev->msix_desc)
            dev->msix_desc =
                xzalloc_array(struct msi_desc *, dev->msix_vectors);
        if (!dev->msix_desc)
            return -ENOMEM;
        *slot = &dev->msix_desc[r->entry];
    }
    return **slot ? -EEXIST : 0;
}

/* The irq is bound: puts its message into the device. msi_lock held. */
static int install(const struct domain *d, struct pci_device *dev,
                   const struct msi_request *r, unsigned irq)
{
    struct msi_desc **slot, *m;
    int rc = find_slot(d, dev, r, &slot);

    if (rc)
        return rc;
    m = xzalloc_type(struct msi_desc);
    if (!m)
        return -ENOMEM;
    m->dev = dev;
    m->msix = r->msix;
    m->entry = r->entry;
    rc = irq_msi_message(irq, &m->address, &m->data);
    if (rc) {
        xfree(m);
        return rc;
    }
    if (!m->msix) /* one vector, off until dom0 enables it */
        set_msi_control(dev, msi_control(dev) &
                                 ~(MSI_CONTROL_ENABLE | MSI_CONTROL_VECTORS));
    else
        dev->msix_used++;
    *slot = m;
    msi_of_irq[irq] = m;
    write_message(m);
    return 0;
}

int msi_map(struct domain *d, const struct msi_request *r, int *pirq)
{
    struct pci_device *dev = pci_device_get(r->device);
    int irq, rc;

    if (!dev)
        return -ENODEV;
    irq = irq_alloc_msi(1);
    if (irq < 0)
        return irq;
    rc = pirq_map_msi(d, irq, pirq);
    if (rc) {
        irq_free_msi((unsigned)irq, 1);
        return rc;
    }
    spin_lock(&msi_lock);
    rc = install(current->domain, dev, r, (unsigned)irq);
    spin_unlock(&msi_lock);
    if (rc)
        pirq_unmap(d, *pirq);
    return rc;
}

void msi_release(unsigned irq)
{
    struct msi_desc *m;

    if (irq >= NR_IRQS_MAX)
        return;
    spin_lock(&msi_lock);
    m = msi_of_irq[irq];
    if (m) {
        msi_of_irq[irq] = NULL;
        silence(m);
        if (m->msix) {
            m->dev->msix_desc[m->entry] = NULL;
            m->dev->msix_used--;
        } else {
            m->dev->msi_desc = NULL;
        }
        xfree(m);
    }
    spin_unlock(&msi_lock);
}

void msi_message_changed(unsigned irq, uint64_t address, uint32_t data)
{
    struct msi_desc *m;

    spin_lock(&msi_lock);
    m = irq < NR_IRQS_MAX ? msi_of_irq[irq] : NULL;
    if (m) {
        m->address = address;
        m->data = data;
        write_message(m);
    }
    spin_unlock(&msi_lock);
}

/* ---- what dom0 announces ---- */

static void restore_msix(struct pci_device *dev)
{
    unsigned reg = dev->msix + MSIX_CONTROL;
    unsigned control = pci_read(dev->address, reg, 2);

    /* All masked until the whole table is written. */
    pci_write(dev->address, reg, 2,
              control | MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK_ALL);
    for (unsigned i = 0; i < dev->msix_vectors; i++)
        if (dev->msix_desc[i])
            write_msix(dev->msix_desc[i]);
    pci_write(dev->address, reg, 2,
              (control | MSIX_CONTROL_ENABLE) & ~MSIX_CONTROL_MASK_ALL);
}

int msi_restore(struct pci_device *dev)
{
    int rc = 0;

    spin_lock(&msi_lock);
    if (dev->msi_desc) {
        write_msi(dev->msi_desc);
        set_msi_control(dev, (msi_control(dev) & ~MSI_CONTROL_VECTORS) |
                                 MSI_CONTROL_ENABLE);
    }
    if (dev->msix_used) {
        if (memory_decoded(dev))
            restore_msix(dev);
        else
            rc = -ENXIO;
    }
    spin_unlock(&msi_lock);
    return rc;
}

int msix_prepare(struct pci_device *dev)
{
    int rc;

    spin_lock(&msi_lock);
    if (!dev->msix)
        rc = -ENODEV;
    else if (dev->msix_used)
        rc = 0; /* mapped already */
    else
        rc = map_table(current->domain, dev, dev->msix_table_pa);
    spin_unlock(&msi_lock);
    return rc;
}

/* Device memory stays mapped (there is no unmapping): it is only forgotten. */
static int forget_table(struct pci_device *dev)
{
    if (dev->msix_used)
        return -EBUSY;
    xfree(dev->msix_desc);
    dev->msix_desc = NULL;
    dev->msix_table = NULL;
    dev->msix_table_pa = 0;
    return 0;
}

int msix_release(struct pci_device *dev)
{
    int rc;

    spin_lock(&msi_lock);
    rc = dev->msix ? forget_table(dev) : -ENODEV;
    spin_unlock(&msi_lock);
    return rc;
}

int msi_forget(struct pci_device *dev)
{
    int rc;

    spin_lock(&msi_lock);
    rc = dev->msi_desc ? -EBUSY : forget_table(dev);
    spin_unlock(&msi_lock);
    return rc;
}

bool msi_programmed(const struct pci_device *dev)
{
    return READ_ONCE(dev->msi_desc) != NULL;
}
