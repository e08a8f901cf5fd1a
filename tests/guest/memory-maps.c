/* memory_op: the maps, exchange, and the M2P table's whereabouts. */
#include "guest.h"
const char test_title[] = "memory maps and exchange";

struct e820 {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

static struct e820 map[128];

static long memory_op(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_memory_op, cmd, arg);
}

static unsigned read_map(unsigned cmd)
{
    struct xen_memory_map m = {.nr_entries = 128};
    long ret;

    set_xen_guest_handle_raw(m.buffer, map);
    ret = memory_op(cmd, &m);
    if (ret) {
        failure("operation %u gave %ld", cmd, ret);
        return 0;
    }
    return m.nr_entries;
}

static void test_machine_map(void)
{
    struct xen_memory_map m = {.nr_entries = 1};
    unsigned n = read_map(XENMEM_machine_memory_map);
    uint64_t end = 0, ram = 0;

    expect(n >= 3, "%u entries", n);
    for (unsigned i = 0; i < n; i++) {
        expect(map[i].addr >= end, "entry %u begins at %#lx, before %#lx", i,
               map[i].addr, end);
        end = map[i].addr + map[i].size;
        expect(map[i].type >= 1 && map[i].type <= 8, "type %u", map[i].type);
        if (map[i].type == 1)
            ram += map[i].size;
    }
    expect(ram > 200UL << 20, "%lu MiB of RAM", ram >> 20);
    /* One entry's room: one entry, or refused. */
    memset(map, 0x77, sizeof(map));
    set_xen_guest_handle_raw(m.buffer, map);
    memory_op(XENMEM_machine_memory_map, &m);
    expect_eq(map[1].addr, 0x7777777777777777UL);
}

static void test_m2p(void)
{
    struct xen_machphys_mapping m;
    xen_pfn_t first[4] = {0};
    struct xen_machphys_mfn_list list = {.max_extents = 4};
    long top = memory_op(XENMEM_maximum_ram_page, NULL);

    expect_eq(memory_op(XENMEM_machphys_mapping, &m), 0);
    expect_eq(m.v_start, MACH2PHYS_VIRT_START);
    expect(m.v_end > m.v_start && m.v_end <= MACH2PHYS_VIRT_END,
           "M2P ends at %#lx", m.v_end);
    expect(top > 0xc000 && top <= 0x110000, "highest page %#lx",
           (unsigned long)top);
    expect(m.max_mfn + 1 >= (unsigned long)top, "max_mfn %#lx", m.max_mfn);
    set_xen_guest_handle(list.extent_start, first);
    expect_eq(memory_op(XENMEM_machphys_mfn_list, &list), 0);
    expect(list.nr_extents >= 1, "%u extents", list.nr_extents);
    expect(first[0] != 0, "M2P lies at frame 0");
}

static bool is_among(xen_pfn_t mfn, const xen_pfn_t *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (list[i] == mfn)
            return true;
    return false;
}

/* Eight pages for others at the same PFNs. */
static void test_exchange(void)
{
    struct xen_memory_exchange x;
    xen_pfn_t in[8], out[8];
    char *pages[8];

    for (unsigned i = 0; i < 8; i++) {
        pages[i] = alloc_page();
        in[i] = virt_to_mfn(pages[i]);
        out[i] = virt_to_pfn(pages[i]);
        expect_eq(update_va((unsigned long)pages[i], 0, UVMF_INVLPG), 0);
    }
    memset(&x, 0, sizeof(x));
    x.in.nr_extents = x.out.nr_extents = 8;
    x.in.domid = x.out.domid = DOMID_SELF;
    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    expect_eq(memory_op(XENMEM_exchange, &x), 0);
    expect_eq(x.nr_exchanged, 8);
    for (unsigned i = 0; i < 8; i++) {
        expect_eq(machine_to_phys_mapping[out[i]], virt_to_pfn(pages[i]));
        expect(update_va((unsigned long)pages[i],
                         PTE(in[i], PTE_P | PTE_RW | PTE_AD), 0) < 0 ||
                   is_among(in[i], out, 8),
               "frame %#lx is still ours", in[i]);
        expect_eq(update_va((unsigned long)pages[i],
                            PTE(out[i], PTE_P | PTE_RW | PTE_AD),
                            UVMF_INVLPG),
                  0);
        pages[i][9] = 9;
    }
    /* A frame that is not ours: nothing is taken. */
    in[0] = out[0];
    in[1] = (table_of(kernel_l4_mfn())[256] & PTE_ADDR) >> 12;
    x.nr_exchanged = 0;
    x.in.nr_extents = x.out.nr_extents = 2;
    expect(memory_op(XENMEM_exchange, &x) < 0, "a foreign frame was exchanged");
    pages[0][5] = 5;
    expect_eq(pages[0][5], 5);
}

static long current_pages(void)
{
    static domid_t self = DOMID_SELF;

    return memory_op(XENMEM_current_reservation, &self);
}

/* Two frames for one pair; the second is in use: the first one stays, too. */
static void test_exchange_failed(void)
{
    xen_pfn_t in[2], out[1];
    struct xen_memory_exchange x = {
        .in = {.nr_extents = 2, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF}};
    char *page = alloc_page();
    uint64_t pte = read_pte(page);
    long before = current_pages();

    in[0] = virt_to_mfn(page);
    in[1] = virt_to_mfn(alloc_page());
    out[0] = virt_to_pfn(page);
    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    expect_eq(update_va((unsigned long)page, 0, UVMF_INVLPG), 0);
    expect(memory_op(XENMEM_exchange, &x) < 0, "a frame in use was exchanged");
    expect_eq(current_pages(), before);
    expect_eq(update_va((unsigned long)page, pte, UVMF_INVLPG), 0);
    page[1] = 1;
    /* One for two, and a list begun behind its end: nothing changes. */
    x.in.nr_extents = 1;
    expect_eq(memory_op(XENMEM_exchange, &x), -EINVAL);
    x.in.nr_extents = 2;
    x.nr_exchanged = 3;
    expect_eq(memory_op(XENMEM_exchange, &x), -EINVAL);
    x.nr_exchanged = 0;
    x.out.extent_order = 40;
    expect(memory_op(XENMEM_exchange, &x) < 0, "order 40");
    expect_eq(current_pages(), before);
}

void test_main(void)
{
    test_machine_map();
    test_m2p();
    test_exchange();
    test_exchange_failed();
}
