/*
 * Split page tables against Meltdown (option xpti=).
 *
 * Some CPUs let a program read, by speculation, whatever its page tables map,
 * allowed or not. So a vCPU of a domain with the split runs on a root (L4) of
 * its CPU's own that maps the guest, but of the hypervisor only what entering
 * it takes; docs/memory-layout.md lists that. While the hypervisor runs for
 * the vCPU, CR3 is the guest kernel's own L4, in guest user mode as well:
 * few things ever look at user memory, and those say so (xpti_see_user).
 *
 * The option `xpti=` is a list of `default`, a boolean, `dom0[=boolean]` and
 * `domu[=boolean]`. Default is on, except on CPUs known not to need it.
 */
#ifndef ARCH_X86_XPTI_H
#define ARCH_X86_XPTI_H

#include "arch/x86/map.h"
#include "arch/x86/percpu.h"
#include "arch/x86/pte.h"
#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Decides, logs it, adapts the entry code and cpu_cr4. Boot CPU, once, after
 * cpu_identify() and before text is read-only.
 */
void xpti_init(void);
/* Is a domain (domain 0, another) to have the split? After xpti_init(). */
bool xpti_wanted(bool dom0);
/* For other options, before xpti_init(): where xpti= has not decided, do. */
void xpti_unless_chosen(bool on);

/*
 * Makes the roots of a CPU, whose area and window are mapped. True if they
 * are there or nobody needs them; false: no memory.
 */
bool xpti_make_roots(unsigned cpu);

/*
 * All of the following concern the calling CPU; interrupts off, except where
 * it is said.
 *
 * This CPU now runs a vCPU with these L4s (machine addresses; user 0: none),
 * in that mode. Loads CR3 with the kernel's. The CPU is in the dirty mask of
 * the vCPU's domain, and stays until another load or unload.
 */
void xpti_load(uint64_t kernel, uint64_t user, bool in_kernel);
/* It does not any more: CR3 is the caller's to load. */
void xpti_unload(void);
/*
 * The kernel's or the user L4 of the loaded vCPU is another now (machine
 * address; user 0: none). Interrupts on or off.
 */
void xpti_new_base(uint64_t l4, bool user);
/*
 * CR3 becomes the user L4 of the loaded vCPU, which is in user mode, until
 * its mode changes or it runs.
 */
void xpti_see_user(void);
void xpti_see_kernel(void);
/* The loaded vCPU is in that mode now. Interrupts on or off. */
static inline void xpti_set_mode(bool in_kernel)
{
    struct pcpu *p = this_pcpu();

    p->exit_cr3 = p->root_cr3[in_kernel];
    if (unlikely(p->user_tables))
        xpti_see_kernel();
}
/*
 * The loaded vCPU faulted at va, not a hypervisor address, for want of an
 * entry.
 * True: it was the root's, and is there now; the guest is to try again.
 */
bool xpti_fill_slot(unsigned slot);
static inline bool xpti_fill(vaddr_t va)
{
    const pte_t *root = map_frame(paddr_to_mfn(this_pcpu()->exit_cr3));

    return unlikely(!(root[pt_index(va, 4)] & PTE_P)) &&
           xpti_fill_slot(pt_index(va, 4));
}

/*
 * A present entry of an L4 that may be in use on these CPUs was replaced: no
 * root has the old one when this returns. Interrupts on; as for smp_call.
 */
void xpti_drop(mfn_t l4, unsigned slot, cpumask_t cpus);

/*
 * Compares all roots with what they may hold; prints a line "XPTI: ..." if
 * they are in use. All vCPUs stand still. Number of errors (printed, as
 * "AUDIT: FAIL ..."). Provided by xpti_audit.c.
 */
unsigned xpti_audit(void);

/* ---- Between xpti.c and xpti_audit.c ---- */

/* The L4 that the CPU uses in one mode of the guest. */
#define XPTI_SLOTS 28
struct xpti_root {
    uint64_t *l4;    /* mapped; NULL: there are none */
    uint64_t source; /* machine address of the guest's L4; 0: not in use */
    uint32_t n;      /* guest slots that may be in use: */
    uint16_t slot[XPTI_SLOTS];
};
struct xpti_cpu {
    struct xpti_root root[2]; /* [0] guest user mode, [1] guest kernel mode */
};
DECLARE_PER_CPU(struct xpti_cpu, xpti_cpu);

#endif
