/*
 * What a toolstack does with a suspended guest, by the control interface, and
 * what a hostile one does with any:
 *
 *   guest-control here ID      waits until it is suspended, and lets it go on
 *                              in the same domain, where the call gives 1
 *   guest-control move ID NEW  waits, and puts it into the domain NEW, which
 *                              has just been built from the same configuration
 *                              and is paused: there the call gives 0
 *   guest-control break ID RING  RING is store or console: indices that cannot
 *                              be, in the guest's ring that its pages show
 *
 * A move leaves NEW what was made for it: page tables, list of frames,
 * start_info, the pages of xenstore and of the console. It looks, as who saves
 * a guest must, whether start_info can be found, whether the pages in it are
 * the guest's own numbers, and whether the page tables show the guest's own
 * frames only.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xenforeignmemory.h>
#include <xeno.h>
#include <xen/sched.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>

#define WAIT_MS 120000
#define ENTRIES 512
#define PRESENT 1ul
#define FRAME_MASK 0xffffffffff000ul

struct guest {
    uint32_t id;
    vcpu_guest_context_t context;
    uint64_t l4, shared_info; /* frames */
    xen_pfn_t start_mfn, *p2m;
    struct start_info start; /* a copy */
};

static struct xeno *x;
static xenforeignmemory_handle *memory;

static void fail(const char *fmt, ...)
{
    va_list ap;

    fputs("guest-control: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

/* For what libxeno has done: 0, or its words. */
static void done(int rc)
{
    if (rc)
        fail("%s", xeno_error(x));
}

static void *map(uint32_t id, xen_pfn_t mfn, int access)
{
    void *p = xenforeignmemory_map(memory, id, access, 1, &mfn, NULL);

    if (!p)
        fail("frame %#lx of domain %u: %s", mfn, id, strerror(errno));
    return p;
}

static void unmap(void *p)
{
    xenforeignmemory_unmap(memory, p, 1);
}

static void read_frame(uint32_t id, xen_pfn_t mfn, void *to, size_t n)
{
    void *p = map(id, mfn, PROT_READ);

    memcpy(to, p, n);
    unmap(p);
}

/* ---- what a guest has ---- */

/* The frame at an address of the guest's. */
static xen_pfn_t frame_at(const struct guest *g, uint64_t va)
{
    uint64_t table[ENTRIES], entry;
    xen_pfn_t mfn = g->l4;

    for (int shift = 39; shift >= 12; shift -= 9) {
        read_frame(g->id, mfn, table, sizeof(table));
        entry = table[va >> shift & (ENTRIES - 1)];
        if (!(entry & PRESENT))
            fail("domain %u has nothing at %#lx", g->id, va);
        mfn = (entry & FRAME_MASK) >> 12;
    }
    return mfn;
}

static void read_list(struct guest *g)
{
    size_t size = g->start.nr_pages * sizeof(*g->p2m), done_bytes, n;

    g->p2m = malloc(size);
    for (done_bytes = 0; done_bytes < size; done_bytes += n) {
        n = size - done_bytes < XENO_PAGE_SIZE ? size - done_bytes
                                               : XENO_PAGE_SIZE;
        read_frame(g->id, frame_at(g, g->start.mfn_list + done_bytes),
                   (char *)g->p2m + done_bytes, n);
    }
}

/* start_mfn is known then. */
static void read_start_info(struct guest *g)
{
    read_frame(g->id, g->start_mfn, &g->start, sizeof(g->start));
    if (memcmp(g->start.magic, "xen-3.0", 7))
        fail("domain %u: no start_info at frame %#lx", g->id, g->start_mfn);
    read_list(g);
}

static struct guest look_at(uint32_t id)
{
    struct guest g = {.id = id};
    struct xeno_domain d;

    done(xeno_domain_info(x, id, &d));
    done(xeno_vcpu_context(x, id, 0, &g.context));
    g.shared_info = d.shared_info_mfn;
    g.l4 = xen_cr3_to_pfn(g.context.ctrlreg[3]);
    return g;
}

/* A page's number; the number of pages if it is none. */
static xen_pfn_t pfn_of(const struct guest *g, xen_pfn_t mfn)
{
    xen_pfn_t pfn = 0;

    while (pfn < g->start.nr_pages && g->p2m[pfn] != mfn)
        pfn++;
    return pfn;
}

/* ---- a suspended guest ---- */

static void await(uint32_t id)
{
    struct xeno_domain d;

    for (int ms = 0; ms < WAIT_MS; ms += 20) {
        done(xeno_domain_info(x, id, &d));
        if (d.shutdown && d.shutdown_reason == SHUTDOWN_suspend)
            return;
        usleep(20000);
    }
    fail("domain %u does not suspend", id);
}

/* xenstored tells of a domain's end once, unless it is told of this. */
static void go_on_here(uint32_t id)
{
    struct guest g = look_at(id);
    char number[16];

    g.context.user_regs.rax = 1;
    done(xeno_vcpu_set_context(x, id, 0, &g.context));
    snprintf(number, sizeof(number), "%u", id);
    xeno_store_ask(x, XS_RESUME, number, NULL, 0, NULL);
    done(xeno_store_run(x));
    done(xeno_domain_resume(x, id));
}

/* What was told in shared_info is what is so. */
static void check_list(const struct guest *g)
{
    struct shared_info s;

    read_frame(g->id, g->shared_info, &s, sizeof(s));
    if (s.arch.max_pfn != g->start.nr_pages ||
        s.arch.p2m_vaddr != g->start.mfn_list ||
        xen_cr3_to_pfn(s.arch.p2m_cr3) != g->l4)
        fail("shared_info tells nothing of the list of frames");
    if (g->start.store_mfn >= g->start.nr_pages ||
        g->start.console.domU.mfn >= g->start.nr_pages)
        fail("start_info names no pages, but frames");
}

static void check_tables(const struct guest *g)
{
    uint64_t table[ENTRIES];
    xen_pfn_t first = pfn_of(g, g->l4), frame;

    for (unsigned t = 0; t < g->start.nr_pt_frames; t++) {
        read_frame(g->id, g->p2m[first + t], table, sizeof(table));
        for (unsigned i = 0; i < ENTRIES; i++) {
            frame = (table[i] & FRAME_MASK) >> 12;
            if (t == 0 && i >= 256 && i <= 271)
                continue; /* the hypervisor's */
            if ((table[i] & PRESENT) && pfn_of(g, frame) == g->start.nr_pages)
                fail("table %u, entry %u shows frame %#lx, which is not the "
                     "guest's own", t, i, frame);
        }
    }
}

/* Pages that the new domain's builder has filled for it. */
static int is_kept(const struct guest *g, xen_pfn_t pfn)
{
    xen_pfn_t tables = pfn_of(g, g->l4);
    xen_pfn_t list = tables - ((g->start.pt_base - g->start.mfn_list) >> 12);
    uint64_t list_bytes = g->start.nr_pages * sizeof(*g->p2m);

    return (pfn >= tables && pfn < tables + g->start.nr_pt_frames) ||
           (pfn >= list && pfn - list <= (list_bytes - 1) >> 12) ||
           pfn == pfn_of(g, g->start_mfn) || pfn == g->start.store_mfn ||
           pfn == g->start.console.domU.mfn;
}

static void copy_page(const struct guest *from, const struct guest *to,
                      xen_pfn_t pfn)
{
    void *p = map(to->id, to->p2m[pfn], PROT_READ | PROT_WRITE);

    read_frame(from->id, from->p2m[pfn], p, XENO_PAGE_SIZE);
    unmap(p);
}

/* All vCPUs that ran, with the new tables; their events are off. */
static void copy_vcpus(const struct guest *from, const struct guest *to)
{
    struct shared_info *s = map(to->id, to->shared_info,
                                PROT_READ | PROT_WRITE);
    vcpu_guest_context_t c;

    for (unsigned i = 0; !xeno_vcpu_context(x, from->id, i, &c); i++) {
        c.ctrlreg[3] = to->context.ctrlreg[3];
        done(xeno_vcpu_set_context(x, to->id, i, &c));
        s->vcpu_info[i].evtchn_upcall_mask = 1;
    }
    unmap(s);
}

static void move(uint32_t id, uint32_t new_id)
{
    struct guest from = look_at(id), to = look_at(new_id);

    from.start_mfn = from.context.user_regs.rdx;
    read_start_info(&from);
    check_list(&from);
    check_tables(&from);
    to.start_mfn = frame_at(&to, to.context.user_regs.rsi);
    read_start_info(&to);
    if (to.start.nr_pages != from.start.nr_pages ||
        to.start.pt_base != from.start.pt_base ||
        to.start.store_mfn != to.p2m[from.start.store_mfn])
        fail("domains %u and %u are not alike", id, new_id);
    for (xen_pfn_t pfn = 0; pfn < from.start.nr_pages; pfn++)
        if (!is_kept(&from, pfn))
            copy_page(&from, &to, pfn);
    copy_vcpus(&from, &to);
    free(from.p2m);
    free(to.p2m);
}

/* ---- a hostile one ---- */

/* Its side of a ring; frames are what xenstore has of them. */
static void break_ring(uint32_t id, const char *which)
{
    char *text = xeno_read(x, "/local/domain/%u/%s/ring-ref", id, which);
    void *page = map(id, text ? strtoul(text, NULL, 10) : 0,
                     PROT_READ | PROT_WRITE);

    if (strcmp(which, "store")) {
        struct xencons_interface *console = page;
        console->in_prod = console->in_cons + 100000;
        console->out_cons = console->out_prod + 5;
    } else {
        struct xenstore_domain_interface *store = page;
        store->rsp_prod = store->rsp_cons + 100000;
        store->req_cons = store->req_prod + 5;
    }
    unmap(page);
    free(text);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    uint32_t id = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;

    x = xeno_open();
    memory = xenforeignmemory_open(NULL, 0);
    if (!x || !memory)
        fail("no hypervisor: %s", strerror(errno));
    if (!strcmp(what, "here")) {
        await(id);
        go_on_here(id);
    } else if (!strcmp(what, "move") && argc > 3) {
        await(id);
        move(id, (uint32_t)atoi(argv[3]));
    } else if (!strcmp(what, "break") && argc > 3) {
        break_ring(id, argv[3]);
    } else {
        fail("here ID, move ID NEW, break ID RING");
    }
    return 0;
}
