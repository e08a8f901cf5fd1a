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

#define OP(name, function, type)                                               \
    [GNTTABOP_##name] = {function, sizeof(struct type)}

static const struct {
    grant_op_fn *fn;
    unsigned size; /* of an element */
} ops[] = {
    OP(map_grant_ref, grant_op_map, gnttab_map_grant_ref),
    OP(unmap_grant_ref, grant_op_unmap, gnttab_unmap_grant_ref),
    OP(setup_table, grant_op_setup_table, gnttab_setup_table),
    OP(dump_table, grant_op_dump_table, gnttab_dump_table),
    OP(transfer, grant_op_transfer, gnttab_transfer),
    OP(copy, grant_op_copy, gnttab_copy),
    OP(query_size, grant_op_query_size, gnttab_query_size),
    OP(unmap_and_replace, grant_op_unmap_and_replace,
       gnttab_unmap_and_replace),
    OP(set_version, grant_op_set_version, gnttab_set_version),
    OP(get_status_frames, grant_op_get_status_frames,
       gnttab_get_status_frames),
    OP(get_version, grant_op_get_version, gnttab_get_version),
    OP(swap_grant_ref, grant_op_swap, gnttab_swap_grant_ref),
    OP(cache_flush, grant_op_cache_flush, gnttab_cache_flush),
};

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
    long done;

    (void)a4, (void)a5, (void)a6;
    if (unlikely((int32_t)n < 0))
        return -EINVAL;
    if (unlikely(op >= ARRAY_SIZE(ops)))
        return -ENOSYS;
    op = (uint32_t)nospec_index(op, ARRAY_SIZE(ops));
    done = ops[op].fn(arg, n);
    if (likely(done <= 0))
        return done;
    return hypercall_continue(__HYPERVISOR_grant_table_op, 3, cmd,
                              arg + (uint64_t)done * ops[op].size,
                              (uint64_t)(n - (uint32_t)done));
}
HYPERCALL(__HYPERVISOR_grant_table_op, 3, do_grant_table_op);
