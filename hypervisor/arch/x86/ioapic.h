/*
 * I/O APICs: one redirection entry per global system interrupt (GSI). All
 * functions take a GSI below nr_gsis that has a pin behind it (ioapic_has);
 * others are ignored. From any context.
 */
#ifndef ARCH_X86_IOAPIC_H
#define ARCH_X86_IOAPIC_H

#include "lib/types.h"

/* Finds the I/O APICs, masks all pins and the 8259 PICs; sets nr_gsis. */
void ioapic_init(void);
/*
 * Masks all lines of the 8259 pair. Before LINT0 is closed: a request that the
 * boot CPU has seen already is then taken back and not left without a vector.
 */
void mask_8259(void);
bool ioapic_has(unsigned gsi);

struct ioapic_entry {
    uint8_t vector;
    bool level, active_low, masked;
    uint32_t apic_id; /* destination, physical mode, below 256 */
};
void ioapic_set(unsigned gsi, const struct ioapic_entry *e);
void ioapic_set_mask(unsigned gsi, bool masked);
void ioapic_set_destination(unsigned gsi, uint32_t apic_id);

/*
 * dom0's view (PHYSDEVOP_apic_read/write): I/O APICs are named by their
 * physical address. -EINVAL no such I/O APIC or register.
 * A write of the low half of a redirection entry sets trigger and polarity of
 * that GSI, if nobody has bound it (else: ignored); vector, destination and
 * mask are the hypervisor's own and ignored, as are all other registers.
 */
int ioapic_guest_read(paddr_t address, uint32_t reg, uint32_t *value);
int ioapic_guest_write(paddr_t address, uint32_t reg, uint32_t value);

#endif
