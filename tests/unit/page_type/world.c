#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/softirq.h"
#include "arch/x86/tlb.h"
#include "lib/printk.h"
#include "mm/page_engine.h"
#include <xen/xen.h>

#define NOBODY ((uint64_t)DOMID_INVALID << REF_OWNER_SHIFT)

static struct frame table_memory[FRAMES];
static uint8_t memory[FRAMES << PAGE_SHIFT] __aligned(4096);

struct frame *frame_table = table_memory;
uint64_t max_mfn = FRAMES;
uint8_t *host_memory = memory;

struct domain A, B, X;
struct external external[FRAMES];
static struct audit_scratch scratch[FRAMES];
int preempt_at;
unsigned preempt_calls;
void (*hardware_hook)(void);
jmp_buf *bug_hook;

int world_setup(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    memset(external, 0, sizeof(external));
    for (unsigned i = 0; i < FRAMES; i++)
        table_memory[i] = (struct frame){.ref = NOBODY};
    A = (struct domain){.id = 1, .cpus = 1, .io_first = FRAMES, .io_end = 1000};
    B = (struct domain){.id = 2, .cpus = 2};
    X = (struct domain){.id = DOMID_XEN};
    preempt_at = 0;
    preempt_calls = 0;
    hardware_hook = NULL;
    tlb_reset();
    return 0;
}

bool is_free(mfn_t m)
{
    return F(m)->ref == NOBODY;
}

mfn_t new_frame(struct domain *d)
{
    for (unsigned i = 1; i < FRAMES; i++) {
        if (!is_free(mfn(i)))
            continue;
        memset(entries(mfn(i)), 0, PAGE_SIZE);
        F(mfn(i))->type = 0;
        F(mfn(i))->ref =
            FRAME_ALLOCATED | ((uint64_t)d->id << REF_OWNER_SHIFT) | 1;
        return mfn(i);
    }
    fail_msg("out of frames");
    return INVALID_MFN;
}

mfn_t lent_frame(struct domain *d, bool writable)
{
    mfn_t m = new_frame(d);

    F(m)->ref |= FRAME_XENHEAP;
    F(m)->type = (writable ? PGT_WRITABLE : PGT_NONE) | PGT_VALIDATED | 1;
    return m;
}

mfn_t frame_with(struct domain *d, pte_t e)
{
    mfn_t m = new_frame(d);

    entries(m)[0] = e;
    return m;
}

void audit_ok(void)
{
    assert_int_equal(page_audit_domain(NULL, scratch), 0);
}

void snapshot(struct snapshot *s)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        uint64_t x = table_memory[i].type;

        s->ref[i] = table_memory[i].ref;
        /* The type of an idle frame does not count, nor does its stamp. */
        s->type[i] = x & PGT_COUNT_MASK ? x & ~PGT_AUX_MASK : 0;
    }
}

void assert_same(const struct snapshot *s)
{
    struct snapshot now;

    snapshot(&now);
    for (unsigned i = 0; i < FRAMES; i++) {
        assert_int_equal(s->ref[i], now.ref[i]);
        assert_int_equal(s->type[i], now.type[i]);
    }
}

int pin_all(mfn_t m, unsigned level, struct domain *d)
{
    int rc;

    while ((rc = page_pin(m, level, d)) == -ERESTART_PREEMPT)
        audit_ok();
    return rc;
}

int unpin_all(mfn_t m, struct domain *d)
{
    int rc;

    while ((rc = page_unpin(m, d)) == -ERESTART_PREEMPT)
        audit_ok();
    return rc;
}

/* ---- What the engine calls ---- */

void frame_last_put(struct frame *f)
{
    assert_int_equal(f->type & PGT_COUNT_MASK, 0);
    tlb_flush_cpus(~0UL); /* the allocator does so before the next use */
    f->type = 0;
    f->ref = NOBODY;
}

bool preempt_needed(void)
{
    preempt_calls++;
    return preempt_at < 0 || (preempt_at > 0 && !--preempt_at);
}

bool domain_may_map_io(const struct domain *d, mfn_t m)
{
    return m.m >= d->io_first && m.m < d->io_end;
}

bool domain_has_hardware(const struct domain *d)
{
    if (hardware_hook)
        hardware_hook();
    return d->hardware;
}

bool domain_may_be_linear(const struct domain *d)
{
    return d->linear;
}

bool domain_l1tf_unsafe(const struct domain *d, mfn_t m)
{
    return d->strict && m.m < max_mfn;
}

uint16_t domain_id_of(const struct domain *d)
{
    return d->id;
}

cpumask_t domain_dirty_cpus(const struct domain *d)
{
    return d->cpus;
}

struct replaced replaced;

void l4_entry_replaced(const struct domain *d, mfn_t l4, unsigned index)
{
    (void)d;
    replaced.calls++;
    replaced.l4 = l4;
    replaced.index = index;
    replaced.types = page_type_count(F(replaced.child));
}

void l4_install_hypervisor(pte_t *l4)
{
    for (unsigned i = HYP_L4_FIRST; i <= HYP_L4_LAST; i++)
        l4[i] = 0xabc000UL | PTE_P;
}

/* As the pv room does: gives up the references of the LDT window. */
void descriptor_page_released(struct domain *d, mfn_t m)
{
    d->released = m;
    d->releases++;
    if (external[m.m].types && page_type(F(m)) == PGT_SEGDESC) {
        external[m.m].refs--;
        external[m.m].types--;
        assert_int_equal(page_put_and_type(F(m), d), 0);
    }
}

void audit_external_refs(const struct domain *d, struct audit_scratch *s)
{
    (void)d;
    for (unsigned i = 0; i < FRAMES; i++)
        audit_count(s, mfn(i), external[i].refs, external[i].types);
}

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
}

void bug_at(const char *file, int line, const char *what)
{
    if (bug_hook)
        longjmp(*bug_hook, 1);
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

int short_update(mfn_t table, unsigned index, pte_t e, struct domain *d)
{
    uint64_t at = (table.m << PAGE_SHIFT) + index * sizeof(pte_t);

    return pt_fill_own_l1(at, e, d) ? 0 : pt_update_own_l1(at, e, d);
}
