/* Second domains: see domain.h. */
#include "domain.h"

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define WAIT_MS 10000
#define TABLES 4 /* L4 L3 L2 L1, the last PFNs */
#define STACK_PAGES 4

extern char _end[];

/* ---- calls ---- */

long domctl(unsigned cmd, unsigned id, struct xen_domctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)id;
    return hypercall1(__HYPERVISOR_domctl, op);
}

long domctl_plain(unsigned cmd, unsigned id)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    return domctl(cmd, id, &op);
}

long sysctl(unsigned cmd, struct xen_sysctl *op)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_sysctl, op);
}

long gnttab_op(unsigned cmd, void *arg, unsigned count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

void yield(void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

uint64_t free_pages(void)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    expect_eq(sysctl(XEN_SYSCTL_physinfo, &op), 0);
    return op.u.physinfo.free_pages;
}

/* Leaves the CPU idle. */
static void doze_ms(unsigned ms)
{
    struct sched_poll p = {.timeout = system_time() + ms * MS};

    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

uint64_t settled_pages(void)
{
    uint64_t end = system_time() + WAIT_MS * MS, n, last;

    while (domctl_plain(XEN_DOMCTL_getdomaininfo, 1) != -ESRCH) {
        if (system_time() > end) {
            failure("a domain does not go");
            break;
        }
        yield();
    }
    n = free_pages();
    /* The last one's structures go a little later, when the CPU has time. */
    for (unsigned same = 0; same < 5 && system_time() < end;) {
        last = n;
        doze_ms(10);
        n = free_pages();
        same = n == last ? same + 1 : 0;
    }
    return n;
}

bool free_pages_become(uint64_t want)
{
    uint64_t end = system_time() + WAIT_MS * MS, n;

    while ((n = free_pages()) != want && system_time() < end)
        yield();
    if (n != want)
        print("%lu pages are free, not %lu", n, want);
    return n == want;
}

bool wait_for(volatile unsigned *word, unsigned value)
{
    uint64_t end = system_time() + WAIT_MS * MS;

    while (*word != value && system_time() < end)
        yield();
    return *word == value;
}

/* ---- domains ---- */

struct xen_domctl_createdomain domain_config(unsigned vcpus)
{
    return (struct xen_domctl_createdomain){
        .max_vcpus = vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = 64,
        .max_maptrack_frames = 1024,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
}

unsigned domain_new(unsigned vcpus, unsigned pages)
{
    struct xen_domctl op;
    unsigned id;
    long ret;

    memset(&op, 0, sizeof(op));
    op.u.createdomain = domain_config(vcpus);
    ret = domctl(XEN_DOMCTL_createdomain, 0, &op);
    if (ret)
        error("createdomain gave %ld", ret);
    id = op.domain;
    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = vcpus;
    ret = domctl(XEN_DOMCTL_max_vcpus, id, &op);
    if (ret)
        error("max_vcpus gave %ld", ret);
    op.u.max_mem.max_memkb = pages * 4UL;
    ret = domctl(XEN_DOMCTL_max_mem, id, &op);
    if (ret)
        error("max_mem gave %ld", ret);
    return id;
}

struct xen_domctl_getdomaininfo domain_state(unsigned id)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    if (domctl(XEN_DOMCTL_getdomaininfo, id, &op) || op.domain != id)
        memset(&op, 0xff, sizeof(op));
    return op.u.getdomaininfo;
}

/* ---- foreign frames ---- */

long foreign_map(void *page, unsigned domid, unsigned long mfn, uint64_t flags)
{
    return hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, page,
                      PTE(mfn, flags), UVMF_INVLPG, domid);
}

void foreign_unmap(void *page)
{
    expect_eq(update_va((unsigned long)page, PTE(virt_to_mfn(page), FLAGS),
                        UVMF_INVLPG),
              0);
}

unsigned long child_mfn(const struct child *c, const volatile void *p)
{
    return c->mfn[virt_to_pfn((const void *)(uintptr_t)p) - c->first];
}

static char windows[8][PAGE_SIZE] __attribute__((aligned(4096)));
static bool window_used[8];

void *child_map(const struct child *c, const volatile void *object)
{
    unsigned long offset = (unsigned long)object % PAGE_SIZE;

    for (unsigned i = 0; i < ARRAY_SIZE(windows); i++) {
        long ret;

        if (window_used[i])
            continue;
        ret = foreign_map(windows[i], c->id, child_mfn(c, object), FLAGS);
        if (ret)
            error("a frame of the child cannot be mapped: %ld", ret);
        window_used[i] = true;
        return windows[i] + offset;
    }
    error("no window is left");
}

void child_unmap(const void *window)
{
    unsigned long i = ((unsigned long)window - (unsigned long)windows) /
                      PAGE_SIZE;

    foreign_unmap(windows[i]);
    window_used[i] = false;
}

/* ---- children ---- */

static unsigned image_pages(void)
{
    return (unsigned)virt_to_pfn(_end + PAGE_SIZE - 1) - 0x100;
}

void child_new(struct child *c)
{
    struct xen_domctl_getdomaininfo info;

    c->first = 0x100;
    c->pages = image_pages() + STACK_PAGES + TABLES;
    if (c->pages > CHILD_MAX_PAGES || c->first + c->pages > 512)
        error("the test kernel is too large");
    c->id = domain_new(1, c->pages);
    info = domain_state(c->id);
    c->shared_info = info.shared_info_frame;
    c->l4 = 0;
    c->box = NULL;
}

void child_populate(struct child *c)
{
    struct xen_memory_reservation r = {.domid = (domid_t)c->id,
                                       .nr_extents = c->pages};
    long ret;

    for (unsigned i = 0; i < c->pages; i++)
        c->mfn[i] = c->first + i;
    set_xen_guest_handle(r.extent_start, c->mfn);
    ret = hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r);
    if (ret != (long)c->pages)
        error("populate_physmap gave %ld of %u", ret, c->pages);
    for (unsigned i = 0; i < image_pages(); i++) {
        void *copy = child_map(c, pfn_to_virt(c->first + i));
        memcpy(copy, pfn_to_virt(c->first + i), PAGE_SIZE);
        child_unmap(copy);
    }
}

static uint64_t *table_map(const struct child *c, unsigned level)
{
    return child_map(c, pfn_to_virt(c->first + c->pages - level));
}

static unsigned long table_mfn(const struct child *c, unsigned level)
{
    return c->mfn[c->pages - level];
}

static void fill_l1(const struct child *c)
{
    unsigned long si = virt_to_pfn(shared_info);
    uint64_t *l1 = table_map(c, 1);

    for (unsigned i = 0; i < c->pages - TABLES; i++)
        l1[c->first + i] = PTE(c->mfn[i], FLAGS);
    l1[si] = PTE(c->shared_info, FLAGS);
    child_unmap(l1);
}

void child_tables(struct child *c)
{
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE};
    unsigned done = 0;
    long ret;

    fill_l1(c);
    for (unsigned level = 2; level <= 4; level++) {
        uint64_t *t = table_map(c, level);
        unsigned index = VIRT_BASE >> (12 + 9 * (level - 1)) & 511;
        t[index] = PTE(table_mfn(c, level - 1), FLAGS);
        child_unmap(t);
    }
    c->l4 = pin.arg1.mfn = table_mfn(c, 4);
    ret = hypercall4(__HYPERVISOR_mmuext_op, &pin, 1, &done, c->id);
    if (ret)
        error("the child's L4 cannot be pinned: %ld", ret);
}

void child_context(struct child *c, void (*fn)(void))
{
    static struct vcpu_guest_context context;
    struct xen_domctl op;
    long ret;

    memset(&context, 0, sizeof(context));
    for (unsigned i = 0; trap_gates[i].address; i++)
        context.trap_ctxt[trap_gates[i].vector] = trap_gates[i];
    context.flags = VGCF_in_kernel | VGCF_online;
    context.user_regs.rip = (unsigned long)fn;
    context.user_regs.rsp = (unsigned long)pfn_to_virt(
        c->first + c->pages - TABLES) - 8;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(c->l4);
    context.event_callback_eip = (unsigned long)event_callback;
    context.failsafe_callback_eip = (unsigned long)failsafe_callback;
    context.syscall_callback_eip = (unsigned long)syscall_callback;
    memset(&op, 0, sizeof(op));
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    ret = domctl(XEN_DOMCTL_setvcpucontext, c->id, &op);
    if (ret)
        error("setvcpucontext gave %ld", ret);
}

void child_start(struct child *c, void (*fn)(void))
{
    long ret;

    child_new(c);
    child_populate(c);
    child_tables(c);
    child_context(c, fn);
    ret = domctl_plain(XEN_DOMCTL_unpausedomain, c->id);
    if (ret)
        error("unpausedomain gave %ld", ret);
}

/* ---- what a child does for us ---- */

struct child_box {
    volatile unsigned go, nr;
    unsigned long arg[4];
    long ret;
    char data[CHILD_DATA_SIZE];
};
static struct child_box box __attribute__((aligned(4096)));

void child_serve(void)
{
    for (;;) {
        while (!box.go)
            yield();
        box.ret = hypercall4(box.nr, box.arg[0], box.arg[1], box.arg[2],
                             box.arg[3]);
        __atomic_store_n(&box.go, 0, __ATOMIC_SEQ_CST);
    }
}

unsigned long child_data(void)
{
    return (unsigned long)box.data;
}

bool child_is_done(const struct child *c)
{
    return !c->box->go;
}

void child_start_server(struct child *c)
{
    child_start(c, child_serve);
    c->box = child_map(c, &box);
}

void child_begin(struct child *c, unsigned nr, unsigned long a1,
                 unsigned long a2, unsigned long a3, unsigned long a4,
                 const void *data, size_t size)
{
    const unsigned long arg[4] = {a1, a2, a3, a4};

    if (size > CHILD_DATA_SIZE)
        error("%lu bytes are too much for a child", size);
    memcpy(c->box->data, data, size);
    for (unsigned i = 0; i < 4; i++)
        c->box->arg[i] =
            arg[i] == CHILD_DATA ? child_data() : arg[i];
    c->box->nr = nr;
    __atomic_store_n(&c->box->go, 1, __ATOMIC_SEQ_CST);
}

long child_end(struct child *c, void *data, size_t size)
{
    if (!wait_for(&c->box->go, 0))
        error("the child does not come back from call %u", c->box->nr);
    memcpy(data, c->box->data, size);
    return c->box->ret;
}

long child_call(struct child *c, unsigned nr, unsigned long a1,
                unsigned long a2, unsigned long a3, unsigned long a4,
                void *data, size_t size)
{
    child_begin(c, nr, a1, a2, a3, a4, data, size);
    return child_end(c, data, size);
}

long child_destroy(struct child *c)
{
    if (c->box)
        child_unmap(c->box);
    c->box = NULL;
    return domctl_plain(XEN_DOMCTL_destroydomain, c->id);
}
