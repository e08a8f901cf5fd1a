/*
 * Interrupts: CPU vectors, interrupt lines, inter-processor interrupts.
 *
 * An irq is a source: irq n < nr_gsis is global system interrupt n, one line
 * of an I/O APIC; higher numbers are MSIs, allocated on demand. Each irq in
 * use has a vector (0x20..0xdf) that is the same on all CPUs and goes to one
 * CPU. Vectors 0xe0.. are the hypervisor's own.
 */
#ifndef ARCH_X86_IRQ_H
#define ARCH_X86_IRQ_H

#include "lib/bitops.h"
#include "lib/types.h"

#define VECTOR_IRQ_FIRST 0x20
#define VECTOR_IRQ_LAST 0xdf
#define VECTOR_SPURIOUS 0xff
#define VECTOR_ERROR 0xfe
#define VECTOR_EVENT_CHECK 0xfd /* IPI: look at softirqs, notice events */
#define VECTOR_TLB_FLUSH 0xfc   /* IPI: flush as asked */
#define VECTOR_CALL 0xfb        /* IPI: run a function */
#define VECTOR_TIMER 0xfa       /* local APIC timer */

#define NR_IRQS_MAX 512
extern unsigned nr_gsis;

/*
 * One owner per irq: either a hypervisor driver or guests (event/pirq.c).
 * The handler runs in hard interrupt context, interrupts off.
 */
typedef void irq_handler_t(unsigned irq, void *data);

enum irq_trigger { IRQ_EDGE, IRQ_LEVEL };

/*
 * Level-triggered lines are masked before the handler is called and stay so
 * until irq_eoi(); edge-triggered ones and MSIs need no irq_eoi().
 * irq_bind opens the line at once; irq_mask/irq_unmask are a state of their
 * own beside that. What an edge or MSI brings while masked is delivered when
 * the mask goes. irq_unbind waits until a handler that runs on another CPU is
 * done: not from the handler, and without locks that it takes.
 * Errors: -EINVAL bad number, -EBUSY has an owner, -ENOSPC no vector left.
 */
int irq_bind(unsigned irq, irq_handler_t *fn, void *data, unsigned cpu);
void irq_unbind(unsigned irq);
void irq_eoi(unsigned irq);
void irq_mask(unsigned irq);
void irq_unmask(unsigned irq);
int irq_set_affinity(unsigned irq, unsigned cpu);
/* All irqs that go to CPU `from` go to `to`, which is online, from now on. */
void irq_move_all(unsigned from, unsigned to);
/* Sets trigger and polarity of a GSI (from ACPI or the guest); starts masked. */
int irq_setup_gsi(unsigned gsi, enum irq_trigger trigger, bool active_low);
bool irq_is_level(unsigned irq);
/* Reserves / returns `n` consecutive MSI irqs; negative errno or first irq. */
int irq_alloc_msi(unsigned n);
void irq_free_msi(unsigned irq, unsigned n);
/* The MSI message that makes `irq` arrive at its CPU (after irq_bind). */
int irq_msi_message(unsigned irq, uint64_t *address, uint32_t *data);
/*
 * Called (irq, address, data) when affinity changes the message of an MSI.
 * Provided by drivers (msi.c).
 */
void msi_message_changed(unsigned irq, uint64_t address, uint32_t data);

/* Descriptors, and the GSIs as the MADT describes them; by ioapic_init. */
void irq_init(void);

/* ISA interrupt -> GSI through the MADT's source overrides. */
unsigned irq_isa_to_gsi(unsigned isa);

/* ---- inter-processor interrupts (smp.c) ---- */
extern cpumask_t cpu_online_map;
/* Those that have been online: they have their per-CPU variables for good. */
extern cpumask_t cpu_present_map;
unsigned nr_cpus_online(void);
#define for_each_online_cpu(cpu) for_each_cpu(cpu, cpu_online_map)

void ipi_send(cpumask_t cpus, uint8_t vector);
/* Makes the CPUs leave their guests soon and look for work. */
void smp_kick(cpumask_t cpus);
/* Runs fn(data) on each CPU of the mask (also this one if in it) and waits. */
void smp_call(cpumask_t cpus, void (*fn)(void *), void *data);
/*
 * Runs fn(data) here, interrupts off, while every other online CPU waits in
 * the hypervisor with interrupts off. Interrupts on; locks held as for
 * smp_call. fn is short and takes no lock that another may hold: what it needs
 * the caller has locked.
 */
void smp_alone(void (*fn)(void *), void *data);

#endif
