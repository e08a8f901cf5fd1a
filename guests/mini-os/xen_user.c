/*
 * User mode's page tables on Xen: it has a top level of its own, in which the
 * kernel does not appear; both share what is below the first entry. A table
 * is a page that nobody may map writable.
 */
#include <xen-guest.h>

static int remap(void *page, u64 flags)
{
    return (int)hypercall(__HYPERVISOR_update_va_mapping, (u64)page,
                          page_mfn(page) << 12 | PTE_P | PTE_AD | flags,
                          UVMF_INVLPG, 0);
}

static int remap_all(const struct user_tables *t, u64 flags)
{
    return remap(t->l1, flags) || remap(t->l2, flags) || remap(t->l3, flags) ||
           remap(t->l4, flags);
}

/* The first entry of the kernel's top level. */
static int set_first(u64 entry)
{
    struct mmu_update u;

    u.ptr = page_mfn((const void *)xen_start_info()->pt_base) << 12 |
            MMU_NORMAL_PT_UPDATE;
    u.val = entry;
    return (int)hypercall(__HYPERVISOR_mmu_update, (u64)&u, 1, 0, DOMID_SELF);
}

int xen_show_user(const struct user_tables *t)
{
    u64 entry = page_mfn(t->l3) << 12 | PTE_P | PTE_RW | PTE_USER | PTE_AD;

    t->l4[0] = entry;
    if (!remap_all(t, 0) &&
        !mmuext(MMUEXT_PIN_L4_TABLE, page_mfn(t->l4), NULL) &&
        !set_first(entry) &&
        !mmuext(MMUEXT_NEW_USER_BASEPTR, page_mfn(t->l4), NULL))
        return 0;
    xen_hide_user(t);
    return -XEN_EINVAL;
}

/* As far as it was shown; then its pages are pages like others. */
void xen_hide_user(const struct user_tables *t)
{
    mmuext(MMUEXT_NEW_USER_BASEPTR, 0, NULL);
    set_first(0);
    mmuext(MMUEXT_UNPIN_TABLE, page_mfn(t->l4), NULL);
    if (remap_all(t, PTE_RW))
        panic("a page table does not become a page again");
}
