/*
 * TLB flushes, here and on other CPUs, and the clock that lets most be left
 * out: a machine-wide counter that every full flush advances. A frame records
 * the clock when its last mapping went; a CPU that has flushed fully since
 * needs no flush when the frame is put to a new use.
 */
#ifndef ARCH_X86_TLB_H
#define ARCH_X86_TLB_H

#include "lib/compiler.h"
#include "lib/types.h"

/* 20-bit clock, never 0 after boot; wraps with a flush of every CPU. */
uint32_t tlb_clock(void);
/* As tlb_clock, for who unmapped by a locked instruction: that is a barrier. */
#ifdef HOST_SHIM
#define tlb_clock_ordered tlb_clock
#else
extern uint32_t tlb_clock_now; /* tlb.c's own, to be read here alone */
static inline uint32_t tlb_clock_ordered(void)
{
    return READ_ONCE(tlb_clock_now);
}
#endif
/* Those of `cpus` that have not flushed fully since the stamp was taken. */
cpumask_t tlb_filter(cpumask_t cpus, uint32_t stamp);

/* Full flush of guest (non-global) translations. */
void tlb_flush_local(void);
void tlb_flush_cpus(cpumask_t cpus);
/* One page, whatever level maps it. */
void tlb_flush_page_local(vaddr_t va);
void tlb_flush_page_cpus(cpumask_t cpus, vaddr_t va);
/* Everything, global translations too (hypervisor mappings changed). */
void tlb_flush_all_global(cpumask_t cpus);

/* Loads CR3; counts as a full flush of this CPU. */
void write_guest_cr3(uint64_t cr3);

#endif
