/* Page tables, reservations and grants. */
#include "fuzz.h"
#include <xen/grant_table.h>

/* ---- mmu_update and its relatives ---- */

static uint32_t mmu_domid(struct fuzz *z)
{
    uint32_t table = chance(z, WEIRD) ? any_domid(z) + 1 : 0;

    return table << 16 | any_domid(z);
}

static uint64_t mmu_pointer(struct fuzz *z)
{
    if (chance(z, 8)) /* the window's slots of the kernel's L4 */
        return PTE(kernel_l4_mfn(), 0) +
               (WINDOW_SLOT + below(z, WINDOW_SLOTS)) * 8;
    return any_entry_maddr(z) | (chance(z, 4) ? below(z, 4) : 0);
}

/*
 * Of the kernel's L4 the window's slots alone: these are not put where another
 * vCPU writes.
 */
static void make_mmu_update(struct fuzz *z, struct call *c)
{
    struct mmu_update u[8];
    unsigned n = 1 + below(z, 8);
    bool l4 = false;

    for (unsigned i = 0; i < n; i++) {
        u[i].ptr = mmu_pointer(z);
        u[i].val = any_pte(z);
        l4 |= is_kernel_mfn(u[i].ptr >> 12);
    }
    c->op = __HYPERVISOR_mmu_update;
    c->a[0] = l4 ? put_safe(z, u, n * sizeof(u[0]))
                 : put_racy(z, u, n * sizeof(u[0]));
    c->a[1] = n;
    if (!l4 && chance(z, WEIRD)) {
        c->a[0] = odd_pointer(z);
        c->a[1] = any_number(z);
    }
    c->a[2] = chance(z, 2) ? 0 : room(z, 4);
    c->a[3] = mmu_domid(z);
}

static void make_update_va(struct fuzz *z, struct call *c)
{
    c->op = chance(z, 4) ? __HYPERVISOR_update_va_mapping_otherdomain
                         : __HYPERVISOR_update_va_mapping;
    c->a[0] = any_va(z);
    c->a[1] = any_pte(z);
    c->a[2] = below(z, 8);
    if (chance(z, WEIRD))
        c->a[2] |= room(z, 8);
    c->a[3] = any_domid(z);
}

/* A base pointer that must be refused, or one that does no harm. */
static unsigned long base_pointer(struct fuzz *z)
{
    static const unsigned long bad[] = {0, 1, 0xfee00, 0xfffffffff,
                                        ~0UL, 1UL << 40};

    if (chance(z, 4))
        return bad[below(z, ARRAY_SIZE(bad))];
    return chance(z, 2) ? alt_l4 : kernel_l4_mfn();
}

static void make_mmuext_entry(struct fuzz *z, struct mmuext_op *o)
{
    memset(o, 0, sizeof(*o));
    o->cmd = chance(z, 2) ? below(z, MMUEXT_UNPIN_TABLE + 1)
                          : below(z, MMUEXT_UNMARK_SUPER + 2);
    o->arg1.mfn = any_mfn(z);
    o->arg2.nr_ents = (unsigned)any_number(z);
    switch (o->cmd) {
    case MMUEXT_NEW_BASEPTR:
        o->arg1.mfn = base_pointer(z);
        break;
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_ALL:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_SET_LDT:
        o->arg1.linear_addr = any_va(z);
        break;
    case MMUEXT_COPY_PAGE:
        o->arg2.src_mfn = any_mfn(z);
        break;
    }
    if (o->cmd == MMUEXT_TLB_FLUSH_MULTI || o->cmd == MMUEXT_INVLPG_MULTI)
        set_xen_guest_handle(o->arg2.vcpumask, (void *)room(z, 8));
    else if (o->cmd == MMUEXT_NEW_USER_BASEPTR && chance(z, 4))
        o->arg1.mfn = 0;
}

static void make_mmuext(struct fuzz *z, struct call *c)
{
    struct mmuext_op o[4];
    unsigned n = 1 + below(z, 4);

    for (unsigned i = 0; i < n; i++)
        make_mmuext_entry(z, &o[i]);
    c->op = __HYPERVISOR_mmuext_op;
    c->a[0] = chance(z, WEIRD) ? bad_pointer(z)
                               : put_safe(z, o, n * sizeof(o[0]));
    c->a[1] = n;
    c->a[2] = chance(z, 2) ? 0 : room(z, 4);
    c->a[3] = any_domid(z);
}

/* ---- reservations ---- */

#define GAINED 64
static volatile unsigned long gained[GAINED]; /* frames beyond the pool */

static void gain(const struct call *c, long ret)
{
    for (long i = 0; i < ret && i < c->n; i++) {
        unsigned long mfn;

        if (peek(&mfn, c->list + (unsigned long)i * 8, 8))
            gained[mfn % GAINED] = mfn;
    }
}

/* The pool's pages from c->first on have new frames. */
static void adopt(const struct call *c, long ret)
{
    for (long i = 0; i < ret && i < c->n; i++) {
        struct page *p = &pool[(c->first + (unsigned)i) % POOL];
        unsigned long mfn;

        if (!peek(&mfn, c->list + (unsigned long)i * 8, 8) ||
            is_kernel_mfn(mfn))
            continue;
        p->mfn = mfn;
        (void)update_va((unsigned long)p->va,
                        PTE(mfn, PTE_P | PTE_RW | PTE_US), UVMF_INVLPG);
    }
}

static unsigned long given_up(struct fuzz *z)
{
    unsigned long mfn = gained[below(z, GAINED)];

    return chance(z, 2) && mfn && !is_kernel_mfn(mfn) ? mfn : any_mfn(z);
}

static void make_reservation(struct fuzz *z, struct call *c)
{
    static const uint8_t cmds[] = {
        XENMEM_increase_reservation,
        XENMEM_decrease_reservation,
        XENMEM_decrease_reservation,
        XENMEM_populate_physmap,
    };
    struct xen_memory_reservation r = {.domid = (domid_t)any_domid(z)};
    unsigned long list[4];
    unsigned cmd = cmds[below(z, ARRAY_SIZE(cmds))];

    c->n = 1 + below(z, 4);
    c->first = below(z, POOL);
    for (unsigned i = 0; i < c->n; i++)
        list[i] = cmd == XENMEM_populate_physmap
                      ? pool[(c->first + i) % POOL].pfn
                      : given_up(z);
    c->list = put_safe(z, list, sizeof(list));
    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)c->list);
    if (chance(z, WEIRD))
        set_xen_guest_handle(r.extent_start, (xen_pfn_t *)odd_pointer(z));
    r.nr_extents = c->n;
    if (chance(z, WEIRD)) {
        r.nr_extents = any_number(z);
        set_xen_guest_handle(r.extent_start, (xen_pfn_t *)bad_pointer(z));
    }
    if (cmd == XENMEM_increase_reservation && chance(z, 4))
        r.extent_order = below(z, 3);
    else if (chance(z, WEIRD) && cmd != XENMEM_decrease_reservation)
        r.extent_order = (unsigned)any_number(z);
    r.mem_flags = chance(z, 4) ? (unsigned)any_number(z) : 0;
    c->op = __HYPERVISOR_memory_op;
    c->a[0] = cmd;
    c->a[1] = put(z, &r, sizeof(r));
    if (cmd == XENMEM_populate_physmap && !r.extent_order)
        c->then = adopt;
    else if (cmd == XENMEM_increase_reservation)
        c->then = gain;
}

static void adopt_exchanged(const struct call *c, long ret)
{
    if (!ret)
        adopt(c, c->n);
}

static void make_exchange(struct fuzz *z, struct call *c)
{
    struct xen_memory_exchange x = {.nr_exchanged = 0};
    unsigned long in[4], out[4];
    unsigned n = c->n = 1u << below(z, 3);

    c->first = below(z, POOL);
    for (unsigned i = 0; i < n; i++) {
        in[i] = pool[(c->first + i) % POOL].mfn;
        out[i] = pool[(c->first + i) % POOL].pfn;
        if (chance(z, WEIRD))
            in[i] = any_mfn(z);
    }
    c->list = put_safe(z, out, sizeof(out));
    set_xen_guest_handle(x.in.extent_start,
                         (xen_pfn_t *)put_safe(z, in, sizeof(in)));
    set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)c->list);
    x.in.nr_extents = n;
    x.out.nr_extents = n;
    x.in.domid = x.out.domid = (domid_t)any_domid(z);
    if (chance(z, 8)) {
        x.out.extent_order = below(z, 3);
        x.out.nr_extents = n >> x.out.extent_order;
        c->n = (unsigned)x.out.nr_extents;
    }
    if (chance(z, WEIRD)) {
        x.in.nr_extents = any_number(z);
        set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)bad_pointer(z));
    }
    if (chance(z, WEIRD)) /* the result cannot be stored */
        set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)odd_pointer(z));
    if (chance(z, WEIRD))
        x.nr_exchanged = any_number(z);
    if (chance(z, WEIRD))
        x.out.nr_extents = any_number(z);
    x.out.mem_flags = chance(z, 4) ? (unsigned)any_number(z) : 0;
    c->op = __HYPERVISOR_memory_op;
    c->a[0] = XENMEM_exchange;
    c->a[1] = put(z, &x, sizeof(x));
    c->then = adopt_exchanged;
}

static void make_memory_op(struct fuzz *z, struct call *c)
{
    uint64_t words[8];

    for (unsigned i = 0; i < 8; i++)
        words[i] = any_word(z);
    c->op = __HYPERVISOR_memory_op;
    do
        c->a[0] = below(z, 32);
    while (c->a[0] == XENMEM_decrease_reservation);
    if (chance(z, WEIRD))
        c->a[0] |= any_number(z) << 6 | XENMEM_maximum_gpfn;
    c->a[1] = put_racy(z, words, sizeof(words));
}

/* ---- grants ---- */

#define GRANT_FRAMES 2
static struct grant_entry_v1 *grants; /* NULL: there are no grant tables */

/* The first frames of the grant table, mapped where pages of ours were. */
void grants_init(void)
{
    static xen_pfn_t frames[GRANT_FRAMES];
    struct gnttab_setup_table s = {.dom = DOMID_SELF,
                                   .nr_frames = GRANT_FRAMES};
    char *va[GRANT_FRAMES];

    set_xen_guest_handle(s.frame_list, frames);
    for (unsigned i = 0; i < GRANT_FRAMES; i++)
        va[i] = alloc_page();
    if (hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &s, 1) ||
        s.status)
        return;
    for (unsigned i = 0; i < GRANT_FRAMES; i++)
        if (update_va((unsigned long)va[i],
                      PTE(frames[i], PTE_P | PTE_RW | PTE_AD), UVMF_INVLPG))
            error("grant frame %u cannot be mapped", i);
    grants = (struct grant_entry_v1 *)(void *)va[0];
}

/* Grants a frame to somebody, or takes it back, behind the mappers' backs. */
void poke_grant(struct fuzz *z)
{
    struct grant_entry_v1 g = {
        .flags = (uint16_t)(chance(z, 4) ? rnd(z) : GTF_permit_access),
        .domid = (domid_t)(chance(z, 4) ? any_domid(z) : 0),
        .frame = (uint32_t)any_mfn(z),
    };

    if (is_kernel_mfn(g.frame))
        return;
    if (chance(z, 8))
        g.flags = GTF_accept_transfer;
    if (grants)
        (void)poke((unsigned long)&grants[below(z, 16)], &g, sizeof(g));
}

static void make_grant_map(struct fuzz *z, uint64_t *w)
{
    struct gnttab_map_grant_ref *m = (void *)w;

    m->host_addr = chance(z, 3) ? any_entry_maddr(z) : any_va(z);
    m->flags = below(z, 64);
    m->ref = (grant_ref_t)(chance(z, 8) ? any_number(z) : below(z, 16));
    m->dom = (domid_t)(chance(z, 2) ? 0 : any_domid(z));
}

static void make_grant_unmap(struct fuzz *z, uint64_t *w)
{
    struct gnttab_unmap_grant_ref *u = (void *)w;

    u->host_addr = chance(z, 3) ? any_entry_maddr(z) : any_va(z);
    u->dev_bus_addr = chance(z, 2) ? 0 : PTE(any_mfn(z), 0);
    u->handle = (grant_handle_t)(chance(z, 8) ? any_number(z) : below(z, 32));
}

static void make_grant_setup(struct fuzz *z, uint64_t *w)
{
    struct gnttab_setup_table *s = (void *)w;

    s->dom = (domid_t)any_domid(z);
    s->nr_frames = chance(z, WEIRD) ? (unsigned)any_number(z) : below(z, 4);
    set_xen_guest_handle(s->frame_list, (xen_pfn_t *)room(z, 32));
}

static size_t grant_size(unsigned cmd)
{
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return sizeof(struct gnttab_map_grant_ref);
    case GNTTABOP_setup_table:
        return sizeof(struct gnttab_setup_table);
    case GNTTABOP_copy:
        return sizeof(struct gnttab_copy);
    default:
        return 24;
    }
}

static void make_grant(struct fuzz *z, struct call *c)
{
    uint64_t list[4 * 8];
    unsigned n = below(z, 5), cmd = below(z, 13);
    size_t size = grant_size(cmd);

    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        list[i] = any_word(z);
    for (unsigned i = 0; i < n; i++) {
        uint64_t *w = (uint64_t *)(void *)((char *)list + i * size);

        if (cmd == GNTTABOP_map_grant_ref)
            make_grant_map(z, w);
        else if (cmd == GNTTABOP_unmap_grant_ref)
            make_grant_unmap(z, w);
        else if (cmd == GNTTABOP_setup_table)
            make_grant_setup(z, w);
    }
    c->op = __HYPERVISOR_grant_table_op;
    c->a[0] = cmd | (chance(z, WEIRD) ? (unsigned)any_number(z) << 16 : 0);
    c->a[1] = put_racy(z, list, sizeof(list));
    c->a[2] = n;
    if (chance(z, WEIRD)) { /* what follows a list are other arguments */
        c->a[1] = bad_pointer(z);
        c->a[2] = any_number(z);
    }
}

const struct maker memory_makers[] = {
    {make_mmu_update, 12}, {make_update_va, 6}, {make_mmuext, 10},
    {make_reservation, 4}, {make_exchange, 2},  {make_memory_op, 2},
    {make_grant, 3},       {NULL, 0},
};
