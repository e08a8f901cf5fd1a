/*
 * CPU policy: what a domain may see of the CPU, as the control interface gets
 * and sets it.
 *
 * The policy of the machine is what pv_cpuid makes of the hardware. A domain's
 * own policy takes features away from that: it is a word for each of the
 * featureset's, and the lowest of leaf numbers. What the tools give back, with
 * features that they mean to add, can therefore never show more than there is.
 */
#include "domain/domctl.h"

#include "arch/x86/cpu.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/string.h"
#include "pv/pv.h"

#define NO_SUBLEAF XEN_CPUID_NO_SUBLEAF
#define MAX_BASIC 0xdu
#define MAX_XSTATE 63u
/* More than a caller's library writes of its own: its form of these leaves. */
#define LEAVES_MAX 160u
#define NR_MSRS 2u /* the interface knows two; we have none to tell */

enum reg { EAX, EBX, ECX, EDX };

/* The words of a featureset, in the order of the public header. */
static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
} words[] = {
    {1, 0, EDX},          {1, 0, ECX},          {0x80000001, 0, EDX},
    {0x80000001, 0, ECX}, {0xd, 1, EAX},        {7, 0, EBX},
    {7, 0, ECX},          {0x80000007, 0, EDX}, {0x80000008, 0, EBX},
    {7, 0, EDX},          {7, 1, EAX},          {0x80000021, 0, EAX},
};
#define NR_WORDS ARRAY_SIZE(words)

struct cpu_policy {
    uint32_t max_leaf, max_ext_leaf;
    uint32_t word[NR_WORDS];
};

/* ---- use ---- */

static void apply(const struct cpu_policy *p, uint32_t leaf, uint32_t subleaf,
                  uint32_t out[4])
{
    if (leaf == 0)
        out[EAX] = min(out[EAX], p->max_leaf);
    if (leaf == 0x80000000)
        out[EAX] = min(out[EAX], p->max_ext_leaf);
    for (unsigned i = 0; i < NR_WORDS; i++)
        if (words[i].leaf == leaf &&
            ((leaf != 7 && leaf != 0xd) || words[i].subleaf == subleaf))
            out[words[i].reg] &= p->word[i];
}

/* OSXSAVE and the hypervisor's own bit are no features of the policy. */
#define LEAF1_ECX_XSAVE (1u << 26)
#define LEAF1_ECX_OSXSAVE (1u << 27)
#define LEAF1_ECX_STATE (LEAF1_ECX_OSXSAVE | 1u << 31)

void pv_policy_apply(const struct domain *d, uint32_t leaf, uint32_t subleaf,
                     uint32_t out[4])
{
    const struct cpu_policy *p = d->cpu_policy;
    uint32_t state = leaf == 1 ? out[ECX] & LEAF1_ECX_STATE : 0;

    if (!p)
        return;
    apply(p, leaf, subleaf, out);
    out[ECX] |= state;
    if (leaf == 1 && !(out[ECX] & LEAF1_ECX_XSAVE))
        out[ECX] &= ~LEAF1_ECX_OSXSAVE;
}

/* ---- giving it out ---- */

struct out {
    struct domain *d;
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) to;
    uint32_t room, n;
};

/* -ENOBUFS: the caller has no room. */
static int put_leaf(struct out *o, uint32_t leaf, uint32_t subleaf)
{
    xen_cpuid_leaf_t l = {.leaf = leaf, .subleaf = subleaf};
    uint32_t r[4];

    pv_cpuid(o->d->vcpu[0], leaf, subleaf == NO_SUBLEAF ? 0 : subleaf, r);
    l.a = r[EAX];
    l.b = r[EBX];
    l.c = r[ECX];
    l.d = r[EDX];
    if (leaf == 1) {
        l.b &= 0x00ffffff; /* which vCPU asks */
        l.c &= ~LEAF1_ECX_OSXSAVE;
    }
    if (o->n >= o->room)
        return -ENOBUFS;
    return copy_to_guest_offset(o->to, o->n++, &l, 1) ? -EFAULT : 0;
}

static int put_subleaves(struct out *o, uint32_t leaf, uint32_t last)
{
    int rc = 0;

    for (uint32_t s = 0; s <= last && !rc; s++)
        rc = put_leaf(o, leaf, s);
    return rc;
}

static int put_basic(struct out *o, uint32_t leaf)
{
    switch (leaf) {
    case 4:
        return put_subleaves(o, leaf, 3);
    case 7:
        return put_subleaves(o, leaf, 1);
    case 0xb:
        return put_subleaves(o, leaf, 1);
    case 0xd:
        return put_subleaves(o, leaf, MAX_XSTATE - 1);
    default:
        return put_leaf(o, leaf, NO_SUBLEAF);
    }
}

static int put_leaves(struct out *o)
{
    uint32_t last = min(cpu_features.max_leaf, MAX_BASIC);
    uint32_t ext = min(cpu_features.max_ext_leaf, 0x80000008u);
    int rc = 0;

    for (uint32_t leaf = 0; leaf <= last && !rc; leaf++)
        rc = put_basic(o, leaf);
    for (uint32_t leaf = 0x80000000; leaf <= ext && !rc; leaf++)
        rc = put_leaf(o, leaf, NO_SUBLEAF);
    return rc;
}

/*
 * get_cpu_policy of a domain: -ENOENT it has no vCPU yet; -ENOBUFS, -EFAULT.
 */
long domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
    struct out o = {.d = d, .to = p->leaves, .room = p->nr_leaves};
    int rc;

    if (!d->vcpu[0])
        return -ENOENT;
    rc = put_leaves(&o);
    p->nr_leaves = o.n;
    p->nr_msrs = 0;
    return rc;
}

/*
 * get_cpu_policy of the machine: what domain 0 sees is what a guest can have
 * most. -EINVAL an unknown policy; -EOPNOTSUPP those of HVM guests; -ENOBUFS,
 * -EFAULT.
 */
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p)
{
    struct out o = {.d = dom0, .to = p->leaves, .room = p->nr_leaves};
    int rc = 0;

    if (p->_rsvd || p->index > XEN_SYSCTL_cpu_policy_hvm_default)
        return -EINVAL;
    if (p->index == XEN_SYSCTL_cpu_policy_hvm_max ||
        p->index == XEN_SYSCTL_cpu_policy_hvm_default)
        return -EOPNOTSUPP;
    if (guest_handle_is_null(p->leaves)) {
        p->nr_leaves = LEAVES_MAX;
    } else {
        rc = put_leaves(&o);
        p->nr_leaves = o.n;
    }
    p->nr_msrs = guest_handle_is_null(p->msrs) ? NR_MSRS : 0;
    return rc;
}

/* A word as the hardware has it, or as guests see it. */
static uint32_t feature_word(unsigned i, bool raw)
{
    uint32_t leaf = words[i].leaf, r[4] = {0, 0, 0, 0};
    struct cpuid_regs c;

    if (!raw) {
        pv_cpuid(dom0->vcpu[0], leaf, words[i].subleaf, r);
        return r[words[i].reg];
    }
    if (leaf > (leaf >> 31 ? cpu_features.max_ext_leaf : cpu_features.max_leaf))
        return 0;
    c = cpuid(leaf, words[i].subleaf);
    r[EAX] = c.a;
    r[EBX] = c.b;
    r[ECX] = c.c;
    r[EDX] = c.d;
    return r[words[i].reg];
}

/*
 * get_cpu_featureset: as many words as there are, or their number if there is
 * no buffer. -EINVAL unknown; -EOPNOTSUPP those of HVM guests; -ENOBUFS the
 * buffer is too small (it is filled); -EFAULT.
 */
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f)
{
    uint32_t room = f->nr_features, set[NR_WORDS];
    bool raw = f->index <= XEN_SYSCTL_cpu_featureset_host;

    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EINVAL;
    f->nr_features = NR_WORDS;
    if (guest_handle_is_null(f->features))
        return 0;
    if (f->index == XEN_SYSCTL_cpu_featureset_hvm ||
        f->index == XEN_SYSCTL_cpu_featureset_hvm_max)
        return -EOPNOTSUPP;
    for (unsigned i = 0; i < NR_WORDS; i++)
        set[i] = feature_word(i, raw);
    f->nr_features = min(room, (uint32_t)NR_WORDS);
    if (copy_to_guest(f->features, set, f->nr_features))
        return -EFAULT;
    return room < NR_WORDS ? -ENOBUFS : 0;
}

/* ---- taking one ---- */

static bool leaf_known(const xen_cpuid_leaf_t *l)
{
    if (l->subleaf != NO_SUBLEAF && l->subleaf >= MAX_XSTATE)
        return false;
    return l->leaf <= MAX_BASIC || (l->leaf >> 16) == 0x4000 ||
           (l->leaf >= 0x80000000 && l->leaf <= 0x800000ff);
}

static void take_leaf(struct cpu_policy *p, const xen_cpuid_leaf_t *l)
{
    const uint32_t r[4] = {l->a, l->b, l->c, l->d};
    uint32_t subleaf = l->subleaf == NO_SUBLEAF ? 0 : l->subleaf;

    if (l->leaf == 0)
        p->max_leaf = l->a;
    if (l->leaf == 0x80000000)
        p->max_ext_leaf = l->a;
    for (unsigned i = 0; i < NR_WORDS; i++)
        if (words[i].leaf == l->leaf && words[i].subleaf == subleaf)
            p->word[i] = r[words[i].reg];
}

static int take_leaves(struct cpu_policy *p, struct xen_domctl_cpu_policy *c)
{
    xen_cpuid_leaf_t l;

    for (uint32_t i = 0; i < c->nr_leaves; i++) {
        if (copy_from_guest_offset(&l, c->leaves, i, 1))
            return -EFAULT;
        if (!leaf_known(&l)) {
            c->err_leaf = l.leaf;
            c->err_subleaf = l.subleaf;
            return -ERANGE;
        }
        take_leaf(p, &l);
    }
    return 0;
}

/* Only values that say nothing: no MSR of the interface is there. */
static int check_msrs(struct xen_domctl_cpu_policy *c)
{
    xen_msr_entry_t m;

    for (uint32_t i = 0; i < c->nr_msrs; i++) {
        if (copy_from_guest_offset(&m, c->msrs, i, 1))
            return -EFAULT;
        if (m.flags || m.val) {
            c->err_msr = m.idx;
            return m.flags ? -EINVAL : -ERANGE;
        }
    }
    return 0;
}

static int take_policy(struct domain *d, struct xen_domctl_cpu_policy *c)
{
    const struct cpu_policy *old = d->cpu_policy;
    struct cpu_policy *p = xzalloc_type(struct cpu_policy);
    int rc;

    if (!p)
        return -ENOMEM;
    memset(p, 0xff, sizeof(*p)); /* what is not said stays */
    if (old)
        *p = *old;
    rc = take_leaves(p, c);
    if (!rc)
        rc = check_msrs(c);
    if (rc) {
        xfree(p);
        return rc;
    }
    domain_pause(d); /* its vCPUs read the old one in emulation only */
    d->cpu_policy = p;
    domain_unpause(d);
    xfree((void *)(uintptr_t)old);
    return 0;
}

/*
 * set_cpu_policy: of a domain that has not run yet. -EINVAL the caller's own,
 * or an MSR entry with flags; -EEXIST it is under way; -E2BIG too many leaves
 * or MSRs; -ERANGE one that does not exist: err_leaf, err_subleaf, err_msr say
 * which; -EFAULT, -ENOMEM.
 */
long domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_cpu_policy *c = &op->u.cpu_policy;

    c->err_leaf = c->err_subleaf = c->err_msr = ~0u;
    if (d == current->domain)
        return -EINVAL;
    if (d->vcpu[0] && d->vcpu[0]->is_initialised)
        return -EEXIST;
    if (c->nr_leaves > LEAVES_MAX || c->nr_msrs > NR_MSRS)
        return -E2BIG;
    return take_policy(d, c);
}

static void free_policy(struct domain *d)
{
    xfree((void *)(uintptr_t)d->cpu_policy);
    d->cpu_policy = NULL;
}

DOMAIN_HOOKS(policy_hooks) = {
    .name = "policy",
    .destroy = free_policy,
};
