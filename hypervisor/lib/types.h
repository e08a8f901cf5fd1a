/*
 * Basic types of the whole hypervisor. Compiles on the host as well.
 *
 * Frame numbers and addresses of different spaces have different types, so
 * that mixing them is a compile error:
 *   mfn_t  machine frame number  - a 4 KiB frame of real memory
 *   pfn    pseudo-physical frame number of a domain (plain uint64_t; a guest's
 *          own business, the hypervisor only stores it in the M2P table)
 *   paddr_t  machine (physical) address in bytes
 *   vaddr_t  virtual address, guest's or ours
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;
typedef uint64_t s_time_t; /* nanoseconds of system time since boot */

typedef struct {
    uint64_t m;
} mfn_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_OFFSET(a) ((uint64_t)(a) & (PAGE_SIZE - 1))

#define INVALID_MFN ((mfn_t){~0UL})

static inline mfn_t mfn(uint64_t n)
{
    return (mfn_t){n};
}
static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.m == b.m;
}
static inline mfn_t mfn_add(mfn_t a, uint64_t n)
{
    return (mfn_t){a.m + n};
}
static inline bool mfn_is_invalid(mfn_t a)
{
    return a.m == ~0UL;
}
static inline paddr_t mfn_to_paddr(mfn_t a)
{
    return a.m << PAGE_SHIFT;
}
static inline mfn_t paddr_to_mfn(paddr_t a)
{
    return (mfn_t){a >> PAGE_SHIFT};
}

/* A set of physical CPUs; bit n is CPU n. */
#define MAX_CPUS 64
typedef uint64_t cpumask_t;
#define CPUMASK(cpu) (1UL << (cpu))

#define KiB 1024UL
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)

#define SECONDS(n) ((s_time_t)(n)*1000000000UL)
#define MILLISECS(n) ((s_time_t)(n)*1000000UL)
#define MICROSECS(n) ((s_time_t)(n)*1000UL)
#define STIME_MAX ((s_time_t)0x7fffffffffffffffUL)

#endif
