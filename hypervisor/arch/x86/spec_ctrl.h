/*
 * Defences against speculative execution: what spec_policy.h chose, in use.
 *
 * The image is built with retpolines, and with no-ops where entry code may
 * have something to do (spec_asm.h). At boot these places are rewritten for
 * the choice; a defence that is not needed costs its no-op at most.
 */
#ifndef ARCH_X86_SPEC_CTRL_H
#define ARCH_X86_SPEC_CTRL_H

#include "arch/x86/percpu.h"
#include "arch/x86/spec_policy.h"
#include "lib/compiler.h"

/* For the vCPU that is loaded. */
struct spec_state {
    uint32_t host, guest; /* MSR_SPEC_CTRL of either */
    uint8_t flags;        /* SPEC_F_* (spec_asm.h) */
    uint64_t last;        /* vCPU that predictions may stem from */
};
DECLARE_PER_CPU(struct spec_state, spec_state);

extern struct spec_choice spec_choice;
extern bool spec_per_vcpu; /* any of it differs between vCPUs */
extern const uint16_t spec_verw_selector;

/* Chooses, patches the image, tells. Boot CPU, once, text still writable. */
void spec_ctrl_select(void);
/* The calling CPU's MSRs; exceptions must be possible. */
void spec_ctrl_init_cpu(void);
/* After all CPUs are up: warns if their threads undermine a defence. */
void spec_ctrl_check_smt(void);
/* Was spec-ctrl=no given? It holds for every defence that has no option of its
   own on the command line. */
bool spec_ctrl_all_off(void);

/*
 * This CPU loads another vCPU, interrupts off. id: a number that no other
 * vCPU has; trusted: of domain 0; guest: its SPEC_CTRL.
 */
void spec_ctrl_switch_slow(uint64_t id, bool trusted, uint32_t guest);
static inline void spec_ctrl_switch(uint64_t id, bool trusted, uint32_t guest)
{
    if (unlikely(spec_per_vcpu))
        spec_ctrl_switch_slow(id, trusted, guest);
}
/* The loaded vCPU has a new SPEC_CTRL. */
void spec_ctrl_set_guest(uint32_t guest);

/* Before the CPU halts: what its buffers hold is not for the other thread. */
static inline void spec_ctrl_idle(void)
{
    if (spec_choice.verw)
        __asm__ volatile("verw %0" ::"m"(spec_verw_selector) : "cc");
}

#endif
