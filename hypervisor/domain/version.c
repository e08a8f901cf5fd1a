/*
 * xen_version: what this is, and what it can do. Every domain may ask, but
 * the hypervisor's command line is for privileged ones. -EFAULT if the answer
 * cannot be written, -ENOSYS for an unknown command; vm_assist is here too.
 */
#include "domain/version.h"

#include "arch/x86/boot.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/version.h"
#include <xen/version.h>

#define FEATURE(name) (1u << XENFEAT_##name)

/* What the rooms mm and grant do for every guest. */
#define FEATURES                                                               \
    (FEATURE(mmu_pt_update_preserve_ad) | FEATURE(highmem_assist) |            \
     FEATURE(gnttab_map_avail_bits) | FEATURE(direct_mapped))

uint32_t guest_features(bool hardware)
{
    return FEATURES | (hardware ? FEATURE(dom0) : 0);
}

static long put(uint64_t arg, const void *src, size_t n)
{
    return copy_to_guest_va(arg, src, n) ? -EFAULT : 0;
}

static long op_extraversion(uint64_t arg)
{
    xen_extraversion_t s = XENO_ABI_EXTRA;

    return put(arg, s, sizeof(s));
}

static long op_compile_info(uint64_t arg)
{
    /* The same build gives the same image: nothing about when and where. */
    struct xen_compile_info info = {.compile_by = "", .compile_domain = "",
                                    .compile_date = ""};

    str_copy(info.compiler, "C compiler " __VERSION__, sizeof(info.compiler));
    return put(arg, &info, sizeof(info));
}

/* The answer is 1 KiB long on paper; what is beyond the string is cleared. */
static long put_string(uint64_t arg, const char *s, size_t size)
{
    size_t n = strnlen(s, size - 1);

    if (copy_to_guest_va(arg, s, n) || clear_guest_va(arg + n, size - n))
        return -EFAULT;
    return 0;
}

static long op_features(uint64_t arg)
{
    struct domain *d = current->domain;
    struct xen_feature_info info;

    if (copy_from_guest_va(&info, arg, sizeof(info)))
        return -EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = guest_features(d->is_hardware);
    if (d->vm_assist & (1UL << VMASST_TYPE_pae_extended_cr3))
        info.submap |= FEATURE(pae_pgdir_above_4gb);
    return put(arg, &info, sizeof(info));
}

static long op_platform_parameters(uint64_t arg)
{
    struct xen_platform_parameters p = {.virt_start = HYP_VIRT_START};

    return put(arg, &p, sizeof(p));
}

/*
 * pagesize: -EINVAL if an argument is given. Others than privileged domains get
 * a word instead of the command line, and -EPERM for the build's id.
 */
static __noinline long other_version_op(uint64_t cmd, uint64_t arg)
{
    struct domain *d = current->domain;

    switch ((int)cmd) {
    case XENVER_extraversion:
        return op_extraversion(arg);
    case XENVER_compile_info:
        return op_compile_info(arg);
    case XENVER_capabilities:
        return put_string(arg, "xen-3.0-x86_64 ", XEN_CAPABILITIES_INFO_LEN);
    case XENVER_changeset:
        return put_string(arg, "Xeno " XENO_VERSION, XEN_CHANGESET_INFO_LEN);
    case XENVER_platform_parameters:
        return op_platform_parameters(arg);
    case XENVER_get_features:
        return op_features(arg);
    case XENVER_pagesize:
        return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return put(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        if (!d->is_privileged)
            return put(arg, "<denied>", sizeof("<denied>"));
        return put_string(arg, boot_info.cmdline, sizeof(xen_commandline_t));
    case XENVER_build_id:
        return d->is_privileged ? -ENODATA : -EPERM; /* the image has none */
    default:
        return -ENOSYS;
    }
}

/* The version itself: a guest's way to have its event upcalls made. */
static long do_xen_version(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                           uint64_t a5, uint64_t a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    if (likely((int)cmd == XENVER_version))
        return XENO_ABI_MAJOR << 16 | XENO_ABI_MINOR;
    return other_version_op(cmd, arg);
}
HYPERCALL(__HYPERVISOR_xen_version, 2, do_xen_version);

/*
 * vm_assist(cmd, type): -EINVAL for an assist that is not there, -ENOSYS for
 * an unknown command.
 */
static long do_vm_assist(uint64_t cmd, uint64_t type, uint64_t a3, uint64_t a4,
                         uint64_t a5, uint64_t a6)
{
    struct domain *d = current->domain;

    (void)a3, (void)a4, (void)a5, (void)a6;
    type = (uint32_t)type;
    if (type >= BITS_PER_LONG || !(GUEST_ASSISTS & (1UL << type)))
        return -EINVAL;
    switch ((uint32_t)cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->vm_assist, 1UL << type, __ATOMIC_SEQ_CST);
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->vm_assist, ~(1UL << type), __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_vm_assist, 2, do_vm_assist);
