/*
 * Running the audit of the page-type engine on the live machine, and in debug
 * builds that of the heap: debug key 'A', and in debug builds at domain 0's
 * shutdown. All vCPUs are held while it counts, so that nothing changes.
 */
#include "arch/x86/boot.h"
#include "arch/x86/keyhandler.h"
#include "arch/x86/xpti.h"
#include "core/vcpu.h"
#include "lib/printk.h"
#include "mm/alloc.h"
#include "mm/page_type.h"

static uint64_t owned_frames(void)
{
    const struct domain *d;
    uint64_t n = 0;

    for_each_domain(d)
        n += d->tot_pages;
    return n;
}

/* Pause without waiting for the vCPU that runs here (it is in this call). */
static void hold(bool on)
{
    struct domain *d;
    struct vcpu *v;

    for_each_domain(d)
        for_each_vcpu(d, v) {
            if (v == current)
                continue;
            if (on)
                vcpu_pause(v);
            else
                vcpu_unpause(v);
        }
}

static void audit_locked(struct audit_scratch *scratch)
{
    uint64_t total = heap_total_frames(), free = heap_free_frames();
    uint64_t bad = page_audit_domain(NULL, scratch) + heap_audit();

    if (bad)
        printk(XENLOG_ERR "AUDIT: FAIL %lu wrong counts\n",
               (unsigned long)bad);
    else
        printk(XENLOG_ERR "AUDIT: ok %lu frames of domains, %lu free of %lu\n",
               (unsigned long)owned_frames(), (unsigned long)free,
               (unsigned long)total);
    (void)xpti_audit();
}

/* One at a time: two would wait for each other's vCPU to stand still. */
static bool audit_busy;

static void audit_alone(void)
{
    unsigned order = 0;
    struct audit_scratch *scratch;

    while ((PAGE_SIZE << order) < max_mfn * sizeof(*scratch))
        order++;
    scratch = xenheap_alloc(order);
    if (!scratch) {
        printk(XENLOG_ERR "AUDIT: SKIPPED, no %lu KiB for its counts\n",
               (unsigned long)(4UL << order));
        return;
    }
    hold(true);
    audit_locked(scratch);
    hold(false);
    xenheap_free(scratch, order);
}

void audit_run(void)
{
    if (__atomic_exchange_n(&audit_busy, true, __ATOMIC_ACQUIRE)) {
        printk(XENLOG_ERR "AUDIT: SKIPPED, one is at work\n");
        return;
    }
    audit_alone();
    __atomic_store_n(&audit_busy, false, __ATOMIC_RELEASE);
}

static void audit_key(char key)
{
    (void)key;
    audit_run();
}
KEYHANDLER('A', audit_key, "audit all page types and counts");
