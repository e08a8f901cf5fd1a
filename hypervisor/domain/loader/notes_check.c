/*
 * Can a PV guest be built from what the notes say? Addresses: guest-physical
 * is paddr - elf_paddr_offset, virtual is guest-physical + virt_base (modulo
 * 2^64). What the builder later trusts without looking again: the image's
 * virtual range does not wrap, is canonical and outside the hypervisor's hole,
 * and entry, hypercall page and P2M lie where they must.
 */
#include "domain/loader/notes.h"

#include <xen/elfnote.h>
#include <xen/features.h>
#include <xen/xen.h>

#include "lib/errno.h"
#include "lib/string.h"

#define HOLE_START     ((uint64_t)HYPERVISOR_VIRT_START)
#define HOLE_END       ((uint64_t)HYPERVISOR_VIRT_END)
#define LOWER_HALF_END 0x0000800000000000ull

#define ull(x)         ((unsigned long long)(x))

/* Is [start, end) wholly usable by a 64-bit PV guest? */
static bool guest_range(uint64_t start, uint64_t end)
{
    return start <= end && (end <= LOWER_HALF_END || start >= HOLE_END);
}

static int check_identity(const struct xen_image_parms *p,
                          const struct image_env *env, struct image_error *err)
{
    if (!p->xen_version[0])
        image_warn(env, "no XEN_VERSION note, assuming xen-3.0");
    else if (strcmp(p->xen_version, "xen-3.0") &&
             !(p->from_string && !strcmp(p->xen_version, "3.0")))
        return image_fail(err, ENOEXEC,
                          "made for Xen version \"%s\", "
                          "\"xen-3.0\" is needed",
                          p->xen_version);
    if (!p->guest_os[0])
        image_warn(env, "no GUEST_OS note");
    if (p->loader[0] && strcmp(p->loader, "generic"))
        return image_fail(err, ENOEXEC,
                          "needs the loader \"%s\", only "
                          "\"generic\" exists",
                          p->loader);
    if (p->bsd_symtab)
        image_warn(env, "symbol table wanted behind the image: not loaded");
    return 0;
}

static int check_features(const struct xen_image_parms *p,
                          const struct image_env *env, struct image_error *err)
{
    uint32_t missing = p->features_required & ~env->features_offered;
    const char *name;
    unsigned int bit;

    if (missing) {
        bit = (unsigned int)__builtin_ctz(missing);
        name = xen_feature_name(bit);
        return image_fail(err, EOPNOTSUPP,
                          "requires feature %s, which is not offered", name);
    }
    if (env->control_domain && parms_have(p, XEN_ELFNOTE_SUPPORTED_FEATURES) &&
        !(p->features_supported >> XENFEAT_dom0 & 1))
        return image_fail(err, EOPNOTSUPP,
                          "kernel is not built to run as domain 0");
    return 0;
}

/* Sets kstart ... virt_kend. */
static int derive_range(struct xen_image_parms *p, const struct elf_image *elf,
                        struct image_error *err)
{
    if (!p->from_string && parms_have(p, XEN_ELFNOTE_PADDR_OFFSET) &&
        !parms_have(p, XEN_ELFNOTE_VIRT_BASE))
        return image_fail(err, ENOEXEC,
                          "PADDR_OFFSET note without a VIRT_BASE note");
    if (elf->pstart < p->elf_paddr_offset)
        return image_fail(err, ENOEXEC,
                          "lowest segment address 0x%llx is below PADDR_OFFSET "
                          "0x%llx",
                          ull(elf->pstart), ull(p->elf_paddr_offset));
    p->kstart = elf->pstart - p->elf_paddr_offset;
    p->kend = elf->pend - p->elf_paddr_offset;
    p->virt_kstart = p->virt_base + p->kstart;
    p->virt_kend = p->virt_base + p->kend;
    if (PAGE_OFFSET(p->virt_base))
        return image_fail(err, ENOEXEC, "VIRT_BASE 0x%llx is not page-aligned",
                          ull(p->virt_base));
    if (p->virt_kend < p->virt_kstart ||
        !guest_range(p->virt_base, p->virt_kend))
        return image_fail(err, ENOEXEC,
                          "image at 0x%llx-0x%llx (base 0x%llx) does not fit "
                          "the guest's address space",
                          ull(p->virt_kstart), ull(p->virt_kend),
                          ull(p->virt_base));
    return 0;
}

static int check_addresses(const struct xen_image_parms *p,
                           struct image_error *err)
{
    if (p->virt_entry < p->virt_kstart || p->virt_entry >= p->virt_kend)
        return image_fail(
            err, ENOEXEC, "entry 0x%llx is outside the image 0x%llx-0x%llx",
            ull(p->virt_entry), ull(p->virt_kstart), ull(p->virt_kend));
    if (parms_have(p, XEN_ELFNOTE_HYPERCALL_PAGE) &&
        (PAGE_OFFSET(p->virt_hypercall) || p->virt_hypercall < p->virt_kstart ||
         p->virt_kend - p->virt_kstart < PAGE_SIZE ||
         p->virt_hypercall > p->virt_kend - PAGE_SIZE))
        return image_fail(err, ENOEXEC,
                          "hypercall page 0x%llx is not a page of the image "
                          "0x%llx-0x%llx",
                          ull(p->virt_hypercall), ull(p->virt_kstart),
                          ull(p->virt_kend));
    if (parms_have(p, XEN_ELFNOTE_HV_START_LOW) && p->hv_start_low > HOLE_START)
        return image_fail(err, ENOEXEC,
                          "HV_START_LOW 0x%llx is above the hypervisor's start "
                          "0x%llx",
                          ull(p->hv_start_low), ull(HOLE_START));
    return 0;
}

/* How far it reaches depends on the memory size: the builder checks that. */
static int check_p2m(const struct xen_image_parms *p, struct image_error *err)
{
    if (!parms_have(p, XEN_ELFNOTE_INIT_P2M))
        return 0;
    if (PAGE_OFFSET(p->init_p2m) ||
        !guest_range(p->init_p2m, p->init_p2m + PAGE_SIZE) ||
        (p->init_p2m >= p->virt_base && p->init_p2m < p->virt_kend))
        return image_fail(err, ENOEXEC,
                          "INIT_P2M 0x%llx is misaligned or in the way",
                          ull(p->init_p2m));
    return 0;
}

int xen_parms_check(struct xen_image_parms *parms, const struct elf_image *elf,
                    const struct image_env *env, struct image_error *err)
{
    int rc = check_identity(parms, env, err);

    if (!rc)
        rc = check_features(parms, env, err);
    if (!rc)
        rc = derive_range(parms, elf, err);
    if (!rc)
        rc = check_addresses(parms, err);
    return rc ? rc : check_p2m(parms, err);
}
