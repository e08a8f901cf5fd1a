/*
 * HYPERVISOR_grant_table_op.
 *
 * Lending in short: domain A writes "domain B may use my frame F" into entry n
 * of its table; B asks to map or to copy (A, n), and the hypervisor checks the
 * entry and remembers the use. docs/grant-tables.md.
 */
#include "core/hypercall.h"
#include "grant/table.h"
#include "lib/bitops.h"
#include "lib/errno.h"

#define OP(name) [GNTTABOP_##name] = grant_op_##name

static grant_op_fn *const ops[] = {
    OP(map_grant_ref),
    OP(unmap_grant_ref),
    OP(setup_table),
    OP(dump_table),
    OP(transfer),
    OP(copy),
    OP(query_size),
    OP(unmap_and_replace),
    OP(set_version),
    OP(get_status_frames),
    OP(get_version),
    OP(swap_grant_ref),
    OP(cache_flush),
};

long grant_again(unsigned cmd, vaddr_t arg, unsigned left)
{
    return hypercall_continue(__HYPERVISOR_grant_table_op, 3, (uint64_t)cmd,
                              (uint64_t)arg, (uint64_t)left);
}

/*
 * grant_table_op(cmd, args, count): args is an array of count structures, each
 * with a status of its own. -EINVAL: count is negative as a 32-bit number;
 * -ENOSYS: unknown cmd; the rest is each operation's. Gives way between
 * elements.
 */
static long do_grant_table_op(uint64_t cmd, uint64_t arg, uint64_t count,
                              uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint32_t op = (uint32_t)cmd, n = (uint32_t)count;

    (void)a4, (void)a5, (void)a6;
    if (unlikely((int32_t)n < 0))
        return -EINVAL;
    if (unlikely(op >= ARRAY_SIZE(ops)))
        return -ENOSYS;
    return ops[nospec_index(op, ARRAY_SIZE(ops))](arg, n);
}
HYPERCALL(__HYPERVISOR_grant_table_op, 3, do_grant_table_op);
