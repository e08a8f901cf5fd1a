/*
 * Pseudo-physical memory: M2P and P2M are inverse for all frames, the guest
 * may change the M2P entry of its own frames only. Checklist row 64.
 */
#include "guest.h"
const char test_title[] = "M2P and P2M";

static void test_inverse(void)
{
    unsigned long bad = 0;

    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        if (machine_to_phys_mapping[pfn_to_mfn(pfn)] != pfn && bad++ < 5)
            print("PFN %#lx is MFN %#lx, but M2P says %#lx", pfn,
                  pfn_to_mfn(pfn), machine_to_phys_mapping[pfn_to_mfn(pfn)]);
    expect_eq(bad, 0);
}

/* No frame is given twice. */
static void test_distinct(void)
{
    unsigned long *seen = alloc_page();
    unsigned long top = 0, twice = 0;

    for (unsigned i = 0; i < 7; i++)
        alloc_page(); /* the pages after seen: 32 KiB, a bit each frame */
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++) {
        unsigned long mfn = pfn_to_mfn(pfn);

        if (mfn >= 8 * PAGE_SIZE * 8)
            error("MFN %#lx beyond 1 GiB", mfn);
        twice += seen[mfn / 64] >> (mfn % 64) & 1;
        seen[mfn / 64] |= 1UL << (mfn % 64);
        if (mfn > top)
            top = mfn;
    }
    expect_eq(twice, 0);
    print("%lu frames, the highest %#lx", start_info->nr_pages, top);
}

static long m2p_update(unsigned long mfn, unsigned long pfn)
{
    return mmu_update1(mfn << 12 | MMU_MACHPHYS_UPDATE, pfn);
}

static void test_update(void)
{
    unsigned long pfn = alloc_pfn(), mfn = pfn_to_mfn(pfn);

    expect_eq(m2p_update(mfn, 0x1234567), 0);
    expect_eq(machine_to_phys_mapping[mfn], 0x1234567);
    expect_eq(m2p_update(mfn, pfn), 0);
    expect_eq(machine_to_phys_mapping[mfn], pfn);
}

/* A frame between ours that is not ours: the hypervisor's. */
static unsigned long foreign_frame(void)
{
    uint64_t slot = read_entry(entry_maddr(kernel_l4_mfn(),
                                           HYPERVISOR_VIRT_START, 4));

    return (slot & PTE_ADDR) >> 12;
}

static void test_foreign(void)
{
    unsigned long mfn = foreign_frame();

    print("the hypervisor's frame is %#lx", mfn);
    expect(m2p_update(mfn, 1) < 0, "a foreign frame's entry was changed");
    expect(m2p_update(0, 1) < 0, "frame 0's entry was changed");
    expect(m2p_update(1UL << 39, 1) < 0, "no frame, and not refused");
    expect(m2p_update(PTE_ADDR >> 12, 1) < 0, "no frame, and not refused");
}

void test_main(void)
{
    test_inverse();
    test_distinct();
    test_update();
    test_foreign();
}
