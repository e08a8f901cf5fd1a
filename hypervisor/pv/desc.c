/*
 * Guest descriptor tables.
 *
 * A vCPU's GDT frames hold type SEGDESC references; while the vCPU is loaded
 * they are mapped read-only in the CPU's descriptor window, before the CPU's
 * own page with the ABI's flat segments. LDT pages are brought in one by one
 * when the CPU faults on them, and stay typed until the LDT changes or the
 * guest takes a mapping of one away.
 */
#include "mm/mmu.h"
#include "pv/pv.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/desc.h"
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/pte.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/guest_walk.h"
#include "mm/page_type.h"

#define GDT_GUEST_PAGES 14
#define LDT_PAGES 16
/* Not global: a vCPU's descriptors go with its address space. */
#define WINDOW_FLAGS (PAGE_HYP_RO & ~PTE_G)

/* Mapped where a guest has no GDT page: null descriptors. */
static const uint64_t zero_page[512] __aligned(4096);

static uint64_t zero_entry(void)
{
    return pte_make(image_mfn(zero_page), WINDOW_FLAGS);
}

static void window_set(uint64_t *entry, vaddr_t va, uint64_t pte)
{
    if (*entry == pte)
        return;
    WRITE_ONCE(*entry, pte);
    invlpg(va);
}

void pv_load_gdt(struct vcpu *v)
{
    vaddr_t va = DESC_WINDOW(smp_cpu_id());
    uint64_t *entry = hyp_l1_entry(va);
    unsigned pages = DIV_ROUND_UP(v->pv.gdt_entries, 512);

    for (unsigned i = 0; i < GDT_GUEST_PAGES; i++, va += PAGE_SIZE)
        window_set(&entry[i], va,
                   i < pages ? pte_make(mfn(v->pv.gdt_frames[i]), WINDOW_FLAGS)
                             : zero_entry());
}

void pv_load_ldt(struct vcpu *v)
{
    vaddr_t va = DESC_WINDOW(smp_cpu_id()) + DESC_WINDOW_LDT;
    uint64_t *entry = hyp_l1_entry(va);

    for (unsigned i = 0; i < LDT_PAGES; i++, va += PAGE_SIZE)
        window_set(&entry[i], va,
                   (v->pv.ldt_mapped >> i) & 1
                       ? pte_make(mfn(v->pv.ldt_frames[i]), WINDOW_FLAGS)
                       : 0);
    desc_load_ldt(v->pv.ldt_entries);
}

/*
 * The guest used a selector of its LDT whose page is not mapped yet: offset is
 * into the LDT. True if the page is there now. The table lies in the guest
 * kernel's memory, which its user mode does not see. Takes pt_lock.
 */
bool pv_ldt_fault(vaddr_t offset)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    unsigned page = (unsigned)(offset >> PAGE_SHIFT);
    struct guest_l1 w;
    bool ok = false;

    if (offset >= v->pv.ldt_entries * 8UL)
        return false;
    spin_lock(&d->pt_lock);
    if ((v->pv.ldt_mapped >> page) & 1) {
        ok = true;
    } else if (guest_walk_kernel_l1(v, v->pv.ldt_base + page * PAGE_SIZE,
                                    &w)) {
        pte_t e = guest_l1_read(&w);
        mfn_t m = pte_mfn(e);
        if ((e & PTE_P) && mfn_valid(m) &&
            page_get_and_type(frame_of(m), PGT_SEGDESC, d) == 0) {
            v->pv.ldt_frames[page] = m.m;
            v->pv.ldt_mapped |= (uint16_t)(1u << page);
            ok = true;
        }
    }
    spin_unlock(&d->pt_lock);
    if (ok) {
        unsigned long f = irq_save();
        pv_load_ldt(v);
        irq_restore(f);
    }
    return ok;
}

/*
 * A load of this selector faulted: was it only that its LDT page was not
 * mapped yet? True if the page is there now, so that trying again makes sense.
 */
bool pv_ldt_want(uint16_t sel)
{
    unsigned page = sel >> PAGE_SHIFT;

    if (!(sel & 4) || ((current->pv.ldt_mapped >> page) & 1))
        return false;
    return pv_ldt_fault(sel & ~7UL);
}

static void reload_ldt(void *v)
{
    if (this_pcpu()->loaded == v)
        pv_load_ldt(v);
}

/* Makes the CPU that has v loaded look at v's LDT anew. */
static void refresh_ldt(struct vcpu *v)
{
    unsigned cpu;

    for_each_cpu(cpu, v->domain->dirty_cpus) {
        if (READ_ONCE(per_cpu(pcpu, cpu).loaded) == v)
            smp_call(CPUMASK(cpu), reload_ldt, v);
    }
}

/* pt_lock held. */
void pv_drop_ldt(struct vcpu *v)
{
    uint16_t mapped = v->pv.ldt_mapped;

    WRITE_ONCE(v->pv.ldt_mapped, 0);
    smp_mb(); /* pairs with switch_address_space: one sees the other */
    refresh_ldt(v);
    for (unsigned i = 0; i < LDT_PAGES; i++)
        if ((mapped >> i) & 1)
            (void)page_put_and_type(frame_of(mfn(v->pv.ldt_frames[i])),
                                    v->domain);
}

static bool ldt_uses(const struct vcpu *v, mfn_t m)
{
    for (unsigned i = 0; i < LDT_PAGES; i++)
        if (((v->pv.ldt_mapped >> i) & 1) && v->pv.ldt_frames[i] == m.m)
            return true;
    return false;
}

/* The guest took away a mapping of a descriptor page (mm). pt_lock held. */
void descriptor_page_released(struct domain *d, mfn_t m)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        if (v->pv.ldt_mapped && ldt_uses(v, m))
            pv_drop_ldt(v);
    }
}

static void put_gdt_frames(struct domain *d, const uint64_t *frames, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)page_put_and_type(frame_of(mfn(frames[i])), d);
}

/*
 * Gives v a GDT of `entries` descriptors in the given frames. -EINVAL too many,
 * or a frame that is not the domain's or does not validate; then the old GDT
 * stays. pt_lock held.
 */
int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries)
{
    unsigned n = DIV_ROUND_UP(entries, 512);
    unsigned old_n = DIV_ROUND_UP(v->pv.gdt_entries, 512);
    uint64_t old[16];

    if (n > GDT_GUEST_PAGES)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++) {
        mfn_t m = mfn(frames[i]);
        if (!mfn_valid(m) ||
            page_get_and_type(frame_of(m), PGT_SEGDESC, v->domain)) {
            put_gdt_frames(v->domain, frames, i);
            return -EINVAL;
        }
    }
    for (unsigned i = 0; i < old_n; i++)
        old[i] = v->pv.gdt_frames[i];
    for (unsigned i = 0; i < n; i++)
        v->pv.gdt_frames[i] = frames[i];
    v->pv.gdt_entries = entries;
    if (this_pcpu()->loaded == v) {
        unsigned long f = irq_save();
        pv_load_gdt(v);
        irq_restore(f);
    }
    put_gdt_frames(v->domain, old, old_n);
    return 0;
}

/* Death: no CPU has a vCPU of d loaded any more. */
static int release_descriptors(struct domain *d)
{
    struct vcpu *v;

    spin_lock(&d->pt_lock);
    for_each_vcpu(d, v) {
        pv_drop_ldt(v);
        (void)pv_set_gdt(v, NULL, 0);
    }
    spin_unlock(&d->pt_lock);
    return 0;
}

DOMAIN_HOOKS(descriptor_hooks) = {
    .name = "descriptors",
    .relinquish = release_descriptors,
};

/*
 * set_gdt(frame_list, entries): -EINVAL more than 7168 entries or a bad frame,
 * -EFAULT unreadable list.
 */
static long do_set_gdt(uint64_t list, uint64_t entries, uint64_t a3,
                       uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    uint64_t frames[16];
    long rc;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if ((uint32_t)entries > GDT_GUEST_PAGES * 512)
        return -EINVAL;
    if (copy_from_guest_va(frames, list,
                           8 * DIV_ROUND_UP((uint32_t)entries, 512)))
        return -EFAULT;
    spin_lock(&v->domain->pt_lock);
    rc = pv_set_gdt(v, frames, (uint32_t)entries);
    spin_unlock(&v->domain->pt_lock);
    return rc;
}
HYPERCALL(__HYPERVISOR_set_gdt, 2, do_set_gdt);

/*
 * In use as a descriptor table of d? With pt_lock held it stays one meanwhile,
 * and no reference is needed.
 */
static bool is_descriptor_page(const struct frame *f, const struct domain *d)
{
    uint64_t x = __atomic_load_n(&f->type, __ATOMIC_RELAXED);

    return (x & (PGT_MASK | PGT_VALIDATED)) == (PGT_SEGDESC | PGT_VALIDATED) &&
           frame_owner_id(f) == d->domain_id;
}

/* pt_lock held. A page that is no descriptor table is written as plain data. */
static long write_descriptor(struct domain *d, mfn_t m, unsigned offset,
                             uint64_t desc)
{
    struct frame *f = frame_of(m);
    bool typed = is_descriptor_page(f, d);
    uint64_t *p;

    if (!typed && page_get_and_type(f, PGT_WRITABLE, d))
        return -EINVAL;
    p = map_frame(m);
    WRITE_ONCE(p[offset / 8], desc);
    unmap_frame(p);
    if (!typed)
        (void)page_put_and_type(f, d);
    return 0;
}

/*
 * update_descriptor(maddr, desc): writes one descriptor at a machine address,
 * 8-byte aligned. -EINVAL misaligned, a frame that is not the caller's, one
 * whose type forbids it, or a descriptor that is refused.
 */
static long do_update_descriptor(uint64_t maddr, uint64_t desc, uint64_t a3,
                                 uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct domain *d = current->domain;
    mfn_t m = paddr_to_mfn(maddr);
    long rc;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if ((maddr & 7) || !mfn_valid(m) || !descriptor_check(&desc, d->is_compat))
        return -EINVAL;
    spin_lock(&d->pt_lock);
    rc = write_descriptor(d, m, (unsigned)PAGE_OFFSET(maddr), desc);
    spin_unlock(&d->pt_lock);
    return rc;
}
HYPERCALL(__HYPERVISOR_update_descriptor, 2, do_update_descriptor);
