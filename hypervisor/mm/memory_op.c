/* HYPERVISOR_memory_op: the dispatcher. */
#include "mm/memory_op.h"

#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/alloc.h"
#include <xen/memory.h>

static long reservation_call(uint64_t cmd, uint64_t arg)
{
    bool preempted = false;
    unsigned op = cmd & MEMOP_CMD_MASK;
    long rc = memory_reservation(op, arg, cmd >> MEMOP_CMD_BITS, &preempted);

    if (preempted)
        return hypercall_continue(__HYPERVISOR_memory_op, 2,
                                  op | (uint64_t)rc << MEMOP_CMD_BITS, arg);
    return rc;
}

static long exchange_call(uint64_t cmd, uint64_t arg)
{
    long rc = memory_exchange(arg);

    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_memory_op, 2, cmd, arg);
    return rc;
}

/*
 * memory_op(cmd, arg)
 *
 * Not for guests of this kind: what edits a translated physical map (-EACCES),
 * sharing and paging of memory, 32-bit M2P (-ENOSYS).
 */
static long do_memory_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                         uint64_t a5, uint64_t a6)
{
    (void)a3;
    (void)a4;
    (void)a5;
    (void)a6;
    switch (cmd & MEMOP_CMD_MASK) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return reservation_call(cmd, arg);
    case XENMEM_exchange:
        return exchange_call(cmd, arg);
    case XENMEM_claim_pages:
        return memory_claim(arg);
    case XENMEM_maximum_ram_page:
        return (long)max_mfn;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return memory_reservation_info(cmd & MEMOP_CMD_MASK, arg);
    case XENMEM_machphys_mapping:
        return memory_machphys_mapping(arg);
    case XENMEM_machphys_mfn_list:
        return memory_machphys_list(arg);
    case XENMEM_memory_map:
        return memory_map_get(arg);
    case XENMEM_set_memory_map:
        return memory_map_set(arg);
    case XENMEM_machine_memory_map:
        return memory_machine_map(arg);
    case XENMEM_acquire_resource:
        return memory_acquire_resource(arg);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
        return memory_pod_target(cmd & MEMOP_CMD_MASK, arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0; /* nothing is ever shared behind a guest's back */
    case XENMEM_get_vnumainfo:
        return memory_vnuma(arg);
    case XENMEM_add_to_physmap:
    case XENMEM_add_to_physmap_batch:
    case XENMEM_remove_from_physmap:
        return memory_edit_physmap(arg);
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_memory_op, 2, do_memory_op);
