/* The bare machine's parts among themselves: native.c and native_smp.c. */
#ifndef NATIVE_H
#define NATIVE_H

#include <mini-os.h>

static __inline__ void outb(unsigned port, unsigned val)
{
    __asm__ __volatile__("outb %b0, %w1" : : "a"(val), "Nd"(port));
}

static __inline__ u8 inb(unsigned port)
{
    u8 val;

    __asm__ __volatile__("inb %w1, %b0" : "=a"(val) : "Nd"(port));
    return val;
}

extern u64 l4[]; /* head.S: the top level table */
void native_flush_tlb(void);

/*
 * Reads the firmware's table of processors; one where there is none. Low
 * memory must be mapped one to one.
 */
void find_processors(void);
unsigned native_cpu_count(void);
int native_start_cpu(unsigned cpu, u64 rsp);
/* This processor takes interrupts from others. */
void apic_enable(void);
/* To processor 0's tick: one for the others. */
void apic_tick_others(void);
/* The end of an interrupt from another; the same after a flush. */
void apic_end(void);
void apic_flushed(void);
/* Has the processors of the mask empty their TLBs, but this one. */
void apic_flush_others(u64 cpus);

#endif
