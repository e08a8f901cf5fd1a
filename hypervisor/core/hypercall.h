/*
 * Hypercalls: registration, and giving way in long ones.
 *
 * A handler takes its arguments as the guest passed them (registers rdi, rsi,
 * rdx, r10, r8, r9) and returns what the guest finds in rax. HYPERCALL(nr, fn)
 * puts it into the table; a number without a handler gives -ENOSYS.
 *
 * All handlers run on the vCPU `current` with interrupts enabled, no locks
 * held, in the guest kernel's address space.
 */
#ifndef CORE_HYPERCALL_H
#define CORE_HYPERCALL_H

#include "lib/compiler.h"
#include "lib/types.h"

typedef long hypercall_fn_t(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                            uint64_t a5, uint64_t a6);

struct hypercall_entry {
    unsigned nr;
    unsigned nargs;
    hypercall_fn_t *fn;
};

/*
 * HYPERCALL(__HYPERVISOR_set_timer_op, 1, do_set_timer_op);
 * where: long do_set_timer_op(uint64_t timeout, ...six uint64_t);
 */
#define HYPERCALL(number, args, handler)                                       \
    static const struct hypercall_entry hypercall_##handler __used __section(  \
        ".init.hypercall") __aligned(8) = {number, args, handler}

#define NR_HYPERCALLS 64
extern hypercall_fn_t *hypercall_table[NR_HYPERCALLS];
extern uint8_t hypercall_nargs[NR_HYPERCALLS];
void hypercall_init(void); /* fills the table from the registrations */

/*
 * Ends the call now and has the guest make it again with the given arguments
 * after softirqs (and possibly other vCPUs) have run. Use as
 *     return hypercall_continue(__HYPERVISOR_mmu_update, 4, a1, a2, a3, a4);
 * Works inside multicalls too. The arguments are all uint64_t.
 */
long hypercall_continue(unsigned op, unsigned nargs, ...);

/* ---- Provided by pv ---- */
/* Fills a hypercall page (4 KiB, hypervisor address). */
void hypercall_page_init(void *page);

#endif
