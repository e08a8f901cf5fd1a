/*
 * x87, SSE, AVX state. A save area is an opaque block of memory that only
 * these functions write, so loading it never faults.
 *
 * fpu_save and fpu_restore run with CR0.TS clear and interrupts off; the
 * hypervisor itself never uses these registers, so what is loaded stays
 * untouched until the next fpu_restore.
 */
#ifndef ARCH_X86_FPU_H
#define ARCH_X86_FPU_H

#include "lib/types.h"

/* State components that XCR0 may name. */
#define XSTATE_X87 0x001UL
#define XSTATE_SSE 0x002UL
#define XSTATE_AVX 0x004UL
#define XSTATE_AVX512 0x0e0UL

#define FXSAVE_SIZE 512

/* A new area in the state after reset; NULL: no memory. */
void *fpu_alloc(void);
void fpu_free(void *area);
void fpu_init_area(void *area);

/* Registers -> area. */
void fpu_save(void *area);
/* Area -> registers, all of them; then the CPU's XCR0 becomes `xcr0`. */
void fpu_restore(void *area, uint64_t xcr0);

/*
 * Sets XCR0 while a guest runs (it asked for it); `xcr0` has been found valid:
 * x87 is on, AVX needs SSE, AVX-512 comes whole and needs AVX, nothing beyond
 * cpu_features.xcr0_max.
 */
bool fpu_xcr0_valid(uint64_t xcr0);
void fpu_set_xcr0(uint64_t xcr0);

/*
 * Takes a 512-byte FXSAVE image from a guest into the area (x87 and SSE; other
 * components as after reset), made harmless; and gives one out.
 */
void fpu_import_fxsave(void *area, const void *image);
void fpu_export_fxsave(const void *area, void *image);

/*
 * The same with all components, as XSAVE's standard format has them: an image
 * has fpu_area_size() bytes. False: it is in another format, or names what the
 * CPU has not; the area is as it was.
 */
size_t fpu_area_size(void);
bool fpu_import_xsave(void *area, const void *image);

/* cpu_init: control bits are set, XCR0 to come. Boot CPU first. */
void fpu_init_cpu(void);

#endif
