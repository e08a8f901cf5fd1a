/* PCI configuration space and devices; see pci.h. */
#include "drivers/pci.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "drivers/msi.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/spinlock.h"

#define CONF_ADDRESS 0xcf8
#define CONF_DATA 0xcfc
#define CONF_ENABLE 0x80000000u

/* A list of capabilities has at most this many members (48 fit). */
#define MAX_CAPABILITIES 48

/* Address and data port are used in pairs. */
static spinlock_t conf_lock = SPINLOCK_INIT(LOCK_ANY);

/* ---- access through the ports ---- */

static bool by_ports(struct pci_address a, unsigned reg)
{
    return a.segment == 0 && reg < 256;
}

static uint32_t port_address(struct pci_address a, unsigned reg)
{
    return CONF_ENABLE | (uint32_t)a.bus << 16 | (uint32_t)a.devfn << 8 |
           (reg & 0xfc);
}

static uint32_t port_read(struct pci_address a, unsigned reg, unsigned bytes)
{
    uint16_t data = (uint16_t)(CONF_DATA + (reg & 3));
    unsigned long f = spin_lock_irqsave(&conf_lock);
    uint32_t v;

    outl(port_address(a, reg), CONF_ADDRESS);
    v = bytes == 1 ? inb(data) : bytes == 2 ? inw(data) : inl(data);
    spin_unlock_irqrestore(&conf_lock, f);
    return v;
}

static void port_write(struct pci_address a, unsigned reg, unsigned bytes,
                       uint32_t v)
{
    uint16_t data = (uint16_t)(CONF_DATA + (reg & 3));
    unsigned long f = spin_lock_irqsave(&conf_lock);

    outl(port_address(a, reg), CONF_ADDRESS);
    if (bytes == 1)
        outb((uint8_t)v, data);
    else if (bytes == 2)
        outw((uint16_t)v, data);
    else
        outl(v, data);
    spin_unlock_irqrestore(&conf_lock, f);
}

/* ---- access through memory ---- */

struct ecam {
    bool reserved;          /* dom0 confirmed it */
    volatile uint8_t **bus; /* 256 mappings of 1 MiB, made when needed */
};
static struct ecam ecam[ACPI_MAX_MCFG]; /* one for each acpi_info.mcfg */
static spinlock_t ecam_lock = SPINLOCK_INIT(LOCK_ANY);

static volatile uint8_t *ecam_map_bus(struct ecam *e,
                                      const struct acpi_mcfg *m, unsigned bus)
{
    volatile uint8_t *p = NULL;

    spin_lock(&ecam_lock);
    if (!e->bus)
        e->bus = xzalloc_array(volatile uint8_t *, 256);
    if (e->bus) {
        if (!e->bus[bus])
            e->bus[bus] = ioremap(m->address + bus * MiB, MiB);
        p = e->bus[bus];
    }
    spin_unlock(&ecam_lock);
    return p;
}

/* Where a function's 4 KiB are, or NULL. */
static volatile uint8_t *ecam_of(struct pci_address a)
{
    volatile uint8_t *p;

    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        const struct acpi_mcfg *m = &acpi_info.mcfg[i];

        if (!ecam[i].reserved || m->segment != a.segment ||
            a.bus < m->first_bus || a.bus > m->last_bus)
            continue;
        p = ecam_map_bus(&ecam[i], m, a.bus);
        return p ? p + ((unsigned)a.devfn << 12) : NULL;
    }
    return NULL;
}

int pci_ecam_reserved(uint64_t address, uint16_t segment, uint8_t first_bus,
                      uint8_t last_bus, bool reserved)
{
    if (first_bus > last_bus)
        return -EINVAL;
    for (unsigned i = 0; i < acpi_info.nr_mcfg; i++) {
        const struct acpi_mcfg *m = &acpi_info.mcfg[i];

        if (m->address == address && m->segment == segment &&
            m->first_bus == first_bus && m->last_bus == last_bus) {
            WRITE_ONCE(ecam[i].reserved, reserved);
            return 0;
        }
    }
    return -ENODEV;
}

/* ---- access ---- */

static bool bad_access(unsigned reg, unsigned bytes)
{
    return (bytes != 1 && bytes != 2 && bytes != 4) || reg % bytes ||
           reg >= 4096;
}

uint32_t pci_read(struct pci_address a, unsigned reg, unsigned bytes)
{
    volatile uint8_t *p;

    if (bad_access(reg, bytes))
        return ~0u;
    if (by_ports(a, reg))
        return port_read(a, reg, bytes);
    p = ecam_of(a);
    if (!p)
        return 0xffffffffu >> (32 - 8 * bytes);
    p += reg;
    return bytes == 1   ? *p
           : bytes == 2 ? *(volatile uint16_t *)p
                        : *(volatile uint32_t *)p;
}

void pci_write(struct pci_address a, unsigned reg, unsigned bytes, uint32_t v)
{
    volatile uint8_t *p;

    if (bad_access(reg, bytes))
        return;
    if (by_ports(a, reg)) {
        port_write(a, reg, bytes, v);
        return;
    }
    p = ecam_of(a);
    if (!p)
        return;
    p += reg;
    if (bytes == 1)
        *p = (uint8_t)v;
    else if (bytes == 2)
        *(volatile uint16_t *)p = (uint16_t)v;
    else
        *(volatile uint32_t *)p = v;
}

unsigned pci_find_capability(struct pci_address a, uint8_t id)
{
    unsigned pos;

    if (!(pci_read(a, PCI_STATUS, 2) & PCI_STATUS_CAPS))
        return 0;
    pos = pci_read(a, PCI_CAP_POINTER, 1) & 0xfc;
    for (unsigned n = 0; pos >= 0x40 && n < MAX_CAPABILITIES; n++) {
        uint32_t head = pci_read(a, pos, 2);

        if (head == 0xffff)
            return 0;
        if ((head & 0xff) == id)
            return pos;
        pos = head >> 8 & 0xfc;
    }
    return 0;
}

/* ---- devices ---- */

#define DEVICE_HASH 64
static struct list_head devices[DEVICE_HASH]; /* next NULL: not used yet */
static spinlock_t devices_lock = SPINLOCK_INIT(LOCK_ANY);

static struct list_head *chain_of(struct pci_address a)
{
    struct list_head *h = &devices[(a.bus * 7u + a.devfn) % DEVICE_HASH];

    if (!h->next)
        list_init(h);
    return h;
}

/* devices_lock held. */
static struct pci_device *find_device(struct pci_address a)
{
    struct pci_device *dev;

    list_for_each_entry(dev, chain_of(a), list)
        if (dev->address.segment == a.segment && dev->address.bus == a.bus &&
            dev->address.devfn == a.devfn)
            return dev;
    return NULL;
}

static void find_msi(struct pci_device *dev)
{
    struct pci_address a = dev->address;

    dev->msi = (uint8_t)pci_find_capability(a, PCI_CAP_MSI);
    dev->msix = (uint8_t)pci_find_capability(a, PCI_CAP_MSIX);
    dev->msix_vectors = 0;
    if (dev->msix)
        dev->msix_vectors =
            (uint16_t)((pci_read(a, dev->msix + MSIX_CONTROL, 2) &
                        MSIX_CONTROL_SIZE) + 1);
}

/*
 * The device, if need be a new one if the hardware answers (a virtual
 * function's vendor reads as ones: its physical function vouches for it).
 */
static struct pci_device *get_device(struct pci_address a, bool vouched)
{
    struct pci_device *dev = find_device(a);

    if (dev || (!vouched && pci_read(a, PCI_VENDOR, 2) == 0xffff))
        return dev;
    dev = xzalloc_type(struct pci_device);
    if (!dev)
        return NULL;
    dev->address = a;
    find_msi(dev);
    list_add(&dev->list, chain_of(a));
    return dev;
}

struct pci_device *pci_device_get(struct pci_address a)
{
    struct pci_device *dev;

    spin_lock(&devices_lock);
    dev = get_device(a, false);
    spin_unlock(&devices_lock);
    return dev;
}

int pci_device_add(struct pci_address a, bool virtual_fn, uint8_t pf_bus,
                   uint8_t pf_devfn)
{
    struct pci_device *dev;

    spin_lock(&devices_lock);
    dev = get_device(a, virtual_fn);
    if (dev) {
        if (!dev->announced && msi_forget(dev) == 0)
            find_msi(dev);
        dev->announced = true;
        dev->virtual_fn = virtual_fn;
        dev->pf_bus = pf_bus;
        dev->pf_devfn = pf_devfn;
    }
    spin_unlock(&devices_lock);
    return dev ? 0 : -ENODEV;
}

int pci_device_remove(struct pci_address a)
{
    struct pci_device *dev;
    int rc = -ENODEV;

    spin_lock(&devices_lock);
    dev = find_device(a);
    if (dev && dev->announced) {
        rc = msi_forget(dev);
        if (!rc)
            dev->announced = false;
    }
    spin_unlock(&devices_lock);
    return rc;
}
