/*
 * Split page tables: the roots that guests run on.
 *
 * A root's guest slots copy the L4 named in `source`, an L4 that the loaded
 * vCPU holds as base pointer. They are filled when the guest faults for want
 * of them, and noted in `slot`, so that a change of the source has only those
 * to copy anew. Every slot in use is in that list. Only entries with the
 * accessed bit are copied, and filling sets it, as the CPU would have done: it
 * walks the root, not the guest's table.
 *
 * The threat is a copy that outlives its original: once the guest has removed
 * an L4 entry, the L3 it named may become anything. Whoever replaces a present
 * entry of a live L4 therefore, before he drops what the old one held,
 *
 *   (1) writes the entry by a locked instruction,
 *   (2) reads the domain's dirty mask, and `source` of the CPUs in it,
 *   (3) makes those that copy this L4 forget the slot, in an interrupt, and
 *       waits for them.
 *
 * A CPU that starts to copy this L4 enters the dirty mask, publishes `source`
 * and only then reads entries, with a full barrier in between. So either (2)
 * sees it, or it sees (1). If (2) sees it while it is copying or filling: that
 * runs with interrupts off, so (3) comes after it; and what is filled after
 * (3) is read after (1). The interrupt also ends whatever the CPU's TLB still
 * knows: every way to the guest loads CR3, and with the split nothing is
 * global. The CPU that replaces the entry is itself in the hypervisor, where
 * no root is loaded.
 *
 * A CPU leaves a domain's dirty mask only after `source` is another domain's
 * L4, or 0 (context switch, an idle CPU that lets go). A source of 0 means
 * that the content is old and must not be used: no vCPU that would is loaded,
 * or it has no user tables, and the next source copies all of the list. So no
 * root in use names a table of a domain that is being taken apart, and an L4
 * that is given up has been replaced as a source before its reference goes.
 */
#include "arch/x86/xpti.h"

#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/tlb.h"
#include "arch/x86/traps.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define ARCH_CAP_RDCL_NO 1u

DEFINE_PER_CPU(struct xpti_cpu, xpti_cpu);

/* ---- the option ---- */

enum choice { NO, YES, DEFAULT };
struct choices {
    enum choice dom0, domu;
};
static struct choices chosen = {DEFAULT, DEFAULT};

/* One item of the list; false: it makes no sense. */
static bool __init parse_item(const char *item, struct choices *c)
{
    int all = param_bool(item);
    int dom0 = param_named_bool(item, "dom0");
    int domu = param_named_bool(item, "domu");

    if (!strcmp(item, "default"))
        c->dom0 = c->domu = DEFAULT;
    else if (all >= 0)
        c->dom0 = c->domu = (enum choice)all;
    else if (dom0 >= 0)
        c->dom0 = (enum choice)dom0;
    else if (domu >= 0)
        c->domu = (enum choice)domu;
    else
        return false;
    return true;
}

static int __init parse_xpti(const char *list)
{
    struct choices c = chosen;
    char item[64];
    char *comma, *at = item;

    if (str_copy(item, list, sizeof(item)) >= sizeof(item))
        return -EINVAL;
    do {
        comma = strchr(at, ',');
        if (comma)
            *comma = 0;
        if (!parse_item(at, &c))
            return -EINVAL;
        at = comma + 1;
    } while (comma);
    chosen = c;
    return 0;
}
PARAM_FN("xpti", parse_xpti);

static void __init choose(bool on, enum choice over)
{
    enum choice c = on ? YES : NO;

    if (chosen.dom0 == over)
        chosen.dom0 = c;
    if (chosen.domu == over)
        chosen.domu = c;
}

void __init xpti_unless_chosen(bool on)
{
    choose(on, DEFAULT);
}

static bool __init cpu_needs_it(void)
{
    uint64_t caps = 0;

    if (cpu_features.vendor_amd)
        return false;
    if (cpu_features.max_leaf >= 7 && ((cpuid(7, 0).d >> 29) & 1))
        caps = rdmsr(MSR_ARCH_CAPABILITIES);
    return !(caps & ARCH_CAP_RDCL_NO);
}

bool xpti_wanted(bool dom0)
{
    return (dom0 ? chosen.dom0 : chosen.domu) == YES;
}

static bool in_use(void)
{
    return xpti_wanted(true) || xpti_wanted(false);
}

/* ---- the machine ---- */

struct code_place {
    int32_t where; /* relative to the field itself */
    int32_t bytes;
};
extern const struct code_place _xpti_patch_start[], _xpti_patch_end[];

/* Jumps over the code that only the split needs. */
static void __init patch_out(void)
{
    for (const struct code_place *p = _xpti_patch_start; p < _xpti_patch_end;
         p++) {
        uint8_t *code = (uint8_t *)&p->where + p->where;
        code[0] = 0xeb;
        code[1] = (uint8_t)(p->bytes - 2);
    }
}

void __init xpti_init(void)
{
    choose(cpu_needs_it(), DEFAULT);
    if (in_use())
        cpu_cr4 &= ~CR4_PGE; /* no translation of ours survives CR3 */
    else
        patch_out();
    printk(XENLOG_INFO "XPTI: dom0 %s, domU %s\n",
           xpti_wanted(true) ? "enabled" : "disabled",
           xpti_wanted(false) ? "enabled" : "disabled");
}

/* ---- what a root shows of the hypervisor ---- */

#define TABLE_FLAGS (PTE_P | PTE_RW | PTE_A)

/* An entry for the table that `table` points to or into. */
static pte_t table_entry(const pte_t *table)
{
    return pte_make(mapped_frame(table), TABLE_FLAGS);
}

/*
 * The image, as all roots show it: an L2. NULL: no memory. One L1 is enough,
 * as the image is smaller than 2 MiB and begins at a multiple of it.
 */
static pte_t *__init make_image_tables(void)
{
    pte_t *l2 = xenheap_zalloc(0), *l1 = xenheap_zalloc(0);
    vaddr_t idt = idt_ptr.base;

    if (!l2 || !l1)
        return NULL;
    for (char *p = _entry_start; p < _text_end; p += PAGE_SIZE)
        l1[pt_index((vaddr_t)p, 1)] = pte_make(image_mfn(p), PAGE_HYP_RX);
    l1[pt_index(idt, 1)] = pte_make(image_mfn((void *)idt), PAGE_HYP_RO);
    l2[pt_index(idt, 2)] = table_entry(l1);
    return l2;
}

/* Slot 257: an L3 with the image and the CPU's own memory. NULL: no memory. */
static pte_t *__init make_own_tables(unsigned cpu)
{
    static pte_t *image_l2;
    pte_t *l3 = xenheap_zalloc(0), *l2 = xenheap_zalloc(0);
    vaddr_t area = CPU_AREA(cpu);

    if (!image_l2)
        image_l2 = make_image_tables();
    if (!image_l2 || !l3 || !l2)
        return NULL;
    l2[pt_index(area, 2)] = table_entry(hyp_l1_entry(area));
    l3[pt_index(area, 3)] = table_entry(l2);
    l3[pt_index(IMAGE_START, 3)] = table_entry(image_l2);
    return l3;
}

bool __init xpti_make_roots(unsigned cpu)
{
    const pte_t *own;

    if (!in_use())
        return true;
    own = make_own_tables(cpu);
    for (unsigned i = 0; i < 2; i++) {
        pte_t *l4 = xenheap_zalloc(0);

        if (!own || !l4)
            return false;
        l4[pt_index(M2P_RO_START, 4)] = hyp_l4[pt_index(M2P_RO_START, 4)];
        l4[pt_index(IMAGE_START, 4)] = table_entry(own);
        per_cpu(xpti_cpu, cpu).root[i].l4 = l4;
        per_cpu(pcpu, cpu).root_cr3[i] = mfn_to_paddr(mapped_frame(l4));
    }
    return true;
}

/* ---- what it shows of the guest ---- */

#define COPIED (PTE_P | PTE_A)

static void copy_listed(struct xpti_root *r)
{
    const pte_t *from = map_frame(paddr_to_mfn(r->source));
    pte_t *to = r->l4;

    for (const uint16_t *s = r->slot; s < r->slot + r->n; s++) {
        pte_t e = READ_ONCE(from[*s]);

        to[*s] = (e & COPIED) == COPIED ? e : 0;
    }
}

/* The exchange is the barrier between publishing and copying. */
static void set_source(struct xpti_root *r, uint64_t l4)
{
    if (r->source == l4)
        return;
    (void)__atomic_exchange_n(&r->source, l4, __ATOMIC_SEQ_CST);
    if (l4)
        copy_listed(r);
}

/* That of the loaded vCPU's mode. */
static struct xpti_root *root_in_use(void)
{
    const struct pcpu *p = this_pcpu();

    return &this_cpu(xpti_cpu).root[p->exit_cr3 == p->root_cr3[1]];
}

/* Room in the list for one slot; if it is full it starts anew. */
static void note_slot(struct xpti_root *r, unsigned slot)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->slot[i] == slot)
            return;
    if (r->n == XPTI_SLOTS)
        while (r->n)
            r->l4[r->slot[--r->n]] = 0;
    r->slot[r->n++] = (uint16_t)slot;
}

bool xpti_fill_slot(unsigned slot)
{
    struct xpti_root *r = root_in_use();
    pte_t *from = map_frame(paddr_to_mfn(r->source));
    pte_t e = READ_ONCE(from[slot]);

    do {
        if (!(e & PTE_P))
            return false;
    } while (!(e & PTE_A) &&
             !__atomic_compare_exchange_n(&from[slot], &e, e | PTE_A, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    note_slot(r, slot);
    r->l4[slot] = e | PTE_A;
    return true;
}

/* ---- the vCPU that the CPU runs ---- */

static void new_kernel(uint64_t l4)
{
    write_guest_cr3(l4);
    this_pcpu()->entry_cr3 = l4;
    set_source(&this_cpu(xpti_cpu).root[1], l4);
}

static void new_user(uint64_t l4)
{
    set_source(&this_cpu(xpti_cpu).root[0], l4);
}

void xpti_load(uint64_t kernel, uint64_t user, bool in_kernel)
{
    new_kernel(kernel);
    new_user(user);
    xpti_set_mode(in_kernel);
}

void xpti_unload(void)
{
    this_pcpu()->entry_cr3 = this_pcpu()->exit_cr3 = 0;
    set_source(&this_cpu(xpti_cpu).root[0], 0);
    set_source(&this_cpu(xpti_cpu).root[1], 0);
}

void xpti_new_base(uint64_t l4, bool user)
{
    unsigned long f = irq_save();

    if (user)
        new_user(l4);
    else
        new_kernel(l4);
    irq_restore(f);
}

void xpti_see_user(void)
{
    this_pcpu()->user_tables = true;
    write_cr3(this_cpu(xpti_cpu).root[0].source);
}

void xpti_see_kernel(void)
{
    this_pcpu()->user_tables = false;
    write_cr3(this_pcpu()->entry_cr3);
}

/* ---- a live L4 changes ---- */

struct changed {
    uint64_t l4;
    unsigned slot;
};

static void forget_slot(void *data)
{
    struct xpti_cpu *x = &this_cpu(xpti_cpu);
    const struct changed *c = data;

    for (unsigned i = 0; i < 2; i++)
        if (x->root[i].source == c->l4)
            x->root[i].l4[c->slot] = 0;
}

void xpti_drop(mfn_t l4, unsigned slot, cpumask_t cpus)
{
    struct changed c = {mfn_to_paddr(l4), slot};
    cpumask_t copied = 0;
    unsigned cpu;

    for_each_cpu(cpu, cpus) {
        const struct xpti_cpu *x = &per_cpu(xpti_cpu, cpu);
        if (READ_ONCE(x->root[0].source) == c.l4 ||
            READ_ONCE(x->root[1].source) == c.l4)
            copied |= CPUMASK(cpu);
    }
    if (copied)
        smp_call(copied, forget_slot, &c);
}
