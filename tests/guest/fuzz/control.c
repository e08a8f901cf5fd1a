/*
 * Control operations of domain 0 on a few domains that it makes and destroys
 * at random; of its own it only asks. What they answer may name the kernel's
 * frames, so it goes to memory that no argument is taken from.
 */
#include "fuzz.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

#define CHILDREN 3
#define NO_CHILD 1 /* an id that createdomain gives last */
#define OPS 64     /* of one vCPU, one after the other; a multicall has 8 */

static volatile uint16_t children[CHILDREN];

unsigned any_child(struct fuzz *z)
{
    unsigned id = children[below(z, CHILDREN)];

    return id ? id : NO_CHILD;
}

/* Outputs go there. Sometimes it is no memory. */
static unsigned long any_sink(struct fuzz *z)
{
    if (chance(z, WEIRD))
        return bad_pointer(z);
    return (unsigned long)z->sink + below(z, ARENA_PAGES * PAGE_SIZE / 8) * 8;
}

static uint64_t control_word(struct fuzz *z)
{
    switch (below(z, 8)) {
    case 0:
    case 1:
        return any_sink(z);
    case 2:
        return any_mfn(z);
    case 3:
        return (uint64_t)below(z, 8) << 32 | below(z, 8);
    default:
        return any_number(z);
    }
}

/* A structure of words, outside of the arenas. */
static unsigned long put_op(struct fuzz *z, const void *op, size_t n)
{
    static uint64_t slots[RACERS][OPS][32];
    static unsigned next[RACERS];
    void *at = slots[z->id][next[z->id]++ % OPS];

    memcpy(at, op, n);
    return chance(z, WEIRD) ? bad_pointer(z) : (unsigned long)at;
}

/* ---- domctl ---- */

static const uint8_t questions[] = {
    XEN_DOMCTL_getdomaininfo,    XEN_DOMCTL_getvcpuinfo,
    XEN_DOMCTL_getvcpuaffinity,  XEN_DOMCTL_getnodeaffinity,
    XEN_DOMCTL_get_address_size, XEN_DOMCTL_gettscinfo,
    XEN_DOMCTL_get_cpu_policy,   XEN_DOMCTL_getpageframeinfo3,
};
/* With more weight than the others. */
static const uint8_t often[] = {
    XEN_DOMCTL_max_vcpus,       XEN_DOMCTL_max_mem,
    XEN_DOMCTL_pausedomain,     XEN_DOMCTL_unpausedomain,
    XEN_DOMCTL_setvcpucontext,  XEN_DOMCTL_getvcpucontext,
    XEN_DOMCTL_set_cpu_policy,  XEN_DOMCTL_hypercall_init,
    XEN_DOMCTL_irq_permission,  XEN_DOMCTL_iomem_permission,
    XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_set_virq_handler,
};

static void created(const struct call *c, long ret)
{
    static unsigned next;
    struct xen_domctl op;

    if (!ret && peek(&op, c->a[0], sizeof(op)))
        children[next++ % CHILDREN] = op.domain;
}

static void make_create(struct fuzz *z, struct xen_domctl *op)
{
    struct xen_domctl_createdomain *c = &op->u.createdomain;

    memset(c, 0, sizeof(*c));
    c->max_vcpus = below(z, 5);
    c->max_evtchn_port = (uint32_t)any_number(z);
    c->max_grant_frames = (int)below(z, 70);
    c->max_maptrack_frames = (int)below(z, 70);
    c->grant_opts = XEN_DOMCTL_GRANT_version(chance(z, 8) ? 2 : 1);
    if (chance(z, 4))
        c->flags = (uint32_t)any_number(z);
    if (chance(z, 8))
        ((uint32_t *)c)[below(z, sizeof(*c) / 4)] = (uint32_t)any_number(z);
}

static void choose_domctl(struct fuzz *z, struct xen_domctl *op)
{
    op->domain = (domid_t)any_child(z);
    if (chance(z, 6)) {
        op->domain = chance(z, 2) ? DOMID_SELF : 0;
        op->cmd = questions[below(z, ARRAY_SIZE(questions))];
    } else if (chance(z, 8)) {
        op->cmd = XEN_DOMCTL_createdomain;
        op->domain = chance(z, 4) ? (domid_t)any_number(z) : 0;
        make_create(z, op);
    } else if (chance(z, 12)) {
        op->cmd = XEN_DOMCTL_destroydomain;
    } else {
        op->cmd = chance(z, 2) ? often[below(z, ARRAY_SIZE(often))]
                               : below(z, 100);
    }
    if (op->cmd == XEN_DOMCTL_max_vcpus)
        op->u.max_vcpus.max = below(z, 6);
    if (op->cmd == XEN_DOMCTL_max_mem && !chance(z, 4))
        op->u.max_mem.max_memkb = below(z, 1024);
}

void make_domctl(struct fuzz *z, struct call *c)
{
    struct xen_domctl op;
    uint64_t *w = (void *)&op;

    for (unsigned i = 0; i < sizeof(op) / 8; i++)
        w[i] = control_word(z);
    op.interface_version =
        chance(z, WEIRD) ? (uint32_t)rnd(z) : XEN_DOMCTL_INTERFACE_VERSION;
    choose_domctl(z, &op);
    c->op = __HYPERVISOR_domctl;
    c->a[0] = put_op(z, &op, sizeof(op));
    if (op.cmd == XEN_DOMCTL_createdomain)
        c->then = created;
}

/* ---- sysctl ---- */

void make_sysctl(struct fuzz *z, struct call *c)
{
    struct xen_sysctl op;
    uint64_t *w = (void *)&op;

    for (unsigned i = 0; i < sizeof(op) / 8; i++)
        w[i] = control_word(z);
    op.interface_version =
        chance(z, WEIRD) ? (uint32_t)rnd(z) : XEN_SYSCTL_INTERFACE_VERSION;
    do /* one of the debug keys restarts the machine */
        op.cmd = below(z, 34);
    while (op.cmd == XEN_SYSCTL_debug_keys);
    c->op = __HYPERVISOR_sysctl;
    c->a[0] = put_op(z, &op, sizeof(op));
}

/* ---- hvm_op: hardly any of it is for us ---- */

void make_hvm_op(struct fuzz *z, struct call *c)
{
    uint64_t *w = (uint64_t *)(void *)z->sink;

    for (unsigned i = 0; i < 8; i++)
        w[i] = control_word(z);
    ((uint16_t *)w)[0] = (uint16_t)any_domid(z);
    c->op = __HYPERVISOR_hvm_op;
    c->a[0] = chance(z, WEIRD) ? any_number(z) : below(z, 28);
    c->a[1] = chance(z, 4) ? any_sink(z) : (unsigned long)w;
}
