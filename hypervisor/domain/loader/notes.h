/*
 * What a kernel image says about itself to Xen: the ELF notes of owner "Xen"
 * (public header xen/elfnote.h), or in older kernels the string in section
 * __xen_guest. Read, completed with the defaults and checked.
 */
#ifndef DOMAIN_LOADER_NOTES_H
#define DOMAIN_LOADER_NOTES_H

#include "domain/loader/elf.h"

enum xen_pae_mode { XEN_PAE_UNSET, XEN_PAE_NO, XEN_PAE_YES, XEN_PAE_BIMODAL };

/*
 * present             bit n: XEN_ELFNOTE n was given (or its string form)
 * from_string         it came from section __xen_guest
 * virt_base           virtual address of guest-physical address 0
 * virt_entry          where vCPU 0 starts
 * virt_hypercall      page to be filled with hypercall stubs, if present bit
 *                     XEN_ELFNOTE_HYPERCALL_PAGE (a kernel may do without)
 * elf_paddr_offset    what is to be subtracted from the paddr of segments
 * init_p2m            where the P2M list is to be mapped, if present bit; else
 *                     it goes behind the image
 * hv_start_low        lowest hypervisor start that the kernel can live with
 * phys_entry          entry of a PVH start (unused by PV), if present bit
 * l1_mfn_mask/value   an L1 entry with (entry & mask) == value holds an MFN,
 *                     if present bit (first pair of the note)
 * features_supported, features_required  XENFEAT_* bits; required ones are
 *                     also in supported
 * unmapped_initrd     mod_start may be a PFN, the initrd need not be mapped
 * suspend_cancel      cooperative suspend can be cancelled
 * bsd_symtab          wants its symbol table behind the image
 * xen_version, guest_os, guest_version, loader   "" if not given; longer
 *                     strings are cut
 *
 * Derived: kstart/kend   guest-physical range of all segments (end exclusive)
 *          virt_kstart/virt_kend   the same, virtual
 */
struct xen_image_parms {
    uint32_t present;
    bool from_string;
    bool unmapped_initrd;
    bool suspend_cancel;
    bool bsd_symtab;
    enum xen_pae_mode pae;
    uint64_t virt_base;
    uint64_t virt_entry;
    uint64_t virt_hypercall;
    uint64_t elf_paddr_offset;
    uint64_t init_p2m;
    uint64_t hv_start_low;
    uint64_t phys_entry;
    uint64_t l1_mfn_mask, l1_mfn_value;
    uint32_t features_supported, features_required;
    char xen_version[16];
    char guest_os[16];
    char guest_version[16];
    char loader[16];
    uint64_t kstart, kend;
    uint64_t virt_kstart, virt_kend;
};

static inline bool parms_have(const struct xen_image_parms *parms, int note)
{
    return parms->present >> note & 1;
}

/*
 * Reads the notes of a checked image, fills in defaults and derived values and
 * checks all of it for a PV guest. -ENOEXEC: not a Xen kernel, or notes that
 * contradict each other or the image; -EOPNOTSUPP: it needs what env does not
 * offer. What is merely odd goes to env->warn.
 */
int xen_parms_read(struct xen_image_parms *parms, const struct elf_image *elf,
                   const struct image_env *env, struct image_error *err);

/*
 * The two halves of it: reading, and checking of what was read (which also
 * sets the derived values).
 */
int xen_parms_parse(struct xen_image_parms *parms, const struct elf_image *elf,
                    const struct image_env *env, struct image_error *err);
int xen_parms_check(struct xen_image_parms *parms, const struct elf_image *elf,
                    const struct image_env *env, struct image_error *err);

/* The name of a XENFEAT_* bit, NULL if it has none. */
const char *xen_feature_name(unsigned int bit);

#endif
