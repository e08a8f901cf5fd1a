#include "arch/x86/usercopy.h"

/*
 * usercopy.S: no checks. Bytes not copied.
 */
size_t usercopy_raw(void *dst, const void *src, size_t n);
size_t userclear_raw(void *dst, size_t n);

size_t copy_from_guest_any(void *dst, vaddr_t src, size_t n)
{
    if (unlikely(!guest_range_ok(src, n)))
        return n;
    return usercopy_raw(dst, (const void *)src, n);
}

size_t copy_to_guest_any(vaddr_t dst, const void *src, size_t n)
{
    if (unlikely(!guest_range_ok(dst, n)))
        return n;
    return usercopy_raw((void *)dst, src, n);
}

size_t clear_guest_va(vaddr_t dst, size_t n)
{
    if (unlikely(!guest_range_ok(dst, n)))
        return n;
    return userclear_raw((void *)dst, n);
}
