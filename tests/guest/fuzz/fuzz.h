/*
 * The hypercall fuzzer: a test kernel whose vCPUs make random hypercalls that
 * look right at first sight, on the same few pages, ports and vCPUs, with
 * hostile pointers, sizes and frame numbers in between. The hypervisor must
 * survive, and its audit must find all counts right.
 *
 * Command line (of the domain): seed=N seconds=N calls=N vcpus=N trace
 *
 * What the fuzzer never does, so that it stays alive itself: name one of its
 * own kernel's frames or addresses, change what its traps need without setting
 * it right at once, shut down. Each vCPU's calls follow from the seed alone;
 * what becomes of them depends on the race between vCPUs (vcpus=1: exact).
 *
 *   main.c      the vCPUs' loop, multicalls, statistics
 *   values.c    numbers, frames, entries, pointers
 *   memory.c    page tables, reservations, grants
 *   others.c    events, vCPUs, traps, descriptors, devices
 *   control.c   other domains, and what the tools ask
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "guest.h"

#define RACERS 2          /* vCPUs 0 and 1 fuzz, 2 and 3 are fuzzed */
#define POOL 48           /* pages that may become anything */
#define LATE_PAGES 16     /* the kernel's, too: vCPU 1's stack comes later */
#define ARENA_PAGES 8     /* a vCPU's pages for arguments */
#define RACE_PAGES 4      /* of them: others may write there meanwhile */
#define WINDOW 0x0000028000000000UL /* L4 slots 5 to 8 are the fuzzer's */
#define WINDOW_SLOT 5
#define WINDOW_SLOTS 4
#define WEIRD 16          /* one in so many values is hostile */

struct call {
    unsigned op;
    unsigned long a[5];
    bool restore; /* traps, callbacks: set them right afterwards */
    bool alone;   /* not within a multicall */
    /* What to note from a call that went well; list as it is then. */
    void (*then)(const struct call *c, long ret);
    unsigned long list;
    unsigned first, n;
};

/* A vCPU that fuzzes. */
struct fuzz {
    unsigned id;
    uint64_t state; /* of the random numbers */
    char *arena, *race;
    char *sink; /* as large as an arena: what is answered, never an argument */
    size_t arena_used, race_used;
    unsigned long calls;
};

struct page {
    char *va;
    unsigned long pfn;
    volatile unsigned long mfn;
};
extern struct page pool[POOL];
extern unsigned long alt_l4; /* a base pointer as good as the kernel's */
extern struct fuzz fuzzers[RACERS];

/* ---- values.c ---- */
void values_init(void);
uint64_t rnd(struct fuzz *z);
static inline unsigned below(struct fuzz *z, unsigned n)
{
    return (unsigned)(rnd(z) >> 33) % n;
}
static inline bool chance(struct fuzz *z, unsigned one_in)
{
    return !below(z, one_in);
}
uint64_t any_number(struct fuzz *z);
/* A frame that is none of the kernel's. */
unsigned long any_mfn(struct fuzz *z);
unsigned long pool_mfn(struct fuzz *z);
bool is_kernel_mfn(unsigned long mfn);
uint64_t any_pte(struct fuzz *z);
/* The machine address of an entry of a pool page. */
uint64_t any_entry_maddr(struct fuzz *z);
/* An address in pool, arena or window, or a hostile one; not the kernel's. */
unsigned long any_va(struct fuzz *z);
/* One that cannot be written; and one that gives garbage or a fault. */
unsigned long bad_pointer(struct fuzz *z);
unsigned long odd_pointer(struct fuzz *z);
unsigned any_domid(struct fuzz *z);
unsigned any_port(struct fuzz *z);
void note_port(unsigned port);
unsigned any_vcpu(struct fuzz *z);
/* Whatever a 64-bit field may hold. */
uint64_t any_word(struct fuzz *z);
/*
 * Copies an argument to where the hypercall finds it, sometimes somewhere
 * hostile. put_racy: where other vCPUs write at the same time. put_safe: in
 * the arena in any case.
 */
unsigned long put(struct fuzz *z, const void *data, size_t n);
unsigned long put_racy(struct fuzz *z, const void *data, size_t n);
unsigned long put_safe(struct fuzz *z, const void *data, size_t n);
/* Room for n bytes of output. */
unsigned long room(struct fuzz *z, size_t n);
extern char fuzz_copy_insn[], fuzz_copy_done[];
/* Reads or writes what may not be mapped; false: it was not. */
bool peek(void *to, unsigned long va, size_t n);
bool poke(unsigned long va, const void *from, size_t n);
/* Writes some random word to a pool page, the window, or a racing arena. */
void poke_something(struct fuzz *z);
/* Nanoseconds since the machine started, whatever the shared page says. */
uint64_t time_now(void);

/* ---- memory.c, others.c: make one call ---- */
typedef void make_fn(struct fuzz *z, struct call *c);
struct maker {
    make_fn *make;
    unsigned weight;
};
extern const struct maker memory_makers[], other_makers[]; /* end: NULL */
make_fn make_domctl, make_sysctl, make_hvm_op; /* control.c */
/* One of the domains that control.c has made; or an id like theirs. */
unsigned any_child(struct fuzz *z);
void others_init(void);
void grants_init(void);
void poke_grant(struct fuzz *z);
/* Traps and callbacks as the kernel needs them; on the vCPU itself. */
void restore_traps(void);
bool fuzz_trap(struct trap_frame *f);

#endif
