/*
 * All access to guest virtual memory, in the address space that is loaded.
 *
 * A guest address is accepted if the whole range lies outside the hypervisor's
 * own part of the address space; a fault during the copy is caught. Each
 * function returns the number of bytes NOT copied: 0 is success, anything else
 * is -EFAULT to the guest. Copies are done once, front to back; what was read
 * is never read again. May be called with interrupts on or off.
 */
#ifndef ARCH_X86_USERCOPY_H
#define ARCH_X86_USERCOPY_H

#include "arch/x86/layout.h"
#include "lib/compiler.h"
#include "lib/types.h"

/* True if [va, va+n) is wholly the guest's (canonical and not ours). */
static inline bool guest_range_ok(vaddr_t va, size_t n)
{
    if (va < (1UL << 47))
        return n <= (1UL << 47) - va;
    return va >= HYP_VIRT_END && n <= -va;
}

/*
 * Enough for accesses that begin at va, go upwards and may fault: past 2^47
 * the CPU faults, past the top of the address space it goes on at 0. Neither
 * is ours. (Bits 63..43 as a signed number are from -15 to 15.)
 */
static __always_inline bool guest_start_ok(vaddr_t va)
{
    return (uint64_t)((int64_t)va >> 43) + 15 <= 30;
}

size_t __must_check clear_guest_va(vaddr_t dst, size_t n);

#ifdef HOST_SHIM
size_t __must_check copy_from_guest_va(void *dst, vaddr_t src, size_t n);
size_t __must_check copy_to_guest_va(vaddr_t dst, const void *src, size_t n);
#else
size_t __must_check copy_from_guest_any(void *dst, vaddr_t src, size_t n);
size_t __must_check copy_to_guest_any(vaddr_t dst, const void *src, size_t n);

/*
 * usercopy.S: copies of the sizes that most arguments of hypercalls have, with
 * the check of the range. True: a fault, or not the guest's.
 */
#define USERCOPY_FIXED(n)                                                      \
    bool usercopy_from_##n(void *dst, vaddr_t src);                            \
    bool usercopy_to_##n(vaddr_t dst, const void *src);
#define USERCOPY_SIZES(x) x(2) x(4) x(8) x(16) x(24) x(32) x(40) x(48)
USERCOPY_SIZES(USERCOPY_FIXED)

/* A fault in a copy of such a size counts all of it as not copied. */
static __always_inline size_t __must_check
copy_from_guest_va(void *dst, vaddr_t src, size_t n)
{
#define USERCOPY_CASE(size)                                                    \
    if (__builtin_constant_p(n) && n == size)                                  \
        return usercopy_from_##size(dst, src) ? n : 0;
    USERCOPY_SIZES(USERCOPY_CASE)
#undef USERCOPY_CASE
    return copy_from_guest_any(dst, src, n);
}

static __always_inline size_t __must_check
copy_to_guest_va(vaddr_t dst, const void *src, size_t n)
{
#define USERCOPY_CASE(size)                                                    \
    if (__builtin_constant_p(n) && n == size)                                  \
        return usercopy_to_##size(dst, src) ? n : 0;
    USERCOPY_SIZES(USERCOPY_CASE)
#undef USERCOPY_CASE
    return copy_to_guest_any(dst, src, n);
}
#endif

/*
 * Typed forms on the ABI's XEN_GUEST_HANDLE types; `off` counts elements.
 *   copy_from_guest(&x, hnd)             one element
 *   copy_from_guest_offset(p, hnd, off, n)
 */
#define guest_handle_va(hnd, off) ((vaddr_t)((hnd).p + (off)))
#define guest_handle_is_null(hnd) ((hnd).p == NULL)
#define copy_from_guest_offset(dst, hnd, off, n)                               \
    copy_from_guest_va((dst), guest_handle_va(hnd, off),                       \
                       sizeof(*(dst)) * (size_t)(n))
#define copy_to_guest_offset(hnd, off, src, n)                                 \
    copy_to_guest_va(guest_handle_va(hnd, off), (src),                         \
                     sizeof(*(src)) * (size_t)(n))
#define copy_from_guest(dst, hnd, n) copy_from_guest_offset(dst, hnd, 0, n)
#define copy_to_guest(hnd, src, n) copy_to_guest_offset(hnd, 0, src, n)

/*
 * Single words on the fast paths: the caller has checked the range and opened
 * the window (stac, smap.h); a fault goes to the label, window still open.
 */
#define PUT_GUEST(addr, val, fault)                                            \
    __asm__ goto("1: movq %0, %1\n\t"                                          \
                 ".pushsection .ex_table, \"a\", @progbits\n\t"                \
                 ".long 1b - ., %l[" #fault "] - .\n\t"                        \
                 ".popsection" ::"r"((uint64_t)(val)),                         \
                 "m"(*(uint64_t *)(addr))                                      \
                 : "memory"                                                    \
                 : fault)
#define GET_GUEST(val, addr, fault)                                            \
    do {                                                                       \
        uint64_t got_;                                                         \
        __asm__ goto("1: movq %1, %0\n\t"                                      \
                     ".pushsection .ex_table, \"a\", @progbits\n\t"            \
                     ".long 1b - ., %l[" #fault "] - .\n\t"                    \
                     ".popsection"                                             \
                     : "=r"(got_)                                              \
                     : "m"(*(const uint64_t *)(addr))                          \
                     : "memory"                                                \
                     : fault);                                                 \
        (val) = got_;                                                          \
    } while (0)

#endif
