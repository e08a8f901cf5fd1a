/*
 * Frames from the heap: a buddy allocator (orders 0..20, mm/buddy.h) under one
 * lock, with a small per-CPU cache of single frames in front.
 *
 * Frames come with references 0 -> 1 and no type. A frame whose old mappings
 * may linger in a TLB (its stamp says) is flushed before it is handed out.
 *
 * Owners of memory that is no guest's: private memory of the hypervisor and
 * free frames belong to DOMID_IDLE, which nobody can name, so that no mapping
 * of them can be made; DOMID_XEN owns what the hypervisor shows to privileged
 * domains (the M2P, with SHARE_RO); DOMID_IO owns frames that are not RAM.
 */
#ifndef MM_ALLOC_H
#define MM_ALLOC_H

#include "lib/heap.h"
#include "lib/types.h"
#include "mm/frame.h"

#define MAX_ORDER 20

/*
 * Memory of the hypervisor itself: 2^order frames, mapped at the returned
 * address, not cleared (zalloc, in lib/heap.h with the small objects: cleared).
 * NULL if there is none. What is freed is cleared then.
 */
void *xenheap_alloc(unsigned order);
void xenheap_free(void *p, unsigned order);
mfn_t virt_to_mfn(const void *p); /* of xenheap memory */
void *mfn_to_virt(mfn_t m);       /* of xenheap memory */

/*
 * Memory of a domain: 2^order frames assigned to d (list, tot_pages). Contents
 * cleared, or what d itself left in them; undefined with MEMF_NO_SCRUB.
 * MEMF_ADDR_BITS(n): below 2^n bytes (0 = any).
 * INVALID_MFN: no memory, beyond d->max_pages, or d is dying.
 *
 * MEMF_NO_REFCOUNT: the frames stay without owner, references 0 and count for
 * nobody; frame_assign or domheap_free_unowned must follow. d may be NULL.
 */
#define MEMF_NO_SCRUB 1u
#define MEMF_NO_REFCOUNT 2u
#define MEMF_ADDR_BITS(n) ((unsigned)(n) << 8)
mfn_t domheap_alloc(struct domain *d, unsigned order, unsigned memf);
void domheap_free_unowned(mfn_t m, unsigned order);
/*
 * Puts a frame without owner and references (from MEMF_NO_REFCOUNT or
 * frame_steal) under d. -ENOMEM beyond d->max_pages; -EINVAL d is dying.
 */
int frame_assign(struct domain *d, struct frame *f);
/*
 * Takes a frame away from d and its accounts; it then has no owner. The caller
 * must hold the only reference beside the owner's; it is used up.
 * -EINVAL not d's or lent by the hypervisor; -EBUSY mapped or typed.
 */
int frame_steal(struct domain *d, struct frame *f);

/*
 * Lends one xenheap page to d: it may map it (writable or not), it cannot
 * become a table. xenheap_unshare_free: takes it back from d (which can make no
 * new mapping then); the frame is freed when the guest's last mapping goes.
 */
enum share_mode { SHARE_RW, SHARE_RO };
void xenheap_share(void *page, struct domain *d, enum share_mode mode);
void xenheap_unshare_free(void *page, struct domain *d);

uint64_t heap_free_frames(void);
/* Frames that CPUs keep for their own quick use go back to the heap. */
void heap_drain_caches(void);
uint64_t heap_total_frames(void);
uint64_t heap_claimed_frames(void);
/*
 * Debug builds: the number of frames and small objects that nobody knows any
 * more or that accounts disagree about, after printing the first ones; see
 * heap_audit.c. No vCPU may run but the caller's. 0 in other builds.
 */
#ifdef DEBUG
uint64_t heap_audit(void);
#else
static inline uint64_t heap_audit(void)
{
    return 0;
}
#endif

/*
 * Reserves memory for d to grow to `pages` frames (0: gives the claim up).
 * -EINVAL it has a claim already or owns more; -ENOMEM not enough.
 */
int heap_claim(struct domain *d, uint64_t pages);

void frame_table_init(void); /* frame table, M2P; from boot memory */
void heap_init(void);        /* takes over all free RAM */
/* Gives __init sections and modules back. Bytes; partial pages are kept. */
void heap_add_range(paddr_t start, paddr_t end);

/* ---- machine-to-physical table ---- */
#define INVALID_M2P_ENTRY (~0UL)
#ifndef HOST_SHIM
#include "arch/x86/layout.h"
#define m2p_table ((uint64_t *)M2P_RW_START)
#else
extern uint64_t *m2p_table;
#endif
static inline uint64_t m2p_get(mfn_t m)
{
    return m2p_table[m.m];
}
/* Only for RAM (mfn_valid): the entries of holes share read-only memory. */
static inline void m2p_set(mfn_t m, uint64_t pfn)
{
    m2p_table[m.m] = pfn;
}

/*
 * First frame of the 2 MiB of M2P that hold the entries from n * 2^18 on; 0 if
 * these describe no RAM or are beyond the end.
 */
mfn_t m2p_piece(uint64_t n);

#endif
