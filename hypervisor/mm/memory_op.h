/*
 * HYPERVISOR_memory_op, split by subject. Private to mm.
 *
 * The command word holds the command in its low 6 bits; above them a call that
 * was preempted keeps the number of extents it has done.
 */
#ifndef MM_MEMORY_OP_H
#define MM_MEMORY_OP_H

#include "core/domain.h"
#include "core/vcpu.h"
#include "lib/types.h"

#define MEMOP_CMD_BITS 6
#define MEMOP_CMD_MASK ((1UL << MEMOP_CMD_BITS) - 1)

/* Largest extents: 2 MiB for guests, 16 MiB for who drives hardware. */
static inline unsigned memory_op_max_order(const struct domain *caller)
{
    return caller->is_privileged || caller->is_hardware ? 12 : 9;
}

/*
 * domain_get_remote, but the caller itself, which is there as long as it runs,
 * comes without a reference. Undo with memory_domain_put.
 */
static inline int memory_domain_get(domid_t id, struct domain **d)
{
    if (id != DOMID_SELF && id != current->domain->domain_id)
        return domain_get_remote(id, d);
    *d = current->domain;
    return 0;
}
static inline void memory_domain_put(struct domain *d)
{
    if (d != current->domain)
        domain_put(d);
}

/*
 * reservation.c: increase, decrease, populate. `start` extents are done
 * already. Gives the number of extents done in all, or -errno. *preempted: the
 * call must be continued from the number returned.
 */
long memory_reservation(unsigned op, vaddr_t arg, uint64_t start,
                        bool *preempted);
long memory_claim(vaddr_t arg);

/* exchange.c; -ERESTART_PREEMPT: progress is in the guest's argument. */
long memory_exchange(vaddr_t arg);

/* resource.c */
long memory_acquire_resource(vaddr_t arg);

/* memory_info.c: everything that only tells. */
long memory_reservation_info(unsigned op, vaddr_t arg);
long memory_machphys_mapping(vaddr_t arg);
long memory_machphys_list(vaddr_t arg);
long memory_map_get(vaddr_t arg);
long memory_map_set(vaddr_t arg);
long memory_machine_map(vaddr_t arg);
long memory_pod_target(unsigned op, vaddr_t arg);
long memory_edit_physmap(vaddr_t arg);
long memory_vnuma(vaddr_t arg);
void memory_map_free(struct domain *d);

#endif
