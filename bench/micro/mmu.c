/* Page-table entries, address spaces and translations. */
#include "micro.h"

#define MAX_BATCH 128
static struct mmu_update batch[MAX_BATCH];
static uint64_t entries[2]; /* two pages to map by turns */
static unsigned turn;

static bool prepare(void)
{
    entries[0] = PTE(spare_mfn(0), DATA);
    entries[1] = PTE(spare_mfn(1), DATA);
    window_entry(0);
    return true;
}

static void next_turn(void)
{
    turn ^= 1;
}

static long update_va_none(void)
{
    return update_va(WINDOW, entries[turn], UVMF_NONE);
}

static long update_va_invlpg(void)
{
    return update_va(WINDOW, entries[turn], UVMF_INVLPG);
}

static long update_va_clear(void)
{
    return update_va(WINDOW, 0, UVMF_INVLPG);
}

static long update_va_set(void)
{
    return update_va(WINDOW, entries[0], UVMF_NONE);
}

static void clear_now(void)
{
    update_va_clear();
}

static void set_now(void)
{
    update_va_set();
}

/* The same page, writable or not. */
static long update_va_protect(void)
{
    return update_va(WINDOW, entries[0] & ~(turn ? PTE_RW : 0), UVMF_INVLPG);
}

static void fill_batch(void)
{
    next_turn();
    for (unsigned i = 0; i < MAX_BATCH; i++) {
        batch[i].ptr = window_entry(i);
        batch[i].val = entries[turn];
    }
}

static long do_batch(unsigned n)
{
    unsigned done = 0;

    return hypercall4(__HYPERVISOR_mmu_update, batch, n, &done, DOMID_SELF);
}

static long batch_1(void)
{
    return do_batch(1);
}

static long batch_8(void)
{
    return do_batch(8);
}

static long batch_32(void)
{
    return do_batch(32);
}

static long batch_128(void)
{
    return do_batch(128);
}

/* 32 new mappings where nothing was, as in fork. */
static void fill_new(void)
{
    for (unsigned i = 0; i < MAX_BATCH; i++) {
        batch[i].ptr = window_entry(i);
        batch[i].val = 0;
    }
    do_batch(32);
    for (unsigned i = 0; i < MAX_BATCH; i++)
        batch[i].val = entries[0];
}

static void fill_zero(void)
{
    fill_new();
    do_batch(32);
    for (unsigned i = 0; i < MAX_BATCH; i++)
        batch[i].val = 0;
}

static void fill_preserve(void)
{
    for (unsigned i = 0; i < MAX_BATCH; i++) {
        batch[i].ptr = window_entry(i) | MMU_PT_UPDATE_PRESERVE_AD;
        batch[i].val = entries[0] & ~(turn ? PTE_RW : 0);
    }
    next_turn();
}

static void fill_m2p(void)
{
    for (unsigned i = 0; i < MAX_BATCH; i++) {
        batch[i].ptr = (uint64_t)spare_mfn(i) << 12 | MMU_MACHPHYS_UPDATE;
        batch[i].val = start_info->nr_pages - 1 - i;
    }
}

static volatile uint64_t *live; /* our read-only view of the window's L1 */

static bool prepare_live(void)
{
    uint64_t at;

    prepare();
    at = window_entry(0);
    live = (volatile uint64_t *)(uintptr_t)&table_of(at >> 12)[(at & 4095) / 8];
    return true;
}

static long trapped_write(void)
{
    *live = entries[turn];
    return 0;
}

static long trapped_xchg(void)
{
    uint64_t v = entries[turn];

    __asm__ volatile("xchgq %0,%1" : "+r"(v), "+m"(*live));
    return 0;
}

static long trapped_clear(void)
{
    *live = 0;
    return 0;
}

static void live_set(void)
{
    *live = entries[0];
}

static unsigned long other_l4, user_l4;

/* An L4 that maps all that the kernel's does. */
static unsigned long copy_l4(void)
{
    const uint64_t *from = table_of(kernel_l4_mfn());
    uint64_t *to = alloc_page();

    for (unsigned i = 0; i < 512; i++)
        if (i < 256 || i > 271)
            to[i] = from[i];
    if (set_readonly(to) ||
        mmuext1(MMUEXT_PIN_L4_TABLE, virt_to_mfn(to)))
        error("the second L4 cannot be pinned");
    return virt_to_mfn(to);
}

static bool prepare_l4(void)
{
    if (!other_l4)
        other_l4 = copy_l4();
    user_l4 = user_l4_mfn();
    return true;
}

static long new_base(void)
{
    long ret = mmuext1(MMUEXT_NEW_BASEPTR, other_l4);

    return ret ? ret : mmuext1(MMUEXT_NEW_BASEPTR, kernel_l4_mfn());
}

static long new_user_base(void)
{
    long ret = mmuext1(MMUEXT_NEW_USER_BASEPTR, other_l4);

    return ret ? ret : mmuext1(MMUEXT_NEW_USER_BASEPTR, user_l4);
}

static struct mmuext_op both[2];

static long both_bases(unsigned long kernel, unsigned long user)
{
    unsigned done = 0;

    both[0].cmd = MMUEXT_NEW_BASEPTR;
    both[0].arg1.mfn = kernel;
    both[1].cmd = MMUEXT_NEW_USER_BASEPTR;
    both[1].arg1.mfn = user;
    return hypercall4(__HYPERVISOR_mmuext_op, both, 2, &done, DOMID_SELF);
}

/* As a kernel does between two processes. */
static long switch_mm(void)
{
    long ret = both_bases(other_l4, other_l4);

    return ret ? ret : both_bases(kernel_l4_mfn(), user_l4);
}

static long flush_local(void)
{
    return mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

static long flush_all(void)
{
    return mmuext1(MMUEXT_TLB_FLUSH_ALL, 0);
}

static long invlpg(unsigned cmd)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.linear_addr = WINDOW};
    unsigned done = 0;

    return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF);
}

static long invlpg_local(void)
{
    return invlpg(MMUEXT_INVLPG_LOCAL);
}

static long invlpg_all(void)
{
    return invlpg(MMUEXT_INVLPG_ALL);
}

#define TURN .setup = prepare, .pre = next_turn
#define BATCH(n)                                                               \
    .op = batch_##n, .setup = prepare, .pre = fill_batch, .units = n
const struct bench mmu_benches[] = {
    {.name = "update_va_mapping", .op = update_va_none, TURN},
    {.name = "update_va_mapping_invlpg", .op = update_va_invlpg, TURN},
    {.name = "update_va_mapping_set",
     .op = update_va_set,
     .setup = prepare,
     .pre = clear_now},
    {.name = "update_va_mapping_clear",
     .op = update_va_clear,
     .setup = prepare,
     .pre = set_now},
    {.name = "update_va_mapping_protect", .op = update_va_protect, TURN},
    {.name = "mmu_update_1", BATCH(1)},
    {.name = "mmu_update_8", BATCH(8)},
    {.name = "mmu_update_32", BATCH(32)},
    {.name = "mmu_update_128", BATCH(128)},
    {.name = "mmu_update_new_32",
     .op = batch_32,
     .setup = prepare,
     .pre = fill_new,
     .units = 32},
    {.name = "mmu_update_clear_32",
     .op = batch_32,
     .setup = prepare,
     .pre = fill_zero,
     .units = 32},
    {.name = "mmu_update_preserve_32",
     .op = batch_32,
     .setup = prepare,
     .pre = fill_preserve,
     .units = 32},
    {.name = "mmu_update_m2p_32",
     .op = batch_32,
     .setup = prepare,
     .pre = fill_m2p,
     .units = 32},
    {.name = "trapped_pte_write",
     .op = trapped_write,
     .setup = prepare_live,
     .pre = next_turn},
    {.name = "trapped_pte_xchg",
     .op = trapped_xchg,
     .setup = prepare_live,
     .pre = next_turn},
    {.name = "trapped_pte_clear",
     .op = trapped_clear,
     .setup = prepare_live,
     .pre = live_set},
    {.name = "new_baseptr", .op = new_base, .setup = prepare_l4, .units = 2},
    {.name = "new_user_baseptr",
     .op = new_user_base,
     .setup = prepare_l4,
     .units = 2},
    {.name = "switch_mm", .op = switch_mm, .setup = prepare_l4, .units = 2},
    {.name = "tlb_flush_local", .op = flush_local},
    {.name = "tlb_flush_all", .op = flush_all},
    {.name = "invlpg_local", .op = invlpg_local, .setup = prepare},
    {.name = "invlpg_all", .op = invlpg_all, .setup = prepare},
    {.name = NULL},
};
