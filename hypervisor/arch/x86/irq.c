/*
 * Interrupts: who handles which vector, and how each kind is acknowledged.
 *
 *   edge, MSI   acknowledged at once, then the handler runs
 *   level       line masked, acknowledged, then the handler runs; irq_eoi()
 *               opens the line again when the device has been served, be it
 *               by a guest much later
 *
 * So no interrupt is ever left in service: a guest that forgets its EOI blocks
 * its own line and nothing else. An irq's mask in the I/O APIC is the
 * union of its reasons: nobody bound it, masked by its owner, waiting for EOI.
 *
 * A vector means the same irq on every CPU, so moving an irq changes only its
 * destination. All fields of a descriptor are under its lock; the handler runs
 * without it, `running` tells that it does.
 */
#include "arch/x86/irq.h"

#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/ioapic.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "arch/x86/softirq.h"
#include "arch/x86/traps.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

struct irq_desc {
    spinlock_t lock;
    irq_handler_t *fn; /* NULL: nobody bound it */
    void *data;
    uint8_t vector; /* 0: none; only while bound */
    uint8_t cpu;
    bool level, active_low;
    bool masked;       /* by its owner */
    bool wait_eoi;     /* level: handler called, irq_eoi() to come */
    bool pending;      /* edge: came while masked */
    bool msi_reserved; /* irq_alloc_msi gave it away */
    uint8_t running;   /* handler runs on so many CPUs (edges can overlap) */
};

static struct irq_desc *irq_descs; /* NR_IRQS_MAX */
/*
 * Vector -> irq + 1, 0: never used, or VECTOR_GIVEN_UP: free, but an interrupt
 * may have been on its way to another CPU when its line was masked, and is
 * still to come. Taking a free vector is under vector_lock; interrupts read.
 */
static uint16_t vector_irq[256];
#define VECTOR_GIVEN_UP 0xffff
_Static_assert(NR_IRQS_MAX < VECTOR_GIVEN_UP, "irq + 1 is none of the marks");
static spinlock_t vector_lock = SPINLOCK_INIT(LOCK_ANY);

static struct irq_desc *desc_of(unsigned irq)
{
    if (irq >= NR_IRQS_MAX)
        return NULL;
    if (irq < nr_gsis)
        return ioapic_has(irq) ? &irq_descs[irq] : NULL;
    return irq_descs[irq].msi_reserved ? &irq_descs[irq] : NULL;
}

static bool is_gsi(const struct irq_desc *d)
{
    return d < irq_descs + nr_gsis;
}

static unsigned irq_of(const struct irq_desc *d)
{
    return (unsigned)(d - irq_descs);
}

/* The line as it should be now. Lock held. */
static void update_mask(const struct irq_desc *d)
{
    if (is_gsi(d))
        ioapic_set_mask(irq_of(d), !d->fn || d->masked || d->wait_eoi);
}

static void program_line(const struct irq_desc *d)
{
    struct ioapic_entry e = {
        .vector = d->vector,
        .level = d->level,
        .active_low = d->active_low,
        .masked = !d->fn || d->masked || d->wait_eoi,
        .apic_id = cpu_apic_id(d->cpu),
    };

    if (is_gsi(d))
        ioapic_set(irq_of(d), &e);
}

/* ---- vectors ---- */

static bool vector_is_free(unsigned vector)
{
    return vector_irq[vector] == 0 || vector_irq[vector] == VECTOR_GIVEN_UP;
}

/*
 * In turn, so that one just given up is the last to be used again. Should an
 * interrupt be late even then, the new owner's handler is called once too
 * often, as any shared line does.
 */
static int alloc_vector(unsigned irq)
{
    /* Spread over the priority classes of 16. */
    static unsigned last = VECTOR_IRQ_FIRST;
    const unsigned n = VECTOR_IRQ_LAST - VECTOR_IRQ_FIRST + 1;
    int vector = -ENOSPC;
    unsigned long f = spin_lock_irqsave(&vector_lock);

    for (unsigned i = 0; i < n; i++) {
        last += 16;
        if (last > VECTOR_IRQ_LAST)
            last = VECTOR_IRQ_FIRST + (last + 1) % 16;
        if (vector_is_free(last)) {
            WRITE_ONCE(vector_irq[last], (uint16_t)(irq + 1));
            vector = (int)last;
            break;
        }
    }
    spin_unlock_irqrestore(&vector_lock, f);
    return vector;
}

static void free_vector(unsigned vector)
{
    WRITE_ONCE(vector_irq[vector], VECTOR_GIVEN_UP);
}

/* ---- owners ---- */

int irq_bind(unsigned irq, irq_handler_t *fn, void *data, unsigned cpu)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;
    int vector;

    if (!d || !fn || !(cpu_online_map & CPUMASK(cpu)) ||
        cpu_apic_id(cpu) > 254)
        return -EINVAL;
    vector = alloc_vector(irq);
    if (vector < 0)
        return vector;
    f = spin_lock_irqsave(&d->lock);
    if (d->fn) {
        spin_unlock_irqrestore(&d->lock, f);
        free_vector((unsigned)vector);
        return -EBUSY;
    }
    d->fn = fn;
    d->data = data;
    d->vector = (uint8_t)vector;
    d->cpu = (uint8_t)cpu;
    d->masked = d->wait_eoi = d->pending = false;
    program_line(d);
    spin_unlock_irqrestore(&d->lock, f);
    return 0;
}

void irq_unbind(unsigned irq)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;
    unsigned vector;

    if (!d)
        return;
    f = spin_lock_irqsave(&d->lock);
    vector = d->vector;
    d->fn = NULL;
    d->vector = 0;
    d->masked = d->wait_eoi = d->pending = false;
    update_mask(d);
    spin_unlock_irqrestore(&d->lock, f);
    while (__atomic_load_n(&d->running, __ATOMIC_ACQUIRE))
        cpu_relax();
    if (vector)
        free_vector(vector);
}

void irq_eoi(unsigned irq)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;

    if (!d)
        return;
    f = spin_lock_irqsave(&d->lock);
    if (d->wait_eoi) {
        d->wait_eoi = false;
        update_mask(d);
    }
    spin_unlock_irqrestore(&d->lock, f);
}

/* An edge line stays open in hardware: one that comes is noted (pending). */
void irq_mask(unsigned irq)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;

    if (!d)
        return;
    f = spin_lock_irqsave(&d->lock);
    d->masked = true;
    if (d->level)
        update_mask(d);
    spin_unlock_irqrestore(&d->lock, f);
}

void irq_unmask(unsigned irq)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;

    if (!d)
        return;
    f = spin_lock_irqsave(&d->lock);
    if (d->masked && d->fn) {
        d->masked = false;
        update_mask(d);
        if (d->pending)
            apic_send(cpu_apic_id(d->cpu), APIC_DM_FIXED | d->vector);
        d->pending = false;
    }
    spin_unlock_irqrestore(&d->lock, f);
}

static uint64_t msi_address(const struct irq_desc *d)
{
    return 0xfee00000UL | (uint64_t)cpu_apic_id(d->cpu) << 12;
}

int irq_set_affinity(unsigned irq, unsigned cpu)
{
    struct irq_desc *d = desc_of(irq);
    unsigned long f;
    bool moved;

    if (!d || cpu >= MAX_CPUS || !(cpu_online_map & CPUMASK(cpu)) ||
        cpu_apic_id(cpu) > 254)
        return -EINVAL;
    f = spin_lock_irqsave(&d->lock);
    moved = d->fn && d->cpu != cpu;
    if (moved) {
        d->cpu = (uint8_t)cpu;
        if (is_gsi(d))
            ioapic_set_destination(irq, cpu_apic_id(cpu));
    }
    spin_unlock_irqrestore(&d->lock, f);
    if (moved && !is_gsi(d))
        msi_message_changed(irq, msi_address(d), d->vector);
    return 0;
}

void irq_move_all(unsigned from, unsigned to)
{
    for (unsigned irq = 0; irq < NR_IRQS_MAX; irq++) {
        const struct irq_desc *d = desc_of(irq);

        if (d && READ_ONCE(d->fn) && d->cpu == from)
            (void)irq_set_affinity(irq, to);
    }
}

int irq_setup_gsi(unsigned gsi, enum irq_trigger trigger, bool active_low)
{
    struct irq_desc *d = gsi < nr_gsis ? desc_of(gsi) : NULL;
    unsigned long f;
    int rc = 0;

    if (!d)
        return -EINVAL;
    f = spin_lock_irqsave(&d->lock);
    if (d->level != (trigger == IRQ_LEVEL) || d->active_low != active_low) {
        if (d->fn) {
            rc = -EBUSY;
        } else {
            d->level = trigger == IRQ_LEVEL;
            d->active_low = active_low;
            program_line(d);
        }
    }
    spin_unlock_irqrestore(&d->lock, f);
    return rc;
}

bool irq_is_level(unsigned irq)
{
    struct irq_desc *d = desc_of(irq);

    return d && d->level;
}

/* ---- MSIs: the irqs behind the GSIs ---- */

int irq_alloc_msi(unsigned n)
{
    unsigned run = 0;
    int first = -ENOSPC;
    unsigned long f;

    if (n == 0 || n > 32)
        return -EINVAL;
    f = spin_lock_irqsave(&vector_lock);
    for (unsigned irq = nr_gsis; irq < NR_IRQS_MAX && first < 0; irq++) {
        run = irq_descs[irq].msi_reserved ? 0 : run + 1;
        if (run == n)
            first = (int)(irq - n + 1);
    }
    for (unsigned i = 0; first >= 0 && i < n; i++)
        irq_descs[(unsigned)first + i].msi_reserved = true;
    spin_unlock_irqrestore(&vector_lock, f);
    return first;
}

void irq_free_msi(unsigned irq, unsigned n)
{
    for (; n; irq++, n--) {
        if (irq < nr_gsis || !desc_of(irq))
            continue;
        irq_unbind(irq);
        WRITE_ONCE(irq_descs[irq].msi_reserved, false);
    }
}

int irq_msi_message(unsigned irq, uint64_t *address, uint32_t *data)
{
    struct irq_desc *d = irq >= nr_gsis ? desc_of(irq) : NULL;
    unsigned long f;
    int rc = -EINVAL;

    if (!d)
        return -EINVAL;
    f = spin_lock_irqsave(&d->lock);
    if (d->fn) {
        *address = msi_address(d); /* physical destination, no redirection */
        *data = d->vector;         /* fixed, edge */
        rc = 0;
    }
    spin_unlock_irqrestore(&d->lock, f);
    return rc;
}

/* ---- arrival ---- */

static void stray(unsigned vector)
{
    static unsigned count;

    if (count++ < 10)
        printk(XENLOG_WARNING "CPU %u: interrupt on idle vector %#x\n",
               smp_cpu_id(), vector);
}

/* Lock held. Is the handler to be called now? */
static bool accept(struct irq_desc *d)
{
    if (!d->fn)
        return false;
    if (d->level) {
        if (d->masked || d->wait_eoi)
            return false; /* was under way when the mask came */
        d->wait_eoi = true;
        update_mask(d);
        return true;
    }
    if (d->masked) {
        d->pending = true;
        return false;
    }
    return true;
}

static void dispatch(unsigned vector)
{
    unsigned irq = READ_ONCE(vector_irq[vector]);
    irq_handler_t *fn;
    struct irq_desc *d;
    void *data;

    if (irq == 0 || irq == VECTOR_GIVEN_UP) {
        apic_eoi();
        if (!irq)
            stray(vector);
        return;
    }
    d = &irq_descs[--irq];
    spin_lock(&d->lock);
    fn = accept(d) ? d->fn : NULL;
    data = d->data;
    if (fn)
        d->running++;
    apic_eoi(); /* a level line is masked by now */
    spin_unlock(&d->lock);
    if (!fn)
        return;
    fn(irq, data);
    spin_lock(&d->lock);
    __atomic_store_n(&d->running, d->running - 1, __ATOMIC_RELEASE);
    spin_unlock(&d->lock);
}

void do_irq(struct cpu_user_regs *regs)
{
    unsigned vector = regs->entry_vector & 0xff;
    struct pcpu *p = this_pcpu();

    p->in_irq++;
    p->interrupts++;
    switch (vector) {
    case VECTOR_SPURIOUS:
        break; /* nothing is in service: no EOI */
    case VECTOR_EVENT_CHECK:
        apic_eoi(); /* the way out does the rest */
        break;
    case VECTOR_TIMER:
        apic_eoi();
        softirq_raise(SOFTIRQ_TIMER);
        break;
    case VECTOR_TLB_FLUSH:
        apic_eoi();
        tlb_serve_requests();
        break;
    case VECTOR_CALL:
        apic_eoi();
        smp_serve_calls();
        break;
    case VECTOR_ERROR:
        apic_eoi();
        apic_error_interrupt();
        break;
    default:
        dispatch(vector);
    }
    p->in_irq--;
}

/* ---- set-up ---- */

unsigned irq_isa_to_gsi(unsigned isa)
{
    if (isa < ACPI_ISA_IRQS && acpi_info.override[isa].present)
        return acpi_info.override[isa].gsi;
    return isa;
}

/* ISA lines: edge, high, unless overridden; all others PCI: level, low. */
void __init irq_init(void)
{
    irq_descs = xzalloc_array(struct irq_desc, NR_IRQS_MAX);
    if (!irq_descs)
        panic("no memory for interrupts");
    for (unsigned i = 0; i < NR_IRQS_MAX; i++) {
        struct irq_desc *d = &irq_descs[i];
        spin_lock_init(&d->lock, LOCK_IRQ);
        d->level = d->active_low = i >= ACPI_ISA_IRQS && i < nr_gsis;
    }
    for (unsigned isa = 0; isa < ACPI_ISA_IRQS; isa++) {
        const struct acpi_override *o = &acpi_info.override[isa];
        if (!o->present || o->gsi >= nr_gsis)
            continue;
        irq_descs[o->gsi].level = o->level;
        irq_descs[o->gsi].active_low = o->active_low;
    }
    for (unsigned gsi = 0; gsi < nr_gsis; gsi++)
        program_line(&irq_descs[gsi]);
}
