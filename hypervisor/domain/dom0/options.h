/* Boot options about domain 0: dom0_mem=, dom0_max_vcpus=. */
#ifndef DOMAIN_DOM0_OPTIONS_H
#define DOMAIN_DOM0_OPTIONS_H

#include "lib/types.h"

/*
 * How many frames domain 0 gets when `available` are free. boot_fatal if
 * dom0_mem= asks for more.
 */
uint64_t dom0_nr_pages(uint64_t available);
/* How far it may balloon up, in frames. */
uint64_t dom0_max_pages(uint64_t nr_pages);
unsigned dom0_vcpus(void);

#endif
