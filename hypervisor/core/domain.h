/*
 * Domains and their life cycle.
 *
 * A domain is found by id under a reference (domain_get/domain_put, a count in
 * the structure). Its death: DYING stops its vCPUs, then every room gives back
 * what it holds for it in bounded steps (the relinquish hooks below), then the
 * last reference frees the structure. Frames that others still map outlive
 * that: they go when their own last reference goes.
 *
 * The rooms keep per-domain state behind the typed pointers at the end.
 */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "lib/bitops.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include <xen/xen.h>

#define MAX_VCPUS 64 /* per domain; 0..31 have a legacy vcpu_info slot */

#define SHUTDOWN_CODE_NONE 0xff

struct vcpu;
struct watchdogs;     /* sched */
struct evtchn_domain; /* event */
struct grant_table;   /* grant */
struct pirq_table;    /* event */
struct rangeset;      /* lib */
struct console_line;  /* domain */
struct audit_scratch; /* mm */
struct memory_map;    /* mm */

enum domain_dying { DOM_ALIVE, DOM_DYING, DOM_DEAD };

struct domain {
    domid_t domain_id;
    bool is_privileged; /* dom0: may use the control interface */
    bool is_hardware;   /* drives hardware: PIRQs, I/O ports, iomem */
    bool is_idle;
    bool is_compat; /* 32-bit guest words (none yet): layouts at the edge */
    bool is_shutting_down, is_shut_down;
    bool is_xenstore; /* runs the store: a flag for the tools */
    bool l1tf_strict;
    bool xpti;               /* its page tables are split (xpti.h) */
    uint8_t controller_paused; /* pauses by control operations; atomic */
    bool control_busy;         /* a control operation is at work; atomic */
    uint32_t suspend_port;     /* its own; sent on when it suspends; 0 = none */
    uint8_t shutdown_code;   /* SHUTDOWN_*, or SHUTDOWN_CODE_NONE */
    enum domain_dying dying;
    int refs;                /* atomic */
    int pause_count;         /* atomic; > 0: no vCPU runs */
    spinlock_t lock;         /* LOCK_DOMAIN */
    struct list_head list;   /* all domains by id; LOCK_DOMAIN_LIST */
    struct domain *hash_next;

    unsigned max_vcpus;
    struct vcpu *vcpu[MAX_VCPUS];
    unsigned long vm_assist; /* VMASST_TYPE_* bits */
    uint64_t handle[2];      /* UUID */

    /* Memory (mm). */
    spinlock_t pt_lock;      /* LOCK_PAGE_TABLES: tables and their types */
    spinlock_t page_lock;    /* LOCK_PAGE_LIST: the three below */
    uint32_t page_list;      /* first frame, FRAME_NIL = none */
    uint32_t released_list;  /* dying: given up, others still refer to them */
    uint64_t tot_pages, max_pages;
    uint64_t xenheap_pages;
    uint32_t memory_id;      /* never used twice; 0 = none yet (domheap.c) */
    uint64_t claimed_pages;  /* heap_claim: not owned yet; heap lock */
    cpumask_t dirty_cpus;    /* atomic; CPUs that may cache translations */
    struct shared_info *shared_info; /* one xenheap page */
    struct memory_map *memory_map;   /* XENMEM_set_memory_map; lock; or NULL */

    /* Permissions: device frames, I/O ports, irqs. */
    struct rangeset *iomem_caps, *ioport_caps, *irq_caps;

    struct console_line *console_line; /* console_io, not dom0's; lock */

    /* Time: this domain's wall clock is the machine's plus the offset. */
    int64_t time_offset_seconds;

    struct evtchn_domain *event;
    struct grant_table *grant;
    struct pirq_table *pirq;
    int64_t *sched_values;       /* sched: parameters in force; lock */
    struct watchdogs *watchdogs; /* sched; NULL until first used */
    const void *cpu_policy; /* pv: CPUID and MSR policy, NULL = default */
};

/* Registers, tables' walk for CR2 and stack of the current guest, as errors. */
void domain_show_current(void);
/* One line for panic(): who ran on this CPU. */
void domain_describe_current(void);

extern struct domain *dom0; /* NULL until built */
extern struct domain dom_xen, dom_io, dom_idle; /* owners of special frames */

/*
 * Takes a reference if the domain exists (dying ones included). Or NULL.
 * Dropping the last one frees the structure, a little later on CPU 0: so both
 * may be called in any context.
 */
struct domain *domain_get(domid_t id);
void domain_put(struct domain *d);
bool domain_get_known(struct domain *d); /* one more; false when freed */
/*
 * DOMID_SELF or an id -> domain, with a reference. NULL: -ESRCH for the caller.
 */
struct domain *domain_get_any(domid_t id);
/*
 * As above for an operation on another domain: gives -ESRCH, or -EPERM if the
 * caller is neither the domain itself nor privileged.
 */
int domain_get_remote(domid_t id, struct domain **d);

/* All domains in rising id order; hold domain_list_lock. */
extern spinlock_t domain_list_lock;
extern struct list_head domain_list;
#define for_each_domain(d) list_for_each_entry(d, &domain_list, list)
#define for_each_vcpu(d, v)                                                    \
    for (unsigned vi_ = 0; vi_ < (d)->max_vcpus; vi_++)                        \
        if (((v) = (d)->vcpu[vi_]) != NULL)

/* What is fixed when a domain is made. */
struct domain_config {
    domid_t id;
    bool privileged;
    bool xenstore;
    unsigned max_vcpus;
    uint32_t max_port;     /* highest event channel port */
    int32_t grant_frames;  /* of its table, < 0: the default */
    int32_t grant_handles; /* pages of them, < 0: the default */
};

/*
 * Creates a domain without vCPUs and memory, paused once by its controller.
 * -EINVAL a limit is out of range; -EEXIST the id is taken; -ENOMEM.
 */
int domain_create(const struct domain_config *config, struct domain **out);
/* An id that no domain has, never the one given last; 0: there is none. */
domid_t domain_free_id(void);
/* The domain of this or, if there is none, the next id; with a reference. */
struct domain *domain_get_from(domid_t id);
/*
 * Starts the death of a domain: -ERESTART_PREEMPT means call again. The
 * caller's reference stays. One caller at a time (control_busy);
 * -EINVAL for the caller's own domain.
 */
int domain_kill(struct domain *d);
void domain_pause(struct domain *d);   /* waits until no vCPU runs */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
/*
 * The controller's own pauses, which the tools count and see. -EOVERFLOW: 255
 * of them; -EINVAL: none is left to be taken back.
 */
int domain_controller_pause(struct domain *d);
int domain_controller_unpause(struct domain *d);
/* Guest-initiated; SHUTDOWN_crash for a misbehaving one. */
void domain_shutdown(struct domain *d, uint8_t reason);
/* What a later domain_shutdown gives as its reason, whatever it is called with.
 */
void domain_latch_shutdown_code(struct domain *d, uint8_t reason);
void domain_resume(struct domain *d);
/*
 * Ends the current domain because of what it did; logs domain, vCPU, RIP and
 * the reason. Takes effect on the way out of the hypervisor.
 */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
/*
 * Recomputes all counts of all domains' frames from the page tables and prints
 * "AUDIT: ok ..." or "AUDIT: FAIL ...". Guests stand still meanwhile.
 */
void audit_run(void);
/* What dom0's shutdown does to the machine: poweroff, reboot, crash. */
void hardware_domain_shutdown(uint8_t reason);

/*
 * Hooks of the rooms into the life of a domain; DOMAIN_HOOKS registers one in
 * a linker section, order of rooms = order of link.
 *   init        0 or -errno (then the exits of those before run)
 *   relinquish  gives back resources in bounded steps: 0, or
 *               -ERESTART_PREEMPT to be called again. Runs once dying.
 *   destroy     frees the room's structure; no references are left
 *   audit       debug: see page_type.h
 */
struct domain_hooks {
    const char *name;
    int (*init)(struct domain *d, const struct domain_config *config);
    int (*relinquish)(struct domain *d);
    void (*destroy)(struct domain *d);
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    /* audit_count()s the frame references that the room holds for d. */
    void (*audit)(const struct domain *d, struct audit_scratch *scratch);
};
#define DOMAIN_HOOKS(nm)                                                       \
    static const struct domain_hooks nm __used __section(".domain_hooks")      \
        __aligned(8)
#include "lib/compiler.h"

/* ---- Provided by grant ---- */
/*
 * Frame `index` of the domain's grant table; the table grows if need be.
 * -EINVAL: beyond its limit, -ENOMEM.
 */
int grant_table_frame(struct domain *d, unsigned index, mfn_t *m);
/* Frames it may have at most. */
unsigned grant_table_limit(const struct domain *d);

#endif
