/*
 * What domain 0 may touch of the machine: everything that the hypervisor does
 * not use itself.
 */
#include "arch/x86/acpi.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/serial.h"
#include "domain/dom0/dom0.h"
#include "lib/errno.h"
#include "lib/rangeset.h"

/* Legacy interrupt controllers, timer, edge/level registers: the hypervisor's. */
static const struct {
    uint16_t first, last;
} hidden_ports[] = {
    {0x20, 0x21}, {0x40, 0x43}, {0xa0, 0xa1}, {0x4d0, 0x4d1}, {0xcf8, 0xcff},
};

static int __init grant_ports(struct rangeset *ports)
{
    int rc = rangeset_add(ports, 0, 0xffff);

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(hidden_ports); i++)
        rc = rangeset_remove(ports, hidden_ports[i].first,
                             hidden_ports[i].last);
    for (unsigned i = 0; !rc && i < SERIAL_PORTS; i++) {
        uint16_t base = serial_iobase(i);
        if (base)
            rc = rangeset_remove(ports, base, base + 7u);
    }
    return rc;
}

static int __init grant_frames(struct rangeset *iomem)
{
    uint64_t last = (1UL << (cpu_features.phys_bits - PAGE_SHIFT)) - 1;
    int rc = rangeset_add(iomem, 0, last);

    /* Local APICs and the range where MSIs are written. */
    if (!rc)
        rc = rangeset_remove(iomem, 0xfee00, 0xfeeff);
    for (unsigned i = 0; !rc && i < acpi_info.nr_ioapics; i++) {
        uint64_t m = acpi_info.ioapic[i].address >> PAGE_SHIFT;
        rc = rangeset_remove(iomem, m, m);
    }
    return rc;
}

int __init dom0_grant_hardware(struct domain *d)
{
    int rc;

    d->is_hardware = true;
    rc = grant_ports(d->ioport_caps);
    if (!rc)
        rc = grant_frames(d->iomem_caps);
    if (!rc)
        rc = rangeset_add(d->irq_caps, 0, NR_IRQS_MAX - 1);
    return rc;
}
