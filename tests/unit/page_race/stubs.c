#include "race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/softirq.h"
#include "arch/x86/tlb.h"

static struct frame table_memory[FRAMES];
static uint8_t memory[FRAMES << PAGE_SHIFT] __aligned(4096);
struct frame *frame_table = table_memory;
uint64_t max_mfn = FRAMES;
uint8_t *host_memory = memory;
struct domain A = {.id = 1};
unsigned last_puts;

static uint32_t now = 1;
static uint32_t cpu_stamp[CPUS];
static uint32_t cached[CPUS][FRAMES];

void race_setup(void)
{
    memset(memory, 0, sizeof(memory));
    memset(cpu_stamp, 0, sizeof(cpu_stamp));
    memset(cached, 0, sizeof(cached));
    now = 1;
    last_puts = 0;
    for (unsigned i = 0; i < FRAMES; i++)
        table_memory[i] = (struct frame){.ref = FRAME_ALLOCATED |
                                                (1UL << REF_OWNER_SHIFT) | 1};
}

void tlb_cache(unsigned c, mfn_t m)
{
    __atomic_store_n(&cached[c][m.m], 1, __ATOMIC_SEQ_CST);
}

cpumask_t tlb_holders(mfn_t m)
{
    cpumask_t holders = 0;

    for (unsigned c = 0; c < CPUS; c++)
        if (__atomic_load_n(&cached[c][m.m], __ATOMIC_SEQ_CST))
            holders |= CPUMASK(c);
    return holders;
}

uint32_t tlb_clock(void)
{
    return __atomic_load_n(&now, __ATOMIC_SEQ_CST);
}

cpumask_t tlb_filter(cpumask_t cpus, uint32_t stamp)
{
    cpumask_t need = 0;

    for (unsigned c = 0; c < CPUS; c++)
        if ((cpus & CPUMASK(c)) &&
            __atomic_load_n(&cpu_stamp[c], __ATOMIC_SEQ_CST) <= stamp)
            need |= CPUMASK(c);
    return need;
}

void tlb_flush_cpus(cpumask_t cpus)
{
    uint32_t t = __atomic_add_fetch(&now, 1, __ATOMIC_SEQ_CST);

    for (unsigned c = 0; c < CPUS; c++) {
        if (!(cpus & CPUMASK(c)))
            continue;
        for (unsigned m = 0; m < FRAMES; m++)
            __atomic_store_n(&cached[c][m], 0, __ATOMIC_SEQ_CST);
        __atomic_store_n(&cpu_stamp[c], t, __ATOMIC_SEQ_CST);
    }
}

void frame_last_put(struct frame *f)
{
    (void)f;
    __atomic_fetch_add(&last_puts, 1, __ATOMIC_SEQ_CST);
}

bool preempt_needed(void)
{
    return false;
}

bool domain_may_map_io(const struct domain *d, mfn_t m)
{
    (void)d, (void)m;
    return false;
}

bool domain_has_hardware(const struct domain *d)
{
    (void)d;
    return false;
}

bool domain_may_be_linear(const struct domain *d)
{
    (void)d;
    return false;
}

bool domain_l1tf_unsafe(const struct domain *d, mfn_t m)
{
    (void)d, (void)m;
    return false;
}

uint16_t domain_id_of(const struct domain *d)
{
    return d->id;
}

cpumask_t domain_dirty_cpus(const struct domain *d)
{
    (void)d;
    return CPUMASK(CPUS) - 1;
}

void l4_entry_replaced(const struct domain *d, mfn_t l4, unsigned index)
{
    (void)d, (void)l4, (void)index;
}

void l4_install_hypervisor(pte_t *l4)
{
    (void)l4;
}

void descriptor_page_released(struct domain *d, mfn_t m)
{
    (void)d, (void)m;
}

void bug_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}
