/*
 * I/O ports of a guest: who may, and what really happens.
 */
#ifndef PV_IOPORT_H
#define PV_IOPORT_H

#include "core/vcpu.h"

/* Emulates IN/OUT and string I/O. False: not allowed, deliver #GP. */
struct insn;
bool pv_emulate_io(struct cpu_user_regs *regs, const struct insn *in);

/*
 * Has the code that runs I/O privilege? The kernel counts as ring 1, user mode
 * as ring 3; with the assist "architectural_iopl" the kernel is ring 0.
 */
bool pv_iopl_ok(const struct vcpu *v);

/*
 * PCI configuration ports 0xcf8-0xcff as the hardware domain sees them: port
 * offset included, bytes 1, 2 or 4. A read that is not allowed gives all ones,
 * a write that is not allowed is dropped.
 * Provided by drivers (pci.c).
 */
uint32_t pci_conf_guest_read(unsigned port, unsigned bytes);
void pci_conf_guest_write(unsigned port, unsigned bytes, uint32_t val);

#endif
