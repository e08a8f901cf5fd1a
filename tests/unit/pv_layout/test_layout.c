/*
 * Domain 0's layout: that nothing overlaps, that the tables suffice, and that
 * images and memories for which there is no room are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "domain/loader/layout.h"
#include "lib/errno.h"
#include <xen/elfnote.h>

#define KERNEL_BASE 0xffffffff80000000UL
#define P2M_BASE 0x8000000000UL
#define HOLE_START 0xffff800000000000UL
#define HOLE_END 0xffff880000000000UL

static struct xen_image_parms image(uint64_t base, uint64_t kend)
{
    return (struct xen_image_parms){.virt_base = base, .kend = kend};
}

static struct xen_image_parms linux_image(uint64_t kend)
{
    struct xen_image_parms p = image(KERNEL_BASE, kend);

    p.unmapped_initrd = true;
    p.present = 1u << XEN_ELFNOTE_INIT_P2M;
    p.init_p2m = P2M_BASE;
    return p;
}

struct range {
    uint64_t pfn, pages;
};

/* Every part within the domain, no two of them in the same frame. */
static void assert_disjoint(const struct pv_layout *l, uint64_t kend,
                            unsigned rings)
{
    const struct range part[] = {
        {0, (kend + 4095) / 4096},       {l->initrd_pfn, l->initrd_pages},
        {l->p2m_pfn, l->p2m_pages},      {l->p2m_pt_pfn, l->p2m_pt_pages},
        {l->start_info_pfn, 1},          {l->pt_pfn, l->pt_pages},
        {l->stack_pfn, 1},               {l->rings_pfn, rings},
    };
    const unsigned n = sizeof(part) / sizeof(part[0]);

    for (unsigned i = 0; i < n; i++) {
        assert_true(part[i].pfn + part[i].pages <= l->end_pfn);
        for (unsigned j = 0; j < i; j++)
            assert_true(!part[i].pages || !part[j].pages ||
                        part[i].pfn + part[i].pages <= part[j].pfn ||
                        part[j].pfn + part[j].pages <= part[i].pfn);
    }
}

static void assert_good(const struct pv_layout *l, uint64_t kend,
                        unsigned rings)
{
    uint64_t region = (l->virt_end - l->virt_base) / 4096;

    assert_disjoint(l, kend, rings);
    assert_true(l->end_pfn <= l->nr_pages);
    assert_true(region <= l->end_pfn);
    /* The ABI: 512 KiB behind the stack, up to a 4 MiB boundary. */
    if (region < l->nr_pages || l->p2m_separate) {
        assert_true(l->stack_pfn + 1 + 128 <= region);
        assert_int_equal(l->virt_end % (4UL << 20), 0);
    }
    /* An L4 and all below; the bootstrap part ends with the stack. */
    assert_true(l->pt_pages >= 1 + page_tables_for(l->virt_base, l->virt_end));
    assert_int_equal(l->stack_pfn, l->pt_pfn + l->pt_pages);
}

static void test_plain(void **state)
{
    struct xen_image_parms p = image(KERNEL_BASE, 0x123456);
    struct pv_layout l;

    (void)state;
    assert_int_equal(pv_layout(&l, &p, 0x50001, 65536, 0), 0);
    assert_good(&l, p.kend, 0);
    assert_true(l.initrd_mapped);
    assert_false(l.p2m_separate);
    assert_int_equal(l.initrd_pfn, 0x124);
    assert_int_equal(l.initrd_pages, 0x51);
    assert_int_equal(l.p2m_pfn, 0x124 + 0x51);
    assert_int_equal(l.p2m_pages, 128);
    assert_int_equal(l.p2m_virt, KERNEL_BASE + l.p2m_pfn * 4096);
}

static void test_linux(void **state)
{
    struct xen_image_parms p = linux_image(48UL << 20);
    struct pv_layout l;

    (void)state;
    assert_int_equal(pv_layout(&l, &p, 30UL << 20, 262144, 0), 0);
    assert_good(&l, p.kend, 0);
    assert_false(l.initrd_mapped);
    assert_int_equal(l.initrd_pfn, (l.virt_end - l.virt_base) / 4096);
    assert_int_equal(l.p2m_virt, P2M_BASE);
    assert_int_equal(l.p2m_pt_pages, 3);
}

/* All sizes of kernel, initrd and memory: good, or refused for its size. */
static void test_sizes(void **state)
{
    static const uint64_t kend[] = {1, 4096, 4097, 3UL << 20, 100UL << 20};
    static const uint64_t initrd[] = {0, 1, 4096, 50UL << 20, 3UL << 30};
    static const uint64_t nr[] = {0, 1, 2, 100, 1024, 8192, 1UL << 18,
                                  1UL << 24};

    (void)state;
    for (unsigned i = 0; i < 5 * 5 * 8 * 4; i++) {
        unsigned rings = i >= 400 ? PV_LAYOUT_RINGS : 0;
        uint64_t k = kend[i % 5], r = initrd[i / 5 % 5], n = nr[i / 25 % 8];
        struct xen_image_parms p =
            i / 200 % 2 ? linux_image(k) : image(0x1000000, k);
        struct pv_layout l;
        int rc = pv_layout(&l, &p, r, n, rings);

        if (rc == 0)
            assert_good(&l, k, rings);
        else
            assert_int_equal(rc, -ENOSPC);
        if (rc == -ENOSPC)
            assert_true(l.end_pfn > n);
        assert_true(rc || (k + r) / 4096 < n);
    }
}

/* What it says is needed is enough, and one less is not. */
static void test_exact(void **state)
{
    struct xen_image_parms p = image(KERNEL_BASE, 5UL << 20);
    struct pv_layout l;
    uint64_t need;

    (void)state;
    assert_int_equal(pv_layout(&l, &p, 1 << 20, 0, 0), -ENOSPC);
    /* Its P2M list grows with the memory: the first answer may fall short. */
    need = l.end_pfn;
    if (pv_layout(&l, &p, 1 << 20, need, 0) == -ENOSPC)
        need = l.end_pfn;
    assert_int_equal(pv_layout(&l, &p, 1 << 20, need, 0), 0);
    assert_int_equal(pv_layout(&l, &p, 1 << 20, need - 1, 0), -ENOSPC);
}

static void test_addresses(void **state)
{
    struct pv_layout l;
    struct xen_image_parms p;

    (void)state;
    /* Up to the very end of the address space, and not beyond. */
    p = image(0xffffffffffc00000UL, 1 << 20);
    assert_int_equal(pv_layout(&l, &p, 0, 4096, 0), 0);
    assert_int_equal(l.virt_end, 0);
    p = image(0xffffffffffc00000UL, 0x3f0000);
    assert_int_equal(pv_layout(&l, &p, 0, 4096, 0), -EINVAL);
    /* The kernel fits below the hole, its region does not. */
    p = image(0x7fffffc00000UL, 0x3f0000);
    assert_int_equal(pv_layout(&l, &p, 0, 4096, 0), -EINVAL);
    assert_int_equal(l.virt_end, l.virt_base);
    p = image(HOLE_END, 1 << 20);
    assert_int_equal(pv_layout(&l, &p, 0, 4096, 0), 0);
}

static int with_p2m_at(uint64_t virt, uint64_t nr_pages)
{
    struct xen_image_parms p = linux_image(1 << 20);
    struct pv_layout l;
    int rc;

    p.init_p2m = virt;
    rc = pv_layout(&l, &p, 0, nr_pages, 0);
    if (!rc)
        assert_true(l.p2m_pt_pages >=
                    page_tables_for(virt, virt + l.p2m_pages * 4096));
    return rc;
}

static void test_p2m_addresses(void **state)
{
    const uint64_t nr = 1 << 18, size = nr * 8; /* 2 MiB of list */

    (void)state;
    assert_int_equal(with_p2m_at(P2M_BASE, nr), 0);
    assert_int_equal(with_p2m_at(P2M_BASE, 0), -ENOSPC);
    /* In the region that holds the kernel, or reaching into it. */
    assert_int_equal(with_p2m_at(KERNEL_BASE + (2 << 20), nr), -EINVAL);
    assert_int_equal(with_p2m_at(KERNEL_BASE - size + 4096, nr), -EINVAL);
    assert_int_equal(with_p2m_at(KERNEL_BASE - size, nr), 0);
    assert_int_equal(with_p2m_at(KERNEL_BASE + (4 << 20), nr), 0);
    /* The hypervisor's, the hole, the end. */
    assert_int_equal(with_p2m_at((1UL << 47) - size, nr), 0);
    assert_int_equal(with_p2m_at((1UL << 47) - size + 4096, nr), -EINVAL);
    assert_int_equal(with_p2m_at(HOLE_START, nr), -EINVAL);
    assert_int_equal(with_p2m_at(HOLE_END - 4096, nr), -EINVAL);
    assert_int_equal(with_p2m_at(HOLE_END, nr), 0);
    assert_int_equal(with_p2m_at(-size, nr), 0);
    assert_int_equal(with_p2m_at(-size + 4096, nr), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),     cmocka_unit_test(test_linux),
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_exact),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_p2m_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
