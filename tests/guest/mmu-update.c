/*
 * mmu_update: its kinds, batches, the count of what was done, and what it
 * refuses. Checklist row 62.
 */
#include "guest.h"
const char test_title[] = "mmu_update: kinds and batches";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define N 40

static struct mmu_update batch[N];
static void *pages[N];

static long update(unsigned n, unsigned *done, unsigned dom)
{
    return hypercall4(__HYPERVISOR_mmu_update, batch, n, done, dom);
}

static void test_batch(void)
{
    unsigned done = 0;

    for (unsigned i = 0; i < N; i++) {
        pages[i] = alloc_page();
        batch[i].ptr = l1_entry_maddr(pages[i]);
        batch[i].val = read_pte(pages[i]) & ~PTE_RW;
    }
    expect_eq(update(N, &done, DOMID_SELF), 0);
    expect_eq(done, N);
    for (unsigned i = 0; i < N; i++)
        expect_eq(read_pte(pages[i]) & PTE_RW, 0);
    /* The seventh is bad: six are done, the others not. */
    for (unsigned i = 0; i < N; i++)
        batch[i].val = PTE(virt_to_mfn(pages[i]), FLAGS);
    batch[6].val = PTE(kernel_l4_mfn(), FLAGS);
    done = 0;
    expect(update(N, &done, DOMID_SELF) < 0, "a bad batch gave success");
    expect_eq(done, 6);
    for (unsigned i = 0; i < N; i++)
        expect_eq(!!(read_pte(pages[i]) & PTE_RW), i < 6);
    expect_eq(update(0, &done, DOMID_SELF), 0);
    expect_eq(done, 0);
}

static void test_kinds(void)
{
    unsigned done = 0;
    unsigned long pfn = alloc_pfn(), mfn = pfn_to_mfn(pfn);
    uint64_t entry = l1_entry_maddr(pfn_to_virt(pfn));

    batch[0].ptr = entry | MMU_NORMAL_PT_UPDATE;
    batch[0].val = PTE(mfn, FLAGS) | 1UL << 9;
    batch[1].ptr = mfn << 12 | MMU_MACHPHYS_UPDATE;
    batch[1].val = pfn;
    batch[2].ptr = entry | MMU_PT_UPDATE_PRESERVE_AD;
    batch[2].val = PTE(mfn, PTE_P | PTE_RW | PTE_US);
    expect_eq(update(3, &done, DOMID_SELF), 0);
    expect_eq(done, 3);
    /* Accessed and dirty bits stayed. */
    expect_eq(read_entry(entry) & PTE_AD, PTE_AD);
    batch[0].ptr = entry;
    batch[0].val = PTE(mfn, PTE_P | PTE_RW | PTE_US);
    expect_eq(update(1, &done, DOMID_SELF), 0);
    expect_eq(read_entry(entry) & 0x40, 0);
    /* Without translation only translated guests have something to do. */
    batch[0].ptr = entry | MMU_PT_UPDATE_NO_TRANSLATE;
    batch[0].val = PTE(mfn, FLAGS);
    update(1, &done, DOMID_SELF);
    batch[0].ptr = entry | 7;
    expect(update(1, &done, DOMID_SELF) < 0, "kind 7 gave success");
}

static void test_refused(void)
{
    unsigned done = 0;
    unsigned long data = virt_to_mfn(alloc_page());

    /* A write through mmu_update to the kernel's own data page is harmless. */
    batch[0].ptr = data << 12 | 8;
    batch[0].val = 0x1122;
    expect_eq(update(1, &done, DOMID_SELF), 0);
    expect_eq(read_entry(data << 12 | 8), 0x1122);
    /* Not to frames of others. */
    batch[0].ptr = table_of(kernel_l4_mfn())[256] & PTE_ADDR;
    batch[0].val = 0;
    expect(update(1, &done, DOMID_SELF) < 0, "the hypervisor's table written");
    batch[0].ptr = 0;
    expect(update(1, &done, DOMID_SELF) < 0, "frame 0 written");
    batch[0].ptr = 1UL << 50;
    expect(update(1, &done, DOMID_SELF) < 0, "no frame, and not refused");
    batch[0].ptr = data << 12;
    done = 77;
    expect(update(1, &done, 1234) < 0, "no such domain, and not refused");
    expect_eq(done, 0); /* kernels count on it */
    expect_eq(hypercall4(__HYPERVISOR_mmu_update, 0x10, 1, 0, DOMID_SELF),
              -EFAULT);
    expect_eq(hypercall4(__HYPERVISOR_mmu_update, HYPERVISOR_VIRT_START, 1, 0,
                         DOMID_SELF),
              -EFAULT);
}

/* All 512 entries of an empty L1, in one call: more than one hypervisor
 * slice's worth when an event is pending. */
static void test_many(void)
{
    static struct mmu_update many[512];
    unsigned long l1 = virt_to_mfn(alloc_table());
    uint64_t l2e = entry_maddr(kernel_l4_mfn(), VIRT_BASE + 0x20000000, 2);
    unsigned done = 0;
    long ret;

    expect_eq(mmu_update1(l2e, PTE(l1, FLAGS)), 0);
    for (unsigned i = 0; i < 512; i++) {
        many[i].ptr = (l1 << 12) + i * 8;
        many[i].val = PTE(pfn_to_mfn(i % 64), PTE_P | PTE_US);
    }
    for (unsigned turn = 0; turn < 20; turn++) {
        ret = hypercall4(__HYPERVISOR_mmu_update, many, 512, &done,
                         DOMID_SELF);
        expect_eq(ret, 0);
        expect_eq(done, 512);
    }
    for (unsigned i = 0; i < 512; i++)
        expect_eq(read_entry(many[i].ptr) & PTE_ADDR,
                  pfn_to_mfn(i % 64) << 12);
    expect_eq(mmu_update1(l2e, 0), 0);
}

void test_main(void)
{
    test_batch();
    test_kinds();
    test_refused();
    test_many();
}
