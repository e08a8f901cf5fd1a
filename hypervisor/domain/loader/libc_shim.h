/*
 * What the static decompression archives need from their surroundings inside
 * the hypervisor. Not compiled on the host.
 *
 * The archives are ordinary user-space code. While decompress() runs
 *  - SSE2 must be usable: CR0.EM = CR0.TS = 0, CR4.OSFXSR = 1, and no guest's
 *    register contents in the XMM registers (at boot there are none);
 *  - FS must be based at libc_shim_tls: the stack protector reads its canary
 *    at %fs:0x28.
 * BMI2 is used if CPUID reports it; it needs no state to be enabled. AVX is
 * never used.
 */
#ifndef DOMAIN_LOADER_LIBC_SHIM_H
#define DOMAIN_LOADER_LIBC_SHIM_H

#include "lib/types.h"

/* FS base during decompress(); word 5 is the canary. */
extern const uint64_t libc_shim_tls[8];

#endif
