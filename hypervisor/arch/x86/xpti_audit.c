/*
 * The audit of the split page tables: what each root maps of the hypervisor is
 * what docs/memory-layout.md says, and what it maps of the guest is what its
 * source has.
 */
#include "arch/x86/xpti.h"

#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/desc.h"
#include "arch/x86/irq.h"
#include "arch/x86/paging.h"
#include "arch/x86/traps.h"
#include "lib/bitops.h"
#include "lib/printk.h"

#define AREA_PAGES 11

struct count {
    unsigned cpu;
    unsigned pages, guest_slots, errors;
    unsigned needed; /* pages that every root must have */
};

static void wrong(struct count *c, vaddr_t va, pte_t e)
{
    if (c->errors++ < 10)
        printk(XENLOG_ERR "AUDIT: FAIL XPTI: CPU %u has entry %lx at %lx\n",
               c->cpu, e, va);
}

static bool in_window(vaddr_t va, unsigned cpu)
{
    return va - DESC_WINDOW(cpu) < DESC_WINDOW_SIZE;
}

/* Pages that must be there: code, IDT, area, the CPU's own GDT page. */
static bool is_needed(vaddr_t va, unsigned cpu)
{
    return (va >= (vaddr_t)_entry_start && va < (vaddr_t)_text_end) ||
           va == idt_ptr.base || va - CPU_AREA(cpu) < CPU_AREA_SIZE ||
           va == DESC_WINDOW(cpu) + GDT_OWN_PAGE * PAGE_SIZE;
}

static void check_page(struct count *c, vaddr_t va, pte_t e)
{
    paddr_t pa = 0;

    c->pages++;
    c->needed += is_needed(va, c->cpu);
    if (!(is_needed(va, c->cpu) || in_window(va, c->cpu)) || (e & PTE_US) ||
        !hyp_translate(va, &pa) || pa != mfn_to_paddr(pte_mfn(e)))
        wrong(c, va, e);
}

/* All that a table of this level maps, from va on. */
static void walk(struct count *c, mfn_t table, unsigned level, vaddr_t va)
{
    const pte_t *t = map_frame(table);
    uint64_t step = PAGE_SIZE << (9 * (level - 1));

    for (unsigned i = 0; i < PTES_PER_TABLE; i++, va += step) {
        if (!(t[i] & PTE_P))
            continue;
        if (level == 1)
            check_page(c, va, t[i]);
        else if ((t[i] & (PTE_PSE | PTE_US)))
            wrong(c, va, t[i]);
        else
            walk(c, pte_mfn(t[i]), level - 1, va);
    }
    unmap_frame(t);
}

static bool listed(const struct xpti_root *r, unsigned slot)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->slot[i] == slot)
            return true;
    return false;
}

static void check_slot(struct count *c, const struct xpti_root *r,
                       unsigned slot)
{
    const pte_t *from = map_frame(paddr_to_mfn(r->source));
    vaddr_t va = (vaddr_t)slot << L4_SHIFT;
    pte_t e = r->l4[slot];

    if (slot == pt_index(IMAGE_START, 4)) {
        walk(c, pte_mfn(e), 3, IMAGE_START);
    } else if (slot >= HYP_L4_FIRST && slot <= HYP_L4_LAST) {
        if (e != (slot == HYP_L4_FIRST ? hyp_l4[HYP_L4_FIRST] : 0))
            wrong(c, va, e);
    } else if (e) {
        c->guest_slots++;
        if (!listed(r, slot) ||
            (r->source && ((e ^ from[slot]) & ~(PTE_A | PTE_D))))
            wrong(c, va, e);
    }
    unmap_frame(from);
}

static void check_root(struct count *c, const struct xpti_root *r)
{
    unsigned code = (unsigned)((_text_end - _entry_start) / PAGE_SIZE);

    c->pages = c->needed = 0;
    for (unsigned slot = 0; slot < PTES_PER_TABLE; slot++)
        check_slot(c, r, slot);
    if (c->needed != code + 1 + AREA_PAGES + 1)
        wrong(c, IMAGE_START, c->needed);
}

unsigned xpti_audit(void)
{
    struct count c = {.cpu = 0};
    unsigned cpu;

    if (!this_cpu(xpti_cpu).root[0].l4)
        return 0;
    for_each_cpu(cpu, cpu_online_map) {
        c.cpu = cpu;
        check_root(&c, &per_cpu(xpti_cpu, cpu).root[0]);
        check_root(&c, &per_cpu(xpti_cpu, cpu).root[1]);
    }
    if (!c.errors)
        printk(XENLOG_ERR "XPTI: roots of %u CPUs are right: %u pages of the "
                          "hypervisor in the last, %u slots of guests\n",
               nr_cpus_online(), c.pages, c.guest_slots);
    return c.errors;
}
