/*
 * A small machine for the page-type engine: 64 frames, domains A and B and the
 * hypervisor's own (X), a TLB model (tlb_model.c), preemption on demand.
 */
#ifndef WORLD_H
#define WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/x86/map.h"
#include "lib/errno.h"
#include "mm/page_type.h"

#define FRAMES 64
#define CPUS   4

struct domain {
    uint16_t id;
    bool hardware, strict, linear;
    cpumask_t cpus;            /* may hold its translations */
    uint64_t io_first, io_end; /* device frames it may map */
    mfn_t released;            /* last descriptor_page_released */
    unsigned releases;
};
extern struct domain A, B, X;

/* Calls of l4_entry_replaced; of the last one, what the test looks for. */
struct replaced {
    unsigned calls, index;
    mfn_t l4, child; /* child is set by the test ... */
    unsigned types;  /* ... and held so many types then */
};
extern struct replaced replaced;

/* References that the test itself holds; the audit asks for them. */
struct external {
    uint32_t refs, types;
};
extern struct external external[FRAMES];

/* Run when the engine asks for a domain's hardware, i.e. in mid-operation. */
extern void (*hardware_hook)(void);

/* preempt_needed says yes at the n-th call from now; 0 never, -1 always. */
extern int preempt_at;
extern unsigned preempt_calls;

int world_setup(void **state);
/* A frame of its own for d, cleared. */
mfn_t new_frame(struct domain *d);
/* Memory lent by the hypervisor; writable or read-only. */
mfn_t lent_frame(struct domain *d, bool writable);
bool is_free(mfn_t m);

static inline pte_t *entries(mfn_t m)
{
    return map_frame(m);
}
static inline pte_t E(mfn_t m, uint64_t flags)
{
    return pte_make(m, flags | PTE_P);
}
static inline struct frame *F(mfn_t m)
{
    return frame_of(m);
}

/* Frame with nothing but an entry at index 0. */
mfn_t frame_with(struct domain *d, pte_t e);
/* An update of d's own by the short ways that mmu_update tries first. */
int short_update(mfn_t table, unsigned index, pte_t e, struct domain *d);
/* Every count is exact. */
void audit_ok(void);

/* Counts and states of all frames, without stamps. */
struct snapshot {
    uint64_t ref[FRAMES], type[FRAMES];
};
void snapshot(struct snapshot *s);
void assert_same(const struct snapshot *s);

/* Runs until it is not preempted any more. */
int pin_all(mfn_t m, unsigned level, struct domain *d);
int unpin_all(mfn_t m, struct domain *d);

/* Expects BUG while running `stmt`. */
extern jmp_buf *bug_hook;
#define assert_bug(stmt)                                                       \
    do {                                                                       \
        jmp_buf hook;                                                          \
        bug_hook = &hook;                                                      \
        if (!setjmp(hook)) {                                                   \
            stmt;                                                              \
            fail_msg("no BUG");                                                \
        }                                                                      \
        bug_hook = NULL;                                                       \
    } while (0)

/* ---- tlb_model.c ---- */
extern unsigned flushes;     /* calls of tlb_flush_cpus */
extern cpumask_t flushed;    /* CPUs of the last one */
extern unsigned clock_stuck; /* flushes that do not advance the clock */
/* Called once, between the next read of the clock and what follows it. */
extern void (*after_clock)(void);
void tlb_reset(void);
/* All CPUs load whatever they may from the live tables. */
void tlb_fill(void);
/* No CPU holds a translation that contradicts a frame's type. */
void tlb_check(void);
/* The domain moves to other CPUs. */
void tlb_move(struct domain *d, cpumask_t cpus);
/* A CPU loads the translation of one entry of a table of d. */
void tlb_touch(unsigned cpu, pte_t e, unsigned level);

extern const struct CMUnitTest refs_tests[], types_tests[], l1_tests[],
    tree_tests[], preempt_tests[], update_tests[], pin_tests[], desc_tests[],
    tlb_tests[], audit_tests[], random_tests[], explore_tests[];
#define TEST(f) cmocka_unit_test_setup(f, world_setup)
#define TESTS_END                                                              \
    {                                                                          \
        .name = NULL                                                           \
    }

#endif
