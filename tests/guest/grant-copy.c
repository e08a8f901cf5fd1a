/*
 * Grants: copies between own frames and lent ones, with offsets, and what is
 * refused. The domain lends to itself. Checklist rows 42 and 83.
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "grants: copy";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define REF_A 10u
#define REF_B 11u
#define MANY  200u

static grant_entry_v1_t *table;
static uint8_t *a, *b;

static long gnttab(unsigned cmd, void *arg, unsigned count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

static void lend(unsigned ref, unsigned long mfn, unsigned flags)
{
    table[ref].domid = 0;
    table[ref].frame = (uint32_t)mfn;
    __atomic_store_n(&table[ref].flags, flags, __ATOMIC_RELEASE);
}

static void setup(void)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    xen_pfn_t frame = 0;

    set_xen_guest_handle(op.frame_list, &frame);
    if (gnttab(GNTTABOP_setup_table, &op, 1) || op.status)
        error("setup_table: status %d", op.status);
    table = alloc_page();
    if (update_va((unsigned long)table, PTE(frame, FLAGS), UVMF_INVLPG))
        error("the table cannot be mapped");
    a = alloc_page();
    b = alloc_page();
    lend(REF_A, virt_to_mfn(a), GTF_permit_access);
    lend(REF_B, virt_to_mfn(b), GTF_permit_access);
}

/* flags say which sides are references. */
static struct gnttab_copy make(unsigned flags, unsigned from, unsigned to,
                               unsigned len)
{
    struct gnttab_copy op = {.len = (uint16_t)len, .flags = (uint16_t)flags};

    op.source.domid = op.dest.domid = DOMID_SELF;
    op.source.offset = (uint16_t)from;
    op.dest.offset = (uint16_t)to;
    op.source.u.gmfn = virt_to_mfn(a);
    op.dest.u.gmfn = virt_to_mfn(b);
    if (flags & GNTCOPY_source_gref)
        op.source.u.ref = REF_A;
    if (flags & GNTCOPY_dest_gref)
        op.dest.u.ref = REF_B;
    op.status = 99;
    return op;
}

static int run(struct gnttab_copy op)
{
    expect_eq(gnttab(GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void test_forms(void)
{
    static const unsigned pieces[][3] = {{0, 0, 4096}, {1, 0, 4095},
                                         {100, 333, 1001}, {4095, 0, 1},
                                         {0, 4095, 1}, {5, 5, 0}};

    for (unsigned flags = 0; flags < 4; flags++) {
        for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
            unsigned from = pieces[i][0], to = pieces[i][1], n = pieces[i][2];
            bool right = true;

            for (unsigned k = 0; k < PAGE_SIZE; k++) {
                a[k] = (uint8_t)(k * 7 + i + flags);
                b[k] = 0xee;
            }
            expect_eq(run(make(flags, from, to, n)), GNTST_okay);
            for (unsigned k = 0; k < PAGE_SIZE; k++)
                right = right && b[k] == (k >= to && k < to + n
                                              ? a[from + k - to] : 0xee);
            expect(right, "form %u, piece %u: wrong bytes", flags, i);
        }
    }
    expect_eq(table[REF_A].flags, GTF_permit_access);
    expect_eq(table[REF_B].flags, GTF_permit_access);
}

static void test_refused(void)
{
    struct gnttab_copy op;

    b[0] = 0x77;
    for (unsigned flags = 0; flags < 4; flags++) {
        expect_eq(run(make(flags, 1, 0, 4096)), GNTST_bad_copy_arg);
        expect_eq(run(make(flags, 0, 4096, 1)), GNTST_bad_copy_arg);
        expect_eq(run(make(flags, 65535, 0, 65535)), GNTST_bad_copy_arg);
    }
    op = make(0, 0, 0, 8);
    op.source.domid = 1234;
    expect_eq(run(op), GNTST_bad_domain);
    op.source.domid = 0; /* our own id, but only "self" goes without grant */
    expect_eq(run(op), GNTST_permission_denied);
    op = make(0, 0, 0, 8);
    op.dest.u.gmfn = ~0UL;
    expect_eq(run(op), GNTST_bad_page);
    op.dest.u.gmfn = table_of(kernel_l4_mfn())[256] >> 12 & 0xffffffff;
    expect(run(op) < 0, "copied into the hypervisor's table");
    op.dest.u.gmfn = kernel_l4_mfn();
    expect_eq(run(op), GNTST_general_error);
    op = make(GNTCOPY_source_gref, 0, 0, 8);
    op.source.u.ref = 1u << 20;
    expect_eq(run(op), GNTST_bad_gntref);
    op.source.u.ref = REF_A;
    op.source.domid = 1234;
    expect_eq(run(op), GNTST_bad_domain);
    lend(REF_B, virt_to_mfn(b), GTF_permit_access | GTF_readonly);
    expect_eq(run(make(GNTCOPY_dest_gref, 0, 0, 8)), GNTST_general_error);
    lend(REF_B, kernel_l4_mfn(), GTF_permit_access);
    expect_eq(run(make(GNTCOPY_dest_gref, 0, 0, 8)), GNTST_general_error);
    expect_eq(table[REF_B].flags, GTF_permit_access);
    lend(REF_B, virt_to_mfn(b), 0);
    expect_eq(run(make(GNTCOPY_dest_gref, 0, 0, 8)), GNTST_general_error);
    lend(REF_B, virt_to_mfn(b), GTF_permit_access);
    expect_eq(b[0], 0x77);
    expect_eq(gnttab(GNTTABOP_copy, (void *)0x10, 1), -EFAULT);
    expect_eq(gnttab(GNTTABOP_copy, &op, ~0u), -EINVAL);
}

/* Many at once, changing pages, one of them bad. */
static void test_batch(void)
{
    static struct gnttab_copy ops[MANY];

    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        a[i] = (uint8_t)i;
        b[i] = 0;
    }
    for (unsigned i = 0; i < MANY; i++)
        ops[i] = make(i / 3 % 4, i, 2 * i, 2);
    ops[100].len = 4096;
    expect_eq(gnttab(GNTTABOP_copy, ops, MANY), 0);
    for (unsigned i = 0; i < MANY; i++) {
        expect_eq(ops[i].status, i == 100 ? GNTST_bad_copy_arg : 0);
        if (i != 100)
            expect(b[2 * i] == a[i] && b[2 * i + 1] == a[i + 1],
                   "copy %u is wrong", i);
    }
    expect_eq(b[200], 0);
    expect_eq(table[REF_A].flags, GTF_permit_access);
    expect_eq(table[REF_B].flags, GTF_permit_access);
    /* Nothing holds the page: it can become a table. */
    memset(b, 0, PAGE_SIZE);
    expect_eq(set_readonly(b), 0);
    expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(b)), 0);
    expect_eq(run(make(GNTCOPY_dest_gref, 0, 0, 8)), GNTST_general_error);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, virt_to_mfn(b)), 0);
}

void test_main(void)
{
    setup();
    test_forms();
    test_refused();
    test_batch();
}
