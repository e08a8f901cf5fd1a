/*
 * The table of domains, references, birth and the end of the structure.
 *
 * A domain exists from domain_create until its last reference goes. One
 * reference is the domain's being alive (domain_kill drops it), one is held by
 * its memory (mm) while it owns a frame, the others are of those who look at
 * it. Ids are found through a hash under a leaf lock that is held for a few
 * instructions; a count that has reached 0 never rises again, so a domain
 * found with count 0 does not exist any more.
 *
 * The last reference may go in any context and under any lock. So it only puts
 * the structure on a list, and a timer on CPU 0, which runs without locks,
 * takes it apart.
 */
#include "core/domain.h"

#include "arch/x86/spec_ctrl.h"
#include "arch/x86/timer.h"
#include "arch/x86/xpti.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/rangeset.h"
#include "lib/string.h"
#include "mm/alloc.h"

#define HASH_SIZE 64u

extern const struct domain_hooks domain_hooks_start[], domain_hooks_end[];
#define for_each_hook(h)                                                       \
    for (const struct domain_hooks *h = domain_hooks_start;                    \
         h < domain_hooks_end; h++)

struct domain *dom0;
spinlock_t domain_list_lock = SPINLOCK_INIT(LOCK_DOMAIN_LIST);
struct list_head domain_list = LIST_HEAD_INIT(domain_list);

static spinlock_t hash_lock = SPINLOCK_INIT(LOCK_ANY);
static struct domain *hash[HASH_SIZE];
static struct domain *dead; /* chained by hash_next; under hash_lock */
static struct timer reaper;

/* Owners of frames that are no guest's; never in the table, never freed. */
#define PSEUDO_DOMAIN(var, id)                                                 \
    struct domain var = {                                                      \
        .domain_id = (id),                                                     \
        .refs = 1,                                                             \
        .lock = SPINLOCK_INIT(LOCK_DOMAIN),                                    \
        .pt_lock = SPINLOCK_INIT(LOCK_PAGE_TABLES),                            \
        .page_lock = SPINLOCK_INIT(LOCK_PAGE_LIST),                            \
        .page_list = FRAME_NIL,                                                \
        .released_list = FRAME_NIL,                                            \
        .list = LIST_HEAD_INIT(var.list),                                      \
        .max_vcpus = (id) == DOMID_IDLE ? MAX_VCPUS : 0,                       \
        .is_idle = (id) == DOMID_IDLE,                                         \
    }
PSEUDO_DOMAIN(dom_xen, DOMID_XEN);
PSEUDO_DOMAIN(dom_io, DOMID_IO);
PSEUDO_DOMAIN(dom_idle, DOMID_IDLE);

/* ---- references ---- */

bool domain_get_known(struct domain *d)
{
    int n = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

    while (n)
        if (__atomic_compare_exchange_n(&d->refs, &n, n + 1, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

struct domain *domain_get(domid_t id)
{
    unsigned long flags = spin_lock_irqsave(&hash_lock);
    struct domain *d = hash[id % HASH_SIZE];

    while (d && !(d->domain_id == id && domain_get_known(d)))
        d = d->hash_next;
    spin_unlock_irqrestore(&hash_lock, flags);
    return d;
}

/*
 * The domain that runs, under one more reference: it lives as long as a vCPU of
 * it runs, so there is no need to look at the count.
 */
static inline struct domain *get_self(struct domain *self)
{
    __atomic_fetch_add(&self->refs, 1, __ATOMIC_RELAXED);
    return self;
}

struct domain *domain_get_any(domid_t id)
{
    struct domain *self = current->domain;

    return id == DOMID_SELF || id == self->domain_id ? get_self(self)
                                                     : domain_get(id);
}

static __noinline int get_other(domid_t id, struct domain **out)
{
    struct domain *d = domain_get(id);

    if (!d)
        return -ESRCH;
    if (!current->domain->is_privileged) {
        domain_put(d);
        return -EPERM;
    }
    *out = d;
    return 0;
}

int domain_get_remote(domid_t id, struct domain **out)
{
    struct domain *self = current->domain;

    if (id != DOMID_SELF && id != self->domain_id)
        return get_other(id, out);
    *out = get_self(self);
    return 0;
}

/* hash_lock held. */
static void hash_remove(struct domain *d)
{
    struct domain **p = &hash[d->domain_id % HASH_SIZE];

    while (*p != d)
        p = &(*p)->hash_next;
    *p = d->hash_next;
}

void domain_put(struct domain *d)
{
    unsigned long flags;

    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL))
        return;
    flags = spin_lock_irqsave(&hash_lock);
    hash_remove(d);
    d->hash_next = dead;
    dead = d;
    spin_unlock_irqrestore(&hash_lock, flags);
    timer_set(&reaper, now());
}

/* ---- the end ---- */

static void free_parts(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
        vcpu_destroy(v);
    for_each_hook(h)
        if (h->destroy)
            h->destroy(d);
    rangeset_free(d->iomem_caps);
    rangeset_free(d->ioport_caps);
    rangeset_free(d->irq_caps);
    if (d->shared_info)
        xenheap_unshare_free(d->shared_info, d);
}

static void free_domain(struct domain *d)
{
    free_parts(d);
    xfree(d);
}

/*
 * The list keeps the id taken until the last frame lent under it is back: a
 * new domain of that id must not come by them.
 */
static void reap(void *unused)
{
    unsigned long flags = spin_lock_irqsave(&hash_lock);
    struct domain *d = dead, *next;

    (void)unused;
    dead = NULL;
    spin_unlock_irqrestore(&hash_lock, flags);
    for (; d; d = next) {
        next = d->hash_next;
        free_parts(d);
        printk(XENLOG_INFO "Domain %u is gone\n", d->domain_id);
        spin_lock(&domain_list_lock);
        list_del(&d->list);
        spin_unlock(&domain_list_lock);
        xfree(d);
    }
}

/* ---- birth ---- */

static struct domain *alloc_domain(const struct domain_config *config)
{
    struct domain *d = xzalloc_type(struct domain);

    if (!d)
        return NULL;
    d->domain_id = config->id;
    d->is_privileged = d->is_hardware = config->privileged;
    d->is_xenstore = config->xenstore;
    d->l1tf_strict = config->privileged ? spec_choice.l1tf_dom0
                                        : spec_choice.l1tf_domu;
    d->xpti = xpti_wanted(config->privileged);
    d->refs = 1;
    d->pause_count = 1;
    d->controller_paused = 1;
    d->max_vcpus = config->max_vcpus;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    d->page_list = d->released_list = FRAME_NIL;
    list_init(&d->list);
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    spin_lock_init(&d->pt_lock, LOCK_PAGE_TABLES);
    spin_lock_init(&d->page_lock, LOCK_PAGE_LIST);
    return d;
}

static int alloc_parts(struct domain *d, const struct domain_config *config)
{
    int rc = 0;

    d->iomem_caps = rangeset_new();
    d->ioport_caps = rangeset_new();
    d->irq_caps = rangeset_new();
    if (!d->iomem_caps || !d->ioport_caps || !d->irq_caps)
        return -ENOMEM;
    d->shared_info = xenheap_zalloc(0);
    if (!d->shared_info)
        return -ENOMEM;
    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    xenheap_share(d->shared_info, d, SHARE_RW);
    for_each_hook(h)
        if (!rc && h->init)
            rc = h->init(d, config);
    return rc;
}

/* False: the id is taken. The list is kept in rising order of ids. */
static bool insert_domain(struct domain *d)
{
    struct domain **bucket = &hash[d->domain_id % HASH_SIZE];
    struct domain *other;
    unsigned long flags;

    spin_lock(&domain_list_lock);
    list_for_each_entry(other, &domain_list, list) {
        if (other->domain_id >= d->domain_id)
            break;
    }
    if (&other->list != &domain_list && other->domain_id == d->domain_id) {
        spin_unlock(&domain_list_lock);
        return false;
    }
    list_add_tail(&d->list, &other->list);
    flags = spin_lock_irqsave(&hash_lock);
    d->hash_next = *bucket;
    *bucket = d;
    spin_unlock_irqrestore(&hash_lock, flags);
    spin_unlock(&domain_list_lock);
    return true;
}

int domain_create(const struct domain_config *config, struct domain **out)
{
    struct domain *d;
    int rc;

    if (config->id >= DOMID_FIRST_RESERVED || !config->max_vcpus ||
        config->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    d = alloc_domain(config);
    if (!d)
        return -ENOMEM;
    if (!reaper.fn)
        timer_init(&reaper, reap, NULL, 0);
    rc = alloc_parts(d, config);
    if (!rc && !insert_domain(d))
        rc = -EEXIST;
    if (rc) {
        free_domain(d);
        return rc;
    }
    domain_update_wallclock(d);
    *out = d;
    return 0;
}

/* ---- ids ---- */

/* The lowest free id from `id` on. The list is sorted; its lock is held. */
static unsigned free_id_from(unsigned id)
{
    struct domain *d;

    for_each_domain(d)
        if (d->domain_id == id)
            id++;
    return id;
}

domid_t domain_free_id(void)
{
    static unsigned last; /* an id is not used again soon */
    unsigned id;

    spin_lock(&domain_list_lock);
    id = free_id_from(last + 1);
    if (id >= DOMID_FIRST_RESERVED)
        id = free_id_from(1);
    if (id >= DOMID_FIRST_RESERVED)
        id = 0;
    else
        last = id;
    spin_unlock(&domain_list_lock);
    return (domid_t)id;
}

struct domain *domain_get_from(domid_t id)
{
    struct domain *d, *found = NULL;

    spin_lock(&domain_list_lock);
    for_each_domain(d) {
        if (d->domain_id >= id && domain_get_known(d)) {
            found = d;
            break;
        }
    }
    spin_unlock(&domain_list_lock);
    return found;
}
