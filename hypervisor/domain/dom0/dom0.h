/* Builds domain 0 from the boot modules. */
#ifndef DOMAIN_DOM0_DOM0_H
#define DOMAIN_DOM0_DOM0_H

#include "core/domain.h"

/*
 * Module 0: kernel, its command line behind it; module 1: initrd. On bad input
 * boot_fatal() names the module, the cause and the value. Leaves dom0 paused
 * once, with vCPU 0 initialised and the others created. Gives the memory of
 * the modules to the heap.
 */
void dom0_build(void);

/* Fills the rangesets: what domain 0 may touch of the machine. */
int dom0_grant_hardware(struct domain *d);

#endif
