/*
 * Trace buffers, one a CPU: a ring with one writer, the CPU itself with
 * interrupts off, and one reader, domain 0's call under a lock. `head` is the
 * writer's and `tail` the reader's count of records; they only grow. When the
 * ring is full what comes is counted and lost, so that what has been written
 * is never changed under the reader.
 *
 * To end, the events go first; a call to all CPUs then finds nobody writing.
 */
#include "core/trace.h"

#include "arch/x86/irq.h"
#include "arch/x86/smp.h"
#include "arch/x86/timer.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/spinlock.h"
#include "mm/alloc.h"

#define LEAST 64u
#define MOST 65536u
#define ALL_EVENTS ((2u << XENO_TRACE_hypercall_end) - 1)
#define HYPERCALLS                                                             \
    (1u << XENO_TRACE_hypercall | 1u << XENO_TRACE_hypercall_end)

struct ring {
    struct xeno_trace_record *record; /* NULL: none */
    uint64_t head, tail;
    uint32_t lost; /* the writer's; the reader takes it */
};
static DEFINE_PER_CPU(struct ring, ring);

uint32_t trace_events;
static unsigned room; /* records of each ring; 0: no trace is made */
static spinlock_t trace_lock = SPINLOCK_INIT(LOCK_DOMCTL);

uint32_t trace_name(const struct vcpu *v)
{
    return (uint32_t)v->domain->domain_id << 16 | v->vcpu_id;
}

void trace_put(unsigned event, const struct vcpu *v, uint64_t a, uint64_t b)
{
    unsigned long f = irq_save();
    struct ring *r = &this_cpu(ring);
    uint64_t head = r->head;

    if (READ_ONCE(trace_events) & 1u << event) {
        if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) < room) {
            r->record[head & (room - 1)] = (struct xeno_trace_record){
                .time = now(), .event = event, .vcpu = trace_name(v),
                .a = a, .b = b};
            __atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
        } else {
            __atomic_fetch_add(&r->lost, 1, __ATOMIC_RELAXED);
        }
    }
    irq_restore(f);
}

/* ---- beginning and end; the lock is held ---- */

static unsigned ring_order(void)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) < room * sizeof(struct xeno_trace_record))
        order++;
    return order;
}

static void free_rings(void)
{
    unsigned cpu;

    for_each_cpu(cpu, cpu_present_map) {
        struct ring *r = &per_cpu(ring, cpu);

        if (r->record)
            xenheap_free(r->record, ring_order());
        *r = (struct ring){NULL, 0, 0, 0};
    }
    room = 0;
}

static long start(const struct xeno_trace_op *op)
{
    unsigned n = op->records, cpu;

    if (n < LEAST || n > MOST || (n & (n - 1)) || !op->events ||
        (op->events & ~ALL_EVENTS))
        return -EINVAL;
    if (room)
        return -EBUSY;
    room = n;
    for_each_cpu(cpu, cpu_present_map) {
        struct ring *r = &per_cpu(ring, cpu);

        r->record = xenheap_alloc(ring_order());
        if (!r->record) {
            free_rings();
            return -ENOMEM;
        }
    }
    WRITE_ONCE(trace_events, op->events);
    hypercall_trace(op->events & HYPERCALLS);
    return 0;
}

static void nothing(void *unused)
{
    (void)unused;
}

static long stop(void)
{
    if (!room)
        return 0;
    hypercall_trace(false);
    WRITE_ONCE(trace_events, 0);
    smp_call(cpu_online_map, nothing, NULL);
    free_rings();
    return 0;
}

/* ---- reading; the lock is held ---- */

static bool copy_records(struct ring *r, uint64_t to, unsigned n)
{
    unsigned at = r->tail & (room - 1);
    unsigned first = min(n, room - at);
    size_t size = sizeof(*r->record);

    return !copy_to_guest_va(to, r->record + at, first * size) &&
           (first == n ||
            !copy_to_guest_va(to + first * size, r->record, (n - first) * size));
}

static long take(struct xeno_trace_op *op)
{
    struct ring *r;
    uint64_t there;

    if (!room)
        return -ENXIO;
    if (op->cpu >= MAX_CPUS || !(cpu_present_map & CPUMASK(op->cpu)))
        return -EINVAL;
    r = &per_cpu(ring, nospec_index(op->cpu, MAX_CPUS));
    there = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) - r->tail;
    op->records = (uint32_t)min((uint64_t)op->records, there);
    if (!copy_records(r, op->buffer, op->records))
        return -EFAULT;
    __atomic_store_n(&r->tail, r->tail + op->records, __ATOMIC_RELEASE);
    op->lost = __atomic_exchange_n(&r->lost, 0, __ATOMIC_RELAXED);
    return 0;
}

static long trace_op(struct xeno_trace_op *op)
{
    switch (op->cmd) {
    case XENO_TRACE_start:
        return start(op);
    case XENO_TRACE_stop:
        return stop();
    case XENO_TRACE_read:
        return take(op);
    default:
        return -ENOSYS;
    }
}

/*
 * xeno_trace_op(op *): domain 0 alone (-EPERM). -EACCES another version of the
 * structure, -ENOSYS no such command; the commands' errors: <xeno/xeno.h>.
 */
static long do_xeno_trace_op(uint64_t arg, uint64_t a2, uint64_t a3,
                             uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct xeno_trace_op op;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.version != XENO_TRACE_VERSION)
        return -EACCES;
    spin_lock(&trace_lock);
    rc = trace_op(&op);
    spin_unlock(&trace_lock);
    if (!rc && copy_to_guest_va(arg, &op, sizeof(op)))
        return -EFAULT;
    return rc;
}
HYPERCALL(__HYPERVISOR_xeno_trace_op, 1, do_xeno_trace_op);
