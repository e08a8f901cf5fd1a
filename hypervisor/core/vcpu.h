/*
 * Virtual CPUs.
 *
 * A vCPU runs on at most one CPU; while it does, its registers are on that
 * CPU's stack (guest_regs()) and in the hardware, otherwise in this structure.
 * `pause_flags` and the pause counts decide whether it may run; the scheduler
 * (sched/sched.h) is told of each change by vcpu_wake / vcpu_sleep_*.
 */
#ifndef CORE_VCPU_H
#define CORE_VCPU_H

#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/timer.h"
#include "core/domain.h"
#include <xen/vcpu.h>

/* Bits of pause_flags: reasons not to run. */
#define VPF_BLOCKED 0  /* waits for an event */
#define VPF_DOWN 1     /* not brought up (vcpu_op) */
#define VPF_MIGRATING 2 /* on its way to another CPU (sched) */

/* Guest CPU state that only the paravirtual interface knows (room pv). */
struct pv_vcpu {
    /* Loaded base pointers: each holds a type and a general reference. */
    uint64_t cr3_kernel; /* machine address of the kernel's L4 */
    uint64_t cr3_user;   /* of the user L4, 0 = none */
    bool in_kernel;      /* guest kernel mode, else guest user mode */
    uint8_t iopl;        /* of set_iopl: 0..3, as the guest kernel sees it */
    bool cr0_ts;         /* fpu_taskswitch: next FPU use traps */
    bool syscall_masks_events, failsafe_masks_events;
    bool syscall32_masks_events, sysenter_masks_events;
    uint16_t syscall32_cs, sysenter_cs;
    vaddr_t event_callback, failsafe_callback, syscall_callback;
    vaddr_t syscall32_callback, sysenter_callback; /* 0 = not set */
    uint16_t kernel_ss;
    vaddr_t kernel_sp; /* stack on entry to the guest kernel */
    uint64_t fs_base, gs_base_kernel, gs_base_user; /* when not loaded */
    struct trap_info *trap_table; /* 256 entries */
    uint64_t gdt_frames[16];      /* MFNs, each holds a SEGDESC type */
    unsigned gdt_entries;
    vaddr_t ldt_base;
    unsigned ldt_entries;
    uint16_t ldt_mapped;       /* pages of the LDT window in use (bit mask) */
    uint64_t ldt_frames[16];   /* their MFNs */
    uint64_t cr4;              /* what the guest sees and may set */
    uint64_t debugreg[8];      /* DR0-3, 6, 7; [5] = emulated I/O bits */
    vaddr_t iobmp;             /* guest address of the I/O bitmap */
    unsigned iobmp_ports;
    uint64_t xcr0;
    void *fpu;                 /* XSAVE or FXSAVE area, 64-byte aligned */
    uint64_t spec_ctrl, tsc_aux;
    bool nmi_pending, nmi_masked;
    /* A table that lost its last entry but is not yet invalidated. */
    uint64_t old_table;        /* MFN + 1, 0 = none */
};

struct vcpu {
    struct cpu_user_regs regs; /* when not loaded on a CPU */
    struct pv_vcpu pv;

    struct domain *domain;
    unsigned vcpu_id;
    unsigned processor;        /* the CPU it is assigned to */
    struct vcpu_info *vcpu_info; /* never NULL: legacy slot, registered area
                                    or a dummy */
    mfn_t vcpu_info_mfn;       /* of a registered one */

    bool is_initialised;       /* has a context (vcpu_op initialise, builder) */
    bool is_running;           /* is `current` of a CPU; schedule lock */
    bool defer_shutdown;
    bool paused_for_shutdown;
    uint32_t pause_flags;      /* atomic */
    int pause_count;           /* atomic */

    /* Time */
    struct timer periodic_timer, singleshot_timer, poll_timer;
    s_time_t periodic_period;  /* ns, 0 = off */
    s_time_t periodic_last;
    vaddr_t time_info_guest;   /* registered secondary area, 0 = none */
    vaddr_t runstate_guest;    /* registered runstate area, 0 = none */
    uint8_t guest_areas_stale; /* AREA_*: to be written in kernel mode */
    struct vcpu_runstate_info runstate;

    /* Events (room event) */
    uint32_t virq_port[NR_VIRQS]; /* 0 = not bound */
    void *evtchn_fifo;
    int poll_port;             /* 0 none, > 0 that port, -1 several */

    /* Scheduling (room sched) */
    struct list_head run_list;
    void *sched_priv;
    cpumask_t hard_affinity;
    cpumask_t soft_affinity;   /* the tools' wish; no policy looks at it */
    cpumask_t saved_affinity;  /* while pinned by sched_op pin_override, or 0 */
    uint32_t promised;         /* millionths of CPU promised_cpu (admit.h) */
    unsigned promised_cpu;
    bool sched_queued;         /* the policy's: told wake, not yet sleep */
    unsigned move_to;          /* VPF_MIGRATING: the new CPU */
    struct timer move_timer;   /* runs the move; timers have no locks held */

    /* Multicall in progress (room pv). */
    struct {
        bool active, preempted;
        unsigned nargs;   /* arguments that the entry gave way with ... */
        uint64_t args[6]; /* ... these */
    } multicall;
};

#define idle_vcpu(v) ((v)->domain->is_idle)

static inline bool vcpu_runnable(const struct vcpu *v)
{
    return !(READ_ONCE(v->pause_flags) | (uint32_t)READ_ONCE(v->pause_count) |
             (uint32_t)READ_ONCE(v->domain->pause_count));
}

/*
 * Creates vCPU `id` of d on a CPU (CPU_ANY: the scheduler's choice); down and
 * not initialised. NULL: -ENOMEM, or the id is taken.
 */
#define CPU_ANY (~0u)
struct vcpu *vcpu_create(struct domain *d, unsigned id, unsigned cpu);
/* Ends it: no CPU holds it any more, nobody looks for it. */
void vcpu_destroy(struct vcpu *v);
/* Death: stops its timers; gives the frame of a registered vcpu_info back. */
void vcpu_stop_timers(struct vcpu *v);
void vcpu_release_info(struct vcpu *v);
/* Still has no place for its vcpu_info (ids from 32 on, before they register)?
 */
bool vcpu_info_is_dummy(const struct vcpu *v);
void vcpu_pause(struct vcpu *v); /* waits until it does not run */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* Ends VPF_BLOCKED, if set, and wakes. */
void vcpu_unblock(struct vcpu *v);
/* Makes the vCPU look at its events soon: unblock, and kick if it runs. */
void vcpu_kick(struct vcpu *v);
/*
 * sched_op block: sets VPF_BLOCKED, enables upcalls; takes it back at once if
 * an event is already pending. The switch happens on the way out.
 */
void vcpu_block_current(void);
/*
 * Moves a vcpu_info to the guest frame (vcpu_op register_vcpu_info). d->lock
 * held. -ENXIO: crosses a page, or not aligned; -EINVAL: second time, runs
 * elsewhere, or no frame of the domain that can be written.
 */
int vcpu_register_info(struct vcpu *v, uint64_t gmfn, unsigned offset);
/* Sets its initial context from the ABI's structure; pv room does the work. */

static inline bool vcpu_event_pending(const struct vcpu *v)
{
    return READ_ONCE(v->vcpu_info->evtchn_upcall_pending) &&
           !READ_ONCE(v->vcpu_info->evtchn_upcall_mask);
}

/* ---- Time (domain/time.c) ---- */
/*
 * Brings the vCPU's time info up to date: on switch-in, and on each CPU for
 * `current` when the CPU's timebase was changed.
 */
void vcpu_update_time(struct vcpu *v);
/*
 * The same for any vCPU of a living domain, also in its copy in guest memory,
 * while the calling CPU runs alone (smp_alone).
 */
void vcpu_time_bent(struct vcpu *v);
void domain_update_wallclock(struct domain *d);
/* The machine's wall clock was `sec`, `nsec` at system time `at`. */
void settime(uint64_t sec, uint32_t nsec, s_time_t at);
void vcpu_time_init(struct vcpu *v);
/* ns, 0 = off. */
void vcpu_set_periodic(struct vcpu *v, s_time_t period);
/* In v's own context: its stale areas in guest memory. */
#define AREA_TIME 1u
#define AREA_RUNSTATE 2u
void vcpu_write_guest_areas(struct vcpu *v);
/*
 * pv calls this when v goes from user to kernel mode and guest_areas_stale is
 * set: only the kernel's tables surely map the registered areas.
 */
static inline void vcpu_refresh_guest_areas(struct vcpu *v)
{
    if (v->guest_areas_stale)
        vcpu_write_guest_areas(v);
}
/*
 * The scheduler's calls. Switch-in: v is loaded, interrupts off; time info,
 * ticker, registered areas. Switch-out: ticker stops; schedule lock held.
 */
void vcpu_time_switch_in(struct vcpu *v);
void vcpu_time_switch_out(struct vcpu *v);
/* Books the time since the last change. Schedule lock held. */
void vcpu_runstate_change(struct vcpu *v, int new_state, s_time_t at);

/* ---- Provided by sched ---- */
void vcpu_wake(struct vcpu *v);        /* something changed; runs if runnable */
void vcpu_sleep_nosync(struct vcpu *v);/* leaves its CPU soon if not runnable */
void vcpu_sleep_sync(struct vcpu *v);  /* has left, registers are saved */
void vcpu_yield_current(void);
int sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);
/*
 * v moves as soon as it can. -EINVAL: none of them is online; -ENOSPC: what v
 * is promised is not to be had there.
 */
int vcpu_set_affinity(struct vcpu *v, cpumask_t cpus);
/* Up to this moment, and consistent. */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r);

/* ---- Provided by pv ---- */
int pv_vcpu_init(struct vcpu *v);
void pv_vcpu_destroy(struct vcpu *v);
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
/* Forces ring 3, interrupts on and no IOPL into a frame that was chosen. */
void pv_sanitise_regs(struct cpu_user_regs *regs);

/* ---- Provided by event ---- */
void evtchn_send_virq(struct vcpu *v, unsigned virq);      /* per-vCPU VIRQ */
void evtchn_send_global_virq(struct domain *d, unsigned virq);
/* As if d had sent on its port. -EINVAL. Interrupts on. */
int evtchn_send_as(struct domain *d, uint32_t port);

#endif
