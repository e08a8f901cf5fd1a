/*
 * sysctl: operations on the machine as a whole, for privileged domains.
 *
 * -EPERM not privileged, -EFAULT argument not readable or not writable,
 * -EACCES another interface version, -ENOSYS unknown operation.
 */
#include "arch/x86/keyhandler.h"
#include "arch/x86/log.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include <xen/sysctl.h>

/* Debug keys that one call may press. */
#define MAX_KEYS 64

/*
 * readconsole: copies up to `count` bytes of the log to the buffer, from the
 * oldest on or, incremental, from position `index` on; `index` and `count` are
 * what was reached and copied. clear: forgets what was read.
 */
static long op_readconsole(struct xen_sysctl_readconsole *op)
{
    uint32_t pos = op->incremental ? op->index : log_oldest();
    uint32_t copied = 0;
    char buf[256];

    while (copied < op->count) {
        size_t n = log_read(&pos, buf, min((size_t)(op->count - copied),
                                           sizeof(buf)));
        if (!n)
            break;
        if (copy_to_guest_offset(op->buffer, copied, buf, n))
            return -EFAULT;
        copied += (uint32_t)n;
    }
    if (op->clear)
        log_clear(pos);
    op->index = pos;
    op->count = copied;
    return 0;
}

/* debug_keys: as if the keys were typed. -EINVAL more than 64. */
static long op_debug_keys(const struct xen_sysctl_debug_keys *op)
{
    char key;

    if (op->nr_keys > MAX_KEYS)
        return -EINVAL;
    for (uint32_t i = 0; i < op->nr_keys; i++) {
        if (copy_from_guest_offset(&key, op->keys, i, 1))
            return -EFAULT;
        (void)keyhandler_run(key);
    }
    return 0;
}

static long sysctl(struct xen_sysctl *op)
{
    switch (op->cmd) {
    case XEN_SYSCTL_readconsole:
        return op_readconsole(&op->u.readconsole);
    case XEN_SYSCTL_debug_keys:
        return op_debug_keys(&op->u.debug_keys);
    default:
        return -ENOSYS;
    }
}

static long do_sysctl(uint64_t arg, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5, uint64_t a6)
{
    struct xen_sysctl op;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    rc = sysctl(&op);
    if (!rc && copy_to_guest_va(arg, &op, sizeof(op)))
        rc = -EFAULT;
    return rc;
}
HYPERCALL(__HYPERVISOR_sysctl, 1, do_sysctl);
