/*
 * Guest user mode: an address space of its own, without any of the kernel's
 * memory, entered through iret and left by whatever traps.
 */
#include "guest.h"

static unsigned long user_l4;
static void *code_page;

static unsigned long new_user_l4(void)
{
    unsigned long mfn;

#ifdef LOW
    mfn = kernel_l4_mfn();
#else
    mfn = virt_to_mfn(alloc_table());
    if (mmuext1(MMUEXT_PIN_L4_TABLE, mfn))
        error("the user L4 cannot be pinned");
#endif
    return mfn;
}

unsigned long user_l4_mfn(void)
{
    if (!user_l4) {
        user_l4 = new_user_l4();
        if (mmuext1(MMUEXT_NEW_USER_BASEPTR, user_l4))
            error("new_user_baseptr failed");
    }
    return user_l4;
}

long map_in(unsigned long l4, unsigned long va, uint64_t pte)
{
    uint64_t maddr;
    unsigned l;
    long ret;

    for (l = 4; l > 1; l--) {
        maddr = entry_maddr(l4, va, l);
        if (read_entry(maddr) & PTE_P)
            continue;
        ret = mmu_update1(maddr, PTE(virt_to_mfn(alloc_table()),
                                     PTE_P | PTE_RW | PTE_US | PTE_AD));
        if (ret)
            return ret;
    }
    return mmu_update1(entry_maddr(l4, va, 1), pte);
}

long user_map(unsigned long va, uint64_t pte)
{
    return map_in(user_l4_mfn(), va, pte);
}

long kernel_map(unsigned long va, uint64_t pte)
{
    return map_in(kernel_l4_mfn(), va, pte);
}

static void user_init(void)
{
    void *stack;
    uint64_t flags = PTE_P | PTE_US | PTE_AD;

    if (code_page)
        return;
    code_page = alloc_page();
    stack = alloc_page();
    if (user_map(USER_CODE, PTE(virt_to_mfn(code_page), flags)))
        error("user code page cannot be mapped");
    if (user_map(USER_STACK - PAGE_SIZE,
                 PTE(virt_to_mfn(stack), flags | PTE_RW)))
        error("user stack page cannot be mapped");
}

void run_user(const void *code, size_t size, unsigned long arg,
              struct trap_frame *out)
{
    const uint64_t frame[] = {USER_CODE, FLAT_USER_CS | 3, 2, USER_STACK,
                              FLAT_USER_SS | 3};

    user_init();
    memset(code_page, 0xcc, PAGE_SIZE);
    memcpy(code_page, code, size);
    run_user_frame(frame, arg, out);
}
